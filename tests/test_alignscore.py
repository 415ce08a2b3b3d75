"""AlignScore says what its authors' code says, from their checkpoint and from our folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from neural import frozen, mutations, texts, tiny_scorers
from neural.cases import PAIRS, SHORT, AuthorsSentences, expected_of, fresh

from evalharness.checks.alignscore import AlignScore, Mode
from evalharness.config.signature import signature_parts
from evalharness.errors import ModelError
from evalharness.records import Article, Score, Span, Summary

pytestmark = pytest.mark.usefixtures("float64")

MODES: tuple[Mode, ...] = ("nli_sp", "nli", "bin_sp", "bin", "reg_sp", "reg")


class Plain(AuthorsSentences, AlignScore):
    """With the sentence splitter that the authors' code was given."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_scorers.alignscore(tmp_path_factory.mktemp("alignscore"))


@pytest.fixture(scope="session")
def check(folder: Path) -> Plain:
    return Plain(str(folder), "align.ckpt", str(folder), device="cpu")


def other(check: Plain, **options: Any) -> Plain:
    """Return a check with other options and the same network."""
    changed = replace(check, **options)
    changed.__dict__["loaded_network"] = check.loaded_network
    return changed


def one(check: AlignScore, article: str, summary: str) -> Score:
    return check.score([(Article("", article), Summary("", summary))])[0]


def values(check: AlignScore, some: Sequence[int] = range(len(PAIRS))) -> list[float]:
    found = [score.value for score in check.score([PAIRS[n] for n in some])]
    return [value for value in found if value is not None]


def authors(some: Sequence[int] = SHORT) -> list[float]:
    expected = frozen.read("alignscore")["nli_sp"]
    return [expected[n] for n in some]


@pytest.mark.parametrize("mode", MODES)
def test_scores_are_the_authors_in_every_mode(folder: Path, check: Plain, mode: Mode) -> None:
    expected = expected_of("alignscore", folder)
    assert frozen.farthest(values(other(check, mode=mode)), expected[mode]) < frozen.TOLERANCE


@pytest.mark.parametrize("batch_tokens", [1, 3000])
def test_batches_of_other_sizes_change_nothing(check: Plain, batch_tokens: int) -> None:
    found = values(fresh(check, batch_tokens), SHORT)
    assert frozen.farthest(found, authors()) < frozen.TOLERANCE


def _swapped_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.checks import alignscore_network

    monkeypatch.setitem(
        alignscore_network.HEAD_COLUMNS, "nli", alignscore_network.HEAD_COLUMNS["nli"] + 1
    )


def _no_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.checks.alignscore_network import AlignNetwork

    def unpooled(self: Any, inputs: Any) -> Any:
        import torch

        first = self.base_model(**inputs).last_hidden_state[:, 0]
        return torch.cat([self.bin_layer(first), self.tri_layer(first).softmax(-1)], dim=-1)

    monkeypatch.setattr(AlignNetwork, "answers", unpooled)


@pytest.mark.parametrize(
    "mutation",
    [
        _swapped_labels,
        mutations.pair_swapped,
        mutations.rows_turned,
        mutations.separator_dropped,
        _no_pooler,
    ],
)
def test_fixture_notices(
    check: Plain,
    monkeypatch: pytest.MonkeyPatch,
    mutation: mutations.Mutation,
) -> None:
    mutated = fresh(check)
    mutation(monkeypatch)
    assert frozen.farthest(values(mutated, SHORT), authors()) > frozen.MISTAKE


def test_each_pair_alone_and_in_another_order_scores_the_same(check: Plain) -> None:
    together = values(check, SHORT)
    alone = [value for n in SHORT for value in values(fresh(check), [n])]
    assert frozen.farthest(alone, together) < frozen.TOLERANCE
    turned = values(fresh(check), [*reversed(SHORT), SHORT[0]])
    assert frozen.farthest(turned, [*reversed(together), together[0]]) < frozen.TOLERANCE


