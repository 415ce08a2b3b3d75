"""The page itself: data, sections, styles and scripts put into one file that needs no other.

To add a section: a builder in a module of its own, a template in `assets/`, a row in `SECTIONS`.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evalharness.config.yaml import nearest
from evalharness.display import STYLE_SHEET, UNSHOWN
from evalharness.errors import ConfigError, DataError
from evalharness.records import Vote
from evalharness.report.articles import (
    ArticleChoice,
    ArticleOrder,
    Articles,
    Texts,
    articles_of,
    choose_all,
    choose_articles,
    left_out_section,
    telling_orders,
)
from evalharness.report.drawer import DRAWER, can_draw
from evalharness.report.gathered import Gathered, gather
from evalharness.report.glossary import GLOSSARY, term_id
from evalharness.report.overview import Overview, overview
from evalharness.report.pair import Fall, PairSection, falls, pair_section
from evalharness.report.payload import (
    TRIED,
    PageArticles,
    PageIndex,
    pack_each,
    pack_json,
    payload_chunks,
)
from evalharness.report.plots import Plot, begin_plots, begin_plots_alone, plots_section
from evalharness.report.provenance import provenance_section
from evalharness.report.ranking import Standings, standings
from evalharness.report.table import NOTICE, has_votes
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run
from evalharness.store.samples import PAGE_FILE, sealed_page
from evalharness.store.store import output_path

if TYPE_CHECKING:
    import jinja2

    from evalharness.comparison.gate import Gate
    from evalharness.comparison.scores import Scores, Systems
    from evalharness.report.panel import PanelSection
    from evalharness.report.preferences import JudgeSection


@dataclass(frozen=True)
class SectionInput:
    """All that a section may be made from.

    gate: what the gate says, where rules were given. cards: a file of trust cards. baseline_named:
    whether a system was named that the others are compared with; of two runs, the first is one.
    plots: those that are being drawn.
    """

    gathered: Gathered
    articles: Articles
    texts: Texts
    standings: Standings
    gate: "Gate | None" = None
    cards: str | Path | None = None
    baseline_named: bool = False
    plots: Sequence[Plot] = ()

    @cached_property
    def overview(self) -> Overview:
        """What the first section shows, and further ones show a part of."""
        return overview(self.gathered, self.articles, self.standings, self.cards, self.texts)

    @property
    def has_baseline(self) -> bool:
        """Whether systems are compared with the first one."""
        named = self.baseline_named or len(self.gathered.runs) == 2
        return named and self.standings.comparison is not None

    @cached_property
    def falls(self) -> list[Fall]:
        """The articles on which scores fell from the baseline; none without one."""
        return falls(self.gathered, self.articles) if self.has_baseline else []

    @property
    def fallen_articles(self) -> list[int]:
        """The numbers of those articles, which the page speaks of anyway."""
        return [number for fall in self.falls for number in fall.articles]

    @cached_property
    def _orders(self) -> list[ArticleOrder]:
        return list(telling_orders(self.gathered, self.articles))

    def choose(self, most: int) -> ArticleChoice:
        """Choose the articles that a page carries which has room for so many."""
        if most >= self.articles.n:
            return choose_all(self.articles)
        return choose_articles(self._orders, self.articles, most, self.fallen_articles)


class Section(NamedTuple):
    """A row of the table of sections.

    name: its anchor in the page, its template in `assets/`, and what that calls its content. title:
    the link in the page's menu. build: returns the content, or None where the page has no such
    section. is_tab: whether it is one of the tabs at the end, of which one is open. is_linked:
    whether the menu links to it, by its content.
    """

    name: str
    title: str
    build: Callable[[SectionInput], Any]
    is_tab: bool = True
    is_linked: Callable[[Any], bool] = lambda _: True


def _changes(of: SectionInput) -> PairSection | None:
    if not of.has_baseline:
        return None
    return pair_section(of.gathered, of.texts, of.standings, of.falls, of.gate)


# What few pages have is imported for those alone.


def _preferences(of: SectionInput) -> "list[JudgeSection] | None":
    plotted = of.standings.plotted
    if plotted is None or not plotted.preferences:
        return None
    from evalharness.report.preferences import preferences_section

    return preferences_section(plotted)


def _panel(of: SectionInput) -> "PanelSection | None":
    if not has_votes(of.gathered.runs):
        return None
    from evalharness.report.panel import panel_section

    return panel_section(of.gathered.runs)


SECTIONS = (
    Section("overview", "Overview", lambda of: of.overview, is_tab=False),
    Section("articles", "Articles", lambda of: of.articles, is_tab=False),
    Section("changes", "Changes", _changes),
    Section("left-out", "Left out", lambda of: left_out_section(of.gathered, of.texts)),
    Section("preferences", "Judges and people", _preferences),
    Section("panel", "Panel", _panel),
    Section(
        "plots",
        "Plots",
        lambda of: plots_section(of.gathered, of.plots),
        is_linked=lambda plots: bool(plots.groups),
    ),
    Section("trust", "Trust", lambda of: of.overview.trust or None),
    Section("outputs", "Outputs", lambda of: of.overview),
    Section("provenance", "Provenance", lambda of: provenance_section(of.gathered)),
    Section("glossary", "Glossary", lambda _: GLOSSARY),
)


INDEX = "index.html"
CHUNKS = "chunks"
# Bytes of a page that carries a choice of the articles; room is left for the marks around chunks.
MOST_BYTES = 2_990_000
# The share of them that leaves room enough for all else in a page.
SURELY_FIT = 0.6
# The share of them that is left for articles in any page that carries a choice, or nearly so.
SURELY_CHOSEN = 0.8
# Articles that a page carries however long they are.
LEAST_ARTICLES = 20

_ASSETS = Path(__file__).parent / "assets"
_EXPLORER = (
    "dom", "blocks", "marks", "diff", "table", "list", "pane", "card", "reading", "explorer",
)  # fmt: skip
_SCRIPTS = (*(f"explorer/{name}.js" for name in _EXPLORER), "page.js")
_STYLES = (STYLE_SHEET, "plots.css", "explorer.css")
# Characters of one text of the page itself; those of the articles are data.
_LONGEST_TEXT = 20_000
# What of a page's own folder may run.
_NEIGHBOURS = "'self'"


def write_report(
    *runs: "str | Path | Run | Scores | Systems | Sequence[Run | Scores]",
    to: str | Path = PAGE_FILE,
    baseline: str = "",
    rules: str | Path | None = None,
    cards: str | Path | None = None,
    whole: bool = False,
    votes: Sequence[Vote] = (),
) -> Path:
    """Write one HTML page on finished runs, given by their folders, and return its path.

    The folder of an experiment stands for all of its runs; what `evalharness.run` and
    `evalharness.score` return, too. The page needs no network and no other
    file, and is the same, byte for byte, for the same runs. Of more articles than some 3 MB hold it
    carries a choice, and says so.

    baseline: the system that the others are compared with, by its name; of two runs, the first.
    rules: of a gate (a YAML file), for two runs. cards: what `evalharness meta --card` wrote.
    whole: write a folder `to` instead, with `index.html` and the texts of all articles in files
    beside it, which are loaded as they are needed. votes: of people, who then stand beside judges.

    Raises: DataError for what is no finished run; ConfigError for an option that is wrong;
        StoreError where the page cannot be written.
    """
    gathered = replace(gather([*_each_run(runs)]), votes=tuple(votes))
    page = partial(_page, gathered, baseline, rules, cards)
    if whole:
        folder = output_path(to)
        with _Beside(RunFolder(folder / CHUNKS)) as beside:
            made = page(beside)
        return _write(folder / INDEX, made)
    return _write(output_path(to), page(None))


def _each_run(given: Any) -> Iterator[str | Path | Run]:
    """Yield the runs, or folders of runs, in one argument. Raises: DataError for the page's own."""
    if isinstance(given, str | Path) and _is_page(Path(given)):
        raise DataError(f"{given}: no run; the page is written to the file that `to` names")
    if isinstance(given, str | Path | Run):
        yield given
    elif isinstance(given, list | tuple):
        yield from (run for each in given for run in _each_run(each))
    else:
        yield from _scored_runs(given)


