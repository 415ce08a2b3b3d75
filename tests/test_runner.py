"""Whole runs: counted, resumed, shared, never mixed up."""

import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from at_work import kill_run, killed_at_end, stored_bytes
from servers.chat import serving

import evalharness
from evalharness.config import cells
from evalharness.config.cells import Cell
from evalharness.config.run_config import read_run_config
from evalharness.errors import DataError, ModelError
from evalharness.executors.local import LocalPool
from evalharness.files import temporary
from evalharness.protocols import Need, Pair, Silence
from evalharness.records import Article, Flag, Score, Span, Summary
from evalharness.runner import articles
from evalharness.runner.fill import fill
from evalharness.runner.provenance import _git_commit, provenance
from evalharness.runner.run import Unfinished, run_cell
from evalharness.runner.summaries import TimeLeft
from evalharness.runner.write import write
from evalharness.store import aggregates
from evalharness.store import samples as store_samples
from evalharness.store.runs import Run
from evalharness.store.store import Store

ROOT = Path(__file__).parents[1]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"


def rows(n: int) -> list[dict[str, Any]]:
    """Return n articles, no two alike, made of the quickstart's."""
    base = [json.loads(line) for line in ARTICLES.read_text().splitlines()]
    return [
        {
            **base[i % len(base)],
            "id": f"{i}",
            "article": f"Story {i}. {base[i % len(base)]['article']}",
        }
        for i in range(n)
    ]


def data_file(folder: Path, n: int = 12) -> Path:
    path = folder / "articles.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(n)))
    return path


def make_config(path: Path, **more: Any) -> dict[str, Any]:
    return {"name": "t", "data": {"name": "files", "path": str(path)}, "model": "lead", **more}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a run; of `run.json`, all but its timing."""
    found = {name: (folder / name).read_bytes() for name in ("samples.jsonl", "samples.parquet")}
    record = json.loads((folder / "run.json").read_text())
    del record["timing"], record["provenance"]["git"]  # a commit meanwhile
    return found | {"run.json": json.dumps(record).encode()}


@dataclasses.dataclass(frozen=True)
class Marked:
    """Writes its mark and how many articles it was given at once."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1
    calls: ClassVar[list[int]] = []

    mark: str = "m"

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        self.calls.append(len(articles))
        return [
            Summary(a.id, "", finish="error", note="too hard")
            if "HARD" in a.text
            else Summary(a.id, f"{self.mark} {a.text[:40]}", read=40)
            for a in articles
        ]


@dataclasses.dataclass(frozen=True)
class Crashing(Marked):
    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        raise AssertionError("asked to summarize what the store has")


