"""Build the documentation as a site, with the package zensical: `packaging/build_site.py FOLDER`.

The pages of docs/ go in, with their mentions of each other turned into links and their flowcharts
into pictures, and a start page made from the README. Made anew each time: a live report of the
demo, a walk through the terminal, the notebook with its outputs, `llms.txt`. The build fails on a
dead link or anchor, and on a page that would fetch something from elsewhere.
"""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import diagrams
import terminal

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "packaging" / "zensical.toml"
_MENTION = re.compile(r"`docs/([\w/.-]+?\.md)`")
# Pages that only the site has: they are made while it is built.
MADE_HERE = (
    "index.md",
    "contributing.md",
    "live/terminal.md",
    "live/notebook.md",
    "live/report.md",
)
_OPTION = re.compile(r"<code>(-[^<\n]{1,30})</code>")
_COMMAND = re.compile(r"<code>[^-<\n][^<\n]*</code>")
_OPTION_OF_COMMAND = re.compile(r"(?<= )--?[a-z][\w-]*")
_CHART = re.compile(r"^```mermaid\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"(^```.*?^```\s*$)", re.MULTILINE | re.DOTALL)


def pages_of_nav(nav: list[Any] | None = None) -> Iterator[str]:
    """Yield the pages in the order of the navigation."""
    if nav is None:
        nav = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"]
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, list):
                yield from pages_of_nav(value)
            else:
                yield value


def title_of(text: str) -> str:
    """Return the first heading of a page."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"a page without a heading: {text[:60]!r}")
    return found[1]


def first_sentence(text: str) -> str:
    """Return the first sentence below the heading of a page, without marks."""
    body = text.partition("\n")[2].strip()
    paragraph = " ".join(body.split("\n\n")[0].split())
    return re.sub(r"[`*]", "", re.split(r"(?<=[.?!:])\s", paragraph)[0])


def with_links(text: str, titles: Mapping[str, str], page: str) -> str:
    """Return a page whose mentions of other pages are links, outside its blocks of code."""
    up = "../" * page.count("/")

    def link(found: re.Match[str]) -> str:
        return f"[{titles[found[1]]}]({up}{found[1]})" if found[1] in titles else found[0]

    text = text.replace("`CONTRIBUTING.md`", "`docs/contributing.md`")
    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _MENTION.sub(link, part) for part in parts)


def with_diagrams(text: str) -> str:
    """Return a page whose flowcharts are drawn, each named by the heading above it."""

    def draw(found: re.Match[str]) -> str:
        headings = re.findall(r"^#+ (.+)$", text[: found.start()], re.MULTILINE)
        return f"<figure>{diagrams.svg_of(found[1], headings[-1])}</figure>\n"

    return _CHART.sub(draw, text)


def start_page(readme: str, titles: Mapping[str, str]) -> str:
    """Return the site's first page: the README, whose paths are those of docs/.

    It has no badges, and what lies outside of docs/ is named without a link.
    """
    text = re.sub(r"^!\[Tests\].*\n", "", readme, flags=re.MULTILINE)
    text = re.sub(r"\]\(docs/", "](", text).replace("](CONTRIBUTING.md)", "](contributing.md)")
    text = re.sub(r"\[([^\]]+)\]\([A-Z]+(?:\.\w+)?\)", r"\1", text)
    return with_links(text, titles, "index.md")


def with_whole_options(page: str) -> str:
    """Return a page of HTML in which the name of an option is not broken after its dashes.

    >>> with_whole_options("<p><code>--join seed</code> and <code>a - b</code></p>")
    '<p><code class="option">--join seed</code> and <code>a - b</code></p>'
    >>> with_whole_options("<code>pytest --quick -n 2</code>")
    '<code>pytest <span class="option">--quick</span> <span class="option">-n</span> 2</code>'
    """
    page = _OPTION.sub(r'<code class="option">\1</code>', page)
    whole = r'<span class="option">\g<0></span>'
    return _COMMAND.sub(lambda command: _OPTION_OF_COMMAND.sub(whole, command[0]), page)


def llms_text(pages: Mapping[str, str]) -> str:
    """Return `llms.txt`: every page with its title and what it is about (llmstxt.org)."""
    lines = ["# evalharness", "", "> How good are these summaries, and where are they wrong?", ""]
    lines += ["All pages in one file: [llms-full.txt](llms-full.txt).", "", "## Docs", ""]
    lines += [
        f"- [{title_of(text)}]({name}): {first_sentence(text)}" for name, text in pages.items()
    ]
    return "\n".join(lines) + "\n"


def write_sources(folder: Path) -> None:
    """Write what the generator reads: pages with links and pictures, and the texts for machines.

    Each page of docs/ stands beside its HTML as it was written, for `llms.txt` to point to.
    """
    names = [name for name in pages_of_nav() if name not in MADE_HERE]
    pages = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in names}
    titles = {name: title_of(text) for name, text in pages.items()}
    titles["contributing.md"] = "Contributing"
    for name, text in pages.items():
        write(folder / name, with_diagrams(with_links(text, titles, name)))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    write(folder / "contributing.md", with_links(contributing, titles, "contributing.md"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    write(folder / "index.md", start_page(readme, titles))
    write(folder / "llms.txt", llms_text(pages))
    write(folder / "llms-full.txt", "\n\n".join(pages.values()))
    shutil.copytree(ROOT / "docs" / "pictures", folder / "pictures")
    shutil.copy(ROOT / "packaging" / "site.css", folder / "site.css")


def write(path: Path, text: str) -> None:
    """Write a text file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def add_live_pages(folder: Path) -> None:
    """Write the demo's report, which is made anew, the terminal walk, and the notebook."""
    with tempfile.TemporaryDirectory() as work:
        write(folder / "live" / "terminal.md", terminal.walk(Path(work)))
        shutil.copy(Path(work, "results/demo/report.html"), folder / "live" / "demo.html")
    write(folder / "live" / "report.md", REPORT_PAGE)
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))
    titles = {"python.md": "Python, notebooks, training loops"}
    page = with_links(notebook_page(notebook), titles, "live/notebook.md")
    write(folder / "live" / "notebook.md", page)


