"""Data sets from a folder, from a stand-in for the hub, and from the cache that it fills.

The stand-in speaks as much of the hub's protocol as `datasets` and `huggingface_hub` ask for, so
that what lies in the cache was put there by them. It is used from other processes: both packages
read their settings from the environment as they are imported.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from evalharness.errors import DataError
from evalharness.loaders.files import Files
from evalharness.loaders.hub import PRESETS, Hub, HubSplit, hub_of
from evalharness.loaders.outputs import Outputs
from evalharness.loaders.rows import HUB_COLUMNS, ColumnOptions, RowReader
from evalharness.protocols import Url
from evalharness.records import Article, Rejected

ROWS = [
    {"id": "1", "document": "The mayor said no.", "summary": "No.", "topic": "town"},
    {"id": "2", "document": " ", "summary": "Nothing.", "topic": "none"},
    {"id": "1", "document": "It rained.", "summary": "Rain.", "topic": "weather"},
]
LOADED = [
    {"id": "1", "text": "The mayor said no.", "references": ["No."]},
    {"where": "owner/set test row 1", "reason": "the article is empty"},
    {
        "where": "owner/set test row 2",
        "reason": "the id '1' was used before, at owner/set test row 0",
    },
]
MAIN, PARQUET, OLD = "a" * 40, "b" * 40, "c" * 40
CARD = b"""---
configs:
- config_name: full
  data_files:
  - split: test
    path: full/test-*
---
"""


@cache
def parquet(n: int = 3) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS[:n]), content)
    return content.getvalue()


# A stand-in for the hub


def repositories() -> dict[str, dict[str, dict[str, bytes]]]:
    """Return the files of each repository's commits."""
    files = {"README.md": CARD, "full/test-00000-of-00001.parquet": parquet()}
    return {
        "owner/set": {MAIN: files, OLD: {**files, "full/test-00000-of-00001.parquet": parquet(1)}},
        "owner/prepared": {MAIN: files},
        "owner/snapshot": {MAIN: files},
        "owner/script": {
            MAIN: {"script.py": b"raise SystemExit('I was run')"},
            PARQUET: {"default/test/0000.parquet": parquet()},
        },
    }


REVISIONS = {"main": MAIN, "refs/convert/parquet": PARQUET, "v1": OLD}


class Answer(BaseHTTPRequestHandler):
    """Answers for the repositories above, as the hub does."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api").split("/")
        name, verb, *rest = "/".join(path[2:4]), *path[4:], ""
        commits = repositories().get(name)
        if commits is None:
            return self.reply(404, b"", error="RepoNotFound")
        revision = unquote(rest[0]) if rest and rest[0] else "main"
        commit = REVISIONS.get(revision, revision)
        if commit not in commits:
            return self.reply(404, b"", error="RevisionNotFound")
        files = commits[commit]
        if verb == "resolve":
            content = files.get("/".join(rest[1:]).rstrip("/"))
            error = "EntryNotFound" if content is None else ""
            return self.reply(404 if error else 200, content or b"", commit, error)
        if verb == "tree":
            folder = unquote("/".join(rest[1:-1]))
            found = tree(files, folder, deep="recursive=true" in self.path.lower())
            return self.reply(200, json.dumps(found).encode(), commit)
        about = {"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]}
        return self.reply(200, json.dumps(about).encode(), commit)

    do_HEAD = do_GET

    def reply(self, status: int, content: bytes, commit: str = MAIN, error: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


def tree(files: Mapping[str, bytes], folder: str, deep: bool) -> list[dict[str, object]]:
    """Return what lies in a folder of a repository, and in the folders below if `deep`."""
    start = f"{folder}/" if folder else ""
    below = [name.removeprefix(start) for name in files if name.startswith(start)]
    folders = {str(parent) for name in below for parent in PurePosixPath(name).parents} - {"."}
    seen = {**dict.fromkeys(sorted(folders), "directory"), **dict.fromkeys(below, "file")}
    return [
        {"type": kind, "path": start + name, "oid": "0", "size": len(files.get(start + name, b""))}
        for name, kind in seen.items()
        if deep or "/" not in name
    ]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


LOAD = """
import json, sys
from evalharness.errors import DataError
from evalharness.loaders.hub import Hub
from evalharness.records import Rejected

