"""How well the judges of a panel agree: the table of a run, and of its page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from servers.chat import completion, serving
from typer.testing import CliRunner

from evalharness import run
from evalharness.cli import app
from evalharness.report.page import write_report
from evalharness.report.panel import judge_pairs, panel_section, panel_table
from evalharness.store.runs import Run

GRADES = {"mild": (5, 5, 3), "cold": (1, 1, 3), "grey": (4, 2, 3), "calm": (2, 4, 3)}
KINDS = ("mild", "cold", "mild", "cold", "mild", "grey", "cold", "calm", "mild", "cold")


def grade(of: int) -> Any:
    """Answer as one of the judges: by the kind of weather that the summary tells."""

    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        said = json.dumps(body["messages"])
        return completion(str(next(GRADES[kind][of] for kind in GRADES if f"was {kind}" in said)))

    return reply


def run_of(folder: Path, judges: int, more: str = "") -> Run:
    rows = [
        {"article": f"Day {n}: it was dull.", "summary": f"On day {n} it was {kind}."}
        for n, kind in enumerate(KINDS)
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (
        serving(grade(0)) as a,
        serving(grade(1)) as b,
        serving(grade(2)) as c,
    ):
        panel = [f"{{url: '{b.url}', model: org/two}}", f"{{url: '{c.url}', model: org/three}}"]
        (folder / "judge.yaml").write_text(f"""
data: {{name: files, path: a.jsonl}}
model: given
metrics: []
checks:
  - name: judge
    endpoint: {{url: '{a.url}', model: org/one}}
    panel: [{", ".join(panel[: judges - 1])}]
    criteria: [fluency]
    by: text
{more}
""")
        (finished,) = run(folder / "judge.yaml", results=folder / "results")
    return finished


def test_pairs_of_judges_agree_as_counted_by_hand(tmp_path: Path) -> None:
    pairs = judge_pairs([run_of(tmp_path, 3)])
    assert [(pair.one, pair.other, pair.n) for pair in pairs] == [
        ("one", "two", 10),
        ("one", "three", 10),
        ("two", "three", 10),
    ]
    assert [pair.same.value for pair in pairs] == [0.8, 0, 0]
    order = {1: 0, 2: 1, 4: 2, 5: 3}
    one, two = (np.array([order[GRADES[kind][n]] for kind in KINDS]) for n in (0, 1))
    seen = np.mean((one - two) ** 2)
    expected = np.mean((one[:, None] - two[None, :]) ** 2)
    assert 0 < pairs[0].kappa.low < pairs[0].kappa.value == pytest.approx(1 - seen / expected)
    assert pairs[1].kappa.value == 0  # the third says the same of all
    assert 0 < pairs[0].same.low < 0.8 < pairs[0].same.high <= 1


def test_summaries_of_all_systems_count_and_those_of_one_article_go_together(
    tmp_path: Path,
) -> None:
    finished = run_of(tmp_path, 2)
    (once,), (twice,) = judge_pairs([finished]), judge_pairs([finished, finished])
    assert (once.n, twice.n) == (10, 20)
    assert twice.same.value == once.same.value
    assert twice.same.low == pytest.approx(once.same.low)


def test_table_and_page_name_those_that_agree_least_first(tmp_path: Path) -> None:
    finished = run_of(tmp_path, 3)
    rows = panel_table(judge_pairs([finished]))
    assert [row[4] for row in rows] == ["same", "0", "0", "80"]
    assert [row[5] for row in rows[1:3]] == ["–", "–"]  # none of ten: no variance to go by
    assert rows[3][:4] == ["judge", "one", "two", "10"]
    page = write_report(finished.folder, to=tmp_path / "page.html").read_text()
    assert 'id="panel"' in page
    shown = CliRunner().invoke(
        app, ["run", str(finished.folder / "config.yaml"), "--results", str(tmp_path / "results")]
    )
    assert shown.exit_code == 0, shown.output
    assert "other judge" in shown.output
    assert "Cohen's kappa" in shown.output


def test_several_answers_of_one_judge_are_no_panel(tmp_path: Path) -> None:
    finished = run_of(tmp_path, 1, "    samples: 2")
    assert "vote_2" in finished.metrics["judge"]["parts"]
    assert judge_pairs([finished]) == []
    assert panel_section([finished]) is None
    assert 'id="panel"' not in write_report(finished.folder, to=tmp_path / "page.html").read_text()


def test_draws_of_each_judge_are_one_vote(tmp_path: Path) -> None:
    (pair,) = judge_pairs([run_of(tmp_path, 2, "    samples: 3")])
    assert (pair.one, pair.other, pair.n) == ("one", "two", 10)
    assert pair.same.value == pytest.approx(0.8)


def test_without_a_config_there_is_no_table(tmp_path: Path) -> None:
    finished = run_of(tmp_path, 2)
    (finished.folder / "config.yaml").unlink()
    assert judge_pairs([finished]) == []
