"""One page, or one article and its summary, checked: verdict, sentences, flags, evidence."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalharness import text
from evalharness.config.calibration import Probability, load_calibration
from evalharness.config.named import named_check
from evalharness.errors import ConfigError, DataError
from evalharness.files.untrusted import read_whole
from evalharness.loaders.pages.loader import NO_ARTICLE, article_text, extra, parse_page
from evalharness.loaders.pages.parts import Page
from evalharness.protocols import Metric
from evalharness.records import (
    Article,
    Flag,
    Score,
    SentenceScore,
    Span,
    Summary,
    flag_kind,
    score_record,
)

Band = Literal["supported", "unsure", "flagged"]
VerdictWord = Literal["supported", "unsure", "flagged", "no_summary"]


@dataclass(frozen=True)
class Thresholds:
    """Where the bands of a score part: `flagged` below the first, `supported` from the second.

    probability: what a score says of the chance that the summary is consistent, if that was learnt.
    """

    flagged: float = 0.2
    supported: float = 0.5
    probability: Probability | None = None

    def __post_init__(self) -> None:
        """Refuse bands that overlap."""
        if not self.flagged <= self.supported:
            raise ValueError(f"flagged: {self.flagged} is above supported: {self.supported}")

    def band(self, value: float) -> Band:
        """Return the band of a value.

        >>> Thresholds(0.2, 0.5).band(0.3)
        'unsure'
        """
        if value < self.flagged:
            return "flagged"
        return "supported" if value >= self.supported else "unsure"


DEFAULT = Thresholds()


@dataclass(frozen=True)
class Sentence:
    """A sentence of the summary, its band, and the article's sentences that bear on it.

    value: None where the check says nothing of this sentence alone.
    """

    span: Span
    text: str
    value: float | None
    band: Band
    evidence: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a check says of a summary.

    verdict: `flagged` if a sentence is, or the score; `no_summary` on a page that has none.
    score: None where the check does not apply, and then `note` says why.
    probability: the chance that the summary is consistent, where a calibration tells it.
    page: the parts of the page, if it was one. Spans are characters of `summary` and `article`.
    """

    verdict: VerdictWord
    score: float | None
    sentences: tuple[Sentence, ...]
    flags: tuple[Flag, ...]
    note: str = ""
    check: str = ""
    article: str = ""
    summary: str = ""
    page: Page | None = None
    probability: float | None = None

    def record(self) -> dict[str, Any]:
        """Return the verdict as JSON has it; evidence with its text and its sentence's number."""
        places = NumberedSentences(self.article)
        flags = score_record(Score(None, flags=self.flags)).get("flags", [])
        return {
            "page": None if self.page is None else page_record(self.page),
            "verdict": self.verdict,
            "check": self.check,
            "score": self.score,
            "probability": self.probability,
            "note": self.note,
            "sentences": [
                {
                    "start": each.span.start,
                    "end": each.span.end,
                    "text": each.text,
                    "value": each.value,
                    "band": each.band,
                    "evidence": [places.record(span) for span in each.evidence],
                }
                for each in self.sentences
            ],
            "flags": [
                {**record, "text": flag.span.of(self.summary)}
                for record, flag in zip(flags, self.flags, strict=True)
            ],
        }


def page_record(page: Page) -> dict[str, Any]:
    """Return the parts of a page as JSON has them."""
    return {
        "title": page.title,
        "byline": list(page.byline),
        "timestamps": list(page.timestamps),
        "disclaimer": page.disclaimer,
        "photo_credit": page.photo_credit,
        "ai_summary": list(page.summary),
        "dateline": page.dateline,
        "body": list(page.body),
        "subheads": list(page.subheads),
        "source_tag": page.source_tag,
        "furniture": list(page.furniture),
    }


class NumberedSentences:
    """The sentences of an article by number, from 1."""

    def __init__(self, article: str) -> None:
        """Split an article."""
        self.article, self.sentences = article, text.sentences(article)

    def number(self, span: Span) -> int | None:
        """Return the number of the sentence in which a span begins."""
        found = (n for n, each in enumerate(self.sentences, 1) if span.start < each.end)
        return next(found, None)

    def record(self, span: Span) -> dict[str, Any]:
        """Return a span with its text and the number of its sentence."""
        said = " ".join(span.of(self.article).split())
        return {
            "start": span.start,
            "end": span.end,
            "text": said,
            "sentence": self.number(span),
        }


def verdict_and_bands(
    score: Score, thresholds: Thresholds = DEFAULT
) -> tuple[VerdictWord, dict[Span, Band]]:
    """Return the verdict of a score, and the band of each of its sentences.

    A sentence is flagged by a flag in it that names an error (any kind but `unsupported` and
    `swap`), or by a value below `thresholds.flagged`; it is supported from `thresholds.supported`
    on. A summary is flagged if a sentence, a flag or its score is; it is supported if all sentences
    and the score are; else unsure. Without a score it is unsure, unless flagged.
    """
    hard = [flag for flag in score.flags if flag_kind(flag.kind).hard]
    bands = {each.span: _band(each, hard, thresholds) for each in score.sentences}
    of_score = "unsure" if score.value is None else thresholds.band(score.value)
    met = {*bands.values(), of_score}
    if hard or "flagged" in met:
        return "flagged", bands
    return ("unsure" if "unsure" in met else "supported"), bands


