"""What a component must offer: loaders, summarizers, metrics, checks, trackers and executors.

A component is a frozen dataclass. Its fields are its YAML options and make up its signature, which
names its results on disk; a field that cannot change a result (device, batch size, retries) is
declared `field(compare=False)` and stays out of it. `version` rises when its algorithm changes.
A field of type `pathlib.Path` (or `tuple[Path, ...]`), or `Checkpoint`, is resolved relative to the
file that names it. Options are checked before anything heavy is imported, so a component's module
imports torch and its kin inside functions, or from a second module that it imports when it starts
to work. Options that depend on each other are checked in `__post_init__`, which raises ValueError.
"""

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    runtime_checkable,
)

from pydantic import Field

from evalharness.records import (
    Article,
    Begun,
    PartAnswers,
    Preference,
    Rejected,
    Score,
    Summary,
    TwoSummaries,
)

# What of an article a component looks at; `published` is the day on which it appeared, if known.
Need = Literal["article", "references", "title", "summary", "published", "id"]
Pair = tuple[Article, Summary]

HUB = "hub:"
URL = rf"^({HUB}|[A-Za-z][A-Za-z0-9+.:-]+://)"  # and not the C:\ of a drive


class Url(str):
    """Where a file lies, if not on this machine, as fsspec writes it: `s3://bucket/a.jsonl`.

    Or a data set of the hub that is read in place of a file: `hub:owner/name`.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Say to pydantic what text is one."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(pattern=URL)
        )

    @property
    def name(self) -> str:
        """The last part, as of a path; of a data set its own name.

        >>> Url("s3://bucket/news/a.jsonl").name, Url("hub:owner/news:full@v1").name
        ('a.jsonl', 'news')
        """
        path = re.split("[:@]", self[len(HUB) :])[0] if self.is_hub else self.partition("?")[0]
        return path.rstrip("/").rpartition("/")[2]

    @property
    def is_hub(self) -> bool:
        """Whether it names a data set of the hub."""
        return self.startswith(HUB)


def is_url(text: str) -> bool:
    """Tell whether a text says a place that is none of this machine's folders.

    >>> is_url("s3://bucket/a.jsonl"), is_url("C:/a.jsonl"), is_url("simplecache::gs://b/a.jsonl")
    (True, False, True)
    >>> is_url("hub:owner/name")
    True
    """
    return re.match(URL, text) is not None


# A file, a pattern, or a URL.
DataSource = Annotated[Url | Path, Field(union_mode="left_to_right")]

CHECKPOINT = "a folder, or a name on the hub"
Checkpoint = Annotated[str, CHECKPOINT]


def is_checkpoint(hint: Any) -> bool:
    """Tell whether a field of this type names a checkpoint."""
    if get_origin(hint) in (UnionType, Union):
        return any(is_checkpoint(inner) for inner in get_args(hint))
    return get_origin(hint) is Annotated and CHECKPOINT in get_args(hint)[1:]


class Loader(Protocol):
    """Where articles come from."""

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every row once, in order: an article, or why it is none."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A loader that can say beforehand, and quickly, how much is to come."""

    def count(self) -> int:
        """Return about how many rows there are."""
        ...