def test_sentence_scores_average_to_the_score_and_point_to_passages(check: Plain) -> None:
    for (article, summary), score in zip(PAIRS, check.score(PAIRS), strict=True):
        sentences = score.sentences
        assert score.value == pytest.approx(sum(s.value for s in sentences) / len(sentences))
        assert [s.span for s in sentences] == texts.split(summary.text)
        for sentence in sentences:
            assert all(0 <= s.start < s.end <= len(article.text) for s in sentence.evidence)


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [
        ("It rained.", "", "the summary is empty"),
        ("It rained.", " \n ", "the summary is empty"),
        ("", "It rained.", "the article is empty"),
    ],
)
@pytest.mark.parametrize("mode", ["nli_sp", "nli"])
def test_what_is_empty_has_no_score(
    check: Plain, article: str, summary: str, note: str, mode: Mode
) -> None:
    assert one(other(check, mode=mode), article, summary) == Score(None, note=note)


@pytest.mark.parametrize("text", ["Rain", ".", "\ud800 rain.", "…", "\u200b", "</s> <s>"])
def test_odd_texts_have_scores(check: Plain, text: str) -> None:
    score = one(check, f"It rained. {text}", text)
    assert score.value is not None
    assert 0 <= score.value <= 1


def test_what_did_not_fit_is_recorded(check: Plain) -> None:
    article = " and ".join(["the river"] * 600)
    score = one(other(check, mode="nli"), article, "The river rose.")
    assert 0 < score.parts["read"] < 1
    assert score.note == f"{score.parts['read']:.0%} of the article was read"
    cut = one(check, "The river rose.", article)
    assert cut.note == "1 piece of the summary cut"


def test_copied_sentences_skip_the_network(check: Plain) -> None:
    cascading = fresh(replace(check, cascade=True))
    score = one(cascading, "It rained. The river rose. Boats sank.", "The river rose. It snowed.")
    assert score.sentences[0].value == 1.0
    assert score.sentences[0].evidence == (Span(11, 26),)
    assert score.parts["copied"] == 0.5
    assert cascading.loaded_network.computed == 1


def test_folder_of_ours_scores_like_the_checkpoint(check: Plain, tmp_path: Path) -> None:
    check.save(tmp_path / "saved")
    saved = Plain(str(tmp_path / "saved"), device="cpu")
    assert frozen.farthest(values(saved, SHORT), values(check, SHORT)) < frozen.TOLERANCE
    assert saved.identity().keys() == {"sha256", "sentences"}


def test_signature_names_checkpoint_and_backbone(check: Plain, folder: Path) -> None:
    signature = signature_parts("alignscore", check)
    assert signature["model"] == signature["backbone"] == "roberta"
    assert signature["file"] == "align.ckpt"
    assert len(signature["sha256"]) == 32
    before = check.identity()
    with (folder / "align.ckpt").open("ab") as stream:
        stream.write(b"\0")
    changed = check.identity()
    (folder / "align.ckpt").write_bytes((folder / "align.ckpt").read_bytes()[:-1])
    assert changed["sha256"] != before["sha256"]


def test_options_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="backbone: goes with file"):
        AlignScore("folder", "align.ckpt")
    with pytest.raises(ValueError, match="cascade: the mode nli does not"):
        AlignScore("folder", mode="nli", cascade=True)


class Foreign:
    """Stands for what a checkpoint may hold of its trainer."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code must not run",))


def test_checkpoint_runs_no_code(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    from evalharness.checks.alignscore_network import read_lightning

    whole = torch.load(folder / "align.ckpt", weights_only=True)
    torch.save(whole | {"callbacks": {"last": Foreign()}}, tmp_path / "foreign.ckpt")
    weights = read_lightning(tmp_path / "foreign.ckpt")
    assert weights.keys() == whole["state_dict"].keys()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_damaged_checkpoint_is_named(folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "align.ckpt").write_bytes(content)
    check = AlignScore(str(tmp_path), "align.ckpt", str(folder), device="cpu")
    with pytest.raises(ModelError, match=r"align\.ckpt: "):
        one(check, "It rained.", "It rained.")


def test_backbone_of_another_size_is_named(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wider = tiny_scorers.roberta_encoder(tmp_path_factory.mktemp("wide"), 2, 1, hidden_size=64)
    check = AlignScore(str(folder), "align.ckpt", str(wider), device="cpu")
    with pytest.raises(ModelError, match="name the backbone it was trained on"):
        one(check, "It rained.", "It rained.")


@pytest.mark.slow
def test_article_of_100_000_words_in_bounded_memory(check: Plain) -> None:
    import tracemalloc

    article = "The river rose again in the city. " * 14_300
    tracemalloc.start()
    score = one(fresh(check), article, "The river rose. The mayor left.")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.value is not None
    assert most < 100 * 2**20
