"""Articles that do not fit: what is read of them, in what parts, and how the parts are merged."""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.chat import Fields, completion, serving

from evalharness import run
from evalharness.config.cells import prepare
from evalharness.config.run_config import read_run_config
from evalharness.config.signature import signature_parts
from evalharness.errors import BudgetSpent, ConfigError
from evalharness.models.endpoint import Endpoint
from evalharness.models.engine import Engine
from evalharness.models.long import (
    Long,
    Strategy,
    beginning_and_end,
    groups,
    shorten_pieces,
    split_to_fit,
    summarize_all,
    summarize_some,
)
from evalharness.models.prompt import NoPrompt, Prompt, Said
from evalharness.records import Article, Begun, PartAnswers, Summary, summary_of, summary_record
from evalharness.store.ledger import Ledger
from evalharness.text import sentences
from evalharness.trust.verify import verify

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart"
BART, LLAMA = str(QUICKSTART / "lead1-bart"), str(QUICKSTART / "lead1-llama")
STORY = " ".join(f"Sentence number {n} is here." for n in range(1, 41))


@dataclass(frozen=True)
class Words:
    """A prompt of so many words."""

    text: str
    read: int
    is_merge: bool


@dataclass
class Reader:
    """Reads up to a number of words, and writes the first words of what it is given."""

    room: int = 30
    writes: int = 5
    asked: list[list[Words]] = field(default_factory=list)
    fails_on: str = "\0"

    def prompt(self, article: Article, is_merge: bool = False) -> Words | NoPrompt:
        words, end = article.text.split(), 0
        for word in words[: self.room]:
            end = article.text.index(word, end) + len(word)
        whole = len(words) <= self.room
        read = len(article.text) if whole else end
        return Words(article.text[:read], read, is_merge)

    def merge_prompt(self, summaries: Article) -> Words | NoPrompt:
        return self.prompt(summaries, True)

    def write(self, prompts: Sequence[Words]) -> list[Said | NoPrompt]:
        self.asked.append(list(prompts))
        return [
            NoPrompt("it broke")
            if self.fails_on in p.text
            else Said(" ".join(p.text.split()[: self.writes]), "stop", self.writes, 10)
            for p in prompts
        ]

    def write_some(self, prompts: Sequence[Words]) -> list[Said | NoPrompt | None]:
        return [*self.write(prompts[:2]), *[None] * (len(prompts) - 2)]


def one(text: str, reader: Reader, long: Long | None) -> Summary:
    (summary,) = summarize_all([Article("a", text)], reader, long)
    return summary


texts = st.text(st.sampled_from("ab. \n\u3002!\u00e9"), min_size=1, max_size=300)


@given(texts, st.integers(1, 60), st.integers(0, 3))
def test_parts_fit_and_hold_the_whole_text_in_order(text: str, room: int, overlap: int) -> None:
    parts = split_to_fit(text, lambda some: min(len(some), room), overlap)

    assert all(0 < part.end - part.start <= room for part in parts)
    assert all(a.start < b.start and a.end < b.end for a, b in itertools.pairwise(parts))
    missed = set(range(len(text))) - {n for part in parts for n in range(part.start, part.end)}
    assert not "".join(text[n] for n in missed).strip()


def test_parts_end_with_sentences_that_they_repeat_as_asked() -> None:
    reader = Reader()

    def fit(text: str) -> int:
        prompt = reader.prompt(Article("", text))
        return prompt.read if isinstance(prompt, Words) else 0

    starts = [sentence.start for sentence in sentences(STORY)]
    for overlap in (0, 1, 2):
        parts = split_to_fit(STORY, fit, overlap)
        assert all(part.of(STORY).startswith("Sentence number") for part in parts)
        assert all(part.of(STORY).endswith("here.") for part in parts)
        repeated = [
            sum(b.start <= start < a.end for start in starts) for a, b in itertools.pairwise(parts)
        ]
        assert set(repeated) == {overlap}


