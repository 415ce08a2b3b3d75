"""Batch files give what online requests give, whatever ends a run between two steps."""

import json
import pathlib
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from servers import batch, chat
from test_spending import answer, make_config, said_of, samples

from evalharness import run
from evalharness.endpoint import Chat, Client, Server
from evalharness.errors import ConfigError, EndpointError, Exit
from evalharness.store.runs import Run

MOST_RUNS = 9
# So many steps of a run of 500 requests are tried, each with a process that is killed there.
KILLS = 24


def each_step(n: int) -> list[Any]:
    """Return the numbers of some steps; all but each fifth take long together."""
    return [k if k % 5 == 1 else pytest.param(k, marks=pytest.mark.slow) for k in range(1, n + 1)]


def batch_config(folder: Path, url: str, n: int, size: int, **more: Any) -> Path:
    return make_config(folder, url, n, server={"batch": "openai", "batch_requests": size}, **more)


def online(folder: Path, n: int) -> bytes:
    """Return the samples of the same run with a request at a time."""
    with chat.serving(answer) as server:
        run(make_config(folder, server.url, n), results=folder / "online")
    return samples(folder / "online")


def run_to_end(path: Path, results: Path) -> Run:
    """Run again and again, as people do, until every summary has a score."""
    for _ in range(MOST_RUNS):
        (finished,) = run(path, results=results)
        if not finished.figures["judge"].not_scored:
            return finished
    raise AssertionError(finished.figures["judge"].notes)


