"""Laws of the reading of pages: nothing is lost, nothing comes from nowhere, any page is read."""

import functools
import random
import re
from collections.abc import Iterator
from pathlib import Path

import clock
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
    text = file.read_text(encoding="utf-8-sig")
    assert letters(said) == letters(without_markdown(text) if is_markdown(text) else text)
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
    if page.doubt:
        return
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


# What stands on a page, in an order that real ones have; each may be missing.
PARTS_OF_PAGES = {
    "en": """furniture Share
title Ferry crew strikes over night shifts in Sabine
byline By Ada Lind
notice This is AI generated summarization, which may have errors.
again Ferry crew strikes over night shifts in Sabine
caption STRIKE. Crews stand at the quay of Sabine.
credit Photo by K. Halvers
deck The union says that 300 crew will not sail before the owners talk
body SABINE, Verlandia – Ferry crews in Sabine stopped work on Tuesday, their union said.
body “We sail when we sleep,” said Ora Vance, who has worked on the ferries for nine years.
subhead What comes next
body Some 2,300 people take the ferry each day, and most of them have no other way to work.
furniture Add a comment""",
    "es": """title La huelga del transbordador deja aislada a Sabina
time 5 de mayo de 2031
label Puntos clave
summary • Los barcos no saldrán antes del viernes
summary • La empresa ofrece un 4 %
notice Resumen generado con inteligencia artificial. Puede contener errores.
caption Pasajeros esperan en el muelle de Sabina.
credit Foto: K. Halvers
body Las tripulaciones de Sabina dejaron de trabajar el martes, informó el sindicato.
body “Navegamos cuando dormimos”, dijo Ora Vance, que lleva nueve años en los barcos.
body La empresa ofreció el lunes una subida del 4 %.
furniture Lo más leído""",
    "tl": """title Tripulante ng bangka sa Sabina, nagwelga
caption WELGA. Mga tripulante sa pantalan ng Sabina.
credit Larawan ni K. Halvers
byline Ni Ada Lindo
notice Ang buod na ito ay ginawa ng AI at maaaring may mga pagkakamali.
summary Walang biyahe hanggang Biyernes. Apat na porsiyento ang alok ng mga may-ari.
body Nagwelga ang mga tripulante sa Sabina noong Martes dahil sa trabaho sa gabi, ayon sa unyon.
body “Naglalayag kami kapag may tulog,” sabi ni Ora Vance na siyam na taon nang tripulante.
furniture Ibahagi""",
    "de": """title Fährleute in Sabine streiken gegen Nachtschichten
byline Von Ada Lind
body Die Fährleute in Sabine haben am Dienstag die Arbeit niedergelegt.
body „Wir fahren, wenn wir schlafen“, sagte Ora Vance, die seit neun Jahren auf den Fähren arbeitet.
subhead Wie es weitergeht
body Die Eigner boten am Montag 4 Prozent mehr Lohn.
label Das Wichtigste in Kürze
summary • Bis Freitag fährt keine Fähre
summary • Die Eigner bieten 4 Prozent mehr
notice Diese Zusammenfassung wurde mit KI erstellt und kann Fehler enthalten.
furniture Meistgelesen""",
}  # fmt: skip
MAKES = {"title": "h1", "subhead": "h2", "label": "h3", "caption": "figcaption", "time": "time"}


def built(seed: int) -> tuple[list[tuple[str, str]], bool]:
    """Return the parts of a page, of which some are missing, and whether it is HTML."""
    chance = random.Random(seed)
    parts = [
        (role, text)
        for role, _, text in (
            line.partition(" ")
            for line in chance.choice(sorted(PARTS_OF_PAGES.values())).splitlines()
        )
        if role == "body" or chance.random() < 0.75
    ]
    return parts, chance.random() < 0.3


def read_parts(parts: list[tuple[str, str]], html: bool) -> Page:
    if not html:
        return parse_text("\n\n".join(text for _, text in parts))
    makes = ((MAKES.get(role, "p"), text.removeprefix("• ")) for role, text in parts)
    return parse_page("".join(f"<{tag}>{text}</{tag}>" for tag, text in makes).encode(), True)


@pytest.mark.parametrize("seed", range(60))
def test_without_a_part_no_other_moves_into_the_summary(seed: int) -> None:
    parts, html = built(seed)
    page = read_parts(parts, html)
    if page.doubt:
        return
    for i, (role, text) in enumerate(parts):
        if role not in ("title", "again"):
            rest = read_parts([*parts[:i], *parts[i + 1 :]], html)
            assert set(rest.summary) <= set(page.summary) or rest.doubt, text


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


# A megabyte takes at most 2 s on a machine of its own. What is held here is the growth: four times
# the page takes about four times as long (sixteen times where it grows with the square).
MOST_GROWTH = 7.0
LARGE = 2**19  # characters
STORY = "Rain fell in the town of Sabine on Sunday, the mayor said. " * 6


def many(line: str, size: int) -> str:
    """Return so many characters of lines, each with a number of its own."""
    return "".join(line.format(n) for n in range(size // len(line.format(10_000))))


@pytest.mark.parametrize(
    ("before", "line", "html"),
    [
        ("", STORY + "{}.\n\n", False),
        ("", "<p>" + STORY + "{}.</p>", True),
        ("", "Line {} of it\n", False),
        ("", "It rained on {}.\n\n", False),
        ("", "“It is {} of us all here”\n", False),
        ("", "a\n", False),
        ("", "Rain fell in Sabine ", False),
        ("", "9", False),
        ("", ".", False),
        ("# A\n", "# {}\n**b** [a](http://x.y)\n", False),
        ("", "<p>L {}</p>", True),
        ("", "<p>a", True),
        ("", "a<br>", True),
        ("", "<a href=/{0}>l {0}</a>", True),
        ("<p>It rained.", "<div>", True),
        ("<p>", "<b>x", True),
        ("<table>", "<tr><td>a<td>{}", True),
        ("", "<", True),
    ],
    ids=[
        *("paragraphs", "HTML paragraphs", "short lines", "short sentences", "quotes", "letters"),
        *("one line", "digits", "dots", "Markdown", "short elements", "open elements", "breaks"),
        *("links", "deep", "deep inline", "cells", "unclosed"),
    ],
)
def test_time_grows_as_the_page(before: str, line: str, html: bool) -> None:
    whole, quarter = (before + many(line, size) for size in (LARGE, LARGE // 4))

    def growth(times: int) -> float:
        less, more = (
            clock.seconds(functools.partial(parse_page, page.encode(), html), tries=times)
            for page in (quarter, whole)
        )
        return more / max(less, 0.02)

    # What grows as the square takes sixteen times as long each time; a busy machine does not.
    assert any(growth(times) < MOST_GROWTH for times in (1, 3, 5, 5))
    if not html:
        blocks = parse_page(whole.encode(), html).blocks
        assert letters("".join(block.text for block in blocks)) == letters(
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
