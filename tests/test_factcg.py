"""FactCG: equal to its authors' code on a tiny DeBERTa."""

from pathlib import Path
from typing import Any

import pytest
from neural import frozen, mutations, official_factcg, texts, tiny
from neural.cases import AuthorsSentences, scored, values

from evalharness.checks.factcg import FactCG
from evalharness.checks.grounding import ChunkPrompt
from evalharness.records import Span

pytestmark = pytest.mark.usefixtures("float64")

# The authors batch 32 together.
LARGE = 4_096


class Plain(AuthorsSentences, FactCG):
    """With the sentence splitter that the authors' code was given."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official_factcg.model(tmp_path_factory.mktemp("models"))


def test_scores_and_best_chunks_equal_the_authors(folder: Path) -> None:
    kept = frozen.read("factcg")
    assert kept["model"] == tiny.weights_digest(folder)
    assert kept["texts"] == texts.digest()
    check = Plain(str(folder), device="cpu", batch_tokens=LARGE)
    scores = scored(check)
    assert frozen.farthest(values(scores), kept["scores"]) < frozen.TOLERANCE
    for (article, _), score, best in zip(texts.pairs(), scores, kept["best"], strict=True):
        span = check.passages(article)[best].span
        assert score.sentences[0].evidence == ((span,) if span else ())
    assert sum(best > 0 for best in kept["best"]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("batch_tokens", [1, 1500, "auto"])
def test_batches_change_nothing(folder: Path, batch_tokens: Any) -> None:
    found = values(scored(Plain(str(folder), device="cpu", batch_tokens=batch_tokens)))
    assert frozen.farthest(found, frozen.read("factcg")["scores"]) < frozen.TOLERANCE


class NoQuestion(Plain):
    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        return ChunkPrompt(f"{chunk} {claim}", len(chunk), len(chunk) + len(claim) + 1)


class ClaimFirst(Plain):
    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        return super().prompt(claim, chunk)


class OtherAnswer(Plain):
    def support_probabilities(self, items: Any) -> Any:
        return self.loaded_network.classify(items)[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [NoQuestion, ClaimFirst, OtherAnswer])
def test_fixture_bites(folder: Path, mutant: type[Plain]) -> None:
    check = mutant(str(folder), device="cpu")
    assert frozen.farthest(values(scored(check)), frozen.read("factcg")["scores"]) > frozen.MISTAKE


@pytest.mark.slow
@pytest.mark.parametrize("mutation", [mutations.padded_left, mutations.padding_read])
def test_fixture_bites_where_tokens_are_at_fault(
    folder: Path, mutation: mutations.Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    check = Plain(str(folder), device="cpu")
    assert frozen.farthest(values(scored(check)), frozen.read("factcg")["scores"]) > frozen.MISTAKE


def test_sentences_can_be_claims(folder: Path) -> None:
    check = FactCG(str(folder), device="cpu", claims="sentences")
    (score,) = scored(check, [("It rained. The road was closed.", "It rained. No one came.")])
    assert len(score.sentences) == 2
    assert score.value == score.parts["min"]


def test_whole_summary_is_one_claim_by_default(folder: Path) -> None:
    summary = "It rained. No one came."
    (score,) = scored(FactCG(str(folder), device="cpu"), [("It rained all day.", summary)])
    assert [sentence.span for sentence in score.sentences] == [Span(0, len(summary))]