@dataclasses.dataclass(frozen=True)
class Picky:
    """Does not apply to every other summary."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [
            Score(0.5, parts={"p": 0.25}) if int(a.id) % 2 else Score(None, note="an even id")
            for a, _ in pairs
        ]


@dataclasses.dataclass(frozen=True)
class Late(Picky):
    """Has a part for every third summary only."""

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [
            Score(0.5, parts={"p": 0.25}) if int(a.id) % 3 == 2 else Score(0.125) for a, _ in pairs
        ]


def cell_of(path: Path, model: Any, **more: Any) -> Cell:
    made = cells.prepare(read_run_config(make_config(path, **more)))[0]
    return dataclasses.replace(made, model=model, model_kind="marked")


def run_cells(some: Sequence[Cell], folder: Path) -> tuple[list[Run], dict[str, str]]:
    """Return the runs, and why the others could not be."""
    filled = fill(some, Store(folder / "store", provenance), LocalPool())
    return write(filled, folder), filled.reasons()


@pytest.mark.parametrize("room", [0, 4_000, 20_000])
def test_files_are_the_same_where_memory_has_no_room_for_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = data_file(tmp_path)
    with path.open("a") as file:
        file.write('{"id": "x"}\nnot json\n{"id": "y", "article": "Rain came.", "summary": ""}\n')
    more = {"models": [{"name": "given"}, {"name": "lead"}], "metrics": ["rouge"]}
    config = {**make_config(path, **more), "checks": ["numbers"]}
    del config["model"]
    with_room = evalharness.run(config, results=tmp_path / "with")
    with monkeypatch.context() as patched:
        patched.setattr(articles, "BYTES_OF_UNITS", room)
        without = evalharness.run(config, results=tmp_path / "without")

    for one, other in zip(with_room, without, strict=True):
        assert bytes_of(one.folder) == bytes_of(other.folder)
        listed = [(each.folder / "rejected.jsonl").read_bytes() for each in (one, other)]
        assert listed[0] == listed[1]
    assert with_room[0].counts.rejected == 2


def test_files_are_of_what_was_read_for_the_scores(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    cell = cell_of(path, Marked(), checks=["numbers"])
    filled = fill([cell], Store(tmp_path / "store", provenance), LocalPool())
    (group,) = filled.groups
    path.write_text(json.dumps(rows(1)[0]) + "\n")

    (run,) = write(filled, tmp_path)

    assert run.n == 12
    assert not group.kept.units, "all that was kept goes when the files are there"


def test_run_writes_its_folder_and_counts_every_article(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    with path.open("a") as file:
        file.write('{"id": "x"}\n{"id": "0", "article": "Twice."}\nnot json\n')

    (finished,) = evalharness.run(make_config(path), results=tmp_path / "r")

    counts = finished.record["counts"]
    assert counts == {"rows": 15, "rejected": 3, "articles": 12, "summarized": 12, "failed": 0}
    assert len(list(finished.samples())) == 12
    rejected = (finished.folder / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["where"].rpartition(":")[2] for line in rejected] == ["13", "14", "15"]
    for metric in finished.metrics.values():
        assert metric["n"] + metric["not_scored"] == 12
        assert sum(metric["notes"].values()) == metric["not_scored"]
        assert metric["n"] == 0 or metric["low"] <= metric["mean"] <= metric["high"]


def test_table_and_samples_hold_the_same_numbers(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (finished,) = evalharness.run(make_config(data_file(tmp_path)), results=tmp_path / "r")

    table = pq.read_table(finished.folder / "samples.parquet").to_pylist()
    for row, sample in zip(table, finished.samples(), strict=True):
        assert row["id"] == sample["id"]
        for name, score in sample["scores"].items():
            assert row[f"{name}.value"] == score["value"]
            for part, value in score.get("parts", {}).items():
                assert row[f"{name}.{part}"] == value


def test_run_is_the_same_however_its_scores_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of any size, in memory or in a file; a part may come first with a later block."""
    import pyarrow.parquet as pq

    path = data_file(tmp_path)
    found = []
    for rows, spooled in ((1000, 2**20), (5, 1), (12, 1), (1, 10)):
        monkeypatch.setattr(aggregates, "BLOCK_ROWS", rows)
        monkeypatch.setattr(temporary, "SPOOLED", spooled)
        cell = dataclasses.replace(
            cell_of(path, Marked(), metrics=[], checks=[]),
            metrics={"late": Late()},
            metric_kinds={"late": "late"},
        )
        finished = run_cell(cell, tmp_path / f"r{rows}", Silence())
        table = pq.read_table(finished.folder / store_samples.TABLE_FILE)
        samples = (finished.folder / store_samples.SAMPLES).read_bytes()
        found.append((finished.metrics, table.to_pylist(), samples))
    assert table["late.p"].to_pylist() == [None, None, 0.25] * 4
    assert all(other == found[0] for other in found[1:])


def test_spans_of_samples_slice_back_to_their_text(tmp_path: Path) -> None:
    (finished,) = evalharness.run(
        make_config(data_file(tmp_path), model="random"), results=tmp_path / "r"
    )

    spans = 0
    for sample in finished.samples():
        for score in sample["scores"].values():
            for entry in [*score.get("sentences", ()), *score.get("flags", ())]:
                text = sample["summary"]["text"][entry["start"] : entry["end"]]
                assert text == text.strip() != ""
                spans += 1
                for piece in entry["evidence"]:
                    assert sample["article"][piece["start"] : piece["end"]].strip()
    assert spans > 0


def test_second_run_computes_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    (first,) = evalharness.run(make_config(path), results=tmp_path / "r")
    before = bytes_of(first.folder)

    (second,) = evalharness.run(make_config(path), results=tmp_path / "r")

    assert second.record["timing"]["summaries"] == {"computed": 0, "stored": 12}
    assert all(s["computed"] == 0 for s in second.record["timing"]["scores"].values())
    assert bytes_of(second.folder) == before


