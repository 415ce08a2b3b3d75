"""The report's page as it is written: what stands in it, for whatever the runs hold."""

import base64
import gzip
import hashlib
import html
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from evalharness import write_report
from evalharness.display import STYLE_SHEET
from evalharness.errors import ConfigError, DataError, StoreError
from evalharness.records import FlagLook, Summary, Vote
from evalharness.report import page as report_page
from evalharness.report.articles import (
    Articles,
    Texts,
    articles_of,
    choose_articles,
    telling_orders,
)
from evalharness.report.drawer import DRAWER
from evalharness.report.gathered import gather
from evalharness.report.glossary import GLOSSARY, glossary_markdown, term_id
from evalharness.report.headline import headline
from evalharness.report.overview import overview
from evalharness.report.payload import Units, json_bytes
from evalharness.report.ranking import standings
from evalharness.report.systems import Bar, SystemRow, TableFigure, with_bars
from evalharness.store.runs import NOT_SWEPT

MakeRun = Callable[..., Path]
Command = Callable[..., Any]
Golden = Callable[[str, Any], None]
N = 40
GOOD = np.random.default_rng(1).beta(8, 3, N).tolist()
BAD = [value - 0.3 for value in GOOD]


class Page(HTMLParser):
    """What a browser takes a page for: its elements with their attributes, and its words."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.data: dict[str, str] = {}
        self.contents: dict[str, str] = {}
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self._inside = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.contents[self._inside] = self.contents.get(self._inside, "") + data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def unpacked(self, name: str) -> Any:
        return json.loads(gzip.decompress(base64.b64decode(self.contents[name])))


def report(*runs: Path, to: Path, **options: Any) -> Page:
    return Page(write_report(*runs, to=to, **options))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "out" / "page.html"


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots out, which have tests of their own, but where a test asks for them."""
    if "plots" not in request.fixturenames:
        monkeypatch.setattr(report_page, "begin_plots_alone", lambda *_: {})
        monkeypatch.setattr(report_page, "begin_plots", lambda *_, **__: ())
        monkeypatch.setattr(report_page, "plots_section", lambda *_: None)
        monkeypatch.setattr(DRAWER, "start", lambda: None)


@pytest.fixture
def plots() -> None:
    """Have plots in the page."""
    pytest.importorskip("vl_convert")


# the overview


def test_best_is_told_from_worse_and_from_a_tie(make_run: MakeRun, page: Path) -> None:
    same = [value + (-1) ** n * 0.01 - 0.001 for n, value in enumerate(GOOD)]
    runs = [make_run(name, {"m": s}) for name, s in (("a", GOOD), ("b", BAD), ("c", same))]

    found = standings(gather(runs)).rankings["m"]

    assert found.best == "a"
    assert found.marks == {"a": "best", "b": "lower", "c": "tie"}
    text = report(*runs, to=page).text
    assert "No significant difference between a and c by any score; 1 other is lower" in text
    assert "best" in text
    assert "tie" in text


def test_headline_counts_who_competes_and_says_where_articles_are_too_few(
    make_run: MakeRun, page: Path
) -> None:
    runs = [make_run(name, {"m": GOOD[:4]}) for name in "abcd"]

    text = report(*runs, to=page).text

    assert (
        "No significant difference between the 4 systems by any score; 4 articles are too few to "
        "show one" in text
    )
    assert "too few to show one" not in report(
        make_run("e", {"m": GOOD}), make_run("f", {"m": GOOD}), to=page
    ).text  # fmt: skip


def test_one_system_is_best_beyond_chance(make_run: MakeRun, page: Path) -> None:
    runs = [make_run("a", {"m": BAD}), make_run("b", {"m": GOOD})]

    assert "b is best by m, beyond chance" in report(*runs, to=page).text


def test_systems_that_lead_by_different_scores_are_both_named(
    make_run: MakeRun, page: Path
) -> None:
    runs = [make_run("a", {"m": GOOD, "k": BAD}), make_run("b", {"m": BAD, "k": GOOD})]

    assert "No system is best by every score: a by m, b by k." in report(*runs, to=page).text


def test_baselines_and_upper_bound_do_not_compete(make_run: MakeRun, page: Path) -> None:
    runs = [
        make_run("lead", {"m": GOOD}),
        make_run("oracle", {"m": [min(1.0, v + 0.3) for v in GOOD]}),
        make_run("model", {"m": BAD}),
    ]
    gathered = gather(runs)

    assert gathered.roles == ["baseline", "upper bound", ""]
    found = standings(gathered).rankings["m"]
    assert found.marks == {"model": "", "lead": "higher", "oracle": "higher"}
    text = report(*runs, to=page).text
    assert "The baseline lead scores higher than the best by m (" in text
    assert "floor" not in text
    assert "ceiling" not in text


def test_what_is_copied_is_not_the_best_by_a_check(make_run: MakeRun, page: Path) -> None:
    perfect = [1.0] * len(GOOD)
    runs = [
        make_run("writer", {"lexical": GOOD, "m": GOOD}),
        make_run("copier", {"lexical": perfect, "m": BAD}),
        make_run("other", {"lexical": BAD, "m": GOOD}),
    ]

    found = standings(gather(runs))

    assert found.rankings["lexical"].best == "writer"
    marks = found.rankings["lexical"].marks
    assert marks == {"writer": "best", "copier": "copied", "other": "lower"}
    assert found.rankings["m"].marks["copier"] == "lower"  # references are another matter
    text = report(*runs, to=page).text
    assert "copier has next to no words of its own" in text
    assert "copier is best" not in text
    assert (
        "Not ranked by likely errors, nor by checks in which copying is faultless: copier" in text
    )


@pytest.mark.parametrize("names", ["a", "ab"])
def test_bar_of_likely_errors_is_of_all_summaries(names: str) -> None:
    bar = Bar(0, 25.0, 10.0, 50.0, whole=100)
    cell, score = TableFigure("1 of 4", bar=bar), TableFigure("0.5", bar=Bar(0, 0.5, 0.4, 0.8))
    counts = (4, 0, 0, "100%", "9", "0%", "")
    rows = [SystemRow(name, "", None, *counts, (cell, score)) for name in names]
    for row in with_bars(rows):
        assert row.figures[0] is not None
        assert row.figures[0].bar == replace(bar, whole=0)
        assert row.figures[1] is not None
        assert row.figures[1].bar == Bar(0, 62.5, 50.0, 100.0)  # to the farthest end


