"""Prompts of papers are those that were published, filled and read as their authors do."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from servers.chat import completion, first_token, serving

from evalharness.checks.judge.judge import Judge
from evalharness.checks.judge.presets import presets, published
from evalharness.checks.judge.scoring import OUT_OF_FORM
from evalharness.config.signature import signature_parts
from evalharness.endpoint import Server
from evalharness.protocols import Pair
from evalharness.records import Article, Span, Summary

# SHA-256 of the texts at the commits that `source` names: of the whole file of G-Eval and
# SummEdits, of the constant or the template in the code of the others.
DIGESTS: Mapping[str, str] = {
    "geval-coherence": "87ae7311d8edfc8e39a9674672496ef42e4bc768f38e927f294293b9d0ba4973",
    "geval-consistency": "ce74a0de8f19f2f0d31c77d1df76eece9b29fd14fee1f2bb82b462846eac62fa",
    "geval-fluency": "cd996012a744fea5007ba49e8508c1407eee4df05f39b395a4ad9d073f72ca7b",
    "geval-relevance": "2e836f9d9aece1832065b1a166a14d4ec0c050085adcee396af8d365b13daf1d",
    "finesure-faithfulness": "c7b19230bd6d961079f80da00c8062551398539ecb35e01096fe188960376300",
    "finesure-keyfacts": "49cbbcd30c980b0f81181a62b58e66c7b2ca427f69dbda1fec495de2c1802c61",
    "prometheus": "f4358c8f7953f324df3d70c86bc483d29eb8016567f1b1571cfbe6dee6722656",
    "prometheus system": "526b5b77a2d7eeaf33b21720197b6be536710d867d22cb468b0fb8f6022b62ab",
    "selene-mini": "dd94055542683600c0145b4cada31130d06098fccc94bc6e2c0787c7c95aecae",
    "minicheck-7b": "2455b9cb777e276bd96033c6445b3163f7071d93b49286187897a53fc338f12f",
    "minicheck-7b system": "016aea4b585f24d1f069463333d5494e570d5f69cdecf8f7edae0c6731dd3c7a",
    "summedits": "ad671d497fa7036045adfa17cdef80e821b9228e3e76fa87c7d9dd598904605d",
}
ARTICLE, SUMMARY = "It {rained} on\nMonday. 50 % of %s.", "It rained. It [CLAIM] snowed."


def pair(summary: str = SUMMARY) -> Pair:
    return Article("1", ARTICLE), Summary("1", summary)


def remote(url: str, name: str, **more: Any) -> Judge:
    # One request after the other: which is the last does not hang on a thread.
    return Judge(endpoint=Server(url, "m", tries=1, concurrency=1), preset=name, **more)


def asked(name: str, reply: Mapping[str, Any], **more: Any) -> list[dict[str, str]]:
    """Return the messages of the last request about a summary."""
    with serving(lambda body: reply) as server:
        remote(server.url, name, **more).score([pair()])
        messages: list[dict[str, str]] = server.bodies[-1]["messages"]
    return messages


@pytest.mark.parametrize("name", list(presets()))
def test_text_is_the_published_one_to_the_letter(name: str) -> None:
    preset = presets()[name]
    text = published(preset)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[name] == preset["sha256"]
    assert preset["licence"].startswith(("MIT", "Apache-2.0"))
    assert preset["source"].startswith("https://github.com/")
    if "system" in preset:
        system = hashlib.sha256(published(preset, "system").encode()).hexdigest()
        assert system == preset["system_sha256"] == DIGESTS[f"{name} system"]


def test_every_preset_has_a_digest() -> None:
    assert {name for name in DIGESTS if " " not in name} == set(presets())


# As the authors' own code fills them.


def by_replacing(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """Fill as `str.replace` does, of texts that hold no other's placeholder."""

    def fill(text: str) -> str:
        pieces = re.split("|".join(re.escape(theirs) for theirs, _ in pairs), text)
        values = [value for _, value in pairs]
        assert len(pieces) == len(values) + 1
        return "".join(p + v for p, v in zip(pieces, [*values, ""], strict=True))

    return fill


