"""The self-test of checks: which planted errors they find, and what they flag where all is right.

`plant` puts one error into a supported summary; `measure` counts what a check makes of it.

Supported summaries are, by default, those that ship with the project: two written ones for each
article of the quickstart. Data of one's own are files of articles with references, or with labelled
summaries. From every article, sentences are copied as summaries too: nothing there is wrong.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

from evalharness import text
from evalharness.config.build import named_check
from evalharness.errors import ConfigError, DataError
from evalharness.files import shipped_path
from evalharness.loaders.files import Files
from evalharness.loaders.rows import ColumnOptions
from evalharness.meta.labels import LABEL, LabelFields
from evalharness.meta.planted.costs import ShareOfCases, WrittenSummary, measure_edits, rate
from evalharness.meta.planted.edits import BENIGN_KINDS, GAMING_KINDS, BenignKind, GamingKind
from evalharness.meta.planted.facts import (
    Facts,
    PlannedChange,
    SummaryClaims,
    claims_of,
    facts_of,
)
from evalharness.meta.planted.names import novel, swaps
from evalharness.meta.planted.numbers import change_dates, change_numbers, units
from evalharness.meta.planted.roles import misquotes, role_swaps
from evalharness.meta.planted.wording import antonyms, hedges, invent_sentences, negations
from evalharness.protocols import Metric
from evalharness.records import Article, Flag, Rejected, Score, Span, Summary, digest, flag_kind

ErrorKind = Literal[
    "number",
    "unit",
    "date",
    "entity_swap",
    "novel_entity",
    "negation",
    "antonym",
    "role_swap",
    "misattributed_quote",
    "hedge_dropped",
    "invented_sentence",
]
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)

_PLANTERS: dict[ErrorKind, Callable[[SummaryClaims, Facts, Random], Iterator[PlannedChange]]] = {
    "number": change_numbers,
    "unit": units,
    "date": change_dates,
    "entity_swap": swaps,
    "novel_entity": novel,
    "negation": negations,
    "antonym": antonyms,
    "role_swap": role_swaps,
    "misattributed_quote": misquotes,
    "hedge_dropped": hedges,
    "invented_sentence": invent_sentences,
}
# In characters. What is longer is no summary, and not read.
LONGEST_SUMMARY = 20_000


@dataclass(frozen=True, slots=True)
class Planted:
    """A summary with one error.

    span: what is wrong now, in `summary`. stood: what stood there before; empty where something
    was put in. The summary before and behind `span` is as it was.
    """

    kind: ErrorKind
    summary: str
    span: Span
    stood: str


def plant(article: str, summary: str, kind: ErrorKind, seed: int = 0) -> Planted | None:
    """Plant one error of a kind into a summary that the article supports.

    The same arguments give the same error. None where the kind does not apply: no number, no name
    whose sort is known, no quotation, or nothing that the article would surely contradict or lack.
    English. Summaries in lower case and with split tokens are changed in their own manner.

    >>> article = "The council in Leeds, which met on Monday, approved 14 new homes."
    >>> planted = plant(article, "Leeds approved 14 new homes.", "number")
    >>> planted.summary, planted.span.of(planted.summary), planted.stood
    ('Leeds approved 10 new homes.', '10', '14')
    """
    if len(summary) > LONGEST_SUMMARY:
        return None
    facts = facts_of(article)
    claims = claims_of(article, summary)
    rng = Random(f"{seed} {kind} {digest(summary)}")  # noqa: S311  no secret
    for draft in _PLANTERS[kind](claims, facts, rng):
        draft = claims.match_casing(draft)
        if _is_error(claims, facts, draft):
            return _planted_error(kind, claims, draft)
    return None


def _is_error(claims: SummaryClaims, facts: Facts, draft: PlannedChange) -> bool:
    """Tell whether the changed sentence says something else, and the article does not say it."""
    old = claims.text[draft.start : draft.end]
    changed = claims.claim_with(draft)
    return draft.new.split() != old.split() and not facts.says(changed)


def _planted_error(kind: ErrorKind, claims: SummaryClaims, draft: PlannedChange) -> Planted:
    before = re.match(r"[\s.]*", draft.new)
    skipped = before.end() if before and draft.start == draft.end else 0
    leading = skipped or len(draft.new) - len(draft.new.lstrip())
    span = Span(draft.start + leading, draft.start + len(draft.new))
    stood = claims.text[draft.start : draft.end].strip()
    return Planted(kind, claims.with_draft(draft), span, stood)


# Summaries that are scored at once, so that those of one article share what is read of it.
BATCH = 256
# A score is lower if it is so by more than rounding.
LOWER_BY = 1e-9


@dataclass(frozen=True, slots=True)
class SupportedPair:
    """A summary that its article supports; `group` says how that is known.

    copied: the summary consists of sentences of the article.
    """

    article: Article
    summary: str
    group: str
    copied: bool = False


@dataclass(frozen=True, slots=True)
class PlantedOutcome:
    """What a check made of one planted error.

    detected: a flag of any kind overlaps it; already: one did so before it was planted;
    right_kind: one that overlaps names the kind of error; pointed: one lies at least half in it
    and covers at least half of it. n_wrong, n_flagged, n_both: characters.
    """

    kind: ErrorKind
    group: str
    copied: bool
    detected: bool
    already: bool
    right_kind: bool
    pointed: bool
    score_dropped: bool
    n_wrong: int
    n_flagged: int
    n_both: int


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How many flags an untouched summary has."""

    group: str
    copied: bool
    n_flags: int


