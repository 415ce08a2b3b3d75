"""Plots: which are drawn of what, from whose numbers, and what SVG a page may hold."""

import json
import re
import signal
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from evalharness.cli import app
from evalharness.comparison.comparison import Comparison, compare
from evalharness.report import drawer
from evalharness.report.gathered import gather
from evalharness.report.page import write_report
from evalharness.report.plots import Plot, begin_plots, wait_for
from evalharness.report.plots import drawing as drawn
from evalharness.report.plots.distributions import _edges
from evalharness.report.plots.drawing import short_plot_names
from evalharness.report.plots.ranks import _split
from evalharness.report.plots.sweeps import varied_keys
from evalharness.store.samples import SWEEP_FILE

pytest.importorskip("vl_convert")

MakeRun = Callable[..., Path]
Command = Callable[..., Any]
RNG = np.random.default_rng(6)
WORDS = [int(n) for n in RNG.integers(20, 400, 60)]
TEXTS = [f"{'word ' * n}end." for n in WORDS]


def scores(level: float, n: int = 60) -> list[float]:
    return [float(v) for v in np.clip(RNG.normal(level, 0.1, n), 0, 1)]


def make_plots(
    runs: Sequence[Path], comparison: Comparison | None = None, *, every: bool = False
) -> Sequence[Plot]:
    with drawer.DRAWER:
        return wait_for(begin_plots(gather(runs), comparison, every=every))


def of(*runs: Path, every: bool = False) -> dict[str, Plot]:
    comparison = compare(*runs) if len(gather(runs).runs) > 1 else None
    return {figure.id: figure for figure in make_plots(runs, comparison, every=every)}


def said(figure: Plot) -> list[str]:
    return [e.text or "" for e in ET.fromstring(figure.svg).iter() if e.tag.endswith("text")]


def four(make_run: MakeRun) -> list[Path]:
    """Return four systems with a metric of references and a check."""
    return [
        make_run(name, {"rouge": scores(level), "lexical": scores(1 - level)}, texts=TEXTS)
        for name, level in (("low", 0.2), ("mid", 0.4), ("same", 0.41), ("high", 0.7))
    ]


_ONCE: list[tuple[list[Path], dict[str, Plot]]] = []


@pytest.fixture
def systems(make_run: MakeRun) -> list[Path]:
    """Four systems, written and drawn once for all tests that only look."""
    if not _ONCE:
        runs = four(make_run)
        _ONCE.append((runs, of(*runs)))
    return _ONCE[0][0]


@pytest.fixture
def plots(systems: list[Path]) -> dict[str, Plot]:
    return _ONCE[0][1]


# which


def test_every_kind_of_plot_that_makes_sense_is_drawn(
    plots: dict[str, Plot],
) -> None:
    found = plots

    assert list(found) == [
        "interval-rouge", "interval-lexical", "ranks-rouge", "pairs-rouge", "ranks-lexical",
        "pairs-lexical", "consistency-rouge-lexical", "length-rouge", "length-lexical",
        "distribution-rouge", "distribution-lexical",
    ]  # fmt: skip
    assert all(figure.n == 60 and figure.title for figure in found.values())


def test_no_ranks_of_two_systems_and_articles_in_place_of_systems(systems: list[Path]) -> None:
    found = of(*systems[:2])

    assert "pairs-rouge" in found
    assert "ranks-rouge" not in found
    assert {"consistency-rouge-lexical-1", "consistency-rouge-lexical-2"} <= set(found)


def test_one_system_has_no_comparison(systems: list[Path]) -> None:
    assert not [name for name in of(systems[0]) if name.startswith(("ranks", "pairs"))]


def test_what_does_not_tell_systems_apart_is_left_out(make_run: MakeRun) -> None:
    alike = {"rouge": [0.5] * 30, "lexical": [1.0] * 30}
    assert of(make_run("a", alike), make_run("b", alike)) == {}


