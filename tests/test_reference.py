"""The reference page is what the components say of themselves."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import get_args

import pytest

from evalharness.cli.list import reference
from evalharness.config import registry, schema
from evalharness.config.registry import Kind

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"


@pytest.mark.skipif(
    bool(entry_points(group="evalharness.checks") or entry_points(group="evalharness.models")),
    reason="plug-ins are installed, and are listed too",
)
def test_page_in_git_is_what_the_command_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_option_has_a_line_with_a_meaning() -> None:
    page = reference()
    for kind in get_args(Kind):
        for name in registry.known_components(kind):
            meanings = schema.option_descriptions(registry.load_class(kind, name))
            section = page.partition(f"\n## {kind.capitalize()}\n")[2]
            section = section.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
            for option, meaning in meanings.items():
                assert f"| `{option}` | {meaning[:20].replace('<', '&lt;')}" in section.replace(
                    "\\|", "|"
                ), (kind, name, option)


def test_score_that_only_describes_a_summary_is_named() -> None:
    page = reference()
    said = "describes a summary: a higher score is no better"

    assert said in page.partition("\n### extractiveness\n")[2].partition("\n### ")[0]
    rows = [row for kind in registry.SCORERS for row in registry.BUILT_IN[kind].values()]
    assert page.count(said) == sum(row.descriptive for row in rows)


def test_prose_leaves_the_options_out() -> None:
    said = schema.prose(registry.load_class("metrics", "rouge"))

    assert said.startswith("Precision, recall and F-measure")
    assert "stemmer:" not in said
    assert "one line" not in said  # goes on with `split`
