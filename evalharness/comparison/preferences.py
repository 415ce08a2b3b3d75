"""What judges and people prefer of runs, pair by pair: who wins, how sure, how biased."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.comparison.shared import Shared
from evalharness.config.build import read_judges
from evalharness.config.signature import signature_text
from evalharness.errors import DataError, Exit, HarnessError
from evalharness.loaders import formats
from evalharness.protocols import Progress
from evalharness.records import Vote, digest
from evalharness.runner.preferences import SAME_WORDS, ComparedTexts, ask_judges, digests_of_sample
from evalharness.runner.provenance import provenance
from evalharness.stats import multiplicity, paired, raters
from evalharness.stats import preferences as stats
from evalharness.stats.intervals import Values, none_for_nan
from evalharness.stats.preferences import Effect, PairAnswers, ShareFigure
from evalharness.stats.resampling import column_means
from evalharness.store.ledger import Ledger
from evalharness.store.runs import Run, preference_ledgers, preferences_folder
from evalharness.store.store import Signature, Store, preference_key


@dataclass(frozen=True)
class PreferredSystem:
    """How often a system is preferred to the others.

    rate: mean of its rates against each other one, ties as half; low, high: bootstrap interval over
    articles, as of `strength`, Bradley and Terry's, mean 0. letters: systems that share one do not
    differ significantly. length: mean words. at_equal_length: its rate, were all summaries as long
    as each other. None where that is not defined.
    """

    system: str
    n: int
    rate: float | None
    low: float | None
    high: float | None
    strength: float | None
    strength_low: float | None
    strength_high: float | None
    letters: str
    length: float | None
    at_equal_length: float | None


@dataclass(frozen=True)
class PreferredPair:
    """How often the one of two systems is preferred to the other.

    n: articles with an answer in both orders. disagree: those on which the orders disagree, which
    are ties. rate: wins and half of the ties; low, high: bootstrap interval over articles. p:
    two-sided, by paired randomization; p_holm: over all pairs.
    """

    one: str
    other: str
    n: int
    wins: int
    ties: int
    losses: int
    same: int
    disagree: int
    rate: float | None
    low: float | None
    high: float | None
    p: float
    p_holm: float
    different: bool


@dataclass(frozen=True)
class Preferences:
    """What one judge prefers.

    judge: its short name. answers: to questions, each one order of one pair; out_of_form: of them
    without a preference. disagree: the share of pairs whose orders disagree. first_shown: how often
    the summary shown first is preferred. longer: how often the longer one of two is. position,
    length: log-odds of being first, and of being twice as long, the systems being as good as they
    are. no_strengths: why there are none, else empty.

    people: who voted, where people are the judge. Each answer is then a vote, the majority of those
    on a pair counts, and disagree is the share of pairs with several votes that are not all alike.
    """

    judge: str
    signature: str
    systems: tuple[str, ...]
    articles: int
    standings: tuple[PreferredSystem, ...]
    pairs: tuple[PreferredPair, ...]
    answers: int
    out_of_form: int
    disagree: ShareFigure
    first_shown: ShareFigure
    longer: ShareFigure
    position: Effect | None
    length: Effect | None
    no_strengths: str
    resamples: int
    seed: int
    level: float
    people: tuple[str, ...] = ()

    def standing(self, system: str) -> PreferredSystem:
        """Return the standing of a system."""
        return next(standing for standing in self.standings if standing.system == system)


@dataclass(frozen=True)
class _Chance:
    """How chance is told: as of `compare`."""

    resamples: int
    seed: int
    level: float
    clusters: paired.Clusters | None


@dataclass(frozen=True)
class _Collected:
    """The answers of a judge that concern some runs.

    same: by article and pair, whether both have the same words, so that nobody was asked.
    answers: in both orders, also of these. out_of_form: answers without a preference.
    """

    answers: PairAnswers
    same: npt.NDArray[np.bool_]
    out_of_form: int

    @property
    def is_any(self) -> bool:
        """Whether the judge said anything of these runs."""
        return len(self.answers) > 0 or self.out_of_form > 0


def preferences_of(
    shared: Shared,
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    cluster: str = "",
) -> list[Preferences]:
    """Return what each judge prefers that was asked about these runs; none where none was.

    Raises: DataError where the texts of the runs cannot be read.
    """
    texts, found = _collected_of(shared)
    chance = _Chance(resamples, seed, level, shared.clusters(cluster))
    names = _judge_names([signature for signature, _ in found.values()])
    return [
        _preferences(name, text, collected, texts, shared.names, chance)
        for name, (text, (_, collected)) in zip(names, found.items(), strict=True)
    ]


def ask_about(
    shared: Shared,
    judge: str | Path | Mapping[str, Any],
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Ask a judge about the runs, and store what it says beside the first of them.

    Raises: LackingAnswers where it did not answer all; HarnessError.
    """
    store = Store(preferences_folder(shared.runs[0]).parent, cache(provenance))
    judges = read_judges(judge)
    asked = ask_judges(judges, shared.runs, shared.rows, store, seed, progress)
    lines = [f"{label}: {each.lacking}" for label, each in asked.items() if each.unanswered]
    if lines:
        raise LackingAnswers("\n".join(lines))


