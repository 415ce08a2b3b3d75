"""What cases are made from: input that is right, of every kind."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CASES, CONFIGS = ROOT / "tests" / "cases", ROOT / "configs"
LOGS = CASES / "logs"


def all_of(*patterns: str, root: Path = ROOT) -> Callable[[], list[bytes]]:
    return lambda: [p.read_bytes() for pattern in patterns for p in sorted(root.glob(pattern))]


RUN_CONFIGS = (
    """name: a
data:
  {name: files, path: a.jsonl, columns: {id: id, reference: [r, s], extra: [x]}, bad_rows: fail}
models: [lead, {name: random, sentences: 2, label: two}, {name: textrank, sentences: 1}]
metrics: [rouge, {name: rouge, label: stemmed, stemmer: true, types: [rouge1, rougeL]}, chrf]
checks: [lexical, numbers, {name: dates, label: days}]
seed: 7
limit: 100
interval: {level: 0.9, resamples: 500}
trackers: []
""",
    """data: {name: pages, path: [a.txt, b.txt]}
model: {name: seq2seq, model: org/name, revision: v1, num_beams: 4, length_penalty: 1.5}
generation: {do_sample: true, temperature: 0.7, top_p: 0.9, seed: 3}
metrics: []
sweep:
  grid: {generation.top_k: [10, 20], generation.length_penalty: {from: 0.8, to: 1.2, step: 0.2}}
  zip: {seed: [1, 2], limit: [5, 6]}
  cases: {short: {generation.max_new_tokens: 40}, as-is: {}}
  exclude: [{seed: 1, case: short}]
""",
    """data: {name: files, path: a.csv}
model: {name: endpoint, model: m, url: "http://127.0.0.1:1/v1", max_new_tokens: 5, timeout: 3}
checks: [{name: judge, model: org/judge}, {name: nli, model: org/nli}]
""",
)


def sheets() -> list[bytes]:
    return [config.encode() for config in RUN_CONFIGS]


def rows() -> list[bytes]:
    """Return two articles, and two that say all that a row may say."""
    articles = content(CONFIGS / "quickstart" / "articles.jsonl").splitlines(keepends=True)
    row = {"id": 1, "document": "It rained.", "summary": "Rain.", "references": ["R.", "S."]}
    full = json.dumps(row | {"title": "Rain", "source": "s", "published": "2026-05-04"})
    return [b"".join(articles[:2]), f"{full}\n{full}\n".encode()]


def tables() -> list[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": f"{n}", "article": "The mayor said no.", "summary": "No."} for n in range(3)]
    rows_of_lists = [{"id": n, "article": "It rained.", "references": ["R."]} for n in range(2)]
    seeds = []
    for some in (rows, rows_of_lists):
        for options in ({}, {"compression": "none", "use_dictionary": False}):
            stream = io.BytesIO()
            parquet.write_table(pa.Table.from_pylist(some), stream, **options)
            seeds.append(stream.getvalue())
    return seeds


def labels() -> list[bytes]:
    row = {
        "id": "a", "source": "s", "article": "It rained.", "summary": "Rain fell.", "label": 1,
        "consistency": 0.5, "sentences": ["Rain fell."], "sentence_labels": [1],
        "spans": [{"start": 0, "end": 4, "type": "x"}],
    }  # fmt: skip
    return [json.dumps(row).encode() + b"\n" + json.dumps(row | {"label": 0}).encode() + b"\n"]


def logs(*names: str) -> Callable[[], list[bytes]]:
    """Return seeds with long texts cut, so that a case is quick."""

    def seeds() -> list[bytes]:
        found = []
        for raw in all_of(*names, root=LOGS)():
            lines = raw.splitlines() if b"}\n{" in raw else [raw]
            trees = [_cut(json.loads(line)) for line in lines[:2]]
            found.append(b"".join(json.dumps(tree).encode() + b"\n" for tree in trees))
        return found

    return seeds


def _cut(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _cut(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_cut(each) for each in tree[:3]]
    return tree[:60] if isinstance(tree, str) else tree


@cache
def members(archive: bytes) -> Mapping[str, bytes]:
    from evalharness.loaders.logs import files as logs_archive

    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream) as file:
        return {e.filename: logs_archive._content(stream, e) for e in file.infolist()}


def ledger() -> list[bytes]:
    from evalharness.store.ledger import LEDGER_FORMAT, _line

    lines = [_line({"ledger": LEDGER_FORMAT, "signature": {"name": "lead", "version": 1}})]
    for n in range(6):
        record = {"text": f"summary {n}", "finish": "stop"}
        lines.append(_line({"key": f"{n:032x}", "batch": [n % 3 + 1, 3], "record": record}))
    return [b"".join(lines)]


def calibrations() -> list[bytes]:
    entry = {
        "n": 10, "positive": 5, "articles": 4, "null_rate": 0.0, "auc": 0.8, "threshold": 0.5,
        "flag_below": 0.2, "support_from": 0.6,
        "probability": {"method": "isotonic", "scores": [0.1, 0.9], "probabilities": [0.2, 0.8]},
    }  # fmt: skip
    whole = {
        "schema": 1, "check": "lexical", "signature": "lexical|v1", "method": "isotonic",
        "targets": {"precision": 0.9}, "labels": {"s": "label"}, "pooled": entry,
        "sources": {"s": entry},
    }  # fmt: skip
    plain = {"thresholds": {"flagged": 0.2, "supported": 0.7}}
    return [json.dumps(whole).encode(), json.dumps(plain).encode()]


def answers() -> list[bytes]:
    said = {"token": "Yes", "logprob": -0.1, "top_logprobs": [{"token": "No", "logprob": -2}]}
    choice = {
        "message": {"content": "Rain."},
        "finish_reason": "stop",
        "logprobs": {"content": [said]},
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    return [json.dumps({"choices": [choice], "usage": usage}).encode()]


def texts() -> list[bytes]:
    rows = [
        json.loads(line) for line in content(CONFIGS / "quickstart" / "articles.jsonl").splitlines()
    ]
    found = [row["article"][:500].encode() for row in rows[:8]]
    for path in sorted((CASES / "checks").glob("*.jsonl")):
        for line in path.read_text().splitlines()[:12]:
            row = json.loads(line)
            found += [str(row[key])[:300].encode() for key in ("article", "summary") if key in row]
    return found


def gzipped() -> bytes:
    return gzip.compress(b'{"id": "1", "article": "It rained."}\n' * 5, mtime=0)


@cache
def content(path: Path) -> bytes:
    return path.read_bytes()
