"""Articles longer than a model can read: its two ends, or summaries of parts that are merged.

`map_reduce` and `hierarchical` are those of Chang et al. 2024 (BooookScore, hierarchical merging):
parts are summarized, then neighbouring summaries are merged, round by round, until one is left.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal

from evalharness.errors import HarnessError
from evalharness.hf.prompts import check_template
from evalharness.models.prompt import NoPrompt, P, Reader, Said, said_of, said_record
from evalharness.records import Article, Begun, Finish, PartAnswers, Span, Summary
from evalharness.text import sentences

# How many characters of a text, from its start, a model can be given at once.
Fit = Callable[[str], int]

# What is tried first, in characters; it is doubled while all of it fits.
_FIRST_TRY = 8192
_VISIBLE = re.compile(r"\S")
# What stands between the two ends of an article, and between the summaries of its parts.
JOINT = "\n"


MERGE = (
    "{summaries}\n\nThe texts above are summaries of the parts of one article, in order. Merge "
    "them into one summary of the article in at most three sentences. Say only what they say, and "
    "write nothing but the summary."
)

Strategy = Literal["head", "head_tail", "map_reduce", "hierarchical"]
_MERGING: tuple[Strategy, ...] = ("map_reduce", "hierarchical")
_ONLY_FOR: dict[str, tuple[Strategy, ...]] = {
    "head": ("head_tail",),
    "overlap": _MERGING,
    "fan_in": ("hierarchical",),
    "rounds": _MERGING,
    "merge": _MERGING,
}


@dataclass(frozen=True)
class Long:
    """What is done with an article that does not fit; one that fits is summarized as ever.

    strategy: head cuts the rest off, head_tail the middle; map_reduce summarizes parts and merges
        as many summaries at once as fit; hierarchical merges a few at a time.
    head: what share of the room the beginning gets (head_tail).
    overlap: sentences that a part repeats of the part before (map_reduce, hierarchical).
    fan_in: the most summaries that are merged at once (hierarchical).
    rounds: the most rounds of merging; in the last, what does not fit is shortened.
    merge: user message that merges, with `{summaries}` in it; for models that are prompted.
    """

    strategy: Strategy
    head: float = 0.5
    overlap: int = 1
    fan_in: int = 4
    rounds: int = 8
    merge: str = MERGE

    def __post_init__(self) -> None:
        """Check the options alone and against the strategy. Raises: ValueError."""
        for name, strategies in _ONLY_FOR.items():
            if getattr(self, name) != getattr(type(self), name) and self.strategy not in strategies:
                raise ValueError(f"{name}: is for the strategy {' and '.join(strategies)}")
        if not 0 < self.head < 1:
            raise ValueError(f"head: {self.head} is out of range (above 0, below 1)")
        for name, least in (("overlap", 0), ("fan_in", 2), ("rounds", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} is below {least}")
        check_template("merge", self.merge, ["summaries"], ["title"])

    @property
    def merges(self) -> bool:
        """Whether parts are summarized and merged."""
        return self.strategy in _MERGING


def summarize_all(
    articles: Sequence[Article], reader: Reader[P], long: Long | None
) -> list[Summary]:
    """Return the summary of each article, in order, however many prompts it takes.

    What all articles ask in a round goes to the reader together. Raises: HarnessError.
    """
    tasks = [_Task(article, reader, long) for article in articles]
    while asking := _unanswered(tasks):
        answers = reader.write([task.asks[n] for task, n in asking])
        for (task, n), answer in zip(asking, answers, strict=True):
            task.put(n, answer)
    return [task.summary() for task in tasks]


Tasks = dict[tuple[str, str], Any]  # by what names their articles


def summarize_some(
    begun: Sequence[Begun], reader: Reader[P], long: Long | None, tasks: Tasks
) -> list[Summary | PartAnswers]:
    """Return the summaries that the prompts which come first complete, and else what was answered.

    What the prompts are that come first depends on the articles and their answers alone, so that
    whoever goes on puts the same prompts into one batch. tasks: keeps the prompts of articles that
    are not done for when they are asked for again. Raises: HarnessError.
    """
    keys = [(one.article.id, one.article.text) for one in begun]
    at_work: list[_Task[P]] = []
    for key, one in zip(keys, begun, strict=True):
        task = tasks.get(key)
        if task is None or not task.known <= one.answers.keys():
            task = _Task(one.article, reader, long)
        task.restore(one.answers)
        at_work.append(task)
    tasks.clear()
    asking = _unanswered(at_work)
    answers = reader.write_some([task.asks[n] for task, n in asking]) if asking else []
    for (task, n), answer in zip(asking, answers, strict=True):
        if answer is not None:
            task.put(n, answer)
    tasks |= {key: task for key, task in zip(keys, at_work, strict=True) if task.asks}
    return [task.new_answers() if task.asks else task.summary() for task in at_work]


def _unanswered(tasks: "Sequence[_Task[P]]") -> "list[tuple[_Task[P], int]]":
    """Return the prompts that wait: of the earliest round that is not answered, in order."""
    asking = [task for task in tasks if task.asks]
    first = min((task.rounds for task in asking), default=0)
    return [(task, n) for task in asking if task.rounds == first for n in task.waiting()]


class _Task(Generic[P]):
    """One article on its way to a summary: what to ask next, and what was answered."""

    def __init__(self, article: Article, reader: Reader[P], long: Long | None) -> None:
        self.article = article
        self.reader = reader
        self.long = long
        self.asks: list[P] = []  # the prompts of this round
        self.answers: dict[int, Said | NoPrompt] = {}  # to some of them
        self.known: set[str] = set()  # names of all answers
        self.new: dict[str, Mapping[str, Any]] = {}  # that nobody else has yet
        self.result: Said | NoPrompt | None = None
        self.read: int | None = None
        self.spans: list[Span] = []
        self.groups: list[list[Said]] = []  # what the prompts of this round are made of
        self.rounds = self.calls = self.tokens_in = self.tokens_out = self.cut = 0
        self.note = ""
        self._begin()

    def _begin(self) -> None:
        if not self.article.text.strip():
            self.result = NoPrompt("the article has no text")
            return
        whole = self._prompt(self.article)
        if isinstance(whole, NoPrompt):
            self.result = whole
        elif self.long is None or self.long.strategy == "head" or self._holds_all(whole):
            self._ask([whole])
            self.read = whole.read
        elif self.long.merges:
            self._begin_with_parts(self.long.overlap)
        else:
            self._begin_with_ends(self.long.head)

    def _begin_with_ends(self, share: float) -> None:
        text = self.article.text
        found = beginning_and_end(text, self._fit, share)
        if found is None:
            self.result = NoPrompt("there is no room for both ends of the article")
            return
        self.spans = list(found)
        self.read = sum(span.end - span.start for span in found)
        self._ask([self._part(JOINT.join(span.of(text) for span in found))])

    def _begin_with_parts(self, overlap: int) -> None:
        self.spans = split_to_fit(self.article.text, self._fit, overlap)
        if not self.spans:
            self.result = NoPrompt("there is no room for the article")
            return
        self.read = len(self.article.text)
        self._ask([self._part(span.of(self.article.text)) for span in self.spans])

    def _ask(self, prompts: Sequence[P | NoPrompt]) -> None:
        """Ask these next; or give up, if one of them cannot be asked."""
        failed = [prompt for prompt in prompts if isinstance(prompt, NoPrompt)]
        self.asks = (
            [] if failed else [prompt for prompt in prompts if not isinstance(prompt, NoPrompt)]
        )
        self.result = failed[0] if failed else self.result

    def waiting(self) -> list[int]:
        """Return which prompts of this round have no answer yet."""
        return [n for n in range(len(self.asks)) if n not in self.answers]

    def restore(self, answers: PartAnswers) -> None:
        """Take in what was answered before, as far as it is not known."""
        while there := [n for n in self.waiting() if self._name(n) in answers]:
            for n in there:
                self.put(n, said_of(answers[self._name(n)]))
        self.new.clear()

    def new_answers(self) -> PartAnswers:
        """Return the answers that came since this was asked for last."""
        new, self.new = self.new, {}
        return new

    def _name(self, n: int) -> str:
        return f"{self.rounds}.{n}"

    def put(self, n: int, answer: Said | NoPrompt) -> None:
        """Take the answer to a prompt of this round, and with the last of them decide on more."""
        self.known.add(self._name(n))
        read = self.asks[n].read if self.rounds == 0 else None
        self.new[self._name(n)] = said_record(answer, read)
        self.answers[n] = answer
        if not self.waiting():
            answers = [self.answers[at] for at in range(len(self.asks))]
            self.answers.clear()
            self._take(answers)

    def _take(self, answers: Sequence[Said | NoPrompt]) -> None:
        """Take the answers of a round in, and decide on the next."""
        self.asks = []
        self.calls += len(answers)
        self.tokens_in += sum(a.tokens_in or 0 for a in answers if isinstance(a, Said))
        self.tokens_out += sum(a.tokens or 0 for a in answers if isinstance(a, Said))
        for n, answer in enumerate(answers):
            if isinstance(answer, NoPrompt):
                where = f"part {n + 1} of {len(answers)}: " if len(answers) > 1 else ""
                self.result = NoPrompt(f"{where}{answer.reason}")
                return
        said = [answer for answer in answers if isinstance(answer, Said)]
        cut = sum(answer.finish == "length" for answer in said)
        if self.rounds:  # a summary that was alone in its group was not asked about
            merged = iter(said)
            said = [next(merged) if len(group) > 1 else group[0] for group in self.groups]
        written = [one for one in said if one.text]
        if len(written) > 1 and self.long:
            self.cut += cut
            self._merge(written, self.long)
        else:
            self.result = (written or said)[0]

    def _merge(self, pieces: Sequence[Said], long: Long) -> None:
        self.rounds += 1
        texts = [piece.text for piece in pieces]
        most = long.fan_in if long.strategy == "hierarchical" else None
        is_last = self.rounds == long.rounds
        together = groups(texts, self._fit_together, None if is_last else most)
        if len(together) == len(texts) or (is_last and len(together) > 1):
            together = [shorten_pieces(texts, self._fit_together)]
            if not together[0]:
                self.result = NoPrompt(
                    f"the summaries of {len(texts)} parts leave no room to merge"
                )
                return
            self.note = (
                f"{len(texts)} summaries of parts were shortened to be merged, in round "
                f"{self.rounds}"
            )
        left = iter(pieces)
        self.groups = [[next(left) for _ in group] for group in together]
        self._ask([self._merge_prompt(group) for group in together if len(group) > 1])

    def _fit(self, text: str) -> int:
        """Return how much of a text, from its start, a prompt can hold."""
        prompt = self._part(text)
        return 0 if isinstance(prompt, NoPrompt) else prompt.read or 0

    def _fit_together(self, texts: Sequence[str]) -> bool:
        prompt = self._merge_prompt(texts)
        n = len(JOINT.join(texts).rstrip())
        return not isinstance(prompt, NoPrompt) and prompt.read is not None and prompt.read >= n

    def _holds_all(self, prompt: P) -> bool:
        return prompt.read is not None and prompt.read >= len(self.article.text.rstrip())

    def _part(self, text: str) -> P | NoPrompt:
        return self._prompt(replace(self.article, text=text))

    def _merge_prompt(self, texts: Sequence[str]) -> P | NoPrompt:
        return self._prompt(replace(self.article, text=JOINT.join(texts)), merging=True)

    def _prompt(self, article: Article, merging: bool = False) -> P | NoPrompt:
        try:
            return self.reader.merge_prompt(article) if merging else self.reader.prompt(article)
        except HarnessError:
            raise
        except Exception as error:  # text that is no Unicode, and what else a tokenizer may refuse
            return NoPrompt(error_line(error))

    def summary(self) -> Summary:
        """Return the summary, or why there is none."""
        name, said = self.article.id, self.result
        if not isinstance(said, Said):
            return Summary(name, "", finish="error", note=said.reason if said else "")
        finish: Finish = "empty" if not said.text and said.finish == "stop" else said.finish
        note = "; ".join(filter(None, [self.note, "" if said.text else said.note]))
        made = Summary(name, said.text, self.read, finish, said.tokens, said.tokens_in, note)
        if self.calls > 1:
            counted = said.tokens_in is not None
            made = replace(
                made,
                tokens_in=self.tokens_in if counted else None,
                tokens_out=self.tokens_out if counted else None,
                calls=self.calls,
                parts_cut=self.cut or None,
            )
        return replace(made, spans=tuple(self.spans))


def error_line(error: Exception) -> str:
    """Return the kind of an error, and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


# Where a text that is too long is cut: parts that end with a sentence, and both its ends.


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
        return self.even_out(parts)

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

    def even_out(self, parts: list[Span]) -> list[Span]:
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