# --- The figures, by kind of error and by group of untouched pairs


@dataclass
class CheckReport:
    """All outcomes of a check, and its figures."""

    outcomes: list[PlantedOutcome] = field(default_factory=list[PlantedOutcome])
    alarms: list[FalseAlarms] = field(default_factory=list[FalseAlarms])
    not_applicable: dict[ErrorKind, int] = field(default_factory=dict[ErrorKind, int])

    def kinds(self, copied: bool | None = None) -> dict[ErrorKind, dict[str, Any]]:
        """Return the figures by kind of error; of copied or of written summaries only if told."""
        chosen = [one for one in self.outcomes if copied is None or one.copied == copied]
        asked = {one.kind for one in self.outcomes} | self.not_applicable.keys()
        known: dict[ErrorKind, list[PlantedOutcome]] = {kind: [] for kind in KINDS if kind in asked}
        for one in chosen:
            known[one.kind].append(one)
        return {
            kind: figures_of_kind(outcomes)
            | ({"not_applicable": self.not_applicable.get(kind, 0)} if copied is None else {})
            for kind, outcomes in known.items()
        }

    def groups(self) -> dict[str, ShareOfCases]:
        """Return the share of untouched summaries with a flag, by group, and of the two sorts."""
        found: dict[str, list[bool]] = {}
        for alarm in self.alarms:
            sort = "all copied" if alarm.copied else "all written"
            for group in (alarm.group, sort):
                found.setdefault(group, []).append(alarm.n_flags > 0)
        return {group: rate(sum(flagged), len(flagged)) for group, flagged in sorted(found.items())}

    def record(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "pairs": len(self.alarms),
            "planted": self.kinds(),
            "planted_in_written": self.kinds(copied=False),
            "planted_in_copied": self.kinds(copied=True),
            "false_alarms": self.groups(),
        }


def figures_of_kind(outcomes: Sequence[PlantedOutcome]) -> dict[str, Any]:
    """Return the figures of the planted errors of one kind.

    precision, recall: characters, of all flagged ones and of all wrong ones; None without any.
    """
    n = len(outcomes)
    flagged, wrong = (sum(o.n_flagged for o in outcomes), sum(o.n_wrong for o in outcomes))
    both = sum(o.n_both for o in outcomes)
    return {
        "n": n,
        "detected": rate(sum(o.detected for o in outcomes), n),
        "already_flagged": rate(sum(o.already for o in outcomes), n),
        "right_kind": rate(sum(o.right_kind for o in outcomes), n),
        "pointed": rate(sum(o.pointed for o in outcomes), n),
        "score_dropped": rate(sum(o.score_dropped for o in outcomes), n),
        "precision": both / flagged if flagged else None,
        "recall": both / wrong if wrong else None,
    }


# --- Planting and scoring


def measure(
    pairs: Iterable[SupportedPair], check: Metric, kinds: Sequence[ErrorKind] = KINDS, seed: int = 0
) -> CheckReport:
    """Plant each kind of error in every pair where it applies, and score with and without it."""
    report = CheckReport()
    batch: list[SupportedPair] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) * (1 + len(kinds)) >= BATCH:
            _measure_batch(batch, check, kinds, seed, report)
            batch = []
    _measure_batch(batch, check, kinds, seed, report)
    return report


