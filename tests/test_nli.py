"""SummaC: equal to its authors' code on tiny models, and what the authors left open."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from neural import frozen, mutations, official_summac, texts, tiny
from neural.cases import SHORT, AuthorsSentences, scored

from evalharness.checks import nli
from evalharness.checks.nli import Granularity, Nli, pieces
from evalharness.errors import ModelError
from evalharness.records import Score

pytestmark = pytest.mark.usefixtures("float64")

# Much as the authors batch, 128 pairs together.
LARGE = 16_384
ARTICLE = "The council met on Monday. It voted against the new budget. Rain fell all day."


class Plain(AuthorsSentences, Nli):
    """With the sentence splitter that the authors' code was given."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return official_summac.models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official_summac.head(tmp_path_factory.mktemp("head") / "head.bin")


def plain(folder: Path, **options: Any) -> Plain:
    return Plain(str(folder), device="cpu", **options)


def numbers(scores: list[Score]) -> list[float]:
    """The authors have 0 where no sentence is long enough."""
    return [0.0 if score.value is None else score.value for score in scores]


@pytest.mark.parametrize("name", ["vitc", "mnli"])
def test_checkpoint_and_texts_are_those_of_the_fixture(models: dict[str, Path], name: str) -> None:
    kept = frozen.read(f"summac_{name}")
    assert kept["model"] == tiny.weights_digest(models[name])
    assert kept["texts"] == texts.digest()
    assert len(texts.pairs()) >= 30
    assert np.std(kept["sentence"]["scores"]) > 0.05


@pytest.mark.parametrize("granularity", official_summac.GRANULARITIES)
@pytest.mark.parametrize("name", ["vitc", "mnli"])
def test_zero_shot_equals_the_authors(
    models: dict[str, Path], name: str, granularity: Granularity
) -> None:
    kept = frozen.read(f"summac_{name}")[granularity]
    scores = scored(plain(models[name], granularity=granularity, batch_tokens=LARGE))
    assert frozen.farthest(numbers(scores), kept["scores"]) < frozen.TOLERANCE
    for score, expected in zip(scores, kept["sentences"], strict=True):
        found = [sentence.value for sentence in score.sentences]
        assert len(found) == len(expected)
        assert not found or frozen.farthest(found, expected) < frozen.TOLERANCE


@pytest.mark.parametrize("batch_tokens", [1, 300, "auto"])
@pytest.mark.parametrize("name", ["vitc", "mnli"])
def test_zero_shot_equals_the_authors_in_other_batches(
    models: dict[str, Path], name: str, batch_tokens: Any
) -> None:
    kept = frozen.read(f"summac_{name}")["sentence"]["scores"]
    found = numbers(scored(plain(models[name], batch_tokens=batch_tokens)))
    assert frozen.farthest(found, kept) < frozen.TOLERANCE


@pytest.mark.parametrize("name", ["vitc", "mnli"])
def test_conv_equals_the_authors(models: dict[str, Path], head: Path, name: str) -> None:
    kept = frozen.read(f"summac_{name}")["conv"]
    scores = scored(plain(models[name], head=head, batch_tokens=LARGE))
    compared = [
        (score.value, expected)
        for score, expected in zip(scores, kept, strict=True)
        if score.value is not None  # where they have the constant of an empty image
    ]
    assert len(compared) >= 30
    assert frozen.farthest([a for a, _ in compared], [b for _, b in compared]) < frozen.TOLERANCE


