"""A gate's verdict for people: in a terminal, and as a Markdown comment with the worst articles."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from evalharness.comparison.gate import WORST_ARTICLES, Gate
from evalharness.comparison.rules import GateResult, Outcome, WorstArticle
from evalharness.files.untrusted import visible
from evalharness.report.comparison import escape_markdown, p_value
from evalharness.report.table import NOTICE
from evalharness.report.word_diff import word_diff
from evalharness.store import samples

GATE_WORDS: dict[GateResult, str] = {
    "pass": "PASS: nothing is worse than it may be",
    "regression": "REGRESSION: the candidate is worse than it may be",
    "inconclusive": "INCONCLUSIVE: too few articles to tell",
    "could-not-run": "COULD NOT RUN",
}
_MARKS: dict[GateResult, str] = {
    "pass": "✓",
    "regression": "✗",
    "inconclusive": "?",
    "could-not-run": "!",
}


def show_gate(found: Gate, out: IO[str]) -> None:
    """Print the verdict, a line for each rule, and the worst articles of what failed."""
    out.writelines(f"{visible(line)}\n" for line in _lines(found))


def _lines(found: Gate) -> Iterator[str]:
    yield GATE_WORDS[found.verdict] + (f": {found.reason}" if found.reason else "")
    for each in found.outcomes:
        yield f"  {_MARKS[each.verdict]} {each.verdict:<12} {each.name}: {each.message}"
    for each in found.outcomes:
        if each.verdict != "pass" and each.worst:
            yield f"  worst by {each.name}: {', '.join(_fall(worst) for worst in each.worst)}"
    yield from gate_notes(found)


def _fall(worst: WorstArticle) -> str:
    return f"{worst.id} {worst.baseline:.3f} → {worst.candidate:.3f}"


def gate_notes(found: Gate) -> Iterator[str]:
    """Yield how the verdict came about."""
    if not found.outcomes:
        return
    rules = found.rules
    yield (
        f"{found.articles} articles; if nothing got worse, a regression is called in "
        f"{rules.level:.0%} of such comparisons at the most ({found.tests} one-sided paired "
        f"randomization tests, Holm, {rules.resamples} resamples, seed {rules.seed})"
    )
    for each in found.outcomes:
        if each.detectable is not None and not each.part:
            yield f"{each.name}: a true loss of {each.detectable:.4f} is caught 80 times in 100"
    yield from (f"{side}: {n} articles left out: not in both" for side, n in found.left_out.items())


def markdown(found: Gate) -> str:
    """Return the verdict, a table of the rules, and the worst five articles, word by word."""
    parts = [
        f"### evalharness: {_MARKS[found.verdict]} {escape_markdown(GATE_WORDS[found.verdict])}\n",
        f"{escape_markdown(found.reason)}\n" if found.reason else "",
        _table(found.outcomes) if found.outcomes else "",
        _worst(found),
        "".join(f"- {escape_markdown(note)}\n" for note in gate_notes(found)),
        f"\n{NOTICE}\n",
    ]
    return "\n".join(part for part in parts if part)


def _table(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "| | rule | baseline | candidate | difference | margin | p (Holm) | what |",
        "| :-- | :-- | --: | --: | --: | --: | --: | :-- |",
    ]
    for each in outcomes:
        p = "–" if each.p_worse_holm is None else p_value(each.p_worse_holm)
        numbers = [_number(each.baseline), _number(each.candidate), _number(each.difference, "+")]
        cells = [escape_markdown(each.name), *numbers, _number(each.margin), escape_markdown(p)]
        row = [_MARKS[each.verdict], *cells, escape_markdown(each.message)]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.4f}"


def _worst(found: Gate) -> str:
    """Return the articles on which the first rule that failed fell the most, with the words."""
    failed = [each for each in found.outcomes if each.verdict != "pass" and each.worst]
    if not failed:
        return ""
    first = min(failed, key=lambda each: (each.verdict != "regression", each.p_worse or 0.0))
    folders = found.folders[first.system]
    ids = {each.id for each in first.worst}
    texts = [article_summaries(folder, ids) for folder in folders]
    lines = [f"<details><summary>The worst {len(first.worst)} by {_html(first.name)}</summary>\n"]
    for each in first.worst[:WORST_ARTICLES]:
        lines.append(f"**{escape_markdown(each.id)}** {each.baseline:.3f} → {each.candidate:.3f}\n")
        lines.append(f"> {_words(texts[0].get(each.id), texts[1].get(each.id))}\n")
    return "\n".join([*lines, "</details>\n"])


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _words(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"no text at hand: {samples.SAMPLES} is not in both folders"
    marks = {"same": "", "removed": "~~", "added": "**"}
    pieces = [
        f"{marks[kind]}{escape_markdown(words)}{marks[kind]}"
        for kind, words in word_diff(before, after)
    ]
    return " ".join(pieces) or "both are empty"


def article_summaries(folder: Path, ids: set[str]) -> dict[str, str]:
    """Return the summaries of some articles; of a run without texts, none."""
    try:
        found = samples.samples_of(folder / samples.SAMPLES, ids)
        return {sample["id"]: sample["summary"]["text"] for sample in found}
    except (OSError, ValueError, KeyError, TypeError):  # scores alone will do for a verdict
        return {}
