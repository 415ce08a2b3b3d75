"""Files of summaries come in by each way of docs/files.md, in a fresh folder."""

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness import run as run_config
from evalharness.errors import DataError, Exit
from evalharness.loaders.columns import recognize_columns
from evalharness.loaders.outputs import flat
from evalharness.loaders.rows import USUAL_COLUMNS
from evalharness.store.runs import Run, runs_in

Command = Callable[..., Done]
Rows = list[dict[str, Any]]
ROOT = Path(__file__).parents[1]
LOGS = ROOT / "tests" / "cases" / "logs"
LINES = (ROOT / "configs/quickstart/articles.jsonl").read_text(encoding="utf-8").splitlines()
COMMIT = "a" * 40
SOURCE = [json.loads(line) for line in LINES[:6]]
ARTICLES = [row["article"] for row in SOURCE]
REFERENCES = [" ".join(row["references"][0].split()) for row in SOURCE]
BART = [" ".join(row["summary"].split()) for row in SOURCE]
PEGASUS = [" ".join(article.split(". ")[0].split()) + "." for article in ARTICLES]


def rows_of(summaries: Sequence[str], *, ids: bool = True) -> Rows:
    """Return rows as the logs of CNN/DailyMail runs have them."""
    found: Rows = []
    for row, reference, summary in zip(SOURCE, REFERENCES, summaries, strict=True):
        own = {"id": row["id"]} if ids else {}
        own |= {"document": row["article"], "highlights": reference, "generated": summary}
        found.append(own)
    return found