def test_copies_are_the_best_by_no_check_where_there_is_nothing_else(make_run: MakeRun) -> None:
    perfect = [1.0] * len(GOOD)
    runs = [make_run("a", {"lexical": perfect}), make_run("b", {"lexical": perfect})]
    found = standings(gather(runs)).rankings["lexical"]
    assert (found.best, found.marks) == ("", {"a": "copied", "b": "copied"})


@pytest.mark.parametrize(
    ("novel", "best"), [(0.5, "copier"), (0.01, "writer")], ids=["paraphrases", "copies"]
)
def test_extractiveness_tells_who_copies(make_run: MakeRun, novel: float, best: str) -> None:
    perfect = [1.0] * len(GOOD)

    def described(novel_2: float) -> list[dict[str, object]]:
        return [{"value": 0.5, "parts": {"novel_2": novel_2}} for _ in GOOD]

    runs = [
        make_run("writer", {"numbers": GOOD, "extractiveness": described(0.5)}),
        make_run("copier", {"numbers": perfect, "extractiveness": described(novel)}),
        make_run("other", {"numbers": BAD, "extractiveness": described(0.5)}),
    ]
    assert standings(gather(runs)).rankings["numbers"].best == best


def test_higher_score_by_copying_is_not_called_better(make_run: MakeRun, page: Path) -> None:
    copied = make_run("copier", {"lexical": [1.0] * len(GOOD)})
    written = make_run("writer", {"lexical": BAD})
    assert "▲" not in (text := report(written, copied, to=page).text)
    assert " copied " in text
    assert "lower than a copy" in report(copied, written, to=page).text


def test_models_stand_above_baselines_and_upper_bounds(make_run: MakeRun) -> None:
    gathered = gather([make_run(name, {"m": GOOD}) for name in ("oracle", "lead", "model")])
    shown = overview(gathered, articles_of(gathered), standings(gathered))

    assert [row.name for row in shown.rows] == ["model", "lead", "oracle"]


def test_too_few_articles_to_show_anything_are_named(make_run: MakeRun, page: Path) -> None:
    few = [make_run(f"{name}5", {"m": scores[:5]}) for name, scores in (("a", GOOD), ("b", BAD))]
    enough = [make_run(f"{name}6", {"m": scores[:6]}) for name, scores in (("a", GOOD), ("b", BAD))]

    assert "5 articles can show no difference, however large" in report(*few, to=page).text
    assert "can show no difference" not in report(*enough, to=page).text


def test_no_score_tells_the_systems_apart(make_run: MakeRun, page: Path) -> None:
    runs = [make_run(name, {"m": GOOD}) for name in ("a", "b", "c")]

    assert (
        "No significant difference between a, b and c by any score." in report(*runs, to=page).text
    )


def _lexical(summary: str, *errors: tuple[str, str]) -> dict[str, object]:
    """Return a score with flags: at some words of a summary, of a kind."""
    starts = [(summary.index(words), words, kind) for words, kind in errors]
    flags = [
        {"start": at, "end": at + len(words), "kind": kind, "message": f"not {words}"}
        | {"evidence": [{"start": 3, "end": 6}]}
        for at, words, kind in starts
    ]
    return {"value": 0.2 if errors else 0.9, "flags": flags}


def test_clearest_errors_are_hard_the_surest_kinds_first_and_the_systems_in_turn(
    make_run: MakeRun, page: Path
) -> None:
    texts = [f"In May {n} people left. All came back." for n in range(4)]
    words = [f"Nobody won. In June {n} of the people left in Rome." for n in range(4)]
    wrong = [_lexical(text, ("June", "date"), ("Nobody", "antonym")) for text in words]
    soft = _lexical(words[0], ("people left", "unsupported"))
    said = [Summary(f"a{n}", text) for n, text in enumerate(words)]
    runs = [
        make_run("a", {"lexical": [soft, *wrong[1:]]}, texts=texts, summaries=said),
        make_run("b", {"lexical": [*wrong[:2], soft, soft]}, texts=texts, summaries=said),
        make_run("lead", {"lexical": wrong}, texts=texts, summaries=said),
    ]
    shown = report(*runs, to=page)
    gathered = gather(runs)
    articles = articles_of(gathered)
    with Texts(gathered, articles) as samples:
        found = overview(gathered, articles, standings(gathered), texts=samples).clearest

    assert [(each.kind, each.wrong) for each in found] == [
        *[("date", "June")] * 2,
        *[("antonym", "Nobody")] * 2,
    ]
    assert [each.system for each in found] == ["b", "a", "a", "a"]
    assert [each.id for each in found] == ["a0", "a1", "a2", "a3"]
    first = found[0]
    assert (first.before, first.after) == ("In ", " 0 of the people left in Rome.")
    assert first.evidence == ("In ", "May", " 0 people left.")
    assert first.link == f"#article={first.id}&system=b"
    assert "3 of 4 summaries by a and 2 by b have a likely error." in shown.text
    assert "The clearest errors" in shown.text


@pytest.mark.parametrize(
    "change",
    [{"message": None}, {"message": 3}, {"start": "x"}, {"kind": ["date"]}, {"evidence": [{}]}],
)
def test_likely_error_that_is_none_is_named_by_file_and_line(
    change: dict[str, object], make_run: MakeRun, page: Path
) -> None:
    run = make_run(
        "a",
        {"lexical": [_lexical("In June.", ("June", "date"))] * 2},
        summaries=[Summary(f"a{n}", "In June.") for n in range(2)],
    )
    lines = (run / "samples.jsonl").read_text().splitlines()
    sample = json.loads(lines[1])
    sample["scores"]["lexical"]["flags"][0] |= change
    (run / "samples.jsonl").write_text("\n".join([lines[0], json.dumps(sample), ""]))

    with pytest.raises(DataError, match=r"samples\.jsonl:2: not a sample as evalharness writes it"):
        write_report(run, to=page)


def test_page_without_likely_errors_shows_none(make_run: MakeRun, page: Path) -> None:
    runs = [make_run(name, {"m": GOOD}) for name in ("a", "b")]
    assert "clearest" not in report(*runs, to=page).text


