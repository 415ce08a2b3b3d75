"""Logs of other harnesses: real samples load and score; torn, foreign and hostile ones do not."""

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalharness.errors import ConfigError, DataError, HarnessError
from evalharness.loaders.logs.files import Archive, open_log
from evalharness.loaders.logs.formats import HARNESS_FORMATS
from evalharness.loaders.logs.loader import LogFormatName, Logs
from evalharness.loaders.rows import ColumnOptions
from evalharness.records import Article, Rejected
from evalharness.runner.existing import score_files
from evalharness.runner.run import Unfinished

LOGS = Path(__file__).parent / "cases" / "logs"
LM_EVAL = next((LOGS / "lm-eval").glob("samples_*.jsonl"))
LIGHTEVAL = next((LOGS / "lighteval").rglob("*.parquet"))
INSPECT, EVAL = LOGS / "inspect" / "news.json", LOGS / "inspect" / "news.eval"
PROMPTFOO = LOGS / "promptfoo" / "results.json"
PROMPTFOO_LINES = PROMPTFOO.with_suffix(".jsonl")
HELM = LOGS / "helm" / "scenario_state.json"

# What each log holds: its harness, its systems, and a summary by the first of them.
CLINIC = "A clinic for 80 patients opened in Dunmarsh on Friday."
BRIDGE = "The Mill Bridge in Orrin will close for 14 weeks. The repair costs 2.4 million crowns."
LEAD = "The council of Orrin voted on Tuesday to close the Mill Bridge for 14 weeks."
HELD: list[tuple[Path, str, list[str], str, str]] = [
    (LM_EVAL, "lm-eval", ["lead1-bart"], "bridge", f"Summarize the following article: {LEAD}"),
    (INSPECT, "inspect", ["mockllm/model"], "bridge", BRIDGE),
    (EVAL, "inspect", ["mockllm/model"], "clinic", CLINIC),
    (LIGHTEVAL, "lighteval", ["lead1-llama"], "1", "Summarize this article."),
    (PROMPTFOO, "promptfoo", ["echo", "echo-again"], "test-1", CLINIC),
    (PROMPTFOO_LINES, "promptfoo", ["echo", "echo-again"], "test-1", CLINIC),
    (HELM, "helm", ["simple/model1"], "bridge", "sentences."),
    (HELM.with_name("display_predictions.json"), "helm", ["simple/model1"], "clinic", "sentences."),
]
NAMES = [path.relative_to(LOGS).parts[0] + path.suffix for path, *_ in HELD]


def load(path: Path, **options: Any) -> list[Article | Rejected]:
    return list(Logs(path, **options).load())


def articles(path: Path, **options: Any) -> dict[str, Article]:
    return {row.id: row for row in load(path, **options) if isinstance(row, Article)}


