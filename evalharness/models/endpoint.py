"""Summaries from a server that speaks OpenAI's chat completions: vLLM, llama.cpp, a vendor's."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

from evalharness.endpoint import Account, Answer, Chat, Client, Server, Unanswered
from evalharness.hf.prompts import check_template, fill_template, parts, without_thought
from evalharness.models.causal import INSTRUCTION
from evalharness.models.long import Long, summarize_all, summarize_some
from evalharness.models.prompt import CUT_IN_THOUGHT, NoPrompt, Said
from evalharness.protocols import Need, RequestEstimate
from evalharness.records import Article, Begun, Finish, PartAnswers, Summary

# Articles that are asked about at one go, at the most for so many seconds: then they are stored.
_LEAST_TOGETHER = 32
_ROUNDS = 4
_SECONDS = 30.0


@dataclass(frozen=True)
class EndpointRequest:
    """A request, and how many characters of the article it holds."""

    chat: Chat
    read: int


@dataclass(frozen=True)
class Endpoint(Server):
    """Prompt a model on a server; greedy unless sampling is asked for.

    A request that fails for good is an article without a summary, with the reason, and is asked
    again by the next run. What the server's model of this name is, only the server knows. Tokens
    are as the server counts them: many count the end mark, one more than the same model has here.

    system: system message; empty for none.
    user: user message, with `{article}` and, if wanted, `{title}` in it; braces are doubled.
    max_new_tokens: the most tokens of an answer, thoughts included.
    do_sample: draw tokens instead of taking the likeliest.
    temperature: of the draws; 1 by default.
    top_p: draw among the fewest tokens that hold this much probability.
    seed: sent with a request that draws; not every server keeps to it.
    stop: strings that end a summary.
    max_characters: the most characters of an article; the rest is cut, and said to be.
    long: what to do with an article of more characters; None cuts off its end, as the head does.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "title"})
    version: ClassVar[int] = 2

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
    long: Long | None = None

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        check_template("user", self.user, ["article"], ["title"])
        for name in ("max_new_tokens", "max_characters"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} is below 1")
        if not self.do_sample and self.temperature == 0:  # as it is without
            object.__setattr__(self, "temperature", None)
        for name in ("temperature", "top_p"):
            if getattr(self, name) is not None and not self.do_sample:
                raise ValueError(f"{name}: is for sampling: add do_sample: true")
        if "" in self.stop:
            raise ValueError("stop: an empty string would end every summary before it begins")
        if self.long and self.long.strategy == "head":  # what is done without: the same results
            object.__setattr__(self, "long", None)
        if self.long and self.max_characters is None:
            raise ValueError("long: needs max_characters, which says what is long")

    def identity(self) -> dict[str, str]:
        """Return nothing more: address, model and further fields are options already."""
        return {}

    def instructions(self) -> tuple[str, ...]:
        """Return the fixed texts of the prompt."""
        merge = self.long.merge if self.long and self.long.merges else ""
        texts = [self.system, *(fixed for said in (self.user, merge) for fixed, _ in parts(said))]
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
        return summarize_all(articles, self, self.long)

    def summarize_some(self, begun: Sequence[Begun]) -> list[Summary | PartAnswers]:
        """Return the summaries that came within half a minute, and else what was answered.

        Raises: EndpointError.
        """
        return summarize_some(begun, self, self.long, {})

    def charge_to(self, account: Account) -> None:
        """Ask for a run's account. Raises: ConfigError where its prices are not known."""
        account.check_server(self)
        object.__setattr__(self, "_account", account)
        self.__dict__.pop("_client", None)

    def estimate(self, article: Article, summary: Summary | None) -> RequestEstimate:
        """Return what the summary of an article will take; of a long one, if it were cut."""
        n = len(self.system) + len(self.user) + len(article.text[: self.max_characters])
        return self.estimate_requests(1, n, self.max_new_tokens)

    @cached_property
    def _client(self) -> Client:
        return Client(self, seed=self.seed, account=self.__dict__.get("_account"))

    def prompt(self, article: Article) -> EndpointRequest | NoPrompt:
        """Return the request for a summary of an article, cut to what may be sent."""
        return self._request(self.user, "article", article)

    def merge_prompt(self, summaries: Article) -> EndpointRequest | NoPrompt:
        """Return the request that merges summaries, which stand where the article's text does."""
        return self._request(self.long.merge if self.long else "", "summaries", summaries)

    def _request(self, template: str, place: str, article: Article) -> EndpointRequest | NoPrompt:
        title = str(article.extra.get("title") or "")
        if not title and any(name == "title" for _, name in parts(template)):
            return NoPrompt("the article has no title, and the prompt asks for one")
        text = article.text[: self.max_characters]
        said = fill_template(template, {place: text, "title": title})
        return EndpointRequest(Chat(said, self.system, self._fields()), len(text))

    def write(self, prompts: Sequence[EndpointRequest]) -> list[Said | NoPrompt]:
        """Return the answer to each request, in order. Raises: EndpointError."""
        return [
            _read_answer(answer) for answer in self._client.ask([prompt.chat for prompt in prompts])
        ]

    def write_some(self, prompts: Sequence[EndpointRequest]) -> list[Said | NoPrompt | None]:
        """Return the answers that came in time, None for the others. Raises: EndpointError."""
        answers = self._client.ask_some([prompt.chat for prompt in prompts], _SECONDS)
        return [None if answer is None else _read_answer(answer) for answer in answers]

    def _fields(self) -> Mapping[str, Any]:
        fields: dict[str, Any] = {"max_tokens": self.max_new_tokens, "temperature": 0}
        if self.do_sample:
            fields |= {"temperature": 1.0 if self.temperature is None else self.temperature}
            fields |= {"seed": self.seed}
            fields |= {} if self.top_p is None else {"top_p": self.top_p}
        return fields | ({"stop": list(self.stop)} if self.stop else {})


def _read_answer(answer: Answer | Unanswered) -> Said | NoPrompt:
    if isinstance(answer, Unanswered):
        return NoPrompt(answer.reason)
    if answer.finish not in ("stop", "length"):
        return NoPrompt(f"the server ended the answer: {answer.finish}")
    text = without_thought(answer.text).strip()
    finish: Finish = "length" if answer.finish == "length" else "stop"
    thought = answer.thought or bool(answer.text.strip())
    note = CUT_IN_THOUGHT if thought and not text and finish == "length" else ""
    return Said(text, finish, answer.n_out, answer.n_in, note)
