"""Summaries from a server: a stand-in that fails as told, and `transformers serve` itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import transformers_serve
from servers.chat import Fields, completion, serving

from evalharness import run
from evalharness.checks.judge.judge import Judge
from evalharness.config.signature import signature_parts
from evalharness.endpoint import Server
from evalharness.errors import EndpointError
from evalharness.models.endpoint import Endpoint
from evalharness.models.prompt import CUT_IN_THOUGHT
from evalharness.records import Article, Summary

KEY = "sk-planted-0123456789"
COPIER = str(Path(__file__).parents[1] / "configs" / "quickstart" / "lead1-llama")


def lead(body: Fields) -> Fields:
    """Answer with the first sentence of what is said."""
    return completion(body["messages"][-1]["content"].split(". ")[0] + ".")


def articles(n: int) -> list[Article]:
    return [Article(str(i), f"It rained on day {i}. The mayor stayed.") for i in range(n)]


def test_summaries_stand_in_order_with_what_is_known_of_them() -> None:
    with serving(lead) as server:
        found = Endpoint(server.url, "m").summarize(articles(20))
    assert found == [
        Summary(str(i), f"It rained on day {i}.", len(a.text), "stop", 3, 7)
        for i, a in enumerate(articles(20))
    ]


def test_temperature_of_zero_is_greedy_and_another_one_needs_sampling() -> None:
    assert Endpoint("http://h/v1", "m", temperature=0) == Endpoint("http://h/v1", "m")
    with pytest.raises(ValueError, match="temperature: is for sampling: add do_sample: true"):
        Endpoint("http://h/v1", "m", temperature=0.5)


def test_request_is_greedy_unless_sampling_is_asked_for() -> None:
    with serving(lead) as server:
        Endpoint(server.url, "m", system="Be brief.", stop=("END",)).summarize(articles(1))
        sampling: dict[str, Any] = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "seed": 3}
        newer: Any = {"cap": "max_completion_tokens", "extra": {"reasoning_effort": "low"}}
        Endpoint(server.url, "m", **newer, **sampling).summarize(articles(1))
        greedy, sampled = server.bodies
    assert [message["role"] for message in greedy["messages"]] == ["system", "user"]
    assert (greedy["max_tokens"], greedy["temperature"], greedy["stop"]) == (256, 0, ["END"])
    assert "seed" not in greedy
    assert (sampled["temperature"], sampled["top_p"], sampled["seed"]) == (0.7, 0.9, 3)
    assert (sampled["max_completion_tokens"], sampled["reasoning_effort"]) == (256, "low")
    assert "max_tokens" not in sampled


@pytest.mark.parametrize(
    ("answer", "finish", "text"),
    [
        (completion("Rain."), "stop", "Rain."),
        (completion("Rain", finish_reason="length"), "length", "Rain"),
        (completion(" \n"), "empty", ""),
        (completion("<think>Snow?</think>\nRain."), "stop", "Rain."),
        (completion("", finish_reason="content_filter"), "error", ""),
        (completion("<think>Is it", finish_reason="length"), "length", ""),
    ],
)
def test_end_of_an_answer_is_told(answer: Fields, finish: str, text: str) -> None:
    with serving(lambda body: answer) as server:
        (found,) = Endpoint(server.url, "m").summarize(articles(1))
    assert (found.finish, found.text) == (finish, text)
    why = {"error": "the server ended the answer: content_filter"}
    if not text:
        why["length"] = CUT_IN_THOUGHT
    assert found.note == why.get(finish, "")


def test_article_that_cannot_be_asked_about_is_listed() -> None:
    with serving(lead) as server:
        titled = Endpoint(server.url, "m", user="{title}: {article}")
        found = titled.summarize([Article("1", " "), Article("2", "Rain."), *articles(1)[:0]])
        assert [s.note for s in found] == [
            "the article has no text",
            "the article has no title, and the prompt asks for one",
        ]
        assert not server.bodies


def test_long_article_is_cut_where_asked_and_said_to_be() -> None:
    with serving(lead) as server:
        cut = Endpoint(server.url, "m", user="{article}", max_characters=7)
        (found,) = cut.summarize(articles(1))
        assert server.bodies[0]["messages"][0]["content"] == "It rain"
    assert found.read == 7


def test_batches_have_every_article_once() -> None:
    for concurrency, n in [(1, 100), (50, 1000), (8, 0)]:
        batches = Endpoint("http://h/v1", "m", concurrency=concurrency).batches(articles(n))
        assert [place for batch in batches for place in batch] == list(range(n))


def test_signature_has_what_changes_a_summary_and_no_patience_or_key() -> None:
    one = signature_parts("endpoint", Endpoint("http://h/v1", "m", key="SOME_KEY"))
    patient = Endpoint("http://h/v1", "m", timeout=9.0, concurrency=1, tries=1, per_minute=3)
    assert signature_parts("endpoint", patient) == one
    assert "SOME_KEY" not in json.dumps(one)
    for other in (
        Endpoint("http://i/v1", "m"),
        Endpoint("http://h/v1", "n"),
        Endpoint("http://h/v1", "m", user="{article}"),
        Endpoint("http://h/v1", "m", extra={"a": 1}),
    ):
        assert signature_parts("endpoint", other) != one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "{summary}"}, r"user: no field \{summary\}"),
        ({"temperature": 0.5}, "temperature: is for sampling"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0 is below 1"),
        ({"stop": ("",)}, "stop: an empty string"),
        ({"url": "localhost"}, "url: 'localhost' is no address"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Endpoint(**{"url": "http://h/v1", "model": "m"} | options)


def test_run_ends_with_every_article_summarized_or_listed_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLANTED", KEY)
    caplog.set_level("DEBUG")
    rows = [{"article": a.text, "reference": "It rained."} for a in articles(60)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    broken = {"on": True}

    def faults(said: str, n: int) -> str:
        return "503" if broken["on"] and "7. The" in said else ""

    with serving(lead, faults) as server:
        model = f"{{name: endpoint, url: '{server.url}', model: m, key: PLANTED, tries: 1}}"
        path = tmp_path / "c.yaml"
        path.write_text(f"data: {{name: files, path: a.jsonl}}\nmodel: {model}\n")
        (first,) = run(path, results=tmp_path / "results")
        counts = first.record["counts"]
        assert (counts["articles"], counts["failed"], counts["summarized"]) == (60, 6, 54)
        assert first.record["outputs"]["errors"] == {"HTTP 503, at each of 1 tries": 6}
        broken["on"] = False
        (second,) = run(path, results=tmp_path / "results")
        assert second.record["counts"]["failed"] == 0
        assert set(server.answered.values()) == {1}
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in files if KEY.encode() in file.read_bytes()]
    assert KEY not in caplog.text


# A real server


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("fastapi", reason="needs: pip install 'transformers[serving]'")
    pytest.importorskip("uvicorn", reason="needs: pip install 'transformers[serving]'")
    log = tmp_path_factory.mktemp("serve") / "log"
    with transformers_serve.serving(COPIER, log) as url:
        yield url


@pytest.mark.slow
def test_real_server_writes_the_summaries_that_the_checkpoint_writes(real: str) -> None:
    some = articles(6)
    found = Endpoint(real, COPIER, max_new_tokens=60, concurrency=3).summarize(some)
    assert [s.text for s in found] == [f"It rained on day {n}." for n in range(6)]
    assert all(s.finish == "stop" and s.tokens and s.tokens_in for s in found)
    (cut,) = Endpoint(real, COPIER, max_new_tokens=5).summarize(some[:1])
    assert (cut.text, cut.finish) == ("It ra", "length")


@pytest.mark.slow
def test_real_server_judges_in_words_and_says_that_it_has_no_probabilities(real: str) -> None:
    pair = Article("1", "It rained."), Summary("1", "It snowed.")
    options: dict[str, Any] = {"prompt": "No. {article} {summary}", "claims": "summary"}
    server = Server(real, COPIER)
    (score,) = Judge(endpoint=server, by="text", **options).score([pair])
    assert score.value == 0
    with pytest.raises(EndpointError, match="gives no probabilities of tokens; set by: text"):
        Judge(endpoint=server, **options).score([pair])


@pytest.mark.slow
def test_real_server_refuses_another_model(real: str) -> None:
    (found,) = Endpoint(real, "another").summarize(articles(1))
    assert found.finish == "error"
    assert found.note.startswith("HTTP 400: Server is pinned to")
