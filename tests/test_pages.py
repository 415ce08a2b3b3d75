"""Articles from saved news pages: title, summary box and body, in plain text and HTML."""

import base64
import json
import quopri
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.errors import DataError
from evalharness.loaders.pages import html as pages_html
from evalharness.loaders.pages.labels import is_disclaimer
from evalharness.loaders.pages.lines import fold_spaces, is_furniture
from evalharness.loaders.pages.loader import Pages, article_text, parse_page, parse_text
from evalharness.loaders.pages.parts import Page
from evalharness.records import Article, Rejected

SHARED = Path(__file__).parents[2] / "shared" / "data" / "pages"
CASES = Path(__file__).parent / "cases" / "pages"


DISCLAIMER = "This summary was generated automatically and may contain mistakes."
TEXT = f"""Rain floods the market

By Ada Lind and Bo Ek

{DISCLAIMER}

Rain floods the market

K. HALVERS / MNS

Rain flooded the market in Sabine

Nobody was hurt

SABINE, Verlandia – Rain flooded the market in Sabine on Tuesday, the town said.

ALSO ON THE POST

Also in the town, a wall fell.

Nobody was hurt. – Harbor Ledger

Add a comment
Loading
Related stories
"""
BODY = (
    "SABINE, Verlandia – Rain flooded the market in Sabine on Tuesday, the town said.",
    "Also in the town, a wall fell.",
    "Nobody was hurt.",
)
SUMMARY = ("Rain flooded the market in Sabine", "Nobody was hurt")
PAGE = Page(
    title="Rain floods the market",
    byline=("By Ada Lind and Bo Ek",),
    disclaimer=DISCLAIMER,
    photo_credit="K. HALVERS / MNS",
    summary=SUMMARY,
    dateline="SABINE, Verlandia",
    body=BODY,
    source_tag="– Harbor Ledger",
    furniture=("ALSO ON THE POST", "Add a comment", "Loading", "Related stories"),
)


def parts(page: Page) -> tuple[str, str | None, tuple[str, ...], tuple[str, ...]]:
    return page.title, page.disclaimer, page.summary, page.body


def html(box: str) -> bytes:
    paragraphs = "".join(f"<p>{line}</p>" for line in BODY)
    more = "<p>The council meets again on Monday to talk about the drains and their cost.</p>" * 3
    page = (
        f"<!DOCTYPE html><html><head><title>x</title><script>{DISCLAIMER}</script></head><body>"
        f"<nav><a href='#'>Home</a></nav><article><h1>Rain floods the market</h1>{box}"
        f"<div>{paragraphs}{more}</div></article><footer>© The Post</footer></body></html>"
    )
    return page.encode()


# Plain text


def test_text_page_is_taken_apart() -> None:
    assert parse_text(TEXT) == PAGE


def test_text_page_reads_alike_with_other_line_ends_and_spaces() -> None:
    text = TEXT.replace("\n", "\r\n").replace(" ", "\u00a0")
    assert parse_text(text) == PAGE


def test_disclaimer_may_stand_after_the_box() -> None:
    box = f"• One thing happened\n• Another did\n{DISCLAIMER}\n"
    text = f"Title\n{box}ORO CITY – It happened at last.\n"
    assert parts(parse_text(text)) == (
        "Title",
        DISCLAIMER,
        ("One thing happened", "Another did"),
        ("ORO CITY – It happened at last.",),
    )


@pytest.mark.parametrize("ending", ["()", "（）", "( )", "Photo ()"])
def test_page_with_empty_brackets_at_the_end_of_a_line_is_read(ending: str) -> None:
    line = f"Boats lay in the harbour all day {ending}"
    page = parse_text(f"Title\n\n{line}\n\nThe wind fell at night, and they left.\n")
    assert page.title == line


