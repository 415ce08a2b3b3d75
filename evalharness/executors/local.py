"""In this process, as ever."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, ClassVar

from evalharness.protocols import GenerationQuery, Gradual, MakesSamples, Sent, Task
from evalharness.records import score_texts


@dataclass(frozen=True)
class Local:
    """All in this process, one batch after the other."""

    version: ClassVar[int] = 1

    @contextmanager
    def pool(self) -> Iterator["LocalPool"]:
        """Give a pool of one: this process."""
        yield LocalPool()

    def refuses(self, component: Any) -> str:
        """Refuse nothing."""
        return ""


class LocalPool:
    """This process: does each task at once, with the components themselves and no copy of them."""

    size: int = 1

    def map(
        self, components: Sequence[Sent], tasks: Iterable[Task]
    ) -> Generator[tuple[Task, list[list[Any]]]]:
        """Yield each task and its results by batch. Raises: what a component raises."""
        for sent in components:
            if sent.limits:
                sent.component.keep_within(sent.limits)
        for task in tasks:
            kept = zip_longest(task.batches, task.keep)
            yield (
                task,
                [run_batch(components[n].component, batch, keep) for (n, batch), keep in kept],
            )


def run_batch(
    component: Any,
    batch: Sequence[Any] | GenerationQuery,
    keep: Callable[[Sequence[Any]], object] | None = None,
) -> list[Any]:
    """Return what a component makes of a batch: a summary an article, or a score's text a pair.

    One that is Gradual is given what it has answered already, and may not come to all.

    It depends on the batch alone, and not on what came before, which is another on every executor;
    but what memory was too small for is not tried again. Of a query: what it asks for.

    keep: called with the results before they are returned, as of `Task`.
    """
    if isinstance(batch, GenerationQuery):
        return [*component.device_and_limit(), component.generation_record()]
    if batches := sys.modules.get("evalharness.neural.batches"):  # else no network was loaded
        batches.forget()
    results: list[Any]
    if isinstance(component, Gradual):
        results = component.summarize_some(batch)
    elif isinstance(component, MakesSamples):
        results = component.make_samples(batch)
    elif hasattr(component, "summarize"):
        results = list(component.summarize(batch))
    else:
        results = score_texts(list(component.score(batch)), batch)
    if keep is not None:
        keep(results)
    return results


def must_stay(component: Any) -> bool:
    """Tell whether a component stays with the driver.

    A server's limits, of requests at once and a minute, hold for a run as a whole; and its key is
    in the driver's environment. And what exists already is had sooner than articles are sent.
    """
    server = getattr(component, "endpoint", None) or component
    is_there = getattr(component, "gives_what_exists", False)
    return bool(is_there or getattr(server, "asks_server", False))


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
