"""Examples that stand before a judge's question: drawn from a file of labels, by a seed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from evalharness.checks.judge.criteria import Aspect
from evalharness.files.untrusted import read_whole
from evalharness.records import Article, digest

# A rating may have decimals in a file, as the mean of several people's.
_LABEL = "label"


@dataclass(frozen=True)
class Example:
    """A summary with the right answer to each aspect, and why, if the file says so."""

    article: str
    article_id: str
    summary: str
    answers: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Examples:
    """All examples of a file by their answer, each group in the order in which they are drawn."""

    groups: tuple[tuple[Example, ...], ...]

    @classmethod
    def read(
        cls, path: Path, aspects: Sequence[Aspect], words: tuple[str, str], seed: int
    ) -> "Examples":
        """Read a file of JSON lines. words: what label 1 and label 0 are called as answers.

        Raises: ValueError with the line of what is wrong.
        """
        try:
            lines = read_whole(path).decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"examples: {path.name}: {error}") from None
        rows = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
        examples = [_example(f"{path.name}:{n}", line, aspects, words) for n, line in rows]
        if not examples:
            raise ValueError(f"examples: {path.name} has no rows")
        return cls(_by_answer(examples, aspects[0].name, seed))

    def text(self, aspect: Aspect, article: Article, n: int, *, in_json: bool) -> str:
        """Return some examples as they stand before a question: none is of the same article.

        The same ones stand before all articles that are in none of them.
        """
        groups = [[e for e in group if not _is_same(e, article)] for group in self.groups]
        in_turn = (e for each in zip_longest(*groups) for e in each if e is not None)
        shown = [
            _shown(number, e, aspect, in_json) for number, e in enumerate(islice(in_turn, n), 1)
        ]
        if not shown:
            return ""
        head = "Here are examples, each with the right answer.\n\n"
        return head + "".join(shown) + "Now the one that is asked about.\n\n"


def _by_answer(
    examples: Sequence[Example], name: str, seed: int
) -> tuple[tuple[Example, ...], ...]:
    """Return the examples of each answer in an order that the seed decides, equal ones once."""
    distinct = {(e.article, e.summary): e for e in examples}
    order = sorted(distinct.values(), key=lambda e: digest(seed, e.article, e.summary))
    groups: dict[str, list[Example]] = {}
    for example in order:
        groups.setdefault(example.answers[name], []).append(example)
    return tuple(map(tuple, groups.values()))


def _is_same(example: Example, article: Article) -> bool:
    same_id = bool(example.article_id) and example.article_id == article.id
    return same_id or _folded(example.article) == _folded(article.text)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _shown(number: int, example: Example, aspect: Aspect, in_json: bool) -> str:
    answer = example.answers[aspect.name]
    if in_json:
        said = int(answer) if aspect.reading == "rating" else answer
        answer = json.dumps({"reason": example.reason, "answer": said}, ensure_ascii=False)
    return (
        f"Example {number}\n\nArticle:\n{example.article}\n\nSummary:\n{example.summary}\n\n"
        f"Answer: {answer}\n\n"
    )


def _example(where: str, line: str, aspects: Sequence[Aspect], words: tuple[str, str]) -> Example:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"examples: {where}: no JSON object")
    for name in ("article", "summary"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ValueError(f"examples: {where}: no text in the field {name!r}")
    answers = {aspect.name: _answer(where, row, aspect, words) for aspect in aspects}
    reason = row.get("reason")
    return Example(
        row["article"],
        str(row.get("article_id") or ""),
        row["summary"],
        answers,
        reason if isinstance(reason, str) else "",
    )


def _answer(where: str, row: Mapping[str, Any], aspect: Aspect, words: tuple[str, str]) -> str:
    """Return the right answer to an aspect: yes or no by the label, else a rating on its scale."""
    low, high = aspect.scale
    rated = row.get(aspect.name) if aspect.name else row.get("rating")
    if aspect.reading == "rating" and isinstance(rated, int | float) and low <= rated <= high:
        return str(int(rated + 0.5))
    label = row.get(_LABEL)
    if rated is not None and aspect.reading == "rating":
        raise ValueError(f"examples: {where}: {rated!r} is no rating from {low} to {high}")
    if label not in (0, 1):
        wanted = f"{_LABEL!r}" if aspect.reading == "yes-no" else f"{aspect.name or 'rating'!r}"
        raise ValueError(f"examples: {where}: no answer in the field {wanted}")
    if aspect.reading == "rating":
        return str(high if label else low)
    return words[0] if label else words[1]
