"""Runs written as other tools read them: rows, Every Eval Ever, a model card, LLM Comparator.

And as an archive of their folders, whole, to be opened by this one elsewhere.

Figures stand as they are stored, shares from 0 to 1, but on a model card, where they are times 100
as in papers. The same runs give the same bytes.
"""

import gzip
import json
import math
import tarfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from evalharness.config.registry import is_share
from evalharness.errors import DataError
from evalharness.records import Vote, digest
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Figure, Run, ScorerFigures, preferences_folder, unique_names
from evalharness.store.samples import ARTICLES, RUN_FILE, file_digest
from evalharness.store.store import Store, output_path, preference_key

ExportFormat = Literal["jsonl", "archive", "every-eval-ever", "model-card", "llm-comparator"]
EXPORT_FORMATS: tuple[str, ...] = get_args(ExportFormat)
DEFAULT_OUTPUT: Mapping[str, str] = {
    "jsonl": "export.jsonl",
    "archive": "runs.tar.gz",
    "every-eval-ever": "every-eval-ever",
    "model-card": "model-card.md",
    "llm-comparator": "llm-comparator.json",
}
# Of which its `eval.schema.json` is.
EVERY_EVAL_EVER = "0.3.0"
# LLM Comparator takes scores from -1.5 (B is much better) to 1.5 (A is).
_MOST = 1.5
_LIKELY_ERRORS = "likely_errors"
_CARD_MARK = "Written by `evalharness export --to model-card`."


@dataclass(frozen=True)
class ExportPlan:
    """What an export says that runs do not.

    model: the hub's name of the model that wrote the summaries. organization: who ran it. by: of
    LLM Comparator, the score whose difference is shown, where nobody was asked. votes: people's.
    """

    model: str = ""
    organization: str = "unknown"
    by: str = ""
    votes: Sequence[Vote] = field(default_factory=list[Vote])


def export_runs(
    runs: Sequence[Run], to: ExportFormat, output: str | Path, plan: ExportPlan | None = None
) -> list[Path]:
    """Write runs as another tool reads them; return the files.

    Raises: DataError where the tool cannot take these runs; StoreError where no file can be
        written.
    """
    if plan is not None and plan.model and len(runs) > 1:
        raise DataError(f"--model {plan.model}: of one run, and these are {len(runs)}")
    return _WRITERS[to](runs, output_path(output), plan or ExportPlan())


def _write_rows(runs: Sequence[Run], path: Path, _: ExportPlan) -> list[Path]:
    """Write a row a summary: system, texts, scores that tables show, flags."""
    folder = RunFolder(path.parent)
    with folder.writing(path.name).open("w", encoding="ascii", newline="\n") as file:
        for name, run in zip(unique_names(runs), runs, strict=True):
            file.writelines(json.dumps({"system": name, **row}) + "\n" for row in run.rows())
    folder.publish(path.name)
    return [path]


# --- An archive: the folders of runs, each whole


