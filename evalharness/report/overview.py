"""The first section: what was run, which system is best and how sure that is, notes, outputs."""

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

from evalharness.comparison.comparison import incomplete_runs
from evalharness.comparison.shared import is_of_older_version
from evalharness.config.registry import scaled_figure
from evalharness.records import Span, flag_kind
from evalharness.report.articles import UNLIKE_A_SAMPLE, Articles, Texts, broken_sample
from evalharness.report.gathered import Gathered, ScoreColumn, SystemRole, article_link
from evalharness.report.provenance import TrustCard, flag_precision, trust_cards
from evalharness.report.ranking import (
    Mark,
    Ranking,
    Standings,
    competitors,
    copying_systems,
)
from evalharness.report.table import (
    amount_text,
    error_finders,
    likely_error_lines,
    number_text,
    p_value,
    percent_text,
)
from evalharness.store.runs import LikelyErrors, Run, ScorerFigures, length_note
from evalharness.store.table import LIKELY_ERRORS
from evalharness.text import sentences

# Systems that a sentence names before it counts the rest.
_NAMED = 4


@dataclass(frozen=True)
class TableFigure:
    """One cell of the table: a mean with its interval, and its place beside the best.

    top: whether it is the highest of those that compete; a tie where it is not shown to be better.
    old: the scores are of an older version than another system's, and no figure stands beside it.
    """

    mean: str
    low: str
    high: str
    n: int
    mark: Mark
    whole: bool = False
    old: bool = False
    top: bool = False


_OLD_SCORES = TableFigure("", "", "", 0, "", old=True)