def _scored_runs(given: Any) -> Iterator[Any]:
    """Yield the runs in what `evalharness.score` returned; whatever else it is, as it is."""
    from evalharness.comparison.scores import Scores, Systems

    if isinstance(given, Scores):
        yield given.run
    elif isinstance(given, Systems):
        yield from (scores.run for scores in given.values())
    else:
        yield given


def _is_page(path: Path) -> bool:
    return path.suffix == ".html" and not path.is_dir()


def write_headed_report(
    *runs: str | Path | Run, to: str | Path = PAGE_FILE, votes: Sequence[Vote] = ()
) -> tuple[Path, str]:
    """Write the page on finished runs as `write_report` does; return its path and its headline."""
    made = _page(replace(gather(runs), votes=tuple(votes)), "", None, None, None)
    return _write(output_path(to), made), made.headline


def report_page(*runs: str | Path | Run, baseline: str = "", home: str = "") -> str:
    """Return the page on finished runs that `write_report` would write, for who serves it.

    home: the address of the page that lists all runs, to which this one then has a link.

    Raises: DataError for what is no finished run, or cannot be compared.
    """
    return _page(gather(runs), baseline, None, None, None, home).text


class _MadePage(NamedTuple):
    text: str
    headline: str


def _write(path: Path, made: _MadePage) -> Path:
    RunFolder(path.parent).write(path.name, sealed_page(made.text))
    return path


