"""What is fuzzed: each target reads one case to its end, as a command would."""

import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fuzz import seeds
from fuzz.mutate import Mutator
from fuzz.seeds import LOGS, ROOT


@dataclass(frozen=True)
class Target:
    """read: takes a case and a folder to put files in. share: of all cases, by what one costs."""

    name: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], object]
    make: Callable[[Mutator], bytes] = Mutator.raw
    share: float = 1.0
    lines: int = 1  # that an error may have: one for each row or file that cannot be read


def _half_trees(mutator: Mutator) -> bytes:
    return mutator.tree() if mutator.rng.random() < 0.6 else mutator.raw()


def _drain(rows: Iterator[Any]) -> int:
    return sum(1 for _ in rows)


# Configs and other YAML


def _config(case: bytes, folder: Path) -> object:
    from evalharness.config.run_config import read_run_config

    path = folder / "fuzzed.yaml"
    path.write_bytes(case)
    run_config = read_run_config(path)
    return [variant for _, variant in zip(range(20), run_config.variants(), strict=False)]


def _cells(case: bytes, folder: Path) -> object:
    from evalharness.config import cells
    from evalharness.config.run_config import read_run_config

    path = folder / "fuzzed.yaml"
    path.write_bytes(case)
    for name in ("a.jsonl", "a.csv", "a.txt", "b.txt"):
        (folder / name).touch()
    run_config = read_run_config(path)
    if math.prod(map(len, run_config.axes.axes)) > 64:
        return None
    return [cell.config(folder) for cell in cells.prepare(run_config)]


def _override(case: bytes, folder: Path) -> object:
    from evalharness.config.run_config import read_run_config

    config = {"data": {"name": "files", "path": "x.jsonl"}, "model": "lead"}
    return read_run_config(config, [case.decode("utf-8", "surrogateescape")])


def _rules(case: bytes, folder: Path) -> object:
    from evalharness.comparison.rules import read_rules

    path = folder / "rules.yaml"
    path.write_bytes(case)
    return read_rules(path)


# Data


