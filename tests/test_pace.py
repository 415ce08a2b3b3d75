"""How large batches may be: tried out once, kept, and made smaller where memory ends."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import test_generation

from evalharness import run
from evalharness.errors import StoreError
from evalharness.models.pace import LEAST_FOR_TRIAL, Pace, find_pace, sizes, usual
from evalharness.runner.shards import run_shard
from evalharness.store.ledger import PaceFile

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart"
BART = str(QUICKSTART / "lead1-bart")


def with_record(
    **seconds: float,
) -> tuple[Callable[[Sequence[int], int], float], list[tuple[int, int]]]:
    """Return a clock: seconds an article by size of batch (`s8=0.5`), and what it was asked."""
    asked: list[tuple[int, int]] = []

    def time(rows: Sequence[int], size: int) -> float:
        asked.append((len(rows), size))
        return len(rows) * seconds[f"s{size}"]

    return time, asked


def test_trial_takes_the_quickest_size_batch_1_among_them() -> None:
    time, asked = with_record(s1=1.0, s4=0.8, s8=0.6)
    found = find_pace([100] * LEAST_FOR_TRIAL, "cpu", 1, time)
    assert asked == [(8, 1), (8, 4), (8, 8)]
    assert found is not None
    assert (found.articles, found.tokens) == (8, 1600)


def test_trial_keeps_to_batch_1_where_larger_ones_do_not_pay() -> None:
    time, asked = with_record(s1=1.0, s4=1.2)
    found = find_pace([100] * LEAST_FOR_TRIAL, "cpu", 1, time)
    assert asked == [(8, 1), (8, 4)]  # larger ones are not even tried
    assert found is not None
    assert [found.size(n, 1, 9) for n in (1, 100, 900)] == [1, 1, 1]
    time, _ = with_record(s1=1.0, s4=0.97, s8=0.98)
    found = find_pace([100] * LEAST_FOR_TRIAL, "cpu", 1, time)
    assert found is not None
    assert found.articles == 1


def test_trial_is_only_for_many_articles_and_for_those_that_fit_together() -> None:
    time, asked = with_record(s1=1.0)
    assert find_pace([100] * (LEAST_FOR_TRIAL - 1), "cpu", 1, time) is None
    assert find_pace([100] * LEAST_FOR_TRIAL, "cpu", 40, time) is None  # so many beams are a batch
    assert asked == []


def test_trial_is_of_articles_amid_the_tokens_and_alike_in_length() -> None:
    lengths = [10] * 200 + [1000] * 40 + [300] * 70
    chosen: list[int] = []

    def time(rows: Sequence[int], size: int) -> float:
        chosen.extend(lengths[row] for row in rows)
        return 1.0

    find_pace(lengths, "cpu", 1, time)
    assert set(chosen) == {1000}  # 40,000 of 63,000 tokens


def test_trial_that_fails_on_its_articles_finds_nothing() -> None:
    assert find_pace([9] * LEAST_FOR_TRIAL, "cpu", 1, lambda rows, size: float("inf")) is None


def test_sizes_count_beams_and_begin_with_1() -> None:
    assert [sizes("cpu", beams) for beams in (1, 2, 4, 8)] == [
        [1, 4, 8],
        [1, 2, 4, 8],
        [1, 2, 8],
        [1, 4],
    ]
    assert sizes("cuda", 1) == [1, 16, 32, 64]
    assert sizes("cuda", 4) == [1, 8, 16, 32, 64]
    assert usual("cpu", 9).articles == 1


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


def test_what_did_not_fit_halves_what_follows() -> None:
    pace = Pace(8, 8000).after_failure(8 * 2 * (100 + 20))
    assert [pace.size(n, 2, 20) for n in (100, 50, 460, 2000)] == [4, 6, 1, 1]
    assert pace.after_failure(200).after_failure(10_000).memory == 100
    again = Pace(8, 8000).with_record(json.loads(json.dumps(pace.record())))
    assert again == pace


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
    assert engine.pace.latest.record() == {"memory": 2 * (10 + 5)}
    assert engine.generation_record()["batch"]["memory"] == 30
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
def slow_single(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the clock say that batches of 4 are best; return the sizes of all batches."""
    from evalharness.models.engine import Engine

    monkeypatch.setattr("evalharness.models.pace.LEAST_FOR_TRIAL", 16)
    monkeypatch.setattr("evalharness.models.engine.LEAST_FOR_TRIAL", 16)
    monkeypatch.setattr("evalharness.models.options.LEAST_FOR_TRIAL", 16)
    seen: list[int] = []
    run_model = Engine._generate

    def watched(self: Engine, prompts: Any, rows: Sequence[int]) -> Any:
        seen.append(len(rows))
        return run_model(self, prompts, rows)

    def time(self: Engine, prompts: Any, rows: Sequence[int], size: int) -> float:
        seen.append(-size)
        return len(rows) * {1: 1.0, 4: 0.5, 8: 0.9}[size]

    monkeypatch.setattr(Engine, "_generate", watched)
    monkeypatch.setattr(Engine, "_time", time)
    return seen


