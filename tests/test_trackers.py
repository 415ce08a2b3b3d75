"""Trackers: what they are told is read back from their own stores; a failure loses no run.

Each tool's tests are skipped where it is not installed: pip install -e '.[trackers]'.
"""

import importlib.util
import json
import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evalharness.errors import ConfigError, MissingExtra
from evalharness.protocols import Tracked
from evalharness.runner import run as runner_run
from evalharness.runner.write import to_be_tracked
from evalharness.store.runs import Run, checked_run
from evalharness.trackers import payload

PLUGIN = Path(__file__).parent / "example_plugin"
ROWS: list[dict[str, Any]] = [
    {
        "id": "clinic",
        "article": "A clinic for 60 patients opened in Dunmarsh on Friday. The county paid.",
        "summary": "A clinic for 80 patients opened.",
        "reference": "Dunmarsh opened a clinic for 60 patients.",
    },
    {
        "id": "ferry",
        "article": "The ferry Maid of Ardle lost power. " * 200,
        "summary": "No power.",
    },
    {"id": "none", "article": "It rained.", "summary": "", "reference": "It | rained.\nMuch."},
]
TOOLS = {
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "wandb": ("wandb",),
    "trackio": ("trackio",),
    "tensorboard": ("tensorboard",),
}


def needs(tool: str) -> pytest.MarkDecorator:
    missing = [name for name in TOOLS[tool] if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def make_config(tmp_path: Path, *trackers: Any, **keys: Any) -> dict[str, Any]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    data = {"name": "files", "path": str(path)}
    usual = {"name": "news", "data": data, "model": "given", "checks": ["numbers"]}
    return usual | {"trackers": list(trackers)} | keys


def tracked(tmp_path: Path, **keys: Any) -> Tracked:
    (finished,) = runner_run.run(make_config(tmp_path, **keys), results=tmp_path / "r")
    return to_be_tracked(finished, tmp_path / "r", {})


def told(tmp_path: Path, *trackers: Any, **keys: Any) -> tuple[Run, dict[str, Any]]:
    """Run in a process of its own, as tools keep what they were told first; return what came."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(make_config(tmp_path, *trackers, **keys)))
    done = evalharness(tmp_path, "run", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    folder = tmp_path / "r" / "news" / "given"
    record = json.loads((folder / "run.json").read_text())
    return checked_run(folder, record), record["timing"]["trackers"]


def evalharness(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with the example plug-in at hand, and with no network configured."""
    info = tmp_path / "plugin" / "evalharness_example-0.1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Name: evalharness-example\nVersion: 0.1.0\n")
    points = "[evalharness.trackers]\nnotebook = evalharness_example:Notebook\n"
    (info / "entry_points.txt").write_text(points)
    paths = os.pathsep.join([str(info.parent), str(PLUGIN), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "TRACKIO_SPACE_ID": "nobody/nothing"}
    environment |= {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "WANDB_MODE": "online"}
    command = [sys.executable, "-m", "evalharness", *arguments, "--results", str(tmp_path / "r")]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )


# What they are told


def test_metrics_are_means_with_intervals_and_counts_and_never_missing_ones(tmp_path: Path) -> None:
    run = tracked(tmp_path)
    found = run.figures
    rouge = run.record["metrics"]["rouge"]

    assert found["rouge"] == rouge["mean"]
    assert found["rouge.rouge1.low"] == rouge["parts"]["rouge1"]["low"]
    assert found["numbers.flags.number"] == 1
    assert found["articles.articles"] == 3
    assert found["rouge.not_scored"] == rouge["not_scored"] > 0
    assert all(value == value for value in found.values())


def test_metric_without_a_value_is_left_out(tmp_path: Path) -> None:
    nowhere = {"name": "files", "path": str(tmp_path / "rows.jsonl"), "columns": {"reference": "x"}}
    rows = "".join(json.dumps(row | {"x": []}) + "\n" for row in ROWS)
    whole = make_config(tmp_path, data=nowhere)
    (tmp_path / "rows.jsonl").write_text(rows)
    (finished,) = runner_run.run(whole, results=tmp_path / "r")
    run = to_be_tracked(finished, tmp_path / "r", {})

    assert {"rouge", "rouge.low"}.isdisjoint(run.figures)
    assert run.figures["rouge.n"] == 0


