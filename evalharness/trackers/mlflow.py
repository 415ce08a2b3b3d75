"""MLflow: runs in a database on this machine, or on a server that the config names."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalharness.protocols import Tracked
from evalharness.trackers import telling

# What MLflow takes: longer values are cut, more at once refused.
LONGEST_VALUE = 6000
MOST_PARAMETERS = 100
MOST_METRICS = 1000


@dataclass(frozen=True)
class MLflow:
    """MLflow runs: parameters, metrics, a table of samples, files; look with `mlflow ui`.

    uri: the tracking store, such as `sqlite:///mlflow.db` or `https://…`; default a database in
        `trackers/mlflow` below the results, and never one that the environment names.
    experiment: default the experiment of the config.
    samples: how many samples stand in the table.
    files: `small` logs config, `run.json` and the table of scores, `all` also `samples.jsonl`.
    required: whether a run that MLflow could not be told of ends the command with 4.
    """

    version: ClassVar[int] = 1

    uri: str | None = None
    experiment: str | None = None
    samples: int = 100
    files: telling.Files = "small"
    required: bool = True

    def ready(self) -> None:
        """Do nothing where MLflow is installed. Raises: MissingExtra."""
        telling.installed("mlflow", "mlflow", "sqlalchemy", "alembic")

    def track(self, tracked: Tracked) -> str:
        """Tell MLflow of a run, and return where it is: store, experiment, run id."""
        home = telling.folder(None, tracked, "mlflow") if self.uri is None else None
        quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
        with telling.quiet("mlflow", "alembic", MLFLOW_DISABLE_TELEMETRY="true", **quick):
            return self._track(tracked, home)

    def _track(self, tracked: Tracked, home: Path | None) -> str:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
        from mlflow.utils.time import get_current_time_millis

        uri = self.uri or f"sqlite:///{(home or Path()) / 'mlflow.db'}"
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        name = self.experiment or tracked.experiment
        run_id = client.create_run(
            _experiment(client, name, home), run_name=tracked.name
        ).info.run_id
        try:
            now = get_current_time_millis()
            found = telling.parameters(tracked).items()
            params = [Param(key, telling.clean(value)[:LONGEST_VALUE]) for key, value in found]
            metrics = [Metric(k, v, now, 0) for k, v in telling.metrics(tracked).items()]
            for start in range(0, len(params), MOST_PARAMETERS):
                client.log_batch(run_id, params=params[start : start + MOST_PARAMETERS])
            for start in range(0, len(metrics), MOST_METRICS):
                client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])
            columns, rows = telling.table(tracked, self.samples)
            client.log_table(run_id, _by_column(columns, rows), "samples.json")
            for path in telling.files(tracked, self.files):
                client.log_artifact(run_id, str(path))
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
        return f"{_without_password(uri)}, experiment {name}, run {run_id}"


def _without_password(uri: str) -> str:
    """Return an address without the name and password in it, as it stands in `run.json`."""
    return re.sub(r"(?<=://)[^/@]*@", "", uri)


def _experiment(client: Any, name: str, home: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = (home / "artifacts").as_uri() if home else None
    return str(client.create_experiment(name, artifact_location=place))


def _by_column(columns: list[str], rows: list[list[Any]]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(columns)}