def test_stored_config_runs_again_to_the_same_bytes(tmp_path: Path) -> None:
    (first,) = evalharness.run(
        make_config(data_file(tmp_path), model={"name": "random", "sentences": 2}, seed=5, limit=7),
        results=tmp_path / "r",
    )

    (again,) = evalharness.run(first.folder / "config.yaml", results=tmp_path / "other" / "r")

    assert again.folder.relative_to(tmp_path / "other") == first.folder.relative_to(tmp_path)
    assert bytes_of(again.folder) == bytes_of(first.folder)


def test_higher_limit_computes_only_what_is_new(tmp_path: Path) -> None:
    path = data_file(tmp_path, 30)
    evalharness.run(make_config(path), results=tmp_path / "r", limit=10)

    (more,) = evalharness.run(make_config(path), results=tmp_path / "r", limit=25)

    assert more.record["timing"]["summaries"] == {"computed": 15, "stored": 10}


def replaced(folder: Path, *overrides: str) -> list[str]:
    """Run two models over a few lines; return what is said of the runs that are replaced."""
    config = make_config(folder / "articles.jsonl", checks=["numbers"])
    del config["model"]
    told: list[str] = []
    models = ["lead", {"name": "random", "label": "drawn", "seed": 1}]
    config |= {"models": models, "metrics": ["rouge"]}
    evalharness.run(config, overrides, results=folder / "r", tell=told.append)
    return told


def test_run_with_other_settings_says_which_changed_and_that_runs_are_replaced(
    tmp_path: Path,
) -> None:
    data_file(tmp_path)
    assert replaced(tmp_path) == replaced(tmp_path) == []

    (line,) = replaced(tmp_path, "models.0.sentences=1", "limit=5", "metrics=[]")

    changed = "model.sentences: 3 → 1 in lead; rouge: rouge → none; limit: all → 5"
    assert line == (
        f"2 runs in {tmp_path / 'r' / 't'} are replaced, because settings have changed ({changed})."
        " The store keeps all scores, so the earlier command brings the earlier results back; to "
        "keep both, add --set name=NAME to one of the two"
    )


def test_only_the_run_with_other_settings_is_named(tmp_path: Path) -> None:
    data_file(tmp_path)
    replaced(tmp_path)

    (line,) = replaced(tmp_path, "models.1={name: lead, label: drawn}")

    run = tmp_path / "r" / "t" / "drawn"
    assert line.startswith(
        f"{run} is replaced, because settings have changed (model: random → lead)."
    )


def test_new_scorers_and_what_changes_no_result_replace_nothing(tmp_path: Path) -> None:
    data_file(tmp_path)
    replaced(tmp_path)

    assert replaced(tmp_path, "metrics=[chrf, rouge]", "samples=columns", "executor=local") == []