@pytest.mark.parametrize(
    "box",
    ["- Rain flooded the market in Sabine\n- Nobody was hurt\n", "\n".join(SUMMARY) + "\n"],
)
def test_box_ends_without_a_dateline(box: str) -> None:
    page = parse_text(f"Title\n{DISCLAIMER}\nKey points:\n{box}Rain fell.\nAll day.\n")
    assert parts(page) == ("Title", DISCLAIMER, SUMMARY, ("Rain fell.", "All day."))


def test_box_of_one_paragraph_ends_after_it() -> None:
    text = f"Title\n{DISCLAIMER}\nRain flooded the market.\nRain fell.\nAll day.\n"
    assert parse_text(text).summary == ("Rain flooded the market.",)


def test_all_that_a_page_says_of_its_story_is_evidence() -> None:
    """Not its furniture, and not the summary, which would bear itself out."""
    lines = (
        "Harbor of Orrin reopens",
        "By Ada Quill",
        "March 3, 2026 9:15 AM PHT",
        "AI summary",
        "The harbor reopened on Monday after nine days.",
        "This is AI generated summarization, which may have errors.",
        "PIER. Boats leave the harbor of Orrin. Photo by Tam Vell",
        "ORRIN, Lakeland – The harbor of Orrin reopened on Monday, the mayor said. Ships wait.",
        "What comes next",
        "Dredging will go on until May, the port office said in a statement on Tuesday.",
        "– Lakeland News Agency",
        "Related Stories",
        "Subscribe now",
    )
    page = parse_text("\n\n".join(lines))

    for line in ("Orrin reopens", "Ada Quill", "March 3, 2026", "PIER. Boats", "What comes next"):
        assert line in page.evidence
    assert "Dredging will go on" in page.evidence
    assert "after nine days" not in page.evidence
    assert "Subscribe" not in page.evidence


PLAIN_POINTS = ("Rain flooded the market in Sabine.", "Nobody was hurt.")
PLAIN_LIST = "".join(f"<li>{point}</li>" for point in PLAIN_POINTS)
PLAIN_PARAGRAPH = "Rain flooded the market in Sabine and nobody was hurt."
AUTHOR = "<p class='byline'>By Ada Lind</p><p><time>October 17, 2031</time></p>"


@pytest.mark.parametrize("heading", ["Summary", "Key points", "In brief", "Zusammenfassung"])
@pytest.mark.parametrize("tag", ["h2", "h4", "p><strong"])
def test_list_below_a_plain_heading_is_surely_the_summary(heading: str, tag: str) -> None:
    """Below a byline, too: it was read as the first section of the article."""
    box = f"{AUTHOR}<{tag}>{heading}</{tag.split('<')[-1]}></p><ul>{PLAIN_LIST}</ul>"
    page = parse_page(html(box))
    assert (page.summary, page.body[:3], page.doubt) == (PLAIN_POINTS, BODY, "")


@pytest.mark.parametrize(
    "box",
    [
        f"<h2>Summary</h2><p>{PLAIN_PARAGRAPH}</p><h2>Full story</h2>",
        f"<div><h2>Summary</h2><p>{PLAIN_PARAGRAPH}</p></div>",
        f"<section><h3>Key points</h3><p>{PLAIN_PARAGRAPH}</p></section>",
    ],
)
def test_paragraph_below_a_plain_heading_is_surely_the_summary_if_something_ends_it(
    box: str,
) -> None:
    page = parse_page(html(AUTHOR + box))
    assert (page.summary, page.body[:3], page.doubt) == ((PLAIN_PARAGRAPH,), BODY, "")


def test_paragraph_below_a_plain_heading_that_only_its_place_ends_is_a_guess() -> None:
    """It may be the first of two, or the article itself."""
    other = "The stalls had been rebuilt last winter after a fire."
    lines = ("Rain floods the market", "By Ada Lind", "Summary", other, *BODY[1:], "It rains.")
    page = parse_text("\n\n".join(lines))
    assert page.summary == (other,)
    assert page.doubt.startswith("nothing but its place parts")


