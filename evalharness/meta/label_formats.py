"""Nine labelled data sets as their authors distribute them, as rows that `meta.labels` checks.

`LABEL_FORMATS` says of each which fields its rows have, and where that is published. A function a
data set makes the summaries of one row of its files: what is consistent by the authors' own rule,
grades by dimension, spans, sentences, references, systems and published metrics.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

Fields = Mapping[str, Any]


class UnusableRow(ValueError):
    """Why a row cannot be used."""


@dataclass(frozen=True)
class LabelFormat:
    """How one data set is distributed.

    layouts: sets of fields; each row has all those of one. convert: yields the summaries of a row,
        or why one cannot be used; it is also given the file's name.
    schema: where the layout is published.
    """

    layouts: tuple[frozenset[str], ...]
    convert: Callable[[Fields, str], Iterator[dict[str, Any] | str]]
    schema: str

    def fits(self, row: Fields) -> bool:
        """Tell whether a row has the fields of one layout."""
        return any(layout <= row.keys() for layout in self.layouts)


# --- Values of rows


def number_from_text(value: Any) -> Any:
    """Return what a text says as a number, and all else as it is."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


def without_tags(text: Any) -> str:
    """Return a text without the sentence tags of REALSumm."""
    return " ".join(str(text).replace("<t>", " ").replace("</t>", " ").split())


def _field(row: Fields, name: str, kind: type | tuple[type, ...], what: str) -> Any:
    value = row.get(name)
    if not isinstance(value, kind):
        raise UnusableRow(f"no field {name!r}" if value is None else f"{name!r} is no {what}")
    return value


def _name(row: Fields, name: str) -> str:
    value = _field(row, name, (str, int), "name")
    return str(value)


def _number_of(value: Any, name: str) -> float | None:
    """Return a number, also one that stands as text in a table; None for nothing."""
    if value is None or value == "":
        return None
    number = number_from_text(value)
    if not isinstance(number, float) or not math.isfinite(number):
        raise UnusableRow(f"{name!r} should be a number or null, not {str(value)[:40]!r}")
    return number


def _numbers(row: Fields, names: Iterable[str]) -> dict[str, float]:
    found = {name: _number_of(row.get(name), name) for name in names}
    return {name: number for name, number in found.items() if number is not None}


def _list_of(row: Fields, name: str) -> list[Any]:
    """Return a list, also one that a table holds as text; an empty one where there is none."""
    value = row.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise UnusableRow(f"{name!r} should be a list") from None
    if value is not None and not isinstance(value, list):
        raise UnusableRow(f"{name!r} should be a list")
    return value or []


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# --- The nine data sets

_SUMMEVAL_DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")
_BEST_GRADE = 5


