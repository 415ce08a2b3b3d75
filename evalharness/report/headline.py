"""The first screen of a page: the verdict in a sentence, three figures, and what to run next."""

import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import numpy as np

from evalharness.comparison.comparison import Comparison, Difference, incomplete_runs
from evalharness.comparison.shared import share
from evalharness.config.registry import model_row, scaled_figure
from evalharness.report.gathered import Gathered
from evalharness.report.ranking import (
    Mark,
    Ranking,
    Standings,
    competitors,
    copying_systems,
    systems_of_interest,
)
from evalharness.report.table import (
    amount_text,
    error_finders,
    join_names,
    likely_error_lines,
    percent_text,
)
from evalharness.stats import paired
from evalharness.stats.intervals import Values
from evalharness.store.runs import LikelyErrors, Run
from evalharness.store.table import LIKELY_ERRORS

# Systems that a sentence names before it counts the rest.
NAMED = 4
# Systems whose counts stand in a figure on top; of more, the fewest and the most.
_COUNTED = 4
# A share is known well enough where its 95 % interval reaches no further to either side.
_MARGIN = 0.1
_NORMAL = 1.96
# Articles of a run small enough that those with an error are named.
_NAMED_ARTICLES = 12


@dataclass(frozen=True)
class KeyFigure:
    """One of the three figures on top: what it is, the figure, and a sentence on it.

    sure: a word that says how sure it is, with whether that is good; none where nothing is to say.
    counts: summaries with a likely error by system, where that is the figure.
    """

    title: str
    figure: str
    text: str
    sure: tuple[str, Literal["yes", "no"]] | None = None
    counts: tuple[tuple[str, LikelyErrors], ...] = ()


@dataclass(frozen=True)
class NextStep:
    """What to run next, and why; the command is for the folder that holds `results`."""

    text: str
    command: str


@dataclass(frozen=True)
class Headline:
    """The verdict in one sentence, what else should not be missed, three figures, and what next."""

    sentence: str
    remarks: tuple[str, ...]
    figures: tuple[KeyFigure, ...]
    next: NextStep | None


def headline(gathered: Gathered, standings: Standings) -> Headline:
    """Return what the first screen says of any runs: of one system, of two, of a sweep."""
    needed = _articles_needed(gathered, standings)
    return Headline(
        sentence=_verdict(gathered, standings),
        remarks=tuple(_remarks(gathered, standings)),
        figures=(
            _best_figure(gathered, standings),
            _error_figure(gathered),
            _enough_figure(gathered, standings, needed),
        ),
        next=_next_step(gathered, standings, needed),
    )


# The verdict.


def _verdict(gathered: Gathered, standings: Standings) -> str:
    if len(gathered.runs) == 1:
        return _verdict_of_one(gathered)
    clauses = [_best_clause(gathered, standings), *_error_clauses(gathered)]
    said = "; ".join(filter(None, clauses))
    if said.startswith(("by ", "no ")):
        said = said[:1].upper() + said[1:]
    return f"{said}." if said else ""


def _verdict_of_one(gathered: Gathered) -> str:
    (name,), (run,) = gathered.names, gathered.runs
    lines = list(likely_error_lines(run))
    if lines:
        found = _articles_with_errors(run)
        named = f": {join_names(found)}" if 0 < len(found) <= NAMED and _is_small(run) else ""
        return f"{'; '.join(line.removesuffix('.') for line in lines)}{named}."
    for column in gathered.columns:
        figure = column.of(run)
        if figure and figure.mean is not None:
            mean, low, high = (column.text(x) for x in (figure.mean, figure.low, figure.high))
            between = f" (95% interval {low} to {high})" if low and high else ""
            said = f"{name} scores {mean} by {column.label}{between}"
            return f"{said} on {amount_text(figure.n, 'article')}; no check looked for errors."
    return f"{name} has no score on {amount_text(run.n, 'article')}."


def _is_small(run: Run) -> bool:
    return run.n <= _NAMED_ARTICLES


def _articles_with_errors(run: Run) -> list[str]:
    """Return the ids of the articles whose summary has a likely error."""
    columns = [c for label in run.figures if (c := label + LIKELY_ERRORS) in run.columns]
    if not columns:
        return []
    found = np.nan_to_num(run.values(columns), nan=0.0).sum(axis=1) > 0
    ids = run.table(["id"]).column(0).to_pylist()
    return [id for id, wrong in zip(ids, found.tolist(), strict=True) if wrong]


