"""Files by path or URL, files of the project, temporary files, untrusted files and texts."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# What names the standard input where a file is asked for.
STDIN = "-"


def shipped_path(name: str, top: str = "configs") -> Path:
    """Return where a file or folder of `configs/` lies, such as `quickstart/articles.jsonl`.

    In a wheel `configs/`, or another folder `top`, is inside the package, in a checkout beside it.
    """
    inside = _PACKAGE / top / name
    return inside if inside.exists() else _PACKAGE.parent / top / name


def nearest_path(path: Path) -> str:
    """Return a clause with what is called nearly as a path, and lies beside it; "" for none."""
    import difflib

    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f"; did you mean {path.with_name(close[0])}?" if close else ""


def split_name(argument: str) -> tuple[str, str]:
    """Return name and file of `NAME=FILE`; no name where the whole is a file, or the name a path.

    >>> split_name("bart=out/a.jsonl"), split_name("out/a=b.jsonl")
    (('bart', 'out/a.jsonl'), ('', 'out/a=b.jsonl'))
    """
    name, equals, path = argument.partition("=")
    if not (equals and name and path) or "/" in name:
        return "", argument
    from evalharness.protocols import is_url

    if is_url(argument):
        return "", argument
    return ("", argument) if Path(argument).exists() else (name, path)


def content_hash(path: Path, pattern: str = "*") -> str:
    """Return a hash of a file, or of all files in a folder that have a pattern, with their names.

    Of nothing, where nothing is there.
    """
    import hashlib

    whole = hashlib.sha256()
    for file in sorted(path.rglob(pattern)) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{file.relative_to(path).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()
