"""What holds for every check with a network: order, repeats, empty texts, memory, the cascade."""

import dataclasses
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from neural import frozen, texts, tiny

from evalharness.checks.factcg import FactCG
from evalharness.checks.hhem import Hhem
from evalharness.checks.minicheck import MiniCheck
from evalharness.checks.nli import Nli
from evalharness.errors import ModelError
from evalharness.neural import network
from evalharness.neural.batches import Encoded, Memory, pack_ids, plan_batches
from evalharness.neural.reading import CopiedSentences
from evalharness.protocols import Metric, Pair
from evalharness.records import Article, Score, Summary
from evalharness.text import sentences

pytestmark = pytest.mark.usefixtures("float64")

Make = Callable[[], Metric]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    tiny.roberta_classifier(made / "nli", tiny.NLI_LABELS)
    tiny.roberta_classifier(made / "two", ("LABEL_0", "LABEL_1"))
    tiny.deberta_classifier(made / "factcg", ("LABEL_0", "LABEL_1"))
    tiny.t5(made / "t5")
    tiny.hhem(made / "hhem")
    return made


def check(name: str, folder: Path, **options: Any) -> Metric:
    options |= {"device": "cpu"}
    makers: dict[str, Make] = {
        "nli": lambda: Nli(str(folder / "nli"), **options),
        "minicheck": lambda: MiniCheck(str(folder / "t5"), **options),
        "minicheck-roberta": lambda: MiniCheck(str(folder / "two"), **options),
        "factcg": lambda: FactCG(str(folder / "factcg"), **options),
        "hhem": lambda: Hhem(
            str(folder / "hhem" / "hhem"),
            backbone=str(folder / "hhem" / "backbone"),
            **options,
        ),
    }
    return makers[name]()


NAMES = ["nli", "minicheck", "minicheck-roberta", "factcg", "hhem"]


def pairs(rows: list[texts.Pair]) -> list[Pair]:
    return [(Article(str(n), a), Summary(str(n), s)) for n, (a, s) in enumerate(rows)]


def some() -> list[Pair]:
    rows = [*texts.pairs()[:16], ("", "A summary."), ("An article.", " \n"), texts.pairs()[3]]
    return pairs(rows)


def alike(found: list[Score], expected: list[Score]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.value is None) == (other.value is None)
        assert one.note == other.note
        assert [s.span for s in one.sentences] == [s.span for s in other.sentences]
        values = [(one.value or 0.0, other.value or 0.0)]
        values += [(a.value, b.value) for a, b in zip(one.sentences, other.sentences, strict=True)]
        assert max(abs(a - b) for a, b in values) < frozen.TOLERANCE


@pytest.mark.parametrize("name", ["nli", "hhem"])
def test_networks_of_parity_tests_compute_in_float64(name: str, folder: Path) -> None:
    loaded: Any = check(name, folder)
    network = loaded.loaded_network
    assert {str(weights.dtype) for weights in network.model.parameters()} == {"torch.float64"}
    assert network.classify(network.encode(["It rained."])).dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_batch_scores_like_its_parts(name: str, folder: Path) -> None:
    alone = check(name, folder, batch_tokens=1)
    alike(check(name, folder).score(some()), [alone.score([pair])[0] for pair in some()])


@pytest.mark.parametrize("name", NAMES)
def test_permuted_pairs_permute_the_scores(name: str, folder: Path) -> None:
    given = some()
    order = random.Random(3).sample(range(len(given)), len(given))
    expected = check(name, folder).score(given)
    found = check(name, folder).score([given[place] for place in order])
    alike(found, [expected[place] for place in order])