class _Beside:
    """Files beside the page, each with one chunk of texts.

    They are scripts, since a page opened from disk may run files beside it but not read them.
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


def _page(
    gathered: Gathered,
    baseline: str,
    rules: str | Path | None,
    cards: str | Path | None,
    beside: _Beside | None,
    home: str = "",
) -> _MadePage:
    gathered = _baseline_first(gathered, baseline)
    gate_of_runs = None if rules is None else _gate(gathered, rules)
    with DRAWER, Texts(gathered, articles_of(gathered)) as texts:
        begun = begin_plots_alone(gathered) if can_draw() else None
        ranked = standings(gathered)
        plots = () if begun is None else begin_plots(gathered, ranked.plotted, begun=begun)
        given = SectionInput(
            gathered, texts.articles, texts, ranked, gate_of_runs, cards, bool(baseline), plots
        )
        page_articles = PageArticles(gathered, texts)
        whole = None if beside else _begin_payload(given, page_articles)
        contents = {section: section.build(given) for section in SECTIONS}
        render = partial(
            _render,
            title=", ".join(dict.fromkeys(run.experiment for run in gathered.runs)),
            gathered=gathered,
            contents={section: made for section, made in contents.items() if made is not None},
            notice=NOTICE,
            home=home,
            neighbours=beside is not None,
        )
        if beside is None:
            text = _page_that_fits(render, given, page_articles, whole)
        else:
            text = _payload_beside(given, page_articles, beside).fill(render)
    return _MadePage(text, given.overview.top.sentence)


@dataclass(frozen=True)
class _Payload:
    """The data of a page, packed: the index of some articles, and their texts."""

    choice: ArticleChoice
    index: str
    blocks: Sequence[str] = ()

    @property
    def size(self) -> int:
        return len(self.index) + sum(map(len, self.blocks))

    def fill(self, render: Callable[..., str]) -> str:
        return render(index=self.index, chunks=self.blocks, choice=self.choice)


def _payload(given: SectionInput, articles: PageArticles, choice: ArticleChoice) -> _Payload:
    index = PageIndex(given.gathered, given.articles, choice)
    blocks = list(pack_each(payload_chunks(articles, index)))
    return _Payload(choice, pack_json(index.record()), blocks)


def _payload_beside(given: SectionInput, articles: PageArticles, beside: _Beside) -> _Payload:
    index = PageIndex(given.gathered, given.articles, choose_all(given.articles))
    for chunk in pack_each(payload_chunks(articles, index)):
        beside.write(chunk)
    return _Payload(index.choice, pack_json(index.record()))


def _begin_payload(given: SectionInput, articles: PageArticles) -> _Payload | None:
    """Return the data of all articles where they leave much room, so that it need not be known.

    That is asked while plots are drawn: how much room these take is yet to be seen. Of too many
    articles, those are made meanwhile that there will be room for in any page.
    """
    n = given.articles.n
    if n > TRIED:
        each = articles.bytes_each
        if n * each > SURELY_FIT * MOST_BYTES:
            most = int(SURELY_CHOSEN * MOST_BYTES / each)
            articles.keep(given.choose(most).chosen)
            return None
    return _payload(given, articles, choose_all(given.articles))


def _page_that_fits(
    render: Callable[..., str],
    given: SectionInput,
    articles: PageArticles,
    whole: _Payload | None,
) -> str:
    """Return a page with the data of as many articles as fit. whole: of all, if it is there."""
    if whole and len((page := whole.fill(render)).encode()) <= MOST_BYTES:
        return page
    empty = render(index="", chunks=(), choice=choose_all(given.articles))
    room = MOST_BYTES - len(empty.encode())
    return _payload_that_fits(given, articles, room, whole).fill(render)


def _payload_that_fits(
    given: SectionInput, articles: PageArticles, room: int, whole: _Payload | None
) -> _Payload:
    """Return the data of as many articles as there is room for. whole: of all, if it is there."""
    most = n = given.articles.n
    if most > TRIED:
        most = max(LEAST_ARTICLES, int(room / articles.bytes_each))
    while True:
        choice = given.choose(most)
        every = len(choice.chosen) == n
        payload = whole if whole and every else _payload(given, articles, choice)
        if payload.size <= room or len(choice.chosen) <= LEAST_ARTICLES:
            return payload
        # What was tried was shorter than what was chosen.
        most = max(LEAST_ARTICLES, int(len(choice.chosen) * room / payload.size * 0.97))


def _baseline_first(gathered: Gathered, name: str) -> Gathered:
    """Return the runs in an order in which the first is the one that the others are compared to."""
    if not name:
        return gathered
    if name not in gathered.names:
        raise ConfigError(f"baseline: no system {name!r}{nearest(name, gathered.names)}")
    runs = list(gathered.runs)
    runs.insert(0, runs.pop(gathered.names.index(name)))
    return replace(gathered, runs=tuple(runs))


def _gate(gathered: Gathered, rules: str | Path) -> "Gate":
    from evalharness.comparison.gate import gate

    if len(gathered.runs) != 2:
        raise ConfigError(f"rules: a gate is for two runs, and these are {len(gathered.runs)}")
    baseline, candidate = gathered.runs
    return gate(baseline.folder, candidate.folder, rules)


def _render(
    *,
    contents: Mapping[Section, Any],
    index: str,
    chunks: Sequence[str],
    neighbours: bool,
    **shown: Any,
) -> str:
    """Return the page.

    index, chunks: its data, packed. neighbours: whether files beside it may run, with the texts
    that it loads as they are needed. shown: what all templates may read.
    """
    import markupsafe

    script, style = join_assets(_SCRIPTS), join_assets(_STYLES)
    policy = content_policy(script, style, _NEIGHBOURS if neighbours else "")
    template = page_environment().get_template("page.html.j2")
    data = {"index": markupsafe.Markup(index), "chunks": [*map(markupsafe.Markup, chunks)]}  # noqa: S704  base64
    shown |= {section.name.replace("-", "_"): made for section, made in contents.items()}
    return template.render(
        script=script, style=style, policy=policy, contents=contents, **data, **shown
    )


@cache
def page_environment() -> "jinja2.Environment":
    """Return what fills the templates in `assets/`: all that is shown is escaped."""
    import jinja2

    from evalharness.report.templates import CompiledTemplates

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        bytecode_cache=CompiledTemplates(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=text_for_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clipped"] = clip_with_count
    environment.filters["term_id"] = term_id
    environment.filters["breakable"] = breakable
    return environment


def text_for_page(value: Any) -> Any:
    r"""Return text that a page can hold: what it cannot is a replacement mark, and none is endless.

    >>> text_for_page("a\x00b")
    'a�b'
    """
    import markupsafe

    if not isinstance(value, str) or isinstance(value, markupsafe.Markup):
        return value
    return UNSHOWN.sub("\ufffd", clip_with_count(value, _LONGEST_TEXT))


def clip_with_count(text: str, most: int = 300) -> str:
    """Return text up to a length, and how much more there is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} characters more)"


def breakable(name: str) -> Any:
    """Return a name that may be parted behind its commas, where there is no room for it."""
    import markupsafe

    pieces = map(markupsafe.escape, text_for_page(name).split(","))
    return markupsafe.Markup(",<wbr>").join(pieces)


def join_assets(names: Sequence[str | Path]) -> Any:
    """Return files of ours, in `assets/` or by path, as they stand in the page.

    They may not end its element.
    """
    import markupsafe

    text = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)
    if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
        raise ValueError(f"{', '.join(map(str, names))}: ends its own element")
    return markupsafe.Markup(text)  # noqa: S704  our own files


def content_policy(script: str, style: str, neighbours: str = "", *, asks: bool = False) -> str:
    """Return the Content-Security-Policy: nothing is loaded, and only this script and style run.

    neighbours: what else may run, where texts lie in files beside the page. asks: whether the page
    may ask for more where it came from.
    """
    scripts = f"{_hash(script)} {neighbours}".strip()
    own = "connect-src 'self'; form-action 'self'" if asks else "form-action 'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(style)}; "
        f"img-src data:; base-uri 'none'; {own}"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
