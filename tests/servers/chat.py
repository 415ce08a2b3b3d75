"""A stand-in for an OpenAI-compatible server, which fails as it is told to."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fields = Mapping[str, Any]
Reply = Callable[[Fields], Fields]
Faults = Callable[[str, int], str]


def completion(text: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    choice |= {"finish_reason": "stop"} | more
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


def first_token(**logprobs: float) -> dict[str, Any]:
    """Return an answer of one token, with the log-probabilities of what could have stood there."""
    likeliest = max(logprobs, key=lambda token: logprobs[token])
    top = [{"token": token, "logprob": value} for token, value in logprobs.items()]
    one = {"token": likeliest, "logprob": logprobs[likeliest], "top_logprobs": top}
    return completion(likeliest, logprobs={"content": [one]}, finish_reason="length")


class Server(ThreadingHTTPServer):
    """Answers each request with `reply`, but for what `faults` says of its text and its try."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, reply: Reply, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.faults = faults
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.tries: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.open = self.most_open = self.held = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client hangs up: some tests have it do so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 30

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        server = self.server
        with server.lock:
            server.bodies.append(body)
            server.headers.append({k.lower(): v for k, v in self.headers.items()})
            server.tries[said] += 1
            number = server.tries[said]
            server.open += 1
            server.most_open = max(server.most_open, server.open)
        try:
            self._answer(server.faults(said, number), said, body)
        finally:
            with server.lock:
                server.open -= 1

    def _answer(self, fault: str, said: str, body: Fields) -> None:
        if fault == "slow":
            with self.server.lock:
                self.server.held += 1
            self.server.ending.wait()  # until the test is over: no client waits so long
            self.close_connection = True
        elif fault == "hang up":
            self.close_connection = True
        elif fault == "truncated":
            whole = json.dumps(self.server.reply(body)).encode()
            self._send(200, whole[: len(whole) // 2], length=len(whole))
            self.close_connection = True
        elif fault == "no json":
            self._send(200, b"<html>Bad gateway</html>")
        elif fault == "wrong json":
            self._send(200, b'{"choices": [{"text": 3}]}')
        elif fault:
            status, _, rest = fault.partition(" ")
            headers, _, text = rest.partition("|")
            self._send(int(status), (text or "{}").encode(), headers)
        else:
            content = json.dumps(self.server.reply(body)).encode()
            with self.server.lock:
                self.server.answered[said] += 1
            self._send(200, content)

    def _send(self, status: int, content: bytes, header: str = "", length: int = -1) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length < 0 else length))
        if header:
            name, _, value = header.partition("=")
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


@contextlib.contextmanager
def serving(
    reply: Reply = lambda body: completion("yes"), faults: Faults = lambda said, n: ""
) -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server(reply, faults)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
