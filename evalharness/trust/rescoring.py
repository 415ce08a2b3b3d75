"""Scores and summaries made again, and held against those of a run."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.config import registry
from evalharness.errors import HarnessError
from evalharness.metrics.rouge import Rouge
from evalharness.protocols import Pair, Prompted
from evalharness.records import Article, Summary, score_record, summary_record
from evalharness.text import defects, sentences
from evalharness.trust.components import Components, neural
from evalharness.trust.findings import Findings, unlike

# What other batches move a score of a neural check by, and what other machines do.
NEURAL_TOLERANCE = 1e-4


class Rescoring:
    """Scores some samples again, those with the same articles for all metrics together."""

    def __init__(self, path: Path, made: Components, findings: Findings) -> None:
        """Take the file of samples, for its name, and what made the run."""
        self.path = path
        self.made = made
        self.findings = findings
        self.scorable = made.scorable()
        self.lacking: set[str] = set()  # labels that turned out not to be
        self.instructions = made.model.instructions() if isinstance(made.model, Prompted) else ()

    def __call__(self, chosen: Sequence[tuple[int, Mapping[str, Any], Article, Summary]]) -> None:
        """Compare samples, each with its line, article and summary, with what is made now."""
        self.findings.done["articles scored again"] += len(chosen)
        written = [each for each in chosen if each[3].finish != "error"]
        if self.made.model is not None:
            self._summaries(written)
            self._flaws(chosen)
        for label, metric in self.scorable.items():
            if label not in self.lacking and written:
                self._score(label, metric, written)

    def _score(self, label: str, metric: Any, written: Sequence[Any]) -> None:
        pairs: list[Pair] = [(article, summary) for *_, article, summary in written]
        try:
            scores = metric.score(pairs)
        except HarnessError as error:
            self.lacking.add(label)
            self.findings.note(f"{self.path}: {label}: not scored again: {error}")
            return
        for (line, sample, article, summary), score in zip(written, scores, strict=True):
            found = sample["scores"][label]
            wanted = with_band(self.made, label, _plain(score_record(score)), article)
            self._compare(line, label, found, wanted, neural(metric))
            if isinstance(metric, Rouge):
                self._reference(line, label, found, metric, article, summary)

    def _compare(self, line: int, label: str, found: Any, wanted: Any, rounded: bool) -> None:
        if label not in self.made.calibrations:
            found, wanted = without_calibration(found), without_calibration(wanted)
        if rounded:
            found, wanted = _numbers(found), _numbers(wanted)
        odd = [each for each in unlike(found, wanted) if not (rounded and _close(*each[1:]))]
        self.findings.differ(self.path, line, f"scores.{label}", odd, "scored again")

    def _reference(
        self, line: int, label: str, found: Any, metric: Rouge, article: Article, summary: Summary
    ) -> None:
        """Compare ROUGE with what the package `rouge_score` says."""
        parts = found.get("parts", {})
        reference = reference_rouge(metric, article, summary)
        odd = [((k,), parts.get(k), value) for k, value in reference if parts.get(k) != value]
        self.findings.differ(self.path, line, f"scores.{label}.parts", odd, "by rouge_score")

    def _flaws(self, chosen: Sequence[Any]) -> None:
        for line, sample, article, summary in chosen:
            found = list(defects.find_defects(article.text, summary, self.instructions))
            if found != sample["defects"]:
                message = f"{sample['defects']} here, {found} found again"
                self.findings.differs(self.path, line, "defects", message)

    def _summaries(self, written: Sequence[Any]) -> None:
        """Compare the summaries of what needs no weights and no server; `rerun` does all others."""
        kind = self.made.model_kind
        built_in = kind in registry.BUILT_IN["models"] and not hasattr(self.made.model, "endpoint")
        if not built_in or neural(self.made.model) or not written:
            return
        self.findings.done["summaries written again"] += len(written)
        again = self.made.model.summarize([article for *_, article, _ in written])
        for (line, sample, *_), summary in zip(written, again, strict=True):
            odd = unlike(sample["summary"], summary_record(summary))
            self.findings.differ(self.path, line, "summary", odd, "written again")


def with_band(
    made: Components, label: str, record: Mapping[str, Any], article: Article
) -> Mapping[str, Any]:
    """Return a stored score as samples show it: with probability and band, where calibrated."""
    calibration = made.calibrations.get(label)
    return record if calibration is None else _plain(calibration.with_band(record, article.source))


def without_calibration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score of samples without what a calibration, which is not there, would say."""
    bare = {key: value for key, value in record.items() if key not in ("band", "parts")}
    parts = {k: v for k, v in record.get("parts", {}).items() if k != "probability"}
    return bare | ({"parts": parts} if parts else {})


def _plain(record: Any) -> Any:
    return json.loads(json.dumps(record))


def _numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": record["value"], "parts": record.get("parts", {})}


def _close(one: Any, other: Any) -> bool:
    known = isinstance(one, int | float) and isinstance(other, int | float)
    return known and math.isclose(one, other, rel_tol=NEURAL_TOLERANCE, abs_tol=NEURAL_TOLERANCE)


def reference_rouge(
    metric: Rouge, article: Article, summary: Summary
) -> Iterator[tuple[str, float]]:
    """Yield each part of ROUGE as the package `rouge_score` has it, where it can say it.

    It knows no words of other scripts, and how several references are combined is ours: the one
    with the best F-measure.
    """
    references = [r for r in article.references if r.strip()]
    if metric.tokenizer != "default" or metric.references != "max" or not summary.text.strip():
        return
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

    worded = DefaultTokenizer(use_stemmer=metric.stemmer).tokenize
    known = [_in_lines(metric, r) for r in references if worded(r)]
    if not known:
        return
    scorer = RougeScorer(list(metric.types), use_stemmer=metric.stemmer)
    scores = [scorer.score(reference, _in_lines(metric, summary.text)) for reference in known]
    for name in metric.types:
        best = max((score[name] for score in scores), key=lambda figures: figures.fmeasure)
        yield name, best.fmeasure
        yield f"{name}.precision", best.precision
        yield f"{name}.recall", best.recall


def _in_lines(metric: Rouge, text: str) -> str:
    if metric.split == "newline":
        return text
    return "\n".join(span.of(line) for line in text.split("\n") for span in sentences(line))
