"""`score` of what is in memory: any column goes in, and the command line's numbers come out."""

import gc
import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalharness as eh
from evalharness.errors import ConfigError, DataError, MissingExtra

ARTICLES = [
    "Two people died in Rome in 2018. It rained.",
    "The mayor opened the bridge on Monday.",
    "Snow fell on the hills. Nobody was hurt.",
]
SUMMARIES = ["Three people died in Rome in 2018.", "The mayor opened a bridge.", "Snow fell."]
OTHER = ["It rained.", "On Monday the bridge was opened.", "Nobody was hurt."]
REFERENCES = ["Two people died in Rome.", "A bridge was opened.", "It snowed on the hills."]


def columns_of(name: str) -> Any:
    """Return summaries and references as columns of a kind."""
    rows = {"summary": SUMMARIES, "reference": REFERENCES}
    if name == "datasets":
        from datasets import Dataset

        return Dataset.from_dict(rows)
    if name == "pandas":
        return pytest.importorskip("pandas").DataFrame(rows)
    if name == "polars":
        return pytest.importorskip("polars").DataFrame(rows)
    if name == "pyarrow":
        return {key: np.array(values) for key, values in rows.items()}
    return {key: (text for text in values) for key, values in rows.items()}


def test_the_block_of_the_documentation_runs() -> None:
    summaries, refs, texts, a, b = SUMMARIES, REFERENCES, ARTICLES, SUMMARIES, OTHER
    scores = eh.score(
        summaries, references=refs, articles=texts, metrics=["rouge"], checks=["lexical"]
    )
    assert scores["rouge1"].shape == (3,)
    assert scores.mean()["rouge1"] == pytest.approx(float(scores["rouge1"].mean()))
    low, high = scores.interval("rouge1") or (math.nan, math.nan)
    assert low <= float(scores["rouge1"].mean()) <= high
    assert list(scores.to_pandas().columns[:5]) == [
        *("id", "source", "article", "references", "summary"),
    ]
    assert [(flag.id, flag.text, flag.kind) for flag in scores.flags()] == [
        ("0", "Three", "number"),
    ]
    assert scores.signature["rouge"].startswith("rouge|types:rouge1,")
    comparison = eh.score({"bart": a, "pegasus": b}, references=refs).compare()
    assert comparison.systems == ("bart", "pegasus")
    assert comparison.articles == 3


def test_numbers_are_those_of_the_same_texts_in_a_file(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "article": article, "summary": summary, "reference": reference}
        for n, (article, summary, reference) in enumerate(
            zip(ARTICLES, SUMMARIES, REFERENCES, strict=True)
        )
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    named: dict[str, Any] = {"metrics": ["rouge", "chrf", "bleu"], "checks": ["lexical", "numbers"]}
    (in_file,) = eh.score_files([str(path)], **named, results=tmp_path / "results")
    in_memory = eh.score(SUMMARIES, REFERENCES, ARTICLES, **named).run

    assert in_memory.metrics == in_file.metrics
    assert in_memory.fingerprint == in_file.fingerprint
    assert in_memory.signatures.metrics == in_file.signatures.metrics


@pytest.mark.parametrize("kind", ["datasets", "pandas", "polars", "pyarrow", "generators"])
def test_columns_of_every_kind_score_as_lists(kind: str) -> None:
    columns = columns_of(kind)
    scores = eh.score(columns["summary"], references=columns["reference"])

    assert scores.mean() == eh.score(SUMMARIES, references=REFERENCES).mean()


def test_generators_serve_every_system() -> None:
    systems = eh.score(
        {"one": iter(SUMMARIES), "two": iter(OTHER)},
        references=iter(REFERENCES),
        articles=iter(ARTICLES),
    )
    assert systems.mean() == eh.score(
        {"one": SUMMARIES, "two": OTHER}, references=REFERENCES, articles=ARTICLES
    ).mean()  # fmt: skip


@pytest.mark.parametrize("missing", [None, math.nan])
def test_missing_texts_have_no_score_and_are_counted(missing: Any) -> None:
    scores = eh.score([*SUMMARIES, missing, "Snow."], references=[*REFERENCES, "Snow.", missing])

    assert np.isnan(scores["rouge1"]).tolist() == [False, False, False, True, True]
    assert scores.run.figures["rouge"].notes == {
        "no summary: the row has no summary": 1,
        "the article has no reference": 1,
    }


def test_several_references_may_be_lists_and_arrays() -> None:
    both: list[Any] = [["It rained.", "Rain."], np.array(["A bridge.", "The bridge."]), ("Snow.",)]
    scores = eh.score(SUMMARIES, references=both)

    assert [len(row["references"]) for row in scores.run.rows()] == [2, 2, 1]


