"""Nine labelled data sets as they are distributed: made-up samples in their published layouts."""

import csv
import gzip
import io
import json
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalharness.errors import DataError
from evalharness.meta.label_formats import LABEL_FORMATS
from evalharness.meta.labels import Labelled, LabelSet, read_labels
from evalharness.records import Span

ARTICLE = "The mayor of Anport opened a bridge on Monday. It cost two million crowns."
SUMMARY = "The mayor opened a bridge for 3 million crowns."
REFERENCE = "Anport has a new bridge."
STORY = "dm-test-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
GEM = "xlsum_english-validation-7"


def expert(consistency: int, coherence: int = 4) -> dict[str, int]:
    return {"coherence": coherence, "consistency": consistency, "fluency": 5, "relevance": 3}


def summeval_row(**fields: Any) -> dict[str, Any]:
    """Keys of model_annotations.aligned.paired.jsonl: README and pair_data.py of Yale-LILY."""
    return {
        "id": STORY,
        "decoded": SUMMARY,
        "expert_annotations": [expert(5), expert(5, 1), expert(5)],
        "turker_annotations": [expert(1, 1)] * 5,
        "references": [REFERENCE, "A bridge was opened."],
        "model_id": "M11",
        "filepath": f"dailymail/stories/{STORY.rpartition('-')[2]}.story",
        "text": ARTICLE,
        **fields,
    }


def summeval_on_hub(**fields: Any) -> dict[str, Any]:
    """Features in the card of mteb/summeval: a row an article, lists over its summaries."""
    return {
        "id": STORY, "text": ARTICLE, "machine_summaries": [SUMMARY, "A bridge."],
        "human_summaries": [REFERENCE], "coherence": [3.0, 4.0], "consistency": [5.0, 4.5],
        "fluency": [5.0, 5.0], "relevance": [2.5, 1.0], **fields,
    }  # fmt: skip


def realsumm() -> dict[int, Any]:
    """The "Scores dict format" of neulab/REALSumm's README, with numpy's numbers as they are in."""

    def system(text: str, pyramid: float) -> dict[str, Any]:
        scores = {"litepyramid_recall": pyramid, "rouge_1_recall": 0.5, "js-2": np.float32(0.1)}
        return {"system_summary": f"<t> {text} </t>", "scores": scores}

    systems = {"bart_out.txt": system(SUMMARY, 0.3), "t5_out_base.txt": system("A bridge.", 0.1)}
    return {
        n: {"doc_id": n, "ref_summ": f"<t> {REFERENCE} </t>", "system_summaries": systems}
        for n in range(2)
    }


def rose_row(**fields: Any) -> dict[str, Any]:
    """Features that demo.ipynb of Yale-LILY/ROSE prints; the protocols are in two of the parts."""
    units = {"acu_labels": [1, 0], "acu": 0.5, "normalized_acu": 0.4}
    return {
        "source": ARTICLE, "reference": REFERENCE, "reference_acus": ["A bridge.", "New."],
        "count_id": 3, "example_id": "0a", "system_outputs": {"bart": SUMMARY, "brio": "A bridge."},
        "annotations": {"bart": units, "brio": units | {"acu": 1.0, "prior": 4.0, "ref_free": 2.5}},
        **fields,
    }  # fmt: skip


def seahorse_row(answers: Sequence[str], **fields: Any) -> dict[str, Any]:
    """Columns of the .tsv files in the README of google-research-datasets/seahorse."""
    questions = {f"question{n}": said for n, said in enumerate(answers, 1)}
    row = {"gem_id": GEM, "worker_lang": "en-US", "summary": SUMMARY, "model": "t5_base"}
    return {**row, **questions, **fields}


def aggrefact_row(**fields: Any) -> dict[str, Any]:
    """Features in the card of lytang/LLM-AggreFact."""
    row = {"dataset": "AggreFact-XSum", "doc": ARTICLE, "claim": SUMMARY, "label": 0}
    return {**row, "contamination_identifier": "c0ffee", **fields}


FRANK = {"hash": "a" * 40, "model_name": "bart", "split": "test"}


def frank_texts(**fields: Any) -> dict[str, Any]:
    """benchmark_data.json, as the README of artidoro/frank describes it."""
    return {**FRANK, "article": ARTICLE, "summary": SUMMARY, "reference": REFERENCE, **fields}


