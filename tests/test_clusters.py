"""Ray and SLURM, real ones on this machine: the same bytes, whoever dies.

Run with `-m cluster`. Ray's tests need the package; SLURM's submit the files of `configs/slurm` and
need, where no cluster is there already, slurmctld, slurmd and munged (Debian: slurm-wlm, munge),
and root to start them.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from at_work import (
    GENERATING,
    bytes_of,
    check_interrupted,
    children,
    command,
    gone,
    some_summaries,
    started,
    written,
)

pytestmark = pytest.mark.cluster
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no ray")
RAY = ("--executor", "ray", "--workers", "2")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config, and its run in one process in `alone`."""
    folder = tmp_path_factory.mktemp("whole")
    path = written(folder, 60, **GENERATING)
    subprocess.run(command(path, folder / "alone"), check=True, capture_output=True)
    return folder


def completed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@needs_ray
def test_ray_gives_the_bytes_of_one_process_and_says_nothing(whole: Path) -> None:
    done = completed(*command(whole / "c.yaml", whole / "ray", *RAY))

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if " articles, " not in line]
    assert lines == []
    assert bytes_of(whole / "ray") == bytes_of(whole / "alone")


def titled(pid: int, title: str) -> list[int]:
    """Return the processes below one whose title begins so."""
    found = []
    for child in children(pid):
        try:
            if Path(f"/proc/{child}/cmdline").read_text().startswith(title):
                found.append(child)
        except OSError:
            continue
    return found


@needs_ray
def test_ray_worker_killed_while_it_generates_leaves_the_same_bytes(whole: Path) -> None:
    process = started(whole / "c.yaml", whole / "ray-killed", some_summaries, *RAY)
    workers = titled(process.pid, "ray::_Worker")
    assert len(workers) == 2, [Path(f"/proc/{p}/cmdline").read_text() for p in workers]
    os.kill(workers[0], signal.SIGKILL)

    _, err = process.communicate()
    assert process.returncode == 0, err
    assert bytes_of(whole / "ray-killed") == bytes_of(whole / "alone")


@needs_ray
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_ray_driver_killed_leaves_nobody_and_goes_on_to_the_same_bytes(
    whole: Path, blow: signal.Signals
) -> None:
    results = whole / f"ray-driver-{blow.name}"
    process = started(whole / "c.yaml", results, some_summaries, *RAY)
    below, workers = children(process.pid), titled(process.pid, "ray::_Worker")
    assert len(workers) == 2
    process.send_signal(blow)
    _, err = process.communicate()

    if blow != signal.SIGKILL:
        assert process.returncode == 128 + blow
        check_interrupted(err, "lead1-bart")
    assert gone(workers)
    assert gone(below, 180)  # two agents of Ray's own first try to reach its dead server: 66 s
    again = completed(*command(whole / "c.yaml", results, *RAY), "--json")
    assert again.returncode == 0, again.stderr
    stored = sum(run["timing"]["summaries"]["stored"] for run in json.loads(again.stdout))
    assert 0 < stored < 120
    assert bytes_of(results) == bytes_of(whole / "alone")


@needs_ray
def test_gpu_that_is_not_there_is_an_error_at_once(whole: Path) -> None:
    began = time.monotonic()
    done = completed(*command(whole / "c.yaml", whole / "gpu", *RAY), "--set", "executor.gpus=64")

    assert done.returncode == 2
    assert "evalharness: ray: a worker needs 1 CPU and 64 GPU, and no node has that" in done.stderr
    assert time.monotonic() - began < 60
    assert not (whole / "gpu" / "store").exists()


CONFIG = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
DefMemPerCPU=2000
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPort={port}
SlurmdPort={other}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def idle() -> bool:
    return completed("sinfo", "--noheader", "--format=%t").stdout.strip().startswith("idle")


