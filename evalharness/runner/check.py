"""`check`: the verdict on the summary of a page, or of an article, sentence by sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evalharness import text
from evalharness.config.build import named_check
from evalharness.config.calibration import Band, Thresholds, own_thresholds
from evalharness.display import data_frame, html_block, html_table, html_text, marked_text
from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole
from evalharness.loaders.pages.loader import NO_ARTICLE, extra, parse_page
from evalharness.loaders.pages.parts import NO_GUIDE, PARTS, Page
from evalharness.loaders.pages.sites import Guide
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

USUAL = Thresholds()
MOST_MARGIN = 99.9  # shown; what is never part of a summary has a larger one
VerdictWord = Literal["supported", "unsure", "flagged", "no_summary", "uncertain", "no_verdict"]


@dataclass(frozen=True)
class Sentence:
    """A sentence of the summary, its band, and the article's sentences that bear on it.

    value: None where the check says nothing of this sentence alone. band: None where the check
        gives no verdict.
    """

    span: Span
    text: str
    value: float | None
    band: Band | None
    evidence: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a check says of a summary.

    verdict: `flagged` if a sentence is, or the score; `no_summary` on a page that has none;
    `uncertain` where it is not clear which lines of the page are the summary, as `note` says;
    `no_verdict` by a check of what a summary says and how, and not of whether it is true.
    score: None where the check does not apply, and then `note` says why.
    probability: the chance that the summary is consistent, where a calibration tells it.
    left_out: sentences of the article that matter and that the summary does not say.
    reasons: what a judge gives as its reasons, in its own words.
    page: the parts of the page, if it was one. Spans are characters of `summary` and `article`.
    joined: the verdicts of several checks that this one joins, the deciding one first.
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
    joined: tuple["Verdict", ...] = ()
    left_out: tuple[Span, ...] = ()
    reasons: tuple[str, ...] = ()

    def __repr__(self) -> str:
        score = "" if self.score is None else f", {self.check} {self.score * 100:.1f}"
        first = f": {self.flags[0].message}" if self.flags else ""
        more = f" and {len(self.flags) - 1} more" if len(self.flags) > 1 else ""
        return f"Verdict({self.verdict}{score}{first}{more})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the verdict, the summary with its flagged words marked."""
        score = "" if self.score is None else f" ({self.check} {self.score * 100:.1f})"
        rows = [
            [
                str(n),
                sentence.band or "–",
                "–" if sentence.value is None else f"{sentence.value * 100:.1f}",
            ]
            for n, sentence in enumerate(self.sentences, 1)
        ]
        return html_block(
            html_text(f"{self.verdict}{score}", style="verdict"),
            marked_text(self.summary, self.flags, self.article),
            html_table(["sentence", "band", "score"], rows, words=2) if rows else "",
            html_text(self.note, style="notes") if self.note else "",
        )

    def to_pandas(self) -> Any:
        """Return a pandas frame: a row a sentence of the summary, with its band and flags."""
        return data_frame(
            [
                {
                    "sentence": sentence.text,
                    "value": sentence.value,
                    "band": sentence.band,
                    "flags": [f.message for f in self.flags if _overlap(f.span, sentence.span)],
                    "evidence": [span.of(self.article) for span in sentence.evidence],
                }
                for sentence in self.sentences
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return self.record()

    def record(self) -> dict[str, Any]:
        """Return the verdict as JSON has it; evidence with its text and its sentence's number."""
        numbered = NumberedSentences(self.article)
        flags = score_record(Score(None, flags=self.flags)).get("flags", [])
        return {
            "page": None if self.page is None else _page_record(self.page),
            "reading": None if self.page is None else _reading_record(self.page),
            "verdict": self.verdict,
            "check": self.check,
            "score": self.score,
            "probability": self.probability,
            "note": self.note,
            "likely_errors": len(likely_errors(self.flags)),
            "sentences": [
                {
                    "start": sentence.span.start,
                    "end": sentence.span.end,
                    "text": sentence.text,
                    "value": sentence.value,
                    "band": sentence.band,
                    "evidence": [numbered.record(span) for span in sentence.evidence],
                }
                for sentence in self.sentences
            ],
            "flags": [
                {
                    **record,
                    "text": flag.span.of(self.summary),
                    "likely_error": flag_kind(flag.kind).hard,
                }
                for record, flag in zip(flags, self.flags, strict=True)
            ],
            **({"joined": [_joined_record(one) for one in self.joined]} if self.joined else {}),
            "left_out": [numbered.record(span) for span in self.left_out],
        }


def _joined_record(verdict: Verdict) -> dict[str, Any]:
    names = ("check", "verdict", "score", "probability", "note")
    return {name: getattr(verdict, name) for name in names}


def likely_errors(flags: Sequence[Flag]) -> list[Flag]:
    """Return the flags that name a likely error: those of hard kinds."""
    return [flag for flag in flags if flag_kind(flag.kind).hard]


def _page_record(page: Page) -> dict[str, Any]:
    parts = {name: getattr(page, name) for name in PARTS}
    lists = {name: list(v) if isinstance(v, tuple) else v for name, v in parts.items()}
    return {"ai_summary" if name == "summary" else name: v for name, v in lists.items()}


def _reading_record(page: Page) -> dict[str, Any]:
    """Return every line of a page with its role, and how sure it is that the summary is read."""
    blocks = [
        {
            "text": block.text,
            "role": block.role,
            "margin": min(round(block.margin, 1), MOST_MARGIN),
            "by": block.source,
        }
        for block in page.blocks
    ]
    sure = {"sure": not page.doubt, "doubt": page.doubt, "profile": page.profile or None}
    return {**sure, "blocks": blocks}


class NumberedSentences:
    """The sentences of an article by number, from 1."""

    def __init__(self, article: str) -> None:
        """Split an article."""
        self.article, self.sentences = article, text.sentences(article)

    def number(self, span: Span) -> int | None:
        """Return the number of the sentence in which a span begins."""
        numbered = enumerate(self.sentences, 1)
        return next((n for n, sentence in numbered if span.start < sentence.end), None)

    def record(self, span: Span) -> dict[str, Any]:
        """Return a span with its text and the number of its sentence."""
        words = " ".join(span.of(self.article).split())
        number = self.number(span)
        return {"start": span.start, "end": span.end, "text": words, "sentence": number}


def check(
    page: str | Path | Page | Article,
    summary: str | None = None,
    *,
    check: str = "lexical",
    thresholds: Thresholds | None = None,
    checker: Metric | None = None,
    beside: Mapping[str, Metric] | Sequence[str] = (),
) -> Verdict:
    """Check the summary on a page, or a summary against its article.

    page: the file of a page (a Path); the text or HTML of one; or, with `summary`, the article.
    check: the name of a check. thresholds: of its bands; default the check's own. checker: the
    check itself, with options of its own, in place of the one that has this name. beside: further
    checks, whose verdicts are joined with this one's (`join_verdicts`), by name or as they are.

    Raises: DataError for a page without an article; UnknownComponent for a check that is none.
    """
    article, parts = _article(page, summary)
    given = article.extra.get("summary", "") if summary is None else summary
    if not given.strip():
        doubt = parts.doubt if parts and summary is None else ""
        note = doubt or (parts.lack if parts else "the summary is empty")
        none = Verdict("no_summary", None, (), (), note, check, article.text, "", parts)
        return replace(none, verdict="uncertain") if doubt else none
    checkers = {check: checker or named_check(check, "check")} | _checks_beside(beside)
    verdicts = []
    for name, each in checkers.items():
        [score] = each.score([(article, Summary(article.id, given))])
        limits = thresholds if thresholds and name == check else own_thresholds(each)
        verdicts.append(verdict_of_score(score, article.text, given, name, limits, parts))
    verdict = join_verdicts(*verdicts)
    if summary is None and parts is not None and parts.doubt:  # no stronger than the reading
        return replace(verdict, verdict="uncertain", note=parts.doubt)
    return verdict


def _checks_beside(beside: Mapping[str, Metric] | Sequence[str]) -> dict[str, Metric]:
    if isinstance(beside, Mapping):
        return dict(beside)
    return {name: named_check(name, "beside") for name in beside}


def join_verdicts(first: Verdict, *others: Verdict) -> Verdict:
    """Return one verdict of several checks on the same summary, of which the first decides.

    A sentence is flagged where the first check flags it, or another one does and the first does not
    find it supported; it is supported where no check flags it and one of them supports it; else it
    is unsure. The summary is flagged if a sentence is, supported if all are. A check that has no
    values by sentences joins as a whole, by the same rule.

    >>> article = "The council approved 14 homes."
    >>> both = check(article, "The council approved 15 homes.", beside=["dates"])
    >>> both.verdict, [one.check for one in both.joined]
    ('flagged', ['lexical', 'dates'])
    """
    if not others or first.verdict == "no_verdict":
        return first
    by_sentence = [one for one in others if any(s.value is not None for s in one.sentences)]
    whole = [one.verdict for one in others if one not in by_sentence]
    sentences = tuple(_join_sentence(each, by_sentence) for each in first.sentences)
    word = first.verdict
    if by_sentence and word != "flagged":
        word = _worst_band([sentence.band for sentence in sentences])
    flags = [flag for one in others for flag in one.flags]
    apart = [f for f in flags if not any(_overlap(f.span, own.span) for own in first.flags)]
    return replace(
        first,
        verdict=_join_bands(word, whole),
        sentences=sentences,
        flags=tuple(sorted([*first.flags, *apart], key=lambda flag: flag.span)),
        left_out=next((one.left_out for one in (first, *others) if one.left_out), ()),
        joined=(first, *others),
    )


def _join_sentence(sentence: Sentence, others: Sequence[Verdict]) -> Sentence:
    near = [
        each
        for one in others
        for each in one.sentences
        if each.value is not None and _overlap(each.span, sentence.span)
    ]
    bands = [each.band for each in near]
    evidence = sentence.evidence or tuple(span for each in near for span in each.evidence)
    band: Band = _join_bands(sentence.band, bands)
    return replace(sentence, band=band, evidence=evidence)


def _join_bands(first: Any, others: Sequence[str | None]) -> Any:
    """Return the band that the first one and others come to, by the rule of `join_verdicts`."""
    if "flagged" in (first, *others):
        if first == "supported":
            return "unsure"
        return "flagged"
    return "supported" if "supported" in (first, *others) else "unsure"


def _worst_band(bands: Sequence[Band | None]) -> Band:
    order: tuple[Band, ...] = ("flagged", "unsure", "supported")
    return next((band for band in order if band in bands), "unsure")


def verdict_of_score(
    score: Score,
    article: str,
    summary: str,
    check: str,
    thresholds: Thresholds | None = USUAL,
    page: Page | None = None,
) -> Verdict:
    """Return what a score says of a summary, sentence by sentence.

    A sentence is flagged by a likely error in it, a flag of a hard kind (`records.FLAG_KINDS`), or
    by a value below `thresholds.flagged`, where the check has such a threshold; it is supported
    from `thresholds.supported` on (`thresholds.sentence`, where that is set). The summary is
    flagged if a sentence, its score or a likely error says so; it is supported if its score and
    all sentences that have a value are; else unsure. Without a score it is unsure, unless flagged.
    Without thresholds, as of a check of content, there is no verdict.
    """
    sentences = _sentences(summary, score, thresholds)
    return Verdict(
        verdict=_verdict_word(score, sentences, thresholds),
        score=score.value,
        sentences=sentences,
        flags=score.flags,
        note=score.note,
        check=check,
        article=article,
        summary=summary,
        page=page,
        probability=None if thresholds is None else thresholds.chance(score.value),
        left_out=score.left_out,
        reasons=score.reasons,
    )


def _verdict_word(
    score: Score, sentences: Sequence[Sentence], thresholds: Thresholds | None
) -> VerdictWord:
    if thresholds is None:
        return "no_verdict"
    bands = {sentence.band for sentence in sentences if sentence.value is not None}
    bands.add("unsure" if score.value is None else thresholds.band(score.value))
    if "flagged" in bands or likely_errors(score.flags):
        return "flagged"
    return "unsure" if "unsure" in bands else "supported"


def _sentences(summary: str, score: Score, thresholds: Thresholds | None) -> tuple[Sentence, ...]:
    """Return every sentence of the summary, also those that the check says nothing of."""
    scored = {sentence.span: sentence for sentence in score.sentences}
    spans = {*scored}
    spans |= {s for s in text.sentences(summary) if not any(_overlap(s, other) for other in scored)}
    hard = [flag.span for flag in likely_errors(score.flags)]
    sentences = []
    for span in sorted(spans):
        own = scored.get(span)
        band = _band(own, any(_overlap(flag, span) for flag in hard), thresholds)
        value, evidence = (own.value, own.evidence) if own else (None, ())
        sentences.append(Sentence(span, span.of(summary), value, band, evidence))
    return tuple(sentences)


def _band(own: SentenceScore | None, has_error: bool, thresholds: Thresholds | None) -> Band | None:
    if thresholds is None:
        return None
    if has_error:
        return "flagged"
    return "unsure" if own is None else thresholds.band_of_sentence(own.value)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


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
    return Article(page.title or "page", page.evidence, extra=extra(page)), page


def read_page(path: Path, guide: Guide = NO_GUIDE) -> Page:
    """Return the parts of the page in a file; what a guide says wins. Raises: DataError."""
    try:
        content = read_whole(path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from error
    if not content.strip():
        raise DataError("the file is empty; a page is saved as text, HTML or MHTML")
    return parse_page(content, True if path.suffix.lower() in (".html", ".htm") else None, guide)
