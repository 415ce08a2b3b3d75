"""`evalharness selftest`: the installation, with known answers; or checks, with planted errors."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalharness.cli import fail
from evalharness.cli.options import AsJson, CheckSet, ChecksOf, LabelField, print_result
from evalharness.errors import Exit
from evalharness.report.table import (
    PIPED_WIDTH,
    TextRow,
    folded_text,
    interval_text,
    number_text,
    percent_text,
    table_lines,
    terminal_width,
)

if TYPE_CHECKING:
    from evalharness.trust.installation import Proof, Step


_Planted = Annotated[
    bool,
    typer.Option(
        "--checks", help="Plant errors into correct summaries and count which ones the checks find."
    ),
]
_Folder = Annotated[
    str, typer.Option(metavar="FOLDER", help="Folder for results: test whether it can be written.")
]
_Check = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="NAME", help="A check to test; repeatable."),
]
_Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="FILE", help="Articles with references or labels; repeatable."),
]
_Kinds = Annotated[
    str, typer.Option(metavar="A,B", help="Kinds of errors, edits and gaming. Default: all.")
]
_Draw = Annotated[int, typer.Option(min=0, help="Seed that draws the errors and edits.")]
_Card = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Add what edits cost to the trust cards of `meta`."),
]


def selftest_command(
    checks: _Planted = False,
    results: _Folder = "results",
    check: _Check = None,
    data: _Data = None,
    label: LabelField = None,
    kinds: _Kinds = "",
    seed: _Draw = 0,
    card: _Card = None,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
) -> None:
    """Test the installation offline, against known answers; with --checks, test the checks.

    0 all steps gave their answer, 4 one did not. The other options are for --checks: it plants
    errors in supported summaries, edits them so that they say the same, and games inconsistent
    ones; and counts which errors are found, what edits cost, and what is flagged untouched.
    """
    if not checks:
        if check or data or kinds or config or settings or label or card:
            raise typer.BadParameter("is for --checks", param_hint="one of the options")
        _prove(results, as_json)
        return
    from evalharness.config.build import named_scorers
    from evalharness.meta.cards import add_selftest, cards_to_extend
    from evalharness.meta.planted.measure import DEFAULT_CHECKS, kinds_of, selftest

    given = named_scorers(check or (), config, settings or ())
    named = check or list(given) or DEFAULT_CHECKS
    if card:
        cards_to_extend(card, named)  # before minutes of work
    figures = selftest(named, data or (), label or "label", seed, kinds_of(kinds), given)
    if card:
        add_selftest(figures, card)
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
    """Return what a check made of planted errors, edits and gaming, and its false alarms."""
    head = f"{name}: errors planted in {record['pairs']} supported summaries"
    width = terminal_width(sys.stdout) or PIPED_WIDTH
    tables = [_planted_rows(record), _alarm_rows(record)]
    notes = []
    if "benign" in record:
        tables += [_benign_rows(record), _gaming_rows(record)]
        notes = ["", _gap_line(record)]
    tables = [table for table in tables if len(table) > 1]
    lines = [line for table in tables for line in ("", *table_lines(table, width=width))]
    return "\n".join([head, *lines, *notes])


def _planted_rows(record: Mapping[str, Any]) -> list[TextRow]:
    rows: list[TextRow] = [
        ["planted error", "n", "detected", "95%", "right kind", "points", "score lower", "n/a"]
    ]
    for kind, counted in record["planted"].items():
        shares = [
            percent_text(counted[name]["rate"])
            for name in ("right_kind", "pointed", "score_dropped")
        ]
        detected, left_out = _rate(counted["detected"]), str(counted["not_applicable"])
        rows.append([kind, str(counted["n"]), *detected, *shares, left_out])
    return rows


def _alarm_rows(record: Mapping[str, Any]) -> list[TextRow]:
    faithful = record.get("faithful", {})
    rows: list[TextRow] = [
        ["untouched summaries", "n", "any flag", "95%", "likely error", "95%", "supported"]
    ]
    none = {"rate": None, "low": None, "high": None}
    for group in dict.fromkeys([*record["false_alarms"], *faithful]):
        flagged = record["false_alarms"].get(group, none)
        of_group = faithful.get(group, {"likely_error": none, "supported": none})
        n = flagged.get("n") or of_group["supported"]["n"]
        supported = percent_text(of_group["supported"]["rate"])
        errors = _rate(of_group["likely_error"])
        rows.append([group, str(n), *_rate(flagged), *errors, supported])
    return rows


def _benign_rows(record: Mapping[str, Any]) -> list[TextRow]:
    """Return the table of edits that change no meaning."""
    rows: list[TextRow] = [
        ["harmless edit", "n", "cost", "95%", "new likely error", "95%", "support lost", "n/a"]
    ]
    for kind, counted in record["benign"].items():
        cost, alarms = _share_of_gap(counted, "cost"), _rate(counted["new_likely_errors"])
        lost = percent_text(counted["no_longer_supported"]["rate"])
        not_applicable = str(counted["not_applicable"])
        rows.append([kind, str(counted["n"]), *cost, *alarms, lost, not_applicable])
    return rows


def _gaming_rows(record: Mapping[str, Any]) -> list[TextRow]:
    rows: list[TextRow] = [["gaming", "n", "raised", "95%", "gain", "95%", "errors gone"]]
    for kind, counted in record["gaming"].items():
        gone = percent_text(counted["errors_gone"]["rate"])
        raised, gain = _rate(counted["raised"]), _share_of_gap(counted, "gain")
        rows.append([kind, str(counted["n"]), *raised, *gain, gone])
    return rows


def _gap_line(record: Mapping[str, Any]) -> str:
    """Return what costs and gains are shares of."""
    gap = record["gap"]
    if gap["mean"] is None:
        return "cost: not given, for too few summaries are known to be inconsistent"
    of = f"{len(gap['sources'])} source{'s' * (len(gap['sources']) != 1)}"
    return (
        "cost, gain: as a share of what consistent summaries score above inconsistent ones (by "
        f"{record['inconsistent_by']}), {number_text(gap['mean'])} on average over {of}"
    )


def _share_of_gap(counted: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return a cost or gain with its interval, as a share of the gap."""
    low, high = counted[f"{name}_low"], counted[f"{name}_high"]
    ends = "" if low is None else interval_text(low, high, partial(number_text, digits=2))
    return number_text(counted[name], 2), ends


def _rate(counted: Mapping[str, Any]) -> tuple[str, str]:
    if counted["rate"] is None:
        return percent_text(None), ""
    interval = interval_text(counted["low"], counted["high"], percent_text)
    return percent_text(counted["rate"]), interval
