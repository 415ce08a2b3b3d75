"""Batch files, as OpenAI's batch API takes them: requests today, their answers within a day.

Requests that nobody has answered are collected while a run goes on, and written to files at its
end. Each file goes through the same steps: written, uploaded, made a batch, done, fetched. What a
step brings is on the disk before the next, so that a run that is killed goes on from there, and a
batch whose creation nobody noted is found again by the digest of its file, which it bears. A
server without such an API leaves the file to be sent by hand: its answers are taken from where they
are put.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalharness.endpoint import (
    Answer,
    Client,
    TryAgain,
    Unanswered,
    answer_of,
    completions,
    explanation,
    is_passing,
    parse_json,
)
from evalharness.errors import EndpointError
from evalharness.records import canonical, digest

# OpenAI's own limit of a file.
MOST_REQUESTS = 50_000
_REQUESTS, _OUTPUT, _ERRORS, _STATE = (
    ".requests.jsonl", ".output.jsonl", ".errors.jsonl", ".json",
)  # fmt: skip
# The field of a batch that bears the digest of its file.
_MARK = "evalharness"
_AT_WORK = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "expired", "cancelled"})
_NO_API = frozenset({404, 405, 501})
_SECONDS = 120.0


@dataclass
class BatchFile:
    """A file of requests and how far it has come.

    path: without the ending. state: what the server calls it: file_id, batch_id, status; `fetched`
    where its answers are here.
    """

    path: Path
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, requests: Path) -> "BatchFile":
        """Read how far a file has come."""
        path = requests.with_name(requests.name.removesuffix(_REQUESTS))
        try:
            state = json.loads(path.with_name(path.name + _STATE).read_bytes())
        except (OSError, ValueError):
            state = {}
        return cls(path, state if isinstance(state, dict) else {})

    def file(self, ending: str) -> Path:
        """Return one of its files."""
        return self.path.with_name(self.path.name + ending)

    def note(self, **known: Any) -> None:
        """Note what is known of it, on the disk."""
        self.state |= known
        _write_whole(self.file(_STATE), canonical(self.state).encode())

    @property
    def is_done(self) -> bool:
        """Whether its answers are here: fetched, or put here by hand."""
        by_hand = not self.state.get("batch_id") and self.file(_OUTPUT).exists()
        return bool(self.state.get("fetched")) or by_hand

    @property
    def waits(self) -> str:
        """Say what its requests wait for."""
        if self.state.get("by_hand"):
            where = self.file(_OUTPUT)
            return f"send {self.file(_REQUESTS)} and put the answers at {where}"
        status = self.state.get("status", "not sent yet")
        return f"batch {self.state.get('batch_id', self.path.name)}: {status}"

    def request_keys(self) -> list[str]:
        """Return the keys of its requests."""
        return [str(line["custom_id"]) for line in _lines(self.file(_REQUESTS))]

    def results(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield key and line of what came back, in whatever order."""
        for ending in (_OUTPUT, _ERRORS):
            for line in _lines(self.file(ending)):
                if isinstance(key := line.get("custom_id"), str):
                    yield key, line


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; what is none is passed over."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            found = parse_json(line)
            if isinstance(found, dict):
                yield found


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


class BatchFiles:
    """The batch files of a run's servers, in the store. One that is asked for nothing does nothing.

    Raises: EndpointError, from each of its methods, where a server refuses.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder of all of them."""
        self._folder = folder
        self._servers: dict[str, ServerBatches] = {}

    def ask(self, client: Client, bodies: Sequence[bytes]) -> list[Answer | Unanswered]:
        """Return the answers that are here; other requests go into the next file."""
        name = digest(client.server.identity())[:16]
        if name not in self._servers:
            batches = ServerBatches(self._folder / name, client)
            batches.advance()
            batches.load()
            self._servers[name] = batches
        return [self._servers[name].answer(body) for body in bodies]

    def send(self) -> None:
        """Write what waits to files, and send them."""
        for batches in self._servers.values():
            batches.write()
            batches.advance()


