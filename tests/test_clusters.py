"""Ray and SLURM, real ones on this machine: the same bytes, whoever dies.

Run with `-m cluster`. Ray's tests need the package; SLURM's need `submitit` and, where no cluster
is there already, slurmctld, slurmd and munged (Debian: slurm-wlm, munge), and root to start them.
"""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from at_work import (
    GENERATING,
    bytes_of,
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
        assert "interrupted; what was computed is kept, and the same command goes on" in err
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
    if importlib.util.find_spec("submitit") is None:
        pytest.skip("no submitit")
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
        if not Path("/run/munge/munge.socket.2").exists():
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


def start_munge() -> None:
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(os.urandom(1024))
    shutil.chown(key, "munge", "munge")
    key.chmod(0o400)
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    subprocess.run(["runuser", "-u", "munge", "--", "munged"], check=True)


ARRAY = ("--executor", "slurm", "--workers", "2", "--set", "executor.time=30")


@pytest.mark.usefixtures("slurm")
def test_array_of_jobs_gives_the_bytes_of_one_process(whole: Path) -> None:
    done = completed(*command(whole / "c.yaml", whole / "slurm", *ARRAY), "--json")

    assert done.returncode == 0, done.stderr
    assert bytes_of(whole / "slurm") == bytes_of(whole / "alone")
    timing = [run["timing"]["summaries"] for run in json.loads(done.stdout)]
    assert sum(counts["computed"] for counts in timing) == 0  # by the job that merged
    assert not list((whole / "slurm" / "store" / "jobs").iterdir())


def jobs_of(folder: Path) -> list[int]:
    """Return the Python processes of the jobs that work for a results folder."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue
        ours = b"submitit.core._submit" in words and str(folder).encode() in b" ".join(words)
        if ours and b"srun" not in words[0]:
            found.append(int(line.parent.name))
    return found


@pytest.mark.usefixtures("slurm")
def test_job_of_the_array_that_is_killed_is_submitted_again(whole: Path) -> None:
    results = whole / "slurm-killed"
    process = started(whole / "c.yaml", results, some_summaries, *ARRAY)
    os.kill(jobs_of(results)[0], signal.SIGKILL)

    _, err = process.communicate()
    assert process.returncode == 0, err
    assert bytes_of(results) == bytes_of(whole / "alone")


@pytest.mark.usefixtures("slurm")
def test_driver_that_is_interrupted_takes_its_jobs_out_of_the_queue(whole: Path) -> None:
    results = whole / "slurm-interrupted"
    process = started(whole / "c.yaml", results, some_summaries, *ARRAY)
    jobs = jobs_of(results)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 130
    assert "the same command goes on" in err
    assert gone(jobs, 60)
    assert completed(*command(whole / "c.yaml", results)).returncode == 0
    assert bytes_of(results) == bytes_of(whole / "alone")


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize("wrong", ["gpus=1", "partition=nope", "options={foo: 1}"])
def test_what_the_cluster_does_not_have_is_one_line(whole: Path, wrong: str) -> None:
    done = completed(
        *command(whole / "c.yaml", whole / "wrong", *ARRAY), "--set", f"executor.{wrong}"
    )

    assert done.returncode == 2
    ours = [line for line in done.stderr.splitlines() if line.startswith("evalharness")]
    assert len(ours) == 1
    assert ours[0].startswith("evalharness: slurm: the array was not taken: sbatch: ")
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("slurm")
def test_sbatch_files_give_the_bytes_of_one_process(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    folder = Path(__file__).parents[1] / "configs" / "slurm"
    results = whole / "sbatch"
    submit = ["sbatch", "--parsable", f"--output={whole}/%A_%a.out"]
    given = [str(whole / "c.yaml"), str(results)]
    first = completed(*submit, "--array=1-2", str(folder / "shards.sbatch"), *given)
    assert first.returncode == 0, first.stderr
    after = f"--dependency=afterok:{first.stdout.strip()}"
    merged = completed(*submit, "--wait", after, str(folder / "merge.sbatch"), *given)

    told = "".join(path.read_text() for path in whole.glob("*.out"))
    assert merged.returncode == 0, merged.stderr + told
    assert bytes_of(results) == bytes_of(whole / "alone"), told
