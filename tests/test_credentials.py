"""Keys and passwords: what a config may not hold, what may be in it, and errors without them."""

import base64
import json
import random
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from evalharness.comparison.rules import read_rules
from evalharness.config import yaml
from evalharness.config.build import named_scorers
from evalharness.config.run_config import read_run_config
from evalharness.endpoint import Server, explanation
from evalharness.errors import ConfigError
from evalharness.files.credentials import find_credential, make_hider, without_credentials
from evalharness.runner.write import _one_line

ROOT = Path(__file__).parents[1]
_RANDOM = random.Random(14)
LETTERS, WORD, HEX = string.ascii_letters + string.digits, string.ascii_letters, "0123456789abcdef"


def drawn(n: int, alphabet: str = LETTERS) -> str:
    return "".join(_RANDOM.choices(alphabet, k=n))


def web_token() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": drawn(10), "iat": 1516239022})
    head = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join([*head, drawn(43, LETTERS + "-_")])


# Keys of known shapes, drawn anew: none was ever anybody's.
KEYS: Mapping[str, str] = {
    "openai, first": "sk-" + drawn(20) + "T3BlbkFJ" + drawn(20),
    "openai, project": "sk-proj-"
    + drawn(74, LETTERS + "-_")
    + "T3BlbkFJ"
    + drawn(74, LETTERS + "-_"),
    "openai, service": "sk-svcacct-" + drawn(60, LETTERS + "-_"),
    "anthropic": "sk-ant-api03-" + drawn(93, LETTERS + "-_") + "AA",
    "openrouter": "sk-or-v1-" + drawn(64, HEX),
    "deepseek": "sk-" + drawn(32, HEX),
    "langfuse": "sk-lf-" + "-".join(drawn(n, HEX) for n in (8, 4, 4, 4, 12)),
    "litellm": "sk-" + drawn(22, LETTERS + "-_"),
    "hugging face": "hf_" + drawn(34, WORD),
    "hugging face, organization": "api_org_" + drawn(34, WORD),
    "github": "ghp_" + drawn(36),
    "github, server": "ghs_" + drawn(36),
    "github, fine-grained": "github_pat_" + drawn(22) + "_" + drawn(59),
    "gitlab": "glpat-" + drawn(20, LETTERS + "-_"),
    "aws": "AKIA" + drawn(16, string.ascii_uppercase + "234567"),
    "aws, for a session": "ASIA" + drawn(16, string.ascii_uppercase + "234567"),
    "google": "AIza" + drawn(35, LETTERS + "-_"),
    "google, for a session": "ya29." + drawn(60, LETTERS + "-_"),
    "groq": "gsk_" + drawn(52),
    "xai": "xai-" + drawn(80),
    "perplexity": "pplx-" + drawn(48),
    "replicate": "r8_" + drawn(37),
    "nvidia": "nvapi-" + drawn(64, LETTERS + "-_"),
    "fireworks": "fw_" + drawn(24),
    "together": "tgp_v1_" + drawn(43, LETTERS + "-_"),
    "wandb": "wandb_v1_" + drawn(77),
    "slack": f"xoxb-{drawn(12, string.digits)}-{drawn(13, string.digits)}-{drawn(24)}",
    "stripe": "sk_live_" + drawn(24),
    "sendgrid": f"SG.{drawn(22, LETTERS + '-_')}.{drawn(43, LETTERS + '-_')}",
    "npm": "npm_" + drawn(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + drawn(120, LETTERS + "-_"),
    "databricks": "dapi" + drawn(32, HEX),
    "digitalocean": "dop_v1_" + drawn(64, HEX),
    "web token": web_token(),
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n" + drawn(64),
    "header": "Bearer " + drawn(40),
    "password in an address": f"https://me:{drawn(12)}@host/data.jsonl",
    "token in an address": f"https://host/data.jsonl?token={drawn(32)}",
    "signature in an address": f"https://host/data.jsonl?sv=2024&sig={drawn(43)}%3D",
}
# Only their name tells what they are: (name, value).
NAMED: Mapping[str, tuple[str, Any]] = {
    "short": ("api_key", "sk-abcdef"),
    "password": ("password", "hunter2"),
    "number": ("password", 12345678),
    "camel case": ("apiKey", drawn(10)),
    "header": ("X-Api-Key", drawn(32, HEX)),
    "authorization": ("Authorization", "Basic bWU6c2VjcmV0"),
    "aws secret": ("aws_secret_access_key", drawn(40, LETTERS + "/+")),
    "azure": ("subscription_key", drawn(32, HEX)),
    "old wandb": ("key", drawn(40, HEX)),
    "uuid": (
        "token",
        f"{drawn(8, HEX)}-{drawn(4, HEX)}-4{drawn(3, HEX)}-a{drawn(3, HEX)}-{drawn(12, HEX)}",
    ),
}
INNOCENT: tuple[tuple[str, Any], ...] = (
    ("model", "sk-learn"),
    ("model", "sk-learn-contrib/text-classifier-2024"),
    ("model", "hf_hub_download_of_a_file_with_a_long_name"),
    ("revision", drawn(40, HEX)),
    ("sha256", drawn(64, HEX)),
    ("system", "Keep the token count low; the key: say what the secret of the story is."),
    (
        "user",
        "Password: never repeat passwords. Risk-adjusted, task-oriented dialogue\n{article}",
    ),
    ("key", "OPENAI_API_KEY"),
    ("key", "my_key"),
    ("api_key", "${OPENAI_API_KEY}"),
    ("max_new_tokens", 128),
    ("eos_token", "<|reserved_special_token_250|>"),
    ("path", "https://host/data.jsonl?page=2&keyword=elections2024october"),
    ("path", "s3://bucket/run-2024-11-28/0123456789abcdef0123456789abcdef/part-0.parquet"),
    ("label", "gpt-4o-mini-2024-07-18@temperature=0.7"),
    ("tokenizer", "unicode"),
    ("seed", 12345678),
    ("system", base64.b64encode(b"Write one sentence that says what the story is.").decode()),
    ("system", b"Write one sentence that says what the story is.".hex()),
    ("path", "https://host/a%20folder/the%20stories%20of%202024.jsonl"),
)
URL = "http://127.0.0.1:9/v1"


def config(**model: Any) -> dict[str, Any]:
    endpoint = {"name": "endpoint", "url": URL, "model": "m", **model}
    return {"data": {"name": "files", "path": "a.jsonl"}, "model": endpoint}


# What a config may not hold.


@pytest.mark.parametrize("shape", KEYS)
def test_key_of_a_known_shape_is_seen_within_a_text(shape: str) -> None:
    assert find_credential(f"Say it in one line, and use {KEYS[shape]} for that.")


ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of an address": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "base64 of a header": lambda key: base64.b64encode(f"me:{key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex, large": lambda key: key.encode().hex().upper(),
    "all per cent": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "per cent": lambda key: quote(key, safe="").replace("_", "%5F").replace("-", "%2D"),
    "per cent of base64": lambda key: quote(base64.b64encode(f"{key}=?".encode()).decode()),
}


@pytest.mark.parametrize("shape", ["openai, first", "hugging face", "github", "aws", "web token"])
@pytest.mark.parametrize("how", ENCODINGS)
def test_key_that_is_encoded_is_refused_as_the_plain_one(how: str, shape: str) -> None:
    encoded = ENCODINGS[how](KEYS[shape])
    for said in (
        encoded,
        f"use {encoded} for that",
        f"https://host/a?x={encoded}",
        f"/a/{encoded}",
    ):
        if how == "per cent" and "%" not in said:
            continue
        assert find_credential(said), said
        assert encoded not in without_credentials(said)
    with pytest.raises(ConfigError, match="what looks like") as raised:
        read_run_config(config(system=f"use {encoded}"))
    assert encoded not in str(raised.value)


@pytest.mark.parametrize("shape", NAMED)
def test_credential_is_seen_by_its_name(shape: str) -> None:
    name, value = NAMED[shape]
    assert find_credential(value, name)


@pytest.mark.parametrize(("name", "value"), INNOCENT)
def test_what_is_none_is_not_seen(name: str, value: Any) -> None:
    assert find_credential(value, name) == ""


def places(key: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Return configs with a key in them, and the dotted path that the error is to name."""
    models = [{"name": "lead"}, {"name": "endpoint", "url": URL, "model": "m", "stop": [key]}]
    grid = {"sweep": {"grid": {"model.system": ["short", key]}}}
    return {
        "extra": (config(extra={"api_key": "sk-abcdef"}), "model.extra.api_key"),
        "user of extra": (config(extra={"user": key}), "model.extra.user"),
        "name in extra": (config(extra={key: 1}), "model.extra"),
        "system": (config(system=f"use {key}"), "model.system"),
        "model": (config(model=key), "model.model"),
        "key": (config(key=key), "model.key"),
        "label": (config(label=key), "model.label"),
        "models": ({**config(), "model": None, "models": models}, "models.1.stop.0"),
        "data": (
            {**config(), "data": {"name": "files", "path": f"s3://b?token={key}"}},
            "data.path",
        ),
        "check": ({**config(), "checks": [{"name": "judge_endpoint", "url": key}]}, "checks.0.url"),
        "tracker": (
            {**config(), "trackers": [{"name": "wandb", "project": key}]},
            "trackers.0.project",
        ),
        "generation": ({**config(), "generation": {"stop": [key]}}, "generation.stop.0"),
        "name": ({**config(), "name": key}, "name"),
        "sweep": (config() | grid, "sweep.grid.model.system.1"),
        "case": (
            config() | {"sweep": {"cases": {"a": {"model.extra.password": "pw"}}}},
            "sweep.cases.a.model.extra.password",
        ),
    }


@pytest.mark.parametrize("where", places(""))
def test_key_in_any_field_of_a_config_is_refused_with_its_place(where: str) -> None:
    key = KEYS["hugging face"]
    tree, path = places(key)[where]
    with pytest.raises(ConfigError) as raised:
        read_run_config(tree)
    message = str(raised.value)
    assert f": {path}: " in message
    assert "key: NAME_OF_VARIABLE" in message
    assert key not in message
    assert "sk-abcdef" not in message


def test_key_in_a_file_is_refused_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.dump(config(extra={"user": KEYS["github"]})))
    with pytest.raises(ConfigError, match=r"a\.yaml:9:5: model\.extra\.user: "):
        read_run_config(path)


def test_key_in_what_is_laid_over_a_config_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--set model\.extra\.api_key: model\.extra\.api_key: "):
        read_run_config(config(), ["model.extra.api_key=sk-abcdef"])
    with pytest.raises(ConfigError, match="should be key=value") as raised:
        read_run_config(config(), [KEYS["github"]])
    assert KEYS["github"] not in str(raised.value)


def test_key_in_rules_and_in_options_of_a_check_is_refused() -> None:
    with pytest.raises(ConfigError, match="rules: metrics: holds what looks like a key of GitHub"):
        read_rules({"metrics": {KEYS["github"]: {"margin": 0.1}}})
    with pytest.raises(ConfigError, match="looks like a key of GitHub") as raised:
        named_scorers(["nli"], None, [f"nli.model={KEYS['github']}"])
    assert KEYS["github"] not in str(raised.value)


def test_key_in_a_server_that_is_made_in_python_is_refused() -> None:
    with pytest.raises(ValueError, match="extra: holds a key"):
        Server(URL, "m", extra={"api_key": "sk-abcdef"})
    with pytest.raises(ValueError, match="key: should be the name"):
        Server(URL, "m", key=KEYS["hugging face"])


# What may be in one.

READY = sorted(
    path
    for folder in ("configs", "tests", "results", "docs")
    for path in (ROOT / folder).rglob("*.y*ml")
)


@pytest.mark.parametrize("path", READY, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shipped_config_holds_none(path: Path) -> None:
    yaml.read_yaml(path).refuse_credentials()


def test_docs_and_articles_hold_none() -> None:
    texts = [path.read_text() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
    articles = ROOT / "configs" / "quickstart" / "articles.jsonl"
    texts += [
        text
        for line in articles.read_text().splitlines()
        for text in json.loads(line).values()
        if isinstance(text, str)
    ]
    assert sum(len(text.split()) for text in texts) > 10_000
    assert [without_credentials(text) for text in texts] == texts


# Errors.


@pytest.mark.parametrize("shape", KEYS)
def test_known_shape_is_taken_out_of_an_error(shape: str) -> None:
    said = without_credentials(f"401: no such key: '{KEYS[shape]}'.")
    assert KEYS[shape] not in said
    assert "[key]" in said


def encoded(key: str) -> dict[str, str]:
    content = key.encode()
    return {
        "plain": key,
        "other case": key.upper(),
        "without its end": key[:-4] + "****",
        "half": key[: len(key) // 2 + 1],
        "base64": base64.b64encode(content).decode(),
        "base64 of a header": base64.b64encode(b"Bearer " + content).decode(),
        "base64 of a pair": base64.b64encode(b"me:" + content + b":x").decode(),
        "base64 for addresses": base64.urlsafe_b64encode(content).decode().rstrip("="),
        "address": quote(key, safe=""),
        "hexadecimal": content.hex(),
        "JSON": json.dumps(key),
    }


@pytest.mark.parametrize("how", encoded(""))
@pytest.mark.parametrize("key", ["sk-planted-0123456789/abcdef+x==", KEYS["groq"], drawn(32, HEX)])
def test_key_is_taken_out_of_what_a_server_says_also_encoded(how: str, key: str) -> None:
    form = encoded(key)[how]
    said = explanation({"error": {"message": f"Wrong: {form} {180 * 'x'}"}}, make_hider(key))
    assert "[key]" in said
    for telling in (form[:24], form[4:24], form[8:28]):
        assert telling not in said


def test_long_key_is_taken_out_where_the_quote_is_cut() -> None:
    key = KEYS["anthropic"]
    said = explanation({"error": {"message": 150 * "x" + key}}, make_hider(key))
    assert said.endswith("x[key]")


def test_hider_leaves_other_texts_alone() -> None:
    hide = make_hider(KEYS["anthropic"])
    assert hide("sk-ant-api03- begins every key") == "sk-ant-api03- begins every key"
    assert make_hider("")("nothing to hide") == "nothing to hide"


def test_key_is_taken_out_of_what_a_tracker_says() -> None:
    said = _one_line(ValueError(f"http://me:pass@host and http://me@host refused {KEYS['github']}"))
    assert said == "ValueError: http://host and http://host refused [key]"
