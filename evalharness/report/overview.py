"""The first section: verdict, clearest errors, and the table of systems by scores; and outputs."""

import itertools
import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from evalharness.comparison.shared import is_of_older_version
from evalharness.config.registry import scaled_figure
from evalharness.records import Span, flag_kind
from evalharness.report.articles import UNLIKE_A_SAMPLE, Articles, Texts, broken_sample
from evalharness.report.gathered import Gathered, article_link
from evalharness.report.headline import NAMED, Headline, baselines, headline, marked_names
from evalharness.report.provenance import TrustCard, flag_precision, trust_cards
from evalharness.report.ranking import (
    Mark,
    Ranking,
    Standings,
    competitors,
    copying_systems,
    systems_of_interest,
)
from evalharness.report.systems import (
    SystemRow,
    TableColumn,
    fold_columns,
    fold_sentences,
    sorted_rows,
    system_rows,
    table_columns,
    with_bars,
)
from evalharness.report.table import (
    amount_text,
    join_names,
    p_value,
)
from evalharness.store.runs import ScorerFigures, length_note
from evalharness.store.table import LIKELY_ERRORS
from evalharness.text import sentences


@dataclass(frozen=True)
class ClearError:
    """A likely error as a card shows it, in the sentence of the summary that it stands in.

    link: where the page shows the article. before, wrong, after: the sentence in three pieces.
    message: what the check says. evidence: the sentence of the article that it points at, in three
    pieces likewise; empty without one. is_looping: whether the summary says the same over and over.
    """

    system: str
    id: str
    link: str
    kind: str
    look: str
    before: str
    wrong: str
    after: str
    message: str
    evidence: tuple[str, str, str] = ("", "", "")
    is_looping: bool = False


@dataclass(frozen=True)
class Finding:
    """What one score says, as lists of systems in words, with p-values where they were tested."""

    label: str
    best: str
    mean: str
    n: int
    ties: str
    below: str
    baselines_above: str
    baselines_beside: str


@dataclass(frozen=True)
class Overview:
    """All that the section shows.

    clearest: some likely errors, the surest kinds first. columns, rows: of the table, the rows in
    the order of `sorted_by`; those that do not compete stand apart. folds: what the folded columns
    say, in sentences. copying: what a check does not rank, as it copies.
    """

    sentence: str
    top: Headline
    clearest: tuple[ClearError, ...]
    findings: tuple[Finding, ...]
    columns: tuple[TableColumn, ...]
    rows: tuple[SystemRow, ...]
    sorted_by: str
    folds: tuple[str, ...]
    copying: str
    notes: tuple[str, ...]
    unscored: tuple[tuple[str, str, int, str], ...]
    errors: tuple[tuple[str, int, str], ...]
    trust: Mapping[str, TrustCard]


def overview(
    gathered: Gathered,
    articles: Articles,
    standings: Standings,
    cards: str | Path | None = None,
    texts: Texts | None = None,
) -> Overview:
    """Return what the first section shows.

    cards: a file of trust cards, for `trust_cards`. texts: where the clearest errors are read from;
    without it none are shown.
    """
    trust = trust_cards(gathered, cards)
    rows = list(system_rows(gathered, standings))
    columns, sorted_by = fold_columns(list(table_columns(gathered, standings, trust)), rows)
    return Overview(
        sentence=_sentence(gathered, articles),
        top=headline(gathered, standings),
        clearest=tuple(_clearest_errors(gathered, texts, flag_precision(cards)) if texts else ()),
        findings=tuple(_findings(gathered, standings)),
        columns=tuple(columns),
        rows=tuple(sorted_rows(with_bars(rows), columns, sorted_by)),
        sorted_by=sorted_by,
        folds=tuple(fold_sentences(columns)),
        copying=join_names(_not_ranked(rows), NAMED),
        notes=tuple(_notes(gathered, articles, standings)),
        unscored=tuple(_missing_scores(gathered)),
        errors=tuple(
            (name, n, why)
            for name, run in zip(gathered.names, gathered.runs, strict=True)
            for why, n in run.outputs.errors.items()
        ),
        trust=trust,
    )


