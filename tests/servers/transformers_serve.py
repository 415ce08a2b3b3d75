"""A real server: `transformers serve` on a checkpoint of this repository, on the loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2

_MOST_SECONDS = 120


@contextlib.contextmanager
def serving(checkpoint: str, log: Path, packages: Sequence[Path] = ()) -> Iterator[str]:
    """Serve a checkpoint until the block ends; yield the address of the API.

    packages: folders with what the server needs, where the environment does not have it.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", checkpoint]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    if packages:
        environment["PYTHONPATH"] = os.pathsep.join([*map(str, packages), *sys.path])
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


def _wait(health: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server answers. Raises: RuntimeError with its log if it never does."""
    until = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(health).status_code == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    raise RuntimeError(log.read_text()[-2000:])
