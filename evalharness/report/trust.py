"""What `verify`, `rerun`, `reproduce` and `selftest` print."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalharness.verifying import Rerun, Verified


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
