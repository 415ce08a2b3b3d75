"""What is compared: the articles that runs share, measures, and which runs are one system."""

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.config.registry import scorer_row
from evalharness.config.yaml import nearest
from evalharness.errors import HarnessError
from evalharness.records import canonical
from evalharness.stats import blockwise
from evalharness.stats.intervals import Values
from evalharness.stats.paired import Clusters
from evalharness.store.runs import Run, unique_names

RowIndices = npt.NDArray[np.intp]


class Incomparable(HarnessError):
    """Runs that cannot be compared: their data or their metrics are not the same."""


@dataclass(frozen=True)
class Measure:
    """A column of scores: a metric's value or one of its parts.

    name: what tables and rules call it: `rouge.rouge1`, and `numbers` for a value.
    """

    metric: str
    part: str = "value"

    @property
    def name(self) -> str:
        """The metric, and the part if it is one."""
        return self.metric if self.part == "value" else f"{self.metric}.{self.part}"

    @property
    def column(self) -> str:
        """The column in the table."""
        return f"{self.metric}.{self.part}"


@dataclass(frozen=True)
class Shared:
    """Runs with the rows of the articles that all of them have, in the first one's order."""

    runs: tuple[Run, ...]
    rows: tuple[RowIndices, ...] = field(repr=False)
    given_names: tuple[str, ...] = ()

    @cached_property
    def names(self) -> list[str]:
        """A name for each run, all different."""
        return list(self.given_names) or unique_names(self.runs)

    @property
    def n(self) -> int:
        """How many articles all runs have."""
        return len(self.rows[0])

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many articles of each run are not in all others; runs without any are not named."""
        counted = {name: run.n - self.n for name, run in zip(self.names, self.runs, strict=True)}
        return {name: n for name, n in counted.items() if n}

    def values(self, measures: Sequence[Measure]) -> Values:
        """Return the scores, NaN for a missing one, shape (articles, measures, runs)."""
        columns = [measure.column for measure in measures]
        found = [run.values(columns)[rows] for run, rows in zip(self.runs, self.rows, strict=True)]
        return np.stack(found, axis=-1)

    def value_blocks(self, measures: Sequence[Measure], rows: int) -> Iterator[Values]:
        """Yield what `values` returns, so many articles after the other."""
        columns = [measure.column for measure in measures]
        sides = [
            _in_blocks(_rows_in_order(run, columns, kept), rows)
            for run, kept in zip(self.runs, self.rows, strict=True)
        ]
        for parts in zip(*sides, strict=True):
            yield np.stack(parts, axis=-1)

    def clusters(self, name: str) -> Clusters | None:
        """Return the number of each article's cluster, from 0: those alike in a field of theirs.

        name: `source`, or a field of `extra`; without one there are no clusters. An article that
        lacks the field is a cluster of its own.

        Raises: Incomparable where no article has it.
        """
        if not name:
            return None
        known: dict[str, int] = {}
        fields = _article_field(self.runs[0], name)
        every = np.fromiter(
            (
                -1 if each in (None, "") else known.setdefault(str(each), len(known))
                for each in fields
            ),
            np.intp,
        )
        if len(every) != self.runs[0].n:
            held = f"{len(every)} samples of {self.runs[0].n} articles"
            raise Incomparable(f"{self.runs[0].samples_file}: cluster: has {held}")
        found = every[self.rows[0]]
        alone = found < 0
        if alone.all():
            raise Incomparable(f"{self.runs[0].folder}: cluster: no article has a field {name!r}")
        found[alone] = len(known) + np.arange(alone.sum())
        # Numbered as they come, whatever other articles the run has.
        _, first, numbers = np.unique(found, return_index=True, return_inverse=True)
        order = np.empty(len(first), np.intp)
        order[np.argsort(first)] = np.arange(len(first))
        return order[numbers]


def _rows_in_order(run: Run, columns: Sequence[str], kept: RowIndices) -> Iterator[Values]:
    """Yield the scores of some rows of a run in blocks, in their order, be it the run's or not."""
    if (kept[1:] <= kept[:-1]).any():
        every, start = np.empty((run.n, len(columns))), 0
        for block in run.value_blocks(columns, blockwise.BLOCK_ARTICLES):
            every[start : start + len(block)] = block
            start += len(block)
        for start in range(0, len(kept), blockwise.BLOCK_ARTICLES):
            yield every[kept[start : start + blockwise.BLOCK_ARTICLES]]
        return
    start = 0
    for block in run.value_blocks(columns, blockwise.BLOCK_ARTICLES):
        end = start + len(block)
        first, last = np.searchsorted(kept, [start, end])
        yield block if last - first == len(block) else block[kept[first:last] - start]
        start = end