def test_part_without_room_for_overlap_has_none() -> None:
    text = "One two three four five. " * 3
    assert [p.of(text) for p in split_to_fit(text, lambda some: min(len(some), 24), 2)] == [
        "One two three four five."
    ] * 3


def test_sentence_too_long_is_cut_between_words_and_a_word_between_letters() -> None:
    text = "alpha beta gamma delta. " + "x" * 25 + "."
    parts = [p.of(text) for p in split_to_fit(text, lambda some: min(len(some), 12), 0)]
    assert parts == ["alpha beta", "gamma delta.", "x" * 12, "x" * 12, "x."]


def test_last_part_is_evened_out_with_the_one_before() -> None:
    text = " ".join(["Ab cd."] * 11)  # ten fit
    assert [len(p.of(text)) for p in split_to_fit(text, lambda some: min(len(some), 69), 0)] == [
        34,
        41,
    ]


def test_megabyte_is_cut_in_linear_time() -> None:
    asked = []

    def fit(text: str) -> int:
        asked.append(len(text))
        return min(len(text), 4000)

    parts = split_to_fit("x" * 300_000 + " Some words here." * 40_000, fit, 1)
    assert len(parts) > 200
    assert sum(asked) < 40 * 980_000


@given(texts, st.integers(1, 60), st.floats(0.1, 0.9))
def test_both_ends_fit_and_are_apart(text: str, room: int, share: float) -> None:
    found = beginning_and_end(text, lambda some: min(len(some), room), share)
    if found is not None and len(text.rstrip()) > room:
        head, tail = found
        assert head.start == 0 < head.end < tail.start < tail.end == len(text.rstrip())
        assert head.end + 1 + tail.end - tail.start <= room


def test_both_ends_are_whole_sentences_that_fill_the_room() -> None:
    summary = one(STORY, reader := Reader(), Long("head_tail"))
    ((asked,),) = reader.asked
    assert asked.text.splitlines() == [
        "Sentence number 1 is here. Sentence number 2 is here. Sentence number 3 is here.",
        "Sentence number 39 is here. Sentence number 40 is here.",
    ]
    assert [span.of(STORY) for span in summary.spans] == asked.text.splitlines()
    assert summary.read == sum(s.end - s.start for s in summary.spans) < len(STORY)
    assert (summary.calls, summary.tokens_in) == (None, 10)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    st.integers(1, 20),
    st.none() | st.integers(2, 5),
)
def test_groups_keep_order_fit_and_stay_small(
    sizes: list[int], room: int, most: int | None
) -> None:
    pieces = ["x" * n for n in sizes]
    made = groups(pieces, lambda some: sum(map(len, some)) <= room, most)
    assert [piece for group in made for piece in group] == pieces
    assert all(len(g) == 1 or sum(map(len, g)) <= room for g in made)
    assert most is None or all(len(group) <= most for group in made)


def test_groups_are_even() -> None:
    assert [len(g) for g in groups(["x"] * 9, lambda some: True, 4)] == [3, 3, 3]
    assert [len(g) for g in groups(["x"] * 5, lambda some: True, 4)] == [3, 2]
    assert [len(g) for g in groups(["x"] * 5, lambda some: True, None)] == [5]


def test_longest_pieces_are_shortened_first() -> None:
    def fits(some: Sequence[str]) -> bool:
        return sum(map(len, some)) <= 20

    assert shorten_pieces(["aa bb cc dd ee ff gg", "hh", "ii jj kk ll"], fits) == [
        "aa bb cc",
        "hh",
        "ii jj kk",
    ]
    assert shorten_pieces(["a", "b"], lambda some: False) == []


def test_parts_are_summarized_and_merged_in_rounds_where_not_all_fit() -> None:
    summary = one(STORY, reader := Reader(), Long("map_reduce", overlap=0))
    assert [[p.is_merge for p in asked] for asked in reader.asked] == [[False] * 7, [True], [True]]
    # Six summaries of five words fit; the seventh waits for the next round.
    assert [asked[0].text.count("\n") + 1 for asked in reader.asked[1:]] == [6, 2]
    assert summary.text == "Sentence number 1 is here."
    assert summary.calls == 9


