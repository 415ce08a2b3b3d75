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
import logging
import math
import os
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalharness.endpoint.account import Account, AnswerLedger, Batches, Spent
from evalharness.endpoint.answers import (
    TOO_LONG,
    Answer,
    TooBusy,
    TryAgain,
    Unanswered,
    answer_of,
    asked_wait,
    explanation,
    is_too_long,
    parse_json,
)
from evalharness.endpoint.server import (
    CHARACTERS_PER_TOKEN,
    Chat,
    Lanes,
    Server,
    completions,
)
from evalharness.errors import EndpointError
from evalharness.files.credentials import make_hider
from evalharness.files.untrusted import LARGEST
from evalharness.records import canonical, digest

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "CHARACTERS_PER_TOKEN",
    "TOO_LONG",
    "Account",
    "Answer",
    "AnswerLedger",
    "Batches",
    "Chat",
    "Client",
    "Lanes",
    "Server",
    "Spent",
    "TryAgain",
    "Unanswered",
    "answer_of",
    "asked_wait",
    "completions",
    "explanation",
    "is_too_long",
    "parse_json",
]

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
        self._key = _key(server)
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


def _key(server: Server) -> str:
    """Return the key that is sent. Raises: EndpointError, which never says what it is."""
    if why := server.key_problem():
        raise EndpointError(f"key: {why}")
    return os.environ[server.key].strip() if server.key else ""


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
        except TooBusy:
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
            raise TooBusy(f"no answer within {self.server.timeout:g} s") from None
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
            failure = TooBusy if status in _BUSY else TryAgain
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