def _write_archive(runs: Sequence[Run], path: Path, _: ExportPlan) -> list[Path]:
    """Pack the folders of runs as they stand; a text that several have is in it once."""
    names = [run.folder.resolve().relative_to(run.folder.resolve().parents[1]) for run in runs]
    twice = next((str(name) for name in names if names.count(name) > 1), "")
    if twice:
        raise DataError(f"archive: two of these runs are called {twice}; pack one at a time")
    folder, there = RunFolder(path.parent), dict[str, str]()
    with (
        folder.writing(path.name).open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for run, name in zip(runs, names, strict=True):
            for each in run.whole_files():
                entry = tarfile.TarInfo(f"{name.as_posix()}/{each.name}")
                entry.mtime = int(_when(run).timestamp())
                _pack(each, entry, archive, there)
    folder.publish(path.name)
    return [path]


def _pack(
    file: Path, entry: tarfile.TarInfo, archive: tarfile.TarFile, there: dict[str, str]
) -> None:
    """Add a file to an archive; there: where in it files of articles are, by their digests."""
    if file.name == ARTICLES:
        first = there.setdefault(file_digest(file), entry.name)
        if first != entry.name:
            entry.type, entry.linkname = tarfile.LNKTYPE, first
            archive.addfile(entry)
            return
    entry.size = file.stat().st_size
    with file.open("rb") as content:
        archive.addfile(entry, content)


# --- Every Eval Ever: a file a run, by its eval.schema.json


def _write_every_eval_ever(runs: Sequence[Run], path: Path, plan: ExportPlan) -> list[Path]:
    return [_write_evaluation(run, path, plan) for run in runs]


def _write_evaluation(run: Run, path: Path, plan: ExportPlan) -> Path:
    record = evaluation_record(run, plan)
    text = json.dumps(record, indent=2) + "\n"
    name = uuid.UUID(bytes=sha256(text.encode()).digest()[:16], version=4)
    developer, _, model = record["model_info"]["id"].rpartition("/")
    where = path / "data" / _file_name(run.experiment) / _file_name(developer) / _file_name(model)
    RunFolder(where).write(f"{name}.json", text)
    return where / f"{name}.json"


def _file_name(name: str) -> str:
    """Return a name as the name of a folder that every system can have.

    >>> _file_name("../a b."), _file_name("data")
    ('..-a-b', 'data-')
    """
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in name).rstrip(".")
    return f"{kept}-" if kept == "data" else kept or "unknown"


def evaluation_record(run: Run, plan: ExportPlan) -> dict[str, Any]:
    """Return a run as Every Eval Ever has it: all figures that tables show, with their intervals.

    Rows of single answers are left out: its schema wants to know of each whether it is correct,
    which a score of a summary does not say.
    """
    made = _when(run)
    info = _model_info(run, plan)
    source = _source_data(run)
    timestamp = str(int(made.timestamp()))
    return {
        "schema_version": EVERY_EVAL_EVER,
        "evaluation_id": f"{run.experiment}/{info['id']}/{timestamp}",
        "evaluation_timestamp": made.isoformat(),
        "retrieved_timestamp": timestamp,
        "source_metadata": {
            "source_name": run.experiment,
            "source_type": "evaluation_run",
            "source_organization_name": plan.organization,
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": "evalharness",
            "version": str(run.provenance.get("evalharness", "unknown")),
        },
        "model_info": info,
        "evaluation_results": [
            {
                "evaluation_result_id": f"{run.experiment}/{name}",
                "evaluation_name": run.experiment,
                "source_data": source,
                **_result(run, name, figure),
            }
            for name, figure in _figures(run)
        ],
    }


def _when(run: Run) -> datetime:
    """Return when a run began; where it does not say, when its file was written."""
    try:
        return datetime.fromisoformat(run.timing.started)
    except ValueError:
        return datetime.fromtimestamp(int((run.folder / RUN_FILE).stat().st_mtime), UTC)


def _model_info(run: Run, plan: ExportPlan) -> dict[str, Any]:
    name = plan.model or _hub_name(run) or f"unknown/{run.name}"
    is_local = run.model_kind not in ("given", "endpoint")
    is_open = name == _hub_name(run)
    return {
        "name": run.name,
        "id": name if "/" in name else f"unknown/{name}",
        "developer": name.rpartition("/")[0] or "unknown",
        "additional_details": {
            "deployment_type": "self_deployed" if is_local else "unknown",
            "model_availability": "open_weights" if is_open else "unknown",
            "signature": run.signatures.model,
        },
    }


def _hub_name(run: Run) -> str:
    """Return the hub's name of the model in a run's signature; empty where it has none."""
    options = dict(part.partition(":")[::2] for part in run.signatures.model.split("|")[1:])
    name = options.get("model", "")
    return name if name.count("/") == 1 and not name.startswith((".", "/", "~")) else ""


def _source_data(run: Run) -> dict[str, Any]:
    data = {key: str(value) for key, value in run.data.items() if isinstance(value, str | int)}
    if "dataset" not in data:
        named = {"dataset_name": run.experiment, "source_type": "other"}
        return {**named, "additional_details": data | {"articles": str(run.n)}}
    return {
        "dataset_name": data["dataset"],
        "source_type": "hf_dataset",
        "hf_repo": data["dataset"],
        **({"hf_split": data["split"]} if "split" in data else {}),
        "samples_number": run.n,
        "additional_details": data,
    }