class LackingAnswers(HarnessError):
    """A judge did not answer all that it was asked; what it said is stored."""

    exit_code = Exit.INCOMPLETE


def candidate_wins(shared: Shared) -> dict[str, Values]:
    """Return by judge what the second of two runs has of each win, NaN where none was asked."""
    texts, found = _collected_of(shared)
    names = _judge_names([signature for signature, _ in found.values()])
    both = [stats.combine_orders(each.answers, texts.n, 2) for _, each in found.values()]
    return {name: 1 - each.outcomes[:, 0] for name, each in zip(names, both, strict=True)}


def _collected_of(
    shared: Shared,
) -> tuple[ComparedTexts, dict[str, tuple[Signature, _Collected]]]:
    """Return the texts of runs, and what each judge said of them, by its whole signature."""
    texts = ComparedTexts(shared.runs, shared.rows)
    found = {
        text: (signature, _collect(texts, ledgers))
        for text, (signature, ledgers) in _ledgers_by_signature(shared.runs).items()
    }
    known = {text: each for text, each in found.items() if each[1].is_any}
    return texts, known


def _ledgers_by_signature(runs: Sequence[Run]) -> dict[str, tuple[Signature, list[Ledger]]]:
    """Return the ledgers of judges that may have been asked about some runs, by signature."""
    among = preference_ledgers(runs)
    found: dict[str, tuple[Signature, list[Ledger]]] = {}
    for folder in dict.fromkeys(path.parent for path in among):
        for signature, ledger in Store(folder.parent).ledgers("preferences", among):
            found.setdefault(signature_text(signature), (signature, []))[1].append(ledger)
    return found


def _judge_names(signatures: Sequence[Signature]) -> list[str]:
    """Return a short name of each judge: its model, and more where two are alike in that."""
    names = [
        str(signature.get("served") or signature.get("model") or signature["name"])
        for signature in signatures
    ]
    short = [name.rstrip("/").rpartition("/")[2] for name in names]
    return [
        name if short.count(name) == 1 else f"{name}-{digest(signature)[:4]}"
        for name, signature in zip(short, signatures, strict=True)
    ]


def _collect(texts: ComparedTexts, ledgers: Sequence[Ledger]) -> _Collected:
    rows: list[tuple[int, int, int, float, int]] = []
    same = np.zeros((texts.n, len(texts.pairs)), dtype=bool)
    out_of_form = 0
    for (article, pair, order), first in _stored_answers(texts, ledgers):
        same[article, pair] = texts.are_same(article, pair)
        if first is None:
            out_of_form += 1
            continue
        rows.append((article, *texts.pairs[pair], first if order > 0 else 1 - first, order))
    return _Collected(PairAnswers.of_rows(rows), same, out_of_form)


def _stored_answers(
    texts: ComparedTexts, ledgers: Sequence[Ledger]
) -> Iterator[tuple[tuple[int, int, int], float | None]]:
    """Yield article, pair and order of what was answered, and which of those shown is preferred."""
    keys = {
        (article, pair, order): key
        for article, pair in itertools.product(range(texts.n), range(len(texts.pairs)))
        if texts.has_both(article, pair)
        for order, key in zip((1, -1), texts.keys(article, pair), strict=True)
    }
    for ledger in ledgers:
        stored = [question for question, key in keys.items() if key in ledger]
        records = ledger.get([keys.pop(question) for question in stored])
        yield from zip(stored, (record["first"] for record in records), strict=True)


