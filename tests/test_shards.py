"""Shards: parts that are run apart, at once or killed make the run that one piece makes."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.errors import ConfigError
from evalharness.records import Article
from evalharness.runner.shards import Shard, ShardResult, _Dealt, run_shard, shard_of, shard_text

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"
ROWS = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]


def written(folder: Path, n: int, **more: Any) -> Path:
    """Write a sweep over n articles, the last two of which are the first two again."""
    rows = []
    for i in range(n):
        row = ROWS[i % (n - 2) % len(ROWS)]
        short = f"Story {i % (n - 2)}. {row['article'][:300]}"
        rows.append({**row, "id": str(i), "article": short})
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config: dict[str, Any] = {
        "name": "t",
        "data": {"name": "files", "path": "a.jsonl"},
        "models": ["lead", {"name": "random", "sentences": 2}],
        "metrics": ["rouge"],
        "checks": ["numbers"],
        "sweep": {"grid": {"seed": [1, 2], "metrics.rouge.stemmer": [True, False]}},
    }
    path = folder / "c.yaml"
    path.write_text(json.dumps(config | more))
    return path


GENERATING: dict[str, Any] = {
    "models": [
        {"name": "seq2seq", "model": str(QUICKSTART / "lead1-bart"), "batch_size": 2},
        {"name": "causal", "model": str(QUICKSTART / "lead1-llama"), "batch_size": 3},
    ],
    "generation": {"max_new_tokens": 8},
    "sweep": {"grid": {"generation.num_beams": [1, 2]}},
}


def bytes_of(results: Path) -> dict[str, bytes]:
    """Return all files of all runs; of `run.json`, all but provenance and timing."""
    found = {}
    for path in sorted((results / "t").glob("**/*.*")):
        content = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(content)
            del record["timing"], record["provenance"]
            content = json.dumps(record).encode()
        found[str(path.relative_to(results))] = content
    return found


def computed(runs: list[Any]) -> int:
    timings = [finished.record["timing"] for finished in runs]
    return sum(
        timing["summaries"]["computed"] + sum(s["computed"] for s in timing["scores"].values())
        for timing in timings
    )


@pytest.mark.slow
def test_four_shards_apart_and_merged_give_the_bytes_of_one_run(tmp_path: Path) -> None:
    path = written(tmp_path, 600)
    evalharness.run(path, results=tmp_path / "whole")

    parts = [run_shard(path, f"{n}/4", results=tmp_path / "r") for n in (3, 1, 4, 2)]
    runs = evalharness.run(path, results=tmp_path / "r")

    assert computed(runs) == 0
    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "whole")
    assert all(part.summaries["computed"] > 0 for part in parts)
    assert sum(part.summaries["computed"] for part in parts) == 3 * 598  # lead; random by seed
    assert [sum(part.missing.values()) > 0 for part in parts] == [True, True, True, False]


def test_shards_of_models_that_batch_give_the_bytes_of_one_run(tmp_path: Path) -> None:
    path = written(tmp_path, 10, **GENERATING)
    evalharness.run(path, results=tmp_path / "whole")

    parts = [run_shard(path, f"{n}/3", results=tmp_path / "r") for n in (1, 2, 3)]

    assert computed(evalharness.run(path, results=tmp_path / "r")) == 0
    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "whole")
    assert [part.summaries["computed"] > 0 for part in parts] == [True] * 3
    assert sum(part.summaries["computed"] for part in parts) == 4 * 8


def command(path: Path, results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "evalharness", "run", str(path), "--results", str(results), *more]


@pytest.mark.slow
def test_shards_at_once_one_of_them_killed_give_the_bytes_of_one_run(tmp_path: Path) -> None:
    path = written(tmp_path, 600)
    evalharness.run(path, results=tmp_path / "whole")
    rng = random.Random(3)

    def start(number: int) -> "subprocess.Popen[bytes]":
        whole = command(path, tmp_path / "r", "--shard", f"{number}/2")
        return subprocess.Popen(whole, stdout=subprocess.PIPE)

    both = [start(1), start(2)]
    limit = rng.uniform(20_000, 100_000)
    while both[0].poll() is None:
        if sum(p.stat().st_size for p in (tmp_path / "r").rglob("*.jsonl")) > limit:
            both[0].kill()
    assert both[0].wait() == -signal.SIGKILL
    assert both[1].wait() == 0
    for process in both:
        process.communicate()
    again = start(1)
    out, _ = again.communicate()

    assert again.returncode == 0
    assert b"no other shard is missing" in out
    assert computed(evalharness.run(path, results=tmp_path / "r")) == 0
    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "whole")


def test_shard_says_which_siblings_are_missing(tmp_path: Path) -> None:
    path = written(tmp_path, 10, **GENERATING)

    part = run_shard(path, "2/3", results=tmp_path / "r", limit=8)

    assert part.missing.keys() == {1, 3}
    assert sum(part.missing.values()) + part.summaries["computed"] == 4 * 8
    assert f"{part.missing[3]} of shard 3/3" in shard_text(part)
    (mark,) = (tmp_path / "r" / "t" / "lead1-bart,num_beams=1").iterdir()
    assert mark.name.startswith("unfinished-")


def test_shard_of_a_finished_run_computes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, 30)
    evalharness.run(path, results=tmp_path / "r")

    part = run_shard(path, "1/2", results=tmp_path / "r")

    assert part.summaries["computed"] == sum(part.scores.values()) == 0
    assert part.missing == {}


def test_shard_whose_model_does_not_load_ends_with_4_and_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = {"name": "seq2seq", "model": "./empty"}
    path = written(tmp_path, 10, models=["lead", broken, "textrank", "random"], sweep=None)

    done = subprocess.run(
        command(path, tmp_path / "r", "--shard", "2/2", "--json"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 4
    record = json.loads(done.stdout)
    assert "no config.json" in record["failures"]["empty"]
    assert record["summaries"]["computed"] == 8
    assert "Traceback" not in done.stderr


def test_article_without_a_summary_is_counted_and_ends_with_4(tmp_path: Path) -> None:
    path = written(tmp_path, 10, models=["given"], sweep=None)
    rows = [{"id": str(n), "article": f"It rained {n} times."} for n in range(2)]
    rows[0]["summary"] = "It rained."
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    done = subprocess.run(
        command(path, tmp_path / "r", "--shard", "1/1"), capture_output=True, text=True, check=False
    )

    assert done.returncode == 4
    assert "1 articles got no summary" in done.stdout


@pytest.mark.parametrize(
    "wrong", ["1", "1/0", "a/b", "-1/4", "1/4/2", "", "¹/4", "1/", "1/999999999"]
)
def test_shard_that_is_none_is_one_line(wrong: str) -> None:
    with pytest.raises(ConfigError, match="should be I/N, such as 2/4"):
        shard_of(wrong)


def test_shard_of_an_array_that_counts_from_0_is_told_how_to_count() -> None:
    with pytest.raises(ConfigError, match=r"counts from 0 .* --array=1-4"):
        shard_of("0/4")
    with pytest.raises(ConfigError, match=r"I from 1 to 4; submit the array with --array=1-4"):
        shard_of("5/4")
    with pytest.raises(ConfigError, match=r"no number; .SLURM_ARRAY_TASK_ID is set in jobs of an"):
        shard_of("/4")


def test_every_article_belongs_to_one_shard_whatever_was_run() -> None:
    articles = [Article(str(n), f"text {n % 40}") for n in range(100)]
    windows = [articles[:60], articles[60:]]
    for n_shards in (1, 2, 3, 7):
        claimed: dict[str, int] = {}
        for number in range(1, n_shards + 1):
            dealt = _Dealt(2, Shard(number, n_shards))
            for w, window in enumerate(windows):
                claims = dealt.claims(w)
                for at, key in enumerate(dict.fromkeys(a.text for a in window)):
                    if claims(at // 4, key.encode().hex()):
                        assert key not in claimed
                        claimed[key] = number
        assert len(claimed) == 40
        assert set(claimed.values()) == set(range(1, n_shards + 1))


def test_part_is_told_as_plain_values() -> None:
    part = ShardResult(Shard(2, 3), failed=1, missing={1: 4})

    assert json.loads(json.dumps(part.record()))["missing"] == {"1/3": 4}