@pytest.mark.parametrize("heading", ["Overview", "What to know", "Highlights"])
def test_heading_that_sections_have_too_opens_no_summary(heading: str) -> None:
    page = parse_page(html(f"{AUTHOR}<h2>{heading}</h2>"))
    assert (page.summary, page.body[:3]) == ((), BODY)


def test_page_says_which_heading_was_read_as_one_of_the_article() -> None:
    page = parse_page(
        html("").replace(b"</article>", b"<h2>Summary</h2><p>It rained.</p></article>")
    )
    assert page.lack == (
        "the page has no summary: “Summary” was read as a heading of the article, as nothing sets "
        "off what follows it"
    )


def test_page_without_a_box_has_no_summary() -> None:
    page = parse_text("Title\nBy Ada Lind\nOctober 17, 2031\nRain fell.\nAll day.\nLoading\n")
    assert parts(page) == ("Title", None, (), ("Rain fell.", "All day."))
    assert (page.byline, page.timestamps) == (("By Ada Lind",), ("October 17, 2031",))


@pytest.mark.parametrize(
    "line",
    [
        "This is AI generated summarization, which may have errors. For context, always refer to "
        "the full article.",
        "AI-generated summary. May contain inaccuracies.",
        "Summary written with the help of artificial intelligence; check important facts.",
        "These key points were created by a language model and have not been reviewed by editors.",
        "An algorithm wrote this summary. It can be wrong.",
    ],
)
def test_disclaimer_is_known_in_other_words(line: str) -> None:
    assert is_disclaimer(line)


@pytest.mark.parametrize(
    "line",
    [
        "Summarize this article with AI",
        "The machine printed 300 pages an hour before it broke down on Tuesday.",
        "The mayor said the report contained errors.",
        "The AI company said its model generates summaries with few errors. " * 6,
    ],
)
def test_other_lines_are_no_disclaimer(line: str) -> None:
    assert not is_disclaimer(line)


@pytest.mark.parametrize(
    ("line", "furniture"),
    [
        ("Download the The Meridian Post App!", True),
        ("ALSO ON THE MERIDIAN POST", True),
        ("12 comments", True),
        ("Read more: Dam vote delayed", True),
        ("© 2031 Harbor Ledger. All rights reserved.", True),
        ("Also on Monday, a second wall fell.", False),
        ("Read more than 20 books a year, the teacher said.", False),
        ("News of the vote spread at once.", False),
    ],
)
def test_furniture_is_told_from_sentences(line: str, furniture: bool) -> None:
    assert is_furniture(line) is furniture


@given(st.text())
def test_any_text_is_taken_apart_and_nothing_is_added(text: str) -> None:
    page = parse_text(text)
    said = fold_spaces(text)
    found = (page.title, *page.summary, *page.body, *page.furniture, *page.byline)
    assert all(part in said for part in found)


_LINES = (
    *(line for line in TEXT.splitlines() if line),
    "AI summary",
    "• A wall fell",
    "Share",
    "Sabine after the rain",
    "“Nobody was hurt”",
    "— Sabine (@sabine) May 5, 2031",
    "Published May 5, 2031",
    "– Harbor Ledger",
)


@given(st.lists(st.sampled_from(_LINES), unique=True))
def test_every_line_of_a_page_ends_up_in_one_part(lines: list[str]) -> None:
    page = parse_text("\n\n".join(lines))
    bullets = {ord(sign): None for sign in "•–—"}
    optional = (page.disclaimer, page.photo_credit, page.source_tag, page.title)
    several = (page.byline, page.timestamps, page.summary, page.body, page.subheads, page.furniture)
    found = [part for part in optional if part] + [line for part in several for line in part]
    words = sorted(" ".join(lines).translate(bullets).split())
    assert sorted(" ".join(found).translate(bullets).split()) == words


# HTML


