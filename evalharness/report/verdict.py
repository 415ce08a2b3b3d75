"""A verdict as a terminal shows it: sentence by sentence, with the article's words beside it."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from evalharness import text
from evalharness.config.registry import scaled_figure
from evalharness.display import TERMINAL_LOOKS
from evalharness.files.untrusted import printable
from evalharness.loaders.pages.parts import YOU, Block, Page
from evalharness.loaders.pages.reading import speaks_for
from evalharness.records import Flag, Span, flag_kind
from evalharness.report.table import NOTICE, amount_text, folded_text, terminal_width
from evalharness.runner.check import MOST_MARGIN, Sentence, Verdict, likely_errors
from evalharness.text.words import fold, word_set

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100  # columns, at the most; and where the output is no terminal
INDENT = "    "
STYLES = {
    "supported": "bold green",
    "unsure": "bold yellow",
    "flagged": "bold red",
    "no_summary": "bold",
    "uncertain": "bold yellow",
    "no_verdict": "bold",
}
VERDICT_WORDS = {
    "supported": "SUPPORTED: nothing was found that speaks against it",
    "unsure": "UNSURE: no likely error was found, but much is not in the article's words",
    "flagged": "FLAGGED: it has a likely error",
    "no_summary": "NO SUMMARY: there is nothing to check on this page",
    "uncertain": "UNCERTAIN: it is not clear which lines of the page are the summary",
    "no_verdict": "NO VERDICT: this check does not say whether the summary is true to the article",
}
EMPTY_SUMMARY = "NO SUMMARY: the summary is empty"  # that was given, and on no page
# Verdicts whose scores say how far an article supports a summary.
_SCORED = ("supported", "unsure", "flagged", "uncertain")
_QUOTED = 300  # characters of evidence
_SAID = 100  # and of what is flagged
_SHOWN = 75  # characters of a line of the page
MOST_SIGNS = 4
# Small words that may change what a sentence says.
_TELLING = word_set(
    "all almost before after cannot every few less more most neither never no nobody none nor not "
    "nothing only without"
)
_MARKS = " ,;:.!?…–—-"  # that say nothing at the ends of flagged words


def show_verdict(verdict: Verdict, out: IO[str], name: str = "", *, color: bool = True) -> None:
    """Print a verdict; flagged words are underlined, or stand in [[ ]] in plain output."""
    printer = Printer(verdict, console_on(out, color))
    printer.show_head(name)
    printer.show_sentences()
    printer.console.print()


def show_blocks(page: Page, out: IO[str]) -> None:
    """Print each line of a page with its number, its role, and why it has that."""
    for number, block in enumerate(page.blocks, 1):
        said = printable(textwrap.shorten(block.text, _SHOWN, placeholder="…"))
        out.write(f"  {number:4} {block.role:9} {said}\n")
        out.write(textwrap.fill(why(block), WIDTH, initial_indent=_UNDER, subsequent_indent=_UNDER))
        out.write("\n")


_UNDER = " " * 17


def why(block: Block) -> str:
    """Return why a line has its role: who says so, or the signs that speak for it, strongest first.

    The number is by how much the best reading that moves the line into the summary, or out of it,
    is worse; where there is none, no line of its kind is ever part of a summary.
    """
    if block.source:
        return "you say so" if block.source == YOU else f"the profile {block.source} says so"
    prices = {
        sign: price
        for sign in block.signs
        if sign != "any" and (price := speaks_for(sign, block.role)) > 0
    }
    signs = sorted(prices, key=lambda sign: -prices[sign])[:MOST_SIGNS]
    shows = ", ".join(sign_text(sign) for sign in signs) or "what stands around it"
    sure = f"; sure by {block.margin:.1f}" if block.margin <= MOST_MARGIN else ""
    return shows + sure


def sign_text(sign: str) -> str:
    """Return a sign in words.

    >>> sign_text("h_box"), sign_text("said_title"), sign_text("caps_lead")
    ('box in HTML', 'the page states it as its title', 'caps lead')
    """
    if sign.startswith("h_"):
        return f"{sign[2:]} in HTML"
    if sign.startswith("said_"):
        return f"the page states it as its {sign[5:]}"
    return sign.replace("_", " ")


_HOW_TO_NAME_A_SUMMARY = (
    "If there is one: --explain numbers the lines, and --role N=summary says that line N is of it."
)
SCORES_MEAN = "Scores go from 0 to 100: how far the article supports a sentence, or all of them."


# The outcomes of pages, in the order in which a count names them.
_OUTCOMES = ("flagged", "unsure", "supported", "no_verdict", "uncertain", "no_summary")


def count_text(outcomes: Sequence[str], unread: int) -> str:
    """Return how many pages have each outcome; unread: further ones that could not be read.

    >>> count_text(["supported", "flagged", "no_summary", "flagged"], 1)
    '5 pages: 2 flagged, 1 supported, 1 no summary, 1 not read'
    """
    counts = {each: outcomes.count(each) for each in _OUTCOMES} | {"not read": unread}
    said = [f"{n} {each.replace('_', ' ')}" for each, n in counts.items() if n]
    return f"{len(outcomes) + unread:,} pages: {', '.join(said)}"


def show_reminder(out: IO[str], verdicts: Sequence[Verdict] = ()) -> None:
    """Print what the scores of verdicts mean, if any was shown; and that the article counts."""
    scored = any(each.verdict in _SCORED and each.score is not None for each in verdicts)
    for said in (SCORES_MEAN, NOTICE) if scored else (NOTICE,):
        out.writelines(f"{line}\n" for line in folded_text(said, terminal_width(out), indent=""))


def console_on(out: IO[str], color: bool) -> "Console":
    """Return a console of a width to read at; without colour where nobody could see or wants it."""
    from rich.console import Console

    console = Console(file=out, highlight=False)
    plain = not color or console.no_color or not console.is_terminal
    width = min(console.width if console.is_terminal else terminal_width(out) or WIDTH, WIDTH)
    return Console(
        file=out,
        highlight=False,
        no_color=plain,
        width=width,
        force_terminal=False if plain else None,
    )


class Printer:
    """Prints a verdict, sentence by sentence."""

    def __init__(self, verdict: Verdict, console: "Console") -> None:
        """Take a verdict and where it is printed."""
        self.verdict, self.console = verdict, console
        self.marks = not console.is_terminal
        self.article_sentences = text.sentences(verdict.article)

    def show_head(self, name: str) -> None:
        """Print the name of what was checked, the verdict, and what a page was taken for."""
        verdict = self.verdict
        if name:
            self._print("", (name, "bold"))
        score = "" if verdict.score is None else f"  ({verdict.check} {score_text(verdict)})"
        words = VERDICT_WORDS[verdict.verdict]
        if verdict.verdict == "no_summary" and verdict.page is None:
            words = EMPTY_SUMMARY
        self._print("  ", (words, STYLES[verdict.verdict]), (score, "dim"))
        for one in verdict.joined:
            self._print("  ", (f"{one.check}: {one.verdict} ({score_text(one)})", "dim"))
        if verdict.page is not None:
            for line in page_facts(verdict.page):
                self._print("  ", (line, "dim"))

    def show_sentences(self) -> None:
        """Print each sentence with its flags and its evidence, and a note if there is one."""
        if self.verdict.verdict == "no_summary" and self.verdict.page is not None:
            self._print("  ", (_HOW_TO_NAME_A_SUMMARY, ""))
        for number, sentence in enumerate(self.verdict.sentences, 1):
            self._show_sentence(number, sentence)
        self.show_left_out()
        self.show_reasons()
        if self.verdict.note and self.verdict.verdict != "no_summary":
            self._print("  ", (f"Note: {self.verdict.note}.", ""))

    def show_left_out(self) -> None:
        """Print the sentences of the article that matter and that the summary does not say."""
        if not self.verdict.left_out:
            return
        self.console.print()
        self._print("  ", ("Left out of the summary, what matters most first:", "bold"))
        for span in self.verdict.left_out:
            said = " ".join(span.of(self.verdict.article).split())
            quoted = textwrap.shorten(said, _QUOTED, placeholder=" …")
            where = self._where(self._number(span) or 0, said)
            self._print(INDENT, (where, "bold"), (quoted, ""))

    def show_reasons(self) -> None:
        """Print what a judge gives as its reasons."""
        if self.verdict.reasons:
            self.console.print()
        for reason in self.verdict.reasons:
            said = textwrap.shorten(printable(reason), _QUOTED, placeholder=" …")
            self._print("  ", ("The judge says: ", "bold"), (said, ""))

    def _show_sentence(self, number: int, sentence: Sentence) -> None:
        self.console.print()
        value = "" if sentence.value is None else f" {_value_text(sentence.value)}"
        # Of a sentence that the check has nothing to say of, it says nothing.
        says = sentence.value is not None or sentence.band == "flagged"
        band = (sentence.band or "") if says else ""
        self._print("  ", (f"{number} ", "bold"), (band, STYLES.get(band, "")), (value, "dim"))
        flags = [
            flag
            for flag in worth_showing(self.verdict.summary, self.verdict.flags)
            if _inside(flag.span, sentence.span)
        ]
        self._print(INDENT, *self._mark_pieces(sentence, flags))
        if self.verdict.verdict == "no_verdict":
            for flag in flags:
                said = f"{self._quote(flag)}: {flag.message}"
                self._print(INDENT + "  ", (f"{flag.kind}: ", "bold"), (said, ""))
        else:
            self._show_flags(flags)
        self._show_evidence(sentence, likely_errors(flags))

    def _show_flags(self, flags: Sequence[Flag]) -> None:
        """Print likely errors a line each, and then what is only not in the article's words."""
        errors = likely_errors(flags)
        for flag in errors:
            self._print(
                INDENT + "  ",
                (f"likely error, {flag.kind}: ", "bold"),
                (f"{self._quote(flag)}: {flag.message}", ""),
            )
        if others := [flag for flag in flags if flag not in errors]:
            new = "; ".join(map(self._quote, others))
            self._print(INDENT + "  ", (f"not found in the article's words: {new}", "dim"))

    def _quote(self, flag: Flag) -> str:
        said = " ".join(flag.span.of(self.verdict.summary).split())
        return f"“{textwrap.shorten(said, _SAID, placeholder=' …')}”"

    def _mark_pieces(self, sentence: Sentence, flags: Sequence[Flag]) -> Iterator[tuple[str, str]]:
        at, summary = sentence.span.start, self.verdict.summary
        for flag in sorted(flags, key=lambda flag: flag.span):
            start, end = max(flag.span.start, at), min(flag.span.end, sentence.span.end)
            if start >= end:
                continue
            yield summary[at:start], ""
            look = TERMINAL_LOOKS[flag_kind(flag.kind).look]
            style = look if likely_errors([flag]) else "dim underline"
            yield (f"[[{summary[start:end]}]]", "") if self.marks else (summary[start:end], style)
            at = end
        yield summary[at : sentence.span.end], ""

    def _show_evidence(self, sentence: Sentence, flags: Sequence[Flag]) -> None:
        """Print the article's sentence that bears most on this one."""
        spans = [*(span for flag in flags for span in flag.evidence[:1]), *sentence.evidence]
        numbers = [n for n in map(self._number, spans) if n is not None]
        for n in list(dict.fromkeys(numbers))[: 1 if sentence.band == "supported" else 2]:
            said = " ".join(self.article_sentences[n].of(self.verdict.article).split())
            quoted = textwrap.shorten(said, _QUOTED, placeholder=" …")
            self._print(INDENT + "  ", (self._where(n, said), "bold"), (quoted, "dim"))
        if flags and not numbers:
            self._print(INDENT + "  ", ("No sentence of the article bears on this.", "dim"))

    def _number(self, span: Span) -> int | None:
        ends = (sentence.end for sentence in self.article_sentences)
        return next((n for n, end in enumerate(ends) if span.start < end), None)

    def _where(self, number: int, said: str) -> str:
        """Return where a sentence of the article stands; what is only its title is called so."""
        page = self.verdict.page
        is_below = page is not None and self.article_sentences[number].start >= len(
            "\n\n".join(page.body)
        )
        if page is not None and is_below and said in " ".join(page.title.split()):
            return "Title: "
        return f"Article, sentence {number + 1}: "

    def _print(self, indent: str, *pieces: tuple[str, str]) -> None:
        print_wrapped(self.console, indent, *pieces)


