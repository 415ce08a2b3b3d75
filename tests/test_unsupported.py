"""Which words nothing supports: runs, whole sentences, vague words, repetition."""

from evalharness.checks.lexical.alignment import Wording, align, by_sentence, is_repeated
from evalharness.checks.lexical.passages import passages
from evalharness.checks.lexical.support import unsupported_runs
from evalharness.records import Span

ARTICLE = (
    "The harbour bridge closed on Monday after engineers found cracks in two of its piers. "
    "The council will pay for the repairs, which take a month."
)


def _flagged(summary: str, wrong: tuple[Span, ...] = ()) -> list[str]:
    article = Wording(ARTICLE)
    found = []
    for _, tokens in by_sentence(passages(summary)):
        for first, last in unsupported_runs(article, align(article, tokens), wrong):
            found.append(summary[tokens[first].start : tokens[last].end])
    return found


def test_a_copy_has_no_unsupported_words() -> None:
    assert _flagged(ARTICLE) == []


def test_novel_words_are_flagged_with_the_few_words_between() -> None:
    assert _flagged("The harbour bridge closed on Monday after a ferry on fire hit it.") == [
        "ferry on fire hit"
    ]


def test_a_vague_word_alone_is_not_flagged() -> None:
    assert _flagged("Engineers reported cracks in two of its piers on Monday.") == []


def test_a_mostly_novel_sentence_is_flagged_but_for_what_it_copies() -> None:
    summary = "A surgeon praised volunteers because engineers found cracks in two of its piers."
    (flagged,) = _flagged("A surgeon praised the jolly volunteers of the harbour choir.")
    assert flagged == "A surgeon praised the jolly volunteers of the harbour choir"
    assert all("found cracks" not in each for each in _flagged(summary))


def test_what_is_known_to_be_wrong_counts_as_novel() -> None:
    summary = "The harbour bridge closed on Friday in Rome."
    wrong = (Span(summary.index("Friday"), summary.index(" in Rome")),)
    assert _flagged(summary, wrong) == ["Friday in Rome"]


def test_a_word_said_more_often_than_in_any_sentence_of_the_article_is_repeated() -> None:
    article = Wording(ARTICLE)

    def repeated(summary: str) -> bool:
        ((_, tokens),) = by_sentence(passages(summary))
        return is_repeated(article, align(article, tokens))

    assert repeated("The bridge, a bridge and the bridge closed.")
    assert not repeated("The bridge closed after cracks in its piers.")
    assert not repeated("It was 5 to 5 on Monday.")
