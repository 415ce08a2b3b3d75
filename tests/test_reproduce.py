"""Published figures: every config resolves, and the verdict is right, without network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.config import cells
from evalharness.config.run_config import read_run_config
from evalharness.config.yaml import read_yaml
from evalharness.errors import ConfigError
from evalharness.loaders.hub import PRESETS
from evalharness.models.seq2seq import Seq2Seq
from evalharness.runner.plan import plan
from evalharness.store.runs import Run, checked_run
from evalharness.trust import reproduce as trust_reproduce
from evalharness.trust.reproduce import PublishedFigure, PublishedResult, judge, reproduce

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs" / "reproduce"
ROWS = trust_reproduce.published_results()
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"
CHECKPOINT = ROOT / "configs" / "quickstart" / "lead1-bart"


def test_every_row_has_its_config_and_every_config_its_row() -> None:
    named = {path.stem for path in CONFIGS.glob("*.yaml")} - {"published"}

    assert named == set(ROWS)
    wanted = {"lead-3", "bart-large-cnn", "bart-large-xsum", "pegasus-xsum"}
    assert named >= wanted | {"pegasus-cnn_dailymail", "distilbart-cnn-12-6"}
    for row in ROWS.values():
        assert row.source
        assert row.figures
        assert row.articles == {"cnn_dailymail": 11490, "xsum": 11334}[row.data]


def twin(folder: Path, row: PublishedResult) -> list[str]:
    """Return the settings that put files of the same columns, and a tiny checkpoint, in place."""
    columns = PRESETS[row.data].columns
    source = [json.loads(line) for line in ARTICLES.read_text().splitlines()[:3]]
    rows = [
        {"id": str(n), columns.article: each["article"], columns.reference: "It rained. It did."}
        for n, each in enumerate(source)
    ]
    path = folder / row.data / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    there = [
        f"data.dataset={path.parent}",
        f"data.columns={{article: {columns.article}, reference: {columns.reference}}}",
    ]
    return [*there, *([f"model.model={CHECKPOINT}"] if row.model != "lead" else [])]


@pytest.mark.parametrize("name", ROWS)
def test_config_resolves_and_can_be_planned(name: str, tmp_path: Path) -> None:
    row = ROWS[name]

    planned = plan(row.config, twin(tmp_path, row), results=tmp_path / "r")

    (cell,) = planned.cells
    assert (planned.experiment, cell.name) == ("reproduce", name)
    assert (cell.articles, cell.problem) == (3, "")
    assert cell.folder == tmp_path / "r" / "reproduce" / name  # no two rows share one
    (made,) = cells.prepare(read_run_config(row.config))
    assert {f"rouge.{part}" for part in made.metrics["rouge"].types} >= {  # type: ignore[attr-defined]
        figure.metric for figure in row.figures
    }


def test_decoding_is_that_of_the_published_figures() -> None:
    """As in research: max_length and min_length count the decoder's start token."""
    said = {
        "bart-large-cnn": (4, 2.0, 142, 56, 3, True),
        "distilbart-cnn-12-6": (4, 2.0, 142, 56, 3, True),
        "bart-large-xsum": (6, 1.0, 62, 11, 3, None),
        "distilbart-xsum-12-6": (6, 1.0, 62, 11, 3, None),
        "pegasus-xsum": (8, 0.6, 64, None, None, None),
        "pegasus-cnn_dailymail": (8, 0.8, 128, None, None, None),
    }
    for name, (beams, penalty, longest, least, no_repeat, early) in said.items():
        (cell,) = cells.prepare(read_run_config(CONFIGS / f"{name}.yaml"))
        model = cell.model
        assert isinstance(model, Seq2Seq)
        assert (model.num_beams, model.length_penalty) == (beams, penalty)
        assert model.max_new_tokens == longest - 1
        assert model.min_new_tokens == (None if least is None else least - 1)
        assert (model.no_repeat_ngram_size, model.early_stopping) == (no_repeat, early)
        assert model.dtype == "float32"


def test_lengths_less_one_are_the_lengths_of_the_cards() -> None:
    """What the configs say of new tokens is what the cards say of lengths: transformers agrees."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    model = AutoModelForSeq2SeqLM.from_pretrained(CHECKPOINT, use_safetensors=True)
    ids = AutoTokenizer.from_pretrained(CHECKPOINT)(
        "It rained. Nobody was hurt.", return_tensors="pt"
    )
    model.generation_config.max_new_tokens = None
    for least, longest in ((4, 30), (25, 30), (4, 8)):
        cards = model.generate(**ids, min_length=least, max_length=longest, num_beams=2)
        new = {"min_new_tokens": least - 1, "max_new_tokens": longest - 1}
        ours = model.generate(**ids, **new, num_beams=2)
        assert cards.tolist() == ours.tolist()
        assert cards.shape[1] <= longest
        assert cards.shape[1] > least


def run_with(values: dict[str, float | None], articles: int = 10, failed: int = 0) -> Run:
    """Return a run of so many articles with these means of ROUGE's parts."""
    parts = {
        name: {"mean": v, "low": v and v - 0.01, "high": v and v + 0.01, "n": articles}
        for name, v in values.items()
    }
    rouge = {"mean": None, "low": None, "high": None, "n": 0, "parts": parts, "notes": {}}
    record = {
        "format": 1,
        "experiment": "x",
        "cell": "x",
        "seed": 0,
        "interval": {"level": 0.95, "resamples": 1000},
        "data": {"fingerprint": "0"},
        "counts": {"articles": articles, "failed": failed},
        "outputs": {"truncated": 0, "defects": {}, "errors": {}},
        "metrics": {"rouge": rouge},
        "signatures": {"model": "m", "metrics": {"rouge": "rouge|version:1"}},
    }
    return checked_run(Path(), record)


