"""What commit 9e964b4 wrote is opened, resumed, verified, reported and compared by today's code.

`tests/frozen/written_by_9e964b4` has a store, run folders and their configs; its README says how
they were written. Each test works on a copy. Whoever changes what is on disk so that the old can
no longer be read lets the command refuse and say what to do, and changes the test to that.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness.store.runs import read_run

FROZEN = Path(__file__).parent / "frozen"
OLD = FROZEN / "written_by_9e964b4"
FINISHED = ("results/four", "results/score/summaries", "results/sweep")

Command = Callable[..., Done]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the old results with their configs and data, and go there."""
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    shutil.copytree(FROZEN / "data" / "lead1-llama", folder / "data" / "lead1-llama")
    monkeypatch.chdir(folder)
    return folder


def samples_of(folder: Path) -> dict[str, Any]:
    """Return the bytes of all samples and configs below a folder; of tables, what is in them.

    The same table has other bytes with every version of pyarrow.
    """
    import pyarrow.parquet as parquet

    names = ("samples.jsonl", "config.yaml")
    texts = {path: path.read_bytes() for path in folder.rglob("*") if path.name in names}
    tables = {path: parquet.read_table(path) for path in folder.rglob("samples.parquet")}
    return {path.relative_to(folder).as_posix(): it for path, it in {**texts, **tables}.items()}


def without_value_of_rouge(samples: dict[str, Any]) -> dict[str, Any]:
    """Return samples without what ROUGE gives as its one value, and the checksum of their lines."""
    kept: dict[str, Any] = {}
    for name, found in samples.items():
        if name.endswith(".jsonl"):
            lines = [json.loads(line) for line in found.splitlines()]
            for line in lines:
                line["scores"].get("rouge", {}).pop("value", None)
            kept[name] = lines
        elif name.endswith(".parquet"):
            others = {"rouge.value", "line"} & {*found.column_names}
            kept[name] = found.drop_columns(sorted(others))
        else:
            kept[name] = found
    return kept


def ledgers(folder: Path) -> dict[str, bytes]:
    paths = sorted((folder / "results" / "store").rglob("*.jsonl"))
    return {path.name: path.read_bytes() for path in paths}