class Summarizer(Protocol):
    """Writes a summary for each article.

    needs: what of an article it looks at. Two articles alike in that share a stored summary.

    One whose summaries exist already says so: `gives_what_exists: ClassVar[bool] = True`. It works
    in the driver, whatever the executor.
    """

    needs: ClassVar[frozenset[Need]]
    version: ClassVar[int]

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return one summary for each article, in the same order.

        An article that cannot be summarized gives a Summary with finish `error` and a note.
        """
        ...


@runtime_checkable
class Batching(Protocol):
    """A summarizer that wants its articles in batches of its own making."""

    def batches(self, articles: Sequence[Article]) -> list[list[int]]:
        """Split the articles into batches: positions, each once; a pure function of the input."""
        ...


@runtime_checkable
class Gradual(Protocol):
    """A summarizer that takes a while, and gives what it has before it has all."""

    def summarize_some(self, begun: Sequence[Begun]) -> list[Summary | PartAnswers]:
        """Return summaries of the articles that are done next; of each other the new answers.

        An article that it has not come to has none; one prompt at least is answered. Given all
        answers and asked again for the others, in the same order, it goes on as if it had not
        stopped: what it writes of an article does not depend on how often it was asked, or by whom.
        """
        ...


@runtime_checkable
class MemoryBound(Protocol):
    """A summarizer whose batches become smaller where the memory of its device ends.

    That may change the rounding of a result, so that whoever goes on with the work, or shares it,
    must keep to what was learnt first.
    """

    def keep_within(self, limits: Mapping[str, int]) -> None:
        """Keep to what `device_and_limit` returned before, by device."""
        ...

    def device_and_limit(self) -> tuple[str, int | None]:
        """Return the device, and how large a batch may be there; None while all have fitted."""
        ...

    def generation_record(self) -> Mapping[str, Any]:
        """Return on what, in which numbers and in what batches summaries are written."""
        ...


@runtime_checkable
class Identified(Protocol):
    """A component that depends on more than its options: weights, a revision, an outer file."""

    def identity(self) -> Mapping[str, str]:
        """Return what else makes its results, for the signature; quick, and without torch."""
        ...


@runtime_checkable
class Prompted(Protocol):
    """A summarizer with instructions, which a summary should not repeat."""

    def instructions(self) -> tuple[str, ...]:
        """Return the fixed texts of the prompt."""
        ...


class Metric(Protocol):
    """Scores summaries against their references (`metrics`) or their article (`checks`).

    needs: `article`, `references`, `published`: what a score depends on, beside the summary's text.
        Nothing else of the summary may change a score, or stored scores would be wrong.
    range: the least and the greatest value; higher is better, always.
    """

    needs: ClassVar[frozenset[Need]]
    range: ClassVar[tuple[float, float]]
    version: ClassVar[int]

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Return one score for each pair, in the same order; one without a value says why."""
        ...


@runtime_checkable
class MakesSamples(Protocol):
    """Computes nothing: writes what is stored as the files of a run have it.

    That is done soon: it goes to workers that are there, and starts none.
    """

    def make_samples(self, stored: Any) -> list[Any]:
        """Return what the files say of some summaries."""
        ...


@runtime_checkable
class PairJudge(Protocol):
    """A judge that may be asked which of two summaries is the better one.

    compares: whether it is asked that, and scores no summary by itself.
    """

    version: ClassVar[int]

    @property
    def compares(self) -> bool:
        """Whether its options say so."""
        ...

    def prefer(self, shown: Sequence[TwoSummaries]) -> list[Preference]:
        """Return what it says of each two, in the same order, as they are shown."""
        ...


@runtime_checkable
class Banded(Protocol):
    """A check that says where the bands of its scores part; a calibration may know better.

    thresholds: `flagged` below this, `supported` from that upwards; `sentence` if sentences are
        supported from another value on.
    """

    thresholds: ClassVar[Mapping[str, float]]


@runtime_checkable
class FindsErrors(Protocol):
    """A check some of whose flags name a likely error; runs say how many summaries have one."""

    finds_errors: ClassVar[bool]


@runtime_checkable
class Costly(Protocol):
    """A metric whose scores are worth keeping a few at a time: asked of a server, for money.

    together: so many pairs are scored and then stored, which is what a crash may cost.
    """

    together: ClassVar[int]


@dataclass(frozen=True)
class RequestEstimate:
    """About how many requests and tokens something will take, and USD where prices are known.

    tokens_out: as many as answers may have at the most.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None

    def times(self, factor: float) -> "RequestEstimate":
        """Return what so many times as much will take."""
        return RequestEstimate(
            round(self.requests * factor),
            round(self.tokens_in * factor),
            round(self.tokens_out * factor),
            None if self.usd is None else self.usd * factor,
        )

    def __add__(self, other: "RequestEstimate") -> "RequestEstimate":
        costs = [usd for usd in (self.usd, other.usd) if usd is not None]
        return RequestEstimate(
            self.requests + other.requests,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            sum(costs) if costs else None,
        )


@runtime_checkable
class Charging(Protocol):
    """A component that asks servers, or asks questions whose answers are worth keeping."""

    def charge_to(self, account: Any) -> None:
        """Work from now on for a run's account (`endpoint.Account`)."""
        ...

    def estimate(self, article: Article, summary: Summary | None) -> "RequestEstimate":
        """Return what an article will take; summary: None where it is not written yet."""
        ...


@runtime_checkable
class Delegating(Protocol):
    """A metric that can have another package count for it, with the same figures."""

    def counted_by(self) -> str:
        """Return the package and its version; empty where we count ourselves."""
        ...