def _not_ranked(rows: Sequence[SystemRow]) -> list[str]:
    """Return what some column does not rank, as it copies: the systems that compete by name."""
    copying = [row for row in rows if any(f and f.mark == "copied" for f in row.figures)]
    apart = [row for row in copying if row.role and row.stands_apart]
    named = [row.name for row in copying if row not in apart]
    return [*named, *dict.fromkeys(f"{row.role}s" for row in apart)]


def _sentence(gathered: Gathered, articles: Articles) -> str:
    systems = len(gathered.runs)
    who = f"{systems} systems" if systems > 1 else gathered.names[0]
    data = join_names(list(dict.fromkeys(filter(None, map(data_name, gathered.configs)))))
    on = f"{amount_text(articles.n, 'article')}{f' of {data}' if data else ''}"
    if systems == 1 and who == gathered.runs[0].model_kind == "given":  # it has no name
        return f"The summaries given for {on}"
    return f"{who} on {on}"


def _scorers_note(gathered: Gathered) -> Iterator[str]:
    """Yield which scores look at references, and which at the article."""
    against = []
    for kind, what in (("metric", "against references"), ("check", "against the article")):
        labels = dict.fromkeys(c.measure.metric for c in gathered.columns if c.kind == kind)
        if labels:
            against.append(f"{join_names(list(labels))} {what}")
    if against:
        yield f"Scored by {' and '.join(against)}."


def data_name(config: Mapping[str, Any]) -> str:
    """Return what a config calls its data: a file's name, or a data set's."""
    data = config.get("data")
    if not isinstance(data, dict):
        return ""
    for key in ("path", "dataset"):
        named = data.get(key)
        if isinstance(named, str):
            return PurePath(named).name if key == "path" or named.startswith((".", "/")) else named
    return str(data.get("name", ""))


def _findings(gathered: Gathered, standings: Standings) -> Iterator[Finding]:
    running, others = competitors(gathered), baselines(gathered)
    for ranking in standings.every:
        shown = f"{ranking.means[ranking.best]:.0%}" if ranking in standings.errors.values() else ""
        yield Finding(
            label=ranking.column.label,
            best=join_names(marked_names(ranking, "best", running), NAMED) or ranking.best,
            mean=shown or scaled_figure(ranking.means[ranking.best], ranking.column.key),
            n=ranking.n,
            ties=join_names(_with_p(ranking, "tie", running), NAMED),
            below=join_names(_with_p(ranking, "lower", running), NAMED),
            baselines_above=join_names(marked_names(ranking, "higher", others), NAMED),
            baselines_beside=join_names(marked_names(ranking, "tie", others), NAMED),
        )


def _with_p(ranking: Ranking, mark: Mark, among: Sequence[str]) -> list[str]:
    return [
        f"{name} (p = {p_value(ranking.p[name])})" for name in marked_names(ranking, mark, among)
    ]


def _older_notes(gathered: Gathered) -> Iterator[str]:
    """Yield which systems have scores of an older version, and how they are made new."""
    for name, run in zip(gathered.names, gathered.runs, strict=True):
        old = [m for m in run.figures if is_of_older_version(run, m, gathered.runs)]
        if old:
            again = f"evalharness score --again {shlex.quote(str(run.folder))}"
            yield f"{name}: {join_names(old)}: scored by an older version; {again} scores it anew."


def _missing_scores(gathered: Gathered) -> Iterator[tuple[str, str, int, str]]:
    for name, run in zip(gathered.names, gathered.runs, strict=True):
        for label, figures in run.figures.items():
            for why, n in figures.notes.items():
                yield name, label, n, why


