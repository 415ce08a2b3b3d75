"""Before a run begins: will its results fit on the disk?"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import evalharness
from evalharness.config import cells
from evalharness.config.run_config import read_run_config
from evalharness.errors import StoreError
from evalharness.runner import space

ARTICLES = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def make_config(**more: Any) -> dict[str, Any]:
    data = {"name": "files", "path": str(ARTICLES)}
    return {"name": "t", "data": data, "models": ["lead", "textrank"], **more}


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_free(n: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(n, 0, n))

    return set_free


def test_what_is_foreseen_is_near_what_is_written(tmp_path: Path) -> None:
    foreseen = space.needed_bytes(cells.prepare(read_run_config(make_config())))
    evalharness.run(make_config(), results=tmp_path)
    written = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())

    assert 0.5 < foreseen / written < 2.5


def test_run_that_does_not_fit_is_refused_before_it_writes(
    tmp_path: Path, free: Callable[[int], None]
) -> None:
    free(10_000)
    with pytest.raises(StoreError, match=r"about .* kB, and 10.0 kB are free; make room") as caught:
        evalharness.run(make_config(), results=tmp_path / "r")

    assert caught.value.exit_code == 4
    assert not (tmp_path / "r").exists()
    assert len(evalharness.run(make_config(), results=tmp_path / "r", space=False)) == 2


def test_what_is_there_already_is_not_counted_again(
    tmp_path: Path, free: Callable[[int], None]
) -> None:
    evalharness.run(make_config(), results=tmp_path)
    written = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    free(written)

    assert len(evalharness.run(make_config(), results=tmp_path)) == 2


def test_command_says_it_in_a_line_and_can_be_told_not_to_look(
    tmp_path: Path, free: Callable[[int], None], command: Callable[..., Any]
) -> None:
    free(10_000)
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(make_config(models=["lead"])))

    refused = command("run", path, "--results", tmp_path / "r")
    begun = command("run", path, "--results", tmp_path / "r", "--no-space-check")

    assert (refused.returncode, refused.stderr.count("\n"), begun.returncode) == (4, 1, 0)


def test_data_that_cannot_be_read_is_left_to_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    made = cells.prepare(
        read_run_config(make_config(data={"name": "files", "path": str(tmp_path / "a.jsonl")}))
    )

    assert space.needed_bytes(made) == 0