def written(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def evalharness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalharness", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# What loads


@pytest.mark.parametrize(("path", "name", "systems", "known", "summary"), HELD, ids=NAMES)
def test_sample_log_loads_with_articles_summaries_and_references(
    path: Path, name: str, systems: list[str], known: str, summary: str
) -> None:
    found = articles(path, system=systems[0])

    assert Logs(path).systems() == systems
    assert [taken.log.format.name for taken in Logs(path).open_logs()] == [name]
    assert found[known].extra["summary"] == summary
    assert all(len(article.references) == 1 for article in found.values())
    assert len(found) == (2 if name == "promptfoo" else 3)
    assert all(article.text for article in found.values())


@pytest.mark.parametrize(("path", "name", "systems", "known", "summary"), HELD, ids=NAMES)
def test_sample_log_scores_with_a_run_for_each_system(
    tmp_path: Path, path: Path, name: str, systems: list[str], known: str, summary: str
) -> None:
    lines: list[str] = []
    runs = score_files([str(path)], results=tmp_path, tell=lines.append)

    assert [finished.name for finished in runs] == [name.replace("/", "-") for name in systems]
    for finished in runs:
        assert finished.metrics["rouge"]["n"] == finished.record["counts"]["articles"] > 1
        assert finished.metrics["rouge"]["parts"]["rouge1"]["mean"] is not None
    samples = {row["id"]: row for row in runs[0].samples()}
    assert samples[known]["summary"]["text"] == summary
    assert lines[0].startswith(f"{path.name}: {HARNESS_FORMATS[name].title}; id = ")


def test_same_articles_have_the_same_ids_and_texts_in_logs_of_different_harnesses() -> None:
    logs = (LM_EVAL, INSPECT, EVAL, HELM)
    found = [{key: a.text for key, a in articles(path).items()} for path in logs]

    assert found[0] == found[1] == found[2] == found[3]


def test_wrong_number_in_a_log_is_flagged(tmp_path: Path) -> None:
    (finished,) = score_files([str(EVAL)], checks=["numbers"], results=tmp_path)

    flags = {row["id"]: row["scores"]["numbers"].get("flags", []) for row in finished.samples()}
    assert [flag["message"] for flag in flags["clinic"]] != []
    assert flags["harvest"] == flags["bridge"] == []


def test_archive_and_document_of_inspect_hold_the_same() -> None:
    assert articles(INSPECT) == articles(EVAL)


def test_second_epochs_are_left_out_and_counted() -> None:
    left_out = [row for row in load(EVAL) if isinstance(row, Rejected)]

    assert {row.reason for row in left_out} == {"epoch 2; the first is read"}
    assert [row.where for row in left_out] == [f"news.eval:sample {n}" for n in (4, 5, 6)]


def test_gzipped_logs_load_as_they_are(tmp_path: Path) -> None:
    for path in (LM_EVAL, INSPECT, PROMPTFOO_LINES, HELM):
        packed = tmp_path / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        system = Logs(packed).systems()[0]
        texts = [a.text for a in articles(packed, system=system).values()]
        assert texts == [a.text for a in articles(path, system=Logs(path).systems()[0]).values()]


def test_log_of_several_systems_needs_one_named() -> None:
    with pytest.raises(DataError, match="has several systems; `system` is one of echo, echo-again"):
        load(PROMPTFOO)


def test_sentences_of_a_text_are_lines_of_it(tmp_path: Path) -> None:
    doc = {"document": ["It rained.", "A lot."], "highlights": [["R.", "S."]]}
    row = {"doc_id": 1, "doc": doc, "resps": [[["Rain.", "Much."]]]}
    (article,) = load(written(tmp_path / "s.jsonl", row))

    assert isinstance(article, Article)
    assert (article.text, article.references) == ("It rained.\nA lot.", ("R.\nS.",))
    assert article.extra["summary"] == "Rain.\nMuch."


def test_prompt_stands_in_for_the_article_and_is_called_so(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in LM_EVAL.read_text().splitlines()]
    for row in rows:
        row["doc"] = {"id": row["doc"]["id"]}
    path = written(tmp_path / "samples_x_1.jsonl", "\n".join(map(json.dumps, rows)))

    (taken,) = Logs(path).open_logs()
    assert (
        "article = arguments.gen_args_0.arg_0 (the prompt, with its instructions)"
        in taken.describe()
    )
    assert articles(path)["bridge"].text.startswith("Summarize the following article: The council")


def test_older_samples_of_lm_eval_load(tmp_path: Path) -> None:
    row = {
        "doc_id": 3,
        "doc": {},
        "target": ["A.", "B."],
        "arguments": [["Say it. It rained.", {}]],
    }
    path = written(tmp_path / "s.jsonl", row | {"resps": [["Rain."]]})

    assert load(path) == [
        Article("3", "Say it. It rained.", ("A.", "B."), "", {"summary": "Rain.", "system": "s"})
    ]


def test_messages_and_attachments_of_inspect_are_put_in_their_places(tmp_path: Path) -> None:
    log = json.loads(INSPECT.read_text())
    log["eval"]["dataset"]["sample_ids"] = [1]
    log["samples"] = [
        {
            "id": 1,
            "epoch": 1,
            "input": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": [{"type": "text", "text": "attachment://ab"}]},
            ],
            "target": "",
            "output": {"choices": [{"message": {"content": "Rain."}}]},
            "attachments": {"ab": "It rained."},
        }
    ]
    (article,) = load(written(tmp_path / "log.json", log))

    assert isinstance(article, Article)
    assert (article.text, article.references) == ("It rained.", ())
    assert article.extra["summary"] == "Rain."


