"""Build the documentation as a site, with the package zensical: `packaging/build_site.py FOLDER`.

The pages of docs/ go in with their mentions of each other turned into links, a start page made
from the README, a live report of the demo, the notebook if nbconvert is there, and `llms.txt`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "packaging" / "zensical.toml"
_MENTION = re.compile(r"`docs/([\w/.-]+?\.md)`")
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

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _MENTION.sub(link, part) for part in parts)


def start_page(readme: str, titles: Mapping[str, str]) -> str:
    """Return the site's first page: the README, whose paths are those of docs/."""
    text = re.sub(r"\]\(docs/", "](", readme)
    return with_links(text, titles, "index.md")


def llms_text(pages: Mapping[str, str]) -> str:
    """Return `llms.txt`: every page with its title and what it is about (llmstxt.org)."""
    lines = ["# evalharness", "", "> How good are these summaries, and where are they wrong?", ""]
    lines += ["## Docs", ""]
    lines += [
        f"- [{title_of(text)}]({name}): {first_sentence(text)}" for name, text in pages.items()
    ]
    return "\n".join(lines) + "\n"


def write_sources(folder: Path) -> None:
    """Write what the generator reads: pages with links, pictures, `llms.txt`."""
    names = [name for name in pages_of_nav() if name != "index.md"]
    pages = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in names}
    titles = {name: title_of(text) for name, text in pages.items()}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(with_links(text, titles, name), encoding="utf-8", newline="\n")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (folder / "index.md").write_text(start_page(readme, titles), encoding="utf-8", newline="\n")
    (folder / "llms.txt").write_text(llms_text(pages), encoding="utf-8", newline="\n")
    if (ROOT / "docs" / "pictures").is_dir():
        shutil.copytree(ROOT / "docs" / "pictures", folder / "pictures")


def add_live_report(folder: Path) -> None:
    """Write the demo's report, which is made anew."""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([sys.executable, "-m", "evalharness", "demo"], cwd=work, check=True)
        (folder / "live").mkdir()
        shutil.copy(Path(work, "results/demo/report.html"), folder / "live" / "report.html")


def add_notebook(folder: Path) -> None:
    """Write the executed notebook as a page of its own, where nbconvert is installed."""
    notebook = ROOT / "docs" / "notebook.ipynb"
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", folder / "live"]
    done = subprocess.run([*command, notebook], check=False)  # noqa: S603  fixed arguments
    if done.returncode != 0:
        print("the notebook is left out: pip install nbconvert", file=sys.stderr)


def main() -> None:
    """Build the site into the folder that is named."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        sources = Path(work, "docs")
        sources.mkdir()
        write_sources(sources)
        add_live_report(sources)
        add_notebook(sources)
        shutil.copy(CONFIG, Path(work, "zensical.toml"))
        subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=work, check=True
        )
        shutil.copytree(Path(work, "site"), out, dirs_exist_ok=True)
    print(out / "index.html")


if __name__ == "__main__":
    main()