def test_new_metric_asks_no_model(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    run_cell(cell_of(path, Marked(), checks=[]), tmp_path / "r", Silence())

    more = cell_of(path, Crashing(), metrics=["rouge", "chrf"], checks=["numbers"])
    finished = run_cell(more, tmp_path / "r", Silence())

    assert set(finished.metrics) == {"rouge", "chrf", "numbers"}
    assert finished.record["timing"]["scores"]["rouge"]["computed"] == 0
    assert finished.record["timing"]["scores"]["chrf"]["computed"] == 12


def test_two_models_never_share_a_summary(tmp_path: Path) -> None:
    path = data_file(tmp_path)

    runs = [
        run_cell(
            dataclasses.replace(cell_of(path, Marked(mark), checks=[]), name=mark),
            tmp_path / "r",
            Silence(),
        )
        for mark in ("one", "two")
    ]

    for finished, mark in zip(runs, ("one", "two"), strict=True):
        assert {s["summary"]["text"].split()[0] for s in finished.samples()} == {mark}
    assert len(list((tmp_path / "r" / "store" / "summaries").glob("*.jsonl"))) == 2


def test_failed_article_is_counted_listed_and_tried_again(tmp_path: Path) -> None:
    path = data_file(tmp_path, 3)
    with path.open("a") as file:
        file.write(json.dumps({"id": "9", "article": "HARD to read.", "reference": "Hard."}) + "\n")

    finished = run_cell(cell_of(path, Marked()), tmp_path / "r", Silence())
    again = run_cell(cell_of(path, Marked()), tmp_path / "r", Silence())

    assert finished.record["counts"]["failed"] == 1
    assert finished.record["outputs"]["errors"] == {"too hard": 1}
    assert finished.metrics["rouge"]["notes"] == {"no summary: too hard": 1}
    assert list(finished.samples())[-1]["scores"]["rouge"]["value"] is None
    assert again.record["timing"]["summaries"] == {"computed": 1, "stored": 3}


def test_same_article_of_another_day_has_a_score_of_its_own(tmp_path: Path) -> None:
    row = {"article": "The bridge opened yesterday.", "summary": "The bridge opened on May 3."}
    days = ["2026-05-04", "2026-05-05", "2026-05-04"]
    path = tmp_path / "dated.jsonl"
    path.write_text("".join(json.dumps(row | {"published": day}) + "\n" for day in days))
    data = {"name": "files", "path": str(path), "columns": {"extra": ["published"]}}
    checks = ["dates", "lexical", "numbers"]
    settings = make_config(path, data=data, model="given", metrics=[], checks=checks)
    (run,) = evalharness.run(settings, results=tmp_path / "r")
    samples = map(json.loads, (run.folder / "samples.jsonl").read_text().splitlines())
    assert [sample["scores"]["dates"]["value"] for sample in samples] == [1.0, 0.0, 1.0]
    stored = {
        path.name: len(path.read_bytes().splitlines()) - 1  # the first says whose scores they are
        for path in (tmp_path / "r" / "store" / "scores").glob("*.jsonl")
    }
    assert sorted(stored.values()) == [1, 2, 2]


def test_same_article_twice_is_summarized_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": i, "article": "One text."}) + "\n" for i in "abc"))
    Marked.calls.clear()

    finished = run_cell(cell_of(path, Marked(), metrics=[], checks=[]), tmp_path / "r", Silence())

    assert Marked.calls == [1]
    assert [s["id"] for s in finished.samples()] == ["a", "b", "c"]


def test_value_that_does_not_apply_is_missing_and_never_zero(tmp_path: Path) -> None:
    cell = dataclasses.replace(
        cell_of(data_file(tmp_path), Marked(), metrics=[], checks=[]),
        metrics={"picky": Picky()},
        metric_kinds={"picky": "picky"},
    )

    finished = run_cell(cell, tmp_path / "r", Silence())

    picky = finished.metrics["picky"]
    assert (picky["mean"], picky["n"], picky["not_scored"]) == (0.5, 6, 6)
    assert picky["notes"] == {"an even id": 6}
    assert picky["parts"]["p"] == {"mean": 0.25, "low": 0.25, "high": 0.25, "n": 6}


def test_no_article_at_all_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "txet": "The mayor left."}\n')

    with pytest.raises(DataError, match=r"no article to summarize; the first of 1: a.jsonl:1"):
        evalharness.run(make_config(path), results=tmp_path / "r")

    assert not (tmp_path / "r" / "t" / "lead" / "run.json").exists()


def test_cell_that_cannot_run_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = {"name": "seq2seq", "model": str(tmp_path / "empty"), "label": "bad"}
    whole = make_config(data_file(tmp_path), models=["lead", broken, "textrank"])
    del whole["model"]

    with pytest.raises(Unfinished, match=r"bad: .*empty: no config.json") as caught:
        evalharness.run(whole, results=tmp_path / "r")

    assert [finished.name for finished in caught.value.runs] == ["lead", "textrank"]
    assert caught.value.exit_code == 4