def test_runs_of_other_data_have_only_their_own_means_and_articles(make_run: MakeRun) -> None:
    runs = [
        make_run("a", {"rouge": scores(0.3)}),
        make_run("b", {"rouge": scores(0.5)}, ids=[f"b{i}" for i in range(60)]),
    ]
    found = {figure.id for figure in make_plots(runs)}
    assert {"interval-rouge", "distribution-rouge"} <= found
    assert not [name for name in found if name.startswith(("length", "ranks", "pairs"))]


def test_a_metric_of_other_settings_is_not_drawn_beside(make_run: MakeRun) -> None:
    runs = [make_run(name, {"rouge": scores(0.3)}) for name in ("a", "b")]
    runs.append(make_run("c", {"rouge": scores(0.3)}, signature="|stemmer:no"))
    [figure] = [f for f in make_plots(runs) if f.id == "interval-rouge"]
    assert {"a", "b"} <= set(said(figure))
    assert "c" not in said(figure)


@pytest.mark.parametrize("values", [[None, None], [0.5], [0.5, None]])
def test_runs_with_hardly_a_score_draw_what_they_can(make_run: MakeRun, values: list[Any]) -> None:
    runs = [make_run("a", {"rouge": values}), make_run("b", {"rouge": [0.1] * len(values)})]
    assert isinstance(of(*runs), dict)


# numbers


def test_intervals_are_those_of_run_json_best_first(
    systems: list[Path], plots: dict[str, Plot]
) -> None:
    rouge = [json.loads((run / "run.json").read_bytes())["metrics"]["rouge"] for run in systems]
    texts = said(plots["interval-rouge"])

    assert next(t for t in texts if t in ("low", "mid", "same", "high")) == "high"
    for each in rouge:
        half = max(each["high"] - each["mean"], each["mean"] - each["low"]) * 100
        assert f"{each['mean'] * 100:.1f} ±{half:.1f}" in texts


def test_pairs_are_those_of_compare(systems: list[Path], plots: dict[str, Plot]) -> None:
    pairs = [pair for pair in compare(*systems).pairs if pair["metric"] == "rouge"]
    figure = plots["pairs-rouge"]

    for pair in pairs:
        assert f"{abs(pair['difference']) * 100:.1f}" in said(figure)
    assert f"({sum(p['different'] for p in pairs)} of 6 pairs" in figure.caption


def test_ranks_are_those_of_compare(systems: list[Path], plots: dict[str, Plot]) -> None:
    ranks = [s.rank for s in compare(*systems).standings if s.metric == "rouge"]
    assert {f"{rank:.2f}" for rank in ranks} <= set(said(plots["ranks-rouge"]))


def test_letters_are_split_with_their_primes() -> None:
    assert _split("aba′b′") == ["a", "b", "a′", "b′"]


def test_bins_of_length_hold_each_article_once() -> None:
    words = np.array(WORDS, float)
    edges = _edges(words)
    counts = np.bincount(np.digitize(words, edges[1:-1], right=True))
    assert counts.sum() == len(words)
    assert counts.min() >= 8
    assert (edges[0], edges[-1]) == (words.min(), words.max())


def test_seconds_are_drawn_only_of_what_this_run_computed(make_run: MakeRun) -> None:
    systems = four(make_run)
    for n, run in enumerate(systems):
        record = json.loads((run / "run.json").read_bytes())
        computed = 60 if n else 0
        record["timing"] |= {"seconds": 6.0 * (n + 1), "summaries": {"computed": computed}}
        (run / "run.json").write_text(json.dumps(record))
    found = of(*systems)["cost-seconds-rouge"]

    assert "low" not in said(found)
    assert {"mid", "same", "high"} <= set(said(found))


# sweeps


