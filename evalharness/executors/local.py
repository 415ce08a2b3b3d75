"""In this process, as ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Local:
    """All in this process, one batch after the other."""

    version: ClassVar[int] = 1

    @contextmanager
    def pool(self) -> Iterator[None]:
        """Give no workers: the driver does all by itself."""
        yield None

    def refuses(self, component: Any) -> str:
        """Refuse nothing."""
        return ""
