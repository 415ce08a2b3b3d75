"""Laws of the reading of pages: nothing is lost, nothing comes from nowhere, any page is read."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.lines import MOST_READ, source
from evalharness.loaders.pages.loader import (
    is_markdown,
    parse_page,
    parse_text,
    without_markdown,
)
from evalharness.loaders.pages.parts import Page
from evalharness.loaders.pages.reading import ROLES
from evalharness.loaders.pages.sites import Guide

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    file
    for folder in (ROOT / "tests" / "cases" / "pages", ROOT / "configs" / "pages")
    for file in folder.iterdir()
    if file.suffix in (".txt", ".html")
)
TEXTS = [file for file in PAGES if file.suffix == ".txt"]


def read(file: Path) -> Page:
    return parse_page(file.read_bytes(), file.suffix == ".html")


def letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text))


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.stem)
def test_lines_with_their_roles_are_the_page_in_order(file: Path) -> None:
    blocks = read(file).blocks
    said = "".join(block.text for block in blocks)
    assert letters(said) == letters(file.read_text(encoding="utf-8-sig"))
    assert {block.role for block in blocks} <= set(ROLES)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_body_summary_furniture_and_labels_are_the_page(file: Path) -> None:
    page = read(file)
    single = (page.title, page.disclaimer or "", page.photo_credit or "", page.source_tag or "")
    several = (page.byline, page.timestamps, page.summary, page.body, page.subheads, page.furniture)
    parts = letters("\n".join([*single, *(line for lines in several for line in lines)]))
    for block in page.blocks:
        said = labels.without_bullet(block.text) if block.role == "summary" else block.text
        parted = source(said) if block.role == "body" else None
        assert letters(said) in parts or (parted and letters(parted[0]) in parts), block
    # And nothing is in the parts that the page does not say.
    assert len(parts) <= len(letters("".join(block.text for block in page.blocks)))


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.stem)
def test_without_a_line_no_other_moves_into_the_summary(file: Path) -> None:
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    page = read(file)
    roles = {block.text: block.role for block in page.blocks}
    moved: list[str] = []
    for i, line in enumerate(lines):
        gone = " ".join(line.split())
        if roles.get(gone) in (
            None,
            "title",
            "again",
        ):  # what has two of its kind becomes the other
            continue
        rest = parse_text("\n".join(lines[:i] + lines[i + 1 :]))
        if set(rest.summary) - set(page.summary) and not rest.doubt:
            moved.append(gone)
    assert moved == []


PLAIN = (
    "Rain floods the market",
    "By Ada Lind",
    "May 5, 2031",
    "SABINE, Verlandia – Rain flooded the market on Tuesday, the town said.",
    "Also in the town, a wall fell.",
    "“Nobody was hurt,” the mayor said.",
    "What comes next",
    "Photo by K. Halvers",
    "Share",
    "Add a comment",
    "Most read",
    "Dam vote delayed",
)


@given(st.lists(st.sampled_from(PLAIN), unique=True))
def test_page_without_anything_like_a_box_has_no_summary(lines: list[str]) -> None:
    assert parse_text("\n\n".join(lines)).summary == ()
    html = "".join(f"<p>{line}</p>" for line in lines)
    assert parse_page(f"<html><body>{html}</body></html>".encode()).summary == ()


@given(st.lists(st.sampled_from(["A wall fell", "Nobody was hurt", "Two men left"]), unique=True))
def test_bullets_below_the_beginning_of_an_article_are_no_summary(bullets: list[str]) -> None:
    lines = [*PLAIN[:4], *(f"• {line}" for line in bullets), *PLAIN[4:6]]
    assert parse_text("\n\n".join(lines)).summary == ()


# 1 MB in 2 s on a machine of its own: what is held here leaves room for others at work on it.
MOST_SECONDS = 4.0
MEGABYTE = 2**20
STORY = "Rain fell in the town of Sabine on Sunday, the mayor said. " * 6


def many(line: str) -> str:
    """Return a megabyte of lines, each with a number of its own."""
    return "".join(line.format(n) for n in range(MEGABYTE // len(line.format(10_000))))


@pytest.mark.parametrize(
    ("whole", "html"),
    [
        (many(STORY + "{}.\n\n"), False),
        (many("<p>" + STORY + "{}.</p>"), True),
        (many("Line {} of it\n"), False),
        (many("It rained on {}.\n\n"), False),
        (many("“It is {} of us all here”\n"), False),
        ("Rain fell in Sabine " * (MEGABYTE // 20), False),
        ("9" * MEGABYTE, False),
        ("." * MEGABYTE, False),
        (many("# {}\n**b** [a](http://x.y)\n"), False),
        (many("<p>L {}</p>"), True),
        (many("<a href=/{0}>l {0}</a>"), True),
        ("<div>" * (MEGABYTE // 5) + "It rained.", True),
        ("<p>" + "<b>x" * (MEGABYTE // 4), True),
        ("<table>" + many("<tr><td>a<td>{}"), True),
        ("<" * MEGABYTE, True),
    ],
    ids=[
        *("paragraphs", "HTML paragraphs", "short lines", "short sentences", "quotes", "one line"),
        *("digits", "dots", "Markdown", "short elements", "links", "deep", "deep inline"),
        *("cells", "unclosed"),
    ],
)
def test_megabyte_is_read_in_seconds(whole: str, html: bool) -> None:
    began = time.process_time()
    page = parse_page(whole.encode(), html)
    assert time.process_time() - began < MOST_SECONDS
    if not html:
        assert letters("".join(block.text for block in page.blocks)) == letters(
            without_markdown(whole) if is_markdown(whole) else whole
        )


def test_rest_of_a_page_of_many_lines_goes_by_its_shape() -> None:
    lines = ["A title of rain", *(f"It rained on day {n}." for n in range(MOST_READ)), "Share it"]
    page = parse_text("\n\n".join(lines))
    assert (page.title, len(page.body), page.furniture) == (lines[0], MOST_READ, ("Share it",))
    corrected = parse_page("\n\n".join(lines).encode(), guide=Guide(roles={len(lines): "source"}))
    assert corrected.source_tag == "Share it"


HOSTILE = (
    *("", "\u200b", "\x00", "<", "</div>", "<!--", "]]>", "&#x0;", "•", "•" * 40, "—", "(", "[a]("),
    *(
        "# ",
        "**",
        "This summary was generated by AI and may contain errors.",
        "AI summary",
        "9" * 60,
    ),
    *("<aside>", "<details><summary>", "<script type='application/ld+json'>{", "\u202e", "A" * 300),
    *("\ufeff", "\r", "\u2028", "<h1>", "<table><tr><td>", "\ud7ff", "Rappler.com", "é" * 50),
)


def mutated(seed: int) -> tuple[bytes, bool]:
    """Return a page with some lines gone, doubled, moved, cut, joined, or hostile; is it HTML."""
    chance = random.Random(seed)
    file = chance.choice(PAGES)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    for _ in range(chance.randint(1, 8)):
        i, j = (chance.randrange(len(lines) + 1) for _ in range(2))
        line = lines[i] if i < len(lines) else ""
        lines[i : i + 1] = chance.choice(
            (
                *([], [line, line], [line[: j % (len(line) + 1)]], [line.upper()], [line[::-1]]),
                *([line, chance.choice(HOSTILE)], [line.replace(" ", "  ")]),
                [line + " " + chance.choice(lines or [""])],
            )
        )
        if chance.random() < 0.2 and i < len(lines) and j < len(lines):
            lines[i], lines[j] = lines[j], lines[i]
    content = "\n".join(lines).replace("\0", "").encode(errors="replace")
    return content, file.suffix == ".html"


def read_mutated(seeds: Iterator[int]) -> None:
    for seed in seeds:
        content, html = mutated(seed)
        page = parse_page(content, html)
        boxed = [block.text for block in page.blocks if block.role == "summary"]
        assert page.summary == tuple(map(labels.without_bullet, boxed)), seed
        assert {block.role for block in page.blocks} <= set(ROLES), seed
        if not html:
            said = "".join(block.text for block in page.blocks)
            assert len(letters(said)) <= len(letters(content.decode())), seed


def test_five_hundred_mutated_pages_are_read() -> None:
    read_mutated(iter(range(500)))


@pytest.mark.slow
def test_ten_thousand_mutated_pages_are_read() -> None:
    read_mutated(iter(range(500, 10_500)))
