"""The page itself: data, sections and styles put into one file that needs no other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalharness.comparison.gate import Gate, gate
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError
from evalharness.report import articles as report_articles
from evalharness.report import choosing, payload
from evalharness.report.gathered import Gathered, gather
from evalharness.report.overview import overview
from evalharness.report.pair import falls, pair_section
from evalharness.report.provenance import provenance_section
from evalharness.report.ranking import Standings, standings
from evalharness.report.rendering import render
from evalharness.report.table import NOTICE
from evalharness.report.texts import pack_json
from evalharness.report.trust import trust
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run
from evalharness.store.samples import PAGE_FILE
from evalharness.store.seal import sealed_page

if TYPE_CHECKING:
    from evalharness.report.plots import Plot

REPORT = PAGE_FILE
INDEX = "index.html"
CHUNKS = "chunks"
# Bytes of a page that carries a choice of the articles; room is left for the marks around chunks.
MOST_BYTES = 2_990_000
# Articles that a page carries however long they are.
LEAST_ARTICLES = 20


@dataclass(frozen=True)
class Options:
    """What a page may have beside what the runs hold; `write_report` says what they mean."""

    baseline: str = ""
    rules: str | Path | None = None
    cards: str | Path | None = None


def write_report(
    *runs: str | Path | Run,
    to: str | Path = REPORT,
    baseline: str = "",
    rules: str | Path | None = None,
    cards: str | Path | None = None,
    whole: bool = False,
) -> Path:
    """Write one HTML page on finished runs, given by their folders, and return its path.

    The folder of an experiment stands for all of its runs. The page needs no network and no other
    file, and is the same, byte for byte, for the same runs. Of more articles than some 3 MB hold it
    carries a choice, and says so.

    baseline: the system that the others are compared with, by its name; of two runs, the first.
    rules: of a gate (a YAML file), for two runs. cards: what `evalharness meta --card` wrote.
    whole: write a folder `to` instead, with `index.html` and the texts of all articles in files
    beside it, which are loaded as they are needed.

    Raises: DataError for what is no finished run; ConfigError for an option that is wrong;
        StoreError where the page cannot be written.
    """
    gathered = gather(runs)
    options = Options(baseline, rules, cards)
    if whole:
        folder = Path(to)
        with _Beside(RunFolder(folder / CHUNKS)) as beside:
            page = _page(gathered, options, beside)
        path = folder / INDEX
    else:
        path = Path(to)
        page = _page(gathered, options, None)
    RunFolder(path.parent).write(path.name, sealed_page(page))
    return path


class _Beside:
    """Files beside the page, each with one chunk of texts: a call, since a page from disk may run
    its neighbours but not read them.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.n = 0

    def __enter__(self) -> "_Beside":
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what an earlier report with more articles left."""
        for path in self.folder.path.glob("chunk-*.js"):
            number = path.stem.removeprefix("chunk-")
            if number.isdecimal() and int(number) >= self.n:
                path.unlink(missing_ok=True)

    def write(self, chunk: str) -> None:
        """Write the next chunk."""
        self.folder.write(f"chunk-{self.n}.js", f'evalharnessChunk({self.n},"{chunk}")\n')
        self.n += 1


def _page(gathered: Gathered, options: Options, beside: _Beside | None) -> str:
    gathered = _baseline_first(gathered, options.baseline)
    gated = _gate(gathered, options)
    found = standings(gathered)
    articles = report_articles.articles_of(gathered)
    differing = found.comparison is not None and (options.baseline or len(gathered.runs) == 2)
    fallen = falls(gathered, articles) if differing else []
    figures, no_figures = _figures(gathered, found)
    with report_articles.Texts(gathered, articles) as texts:
        shown: dict[str, Any] = {
            "title": _title(gathered),
            "gathered": gathered,
            "overview": overview(gathered, articles, found),
            "trust": trust(gathered, options.cards),
            "pair": pair_section(gathered, texts, found, fallen, gated) if differing else None,
            "figures": figures,
            "no_figures": no_figures,
            "provenance": provenance_section(gathered),
            "notice": NOTICE,
            "neighbours": beside is not None,
        }
        if beside is None:
            empty = render(index="", chunks=(), choice=choosing.choose_all(articles), **shown)
            named = [number for fall in fallen for number in fall.articles]
            room = MOST_BYTES - len(empty.encode())
            index, blocks = _payload_that_fits(gathered, texts, named, room)
        else:
            index, blocks = payload.Index(gathered, choosing.choose_all(articles)), []
            for chunk in payload.payload_chunks(texts, index):
                beside.write(pack_json(chunk))
    return render(index=pack_json(index.record()), chunks=blocks, choice=index.choice, **shown)


def _payload_that_fits(
    gathered: Gathered, texts: report_articles.Texts, first: Sequence[int], room: int
) -> tuple[payload.Index, list[str]]:
    """Return index and texts of as many articles as there is room for."""
    most = texts.articles.n
    if most > payload.TRIED:
        most = max(LEAST_ARTICLES, int(room / payload.bytes_an_article(gathered, texts)))
    while True:
        choice = choosing.choose_articles(gathered, texts.articles, most, first)
        index = payload.Index(gathered, choice)
        blocks = [pack_json(chunk) for chunk in payload.payload_chunks(texts, index)]
        taken = sum(map(len, blocks)) + len(pack_json(index.record()))
        if taken <= room or len(choice.chosen) <= LEAST_ARTICLES:
            return index, blocks
        # What was tried was shorter than what was chosen.
        most = max(LEAST_ARTICLES, int(len(choice.chosen) * room / taken * 0.97))


def _figures(gathered: Gathered, found: Standings) -> tuple[list[tuple[str, list["Plot"]]], str]:
    """Return the plots by their groups, or why there are none."""
    from evalharness.report.plots import NO_PLOTS, NotDrawn, can_draw, make_plots

    if not can_draw():
        return [], NO_PLOTS
    try:
        drawn = make_plots(gathered, found.comparison)
    except NotDrawn as error:
        return [], str(error)
    groups = groupby(drawn, lambda each: each.group)
    return [(group, list(of)) for group, of in groups], ""


def _baseline_first(gathered: Gathered, name: str) -> Gathered:
    """Return the runs in an order in which the first is the one that the others are compared to."""
    if not name:
        return gathered
    if name not in gathered.names:
        raise ConfigError(f"baseline: no system {name!r}{nearest(name, gathered.names)}")
    runs = list(gathered.runs)
    runs.insert(0, runs.pop(gathered.names.index(name)))
    return replace(gathered, runs=tuple(runs))


def _gate(gathered: Gathered, options: Options) -> Gate | None:
    if options.rules is None:
        return None
    if len(gathered.runs) != 2:
        raise ConfigError(f"rules: a gate is for two runs, and these are {len(gathered.runs)}")
    baseline, candidate = gathered.runs
    return gate(baseline.folder, candidate.folder, options.rules)


def _title(gathered: Gathered) -> str:
    names = list(dict.fromkeys(str(record["experiment"]) for record in gathered.records))
    return ", ".join(names)
