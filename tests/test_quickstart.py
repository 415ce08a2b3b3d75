"""The main job, whole: the quickstart's config with its two real checkpoints."""

import itertools
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from at_work import kill_run, stored_bytes

import evalharness

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "articles"
QUICKSTART = ROOT / "configs" / "quickstart.yaml"
FIRST_SENTENCE = re.compile(
    r"\A.*?[.!?][\"'”’)\]]?(?=[ \n\t\r][A-Z\"'“‘(\[ \n\t\r])", re.DOTALL
)  # configs/quickstart/README.md


def first_sentence(text: str) -> str:
    found = FIRST_SENTENCE.match(text)
    return found.group() if found else text


def words(results: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "evalharness", "run", str(QUICKSTART)]
    return [*command, "--results", str(results), "--json", *more]


def run(results: Path, *more: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        words(results, *more), capture_output=True, text=True, check=False, cwd=results.parent
    )
    assert done.returncode == 0, done.stderr
    records: list[dict[str, Any]] = json.loads(done.stdout)
    return records


def samples(results: Path, cell: str) -> list[dict[str, Any]]:
    path = results / "quickstart" / cell / "samples.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def bytes_of(results: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted((results / "quickstart").glob("*/*")):
        content = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(content)
            del record["timing"], record["provenance"]["git"]  # a commit meanwhile
            content = json.dumps(record).encode()
        found[str(path.relative_to(results))] = content
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quickstart") / "results"
    run(folder, "--limit", "4")
    return folder


def test_quickstart_scores_nine_systems(results: Path) -> None:
    records = run(results, "--limit", "4")

    assert [record["cell"] for record in records] == [
        "smollm2-greedy", "smollm2-drawn",
        "lead-3", "random-3", "textrank", "lexrank", "oracle", "lead1-bart", "lead1-llama",
    ]  # fmt: skip
    for record in records:
        assert record["counts"]["summarized"] == 4
        assert record["metrics"]["rouge"]["n"] == 4
        assert record["timing"]["summaries"] == {"computed": 0, "stored": 4}


def test_quickstart_checkpoints_give_their_known_right_answer(results: Path) -> None:
    for cell in ("lead1-bart", "lead1-llama"):
        for sample in samples(results, cell):
            assert sample["summary"]["text"] == first_sentence(sample["article"])
            assert sample["summary"]["finish"] == "stop"
            assert sample["defects"] == []


def test_quickstart_again_computes_nothing_and_loads_no_torch(results: Path) -> None:
    before = bytes_of(results)
    code = (
        "import sys; from evalharness import run;"
        f"runs = run({str(QUICKSTART)!r}, results={str(results)!r}, limit=4);"
        "print(sum(r.record['timing']['summaries']['computed'] for r in runs), "
        "'torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=results.parent
    )

    assert done.stdout == "0 False\n"
    assert bytes_of(results) == before


def test_oracle_is_above_lead_and_lead_above_random(results: Path) -> None:
    rouge2 = {
        record["cell"]: record["metrics"]["rouge"]["parts"]["rouge2"]["mean"]
        for record in run(results, "--limit", "24", "--set", "models=[lead, random, oracle]")
    }

    assert rouge2["oracle"] >= rouge2["lead"] >= rouge2["random"]


def test_wrong_numbers_and_names_of_given_summaries_are_pointed_at(tmp_path: Path) -> None:
    (finished,) = evalharness.run(ROOT / "configs" / "score.yaml", results=tmp_path / "results")

    found = missed = 0
    for sample in finished.samples():
        error = sample["extra"].get("error")
        if not error or error["kind"] not in ("number", "name"):
            continue
        at = sample["summary"]["text"].index(error["wrong"])
        flags = [flag for score in sample["scores"].values() for flag in score.get("flags", ())]
        hit = any(f["start"] < at + len(error["wrong"]) and at < f["end"] for f in flags)
        found, missed = found + hit, missed + (not hit)
    assert found >= 5
    assert found + missed == 6


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the shared articles are not here")
@pytest.mark.parametrize(
    "name", ["cao22", "realsumm", "summedits_news", "summeval", "xsumfaith", "zhang23_writers"]
)
def test_quickstart_runs_over_shared_articles(name: str, tmp_path: Path) -> None:
    path = SHARED / f"{name}.jsonl"

    # What the small model wrote is of the quickstart's own articles.
    own = (f"models.{n}={{name: lead, label: lead-{n + 1}, sentences: {n + 1}}}" for n in range(2))
    settings = itertools.chain.from_iterable(
        ("--set", each) for each in (f"data.path={path}", *own)
    )
    records = run(tmp_path / "results", *settings, "--limit", "60")

    n = min(60, len(path.read_text().splitlines()))
    for record in records:
        assert record["counts"]["articles"] == record["counts"]["summarized"] == n
    for cell in ("lead1-bart", "lead1-llama"):
        right = total = 0
        for sample in samples(tmp_path / "results", cell):
            rule = first_sentence(sample["article"])
            if len(rule.encode()) < 400:  # fits the quickstart's cap
                total += 1
                right += sample["summary"]["text"] == rule.strip()
        assert right >= 0.99 * total > 0


@pytest.mark.slow
def test_quickstart_killed_at_random_moments_ends_as_if_it_was_not(tmp_path: Path) -> None:
    more = ("--limit", "12", "--set", "models.7.batch_size=4", "--set", "models.8.batch_size=2")
    run(tmp_path / "whole", *more)
    rng, n_bytes = random.Random(8), stored_bytes(tmp_path / "whole")
    for moment in sorted(rng.uniform(0, n_bytes) for _ in range(8)):
        kill_run(words(tmp_path / "torn", *more), tmp_path / "torn", moment)

    run(tmp_path / "torn", *more)

    assert bytes_of(tmp_path / "torn") == bytes_of(tmp_path / "whole")