def _rows(name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders.files import Files

        path = folder / name
        path.write_bytes(case)
        return _drain(Files(path).load())

    return read


def _page(html: bool | None) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders.pages import loader

        page = loader.parse_page(case, html)
        return loader.article_text(page), loader.extra(page)

    return read


def _labels(case: bytes, folder: Path) -> object:
    from evalharness.meta.labels import read_labels

    path = folder / "labels.jsonl"
    path.write_bytes(case)
    return read_labels([path])


# Logs of others


def _log(name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders.logs.loader import Logs

        path = folder / name
        path.write_bytes(case)
        systems = Logs(path).systems()
        return [_drain(Logs(path, system=system).load()) for system in systems[:2]]

    return read


def _zipped(mutator: Mutator) -> bytes:
    """Return an archive: changed as a whole, or with its files changed and packed again."""
    if mutator.rng.random() < 0.6:
        return mutator.raw(200_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(mutator.seeds[0])) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            inner = seeds.members(mutator.seeds[0])[entry.filename]
            if mutator.rng.random() < 0.3:
                inner = _half_trees(Mutator([inner], mutator.rng))
            new.writestr(entry.filename, inner)
    return stream.getvalue()


# What lies in a results folder


def _run_record(case: bytes, folder: Path) -> None:
    from evalharness.cli.leaderboard import show_leaderboard
    from evalharness.comparison.leaderboard import leaderboard

    run = folder / "runs" / "one"
    run.mkdir(parents=True, exist_ok=True)
    (run / "run.json").write_bytes(case)
    show_leaderboard(leaderboard(folder / "runs"), io.StringIO())


def _two_runs(name: str) -> Callable[[bytes, Path], object]:
    """Compare and gate the committed run with one of which one file is the case."""

    def read(case: bytes, folder: Path) -> object:
        from evalharness.comparison.comparison import compare
        from evalharness.comparison.gate import gate

        whole, run = ROOT / "results" / "baseline" / "lead1-bart", folder / "pair"
        run.mkdir(exist_ok=True)
        for other in ("run.json", "samples.parquet"):
            (run / other).write_bytes(case if other == name else seeds.content(whole / other))
        compare(whole, run, resamples=100)
        return gate(whole, run)

    return read


def _ledger(case: bytes, folder: Path) -> object:
    from evalharness.store.ledger import Ledger, ledger_path

    signature = {"name": "lead", "version": 1}
    ledger_path(folder, signature).write_bytes(case)
    ledger = Ledger(folder, signature)
    written = [key.decode() for key in re.findall(rb'"key":"((?:[0-9a-f]{2})+)"', case)]
    return ledger.get([key for key in written if key in ledger])


def _ledger_lines(mutator: Mutator) -> bytes:
    """Return a ledger whose checksums are right, whatever its lines say; or one that is torn."""
    from evalharness.store.ledger import _line

    if mutator.rng.random() < 0.4:
        return mutator.raw()
    lines = mutator.seeds[0].splitlines(keepends=True)
    for _ in range(mutator.rng.choice((1, 1, 2))):
        at = mutator.rng.randrange(len(lines))
        entry = json.loads(lines[at])
        entry.pop("crc", None)
        changed = mutator._changed(entry)
        try:
            lines[at] = _line(
                changed if isinstance(changed, dict) and changed else {"key": changed}
            )
        except ValueError:
            continue
        if mutator.rng.random() < 0.3:
            lines.insert(mutator.rng.randrange(len(lines)), lines[at])
    return b"".join(lines)


def _calibration(case: bytes, folder: Path) -> object:
    from evalharness.config.calibration import load_thresholds

    path = folder / "calibration.json"
    path.write_bytes(case)
    thresholds = load_thresholds(path)
    return [thresholds.band(value) for value in (0.0, 0.5, 1.0)]


def _answer(case: bytes, folder: Path) -> object:
    from evalharness.endpoint import TryAgain, answer_of, parse_json

    try:
        return answer_of(parse_json(case))
    except TryAgain:
        return None


# Texts


def _two_texts(mutator: Mutator) -> bytes:
    """Return an article and a summary of it, which are more alike than two texts are."""
    article = mutator.text(400)
    summary = mutator.text(160) if mutator.rng.random() < 0.5 else article[:160]
    if mutator.rng.random() < 0.7:
        own = Mutator([summary.encode("utf-8", "surrogatepass") or b"x"], mutator.rng)
        summary = own.text(160)
    return json.dumps([article, summary]).encode()


def _check(kind: str, name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.records import Article, Summary

        article, summary = json.loads(case)
        pair = (
            Article("a", article, (article[:200],), extra={"published": "2026-05-04"}),
            Summary("a", summary),
        )
        (score,) = _component(kind, name).score([pair])
        wrong = score.flaw(*pair)
        assert not wrong, wrong
        return score

    return read


@cache
def _component(kind: Any, name: str) -> Any:
    from evalharness.config import registry

    return registry.load_class(kind, name)()


def _text(case: bytes, folder: Path) -> object:
    from evalharness import text
    from evalharness.records import Summary
    from evalharness.text import dates, defects

    whole = json.loads(case)[0]
    for span in text.sentences(whole):
        assert span.of(whole).strip()
    defects.find_defects(whole, Summary("a", whole[:100]), ())
    return text.words(whole), text.numbers(whole), dates.publication_day((whole[:80],))


CHECKS = ("numbers", "dates", "entities", "quotes", "polarity", "roles", "support", "lexical")
METRICS = ("rouge", "chrf", "bleu", "extractiveness")

TARGETS = (
    Target("config", lambda: seeds.sheets() + seeds.all_of("configs/*.yaml")(), _config, share=2),
    Target("cells", seeds.sheets, _cells, share=0.05),
    Target(
        "override",
        lambda: [b"model.name=lead", b"seed=3", b"metrics.rouge.stemmer=[1, {a: b}]"],
        _override,
        share=3,
    ),
    Target("rules", seeds.all_of("configs/gate.yaml"), _rules, share=2),
    Target("jsonl", seeds.rows, _rows("a.jsonl"), _half_trees, 1),
    Target(
        "csv",
        lambda: [b'id,article,summary\n1,"It ""rained"".",R.\n2,"Two\nlines",S.\n'],
        _rows("a.csv"),
        share=6,
    ),
    Target("tsv", lambda: [b"id\tarticle\tsummary\n1\tIt rained.\tR.\n"], _rows("a.tsv"), share=3),
    Target("gzip", lambda: [seeds.gzipped()], _rows("a.jsonl.gz"), share=3),
    Target("parquet", seeds.tables, _rows("a.parquet"), share=4),
    Target(
        "page",
        seeds.all_of("tests/cases/pages/*.txt", "configs/pages/*.txt"),
        _page(False),
        share=0.5,
    ),
    Target("html", seeds.all_of("tests/cases/pages/*.html"), _page(True), share=0.15),
    Target(
        "any-page",
        seeds.all_of("tests/cases/pages/*.txt", "tests/cases/pages/*.html"),
        _page(None),
        share=0.2,
    ),
    Target("labels", seeds.labels, _labels, _half_trees, 4, lines=11),
    Target(
        "log-lm-eval", seeds.logs("lm-eval/samples*"), _log("samples_x_1.jsonl"), _half_trees, 2
    ),
    Target("log-inspect", seeds.logs("inspect/*.json"), _log("a.json"), _half_trees, 2),
    Target("log-eval", seeds.all_of("inspect/*.eval", root=LOGS), _log("a.eval"), _zipped, 0.3),
    Target(
        "log-lighteval",
        seeds.all_of("lighteval/**/*.parquet", root=LOGS),
        _log("details_x.parquet"),
        lambda m: m.raw(200_000),
        0.6,
    ),
    Target("log-promptfoo", seeds.logs("promptfoo/*"), _log("results.json"), _half_trees, 2),
    Target(
        "log-helm",
        seeds.logs("helm/scenario_state.json"),
        _log("scenario_state.json"),
        _half_trees,
        2,
    ),
    Target(
        "run-json",
        seeds.all_of("results/baseline/*/run.json"),
        _run_record,
        _half_trees,
        0.8,
        lines=2,
    ),
    Target(
        "two-runs",
        seeds.all_of("results/baseline/*/run.json"),
        _two_runs("run.json"),
        _half_trees,
        0.05,
    ),
    Target(
        "samples-parquet",
        seeds.all_of("results/baseline/*/samples.parquet"),
        _two_runs("samples.parquet"),
        lambda m: m.raw(200_000),
        0.05,
    ),
    Target("ledger", seeds.ledger, _ledger, _ledger_lines, 3),
    Target("calibration", seeds.calibrations, _calibration, _half_trees, 4),
    Target("answer", seeds.answers, _answer, _half_trees, 8),
    Target("text", seeds.texts, _text, _two_texts, 2),
    *(
        Target(
            f"check-{name}",
            seeds.texts,
            _check("checks", name),
            _two_texts,
            0.4 if name == "lexical" else 0.9,
        )
        for name in CHECKS
    ),
    *(
        Target(f"metric-{name}", seeds.texts, _check("metrics", name), _two_texts, 1)
        for name in METRICS
    ),
)