def _best_clause(gathered: Gathered, standings: Standings) -> str:
    """Say which system is best, and whether that is sure; of one with baselines, how it stands."""
    rankings, running = standings.every, competitors(gathered)
    if not rankings:
        return _shared_clause(gathered, standings)
    if len(running) > 1:
        return _best(running, rankings, len(baselines(gathered)))
    # What is copied from an article agrees with it: only references tell baselines from models.
    against = [ranking for ranking in rankings if ranking.column.kind == "metric"]
    others = baselines(gathered)
    above = [r.column.label for r in against if all(r.marks.get(b) == "lower" for b in others)]
    if not others or not running or not against:
        return ""
    every = "every baseline" if len(others) > 1 else f"the baseline {others[0]}"
    if above:
        return f"{running[0]} is above {every} by {join_names(above)}, beyond chance"
    return f"{running[0]} is not shown to be above {every}"


def _shared_clause(gathered: Gathered, standings: Standings) -> str:
    """Say how two systems differ on the articles that both answered, where one did not answer all.

    Neither is ranked then, but by article they compare as any two do.
    """
    compared = standings.comparison
    if len(gathered.runs) != 2 or compared is None or standings.complete is not None:
        return ""
    rows = _telling_differences(gathered, compared)
    n = max((row.n for row in rows), default=0)
    if not n:
        return ""
    one, other = compared.systems
    on = f"On the {amount_text(n, 'article')} that both answered, "
    shown = [row for row in rows if row.difference and row.p_holm <= compared.level]
    labels = {column.key: column.label for column in gathered.columns}
    higher = [labels[row.metric] for row in shown if (row.difference or 0) > 0]
    lower = [labels[row.metric] for row in shown if (row.difference or 0) < 0]
    if shown:
        both = (("higher", higher), ("lower", lower))
        by = [f"{how} by {join_names(scores, NAMED)}" for how, scores in both if scores]
        return f"{on}{other} is significantly {' and '.join(by)} than {one}"
    can_show = _can_show(len(compared.differences), n, compared.level)
    over = "" if can_show else "; so few can show none"
    return f"{on}no significant difference between {one} and {other} by any score{over}"


def _telling_differences(gathered: Gathered, compared: Comparison) -> list[Difference]:
    """Return the differences by scores that judge; by none of the checks where a system copies."""
    copying = set(copying_systems(gathered)) & {*compared.systems}
    told = {c.key for c in gathered.columns if c.judged and not (copying and c.kind == "check")}
    return [row for row in compared.differences if row.metric in told]


def _best(running: Sequence[str], rankings: Sequence[Ranking], uncounted: int) -> str:
    """Say which system is best, or that none is; uncounted: baselines, which do not compete."""
    never_lower = [name for name in running if _never_lower(name, rankings)]
    if len(never_lower) == 1:
        return _one_best(never_lower[0], running, rankings)
    if len(never_lower) > 1:
        rest = len(running) - len(never_lower)
        few = len(never_lower) <= (NAMED if rest else NAMED - 1)
        whom = (
            join_names(never_lower) if few else _counted_systems(len(never_lower), rest, uncounted)
        )
        over = f"; {amount_text(rest, 'other')} {'is' if rest == 1 else 'are'} lower by some score"
        score = _ranking_scores(never_lower, rankings)
        said = f"No significant difference between {whom} by {score}"
        return said + (over if rest else _too_few_clause(rankings))
    parts = [f"{name} by {join_names(by)}" for name, by in _leaders(rankings).items()]
    return f"No system is best by every score: {', '.join(parts)}"


def _counted_systems(n: int, rest: int, uncounted: int) -> str:
    """Return how many systems do not differ, and how many of the table are not among them.

    >>> _counted_systems(7, 0, 2), _counted_systems(5, 1, 0)
    ('the 7 systems (2 baselines are not counted)', '5 systems')
    """
    are = "is" if uncounted == 1 else "are"
    left = f" ({amount_text(uncounted, 'baseline')} {are} not counted)" if uncounted else ""
    return f"{'' if rest else 'the '}{n} systems{left}"


