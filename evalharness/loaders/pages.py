"""Articles from saved news pages, with the machine-written summary that stands on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evalharness.errors import DataError
from evalharness.loaders import page_html, page_text
from evalharness.loaders.page_text import Page
from evalharness.loaders.paths import matches, paths, short_names
from evalharness.loaders.rows import FILE_COLUMNS, BadRows, Columns, Reading, Row, Rows
from evalharness.records import Article, Rejected

TEXT = (".txt",)
HTML = (".html", ".htm")
_READING = Reading.of(Columns(extra=("disclaimer",)), FILE_COLUMNS)


@dataclass(frozen=True)
class Pages:
    """News pages saved as text (a line a paragraph) or HTML: the article and its summary box.

    The box is found by its disclaimer: the sentence that says that a machine wrote the summary and
    may have erred. Title, summary (a line a bullet) and disclaimer are kept with the article, which
    is named by its file: `page04`. HTML needs the extra `html`.

    path: a file, a folder, or a list of them; `*`, `?`, `[…]` and `**` match names.
    bad_rows: `list` counts and lists pages without an article, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 1

    path: Path | tuple[Path, ...]
    bad_rows: BadRows = "list"

    def __post_init__(self) -> None:
        if not paths(self.path):
            raise ValueError("path: names no file")

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every page as an article, or why it is none.

        Raises: DataError for a file that is missing or of unknown kind; MissingExtra for HTML.
        """
        found = [file for path in paths(self.path) for file in _found(path)]
        files = list(dict.fromkeys(found))
        if any(_is_html(file) for file in files):
            page_html.require()
        return self._read(files)

    def _read(self, files: list[Path]) -> Iterator[Article | Rejected]:
        rows = Rows(_READING, self.bad_rows)
        for file, name in zip(files, short_names(files), strict=True):
            yield from rows.read([(1, _page(file))], f"{name}:", file.stem)


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        pages = sorted(file for file in path.iterdir() if file.suffix.lower() in TEXT + HTML)
        if not pages:
            raise DataError(f"{path}: there are no pages (.txt, .html, .htm) in this folder")
        return pages
    files = [file for file in matches(path) if not file.is_dir()]
    for file in files:
        if file.suffix.lower() not in TEXT + HTML:
            raise DataError(f"{file}: not a page; known are {', '.join(TEXT + HTML)}")
    return files


def _is_html(file: Path) -> bool:
    return file.suffix.lower() in HTML


def _page(file: Path) -> Row | str:
    """Return a page as a row, or why it cannot be read."""
    try:
        content = file.read_bytes()
        page = page_html.parse(content) if _is_html(file) else _text_page(content)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{content[error.start]:02x} at position {error.start}"
    if not page.body:
        return "no article was found on the page"
    summary = "\n".join(page.summary)
    known = {"title": page.title, "summary": summary, "disclaimer": page.disclaimer}
    fields = {name: text for name, text in known.items() if text}
    return {"id": file.stem, "article": "\n\n".join(page.body), **fields}


def _text_page(content: bytes) -> Page:
    return page_text.parse(content.decode("utf-8-sig"))
