"""What other harnesses write for each summary, and where in it article, summary and so on stand.

One `LogFormat` a harness, and beside it what puts its records right where a path alone would not
do. Paths are dotted, as `follow` reads them, and stand in the order in which they are tried; what
the first record has is taken for the whole log.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LogRecord = Mapping[str, Any]


def _never(record: LogRecord) -> str:
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
    failed: Callable[[LogRecord], str] = _never
    skipped: Callable[[LogRecord], str] = _never


def follow(value: Any, path: str) -> Any:
    """Return what a path leads to; None where it leads nowhere.

    A number is a place in a list, `*` every place; a key may hold dots itself.

    >>> follow({"doc": {"article": "It rained."}}, "doc.article")
    'It rained.'
    >>> follow({"refs": [{"text": "A."}, {"text": "B."}]}, "refs.*.text")
    ['A.', 'B.']
    >>> follow({"resps": [["A."]]}, "resps.0.1")
    """
    if not path:
        return value
    if isinstance(value, Mapping):
        if path in value:
            return value[path]
        key, _, rest = path.partition(".")
        return follow(value.get(key), rest) if key in value else None
    if not isinstance(value, list):
        return None
    key, _, rest = path.partition(".")
    if key == "*":
        return [follow(each, rest) for each in value]
    if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < len(value)):
        return None
    return follow(value[int(key)], rest)


def join_sentences(value: Any) -> Any:
    """Return a text that is given as a list of its sentences as one text, a line each."""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    return value


def _first_line(value: Any) -> str:
    line = str(value).strip().partition("\n")[0]
    line = line if line.isprintable() else ascii(line)[1:-1]
    return line if len(line) <= 120 else f"{line[:119]}…"


# What data sets call the text that is summarized, and what people wrote about it.
_ARTICLES = ("article", "document", "dialogue", "text", "report", "passage", "source", "input")
_REFERENCES = ("references", "reference", "highlights", "summary", "target", "abstract")


def _below(place: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for name in names)


# How the reasons begin for which a record is not read at all: it is a copy of one that is.
_COPIES = ("epoch ", "trial ", "a perturbed copy of the article")


def is_meant_to_be_skipped(reason: str) -> bool:
    """Tell whether a record is listed for being a copy, and not because it cannot be used."""
    return reason.startswith(_COPIES)


# --- lm-evaluation-harness

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


# --- inspect


def _inspect_failed(record: LogRecord) -> str:
    error = record.get("error")
    if error:
        return f"the sample failed: {_first_line(follow(error, 'message') or error)}"
    return "the sample has no answer" if follow(record, "output.choices") == [] else ""


def _inspect_skipped(record: LogRecord) -> str:
    epoch = record.get("epoch")
    return f"epoch {epoch}; the first is read" if isinstance(epoch, int) and epoch > 1 else ""


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


# Of a sample what nobody scores, and what is many times as long as the rest.
_EVENTS = ("events", "events_data", "timelines")
_ATTACHED = "attachment://"


def without_events(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of a JSON document; an inspect sample without its events."""
    found = dict(pairs)
    if "epoch" in found:
        for name in _EVENTS:
            found.pop(name, None)
    return found


def read_inspect_log(
    head: Mapping[str, Any], samples: Iterable[tuple[int, Any]]
) -> Iterator[tuple[int, Any]]:
    """Yield the samples of an inspect log, and then those that should be in it and are not.

    A run that stops half-way leaves them out, and a mean over the rest would not show it.
    """
    met: set[str] = set()
    number, readable = 0, True
    for number, sample in samples:
        if isinstance(sample, str):
            readable = False
            yield number, sample
            continue
        met.add(str(sample.get("id")))
        yield number, read_inspect_sample(sample)
    absent = [name for name in _sample_ids(head) if str(name) not in met]
    for place, name in enumerate(absent if readable else (), number + 1):
        yield place, f"sample {name!r:.80} is not in the log; its run says: {head.get('status')}"


def read_inspect_sample(sample: LogRecord) -> LogRecord:
    """Return a sample with its attachments in their places, and its last question as text."""
    attachments = sample.get("attachments")
    bare = {name: sample[name] for name in sample if name not in (*_EVENTS, "attachments")}
    whole: dict[str, Any] = _resolve_attachments(
        bare, attachments if isinstance(attachments, dict) else {}
    )
    if isinstance(whole.get("input"), list):
        asked = [m for m in whole["input"] if follow(m, "role") == "user"]
        whole["input_text"] = _message_text(asked[-1].get("content")) if asked else None
    return whole