def frank_errors(**fields: Any) -> dict[str, Any]:
    """Keys of human_annotations.json in artidoro/frank."""
    errors = {"Factuality": 0.5, "EntE": 0.5, "CircE": 1.0, "Flip_EntE": 1.0}
    return {**FRANK, "dataset": "cnndm", **errors, **fields}


def frank_sentences(**fields: Any) -> dict[str, Any]:
    """human_annotations_sentence.json: texts, errors, and each annotator's errors of a sentence."""
    annotations = [
        {"annotator_0": ["NoE"], "annotator_1": ["NoE"], "annotator_2": ["EntE"]},
        {"annotator_0": ["EntE", "CircE"], "annotator_1": ["OutE"], "annotator_2": ["NoE"]},
    ]
    sentences = {"summary_sentences": ["A bridge.", "3 million."]}
    return {**frank_texts(), **sentences, "summary_sentences_annotations": annotations, **fields}


def summedits_row(**fields: Any) -> dict[str, Any]:
    """Keys of data/summedits/summedits_news.json in salesforce/factualNLG."""
    return {
        "id": "63_1", "doc": ARTICLE, "summary": SUMMARY, "label": 0, "split": "test",
        "original_summary": "The mayor opened a bridge.", "edit_types": ["number"], **fields,
    }  # fmt: skip


def faithbench_span(*labels: str, **fields: Any) -> dict[str, Any]:
    return {
        "annot_id": 1, "annotator_id": "x", "annotator_name": "x", "label": list(labels),
        "note": "", "summary_span": "3", "summary_start": 30, "summary_end": 31, **fields,
    }  # fmt: skip