@pytest.mark.parametrize("name", NAMES)
def test_repeats_are_computed_once_and_scored_alike(name: str, folder: Path) -> None:
    once: Any = check(name, folder)
    once.score(some()[:4])
    computed = once.loaded_network.computed
    found = once.score(some()[:4] * 3)
    assert once.loaded_network.computed == computed
    assert found[:4] == found[4:8] == found[8:]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_score_is_said_and_loads_nothing(name: str, folder: Path) -> None:
    lazy: Any = check(name, folder)
    found = lazy.score(pairs([("", "x"), (" \n", "x"), ("An article.", ""), ("x", "\t")]))
    assert [score.value for score in found] == [None] * 4
    assert [score.note for score in found] == ["the article is empty"] * 2 + [
        "the summary is empty"
    ] * 2
    assert lazy.score([]) == []
    assert "loaded_network" not in vars(lazy)


ODD = [
    ("word", "word"),
    ("word", "."),
    ("\ud800 lone \udfff surrogates here.", "A lone \ud83d surrogate stands here."),
    ("\x00\x01 control \x7f characters.", "Control characters \x00 stand here."),
    ("\u200b\ufeff", "\u200b\ufeff"),
    ("a" * 3000, "b" * 3000),
    ("!" * 500, "?" * 500),
    ("العربية نص قصير عن المطر.", "نص عن المطر."),
    ("</s> <pad> [SEP] <s>", "</s></s> predict: <unk>"),
    ("One.\r\n\r\nTwo.\u2028Three.", "One.\u2028Two.\x0cThree."),
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_texts_give_sound_scores(name: str, folder: Path) -> None:
    given = pairs(ODD)
    for pair, score in zip(given, check(name, folder).score(given), strict=True):
        assert score.flaw(*pair) == ""


@pytest.mark.parametrize("name", ["nli", "minicheck", "factcg"])
def test_cascade_changes_nothing_but_copies(name: str, folder: Path) -> None:
    given = pairs(texts.pairs()[:20])
    options = {} if name == "nli" else {"claims": "sentences"}
    plain = check(name, folder, **options).score(given)
    cascade = check(name, folder, cascade=True, **options).score(given)
    n_copied = 0
    for (article, summary), one, other in zip(given, plain, cascade, strict=True):
        copied = CopiedSentences(article.text, sentences(article.text))
        for before, after in zip(one.sentences, other.sentences, strict=True):
            if copied.place(before.span.of(summary.text)) is None:
                assert after.value == pytest.approx(before.value, abs=frozen.TOLERANCE)
            else:
                n_copied += 1
                assert after.value == 1.0
                words = after.evidence[0].of(article.text).split()
                assert words == before.span.of(summary.text).split()
    assert n_copied > 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nli", "minicheck", "hhem"])
def test_article_of_100_000_words_takes_bounded_memory(name: str, folder: Path) -> None:
    rng = random.Random(1)
    article = texts.article(rng, 10_000)
    assert len(article.split()) > 90_000
    given = pairs([(article, "The mayor closed the bridge on Monday. The bank lost two ferries.")])
    bounded = check(name, folder, max_tokens=512) if name == "hhem" else check(name, folder)
    tracemalloc.start()
    try:
        (score,) = bounded.score(given)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert score.value is not None
    assert most < 250_000_000
    if name != "minicheck":
        assert score.parts["read"] < 0.05
        assert "of the article was read" in score.note


def test_batch_that_does_not_fit_is_halved_and_remembered(folder: Path) -> None:
    whole: Any = check("nli", folder, batch_tokens=4096)
    small: Any = check("nli", folder)
    items = whole.loaded_network.encode([a for a, _ in texts.pairs()[:12]])
    most = max(map(len, items)) * 3
    sizes = []

    def forward(inputs: network.Inputs) -> Any:
        sizes.append(inputs["input_ids"].numel())
        if sizes[-1] > most:
            raise MemoryError
        return whole.loaded_network.model(**inputs).logits.softmax(-1)

    found = np.stack(whole.loaded_network.run(items, forward, "narrow"))
    assert np.abs(found - small.loaded_network.classify(items)).max() < frozen.TOLERANCE
    assert sum(size > most for size in sizes) <= 6
    assert whole.loaded_network.budget <= most


def test_single_text_that_does_not_fit_is_said(folder: Path) -> None:
    whole: Any = check("nli", folder)

    def forward(inputs: network.Inputs) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate")

    with pytest.raises(ModelError, match="out of memory for a single text of 5 tokens"):
        whole.loaded_network.run([Encoded(pack_ids([0, 5, 6, 7, 2]))], forward, "none")


def test_other_errors_are_not_taken_for_want_of_memory(folder: Path) -> None:
    whole: Any = check("nli", folder)

    def forward(inputs: network.Inputs) -> Any:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        whole.loaded_network.run([Encoded(pack_ids([0, 2]))], forward, "none")


def test_token_beyond_the_vocabulary_is_refused(folder: Path) -> None:
    whole: Any = check("nli", folder)
    with pytest.raises(ModelError, match="token 99999 of the tokenizer is beyond"):
        whole.loaded_network.classify([Encoded(pack_ids([0, 99_999, 2]))])


def test_plan_is_within_budget_and_leaves_nothing_out() -> None:
    rng = random.Random(5)
    for _ in range(50):
        lengths = [rng.randrange(1, 600) for _ in range(rng.randrange(80))]
        batches = plan_batches(lengths, 1000)
        assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
        for batch in batches:
            longest = max(lengths[place] for place in batch)
            assert len(batch) == 1 or longest * len(batch) <= 1000


def test_memory_forgets_the_oldest() -> None:
    memory = Memory(most_bytes=3 * (4 * 10 + 200))
    rows = [np.full(10, n, np.float32) for n in range(4)]
    keys = [Memory.key("name", Encoded(pack_ids([n]))) for n in range(4)]
    for key, row in zip(keys[:3], rows[:3], strict=True):
        memory.put(key, row)
    assert memory.get(keys[0]) is not None
    memory.put(keys[3], rows[3])
    assert memory.get(keys[1]) is None
    assert [memory.get(keys[n]) is not None for n in (0, 2, 3)] == [True] * 3
    memory.put(keys[1], np.zeros(10_000, np.float32))
    assert memory.get(keys[1]) is None


def test_memory_tells_computations_and_parts_of_items_apart() -> None:
    item = Encoded(pack_ids([1, 2]))
    others = [Encoded(pack_ids([1]), pack_ids([2])), Encoded(pack_ids([1]), target=pack_ids([2]))]
    keys = {Memory.key("a", item), Memory.key("b", item), *(Memory.key("a", o) for o in others)}
    assert len(keys) == 4


def test_copy_is_of_whole_sentences() -> None:
    article = 'It rained.\n\nThe  mayor said he was glad. "No one came," he said.'
    copied = CopiedSentences(article, sentences(article))
    assert copied.place("he was glad.") is None
    assert copied.place("The mayor said") is None
    assert copied.place("") is None
    found = copied.place("It rained. The mayor said he was glad.")
    assert found is not None
    assert found.of(article) == "It rained.\n\nThe  mayor said he was glad."


def test_copy_is_found_where_an_earlier_place_is_only_a_part() -> None:
    article = "He said it rained. It rained. It rained."
    copied = CopiedSentences(article, sentences(article))
    assert copied.place("It rained.") is not None


@pytest.mark.parametrize("name", NAMES)
def test_device_and_batch_are_no_part_of_the_check(name: str, folder: Path) -> None:
    one: Any = check(name, folder, batch_tokens=7)
    assert one == dataclasses.replace(one, batch_tokens="auto", device="auto")


KINDS = {
    "roberta": (tiny.roberta_tokenizer, "</s>"),
    "t5": (tiny.t5_tokenizer, "</s>"),
    "bert": (tiny.bert_tokenizer, "[SEP]"),
}


def network_of(tokenizer: Any) -> network.Network:
    import torch

    loaded = SimpleNamespace(model=None, tokenizer=tokenizer, device=torch.device("cpu"))
    return network.Network(cast(Any, loaded))


class InPython:
    """A tokenizer that says no offsets, as those written in Python do."""

    is_fast = False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)

    def __call__(self, *texts: Any, return_offsets_mapping: bool = False, **options: Any) -> Any:
        assert not return_offsets_mapping
        return self.tokenizer(*texts, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("paired", [True, False])
def test_special_tokens_in_a_text_are_text(kind: str, fast: bool, paired: bool) -> None:
    make, mark = KINDS[kind]
    tokenizer = make() if fast else InPython(make())
    ours, special = network_of(tokenizer), set(tokenizer.all_special_ids)
    plain = "The mayor spoke. The old bridge was closed."
    spelled = f"The mayor {mark} spoke. {mark}The old bridge was closed.{mark}"
    pairs = [plain, spelled] if paired else None
    without, with_marks = ours.encode([plain, spelled], pairs)
    counts = [sum(t in special for t in item.tokens.tolist()) for item in (without, with_marks)]
    assert counts[0] == counts[1] > 0
    assert len(with_marks) > len(without)
    assert not with_marks.types or len(with_marks.types) == len(with_marks.ids)
    cut = ours.encode([spelled], [spelled] if paired else None, max_tokens=14)[0]
    assert len(cut) == 14
    assert sum(t in special for t in cut.tokens.tolist()) == counts[0]
    assert (cut.kept is not None) == fast
    if fast:
        found = ours.tokens_of_text(spelled)
        assert not special & set(found.ids.tolist())
        assert spelled[found.offsets[-1, 0] : found.offsets[-1, 1]] == mark[-1]
    assert ours.encode([f"a{mark}b"], meant=[(1,)])[0].ids == pack_ids(
        tokenizer(f"a{mark}b")["input_ids"]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("truncation", ["longest_first", "only_first"])
def test_text_in_parts_is_cut_as_the_tokenizer_cuts(
    kind: str, paired: bool, truncation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no special token is encoded alike, whole or as one part."""
    ours = network_of(KINDS[kind][0]())
    long, short = "the mayor of the old city closed a bridge " * 3, "the bridge is old"
    for texts_ in ((long, short), (short, long), (long, long)):
        first, second = [texts_[0]], [texts_[1]] if paired else None
        if truncation == "only_first" and texts_[1] is long:
            continue
        for most in (None, 100, 17, 12):
            how: dict[str, Any] = {"max_tokens": most, "truncation": truncation}
            whole = ours.encode(first, second, **how)[0]
            options = {"add_special_tokens": True, "truncation": truncation}
            both = [texts_[0], *(second or ())]
            parts = ours._encode_parts(both, (), most, options)
            assert (parts.ids, parts.types, parts.kept) == (whole.ids, whole.types, whole.kept)


@pytest.mark.parametrize("name", NAMES)
def test_special_tokens_in_an_article_leave_the_rest_to_be_read(name: str, folder: Path) -> None:
    """A mark that ended the text would hide the rest, or say the claim in the article's name."""
    ours = check(name, folder)
    tokenizer = ours.loaded_network.tokenizer  # type: ignore[attr-defined]
    mark = str(tokenizer.eos_token or tokenizer.sep_token)
    special = set(tokenizer.all_special_ids)
    read: list[int] = []
    run = network.Network.run

    def counting(self: network.Network, items: Any, *rest: Any, **options: Any) -> Any:
        read.extend(sum(t in special for t in item.tokens.tolist()) for item in items)
        return run(self, items, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network.Network, "run", counting)
        for said in ("", mark):
            article = f"The mayor opened the new bridge {said} on Monday, in the old city."
            [score] = ours.score([(Article("a", article), Summary("a", f"It is {said} old now."))])
            assert score.value is not None
    assert len(set(read)) == 1