def _too_few_clause(rankings: Sequence[Ranking]) -> str:
    """Return that no difference could be shown, where articles are too few for any p."""
    most = max(ranking.n for ranking in rankings)
    systems = min(sum(m is not None for m in ranking.means.values()) for ranking in rankings)
    if _can_show(math.comb(systems, 2), most, paired.ALPHA):
        return ""
    return f"; {amount_text(most, 'article')} {'is' if most == 1 else 'are'} too few to show one"


def _can_show(tests: int, n: int, level: float) -> bool:
    """Tell whether any p of so many tests of n articles can reach the level.

    The smallest p by randomization is 2 in 2^n, before Holm's adjustment.
    """
    return tests * 2 * 0.5**n <= level


def _ranking_scores(names: Sequence[str], rankings: Sequence[Ranking]) -> str:
    """Say which scores rank some systems: what is copied agrees with the article by itself."""
    copying = [n for n in names if any(ranking.marks.get(n) == "copied" for ranking in rankings)]
    if not copying:
        return "any score"
    copy = "copies" if len(copying) == 1 else "copy"
    return f"any score against references ({join_names(copying, NAMED)} {copy})"


def _leaders(rankings: Sequence[Ranking]) -> dict[str, list[str]]:
    """Return by system the scores in which it has the highest mean."""
    leaders: dict[str, list[str]] = {}
    for ranking in rankings:
        leaders.setdefault(ranking.best, []).append(ranking.column.label)
    return leaders


def _never_lower(name: str, rankings: Sequence[Ranking]) -> bool:
    """Tell whether a system is the best or tied by every score; what it copied tells nothing."""
    marks = [ranking.marks.get(name) for ranking in rankings]
    judged = [mark for mark in marks if mark != "copied"]
    return bool(judged) and all(mark in ("best", "tie") for mark in judged)


def _sure_labels(name: str, running: Sequence[str], rankings: Sequence[Ranking]) -> list[str]:
    """Return the scores by which all others are lower than a system, beyond chance."""
    return [
        ranking.column.label
        for ranking in rankings
        if ranking.marks.get(name) == "best"
        and all(ranking.marks.get(each) in ("lower", None, "") for each in running if each != name)
    ]


def _one_best(name: str, running: Sequence[str], rankings: Sequence[Ranking]) -> str:
    sure = _sure_labels(name, running, rankings)
    every = "every score" if len(rankings) > 1 else rankings[0].column.label
    if len(sure) == len(rankings):
        return f"{name} is best by {every}, beyond chance"
    if sure:
        return f"{name} is best by {join_names(sure)}, beyond chance, and by no score worse"
    return f"{name} is the one system that no score shows to be worse than the best"


def _error_clauses(gathered: Gathered) -> Iterator[str]:
    """Yield how many summaries of the systems have a likely error, by the first check.

    Ranked or not; those that copy are named if they have some, and baselines beside others never.
    """
    finders = error_finders(gathered.runs)
    for label in finders[:1]:
        by = f"by {label}, " if finders[1:] else ""
        found = _counted_errors(gathered, label)
        if found:
            yield f"{by}{_error_clause(found)} a likely error"


def _error_clause(found: Mapping[str, LikelyErrors]) -> str:
    if not any(each.summaries for each in found.values()):
        return "no summary has"
    if len(found) <= _COUNTED:
        return f"{_counts_text(found)} have"
    least, most = _least_and_most(found)
    shares = f"{_percent(found[least])} ({least}) to {_percent(found[most])} ({most})"
    return f"{shares} of the summaries have"


def _counts_text(found: Mapping[str, LikelyErrors]) -> str:
    """Return how many summaries of each system: the number of all once, where it is the same."""
    alike = len({each.of for each in found.values()}) == 1
    said = [
        f"{each.summaries:,}{'' if n and alike else f' of {each.of:,}'}"
        f"{'' if n else ' summaries'} by {name}"
        for n, (name, each) in enumerate(found.items())
    ]
    return join_names(said)


def _least_and_most(found: Mapping[str, LikelyErrors]) -> tuple[str, str]:
    shares = {name: each.summaries / each.of for name, each in found.items()}
    return min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)


def _percent(found: LikelyErrors) -> str:
    return percent_text(found.summaries / found.of)