def _figures(run: Run) -> Iterator[tuple[str, Figure]]:
    """Yield each figure of a run that tables show, and the share of likely errors by each check."""
    for name, (label, part) in run.shown.items():
        figure = run.figure(label, part)
        if isinstance(figure, ScorerFigures) and figure.is_corpus:
            figure = Figure(mean=figure.corpus, low=None, high=None, n=figure.n)
        if figure is not None and figure.mean is not None and math.isfinite(figure.mean):
            yield name, figure
    for label, scorer in run.figures.items():
        errors = scorer.likely_errors
        if errors is not None and errors.share is not None:
            yield (
                f"{label}.{_LIKELY_ERRORS}",
                Figure(mean=errors.share, low=errors.low, high=errors.high, n=errors.of),
            )


def _is_share(run: Run, name: str, figure: Figure) -> bool:
    """Tell whether a figure is one from 0 to 1; that of a whole corpus has a scale of its own."""
    label, part = run.shown.get(name, ("", name))
    scorer = run.figures.get(label)
    of_corpus = scorer is not None and scorer.is_corpus and figure.low is None
    return not of_corpus and is_share((part or label).rpartition(".")[2])


def _signature_of(run: Run, name: str) -> str:
    label = run.shown[name][0] if name in run.shown else name.rpartition(".")[0]
    return run.signatures.metrics.get(label, label)


def _result(run: Run, name: str, figure: Figure) -> dict[str, Any]:
    """Return what a figure is, and its value, in the schema's words."""
    share = _is_share(run, name, figure)
    uncertainty: dict[str, Any] = {"num_samples": figure.n}
    if figure.low is not None and figure.high is not None:
        is_mean = not name.endswith(_LIKELY_ERRORS)
        uncertainty["confidence_interval"] = {
            "lower": figure.low,
            "upper": figure.high,
            "confidence_level": run.interval.level,
            "method": "bootstrap over articles" if is_mean else "Wilson",
        }
        if is_mean:
            uncertainty["num_bootstrap_samples"] = run.interval.resamples
    return {
        "metric_config": {
            "metric_id": f"evalharness.{name}",
            "metric_name": name,
            "metric_unit": "proportion" if share else "points",
            "lower_is_better": name.endswith(_LIKELY_ERRORS),
            "score_type": "continuous",
            "min_score": 0 if share else "-Infinity",
            "max_score": 1 if share else "Infinity",
            "additional_details": {"signature": _signature_of(run, name)},
        },
        "score_details": {"score": figure.mean, "uncertainty": uncertainty},
    }


# --- A model card: the results of one run in its metadata, and as a table


def _write_model_card(runs: Sequence[Run], path: Path, plan: ExportPlan) -> list[Path]:
    if len(runs) != 1:
        raise DataError(f"model-card: a card is of one model, and these are {len(runs)} runs")
    if path.exists() and _CARD_MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise DataError(
            f"{path}: there is a card already; write to another file with -o, "
            "and copy its 'model-index' into that one"
        )
    RunFolder(path.parent).write(path.name, model_card(runs[0], plan))
    return [path]


def model_card(run: Run, plan: ExportPlan) -> str:
    """Return a card as the hub reads it: `model-index` in its metadata, the same as a table."""
    import yaml

    name = plan.model or _hub_name(run) or run.name
    metadata = {
        "tags": ["summarization"],
        "model-index": [{"name": name.rpartition("/")[2], "results": [_card_result(run)]}],
    }
    head = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)
    rows = [_card_row(run, name, figure) for name, figure in _figures(run)]
    level = f"{run.interval.level:.0%} interval"
    version = run.provenance.get("evalharness", "")
    return "\n".join(
        [
            f"---\n{head}---\n",
            f"# {_markdown(name)}: summaries of {_markdown(run.experiment)}\n",
            f"| score | mean | {level} | articles |\n|---|---|---|---|",
            *rows,
            f"\nMeans over {run.n} articles, shares times 100; answered: {run.answer_share}. "
            f"`likely_errors`: the share of summaries with one, less is better.\n",
            *(f"* `{label}`: `{text}`" for label, text in run.signatures.metrics.items()),
            f"\n{_CARD_MARK} Version {version}.\n",
        ]
    )