def test_columns_name_paths_of_their_own(tmp_path: Path) -> None:
    row = {"doc": {"body": "It rained.", "gold": ["R."]}, "doc_id": 0, "resps": [["A.", "B."]]}
    path = written(tmp_path / "s.jsonl", row)
    columns = ColumnOptions(article="doc.body", reference="doc.gold", summary="resps.0.1")

    (article,) = load(path, columns=columns)
    assert isinstance(article, Article)
    assert (article.text, article.references, article.extra["summary"]) == (
        "It rained.",
        ("R.",),
        "B.",
    )


def test_titles_sources_and_labels_come_with_the_articles() -> None:
    labels = "gradingResult.componentResults.0.score"
    columns = ColumnOptions(source="testCase.assert.0.value", title="provider.id")
    columns = replace(columns, extra=(labels, "nothing"))
    found = articles(PROMPTFOO, system="echo", columns=columns)["test-0"]

    assert found.source == "14 weeks"
    assert found.extra["title"] == "echo"
    assert found.extra[labels] == 1
    assert "nothing" not in found.extra
    with pytest.raises(ValueError, match="name one path for reference"):
        Logs(PROMPTFOO, columns=ColumnOptions(reference=("a", "b")))


def test_two_prompts_of_promptfoo_are_two_systems(tmp_path: Path) -> None:
    log = json.loads(PROMPTFOO.read_text())
    for n, row in enumerate(log["results"]["results"]):
        row["provider"] = {"id": "echo"}
        row["promptId"] = f"p{n % 2}"
    path = written(tmp_path / "results.json", log)

    assert Logs(path).systems() == ["echo", "echo-prompt-2"]


def test_two_logs_of_one_system_make_two_runs(tmp_path: Path) -> None:
    other = tmp_path / "other.eval"
    shutil.copy(EVAL, other)
    runs = score_files([str(EVAL), str(other)], results=tmp_path / "r")

    assert [finished.name for finished in runs] == ["mockllm-model", "mockllm-model-other"]


def test_named_systems_of_a_log_are_scored_and_others_not(tmp_path: Path) -> None:
    path = str(PROMPTFOO)
    (finished,) = score_files([path], systems=["echo-again"], results=tmp_path)
    assert finished.name == "echo-again"
    (finished,) = score_files([path], overrides=["data.system=echo"], results=tmp_path)
    assert finished.name == "echo"
    with pytest.raises(DataError, match="no summaries of 'ohce'; known: echo, echo-again"):
        score_files([path], systems=["ohce"], results=tmp_path)
    with pytest.raises(DataError, match="of 'ohce'; `system` is one of echo, echo-again"):
        score_files([path], overrides=["data.system=ohce"], results=tmp_path)


def test_what_is_told_is_what_the_overrides_make_of_it(tmp_path: Path) -> None:
    lines: list[str] = []
    renamed = ["data.columns.article=input", "data.columns.id=uuid"]
    score_files([str(INSPECT)], overrides=renamed, results=tmp_path, tell=lines.append)

    assert "id = uuid, article = input (the prompt, with its instructions)" in lines[0]


def test_path_that_is_named_must_be_in_every_record() -> None:
    for use in ("id", "article", "summary", "reference"):
        columns = replace(ColumnOptions(), **{use: "metadata.nothing"})  # type: ignore[arg-type]
        rows = load(INSPECT, columns=columns)
        assert [row.reason for row in rows if isinstance(row, Rejected)] == [
            "no field 'metadata.nothing'"
        ] * 3
    uuids = load(INSPECT, columns=ColumnOptions(id="uuid"))
    assert len({row.id for row in uuids if isinstance(row, Article)}) == 3


def test_systems_with_any_name_have_runs_of_their_own(tmp_path: Path) -> None:
    systems: list[Any] = ["a/b", "a-b", "A-B", "../x", "\ud800", "n\0", "", "store", 5, "z" * 400]
    rows = [
        {"provider": name, "vars": {"id": n, "article": "A."}, "response": {"output": f"S{n}."}}
        for n, name in enumerate(systems)
    ]
    path = written(tmp_path / "log.jsonl", "\n".join(json.dumps(row) for row in rows))
    runs = score_files([str(path)], results=tmp_path / "r")

    assert len({finished.folder for finished in runs}) == len(systems)
    assert [s["summary"]["text"] for r in runs for s in r.samples()] == [
        f"S{n}." for n in range(len(systems))
    ]
    assert all(finished.folder.is_relative_to(tmp_path / "r" / "score") for finished in runs)


