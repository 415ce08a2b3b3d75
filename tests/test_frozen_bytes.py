"""The bytes that runs write, pinned: a change of the code that moves any of them is seen here.

`tests/frozen` has configs, data and checkpoints of its own, so that nothing but the code can move
them, and `digests.json`: a line a file, in order. A test runs the command line in a folder of its
own and compares. Only the command line is used, for modules move.

What is masked: of `run.json`, times, host, the values of provenance, and the digest that it has of
itself; of the page, versions, plots of seconds, its own digest, and how gzip packed its data.
The lines of a ledger are sorted where several processes write into it at once.

After a change that is meant: `pytest tests/test_frozen_bytes.py --update-golden`, alone in a
commit that says why. To see what differs, run it at the commit before, too, with another
`--basetemp` each, and `diff -r` the two folders `masked`, which hold what the digests are of.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FROZEN = Path(__file__).parent / "frozen"
DIGESTS = FROZEN / "digests.json"
MASK = "masked"

# Packages that bytes of a result depend on. Others of constraints.txt may differ.
PACKAGES = (
    "Jinja2", "MarkupSafe", "PyYAML", "nltk", "numpy", "pyarrow", "pydantic", "pydantic_core",
    "RapidFuzz", "rouge-score-rs", "rouge_score", "sacrebleu", "safetensors", "tokenizers",
    "torch", "transformers", "vl-convert-python",
)  # fmt: skip


def other_versions() -> list[str]:
    """Return the packages that are installed in another version than constraints.txt has."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line and line[0] != "#")
    return [f"{name} {v}" for name in PACKAGES if (v := installed(name)) not in ("", pinned[name])]


def installed(package: str) -> str:
    """Return a version without its build (`+cpu`), or nothing: what is optional may be missing."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""


pytestmark = pytest.mark.skipif(
    bool(other_versions()), reason=f"not as in constraints.txt: {', '.join(other_versions())}"
)


def masked_run(text: str) -> str:
    """Return a `run.json` without what differs from one run to the next on one machine or two."""
    record = json.loads(text)
    assert text == json.dumps(record, indent=1) + "\n", "run.json is laid out differently"
    record["provenance"] = dict.fromkeys(record["provenance"], MASK)
    timing = record["timing"]
    for name in ("started", "seconds", "articles_per_second", "host"):
        timing[name] = MASK
    timing["sealed"]["run.json"] = MASK
    return json.dumps(record, indent=1) + "\n"


def without_timing(text: str) -> str:
    """Return a masked `run.json` without what was computed and what was stored already."""
    record = json.loads(text)
    del record["timing"]
    return json.dumps(record, indent=1) + "\n"


def masked_page(text: str) -> str:
    """Return a page without versions and times, its data unpacked, without its digest."""
    text = re.sub(r"<!-- sha256 [0-9a-f]{64} -->\n\Z", f"<!-- {MASK} -->\n", text)
    text = re.sub(r'(?s)<dl class="versions">.*?</dl>', MASK, text)
    text = re.sub(r'(?s)<figure id="plot-cost-seconds.*?</figure>\n*', "", text)
    packed = re.compile(r'(<script type="application/octet-stream" id="[^"]+">)([^<]*)(</script>)')
    return packed.sub(lambda match: match[1] + unpacked(match[2]) + match[3], text)


def unpacked(data: str) -> str:
    return gzip.decompress(base64.b64decode(data)).decode()


def masked(path: Path, sort_ledgers: bool) -> bytes:
    """Return what is pinned of a file."""
    content = path.read_bytes()
    if path.name == "run.json":
        return masked_run(content.decode()).encode()
    if path.name == "report.html":
        return masked_page(content.decode()).encode()
    if sort_ledgers and "store" in path.parts:
        return b"".join(sorted(content.splitlines(keepends=True)))
    return content


def write_masked(folder: Path, sort_ledgers: bool = False) -> dict[str, bytes]:
    """Write into `masked` what is pinned of the results of a folder; return it by name."""
    files = {}
    for path in sorted((folder / "results").rglob("*")):
        if path.is_file() and not path.name.endswith((".lock", ".versions.json")):
            name = path.relative_to(folder).as_posix()
            files[name] = masked(path, sort_ledgers)
            copy = folder / "masked" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(files[name])
    return files


def compare_with_pinned(
    update: bool, scenario: str, folder: Path, files: Mapping[str, bytes]
) -> None:
    """Compare the digests of files with those that are pinned; name those that differ."""
    now = {f"{scenario}/{n}": hashlib.sha256(c).hexdigest() for n, c in files.items()}
    pinned = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
    before = {name: d for name, d in pinned.items() if name.startswith(f"{scenario}/")}
    if update:
        pinned = {name: d for name, d in pinned.items() if name not in before} | now
        DIGESTS.write_text(json.dumps(dict(sorted(pinned.items())), indent=1) + "\n")
        return
    differing = sorted(name for name in before.keys() | now if before.get(name) != now.get(name))
    told = "".join(f"\n  {name}: {how(name, before, now)}" for name in differing)
    assert not differing, (
        f"{len(differing)} of {len(now)} files are not what they were:{told}\n"
        f"They lie in {folder / 'masked'}; how to see what differs stands at the top of this file."
    )


def how(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if name not in before:
        return "is new"
    return "other bytes" if name in now else "is missing"


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder with the frozen configs and data, for a run to be made in it."""

    def make(name: str) -> Path:
        for part in ("configs", "data"):
            shutil.copytree(FROZEN / part, tmp_path / name / part)
        return tmp_path / name

    return make


