"""Data by URL: read as a stream, and read on where the connection broke."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec  # noqa: TID253
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem  # noqa: TID253

import evalharness
from evalharness.errors import ConfigError, DataError
from evalharness.files import remote
from evalharness.loaders.files import Files
from evalharness.protocols import Url
from evalharness.records import Article

ROWS = [{"id": str(n), "article": f"It rained {n} times. Then it did not."} for n in range(500)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """Have an empty file system in memory."""
    fs = fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()
    yield fs
    MemoryFileSystem.store.clear()


def put(name: str, content: bytes) -> None:
    with fsspec.open(f"memory://{name}", "wb") as file:
        file.write(content)


def ids(url: str) -> list[str]:
    rows = list(Files(Url(url)).load())
    assert all(isinstance(row, Article) for row in rows), rows[:2]
    return [row.id for row in rows if isinstance(row, Article)]


def test_jsonl_csv_and_parquet_are_read_by_url(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    csv = "id,article\n" + "".join(f'{row["id"]},"{row["article"]}"\n' for row in ROWS)
    put("b/a.jsonl", LINES)
    put("b/a.jsonl.gz", gzip.compress(LINES))
    put("b/a.csv", csv.encode())
    put("b/a.parquet", (tmp_path / "a.parquet").read_bytes())
    put("b/z.parquet.gz", gzip.compress((tmp_path / "a.parquet").read_bytes()))

    for name in ("a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet", "z.parquet.gz"):
        assert ids(f"memory://b/{name}") == [row["id"] for row in ROWS], name


def test_pattern_names_several_files_in_order() -> None:
    for name in ("c", "a", "b"):
        put(f"n/{name}.jsonl", b'{"article": "It rained."}\n')

    assert ids("memory://n/*.jsonl") == ["a-1", "b-1", "c-1"]


def test_run_by_url_is_the_run_of_the_file(tmp_path: Path) -> None:
    put("a.jsonl", LINES)
    (tmp_path / "a.jsonl").write_bytes(LINES)
    runs = [
        evalharness.run(
            {"data": {"name": "files", "path": path}, "model": "lead", "metrics": []},
            results=tmp_path / str(n), limit=40,
        )[0]
        for n, path in enumerate(("memory://a.jsonl", str(tmp_path / "a.jsonl")))
    ]  # fmt: skip

    assert runs[0].record["data"] == runs[1].record["data"]
    samples = [(run.folder / "samples.jsonl").read_bytes() for run in runs]
    assert samples[0] == samples[1]
    assert "path: memory://a.jsonl" in (runs[0].folder / "config.yaml").read_text()
    again = evalharness.run(runs[0].folder / "config.yaml", results=tmp_path / "0")[0]
    assert again.record["timing"]["summaries"]["computed"] == 0


class Torn(MemoryFileSystem):  # type: ignore[misc]
    """A memory whose files break as often as they are told."""

    protocol = "torn"
    faults = 0
    reads = 0

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        whole = super()._open(path, mode, **options)
        return Breaking(self, path, bytes(whole.getbuffer()))

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return MemoryFileSystem._strip_protocol(str(path).replace("torn://", "memory://"))


class Breaking(MemoryFile):  # type: ignore[misc]
    def read(self, size: int | None = -1) -> bytes:
        Torn.reads += 1
        if self.tell() > 1000 and Torn.faults:
            Torn.faults -= 1
            raise ConnectionResetError("the peer is gone")
        return bytes(super().read(100 if size is None else min(size, 700)))


@pytest.fixture
def torn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)
    fsspec.register_implementation("torn", Torn, clobber=True)
    put("t.jsonl", LINES)
    Torn.reads = 0
    yield
    Torn.faults = 0


@pytest.mark.usefixtures("torn")
def test_broken_connection_is_read_on_from_the_same_byte() -> None:
    Torn.faults = 3

    assert ids("torn://t.jsonl") == [row["id"] for row in ROWS]
    assert Torn.faults == 0


@pytest.mark.usefixtures("torn")
def test_connection_that_breaks_for_good_is_one_line() -> None:
    Torn.faults = 1000

    with pytest.raises(DataError, match=r"^torn://t.jsonl: cannot be read: the peer is gone$"):
        ids("torn://t.jsonl")


@pytest.mark.usefixtures("torn")
def test_file_that_changes_while_it_is_read_is_refused() -> None:
    rows = iter(Files(Url("torn://t.jsonl")).load())
    next(rows)
    put("t.jsonl", LINES + LINES)
    Torn.faults = 1
    with pytest.raises(DataError, match=r"was changed while it was read; run it again"):
        list(rows)


@pytest.mark.usefixtures("torn")
def test_no_more_is_read_than_is_needed() -> None:
    put("t.jsonl", LINES * 200)
    rows = iter(Files(Url("torn://t.jsonl")).load())
    for _ in range(10):
        next(rows)

    assert Torn.reads * 700 < 3 * remote.BUFFER


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("memory://none.jsonl", "memory://none.jsonl: no such file"),
        ("memory://none/*.jsonl", "no file matches this pattern"),
        ("memory://folder", "this is a folder; name its files"),
        ("memory://folder/empty.jsonl", "the file is empty"),
        ("memory://folder/a.zip", "unknown ending '.zip'"),
        ("nonsense://a.jsonl", "nonsense"),
    ],
)
def test_url_that_leads_nowhere_is_one_line(tmp_path: Path, url: str, why: str) -> None:
    put("folder/empty.jsonl", b"")
    put("folder/a.zip", b"xyz")
    config = {"data": {"name": "files", "path": url}, "model": "lead", "metrics": []}

    with pytest.raises(DataError) as caught:
        evalharness.run(config, results=tmp_path)

    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    known = sys.modules["fsspec.registry"].__dict__["_registry"]
    monkeypatch.delitem(known, "s3", raising=False)  # it was imported where a test had a server

    with pytest.raises(DataError, match=r"missing: pip install .*s3"):
        ids("s3://bucket/a.jsonl")


def test_url_where_only_a_file_can_be_is_refused(tmp_path: Path) -> None:
    config = {"data": {"name": "pages", "path": "s3://bucket/a.html"}, "model": "lead"}

    with pytest.raises(ConfigError, match=r"data\.path: no file or folder 's3://bucket/a\.html'"):
        evalharness.run(config, results=tmp_path)


class Server(BaseHTTPRequestHandler):
    """Serves ranges of one file, and cuts the first answers off."""

    cuts = 2

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.head(200, len(LINES))
        self.end_headers()

    def head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))

    def do_GET(self) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
        body = LINES[int(first) : int(last) + 1 if last else None]
        self.head(206, len(body))
        end = int(first) + len(body) - 1
        self.send_header("Content-Range", f"bytes {first}-{end}/{len(LINES)}")
        self.end_headers()
        if Server.cuts and len(body) > 1000:
            Server.cuts -= 1
            body = body[:500]
            self.close_connection = True
        self.wfile.write(body)


def test_web_server_that_cuts_answers_off_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/a.jsonl"
        assert ids(url) == [row["id"] for row in ROWS]
        assert Server.cuts == 0
    finally:
        server.shutdown()
        server.server_close()