def _summeval(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield one summary, or all those of an article of the hub's copy; the experts' means.

    Consistent is what every expert gave the best grade for consistency (as AlignScore's
    evaluation has it); the crowd's grades are left out, as in the paper's correlations.
    """
    if "decoded" in row:
        experts = _list_of(row, "expert_annotations")
        grades: dict[str, list[float]] = {name: [] for name in _SUMMEVAL_DIMENSIONS}
        for expert in experts:
            if not isinstance(expert, Mapping):
                raise UnusableRow("'expert_annotations' should hold objects")
            for name, grade in _numbers(expert, grades).items():
                grades[name].append(grade)
        means = {name: _mean(values) for name, values in grades.items() if values}
        stories = Path(str(row.get("filepath") or "")).stem
        found = {"summary": row["decoded"], "references": row.get("references")}
        found |= {"article": row.get("text"), "system": row.get("model_id")}
        name = _name(row, "id")
        ids = [name, stories, name.rpartition("-")[2]]
        yield _summeval_labels(means) | found | {"article_id": name, "article_ids": ids}
        return
    summaries = _list_of(row, "machine_summaries")
    columns = {name: _list_of(row, name) for name in _SUMMEVAL_DIMENSIONS}
    for n, summary in enumerate(summaries):
        values = {name: column[n] for name, column in columns.items() if n < len(column)}
        found = {"summary": summary, "article": row.get("text"), "article_id": row.get("id")}
        yield (
            _summeval_labels(_numbers(values, values))
            | found
            | {"references": row["human_summaries"]}
        )


def _summeval_labels(means: Mapping[str, float]) -> dict[str, Any]:
    consistency = means.get("consistency")
    label = None if consistency is None else int(consistency == _BEST_GRADE)
    return {"source": "summeval", "label": label, "score": consistency, "scores": means}


def _realsumm(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield the summaries of an article with the share of its key facts that people found.

    BART stands in both of their files, with the same summaries and scores: it is taken once.
    """
    number = _name(row, "doc_id")
    for file, found in _field(row, "system_summaries", dict, "object").items():
        scores = _field(found, "scores", dict, "object")
        plain = {name: value for name, value in scores.items() if isinstance(value, float | int)}
        pyramid = _number_of(plain.pop("litepyramid_recall", None), "litepyramid_recall")
        yield {
            "source": "realsumm",
            "system": file.removesuffix(".txt"),
            "summary": without_tags(_field(found, "system_summary", str, "text")),
            "reference": without_tags(_field(row, "ref_summ", str, "text")),
            "score": pyramid,
            "scores": {"litepyramid_recall": pyramid},
            "published": plain,
            "article_id": number,
            "article_ids": [number],
            "key": [number, file],
        }


_ROSE_DIMENSIONS = ("acu", "normalized_acu", "prior", "ref_free", "ref_based")


def _rose(row: Fields, stem: str) -> Iterator[dict[str, Any] | str]:
    """Yield the summaries of an article with the shares of atomic content units, and grades."""
    annotations = _field(row, "annotations", dict, "object")
    for system, summary in _field(row, "system_outputs", dict, "object").items():
        if summary is None:  # a table has a column for each system that any row has
            continue
        found = annotations.get(system)
        if not isinstance(found, Mapping):
            yield f"no annotations of {system!r}"
            continue
        scores = _numbers(found, _ROSE_DIMENSIONS)
        yield {
            "source": stem if "rose" in stem else f"rose-{stem}",
            "system": system,
            "summary": summary,
            "article": row.get("source"),
            "reference": row.get("reference"),
            "score": scores.get("acu"),
            "scores": scores,
            "article_id": row.get("example_id"),
            "article_ids": [row["example_id"]] if row.get("example_id") else [],
        }


_SEAHORSE_QUESTIONS = (
    "comprehensibility", "repetition", "grammar", "attribution", "main_ideas", "conciseness",
)  # fmt: skip
_ANSWERS = {"yes": 1, "no": 0, "unsure": None, "": None}


def _seahorse(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield a summary with six answers, yes being good; consistent is what is attributable.

    The answers are fields of their own, too: `--label main_ideas`.
    """
    answers = {}
    for n, name in enumerate(_SEAHORSE_QUESTIONS, 1):
        said = str(row.get(f"question{n}") or "").strip().lower()
        if said not in _ANSWERS:
            raise UnusableRow(f"'question{n}' should be Yes, No, Unsure or nothing, not {said!r}")
        answers[name] = _ANSWERS[said]
    yield answers | {
        "source": f"seahorse-{_name(row, 'worker_lang')}",
        "system": row.get("model"),
        "summary": row.get("summary"),
        "article": row.get("article"),
        "label": answers["attribution"],
        "scores": {name: value for name, value in answers.items() if value is not None},
        "article_id": _name(row, "gem_id"),
        "article_ids": [row["gem_id"]],
    }


def _llm_aggrefact(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield a claim as a summary; each of the data sets within is a source."""
    source = _name(row, "dataset")
    label = _number_of(row["label"], "label")
    yield {"source": source, "article": row["doc"], "summary": row["claim"], "label": label}


_FRANK_ERRORS = (
    "Factuality", "Semantic_Frame_Errors", "Discourse_Errors", "Content_Verifiability_Errors",
    "RelE", "EntE", "CircE", "OutE", "GramE", "CorefE", "LinkE", "Other",
)  # fmt: skip
_NO_ERROR = "NoE"
_LONG_HASH = 40  # of CNN/DailyMail; XSum's are the BBC's numbers


def _frank(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield what one file says of a summary: its texts, its errors, its sentences, or metrics.

    Consistent is what has the factuality 1: no sentence in which most annotators found an error.
    """
    name = _name(row, "hash")
    found: dict[str, Any] = {
        "source": "frank_cnndm" if len(name) >= _LONG_HASH else "frank_xsum",
        "system": _name(row, "model_name"),
        "article_id": name,
        "article_ids": [name],
        "key": [name, _name(row, "model_name")],
    }
    for text in ("article", "summary", "reference"):
        if row.get(text) is not None:
            found[text] = row[text]
    scores = _numbers(row, _FRANK_ERRORS)
    if scores:
        factuality = scores.get("Factuality")
        label = None if factuality is None else int(factuality == 1)
        found |= {"scores": scores, "score": factuality, "label": label}
    if "summary_sentences" in row:
        found = _frank_sentences(row) | found
    known = {*_FRANK_ERRORS, *found, "hash", "model_name", "split", "dataset"}
    others = {k: v for k, v in row.items() if k not in known and not k.startswith("Flip_")}
    metrics = {k: v for k, v in others.items() if isinstance(v, float | int)}
    yield found | ({"published": metrics} if metrics else {})


def _frank_sentences(row: Fields) -> dict[str, Any]:
    """Return the sentences, each right if two of three annotators found no error in it."""
    votes = _list_of(row, "summary_sentences_annotations")
    if not all(isinstance(each, Mapping) for each in votes):
        raise UnusableRow("'summary_sentences_annotations' should be a list of objects")
    labels = [
        int(sum(_NO_ERROR in (said or ()) for said in each.values()) * 2 > len(each))
        for each in votes
    ]
    return {
        "sentences": _list_of(row, "summary_sentences"),
        "sentence_labels": labels,
        "label": int(all(labels)),
    }


def _summedits(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield a summary: the seed, which people found consistent, or an edit of it."""
    domain = row.get("domain") or stem.removeprefix("summedits_").removeprefix("summedits")
    seed = row.get("original_summary") or row.get("seed_summary")
    yield {
        "source": f"summedits-{domain}" if domain else "summedits",
        "system": "seed" if row["summary"] == seed else "edit",
        "article": row["doc"],
        "summary": row["summary"],
        "label": _number_of(row["label"], "label"),
    }


# The worst label of a span is the summary's; what is benign is no error (their `binarize.py`).
_SEVERITIES: Mapping[str, int] = MappingProxyType({"Benign": 1, "Questionable": 2, "Unwanted": 3})
_CONSISTENT = "Consistent"


def _faithbench(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield a summary with the spans that people marked, of a batch or of the table.

    Consistent is what has no span, or benign ones only; `label_best` goes by the mildest span.
    """
    common = {"source": "faithbench", "article": row["source"], "summary": row["summary"]}
    if "worst-label" in row:
        worst, best = (_severity(row.get(name)) for name in ("worst-label", "best-label"))
        labels = {"label": int(worst < 2), "label_best": int(best < 2)}
        yield common | labels | {"system": row.get("LLM")}
        return
    metadata = _field(row, "metadata", dict, "object")
    spans = [_faithbench_span(span) for span in _list_of(row, "annotations")]
    marked = [_severity(span["type"]) for span in spans if span["type"]] or [0]
    detectors = {
        name: value
        for name, value in metadata.items()
        if isinstance(value, float | int) and name != "raw_sample_id"
    }
    yield common | {
        "label": int(max(marked) < 2),
        "label_best": int(min(marked) < 2),
        "spans": spans,
        "system": metadata.get("summarizer"),
        "published": detectors,
    }


def _severity(label: Any) -> int:
    """Return how bad a label is, 0 for consistent; `Unwanted.Extrinsic` is unwanted."""
    kind = str(label).partition(".")[0]
    if kind != _CONSISTENT and kind not in _SEVERITIES:
        raise UnusableRow(f"no label of FaithBench: {str(label)[:40]!r}")
    return _SEVERITIES.get(kind, 0)


def _faithbench_span(span: Any) -> dict[str, Any]:
    """Return a span with its worst label, of two alike the longer one; none if it has none."""
    if not isinstance(span, Mapping):
        raise UnusableRow("'annotations' should hold objects")
    labels = sorted(
        map(str, _list_of(span, "label")), key=lambda name: (_severity(name), len(name))
    )
    return {
        "start": span.get("summary_start"),
        "end": span.get("summary_end"),
        "type": labels[-1] if labels else "",
    }


def _unisumeval(row: Fields, stem: str) -> Iterator[dict[str, Any]]:
    """Yield what one of the two files says of a summary: faithfulness, or key facts.

    Consistent is what has no sentence that people found an error in.
    """
    state = row.get("summary_success_state", "success")
    if state != "success":
        raise UnusableRow(f"the summary was not made: {str(state)[:40]!r}")
    found: dict[str, Any] = {
        "source": "unisumeval",
        "system": _name(row, "model"),
        "article": row.get("input_context"),
        "summary": row.get("summary"),
        "article_id": _name(row, "doc_id"),
        "article_ids": [_name(row, "doc_id"), _name(row, "uid")],
        "key": [_name(row, "uid"), _name(row, "model")],
        "reference": row.get("reference"),
    }
    scores = _numbers(row, ("faithfulness_score", "completeness", "conciseness"))
    if (faithfulness := scores.pop("faithfulness_score", None)) is not None:
        found |= {"score": faithfulness, "label": int(faithfulness == 1)}
        found |= _unisumeval_sentences(row)
        scores["faithfulness"] = faithfulness
    yield found | {"scores": scores}


def _unisumeval_sentences(row: Fields) -> dict[str, Any]:
    """Return the sentences with labels, where they are a list of 0 (right) and 1 (wrong)."""
    sentences = _list_of(row, "sentences")
    wrong = [number_from_text(each) for each in _list_of(row, "fact_verification_label")]
    if len(wrong) != len(sentences) or not set(map(str, wrong)) <= {"0.0", "1.0"}:
        return {}
    return {"sentences": sentences, "sentence_labels": [1 - int(each) for each in wrong]}


_GITHUB = "https://github.com"
_HUB = "https://huggingface.co/datasets"
LABEL_FORMATS: Mapping[str, LabelFormat] = MappingProxyType(
    {
        "summeval": LabelFormat(
            (
                frozenset({"decoded", "expert_annotations"}),
                frozenset({"machine_summaries", "human_summaries"}),
            ),
            _summeval,
            f"{_GITHUB}/Yale-LILY/SummEval; {_HUB}/mteb/summeval",
        ),
        "realsumm": LabelFormat(
            (frozenset({"ref_summ", "system_summaries"}),),
            _realsumm,
            f"{_GITHUB}/neulab/REALSumm (scores_dicts)",
        ),
        "rose": LabelFormat(
            (frozenset({"system_outputs", "annotations"}),),
            _rose,
            f"{_GITHUB}/Yale-LILY/ROSE; {_HUB}/Salesforce/rose",
        ),
        "seahorse": LabelFormat(
            (frozenset({"gem_id", "worker_lang", "question1"}),),
            _seahorse,
            f"{_GITHUB}/google-research-datasets/seahorse",
        ),
        "llm-aggrefact": LabelFormat(
            (frozenset({"dataset", "doc", "claim", "label"}),),
            _llm_aggrefact,
            f"{_HUB}/lytang/LLM-AggreFact",
        ),
        "frank": LabelFormat(
            (frozenset({"hash", "model_name"}),),
            _frank,
            f"{_GITHUB}/artidoro/frank",
        ),
        "summedits": LabelFormat(
            (frozenset({"doc", "summary", "label"}),),
            _summedits,
            f"{_GITHUB}/salesforce/factualNLG; {_HUB}/Salesforce/summedits",
        ),
        "faithbench": LabelFormat(
            (
                frozenset({"source", "summary", "annotations", "metadata"}),
                frozenset({"source", "summary", "worst-label", "best-label"}),
            ),
            _faithbench,
            f"{_GITHUB}/vectara/FaithBench",
        ),
        "unisumeval": LabelFormat(
            (
                frozenset({"uid", "model", "summary", "faithfulness_score"}),
                frozenset({"uid", "model", "summary", "completeness"}),
            ),
            _unisumeval,
            f"{_GITHUB}/DISL-Lab/UniSumEval-v1.0",
        ),
    }
)