REPORT_PAGE = """# A live report

The page that `evalharness demo` writes, made when this site was built. It is one HTML file that
opens from disk. Click on a heading to sort, or on an error to read it beside its article.
[The report](../report.md) says what is in it.

<p><a class="md-button" href="demo.html">Open it in full</a></p>

<iframe class="report" src="demo.html" title="The report of evalharness demo"></iframe>
"""


def notebook_page(notebook: Mapping[str, Any]) -> str:
    """Return a notebook as a page: its texts, its code, and the outputs that are stored in it."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [output_of_cell(output) for output in cell.get("outputs", ())]
    return "\n\n".join(parts) + "\n"


def output_of_cell(output: Mapping[str, Any]) -> str:
    """Return an output of a notebook as HTML; a blank line would end it in Markdown."""
    data = output.get("data", {})
    if "text/html" in data:
        shown = re.sub(r"\s*\n\s*", " ", "".join(data["text/html"]))
    else:
        text = "".join(data.get("text/plain", output.get("text", "")))
        lines = html.escape(text, quote=False).split("\n")
        shown = "<pre>" + "\n".join(line or "<span></span>" for line in lines) + "</pre>"
    return f'<div class="notebook-output">{shown}</div>'


class Targets(HTMLParser):
    """What a page links to, what it fetches by itself, and the anchors that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the link, the fetched file and the anchor of a tag."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if "src" in values or (tag == "link" and values.get("rel") != "canonical"):
            self.fetched.append(values.get("src", values.get("href", "")))


def faults_of(site: Path) -> list[str]:
    """Return what is wrong with a built site: dead links and anchors, files from elsewhere."""
    pages = {path: Targets(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    faults = []
    for path, page in pages.items():
        if path.name in ("404.html", "demo.html"):  # served at any address; a page by itself
            continue
        name = path.relative_to(site).as_posix()
        faults += [f"{name} fetches {url}" for url in page.fetched if urlsplit(url).netloc]
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.exists():
                faults.append(f"{name} links to {link}, which is not there")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                faults.append(f"{name} links to {link}, which has no such heading")
    return faults


def main() -> None:
    """Build the site into the folder that is named."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        sources = Path(work, "docs")
        sources.mkdir()
        write_sources(sources)
        add_live_pages(sources)
        shutil.copy(CONFIG, Path(work, "zensical.toml"))
        subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=work, check=True
        )
        site = Path(work, "site").resolve()
        for name in pages_of_nav():
            if name not in MADE_HERE:
                write(site / name, (ROOT / "docs" / name).read_text(encoding="utf-8"))
        for page in site.rglob("index.html"):
            write(page, with_whole_options(page.read_text(encoding="utf-8")))
        if faults := faults_of(site):
            raise SystemExit("\n".join(faults))
        shutil.copytree(site, out, dirs_exist_ok=True)
    print(out / "index.html")


if __name__ == "__main__":
    main()
