"""Summaries from a server that speaks OpenAI's chat completions: vLLM, llama.cpp, a vendor's."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

from evalharness.endpoint import Answer, Chat, Client, Server, Unanswered
from evalharness.models.causal import INSTRUCTION
from evalharness.prompts import check_template, filled, parts, without_thought
from evalharness.protocols import Need
from evalharness.records import Article, Finish, Summary

# Articles whose summaries are stored together: what a crash may cost.
_LEAST_TOGETHER = 32
_ROUNDS = 4
_FINISHED = frozenset({"stop", "length", "eos", "end_turn"})


@dataclass(frozen=True)
class Endpoint(Server):
    """Prompt a model on a server; greedy unless sampling is asked for.

    A request that fails for good is an article without a summary, with the reason, and is asked
    again by the next run. What the server's model of this name is, only the server knows.

    system: system message; empty for none.
    user: user message, with `{article}` and, if wanted, `{title}` in it; braces are doubled.
    max_new_tokens: the most tokens of an answer, thoughts included.
    do_sample: draw tokens instead of taking the likeliest.
    temperature: of the draws; 1 by default.
    top_p: draw among the fewest tokens that hold this much probability.
    seed: sent with a request that draws; not every server keeps to it.
    stop: strings that end a summary.
    max_characters: the most characters of an article; the rest is cut, and said to be.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "title"})
    version: ClassVar[int] = 1

    _: KW_ONLY
    system: str = ""
    user: str = INSTRUCTION
    max_new_tokens: int = 256
    do_sample: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int = 0
    stop: tuple[str, ...] = ()
    max_characters: int | None = None

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        check_template("user", self.user, ["article"], ["title"])
        for name in ("max_new_tokens", "max_characters"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} is below 1")
        for name in ("temperature", "top_p"):
            if getattr(self, name) is not None and not self.do_sample:
                raise ValueError(f"{name}: is for sampling: add do_sample: true")
        if "" in self.stop:
            raise ValueError("stop: an empty string would end every summary before it begins")

    def identity(self) -> dict[str, str]:
        """Return nothing more: address, model and further fields are options already."""
        return {}

    def instructions(self) -> tuple[str, ...]:
        """Return the fixed texts of the prompt."""
        texts = [self.system, *(fixed for fixed, _ in parts(self.user))]
        return tuple(text.strip() for text in texts if text.strip())

    def batches(self, articles: Sequence[Article]) -> list[list[int]]:
        """Return positions of articles in order, some rounds of requests together."""
        n = max(_LEAST_TOGETHER, _ROUNDS * self.concurrency)
        return [
            list(range(start, min(start + n, len(articles))))
            for start in range(0, len(articles), n)
        ]

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return a summary for each article, in order. Raises: EndpointError."""
        lacks = [self._lacks(article) for article in articles]
        chats = [self._chat(a) for a, lack in zip(articles, lacks, strict=True) if not lack]
        answers = iter(self._client.ask(chats))
        return [
            Summary(article.id, "", finish="error", note=lack)
            if lack
            else self._summary(article, next(answers))
            for article, lack in zip(articles, lacks, strict=True)
        ]

    @cached_property
    def _client(self) -> Client:
        return Client(self, seed=self.seed)

    def _lacks(self, article: Article) -> str:
        """Return why nothing can be asked about an article; empty if something can."""
        if not article.text.strip():
            return "the article has no text"
        asks_for_title = any(name == "title" for _, name in parts(self.user))
        if asks_for_title and not article.extra.get("title"):
            return "the article has no title, and the prompt asks for one"
        return ""

    def _chat(self, article: Article) -> Chat:
        values = {
            "article": article.text[: self.max_characters],
            "title": str(article.extra.get("title") or ""),
        }
        return Chat(filled(self.user, values), self.system, self._fields())

    def _fields(self) -> Mapping[str, Any]:
        fields: dict[str, Any] = {"max_tokens": self.max_new_tokens, "temperature": 0}
        if self.do_sample:
            fields |= {"temperature": 1.0 if self.temperature is None else self.temperature}
            fields |= {"seed": self.seed}
            fields |= {} if self.top_p is None else {"top_p": self.top_p}
        return fields | ({"stop": list(self.stop)} if self.stop else {})

    def _summary(self, article: Article, answer: Answer | Unanswered) -> Summary:
        if isinstance(answer, Unanswered):
            return Summary(article.id, "", finish="error", note=answer.reason)
        if answer.finish not in _FINISHED:
            note = f"the server ended the answer: {answer.finish}"
            return Summary(article.id, "", finish="error", note=note)
        text = without_thought(answer.text).strip()
        read = len(article.text[: self.max_characters])
        cut = answer.finish == "length"
        finish: Finish = "length" if cut else "stop" if text else "empty"
        return Summary(article.id, text, read, finish, answer.n_out, answer.n_in)
