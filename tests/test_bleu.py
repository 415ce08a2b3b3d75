"""BLEU, chrF and TER are sacrebleu's, for one summary and for the corpus."""

import gzip
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evalharness.metrics.bleu import Bleu, Chrf, Ter
from evalharness.records import Article, Score, Summary

DATA = Path(__file__).parents[2] / "shared" / "data"

Family = Bleu | Chrf | Ter
Case = tuple[tuple[str, ...], str]

# Our component and its options, sacrebleu's class and the same options for a corpus.
TWINS: list[tuple[Family, str, dict[str, Any]]] = [
    (Bleu(), "BLEU", {}),
    (Bleu(tokenize="intl", lowercase=True), "BLEU", {"tokenize": "intl", "lowercase": True}),
    (Bleu(smooth_method="add-k"), "BLEU", {"smooth_method": "add-k"}),
    (
        Bleu(smooth_method="floor", smooth_value=0.2, max_ngram_order=2),
        "BLEU",
        {"smooth_method": "floor", "smooth_value": 0.2, "max_ngram_order": 2},
    ),
    (Bleu(smooth_method="none", tokenize="char"), "BLEU",
     {"smooth_method": "none", "tokenize": "char"}),
    (Chrf(), "CHRF", {}),
    (Chrf(word_order=2, lowercase=True), "CHRF", {"word_order": 2, "lowercase": True}),
    (Chrf(char_order=4, beta=1, whitespace=True, eps_smoothing=True), "CHRF",
     {"char_order": 4, "beta": 1, "whitespace": True, "eps_smoothing": True}),
    (Ter(), "TER", {}),
    (Ter(normalized=True, no_punct=True, asian_support=True, case_sensitive=True), "TER",
     {"normalized": True, "no_punct": True, "asian_support": True, "case_sensitive": True}),
]  # fmt: skip
twins = pytest.mark.parametrize(
    ("metric", "name", "options"), TWINS, ids=[str(n) for n in range(len(TWINS))]
)
family = pytest.mark.parametrize("metric", [Bleu(), Chrf(), Ter()])

MADE: list[Case] = [
    (("The mayor said no.", "No, the mayor said."), "The mayor said yes."),
    (("One two three four five six.",), "Six five four three two one."),
    (("Der Bürgermeister trat zurück.",), "Bürgermeister"),
    (("市長は辞任しない。", "市長は残る。", "辞任はない。"), "市長は辞任する。"),
    (("a",), "b c d e"),
    (("It's 1,200.50 &amp; more",), "It's 1200 & more \ud800"),
    (("Line one.\nLine two.",), "Line two.\r\nLine one."),
]


def sacrebleu_metric(name: str, **options: Any) -> Any:
    import sacrebleu.metrics

    return getattr(sacrebleu.metrics, name)(**options)


def scores(metric: Family, cases: list[Case]) -> list[Score]:
    return metric.score([(Article("1", "", refs), Summary("1", text)) for refs, text in cases])


def corpus(metric: Family, cases: list[Case]) -> float:
    counts = [score.counts for score in scores(metric, cases) if score.counts]
    totals = [0.0] * len(counts[0])
    for segment in counts:
        totals = [total + count for total, count in zip(totals, segment, strict=True)]
    return metric.corpus(totals)


def theirs(cases: list[Case], name: str, options: dict[str, Any]) -> float:
    """Return sacrebleu's own corpus score, with None where an article has fewer references."""
    most = max(len(references) for references, _ in cases)
    streams = [
        [references[i] if i < len(references) else None for references, _ in cases]
        for i in range(most)
    ]
    scorer = sacrebleu_metric(name, **options)
    return float(scorer.corpus_score([summary for _, summary in cases], streams).score)


@cache
def real() -> list[Case]:
    """Return real summaries with 1 to 11 references each."""
    path = DATA / "quality" / "summeval.jsonl.gz"
    if not path.exists():
        pytest.skip("the shared data is not here")
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    random.Random(1).shuffle(rows)
    return [
        (tuple(row["references"][: 1 + i % len(row["references"])]), row["summary"])
        for i, row in enumerate(rows[:60])
    ]


def beginnings(cases: list[Case]) -> list[Case]:
    """Return up to three references and a summary, cut to 15 words: TER is slow."""
    cut = [[" ".join(text.split()[:15]) for text in (*refs[:3], text)] for refs, text in cases]
    return [(tuple(references), summary) for *references, summary in cut]


@twins
def test_corpus_figure_is_that_of_sacrebleu(
    metric: Family, name: str, options: dict[str, Any]
) -> None:
    sign = -1 if name == "TER" else 1
    assert corpus(metric, MADE) == sign * theirs(MADE, name, options)


