"""What each line of a page shows: by its shape, its words, its tags, and the lines around it.

A sign is a name in `weights.SIGNS`, a link one in `weights.LINKS`. Nothing is decided here.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from evalharness.loaders.pages import labels, languages
from evalharness.loaders.pages.lines import (
    MOST_READ,
    Line,
    ends_in_signature,
    is_bare_signature,
    is_furniture,
    is_source_line,
    leads_away,
    opens_article,
    opens_comments,
    opens_list,
    points_elsewhere,
    source,
)
from evalharness.text.words import word_set

LONG_WORDS = 15  # a line of so many words is a paragraph, also without a full stop
LONGEST_LINE = 5000  # characters; what is longer is a paragraph, whatever it says
TITLE_WORDS = 40  # at most
HEADLINE_WORDS = (4, 22)
TWIN_LETTERS = 12  # of what stands twice and may be the title
NEAR_WORDS = 4  # of a title said again in other words
NEAR_SHARE = 0.7
MOST_NEAR = 60  # lines compared with each other for that
PULLED_WORDS = 6
LINES_OF_BOX = 25  # from what opens a box to its last line
LINES_TO_NOTICE = 8  # from the first line of a box to the notice that closes it
MOST_HEAD = 40  # lines in which a deck may stand
MOST_DECKS = 2  # paragraphs that may stand above the byline
MOST_BETWEEN = 7  # lines between a deck and the byline
UPPER_WORDS = 7
LONGEST_QUOTE = 250  # characters
MOST_PULLED = 50
ECHO_SHARE = 0.65  # of a line's words that the page says elsewhere
ECHO_WORDS = 6
# RALLY. Students march to …   HIGH SPIRITS. The win …
_CAPS_LEAD = re.compile(
    r"[^\W\d_a-zß-öø-ÿ][^\W_a-zß-öø-ÿ'’,&\- ]{2,40}(?: [^\W_a-zß-öø-ÿ'’,&\-]+){0,5}"
    r"[.:] (?=[^\W\d_])"
)
_CLAIM = re.compile(r"[^\W\d_][\w’'\- ]{2,45}[:?] (?=\S.{25})")
_RATED = re.compile(r"[^\W\d_][\w ]{2,18}: [^\W\d_][\w\- ]{2,25}")
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d$")
_CODE = re.compile(r"[^\W\d]:[^\W\d]|[{}<>|=\\]")
_PICTURES = re.compile(r"\b(Images|Photos?|Pictures)$")
_ABBREVIATED = re.compile(r"\b(Inc|Ltd|Co|Corp|Jr|Sr|Pty|Bros)\.$")
_FULL_STOP = re.compile(r"[.!?。] ")
_GLUED = re.compile(r"[^\W\d_A-ZÀ-Þ][A-ZÀ-Þ]")  # HomeSportWeather
MOST_GLUED = 2
_HANDLE = re.compile(r"@\w{2,30}")
_SITE = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|ph|co|news|id|de|fr|es|it|se|nl|jp|br|example)\b", re.IGNORECASE
)
_AUTHORS = re.compile(r"\b[Bb]y |\band\b|,|&|\|")
_BIO = re.compile(
    r",? (is (an?|the|our|based)|was (an?|the)|covers|writes|reports|has (covered|written|been"
    r"|reported)|joined|works|can be reached|contributed)\b"
)


@dataclass(frozen=True)
class Statement:
    """What a page says of itself in its data for machines: JSON-LD, OpenGraph, microdata."""

    title: str = ""
    authors: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    body: str = ""
    deck: str = ""
    sites: tuple[str, ...] = ()


def line_signs(lines: Sequence[Line], statement: Statement) -> list[frozenset[str]]:
    """Return the signs of each line."""
    signs = [set(_own_signs(each)) for each in lines]
    if signs:
        signs[0].add("first")
    _add_twins(lines, signs)
    _add_continued(lines, signs)
    _add_places(lines, signs)
    _add_opening_label(lines, signs)
    _add_authors(lines, signs)
    _add_pulled(lines, signs)
    _add_posts(lines, signs)
    _add_bios(lines, signs)
    _add_echoes(lines, signs)
    _add_stated(lines, signs, statement)
    _add_reach(signs)
    return [frozenset(each) for each in signs]


def line_links(lines: Sequence[Line], signs: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return what joins each line to the one before it, or parts it from it."""
    return [frozenset(_link(lines, signs, i)) if i else frozenset() for i in range(len(lines))]


