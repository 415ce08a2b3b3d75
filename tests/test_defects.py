"""Defects are named where a reader would name them, and people's summaries are left alone."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import clock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.records import Defect, Finish, Summary
from evalharness.text.defects import _REFUSALS, find_defects, without_cut_word

DATA = Path(__file__).parents[2] / "shared" / "data"

ARTICLE = (
    "The council voted on Monday to close the old bridge after engineers found cracks. Shops near "
    "the river fear for their trade, and the mayor promised a new bridge within two years."
)
GOOD = "The council will close the old bridge, and the mayor promises a new one within two years."


def _find(
    text: str, finish: Finish = "stop", article: str = ARTICLE, asked: tuple[str, ...] = ()
) -> tuple[Defect, ...]:
    return find_defects(article, Summary("a", text, finish=finish), asked)


def test_find_has_nothing_to_say_of_a_good_summary() -> None:
    assert _find(GOOD) == ()


def test_find_leaves_a_failed_summary_to_its_note() -> None:
    assert _find("", finish="error") == ()
    assert _find("la " * 20, finish="error") == ()


@pytest.mark.parametrize("text", ["", " \n\t\u00a0 "])
def test_find_calls_white_space_empty(text: str) -> None:
    assert _find(text, finish="empty") == ("empty",)
    assert _find(text, finish="length") == ("empty",)


def test_find_names_several_defects_in_a_fixed_order() -> None:
    text = "Here is a summary: " + "the bridge is closed and " * 9
    assert _find(text, finish="length") == ("looping", "cut", "preamble")


# looping

LOOPS = [
    # Of models in PolyTope, SummEval, XSumFaith and FRANK (shortened).
    "supermarket giant teca has agreed to sell its yuca & easy & easy & easy & easy & easy &",
    "it is a sheep, a sheep, a sheep, a sheep, a sheep and a sheep.",
    "My favourite city is London . I love the nightlife , the nightlife , the nightlife , the "
    "nightlife , the",
    "the drugs are the biggest cocaine seizure ever . the drugs are the biggest cocaine seizure "
    "ever . the drugs are the biggest cocaine seizure ever .",
    "oscar-winning oscar winner oscar winner oscar-winning actress oscar-winning actress "
    "oscar-winning actress oscar-winning actress oscar-winning oscar winner oscar winner",
    "chelsea have been in the top flight for a season since joining lille . belgian club have been "
    "in the top flight for a season since joining lille . belgian club have been in the top flight "
    "for a season since last summer .",
    # The same sentence again and again, others between.
    "The bridge is closed now. Shops fear for trade. The bridge is closed now. The mayor spoke. "
    "The bridge is closed now. Engineers came.",
    "The bridge is closed now.\nShops wait.\nThe bridge is closed now.\nTime passes.\n"
    "The bridge is closed now.",
    # The tail of a long text; a loop that is left again.
    GOOD + " and and and and",
    "No no no no no, " + GOOD,
    # Scripts without spaces.
    "桥已经关闭。桥已经关闭。桥已经关闭。",
    "市議会は橋を閉鎖する市議会は橋を閉鎖する市議会は橋を閉鎖する",
]

NOT_LOOPS = [
    GOOD,
    "She won 6-4 6-4 6-4 in the final.",
    "'No, no, no,' the mayor said.",
    "The fund holds 1,000,000,000,000 dollars, up from 100,000,000,000.",
    "The fire on the tour bus was started on Thursday. The tour bus was on a freeway when it "
    "caught fire. The video of the tour bus fire was caught by a fan.",
    "Sir Bradley Wiggins will try to break the record in London. Sir Bradley Wiggins has won the "
    "Olympics four times. Sir Bradley Wiggins will try to break the record in June.",
    "Yes. Yes. Yes.",
    "Bye",
    "议会投票决定关闭这座旧桥，市长承诺两年内建成新桥。",
]


@pytest.mark.parametrize("text", LOOPS)
def test_find_calls_a_phrase_said_over_and_over_looping(text: str) -> None:
    assert "looping" in _find(text)


@pytest.mark.parametrize("text", NOT_LOOPS)
def test_find_leaves_ordinary_repetition_alone(text: str) -> None:
    assert "looping" not in _find(text)


def test_find_leaves_a_sentence_alone_that_the_article_repeats_too() -> None:
    page = "".join(f"Playback is not supported here.\nFire {i} broke out.\n" for i in "abc")
    assert _find(page, article=page) == ()
    assert _find(page) == ("looping",)


@given(
    phrase=st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=40),
    before=st.lists(st.sampled_from(GOOD.split()), max_size=20),
)
def test_find_sees_any_phrase_four_times_in_a_row(phrase: list[str], before: list[str]) -> None:
    assert "looping" in _find(" ".join([*before, *phrase * 4]))


# cut


@pytest.mark.parametrize(
    "text",
    ["The council will close the", 'The mayor said: "We will', "It will close, ", "Das ist **die"],
)
def test_find_calls_a_summary_cut_where_the_cap_ended_it_amid_a_sentence(text: str) -> None:
    assert _find(text, finish="length") == ("cut",)
    assert _find(text, finish="stop") == ()


@pytest.mark.parametrize(
    "text",
    [
        "It is closed.",
        "Why?",
        "“It is closed!”",
        "It is closed. (Again.)\n",
        "*Closed.*",
        "关闭了。",
    ],
)
def test_find_calls_no_summary_cut_that_ends_with_its_sentence(text: str) -> None:
    assert _find(text, finish="length") == ()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It raised its forecast to $4", "It raised its forecast to"),
        ("It sold for $4.", "It sold for"),  # of 4.40
        ("Some 1,", "Some"),  # of 1,912
        ("It lost $2.4 milli", "It lost"),
        ("It lost 70 perc", "It lost"),
        ("It is led by Saskia Brand", "It is led by Saskia"),
        ("It closed,", "It closed,"),
        ("It closed.", "It closed."),
        ("“It closed.”", "“It closed.”"),
        ("It closed ", "It closed "),
        ("Closed", "Closed"),
        ("$4", "$4"),
        ("- 7", "- 7"),
        ("", ""),
        ("桥已经关闭在2018", "桥已经关闭在"),
        ("桥已经关", "桥已经"),
    ],
)
def test_last_word_is_not_read_where_the_cap_may_have_cut_it(text: str, read: str) -> None:
    assert without_cut_word(Summary("a", text, finish="length")) == read
    assert without_cut_word(Summary("a", text, finish="stop")) == text


@given(st.text(), st.text("ab12.,$ 桥", max_size=9))
def test_what_is_read_of_a_cut_text_is_how_it_begins(text: str, end: str) -> None:
    read = without_cut_word(Summary("a", text + end, finish="length"))
    assert (text + end).startswith(read)
    assert any(map(str.isalnum, read)) or read == text + end


# echo

ASKED = ("Summarize the following news article in three sentences.\n\nArticle:", "\n\nSummary:")


@pytest.mark.parametrize(
    "text",
    [
        "Summarize the following news article in three sentences. The bridge is closed.",
        "The bridge is closed. **Summarize The Following News** article, in a few words.",
        "the following news article, in three sentences: the bridge is closed.",
    ],
)
def test_find_sees_the_echo_of_an_instruction(text: str) -> None:
    assert "echo" in _find(text, asked=ASKED)
    assert "echo" not in _find(text)


def test_find_sees_the_echo_of_a_short_instruction_at_the_start_only() -> None:
    assert _find("summarize: the bridge is closed.", asked=("summarize: ",)) == ("echo",)
    assert _find("Summarise: The bridge is closed.", asked=("summarize: ",)) == ()
    assert _find("They summarize: the bridge is closed.", asked=("summarize: ",)) == ()


@pytest.mark.parametrize("instruction", ["", " ", "Article", "The", "The coun", "close the old"])
def test_find_sees_no_echo_of_a_word_or_two_by_chance(instruction: str) -> None:
    assert _find("The council will close the old bridge.", asked=(instruction,)) == ()


def test_find_sees_no_echo_in_what_the_article_says_itself() -> None:
    article = "Pupils were told: summarize the following news article in three sentences."
    text = "Pupils had to summarize the following news article in three sentences."
    assert _find(text, article=article, asked=ASKED) == ()


# refusal

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I cannot summarize this article.",
    "I am sorry, I am unable to access the link.",
    "Sorry, I can't do that.",
    "**I apologize**, but there appears to be some confusion in the passage provided.",
    "I apologize for the confusion, but I don't see an article.",
    "As an AI language model, I do not have opinions.",
    "Unfortunately, as a large language model trained by a company, I can't read pages.",
    "I'm just an AI and have no access to news.",
    "I cannot summarize the article because it is too short.",
    "I CANNOT PROVIDE A SUMMARY OF THIS TEXT.",
    "I can\u2019t assist with that request.",
    "I'm not able to generate a summary of this.",
    "I won't be able to provide a summary.",
    "I don't have access to the article.",
    "I don't have enough information.",
    "The article was not provided.",
    "It looks like the article text wasn't included in your message.",
    "No article was provided.",
    "There is no text to summarize.",
    "The text you sent appears to be empty.",
    "Please provide the full text of the article.",
    "Could you please share the article you would like me to summarize?",
    "You haven't provided the text of the article.",
    "It is not possible to write a concise summary.",
    "The passage does not contain enough information to create a summary.",
]

NOT_REFUSALS = [
    "\"I'm sorry, but I can't forgive him\", the mayor said.",
    "The mayor said she was sorry, but could not help.",
    "I can't help thinking that the bridge was ugly.",
    "I cannot find my way home since the bridge closed.",
    "The council was unable to provide a date.",
    "The firm, sold as an AI assistant for lawyers, has failed.",
    "As an AI researcher, she knows the risks.",
    "The passage to the river was not closed.",
    "Police have asked people to share their footage.",
    "Please share your story, the mayor said.",
    "The bill does not contain enough detail, critics say.",
    "Sorry is the hardest word, says the mayor.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_find_names_a_refusal(text: str) -> None:
    assert _find(text) == ("refusal",)


@pytest.mark.parametrize("n", range(len(_REFUSALS.anywhere)))
@given(drawn=st.data())
def test_what_a_phrase_finds_has_one_of_its_words(n: int, drawn: st.DataObject) -> None:
    phrase, words = _REFUSALS.anywhere[n]
    found = phrase.search(drawn.draw(st.from_regex(phrase)))
    assert found
    assert any(word in found[0] for word in words)


@pytest.mark.parametrize("text", NOT_REFUSALS)
def test_find_calls_no_news_a_refusal(text: str) -> None:
    assert _find(text) == ()


def test_find_calls_no_quotation_from_the_article_a_refusal() -> None:
    article = "The chatbot wrote: As an AI language model, I cannot say. Users laughed."
    assert _find("As an AI language model, I cannot say.", article=article) == ()


# preamble

PREAMBLES = [
    "Here is a summary: ",
    "Here's a concise summary of the passage:\n\n",
    "Here’s the summary in three sentences:\n",
    "Sure! Here's a brief summary of the article:\n",
    "Sure, here is the summary. ",
    "Certainly! ",
    "Of course! ",
    "Okay, here's the gist. Here is a summary: ",
    "Based solely on the information provided in the passage, here is a concise summary covering "
    "the core pieces of information:\n\n",
    "Below is a summary of the article:\n",
    "The following is a short summary of the text. ",
    "This is a summary of the article. ",
    "Here are the key points:\n- ",
    "Here are the main points of the article:\n",
    "Here is an overview of this article. ",
    "Summary: ",
    "SUMMARY\n\n",
    "**Summary**\n",
    "**Summary:** ",
    "## Summary\n",
    "Summary of the article: ",
    "Brief summary - ",
    "TL;DR: ",
    "tl;dr — ",
    "Key takeaways:\n",
    "One-sentence summary: ",
    "I have summarized the article below. ",
    "I'd be happy to help! ",
    "Sure, I can summarize that. ",
    "<think>\nThe user wants a summary.\n</think>\n",
    "<thinking>The user wants a summary.</thinking> ",
    "<thought>The user wants a summary.</thought> ",
    "<seed:think>The user wants a summary.</seed:think> ",
    "[THINK]The user wants a summary.[/THINK] ",
    "<|START_THINKING|>The user wants a summary.<|END_THINKING|> ",
    "<|begin_of_thought|>The user wants a summary.<|end_of_thought|> ",
    "<unused94>thought\nThe user wants a summary.<unused95> ",
    "<|channel|>analysis<|message|>The user wants a summary.<|end|> ",
    "analysisThe user wants a summary.assistantfinal",
]

NOT_PREAMBLES = [
    "In summary, the bridge will close.",
    "Here is where the bridge stood.",
    "Summary executions took place on the bridge.",
    "Analysis of the bridge has begun.",
    "Thinking of the bridge, the mayor wept.",
    "The summary judgment was handed down on Monday: the bridge must close.",
    "Sure enough, the bridge was closed.",
    "Certainly the bridge was old.",
    "Of course, the mayor has a plan.",
    "I have loved this bridge all my life.",
    "I'm happy to see it go, the mayor says.",
    "Highlights of the day: a bridge is closed.",
    "Here are the main points of the mayor's budget speech.",
]


@pytest.mark.parametrize("opening", PREAMBLES)
def test_find_names_a_preamble(opening: str) -> None:
    assert _find(opening + GOOD) == ("preamble",)


@pytest.mark.parametrize("text", NOT_PREAMBLES)
def test_find_calls_no_news_a_preamble(text: str) -> None:
    assert _find(text) == ()


def test_find_calls_nothing_a_preamble_that_opens_the_article() -> None:
    article = "Summary: the bridge is closed.\n" + ARTICLE
    assert _find("Summary: the bridge is closed.", article=article) == ()


# about_article, list, title

# The first six are SmolLM2's, the others by chat models in FaithBench and SummEdits.
ABOUT = [
    "The article discusses the closing of the old bridge.",
    "The bridge will close. The article also mentions that shops fear for their trade.",
    "A review of the article by SmolLM.",
    "A recent article highlights a grim outlook for the old bridge.",
    "The article said that the bridge had cracks.",
    "They voted on Monday. The article concludes with a promise of the mayor's.",
    "The passage describes two bridges: an old one and a new one.",
    "This passage summarizes the row about the bridge.",
    "This document explains why the bridge closes.",
    "The text also notes that a new one is promised.",
]
NOT_ABOUT = [
    "The report highlighted cracks in the old bridge.",
    "The story of the bridge is long.",
    "The passage to the river was not closed.",
    "Its articles of association say so.",
]


@pytest.mark.parametrize("text", ABOUT)
def test_find_names_talk_about_the_article(text: str) -> None:
    assert _find(text) == ("about_article",)


@pytest.mark.parametrize("text", NOT_ABOUT)
def test_find_calls_no_news_talk_about_the_article(text: str) -> None:
    assert _find(text) == ()


def test_find_leaves_an_article_alone_that_is_about_an_article() -> None:
    article = f"The article in the Gazette was wrong. {ARTICLE}"
    assert _find("The article says the bridge closes.", article=article) == ()


def test_find_names_a_list_where_no_instruction_asks_for_one() -> None:
    points = "- The old bridge will close.\n- The mayor promises a new one.\n"
    for text in (points, points.replace("-", "1."), points.replace("-", "•")):
        assert _find(text) == ("list",)
        assert _find(text, asked=("Give the key points as bullets.",)) == ()
        assert _find(text, article=text) == ()
    assert _find("- The old bridge will close.") == ()
    assert _find("It cost 2.\n5 million people use it.") == ()


def test_find_names_a_title_that_is_repeated() -> None:
    title = "Old bridge to close"

    def found(text: str, title: str = title) -> tuple[Defect, ...]:
        return find_defects(ARTICLE, Summary("a", text), ("Summarize this.",), title)

    assert found(f"{title}\n\n{GOOD}") == ("title",)
    assert found(f"**{title.upper()}**: {GOOD}") == ("title",)
    assert found(GOOD) == found(f"Old bridge closes. {GOOD}") == ()
    assert found(f"Bridge. {GOOD}", "Bridge") == ()
    assert find_defects(ARTICLE, Summary("a", title), (), title) == ()  # the baseline `title`


# SmolLM2's summaries of the quickstart's articles, read before the rules were made; 49 to 96, of
# another prompt, afterwards:
# numbers of lines that repeat themselves, that speak of the article.
READ = {
    "looping": {13, 19, 20, 23, 24, 25, 29, 69, 71, 92},
    "about_article": {2, 3, 5, 6, 9, 11, 12, 13, 16, 23, 24, 27, 33, 37, 40, 44, 45, 47},
}


def test_find_names_the_defects_that_a_reader_sees_in_real_outputs() -> None:
    folder = Path(__file__).parents[1] / "configs" / "quickstart"
    articles = [json.loads(line) for line in (folder / "articles.jsonl").read_text().splitlines()]
    texts = {row["id"]: row["article"] for row in articles}
    named: dict[str, set[int]] = {}
    for n, line in enumerate((folder / "smollm2.jsonl").read_text().splitlines(), 1):
        row = json.loads(line)
        for kind in _find(row["text"], row["finish"], texts[row["id"]]):
            named.setdefault(kind, set()).add(n)
    assert named.keys() == {"cut", *READ}
    # 88 speaks of "a recent report" that the article has not; 16 says "a 60 percent chance of a
    # change in the weather" twice; 71 says "the last to exit was" twice.
    assert named["about_article"] == READ["about_article"] | {88}
    assert named["looping"] == (READ["looping"] | {16}) - {71}
    # Read as cut are 52 and 81, too, which end amid a number: "between $4.25 and $4."
    assert len(named["cut"]) == 85


# Laws


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_find_takes_any_text(article: str, summary: str, instruction: str) -> None:
    defects = _find(summary, article=article, asked=(instruction,))
    assert len(set(defects)) == len(defects)


@pytest.mark.parametrize(
    "text",
    ["a " * 50_000, "a" * 100_000, "here is " * 20_000, "i'm sorry " * 20_000, "a." * 50_000],
)
def test_find_is_quick_on_long_hostile_text(text: str) -> None:
    asked = (text[:200],)
    assert clock.seconds(lambda: _find(text, article=text, finish="length", asked=asked), 2) < 2


# What people wrote, and what systems did


def _rows(*patterns: str) -> Iterator[dict[str, str]]:
    for path in sorted(path for pattern in patterns for path in DATA.glob(pattern)):
        content = path.read_bytes()
        lines = gzip.decompress(content) if path.suffix == ".gz" else content
        yield from map(json.loads, lines.splitlines())


def test_find_leaves_summaries_by_people_alone() -> None:
    pairs = [
        (row["article"], reference)
        for row in _rows("articles/*.jsonl")
        for reference in row.get("references") or [row["reference"]]
    ]
    if not pairs:
        pytest.skip("the shared articles are not here")
    assert len(pairs) > 1000
    named = [(text, kinds) for article, text in pairs if (kinds := _find(text, article=article))]
    # One of them does speak of the article.
    assert [(kinds, "The article does n't say" in text) for text, kinds in named] == [
        (("about_article",), True)
    ]


def test_find_names_the_preambles_of_chat_models_and_hardly_anything_else() -> None:
    rows = [row for row in _rows("consistency/*.jsonl.gz") if row["system"] != "Gold"]
    if not rows:
        pytest.skip("the shared summaries are not here")
    named = Counter(
        (kind, row["source"] == "faithbench")
        for row in rows
        for kind in _find(row["summary"], article=row["article"])
    )
    # Each was read by a person; the seq2seq systems of PolyTope and SummEval do loop.
    assert named.keys() == {
        *((kind, True) for kind in ("preamble", "refusal", "about_article", "list")),
        *((kind, False) for kind in ("looping", "about_article")),
    }
    assert 60 <= named["about_article", True] <= 80
    assert 25 <= named["list", True] <= 35
    assert 130 <= named["preamble", True] <= 140
    assert named["refusal", True] == 1
    assert 80 <= named["looping", False] <= 110
