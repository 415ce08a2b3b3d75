"""What notebooks show: short words, tables and marks in HTML, frames; and DuckDB over the files."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

import evalharness as eh
from evalharness import display
from evalharness.records import Flag, FlagLook, Span

ARTICLES = ["Two people died in Rome. It rained.", "The mayor opened a bridge.", "Snow fell."]
REFERENCES = ["Two people died.", "A bridge was opened.", "It snowed."]
HOSTILE = "<script>alert(1)</script>\"'>&\x00"
SYSTEMS = {
    f"bart {HOSTILE[:8]}": ["Three people died in Rome.", "A bridge opened.", "Snow fell."],
    "pegasus": [f"Four people {HOSTILE} died.", "The mayor opened it.", ""],
}


@pytest.fixture(scope="module")
def systems() -> eh.Systems:
    return eh.score(SYSTEMS, references=REFERENCES, articles=ARTICLES)


def results_of(systems: eh.Systems) -> dict[str, Any]:
    first, second = systems.values()
    return {
        "run": second.run,
        "scores": first,
        "systems": systems,
        "comparison": systems.compare(resamples=200),
        "verdict": eh.check(ARTICLES[0], SYSTEMS["pegasus"][0]),
        "gate": eh.gate(first.run, second.run),
        "gate that could not run": eh.gate(first.run, "no/such/folder"),
    }


RESULTS = ["run", "scores", "systems", "comparison", "verdict", "gate", "gate that could not run"]


class Tags(HTMLParser):
    """Notes tags, and that each that is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.titles: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        assert {name for name, _ in attrs} <= {"class", "scope", "title"}
        self.titles += [value for name, value in attrs if name == "title" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", RESULTS)
def test_words_of_a_result_are_one_short_line(name: str, systems: eh.Systems) -> None:
    said = repr(results_of(systems)[name])

    assert "\n" not in said
    assert 10 < len(said) < 300


@pytest.mark.parametrize("name", RESULTS)
def test_html_of_a_result_is_whole_and_escaped(name: str, systems: eh.Systems) -> None:
    html = results_of(systems)[name]._repr_html_()
    tags = Tags(html)

    assert tags.open == []
    assert tags.seen <= {
        *("div", "style", "table", "thead", "tbody", "tr", "th", "td", "p", "span", "h4"),
    }
    assert "<script" not in html
    assert "\x00" not in html
    assert not re.search(r"url\(|@import|https?:", html)


@pytest.mark.parametrize("name", RESULTS)
def test_dictionary_of_a_result_is_plain(name: str, systems: eh.Systems) -> None:
    assert json.loads(json.dumps(results_of(systems)[name].to_dict()))


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("run", {"id", "article", "references", "summary", "rouge1", "lexical", "flags"}),
        ("scores", {"id", "source", "summary", "rougeLsum"}),
        ("systems", {"system", "summary"}),
        ("comparison", {"metric", "system", "mean", "letters", "difference", "p_holm"}),
        ("verdict", {"sentence", "band", "flags", "evidence"}),
        ("gate", {"rule", "verdict", "baseline", "candidate"}),
    ],
)
def test_frame_of_a_result_has_its_columns(
    name: str, columns: set[str], systems: eh.Systems
) -> None:
    pytest.importorskip("pandas")
    frame = results_of(systems)[name].to_pandas()

    assert columns <= {*frame.columns}
    assert len(frame) > 0


def test_table_has_intervals_and_flagged_words_their_evidence(systems: eh.Systems) -> None:
    html = next(iter(systems.values()))._repr_html_()
    mean = systems.mean()[next(iter(systems))]["rouge1"]
    assert mean is not None

    assert f'>{mean * 100:.1f}<span class="interval">' in html
    assert ">Three</span>" in html
    (title,) = Tags(html).titles
    assert title.startswith("number: “Three”: the article says Two")
    assert "article: “Two people died in Rome" in title


def test_comparison_shows_the_means_of_its_runs(systems: eh.Systems) -> None:
    compared = systems.compare(resamples=200)
    frame = pytest.importorskip("pandas") and compared.to_pandas()
    row = frame[(frame.metric == "rouge.rouge1") & (frame.system == "pegasus")].iloc[0]

    assert row["difference"] == pytest.approx(compared.differences[0].difference)
    assert f"{compared.standings[0].mean * 100:.1f}" in compared._repr_html_()  # type: ignore[operator]


def test_flags_that_overlap_are_cut_into_pieces_without_losing_text() -> None:
    text = "Six men & women died."
    flags = [Flag(Span(0, 7), "number", "one"), Flag(Span(4, 15), "entity", "two")]
    html = display.marked_text(text, flags)
    plain = re.sub(r"<[^>]*>", "", html).replace("&amp;", "&")

    assert plain == text
    assert html.count("<span") == 3
    assert 'title="number: “Six men”: one\nentity: “men &amp; women”: two"' in html


def test_styles_are_the_page_s_and_define_what_they_use() -> None:
    styles = display.styles()
    used = set(re.findall(r"var\((--[\w-]+)", styles))
    defined = set(re.findall(r"(--[\w-]+):", styles))

    assert used <= defined
    assert styles.count("{") == styles.count("}")
    page = display.STYLE_SHEET.read_text()
    colour = re.search(r"--bad: (#\w+)", page)
    assert colour
    assert f"--bad: {colour[1]};" in styles
    for rule in (".k-number {", ".flag {", ".number .interval {", "thead th {"):
        assert rule in styles


@pytest.mark.parametrize("verdict", display.VERDICT_MARKS)
def test_verdict_has_the_same_mark_in_comments_and_on_pages(verdict: str) -> None:
    mark = display.VERDICT_MARKS[verdict]

    assert f'.verdict.{verdict}::before {{ content: "{mark} "; }}' in display.styles()


def test_each_look_of_flags_has_one_in_a_terminal_and_one_on_pages() -> None:
    assert set(display.TERMINAL_LOOKS) == set(get_args(FlagLook))
    assert len(set(display.TERMINAL_LOOKS.values())) == len(display.TERMINAL_LOOKS)


@pytest.mark.parametrize("page", ["report/page.py", "report/study.py", "report/view.py"])
def test_every_page_has_the_one_sheet(page: str) -> None:
    source = (Path(display.__file__).parents[1] / page).read_text()

    assert "(STYLE_SHEET, " in source


# DuckDB.

DOCS = Path(__file__).parents[1] / "docs" / "python.md"


def test_view_of_the_documentation_has_texts_and_scores_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    for name, summaries in (("a", SYSTEMS["pegasus"]), ("b", ["It rained."] * 3)):
        rows = [
            {"id": str(n), "article": article, "reference": reference, "summary": summary}
            for n, (article, reference, summary) in enumerate(
                zip(ARTICLES, REFERENCES, summaries, strict=True)
            )
        ]
        lines = [json.dumps(row).replace("\\u0000", "") + "\n" for row in rows]
        Path(f"{name}.jsonl").write_text("".join(lines))
    runs = [eh.score_files([f"{name}.jsonl"])[0] for name in "ab"]
    (sql,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    database = duckdb.connect()
    database.execute(sql.replace("results/quickstart", "results/score"))
    found = database.sql(
        'SELECT system, id, article, "references", summary, "rouge.rouge1" FROM samples '
        "ORDER BY system, id"
    ).fetchall()
    expected = [
        (run.name, *(row[key] for key in ("id", "article", "references", "summary", "rouge1")))
        for run in runs
        for row in run.rows()
    ]

    assert found == expected
