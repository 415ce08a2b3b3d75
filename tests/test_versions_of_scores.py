"""Scores of two versions of a check are never mixed, and one command makes the old ones new."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness import compare, gate, run
from evalharness.checks.lexical.numbers import Numbers
from evalharness.comparison.leaderboard import leaderboard
from evalharness.comparison.shared import Incomparable
from evalharness.errors import Exit
from evalharness.models.extractive import Lead
from evalharness.report.articles import articles_of
from evalharness.report.gathered import gather
from evalharness.report.overview import overview
from evalharness.report.ranking import standings
from evalharness.runner.existing import score_again
from evalharness.store.runs import read_run
from evalharness.trust.verify import verify

Command = Callable[..., Done]
OLD = Path(__file__).parent / "frozen" / "written_by_9e964b4"
BASE, NEW = Path("results/base/lead"), Path("results/new/lead")
AGAIN = "evalharness score --again results/base/lead"


def config(name: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "data": {"name": "files", "path": "articles.jsonl"},
        "model": "lead",
        "checks": ["numbers"],
        "interval": {"resamples": 100},
    }


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a run before and a run after the version of a check rises; the data then go."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {"id": str(n), "article": f"{n} people spoke. It rained.", "reference": f"{n} spoke."}
        for n in range(40)
    ]
    Path("articles.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    run(config("base"))
    monkeypatch.setattr(Numbers, "version", Numbers.version + 1)
    run(config("new"))
    Path("articles.jsonl").unlink()


@pytest.mark.parametrize("old_first", [True, False])
def test_gate_and_compare_refuse_and_name_the_older_side(old_first: bool, mixed: None) -> None:
    runs = (BASE, NEW) if old_first else (NEW, BASE)
    found = gate(*runs)
    with pytest.raises(Incomparable) as caught:
        compare(*runs)

    assert found.exit_code == Exit.INCOMPLETE
    for message in (found.reason, str(caught.value)):
        assert message.startswith("numbers: scores of two versions are not compared")
        assert message.endswith(f"results/base/lead is the older: {AGAIN}")


def test_leaderboard_ranks_the_newest_version_and_names_the_older(
    mixed: None, command: Command
) -> None:
    (board,) = leaderboard("results", by="numbers").boards

    assert [(row.run, row.rank) for row in board.rows] == [("new/lead", 1), ("base/lead", None)]
    assert board.signatures["numbers"] == read_run(NEW).signatures.metrics["numbers"]
    (line,) = board.old
    assert line.startswith("base/lead: numbers: of an older version")
    assert AGAIN in line
    assert AGAIN in " ".join(command("leaderboard").stdout.split())


def test_report_does_not_compare_versions_and_says_which_is_older(mixed: None) -> None:
    found = standings(gather([NEW, BASE]))

    assert "numbers" not in found.rankings
    (why,) = [why for label, why in found.left_out.items() if "numbers" in label.lower()]
    assert why.startswith("base/lead has scores of an older version than new/lead")
    assert "evalharness score --again" in why


@pytest.mark.parametrize("turned", [False, True])
def test_table_of_the_report_has_figures_of_one_version_a_column(mixed: None, turned: bool) -> None:
    gathered = gather([BASE, NEW] if turned else [NEW, BASE])
    found = overview(gathered, articles_of(gathered), standings(gathered))
    at = [column.label for column in found.columns].index("numbers")
    cells = {row.name: row.figures[at] for row in found.rows}

    old, new = cells["base/lead"], cells["new/lead"]
    assert old is not None
    assert new is not None
    assert (old.text, old.small, old.bar) == ("", "scored by an older version", None)
    assert new.text
    assert "older" not in new.small
    (note,) = [note for note in found.notes if "scored by an older version" in note]
    assert note.startswith("base/lead: numbers: ")
    assert AGAIN in note


def test_old_run_is_scored_again_without_its_model_or_data(
    mixed: None, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the model was asked")

    before = read_run(BASE)
    samples = list(before.samples())
    with monkeypatch.context() as patched:
        patched.setattr(Lead, "summarize", fail)
        done = command(*AGAIN.split()[1:], "--no-report")
    after = read_run(BASE)

    assert (done.returncode, done.stderr) == (Exit.GOOD, "")
    assert after.signatures.metrics == read_run(NEW).signatures.metrics
    same = ("experiment", "cell", "seed", "interval", "data", "counts", "outputs")
    assert {k: before.record[k] for k in same} == {k: after.record[k] for k in same}
    assert after.signatures.model == before.signatures.model
    assert [s["summary"] for s in after.samples()] == [s["summary"] for s in samples]
    assert compare(BASE, NEW).differences
    assert verify(BASE).good


def test_run_of_an_old_version_is_scored_again_where_its_checkpoint_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    for folder in ("results/four/lead1-llama", "results/score/summaries"):
        before = read_run(folder)
        (after,) = score_again(folder)

        assert after.signatures.model == before.signatures.model
        assert after.outputs == before.outputs
        assert after.counts == before.counts
        assert [s["summary"] for s in read_run(folder).samples()]
        assert not list(Path(folder).glob("unfinished-*"))