def write_jsonl(path: str, rows: Iterable[Mapping[str, Any]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_lines(path: str, texts: Sequence[str], end: str = "\n") -> None:
    Path(path).write_text("\n".join(texts) + end, encoding="utf-8")


def write_table(path: str, rows: Rows, delimiter: str, *, index: bool = False) -> None:
    """Write rows as pandas does; with its index, whose heading is blank."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerow([*([""] if index else []), *rows[0]])
        for n, row in enumerate(rows):
            table.writerow([*([n] if index else []), *row.values()])


def two_files() -> None:
    write_jsonl("a.jsonl", rows_of(BART))
    write_jsonl("b.jsonl", reversed(rows_of(PEGASUS)))


def without_ids() -> None:
    write_jsonl("a.jsonl", rows_of(BART, ids=False))
    write_jsonl("b.jsonl", reversed(rows_of(PEGASUS, ids=False)))


def long_form() -> None:
    write_jsonl("long.jsonl", [
        {"id": row["id"], "text": row["article"], "references": [reference], "model_id": system,
         "decoded": summary}
        for system, summaries in (("bart", BART), ("pegasus", PEGASUS))
        for row, reference, summary in zip(SOURCE, REFERENCES, summaries, strict=True)
    ])  # fmt: skip


def wide_form() -> None:
    write_jsonl("wide.jsonl", [
        {"document": article, "summary": reference, "bart": bart, "pegasus": pegasus}
        for article, reference, bart, pegasus in zip(ARTICLES, REFERENCES, BART, PEGASUS,
                                                     strict=True)
    ])  # fmt: skip


def wide_by_names() -> None:
    write_jsonl("models.jsonl", [
        {"dialogue": article, "summary": reference, "bart_summary": bart, "summary_pegasus": other}
        for article, reference, bart, other in zip(ARTICLES, REFERENCES, BART, PEGASUS, strict=True)
    ])  # fmt: skip


def odd_names() -> None:
    write_jsonl("odd.jsonl", [
        {"story_id": row["id"], "lede": row["article"], "human": reference, "machine": summary}
        for row, reference, summary in zip(SOURCE, REFERENCES, BART, strict=True)
    ])  # fmt: skip


def pandas_tables() -> None:
    write_table("a.csv", rows_of(BART, ids=False), ",", index=True)
    write_table("b.csv", rows_of(PEGASUS, ids=False)[::-1], ",", index=True)


def tabs() -> None:
    write_table("rows.tsv", rows_of(BART), "\t")


def spreadsheet() -> None:
    """Write a table as spreadsheets of many countries do: semicolons, a BOM, Windows line ends."""
    with Path("sheet.csv").open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file, delimiter=";", lineterminator="\r\n")
        table.writerow(["ID", "Article Text", "Gold Summary", "Model Summary"])
        table.writerows(zip(range(6), ARTICLES, REFERENCES, BART, strict=True))


def nested() -> None:
    write_jsonl("nested.jsonl", [
        {"doc": {"id": row["id"], "text": row["article"], "highlights": reference},
         "output": {"summary": summary, "tokens": 40}, "config": {"beams": 4}}
        for row, reference, summary in zip(SOURCE, REFERENCES, BART, strict=True)
    ])  # fmt: skip


def repeated_articles() -> None:
    for name, summaries in (("a", BART), ("b", PEGASUS)):
        rows = rows_of(summaries, ids=False)
        write_jsonl(f"{name}.jsonl", [*rows, {**rows[0], "generated": "It was said once more."}])


def parquet() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows_of(BART)), "a.parquet")
    pq.write_table(pa.Table.from_pylist(rows_of(PEGASUS)), "b.parquet")


def json_rows() -> None:
    Path("rows.json").write_text(json.dumps(rows_of(BART), indent=1))


def json_by_id() -> None:
    texts = {row["id"]: summary for row, summary in zip(SOURCE, BART, strict=True)}
    Path("by_id.json").write_text(json.dumps(texts))
    articles()


def articles() -> None:
    write_jsonl("articles.jsonl", [
        {"id": row["id"], "document": row["article"], "summary": reference}
        for row, reference in zip(SOURCE, REFERENCES, strict=True)
    ])  # fmt: skip


def ids_alone() -> None:
    for name, summaries in (("a", BART), ("b", PEGASUS)):
        pairs = zip(SOURCE, summaries, strict=True)
        write_jsonl(f"{name}.jsonl", [{"id": row["id"], "prediction": s} for row, s in pairs])
    articles()
    write_jsonl("refs.jsonl", [
        {"id": row["id"], "target": reference}
        for row, reference in zip(SOURCE, REFERENCES, strict=True)
    ])  # fmt: skip


def articles_in_one() -> None:
    ids_alone()
    write_jsonl("a.jsonl", rows_of(BART))


def sacrebleu_texts() -> None:
    write_lines("bart.txt", BART)
    write_lines("pegasus.txt", PEGASUS)
    write_lines("refs.txt", REFERENCES)


def run_summarization() -> None:
    """As transformers' example writes them: predictions joined by line ends."""
    write_lines("generated_predictions.txt", BART, end="")
    write_jsonl("test.json", [
        {"text": article, "summary": reference}
        for article, reference in zip(ARTICLES, REFERENCES, strict=True)
    ])  # fmt: skip


def fairseq_texts() -> None:
    write_lines("bart.hypo", BART)
    write_lines("test.source", [" ".join(article.split()) for article in ARTICLES])
    write_lines("test.target", REFERENCES)


def folder() -> None:
    write_jsonl("outputs/bart.jsonl", rows_of(BART))
    write_jsonl("outputs/pegasus.jsonl", rows_of(PEGASUS))


def zipped() -> None:
    text = "".join(f"{json.dumps(row)}\n" for row in rows_of(BART))
    Path("a.jsonl.gz").write_bytes(gzip.compress(text.encode()))


def summeval() -> None:
    """As the hub has SummEval: all systems' summaries of an article in one list."""
    write_jsonl("summeval.jsonl", [
        {"id": row["id"], "text": row["article"], "machine_summaries": [bart, pegasus],
         "human_summaries": [reference], "coherence": [3.0, 2.5]}
        for row, reference, bart, pegasus in zip(SOURCE, REFERENCES, BART, PEGASUS, strict=True)
    ])  # fmt: skip


def log(name: str, to: str) -> Callable[[], None]:
    def copy() -> None:
        (source,) = LOGS.glob(name)
        shutil.copy(source, to)

    return copy


def hub_cache() -> None:
    """Put a data set into a cache of the hub, as `hf download` does, and articles beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, rows in (("outputs", rows_of(BART)), ("news", rows_of(PEGASUS))):
        folder = Path("hf/hub", f"datasets--owner--{name}")
        (folder / "snapshots" / COMMIT).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "snapshots" / COMMIT / "test.parquet")
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(COMMIT)
    write_jsonl("a.jsonl", [{"id": r["id"], "generated": r["generated"]} for r in rows_of(BART)])


def offline(*words: str) -> Done:
    """Run a command in a process of its own, with a cache of the hub and no network.

    Both packages of the hub read their settings as they are imported.
    """
    settings = {**os.environ, "HF_HOME": str(Path("hf").absolute()), "HF_HUB_OFFLINE": "1"}
    for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE"):
        settings.pop(name, None)
    done = subprocess.run([sys.executable, "-m", "evalharness", *words], env=settings,
                          capture_output=True, text=True, check=False)  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def run_and_file(command: Command) -> None:
    two_files()
    assert command("score", "a.jsonl", "--no-report").returncode == 0
    write_jsonl("b.jsonl", [{"id": r["id"], "generated": r["generated"]} for r in rows_of(PEGASUS)])


@dataclass(frozen=True)
class Way:
    """What there is, the command, and what it makes of it.

    systems: names of the runs, none where only the exit code is looked at. scorers: of each run.
    """

    what: str
    write: Callable[[], None]
    command: str
    systems: tuple[str, ...] = ("a", "b")
    scorers: tuple[str, ...] = ("rouge", "lexical")
    code: Exit = Exit.GOOD
    stdin: str = ""


WAYS: dict[str, Way] = {
    "two-files": Way("two files of JSON Lines", two_files, "compare a.jsonl b.jsonl"),
    "two-systems": Way("two files, scored", two_files, "score a.jsonl b.jsonl"),
    "names": Way("names for two files", two_files, "compare bart=a.jsonl pegasus=b.jsonl",
                 ("bart", "pegasus")),
    "gate": Way("a reference run and a candidate", two_files, "gate a.jsonl b.jsonl --metrics chrf",
                scorers=("chrf", "lexical"), code=Exit.FINDING),
    "long": Way("rows that name their system", long_form, "compare long.jsonl",
                ("bart", "pegasus")),
    "one-of-long": Way("one system of several", long_form, "score long.jsonl --system bart",
                       ("bart",)),
    "wide": Way("a column for each system", wide_form, "compare wide.jsonl", ("bart", "pegasus")),
    "wide-named": Way("columns that are named", wide_form,
                      "score wide.jsonl --summaries pegasus", ("pegasus",)),
    "wide-by-names": Way("columns such as `bart_summary`", wide_by_names, "compare models.jsonl",
                         ("bart", "pegasus")),
    "columns": Way("columns of any names", odd_names,
                   "score odd.jsonl --columns id=story_id,article=lede,summary=machine,"
                   "reference=human", ("odd",)),
    "shapes": Way("columns told by their texts", odd_names,
                  "score odd.jsonl --columns reference=human", ("odd",)),
    "pandas-csv": Way("tables that pandas wrote, with its index", pandas_tables,
                      "compare a.csv b.csv"),
    "tsv": Way("a table with tabs", tabs, "score rows.tsv", ("rows",)),
    "spreadsheet": Way("a table that a spreadsheet wrote, also with semicolons", spreadsheet,
                       "score sheet.csv", ("sheet",)),
    "parquet": Way("Parquet", parquet, "compare a.parquet b.parquet"),
    "json": Way("one JSON list", json_rows, "score rows.json", ("rows",)),
    "nested": Way("columns within others, called `output.summary`", nested, "score nested.jsonl",
                  ("nested",)),
    "json-by-id": Way("JSON with a summary by id", json_by_id,
                      "score by_id.json --articles articles.jsonl", ("by_id",)),
    "sacrebleu": Way("text, a line a summary, as for sacrebleu", sacrebleu_texts,
                     "compare bart.txt pegasus.txt --references refs.txt", ("bart", "pegasus"),
                     ("rouge",)),
    "run-summarization": Way("`generated_predictions.txt` of transformers' run_summarization.py",
                             run_summarization,
                             "score generated_predictions.txt --articles test.json",
                             ("generated_predictions",)),
    "fairseq": Way("text with articles and references as text", fairseq_texts,
                   "score bart.hypo --articles test.source --references test.target", ("bart",)),
    "folder": Way("a folder of files", folder, "compare outputs", ("bart", "pegasus")),
    "pattern": Way("a pattern", folder, "leaderboard 'outputs/*.jsonl'", ("bart", "pegasus")),
    "stdin": Way("standard input", two_files, "score mine=-", ("mine",), stdin="a.jsonl"),
    "zipped": Way("a zipped file", zipped, "score a.jsonl.gz", ("a",)),
    "articles-in-one": Way("articles in the first file only", articles_in_one,
                           "compare a.jsonl b.jsonl"),
    "articles-apart": Way("ids and summaries, articles apart", ids_alone,
                          "compare a.jsonl b.jsonl --articles articles.jsonl"),
    "references-apart": Way("references in a file of their own", ids_alone,
                            "compare a.jsonl b.jsonl --references refs.jsonl", scorers=("rouge",)),
    "no-ids": Way("rows without ids, joined on the articles' texts", without_ids,
                  "compare a.jsonl b.jsonl"),
    "repeated": Way("rows without ids, with an article twice, in the same order",
                    repeated_articles, "compare a.jsonl b.jsonl"),
    "summeval": Way("SummEval's lists of summaries", summeval, "compare summeval.jsonl",
                    ("machine_summaries.0", "machine_summaries.1")),
    "lm-eval": Way("samples of lm-evaluation-harness", log("lm-eval/samples_*.jsonl", "s.jsonl"),
                   "score s.jsonl", ("s",)),
    "inspect": Way("a log of inspect", log("inspect/news.eval", "news.eval"), "score news.eval",
                   ("mockllm-model",)),
    "promptfoo": Way("results of promptfoo, of two providers",
                     log("promptfoo/results.json", "results.json"), "score results.json",
                     ("echo", "echo-again")),
    "hub": Way("a data set of the hub, from the network or its cache", hub_cache,
               "score hub:owner/outputs", ("outputs",)),
    "hub-articles": Way("a file, and a data set of the hub that has the articles", hub_cache,
                        "score a.jsonl --articles hub:owner/news@main", ("a",)),
    "report": Way("files to one page", two_files, "report a.jsonl b.jsonl"),
    "show": Way("files, and the articles to look at first", two_files, "show a.jsonl b.jsonl"),
    "verify": Way("files, and whether all is as it was", two_files, "verify a.jsonl b.jsonl"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", WAYS)
def test_way(name: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    way = WAYS[name]
    way.write()
    if way.stdin:
        content = io.TextIOWrapper(io.BytesIO(Path(way.stdin).read_bytes()))
        monkeypatch.setattr("sys.stdin", content)
    done = (offline if "hub:" in way.command else command)(*shlex.split(way.command))

    assert done.returncode == way.code, done.stderr + done.stdout
    runs = {run.name: run for run in runs_in("results/score")}
    assert set(runs) == set(way.systems)
    for run in runs.values():
        assert set(run.figures) == set(way.scorers)
        assert run.counts.rejected == 0 or name == "inspect"
    if way.command.startswith(("compare", "gate", "report", "score")):
        (page,) = re.findall(r"^Report: (.+)$", done.stdout, re.MULTILINE)
        assert "<html" in Path(page).read_text()
    _check_figures(runs)


def _check_figures(runs: Mapping[str, Run]) -> None:
    """Hold the scores of the six articles against those of the file with all columns in it."""
    for run in runs.values():
        if "rouge" not in run.figures or run.n != len(SOURCE):
            continue
        texts = [sample["summary"]["text"] for sample in run.samples()]
        assert sorted(texts) in (sorted(BART), sorted(PEGASUS))
        found = run.figures["rouge"].parts["rouge1"].mean
        assert found == pytest.approx(ROUGE1[sorted(texts) == sorted(PEGASUS)], abs=1e-9)


def _rouge1(summaries: Sequence[str]) -> float:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1"], use_stemmer=True)
    pairs = zip(REFERENCES, summaries, strict=True)
    values: list[float] = [scorer.score(*pair)["rouge1"].fmeasure for pair in pairs]
    return sum(values) / len(values)


ROUGE1 = (_rouge1(BART), _rouge1(PEGASUS))


def test_docs_and_tests_have_the_same_ways() -> None:
    assert docs_table() in (ROOT / "docs" / "files.md").read_text(encoding="utf-8")


def docs_table() -> str:
    rows = ["| | what you have | `evalharness …` | test |", "|--:|---|---|---|"]
    for n, (name, way) in enumerate(WAYS.items(), 1):
        call = f"{way.command.removesuffix('mine=-')}mine=- < {way.stdin}" if way.stdin else (
            way.command
        )  # fmt: skip
        rows.append(f"| {n} | {way.what} | `{call}` | `test_way[{name}]` |")
    return "\n".join(rows) + "\n"


def test_a_run_and_a_file_are_compared(command: Command) -> None:
    run_and_file(command)
    done = command("compare", "results/score/a", "b.jsonl")

    assert done.returncode == Exit.GOOD, done.stderr
    assert {run.name: run.n for run in runs_in("results/score")} == {"a": 6, "b": 6}


# The columns of data sets as their cards name them: A is an article, R a reference, S a summary.
A, R, S = ARTICLES[0], REFERENCES[0], BART[0]
DATA_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "CNN/DailyMail": ({"article": A, "highlights": R, "id": "x"}, "id article highlights"),
    "XSum": ({"document": A, "summary": R, "id": "x"}, "id document summary"),
    "SAMSum": ({"id": "x", "dialogue": A, "summary": R}, "id dialogue summary"),
    "DialogSum": ({"id": "x", "dialogue": A, "summary": R, "topic": "rain"},
                  "id dialogue summary"),
    "BillSum": ({"text": A, "summary": R, "title": "A bill to amend the code of it."},
                "- text summary"),
    "arXiv": ({"article": A, "abstract": R, "section_names": "Introduction of the matter at hand"},
              "- article abstract"),
    "GovReport": ({"report": A, "summary": R}, "- report summary"),
    "Newsroom": ({"text": A, "summary": R, "title": "It rained on all of them.", "url": "http://x",
                  "date": "2016", "density_bin": "low", "coverage": 0.5}, "- text summary"),
    "MLSUM": ({"text": A, "summary": R, "topic": "x", "url": "http://x", "title": "A b c d e f.",
               "date": "00/01/2010"}, "- text summary"),
    "WikiLingua": ({"gem_id": "x", "source_language": "en", "target_language": "en", "source": A,
                    "target": R, "references": [R]}, "gem_id source references"),
    "WikiLingua, nested": ({"url": "http://x", "article": {"document": A, "summary": R}},
                           "- article.document article.summary"),
    "XL-Sum": ({"id": "x", "url": "http://x", "title": "It rained here.", "summary": R, "text": A},
               "id text summary"),
    "SummEval": ({"id": "x", "text": A, "references": [R, R]}, "id text references"),
    "MultiNews": ({"document": A, "summary": R}, "- document summary"),
}  # fmt: skip


@pytest.mark.parametrize("generated", ["generated", "prediction", "hyp", "generated_summary"])
@pytest.mark.parametrize("name", DATA_SETS)
def test_columns_of_data_sets_are_recognized(name: str, generated: str) -> None:
    row, columns = DATA_SETS[name]
    id_, article, reference = columns.split()
    found = recognize_columns([flat(row | {generated: S})] * 3, USUAL_COLUMNS)

    assert (found.id or "-", found.article, found.references) == (id_, article, (reference,))
    assert found.summaries == {"": generated}
    as_articles = recognize_columns([flat(row)] * 3, USUAL_COLUMNS, role="articles")
    assert (as_articles.article, as_articles.references) == (article, (reference,))


@pytest.mark.parametrize(
    ("write", "arguments", "message"),
    [
        (lambda: write_jsonl("x.jsonl", [{"id": "1", "article": ARTICLES[0], "gold": "A b c d."}]),
         ["x.jsonl"], "no column is known to hold the summary; the row has: id, article, gold; "
         "name it: --columns summary=COLUMN, or --summaries A,B"),
        (lambda: write_jsonl("x.jsonl", [{"id": "1", "article": ARTICLES[0], "Sumary": "Rain."}]),
         ["x.jsonl"], "the row has: id, article, Sumary; did you mean Sumary? name it: --columns"),
        (two_files, ["a.jsonl", "--columns", "summary=generatd"],
         "no column 'generatd'; the row has: id, document, highlights, generated; did you mean "
         "generated?"),
        (two_files, ["a.jsonl", "--columns", "sumary=generated"], "did you mean summary?"),
        (two_files, ["a.jsonl", "--columns", "reference=highlihgts"],
         "a.jsonl: no column 'highlihgts'; the row has: id, document, highlights, generated; did "
         "you mean highlights?"),
        (two_files, ["a.jsonl", "b.jsonl", "--columns", "reference=highlights,reference=gold"],
         "a.jsonl, b.jsonl: none has a column 'gold'; known: document, generated, highlights, id"),
        (ids_alone, ["a.jsonl", "--articles", "articles.jsonl", "--columns", "title=headlin"],
         "a.jsonl, articles.jsonl: none has a column 'headlin'"),
        (ids_alone, ["a.jsonl", "--articles", "articles.jsonl", "--columns", "summary=sumary"],
         "a.jsonl: no column 'sumary'; the row has: id, prediction"),
        (two_files, ["a.jsonl", "--summaries", "brat"], "no column 'brat'; the row has"),
        (sacrebleu_texts, ["bart.txt"], "neither articles nor references"),
        (sacrebleu_texts, ["bart.txt", "--references", "nowhere.txt"], "nowhere.txt: no such file"),
        (ids_alone, ["a.jsonl", "b.jsonl"], "neither articles nor references"),
        (lambda: Path("a.csv").write_bytes("id,article,summary\n1,caf\u00e9,x\n".encode("cp1252")),
         ["a.csv"], "a.csv: no row can be read; a.csv:2: not UTF-8: byte 0xe9; save the file as"),
        (nested, ["nested.jsonl", "--columns", "article=doc.txt"],
         "no column 'doc.txt'; the row has: doc.id, doc.text, doc.highlights, output.summary"),
        (two_files, ["a.json"], "a.json: no such file or folder; did you mean a.jsonl?"),
        (two_files, ["a.jsonl", "bart=out/b.jsonl"], "out/b.jsonl: no such file or folder"),
        (two_files, ["c*.jsonl"], "c*.jsonl: no file matches this pattern"),
        (two_files, ["cnn_dailymail"], "a data set of the hub is named hub:cnn_dailymail"),
        (two_files, ["a.jsonl", "--articles", "owner/news"],
         "--articles owner/news: no such file; a data set of the hub is named hub:owner/news"),
        (two_files, ["hub:a:b:c:d"], "should be hub:NAME, hub:NAME:CONFIG:SPLIT or hub:NAME@TAG"),
        (two_files, ["a.jsonl", "b.jsonl", "./a.jsonl"],
         "a.jsonl: given twice; give it once, or under two names to compare it with itself: "
         "A=a.jsonl B=a.jsonl"),
        (folder, ["outputs", "outputs/bart.jsonl"], "outputs/bart.jsonl: given twice; give it"),
        (two_files, ["A=a.jsonl", "A=a.jsonl"], "a.jsonl: given twice; give it once"),
        (two_files, ["a.jsonl", "--metrics", "ruge"], "score: metrics.0: no metric 'ruge'"),
    ],
)  # fmt: skip
def test_what_is_not_recognized_ends_with_2_and_says_what_to_do(
    write: Callable[[], object], arguments: list[str], message: str, command: Command
) -> None:
    write()
    done = command("score", *arguments)

    assert done.returncode == Exit.MENDABLE
    assert message in done.stderr
    assert not Path("results/score").exists()


def test_named_column_may_be_in_a_few_rows_or_in_one_of_the_files(command: Command) -> None:
    rows = [row for _ in range(20) for row in rows_of(BART)]
    rare = [
        row | {"id": f"{n}", "highlights": "", **({"gold": REFERENCES[0]} if n > 110 else {})}
        for n, row in enumerate(rows)
    ]
    write_jsonl("rare.jsonl", rare)
    done = command("score", "rare.jsonl", "--columns", "reference=gold", "--checks", "")
    assert done.returncode == Exit.GOOD, done.stderr
    assert runs_in("results/score")[0].metrics["rouge"]["parts"]["rouge1"]["n"] == 9

    two_files()
    write_jsonl("b.jsonl", [row | {"headed": "Rain"} for row in rows_of(PEGASUS)])
    done = command("compare", "a.jsonl", "b.jsonl", "--columns", "title=headed")
    assert done.returncode == Exit.GOOD, done.stderr


def test_column_that_a_config_names_and_no_file_has_ends_the_run() -> None:
    write_jsonl("a.jsonl", [{"id": "1", "article": ARTICLES[0], "gold": "It rains.", "ours": "R."}])
    columns = {"reference": "goldd", "summary": "ours"}
    config = {"data": {"name": "outputs", "path": "a.jsonl", "columns": columns}, "model": "given"}

    with pytest.raises(DataError, match=r"no column 'goldd'; .* did you mean gold"):
        run_config(config, results="results")


def test_row_of_another_encoding_says_how_to_save_the_file(command: Command) -> None:
    rows = [b"1,It rained.,Rain.", "2,It rained in K\u00f6ln.,Rain.".encode("latin-1")]
    Path("a.csv").write_bytes(b"\n".join([b"id,article,summary", *rows]))
    done = command("score", "a.csv")

    assert done.returncode == Exit.MENDABLE
    assert "left out 1 of 2 rows: 1 \u00d7 not UTF-8: byte 0xf6" in done.stderr
    assert "save the file as UTF-8 (a spreadsheet can; or: iconv -f latin1 -t" in done.stderr


def test_data_set_that_is_not_in_the_cache_says_how_to_get_it() -> None:
    hub_cache()
    done = offline("score", "hub:owner/others")

    assert done.returncode == Exit.MENDABLE
    (said,) = done.stderr.splitlines()
    assert said.startswith("evalharness: hub:owner/others: cannot load 'owner/others': the hub can")
    assert said.endswith("with: hf download owner/others --repo-type dataset")


def test_settings_of_metrics_and_checks_go_into_what_is_scored(command: Command) -> None:
    two_files()
    done = command("score", "a.jsonl", "--set", "metrics.rouge.stemmer=false", "--no-report")

    assert done.returncode == Exit.GOOD, done.stderr
    (run,) = runs_in("results/score")
    assert "stemmer:no" in run.signatures.metrics["rouge"]


def test_systems_of_other_articles_are_refused(command: Command) -> None:
    two_files()
    others = [row | {"document": row["document"][::-1]} for row in rows_of(PEGASUS)]
    write_jsonl("b.jsonl", [row | {"id": f"x{row['id']}"} for row in others])
    for name in ("score", "compare", "gate"):
        done = command(name, "a.jsonl", "b.jsonl")

        assert done.returncode == Exit.MENDABLE
        assert "are of other articles" in done.stderr
    assert not Path("results/score").exists()


def test_files_with_the_same_ids_of_other_articles_are_refused_by_an_id(command: Command) -> None:
    two_files()
    others = [row | {"document": row["document"][::-1]} for row in rows_of(PEGASUS)]
    write_jsonl("b.jsonl", others)

    done = command("gate", "a.jsonl", "b.jsonl")

    said = f"the id {others[0]['id']!r} has another article in the second ({len(others)} such ids)"
    assert done.returncode == Exit.MENDABLE
    assert f"a.jsonl and b.jsonl are of other articles: {said}" in done.stderr


def test_a_file_under_two_names_is_compared_with_itself(command: Command) -> None:
    two_files()
    done = command("compare", "A=a.jsonl", "B=a.jsonl", "--metrics", "rouge1", "--json")

    assert done.returncode == Exit.GOOD, done.stderr
    assert {each["difference"] for each in json.loads(done.stdout)["differences"]} == {0.0}
    (page,) = Path("results/score").glob("*.html")
    said = "Every score of B equals that of A on every article: are these the same summaries?"
    assert said in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["compare", "gate"])
def test_a_run_against_itself_is_said(name: str, command: Command) -> None:
    run = str(ROOT / "results" / "baseline" / "lead1-bart")
    done = command(name, run, f"{run}/", "--json")

    assert done.returncode == Exit.GOOD, done.stderr
    said = f"evalharness: {run}/: the same run is given twice; it is compared with itself"
    assert done.stderr.splitlines() == [said]


def test_compare_shows_the_checks_that_are_named_beside_metrics(command: Command) -> None:
    two_files()
    words = ("compare", "a.jsonl", "b.jsonl", "--metrics", "rouge1", "--checks", "entities")
    done = command(*words, "--json")

    assert done.returncode == Exit.GOOD, done.stderr
    shown = {standing["metric"] for standing in json.loads(done.stdout)["standings"]}
    assert shown == {"rouge.rouge1", "entities"}


def test_rows_without_ids_that_come_twice_are_named_by_their_article(command: Command) -> None:
    repeated_articles()
    write_jsonl("b.jsonl", rows_of(PEGASUS, ids=False)[::-1])
    done = command("compare", "a.jsonl", "b.jsonl")

    assert done.returncode == Exit.MENDABLE
    assert "left out 1 of 7 rows: 1 × the article was used before, at a.jsonl:1" in done.stderr


def test_rows_that_nothing_joins_with_a_run_are_told_which_columns_would(command: Command) -> None:
    write_jsonl("a.jsonl", rows_of(BART))
    assert command("score", "a.jsonl").returncode == Exit.GOOD
    rows = "".join(
        f"{gold!r};{one!r};{two!r}\n"
        for gold, one, two in zip(REFERENCES, BART, PEGASUS, strict=True)
    )
    Path("b.csv").write_text(f"gold;sys a;sys b\n{rows}")
    done = command("compare", "results/score/a", "b.csv")

    assert done.returncode == Exit.MENDABLE
    assert "b.csv has neither ids nor articles, by which its rows are joined" in done.stderr
    assert "--columns id=COLUMN or article=COLUMN" in done.stderr


def test_files_may_be_joined_on_the_lines_where_articles_are_alike(command: Command) -> None:
    write_jsonl("a.jsonl", rows_of(BART, ids=False))
    write_jsonl("b.jsonl", rows_of(PEGASUS, ids=False))
    done = command("compare", "a.jsonl", "b.jsonl", "--join-on", "line")

    assert done.returncode == Exit.GOOD, done.stderr
    assert [row["id"] for row in runs_in("results/score")[0].rows()] == [*"123456"]


def test_rows_left_out_end_with_2_unless_so_many_may_be(command: Command) -> None:
    two_files()
    rows = rows_of(PEGASUS)
    write_jsonl("b.jsonl", [*rows, rows[0]])
    refused = command("compare", "a.jsonl", "b.jsonl")
    allowed = command("compare", "a.jsonl", "b.jsonl", "--allow-rejected", "0.15")

    assert (refused.returncode, allowed.returncode) == (Exit.MENDABLE, Exit.GOOD)
    assert "b: 1 of 7 rows were left out; each is in results/score/b/rejected.jsonl" in (
        refused.stderr
    )
    listed = json.loads(Path("results/score/b/rejected.jsonl").read_text())
    assert listed["where"] == "b.jsonl:7"
    assert "was used before, at b.jsonl:1" in listed["reason"]
