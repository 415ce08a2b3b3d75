"""What `verify`, `rerun`, `reproduce` and `selftest` print."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalharness.verifying import Verified


def verified_text(found: "Verified") -> str:
    """Return what was checked, what differs, and what should be known, as lines to read."""
    findings = found.findings
    done = ", ".join(f"{n} {what}" for what, n in findings.done.items())
    lines = [*findings.lines(), *(f"note: {note}" for note in findings.notes)]
    verdict = "good: nothing differs" if found.good else f"{findings.n} differences"
    return "\n".join([*lines, f"checked: {done}", verdict])
