"""UniEval says what its authors' code says, as check and as metric."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from neural import frozen, mutations, official_bertscore, texts, tiny, tiny_scorers
from neural.cases import PAIRS, SHORT, AuthorsSentences, expected_of, fresh

from evalharness.checks.unieval import ArticleDimension, UniEval
from evalharness.errors import ModelError
from evalharness.metrics import unieval
from evalharness.metrics.unieval import Dimension, UniEvalQuestion
from evalharness.metrics.unieval import UniEval as Metric
from evalharness.records import Article, Score, Summary

pytestmark = pytest.mark.usefixtures("float64")

FIRST, SECOND = official_bertscore.references()
ALL: tuple[ArticleDimension, ...] = ("consistency", "coherence", "fluency")


class Plain(AuthorsSentences, UniEval):
    """With the sentence splitter that the authors' code was given."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scorers.unieval(tmp_path_factory.mktemp("unieval"))


@pytest.fixture(scope="session")
def check(folder: Path) -> Plain:
    return Plain(str(folder), ALL, device="cpu")


def columns(scores: Sequence[Score]) -> list[float]:
    return [score.parts[name] for name in ALL for score in scores]


def authors(some: Sequence[int] = range(len(PAIRS))) -> list[float]:
    expected = frozen.read("unieval")
    return [expected[name][n] for name in ALL for n in some]


def test_check_is_the_authors_in_every_dimension(folder: Path, check: Plain) -> None:
    expected_of("unieval", folder)
    assert frozen.farthest(columns(check.score(PAIRS)), authors()) < frozen.TOLERANCE


def test_metric_is_the_authors_relevance(folder: Path) -> None:
    metric = Metric(str(folder), device="cpu")
    given = zip(FIRST, PAIRS, strict=True)
    scores = metric.score([(Article("", "", (r,)), summary) for r, (_, summary) in given])
    found = [score.value for score in scores if score.value is not None]
    assert frozen.farthest(found, frozen.read("unieval")["relevance"]) < frozen.TOLERANCE


def test_all_dimensions_make_the_authors_overall(folder: Path, check: Plain) -> None:
    expected = frozen.read("unieval")
    found = [
        (sum(score.parts[name] for name in ALL) + relevance) / 4
        for score, relevance in zip(check.score(PAIRS), expected["relevance"], strict=True)
    ]
    assert frozen.farthest(found, expected["overall"]) < frozen.TOLERANCE


@pytest.mark.parametrize("batch_tokens", [1, 5000])
def test_batches_of_other_sizes_change_nothing(check: Plain, batch_tokens: int) -> None:
    found = fresh(check, batch_tokens).score([PAIRS[n] for n in SHORT])
    assert frozen.farthest(columns(found), authors(SHORT)) < frozen.TOLERANCE


