"""A gate's verdict for people and machines: in a terminal, as a comment, for GitHub, as JUnit XML.

The comment is Markdown and shows the worst articles word by word. GitHub shows annotations beside
the code, made by lines on stdout. JUnit XML is what CI servers read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from evalharness.config.registry import detectable_figure, scaled_figure
from evalharness.display import VERDICT_MARKS
from evalharness.errors import DataError
from evalharness.files.untrusted import visible
from evalharness.report import table
from evalharness.store import samples
from evalharness.store.runs import NOT_SWEPT

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from evalharness.comparison.gate import Gate
    from evalharness.comparison.rules import GateResult, Outcome, RuleResult, WorstArticle

GATE_WORDS: "dict[GateResult, str]" = {
    "pass": "PASS: shown to be no worse than the rules allow",
    "regression": "REGRESSION: the candidate is worse than the rules allow",
    "inconclusive": "INCONCLUSIVE: too few articles to tell",
    "could-not-run": "COULD NOT RUN",
}
_MARKS: Mapping[str, str] = {**VERDICT_MARKS, "not-measured": table.NONE}
# What stops nothing.
_NO_FAILURE: "tuple[RuleResult, ...]" = ("pass", "not-measured")


def show_gate(found: "Gate", out: IO[str]) -> None:
    """Print the verdict, a line for each rule, and the worst articles of what failed."""
    width = table.terminal_width(out) or table.PIPED_WIDTH
    for line in _lines(found):
        indent = "      " if line.startswith(" ") else "  "
        out.writelines(f"{each}\n" for each in table.folded_text(visible(line), width, indent))


def _lines(found: "Gate") -> Iterator[str]:
    yield GATE_WORDS[found.verdict] + (f": {found.reason}" if found.reason else "")
    for each in found.outcomes:
        yield f"  {_MARKS[each.verdict]} {each.verdict:<12} {_title(each)}: {each.message}"
    for each in found.outcomes:
        if each.verdict not in _NO_FAILURE and each.worst:
            falls = ", ".join(_fall(worst, each.rule) for worst in each.worst)
            yield f"  worst by {each.name}: {falls}"
    yield from gate_notes(found)


def _title(each: "Outcome") -> str:
    """Return a rule's name, and which of its bounds this is: one metric may have both."""
    return each.name if each.kind == "limit" else f"{each.name}, {each.kind}"


def _fall(worst: "WorstArticle", metric: str, arrow: str = "→") -> str:
    one, other = (scaled_figure(value, metric) for value in (worst.baseline, worst.candidate))
    return f"{worst.id} {one} {arrow} {other}"


def gate_notes(found: "Gate") -> Iterator[str]:
    """Yield how the verdict came about."""
    if not found.outcomes:
        return
    rules = found.rules
    tests = table.amount_text(found.tests, "one-sided paired randomization test")
    runs = f" in {len(found.folders)} pairs of runs" if len(found.folders) > 1 else ""
    clusters = f", by clusters of one {rules.cluster}" if rules.cluster else ""
    yield (
        f"{table.amount_text(found.articles, 'article')}{runs}. If nothing got worse, at most "
        f"{rules.level:.0%} of such comparisons end in a regression ({tests}, Holm, "
        f"{rules.resamples} resamples, seed {rules.seed}{clusters}). Scores and margins are shown "
        "times 100: a margin of 0.02 in the rules is 2.00 here."
    )
    for each in found.outcomes:
        loss = detectable_figure(each.detectable, each.rule)
        if loss != table.NONE and not each.part:
            yield f"{each.name}: a true loss of {loss} or more is found in 80 of 100 such tests"
    yield from (
        f"{side}: {n} articles left out, as they are not in both"
        for side, n in found.left_out.items()
    )
    yield from (f"{folder}: {NOT_SWEPT}" for folder in found.not_swept)


def gate_markdown(found: "Gate") -> str:
    """Return the verdict, a table of the rules, and the worst five articles, word by word."""
    verdict = table.escape_markdown(GATE_WORDS[found.verdict])
    parts = [
        f"### evalharness: {_MARKS[found.verdict]} {verdict}\n",
        f"{table.escape_markdown(found.reason)}\n" if found.reason else "",
        _table(found.outcomes) if found.outcomes else "",
        _worst(found),
        "".join(f"- {table.escape_markdown(note)}\n" for note in gate_notes(found)),
        f"\n{table.NOTICE}\n",
    ]
    return "\n".join(part for part in parts if part)


def _table(outcomes: "Sequence[Outcome]") -> str:
    headings = ["", "rule", "baseline", "candidate", "difference", "margin", "p (Holm)", "what"]
    rows = [
        [
            _MARKS[each.verdict],
            each.name,
            each.text(each.baseline),
            each.text(each.candidate),
            each.text(each.difference, "+"),
            each.text(each.margin),
            table.NONE if each.p_worse_holm is None else table.p_value(each.p_worse_holm),
            each.message,
        ]
        for each in outcomes
    ]
    return table.markdown_table([headings, *rows], "llrrrrrl")


