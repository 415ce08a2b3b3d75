"""An S3 server on this machine (moto's), and a proxy before it that fails some requests."""

import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BUCKET = "bucket"
_START = (
    "from moto.server import ThreadedMotoServer as S; import sys, time; "
    "s = S('127.0.0.1', 0, verbose=False); s.start(); "
    "print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
)
# What clients of AWS read, so that s3:// means the server here, for processes started from now on.
ACCESS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def s3_server() -> Iterator[str]:
    """Give the address of a server of its own process, with one bucket."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **ACCESS}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=60).close()
        try:
            yield address
        finally:
            process.kill()


class Faulty(ThreadingHTTPServer):
    """Passes requests on, but for a share of them, which it answers with 503, or not at all.

    failed: how many of them it has failed so far.
    """

    daemon_threads = True

    def __init__(self, address: str, share: float, seed: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.address, self.share, self.failed, self.passed = address, share, 0, 0
        self.draws = random.Random(seed)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faulty

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _pass(self) -> None:
        body = self._body()
        if self.server.draws.random() < self.server.share:
            self.server.failed += 1
            if self.server.failed % 2:
                self._answer(503, {}, b"<Error><Code>InternalError</Code></Error>")
            else:
                self.close_connection = True  # without a word
            return
        self.server.passed += 1
        kept = {k: v for k, v in self.headers.items() if k.lower() != "transfer-encoding"}
        kept.setdefault("Content-Type", "application/octet-stream")  # else urllib calls it a form
        request = urllib.request.Request(
            self.server.address + self.path, body or None, kept, method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, dict(error.headers), error.read())

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else len(body)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def wait_for(condition: Any, seconds: float = 120) -> None:
    """Wait until something holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.05)
