"""Weights & Biases: offline unless the config says otherwise."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from evalharness.protocols import Tracked
from evalharness.trackers import payload


@dataclass(frozen=True)
class WandB(payload.Tool):
    """Weights & Biases runs, in files on this machine; `wandb sync` sends them when you like.

    project: default the experiment of the config.
    entity: whose project; default that of the account.
    mode: `offline` writes files and sends nothing, `online` sends at once.
    folder: where the files go; default `trackers/wandb` below the results.
    samples: how many samples stand in the table.
    files: `small` logs config, `run.json` and the table of scores, `all` also the texts.
    required: whether a run that W&B could not be told of ends the command with 4.
    """

    version: ClassVar[int] = 1
    modules: ClassVar[tuple[str, ...]] = ("wandb",)

    project: str | None = None
    entity: str | None = None
    mode: Literal["offline", "online"] = "offline"
    folder: str | None = None
    samples: int = 100
    files: payload.FilesSent = "small"
    required: bool = True

    def track(self, tracked: Tracked) -> str:
        """Tell W&B of a run, and return where it is: a folder, or a page."""
        home = payload.folder(self.folder, tracked, "wandb")
        ours: dict[str, str | None] = {
            "WANDB_MODE": self.mode,
            "WANDB_ERROR_REPORTING": "false",
            # Where files wait to be sent; by default below the user's home.
            "WANDB_DATA_DIR": str(home / "wandb"),
            "WANDB_CACHE_DIR": str(home / "wandb"),
        }
        ours |= dict.fromkeys(["WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_ID", "WANDB_NAME"])
        with payload.quiet_tool("wandb", **ours):
            return self._track(tracked, home)

    def _track(self, tracked: Tracked, home: Path) -> str:
        import wandb

        settings = wandb.Settings(
            mode=self.mode,
            console="off",
            silent=True,
            disable_git=True,
            save_code=False,
            x_disable_stats=True,
        )
        run = wandb.init(
            project=self.project or tracked.experiment,
            entity=self.entity,
            name=tracked.name,
            dir=home,
            config=tracked.parameters,
            settings=settings,
            reinit="create_new",
        )
        try:
            columns, rows = payload.sample_table(tracked, self.samples)
            run.log(tracked.figures)
            run.log({"samples": wandb.Table(columns=columns, data=rows, allow_mixed_types=True)})
            if files := payload.files(tracked, self.files):
                artifact = wandb.Artifact(f"run-{run.id}-files", "evalharness-run")
                for path in files:
                    artifact.add_file(str(path))
                run.log_artifact(artifact)
        except BaseException:
            run.finish(exit_code=1)
            raise
        run.finish()
        return str(run.url or Path(run.dir).parent)