@pytest.mark.parametrize(
    "box",
    [
        f"<aside><p>{DISCLAIMER}</p><ul><li>{SUMMARY[0]}</li><li>{SUMMARY[1]}</li></ul></aside>",
        f"<div class='x9'><h2>AI summary</h2><p>{SUMMARY[0]}</p><p>{SUMMARY[1]}</p>"
        f"<small>{DISCLAIMER}</small></div>",
        f"<details><summary>Key points</summary><div><span>{DISCLAIMER}</span></div>"
        f"<div>{SUMMARY[0]}</div><div>{SUMMARY[1]}</div></details>",
        f"<p>{DISCLAIMER}</p><ul><li>{SUMMARY[0]}</li><li>{SUMMARY[1]}</li></ul>",
    ],
    ids=["aside", "div", "details", "no box"],
)
def test_summary_box_is_taken_out_of_the_article_however_it_is_marked_up(box: str) -> None:
    page = pages_html.parse_html(html(box))
    assert page.title == PAGE.title
    assert page.disclaimer == DISCLAIMER
    assert page.summary == SUMMARY
    assert page.body[: len(BODY)] == BODY
    assert SUMMARY[0] not in page.body


@pytest.mark.parametrize(
    "control",
    [
        "<button>Was this helpful?</button>",
        "<button>Listen</button>",
        "<p>Was this summary useful? Yes No</p>",
        "<span>How does this work?</span>",
        "<div>Report a problem with this summary</div>",
        "<a href='#'>Learn more about how we use AI</a>",
        "<p>Thanks for your feedback!</p>",
    ],
)
def test_control_in_the_box_is_no_line_of_the_summary(control: str) -> None:
    lines = "".join(f"<p>{line}.</p>" for line in SUMMARY)
    for inside in (f"{lines}{control}", f"{control}{lines}"):
        page = pages_html.parse_html(html(f"<div><h2>{DISCLAIMER}</h2>{inside}</div>"))
        assert page.summary == tuple(f"{line}." for line in SUMMARY)


@pytest.mark.parametrize(
    "heading",
    [
        *("Automated summary", "AI digest", "AI-written brief", "The short version (AI)"),
        "In brief (automatically generated)",
    ],
)
def test_box_is_known_by_other_headings_that_name_a_machine(heading: str) -> None:
    lines = "".join(f"<p>{line}.</p>" for line in SUMMARY)
    for tag in ("h2", "div", "button"):
        page = pages_html.parse_html(html(f"<div><{tag}>{heading}</{tag}>{lines}</div>"))
        assert page.summary == tuple(f"{line}." for line in SUMMARY)


def test_html_page_without_a_box_has_no_summary() -> None:
    page = pages_html.parse_html(html(""))
    assert (page.disclaimer, page.summary) == (None, ())
    assert page.body[: len(BODY)] == BODY


LINKED = {
    "@graph": [
        {"@type": "WebSite", "name": "Sabine News"},
        {
            "@type": ["NewsArticle"],
            "headline": "Rain &amp; wind flood the market",
            "author": [{"@type": "Person", "name": "Ada Lind"}],
            "articleBody": " ".join(BODY * 2),
        },
        {"@type": "NewsArticle", "headline": "Forty stalls are lost", "author": "Bo Ek"},
    ]
}


def soup(head: str, *lines: str, tag: str = "div") -> bytes:
    """Return a page in which nothing but the head says what its lines are."""
    inner = "".join(f"<{tag}>{line}</{tag}>" for line in lines)
    return f"<html><head>{head}</head><body><div>{inner}</div></body></html>".encode()


@pytest.mark.parametrize(
    "head",
    [
        f"<script type='application/ld+json'>{json.dumps(LINKED)}</script>",
        f"<script type='application/ld+json'>{json.dumps([LINKED])}</script>",
        "<meta property='og:title' content='Rain &amp; wind flood the market'>"
        "<meta name=author content='Ada Lind'>",
        "<meta name='og:title' content='Rain &amp; wind flood the market'>"
        "<meta property='article:author' content='Ada Lind'>",
    ],
    ids=["JSON-LD", "JSON-LD in a list", "OpenGraph", "OpenGraph by name"],
)
def test_title_and_author_are_those_that_the_page_states(head: str) -> None:
    lines = ("News", "Forty stalls are lost", "Rain &amp; wind flood the market", "Ada Lind", *BODY)
    page = parse_page(soup(head, *lines))
    assert (page.title, page.byline) == ("Rain & wind flood the market", ("Ada Lind",))
    assert page.body == BODY
    assert parse_page(soup("", *lines)).byline == ("Ada Lind",)


