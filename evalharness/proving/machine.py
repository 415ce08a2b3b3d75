"""What this machine has: versions, devices, disk; and what of it is likely to disappoint."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from evalharness.hub import readable
from evalharness.provenance import provenance
from evalharness.store import RunFolder

# A run of a test set of 11,490 articles leaves 0.3 GB for a system.
LITTLE_SPACE = 2 * 10**9


def machine(results: Path) -> dict[str, Any]:
    """Return versions, devices, free bytes where results will lie, and warnings."""
    facts = provenance()
    place = existing(results)
    facts["devices"] = devices()
    facts["free_bytes"] = {
        str(folder): shutil.disk_usage(folder).free
        for folder in dict.fromkeys([place, Path(tempfile.gettempdir())])
    }
    facts["offline"] = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    facts["warnings"] = warnings(facts)
    return facts


def devices() -> dict[str, Any]:
    """Return what torch can compute on, with names and memory in bytes."""
    import torch

    cuda = [
        {
            "name": torch.cuda.get_device_name(n),
            "bytes": torch.cuda.get_device_properties(n).total_memory,
            "bf16": torch.cuda.is_bf16_supported(),
        }
        for n in range(torch.cuda.device_count())
    ]
    return {
        "cpu_threads": torch.get_num_threads(),
        "cuda": cuda,
        "cuda_version": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
    }


def warnings(facts: dict[str, Any]) -> list[str]:
    """Return what is no error, and may still cost a day."""
    found = []
    cards, usable = facts["hardware"]["gpus"], facts["devices"]["cuda"]
    if cards and not usable:
        why = "is built without CUDA" if not facts["devices"]["cuda_version"] else "finds no driver"
        found.append(f"there are {len(cards)} NVIDIA cards, and torch uses none of them: it {why}")
    found += [
        f"only {readable(free)} are free in {folder}"
        for folder, free in facts["free_bytes"].items()
        if free < LITTLE_SPACE
    ]
    return found


def existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    whole = folder.absolute()
    return next(each for each in (whole, *whole.parents) if each.is_dir())


def try_writing(results: Path) -> None:
    """Write, move and remove a file where results will lie. Raises: StoreError, OSError."""
    with tempfile.TemporaryDirectory(
        prefix=".evalharness-selftest-", dir=existing(results)
    ) as made:
        folder = RunFolder(Path(made))
        folder.write("a", "b\n")
        if (Path(made) / "a").read_bytes() != b"b\n":
            raise OSError(f"{made}: what was written cannot be read back")


def lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines to read."""
    packages = facts["packages"]
    shown = ("torch", "transformers", "datasets", "numpy", "pyarrow")
    versions = ", ".join(f"{name} {packages[name]}" for name in shown if name in packages)
    found = facts["devices"]
    gpus = [f"{each['name']} ({readable(each['bytes'])})" for each in found["cuda"]]
    device = ", ".join(gpus) or ("Apple GPU (mps)" if found["mps"] else "no GPU: the CPU")
    space = ", ".join(f"{readable(n)} in {folder}" for folder, n in facts["free_bytes"].items())
    return [
        f"evalharness {facts['evalharness']}, Python {facts['python']} ({sys.executable})",
        versions,
        f"computes on: {device}, {found['cpu_threads']} threads",
        f"free: {space}",
        *(f"warning: {each}" for each in facts["warnings"]),
    ]
