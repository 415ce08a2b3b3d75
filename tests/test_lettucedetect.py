"""LettuceDetect says what its authors' code says of each token; one of our chunks suffices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neural import frozen, mutations, tiny_scorers
from neural.cases import PAIRS, SHORT, expected_of, fresh
from neural.official_lettucedetect import CUT, CUT_TO

from evalharness.checks import lettucedetect
from evalharness.checks.lettucedetect import LettuceDetect
from evalharness.errors import ModelError
from evalharness.neural.network import Network
from evalharness.records import Article, Score, Span, Summary

pytestmark = pytest.mark.usefixtures("float64")

LONG = PAIRS[27]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scorers.lettucedetect(tmp_path_factory.mktemp("lettucedetect"))


@pytest.fixture(scope="session")
def check(folder: Path) -> LettuceDetect:
    return LettuceDetect(str(folder), "cut", device="cpu")


def tokens(check: LettuceDetect, pair: tuple[Article, Summary]) -> list[float]:
    """Return how likely each token is made up."""
    article, summary = (each.text for each in pair)
    asked = check._chunks_to_read(article, summary)
    answers = check._answers([(chunk.of(article), summary) for chunk in asked.chunks])
    rows = [row[-len(asked.tokens.ids) :] for row, _ in answers.values()]
    return list(np.min(rows, axis=0).astype(float))


def every(check: LettuceDetect, some: Sequence[int]) -> list[float]:
    return [p for n in some for p in tokens(check, PAIRS[n])]


def authors(some: Sequence[int], what: str = "whole_tokens") -> list[float]:
    values = frozen.read("lettucedetect")[what]
    return [p for n in some for p in values[n]]


def visible(spans: Sequence[Sequence[int]], summary: str) -> list[Span]:
    """Return the authors' spans without the white space around them, which we do not flag."""
    found = []
    for start, end in spans:
        words = summary[start:end]
        if words.strip():
            lead = len(words) - len(words.lstrip())
            found.append(Span(start + lead, start + len(words.rstrip())))
    return found


def test_tokens_and_spans_are_the_authors(folder: Path, check: LettuceDetect) -> None:
    expected = expected_of("lettucedetect", folder)
    whole = range(len(PAIRS))
    assert frozen.farthest(every(check, whole), authors(whole)) < frozen.TOLERANCE
    for pair, score, spans in zip(PAIRS, check.score(PAIRS), expected["whole_spans"], strict=True):
        assert [flag.span for flag in score.flags] == visible(spans, pair[1].text)


def test_article_that_is_cut_is_as_the_authors_cut_it(check: LettuceDetect) -> None:
    expected = frozen.read("lettucedetect")
    cutting = fresh(check, max_tokens=CUT_TO)
    places = range(len(CUT))
    assert frozen.farthest(every(cutting, CUT), authors(places, "cut_tokens")) < frozen.TOLERANCE
    scores = cutting.score([PAIRS[n] for n in CUT])
    for n, score, spans in zip(CUT, scores, expected["cut_spans"], strict=True):
        assert [flag.span for flag in score.flags] == visible(spans, PAIRS[n][1].text)
        assert score.parts["read"] < 1
        assert "of the article was read" in score.note


@pytest.mark.parametrize("batch_tokens", [1, 5000])
def test_batches_of_other_sizes_change_nothing(check: LettuceDetect, batch_tokens: int) -> None:
    found = every(fresh(check, batch_tokens), SHORT)
    assert frozen.farthest(found, authors(SHORT)) < frozen.TOLERANCE


def _swapped_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = LettuceDetect._made_up
    monkeypatch.setattr(LettuceDetect, "_made_up", lambda self, inputs: 1 - made_up(self, inputs))


def _left_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    inputs_of = Network._inputs

    def mirrored(self: Network, items: Any) -> Any:
        inputs = dict(inputs_of(self, items))
        for name, rows in inputs.items():
            padding = torch.zeros((len(rows), 3), dtype=rows.dtype)
            inputs[name] = torch.cat([padding, rows], dim=1)
        return inputs

    monkeypatch.setattr(Network, "_inputs", mirrored)


def _other_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettucedetect, "BEFORE", "Summarize the following text:\n")


@pytest.mark.parametrize(
    "mutation",
    [
        _swapped_labels,
        mutations.pair_swapped,
        _left_padding,
        mutations.separator_dropped,
        _other_template,
    ],
)
def test_fixture_notices(
    check: LettuceDetect,
    monkeypatch: pytest.MonkeyPatch,
    mutation: mutations.Mutation,
) -> None:
    mutated = fresh(check)
    mutation(monkeypatch)
    assert frozen.farthest(every(mutated, SHORT), authors(SHORT)) > frozen.MISTAKE


