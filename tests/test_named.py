"""Scorers by name: checks with options on the command line, and metrics by their parts."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Done
from neural import texts, tiny

import evalharness as eh
from evalharness.checks.minicheck import MiniCheck
from evalharness.checks.nli import Nli
from evalharness.config.build import named_scorers
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.metrics.rouge import Rouge
from evalharness.store.runs import runs_in

CONFIG = """
data: {name: files, path: rows.jsonl}
model: lead
metrics: [extractiveness]
checks:
  - numbers
  - {name: nli, label: summac, model: models/nli, max_pieces: 7}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text('{"article": "It rained.", "summary": "It rained."}\n')
    (tmp_path / "models" / "nli").mkdir(parents=True)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def test_nothing_is_chosen_where_nothing_has_options() -> None:
    assert named_scorers(["numbers", "nli.min"]) == {}
    assert named_scorers() == {}


def test_setting_alone_gives_a_check_its_options() -> None:
    (check,) = named_scorers(["nli"], settings=["nli.model=some/name", "nli.max_pieces=5"]).values()
    assert isinstance(check, Nli)
    assert (check.model, check.max_pieces) == ("some/name", 5)
    assert list(named_scorers(settings=["minicheck.claims=summary"])) == ["minicheck"]
    (metric,) = named_scorers(["rouge.rouge1"], settings=["rouge.stemmer=false"]).values()
    assert isinstance(metric, Rouge)
    assert not metric.stemmer


def test_config_gives_its_checks_by_label_with_paths_from_its_folder(config: Path) -> None:
    found = named_scorers([], config)
    assert list(found) == ["extractiveness", "numbers", "summac"]
    assert isinstance(found["summac"], Nli)
    assert found["summac"].model == str(config.parent / "models" / "nli")
    assert list(named_scorers(["summac.min"], config)) == ["summac"]


def test_setting_lies_over_the_config(config: Path) -> None:
    (check,) = named_scorers(["summac"], config, ["summac.max_pieces=3"]).values()
    assert isinstance(check, Nli)
    assert check.max_pieces == 3
    assert check.model == str(config.parent / "models" / "nli")


