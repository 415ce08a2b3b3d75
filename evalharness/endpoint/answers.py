"""What a server answers: an answer, or why there is none, and what it says of errors and waits."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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


class TooBusy(TryAgain):
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


# In what servers say of a prompt that does not fit (docs/endpoints.md).
_SIGNS_OF_LENGTH = (
    *("context length", "context_length", "context window", "contextwindow", "context size"),
    *("context_size", "too many tokens", "prompt is too long", "input is too long"),
    *("maximum number of tokens", "`inputs` must have less than", "`inputs` tokens +"),
)


def is_too_long(said: str) -> bool:
    """Tell whether a server says that a prompt does not fit."""
    return any(sign in said.lower() for sign in _SIGNS_OF_LENGTH)