_PICTURED = frozenset({"caption", "credit", "h_caption", "caps_lead"})


def _link(lines: Sequence[Line], signs: Sequence[frozenset[str]], i: int) -> set[str]:
    above, below = signs[i - 1], signs[i]
    links = {"together"} if not lines[i].gap else set[str]()
    kinds = ("bullet", "prose", "h_box")
    if not all((k in above) == (k in below) for k in kinds):
        links.add("unlike")
    else:
        links.add("alike_prose" if "prose" in below and "bullet" not in below else "alike")
    if "opens_list" in above and "prose" not in below:
        links.add("listed")
    links |= {name for name in ("opener", "claim", "caps_lead") if name in below}
    if "tagged" in above:
        links.add("ends_here")
    if "opens_comments" in below:
        links.add("comments_below")
    elif "opens_list" in below and not below & {"h_frame", "h_furniture"}:
        links.add("list_below")
    if "h_caption" in below:
        links.add("pictured")
    if above & _PICTURED and below & {"fragment", "long"}:
        links.add("below_picture")
    if ("h_box" in above) != ("h_box" in below) or "ends_headed" in above:
        links.add("box_ends")
    return links


@lru_cache(maxsize=MOST_READ * 2)  # the same line again, as menus have it
def _own_signs(each: Line) -> set[str]:
    """Return the signs of a line by itself."""
    signs = {"any", f"h_{each.hint}"} if each.hint else {"any"}
    if len(each.raw) > LONGEST_LINE:
        return signs | {"prose", "very_long"} | ({"opener"} if opens_article(each.raw) else set())
    signs |= _shape(each)
    said = each.text
    looks_cited = said[:1] in '"“«‘„'
    kind = labels.notice_kind(said)
    if kind and not looks_cited:
        signs.add(kind)
        return signs
    if labels.is_caution(said):
        signs.add("caution")
    if labels.is_box_heading(said):
        signs.add("ai_label" if labels.names_machine(said) else "label")
    signs |= _label_signs(each)
    if each.hint in ("title", "box") and "furniture" in signs:
        signs.discard("furniture")
    if "pointer" in signs:
        signs.discard("opener")
    return signs


def _shape(each: Line) -> set[str]:
    said, words = each.raw, labels.word_count(each.raw)
    signs: set[str] = set()
    if each.bullet:
        signs.add("bullet")
    cut = said.endswith(("...", "…")) and not _FULL_STOP.search(said)
    if (
        each.ends_sentence
        and not cut
        and not (words <= 8 and _ABBREVIATED.search(said))
        and not (said.endswith("?") and words <= 12 and said.count(".") == 0)
    ):
        signs.add("prose")
    elif words >= LONG_WORDS:
        signs.add("long")
    else:
        signs.add("fragment")
        if said.endswith("?") and said[0] not in '"“«‘':
            signs.add("question")
        if each.html and each.hint in ("", "box") and not each.bullet:
            signs.add("html_fragment")
    if source(said) is not None:
        signs |= {"tagged"}
        signs.discard("fragment")
        signs.add("prose")
    if HEADLINE_WORDS[0] <= words <= HEADLINE_WORDS[1]:
        signs.add("headline")
    if words < 3:
        signs.add("few_words")
    if words > TITLE_WORDS:
        signs.add("very_long")
    if said.isupper():
        signs.add("upper_headline" if words >= UPPER_WORDS else "upper")
    if labels.goes_on(said):
        signs.add("goes_on")
    if not each.bullet and each.hint in ("", "heading") and opens_article(said):
        signs.add("opener")
    elif "prose" in signs and _CAPS_LEAD.match(said):
        signs.add("caps_lead")
    return signs


