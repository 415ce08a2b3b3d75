"""Results at a URL: parts that never change, whoever puts them, and runs that are read back."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import fsspec  # noqa: TID253
import pytest
from at_work import bytes_of, written
from fsspec.implementations.memory import MemoryFileSystem  # noqa: TID253
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
        faulty.shutdown()

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


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_package(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", no_package)
    with pytest.raises(DataError, match=r"s3://b/r: .*missing: pip install .*s3"):
        evalharness.run(written(tmp_path, 4), results="s3://b/r")
