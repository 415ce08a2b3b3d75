"""Texts in columns: the same lines as in `samples.jsonl`, each article once on the disk."""

import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Done
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness import run, verify
from evalharness.errors import DataError
from evalharness.protocols import Tracked
from evalharness.records import Article, Summary
from evalharness.report.gate import article_summaries
from evalharness.runner import write as runner_write
from evalharness.runner.write import to_be_tracked
from evalharness.stats.intervals import Interval
from evalharness.store import columns
from evalharness.store.aggregates import SampleBlock
from evalharness.store.export import export_runs
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run, read_run
from evalharness.store.samples import ARTICLES, RECORDS, SAMPLES, Writer, samples_of
from evalharness.trackers import payload
from evalharness.trust.rerun import rerun

Command = Callable[..., Done]
QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"
MODELS = ["lead", {"name": "random", "sentences": 2}, "given"]
ROWS = [
    {
        "id": f"a{n}",
        "article": f"The clinic of Dunmarsh opened {n} of its 60 beds. Nobody was hurt. It rained.",
        "references": [f"Dunmarsh opened {n} beds.", "A clinic opened."][: 1 + n % 2],
        "summary": f"The clinic opened {n + n % 3} beds in Dunmarsh. “Nobody” was hurt.",
    }
    for n in range(24)
]


def rows_file(folder: Path, rows: Sequence[Mapping[str, Any]] = ROWS) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run_rows(folder: Path, rows: Sequence[Mapping[str, Any]] = ROWS, **keys: Any) -> list[Run]:
    data = {
        "name": "files",
        "path": str(rows_file(folder, rows)),
        "columns": {"extra": ["summary"]},
    }
    config = {"name": "news", "data": data, "models": MODELS, "interval": {"resamples": 100}}
    results = keys.pop("results", folder / "results")
    return run(config | {"samples": "columns"} | keys, results=results)


@pytest.fixture
def both(tmp_path: Path) -> tuple[list[Run], list[Run]]:
    """The same runs with their texts in columns, and in lines."""
    lines = run_rows(tmp_path, samples="lines", results=tmp_path / "lines")
    return run_rows(tmp_path), lines


def inodes(runs: Sequence[Run]) -> set[int]:
    return {(each.folder / ARTICLES).stat().st_ino for each in runs}


def test_rows_are_those_of_lines_to_the_byte(both: tuple[list[Run], list[Run]]) -> None:
    for one, other in zip(*both, strict=True):
        assert [path.name for path in one.text_files()] == [RECORDS, ARTICLES]
        assert [path.name for path in other.text_files()] == [SAMPLES]
        assert b"".join(one.lines()) == other.samples_file.read_bytes()
        assert [*one.samples()] == [*other.samples()]
        assert [*one.rows()] == [*other.rows()]
        with one.sample_reader() as ours, other.sample_reader() as theirs:
            assert [ours[row] for row in (23, 0, 7)] == [theirs[row] for row in (23, 0, 7)]
            assert ours.where(7) == f"{one.samples_file}:8"
        assert (one.record["format"], other.record["format"]) == (2, 1)
        for key in one.record.keys() - {"format", "timing", "provenance"}:
            assert one.record[key] == other.record[key], key
        assert one.table(sorted(one.columns)).equals(other.table(sorted(other.columns)))


class _Metric:
    """What a writer asks of a metric here: nothing."""


# Lone surrogates, NUL, ends of lines, digits that round.
TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(["", "\ud800", "a\0\n\u2028", "é𝄞"])
NUMBER = st.none() | st.integers(-9, 9) | st.floats(-1e6, 1e6) | st.sampled_from([-0.0, 0.1])
SCORE = st.fixed_dictionaries(
    {"value": NUMBER, "note": TEXT},
    optional={
        "parts": st.dictionaries(st.sampled_from(["a", "b.c", "flags", "counts"]), NUMBER),
        "sentences": st.lists(st.fixed_dictionaries({"start": st.just(0), "value": NUMBER})),
        "reasons": st.lists(TEXT, max_size=2),
    },
)
EXTRA = st.dictionaries(TEXT, st.recursive(NUMBER | TEXT | st.booleans(), st.lists, max_leaves=4))


