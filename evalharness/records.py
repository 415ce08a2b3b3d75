"""What flows through the harness: articles, summaries, scores. Frozen; text and numbers only.

Offsets are half-open character positions, as Python slices them.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Finish = Literal["stop", "length", "empty", "error"]
Defect = Literal[
    "empty", "looping", "cut", "echo", "refusal", "preamble", "about_article", "list", "title"
]
ScoreRecord = Mapping[str, Any]  # as `score_record` makes it
# Of an article that takes several prompts, by prompt (`1.0`: of the second round the first): the
# text that came with all that is known of it, or the `error` that kept it from coming.
PartAnswers = Mapping[str, Mapping[str, Any]]

# How the note of a score begins that is lacking only for now: `Score.passing`.
NO_ANSWER = "no answer: "


class Span(NamedTuple):
    """The characters from `start` up to `end`; a tuple, since a check makes hundreds of them.

    >>> Span(4, 9).of("The mayor said no.")
    'mayor'
    """

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the characters of `text` that the span covers."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Article:
    """A text to be summarized, with what is known about it.

    `extra` holds strings of the source row by name: `title`, `summary` (one that exists already),
    `system`, and whatever columns the config asked for.
    """

    id: str
    text: str
    references: tuple[str, ...] = ()
    source: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __reduce__(self) -> tuple[type["Article"], tuple[Any, ...]]:
        """Say how it is made again by a worker: sooner than dataclasses have it."""
        return Article, (self.id, self.text, self.references, self.source, self.extra)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no article: `where` it stands (`file:line`) and the reason."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summarizer wrote for an article, and how it came about.

    read: characters of the article that the summarizer saw, counted from its start unless there are
        `spans`; None where that is not known (a summary that came with the data).
    finish: `stop`, it ended by itself; `length`, the cap on new tokens ended it; `empty`, nothing
        but white space came; `error`, it could not be written, and `note` says why.
    tokens: new tokens written, without padding and end marks; None for a summarizer without tokens.
    tokens_in: tokens of all prompts that the model saw, without padding; None likewise.
    spans: what it saw, part by part, where that is not one piece from the start; they may overlap.
    calls: how many prompts it took, where that is not one; then `tokens_out` counts the new tokens
        of all of them, and `tokens` those of the last, which is the summary.
    parts_cut: how many texts that were merged into it ended at the cap; None where none did.
    """

    article_id: str
    text: str
    read: int | None = None
    finish: Finish = "stop"
    tokens: int | None = None
    tokens_in: int | None = None
    note: str = ""
    spans: tuple[Span, ...] = ()
    calls: int | None = None
    tokens_out: int | None = None
    parts_cut: int | None = None

    def __reduce__(self) -> tuple[type["Summary"], tuple[Any, ...]]:
        """Say how it is made again by a worker: sooner than dataclasses have it."""
        return Summary, (
            self.article_id, self.text, self.read, self.finish, self.tokens, self.tokens_in,
            self.note, self.spans, self.calls, self.tokens_out, self.parts_cut,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Begun:
    """An article, and what a model has answered so far of the prompts that it takes."""

    article: Article
    answers: PartAnswers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flag:
    """Something wrong in a summary: where, of what kind, in words, and what the article has."""

    span: Span
    kind: str
    message: str
    evidence: tuple[Span, ...] = ()


FlagLook = Literal["number", "date", "name", "negation", "quote", "role", "unsupported", "other"]


@dataclass(frozen=True, slots=True)
class FlagKind:
    """What a kind of flag means.

    look: colour and form of its underline on the page; kinds that are alike may share one.
    hard: whether it names a likely error, which alone flags a summary; a soft one (new wording)
        can stand at what is true to the article.
    planted: the kinds of planted errors that it names rightly, beside one of its very name.
    """

    meaning: str
    look: FlagLook = "other"
    hard: bool = True
    planted: tuple[str, ...] = ()


# Hard are kinds that people find wrong more often than not, in summaries of twelve sources. Words
# that the article lacks can still be true to it, of two names in one place both may be right, a
# country may be known from elsewhere, a name may be spelled in two ways, and words that only look
# like opposites may mean the same.
FLAG_KINDS: Mapping[str, FlagKind] = {
    "number": FlagKind("a number that the article lacks", "number", planted=("unit", "date")),
    "count": FlagKind(
        "a count that the article does not state", "number", hard=False, planted=("number", "date")
    ),
    "date": FlagKind("a date that the article lacks", "date"),
    "entity": FlagKind("a name that it lacks", "name", planted=("entity_swap", "novel_entity")),
    "background": FlagKind(
        "a country or a part of a name that the article does not give",
        "name",
        hard=False,
        planted=("entity_swap", "novel_entity"),
    ),
    "roles": FlagKind("who did what is reversed", "role", planted=("entity_swap", "role_swap")),
    "swap": FlagKind(
        "a name for another", "name", hard=False, planted=("entity_swap", "role_swap")
    ),
    "spelling": FlagKind(
        "a name that the article spells otherwise",
        "name",
        hard=False,
        planted=("entity_swap", "novel_entity"),
    ),
    "negation": FlagKind("what the article denies, or denied", "negation", planted=("antonym",)),
    "antonym": FlagKind("a word where the article has its opposite", "negation"),
    "contrast": FlagKind(
        "perhaps the opposite", "negation", hard=False, planted=("negation", "antonym")
    ),
    "hedge": FlagKind("certain, where the article is not", planted=("hedge_dropped",)),
    "quote": FlagKind("quoted, but not said", "quote", planted=("misattributed_quote",)),
    "quoted_word": FlagKind("a word in quotation marks that it lacks", "quote", hard=False),
    "attribution": FlagKind("said by another", "quote", planted=("misattributed_quote",)),
    "doubled": FlagKind("a word said twice, in the place of another"),
    "spliced": FlagKind("halves of two sentences as one"),
    "circumstance": FlagKind("a reason or circumstance that the article does not give"),
    "unsupported": FlagKind(
        "words that nothing supports", "unsupported", hard=False, planted=("invented_sentence",)
    ),
    # How a summary reads, whatever the article says: none of these is an error of fact.
    "repeated": FlagKind("what the summary has said already", hard=False),
    "looping": FlagKind("the same over and over", hard=False),
    "cut": FlagKind("a sentence without an end", hard=False),
    "dangling": FlagKind("a pronoun for nobody named", hard=False),
    "unbalanced": FlagKind("a quotation mark or bracket without its other one", hard=False),
    "language": FlagKind("another language than the article's", hard=False),
    "markup": FlagKind("marks of a format, left over", hard=False),
    "judge": FlagKind("what a judge found no support for"),
}


def flag_kind(name: str) -> FlagKind:
    """Return what a kind of flag means; one that no check of ours has is hard."""
    return FLAG_KINDS.get(name) or FlagKind("a finding of a plug-in")


def count_likely_errors(score: ScoreRecord) -> int:
    """Count the flags of a stored score that name a likely error: those of hard kinds."""
    return sum(flag_kind(flag["kind"]).hard for flag in score.get("flags", ()))


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """The score of one sentence of a summary, and the article's spans that bear on it."""

    span: Span
    value: float
    evidence: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """What a metric says of one summary; higher is better.

    value: None where the metric does not apply, and then `note` says why. Never NaN.
    parts: named components of the value; one that does not apply is left out.
    counts: statistics of a corpus-level metric, which are summed over the articles (else empty).
    passing: there is no value today (a server failed), and another day there may be: not stored;
        the note begins with `NO_ANSWER`.
    left_out: sentences of the article that matter and that the summary does not say, the
        weightiest first.
    reasons: what a judge gives as its reasons, in its own words.
    """

    value: float | None
    parts: Mapping[str, float] = field(default_factory=dict)
    sentences: tuple[SentenceScore, ...] = ()
    flags: tuple[Flag, ...] = ()
    note: str = ""
    counts: tuple[float, ...] = ()
    passing: bool = False
    left_out: tuple[Span, ...] = ()
    reasons: tuple[str, ...] = ()

    def flaw(self, article: Article, summary: Summary) -> str:
        """Say what of a summary's score is not as promised; empty if nothing is."""
        if self.value is None and not self.note:
            return "no value, and no note that says why"
        for number in self._numbers():
            if isinstance(number, bool) or not isinstance(number, int | float):
                return f"{number!r} is a {type(number).__name__}, not a float"
            if not math.isfinite(number):
                return f"{number} is no number"
        for span, text in self._spans(article, summary):
            if not 0 <= span.start < span.end <= len(text):
                return f"{span} is not within its text of {len(text)} characters"
        return ""

    def _numbers(self) -> Iterator[object]:
        if self.value is not None:
            yield self.value
        yield from self.parts.values()
        yield from self.counts
        yield from (sentence.value for sentence in self.sentences)

    def _spans(self, article: Article, summary: Summary) -> Iterator[tuple[Span, str]]:
        entries: list[SentenceScore | Flag] = [*self.sentences, *self.flags]
        for entry in entries:
            yield entry.span, summary.text
            yield from ((span, article.text) for span in entry.evidence)
        yield from ((span, article.text) for span in self.left_out)


@dataclass(frozen=True, slots=True)
class TwoSummaries:
    """Two summaries of an article, in the order in which a judge is shown them."""

    article: Article
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two summaries a judge prefers.

    first: 1 where it is the one shown first, 0 where it is the second, one half where both are as
        good; None where the judge does not say, and then `note` says why.
    probability: of the first, where the judge's answers have probabilities.
    passing: as of a score: not stored, and asked for again another day.
    """

    first: float | None
    probability: float | None = None
    note: str = ""
    reason: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's vote on two systems' summaries of an article.

    outcome: 1 where the summary of system_a is better, 0 where that of system_b is, 0.5 neither.
    order: 1 where system_a was shown first, -1 where it was second.
    """

    article_id: str
    source: str
    system_a: str
    system_b: str
    outcome: float
    order: int
    annotator: str
    reason: str = ""


def preference_record(preference: Preference) -> dict[str, Any]:
    """Return a preference as it is stored: without what is not known."""
    fields = {
        "probability": preference.probability,
        "note": preference.note or None,
        "reason": preference.reason or None,
        "tokens_in": preference.tokens_in,
        "tokens_out": preference.tokens_out,
    }
    return {"first": preference.first} | {k: v for k, v in fields.items() if v is not None}


def summary_record(summary: Summary) -> dict[str, Any]:
    """Return a summary as it is stored: without the article's id, and without what is not known."""
    known = {
        "text": summary.text,
        "read": summary.read,
        "finish": summary.finish,
        "tokens": summary.tokens,
        "tokens_in": summary.tokens_in,
        "note": summary.note or None,
        "spans": _span_records(summary.spans) or None,
        "calls": summary.calls,
        "tokens_out": summary.tokens_out,
        "parts_cut": summary.parts_cut,
    }
    return {key: value for key, value in known.items() if value is not None}


def summary_of(article_id: str, record: Mapping[str, Any]) -> Summary:
    """Return the summary that `summary_record` stored."""
    spans = tuple(Span(**span) for span in record.get("spans", ()))
    return Summary(article_id, **{**record, "spans": spans})


def unread_spans(summary: Mapping[str, Any], article: str) -> list[Span]:
    """Return what of an article whoever wrote a stored summary did not see; white space aside."""
    read, spans = summary.get("read"), summary.get("spans", ())
    if read is None:
        return []
    end = len(article.rstrip())
    if not spans and read >= end:
        return []
    seen = [_span_of(span) for span in spans] or [Span(0, read)]
    gaps, at = [], 0
    for span in [*sorted(seen, key=lambda each: each.start), Span(end, end)]:
        gap = Span(at, min(span.start, end))
        if gap.start < gap.end and gap.of(article).strip():
            gaps.append(gap)
        at = max(at, span.end)
    return gaps


def score_record(score: Score) -> dict[str, Any]:
    """Return a score as it is stored and shown in `samples.jsonl`."""
    record = {
        "value": score.value,
        "parts": dict(score.parts),
        "note": score.note,
        "counts": list(score.counts),
        "sentences": [
            {**_span_record(s.span), "value": s.value, "evidence": _span_records(s.evidence)}
            for s in score.sentences
        ],
        "flags": [
            {
                **_span_record(flag.span),
                "kind": flag.kind,
                "message": flag.message,
                "evidence": _span_records(flag.evidence),
            }
            for flag in score.flags
        ],
        "left_out": _span_records(score.left_out),
        "reasons": list(score.reasons),
    }
    return {key: value for key, value in record.items() if key == "value" or value}


_STORED = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def stored_text(record: object) -> str:
    """Return the JSON that a ledger has of a record.

    Keys are in the order given, so that a record that is read back is written as a fresh one is.
    """
    return _STORED.encode(record)


class ScoreText(NamedTuple):
    """A score as the text that the store keeps of it; passing, flaw: as `Score` has them."""

    text: str = ""
    passing: bool = False
    flaw: str = ""


def score_texts(
    scores: Sequence[Score], pairs: Sequence[tuple[Article, Summary]]
) -> list[ScoreText]:
    """Return scores as texts, each looked at for flaws: empty ones if they are not one a pair."""
    if len(scores) != len(pairs):
        return [ScoreText()] * len(scores)
    return [_score_text(score, *pair) for score, pair in zip(scores, pairs, strict=True)]


def _score_text(score: Score, article: Article, summary: Summary) -> ScoreText:
    if flaw := score.flaw(article, summary):
        return ScoreText(flaw=flaw)
    return ScoreText(stored_text(score_record(score)), score.passing)


def score_of(record: Mapping[str, Any]) -> Score:
    """Return a score that `score_record` stored."""
    return Score(
        record["value"],
        parts=record.get("parts", {}),
        sentences=tuple(
            SentenceScore(_span_of(each), each["value"], _spans_of(each["evidence"]))
            for each in record.get("sentences", ())
        ),
        flags=tuple(
            Flag(_span_of(each), each["kind"], each["message"], _spans_of(each["evidence"]))
            for each in record.get("flags", ())
        ),
        note=record.get("note", ""),
        counts=tuple(record.get("counts", ())),
        left_out=_spans_of(record.get("left_out", ())),
        reasons=tuple(record.get("reasons", ())),
    )


def _span_of(record: Mapping[str, Any]) -> Span:
    return Span(record["start"], record["end"])


def _spans_of(records: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(_span_of(each) for each in records)


def _span_record(span: Span) -> dict[str, int]:
    return {"start": span.start, "end": span.end}


def _span_records(spans: Sequence[Span]) -> list[dict[str, int]]:
    return [_span_record(span) for span in spans]


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
_CANONICAL_TEXT = json.encoder.encode_basestring_ascii


def canonical(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, lone surrogates escaped."""
    return _CANONICAL.encode(value)


def digest(*values: object) -> str:
    """Return 32 hexadecimal digits that name the content of some JSON values.

    >>> digest("a", ["b"])
    '119b2cccb78d8af00d43200f37c2282f'
    """
    text = f"[{','.join(map(_canonical_text, values))}]"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _canonical_text(value: object) -> str:
    """Return what `canonical` does, sooner for what most keys are of: texts, also under names."""
    if type(value) is str:
        return _CANONICAL_TEXT(value)
    if value is None:
        return "null"
    if type(value) is tuple and all(type(each) is str for each in value):
        return f"[{','.join(map(_CANONICAL_TEXT, value))}]"
    if type(value) is dict and all(type(name) is str for name in value):
        fields = (f"{_CANONICAL_TEXT(n)}:{_canonical_text(value[n])}" for n in sorted(value))
        return f"{{{','.join(fields)}}}"
    return canonical(value)
