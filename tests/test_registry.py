"""Components by name: built in, by plug-in, with signatures and a schema."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evalharness.config import registry
from evalharness.config.schema import schema
from evalharness.config.signature import signature_parts, signature_text
from evalharness.errors import UnknownComponent

ROOT = Path(__file__).parents[1]
KINDS: tuple[registry.Kind, ...] = ("loaders", "models", "metrics", "checks")


@dataclasses.dataclass(frozen=True)
class Example:
    """A component to sign.

    weight: how much.
    """

    version: ClassVar[int] = 3

    weight: float = 1.5
    kinds: tuple[str, ...] = ("a", "b")
    text: str = "x" * 100
    unset: int | None = None
    device: str = dataclasses.field(default="cpu", compare=False)

    def identity(self) -> dict[str, str]:
        return {"weights": "abc"}


def test_every_built_in_component_is_a_frozen_dataclass_with_a_version() -> None:
    for kind in KINDS:
        for name in registry.BUILT_IN[kind]:
            assert dataclasses.is_dataclass(registry.load_class(kind, name)), name
            component: Any = registry.load_class(kind, name)
            assert component.__dataclass_params__.frozen, name
            assert isinstance(component.version, int), name
            if kind in ("metrics", "checks"):
                low, high = component.range
                assert low < high, name
                assert component.needs <= {"article", "references", "published"}, name


def test_signature_holds_what_makes_the_result_and_nothing_else() -> None:
    parts = signature_parts("example", Example())

    assert parts == {
        "name": "example",
        "weight": 1.5,
        "kinds": ["a", "b"],
        "text": "x" * 100,
        "weights": "abc",
        "version": 3,
    }
    assert signature_parts("example", Example(device="cuda")) == parts
    assert signature_text(parts).startswith("example|weight:1.5|kinds:a,b|text:sha256-")


def test_checkpoint_folder_is_signed_by_content_not_by_place(tmp_path: Path) -> None:
    signatures = []
    for place in ("here", "there"):
        folder = tmp_path / place / "tiny"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "bart"}')
        (folder / "model.safetensors").write_bytes(b"weights")
        model = registry.load_class("models", "seq2seq")(model=str(folder))
        signatures.append(signature_parts("seq2seq", model))
    (folder / "model.safetensors").write_bytes(b"Weights")
    other = signature_parts("seq2seq", model)

    assert signatures[0] == signatures[1]
    assert other != signatures[1]


def test_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UnknownComponent, match="did you mean textrank"):
        registry.load_class("models", "textrnk")


@pytest.mark.parametrize("name", ["./mine.py", "mine:Mine"])
def test_code_in_place_of_a_name_is_told_how_to_install_it(name: str) -> None:
    with pytest.raises(UnknownComponent, match="plug-in: `evalharness init metric` writes one"):
        registry.load_class("metrics", name)


def test_schema_names_every_component_and_describes_its_options() -> None:
    found = schema()

    models = found["$defs"]["models"]["anyOf"]
    names = {shape["properties"]["name"]["const"] for shape in models[1:]}
    assert names == set(registry.known_components("models"))
    seq2seq = next(s for s in models[1:] if s["properties"]["name"]["const"] == "seq2seq")
    assert seq2seq["properties"]["num_beams"]["description"]
    assert seq2seq["required"] == ["name", "model"]
    assert json.dumps(found)


def test_committed_schema_is_the_present_one() -> None:
    committed = json.loads((ROOT / "configs" / "config.schema.json").read_text())

    assert committed == schema(), "run: evalharness schema > configs/config.schema.json"


def test_every_config_names_the_schema_and_follows_it() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    validator = jsonschema.Draft202012Validator(schema())
    rules = {ROOT / "configs" / "gate.yaml"}  # of a gate, and no config of a run
    for path in sorted(set((ROOT / "configs").glob("*.yaml")) - rules):
        text = path.read_text()
        assert text.startswith("# yaml-language-server: $schema=config.schema.json\n"), path.name
        assert [e.message for e in validator.iter_errors(yaml.safe_load(text))] == [], path.name


@pytest.fixture(scope="module")
def with_plugin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install the example plug-in into a folder, and return an environment that has it."""
    folder = tmp_path_factory.mktemp("plugin")
    install = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--target", str(folder), str(ROOT / "tests" / "example_plugin"),
    ]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(folder)}


