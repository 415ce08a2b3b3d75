"""Reads what a server sends back: the text and why it ended, or what went wrong."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

TOO_LONG = "the prompt is too long for the model"
_MOST_QUOTED = 200


@dataclass(frozen=True)
class Answer:
    """What the model said.

    finish: `stop`, or `length` where the cap on tokens ended it, or the server's own word.
    tokens: for each token of the answer, log-probabilities of what could have stood there, by text;
        empty where the server gives none.
    n_in, n_out: tokens as the server counts them; None where it does not.
    """

    text: str
    finish: str = "stop"
    tokens: tuple[Mapping[str, float], ...] = ()
    n_in: int | None = None
    n_out: int | None = None


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


def parse_json(content: bytes) -> Any:
    """Return a body as JSON; None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def answer_of(body: Any) -> Answer:
    """Return the answer in a body. Raises: TryAgain where it has none."""
    try:
        choice = body["choices"][0]
        text = choice["message"]["content"]
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
    return Answer(text or "", finish, tokens, n_in, n_out)


def _alternatives(token: Mapping[str, Any]) -> dict[str, float]:
    """Return what could have stood at a token's place, with finite log-probabilities."""
    found: dict[str, float] = {}
    for entry in (token, *(token.get("top_logprobs") or ())):
        if math.isfinite(value := float(entry["logprob"])):
            found[str(entry["token"])] = value
    return found


def explanation(body: Any) -> str:
    """Return what a server says of its error, in one line that begins with a colon; or nothing."""
    error = body.get("error", body) if isinstance(body, dict) else None
    said = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    line = " ".join(said.split()) if isinstance(said, str) else ""
    return f": {line[:_MOST_QUOTED]}" if line else ""


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to wait: a number, or a date; None if it does not.

    >>> asked_wait({"retry-after": "3"}), asked_wait({"retry-after": "soon"}), asked_wait({})
    (3.0, None, None)
    """
    asked = headers.get("retry-after")
    if asked is None:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