MUTATIONS = [
    mutations.labels_swapped,
    mutations.pair_swapped,
    mutations.separator_dropped,
    mutations.padded_left,
    mutations.padding_read,
    mutations.cut_short,
]


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", ["vitc", "mnli"])
def test_fixture_bites(
    models: dict[str, Path],
    name: str,
    mutation: mutations.Mutation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Short pairs show it, all but what is cut of long ones."""
    long = mutation is mutations.cut_short
    granularity: Granularity = "document" if long else "sentence"
    kept = frozen.read(f"summac_{name}")[granularity]["scores"]
    pairs = texts.pairs()
    chosen = range(len(pairs)) if long else SHORT
    mutation(monkeypatch)
    check = plain(models[name], granularity=granularity, batch_tokens=LARGE)
    found = numbers(scored(check, [pairs[n] for n in chosen]))
    assert frozen.farthest(found, [kept[n] for n in chosen]) > frozen.MISTAKE


def test_head_reads_alike_from_all_three_formats(head: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    drawn = official_summac.head_numbers()
    save_file(drawn, tmp_path / "head.safetensors")
    as_lists = {name: values.tolist() for name, values in drawn.items()}
    (tmp_path / "head.json").write_text(json.dumps(as_lists))
    first = nli.read_head(head)
    for name in ("head.safetensors", "head.json"):
        other = nli.read_head(tmp_path / name)
        assert np.array_equal(first.bins, other.bins)
        assert (first.bias, first.slope, first.offset) == (other.bias, other.slope, other.offset)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("head.json", b"[1, 2]"),
        ("head.json", b"{"),
        ("head.json", b'{"mlp.weight": [[1.0]]}'),
        ("head.json", b"\xff\xfe"),
        ("head.bin", b"no pickle"),
        ("head.safetensors", b"short"),
    ],
)
def test_file_that_is_no_head_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name) as caught:
        nli.read_head(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_pickle_that_would_run_code_does_not(tmp_path: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.write_text, (tmp_path / "ran", "it ran"))

    torch.save({"mlp.weight": Trap()}, tmp_path / "head.bin")
    with pytest.raises(ModelError):
        nli.read_head(tmp_path / "head.bin")
    assert not (tmp_path / "ran").exists()


def test_sentence_of_conv_stands_for_its_own_score(models: dict[str, Path], head: Path) -> None:
    (whole,) = scored(plain(models["mnli"], head=head), [(ARTICLE, "Rain fell all day.")])
    assert whole.value == pytest.approx(whole.sentences[0].value)


def test_labels_are_found_by_name_or_given(models: dict[str, Path], tmp_path: Path) -> None:
    assert plain(models["vitc"]).labels == (0, 1)
    assert plain(models["mnli"]).labels == (2, 0)
    assert plain(models["mnli"], entailment=1, contradiction=2).labels == (1, 2)
    nameless = tiny.roberta_classifier(tmp_path / "nameless", ("LABEL_0", "LABEL_1", "LABEL_2"))
    with pytest.raises(ModelError, match="0 LABEL_0, 1 LABEL_1, 2 LABEL_2; set entailment"):
        scored(plain(nameless), [(ARTICLE, "Rain fell all day.")])


def test_not_entailment_is_no_entailment(tmp_path: Path) -> None:
    two = tiny.roberta_classifier(tmp_path / "two", ("entailment", "not_entailment"))
    with pytest.raises(ModelError, match="not_entailment"):
        scored(plain(two), [(ARTICLE, "Rain fell all day.")])
    assert plain(two, entailment=0, contradiction=1).labels == (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entailment": 0}, "give contradiction too"),
        ({"entailment": 1, "contradiction": 1}, "is contradiction as well"),
        ({"max_pieces": 0}, "below 1"),
        ({"max_tokens": 0}, "below 1"),
        ({"head": Path("x"), "cascade": True}, "not with a head"),
        ({"device": "abacus"}, "none of"),
        ({"batch_tokens": 0}, "below 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Nli("x", **options)


def test_sentences_aggregate_to_the_score_and_point_at_the_article(
    models: dict[str, Path],
) -> None:
    check = Nli(str(models["mnli"]), device="cpu")
    for (article, summary), score in zip(texts.pairs(), scored(check), strict=True):
        if score.value is None:
            assert not score.sentences
            continue
        values = [sentence.value for sentence in score.sentences]
        assert score.value == pytest.approx(np.mean(values))
        assert score.parts["min"] == min(values)
        for sentence in score.sentences:
            assert 1 <= len(sentence.evidence) <= 2
            assert len(sentence.span.of(summary)) > 10
            assert all(span.of(article).strip() for span in sentence.evidence)


def test_what_is_not_read_is_said(models: dict[str, Path]) -> None:
    article = " ".join(f"Sentence number {n} is about the bridge." for n in range(200))
    (score,) = scored(Nli(str(models["mnli"]), device="cpu"), [(article, "The bridge is closed.")])
    assert score.parts["read"] == pytest.approx(0.5, abs=0.02)
    assert "of the article was read" in score.note
    (score,) = scored(
        Nli(str(models["mnli"]), device="cpu", granularity="document", max_tokens=100),
        [(article, "The bridge is closed.")],
    )
    assert score.parts["read"] < 0.1


def test_cut_summary_is_said(models: dict[str, Path]) -> None:
    summary = " and ".join(["the bridge is closed"] * 60)
    check = Nli(str(models["mnli"]), device="cpu", max_tokens=60)
    (score,) = scored(check, [("The bridge is closed.", summary)])
    assert "1 piece of the summary cut" in score.note


def test_cascade_settles_copies_without_the_network(models: dict[str, Path]) -> None:
    summary = "It voted against the new budget.  Rain\nfell all day. The mayor was glad."
    check = Nli(str(models["mnli"]), device="cpu", cascade=True)
    (score,) = scored(check, [(ARTICLE, summary)])
    first, second, third = score.sentences
    assert (first.value, second.value) == (1.0, 1.0)
    assert [span.of(ARTICLE) for span in first.evidence] == ["It voted against the new budget."]
    assert third.value < 1
    assert score.parts["copied"] == pytest.approx(2 / 3)
    assert check.loaded_network.computed == 3  # three sentences of the article, one of the summary


def test_cascade_loads_nothing_where_all_is_copied(tmp_path: Path) -> None:
    (score,) = scored(Nli("no/such-model", cascade=True), [(ARTICLE, "Rain fell all day.")])
    assert (score.value, score.parts["copied"]) == (1.0, 1.0)


def test_paragraphs_are_what_empty_lines_part() -> None:
    text = "One long paragraph.\nStill the same.\n\n  Another paragraph.  \n\n\n\nShort.\n\n"
    found = [span.of(text) for span in pieces(text, "paragraph", texts.split)]
    assert found == ["One long paragraph.\nStill the same.", "Another paragraph."]
    lines = "One line of text.\r\nAnother line of text."
    found = [span.of(lines) for span in pieces(lines, "paragraph", texts.split)]
    assert found == ["One line of text.", "Another line of text."]


def test_presets_have_their_authors_labels() -> None:
    check = cast(Any, Nli)
    assert check.presets["vitc"] == "tals/albert-xlarge-vitaminc-mnli"
    assert Nli("mnli").checkpoint == "roberta-large-mnli"
    assert Nli("some/folder").checkpoint == "some/folder"
