"""Results at a URL: parts that never change, whoever puts them, and runs that are read back."""

import inspect
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import fsspec  # noqa: TID253
import pytest
from at_work import bytes_of, written
from conftest import Done
from fsspec.implementations.memory import MemoryFileSystem  # noqa: TID253
from servers.chat import first_token, serving
from servers.clouds import CLOUDS
from servers.s3 import ACCESS, BUCKET, Faulty, s3_server, wait_for

import evalharness
from evalharness.errors import ConfigError, DataError, StoreError
from evalharness.files import remote
from evalharness.runner.shards import run_shard
from evalharness.store import ledger as ledgers
from evalharness.store import mirror, parts
from evalharness.store.copy import copy
from evalharness.store.parts import compact, part_name_of

needs_s3 = pytest.mark.skipif(
    not (find_spec("moto") and find_spec("s3fs") and find_spec("flask")),
    reason="needs moto, flask and s3fs",
)


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Have an empty file system in memory, no mirrors and no copies."""
    fs = fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()
    fs.pseudo_dirs[:] = [""]
    forget_mirrors()
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(parts, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(mirror, "_FRESH_SECONDS", 0.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield fs
    MemoryFileSystem.store.clear()


def forget_mirrors() -> None:
    """Be as another process would: what is not at the URL is not there."""
    mirror.new_mirror.cache_clear()
    ledgers.MIRRORS.clear()
    mirror._fetched.clear()
    ledgers.ADDRESSES.clear()
    parts.part_store.cache_clear()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a config of two systems whose data lie in memory."""
    return with_data_at(written(tmp_path, 24), "memory://data")


def with_data_at(path: Path, url: str) -> Path:
    record = json.loads(path.read_text())
    fsspec.open(f"{url}/a.jsonl", "wb").fs.pipe_file(
        f"{url}/a.jsonl", (path.parent / "a.jsonl").read_bytes()
    )
    record["data"]["path"] = f"{url}/a.jsonl"
    path.write_text(json.dumps(record))
    return path


def ledger_bytes(results: Path) -> dict[str, bytes]:
    return {
        path.relative_to(results / "store").as_posix(): path.read_bytes()
        for path in sorted((results / "store").glob("*/*.jsonl"))
    }


def part_paths(url: str) -> list[str]:
    fs, root = fsspec.url_to_fs(url)
    fs.invalidate_cache()
    return [p for p in sorted(fs.find(f"{root}/store/parts")) if part_name_of(p.split("/")[-1])]


def brought_back(url: str, to: Path) -> Path:
    copy(url, str(to))
    return to