def test_article_without_a_title_is_known_by_its_beginning(make_run: MakeRun, page: Path) -> None:
    texts = ["  It\nrained. " + "word " * 4_000]
    index = report(make_run("a", {"m": [0.5]}, texts=texts), to=page).unpacked("index")

    assert index["articles"]["title"] == [None]
    (opening,) = index["articles"]["opening"]
    assert opening.startswith("It rained. word")
    assert len(opening) <= 80


def test_baselines_compete_where_there_is_nobody_else(make_run: MakeRun) -> None:
    runs = [make_run("lead", {"m": GOOD}), make_run("title", {"m": BAD})]

    assert standings(gather(runs)).rankings["m"].best == "lead"


def test_marks_hold_for_the_articles_that_all_have_a_score_for(make_run: MakeRun) -> None:
    runs = [
        make_run("a", {"m": [0.9, None, 0.8, *GOOD]}),
        make_run("b", {"m": [0.1, 0.9, None, *GOOD]}),
    ]

    assert standings(gather(runs)).rankings["m"].n == N + 1


def test_runs_without_a_common_article_are_not_compared(make_run: MakeRun, page: Path) -> None:
    ids = [f"b{n}" for n in range(N)]
    runs = [make_run("a", {"m": GOOD}), make_run("b", {"m": GOOD}, ids=ids)]

    found = report(*runs, to=page)

    assert "Nothing is compared: a and b: no article stands in both" in found.text
    assert str(runs[0]) not in found.source
    index = found.unpacked("index")
    assert len(index["articles"]["id"]) == 2 * N
    assert index["values"]["m"][0][N:] == [None] * N


def test_runs_that_share_some_articles_say_how_many(make_run: MakeRun, page: Path) -> None:
    ids = [f"a{n + 10}" for n in range(N)]
    runs = [make_run("a", {"m": GOOD}), make_run("b", {"m": GOOD}, ids=ids)]

    assert "30 of 50 stand in all" in report(*runs, to=page).text


def test_score_made_with_other_settings_is_not_compared(make_run: MakeRun, page: Path) -> None:
    runs = [
        make_run("a", {"m": GOOD, "k": GOOD}),
        make_run("b", {"m": GOOD, "k": GOOD}, signature="|stemmer:no|version:1"),
    ]

    text = report(*runs, to=page).text

    assert "m is not compared: made with other settings in b than in a." in text


def test_score_that_one_system_lacks_is_said(make_run: MakeRun, page: Path) -> None:
    runs = [make_run("a", {"m": GOOD, "k": GOOD}), make_run("b", {"m": GOOD})]

    assert "k is not compared: b has none." in report(*runs, to=page).text


def test_what_did_not_come_out_is_listed(make_run: MakeRun, page: Path) -> None:
    summaries = [
        Summary("a0", "", finish="error", note="out of memory"),
        Summary("a1", "", finish="empty"),
        Summary("a2", "It says this.", finish="length", read=3, tokens=4, tokens_in=9),
    ]
    scores: list[Any] = [None, {"value": None, "note": "the summary is empty"}, 0.5]
    run = make_run("a", {"m": scores}, summaries=summaries, defects={"a1": ["empty"]})

    row = overview(gather([run]), _articles(run), standings(gather([run]))).rows[0]
    text = report(run, to=page).text

    assert (row.articles, row.failed, row.rejected) == (3, 1, 0)
    assert (row.answered, row.truncated, row.defects) == ("33%", "33%", "1 empty")
    assert "out of memory" in text
    assert "the summary is empty" in text
    assert "nothing to score" in text


def _articles(*runs: Path) -> Articles:
    return articles_of(gather(runs))


def test_runs_of_none_but_missing_scores_make_a_page(make_run: MakeRun, page: Path) -> None:
    runs = [make_run(name, {"m": [None] * 3}) for name in ("a", "b")]

    index = report(*runs, to=page).unpacked("index")

    assert index["values"]["m"] == [[None] * 3] * 2


def test_likely_errors_are_ranked_and_tested_as_scores_are(make_run: MakeRun) -> None:
    wrong, right = (_lexical("In June.", ("June", "date")), {"value": 0.9})
    said = [Summary(f"a{n}", "In June.") for n in range(N)]
    runs = [
        make_run("a", {"lexical": [wrong] * 5 + [right] * (N - 5)}, summaries=said),
        make_run("b", {"lexical": [wrong] * 30 + [right] * (N - 30)}, summaries=said),
        make_run("c", {"lexical": [wrong] * 7 + [right] * (N - 7)}, summaries=said),
    ]
    found = standings(gather(runs)).errors["lexical"]

    assert found.best == "a"
    assert found.marks == {"a": "best", "b": "lower", "c": "tie"}
    assert found.means == {"a": 5 / N, "b": 30 / N, "c": 7 / N}

    gathered = gather(
        [runs[1], make_run("d", {"lexical": [wrong] * 28 + [right] * (N - 28)}, summaries=said)]
    )
    after = headline(gathered, standings(gathered)).next
    assert after is not None
    assert after.text == "Let people confirm what was flagged in b's summaries:"
    assert after.command.endswith("--protocol flags")


def test_report_of_summaries_without_a_name_says_what_they_are(
    make_run: MakeRun, tmp_path: Path
) -> None:
    """It said "given on 40 articles"."""
    for name, said in {"given": "The summaries given for", "amp": "amp on"}.items():
        page = write_report(make_run(name, {"m": GOOD}), to=tmp_path / f"{name}.html")
        assert f"{said} 40 articles" in page.read_text()


def test_systems_that_lead_alike_lead_together_and_no_difference_is_zero_points(
    make_run: MakeRun,
) -> None:
    """The lead of the one that comes first would be no lead, and 0.0 points nothing to show."""
    nearly = [value + (-1) ** n * 0.1 - 0.0001 for n, value in enumerate(GOOD)]
    scores = {"a": GOOD, "b": GOOD, "c": nearly}
    gathered = gather([make_run(name, {"m": each}) for name, each in scores.items()])
    best, _, _ = headline(gathered, standings(gathered)).figures
    assert best.text == "a and 1 other are highest by m; none of this is significant."

    gathered = gather([make_run(name, {"m": scores[name]}) for name in ("a", "c")])
    best, _, enough = (top := headline(gathered, standings(gathered))).figures
    assert best.text == "a is highest by m; none of this is significant."
    assert enough.text == (
        "To show less than 0.1 points of m between a and c takes more than 100,000."
    )
    assert top.next is not None  # nothing that people could tell apart
    assert top.next.text == "a and c score alike by m; see where they differ:"
    assert top.next.command.startswith("evalharness compare results/")


