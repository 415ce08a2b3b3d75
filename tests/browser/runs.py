"""Runs to report on, made by the command line itself: a large one, and one of hostile text."""

import contextlib
import io
import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"

Row = dict[str, Any]


def quickstart_rows() -> list[Row]:
    return [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]


def many_rows(n: int) -> Iterable[Row]:
    """Yield the quickstart's articles with other numbers and their paragraphs turned round."""
    rows, chance = quickstart_rows(), random.Random(5)

    def renumbered(text: str) -> str:
        return re.sub(r"\d+", lambda found: str(chance.randrange(1, 10 ** len(found[0]))), text)

    for i in range(n):
        row = rows[i % len(rows)]
        paragraphs = row["article"].split("\n\n")
        first = chance.randrange(len(paragraphs))
        article = renumbered("\n\n".join((paragraphs[first:] + paragraphs[:first])[:3]))
        yield {
            "id": f"{row['id']}-{i}",
            "title": f"{row['title']} ({i})",
            "article": article,
            "summary": renumbered(row["summary"])
            if i % 3
            else " ".join(paragraphs[0].split()[:30]),
            "source": row["source"],
        }


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def evalharness(*arguments: object) -> str:
    """Run the command line in this process and return all that it printed."""
    from evalharness.cli import main

    out, code = io.StringIO(), 0
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(out)
    with pytest.MonkeyPatch.context() as patch, streams[0], streams[1]:
        patch.setattr("sys.argv", ["evalharness", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    assert code == 0, out.getvalue()
    return out.getvalue()


def samples(run: Path) -> list[Row]:
    return [json.loads(line) for line in (run / "samples.jsonl").read_text("utf-8").splitlines()]


def run_and_report(folder: Path, config: Row) -> Path:
    """Run a config in `folder` and return the page that the run writes."""
    path = folder / "page.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    evalharness("run", path, "--results", folder / "results")
    return folder / "results" / "page" / "report.html"