def _swapped_answers(check: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    check.__dict__["_yes_and_no"] = check._yes_and_no[::-1]


def _swapped_pair(check: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = {
        name: question.replace("{text}", "{new}").replace("{other}", "{text}")
        for name, question in unieval.QUESTIONS.items()
    }
    prompts = {name: q.replace("{new}", "{other}") for name, q in swapped.items()}

    def prompt(self: UniEvalQuestion) -> str:
        return prompts[self.dimension].format(text=self.text, other=self.other)

    monkeypatch.setattr(UniEvalQuestion, "prompt", property(prompt))


def _left_padding(check: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    """T5 counts relative positions: padding on the left does no harm if it is masked as well."""
    mutations.rows_turned(monkeypatch, ["input_ids"])


def _no_separator(check: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {name: q.replace("</s> ", "") for name, q in unieval.QUESTIONS.items()}
    monkeypatch.setattr(unieval, "QUESTIONS", plain)


def _other_question(check: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        unieval.__dict__, "QUESTIONS", dict.fromkeys(unieval.QUESTIONS, "{text} {other}")
    )


@pytest.mark.parametrize(
    "mutation", [_swapped_answers, _swapped_pair, _left_padding, _no_separator, _other_question]
)
def test_fixture_notices(
    check: Plain,
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[Plain, pytest.MonkeyPatch], None],
) -> None:
    mutated = fresh(check)
    mutation(mutated, monkeypatch)
    found = columns(mutated.score([PAIRS[n] for n in SHORT]))
    assert frozen.farthest(found, authors(SHORT)) > frozen.MISTAKE


def test_each_pair_alone_and_in_another_order_scores_the_same(check: Plain) -> None:
    some = [PAIRS[n] for n in SHORT]
    together = fresh(check).score(some)
    alone = [score for pair in some for score in fresh(check).score([pair])]
    assert frozen.farthest(columns(alone), columns(together)) < frozen.TOLERANCE
    turned = fresh(check).score([*reversed(some), some[0]])
    expected = columns([*reversed(together), together[0]])
    assert frozen.farthest(columns(turned), expected) < frozen.TOLERANCE


def test_sentences_are_those_of_consistency_or_of_fluency(check: Plain) -> None:
    pair = PAIRS[15]
    score = check.score([pair])[0]
    values = [sentence.value for sentence in score.sentences]
    assert score.parts["consistency"] == pytest.approx(sum(values) / len(values))
    assert [sentence.span for sentence in score.sentences] == texts.split(pair[1].text)
    fluent = fresh(check)
    object.__setattr__(fluent, "dimensions", ("fluency", "coherence"))
    values = [sentence.value for sentence in fluent.score([pair])[0].sentences]
    assert score.parts["fluency"] == pytest.approx(sum(values) / len(values), abs=1e-6)


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [("It rained.", " ", "the summary is empty"), ("", "It rained.", "the article is empty")],
)
def test_what_is_empty_has_no_score(check: Plain, article: str, summary: str, note: str) -> None:
    assert check.score([(Article("", article), Summary("", summary))]) == [Score(None, note=note)]


def test_metric_takes_the_best_reference_and_says_what_it_lacks(folder: Path) -> None:
    metric = Metric(str(folder), device="cpu")
    given = [(("A storm.",), " "), ((), "A storm."), (("A storm.", "Rain fell."), "A storm.")]
    found = metric.score([(Article("", "", r), Summary("", s)) for r, s in given])
    notes = ["the summary is empty", "the article has no reference", ""]
    assert [score.note for score in found] == notes
    each = metric.score(
        [(Article("", "", (r,)), Summary("", "A storm.")) for r in ("A storm.", "Rain fell.")]
    )
    assert found[2].value == max(score.value for score in each if score.value is not None)


@pytest.mark.parametrize("text", ["Rain", ".", "\ud800 rain.", "…", "</s> {other}", "\u200b"])
def test_odd_texts_have_scores(check: Plain, text: str) -> None:
    score = check.score([(Article("", f"It rained. {text}"), Summary("", text))])[0]
    assert score.value is not None
    assert 0 <= score.value <= 1


def test_what_did_not_fit_is_recorded(check: Plain) -> None:
    long = "The river rose again. " * 400
    cut = check.score([(Article("", long), Summary("", "It rose."))])[0]
    assert 0 < cut.parts["read"] < 1
    assert "of the article was read" in cut.note
    sentence = "and the river " * 900
    assert (
        "pieces of the summary cut"
        in check.score([(Article("", "It rose."), Summary("", sentence))])[0].note
    )


def test_tokenizer_that_does_not_know_the_answers_is_refused(tmp_path: Path) -> None:
    folder = tiny.t5(tmp_path / "t5")
    with pytest.raises(ModelError, match="does not tell Yes from No"):
        UniEval(str(folder), device="cpu").score([PAIRS[0]])


def test_dimensions_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="dimensions: name at least one"):
        UniEval("folder", ())
    with pytest.raises(ValueError, match="dimensions: name at least one"):
        UniEval("folder", ("fluency", "fluency"))


@pytest.mark.parametrize("name", sorted(unieval.QUESTIONS))
def test_prompts_are_the_template_filled_in(name: Dimension) -> None:
    question = UniEvalQuestion(name, "one {other}", "two {text}")
    template = unieval.QUESTIONS[name]
    filled = template.replace("{text}", "\0").replace("{other}", "two {text}")
    assert question.prompt == filled.replace("\0", "one {other}")


@pytest.mark.slow
def test_article_of_100_000_words_in_bounded_memory(check: Plain) -> None:
    import tracemalloc

    article = Article("", "The river rose again in the city. " * 14_300)
    tracemalloc.start()
    score = check.score([(article, Summary("", "The river rose."))])[0]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.parts["read"] < 0.1
    assert most < 100 * 2**20
