"""What `verify`, `rerun`, `reproduce` and `selftest` print."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalharness.trust.installation import Proof, Step
    from evalharness.trust.reproduce import PublishedResult, Reproduction
    from evalharness.trust.rerun import Rerun
    from evalharness.trust.verify import Verified


def verified_text(found: "Verified") -> str:
    """Return what was checked, what differs, and what should be known, as lines to read."""
    findings = found.findings
    done = ", ".join(f"{n} {what}" for what, n in findings.done.items())
    lines = [*findings.lines(), *(f"note: {note}" for note in findings.notes)]
    verdict = "good: nothing differs" if found.good else f"{findings.n} differences"
    return "\n".join([*lines, f"checked: {done}", verdict])


def rerun_text(found: "Rerun") -> str:
    """Return what differs between a run and the same run made again, as lines to read."""
    if found.same:
        changed = [f"although other now: {each}" for each in found.changed]
        head = f"{found.run}: {found.articles} articles: same bytes, but for provenance and timing"
        return "\n".join([head, *changed])
    lines = [f"{found.run}/{name}: other bytes" for name in found.files]
    for name, apart in found.fields.items():
        then, now = apart.example
        far = "" if apart.furthest is None else f", at most {apart.furthest:.3g} apart"
        lines.append(
            f"{found.run}/samples.jsonl:{apart.line}: {name}: {then!r} then, {now!r} now; "
            f"{apart.n} of {found.articles} articles{far}"
        )
    figures = found.figures.items()
    lines += [f"{found.run}/run.json: {k}: {then} then, {now} now" for k, (then, now) in figures]
    if found.changed:
        return "\n".join([*lines, *(f"may be why: {each}" for each in found.changed)])
    return "\n".join([*lines, "the versions are the same, so this should not be"])


def step_line(step: "Step") -> str:
    """Return a step of the self-test as one line, with a second one where it failed."""
    head = f"{step.seconds:6.1f} s  {step.name:<11}  "
    if step.passed:
        return f"{head}ok: {step.result}"
    return f"{head}FAILED: {step.why}\n{'':10}{'':<11}  what to do: {step.cure}"


def proof_text(found: "Proof") -> str:
    """Return what the machine has, and the verdict."""
    from evalharness.trust.installation import machine_lines

    n = sum(step.passed for step in found.steps)
    seconds = sum(step.seconds for step in found.steps)
    verdict = f"{n} of {len(found.steps)} steps passed in {seconds:.0f} s"
    return "\n".join([*(machine_lines(found.facts) if found.facts else []), verdict])


def rows_text(rows: Mapping[str, "PublishedResult"]) -> str:
    """Return the published figures with their limits and sources, as lines to read."""
    lines: list[str] = []
    for row in rows.values():
        lines.append(f"{row.name}: {row.model} on {row.data}, {row.articles} articles")
        figures = ", ".join(
            f"{figure.short} {figure.value:.2f}"
            + (" (not judged)" if figure.within is None else f" ± {figure.within:.2f}")
            for figure in row.figures
        )
        lines += [f"  {figures}", f"  source: {row.source}"]
        lines += textwrap.wrap(row.note, 96, initial_indent="  ", subsequent_indent="  ")
        lines.append("")
    config = next(iter(rows.values())).config
    lines.append(f"evalharness reproduce NAME runs one; the configs: {config.parent}")
    return "\n".join(lines)


def reproduction_text(made: "Reproduction") -> str:
    """Return each figure beside the published one, and the verdict."""
    width = max(len(judged.figure.short) for judged in made.figures)
    lines = [f"{made.row.name}, {made.articles} of {made.row.articles} articles: {made.folder}"]
    for judged in made.figures:
        figure = judged.figure
        here = "none" if judged.value is None else f"{judged.value:.2f}"
        spread = "" if judged.low is None else f" [{judged.low:.2f}, {judged.high:.2f}]"
        limit = "" if figure.within is None else f" ± {figure.within:.2f}"
        lines.append(
            f"  {figure.short:<{width}}  {here}{spread}, published {figure.value:.2f}{limit}: "
            f"{judged.verdict}"
        )
    reason = f" ({made.reason})" if made.reason else ""
    return "\n".join([*lines, f"source: {made.row.source}", f"{made.verdict}{reason}"])
