"""Checks against human labels: reading them, figures, spans, trust cards, the commands."""

import gzip
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from evalharness import meta
from evalharness.errors import DataError, UnknownComponent
from evalharness.meta.figures import Resampling, aligned_sentences, folds
from evalharness.meta.labels import Labelled, read_labels
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "consistency"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared labels are not here")


@dataclass(frozen=True)
class Stated:
    """The number that a summary begins with, as its score; none where it begins with `?`."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [_stated(summary.text) for _, summary in pairs]


def _stated(summary: str) -> Score:
    first = summary.split()[0]
    if first == "?":
        return Score(None, note="nothing to check")
    wrong = [n for n, word in enumerate(summary) if word == "!"]
    flags = tuple(Flag(Span(n, n + 1), "mark", "wrong") for n in wrong)
    return Score(float(first), {"half": float(first) / 2}, flags=flags)


CHECKS = {"stated": Stated()}


def row(stated: float | str, label: int | None, n: int, **more: Any) -> dict[str, Any]:
    article = f"Article {n // 2}."
    return {
        "article": article,
        "summary": f"{stated} says the summary.",
        "label": label,
        "source": "news",
        "article_id": str(n // 2),
        **more,
    }


def write(path: Path, rows: Sequence[Any]) -> Path:
    lines = [each if isinstance(each, str) else json.dumps(each) for each in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """60 rows, two an article; 10 without a score."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(60):
        label = int(rng.random() < 0.5)
        score: float | str = round(float(0.3 * label + 0.6 * rng.random()), 2)
        rows.append(row("?" if n % 6 == 5 else score, label, n, score=float(rng.random())))
    return write(tmp_path / "news.jsonl", rows), rows


def news(found: meta.Agreement, check: str = "stated") -> dict[str, Any]:
    figures: dict[str, Any] = found.checks[check]["sources"]["news"]
    return figures