def _in_blocks(parts: Iterable[Values], rows: int) -> Iterator[Values]:
    """Yield the same rows cut anew: so many in each block, and what is left in the last."""
    held: list[Values] = []
    for part in parts:
        held.append(part)
        while sum(map(len, held)) >= rows:
            whole = held[0] if len(held) == 1 else np.concatenate(held)
            yield whole[:rows]
            held = [whole[rows:]]
    if sum(map(len, held)):
        yield np.concatenate(held)


def _article_field(run: Run, name: str) -> Iterator[Any]:
    """Yield a field of each article of a run: its source, or one of those of its loader."""
    if name == "source":
        for block in run.blocks([name], blockwise.BLOCK_ARTICLES):
            yield from block.column(0).to_pylist()
        return
    try:
        for sample in run.samples():
            yield sample["extra"].get(name)
    except (OSError, ValueError, KeyError) as error:
        raise Incomparable(f"{run.samples_file}: cluster: cannot be read ({error})") from None


def share(runs: Sequence[Run]) -> Shared:
    """Return runs with the rows that they share: alike in id, article and references.

    Raises: Incomparable where an id stands twice, or for another text, or nothing is shared.
    """
    first = runs[0].fingerprint
    if all(run.fingerprint == first for run in runs):
        return Shared(tuple(runs), (np.arange(runs[0].n),) * len(runs))
    if not all(run.n for run in runs):
        raise Incomparable(_nothing_shared(runs))
    contents = [_read_contents(run) for run in runs]
    for run, content in zip(runs[1:], contents[1:], strict=True):
        _check_alike(runs[0], contents[0], run, content)
    ids = contents[0].ids
    found = [content.rows_of(ids) for content in contents]
    common = np.flatnonzero(np.min(found, axis=0) >= 0)
    if not len(common):
        raise Incomparable(_nothing_shared(runs))
    return Shared(tuple(runs), tuple(rows[common] for rows in found))


def _nothing_shared(runs: Sequence[Run]) -> str:
    others = f"{runs[0].folder} and {runs[1].folder}"
    return f"{others}: no article stands in both: they share no id"