def _preferences(
    name: str,
    signature: str,
    collected: _Collected,
    texts: ComparedTexts,
    systems: Sequence[str],
    chance: _Chance,
    people: Sequence[str] = (),
) -> Preferences:
    combine = stats.combine_votes if people else stats.combine_orders
    both = combine(collected.answers, texts.n, len(systems))
    judged = _without_same(collected, len(systems))
    biases = stats.fit_biases(judged, texts.lengths)
    pairs = list(_pairs(both, collected.same, systems, chance))
    wins = _count_wins(both.outcomes, len(systems))
    return Preferences(
        judge=name,
        signature=signature,
        systems=tuple(systems),
        articles=texts.n,
        standings=tuple(_standings(both.outcomes, wins, pairs, texts, systems, biases, chance)),
        pairs=tuple(pairs),
        answers=len(judged) + collected.out_of_form,
        out_of_form=collected.out_of_form,
        **_shares(both, judged, collected, texts, chance),
        position=biases.position,
        length=biases.length,
        no_strengths=_why_no_strengths(wins, systems),
        resamples=chance.resamples,
        seed=chance.seed,
        level=chance.level,
        people=tuple(people),
    )


def _shares(
    both: stats.BothOrders,
    judged: PairAnswers,
    collected: _Collected,
    texts: ComparedTexts,
    chance: _Chance,
) -> dict[str, ShareFigure]:
    """Return how often the orders disagree, and the first one and the longer one is preferred."""
    first = np.where(judged.order > 0, judged.outcome, 1 - judged.outcome)
    disagree, outcomes = (np.where(collected.same, np.nan, each) for each in both[::-1])
    return {
        "disagree": _share_of_pairs(disagree, chance),
        "first_shown": _share(first, judged.article, chance),
        "longer": _share_of_longer(outcomes, texts, chance),
    }


def _without_same(collected: _Collected, n_systems: int) -> PairAnswers:
    """Return the answers of the judge itself: not the ties of the same words."""
    number = {pair: m for m, pair in enumerate(stats.system_pairs(n_systems))}
    given = collected.answers
    pairs = [number[pair] for pair in zip(given.one.tolist(), given.other.tolist(), strict=True)]
    return given.where(~collected.same[given.article, np.array(pairs, dtype=np.intp)])


def _count_wins(outcomes: Values, n_systems: int) -> Values:
    known = ~np.isnan(outcomes)
    return stats.win_matrix(np.nansum(outcomes, axis=0), known.sum(axis=0) * 1.0, n_systems)


def _share(values: Values, articles: stats.Places, chance: _Chance) -> ShareFigure:
    return stats.share_of(values, articles, chance.seed, chance.resamples)


def _share_of_pairs(values: Values, chance: _Chance) -> ShareFigure:
    """Return the mean of values of articles and pairs, shape (articles, pairs)."""
    articles = np.repeat(np.arange(len(values)), values.shape[1])
    return _share(values.reshape(-1), articles, chance)


def _share_of_longer(outcomes: Values, texts: ComparedTexts, chance: _Chance) -> ShareFigure:
    one, other = (texts.lengths[:, [pair[n] for pair in texts.pairs]] for n in (0, 1))
    longer = np.where(one > other, outcomes, 1 - outcomes)
    return _share_of_pairs(np.where(one == other, np.nan, longer), chance)


def _pairs(
    both: stats.BothOrders,
    same: npt.NDArray[np.bool_],
    systems: Sequence[str],
    chance: _Chance,
) -> Iterator[PreferredPair]:
    outcomes, how = both.outcomes, (chance.seed, chance.resamples, chance.clusters)
    p_values = stats.pair_tests(outcomes, *how).tolist()
    p_holm = multiplicity.holm(p_values)
    drawn = paired.bootstrap_differences(outcomes, how[0], how[1], clusters=how[2])
    low, high = paired.percentile_interval(drawn, chance.level)
    rates = column_means(outcomes)
    for m, (i, j) in enumerate(stats.system_pairs(len(systems))):
        column = outcomes[:, m]
        yield PreferredPair(
            one=systems[i],
            other=systems[j],
            n=int((~np.isnan(column)).sum()),
            wins=int((column == 1).sum()),
            ties=int((column == stats.TIE).sum()),
            losses=int((column == 0).sum()),
            same=int(same[~np.isnan(column), m].sum()),
            disagree=int(np.nansum(both.disagree[:, m])),
            rate=none_for_nan(rates[m]),
            low=none_for_nan(low[m]),
            high=none_for_nan(high[m]),
            p=p_values[m],
            p_holm=p_holm[m],
            different=p_holm[m] <= chance.level,
        )


