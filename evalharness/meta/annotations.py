"""What people answered on the page of a study: read, joined, and made into labels for `meta`.

Every row is used or listed with the reason. Several answers to one question come to one by the
majority, ratings by their mean; where there is no majority there is no label.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from evalharness.errors import DataError
from evalharness.loaders import formats
from evalharness.meta.label_studio import label_studio_rows
from evalharness.meta.potato import potato_rows
from evalharness.records import Rejected, Span, canonical, digest
from evalharness.stats import preferences, raters
from evalharness.stats.agreement import character_counts
from evalharness.stats.intervals import Values, none_for_nan
from evalharness.stats.multiplicity import holm
from evalharness.stats.paired import percentile_interval

StudyProtocol = Literal["flags", "spans", "ratings", "pairs"]
STUDY_PROTOCOLS: tuple[str, ...] = get_args(StudyProtocol)

ANSWERS_FORMAT = 1
ERROR, FINE, UNSURE = "error", "fine", "unsure"
ADJUDICATION = (
    "A label, a flag or a character of a span is what more than half of its annotators say, those "
    "who were not sure left out; without a majority there is no label. A rating is the mean over "
    "annotators. Preferences stay votes, a row each. Attention checks make no labels."
)
# A rating of a summary of another article that shows that it was read.
_LOW_RATING = 2
_OUTCOMES: Mapping[str, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass(frozen=True)
class Annotation:
    """One annotator's answer to one item.

    texts: the summaries that were shown, in that order; systems: who wrote them. answer: what the
    page wrote, by the protocol. expected: the right answer of an attention check, "" for others.
    """

    where: str
    study: str
    protocol: str
    item: str
    annotator: str
    article_id: str
    article: str
    source: str
    systems: tuple[str, ...]
    texts: tuple[str, ...]
    answer: Mapping[str, Any]
    seconds: float
    expected: str = ""
    references: tuple[str, ...] = ()

    @property
    def label(self) -> bool | None:
        """Whether the annotator found the summary true to its article; None if not said."""
        label = self.answer.get("label")
        return None if label is None else bool(label)

    @property
    def spans(self) -> list[Span]:
        """What the annotator marked as wrong."""
        return [Span(each["start"], each["end"]) for each in self.answer.get("spans", ())]

    @property
    def passed(self) -> bool:
        """Whether an attention check was answered as somebody does who reads."""
        if self.protocol == "pairs":
            return bool(self.answer["preferred"] == self.expected)
        if self.protocol == "ratings":
            return bool(min(self.answer["ratings"].values()) <= _LOW_RATING)
        return self.label is False


@dataclass(frozen=True)
class AnnotationSet:
    """The answers of all annotators, and the rows that are not used, each with the reason.

    checks: answers to attention checks. n: rows read: those here, in checks, and rejected.
    """

    answers: tuple[Annotation, ...]
    checks: tuple[Annotation, ...]
    rejected: tuple[Rejected, ...]
    n: int


def read_annotations(paths: Sequence[str | Path]) -> AnnotationSet:
    """Read files that the page of a study wrote; of an item that was answered again, the last.

    What Label Studio exports as JSON is read, too, and the folder of a Potato project, of studies
    that `write_exchange` wrote.

    Raises: DataError for a file that cannot be read, and where no row can be used.
    """
    latest: dict[tuple[str, ...], Annotation] = {}
    rejected: list[Rejected] = []
    n = 0
    for path in paths:
        for where, row in _rows(Path(path)):
            n += 1
            try:
                new = _annotation(where, row)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                rejected.append(Rejected(where, _reason(error)))
                continue
            key = (new.study, new.protocol, new.item, new.annotator)
            if old := latest.pop(key, None):
                rejected.append(Rejected(old.where, f"answered again at {where}"))
            latest[key] = new
    if not latest:
        reasons = "".join(f"\n{bad.where}: {bad.reason}" for bad in rejected[:5])
        raise DataError(f"{', '.join(map(str, paths))}: none of {n} rows can be used{reasons}")
    every = latest.values()
    return AnnotationSet(
        tuple(each for each in every if not each.expected),
        tuple(each for each in every if each.expected),
        tuple(rejected),
        n,
    )


def _rows(path: Path) -> Iterable[tuple[str, Any]]:
    if path.is_dir():
        yield from potato_rows(path)
        return
    if formats.first_bytes(path).lstrip()[:1] == b"[":
        yield from label_studio_rows(path)
        return
    with formats.name_in_errors(path), path.open("rb") as stream:
        for number, row in formats.json_lines(stream):
            yield f"{path}:{number}", row


def answer_rows(annotations: AnnotationSet) -> list[dict[str, Any]]:
    """Return the answers as rows of the page, attention checks too."""
    return [_row_of(each) for each in (*annotations.answers, *annotations.checks)]


def _row_of(each: Annotation) -> dict[str, Any]:
    named = ("study", "protocol", "item", "annotator", "article_id", "source", "expected")
    return {
        "format": ANSWERS_FORMAT,
        **{name: getattr(each, name) for name in named},
        "complete": True,
        "seconds": each.seconds,
        "systems": list(each.systems),
        "answer": dict(each.answer),
        "article": each.article,
        "references": list(each.references),
        "summaries": list(each.texts),
    }


class _Unusable(ValueError):
    """Why a row cannot be used."""


def _reason(error: Exception) -> str:
    if isinstance(error, _Unusable):
        return str(error)
    if isinstance(error, KeyError):
        return f"no field {error.args[0]!r}; the page of a study writes it"
    return "not a row as the page of a study writes it"


def _annotation(where: str, row: Any) -> Annotation:
    if not isinstance(row, Mapping):
        raise _Unusable(row if isinstance(row, str) else "no object")
    if not row.get("annotator", True):
        raise _Unusable("nobody is named who answered")
    if row["protocol"] not in STUDY_PROTOCOLS:
        raise _Unusable(f"no protocol {row['protocol']!r}: {', '.join(STUDY_PROTOCOLS)}")
    texts = tuple(_text(each) for each in row["summaries"])
    if not row.get("complete", True):
        raise _Unusable("not answered to the end")
    if len(texts) != (2 if row["protocol"] == "pairs" else 1) or len(texts) != len(row["systems"]):
        raise _Unusable(f"{len(texts)} summaries and {len(row['systems'])} systems")
    _CHECKS[row["protocol"]](row["answer"], texts)
    seconds = row.get("seconds", 0.0)
    named = ("study", "protocol", "item", "annotator", "article_id", "article", "source")
    return Annotation(
        where=where,
        **{name: _text(row[name]) for name in named},
        systems=tuple(_text(name) for name in row["systems"]),
        texts=texts,
        answer=row["answer"],
        seconds=float(seconds) if math.isfinite(float(seconds)) else 0.0,
        expected=_text(row.get("expected") or ""),
        references=tuple(_text(each) for each in row.get("references") or ()),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unusable(f"{str(value)[:40]!r} is no text")
    return value


def _check_label(answer: Mapping[str, Any]) -> None:
    label = answer["label"]
    if label is not None and (not isinstance(label, bool | int) or label not in (0, 1)):
        raise _Unusable(f"'label' should be 1 (true to the article), 0 or null, not {label!r}")


def _check_span(span: Any, text: str) -> None:
    start, end = span["start"], span["end"]
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(text):
        raise _Unusable(f"the span {start}-{end} is not inside the summary (0-{len(text)})")


def _check_flags(answer: Mapping[str, Any], texts: Sequence[str]) -> None:
    _check_label(answer)
    for flag in answer["verdicts"]:
        _check_span(flag, texts[0])
        _text(flag["kind"])
        if flag["verdict"] not in (ERROR, FINE, UNSURE):
            raise _Unusable(f"no verdict {flag['verdict']!r}: {ERROR}, {FINE}, {UNSURE}")


def _check_spans(answer: Mapping[str, Any], texts: Sequence[str]) -> None:
    _check_label(answer)
    for span in answer["spans"]:
        _check_span(span, texts[0])
        _text(span["type"])
        if span["severity"] not in ("minor", "major"):
            raise _Unusable(f"no severity {span['severity']!r}: minor, major")


def _check_ratings(answer: Mapping[str, Any], _: Sequence[str]) -> None:
    if not answer["ratings"]:
        raise _Unusable("no rating")
    for name, rating in answer["ratings"].items():
        if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
            raise _Unusable(f"{name!r} should be rated 1 to 5, not {rating!r}")


def _check_pairs(answer: Mapping[str, Any], _: Sequence[str]) -> None:
    if answer["preferred"] not in _OUTCOMES:
        raise _Unusable(f"'preferred' should be a, b or tie, not {answer['preferred']!r}")


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Sequence[str]], None]] = {
    "flags": _check_flags,
    "spans": _check_spans,
    "ratings": _check_ratings,
    "pairs": _check_pairs,
}


# --- What several annotators come to


def label_rows(annotations: AnnotationSet) -> list[dict[str, Any]]:
    """Return a row a summary as `meta`, `calibrate` and `compare` read labels; pairs make none."""
    by_summary: dict[tuple[str, ...], list[Annotation]] = defaultdict(list)
    for each in annotations.answers:
        if each.protocol != "pairs":
            key = (each.source, each.article_id, each.article, each.systems[0], each.texts[0])
            by_summary[key].append(each)
    return [_label_row(answers) for answers in by_summary.values()]


def _label_row(answers: Sequence[Annotation]) -> dict[str, Any]:
    first = answers[0]
    scores = _mean_ratings(answers)
    marking = [each for each in answers if each.protocol == "spans"]
    return {
        "article_id": first.article_id,
        "source": first.source or "study",
        "system": first.systems[0],
        "article": first.article,
        "summary": first.texts[0],
        **({"references": list(first.references)} if first.references else {}),
        "label": _majority([each.label for each in answers if each.protocol != "ratings"]),
        **({"score": float(np.mean([*scores.values()])), "scores": scores} if scores else {}),
        **({"spans": _majority_spans(marking)} if marking else {}),
        "annotators": sorted({each.annotator for each in answers}),
    }


def _majority(votes: Iterable[bool | None]) -> int | None:
    """Return what more than half say of those who say anything; None without a majority."""
    counted = Counter(vote for vote in votes if vote is not None)
    if counted[True] == counted[False]:
        return None
    return int(counted[True] > counted[False])


def _mean_ratings(answers: Sequence[Annotation]) -> dict[str, float]:
    ratings: dict[str, list[int]] = defaultdict(list)
    for each in answers:
        for name, rating in each.answer.get("ratings", {}).items():
            ratings[name].append(rating)
    return {name: float(np.mean(values)) for name, values in ratings.items()}


def _majority_spans(marking: Sequence[Annotation]) -> list[dict[str, Any]]:
    """Return the stretches that more than half marked, each with what most call it."""
    votes = np.zeros(len(marking[0].texts[0]) + 2)
    for each in marking:
        votes[[at + 1 for at in _marked(each)]] += 1
    edges = np.flatnonzero(np.diff((votes > len(marking) / 2).astype(int)))
    spans = [Span(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
    return [{"start": span.start, "end": span.end, **_name_span(span, marking)} for span in spans]


def _name_span(span: Span, marking: Sequence[Annotation]) -> dict[str, Any]:
    marks = [
        mark
        for each in marking
        for mark in each.answer["spans"]
        if mark["start"] < span.end and span.start < mark["end"]
    ]
    types = Counter(mark["type"] for mark in marks)
    major = sum(mark["severity"] == "major" for mark in marks)
    return {
        "type": max(sorted(types), key=types.__getitem__),
        "severity": "major" if major * 2 >= len(marks) else "minor",
    }


def preference_rows(annotations: AnnotationSet) -> list[dict[str, Any]]:
    """Return a row a vote: outcome 1 where `system_a` is preferred, 0 `system_b`, 0.5 a tie.

    `system_a` comes first in the alphabet; order: 1 where it was shown first, -1 where second.
    """
    return [_preference(each) for each in annotations.answers if each.protocol == "pairs"]


def _preference(vote: Annotation) -> dict[str, Any]:
    turned = vote.systems[0] > vote.systems[1]
    outcome = _OUTCOMES[vote.answer["preferred"]]
    one, other = sorted(vote.systems)
    return {
        "article_id": vote.article_id,
        "source": vote.source,
        "system_a": one,
        "system_b": other,
        "outcome": 1 - outcome if turned else outcome,
        "order": -1 if turned else 1,
        "annotator": vote.annotator,
        "reason": vote.answer.get("reason", ""),
    }


def flag_rows(annotations: AnnotationSet) -> list[dict[str, Any]]:
    """Return a row a flag that people judged, as `gate --known-flags` reads it.

    verdict: what more than half say, `error` or `fine`; flags without a majority are left out.
    """
    votes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for each in annotations.answers:
        for flag in each.answer.get("verdicts", ()) if each.protocol == "flags" else ():
            words = each.texts[0][flag["start"] : flag["end"]]
            votes[each.article_id, flag["kind"], words].append(flag["verdict"])
    rows = []
    for (article_id, kind, words), verdicts in votes.items():
        wrong = _majority({ERROR: True, FINE: False}.get(verdict) for verdict in verdicts)
        if wrong is not None:
            verdict = ERROR if wrong else FINE
            rows.append({"article_id": article_id, "kind": kind, "words": words} | {
                "verdict": verdict, "annotators": len(verdicts)
            })  # fmt: skip
    return rows


# --- How well annotators agree


# --- Which system people prefer


def system_preferences(annotations: AnnotationSet) -> dict[str, Any]:
    """Return how often each system is preferred, by the statistics that judges' answers get.

    Of several votes on a pair the majority counts; as many of both are a tie. `systems`: by name
    the win rate and the Bradley-Terry strength, with intervals over articles; `pairs`: of each two
    the articles, the rate of the first, p by paired randomization, and p over all pairs (Holm);
    `first_shown`: how often the summary that was shown first is preferred. Empty without votes.
    """
    votes = preference_rows(annotations)
    if not votes:
        return {}
    names = sorted({vote[key] for vote in votes for key in ("system_a", "system_b")})
    outcomes = _outcomes_of(votes, names)
    known = ~np.isnan(outcomes)
    wins = preferences.win_matrix(np.nansum(outcomes, axis=0), known.sum(axis=0) * 1.0, len(names))
    return {
        "systems": _standings(names, wins, outcomes),
        "pairs": _preferred_pairs(names, outcomes),
        "first_shown": _first_shown(votes),
    }


def _outcomes_of(votes: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Values:
    """Return the majority of each article and pair, shape (articles, pairs); NaN for no vote."""
    articles = list(dict.fromkeys((vote["source"], vote["article_id"]) for vote in votes))
    pairs = [(names[i], names[j]) for i, j in preferences.system_pairs(len(names))]
    totals = np.zeros((2, len(articles), len(pairs)))
    for vote in votes:
        at = articles.index((vote["source"], vote["article_id"]))
        pair = pairs.index((vote["system_a"], vote["system_b"]))
        totals[:, at, pair] += (2 * vote["outcome"] - 1, 1)
    majority: Values = np.where(totals[1] > 0, (1 + np.sign(totals[0])) / 2, np.nan)
    return majority


def _standings(names: Sequence[str], wins: Values, outcomes: Values) -> dict[str, Any]:
    drawn = preferences.resample_wins(outcomes, len(names), seed=0)
    rates, strengths = preferences.win_rates(wins), preferences.strengths(wins)
    ends = {"rate": percentile_interval(preferences.win_rates(drawn.wins))}
    if not np.isnan(strengths).any():
        ends["strength"] = percentile_interval(drawn.strengths())
    found: dict[str, Any] = {}
    for n, name in enumerate(names):
        figures = {"rate": rates[n], "strength": strengths[n]}
        for key, (low, high) in ends.items():
            figures |= {f"{key}_low": low[n], f"{key}_high": high[n]}
        found[name] = {key: none_for_nan(float(value)) for key, value in figures.items()}
    return found


def _preferred_pairs(names: Sequence[str], outcomes: Values) -> list[dict[str, Any]]:
    p_values = preferences.pair_tests(outcomes, seed=0).tolist()
    rows = zip(preferences.system_pairs(len(names)), outcomes.T, p_values, holm(p_values),
               strict=True)  # fmt: skip
    return [
        {"first": names[i], "second": names[j], "n": int((~np.isnan(column)).sum()),
         "rate": float(np.nanmean(column)), "p": p, "p_holm": p_holm}
        for (i, j), column, p, p_holm in rows
        if not np.isnan(column).all()
    ]  # fmt: skip


def _first_shown(votes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ids = list(dict.fromkeys(vote["article_id"] for vote in votes))
    first = [vote["outcome"] if vote["order"] > 0 else 1 - vote["outcome"] for vote in votes]
    places = np.array([ids.index(vote["article_id"]) for vote in votes], dtype=np.intp)
    return asdict(preferences.share_of(np.array(first), places, seed=0))


@dataclass(frozen=True)
class StudyAgreement:
    """How well annotators agree, by question; `record()` is what `--json` prints.

    questions: by name (`label`, `flags`, `spans`, `preference`, a dimension): how many questions
    and answers, which figures, each with its value and two intervals, and the bias of each
    annotator. annotators: by name: answers, median seconds, attention checks passed.
    preferences: as `system_preferences` has them.
    """

    questions: Mapping[str, Any]
    annotators: Mapping[str, Any]
    preferences: Mapping[str, Any]
    rows: int
    rejected: Sequence[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    adjudication: str = ADJUDICATION

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return dict(vars(self))


@dataclass(frozen=True)
class _Question:
    """Answers to one question: item, annotator, number; and the article of each item."""

    ordered: bool
    answers: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    articles: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, item: str, each: Annotation, number: float) -> None:
        self.answers.append((item, each.annotator, number))
        self.articles[item] = each.article_id


def study_agreement(annotations: AnnotationSet) -> StudyAgreement:
    """Return how well the annotators agree, with intervals over articles and over annotators."""
    questions = {name: _figures(asked) for name, asked in _questions(annotations).items()}
    spans = _span_figures(annotations)
    return StudyAgreement(
        questions | ({"spans": spans} if spans else {}),
        _annotators(annotations),
        system_preferences(annotations),
        annotations.n,
        [{"where": bad.where, "reason": bad.reason} for bad in annotations.rejected],
    )


def _questions(annotations: AnnotationSet) -> dict[str, _Question]:
    found: dict[str, _Question] = {}
    for each in annotations.answers:
        item = each.item
        for name, key, number, ordered in _numbers(each):
            question = found.setdefault(name, _Question(ordered))
            question.add(f"{item} {key}", each, number)
    return found


def _numbers(each: Annotation) -> Iterable[tuple[str, str, float, bool]]:
    """Yield question, item within it, answer as a number, whether its categories are ordered."""
    if each.protocol == "pairs":
        outcome = _OUTCOMES[each.answer["preferred"]]
        yield "preference", "", outcome if each.systems[0] <= each.systems[1] else 1 - outcome, True
    if each.label is not None and each.protocol in ("flags", "spans"):
        yield "label", each.protocol, float(each.label), False
    for name, rating in each.answer.get("ratings", {}).items():
        yield name, "", float(rating), True
    for flag in each.answer.get("verdicts", ()):
        if flag["verdict"] != UNSURE:
            key = canonical([flag["start"], flag["end"], flag["kind"]])
            yield "flags", key, float(flag["verdict"] == ERROR), False


_NOMINAL: Mapping[str, raters.AgreementStatistic] = {
    "percent": raters.percent_agreement,
    "cohen_kappa": raters.mean_cohen_kappa,
    "fleiss_kappa": raters.fleiss_kappa,
    "alpha_nominal": raters.krippendorff_alpha,
}
_ORDERED: Mapping[str, raters.AgreementStatistic] = {
    "weighted_kappa": lambda answers: raters.mean_cohen_kappa(answers, "quadratic"),
    "alpha_ordinal": lambda answers: raters.krippendorff_alpha(answers, "ordinal"),
    "alpha_interval": lambda answers: raters.krippendorff_alpha(answers, "interval"),
}
_SHARE, _COEFFICIENT = (0.0, 1.0), (-1.0, 1.0)


def _figures(asked: _Question) -> dict[str, Any]:
    table, items, annotators = raters.answer_table(asked.answers)
    articles = [asked.articles[item] for item in items]
    shared = (~np.isnan(table)).sum(axis=1) > 1
    found: dict[str, Any] = {
        "questions": len(items),
        "answers": len(asked.answers),
        "shared": int(shared.sum()),
        "mean": {name: float(np.nanmean(table[:, n])) for n, name in enumerate(annotators)},
    }
    if not shared.any():
        return found
    of_shared = [article for article, both in zip(articles, shared, strict=True) if both]
    for name, statistic in {**_NOMINAL, **(_ORDERED if asked.ordered else {})}.items():
        bounds = _SHARE if name == "percent" else _COEFFICIENT
        found |= _flat(name, raters.with_intervals(statistic, table[shared], of_shared, bounds))
    found["bias"] = {name: _bias(table[shared], n, of_shared) for n, name in enumerate(annotators)}
    return found


def _bias(table: Values, annotator: int, articles: Sequence[str]) -> dict[str, float | None]:
    answered = ~np.isnan(table[:, annotator])
    ids = [article for article, there in zip(articles, answered, strict=True) if there]
    figure = raters.with_intervals(
        lambda answers: (
            raters.annotator_bias(answers, annotator)
            if answers.shape[1] == table.shape[1]
            else math.nan
        ),
        table[answered],
        ids,
        (-math.inf, math.inf),
    )
    return {key: value for key, value in _flat("bias", figure).items() if "wide" not in key}


def _flat(name: str, figure: raters.AgreementFigure) -> dict[str, float | None]:
    ends = {"": figure.value, "_low": figure.low, "_high": figure.high,
            "_wide_low": figure.wide_low, "_wide_high": figure.wide_high}  # fmt: skip
    return {f"{name}{end}": none_for_nan(value) for end, value in ends.items()}


def _span_figures(annotations: AnnotationSet) -> dict[str, Any]:
    """Return the F1 of characters and gamma of what each two annotators marked, over all pairs.

    With how much more each annotator marks than the others do.
    """
    pairs = list(_pairs_of_marks(annotations))
    if not pairs:
        return {}
    table = np.array([character_counts(one.spans, two.spans) for one, two in pairs], float)
    # Its columns are counts, not annotators: no interval over annotators.
    articles = [one.article_id for one, _ in pairs]
    figure = raters.with_intervals(_f1_of_columns, table, articles, _SHARE)
    flat = {key: value for key, value in _flat("f1", figure).items() if "wide" not in key}
    n = {"questions": len({one.item for one, _ in pairs}), "pairs": len(pairs)}
    return n | flat | _gamma_figures(pairs, articles) | _span_biases(annotations)


def _gamma_figures(
    pairs: Sequence[tuple[Annotation, Annotation]], articles: Sequence[str]
) -> dict[str, Any]:
    """Return gamma over all pairs: 1 less the disorder of spans over what chance gives.

    The interval is over articles, with what chance gives as it is.
    """
    units = [(_units_of(one), _units_of(two)) for one, two in pairs]
    table = np.array(
        [[raters.span_disorder(*both), (len(both[0]) + len(both[1])) / 2] for both in units]
    )
    by_chance = _chance_disorder(pairs) / table[:, 1].sum() if table[:, 1].any() else 0.0
    if not by_chance:
        return {}

    def gamma(rows: Values) -> float:
        if rows.shape[1] != table.shape[1] or not rows[:, 1].any():
            return math.nan
        return 1 - float(rows[:, 0].sum() / rows[:, 1].sum() / by_chance)

    figure = raters.with_intervals(gamma, table, articles, (-math.inf, 1.0))
    return {key: value for key, value in _flat("gamma", figure).items() if "wide" not in key}


def _units_of(each: Annotation, offset: int = 0) -> list[raters.MarkedSpan]:
    return [
        (offset + mark["start"], offset + mark["end"], mark["type"])
        for mark in each.answer["spans"]
    ]


def _chance_disorder(pairs: Sequence[tuple[Annotation, Annotation]]) -> float:
    """Return the disorder that chance gives each two annotators, over their summaries in a row."""
    by_people: dict[tuple[str, str], list[tuple[Annotation, Annotation]]] = defaultdict(list)
    for one, two in pairs:
        first, second = sorted((one, two), key=lambda each: each.annotator)
        by_people[first.annotator, second.annotator].append((first, second))
    total = 0.0
    for of_both in by_people.values():
        length = 0
        ours: list[raters.MarkedSpan] = []
        theirs: list[raters.MarkedSpan] = []
        for one, two in of_both:
            ours += _units_of(one, length)
            theirs += _units_of(two, length)
            length += len(one.texts[0])
        total += raters.expected_disorder(ours, theirs, length)
    return total


def _span_biases(annotations: AnnotationSet) -> dict[str, Any]:
    """Return how many more characters in 100 each annotator marks than the others do."""
    answers = [
        (each.item, each.annotator, 100 * len(_marked(each)) / max(1, len(each.texts[0])))
        for each in annotations.answers
        if each.protocol == "spans"
    ]
    article = {each.item: each.article_id for each in annotations.answers}
    table, items, names = raters.answer_table(answers)
    shared = (~np.isnan(table)).sum(axis=1) > 1
    ids = [article[item] for item, both in zip(items, shared, strict=True) if both]
    return {
        "mean": {name: float(np.nanmean(table[:, n])) for n, name in enumerate(names)},
        "bias": {name: _bias(table[shared], n, ids) for n, name in enumerate(names)},
    }


def _marked(each: Annotation) -> set[int]:
    return {at for span in each.spans for at in range(span.start, span.end)}


def _pairs_of_marks(annotations: AnnotationSet) -> Iterator[tuple[Annotation, Annotation]]:
    """Yield each two annotators' marks of one summary."""
    by_item: dict[str, list[Annotation]] = defaultdict(list)
    for each in annotations.answers:
        if each.protocol == "spans":
            by_item[each.item].append(each)
    for answers in by_item.values():
        yield from combinations(answers, 2)


def _f1_of_columns(counts: Values) -> float:
    return raters.span_f1(counts) if counts.shape[1] == len(_COUNTED) else math.nan


_COUNTED = ("both", "one", "other")


def _annotators(annotations: AnnotationSet) -> dict[str, Any]:
    found: dict[str, Any] = {}
    every = (*annotations.answers, *annotations.checks)
    for name in sorted({each.annotator for each in every}):
        checks = [each.passed for each in annotations.checks if each.annotator == name]
        seconds = [each.seconds for each in annotations.answers if each.annotator == name]
        found[name] = {
            "answers": len(seconds),
            "median_seconds": float(np.median(seconds)) if seconds else None,
            "attention_checks": len(checks),
            "attention_passed": sum(checks),
        }
    return found


def item_id(article: str, texts: Sequence[str]) -> str:
    """Return what names an item in every study: its article and summaries, in whichever order."""
    return digest(article, sorted(texts))[:16]


def rows_as_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)
