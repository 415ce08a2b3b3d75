"""Which server is asked: its address, key and model, time limits and retries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from evalharness.records import canonical

_SECRET_PARAMETERS = ("key", "token", "secret", "password", "sig")


@dataclass(frozen=True)
class Server:
    """A server, the model on it, and how patiently it is asked.

    url: up to its version: http://localhost:8000/v1.
    model: the name by which the server knows its model.
    key: the environment variable that holds the key; None sends none.
    extra: more fields of each request, as this server knows them (`reasoning_effort: low`).
    timeout: seconds for one try.
    concurrency: the most requests at one time.
    tries: the most tries of a request.
    cap: the field that caps an answer: max_tokens, or max_completion_tokens for OpenAI's newer.
    per_minute: the most requests a minute; None leaves it to the server to say when it is enough.
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

    def __post_init__(self) -> None:
        """Check the options alone. Raises: ValueError."""
        _check_url(self.url)
        if self.key is not None and not self.key.isidentifier():
            raise ValueError("key: should be the name of an environment variable, not the key")
        for name in ("timeout", "concurrency", "tries", "per_minute"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name}: {value} should be above 0")

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
