"""A real chat model and a real encoder: what tiny checkpoints cannot show. `pytest -m real`.

The weights come from `tests/real`, which says where from; without them all is skipped, with the
reason. Downloads happen only where `-m real` asks for it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from at_work import killed_at_end
from real import Unavailable, Weights, cached, get
from real.summaries import QUICKSTART, SYSTEMS, written
from servers import transformers_serve

import evalharness
from evalharness.checks.bertscore import BertScore as BertScoreCheck
from evalharness.checks.judge.judge import Judge
from evalharness.models.causal import Causal
from evalharness.models.endpoint import Endpoint
from evalharness.models.long import Long
from evalharness.records import Article, Summary

pytestmark = [pytest.mark.real, pytest.mark.timeout(7200)]  # a busy machine is no error

ROWS = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]
CAP = 16


def shortened(row: dict[str, Any], words: int) -> Article:
    """Return an article of so many words, its white space as it was."""
    end, text = 0, row["article"]
    for word in text.split()[:words]:
        end = text.index(word, end) + len(word)
    return Article(row["id"], text[:end], tuple(row["references"]))


# 12 articles of 30 to 85 words, so that batches have padding.
ARTICLES = [shortened(row, 30 + 5 * n) for n, row in enumerate(ROWS[:12])]


@pytest.fixture(scope="module")
def weights(request: pytest.FixtureRequest) -> Weights:
    asked = request.config.getoption("-m") or ""
    if there := cached():
        return there
    if "real" not in asked.replace("not real", ""):
        pytest.skip("no real weights in the cache; `pytest -m real` downloads them")
    try:
        return get()
    except Unavailable as error:
        pytest.skip(f"no real weights: {error}")


@pytest.fixture(scope="module")
def chat(weights: Weights) -> Any:
    """The chat model as one who does not know evalharness loads it."""
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(weights.chat)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(weights.chat)


def causal(weights: Weights, **options: Any) -> Causal:
    return Causal(str(weights.chat), max_new_tokens=CAP, **options)


@pytest.fixture(scope="module")
def greedy(weights: Weights) -> list[Summary]:
    return causal(weights).summarize(ARTICLES)


def generated(chat: Any, articles: Sequence[Article], **options: Any) -> list[str]:
    """Return what a plain loop over `generate` writes, the prompt by the tokenizer's template."""
    import torch

    model, tokenizer = chat
    texts = []
    for article in articles:
        said = Causal("m").user.replace("{article}", article.text)
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": said}],
            add_generation_prompt=True, return_tensors="pt", return_dict=True,
        )  # fmt: skip
        with torch.inference_mode():
            options = {"do_sample": False, "max_new_tokens": CAP} | options
            (ids,) = model.generate(**prompt, **options)
        new = ids[prompt["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(new, skip_special_tokens=True).strip())
    return texts


def texts(summaries: Sequence[Summary]) -> list[str]:
    return [summary.text for summary in summaries]


def test_greedy_is_what_a_plain_loop_writes(greedy: list[Summary], chat: Any) -> None:
    assert texts(greedy) == generated(chat, ARTICLES)
    assert len(set(texts(greedy))) == len(ARTICLES)
    assert all(s.read == len(a.text) for s, a in zip(greedy, ARTICLES, strict=True))


def test_batches_of_one_write_what_automatic_ones_do(
    weights: Weights, greedy: list[Summary]
) -> None:
    model = causal(weights)
    assert len(model.engine.plan([model.prompt(a) for a in ARTICLES])) < len(ARTICLES)  # type: ignore[misc]
    assert causal(weights, batch_size=1).summarize(ARTICLES) == greedy


def test_beams_are_those_of_a_plain_loop(weights: Weights, chat: Any) -> None:
    some = ARTICLES[:4]
    written = causal(weights, num_beams=2).summarize(some)

    assert texts(written) == generated(chat, some, num_beams=2)


def test_draws_do_not_depend_on_batches_and_among_one_token_are_greedy(
    weights: Weights, greedy: list[Summary]
) -> None:
    some = ARTICLES[:4]
    drawn = causal(weights, do_sample=True, temperature=0.8, seed=1)
    alone = causal(weights, do_sample=True, temperature=0.8, seed=1, batch_size=1)
    of_one = causal(weights, do_sample=True, top_k=1)

    assert drawn.summarize(some) == alone.summarize(some[::-1])[::-1]
    assert texts(of_one.summarize(some)) == texts(greedy)[:4]


@pytest.fixture(scope="module")
def served(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("serve") / "log"
    with transformers_serve.serving(str(weights.chat), log, weights[3:]) as url:
        yield url


def test_server_writes_what_the_checkpoint_writes_and_may_count_the_end_mark(
    weights: Weights, served: str, greedy: list[Summary]
) -> None:
    some = ARTICLES[:4]
    model = Endpoint(served, str(weights.chat), max_new_tokens=CAP, concurrency=1, timeout=300)
    here = greedy[:4]
    there = model.summarize(some)

    assert texts(there) == texts(here)
    assert [s.finish for s in there] == [s.finish for s in here]
    for a, b in zip(here, there, strict=True):
        assert a.tokens is not None
        assert b.tokens in (a.tokens, a.tokens + (a.finish == "stop"))


def test_gguf_writes_what_the_converted_checkpoint_writes(
    weights: Weights, greedy: list[Summary]
) -> None:
    """In a process of its own: transformers looks for what reads a GGUF once, as it is imported."""
    script = (
        "import json, sys; from test_real import ARTICLES, Causal, texts; "
        f"model = Causal(sys.argv[1], max_new_tokens={CAP}); "
        "print(json.dumps([model.identity(), texts(model.summarize(ARTICLES[:2]))]))"
    )
    paths = [str(weights.reading), str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", script, str(weights.gguf)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    identity, written_here = json.loads(done.stdout)
    assert identity["quantization"] == "Q4_1"
    assert written_here == texts(greedy)[:2]


MIXED = [
    "Der Bürgermeister sagte „nein“. 東京で雨が降った。 Дождь шёл весь день. "
    "नमस्ते दुनिया 👩‍👩‍👧‍👦🇫🇷 e\u0301le\u0301phant ﷺ العربية \u200d\ufe0f 𝔉𝔯𝔞𝔨𝔱𝔲𝔯 ",
    "🧑🏽‍🚀🚀 " * 9 + "ไม่มีช่องว่างระหว่างคำ " + "x" * 90 + "\n\n\t  " + "的" * 60,
]


@pytest.mark.parametrize("seed", range(4))
def test_prompts_of_mixed_scripts_are_as_long_as_they_can_be(weights: Weights, seed: int) -> None:
    """No longer beginning that ends with a token has a prompt that fits."""
    rng = random.Random(seed)
    pieces = [*MIXED, *(a.text for a in ARTICLES[:3])] * 2
    rng.shuffle(pieces)
    text = " ".join(pieces)
    reader = causal(weights).reader
    offsets = reader.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    ends = sorted({end for _, end in offsets})
    for limit in (90, 121, 260):
        model = causal(weights, max_input_tokens=limit)
        model.__dict__["reader"] = type(reader)(model, reader.engine.loaded)  # loaded once
        prompt = model.prompt(Article("m", text))
        n = prompt.read  # type: ignore[union-attr]
        assert n is not None
        assert 0 < n < len(text)
        assert len(prompt.ids) <= limit  # type: ignore[union-attr]
        longer = [
            len(reader._ids(model.user, {"article": text[:end], "title": ""}))
            for end in ends[ends.index(n) + 1 :][:40]
        ]
        assert min(longer) > limit
        decoded = reader.tokenizer.decode(prompt.ids)  # type: ignore[union-attr]
        assert text[:n] in decoded


def test_real_limit_of_the_context_cuts_the_article(weights: Weights) -> None:
    text = "\n".join(row["article"] for row in ROWS)
    model = causal(weights)
    prompt = model.prompt(Article("long", text))

    assert 8192 - CAP - 4 <= len(prompt.ids) <= 8192 - CAP  # type: ignore[union-attr]
    assert 0 < (prompt.read or 0) < len(text)  # type: ignore[union-attr]


def test_parts_are_read_and_merged(weights: Weights) -> None:
    article = shortened(ROWS[3], 200)
    model = causal(weights, max_input_tokens=200, long=Long("map_reduce"))
    (summary,) = model.summarize([article])

    assert summary.calls is not None
    assert summary.calls >= 3
    assert len(summary.spans) == summary.calls - 1
    covered = set().union(*(range(s.start, s.end) for s in summary.spans))
    assert all(article.text[i].isspace() for i in set(range(len(article.text))) - covered)
    assert summary.text
    assert summary.finish in ("stop", "length")


def test_encoder_ranks_own_summaries_above_those_of_other_articles(weights: Weights) -> None:
    rows = ROWS[:12]
    pairs = [
        (Article(f"{i}-{j}", row["article"]), Summary(f"{i}-{j}", other["summary"]))
        for i, row in enumerate(rows)
        for j, other in enumerate(rows)
        if (j - i) % 12 < 3
    ]
    check = BertScoreCheck(str(weights.encoder), layers=5, long="windows")
    values = [score.value or 0.0 for score in check.score(pairs)]
    own = [v for (a, _), v in zip(pairs, values, strict=True) if len(set(a.id.split("-"))) == 1]
    others = [v for (a, _), v in zip(pairs, values, strict=True) if len(set(a.id.split("-"))) == 2]

    wins = sum(a > b for a in own for b in others)
    assert wins / (len(own) * len(others)) > 0.95


def test_judge_reads_the_probabilities_that_the_model_gives(weights: Weights, chat: Any) -> None:
    import torch

    article = shortened(ROWS[0], 80)
    claims = ["The ferry lost power.", "The ferry sank, and the king was on board."]
    judge = Judge(str(weights.chat), protocol="summedits", least_mass=0.0)
    scores = judge.score([(article, Summary(article.id, claim)) for claim in claims])

    model, tokenizer = chat
    for claim, score in zip(claims, scores, strict=True):
        said = judge.user.replace("{article}", article.text).replace("{summary}", claim)
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": said}],
            add_generation_prompt=True, return_tensors="pt", return_dict=True,
        )  # fmt: skip
        with torch.inference_mode():
            logits = model(**prompt).logits[0, -1].double()
        chances = logits.softmax(0)
        yes, no = (
            sum(
                float(chances[ids[0]])
                for form in (word, f" {word}", word.lower(), f" {word.lower()}")
                if len(ids := tokenizer.encode(form, add_special_tokens=False)) == 1
            )
            for word in ("Yes", "No")
        )
        assert score.value == pytest.approx(yes / (yes + no), abs=0.02)


JUDGES: dict[str, dict[str, Any]] = {
    "criteria": {"criteria": ["consistency", "coherence"]},
    "few-shot": {"criteria": ["coherence"], "examples": "labels.jsonl", "shots": 2},
    "json": {"criteria": ["coherence"], "by": "json", "max_new_tokens": 48},
    "samples": {"criteria": ["coherence"], "by": "text", "samples": 3},
    "panel": {"criteria": ["coherence"], "panel": [{"model": "CHAT", "chat": False}]},
}


def judge_config(weights: Weights, folder: Path) -> Path:
    """Write articles with their first sentences, labels for examples, and a config of judges."""
    short = [shortened(row, 60) for row in ROWS[:8]]
    rows = [
        {"id": a.id, "article": a.text, "summary": a.text.partition(". ")[0] + "."} for a in short
    ]
    lines = [json.dumps(row | {"coherence": 4 - n % 3}) + "\n" for n, row in enumerate(rows)]
    (folder / "a.jsonl").write_text("".join(lines[:4]))
    (folder / "labels.jsonl").write_text("".join(lines[4:]))
    checks = [
        {"name": "judge", "label": label, "model": "CHAT", "least_mass": 0, **options}
        for label, options in JUDGES.items()
    ]
    config = {"data": {"name": "files", "path": "a.jsonl"}, "model": "given", "metrics": []}
    (folder / "run.yaml").write_text(
        json.dumps(config | {"checks": checks}).replace("CHAT", str(weights.chat))
    )
    return folder / "run.yaml"


def test_judges_of_each_kind_answer_or_are_out_of_form(weights: Weights, tmp_path: Path) -> None:
    [finished] = evalharness.run(judge_config(weights, tmp_path), results=tmp_path / "results")
    figures = {label: finished.figures[label] for label in JUDGES}
    for label, n in {"criteria": 2, "few-shot": 1, "json": 1, "samples": 3, "panel": 2}.items():
        assert figures[label].parts["requests"].mean == n
        assert figures[label].n + figures[label].not_scored == 4
    for label in ("criteria", "few-shot", "panel"):  # by probability, no answer is out of form
        assert figures[label].n == 4
        assert 0 < (figures[label].mean or 0) < 1
    assert 0 <= (figures["panel"].parts["agreement"].mean or 0) <= 1


def test_judge_of_two_summaries_is_asked_in_both_orders(weights: Weights, tmp_path: Path) -> None:
    judge_config(weights, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    for row in rows:
        row["summary"] = " ".join(row["article"].split()[-12:])
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = {"model": str(weights.chat), "least_mass": 0}
    (tmp_path / "judge.yaml").write_text(json.dumps(judge))
    files = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    runs = evalharness.score_files(files, metrics=[], checks=["lexical"], results=tmp_path / "r")
    [found] = evalharness.compare(*runs, judge=tmp_path / "judge.yaml").preferences
    assert (found.answers, found.out_of_form, found.pairs[0].n) == (8, 0, 4)
    assert found.pairs[0].wins + found.pairs[0].ties + found.pairs[0].losses == 4
    assert found.pairs[0].disagree <= found.pairs[0].ties


def test_stored_summaries_are_made_again(weights: Weights) -> None:
    stored = [json.loads(line) for line in (QUICKSTART / "smollm2.jsonl").read_text().splitlines()]
    systems = list(dict.fromkeys(row["system"] for row in stored))
    made = list(written(weights.chat, systems, limit=2))

    assert systems == list(SYSTEMS)
    assert len(made) == 2 * len(SYSTEMS)
    assert all(row in stored for row in made)


def config_of_a_run(folder: Path, chat: Path, **options: Any) -> Path:
    """Write a config over the 12 articles, and return where it is."""
    rows = [{"id": a.id, "article": a.text, "references": list(a.references)} for a in ARTICLES]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = {"name": "causal", "label": "m", "model": str(chat), **options}
    config = {"name": "t", "data": {"name": "files", "path": "a.jsonl"}, "models": [model],
              "metrics": ["rouge"]}  # fmt: skip
    path = folder / "c.yaml"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.slow
def test_killed_run_goes_on_to_the_same_bytes(weights: Weights, tmp_path: Path) -> None:
    path = config_of_a_run(tmp_path, weights.chat, max_new_tokens=CAP)
    (whole,) = evalharness.run(path, results=tmp_path / "whole")
    ledgers = (tmp_path / "torn" / "store" / "summaries").glob
    words = [sys.executable, "-m", "evalharness", "run", str(path)]
    process = subprocess.Popen(
        [*words, "--results", str(tmp_path / "torn")],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with killed_at_end(process):
        while not any(p.stat().st_size for p in ledgers("*.jsonl")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    (again,) = evalharness.run(path, results=tmp_path / "torn")

    summaries = again.record["timing"]["summaries"]
    assert summaries["stored"] > 0
    assert summaries["computed"] + summaries["stored"] == 12
    name = "samples.jsonl"
    assert (again.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills_lose_at_most_a_batch_each(weights: Weights, tmp_path: Path) -> None:
    path = config_of_a_run(tmp_path, weights.chat, max_new_tokens=8, batch_size=2)
    command = [sys.executable, "-m", "real.killing", str(path), str(tmp_path / "runs"), "20"]
    paths = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kills = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    assert len(kills) == 20
    for kill in kills:
        assert kill["same"], kill
        assert 0 <= kill["written"] - kill["stored"] <= 2, kill
    assert any(0 < kill["stored"] < 12 for kill in kills)
