"""`evalharness plan`: cells, what is left of each, weights, and which difference would show."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from evalharness.cli import options
from evalharness.cli.options import print_result
from evalharness.config.registry import scaled_figure
from evalharness.hf.hub import readable
from evalharness.protocols import RequestEstimate
from evalharness.report.table import RUN_WIDTH, amount_text, table_lines, terminal_width
from evalharness.runner.plan import CellPlan, Plan, StoredCount
from evalharness.runner.plan import plan as make_plan

_LARGEST_TABLE = 60  # cells; more say less


def plan_command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    results: options.ResultsOfRun = "results",
    as_json: options.AsJson = False,
) -> None:
    """Show what a config would run, what is stored, and what difference it could detect."""
    made = make_plan(config, overrides or [], results=results, limit=limit)
    print_result(made.record(), plan_text(made), as_json)


def plan_text(plan: Plan) -> str:
    """Return a plan as lines to read."""
    lines = [f"{plan.experiment}: {amount_text(len(plan.cells), 'run')}", "", *_table(plan.cells)]
    left = sum(count.left for cell in plan.cells for count in cell.scores.values())
    summaries = amount_text(plan.distinct, "different summary")
    lines += ["", f"left: {summaries}, {amount_text(left, 'score')} at the most"]
    lines += _asked(plan)
    lines += _weights(plan)
    problems = [cell.problem for cell in plan.cells] + [found.problem for found in plan.weights]
    problems += plan.problems
    lines += [f"not available: {problem}" for problem in dict.fromkeys(problems) if problem]
    return "\n".join([*lines, *_detectable(plan)])


def _table(cells: Sequence[CellPlan]) -> list[str]:
    rows = [["run", "articles", "summaries left", "scores left"]]
    for cell in cells[:_LARGEST_TABLE]:
        counts = cell.scores.values()
        scores = StoredCount(sum(n.stored for n in counts), sum(n.left for n in counts))
        row = [cell.name, f"{cell.articles:,}", _left_text(cell.summaries), _left_text(scores)]
        rows.append(row)
    more = len(cells) - _LARGEST_TABLE
    width = terminal_width(sys.stdout) or RUN_WIDTH
    rest = [f"… and {more} more; --json has them all"] if more > 0 else []
    return [*table_lines(rows, width=width), *rest]


def _left_text(count: StoredCount) -> str:
    return f"{count.left:,} of {count.left + count.stored:,}" if count.left else "none"


def _asked(plan: Plan) -> list[str]:
    """Return about what is left to be asked of servers and judges, and what it costs."""
    rows = list(plan.asked.items())
    if len(rows) > 1:
        rows.append(("in all", sum((estimate for _, estimate in rows), RequestEstimate())))
    return [
        f"asked of a model: {name}: {amount_text(estimate.requests, 'request')}, about "
        f"{estimate.tokens_in:,} tokens of prompts and at most {estimate.tokens_out:,} of answers"
        + ("" if estimate.usd is None else f", about {estimate.usd:.2g} USD")
        for name, estimate in rows
    ]


def _weights(plan: Plan) -> list[str]:
    lines = []
    for found in plan.weights:
        size = "of unknown size" if found.size is None else readable(found.size)
        files = f" ({amount_text(len(found.files), 'file')})" if found.files else ""
        where = {
            "folder": f"{size}, in a folder here",
            "cache": f"{size}, in the cache",
            "hub": f"to be downloaded, {size}{files}",
        }
        note = f"; {found.note}" if found.note else ""
        lines.append(f"weights: {found.checkpoint}: {where[found.where]}{note}")
    fetched = [found.size for found in plan.weights if found.where == "hub"]
    known = [size for size in fetched if size is not None]
    if len(fetched) > 1 and known:
        unknown = len(fetched) - len(known)
        more = f", and {amount_text(unknown, 'checkpoint')} of unknown size" if unknown else ""
        lines.append(f"to be downloaded in all: {readable(sum(known))}{more}")
    return lines


def _detectable(plan: Plan) -> list[str]:
    if not plan.detectable:
        return []
    lines = [
        "",
        "smallest difference between two systems, times 100, that is found with a chance of 80 % "
        "(5 % level):",
    ]
    for found in plan.detectable:
        figure = scaled_figure(found.difference, found.metric)
        if found.difference is None:
            figure = "unknown" if found.deviation is None else "none on its scale"
        of = f"{amount_text(found.articles, 'article')}{found.data and ' of '}{found.data}"
        lines.append(f"  {found.metric}: {figure} with {of} ({found.basis})")
    return lines
