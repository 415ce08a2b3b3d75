"""How large batches may be: by a table, and smaller where memory ends, for whoever goes on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import test_generation

from evalharness import run
from evalharness.errors import StoreError
from evalharness.models.pace import Pace, usual
from evalharness.runner.shards import run_shard
from evalharness.store.ledger import PaceFile

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart"
BART = str(QUICKSTART / "lead1-bart")


def test_long_prompts_go_in_smaller_batches() -> None:
    pace = Pace(8, 800)
    assert [pace.size(n, 1, 20) for n in (10, 100, 150, 400, 5000)] == [8, 8, 5, 2, 1]


def test_batch_of_auto_is_not_filled_up_with_padding() -> None:
    lengths = [903, 632, 510, 453, 424, 406, 244, 207]
    batches = []
    while lengths:
        n = usual("cpu", 1).prompts_that_fit(lengths, 1, 20)
        batches.append(lengths[:n])
        lengths = lengths[n:]
    assert batches == [[903, 632], [510, 453, 424, 406], [244, 207]]
    assert usual("cuda", 1).prompts_that_fit([903, 632, 510, 453, 424, 406, 244, 207], 1, 20) == 8
    assert Pace(8).prompts_that_fit([900, 9, 9], 1, 20) == 3  # a size that was asked for is kept
    assert usual("cpu", 1).prompts_that_fit([0, 0], 1, 20) == 2


def test_what_did_not_fit_makes_what_follows_smaller() -> None:
    pace = Pace(8, 8000)
    pace.keep_within(4 * 2 * (100 + 20))
    assert [pace.size(n, 2, 20) for n in (100, 50, 460, 2000)] == [4, 6, 1, 1]
    pace.keep_within(100)
    pace.keep_within(5_000)
    assert pace.limits() == {"articles": 8, "tokens": 8000, "memory": 100}


def test_engine_remembers_that_memory_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.models.engine import Engine

    made = test_generation.prompts(*[10] * 12)
    right = test_generation.engine(4).write(made)
    run_model, seen = Engine._generate, []

    def small(self: Engine, prompts: Any, rows: Sequence[int]) -> Any:
        seen.append(len(rows))
        if len(rows) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return run_model(self, prompts, rows)

    monkeypatch.setattr(Engine, "_generate", small)
    engine = test_generation.engine(4)
    assert engine.write(made) == right
    assert seen == [4, 2, 2, 2, 2, 2, 2]  # once is enough
    assert engine.pace.memory == 2 * (10 + 5)
    assert engine.generation_record()["batch"] == {"articles": 4, "tokens": None, "memory": 30}
    seen.clear()
    engine.write(made)
    assert seen == [2] * 6


def rows(folder: Path, n: int) -> Path:
    found = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]
    made = [
        {"id": str(i), "article": f"Story {i} is {found[i % 24]['article'][: 20 + i % 30]}"}
        for i in range(n)
    ]
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


def make_config(folder: Path, n: int, **model: Any) -> dict[str, Any]:
    return {
        "name": "t",
        "data": {"name": "files", "path": str(rows(folder, n))},
        "model": {"name": "seq2seq", "model": BART, "max_new_tokens": 2} | model,
        "metrics": [],
        "checks": [],
    }


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let no more than two prompts fit into memory; return the sizes of all batches."""
    from evalharness.models.engine import Engine

    seen: list[int] = []
    run_model = Engine._generate

    def limited(self: Engine, prompts: Any, rows: Sequence[int]) -> Any:
        seen.append(len(rows))
        if len(rows) > 2:
            raise MemoryError
        return run_model(self, prompts, rows)

    monkeypatch.setattr(Engine, "_generate", limited)
    return seen


def test_what_memory_was_too_small_for_is_kept_for_all_who_go_on(
    tmp_path: Path, small_memory: list[int]
) -> None:
    (done,) = run(make_config(tmp_path, 20), results=tmp_path / "r")
    assert max(small_memory) == 8
    generation = done.record["timing"]["generation"]
    assert (generation["device"], generation["dtype"]) == ("cpu", "float32")
    assert generation["attention"] == "sdpa"
    batch = generation["batch"]
    assert (batch["articles"], batch["tokens"]) == (8, 8192)
    (file,) = (tmp_path / "r" / "store" / "pace").glob("*.json")
    assert json.loads(file.read_text()) == {"cpu": {"memory": batch["memory"]}}

    small_memory.clear()
    run(make_config(tmp_path, 44), results=tmp_path / "r")  # 24 more
    assert max(small_memory) <= 2

    small_memory.clear()
    run_shard(make_config(tmp_path, 60), "1/2", results=tmp_path / "r")
    assert small_memory
    assert max(small_memory) <= 2


def test_lack_of_memory_changes_no_summary(tmp_path: Path, small_memory: list[int]) -> None:
    (halved,) = run(make_config(tmp_path, 24), results=tmp_path / "auto")
    assert max(small_memory) == 8
    (single,) = run(make_config(tmp_path, 24, batch_size=1), results=tmp_path / "one")
    assert list(halved.samples()) == list(single.samples())
    assert not (tmp_path / "one" / "store" / "pace").exists()


def test_least_limit_of_a_device_is_kept(tmp_path: Path) -> None:
    limits = PaceFile(tmp_path, {"name": "m"})
    assert limits.read() == {}
    limits.add("cpu", 50)
    PaceFile(tmp_path, {"name": "m"}).add("cpu", 70)
    assert limits.read() == {"cpu": 50}
    limits.add("cpu", 20)
    limits.add("cuda", 64)
    assert limits.read() == {"cpu": 20, "cuda": 64}


@pytest.mark.parametrize(
    "wrong",
    ["{", "[]", '{"cpu": 3}', '{"cpu": {"memory": "9"}}', '{"cpu": {"memory": null}}',
     '{"cpu": {"memory": -4}}', "[" * 100_000],
)  # fmt: skip
def test_limits_of_another_shape_are_damaged(tmp_path: Path, wrong: str) -> None:
    limits = PaceFile(tmp_path, {"name": "m"})
    limits.path.write_text(wrong)

    with pytest.raises(StoreError, match="is damaged; remove it, to find it out again"):
        limits.read()


def test_what_earlier_versions_found_by_trial_is_passed_over(tmp_path: Path) -> None:
    limits = PaceFile(tmp_path, {"name": "m"})
    limits.path.write_text('{"cpu": {"articles": 4, "tokens": null, "tried": {"1": 1.0}}}')
    assert limits.read() == {}