def test_a_text_that_looks_like_a_list_is_one_text() -> None:
    scores = eh.score(["a"], references=["['a', 'b']"])

    assert [row["references"] for row in scores.run.rows()] == [["['a', 'b']"]]


def refused(*given: Any, **named: Any) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        eh.score(*given, **named)
    return str(caught.value)


def test_names_of_files_are_refused_with_the_function_that_scores_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", "b.jsonl"):
        Path(name).write_text("{}")

    hint = "evalharness.score_files(['a.jsonl', 'b.jsonl'])"
    assert hint in refused(["a.jsonl", "b.jsonl"])
    assert hint in refused([Path("a.jsonl"), Path("b.jsonl")])
    assert "evalharness.score_files(['a.jsonl'])" in refused("a.jsonl")
    assert "evalharness.score_files(['a.jsonl'])" in refused({"bart": "a.jsonl"})
    assert eh.score(["a.jsonl", "no such file"], references=["a", "b"]).run.n == 2


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        (
            ("The cat.",),
            {},
            "one text, not a list of them; one pair is scored by evalharness.rouge",
        ),
        (([],), {}, "there are none to score"),
        ((["a", "b"],), {"references": ["a"]}, "references: 1 of them, and 2 summaries"),
        ((["a", 3],), {"references": ["a", "b"]}, r"summaries\[1\]: int, not a text"),
        ((["a"],), {"references": [["a", 3.5]]}, r"references\[0\]: float, not a text"),
        ((["a"],), {"references": [b"a"]}, r"references\[0\]: bytes, not a text"),
        ((5,), {}, "a int, not a list"),
        (({},), {}, "a mapping without a system"),
        ((["a"],), {}, "give references=, articles=, or both"),
        ((["a"],), {"references": ["a"], "checks": ["lexical"]}, "lexical: needs articles="),
        ((["a"],), {"articles": ["a"], "metrics": ["rouge"]}, "rouge: needs references="),
        ((["a"],), {"references": ["a"], "metrics": ["ruge"]}, "rouge"),
        ((["a"],), {"references": ["a"], "metrics": [len]}, "metrics: len is code, and no name"),
        ((["a"],), {"articles": ["a"], "checks": Path}, "checks: Path is code.*init metric"),
        ((["a", "b"],), {"references": ["a", "b"], "ids": [1, 1]}, "ids must be different"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(
    given: Sequence[Any], named: dict[str, Any], message: str
) -> None:
    said = refused(*given, **named)
    assert "\n" not in said
    assert re.search(message, said), said


def test_whole_tables_beside_columns_are_refused_with_their_columns() -> None:
    frame = pytest.importorskip("pandas").DataFrame({"bart": SUMMARIES, "reference": REFERENCES})

    said = refused(frame, references=REFERENCES)
    assert said.endswith("table['summaries']: 'bart', 'reference'")


def table_of(kind: str, columns: dict[str, Any]) -> Any:
    if kind == "datasets":
        from datasets import Dataset

        return Dataset.from_dict(columns)
    if kind == "pyarrow":
        import pyarrow as pa

        return pa.table(columns)
    return pytest.importorskip(kind).DataFrame(columns)


@pytest.mark.parametrize("kind", ["datasets", "pandas", "polars", "pyarrow"])
def test_whole_tables_go_by_the_names_of_their_columns(kind: str) -> None:
    one = {"id": ["x", "y", "z"], "document": ARTICLES, "prediction": SUMMARIES,
           "highlights": REFERENCES}  # fmt: skip
    scores = eh.score(table_of(kind, one))
    assert scores.mean() == eh.score(SUMMARIES, REFERENCES, ARTICLES).mean()
    assert [row["id"] for row in scores.run.rows()] == ["x", "y", "z"]

    articles = [f"{article} More was said of it in town on the next day." for article in ARTICLES]
    systems = {
        name: [f"{summary} So it was said." for summary in summaries]
        for name, summaries in (("bart", SUMMARIES), ("pegasus", OTHER))
    }
    two = {"article": articles, "reference": REFERENCES, **systems}
    assert eh.score(table_of(kind, two)).mean() == eh.score(systems, REFERENCES, articles).mean()


def test_table_in_long_form_or_without_summaries_is_refused() -> None:
    rows = {"article": ARTICLES, "summary": SUMMARIES, "system": ["a", "a", "b"]}
    assert "several systems in its column 'system'" in refused(table_of("pandas", rows))
    two = {"article": ARTICLES, "reference": REFERENCES, "bart": SUMMARIES, "pegasus": OTHER}
    assert "columns that are read as nothing (pegasus)" in refused(table_of("pandas", two))
    assert "no summaries; give columns" in refused(table_of("pandas", {"article": ARTICLES}))


def test_parts_name_their_metric() -> None:
    assert eh.score(SUMMARIES, REFERENCES, metrics=["rouge1", "rouge2"]).names[:2] == [
        *("rouge1", "rouge2"),
    ]  # fmt: skip


def test_names_of_scores_may_be_short_or_whole() -> None:
    scores = eh.score(SUMMARIES, REFERENCES, metrics=["rouge", "chrf"])

    assert scores.names == ["rouge1", "rouge2", "rougeL", "rougeLsum", "chrf"]
    for name in ("rouge1", "rouge.rouge1"):
        assert scores[name].tolist() == scores["rouge1"].tolist()
    assert scores["rouge1.recall"].tolist() == scores["rouge.rouge1.recall"].tolist()
    assert scores["rouge"].tolist() == scores["rouge1"].tolist()
    with pytest.raises(DataError, match="no score 'rouge3'; did you mean rouge"):
        scores["rouge3"]


def test_two_rouges_go_by_their_labels() -> None:
    unicode = {"name": "rouge", "label": "unicode", "tokenizer": "unicode"}
    scores = eh.score(SUMMARIES, REFERENCES, metrics=["rouge", unicode])

    assert "unicode.rouge1" in scores.names
    with pytest.raises(DataError, match="no score 'rouge1'"):
        scores["rouge1"]


def test_frame_has_texts_and_scores_side_by_side() -> None:
    pytest.importorskip("pandas")
    frame = eh.score({"one": SUMMARIES, "two": OTHER}, REFERENCES, ARTICLES).to_pandas()

    assert frame["system"].tolist() == ["one"] * 3 + ["two"] * 3
    assert frame["article"].tolist() == ARTICLES * 2
    assert frame["summary"].tolist() == SUMMARIES + OTHER
    assert frame["references"].tolist() == [[text] for text in REFERENCES] * 2
    assert frame["rouge1"].notna().all()
    assert "Two" in frame["flags"][0][0]


def test_frame_without_pandas_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"^to_pandas\(\) needs: pip install .*pandas"):
        eh.score(SUMMARIES, REFERENCES).to_pandas()