def test_summaries_are_merged_as_many_at_once_as_fit() -> None:
    summary = one(STORY, reader := Reader(writes=4), Long("map_reduce", overlap=0))
    assert [len(asked) for asked in reader.asked] == [7, 1]
    assert summary.calls == 8
    assert (summary.tokens, summary.tokens_in, summary.tokens_out) == (4, 80, 32)
    assert (summary.read, summary.note) == (len(STORY), "")
    assert reader.asked[1][0].text == "\n".join(
        p.text.rsplit(" here.")[0].split(" here.")[0] for p in reader.asked[0]
    )


def test_hierarchy_merges_a_few_at_a_time() -> None:
    summary = one(STORY, reader := Reader(), Long("hierarchical", fan_in=2, overlap=0))
    assert [len(asked) for asked in reader.asked] == [7, 3, 2, 1]
    assert summary.calls == 13
    lines = [p.text.count("\n") + 1 for asked in reader.asked[1:] for p in asked]
    assert lines == [2] * 6


def test_merge_that_does_not_shrink_ends_with_a_note() -> None:
    summary = one(STORY, reader := Reader(writes=25), Long("map_reduce", overlap=0))
    assert [len(asked) for asked in reader.asked] == [7, 1]
    assert summary.finish == "stop"
    assert summary.note == "7 summaries of parts were shortened to be merged, in round 1"
    lines = reader.asked[1][0].text.splitlines()
    assert [line.split()[2] for line in lines] == ["1", "7", "13", "19", "25", "31", "37"]


def test_rounds_are_bounded() -> None:
    long = Long("hierarchical", fan_in=2, rounds=2, overlap=0)
    summary = one(STORY, reader := Reader(), long)
    assert [len(asked) for asked in reader.asked] == [7, 3, 1]
    assert summary.note == ""  # the four that were left fit
    summary = one(" ".join([STORY] * 4), reader := Reader(), long)
    assert [len(asked) for asked in reader.asked] == [27, 13, 1]
    assert summary.note == "14 summaries of parts were shortened to be merged, in round 2"


def test_short_article_is_summarized_as_without_a_strategy() -> None:
    strategies: tuple[Strategy, ...] = ("head_tail", "map_reduce", "hierarchical")
    for strategy in strategies:
        short, long = Reader(), Reader()
        text = STORY[: 6 * 27] + " \n"
        assert one(text, long, Long(strategy)) == one(text, short, None)
        assert long.asked == short.asked


def test_articles_share_their_rounds() -> None:
    articles = [
        Article("a", STORY),
        Article("b", "Short."),
        Article("c", "\n"),
        Article("d", STORY + " More."),
    ]
    reader = Reader(writes=4)
    together = summarize_all(articles, reader, Long("map_reduce", overlap=0))
    assert [len(asked) for asked in reader.asked] == [7 + 1 + 7, 2]
    alone = [
        summarize_all([a], Reader(writes=4), Long("map_reduce", overlap=0))[0] for a in articles
    ]
    assert together == alone
    assert [s.finish for s in together] == ["stop", "stop", "error", "stop"]


