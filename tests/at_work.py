"""Components that workers can import, and that go wrong as they are told."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evalharness.errors import ModelError
from evalharness.protocols import Need
from evalharness.records import Article, Summary


@dataclass(frozen=True)
class Faulty:
    """Says who wrote it; what an article begins with is done.

    `die` kills the worker, `once` does so the first time, as a file in `folder` remembers.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1

    folder: str = ""

    def batches(self, articles: Sequence[Article]) -> list[list[int]]:
        """Return batches of three."""
        return [[*range(len(articles))][n : n + 3] for n in range(0, len(articles), 3)]

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Do as the articles say."""
        for article in articles:
            mark = Path(self.folder) / article.id
            dies = article.text.startswith("die")
            if dies or (article.text.startswith("once") and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if article.text.startswith("refuse"):
                raise ModelError("this model refuses")
            if article.text.startswith("bug"):
                raise ZeroDivisionError("a bug of ours")
            if article.text.startswith("print"):
                print("a line of a package")
        return [Summary(a.id, f"{a.text} of {len(articles)}", tokens=os.getpid()) for a in articles]
