"""What a checkpoint's download would be is known before it begins, from a stand-in for the hub."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evalharness.checks.alignscore import AlignScore
from evalharness.checks.minicheck import MiniCheck
from evalharness.cli.plan import plan_text
from evalharness.config import registry
from evalharness.config.signature import wanted_checkpoints
from evalharness.errors import ModelError
from evalharness.hf import hub
from evalharness.hf import weights as hf_weights
from evalharness.runner.plan import plan

ROOT = Path(__file__).parents[1]
COMMIT = "b" * 40
TOKENIZER = {"tokenizer.json": 3000, "tokenizer_config.json": 40, "special_tokens_map.json": 9}
BESIDE = {
    "README.md": 5,
    "pytorch_model.bin": 2_000_000,
    "flax_model.msgpack": 2_000_000,
    "onnx/model.onnx": 2_000_000,
    "onnx/config.json": 7,
    "model.fp16.safetensors": 1_000_000,
}
WHOLE = {"config.json": 700, "model.safetensors": 2_000_000} | TOKENIZER
SHARDED = {
    "config.json": 700,
    "model.safetensors.index.json": 90,
    "model-00001-of-00002.safetensors": 3_000_000_000,
    "model-00002-of-00002.safetensors": 1_000_000_000,
} | TOKENIZER
REPOSITORIES = {
    "org/whole": WHOLE | BESIDE,
    "org/sharded": SHARDED | BESIDE,
    "org/pickled": {"config.json": 700, "AlignScore.ckpt": 5_000_000} | TOKENIZER | BESIDE,
    "lytang/MiniCheck-Flan-T5-Large": WHOLE,
}


class Answer(BaseHTTPRequestHandler):
    """Says what the repositories above have, as the hub does; gives no file."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api/models/").split("/")
        files = REPOSITORIES.get("/".join(path[:2]))
        if not self.path.startswith("/api/models/") or files is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        sized = "blobs=true" in self.path.lower()
        siblings = [
            {"rfilename": name} | ({"size": size} if sized else {}) for name, size in files.items()
        ]
        content = json.dumps({"id": "/".join(path[:2]), "sha": COMMIT, "siblings": siblings})
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())
        return None

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of an empty cache; nothing beyond this machine is reached."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.commit_of.cache_clear()
    yield tmp_path
    hub.commit_of.cache_clear()


@pytest.fixture
def online(cache: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", server)
    return cache


def put(cache: Path, name: str, files: Any) -> Path:
    """Put files into a cache as the hub's package lays them."""
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True, exist_ok=True)
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs" / "main").write_text(COMMIT)
    for file in files:
        (snapshot / file).write_text("{}")
    return snapshot


def to_fetch(component: Any) -> list[hub.ToFetch]:
    wanted = wanted_checkpoints(component)
    return [hub.to_fetch(each.name, each.revision, each.only) for each in wanted]


@pytest.mark.parametrize(("name", "files"), [("org/whole", WHOLE), ("org/sharded", SHARDED)])
def test_what_transformers_loads_is_to_fetch_and_nothing_else(
    name: str, files: dict[str, int], online: Path
) -> None:
    found = hf_weights.to_fetch(name)
    assert found == hf_weights.ToFetch(name, COMMIT, files)
    assert found.n_bytes == sum(files.values())
    assert not list(online.rglob("*"))  # and nothing was fetched


def test_what_is_cached_is_not_to_fetch(online: Path) -> None:
    put(online, "org/whole", ["config.json", *TOKENIZER])
    assert dict(hf_weights.to_fetch("org/whole").files) == {"model.safetensors": 2_000_000}
    put(online, "org/whole", WHOLE)
    assert str(hf_weights.to_fetch("org/whole")) == "org/whole: nothing to fetch"


def test_size_is_said_in_words(online: Path) -> None:
    said = "org/sharded: 7 files to fetch, 4.0 GB (model-00001-of-00002.safetensors and 6 more)"
    assert str(hf_weights.to_fetch("org/sharded")) == said


