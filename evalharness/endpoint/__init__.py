"""Asking a server that speaks OpenAI's chat completions: many requests at once, each to its end.

Every request ends with an answer or with a reason, in order, and no request is answered twice.
What may pass (a full server, a broken connection, an answer that is none) is tried again, later
and later; what cannot pass (a wrong key, an unknown model) ends the work at once. The key is read
from the environment when it is needed, and is taken out of all that comes back.

>>> from evalharness.endpoint import Chat, Server
>>> server = Server("http://localhost:8000/v1", "a-model", key="SOME_KEY")
>>> server.identity()
{'endpoint': 'http://localhost:8000/v1', 'served': 'a-model'}
>>> Chat("Is 7 prime?", options={"max_tokens": 1}).messages()
[{'role': 'user', 'content': 'Is 7 prime?'}]
"""

import asyncio
import itertools
import json
import logging
import math
import os
import random
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from urllib.parse import parse_qsl, urlsplit

from evalharness.errors import BudgetSpent, ConfigError, EndpointError
from evalharness.files.credentials import find_credential, make_hider
from evalharness.files.untrusted import LARGEST
from evalharness.protocols import RequestEstimate
from evalharness.records import canonical, digest

if TYPE_CHECKING:
    import httpx2


TOO_LONG = "the prompt is too long for the model"
_MOST_QUOTED = 200
# What servers call the two ends of an answer, in small letters; docs/endpoints.md says which does.
_FINISHES = dict.fromkeys(("eos", "eos_token", "end_turn", "stop_sequence", "stop_token"), "stop")
_FINISHES |= dict.fromkeys(
    ("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"), "length"
)
_FINISHES |= {"stop": "stop", "length": "length"}


@dataclass(frozen=True)
class Answer:
    """What the model said.

    finish: `stop`, or `length` where the cap on tokens ended it, or the server's own word.
    tokens: for each token of the answer, log-probabilities of what could have stood there, by text;
        empty where the server gives none.
    n_in, n_out: tokens as the server counts them; None where it does not.
    thought: whether the server gave thoughts apart from the text.
    """

    text: str
    finish: str = "stop"
    tokens: tuple[Mapping[str, float], ...] = ()
    n_in: int | None = None
    n_out: int | None = None
    thought: bool = False


@dataclass(frozen=True)
class Unanswered:
    """Why a request came to nothing; asked again another day, it may not."""

    reason: str


