"""What a terminal shows of runs: the table at their end, and the log of their progress."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.cli import progress
from evalharness.report import table
from evalharness.store.runs import Run, checked_run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    config = {
        "name": "golden",
        "data": {"name": "files", "path": str(ROOT / "configs" / "quickstart" / "articles.jsonl")},
        "models": ["lead", {"name": "random", "label": "random-2", "sentences": 2}, "title"],
        "metrics": ["rouge", "extractiveness"],
        "seed": 7,
        "limit": 6,
    }
    return evalharness.run(config, results=tmp_path_factory.mktemp("golden"))


def test_run_gives_the_golden_numbers(runs: list[Run], golden: Callable[[str, Any], None]) -> None:
    for finished in runs:
        record = {k: v for k, v in finished.record.items() if k not in ("provenance", "timing")}
        golden(f"{finished.name}.json", record)


def test_run_gives_the_golden_samples(runs: list[Run], golden: Callable[[str, Any], None]) -> None:
    golden("random-2.samples.json", list(runs[1].samples())[:2])


def test_table_is_the_golden_one(runs: list[Run], golden: Callable[[str, Any], None]) -> None:
    out = io.StringIO()

    table.show_runs(runs, out)

    golden("table.json", out.getvalue().splitlines())


def test_names_with_markup_are_shown_as_they_are(runs: list[Run]) -> None:
    out = io.StringIO()

    table.show_runs([checked_run(runs[0].folder, {**runs[0].record, "cell": "[red]a[/red]"})], out)

    assert "[red]a[/red]" in out.getvalue()


def test_what_is_the_same_of_several_systems_is_said_once(runs: list[Run]) -> None:
    out = io.StringIO()
    counts = {"truncated": 4, "defects": {"cut": 2}}
    changed = [
        checked_run(
            run.folder, {**run.record, "outputs": {**run.record["outputs"], **counts, **more}}
        )
        for run, more in zip(runs, ({}, {}, {"truncated": 5}), strict=True)
    ]

    table.show_runs(changed, out)

    lines = " ".join(out.getvalue().split())
    assert lines.count("lead and random-2: 4 articles not read in full: too long for the") == 1
    assert "title: 5 articles not read in full" in lines
    assert lines.count("summaries with a defect: 2 cut") == 1


@pytest.mark.parametrize("options", [[], ["--no-report"]])
def test_likely_errors_of_one_system_are_said_once(
    options: list[str], command: Callable[..., Any], tmp_path: Path
) -> None:
    rows = tmp_path / "alpha.jsonl"
    rows.write_text('{"id": "1", "article": "It rained.", "summary": "It rained."}\n')

    done = command("score", rows, "--checks", "lexical", "--results", tmp_path / "out", *options)

    assert done.stdout.count("1 summary has a likely error") == 1


def test_log_says_tokens_and_the_time_left_that_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 40.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    out = io.StringIO()
    with progress.show_progress(out) as told:
        told.start("smollm2", 40)
        told.advance(8, 480, 100.0)

    assert out.getvalue() == "smollm2: 8 of 40 articles, 12 tokens/s, 1:40 min left\n"


def test_log_says_rate_and_time_left_and_only_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 40.0, 45.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    out = io.StringIO()
    with progress.show_progress(out) as told:
        told.start("lead", 200)
        for _ in range(3):
            told.advance(40)

    assert out.getvalue() == "lead: 80 of 200 articles, 2.0 articles/s, 60 s left\n"