def _standings(
    outcomes: Values,
    wins: Values,
    pairs: Sequence[PreferredPair],
    texts: ComparedTexts,
    systems: Sequence[str],
    biases: stats.Biases,
    chance: _Chance,
) -> Iterator[PreferredSystem]:
    columns = _columns_of_standings(outcomes, wins, chance)
    k, letters = len(systems), _letters(columns["rate"], pairs, systems)
    lengths = np.where(texts.lengths > 0, texts.lengths, np.nan)
    columns["length"] = column_means(lengths)
    alike = stats.rates_of(biases.strengths) if biases.strengths else np.full(k, np.nan)
    columns["at_equal_length"] = alike
    for i, system in enumerate(systems):
        n = sum(pair.n for pair in pairs if system in (pair.one, pair.other))
        figures = {name: none_for_nan(column[i]) for name, column in columns.items()}
        yield PreferredSystem(system=system, n=n, letters=letters[i], **figures)


def _columns_of_standings(outcomes: Values, wins: Values, chance: _Chance) -> dict[str, Values]:
    """Return rates and strengths with the ends of their intervals, each of shape (systems,)."""
    k = len(wins)
    drawn = stats.resample_wins(outcomes, k, chance.seed, chance.resamples, chance.clusters)
    low, high = paired.percentile_interval(stats.win_rates(drawn.wins), chance.level)
    strengths = stats.strengths(wins)
    weak, strong = np.full((2, k), np.nan)
    if not np.isnan(strengths).any():
        weak, strong = paired.percentile_interval(drawn.strengths(), chance.level)
    return {
        "rate": stats.win_rates(wins),
        "low": low,
        "high": high,
        "strength": strengths,
        "strength_low": weak,
        "strength_high": strong,
    }


def _letters(rates: Values, pairs: Sequence[PreferredPair], systems: Sequence[str]) -> list[str]:
    order = sorted(range(len(systems)), key=lambda i: (-np.nan_to_num(rates[i], nan=-1.0), i))
    place = {systems[i]: rank for rank, i in enumerate(order)}
    different = [tuple(sorted((place[p.one], place[p.other]))) for p in pairs if p.different]
    by_rank = multiplicity.letters(len(systems), {(a, b) for a, b in different})
    return [by_rank[place[system]] for system in systems]


def _why_no_strengths(wins: Values, systems: Sequence[str]) -> str:
    """Say why no finite strengths fit; empty where some do."""
    groups = stats.compared_groups(wins)
    if len(groups) > 1:
        one, other = (", ".join(systems[i] for i in group) for group in groups[:2])
        return f"no strengths: {one} and {other} were never compared, nor through others"
    ranked = stats.never_beaten(wins)
    if len(ranked) > 1:
        best = ", ".join(systems[i] for i in ranked[0])
        rest = ", ".join(systems[i] for group in ranked[1:] for i in group)
        return f"no strengths: {best} never lost to {rest}, and so has no finite one"
    return ""


# People's votes.

PEOPLE = "people"
_TEXTS = ("article_id", "source", "system_a", "system_b", "annotator")


def read_votes(paths: Sequence[str | Path]) -> list[Vote]:
    """Return the votes in files, as `annotate --read` writes them.

    Raises: DataError for a file that cannot be read, or a row that is none.
    """
    votes: list[Vote] = []
    for path in map(Path, paths):
        formats.first_bytes(path)  # refuses what is no file, or empty
        with formats.name_in_errors(path), path.open("rb") as stream:
            rows = list(formats.json_lines(stream))
        votes += [_vote(f"{path}:{n}", row) for n, row in rows]
    return votes


def _vote(where: str, row: Any) -> Vote:
    if not _is_vote(row):
        raise DataError(
            f"{where}: not a vote as `annotate --read` writes it: labels.pairs.jsonl has votes"
        )
    return Vote(
        **{name: row[name] for name in _TEXTS},
        outcome=float(row["outcome"]),
        order=int(row["order"]),
        reason=str(row.get("reason") or ""),
    )