def a_row(**figures: tuple[float, float | None]) -> PublishedResult:
    made = tuple(PublishedFigure(f"rouge.{name}", *figure) for name, figure in figures.items())
    return PublishedResult("x", Path("x.yaml"), "m", "d", 10, "a paper", made)


def test_verdict_on_a_whole_run() -> None:
    row = a_row(rouge1=(44.06, 0.10), rouge2=(21.07, 0.10), rougeLsum=(36.82, None))

    near = judge(row, run_with({"rouge1": 0.4416, "rouge2": 0.2097, "rougeLsum": 0.41}))
    assert near.verdict == "reproduced"
    assert [f.verdict for f in near.figures] == ["within", "within", "not judged"]
    assert near.figures[0].value == pytest.approx(44.16)
    assert (near.figures[0].low, near.figures[0].high) == pytest.approx((43.16, 45.16))

    far = judge(row, run_with({"rouge1": 0.44161, "rouge2": 0.2107, "rougeLsum": 0.41}))
    assert far.verdict == "not reproduced"
    assert [f.verdict for f in far.figures] == ["outside", "within", "not judged"]

    none = judge(row, run_with({"rouge1": None, "rouge2": 0.2107}))
    assert none.verdict == "not reproduced"
    assert none.figures[0].verdict == "outside"


def test_part_of_the_articles_is_indicative_whatever_it_says() -> None:
    row = a_row(rouge1=(44.06, 0.10), rouge2=(21.07, 0.10))

    made = judge(row, run_with({"rouge1": 0.4406, "rouge2": 0.30}, articles=9))

    assert made.verdict == "indicative"
    assert [f.verdict for f in made.figures] == ["in the interval", "not in the interval"]
    assert made.reason == "9 articles, and the figures are of 10"


def test_articles_without_a_summary_reproduce_nothing() -> None:
    made = judge(a_row(rouge1=(44.06, 0.10)), run_with({"rouge1": 0.4406}, failed=1))

    assert made.verdict == "not reproduced"
    assert made.reason == "1 articles have no summary"


def test_twin_runs_to_its_verdict(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS["lead-3"]
    settings = [each for one in twin(tmp_path, row) for each in ("--set", one)]

    done = command("reproduce", "lead-3", *settings, "--results", tmp_path / "r")
    assert done.returncode == 3
    assert "indicative (3 articles, and the figures are of 11490)" in done.stdout
    assert "published 40.42 ± 0.40: not in the interval" in done.stdout

    made = reproduce(row, twin(tmp_path, row), results=tmp_path / "r")
    figures = tuple(
        PublishedFigure(judged.figure.metric, round(judged.value or 0, 2), 0.01)
        for judged in made.figures
    )
    ours = PublishedResult("lead-3", row.config, "lead", row.data, 3, "this test", figures)
    monkeypatch.setattr(trust_reproduce, "published_results", lambda: {"lead-3": ours})
    done = command("reproduce", "lead-3", *settings, "--results", tmp_path / "r", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "reproduced"

    worse = tuple(PublishedFigure(figure.metric, figure.value + 1, 0.01) for figure in figures)
    far = PublishedResult("lead-3", row.config, "lead", row.data, 3, "this test", worse)
    monkeypatch.setattr(trust_reproduce, "published_results", lambda: {"lead-3": far})
    done = command("reproduce", "lead-3", *settings, "--results", tmp_path / "r")
    assert done.returncode == 1


def test_without_network_it_is_one_line_with_the_command(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    for name, fetch in {
        "bart-large-xsum": "hf download facebook/bart-large-xsum",
        "lead-3": "hf download abisee/cnn_dailymail --repo-type dataset",
    }.items():
        done = command("reproduce", name, "--results", tmp_path / "r")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert fetch in done.stderr


def test_list_names_figures_limits_and_sources(command: Callable[..., Any]) -> None:
    done = command("reproduce")

    assert done.returncode == 0
    for row in ROWS.values():
        assert row.source in done.stdout
    assert "rouge1 44.06 ± 0.10" in done.stdout
    assert len(json.loads(command("reproduce", "--json").stdout)) == len(ROWS)


def test_unknown_row_names_the_nearest(command: Callable[..., Any]) -> None:
    done = command("reproduce", "bart-larg-cnn")

    assert done.returncode == 2
    assert "did you mean bart-large-cnn?" in done.stderr


def test_a_table_that_is_wrong_names_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (CONFIGS / "published.yaml").read_text()
    (tmp_path / "published.yaml").write_text(text.replace("within: 0.40", "wihtin: 0.40", 1))
    monkeypatch.setattr(trust_reproduce, "shipped_path", lambda name: tmp_path / "published.yaml")

    with pytest.raises(ConfigError, match=r"published.yaml:\d+:\d+: lead-3: "):
        trust_reproduce.published_results()
    assert read_yaml(CONFIGS / "published.yaml").tree
