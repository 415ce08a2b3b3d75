"""The documentation as a site: its links lead somewhere, and what it shows is made anew."""

import importlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
CHARTS = re.findall(
    r"^```mermaid\n(.*?)^```",
    "\n".join(page.read_text() for page in PAGES),
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture
def packaging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a module of packaging/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    return importlib.import_module


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that code hosts and the site give to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def links_of(page: Path) -> list[str]:
    """Return where a page links to, outside of its code, but for other sites."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [each for each in targets if not re.match(r"https?:|\.\./\.\./actions", each)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_links_are_looked_at() -> None:
    assert sum(len(links_of(page)) for page in PAGES) > 40


def test_navigation_has_every_page_once(packaging: Any) -> None:
    site = packaging("build_site")
    pages = [name for name in site.pages_of_nav() if name not in site.MADE_HERE]
    assert sorted(pages) == sorted(str(path.relative_to(DOCS).as_posix()) for path in PAGES[2:])


def test_mention_of_a_page_becomes_a_link_but_in_code(packaging: Any) -> None:
    text = "See `docs/a.md` and `docs/no.md`.\n\n```bash\ncat `docs/a.md`\n```\n"
    linked = packaging("build_site").with_links(text, {"a.md": "A page"}, "decisions/b.md")
    assert linked == text.replace("`docs/a.md` and", "[A page](../a.md) and", 1)


def test_sources_have_the_pages_their_pictures_and_the_texts_for_machines(
    packaging: Any, tmp_path: Path
) -> None:
    packaging("build_site").write_sources(tmp_path)
    pages = sorted(tmp_path.rglob("*.md"))
    listed = re.findall(
        r"^- \[.+?\]\((.+?)\): \S", (tmp_path / "llms.txt").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(
        page.relative_to(tmp_path).as_posix()
        for page in pages
        if page.name not in ("index.md", "contributing.md")
    )
    whole = (tmp_path / "llms-full.txt").read_text()
    for page in PAGES[2:]:
        assert page.read_text() in whole
    assert "```mermaid" not in "".join(page.read_text() for page in pages)
    for page in pages:
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / target).exists(), target


# Pictures


def test_every_picture_is_made_by_the_script_and_shown_on_a_page() -> None:
    script = (ROOT / "packaging" / "pictures").read_text()
    made = {
        name: (int(width), int(height))
        for name, width, height in re.findall(r"^shoot (\S+) (\d+) (\d+) ", script, re.MULTILINE)
    }
    pictures = {path.stem: path.read_bytes() for path in (DOCS / "pictures").iterdir()}
    assert pictures.keys() == made.keys()
    for name, content in pictures.items():
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(content[n : n + 4], "big") for n in (16, 20))
        assert (width, height) == made[name]
    pages = "".join(page.read_text() for page in PAGES)
    shown = re.findall(r"pictures/([\w-]+)\.png", pages)
    assert set(shown) == made.keys()
    assert "![](" not in pages


# Flowcharts


def test_there_are_charts_to_draw() -> None:
    assert len(CHARTS) >= 2


@pytest.mark.parametrize("chart", CHARTS, ids=range(len(CHARTS)))
def test_every_chart_is_drawn_with_all_its_boxes_and_arrows(packaging: Any, chart: str) -> None:
    diagrams = packaging("diagrams")
    svg = ET.fromstring(diagrams.svg_of(chart, "A run"))
    read = diagrams.read_chart(chart)
    assert len(svg.findall("rect")) == len(read.labels)
    assert len(svg.findall("path")) == len(read.arrows) == chart.count("-->")
    texts = {text.text for text in svg.findall("text")}
    assert texts == set(read.labels.values()) | {a.label for a in read.arrows if a.label}
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for box in svg.findall("rect"):
        x, y = float(box.attrib["x"]), float(box.attrib["y"])
        assert 0 <= x <= width - float(box.attrib["width"])
        assert 0 <= y <= height - float(box.attrib["height"])


def test_options_are_kept_whole_on_a_page(packaging: Any) -> None:
    whole = packaging("build_site").with_whole_options
    page = (
        "<code>--full</code> <code>-o FILE</code> <code>a-b</code> <pre><code>-x\n-y</code></pre>"
    )
    assert whole(page).count('<code class="option">') == 2
    command = "<code>evalharness run FILE --limit 100</code> <pre><code>a --b\nc</code></pre>"
    assert whole(command).count('<span class="option">--limit</span>') == 1
    assert "a --b\nc" in whole(command)


def test_box_stands_below_all_that_lead_to_it(packaging: Any) -> None:
    diagrams = packaging("diagrams")
    chart = diagrams.read_chart("flowchart TD\n  a --> b\n  a --> c\n  b --> c\n")
    assert diagrams.rows_of(chart) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    "chart", ["graph LR\n  a --> b", "flowchart TD\n  a", "flowchart TD\n  a --> b\n  b --> a"]
)
def test_chart_that_cannot_be_drawn_is_refused(packaging: Any, chart: str) -> None:
    with pytest.raises(ValueError, match=r"flowchart|arrow"):
        packaging("diagrams").svg_of(chart, "")


# The terminal walk and the notebook


def test_colours_of_a_terminal_become_spans_and_its_text_stays_text(packaging: Any) -> None:
    printed = "\x1b[1m\x1b[31mFLAGGED\x1b[0m <b>\x1b[4m34\x1b[0m\n50%\r100%\n"
    shown = '<span class="t-bold t-red">FLAGGED</span> &lt;b&gt;<span class="t-underline">34</span>'
    assert packaging("terminal").html_of(printed) == f"{shown}\n100%"


def test_walk_types_commands_that_there_are(packaging: Any) -> None:
    from evalharness.cli import COMMANDS

    steps = packaging("terminal").STEPS
    assert len(steps) >= 7
    for _, command in steps:
        assert command.split()[1] in COMMANDS


def test_command_of_the_walk_is_run_on_a_terminal(packaging: Any, tmp_path: Path) -> None:
    pytest.importorskip("pty")
    terminal = packaging("terminal")
    article = "It rained on Monday."
    command = f"evalharness check --article-text '{article}' --summary-text 'It rained on Friday.'"
    printed = terminal.output_of(command, tmp_path)
    assert "\x1b[" in printed
    assert re.search(
        r'<span class="[^"]*t-underline[^"]*">Friday</span>', terminal.html_of(printed)
    )


def test_notebook_page_has_every_cell_and_output(packaging: Any) -> None:
    notebook = json.loads((DOCS / "notebook.ipynb").read_text())
    page = packaging("build_site").notebook_page(notebook)
    cells = notebook["cells"]
    assert page.startswith("# ")
    assert page.count("```python") == sum(cell["cell_type"] == "code" for cell in cells)
    outputs = sum(len(cell.get("outputs", ())) for cell in cells)
    assert page.count('<div class="notebook-output">') == outputs > 8
    for block in re.findall(r'^<div class="notebook-output">.*$', page, re.MULTILINE):
        assert "<script" not in block


# The built site


def test_faults_of_a_site_are_dead_links_and_what_is_fetched_from_elsewhere(
    packaging: Any, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<h1 id="top">B</h1><a href="../">a</a>')
    (tmp_path / "index.html").write_text(
        '<a href="b/#top">good</a><a href="b/#no">bad</a><a href="c/">bad</a>'
        '<a href="https://example.org">away</a><script src="https://example.org/x.js"></script>'
    )
    faults = packaging("build_site").faults_of(tmp_path)
    assert [fault.partition(",")[0] for fault in faults] == [
        "index.html fetches https://example.org/x.js",
        "index.html links to b/#no",
        "index.html links to c/",
    ]


@pytest.mark.slow
def test_site_builds_without_a_warning_a_dead_link_or_a_fetch(tmp_path: Path) -> None:
    pytest.importorskip("zensical")
    pytest.importorskip("pty")
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "build_site.py", tmp_path / "site"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout + done.stderr
    site = tmp_path / "site"
    assert (site / "live" / "demo.html").stat().st_size > 50_000
    assert "34,000" in (site / "live" / "terminal" / "index.html").read_text()
    assert "notebook-output" in (site / "live" / "notebook" / "index.html").read_text()
    assert "<svg" in (site / "how-a-run-works" / "index.html").read_text()
    pages = json.loads((site / "search.json").read_text())["items"]
    assert len(pages) > 100