@twins
def test_corpus_figure_of_real_summaries_is_that_of_sacrebleu(
    metric: Family, name: str, options: dict[str, Any]
) -> None:
    cases = beginnings(real()[:20]) if name == "TER" else real()
    sign = -1 if name == "TER" else 1
    assert corpus(metric, cases) == sign * theirs(cases, name, options)


def test_corpus_of_summaries_of_two_words_is_zero_as_in_sacrebleu_while_the_values_are_not() -> (
    None
):
    cases: list[Case] = [(("no comment",), "no comment"), (("no way",), "no way")]
    assert corpus(Bleu(), cases) == theirs(cases, "BLEU", {}) == 0.0
    assert [score.value for score in scores(Bleu(), cases)] == [1.0, 1.0]


@twins
def test_value_is_the_sentence_score_of_sacrebleu_as_a_share(
    metric: Family, name: str, options: dict[str, Any]
) -> None:
    sign = -1 if name == "TER" else 1
    scorer = sacrebleu_metric(
        name, **options, **({"effective_order": True} if name == "BLEU" else {})
    )
    for (references, summary), score in zip(MADE, scores(metric, MADE), strict=True):
        sentence = scorer.sentence_score(summary, list(references)).score
        assert score.value == min(sign * sentence / 100, 1.0)


@family
def test_equal_texts_have_the_best_value_of_the_range(metric: Family) -> None:
    text = "The mayor of the town said on Monday that there is no such plan."
    (score,) = scores(metric, [((text,), text)])
    assert score.value == metric.range[1]
    assert str(score.value) in ("1.0", "0.0")  # no -0.0


@family
def test_values_stay_in_range_and_better_summaries_are_higher(metric: Family) -> None:
    reference = ("The mayor said no to the plan.",)
    texts = ["Rain x y z.", "The rain said no.", "The mayor said no to it.", *reference]
    found = scores(metric, [(reference, text) for text in texts])
    values = [score.value for score in found if score.value is not None]
    assert len(set(values)) == 4
    assert values == sorted(values)
    assert all(metric.range[0] <= value <= metric.range[1] for value in values)


def test_ter_goes_below_minus_one_for_a_long_summary() -> None:
    (score,) = scores(Ter(), [(("no",), "one two three four")])
    assert score.value == -4.0


@family
def test_blank_references_are_left_out(metric: Family) -> None:
    references = ("The mayor said no.", "No, said the mayor.")
    with_blanks = ("", references[0], " \n", references[1])
    text = "The mayor said yes."
    assert scores(metric, [(with_blanks, text)]) == scores(metric, [(references, text)])


@family
def test_article_without_a_reference_has_no_score_and_no_counts(metric: Family) -> None:
    for references in ((), ("", " ")):
        (score,) = scores(metric, [(references, "a b")])
        assert score == Score(None, note="the article has no reference")


@family
def test_empty_summary_stays_out_of_the_corpus(metric: Family) -> None:
    (score,) = scores(metric, [(("The mayor.",), " \n")])
    assert score == Score(None, note="the summary is empty")
    assert corpus(metric, MADE) == corpus(metric, [*MADE, (("The mayor.",), "")])


@pytest.mark.parametrize(
    ("metric", "name", "value"),
    [(Bleu(empty="zero"), "BLEU", 0.0), (Chrf(empty="zero"), "CHRF", 0.0),
     (Ter(empty="score"), "TER", -1.0)],
)  # fmt: skip
def test_empty_summary_counts_as_in_sacrebleu_when_asked_for(
    metric: Family, name: str, value: float
) -> None:
    cases: list[Case] = [*MADE, (("The mayor said no.",), "")]
    assert scores(metric, cases)[-1].value == value
    sign = -1 if name == "TER" else 1
    assert corpus(metric, cases) == sign * theirs(cases, name, {})


def test_a_batch_scores_like_its_parts() -> None:
    for metric in (Bleu(), Chrf(), Ter()):
        assert scores(metric, MADE) == [scores(metric, [case])[0] for case in MADE]


def test_identity_names_the_version_of_sacrebleu() -> None:
    import sacrebleu

    for metric in (Bleu(), Chrf(), Ter()):
        assert metric.identity() == {"sacrebleu": sacrebleu.__version__}


def test_options_that_cannot_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="smooth_value"):
        Bleu(smooth_value=0.5)
    with pytest.raises(ValueError, match="smooth_value"):
        Bleu(smooth_method="floor", smooth_value=0.0)
    with pytest.raises(ValueError, match="max_ngram_order"):
        Bleu(max_ngram_order=0)
    with pytest.raises(ValueError, match="char_order"):
        Chrf(char_order=0)
    with pytest.raises(ValueError, match="beta"):
        Chrf(beta=0)
    with pytest.raises(ValueError, match="asian_support"):
        Ter(asian_support=True)