def test_microdata_names_title_author_time_and_text() -> None:
    page = parse_page(
        f"""<html><body><div>Listen live</div><div itemscope itemtype="https://schema.org/NewsArticle">
        <div itemprop=headline>Rain in Sabine</div><div itemprop=author>The Sabine Desk</div>
        <div itemprop=datePublished>Sunday last</div>
        <div itemprop=articleBody>{"".join(f"<div>{line}</div>" for line in BODY * 2)}</div></div>
        <div itemscope itemtype="https://schema.org/NewsArticle"><div itemprop=headline>Dam vote
        delayed again by the county</div></div></body></html>""".encode()
    )
    assert page.title == "Rain in Sabine"
    assert page.byline == ("The Sabine Desk",)
    assert page.timestamps == ("Sunday last",)
    assert page.body == BODY * 2


@pytest.mark.parametrize(
    "json_ld",
    [
        *("{", "[" * 3000, "null", '"NewsArticle"', '{"@type": 4}', "9" * 5000),
        '{"@type": "Article", "headline": ["a"], "author": [[], {"name": 1}, null]}',
    ],
)
def test_any_json_ld_leaves_the_page_readable(json_ld: str) -> None:
    head = f"<script type='application/ld+json'>{json_ld}</script><title>Rain</title>"
    assert parse_page(soup(head, "Rain floods the market", *BODY, tag="p")).body == BODY


@pytest.mark.parametrize("box", ["<aside>{}</aside>", "<details>{}</details>"])
@pytest.mark.parametrize("frame", ["<main>{}</main>", "<article>{}</article>"])
def test_text_outside_the_article_is_left_out(frame: str, box: str) -> None:
    said = f"<h3>AI summary</h3><ul><li>{SUMMARY[0]}</li><li>{SUMMARY[1]}</li></ul>"
    story = f"<h1>{PAGE.title}</h1>{box.format(said)}" + "".join(f"<p>{p}</p>" for p in BODY)
    around = (
        "<div role=banner><p>The Meridian Post is the paper of the whole coast.</p></div>"
        "<nav><a href=/>Home</a></nav>{}<aside><p>Dam vote delayed</p></aside>"
        "<div role=complementary><p>Our readers say that they like this paper.</p></div>"
        "<footer><p>All rights of the Meridian Post are reserved.</p></footer>"
    )
    page = parse_page(f"<html><body>{around.format(frame.format(story))}</body></html>".encode())
    assert (page.title, page.summary, page.body) == (PAGE.title, SUMMARY, BODY)


def test_xhtml_that_names_its_encoding_is_read() -> None:
    head = "<?xml version='1.0' encoding='{0}'?><!DOCTYPE html><html><meta charset='{0}'>"
    for name in ("utf-8", "iso-8859-15"):
        said = f"{head.format(name)}<body><h1>Un été</h1><p>Il a plu à Évry.</p></body></html>"
        assert parse_page(said.encode(name)).body == ("Il a plu à Évry.",)


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_page_of_some_kind(content: bytes) -> None:
    assert isinstance(pages_html.parse_html(content), Page)
    assert isinstance(pages_html.parse_html(b"<html><p>" + content), Page)


# The loader

PAGE_READ = tuple(f"{block.role}\t{block.text}" for block in parse_text(TEXT).blocks)


