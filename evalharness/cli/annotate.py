"""`evalharness annotate`: a page on which people judge summaries; their answers, joined."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from evalharness.cli.files import Files, runs_of, takes_files
from evalharness.cli.options import AsJson, print_json, split_names, tell
from evalharness.errors import ConfigError, DataError
from evalharness.meta.annotations import (
    AnnotationSet,
    StudyAgreement,
    StudyProtocol,
    answer_rows,
    flag_rows,
    label_rows,
    preference_rows,
    read_annotations,
    rows_as_text,
    study_agreement,
)
from evalharness.meta.exchange import ExchangeTool, write_exchange
from evalharness.report.gathered import gather
from evalharness.report.preferences import hundredths
from evalharness.report.study import (
    DIMENSIONS,
    USUAL_DIMENSIONS,
    Sampling,
    Study,
    StudyPlan,
    form_of_answers,
    margin_reached,
    needed_answers,
    write_study,
)
from evalharness.report.table import (
    PIPED_WIDTH,
    TextRow,
    folded_text,
    interval_text,
    number_text,
    p_value,
    percent_text,
    show_table,
    terminal_width,
)
from evalharness.store.ledger import RunFolder, address_of
from evalharness.store.store import output_path

PAGE, LABELS = "study.html", "labels.jsonl"
_MOST_REJECTED = 20
_FIGURES = (
    ("percent", "percent"),
    ("Cohen's κ", "cohen_kappa"),
    ("Fleiss' κ", "fleiss_kappa"),
    ("weighted κ", "weighted_kappa"),
    ("α nominal", "alpha_nominal"),
    ("α ordinal", "alpha_ordinal"),
    ("α interval", "alpha_interval"),
    ("F1", "f1"),
    ("γ", "gamma"),
)


_Judged = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN_OR_FILE...",
        help="Folders of runs, or files of summaries; with --read, files that the page saved, "
        "Label Studio's JSON, or a Potato folder.",
    ),
]
_Output = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FILE", help=f"[default: {PAGE}; with --read {LABELS}]"),
]
_Read = Annotated[
    bool, typer.Option("--read", help="Read answers, print the agreement, write labels.")
]
_To = Annotated[
    ExchangeTool | None,
    typer.Option(
        "--to",
        help="A folder for another tool in place of the page; with --read, of the answers. What "
        "people answer there is read by --read, too.",
    ),
]
_Asked = Annotated[
    StudyProtocol,
    typer.Option(
        help="What is asked: flags of checks, right or wrong; spans that are wrong; ratings "
        "1 to 5; which of two is better."
    ),
]
_Items = Annotated[int, typer.Option("-n", min=1, max=100_000, help="At most so many items.")]
_Sample = Annotated[
    Sampling,
    typer.Option(
        help="Which items: stratified by source; on which checks or systems disagree; or the "
        "most useful next."
    ),
]
_SampleSeed = Annotated[int, typer.Option(min=0, help="Seed of the sample and of all orders.")]
_Annotators = Annotated[
    str,
    typer.Option(metavar="A,B", help="Names of those who answer. Default: whoever opens the page."),
]
_Overlap = Annotated[int, typer.Option(min=0, help="Annotators who answer each item; 0: all.")]
_Attention = Annotated[
    int, typer.Option(min=0, help="Attention checks mixed in: a summary of another article.")
]
_Dimension = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[=QUESTION]",
        help=f"What is rated; repeatable. Default: {', '.join(USUAL_DIMENSIONS)}.",
    ),
]
_Instructions = Annotated[
    str, typer.Option(metavar="FILE", help="Text that replaces the usual instructions.")
]
_Title = Annotated[str, typer.Option(help="Title of the page.")]
_AllFlags = Annotated[
    bool, typer.Option("--all-flags", help="Also ask about flags of new wording.")
]
_Answered = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Labels collected so far: their items are left out; repeatable.",
    ),
]
_Margin = Annotated[
    float,
    typer.Option(min=0.001, help="Half width of a 95 % interval; says how many items it needs."),
]


@takes_files()
def annotate_command(
    runs: _Judged,
    output: _Output = "",
    read: _Read = False,
    to: _To = None,
    protocol: _Asked = "flags",
    n: _Items = 50,
    sample: _Sample = "random",
    seed: _SampleSeed = 0,
    annotators: _Annotators = "",
    overlap: _Overlap = 0,
    attention: _Attention = 0,
    dimension: _Dimension = None,
    instructions: _Instructions = "",
    title: _Title = StudyPlan.title,
    all_flags: _AllFlags = False,
    labels: _Answered = None,
    margin: _Margin = 0.05,
    as_json: AsJson = False,
    *,
    files: Files,
) -> None:
    """Write a page on which people judge summaries; with --read, read their answers."""
    if read and to is not None:
        _convert(runs, to, output or to)
        return
    if read:
        _join(runs, output or LABELS, as_json=as_json)
        return
    plan = StudyPlan(
        protocol=protocol,
        n=n,
        sampling=sample,
        seed=seed,
        annotators=tuple(split_names(annotators)),
        overlap=overlap,
        attention=attention,
        dimensions=_dimensions(dimension or USUAL_DIMENSIONS),
        instructions=_read_text(instructions) if instructions else "",
        title=title,
        all_flags=all_flags,
        done=read_annotations(labels) if labels else None,
    )
    if to is not None and annotators:
        raise ConfigError(f"--annotators: of the page alone; {to} has its own list of people")
    where = output or to or PAGE
    study = write_study(gather(runs_of(runs, files).runs), plan, where, to)
    _show_study(study, plan, margin, to, as_json=as_json)


def _dimensions(named: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=")[::2] for each in named]
    return {name.strip(): question or DIMENSIONS.get(name, "") for name, question in pairs}


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--instructions {path}: cannot be read: {error}") from error


_NEXT: Mapping[ExchangeTool | None, str] = {
    None: "Open it in a browser; then: evalharness annotate --read labels-*.jsonl",
    "label-studio": "In Label Studio: a project with config.xml as its labeling interface, import "
    "tasks.json, export as JSON; then: evalharness annotate --read EXPORT.json",
    "potato": "Start it with: potato start {path}/config.yaml; then: evalharness annotate --read "
    "{path}",
}


def _show_study(
    study: Study, plan: StudyPlan, margin: float, to: ExchangeTool | None, *, as_json: bool
) -> None:
    needed, answered = needed_answers(plan.done, plan.protocol, margin)
    if as_json:
        print_json({"page": str(study.path), "items": study.items, "of": study.of,
                    "rule": study.rule, "needed": needed, "answered": answered})  # fmt: skip
        return
    typer.echo(f"Study: {address_of(study.path)}: {study.items} of {study.of} items, {study.rule}")
    if study.checks:
        typer.echo(f"Attention checks mixed in: {study.checks}")
    there, left = answered + study.of, max(0, needed - answered)
    what = "points of a rating" if plan.protocol == "ratings" else "of a share"
    said = f"For ±{margin:g} {what}: about {needed} items; {answered} answered, {left} to go"
    if left > study.of:
        reached = margin_reached(plan.done, plan.protocol, there)
        said = (
            f"These runs have only {there} items: all of them answered give about ±{reached:.2g} "
            f"{what}; ±{margin:g} would need about {needed}"
        )
    for line in (said, _NEXT[to].format(path=address_of(study.path))):
        typer.echo("\n".join(folded_text(line, terminal_width(sys.stdout))))


def _join(paths: Sequence[str], output: str, *, as_json: bool) -> None:
    found = read_annotations(paths)
    agreement = study_agreement(found)
    for bad in found.rejected[:_MOST_REJECTED]:
        tell(f"{bad.where}: {bad.reason}")
    written = _write(found, output_path(output))
    if as_json:
        files = {str(path): n for path, n in written.items()}
        print_json(agreement.record() | {"files": files})
        return
    show_study_agreement(agreement, found, sys.stdout)
    for path, rows in written.items():
        typer.echo(f"{address_of(path)}: {rows} rows")


def _convert(paths: Sequence[str], to: ExchangeTool, output: str) -> None:
    """Write answers as another tool keeps them."""
    rows = answer_rows(read_annotations(paths))
    for path in write_exchange(to, rows, form_of_answers(rows), output_path(output)):
        typer.echo(f"{to}: {address_of(path)}")


def _write(found: AnnotationSet, path: Path) -> dict[Path, int]:
    """Write labels, and beside them preferences and judged flags; those that there are."""
    if path.suffix != ".jsonl":
        raise DataError(f"{path}: labels are JSON Lines; name the file something.jsonl")
    every = {
        path: label_rows(found),
        path.with_suffix(".pairs.jsonl"): preference_rows(found),
        path.with_suffix(".flags.jsonl"): flag_rows(found),
    }
    folder = RunFolder(path.parent)
    for name, rows in every.items():
        if rows:
            folder.write(name.name, rows_as_text(rows))
    return {name: len(rows) for name, rows in every.items() if rows}


def show_study_agreement(found: StudyAgreement, rows: AnnotationSet, out: IO[str]) -> None:
    """Print who answered how much, how well they agree, and by how much each differs."""
    show_table(_annotator_table(found), out)
    show_table(_agreement_table(found), out, "ll")
    if len(bias := _bias_table(found)) > 1:
        show_table(bias, out, "ll")
    if found.preferences:
        show_table(_system_table(found.preferences), out)
        show_table(_pair_table(found.preferences), out, "ll", _order_notes(found.preferences))
    used = f"{len(rows.answers)} answers, {len(rows.checks)} attention checks"
    notes = [
        f"{rows.n} rows read: {used}, {len(rows.rejected)} not used.",
        "Beside a value: its 95 % interval over articles; then that over articles and annotators, "
        "for three or more. Cohen's κ: mean over pairs of annotators, weighted: squares.",
        found.adjudication,
    ]
    width = terminal_width(out) or PIPED_WIDTH
    for line in notes:
        print(*folded_text(line, width), sep="\n", file=out)


def _annotator_table(found: StudyAgreement) -> list[TextRow]:
    rows: list[TextRow] = [["annotator", "answers", "seconds an item", "attention checks passed"]]
    for name, each in found.annotators.items():
        checks = each["attention_checks"]
        passed = f"{each['attention_passed']} of {checks}" if checks else "–"
        seconds = number_text(each["median_seconds"], 1)
        rows.append([name, str(each["answers"]), seconds, passed])
    return rows


def _agreement_table(found: StudyAgreement) -> list[TextRow]:
    rows: list[TextRow] = [["question", "figure", "value", "articles", "and annotators"]]
    for name, figures in found.questions.items():
        shown = name
        for label, key in _FIGURES:
            if figures.get(key) is not None:
                ends = (_ends(figures, key), _ends(figures, f"{key}_wide"))
                rows.append([shown, label, number_text(figures[key]), *ends])
                shown = ""
        if shown:
            rows.append([shown, "no item was answered by two", "–", "–", "–"])
    return rows


def _ends(figures: Mapping[str, Any], key: str) -> str:
    low, high = figures.get(f"{key}_low"), figures.get(f"{key}_high")
    if low is None or high is None:
        return "–"
    return interval_text(low, high, partial(number_text, digits=2))


def _bias_table(found: StudyAgreement) -> list[TextRow]:
    rows: list[TextRow] = [["question", "annotator", "mean", "above the others by", ""]]
    for name, figures in found.questions.items():
        shown = name
        for annotator, bias in figures.get("bias", {}).items():
            if bias["bias"] is not None:
                mean = number_text(figures["mean"][annotator], 2)
                rows.append([shown, annotator, mean, number_text(bias["bias"], 2),
                             _ends(bias, "bias")])  # fmt: skip
                shown = ""
    return rows


def _system_table(preferences: Mapping[str, Any]) -> list[TextRow]:
    rows: list[TextRow] = [["system", "wins", "interval", "strength", "interval"]]
    every = sorted(preferences["systems"].items(), key=lambda named: -(named[1]["rate"] or 0.0))
    for name, each in every:
        strength = number_text(each["strength"], 2)
        wins = interval_text(each["rate_low"], each["rate_high"], hundredths)
        rows.append([name, hundredths(each["rate"]), wins, strength, _ends(each, "strength")])
    return rows


def _pair_table(preferences: Mapping[str, Any]) -> list[TextRow]:
    rows: list[TextRow] = [["system", "against", "articles", "wins", "p", "p (Holm)"]]
    for each in preferences["pairs"]:
        p_values = (p_value(each[key]) for key in ("p", "p_holm"))
        wins = hundredths(each["rate"])
        rows.append([each["first"], each["second"], str(each["n"]), wins, *p_values])
    return rows


def _order_notes(preferences: Mapping[str, Any]) -> list[str]:
    first = preferences["first_shown"]
    return [
        "wins: in 100 comparisons, a tie as half; of several votes on a pair the majority counts",
        f"the summary shown first is preferred in {percent_text(first['share'])} of the votes",
    ]
