"""TensorBoard: event files, a folder for each run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalharness.protocols import Tracked
from evalharness.trackers import payload


@dataclass(frozen=True)
class TensorBoard(payload.Tool):
    """TensorBoard event files: metrics as scalars, parameters, samples and files as text.

    folder: where the event files go; default `trackers/tensorboard` below the results.
    samples: how many samples stand in the table.
    files: `small` shows `config.yaml` and `run.json` as text, as TensorBoard keeps no files.
    required: whether a run that could not be written ends the command with 4.
    """

    version: ClassVar[int] = 1
    modules: ClassVar[tuple[str, ...]] = ("tensorboard",)

    folder: str | None = None
    samples: int = 100
    files: payload.FilesSent = "small"
    required: bool = True

    def track(self, tracked: Tracked) -> str:
        """Write the event file of a run, and return its folder."""
        started = tracked.started.replace(":", "")
        home = payload.folder(self.folder, tracked, "tensorboard")
        home = home / tracked.experiment / tracked.name / started
        with payload.quiet_tool("tensorboard"):
            self._write(tracked, home)
        return str(home)

    def _write(self, tracked: Tracked, home: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        columns, rows = payload.sample_table(tracked, self.samples)
        parameters = [list(pair) for pair in tracked.parameters.items()]
        texts = {
            "parameters": _markdown(["parameter", "value"], parameters),
            "samples": _markdown(columns, rows),
        }
        for path in payload.files(tracked, self.files):
            if path.suffix in (".yaml", ".json"):
                texts[path.name] = _block(path.read_text(encoding="utf-8"))
        writer = EventFileWriter(str(home))
        try:
            for name, value in tracked.figures.items():
                writer.add_event(_event(name, value))
            for name, text in texts.items():
                writer.add_event(_event(name, text))
        finally:
            writer.close()


def _event(name: str, value: float | str) -> Any:
    """Return an event that shows a number as a scalar, a text as Markdown."""
    import time

    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    if isinstance(value, float):
        entry = Summary.Value(tag=name, simple_value=value)
    else:
        kind = SummaryMetadata.PluginData(plugin_name="text")
        text = TensorProto(
            dtype="DT_STRING", string_val=[value.encode("utf-8", "backslashreplace")]
        )
        entry = Summary.Value(tag=name, metadata=SummaryMetadata(plugin_data=kind), tensor=text)
    return Event(wall_time=time.time(), step=0, summary=Summary(value=[entry]))


def _markdown(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", "<br>")


def _block(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
