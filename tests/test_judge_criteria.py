"""What a judge is asked beside consistency: criteria, key facts, omissions, samples, examples."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from neural import decoders
from servers.chat import completion, first_token, serving

from evalharness import check, run
from evalharness.checks.judge.criteria import RATED, Criterion
from evalharness.checks.judge.judge import Judge
from evalharness.checks.judge.presets import presets
from evalharness.checks.judge.scoring import OUT_OF_FORM
from evalharness.config.calibration import own_thresholds
from evalharness.config.registry import BUILT_IN, gives_verdict, tells_truth
from evalharness.config.signature import signature_parts, signature_text
from evalharness.endpoint import Server
from evalharness.protocols import Pair
from evalharness.records import Article, Flag, Score, Span, Summary
from evalharness.report.gathered import gather

COPIER = str(Path(__file__).parents[1] / "configs" / "quickstart" / "lead1-llama")
ARTICLE = "It rained in York on Monday. The mayor closed two bridges. Schools stay open."
SUMMARY = "The mayor of York closed two bridges. It is a pity."


def pair(article: str = ARTICLE, summary: str = SUMMARY, *references: str) -> Pair:
    return Article("1", article, references), Summary("1", summary)


def remote(url: str, **more: Any) -> Judge:
    return Judge(endpoint=Server(url, "big", tries=1), **more)


def said_of(body: Mapping[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


# Criteria


@pytest.mark.parametrize("criterion", list(RATED))
def test_criterion_is_rated_by_expectation_after_article_and_summary(criterion: str) -> None:
    reply = first_token(**{"4": math.log(0.5), "5": math.log(0.25), "x": math.log(0.25)})
    with serving(lambda body: reply) as server:
        (score,) = remote(server.url, criteria=(criterion,)).score([pair()])
        (body,) = server.bodies
    expected = (4 * 2 + 5) / 3
    assert score.value == pytest.approx((expected - 1) / 4)
    assert score.parts[criterion] == score.value
    assert score.parts["rating"] == pytest.approx(expected)
    asked = said_of(body)
    assert asked.index(ARTICLE) < asked.index(SUMMARY) < asked.index(RATED[criterion])  # type: ignore[index]


def test_several_criteria_share_the_beginning_of_the_prompt_and_are_parts() -> None:
    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return first_token(**{"5" if "Fluency" in said_of(body) else "2": -0.01})

    with serving(reply) as server:
        (score,) = remote(server.url, criteria=("fluency", "coherence")).score([pair()])
        one, other = map(said_of, server.bodies)
    assert (score.parts["fluency"], score.parts["coherence"]) == (1.0, 0.25)
    assert score.value == 0.625
    assert score.parts["requests"] == 2
    shared = f"Article:\n{ARTICLE}\n\nSummary:\n{SUMMARY}\n\n"
    head = one[: one.index(shared) + len(shared)]
    assert other.startswith(head)


def test_own_criterion_is_rated_on_its_own_scale() -> None:
    own = Criterion(
        "child", "A child of ten {understands} it.".replace("{", "").replace("}", ""), (0, 10)
    )
    with serving(lambda body: completion("7")) as server:
        (score,) = remote(server.url, criteria=(own,), by="text").score([pair()])
        assert "from 0 (not at all) to 10 (entirely)" in said_of(server.bodies[0])
    assert (score.value, score.parts["child"], score.parts["rating"]) == (0.7, 0.7, 7)


def test_own_prompt_has_the_reference_and_lacks_a_score_where_there_is_none() -> None:
    prompt = "{article}|{summary}|{reference}"
    with serving(lambda body: first_token(Yes=-0.1)) as server:
        judge = remote(server.url, prompt=prompt, claims="summary")
        with_one, without = judge.score([pair("A.", "B.", "C.", "D."), pair("A.", "B.")])
        assert [said_of(body) for body in server.bodies] == ["A.|B.|C."]
    assert with_one.value == 1
    assert without.note == "the article has no reference, and the prompt asks for one"
    assert judge.needs == {"article", "references"}
    assert remote("http://h/v1").needs == {"article"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criteria": ("beauty",)}, "criteria: no criterion 'beauty'; there are consistency, "),
        ({"criteria": ()}, "criteria: name one at the least"),
        ({"criteria": ("fluency", "fluency")}, "criteria: 'fluency' stands twice"),
        (
            {"criteria": ("fluency",), "prompt": "{article} {summary}"},
            "criteria: say what is asked",
        ),
        ({"prompt": "{article} {summary} {other}"}, "prompt: {other} is the other summary of"),
        ({"prompt": "{article} {summary} {score}"}, "prompt: no field {score}"),
        ({"scale": (0, 9)}, "scale: is for a prompt of your own"),
        ({"samples": 3}, "samples: probabilities are not drawn; set by: text or json"),
        ({"samples": 3, "by": "text", "temperature": 0.0}, "samples: at temperature 0"),
        ({"shots": 2}, "shots: name the file"),
        (
            {"prompt": "{article} {summary}", "answers": "1-5", "scale": (0, 100)},
            "by: ratings above 9 are no single token",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        remote("http://h/v1", **options)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a b", "text": "x"}, "criteria: 'a b' is no name"),
        ({"name": "fluency", "text": "x"}, "criteria: fluency is one of ours"),
        ({"name": "own", "text": " "}, "criteria: own says nothing"),
        ({"name": "own", "text": "x", "scale": (5, 1)}, "criteria: a scale goes up"),
        ({"name": "own", "text": "{article} only"}, "criteria: must have {summary} in it once"),
        ({"name": "own", "text": "{article} {summary} {"}, "criteria: Single '{' encountered"),
        ({"name": "own", "text": "{article} {summary} {other}"}, "criteria: {other} is the other"),
    ],
)
def test_own_criterion_that_cannot_be_asked_is_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        Criterion(**fields)
    assert str(refusal.value).startswith(message)


def test_signature_tells_criteria_examples_samples_and_panel_apart(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text(label_line(0) + label_line(1))
    server = Server("http://h/v1", "m")
    options: list[dict[str, Any]] = [
        {},
        {"criteria": ("fluency",)},
        {"criteria": ("coverage",)},
        {"criteria": (Criterion("own", "It is short."),)},
        {"criteria": (Criterion("own", "It is brief."),)},
        {"by": "text", "samples": 3},
        {"by": "text", "samples": 4},
        {"panel": (Server("http://h/v1", "other"),)},
        {"examples": tmp_path / "labels.jsonl"},
        {"examples": tmp_path / "labels.jsonl", "seed": 1},
    ]
    made = [signature_parts("judge", Judge(endpoint=server, **more)) for more in options]
    assert len({json.dumps(one, sort_keys=True) for one in made}) == len(options)
    assert not {"criteria", "samples", "examples"} & set(made[0])  # as before they were there
    (tmp_path / "labels.jsonl").write_text(label_line(0))
    again = Judge(endpoint=server, examples=tmp_path / "labels.jsonl")
    assert signature_parts("judge", again) != made[-2]


# JSON, with reasons


def test_answer_as_json_keeps_its_reason_and_is_asked_for_with_a_schema() -> None:
    answer = {"reason": "The date is wrong.", "answer": "No"}
    with serving(lambda body: completion(json.dumps(answer))) as server:
        (score,) = remote(server.url, protocol="summedits", by="json").score([pair()])
        (body,) = server.bodies
    assert (score.value, score.reasons) == (0.0, ("The date is wrong.",))
    form = body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["properties"]["answer"]["enum"] == ["Yes", "No"]
    assert said_of(body).endswith('{"reason": why, in a sentence, "answer": "Yes" or "No"}')
    assert "Answer with one word" not in said_of(body)


def test_server_that_refuses_schemas_is_asked_without_and_no_more_with() -> None:
    def faults(said: str, n: int) -> str:
        with_schema = "response_format" in server.bodies[-1]
        return '400 |{"error": "response_format is not supported"}' if with_schema else ""

    answer = json.dumps({"reason": "", "answer": 4})
    with serving(lambda body: completion(f"Sure:\n```json\n{answer}\n```"), faults) as server:
        judge = Judge(
            endpoint=Server(server.url, "big", tries=1, concurrency=1),
            criteria=("fluency",),
            by="json",
        )
        scores = judge.score([pair(summary=f"Rain {n}.") for n in range(5)])
        asked_with = [body for body in server.bodies if "response_format" in body]
    assert [score.value for score in scores] == [0.75] * 5
    assert (len(asked_with), len(server.bodies)) == (1, 6)


@pytest.mark.parametrize(
    "said",
    ["fine", "{", '{"answer": 9}', '{"answer": "no"}', '{"score": 3}', "[4]", '{"answer": [4]}'],
)
def test_json_that_is_no_answer_is_out_of_form(said: str) -> None:
    with serving(lambda body: completion(said)) as server:
        (score,) = remote(server.url, criteria=("fluency",), by="json").score([pair()])
    assert (score.value, score.note, score.parts["out_of_form"]) == (None, OUT_OF_FORM, 1)
    assert not score.passing


# Key facts and omissions


FACTS = {
    "facts": [
        {"fact": "It rained in York.", "quote": "It rained in York on Monday."},
        {"fact": "The mayor closed two bridges.", "quote": "The mayor closed two bridges."},
        {"fact": "Schools are open.", "quote": "Schools were shut."},
    ]
}


def matching(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """List facts of an article; find the second in the first sentence of any summary."""
    if "List the key facts" in said_of(body):
        return completion(json.dumps(FACTS))
    stated = [
        {"fact": 1, "sentences": []},
        {"fact": 2, "sentences": [1]},
        {"fact": 3, "sentences": [9]},
    ]
    return completion(json.dumps({"facts": stated}))


def test_coverage_is_the_share_of_key_facts_and_points_at_what_is_left_out() -> None:
    with serving(matching) as server:
        (score,) = remote(server.url, criteria=("coverage",)).score([pair()])
        _, match = server.bodies
    assert score.value == pytest.approx(1 / 3)
    assert (score.parts["facts"], score.parts["conciseness"]) == (3, 0.5)
    assert score.left_out == (Span(0, 28),)
    assert score.reasons == ("left out: It rained in York.", "left out: Schools are open.")
    assert "2. The mayor closed two bridges." in said_of(match)
    assert "[2] It is a pity." in said_of(match)
    assert score.parts["requests"] == 2
    assert (score.parts["tokens_in"], score.parts["tokens_out"]) == (14, 6)


def test_key_facts_of_an_article_are_listed_once_for_all_its_summaries() -> None:
    with serving(matching) as server:
        judge = remote(server.url, criteria=("coverage",))
        judge.score([pair(summary=f"Rain {n}.") for n in range(4)])
        lists = [body for body in server.bodies if "List the key facts" in said_of(body)]
    assert (len(lists), len(server.bodies)) == (1, 5)


@pytest.mark.parametrize(
    ("listed", "matched", "note"),
    [
        ("no", "", f"{OUT_OF_FORM}: the key facts of the article: no JSON object as was asked for"),
        ('{"facts": []}', "", f"{OUT_OF_FORM}: the key facts of the article: no JSON object"),
        (json.dumps(FACTS), "no", f"{OUT_OF_FORM}: no JSON object as was asked for"),
        (json.dumps(FACTS), '{"facts": [3]}', f"{OUT_OF_FORM}: no JSON object as was asked for"),
    ],
)
def test_lists_that_are_none_are_out_of_form(listed: str, matched: str, note: str) -> None:
    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return completion(listed if "List the key facts" in said_of(body) else matched)

    with serving(reply) as server:
        (score,) = remote(server.url, criteria=("coverage",)).score([pair()])
    assert score.value is None
    assert score.note.startswith(note)
    assert score.parts["out_of_form"] == 1
    assert score.parts["requests"] == len(server.bodies)


def test_omissions_are_rated_and_their_sentences_found() -> None:
    answer = {
        "omitted": [
            {"quote": "It rained  in York on Monday.", "reason": "the cause"},
            {"quote": "It snowed.", "reason": "made up"},
        ],
        "answer": 2,
    }
    with serving(lambda body: completion(json.dumps(answer))) as server:
        (score,) = remote(server.url, criteria=("omissions",)).score([pair()])
        (body,) = server.bodies
    assert (score.value, score.parts["rating"], score.parts["omitted"]) == (0.25, 2, 2)
    assert (score.parts["refused"], score.left_out) == (1, (Span(0, 28),))
    assert score.reasons == ("the cause", "made up")
    assert score.note == "some quotes are not in the article"
    assert said_of(body).index(ARTICLE) < said_of(body).index(SUMMARY)


# Samples and panels


def test_samples_are_drawn_with_seeds_of_their_own_and_averaged_with_their_agreement() -> None:
    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return completion("5" if body["seed"] < 3 else "1" if body["seed"] == 3 else "?")

    with serving(reply) as server:
        judge = remote(server.url, criteria=("coherence",), by="text", samples=5)
        (score,) = judge.score([pair()])
        drawn = sorted((body["seed"], body["temperature"]) for body in server.bodies)
    assert drawn == [(n, 1.0) for n in range(5)]
    assert score.value == 0.75
    assert [score.parts.get(f"vote_{n}") for n in range(1, 6)] == [1.0, 1.0, 1.0, 0.0, None]
    assert score.parts["agreement"] == 0.5
    assert (score.parts["out_of_form"], score.parts["requests"]) == (1, 5)


def test_panel_is_asked_the_same_and_a_flag_is_that_of_most() -> None:
    quotes = ['"two bridges"\n"York"', '"two bridges"', "NONE"]
    with (
        serving(lambda b: completion(quotes[0])) as a,
        serving(lambda b: completion(quotes[1])) as b,
    ):
        with serving(lambda body: completion(quotes[2])) as c:
            others = tuple(Server(server.url, "m", tries=1) for server in (b, c))
            (score,) = remote(a.url, protocol="spans", panel=others).score([pair()])
        assert said_of(a.bodies[0]) == said_of(b.bodies[0]) == said_of(c.bodies[0])
    assert [flag.span.of(SUMMARY) for flag in score.flags] == ["two bridges"]
    assert score.parts["vote_3"] == 1
    votes = [score.parts[f"vote_{n}"] for n in (1, 2, 3)]
    assert score.value == pytest.approx(sum(votes) / 3)
    assert isinstance(score.flags[0], Flag)


def test_vote_that_failed_for_now_leaves_the_whole_for_another_day() -> None:
    with serving(lambda body: completion("4"), lambda said, n: "500" if n == 2 else "") as server:
        judge = Judge(
            endpoint=Server(server.url, "big", tries=1, concurrency=1),
            criteria=("fluency",),
            by="text",
            samples=3,
        )
        (score,) = judge.score([pair()])
    assert (score.value, score.passing) == (None, True)
    assert score.note == "no answer: HTTP 500, at each of 1 tries"


# Checkpoints


@pytest.mark.usefixtures("one_thread")
def test_checkpoint_draws_samples_that_depend_on_neither_batch_nor_order(tmp_path: Path) -> None:
    folder = str(decoders.decoder(tmp_path, "llama", True, 1200))
    options: dict[str, Any] = {
        "prompt": "{article}|{summary}", "by": "text", "samples": 4, "claims": "summary",
        "max_new_tokens": 6,
    }  # fmt: skip
    pairs = [pair(f"It rained {n} times.", "It rained.") for n in range(6)]

    def texts_of(batch_tokens: int, some: list[Pair]) -> dict[str, list[str]]:
        judge = Judge(folder, batch_tokens=batch_tokens, **options)
        engine: Any = judge._engines[0]
        questions = {
            article.text: [q for aspect in judge.aspects
                           for _, q in judge._votes(judge._asked(aspect, article, summary, {}))]
            for article, summary in some
        }  # fmt: skip
        flat = [question for own in questions.values() for question in own]
        replies = iter(engine.ask(flat))
        return {text: [next(replies).text for _ in own] for text, own in questions.items()}

    together = texts_of(20_000, pairs)
    assert together == {k: v for one in pairs[::-1] for k, v in texts_of(1, [one]).items()}
    assert any(len(set(drawn)) > 1 for drawn in together.values())


@pytest.mark.usefixtures("one_thread")
def test_checkpoint_is_asked_by_criteria_and_its_tokens_are_counted() -> None:
    own = Criterion("own", "4. {article} {summary}")
    (score,) = Judge(COPIER, criteria=(own,)).score([pair("It rained.", "It snowed.")])
    assert score.value == pytest.approx(0.75, abs=1e-4)
    assert (score.parts["requests"], score.parts["tokens_out"]) == (1, 1)
    assert score.parts["tokens_in"] > 5


# Examples


def label_line(label: int, n: int = 0, **more: Any) -> str:
    row = {"article": f"Ward {n} voted.", "summary": f"Ward {n} did {label}.", "label": label}
    return json.dumps(row | more) + "\n"


def shown_examples(judge: Judge, url_bodies: list[dict[str, Any]]) -> list[str]:
    return [said_of(body).partition("Now the one that is asked about.")[0] for body in url_bodies]


def test_examples_are_balanced_seeded_and_never_of_the_same_article(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(label_line(label, n) for n in range(20) for label in (0, 1, 1)))
    with serving(lambda body: first_token(Yes=-0.1)) as server:
        judge = remote(server.url, protocol="summedits", examples=path, shots=4, seed=3)
        judge.score([pair(f"ward  {n} VOTED.", "It did.") for n in range(20)])
        shown = {
            said_of(body): said_of(body).split("Now the one that is")[0] for body in server.bodies
        }
        other = remote(server.url, protocol="summedits", examples=path, shots=4, seed=4)
        other.score([pair("ward  0 VOTED.", "It did.")])
        reseeded = said_of(server.bodies[-1]).split("Now the one that is")[0]
    for asked, examples in shown.items():
        assert examples.count("Answer: Yes") == examples.count("Answer: No") == 2
        n = asked.rpartition("Article:\nward  ")[2].partition(" ")[0]
        assert f"Ward {n} voted." not in examples
    assert 1 < len(set(shown.values())) < 8  # mostly the same ones, which servers keep
    assert reseeded not in shown.values()


def test_examples_of_a_rating_are_those_of_the_criterion(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(label_line(1, 1, fluency=3.67, reason="One slip."))
    with serving(lambda body: completion('{"reason": "", "answer": 5}')) as server:
        remote(server.url, criteria=("fluency",), by="json", examples=path).score([pair()])
        assert 'Answer: {"reason": "One slip.", "answer": 4}' in said_of(server.bodies[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no", "labels.jsonl:1: no JSON object"),
        ('{"article": "a"}', "labels.jsonl:1: no text in the field 'summary'"),
        ('{"article": "a", "summary": "b"}', "labels.jsonl:1: no answer in the field 'label'"),
        ("", "labels.jsonl has no rows"),
    ],
)
def test_file_of_examples_that_is_wrong_is_told_before_any_question(
    line: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError) as refusal:
        remote("http://h/v1", examples=path)
    assert str(refusal.value) == f"examples: {message}"


def test_examples_are_for_answers_that_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(label_line(1))
    with pytest.raises(ValueError, match="examples: are for answers yes-no or a rating"):
        remote("http://h/v1", criteria=("coverage",), examples=path)


def test_reasons_are_stored_and_read_back() -> None:
    from evalharness.records import score_of, score_record

    score = Score(0.5, reasons=("Because.",))
    assert score_of(score_record(score)) == score
    assert "reasons" not in score_record(Score(0.5))


def test_config_names_criteria_panel_and_examples(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text(label_line(1) + label_line(0, 1))
    rows = [{"article": ARTICLE, "summary": SUMMARY}, {"article": "It snowed.", "summary": "Snow."}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda body: completion('{"reason": "So it is.", "answer": 4}')) as server:
        path = tmp_path / "judge.yaml"
        path.write_text(
            f"""
