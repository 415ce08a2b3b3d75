"""The notebook of the documentation runs, and shows what it has shown."""

import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
# What differs from one process to the next.
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def shown(cell: Any) -> list[dict[str, Any]]:
    """Return the outputs of a cell, but for what libraries say on stderr."""
    outputs = [dict(each) for each in cell.get("outputs", ()) if each.get("name") != "stderr"]
    for output in outputs:
        output.pop("execution_count", None)
    return outputs


def test_notebook_runs_and_shows_what_it_has_shown(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("accelerate")
    committed = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        run, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    for cell in run.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    if request.config.getoption("--update-golden"):
        run.metadata.language_info = {"name": "python"}
        nbformat.write(run, NOTEBOOK)
        committed = run
    code = [cell for cell in run.cells if cell.cell_type == "code"]

    assert len(code) > 10
    for now, then in zip(run.cells, committed.cells, strict=True):
        assert shown(now) == shown(then), now.source
    assert all(shown(cell) for cell in code[1:])  # each but the first shows something


def test_notebook_has_nothing_of_the_machine_that_made_it() -> None:
    text = NOTEBOOK.read_text()

    assert not re.search(r"/(work|root|home|tmp|Users)/", text)
    assert not _ADDRESS.search(text)
    assert "Traceback" not in text
    assert "<script" not in text
