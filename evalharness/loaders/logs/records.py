"""The records of a log as its harness wrote them, put right where a path alone would not do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalharness.loaders.logs.paths import follow

Record = dict[str, Any]

_ATTACHED = "attachment://"
# Of an inspect sample what nobody scores, and what is many times as long as the rest.
_EVENTS = ("events", "events_data", "timelines")


def without_events(pairs: list[tuple[str, Any]]) -> Record:
    """Return an object of a JSON document; an inspect sample without its events."""
    found = dict(pairs)
    if "epoch" in found:
        for name in _EVENTS:
            found.pop(name, None)
    return found


def of_inspect(sample: Record) -> Record:
    """Return a sample with its attachments in their places, and its last question as text."""
    attachments = sample.get("attachments")
    bare = {name: sample[name] for name in sample if name not in (*_EVENTS, "attachments")}
    whole: Record = _resolve_attachments(bare, attachments if isinstance(attachments, dict) else {})
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


def of_lighteval(row: Record) -> Record:
    """Return a row with the bare names of its columns, and the choices that are right as `gold`."""
    whole = {name.strip("_"): value for name, value in row.items()}
    choices, gold = follow(whole, "doc.choices"), follow(whole, "doc.gold_index")
    places = gold if isinstance(gold, list) else [gold]
    if isinstance(choices, list) and isinstance(whole.get("doc"), dict):
        found = [choices[n] for n in places if isinstance(n, int) and 0 <= n < len(choices)]
        whole["doc"] = {**whole["doc"], "gold": found or None}
    return whole


def of_promptfoo(rows: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
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


def of_helm(state: Record) -> Record:
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


def helm_shown(predictions: list[Any], instances: list[Any]) -> list[Any]:
    """Return what HELM shows of each answer with its instance, which stands in another file."""
    known = {_name(follow(each, "id")): each for each in instances}
    return [
        {**each, "instance": known.get(_name(each.get("instance_id")))}
        if isinstance(each, dict)
        else each
        for each in predictions
    ]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def remark(head: Mapping[str, Any], samples: int) -> str:
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


def of_inspect_log(
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
        yield number, of_inspect(dict(sample))
    absent = [name for name in _sample_ids(head) if str(name) not in met]
    for place, name in enumerate(absent if readable else (), number + 1):
        yield place, f"sample {name!r:.80} is not in the log; its run says: {head.get('status')}"
