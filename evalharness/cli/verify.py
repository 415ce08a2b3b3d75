"""`evalharness verify`: what differs in runs on disk."""

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from evalharness.cli import fail
from evalharness.cli.files import Files, RunOrFile, runs_of, takes_files
from evalharness.cli.options import AsJson, print_result
from evalharness.errors import Exit
from evalharness.store.runs import Run, UnfinishedRun
from evalharness.trust.verify import Verified
from evalharness.trust.verify import verify as verify_runs

# What stands for a file in a note.
_PATH = re.compile(r"[^\s'\"]*[/\\][^\s'\"]*")
# What the message about a file ends with that a config names and that is not there.
_IS_MOVED = "; relative paths start at "


@takes_files()
def verify_command(
    runs: RunOrFile,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Folder of the ledgers. Default: `store` beside the experiment."
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Articles of each run to score again, drawn at random.")
    ] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Score all articles again.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 0,
    as_json: AsJson = False,
    *,
    files: Files,
) -> None:
    """Check runs on disk: digests, figures, ledgers, a sample scored again. 0 good, 1 differs."""
    given = runs_of(runs, files).runs
    folders = [run.folder if isinstance(run, Run) else run for run in given]
    found = verify_runs(*folders, store=store, sample=None if everything else sample, seed=seed)
    print_result(found.record(), verified_text(found), as_json)
    if found.good and found.unfinished:
        fail(str(UnfinishedRun(*found.unfinished)), Exit.INCOMPLETE)
    raise typer.Exit(Exit.GOOD if found.good else Exit.FINDING)


def _count(n: int, what: str) -> str:
    """Return how many of a thing there were, one in the singular.

    >>> _count(1, "digests of files"), _count(2, "pages")
    ('1 digest of files', '2 pages')
    """
    noun, *more = what.split(" ")
    singular = noun.removesuffix("ies") + "y" if noun.endswith("ies") else noun.removesuffix("s")
    return " ".join([str(n), singular if n == 1 else noun, *more])


def _note_lines(notes: Sequence[str]) -> list[str]:
    """Return a line for all notes that differ in their paths alone, and one for what was moved."""
    alike: dict[str, list[str]] = {}
    for note in notes:
        alike.setdefault(_PATH.sub("…", note), []).append(note)
    lines = [
        f"note: {first}" + (f" ({len(more)} more like this: --json)" if more else "")
        for first, *more in alike.values()
    ]
    moved = sum(_IS_MOVED in note for note in notes)
    if moved > 1:
        lines.append(
            f"{moved} notes have one cause: files that the configs name are not where they were. "
            "Put them there, or verify where the runs were made; the rest was checked"
        )
    return lines


def verified_text(found: Verified) -> str:
    """Return what was checked, what differs, and what should be known, as lines to read."""
    findings = found.findings
    done = ", ".join(_count(n, what) for what, n in findings.done.items())
    lines = [*findings.lines(), *_note_lines(findings.notes)]
    lines += [f"{run}: not checked: its newest run did not finish" for run in found.unfinished]
    verdict = "good: nothing differs" if found.good else f"{findings.n} differences"
    return "\n".join([*lines, f"checked: {done}", verdict])
