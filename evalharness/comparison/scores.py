"""Scores of summaries in memory: `score` for lists and columns, `rouge`, `compute_metrics`.

Each system is a run like any other, so that what these classes tell is what the command line tells.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from evalharness.comparison.comparison import Comparison, compare
from evalharness.config.registry import load_class
from evalharness.display import data_frame
from evalharness.errors import DataError
from evalharness.metrics.rouge import Rouge
from evalharness.records import Article, Flag, Span, Summary, score_of
from evalharness.runner.texts import (
    UNNAMED,
    References,
    Scorers,
    Texts,
    articles_of,
    score_in_memory,
    texts_of_table,
)
from evalharness.stats.intervals import Values
from evalharness.store.runs import Run, html_of_runs, means_in_words


@dataclass(frozen=True)
class FlaggedWords:
    """Words of a summary that a check objects to, with what the article has in their place.

    id: of the article; its place in the lists where no ids were given. evidence: sentences of it.
    """

    id: str
    check: str
    kind: str
    text: str
    message: str
    evidence: tuple[str, ...]
    flag: Flag


class Scores:
    """The scores of one system's summaries, in the order in which they were given."""

    def __init__(self, run: Run) -> None:
        """Take the run that has them."""
        self.run = run

    def __len__(self) -> int:
        return self.run.n

    def __repr__(self) -> str:
        name = "" if self.run.name == UNNAMED else f"{self.run.name}: "
        return f"Scores({name}{self.run.n} summaries{means_in_words(self.run)})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: means with intervals, and the first flagged summaries."""
        return html_of_runs({self.run.name: self.run})

    def __getitem__(self, name: str) -> Values:
        """Return the score of each summary, NaN for a missing one: `scores["rouge1"]`.

        Raises: DataError for a name that none has.
        """
        label, part = self.run.resolve(name)
        values: Values = self.run.values([f"{label}.{part or 'value'}"])[:, 0]
        return values

    @property
    def names(self) -> list[str]:
        """The names of the scores that tables show."""
        return list(self.run.shown)

    @property
    def signature(self) -> dict[str, str]:
        """What made the numbers, a line to quote for each metric and check."""
        return dict(self.run.signatures.metrics)

    def mean(self) -> dict[str, float | None]:
        """Return the mean of each score over its summaries; None where none has one.

        Of BLEU and its kin it is the figure of the whole corpus.
        """
        return {name: self.run.mean(name) for name in self.names}

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the ends of the interval of a mean; None where no summary has this score."""
        figure = self.run.figure(*self.run.resolve(name))
        if figure is None or figure.low is None or figure.high is None:
            return None
        return figure.low, figure.high

    def to_dict(self) -> dict[str, Any]:
        """Return means, intervals, counts, signatures and versions, as `run.json` has them."""
        return self.run.to_dict()

    def to_pandas(self) -> Any:
        """Return a pandas frame: a row a summary, with its texts and scores (`Run.to_pandas`)."""
        return self.run.to_pandas()

    def flags(self) -> list[FlaggedWords]:
        """Return what the checks object to, summary by summary."""
        return [flag for sample in self.run.samples() for flag in _flags_of(sample)]


class Systems(Mapping[str, Scores]):
    """The scores of several systems by name, on the same articles."""

    def __init__(self, systems: Mapping[str, Scores]) -> None:
        """Take each system's scores."""
        self._systems = dict(systems)

    def __getitem__(self, name: str) -> Scores:
        return self._systems[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._systems)

    def __len__(self) -> int:
        return len(self._systems)

    def __repr__(self) -> str:
        return f"Systems({', '.join(self)}: {next(iter(self.values())).run.n} summaries of each)"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a system, and the first flagged summaries."""
        return html_of_runs({name: scores.run for name, scores in self.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return what `Scores.to_dict` has, by system."""
        return {name: scores.to_dict() for name, scores in self.items()}

    def mean(self) -> dict[str, dict[str, float | None]]:
        """Return the means by system."""
        return {name: scores.mean() for name, scores in self.items()}

    def to_pandas(self) -> Any:
        """Return a pandas frame with the rows of all systems; the column `system` names theirs."""
        return data_frame(
            [{"system": name, **row} for name, scores in self.items() for row in scores.run.rows()]
        )

    def compare(self, **options: Any) -> Comparison:
        """Compare the systems, the first as the baseline; options are those of `compare`."""
        return compare(*(scores.run for scores in self.values()), **options)


@overload
def score(  # type: ignore[overload-overlap]  # a mapping is a list of its names, too
    summaries: Mapping[str, Texts],
    references: References | None = None,
    articles: Texts | None = None,
    *,
    metrics: Scorers | None = None,
    checks: Scorers | None = None,
    ids: Iterable[object] | None = None,
    sources: Texts | None = None,
    seed: int = 0,
) -> Systems: ...


@overload
def score(
    summaries: Texts,
    references: References | None = None,
    articles: Texts | None = None,
    *,
    metrics: Scorers | None = None,
    checks: Scorers | None = None,
    ids: Iterable[object] | None = None,
    sources: Texts | None = None,
    seed: int = 0,
) -> Scores: ...