def test_a_source_has_the_figures_of_scikit_learn_and_scipy(drawn: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    stats = pytest.importorskip("scipy.stats")
    path, rows = drawn
    scored = [each for each in rows if not each["summary"].startswith("?")]
    values = [float(each["summary"].split()[0]) for each in scored]
    labels = np.array([each["label"] for each in scored])
    grades = [each["score"] for each in scored]

    found = news(meta.evaluate([path], CHECKS, resamples=50))

    expected = {
        "auc": metrics.roc_auc_score(labels, values),
        "ap_inconsistent": metrics.average_precision_score(1 - labels, [-v for v in values]),
        "pearson": stats.pearsonr(values, grades).statistic,
        "spearman": stats.spearmanr(values, grades).statistic,
        "kendall": stats.kendalltau(values, grades).statistic,
        "auc_all": metrics.roc_auc_score(
            [each["label"] for each in rows],
            [
                1.0 if each["summary"][0] == "?" else float(each["summary"].split()[0])
                for each in rows
            ],
        ),
    }
    for name, figure in expected.items():
        assert found[name] == pytest.approx(figure, abs=1e-9), name
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"], name


def test_rows_without_a_score_are_left_out_counted_and_their_notes_listed(drawn: Any) -> None:
    path, rows = drawn

    found = news(meta.evaluate([path], CHECKS, resamples=50))

    assert found["n"] == 50
    assert found["rows"] == found["labelled"] == 60
    assert found["null_rate"] == pytest.approx(1 / 6)
    assert found["notes"] == {"nothing to check": 10}
    scored = [each["label"] for each in rows if not each["summary"].startswith("?")]
    assert found["positive"] == sum(scored)
    assert found["ms_per_pair"] >= 0


def test_the_same_labels_give_the_same_bytes_but_for_the_time_and_in_any_order_the_same_figures(
    drawn: Any,
) -> None:
    path, rows = drawn
    backwards = write(path.with_name("backwards.jsonl"), rows[::-1])

    records = [
        meta.evaluate([each], CHECKS, resamples=50, seed=3).record()
        for each in (path, path, backwards)
    ]

    first, second, third = (each["checks"]["stated"]["sources"]["news"] for each in records)
    for figures in (first, second, third):
        figures.pop("ms_per_pair")
    assert json.dumps(records[0], allow_nan=False) == json.dumps(records[1], allow_nan=False)
    assert first.pop("notes") == third.pop("notes")
    assert third == pytest.approx(first, abs=1e-9)


def test_another_seed_moves_the_interval_and_not_the_figure(drawn: Any) -> None:
    path, _ = drawn

    one, other = (news(meta.evaluate([path], CHECKS, resamples=50, seed=n)) for n in (0, 1))

    assert one["auc"] == other["auc"]
    assert one["auc_low"] != other["auc_low"]


def test_balanced_accuracy_comes_from_articles_held_apart(tmp_path: Path) -> None:
    # Each article's two summaries have a score of their own, told apart by a label that no other
    # article can tell: a threshold that had seen the article would be right each time.
    rng = np.random.default_rng(1)
    rows = [row(round(float(rng.random()), 3), n % 2, n) for n in range(200)]

    found = news(meta.evaluate([write(tmp_path / "l.jsonl", rows)], CHECKS, resamples=20))

    assert found["balanced_accuracy"] < 0.6


def test_folds_keep_articles_whole_and_do_not_follow_the_order_of_rows() -> None:
    ids = [str(n // 3) for n in range(90)]

    dealt = folds(ids)

    assert len({(article, fold) for article, fold in zip(ids, dealt, strict=True)}) == 30
    assert np.bincount(dealt).tolist() == [18] * 5
    assert (folds(ids[::-1])[::-1] == dealt).all()


def test_articles_are_resampled_and_not_rows(tmp_path: Path) -> None:
    # Ten articles, each with twenty like summaries: as many rows tell no more than ten.
    rows = [row(0.9 if n % 2 else 0.4, n % 2, 2 * (n // 2)) for n in range(10)]
    rows += [row(0.4 if n % 2 else 0.9, n % 2, 2 * (n // 2) + 100) for n in range(4)]
    once = write(tmp_path / "once.jsonl", rows)
    often = write(tmp_path / "often.jsonl", [each for each in rows for _ in range(20)])

    one, many = (news(meta.evaluate([each], CHECKS, resamples=200)) for each in (once, often))

    assert many["n"] == 20 * one["n"]
    assert (many["auc_low"], many["auc_high"]) == pytest.approx((one["auc_low"], one["auc_high"]))


def test_a_source_with_one_class_is_listed_with_the_reason_and_not_averaged(drawn: Any) -> None:
    path, rows = drawn
    one_class = [each | {"source": "alike", "label": 0} for each in rows]
    both = write(path.with_name("both.jsonl"), [*rows, *one_class])

    check = meta.evaluate([both], CHECKS, resamples=50).checks["stated"]

    assert check["sources"]["alike"]["auc"] is None
    assert (
        "all 50 labelled rows with a value have the label 0" in check["sources"]["alike"]["reason"]
    )
    assert check["macro_sources"] == ["news"]
    assert check["macro_auc"] == pytest.approx(check["sources"]["news"]["auc"])


def test_the_macro_average_counts_each_source_once_whatever_its_size(drawn: Any) -> None:
    path, rows = drawn
    small = [each | {"source": "small", "label": 1 - each["label"]} for each in rows[:20]]
    both = write(path.with_name("both.jsonl"), [*rows, *small])

    check = meta.evaluate([both], CHECKS, resamples=50, without=["small"]).checks["stated"]

    aucs = [check["sources"][name]["auc"] for name in ("news", "small")]
    assert check["macro_auc"] == pytest.approx(sum(aucs) / 2)
    assert check["macro_auc_low"] < check["macro_auc"] < check["macro_auc_high"]
    assert check["without"]["macro_auc"] == pytest.approx(aucs[0])


def test_checks_are_compared_on_the_rows_that_both_score(drawn: Any) -> None:
    path, rows = drawn
    with_values = [each | {"published": {"P": n % 7}} for n, each in enumerate(rows)]
    write(path, [*with_values[:40], *rows[40:]])

    found = meta.evaluate([path], CHECKS, published=["P"], resamples=50)

    (difference,) = found.differences
    both = [each for each in with_values[:40] if not each["summary"].startswith("?")]
    assert (difference["first"], difference["second"]) == ("stated", "P")
    assert difference["sources"]["news"]["n"] == len(both)
    same = write(path.with_name("same.jsonl"), both)
    alone = meta.evaluate([same], CHECKS, published=["P"], resamples=50)
    expected = news(alone)["auc"] - news(alone, "P")["auc"]
    assert difference["sources"]["news"]["auc_difference"] == pytest.approx(expected)
    assert difference["macro_auc_difference"] == pytest.approx(expected)


def test_a_check_less_itself_is_nothing(drawn: Any) -> None:
    path, _ = drawn

    found = meta.evaluate([path], {"a": Stated(), "b": Stated()}, resamples=50)

    figures = found.differences[0]["sources"]["news"]
    names = [
        f"{name}_difference{end}" for name in ("auc", "auc_all") for end in ("", "_low", "_high")
    ]
    assert [figures[name] for name in names] == [0.0] * 6


def test_a_part_of_a_check_is_measured_by_its_name(drawn: Any) -> None:
    path, _ = drawn

    found = meta.evaluate([path], ["extractiveness.density", "extractiveness"], resamples=20)

    assert list(found.checks) == ["extractiveness.density", "extractiveness"]
    assert found.checks["extractiveness.density"]["signature"].endswith("|part:density")
    with pytest.raises(UnknownComponent, match=r"extractiveness\.densty: .* did you mean density"):
        meta.evaluate([path], ["extractiveness.densty"], resamples=20)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nubmers", "did you mean numbers"), ("rouge", "needs references")],
)
def test_a_check_that_there_is_none_of_is_refused(drawn: Any, name: str, message: str) -> None:
    with pytest.raises(UnknownComponent, match=message):
        meta.evaluate([drawn[0]], [name])


def test_pairs_count_which_summary_scores_higher(tmp_path: Path) -> None:
    scores: list[tuple[float | str, float]] = [(0.9, 0.1), (0.2, 0.8), (0.5, 0.5), ("?", 0.3)]
    rows = [
        row(score, label, 2 * n, pair_id=n)
        for n, pair in enumerate(scores)
        for score, label in zip(pair, (1, 0), strict=True)
    ]

    found = news(meta.evaluate([write(tmp_path / "pairs.jsonl", rows)], CHECKS, resamples=20))

    assert found["pairs"] == 3
    assert found["pairwise_accuracy"] == 0.5


def test_partial_correlation_takes_out_the_systems(tmp_path: Path) -> None:
    # Within each system the grades fall as the scores rise; only the systems' means rise together.
    rows = [
        row(0.1 * n + 0.5 * s, n % 2, n, score=s * 10.0 - n, system=f"system {s}")
        for s in (0, 1)
        for n in range(4)
    ]

    found = news(meta.evaluate([write(tmp_path / "l.jsonl", rows)], CHECKS, resamples=20))

    assert found["pearson"] > 0.8
    assert found["partial_pearson"] == pytest.approx(-1)
    assert found["partial_spearman"] == pytest.approx(-1)


def test_sentences_are_aligned_by_the_characters_they_share() -> None:
    summary = "One is so. Two is not, and three. Four."
    labelled = Labelled(
        "…", summary, "news", "1",
        sentences=("One is so.", "Two is not, and three.", "Not there.", "Four."),
        sentence_labels=(True, False, True, True),
    )  # fmt: skip
    scores = (
        SentenceScore(Span(0, 10), 1.0),
        SentenceScore(Span(11, 22), 0.0),  # the second sentence in two halves
        SentenceScore(Span(22, 33), 1.0),
    )

    found = list(aligned_sentences(labelled, Score(0.5, sentences=scores)))

    assert found == [(1.0, True), (0.5, False), (None, True), (None, True)]


def test_flags_are_measured_in_characters_beside_three_baselines(tmp_path: Path) -> None:
    # The article has `says the summary`; the flag points at `!`, people marked `! no`.
    rows = [
        row(0.1, 0, 0, summary="0.1 says ! no", spans=[{"start": 9, "end": 13, "type": "bad"}]),
        row(0.9, 1, 2, summary="0.9 says ! the"),
        row(0.5, 0, 4, summary="0.5 is wrong, nobody marked where !"),
    ]
    rows = [each | {"article": "0.1 0.9 says the summary."} for each in rows]

    found = meta.evaluate([write(tmp_path / "l.jsonl", rows)], CHECKS, resamples=20)

    spans = news(found)["spans"]
    assert spans["n"] == 2  # the third is wrong somewhere, nobody said where
    assert (spans["precision"], spans["recall"]) == (1 / 2, 1 / 4)
    assert spans["f1"] == pytest.approx(1 / 3)
    assert spans["by_kind"]["mark"]["f1"] == pytest.approx(1 / 3)
    counted = {"consistent": 1, "flags": 1, "inconsistent": 2, "touching": 1}
    assert news(found)["kinds"] == {"likely error": counted, "mark": counted}
    meta.write_cards(found, tmp_path / "card.json")
    [card] = json.loads((tmp_path / "card.json").read_text())["cards"].values()
    assert card["kinds"]["mark"] == {
        "hard": True, "consistent": 1.0, "inconsistent": 1.0, "flags": 1, "touching": 1.0,
    }  # fmt: skip
    meta.write_cards(found, tmp_path / "card.md")
    assert "| mark | yes | 100% | 100% | 100% of 1 |" in (tmp_path / "card.md").read_text()
    baselines = found.span_baselines["news"]
    assert baselines["everything"]["precision"] == pytest.approx(4 / 27)
    assert baselines["everything"]["recall"] == 1
    assert (baselines["novel_words"]["precision"], baselines["novel_words"]["recall"]) == (1, 1 / 2)
    # Novel are `0.1 says` and `says ! no`; `0.9 says` and `says the` are the article's.
    assert baselines["novel_bigrams"]["precision"] == pytest.approx(4 / 13)


def test_spans_of_a_type_can_be_taken_for_nothing_wrong(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 3, "type": "Benign"}, {"start": 9, "end": 10, "type": "bad"}]
    rows = [row(0.1, 0, 0, summary="0.1 says ! no", spans=spans), row(0.9, 1, 2)]
    path = write(tmp_path / "l.jsonl", rows)

    every = meta.evaluate([path], CHECKS, resamples=20)
    some = meta.evaluate([path], CHECKS, resamples=20, ignored_spans=["Benign"])
    none = meta.evaluate([path], CHECKS, resamples=20, kinds=["number"])

    assert news(every)["spans"]["recall"] == 1 / 4
    assert news(some)["spans"]["recall"] == 1
    assert news(none)["spans"]["precision"] is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ({"article": "a"}, "no field 'summary'"),
        ({"article": "a", "summary": 3}, "'summary' is no text"),
        ({"article": " ", "summary": "s"}, "'article' is blank"),
        (
            {"article": "a", "summary": "s", "label": 2},
            "should be 1 (consistent), 0 or null, not 2",
        ),
        ({"article": "a", "summary": "s", "label": "yes"}, "not 'yes'"),
        ({"article": "a", "summary": "s", "score": "high"}, "'score' should be a number"),
        ('{"article": "a", "summary": "s", "score": NaN}', "'score' should be a number"),
        ({"article": "a", "summary": "s", "score": 10**400}, "'score' should be a number"),
        ({"article": "a", "summary": "s", "source": [1]}, "'source' should be a name"),
        ({"article": "a", "summary": "s", "spans": [{"start": 0, "end": 9}]}, "not inside"),
        ({"article": "a", "summary": "s", "spans": [[0, 1]]}, "whole numbers 'start' and 'end'"),
        ({"article": "a", "summary": "s", "spans": 3}, "'spans' should be a list"),
        (
            {"article": "a", "summary": "s", "sentences": ["s"], "sentence_labels": []},
            "as long as 'sentences'",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(
    tmp_path: Path, bad: Any, reason: str
) -> None:
    path = write(tmp_path / "labels.jsonl", [row(0.1, 1, 0), "", bad])

    found = read_labels([path])

    (rejected,) = found.rejected
    assert rejected.where == f"{path}:3"
    assert reason in rejected.reason
    assert len(found.rows["news"]) == 1


def test_files_without_a_usable_row_end_it_with_the_first_reasons(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.jsonl", ["{", {"article": "a"}])

    with pytest.raises(DataError) as told:
        read_labels([path])

    assert f"{path}:1: not JSON" in str(told.value)
    assert "none of 2 rows can be used" in str(told.value)


def test_labels_are_read_from_gzip_and_folders_and_name_their_source_by_the_file(
    tmp_path: Path,
) -> None:
    rows = [
        {key: value for key, value in row(0.1, 1, n).items() if key != "source"} for n in (0, 2)
    ]
    for name in ("b", "a"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.write("".join(json.dumps(each) + "\n" for each in rows))

    found = read_labels([tmp_path], limit_per_source=1)

    assert {source: len(of_source) for source, of_source in found.rows.items()} == {"a": 1, "b": 1}


def test_a_torn_gzip_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl.gz"
    lines = "".join(json.dumps(row(n, 1, n)) + "\n" for n in range(500))
    path.write_bytes(gzip.compress(lines.encode())[:-20])

    with pytest.raises(DataError, match="torn or damaged"):
        read_labels([path])


def test_the_label_can_be_another_field_for_all_sources_or_for_one(tmp_path: Path) -> None:
    rows = [
        row(0.1, 1, 0, strict=0),
        row(0.1, 1, 2, source="other", strict=0, loose=None),
    ]
    path = write(tmp_path / "labels.jsonl", rows)

    found = read_labels([path], ["strict", "other=loose"])

    assert [each.label for of_source in found.rows.values() for each in of_source] == [False, None]
    assert found.fields == {"news": "strict", "other": "loose"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("label_strit", "no row has this field; did you mean label_strict"),
        ("nwes=label", "no such source; did you mean news"),
        ("news=label_strit", "no row of news has this field; did you mean label_strict"),
    ],
)
def test_a_label_field_that_there_is_none_of_is_told(
    tmp_path: Path, option: str, message: str
) -> None:
    path = write(tmp_path / "labels.jsonl", [row(0.1, 1, 0, label_strict=1)])

    with pytest.raises(DataError, match=message):
        read_labels([path], [option])


def test_joined_value_is_the_mean_rank_of_rows_that_all_have_a_value(tmp_path: Path) -> None:
    values = [(0.1, 5, 1), (0.9, 7, 1), (0.4, None, 1), (0.4, 1, 0), (0.4, 2, 0)]
    rows = [
        {"article": f"A{n}.", "summary": "S.", "label": label, "published": {"P": p, "Q": q}}
        for n, (p, q, label) in enumerate(values)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    found = meta.evaluate([path], published=["P", "Q"], joined=["P+Q"], resamples=20)

    # Ranks by P: 1, 4, 2.5, 2.5 and by Q: 3, 4, 1, 2 of the rows with both.
    assert found.checks["P+Q"]["sources"]["rows"]["n"] == 4
    # Their sums are 4, 8 of the consistent, 3.5 and 4.5 of the others: 3 of 4 pairs are in order.
    assert found.checks["P+Q"]["sources"]["rows"]["auc"] == 0.75
    with pytest.raises(DataError, match=r"--join P\+X: 'X' is not measured here"):
        meta.evaluate([path], published=["P"], joined=["P+X"])


def test_a_published_value_that_there_is_none_of_is_told(drawn: Any) -> None:
    with pytest.raises(DataError, match="no row has this value"):
        meta.evaluate([drawn[0]], published=["BERTScore"])


def test_an_article_counts_alike_in_every_source() -> None:
    resampling = Resampling(seed=1, resamples=30)

    one = resampling.counts(["a", "b", "a"])
    other = resampling.counts(["b"])

    assert (one[:, 0] == one[:, 2]).all()
    assert (one[:, 1] == other[:, 0]).all()


def test_cards_say_what_was_measured_on_what(drawn: Any, tmp_path: Path) -> None:
    found = meta.evaluate([drawn[0]], CHECKS, resamples=50)

    meta.write_cards(found, tmp_path / "card.json")
    meta.write_cards(found, tmp_path / "card.md")

    card = json.loads((tmp_path / "card.json").read_text())["cards"]["stated"]
    figures = news(found)
    (measured,) = card["measured_on"]
    assert card["signature"] == found.checks["stated"]["signature"]
    assert card["macro_auc"] == figures["auc"]
    names = ("n", "articles", "auc", "auc_low", "auc_high", "balanced_accuracy", "null_rate")
    assert {name: measured[name] for name in names} == {name: figures[name] for name in names}
    text = (tmp_path / "card.md").read_text()
    assert f"| news | 50 | {figures['articles']} |" in text
    assert f"**{figures['auc']:.3f} ({figures['auc_low']:.3f}–{figures['auc_high']:.3f})**" in text


def evalharness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalharness", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_command_prints_json_of_a_known_shape(drawn: Any, tmp_path: Path) -> None:
    path, rows = drawn
    write(path, [*rows, row(0.5, None, 99), "{"])
    card = tmp_path / "card.json"

    done = evalharness(
        "meta", str(path), "--checks", "extractiveness,numbers", "--resamples", "20",
        "--card", str(card), "--json",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["not_labelled"] == {"news": 1}
    assert record["rejected"] == [
        {"where": f"{path}:62", "reason": record["rejected"][0]["reason"]}
    ]
    assert f"evalharness: {path}:62: not JSON" in done.stderr
    figures = record["checks"]["extractiveness"]["sources"]["news"]
    assert {"n", "positive", "auc", "auc_low", "auc_high", "null_rate", "ms_per_pair"} <= set(
        figures
    )
    assert list(json.loads(card.read_text())["cards"]) == ["extractiveness", "numbers"]


def test_the_command_prints_a_table(drawn: Any) -> None:
    path, _ = drawn

    done = evalharness("meta", str(path), "--checks", "extractiveness", "--resamples", "20")

    assert done.returncode == 0, done.stderr
    assert "extractiveness|sentences:" in done.stdout
    assert "mean of 1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-file.jsonl"],
        ["{path}", "--checks", "nubmers"],
        ["{path}", "--label", "strict"],
        ["{path}", "--without", "olds"],
    ],
)
def test_the_command_ends_with_2_where_the_user_can_mend_it(
    drawn: Any, arguments: list[str]
) -> None:
    done = evalharness("meta", *(each.format(path=drawn[0]) for each in arguments))

    assert done.returncode == 2
    assert done.stderr.startswith("evalharness: ")
    assert "Traceback" not in done.stderr


@needs_shared
@pytest.mark.parametrize(
    ("source", "value", "auc"),
    [
        # As the research of this project has them, for these very rows.
        ("frank_xsum", "BertScore P Art", 0.669),
        ("frank_xsum", "FactCC", 0.544),
        ("frank_xsum", "QAGS", 0.474),
        ("frank_xsum", "Rouge 2", 0.652),
        ("xsumfaith", "Entailment", 0.814),
    ],
)
def test_published_values_reach_the_aucs_that_others_found(
    source: str, value: str, auc: float
) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    stats = pytest.importorskip("scipy.stats")
    path = SHARED / f"{source}.jsonl.gz"

    check = meta.evaluate([path], published=[value], resamples=20).checks[value]

    found = check["sources"][source]
    assert found["auc"] == pytest.approx(auc, abs=5e-4)
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    rows = [each for each in rows if each.get("published", {}).get(value) is not None]
    labels, values = zip(*((each["label"], each["published"][value]) for each in rows), strict=True)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(labels, values), abs=1e-9)
    graded = [each for each in rows if each["score"] is not None]
    columns = [np.array([each["published"][value] for each in graded], dtype=float)]
    columns += [np.array([each["score"] for each in graded], dtype=float)]
    assert found["spearman"] == pytest.approx(stats.spearmanr(*columns).statistic, abs=1e-9)
    systems = np.array([each["system"] for each in graded])
    for column in columns:
        for system in set(systems):
            column[systems == system] -= column[systems == system].mean()
    assert found["partial_pearson"] == pytest.approx(stats.pearsonr(*columns).statistic, abs=1e-9)


@needs_shared
def test_lexical_and_published_entailment_together_beat_either() -> None:
    path = SHARED / "xsumfaith.jsonl.gz"
    names = ["lexical", "Entailment", "lexical+Entailment"]

    found = meta.evaluate(
        [path], ["lexical"], published=["Entailment"], joined=[names[-1]], resamples=20
    )

    lexical, published, both = (found.checks[n]["sources"]["xsumfaith"]["auc"] for n in names)
    assert published == pytest.approx(0.814, abs=5e-4)
    assert both > max(lexical, published) + 0.015
    assert found.checks[names[-1]]["sources"]["xsumfaith"]["n"] == 812


@needs_shared
def test_marking_everything_or_every_novel_bigram_reaches_the_f1_of_the_prototype() -> None:
    paths = [SHARED / "cliff.jsonl.gz", SHARED / "faithbench.jsonl.gz"]

    found = meta.evaluate(
        paths, ["numbers"], ignored_spans=["Benign", "unlabelled"], resamples=20
    ).span_baselines

    reached = {
        source: [figures[name]["f1"] for name in ("everything", "novel_bigrams")]
        for source, figures in found.items()
    }
    assert reached["cliff"] == pytest.approx([0.097, 0.191], abs=5e-4)
    assert reached["faithbench"] == pytest.approx([0.255, 0.278], abs=5e-4)


@needs_shared
def test_every_source_of_the_shared_labels_is_measured() -> None:
    labels = ["cao22=label_strict", "polytope=label_inaccuracy"]

    found = meta.evaluate(
        [SHARED], ["numbers", "extractiveness"], labels=labels, limit_per_source=40, resamples=50
    )

    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert record["rejected"] == []
    assert len(record["checks"]["numbers"]["sources"]) == 12
    for figures in record["checks"]["extractiveness"]["sources"].values():
        assert figures["rows"] == 40
        assert ("reason" in figures) == (figures["auc"] is None)
        assert not any(isinstance(v, float) and math.isnan(v) for v in figures.values())
    assert "sentence_auc" in record["checks"]["numbers"]["sources"]["qags_cnndm"]
    assert "pairwise_accuracy" in record["checks"]["extractiveness"]["sources"]["rank19"]
    assert set(record["span_baselines"]) >= {"cliff", "xsumfaith", "faithbench", "cao22"}


def test_grades_are_correlated_within_articles_and_without_the_length(tmp_path: Path) -> None:
    # In each article the score puts the summaries in the order of the grades; over all it does not.
    rows = [
        row(0.1 * n - 0.4 * a, n % 2, 2 * a, score=10.0 * a + n, system=f"system {n}")
        for a in range(3)
        for n in range(4)
    ]
    found = news(meta.evaluate([write(tmp_path / "l.jsonl", rows)], CHECKS, resamples=20))
    assert found["spearman"] < 0
    assert (found["within_spearman"], found["system_kendall"]) == pytest.approx((1, 1))


def test_the_grade_can_be_a_field_of_a_field(tmp_path: Path) -> None:
    rows = [
        row(0.1 * n, n % 2, n, score=float(n)) | {"scores": {"relevance": -float(n)}}
        for n in range(6)
    ]
    path = write(tmp_path / "l.jsonl", rows)
    for grade, expected in (([], 1), (["scores.relevance"], -1), (["news=scores.relevance"], -1)):
        found = news(meta.evaluate([path], CHECKS, grades=grade, resamples=20))
        assert found["spearman"] == pytest.approx(expected)
    with pytest.raises(DataError, match="--grade news=points: no row of news has this field"):
        meta.evaluate([path], CHECKS, grades=["news=points"])


def test_the_card_of_a_check_of_content_has_correlations_and_no_auc(tmp_path: Path) -> None:
    words = ["mayor", "bridge", "ferry", "storm", "river", "market", "school", "garden"]
    rows = [
        {"article": " ".join(f"{word}{a} met." for word in words), "source": "news",
         "summary": " ".join(f"{word}{a} met." for word in words[: n + 1]) + " Zebra" * (3 * n % 5),
         "label": 1, "score": n, "article_id": f"a{a}", "system": f"s{n}"}
        for a in range(3) for n in range(6)
    ]  # fmt: skip
    found = meta.evaluate([write(tmp_path / "l.jsonl", rows)], ["coverage"], resamples=20)
    card = meta.cards(found)["coverage"]
    assert (card["macro_auc"], card["measured_on"], card["kinds"]) == (None, [], {})
    [graded] = card["graded"]
    assert (graded["grade"], graded["n"], graded["articles"]) == ("score", 18, 3)
    assert graded["within_spearman"] == pytest.approx(1)
    assert graded["within_partial"] is not None
    meta.write_cards(found, tmp_path / "card.md")
    assert "| news score | 18 | 3 | 1.000" in (tmp_path / "card.md").read_text()


def test_the_package_says_how_coverage_agrees_with_people() -> None:
    card = meta.known_cards()["coverage"]
    assert {each["source"] for each in card["graded"]} == {"summeval", "realsumm"}
    assert all(each["within_partial_low"] > 0 for each in card["graded"])