def _worst(found: "Gate") -> str:
    """Return the articles on which the first rule that failed fell the most, with the words."""
    from evalharness.comparison.gate import WORST_ARTICLES

    failed = [each for each in found.outcomes if each.verdict not in _NO_FAILURE and each.worst]
    if not failed:
        return ""
    first = min(failed, key=lambda each: (each.verdict != "regression", each.p_worse or 0.0))
    folders = found.folders[first.system]
    ids = {each.id for each in first.worst}
    texts = [article_summaries(folder, ids) for folder in folders]
    lines = [f"<details><summary>The worst {len(first.worst)} by {_html(first.name)}</summary>\n"]
    for each in first.worst[:WORST_ARTICLES]:
        fall = _fall(each, first.rule).removeprefix(each.id)
        lines.append(f"**{table.escape_markdown(each.id)}**{fall}\n")
        lines.append(f"> {_words(texts[0].get(each.id), texts[1].get(each.id))}\n")
    return "\n".join([*lines, "</details>\n"])


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _words(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return "no text at hand: both folders must hold their texts"
    marks = {"same": "", "removed": "~~", "added": "**"}
    pieces = [
        f"{marks[kind]}{table.escape_markdown(words)}{marks[kind]}"
        for kind, words in word_diff(before, after)
    ]
    return " ".join(pieces) or "both are empty"


def article_summaries(folder: Path, ids: set[str]) -> dict[str, str]:
    """Return the summaries of some articles; of a run without texts, none."""
    try:
        found = samples.samples_of(folder, ids)
        return {sample["id"]: sample["summary"]["text"] for sample in found}
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return {}  # scores alone will do for a verdict


# Word by word.

Change = Literal["same", "removed", "added"]
_WORDS = re.compile(r"\S+")
# Longer texts are cut: what differs further on is not for a comment.
MOST_DIFF_WORDS = 400


def word_diff(before: str, after: str) -> Iterator[tuple[Change, str]]:
    """Yield runs of words that are the same, removed or added.

    >>> list(word_diff("the 12 boats sank", "the 14 boats sank"))
    [('same', 'the'), ('removed', '12'), ('added', '14'), ('same', 'boats sank')]
    """
    import difflib

    old, new = (_WORDS.findall(text)[:MOST_DIFF_WORDS] for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            yield "same", " ".join(old[i:i_end])
            continue
        if i < i_end:
            yield "removed", " ".join(old[i:i_end])
        if j < j_end:
            yield "added", " ".join(new[j:j_end])


# For GitHub.

_LEVELS: "Mapping[RuleResult, str]" = {
    "regression": "error",
    "inconclusive": "warning",
    "could-not-run": "error",
}
# GitHub shows ten annotations of a step and level; the rest is in the summary.
MOST_ANNOTATIONS = 10


def annotations(found: "Gate") -> Iterator[str]:
    """Yield a workflow command for each rule that did not pass."""
    if found.verdict == "could-not-run" and found.reason:
        yield _command("error", "evalharness: the gate could not run", found.reason)
    failed = [each for each in found.outcomes if each.verdict not in _NO_FAILURE]
    for each in failed[:MOST_ANNOTATIONS]:
        title = f"evalharness: {each.verdict} of {each.name}"
        yield _command(_LEVELS[each.verdict], title, each.message)
    if not failed and not found.reason:
        yield _command("notice", "evalharness", GATE_WORDS[found.verdict])


def _command(level: str, title: str, message: str) -> str:
    """Return a line that the runner reads.

    >>> _command("error", "a: b", "50% of c")
    '::error title=a%3A b::50%25 of c'
    """
    kept = _data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={kept}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


# As JUnit XML.

# What XML 1.0 cannot hold.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def gate_junit(found: "Gate") -> str:
    """Return a test suite with a test case for each rule.

    A regression is a failure; so is what is inconclusive, of that type: it must not look green. A
    gate that could not run is one test case with an error.
    """
    from xml.etree import ElementTree as ET

    cases = [_case(each) for each in found.outcomes] or [_could_not_run(found)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
    }
    suites = ET.Element("testsuites", {"name": "evalharness", **counts})
    skipped = str(sum(case.find("skipped") is not None for case in cases))
    suite = ET.SubElement(
        suites, "testsuite", {"name": "evalharness gate", "skipped": skipped, **counts}
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("verdict", "baseline", "candidate"):
        ET.SubElement(properties, "property", name=name, value=_plain(str(getattr(found, name))))
    suite.extend(cases)
    ET.indent(suites)
    body = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(each: "Outcome") -> "ET.Element":
    from xml.etree import ElementTree as ET

    name = f"{each.name}: {each.kind}"
    case = ET.Element("testcase", classname="evalharness.gate", name=_plain(name), time="0")
    if each.verdict == "not-measured":
        ET.SubElement(case, "skipped")
    if each.verdict not in _NO_FAILURE:
        failure = ET.SubElement(case, "failure", type=each.verdict, message=_plain(each.message))
        failure.text = _plain("\n".join(_fall(worst, each.rule, "->") for worst in each.worst))
    else:
        ET.SubElement(case, "system-out").text = _plain(each.message)
    return case


def _could_not_run(found: "Gate") -> "ET.Element":
    from xml.etree import ElementTree as ET

    case = ET.Element("testcase", classname="evalharness.gate", name="gate", time="0")
    error = ET.SubElement(case, "error", type=found.verdict, message=_plain(found.reason))
    error.text = _plain(f"{found.baseline} against {found.candidate}")
    return case


def _plain(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
