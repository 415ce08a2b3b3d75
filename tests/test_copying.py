"""Results copied elsewhere and back: whole, with run.json last, and never out of their folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # noqa: TID253
import pytest
from conftest import Done
from fsspec.implementations.memory import MemoryFileSystem  # noqa: TID253

import evalharness
from evalharness.errors import DataError, StoreError
from evalharness.store.copy import copy

ROOT = Path(__file__).parents[1]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"
SHEET: dict[str, Any] = {
    "name": "t",
    "data": {"name": "files", "path": str(ARTICLES)},
    "model": "lead",
    "metrics": ["chrf"],
    "checks": ["numbers"],
}


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """Have an empty file system in memory."""
    fs = fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()
    fs.pseudo_dirs[:] = [""]
    yield fs
    MemoryFileSystem.store.clear()


def contents(folder: Path) -> dict[str, bytes]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".lock"]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_results_go_away_and_come_back_and_nothing_is_computed_again(tmp_path: Path) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=5)
    told: list[str] = []

    there = copy(str(tmp_path / "r"), "memory://bucket/runs", told.append)
    back = copy("memory://bucket/runs", str(tmp_path / "back"))

    assert contents(tmp_path / "back") == contents(tmp_path / "r")
    assert told[-1] == "t/lead/run.json"
    assert there.files == back.files == len(contents(tmp_path / "r"))
    again = evalharness.run(SHEET, results=tmp_path / "back", limit=5)[0]
    assert again.record["timing"]["summaries"] == {"computed": 0, "stored": 5}


def test_ledgers_that_are_there_are_not_copied_again_until_they_grow(tmp_path: Path) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=5)
    copy(str(tmp_path / "r"), "memory://bucket/runs")

    assert copy(str(tmp_path / "r"), "memory://bucket/runs").there == 3
    evalharness.run(SHEET, results=tmp_path / "r", limit=6)
    assert copy(str(tmp_path / "r"), "memory://bucket/runs").there == 0
    copy("memory://bucket/runs", str(tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(tmp_path / "r")


def test_locks_and_half_written_files_stay_behind(tmp_path: Path, memory: Any) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=5)
    (tmp_path / "r" / "t" / "lead" / ".samples.jsonl.host.1.part").write_text("half")

    copy(str(tmp_path / "r"), "memory://b")

    names = [name.rpartition("/")[2] for name in memory.find("/b")]
    assert "run.json" in names
    assert not [name for name in names if name.endswith((".lock", ".part"))]


def test_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, memory: Any) -> None:
    MemoryFileSystem.store["/b/run.json"] = MemoryFileSystem().open("/x", "wb")
    MemoryFileSystem.store["/b/../../evil"] = MemoryFileSystem().open("/y", "wb")

    with pytest.raises(DataError, match=r"leads out of the folder"):
        copy("memory://b", str(tmp_path / "in" / "side"))
    assert not (tmp_path / "evil").exists()


def test_what_holds_no_results_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")

    with pytest.raises(DataError, match=r"no folder with results: no run\.json in it"):
        copy(str(tmp_path), "memory://b")
    with pytest.raises(DataError, match=r"no folder with results: no files"):
        copy("memory://nothing", str(tmp_path))


def test_target_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=2)
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError) as caught:
        copy(str(tmp_path / "r"), str(tmp_path / "file"))
    assert "\n" not in str(caught.value)


def test_copy_says_what_it_did(tmp_path: Path, command: Any) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=2)

    done: Done = command("copy", tmp_path / "r", "memory://b")

    assert done.returncode == 0
    assert done.stdout.startswith("copied 10 files, ")
    assert done.stdout.endswith(" bytes: memory://b\n")


@pytest.mark.parametrize("target", ["memory://bucket/runs", "there"])
def test_ledger_of_other_results_keeps_them_and_gets_those_of_the_source(
    tmp_path: Path, target: str
) -> None:
    target = target if "://" in target else str(tmp_path / target)
    rows = ARTICLES.read_text(encoding="utf-8").splitlines(keepends=True)
    for name, own in (("one", rows[:4]), ("other", rows[2:7])):
        (tmp_path / "rows.jsonl").write_text("".join(own), encoding="utf-8")
        sheet = {**SHEET, "data": {"name": "files", "path": str(tmp_path / "rows.jsonl")}}
        evalharness.run(sheet, results=tmp_path / name)
        copy(str(tmp_path / name), target)
    before = contents(tmp_path / "there"), sorted(MemoryFileSystem.store)
    copy(str(tmp_path / "other"), target)  # what is there already is not added again
    assert (contents(tmp_path / "there"), sorted(MemoryFileSystem.store)) == before
    copy(target, str(tmp_path / "back"))
    copy(str(tmp_path / "one"), str(tmp_path / "back"))  # has all of it by now

    (tmp_path / "rows.jsonl").write_text("".join(rows[:7]), encoding="utf-8")
    sheet = {**SHEET, "data": {"name": "files", "path": str(tmp_path / "rows.jsonl")}}
    run = evalharness.run(sheet, results=tmp_path / "back")[0]
    assert run.record["timing"]["summaries"] == {"computed": 0, "stored": 7}
    assert run.record["timing"]["scores"]["numbers"] == {"computed": 0, "stored": 7}


def test_shorter_ledger_never_replaces_a_longer_one(tmp_path: Path) -> None:
    for name, limits in (("short", [3]), ("long", [3, 6])):
        for limit in limits:
            evalharness.run(SHEET, results=tmp_path / name, limit=limit)
    copy(str(tmp_path / "long"), "memory://bucket/runs")

    assert copy(str(tmp_path / "short"), "memory://bucket/runs").there == 3
    copy("memory://bucket/runs", str(tmp_path / "back"))
    stores = [contents(tmp_path / name / "store") for name in ("long", "back")]
    assert stores[0] == stores[1]


def test_copy_that_was_ended_after_a_ledger_brings_what_stands_beside_it(
    tmp_path: Path, memory: Any
) -> None:
    evalharness.run(SHEET, results=tmp_path / "r", limit=3)
    copy(str(tmp_path / "r"), "memory://bucket/runs")
    beside = [name for name in memory.find("/bucket") if name.endswith(".versions.json")]
    for name in beside:
        memory.rm_file(name)

    copy(str(tmp_path / "r"), "memory://bucket/runs")

    assert len(beside) == 3
    assert set(beside) <= set(memory.find("/bucket"))


def test_ledgers_of_one_size_with_other_results_are_joined(tmp_path: Path) -> None:
    rows = ARTICLES.read_text(encoding="utf-8").splitlines(keepends=True)
    for name, own in (("one", rows[:2]), ("other", rows[2:4])):
        (tmp_path / "rows.jsonl").write_text("".join(own), encoding="utf-8")
        sheet = {**SHEET, "data": {"name": "files", "path": str(tmp_path / "rows.jsonl")}}
        evalharness.run({**sheet, "metrics": [], "checks": ["quotes"]}, results=tmp_path / name)
    (tmp_path / "rows.jsonl").write_text("".join(rows[:4]), encoding="utf-8")
    stores = [[*(tmp_path / name / "store/scores").glob("*.jsonl")] for name in ("one", "other")]

    assert len({path.stat().st_size for [path] in stores}) == 1

    copy(str(tmp_path / "one"), str(tmp_path / "other"))

    run = evalharness.run(
        {**sheet, "metrics": [], "checks": ["quotes"]}, results=tmp_path / "other"
    )[0]
    assert run.record["timing"]["scores"]["quotes"] == {"computed": 0, "stored": 4}