ROW = st.tuples(TEXT, TEXT, st.lists(TEXT, max_size=3), EXTRA, SCORE, SCORE)


@settings(max_examples=25)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_whatever_a_line_can_say_columns_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    metrics = {"m": _Metric(), "m.b": _Metric(), "n": _Metric()}
    head = {"data": {}, "experiment": "e", "cell": "c"}
    for name, columns_from in (("lines", None), ("columns", len(rows) // 2 + 1)):
        with Writer(
            folder / name, metrics, Interval(resamples=100), 0, columns_from=columns_from
        ) as writer:
            for text, summary, references, extra, one, other in rows:
                article = Article(text, summary, tuple(references), text, extra)
                scores: Any = {"m": one, "m.b": other, "n": one}
                block = SampleBlock(metrics)
                block.add(article, Summary(text, text), (), scores)
                writer.extend(block)
            writer.finish(head, {}, "name: e\n")

    from evalharness.store.samples import lines_in

    assert b"".join(lines_in(folder / "columns")) == (folder / "lines" / SAMPLES).read_bytes()


def test_articles_are_on_the_disk_once(tmp_path: Path) -> None:
    first = run_rows(tmp_path)
    added = run_rows(tmp_path, models=[{"name": "lead", "label": "later", "sentences": 1}])
    again = run_rows(tmp_path)
    fewer = run_rows(tmp_path, limit=3, name="fewer")

    assert len(inodes([*first, *added])) == 1
    assert len(inodes([*added, *again])) == 1
    assert not inodes(fewer) & inodes(again)
    assert not [*tmp_path.rglob("*.part")]


def test_other_articles_in_the_same_experiment_are_other_files(tmp_path: Path) -> None:
    one = run_rows(tmp_path, models=["lead"])
    changed = [{**row, "article": f"{row['article']} So it is."} for row in ROWS]
    other = run_rows(tmp_path, changed, models=[{"name": "lead", "label": "other"}])

    assert len(inodes([*one, *other])) == 2
    assert [s["article"] for s in other[0].samples()] == [row["article"] for row in changed]
    assert [s["article"] for s in one[0].samples()] == [row["article"] for row in ROWS]


def test_files_of_one_size_are_held_against_each_other(tmp_path: Path) -> None:
    for name, content in (("a", b"12345"), ("b", b"12346"), ("c", b"12345")):
        folder = RunFolder(tmp_path / name)
        folder.writing(ARTICLES).write_bytes(content)
        columns.link_same_content(folder)
        folder.publish(ARTICLES)

    a, b, c = ((tmp_path / name / ARTICLES).stat().st_ino for name in "abc")
    assert a == c != b


def test_without_links_each_run_has_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    runs = run_rows(tmp_path)

    assert len(inodes(runs)) == 3
    assert len({(each.folder / ARTICLES).read_bytes() for each in runs}) == 1
    assert verify(runs[0].folder.parent, sample=None).good


@pytest.mark.parametrize("n", [5, 6, 7])
def test_number_of_articles_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    monkeypatch.setattr(runner_write, "COLUMNS_FROM", 6)
    runs = run_rows(tmp_path, samples=None, limit=n)

    assert [each.is_in_columns for each in runs] == [n >= 6] * 3
    assert [len([*each.samples()]) for each in runs] == [n] * 3
    assert "\nsamples:" not in (runs[0].folder / "config.yaml").read_text()


def test_score_writes_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setattr(runner_write, "COLUMNS_FROM", 6)
    monkeypatch.chdir(tmp_path)
    command("score", rows_file(tmp_path), "--no-report")

    assert (tmp_path / "results/score/rows" / SAMPLES).is_file()


def test_run_again_in_the_other_form_leaves_one_form(tmp_path: Path) -> None:
    (run_one,) = run_rows(tmp_path, models=["lead"])
    (lines,) = run_rows(tmp_path, models=["lead"], samples="lines")
    assert [path.name for path in lines.text_files()] == [SAMPLES]
    assert verify(lines.folder, sample=None).good
    (back,) = run_rows(tmp_path, models=["lead"])
    assert [path.name for path in back.text_files()] == [RECORDS, ARTICLES]
    assert back.folder == run_one.folder
    assert verify(back.folder, sample=None).good


def test_folder_copied_alone_is_the_whole_run(
    both: tuple[list[Run], list[Run]], tmp_path: Path, command: Command
) -> None:
    alone = tmp_path / "elsewhere" / "alone"
    shutil.copytree(both[0][2].folder, alone)
    shutil.rmtree(tmp_path / "results")

    assert [*read_run(alone).lines()] == [*both[1][2].lines()]
    assert verify(alone, sample=None).good
    done = command("report", alone, "-o", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert "Dunmarsh" in (tmp_path / "page.html").read_text()
    assert "Dunmarsh" in command("show", alone, "a3").stdout
    assert command("gate", alone, both[1][2].folder).returncode in (0, 4)


def test_articles_come_back_from_elsewhere_once(
    both: tuple[list[Run], list[Run]], tmp_path: Path, command: Command
) -> None:
    before = [(path, path.read_bytes()) for each in both[0] for path in each.text_files()]
    assert command("copy", tmp_path / "results", "memory://bucket/many").returncode == 0
    shutil.rmtree(tmp_path / "results")
    assert command("copy", "memory://bucket/many", tmp_path / "results").returncode == 0

    assert [(path, path.read_bytes()) for path, _ in before] == before
    assert len(inodes(both[0])) == 1
    assert not [*tmp_path.rglob("*.part")]


def test_archive_is_opened_elsewhere(both: tuple[list[Run], list[Run]], tmp_path: Path) -> None:
    runs = [both[0][0], both[0][2]]
    (path,) = export_runs(runs, "archive", tmp_path / "a.tar.gz")
    (again,) = export_runs(runs, "archive", tmp_path / "b.tar.gz")
    assert path.read_bytes() == again.read_bytes()
    with tarfile.open(path) as archive:
        links = [each.name for each in archive if each.islnk()]
        archive.extractall(tmp_path / "there", filter="data")

    assert links == [f"news/given/{ARTICLES}"]
    assert verify(tmp_path / "there", sample=None).good
    for each in runs:
        there = read_run(tmp_path / "there/news" / each.name)
        assert [*there.lines()] == [*each.lines()]


def test_archive_refuses_two_runs_of_one_name(tmp_path: Path) -> None:
    (one,) = run_rows(tmp_path, models=["lead"])
    (other,) = run_rows(tmp_path, models=["lead"], results=tmp_path / "other")

    with pytest.raises(DataError, match="two of these runs are called news/lead"):
        export_runs([one, other], "archive", tmp_path / "a.tar.gz")


def test_scored_again_and_made_again_they_are_the_same(tmp_path: Path, command: Command) -> None:
    given_run = run_rows(tmp_path)[2]
    before = {path.name: path.read_bytes() for path in given_run.text_files()}
    done = command("score", "--again", given_run.folder)

    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in given_run.text_files()} == before
    assert rerun(given_run.folder).same


def made_rows(n: int, seed: int = 3) -> list[dict[str, Any]]:
    """Return articles as long as news is, each with some 200 words of the quickstart's."""
    rng = random.Random(seed)
    texts = [json.loads(line)["article"] for line in QUICKSTART.read_text().splitlines()]
    words = [word for text in texts for word in text.split()]

    def sentence(own: list[str]) -> str:
        drawn = [rng.choice(own).strip('.,“”"') for _ in range(rng.randint(12, 28))]
        return f"{' '.join(drawn).capitalize()} {rng.randint(10, 9999)}."

    rows = []
    for n_article in range(n):
        own = rng.choices(words, k=250)
        sentences = [sentence(own) for _ in range(rng.randint(12, 34))]
        rows.append(
            {
                "id": f"made-{n_article}",
                "article": " ".join(sentences),
                "reference": f"{rng.choice(sentences)} {sentence(own)}",
                "summary": f"{rng.choice(sentences)} {sentence(own)}",
            }
        )
    return rows


def bytes_in(folder: Path) -> int:
    files = {path.stat().st_ino: path.stat() for path in folder.rglob("*") if path.is_file()}
    return sum(stat.st_size for stat in files.values())


def test_bytes_are_a_third(tmp_path: Path) -> None:
    """All that an experiment writes, its store too."""
    rows, one = made_rows(300), {"name": "lead", "label": "one", "sentences": 1}
    models = ["lead", one, "random", "given"]
    run_rows(tmp_path, rows, models=models, samples="lines")
    before = bytes_in(tmp_path / "results")
    run_rows(tmp_path, rows, models=models)

    assert bytes_in(tmp_path / "results") / before <= 0.35


def test_shards_write_them(tmp_path: Path, command: Command, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    whole = run_rows(tmp_path, results=tmp_path / "whole")
    data = {"name": "files", "path": "rows.jsonl", "columns": {"extra": ["summary"]}}
    config = {"name": "news", "data": data, "models": MODELS, "interval": {"resamples": 100}}
    Path("c.yaml").write_text(json.dumps(config | {"samples": "columns"}))
    for shard in ("1/2", "2/2"):
        assert command("run", "c.yaml", "--shard", shard, "--no-report").returncode == 0
    assert command("run", "c.yaml", "--no-report").returncode == 0

    for each in whole:
        there = Path("results/news", each.name)
        for path in each.text_files():
            assert (there / path.name).read_bytes() == path.read_bytes()


def test_file_that_is_missing_is_the_one_that_is_named(
    both: tuple[list[Run], list[Run]], command: Command
) -> None:
    """It was `samples.jsonl`, which a run with texts in columns does not have."""
    folder = both[0][0].folder
    (folder / RECORDS).unlink()
    done = command("compare", folder, both[1][0].folder, "--cluster", "day")
    assert f"{folder / RECORDS}: there is no such file" in done.stderr


def test_readers_that_want_some_articles_find_them(both: tuple[list[Run], list[Run]]) -> None:
    one, other = both[0][2].folder, both[1][2].folder
    ids = {"a3", "a20", "none"}

    assert [*samples_of(one, ids)] == [*samples_of(other, ids)]
    assert article_summaries(one, ids) == article_summaries(other, ids)


def test_trackers_see_the_same_table(both: tuple[list[Run], list[Run]], tmp_path: Path) -> None:
    one, other = (to_be_tracked(runs[2], tmp_path, {}) for runs in both)

    assert payload.sample_table(one, 5) == payload.sample_table(other, 5)
    assert {path.name for path in payload.files(one, "all")} >= {RECORDS, ARTICLES}
    assert isinstance(one, Tracked)


def test_summaries_of_a_large_run_stand_beside_other_models(
    both: tuple[list[Run], list[Run]], tmp_path: Path
) -> None:
    files = [runs[2].samples_file for runs in both]
    models = [{"name": "outputs", "label": f.stem, "path": str(f)} for f in files]
    one, other = run_rows(tmp_path, models=models, name="again")

    assert [s["summary"] for s in one.samples()] == [s["summary"] for s in other.samples()]
    assert [s["summary"]["text"] for s in one.samples()] == [row["summary"] for row in ROWS]


def test_file_is_scored_beside_a_large_run(tmp_path: Path, command: Command) -> None:
    lead = run_rows(tmp_path)[0]
    outputs = [{"id": row["id"], "summary": row["summary"]} for row in ROWS]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in outputs))
    done = command("compare", lead.folder, path, "--json", "--results", tmp_path / "results")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["articles"] == len(ROWS)


@pytest.mark.parametrize("name", [ARTICLES, RECORDS])
def test_damage_is_named(tmp_path: Path, name: str) -> None:
    runs = run_rows(tmp_path)
    path = runs[0].folder / name
    whole = path.read_bytes()

    path.unlink()
    assert f"{name}: is not there" in "\n".join(verify(runs[0].folder).findings.lines())
    path.write_bytes(whole[: len(whole) // 2])  # torn
    found = "\n".join(verify(runs[0].folder).findings.lines())
    assert "not the bytes that were written" in found
    if name == ARTICLES:
        assert "not Parquet that can be read" in found
        with pytest.raises(DataError, match="not Parquet that can be read"):
            [*runs[0].samples()]
    path.write_bytes(whole[:600] + bytes([whole[600] ^ 1]) + whole[601:])
    assert not verify(runs[0].folder).good
    path.write_bytes((runs[1].folder / name).read_bytes() if name == RECORDS else b"")
    assert not verify(runs[0].folder).good


def test_fewer_rows_than_articles_are_named(tmp_path: Path) -> None:
    (whole,) = run_rows(tmp_path, models=["lead"])
    (fewer,) = run_rows(tmp_path, models=["lead"], limit=3, name="fewer")
    shutil.copy(fewer.folder / ARTICLES, whole.folder / ARTICLES)

    with pytest.raises(DataError, match=r"articles.parquet: 3 rows, and there should be 24"):
        [*whole.samples()]


def test_format_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (one,) = run_rows(tmp_path, models=["lead"])
    record = json.loads((one.folder / "run.json").read_text())
    (one.folder / "run.json").write_text(json.dumps({**record, "format": 3}))

    with pytest.raises(DataError, match="of format 3; this version reads 1 and 2"):
        read_run(one.folder)


def test_long_articles_are_written_in_smaller_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(columns, "_MOST_TEXT", 500)
    (one,) = run_rows(tmp_path, models=["lead"])

    assert pq.ParquetFile(one.folder / ARTICLES).metadata.num_row_groups > 3
    assert [s["id"] for s in one.samples()] == [row["id"] for row in ROWS]


KILLED = """
import os, sys
from evalharness.store import columns
from evalharness.store.samples import Writer
left = int(sys.argv[2])
def strike(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
of = ((columns.ColumnFiles, "_add"), (columns.ColumnFiles, "end"), (Writer, "_publish"))
for cls, name in (*of, (columns.RunFolder, "publish"), (columns.RunFolder, "write")):
    def before(*a, own=getattr(cls, name), **k):
        strike()
        made = own(*a, **k)
        strike()
        return made
    setattr(cls, name, before)
from evalharness import run
run(sys.argv[1])
"""


@pytest.mark.parametrize("moment", [1, 30, 146, 148, 152, 155, 158, 161, 164, 168, 174])
def test_killed_at_any_moment_the_same_run_ends_it(tmp_path: Path, moment: int) -> None:
    expected = {
        (each.name, path.name): path.read_bytes()
        for each in run_rows(tmp_path, results=tmp_path / "whole")
        for path in (*each.text_files(), each.folder / "samples.parquet")
    }
    data = {"name": "files", "path": "rows.jsonl", "columns": {"extra": ["summary"]}}
    config = {"name": "news", "data": data, "models": MODELS, "interval": {"resamples": 100}}
    (tmp_path / "c.yaml").write_text(json.dumps(config | {"samples": "columns"}))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "c.yaml", str(moment)], cwd=tmp_path, check=False
    )
    assert killed.returncode == -9
    for finished in (tmp_path / "results/news").glob("*/run.json"):
        assert (finished.parent / RECORDS).is_file()  # what has one is whole

    run_rows(tmp_path)
    found = {
        (path.parent.name, path.name): path.read_bytes()
        for path in (tmp_path / "results/news").glob("*/*.parquet")
    }
    assert found == expected
    assert not [*tmp_path.rglob("*.part")]