def test_figures_on_top_say_who_is_best_how_many_are_wrong_and_what_more_it_takes(
    make_run: MakeRun,
) -> None:
    same = [value + (-1) ** n * 0.1 - 0.01 for n, value in enumerate(GOOD)]
    scores = {"a": GOOD, "c": same}
    runs = [make_run(name, {"m": each}) for name, each in scores.items()]
    gathered = gather(runs)
    best, errors, enough = (top := headline(gathered, standings(gathered))).figures

    assert (best.figure, best.sure) == ("no clear best", ("not sure", "no"))
    assert errors.figure == "not counted"
    assert (enough.figure, enough.sure) == ("40 articles", ("too few", "no"))
    assert re.search(r"To show the 1\.0 points of m between a and c takes about \d", enough.text)
    assert top.next is not None
    assert top.next.text == "No score shows whether a or c is better; ask people:"
    assert top.next.command.startswith("evalharness annotate results/")
    assert top.remarks == ()

    gathered = gather([runs[0], make_run("b", {"m": BAD})])
    best, _, enough = headline(gathered, standings(gathered)).figures
    assert (best.figure, best.sure) == ("a", ("sure", "yes"))
    assert enough.sure == ("enough", "yes")


def test_verdict_on_one_system_names_the_articles_where_they_are_few(make_run: MakeRun) -> None:
    said = [Summary(f"a{n}", "In June.") for n in range(3)]
    scores = {"lexical": [_lexical("In June.", ("June", "date")), {"value": 0.9}, {"value": 0.8}]}
    gathered = gather([make_run("a", scores, summaries=said)])
    assert headline(gathered, standings(gathered)).sentence == (
        "By lexical, 1 of 3 summaries has a likely error (33%; 95% interval 6% to 79%): a0."
    )


def test_columns_that_tell_nothing_are_folded_into_a_sentence(make_run: MakeRun) -> None:
    def parts(value: float) -> dict[str, object]:
        return {"value": value, "parts": dict.fromkeys(("rouge1", "rouge2"), value)}

    runs = [
        make_run(name, {"rouge": [parts(v) for v in GOOD], "numbers": [1.0] * N, "m": scores})
        for name, scores in (("a", GOOD), ("b", BAD), ("c", GOOD))
    ]
    gathered = gather(runs)
    found = overview(gathered, articles_of(gathered), standings(gathered))

    assert {c.label: c.folded for c in found.columns if c.folded} == {
        "rouge1": "same", "rouge2": "same", "numbers": "same",
    }  # fmt: skip
    assert found.sorted_by == "m"
    assert [row.name for row in found.rows] == ["a", "c", "b"]
    assert [row.badge.text if row.badge else "" for row in found.rows][2] == "lower by m"


# trust cards


def test_check_has_its_trust_card_beside_its_score(make_run: MakeRun, page: Path) -> None:
    run = make_run("a", {"lexical": GOOD}, signature="|sentences:1|version:2")

    text = report(run, to=page).text

    assert "AUC 0.77" in text
    assert "in 12 sources of labels" in text


def test_card_of_another_version_is_told_as_that(make_run: MakeRun, page: Path) -> None:
    run = make_run("a", {"lexical": GOOD}, signature="|version:99")

    assert "these runs have lexical|version:99" in report(run, to=page).text


def test_page_says_which_of_its_scores_to_trust_for_which_question(
    make_run: MakeRun, page: Path
) -> None:
    text = report(make_run("a", {"chrf": GOOD}), to=page).text
    assert "Which score for which question" in text
    assert "best of those here" in text
    assert "content: relevance (summeval)" in text
    assert "Which score for which" not in report(make_run("a", {"minicheck": GOOD}), to=page).text


def test_check_without_a_card_says_so(make_run: MakeRun, page: Path) -> None:
    assert "trust not measured" in report(make_run("a", {"minicheck": GOOD}), to=page).text


def test_cards_of_a_file_lie_over_those_of_the_package(
    make_run: MakeRun, page: Path, tmp_path: Path
) -> None:
    run = make_run("a", {"minicheck": GOOD})
    card = {"check": "minicheck", "signature": "minicheck|version:1", "macro_auc": 0.875,
            "macro_sources": ["ours"], "measured_on": [], "meaning": "Measured."}  # fmt: skip
    (tmp_path / "cards.json").write_text(json.dumps({"cards": {"minicheck": card}}))

    text = report(run, to=page, cards=tmp_path / "cards.json").text

    assert "AUC 0.88" in text
    assert "Measured." in text


@pytest.mark.parametrize("content", ["", "[]", '{"cards": {"a": {}}}', '{"cards": [1]}', "{"])
def test_file_that_is_no_card_is_one_line(
    content: str, make_run: MakeRun, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "cards.json").write_text(content)

    done = command("report", make_run("a", {"m": GOOD}), "--cards", tmp_path / "cards.json")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no trust cards" in done.stderr


# the glossary


def test_glossary_of_the_docs_is_that_of_the_page(make_run: MakeRun, page: Path) -> None:
    assert (Path(__file__).parents[1] / "docs/glossary.md").read_text() == glossary_markdown()
    found = report(make_run("a", {"lexical": GOOD}), to=page)
    ids = {attributes.get("id") for _, attributes in found.elements}
    assert {term_id(term) for term in GLOSSARY} <= ids


# two runs


def test_two_runs_show_what_changed_and_the_worst_articles(make_run: MakeRun, page: Path) -> None:
    runs = [make_run("old", {"m": GOOD, "k": BAD}), make_run("new", {"m": BAD, "k": BAD})]

    found = report(*runs, to=page)

    assert "Changes from old to new" in found.text
    assert re.search(r"\bm worse -30\.00 -30\.00 … -30\.00 <0\.001", found.text)
    assert re.search(r"\bk no difference shown", found.text)
    links = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    assert sum(str(link).startswith("#article=") for link in links) == 20


