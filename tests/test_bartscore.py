"""BARTScore says what its authors' code says, as metric and as check."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neural import frozen, mutations, official_bertscore, tiny_scorers
from neural.cases import PAIRS, SHORT, expected_of

from evalharness.checks.bartscore import BartScore as Check
from evalharness.metrics.bartscore import BartScore as Metric
from evalharness.neural.likelihood import Likelihood
from evalharness.neural.network import Network
from evalharness.records import Article, Score, Summary

pytestmark = pytest.mark.usefixtures("float64")

FIRST, SECOND = official_bertscore.references()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scorers.bart(tmp_path_factory.mktemp("bartscore"))


@pytest.fixture(scope="session")
def check(folder: Path) -> Check:
    return Check(str(folder), device="cpu")


def fresh(check: Check, batch_tokens: int = 1024) -> Check:
    """Return a check with the same model that remembers nothing."""
    other = Check(check.model, device="cpu")
    network: Any = check.judge.network
    other.__dict__["judge"] = Likelihood(Network(network, batch_tokens), check.max_tokens)
    return other


def values(scores: Sequence[Score]) -> list[float]:
    assert all(score.value is not None for score in scores)
    return [score.value for score in scores if score.value is not None]


def authors(what: str, some: Sequence[int] = range(len(PAIRS))) -> list[float]:
    return [frozen.read("bartscore")[what][n] for n in some]


def farthest(found: Sequence[float], expected: Sequence[float]) -> float:
    """Return the greatest difference, relative to values of -7 or so: as digits are."""
    return float(np.max(np.abs(np.subtract(found, expected) / expected)))


def against(metric: Metric, references: Sequence[Sequence[str]]) -> list[Score]:
    given = zip(references, PAIRS, strict=True)
    return metric.score([(Article("", "", tuple(some)), summary) for some, (_, summary) in given])


def test_check_is_the_authors_faithfulness(folder: Path, check: Check) -> None:
    expected = expected_of("bartscore", folder)
    found = values(check.score(PAIRS))
    assert farthest(found, expected["faithfulness"]) < frozen.TOLERANCE


def test_metric_is_the_authors_in_both_directions(folder: Path) -> None:
    metric = Metric(str(folder), device="cpu")
    scores = against(metric, [[reference] for reference in FIRST])
    for name in ("precision", "recall"):
        found = [score.parts[name] for score in scores]
        assert farthest(found, authors(name)) < frozen.TOLERANCE
    middle = np.add(authors("precision"), authors("recall")) / 2
    assert farthest(values(scores), middle.tolist()) < frozen.TOLERANCE


@pytest.mark.parametrize("combined", ["mean", "max"])
def test_several_references_are_the_authors(folder: Path, combined: Any) -> None:
    metric = Metric(str(folder), variant="recall", references=combined, device="cpu")
    found = values(against(metric, list(zip(FIRST, SECOND, strict=True))))
    assert farthest(found, authors(f"several_{combined}")) < frozen.TOLERANCE


@pytest.mark.parametrize("batch_tokens", [1, 5000])
def test_batches_of_other_sizes_change_nothing(check: Check, batch_tokens: int) -> None:
    found = values(fresh(check, batch_tokens).score([PAIRS[n] for n in SHORT]))
    assert farthest(found, authors("faithfulness", SHORT)) < frozen.TOLERANCE


def _swapped_pair(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    of = check.judge.of
    monkeypatch.setattr(check.judge, "of", lambda pairs: of([pair[::-1] for pair in pairs]))


def _left_padding(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.rows_turned(monkeypatch, ["input_ids", "attention_mask"])


def _no_end_mark(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    check.judge.after = ()


def _no_marks(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    check.judge.before = ()


def _no_mask(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    inputs_of = Network._inputs

    def unmasked(self: Network, items: Any) -> Any:
        inputs = dict(inputs_of(self, items))
        return inputs | {"attention_mask": torch.ones_like(inputs["attention_mask"])}

    monkeypatch.setattr(Network, "_inputs", unmasked)


@pytest.mark.parametrize(
    "mutation", [_swapped_pair, _left_padding, _no_end_mark, _no_marks, _no_mask]
)
def test_fixture_notices(
    check: Check,
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[Check, pytest.MonkeyPatch], None],
) -> None:
    mutated = fresh(check)
    mutation(mutated, monkeypatch)
    found = values(mutated.score([PAIRS[n] for n in SHORT]))
    assert frozen.farthest(found, authors("faithfulness", SHORT)) > frozen.MISTAKE


def test_each_pair_alone_and_in_another_order_scores_the_same(check: Check) -> None:
    some = [PAIRS[n] for n in SHORT]
    together = values(fresh(check).score(some))
    alone = [value for pair in some for value in values(fresh(check).score([pair]))]
    assert farthest(alone, together) < frozen.TOLERANCE
    turned = values(fresh(check).score([*reversed(some), some[0]]))
    assert farthest(turned, [*reversed(together), together[0]]) < frozen.TOLERANCE


def test_equal_pairs_go_through_the_model_once(check: Check) -> None:
    again = fresh(check)
    scores = again.score([PAIRS[0], PAIRS[1], PAIRS[0]])
    assert scores[0] == scores[2]
    assert again.judge.network.computed == 2
    again.score([PAIRS[1]])
    assert again.judge.network.computed == 2


def test_tokens_of_sentences_and_marks_make_the_score(check: Check) -> None:
    summary = "The river rose. The mayor of the old city said no. It rained."
    pair = (Article("", "It rained in the city."), Summary("", summary))
    score = check.score([pair])[0]
    likely = check.likely([(pair[0].text, summary)])[pair[0].text, summary]
    numbers = likely.numbers([sentence.span for sentence in score.sentences])
    n = [int((numbers == number).sum()) for number in range(3)]
    assert sum(n) == len(likely.logs) - 2
    total = float(np.dot(n, [sentence.value for sentence in score.sentences]))
    marks = float(likely.logs[numbers < 0].sum())
    assert score.value == pytest.approx((total + marks) / len(likely.logs), abs=frozen.TOLERANCE)


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [("It rained.", " ", "the summary is empty"), ("", "It rained.", "the article is empty")],
)
def test_what_is_empty_has_no_score(check: Check, article: str, summary: str, note: str) -> None:
    assert check.score([(Article("", article), Summary("", summary))]) == [Score(None, note=note)]


def test_metric_says_what_it_lacks(folder: Path) -> None:
    metric = Metric(str(folder), device="cpu")
    given = [(("A storm.",), " "), ((), "A storm."), ((" ", "A storm."), "A storm.")]
    found = metric.score([(Article("", "", r), Summary("", s)) for r, s in given])
    notes = ["the summary is empty", "the article has no reference", ""]
    assert [score.note for score in found] == notes
    assert found[2].value is not None


@pytest.mark.parametrize("text", ["Rain", ".", "\ud800 rain.", "…", "<pad> </s>", "\u200b"])
def test_odd_texts_have_scores(check: Check, text: str) -> None:
    score = check.score([(Article("", f"It rained. {text}"), Summary("", text))])[0]
    assert score.value is not None
    assert score.value <= 0


def test_what_did_not_fit_is_recorded(check: Check, folder: Path) -> None:
    long = "The river rose again. " * 300
    cut = check.score([(Article("", long), Summary("", "It rose."))])[0]
    assert 0 < cut.parts["read"] < 1
    assert "of the article was read" in cut.note
    assert check.score([(Article("", "It rose."), Summary("", long))])[0].note == (
        "1 piece of the summary cut"
    )
    metric = Metric(str(folder), device="cpu")
    assert metric.score([(Article("", "", (long,)), Summary("", "It."))])[0].note == (
        "a text was cut"
    )


@pytest.mark.slow
def test_article_of_100_000_words_in_bounded_memory(check: Check) -> None:
    import tracemalloc

    article = Article("", "The river rose again in the city. " * 14_300)
    tracemalloc.start()
    score = check.score([(article, Summary("", "The river rose."))])[0]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.parts["read"] < 0.1
    assert most < 100 * 2**20
