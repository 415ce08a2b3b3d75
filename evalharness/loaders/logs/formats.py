"""What other harnesses write for each summary, and where in it article, summary and so on stand.

One `LogFormat` a harness. Paths are dotted, as `follow` reads them, and stand in the
order in which they are tried; what the first record has is taken for the whole log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalharness.loaders.logs.paths import follow

Record = Mapping[str, Any]

# What data sets call the text that is summarized, and what people wrote about it.
_ARTICLES = ("article", "document", "dialogue", "text", "report", "passage", "source", "input")
_REFERENCES = ("references", "reference", "highlights", "summary", "target", "abstract")


def _below(place: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for name in names)


def _never(record: Record) -> str:
    return ""


@dataclass(frozen=True)
class LogFormat:
    """Where the records of one harness hold what is scored.

    files: what the harness calls such files.
    fields: the paths to try for each use: `id`, `article`, `reference`, `summary`, `system`,
        `title`.
    prompts: those of them that hold the article with the instructions around it.
    failed: why a record has no summary, in the harness's own words; empty where it has one.
    skipped: why a record is not read at all; empty where it is.
    """

    name: str
    title: str
    files: str
    fields: Mapping[str, tuple[str, ...]]
    prompts: frozenset[str] = frozenset()
    failed: Callable[[Record], str] = _never
    skipped: Callable[[Record], str] = _never


def _inspect_failed(record: Record) -> str:
    error = record.get("error")
    if error:
        return f"the sample failed: {_first_line(follow(error, 'message') or error)}"
    return "the sample has no answer" if follow(record, "output.choices") == [] else ""


def _inspect_skipped(record: Record) -> str:
    epoch = record.get("epoch")
    return f"epoch {epoch}; the first is read" if isinstance(epoch, int) and epoch > 1 else ""


def _promptfoo_failed(record: Record) -> str:
    error = record.get("error")
    answered = follow(record, "response.output") is not None
    return f"the test failed: {_first_line(error)}" if error and not answered else ""


def _helm_failed(record: Record) -> str:
    if follow(record, "result.success") is not False:
        return ""
    return f"the request failed: {_first_line(follow(record, 'result.error'))}"


def _helm_skipped(record: Record) -> str:
    if follow(record, "instance.perturbation"):
        return "a perturbed copy of the article"
    trial = record.get("train_trial_index")
    return f"trial {trial}; trial 0 is read" if isinstance(trial, int) and trial > 0 else ""


def _first_line(value: Any) -> str:
    line = str(value).strip().partition("\n")[0]
    line = line if line.isprintable() else ascii(line)[1:-1]
    return line if len(line) <= 120 else f"{line[:119]}…"


LM_EVAL = LogFormat(
    "lm-eval",
    "lm-evaluation-harness samples",
    "samples_….jsonl, written with --log_samples",
    {
        "id": ("doc.id", "doc_id"),
        # The prompt stood in lists before release 0.4.9, and in mappings since.
        "article": (*_below("doc", _ARTICLES), "arguments.gen_args_0.arg_0", "arguments.0.0"),
        "summary": ("filtered_resps.0", "filtered_resps.0.0", "filtered_resps", "resps.0.0"),
        "reference": ("target", *_below("doc", _REFERENCES)),
        "title": ("doc.title",),
    },
    frozenset({"arguments.gen_args_0.arg_0", "arguments.0.0"}),
)
INSPECT = LogFormat(
    "inspect",
    "inspect log",
    ".eval or .json of a log folder",
    {
        "id": ("id",),
        "article": (*_below("metadata", _ARTICLES), "input", "input_text"),
        "summary": (
            "output.completion",
            "output.choices.0.message.content",
            "output.choices.0.message.content.0.text",
        ),
        "reference": ("target", *_below("metadata", _REFERENCES)),
        "title": ("metadata.title",),
    },
    frozenset({"input", "input_text"}),
    _inspect_failed,
    _inspect_skipped,
)
LIGHTEVAL = LogFormat(
    "lighteval",
    "lighteval details",
    "details_….parquet, written with --save-details",
    {
        "id": ("doc.id",),
        "article": (*_below("doc.specific", _ARTICLES), "doc.query"),
        "summary": ("model_response.text_post_processed.0", "model_response.text.0"),
        "reference": ("doc.gold", "doc.choices"),
        "title": ("doc.specific.title",),
    },
    frozenset({"doc.query"}),
)
PROMPTFOO = LogFormat(
    "promptfoo",
    "promptfoo results",
    ".json or .jsonl of `promptfoo eval -o`",
    {
        "id": ("vars.id", "testCase.description", "test_id"),
        "article": (*_below("vars", _ARTICLES), "prompt.raw"),
        "summary": ("response.output",),
        "reference": _below("vars", tuple(name for name in _REFERENCES if name != "summary")),
        "system": ("system",),
        "title": ("vars.title",),
    },
    frozenset({"prompt.raw"}),
    _promptfoo_failed,
)
HELM = LogFormat(
    "helm",
    "HELM run",
    "scenario_state.json, or display_predictions.json beside instances.json",
    {
        "id": ("instance.id",),
        "article": ("instance.input.text", "request.prompt"),
        "summary": ("result.completions.0.text", "predicted_text"),
        "reference": ("instance.correct", "instance.references.*.output.text"),
        "system": ("request.model", "request.model_deployment"),
    },
    frozenset({"request.prompt"}),
    _helm_failed,
    _helm_skipped,
)

FORMATS: Mapping[str, LogFormat] = {
    each.name: each for each in (LM_EVAL, INSPECT, LIGHTEVAL, PROMPTFOO, HELM)
}


def of_line(record: Record) -> LogFormat | None:
    """Return the harness that wrote a record of a JSON Lines file; None for rows of ours."""
    if "doc" in record and ("filtered_resps" in record or "resps" in record):
        return LM_EVAL
    if "vars" in record and "provider" in record:
        return PROMPTFOO
    return None


def of_document(document: Any) -> LogFormat | None:
    """Return the harness that wrote a JSON file; None where it is none that is known."""
    if isinstance(document, list):
        first = document[0] if document else None
        shown = isinstance(first, Mapping) and {"instance_id", "predicted_text"} <= first.keys()
        return HELM if shown else None
    if not isinstance(document, Mapping):
        return None
    if "request_states" in document:
        return HELM
    if "eval" in document and "status" in document:
        return INSPECT
    found = follow(document, "results.results")
    return PROMPTFOO if isinstance(found, list) else None


def of_columns(names: list[str]) -> LogFormat | None:
    """Return the harness that wrote a Parquet file with these columns."""
    bare = {name.strip("_") for name in names}
    return LIGHTEVAL if {"doc", "model_response"} <= bare else None
