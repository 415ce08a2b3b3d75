"""`evalharness show`: one article with evidence and flags; or those to look at first."""

import shlex
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from evalharness.cli.files import Files, runs_of, takes_files
from evalharness.cli.options import AsJson, Color, print_json
from evalharness.files import split_name
from evalharness.files.untrusted import printable
from evalharness.protocols import is_url
from evalharness.records import Span, unread_spans
from evalharness.report import find
from evalharness.report.gathered import Gathered, gather
from evalharness.report.glossary import GLOSSARY
from evalharness.report.verdict import (
    INDENT,
    STYLES,
    Printer,
    console_on,
    print_wrapped,
    score_text,
    show_reminder,
)

if TYPE_CHECKING:
    from rich.console import Console

from evalharness.runner.check import likely_errors

_LONG = 40  # sentences, beyond which only those with evidence and their neighbours are shown
_AROUND = 1
_FIRST = 3
_QUOTED = 60  # characters of a summary in the list


@takes_files()
def show_command(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_OR_FILE... [ID]",
            help="A run's folder, an experiment's, or files of summaries; and an article's id, or "
            "how only one begins.",
        ),
    ],
    n: Annotated[
        int, typer.Option("-n", min=1, max=1000, help="Articles listed, without an ID.")
    ] = 10,
    full: Annotated[bool, typer.Option("--full", help="All of a long article.")] = False,
    as_json: AsJson = False,
    color: Color = True,
    *,
    files: Files,
) -> None:
    """Show one article with its summaries, evidence and flags; without ID, the worst articles."""
    article = runs.pop() if len(runs) > 1 and not _is_there(runs[-1]) else ""
    gathered = gather(runs_of(runs, files).runs)
    if article:
        show_article(gathered, article, sys.stdout, color=color, full=full, as_json=as_json)
    else:
        show_worst(gathered, n, sys.stdout, shlex.join(runs), color=color, as_json=as_json)


def _is_there(argument: str) -> bool:
    """Tell whether an argument names a run or a file, and not an article."""
    path = split_name(argument)[1]
    return is_url(path) or Path(path).exists()


def show_article(
    gathered: Gathered, wanted: str, out: IO[str], *, color: bool, full: bool, as_json: bool
) -> None:
    """Print one article with all that is known of it. Raises: DataError."""
    shown = find.find_article(gathered, wanted)
    if as_json:
        print_json(shown.record())
        return
    console = console_on(out, color)
    _Article(shown, gathered, console, full).show()
    verdicts = [verdict for written in shown.written for verdict in written.verdicts.values()]
    if any(likely_errors(verdict.flags) for verdict in verdicts):
        print_wrapped(console, "", (f"Likely error: {GLOSSARY['likely error']}", "dim"))
    show_reminder(out)


def show_worst(
    gathered: Gathered, n: int, out: IO[str], name: str, *, color: bool, as_json: bool
) -> None:
    """Print the articles to look at first, with their ids. name: what the user called the runs."""
    suspects = find.worst_articles(gathered, n)
    if as_json:
        print_json([suspect.record() for suspect in suspects])
        return
    console = console_on(out, color)
    by = find.ordering_column(gathered)
    articles = max(run.n for run in gathered.runs)
    what = f"lowest by {by.label}" if by else "first"
    print_wrapped(
        console, "", (f"The {what}, of {articles} articles", "bold"),
        (f"; {len(gathered.runs)} systems" if len(gathered.runs) > 1 else "", ""),
    )  # fmt: skip
    for suspect in suspects:
        score = "no score" if by is None or suspect.score is None else by.text(suspect.score)
        _list(console, suspect, score, several=len(gathered.runs) > 1)
    console.print()
    print_wrapped(console, "", (f"Read one: evalharness show {name} ID", "dim"))
    show_reminder(out)


def _list(console: "Console", suspect: find.Suspect, score: str, *, several: bool) -> None:
    flags = ", ".join(f"{n} {kind}" for kind, n in sorted(suspect.flags.items()))
    facts = [suspect.system] if several else []
    facts += ["no summary"] if suspect.finish == "error" else [score]
    facts += [flags] if flags else []
    text = printable(suspect.summary)
    text = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    print_wrapped(
        console, "  ", (suspect.id, "bold"), (f"  {'; '.join(facts)}", ""), (f"  “{text}”", "dim")
    )