class TryAgain(Exception):
    """A try that failed in a way that may pass."""

    def __init__(self, reason: str, wait: float | None = None, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.unreachable = unreachable


class _TooBusy(TryAgain):
    """A try that failed since the server had too much to do."""


def parse_json(content: bytes) -> Any:
    """Return a body as JSON; None where it is none. A list of one stands for that one (Google).

    >>> parse_json(b'[{"error": "no"}]'), parse_json(b"<html>")
    ({'error': 'no'}, None)
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body[0] if isinstance(body, list) and len(body) == 1 else body


def answer_of(body: Any) -> Answer:
    """Return the answer in a body. Raises: TryAgain where it has none."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text = message["content"]
        thought = bool(message.get("reasoning_content") or message.get("reasoning"))
        finish = choice.get("finish_reason") or "stop"
        listed = (choice.get("logprobs") or {}).get("content") or []
        tokens = tuple(_alternatives(token) for token in listed)
        usage = body.get("usage") or {}
        counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise TryAgain("an answer that is no chat completion") from None
    n_in, n_out = (n if isinstance(n, int) and n >= 0 else None for n in counts)
    if not (text is None or isinstance(text, str)) or not isinstance(finish, str):
        raise TryAgain("an answer that is no chat completion")
    return Answer(text or "", _FINISHES.get(finish.lower(), finish), tokens, n_in, n_out, thought)


def _alternatives(token: Mapping[str, Any]) -> dict[str, float]:
    """Return what could have stood at a token's place, with finite log-probabilities."""
    found: dict[str, float] = {}
    for entry in (token, *(token.get("top_logprobs") or ())):
        if math.isfinite(value := float(entry["logprob"])):
            found[str(entry["token"])] = value
    return found


def explanation(body: Any, hide: Callable[[str], str]) -> str:
    """Return what a server says of its error, in one line that begins with a colon; or nothing.

    hide: takes the key out of a text, before half of it is cut off.
    """
    error = body.get("error", body) if isinstance(body, dict) else None
    said = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    line = " ".join(said.split()) if isinstance(said, str) else ""
    return f": {hide(line)[:_MOST_QUOTED]}" if line else ""


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to wait: a number, or a date; None if it does not.

    >>> asked_wait({"retry-after": "3"}), asked_wait({"retry-after": "soon"}), asked_wait({})
    (3.0, None, None)
    >>> asked_wait({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0.5s"})
    360.5
    """
    asked = headers.get("retry-after")
    if (milliseconds := headers.get("retry-after-ms", "")).isdecimal():
        return int(milliseconds) / 1000
    if asked is None:
        return _reset_wait(headers)
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}


def _reset_wait(headers: Mapping[str, str]) -> float | None:
    """Return how long it is until what is used up (of requests, of tokens) is given again."""
    waits = []
    for kind in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            pieces = re.findall(
                r"(\d+(?:\.\d+)?)(ms|[hms]|)", headers.get(f"x-ratelimit-reset-{kind}", "")
            )
            waits.append(sum(float(number) * _UNITS[unit] for number, unit in pieces))
    return max(waits, default=None)


_SECRET_PARAMETERS = ("key", "token", "secret", "password", "sig")


# About so many characters of English are a token, by tokenizers of 32,000 to 200,000 tokens; other
# languages take more tokens.
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Server:
    """A server, the model on it, and how patiently it is asked.

    url: up to its version: http://localhost:8000/v1.
    model: the name by which the server knows its model.
    key: the environment variable that holds the key; None sends none.
    extra: more fields of each request, as this server knows them (`reasoning_effort: low`).
    timeout: seconds for one try.
    concurrency: the most requests at one time; fewer while the server is too slow for so many.
    tries: the most tries of a request.
    cap: the field that caps an answer: max_tokens, or max_completion_tokens for OpenAI's newer.
    per_minute: the most requests a minute; None leaves it to the server to say when it is enough.
    batch: openai collects requests in batch files, which cost half: they are sent at the end of a
        run, and the same command takes the answers when they are there.
    batch_requests: the most requests of such a file; None is OpenAI's 50,000.
    price_in: USD for a million tokens of prompts; None is not known.
    price_out: USD for a million tokens of answers.
    """

    asks_server: ClassVar[bool] = True

    url: str
    model: str
    key: str | None = field(default=None, compare=False)
    extra: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    timeout: float = field(default=120.0, compare=False)
    concurrency: int = field(default=8, compare=False)
    tries: int = field(default=6, compare=False)
    per_minute: int | None = field(default=None, compare=False)
    cap: Literal["max_tokens", "max_completion_tokens"] = field(default="max_tokens", compare=False)
    batch: Literal["openai"] | None = field(default=None, compare=False)
    batch_requests: int | None = field(default=None, compare=False)
    price_in: float | None = field(default=None, compare=False)
    price_out: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Check the options alone. Raises: ValueError."""
        _check_url(self.url)
        if self.key is not None and (
            not self.key.isidentifier() or find_credential(self.key, "key")
        ):
            raise ValueError("key: should be the name of an environment variable, not the key")
        if any(find_credential(value, name) for name, value in self.extra.items()):
            raise ValueError(
                "extra: holds a key or password; name an environment variable under `key`"
            )
        for name in ("timeout", "concurrency", "tries", "per_minute", "batch_requests"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name}: {value} should be above 0")
        if (self.price_in is None) != (self.price_out is None):
            raise ValueError("price_in: give price_in and price_out, or neither")
        if min(self.price_in or 0.0, self.price_out or 0.0) < 0:
            raise ValueError("price_in: should be no less than 0, and so should price_out")

    def cost(self, tokens_in: float, tokens_out: float) -> float | None:
        """Return what so many tokens cost in USD; None where the prices are not known.

        >>> Server("http://h/v1", "m", price_in=0.5, price_out=2.0).cost(1_000_000, 1_000)
        0.502
        """
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6

    def estimate_requests(self, n: int, characters: int, tokens_out: int) -> RequestEstimate:
        """Return what requests of so many characters in all will take.

        tokens_out: of each answer, at the most.
        """
        tokens_in, out = characters // CHARACTERS_PER_TOKEN, n * tokens_out
        return RequestEstimate(n, tokens_in, out, self.cost(tokens_in, out))

    @property
    def secure(self) -> bool:
        """Whether the server is asked over TLS, and has to prove who it is."""
        return urlsplit(self.url).scheme != "http"

    def identity(self) -> dict[str, str]:
        """Return what of a server makes its answers: address, model, more fields."""
        named = {"endpoint": self.url, "served": self.model}
        return named | ({"extra": canonical(dict(self.extra))} if self.extra else {})


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"url: {url!r} is no address such as http://localhost:8000/v1")
    names = [name.lower() for name, _ in parse_qsl(parts.query)]
    if parts.username is not None or any(s in n for n in names for s in _SECRET_PARAMETERS):
        # Not repeated: it may hold a secret.
        raise ValueError("url: holds a key or password; name an environment variable under `key`")


def completions(url: str) -> str:
    """Return the address of the chat completions.

    >>> completions("http://localhost:8000/v1/?api-version=1")
    'http://localhost:8000/v1/chat/completions?api-version=1'
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return parts._replace(path=f"{path}/chat/completions", fragment="").geturl()


# Is told the number of a request and its answer.
Keep = Callable[[int, Answer], object]
Sleep = Callable[[float], Awaitable[None]]
TimeLimit = Callable[[float], AbstractAsyncContextManager[object]]

# Busy, too slow, too many at once, or broken for now: worth another try.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
# The key, the address or the model's name: the next request would end the same way.
_HOPELESS = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405})


def is_passing(status: int) -> bool:
    """Tell whether a request that ended so is worth another try."""
    return status in _PASSING


_FIRST_WAIT = 0.5
# A body is read up to here, unpacked: no answer is as long.
LONGEST_ANSWER = LARGEST
_LONGEST_WAIT = 60.0
_CODES_HOPELESS = frozenset(
    {
        *("insufficient_quota", "invalid_api_key", "model_not_found"),
        *("unsupported_parameter", "unsupported_value"),
    }
)
# What to do where a server does not take a field, as OpenAI's models that think.
_FIELD_HINTS = {
    "max_tokens": ": set `cap: max_completion_tokens`",
    "temperature": ": set `extra: {temperature: 1}`",
}
# The server has more to do than it can: it is asked fewer at a time.
_BUSY = frozenset({429, 503, 504, 529})
# So many requests that all fail for one reason are no accident of theirs.
_MANY = 16
# A server that asks for more patience than this is not waited for.
_MOST_PATIENCE = 300.0
# In what servers say of a prompt that does not fit (docs/endpoints.md).
_SIGNS_OF_LENGTH = (
    *("context length", "context_length", "context window", "contextwindow", "context size"),
    *("context_size", "too many tokens", "prompt is too long", "input is too long"),
    *("maximum number of tokens", "`inputs` must have less than", "`inputs` tokens +"),
)


def is_too_long(said: str) -> bool:
    """Tell whether a server says that a prompt does not fit."""
    return any(sign in said.lower() for sign in _SIGNS_OF_LENGTH)


@dataclass(frozen=True)
class Chat:
    """One request: what is said, and how to answer.

    options: fields of the request: max_tokens, temperature, seed, stop, logprobs, top_logprobs …
    """

    user: str
    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def messages(self) -> list[dict[str, str]]:
        """Return the messages, the system's first."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": self.user}]


@dataclass
class Spent:
    """What a client has used so far; tokens as the server counts them."""

    answers: int = 0
    tries: int = 0
    tokens_in: int = 0
    tokens: int = 0


class AnswerLedger(Protocol):
    """Where answers are kept that are worth it, by the key of what was asked."""

    def __contains__(self, key: str) -> bool: ...

    def get(self, keys: Sequence[str]) -> list[Any]:
        """Return the records of keys that are there, in order."""
        ...

    def append(self, records: Sequence[tuple[str, Any]]) -> None:
        """Keep records with their keys."""
        ...


class Batches(Protocol):
    """Who has requests answered in batch files."""

    def ask(self, client: "Client", bodies: Sequence[bytes]) -> list[Answer | Unanswered]:
        """Return the answers that are here, in order; other requests go into the next file."""
        ...

    def send(self) -> None:
        """Write what waits to files, and send them."""
        ...


class Account:
    """What a run may spend on its servers, what it has spent, and the answers that it keeps.

    answers: opens the ledger of the answers of what a signature names; without it none are kept.
    seconds: of the clock, from the first request on.
    """

    def __init__(
        self,
        tokens: int | None = None,
        usd: float | None = None,
        answers: Callable[[Mapping[str, Any]], AnswerLedger] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Take the limits; None is none."""
        self.seconds = seconds
        self._end: float | None = None
        self.tokens = tokens
        self.usd = usd
        self.answers = answers
        self.requests = self.tokens_in = self.tokens_out = 0
        self.cost = 0.0
        self.in_flight = 0
        self.batches: Batches | None = None

    @property
    def has_limit(self) -> bool:
        """Whether anything limits what may be spent."""
        return (self.tokens, self.usd) != (None, None)

    def seconds_left(self) -> float:
        """Return how much time is left; the first who asks starts the clock."""
        if self.seconds is None:
            return math.inf
        now = time.monotonic()
        self._end = self._end or now + self.seconds
        return max(0.0, self._end - now)

    def check_server(self, server: Server) -> None:
        """Check that what a server costs can be limited, where it is. Raises: ConfigError."""
        if self.has_limit and server.batch:
            why = "is for requests that are sent one by one; of batch files see `plan`"
            raise ConfigError(f"budget: {why}")
        if self.usd is not None and server.price_in is None:
            raise ConfigError(f"budget.usd: no price of {server.url}: set price_in and price_out")

    def room(self) -> bool | None:
        """Tell whether one more request may be sent; None: once it is known what others took.

        A request is taken to need what the mean of those before did; the first goes alone.
        """
        if not self.seconds_left():
            return None if self.in_flight else False
        if not self.has_limit:
            return True
        if not self.requests:
            return None if self.in_flight else True
        share = (self.in_flight + 1) / self.requests
        spent = self.tokens_in + self.tokens_out
        fits = self.tokens is None or spent * (1 + share) <= self.tokens
        fits &= self.usd is None or self.cost * (1 + share) <= self.usd * (1 + 1e-9)
        return True if fits else None if self.in_flight else False

    def charge(self, server: Server, n_in: int, n_out: int) -> None:
        """Note what an answer took."""
        self.requests += 1
        self.tokens_in += n_in
        self.tokens_out += n_out
        self.cost += server.cost(n_in, n_out) or 0.0

    def record(self) -> dict[str, Any]:
        """Return what was spent as plain values."""
        tokens = {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out}
        return {"requests": self.requests, **tokens, "usd": round(self.cost, 9)}

    def refusal(self) -> BudgetSpent:
        """Return what says that no more may be spent."""
        limits = [f"{self.tokens:,} tokens"] if self.tokens is not None else []
        limits += [f"{self.usd:g} USD"] if self.usd is not None else []
        limits += [f"{self.seconds:g} s"] if self.seconds is not None else []
        spent = f"{self.tokens_in + self.tokens_out:,} tokens"
        spent += f" and {self.cost:.4g} USD" if self.usd is not None else ""
        return BudgetSpent(
            f"the budget of {' and '.join(limits)} is spent ({spent}, {self.requests:,} answers): "
            "what was answered is stored, and the same command goes on with the rest"
        )


class Lanes:
    """How many requests a server gets at one time: fewer while it is too slow, or says it is busy.

    They are halved, once for all that were sent together, and one more is opened after four answers
    in each. A server with one slot, which others wait for, so is soon asked one by one.
    """

    def __init__(self, most: int) -> None:
        """Open as many as there may be."""
        self.most = most
        self.open = float(most)
        self.wave = 0  # how often they were halved

    def narrow(self, wave: int) -> None:
        """Halve them after a failure of a request that was sent in a wave."""
        if wave == self.wave and self.open > 1:
            self.open = max(1.0, self.open // 2)
            self.wave += 1

    def widen(self) -> None:
        """Note an answer."""
        self.open = min(float(self.most), self.open + 1 / (4 * self.open))


class Client:
    """Asks one server. Deterministic but for the server: also the jitter comes from a seed."""

    def __init__(
        self,
        server: Server,
        *,
        seed: int = 0,
        sleep: Sleep = asyncio.sleep,
        limit: TimeLimit = asyncio.timeout,
        account: Account | None = None,
    ) -> None:
        """Take the server, and read its key. Raises: EndpointError where there is none.

        account: of the run; without one nothing limits what is spent.

        sleep, limit: how to wait, and what ends a try that takes too long, both given seconds.
        """
        self.server = server
        self.spent = Spent()
        self.account = account or Account()
        self.lanes = Lanes(server.concurrency)
        self.waited = False  # whether a try has timed out
        self._seed = seed
        self._sleep = sleep
        self._limit = limit
        self._key = _key(server.key)
        self._hide = make_hider(self._key)

    def ask(self, chats: Sequence[Chat], keep: Keep | None = None) -> list[Answer | Unanswered]:
        """Return what became of each request, in order.

        keep: is told the number and the answer of each request as it comes, whatever ends the work.

        Raises: EndpointError where no request can succeed: nobody there, a wrong key, an unknown
            model; or where many fail, and all for one reason. BudgetSpent.
        """
        results = self.ask_some(chats, math.inf, keep)
        if None in results:
            raise self.account.refusal()
        return [result for result in results if result is not None]

    def ask_some(
        self, chats: Sequence[Chat], seconds: float, keep: Keep | None = None
    ) -> list[Answer | Unanswered | None]:
        """Return what became of the requests that were sent within some seconds; None of others.

        Raises: as `ask`; BudgetSpent where nothing could be sent.
        """
        if self.server.batch:
            return list(self._ask_batches(chats, keep))
        results = _run_to_end(self._ask_all(chats, seconds, keep)) if chats else {}
        if chats and not results and self.account.room() is False:
            raise self.account.refusal()
        reasons = {r.reason if isinstance(r, Unanswered) else "" for r in results.values()}
        reason = reasons.pop() if len(reasons) == 1 else ""
        # A few may be of one bad article, once others had answers; shorter prompts may still fit.
        many = len(results) >= (_MANY if self.spent.answers else 2)
        if many and reason not in ("", TOO_LONG):
            raise EndpointError(f"{self.server.url}: every request failed: {reason}")
        return [results.get(n) for n in range(len(chats))]

    def _ask_batches(self, chats: Sequence[Chat], keep: Keep | None) -> list[Answer | Unanswered]:
        """Return the answers that batch files have. Raises: EndpointError outside of a run."""
        if self.account.batches is None:
            raise EndpointError("batch: is for `evalharness run`, whose store has the files")
        results = self.account.batches.ask(self, [self.body(chat) for chat in chats])
        for n, result in enumerate(results):
            if isinstance(result, Answer):
                self._count(result)
                if keep is not None:
                    keep(n, result)
        return results

    def body(self, chat: Chat) -> bytes:
        """Return the body of a request."""
        fields = {"model": self.server.model, "messages": chat.messages(), **chat.options}
        if "max_tokens" in fields:
            fields[self.server.cap] = fields.pop("max_tokens")
        return canonical(fields | dict(self.server.extra)).encode()

    def authorization(self) -> dict[str, str]:
        """Return the header with the key, if there is one."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def hide(self, text: str) -> str:
        """Return a text without the key."""
        return self._hide(text)

    def shown(self, answer: Answer) -> Answer:
        """Return an answer without the key."""
        return replace(answer, text=self._hide(answer.text), finish=self._hide(answer.finish))

    def refusal(self, status: int, body: Any) -> Unanswered:
        """Return why a request that a server refused has no answer."""
        why = explanation(body, self._hide)
        error = body.get("error") if isinstance(body, dict) else None
        code, kind = (error.get("code"), error.get("type")) if isinstance(error, dict) else ("", "")
        if is_too_long(f"{code} {kind} {why}"):
            return Unanswered(TOO_LONG)
        return Unanswered(f"HTTP {status}{why}")

    def _count(self, answer: Answer) -> None:
        self.spent.answers += 1
        self.spent.tokens_in += answer.n_in or 0
        self.spent.tokens += answer.n_out or 0
        self.account.charge(self.server, answer.n_in or 0, answer.n_out or 0)

    async def _ask_all(
        self, chats: Sequence[Chat], seconds: float, keep: Keep | None
    ) -> dict[int, Answer | Unanswered]:
        import httpx2

        headers = {"Content-Type": "application/json"} | self.authorization()
        results: dict[int, Answer | Unanswered] = {}
        end = time.monotonic() + seconds
        waiting = itertools.takewhile(lambda _: time.monotonic() < end, enumerate(chats))
        limits = httpx2.Limits(max_connections=self.server.concurrency)
        # Without TLS there is nothing to verify; the certificates take 0.1 s to read.
        options: dict[str, Any] = {"limits": limits, "verify": self.server.secure}
        async with httpx2.AsyncClient(headers=headers, timeout=None, **options) as http:
            asking = _Asking(self, http, keep)
            workers = min(self.server.concurrency, len(chats))
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(workers):
                        group.create_task(asking.work(waiting, results))
            except BaseExceptionGroup as failures:  # one is enough: the others were called off
                raise failures.exceptions[0] from None
        return results


def _key(variable: str | None) -> str:
    """Return the key that a variable holds. Raises: EndpointError, which never says what it is."""
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EndpointError(f"key: the environment variable {variable} is not set")
    if not (key.isascii() and key.isprintable()):
        raise EndpointError(f"key: {variable} holds characters that no header can carry")
    return key


def _run_to_end(
    work: Coroutine[Any, Any, dict[int, Answer | Unanswered]],
) -> dict[int, Answer | Unanswered]:
    """Run to the end, also from within a notebook, whose thread has a loop that runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class _Asking:
    """The requests of one call, which share a connection pool and the server's patience."""

    def __init__(
        self, client: Client, http: "httpx2.AsyncClient", keep: "Keep | None" = None
    ) -> None:
        self.client = client
        self.account = client.account
        self.keep = keep
        self.changed = asyncio.Event()  # when an answer has come
        self.flying = 0
        self.landed = asyncio.Event()  # when a try has ended
        self.server = client.server
        self.http = http
        self.url = completions(client.server.url)
        self.free_at = 0.0

    async def work(
        self, waiting: Iterator[tuple[int, Chat]], results: dict[int, Answer | Unanswered]
    ) -> None:
        """Answer requests until none waits, or the budget is spent."""
        while await self._has_room():
            if (item := next(waiting, None)) is None:
                return
            n, chat = item
            self.account.in_flight += 1
            try:
                result = await self.answer(chat)
            finally:
                self.account.in_flight -= 1
                self.changed.set()
            if result is None:
                return
            results[n] = result
            if self.keep is not None and isinstance(result, Answer):
                self.keep(n, result)

    async def _has_room(self) -> bool:
        """Tell whether one more may be sent; wait where that hangs on what others take."""
        while (room := self.account.room()) is None:
            self.changed.clear()
            await self.changed.wait()
        return room

    async def answer(self, chat: Chat) -> Answer | Unanswered | None:
        """Ask until there is an answer, or none is to be expected; None if the time is over."""
        body = self.client.body(chat)
        jitter = random.Random(digest(self.client._seed, body.decode()))  # noqa: S311  no secret
        for n in range(self.server.tries):
            try:
                return await self._once(body)
            except TryAgain as failure:
                reason, unreachable = failure.reason, failure.unreachable
                if self.account.seconds_left() <= (failure.wait or 0.0):
                    return None
                if failure.wait is not None and failure.wait > _MOST_PATIENCE:
                    return Unanswered(f"{reason}: the server asks to wait {failure.wait:.0f} s")
                if n + 1 < self.server.tries:
                    backoff = min(_LONGEST_WAIT, _FIRST_WAIT * 2**n) * (0.5 + jitter.random() / 2)
                    await self._rest(backoff, failure.wait)
        if unreachable and not self.client.spent.answers:
            raise EndpointError(f"{self.server.url}: {reason}; is the server running?")
        return Unanswered(f"{reason}, at each of {self.server.tries} tries")

    async def _rest(self, backoff: float, asked_for: float | None) -> None:
        """Wait; where the server says how long, all other requests wait as well."""
        now = asyncio.get_running_loop().time()
        if asked_for is not None:
            self.free_at = max(self.free_at, now + asked_for)
        await self.client._sleep(max(backoff, asked_for or 0.0))

    async def _turn(self) -> None:
        """Wait until the server takes requests again, and its rate allows for one more."""
        now = asyncio.get_running_loop().time()
        at = max(now, self.free_at)
        if self.server.per_minute is not None:
            self.free_at = at + 60 / self.server.per_minute
        if at > now:
            await self.client._sleep(at - now)

    async def _once(self, body: bytes) -> Answer | Unanswered:
        """Try once. Raises: TryAgain; EndpointError where no request can succeed."""
        await self._turn()
        wave = await self._lane()
        self.client.spent.tries += 1
        try:
            result = self._read(*await self._post(body))
        except _TooBusy:
            self.client.lanes.narrow(wave)
            raise
        finally:
            self.flying -= 1
            self.landed.set()
        self.client.lanes.widen()
        return result

    async def _lane(self) -> int:
        """Wait until fewer tries are under way than may be; return in which wave the next is."""
        lanes = self.client.lanes
        while self.flying >= int(lanes.open):
            self.landed.clear()
            await self.landed.wait()
        self.flying += 1
        return lanes.wave

    async def _post(self, body: bytes) -> "tuple[httpx2.Response, bytes]":
        """Return a response and all that it holds. Raises: TryAgain."""
        import httpx2

        seconds = min(self.server.timeout, self.account.seconds_left())
        try:
            async with (
                self.client._limit(seconds),
                self.http.stream("POST", self.url, content=body) as response,
            ):
                return response, await _read_bounded(response)
        except TimeoutError:
            self._tell_of_timeout()
            raise _TooBusy(f"no answer within {self.server.timeout:g} s") from None
        except httpx2.ConnectError:
            raise TryAgain("nobody answers", unreachable=True) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise TryAgain(f"the connection broke ({type(error).__name__})") from None

    def _tell_of_timeout(self) -> None:
        """Say at once that a first answer did not come in time: it may go on like this for long."""
        if self.client.waited or not self.account.seconds_left():
            return
        self.client.waited = True
        server = self.server
        logging.getLogger("evalharness").warning(
            "%s: no answer within %g s (`timeout`); each request is tried %d times (`tries`), with "
            "fewer than %d at one time (`concurrency`) while the server is slow",
            *(server.url, server.timeout, server.tries, server.concurrency),
        )

    def _read(self, response: "httpx2.Response", content: bytes) -> Answer | Unanswered:
        """Return what a response comes to. Raises: as `_once`."""
        status, body = response.status_code, parse_json(content)
        error = body.get("error") if isinstance(body, dict) else None
        if status == 200 and not error:
            answer = answer_of(body)
            self.client._count(answer)
            return self.client.shown(answer)
        why = explanation(body, self.client._hide)
        code, kind = (error.get("code"), error.get("type")) if isinstance(error, dict) else ("", "")
        if status in _HOPELESS or code in _CODES_HOPELESS:
            hint = _FIELD_HINTS.get(str(error.get("param")), "") if isinstance(error, dict) else ""
            hint = hint or _hint(status, self.server)
            raise EndpointError(f"{self.server.url}: HTTP {status}{hint}{why}")
        if status not in _BUSY and is_too_long(f"{code} {kind} {why}"):
            return Unanswered(TOO_LONG)
        if status in _PASSING or status == 200:
            reason = f"HTTP {status}" if status != 200 else "an error in place of an answer"
            failure = _TooBusy if status in _BUSY else TryAgain
            raise failure(reason, asked_wait(response.headers))
        return Unanswered(f"HTTP {status}{why}")


async def _read_bounded(response: "httpx2.Response") -> bytes:
    """Return what a response holds, unpacked. Raises: TryAgain where it does not end."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            raise TryAgain(f"an answer of more than {LONGEST_ANSWER // 2**20} MiB")
    return bytes(content)


def _hint(status: int, server: Server) -> str:
    if status in (401, 403):
        return f": is the key in {server.key} right?" if server.key else ": no `key` is named"
    if status in (404, 405):
        return f": no chat completions here, or no model {server.model!r}"
    return ""