def test_run_at_a_url_has_the_bytes_of_one_in_a_folder(config: Path, tmp_path: Path) -> None:
    evalharness.run(config, results=tmp_path / "local")
    evalharness.run(config, results="memory://b/r")

    back = brought_back("memory://b/r", tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    assert ledger_bytes(back) == ledger_bytes(tmp_path / "local")


def test_second_run_at_a_url_computes_nothing(config: Path) -> None:
    evalharness.run(config, results="memory://b/r")
    forget_mirrors()

    again = evalharness.run(config, results="memory://b/r")
    assert [run.timing.summaries["computed"] for run in again] == [0, 0]
    assert [run.timing.summaries["stored"] for run in again] == [22, 22]  # two are there twice
    assert {n["computed"] for run in again for n in run.timing.scores.values()} == {0}


def shards(config: Path, n: int, results: str) -> None:
    for number in range(1, n + 1):
        forget_mirrors()
        run_shard(config, f"{number}/{n}", results=results)


def test_shards_without_a_folder_in_common_make_the_run_of_one_piece(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    shards(config, 3, "memory://b/r")
    forget_mirrors()
    merged = evalharness.run(config, results="memory://b/r")

    assert [run.timing.summaries["computed"] for run in merged] == [0, 0]
    assert bytes_of(brought_back("memory://b/r", tmp_path / "back")) == bytes_of(tmp_path / "local")


def test_compaction_leaves_one_part_a_ledger_and_the_same_records(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    for limit in (4, 8, 12):
        evalharness.run(config, [f"limit={limit}"], results="memory://b/r")
    evalharness.run(config, results="memory://b/r")
    before = brought_back("memory://b/r", tmp_path / "before")
    counts = compact("memory://b/r")

    assert (counts.ledgers, counts.after) == (4, 4)
    assert counts.before == 16
    assert counts.records == 132  # of 22 different articles: 2 x 22 summaries, 2 x 44 scores
    assert ledger_bytes(brought_back("memory://b/r", tmp_path / "after")) == ledger_bytes(before)
    for name, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(ledger_bytes(before)[name])) == sorted(keys_of(content)), name
    again = compact("memory://b/r")
    assert (again.before, again.after, again.bytes) == (4, 4, counts.bytes)


def keys_of(content: bytes) -> list[str]:
    return [json.loads(line)["key"] for line in content.splitlines()[1:]]


def test_compacted_part_has_the_bytes_of_a_ledger(config: Path, tmp_path: Path) -> None:
    evalharness.run(config, ["limit=10"], results="memory://b/r")
    evalharness.run(config, results="memory://b/r")
    evalharness.run(config, ["limit=10"], results=tmp_path / "local")
    evalharness.run(config, results=tmp_path / "local")
    compact("memory://b/r")

    fs = fsspec.filesystem("memory")
    own = {p.split("/")[-2]: fs.cat_file(p) for p in part_paths("memory://b/r")}
    local = {Path(k).stem: v for k, v in ledger_bytes(tmp_path / "local").items()}
    assert own == local


def test_torn_part_is_left_out_and_computed_again(config: Path, tmp_path: Path) -> None:
    evalharness.run(config, results=tmp_path / "local")
    shards(config, 2, "memory://b/r")
    fs = fsspec.filesystem("memory")
    paths = part_paths("memory://b/r")
    fs.pipe_file(paths[0], fs.cat_file(paths[0])[:-40])
    fs.pipe_file(paths[-1], b"")
    forget_mirrors()

    runs = evalharness.run(config, results="memory://b/r")
    computed = sum(run.timing.summaries["computed"] for run in runs)
    computed += sum(n["computed"] for run in runs for n in run.timing.scores.values())
    assert computed > 0
    counts = compact("memory://b/r")
    assert (counts.torn, counts.ledgers) == (2, 4)
    assert bytes_of(brought_back("memory://b/r", tmp_path / "back")) == bytes_of(tmp_path / "local")


def test_old_torn_part_is_removed_by_compaction(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evalharness.run(config, results="memory://b/r")
    path = part_paths("memory://b/r")[0]
    fsspec.filesystem("memory").pipe_file(path, b"half")
    monkeypatch.setattr(parts, "TORN_SECONDS", -1.0)

    assert compact("memory://b/r").torn == 1
    assert path not in part_paths("memory://b/r")


def test_record_that_two_parts_have_counts_once(config: Path, tmp_path: Path) -> None:
    evalharness.run(config, results="memory://b/r")
    fs = fsspec.filesystem("memory")
    path = part_paths("memory://b/r")[0]
    name = part_name_of(path.split("/")[-1])
    assert name is not None
    later = str(name).replace(f"{name.milliseconds}", f"{name.milliseconds + 9}")
    fs.pipe_file(f"{path.rpartition('/')[0]}/{later}", fs.cat_file(path))
    before = ledger_bytes(brought_back("memory://b/r", tmp_path / "before"))

    counts = compact("memory://b/r")
    assert (counts.before, counts.after) == (5, 4)
    assert ledger_bytes(brought_back("memory://b/r", tmp_path / "after")) == before


def test_parts_that_overlap_give_each_record_once(config: Path, tmp_path: Path) -> None:
    evalharness.run(config, results="memory://b/r")
    shutil.copytree(mirror.new_mirror("memory://b/r").folder / "store", tmp_path / "store")
    whole = ledger_bytes(tmp_path)
    MemoryFileSystem.store.clear()
    with_data_at(written(config.parent, 24), "memory://data")
    evalharness.run(config, ["limit=7"], results="memory://other/r")
    some = mirror.new_mirror("memory://other/r").folder / "store"
    for path in sorted(some.glob("*/*.jsonl")):
        signature = ledgers.signature_of(path.read_bytes().splitlines(keepends=True)[0])
        assert signature is not None
        merged = ledgers.Ledger(path.parent, signature)
        n = len(merged)
        lines = whole[f"{path.parent.name}/{path.name}"].splitlines(keepends=True)
        merged.add_lines(lines[1:], None)
        reread = ledgers.Ledger(path.parent, signature)
        assert n < len(merged) == len(reread) == len(lines) - 1
        assert sorted(keys_of(path.read_bytes())) == sorted(set(keys_of(path.read_bytes())))
        assert merged.damaged == reread.damaged == []


class Hiding(MemoryFileSystem):  # type: ignore[misc]
    """A memory whose lists show a new file only when they were asked for so often again."""

    protocol = "hiding"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    late: ClassVar[dict[str, int]] = {}
    lists = 2

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(MemoryFileSystem._strip_protocol(str(path).replace("hiding://", "memory://")))

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self.late.setdefault(self._strip_protocol(path), self.lists)
        super().pipe_file(path, value, **options)

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        self.late.setdefault(self._strip_protocol(rpath), self.lists)
        super().put_file(lpath, rpath, **options)

    def find(self, path: str, *args: Any, **options: Any) -> Any:
        listed = super().find(path, *args, **options)
        hidden = {name for name in listed if self.late.get(name, 0) > 0}
        for name in hidden:
            self.late[name] -= 1
        if isinstance(listed, dict):
            return {name: info for name, info in listed.items() if name not in hidden}
        return [name for name in listed if name not in hidden]


def test_lists_that_show_new_files_late_cost_work_and_nothing_else(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("hiding", Hiding, clobber=True)
    monkeypatch.setattr(parts, "SEEN_PAUSE", 0.0)
    evalharness.run(config, results=tmp_path / "local")
    shards(config, 2, "hiding://b/r")
    for _ in range(2):
        forget_mirrors()
        evalharness.run(config, results="hiding://b/r")
        compact("hiding://b/r")

    Hiding.late.clear()
    assert bytes_of(brought_back("hiding://b/r", tmp_path / "back")) == bytes_of(tmp_path / "local")
    compact("hiding://b/r")
    assert len(part_paths("hiding://b/r")) == 4
    back = ledger_bytes(brought_back("hiding://b/r", tmp_path / "again"))
    for name, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(back[name])) == sorted(keys_of(content)), name


def test_compaction_that_cannot_see_its_own_part_removes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("hiding", Hiding, clobber=True)
    monkeypatch.setattr(parts, "SEEN_SECONDS", -1.0)
    shards(config, 2, "hiding://b/q")
    Hiding.late.clear()
    before = part_paths("hiding://b/q")
    compact("hiding://b/q")

    Hiding.late.clear()
    assert set(before) < set(part_paths("hiding://b/q"))


class Failing(MemoryFileSystem):  # type: ignore[misc]
    """A memory that refuses what it is told to, so often."""

    protocol = "failing"
    refusals: ClassVar[dict[str, int]] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(MemoryFileSystem._strip_protocol(str(path).replace("failing://", "memory://")))

    def _refuse(self, what: str) -> None:
        if self.refusals.get(what, 0):
            self.refusals[what] -= 1
            raise OSError("please slow down")

    def pipe_file(self, *args: Any, **options: Any) -> None:
        self._refuse("put")
        super().pipe_file(*args, **options)

    def cat_file(self, *args: Any, **options: Any) -> Any:
        self._refuse("read")
        return super().cat_file(*args, **options)


@pytest.fixture
def failing() -> Iterator[dict[str, int]]:
    fsspec.register_implementation("failing", Failing, clobber=True)
    yield Failing.refusals
    Failing.refusals.clear()


def test_request_that_fails_is_made_again(config: Path, failing: dict[str, int]) -> None:
    failing |= {"put": 4, "read": 4}
    evalharness.run(config, results="failing://b/r")
    forget_mirrors()
    failing["read"] = 4

    again = evalharness.run(config, results="failing://b/r")
    assert [run.timing.summaries["computed"] for run in again] == [0, 0]


def test_url_that_cannot_be_written_ends_the_run_in_one_line(
    config: Path, failing: dict[str, int]
) -> None:
    failing["put"] = 10_000
    message = r"^failing://b/r/\S+: cannot be written: please slow down$"
    with pytest.raises(StoreError, match=message):
        evalharness.run(config, results="failing://b/r")


class NoCredentialsError(Exception):
    """As botocore calls it."""


@pytest.mark.parametrize("error", [PermissionError("Access Denied"), NoCredentialsError("none")])
def test_refusal_is_one_line_and_not_tried_again(
    error: Exception, config: Path, failing: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(self: Failing, *arguments: object, **options: object) -> None:
        asked.append(arguments)
        raise error

    monkeypatch.setattr(Failing, "pipe_file", refuse)
    monkeypatch.setattr(Failing, "put_file", refuse)
    with pytest.raises(StoreError, match=rf"^failing://b/r/\S+: cannot be written: {error}$"):
        evalharness.run(config, results="failing://b/r")
    assert len(asked) == 1
    monkeypatch.setattr(Failing, "find", refuse)
    with pytest.raises(DataError, match=rf"^failing://b/r/t: .*: {error}$"):
        evalharness.compare("failing://b/r/t")
    assert len(asked) == 2


@pytest.mark.parametrize("after", [1, 5, 9, 14])
def test_connection_that_breaks_ends_the_run_and_loses_nothing(
    after: int, config: Path, failing: dict[str, int], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    evalharness.run(config, results=tmp_path / "local")
    left = [after]
    put = Failing.pipe_file, Failing.put_file

    def broken(of: int) -> Callable[..., None]:
        def write(self: Failing, *arguments: object, **options: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError("connection reset")
            put[of](self, *arguments, **options)

        return write

    monkeypatch.setattr(Failing, "pipe_file", broken(0))
    monkeypatch.setattr(Failing, "put_file", broken(1))
    with pytest.raises(StoreError, match="connection reset"):
        evalharness.run(config, results="failing://b/r")
    left[0] = 10_000
    forget_mirrors()
    with pytest.raises(evalharness.errors.HarnessError):
        evalharness.compare("failing://b/r/t")
    there = part_paths("failing://b/r")
    forget_mirrors()
    evalharness.run(config, results="failing://b/r")

    assert set(there) <= set(part_paths("failing://b/r"))
    back = brought_back("failing://b/r", tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    assert ledger_bytes(back) == ledger_bytes(tmp_path / "local")


def test_clocks_that_differ_change_the_order_in_ledgers_only(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    for number, hours in (("1/2", 5.0), ("2/2", -5.0)):
        forget_mirrors()
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda by=hours: 1.8e9 + by * 3600)
            run_shard(config, number, results="memory://b/r")
    forget_mirrors()
    runs = evalharness.run(config, results="memory://b/r")

    assert [run.timing.summaries["computed"] for run in runs] == [0, 0]
    assert compact("memory://b/r").after == 4
    back = brought_back("memory://b/r", tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    for name, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(ledger_bytes(back)[name])) == sorted(keys_of(content)), name


def test_compaction_while_a_run_writes_loses_nothing(tmp_path: Path) -> None:
    config = written(tmp_path, 1200, models=["lead"])
    config = with_data_at(config, f"file://{tmp_path}/data")
    evalharness.run(config, results=tmp_path / "local")
    url = f"file://{tmp_path}/bucket/r"
    command = [sys.executable, "-m", "evalharness", "run", str(config), "--results", url]
    with subprocess.Popen([*command, "--no-report"], stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: process.poll() is not None or len(part_paths(url)) > 2)
        while process.poll() is None:
            compact(url)
            time.sleep(0.2)
    assert process.returncode == 0
    assert compact(url).torn == 0
    assert len(part_paths(url)) == 3

    back = brought_back(url, tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    for name, content in ledger_bytes(tmp_path / "local").items():
        # Two workers put at once: a part may be listed after a later one, and be merged after it.
        assert sorted(keys_of(ledger_bytes(back)[name])) == sorted(keys_of(content)), name


# Readers.


def without_folders(comparison: Any) -> dict[str, Any]:
    """Return what a comparison says, but for where its runs lie."""
    return {**comparison.record(), "folders": ()}


def test_runs_at_a_url_are_compared_and_gated_as_those_in_a_folder(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    evalharness.run(config, results="memory://b/r")

    there = evalharness.compare("memory://b/r/t")
    here = evalharness.compare(str(tmp_path / "local" / "t"))
    assert without_folders(there) == without_folders(here)
    urls = [f"memory://b/r/t/{name}" for name in ("lead", "random")]
    folders = [str(tmp_path / "local" / "t" / name) for name in ("lead", "random")]
    gates = [evalharness.gate(*pair).record() for pair in (urls, folders)]
    assert (gates[0]["baseline"], gates[0]["candidate"]) == tuple(urls)
    for gate in gates:
        del gate["baseline"], gate["candidate"]
    assert gates[0] == gates[1]


def test_files_of_runs_are_fetched_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evalharness.run(config, results="memory://b/r")
    evalharness.compare("memory://b/r/t")
    fetched: list[str] = []
    fetch = remote.RemoteFolder.fetch

    def noted(self: remote.RemoteFolder, name: str, to: Path) -> None:
        fetched.append(name)
        fetch(self, name, to)

    monkeypatch.setattr(remote.RemoteFolder, "fetch", noted)
    evalharness.compare("memory://b/r/t")

    assert sorted(set(fetched)) == ["lead/run.json", "random/run.json", "sweep.json"]


def test_file_that_is_not_the_one_of_its_run_is_refused(config: Path) -> None:
    evalharness.run(config, results="memory://b/r")
    fsspec.filesystem("memory").pipe_file("/b/r/t/lead/samples.parquet", b"of another run")

    with pytest.raises(DataError, match=r"lead/samples.parquet: not the file that its run.json"):
        evalharness.compare("memory://b/r/t")


def test_run_that_failed_at_a_url_leaves_its_folder_unfinished(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results="memory://b/r")
    forget_mirrors()
    broken = json.loads(config.read_text()) | {"metrics": ["no such metric"]}
    (tmp_path / "broken.yaml").write_text(json.dumps(broken))
    with pytest.raises(ConfigError):
        evalharness.run(tmp_path / "broken.yaml", results="memory://b/r")

    with pytest.raises(evalharness.errors.HarnessError, match="its newest run did not finish"):
        evalharness.compare("memory://b/r/t")
    forget_mirrors()
    evalharness.run(config, results="memory://b/r")
    assert evalharness.compare("memory://b/r/t").systems == ("lead", "random")


def test_nothing_at_a_url_is_one_line() -> None:
    with pytest.raises(DataError, match=r"^memory://b/none: no runs are there$"):
        evalharness.compare("memory://b/none")
    with pytest.raises(DataError, match=r"^memory://b/none: no parts of results"):
        compact("memory://b/none")


def test_folder_of_a_killed_process_is_removed_by_the_next(config: Path) -> None:
    code = (
        "import fsspec, os; from evalharness.store.mirror import new_mirror;"
        "print(new_mirror('memory://b/r').folder, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert done.returncode == -signal.SIGKILL
    assert left.is_dir()
    evalharness.run(config, results="memory://b/r")

    assert not left.exists()


def test_plain_run_imports_nothing_of_it(tmp_path: Path) -> None:
    written(tmp_path, 6)
    code = (
        "import sys, evalharness; evalharness.run('c.yaml'); evalharness.compare('results/t');"
        "print([m for m in sys.modules if m.split('.')[0] in ('fsspec', 's3fs') or"
        " m in ('evalharness.store.mirror', 'evalharness.store.parts')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"


# Commands with a URL, which write nothing into a folder `memory:` here.


@pytest.fixture
def at_url(
    config: Path, command: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Have two finished runs at memory://b/r/t, and be another process with each command."""
    evalharness.run(config, results="memory://b/r")
    monkeypatch.chdir(tmp_path)

    def of_another_process(*arguments: str) -> Done:
        forget_mirrors()
        done = command(*arguments)
        assert not list(tmp_path.glob("memory:*"))
        assert "evalharness-mirror" not in done.stdout + done.stderr
        assert "/cache/" not in done.stdout + done.stderr
        return done

    return of_another_process


def files_at(url: str) -> set[str]:
    fs, root = fsspec.url_to_fs(url)
    return {name.removeprefix(f"{root}/") for name in fs.find(root)}


def summaries_in(folder: Path) -> list[str]:
    """Write two files of summaries with an error in the first."""
    rows = [
        {"id": "a", "article": "The ferry broke down on Tuesday with 214 people.", "summary": ""},
        {"id": "b", "article": "Anna Berg won the race by 300 votes on Monday.", "summary": ""},
    ]
    for name, votes in (("ours", 500), ("theirs", 300)):
        rows[0]["summary"], rows[1]["summary"] = (
            "A ferry broke down.",
            f"Berg won by {votes} votes.",
        )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text)
    return ["ours.jsonl", "theirs.jsonl"]


def test_score_at_a_url_has_the_bytes_of_one_in_a_folder(
    at_url: Callable[..., Done], tmp_path: Path
) -> None:
    for results in ("here", "memory://b/r"):
        done = at_url("score", *summaries_in(tmp_path), "--results", results)
        assert done.returncode == 0, done.stderr
        assert f"Results: {results}/score, a folder" in done.stdout
        assert f"Report: {results}/score/report.html" in done.stdout

    back = brought_back("memory://b/r/score", tmp_path / "back" / "score")
    assert bytes_of(back.parent) == bytes_of(tmp_path / "here")


def test_score_at_a_url_replaces_no_run_of_other_content(
    at_url: Callable[..., Done], tmp_path: Path
) -> None:
    ours, theirs = summaries_in(tmp_path)
    at_url("score", ours, "--results", "memory://b/r")
    before = fsspec.filesystem("memory").cat_file("/b/r/score/ours/samples.jsonl")
    parts = part_paths("memory://b/r")
    at_url("score", ours, "--results", "memory://b/r")
    assert part_paths("memory://b/r") == parts
    Path(ours).write_bytes(Path(theirs).read_bytes())
    done = at_url("score", ours, "--results", "memory://b/r")

    assert "memory://b/r/score/ours has other content and was kept; these runs" in done.stderr
    assert fsspec.filesystem("memory").cat_file("/b/r/score/ours/samples.jsonl") == before
    (other,) = {name.split("/")[0] for name in files_at("memory://b/r")} - {"t", "score", "store"}
    assert f"{other}/ours/run.json" in files_at("memory://b/r")


def test_files_are_compared_with_runs_at_a_url(at_url: Callable[..., Done], tmp_path: Path) -> None:
    summaries_in(tmp_path)
    done = at_url("compare", "ours.jsonl", "theirs.jsonl", "--results", "memory://b/r")
    assert done.returncode == 0, done.stderr
    assert "score/ours-vs-theirs.html" in files_at("memory://b/r")

    done = at_url("compare", "ours.jsonl", "memory://b/r/t/lead")
    assert done.returncode != 0
    assert "ours.jsonl and memory://b/r/t/lead/samples.jsonl are of other articles" in done.stderr


def test_run_at_a_url_is_scored_again_there(at_url: Callable[..., Done]) -> None:
    fs = fsspec.filesystem("memory")
    before = fs.cat_file("/b/r/t/lead/samples.jsonl"), fs.cat_file("/b/r/t/lead/run.json")
    done = at_url("score", "--again", "memory://b/r/t/lead")

    assert done.returncode == 0, done.stderr
    assert "Results: memory://b/r/t/lead" in done.stdout
    assert fs.cat_file("/b/r/t/lead/samples.jsonl") == before[0]
    assert fs.cat_file("/b/r/t/lead/run.json") != before[1]  # of another time
    assert "t/lead/report.html" in files_at("memory://b/r")
    done = at_url("score", "--again", "memory://b")
    assert done.returncode == 2, done.stdout
    assert at_url("score", "--again", "memory://b/r/t").returncode == 0


def test_verify_at_a_url_holds_runs_against_the_ledgers_there(at_url: Callable[..., Done]) -> None:
    done = at_url("verify", "memory://b/r/t/lead", "--json")
    assert done.returncode == 0, done.stdout
    record = json.loads(done.stdout)
    assert record["runs"] == ["memory://b/r/t/lead"]
    assert record["checked"]["scores held against the store"] == 48
    (path,) = (path for path in part_paths("memory://b/r") if "/scores/rouge-" in path)
    fs = fsspec.filesystem("memory")
    fs.pipe_file(path, fs.cat_file(path).replace(b'"rouge1":0.', b'"rouge1":1.'))

    done = at_url("verify", "memory://b/r")  # a part of another digest is none
    why = "memory://b/r/t/lead/samples.jsonl: 24 scores by rouge are not in the store"
    assert why in done.stdout


def test_plan_and_rerun_at_a_url(at_url: Callable[..., Done], config: Path) -> None:
    planned = at_url("plan", str(config), "--results", "memory://b/r")
    assert "(the spread among 2 stored runs)" in planned.stdout
    again = at_url("rerun", "memory://b/r/t/lead")
    assert again.stdout.startswith("memory://b/r/t/lead: 24 articles: same bytes"), again.stdout
    refused = at_url("plan", "memory://b/r/t/lead/config.yaml")
    assert refused.returncode == 2
    assert "a config is a file of this machine" in refused.stderr


def test_what_is_written_may_be_at_a_url_or_is_refused(at_url: Callable[..., Done]) -> None:
    page = at_url("report", "memory://b/r/t", "-o", "memory://out/page.html")
    assert "Report: memory://out/page.html" in page.stdout
    rows = at_url("export", "memory://b/r/t", "--to", "jsonl", "-o", "memory://out/a/rows.jsonl")
    assert "jsonl: memory://out/a/rows.jsonl" in rows.stdout
    to = "every-eval-ever"
    assert at_url("export", "memory://b/r/t", "--to", to, "-o", "memory://out/e").returncode == 0
    study = ("--all-flags", "--protocol", "ratings", "-o", "memory://out/s.html")
    assert "Study: memory://out/s.html" in at_url("annotate", "memory://b/r/t", *study).stdout
    written = files_at("memory://out")
    assert {"page.html", "a/rows.jsonl", "s.html"} < written
    assert sum(name.endswith(".json") for name in written) == 2

    for refused in (
        ("gate", "memory://b/r/t/lead", "memory://b/r/t/lead", "--junit", "memory://out/j.xml"),
        ("examples", "memory://out/x"),
        ("rerun", "memory://b/r/t/lead", "--results", "memory://out/x"),
    ):
        done = at_url(*refused)
        assert done.returncode == 2
        assert f"`{refused[0]}` writes this to this machine only" in done.stderr
    done = at_url("view", "memory://b/r")
    assert "evalharness copy memory://b/r FOLDER" in done.stderr
    done = at_url("report", "memory://b/r/t", "-o", "memory://out")
    assert "name a file there" in done.stderr


def test_runs_are_shown_by_their_urls(at_url: Callable[..., Done]) -> None:
    both = at_url("show", "memory://b/r/t/lead", "memory://b/r/t/random")
    assert "2 systems" in both.stdout
    gate = at_url("gate", "memory://b/r/t/lead/run.json", "memory://b/r/t/lead")
    assert "both runs have the same" in gate.stdout
    fs = fsspec.filesystem("memory")
    for name in ("run.json", "config.yaml", "samples.jsonl", "samples.parquet"):
        fs.copy(f"/b/r/t/lead/{name}", f"/b/r/t/gpt-4.1/{name}")  # a name with a dot is no file's
    assert "24 articles" in at_url("show", "memory://b/r/t/gpt-4.1").stdout


def test_folder_at_a_url_is_no_file(at_url: Callable[..., Done]) -> None:
    done = at_url("meta", "memory://b/r/t/lead", "--checks", "numbers")
    assert done.returncode == 2
    assert "memory://b/r/t/lead: this is a folder; name a file in it" in done.stderr


def test_only_runs_are_fetched_of_what_is_at_a_url(
    at_url: Callable[..., Done], tmp_path: Path
) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/b/r/t/raw/huge.bin", b"x" * 1000)
    fs.pipe_file("/b/raw/huge.bin", b"x" * 1000)
    assert at_url("leaderboard", "memory://b").returncode == 0
    assert at_url("compare", "memory://b/r/t").returncode == 0
    assert not list((tmp_path / "cache").rglob("huge.bin"))
    done = at_url("compare", "memory://b/raw")
    assert done.stderr == "evalharness: memory://b/raw: no runs are there\n"


def test_what_judges_prefer_is_shown_of_runs_at_a_url(
    config: Path, tmp_path: Path, command: Callable[..., Done]
) -> None:
    with serving(lambda body: first_token(A=-0.1, B=-3.0)) as server:
        judge = {"name": "judge", "endpoint": {"url": server.url, "model": "stub"}, "pairs": 5}
        config.write_text(json.dumps(json.loads(config.read_text()) | {"judges": [judge]}))
        evalharness.run(config, results="memory://b/r")
        n = sum(server.answered.values())
        for url in ("memory://b/r/t", "memory://b/r/t/lead memory://b/r/t/random"):
            forget_mirrors()
            (found,) = evalharness.compare(*url.split()).preferences
            assert (found.judge, found.answers) == ("stub", n)
        forget_mirrors()
        options = {"endpoint": {"url": server.url, "model": "other"}}
        (tmp_path / "judge.yaml").write_text(json.dumps(options))
        for _ in range(2):  # what is asked about runs at a URL is stored there
            shutil.rmtree(tmp_path / "cache")
            forget_mirrors()
            done = command("compare", "memory://b/r/t", "--judge", str(tmp_path / "judge.yaml"))
            assert done.returncode == 0, done.stderr
            asked = sum(server.answered.values())
        assert asked == n + 2 * 22
    (tmp_path / "page").mkdir()
    evalharness.write_report("memory://b/r/t", to=tmp_path / "page" / "r.html")
    assert 'id="preferences"' in (tmp_path / "page" / "r.html").read_text()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3:/bucket/results", "did you mean s3://bucket/results"),
        ("s3://", "names no bucket"),
        ("memory:///", "names no bucket"),
        ("memory://b/a*b", r"may have no \*"),
        ("memory://b/a?b=c", r"may have no \?"),
        ("memory://b/a[1]", r"may have no \["),
        ("s4://bucket/r", "Protocol not known"),
    ],
)
def test_url_that_cannot_hold_results_is_refused_before_any_work(
    url: str, why: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(evalharness.errors.HarnessError, match=why):
        evalharness.run(config, results=url)
    assert sorted(tmp_path.iterdir()) == before


def test_results_that_were_copied_up_by_hand_are_read_and_not_computed_again(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    fs = fsspec.filesystem("memory")
    fs.put(str(tmp_path / "local"), "/b/r", recursive=True)

    assert evalharness.compare("memory://b/r/t").systems == ("lead", "random")
    runs = evalharness.run(config, results="memory://b/r")
    assert [run.timing.summaries["computed"] for run in runs] == [0, 0]
    assert part_paths("memory://b/r") == []


@pytest.mark.parametrize("name", ["two words", "ünï/日本", "with%20code", "dots.and-dashes_"])
def test_url_may_have_any_letters(name: str, config: Path, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/{name}/"
    evalharness.run(config, ["limit=4"], results=url)
    counts = compact(url)
    assert counts.ledgers == counts.after == 4
    assert evalharness.compare(f"{url}t/").systems == ("lead", "random")
    assert evalharness.verify(f"{url}t").good


def test_two_runs_at_once_at_one_url_lose_and_double_nothing(config: Path, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket/r"
    with_data_at(config, f"file://{tmp_path}/bucket/data")
    evalharness.run(config, results=tmp_path / "local")
    command = [sys.executable, "-m", "evalharness", "run", str(config), "--results", url]
    processes = [
        subprocess.Popen([*command, "--no-report"], stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    compact(url)
    assert len(part_paths(url)) == 4

    back = brought_back(url, tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    for name, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(ledger_bytes(back)[name])) == sorted(keys_of(content)), name


def test_ledgers_that_were_copied_up_whole_are_joined_with_parts_on_the_way_back(
    config: Path, tmp_path: Path
) -> None:
    evalharness.run(config, results=tmp_path / "local")
    evalharness.run(config, ["limit=10"], results=tmp_path / "first")
    copy(str(tmp_path / "first"), "memory://b/r")
    evalharness.run(config, results="memory://b/r")

    back = brought_back("memory://b/r", tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    for name, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(ledger_bytes(back)[name])) == sorted(keys_of(content)), name


# A real S3 server.


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have s3:// mean the server here, or what is named in place of it."""

    def use(address: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        forget_mirrors()

    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    use(server)
    yield use
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@needs_s3
def test_s3_gives_the_bytes_of_a_folder(
    s3: Callable[[str], None], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"s3://{BUCKET}/{request.node.name}"
    config = with_data_at(written(tmp_path, 24), f"{url}/data")
    evalharness.run(config, results=tmp_path / "local")
    shards(config, 2, f"{url}/r")
    forget_mirrors()
    evalharness.run(config, results=f"{url}/r")
    counts = compact(f"{url}/r")

    assert counts.after == counts.ledgers == 4
    back = brought_back(f"{url}/r", tmp_path / "back")
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    there, here = evalharness.compare(f"{url}/r/t"), evalharness.compare(tmp_path / "local" / "t")
    assert without_folders(there) == without_folders(here)


@needs_s3
def test_one_request_in_twenty_that_fails_costs_nothing(
    s3: Callable[[str], None], server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"s3://{BUCKET}/{request.node.name}"
    config = with_data_at(written(tmp_path, 24), f"{url}/data")
    evalharness.run(config, results=tmp_path / "local")
    with Faulty(server, 0.05) as faulty:
        s3(faulty.url)
        shards(config, 3, f"{url}/r")
        forget_mirrors()
        runs = evalharness.run(config, results=f"{url}/r")
        compact(f"{url}/r")
        compared = evalharness.compare(f"{url}/r/t")
        faulty.shutdown()  # `with` closes it

    assert faulty.failed > 3
    assert [run.timing.summaries["computed"] for run in runs] == [0, 0]
    s3(server)
    assert bytes_of(brought_back(f"{url}/r", tmp_path / "back")) == bytes_of(tmp_path / "local")
    here = evalharness.compare(tmp_path / "local" / "t")
    assert without_folders(compared) == without_folders(here)


@needs_s3
def test_killed_driver_loses_what_it_had_not_put_and_goes_on(
    s3: Callable[[str], None], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"s3://{BUCKET}/{request.node.name}"
    config = with_data_at(written(tmp_path, 1200, models=["lead"]), f"{url}/data")
    evalharness.run(config, results=tmp_path / "local")
    command = [sys.executable, "-m", "evalharness", "run", str(config), "--results", f"{url}/r"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        wait_for(lambda: process.poll() is not None or len(part_paths(f"{url}/r")) > 8)
        process.kill()
    assert process.returncode == -signal.SIGKILL

    with pytest.raises(DataError):
        evalharness.compare(f"{url}/r/t", f"{url}/r/t")
    (run,) = evalharness.run(config, results=f"{url}/r")
    assert sum(n["stored"] for n in run.timing.scores.values()) > 0
    assert bytes_of(brought_back(f"{url}/r", tmp_path / "back")) == bytes_of(tmp_path / "local")


@needs_s3
def test_missing_bucket_is_one_line(s3: Callable[[str], None], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^s3://nobody/r/\S+: cannot be written: .*bucket"):
        evalharness.run(written(tmp_path, 4), results="s3://nobody/r")


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")  # of aiohttp
@pytest.mark.parametrize("name", CLOUDS)
def test_store_of_any_kind_gives_the_bytes_of_a_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not CLOUDS[name].can_start():
        pytest.skip("needs the package of the file system and an emulator: servers/clouds.py")
    url = f"{name}://{BUCKET}/results of ours/ü"
    with CLOUDS[name].start() as variables:
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        fsspec.get_filesystem_class(name).clear_instance_cache()
        config = with_data_at(written(tmp_path, 600, models=["lead"]), f"{url}/data")
        evalharness.run(config, results=tmp_path / "local")
        command = [sys.executable, "-m", "evalharness", "run", str(config), "--results", url]
        command += ["--workers", "2", "--no-report"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            wait_for(lambda: process.poll() is not None or len(part_paths(url)) > 4)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        with pytest.raises(evalharness.errors.HarnessError):
            evalharness.compare(f"{url}/t", f"{url}/t")
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stderr
        counts = compact(url)
        assert counts.after == counts.ledgers == 3 <= counts.before
        assert compact(url).before == 3
        (run,) = evalharness.run(config, results=url)
        assert run.timing.summaries["computed"] == 0
        assert {n["computed"] for n in run.timing.scores.values()} == {0}
        assert evalharness.compare(f"{url}/t/lead", f"{url}/t/lead").systems
        back = brought_back(url, tmp_path / "back")
    fsspec.get_filesystem_class(name).clear_instance_cache()
    assert bytes_of(back) == bytes_of(tmp_path / "local")
    for ledger, content in ledger_bytes(tmp_path / "local").items():
        assert sorted(keys_of(ledger_bytes(back)[ledger])) == sorted(keys_of(content)), ledger


class Hub(MemoryFileSystem):  # type: ignore[misc]
    """A memory that is asked as the file system of the Hugging Face hub is."""

    protocol = "hf"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(MemoryFileSystem._strip_protocol(str(path).replace("hf://", "memory://")))


def test_results_may_have_the_urls_of_the_hub(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfFileSystem

    calls = {"pipe_file": ("n", b""), "put_file": ("n", "n"), "cat_file": ("n",), "info": ("n",)}
    calls |= {"get_file": ("n", "n"), "find": ("n",), "rm_file": ("n",), "invalidate_cache": ()}
    for name, arguments in calls.items():  # what is asked of a file system (`files.remote`)
        signature = inspect.signature(getattr(HfFileSystem, name))
        signature.bind("self", *arguments, **({"detail": True} if name == "find" else {}))
    monkeypatch.setitem(sys.modules["fsspec.registry"].__dict__["_registry"], "hf", Hub)
    url = "hf://datasets/me/results@main/r"
    evalharness.run(config, results=tmp_path / "local")
    shards(config, 2, url)
    forget_mirrors()
    evalharness.run(config, results=url)
    assert compact(url).after == 4

    assert evalharness.compare(f"{url}/t").systems == ("lead", "random")
    assert bytes_of(brought_back(url, tmp_path / "back")) == bytes_of(tmp_path / "local")


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_package(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", no_package)
    with pytest.raises(DataError, match=r"s3://b/r: .*missing: pip install .*s3"):
        evalharness.run(written(tmp_path, 4), results="s3://b/r")