def test_folder_goes_with_the_scores() -> None:
    scores = eh.score(SUMMARIES, REFERENCES)
    folder = scores.run.folder
    assert folder.is_dir()
    del scores
    gc.collect()

    assert not folder.exists()
    assert not folder.parent.exists()


def test_samples_can_be_read_on_when_nobody_else_has_the_run() -> None:
    samples = eh.score(SUMMARIES, REFERENCES).run.samples()
    gc.collect()

    assert len(list(samples)) == 3


def test_rouge_of_one_pair_is_that_of_the_metric() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    origin = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    theirs = origin.score(REFERENCES[0], SUMMARIES[0])
    ours = eh.rouge(SUMMARIES[0], REFERENCES[0])

    for name, figures in theirs.items():
        assert ours[name] == figures.fmeasure
        assert ours[f"{name}.recall"] == figures.recall
    with pytest.raises(DataError, match="rouge: the summary is empty"):
        eh.rouge("", "A text.")


def test_one_scorer_needs_no_list() -> None:
    plain = eh.score(SUMMARIES, REFERENCES, metrics="rouge", checks=())
    options = eh.score(SUMMARIES, REFERENCES, metrics={"name": "rouge", "types": ["rouge1"]})

    assert plain.names == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    assert options.names == ["rouge1"]


def test_texts_that_files_cannot_hold_are_scored() -> None:
    odd = ["It rained.\x00", "half \ud800 of a pair", "fine"]
    scores = eh.score(odd, references=odd, articles=odd)

    assert scores["rouge1"].tolist() == [1.0, 1.0, 1.0]
    assert [row["summary"] for row in scores.run.rows()] == odd


def test_config_of_a_run_in_memory_has_the_scorers_and_no_texts() -> None:
    scores = eh.score(SUMMARIES * 1000, REFERENCES * 1000)
    config = (scores.run.folder / "config.yaml").read_text()

    assert "name: rouge" in config
    assert len(config) < 1000


def test_report_can_be_written_of_scores(tmp_path: Path) -> None:
    systems = eh.score({"one": SUMMARIES, "two": OTHER}, REFERENCES, ARTICLES)
    runs = [each.run for each in systems.values()]
    path = eh.write_report(*runs, to=tmp_path / "page.html")

    assert "systems" in path.read_text()
    every: list[Any] = [runs, systems, list(systems.values())]
    for given in every:
        assert eh.write_report(given, to=tmp_path / "same.html").read_bytes() == path.read_bytes()
    with pytest.raises(DataError, match=r"page\.html: no run; the page is written"):
        eh.write_report(systems, "page.html")