def _counted_errors(gathered: Gathered, label: str) -> dict[str, LikelyErrors]:
    """Return what a check counted for the systems that write words of their own, ranked or not.

    A model that copies is among them where it has some; a baseline beside models is not.
    """
    named = dict(zip(gathered.names, gathered.runs, strict=True))
    models, copying = systems_of_interest(gathered), copying_systems(gathered)
    own = [name for name in models if name not in copying] or models
    figures = {
        name: run.figures[label].likely_errors
        for name, run in named.items()
        if label in run.figures
    }
    counted = {name: found for name, found in figures.items() if found and found.of}
    return {
        name: found
        for name, found in counted.items()
        if name in own or (name in models and found.summaries)
    }


def _remarks(gathered: Gathered, standings: Standings) -> Iterator[str]:
    """Yield which baselines are higher, and which systems are not ranked."""
    higher: dict[str, list[str]] = {}
    for ranking in standings.every:
        if ranking.column.kind == "metric":
            for name in marked_names(ranking, "higher", baselines(gathered)):
                higher.setdefault(name, []).append(_higher_text(ranking, name))
    for name, by in higher.items():
        yield f"The baseline {name} scores higher than the best by {join_names(by)}."
    partial = incomplete_runs(gathered.runs, gathered.names)
    if partial and len(gathered.runs) > 1:
        named = [f"{name} (answered {share})" for name, share in partial.items()]
        yield f"Not ranked: {join_names(named, NAMED)}."
    if standings.comparison and (note := standings.comparison.equal_note()):
        yield note
    if len(gathered.runs) > 1 and standings.comparison is None:
        yield f"Nothing is compared: {standings.reason}."


def _higher_text(ranking: Ranking, name: str) -> str:
    figures = (scaled_figure(ranking.means[n], ranking.column.key, digits=1)
               for n in (name, ranking.best))  # fmt: skip
    return f"{ranking.column.label} ({' vs '.join(figures)})"


def baselines(gathered: Gathered) -> list[str]:
    """Return the baselines that do not compete."""
    running = competitors(gathered)
    pairs = zip(gathered.names, gathered.roles, strict=True)
    partial = incomplete_runs(gathered.runs, gathered.names)
    return [n for n, role in pairs if role == "baseline" and n not in running and n not in partial]


def marked_names(ranking: Ranking, mark: Mark, among: Sequence[str]) -> list[str]:
    """Return the systems that have a mark by a score."""
    return [name for name in among if ranking.marks.get(name) == mark]


# The three figures.

_BEST, _ERRORS, _ENOUGH = "Best system", "Summaries with a likely error", "Enough articles?"


def _best_figure(gathered: Gathered, standings: Standings) -> KeyFigure:
    running, rankings = competitors(gathered), standings.every
    if len(gathered.runs) == 1:
        return KeyFigure(_BEST, "only one", f"{gathered.names[0]} has no other to compare with.")
    if not rankings:
        return _unranked_figure(gathered, standings)
    if len(running) == 1:
        clause = _best_clause(gathered, standings)
        sure = _sureness(sure="beyond chance" in clause) if clause else None
        alone = "The others do not compete: they copy the article."
        text = f"{clause}." if clause else alone
        return KeyFigure(_BEST, running[0], text, sure)
    return _best_of_several(running, rankings)


def _unranked_figure(gathered: Gathered, standings: Standings) -> KeyFigure:
    """Say why no system is best: too few answered every article, or nothing is to compare by."""
    partial = incomplete_runs(gathered.runs, gathered.names)
    complete = [name for name in gathered.names if name not in partial]
    if standings.comparison is None or len(complete) > 1:
        why = standings.reason or "no score that all systems have"
        return KeyFigure(_BEST, "not compared", f"{why[:1].upper()}{why[1:]}.")
    who = f"Only {complete[0]}" if complete else "No system"
    where = "The differences on those that all answered are under Changes."
    return KeyFigure(_BEST, "not ranked", f"{who} answered every article. {where}")


