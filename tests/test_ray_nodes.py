"""Two Ray nodes that share no disk, and an S3 server: the same bytes, whoever is lost.

Run with `-m cluster`; needs ray, s3fs, moto and flask. Workers reach the server by way of a proxy
that fails three requests in ten, so that what they put themselves is seen there.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from at_work import bytes_of, children, command, gone, killed_at_end, written
from servers.s3 import ACCESS, BUCKET, Faulty, s3_server, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not all(map(find_spec, ("ray", "s3fs", "moto", "flask"))),
        reason="needs ray, s3fs, moto and flask",
    ),
]
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


def run_words(config: Path, url: str, *more: str) -> list[str]:
    words = [sys.executable, "-m", "evalharness", "run", str(config), "--results", url, *more]
    return [*words, "--no-report", "--json"]


class Nodes:
    """A Ray cluster of two nodes of one processor, its workers behind a faulty proxy."""

    def __init__(self, server: str, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.server, self.folder = server, folder
        self.proxy = Faulty(server, 0.3)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**ACCESS, **QUIET, "AWS_ENDPOINT_URL": self.proxy.url}.items():
                patch.setenv(name, value)
            self.cluster = Cluster()
            self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(2)]
            self.cluster.wait_for_nodes()

    def close(self) -> None:
        self.cluster.shutdown()
        self.proxy.shutdown()
        self.proxy.server_close()

    def environment(self) -> dict[str, str]:
        more = {"AWS_ENDPOINT_URL": self.server, "RAY_ADDRESS": self.cluster.address}
        return {**os.environ, **ACCESS, **QUIET, **more}

    def start(self, config: Path, url: str) -> "subprocess.Popen[str]":
        """Start a run on both nodes, and return it when workers have put some parts."""
        words = run_words(config, url, "--executor", "ray")
        process = subprocess.Popen(
            words, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        before = self.proxy.put
        wait_for(lambda: process.poll() is not None or self.proxy.put > before + 6, 240)
        assert process.poll() is None, process.communicate()
        return process


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, str]]:
    """Give a server, a config whose data lie there, and a URL for results."""
    with s3_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in {**ACCESS, "AWS_ENDPOINT_URL": server}.items():
            patch.setenv(name, value)
        import fsspec

        fs = fsspec.filesystem("s3", skip_instance_cache=True)
        folder = tmp_path_factory.mktemp("nodes")
        config = written(folder, 1500, checks=["lexical"])
        fs.put_file(str(folder / "a.jsonl"), f"{BUCKET}/a.jsonl")
        record = json.loads(config.read_text())
        record["data"]["path"] = f"s3://{BUCKET}/a.jsonl"
        config.write_text(json.dumps(record))
        subprocess.run(command(config, folder / "alone"), check=True, capture_output=True)
        yield server, config, f"s3://{BUCKET}"


@pytest.fixture
def nodes(data: tuple[str, Path, str]) -> Iterator[Nodes]:
    cluster = Nodes(data[0], data[1].parent)
    try:
        yield cluster
    finally:
        cluster.close()


def check_bytes(nodes: Nodes, url: str, name: str) -> None:
    """Compact, bring back, and hold the runs against those of one process in a folder."""
    words = [sys.executable, "-m", "evalharness"]
    back = nodes.folder / name
    for arguments in (["compact", url], ["copy", url, str(back)]):
        done = subprocess.run(
            [*words, *arguments], env=nodes.environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert bytes_of(back) == bytes_of(nodes.folder / "alone")


def computed(out: str) -> int:
    timings: list[dict[str, Any]] = [run["timing"] for run in json.loads(out)]
    return sum(n["computed"] for timing in timings for n in timing["scores"].values())


def workers_of(nodes: Nodes) -> list[int]:
    found = []
    for pid in children(os.getpid()):
        try:
            if Path(f"/proc/{pid}/cmdline").read_text().startswith("ray::_Worker"):
                found.append(pid)
        except OSError:
            continue
    return found


def test_killed_worker_costs_its_batch_and_workers_put_parts_themselves(
    nodes: Nodes, data: tuple[str, Path, str]
) -> None:
    url = f"{data[2]}/worker"
    process = nodes.start(data[1], url)
    with killed_at_end(process):
        os.kill(workers_of(nodes)[0], signal.SIGKILL)
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert nodes.proxy.failed > 0
    check_bytes(nodes, url, "worker")


def test_lost_node_leaves_the_work_to_the_other(nodes: Nodes, data: tuple[str, Path, str]) -> None:
    url = f"{data[2]}/node"
    process = nodes.start(data[1], url)
    with killed_at_end(process):
        nodes.cluster.remove_node(nodes.nodes[1], allow_graceful=False)
        _, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    check_bytes(nodes, url, "node")


def test_killed_driver_loses_nothing_that_workers_have_put(
    nodes: Nodes, data: tuple[str, Path, str]
) -> None:
    url = f"{data[2]}/driver"
    process = nodes.start(data[1], url)
    with killed_at_end(process):
        workers = workers_of(nodes)
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert gone(workers, 120)
    again = subprocess.run(
        run_words(data[1], url), env=nodes.environment(), capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert 0 < computed(again.stdout) < 2 * 2 * 1498
    check_bytes(nodes, url, "driver")