def print_wrapped(console: "Console", indent: str, *pieces: tuple[str, str]) -> None:
    """Print pieces of text with their styles, wrapped below each other.

    Whatever could steer a terminal is a blank.
    """
    from rich.text import Text

    whole = Text()
    for said, style in pieces:
        whole.append(printable(said), style=style)
    for line in whole.wrap(console, max(10, console.width - len(indent))):
        line.rstrip()
        console.print(Text(indent) + line)


def score_text(verdict: Verdict) -> str:
    """Return a verdict's score as tables have it, with the chance that a calibration tells."""
    score = "no score" if verdict.score is None else _value_text(verdict.score)
    chance = verdict.probability
    return score if chance is None else f"{score}; {chance:.0%} likely to be consistent"


def _value_text(value: float) -> str:
    return scaled_figure(value, "value", digits=1)


def worth_showing(summary: str, flags: Sequence[Flag]) -> list[Flag]:
    """Return the flags that say a reader something.

    Of new wording, marks at the ends are left out, and so is what has small words alone (`and`).

    >>> soft = [Flag(Span(0, 3), "unsupported", ""), Flag(Span(7, 17), "unsupported", "")]
    >>> [flag.span for flag in worth_showing("and now, attended it", soft)]
    [Span(start=9, end=17)]
    """
    shown = []
    for flag in flags:
        if flag.kind != "unsupported":
            shown.append(flag)
            continue
        said = flag.span.of(summary)
        if _says_something(said):
            start = flag.span.start + len(said) - len(said.lstrip(_MARKS))
            shown.append(replace(flag, span=Span(start, start + len(said.strip(_MARKS)))))
    return shown