def result(options):
    try:
        hub = Hub(**options)
        rows = [
            {"where": row.where, "reason": row.reason} if isinstance(row, Rejected)
            else {"id": row.id, "text": row.text, "references": row.references}
            for row in hub.load()
        ]
        return {"identity": dict(hub.identity()), "rows": rows}
    except DataError as error:
        return {"error": str(error)}

print(json.dumps([result(options) for options in json.loads(sys.argv[1])]))
"""
Results = dict[str, dict[str, Any]]


def results(home: Path, asked: Mapping[str, dict[str, Any]], **environment: str) -> Results:
    """Load data sets in a process of their own; by the names given to them."""
    home.mkdir(exist_ok=True)
    settings = {**os.environ, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1", **environment}
    for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE"):
        settings.pop(name, None)
    command = [sys.executable, "-c", LOAD, json.dumps(list(asked.values()))]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hf") / "home"


@pytest.fixture(scope="module")
def online(home: Path, endpoint: str) -> Results:
    asked: dict[str, dict[str, Any]] = {
        "set": {"dataset": "owner/set"},
        "streamed": {"dataset": "owner/set", "streaming": True},
        "old": {"dataset": "owner/set", "revision": "v1", "config": "full"},
        "prepared": {"dataset": "owner/prepared"},
        "snapshot": {"dataset": "owner/snapshot"},
        "script": {"dataset": "owner/script"},
        "script as parquet": {"dataset": "owner/script", "revision": "refs/convert/parquet"},
        "no such set": {"dataset": "owner/none"},
        "no such revision": {"dataset": "owner/set", "revision": "v9"},
        "no such split": {"dataset": "owner/set", "split": "dev"},
        "no such config": {"dataset": "owner/set", "config": "half"},
        "no name": {"dataset": "a/b/c"},
        "broken rows": {"dataset": "owner/set", "bad_rows": "fail"},
    }
    return results(home, asked, HF_ENDPOINT=endpoint)


@pytest.fixture(scope="module")
def offline(home: Path, online: Results) -> Results:
    shutil.rmtree(home / "hub" / "datasets--owner--prepared")
    shutil.rmtree(home / "datasets" / "owner___snapshot")
    partial = home / "hub" / "datasets--owner--part" / "snapshots" / MAIN
    partial.mkdir(parents=True)
    (partial / "test-00000-of-00002.parquet").write_bytes(parquet())
    asked: dict[str, dict[str, Any]] = {
        "prepared": {"dataset": "owner/prepared"},
        "snapshot": {"dataset": "owner/snapshot"},
        "two commits": {"dataset": "owner/set"},
        "old": {"dataset": "owner/set", "revision": OLD[:8]},
        "part": {"dataset": "owner/part"},
        "preset": {"dataset": "cnn_dailymail", "revision": "main"},
    }
    return results(home, asked, HF_HUB_OFFLINE="1")


def renamed(name: str) -> list[dict[str, object]]:
    text = json.dumps(LOADED).replace("owner/set", name)
    rows: list[dict[str, object]] = json.loads(text)
    return rows


def test_hub_gives_articles_and_rejected_rows(online: Results) -> None:
    assert online["set"]["rows"] == LOADED


def test_hub_streams_the_same_rows(online: Results) -> None:
    assert online["streamed"]["rows"] == LOADED


def test_hub_identity_is_the_commit_that_the_revision_means(online: Results) -> None:
    assert online["set"]["identity"] == {
        "dataset": "owner/set",
        "revision": MAIN,
        "config": "",
        "split": "test",
    }
    assert online["old"]["identity"]["revision"] == OLD
    assert online["old"]["rows"] == LOADED[:1]


def test_dataset_with_a_script_is_refused_with_the_way_round_it(online: Results) -> None:
    assert online["script"]["error"] == (
        "cannot load 'owner/script', config default, split test: it is made by a script of its "
        "own, which is not run; try the copy that the hub keeps of many: "
        "revision: refs/convert/parquet"
    )
    assert online["script as parquet"]["rows"] == renamed("owner/script")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "no such set",
            "there is no data set 'owner/none' on the hub, or it needs a login (hf auth login)",
        ),
        ("no such revision", "the data set 'owner/set' has no revision 'v9'"),
        ("no name", "'a/b/c' is no folder here, and no name on the hub"),
        (
            "no such split",
            "cannot load 'owner/set', config default, split dev: "
            "Unknown split \"dev\". Should be one of ['test'].",
        ),
        (
            "no such config",
            "cannot load 'owner/set', config half, split test: "
            "BuilderConfig 'half' not found. Available: ['full']",
        ),
        ("broken rows", "owner/set test row 1: the article is empty"),
    ],
)
def test_what_the_hub_does_not_have_is_said(online: Results, case: str, message: str) -> None:
    assert online[case]["error"] == message


@pytest.mark.parametrize("case", ["prepared", "snapshot"])
def test_cache_serves_without_a_network(offline: Results, online: Results, case: str) -> None:
    assert offline[case] == online[case]
    assert offline[case]["rows"] == renamed(f"owner/{case}")


def test_cache_of_two_commits_asks_which(offline: Results) -> None:
    assert offline["two commits"]["error"] == (
        f"the cache has several commits of 'owner/set'; set revision to one: {MAIN}, {OLD}"
    )
    assert offline["old"]["identity"]["revision"] == OLD
    assert offline["old"]["rows"] == LOADED[:1]


def test_cache_with_half_of_the_files_is_not_taken_for_the_whole(offline: Results) -> None:
    assert "the cache has only a part: test-00001-of-00002.parquet" in offline["part"]["error"]


def test_missing_dataset_without_a_network_says_how_to_get_it(offline: Results, home: Path) -> None:
    error = offline["preset"]["error"]
    assert error.startswith("cannot load 'abisee/cnn_dailymail': the hub cannot be reached (")
    assert error.endswith(
        f"and it is not in the cache ({home / 'hub'}); download it once where there is a network "
        "with: hf download abisee/cnn_dailymail --repo-type dataset --revision main"
    )


def test_cache_serves_where_the_network_is_down(offline: Results, home: Path) -> None:
    asked = {case: {"dataset": f"owner/{case}"} for case in ("prepared", "snapshot")}
    down = results(home, asked, HF_ENDPOINT="http://127.0.0.1:9")
    assert down == {case: offline[case] for case in asked}


# Folders


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "test.parquet").write_bytes(parquet())
    return folder


def test_folder_of_parquet_loads(folder: Path) -> None:
    columns = ColumnOptions(extra=("topic",))
    assert list(Hub(str(folder), columns=columns).load()) == [
        Article("1", "The mayor said no.", ("No.",), extra={"topic": "town"}),
        Rejected(f"{folder} test row 1", "the article is empty"),
        Rejected(f"{folder} test row 2", f"the id '1' was used before, at {folder} test row 0"),
    ]


def test_folder_without_ids_names_its_rows(folder: Path) -> None:
    (folder / "test.parquet").unlink()
    (folder / "test.jsonl").write_text('{"text": "A.", "abstract": "R."}\n' * 2)
    assert list(Hub(str(folder)).load()) == [
        Article("tiny-test-0", "A.", ("R.",)),
        Article("tiny-test-1", "A.", ("R.",)),
    ]


def test_folder_saved_to_disk_loads(folder: Path, tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    saved = tmp_path / "saved"
    DatasetDict({"dev": Dataset.from_list(ROWS[:1])}).save_to_disk(saved)
    assert next(Hub(str(saved), split="dev").load()) == Article("1", ROWS[0]["document"], ("No.",))
    with pytest.raises(DataError, match="no split 'test'; there are: dev"):
        Hub(str(saved)).load()


def test_folder_identity_changes_with_its_files(folder: Path) -> None:
    before = Hub(str(folder)).identity()
    assert before == Hub(str(folder)).identity()
    (folder / "test.parquet").write_bytes(parquet(1))
    assert before != Hub(str(folder)).identity()


def test_folder_without_the_split_says_which_there_are(folder: Path) -> None:
    with pytest.raises(DataError, match=r"Unknown split \"dev\". Should be one of \['test'\]"):
        Hub(str(folder), split="dev").load()


def test_folder_has_no_revision(folder: Path) -> None:
    with pytest.raises(
        ValueError, match="revision: is for data sets on the hub; a folder has none"
    ):
        Hub(str(folder), revision="main")


# In place of a file: hub:NAME


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("hub:xsum", HubSplit("EdinburghNLP/xsum", None, "test")),
        ("hub:owner/set", HubSplit("owner/set", None, "test")),
        ("hub:owner/set:full", HubSplit("owner/set", "full", "test")),
        ("hub:owner/set:full:dev@v1", HubSplit("owner/set", "full", "dev", "v1")),
        ("hub:owner/set@refs/convert/parquet", HubSplit("owner/set", None, "test",
                                                       "refs/convert/parquet")),
        ("hub:./saved::train", HubSplit("./saved", None, "train")),
    ],
)  # fmt: skip
def test_address_names_a_split(address: str, source: HubSplit) -> None:
    assert hub_of(Url(address)).source == source


@pytest.mark.parametrize("address", ["hub:", "hub: ", "hub::test", "hub:a:b:c:d", "hub:a@"])
def test_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(DataError, match=r"should be hub:NAME|names nothing"):
        hub_of(Url(address))


def test_loader_of_files_says_which_loader_reads_the_hub() -> None:
    with pytest.raises(DataError, match=r"data: \{name: hub, dataset: owner/set\}"):
        list(Files(Url("hub:owner/set")).load())


def test_folder_of_data_is_read_in_place_of_a_file(folder: Path) -> None:
    outputs = Outputs(Url(f"hub:{folder}"), columns=ColumnOptions(summary="topic"))
    assert list(outputs.load()) == [
        Article("1", "The mayor said no.", ("No.",), extra={"summary": "town"}),
        Rejected(f"{folder} test row 1", "the article is empty"),
        Rejected(f"{folder} test row 2", f"the id '1' was used before, at {folder} test row 0"),
    ]
    before = outputs.identity()
    (folder / "test.parquet").write_bytes(parquet(1))
    assert before != outputs.identity()


# Presets


@pytest.mark.parametrize(
    ("preset", "source", "row"),
    [
        (
            "cnn_dailymail",
            HubSplit("abisee/cnn_dailymail", "3.0.0", "test"),
            {"id": "x", "article": "A", "highlights": "R"},
        ),
        ("xsum", HubSplit("EdinburghNLP/xsum", None, "test"), {"document": "A", "summary": "R"}),
        ("samsum", HubSplit("knkarthick/samsum", None, "test"), {"dialogue": "A", "summary": "R"}),
        (
            "multi_news",
            HubSplit("Awesome075/multi_news_parquet", None, "test"),
            {"document": "A", "summary": "R"},
        ),
        (
            "gov_report",
            HubSplit("ccdv/govreport-summarization", "document", "test"),
            {"report": "A", "summary": "R"},
        ),
        (
            "arxiv",
            HubSplit("ccdv/arxiv-summarization", "document", "test"),
            {"article": "A", "abstract": "R"},
        ),
    ],
)
def test_preset_knows_name_and_columns(preset: str, source: HubSplit, row: dict[str, str]) -> None:
    hub = Hub(preset)
    assert hub.source == source
    reading = RowReader.of(PRESETS[preset].columns, HUB_COLUMNS)
    assert reading.article({"id": "x", **row}, "spare") == Article("x", "A", ("R",))


def test_options_go_before_the_preset() -> None:
    hub = Hub("cnn_dailymail", config="2.0.0", split="validation", revision="v1")
    assert hub.source == HubSplit("abisee/cnn_dailymail", "2.0.0", "validation", "v1")
    columns = ColumnOptions(reference="bullets").over(PRESETS["cnn_dailymail"].columns)
    assert columns == ColumnOptions(id="id", article="article", reference="bullets")


def test_streaming_changes_no_result_and_stays_out_of_the_signature() -> None:
    assert Hub("xsum", streaming=True) == Hub("xsum")
    assert replace(Hub("xsum"), split="train") != Hub("xsum")
