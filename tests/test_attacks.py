"""What may come in from outside and mean harm: each ends in one clear line, or in a right result.

`docs/threat-model.md` names these by their ids.
"""

import gzip
import io
import json
import os
import resource
import shutil
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evalharness.files.untrusted import visible

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"
BASELINE = ROOT / "results" / "baseline" / "lead1-bart"
EVAL = ROOT / "tests" / "cases" / "logs" / "inspect" / "news.eval"
ROW = {
    "id": "1",
    "article": "It rained in Orrin on Friday. The mayor left.",
    "summary": "It rained.",
}
# What an attack would make, if it were let.
CANARY = "canary"
SECRET = "sk-notarealkey0123456789"


@dataclass(frozen=True)
class Attack:
    """make: writes what is hostile into a folder, and returns the command's arguments.

    code: how it must end. says: part of what it must say, on stderr or stdout, in so many lines.
    """

    make: Callable[[Path], list[str]]
    code: int
    says: str
    lines: int = 1


def data(folder: Path, *rows: Any, name: str = "a.jsonl") -> Path:
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows or (ROW,)]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(folder: Path, text: str = "", *rows: Any) -> list[str]:
    """Write a config (or only lines of one) and its data; return the command that runs it."""
    if not (folder / "a.jsonl").exists():
        data(folder, *rows)
    usual = {"data": "{name: files, path: a.jsonl}", "model": "given", "metrics": "[]"}
    lines = [f"{key}: {value}" for key, value in usual.items() if f"{key}:" not in text]
    config = folder / "attack.yaml"
    config.write_text("\n".join([*lines, text]) + "\n")
    return ["run", str(config), "--results", str(folder / "inside" / "results")]


def scored(folder: Path, path: Path) -> list[str]:
    return ["score", str(path), "--metrics", "", "--results", str(folder / "inside" / "results")]


# Paths


def id_that_climbs(folder: Path) -> list[str]:
    return run(folder, "", ROW | {"id": f"../../../{CANARY}"}, ROW | {"id": f"/{CANARY}"})


def experiment_that_climbs(folder: Path) -> list[str]:
    return run(folder, f'name: "../../../{CANARY}"')


def label_that_climbs(folder: Path) -> list[str]:
    return run(folder, f'model: {{name: given, label: "..\\\\../../{CANARY}"}}')


def label_of_control_characters(folder: Path) -> list[str]:
    return run(folder, 'checks: [{name: numbers, label: "a\\e[2J\\0b"}]')


def metric_label_that_climbs(folder: Path) -> list[str]:
    return run(folder, f'checks: [{{name: numbers, label: "../../{CANARY}"}}]')


def archive_that_climbs(folder: Path) -> list[str]:
    path = folder / "climbs.eval"
    shutil.copy(EVAL, path)
    with zipfile.ZipFile(path, "a") as archive:
        for name in (f"../../{CANARY}", f"/{CANARY}", f"samples/../../{CANARY}_epoch_1.json"):
            archive.writestr(name, json.dumps({"id": 9, "epoch": 1}))
    return [*scored(folder, path), "--allow-rejected", "0.15"]


def ledger_that_is_a_link(folder: Path) -> list[str]:
    """Let the ledger that a run will open be a link to somebody's file."""
    from evalharness.config.signature import signature_parts
    from evalharness.models.given import Given
    from evalharness.store.ledger import ledger_path

    outside = folder / "outside.txt"
    outside.write_text("not yours\n")
    store = folder / "inside" / "results" / "store" / "summaries"
    store.mkdir(parents=True)
    ledger_path(store, signature_parts("given", Given())).symlink_to(outside)
    return run(folder)


def samples_that_are_a_link(folder: Path) -> list[str]:
    outside = folder / "outside.txt"
    outside.write_text("not yours\n")
    cell = folder / "inside" / "results" / "attack" / "given"
    cell.mkdir(parents=True)
    for name in ("samples.jsonl", "run.json", "config.yaml"):
        (cell / name).symlink_to(outside)
    return run(folder)