def _notes(gathered: Gathered, articles: Articles, standings: Standings) -> Iterator[str]:
    interval = gathered.runs[0].interval
    yield from _scorers_note(gathered)
    yield (
        f"Means over the articles, shares times 100, with the {interval.level:.0%} "
        f"interval of {interval.resamples:,} bootstrap resamples."
    )
    if standings.comparison is not None:
        yield (
            f"Differences are by paired randomization over the articles that all "
            f"{'' if standings.complete in (None, standings.comparison) else 'ranked '}systems "
            "have a score for "
            f"({standings.comparison.resamples:,} resamples), "
            f"Holm-adjusted over all pairs of systems, at the level "
            f"{standings.comparison.level:g}. In bold: the highest, and what is not shown to be "
            "lower; that is not to say that these are as good."
        )
        yield from _too_few(standings)
    elif len(gathered.runs) > 1:
        yield f"Nothing is compared: {standings.reason}."
    if note := length_note(gathered.runs):
        yield note
    if len(gathered.runs) > 1 and articles.shared_count < articles.n:
        yield (
            f"The systems do not have the same articles: {articles.shared_count:,} of "
            f"{articles.n:,} stand in all. Each mean is over a system's own articles"
            f"{'' if standings.comparison is None else '; marks are by the shared ones'}."
        )
    yield from (f"{label} is not compared: {why}." for label, why in standings.left_out.items())
    yield from _older_notes(gathered)
    yield from _reference_points(gathered)
    for name, run in zip(gathered.names, gathered.runs, strict=True):
        if run.usage_text:
            yield f"{name}: {run.usage_text}."
    for name in _whole_corpus(gathered):
        yield f"{name} is of the whole corpus, and no mean over articles."
    yield from (f"{line}." for line in gathered.missing)


def _too_few(standings: Standings) -> Iterator[str]:
    """Say so where no result of the articles could have shown a difference.

    The smallest p that flipping the signs of n differences can give is 2 / 2^n.
    """
    n = max((ranking.n for ranking in standings.rankings.values()), default=0)
    level = standings.comparison.level if standings.comparison else 0.0
    if n and 2.0 ** (1 - n) > level:
        yield (
            f"{amount_text(n, 'article')} can show no difference, however large: everything is a "
            f"tie. It takes {math.ceil(1 - math.log2(level))} or more."
        )


def _reference_points(gathered: Gathered) -> Iterator[str]:
    pairs = list(zip(gathered.names, gathered.roles, strict=True))
    simple = [name for name, role in pairs if role == "baseline"]
    bounds = [name for name, role in pairs if role == "upper bound"]
    if simple:
        what = "are baselines, which take" if len(simple) > 1 else "is a baseline, which takes"
        yield (
            f"{join_names(simple)} {what} sentences of the article as they are. A model should be "
            "above them against references; checks against the article find nothing wrong with "
            "what is copied from it."
        )
    if bounds:
        what = (
            "are upper bounds, which pick" if len(bounds) > 1 else "is an upper bound, which picks"
        )
        yield f"{join_names(bounds)} {what} the article's sentences with the references in hand."
    yield from _copying_notes(gathered)
    if baselines(gathered) or bounds:
        yield (
            "Best is said of the other systems; lines in the bars show where the best baseline "
            "and the upper bound are."
        )


def _copying_notes(gathered: Gathered) -> Iterator[str]:
    others = [name for name, role in zip(gathered.names, gathered.roles, strict=True) if role]
    copying = [name for name in copying_systems(gathered) if name not in others]
    if copying:
        have, whose = ("have", "their") if len(copying) > 1 else ("has", "its")
        yield (
            f"{join_names(copying, NAMED)} {have} next to no words of {whose} own. A check finds "
            "nothing wrong with what is copied, so that copying makes none the best by it."
        )


def _whole_corpus(gathered: Gathered) -> list[str]:
    return [
        column.label
        for column in gathered.columns
        if any(
            isinstance(figure, ScorerFigures) and figure.is_corpus
            for figure in map(column.of, gathered.runs)
        )
    ]


# Cards of errors at the top of a page, and the summaries that are looked at for them.
MOST_CLEAREST = 5
# Of a kind, while there are others.
_MOST_OF_KIND = 2
_MOST_READ = 60
# Characters of a sentence on either side of what is wrong in it.
_MOST_BESIDE = 240