@runtime_checkable
class CorpusMetric(Protocol):
    """A metric whose figure for a whole corpus is no mean (BLEU): made from summed counts."""

    def corpus(self, counts: Sequence[float]) -> float:
        """Return the corpus-level figure from the sum of all `Score.counts`."""
        ...


@dataclass(frozen=True)
class Tracked:
    """A finished run, as trackers are told of it.

    results: the folder of all runs, below which a tool may keep what it writes.
    folder: the run's own.
    files: those of its files that do not grow with the articles' text. texts: those that do.
    samples: the file of summaries and scores, a JSON line each, with their articles; of a large
        run, whose texts are in columns, its `records.parquet`. read: yields what the lines hold,
        be they lines or columns.
    settings: what a sweep set in this cell.
    record: what its `run.json` holds.
    started: when, as in ISO 8601. scorers: the labels of its metrics and checks.
    parameters: what made it, by name. figures: means with their intervals, and counts, by name.
    """

    experiment: str
    name: str
    results: Path
    folder: Path
    files: tuple[Path, ...]
    samples: Path
    settings: Mapping[str, Any]
    record: Mapping[str, Any] = field(repr=False)
    started: str = ""
    scorers: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    texts: tuple[Path, ...] = ()
    read: Callable[[], Iterator[Mapping[str, Any]]] = field(default=lambda: iter(()), repr=False)


class Tracker(Protocol):
    """An outside tool that is told of each run, as soon as its files are on disk.

    required: whether a run that it could not be told of ends the command with 4.
    """

    version: ClassVar[int]

    @property
    def required(self) -> bool:
        """Whether it must be told."""
        ...

    def ready(self) -> None:
        """Do nothing where the tool is there; asked before any work. Raises: MissingExtra."""
        ...

    def track(self, tracked: Tracked) -> str:
        """Tell the tool of a run, and return where it can be seen. Raises: anything."""
        ...


@dataclass(frozen=True)
class Sent:
    """A component for workers: what a config calls it, and the component itself.

    limits: what one that is MemoryBound has to keep to, by device.
    """

    kind: str
    component: Any
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerationQuery:
    """Given in place of articles to one that is MemoryBound: how does it write summaries?

    The results are the device, how large a batch may be there, and what `generation_record` says.
    """


@dataclass(frozen=True)
class Task:
    """What one worker does at one go.

    batches: the number of a component, and what it is given: articles, or pairs; or a query.
    ticket: what the driver wants to have back with the results; it stays with the driver.
    name: what it is called where no worker comes through it.
    keep: by batch, what whoever does it calls with its results, to put them where results are kept;
        none where the driver alone keeps them, as in a folder.
    """

    batches: Sequence[tuple[int, "Sequence[Any] | GenerationQuery"]]
    ticket: Any = field(default=None, repr=False)
    name: str = "a batch"
    keep: Sequence[Callable[[Sequence[Any]], object] | None] = ()


class Pool(Protocol):
    """Workers that are there for one run.

    size: how many there are at the most.
    """

    size: int

    def map(
        self, components: Sequence[Sent], tasks: Iterable[Task]
    ) -> Generator[tuple[Task, list[list[Any]]]]:
        """Yield each task and its results by batch, in the order in which they come.

        Tasks are taken when a worker is free for them, and no sooner. Raises: what a component
        raised; WorkerDied.
        """
        ...


class Executor(Protocol):
    """Where models and metrics work. It changes no result, and is part of no signature."""

    version: ClassVar[int]

    def pool(self) -> AbstractContextManager[Pool]:
        """Give workers, who are gone afterwards.

        Raises: ExecutorError, MissingExtra, before any work.
        """
        ...

    def refuses(self, component: Any) -> str:
        """Say why a model or metric cannot work there as it is; empty if it can."""
        ...


class Progress(Protocol):
    """Who is told how a run goes on."""

    def start(self, work: str, total: int | None) -> None:
        """A piece of work begins: so many articles are to come, where that is known."""
        ...

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        """So many more articles are done.

        tokens: how many a model wrote for them. left: seconds that the rest will take, where who
        does the work knows better than the number of articles.
        """
        ...

    def end(self) -> None:
        """The piece of work is done."""
        ...


class Silence:
    """Tells nobody."""

    def start(self, work: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