def links_in_circles(folder: Path) -> list[str]:
    runs = folder / "runs"
    shutil.copytree(BASELINE, runs / "one")
    (runs / "one" / "again").symlink_to(runs, target_is_directory=True)
    (runs / "self").symlink_to(runs / "self")
    return ["leaderboard", str(runs)]


# Devices and pipes


def device_as_data(folder: Path) -> list[str]:
    return run(folder, "data: {name: files, path: /dev/zero, format: jsonl}")


def pipe_as_data(folder: Path) -> list[str]:
    os.mkfifo(folder / "pipe.jsonl")
    return run(folder, "data: {name: files, path: pipe.jsonl}")


def pipe_as_page(folder: Path) -> list[str]:
    os.mkfifo(folder / "page.txt")
    return run(folder, "data: {name: pages, path: page.txt}")


def device_as_config(folder: Path) -> list[str]:
    return ["run", "/dev/zero"]


def device_as_run(folder: Path) -> list[str]:
    shutil.copytree(BASELINE, folder / "run")
    (folder / "run" / "run.json").unlink()
    (folder / "run" / "run.json").symlink_to("/dev/zero")
    return ["gate", str(BASELINE), str(folder / "run")]


def device_as_table(folder: Path) -> list[str]:
    shutil.copytree(BASELINE, folder / "run")
    (folder / "run" / "samples.parquet").unlink()
    (folder / "run" / "samples.parquet").symlink_to("/dev/zero")
    return ["gate", str(BASELINE), str(folder / "run")]


def device_as_thresholds(folder: Path) -> list[str]:
    data(folder, "It rained.", name="a.txt")
    return ["check", str(folder / "a.txt"), "--thresholds", "/dev/zero"]


def device_as_page(folder: Path) -> list[str]:
    (folder / "page.html").symlink_to("/dev/zero")
    return ["check", str(folder / "page.html")]


# Models


def checkpoint(folder: Path) -> Path:
    return Path(shutil.copytree(QUICKSTART / "lead1-bart", folder / "model"))


CODE = f"import pathlib; pathlib.Path('{CANARY}').touch()\n"


def pickled_weights(folder: Path) -> list[str]:
    weights = checkpoint(folder) / "model.safetensors"
    weights.unlink()
    command = f"cos\nsystem\n(S'touch {CANARY}'\ntR."
    weights.with_name("pytorch_model.bin").write_bytes(command.encode())
    return run(folder, "model: {name: seq2seq, model: ./model}")


def pickled_beside_the_weights(folder: Path) -> list[str]:
    command = f"cos\nsystem\n(S'touch {CANARY}'\ntR."
    (checkpoint(folder) / "pytorch_model.bin").write_bytes(command.encode())
    return run(folder, "model: {name: seq2seq, model: ./model, max_new_tokens: 3}")


def weights_of_a_lying_header(folder: Path) -> list[str]:
    (checkpoint(folder) / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}" * 99)
    return run(folder, "model: {name: seq2seq, model: ./model}")


def weights_of_a_deep_header(folder: Path) -> list[str]:
    header = b'{"a":' * 50_000
    path = checkpoint(folder) / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return run(folder, "model: {name: seq2seq, model: ./model}")


