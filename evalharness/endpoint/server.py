"""A server: where it is, what it is asked and costs, and how many requests it gets at one time."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from evalharness.files.credentials import find_credential
from evalharness.protocols import RequestEstimate
from evalharness.records import canonical

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

    def key_problem(self) -> str:
        """Return why there is no key that can be sent, without saying what it is; else nothing."""
        if self.key is None:
            return ""
        key = os.environ.get(self.key, "").strip()
        if not key:
            return f"the environment variable {self.key} is not set"
        is_sendable = key.isascii() and key.isprintable()
        return "" if is_sendable else f"{self.key} holds characters that no header can carry"

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