@dataclass(frozen=True)
class ClearError:
    """A likely error as a card shows it, in the sentence of the summary that it stands in.

    link: where the page shows the article. before, wrong, after: the sentence in three pieces.
    message: what the check says. evidence: the sentence of the article that it points at, in three
    pieces likewise; empty without one.
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


@dataclass(frozen=True)
class SystemRow:
    """A system with its figures and with what came out of it.

    likely_errors: by each check that names some.
    """

    name: str
    role: SystemRole
    articles: int
    failed: int
    rejected: int
    answered: str
    words: str
    truncated: str
    defects: str
    likely_errors: tuple[LikelyErrors | None, ...]
    figures: tuple[TableFigure | None, ...]


@dataclass(frozen=True)
class Finding:
    """What one score says, as lists of systems in words, with p-values where they were tested."""

    label: str
    best: str
    mean: str
    n: int
    ties: str
    below: str
    floors_above: str
    floors_beside: str


@dataclass(frozen=True)
class Overview:
    """All that the section shows.

    finders: the checks that name likely errors. clearest: some of these, the surest kinds first.
    """

    sentence: str
    headline: str
    finders: tuple[str, ...]
    clearest: tuple[ClearError, ...]
    findings: tuple[Finding, ...]
    rows: tuple[SystemRow, ...]
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
    said = [*_error_sentences(gathered), _headline(gathered, standings)]
    return Overview(
        sentence=_sentence(gathered, articles),
        headline=" ".join(filter(None, said)),
        finders=tuple(error_finders(gathered.runs)),
        clearest=tuple(_clearest_errors(gathered, texts, flag_precision(cards)) if texts else ()),
        findings=tuple(_findings(gathered, standings)),
        rows=tuple(_rows(gathered, standings)),
        notes=tuple(_notes(gathered, articles, standings)),
        unscored=tuple(_missing_scores(gathered)),
        errors=tuple(
            (name, n, why)
            for name, run in zip(gathered.names, gathered.runs, strict=True)
            for why, n in run.outputs.errors.items()
        ),
        trust=trust_cards(gathered, cards),
    )


def _sentence(gathered: Gathered, articles: Articles) -> str:
    systems = len(gathered.runs)
    who = f"{systems} systems" if systems > 1 else gathered.names[0]
    against = []
    for kind, what in (("metric", "against references"), ("check", "against the article")):
        labels = dict.fromkeys(c.measure.metric for c in gathered.columns if c.kind == kind)
        if labels:
            against.append(f"{join_names(list(labels))} {what}")
    scored = f", scored by {' and '.join(against)}" if against else ""
    data = join_names(list(dict.fromkeys(filter(None, map(data_name, gathered.configs)))))
    return f"{who} on {amount_text(articles.n, 'article')}{f' of {data}' if data else ''}{scored}."


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


def join_names(names: Sequence[str], most: int | None = None) -> str:
    """Return names as a sentence has them.

    >>> join_names(["a", "b", "c"]), join_names(["a", "b", "c", "d"], 2)
    ('a, b and c', 'a, b and 2 more')
    """
    if most is not None and len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _error_sentences(gathered: Gathered) -> Iterator[str]:
    """Yield for each check how many summaries of the systems have a likely error.

    Systems that copy, and baselines where there are others, are not named: they have none.
    """
    running, finders = competitors(gathered), error_finders(gathered.runs)
    own = [name for name in running if name not in copying_systems(gathered)] or running
    runs = dict(zip(gathered.names, gathered.runs, strict=True))
    for label in finders:
        by = f"By {label}: " if finders[1:] else ""
        counted = {name: runs[name].figures.get(label) for name in own}
        found = {
            n: f.likely_errors
            for n, f in counted.items()
            if f and f.likely_errors and f.likely_errors.of
        }
        if len(gathered.runs) == 1:
            yield from likely_error_lines(gathered.runs[0])
            return
        elif len(found) > _NAMED:
            shares = {name: e.summaries / e.of for name, e in found.items()}
            least, most = min(found, key=shares.__getitem__), max(found, key=shares.__getitem__)
            yield (
                f"{by}Summaries with a likely error: from {shares[least]:.0%} ({least}) "
                f"to {shares[most]:.0%} ({most})."
            )
        elif found:
            each = [f"{e.summaries} of {e.of} by {name}" for name, e in found.items()]
            yield f"{by}Summaries with a likely error: {join_names(each)}."


def _headline(gathered: Gathered, standings: Standings) -> str:
    """Return in a sentence or two which system is best, and whether that is sure."""
    rankings = [ranking for ranking in standings.rankings.values() if ranking.best]
    running, floors = competitors(gathered), _floors(gathered)
    unranked = _unranked(gathered)
    if not rankings:
        return unranked
    said = [_best(running, rankings)] if len(running) > 1 else []
    # What is copied from an article agrees with it: only references tell floors from models.
    against = [ranking for ranking in rankings if ranking.column.kind == "metric"]
    above = [r.column.label for r in against if all(r.marks.get(f) == "lower" for f in floors)]
    if floors and len(running) == 1 and above:
        every = "every floor" if len(floors) > 1 else f"the floor {floors[0]}"
        said.append(f"{running[0]} is above {every} by {join_names(above)}, beyond chance.")
    higher: dict[str, list[str]] = {}
    for ranking in against:
        for name in _marked_names(ranking, "higher", floors):
            higher.setdefault(name, []).append(ranking.column.label)
    said += [f"The floor {name} is higher by {join_names(by)}." for name, by in higher.items()]
    return " ".join([*said, unranked] if unranked else said)


def _unranked(gathered: Gathered) -> str:
    """Return which of several systems did not answer every article, as a sentence."""
    partial = incomplete_runs(gathered.runs, gathered.names)
    if not partial or len(gathered.runs) < 2:
        return ""
    named = [f"{name} (answered {share})" for name, share in partial.items()]
    return f"Not ranked: {join_names(named, _NAMED)}."


def _best(running: Sequence[str], rankings: Sequence[Ranking]) -> str:
    never_lower = [name for name in running if _never_lower(name, rankings)]
    if len(never_lower) == 1:
        return _one_best(never_lower[0], running, rankings)
    if len(never_lower) == 2:
        return f"No score shows a difference between {join_names(never_lower)}."
    if len(never_lower) == len(running):
        return f"No score shows a difference between the {len(running)} systems."
    if never_lower:
        return f"No score shows {join_names(never_lower, _NAMED)} to be worse than the best."
    leaders: dict[str, list[str]] = {}
    for ranking in rankings:
        leaders.setdefault(ranking.best, []).append(ranking.column.label)
    parts = [f"{name} by {join_names(labels)}" for name, labels in leaders.items()]
    return f"No system is best by every score: {'; '.join(parts)}."


def _never_lower(name: str, rankings: Sequence[Ranking]) -> bool:
    """Tell whether a system is the best or tied by every score; what it copied tells nothing."""
    marks = [ranking.marks.get(name) for ranking in rankings]
    judged = [mark for mark in marks if mark != "copied"]
    return bool(judged) and all(mark in ("best", "tie") for mark in judged)


def _one_best(name: str, running: Sequence[str], rankings: Sequence[Ranking]) -> str:
    sure = [
        ranking.column.label
        for ranking in rankings
        if ranking.marks.get(name) == "best"
        and all(
            ranking.marks.get(other) in ("lower", None, "") for other in running if other != name
        )
    ]
    every = "every score" if len(rankings) > 1 else rankings[0].column.label
    if len(sure) == len(rankings):
        return f"{name} is best by {every}, beyond chance."
    by = f", and by {join_names(sure)} it is best beyond chance" if sure else ""
    return f"{name} is the one system that no score shows to be worse than the best{by}."


def _floors(gathered: Gathered) -> list[str]:
    """Return the floors that do not compete."""
    running = competitors(gathered)
    pairs = zip(gathered.names, gathered.roles, strict=True)
    partial = incomplete_runs(gathered.runs, gathered.names)
    return [n for n, role in pairs if role == "floor" and n not in running and n not in partial]


def _findings(gathered: Gathered, standings: Standings) -> Iterator[Finding]:
    running, floors = competitors(gathered), _floors(gathered)
    for ranking in standings.rankings.values():
        if ranking.best:
            yield Finding(
                label=ranking.column.label,
                best=join_names(_marked_names(ranking, "best", running), _NAMED) or ranking.best,
                mean=scaled_figure(ranking.means[ranking.best], ranking.column.key),
                n=ranking.n,
                ties=join_names(_with_p(ranking, "tie", running), _NAMED),
                below=join_names(_with_p(ranking, "lower", running), _NAMED),
                floors_above=join_names(_marked_names(ranking, "higher", floors), _NAMED),
                floors_beside=join_names(_marked_names(ranking, "tie", floors), _NAMED),
            )


def _marked_names(ranking: Ranking, mark: Mark, among: Sequence[str]) -> list[str]:
    return [name for name in among if ranking.marks.get(name) == mark]


def _with_p(ranking: Ranking, mark: Mark, among: Sequence[str]) -> list[str]:
    return [
        f"{name} (p = {p_value(ranking.p[name])})" for name in _marked_names(ranking, mark, among)
    ]


def _rows(gathered: Gathered, standings: Standings) -> Iterator[SystemRow]:
    """Yield the systems: those that compete, then floors, then ceilings; the incomplete last."""
    rank = {"": 0, "floor": 1, "ceiling": 2}

    def order(n: int) -> tuple[bool, int]:
        several = len(gathered.runs) > 1
        return several and not gathered.runs[n].is_complete, rank[gathered.roles[n]]

    for n in sorted(range(len(gathered.runs)), key=order):
        run, name = gathered.runs[n], gathered.names[n]
        yield SystemRow(
            name=name,
            role=gathered.roles[n],
            articles=run.n,
            failed=run.counts.failed,
            rejected=run.counts.rejected,
            answered=percent_text(run.outputs.answer_rate),
            words=number_text(run.outputs.mean_words, 0),
            truncated=_share(run.outputs.truncated, run.n),
            defects=", ".join(f"{k} {what}" for what, k in run.outputs.defects.items()),
            likely_errors=tuple(
                run.figures[label].likely_errors if label in run.figures else None
                for label in error_finders(gathered.runs)
            ),
            figures=tuple(
                _OLD_SCORES
                if is_of_older_version(run, column.measure.metric, gathered.runs)
                else _figure(column, run, standings, name)
                for column in gathered.columns
            ),
        )


def _figure(column: ScoreColumn, run: Run, standings: Standings, name: str) -> TableFigure | None:
    figure = column.of(run)
    if figure is None or figure.mean is None:
        return None
    if isinstance(figure, ScorerFigures) and figure.corpus is not None:
        return TableFigure(f"{figure.corpus:.1f}", "", "", figure.n, "", whole=True)
    mean, low, high = (column.text(x) for x in (figure.mean, figure.low, figure.high))
    mark = standings.mark(column, name)
    if mark == "best" and "tie" in standings.rankings[column.key].marks.values():
        return TableFigure(mean, low, high, figure.n, "tie", top=True)
    return TableFigure(mean, low, high, figure.n, mark, top=mark == "best")


def _older_notes(gathered: Gathered) -> Iterator[str]:
    """Yield which systems have scores of an older version, and how they are made new."""
    for name, run in zip(gathered.names, gathered.runs, strict=True):
        old = [m for m in run.figures if is_of_older_version(run, m, gathered.runs)]
        if old:
            again = f"evalharness score --again {shlex.quote(str(run.folder))}"
            yield f"{name}: {join_names(old)}: scored by an older version; {again} scores it anew."


def _share(n: int, of: int) -> str:
    """Return a share in percent, and never 0 % or 100 % of what is not none or all."""
    if not of or n in (0, of):
        return f"{100 if of and n else 0}%"
    return f"{min(max(n / of, 0.01), 0.99):.0%}"


def _missing_scores(gathered: Gathered) -> Iterator[tuple[str, str, int, str]]:
    for name, run in zip(gathered.names, gathered.runs, strict=True):
        for label, figures in run.figures.items():
            for why, n in figures.notes.items():
                yield name, label, n, why


def _notes(gathered: Gathered, articles: Articles, standings: Standings) -> Iterator[str]:
    interval = gathered.runs[0].interval
    yield (
        f"Means over the articles, shares times 100, with the {interval.level:.0%} "
        f"interval of {interval.resamples:,} bootstrap resamples."
    )
    if standings.comparison is not None:
        yield (
            f"Best, tie, higher and lower are by paired randomization over the articles that all "
            f"{'ranked ' if _unranked(gathered) else ''}systems have a score for "
            f"({standings.comparison.resamples:,} resamples), "
            f"Holm-adjusted over all pairs of systems, at the level "
            f"{standings.comparison.level:g}. Ties are not shown to differ from the highest, "
            "which is in bold; that is not to say that they are as good."
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
    floors = [name for name, role in pairs if role == "floor"]
    ceilings = [name for name, role in pairs if role == "ceiling"]
    if floors:
        what = "are floors, which take" if len(floors) > 1 else "is a floor, which takes"
        yield (
            f"{join_names(floors)} {what} sentences of the article as they are. A model should be "
            "above them against references; checks against the article find nothing wrong with "
            "what is copied from it."
        )
    if ceilings:
        what = "are ceilings, which pick" if len(ceilings) > 1 else "is a ceiling, which picks"
        yield f"{join_names(ceilings)} {what} the article's sentences with the references in hand."
    yield from _copying_notes(gathered)
    if _floors(gathered) or ceilings:
        yield "Best is said of the other systems; floors and ceilings are marked beside them."


def _copying_notes(gathered: Gathered) -> Iterator[str]:
    floors = [name for name, role in zip(gathered.names, gathered.roles, strict=True) if role]
    copying = [name for name in copying_systems(gathered) if name not in floors]
    if copying:
        have, whose = ("have", "their") if len(copying) > 1 else ("has", "its")
        yield (
            f"{join_names(copying, _NAMED)} {have} next to no words of {whose} own. A check finds "
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
_MOST_READ = 60
# Characters of a sentence on either side of what is wrong in it.
_MOST_BESIDE = 240


def _clearest_errors(
    gathered: Gathered, texts: Texts, precision: Mapping[tuple[str, str], float]
) -> Iterator[ClearError]:
    """Yield likely errors of the kinds that are right the most often, the systems in turn.

    Of an article comes one; of a system that is a baseline beside others none. precision: how often
    flags of a check and kind are right on labelled summaries.
    """
    found = [
        (-precision.get((gathered.made_by(label), error.kind), 0.5), article, system, error)
        for article, system in itertools.islice(_with_likely_errors(gathered, texts), _MOST_READ)
        for label, error in _errors_of(gathered.names[system], texts, article, system)
    ]
    shown: Counter[int] = Counter()
    while found and shown.total() < MOST_CLEAREST:
        _, article, system, error = min(
            found, key=lambda each: (shown[each[2]], not each[3].evidence[1], *each[:3])
        )
        shown[system] += 1
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
    running = competitors(gathered)
    lists = []
    for system, (name, run) in enumerate(zip(gathered.names, gathered.runs, strict=True)):
        columns = [label + LIKELY_ERRORS for label in run.figures]
        known = [column for column in columns if column in run.columns]
        if name in running and known:
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