def _label_signs(each: Line) -> set[str]:
    said, signs = each.raw, set[str]()
    if labels.is_timestamp(said):
        return {"time", "dated"} if labels.is_dated(said) else {"time"}
    if is_source_line(said):
        signs.add("source_line")
    if languages.begins("claim", said) and _CLAIM.match(said):
        signs.add("claim")
    if languages.begins("rating", said) and _RATED.fullmatch(said):
        signs.add("rating")
    if labels.is_credit(said):
        signs.add("credit")
    if labels.is_byline(said):
        signs.add("byline")
    elif labels.is_byline_by_role(said) or labels.is_desk(said):
        signs.add("by_role")
        if labels.is_role_only(said):
            signs.add("role_only")
    elif _SITE.fullmatch(said):
        signs.add("site_name")
    elif (
        not each.bullet
        and not labels.is_box_heading(said)
        and (labels.is_name(said) or (said.isupper() and labels.is_name(said.title())))
    ):
        signs |= {"name", "name_upper"} if said.isupper() else {"name"}
    if _HANDLE.fullmatch(said):
        signs.add("handle")
    if opens_comments(said):
        signs.add("opens_comments")
    if opens_list(said):
        signs.add("opens_list")
    if is_furniture(said) and not points_elsewhere(said) and not labels.is_owned_picture(said):
        signs.add("furniture")
        signs.discard("credit")
    if points_elsewhere(said):
        signs.add("pointer")
    return signs | _wording_signs(said)


def _wording_signs(said: str) -> set[str]:
    signs = {name for name, shown in _SHOWN.items() if shown(said)}
    if languages.says("site_talk", said):
        if languages.says_both("site_talk", "reader", said):
            signs.add("site_talk")
        elif not labels.is_ended(said) or languages.says("site_talk", said, "en"):
            signs.add("site_words")
    return signs


# What a line's wording alone shows.
_SHOWN: Mapping[str, Callable[[str], object]] = {
    "imperative": lambda said: languages.begins("imperative", said),
    "lower_start": lambda said: said[0].islower(),
    "picture": _PICTURES.search,
    "leads_away": leads_away,
    "stamped": _STAMPED.search,
    "glued": lambda said: len(_GLUED.findall(said)) >= MOST_GLUED,
    "code": _CODE.search,
    "paper": lambda said: languages.says("paper", said),
}


_NO_WORD = re.compile(r"[\W_]+")


def folded(said: str) -> str:
    """Return a line as it is compared with others: without case, marks and spaces."""
    return " ".join(_NO_WORD.sub(" ", said.casefold()).split())


