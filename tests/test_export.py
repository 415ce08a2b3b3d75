"""Runs as other tools read them: held against the tools where they are installed, else a sample."""

import importlib
import importlib.resources
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from evalharness.comparison.preferences import read_votes
from evalharness.errors import DataError
from evalharness.records import Summary, Vote
from evalharness.runner.preferences import digests_of_sample
from evalharness.store.export import EXPORT_FORMATS, ExportFormat, ExportPlan, export_runs
from evalharness.store.runs import read_run
from evalharness.store.store import Store, preference_key

MakeRun = Callable[..., Path]
Export = Callable[..., Any]
# What the schema of version 0.3.0 of Every Eval Ever requires, by the name of the object.
REQUIRED = {
    "": ("schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info",
         "eval_library", "evaluation_results"),
    "source_metadata": ("source_type", "source_organization_name", "evaluator_relationship"),
    "eval_library": ("name", "version"),
    "model_info": ("name", "id", "additional_details"),
    "evaluation_results": ("evaluation_name", "source_data", "metric_config", "score_details"),
    "source_data": ("dataset_name", "source_type"),
    "metric_config": ("lower_is_better",),
    "score_details": ("score",),
}  # fmt: skip
# Its path, below the folder: data/benchmark/developer/model/UUID4.json.
EVALUATION = re.compile(
    r"data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json"
)


@pytest.fixture
def pair(make_run: MakeRun, tmp_path: Path) -> tuple[Path, Path]:
    rouge = [{"value": v, "parts": {"rouge1": v, "rouge2": v / 2}} for v in (0.25, 0.5)]
    how: Any = {"sources": ["news", ""], "folder": tmp_path / "results" / "test"}
    one = make_run("one", {"rouge": rouge, "lexical": [1.0, 0.5]}, **how)
    higher = [{"value": v, "parts": {"rouge1": v, "rouge2": v}} for v in (0.75, 0.5)]
    other = make_run("other", {"rouge": higher, "lexical": [1.0, None]}, **how)
    return one, other


def export(to: ExportFormat, output: Path, *folders: Path, **plan: Any) -> Any:
    (path,) = export_runs([read_run(f) for f in folders], to, output, ExportPlan(**plan))
    return json.loads(path.read_text()) if path.suffix == ".json" else path.read_text()