def well(done: Done) -> str:
    """Return what a command printed, and see that it ended well."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def runs(done: Done) -> list[dict[str, Any]]:
    found = json.loads(well(done))
    return found if isinstance(found, list) else [found]


def counts(record: dict[str, Any]) -> list[dict[str, int]]:
    timing = record["timing"]
    return [timing["summaries"], *timing["scores"].values()]


def test_old_run_again_computes_what_has_another_version_and_writes_the_same(
    old: Path, command: Command
) -> None:
    """Sentences have version 2 since, and all in this sweep splits texts into sentences."""
    for computed in (6, 0):
        records = runs(command("run", "configs/sweep.yaml", "--no-report", "--json"))
        assert {count["computed"] for record in records for count in counts(record)} == {computed}
    assert without_value_of_rouge(samples_of(old)) == without_value_of_rouge(samples_of(OLD))
    assert ledgers(OLD).items() <= ledgers(old).items()


def test_old_runs_go_into_columns_and_back(old: Path, command: Command) -> None:
    def texts() -> dict[str, Any]:
        named = (read_run(path.parent) for path in sorted(old.glob("results/sweep/*/run.json")))
        return {run.name: [json.loads(line) for line in run.lines()] for run in named}

    well(command("score", "--again", "results/sweep"))
    before = texts()
    well(command("run", "configs/sweep.yaml", "--no-report", "--set", "samples=columns"))
    assert not [*old.glob("results/sweep/*/samples.jsonl")]
    assert texts() == before
    assert "nothing differs" in well(command("verify", "--all", "results/sweep"))
    well(command("run", "configs/sweep.yaml", "--no-report"))
    assert texts() == before
    assert not [*old.glob("results/sweep/*/articles.parquet")]


@pytest.mark.parametrize("config", ["configs/four.yaml", "results/four/lead1-llama/config.yaml"])
def test_old_summaries_of_a_model_that_reads_otherwise_now_are_written_again(
    config: str, old: Path, command: Command
) -> None:
    """`causal` has version 2 since: special tokens in an article are text, and more of it fits.

    So have sentences, of which all the other models there choose some.
    """
    records = runs(command("run", config, "--no-report", "--json"))

    for record in records:
        assert record["timing"]["summaries"] == {"computed": 6, "stored": 0}, record["cell"]
    assert "nothing differs" in well(command("verify", "results/four"))


def test_old_scores_of_a_check_that_marks_otherwise_now_are_computed_again(
    old: Path, command: Command
) -> None:
    """`lexical` and ROUGE have other versions since; chrF is the same."""
    asked = ("--metrics", "rouge,chrf", "--checks", "lexical", "--overwrite")
    extra = ("--set", "data.columns.extra=[error]", "--allow-rejected", "0.1")
    (record,) = runs(
        command("score", "data/summaries.jsonl", *asked, *extra, "--no-report", "--json")
    )

    scores = record["timing"]["scores"]
    assert {name: count["computed"] for name, count in scores.items()} == {
        "rouge": 8, "chrf": 0, "lexical": 8,
    }  # fmt: skip
    assert "nothing differs" in well(command("verify", "results/score/summaries"))


def test_old_killed_run_goes_on(old: Path, command: Command) -> None:
    random, llama = runs(command("run", "configs/killed.yaml", "--no-report", "--json"))

    for record in (random, llama):  # both of version 2: of sentences, and of `causal`
        assert record["timing"]["summaries"] == {"computed": 6, "stored": 0}
    assert llama["metrics"]["rouge"]["n"] == 6
    assert "nothing differs" in well(command("verify", "results/killed"))


def test_old_killed_run_is_named_by_verify(old: Path, command: Command) -> None:
    done = command("verify", "results")

    assert done.returncode == 1
    assert "killed/lead1-llama: no finished run is there" in done.stdout
    assert "the line is torn" in done.stdout


def test_old_runs_are_verified(old: Path, command: Command) -> None:
    assert "nothing differs" in well(command("verify", "--all", *FINISHED))


@pytest.mark.parametrize("run", FINISHED)
def test_old_runs_are_reported(run: str, old: Path, command: Command) -> None:
    well(command("report", run, "-o", "page.html"))

    assert 'id="provenance"' in (old / "page.html").read_text()


def test_old_page_is_written_over(old: Path, command: Command) -> None:
    well(command("report", "results/four", "-o", "results/four/report.html"))

    assert "nothing differs" in well(command("verify", "results/four"))


def test_old_runs_are_compared_with_each_other_and_with_new_ones(
    old: Path, command: Command
) -> None:
    new = ("--set", "models=[{name: lead, label: lead-3, sentences: 3}, lexrank]")
    well(command("run", "configs/four.yaml", *new, "--results", "new", "--no-report"))

    alone = json.loads(well(command("compare", "results/four", "--json")))
    lead, lexrank = "new/four/lead-3", "new/four/lexrank"
    mixed = command("compare", "results/four/oracle", lead, lexrank)
    assert "evalharness score --again results/four/oracle" in mixed.stderr
    well(command("score", "--again", "results/four/oracle"))
    both = json.loads(well(command("compare", "results/four/oracle", lead, lexrank, "--json")))

    assert alone["systems"] == ["lead-3", "lead1-llama", "oracle", "textrank"]
    assert both["articles"] == 6


def test_old_run_gates_a_new_one(old: Path, command: Command) -> None:
    """The same texts pass, however few; a refusal would be 4."""
    new = ("--set", "models=[{name: lead, label: lead-3, sentences: 3}]")
    well(command("run", "configs/four.yaml", *new, "--results", "new", "--no-report"))
    (old / "rules.yaml").write_text("minimum_n: 5\nmetrics: {rouge.rouge1: 0.5}\n")

    well(command("score", "--again", "results/four/lead-3"))  # `numbers` has version 3 since
    few = command("gate", "results/four/lead-3", "new/four")
    enough = command("gate", "results/four/lead-3", "new/four", "--rules", "rules.yaml")

    assert (few.returncode, enough.returncode) == (0, 0), few.stderr + enough.stderr


def test_old_runs_are_shown(old: Path, command: Command) -> None:
    assert "harbour" in well(command("show", "results/four", "harbour"))
    assert "island-nurse" in well(command("show", "results/score/summaries"))


def test_old_runs_are_listed_on_the_leaderboard(old: Path, command: Command) -> None:
    listed = json.loads(well(command("leaderboard", "results", "--json")))

    assert "lead1-llama" in json.dumps(listed)


def test_public_api_opens_old_runs(old: Path) -> None:
    from evalharness import Comparison, Gate, compare, gate, verify

    compared = compare("results/four/lead-3", "results/four/oracle")
    judged = gate("results/four/lead-3", "results/four/lead-3")
    verified = verify(*FINISHED)

    assert isinstance(compared, Comparison)
    assert isinstance(judged, Gate)
    assert verified.good
