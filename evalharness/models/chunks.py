"""Where a text that is too long is cut: parts that end with a sentence, and both its ends."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from evalharness.records import Span
from evalharness.text import sentences

# How many characters of a text, from its start, a model can be given at once.
Fit = Callable[[str], int]

# What is tried first, in characters; it is doubled while all of it fits.
_FIRST_TRY = 8192
_VISIBLE = re.compile(r"\S")
# What stands between the two ends of an article, and between the summaries of its parts.
JOINT = "\n"


def split_to_fit(text: str, fit: Fit, overlap: int) -> list[Span]:
    """Return parts that fit and together hold the text, each ending with a sentence if it can.

    overlap: how many sentences a part repeats of the part before, where there is room for them.
    A sentence that does not fit by itself is cut between words, a word between letters. The last
    part is evened out with the one before. Returns [] where not one character fits.
    """
    return _Cutting(text, fit, overlap).parts()


class _Cutting:
    def __init__(self, text: str, fit: Fit, overlap: int) -> None:
        found = sentences(text)
        self.text = text
        self.fit = fit
        self.overlap = overlap
        self.starts = [sentence.start for sentence in found]
        self.ends = [sentence.end for sentence in found]
        self.end = len(text.rstrip())
        self.room = _FIRST_TRY

    def parts(self) -> list[Span]:
        parts: list[Span] = []
        while (parts[-1].end if parts else 0) < self.end:
            part = self.next_part(parts[-1] if parts else Span(0, 0))
            if part is None:
                return []
            parts.append(part)
        return self.evened(parts)

    def next_part(self, before: Span) -> Span | None:
        """Return the next part, with less overlap where it would hold no new sentence."""
        for start in self.beginnings(before):
            limit = start + self.fits_from(start)
            end = self.sentence_end(before.end, limit)
            while end and not self.is_whole(start, end):
                end = self.sentence_end(before.end, end - 1)
            if end:
                return Span(start, end)
        start = self.after(before.end)
        end = self.word_end(start, start + self.fits_from(start))
        while end > start and not self.is_whole(start, end):
            end = self.word_end(start, end - 1)
        return Span(start, end) if end > start else None

    def beginnings(self, before: Span) -> list[int]:
        """Return where the next part may begin: with all of the overlap, with less, with none."""
        first_new = self.after(before.end)
        n = bisect_left(self.ends, before.end) + 1  # sentences that end where the part does
        overlapping = [s for s in self.starts[max(0, n - self.overlap) : n] if s > before.start]
        within = [start for start in overlapping if start < before.end] if before.end else []
        return [*within, first_new]

    def after(self, place: int) -> int:
        """Return the first character behind a place that is no white space."""
        found = _VISIBLE.search(self.text, place)
        return found.start() if found else place

    def fits_from(self, start: int) -> int:
        """Return how many characters from a place on can be given at once."""
        rest = self.end - start
        n = min(self.room, rest)
        while (fitting := self.fit(self.text[start : start + n])) >= n and n < rest:
            n = min(2 * n, rest)
        self.room = max(64, 2 * fitting)
        return min(fitting, n)

    def is_whole(self, start: int, end: int) -> bool:
        return self.fit(self.text[start:end]) >= end - start

    def sentence_end(self, beyond: int, limit: int) -> int:
        """Return the last end of a sentence up to a limit, or 0 if none is beyond a place."""
        n = bisect_right(self.ends, limit)
        return self.ends[n - 1] if n and self.ends[n - 1] > beyond else 0

    def word_end(self, start: int, limit: int) -> int:
        """Return the last end of a word up to a limit, or the limit within a long word."""
        if limit >= self.end or self.text[limit : limit + 1].isspace():
            return min(limit, self.end)
        words = self.text[start:limit].rsplit(None, 1)
        return start + len(words[0]) if len(words) == 2 else limit

    def evened(self, parts: list[Span]) -> list[Span]:
        """Move sentences into a last part that would be less than half of the one before."""
        if len(parts) < 2 or 2 * (parts[-1].end - parts[-2].end) >= parts[-2].end - parts[-2].start:
            return parts
        start = parts[-2].start
        least = parts[-3].end if len(parts) > 2 else start
        middle = self.sentence_end(least, (start + self.end) // 2)
        if not middle or not self.is_whole(start, middle):
            return parts
        first = Span(start, middle)
        for second in self.beginnings(first):
            if self.is_whole(second, self.end):
                return [*parts[:-2], first, Span(second, self.end)]
        return parts


def beginning_and_end(text: str, fit: Fit, share: float) -> tuple[Span, Span] | None:
    """Return the beginning and the end of a text that fit together, joined by `JOINT`.

    share: what part of the room the beginning has. Both are whole sentences where the half of
    their room holds one. None where they do not fit.
    """
    n = len(text.rstrip())
    found = sentences(text)
    room = fit(text)
    while room > len(JOINT) + 1:
        head, tail = _beginning(text, found, int(share * room)), 0
        if head:
            tail = _ending(text, found, n - (room - head - len(JOINT)), n)
        if head and head < tail < n:
            joined = text[:head] + JOINT + text[tail:n]
            if fit(joined) >= len(joined):
                return Span(0, head), Span(tail, n)
        room = min(room - 1, int(room * 0.97))
    return None


def _beginning(text: str, found: Sequence[Span], limit: int) -> int:
    n = bisect_right([sentence.end for sentence in found], limit)
    if n and 2 * found[n - 1].end >= limit:
        return found[n - 1].end
    words = text[:limit].rsplit(None, 1)
    return len(words[0]) if len(words) == 2 else limit


def _ending(text: str, found: Sequence[Span], limit: int, end: int) -> int:
    starts = [sentence.start for sentence in found]
    n = bisect_left(starts, limit)
    if n < len(starts) and 2 * (end - starts[n]) >= end - limit:
        return starts[n]
    words = text[limit:end].split(None, 1)
    return end - len(words[1]) if len(words) == 2 else limit


def groups(
    pieces: Sequence[str], fits: Callable[[Sequence[str]], bool], most: int | None
) -> list[list[str]]:
    """Return neighbouring pieces in groups that fit, as even as they can be.

    most: of a group; None leaves it to what fits. A piece that fits with no neighbour is alone.
    """
    made: list[list[str]] = []
    left = list(pieces)
    while left:
        n = len(left)
        if most is not None and n > most:
            n = -(-n // -(-n // most))  # as many groups as it takes, of like size
        while n > 1 and not fits(left[:n]):
            n -= 1 if n <= 8 else n // 8
        made.append(left[:n])
        left = left[n:]
    return made


def shorten_pieces(pieces: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return the pieces, the longest cut between words so far that all fit together; [] if none."""
    low, high = 0, max(map(len, pieces))
    while low < high:
        quota = (low + high + 1) // 2
        if fits([_cut(piece, quota) for piece in pieces]):
            low = quota
        else:
            high = quota - 1
    return [_cut(piece, low) for piece in pieces] if low else []


def _cut(piece: str, quota: int) -> str:
    if len(piece) <= quota:
        return piece
    words = piece[: quota + 1].rsplit(None, 1)
    return words[0] if len(words) == 2 else piece[:quota]