def test_lack_of_safetensors_is_noted(online: Path) -> None:
    assert hf_weights.to_fetch("org/pickled").note == "it has no weights as safetensors"


def test_component_with_a_backbone_fetches_its_weights_and_the_backbones_tokenizer(
    online: Path,
) -> None:
    check = AlignScore("org/pickled", file="AlignScore.ckpt", backbone="org/whole")
    weights, backbone = to_fetch(check)
    assert weights == hf_weights.ToFetch("org/pickled", COMMIT, {"AlignScore.ckpt": 5_000_000})
    assert dict(backbone.files) == {"config.json": 700} | TOKENIZER


def test_component_with_a_backbone_says_offline_what_is_lacking(cache: Path) -> None:
    check = AlignScore("org/pickled", file="AlignScore.ckpt", backbone="org/whole")
    put(cache, "org/whole", ["config.json", *TOKENIZER])
    put(cache, "org/pickled", ["AlignScore.ckpt"])
    assert [found.files for found in to_fetch(check)] == [{}, {}]
    put(cache, "org/pickled", []).joinpath("AlignScore.ckpt").unlink()
    with pytest.raises(ModelError, match=r"org/pickled: the cache has no AlignScore\.ckpt of"):
        to_fetch(check)


def test_folder_needs_nothing(tmp_path: Path) -> None:
    assert hf_weights.to_fetch(str(tmp_path)).files == {}


def test_name_that_is_none_is_refused(online: Path) -> None:
    with pytest.raises(ModelError, match="no model 'org/nothing' on the hub"):
        hf_weights.to_fetch("org/nothing")


@pytest.mark.parametrize("files", [WHOLE, SHARDED])
def test_cache_that_is_whole_suffices_offline(files: dict[str, int], cache: Path) -> None:
    snapshot = put(cache, "org/name", files)
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    if files is SHARDED:
        index = json.dumps({"weight_map": shards})
        (snapshot / "model.safetensors.index.json").write_text(index)
    assert hf_weights.to_fetch("org/name") == hf_weights.ToFetch("org/name", COMMIT, {})
    lacking = "model-00002-of-00002.safetensors" if files is SHARDED else "model.safetensors"
    (snapshot / lacking).unlink()
    with pytest.raises(ModelError, match=f"the cache has no {lacking} of commit b"):
        hf_weights.to_fetch("org/name")


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors", "tokenizer.json"])
def test_file_that_is_lacking_offline_is_named_with_how_to_get_it(
    lacking: str, cache: Path
) -> None:
    put(cache, "org/name", [f for f in WHOLE if not f.startswith(lacking.split(".")[0])])
    with pytest.raises(ModelError) as raised:
        hf_weights.to_fetch("org/name")
    assert str(raised.value) == (
        f"org/name: the cache has no {lacking} of commit bbbbbbbbbbbb, and HF_HUB_OFFLINE is set: "
        f"run `hf download org/name --revision {COMMIT}` where there is network, or name a local "
        "folder"
    )


