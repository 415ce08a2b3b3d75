"""Checks with options on the command line: from a config, from `--set`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from neural import texts, tiny

from evalharness.checks.minicheck import MiniCheck
from evalharness.checks.nli import Nli
from evalharness.config.build import named_scorers
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.metrics.rouge import Rouge

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
