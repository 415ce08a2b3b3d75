"""trackio: runs in a database on this machine, with the calls of Weights & Biases."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evalharness.errors import ConfigError
from evalharness.protocols import Tracked
from evalharness.records import digest
from evalharness.trackers import payload


@dataclass(frozen=True)
class Trackio(payload.Tool):
    """trackio runs, in a database on this machine; look with `trackio show`.

    project: default the experiment of the config.
    space: a Space on the Hugging Face hub to send runs to; default none, and never one that the
        environment names.
    folder: where the database is; default `TRACKIO_DIR`, or `trackers/trackio` below the results.
    samples: how many samples stand in the table.
    files: `small` logs config, `run.json` and the table of scores, `all` also the texts.
    required: whether a run that trackio could not be told of ends the command with 4.
    """

    version: ClassVar[int] = 1
    modules: ClassVar[tuple[str, ...]] = ("trackio",)

    project: str | None = None
    space: str | None = None
    folder: str | None = None
    samples: int = 100
    files: payload.FilesSent = "small"
    required: bool = True

    def track(self, tracked: Tracked) -> str:
        """Tell trackio of a run, and return where it is: its folder, project and name."""
        home = payload.folder(self.folder or os.environ.get("TRACKIO_DIR"), tracked, "trackio")
        elsewhere = {"TRACKIO_SPACE_ID": None, "TRACKIO_SERVER_URL": None}
        with payload.quiet_tool("trackio", "httpx", TRACKIO_DIR=str(home), **elsewhere):
            return self._track(tracked, home)

    def _track(self, tracked: Tracked, home: Path) -> str:
        import trackio

        _same_folder(home)
        project = self.project or tracked.experiment
        run = trackio.init(
            project=project,
            name=tracked.name,
            space_id=self.space,
            config=tracked.parameters,
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        try:
            columns, rows = payload.sample_table(tracked, self.samples)
            told = [dict(zip(columns, row, strict=True)) for row in rows]
            run.log(dict(tracked.figures))
            run.log({"samples": trackio.Table(columns=columns, data=[[*r.values()] for r in told])})
            if files := payload.files(tracked, self.files):
                artifact = trackio.Artifact(_artifact_name(tracked.name), "evalharness-run")
                for path in files:
                    artifact.add_file(str(path))
                run.log_artifact(artifact)
        finally:
            trackio.finish()
        return f"{home}, project {project}, run {tracked.name}"


def _artifact_name(run: str) -> str:
    """Return a name that trackio takes for the files of a run: letters, digits, `.`, `_`, `-`."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", run)
    return f"{safe}-files" if safe == run else f"{safe}-{digest(run)[:8]}-files"


def _same_folder(home: Path) -> None:
    """Refuse another folder than trackio took when it was imported: it cannot change it."""
    taken = Path(sys.modules["trackio.utils"].TRACKIO_DIR)
    if taken != home:
        raise ConfigError(f"trackio is at work in {taken} and cannot move to {home}; start anew")