_TOLD = "Summarize the following article. State nothing that it does not say.\n\n" + ARTICLE
FILLED: Mapping[str, Callable[[str], str]] = {
    "geval-coherence": by_replacing(("{{Document}}", ARTICLE), ("{{Summary}}", SUMMARY)),
    "geval-consistency": by_replacing(("{{Document}}", ARTICLE), ("{{Summary}}", SUMMARY)),
    "geval-relevance": by_replacing(("{{Document}}", ARTICLE), ("{{Summary}}", SUMMARY)),
    "geval-fluency": by_replacing(("{{Summary}}", SUMMARY)),
    "summedits": by_replacing(("[ARTICLE]", ARTICLE), ("[SUMMARY_SENTENCES]", SUMMARY)),
    "minicheck-7b": by_replacing(("[DOCUMENT]", ARTICLE), ("[CLAIM]", "It [CLAIM] snowed.")),
    "finesure-faithfulness": lambda text: text
    % (ARTICLE, "2", "It rained.\nIt [CLAIM] snowed."),
    "finesure-keyfacts": lambda text: text
    % ("[1] It rained.\n[2] It [CLAIM] snowed.", "2", "Rain fell.\nSnow fell."),
    "prometheus": lambda text: text.format(
        instruction=_TOLD,
        response=SUMMARY,
        rubric=dict(presets()["prometheus"]["fields"])["{rubric}"],
    ),
    "selene-mini": lambda text: text.format(
        user_input=_TOLD,
        assistant_response=SUMMARY,
        **{f: dict(presets()["selene-mini"]["fields"])[f"{{{f}}}"]
           for f in ("rubric_objective", "rubric_yes_description", "rubric_no_description")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(presets()))
def test_filled_prompt_is_that_of_the_authors_code(name: str) -> None:
    reply = first_token(Yes=-0.1, **{"3": -0.2})
    if presets()[name]["answers"] in ("categories", "facts") or "pattern" in presets()[name]:
        reply = completion(
            '{"facts": [{"fact": "Rain fell.", "quote": ""}, {"fact": "Snow fell.", "quote": ""}]}'
        )
    *system, user = asked(name, reply)
    assert user["content"] == FILLED[name](published(presets()[name]))
    assert [message["content"] for message in system] == [
        text for text in [published(presets()[name], "system")] if text
    ]


# As the authors' own code reads answers.


@pytest.mark.parametrize(
    ("name", "said", "value", "reason"),
    [
        ("prometheus", "Feedback: fine. [RESULT] 4", 0.75, "Feedback: fine."),
        ("prometheus", "So so. Score: (3)", 0.5, "So so."),
        ("prometheus", "[RESULT] 4/5", 0.75, None),
        ("prometheus", "[RESULT] 6", None, None),
        ("prometheus", "[RESULT] 4 I think", None, None),
        ("prometheus", "4", None, None),
        (
            "selene-mini",
            "**Reasoning:** No snow.\n\n**Result:** No",
            0.0,
            "**Reasoning:** No snow.",
        ),
        ("selene-mini", "**Reasoning:** Good.\n\n**Result:** Yes", 1.0, "**Reasoning:** Good."),
        ("selene-mini", "Yes", None, None),
    ],
)
def test_answer_in_the_authors_form_is_read(
    name: str, said: str, value: float | None, reason: str | None
) -> None:
    with serving(lambda body: completion(said)) as server:
        (score,) = remote(server.url, name).score([pair()])
    assert score.value == value
    assert score.parts["out_of_form"] == (value is None)
    assert score.reasons == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("name", "tokens", "value"),
    [
        ("geval-coherence", {"4": 0.5, "5": 0.5}, 0.875),
        ("geval-fluency", {"2": 0.5, "3": 0.5}, 0.75),
        ("minicheck-7b", {"Yes": 0.3, "No": 0.1}, 0.75),
        ("summedits", {"Yes": 0.3, "No": 0.1}, 0.75),
    ],
)
def test_first_token_is_the_answer(name: str, tokens: dict[str, float], value: float) -> None:
    logs = {token: math.log(share) for token, share in tokens.items()}
    with serving(lambda body: first_token(**logs)) as server:
        (score,) = remote(server.url, name).score([pair()])
    assert score.value == pytest.approx(value)


def test_geval_averages_drawn_answers_as_its_authors_do() -> None:
    with serving(lambda body: completion(str(3 + body["seed"] % 3))) as server:
        (score,) = remote(
            server.url, "geval-coherence", by="text", samples=20, temperature=2.0
        ).score([pair()])
        assert len(server.bodies) == 20
    expected = sum(3 + n % 3 for n in range(20)) / 20
    assert score.parts["rating"] == pytest.approx(expected)


def test_summedits_is_read_from_a_text_that_begins_with_the_answer() -> None:
    with serving(lambda body: completion("No, the second sentence is made up.")) as server:
        (score,) = remote(server.url, "summedits", by="text").score([pair()])
    assert score.value == 0


CATEGORIES = """Here it is: [{"sentence": "It rained.", "reason": "stated", "category": "no error"},
{"sentence": "It snowed.", "reason": "It did not.", "category": "out-of-context error"},]"""


def test_finesure_flags_sentences_by_category() -> None:
    with serving(lambda body: completion(CATEGORIES)) as server:
        (score,) = remote(server.url, "finesure-faithfulness").score([pair()])
    assert score.value == 0.5
    assert [s.value for s in score.sentences] == [1, 0]
    (flag,) = score.flags
    assert (flag.span, flag.message) == (Span(11, 29), "the judge: out-of-context error")
    assert score.reasons == ("stated", "It did not.")


@pytest.mark.parametrize(
    "said", ["no", "[]", "[1, 2]", CATEGORIES[:90], '[{"category": "no error"}]']
)
def test_finesure_list_of_another_length_is_out_of_form(said: str) -> None:
    with serving(lambda body: completion(said)) as server:
        (score,) = remote(server.url, "finesure-faithfulness").score([pair()])
    assert score.value is None
    assert score.note.startswith(OUT_OF_FORM)


def test_finesure_aligns_key_facts() -> None:
    named = [("Rain fell.", ""), ("Snow fell.", "Monday.")]
    facts = json.dumps({"facts": [{"fact": fact, "quote": quote} for fact, quote in named]})
    matched = (
        '```json\n[{"key fact": "Rain fell.", "response": "Yes", "line number": [1]}, '
        '{"key fact": "Snow fell.", "response": "No", "line number": []}]\n```'
    )

    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        listing = "List the key facts" in body["messages"][-1]["content"]
        return completion(facts if listing else matched)

    with serving(reply) as server:
        (score,) = remote(server.url, "finesure-keyfacts").score([pair()])
    assert (score.value, score.parts["conciseness"], score.parts["facts"]) == (0.5, 0.5, 2)
    assert [span.of(ARTICLE) for span in score.left_out] == ["Monday."]


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "ours"}, "preset: no preset 'ours'; there are geval-coherence, "),
        ({"preset": "summedits", "criteria": ("fluency",)}, "preset: leave out criteria"),
        ({"preset": "summedits", "by": "json"}, "by: a preset says itself how to answer"),
    ],
)
def test_options_that_do_not_go_with_a_preset_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        Judge(endpoint=Server("http://h/v1", "m"), **options)
    assert str(refusal.value).startswith(message)


def test_signature_has_the_whole_text_of_a_preset() -> None:
    server = Server("http://h/v1", "m")
    made = {
        name: json.dumps(signature_parts("judge", Judge(endpoint=server, preset=name)))
        for name in presets()
    }
    assert len(set(made.values())) == len(presets())
    assert "fair judge assistant" in made["prometheus"]