def test_rows_have_texts_and_scores_and_are_read_again(
    pair: tuple[Path, Path], tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "export.jsonl"
    rows = [json.loads(line) for line in export("jsonl", path, *pair).splitlines()]
    assert [(row["system"], row["id"], row["rouge1"], row["rouge2"]) for row in rows] == [
        ("one", "a0", 0.25, 0.125), ("one", "a1", 0.5, 0.25),
        ("other", "a0", 0.75, 0.75), ("other", "a1", 0.5, 0.5),
    ]  # fmt: skip
    assert rows[3]["lexical"] is None
    done = command("compare", path, "--results", tmp_path / "r", "--no-report")
    assert done.returncode == 0, done.stderr
    assert "one" in done.stdout
    assert "other" in done.stdout


def test_evaluation_has_what_the_schema_requires(pair: tuple[Path, Path], tmp_path: Path) -> None:
    record = export("every-eval-ever", tmp_path / "eee", pair[0], organization="Us")
    for name, keys in REQUIRED.items():
        for part in _parts_named(record, name):
            assert set(keys) <= set(part), name
    assert record["model_info"]["id"] == "unknown/one"
    results = {each["metric_config"]["metric_name"]: each for each in record["evaluation_results"]}
    rouge = results["rouge1"]
    assert rouge["score_details"]["score"] == 0.375
    assert rouge["score_details"]["uncertainty"]["confidence_interval"]["lower"] == 0.25
    assert rouge["metric_config"]["max_score"] == 1
    (path,) = (tmp_path / "eee").rglob("*.json")
    assert EVALUATION.fullmatch(path.relative_to(tmp_path / "eee").as_posix())


def _parts_named(record: dict[str, Any], name: str) -> list[Any]:
    if not name:
        return [record]
    held = [record, *record["evaluation_results"]]
    parts = [each[name] for each in held if name in each]
    return [part for each in parts for part in (each if isinstance(each, list) else [each])]


def test_evaluation_is_valid_by_the_published_schema(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip("every_eval_ever")
    schema = importlib.resources.files("every_eval_ever") / "schemas" / "eval.schema.json"
    record = export("every-eval-ever", tmp_path, pair[0])
    jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(record)


def test_evaluation_of_a_data_set_of_the_hub_names_it(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run(
        "bart", {"lexical": [1.0]}, signature="|version:1", folder=tmp_path / "results"
    )
    run = json.loads((folder / "run.json").read_text())
    run["data"] |= {"loader": "hub", "dataset": "EdinburghNLP/xsum", "split": "test"}
    run["signatures"]["model"] = "seq2seq|model:facebook/bart-large-xsum|num_beams:6|version:2"
    (folder / "run.json").write_text(json.dumps(run))
    record = export("every-eval-ever", tmp_path / "eee", folder)
    source = record["evaluation_results"][0]["source_data"]
    assert (source["source_type"], source["hf_repo"]) == ("hf_dataset", "EdinburghNLP/xsum")
    assert record["model_info"]["id"] == "facebook/bart-large-xsum"
    assert record["model_info"]["additional_details"]["model_availability"] == "open_weights"
    assert "name: bart-large-xsum" in export("model-card", tmp_path / "card.md", folder)


def test_card_is_read_by_the_hubs_reader(pair: tuple[Path, Path], tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    text = export("model-card", tmp_path / "card.md", pair[0], model="us/one")
    data = hub.ModelCard(text).data
    found = {each.metric_type: each.metric_value for each in data.eval_results}
    assert data.model_name == "one"
    assert (found["rouge1"], found["lexical"]) == (37.5, 75.0)
    assert "| rouge1 | 37.5 | [25.0, 50.0] | 2 |" in text
    # What the reader writes again is the same.
    again = hub.ModelCard(hub.ModelCard(text).content).data
    assert again.to_dict() == data.to_dict()


def test_card_of_somebody_else_is_not_overwritten(pair: tuple[Path, Path], tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    export("model-card", card, pair[0])
    export("model-card", card, pair[0])  # our own is
    card.write_text("# My model\n")
    with pytest.raises(DataError, match="there is a card already"):
        export("model-card", card, pair[0])
    assert card.read_text() == "# My model\n"


def test_comparator_has_the_fields_that_its_readme_requires(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    record = export("llm-comparator", tmp_path / "c.json", *pair)
    assert [model["name"] for model in record["models"]] == ["one", "other"]
    assert set(record["metadata"]) == {"source_path", "custom_fields_schema"}
    first, second = record["examples"]
    # Its README: these fields; scores from -1.5 to 1.5, above 0 where A is better.
    assert set(first) >= {
        "input_text", "tags", "output_text_a", "output_text_b", "score",
        "individual_rater_scores", "custom_fields",
    }  # fmt: skip
    assert (first["score"], second["score"]) == (-0.75, 0.0)
    assert (first["tags"], second["tags"]) == (["news"], [])
    assert first["custom_fields"]["rouge1"] == [0.25, 0.75]
    assert second["custom_fields"]["lexical"] == [0.5, None]
    by = export("llm-comparator", tmp_path / "c.json", *pair, by="rouge2")
    assert by["examples"][0]["score"] == pytest.approx(-1.5 * 0.625)


def test_comparator_is_typed_as_its_package_has_it(pair: tuple[Path, Path], tmp_path: Path) -> None:
    types = pytest.importorskip("llm_comparator.types")
    record = export("llm-comparator", tmp_path / "c.json", *pair, votes=[vote("a0", 1.0)])
    for example in record["examples"]:
        assert set(example) == set(types.Example.__annotations__)
        for rating in example["individual_rater_scores"]:
            assert set(rating) == set(types.IndividualRating.__annotations__)


def vote(article: str, outcome: float, order: int = 1) -> Vote:
    return Vote(article, "news" if article == "a0" else "", "one", "other", outcome, order, "ann",
                "clearer")  # fmt: skip


def test_votes_and_judges_are_the_raters(pair: tuple[Path, Path], tmp_path: Path) -> None:
    store = Store(tmp_path / "results" / "store")
    (sample, _), (other, _) = (list(read_run(folder).samples()) for folder in pair)
    article, one = digests_of_sample(sample)
    two = digests_of_sample(other)[1]
    ledger = store.ledger("preferences", {"name": "pairwise", "model": "a-judge", "version": 1})
    ledger.append([(preference_key(article, two.text, one.text), {"first": 1.0, "reason": "full"})])
    votes = [vote("a0", 1.0), vote("a0", 0.5, -1), vote("nowhere", 0.0)]
    record = export("llm-comparator", tmp_path / "c.json", *pair, votes=votes)
    ratings = record["examples"][0]["individual_rater_scores"]
    assert [(r["score"], r["is_flipped"], r["rationale"]) for r in ratings] == [
        (-1.5, True, "a-judge: full"), (1.5, False, "ann: clearer"), (0.0, True, "ann: clearer"),
    ]  # fmt: skip
    assert record["examples"][0]["score"] == 0.0
    assert record["examples"][1]["score"] is None


def test_votes_turned_round_are_of_the_same_system(pair: tuple[Path, Path], tmp_path: Path) -> None:
    record = export("llm-comparator", tmp_path / "c.json", *pair[::-1], votes=[vote("a0", 1.0)])
    (rating,) = record["examples"][0]["individual_rater_scores"]
    assert (rating["score"], rating["rating_label"], rating["is_flipped"]) == (
        -1.5, "B is better", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        "[]", '{"article_id": "a"}', '{"system_a": 1}',
        json.dumps({**asdict(vote("a0", 1.0)), "outcome": 0.7}),
        json.dumps({**asdict(vote("a0", 1.0)), "order": True}),
        json.dumps({**asdict(vote("a0", 1.0)), "system_b": "one"}),
    ],
)  # fmt: skip
def test_row_that_is_no_vote_is_named(row: str, tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text(f"{json.dumps(asdict(vote('a0', 1.0)))}\n{row}\n")
    with pytest.raises(DataError, match=r"votes\.jsonl:2"):
        read_votes([path])


@pytest.mark.parametrize(
    ("to", "n", "said"),
    [("model-card", 2, "of one model"), ("llm-comparator", 1, "shows two systems")],
)
def test_wrong_number_of_runs_is_refused(
    to: ExportFormat, n: int, said: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        export(to, tmp_path / "x.json", *pair[:n])


def test_texts_of_any_kind_go_out_and_come_back(make_run: MakeRun, tmp_path: Path) -> None:
    hostile = 'a\ud800b\x00 |<script>alert("x")</script>\u2028 **x** `y` \n\n---\n- 1'
    folders = [
        make_run(
            name, {"lexical": [1.0]}, texts=[hostile],
            summaries=[Summary("a0", f"{hostile}{name}")],
        )
        for name in ("one", "other")
    ]  # fmt: skip
    (row, _) = export("jsonl", tmp_path / "e.jsonl", *folders).splitlines()
    assert json.loads(row)["article"] == hostile
    record = export("llm-comparator", tmp_path / "c.json", *folders)
    assert record["examples"][0]["input_text"] == hostile
    assert record["examples"][0]["output_text_b"] == f"{hostile}other"


@pytest.mark.parametrize("to", EXPORT_FORMATS)
def test_same_runs_give_the_same_bytes(
    to: ExportFormat, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    runs = [read_run(folder) for folder in pair[: 1 if to == "model-card" else 2]]
    written = [
        [path.read_bytes() for path in export_runs(runs, to, tmp_path / folder / "x")]
        for folder in ("first", "second")
    ]
    assert written[0] == written[1]


def test_command_says_what_it_wrote(
    pair: tuple[Path, Path], tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "pairs.json"
    done = command("export", *pair, "--to", "llm-comparator", "-o", path, "--json")
    assert json.loads(done.stdout) == {
        "format": "llm-comparator", "runs": 2, "files": [str(path)],
    }  # fmt: skip
    assert command("export", *pair, "--to", "model-card").returncode == 2
    assert command("export", pair[0], "--to", "pdf").returncode == 2