def _resolve_attachments(value: Any, attachments: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith(_ATTACHED):
        return attachments.get(value.removeprefix(_ATTACHED), value)
    if isinstance(value, dict):
        return {key: _resolve_attachments(inner, attachments) for key, inner in value.items()}
    return (
        [_resolve_attachments(inner, attachments) for inner in value]
        if isinstance(value, list)
        else value
    )


def _message_text(content: Any) -> Any:
    """Return the text of a message: its content, or the first text among its parts."""
    if not isinstance(content, list):
        return content
    return next((text for part in content if isinstance(text := follow(part, "text"), str)), None)


def inspect_remark(head: Mapping[str, Any], samples: int) -> str:
    """Return what an inspect log says of a run that did not go to its end; empty if it did."""
    status = head.get("status")
    epochs = follow(head, "eval.config.epochs")
    whole = len(_sample_ids(head)) * (epochs if isinstance(epochs, int) else 1)
    said = [] if status == "success" else [f"its run says: {status}"]
    if samples < whole:
        said.append(f"{whole - samples} of {whole} samples are not in it")
    return ", ".join(said)


def _sample_ids(head: Mapping[str, Any]) -> list[Any]:
    found = follow(head, "eval.dataset.sample_ids")
    return found if isinstance(found, list) else []


# --- lighteval

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


def read_lighteval_row(row: LogRecord) -> LogRecord:
    """Return a row with the bare names of its columns, and the choices that are right as `gold`."""
    whole = {name.strip("_"): value for name, value in row.items()}
    choices, gold = follow(whole, "doc.choices"), follow(whole, "doc.gold_index")
    places = gold if isinstance(gold, list) else [gold]
    if isinstance(choices, list) and isinstance(whole.get("doc"), dict):
        found = [choices[n] for n in places if isinstance(n, int) and 0 <= n < len(choices)]
        whole["doc"] = {**whole["doc"], "gold": found or None}
    return whole


# --- promptfoo


def _promptfoo_failed(record: LogRecord) -> str:
    error = record.get("error")
    answered = follow(record, "response.output") is not None
    return f"the test failed: {_first_line(error)}" if error and not answered else ""


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


def read_promptfoo_results(rows: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Yield results with a `system`, the provider and, from the second on, the prompt; and an id.

    A test is known by its place in the config, as it has no name of its own.
    """
    prompts: dict[Any, int] = {}
    for number, row in rows:
        if not isinstance(row, dict):
            yield number, row
            continue
        provider = row.get("provider")
        named = follow(provider, "label") or follow(provider, "id") or provider
        prompt = row.get("promptId") or follow(row, "prompt.label")
        n = prompts.setdefault(prompt if isinstance(prompt, str) else None, len(prompts) + 1)
        system = f"{named}-prompt-{n}" if n > 1 else named
        test = row.get("testIdx")
        name = f"test-{test}" if isinstance(test, int) else None
        yield number, {**row, "system": system, "test_id": name}


# --- HELM


def _helm_failed(record: LogRecord) -> str:
    if follow(record, "result.success") is not False:
        return ""
    return f"the request failed: {_first_line(follow(record, 'result.error'))}"


def _helm_skipped(record: LogRecord) -> str:
    if follow(record, "instance.perturbation"):
        return "a perturbed copy of the article"
    trial = record.get("train_trial_index")
    return f"trial {trial}; trial 0 is read" if isinstance(trial, int) and trial > 0 else ""


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


def read_helm_request(state: LogRecord) -> LogRecord:
    """Return a request with the references that are right as `instance.correct`."""
    references = follow(state, "instance.references")
    if not isinstance(references, list):
        return state
    right = [
        follow(each, "output.text")
        for each in references
        if isinstance(tags := follow(each, "tags"), list) and "correct" in tags
    ]
    return {**state, "instance": {**state["instance"], "correct": right or None}}


def join_helm_predictions(predictions: list[Any], instances: list[Any]) -> list[Any]:
    """Return what HELM shows of each answer with its instance, which stands in another file."""
    known = {_text_of_id(follow(each, "id")): each for each in instances}
    return [
        {**each, "instance": known.get(_text_of_id(each.get("instance_id")))}
        if isinstance(each, dict)
        else each
        for each in predictions
    ]


def _text_of_id(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


# --- Which harness wrote a file

HARNESS_FORMATS: Mapping[str, LogFormat] = {
    each.name: each for each in (LM_EVAL, INSPECT, LIGHTEVAL, PROMPTFOO, HELM)
}
ROWS_FORMAT = "rows"
# What a user may say that files of summaries are; by default it is found out.
FORMAT_NAMES = ("auto", ROWS_FORMAT, *HARNESS_FORMATS)


def format_of_line(record: LogRecord) -> LogFormat | None:
    """Return the harness that wrote a record of a JSON Lines file; None for rows of ours."""
    if "doc" in record and ("filtered_resps" in record or "resps" in record):
        return LM_EVAL
    if "vars" in record and "provider" in record:
        return PROMPTFOO
    return None


def format_of_document(document: Any) -> LogFormat | None:
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


def format_of_columns(names: list[str]) -> LogFormat | None:
    """Return the harness that wrote a Parquet file with these columns."""
    bare = {name.strip("_") for name in names}
    return LIGHTEVAL if {"doc", "model_response"} <= bare else None