@dataclasses.dataclass(frozen=True)
class Unsound:
    """Gives one flawed score."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    flawed: Any = None

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [self.flawed for _ in pairs]


@pytest.mark.parametrize(
    ("flawed", "message"),
    [
        (Score(None), "no value, and no note that says why"),
        (Score(float("nan")), "nan is no number"),
        (Score(0.5, parts={"p": float("inf")}), "inf is no number"),
        (Score("0.5"), "'0.5' is a str, not a float"),  # type: ignore[arg-type]
        (Score(True), "True is a bool, not a float"),
        (Score(0.5, flags=(Flag(Span(0, 9999), "k", "m"),)), "is not within its text"),
    ],
)
def test_flawed_score_is_refused_before_it_is_stored(
    tmp_path: Path, flawed: Score, message: str
) -> None:
    cell = dataclasses.replace(
        cell_of(data_file(tmp_path, 2), Marked(), metrics=[], checks=[]),
        metrics={"mine": Unsound(flawed)},
        metric_kinds={"mine": "mine"},
    )

    with pytest.raises(ModelError, match="mine: a bug of the component: ") as caught:
        run_cell(cell, tmp_path / "r", Silence())

    assert message in str(caught.value)
    assert all(
        len(ledger.read_text().splitlines()) <= 1
        for ledger in (tmp_path / "r" / "store" / "scores").glob("*.jsonl")
    )


def test_crash_of_one_cell_is_shown_whole_and_leaves_the_others(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    cells_of_three = [
        dataclasses.replace(cell_of(path, model), name=name)
        for name, model in (("a", Marked("a")), ("b", Crashing()), ("c", Marked("c")))
    ]

    runs, failures = run_cells(cells_of_three, tmp_path / "r")

    assert [finished.name for finished in runs] == ["a", "c"]
    assert "Traceback" in failures["b"]
    assert "asked to summarize what the store has" in failures["b"]


def test_flawed_metric_of_one_cell_leaves_the_others(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    sound = [
        dataclasses.replace(cell_of(path, Marked(mark), checks=[]), name=mark) for mark in "ac"
    ]
    flawed = dataclasses.replace(
        sound[0],
        name="b",
        metrics={"mine": Unsound(Score(float("nan")))},
        metric_kinds={"mine": "mine"},
    )

    runs, failures = run_cells([sound[0], flawed, sound[1]], tmp_path / "r")
    alone = run_cell(sound[1], tmp_path / "alone", Silence())

    assert [finished.name for finished in runs] == ["a", "c"]
    assert failures["b"].startswith("mine: a bug of the component: ")
    assert bytes_of(runs[1].folder) == bytes_of(alone.folder)
    assert not (tmp_path / "r" / "t" / "b" / "run.json").exists()


def test_damaged_line_of_the_store_is_computed_again_and_said(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    (first,) = evalharness.run(make_config(path), results=tmp_path / "r")
    (ledger,) = (tmp_path / "r" / "store" / "summaries").glob("*.jsonl")
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([*lines[:3], lines[3].replace(b"stop", b"stoq"), *lines[4:]]))

    (again,) = evalharness.run(make_config(path), results=tmp_path / "r")

    assert again.record["timing"]["damaged"] == [f"{ledger}:4"]
    assert again.record["timing"]["summaries"] == {"computed": 1, "stored": 11}
    assert bytes_of(again.folder) == bytes_of(first.folder)


def test_store_that_is_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    (first,) = evalharness.run(make_config(path), results=tmp_path / "r")
    before = bytes_of(first.folder)
    for ledger in (tmp_path / "r" / "store").rglob("*.jsonl"):
        ledger.unlink()

    (again,) = evalharness.run(make_config(path), results=tmp_path / "r")

    assert again.record["timing"]["summaries"]["computed"] == 12
    assert bytes_of(again.folder) == before


def test_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    """The server answers one batch of requests and holds those of the next: no run can be over."""
    data_file(tmp_path, 40)
    path = tmp_path / "c.yaml"
    held = {"on": True}

    def faults(said: str, n: int) -> str:
        return "slow" if held["on"] and len(server.tries) > 32 else ""

    with serving(faults=faults) as server:
        model = {"name": "endpoint", "url": server.url, "model": "m"}
        data = {"name": "files", "path": "articles.jsonl"}
        path.write_text(json.dumps({"data": data, "model": model, "metrics": ["rouge"]}))
        process = subprocess.Popen(
            command(path, tmp_path / "r"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with killed_at_end(process):
            while server.held < 8:
                assert process.poll() is None, process.communicate()
                server.ending.wait(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
        held["on"] = False
        (again,) = evalharness.run(path, results=tmp_path / "r")

    assert process.returncode == 130
    assert (
        "interrupted; 32 summaries of m were written and are stored; the same command goes" in err
    )
    assert "Traceback" not in err
    summaries = again.record["timing"]["summaries"]
    assert (summaries["stored"], summaries["computed"]) == (32, 8)


def command(path: Path, results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "evalharness", "run", str(path), "--results", str(results), *more]


def test_run_killed_at_random_moments_ends_as_if_it_was_not(tmp_path: Path) -> None:
    data_file(tmp_path, 600)
    path = tmp_path / "c.yaml"
    path.write_text(
        "data: {name: files, path: articles.jsonl}\n"
        "models: [lead, {name: random, sentences: 2}]\nmetrics: [rouge]\n"
    )
    subprocess.run(command(path, tmp_path / "whole"), check=True, capture_output=True)
    rng = random.Random(20)
    moments = sorted(rng.uniform(0, stored_bytes(tmp_path / "whole")) for _ in range(20))

    for moment in moments:
        kill_run(command(path, tmp_path / "torn"), tmp_path / "torn", moment)
    subprocess.run(command(path, tmp_path / "torn"), check=True, capture_output=True)

    for cell in ("lead", "random"):
        assert bytes_of(tmp_path / "torn" / "c" / cell) == bytes_of(tmp_path / "whole" / "c" / cell)
    left = [p.name for p in (tmp_path / "torn" / "c").rglob("*.part")]
    assert left == []


# Runs the command line with a model that takes its time, and notes each batch that it has written.
SLOWLY = """
import runpy, sys, time
from evalharness.models.engine import Engine