def test_differences_are_to_the_baseline_by_name(make_run: MakeRun, page: Path) -> None:
    runs = [make_run(n, {"m": s}) for n, s in (("a", BAD), ("b", BAD), ("c", GOOD))]

    found = report(*runs, to=page, baseline="c")

    assert "Changes from c" in found.text
    assert found.unpacked("index")["systems"] == ["c", "a", "b"]
    with pytest.raises(ConfigError, match="no system 'd'"):
        write_report(*runs, to=page, baseline="d")


def test_rules_give_the_gates_verdict(make_run: MakeRun, page: Path, tmp_path: Path) -> None:
    runs = [make_run("old", {"m": GOOD}), make_run("new", {"m": BAD})]
    (tmp_path / "gate.yaml").write_text("metrics: {m: {margin: 0.05}}\n")

    found = report(*runs, to=page, rules=tmp_path / "gate.yaml")

    assert "Gate: REGRESSION: the candidate is worse than the rules allow" in found.text
    assert str(tmp_path) not in found.source
    with pytest.raises(ConfigError, match="two runs"):
        write_report(*runs, make_run("c", {"m": BAD}), to=page, rules=tmp_path / "gate.yaml")


# its structure, for each kind of runs


def outline(page: Page) -> list[str]:
    """Return what a page is built of: places that have a name, headings, roles; no figure."""
    lines = []
    for tag, attributes in page.elements:
        name = attributes.get("id") or ""
        if name.startswith(("chunk-", "plot-", "config-", "term-", "explorer-")) or tag == "script":
            continue
        kind = attributes.get("class") or ""
        told = kind.startswith(("badge", "sure", "card", "apart")) or "folds" in kind
        words = [f"#{name}" * bool(name), f".{kind}" * told]
        words += [f"[{said}]" for key in ("role", "aria-sort") if (said := attributes.get(key))]
        if any(words) or tag in ("h1", "h2", "h3"):
            lines.append(" ".join(filter(None, [tag, *words])))
    return [line for n, line in enumerate(lines) if n == 0 or line != lines[n - 1]]


def _written(make_run: MakeRun, n: int, *names: str, wrong: int = 2) -> list[Path]:
    """Return runs of n articles, each next one with more likely errors in it."""
    said = [Summary(f"a{i}", "In June.") for i in range(n)]
    found = [_lexical("In June.", ("June", "date")), {"value": 0.9}]
    rouge = [{"value": 0.5, "parts": {"rouge1": 0.5 + i / n / 4, "rouge2": 0.25}} for i in range(n)]
    return [
        make_run(
            name,
            {"rouge": rouge, "lexical": [found[i >= wrong * (k + 1)] for i in range(n)]},
            summaries=said,
        )
        for k, name in enumerate(names)
    ]


KINDS_OF_RUNS: dict[str, tuple[int, tuple[str, ...]]] = {
    "quickstart": (24, ("greedy", "drawn", "lead", "oracle")),
    "one system": (24, ("given",)),
    "two runs": (24, ("before", "after")),
    "sweep of 24": (6, tuple(f"cell-{n}" for n in range(24))),
    "1,000 articles of four": (1000, ("a", "b", "c", "d")),
    "three pages": (3, ("given",)),
}


@pytest.mark.parametrize("kind", [*KINDS_OF_RUNS, "annotated study"])
def test_structure_of_the_page(kind: str, make_run: MakeRun, page: Path, golden: Golden) -> None:
    n, names = KINDS_OF_RUNS.get(kind, (12, ("one", "two")))
    voted = range(0 if kind in KINDS_OF_RUNS else 9)
    votes = [Vote(f"a{i}", "", "one", "two", 1.0, 1, "ann") for i in voted]
    found = report(*_written(make_run, n, *names), to=page, votes=votes)

    golden(f"page_{kind.replace(' ', '_').replace(',', '')}.json", outline(found))
    assert len(found.source) < 3_000_000


# the data of the page


def test_offsets_are_in_units_of_the_browser(make_run: MakeRun, page: Path) -> None:
    text, summary = "😀 It rained. It snowed.", "👍 It snowed."
    score = {
        "value": 0.5,
        "sentences": [{"start": 2, "end": 12, "value": 0.5,
                       "evidence": [{"start": 13, "end": 23}]}],
        "flags": [{"start": 5, "end": 11, "kind": "name", "message": "no",
                   "evidence": [{"start": 2, "end": 4}]}],
    }  # fmt: skip
    run = make_run("a", {"m": [score]}, texts=[text], summaries=[Summary("a0", summary, read=12)])

    article = report(run, to=page).unpacked("chunk-0")[0]

    written = article["summaries"][0]
    assert _js(text, article["sentences"][1]) == "It snowed."
    assert _js(summary, written["scores"]["m"]["sentences"][0][:2]) == "It snowed."
    assert _js(text, written["scores"]["m"]["sentences"][0][3][0]) == "It snowed."
    assert _js(summary, written["scores"]["m"]["flags"][0][:2]) == "snowed"
    assert _js(text, written["scores"]["m"]["flags"][0][4][0]) == "It"
    (gap,) = written["unread"]
    assert _js(text, gap) == text[12:].rstrip()


def _js(text: str, span: list[int]) -> str:
    """Return what JavaScript's `slice` gives."""
    units = text.encode("utf-16-le", errors="surrogatepass")
    return units[2 * span[0] : 2 * span[1]].decode("utf-16-le", errors="surrogatepass")


def test_units_count_every_wide_character() -> None:
    text = "a😀b\ud83dc\U0010ffff"

    assert [Units(text).at(n) for n in range(len(text) + 1)] == [
        len(text[:n].encode("utf-16-le", errors="surrogatepass")) // 2 for n in range(len(text) + 1)
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"text": 'a "b" \\ \x00\x1f\x7f\n\u2028 é 😀', "spans": [[0, 3], (4, 5)], "none": None},
        {"half of a pair": "\ud83d", "whole": "é"},
        [0.1, -0.0, 1.0, 3.66e-08, 5e-324, 1.7976931348623157e308, 2**70, True, []],
    ],
)
def test_data_of_a_page_are_json_that_says_the_same(value: Any) -> None:
    written = json_bytes(value)

    assert json.loads(written) == json.loads(json.dumps(value))
    assert b": " not in written


def test_numbers_that_are_none_are_null_in_a_page() -> None:
    assert json_bytes([float("nan"), float("inf")]) == b"[null,null]"