def test_hub_that_is_down_is_as_none(online: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    put(online, "org/name", WHOLE)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert hf_weights.to_fetch("org/name").files == {}
    put(online, "org/name", []).joinpath("config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json .* the hub cannot be reached"):
        hf_weights.to_fetch("org/name")


def test_component_says_what_it_needs_by_its_presets(online: Path, tmp_path: Path) -> None:
    (found,) = to_fetch(MiniCheck())
    assert (found.name, found.n_bytes) == ("lytang/MiniCheck-Flan-T5-Large", sum(WHOLE.values()))
    (local,) = to_fetch(MiniCheck(str(tmp_path)))
    assert local.files == {}
    assert to_fetch(registry.load_class("checks", "lexical")()) == []


def make_config(*checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a config of checks over summaries that exist."""
    path = str(ROOT / "configs" / "quickstart" / "articles.jsonl")
    data = {"name": "files", "path": path}
    return {"data": data, "model": "given", "metrics": [], "checks": list(checks), **more}


def told(found: Any) -> list[str]:
    starts = ("weights", "to be", "not available")
    return [line for line in plan_text(found).splitlines() if line.startswith(starts)]


def test_plan_names_the_download_of_models_behind_checks_and_metrics(
    online: Path, tmp_path: Path
) -> None:
    aligned = {"model": "org/pickled", "file": "AlignScore.ckpt", "backbone": "org/whole"}
    checks = (
        {"name": "minicheck", "model": "flan-t5-large"},
        {"name": "minicheck", "label": "again", "cascade": True},
        {"name": "alignscore", **aligned},
        {"name": "lexical"},
    )
    metrics = [{"name": "bertscore", "model": "org/sharded", "layers": 3}]

    found = plan(make_config(*checks, metrics=metrics), results=tmp_path / "r")

    assert told(found) == [
        "weights: org/sharded: to be downloaded, 4.0 GB (7 files)",
        "weights: lytang/MiniCheck-Flan-T5-Large: to be downloaded, 2.0 MB (5 files)",
        "weights: org/pickled: to be downloaded, 5.0 MB (1 file)",
        "weights: org/whole: to be downloaded, 3.7 kB (4 files)",
        "to be downloaded in all: 4.0 GB",
    ]
    assert not [path for path in online.rglob("*") if path.is_file()]  # and nothing was fetched


def test_plan_knows_what_of_a_checks_model_is_cached(online: Path, tmp_path: Path) -> None:
    check = {"name": "minicheck", "model": "org/whole"}
    put(online, "org/whole", [*TOKENIZER, "config.json"])
    (half,) = plan(make_config(check), results=tmp_path / "r").weights
    put(online, "org/whole", WHOLE)
    (whole,) = plan(make_config(check), results=tmp_path / "r").weights

    assert (half.where, half.size, half.files) == ("hub", 2_000_000, ("model.safetensors",))
    assert (whole.where, whole.size) == ("cache", 2)


def test_plan_warns_of_a_checks_model_without_safetensors(online: Path, tmp_path: Path) -> None:
    (line,) = told(
        plan(make_config({"name": "nli", "model": "org/pickled"}), results=tmp_path / "r")
    )
    assert line.endswith("; it has no weights as safetensors")


def test_plan_offline_names_the_file_that_a_check_lacks_and_how_to_get_it(
    cache: Path, tmp_path: Path
) -> None:
    put(cache, "org/half", ["config.json", "tokenizer.json"])
    checks = [{"name": "minicheck", "model": f"org/{name}"} for name in ("half", "nothing")]
    checks[1]["label"] = "other"

    lines = told(plan(make_config(*checks), results=tmp_path / "r"))

    assert lines[:2] == [
        "weights: org/half: to be downloaded, of unknown size",
        "weights: org/nothing: to be downloaded, of unknown size",
    ]
    assert sorted(lines[2:]) == [
        "not available: no folder 'org/nothing'; as a name on the hub it is not in the cache, and "
        "HF_HUB_OFFLINE is set: run `hf download org/nothing` where there is network, or name a "
        "local folder",
        "not available: org/half: the cache has no model.safetensors of commit bbbbbbbbbbbb, and "
        f"HF_HUB_OFFLINE is set: run `hf download org/half --revision {COMMIT}` where there is "
        "network, or name a local folder",
    ]


@pytest.mark.slow
def test_loading_offline_names_the_file_that_is_lacking(tmp_path: Path) -> None:
    put(tmp_path / "hub", "org/name", []).joinpath("config.json").write_text(
        '{"model_type": "t5", "d_model": 8}'
    )
    code = (
        "from evalharness.hf import weights\n"
        "weights.load_checkpoint(weights.Request('AutoModelForSeq2SeqLM', 'org/name'))\n"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "ModelError: org/name: the cache has no tokenizer.json of" in ran.stderr.splitlines()[-1]