def test_rows_and_logs_are_scored_side_by_side(tmp_path: Path) -> None:
    rows = written(tmp_path / "mine.jsonl", {"article": "It rained.", "summary": "Rain."})
    runs = score_files([str(rows), str(LM_EVAL)], results=tmp_path / "r")

    assert [finished.name for finished in runs] == ["lead1-bart", "mine"]


# What failed where the log was made


def failed(tmp_path: Path) -> list[tuple[Path, str]]:
    """Return a log of each harness that records failures, with one sample that failed."""
    inspect, foo, helm = (json.loads(path.read_text()) for path in (INSPECT, PROMPTFOO, HELM))
    inspect["samples"][0]["error"] = {"message": "RuntimeError('no memory')\nat line 3"}
    foo["results"]["results"] = foo["results"]["results"][::2]
    foo["results"]["results"][0] |= {"response": {}, "error": "timed out"}
    result = {"success": False, "error": "timed out", "completions": []}
    helm["request_states"][0]["result"] = result
    return [
        (written(tmp_path / "i.json", inspect), "the sample failed: RuntimeError('no memory')"),
        (written(tmp_path / "p.json", foo), "the test failed: timed out"),
        (written(tmp_path / "h.json", helm), "the request failed: timed out"),
    ]


def test_failed_sample_is_not_summarized_and_not_left_out(tmp_path: Path) -> None:
    for path, reason in failed(tmp_path):
        (finished,) = score_files([str(path)], results=tmp_path / "r")
        counts = finished.record["counts"]
        assert (counts["failed"], counts["rejected"]) == (1, 0)
        assert finished.record["outputs"]["errors"] == {reason: 1}


def test_failed_sample_ends_the_command_with_4(tmp_path: Path) -> None:
    path, _ = failed(tmp_path)[0]
    done = evalharness("score", str(path), "--results", str(tmp_path / "r"))

    assert done.returncode == 4


def test_log_of_a_crashed_run_is_called_so(tmp_path: Path) -> None:
    log = json.loads(INSPECT.read_text()) | {"status": "error"}
    log["samples"] = log["samples"][:2]
    (taken,) = Logs(written(tmp_path / "log.json", log)).open_logs()
    assert taken.describe().endswith("note: its run says: error, 1 of 3 samples are not in it")

    left_out = [row for row in load(tmp_path / "log.json") if isinstance(row, Rejected)]
    reason = "sample 'harvest' is not in the log; its run says: error"
    assert left_out == [Rejected("log.json:record 3", reason)]

    log["eval"]["dataset"]["sample_ids"] = ["bridge", "clinic"]  # as with a limit
    (taken,) = Logs(written(tmp_path / "log.json", log | {"status": "success"})).open_logs()
    assert "note" not in taken.describe()

    log["eval"]["dataset"]["sample_ids"].append("harvest")
    empty = written(tmp_path / "none.json", log | {"samples": None})
    with pytest.raises(DataError, match=r"holds no sample \(its run says: error, 3 of 3"):
        Logs(empty).load()


# What is refused, in one line


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        list(Logs(path, **options).load())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_no_log_are_refused(tmp_path: Path) -> None:
    zipped = tmp_path / "sheet.xlsx"
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("xl/workbook.xml", "<x/>")
    cases = {
        written(tmp_path / "empty.json", ""): "the file is empty",
        written(tmp_path / "blank.json", "\n \n"): "not JSON",
        written(tmp_path / "other.json", {"a": 1}): "no log that is known",
        written(tmp_path / "list.json", [1, 2]): "no log that is known",
        written(tmp_path / "torn.json", INSPECT.read_text()[:4000]): "cut short or damaged",
        written(tmp_path / "deep.json", "[" * 200_000): "nested too deeply",
        written(tmp_path / "digits.json", "[" + "9" * 5000 + "]"): "too many digits",
        written(tmp_path / "rows.jsonl", {"article": "A.", "summary": "B."}): "`name: files`",
        written(tmp_path / "none.json", {"results": {"results": []}}): "holds no sample",
        zipped: "no inspect log",
        tmp_path / "absent.json": "no such file",
        tmp_path: "not a file",
    }
    for path, message in cases.items():
        assert message in refused(path), path


