"""`evalharness meta`: how checks agree with people, as tables and cards."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO, Annotated, Any

import typer

from evalharness import meta as agreement
from evalharness.cli import options
from evalharness.cli.options import print_json, split_names
from evalharness.config.build import named_scorers
from evalharness.config.run_config import RunConfig
from evalharness.files.untrusted import visible
from evalharness.meta.cards import (
    QUESTION_HEADINGS,
    question_card,
    question_row,
    write_question_card,
)
from evalharness.meta.metrics import MetricAgreement, evaluate_metrics
from evalharness.report.table import (
    PIPED_WIDTH,
    TextRow,
    folded_text,
    interval_text,
    number_text,
    percent_text,
    show_table,
    terminal_width,
)
from evalharness.stats.paired import ALPHA

Checks = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Checks, or parts of one (lexical.numbers). Default: those of a config."
    ),
]
Published = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A metric value that the rows bring; repeatable."),
]
Joined = Annotated[
    list[str] | None,
    typer.Option(metavar="A+B", help="Measure the mean rank by several of them; repeatable."),
]
GradeFields = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SOURCE=]NAME",
        help="The field that holds the grade (scores.relevance), if not score; repeatable.",
    ),
]
CardFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write trust cards: JSON, or Markdown for .md."),
]
SpanKinds = Annotated[
    str, typer.Option(metavar="A,B", help="Kinds of flags that count in spans; else all.")
]
IgnoredSpans = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE", help="Marked spans that are nothing wrong; repeatable."),
]
Without = Annotated[
    list[str] | None,
    typer.Option(metavar="SOURCE", help="Give the mean without it, too; repeatable."),
]

_Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Metrics, parts and checks to hold against grades by dimension."
    ),
]
_Human = Annotated[
    str, typer.Option(metavar="A,B", help="Of --metrics: dimensions, fields of scores; else all.")
]
_MOST_REJECTED = 20

# Heading, key of the figure, and whether its interval is shown; a column without a figure is not.
_COLUMNS = (
    ("AUC", "auc", True),
    ("AUC all", "auc_all", False),
    ("AP incons.", "ap_inconsistent", False),
    ("bal. acc.", "balanced_accuracy", False),
    ("threshold", "threshold", False),
    ("Pearson", "pearson", False),
    ("Spearman", "spearman", False),
    ("Kendall", "kendall", False),
    ("partial", "partial_pearson", False),
    ("within", "within_spearman", True),
    ("less length", "within_partial", True),
    ("systems", "system_kendall", True),
    ("pairs", "pairwise_accuracy", False),
    ("sent. AUC", "sentence_auc", False),
)
_LEGEND = (
    "AUC: 95 % interval over articles beside it; rows without a score left out. AUC all: such rows "
    "count as ones with nothing wrong. AP incons.: average precision of the inconsistent. bal. "
    "acc.: with the threshold from other articles. partial: Pearson less the systems' means. "
    "within: Spearman of an article's summaries, mean over articles; less length: with their words "
    "taken out. systems: Kendall of the systems' means."
)


def meta_command(
    labels: options.LabelArguments,
    checks: Checks = None,
    metrics: _Metrics = None,
    human: _Human = "",
    published: Published = None,
    join: Joined = None,
    label: options.LabelField = None,
    grade: GradeFields = None,
    kinds: SpanKinds = "",
    ignore_spans: IgnoredSpans = None,
    without: Without = None,
    limit_per_source: options.LimitPerSource = None,
    resamples: options.Resamples = 1000,
    seed: options.Seed = 0,
    card: CardFile = None,
    config: options.ChecksOf = None,
    settings: options.CheckSet = None,
    format: options.LabelFormatName = None,
    articles: options.LabelArticles = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure how checks agree with people: AUC, correlations, spans, with intervals."""
    named = split_names(checks or metrics or "")
    given = named_scorers(named, config, settings or ())
    measured: dict[str, Any] = {
        "given": given, "limit_per_source": limit_per_source, "resamples": resamples, "seed": seed,
        "format": format, "articles": articles,
    }  # fmt: skip
    if metrics is not None:
        against = evaluate_metrics(labels, named, split_names(human), **measured)
        return _show(against, card, as_json=as_json)
    if checks is None:
        named = list(given) or ([] if published else _usual_checks())
    found = agreement.evaluate(
        labels,
        named,
        published=published or (),
        joined=join or (),
        labels=label or (),
        grades=grade or (),
        kinds=split_names(kinds),
        ignored_spans=ignore_spans or (),
        without=without or (),
        **measured,
    )
    return _show(found, card, as_json=as_json)