data: {{name: files, path: a.jsonl}}
model: given
metrics: []
checks:
  - name: judge
    endpoint: {{url: '{server.url}', model: m}}
    panel: [{{url: '{server.url}', model: n}}]
    criteria: [fluency, {{name: short, text: It is short., scale: [1, 5]}}]
    examples: labels.jsonl
    shots: 1
    by: json
"""
        )
        (finished,) = run(path, results=tmp_path / "results")
        n = len(server.bodies)
        (again,) = run(path, results=tmp_path / "results")
        assert len(server.bodies) == n == 8
    figures = finished.metrics["judge"]["parts"]
    assert figures["fluency"]["mean"] == figures["short"]["mean"] == 0.75
    assert figures["fluency.agreement"]["mean"] == 1
    assert figures["requests"]["mean"] == 4
    sample = next(iter(again.samples()))
    assert sample["scores"]["judge"]["reasons"][0] == "fluency: So it is."


# What is not asked about truth gives no verdict


@pytest.mark.parametrize(
    ("asked", "gives"),
    [
        ({}, True),
        ({"prompt": "{article} {summary}?"}, True),
        *(({"criteria": (name,)}, False) for name in RATED if name != "consistency"),
        ({"criteria": ("coverage",)}, False),
        ({"criteria": ("consistency",)}, True),
        ({"criteria": ("omissions", "consistency")}, True),
        ({"criteria": ("consistency", "fluency")}, False),
        ({"criteria": (Criterion("plain", "A child understands it."),)}, False),
        ({"criteria": (Criterion("c", "consistency", (1, 2)), "consistency")}, False),
        ({"preset": "geval-consistency"}, True),
        ({"preset": "geval-fluency"}, False),
        ({"preset": "finesure-keyfacts"}, False),
    ],
)
def test_verdict_is_made_of_what_is_asked_about_truth(asked: dict[str, Any], gives: bool) -> None:
    judge = remote("http://localhost:1", **asked)
    assert gives_verdict(judge) is gives
    assert tells_truth(signature_text(signature_parts("judge", judge))) is gives
    assert (own_thresholds(judge) is not None) is gives


def test_every_preset_is_of_truth_or_is_not() -> None:
    others = {"geval-coherence", "geval-fluency", "geval-relevance", "finesure-keyfacts"}
    assert BUILT_IN["checks"]["judge"].truth["preset"] == set(presets()) - others


@pytest.mark.parametrize(("criterion", "word"), [("fluency", ""), ("consistency", "flagged  ")])
def test_low_rating_is_flagged_only_where_it_is_about_truth(
    tmp_path: Path, command: Callable[..., Any], criterion: str, word: str
) -> None:
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"id": "one", "article": ARTICLE, "summary": SUMMARY})
    )
    with serving(lambda body: first_token(**{"1": -0.01})) as server:
        judge = remote(server.url, criteria=(criterion,))
        said = check(ARTICLE, SUMMARY, check="judge", checker=judge)
        path = tmp_path / "judge.yaml"
        path.write_text(
            f"data: {{name: files, path: a.jsonl}}\nmodel: given\nmetrics: []\n"
            f"checks: [{{name: judge, label: reads, criteria: [{criterion}], "
            f"endpoint: {{url: '{server.url}', model: m}}}}]\n"
        )
        (finished,) = run(path, results=tmp_path / "results")
    assert (said.verdict, said.score) == ("flagged" if word else "no_verdict", 0)
    shown = command("show", finished.folder, "one").stdout
    assert f"  reads: {word}" in shown
    assert ("flagged" in shown) is bool(word)
    assert [column.verdict for column in gather([finished]).columns] == [bool(word)]