def swept(make_run: MakeRun, folder: Path, settings: list[dict[str, Any]]) -> Path:
    cells = []
    for n, each in enumerate(settings):
        name = ",".join(["model", *(f"{key}={value}" for key, value in each.items())])
        make_run(name, {"rouge": scores(0.2 + 0.1 * n)}, folder=folder)
        cells.append({"cell": name, "folder": name, "model": "seq2seq", "settings": each})
    (folder / SWEEP_FILE).write_text(json.dumps({"format": 1, "experiment": "s", "cells": cells}))
    return folder


def test_two_things_that_vary_make_a_heat_map(make_run: MakeRun, tmp_path: Path) -> None:
    grid = [{"x.beams": b, "x.penalty": p} for b in (1, 4, 16) for p in (0.8, 1.0)]
    found = of(swept(make_run, tmp_path / "s", grid[:-1]))

    texts = said(found["sweep-rouge-model"])
    assert [t for t in texts if t in ("1", "4", "16")] == ["1", "4", "16"]
    assert len([t for t in texts if re.fullmatch(r"\d+\.\d", t)]) == 5 + 2  # and two values


def test_one_thing_that_varies_makes_a_line(make_run: MakeRun, tmp_path: Path) -> None:
    found = of(swept(make_run, tmp_path / "s", [{"x.beams": b} for b in (16, 1, 4)]))
    texts = said(found["sweep-rouge"])
    assert [t for t in texts if t in ("1", "4", "16")] == ["1", "4", "16"]


def test_what_follows_from_another_setting_does_not_vary_by_itself() -> None:
    assert varied_keys([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]) == ["a"]
    assert varied_keys([{"a": 1}, {"a": 1}, {}]) == []
    assert varied_keys([]) == []


# what a page may hold

HOSTILE = [
    "<script>alert(1)<", '" onload="alert(1)', "a&b]]>", "{{7*7}}", "javascript:hit()",
    '="#0a0b01"', "datum.x", "модель-サマリー-مَوسوعة", "very-" * 30,
    "  two  spaces", "signal()", "url(javascript:x)",
]  # fmt: skip


def test_hostile_names_are_text_and_nothing_else(make_run: MakeRun) -> None:
    named = {"rouge": 0.1, "lexical": 0.5, HOSTILE[0]: 0.2, HOSTILE[1]: 0.3, HOSTILE[3]: 0.3}
    runs = [
        make_run(name, {each: scores(level) for each, level in named.items()}, texts=TEXTS)
        for name in HOSTILE
    ]
    found = make_plots(runs, compare(*runs, metrics=["rouge", "lexical"]))

    assert len({figure.id for figure in found}) == len(found) >= 10
    for figure in found:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", figure.id)
        for svg in (figure.svg, figure.file_svg):
            root = ET.fromstring(svg)
            for element in root.iter():
                tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
                assert tag in {"svg", "g", "path", "line", "rect", "text", "desc"}
                assert not {"style", "id", "href", "onload", "class"} & set(element.attrib)
                for name in ("fill", "stroke"):
                    assert "#0a0b" not in element.attrib.get(name, "")
            assert not [c for c in "".join(root.itertext()) if not c.isprintable()]
    assert '="#0a0b01"' in said(found[0])


def test_colours_are_variables_on_the_page_and_print_in_files(
    plots: dict[str, Plot],
) -> None:
    figure = plots["interval-rouge"]
    colours = {
        e.attrib[name] for e in ET.fromstring(figure.svg).iter() for name in ("fill", "stroke")
        if name in e.attrib
    }  # fmt: skip
    assert colours <= {"none", *(f"var(--{role})" for role in drawn._ROLES)}
    assert "var(" not in figure.file_svg
    assert "<rect width=" in figure.file_svg


def test_plots_are_named_and_described_for_who_cannot_see(
    plots: dict[str, Plot],
) -> None:
    for figure in plots.values():
        root = ET.fromstring(figure.svg)
        assert (root.get("role"), root.get("aria-label")) == ("img", figure.title)
        assert (root[0].tag, bool(root[0].text)) == ("desc", True)


