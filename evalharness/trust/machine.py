"""What this machine has: versions, devices, disk; and what of it is likely to disappoint."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from evalharness.hf.hub import readable
from evalharness.runner.provenance import provenance
from evalharness.store.ledger import RunFolder

# A run of a test set of 11,490 articles leaves 0.3 GB for a system.
LITTLE_SPACE = 2 * 10**9


def look(results: Path, facts: dict[str, Any]) -> str:
    """Put versions, devices, free bytes and warnings into `facts`; try to write where results go.

    Raises: StoreError, OSError where that cannot be done.
    """
    there = next(f for f in (results.absolute(), *results.absolute().parents) if f.is_dir())
    folders = dict.fromkeys([there, Path(tempfile.gettempdir())])
    facts |= provenance() | {"devices": devices()}
    facts["free_bytes"] = {str(folder): shutil.disk_usage(folder).free for folder in folders}
    facts["warnings"] = warnings(facts)
    with tempfile.TemporaryDirectory(prefix=".evalharness-selftest-", dir=there) as made:
        RunFolder(Path(made)).write("a", "b\n")
    return f"results can be written in {there}"


def devices() -> dict[str, Any]:
    """Return what torch can compute on, with names and memory in bytes."""
    import torch

    properties = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return {
        "cpu_threads": torch.get_num_threads(),
        "cuda": [{"name": card.name, "bytes": card.total_memory} for card in properties],
        "cuda_version": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
    }


def warnings(facts: dict[str, Any]) -> list[str]:
    """Return what is no error, and may still cost a day."""
    lines = []
    cards, usable = facts["hardware"]["gpus"], facts["devices"]["cuda"]
    if cards and not usable:
        why = "is built without CUDA" if not facts["devices"]["cuda_version"] else "finds no driver"
        lines.append(f"there are {len(cards)} NVIDIA cards, and torch uses none of them: it {why}")
    free = facts["free_bytes"].items()
    lines += [f"only {readable(n)} are free in {f}" for f, n in free if n < LITTLE_SPACE]
    return lines


def lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines to read."""
    packages, usable = facts["packages"], facts["devices"]
    shown = ("torch", "transformers", "datasets", "numpy", "pyarrow")
    gpus = ", ".join(f"{card['name']} ({readable(card['bytes'])})" for card in usable["cuda"])
    device = gpus or ("Apple GPU (mps)" if usable["mps"] else "no GPU: the CPU")
    space = ", ".join(f"{readable(n)} in {folder}" for folder, n in facts["free_bytes"].items())
    return [
        f"evalharness {facts['evalharness']}, Python {facts['python']} ({sys.executable})",
        ", ".join(f"{name} {packages[name]}" for name in shown if name in packages),
        f"computes on: {device}, {usable['cpu_threads']} threads",
        f"free: {space}",
        *(f"warning: {warning}" for warning in facts["warnings"]),
    ]