def faithbench_row(*spans: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A sample as scripts/faithbench_schema.py of vectara/FaithBench has it."""
    metadata = {"summarizer": "some/model", "hhemv1": 0.9, "true_nli": None, "raw_sample_id": 4}
    row = {"sample_id": 0, "source": ARTICLE, "summary": SUMMARY, "annotations": list(spans)}
    return {**row, "metadata": metadata, **fields}


def unisumeval_row(**fields: Any) -> dict[str, Any]:
    """Fields of both files in the README of DISL-Lab/UniSumEval-v1.0; the text: input_context."""
    return {
        "uid": "DISL_001", "doc_id": "news_7", "source": "CNNDM", "domain": "news",
        "input_type": "Non-Dialogue", "model": "some-llm", "reference": REFERENCE,
        "summary": SUMMARY, "input_context": ARTICLE, "sentences": json.dumps(["One.", "Two."]),
        **fields,
    }  # fmt: skip


def unisumeval_facts(**fields: Any) -> dict[str, Any]:
    labels = {"fact_verification_label": "[0, 1]", "fact_verification_error_type": "[]"}
    return unisumeval_row(**{**labels, "faithfulness_score": 0.5, **fields})


def unisumeval_key_facts(**fields: Any) -> dict[str, Any]:
    return unisumeval_row(keyfact='["A bridge."]', completeness=0.8, conciseness=1.0, **fields)


# --- Files


def lines(path: Path, rows: Iterable[Any]) -> Path:
    texts = (row if isinstance(row, str) else json.dumps(row, default=float) for row in rows)
    text = "".join(f"{each}\n" for each in texts)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def document(path: Path, value: Any, indent: int | None = 1) -> Path:
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


def table(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    out = io.StringIO()
    delimiter = "\t" if path.suffix == ".tsv" else ","
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    import pyarrow
    from pyarrow import parquet as files

    files.write_table(pyarrow.Table.from_pylist(list(rows)), path)
    return path


def pickled(path: Path, value: Any) -> Path:
    path.write_bytes(pickle.dumps(value))
    return path


YES, NO, UNRATED = ["Yes"] * 6, ["Yes", "Yes", "No", "No", "Yes", "Unsure"], ["No", *[""] * 5]

# Of each format its files, and how many summaries are in them.
SAMPLES: Mapping[str, tuple[Callable[[Path], list[Path]], int]] = {
    "summeval": (lambda f: [lines(f / "model_annotations.jsonl", [summeval_row()])], 1),
    "summeval on the hub": (lambda f: [parquet(f / "test.parquet", [summeval_on_hub()])], 2),
    "realsumm": (
        lambda f: [pickled(f / "abs.pkl", realsumm()), pickled(f / "ext.pkl", realsumm())],
        4,
    ),
    "rose": (lambda f: [lines(f / "cnndm_test.jsonl", [rose_row()])], 2),
    "seahorse": (
        lambda f: [table(f / "train.tsv", [seahorse_row(a) for a in (YES, NO, UNRATED)])],
        3,
    ),
    "llm-aggrefact": (lambda f: [parquet(f / "dev.parquet", [aggrefact_row()])], 1),
    "frank": (
        lambda f: [
            document(f / "benchmark_data.json", [frank_texts()]),
            document(f / "human_annotations.json", [frank_errors()]),
        ],
        1,
    ),
    "summedits": (lambda f: [document(f / "summedits_news.json", [summedits_row()])], 1),
    "faithbench": (
        lambda f: [document(f / "batch_1.json", {"samples": [faithbench_row(), faithbench_row()]})],
        2,
    ),
    "unisumeval": (
        lambda f: [
            lines(f / "unisumeval_faithfulness.jsonl", [unisumeval_facts()]),
            lines(f / "unisumeval_keyfact.jsonl", [unisumeval_key_facts()]),
        ],
        1,
    ),
}


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Return a file with the articles that REALSumm and SEAHORSE come without."""
    rows = [{"id": name, "document": ARTICLE} for name in ("0", "1", GEM)]
    return lines(tmp_path / "articles-elsewhere.jsonl.gz", rows)


def only(found: LabelSet) -> Labelled:
    ((row,),) = found.rows.values()
    return row


# --- All of them


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("named", [False, True], ids=["recognized", "named"])
def test_every_summary_of_a_data_set_is_read(
    name: str, named: bool, tmp_path: Path, articles: Path
) -> None:
    write, n = SAMPLES[name]
    format_ = name.partition(" ")[0]
    found = read_labels(write(tmp_path), format=format_ if named else None, articles=articles)
    assert sum(map(len, found.rows.values())) == n
    assert found.rejected == ()
    for row in (row for rows in found.rows.values() for row in rows):
        assert row.article == ARTICLE
        assert "<t>" not in row.summary
        assert row.source.startswith((format_, "AggreFact"))


def test_every_format_has_a_sample_and_says_where_its_layout_is_published() -> None:
    assert set(LABEL_FORMATS) == {name.partition(" ")[0] for name in SAMPLES}
    assert all("https://" in each.schema for each in LABEL_FORMATS.values())


def test_every_format_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[1] / "docs" / "labels.md").read_text(encoding="utf-8")
    for name, each in LABEL_FORMATS.items():
        assert f"`{name}`" in page
        for address in each.schema.replace(";", " ").split():
            assert not address.startswith("https") or address in page


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_that_lack_each_field_in_turn_are_listed_and_the_others_used(
    name: str, tmp_path: Path, articles: Path
) -> None:
    format_ = name.partition(" ")[0]
    whole = LABEL_FORMATS[format_]
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "summeval": summeval_row, "summeval on the hub": summeval_on_hub, "rose": rose_row,
        "seahorse": lambda: seahorse_row(YES), "llm-aggrefact": aggrefact_row,
        "frank": frank_texts, "summedits": summedits_row, "faithbench": faithbench_row,
        "unisumeval": unisumeval_facts, "realsumm": lambda: realsumm()[0],
    }  # fmt: skip
    row = makers[name]()
    for field in (field for layout in whole.layouts for field in layout if field in row):
        broken = {key: value for key, value in row.items() if key != field}
        path = lines(tmp_path / "broken.jsonl", [broken])
        with pytest.raises(DataError) as error:
            read_labels([path], format=format_, articles=articles)
        assert f"{path}:1: no field" in str(error.value)
        assert repr(field) in str(error.value)


