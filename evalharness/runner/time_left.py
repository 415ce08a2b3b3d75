"""How long the summaries that are missing will take, from how long those before them took."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class TimeLeft:
    """What is known of the summaries to come, and what those that came have cost.

    An article costs a number of seconds, for what is written of it, and so many a character, for
    what is read of it: the long articles come first. Both are fitted to the batches so far; until
    these tell them from each other, each is held to be half of what an average article costs.

    ahead: how many articles are to come that no window has shown yet; None where nobody knows.
    lengths: by key, characters of the articles that are missing, as far as windows have shown them.
    most: characters that the model reads of an article, once it has cut one.
    steps: of each batch that came: articles, characters, seconds.
    """

    ahead: int | None
    lengths: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    most: int | None = None
    steps: list[tuple[int, int, float]] = field(default_factory=list)
    _last: float = 0.0

    def start(self) -> None:
        """Begin to measure."""
        self._last = time.monotonic()

    def expect(self, articles: int, lengths: Mapping[str, int]) -> None:
        """Take a window: how many articles it has, and how long those are that are missing."""
        if self.ahead is not None:
            self.ahead = max(0, self.ahead - articles)
        self.lengths |= lengths
        self.shown = dict(lengths) or self.shown

    def drop(self, keys: Iterable[str]) -> None:
        """Take that another process has written these."""
        for key in keys:
            self.lengths.pop(key, None)

    def record(
        self, read: Mapping[str, int | None], in_parts: Mapping[str, int] | None = None
    ) -> None:
        """Take a batch that came just now: by key, how much of each article was read.

        in_parts: likewise, of articles that are not done with that.
        """
        now = time.monotonic()
        parts = {key: min(n, self.lengths.get(key, 0)) for key, n in (in_parts or {}).items()}
        self.lengths |= {key: self.lengths.get(key, 0) - n for key, n in parts.items()}
        lengths = {key: self.lengths.pop(key, 0) for key in read}
        cut = [n for key, n in read.items() if n is not None and 0 < n < lengths[key]]
        self.most = max(cut, default=self.most)
        characters = self._characters(lengths.values()) + sum(parts.values())
        self.steps.append((len(read), characters, now - self._last))
        self._last = now

    def seconds(self) -> float | None:
        """Return how long the rest will take; None while nothing has come."""
        if not self.steps or self.ahead is None:
            return None
        of_article, of_character = self._costs()
        n, characters = len(self.lengths), self._characters(self.lengths.values())
        if self.ahead and self.shown:
            mean = self._characters(self.shown.values()) / len(self.shown)
            n, characters = n + self.ahead, round(characters + self.ahead * mean)
        return max(0.0, of_article * n + of_character * characters)

    def _characters(self, lengths: Iterable[int]) -> int:
        return sum(n if self.most is None else min(n, self.most) for n in lengths)

    def _costs(self) -> tuple[float, float]:
        """Return seconds an article and seconds a character: a ridge regression on the steps."""
        # The first batch also loads the model, unless it is all there is to go by.
        steps = self.steps[1:] or self.steps
        known = [*self.shown.values()] or [1]
        mean = max(1.0, self._characters(known) / len(known))
        rows = [(n, characters / mean, seconds) for n, characters, seconds in steps]
        if not any(n for n, *_ in rows):  # parts only, which say nothing of what an article costs
            return 0.0, sum(t for *_, t in rows) / max(1e-9, sum(c for _, c, _ in rows)) / mean
        level = sum(t for *_, t in rows) / max(1e-9, sum(n + c for n, c, _ in rows))
        # Halves count as a tenth of a batch would.
        weight = 0.1 * sum(n * n for n, *_ in rows) / len(rows)
        nn, nc, cc = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
        tn, tc = (sum(r[i] * r[2] for r in rows) + weight * level for i in (0, 1))
        nn, cc = nn + weight, cc + weight
        determinant = nn * cc - nc * nc
        a, b = (tn * cc - tc * nc) / determinant, (tc * nn - tn * nc) / determinant
        if a < 0 or b < 0:  # one of the two costs nothing that can be seen
            a, b = (0.0, tc / cc) if a < 0 else (tn / nn, 0.0)
        return a, b / mean