def _is_vote(row: Any) -> bool:
    if not isinstance(row, Mapping) or not all(isinstance(row.get(name), str) for name in _TEXTS):
        return False
    numbers = (row.get("outcome"), row.get("order"))
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return False
    is_known = numbers[0] in (0, 0.5, 1) and numbers[1] in (1, -1)
    return is_known and row["system_a"] != row["system_b"]


@dataclass(frozen=True)
class JudgeAgreement:
    """How well a judge agrees with the majority of people, over articles and pairs of systems.

    n: on how many both have said something. same: the share on which they say the same: the one,
    the other, or a tie. decided: the share of those on which neither has a tie. kappa: Cohen's, of
    the three answers, with a jackknife interval over articles. None where it is not defined.
    """

    judge: str
    n: int
    same: ShareFigure
    decided: ShareFigure
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


def people_preferences(
    shared: Shared,
    votes: Sequence[Vote],
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    cluster: str = "",
) -> Preferences:
    """Return what people prefer, by the statistics that judges' answers get.

    Raises: DataError where no vote is of these runs.
    """
    answers, people = _answers_of_votes(shared, votes)
    chance = _Chance(resamples, seed, level, shared.clusters(cluster))
    texts = ComparedTexts(shared.runs, shared.rows)
    left = len(votes) - len(answers)
    said = ", ".join(people) + (f"; {left} votes are of other systems or articles" if left else "")
    collected = _Collected(answers, np.zeros((texts.n, len(texts.pairs)), dtype=bool), 0)
    return _preferences(PEOPLE, said, collected, texts, shared.names, chance, people)


def _answers_of_votes(shared: Shared, votes: Sequence[Vote]) -> tuple[PairAnswers, list[str]]:
    """Return the votes on these runs' summaries of the articles they share, and who voted."""
    ids = shared.runs[0].table(["id"]).column(0).to_pylist()
    article = {ids[row]: n for n, row in enumerate(shared.rows[0].tolist())}
    system = {name: n for n, name in enumerate(shared.names)}
    own = [
        vote
        for vote in votes
        if vote.article_id in article and {vote.system_a, vote.system_b} <= set(system)
    ]
    if not own:
        known = ", ".join(sorted({name for v in votes for name in (v.system_a, v.system_b)}))
        raise DataError(
            f"none of {len(votes)} votes is of these systems and articles: they name {known}; "
            f"the systems here are {', '.join(shared.names)}"
        )
    rows = [(article[vote.article_id], *_ordered_vote(vote, system)) for vote in own]
    return PairAnswers.of_rows(rows), sorted({vote.annotator for vote in own})


def _ordered_vote(vote: Vote, number: Mapping[str, int]) -> tuple[int, int, float, int]:
    """Return both systems, the lower number first, with outcome and order of the first."""
    one, other = number[vote.system_a], number[vote.system_b]
    if one < other:
        return one, other, vote.outcome, vote.order
    return other, one, 1 - vote.outcome, -vote.order


def agreement_with_people(
    shared: Shared, votes: Sequence[Vote], seed: int = 0, resamples: int = paired.RESAMPLES
) -> list[JudgeAgreement]:
    """Return how well each judge that was asked about these runs agrees with people."""
    answers, _ = _answers_of_votes(shared, votes)
    texts, found = _collected_of(shared)
    k = len(shared.names)
    theirs = stats.combine_votes(answers, texts.n, k).outcomes
    names = _judge_names([signature for signature, _ in found.values()])
    outcomes = [
        np.where(each.same, np.nan, stats.combine_orders(each.answers, texts.n, k).outcomes)
        for _, each in found.values()
    ]
    return [
        _agreement(name, ours, theirs, seed, resamples)
        for name, ours in zip(names, outcomes, strict=True)
    ]


def _agreement(
    judge: str, ours: Values, theirs: Values, seed: int, resamples: int
) -> JudgeAgreement:
    at, pair = np.nonzero(~np.isnan(ours) & ~np.isnan(theirs))
    both = np.stack([ours[at, pair], theirs[at, pair]], axis=1)
    same = (both[:, 0] == both[:, 1]).astype(np.float64)
    decided = np.where((both == stats.TIE).any(axis=1), np.nan, same)
    articles = [str(n) for n in at]
    kappa = raters.with_intervals(raters.mean_cohen_kappa, both, articles, (-1.0, 1.0))
    return JudgeAgreement(
        judge,
        len(at),
        stats.share_of(same, at, seed, resamples),
        stats.share_of(decided, at, seed, resamples),
        *(none_for_nan(value) for value in (kappa.value, kappa.low, kappa.high)),
    )


