"""What is changed on disk is named: any byte, any figure, any score, also where all else agrees."""

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.cli.verify import verified_text
from evalharness.errors import DataError
from evalharness.files.temporary import Spool
from evalharness.store import ledger
from evalharness.store import samples as store_samples
from evalharness.store.aggregates import Tally
from evalharness.store.table import ADDED_COLUMNS, TableRows, write_table
from evalharness.trust.findings import Findings
from evalharness.trust.verify import Verified, verify

ROOT = Path(__file__).parents[1]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"
BASELINE = ROOT / "results" / "baseline" / "lead1-bart"


def config(data: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "t",
        "data": {"name": "files", "path": str(data)},
        "models": ["lead", {"name": "random", "sentences": 2}],
        "metrics": ["rouge", "bleu"],
        "interval": {"resamples": 100},
        **more,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of five articles and a rejected row, with their store and sweep.json."""
    folder = tmp_path_factory.mktemp("made")
    rows = ARTICLES.read_text().splitlines()[:5]
    # A row that is no article, and an article whose summary is no text that ROUGE can score.
    (folder / "articles.jsonl").write_text("\n".join([*rows, "not json"]) + "\n")
    evalharness.run(config(folder / "articles.jsonl"), results=folder / "results")
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of the results to break."""
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made" / "results"


def lines(found: Verified) -> str:
    return "\n".join(found.findings.lines())


def test_what_a_run_left_is_good(runs: Path) -> None:
    found = verify(runs, sample=None)

    assert found.good, lines(found)
    assert found.findings.notes == []
    done = found.findings.done
    assert done["runs"] == 2
    assert done["lines of samples"] == done["summaries written again"] == 10
    assert done["articles scored again"] == 10
    assert done["summaries held against the store"] == 10
    assert done["scores held against the store"] == 30
    assert done["figures derived again"] > 100


def test_a_run_an_experiment_and_all_results_can_be_named(runs: Path) -> None:
    assert [p.name for p in verify(runs / "t" / "lead").runs] == ["lead"]
    assert [p.name for p in verify(runs / "t").runs] == ["lead", "random"]
    assert [p.name for p in verify(runs / "t" / "lead", runs / "t" / "random").runs] == [
        "lead",
        "random",
    ]
    with pytest.raises(DataError, match="no finished run"):
        verify(runs / "store" / "scores")
    with pytest.raises(DataError, match="no such folder"):
        verify(runs / "nothing")


def flipped(whole: bytes, at: int, rng: random.Random) -> bytes:
    changed = bytearray(whole)
    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


KINDS: dict[str, Callable[[int], bool]] = {
    "digit": lambda byte: 48 <= byte <= 57,
    "letter": lambda byte: chr(byte).isalpha(),
    "structure": lambda byte: byte in b'{}[]":,',
    "space": lambda byte: byte == 32,
    "newline": lambda byte: byte == 10,
}


def places(path: Path, whole: bytes, rng: random.Random, each: int) -> list[int]:
    """Return places of every kind of byte that a file has, its ends among them."""
    if path.suffix == ".parquet":
        data, footer = rng.sample(range(4, len(whole) - 500), each), len(whole) - 12
        return [0, len(whole) - 1, footer, footer + 4, len(whole) - 400, *data]
    found = [0, len(whole) - 1]
    for fits in KINDS.values():
        there = [at for at, byte in enumerate(whole) if fits(byte)]
        found += rng.sample(there, min(each, len(there)))
    return found


def named(found: Verified, path: Path) -> list[int]:
    return [d.line for d in found.findings.differences if d.file == path]


def check_flips(runs: Path, each: int, seed: int) -> int:
    rng = random.Random(seed)
    n = 0
    files = [p for p in sorted(runs.rglob("*")) if p.is_file() and p.suffix != ".lock"]
    kinds = {path.name if "store" not in str(path) else path.parent.name for path in files}
    assert kinds >= {"summaries", "scores", "run.json", "samples.jsonl", "samples.parquet"}
    assert kinds >= {"config.yaml", "rejected.jsonl", "sweep.json"}
    for path in files:
        whole = path.read_bytes()
        for at in places(path, whole, rng, each):
            path.write_bytes(flipped(whole, at, rng))
            found = verify(runs, sample=0)
            line = whole.count(b"\n", 0, at) + 1
            assert named(found, path), f"{path}: byte {at}"
            if path.suffix == ".jsonl" and path.name != "rejected.jsonl":
                assert line in named(found, path), f"{path}:{line}: {lines(found)}"
            n += 1
        path.write_bytes(whole)
    assert verify(runs, sample=0).good
    return n


def test_one_flipped_byte_anywhere_is_named(runs: Path) -> None:
    (runs / "t" / "random").rename(runs / "aside")  # one run has every kind of file, but sweep.json
    shutil.rmtree(runs / "aside")
    sweep = json.loads((runs / "t" / "sweep.json").read_text())
    sweep["cells"] = sweep["cells"][:1]
    text = store_samples.text_alone(store_samples.sealed_alone(sweep))
    (runs / "t" / "sweep.json").write_text(text)

    assert check_flips(runs, each=1, seed=7) > 60


@pytest.mark.slow
def test_two_thousand_flipped_bytes_are_named(runs: Path) -> None:
    assert check_flips(runs, each=30, seed=8) > 1500


def test_missing_and_foreign_files_are_named(runs: Path) -> None:
    folder = runs / "t" / "lead"
    (folder / "samples.parquet").unlink()
    (folder / "rejected.jsonl").unlink()
    (folder / "notes.txt").write_text("mine")

    found = verify(folder)

    assert named(found, folder / "samples.parquet")
    assert named(found, folder / "rejected.jsonl")
    assert any("notes.txt" in note for note in found.findings.notes)
    assert "counts.rejected: 1 here, 0 from the samples" in lines(found)


def test_page_of_which_a_byte_was_changed_or_lost_is_named(runs: Path) -> None:
    from evalharness.report.page import write_report

    rng = random.Random(5)
    for page in (runs / "t" / "report.html", runs / "t" / "lead" / "report.html"):
        whole = write_report(runs / "t" / "lead", to=page).read_bytes()
        assert verify(runs, sample=0).good
        for at in (0, len(whole) // 2, len(whole) - 70, len(whole) - 1):
            page.write_bytes(flipped(whole, at, rng))
            assert named(verify(runs, sample=0), page)
        for cut in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"<p>"):
            page.write_bytes(cut)
            assert named(verify(runs, sample=0), page)
        page.write_bytes(whole)


def test_what_the_store_lacks_is_said(runs: Path) -> None:
    next((runs / "store" / "scores").glob("bleu-*.jsonl")).unlink()
    next((runs / "store" / "summaries").glob("lead-*.jsonl")).write_bytes(b"")

    found = verify(runs / "t" / "lead")

    assert found.good
    assert [note.partition(": ")[2] for note in found.findings.notes] == [
        "5 summaries are not in the store: not held against it",
        "5 scores by bleu are not in the store: not held against it",
    ]


def test_a_cell_of_a_sweep_without_a_run_is_named(runs: Path) -> None:
    (runs / "t" / "lead" / "run.json").unlink()

    found = verify(runs / "t")

    assert "sweep.json: cells.0" in lines(found)


# ---------------------------------------------------------------------------------------------
# Forged: what a digest alone would not see, as all digests are made again.


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    record = json.loads((folder / "run.json").read_text())
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    return record, samples


def forge(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change samples, and make table, aggregates and digests follow, as a careful forger would."""
    from evalharness.metrics.bleu import Bleu
    from evalharness.records import Article, summary_of
    from evalharness.stats.intervals import Interval

    record, samples = read(folder)
    change(samples)
    metrics = {label: Bleu() if label == "bleu" else object() for label in record["metrics"]}
    tally = Tally(metrics, Interval(**record["interval"]), record["seed"])
    tally.rejected = record["counts"]["rejected"]
    rows = TableRows(Spool())
    for s in samples:
        article = Article(s["id"], s["article"], tuple(s["references"]), s["source"], s["extra"])
        tally.count(article, summary_of(s["id"], s["summary"]), s["defects"], s["scores"])
        rows.add(s, store_samples.line_of(s).encode())
    (folder / "samples.jsonl").write_text("".join(map(store_samples.line_of, samples)))
    write_table(rows, folder / "samples.parquet", tally.columns)
    reseal(folder, record | tally.record(record["data"]))


def reseal(folder: Path, record: dict[str, Any]) -> None:
    names = [name for name in store_samples.digests_of(record) if name != "run.json"]
    digests = {name: store_samples.file_digest(folder / name) for name in names}
    (folder / "run.json").write_text(store_samples.text_of(store_samples.seal(record, digests)))


def forge_ledger(folder: Path, key: str, change: Callable[[Any], object]) -> None:
    for path in folder.glob("*.jsonl"):
        written = []
        for line in path.read_bytes().splitlines(keepends=True):
            entry = ledger.entry_of(line)
            if key in entry.get("record", {}):
                change(entry["record"])
            written.append(ledger._line(entry))
        path.write_bytes(b"".join(written))


def raise_rouge(samples: list[dict[str, Any]]) -> None:
    samples[2]["scores"]["rouge"]["parts"]["rouge1"] += 0.01


def test_forging_leaves_no_trace_but_the_score_itself(runs: Path) -> None:
    """The forger of these tests is good: where he changes nothing, nothing differs."""
    folder = runs / "t" / "lead"
    forge(folder, lambda samples: None)

    assert verify(folder, sample=None).good


def test_doctored_score_is_caught_by_the_store(runs: Path) -> None:
    folder = runs / "t" / "lead"
    forge(folder, raise_rouge)

    found = verify(folder, sample=0)

    assert "samples.jsonl:3: scores.rouge.parts.rouge1" in lines(found)
    assert "in the store" in lines(found)


def test_doctored_score_is_caught_without_a_store_by_scoring_again(runs: Path) -> None:
    folder = runs / "t" / "lead"
    forge(folder, raise_rouge)
    shutil.rmtree(runs / "store")

    assert verify(folder, sample=0).good  # nobody looked
    found = verify(folder, sample=None)

    assert "samples.jsonl:3: scores.rouge.parts.rouge1" in lines(found)
    assert "scored again" in lines(found)
    assert "by rouge_score" in lines(found)
    assert any("no store" in note for note in found.findings.notes)


def test_notes_that_a_move_causes_are_one_line_and_say_what_they_have_in_common() -> None:
    notes = [
        f"r/{name}/config.yaml:1:1: the model is not checked: r/{name}/config.yaml:9:3: "
        f"model.model: no folder '../../{name}'; relative paths start at r/{name}"
        for name in ("a", "b", "c")
    ]
    found = Verified((), Findings(notes=[*notes, "r/a/run.json: made with other versions: torch"]))

    lines = verified_text(found).splitlines()

    assert lines[0] == f"note: {notes[0]} (2 more like this: --json)"
    assert lines[1] == "note: r/a/run.json: made with other versions: torch"
    assert lines[2].startswith("3 notes have one cause: files that the configs name are not where")


def test_sample_is_drawn_by_the_seed(runs: Path) -> None:
    folder = runs / "t" / "lead"
    forge(folder, raise_rouge)
    shutil.rmtree(runs / "store")

    caught = [seed for seed in range(8) if not verify(folder, sample=2, seed=seed).good]

    assert 0 < len(caught) < 8
    assert not verify(folder, sample=2, seed=caught[0]).good


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("summary.text", lambda s: s["summary"].update(text=s["summary"]["text"] + " More.")),
        ("scores.lexical.value", lambda s: s["scores"]["lexical"].update(value=0.123)),
        ("defects", lambda s: s["defects"].append("looping")),
    ],
)
def test_other_forged_fields_are_caught(
    runs: Path, place: str, change: Callable[[dict[str, Any]], object]
) -> None:
    folder = runs / "t" / "lead"
    forge(folder, lambda samples: change(samples[0]))
    shutil.rmtree(runs / "store")

    assert f"samples.jsonl:1: {place}" in lines(verify(folder))


def test_forged_aggregate_is_named_with_its_line(runs: Path) -> None:
    folder = runs / "t" / "lead"
    record, _ = read(folder)
    record["metrics"]["rouge"]["parts"]["rouge2"]["mean"] += 1e-9
    record["metrics"]["bleu"]["corpus"] += 1e-9
    reseal(folder, record)

    found = verify(folder, sample=0)

    text = (folder / "run.json").read_text().splitlines()
    (mean,) = [d for d in found.findings.differences if d.field.endswith("rouge2.mean")]
    assert str(record["metrics"]["rouge"]["parts"]["rouge2"]["mean"]) in text[mean.line - 1]
    (corpus,) = [d for d in found.findings.differences if d.field == "metrics.bleu.corpus"]
    assert "corpus" in text[corpus.line - 1]
    assert found.findings.n == 2


def test_forged_table_is_named_by_line_and_column(runs: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = runs / "t" / "lead"
    path = folder / "samples.parquet"
    table = pq.read_table(path)
    values = table.column("rouge.rouge1").to_pylist()
    values[1] = 0.5
    at = table.schema.get_field_index("rouge.rouge1")
    pq.write_table(table.set_column(at, "rouge.rouge1", pa.array(values)), path)
    reseal(folder, read(folder)[0])

    found = verify(folder, sample=0)

    assert "samples.jsonl:2: rouge.rouge1" in lines(found)
    assert found.findings.n == 1


def test_forged_ledger_is_caught_by_the_samples(runs: Path) -> None:
    forge_ledger(runs / "store" / "summaries", "text", lambda r: r.update(text="Forged."))

    found = verify(runs / "t" / "lead", sample=0)

    assert "summary.text" in lines(found)
    assert "'Forged.' in the store" in lines(found)


# ---------------------------------------------------------------------------------------------
# Ledgers.


def rouge_ledger(runs: Path) -> Path:
    (path,) = (runs / "store" / "scores").glob("rouge-*.jsonl")
    return path


def test_torn_repeated_and_lost_lines_of_a_ledger_are_named(runs: Path) -> None:
    path = rouge_ledger(runs)
    whole = path.read_bytes().splitlines(keepends=True)
    broken: dict[str, tuple[list[bytes], int]] = {
        "is torn": ([*whole[:-1], whole[-1][:-9]], len(whole)),
        "stands on line 2 already": ([*whole, *whole[1:]], len(whole) + 1),
        "out of its place": ([*whole[:3], *whole[4:]], 4),
        "last batch is not complete": (whole[:-1], 0),
        "names the signature": ([whole[0].replace(b"rouge1", b"rouge9"), *whole[1:]], 1),
    }
    for message, (written, line) in broken.items():
        path.write_bytes(b"".join(written))
        found = verify(runs / "t", sample=0)
        assert any(
            d.file == path and d.line == line and message in d.message
            for d in found.findings.differences
        ), (message, lines(found))


def test_ledger_of_no_run_is_checked_with_all_results(runs: Path) -> None:
    for path in (runs / "t" / "random").iterdir():
        path.unlink()
    (runs / "t" / "random").rmdir()
    (path,) = (runs / "store" / "summaries").glob("random-*.jsonl")
    path.write_bytes(path.read_bytes()[:-3])

    assert named(verify(runs, sample=0), path)


# ---------------------------------------------------------------------------------------------
# What is no difference.


def test_older_runs_are_read_and_said_to_be_older(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    shutil.copytree(BASELINE, tmp_path / "run")
    record, _ = read(tmp_path / "run")
    record["timing"].pop("sealed", None)
    table = pq.read_table(tmp_path / "run" / "samples.parquet")
    added = [name for name in table.column_names if name in ADDED_COLUMNS]
    pq.write_table(table.drop_columns(added), tmp_path / "run" / "samples.parquet")
    (tmp_path / "run" / "run.json").write_text(store_samples.text_of(record))

    found = verify(tmp_path / "run")

    assert found.good, lines(found)
    assert any("before files had digests" in note for note in found.findings.notes)


def test_the_baseline_in_git_is_as_it_was_written(tmp_path: Path) -> None:
    shutil.copytree(BASELINE, tmp_path / "a" / "b" / "baseline")  # away from any store

    found = verify(tmp_path / "a" / "b" / "baseline")

    assert found.good, lines(found)
    assert found.findings.done["digests of files"] == 4


def test_other_versions_are_said_and_are_no_difference(runs: Path) -> None:
    folder = runs / "t" / "lead"
    record, _ = read(folder)
    record["provenance"]["packages"]["torch"] = "1.0"
    reseal(folder, record)

    found = verify(folder)

    assert found.good
    assert any("torch 1.0 then" in note for note in found.findings.notes)


def test_metric_of_another_version_is_not_scored_again(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalharness.metrics.rouge import Rouge

    monkeypatch.setattr(Rouge, "version", 99)

    found = verify(runs / "t" / "lead")

    assert found.good
    assert any("rouge: not scored again: was rouge" in note for note in found.findings.notes)


def test_weights_that_are_gone_or_others_are_said(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs" / "quickstart" / "lead1-bart", tmp_path / "lead1-bart")
    folder = tmp_path / "run"
    shutil.copytree(BASELINE, folder)
    path = folder / "config.yaml"
    text = path.read_text().replace("../../../configs/quickstart/lead1-bart", "../lead1-bart")
    path.write_text(text)
    reseal(folder, store_samples.seal(read(folder)[0], {"config.yaml": ""}))
    found = verify(folder, sample=1)
    assert found.good, lines(found)
    assert not any("model" in note for note in found.findings.notes)

    (tmp_path / "lead1-bart" / "generation_config.json").write_text('{"max_new_tokens": 7}')
    found = verify(folder, sample=1)
    assert found.good
    assert any("the model was seq2seq" in note for note in found.findings.notes)

    shutil.rmtree(tmp_path / "lead1-bart")
    found = verify(folder, sample=1)
    assert found.good
    assert any("the model is not checked" in note for note in found.findings.notes)


def test_trackers_leave_a_run_that_verifies(runs: Path) -> None:
    from evalharness.protocols import Tracked
    from evalharness.runner.write import tell_trackers
    from evalharness.store.runs import read_run

    @dataclasses.dataclass
    class Deaf:
        required: bool = False

        def track(self, tracked: Tracked) -> str:
            raise ConnectionError("nobody there")

    folder = runs / "t" / "lead"
    tell_trackers({"deaf": Deaf()}, read_run(folder), runs, {})  # type: ignore[dict-item]

    assert verify(folder).good
    assert "nobody there" in (folder / "run.json").read_text()


def test_failed_summaries_and_calibrated_scores_verify(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in ARTICLES.read_text().splitlines()[:3]]
    for n, row in enumerate(rows):
        row["summary"] = row["article"][:80] if n < 2 else None
    data = tmp_path / "given.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    only_rouge = config(data, models=None, model="given", metrics=["rouge"])
    (finished,) = evalharness.run(only_rouge, results=tmp_path / "r")
    assert finished.record["counts"]["failed"] == 1

    found = verify(finished.folder, sample=None)

    assert found.good, lines(found)
    assert found.findings.done["scores held against the store"] == 6


def put(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda sample: sample.update(value)


@pytest.mark.parametrize(
    "change",
    [
        put({"references": [{"a": 1}]}),
        put({"references": "text"}),
        put({"extra": 7}),
        put({"id": None}),
        put({"summary": {"text": 5}}),
        put({"summary": {}}),
        put({"scores": []}),
        lambda sample: sample["scores"].update(rouge=None),
        lambda sample: sample["scores"]["rouge"].update(value="high"),
        lambda sample: sample["scores"]["rouge"].update(value=10**400),
        lambda sample: sample["scores"].pop("rouge"),
    ],
)
def test_malformed_samples_are_named_by_their_line(
    runs: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    path = runs / "t" / "lead" / "samples.jsonl"
    samples = read(path.parent)[1]
    change(samples[3])
    path.write_text("".join(json.dumps(s, ensure_ascii=False) + "\n" for s in samples))

    assert 4 in named(verify(path.parent), path)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -3},
        {"seed": "x"},
        {"interval": {"level": 2, "resamples": 1000}},
        {"metrics": {"rouge": 1}},
        {"signatures": {"model": "m", "metrics": {"rouge": None}}},
        {"provenance": []},
        {"timing": 3},
        {"counts": {"articles": -1}},
        {"format": 2},
    ],
)
def test_malformed_run_json_is_named(runs: Path, change: dict[str, Any]) -> None:
    path = runs / "t" / "lead" / "run.json"
    record = read(path.parent)[0]
    path.write_text(store_samples.text_of(record | change))

    assert named(verify(path.parent), path)


def test_what_is_nested_too_deep_or_no_utf8_is_named(runs: Path) -> None:
    folder = runs / "t" / "lead"
    for name in ("run.json", "samples.jsonl"):
        whole = (folder / name).read_bytes()
        for content in (b"[" * 100_000, b"\xff\xfe" + whole, b"", b"null\n"):
            (folder / name).write_bytes(content)
            assert named(verify(folder), folder / name)
        (folder / name).write_bytes(whole)


def test_digests_that_were_taken_away_are_missed(runs: Path) -> None:
    sweep, record = (
        json.loads((runs / "t" / "sweep.json").read_text()),
        read(runs / "t" / "lead")[0],
    )
    del sweep["sealed"], record["timing"]["sealed"]
    (runs / "t" / "sweep.json").write_text(store_samples.text_alone(sweep))
    (runs / "t" / "lead" / "run.json").write_text(store_samples.text_of(record))

    found = verify(runs / "t", sample=0)

    assert named(found, runs / "t" / "sweep.json")
    assert named(found, runs / "t" / "lead" / "run.json")


def test_no_file_outside_the_run_is_read_for_its_digest(runs: Path) -> None:
    folder = runs / "t" / "lead"
    record = store_samples.seal(read(folder)[0], {"../../../articles.jsonl": "0"})
    (folder / "run.json").write_text(store_samples.text_of(record))

    assert "articles.jsonl: no file of a run" in lines(verify(folder, sample=0))


def test_a_folder_of_results_makes_us_run_no_code_and_fetch_nothing() -> None:
    from evalharness.checks.nli import Nli
    from evalharness.trust import components

    class Coding:
        remote_code = True

    assert components.not_again(Coding()) == "it runs code that comes with a checkpoint"
    absent = Nli(model="nobody/nothing-of-the-kind")
    assert components.not_again(absent).endswith("is not on this machine")


# ---------------------------------------------------------------------------------------------
# The command.


def test_command_ends_with_0_1_or_2(runs: Path, command: Callable[..., Any]) -> None:
    done = command("verify", runs)
    assert done.returncode == 0
    assert "good: nothing differs" in done.stdout

    path = runs / "t" / "lead" / "samples.jsonl"
    path.write_bytes(path.read_bytes().replace(b"rouge1", b"rouge7", 1))
    done = command("verify", runs, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["good"] is False
    assert {"file": str(path), "line": 1}.items() <= found["differences"][1].items()

    done = command("verify", runs / "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("evalharness: ")