def _show(found: agreement.Agreement | MetricAgreement, card: str | None, *, as_json: bool) -> None:
    """Write the card, say on stderr which rows could not be used, and print the rest."""
    if isinstance(found, MetricAgreement):
        show, write = show_metrics, partial(write_question_card, found.record())
    else:
        show, write = show_agreement, partial(agreement.write_cards, found)
    if card:
        write(card)
    for line in rejected_lines(found.rejected):
        typer.echo(f"evalharness: {line}", err=True)
    if as_json:
        print_json(found.record())
    else:
        show(found.record(), sys.stdout)


def _usual_checks() -> list[str]:
    return [component.name for component in RunConfig.model_fields["checks"].default]


def show_agreement(record: Mapping[str, Any], out: IO[str]) -> None:
    """Print what `Agreement.record` holds: a table a check, then spans and differences."""
    for name, measured in record["checks"].items():
        out.write(visible(f"{name}  ({measured['signature']})\n\n"))
        reasons = _without(measured)
        show_table(_figures(measured), out, notes=[*reasons, ""] if reasons else ())
    if record["span_baselines"]:
        show_table(_spans(record), out, "ll")
    if record["differences"]:
        show_table(_differences(record["differences"]), out, "ll")
    width = terminal_width(out) or PIPED_WIDTH
    for line in _notes(record):
        print(*folded_text(visible(line), width), sep="\n", file=out)


_METRIC_LEGEND = (
    "Within: Spearman of an article's summaries, mean over articles, with its 95 % interval over "
    "articles. Pairs: share of pairs of an article's summaries in the people's order, ties counted "
    "(Deutsch et al. 2023; epsilon chosen on these pairs). Systems: Pearson and Kendall's tau-b of "
    "the systems' means, tau with its interval over articles and systems. Williams' test is of "
    "Pearson over systems. --json has all three coefficients of both, with intervals over "
    "articles, over systems, and over both. {resamples} resamples, seed {seed}."
)


def show_metrics(record: Mapping[str, Any], out: IO[str]) -> None:
    """Print what `MetricAgreement.record` holds: a table a source and dimension, and the best."""
    width = terminal_width(out) or PIPED_WIDTH
    for source, dimensions in record["sources"].items():
        for dimension, found in dimensions.items():
            head = "{n} summaries of {articles} articles, {systems} systems".format_map(found)
            out.write(visible(f"{source}, {dimension}: {head}\n\n"))
            show_table([_METRIC_HEADINGS, *map(_metric_row, found["by_metric"].items())], out)
            print(*folded_text(visible(_best_metrics(found)), width), "", sep="\n", file=out)
    trust = question_card(record)
    rows = [question_row(question) for question in trust["questions"]]
    if rows:
        print("Which score to trust for which question", end="\n\n", file=out)
        show_table([QUESTION_HEADINGS, *rows], out, "llrrrl")
        print(*folded_text(trust["meaning"], width), sep="\n", file=out)
    legend = _METRIC_LEGEND.format_map(record["resampling"])
    print(*folded_text(legend, width), sep="\n", file=out)


_METRIC_HEADINGS = ["metric", "within", "pairs", "systems r", "systems τ"]


def _metric_row(named: tuple[str, Mapping[str, Any]]) -> TextRow:
    name, found = named
    system = found.get("system", {"pearson": {}, "kendall": {}})
    return [
        name,
        _figure_cell(found["within"]["spearman"], "articles"),
        number_text(found["pairwise"]["value"]),
        number_text(system["pearson"].get("value")),
        _figure_cell(system["kendall"], "both"),
    ]


def _figure_cell(figure: Mapping[str, Any], over: str) -> str:
    value, (low, high) = number_text(figure.get("value")), figure.get(over, (None, None))
    if low is None or high is None:
        return value
    return f"{value} ({interval_text(low, high, partial(number_text, digits=2))})"


def _best_metrics(found: Mapping[str, Any]) -> str:
    """Say which metric to trust for which question, and which differ from it by Williams' test."""
    best = {
        level: _best(found["by_metric"], level, kind)
        for level, kind in (("within", "spearman"), ("system", "kendall"))
    }
    said = f"Highest within an article: {best['within'] or 'none'}"
    if not best["system"]:
        return f"{said}."
    worse = [_loser(each) for each in found["williams"] if _differ(each, best["system"])]
    lower = f"; by Williams' test it is above {', '.join(worse)}" if worse else ""
    return f"{said}; over systems: {best['system']}{lower}."


def _best(metrics: Mapping[str, Any], level: str, kind: str) -> str:
    values = {name: found.get(level, {}).get(kind, {}).get("value") for name, found in
              metrics.items()}  # fmt: skip
    known = {name: value for name, value in values.items() if value is not None}
    return max(known, key=known.__getitem__, default="")