def test_what_a_trial_found_is_kept_for_all_who_go_on(
    tmp_path: Path, slow_single: list[int]
) -> None:
    (done,) = run(make_config(tmp_path, 20), results=tmp_path / "r")
    assert slow_single[:3] == [-1, -4, -8]
    assert set(slow_single[3:]) == {4}
    told = done.record["timing"]["generation"]
    assert (told["device"], told["dtype"], told["attention"]) == ("cpu", "float32", "sdpa")
    assert told["batch"]["tried"] == {"1": 1.0, "4": 2.0, "8": 1.1111}
    (file,) = (tmp_path / "r" / "store" / "pace").glob("*.json")
    assert json.loads(file.read_text())["cpu"]["articles"] == 4

    slow_single.clear()
    run(make_config(tmp_path, 44), results=tmp_path / "r")  # 24 more
    assert slow_single == [4] * 6

    slow_single.clear()
    run_shard(make_config(tmp_path, 60), "1/2", results=tmp_path / "r")
    assert slow_single
    assert min(slow_single) > 0


def test_fixed_size_and_few_articles_try_nothing(tmp_path: Path, slow_single: list[int]) -> None:
    run(make_config(tmp_path, 20, batch_size=8), results=tmp_path / "fixed")
    run(make_config(tmp_path, 15), results=tmp_path / "few")
    assert min(slow_single) > 0
    assert not list(tmp_path.glob("*/store/pace/*"))


def test_real_trial_changes_no_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalharness.models.pace.LEAST_FOR_TRIAL", 16)
    monkeypatch.setattr("evalharness.models.engine.LEAST_FOR_TRIAL", 16)
    monkeypatch.setattr("evalharness.models.options.LEAST_FOR_TRIAL", 16)
    (found,) = run(make_config(tmp_path, 24), results=tmp_path / "auto")
    (fixed,) = run(make_config(tmp_path, 24, batch_size=1), results=tmp_path / "one")
    assert found.record["timing"]["generation"]["batch"]["tried"].keys() >= {"1", "4"}
    ours, theirs = (list(each.samples()) for each in (found, fixed))
    assert ours == theirs


def test_first_finding_holds_but_for_less_memory(tmp_path: Path) -> None:
    findings = PaceFile(tmp_path, {"name": "m"})
    assert findings.read() == {}
    findings.add("cpu", {"articles": 4, "tried": {"1": 1.0}})
    assert findings.add("cpu", {"articles": 8, "memory": 50})["cpu"]["articles"] == 4
    assert PaceFile(tmp_path, {"name": "m"}).add("cpu", {"memory": 70})["cpu"]["memory"] == 50
    assert findings.add("cpu", {"memory": 20})["cpu"]["memory"] == 20
    assert findings.add("cuda", {"articles": 64})["cpu"]["articles"] == 4
    findings.path.write_text("{")
    with pytest.raises(StoreError, match=r"is damaged; remove it"):
        findings.read()