def test_pages_are_named_by_their_files_and_keep_the_parts(tmp_path: Path) -> None:
    (tmp_path / "flood.txt").write_text(TEXT)
    (tmp_path / "notes.md").write_text("no page")
    assert list(Pages(tmp_path).load()) == [
        Article(
            "flood",
            "\n\n".join(BODY),
            extra={
                "title": PAGE.title,
                "summary": "\n".join(SUMMARY),
                "disclaimer": DISCLAIMER,
                "byline": "By Ada Lind and Bo Ek",
                "dateline": "SABINE, Verlandia",
                "photo_credit": "K. HALVERS / MNS",
                "source_tag": "– Harbor Ledger",
                "as_read": "\n".join(PAGE_READ),
            },
        )
    ]


def test_page_that_is_none_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.txt").write_text("Title\nBy Ada Lind\n")
    (tmp_path / "c.txt").write_bytes(b"")
    (tmp_path / "d.txt").write_text("Title\nRain\0fell.\n")
    (tmp_path / "e.txt").mkdir()
    assert list(Pages(tmp_path / "?.txt").load()) == [
        Rejected("a.txt:1", "not UTF-8: byte 0xe9 at position 3"),
        Rejected("b.txt:1", "no article was found on the page"),
        Rejected("c.txt:1", "no article was found on the page"),
        Rejected("d.txt:1", "not a page but binary data: a NUL byte at position 10"),
    ]
    with pytest.raises(DataError, match=r"a\.txt:1: not UTF-8"):
        list(Pages(tmp_path, bad_rows="fail").load())


def test_two_pages_of_one_name_are_one_article(tmp_path: Path) -> None:
    for folder in ("new", "old"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("Title\nRain fell.\n")
    paths = (tmp_path / "new", tmp_path / "old")
    assert list(Pages(paths).load())[1] == Rejected(
        "old/a.txt:1", "the id 'a' was used before, at new/a.txt:1"
    )


def test_path_without_pages_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no pages"):
        Pages(tmp_path).load()
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(
        DataError, match=r"a\.pdf: not a page; known are \.txt, \.html, \.htm, \.mhtml, \.mht$"
    ):
        Pages(tmp_path / "a.pdf").load()
    with pytest.raises(DataError, match=r"no\.txt: no such file"):
        Pages(tmp_path / "no.txt").load()
    with pytest.raises(ValueError, match="path: names no file"):
        Pages(())


# Whole pages: those written for these tests, and the shared ones

FIELDS = (
    *("title", "byline", "timestamps", "disclaimer", "photo_credit", "summary"),
    *("dateline", "body", "subheads", "source_tag", "furniture"),
)


def page_files(folder: Path) -> list[object]:
    """Return the pages of a folder."""
    files = sorted(file for file in folder.glob("*") if file.suffix in (".txt", ".html"))
    return [pytest.param(file, id=file.name) for file in files]


def plain(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split())
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("file", [*page_files(CASES), *page_files(SHARED)])
def test_page_gives_every_gold_field(file: Path) -> None:
    gold = json.loads(file.with_name(f"{file.stem}.gold.json").read_text())
    page = parse_page(file.read_bytes(), file.suffix == ".html")
    found = {name: plain(getattr(page, name)) for name in FIELDS}
    wanted = {name: plain(gold["ai_summary" if name == "summary" else name]) for name in FIELDS}
    if file.parent == CASES:  # in any order; the shared pages say which
        found["furniture"] = sorted(page.furniture)
        wanted["furniture"] = sorted(gold["furniture"])
    assert found == wanted


@pytest.mark.parametrize("file", [*page_files(CASES), *page_files(SHARED)])
def test_nothing_of_the_box_leaks_into_the_article(file: Path) -> None:
    page = parse_page(file.read_bytes(), file.suffix == ".html")
    article = article_text(page)
    assert page.disclaimer is None or page.disclaimer not in article
    assert not set(page.summary) & set(page.body)


@pytest.mark.parametrize("page", [b"", b" \n\t", b"\xef\xbb\xbf", b"<html></html>"])
def test_page_without_anything_has_no_parts(page: bytes) -> None:
    assert parse_page(page) == Page()


def test_page_in_another_encoding_is_read_where_it_says_so() -> None:
    said = (
        "<html><head><meta charset='{}'></head><body><h1>Un été</h1><p>Il a plu à Évry.</p></body>"
    )
    latin = said.format("iso-8859-1").encode("latin1")
    wide = said.format("utf-16").encode("utf-16")
    assert parse_page(latin).body == parse_page(wide).body == ("Il a plu à Évry.",)
    with pytest.raises(DataError, match="not UTF-8: byte 0xe9"):
        parse_page("Un été".encode("latin1"))
    with pytest.raises(DataError, match="binary data: a NUL byte at position 6"):
        parse_page(b"\x89WOFF2\0\0", html=True)


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "", "no-such-charset"])
@pytest.mark.parametrize("transfer", ["quoted-printable", "base64", "8bit"])
def test_page_in_a_web_archive_is_read_as_the_page_alone(charset: str, transfer: str) -> None:
    content = html(f"<div><h2>AI summary</h2><p>{SUMMARY[0]} à Évry.</p></div>").decode()
    said = content.encode(charset if charset.startswith("windows") else "utf-8")
    encode = {"quoted-printable": quopri.encodestring, "base64": base64.encodebytes}
    head = (
        "From: <Saved by Blink>\r\nSubject: Rain\r\nMIME-Version: 1.0\r\nContent-Type: "
        'multipart/related;\r\n\ttype="text/html";\r\n\tboundary="--mark--"\r\n\r\n\r\n'
    )
    parts = [("image/png", b"\x89PNG"), ("text/html", encode.get(transfer, bytes)(said))]
    archive = head.encode()
    for kind, body in parts:
        named = f"{kind}; charset={charset}" if charset and kind == "text/html" else kind
        opened = f"----mark--\r\nContent-Type: {named}\r\nContent-Transfer-Encoding: {transfer}"
        archive += f"{opened}\r\n\r\n".encode() + body + b"\r\n"

    page = parse_page(archive + b"----mark----\r\n")

    assert page == parse_page(content.encode())
    assert page.summary == (f"{SUMMARY[0]} à Évry.",)


