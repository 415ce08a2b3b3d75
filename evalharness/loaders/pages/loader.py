"""Articles from saved news pages, with the machine-written summary that stands on them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path
from typing import ClassVar

from evalharness.errors import DataError
from evalharness.files.untrusted import binary_kind, read_whole
from evalharness.loaders.formats import matching_paths, paths, short_file_names
from evalharness.loaders.pages import html as pages_html
from evalharness.loaders.pages.lines import MOST_READ, Line, line, split_lines, without_unseen
from evalharness.loaders.pages.parts import NO_GUIDE, Page, assemble
from evalharness.loaders.pages.sites import Guide, load_profile
from evalharness.loaders.rows import FILE_COLUMNS, BadRows, ColumnOptions, Row, RowJudge, RowReader
from evalharness.records import Article, Rejected
from evalharness.text.dates import publication_day

TEXT = (".txt",)
HTML = (".html", ".htm")
ARCHIVES = (".mhtml", ".mht")
PAGE_SUFFIXES = (*TEXT, *HTML, *ARCHIVES)
NO_ARTICLE = "no article was found on the page"
# What is kept with the article, beside title and summary; of several a line each.
EXTRA = ("disclaimer", "byline", "dateline", "timestamps", "photo_credit", "subheads", "source_tag")
# How the page was read: each line after its role and a tab; and the site profile that helped.
AS_READ = ("as_read", "profile")
_READING = RowReader.of(ColumnOptions(extra=(*EXTRA, *AS_READ, "published")), FILE_COLUMNS)
_MARKUP = re.compile(
    r"\ufeff?\s*(<\?xml[^>]{0,200}>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|article|div|p|main|section|h1|table|meta|title)\b",
    re.IGNORECASE | re.DOTALL,
)
# The head of a web archive, and that of a part of it which is a page: lines `Name: value`.
_HEADERS = rb"(?:[A-Za-z][\w-]*:[^\r\n]*\r?\n(?:[ \t]+[^\r\n]+\r?\n)*)"
_ARCHIVE = re.compile(
    rb"(?=[\s\S]{0,4000}multipart/related)" + _HEADERS + rb"{2,40}\r?\n", re.IGNORECASE
)
_HTML_PART = re.compile(rb"\s*" + _HEADERS + rb"{0,20}?content-type:\s*text/html\b", re.IGNORECASE)
_ARCHIVE_HEAD = 8000  # bytes in which the head of an archive stands
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Pages:
    """News pages saved as text (a line a paragraph), HTML or MHTML: article and summary box.

    All lines are labelled together, every part may be absent, and the box is found by its
    notice, its heading, or the title said again above it. The article is the paragraphs of the
    body, joined by blank lines, and is named by its file: `page04`. Title, summary (a line a
    bullet), disclaimer, byline, dateline, timestamps and so on are kept with it; so are as_read
    (each line after its role), profile (of the site), and `published`, the day on which it
    appeared, if the time stamps leave no doubt.

    path: a file, a folder, or a list of them; `*`, `?`, `[…]` and `**` match names.
    profile: a site's profile, or a list of them, as `check --profile` takes it.
    bad_rows: `list` counts and lists pages without an article, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 7

    path: Path | tuple[Path, ...]
    profile: Path | tuple[Path, ...] = ()
    bad_rows: BadRows = "list"

    def __post_init__(self) -> None:
        if not paths(self.path):
            raise ValueError("path: names no file")
        self._guide()

    def _guide(self) -> Guide:
        """Return the profiles. Raises: ConfigError for one that cannot be read or is wrong."""
        return Guide(tuple(load_profile(file) for file in paths(self.profile)))

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every page as an article, or why it is none.

        Raises: DataError for a file that is missing or of unknown kind.
        """
        found = [file for path in paths(self.path) for file in found_pages(path)]
        files = list(dict.fromkeys(found))
        return self._read(files)

    def _read(self, files: list[Path]) -> Iterator[Article | Rejected]:
        rows, guide = RowJudge(_READING, self.bad_rows), self._guide()
        for file, name in zip(files, short_file_names(files), strict=True):
            yield from rows.read([(1, _page(file, guide))], f"{name}:", file.stem)


def found_pages(path: Path) -> list[Path]:
    """Return the pages in a folder, or those that a path or pattern names. Raises: DataError."""
    if path.is_dir():
        pages = sorted(file for file in path.iterdir() if file.suffix.lower() in PAGE_SUFFIXES)
        if not pages:
            known = ", ".join(PAGE_SUFFIXES)
            raise DataError(f"{path}: there are no pages ({known}) in this folder")
        return pages
    files = [file for file in matching_paths(path) if not file.is_dir()]
    for file in files:
        if file.suffix.lower() not in PAGE_SUFFIXES:
            raise DataError(f"{file}: not a page; known are {', '.join(PAGE_SUFFIXES)}")
    return files


def _is_html(file: Path) -> bool:
    return file.suffix.lower() in HTML


def _page(file: Path, guide: Guide) -> Row | str:
    try:
        page = parse_page(read_whole(file), _is_html(file), guide)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except DataError as error:
        return str(error)
    if not page.body:
        return NO_ARTICLE
    return {"id": file.stem, "article": article_text(page), **extra(page)}


def article_text(page: Page) -> str:
    """Return the text that summaries are held against: the paragraphs, joined by blank lines."""
    return "\n\n".join(page.body)


def extra(page: Page) -> dict[str, str]:
    """Return what else is known of the article, by name; what the page has not is left out."""
    fields: dict[str, str | tuple[str, ...] | None] = {
        "title": page.title,
        "summary": page.summary,
        **{name: getattr(page, name) for name in (*EXTRA, *AS_READ)},
    }
    day = publication_day(page.timestamps)
    fields["published"] = day.isoformat() if day else None
    lines = {name: "\n".join(v) if isinstance(v, tuple) else v for name, v in fields.items()}
    return {name: text for name, text in lines.items() if text}


def parse_page(content: bytes, html: bool | None = None, guide: Guide = NO_GUIDE) -> Page:
    """Return the parts of a page; whether it is HTML is seen from its beginning if not said.

    guide: profiles of sites, and what some lines are, which win over the reading.

    Raises: DataError for what is no text.
    """
    if content.startswith(_UTF16):
        content = _decode_page(content, "utf-16").encode(errors="replace")
    if kind := binary_kind(content):
        raise DataError(f"this is {kind}")
    if b"\0" in content:
        raise DataError(f"not a page but binary data: a NUL byte at position {content.index(0)}")
    if (page := page_in_archive(content)) is not None:
        return pages_html.parse_html(page, guide)
    if html is None:
        html = _MARKUP.match(content[:2000].decode(errors="replace")) is not None
    if html:
        return pages_html.parse_html(content, guide)
    return parse_text(_decode_page(content, "utf-8-sig"), guide)


def page_in_archive(content: bytes) -> bytes | None:
    """Return the page in a web archive (MHTML, a browser's single file), in UTF-8 where it says so.

    None for what is no archive, and for one without a page.
    """
    if not _ARCHIVE.match(content):
        return None
    boundary = BytesParser().parsebytes(content[:_ARCHIVE_HEAD], headersonly=True).get_boundary()
    parts = content.split(b"--" + boundary.encode(errors="replace"))[1:] if boundary else []
    for part in parts:
        if _HTML_PART.match(part):
            said = BytesParser().parsebytes(part.lstrip(b"\r\n"))
            page, charset = said.get_payload(decode=True), said.get_content_charset("utf-8")
            return _as_utf8(page, charset) if isinstance(page, bytes) else None
    return None


def _as_utf8(page: bytes, charset: str) -> bytes:
    """Return a page in UTF-8, or as it is where its encoding is unknown or another than it says."""
    try:
        return page.decode(charset).encode()
    except (LookupError, ValueError):
        return page


def _decode_page(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        at = f"byte 0x{content[error.start]:02x} at position {error.start}"
        raise DataError(f"not {encoding.removesuffix('-sig').upper()}: {at}") from None


_MARKDOWN = re.compile(r"^(#{1,6} \S|> |!\[)|\]\(https?://|^\*\*.+\*\*", re.MULTILINE)
_LINE_MARKS = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|>)?", re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|(?<!\w)_)(?=\S)([^\n*]+?)(?<=\S)\1(?!\w)")


def is_markdown(text: str) -> bool:
    """Return whether a text has a heading of Markdown and another of its signs."""
    return (
        re.search(r"^#{1,3} \S", text, re.MULTILINE) is not None
        and len({match[0][:2] for match in _MARKDOWN.finditer(text)}) > 1
    )


def without_markdown(text: str) -> str:
    """Return a text without the signs of Markdown; a picture is left out.

    >>> without_markdown("# One\\n> **Two** [three](https://a.example)")
    'One\\nTwo three'
    """
    bare = _LINK.sub(r"\1", _PICTURE.sub("", text))
    return _EMPHASIS.sub(r"\2", _LINE_MARKS.sub("", bare))


_BREAK = re.compile(r"\r\n|[\n\r\u2028\u2029\x0b\x0c\x85]")


def parse_text(text: str, guide: Guide = NO_GUIDE) -> Page:
    """Return the parts of a page saved as plain text, or in Markdown."""
    if is_markdown(text):
        text = without_markdown(text)
    return assemble(split_lines(list(_lines(text))), guide=guide)


def _lines(text: str) -> Iterator[Line]:
    """Yield the lines that are not blank, with single plain spaces."""
    gap, n = True, 0
    unread: dict[str, Line] = {}  # of which many are the same
    for raw in _BREAK.split(without_unseen(text)):
        if said := " ".join(raw.split()):
            n += 1
            if n <= MOST_READ:
                yield line(said, gap=gap)
            else:
                yield unread.get(said) or unread.setdefault(said, Line(said, said))
        gap = not said
