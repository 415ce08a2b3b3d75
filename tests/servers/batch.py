"""A stand-in for OpenAI's batch API, beside the chat completions of `servers.chat`.

As its documentation has it: a file is uploaded with the purpose `batch`; a batch is made of its id,
an endpoint and a window; it goes from validating over in_progress and finalizing to completed, or
to expired with what was done; lines of output and errors come in any order, by `custom_id`.
"""

import contextlib
import email.parser
import email.policy
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = Callable[[Mapping[str, Any]], Mapping[str, Any]]
# What becomes of a request: "" an answer, or `expired`, or the status of an error.
Fate = Callable[[Mapping[str, Any], int], str]


class BatchServer(ThreadingHTTPServer):
    """Holds files and batches; a batch ends when it was looked at so often."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, reply: Reply, fate: Fate, looks: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply, self.fate, self.looks = reply, fate, looks
        self.lock = threading.Lock()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.answered: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.calls: list[str] = []
        self.no_api = False
        self.fails: Callable[[str, int], str] = lambda call, n: ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client hangs up."""

    def add_file(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return {"id": name, "object": "file", "purpose": "batch", "bytes": len(content)}

    def add_batch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        name = f"batch_{len(self.batches) + 1}"
        batch = {"id": name, "object": "batch", "status": "validating", "looks": 0} | dict(asked)
        self.batches[name] = batch
        for line in self._requests(batch):
            self.sent[line["body"]["messages"][-1]["content"]] += 1
        return batch

    def _requests(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        content = self.files[batch["input_file_id"]]
        return [json.loads(line) for line in content.decode().splitlines()]

    def look(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch; each look brings it nearer to its end."""
        batch["looks"] += 1
        if batch["status"] in ("completed", "expired", "failed"):
            return batch
        if batch["looks"] < self.looks:
            batch["status"] = "in_progress"
            return batch
        good, bad, expired = [], [], False
        for line in self._requests(batch):
            said = line["body"]["messages"][-1]["content"]
            fate = self.fate(line["body"], self.sent[said])
            common = {"id": f"r-{line['custom_id']}", "custom_id": line["custom_id"]}
            if fate == "expired":
                expired = True
                error = {"code": "batch_expired", "message": "not executed in time"}
                bad.append(common | {"response": None, "error": error})
            elif fate == "missing":
                pass
            elif fate:
                body = {"error": {"message": f"refused with {fate}", "code": None}}
                bad.append(
                    common | {"response": {"status_code": int(fate), "body": body}, "error": None}
                )
            else:
                self.answered[said] += 1
                body = dict(self.reply(line["body"]))
                good.append(
                    common | {"response": {"status_code": 200, "body": body}, "error": None}
                )
        for key, lines in (("output_file_id", good), ("error_file_id", bad)):
            random.Random(0).shuffle(lines)
            if lines:
                content = "".join(json.dumps(line) + "\n" for line in lines).encode()
                batch[key] = self.add_file(content)["id"]
        batch["status"] = "expired" if expired else "completed"
        return batch


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BatchServer
    timeout = 30

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda parts: self._post(parts, content))

    def do_GET(self) -> None:
        self._answer(self._get)

    def _answer(self, work: Callable[[list[str]], bytes | Mapping[str, Any] | None]) -> None:
        server = self.server
        parts = urlsplit(self.path).path.removeprefix("/v1/").split("/")
        call = f"{self.command} {parts[0]}{'/' if len(parts) > 1 else ''}"
        with server.lock:
            server.calls.append(call)
            fault = server.fails(call, len(server.calls))
            if fault == "before":
                self.close_connection = True
                return
            found = None if server.no_api else work(parts)
        if fault == "after":  # it was done, and nobody heard of it
            self.close_connection = True
            return
        body = found if isinstance(found, bytes) else json.dumps(found or {}).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _post(self, parts: list[str], content: bytes) -> Mapping[str, Any] | None:
        if parts == ["files"]:
            return self.server.add_file(self._uploaded(content))
        return self.server.add_batch(json.loads(content)) if parts == ["batches"] else None

    def _uploaded(self, content: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
        fields = {
            part.get_param("name", header="content-disposition"): part for part in form.iter_parts()
        }
        assert fields["purpose"].get_payload() == "batch"
        payload = fields["file"].get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload

    def _get(self, parts: list[str]) -> bytes | Mapping[str, Any] | None:
        server = self.server
        if parts[0] == "files" and parts[-1] == "content":
            return server.files.get(parts[1])
        if parts[0] == "batches" and len(parts) == 2:
            batch = server.batches.get(parts[1])
            return batch and server.look(batch)
        if parts == ["batches"]:  # newest first, some at a time
            after = parse_qs(urlsplit(self.path).query).get("after", [""])[0]
            names = list(server.batches)[::-1]
            names = names[names.index(after) + 1 :] if after else names
            page = [server.batches[name] for name in names[:2]]
            return {"object": "list", "data": page, "has_more": len(names) > 2}
        return None

    def log_message(self, format: str, *args: object) -> None:
        return None


@contextlib.contextmanager
def serving(reply: Reply, fate: Fate = lambda body, n: "", looks: int = 1) -> Iterator[BatchServer]:
    """Serve until the block ends."""
    server = BatchServer(reply, fate, looks)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
