"""What a judge prefers of the summaries of runs, pair by pair: asked, and kept in the store.

Each pair is shown in both orders. An answer is found by the texts that were shown, in a ledger that
the judge's signature names: whichever runs have the texts, none is asked for twice. Summaries of
the same words are a tie that nobody is asked about.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from evalharness.config.build import BuiltJudge
from evalharness.config.signature import signature_parts
from evalharness.protocols import PairJudge, Progress, Silence
from evalharness.records import Article, Preference, TwoSummaries, digest, preference_record
from evalharness.stats import preferences as stats
from evalharness.stats.intervals import Values
from evalharness.store.ledger import Ledger, SystemsFile
from evalharness.store.runs import Run
from evalharness.store.samples import SampleReader
from evalharness.store.store import Store, check_length, preference_key

# Pairs whose texts are in memory at a time, and that are stored at a time.
_TOGETHER = 32
# Pairs after which it is thought over again what to ask next.
_ROUND = 32
SAME_WORDS = "both summaries have the same words"

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Written:
    """What is known of a run's summary of an article, but its text.

    text: a digest; words: one of its words alone, whatever is between them. Empty where there is no
    summary. length: in words.
    """

    text: str
    words: str
    length: int


class ComparedTexts:
    """The texts of runs on the articles that they share: digests in memory, texts on disk.

    Within a `with` statement texts can be read.
    """

    def __init__(self, runs: Sequence[Run], rows: Sequence[Rows]) -> None:
        """Read the samples of each run once; rows: of the shared articles, in each run.

        Raises: DataError where a run's texts cannot be read.
        """
        self._runs = runs
        self._rows = [own.tolist() for own in rows]
        self._open: list[SampleReader] = []
        self._files = ExitStack()
        self.articles: list[str] = []
        self.summaries: list[list[Written]] = []
        for run, own in zip(runs, self._rows, strict=True):
            with run.sample_reader() as samples:
                known = [digests_of_sample(samples[row]) for row in own]
            self.summaries.append([written for _, written in known])
            self.articles = [article for article, _ in known]

    def __enter__(self) -> Self:
        self._open = [self._files.enter_context(run.sample_reader()) for run in self._runs]
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @property
    def n(self) -> int:
        """How many articles there are."""
        return len(self.articles)

    @property
    def systems(self) -> list[str]:
        """The systems by the outlines of their summaries, by which they are known again."""
        return [run.outline for run in self._runs]

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of systems, by their numbers."""
        return stats.system_pairs(len(self.summaries))

    @cached_property
    def lengths(self) -> Values:
        """The length of each summary in words, shape (articles, systems)."""
        return np.array([[each.length for each in of] for of in self.summaries], dtype=float).T

    def keys(self, article: int, pair: int) -> tuple[str, str]:
        """Return the keys of both orders: the pair's first system shown first, and second."""
        i, j = self.pairs[pair]
        one, other = self.summaries[i][article].text, self.summaries[j][article].text
        text = self.articles[article]
        return preference_key(text, one, other), preference_key(text, other, one)

    def has_both(self, article: int, pair: int) -> bool:
        """Tell whether both systems have a summary."""
        return all(self.summaries[system][article].text for system in self.pairs[pair])

    def are_same(self, article: int, pair: int) -> bool:
        """Tell whether both summaries have the same words."""
        i, j = self.pairs[pair]
        return self.summaries[i][article].words == self.summaries[j][article].words

    def shown(self, article: int, pair: int) -> tuple[TwoSummaries, TwoSummaries]:
        """Return the texts in both orders, read from disk."""
        i, j = self.pairs[pair]
        samples = [self._open[n][self._rows[n][article]] for n in (i, j)]
        of = Article(samples[0]["id"], samples[0]["article"])
        one, other = (sample["summary"]["text"] for sample in samples)
        return TwoSummaries(of, one, other), TwoSummaries(of, other, one)


def digests_of_sample(sample: Mapping[str, Any]) -> tuple[str, Written]:
    """Return the digest of a sample's article, and what is known of its summary."""
    summary = sample["summary"]
    text = "" if summary["finish"] == "error" else summary["text"]
    words = text.split()
    written = Written(digest(text), digest(words), len(words)) if words else Written("", "", 0)
    return digest(sample["article"]), written


@dataclass
class Asking:
    """What asking came to: pairs that an answer was wanted of, and the questions for them.

    stored: questions that the store had. asked: those that were put. unanswered: those without an
    answer today; the same command asks them again.
    """

    pairs: int = 0
    stored: int = 0
    asked: int = 0
    unanswered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def lacking(self) -> str:
        """Say how many questions have no answer today."""
        return (
            f"{self.unanswered} of {self.asked} questions have no answer for now; "
            "the same command asks them again"
        )


def ask_judges(
    judges: Mapping[str, BuiltJudge],
    runs: Sequence[Run],
    rows: Sequence[Rows],
    store: Store,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Asking]:
    """Ask each judge about the summaries of runs, and return what that came to, by label.

    rows: of the articles that the runs share, in each. Raises: as `ask_judge`.
    """
    with ComparedTexts(runs, rows) as texts:
        return {
            label: ask_judge(
                built.kind,
                built.judge,
                texts,
                store,
                most_pairs=built.pairs,
                seed=seed,
                progress=progress,
            )
            for label, built in judges.items()
        }