def test_five_hundred_requests_in_three_files_give_what_they_give_online(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    with batch.serving(answer, looks=3) as server:
        path = batch_config(tmp_path, server.url, 500, 200)
        done = command("run", path, "--results", tmp_path / "results", "--no-report")
        assert done.returncode == Exit.INCOMPLETE
        assert "put into a batch file" in done.stdout
        sizes = sorted(content.count(b"\n") for content in server.files.values())
        assert sizes == [100, 200, 200]
        (waiting,) = run(path, results=tmp_path / "results")
        assert {"no answer: batch batch_1: in_progress; the same command takes the answers"} <= set(
            waiting.figures["judge"].notes
        )
        finished = run_to_end(path, tmp_path / "results")
        assert len(server.batches) == 3
        calls = len(server.calls)
        run(path, results=tmp_path / "results")
        assert len(server.calls) == calls  # all is in the store
        assert (len(server.answered), set(server.answered.values())) == (500, {1})
    assert finished.usage["judge"].tokens_in == 3500
    assert samples(tmp_path / "results") == online(tmp_path, 500)


def test_line_of_a_request_is_as_documented(tmp_path: Path) -> None:
    with batch.serving(answer) as server:
        run(batch_config(tmp_path, server.url, 1, 10), results=tmp_path / "results")
        line = json.loads(server.files["file-1"])
        (asked,) = server.batches.values()
    assert set(line) == {"custom_id", "method", "url", "body"}
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert (line["body"]["model"], line["body"]["logprobs"]) == ("m", True)
    assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("n", each_step(16))
def test_connection_that_breaks_at_any_call_costs_no_request_twice(
    n: int, when: str, tmp_path: Path
) -> None:
    with batch.serving(answer) as server:
        server.fails = lambda call, number: when if number == n else ""
        path = batch_config(tmp_path, server.url, 9, 4)
        ended = 0
        for _ in range(MOST_RUNS):
            try:
                (finished,) = run(path, results=tmp_path / "results")
            except EndpointError:
                ended += 1
                continue
            if not finished.figures["judge"].not_scored:
                break
        assert finished.figures["judge"].not_scored == 0
        assert ended == (1 if n <= len(server.calls) else 0)
        assert (len(server.sent), set(server.sent.values())) == (9, {1})
    assert samples(tmp_path / "results") == online(tmp_path, 9)


@pytest.mark.parametrize("n", each_step(22))
def test_run_that_is_killed_between_any_two_writes_goes_on(
    n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pathlib.Path.replace
    counted = 0

    def replace(path: Path, target: Any) -> Any:
        nonlocal counted
        counted += 1
        if counted == n:
            raise KeyboardInterrupt
        return own(path, target)

    with batch.serving(answer) as server:
        path = batch_config(tmp_path, server.url, 9, 4)
        monkeypatch.setattr(pathlib.Path, "replace", replace)
        for _ in range(MOST_RUNS):
            try:
                (finished,) = run(path, results=tmp_path / "results")
            except KeyboardInterrupt:
                continue
            if not finished.figures["judge"].not_scored:
                break
        assert counted >= n
        assert finished.figures["judge"].not_scored == 0
        assert (len(server.sent), set(server.sent.values())) == (9, {1})
    monkeypatch.setattr(pathlib.Path, "replace", own)
    assert samples(tmp_path / "results") == online(tmp_path, 9)


# Runs the command and kills its own process, as by `kill -9`, before the given step: what opens a
# file of the results to write, renames one, or connects to the server. 0 kills nothing, and the
# last line then says how many steps there were.
KILLED = """
import os, signal, sys
results, at, seen = sys.argv[1], int(sys.argv[2]), 0

def watch(event, args):
    global seen
    if event == "open":
        flags = args[2] or 0
        is_step = str(args[0]).startswith(results) and flags & (os.O_WRONLY | os.O_RDWR)
    else:
        is_step = event in ("os.rename", "socket.connect")
    seen += bool(is_step)
    if is_step and seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

from evalharness.cli import main
sys.argv = ["evalharness", "run", sys.argv[3], "--results", results, "--no-report"]
sys.addaudithook(watch)
try:
    main()
finally:
    print(seen)
"""


def run_killed(path: Path, results: Path, step: int) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own, which is killed before a step."""
    command = [sys.executable, "-c", KILLED, str(results), str(step), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_five_hundred_requests_in_three_files_killed_at_any_step_give_what_they_give_online(
    tmp_path: Path,
) -> None:
    steps: list[tuple[int, int]] = []  # number of the run, and its step
    expected = online(tmp_path, 500)
    with batch.serving(answer) as server:
        path = batch_config(tmp_path, server.url, 500, 200)
        for n in range(2):
            done = run_killed(path, tmp_path / "whole", 0)
            assert done.returncode == (Exit.GOOD if n else Exit.INCOMPLETE), done.stderr
            steps += [(n, step) for step in range(1, int(done.stdout.split()[-1]) + 1)]
    assert samples(tmp_path / "whole") == expected

    for n, step in random.Random(18).sample(steps, KILLS):
        results = tmp_path / f"{n}-{step}"
        with batch.serving(answer) as server:
            path = batch_config(tmp_path, server.url, 500, 200)
            for _ in range(n):
                run(path, results=results)
            assert run_killed(path, results, step).returncode == -signal.SIGKILL
            run_to_end(path, results)
            assert (len(server.sent), set(server.sent.values())) == (500, {1}), (n, step)
        assert samples(results) == expected, (n, step)


@pytest.mark.parametrize("fate", ["expired", "500", "429", "missing"])
def test_what_expired_or_failed_for_now_is_sent_again_and_nothing_else(
    fate: str, tmp_path: Path
) -> None:
    def becomes(body: Mapping[str, Any], n: int) -> str:
        return (
            fate
            if n == 1 and int(said_of(body).partition("on day ")[2].partition(".")[0]) % 3 == 0
            else ""
        )

    with batch.serving(answer, becomes) as server:
        path = batch_config(tmp_path, server.url, 12, 5)
        run_to_end(path, tmp_path / "results")
        assert (len(server.answered), set(server.answered.values())) == (12, {1})
        assert sorted(server.sent.values()) == [1] * 8 + [2] * 4
    assert samples(tmp_path / "results") == online(tmp_path, 12)


def test_request_that_is_refused_has_its_reason_and_is_not_sent_again(tmp_path: Path) -> None:
    def fate(body: Mapping[str, Any], n: int) -> str:
        return "400" if "on day 1." in said_of(body) else ""

    with batch.serving(answer, fate) as server:
        path = batch_config(tmp_path, server.url, 4, 9)
        for _ in range(3):
            (finished,) = run(path, results=tmp_path / "results")
        assert set(server.sent.values()) == {1}
    assert finished.figures["judge"].notes == {"no answer: HTTP 400: refused with 400": 1}


def test_batch_that_fails_ends_the_run_with_what_the_server_says(tmp_path: Path) -> None:
    with batch.serving(answer, looks=9) as server:
        path = batch_config(tmp_path, server.url, 2, 9)
        run(path, results=tmp_path / "results")
        said = {"status": "failed", "errors": {"data": [{"message": "no such model"}]}}
        server.batches["batch_1"] |= said
        with pytest.raises(EndpointError, match="batch batch_1 failed: no such model; mend that"):
            run(path, results=tmp_path / "results")


def test_server_without_the_api_has_its_files_sent_by_hand(tmp_path: Path) -> None:
    with batch.serving(answer) as server:
        server.no_api = True
        path = batch_config(tmp_path, server.url, 3, 9)
        run(path, results=tmp_path / "results")
        (waiting,) = run(path, results=tmp_path / "results")
        (note,) = waiting.figures["judge"].notes
        (requests,) = (tmp_path / "results").rglob("*.requests.jsonl")
        output = requests.with_name(requests.name.replace(".requests", ".output"))
        assert note.startswith(f"no answer: send {requests} and put the answers at {output}")
        lines = [json.loads(line) for line in requests.read_text().splitlines()]
        output.write_text(
            "".join(
                json.dumps({"custom_id": line["custom_id"],
                            "response": {"status_code": 200, "body": answer(line["body"])}}) + "\n"
                for line in lines[::-1]
            )
        )  # fmt: skip
        run_to_end(path, tmp_path / "results")
    assert samples(tmp_path / "results") == online(tmp_path, 3)


def test_key_facts_and_summaries_go_through_batches_round_by_round(tmp_path: Path) -> None:
    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        if "List the key facts" in said_of(body):
            return chat.completion('{"facts": [{"fact": "It rained.", "quote": ""}]}')
        if "Key facts:" in said_of(body):
            return chat.completion('{"facts": [{"fact": 1, "sentences": [1]}]}')
        return chat.completion("It rained.")

    with batch.serving(reply) as server:
        rows = [{"article": f"It rained on day {i}."} for i in range(3)]
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        named = f"{{url: '{server.url}', model: m, batch: openai}}"
        path = tmp_path / "judge.yaml"
        path.write_text(
            f"data: {{name: files, path: a.jsonl}}\nmetrics: []\n"
            f"model: {{name: endpoint, url: '{server.url}', model: m, batch: openai}}\n"
            f"checks: [{{name: judge, criteria: [coverage], endpoint: {named}}}]\n"
        )
        for _ in range(MOST_RUNS):
            (finished,) = run(path, results=tmp_path / "results")
            if finished.counts.failed == 0 and not finished.figures["judge"].not_scored:
                break
        assert finished.mean("judge") == 1
        assert (len(server.batches), set(server.sent.values())) == (3, {1})


def test_batches_are_refused_where_they_cannot_be(tmp_path: Path) -> None:
    path = batch_config(tmp_path, "http://localhost:1/v1", 2, 9, budget={"tokens": 5})
    with pytest.raises(ConfigError, match="budget: is for requests that are sent one by one"):
        run(path, results=tmp_path / "results")
    with pytest.raises(EndpointError, match="batch: is for `evalharness run`"):
        Client(Server("http://localhost:1/v1", "m", batch="openai")).ask([Chat("?")])
