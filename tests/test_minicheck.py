"""MiniCheck: equal to its authors' code on tiny models of its three kinds; where it points."""

from pathlib import Path
from typing import Any

import pytest
from neural import frozen, mutations, official_minicheck, texts, tiny
from neural.cases import AuthorsSentences, scored, values

from evalharness.checks.grounding import ChunkPrompt
from evalharness.checks.minicheck import MiniCheck
from evalharness.errors import ModelError

pytestmark = pytest.mark.usefixtures("float64")

# So that all chunks of an article go together, as the authors have it.
LARGE = 16_384
ARTICLE = "The council met on Monday.\nIt voted against the new budget. Rain fell all day."


class Plain(AuthorsSentences, MiniCheck):
    """With the sentence splitter that the authors' code was given."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return official_minicheck.models(tmp_path_factory.mktemp("models"))


def fixture(kind: str) -> dict[str, Any]:
    return frozen.read(f"minicheck_{kind.partition('-large')[0]}")


def whole(folder: Path, **options: Any) -> Plain:
    return Plain(str(folder), device="cpu", claims="summary", **options)


@pytest.mark.parametrize("kind", official_minicheck.KINDS)
def test_whole_summaries_equal_the_authors(models: dict[str, Path], kind: str) -> None:
    kept = fixture(kind)
    assert kept["model"] == tiny.weights_digest(models[kind])
    assert kept["texts"] == texts.digest()
    assert sum(len(chunks) > 1 for chunks in kept["chunks"]) >= 3
    check = whole(models[kind], batch_tokens=LARGE)
    found = [value for pair in texts.pairs() for value in values(scored(check, [pair]))]
    assert frozen.farthest(found, kept["scores"]) < frozen.TOLERANCE


@pytest.mark.parametrize("kind", official_minicheck.KINDS)
def test_each_chunk_has_the_authors_probability(models: dict[str, Path], kind: str) -> None:
    check = whole(models[kind])
    for (article, summary), expected in zip(texts.pairs(), fixture(kind)["chunks"], strict=True):
        prompts = [check.prompt(chunk.text, summary) for chunk in check.passages(article)]
        items = check.loaded_network.encode(
            [prompt.text for prompt in prompts],
            max_tokens=check.most_tokens,
            meant=[prompt.marks for prompt in prompts],
        )
        assert (
            frozen.farthest(check.support_probabilities(items).tolist(), expected)
            < frozen.TOLERANCE
        )


@pytest.mark.slow
@pytest.mark.parametrize("batch_tokens", [1, 1500, "auto"])
@pytest.mark.parametrize("kind", official_minicheck.KINDS)
def test_batches_change_nothing(models: dict[str, Path], kind: str, batch_tokens: Any) -> None:
    found = values(scored(whole(models[kind], batch_tokens=batch_tokens)))
    assert frozen.farthest(found, fixture(kind)["scores"]) < frozen.TOLERANCE


def test_encoder_decoder_is_told_by_its_config(models: dict[str, Path]) -> None:
    assert whole(models["flan-t5-large"]).most_tokens == 2048
    assert whole(models["roberta-large"]).most_tokens == 512
    assert whole(models["deberta-v3-large"]).most_tokens == 2048
    assert whole(models["roberta-large"], max_tokens=100).most_tokens == 100


class NoSeparator(Plain):
    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        text = (
            super().prompt(chunk, claim).text.replace(self.loaded_network.tokenizer.eos_token, " ")
        )
        return ChunkPrompt(text, len(chunk), len(text))


class ClaimFirst(Plain):
    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        return super().prompt(claim, chunk)


class OtherAnswer(Plain):
    def support_probabilities(self, items: Any) -> Any:
        return 1 - super().support_probabilities(items)


class SmallerChunks(Plain):
    def passages(self, article: str) -> Any:
        return super().passages(article)[:1]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [NoSeparator, ClaimFirst, OtherAnswer, SmallerChunks])
@pytest.mark.parametrize("kind", official_minicheck.KINDS)
def test_fixture_bites(models: dict[str, Path], kind: str, mutant: type[Plain]) -> None:
    check = mutant(str(models[kind]), device="cpu", claims="summary")
    assert frozen.farthest(values(scored(check)), fixture(kind)["scores"]) > frozen.MISTAKE


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutation", [mutations.padded_left, mutations.padding_read, mutations.cut_short]
)
@pytest.mark.parametrize("kind", official_minicheck.KINDS)
def test_fixture_bites_where_tokens_are_at_fault(
    models: dict[str, Path],
    kind: str,
    mutation: mutations.Mutation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if mutation is mutations.padded_left and kind == "flan-t5-large":
        pytest.skip("T5's positions are relative: padding on the left is as good")
    if mutation is mutations.cut_short and kind != "roberta-large":
        pytest.skip("no chunk comes near the 2,048 tokens of these kinds")
    mutation(monkeypatch)
    found = values(scored(whole(models[kind])))
    assert frozen.farthest(found, fixture(kind)["scores"]) > frozen.MISTAKE


def test_sentences_are_claims_and_the_least_of_them_counts(models: dict[str, Path]) -> None:
    summary = "The council met. It voted for the budget. Rain fell."
    check = MiniCheck(str(models["flan-t5-large"]), device="cpu")
    (score,) = scored(check, [(ARTICLE, summary)])
    alone = scored(check, [(ARTICLE, span.of(summary)) for span in texts.split(summary)])
    assert [s.value for s in score.sentences] == pytest.approx(values(alone), abs=frozen.TOLERANCE)
    assert score.value == score.parts["min"] == min(s.value for s in score.sentences)
    mean = MiniCheck(str(models["flan-t5-large"]), device="cpu", aggregate="mean")
    (other,) = scored(mean, [(ARTICLE, summary)])
    assert other.value == pytest.approx(sum(values(alone)) / 3, abs=frozen.TOLERANCE)
    assert other.value == other.parts["mean"]


def test_evidence_is_the_best_chunk(models: dict[str, Path]) -> None:
    check = Plain(str(models["roberta-large"]), device="cpu", claims="summary")
    for (article, _), score, chunks in zip(
        texts.pairs(), scored(check), fixture("roberta-large")["chunks"], strict=True
    ):
        (sentence,) = score.sentences
        best = check.passages(article)[chunks.index(max(chunks))]
        assert sentence.evidence == (best.span,)
        assert best.span is not None
        words = best.span.of(article).split()
        assert words == best.text.split()


def test_cut_claim_and_cut_article_are_said(models: dict[str, Path]) -> None:
    check = MiniCheck(str(models["roberta-large"]), device="cpu", max_tokens=20)
    (score,) = scored(check, [(ARTICLE, "The council met on Monday and voted.")])
    assert score.parts["read"] < 1
    assert "of the article was read; 1 piece of the summary cut" in score.note


def test_cascade_asks_nothing_about_copies(models: dict[str, Path]) -> None:
    check = MiniCheck(str(models["flan-t5-large"]), device="cpu", cascade=True)
    (score,) = scored(check, [(ARTICLE, "Rain fell all day. The mayor was glad.")])
    assert score.sentences[0].value == 1.0
    assert [span.of(ARTICLE) for span in score.sentences[0].evidence] == ["Rain fell all day."]
    assert score.parts["copied"] == 0.5
    assert check.loaded_network.computed == 1


def test_classifier_of_three_labels_is_refused(tmp_path: Path) -> None:
    three = tiny.roberta_classifier(tmp_path / "three", tiny.NLI_LABELS)
    with pytest.raises(ModelError, match="3 labels"):
        scored(MiniCheck(str(three), device="cpu"), [(ARTICLE, "Rain fell.")])


def test_presets_are_the_authors() -> None:
    assert MiniCheck().checkpoint == "lytang/MiniCheck-Flan-T5-Large"
    assert MiniCheck("roberta-large").checkpoint == "lytang/MiniCheck-RoBERTa-Large"


@pytest.mark.parametrize("options", [{"chunk_size": 0}, {"max_tokens": 0}])
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="below 1"):
        MiniCheck(**options)