WRONG: Sequence[tuple[str, dict[str, Any], str]] = [
    ("summeval", summeval_row(expert_annotations=[7]), "'expert_annotations' should hold objects"),
    ("summeval", summeval_row(expert_annotations="none"), "'expert_annotations' should be a list"),
    (
        "summeval",
        summeval_row(expert_annotations=[{"coherence": float("nan")}]),
        "'coherence' should be a number or null, not 'nan'",
    ),
    ("summeval", summeval_row(decoded=" "), "'summary' is blank"),
    ("summeval", summeval_row(id=None), "no field 'id'"),
    ("rose", rose_row(annotations={}), "no annotations of 'bart'"),
    ("rose", rose_row(system_outputs=[SUMMARY]), "'system_outputs' is no object"),
    ("seahorse", seahorse_row(["Maybe"]), "'question1' should be Yes, No, Unsure or nothing"),
    ("llm-aggrefact", aggrefact_row(label="supported"), "'label' should be a number or null"),
    ("llm-aggrefact", aggrefact_row(label=2), "'label' should be 1 (consistent), 0 or null"),
    ("llm-aggrefact", aggrefact_row(doc=3), "'article' is no text"),
    ("frank", frank_sentences(summary_sentences_annotations=[["NoE"]]), "should be a list of obj"),
    ("frank", frank_errors(), "no text of this summary in these files"),
    ("summedits", summedits_row(label=None, doc=""), "'article' is blank"),
    ("faithbench", faithbench_row(faithbench_span("Odd")), "no label of FaithBench: 'Odd'"),
    (
        "faithbench",
        faithbench_row(faithbench_span("Benign", summary_end=900)),
        "the span 30-900 is not inside the summary",
    ),
    ("faithbench", faithbench_row(metadata=None), "no field 'metadata'"),
    ("unisumeval", unisumeval_facts(summary_success_state="fail"), "the summary was not made"),
    ("unisumeval", unisumeval_facts(sentences="One. Two."), "'sentences' should be a list"),
    ("unisumeval", unisumeval_facts(faithfulness_score=1e400), "should be a number or null"),
]


