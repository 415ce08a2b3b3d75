"""What a run was made with: versions, source, machine. The same twice on the same machine."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import evalharness
from evalharness.config.registry import packages_of_components

# What every run computes and writes with, beside the packages of its components.
_OF_EVERY_RUN = {"numpy", "pyarrow", "pydantic"}


def provenance() -> dict[str, Any]:
    """Return versions, the git commit of this checkout, and the hardware; no times, no paths."""
    packages = sorted(_OF_EVERY_RUN | packages_of_components())
    return {
        "evalharness": evalharness.__version__,
        "git": _git_commit(Path(evalharness.__file__).parent),
        "python": platform.python_version(),
        "packages": {name: found for name in packages if (found := _version(name))},
        "hardware": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpus": _gpus(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit(package: Path) -> str | None:
    """Return the commit that the package is checked out at, and whether it was changed since.

    None where the package was installed, and is no checkout.
    """
    if _git(package, "rev-parse", "--show-toplevel") != str(package.parent.resolve()):
        return None
    changed = _git(package, "status", "--porcelain", "--untracked-files=no", "--", str(package))
    commit = _git(package, "rev-parse", "HEAD")
    if not commit or changed == "":
        return commit or None
    return f"{commit}, changed" if changed else f"{commit}, perhaps changed: git did not answer"


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it fails, or takes too long to answer."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603  a fixed command, no shell
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if sys.platform == "linux" and information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _gpus() -> list[str]:
    """Return the models of NVIDIA cards, from the driver and not from torch, which is slow."""
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return [
        line.partition(":")[2].strip()
        for card in cards
        for line in card.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.startswith("Model:")
    ]
