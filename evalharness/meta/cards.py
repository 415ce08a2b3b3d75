"""Trust cards: how far a check's score can be trusted, and what that was measured on.

Beside a card for each check there is one of all metrics: which score to trust for which question.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from evalharness.config.registry import tells_truth
from evalharness.errors import ConfigError
from evalharness.records import flag_kind
from evalharness.stats.intervals import mean

if TYPE_CHECKING:
    from evalharness.meta.evaluation import Agreement

# Figures of a source that a card shows; the other ones are for whoever works on the check.
_SHOWN = (
    "n", "articles", "positive_rate", "auc", "auc_low", "auc_high", "balanced_accuracy",
    "null_rate", "reason",
)  # fmt: skip
_OF_SELFTEST = ("inconsistent_by", "gap", "benign", "gaming", "faithful")
_MACRO = ("macro_auc", "macro_auc_low", "macro_auc_high", "macro_sources")
_GRADED = ("within_spearman", "within_partial", "system_kendall")
LABEL_HEADINGS = (
    "summaries", "articles", "consistent", "AUC (95 %)", "balanced accuracy", "no score",
)  # fmt: skip
GRADE_HEADINGS = (
    "summaries", "articles", "within an article (95 %)", "less length (95 %)", "systems, τ (95 %)",
)  # fmt: skip
GRADED_MEANING = (
    "Within an article: Spearman's correlation with the grades that people gave its summaries, as "
    "the mean over articles: 0 is chance, 1 is perfect. Less length: with the summaries' length "
    "taken out, since a longer one says more. Systems: Kendall's τ of the systems' means."
)
MEANING = (
    "AUC is the chance that a summary which people found consistent scores above one they did not: "
    "0.5 is chance, 1 is perfect. Balanced accuracy is that of a threshold from other articles. A "
    "score tells as much on texts like these, and may tell less on others."
)
Card = dict[str, Any]


def cards(agreement: "Agreement") -> dict[str, Card]:
    """Return a card for each check, by name: the same for the same labels and check."""
    return {name: _card(name, found, agreement) for name, found in agreement.checks.items()}


def _card(name: str, found: Mapping[str, Any], agreement: "Agreement") -> Card:
    verdict = tells_truth(found["signature"])
    measured_on = [
        {"source": source, "label": agreement.labels[source]}
        | {key: figures[key] for key in _SHOWN if key in figures}
        for source, figures in found["sources"].items()
        if figures["n"] and verdict
    ]
    macro = {key: found.get(key) for key in _MACRO}
    graded = [] if verdict else _graded(found["sources"], agreement.grades)
    return {
        "check": name,
        "signature": found["signature"],
        **(macro if verdict else {**dict.fromkeys(_MACRO), "macro_sources": []}),
        "measured_on": measured_on,
        **({"graded": graded} if graded else {}),
        "kinds": _kinds(found["sources"]) if verdict else {},
        "interval": dict(agreement.interval),
        "meaning": MEANING if verdict else GRADED_MEANING,
    }


def _graded(
    sources: Mapping[str, Mapping[str, Any]], grades: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return what grades say of a check of content: of each source that has some."""
    names = [name + ending for name in _GRADED for ending in ("", "_low", "_high")]
    return [
        {
            "source": source,
            "grade": grades[source],
            "n": each["graded"],
            "articles": each["graded_articles"],
        }
        | {name: each[name] for name in names if name in each}
        for source, each in sources.items()
        if "within_spearman" in each
    ]