@pytest.mark.parametrize(("format_", "row", "reason"), WRONG)
def test_a_row_that_cannot_be_used_is_listed_with_its_place(
    format_: str, row: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = lines(tmp_path / "x.jsonl", ["", "{", row])
    with pytest.raises(DataError) as error:
        read_labels([path], format=format_)
    assert f"{path}:2: not JSON" in str(error.value)
    assert f"{path}:3" in str(error.value)
    assert reason in str(error.value)


def test_rows_of_any_shape_are_used_or_listed(tmp_path: Path) -> None:
    values: list[Any] = [None, 3, -1.5, "x", [], [1], {}, {"a": 1}, True, "[1, 2]", [[]], [None]]
    makers = [summeval_row, rose_row, aggrefact_row, frank_sentences, summedits_row,
              faithbench_row, unisumeval_facts, summeval_on_hub]  # fmt: skip
    for maker in makers:
        row: dict[str, Any] = maker()
        rows = [row, *({**row, name: value} for name in row for value in values)]
        path = lines(tmp_path / "odd.jsonl", rows)
        found = read_labels([path])
        n = sum(map(len, found.rows.values())) + len(found.rejected)
        assert n >= len(rows)


# --- Each of them


def test_summeval_has_the_means_of_the_experts_and_all_references(tmp_path: Path) -> None:
    rows = [summeval_row(), summeval_row(expert_annotations=[expert(5), expert(4)], model_id="M8")]
    found = read_labels([lines(tmp_path / "x.jsonl", rows)]).rows["summeval"]
    assert [(row.label, row.score, row.system) for row in found] == [
        (True, 5.0, "M11"),
        (False, 4.5, "M8"),
    ]
    assert found[0].dimensions == {"coherence": 3.0, "consistency": 5.0, "fluency": 5.0,
                                   "relevance": 3.0}  # fmt: skip
    assert found[0].references == (REFERENCE, "A bridge was opened.")
    assert found[0].article_id == STORY


def test_summeval_of_the_hub_has_all_summaries_of_an_article(tmp_path: Path) -> None:
    path = parquet(tmp_path / "test.parquet", [summeval_on_hub()])
    first, second = read_labels([path]).rows["summeval"]
    assert (first.summary, first.label, first.dimensions["relevance"]) == (SUMMARY, True, 2.5)
    assert (second.summary, second.label, second.score) == ("A bridge.", False, 4.5)
    assert first.references == (REFERENCE,)


@pytest.mark.parametrize("key", [STORY, STORY.rpartition("-")[2]])
def test_summeval_without_articles_takes_them_from_a_table(tmp_path: Path, key: str) -> None:
    path = lines(tmp_path / "x.jsonl", [summeval_row(text=None)])
    with pytest.raises(DataError, match=f"no article; name a file that has '{STORY}': --articles"):
        read_labels([path])
    rows = [{"id": "other", "article": "Rain."}, {"id": key, "article": ARTICLE}]
    found = read_labels([path], articles=table(tmp_path / "cnn.csv", rows))
    assert only(found).article == ARTICLE


def test_summeval_without_articles_takes_them_from_stories(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", [summeval_row(text=None)])
    folder = tmp_path / "cnndm" / "dailymail" / "stories"
    folder.mkdir(parents=True)
    text = "The mayor of Anport\n\nopened a bridge.\n\n@highlight\n\nA bridge"
    (folder / f"{STORY.rpartition('-')[2]}.story").write_text(text)
    found = read_labels([path], articles=tmp_path / "cnndm")
    assert only(found).article == "The mayor of Anport opened a bridge."
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \.story file"):
        read_labels([path], articles=tmp_path / "empty")


def test_realsumm_has_shares_of_key_facts_and_takes_articles_by_line(tmp_path: Path) -> None:
    source = tmp_path / "src.txt"
    source.write_text(f"<t> The first. </t>\n<t> {ARTICLE} </t>\n")
    paths = [pickled(tmp_path / name, realsumm()) for name in ("abs.pkl", "ext.pkl")]
    found = read_labels(paths, articles=source)
    rows = found.rows["realsumm"]
    assert [row.article for row in rows] == ["The first."] * 2 + [ARTICLE] * 2
    assert (rows[0].system, rows[0].score, rows[0].label) == ("bart_out", 0.3, None)
    assert rows[0].dimensions == {"litepyramid_recall": 0.3}
    assert rows[0].references == (REFERENCE,)
    assert rows[0].published == {"rouge_1_recall": 0.5}
    assert rows[0].summary == SUMMARY


def test_rose_has_units_and_grades_of_each_system(tmp_path: Path) -> None:
    rows = [rose_row(), rose_row(system_outputs={"bart": SUMMARY, "gold": None})]
    for path in (lines(tmp_path / "xsum.jsonl", rows), parquet(tmp_path / "xsum.parquet", rows)):
        bart, brio, alone = read_labels([path]).rows["rose-xsum"]
        assert (bart.system, bart.score, bart.label) == ("bart", 0.5, None)
        assert brio.dimensions == {"acu": 1.0, "normalized_acu": 0.4, "prior": 4.0, "ref_free": 2.5}
        assert (alone.system, alone.article_id, alone.references) == ("bart", "0a", (REFERENCE,))


def test_seahorse_has_six_answers_and_a_source_a_language(tmp_path: Path, articles: Path) -> None:
    rows = [seahorse_row(a) for a in (YES, NO, UNRATED)] + [seahorse_row(YES, worker_lang="tr")]
    path = table(tmp_path / "validation.tsv", rows)
    with pytest.raises(DataError, match=f"no article; name a file that has '{GEM}'"):
        read_labels([path])
    found = read_labels([path], articles=articles)
    assert {source: len(rows) for source, rows in found.rows.items()} == {
        "seahorse-en-US": 3,
        "seahorse-tr": 1,
    }
    first, second, unrated = found.rows["seahorse-en-US"]
    assert (first.label, second.label, unrated.label) == (True, False, None)
    assert second.dimensions == {"comprehensibility": 1, "repetition": 1, "grammar": 0,
                                 "attribution": 0, "main_ideas": 1}  # fmt: skip
    assert unrated.dimensions == {"comprehensibility": 0}
    assert first.system == "t5_base"
    other = read_labels([path], ["main_ideas"], articles=articles).rows["seahorse-en-US"]
    assert [row.label for row in other] == [True, True, None]


def test_a_table_of_tabs_may_have_quotes_or_none(tmp_path: Path, articles: Path) -> None:
    header = "gem_id\tworker_lang\tsummary\tmodel\tquestion1"
    texts = ['"It rained', 'It "rained" all day', '"It ""rained"" all day"', 'All "day', '""']
    text = "\n".join([header, *(f"{GEM}\ten\t{text}\tm\tYes" for text in texts)]) + "\n"
    (tmp_path / "plain.tsv").write_text(text)
    found = read_labels([tmp_path / "plain.tsv"], articles=articles)
    assert [row.summary for row in found.rows["seahorse-en"]] == [
        '"It rained', 'It "rained" all day', 'It "rained" all day', 'All "day',
    ]  # fmt: skip
    assert [bad.where for bad in found.rejected] == [f"{tmp_path / 'plain.tsv'}:6"]
    (tmp_path / "bad.tsv").write_bytes(text.encode() + b"xl-1\ten\tRain \xff\tm\tYes\n")
    found = read_labels([tmp_path / "bad.tsv"], articles=articles)
    assert [bad.where for bad in found.rejected] == [f"{tmp_path / 'bad.tsv'}:{n}" for n in (7, 6)]
    assert len(found.rows["seahorse-en"]) == 4
    (tmp_path / "twice.tsv").write_text(text.replace("model", "summary"))
    with pytest.raises(DataError, match="names the column 'summary' twice"):
        read_labels([tmp_path / "twice.tsv"], articles=articles)
    rows = [seahorse_row(YES, summary="It rained.\n\tAll day."), seahorse_row(YES)]
    found = read_labels([table(tmp_path / "quoted.tsv", rows)], articles=articles)
    assert [row.summary for row in found.rows["seahorse-en-US"]] == [rows[0]["summary"], SUMMARY]


def test_llm_aggrefact_has_a_source_a_data_set(tmp_path: Path) -> None:
    rows = [aggrefact_row(), aggrefact_row(dataset="Reveal", label=1)]
    for path in (parquet(tmp_path / "x.parquet", rows), table(tmp_path / "x.csv", rows)):
        found = read_labels([path])
        assert [(source, only(LabelSet({source: rows}, (), {}, {})).label)
                for source, rows in found.rows.items()] == [
                    ("AggreFact-XSum", False), ("Reveal", True)]  # fmt: skip


def test_frank_joins_texts_errors_and_metrics_of_a_summary(tmp_path: Path) -> None:
    metrics = {**FRANK, "dataset": "cnndm", "FactCC": 1.0, "Rouge 1": 0.4}
    files = [
        document(tmp_path / "benchmark_data.json", [frank_texts()]),
        document(tmp_path / "human_annotations.json", [frank_errors()]),
        document(tmp_path / "baselines.json", [metrics]),
    ]
    for paths in (files, files[::-1], [tmp_path]):
        row = only(read_labels(paths))
        assert (row.source, row.system, row.label, row.score) == ("frank_cnndm", "bart", False, 0.5)
        assert row.dimensions == {"Factuality": 0.5, "EntE": 0.5, "CircE": 1.0}
        assert row.published == {"FactCC": 1.0, "Rouge 1": 0.4}
        assert row.references == (REFERENCE,)


def test_frank_has_labels_of_sentences_by_the_majority(tmp_path: Path) -> None:
    path = document(tmp_path / "human_annotations_sentence.json", [frank_sentences(hash="12345")])
    row = only(read_labels([path]))
    assert (row.source, row.label) == ("frank_xsum", False)
    assert row.sentences == ("A bridge.", "3 million.")
    assert row.sentence_labels == (True, False)
    both = [
        path,
        document(tmp_path / "annotations.json", [frank_errors(hash="12345", Factuality=1)]),
    ]
    assert only(read_labels(both)).label is True  # what FRANK itself counts goes first


def test_frank_of_files_that_do_not_agree_is_listed(tmp_path: Path) -> None:
    first = document(tmp_path / "a.json", [frank_texts(), frank_texts()])
    second = document(tmp_path / "b.json", [{**frank_errors(), "summary": "Another."}])
    found = read_labels([first, second])
    assert [(bad.where, bad.reason) for bad in found.rejected] == [
        (f"{first} row 2", f"the same summary came before, at {first} row 1"),
        (f"{second} row 1", f"'summary' is not that of {first} row 1"),
    ]
    assert only(found).label is None


def test_summedits_has_a_source_a_domain_and_tells_seeds_from_edits(tmp_path: Path) -> None:
    seed = summedits_row(label=1, summary="The mayor opened a bridge.")
    path = document(tmp_path / "summedits_news.json", [summedits_row(), seed])
    edit, first = read_labels([path]).rows["summedits-news"]
    assert (edit.system, edit.label, first.system, first.label) == ("edit", False, "seed", True)
    hub = summedits_row(domain="samsum", seed_summary=SUMMARY)
    del hub["original_summary"]
    assert only(read_labels([document(tmp_path / "summedits.json", [hub])])).system == "seed"


@pytest.mark.parametrize(
    ("spans", "label", "best", "types"),
    [
        ([], True, True, []),
        ([faithbench_span("Benign")], True, True, ["Benign"]),
        ([faithbench_span("Benign"), faithbench_span("Questionable")], False, True,
         ["Benign", "Questionable"]),
        ([faithbench_span("Unwanted", "Unwanted.Extrinsic")], False, False, ["Unwanted.Extrinsic"]),
        ([faithbench_span()], True, True, [""]),
    ],
)  # fmt: skip
def test_faithbench_has_spans_and_the_worst_label_of_them(
    spans: list[Any], label: bool, best: bool, types: list[str], tmp_path: Path
) -> None:
    path = document(tmp_path / "batch_3.json", {"samples": [faithbench_row(*spans)]})
    row = only(read_labels([path]))
    assert row.label is label
    assert only(read_labels([path], ["label_best"])).label is best
    assert row.spans is not None
    assert [span.type for span in row.spans] == types
    assert all(span.span == Span(30, 31) for span in row.spans)
    assert (row.system, row.published) == ("some/model", {"hhemv1": 0.9})


def test_faithbench_is_read_as_a_table_and_in_one_line_too(tmp_path: Path) -> None:
    row = {"source": ARTICLE, "summary": SUMMARY, "LLM": "some/model"}
    labels = [("Consistent", "Consistent"), ("Benign", "Consistent"), ("Unwanted", "Benign")]
    rows = [row | {"worst-label": worst, "best-label": best} for worst, best in labels]
    found = read_labels([table(tmp_path / "FaithBench.csv", rows)]).rows["faithbench"]
    assert [each.label for each in found] == [True, True, False]
    samples = {"samples": [faithbench_row(), faithbench_row(faithbench_span("Unwanted"))]}
    path = tmp_path / "batch_9.json"
    path.write_text(json.dumps(samples) + "\n")
    assert [each.label for each in read_labels([path]).rows["faithbench"]] == [True, False]


def test_unisumeval_joins_faithfulness_and_key_facts(tmp_path: Path) -> None:
    paths = [
        lines(tmp_path / "unisumeval_keyfact.jsonl", [unisumeval_key_facts()]),
        lines(tmp_path / "unisumeval_faithfulness.jsonl", [unisumeval_facts()]),
    ]
    row = only(read_labels(paths))
    assert row.dimensions == {"faithfulness": 0.5, "completeness": 0.8, "conciseness": 1.0}
    assert (row.label, row.score, row.system) == (False, 0.5, "some-llm")
    assert (row.sentences, row.sentence_labels) == (("One.", "Two."), (True, False))
    assert (row.article_id, row.references) == ("news_7", (REFERENCE,))
    alone = lines(tmp_path / "x.jsonl", [unisumeval_facts(input_context=None)])
    elsewhere = lines(tmp_path / "a.jsonl", [{"uid": "DISL_001", "text": ARTICLE}])
    assert only(read_labels([alone], articles=elsewhere)).article == ARTICLE


# --- Which format


def test_own_rows_are_told_from_those_of_others(tmp_path: Path) -> None:
    own = {"article": ARTICLE, "summary": SUMMARY, "label": 1, "source": "news"}
    assert list(read_labels([lines(tmp_path / "x.jsonl", [own])]).rows) == ["news"]
    assert only(read_labels([table(tmp_path / "x.csv", [own])])).label is True


def test_rows_that_fit_two_formats_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    both = frank_texts(label=1)
    path = lines(tmp_path / "x.jsonl", [both])
    with pytest.raises(DataError, match="say --format frank or --format labels"):
        read_labels([path])
    assert only(read_labels([path], format="labels")).label is True
    assert only(read_labels([path], format="frank")).label is None


def test_rows_before_the_first_that_fits_do_not_hide_it(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", ["{", {}, {"note": "a header"}, summedits_row()])
    found = read_labels([path])
    assert [bad.where for bad in found.rejected] == [f"{path}:{n}" for n in (1, 2, 3)]
    assert only(found).summary == SUMMARY


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", [summedits_row()])
    with pytest.raises(
        DataError, match="--format sumedits: no such format; did you mean summedits"
    ):
        read_labels([path], format="sumedits")
    with pytest.raises(DataError, match="no field 'decoded', 'expert_annotations'"):
        read_labels([path], format="summeval")


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    for n in (1, 2):
        document(tmp_path / f"batch_{n}.json", {"samples": [faithbench_row()]})
    (tmp_path / "notes.md").write_text("no labels")
    assert len(read_labels([tmp_path]).rows["faithbench"]) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \.jsonl, \.json"):
        read_labels([tmp_path / "empty"])


def test_a_data_set_of_the_hub_is_read_from_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "LLM-AggreFact").mkdir()
    parquet(tmp_path / "LLM-AggreFact" / "dev-00000-of-00001.parquet", [aggrefact_row()])
    found = read_labels([f"hub:{tmp_path}/LLM-AggreFact::validation"])
    assert only(found).summary == SUMMARY


def test_articles_without_ids_or_of_others_are_told(tmp_path: Path) -> None:
    path = table(tmp_path / "x.tsv", [seahorse_row(YES)])
    with pytest.raises(DataError, match="a row of articles needs an id"):
        read_labels([path], articles=lines(tmp_path / "a.jsonl", [{"text": "It rained."}]))
    other = lines(tmp_path / "b.jsonl", [{"gem_id": "x", "text": "It rained."}])
    with pytest.raises(DataError, match=f"no article '{GEM}' in"):
        read_labels([path], articles=other)
    with pytest.raises(DataError, match="no such file"):
        read_labels([path], articles=tmp_path / "none.jsonl")


def test_other_scripts_are_read(tmp_path: Path) -> None:
    row = aggrefact_row(doc="市长周一开通了一座桥。", claim="افتتح العمدة الجسر 🌉")
    found = only(read_labels([table(tmp_path / "x.csv", [row])]))
    assert (found.article, found.summary) == (row["doc"], row["claim"])


# --- Pickles


EXPLODED: list[str] = []


def explode() -> None:
    EXPLODED.append("it ran")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return explode, ()


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    content = realsumm()
    content[0]["system_summaries"]["bart_out.txt"]["scores"]["x"] = Bomb()
    path = pickled(tmp_path / "abs.pkl", content)
    pickle.loads(path.read_bytes())
    assert EXPLODED.pop()  # so it would
    source = tmp_path / "src.txt"
    source.write_text("One.\nTwo.\n")
    assert len(read_labels([path], articles=source).rows["realsumm"]) == 4
    assert EXPLODED == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(realsumm())[:-40], "no pickle of plain data"),
        (b"no pickle at all", "no pickle of plain data"),
        (b"\x80\x04r\xff\xff\xff\xff.", "no pickle of plain data"),
        (pickle.dumps([1, 2]), "the pickle holds list, not a dictionary"),
        (pickle.dumps({1: 2}), "the row is not an object"),
        (pickle.dumps({}), "there are no rows"),
        (b"", "the file is empty"),
    ],
)
def test_a_damaged_pickle_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "abs.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_labels([path])


# --- The command


def test_command_reads_a_data_set_as_it_is_distributed(
    tmp_path: Path, command: Callable[..., Any], articles: Path
) -> None:
    rows = [seahorse_row(a, summary=f"{SUMMARY} {n}.") for n, a in enumerate((YES, NO) * 3)]
    path = table(tmp_path / "train.tsv", rows)
    done = command("meta", path, "--checks", "numbers", "--articles", articles, "--resamples", 10)
    assert done.returncode == 0, done.stderr
    assert "seahorse-en-US" in done.stdout
    done = command("meta", path, "--metrics", "coverage", "--articles", articles, "--json",
                   "--human", "main_ideas", "--format", "seahorse", "--resamples", 10)  # fmt: skip
    assert json.loads(done.stdout)["sources"]["seahorse-en-US"]["main_ideas"]["n"] == 6
    done = command("meta", path, "--checks", "numbers")
    assert done.returncode == 2
    assert "--articles FILE" in done.stderr
    done = command("calibrate", path, "--check", "numbers", "--articles", articles,
                   "--output", tmp_path / "c.json", "--resamples", 10)  # fmt: skip
    assert done.returncode == 0, done.stderr
