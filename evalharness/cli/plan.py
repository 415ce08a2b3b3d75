"""What `evalharness plan` shows: cells, what is left of each, weights, and what could be told."""

from collections.abc import Sequence

from evalharness.hf.hub import readable
from evalharness.runner.plan import CellPlan, Plan, StoredCount

_LARGEST_TABLE = 60  # cells; more say less


def plan_text(plan: Plan) -> str:
    """Return a plan as lines to read."""
    lines = [f"{plan.experiment}: {_n(len(plan.cells), 'cell')}", "", *_table(plan.cells)]
    left = sum(count.left for cell in plan.cells for count in cell.scores.values())
    lines += [
        "",
        f"left: {_n(plan.distinct, 'different summary')}, {_n(left, 'score')} at the most",
    ]
    lines += _weights(plan)
    problems = [cell.problem for cell in plan.cells] + [found.problem for found in plan.weights]
    lines += [f"not to be had: {problem}" for problem in dict.fromkeys(problems) if problem]
    return "\n".join([*lines, *_detectable(plan)])


def _n(n: int, what: str) -> str:
    if n == 1:
        return f"1 {what}"
    return f"{n:,} {what.removesuffix('y')}ies" if what.endswith("ry") else f"{n:,} {what}s"


def _table(cells: Sequence[CellPlan]) -> list[str]:
    heads = ("cell", "articles", "summaries left", "scores left")
    rows = [
        (
            cell.name,
            f"{cell.articles:,}",
            _left_text(cell.summaries),
            _left_text(
                StoredCount(
                    sum(count.stored for count in cell.scores.values()),
                    sum(count.left for count in cell.scores.values()),
                )
            ),
        )
        for cell in cells[:_LARGEST_TABLE]
    ]
    widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    lines = [
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (heads, *rows)
    ]
    lines.insert(1, "─" * len(lines[0]))
    if len(cells) > _LARGEST_TABLE:
        lines.append(f"… and {len(cells) - _LARGEST_TABLE} more; --json has them all")
    return lines


def _left_text(count: StoredCount) -> str:
    return f"{count.left:,} of {count.left + count.stored:,}" if count.left else "none"


def _weights(plan: Plan) -> list[str]:
    lines = []
    for found in plan.weights:
        size = "of unknown size" if found.size is None else readable(found.size)
        files = f" ({_n(len(found.files), 'file')})" if found.files else ""
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
        more = f", and {_n(unknown, 'checkpoint')} of unknown size" if unknown else ""
        lines.append(f"to be downloaded in all: {readable(sum(known))}{more}")
    return lines


def _detectable(plan: Plan) -> list[str]:
    if not plan.detectable:
        return []
    lines = [
        "",
        "smallest difference of two systems that is found with a chance of 80 % (5 % level):",
    ]
    for found in plan.detectable:
        figure = "unknown" if found.difference is None else f"{found.difference:.4f}"
        of = f"{_n(found.articles, 'article')}{found.data and ' of '}{found.data}"
        lines.append(f"  {found.metric}: {figure} with {of} ({found.basis})")
    return lines