def test_letter_that_speaks_of_a_web_archive_is_a_page_of_text() -> None:
    page = parse_page(b"Subject: multipart/related\n\nRain fell in Orrin.\n\nIt ended at noon.\n")
    assert page.body == ("Rain fell in Orrin.", "It ended at noon.")


def test_malformed_html_is_read_as_far_as_it_goes() -> None:
    assert parse_page(b"<h1>Rain in Sabine<p>It rained.<p>All day.").body == (
        "It rained.",
        "All day.",
    )
    assert parse_page(b"<html><frameset><frame src=a></frameset></html>").body == ()
    assert parse_page(b"<html><body>" + b"<div>" * 5000 + b"It rained.").body in (
        (),
        ("It rained.",),
    )


def _loaded(tmp_path: Path, stamp: str) -> Article:
    page = tmp_path / "page.txt"
    page.write_text(TEXT.replace("By Ada Lind and Bo Ek", f"By Ada Lind and Bo Ek\n\n{stamp}"))
    (article,) = Pages(page).load()
    assert isinstance(article, Article)
    return article


def test_page_has_the_day_on_which_it_appeared_if_its_time_stamps_leave_no_doubt(
    tmp_path: Path,
) -> None:
    told = _loaded(tmp_path, "Published May 4, 2026, 10:32 PM PHT | Updated May 6, 2026")
    assert told.extra["published"] == "2026-05-04"
    in_doubt = _loaded(tmp_path, "Published 04/05/2026 10:32")
    assert in_doubt.extra["timestamps"] == "Published 04/05/2026 10:32"
    assert "published" not in in_doubt.extra


@pytest.mark.parametrize("n", [4000])
def test_long_page_takes_time_in_proportion(n: int) -> None:
    lines = [f"Sentence {k} of this page says something else." for k in range(n)]
    page = parse_text("\n".join(["A title of five words", *lines]))
    assert len(page.body) == n
