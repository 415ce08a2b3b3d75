"""The self-test of checks: planted errors in supported summaries, for one check or several.

Supported summaries are, by default, those that ship with the project: two written ones for each
article of the quickstart. Data of one's own are files of articles with references, or with labelled
summaries. From every article, sentences are copied as summaries too: nothing there is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from evalharness import text
from evalharness.config.build import named_check
from evalharness.errors import ConfigError, DataError
from evalharness.files.shipped import shipped_path
from evalharness.loaders.files import Files
from evalharness.loaders.rows import ColumnOptions
from evalharness.meta.planted.measure import SupportedPair, measure
from evalharness.meta.planted.plant import KINDS, ErrorKind
from evalharness.protocols import Metric
from evalharness.records import Article, Rejected, digest

QUICKSTART_ARTICLES = shipped_path("quickstart/articles.jsonl")
DEFAULT_CHECKS = ("numbers", "entities")
COPIED_SENTENCES = 3
# Lines shorter than this are captions and headings, and no summary.
SHORTEST_SENTENCE = 40


def selftest(
    checks: Sequence[str],
    data: Sequence[str | Path] = (),
    label: str = "label",
    seed: int = 0,
    kinds: Sequence[ErrorKind] = KINDS,
    given: Mapping[str, Metric] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the figures of planted errors for each check, by its name.

    data: files of articles, the project's own if empty; see `supported_pairs`.
    given: components with options of their own, by the names that `checks` may use.
    Raises: UnknownComponent, ConfigError; DataError where the files hold no supported pair.
    """
    built = {name: (given or {}).get(name) or named_check(name) for name in checks}
    pairs = supported_pairs(data or [QUICKSTART_ARTICLES], label, seed)
    return {name: measure(pairs, check, kinds, seed).record() for name, check in built.items()}


def supported_pairs(
    files: Sequence[str | Path], label: str = "label", seed: int = 0
) -> list[SupportedPair]:
    """Return the pairs of files: labelled summaries, references, and copies of every article.

    A row whose `label` column is 1 gives its summary, and one with another label none. A row
    without that column gives its references. Each article gives, once, its first three sentences
    and three at random in their order.

    Raises: DataError for a file that cannot be read, or where no row gives a pair.
    """
    written: list[SupportedPair] = []
    articles: dict[str, Article] = {}
    for path in files:
        for article in _articles(Path(path), label):
            articles.setdefault(article.text, article)
            written += pairs_with_label(article, label, Path(path).name.partition(".")[0])
    if not written:
        raise DataError(f"{files[0]}: no row has {label} 1, nor references; see --label")
    copies = [pair for article in articles.values() for pair in copied_sentences(article, seed)]
    return [*written, *copies]


def _articles(path: Path, label: str) -> Iterator[Article]:
    if not path.exists():
        raise DataError(f"{path}: no such file; name a JSON Lines, CSV or Parquet file (--data)")
    rows: Iterable[Article | Rejected] = Files(path, columns=ColumnOptions(extra=(label,))).load()
    return (row for row in rows if isinstance(row, Article))


def pairs_with_label(article: Article, label: str, source: str) -> list[SupportedPair]:
    """Return the written summaries of a row that its article supports."""
    group = source
    if label in article.extra:
        group = article.source or source
        is_supported = str(article.extra[label]) in ("1", "1.0", "True")
        summary = article.extra.get("summary")
        summaries = [summary] if is_supported and isinstance(summary, str) else []
    else:
        summaries = list(article.references)
    return [SupportedPair(article, each, group) for each in summaries if each.strip()]


def copied_sentences(article: Article, seed: int = 0) -> list[SupportedPair]:
    """Return an article's first sentences, and random ones, as summaries; none of a short one."""
    found = [span.of(article.text) for span in text.sentences(article.text)]
    long = [sentence for sentence in found if len(sentence) >= SHORTEST_SENTENCE]
    if len(long) <= COPIED_SENTENCES:
        return []
    rng = Random(f"{seed} {digest(article.text)}")  # noqa: S311  no secret
    chosen = sorted(rng.sample(range(len(long)), COPIED_SENTENCES))
    random = " ".join(long[place] for place in chosen)
    lead = " ".join(long[:COPIED_SENTENCES])
    return [
        SupportedPair(article, lead, "copied: first sentences", copied=True),
        SupportedPair(article, random, "copied: random sentences", copied=True),
    ]


def kinds_of(names: str) -> tuple[ErrorKind, ...]:
    """Return the kinds of a comma-separated list; all if it is empty. Raises: ConfigError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        raise ConfigError(f"no kind of error {unknown[0]!r}; there are: {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if not wanted or kind in wanted)