class _Article:
    def __init__(
        self, shown: find.ShownArticle, gathered: Gathered, console: "Console", full: bool
    ) -> None:
        self.shown, self.gathered, self.console, self.full = shown, gathered, console, full

    def show(self) -> None:
        sample, shown = self.shown.sample, self.shown
        self._print("", (sample["id"], "bold"))
        for name, value in (("Title", shown.title), ("Source", sample["source"])):
            if value:
                self._print("  ", (f"{name}: ", "bold"), (value, ""))
        self._article()
        for n, reference in enumerate(sample["references"], 1):
            number = f" {n}" if len(sample["references"]) > 1 else ""
            self.console.print()
            self._print("", (f"Reference{number}", "bold"))
            self._print(INDENT, (reference, ""))
        for written in shown.written:
            self._summary(written)
        self._preferences()
        if shown.missing:
            self._print("", (f"Without this article: {', '.join(shown.missing)}", "dim"))
        self.console.print()

    def _preferences(self) -> None:
        """Print which of two summaries each judge prefers."""
        by_judge: dict[str, list[str]] = {}
        for preference in self.shown.preferences:
            by_judge.setdefault(preference.judge, []).append(str(preference))
        for judge, said in by_judge.items():
            self.console.print()
            self._print("", (f"{judge} prefers  ", "bold"), ("; ".join(said), ""))

    def _article(self) -> None:
        """Print the article by sentences, those with evidence marked, with where reading ended."""
        article, sentences = self.shown.sample["article"], self.shown.sentences
        self.console.print()
        self._print(
            "", (f"Article, {len(sentences)} sentences", "bold"),
            ("; > marks evidence" if self.shown.evidence else "", "dim"),
        )  # fmt: skip
        gaps = self._gaps(article)
        shown = self._sentences_shown()
        before = -1
        for n, span in enumerate(sentences):
            if n in shown:
                if n > before + 1:
                    self._print(
                        INDENT, (f"… {n - before - 1} sentences (--full shows all) …", "dim")
                    )
                self._sentence(n, span, article)
                before = n
            for gap in gaps.pop(n, []):
                self._print(INDENT, (f"––– {gap} –––", "yellow"))
        if before < len(sentences) - 1:
            left = len(sentences) - 1 - before
            self._print(INDENT, (f"… {left} sentences (--full shows all) …", "dim"))

    def _sentence(self, n: int, span: Span, article: str) -> None:
        """Print a sentence of the article; after > if it bears on a summary."""
        systems = self.shown.evidence.get(n)
        several = systems and len(self.shown.written) > 1 and len(systems) < len(self.shown.written)
        self._print(
            "  > " if systems else INDENT,
            (f"{n + 1} ", "bold" if systems else "dim"),
            (" ".join(span.of(article).split()), "" if systems else "dim"),
            (f"  [{', '.join(systems)}]" if systems and several else "", "dim"),
        )

    def _sentences_shown(self) -> set[int]:
        n = len(self.shown.sentences)
        if self.full or n <= _LONG:
            return set(range(n))
        shown = set(range(_FIRST))
        for number in self.shown.evidence:
            shown |= set(range(number - _AROUND, number + _AROUND + 1))
        return {number for number in shown if 0 <= number < n}

    def _gaps(self, article: str) -> dict[int, list[str]]:
        """Return after which sentence, by its number, systems did not read on."""
        gaps: dict[int, list[str]] = {}
        for written in self.shown.written:
            for gap in unread_spans(written.summary, article):
                before = [n for n, s in enumerate(self.shown.sentences) if s.start < gap.start]
                how = "read no further" if gap.end == len(article.rstrip()) else "skipped a part"
                gaps.setdefault(before[-1] if before else 0, []).append(f"{written.system} {how}")
        return gaps

    def _summary(self, written: find.ShownSummary) -> None:
        summary = written.summary
        self.console.print()
        facts = [f"{len(summary['text'].split())} words", f"ended by {summary['finish']}"]
        facts += [f"{summary['tokens']} tokens"] if summary.get("tokens") is not None else []
        facts += list(written.sample["defects"])
        self._print("", (f"Summary by {written.system}", "bold"), (f"; {', '.join(facts)}", "dim"))
        self._print("  ", *self._scores(written))
        if summary.get("note"):
            self._print("  ", (f"Note: {summary['note']}", ""))
        if not any(verdict.sentences for verdict in written.verdicts.values()):
            self._print(INDENT, (summary["text"].strip() or "(empty)", ""))
        for n, (label, verdict) in enumerate(written.verdicts.items()):
            self.console.print()
            word = "" if verdict.verdict == "no_verdict" else f"{verdict.verdict}  "
            self._print(
                "  ", (f"{label}: ", "bold"), (word, STYLES[verdict.verdict]),
                (f"({score_text(verdict)})" if word else score_text(verdict), "dim"),
            )  # fmt: skip
            printer = Printer(verdict, self.console)
            if n == 0 or verdict.flags:  # the first shows the text, and others what they found
                printer.show_sentences()
            else:
                printer.show_left_out()
                printer.show_reasons()

    def _scores(self, written: find.ShownSummary) -> list[tuple[str, str]]:
        """Return the scores as tables show them, those that are missing with the reason."""
        pieces: list[tuple[str, str]] = []
        for column in self.gathered.columns:
            score = written.sample["scores"].get(column.measure.metric)
            if score is None:
                continue
            said = column.text(column.value_in(written.sample["scores"]))
            said += "" if said != "–" else f" ({score.get('note', 'not scored')})"
            pieces += [(f"{column.label} ", "bold"), (f"{said}   ", "")]
        return pieces

    def _print(self, indent: str, *pieces: tuple[str, str]) -> None:
        print_wrapped(self.console, indent, *pieces)