def run(folder: Path, *arguments: str) -> None:
    """Run a command in a folder, and see that it ends well."""
    done = in_python(folder, "-m", "evalharness", *arguments)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.returncode}\n{done.stderr}"


def in_python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


# Runs the command line until a ledger is flushed for the n-th time: it cuts off the ledger's last
# bytes, as a power cut does, and kills its own process. Arguments: ledger (a glob), n, the command.
KILLED = """
import os, runpy, signal, sys
from pathlib import Path

ledger, at = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
flush, n = os.fsync, 0

def flush_and_die(file):
    global n
    if any(os.path.samestat(os.fstat(file), path.stat()) for path in Path().glob(ledger)):
        n += 1
        if n == at:
            os.ftruncate(file, os.fstat(file).st_size - 20)
            os.kill(os.getpid(), signal.SIGKILL)
    flush(file)

os.fsync = flush_and_die
runpy.run_module("evalharness", run_name="__main__", alter_sys=True)
"""


def run_killed(folder: Path, ledger: str, n: int, *arguments: str) -> None:
    """Run a command that is killed as it writes to a ledger for the n-th time."""
    done = in_python(folder, "-c", KILLED, ledger, str(n), *arguments)
    assert done.returncode == -SIGKILL, f"was not killed: {done.returncode}\n{done.stderr}"


def test_quickstart_writes_the_same_bytes(make_folder: Callable[[str], Path], update: bool) -> None:
    folder = make_folder("quickstart")
    run(folder, "run", "configs/quickstart.yaml")

    compare_with_pinned(update, "quickstart", folder, write_masked(folder))


def test_sweep_writes_the_same_bytes(make_folder: Callable[[str], Path], update: bool) -> None:
    folder = make_folder("sweep")
    run(folder, "run", "configs/sweep.yaml")

    compare_with_pinned(update, "sweep", folder, write_masked(folder))


def test_score_writes_the_same_bytes(make_folder: Callable[[str], Path], update: bool) -> None:
    folder = make_folder("score")
    run(folder, "score", "data/summaries.jsonl", "--set", "data.columns.extra=[error]",
        "--metrics", "rouge,chrf,extractiveness", "--checks", "lexical",
        "--allow-rejected", "0.1")  # fmt: skip

    compare_with_pinned(update, "score", folder, write_masked(folder))


PLAIN = ("run", "configs/ways.yaml")


def run_in_shards(folder: Path) -> None:
    run(folder, *PLAIN, "--shard", "1/2")
    run(folder, *PLAIN, "--shard", "2/2")
    run(folder, *PLAIN)


def run_with_kills(folder: Path) -> None:
    """Kill the run amid the summaries, and again amid the scores; then let it end."""
    run_killed(folder, "results/store/summaries/causal-*.jsonl", 2, *PLAIN)
    run_killed(folder, "results/store/scores/rouge-*.jsonl", 1, *PLAIN)
    run(folder, *PLAIN)


WAYS: dict[str, Callable[[Path], None]] = {
    "plain": lambda folder: run(folder, *PLAIN),
    "shards": run_in_shards,
    "workers": lambda folder: run(folder, *PLAIN, "--workers", "2"),
    "kills": run_with_kills,
}


def test_shards_workers_and_resuming_write_the_bytes_of_a_plain_run(
    make_folder: Callable[[str], Path], update: bool
) -> None:
    folders = {way: make_folder(way) for way in WAYS}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda way: WAYS[way](folders[way]), WAYS))

    files = {way: write_masked(folder, way == "workers") for way, folder in folders.items()}
    plain = comparable(files["plain"])
    for way in WAYS:
        differing = differing_files(plain, comparable(files[way]))
        assert not differing, (
            f"{way} is not as plain: {differing}; diff -r {folders['plain']} {folders[way]}"
        )
    for way, written in files.items():
        compare_with_pinned(update, way, folders[way], written)


def comparable(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files without what tells in how many steps, and batches, a run came about."""
    same = {}
    for name, content in files.items():
        if name.endswith("run.json"):
            content = without_timing(content.decode()).encode()
        elif name.endswith("report.html"):  # a group of plots has lost that of seconds, or not
            content = re.sub(rb'<div class="group of-[0-9]+">', b'<div class="group">', content)
        elif "/store/" in name:
            content = without_batches(content)
        same[name] = content
    return same


def without_batches(ledger: bytes) -> bytes:
    """Return what a ledger holds, by key: its lines without checksum and place in a batch."""
    entries = [json.loads(line) for line in ledger.splitlines()]
    told = [{n: e[n] for n in e if n not in ("crc", "batch")} for e in entries]
    return "\n".join(sorted(map(json.dumps, told))).encode()


def differing_files(a: Mapping[str, bytes], b: Mapping[str, bytes]) -> Sequence[str]:
    return sorted(name for name in a.keys() | b if a.get(name) != b.get(name))