def _kinds(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return for each kind of flag how often it is right; the kind of all likely errors is one.

    consistent, inconsistent: the share of such summaries that have one, as the mean over sources.
    touching: the share of flags that touch what people marked as wrong, where they marked any.
    """
    counts = {name: each for name, each in sources.items() if each["n"]}
    names = sorted({kind for each in counts.values() for kind in each.get("kinds", ())})
    return {name: _kind(name, [*counts.values()]) for name in names}


def _kind(name: str, sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    from evalharness.meta.figures import LIKELY_ERROR

    found = [source.get("kinds", {}).get(name, {}) for source in sources]
    flags = sum(each.get("flags", 0) for each in found)
    touching = sum(each.get("touching", 0) for each in found)
    return {
        "hard": name == LIKELY_ERROR or flag_kind(name).hard,
        **{label: mean(values) for label, values in _shares_by_label(sources, found).items()},
        "flags": flags,
        "touching": touching / flags if flags else None,
    }


def _shares_by_label(
    sources: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, int]]
) -> dict[str, list[float]]:
    """Return of each source the share of its consistent summaries, and of the others."""
    shares: dict[str, list[float]] = {"consistent": [], "inconsistent": []}
    for source, each in zip(sources, found, strict=True):
        n_good = round((source["positive_rate"] or 0) * source["labelled"])
        totals = {"consistent": n_good, "inconsistent": source["labelled"] - n_good}
        for label, total in totals.items():
            if total:
                shares[label].append(each.get(label, 0) / total)
    return shares


def markdown(made: Mapping[str, Card]) -> str:
    """Return the cards as Markdown, a section and a table each."""
    return "\n".join(_section(name, card) for name, card in made.items())


def _section(name: str, card: Card) -> str:
    if card.get("graded"):
        return "\n".join(_graded_lines(name, card))
    lines = [
        f"## How far to trust `{name}`",
        "",
        f"Mean AUC over {len(card['macro_sources'])} sources with human labels: "
        f"**{with_interval(card, 'macro_auc')}**. Signature: `{card['signature']}`.",
        "",
        "| source | n | articles | consistent | AUC (95 %) | balanced accuracy | no score |",
        "|---|---:|---:|---:|---|---:|---:|",
        *(f"| {' | '.join(map(_escape_cell, source_row(each)))} |" for each in card["measured_on"]),
        "",
        card["meaning"],
        "",
        *_kind_lines(card.get("kinds", {})),
    ]
    if "selftest" in card:
        from evalharness.meta.planted.costs import edit_lines

        lines += edit_lines(card["selftest"])
    return "\n".join(lines)


def _graded_lines(name: str, card: Card) -> list[str]:
    return [
        f"## How far to trust `{name}`",
        "",
        f"It tells what a summary says or how, not whether it is true. Signature: "
        f"`{card['signature']}`.",
        "",
        f"| source | {' | '.join(GRADE_HEADINGS)} |",
        f"|---|{'---:|' * len(GRADE_HEADINGS)}",
        *(f"| {' | '.join(map(_escape_cell, graded_row(each)))} |" for each in card["graded"]),
        "",
        card["meaning"],
        "",
    ]


def _kind_lines(kinds: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not kinds:
        return []
    return [
        "| kind of flag | likely error | consistent with one | inconsistent with one | flags that "
        "touch what is marked wrong |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {kind} | {'yes' if each['hard'] else 'no'} | {_percent(each['consistent'])} | "
            f"{_percent(each['inconsistent'])} | {_percent(each['touching'])} of {each['flags']} |"
            for kind, each in kinds.items()
        ),
        "",
    ]


def source_row(measured: Mapping[str, Any]) -> list[str]:
    """Return what one source says: its name, then n, articles, share consistent, AUC, and so on."""
    return [
        str(measured["source"]),
        str(measured["n"]),
        str(measured["articles"]),
        _percent(measured["positive_rate"]),
        measured.get("reason") or with_interval(measured, "auc"),
        _figure(measured.get("balanced_accuracy")),
        _percent(measured["null_rate"]),
    ]


def graded_row(measured: Mapping[str, Any]) -> list[str]:
    """Return what the grades of one source say: its name and grade, n, articles, correlations."""
    return [
        f"{measured['source']} {measured['grade'].rpartition('.')[2]}",
        str(measured["n"]),
        str(measured["articles"]),
        *(with_interval(measured, name) for name in _GRADED),
    ]


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def with_interval(figures: Mapping[str, Any], name: str) -> str:
    """Return a figure with its interval."""
    low, high = figures.get(f"{name}_low"), figures.get(f"{name}_high")
    interval = "" if low is None else f" ({_figure(low)}–{_figure(high)})"
    return _figure(figures.get(name)) + interval


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def write_cards(agreement: "Agreement", path: str | Path) -> None:
    """Write the cards of all checks: Markdown where the name ends in `.md`, else JSON.

    The JSON is `{"cards": {CHECK: card}}`. Raises: ConfigError where the file cannot be written.
    """
    made = cards(agreement)
    if Path(path).suffix.lower() == ".md":
        _write(path, markdown(made))
        return
    if Path(path).exists():
        made = _with_selftest(made, _read(Path(path)))
    _write_json(path, {"cards": made})


def _with_selftest(made: Mapping[str, Card], before: Mapping[str, Card]) -> dict[str, Card]:
    """Return cards with what the file said of edits, where that was of the very same check."""
    return {
        name: card | {"selftest": before[name]["selftest"]}
        if before.get(name, {}).get("signature") == card["signature"] and "selftest" in before[name]
        else card
        for name, card in made.items()
    }


def cards_to_extend(path: str | Path, names: Iterable[str]) -> dict[str, Card]:
    """Return the cards in a file, which must have those of some checks.

    Raises: ConfigError where it has not; it can be told before what to add is measured.
    """
    known = _read(Path(path))
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{path}: no card of {name}; `evalharness meta --card` writes it first"
            )
    return known


def add_selftest(figures: Mapping[str, Mapping[str, Any]], path: str | Path) -> None:
    """Add what `selftest` says of edits and faithful summaries to the cards in a file.

    Raises: ConfigError where the file has no card of a check, or cannot be written.
    """
    known = cards_to_extend(path, figures)
    for name, record in figures.items():
        if "benign" in record:
            known[name]["selftest"] = {key: record[key] for key in _OF_SELFTEST}
    _write_json(path, {"cards": known})


def _write(path: str | Path, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def known_cards(path: str | Path | None = None) -> dict[str, Card]:
    """Return the cards that come with the package, by check, and over them those of a file.

    path: JSON that `evalharness meta --card` wrote. Raises: ConfigError where it is none.
    """
    found: dict[str, Card] = _read(_MEASURED)
    return found | _read(Path(path)) if path is not None else found


# --- Which score to trust for which question

# What people were asked, in one word; other dimensions stand for themselves.
QUESTION_OF: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("litepyramid_recall", "acu", "relevance", "completeness"), "content"),
        **dict.fromkeys(("consistency", "attribution", "faithfulness", "Factuality"), "truth"),
    }
)
QUESTION_HEADINGS = ("question", "data", "compared", "agrees best", "(95 %)", "no worse")
HERE_HEADINGS = (*QUESTION_HEADINGS[2:4], "best of those here", "beside the best")
QUESTION_MEANING = (
    "In articles: summaries of one article are compared; Spearman's correlation with people's "
    "grades, mean over articles, interval over articles. Systems: Kendall's τ-b of their means, "
    "interval over articles and systems. No worse: the interval of the difference to the best "
    "holds 0, not adjusted for their number. All of it is of data like these."
)


def question_card(record: Mapping[str, Any]) -> Card:
    """Return which score to trust for which question, from what `meta --metrics` measured."""
    questions = [
        {
            "question": QUESTION_OF.get(dimension, dimension),
            "source": source,
            "dimension": dimension,
        }
        | {key: found[key] for key in ("n", "articles", "systems")}
        | level
        for source, dimensions in record["sources"].items()
        for dimension, found in dimensions.items()
        for level in found["trust"]
    ]
    kept = {name: record[name] for name in ("signatures", "resampling")}
    return {"questions": questions, **kept, "meaning": QUESTION_MEANING}


def question_row(question: Mapping[str, Any]) -> list[str]:
    """Return one question as a table shows it, under `QUESTION_HEADINGS`."""
    asked, dimension = question["question"], question["dimension"]
    within = question["level"] == "within"
    interval = _short_interval(question["scores"][question["best"]])
    return [
        asked if asked == dimension else f"{asked}: {dimension}",
        question["source"],
        f"in {question['articles']} articles" if within else f"{question['systems']} systems",
        _short_name(question["best"]),
        interval,
        _first_names([*map(_short_name, question["alike"])]),
    ]


_NAMES_SHOWN = 3


def _first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more or "none"


def question_row_among(question: Mapping[str, Any], names: set[str]) -> list[str]:
    """Return one question, and which of some scores agrees best, under `HERE_HEADINGS`."""
    asked, source, compared, best, interval, _ = question_row(question)
    scores = {name: each for name, each in question["scores"].items() if name in names}
    here = max(scores, key=lambda name: scores[name]["value"])
    is_best = here == question["best"]
    beside = "the best" if is_best else "no worse" if here in question["alike"] else "lower"
    value = f"{_short_name(here)} {_short_interval(scores[here])}"
    return [f"{asked} ({source})", compared, f"{best} {interval}", value, beside]


def _short_name(name: str) -> str:
    """Return what a score may be called in options: `rouge1.recall` for `rouge.rouge1.recall`."""
    return name.removeprefix("rouge.") if name.startswith("rouge.rouge") else name


def _short_interval(figures: Mapping[str, Any]) -> str:
    value, low, high = (figures[f"value{end}"] for end in ("", "_low", "_high"))
    return f"{value:.2f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")


def question_markdown(card: Card) -> str:
    """Return the card as Markdown."""
    lines = [
        "## Which score to trust for which question",
        "",
        f"| {' | '.join(QUESTION_HEADINGS)} |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(map(_escape_cell, question_row(q)))} |" for q in card["questions"]),
        "",
        card["meaning"],
        "",
    ]
    return "\n".join(lines)


def write_question_card(record: Mapping[str, Any], path: str | Path) -> None:
    """Write which score to trust: Markdown where the name ends in `.md`, else JSON.

    A file of trust cards keeps those of its checks, as theirs keeps this.
    Raises: ConfigError where the file cannot be written.
    """
    card = question_card(record)
    if Path(path).suffix.lower() == ".md":
        _write(path, question_markdown(card))
    else:
        _write_json(path, card)


def known_questions(path: str | Path | None = None) -> Card:
    """Return the card of a file, or where it has none the one that comes with the package.

    Raises: ConfigError for a file that is none.
    """
    content = _content(Path(path)) if path is not None else {}
    if "questions" not in content:
        content = _content(_MEASURED_QUESTIONS)
    return {key: content[key] for key in _OF_QUESTIONS}


_OF_QUESTIONS = ("questions", "signatures", "resampling", "meaning")
_OF_QUESTION = (
    "question", "source", "dimension", "articles", "systems", "level", "best", "alike", "scores",
)  # fmt: skip
# Of the metrics and checks that need no weights, on REALSumm and SummEval (docs/trust.md).
_MEASURED_QUESTIONS = Path(__file__).parent / "questions.json"

# --- Files

# Of the checks that need no weights, on the twelve sources that the README of `meta` names.
_MEASURED = Path(__file__).parent / "measured.json"
_NEEDED = ("check", "signature", "macro_auc", "macro_sources", "measured_on", "meaning")


def _read(path: Path) -> dict[str, Card]:
    made: dict[str, Card] = _content(path).get("cards", {})
    return made


def _content(path: Path) -> dict[str, Any]:
    """Return what a file of trust cards holds, `cards` of checks and `questions`, or one of them.

    Raises: ConfigError where it cannot be read or is none.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        has_questions = "questions" in content
        cards = content["cards"] if not has_questions else content.get("cards", {})
        whole = all(key in card for card in cards.values() for key in _NEEDED) and (
            not has_questions or _are_questions(content)
        )
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ConfigError(f"{path}: no trust cards as `evalharness meta --card` writes them")
    return content


def _are_questions(content: Mapping[str, Any]) -> bool:
    return all(key in content for key in _OF_QUESTIONS) and all(
        all(key in question for key in _OF_QUESTION) and question["best"] in question["scores"]
        for question in content["questions"]
    )


def _write_json(path: str | Path, made: Mapping[str, Any]) -> None:
    """Write cards of checks, or of questions, and keep what the file has of the other kind."""
    before = _content(Path(path)) if Path(path).exists() else {}
    _write(path, json.dumps({**before, **made}, indent=1) + "\n")