@pytest.mark.parametrize("is_new_each_time", [False, True])
def test_answers_of_parts_come_as_they_are_made_and_whoever_goes_on_asks_the_same(
    is_new_each_time: bool,
) -> None:
    """Two prompts at a time, by one worker or by a new one each time that has only the answers."""
    texts = [STORY, "Short.", "\n", f"{STORY} More.", STORY.replace("number 20", "number xx")]
    waiting = {f"{n}": Article(f"{n}", text) for n, text in enumerate(texts)}
    long = Long("hierarchical", fan_in=3, overlap=0)
    reader, tasks = Reader(fails_on="number xx"), dict[tuple[str, str], Any]()
    answers: dict[str, PartAnswers] = {name: {} for name in waiting}
    done: dict[str, Summary] = {}
    while waiting:
        tasks = {} if is_new_each_time else tasks
        begun = [Begun(article, answers[name]) for name, article in waiting.items()]
        for one, result in zip(begun, summarize_some(begun, reader, long, tasks), strict=True):
            name = one.article.id
            if isinstance(result, Summary):
                done[name] = result
                del waiting[name]
            else:
                answers[name] = json.loads(json.dumps({**answers[name], **result}))

    plain = Reader(fails_on="number xx")
    articles = [Article(f"{n}", text) for n, text in enumerate(texts)]
    assert [done[a.id] for a in articles] == summarize_all(articles, plain, long)
    flat = [prompt for asked in plain.asked for prompt in asked]
    assert sorted(p.text for asked in reader.asked for p in asked) == sorted(p.text for p in flat)
    assert all(len({p.is_merge for p in asked}) == 1 for asked in reader.asked)
    assert [s.finish for s in done.values()].count("error") == 2


def test_parts_that_the_cap_cut_are_counted_where_they_are_merged() -> None:
    @dataclass
    class Cutting(Reader):
        def write(self, prompts: Sequence[Words]) -> list[Said | NoPrompt]:
            said = super().write(prompts)
            cut = [p.is_merge or "number 20" in p.text for p in prompts]
            return [
                dataclasses.replace(s, finish="length") if isinstance(s, Said) and is_cut else s
                for s, is_cut in zip(said, cut, strict=True)
            ]

    assert one(STORY, Cutting(writes=4), Long("map_reduce", overlap=0)).parts_cut == 1
    assert one(STORY, Cutting(writes=4), None).parts_cut is None
    assert one(STORY, Reader(writes=4), Long("map_reduce", overlap=0)).parts_cut is None
    both = one(STORY, Cutting(), Long("map_reduce", overlap=0))  # of parts, and the first merge
    assert (both.finish, both.parts_cut, both.calls) == ("length", 2, 9)


def test_part_that_fails_is_an_error_of_its_article_alone() -> None:
    articles = [Article("a", STORY), Article("b", STORY.replace("number 20", "number xx"))]
    good, bad = summarize_all(articles, Reader(fails_on="number xx"), Long("map_reduce"))
    assert good.finish == "stop"
    assert (bad.finish, bad.text) == ("error", "")
    assert bad.note.startswith("part ")
    assert bad.note.endswith(": it broke")


def test_article_of_which_nothing_fits_is_an_error() -> None:
    strategies: tuple[Strategy, ...] = ("head_tail", "map_reduce")
    for strategy in strategies:
        summary = one(STORY, Reader(room=0), Long(strategy))
        assert summary.finish == "error"
        assert "no room" in summary.note


def test_silent_parts_are_left_out_of_the_merge() -> None:
    summary = one(STORY, Reader(writes=0), Long("map_reduce"))
    assert (summary.finish, summary.text) == ("empty", "")


def test_what_was_read_is_stored() -> None:
    summary = one(STORY, Reader(), Long("hierarchical"))
    assert summary_of("a", json.loads(json.dumps(summary_record(summary)))) == summary
    assert "spans" not in summary_record(one("Short.", Reader(), None))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strategy": "tail"}, "should be 'head', 'head_tail', 'map_reduce' or 'hierarchical'"),
        ({"strategy": "head", "overlap": 2}, "overlap: is for the strategy map_reduce and hier"),
        ({"strategy": "map_reduce", "fan_in": 3}, "fan_in: is for the strategy hierarchical"),
        ({"strategy": "head_tail", "head": 1.0}, "head: 1.0 is out of range"),
        ({"strategy": "hierarchical", "fan_in": 1}, "fan_in: 1 is below 2"),
        ({"strategy": "map_reduce", "merge": "Merge."}, "merge: must have {summaries} in it once"),
        ({"strategy": "map_reduce", "chunk": 3}, "unknown key"),
        ({}, "'strategy' is missing"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, Any], message: str) -> None:
    config = {"data": {"name": "files", "path": str(QUICKSTART / "articles.jsonl")}}
    with pytest.raises(ConfigError) as caught:
        prepare(
            read_run_config(config | {"model": {"name": "causal", "model": LLAMA, "long": wrong}})
        )
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_merge_prompt_is_only_for_models_that_are_prompted() -> None:
    from evalharness.models.seq2seq import Seq2Seq

    with pytest.raises(ValueError, match="long: merge: is for a model that is prompted"):
        Seq2Seq(BART, long=Long("map_reduce", merge="{summaries} Merge."))
    with pytest.raises(ValueError, match="long: needs max_characters"):
        Endpoint("http://localhost/v1", "m", long=Long("map_reduce"))