def score(
    summaries: Texts | Mapping[str, Texts],
    references: References | None = None,
    articles: Texts | None = None,
    *,
    metrics: Scorers | None = None,
    checks: Scorers | None = None,
    ids: Iterable[object] | None = None,
    sources: Texts | None = None,
    seed: int = 0,
) -> Scores | Systems:
    """Score summaries that are in memory, of one system or of several by name.

    summaries, references, articles: one for each article, in the same order: lists, arrays, columns
        of a data set or a table, generators. None, or NaN, where there is none; a reference may be
        a list of several. A whole table alone goes by the names of its columns, as files do.
        Files are scored by `score_files`.
    metrics, checks: names, or mappings of name and options, as a config has them. By default
        `rouge` where there are references, `lexical` where there are articles.
    ids: what names the articles; by default their places, from 0. sources: where each is from.
    seed: of the intervals.

    Raises: DataError for texts that cannot be used; ConfigError for scorers that cannot be had.
    """
    if references is None and articles is None and (table := texts_of_table(summaries)):
        scored: Scores | Systems = score(**table, metrics=metrics, checks=checks, seed=seed)
        return scored
    given = summaries if isinstance(summaries, Mapping) else {UNNAMED: summaries}
    if not given:
        raise DataError("summaries: a mapping without a system; give {name: summaries}")
    shared = [
        None if each is None else _once(each) for each in (references, articles, ids, sources)
    ]
    systems = {str(name): articles_of(of_system, *shared) for name, of_system in given.items()}
    runs = score_in_memory(systems, metrics, checks, seed)
    scores = {name: Scores(run) for name, run in zip(systems, runs, strict=True)}
    return Systems(scores) if isinstance(summaries, Mapping) else next(iter(scores.values()))


def _once(values: Any) -> Any:
    """Return a list of what a generator yields, which several systems share."""
    return [*values] if isinstance(values, Iterator) else values


def rouge(summary: str, reference: str | Sequence[str], **options: Any) -> dict[str, float]:
    """Return ROUGE of one summary against one reference or several, by type.

    `rouge1` is the F-measure, beside it stand `rouge1.precision` and `rouge1.recall`.
    options: of the metric `rouge`, such as `stemmer=False`.

    Raises: DataError where there is no score, as for an empty summary.

    >>> round(rouge("The cat sat.", "A cat sat down.", types=("rouge1",))["rouge1"], 3)
    0.571
    """
    references = (reference,) if isinstance(reference, str) else tuple(reference)
    [found] = Rouge(**options).score([(Article("0", "", references), Summary("0", summary))])
    if found.value is None:
        raise DataError(f"rouge: {found.note}")
    return dict(found.parts)


def _flags_of(sample: Mapping[str, Any]) -> Iterator[FlaggedWords]:
    summary, article = sample["summary"]["text"], sample["article"]
    for check, record in sample["scores"].items():
        for flag in score_of(record).flags:
            evidence = tuple(_words(span, article) for span in flag.evidence)
            words = _words(flag.span, summary)
            yield FlaggedWords(sample["id"], check, flag.kind, words, flag.message, evidence, flag)


def _words(span: Span, text: str) -> str:
    return " ".join(span.of(text).split())


# In a training loop.


def compute_metrics(
    tokenizer: Any, metrics: Scorers = ("rouge",), checks: Scorers = ()
) -> Callable[..., dict[str, float]]:
    """Return what a `Seq2SeqTrainer` takes for its `compute_metrics`: token ids in, means out.

    Padding (-100) is left out, special tokens are dropped. An empty summary counts as 0 where a
    metric has the option `empty`, as in the literature; a mapping with options has its own way.
    Without `predict_with_generate` the likeliest token of each place is scored; with
    `batch_eval_metrics` texts are kept until the last batch.

    checks: against the model's inputs, which the trainer hands on with
        `include_for_metrics=["inputs"]`.
    """
    named = [metrics] if isinstance(metrics, str | Mapping) else metrics
    return _TrainerMetrics(tokenizer, [_zero_for_empty(metric) for metric in named], checks)


class _TrainerMetrics:
    """Decodes what a trainer predicted, and scores it when all is there."""

    def __init__(self, tokenizer: Any, metrics: Scorers, checks: Scorers) -> None:
        self.tokenizer, self.metrics, self.checks = tokenizer, metrics, checks
        self._decoded: list[tuple[str, str, str | None]] = []

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Return the mean of each score; nothing while more batches are to come."""
        summaries = self._decode(prediction.predictions)
        references = self._decode(prediction.label_ids)
        articles = self._articles(prediction) if self.checks else [None] * len(summaries)
        self._decoded += zip(summaries, references, articles, strict=True)
        if not compute_result:
            return {}
        columns = [list(column) for column in zip(*self._decoded, strict=True)]
        self._decoded = []
        scores = score(*columns, metrics=self.metrics, checks=self.checks)
        return {
            name: float("nan") if mean is None else mean for name, mean in scores.mean().items()
        }

    def _articles(self, prediction: Any) -> Sequence[str | None]:
        """Return the texts that the model read. Raises: DataError where they are not handed on."""
        if getattr(prediction, "inputs", None) is None:
            raise DataError(
                "checks need the model's inputs: give the training arguments "
                'include_for_metrics=["inputs"]'
            )
        return self._decode(prediction.inputs)

    def _decode(self, ids: Any) -> list[str]:
        """Return the texts of ids, shape (articles, tokens), or of scores of each token."""
        array = ids[0] if isinstance(ids, tuple | list) else ids
        array = np.asarray(array.cpu() if hasattr(array, "cpu") else array)
        array = array.argmax(axis=-1) if array.ndim == 3 else array
        rows = [[token for token in row if token >= 0] for row in array.tolist()]
        texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
        return [text.strip() for text in texts]


def _zero_for_empty(metric: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return a metric that is named alone with 0 for an empty summary, if it has such an option."""
    if not isinstance(metric, str):
        return metric
    options = {field.name for field in dataclasses.fields(load_class("metrics", metric))}
    return {"name": metric, "empty": "zero"} if "empty" in options else metric