def test_parameters_are_signatures_data_and_seed(tmp_path: Path) -> None:
    run = tracked(tmp_path, seed=7)
    found = run.parameters

    assert found["signature.rouge"] == run.record["signatures"]["metrics"]["rouge"]
    assert found["signature.model"].startswith("given|")
    assert found["data.fingerprint"] == run.record["data"]["fingerprint"]
    assert found["seed"] == "7"


def test_table_has_so_many_samples_and_no_more_of_a_text_than_a_table_holds(tmp_path: Path) -> None:
    run = tracked(tmp_path)
    columns, rows = payload.sample_table(run, 2)

    assert columns == [
        "id",
        "article",
        "reference",
        "summary",
        "finish",
        "rouge",
        "numbers",
        "flags",
    ]
    assert [row[0] for row in rows] == ["clinic", "ferry"]
    assert len(rows[1][1]) == payload.LONGEST_TEXT
    assert rows[1][5] is None
    assert rows[0][7].startswith("80 patients: ") or rows[0][7].startswith("80: ")
    assert payload.sample_table(run, 0)[1] == []
    assert payload.clip_text("a\ud800b\0") == "a\\ud800b\\0"


def test_files_are_those_that_are_there(tmp_path: Path) -> None:
    run = tracked(tmp_path)
    small = ["config.yaml", "run.json", "samples.parquet"]

    assert [path.name for path in payload.files(run, "small")] == small
    assert [path.name for path in payload.files(run, "all")] == [*small, "samples.jsonl"]
    assert payload.files(run, "none") == []


# Any tracker


def test_tracker_of_a_plug_in_is_told_of_each_run(tmp_path: Path) -> None:
    finished, came = told(tmp_path, "notebook")

    line = (tmp_path / "r" / "notebook.md").read_text()
    assert line.startswith(f"* given {{}}: rouge {finished.metrics['rouge']['mean']}")
    assert came["notebook"]["where"] == str(tmp_path / "r" / "notebook.md")
    assert came["notebook"]["seconds"] >= 0


def test_each_run_of_a_sweep_is_told_with_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    sweep = {"grid": {"model.sentences": [1, 2]}}
    path.write_text(
        json.dumps(make_config(tmp_path, "notebook", model={"name": "lead"}, sweep=sweep))
    )
    done = evalharness(tmp_path, "run", str(path))

    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "r" / "notebook.md").read_text().splitlines()
    assert [line.partition("}")[0].partition("{")[2] for line in lines] == [
        "'model.sentences': 1",
        "'model.sentences': 2",
    ]


