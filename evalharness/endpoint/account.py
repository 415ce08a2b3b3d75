"""What a run may spend on its servers, and what it has spent."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evalharness.endpoint.answers import Answer, Unanswered
from evalharness.endpoint.server import Server
from evalharness.errors import BudgetSpent, ConfigError


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

    def append(self, records: Sequence[tuple[str, Any]]) -> object:
        """Keep records with their keys."""
        ...


class Batches(Protocol):
    """Who has requests answered in batch files."""

    def ask(self, client: Any, bodies: Sequence[bytes]) -> list[Answer | Unanswered]:
        """Return the answers that are here, in order; other requests go into the next file.

        client: a `Client`, which is built on accounts, so that it cannot be named here.
        """
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