def _add_twins(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark what stands twice on the page and may be its title."""
    bare = [folded(each.raw) for each in lines]
    shown = [
        i
        for i, each in enumerate(lines)
        if each.hint not in ("furniture", "frame") and "furniture" not in signs[i]
    ]
    where: dict[str, list[int]] = {}
    for i in shown:
        if "bullet" not in signs[i] and not lines[i].raw.endswith("."):
            where.setdefault(bare[i], []).append(i)
    groups = [
        again for said, again in where.items() if len(again) > 1 and len(said) >= TWIN_LETTERS
    ]
    groups.sort(key=lambda again: (len(bare[again[0]].split()) < NEAR_WORDS, again[0]))
    for i in groups[0] if groups else ():
        signs[i].add("twin")
        signs[i].discard("pointer")
    heads = [i for i in shown if "fragment" in signs[i] and "headline" in signs[i]][:MOST_NEAR]
    words = {i: set(bare[i].split()) for i in heads}
    for i in heads:
        for k in heads:
            if i == k or bare[i] == bare[k] or len(words[i]) < NEAR_WORDS:
                continue
            if len(words[i]) <= len(words[k]) and len(words[i] & words[k]) >= NEAR_SHARE * len(
                words[k]
            ):
                signs[i].add("near_twin")
                signs[k].add("fuller_twin")


def _add_places(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark decks by the byline or time below them, and lines of a list by how they begin."""
    for i in range(1, len(lines)):
        if signs[i] & {"paper", "role_only"} and signs[i - 1] & {"name", "byline", "h_byline"}:
            signs[i].add("after_author")
    _add_pictures(lines, signs)
    _add_tail(signs)
    paragraphs = 0
    for i in range(min(len(lines), MOST_HEAD)):
        if not signs[i] & {"prose", "long"} or signs[i] & {"furniture", "notice", "remark"}:
            continue
        paragraphs += 1
        if paragraphs > MOST_DECKS:
            break
        below = signs[i + 1 : i + 1 + MOST_BETWEEN]
        until = next(
            (
                k
                for k, has in enumerate(below)
                if has & {"prose", "long"} and not has & {"furniture", "time"}
            ),
            len(below),
        )
        if any(has & {"byline", "time", "h_byline", "h_time", "by_role"} for has in below[:until]):
            signs[i].add("before_byline")
    first = [each.raw.split()[0] for each in lines]
    for i, has in enumerate(signs):
        near = [k for k in (i - 1, i + 1) if 0 <= k < len(lines) and first[k] == first[i]]
        if any(
            "prose" not in signs[k] and lines[k].raw != lines[i].raw for k in near
        ) and not has & {"prose", "bullet", "time", "byline"}:
            has.add("series")


_NO_STORY = frozenset({"furniture", "notice", "remark", "caption", "credit", "before_byline"})
_APART = frozenset({"h_frame", "h_furniture", "h_box", "h_caption", "furniture"})
MOST_HEADED = 12  # lines of a box


def _add_opening_label(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark a summary's heading above the first paragraph, where no section of an article has one.

    A list right below it is its box; so is what stands above the heading of the article.
    """
    for i, has in enumerate(signs[:-1]):
        if i and "label" in has and not has & _APART:
            end = _end_of_headed(lines, signs, i)
            if end or not labels.may_head_section(lines[i].text):
                has.add("opens_page")
            for below in signs[i + 1 : end]:
                below.add("headed")
            if end:
                signs[end - 1].add("ends_headed")
            return
        if has & {"prose", "long", "bullet"} and not has & (_NO_STORY | _APART):
            return


def _end_of_headed(lines: Sequence[Line], signs: Sequence[set[str]], i: int) -> int:
    """Return the line after the box that line i heads; 0 where nothing shows how far it reaches."""

    def until(is_last: Callable[[int], bool]) -> int:
        rest = range(i + 1, min(len(lines), i + 2 + MOST_HEADED))
        end = next((k for k in rest if is_last(k)), 0)
        follows = any("prose" in has and not has & _APART for has in signs[end:])
        return end if end > i + 1 and follows else 0

    if lines[i + 1].bullet:
        return until(lambda k: not lines[k].bullet)
    if end := until(lambda k: labels.names_article(lines[k].text)):
        return end
    if labels.may_head_section(lines[i].text) or not lines[i].html:
        return 0
    end = until(lambda k: "h_heading" in signs[k])
    return end if end == i + 2 else 0  # one paragraph between two headings


def _add_pictures(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark credits by the caption above, captions by the credit, and names in small letters."""
    for i, (above, below) in enumerate(pairwise(signs), 1):
        short = "fragment" in below and labels.word_count(lines[i].raw) <= MOST_NAMES
        if above & {"caps_lead", "caption"} and short and not below & {"twin", "near_twin", "time"}:
            below.add("below_caption")
        brief = labels.word_count(lines[i - 1].raw) <= MOST_CAPTION and not above & _TAKEN
        if "credit" in below and brief:
            above.add("above_credit")
        if below & {"notice", "remark", "time"} and labels.is_small_name(lines[i - 1].raw):
            above.add("name")
            above.discard("lower_start")


MOST_CAPTION = 14  # words of a caption that only the credit below it shows
_TAKEN = word_set("opener notice remark name byline by_role time twin near_twin label furniture")
_KEPT = frozenset({"bullet", "series", "source_line", "credit", "rating", "byline", "time"})


def _add_tail(signs: list[set[str]]) -> None:
    """Mark the short lines that no paragraph follows."""
    for has in reversed(signs):
        if has & {"prose", "long"} and not has & {"furniture", "site_talk", "pointer"}:
            return
        if "fragment" in has and not has & _KEPT:
            has.add("tail")


_ANCHORS = frozenset({"notice", "remark", "ai_label", "label", "twin", "near_twin", "h_box"})


_OF_HEAD = frozenset({"twin", "h_title", "byline", "h_byline"})  # no box goes over such a line


def _add_reach(signs: list[set[str]]) -> None:
    """Mark lines that no box reaches: what could open one is too far above, what closes one below.

    So a page without anything like a box has no summary, whatever else it says.
    """
    anchors = [i for i, has in enumerate(signs) if has & _ANCHORS]
    closing = [i for i, has in enumerate(signs) if has & {"notice", "remark", "h_box"}]
    heads = [i for i, has in enumerate(signs) if has & _OF_HEAD]
    for i, has in enumerate(signs):
        k, h = bisect_left(closing, i), bisect_right(heads, i)
        until = min(i + LINES_TO_NOTICE, heads[h] if h < len(heads) else len(signs))
        closed = k < len(closing) and closing[k] <= until
        above = bisect_right(anchors, i)
        opened = above > 0 and anchors[above - 1] >= i - LINES_OF_BOX
        if not closed:
            has.add("bare_bullet" if "bullet" in has else "unclosed")
            if not opened and "bullet" not in has:
                has.add("out_of_reach")


def _add_continued(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark short lines that go on with a sentence of the line above, as a link in it does."""
    for i in range(1, len(lines)):
        above = "notice" in signs[i - 1] or "remark" in signs[i - 1] or "continued" in signs[i - 1]
        if above and not lines[i - 1].ends_sentence and lines[i].raw[0].islower():
            signs[i].add("continued")


_BY = re.compile(r"[^\W\d_]+:? +")
MOST_NAMES = 4  # words; a headline in capitals may look like a longer name
NEAR_AUTHOR = 8  # lines between the author and another name that is none


def _add_authors(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark an author who is named again, and bare names beside one who is named as the author."""
    named: set[str] = set()
    by = [i for i, has in enumerate(signs) if "byline" in has]
    for i, (each, has) in enumerate(zip(lines, signs, strict=True)):
        said = folded(each.raw)
        if has & {"byline", "name", "h_byline"} and len(said) <= LONGEST_QUOTE:
            bare = folded(_BY.sub("", each.raw, count=1)) if "byline" in has else said
            if {said, bare} & named:
                has.add("again_author")
            named |= {said, bare}
        if "name" in has and "byline" not in has and labels.word_count(each.raw) <= MOST_NAMES:
            k = bisect_left(by, i - NEAR_AUTHOR)
            if k < len(by) and by[k] <= i + NEAR_AUTHOR:
                has.add("beside_author")
    boxes = [i for i, each in enumerate(lines) if each.hint == "box"]
    for i in boxes[:1] if len(boxes) > 2 else ():
        alike = lines[i].around == lines[i + 1].around and lines[i].bullet == lines[i + 1].bullet
        short = labels.word_count(lines[i].raw) <= MOST_HEADING
        if "prose" not in signs[i] and short and not alike:
            signs[i].add("heads_box")


MOST_HEADING = 7  # words of the first line of a box that is its heading


def _add_pulled(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark short lines that another paragraph says, too."""
    suspects = [i for i, each in enumerate(lines) if i and _may_be_pulled(each, signs[i])]
    if not suspects:
        return
    bare = [folded(each.raw) for each in lines]
    long = [i for i in range(len(lines)) if "prose" in signs[i]]
    for i in suspects[:MOST_PULLED]:
        said = bare[i]
        if len(said.split()) >= 3 and any(
            said in bare[k] and said != bare[k] for k in long if k != i
        ):
            signs[i].add("pulled")
            if i + 1 < len(lines) and lines[i + 1].raw[0] in "–—-":
                signs[i + 1].add("pulled")


def _may_be_pulled(each: Line, signs: set[str]) -> bool:
    said = each.raw
    if len(said) > LONGEST_QUOTE or each.hint in ("heading", "title", "box") or said.isupper():
        return False
    if each.bullet or "twin" in signs:
        return False
    return said[0] in '"“«„' or ("prose" not in signs and len(said.split()) >= PULLED_WORDS)


def _add_posts(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark embedded posts, whose signature stands on a line of its own."""
    for i, each in enumerate(lines):
        if ends_in_signature(each.raw):
            signs[i].add("post")
        if i and is_bare_signature(each.raw):
            signs[i - 1].add("post")


def _add_bios(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark what the last lines say of the author."""
    named = [
        each.raw
        for each, has in zip(lines, signs, strict=True)
        if has & {"byline", "name", "h_byline"}
    ]
    authors = [
        name.strip() for line in named for name in _AUTHORS.split(line) if " " in name.strip()
    ]
    prose = [i for i, has in enumerate(signs) if "prose" in has]
    for i in prose[-4:]:
        said = lines[i].raw
        if any(said.startswith(name) and _BIO.match(said[len(name) :]) for name in authors):
            signs[i].add("bio")


def _add_echoes(lines: Sequence[Line], signs: list[set[str]]) -> None:
    """Mark lines whose words the paragraphs of the page say, too."""
    words = [set(folded(each.raw).split()) for each in lines]
    counts = Counter(
        word for own, has in zip(words, signs, strict=True) if "prose" in has for word in own
    )
    for own, has in zip(words, signs, strict=True):
        content = [word for word in own if len(word) > 3]
        least = 2 if "prose" in has else 1
        if len(content) >= ECHO_WORDS and (
            sum(counts[w] >= least for w in content) >= ECHO_SHARE * len(content)
        ):
            has.add("echo")


def _add_stated(lines: Sequence[Line], signs: list[set[str]], statement: Statement) -> None:
    """Mark the lines that are title, author, time or text in what the page states of itself."""
    title = folded(statement.title)
    authors = {folded(name) for name in statement.authors}
    times = {folded(time) for time in statement.times}
    sites = {folded(site) for site in statement.sites} - authors
    deck = folded(statement.deck)
    body = folded(statement.body[:MOST_STATED])
    phrases = _phrases(body) if len(body) > LEAST_STATED else set[str]()
    for each, has in zip(lines, signs, strict=True):
        said = folded(each.raw)
        if not said:
            continue
        if title and (said == title or (len(said) > 20 and title.startswith(said))):
            has.add("said_title")
        if said in authors or any(
            said == f"{by} {name}" for name in authors for by in ("by", "por", "von")
        ):
            has.add("said_author")
        if said in times:
            has.add("time")
        if said in sites:
            has.add("said_site")
        if said == deck:
            has.add("said_deck")
        if phrases and len(said) > 20 and "notice" not in has:
            has.add("said_body" if _is_of(phrases, said) else "not_said_body")


MOST_STATED = 300_000  # characters of the text that a page states
LEAST_STATED = 200  # of one that is the whole article and no lead
PHRASE_WORDS = 3


def _phrases(body: str) -> set[str]:
    """Return all runs of one word to three: a line is looked up in time that goes by its length."""
    words = body.split()
    return {
        " ".join(words[i : i + n])
        for n in range(1, PHRASE_WORDS + 1)
        for i in range(len(words) - n + 1)
    }


def _is_of(phrases: set[str], said: str) -> bool:
    """Return whether each run of three words in a line is one of the text's."""
    words = said.split()
    last = max(1, len(words) - PHRASE_WORDS + 1)
    return all(" ".join(words[i : i + PHRASE_WORDS]) in phrases for i in range(last))