def _says_something(said: str) -> bool:
    words = {fold(word.of(said)) for word in text.words(said)}
    return bool(text.content_words(said) or words & _TELLING)


def _inside(span: Span, sentence: Span) -> bool:
    return span.start < sentence.end and sentence.start < span.end


def page_facts(page: Page) -> Iterator[str]:
    """Yield what a page was taken for, in words."""
    if page.profile:
        yield f"Read with the site profile {page.profile}"
    yield f"Title: {page.title or 'none was found'}"
    facts = [", ".join(page.byline), *page.timestamps]
    facts += [f"photo: {page.photo_credit}"] if page.photo_credit else []
    if any(facts):
        yield f"By and when: {'; '.join(fact for fact in facts if fact)}"
    yield f"Disclaimer: {page.disclaimer or 'none was found'}"
    parts = [
        amount_text(len(page.summary), "summary line"),
        amount_text(len(page.body), "paragraph"),
    ]
    parts += [amount_text(len(page.subheads), "subhead")] if page.subheads else []
    parts += [f"dateline {page.dateline}"] if page.dateline else []
    parts += [f"source {page.source_tag.strip('–—- ')}"] if page.source_tag else []
    left = page.furniture
    shown = "; ".join(textwrap.shorten(line, 30, placeholder="…") for line in left[:4])
    more = ", …" if len(left) > 4 else ""
    parts += [f"{amount_text(len(left), 'other line')} left out ({shown}{more})"] if left else []
    yield f"Taken from the page: {', '.join(parts)}"