def test_tracker_that_fails_loses_no_run_and_ends_with_4(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    broken = {"name": "notebook", "file": "news"}
    path.write_text(json.dumps(make_config(tmp_path, broken, broken | {"label": "second"})))
    done = evalharness(tmp_path, "run", str(path))

    assert done.returncode == 4
    assert "rougeLsum" in done.stdout
    assert done.stderr.count("\n") == 2
    assert done.stderr.splitlines()[1].startswith("evalharness: given: second was not told")
    assert "given: notebook was not told of the run, which is on disk: IsADirectory" in done.stderr
    record = json.loads((tmp_path / "r" / "news" / "given" / "run.json").read_text())
    assert record["timing"]["trackers"]["notebook"]["error"].startswith("IsADirectoryError")
    assert (tmp_path / "r" / "news" / "given" / "samples.parquet").is_file()


def test_tracker_that_is_not_required_fails_with_a_line_and_0(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    broken = {"name": "notebook", "file": "news", "required": False}
    path.write_text(
        json.dumps(make_config(tmp_path, broken, {"name": "notebook", "label": "good"}))
    )
    done = evalharness(tmp_path, "run", str(path))

    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "notebook was not told" in done.stderr
    assert (tmp_path / "r" / "notebook.md").is_file()


def test_trackers_change_nothing_of_a_run_but_its_timing(tmp_path: Path) -> None:
    plain = tracked(tmp_path)
    before = {p.name: p.read_bytes() for p in plain.folder.iterdir()}
    finished, _ = told(tmp_path, "notebook")
    after = {p.name: p.read_bytes() for p in finished.folder.iterdir()}
    after.pop("report.html")  # which the command writes beside the run

    assert before.keys() == after.keys()
    for name in before.keys() - {"run.json"}:
        assert before[name] == after[name], name
    records = [json.loads(found["run.json"]) for found in (before, after)]
    assert [r.pop("timing") for r in records][1]["trackers"]
    assert records[0] == records[1]


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_that_is_not_installed_is_said_before_any_work(tmp_path: Path, tool: str) -> None:
    if all(importlib.util.find_spec(name) for name in TOOLS[tool]):
        pytest.skip(f"{tool} is installed")
    with pytest.raises(MissingExtra, match=rf"tracker {tool} needs: pip install .*{tool}"):
        runner_run.run(make_config(tmp_path, tool), results=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_mistakes_in_trackers_are_said_with_their_place(tmp_path: Path) -> None:
    wrong: dict[str, list[Any]] = {
        "no tracker 'wandv'; did you mean wandb?": ["wandv"],
        "'wandb' stands twice; give one of them a label": ["wandb", "wandb"],
        "unknown key; did you mean samples?": [{"name": "mlflow", "sample": 3}],
        "should be 'offline' or 'online'": [{"name": "wandb", "mode": "dry"}],
    }
    for message, trackers in wrong.items():
        with pytest.raises(ConfigError, match=r"trackers\.[01]") as caught:
            runner_run.run(make_config(tmp_path, *trackers), results=tmp_path / "r")
        assert message in str(caught.value)


# Read back from their own stores


@needs("mlflow")
def test_mlflow_has_the_run_in_its_database(tmp_path: Path) -> None:
    finished, came = told(tmp_path, {"name": "mlflow", "files": "all"})
    home = tmp_path / "r" / "trackers" / "mlflow"
    with sqlite3.connect(home / "mlflow.db") as database:
        ((run_id, name, status, artifacts, experiment),) = database.execute(
            "select r.run_uuid, r.name, r.status, r.artifact_uri, e.name "
            "from runs r join experiments e using (experiment_id)"
        ).fetchall()
        metrics = dict(database.execute("select key, value from metrics"))
        params = dict(database.execute("select key, value from params"))
    database.close()
    run = to_be_tracked(finished, tmp_path / "r", {})

    assert (name, status, experiment) == ("given", "FINISHED", "news")
    assert metrics == run.figures
    assert params == run.parameters
    folder = Path(artifacts.removeprefix("file://"))
    table = json.loads((folder / "samples.json").read_text())
    columns, rows = payload.sample_table(run, 100)
    assert table["columns"] == columns
    for logged, row in zip(table["data"], rows, strict=True):
        assert logged == [pytest.approx(v) if isinstance(v, float) else v for v in row]
    assert (folder / "samples.jsonl").read_bytes() == (
        finished.folder / "samples.jsonl"
    ).read_bytes()
    assert run_id in came["mlflow"]["where"]


@needs("mlflow")
def test_mlflow_gathers_runs_under_one_experiment(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'own.db'}"
    for _ in range(2):
        told(tmp_path, {"name": "mlflow", "uri": uri, "experiment": "mine", "files": "none"})
    with sqlite3.connect(tmp_path / "own.db") as database:
        names = database.execute("select name from experiments").fetchall()
        n = database.execute("select count(*) from runs").fetchall()
    database.close()

    assert set(names) == {("Default",), ("mine",)}
    assert n == [(2,)]
    assert len(list((tmp_path / "artifacts").rglob("samples.json"))) == 2
    assert not (tmp_path / "mlruns").exists()


@needs("mlflow")
def test_two_processes_make_one_mlflow_database(tmp_path: Path) -> None:
    for n in (1, 2):
        model = {"name": "lead", "sentences": n, "label": f"lead-{n}"}
        whole = make_config(tmp_path, "mlflow", model=model)
        (tmp_path / f"{n}.yaml").write_text(json.dumps(whole))
    with ThreadPoolExecutor(2) as both:
        paths = [str(tmp_path / f"{n}.yaml") for n in (1, 2)]
        done = list(both.map(lambda path: evalharness(tmp_path, "run", path), paths))

    assert [(each.returncode, each.stderr) for each in done] == [(0, ""), (0, "")]
    database = tmp_path / "r" / "trackers" / "mlflow" / "mlflow.db"
    with sqlite3.connect(database) as connection:
        runs = connection.execute("select name, status from runs").fetchall()
    connection.close()
    assert set(runs) == {("lead-1", "FINISHED"), ("lead-2", "FINISHED")}


@needs("wandb")
@needs("mlflow")
@needs("trackio")
@needs("tensorboard")
def test_names_in_any_script_are_told_to_all(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    metrics = [{"name": "rouge", "label": label} for label in ('ROUGE (α) 100%:"é"', "a#", "a?")]
    model = {"name": "given", "label": "모델 x=1, y#2"}
    path.write_text(
        json.dumps(make_config(tmp_path, *TOOLS, name="数据 a/b", metrics=metrics, model=model))
    )
    done = evalharness(tmp_path, "run", str(path))

    assert (done.returncode, done.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "r" / "trackers" / "mlflow" / "mlflow.db") as database:
        keys = {key for (key,) in database.execute("select key from metrics")}
    database.close()
    assert {"ROUGE _α_ 100___é_", "a_"} < keys
    assert sum(key.startswith("a_-") and key.count(".") == 0 for key in keys) == 1


@needs("mlflow")
def test_mlflow_server_that_is_away_fails_in_time_and_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    path = tmp_path / "config.yaml"
    tracker = {"name": "mlflow", "uri": "http://127.0.0.1:9", "required": False}
    path.write_text(json.dumps(make_config(tmp_path, tracker)))
    done = evalharness(tmp_path, "run", str(path))

    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "mlflow was not told" in done.stderr
    assert "secret" not in done.stderr
    assert "secret" not in (tmp_path / "r" / "news" / "given" / "run.json").read_text()


def test_password_of_a_tracker_is_refused_in_a_config(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    tracker = {"name": "mlflow", "uri": "http://me:secret@127.0.0.1:9"}
    path.write_text(json.dumps(make_config(tmp_path, tracker)))
    done = evalharness(tmp_path, "run", str(path))

    assert done.returncode == 2
    assert "trackers.0.uri: holds what looks like a password" in done.stderr
    assert "secret" not in done.stderr


@needs("wandb")
def test_wandb_has_the_run_in_its_offline_file(tmp_path: Path) -> None:
    finished, came = told(tmp_path, {"name": "wandb", "project": "mine"})
    folder = Path(came["wandb"]["where"])
    (log,) = folder.glob("run-*.wandb")
    records = list(wandb_records(log.read_bytes()))
    run = to_be_tracked(finished, tmp_path / "r", {})

    (started,) = [r.run for r in records if r.HasField("run")]
    assert (started.project, started.display_name) == ("mine", "given")
    config = {u.key: json.loads(u.value_json) for u in started.config.update}
    assert {k: config[k] for k in run.parameters} == run.parameters
    logged: dict[str, Any] = {}
    for record in records:
        for each in record.history.item:
            logged[each.key or ".".join(each.nested_key)] = json.loads(each.value_json)
    assert {k: logged[k] for k in run.figures} == run.figures
    (table,) = (folder / "files" / "media" / "table").glob("samples*.json")
    columns, rows = payload.sample_table(run, 100)
    assert json.loads(table.read_text())["data"] == rows
    assert json.loads(table.read_text())["columns"] == columns
    (files,) = [r.artifact for r in records if r.artifact.type == "evalharness-run"]
    kept = {entry.path: Path(entry.local_path) for entry in files.manifest.contents}
    assert set(kept) == {"config.yaml", "run.json", "samples.parquet"}
    for name in ("config.yaml", "samples.parquet"):
        assert kept[name].read_bytes() == (finished.folder / name).read_bytes()
        assert kept[name].is_relative_to(tmp_path)
    assert [r.exit.exit_code for r in records if r.HasField("exit")] == [0]


def wandb_records(content: bytes) -> Iterator[Any]:
    """Yield the records of a `.wandb` file: a log of LevelDB's kind, in blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    at, parts = 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""


@needs("trackio")
def test_trackio_has_the_run_in_its_database(tmp_path: Path) -> None:
    finished, _ = told(tmp_path, {"name": "trackio", "project": "mine"})
    home = tmp_path / "r" / "trackers" / "trackio"
    with sqlite3.connect(home / "mine.db") as database:
        logged = [json.loads(m) for (m,) in database.execute("select metrics from metrics")]
        ((name, config),) = database.execute("select run_name, config from configs").fetchall()
        manifest = str(database.execute("select manifest from artifact_versions").fetchall())
    database.close()
    run = to_be_tracked(finished, tmp_path / "r", {})
    columns, rows = payload.sample_table(run, 100)

    assert name == "given"
    assert run.parameters.items() <= json.loads(config).items()
    assert logged[0] == run.figures
    assert [[row[c] for c in columns] for row in logged[1]["samples"]["_value"]] == rows
    assert all(file in manifest for file in ("config.yaml", "run.json", "samples.parquet"))


@needs("tensorboard")
def test_tensorboard_has_the_run_in_its_event_file(tmp_path: Path) -> None:
    finished, came = told(tmp_path, "tensorboard")
    script = (
        "import json, sys\n"
        "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
        "found = EventAccumulator(sys.argv[1], size_guidance={'tensors': 0})\n"
        "found.Reload()\n"
        "tags = found.Tags()\n"
        "scalars = {tag: found.Scalars(tag)[0].value for tag in tags['scalars']}\n"
        "texts = {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in "
        "tags['tensors']}\n"
        "print(json.dumps([scalars, texts]))\n"
    )
    command = [sys.executable, "-c", script, came["tensorboard"]["where"]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    scalars, texts = json.loads(done.stdout)
    run = to_be_tracked(finished, tmp_path / "r", {})

    assert scalars == pytest.approx(run.figures, rel=1e-6)
    assert set(texts) == {"parameters", "samples", "config.yaml", "run.json"}
    lines = texts["samples"].splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert "It \\| rained.<br>Much." in lines[4]
    assert (finished.folder / "config.yaml").read_text().splitlines()[0] in texts["config.yaml"]


@needs("wandb")
@needs("mlflow")
@needs("trackio")
@needs("tensorboard")
def test_runs_of_a_sweep_are_told_to_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    sweep = {"grid": {"model.sentences": [1, 2, 3]}}
    every = make_config(tmp_path, *TOOLS, model={"name": "lead"}, sweep=sweep)
    path.write_text(json.dumps(every))
    done = evalharness(tmp_path, "run", str(path))

    assert (done.returncode, done.stderr) == (0, "")
    home = tmp_path / "r" / "trackers"
    with sqlite3.connect(home / "mlflow" / "mlflow.db") as database:
        swept = database.execute("select value from params where key like 'sweep.%'").fetchall()
    database.close()
    assert sorted(swept) == [("1",), ("2",), ("3",)]
    assert len(list((home / "wandb").glob("wandb/offline-run-*"))) == 3
    assert len(list((home / "tensorboard").rglob("events.*"))) == 3
    with sqlite3.connect(home / "trackio" / "news.db") as database:
        assert database.execute("select count(*) from configs").fetchall() == [(3,)]
    database.close()