log, generate = open(sys.argv.pop(1), "a", buffering=1), Engine._generate

def slowly(self, prompts, rows):
    written = generate(self, prompts, rows)
    time.sleep(0.2)
    print(len(rows), file=log)
    return written

Engine._generate = slowly
runpy.run_module("evalharness", run_name="__main__", alter_sys=True)
"""


def kill_generating(path: Path, results: Path, batches: int, delay: float) -> list[int]:
    """Kill a run a moment after so many more batches; return the sizes of those it wrote."""
    log = path.with_name(f"{results.name}.log")
    log.touch()
    n = len(log.read_text().splitlines())
    words = command(path, results)
    process = subprocess.Popen(
        [words[0], "-c", SLOWLY, str(log), *words[3:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with killed_at_end(process):
        while len(log.read_text().splitlines()) < n + batches:
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(delay)
    return [int(line) for line in log.read_text().splitlines()[n:]]


def generating_config(folder: Path) -> Path:
    short = [{**row, "article": row["article"][:300]} for row in rows(12)]
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in short))
    path = folder / "c.yaml"
    checkpoint = {"name": "causal", "model": str(ARTICLES.parent / "lead1-llama"), "num_beams": 4}
    path.write_text(
        json.dumps(
            {
                "data": {"name": "files", "path": "articles.jsonl"},
                "model": {**checkpoint, "max_new_tokens": 8},
                "metrics": ["rouge"],
            }
        )
    )
    return path


def stored_summaries(results: Path) -> int:
    ledgers = (results / "store" / "summaries").glob("*.jsonl")
    return sum(max(0, len(path.read_bytes().splitlines()) - 1) for path in ledgers)


@pytest.mark.parametrize("chains", [1, pytest.param(7, marks=pytest.mark.slow)])
def test_kill_amid_generation_loses_a_batch_at_most_and_resumes_to_the_same_bytes(
    tmp_path: Path, chains: int
) -> None:
    """A lot of 12 articles in batches of two: killed at three moments, one after the other."""
    path = generating_config(tmp_path)
    (whole,) = evalharness.run(path, results=tmp_path / "whole")
    rng = random.Random(chains)

    for chain in range(chains):
        results = tmp_path / f"torn{chain}"
        kept, (first, second, third) = 0, sorted(rng.sample(range(4), 3))
        for more in (first, second - first, third - second):
            sizes = kill_generating(path, results, more, rng.uniform(0, 0.3))
            before, kept = kept, stored_summaries(results)
            assert set(sizes) <= {2}
            assert sum(sizes) - (kept - before) in (0, 2)
        (again,) = evalharness.run(path, results=results)

        assert again.record["timing"]["summaries"] == {"computed": 12 - kept, "stored": kept}
        assert bytes_of(again.folder) == bytes_of(whole.folder)


@pytest.mark.parametrize(
    ("of_article", "of_character"), [(4.0, 0.0), (0.0, 0.004), (2.0, 0.002), (1.0, 0.004)]
)
def test_time_left_is_right_within_half_after_a_tenth(
    monkeypatch: pytest.MonkeyPatch, of_article: float, of_character: float
) -> None:
    """Articles of 600 to 12,000 characters, the longest first in each window, in batches of 8."""
    rng = random.Random(5)
    lengths = [min(12_000, max(600, round(rng.lognormvariate(7.8, 0.6)))) for _ in range(640)]
    order = sorted(range(512), key=lambda i: -lengths[i])
    order += sorted(range(512, 640), key=lambda i: -lengths[i])
    batches = [order[:512][n : n + 8] for n in range(0, 512, 8)]
    batches += [order[512:][n : n + 8] for n in range(0, 128, 8)]
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    seconds = [
        rng.uniform(0.9, 1.1) * sum(of_article + of_character * lengths[i] for i in batch)
        for batch in batches
    ]
    left = TimeLeft(640)
    left.start()
    now[0] += 20.0  # loads

    for n, batch in enumerate(batches):
        if n in (0, 64):
            window = order[:512] if n == 0 else order[512:]
            left.expect(len(window), {str(i): lengths[i] for i in window})
        now[0] += seconds[n]
        left.record({str(i): lengths[i] for i in batch})
        if 8 * (n + 1) >= 64 and n < 76:
            right = sum(seconds[n + 1 :])
            assert right / 1.5 <= (left.seconds() or 0) <= right * 1.5, n


def test_time_left_counts_what_is_read_and_says_nothing_of_what_nobody_knows() -> None:
    left = TimeLeft(None)
    left.expect(2, {"a": 100, "b": 9000})
    assert left.seconds() is None
    left = TimeLeft(4)
    left.start()
    left.expect(4, {"a": 9000, "b": 9000, "c": 500})
    left.record({"a": 1000})
    left.steps[-1] = (1, 1000, 10.0)
    assert left.seconds() == pytest.approx(10.0 + 10.0 * (0.5 + 0.5 * 500 / 1000), rel=0.2)
    left.drop(["b", "c"])
    assert left.seconds() == 0


def test_time_left_moves_with_the_parts_of_an_article(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    left = TimeLeft(1)
    left.start()
    left.expect(1, {"a": 10_000})
    said = []
    for _ in range(9):
        now[0] += 10
        left.record({}, {"a": 1000})
        said.append(left.seconds() or 0)
    assert said == pytest.approx([90, 80, 70, 60, 50, 40, 30, 20, 10])  # but for merging
    left.record({"a": 10_000})
    assert left.seconds() == 0


def test_two_runs_at_once_on_one_results_folder_both_end_right(tmp_path: Path) -> None:
    data_file(tmp_path, 600)
    path = tmp_path / "c.yaml"
    path.write_text("data: {name: files, path: articles.jsonl}\nmodel: lead\n")
    subprocess.run(command(path, tmp_path / "alone"), check=True, capture_output=True)

    both = [
        subprocess.Popen(command(path, tmp_path / "r"), stdout=subprocess.DEVNULL) for _ in range(2)
    ]

    assert [process.wait() for process in both] == [0, 0]
    assert bytes_of(tmp_path / "r" / "c" / "lead") == bytes_of(tmp_path / "alone" / "c" / "lead")
    for ledger in (tmp_path / "r" / "store").rglob("*.jsonl"):
        keys = [json.loads(line)["key"] for line in ledger.read_text().splitlines()[1:]]
        assert len(keys) == len(set(keys))


def test_commit_is_not_called_unchanged_where_git_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "evalharness"
    package.mkdir()
    said = {"rev-parse --show-toplevel": f"{tmp_path.resolve()}", "rev-parse HEAD": "abc"}

    def git(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        for asked, answer in said.items():
            if " ".join(command[3:]).startswith(asked):
                return subprocess.CompletedProcess(command, 0, answer + "\n", "")
        raise subprocess.TimeoutExpired(command, 10)

    monkeypatch.setattr(subprocess, "run", git)
    assert _git_commit(package) == "abc, perhaps changed: git did not answer"
    said["status"] = ""
    assert _git_commit(package) == "abc"
    said["status"] = " M evalharness/errors.py"
    assert _git_commit(package) == "abc, changed"
    del said["rev-parse HEAD"]
    assert _git_commit(package) is None
