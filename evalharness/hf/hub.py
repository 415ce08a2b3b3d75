"""What the hub has of a checkpoint, what the cache holds of it, and what is still to be fetched.

Nothing here fetches a weight, and nothing imports torch.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from evalharness.errors import ModelError

# Any of these makes a tokenizer.
TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.*", "vocab-*.json", "*.model"),
    *("*.tiktoken", "*.spm", "bpe.codes", "dict.txt", "*.tokenizer"),
)
# What transformers fetches beside the weights: all that a backbone is asked for.
BESIDE_WEIGHTS = (
    *("config.json", "generation_config.json", "tokenizer*.json", "special_tokens_map.json"),
    *("added_tokens.json", "merges.txt", "vocab.*", "vocab-*.json", "*.model", "*.tiktoken"),
    *("*.spm", "bpe.codes", "dict.txt", "*.tokenizer"),
    *("chat_template.json", "*.jinja"),
)
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHARDS = "model-*-of-*.safetensors"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Wanted:
    """What a component reads of a checkpoint: a folder, or a name on the hub.

    only: patterns of the files that are read of it, where it is not loaded whole by transformers.
    """

    name: str
    revision: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToFetch:
    """What of a checkpoint is not on this machine yet.

    files: names and bytes (None where the hub does not say). A folder, and what is cached, have
    none. note: what is likely to go wrong, else empty.

    >>> print(ToFetch("org/name", "main", {"model.safetensors": 3_100_000_000, "config.json": 700}))
    org/name: 2 files to fetch, 3.1 GB (model.safetensors and 1 more)
    >>> print(ToFetch("org/name", "main", {}))
    org/name: nothing to fetch
    """

    name: str
    commit: str
    files: Mapping[str, int | None]
    note: str = ""

    @property
    def n_bytes(self) -> int:
        """Return how many bytes these are, as far as the hub says."""
        return sum(size or 0 for size in self.files.values())

    def __str__(self) -> str:
        note = f"; {self.note}" if self.note else ""
        if not self.files:
            return f"{self.name}: nothing to fetch{note}"
        n, largest = len(self.files), max(self.files, key=lambda file: self.files[file] or 0)
        more = f" and {n - 1} more" if n > 1 else ""
        files = f"{n} {'file' if n == 1 else 'files'} to fetch"
        return f"{self.name}: {files}, {readable(self.n_bytes)} ({largest}{more}){note}"


def readable(n_bytes: int) -> str:
    """Return a size as one reads it.

    >>> readable(2_500_000), readable(12)
    ('2.5 MB', '12 bytes')
    """
    size, units = float(n_bytes), ["bytes", "kB", "MB", "GB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} bytes" if units[0] == "bytes" else f"{size:.1f} {units[0]}"


def to_fetch(checkpoint: str, revision: str | None = None, only: Sequence[str] = ()) -> ToFetch:
    """Return what would be fetched for a checkpoint, before anything is.

    checkpoint: a folder, or a name on the hub. only: patterns of the files that are read of it
        (`BESIDE_WEIGHTS` for config and tokenizer), where it is not loaded whole by transformers.
    Raises: ModelError where there is no such checkpoint; or where there is no network and the cache
        has not all of it, with the file that it lacks and how to get it.
    """
    if Path(checkpoint).expanduser().exists():
        return ToFetch(checkpoint, "", {})
    commit = commit_of(checkpoint, revision)
    sizes = _list_files(checkpoint, commit)
    if sizes is None:
        if lacking := lacks(checkpoint, commit, only):
            raise ModelError(lacking)
        return ToFetch(checkpoint, commit, {})
    cached = snapshot(checkpoint, commit)
    patterns = only or (*BESIDE_WEIGHTS, *((_WEIGHTS,) if _WEIGHTS in sizes else (_INDEX, _SHARDS)))
    wanted = [name for name in sizes if _fits(name, patterns)]
    files = {name: sizes[name] for name in sorted(wanted) if not (cached / name).is_file()}
    whole = only or _WEIGHTS in sizes or _INDEX in sizes
    note = "" if whole else "it has no weights as safetensors"
    return ToFetch(checkpoint, commit, files, note)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return "/" not in name and any(fnmatch(name, pattern) for pattern in patterns)


def _list_files(name: str, commit: str) -> dict[str, int | None] | None:
    """Return the files of a commit with their sizes; None where the hub cannot be reached."""
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return None
    try:
        found: Any = HfApi().model_info(name, revision=commit, files_metadata=True, timeout=10)
    except Exception:  # no network in any of its many forms
        return None
    return {file.rfilename: file.size for file in found.siblings or ()}


def lacks(name: str, commit: str, only: Sequence[str] = ()) -> str:
    """Say which file the cache lacks of a commit, and how to get it; empty if it has them all."""
    from huggingface_hub import constants

    cached = snapshot(name, commit)
    file = _first_lacking(cached, only)
    if not file:
        return ""
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub cannot be reached"
    return (
        f"{name}: the cache has no {file} of commit {commit[:12]}, and {why}: run "
        f"`hf download {name} --revision {commit}` where there is network, or name a local folder"
    )


def _first_lacking(cached: Path, only: Sequence[str]) -> str:
    if only and only is not BESIDE_WEIGHTS:
        return next((p for p in only if not any(True for _ in cached.glob(p))), "")
    if not (cached / "config.json").is_file():
        return "config.json"
    if not any(True for pattern in TOKENIZER for _ in cached.glob(pattern)):
        return "tokenizer.json"
    if only:
        return ""
    if (cached / _INDEX).is_file():
        return next((f for f in _shards(cached / _INDEX) if not (cached / f).is_file()), "")
    return "" if (cached / _WEIGHTS).is_file() else _WEIGHTS


def _shards(index: Path) -> list[str]:
    import json

    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError):
        return [_INDEX + " (a whole one)"]


def snapshot(name: str, commit: str) -> Path:
    """Return the folder where the cache has, or would have, the files of a commit."""
    from huggingface_hub import constants

    folder = f"models--{name.replace('/', '--')}"
    return Path(constants.HF_HUB_CACHE) / folder / "snapshots" / commit


@cache
def commit_of(name: str, revision: str | None) -> str:
    """Return the commit of a name on the hub; once a process, so that a run has only one."""
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
    from huggingface_hub.errors import RevisionNotFoundError as NoRevision

    wanted = revision or "main"
    if not constants.HF_HUB_OFFLINE:
        try:
            commit = HfApi().model_info(name, revision=revision, timeout=10).sha
        except HFValidationError as error:
            raise ModelError(f"no folder {name!r}, and no name on the hub either") from error
        except NoRevision as error:
            raise ModelError(f"{name} on the hub has no revision {wanted!r}") from error
        except RepositoryNotFoundError as error:
            raise ModelError(
                f"no model {name!r} on the hub (or it is private: hf auth login)"
            ) from error
        except Exception:  # no network in any of its many forms: the cache may still have it
            commit = None
        if commit:
            return commit
    cached = _cached_commit(Path(constants.HF_HUB_CACHE), name, wanted)
    if cached:
        return cached
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub cannot be reached"
    raise ModelError(
        f"no folder {name!r}; as a name on the hub it is not in the cache, and {why}: run "
        f"`hf download {name}` where there is network, or name a local folder"
    )


def _cached_commit(cache: Path, name: str, revision: str) -> str | None:
    reference = cache / f"models--{name.replace('/', '--')}" / "refs" / revision
    return reference.read_text(encoding="utf-8").strip() if reference.is_file() else None