def _measure_batch(
    pairs: Sequence[SupportedPair],
    check: Metric,
    kinds: Sequence[ErrorKind],
    seed: int,
    report: CheckReport,
) -> None:
    planted: list[tuple[SupportedPair, Planted]] = []
    for pair in pairs:
        for kind in kinds:
            error = plant(pair.article.text, pair.summary, kind, seed)
            if error is None:
                report.not_applicable[kind] = report.not_applicable.get(kind, 0) + 1
            else:
                planted.append((pair, error))
    texts = [(pair.article, pair.summary) for pair in pairs]
    texts += [(pair.article, error.summary) for pair, error in planted]
    scores = check.score([(article, Summary(article.id, text)) for article, text in texts])
    untouched = dict(zip(map(id, pairs), scores, strict=False))
    for pair in pairs:
        report.alarms.append(FalseAlarms(pair.group, pair.copied, len(untouched[id(pair)].flags)))
    for (pair, error), score in zip(planted, scores[len(pairs) :], strict=True):
        report.outcomes.append(outcome(pair, error, untouched[id(pair)], score))


def outcome(pair: SupportedPair, planted: Planted, before: Score, after: Score) -> PlantedOutcome:
    """Return what a check made of a planted error.

    before, after: the scores of the untouched summary and of the one with the error. A score
    without a value (`the summary has no numbers`) counts as 1: nothing to complain of.
    """
    span = planted.span
    hits = [flag for flag in after.flags if overlap_length(flag.span, span)]
    old = Span(span.start, span.start + len(planted.stood))
    flagged = _covered_characters([flag.span for flag in after.flags], len(planted.summary))
    return PlantedOutcome(
        kind=planted.kind,
        group=pair.group,
        copied=pair.copied,
        detected=bool(hits),
        already=any(overlap_length(flag.span, old) for flag in before.flags),
        right_kind=any(_names(flag, planted.kind) for flag in hits),
        pointed=any(_points(flag, span) for flag in hits),
        score_dropped=_value(after) < _value(before) - LOWER_BY,
        n_wrong=span.end - span.start,
        n_flagged=len(flagged),
        n_both=sum(span.start <= place < span.end for place in flagged),
    )


def _names(flag: Flag, error: ErrorKind) -> bool:
    return flag.kind.startswith(error) or error in flag_kind(flag.kind).planted


def overlap_length(one: Span, other: Span) -> int:
    """Return how many characters two spans have in common."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _points(flag: Flag, span: Span) -> bool:
    """Tell whether a flag lies at least half in a span and covers at least half of it."""
    common = 2 * overlap_length(flag.span, span)
    return common >= max(flag.span.end - flag.span.start, span.end - span.start)


def _covered_characters(spans: Iterable[Span], length: int) -> set[int]:
    return {place for span in spans for place in range(max(0, span.start), min(span.end, length))}


def _value(score: Score) -> float:
    return 1.0 if score.value is None or math.isnan(score.value) else score.value


QUICKSTART_ARTICLES = shipped_path("quickstart/articles.jsonl")
DEFAULT_CHECKS = ("numbers", "entities")
COPIED_SENTENCES = 3
# Lines shorter than this are captions and headings, and no summary.
SHORTEST_SENTENCE = 40


AnyKind = ErrorKind | BenignKind | GamingKind
ALL_KINDS: tuple[AnyKind, ...] = (*KINDS, *BENIGN_KINDS, *GAMING_KINDS)


def selftest(
    checks: Sequence[str],
    data: Sequence[str | Path] = (),
    label: str | Sequence[str] = LABEL,
    seed: int = 0,
    kinds: Sequence[AnyKind] = ALL_KINDS,
    given: Mapping[str, Metric] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the figures of planted errors, benign edits and gaming for each check, by its name.

    data: files of articles, the project's own if empty; see `supported_pairs`.
    label: the field that says 1 for supported, `SOURCE=NAME` for one source; one or several.
    kinds: of errors, of benign edits and of gaming; an arm without one is left out.
    given: components with options of their own, by the names that `checks` may use.
    Raises: UnknownComponent, ConfigError; DataError where the files hold no supported pair.
    """
    built = {name: (given or {}).get(name) or named_check(name) for name in checks}
    files = data or [QUICKSTART_ARTICLES]
    pairs = supported_pairs(files, label, seed)
    bad = [*_unsupported(files, label)]
    return {name: _figures(pairs, bad, check, kinds, seed) for name, check in built.items()}