def _clearest_errors(
    gathered: Gathered, texts: Texts, precision: Mapping[tuple[str, str], float]
) -> Iterator[ClearError]:
    """Yield likely errors of the kinds that are right the most often, the systems in turn.

    Of an article comes one, of a kind two while there are others; of a system that is a baseline
    beside others none, and those of looping outputs come last. Systems that are not ranked are
    among them. precision: how often flags of a
    check and kind are right on labelled summaries.
    """
    found = [
        (-precision.get((gathered.made_by(label), error.kind), 0.5), article, system, error)
        for article, system in itertools.islice(_with_likely_errors(gathered, texts), _MOST_READ)
        for label, error in _errors_of(gathered.names[system], texts, article, system)
    ]
    shown: Counter[int] = Counter()
    kinds: Counter[str] = Counter()

    def order(each: tuple[float, int, int, ClearError]) -> tuple[object, ...]:
        error = each[3]
        many = kinds[error.kind] >= _MOST_OF_KIND
        return error.is_looping, shown[each[2]], many, not error.evidence[1], *each[:3]

    while found and shown.total() < MOST_CLEAREST:
        _, article, system, error = min(found, key=order)
        shown[system] += 1
        kinds[error.kind] += 1
        found = [each for each in found if each[1] != article]
        yield error


def _errors_of(name: str, texts: Texts, article: int, system: int) -> list[tuple[str, ClearError]]:
    """Return the likely errors of a summary, each with its check. Raises: DataError."""
    sample = texts.of(article, system)
    try:
        return [
            (label, _clear_error(name, sample, flag))
            for label, score in sample["scores"].items()
            for flag in score.get("flags", ())
            if flag_kind(flag["kind"]).hard
        ]
    except UNLIKE_A_SAMPLE as error:
        raise broken_sample(texts.where(article, system), error) from None


def _with_likely_errors(gathered: Gathered, texts: Texts) -> Iterator[tuple[int, int]]:
    """Yield article and system of summaries that have a likely error, the systems in turn."""
    shown, lists = systems_of_interest(gathered), []
    for system, (name, run) in enumerate(zip(gathered.names, gathered.runs, strict=True)):
        columns = [label + LIKELY_ERRORS for label in run.figures]
        known = [column for column in columns if column in run.columns]
        if name in shown and known:
            errors = np.nan_to_num(run.values(known), nan=0.0).sum(axis=1) > 0
            rows = texts.articles.rows[:, system]
            with_some = np.flatnonzero((rows >= 0) & errors[rows])
            lists.append([(int(article), system) for article in with_some])
    for together in itertools.zip_longest(*lists):
        yield from (at for at in together if at is not None)


def _clear_error(system: str, sample: Mapping[str, Any], flag: Mapping[str, Any]) -> ClearError:
    before, wrong, after = _in_sentence(sample["summary"]["text"], flag)
    evidence = flag.get("evidence") or ()
    if not isinstance(flag["message"], str):
        raise TypeError(f"{flag['message']!r} is no text")
    return ClearError(
        system,
        sample["id"],
        article_link(sample["id"], system),
        flag["kind"],
        flag_kind(flag["kind"]).look,
        before,
        wrong,
        after,
        flag["message"],
        _in_sentence(sample["article"], evidence[0]) if evidence else ("", "", ""),
        "looping" in sample.get("defects", ()),
    )


def _in_sentence(whole: str, at: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the sentence of some characters: what is before them, they, and what is behind."""
    start, end = at["start"], at["end"]
    around = [span for span in sentences(whole) if span.start < end and start < span.end]
    low = max(around[0].start if around else start, start - _MOST_BESIDE)
    high = min(around[-1].end if around else end, end + _MOST_BESIDE)
    spans = (Span(low, start), Span(start, end), Span(end, high))
    before, own, after = (re.sub(r"\s+", " ", span.of(whole)) for span in spans)
    return before, own, after
