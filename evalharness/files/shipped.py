"""Files that the project brings along: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_INSIDE = Path(__file__).parents[1] / "configs"
_BESIDE = Path(__file__).parents[2] / "configs"


def shipped_path(name: str) -> Path:
    """Return where a file or folder of `configs/` lies, such as `quickstart/articles.jsonl`."""
    inside = _INSIDE / name
    return inside if inside.exists() else _BESIDE / name