def run_with(environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, "-m", "evalharness", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )


def test_plugin_is_found_checked_and_run(with_plugin: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"data: {{name: files, path: {ROOT / 'configs/quickstart/articles.jsonl'}}}\n"
        "model: {name: last, sentences: 2}\nchecks: [{name: brevity, words: 10}]\n"
    )

    done = run_with(with_plugin, "run", str(config), "--results", str(tmp_path / "r"), "--json")
    wrong = run_with(with_plugin, "run", str(config), "--set", "model.sentense=1")

    (record,) = json.loads(done.stdout)
    assert record["signatures"]["model"] == "last|sentences:2|version:1"
    assert record["signatures"]["metrics"]["brevity"] == "brevity|words:10|version:1"
    assert 0 < record["metrics"]["brevity"]["mean"] <= 1
    assert wrong.returncode == 2
    assert "model.sentense: unknown key; did you mean sentences?" in wrong.stderr


def test_plugin_is_listed_with_its_own_words(with_plugin: dict[str, str]) -> None:
    done = run_with(with_plugin, "list", "models", "last")

    assert "sentences  how many. (default 1)" in done.stdout


def entry_point(folder: Path, name: str, target: str) -> dict[str, str]:
    """Write a package's metadata with one entry point, and return an environment that has it."""
    info = folder / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[evalharness.models]\n{name} = {target}\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_plugin_may_not_take_a_built_in_name(tmp_path: Path) -> None:
    done = run_with(entry_point(tmp_path, "lead", "other:Lead"), "list", "models")

    assert done.returncode == 2
    assert "plug-in other:Lead: the name 'lead' of models is taken by evalharness." in done.stderr


def test_plugin_that_does_not_load_is_named_when_it_is_used(tmp_path: Path) -> None:
    environment = entry_point(tmp_path, "other", "nowhere:Other")
    config = tmp_path / "c.yaml"
    config.write_text(
        f"data: {{name: files, path: {ROOT / 'configs/quickstart/articles.jsonl'}}}\nmodel: other\n"
    )

    used = run_with(environment, "run", str(config))
    unused = run_with(
        environment, "run", str(config), "--set", "model=lead", "--results", str(tmp_path)
    )

    assert used.returncode == 2
    assert "plug-in nowhere:Other does not load: No module named 'nowhere'" in used.stderr
    assert unused.returncode == 0


def test_row_says_what_tables_show_of_a_component_and_a_plug_in_has_a_usual_one() -> None:
    assert registry.scorer_row("rouge").shown == ("rouge1", "rouge2", "rougeL", "rougeLsum")
    assert registry.scorer_row("extractiveness").descriptive
    assert not registry.is_share("density")
    assert registry.is_share("novel_2")
    assert [registry.model_row(name).role for name in ("lead", "oracle", "given", "causal")] == [
        *("baseline", "upper bound", "given", "")
    ]
    assert registry.scorer_row("of a plug-in") == registry.model_row("of a plug-in")
    assert registry.is_share("")


def test_name_of_both_a_metric_and_a_check_is_what_the_caller_says() -> None:
    assert registry.scorer_kind("rouge") == "metrics"
    assert registry.scorer_kind("nli", otherwise="metrics") == "checks"
    for name in ("bertscore", "of a plug-in"):
        assert registry.scorer_kind(name) == "checks"
        assert registry.scorer_kind(name, otherwise="metrics") == "metrics"