def test_each_pair_alone_and_in_another_order_scores_the_same(check: LettuceDetect) -> None:
    some = [PAIRS[n] for n in SHORT]
    together = fresh(check).score(some)
    alone = [score for pair in some for score in fresh(check).score([pair])]
    turned = fresh(check).score([*reversed(some), some[0]])
    for one, other in [
        *zip(alone, together, strict=True),
        *zip(turned, [*reversed(together), together[0]], strict=True),
    ]:
        assert one.value == pytest.approx(other.value, abs=frozen.TOLERANCE)
        assert [flag.span for flag in one.flags] == [flag.span for flag in other.flags]


def test_score_is_the_least_supported_token(check: LettuceDetect) -> None:
    for pair, score in zip(PAIRS, check.score(PAIRS), strict=True):
        assert score.value == min(sentence.value for sentence in score.sentences)
        assert score.value == pytest.approx(1 - max(tokens(check, pair)), abs=1e-6)
        assert bool(score.flags) <= (score.value < 0.5)
        for flag in score.flags:
            words = flag.span.of(pair[1].text)
            assert words.strip() == words
            assert words[:20] in flag.message


def test_chunks_are_the_whole_where_the_article_fits(check: LettuceDetect) -> None:
    some = [PAIRS[n] for n in SHORT]
    assert fresh(check, long="chunks").score(some) == fresh(check).score(some)


def test_chunks_cover_the_article_and_fit(check: LettuceDetect) -> None:
    chunking = fresh(check, long="chunks", max_tokens=CUT_TO)
    article, summary = (each.text for each in LONG)
    chunks = chunking._chunks_to_read(article, summary).chunks
    assert len(chunks) > 3
    covered = " ".join(chunk.of(article) for chunk in chunks)
    assert covered.split() == article.split()
    score = chunking.score([LONG])[0]
    assert score.parts["read"] == 1
    assert score.note == ""
    assert all(sentence.evidence[0] in chunks for sentence in score.sentences)


def test_one_chunk_that_supports_a_token_suffices(check: LettuceDetect) -> None:
    chunking = fresh(check, long="chunks", max_tokens=CUT_TO)
    article, summary = (each.text for each in LONG)
    pieces = [chunk.of(article) for chunk in chunking._chunks_to_read(article, summary).chunks]
    alone = [tokens(fresh(check), (Article("", piece), LONG[1])) for piece in pieces]
    least = np.min(alone, axis=0).tolist()
    assert frozen.farthest(tokens(chunking, LONG), least) < frozen.TOLERANCE
    assert len(chunking.score([LONG])[0].flags) < len(fresh(check).score([LONG])[0].flags)


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [("It rained.", " ", "the summary is empty"), ("", "It rained.", "the article is empty")],
)
@pytest.mark.parametrize("long", ["chunks", "cut"])
def test_what_is_empty_has_no_score(
    check: LettuceDetect, article: str, summary: str, note: str, long: str
) -> None:
    found = fresh(check, long=long).score([(Article("", article), Summary("", summary))])
    assert found == [Score(None, note=note)]


def test_summary_that_leaves_no_room_has_no_score(check: LettuceDetect) -> None:
    pair = (Article("", "It rained."), Summary("", "The river rose. " * 300))
    found = fresh(check, max_tokens=CUT_TO).score([pair, PAIRS[0]])
    assert found[0].value is None
    assert found[0].note.endswith("tokens, and the model reads 768")
    assert found[1].value is not None


@pytest.mark.parametrize("text", ["Rain", ".", "\ud800 rain.", "  …", "[SEP] no", "\u200b", "市"])
@pytest.mark.parametrize("long", ["chunks", "cut"])
def test_odd_texts_have_scores(check: LettuceDetect, text: str, long: str) -> None:
    pair = (Article("", f"It rained. {text}"), Summary("", text))
    score = fresh(check, long=long).score([pair])[0]
    assert score.value is not None
    assert 0 <= score.value <= 1
    assert all(flag.span.end <= len(text) for flag in score.flags)


def test_network_with_other_labels_is_refused(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForTokenClassification

    folder = tiny_scorers.lettucedetect(tmp_path / "three")
    config = AutoConfig.from_pretrained(folder, num_labels=3)
    make: Any = AutoModelForTokenClassification.from_config
    make(config).save_pretrained(folder)
    with pytest.raises(ModelError, match="3 labels, where LettuceDetect's have 2"):
        LettuceDetect(str(folder), device="cpu").score([PAIRS[0]])


@pytest.mark.slow
def test_article_of_100_000_words_in_bounded_memory(check: LettuceDetect) -> None:
    import tracemalloc

    article = Article("", "The river rose again in the city. " * 14_300)
    chunking = fresh(check, long="chunks", max_tokens=1024)
    tracemalloc.start()
    score = chunking.score([(article, Summary("", "The river rose."))])[0]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.parts["read"] == 1
    assert most < 100 * 2**20
