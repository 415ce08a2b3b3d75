"""A run made again gives the same bytes, or says what differs and what may be why."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.errors import ConfigError, DataError
from evalharness.models.extractive import Lead
from evalharness.records import Article, Summary
from evalharness.store import samples as store_samples
from evalharness.trust.rerun import rerun

ROOT = Path(__file__).parents[1]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """One cell of a sweep over five articles, one rejected row beside them."""
    data = tmp_path / "articles.jsonl"
    data.write_text("\n".join([*ARTICLES.read_text().splitlines()[:5], "not json"]) + "\n")
    config = {
        "name": "t",
        "data": {"name": "files", "path": str(data)},
        "model": {"name": "lead"},
        "metrics": ["rouge"],
        "checks": ["numbers"],
        "interval": {"resamples": 100},
        "sweep": {"grid": {"model.sentences": [1, 2]}},
    }
    return evalharness.run(config, results=tmp_path / "r")[1].folder


def change_version(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    record["provenance"]["packages"]["torch"] = "1.0"
    (folder / "run.json").write_text(store_samples.text_of(record))


def slip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model write something else than it did, for one article."""
    honest = Lead.summarize

    def summarize(self: Lead, articles: Sequence[Article]) -> list[Summary]:
        made = honest(self, articles)
        made[2] = Summary(made[2].article_id, "Another summary.", made[2].read)
        return made

    monkeypatch.setattr(Lead, "summarize", summarize)


def test_same_bytes_elsewhere(run: Path, tmp_path: Path) -> None:
    found = rerun(run, into=tmp_path / "again")

    assert found.same, found
    assert found.verdict == "same"
    assert found.articles == 5
    # From scratch: nothing was taken from the store beside the run.
    (made,) = (tmp_path / "again" / "t").glob("*/run.json")
    told = json.loads(made.read_text())["timing"]
    assert told["summaries"] == {"computed": 5, "stored": 0}
    assert made.parent.name == run.name


def test_nothing_is_left_behind(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    before = {path: path.read_bytes() for path in run.iterdir()}

    assert rerun(run).same

    assert list((tmp_path / "temporary").iterdir()) == []
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_results_that_moved_with_their_data_give_the_same(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(tmp_path / "r", moved / "r")
    shutil.move(tmp_path / "articles.jsonl", moved / "articles.jsonl")

    assert rerun(moved / "r" / "t" / run.name).same


def test_a_difference_says_field_line_and_how_far(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip(monkeypatch)

    found = rerun(run)

    assert found.verdict == "differs"
    assert found.files == ("samples.jsonl", "samples.parquet")
    text = found.fields["summary.text"]
    assert (text.n, text.line, text.example[1]) == (1, 3, "Another summary.")
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    then = samples[2]["scores"]["rouge"]["parts"]["rouge1"]
    apart = found.fields["scores.rouge.parts.rouge1"]
    assert apart.example[0] == then
    assert apart.furthest == pytest.approx(abs(then - apart.example[1]))
    assert "metrics.rouge.mean" in found.figures


def test_other_versions_may_be_why(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slip(monkeypatch)
    change_version(run)

    found = rerun(run)

    assert found.verdict == "other versions"
    assert any(each.startswith("torch 1.0 then") for each in found.changed)


def test_a_doctored_score_is_caught(run: Path) -> None:
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    samples[1]["scores"]["numbers"]["value"] = 0.25
    from evalharness.store.samples import line_of

    (run / "samples.jsonl").write_text("".join(map(line_of, samples)))

    found = rerun(run)

    assert found.verdict == "differs"
    assert list(found.fields) == ["scores.numbers.value"]


def test_data_that_changed_or_went_are_one_line(run: Path, tmp_path: Path) -> None:
    data = tmp_path / "articles.jsonl"
    rows = data.read_text().splitlines()
    changes: dict[str, tuple[list[str], str]] = {
        "changed": ([rows[0].replace("the", "teh"), *rows[1:]], r"samples.jsonl:1: .*text of"),
        "fewer": (rows[:4], r"samples.jsonl:5: .*it has more articles|there are more|was there"),
        "more": ([*rows, rows[0].replace('"id": "', '"id": "x')], r"samples.jsonl:6: "),
        "in another order": ([rows[1], rows[0], *rows[2:]], r"samples.jsonl:1: .* was there"),
    }
    for written, message in changes.values():
        data.write_text("\n".join(written) + "\n")
        with pytest.raises(DataError, match=message) as caught:
            rerun(run)
        assert "\n" not in str(caught.value)
    data.unlink()
    with pytest.raises(ConfigError, match=r"config.yaml:\d+:\d+: data.path: no file") as gone:
        rerun(run)
    assert "\n" not in str(gone.value)


def test_results_with_a_store_are_refused(run: Path) -> None:
    with pytest.raises(ConfigError, match="holds stored results"):
        rerun(run, into=run.parents[1])


def test_command_ends_with_0_1_3_or_2(
    run: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = command("rerun", run)
    assert (done.returncode, done.stderr) == (0, "")
    assert "same bytes" in done.stdout

    slip(monkeypatch)
    done = command("rerun", run)
    assert done.returncode == 1
    assert "samples.jsonl:3: summary.text: " in done.stdout
    assert "this should not be" in done.stdout

    change_version(run)
    done = command("rerun", run, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["verdict"] == "other versions"
    assert "may be why: torch 1.0 then" in command("rerun", run).stdout

    done = command("rerun", run / "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
