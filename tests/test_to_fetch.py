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

from evalharness import hf, hub, registry
from evalharness.checks.alignscore import AlignScore
from evalharness.checks.minicheck import MiniCheck
from evalharness.errors import ModelError

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


@pytest.mark.parametrize(("name", "files"), [("org/whole", WHOLE), ("org/sharded", SHARDED)])
def test_what_transformers_loads_is_to_fetch_and_nothing_else(
    name: str, files: dict[str, int], online: Path
) -> None:
    found = hf.to_fetch(name)
    assert found == hf.ToFetch(name, COMMIT, files)
    assert found.n_bytes == sum(files.values())
    assert not list(online.rglob("*"))  # and nothing was fetched


def test_what_is_cached_is_not_to_fetch(online: Path) -> None:
    put(online, "org/whole", ["config.json", *TOKENIZER])
    assert dict(hf.to_fetch("org/whole").files) == {"model.safetensors": 2_000_000}
    put(online, "org/whole", WHOLE)
    assert str(hf.to_fetch("org/whole")) == "org/whole: nothing to fetch"


def test_size_is_said_in_words(online: Path) -> None:
    said = "org/sharded: 7 files to fetch, 4.0 GB (model-00001-of-00002.safetensors and 6 more)"
    assert str(hf.to_fetch("org/sharded")) == said


def test_lack_of_safetensors_is_noted(online: Path) -> None:
    assert hf.to_fetch("org/pickled").note == "it has no weights as safetensors"


def test_component_with_a_backbone_fetches_its_weights_and_the_backbones_tokenizer(
    online: Path,
) -> None:
    check = AlignScore("org/pickled", file="AlignScore.ckpt", backbone="org/whole")
    weights, backbone = registry.to_fetch(check)
    assert weights == hf.ToFetch("org/pickled", COMMIT, {"AlignScore.ckpt": 5_000_000})
    assert dict(backbone.files) == {"config.json": 700} | TOKENIZER


def test_component_with_a_backbone_says_offline_what_is_lacking(cache: Path) -> None:
    check = AlignScore("org/pickled", file="AlignScore.ckpt", backbone="org/whole")
    put(cache, "org/whole", ["config.json", *TOKENIZER])
    put(cache, "org/pickled", ["AlignScore.ckpt"])
    assert [found.files for found in registry.to_fetch(check)] == [{}, {}]
    put(cache, "org/pickled", []).joinpath("AlignScore.ckpt").unlink()
    with pytest.raises(ModelError, match=r"org/pickled: the cache has no AlignScore\.ckpt of"):
        registry.to_fetch(check)


def test_folder_needs_nothing(tmp_path: Path) -> None:
    assert hf.to_fetch(str(tmp_path)).files == {}


def test_name_that_is_none_is_refused(online: Path) -> None:
    with pytest.raises(ModelError, match="no model 'org/nothing' on the hub"):
        hf.to_fetch("org/nothing")


@pytest.mark.parametrize("files", [WHOLE, SHARDED])
def test_cache_that_is_whole_suffices_offline(files: dict[str, int], cache: Path) -> None:
    snapshot = put(cache, "org/name", files)
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    if files is SHARDED:
        index = json.dumps({"weight_map": shards})
        (snapshot / "model.safetensors.index.json").write_text(index)
    assert hf.to_fetch("org/name") == hf.ToFetch("org/name", COMMIT, {})
    lacking = "model-00002-of-00002.safetensors" if files is SHARDED else "model.safetensors"
    (snapshot / lacking).unlink()
    with pytest.raises(ModelError, match=f"the cache has no {lacking} of commit b"):
        hf.to_fetch("org/name")


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors", "tokenizer.json"])
def test_file_that_is_lacking_offline_is_named_with_how_to_get_it(
    lacking: str, cache: Path
) -> None:
    put(cache, "org/name", [f for f in WHOLE if not f.startswith(lacking.split(".")[0])])
    with pytest.raises(ModelError) as raised:
        hf.to_fetch("org/name")
    assert str(raised.value) == (
        f"org/name: the cache has no {lacking} of commit bbbbbbbbbbbb, and HF_HUB_OFFLINE is set: "
        f"run `hf download org/name --revision {COMMIT}` where there is network, or name a local "
        "folder"
    )


def test_hub_that_is_down_is_as_none(online: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    put(online, "org/name", WHOLE)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert hf.to_fetch("org/name").files == {}
    put(online, "org/name", []).joinpath("config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json .* the hub cannot be reached"):
        hf.to_fetch("org/name")


def test_component_says_what_it_needs_by_its_presets(online: Path, tmp_path: Path) -> None:
    (found,) = registry.to_fetch(MiniCheck())
    assert (found.name, found.n_bytes) == ("lytang/MiniCheck-Flan-T5-Large", sum(WHOLE.values()))
    (local,) = registry.to_fetch(MiniCheck(str(tmp_path)))
    assert local.files == {}
    assert registry.to_fetch(registry.load("checks", "lexical")()) == []


@pytest.mark.slow
def test_loading_offline_names_the_file_that_is_lacking(tmp_path: Path) -> None:
    put(tmp_path / "hub", "org/name", []).joinpath("config.json").write_text(
        '{"model_type": "t5", "d_model": 8}'
    )
    code = "from evalharness import hf\nhf.load(hf.Request('AutoModelForSeq2SeqLM', 'org/name'))\n"
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "ModelError: org/name: the cache has no tokenizer.json of" in ran.stderr.splitlines()[-1]