def code_in_a_model(folder: Path) -> list[str]:
    path = checkpoint(folder)
    (path / "own.py").write_text(CODE)
    config = json.loads((path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.A", "AutoModel": "own.B"}}
    (path / "config.json").write_text(json.dumps(config))
    return run(folder, "model: {name: seq2seq, model: ./model}")


def code_in_a_tokenizer(folder: Path) -> list[str]:
    path = checkpoint(folder)
    (path / "own.py").write_text(CODE)
    config = json.loads((path / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.A", "own.B"]}}
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return run(folder, "model: {name: seq2seq, model: ./model, max_new_tokens: 3}")


def code_in_a_chat_template(folder: Path) -> list[str]:
    path = Path(shutil.copytree(QUICKSTART / "lead1-llama", folder / "model"))
    escape = "{{ cycler.__init__.__globals__.os.system('touch " + CANARY + "') }}"
    for template in (path / "chat_template.jinja",):
        template.write_text(escape)
    return run(
        folder, 'model: {name: causal, model: ./model, user: "{article}", max_new_tokens: 3}'
    )


# Configs


def tag_in_yaml(folder: Path) -> list[str]:
    return run(folder, f'name: !!python/object/apply:os.system ["touch {CANARY}"]')


def aliases_that_multiply(folder: Path) -> list[str]:
    lines = ['a0: &a0 ["ha", "ha"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return run(folder, "\n".join(lines))


def nested_yaml(folder: Path) -> list[str]:
    return run(folder, "name: " + "[" * 100_000)


def number_of_a_million_digits(folder: Path) -> list[str]:
    return run(folder, "seed: " + "9" * 1_000_000)


def number_too_large(folder: Path) -> list[str]:
    return run(folder, "limit: 1e999")


def config_that_extends_a_secret(folder: Path) -> list[str]:
    (folder / "secret.txt").write_text(f"root:{SECRET}:0:0\n")
    return run(folder, "extends: secret.txt")


def key_in_a_config(folder: Path) -> list[str]:
    url = "http://127.0.0.1:9/v1"
    return run(folder, f"model: {{name: endpoint, model: m, url: '{url}', key: {SECRET}}}")


def key_in_an_unknown_option(folder: Path) -> list[str]:
    url = "http://127.0.0.1:9/v1"
    return run(folder, f"model: {{name: endpoint, model: m, url: '{url}', api_key: {SECRET}}}")


def key_in_more_fields_of_a_request(folder: Path) -> list[str]:
    url = "http://127.0.0.1:9/v1"
    extra = f"{{api_key: {SECRET}}}"
    return run(folder, f"model: {{name: endpoint, model: m, url: '{url}', extra: {extra}}}")


def key_in_a_prompt(folder: Path) -> list[str]:
    url = "http://127.0.0.1:9/v1"
    return run(folder, f"model: {{name: endpoint, model: m, url: '{url}', system: use {SECRET}}}")


def password_in_an_address_of_data(folder: Path) -> list[str]:
    return run(folder, f"data: {{name: files, path: 'https://me:{SECRET}@127.0.0.1:9/a.jsonl'}}")


def password_in_an_address(folder: Path) -> list[str]:
    url = f"http://me:{SECRET}@127.0.0.1:9/v1"
    return run(folder, f"model: {{name: endpoint, model: m, url: '{url}'}}")


def key_on_the_command_line(folder: Path) -> list[str]:
    url = "http://127.0.0.1:9/v1"
    command = run(folder, f"model: {{name: endpoint, model: m, url: '{url}'}}")
    return [*command, "--set", f"model.api_key={SECRET}"]


def sweep_of_billions(folder: Path) -> list[str]:
    return run(folder, "sweep: {grid: {seed: {from: 0, to: 1e300, step: 1e-9}}}")


def rules_with_code(folder: Path) -> list[str]:
    rules = folder / "rules.yaml"
    rules.write_text(f"metrics: {{rouge: \"__import__('os').system('touch {CANARY}')\"}}\n")
    return ["gate", str(BASELINE), str(BASELINE), "--rules", str(rules)]


def rules_without_bounds(folder: Path) -> list[str]:
    (folder / "rules.yaml").write_text("metrics: {rouge: {margin: .inf, floor: 1e999}}\n")
    return ["gate", str(BASELINE), str(BASELINE), "--rules", str(folder / "rules.yaml")]


# Data


def nested_row(folder: Path) -> list[str]:
    return run(folder, "", ROW, "[" * 100_000, '{"a":' * 100_000)


def row_of_huge_numbers(folder: Path) -> list[str]:
    return run(folder, "", ROW, '{"id": ' + "9" * 1_000_000 + ', "article": "x"}')


def row_of_no_numbers(folder: Path) -> list[str]:
    row = '{"id": "2", "article": "It rained.", "x": NaN, "y": -Infinity, "z": 1e999}'
    return run(folder, "data: {name: files, path: a.jsonl, columns: {extra: [x, y, z]}}", ROW, row)


def gzip_bomb(folder: Path) -> list[str]:
    path = folder / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(json.dumps(ROW).encode() + b"\n")
        for _ in range(80):
            file.write(bytes(2**20))
    return run(folder, "data: {name: files, path: bomb.jsonl.gz}")


def zip_bomb(folder: Path) -> list[str]:
    path = folder / "bomb.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("samples/1_epoch_1.json", bytes(80 * 2**20))
    return scored(folder, path)


def zip_that_lies(folder: Path) -> list[str]:
    """Say in the directory that what unpacks to 80 MB is a few bytes."""
    path = folder / "lies.eval"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("samples/1_epoch_1.json", bytes(80 * 2**20))
    lying = stream.getvalue().replace(struct.pack("<I", 80 * 2**20), struct.pack("<I", 99))
    path.write_bytes(lying)
    return scored(folder, path)


def table_of_countless_rows(folder: Path) -> list[str]:
    """Write 20 million rows in some kilobytes, and ask for two."""
    import pyarrow as pa
    from pyarrow import parquet

    column = pa.DictionaryArray.from_arrays(
        pa.array([0] * 1000, pa.int8()), pa.array([str(ROW["article"])])
    )
    table = pa.table({"article": pa.chunked_array([column] * 20_000)})
    parquet.write_table(table, folder / "many.parquet", compression="zstd")
    return [*run(folder, "data: {name: files, path: many.parquet}\nmodel: lead"), "--limit", "2"]


def table_with_a_lying_footer(folder: Path) -> list[str]:
    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table({"article": ["It rained."] * 3}), stream)
    raw = bytearray(stream.getvalue())
    footer = len(raw) - 8 - struct.unpack("<I", raw[-8:-4])[0]
    at = raw.index(b"\x16\x06", footer)  # 3 rows, zigzag
    raw[at + 1 : at + 2] = b"\xfe\xff\xff\xff\xff\xff\xff\x7f"
    raw[-8:-4] = struct.pack("<I", struct.unpack("<I", raw[-8:-4])[0] + 7)
    (folder / "lies.parquet").write_bytes(raw)
    return run(folder, "data: {name: files, path: lies.parquet}\nmodel: lead")


def formulas(folder: Path) -> list[str]:
    path = folder / "f.csv"
    path.write_text('id,article,summary\n=cmd|calc,"=1+1 It rained.","@SUM(A1) It rained."\n')
    return run(folder, "data: {name: files, path: f.csv}")


def spreadsheet_of_nuls(folder: Path) -> list[str]:
    (folder / "nul.csv").write_bytes(b"id,article\n" + bytes(100_000) + b"\n")
    return run(folder, "data: {name: files, path: nul.csv}")


def deep_html(folder: Path) -> list[str]:
    (folder / "page.html").write_text("<html><body>" + "<div>" * 200_000 + "It rained.")
    return ["check", str(folder / "page.html")]


def html_of_huge_attributes(folder: Path) -> list[str]:
    attribute = " ".join(f'a{n}="{"x" * 1000}"' for n in range(3000))
    body = f'<html><body><p class="{"summary " * 200_000}" {attribute}>It rained.</p>'
    (folder / "page.html").write_text(body)
    return ["check", str(folder / "page.html")]


def html_with_entities(folder: Path) -> list[str]:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    page = f'<!DOCTYPE html [<!ENTITY a0 "ha">{entities}]><html><body><p>&a11;</p></body></html>'
    (folder / "page.html").write_text(page)
    return ["check", str(folder / "page.html")]


def escapes_in_a_page(folder: Path) -> list[str]:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    text = f"Storm {evil}\n\nSummary\n{evil} It rained in 14 towns.\n\n"
    text += f"ORRIN, Norland – It rained in 14 towns on Monday, {evil} and roads were closed.\n"
    (folder / "page.txt").write_text(text + f"\nThe river {evil} rose by two metres.\n" * 3)
    return ["check", str(folder / "page.txt")]


def escapes_in_a_row(folder: Path) -> list[str]:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    return run(
        folder, "", ROW | {"id": evil}, ROW | {"id": evil}, {evil: "x"}, ROW | {"id": "é" + evil}
    )


def escapes_in_a_run(folder: Path) -> list[str]:
    shutil.copytree(BASELINE, folder / "runs" / "one")
    path = folder / "runs" / "one" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cell": "\x1b[2Jone"}))
    return ["leaderboard", str(folder / "runs")]


def run_of_wrong_kinds(folder: Path) -> list[str]:
    shutil.copytree(BASELINE, folder / "one")
    path = folder / "one" / "run.json"
    record = json.loads(path.read_text())
    record["metrics"]["rouge"] = {"mean": "high", "parts": []}
    path.write_text(json.dumps(record))
    return ["gate", str(BASELINE), str(folder / "one")]


def name_that_is_too_long(folder: Path) -> list[str]:
    return run(folder, f"data: {{name: files, path: {'x' * 5000}}}")


ATTACKS: dict[str, Attack] = {
    "id-that-climbs": Attack(id_that_climbs, 0, "Results:"),
    "experiment-that-climbs": Attack(experiment_that_climbs, 0, "Results:"),
    "label-that-climbs": Attack(label_that_climbs, 0, "Results:"),
    "label-of-control-characters": Attack(label_of_control_characters, 2, "label"),
    "metric-label-that-climbs": Attack(metric_label_that_climbs, 0, "Results:"),
    "archive-that-climbs": Attack(archive_that_climbs, 0, "Results:"),
    "ledger-that-is-a-link": Attack(ledger_that_is_a_link, 4, "no ledger of format 1"),
    "samples-that-are-a-link": Attack(samples_that_are_a_link, 0, "Results:"),
    "links-in-circles": Attack(links_in_circles, 0, "one"),
    "device-as-data": Attack(device_as_data, 2, "not a file"),
    "pipe-as-data": Attack(pipe_as_data, 2, "not a file"),
    "pipe-as-page": Attack(pipe_as_page, 2, "not a file"),
    "device-as-config": Attack(device_as_config, 2, "/dev/zero"),
    "device-as-run": Attack(device_as_run, 4, "run.json"),
    "device-as-table": Attack(device_as_table, 4, "samples.parquet"),
    "device-as-thresholds": Attack(device_as_thresholds, 2, "/dev/zero"),
    "device-as-page": Attack(device_as_page, 2, "larger than 64 MiB"),
    "pickled-weights": Attack(pickled_weights, 2, "only pickle weights"),
    "pickled-beside-the-weights": Attack(pickled_beside_the_weights, 0, "Results:"),
    "weights-of-a-lying-header": Attack(weights_of_a_lying_header, 2, "model"),
    "weights-of-a-deep-header": Attack(weights_of_a_deep_header, 2, "model"),
    "code-in-a-model": Attack(code_in_a_model, 2, "remote_code: true"),
    "code-in-a-tokenizer": Attack(code_in_a_tokenizer, 0, "Results:"),
    "code-in-a-chat-template": Attack(code_in_a_chat_template, 2, "template"),
    "tag-in-yaml": Attack(tag_in_yaml, 2, "is not allowed in a config"),
    "aliases-that-multiply": Attack(aliases_that_multiply, 2, "do its aliases multiply?"),
    "nested-yaml": Attack(nested_yaml, 2, "attack.yaml"),
    "number-of-a-million-digits": Attack(number_of_a_million_digits, 2, "seed"),
    "number-too-large": Attack(number_too_large, 2, "limit"),
    "config-that-extends-a-secret": Attack(config_that_extends_a_secret, 2, "secret.txt"),
    "key-in-a-config": Attack(key_in_a_config, 2, "environment variable"),
    "key-in-an-unknown-option": Attack(key_in_an_unknown_option, 2, "environment variable"),
    "key-on-the-command-line": Attack(key_on_the_command_line, 2, "environment variable"),
    "key-in-a-prompt": Attack(key_in_a_prompt, 2, "model.system"),
    "key-in-more-fields": Attack(key_in_more_fields_of_a_request, 2, "model.extra.api_key"),
    "password-in-an-address-of-data": Attack(password_in_an_address_of_data, 2, "data.path"),
    "password-in-an-address": Attack(password_in_an_address, 2, "environment variable"),
    "sweep-of-billions": Attack(sweep_of_billions, 2, "at the most"),
    "rules-with-code": Attack(rules_with_code, 2, "rouge"),
    "rules-without-bounds": Attack(rules_without_bounds, 2, "rouge"),
    "nested-row": Attack(nested_row, 0, "2 rows"),
    "row-of-huge-numbers": Attack(row_of_huge_numbers, 0, "1 row"),
    "row-of-no-numbers": Attack(row_of_no_numbers, 0, "1 row"),
    "gzip-bomb": Attack(gzip_bomb, 0, "1 row"),
    "zip-bomb": Attack(zip_bomb, 2, "as a zip bomb does"),
    "zip-that-lies": Attack(zip_that_lies, 2, "damaged", lines=2),
    "table-of-countless-rows": Attack(table_of_countless_rows, 0, "Results:"),
    "table-with-a-lying-footer": Attack(table_with_a_lying_footer, 4, "are free"),
    "formulas": Attack(formulas, 0, "Results:"),
    "spreadsheet-of-nuls": Attack(spreadsheet_of_nuls, 2, "no article"),
    "deep-html": Attack(deep_html, 2, "no article"),
    "html-of-huge-attributes": Attack(html_of_huge_attributes, 3, "NO SUMMARY", lines=8),
    "html-with-entities": Attack(html_with_entities, 3, "NO SUMMARY", lines=8),
    "escapes-in-a-page": Attack(escapes_in_a_page, 0, "Storm"),
    "escapes-in-a-row": Attack(escapes_in_a_row, 0, "2 rows"),
    "escapes-in-a-run": Attack(escapes_in_a_run, 2, "no name that evalharness gives", lines=2),
    "run-of-wrong-kinds": Attack(run_of_wrong_kinds, 4, "metrics.rouge"),
    "name-that-is-too-long": Attack(name_that_is_too_long, 2, "data.path"),
}


@pytest.fixture(autouse=True)
def _bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Bound memory to 3 GB more than there is now, stay offline, and stand in an empty folder."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "900")  # a message is a line
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_ends_in_one_line_or_a_right_result(
    tmp_path: Path, command: Callable[..., Any], name: str
) -> None:
    attack = ATTACKS[name]
    arguments = attack.make(tmp_path)
    inside = tmp_path / "inside"
    there = {path for path in tmp_path.rglob("*") if inside not in path.parents}
    outside = tmp_path / "outside.txt"
    before = outside.read_text() if outside.exists() else ""

    began = time.process_time()
    done = command(*arguments)
    took = time.process_time() - began

    assert (done.returncode, attack.says in done.stdout + done.stderr) == (attack.code, True), done
    assert took < 20
    if attack.code:
        lines = (done.stderr or done.stdout).strip().splitlines()
        assert len(lines) == attack.lines, done
        assert max(map(len, lines)) < 1000
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert SECRET not in text
        assert visible(text) == text
    made = {path for path in tmp_path.rglob("*") if inside not in path.parents} - there - {inside}
    assert made == set()
    assert not (Path.cwd() / CANARY).exists()
    assert not outside.exists() or outside.read_text() == before