def test_strategy_is_part_of_the_signature_and_the_default_is_not() -> None:
    from evalharness.models.causal import Causal

    plain, head, parts = (
        signature_parts("causal", Causal(LLAMA, long=long))
        for long in (None, Long("head"), Long("map_reduce"))
    )
    assert plain == head
    assert "long" not in plain
    assert parts["long"]["strategy"] == "map_reduce"
    assert Causal(LLAMA, long=Long("map_reduce")).instructions()[-1].startswith("The texts above")


def test_server_merges_what_it_said_of_the_parts() -> None:
    def first_words(body: Fields) -> Fields:
        return completion(" ".join(body["messages"][-1]["content"].split()[:5]))

    long = Long("map_reduce", overlap=0, merge="{summaries} Merge these.")
    with serving(first_words) as server:
        model = Endpoint(server.url, "m", max_characters=300, long=long)
        (summary,) = model.summarize([Article("a", STORY)])
        said = [body["messages"][-1]["content"] for body in server.bodies]
    assert said[-1].endswith("here. Merge these.")
    assert summary.calls == len(said) == 5
    assert (summary.text, summary.read) == ("Sentence number 1 is here.", len(STORY))


def long_rows(folder: Path) -> Path:
    rows = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]
    texts = [" ".join(row["article"].split()) for row in rows]
    made = [
        {"id": str(n), "article": (texts[n] + " " + texts[n + 1])[:length]}
        for n, length in enumerate((2200, 500, 1300))
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    return folder / "a.jsonl"


def make_config(folder: Path, **model: Any) -> dict[str, Any]:
    return {
        "name": "t",
        "data": {"name": "files", "path": str(long_rows(folder))},
        "model": {"name": "seq2seq", "model": BART, "max_new_tokens": 40} | model,
        "metrics": [],
        "checks": [],
    }


def test_run_says_what_was_read_and_what_it_took(tmp_path: Path) -> None:
    outputs = {}
    samples = {}
    for strategy in ("head", "head_tail", "map_reduce"):
        (done,) = run(
            make_config(tmp_path, long={"strategy": strategy}), results=tmp_path / strategy
        )
        outputs[strategy] = done.record["outputs"]
        samples[strategy] = list(done.samples())
    assert {name: found["truncated"] for name, found in outputs.items()} == {
        "head": 2, "head_tail": 2, "map_reduce": 0,
    }  # fmt: skip
    counted = outputs["map_reduce"]["in_parts"]
    calls = [sample["summary"].get("calls") for sample in samples["map_reduce"]]
    assert [bool(n) for n in calls] == [True, False, True]
    assert (counted["articles"], counted["calls"]) == (2, sum(n or 0 for n in calls))
    assert "in_parts" not in outputs["head_tail"]
    for name, found in samples.items():
        for sample, plain in zip(found, samples["head"], strict=True):
            if len(sample["article"]) < 1000:
                assert sample["summary"] == plain["summary"], name
            # It copies the first sentence, of a part and of the summaries of the parts.
            assert sample["summary"]["text"] == plain["summary"]["text"]


def test_prompted_model_merges_with_its_own_prompt(tmp_path: Path) -> None:
    from evalharness.models.causal import Causal

    article = Article(
        "a",
        " ".join(json.loads(long_rows(tmp_path).read_text().splitlines()[0])["article"].split()),
    )
    options: dict[str, Any] = {"max_new_tokens": 300, "max_input_tokens": 1200}
    (plain,) = Causal(LLAMA, **options).summarize([article])
    (summary,) = Causal(LLAMA, long=Long("hierarchical"), **options).summarize([article])
    assert summary.text == plain.text
    assert summary.calls is not None
    assert summary.calls > 2
    assert (summary.read, plain.read == len(article.text)) == (len(article.text), False)


def test_run_that_is_stopped_anywhere_keeps_all_but_a_batch_and_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.yaml"
    long = {"strategy": "hierarchical", "fan_in": 2}
    options: dict[str, Any] = {"long": long, "batch_size": 2, "max_new_tokens": 8}
    path.write_text(json.dumps(make_config(tmp_path, **options)))
    generate, append = Engine._generate, Ledger.append
    batches: list[list[list[int]]] = []
    left = [-1]

    def noted(self: Engine, prompts: Sequence[Prompt], rows: Sequence[int]) -> Any:
        batches.append([prompts[i].ids for i in rows])
        return generate(self, prompts, rows)

    def stopping(self: Ledger, records: Sequence[tuple[str, Any]], **how: Any) -> Any:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return append(self, records, **how)

    monkeypatch.setattr(Engine, "_generate", noted)
    monkeypatch.setattr(Ledger, "append", stopping)
    (whole,) = run(path, results=tmp_path / "whole")
    all_batches = list(batches)
    assert len(all_batches) > 4
    for n in (0, 1, 4):  # of parts, and of a merge
        batches.clear()
        left[0] = n
        with pytest.raises(KeyboardInterrupt) as stopped:
            run(path, results=tmp_path / f"{n}")
        assert ("parts of" in "".join(stopped.value.__notes__)) == (n > 0)
        left[0] = -1
        (resumed,) = run(path, results=tmp_path / f"{n}")
        assert batches == all_batches[: n + 1] + all_batches[n:]
        for name in ("samples.jsonl", "samples.parquet", "config.yaml"):
            assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
        (ledger,) = (tmp_path / f"{n}" / "store" / "summaries").glob("*.jsonl")
        whole_ledger = tmp_path / "whole" / "store" / "summaries" / ledger.name
        assert ledger.read_bytes() == whole_ledger.read_bytes()
    done = verify(tmp_path / "1")
    assert done.good


def test_server_is_not_asked_again_about_parts_that_it_answered(tmp_path: Path) -> None:
    def lead(body: Fields) -> Fields:
        return completion(body["messages"][-1]["content"].split(".")[0] + ".")

    def make(url: str, **more: Any) -> dict[str, Any]:
        model = {"name": "endpoint", "url": url, "model": "m", "user": "{article}"}
        long = {"strategy": "map_reduce", "merge": "{summaries}"}
        config = make_config(tmp_path) | {"model": model | {"max_characters": 300, "long": long}}
        return config | more

    with serving(lead) as server:
        (whole,) = run(make(server.url), results=tmp_path / "whole")
        n = sum(server.answered.values())
        with pytest.raises(BudgetSpent):
            run(make(server.url, budget={"tokens": 65}), results=tmp_path / "r")  # 10 an answer
        assert n < sum(server.answered.values()) == n + 6 < 2 * n
        (resumed,) = run(make(server.url), results=tmp_path / "r")
        assert sum(server.answered.values()) == 2 * n
    texts = [[sample["summary"] for sample in done.samples()] for done in (whole, resumed)]
    assert texts[0] == texts[1]


def test_sweep_reaches_the_strategy(tmp_path: Path) -> None:
    swept = make_config(tmp_path, long={"strategy": "map_reduce"})
    swept["sweep"] = {"grid": {"model.long.overlap": [0, 1]}}
    cells = prepare(read_run_config(swept))
    assert [dataclasses.asdict(cell.model)["long"]["overlap"] for cell in cells] == [0, 1]  # type: ignore[call-overload]