def ask_judge(
    name: str,
    judge: PairJudge,
    texts: ComparedTexts,
    store: Store,
    *,
    most_pairs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Asking:
    """Ask a judge about the pairs of summaries, in both orders, and store what it says.

    name: of the component, which its signature begins with. most_pairs: about how many to ask at
    the most; those that say most about which system is better than which, whatever is stored of
    others, so that the same are chosen again. Without it all are asked.

    Raises: HarnessError, and what components raise.
    """
    ledger = store.ledger("preferences", signature_parts(name, judge))
    SystemsFile(ledger.path).add(texts.systems, is_new=not len(ledger))
    asker = _Asker(judge, texts, ledger, progress or Silence())
    every = [(a, m) for a in range(texts.n) for m in range(len(texts.pairs))]
    written = [each for each in every if texts.has_both(*each)]
    asker.progress.start("preferences", min(len(written), most_pairs or len(written)))
    if most_pairs is None:
        asker.ask(written)
    else:
        _ask_by_rounds(asker, most_pairs, seed)
    asker.progress.end()
    return asker.done


def _ask_by_rounds(asker: "_Asker", most_pairs: int, seed: int) -> None:
    """Ask about the pairs that say most, a round at a time; articles come in one random order.

    Ties of the same words, which cost nothing, are met on the way as they come.
    """
    texts = asker.texts
    order = np.random.default_rng(seed).permutation(texts.n).tolist()
    queues = [[a for a in order if texts.has_both(a, m)] for m in range(len(texts.pairs))]
    wins = np.zeros((2, len(texts.pairs)))
    while asker.done.pairs < most_pairs and any(queues):
        known = stats.win_matrix(wins[0], wins[1], len(texts.summaries))
        left = [sum(not texts.are_same(a, m) for a in q) for m, q in enumerate(queues)]
        chosen = stats.next_pairs(known, left, min(_ROUND, most_pairs - asker.done.pairs))
        wanted = [
            (a, m) for m, q in enumerate(queues) for a in _take(q, texts, m, chosen[m], left[m])
        ]
        for (_, m), outcome in zip(wanted, asker.ask(wanted), strict=True):
            if outcome is not None:
                wins[:, m] += outcome, 1


def _take(queue: list[int], texts: ComparedTexts, pair: int, n: int, left: int) -> Iterator[int]:
    """Take articles from a queue until n of those left are to be asked about."""
    last = n == left  # what follows has the same words, and costs nothing
    while queue and (n or last):
        n -= not texts.are_same(queue[0], pair)
        yield queue.pop(0)


class _Asker:
    """A judge behind its ledger."""

    def __init__(
        self, judge: PairJudge, texts: ComparedTexts, ledger: Ledger, progress: Progress
    ) -> None:
        self.judge, self.texts, self.ledger, self.progress = judge, texts, ledger, progress
        self.done = Asking()

    def ask(self, wanted: Sequence[tuple[int, int]]) -> list[float | None]:
        """Return the outcome of articles and pairs, asked for where the ledger lacks it."""
        outcomes: list[float | None] = []
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            self._fill(some)
            outcomes += [self._outcome(*each) for each in some]
            self.progress.advance(len(some))
        return outcomes

    def _fill(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Ask what is lacking, and store what was answered."""
        lacking: dict[str, TwoSummaries] = {}
        for article, pair in wanted:
            if self.texts.are_same(article, pair):
                keys = self.texts.keys(article, pair)
                self._store(dict.fromkeys(keys, Preference(stats.TIE, note=SAME_WORDS)))
            else:
                lacking |= self._lacking(article, pair)
        if lacking:
            answers = self.judge.prefer(list(lacking.values()))
            check_length(type(self.judge).__name__, len(answers), len(lacking))
            self._store(dict(zip(lacking, answers, strict=True)))
            self._count(answers)

    def _lacking(self, article: int, pair: int) -> dict[str, TwoSummaries]:
        """Return the questions of a pair that have no answer, by their keys."""
        keys = self.texts.keys(article, pair)
        missing = [key not in self.ledger for key in keys]
        self.done.pairs += 1
        self.done.stored += missing.count(False)
        if not any(missing):
            return {}
        shown = zip(keys, self.texts.shown(article, pair), missing, strict=True)
        return {key: texts for key, texts, lacks in shown if lacks}

    def _store(self, answers: dict[str, Preference]) -> None:
        fresh = [
            (key, preference_record(answer))
            for key, answer in answers.items()
            if not answer.passing and key not in self.ledger
        ]
        if fresh:
            self.ledger.append(fresh)

    def _count(self, answers: Sequence[Preference]) -> None:
        self.done.asked += len(answers)
        self.done.unanswered += sum(answer.passing for answer in answers)
        self.done.tokens_in += sum(answer.tokens_in or 0 for answer in answers)
        self.done.tokens_out += sum(answer.tokens_out or 0 for answer in answers)

    def _outcome(self, article: int, pair: int) -> float | None:
        """Return 1 where the pair's first is preferred in both orders, 0, or one half."""
        keys = self.texts.keys(article, pair)
        if any(key not in self.ledger for key in keys):
            return None
        one, other = (record["first"] for record in self.ledger.get(keys))
        if one is None or other is None:
            return None
        return float(one) if one == 1 - other else stats.TIE
