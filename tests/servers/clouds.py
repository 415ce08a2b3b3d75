"""Emulators of object stores on this machine: each of its own process, with one bucket.

They need gcsfs and gcp-storage-emulator (both of PyPI) for `gs`; adlfs and Azurite for `az`
(`npm install azurite`, its `azurite-blob` on the PATH); moto, flask and s3fs for `s3`.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import fsspec  # noqa: TID253

from servers.s3 import ACCESS, BUCKET, s3_server

_GS = (
    "from gcp_storage_emulator.server import create_server as make; import sys; "
    f"s = make('127.0.0.1', 0, in_memory=True, default_bucket='{BUCKET}'); s.start(); "
    "print(s._api._httpd.server_address[1], flush=True); sys.stdin.read()"
)
# The account that every Azurite has, with its key, which is published and no secret.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Cloud:
    """An emulator: whether it can be started here, and what makes its protocol mean it."""

    can_start: Callable[[], bool]
    start: Callable[[], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def _s3() -> Iterator[Mapping[str, str]]:
    with s3_server() as address:
        yield {**ACCESS, "AWS_ENDPOINT_URL": address}


@contextmanager
def _gs() -> Iterator[Mapping[str, str]]:
    with _process([sys.executable, "-c", _GS], r"([0-9]+)\n") as port:
        # A kind of bucket that gcsfs would ask for in another way, with other credentials.
        no = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
        yield {**no, "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}


@contextmanager
def _az() -> Iterator[Mapping[str, str]]:
    command = ["azurite-blob", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry"]
    command.append("--skipApiVersionCheck")
    with _process(command, r".* listens on http://\S+:([0-9]+)") as port:
        address = (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{_ACCOUNT};"
        )
        fsspec.filesystem("az", connection_string=address).mkdir(BUCKET)
        yield {"AZURE_STORAGE_CONNECTION_STRING": address}


@contextmanager
def _process(command: list[str], announced: str) -> Iterator[str]:
    """Give the port that a server says it listens on."""
    with subprocess.Popen(
        command, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            lines = (re.match(announced, line) for line in process.stdout)
            yield next(said[1] for said in lines if said)
        finally:
            process.kill()


def _has(*modules: str) -> bool:
    return all(find_spec(name) for name in modules)


CLOUDS = {
    "s3": Cloud(lambda: _has("moto", "flask", "s3fs"), _s3),
    "gs": Cloud(lambda: _has("gcsfs", "gcp_storage_emulator"), _gs),
    "az": Cloud(lambda: _has("adlfs") and bool(shutil.which("azurite-blob")), _az),
}
