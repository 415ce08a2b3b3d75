"""Every request ends with an answer or a reason, and the key stays where it is."""

import asyncio
import contextlib
import hashlib
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from at_work import killed_at_end
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.chat import Fields, completion, first_token, serving
from servers.chat import Server as StandIn

from evalharness.endpoint import (
    TOO_LONG,
    Account,
    Answer,
    Chat,
    Client,
    Lanes,
    Server,
    Unanswered,
    answer_of,
    asked_wait,
    completions,
)
from evalharness.errors import BudgetSpent, EndpointError

KEY = "sk-planted-0123456789/abcdef"


class Clock:
    """Notes how long a client would have waited."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


class Limit:
    """Time runs out for the tries that a stand-in holds, once it holds all that are under way.

    So what it does answer is in time, however busy the machine is.
    """

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.running: set[asyncio.Timeout] = set()
        self.n_ended = 0

    @contextlib.asynccontextmanager
    async def __call__(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as limit:
            self.running.add(limit)
            watch = asyncio.create_task(self._watch())
            try:
                yield
            finally:
                watch.cancel()
                self.running.discard(limit)

    async def _watch(self) -> None:
        while True:
            if self.server.held - self.n_ended == len(self.running):
                self._end_all()
            await asyncio.sleep(0.002)

    def _end_all(self) -> None:
        for limit in self.running:
            limit.reschedule(0)
        self.n_ended += len(self.running)
        self.running.clear()


def client(
    url: str, sleep: Clock | None = None, limit: Limit | None = None, **options: Any
) -> Client:
    server = Server(url, "tiny", **options)
    return Client(server, sleep=sleep or Clock(), limit=limit or asyncio.timeout)


def echo(body: Fields) -> Fields:
    return completion(f"heard: {body['messages'][-1]['content']}")


def draw(*what: object) -> float:
    """Return a number from 0 to 1 that depends on its arguments alone."""
    return hashlib.sha256(repr(what).encode()).digest()[0] / 256


FAULTS = (
    *("429", "429 retry-after=0", "500", "503", "408"),
    *("truncated", "slow", "no json", "wrong json", "hang up"),
)


def fifth(said: str, n: int) -> str:
    """Fail one try in five, and every try of one request in a hundred."""
    if int(said.split()[-1]) % 100 == 99:
        return "500"
    kind = FAULTS[int(draw("kind", said, n) * len(FAULTS))]
    return kind if draw("whether", said, n) < 0.2 else ""


@pytest.mark.parametrize("n_requests", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_requests_with_a_fifth_of_faults_are_neither_lost_nor_doubled(n_requests: int) -> None:
    chats = [Chat(f"article {n}") for n in range(n_requests)]
    with serving(echo, fifth) as server:
        results = client(server.url, limit=Limit(server), concurrency=16).ask(chats)
        answered, tries = dict(server.answered), server.tries

    assert len(results) == n_requests
    for n, (chat, result) in enumerate(zip(chats, results, strict=True)):
        if isinstance(result, Answer):
            assert result.text == f"heard: {chat.user}"
            assert answered[chat.user] == 1
        else:
            assert n % 100 == 99
            assert result.reason == "HTTP 500, at each of 6 tries"
            assert chat.user not in answered
    assert sum(isinstance(result, Answer) for result in results) == n_requests * 0.99
    faulty = sum(bool(fifth(said, n + 1)) for said, most in tries.items() for n in range(most))
    assert 0.15 < faulty / sum(tries.values()) < 0.35


@pytest.mark.parametrize("fault", [*FAULTS, "500 |not json either", "502", "504", "529"])
def test_what_may_pass_is_tried_again(fault: str) -> None:
    with serving(echo, lambda said, n: fault if n < 3 else "") as server:
        (answer,) = client(server.url, limit=Limit(server)).ask([Chat("one")])
        assert isinstance(answer, Answer)
        assert answer.text == "heard: one"
        assert server.tries["one"] == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429", "HTTP 429"),
        ("500", "HTTP 500"),
        ("slow", "no answer within 0.2 s"),
        ("truncated", "the connection broke (RemoteProtocolError)"),
        ("hang up", "the connection broke (RemoteProtocolError)"),
        ("no json", "an answer that is no chat completion"),
        ("wrong json", "an answer that is no chat completion"),
        ('200 |{"error": {"message": "overloaded"}}', "an error in place of an answer"),
    ],
)
def test_what_never_passes_is_listed_with_its_reason(fault: str, reason: str) -> None:
    with serving(echo, lambda said, n: fault) as server:
        limit = Limit(server)
        (result,) = client(server.url, limit=limit, timeout=0.2, tries=2).ask([Chat("one")])
    assert result == Unanswered(f"{reason}, at each of 2 tries")


def test_try_ends_when_its_time_is_over() -> None:
    with serving(echo, lambda said, n: "slow") as server:
        (result,) = client(server.url, timeout=0.2, tries=1).ask([Chat("one")])
    assert result == Unanswered("no answer within 0.2 s, at each of 1 tries")


def test_waits_double_and_are_the_same_every_time() -> None:
    clocks = [Clock(), Clock()]
    with serving(echo, lambda said, n: "500") as server:
        for clock in clocks:
            client(server.url, clock).ask([Chat("one")])
    waits = clocks[0].waits
    assert waits == clocks[1].waits
    assert len(waits) == 5
    for n, wait in enumerate(waits):
        assert 0.25 * 2**n <= wait <= 0.5 * 2**n
    assert len({wait / 2**n for n, wait in enumerate(waits)}) == 5  # they are spread


def test_retry_after_is_honoured_by_all() -> None:
    clock = Clock()
    began = time.monotonic()
    with serving(echo, lambda said, n: "429 retry-after=70" if said == "0" and n == 1 else "") as s:
        client(s.url, clock, concurrency=1).ask([Chat(str(n)) for n in range(3)])
    took = time.monotonic() - began
    assert clock.waits[0] == 70  # the one that was told
    assert all(70 - took < wait <= 70 for wait in clock.waits[1:])  # and those that come after
    assert len(clock.waits) == 4


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (asked_wait({"retry-after": soon}) or 0) <= 60
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert asked_wait({"retry-after": past}) == 0
    assert asked_wait({"retry-after": "inf"}) is None


def test_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    clock = Clock()
    with serving(echo, lambda said, n: "429 retry-after=3600") as server:
        (result,) = client(server.url, clock).ask([Chat("one")])
    assert result == Unanswered("HTTP 429: the server asks to wait 3600 s")
    assert clock.waits == []


def test_no_more_than_so_many_at_one_time() -> None:
    with serving(echo) as server:
        client(server.url, concurrency=3).ask([Chat(str(n)) for n in range(60)])
        assert server.most_open <= 3
        assert sum(server.answered.values()) == 60


def test_no_more_than_so_many_a_minute() -> None:
    clock = Clock()
    began = time.monotonic()
    with serving(echo) as server:
        client(server.url, clock, per_minute=1, concurrency=1).ask([Chat(str(n)) for n in "abc"])
    took = time.monotonic() - began
    second, third = clock.waits
    assert 60 - took < second <= 60
    assert 120 - took < third <= 120


@pytest.mark.parametrize("status", [301, 307, 401, 402, 403, 404, 405])
def test_what_cannot_pass_ends_the_work_at_once(status: int) -> None:
    with serving(echo, lambda said, n: f"{status}" if said == "7" else "") as server:
        with pytest.raises(EndpointError, match=rf"^http://127\S+/v1: HTTP {status}"):
            client(server.url, concurrency=2).ask([Chat(str(n)) for n in range(100)])
        assert server.tries["7"] == 1
        assert sum(server.tries.values()) < 20


def test_spent_quota_is_no_passing_429() -> None:
    fault = '429 |{"error": {"code": "insufficient_quota", "message": "You are out."}}'
    with serving(echo, lambda said, n: fault) as server:
        with pytest.raises(EndpointError, match=r"HTTP 429: You are out\."):
            client(server.url).ask([Chat("one")])
        assert server.tries["one"] == 1


def test_nobody_there_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EndpointError, match="nobody answers; is the server running"):
        client(f"http://127.0.0.1:{port}/v1").ask([Chat("one"), Chat("two")])


def test_bad_request_is_not_repeated_and_is_explained() -> None:
    fault = '400 |{"error": {"message": "unknown\\n field"}}'
    with serving(echo, lambda said, n: fault if said == "one" else "") as server:
        results = client(server.url).ask([Chat("one"), Chat("two")])
        assert results[0] == Unanswered("HTTP 400: unknown field")
        assert isinstance(results[1], Answer)
        assert server.tries["one"] == 1
        with pytest.raises(EndpointError, match="every request failed: HTTP 400: unknown field"):
            client(server.url).ask([Chat("one"), Chat("one")])


def test_few_bad_requests_do_not_end_the_work_and_a_server_that_goes_down_does() -> None:
    with serving(echo, lambda said, n: "500" if said.startswith("bad") else "") as server:
        asking = client(server.url, tries=2)
        asking.ask([Chat("good")])
        assert len(asking.ask([Chat(f"bad {n}") for n in range(4)])) == 4
        with pytest.raises(EndpointError, match="every request failed: HTTP 500, at each of 2"):
            asking.ask([Chat(f"bad {n}") for n in range(20)])


def test_prompts_that_are_all_too_long_are_each_listed() -> None:
    fault = '400 |{"error": {"code": "context_length_exceeded", "message": "8192 is the most"}}'
    with serving(echo, lambda said, n: fault) as server:
        assert client(server.url).ask([Chat("a"), Chat("b")]) == [Unanswered(TOO_LONG)] * 2


def test_request_has_all_fields_and_answer_all_that_is_known() -> None:
    chat = Chat("Is it?", "Be brief.", {"max_tokens": 1, "logprobs": True, "top_logprobs": 2})
    with serving(lambda body: first_token(Yes=-0.25, No=-1.5)) as server:
        asking = client(server.url, extra={"reasoning_effort": "low"})
        (answer,) = asking.ask([chat])
        (body,) = server.bodies
    assert answer == Answer("Yes", "length", ({"Yes": -0.25, "No": -1.5},), 7, 3)
    assert body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Is it?"},
        ],
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 2,
        "reasoning_effort": "low",
    }
    assert (asking.spent.answers, asking.spent.tokens_in, asking.spent.tokens) == (1, 7, 3)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"choices": []},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": {"content": "a"}, "finish_reason": 3}]},
        {"choices": [{"message": {"content": "a"}, "logprobs": {"content": [{"token": "a"}]}}]},
        {"choices": [{"message": {"content": "a"}, "logprobs": {"content": [3]}}]},
        {"choices": [{"message": {"content": "a"}, "logprobs": 3}]},
        {"choices": [{"message": None}]},
    ],
)
def test_malformed_answers_are_no_answers(body: Any) -> None:
    with serving(lambda _: body) as server:
        (result,) = client(server.url, tries=1).ask([Chat("one")])
    assert result == Unanswered("an answer that is no chat completion, at each of 1 tries")


# Ends of answers as servers name them; where each is documented stands in docs/endpoints.md.
@pytest.mark.parametrize(
    ("named", "means"),
    [
        *((name, "stop") for name in ("stop", "STOP", "eos_token", "stop_sequence", "end_turn")),
        *((name, "length") for name in ("length", "MAX_TOKENS", "model_length")),
        ("content_filter", "content_filter"),
        ("abort", "abort"),
        (None, "stop"),
    ],
)
def test_ends_of_answers_as_servers_name_them(named: str | None, means: str) -> None:
    assert answer_of(completion("Rain.", finish_reason=named)).finish == means


def test_thoughts_apart_from_the_text_are_noticed_under_both_their_names() -> None:
    for name in ("reasoning", "reasoning_content"):
        message = {"role": "assistant", "content": None, name: "Is it rain?"}
        answer = answer_of({"choices": [{"message": message, "finish_reason": "length"}]})
        assert (answer.text, answer.thought) == ("", True)
    assert not answer_of(completion("Rain.")).thought


# What servers answer to a prompt that does not fit (docs/endpoints.md).
TOO_LONG_FOR = {
    "OpenAI, Azure": (400, {"error": {"code": "context_length_exceeded", "message": "This model's "
        "maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."}}),
    "vLLM": (400, {"error": {"message": "This model's maximum context length is 2048 tokens.",
        "type": "BadRequestError", "param": None, "code": 400}}),
    "llama.cpp": (400, {"error": {"code": 400, "message": "the request exceeds the available "
        "context size, try increasing it", "type": "exceed_context_size_error",
        "n_prompt_tokens": 1407, "n_ctx": 256}}),
    "llama.cpp of 2025": (500, {"error": {"code": 500, "message": "the request exceeds the "
        "available context size. try increasing the context size or enable context shift",
        "type": "exceed_context_size_error", "n_prompt_tokens": 1407, "n_ctx": 256}}),
    "TGI": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= "
        "2048. Given: 1887 `inputs` tokens and 1024 `max_new_tokens`", "error_type": "validation"}),
    "Anthropic": (400, {"error": {"type": "invalid_request_error",
        "message": "prompt is too long: 210000 tokens > 200000 maximum"}}),
    "Google": (400, [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input "
        "token count (1100000) exceeds the maximum number of tokens allowed (1048576)."}}]),
    "LiteLLM": (400, {"error": {"message": "litellm.ContextWindowExceededError: too long",
        "type": None, "param": None, "code": "400"}}),
}  # fmt: skip


@pytest.mark.parametrize("server_name", TOO_LONG_FOR)
def test_prompts_too_long_are_known_by_what_servers_say_and_not_tried_again(
    server_name: str,
) -> None:
    status, body = TOO_LONG_FOR[server_name]
    with serving(echo, lambda said, n: f"{status} |{json.dumps(body)}") as server:
        assert client(server.url).ask([Chat("a"), Chat("b")]) == [Unanswered(TOO_LONG)] * 2
        assert sum(server.tries.values()) == 2


def test_busy_server_that_speaks_of_tokens_is_asked_again() -> None:
    body = {"message": "Too many tokens, please wait before trying again."}
    with serving(echo, lambda said, n: f"429 |{json.dumps(body)}" if n == 1 else "") as server:
        (answer,) = client(server.url).ask([Chat("a")])
    assert isinstance(answer, Answer)


@pytest.mark.parametrize(
    ("param", "advice"),
    [("max_tokens", "cap: max_completion_tokens"), ("temperature", "extra: {temperature: 1}")],
)
def test_field_that_a_model_does_not_take_ends_the_work_with_advice(
    param: str, advice: str
) -> None:
    error = {"message": f"Unsupported: {param!r}", "param": param, "code": "unsupported_parameter"}
    with serving(echo, lambda said, n: f"400 |{json.dumps({'error': error})}") as server:
        with pytest.raises(EndpointError, match=re.escape(f"HTTP 400: set `{advice}`: Unsupp")):
            client(server.url).ask([Chat("a")])
        assert sum(server.tries.values()) == 1


def test_waits_are_read_from_the_headers_of_each_vendor() -> None:
    assert asked_wait({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    reset = {"x-ratelimit-reset-requests": "1m2s", "x-ratelimit-reset-tokens": "20ms"}
    used_up = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}
    assert asked_wait(reset | used_up) == 62
    assert asked_wait(reset | {"x-ratelimit-remaining-tokens": "0"}) == pytest.approx(0.02)
    assert asked_wait(reset | {"x-ratelimit-remaining-tokens": "7"}) is None


def test_server_with_one_slot_is_asked_one_by_one_soon() -> None:
    """It turns away whoever comes while it is at work, as a full queue does."""
    slot = threading.Lock()

    def turn_away(said: str, n: int) -> str:
        return "" if slot.acquire(blocking=False) else "503"

    def work(body: Fields) -> Fields:
        time.sleep(0.01)
        slot.release()
        return echo(body)

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds / 50)

    with serving(work, turn_away) as server:
        asked = Client(Server(server.url, "m", concurrency=16, tries=20), sleep=wait)
        results = asked.ask([Chat(str(n)) for n in range(60)])
        assert all(isinstance(result, Answer) for result in results)
        assert asked.lanes.open < 4
        assert sum(server.tries.values()) < 60 + 16 + 60 / 2


def test_lanes_are_halved_once_a_wave_and_open_again_one_by_one() -> None:
    lanes = Lanes(8)
    for _ in range(8):
        lanes.narrow(0)
    assert lanes.open == 4
    lanes.narrow(lanes.wave)
    assert lanes.open == 2
    for _ in range(10):
        lanes.widen()
    assert 2.9 < lanes.open < 3.2
    for _ in range(200):
        lanes.widen()
    assert lanes.open == 8


def test_first_timeout_is_said_at_once_and_once(caplog: pytest.LogCaptureFixture) -> None:
    said = []
    with serving(echo, lambda text, n: "slow" if n == 1 else "") as server:

        def noted(seconds: float) -> Any:
            said.append(len(caplog.records))
            return asyncio.sleep(0)

        asked = Client(Server(server.url, "m", timeout=0.3, concurrency=2), sleep=noted)
        asked.ask([Chat(str(n)) for n in range(4)])
    (record,) = caplog.records
    assert said[0] == 1  # before the first wait
    assert record.getMessage().startswith(f"{server.url}: no answer within 0.3 s (`timeout`)")


def test_time_limit_ends_the_work_and_keeps_what_was_answered() -> None:
    with serving(echo, lambda said, n: "" if said in "01" else "slow") as server:
        account = Account(seconds=1.5)
        asked = Client(Server(server.url, "m", concurrency=2), account=account)
        results = asked.ask_some([Chat(str(n)) for n in range(9)], 60)
        assert [isinstance(result, Answer) for result in results] == [True] * 2 + [False] * 7
        assert results[2:] == [None] * 7
        with pytest.raises(BudgetSpent, match=r"the budget of 1.5 s is spent \(20 tokens, 2 ans"):
            asked.ask_some([Chat("more")], 60)


def test_answer_without_usage_finish_or_text_is_an_answer() -> None:
    with serving(lambda _: {"choices": [{"message": {"content": None}}], "usage": None}) as server:
        assert client(server.url).ask([Chat("one")]) == [Answer("")]


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "𝔘 ☃ \u202e", "a" * 1_000_000])
def test_any_text_can_be_asked(text: str) -> None:
    with serving(echo) as server:
        (answer,) = client(server.url).ask([Chat(text)])
    assert isinstance(answer, Answer)
    assert answer.text == f"heard: {text}"


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from("abcde"), max_size=8))
def test_answers_stand_in_the_order_of_the_requests(said: list[str]) -> None:
    with serving(echo, lambda text, n: "500" if draw(text, n) < 0.3 else "") as server:
        found = client(server.url, tries=30, concurrency=4).ask([Chat(text) for text in said])
    assert [a.text for a in found if isinstance(a, Answer)] == [f"heard: {text}" for text in said]


def test_asking_works_within_a_running_loop() -> None:
    with serving(echo) as server:

        async def notebook() -> Any:
            return client(server.url).ask([Chat("one")])

        assert asyncio.run(notebook()) == [Answer("heard: one", n_in=7, n_out=3)]


def test_key_is_sent_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLANTED", KEY)
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    faults = {
        "wrong": f'400 |{{"error": {{"message": "no key {KEY} here"}}}}',
        "hopeless": f'401 |{{"error": {{"message": "Incorrect key: {KEY}"}}}}',
        "escaped": "400 |" + json.dumps({"message": f"key {KEY}"}).replace("/", "\\/"),
        "broken": "hang up",
    }
    with serving(lambda body: completion(f"my key is {KEY}"), lambda s, n: faults.get(s, "")) as s:
        asking = client(s.url, key="PLANTED", tries=2)
        seen += [repr(asking.ask([Chat("one")])), repr(asking), repr(asking.server)]
        assert s.headers[0]["authorization"] == f"Bearer {KEY}"
        seen += [repr(asking.ask([Chat(fault)])) for fault in ("wrong", "escaped", "broken")]
        with pytest.raises(EndpointError) as raised:
            asking.ask([Chat("hopeless")])
        seen += traceback.format_exception(raised.value)
    assert any("my key is [key]" in text for text in seen)
    assert not [text for text in [*seen, caplog.text] if KEY in text or KEY[3:] in text]


@pytest.mark.parametrize("value", [None, "", "  ", "sk-secret\nX: y", "sk-secret-é"])
def test_key_that_cannot_be_sent_is_refused_unseen(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLANTED", raising=False)
    if value is not None:
        monkeypatch.setenv("PLANTED", value)
    with pytest.raises(EndpointError, match="PLANTED") as raised:
        client("http://127.0.0.1:1/v1", key="PLANTED")
    assert "secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "localhost:8000"}, "no address such as"),
        ({"url": "ftp://host/v1"}, "no address such as"),
        ({"url": "http://me:secret@host/v1"}, "name an environment variable under `key`"),
        ({"url": "http://host/v1?api_key=secret"}, "name an environment variable under `key`"),
        ({"key": "sk-secret-1"}, "the name of an environment variable"),
        ({"timeout": 0.0}, "timeout: 0.0 should be above 0"),
        ({"concurrency": 0}, "concurrency: 0"),
        ({"tries": -1}, "tries: -1"),
        ({"per_minute": 0}, "per_minute: 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        Server(**{"url": "http://host/v1", "model": "m"} | options)
    assert "secret" not in str(raised.value)


def test_address_of_the_completions_keeps_what_belongs_to_it() -> None:
    for url in ("http://h/v1", "http://h/v1/", "http://h/v1/chat/completions"):
        assert completions(url) == "http://h/v1/chat/completions"


def test_server_over_tls_has_to_prove_who_it_is() -> None:
    assert all(Server(url, "m").secure for url in ("https://h/v1", "HTTPS://h/v1"))
    assert not Server("http://h/v1", "m").secure


def test_identity_has_no_patience_in_it() -> None:
    one = Server("http://h/v1", "m", timeout=1.0, tries=2, key="K").identity()
    assert one == Server("http://h/v1", "m").identity()
    assert one != Server("http://h/v1", "m", extra={"seed": 1}).identity()


def test_interrupt_does_not_wait_for_slow_answers(tmp_path: Path) -> None:
    """Ctrl-C ends the process although the server holds every request, and goes on holding it."""
    code = (
        "import sys\n"
        "from evalharness.endpoint import Chat, Client, Server\n"
        "Client(Server(sys.argv[1], 'm')).ask([Chat(str(n)) for n in range(20)])\n"
    )
    with serving(echo, lambda said, n: "slow") as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, server.url], stderr=subprocess.PIPE, text=True
        )
        with killed_at_end(process):
            while server.held < 8:
                assert process.poll() is None, process.communicate()
                server.ending.wait(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
        assert "KeyboardInterrupt" in err
        assert server.open == 8
        assert Counter(server.tries.values()) == {1: 8}


def test_answer_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalharness.endpoint.LONGEST_ANSWER", 2**20)
    with serving(lambda body: completion("x" * 2**22)) as server:
        (answer,) = client(server.url, tries=2).ask([Chat("Go on.")])

    assert answer == Unanswered("an answer of more than 1 MiB, at each of 2 tries")