def _figures(
    pairs: Sequence[SupportedPair],
    bad: Sequence[WrittenSummary],
    check: Metric,
    kinds: Sequence[AnyKind],
    seed: int,
) -> dict[str, Any]:
    """Return the figures of all arms for one check."""
    record = measure(pairs, check, [kind for kind in KINDS if kind in kinds], seed).record()
    benign = [kind for kind in BENIGN_KINDS if kind in kinds]
    gaming = [kind for kind in GAMING_KINDS if kind in kinds]
    if not benign and not gaming:
        return record
    written = [
        WrittenSummary(pair.article, pair.summary, pair.group, True)
        for pair in pairs
        if not pair.copied
    ]
    by = "labels" if bad else "planted errors"
    bad = bad or [*_with_planted_errors(written, seed)]
    costs = measure_edits([*written, *bad], check, benign, gaming, seed)
    return record | {"inconsistent_by": by} | costs.record(benign, gaming, seed)


def _with_planted_errors(
    summaries: Iterable[WrittenSummary], seed: int
) -> Iterator[WrittenSummary]:
    """Yield each summary with the first error that can be planted in it, in place of bad ones."""
    for summary in summaries:
        rng = Random(f"{seed} {digest(summary.text)}")  # noqa: S311  no secret
        for kind in rng.sample(KINDS, len(KINDS)):
            error = plant(summary.article.text, summary.text, kind, seed)
            if error is not None:
                yield WrittenSummary(summary.article, error.summary, summary.group, False)
                break


def supported_pairs(
    files: Sequence[str | Path], label: str | Sequence[str] = LABEL, seed: int = 0
) -> list[SupportedPair]:
    """Return the pairs of files: labelled summaries, references, and copies of every article.

    A row whose `label` column is 1 gives its summary, and one with another label none. A row
    without that column gives its references. Each article gives, once, its first three sentences
    and three at random in their order.

    Raises: DataError for a file that cannot be read, or where no row gives a pair.
    """
    written: list[SupportedPair] = []
    articles: dict[str, Article] = {}
    for article, name, source in _labelled_rows(files, label):
        articles.setdefault(article.text, article)
        written += pairs_with_label(article, name, source)
    if not written:
        named = ", ".join([label] if isinstance(label, str) else label)
        raise DataError(f"{files[0]}: no row has {named} 1, nor references; see --label")
    copies = [pair for article in articles.values() for pair in copied_sentences(article, seed)]
    return [*written, *copies]


def _unsupported(
    files: Sequence[str | Path], label: str | Sequence[str]
) -> Iterator[WrittenSummary]:
    """Yield the summaries of the rows that are labelled 0."""
    for article, name, source in _labelled_rows(files, label):
        summary = article.extra.get("summary")
        is_bad = str(article.extra.get(name)) in ("0", "0.0", "False")
        if is_bad and isinstance(summary, str) and summary.strip():
            yield WrittenSummary(article, summary, article.source or source, False)


def _labelled_rows(
    files: Sequence[str | Path], label: str | Sequence[str]
) -> Iterator[tuple[Article, str, str]]:
    """Yield each row with the field of its source's label, and the name of its file."""
    fields = LabelFields.of([label] if isinstance(label, str) else label)
    names = tuple({fields.usual, *fields.by_source.values()})
    for path in files:
        stem = Path(path).name.partition(".")[0]
        for article in _articles(Path(path), names):
            yield article, fields.of_source(article.source or stem), stem


def _articles(path: Path, labels: tuple[str, ...]) -> Iterator[Article]:
    if not path.exists():
        raise DataError(f"{path}: no such file; name a JSON Lines, CSV or Parquet file (--data)")
    columns = ColumnOptions(extra=(*labels, "article_id"))
    rows: Iterable[Article | Rejected] = Files(path, columns=columns).load()
    return (row for row in rows if isinstance(row, Article))


def pairs_with_label(article: Article, label: str, source: str) -> list[SupportedPair]:
    """Return the written summaries of a row that its article supports."""
    group = f"{source} references"
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


def kinds_of(names: str) -> tuple[AnyKind, ...]:
    """Return the kinds of a comma-separated list; all if it is empty. Raises: ConfigError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ALL_KINDS]
    if unknown:
        raise ConfigError(
            f"no kind of error or edit {unknown[0]!r}; there are: {', '.join(ALL_KINDS)}"
        )
    return tuple(kind for kind in ALL_KINDS if not wanted or kind in wanted)