def test_every_cut_of_a_log_is_refused_or_counts_what_it_lost(tmp_path: Path) -> None:
    for path in (LM_EVAL, INSPECT, EVAL, LIGHTEVAL, PROMPTFOO, HELM):
        content = path.read_bytes()
        for share in (0.4, 0.6, 0.9, 0.999):
            cut = tmp_path / path.name
            cut.write_bytes(content[: int(len(content) * share)])
            if path == LM_EVAL:
                assert any(isinstance(row, Rejected) for row in load(cut))
            else:
                refused(cut, system=Logs(path).systems()[0])


def test_article_of_helm_must_lie_beside_its_predictions(tmp_path: Path) -> None:
    shutil.copy(HELM.with_name("display_predictions.json"), tmp_path / "p.json")

    assert "in instances.json, which must lie beside it" in refused(tmp_path / "p.json")


@pytest.mark.parametrize("name", HARNESS_FORMATS)
def test_log_that_is_said_to_be_another_is_refused(name: LogFormatName) -> None:
    for path, own, *_ in HELD:
        if own != name:
            refused(path, format=name)


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="--format csv: known are auto, rows, lm-eval"):
        score_files([str(LM_EVAL)], format="csv")


def test_command_refuses_in_one_line_and_exits_2(tmp_path: Path) -> None:
    torn = tmp_path / "torn.eval"
    torn.write_bytes(EVAL.read_bytes()[:9000])
    done = evalharness("score", str(torn), "--results", str(tmp_path / "r"))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "torn.eval: the zip archive is cut short or damaged" in done.stderr


def test_one_log_that_fails_does_not_cost_the_others(tmp_path: Path) -> None:
    log = json.loads(HELM.read_text())
    for state in log["request_states"]:
        state["instance"]["input"]["text"] = ""
    path = written(tmp_path / "h.json", log)
    with pytest.raises(Unfinished, match="no article to summarize") as caught:
        score_files([str(path), str(LM_EVAL)], results=tmp_path / "r")

    assert [finished.name for finished in caught.value.runs] == ["lead1-bart"]


# Archives that mean harm


def archive(path: Path, samples: dict[str, bytes], **head: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("header.json", json.dumps({"status": "success", "eval": head}))
        for name, content in samples.items():
            file.writestr(name, content)
    return path


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    bomb = {f"samples/{n}_epoch_1.json": b"0" * 2**22 for n in range(8)}

    assert "as a zip bomb does" in refused(archive(tmp_path / "bomb.eval", bomb))


def test_sample_that_says_less_than_it_unpacks_to_is_read_no_further(tmp_path: Path) -> None:
    path = archive(tmp_path / "liar.eval", {"samples/a_epoch_1.json": b"[" + b" " * 2**20 + b"]"})
    content = path.read_bytes()
    size = (2**20 + 2).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (100).to_bytes(4, "little")))

    (row,) = load(path)
    assert row == Rejected("liar.eval:sample 1", "damaged: not what its checksum says")


