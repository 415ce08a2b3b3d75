"""Whether what a run will write fits on the disk, as far as that can be told before it begins."""

import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

from evalharness.config.cells import Cell, by_articles
from evalharness.errors import HarnessError, StoreError
from evalharness.records import Article
from evalharness.runner.articles import expected_articles
from evalharness.runner.write import columns_from
from evalharness.store.store import STORE

# Articles that tell how long the others are.
SAMPLED = 50
# Bytes of a summary with its key, and of what a metric says of one, sentences and flags included.
# On 24 articles with lead-3: a summary has 0.5 kB, a score by rouge 0.5, by lexical 0.4.
_SUMMARY_BYTES = 700
SCORE = 1500
# In columns, articles take a third of their bytes, summaries and scores a fifth.
_ARTICLE_SHARE, _RECORD_SHARE = 3, 5


def check_space(cells: Sequence[Cell], folder: Path) -> None:
    """Raise StoreError where the results of cells would not fit into the folder's disk."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    wanted = needed_bytes(cells)
    # What is stored already is not written again, and a run's old files make way for the new.
    if wanted > free and (wanted := wanted - _size(folder, cells)) > free:
        from evalharness.hf.hub import readable

        raise StoreError(
            f"{folder}: this run will write about {readable(wanted)}, and {readable(free)} are "
            "free; make room, name another folder (--results), or run with --no-space-check"
        )


def needed_bytes(cells: Sequence[Cell]) -> int:
    """Return about how many bytes runs of cells write; 0 for data whose size cannot be told."""
    return sum(_needed_by_group(group) for group in by_articles(cells))


def _needed_by_group(group: Sequence[Cell]) -> int:
    loader, limit = group[0].loader, group[0].run_config.limit
    try:
        n = expected_articles(loader, limit)
        rows = itertools.islice(loader.load(), SAMPLED)
        sizes = [_bytes(row) for row in rows if isinstance(row, Article)] if n else []
    except HarnessError:  # the run will say it better
        return 0
    if not n or not sizes:
        return 0
    article = sum(sizes) / len(sizes)
    records = [_SUMMARY_BYTES + SCORE * len(cell.metrics) for cell in group]
    least = columns_from(group[0].run_config)
    if least is not None and n >= least:
        shared = article // _ARTICLE_SHARE
        return int(n * (shared + sum(each + each // _RECORD_SHARE for each in records)))
    # A summary and its scores stand in the store and in `samples.jsonl`, there with the article.
    return sum(int(n * (article + 2 * each)) for each in records)


def _bytes(article: Article) -> int:
    texts = (article.id, article.text, *article.references, *map(str, article.extra.values()))
    return sum(len(text.encode(errors="replace")) for text in texts)


def _size(folder: Path, cells: Sequence[Cell]) -> int:
    """Return how many bytes the store and the cells' folders have now."""
    folders = [folder / STORE, *(folder / cell.experiment / cell.name for cell in cells)]
    files = (file for each in folders for file in each.rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files)
