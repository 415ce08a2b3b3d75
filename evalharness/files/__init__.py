"""Files by path or URL, files of the project, temporary files, untrusted files and texts."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped_path(name: str) -> Path:
    """Return where a file or folder of `configs/` lies, such as `quickstart/articles.jsonl`.

    In a wheel `configs/` is inside the package, in a checkout beside it.
    """
    inside = _PACKAGE / "configs" / name
    return inside if inside.exists() else _PACKAGE.parent / "configs" / name
