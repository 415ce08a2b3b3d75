"""Sweeps: what varies becomes cells, each with a name of its own and the right options."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.config import cells, sweep, yaml
from evalharness.config.cells import Cell
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError

ARTICLE = json.dumps({"id": "a", "article": "The mayor resigned.", "reference": "He left."}) + "\n"
BASE = "data: {name: files, path: a.jsonl}\n"
MODELS = (
    "models: [lead, {name: seq2seq, model: ./bart}, {name: causal, model: ./llama, label: chat}]\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(ARTICLE)
    for name in ("bart", "llama"):
        (tmp_path / name).mkdir()
    return tmp_path


def prepared(folder: Path, text: str, *overrides: str) -> list[Cell]:
    (folder / "c.yaml").write_text(text)
    return cells.prepare(read_run_config(folder / "c.yaml", overrides))


def names(folder: Path, text: str, *overrides: str) -> list[str]:
    return [cell.name for cell in prepared(folder, text, *overrides)]


def test_grid_is_every_value_with_every_other_in_the_order_written(folder: Path) -> None:
    text = BASE + "model: random\nsweep: {grid: {seed: [2, 1], model.sentences: [1, 2]}}\n"

    made: list[Any] = prepared(folder, text)

    assert [(c.run_config.seed, c.model.sentences) for c in made] == [
        (2, 1),
        (2, 2),
        (1, 1),
        (1, 2),
    ]
    assert made[0].name == "random,seed=2,sentences=1"
    assert made[0].model.seed == 2


def test_models_multiply_and_have_cells_only_for_what_makes_a_difference(folder: Path) -> None:
    text = (
        BASE
        + MODELS
        + ("sweep: {grid: {generation.num_beams: [1, 4], models.chat.system: [Hi., Ho.]}}\n")
    )

    assert names(folder, text) == [
        "lead",
        "bart,num_beams=1",
        "bart,num_beams=4",
        "chat,num_beams=1,system=Hi",
        "chat,num_beams=1,system=Ho",
        "chat,num_beams=4,system=Hi",
        "chat,num_beams=4,system=Ho",
    ]


def test_own_option_of_a_model_lies_over_swept_generation(folder: Path) -> None:
    text = BASE + (
        "models: [{name: seq2seq, model: ./bart, num_beams: 2}, {name: seq2seq, model: ./llama}]\n"
        "sweep: {grid: {generation.num_beams: [1, 4]}}\n"
    )

    assert names(folder, text) == ["bart", "llama,num_beams=1", "llama,num_beams=4"]


def test_cases_carry_their_names_and_an_empty_one_changes_nothing(folder: Path) -> None:
    text = BASE + (
        "model: {name: lead, sentences: 3}\n"
        "sweep: {cases: {as it is: {}, short: {model.sentences: 1, limit: 1}}}\n"
    )

    made: list[Any] = prepared(folder, text)

    assert [c.name for c in made] == ["lead,as-it-is", "lead,short"]
    assert [(c.model.sentences, c.run_config.limit) for c in made] == [(3, None), (1, 1)]
    assert made[1].settings == {"case": "short", "model.sentences": 1, "limit": 1}


def test_zip_goes_side_by_side(folder: Path) -> None:
    text = BASE + "model: lead\nsweep: {zip: {data.path: [a.jsonl, b.jsonl], limit: [1, 2]}}\n"

    assert names(folder, text) == ["lead,data=a,limit=1", "lead,data=b,limit=2"]


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("{from: 1, to: 8, step: 3}", [1, 4, 7]),
        ("{from: 0.1, to: 0.5, step: 0.1}", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("{from: 2, to: 0, step: -1}", [2, 1, 0]),
        ("{from: 1, to: 2, step: 0.5}", [1.0, 1.5, 2.0]),
        ("{from: 3, to: 3, step: 1}", [3]),
    ],
)
def test_range_has_its_numbers_exactly_and_its_end(written: str, values: list[float]) -> None:
    tree = yaml.parse_yaml(f"sweep: {{grid: {{x: {written}}}}}", "c", Path())

    axes = sweep.read_axes(tree.tree["sweep"], tree)

    found = [choice.settings[0].value for (choice,) in axes.combinations()]
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_excluded_combination_is_not_even_built(folder: Path) -> None:
    text = (
        BASE
        + "model: {name: seq2seq, model: ./bart}\n"
        + (
            "sweep:\n  grid: {model.num_beams: [1, 4], model.length_penalty: [0.8, 2]}\n"
            "  exclude: [{model.num_beams: 1, model.length_penalty: 0.8}]\n"
        )
    )
    with pytest.raises(ConfigError, match="length_penalty: is for beam search"):
        prepared(folder, text)

    whole = text.replace("length_penalty: 0.8}]", "length_penalty: [0.8, 2.0]}]")
    assert names(folder, whole) == [
        "bart,num_beams=4,length_penalty=0.8",
        "bart,num_beams=4,length_penalty=2",
    ]


def test_exclude_knows_cases_and_models(folder: Path) -> None:
    text = (
        BASE
        + MODELS
        + (
            "sweep:\n  cases: {one: {limit: 1}, two: {limit: 2}}\n"
            "  exclude: [{case: one, model: [bart, lead]}, {model: chat, case: two}]\n"
        )
    )

    assert names(folder, text) == ["lead,two", "bart,two", "chat,one"]


def test_metric_goes_by_name_or_number(folder: Path) -> None:
    text = (
        BASE
        + "model: lead\nmetrics: [chrf, {name: rouge, label: r}]\n"
        + ("sweep: {grid: {metrics.r.stemmer: [true, false], metrics.0.word_order: [0, 2]}}\n")
    )

    made: list[Any] = prepared(folder, text)

    assert made[3].name == "lead,stemmer=false,word_order=2"
    assert (made[3].metrics["r"].stemmer, made[3].metrics["chrf"].word_order) == (False, 2)


def test_checkpoints_that_are_swept_name_their_cells(folder: Path) -> None:
    text = BASE + "model: {name: seq2seq}\nsweep: {grid: {model.model: [./bart, ./llama]}}\n"

    assert names(folder, text) == ["bart", "llama"]


def test_whole_models_and_data_can_be_swept(folder: Path) -> None:
    text = (
        "sweep:\n  grid:\n    model: [lead, {name: random, sentences: 2}]\n"
        "    data: [{name: files, path: a.jsonl}, {name: files, path: b.jsonl, label: news}]\n"
    )

    assert names(folder, text)[0] == "lead,data=files"
    assert names(folder, text)[3] == "random,data=news"


def test_relative_paths_of_a_sweep_start_at_its_file(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "base.yaml").write_text(
        BASE.replace("a.jsonl", "../a.jsonl")
        + "model: lead\nsweep: {grid: {data.path: [../a.jsonl, ../b.jsonl]}}\n"
    )

    made: list[Any] = prepared(folder, "extends: inner/base.yaml\n")

    assert [cell.loader.path for cell in made] == [folder / "a.jsonl", folder / "b.jsonl"]


def test_override_reaches_into_a_sweep_and_switches_it_off(folder: Path) -> None:
    text = BASE + "model: lead\nsweep: {grid: {model.sentences: [1, 2]}}\n"

    assert names(folder, text, "sweep.grid.model.sentences=[3]") == ["lead,sentences=3"]
    assert names(folder, text, "sweep.grid.seed=[3, 4]", "sweep.grid.model.sentences=[1]") == [
        "lead,sentences=1,seed=3",
        "lead,sentences=1,seed=4",
    ]
    assert names(folder, text, "sweep=null", "model.sentences=5") == ["lead"]


BROKEN = [
    ("grid: {seed: 3}", "{file}:4:10: sweep.grid.seed: should be a list of values, or {from,"),
    ("grid: {seed: []}", "{file}:4:10: sweep.grid.seed: an empty list"),
    ("grid: {sede: [1]}", "{file}:4:17: sede: unknown key; did you mean seed?"),
    ("grdi: {seed: [1]}", "{file}:4:3: sweep.grdi: unknown key; did you mean grid?"),
    ("grid: {seed: [1, x]}", "{file}:4:20: seed: should be a valid integer, not 'x'"),
    ("grid: {seed: [1, 2, 1.0]}", "{file}:4:23: sweep.grid.seed.2: 1.0 stands twice"),
    ("grid: {model.sentense: [1]}", "{file}:4:27: model.sentense: unknown key; did you mean sen"),
    ("grid: {data.path: [no.jsonl]}", "{file}:4:22: data.path: no file or folder 'no.jsonl'"),
    ("grid: {metrics.rogue.stemmer: [true]}", "4:34: metrics.rogue.stemmer: there is no 'rogue'"),
    ("grid: {metrics.7.stemmer: [true]}", "{file}:4:30: metrics.7.stemmer: there is no 7 to"),
    ("grid: {name: [a, b]}", "{file}:4:17: sweep.grid.name.0: cannot be swept: it names the"),
    ("grid: {models: [[lead]]}", "sweep.grid.models.0: cannot be swept: they are in each"),
    ("grid: {seed: {from: 1, to: 3}}", "{file}:4:10: sweep.grid.seed: 'step' is missing"),
    ("grid: {seed: {from: 1, to: 3, stpe: 1}}", "4:33: sweep.grid.seed.stpe: unknown key; did you"),
    ("grid: {seed: {from: 1, to: 3, step: 0}}", "4:33: sweep.grid.seed.step: steps of 0 do not"),
    ("grid: {seed: {from: 1, to: 3, step: -1}}", "sweep.grid.seed.step: steps of -1 do not lead"),
    ("grid: {seed: {from: a, to: 3, step: 1}}", "sweep.grid.seed.from: should be a number"),
    ("grid: {seed: {from: 1, to: 9999, step: 1}}", "sweep.grid.seed: 9999 values; 1000 at the"),
    (
        "grid: {seed: {from: 1, to: 99, step: 1}, limit: {from: 1, to: 99, step: 1}}",
        "sweep: 9801 combinations; 1000 at the most",
    ),
    ("zip: {seed: [1, 2], limit: [1]}", "{file}:4:3: sweep.zip: lists of one length go together"),
    ("{grid: {seed: [1]}, zip: {seed: [2]}}", "{file}:3:1: sweep: seed stands twice"),
    ("{grid: {seed: [1]}, cases: {a: {seed: 2}}}", "sweep: seed stands in cases and elsewhere"),
    ("cases: {a b: {seed: 1}, a-b: {seed: 2}}", "sweep.cases.a-b: too much like the case 'a b'"),
    ("cases: {a: 3}", "{file}:4:11: sweep.cases.a: should be a mapping"),
    ("{grid: {seed: [1, 2]}, exclude: [{sed: 1}]}", "exclude.0.sed: is not swept; did you mean s"),
    ("{grid: {seed: [1, 2]}, exclude: [{seed: 3}]}", "exclude.0.seed: 3 is none of its values: 1,"),
    ("{grid: {seed: [1, 2]}, exclude: [{model: x}]}", "sweep.exclude.0: leaves out nothing"),
    ("{grid: {seed: [1, 2]}, exclude: [{}]}", "sweep.exclude.0: empty: it would leave out every"),
    ("{grid: {seed: [1, 2]}, exclude: [{seed: [1, 2]}]}", "sweep.exclude: leaves out every run"),
    ("[1]", "{file}:3:1: sweep: should be"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "message"), BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_sweep_is_one_line_with_its_place(folder: Path, block: str, message: str) -> None:
    inline = block[0] in "{["
    text = BASE + "model: lead\nsweep:" + (f" {block}\n" if inline else f"\n  {block}\n")

    with pytest.raises(ConfigError) as caught:
        prepared(folder, text)

    assert message.replace("{file}", str(folder / "c.yaml")) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_option_of_the_one_model_is_refused_where_there_are_several(folder: Path) -> None:
    text = BASE + MODELS + "sweep: {grid: {model.num_beams: [1, 2]}}\n"

    with pytest.raises(ConfigError, match=r"write generation\.num_beams, or models\.0\.num_beams"):
        prepared(folder, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_names_of_values_differ_where_values_do(values: list[Any]) -> None:
    unlike = [v for n, v in enumerate(values) if not any(sweep._same(v, w) for w in values[:n])]
    tree = yaml.Document({})

    axes = sweep.read_axes({"grid": {"model.x": unlike}}, tree)

    found = [axes.names(chosen, lambda key: True) for chosen in axes.combinations()]
    assert len({name.lower() for (name,) in found}) == len(unlike)
    assert all("/" not in name and name.startswith("x=") for (name,) in found)


def test_long_names_are_cut_and_stay_apart(folder: Path) -> None:
    prompts = [f"{'Summarize what follows. ' * 9}{n} {{article}}" for n in range(3)]
    text = (
        BASE
        + "model: {name: causal, model: ./llama}\n"
        + (
            "sweep: {grid: {"
            + ", ".join(f"model.{x}: {json.dumps(prompts)}" for x in ("user", "system", "template"))
            + "}}\n"
        )
    )

    found = names(folder, text)

    assert len({name.lower() for name in found}) == 27
    assert all(len(name.encode()) < 140 for name in found)
    assert found == names(folder, text)


def test_cell_of_a_sweep_writes_the_config_of_its_own(folder: Path) -> None:
    text = (
        BASE
        + "models: [lead, random]\n"
        + ("sweep: {grid: {models.random.sentences: [1, 2], data.path: [a.jsonl, b.jsonl]}}\n")
    )
    for cell in prepared(folder, text):
        place = folder / "results" / cell.experiment / cell.name
        place.mkdir(parents=True)
        (place / "config.yaml").write_text(cell.config(place))

        (again,) = cells.prepare(read_run_config(place / "config.yaml"))

        for part in ("name", "experiment", "loader", "model", "metrics"):
            assert getattr(again, part) == getattr(cell, part)