def test_check_beside_those_of_the_config_can_be_set(config: Path) -> None:
    found = named_scorers(["summac", "minicheck"], config, ["minicheck.model=x/y"])
    assert isinstance(found["minicheck"], MiniCheck)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["nli"], "should be CHECK.OPTION=VALUE"),
        (["model=x"], "should be CHECK.OPTION=VALUE"),
        (["nli.modle=x"], "did you mean model"),
        (["nli.max_pieces=0"], "below 1"),
        (["nli.model=./nowhere"], "no folder"),
        (["numbers.model=x"], "no such check"),
    ],
)
def test_mistake_in_a_setting_is_said(settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        named_scorers(["nli"], settings=settings)


def test_unknown_check_is_said() -> None:
    with pytest.raises(UnknownComponent, match="did you mean nli"):
        named_scorers([], settings=["nil.model=x"])


# A part names its metric, wherever one can be named.

UNICODE = {"name": "rouge", "label": "unicode", "tokenizer": "unicode"}


def metrics_of(metrics: Sequence[Any], *overrides: str) -> list[dict[str, Any]]:
    """Return the metrics of a config as they are read, without what is empty."""
    tree = {"data": "files", "model": "lead", "metrics": metrics}
    read = read_run_config(tree, overrides).metrics
    return [{k: v for k, v in metric.model_dump().items() if v != ""} for metric in read]


@pytest.mark.parametrize(
    ("metrics", "overrides", "meant"),
    [
        (["rouge1"], [], [{"name": "rouge"}]),
        (["rouge2.recall", "chrf", "rouge1"], [], [{"name": "rouge"}, {"name": "chrf"}]),
        (["chrf", "rouge.rougeL", "rouge"], [], [{"name": "chrf"}, {"name": "rouge"}]),
        (["rouge1", UNICODE | {"name": "rouge2"}], [], [{"name": "rouge"}, UNICODE]),
        (["rouge1", {"name": "rouge", "stemmer": False}], [],
         [{"name": "rouge", "stemmer": False}]),
        ([{"name": "novel_2"}], [], [{"name": "extractiveness"}]),
        (["rouge1"], ["metrics.rouge1.stemmer=false"], [{"name": "rouge", "stemmer": False}]),
        (["rouge"], ["metrics.rouge2.stemmer=false"], [{"name": "rouge", "stemmer": False}]),
        (["chrf"], ["metrics=[rouge1, rouge2]"], [{"name": "rouge"}]),
        ([UNICODE | {"label": "rouge1"}, "chrf"], ["metrics.rouge1.stemmer=false"],
         [UNICODE | {"label": "rouge1", "stemmer": False}, {"name": "chrf"}]),
    ],
)  # fmt: skip
def test_config_takes_a_part_for_its_metric(
    metrics: list[Any], overrides: list[str], meant: list[dict[str, Any]]
) -> None:
    assert metrics_of(metrics, *overrides) == meant


def test_mistake_behind_a_part_that_is_put_together_is_shown_where_it_stands(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.yaml"
    (tmp_path / "a.jsonl").write_text('{"article": "It rained."}\n')
    path.write_text(
        "data: {name: files, path: a.jsonl}\nmodel: lead\nmetrics:\n  - rouge1\n  - rouge2\n"
        "  - {name: chrf, betta: 3}\n"
    )
    with pytest.raises(ConfigError, match=r"run\.yaml:6:\d+: metrics\.1\.betta: unknown key"):
        eh.run(path, results=tmp_path)


def test_sweep_takes_parts_for_their_metric() -> None:
    tree = {
        "data": "files",
        "model": "lead",
        "sweep": {"grid": {"metrics": [["rouge1"], ["chrf"]]}},
    }
    names = [[metric.name for metric in each.metrics] for each in read_run_config(tree).variants()]
    assert names == [["rouge"], ["chrf"]]


@pytest.mark.parametrize("name", ["rouge3", "rouge2.recal", "rouge.rouge7"])
def test_part_that_there_is_not_is_a_mistake(name: str) -> None:
    with pytest.raises(
        UnknownComponent, match=f"no metric '{name}'; (did you mean |known: .*)rouge"
    ):
        eh.score(["It rained."], ["Rain."], metrics=[name])


@pytest.fixture
def two_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = texts.pairs()[9:25]
    for name, shift in (("a", 0), ("b", 1)):
        rows = [
            {"id": str(n), "article": article, "reference": article[:60], "label": n % 2,
             "summary": pairs[(n + shift) % 16][1]}
            for n, (article, _) in enumerate(pairs)
        ]  # fmt: skip
        Path(f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    Path("rules.yaml").write_text("metrics: {rouge1: 0.9, rouge2.recall: 0.9}\nminimum_n: 2\n")
    Path("run.yaml").write_text(
        "name: score\ndata: {name: files, path: a.jsonl}\nmodel: given\nmetrics: [rouge1]\n"
    )


@pytest.mark.usefixtures("two_systems")
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("score a.jsonl --metrics rouge1,rouge2.recall --checks numbers", "rouge1"),
        ("compare a.jsonl b.jsonl --metrics rouge1", "rouge.rouge1"),
        ("compare a.jsonl b.jsonl --metrics rouge2.recall,numbers", "rouge.rouge2.recall"),
        ("gate a.jsonl b.jsonl --metrics rouge1 --rules rules.yaml", "rouge.rouge2.recall"),
        ("report a.jsonl b.jsonl --metrics rougeL", "Report"),
        ("leaderboard a.jsonl b.jsonl --metrics rouge1 --by rouge2", "rouge1"),
        ("show a.jsonl b.jsonl --metrics rouge1", "Read one"),
        ("verify a.jsonl --metrics rouge1", "nothing differs"),
        ("run run.yaml --set metrics.rouge1.stemmer=false", "stemmer:no"),
        ("plan run.yaml", "1 run"),
        ("list metrics rouge1", "stemmer"),
        ("meta a.jsonl --checks novel_2 --resamples 10", "extractiveness.novel_2"),
        ("calibrate a.jsonl --check novel_2 -o c.json", "extractiveness.novel_2"),
        ("check --article-text 'It rained.' --summary-text 'It rained.' --set rouge1.stemmer=no",
         "no such check"),
    ],
)  # fmt: skip
def test_every_command_takes_a_part_for_its_metric(
    words: str, shown: str, command: Callable[..., Done]
) -> None:
    done = command(*shlex.split(words))

    assert done.returncode == (2 if shown == "no such check" else 0), done.stderr
    assert shown in done.stdout + done.stderr
    for run in runs_in("results/score") if Path("results/score").exists() else ():
        assert "rouge" in run.figures
        assert "rouge1" not in run.figures


@pytest.mark.usefixtures("two_systems")
def test_python_takes_a_part_for_its_metric() -> None:
    (run,) = eh.score_files(["a.jsonl"], metrics=["rouge2.recall", "rouge1"], checks=[])
    assert list(run.figures) == ["rouge"]
    scores = eh.score(["It rained."], ["Rain fell."], metrics="rouge2.recall")
    assert scores.names == ["rouge1", "rouge2", "rougeL", "rougeLsum"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows, half of whose summaries are said to be wrong, and a tiny checkpoint."""
    folder = tmp_path_factory.mktemp("labelled")
    rows = [
        {"article": a, "summary": s, "label": n % 2, "source": "news", "article_id": str(n)}
        for n, (a, s) in enumerate(texts.pairs()[9:25])
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    tiny.roberta_classifier(folder / "nli", tiny.NLI_LABELS)
    return folder


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "evalharness", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_meta_calibrate_and_check_work_with_a_checkpoint(labelled: Path) -> None:
    set_model = ("--set", "nli.model=./nli", "--set", "nli.device=cpu")
    found = run(labelled, "meta", "rows.jsonl", "--checks", "nli,nli.min", *set_model, "--json")
    assert found.returncode == 0, found.stderr
    checks = json.loads(found.stdout)["checks"]
    assert set(checks) == {"nli", "nli.min"}
    learnt = run(
        labelled, "calibrate", "rows.jsonl", "--check", "nli", "-o", "nli.json", *set_model
    )
    assert learnt.returncode == 0, learnt.stderr
    (labelled / "article.txt").write_text(texts.pairs()[12][0])
    (labelled / "summary.txt").write_text(texts.pairs()[12][1])
    pair = ("--article", "article.txt", "--summary", "summary.txt")
    said = run(
        labelled, "check", *pair, "--check", "nli", "--thresholds", "nli.json", *set_model, "--json"
    )
    assert said.returncode in (0, 1), said.stderr
    assert json.loads(said.stdout)["sentences"][0]["evidence"]