def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have a cluster: the one that is there, or one of a single node, started here."""
    if shutil.which("sinfo") and idle():
        yield
        return
    programs = ("slurmctld", "slurmd", "munged", "sbatch")
    if os.geteuid() or not all(shutil.which(name) for name in programs):
        pytest.skip(f"no SLURM, and not all of {', '.join(programs)} for root to start one")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    text = CONFIG.format(folder=folder, host=host, port=port(), other=port())
    (folder / "slurm.conf").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        starts_munge = not munge_answers()
        if starts_munge:
            start_munge()
        daemons = [["slurmctld", "-D"], ["slurmd", "-D", "-N", host]]
        running = [subprocess.Popen(d, stderr=subprocess.DEVNULL) for d in daemons]
        began = time.monotonic()
        while not idle() and time.monotonic() - began < 60:
            time.sleep(0.5)
        try:
            assert idle(), (folder / "slurmctld.log").read_text()
            yield
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()
            if starts_munge:
                as_munge("munged", "--stop")


def munge_answers() -> bool:
    """Return whether a daemon is there; a socket may be left of one that was killed."""
    return subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0


def start_munge() -> None:
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(os.urandom(1024))
    shutil.chown(key, "munge", "munge")
    key.chmod(0o400)
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    as_munge("munged", "--force")


def as_munge(*command: str) -> None:
    subprocess.run(["runuser", "-u", "munge", "--", *command], check=True)


SBATCH_FILES = Path(__file__).parents[1] / "configs" / "slurm"


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    """Return a folder as far from the data as `alone`, as config.yaml has the way to them."""
    return whole / tmp_path.name


@pytest.fixture
def submit(
    slurm: None, whole: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Return what submits a sbatch file for the config of `whole`, and returns the job's id.

    What the jobs print comes into `*.out` of `tmp_path`.
    """
    python = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([python, os.environ["PATH"]]))

    def job(file: str, *options: str) -> str:
        done = completed(
            "sbatch", "--parsable", f"--output={tmp_path}/%A_%a.out", *options,
            str(SBATCH_FILES / file), str(whole / "c.yaml"), str(results),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + printed(tmp_path)
        return done.stdout.strip()

    return job


def printed(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("*.out")))


def test_sbatch_files_give_the_bytes_of_one_process(
    submit: Callable[..., str], whole: Path, results: Path, tmp_path: Path
) -> None:
    array = submit("shards.sbatch", "--array=1-2")
    submit("merge.sbatch", "--wait", f"--dependency=afterok:{array}")

    text = printed(tmp_path)
    assert bytes_of(results) == bytes_of(whole / "alone"), text
    for shard in ("1/2", "2/2"):
        assert f"shard {shard}: " in text
    records = [json.loads(p.read_text()) for p in results.glob("t/*/run.json")]
    summaries = [record["timing"]["summaries"] for record in records]
    assert [counts["computed"] for counts in summaries] == [0, 0]  # by the job that merged


def test_array_that_was_cancelled_is_submitted_again_and_goes_on(
    submit: Callable[..., str], whole: Path, results: Path, tmp_path: Path
) -> None:
    array = submit("shards.sbatch", "--array=1-2")
    assert within(300, lambda: some_summaries(results)), printed(tmp_path)
    assert completed("scancel", "--signal=KILL", array).returncode == 0
    assert within(120, lambda: not queued(array))
    assert "no other shard is missing" not in printed(tmp_path)

    again = submit("shards.sbatch", "--array=1-2")
    submit("merge.sbatch", "--wait", f"--dependency=afterok:{again}")
    text = printed(tmp_path)
    assert bytes_of(results) == bytes_of(whole / "alone"), text
    assert re.search(r"computed, [1-9]\d* summaries there already", text), text


def test_array_that_does_not_count_from_one_ends_at_once_and_says_why(
    submit: Callable[..., str], results: Path, tmp_path: Path
) -> None:
    array = submit("shards.sbatch", "--array=2-3")
    assert within(120, lambda: not queued(array))

    assert printed(tmp_path) == "the array must count from 1 and be whole: sbatch --array=1-3\n" * 2
    assert not results.exists()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait until something holds; return whether it came to that."""
    began = time.monotonic()
    while not (holds := condition()) and time.monotonic() - began < seconds:
        time.sleep(0.1)
    return holds


def queued(job: str) -> bool:
    """Tell whether a job, or one of an array, still waits or runs."""
    return bool(completed("squeue", "--noheader", f"--jobs={job}").stdout.strip())
