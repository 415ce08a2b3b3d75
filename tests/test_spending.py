"""Tokens are money: counted, limited, and never spent twice for the same answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from servers.chat import completion, first_token, serving

from evalharness import endpoint, run
from evalharness.endpoint import Account, Chat, Client, Server
from evalharness.errors import BudgetSpent, ConfigError, Exit


def make_config(folder: Path, url: str, n: int, **more: Any) -> Path:
    """Write articles and a config whose judge asks one question an article."""
    rows = [{"article": f"It rained on day {i}.", "summary": f"It snowed {i}."} for i in range(n)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = {"name": "judge", "protocol": "summedits", "endpoint": {"url": url, "model": "m"}}
    judge["endpoint"] |= more.pop("server", {})
    config = {
        "data": {"name": "files", "path": "a.jsonl"},
        "model": "given",
        "metrics": [],
        "checks": [judge | more.pop("judge", {})],
    }
    path = folder / "judge.yaml"
    path.write_text(json.dumps(config | more))
    return path


def answer(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer by the text, with 7 tokens of the prompt and 3 of the answer."""
    sure = int(hashlib.sha256(said_of(body).encode()).hexdigest(), 16) % 9 + 1
    return first_token(Yes=-sure / 10, No=-1.5)


def said_of(body: Mapping[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def samples(folder: Path) -> bytes:
    return (folder / "judge" / "given" / "samples.jsonl").read_bytes()


def test_run_that_is_stopped_by_its_budget_goes_on_with_the_rest(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    with serving(answer) as server:
        path = make_config(tmp_path, server.url, 90, budget={"tokens": 300})
        for n in (30, 60, 90):
            done = command("run", path, "--results", tmp_path / "results", "--no-report")
            assert len(server.bodies) == n
            assert done.returncode == (Exit.GOOD if n == 90 else Exit.INCOMPLETE)
            if n < 90:
                assert "the budget of 300 tokens is spent (300 tokens, 30 answers)" in done.stderr
                gate = command("gate", tmp_path / "results/judge/given", tmp_path / "results/judge")
                assert gate.returncode == Exit.INCOMPLETE
        assert set(server.answered.values()) == {1}
        run(make_config(tmp_path, server.url, 90), results=tmp_path / "whole")
    assert samples(tmp_path / "results") == samples(tmp_path / "whole")


def test_budget_in_usd_counts_at_the_servers_prices(tmp_path: Path) -> None:
    prices = {"price_in": 1000.0, "price_out": 2000.0}  # 7 and 3 tokens: 0.013 USD
    with serving(answer) as server:
        path = make_config(tmp_path, server.url, 40, server=prices, budget={"usd": 0.26})
        with pytest.raises(BudgetSpent, match=r"the budget of 0.26 USD is spent \(200 tokens and"):
            run(path, results=tmp_path / "results")
        assert len(server.bodies) == 20
        without = make_config(tmp_path, server.url, 40, budget={"usd": 0.26})
        with pytest.raises(ConfigError, match=r"budget.usd: no price of http.*: set price_in"):
            run(without, results=tmp_path / "results")
        (whole,) = run(
            make_config(tmp_path, server.url, 40, server=prices), results=tmp_path / "results"
        )
        assert len(server.bodies) == 40
    assert whole.usage["total"].usd == pytest.approx(0.52)
    assert whole.record["timing"]["spent"]["usd"] == pytest.approx(0.26)


def test_thousand_requests_at_a_fifth_of_faults_are_each_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long it waits before it asks again is tested in test_endpoint.
    monkeypatch.setattr(endpoint, "_FIRST_WAIT", 0.01)
    kinds = ("500", "hang up", "truncated", "no json", "429 retry-after=0")

    def faults(said: str, n: int) -> str:
        drawn = int(hashlib.sha256(f"{said} {n}".encode()).hexdigest(), 16)
        return kinds[drawn // 5 % 5] if drawn % 5 == 0 else ""

    with serving(answer, faults) as server:
        options = {"tries": 2, "concurrency": 32}
        path = make_config(tmp_path, server.url, 1000, server=options)
        for _ in range(9):
            (finished,) = run(path, results=tmp_path / "results")
            if not finished.figures["judge"].not_scored:
                break
        failed = sum(n > 1 for n in server.tries.values())
        assert failed > 150
        assert (len(server.answered), set(server.answered.values())) == (1000, {1})
    usage = finished.usage["judge"]
    assert (usage.requests, usage.tokens_in, usage.tokens_out) == (1000, 7000, 3000)
    assert finished.usage["total"] == usage
    with serving(answer) as whole:
        run(make_config(tmp_path, whole.url, 1000), results=tmp_path / "whole")
    assert samples(tmp_path / "results") == samples(tmp_path / "whole")


def test_answers_of_a_score_that_failed_in_part_are_not_asked_for_again(tmp_path: Path) -> None:
    broken = {"on": True}
    facts = completion(json.dumps({"facts": [{"fact": "It rained.", "quote": "It rained"}]}))
    stated = completion(json.dumps({"facts": [{"fact": 1, "sentences": [1]}]}))

    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return facts if "List the key facts" in said_of(body) else stated

    def faults(said: str, n: int) -> str:
        return "500" if broken["on"] and "Key facts:" in said else ""

    with serving(reply, faults) as server:
        options = {"tries": 1}
        judge = {"protocol": "minicheck", "criteria": ["coverage"]}
        path = make_config(tmp_path, server.url, 1, server=options, judge=judge)
        (first,) = run(path, results=tmp_path / "results")
        assert first.figures["judge"].not_scored == 1
        broken["on"] = False
        (second,) = run(path, results=tmp_path / "results")
        assert second.mean("judge") == 1
        assert len(server.answered) == len(server.tries) == 2
        lists = [body for body in server.bodies if "List the key facts" in said_of(body)]
        assert len(lists) == 1


def test_key_facts_serve_all_systems_and_later_runs(tmp_path: Path) -> None:
    rows = [
        {"article": f"Day {i}.", "system": s, "summary": f"{s} {i}."}
        for i in range(3)
        for s in "ab"
    ]
    facts = completion(json.dumps({"facts": [{"fact": "It rained.", "quote": ""}]}))
    stated = completion(json.dumps({"facts": []}))

    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return facts if "List the key facts" in said_of(body) else stated

    with serving(reply) as server:
        for n, system in enumerate("ab", 1):
            own = [row for row in rows if row["system"] == system]
            (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
            path = tmp_path / "judge.yaml"
            path.write_text(
                "data: {name: files, path: a.jsonl}\nmodel: given\nmetrics: []\n"
                f"checks: [{{name: judge, endpoint: {{url: '{server.url}', model: m}}, "
                "criteria: [coverage]}]\n"
            )
            run(path, results=tmp_path / "results")
            lists = [body for body in server.bodies if "List the key facts" in said_of(body)]
            assert (len(lists), len(server.bodies)) == (3, 3 + 3 * n)


def test_usage_stands_in_table_run_json_and_page(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    with serving(answer) as server:
        prices = {"price_in": 1.0, "price_out": 2.0}
        path = make_config(tmp_path, server.url, 3, server=prices)
        done = command("run", path, "--results", tmp_path / "results")
        command("run", path, "--results", tmp_path / "again")
    record = json.loads((tmp_path / "results/judge/given/run.json").read_text())
    row = {"requests": 3, "tokens_in": 21, "tokens_out": 9, "usd": 3.9e-05}
    assert record["usage"] == {"judge": row, "total": row}
    said = "21 tokens of prompts and 9 of answers in 3 requests, 3.9e-05 USD"
    assert said in " ".join(done.stdout.split())
    assert said in (tmp_path / "results/judge/given/report.html").read_text()


def test_summaries_of_a_server_are_counted_and_limited_too(tmp_path: Path) -> None:
    rows = [{"article": f"It rained on day {i}."} for i in range(50)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda body: completion("It rained.")) as server:
        path = tmp_path / "endpoint.yaml"
        path.write_text(
            "data: {name: files, path: a.jsonl}\nmetrics: []\nbudget: {tokens: 200}\n"
            f"model: {{name: endpoint, url: '{server.url}', model: m}}\nchecks: [numbers]\n"
        )
        for n in (20, 40):
            with pytest.raises(BudgetSpent):
                run(path, results=tmp_path / "results")
            assert len(server.bodies) == n
        (finished,) = run(path, results=tmp_path / "results")
        assert (len(server.bodies), set(server.answered.values())) == (50, {1})
    assert finished.usage["summaries"].tokens_in == 350
    assert finished.usage["total"].requests == 50


def test_panel_is_charged_at_the_prices_of_each_judge(tmp_path: Path) -> None:
    with serving(answer) as server:
        other = {"url": server.url, "model": "n", "price_in": 100.0, "price_out": 0.0}
        path = make_config(
            tmp_path, server.url, 2, server={"price_in": 1.0, "price_out": 0.0},
            judge={"panel": [other]},
        )  # fmt: skip
        (finished,) = run(path, results=tmp_path / "results")
    assert finished.usage["judge"].usd == pytest.approx((14 * 1 + 14 * 100) / 1e6)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_budget_is_never_overdrawn_where_requests_take_alike(concurrency: int) -> None:
    with serving(lambda body: completion("yes")) as server:
        asked = Server(server.url, "m", concurrency=concurrency)
        for limit, n in ((10, 1), (19, 1), (100, 10), (105, 10)):
            account = Account(limit)
            results = Client(asked, account=account).ask_some(
                [Chat(f"{limit} {i}") for i in range(30)], 60
            )
            assert sum(result is not None for result in results) == n
            assert account.tokens_in + account.tokens_out <= limit
            with pytest.raises(BudgetSpent):
                Client(asked, account=account).ask([Chat("more")])


def test_gate_limits_tokens_and_seconds_of_an_article(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    with serving(answer) as server:
        path = make_config(tmp_path, server.url, 40)
        run(path, results=tmp_path / "a")
        run(path, results=tmp_path / "b")
        run(path, results=tmp_path / "b")
    rules = tmp_path / "rules.yaml"
    ends = {}
    for name, limit in (
        ("tokens", {"at_most": 10}), ("tokens", {"at_most": 9.5}), ("seconds", {"at_most": 60}),
        ("seconds", {"at_most": 1e-9}),
    ):  # fmt: skip
        rules.write_text(json.dumps({"metrics": {}, "limits": {name: limit}}))
        fresh, stored = (
            command(
                "gate",
                tmp_path / "b/judge/given",
                tmp_path / each / "judge/given",
                "--rules",
                rules,
            )
            for each in "ab"
        )
        ends[name, limit["at_most"]] = (fresh.returncode, stored.returncode)
    assert ends == {
        ("tokens", 10): (Exit.GOOD, Exit.GOOD),
        ("tokens", 9.5): (Exit.FINDING, Exit.FINDING),
        ("seconds", 60): (Exit.GOOD, Exit.INCONCLUSIVE),  # what was stored takes no time
        ("seconds", 1e-9): (Exit.FINDING, Exit.INCONCLUSIVE),
    }


def test_plan_estimates_requests_tokens_and_cost_of_what_is_left(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    with serving(answer) as server:
        prices = {"price_in": 100.0, "price_out": 0.0}
        path = make_config(tmp_path, server.url, 30, server=prices, budget={"tokens": 200})
        planned = command("plan", path, "--results", tmp_path / "results", "--json")
        (asked,) = json.loads(planned.stdout)["asked"].values()
        assert server.bodies == []
        with pytest.raises(BudgetSpent):
            run(path, results=tmp_path / "results")
        sent = sum(len(said_of(body)) for body in server.bodies) * 30 / len(server.bodies)
        run(make_config(tmp_path, server.url, 30, server=prices), results=tmp_path / "results")
        after = command("plan", path, "--results", tmp_path / "results")
    assert (asked["requests"], asked["tokens_out"]) == (30, 30)
    assert asked["tokens_in"] == pytest.approx(sent / 4, rel=0.1)
    assert asked["usd"] == pytest.approx(asked["tokens_in"] / 1e4)
    assert "asked of a model" not in after.stdout


def test_plan_counts_each_question_of_a_judge(tmp_path: Path, command: Callable[..., Any]) -> None:
    judge = {
        "protocol": "minicheck",
        "criteria": ["coverage", "fluency"],
        "by": "text",
        "samples": 3,
    }
    path = make_config(tmp_path, "http://localhost:1/v1", 5, judge=judge)
    done = command("plan", path, "--results", tmp_path / "results")
    assert "asked of a model: judge: 45 requests, about " in done.stdout