def test_the_same_runs_give_the_same_bytes(systems: list[Path], plots: dict[str, Plot]) -> None:
    assert [f.svg for f in of(*systems).values()] == [f.svg for f in plots.values()]


def test_size_does_not_grow_with_the_articles(make_run: MakeRun) -> None:
    sizes = []
    for n in (300, 2400):
        runs = [
            make_run(f"{name}{n}", {"rouge": scores(0.5, n), "lexical": scores(0.5, n)})
            for name in ("a", "b")
        ]
        sizes.append(sum(len(figure.svg) for figure in of(*runs).values()))
    assert sizes[1] < 1.5 * sizes[0] < 150_000


def test_names_stay_apart_when_they_are_cut() -> None:
    names = [f"organisation/{'x' * 40}-{n}" for n in range(3)] + ["", "\x00"]
    short = short_plot_names(names, 20)
    assert len(set(short)) == len(names)
    assert max(map(len, short)) <= 20


def test_settings_in_names_stay_when_the_model_is_cut() -> None:
    names = [f"google-pegasus-xsum-large,num_beams={b},length_penalty=0.8" for b in (1, 2)]
    assert short_plot_names(names) == [
        "google-p…m-large,nb=1,lp=0.8",
        "google-p…m-large,nb=2,lp=0.8",
    ]
    clash = [f"google-pegasus-xsum-large,num_beams={b},new_beams=1" for b in (1, 2)]
    assert all("num_beams=" in name or "…" in name for name in short_plot_names(clash))


# files


def test_report_writes_each_plot_as_svg_and_png(
    systems: list[Path], tmp_path: Path, command: Command
) -> None:
    done = command("report", *systems, "-o", tmp_path / "r.html", "--plots", tmp_path / "one")

    assert done.returncode == 0, done.stderr
    expected = of(*systems, every=True)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(f"{name}.{e}" for name in expected for e in ("svg", "png"))
    for name, figure in expected.items():
        assert (tmp_path / "one" / f"{name}.svg").read_text() == figure.file_svg
    content = (tmp_path / "one" / "interval-rouge.png").read_bytes()
    width, _ = struct.unpack(">II", content[16:24])
    drawn_width = float(ET.parse(tmp_path / "one" / "interval-rouge.svg").getroot().get("width", 0))
    assert content == drawn.png(expected["interval-rouge"])
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert width == pytest.approx(3 * drawn_width, abs=3)


def test_without_the_library_the_page_says_so_and_files_are_refused(
    systems: list[Path], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawer, "find_spec", lambda name: None)
    page = tmp_path / "r.html"
    done = command("report", *systems, "-o", page, "--plots", tmp_path / "plots")

    assert done.returncode == 2
    assert "pip install vl-convert-python" in done.stderr
    assert "pip install vl-convert-python" in page.read_text()


def test_the_page_has_the_plots_by_their_groups(
    systems: list[Path], plots: dict[str, Plot], tmp_path: Path
) -> None:
    from evalharness.report.page import write_report

    page = write_report(*systems, to=tmp_path / "r.html").read_text()
    assert page.index("<h3>Means with intervals</h3>") < page.index('id="plot-interval-rouge"')
    for figure in plots.values():
        assert f'<figure id="plot-{figure.id}" class="plot">\n<svg ' in page


def test_the_documentation_names_each_kind(plots: dict[str, Plot]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "figures.md").read_text()
    drawn_kinds = {name.partition("-")[0] for name in plots}
    assert drawn_kinds <= set(re.findall(r"^\| `(\w+)-`", text, re.MULTILINE))