def _differ(test: Mapping[str, Any], best: str) -> bool:
    """Tell whether a test finds the best metric above another, at the level of .05."""
    if test["p"] is None or test["p"] >= ALPHA:
        return False
    return bool(best == (test["first"] if test["t"] > 0 else test["second"]))


def _loser(test: Mapping[str, Any]) -> str:
    return str(test["second"] if test["t"] > 0 else test["first"])


def rejected_lines(rejected: Sequence[Mapping[str, str]]) -> list[str]:
    """Return `file:line: reason` of the first rows that could not be used, and their number."""
    lines = [f"{each['where']}: {each['reason']}" for each in rejected[:_MOST_REJECTED]]
    return [*lines, f"{len(rejected)} rows could not be used"] if rejected else []


def _figures(found: Mapping[str, Any]) -> list[TextRow]:
    scored = {name: figures for name, figures in found["sources"].items() if figures["n"]}
    graded = {name: each for name, each in found["sources"].items() if "graded" in each}
    shown = scored | graded
    columns = [each for each in _COLUMNS if any(f.get(each[1]) is not None for f in shown.values())]
    headings = [heading for heading, _, _ in columns]
    rows: list[TextRow] = [["source", "n", "consistent", *headings, "no score", "ms"]]
    for name, figures in shown.items():
        rows.append(
            [
                name,
                str(figures["n"]),
                percent_text(figures["positive_rate"]),
                *(_cell(figures, key, interval) for _, key, interval in columns),
                percent_text(figures["null_rate"]),
                number_text(figures["ms_per_pair"], 1),
            ]
        )
    means = {f"mean of {len(found['macro_sources'])}": found}
    if "without" in found:
        means[f"without {', '.join(found['without']['sources'])}"] = found["without"]
    for name, mean in means.items():
        cells = (_cell(mean, f"macro_{key}", interval) for _, key, interval in columns)
        rows.append([name, "", "", *cells, "", ""])
    return rows


def _without(found: Mapping[str, Any]) -> list[str]:
    """Return the sources that have no AUC, with the reason; those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, figures in found["sources"].items():
        if not figures["n"]:
            reasons.setdefault("no row has both a label and a value", []).append(name)
        elif "reason" in figures:
            reasons.setdefault(figures["reason"], []).append(name)
    return [f"no AUC: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _spans(record: Mapping[str, Any]) -> list[TextRow]:
    table: list[TextRow] = [["wrong characters", "found by", "precision", "recall", "F1"]]
    for source, baselines in record["span_baselines"].items():
        rows = [(f"all: {name.replace('_', ' ')}", each) for name, each in baselines.items()]
        for name, found in record["checks"].items():
            spans = found["sources"][source].get("spans")
            rows += _span_rows(name, spans) if spans else []
        for n, (by, figures) in enumerate(rows):
            cells = (_cell(figures, key, key == "f1") for key in ("precision", "recall", "f1"))
            table.append(["" if n else source, by, *cells])
    return table


def _span_rows(name: str, spans: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    rows: list[tuple[str, Mapping[str, Any]]] = [(name, spans)]
    if len(spans["by_kind"]) > 1:
        rows += [(f"{name}, {kind}", figures) for kind, figures in spans["by_kind"].items()]
    return rows


def _differences(differences: Sequence[Mapping[str, Any]]) -> list[TextRow]:
    table: list[TextRow] = [["difference in AUC", "source", "n", "both scored", "all rows"]]
    for each in differences:
        name = f"{each['first']} – {each['second']}"
        for source, figures in each["sources"].items():
            cells = (_cell(figures, f"{key}_difference", True) for key in ("auc", "auc_all"))
            table.append([name, source, str(figures["n"]), *cells])
            name = ""
        macro = (_cell(each, f"macro_{key}_difference", True) for key in ("auc", "auc_all"))
        table.append([name, f"mean of {len(each['sources'])}", "", *macro])
    return table


def _notes(record: Mapping[str, Any]) -> list[str]:
    lines = [_LEGEND, "{resamples} resamples, seed {seed}.".format_map(record.get("interval", {}))]
    fields = {name: key for name, key in record["labels"].items() if key != "label"}
    lines += [f"{source}: the label is {field!r}" for source, field in fields.items()]
    lines += [f"{source}: {n} rows not labelled" for source, n in record["not_labelled"].items()]
    return lines


def _cell(figures: Mapping[str, Any], key: str, interval: bool) -> str:
    low, high = figures.get(f"{key}_low"), figures.get(f"{key}_high")
    value = number_text(figures.get(key))
    if not interval or low is None or high is None:
        return value
    return f"{value} ({interval_text(low, high, partial(number_text, digits=2))})"