@pytest.fixture
def kept_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where compiled templates are kept, which holds none, in a process that keeps some."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "kept"


def _compile_template(kept: Path) -> tuple[str, list[Path]]:
    """Return what a template gives, compiled or kept, and the files that are kept."""
    page_environment = report_page.page_environment.__wrapped__
    said = page_environment().get_template("glossary.html.j2").render(glossary=GLOSSARY)
    return said, sorted(path for path in kept.rglob("assets/*") if path.is_file())


def test_compiled_template_is_kept_and_made_again_where_it_is_damaged(kept_templates: Path) -> None:
    said, kept = _compile_template(kept_templates)
    (path,) = kept
    whole = path.read_bytes()

    for damaged in (b"", whole[:20], whole[:-20], b"no template"):
        path.write_bytes(damaged)
        assert _compile_template(kept_templates) == (said, kept)
        assert path.read_bytes() == whole


def test_kept_template_is_read_and_one_of_another_source_is_not(
    kept_templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jinja2

    said, kept = _compile_template(kept_templates)
    with monkeypatch.context() as patched:
        patched.setattr(jinja2.Environment, "compile", None)
        assert _compile_template(kept_templates) == (said, kept)

    before = kept[0].read_bytes()
    monkeypatch.setattr(jinja2, "__version__", "another")
    assert _compile_template(kept_templates) == (said, kept)
    assert kept[0].read_bytes() != before


def test_no_template_is_kept_where_python_keeps_nothing(
    kept_templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    assert _compile_template(kept_templates)[1] == []


@pytest.mark.parametrize("look", get_args(FlagLook))
def test_each_look_of_flags_has_a_rule_and_its_colour_in_light_and_dark(look: str) -> None:
    sheet = STYLE_SHEET.read_text()
    assert f".k-{look} {{ --k: var(--k-{look});" in sheet
    assert sheet.count(f"--k-{look}: #") == 3


def test_data_of_the_page_as_its_scripts_read_it(make_run: MakeRun, golden: Golden) -> None:
    flag = {"start": 0, "end": 7, "kind": "number", "message": "no", "evidence": []}
    scores = {
        "a": {"lexical": [{"value": 0.25, "flags": [flag], "band": "flagged"}, None],
              "rouge": [{"value": 0.5, "parts": {"rouge1": 0.123456}}, {"value": 0.1}]},
        "b": {"lexical": [1.0, 0.5], "rouge": [0.2, 0.3]},
    }  # fmt: skip
    runs = [make_run(name, each) for name, each in scores.items()]
    page = report(*runs, to=runs[0].parent / "page.html")

    golden("report.json", {"index": page.unpacked("index"), "chunk": page.unpacked("chunk-0")})


@pytest.mark.usefixtures("plots")
def test_same_bytes_twice_and_from_a_copy_elsewhere(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run("a", {"m": GOOD}), make_run("b", {"m": BAD})]
    first = write_report(*runs, to=tmp_path / "1.html").read_bytes()
    copies = [Path(shutil.copytree(run, tmp_path / "else" / "where" / run.name)) for run in runs]

    assert write_report(*runs, to=tmp_path / "2.html").read_bytes() == first
    assert write_report(*copies, to=tmp_path / "3.html").read_bytes() == first
    assert str(tmp_path).encode() not in first


# large runs


def test_page_carries_a_choice_where_all_would_be_too_much(
    make_run: MakeRun, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    texts = [" ".join(map(str, rng.integers(10**9, size=60))) for _ in range(200)]
    values = rng.random(200).tolist()
    run = make_run("a", {"m": values}, texts=texts)
    monkeypatch.setattr(report_page, "MOST_BYTES", 150_000)

    found = report(run, to=page)

    index = found.unpacked("index")
    shown = index["carried"]["shown"]
    assert report_page.LEAST_ARTICLES < shown < 200
    assert f"This page carries {shown} of 200 articles" in found.text
    ids = index["articles"]["id"]
    assert f"a{int(np.argmin(values))}" in ids
    assert f"a{int(np.argmax(values))}" in ids
    assert ids == sorted(ids, key=lambda each: int(each[1:]))
    assert len(found.source.encode()) <= 151_000


def test_page_is_the_same_whether_articles_are_made_before_or_when_they_are_asked_for(
    make_run: MakeRun, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    texts = [" ".join(map(str, rng.integers(10**9, size=60))) for _ in range(200)]
    runs = [make_run(name, {"m": rng.random(200).tolist()}, texts=texts) for name in "ab"]
    monkeypatch.setattr(report_page, "MOST_BYTES", 150_000)
    monkeypatch.setattr(report_page, "SURELY_CHOSEN", 0.0)
    late = write_report(*runs, to=page).read_bytes()
    monkeypatch.setattr(report_page, "SURELY_CHOSEN", 2.0)

    assert write_report(*runs, to=page).read_bytes() == late


def test_choice_has_what_the_page_names_the_extremes_the_flagged_and_some_at_random(
    make_run: MakeRun,
) -> None:
    flag = {"start": 0, "end": 7, "kind": "number", "message": "no", "evidence": []}
    values: list[Any] = [n / 100 for n in range(100)]
    values[50] = {"value": 0.5, "flags": [flag, flag]}
    run = make_run("a", {"m": values})
    gathered = gather([run])
    articles = articles_of(gathered)

    orders = list(telling_orders(gathered, articles))
    chosen = choose_articles(orders, articles, 12, first=[33]).chosen

    assert {0, 99, 50, 33} < set(chosen)
    assert len(chosen) == 12
    assert list(chosen) == sorted(set(chosen))
    assert choose_articles(orders, articles, 12, first=[33]).chosen == chosen
    assert choose_articles(orders, articles, 100).all


def test_folder_holds_all_texts_in_files_beside_the_page(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalharness.report import payload

    monkeypatch.setattr(payload, "CHUNK_BYTES", 3_000)
    monkeypatch.setattr(report_page, "MOST_BYTES", 3_000)
    run = make_run("a", {"m": GOOD})
    (tmp_path / "out" / "chunks").mkdir(parents=True)
    for name in ("chunk-99.js", "chunk-mine.js"):
        (tmp_path / "out" / "chunks" / name).write_text("old")

    path = write_report(run, to=tmp_path / "out", whole=True)

    index = Page(path).unpacked("index")
    assert path == tmp_path / "out" / "index.html"
    assert index["carried"] == {"shown": N, "of": N, "rule": "all articles"}
    files = {f"chunk-{n}.js" for n in index["articles"]["chunk"]}
    assert len(files) > 1
    there = {each.name for each in (tmp_path / "out" / "chunks").iterdir()}
    assert there == {*files, "chunk-mine.js"}
    called = re.fullmatch(
        r'evalharnessChunk\(0,"([\w+/=]+)"\)\n', (path.parent / "chunks/chunk-0.js").read_text()
    )
    assert called
    assert json.loads(gzip.decompress(base64.b64decode(called[1])))[0]["id"] == "a0"


# hostile text

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</SCRIPT ><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "` onclick=`alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea></select></table></details><h1>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=//x.example>",
    "<meta http-equiv=refresh content='0;url=//x.example'>",
    "<link rel=stylesheet href=//x.example>",
    "<form action=//x.example><button>",
    "<math><mtext><style><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(1)}",
    "&lt;script&gt;&amp;&#x3c;",
    "a\x00b\x01c\x7fd\x9be",
    "\u202egnp.exe\u2066\u2069\u200f",
    "\ud800 \udfff",
    "\ufeff\ufffe\uffff",
    "\u2028\u2029\x85\x0b\x0c",
    "e" + "\u0301" * 200,
    "*{display:none}/*",
    "expression(alert(1))",
    "x" * 100_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_nothing_but_text(text: str, make_run: MakeRun, tmp_path: Path) -> None:
    plain = _elements(_everywhere("x", make_run, tmp_path / "plain"))
    found = _everywhere(text, make_run, tmp_path / "hostile")

    assert _elements(found) == plain
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    assert {each.get("type") for each in scripts} <= {"application/octet-stream", "module"}
    for _, attributes in found.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert "style" not in attributes
        for name in ("href", "src", "action", "srcdoc"):
            assert (attributes.get(name) or "#").startswith("#")
    assert found.unpacked("chunk-0")[0]["text"].startswith(text)
    assert found.unpacked("index")["articles"]["id"][1] == f"1{text}"


@pytest.mark.usefixtures("plots")
@pytest.mark.parametrize("text", [HOSTILE[n] for n in (1, 22, 23, 25, 26)], ids=range(5))
def test_hostile_text_stays_text_in_plots(text: str, make_run: MakeRun, tmp_path: Path) -> None:
    found = _everywhere(text, make_run, tmp_path / "hostile")

    assert "figure" in dict(found.elements)
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    assert {each.get("type") for each in scripts} <= {"application/octet-stream", "module"}


def _everywhere(text: str, make_run: MakeRun, folder: Path) -> Page:
    """Return a page of two runs that have a text in every field that can hold one."""
    folder.mkdir()
    flag = {"start": 0, "end": 1, "kind": f"k{text}"[:500], "message": text, "evidence": []}
    name = "".join(c for c in text if c.isprintable())  # other names are refused
    label = f"m{name}".replace("|", "")[:200]
    scores: list[Any] = [
        {"value": 0.5, "flags": [flag]},
        {"value": None, "note": f"why {text}"},
        0.25,
    ]
    summaries = [
        Summary("0", f"s{text}"),
        Summary("1", "", finish="error", note=f"failed {text}"),
        Summary("2", "b"),
    ]
    runs = []
    for n in range(2):
        run = make_run(
            f"r{n}",
            {label: [*scores[: 2 + n], 0.75, *scores[2 + n :]][:3]},
            ids=[f"{i}{text}" for i in range(3)],
            texts=[f"{text} {i}. It rained." for i in range(3)],
            references=[[text]] * 3,
            sources=[text] * 3,
            summaries=summaries,
            signature=f"|{text}",
            folder=folder,
        )
        record = json.loads((run / "run.json").read_text())
        record |= {"cell": f"c{n}{name}", "experiment": f"e{name}"}
        record["signatures"]["model"] = f"{text}|{text}"
        record["provenance"] = {"python": text, "packages": {text: text}, "gpus": [text]}
        record["outputs"]["defects"] = {text: 1}
        (run / "run.json").write_text(json.dumps(record))
        (run / "config.yaml").write_bytes(
            f"data: {{path: x}}\n# {text}\n".encode(errors="surrogatepass")
        )
        runs.append(run)
    return report(*runs, to=folder / "page.html")


def _elements(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """Return the elements of a page with the names of their attributes, but for plots and data."""
    kept = [(tag, tuple(sorted(attributes))) for tag, attributes in page.elements]
    varying = {
        "svg",
        "g",
        "path",
        "line",
        "rect",
        "text",
        "desc",
        "del",
        "ins",
        "figure",
        "script",
        "wbr",
    }
    return [(tag, names) for tag, names in kept if tag not in varying]


def test_policy_lets_nothing_in_but_our_own_script_and_style(make_run: MakeRun, page: Path) -> None:
    found = report(make_run("a", {"m": GOOD}), to=page)

    policy = next(
        attributes["content"]
        for tag, attributes in found.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts == {
        "default-src": "'none'",
        "script-src": _hash(found.contents["script"]),
        "style-src": _hash(found.contents["style"]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.usefixtures("plots")
def test_page_is_marked_up_for_everybody(make_run: MakeRun, page: Path) -> None:
    runs = [make_run("a", {"m": GOOD}), make_run("b", {"m": BAD})]

    found = report(*runs, to=page)

    tags = [tag for tag, _ in found.elements]
    assert dict(found.elements)["html"]["lang"] == "en"
    assert {"main", "nav", "header", "footer"} < set(tags)
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in attributes for tag, attributes in found.elements if tag == "th")
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [str(a["href"]) for tag, a in found.elements if tag == "a"]
    assert {t[1:] for t in targets if not t.startswith("#article=")} <= set(ids)
    said = "AI generated summaries may have errors. For context, always refer to the full article."
    assert found.text.count(said) >= 3


# what is no run


def break_record(run: Path) -> None:
    (run / "run.json").write_text("{")


def break_format(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"format": 99}))


def break_shape(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    del record["metrics"]["m"]["notes"]
    (run / "run.json").write_text(json.dumps(record))


def break_samples(run: Path) -> None:
    lines = (run / "samples.jsonl").read_text().splitlines(keepends=True)
    (run / "samples.jsonl").write_text("".join([*lines[:-1], lines[-1][:40]]))


def break_off_samples(run: Path) -> None:
    lines = (run / "samples.jsonl").read_text().splitlines(keepends=True)
    (run / "samples.jsonl").write_text("".join(lines[:-1]))


def break_a_span(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    lines[3]["scores"]["m"]["flags"] = [{"start": "x"}]
    (run / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def break_table(run: Path) -> None:
    (run / "samples.parquet").write_bytes(b"PAR1")


def remove_samples(run: Path) -> None:
    (run / "samples.jsonl").unlink()


def remove_run(run: Path) -> None:
    shutil.rmtree(run)


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (break_record, "not JSON"),
        (break_format, "of format 99; this version reads 1 and 2"),
        (break_shape, "no 'metrics.m.notes' as evalharness writes it"),
        (break_samples, "samples.jsonl:40: not a sample"),
        (break_off_samples, "39 lines, and run.json has 40"),
        (break_a_span, "samples.jsonl:4: not a sample"),
        (break_table, "samples.parquet: not Parquet"),
        (remove_samples, "samples.jsonl: cannot be read"),
        (remove_run, "there is no such folder"),
    ],
)
def test_what_is_no_run_is_one_line_and_leaves_the_old_page(
    breaking: Callable[[Path], None],
    said: str,
    make_run: MakeRun,
    command: Command,
    page: Path,
) -> None:
    runs = [make_run("a", {"m": GOOD}), make_run("b", {"m": BAD})]
    page.parent.mkdir()
    page.write_text("old")
    breaking(runs[1])

    done = command("report", *runs, "-o", page)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert page.read_text() == "old"


def test_experiment_stands_for_its_cells_in_their_order(make_run: MakeRun, tmp_path: Path) -> None:
    for name in ("z", "a", "old"):
        make_run(name, {"m": GOOD}, folder=tmp_path / "exp")
    cells: list[dict[str, Any]] = [
        {"cell": name, "folder": name, "settings": {}} for name in ("z", "a", "lost")
    ]
    (tmp_path / "exp" / "sweep.json").write_text(json.dumps({"format": 1, "cells": cells}))

    found = gather([tmp_path / "exp"])

    assert found.names == ("z", "a")
    assert found.missing == ("lost: not finished", f"old: {NOT_SWEPT}")
    cells[0]["folder"] = "../exp/z"
    (tmp_path / "exp" / "sweep.json").write_text(json.dumps({"format": 1, "cells": cells}))
    with pytest.raises(DataError, match="no folder beside it"):
        gather([tmp_path / "exp"])


def test_run_named_twice_is_shown_once(make_run: MakeRun) -> None:
    run = make_run("a", {"m": GOOD})

    assert len(gather([run, run / ".", run.parent / "a" / "run.json"]).runs) == 1


def test_page_that_cannot_be_written_is_one_line(
    make_run: MakeRun, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    done = command("report", make_run("a", {"m": GOOD}), "-o", tmp_path / "file" / "page.html")

    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


# at the end of a run


CONFIG = """
name: news
data: {name: files, path: articles.jsonl}
models: [lead, title]
metrics: [rouge]
checks: [numbers]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = [
        {"id": f"n{n}", "article": f"It rained for {n} days. It snowed.", "title": "Rain",
         "reference": f"It rained for {n} days."}
        for n in range(3)
    ]  # fmt: skip
    (tmp_path / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path / "config.yaml"


def test_run_ends_with_a_report_beside_its_runs(
    config: Path, command: Command, tmp_path: Path
) -> None:
    done = command("run", config, "--results", tmp_path / "results")

    path = tmp_path / "results" / "news" / "report.html"
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"Report: {path}"
    assert Page(path).unpacked("index")["systems"] == ["lead", "title"]
    again = write_report(path.parent, to=tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()


def test_single_run_has_its_report_in_its_folder(
    config: Path, command: Command, tmp_path: Path
) -> None:
    command("run", config, "--results", tmp_path / "results", "--set", "models=[lead]")

    assert (tmp_path / "results" / "news" / "lead" / "report.html").exists()
    assert not (tmp_path / "results" / "news" / "report.html").exists()


def test_score_ends_with_a_report(command: Command, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "a", "article": "It rained.", "summary": "It rained."}\n')

    done = command("score", rows, "--metrics", "", "--results", tmp_path / "results")

    assert Path(done.stdout.splitlines()[-1].removeprefix("Report: ")).exists()


def test_no_report_where_none_is_wanted(config: Path, command: Command, tmp_path: Path) -> None:
    from evalharness import run

    done = command("run", config, "--results", tmp_path / "results", "--no-report")
    run(config, results=tmp_path / "other")

    assert "Report" not in done.stdout
    assert not list(tmp_path.rglob("report.html"))


def test_report_that_cannot_be_written_loses_no_run(
    config: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "results" / "news" / "report.html").mkdir(parents=True)

    done = command("run", config, "--results", tmp_path / "results")

    assert done.returncode == 4
    assert "Results: " in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "the report was not written, the results are complete" in done.stderr
    assert (tmp_path / "results" / "news" / "lead" / "run.json").exists()


def test_page_of_what_is_left_of_several_runs_lies_beside_them(
    config: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "X").mkdir()
    models = f"models=[lead, {{name: seq2seq, model: {json.dumps(str(tmp_path / 'X'))}}}]"

    done = command("run", config, "--results", tmp_path / "results", "--set", models)

    assert done.returncode == 4
    assert (tmp_path / "results" / "news" / "report.html").exists()
    assert not (tmp_path / "results" / "news" / "lead" / "report.html").exists()


def test_bug_in_the_report_loses_no_run(
    config: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(report_page, "overview", broken)

    done = command("run", config, "--results", tmp_path / "results")

    assert done.returncode == 4
    assert "ValueError: a bug" in done.stderr
    assert (tmp_path / "results" / "news" / "title" / "run.json").exists()


def test_store_error_names_the_folder(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="file"):
        write_report(make_run("a", {"m": GOOD}), to=tmp_path / "file" / "page.html")


def test_escaping_is_what_html_says(make_run: MakeRun, page: Path) -> None:
    run = make_run("a", {"m": [{"value": None, "note": "<b>&\"'"}]})

    assert html.escape("<b>&\"'").replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in (
        report(run, to=page).source
    )