class ServerBatches:
    """The batch files of one server."""

    def __init__(self, folder: Path, client: Client) -> None:
        """Take the folder of its files."""
        self.folder = folder
        self.client = client
        self.known: dict[str, Answer | Unanswered] = {}
        self.waiting: dict[str, bytes] = {}

    @property
    def files(self) -> list[BatchFile]:
        """All files, in the order of their names."""
        return [BatchFile.read(path) for path in sorted(self.folder.glob(f"*{_REQUESTS}"))]

    def load(self) -> None:
        """Read what came back. What was expired, or failed for now, is not known."""
        for file in self.files:
            if not file.is_done:
                pending = Unanswered(f"{file.waits}; the same command takes the answers")
                for key in file.request_keys():
                    self.known.setdefault(key, pending)
                continue
            for key, line in file.results():
                result = self._result(line)
                is_known = isinstance(self.known.get(key), Answer)
                if result is not None and not is_known:
                    self.known[key] = result

    def _result(self, line: Mapping[str, Any]) -> Answer | Unanswered | None:
        """Return what a line says; None where the request is to be sent again."""
        response = line.get("response")
        response = response if isinstance(response, dict) else {}
        status, body = response.get("status_code"), response.get("body")
        if status == 200:
            try:
                return self.client.shown(answer_of(body))
            except TryAgain:
                return None
        if not isinstance(status, int) or is_passing(status):
            return None
        return self.client.refusal(status, body)

    def answer(self, body: bytes) -> Answer | Unanswered:
        """Return the answer to a request, or what it waits for."""
        key = digest(body.decode())
        if key not in self.known:
            self.waiting[key] = body
            return Unanswered("put into a batch file; the same command takes the answers")
        return self.known[key]

    def write(self) -> None:
        """Write the requests that wait to files, each no longer than the server takes."""
        path = completions(self.client.server.url).partition("://")[2].partition("/")[2]
        most = self.client.server.batch_requests or MOST_REQUESTS
        items = list(self.waiting.items())
        self.folder.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(items), most):
            lines = [
                canonical({"custom_id": key, "method": "POST", "url": f"/{path.partition('?')[0]}",
                           "body": json.loads(body)}) + "\n"
                for key, body in items[start : start + most]
            ]  # fmt: skip
            content = "".join(lines).encode()
            # Of requests that expired there is a file already, which has been through.
            name = digest(hashlib.sha256(content).hexdigest(), len(self.files))[:12]
            _write_whole(self.folder / f"{len(self.files):04d}-{name}{_REQUESTS}", content)
        self.waiting = {}

    def advance(self) -> None:
        """Take each file as many steps further as the server allows."""
        for file in self.files:
            while not file.is_done and self._step(file):
                pass

    def _step(self, file: BatchFile) -> bool:
        """Take a file one step further; False where that has to wait."""
        if "batch_id" not in file.state:
            return self._create(file)
        batch = self._json("GET", f"batches/{file.state['batch_id']}")
        status = str(batch.get("status"))
        if status == "failed":
            data = (batch.get("errors") or {}).get("data") or [{}]
            why = explanation({"error": data[0]}, str)
            raise EndpointError(f"{self.client.server.url}: batch {batch.get('id')} failed{why}; "
                                f"mend that and remove {file.path}*")  # fmt: skip
        if status in _ENDED:
            self._fetch(file, batch)
            return False
        if status != file.state.get("status"):
            file.note(status=status)
        return False

    def _create(self, file: BatchFile) -> bool:
        """Make a batch of a file, unless there is one that nobody noted."""
        content = file.file(_REQUESTS).read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:32] + file.path.name
        if "file_id" not in file.state:
            if (found := self._upload(file)) is None:
                file.note(by_hand=True)
                return False
            file.note(file_id=found)
        batch = self._find(mark)
        if batch is None:
            first = json.loads(content.partition(b"\n")[0])
            asked = {"input_file_id": file.state["file_id"], "endpoint": first["url"]}
            more = {"completion_window": "24h", "metadata": {_MARK: mark}}
            batch = self._json("POST", "batches", json=asked | more)
        file.note(batch_id=batch["id"], status=str(batch.get("status")))
        return True

    def _find(self, mark: str) -> dict[str, Any] | None:
        """Return the batch that bears a mark, among those of the server; None where none does."""
        after = ""
        while True:
            page = self._json("GET", f"batches?limit=100{after}")
            batches = [each for each in page.get("data") or [] if isinstance(each, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(_MARK) == mark:
                    return batch
            if not (page.get("has_more") and batches):
                return None
            after = f"&after={batches[-1]['id']}"

    def _upload(self, file: BatchFile) -> str | None:
        """Return what the server calls the file; None where it has no such API."""
        path = file.file(_REQUESTS)
        with path.open("rb") as stream:
            parts = {"file": (path.name, stream, "application/jsonl")}
            found = self._json("POST", "files", data={"purpose": "batch"}, files=parts)
        return str(found["id"]) if "id" in found else None

    def _fetch(self, file: BatchFile, batch: Mapping[str, Any]) -> None:
        """Fetch the answers of a batch that has ended, and note that they are here."""
        for name, ending in (("output_file_id", _OUTPUT), ("error_file_id", _ERRORS)):
            if batch.get(name):
                content = self._send("GET", f"files/{batch[name]}/content").content
                _write_whole(file.file(ending), content)
        file.note(status=str(batch.get("status")), fetched=True)

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        response = self._send(method, path, **more)
        if path == "files" and response.status_code in _NO_API:
            return {}
        body = parse_json(response.content)
        if not isinstance(body, dict):
            raise EndpointError(f"{self.client.server.url}: {path}: an answer that is no JSON")
        return body

    def _send(self, method: str, path: str, **more: Any) -> Any:
        """Send a request of the batch API. Raises: EndpointError."""
        import httpx2

        server = self.client.server
        address = completions(server.url).partition("?")[0].removesuffix("chat/completions") + path
        try:
            with httpx2.Client(verify=server.secure, timeout=_SECONDS) as http:
                response = http.request(
                    method, address, headers=self.client.authorization(), **more
                )
        except httpx2.HTTPError as error:
            why = f"batch API: {type(error).__name__}; the same command goes on"
            raise EndpointError(f"{server.url}: {why}") from None
        status = response.status_code
        if status >= 400 and not (path == "files" and status in _NO_API):
            why = explanation(parse_json(response.content), self.client.hide)
            raise EndpointError(f"{server.url}: batch API: HTTP {status}{why}")
        return response