def _card_result(run: Run) -> dict[str, Any]:
    data = run.data
    dataset = {
        "name": str(data.get("dataset", run.experiment)),
        "type": str(data.get("dataset", "custom")),
        **{key: str(data[key]) for key in ("config", "split", "revision") if data.get(key)},
    }
    return {
        "task": {"type": "summarization", "name": "Summarization"},
        "dataset": dataset,
        "metrics": [
            {
                "type": name,
                "name": name,
                "value": round(figure.mean * _card_scale(run, name, figure), 4),
                "args": {"articles": figure.n, "signature": _signature_of(run, name)},
            }
            for name, figure in _figures(run)
            if figure.mean is not None
        ],
    }


def _card_scale(run: Run, name: str, figure: Figure) -> int:
    return 100 if _is_share(run, name, figure) else 1


def _card_row(run: Run, name: str, figure: Figure) -> str:
    scale = _card_scale(run, name, figure)
    shown = [
        "–" if v is None else f"{v * scale:.1f}" for v in (figure.mean, figure.low, figure.high)
    ]
    ends = f"[{shown[1]}, {shown[2]}]" if figure.low is not None else "–"
    return f"| {_markdown(name)} | {shown[0]} | {ends} | {figure.n} |"


def _markdown(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in text)


# --- LLM Comparator: two runs side by side


def _write_llm_comparator(runs: Sequence[Run], path: Path, plan: ExportPlan) -> list[Path]:
    if len(runs) != 2:
        raise DataError(f"llm-comparator: shows two systems, and these are {len(runs)} runs")
    text = json.dumps(comparator_record(runs, plan), indent=1)
    RunFolder(path.parent).write(path.name, f"{text}\n")
    return [path]


def comparator_record(runs: Sequence[Run], plan: ExportPlan) -> dict[str, Any]:
    """Return two runs as LLM Comparator has them, on the articles that both have.

    An example's score is the mean of what judges and people prefer, who are its raters; where none
    was asked of any, it is the difference of a score.
    """
    names = unique_names(runs)
    both = list(_both_samples(runs))
    if not both:
        raise DataError(f"llm-comparator: {' and '.join(names)} have no article in common")
    raters = _Raters(runs, names, plan.votes)
    rated = [raters.rate(one, other) for one, other in both]
    shown = [name for name in runs[0].shown if name in runs[1].shown]
    numbers = [{n: _both_values(runs, n, pair) for n in shown} for pair in both]
    if not any(rated):
        by = plan.by or (shown[0] if shown else "")
        scores = _differences(runs, by, both)
    else:
        by = "preferences"
        scores = [_mean_score(each) for each in rated]
    examples = zip(both, rated, scores, numbers, strict=True)
    return {
        "metadata": {
            "source_path": f"evalharness: {' against '.join(names)}, by {by or 'no score'}",
            "custom_fields_schema": [{"name": n, "type": "per_model_number"} for n in shown],
        },
        "models": [{"name": name} for name in names],
        "examples": [
            {
                "input_text": one["article"],
                "tags": [one["source"]] if one["source"] else [],
                "output_text_a": one["summary"]["text"],
                "output_text_b": other["summary"]["text"],
                "score": score,
                "individual_rater_scores": ratings,
                "rationale_list": [],
                "custom_fields": fields,
            }
            for (one, other), ratings, score, fields in examples
        ],
    }


_Sample = Mapping[str, Any]
_Pair = tuple[_Sample, _Sample]


def _both_samples(runs: Sequence[Run]) -> Iterator[_Pair]:
    """Yield the samples of each article that both runs have: the same id, the same text."""
    ids = runs[1].table(["id"]).column(0).to_pylist()
    row_of = {name: row for row, name in enumerate(ids)}
    with runs[1].sample_reader() as others:
        for one in runs[0].samples():
            row = row_of.get(one["id"])
            if row is not None and others[row]["article"] == one["article"]:
                yield one, others[row]


