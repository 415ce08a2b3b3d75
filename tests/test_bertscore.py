"""BERTScore has bert-score's numbers from before transformers 5, as metric and as check."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neural import frozen, mutations, official_bertscore
from neural.cases import PAIRS, SHORT, expected_of

from evalharness.checks.bertscore import BertScore as Check
from evalharness.config.signature import signature_parts
from evalharness.errors import DataError, ModelError
from evalharness.metrics import bertscore
from evalharness.metrics.bertscore import BertScore as Metric
from evalharness.neural import embedding
from evalharness.neural.network import Network
from evalharness.records import Article, Score, Summary

pytestmark = pytest.mark.usefixtures("float64")

FIRST, SECOND = official_bertscore.references()
KINDS = tuple(official_bertscore.ENCODERS)
FIGURES = ("precision", "recall", "f1")
Rows = Sequence[Sequence[float]]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = official_bertscore.ENCODERS.items()
    return {name: make(tmp_path_factory.mktemp("bertscore") / name) for name, make in made}


def check(folder: Path, **options: Any) -> Check:
    given: dict[str, Any] = {"layers": 3, "device": "cpu"} | options
    return Check(str(folder), **given)


def metric(folder: Path, **options: Any) -> Metric:
    given: dict[str, Any] = {"layers": 3, "device": "cpu"} | options
    return Metric(str(folder), **given)


@pytest.fixture(scope="session")
def checks(folders: dict[str, Path]) -> dict[str, Check]:
    return {name: check(folder) for name, folder in folders.items()}


def rows(scores: Sequence[Score]) -> Rows:
    assert all(score.value is not None for score in scores)
    return [[score.parts[name] for name in FIGURES] for score in scores]


def farthest(found: Rows, expected: Rows) -> float:
    return float(np.abs(np.asarray(found) - np.asarray(expected)).max())


def against(found: Metric, references: Sequence[Sequence[str]]) -> Rows:
    given = zip(references, PAIRS, strict=True)
    return rows(found.score([(Article("", "", tuple(r)), summary) for r, (_, summary) in given]))


def authors(kind: str, what: str, some: Sequence[int] = range(len(PAIRS))) -> Rows:
    values = frozen.read(f"bertscore_{kind}")[what]
    return [values[n] for n in some]


@pytest.mark.parametrize("kind", KINDS)
def test_check_has_the_authors_figures_against_articles(
    folders: dict[str, Path], checks: dict[str, Check], kind: str
) -> None:
    expected = expected_of(f"bertscore_{kind}", folders[kind])
    assert expected["transformers"] == "4.46.3"
    assert farthest(rows(checks[kind].score(PAIRS)), expected["article"]) < frozen.TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_metric_has_the_authors_figures(
    folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    plain = metric(folders[kind])
    one = [[reference] for reference in FIRST]
    assert farthest(against(plain, one), authors(kind, "reference")) < frozen.TOLERANCE
    both = list(zip(FIRST, SECOND, strict=True))
    assert farthest(against(plain, both), authors(kind, "several")) < frozen.TOLERANCE
    documents = tmp_path / "documents.txt"
    documents.write_text("\n\n".join(official_bertscore.documents()))
    weighing = metric(folders[kind], idf=documents)
    assert farthest(against(weighing, one), authors(kind, "idf")) < frozen.TOLERANCE
    rescaling = metric(folders[kind], baseline=official_bertscore.baseline(tmp_path))
    assert farthest(against(rescaling, one), authors(kind, "rescaled")) < frozen.TOLERANCE


def fresh(found: Check, batch_tokens: int = 1024) -> Check:
    """Return a check with the same model that remembers nothing."""
    other = check(Path(found.model), layers=found.layers, long=found.long)
    network: Any = found.embedder.network
    windows = found.long == "windows"
    layers = found.n_layers
    remade = embedding.Embedder(Network(network, batch_tokens), layers, windows, None)
    other.__dict__["embedder"] = remade
    return other


@pytest.mark.parametrize("batch_tokens", [1, 5000])
def test_batches_of_other_sizes_change_nothing(checks: dict[str, Check], batch_tokens: int) -> None:
    found = fresh(checks["roberta"], batch_tokens).score([PAIRS[n] for n in SHORT])
    assert farthest(rows(found), authors("roberta", "article", SHORT)) < frozen.TOLERANCE


def _no_space_in_front(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    found.embedder.prefix = ""


def _swapped_pair(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = bertscore.BertScoring.compare_pairs

    def swapped(self: Any, pairs: Any, made: Any) -> Any:
        turned = compared(self, [pair[::-1] for pair in pairs], lambda r, h, m: made(h, r, m))
        return {pair[::-1]: value for pair, value in turned.items()}

    monkeypatch.setattr(bertscore.BertScoring, "compare_pairs", swapped)


def _left_padding(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.rows_turned(monkeypatch)


def _no_end_mark(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    found.embedder.after = ()


def _another_layer(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    found.embedder.model = embedding.first_layers(found.embedder.network.model, 2)


def _special_tokens_weigh(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = lambda text: np.ones(len(text.ids), np.float32)  # noqa: E731
    monkeypatch.setattr(found.embedder, "weights", alike)


@pytest.mark.parametrize(
    "mutation",
    [
        _no_space_in_front,
        _swapped_pair,
        _left_padding,
        _no_end_mark,
        _another_layer,
        _special_tokens_weigh,
    ],
)
def test_fixture_notices(
    checks: dict[str, Check],
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[Check, pytest.MonkeyPatch], None],
) -> None:
    mutated = fresh(checks["roberta"])
    mutation(mutated, monkeypatch)
    found = rows(mutated.score([PAIRS[n] for n in SHORT]))
    assert farthest(found, authors("roberta", "article", SHORT)) > frozen.MISTAKE


def test_each_pair_alone_and_in_another_order_scores_the_same(checks: dict[str, Check]) -> None:
    some = [PAIRS[n] for n in SHORT]
    together = rows(fresh(checks["roberta"]).score(some))
    alone = [row for pair in some for row in rows(fresh(checks["roberta"]).score([pair]))]
    assert farthest(alone, together) < frozen.TOLERANCE
    turned = rows(fresh(checks["roberta"]).score([*reversed(some), some[0]]))
    assert farthest(turned, [*reversed(together), together[0]]) < frozen.TOLERANCE


def test_equal_texts_go_through_the_model_once(checks: dict[str, Check]) -> None:
    found = fresh(checks["roberta"])
    article, summary = PAIRS[0]
    scores = found.score([(article, summary)] * 3 + [(article, Summary("", article.text))])
    assert scores[0] == scores[1] == scores[2]
    assert scores[3].value == pytest.approx(1, abs=1e-6)
    assert found.embedder.network.computed == 2
    found.score([(article, Summary("", "Another summary."))])
    assert found.embedder.network.computed == 3


def test_sentences_weighed_by_their_tokens_make_the_score(checks: dict[str, Check]) -> None:
    text = "The river rose. The mayor of the old city said no. It rained."
    article = Article("", "The mayor said yes. The river rose in the old city. It snowed.")
    score = checks["roberta"].score([(article, Summary("", text))])[0]
    tokens = checks["roberta"].embedder.text(text)
    numbers = tokens.numbers([sentence.span for sentence in score.sentences])
    n = [int((numbers == number).sum()) for number in range(3)]
    assert sum(n) == len(tokens.ids) - 2
    mean = float(np.average([sentence.value for sentence in score.sentences], weights=n))
    assert score.value == pytest.approx(mean, abs=1e-6)
    assert all(s.evidence[0] in Check.split(article.text) for s in score.sentences)


def test_evidence_is_the_sentence_with_most_of_the_nearest_tokens(checks: dict[str, Check]) -> None:
    article = "The river rose in the old city. It snowed on Monday."
    score = checks["roberta"].score([(Article("", article), Summary("", article))])[0]
    assert [sentence.evidence for sentence in score.sentences] == [
        (sentence.span,) for sentence in score.sentences
    ]


def test_windows_equal_the_cut_where_everything_fits(folders: dict[str, Path]) -> None:
    windowed = check(folders["roberta"], long="windows")
    found = rows(windowed.score([PAIRS[n] for n in SHORT]))
    assert farthest(found, authors("roberta", "article", SHORT)) < frozen.TOLERANCE


def test_windows_read_the_whole_article(folders: dict[str, Path]) -> None:
    kind = folders["bert"]  # reads 128 tokens
    long = " ".join(f"The council voted on plan {n}." for n in range(300))
    pair = (
        Article("", f"{long} A storm hit the harbour."),
        Summary("", "A storm hit the harbour."),
    )
    cut, whole = (check(kind, long=long).score([pair])[0] for long in ("cut", "windows"))
    assert cut.parts["read"] < 0.1
    assert "of the article was read" in cut.note
    assert (whole.parts["read"], whole.note) == (1.0, "")
    assert cut.value is not None
    assert whole.value is not None
    assert whole.value > cut.value
    assert whole.sentences[0].evidence[0] in Check.split(pair[0].text)


@pytest.mark.parametrize("n", [1, 125, 126, 127, 200, 252, 253, 1000])
def test_windows_hold_each_token_once_and_in_order(folders: dict[str, Path], n: int) -> None:
    embedder = check(folders["bert"], long="windows").embedder
    found = embedder.text("a " * n)
    rows_of = [w.item.tokens[w.keep] for w in found.windows]
    assert all(len(window.item) <= 128 for window in found.windows)
    assert np.concatenate(rows_of).tolist() == found.ids.tolist()
    assert len(found.ids) == n + 2


def test_memory_in_slices_gives_the_same(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    windowed = check(folders["bert"], long="windows")
    some = [PAIRS[n] for n in (20, 27, 31)]
    whole = rows(windowed.score(some))
    monkeypatch.setattr(embedding, "TOKENS_TOGETHER", 200)
    monkeypatch.setattr(embedding, "_LIKENESSES", 1000)
    assert farthest(rows(fresh(windowed).score(some)), whole) < frozen.TOLERANCE


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [
        ("It rained.", " ", "the summary is empty"),
        ("", "It rained.", "the article is empty"),
    ],
)
def test_what_is_empty_has_no_score(
    checks: dict[str, Check], article: str, summary: str, note: str
) -> None:
    found = checks["roberta"].score([(Article("", article), Summary("", summary))])
    assert found == [Score(None, note=note)]


def test_metric_says_what_it_lacks(folders: dict[str, Path]) -> None:
    plain = metric(folders["roberta"])
    given = [(("A storm.",), " "), ((), "A storm."), ((" ", "A storm."), "A storm.")]
    found = plain.score([(Article("", "", r), Summary("", s)) for r, s in given])
    assert [score.note for score in found] == [
        "the summary is empty",
        "the article has no reference",
        "",
    ]
    assert found[2].value == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("text", ["Rain", ".", "\ud800 rain.", "…", "</s>", "a\u0000b", "\u200b"])
def test_odd_texts_have_scores_or_reasons(checks: dict[str, Check], text: str) -> None:
    found = checks["roberta"].score([(Article("", "It rained."), Summary("", text))])[0]
    assert found.note.startswith("nothing to compare") if found.value is None else found.value < 1.1


@pytest.mark.parametrize("name", ["roberta", "bert"])
def test_layers_that_are_left_out_change_no_other_model(
    folders: dict[str, Path], name: str
) -> None:
    import torch

    from evalharness.hf import weights

    request = weights.Request("AutoModel", str(folders[name]), device="cpu", dtype="float32")
    model = weights.load_checkpoint(request).model
    ids = torch.tensor([[2, 5, 9, 3]])
    with torch.no_grad():
        states = model(ids, output_hidden_states=True).hidden_states
        for layers in (1, 3, 4):
            short = embedding.first_layers(model, layers)
            assert torch.equal(short(ids).last_hidden_state, states[layers])
        assert len(model(ids, output_hidden_states=True).hidden_states) == 5
    with pytest.raises(ModelError, match="layers: 5, and the model has 4"):
        embedding.first_layers(model, 5)


@pytest.mark.parametrize("kind", ["albert", "distilbert", "t5", "bart", "deberta-v2", "gpt2"])
def test_layers_of_other_kinds_are_found(kind: str) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    few: dict[str, Any] = {"hidden_size": 8, "num_attention_heads": 2, "vocab_size": 20}
    few |= {"intermediate_size": 8, "num_hidden_layers": 2, "embedding_size": 8}
    if kind in ("distilbert", "bart"):
        few = {"vocab_size": 20, "dim": 8, "hidden_dim": 8, "n_heads": 2, "n_layers": 2}
    if kind == "bart":
        few = {"vocab_size": 20, "d_model": 8, "encoder_layers": 2, "decoder_layers": 1}
        few |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    if kind == "t5":
        few = {"vocab_size": 20, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_heads": 2}
        few |= {"num_layers": 2}
    if kind == "gpt2":
        few = {"vocab_size": 20, "n_embd": 8, "n_layer": 2, "n_head": 2}
    make: Any = AutoModel.from_config
    model = make(AutoConfig.for_model(kind, **few)).double().eval()
    short = embedding.first_layers(model, 1)
    with torch.no_grad():
        hidden = short(torch.tensor([[5, 9, 3]])).last_hidden_state
    assert hidden.shape == (1, 3, 8)


def test_space_in_front_is_where_slow_tokenizers_had_it(folders: dict[str, Path]) -> None:
    assert check(folders["roberta"]).embedder.prefix == " "
    assert check(folders["bert"]).embedder.prefix == ""
    assert check(folders["roberta"], prefix_space=False).embedder.prefix == ""
    assert not {"bart", "longformer", "deberta"} & embedding.PREFIXED


def test_layers_come_from_the_table_or_must_be_said(tmp_path: Path) -> None:
    assert Metric("roberta-large").n_layers == 17
    assert Metric("google-bert/bert-base-uncased").n_layers == 9
    assert Metric("roberta-large", layers=5).n_layers == 5
    with pytest.raises(ValueError, match="layers: bert-score's table has no 'x/y'"):
        Metric("x/y")
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 6}')
    with pytest.raises(ValueError, match="which has 6; say how many layers to use"):
        Metric(str(tmp_path))
    with pytest.raises(ValueError, match="layers: 0 is below 1"):
        Metric("roberta-large", layers=0)


def test_signature_names_what_changes_a_score(folders: dict[str, Path], tmp_path: Path) -> None:
    plain = signature_parts("bertscore", metric(folders["roberta"]))
    assert plain["layers"] == "3"
    assert "idf" not in plain
    documents = tmp_path / "documents.txt"
    signatures = []
    for text in ("It rained.\n", "It snowed.\n"):
        documents.write_text(text)
        signatures.append(signature_parts("b", metric(folders["roberta"], idf=documents)))
    assert signatures[0]["idf"] != signatures[1]["idf"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no baseline for layer 3"),
        ("LAYER,P,R,F\n2,.1,.1,.1\n", "no baseline for layer 3"),
        ("LAYER,P,R,F\n3,.1,x,.1\n", "no table with the columns"),
        ("a,b\n1,2\n", "no table with the columns"),
        ("LAYER,P,R,F\n3,1,1,1\n", "must be below 1"),
    ],
)
def test_baseline_that_is_none_is_named(
    folders: dict[str, Path], tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "baseline.tsv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        metric(folders["bert"], baseline=path).score([(Article("", "", ("a",)), Summary("", "a"))])


def test_empty_documents_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "documents.txt"
    path.write_text("\n \n")
    with pytest.raises(DataError, match="no document"):
        metric(folders["bert"], idf=path).score([(Article("", "", ("a",)), Summary("", "a"))])


@pytest.mark.slow
def test_article_of_100_000_words_in_bounded_memory(folders: dict[str, Path]) -> None:
    import tracemalloc

    windowed = check(folders["roberta"], long="windows")
    article = Article("", "The river rose again in the city. " * 14_300)
    summary = Summary("", "The river rose. The mayor left.")
    windowed.score([(Article("", "A"), summary)])
    tracemalloc.start()
    score = windowed.score([(article, summary)])[0]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.parts["read"] == 1
    assert most < 200 * 2**20


@pytest.mark.skipif(importlib.util.find_spec("bert_score") is None, reason="needs bert-score")
def test_table_of_layers_is_that_of_bert_score() -> None:
    from bert_score.utils import model2layers  # type: ignore[import-not-found]

    assert {name: model2layers[name] for name in bertscore.LAYERS} == bertscore.LAYERS


def test_more_embeddings_are_kept_than_other_results(checks: dict[str, Check]) -> None:
    assert checks["roberta"].embedder.network.memory.most_bytes == embedding.KEPT_BYTES