def _best_of_several(running: Sequence[str], rankings: Sequence[Ranking]) -> KeyFigure:
    never_lower = [name for name in running if _never_lower(name, rankings)]
    if len(never_lower) != 1:
        figure = "no clear best" if never_lower else "depends on the score"
        lead = _lead_text(running, rankings, bool(never_lower))
        return KeyFigure(_BEST, figure, lead, _sureness(sure=False))
    (name,) = never_lower
    labels = _sure_labels(name, running, rankings)
    text = "No score shows it to be worse, and none shows all others to be lower."
    if labels:
        text = f"Beyond chance by {join_names(labels, NAMED)}."
    return KeyFigure(_BEST, name, text, _sureness(sure=bool(labels)))


def _sureness(*, sure: bool) -> tuple[str, Literal["yes", "no"]]:
    return ("sure", "yes") if sure else ("not sure", "no")


def _lead_text(running: Sequence[str], rankings: Sequence[Ranking], tied: bool) -> str:
    """Say who leads by the first score and the next one that another leads by, and how sure."""
    first = {ranking.column.label: ranking for ranking in rankings}
    leaders = list(_leaders(rankings).items())[:2]
    said = [_lead_of(name, running, first[by[0]]) for name, by in leaders]
    more = "; none of this is significant" if tied else ""
    return f"{', '.join(said)}{more}."


def _lead_of(name: str, running: Sequence[str], ranking: Ranking) -> str:
    """Say by what a system leads, and with how many others that have the same mean."""
    label, marks = ranking.column.label, ranking.marks
    beside = [
        each
        for each in running
        if each != name
        and ranking.means.get(each) == ranking.means[name]
        and marks.get(each) != "copied"
    ]
    who = f"{name} and {amount_text(len(beside), 'other')}" if beside else name
    has, is_ = ("have", "are") if beside else ("has", "is")
    fewest = label.startswith("likely errors")
    said = f"{who} {has} the fewest {label}" if fewest else f"{who} {is_} highest by {label}"
    return f"{said} of those that do not copy" if "copied" in marks.values() else said


def _error_figure(gathered: Gathered) -> KeyFigure:
    finders = error_finders(gathered.runs)
    if not finders:
        text = "No check that names likely errors was run; add one, such as lexical."
        return KeyFigure(_ERRORS, "not counted", text)
    found = _counted_errors(gathered, finders[0])
    by = f"Found by the check {finders[0]}, which misses some."
    if not found:
        return KeyFigure(_ERRORS, "not counted", by)
    if not any(each.summaries for each in found.values()):
        n = sum(each.of for each in found.values())
        return KeyFigure(_ERRORS, f"0 of {n:,}", f"None was found by {finders[0]}.")
    if len(found) > _COUNTED:
        least, most = _least_and_most(found)
        found = {name: found[name] for name in dict.fromkeys((least, most))}
        by = f"The fewest and the most found by the check {finders[0]}."
    if len(found) == 1 and len(gathered.runs) == 1:
        by = f"{_percent(found[gathered.names[0]])} of them, found by the check {finders[0]}."
    totals = [(each.summaries, each.of) for each in found.values()]
    figure = f"{sum(k for k, _ in totals):,} of {sum(n for _, n in totals):,}"
    return KeyFigure(_ERRORS, figure, by, counts=tuple(found.items()))


@dataclass(frozen=True)
class _Needed:
    """How many articles would show the difference between two systems by a score.

    difference: as it was measured. different: whether these articles show it already.
    """

    one: str
    other: str
    label: str
    difference: str
    articles: int
    different: bool

    @property
    def is_tiny(self) -> bool:
        """Whether the difference is nothing at the precision that is shown."""
        return self.difference == "0.0"


def _articles_needed(gathered: Gathered, standings: Standings) -> _Needed | None:
    """Return what it takes to tell the best system from the next by the first score that differs.

    By the smallest difference that so many articles show in 80 of 100 samples, which shrinks with
    the root of their number; None where nothing says how articles differ.
    """
    compared = standings.plotted
    running = competitors(gathered)
    for ranking in standings.rankings.values():
        other = _next_best(ranking, running)
        if ranking.best and compared is not None and other is not None:
            runs = [gathered.runs[gathered.names.index(name)] for name in (ranking.best, other)]
            if found := _needed_to_differ(ranking, other, runs, compared.level):
                return found
    return None


