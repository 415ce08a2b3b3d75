"""Configs: what is right is read, what is wrong is said in one line, with its place."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evalharness.config import cells, yaml
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError, HarnessError

ROOT = Path(__file__).parents[1]
ARTICLE = json.dumps({"id": "a", "article": "The mayor resigned.", "reference": "He left."})

DATA = "data: {name: files, path: a.jsonl}\n"
# name, YAML, what the one line must hold. `{file}` is the config's own path.
BROKEN = [
    ("empty", "", "{file}: empty"),
    ("not_a_mapping", "- data\n- model\n", "{file}:1:1: the top of a config is a mapping"),
    ("tab", "data:\n\tname: files\n", "{file}:2:1: not YAML: a tab; YAML wants spaces"),
    ("unclosed", "data: {name: files\nmodel: lead\n", "{file}:2:6: not YAML:"),
    (
        "duplicate_key",
        "seed: 1\nmodel: lead\nseed: 2\n",
        "{file}:3:1: seed: stands twice; first at line 1",
    ),
    (
        "duplicate_nested_key",
        "data: files\nmodel:\n  name: lead\n  name: random\n",
        "{file}:4:3: model.name: stands twice",
    ),
    ("python_tag", "data: !!python/object/apply:os.system [ls]\n", "{file}:1:7: the tag"),
    (
        "merge_key",
        "data: &a {name: files}\nmodel:\n  <<: *a\n",
        "{file}:3:3: merge keys are not read",
    ),
    (
        "unknown_top_key",
        "data: files\nmodle: lead\n",
        "{file}:2:1: modle: unknown key; did you mean model?",
    ),
    ("no_data", "model: lead\n", "'data' is missing"),
    ("no_model", DATA + "", "no `model`"),
    (
        "model_and_models",
        DATA + "model: lead\nmodels: [lead]\n",
        "{file}:3:1: models: give `model` or `models`, not both",
    ),
    ("data_a_number", "data: 3\nmodel: lead\n", "{file}:1:1: data: should be a mapping"),
    (
        "unknown_model",
        DATA + "model: leed\n",
        "{file}:2:1: model: no model 'leed'; did you mean lead?",
    ),
    (
        "unknown_metric",
        DATA + "model: lead\nmetrics: [rogue]\n",
        "{file}:3:11: metrics.0: no metric 'rogue'; did you mean rouge?",
    ),
    (
        "unknown_check",
        DATA + "model: lead\nchecks:\n  - nummers\n",
        "{file}:4:5: checks.0: no check 'nummers'; did you mean numbers?",
    ),
    (
        "unknown_loader",
        "data: {name: file, path: a.jsonl}\nmodel: lead\n",
        "{file}:1:8: data: no loader 'file'; did you mean files?",
    ),
    (
        "metric_twice",
        DATA + "model: lead\nmetrics: [rouge, rouge]\n",
        "{file}:3:18: metrics.1: 'rouge' stands twice; give one of them a label",
    ),
    (
        "unknown_option",
        DATA + "model:\n  name: lead\n  sentence: 2\n",
        "{file}:4:3: model.sentence: unknown key; did you mean sentences?",
    ),
    (
        "misspelt_generation_argument",
        DATA + "model:\n  name: seq2seq\n  model: x/y\n  num_baems: 4\n",
        "{file}:5:3: model.num_baems: unknown key; did you mean num_beams?",
    ),
    (
        "misspelt_generation_block",
        DATA + "model: {name: seq2seq, model: x/y}\ngeneration: {num_baems: 4}\n",
        "{file}:3:14: generation.num_baems: seq2seq has no such option; did you mean num_beams?",
    ),
    (
        "wrong_type",
        DATA + "model: {name: lead, sentences: two}\n",
        "{file}:2:21: model.sentences: should be a valid integer, not 'two'",
    ),
    (
        "wrong_type_in_generation_block",
        DATA + "model: {name: seq2seq, model: x/y}\ngeneration: {num_beams: four}\n",
        "{file}:3:14: model.num_beams: should be a valid integer, not 'four'",
    ),
    (
        "float_for_integer",
        DATA + "model: {name: lead, sentences: 2.5}\n",
        "{file}:2:21: model.sentences: should be a valid integer",
    ),
    (
        "true_for_integer",
        DATA + "model: lead\nlimit: true\n",
        "{file}:3:1: limit: should be a valid integer, not true",
    ),
    (
        "limit_of_nothing",
        DATA + "model: lead\nlimit: 0\n",
        "{file}:3:1: limit: should be greater than or equal to 1, not 0",
    ),
    (
        "level_beyond_one",
        DATA + "model: lead\ninterval: {level: 95}\n",
        "{file}:3:12: interval.level: should be less than 1, not 95",
    ),
    (
        "missing_option",
        "data: files\nmodel: lead\n",
        "{file}:1:1: data: 'path' is missing",
    ),
    (
        "missing_model_option",
        DATA + "model: seq2seq\n",
        "{file}:2:1: model: 'model' is missing",
    ),
    (
        "missing_file",
        "data: {name: files, path: nowhere.jsonl}\nmodel: lead\n",
        "{file}:1:21: data.path: no file or folder 'nowhere.jsonl'",
    ),
    (
        "missing_checkpoint",
        DATA + "model: {name: seq2seq, model: ./nowhere}\n",
        "{file}:2:24: model.model: no folder './nowhere'",
    ),
    (
        "template_without_article",
        DATA + "model: {name: causal, model: x/y, user: Summarize.}\n",
        "{file}:2:35: model.user: ",
    ),
    (
        "template_with_unknown_field",
        DATA + 'model: {name: causal, model: x/y, user: "{artikle}"}\n',
        "{file}:2:35: model.user: ",
    ),
    (
        "template_with_open_brace",
        DATA + 'model: {name: causal, model: x/y, user: "{article} {"}\n',
        "{file}:2:35: model.user: ",
    ),
    (
        "temperature_without_sampling",
        DATA + "model: {name: seq2seq, model: x/y, temperature: 0.7}\n",
        "{file}:2:36: model.temperature: ",
    ),
    (
        "misspelt_generation_block_without_a_model_that_generates",
        DATA + "model: lead\ngeneration: {max_new_tokns: 5}\n",
        "{file}:3:14: generation.max_new_tokns: unknown key; did you mean max_new_tokens?",
    ),
    (
        "misspelt_key_of_the_interval",
        DATA + "model: lead\ninterval: {levl: 0.9}\n",
        "{file}:3:12: interval.levl: unknown key; did you mean level?",
    ),
    (
        "misspelt_column",
        "data: {name: files, path: a.jsonl, columns: {artcle: x}}\nmodel: lead\n",
        "{file}:1:46: data.columns.artcle: unknown key; did you mean article?",
    ),
    (
        "model_without_a_name",
        DATA + "models: [lead, {sentences: 2}]\n",
        "models.1: 'name' is missing",
    ),
    ("number_for_text", DATA + "model: {name: lead, label: 12}\n", "put 12 in quotes"),
    ("extends_nothing", "extends: nowhere.yaml\n", "{file}:1:1: extends: no file 'nowhere.yaml'"),
    ("extends_itself", "extends: broken.yaml\n", "extends itself"),
    (
        "alias_bomb",
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
        "too large or too deep",
    ),
    (
        "rouge_type",
        DATA + "model: lead\nmetrics: [{name: rouge, types: [rouge0]}]\n",
        "{file}:3:25: metrics.0.types: ",
    ),
    (
        "labels_with_a_slash_are_folders_no_more",
        "data: {name: files, path: ../../x}\nmodel: lead\n",
        "no file or folder '../../x'",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text(ARTICLE + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_broken_config_is_one_line_with_its_place(folder: Path, text: str, message: str) -> None:
    path = folder / "broken.yaml"
    path.write_text(text)

    with pytest.raises(HarnessError) as caught:
        cells.prepare(read_run_config(path))

    assert message.format(file=path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_broken_config_ends_the_command_with_2_in_one_line_and_quickly(folder: Path) -> None:
    path = folder / "broken.yaml"
    path.write_text(
        "data: {name: files, path: a.jsonl}\nmodel: {name: seq2seq, model: x/y, num_baems: 4}\n"
    )
    command = [sys.executable, "-X", "importtime", "-m", "evalharness", "run", str(path)]

    done = subprocess.run(
        [*command, "--results", str(folder)], capture_output=True, text=True, check=False, cwd=ROOT
    )

    lines = done.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time")}
    (error,) = [line for line in lines if not line.startswith("import time")]
    assert done.returncode == 2
    assert error.startswith(f"evalharness: {path}:2:36: model.num_baems: unknown key")
    assert "evalharness.config.run_config" in imported
    assert not imported & {"torch", "transformers", "datasets"}  # they take seconds


def test_config_check_does_not_import_what_is_heavy(folder: Path) -> None:
    path = folder / "a.yaml"
    path.write_text(
        "data: {name: files, path: a.jsonl}\nmodels: [lead, {name: seq2seq, model: x/y}]\n"
    )
    code = (
        "import sys; from evalharness.config import cells, run_config;"
        f"cells.prepare(run_config.read_run_config({str(path)!r}));"
        "heavy = ('torch', 'transformers', 'datasets', 'nltk', 'pandas');"
        "print([m for m in heavy if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_override_lies_over_file_over_default(folder: Path) -> None:
    (folder / "base.yaml").write_text(
        "data: {name: files, path: a.jsonl}\nmodel: {name: lead, sentences: 1}\nseed: 4\n"
    )
    (folder / "top.yaml").write_text("extends: base.yaml\nmodel: {sentences: 2}\n")

    below = read_run_config(folder / "top.yaml")
    above = read_run_config(folder / "top.yaml", ["model.sentences=5", "interval.level=0.9"])

    assert below.model is not None
    assert above.model is not None
    assert (below.model.options["sentences"], below.seed) == (2, 4)
    assert above.model.options["sentences"] == 5
    assert above.interval.level == 0.9


def test_other_model_below_leaves_no_options(folder: Path) -> None:
    (folder / "base.yaml").write_text(
        "data: {name: files, path: a.jsonl}\nmodel: {name: lead, sentences: 1}\n"
    )
    (folder / "top.yaml").write_text("extends: base.yaml\nmodel: {name: random}\n")

    config = read_run_config(folder / "top.yaml")

    assert config.model is not None
    assert config.model.options == {}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: should be key=value"),
        ("=3", "should be key=value"),
        ("seed=x", "--set seed: seed: should be a valid integer, not 'x'"),
        ("models.0.sentences=3", "there is no 'models' to set a value in"),
        ("model.sentense=3", "model.sentense: unknown key; did you mean sentences?"),
        ("data.path=nowhere.jsonl", "data.path: no file or folder 'nowhere.jsonl'"),
        ("metrics=[rouge", "--set metrics: value:2:1: not YAML"),
    ],
)
def test_broken_override_is_one_line(folder: Path, override: str, message: str) -> None:
    (folder / "a.yaml").write_text("data: {name: files, path: a.jsonl}\nmodel: lead\n")

    with pytest.raises(ConfigError) as caught:
        cells.prepare(read_run_config(folder / "a.yaml", [override]))

    assert message in str(caught.value)


def test_relative_paths_start_at_the_file_that_names_them(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "base.yaml").write_text(
        "data: {name: files, path: ../a.jsonl}\nmodel: lead\n"
    )
    (folder / "top.yaml").write_text("extends: inner/base.yaml\n")

    loader: Any = cells.prepare(read_run_config(folder / "top.yaml"))[0].loader

    assert [article.id for article in loader.load()] == ["a"]


def test_mapping_is_a_config_too(folder: Path) -> None:
    config = {"data": {"name": "files", "path": str(folder / "a.jsonl")}, "model": "lead"}

    assert cells.prepare(read_run_config(config))[0].name == "lead"


def test_mapping_is_left_as_it_was(folder: Path) -> None:
    config = {"data": {"name": "files", "path": folder / "a.jsonl"}, "model": {"name": "lead"}}

    made = read_run_config(config, ["model.sentences=2"])

    assert made.model is not None
    assert made.model.options == {"sentences": 2}
    assert config["model"] == {"name": "lead"}


def test_folder_linked_to_itself_is_one_line(folder: Path) -> None:
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")

    with pytest.raises(ConfigError, match=r"loop\.yaml"):
        read_run_config(folder / "loop.yaml")


def test_names_stay_apart_in_any_script(folder: Path) -> None:
    models = [
        {"name": "lead", "label": label}
        for label in ("数据", "données", "😀", "a/b", "A/B", "store")
    ]
    config = {"data": {"name": "files", "path": str(folder / "a.jsonl")}, "models": models}

    names = [cell.name for cell in cells.prepare(read_run_config(config))]

    assert names[:2] == ["数据", "données"]
    assert names[2].startswith("unnamed-")
    assert names[3:] == ["a-b", "A-B-2", "store-"]


def test_written_config_reads_back_as_the_same_cell(folder: Path) -> None:
    (folder / "a.yaml").write_text(
        "data: {name: files, path: a.jsonl}\nmodel: {name: lead, label: '1e5', sentences: 2}\n"
        "seed: 7\nmetrics: [{name: rouge, label: r, types: [rouge1, rouge2]}]\n"
    )
    cell = cells.prepare(read_run_config(folder / "a.yaml"))[0]
    place = folder / "results" / cell.experiment / cell.name
    place.mkdir(parents=True)

    (place / "config.yaml").write_text(cell.config(place))
    again = cells.prepare(read_run_config(place / "config.yaml"))[0]

    for part in ("name", "experiment", "loader", "model", "metrics", "metric_kinds"):
        assert getattr(again, part) == getattr(cell, part)
    assert again.config(place) == cell.config(place)


@pytest.mark.parametrize(
    "value",
    [
        "1e5",
        "no",
        "12:30",
        "2020-01-01",
        "null",
        "",
        " x",
        "a: b",
        "#",
        "é\n“”",
        0.1,
        3,
        True,
        None,
        [1, "2"],
    ],
)
def test_dumped_value_reads_back(value: Any) -> None:
    text = yaml.dump({"key": value})

    assert yaml.parse_yaml(text, "x", Path()).tree == {"key": value}