@dataclass(frozen=True)
class _Contents:
    """What names the articles of a run and their content, in digests of a fixed width.

    order: the rows by the digests of their ids.
    """

    ids: npt.NDArray[np.bytes_]
    texts: tuple[npt.NDArray[np.bytes_], npt.NDArray[np.bytes_]]
    order: RowIndices

    def rows_of(self, ids: npt.NDArray[np.bytes_]) -> RowIndices:
        """Return the row of each id, -1 where there is none."""
        places = np.searchsorted(self.ids, ids, sorter=self.order)
        rows = self.order[np.minimum(places, len(self.order) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1)


def _read_contents(run: Run) -> _Contents:
    """Return what names the articles of a run. Raises: Incomparable where an id stands twice."""
    ids = np.empty(run.n, "S16")
    articles, references = (np.empty(run.n, "S8") for _ in range(2))
    start = 0
    for block in run.blocks(["id", "article", "references"], blockwise.BLOCK_ARTICLES):
        end = start + len(block)
        for found, name in ((ids, "id"), (articles, "article"), (references, "references")):
            found[start:end] = _digests(block.column(name).to_pylist(), found.itemsize)
        start = end
    order = np.argsort(ids)
    if (ids[order[1:]] == ids[order[:-1]]).any():
        everything = run.table(["id"]).column(0).to_pylist()
        twice = Counter(everything).most_common(1)[0][0]
        raise Incomparable(f"{run.folder}: the id {twice!r} stands twice; ids must be different")
    return _Contents(ids, (articles, references), order)


def _digests(texts: Sequence[Any], size: int) -> npt.NDArray[np.bytes_]:
    """Return a digest of each text, of so many bytes."""
    encoded = (str(text).encode() for text in texts)
    # A letter at the end, as numpy takes zeros there for padding.
    digests = [hashlib.blake2b(text, digest_size=size - 1).digest() + b"." for text in encoded]
    return np.array(digests, f"S{size}")


def _check_alike(first: Run, ours: _Contents, other: Run, theirs: _Contents) -> None:
    rows = ours.rows_of(theirs.ids)
    for n, what in enumerate(("another article", "other references")):
        differs = (rows >= 0) & (ours.texts[n][rows] != theirs.texts[n])
        unlike = np.flatnonzero(differs).tolist()
        if unlike:
            example = other.table(["id"]).column(0)[unlike[0]].as_py()
            many = f" ({len(unlike)} such ids)" if len(unlike) > 1 else ""
            raise Incomparable(
                f"{first.folder} and {other.folder}: the id {example!r} has {what} in the "
                f"second{many}; compare runs on the same data"
            )


@dataclass(frozen=True)
class Chosen:
    """What is compared, and what is not, with the reason."""

    measures: tuple[Measure, ...]
    left_out: Mapping[str, str]


def choose_measures(runs: Sequence[Run], wanted: Sequence[str] = ()) -> Chosen:
    """Return the measures to compare: those wanted, or what tables show and all runs have.

    wanted: names of metrics, or of parts (`rouge.rouge1`). A metric's name stands for the parts
    that tables show.

    Raises: Incomparable for one that a run lacks, or that was made with other settings.
    """
    everywhere = [name for name in runs[0].figures if all(name in run.figures for run in runs)]
    left_out = {
        name: f"not in {run.folder}"
        for other in runs
        for name in other.figures
        for run in runs
        if name not in run.figures
    }
    found: list[Measure] = []
    for name in wanted or everywhere:
        found += _measures(runs, name)
    for metric in dict.fromkeys(measure.metric for measure in found):
        _check_signatures(runs, metric)
    if not found:
        raise Incomparable(f"{runs[0].folder} and {runs[1].folder}: no metric stands in both")
    for measure in found:
        if runs[0].figures[measure.metric].is_corpus:
            left_out[f"{measure.metric} of the whole corpus"] = (
                "it is no mean over articles; compared is the mean over articles"
            )
    return Chosen(tuple(dict.fromkeys(found)), {} if wanted else left_out)


def _measures(runs: Sequence[Run], name: str) -> list[Measure]:
    for run in runs:
        metric, part = _split(name, run)
        if not metric:
            known = list(run.figures)
            raise Incomparable(f"{run.folder}: no metric {name!r}{nearest(name, known)}")
        if part and f"{metric}.{part}" not in run.columns:
            parts = list(run.figures[metric].parts)
            raise Incomparable(f"{run.folder}: {metric} has no part {part!r}{nearest(part, parts)}")
    if part:
        return [Measure(metric, part)]
    shown = [
        part
        for part in scorer_row(runs[0].kind(metric)).shown
        if all(f"{metric}.{part}" in run.columns for run in runs)
    ]
    return [Measure(metric, part) for part in shown or ["value"]]


def _split(name: str, run: Run) -> tuple[str, str]:
    """Return the metric and the part of a name; both may have dots, and the longest metric wins."""
    metrics = [each for each in run.figures if f"{name}.".startswith(f"{each}.")]
    metric = max(metrics, key=len, default="")
    if not metric:  # a part alone, where one metric has it: rouge1
        having = [each for each in run.figures if f"{each}.{name}" in run.columns]
        return (having[0], name) if len(having) == 1 else ("", "")
    return metric, name[len(metric) + 1 :]


def _check_signatures(runs: Sequence[Run], metric: str) -> None:
    first = runs[0].signatures.metrics.get(metric)
    for run in runs[1:]:
        other = run.signatures.metrics.get(metric)
        if old := older_version(runs[0], run, metric):
            raise Incomparable(
                f"{metric}: scores of two versions are not compared: {first!r} in "
                f"{runs[0].folder}, {other!r} in {run.folder}; {again_command(old)}"
            )
        if other != first:
            raise Incomparable(
                f"{metric}: not the same metric in both: {first!r} in {runs[0].folder}, "
                f"{other!r} in {run.folder}; choose others with --metrics, or score again"
            )


# As signatures quote it, also of a scorer within another; and that of how sentences are split.
_VERSION = re.compile(
    r"(?<=version[:=])[0-9]+|(?<=version': )[0-9]+"
    r"|(?<=sentences[:=])[0-9]+|(?<=sentences': ')[0-9]+"
)


def versions_of(signature: str) -> list[int]:
    """Return the versions that a signature names."""
    return [int(number) for number in _VERSION.findall(signature)]


def older_version(one: Run, other: Run, metric: str) -> Run | None:
    """Return which of two runs has an older version of a metric that is else the same in both."""
    signatures = [run.signatures.metrics.get(metric, "") for run in (one, other)]
    if signatures[0] == signatures[1] or len({_VERSION.sub("", s) for s in signatures}) > 1:
        return None
    return one if versions_of(signatures[0]) < versions_of(signatures[1]) else other


def is_of_older_version(run: Run, metric: str, runs: Sequence[Run]) -> bool:
    """Tell whether a run's scores by a metric are of an older version than those of another."""
    having = [other for other in runs if metric in other.signatures.metrics]
    return any(other is not run and older_version(other, run, metric) is run for other in having)


def again_command(old: Run) -> str:
    """Return which run is old, and the command that scores it again, without its model."""
    folder = shlex.quote(str(old.folder))
    return f"{old.folder} is the older: evalharness score --again {folder}"


@dataclass(frozen=True)
class System:
    """A run, or several runs of one sweep that are alike but for the settings that are joined.

    positions: of its runs among all that are compared. values: what was joined in each, as text.
    """

    name: str
    positions: tuple[int, ...]
    values: tuple[str, ...] = ("",)

    def names_in(self, shared: Shared) -> tuple[str, ...]:
        """Return the names of its runs."""
        return tuple(shared.names[i] for i in self.positions)


@dataclass(frozen=True)
class _Group:
    """What the runs of a system have in common: its sweep, its model, and its other settings."""

    folder: Path
    name: str
    settings: str


def systems_of(shared: Shared, join: Sequence[str] = ()) -> list[System]:
    """Return the systems that runs stand for, in the order of their first runs.

    join: settings of a sweep (`seed`, `models.0.user`, `case`), in full or their last part; runs
    that differ in nothing else are one system. A run without such a setting stands for itself.

    Raises: Incomparable where no run has such a setting, or nothing is joined by it.
    """
    if not join:
        return [System(name, (i,)) for i, name in enumerate(shared.names)]
    for key in join:
        _check_swept(key, shared.runs)
    groups: dict[_Group, dict[int, str]] = {}
    of_cases = _settings_of_cases(shared.runs) if "case" in join else frozenset[str]()
    for i, run in enumerate(shared.runs):
        group, value = _split_settings(run, join, of_cases)
        groups.setdefault(group, {})[i] = value
    if all(len(values) == 1 for values in groups.values()):
        raise Incomparable(f"no two of these runs differ in {' and '.join(join)} alone")
    if len(groups) == 1:
        raise Incomparable(f"joined over {' and '.join(join)}, these runs are one system; give two")
    return [
        System(name, tuple(values), tuple(values.values()))
        for name, values in zip(_group_names(shared, groups), groups.values(), strict=True)
    ]


def _check_swept(key: str, runs: Sequence[Run]) -> None:
    known = list(dict.fromkeys(setting for run in runs for setting in run.settings))
    if not any(_is_named(setting, [key]) for setting in known):
        swept = nearest(key, known) if known else "; they are of no sweep"
        raise Incomparable(f"{key}: no sweep sets it in these runs{swept}")


def _is_named(setting: str, keys: Sequence[str]) -> bool:
    """Tell whether a dotted key is one of some, which may be its last parts."""
    return any(f".{setting}".endswith(f".{key}") for key in keys)


def _settings_of_cases(runs: Sequence[Run]) -> frozenset[str]:
    """Return the settings that go with the case: one value in each, and not the same in all.

    A run says what was set in it, and not which of it its case sets.
    """
    values: dict[str, dict[str, set[str]]] = {}
    for run in runs:
        case = canonical([str(run.folder.resolve().parent), run.settings.get("case")])
        for key, value in run.settings.items():
            values.setdefault(key, {}).setdefault(case, set()).add(canonical(value))
    cases = len(values.pop("case", {}))
    return frozenset(
        key
        for key, by_case in values.items()
        if all(len(said) == 1 for said in by_case.values())
        and (len(by_case) < cases or len(set.union(*by_case.values())) > 1)
    )


def _split_settings(run: Run, join: Sequence[str], of_cases: frozenset[str]) -> tuple[_Group, str]:
    """Return what a run has in common with those it is joined with, and what it does not.

    of_cases: settings that come with a case that is joined, and are no difference of their own.
    """
    joined = {key: value for key, value in run.settings.items() if _is_named(key, join)}
    apart = joined.keys() | of_cases
    rest = {key: value for key, value in run.settings.items() if key not in apart}
    name = ",".join(part for part in run.name.split(",") if not _tells_of(part, joined))
    return _Group(run.folder.resolve().parent, name, canonical(rest)), canonical(joined)


def _tells_of(part: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a part of a cell's name is the value of a setting: `seed=3`, or a case."""
    key, equals, _ = part.partition("=")
    if not equals:
        return settings.get("case") == part
    return any(_is_named(setting, [key]) for setting in settings)


def _group_names(shared: Shared, groups: Mapping[_Group, Mapping[int, str]]) -> list[str]:
    """Return a name for each group, all different: its runs' without what is joined."""
    experiments = [shared.runs[next(iter(values))].experiment for values in groups.values()]
    names = [group.name for group in groups]
    if len(set(names)) < len(names):
        names = [f"{lead}/{name}" for lead, name in zip(experiments, names, strict=True)]
    if len(set(names)) < len(names):
        names = [str(group.folder / group.name) for group in groups]
    return names


# Of the word pairs of a summary; with fewer new ones it is copied, but for what joins the pieces.
MOST_NEW_OF_A_COPY = 0.05
# By a check that each new word lowers: what has this much has next to no words of its own.
LEAST_OF_A_COPY = 0.995


def copies(run: Run) -> bool:
    """Tell whether the summaries of a run are copied from their articles, as far as it is known.

    By `extractiveness`, where that was scored; else by a check that new words lower (`lexical`). A
    check finds nothing wrong with what is copied, which is no virtue of who copied it.
    """
    novel = [
        figures.parts["novel_2"].mean
        for label, figures in run.figures.items()
        if run.kind(label) == "extractiveness" and "novel_2" in figures.parts
    ]
    if novel and novel[0] is not None:
        return novel[0] <= MOST_NEW_OF_A_COPY
    return any(
        figures.mean is not None and figures.mean >= LEAST_OF_A_COPY
        for label, figures in run.figures.items()
        if scorer_row(run.kind(label)).rewards_copying
    )