def _needed_to_differ(
    ranking: Ranking, other: str, runs: Sequence[Run], level: float
) -> _Needed | None:
    values = _paired_values(runs, ranking)
    differences = values[:, 0] - values[:, 1]
    n = len(differences)
    mean = float(np.mean(differences)) if n else 0.0
    error = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 2 else 0.0
    if not mean or not error:
        return None
    least = paired.smallest_detectable(error, n, level / 2)
    needed = math.ceil(n * (least / abs(mean)) ** 2)
    shown = scaled_figure(abs(mean), ranking.column.key, digits=1)
    different = ranking.marks.get(other) == "lower"
    return _Needed(ranking.best, other, ranking.column.label, shown, needed, different)


def _next_best(ranking: Ranking, running: Sequence[str]) -> str | None:
    means = {
        name: mean
        for name in running
        if name != ranking.best and (mean := ranking.means.get(name)) is not None
        and ranking.marks.get(name) != "copied"
    }  # fmt: skip
    return max(means, key=means.__getitem__, default=None)


def _paired_values(runs: Sequence[Run], ranking: Ranking) -> Values:
    """Return the scores of runs on the articles that all of them share, shape (articles, runs)."""
    values = share(runs).values([ranking.column.measure])[:, 0]
    return values[~np.isnan(values).any(axis=1)]


def _enough_figure(gathered: Gathered, standings: Standings, needed: _Needed | None) -> KeyFigure:
    n = max(run.n for run in gathered.runs)
    articles = amount_text(n, "article")
    if needed is None:
        return _enough_for_share(gathered, articles)
    if needed.different:
        text = (
            f"They show that {needed.one} is higher than {needed.other} "
            f"by {needed.label} ({needed.difference} points)."
        )
        return KeyFigure(_ENOUGH, articles, text, ("enough", "yes"))
    points = "less than 0.1" if needed.is_tiny else f"the {needed.difference}"
    between = f"{needed.label} between {needed.one} and {needed.other}"
    text = f"To show {points} points of {between} takes {_rounded(needed.articles)}."
    return KeyFigure(_ENOUGH, articles, text, ("too few", "no"))


def _rounded(n: int) -> str:
    """Return about which number of articles it is, to two digits, up.

    >>> _rounded(97), _rounded(1234), _rounded(2_000_000)
    ('about 97', 'about 1,300', 'more than 100,000')
    """
    if n > 100_000:
        return "more than 100,000"
    unit = 10 ** max(0, len(str(n)) - 2)
    return f"about {math.ceil(n / unit) * unit:,}"


def _enough_for_share(gathered: Gathered, articles: str) -> KeyFigure:
    """Say how well the share of summaries with a likely error is known."""
    finders = error_finders(gathered.runs)
    found = _counted_errors(gathered, finders[0]) if finders else {}
    if not found:
        return KeyFigure(_ENOUGH, articles, "Nothing was measured that says how many it takes.")
    name = max(found, key=lambda each: found[each].high - found[each].low)
    errors, of = found[name], f" of {name}'s summaries" if len(gathered.runs) > 1 else ""
    text = (
        f"They put the share{of} with a likely error between {errors.low:.0%} and {errors.high:.0%}"
    )
    share = errors.summaries / errors.of
    if max(share - errors.low, errors.high - share) <= _MARGIN:
        return KeyFigure(_ENOUGH, articles, f"{text}.", ("enough", "yes"))
    text += f"; ±10 points takes {_rounded(_needed_for_share(errors))}."
    return KeyFigure(_ENOUGH, articles, text, ("too few", "no"))


def _needed_for_share(errors: LikelyErrors) -> int:
    """Return how many summaries put a share between ends that are `_MARGIN` from it."""
    share = errors.summaries / errors.of
    # Of a share that is 0 or 1 by so few, one summary more or less.
    spread = min(max(share, 1 / errors.of), 1 - 1 / errors.of) if errors.of > 2 else 0.5
    return math.ceil((_NORMAL / _MARGIN) ** 2 * spread * (1 - spread))


# What next.


def _folder(run: Run) -> str:
    """Return the folder of a run below the one that holds `results`, as a command has it."""
    return shlex.quote(f"results/{run.experiment}/{run.name}")


