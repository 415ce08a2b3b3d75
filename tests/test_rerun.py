"""A run made again gives the same bytes, or says what differs and what may be why."""

import importlib.metadata
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
from evalharness.store.ledger import VersionsFile
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


# Which versions made what.


def pretend_numpy(monkeypatch: pytest.MonkeyPatch, number: str | None) -> None:
    """Let this process say that it has another numpy; None: the one that it has."""
    honest = importlib.metadata.version

    def version(package: str) -> str:
        return number if package == "numpy" and number else honest(package)

    monkeypatch.setattr("evalharness.runner.provenance.version", version)


def provenance_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())["provenance"]
    return found


def small_config(folder: Path, limit: int) -> dict[str, Any]:
    data = {"name": "files", "path": str(ARTICLES)}
    scorers = {"metrics": ["rouge"], "checks": [], "interval": {"resamples": 100}}
    return {"name": "v", "data": data, "model": "lead", "limit": limit, **scorers}


def ledgers(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("r/store/*/*.jsonl")}


def test_provenance_names_the_versions_of_the_computation_not_of_the_last_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    before, honest = ledgers(tmp_path), provenance_of(first.folder)
    assert set(honest) & {"also", "unrecorded"} == set()
    pretend_numpy(monkeypatch, "6.6.6")
    [again] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")

    assert ledgers(tmp_path) == before
    now = provenance_of(again.folder)
    assert now["packages"] == honest["packages"]
    assert [also["packages"]["numpy"] for also in now["also"]] == ["6.6.6"]


def test_provenance_names_all_versions_that_made_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_numpy(monkeypatch, "5.5.5")
    evalharness.run(small_config(tmp_path, 2), results=tmp_path / "r")
    ends = {path.name: path.stat().st_size for path in tmp_path.glob("r/store/*/*.jsonl")}
    pretend_numpy(monkeypatch, "6.6.6")
    [whole] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    pretend_numpy(monkeypatch, "7.7.7")
    [half] = evalharness.run(small_config(tmp_path, 2), results=tmp_path / "r")

    for path in tmp_path.glob("r/store/*/*.versions.json"):
        stretches = json.loads(path.read_text())["stretches"]
        assert [each["versions"]["packages"]["numpy"] for each in stretches] == ["5.5.5", "6.6.6"]
        ledger = path.name.replace(".versions.json", ".jsonl")
        assert [each["from"] for each in stretches] == [0, ends[ledger]]
    assert len(ends) == 2
    told = provenance_of(half.folder)  # of the two articles that the first command computed
    assert whole.folder == half.folder
    assert [told["packages"]["numpy"], *(also["packages"]["numpy"] for also in told["also"])] == [
        "5.5.5",
        "7.7.7",
    ]
    [whole] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    told = provenance_of(whole.folder)
    numbers = [told["packages"]["numpy"], *(also["packages"]["numpy"] for also in told["also"])]
    assert numbers == ["5.5.5", "6.6.6", "7.7.7"]


def test_rerun_says_other_versions_of_texts_that_other_versions_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        pretend_numpy(other, "6.6.6")
        slip(other)
        evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    [run] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    made_again = rerun(run.folder)

    assert made_again.verdict == "other versions"
    assert any(line.startswith("numpy 6.6.6 then, ") for line in made_again.changed)
    assert not any("nobody" in line for line in made_again.changed)


def test_store_of_an_earlier_version_is_said_to_have_recorded_none(tmp_path: Path) -> None:
    evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    for number, path in enumerate(tmp_path.glob("r/store/*/*.versions.json")):
        path.write_text("[{") if number else path.unlink()
    [run] = evalharness.run(small_config(tmp_path, 4), results=tmp_path / "r")
    assert provenance_of(run.folder)["unrecorded"] == 2
    assert any("nobody recorded" in line for line in rerun(run.folder).changed)


def test_versions_of_a_torn_batch_are_forgotten(tmp_path: Path) -> None:
    versions = VersionsFile(tmp_path / "a.versions.json")
    for end, made in ((0, "1"), (50, "2"), (90, "3"), (50, "1"), (120, "2"), (130, "2")):
        versions.note(end, {"numpy": made})
    assert versions.read() == [(0, {"numpy": "1"}), (120, {"numpy": "2"})]
    assert versions.made([5, 119, 120]) == [{"numpy": "1"}, {"numpy": "2"}]
    assert VersionsFile(tmp_path / "none").made([5]) == [None]