# One article.


@dataclass(frozen=True)
class ArticlePreference:
    """What a judge prefers of two systems' summaries of one article.

    preferred: the better one; empty for a tie. why_tie: the judge says so, the orders disagree, or
    both have the same words.
    """

    judge: str
    one: str
    other: str
    preferred: str
    why_tie: str = ""

    def __str__(self) -> str:
        if not self.preferred:
            return f"{self.one} and {self.other}: a tie ({self.why_tie})"
        return f"{self.preferred} over {self.other if self.preferred == self.one else self.one}"


def preferences_on(
    samples: Mapping[str, Mapping[str, Any]], runs: Sequence[Run]
) -> list[ArticlePreference]:
    """Return what judges prefer of the samples of one article, by system."""
    found = _ledgers_by_signature(runs)
    names = _judge_names([signature for signature, _ in found.values()])
    return [
        preference
        for name, (_, ledgers) in zip(names, found.values(), strict=True)
        for one, other in itertools.combinations(samples, 2)
        if (preference := _preference_on(name, ledgers, one, other, samples)) is not None
    ]


def _preference_on(
    judge: str,
    ledgers: Sequence[Ledger],
    one: str,
    other: str,
    samples: Mapping[str, Mapping[str, Any]],
) -> ArticlePreference | None:
    article, ours = digests_of_sample(samples[one])
    _, theirs = digests_of_sample(samples[other])
    first = _stored(ledgers, preference_key(article, ours.text, theirs.text))
    second = _stored(ledgers, preference_key(article, theirs.text, ours.text))
    if first is None or second is None:
        return None
    why = SAME_WORDS if ours.words == theirs.words else ""
    why = why or ("the orders disagree" if first != 1 - second else "as good")
    preferred = {1.0: one, 0.0: other}.get(first, "") if why == "as good" else ""
    return ArticlePreference(judge, one, other, preferred, "" if preferred else why)


def _stored(ledgers: Sequence[Ledger], key: str) -> float | None:
    """Return which is preferred of those shown; None where no ledger has an answer that says it."""
    ledger = next((ledger for ledger in ledgers if key in ledger), None)
    first: float | None = None if ledger is None else ledger.get([key])[0]["first"]
    return first


# In words.


def preference_sentence(found: Preferences) -> str:
    """Return what was found as a sentence for a paper."""
    best, *others = sorted(found.standings, key=lambda standing: -(standing.rate or 0.0))
    if best.rate is None or best.low is None or best.high is None:
        return f"{found.judge} gave no pair of summaries an answer in both orders."
    rate = f"{best.rate:.1%} of the comparisons"
    interval = f"{1 - found.level:.0%} interval {best.low:.1%} to {best.high:.1%}"
    how = f"judged by {_judge_words(found)}, ties as half"
    if len(others) == 1:
        names = best.system, others[0].system
        return _sentence_of_two(*names, rate, f"{interval}, {{}}; {how}", found.pairs[0])
    return (
        f"Of {len(found.standings)} systems, {best.system} was preferred most, in {rate} "
        f"({interval}; {found.articles} articles; {how}), {_lead(best, found)} (paired "
        "randomization, Holm)."
    )


def _judge_words(found: Preferences) -> str:
    if not found.people:
        return f"{found.judge} in both orders"
    n = len(found.people)
    return f"{n} people by majority" if n > 1 else "one person"


def _sentence_of_two(best: str, other: str, rate: str, beside: str, pair: PreferredPair) -> str:
    p = "p < 0.001" if pair.p < 0.001 else f"p = {pair.p:.3f}"
    test = f"{p} by paired randomization over {pair.n} articles"
    said = f"{rate} ({beside.format(test)})"
    if pair.different:
        return f"{best} was preferred to {other} in {said}."
    return f"No significant preference between {best} and {other}: {best} was preferred in {said}."


def _lead(best: PreferredSystem, found: Preferences) -> str:
    """Return which systems the best one is preferred to beyond chance."""
    beaten = [
        pair.other if pair.one == best.system else pair.one
        for pair in found.pairs
        if pair.different and best.system in (pair.one, pair.other)
    ]
    if beaten:
        return f"significantly more often than {', '.join(beaten)}"
    return "though not significantly more often than any other"
