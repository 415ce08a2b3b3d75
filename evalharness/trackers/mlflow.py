"""MLflow: runs in a database on this machine, or on a server that the config names."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from filelock import FileLock

from evalharness.protocols import Tracked
from evalharness.records import digest
from evalharness.trackers import payload

Value = TypeVar("Value", str, float)

# What MLflow takes: longer values are cut, more at once refused.
LONGEST_NAME = 240
LONGEST_VALUE = 6000
MOST_PARAMETERS = 100
MOST_METRICS = 1000
# Seconds for which another process may keep the database.
LONGEST_WAIT = 120.0


@dataclass(frozen=True)
class MLflow(payload.Tool):
    """MLflow runs: parameters, metrics, a table of samples, files; look with `mlflow ui`.

    uri: the tracking store, such as `sqlite:///mlflow.db` or `https://…`; default a database in
        `trackers/mlflow` below the results, and never one that the environment names.
    experiment: default the experiment of the config.
    samples: how many samples stand in the table.
    files: `small` logs config, `run.json` and the table of scores, `all` also the texts.
    required: whether a run that MLflow could not be told of ends the command with 4.
    """

    version: ClassVar[int] = 1
    modules: ClassVar[tuple[str, ...]] = ("mlflow", "sqlalchemy", "alembic")

    uri: str | None = None
    experiment: str | None = None
    samples: int = 100
    files: payload.FilesSent = "small"
    required: bool = True

    def track(self, tracked: Tracked) -> str:
        """Tell MLflow of a run, and return where it is: store, experiment, run id."""
        uri = self.uri
        if uri is None:
            uri = f"sqlite:///{payload.folder(None, tracked, 'mlflow') / 'mlflow.db'}"
        quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
        quiet = payload.quiet_tool("mlflow", "alembic", MLFLOW_DISABLE_TELEMETRY="true", **quick)
        with _alone(_database(uri)), quiet:
            return self._track(tracked, uri)

    def _track(self, tracked: Tracked, uri: str) -> str:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
        from mlflow.utils.time import get_current_time_millis

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        name = self.experiment or tracked.experiment
        run_id = client.create_run(
            _experiment(client, name, _database(uri)), run_name=tracked.name
        ).info.run_id
        try:
            now = get_current_time_millis()
            found = _with_safe_names(tracked.parameters).items()
            params = [Param(key, payload.clean(value)[:LONGEST_VALUE]) for key, value in found]
            figures = _with_safe_names(tracked.figures).items()
            metrics = [Metric(key, value, now, 0) for key, value in figures]
            for start in range(0, len(params), MOST_PARAMETERS):
                client.log_batch(run_id, params=params[start : start + MOST_PARAMETERS])
            for start in range(0, len(metrics), MOST_METRICS):
                client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])
            columns, rows = payload.sample_table(tracked, self.samples)
            client.log_table(run_id, _by_column(columns, rows), "samples.json")
            for path in payload.files(tracked, self.files):
                client.log_artifact(run_id, str(path))
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
        return f"{_without_password(uri)}, experiment {name}, run {run_id}"


def _database(uri: str) -> Path | None:
    """Return the file of a database on this machine; None for any other store."""
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute()


@contextmanager
def _alone(database: Path | None) -> Iterator[None]:
    """Let one process at a time at a database in a file: two that make its tables break it."""
    if database is None:
        yield
        return
    with FileLock(f"{database}.lock", timeout=LONGEST_WAIT):
        yield


def _with_safe_names(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values under names that MLflow takes; other letters become `_`, and none is lost.

    >>> _with_safe_names({"f (%)": 1, "f (#)": 2, "chrf": 3})
    {'f ___': 1, 'f ___-0b1f07': 2, 'chrf': 3}
    """
    found: dict[str, Value] = {}
    for name, value in values.items():
        safe = re.sub(r"[^\w.\- ]", "_", name)[:LONGEST_NAME]
        taken = safe in found or (safe != name and safe in values)
        found[f"{safe}-{digest(name)[:6]}" if taken else safe] = value
    return found


def _without_password(uri: str) -> str:
    """Return an address without the name and password in it, as it stands in `run.json`."""
    return re.sub(r"(?<=://)[^/@]*@", "", uri)


def _experiment(client: Any, name: str, database: Path | None) -> str:
    """Return the id of an experiment, made if there is none; its files lie beside its database."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = (database.parent / "artifacts").as_uri() if database else None
    return str(client.create_experiment(name, artifact_location=place))


def _by_column(columns: list[str], rows: list[list[Any]]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(columns)}
