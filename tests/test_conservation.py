"""What goes into two files of summaries is scored or listed, or is refused with the reason."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalharness.errors import DataError
from evalharness.loaders.outputs import Outputs
from evalharness.loaders.rows import ColumnOptions
from evalharness.records import Article, Rejected
from evalharness.runner.systems import FileOptions, Source, sources_of

CONFIG = {"name": "score", "model": "given", "metrics": ["rouge"], "checks": []}
Rows = list[Any]


def article(n: int) -> str:
    return f"Article {n}. " + " ".join(f"word{n}x{k}" for k in range(40))


def rows_of(system: str, n: int, *, ids: bool, articles: bool) -> Rows:
    rows = []
    for k in range(n):
        row = {"id": f"doc-{k}"} if ids else {}
        row |= (
            {"article": article(k), "reference": f"What people wrote of {k}."} if articles else {}
        )
        rows.append(row | {"summary": f"What {system} wrote of article {k}."})
    return rows


def disturb(rows: Rows, rng: random.Random, *, ids: bool, articles: bool) -> list[str]:
    """Disturb rows in place; return how: some of the ways in which two files do not fit."""
    ways = ["missing", "extra", "repeated", "reordered", "conflicting", "torn", "silent", "none"]
    done = rng.sample(ways, rng.randint(0, 3))
    n = len(rows)
    if "missing" in done:
        del rows[rng.randrange(len(rows))]
    if "extra" in done:
        k = n + 1
        row = rows_of("extra", k + 1, ids=ids, articles=articles)[k]
        rows.insert(rng.randrange(len(rows) + 1), row)
    if "repeated" in done:
        again = dict(rng.choice(rows)) | {"summary": "What was written once more of it."}
        rows.append(again)
    if "conflicting" in done and ids and articles:
        rng.choice(rows)["article"] = article(900)
    if "silent" in done:
        rng.choice(rows)["summary"] = None
    if "reordered" in done:
        rng.shuffle(rows)
    if "torn" in done:
        rows.insert(rng.randrange(1, len(rows) + 1), '{"id": "doc-')
    return done


def write(path: Path, rows: Rows) -> None:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def loader_of(source: Source) -> Outputs:
    data = {key: value for key, value in source.data.items() if key != "name"}
    paths: dict[str, Any] = {
        key: Path(data[key]) for key in ("path", "articles", "beside") if key in data
    }
    columns = ColumnOptions(**data.get("columns", {}))
    options: dict[str, Any] = {**data, **paths, "columns": columns}
    return Outputs(**options)


def check_all_there(rows: Rows, source: Source) -> Counter[str]:
    """Hold what a loader yields against the rows of its file, one by one."""
    out = list(loader_of(source).load())
    listed = {row.where: row.reason for row in out if isinstance(row, Rejected)}
    written = Counter(
        row.extra["summary"] for row in out if isinstance(row, Article) and "summary" in row.extra
    )
    silent = sum(isinstance(row, Article) and "summary" not in row.extra for row in out)
    name = Path(source.data["path"]).name
    counts: Counter[str] = Counter(silent=silent)
    for number, row in enumerate(rows, 1):
        is_listed = f"{name}:{number}" in listed
        text = None if isinstance(row, str) else row["summary"]
        assert is_listed or text is None or written[text] == 1, (number, row, listed)
        if text is not None:
            written[text] -= not is_listed
            counts["listed" if is_listed else "scored"] += 1
        elif not is_listed:
            counts["row without a summary"] += 1
    assert +written == Counter(), "nothing is scored that no row has"
    assert all(listed.values())
    assert counts["row without a summary"] <= silent
    return counts


@pytest.mark.parametrize("form", ["ids", "texts", "articles in one", "articles apart"])
def test_300_pairs_of_files_lose_no_row(form: str, tmp_path: Path) -> None:
    """75 pairs of each form; what is refused names both files, and nothing else is refused."""
    outcomes: Counter[str] = Counter()
    refused: list[str] = []
    for seed in range(75):
        rng = random.Random(f"{form} {seed}")
        ids = form != "texts"
        n, articles = rng.randint(3, 9), form in ("ids", "texts")
        a = rows_of("a", n, ids=ids, articles=form != "articles apart")
        b = rows_of("b", n, ids=ids, articles=articles)
        done = disturb(b, rng, ids=ids, articles=articles)
        folder = tmp_path / str(seed)
        folder.mkdir()
        write(folder / "a.jsonl", a)
        write(folder / "b.jsonl", b)
        options = FileOptions()
        if form == "articles apart":
            shared = [{"id": f"doc-{k}", "document": article(k), "summary": "R."} for k in range(n)]
            write(folder / "articles.jsonl", shared)
            options = FileOptions(articles=str(folder / "articles.jsonl"))
        files = [str(folder / "a.jsonl"), str(folder / "b.jsonl")]
        try:
            sources = sources_of(files, options, CONFIG)
        except DataError as error:
            refused.append(str(error))
            continue
        assert [source.labels[0] for source in sources] == ["a", "b"], "no system is lost"
        for rows, source in zip((a, b), sources, strict=True):
            for outcome, count in check_all_there(rows, source).items():
                outcomes[outcome] += count
        _check_disturbed(done, sources[1], n)
    assert outcomes["scored"] > 500
    assert outcomes["listed"] > 10
    assert len(refused) < 5
    assert all("b.jsonl" in message for message in refused)


def _check_disturbed(done: list[str], source: Source, n: int) -> None:
    """Some disturbances must be listed or counted, whatever else was done."""
    out = list(loader_of(source).load())
    reasons = [row.reason for row in out if isinstance(row, Rejected)]
    if "torn" in done:
        assert any("not JSON" in reason for reason in reasons)
    if "repeated" in done:
        assert any("was used before" in reason for reason in reasons)
    if "extra" in done and ("articles" in source.data or _has_no_article(source.data)):
        assert any("no article with the id" in reason for reason in reasons)


def _has_no_article(data: Mapping[str, Any]) -> bool:
    return "beside" in data and not _names_articles(data)


def _names_articles(data: Mapping[str, Any]) -> bool:
    first = Path(data["path"]).read_text(encoding="utf-8").splitlines()[0]
    return "article" in json.loads(first)


def test_an_id_with_another_article_is_listed_with_the_file_that_has_it(tmp_path: Path) -> None:
    a, b = (rows_of(name, 3, ids=True, articles=True) for name in "ab")
    b[1]["article"] = article(7)
    write(tmp_path / "a.jsonl", a)
    write(tmp_path / "b.jsonl", b)
    files = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    (_, second) = sources_of(files, FileOptions(), CONFIG)

    rejected = [row for row in loader_of(second).load() if isinstance(row, Rejected)]
    assert rejected == [Rejected("b.jsonl:2", "the id 'doc-1' has another article in a.jsonl")]