def _next_step(gathered: Gathered, standings: Standings, needed: _Needed | None) -> NextStep | None:
    runs = dict(zip(gathered.names, gathered.runs, strict=True))
    partial = incomplete_runs(gathered.runs, gathered.names)
    if partial:
        return _fill_step(gathered, next(iter(partial)))
    if len(runs) == 1:
        return _next_of_one(gathered.runs[0])
    running = competitors(gathered)
    if len(running) == 1:
        return _next_of_one(runs[running[0]])
    if needed is None:
        first, second = (_folder(run) for run in list(runs.values())[:2])
        return NextStep("See each difference:", f"evalharness compare {first} {second}")
    one, other = (_folder(runs[name]) for name in (needed.one, needed.other))
    if needed.different:
        text = f"Hold the next version against {needed.one}:"
        return NextStep(text, f"evalharness gate {one} CANDIDATE")
    worst = _often_flagged(gathered)
    if worst:
        text = f"Let people confirm what was flagged in {worst}'s summaries:"
        return NextStep(text, f"evalharness annotate {_folder(runs[worst])} --protocol flags")
    if needed.is_tiny:  # people would see no difference either
        text = (
            f"{needed.one} and {needed.other} score alike by {needed.label}; see where they differ:"
        )
        return NextStep(text, f"evalharness compare {one} {other}")
    text = f"No score shows whether {needed.one} or {needed.other} is better; ask people:"
    return NextStep(text, f"evalharness annotate {one} {other} --protocol pairs")


def _often_flagged(gathered: Gathered) -> str:
    """Return the system with the most likely errors, if half of its summaries have one; or ""."""
    finders = error_finders(gathered.runs)
    found = _counted_errors(gathered, finders[0]) if finders else {}
    name = max(found, key=lambda each: found[each].summaries / found[each].of, default="")
    return name if name and 2 * found[name].summaries >= found[name].of else ""


def _fill_step(gathered: Gathered, name: str) -> NextStep:
    """Say how the articles that a system did not answer are filled: in its file, if it has one."""
    place = gathered.names.index(name)
    run, config = gathered.runs[place], gathered.configs[place]
    again = f"evalharness run {_folder(run)}/config.yaml"
    if model_row(run.model_kind).role != "given":
        return NextStep(f"{name} did not answer every article: fill what is missing.", again)
    has_rows = run.model_kind == "given"
    path = _path_in(config.get("data" if has_rows else "model"))
    ids, lack = _missing_answers(run)
    rows = f"row{'s' if len(ids) > 1 else ''} {join_names(ids, NAMED)}"
    have = "have" if len(ids) > 1 else "has"
    by = f" by {name}" if len(gathered.runs) > 1 else ""
    text = (
        f"{rows[:1].upper()}{rows[1:]} of {PurePath(path).name or 'the file'} {have} {lack}{by}: "
        f"fill {'them' if len(ids) > 1 else 'it'} in, and score again."
    )
    if has_rows:
        root = run.folder.parents[2] if len(run.folder.parents) > 2 else run.folder
        at = os.path.relpath(run.folder / path, root) if path else "FILE"
        at = PurePath(at).name if at.startswith("..") else at  # who reads the page may be elsewhere
        again = f"evalharness score {shlex.quote(at)}"
    return NextStep(text, again)


def _path_in(component: Any) -> str:
    """Return the path that a component of a config has; empty where it has none."""
    path = component.get("path") if isinstance(component, dict) else None
    return path if isinstance(path, str) else ""


def _missing_answers(run: Run) -> tuple[list[str], str]:
    """Return the ids of the articles that a run did not answer, and what it has instead."""
    table = run.table(["id", "finish", "defects"]).to_pylist()
    found = {
        row["id"]: "no summary" if row["finish"] == "error" else min(row["defects"])
        for row in table
        if row["finish"] == "error" or {"empty", "refusal"} & {*row["defects"]}
    }
    kinds = {"no summary": "no summary", "empty": "an empty summary", "refusal": "a refusal"}
    what = {kinds.get(why, "no answer") for why in found.values()}
    return list(found), what.pop() if len(what) == 1 else "no answer"


def _next_of_one(run: Run) -> NextStep:
    if _is_small(run) and _articles_with_errors(run):
        text = "Let people confirm what was flagged:"
        return NextStep(text, f"evalharness annotate {_folder(run)} --protocol flags")
    text = "Hold it against another system, or its next version:"
    return NextStep(text, f"evalharness compare {_folder(run)} OTHER")
