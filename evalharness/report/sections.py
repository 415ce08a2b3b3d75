"""The sections of the page, in their order: a row each, with its template and what fills it.

To add one: a builder in a module of its own, a template in `assets/`, and a row in `SECTIONS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from evalharness.comparison.gate import Gate
from evalharness.report.articles import Articles, Texts
from evalharness.report.gathered import Gathered
from evalharness.report.overview import overview
from evalharness.report.pair import Fall, falls, pair_section
from evalharness.report.plots import plots_section
from evalharness.report.provenance import provenance_section
from evalharness.report.ranking import Standings


@dataclass(frozen=True)
class SectionInput:
    """All that a section may be made from.

    gate: what the gate says, where rules were given. cards: a file of trust cards. baseline_named:
    whether a system was named that the others are compared with; of two runs, the first is one.
    """

    gathered: Gathered
    articles: Articles
    texts: Texts
    standings: Standings
    gate: Gate | None = None
    cards: str | Path | None = None
    baseline_named: bool = False

    @property
    def has_baseline(self) -> bool:
        """Whether systems are compared with the first one."""
        named = self.baseline_named or len(self.gathered.runs) == 2
        return named and self.standings.comparison is not None

    @cached_property
    def falls(self) -> list[Fall]:
        """The articles on which scores fell from the baseline; none without one."""
        return falls(self.gathered, self.articles) if self.has_baseline else []


class Section(NamedTuple):
    """A row of the table of sections.

    name: its anchor in the page, and what its template calls its content. heading: of its link in
    the page's menu. build: returns the content, or None where the page has no such section.
    is_linked: whether the menu links to it, by its content.
    """

    name: str
    heading: str
    template: str
    build: Callable[[SectionInput], Any]
    is_linked: Callable[[Any], bool] = lambda _: True


SECTIONS = (
    Section(
        "overview",
        "Overview",
        "overview.html.j2",
        lambda of: overview(of.gathered, of.articles, of.standings, of.cards),
    ),
    Section(
        "changes",
        "Changes",
        "changes.html.j2",
        lambda of: (
            pair_section(of.gathered, of.texts, of.standings, of.falls, of.gate)
            if of.has_baseline
            else None
        ),
    ),
    Section(
        "plots",
        "Plots",
        "plots.html.j2",
        lambda of: plots_section(of.gathered, of.standings.comparison),
        is_linked=lambda plots: bool(plots.groups),
    ),
    Section("articles", "Articles", "articles.html.j2", lambda of: of.articles),
    Section(
        "provenance", "Provenance", "provenance.html.j2", lambda of: provenance_section(of.gathered)
    ),
)


class BuiltSection(NamedTuple):
    """A section with its content, as the page's template takes it."""

    name: str
    heading: str
    template: str
    content: Any
    linked: bool


def build_sections(given: SectionInput) -> list[BuiltSection]:
    """Return the sections that the page has, in their order.

    Raises: ConfigError for a file of cards that is none; DataError for samples that cannot be read.
    """
    contents = ((section, section.build(given)) for section in SECTIONS)
    return [
        BuiltSection(*section[:3], content, section.is_linked(content))
        for section, content in contents
        if content is not None
    ]
