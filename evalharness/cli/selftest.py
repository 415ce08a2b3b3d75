"""`evalharness selftest`: the installation, with known answers; or checks, with planted errors."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalharness.cli import fail
from evalharness.cli.options import AsJson, CheckSet, ChecksOf, print_result
from evalharness.errors import Exit
from evalharness.report.table import (
    PIPED_WIDTH,
    folded_text,
    interval_text,
    percent_text,
    table_lines,
    terminal_width,
)

if TYPE_CHECKING:
    from evalharness.trust.installation import Proof, Step


def selftest_command(
    checks: Annotated[
        bool, typer.Option("--checks", help="Plant errors and count which ones checks find.")
    ] = False,
    results: Annotated[
        str, typer.Option(metavar="FOLDER", help="Where results are to lie: can it be written?")
    ] = "results",
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="A check to test; repeatable."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", metavar="FILE", help="Articles with references or labels; repeatable."
        ),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="FIELD", help="Which field of a row says 1 for supported.")
    ] = "label",
    kinds: Annotated[str, typer.Option(metavar="A,B", help="Kinds of error; all if empty.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Draws which errors are planted.")] = 0,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
) -> None:
    """Try the whole installation, offline, with known answers; or, with --checks, the checks.

    0 all steps gave their answer, 4 one did not. The other options are for --checks: it plants
    errors in supported summaries, and counts which ones are found and what is flagged untouched.
    """
    if not checks:
        if check or data or kinds or config or settings:
            raise typer.BadParameter("is for --checks", param_hint="one of the options")
        _prove(results, as_json)
        return
    from evalharness.config.build import named_scorers
    from evalharness.meta.planted.measure import DEFAULT_CHECKS, kinds_of, selftest

    given = named_scorers(check or (), config, settings or ())
    named = check or list(given) or DEFAULT_CHECKS
    figures = selftest(named, data or (), label, seed, kinds_of(kinds), given)
    text = "\n\n".join(planted_text(name, figures[name]) for name in figures)
    print_result(figures, text, as_json)


def _prove(results: str, as_json: bool) -> None:
    from evalharness.trust.installation import prove

    proof = prove(results, lambda step: None if as_json else _show_step(step))
    print_result(proof.record(), proof_text(proof), as_json)
    if not proof.passed:
        fail("this installation should not be trusted: see above", Exit.INCOMPLETE)


def _show_step(step: "Step") -> None:
    for line in step_line(step).split("\n"):
        typer.echo("\n".join(folded_text(line, terminal_width(sys.stdout), " " * 10)))


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


def planted_text(name: str, record: Mapping[str, Any]) -> str:
    """Return what a check made of planted errors, by kind, and its false alarms, as tables."""
    planted = [
        ["planted error", "n", "detected", "95%", "right kind", "points", "score lower", "n/a"]
    ]
    for kind, counted in record["planted"].items():
        planted.append(
            [
                kind,
                str(counted["n"]),
                *_rate(counted["detected"]),
                percent_text(counted["right_kind"]["rate"]),
                percent_text(counted["pointed"]["rate"]),
                percent_text(counted["score_dropped"]["rate"]),
                str(counted["not_applicable"]),
            ]
        )
    alarms = [["untouched summaries", "n", "flagged", "95%"]]
    for group, counted in record["false_alarms"].items():
        alarms.append([group, str(counted["n"]), *_rate(counted)])
    head = f"{name}: errors planted in {record['pairs']} supported summaries"
    width = terminal_width(sys.stdout) or PIPED_WIDTH
    return "\n".join(
        [head, "", *table_lines(planted, width=width), "", *table_lines(alarms, width=width)]
    )


def _rate(counted: Mapping[str, Any]) -> tuple[str, str]:
    interval = interval_text(counted["low"], counted["high"], percent_text)
    return percent_text(counted["rate"]), interval