def _value(run: Run, name: str, sample: _Sample) -> float | None:
    label, part = run.resolve(name)
    score = sample["scores"].get(label, {})
    value: float | None = score.get("parts", {}).get(part) if part else score.get("value")
    return value


def _both_values(runs: Sequence[Run], name: str, pair: _Pair) -> list[float | None]:
    return [_value(run, name, sample) for run, sample in zip(runs, pair, strict=True)]


def _differences(runs: Sequence[Run], by: str, both: Sequence[_Pair]) -> list[float | None]:
    """Return how much higher the first run scores, the widest difference within what is shown."""
    pairs = [_both_values(runs, by, pair) if by else [None, None] for pair in both]
    differences = [None if None in (a, b) else float(a or 0) - float(b or 0) for a, b in pairs]
    widest = max((abs(d) for d in differences if d is not None), default=1.0)
    return [None if d is None else _MOST * d / max(1.0, widest) for d in differences]


def _mean_score(ratings: Sequence[Mapping[str, Any]]) -> float | None:
    return sum(each["score"] for each in ratings) / len(ratings) if ratings else None


class _Raters:
    """What judges and people prefer of two runs' summaries of an article."""

    def __init__(self, runs: Sequence[Run], names: Sequence[str], votes: Sequence[Vote]) -> None:
        folders = dict.fromkeys(preferences_folder(run) for run in runs)
        stores = [Store(folder.parent) for folder in folders if folder.is_dir()]
        self._ledgers = [each for store in stores for each in store.ledgers("preferences")]
        self._names = tuple(names)
        self._votes: dict[str, list[Vote]] = {}
        for vote in votes:
            if {vote.system_a, vote.system_b} == set(names):
                self._votes.setdefault(vote.article_id, []).append(vote)

    def rate(self, one: _Sample, other: _Sample) -> list[dict[str, Any]]:
        """Return the ratings of one article: each order that a judge saw, each person's vote."""
        votes = self._votes.get(one["id"], [])
        return [*self._judge_ratings(one, other), *(self._vote_rating(vote) for vote in votes)]

    def _judge_ratings(self, one: _Sample, other: _Sample) -> Iterator[dict[str, Any]]:
        texts = [digest(sample["summary"]["text"]) for sample in (one, other)]
        article = digest(one["article"])
        for is_flipped, shown in ((False, texts), (True, texts[::-1])):
            key = preference_key(article, *shown)
            for signature, ledger in self._ledgers:
                if key not in ledger:
                    continue
                record = ledger.get([key])[0]
                if record["first"] is not None:
                    first = record["first"]
                    better = 1 - first if is_flipped else first
                    judge = str(signature.get("model") or signature["name"])
                    yield _rating(better, judge, str(record.get("reason", "")), is_flipped)

    def _vote_rating(self, vote: Vote) -> dict[str, Any]:
        is_a = vote.system_a == self._names[0]
        better = vote.outcome if is_a else 1 - vote.outcome
        return _rating(better, vote.annotator, vote.reason, (vote.order > 0) is not is_a)


def _rating(better: float, rater: str, reason: str, is_flipped: bool) -> dict[str, Any]:
    """Return a rating; better: 1 where the first run's summary is, 0 the other, 0.5 neither."""
    label = {1.0: "A is better", 0.0: "B is better"}.get(float(better), "same")
    return {
        "score": _MOST * (2 * better - 1),
        "rating_label": label,
        "is_flipped": is_flipped,
        "rationale": f"{rater}: {reason}" if reason else rater,
        "custom_fields": {},
    }


_Writer = Callable[[Sequence[Run], Path, ExportPlan], list[Path]]
_WRITERS: Mapping[str, _Writer] = {
    "jsonl": _write_rows,
    "archive": _write_archive,
    "every-eval-ever": _write_every_eval_ever,
    "model-card": _write_model_card,
    "llm-comparator": _write_llm_comparator,
}