def _band(sentence: SentenceScore, hard: list[Flag], thresholds: Thresholds) -> Band:
    span = sentence.span
    if any(flag.span.start < span.end and span.start < flag.span.end for flag in hard):
        return "flagged"
    return thresholds.band(sentence.value)


def check(
    page: str | Path | Page | Article,
    summary: str | None = None,
    *,
    check: str = "lexical",
    thresholds: Thresholds | None = None,
    checker: Metric | None = None,
) -> Verdict:
    """Check the summary on a page, or a summary against its article.

    page: the file of a page (a Path); the text or HTML of one; or, with `summary`, the article.
    check: the name of a check. thresholds: of its bands; default the check's own. checker: the
    check itself, with options of its own, in place of the one that has this name.

    Raises: DataError for a page without an article; UnknownComponent for a check that is none.
    """
    article, parts = _article(page, summary)
    given = article.extra.get("summary", "") if summary is None else summary
    if not given.strip():
        note = "the page has no summary" if parts else "the summary is empty"
        return Verdict("no_summary", None, (), (), note, check, article.text, "", parts)
    checker = checker or named_check(check, "check")
    [score] = checker.score([(article, Summary(article.id, given))])
    limits = thresholds or own_thresholds(checker)
    return verdict_of_score(score, article.text, given, check, limits, parts)


def verdict_of_score(
    score: Score,
    article: str,
    summary: str,
    check: str,
    limits: Thresholds = DEFAULT,
    page: Page | None = None,
) -> Verdict:
    """Return what a score says of a summary, sentence by sentence."""
    outcome, bands = verdict_and_bands(score, limits)
    learnt = limits.probability
    return Verdict(
        outcome,
        score.value,
        _sentences(summary, score, bands),
        score.flags,
        score.note,
        check,
        article,
        summary,
        page,
        learnt.of(score.value) if learnt and score.value is not None else None,
    )


def _article(page: str | Path | Page | Article, summary: str | None) -> tuple[Article, Page | None]:
    """Return the article, and the page that it comes from."""
    if isinstance(page, Article):
        return page, None
    if isinstance(page, str) and summary is not None:
        return Article("article", page), None
    if isinstance(page, Path):
        page = read_page(page)
    elif isinstance(page, str):
        page = parse_page(page.encode(errors="replace"))
    if not page.body:
        raise DataError(NO_ARTICLE)
    return Article(page.title or "page", article_text(page), extra=extra(page)), page


def read_page(path: Path) -> Page:
    """Return the parts of the page in a file. Raises: DataError."""
    try:
        content = read_whole(path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from error
    return parse_page(content, True if path.suffix.lower() in (".html", ".htm") else None)


def own_thresholds(checker: Any) -> Thresholds:
    """Return where a check, or its class, says that its bands part; else the usual ones."""
    own: Mapping[str, Any] | None = getattr(checker, "thresholds", None)
    return DEFAULT if own is None else Thresholds(**own)


def _sentences(summary: str, score: Score, bands: Mapping[Span, Band]) -> tuple[Sentence, ...]:
    """Return every sentence of the summary, also those that the check says nothing of."""
    judged = {each.span: each for each in score.sentences}
    spans = [*judged, *(s for s in text.sentences(summary) if not _overlaps_any(s, judged))]
    found = []
    for span in sorted(spans):
        known = judged.get(span)
        hard = any(flag_kind(f.kind).hard and _meet(f.span, span) for f in score.flags)
        band: Band = bands.get(span, "flagged" if hard else "unsure")
        value, evidence = (known.value, known.evidence) if known else (None, ())
        found.append(Sentence(span, span.of(summary), value, band, evidence))
    return tuple(found)


def _overlaps_any(span: Span, judged: Mapping[Span, SentenceScore]) -> bool:
    return any(_meet(span, other) for other in judged)


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def load_thresholds(path: str | Path) -> Thresholds:
    """Read `{"thresholds": {"flagged": x, "supported": y}}`, or what `calibrate` wrote.

    Raises: ConfigError
    """
    try:
        found = json.loads(read_whole(Path(path)))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict) or "thresholds" not in found:
        learnt = load_calibration(path).pooled
        if learnt.support_from is None:
            raise ConfigError(f"{path}: no thresholds: {learnt.reason}")
        flagged = learnt.flag_below
        # Where no threshold reaches the precision nothing is flagged, whatever the range.
        low = -math.inf if flagged is None else flagged
        try:
            return Thresholds(low, learnt.support_from, learnt.probability)
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error
    given = found["thresholds"]
    try:
        limits: dict[str, Any] = {name: float(value) for name, value in given.items()}
        if "probability" in limits:
            raise TypeError("unexpected 'probability'")
        return Thresholds(**limits)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: thresholds: {error}; known are flagged, supported") from error