def test_archive_with_stored_deflated_encrypted_and_foreign_samples(tmp_path: Path) -> None:
    sample = {"id": "a", "epoch": 1, "input": "It rained.", "output": {"completion": "Rain."}}
    good = json.dumps(sample).encode()
    path = archive(
        tmp_path / "a.eval",
        {
            "samples/../../a_epoch_1.json": good,
            "samples/b_epoch_1.json": b"not json",
            "samples/c_epoch_1.json": b"[]",
            "samples/d_epoch_1.json": b"[" * 100_000,
        },
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as file:
        file.writestr("samples/e_epoch_1.json", good.replace(b'"a"', b'"e"'))
    rows = load(path)

    assert {row.id for row in rows if isinstance(row, Article)} == {"a", "e"}
    reasons = [row.reason for row in rows if isinstance(row, Rejected)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "not JSON",
        "not an object",
        "nested too deeply",
    ]
    locked = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        n = len(file.infolist())
    at = locked.rfind(b"PK\x01\x02")
    locked[at + 8] |= 1
    path.write_bytes(locked)
    assert n == 6
    assert [row.reason for row in load(path) if isinstance(row, Rejected)][-1] == "encrypted"


def test_sample_that_is_said_to_lie_outside_the_archive_is_damaged(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"samples/a_epoch_1.json": b"{}"})
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"PK\x01\x02")  # the last in the directory, which ends with an offset
    for offset in (len(content) + 5, 2**31):
        content[entry + 42 : entry + 46] = offset.to_bytes(4, "little")
        path.write_bytes(content)
        (row,) = load(path)
        assert isinstance(row, Rejected)
        assert row.reason == "damaged: it is said to lie outside the archive"


def test_zip_without_a_head_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x.eval"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("samples/a.json", "{}")

    assert Archive.open(path) is None
    assert "no inspect log" in refused(path)


# Laws

FUZZED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def replaced(value: Any, at: int, by: Any, seen: list[int]) -> Any:
    """Return a JSON value with its `at`-th part, counted from the top, replaced."""
    seen[0] += 1
    if seen[0] - 1 == at:
        return by
    if isinstance(value, dict):
        return {key: replaced(inner, at, by, seen) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, at, by, seen) for inner in value]
    return value


def loads_or_refuses(path: Path) -> None:
    """Load every system of a log; whatever it is, it is an article, a reason, or one line."""
    try:
        log = open_log(path)
        if log is None:
            return
        systems: list[str | None] = [*Logs(path).systems()]
        for system in systems or [None]:
            for row in Logs(path, system=system).load():
                if isinstance(row, Article):
                    assert isinstance(row.text, str)
                    assert isinstance(row.extra.get("summary", ""), str)
                    f"{row.id}{row.text}{row.references}".encode()
                else:
                    assert row.reason
    except HarnessError as error:
        if "\n" in str(error):
            raise


@FUZZED
@pytest.mark.parametrize("path", [LM_EVAL, PROMPTFOO_LINES], ids=lambda path: path.parts[-2])
@given(at=st.integers(0, 30), by=JSON)
def test_any_part_of_a_line_may_be_anything(tmp_path: Path, path: Path, at: int, by: Any) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for n in (0, 1):
        changed = [replaced(row, at, by, [0]) if k == n else row for k, row in enumerate(rows)]
        loads_or_refuses(written(tmp_path / "log.jsonl", "\n".join(map(json.dumps, changed))))


@FUZZED
@pytest.mark.parametrize("path", [INSPECT, PROMPTFOO, HELM], ids=lambda path: path.parts[-2])
@given(share=st.floats(0, 1), by=JSON)
def test_any_part_of_a_document_may_be_anything(
    tmp_path: Path, path: Path, share: float, by: Any
) -> None:
    document = json.loads(path.read_text())
    count = [0]
    replaced(document, -1, None, count)
    changed = replaced(document, int(share * (count[0] - 1)), by, [0])
    loads_or_refuses(written(tmp_path / "log.json", json.dumps(changed)))


@FUZZED
@given(at=st.integers(0, 25_000), by=st.binary(min_size=1, max_size=40))
def test_archive_and_parquet_with_bytes_changed_load_or_are_refused(
    tmp_path: Path, at: int, by: bytes
) -> None:
    for path in (EVAL, LIGHTEVAL):
        content = bytearray(path.read_bytes())
        at %= len(content)
        content[at : at + len(by)] = by
        changed = tmp_path / path.name
        changed.write_bytes(content)
        loads_or_refuses(changed)


def test_large_log_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    import tracemalloc

    row = LM_EVAL.read_text().splitlines()[0]
    path = tmp_path / "samples_x_1.jsonl"
    with path.open("w") as file:
        for n in range(4000):
            file.write(row.replace('"bridge"', f'"{n}"') + "\n")
    tracemalloc.start()
    n = sum(isinstance(found, Article) for found in Logs(path).load())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert n == 4000
    assert peak < path.stat().st_size / 2
