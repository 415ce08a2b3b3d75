"""Articles longer than a model can read: its two ends, or summaries of parts that are merged.

`map_reduce` and `hierarchical` are those of Chang et al. 2024 (BooookScore, hierarchical merging):
parts are summarized, then neighbouring summaries are merged, round by round, until one is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal

from evalharness.errors import HarnessError
from evalharness.hf.prompts import check_template
from evalharness.models.chunks import JOINT, beginning_and_end, groups, shorten_pieces, split_to_fit
from evalharness.models.prompt import NoPrompt, P, Reader, Said
from evalharness.records import Article, Finish, Span, Summary

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
    while asking := [task for task in tasks if task.asks]:
        answers = iter(reader.write([prompt for task in asking for prompt in task.asks]))
        for task in asking:
            task.take([next(answers) for _ in task.asks])
    return [task.summary() for task in tasks]


class _Task(Generic[P]):
    """One article on its way to a summary: what to ask next, and what was answered."""

    def __init__(self, article: Article, reader: Reader[P], long: Long | None) -> None:
        self.article = article
        self.reader = reader
        self.long = long
        self.asks: list[P] = []
        self.result: Said | NoPrompt | None = None
        self.read: int | None = None
        self.spans: list[Span] = []
        self.groups: list[list[Said]] = []  # what the prompts of this round are made of
        self.rounds = self.calls = self.tokens_in = self.tokens_out = 0
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

    def take(self, answers: Sequence[Said | NoPrompt]) -> None:
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
        if self.rounds:  # a summary that was alone in its group was not asked about
            merged = iter(said)
            said = [next(merged) if len(group) > 1 else group[0] for group in self.groups]
        written = [one for one in said if one.text]
        if len(written) > 1 and self.long:
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
            return self.reader.merging(article) if merging else self.reader.prompt(article)
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
        made = Summary(name, said.text, self.read, finish, said.tokens, said.tokens_in, self.note)
        if self.calls > 1:
            counted = said.tokens_in is not None
            made = replace(
                made,
                tokens_in=self.tokens_in if counted else None,
                tokens_out=self.tokens_out if counted else None,
                calls=self.calls,
            )
        return replace(made, spans=tuple(self.spans))


def error_line(error: Exception) -> str:
    """Return the kind of an error, and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