@pytest.mark.usefixtures("own_drawer")
@pytest.mark.parametrize("child", ["import os; input(); os.abort()", "import os; os.abort()"])
def test_library_that_aborts_leaves_a_page_without_plots(
    child: str, make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(drawer, "_CHILD", child)
    monkeypatch.setattr(subprocess, "Popen", Noted)
    drawer.DRAWER.stop()

    page = write_report(make_run("a", {"m": [0.1, 0.2]}), to=tmp_path / "report.html").read_text()

    assert "plots could not be drawn: the library that draws ended (signal SIGABRT)" in page
    assert "<svg" not in page.partition('id="plots"')[2].partition("</section>")[0]
    assert [process.poll() for process in started] == [-signal.SIGABRT]  # tried once, and gone


@pytest.mark.usefixtures("own_drawer")
@pytest.mark.parametrize(
    ("options", "is_started"),
    [
        ((), True),
        (("--workers", "2"), True),
        (("--no-report",), False),
        (("--shard=1/2",), False),
        (("--help",), False),
    ],
)
def test_what_draws_starts_with_a_command_that_ends_by_a_page(
    options: tuple[str, ...], is_started: bool, tmp_path: Path
) -> None:
    told = CliRunner().invoke(app, ["run", str(tmp_path / "no.yaml"), *options])

    assert bool(told.exception) == (options != ("--help",))
    assert (drawer.DRAWER._process is not None) == is_started


_SECOND_VERSION = """
settings = {}
def configure(**given):
    settings.update(given)
def vegalite_to_svg(spec):
    return f"<svg>{settings}</svg>"
"""


@pytest.mark.usefixtures("own_drawer")
def test_version_two_of_the_library_is_told_to_load_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vl_convert.py").write_text(_SECOND_VERSION)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    drawer.DRAWER.stop()

    with drawer.DRAWER as drawing:
        assert drawing.svg({"mark": "point"}) == "<svg>{'allowed_base_urls': []}</svg>"


@pytest.mark.usefixtures("own_drawer")
def test_what_steers_a_terminal_or_the_order_of_letters_is_no_text_of_a_figure() -> None:
    spec = {"data": {"values": [{"a": "\u202eevil\x1b[31m"}]}, "mark": "text",
            "encoding": {"text": {"field": "a"}}, "title": "\u2066t\x00"}  # fmt: skip
    figure = drawn.draw("a", spec, title="\u202eT", caption="\x1bC", group="g", n=1)
    drawer.DRAWER.stop()

    assert all(c.isprintable() for c in "".join(ET.fromstring(figure.svg).itertext()))


@pytest.mark.usefixtures("own_drawer")
def test_what_the_library_refuses_is_said_and_the_next_figure_drawn() -> None:
    with pytest.raises(drawer.NotDrawn, match="could not be drawn: "):
        drawer.DRAWER.svg({"mark": 3})

    assert drawer.DRAWER.svg({"data": {"values": [{}]}, "mark": "point"}).startswith("<svg")
    drawer.DRAWER.stop()


def test_where_content_comes_from_is_a_line_a_system(make_run: MakeRun) -> None:
    def sample(lead: float) -> dict[str, Any]:
        rest = (1 - lead) / 4
        fifths = {f"from_{n}": lead if n == 1 else rest for n in range(1, 6)}
        return {"value": lead, "parts": {"coverage": lead, **fifths}}

    runs = [
        make_run(name, {"coverage": [sample(lead + n / 100) for n in range(20)]})
        for name, lead in (("lead", 0.7), ("even", 0.2))
    ]
    figure = of(*runs)["origins-coverage"]
    assert "Most from the beginning: lead, 80 %" in figure.caption
    assert {"lead", "even", "part of the article, of 5"} <= {*said(figure)}


def test_a_check_of_content_is_not_shown_as_truth(make_run: MakeRun) -> None:
    runs = [
        make_run(name, {"rouge": scores(level), "coverage": scores(1 - level)})
        for name, level in (("low", 0.2), ("high", 0.7))
    ]
    assert not [name for name in of(*runs) if name.startswith("consistency")]
