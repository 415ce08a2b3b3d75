"""One page or one pair checked: verdict, bands, the terminal, JSON and exit codes."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from conftest import Done
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import evalharness
from evalharness.cli import app
from evalharness.cli.check import exit_of, exit_of_pages
from evalharness.config import registry
from evalharness.config.calibration import Band, Thresholds, load_thresholds
from evalharness.errors import ConfigError, DataError, Exit, MissingExtra, UnknownComponent
from evalharness.loaders.pages.parts import SURE, Block, Page
from evalharness.meta.planted.measure import KINDS
from evalharness.records import FLAG_KINDS, Article, Flag, Score, SentenceScore, Span, flag_kind
from evalharness.report.verdict import show_verdict, worth_showing
from evalharness.runner.check import (
    MOST_MARGIN,
    Sentence,
    Verdict,
    VerdictWord,
    check,
    join_verdicts,
    verdict_of_score,
)

PAGES = Path(__file__).parents[1] / "configs" / "pages"
SHARED = Path(__file__).parents[2] / "shared" / "data" / "pages"
HALVES = (Span(0, 5), Span(6, 11))


def score(*values: float, value: float | None = 1.0, kind: str = "") -> Score:
    sentences = tuple(SentenceScore(span, v) for span, v in zip(HALVES, values, strict=False))
    flags = (Flag(Span(1, 2), kind, "why"),) if kind else ()
    return Score(value, sentences=sentences, flags=flags)


@pytest.mark.parametrize(
    ("found", "outcome", "bands"),
    [
        (score(1.0, 0.9), "supported", ["supported", "supported"]),
        (score(1.0, 0.3), "unsure", ["supported", "unsure"]),
        (score(1.0, 0.1), "flagged", ["supported", "flagged"]),
        (score(1.0, 1.0, value=0.3), "unsure", ["supported", "supported"]),
        (score(1.0, 1.0, kind="number"), "flagged", ["flagged", "supported"]),
        (score(1.0, 1.0, kind="unsupported"), "supported", ["supported", "supported"]),
        (score(value=None), "unsure", []),
        (score(value=0.5), "supported", []),
    ],
)
def test_verdict_is_the_worst_band(found: Score, outcome: str, bands: list[str]) -> None:
    verdict = verdict_of_score(found, "", "First. Second", "numbers")
    by_span = {sentence.span: sentence.band for sentence in verdict.sentences}
    assert (verdict.verdict, [by_span[s.span] for s in found.sentences]) == (outcome, bands)


CASES = Path(__file__).parent / "cases" / "pages"
PLANTED = {
    "amended.txt": [("negation", "promised")],
    "caption.txt": [("quote", "luck")],
    "endbox.txt": [("date", "1610")],
    "goto.txt": [("number", "90")],
    "twostamps.txt": [("antonym", "rose")],
    "standfirst.txt": [],
    "boxtop.txt": [],
}


@pytest.mark.parametrize("page", PLANTED)
def test_error_planted_in_a_page_is_flagged_and_nothing_else(page: str) -> None:
    told = check(CASES / page)
    named = [flag for flag in told.flags if flag.kind != "unsupported"]
    assert [(flag.kind, flag.span.of(told.summary)) for flag in named] == PLANTED[page]
    assert (told.verdict == "flagged") == bool(PLANTED[page])


DATED = """Rain floods the market

By Ada Lind

Posted: {}

This summary was generated automatically and may contain mistakes.

Rain flooded the market in Sabine on May 3

SABINE, Verlandia – Rain flooded the market in Sabine on Sunday, the town said.
"""


def test_page_is_held_against_the_day_on_which_it_appeared() -> None:
    told = check(DATED.format("May 4, 2026, 10:32 AM"))
    assert [flag.kind for flag in told.flags] == []
    in_doubt = check(DATED.format("04/05/2026 10:32 AM"))
    assert [flag.span.of(in_doubt.summary) for flag in in_doubt.flags] == ["May 3"]


def test_thresholds_of_a_calibration_bring_the_probability(tmp_path: Path) -> None:
    told = {"n": 4, "positive": 2, "articles": 4, "null_rate": 0.0}
    learnt = {
        "support_from": 0.6,
        "flag_below": 0.2,
        "probability": {"method": "platt", "slope": 2.0},
    }
    whole = {"schema": 1, "check": "lexical", "signature": "lexical|version:1", "method": "platt"}
    rest = {"targets": {}, "labels": {}, "pooled": told | learnt, "sources": {}}
    file = tmp_path / "lexical.json"
    file.write_text(json.dumps(whole | rest))
    pair = ("The mayor, Jane Doe, spoke on Monday.", "The mayor spoke on Monday.")
    found = check(*pair, thresholds=load_thresholds(file))
    assert found.score is not None
    assert found.probability == pytest.approx(1 / (1 + math.exp(-2 * found.score)))
    assert found.record()["probability"] == found.probability
    assert check(*pair).probability is None
    shown = io.StringIO()
    show_verdict(found, shown)
    assert f"{found.probability:.0%} likely to be consistent" in " ".join(shown.getvalue().split())


def test_thresholds_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.json"
    file.write_text('{"thresholds": {"flagged": 0.4, "supported": 0.8}}')
    assert load_thresholds(file) == Thresholds(0.4, 0.8)
    file.write_text('{"thresholds": {"flagged": 0.9, "supported": 0.8}}')
    with pytest.raises(ConfigError, match=r"flagged: 0\.9 is above supported: 0\.8"):
        load_thresholds(file)
    file.write_text('{"thresholds": {"low": 1}}')
    with pytest.raises(ConfigError, match="known are flagged, supported"):
        load_thresholds(file)
    file.write_text("[")
    with pytest.raises(ConfigError, match="not JSON"):
        load_thresholds(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_thresholds(tmp_path / "none.json")


def test_page_is_checked_from_its_file_its_text_or_its_parts() -> None:
    file = PAGES / "harvest.txt"
    found = check(file)
    assert found.verdict == "flagged"
    assert [f.span.of(found.summary) for f in found.flags if f.kind == "number"] == ["34,000"]
    assert found.page is not None
    assert check(file.read_text()) == check(found.page) == found
    assert evalharness.check(file) == found


def test_pair_is_checked_without_a_page() -> None:
    found = check("Rain fell in Oro City on Monday.", "Rain fell in Oro City.")
    assert (found.verdict, found.page) == ("supported", None)
    article = Article("a", "Rain fell in Oro City.", extra={"summary": "Rain fell in Sabine."})
    assert check(article, check="entities").verdict == "flagged"
    assert check(article, " ").verdict == "no_summary"


def test_page_without_summary_or_article_says_so() -> None:
    found = check("A title of some words\n\nRain fell.\n\nAll day.\n")
    assert (found.verdict, found.score, found.note) == (
        "no_summary",
        None,
        "the page has no summary: nothing on it looks like the notice or heading of one",
    )
    bare = check(
        "A title\n\nThis summary was generated by AI and may contain errors.\n\n"
        "ORRIN – Rain fell on Monday, the county said.\n"
    )
    assert bare.note == "the page has no summary: its notice of one stands there without a text"
    with pytest.raises(DataError, match="no article was found"):
        check("Home\nShare\n")
    with pytest.raises(UnknownComponent, match="no check 'lexicl'"):
        check("Rain fell.", "Rain fell.", check="lexicl")


def test_sentence_that_the_check_says_nothing_of_is_unsure() -> None:
    found = check("Ada Lind left.", "Ada Lind left. It rained.", check="entities")
    assert [(s.text, s.value, s.band) for s in found.sentences] == [
        ("Ada Lind left.", 1.0, "supported"),
        ("It rained.", None, "unsure"),
    ]


def shown(found: Verdict) -> str:
    out = io.StringIO()
    show_verdict(found, out, "page.txt")
    return out.getvalue()


def test_plain_output_marks_words_and_shows_the_evidence() -> None:
    text = shown(check(PAGES / "harvest.txt"))
    assert text.startswith("page.txt\n  FLAGGED: it has a likely error")
    assert "Title: Apple harvest in Senna is the smallest in 20 years" in text
    assert "Growers in Senna picked [[34,000]] tons" in text
    assert "the article says 43,000, in sentence 1" in text
    assert "Article, sentence 1: SENNA – Growers in Senna picked 43,000 tons" in text
    assert "\x1b" not in text
    assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())


def test_scores_are_shown_times_100_and_kept_as_shares() -> None:
    found = check(PAGES / "harvest.txt")
    text = shown(found)
    assert found.score is not None
    assert 0 < found.score < 1
    assert f"(lexical {100 * found.score:.1f})" in text
    for n, sentence in enumerate(found.sentences, 1):
        assert sentence.value is not None
        assert f"{n} {sentence.band} {100 * sentence.value:.1f}\n" in text
    assert found.record()["score"] == found.score


NEW_WORDING = (
    "The council closed the old bridge over the river in Senna because its deck had rust.",
    "Corrosion prompted officials to shut an ageing crossing.",
)


def test_new_wording_of_small_words_and_marks_is_kept_and_not_shown() -> None:
    summary = "He spoke and, then, attended it. He did not."
    flags = [
        Flag(Span(summary.index(words), summary.index(words) + len(words)), kind, "")
        for words, kind in (
            ("and,", "unsupported"),
            (", attended", "unsupported"),
            ("it.", "number"),
            ("not", "unsupported"),
        )
    ]

    found = [(flag.span.of(summary), flag.kind) for flag in worth_showing(summary, flags)]

    wanted = [("attended", "unsupported"), ("it.", "number"), ("not", "unsupported")]
    assert found == wanted


def test_new_wording_alone_flags_nothing_and_is_shown_apart(tmp_path: Path) -> None:
    article, summary = NEW_WORDING
    found = check(article, summary)
    assert found.flags
    assert (found.verdict, found.record()["likely_errors"]) == ("unsure", 0)
    assert {flag["likely_error"] for flag in found.record()["flags"]} == {False}
    text = shown(found)
    assert "not found in the article's words: “" in text
    assert "likely error," not in text
    (tmp_path / "article").write_text(article)
    (tmp_path / "summary").write_text(summary)
    pair = ("--article", str(tmp_path / "article"), "--summary", str(tmp_path / "summary"))
    assert run(*pair)[0] == 0


def test_likely_error_is_named_with_its_kind() -> None:
    found = check("Growers picked 43,000 tons.", "Growers picked 34,000 tons.")
    assert found.record()["likely_errors"] == 1
    assert "likely error, number: “34,000”: " in shown(found)


def test_control_characters_of_a_page_do_not_reach_the_terminal() -> None:
    found = check("Rain fell in \x1b[31mOro City.", "Rain fell in \x1b[31mSabine.")
    assert "\x1b" not in shown(found)


def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout


def test_command_gives_the_exit_code_of_what_it_found(tmp_path: Path) -> None:
    bridge, harvest = str(PAGES / "bridge.txt"), str(PAGES / "harvest.txt")
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"\0")
    assert run(bridge)[0] == 0
    assert run(bridge, harvest)[0] == 1
    assert run(harvest, str(broken))[0] == 1
    assert run(str(tmp_path / "none.txt"))[0] == 2
    assert run(str(broken), str(PAGES / "bridge.txt"))[0] == 2


def test_several_pages_end_with_how_many_have_which_verdict(tmp_path: Path) -> None:
    bridge, harvest = str(PAGES / "bridge.txt"), str(PAGES / "harvest.txt")
    counted = "3 pages: 1 flagged, 1 supported, 1 not read\n"
    assert counted in run(bridge, harvest, str(tmp_path / "none.txt"))[1]
    assert "pages: " not in run(bridge)[1]


GUESSED = """Rain floods the market

By Ada Lind

In short

Forty stalls are lost in Sabine.

Rain flooded the market in Sabine on Sunday, the town said.

About 40 stalls were lost, and nobody was hurt.
"""


BINARY = {
    "a PDF; save its text (pdftotext": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>\nendobj\n%%EOF\n",
    "a Word document; save it as plain text": b"PK\x03\x04\0\0word/document.xml",
    "an EPUB; unpack it": b"PK\x03\x04\0\0mimetypeapplication/epub+zip",
    "a zip archive; unpack it": b"PK\x03\x04\0\0page.html",
    "a picture (JPEG)": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "gzip compressed; unpack it": b"\x1f\x8b\x08\0",
}


@pytest.mark.parametrize("kind", BINARY)
def test_file_without_text_is_called_what_it_is(kind: str, tmp_path: Path) -> None:
    """As a page and as an article, whatever its name says."""
    file, summary = tmp_path / "page.txt", tmp_path / "summary.txt"
    file.write_bytes(BINARY[kind])
    summary.write_text("It rained.")
    for arguments in ((str(file),), ("--article", str(file), "--summary", str(summary))):
        result = CliRunner().invoke(app, ["check", *arguments])
        assert result.exit_code != 0
        assert f"page.txt: this is {kind}" in f"{result.stderr} {result.exception}"


def test_command_on_a_page_whose_summary_is_a_guess_exits_3_and_says_why(tmp_path: Path) -> None:
    guessed, bare = tmp_path / "guessed.txt", tmp_path / "bare.txt"
    guessed.write_text(GUESSED)
    bare.write_text("A title of some words\n\nRain fell.\n")
    code, said = run(str(guessed))
    assert code == 3
    assert "UNCERTAIN" in said
    assert "nothing but its place parts “Forty stalls are lost in Sabine.” from the" in said
    record = json.loads(run(str(guessed), "--json")[1])
    assert record["verdict"] == "uncertain"
    assert record["note"] == record["reading"]["doubt"] != ""
    assert not record["reading"]["sure"]
    assert run(str(bare), str(guessed))[0] == 3
    assert run(str(guessed), str(PAGES / "bridge.txt"))[0] == 3
    assert run(str(guessed), str(PAGES / "harvest.txt"))[0] == 1


NOTICE = "AI-generated highlights may contain errors."
TOWER = (
    "Glass Island has sold its lighthouse for one crown to a group of teachers from Hollin.",
    "They must open it to visitors on 60 days a year and repaint it every six.",
    "The tower, built in 1851, has been dark since 2009.",
    "“We will sleep badly and happily,” said Noor Abrams, who teaches physics.",
)
TWICE = f"""Lighthouse sold for one crown

By Ewan Stroud

Key points

• The tower was built in {{year}}
• It has been dark since 2009

{NOTICE}

{TOWER[0]}

{TOWER[1]}

{TOWER[2]}

{TOWER[3]}

In short

• Teachers must open the lighthouse on {{days}} days a year

{NOTICE}
"""
TWICE_HTML = (
    "<html><body><article><h1>Lighthouse sold for one crown</h1><p class=byline>By Ewan Stroud</p>"
    "<div class=tldr><p>TL;DR: Teachers must open the lighthouse of Glass Island on {days} days a "
    "year.</p></div>"
    + "".join(f"<p>{line}</p>" for line in TOWER)
    + "<div class=ai-highlights><h4>AI highlights</h4><ul><li>The tower was built in {year}.</li>"
    f"<li>It has been dark since 2009.</li></ul><p>{NOTICE}</p></div></article></body></html>"
)


@pytest.mark.parametrize(("page", "name"), [(TWICE, "page.txt"), (TWICE_HTML, "page.html")])
@pytest.mark.parametrize(
    ("year", "days", "wrong"),
    [("1851", "60", []), ("1815", "60", ["1815"]), ("1851", "90", ["90"])],
)
def test_each_of_several_summaries_on_a_page_is_read_and_checked(
    tmp_path: Path, page: str, name: str, year: str, days: str, wrong: list[str]
) -> None:
    file = tmp_path / name
    file.write_text(page.format(year=year, days=days))
    code, shown_text = run(str(file))
    record = json.loads(run(str(file), "--json")[1])
    said = record["page"]["ai_summary"]
    assert (len(said), record["page"]["body"]) == (3, list(TOWER))
    assert [any(part in line for line in said) for part in (year, days, "2009")] == [True] * 3
    assert len(record["sentences"]) == 3
    assert code == (1 if wrong else 0)
    errors = [flag["text"] for flag in record["flags"] if flag["likely_error"]]
    assert [error.split()[0] for error in errors] == wrong
    assert all(f"[[{words}" in shown_text for words in wrong)


@given(st.lists(st.sampled_from(list(Exit))))
def test_of_several_pages_1_goes_before_2_before_4_before_3(codes: list[Exit]) -> None:
    order = (Exit.FINDING, Exit.MENDABLE, Exit.INCOMPLETE, Exit.INCONCLUSIVE)  # 1, 2, 4, 3
    worst = next((code for code in order if code in codes), Exit.GOOD)
    assert exit_of_pages(codes) == worst


def _page(summary: str, margin: float) -> Page:
    body = "Rain flooded the market in Sabine on Sunday, the town said."
    blocks = (Block(summary, "summary", margin, ()), Block(body, "body", margin + 1, ()))
    return Page(summary=(summary,), body=(body,), blocks=blocks)


@pytest.mark.parametrize(
    "summary", ["Rain flooded the market in Sabine.", "Rain flooded 40 ships."]
)
def test_verdict_is_never_stronger_than_the_reading(summary: str) -> None:
    assert check(_page(summary, SURE)).verdict in ("supported", "flagged")
    guessed = check(_page(summary, SURE - 0.5))
    assert (guessed.verdict, exit_of(guessed)) == ("uncertain", Exit.INCONCLUSIVE)
    assert guessed.note == f"“{summary}” may as well belong to the article"
    assert check(_page(summary, 0.0), summary).verdict != "uncertain"  # which lines it is was said


def test_lines_about_the_story_support_what_a_summary_says() -> None:
    page = """Orrin bridge to close

By Petra Wend

Published May 5, 2031

AI summary
• The bridge closes for 19 weeks, Petra Wend reported on May 5
• The ferry of Orrin is shown in June
• The claim was rated false
This summary was generated automatically and may contain mistakes.

The ferry of Orrin in June

ORRIN – The old bridge will be closed to cars, the county said.

Nineteen weeks of work

People can walk across it.

Rating: FALSE

– Harbor Ledger
"""
    verdict = check(page)
    assert [flag.span.of(verdict.summary) for flag in verdict.flags if flag.kind == "entity"] == []
    for said in (
        "By Petra Wend",
        "Published May 5, 2031",
        "Nineteen weeks of work",
        "Rating: FALSE",
    ):
        assert said in verdict.article


def test_command_on_a_text_without_a_summary_exits_3(tmp_path: Path) -> None:
    bridge, harvest = str(PAGES / "bridge.txt"), str(PAGES / "harvest.txt")
    bare, empty = tmp_path / "bare.txt", tmp_path / "empty.txt"
    bare.write_text("A title of some words\n\nRain fell.\n")
    empty.write_text(" \n")
    code, text = run(str(bare))
    assert code == 3
    assert "NO SUMMARY" in text
    assert "--explain numbers the lines, and --role N=summary says that line N is of it." in text
    assert run(str(bare), "--json")[0] == 3
    assert run(bridge, str(bare))[0] == 3
    assert run(str(bare), harvest)[0] == 1
    code, text = run("--article", str(bare), "--summary", str(empty))
    assert code == 3
    assert "NO SUMMARY: the summary is empty" in text
    assert "page" not in text


def test_two_texts_without_a_summary_say_how_a_pair_is_checked(tmp_path: Path) -> None:
    article, summary, page = (tmp_path / name for name in ("a b.txt", "s.txt", "page.html"))
    article.write_text("A title of some words\n\nRain fell on the town all day.\n")
    summary.write_text("A title of words\n\nRain fell.\n")
    page.write_text("<p>Rain fell on the town all day.</p>")

    def said(*names: Path) -> str:
        return CliRunner().invoke(app, ["check", *map(str, names)]).stderr

    pair = f"evalharness check --article '{article}' --summary {summary}\n"
    assert said(summary, article).endswith(pair)
    assert "--article" not in said(article)
    assert "--article" not in said(article, page)
    assert "--article" not in said(article, PAGES / "harvest.txt")


def test_command_reads_a_folder_stdin_and_pairs(tmp_path: Path) -> None:
    code, text = run(str(PAGES), "--json")
    assert code == 1
    assert [page["verdict"] for page in json.loads(text)] == [
        "supported",
        "flagged",
        "flagged",
    ]
    code, text = run("-", stdin=(PAGES / "bridge.txt").read_text())
    assert code == 0
    assert "For context, always refer to the full article." in " ".join(text.split())
    (tmp_path / "article").write_text("Rain fell in Oro City.")
    (tmp_path / "summary").write_text("Rain fell in Sabine.")
    pair = ("--article", str(tmp_path / "article"), "--summary", str(tmp_path / "summary"))
    assert run(*pair)[0] == 1
    assert run(*pair, "page.txt")[0] == run()[0] == run("--article", "x")[0] == 2


ARTICLE = "Two people died in Rome in 2018. It rained for days."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("article.txt").write_text(ARTICLE)
    Path("summary.txt").write_text("Three people died in Rome.")
    Path("plain").write_text(ARTICLE)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("article", [["--article", "article.txt"], ["--article-text", ARTICLE]])
@pytest.mark.parametrize(
    "summary", [["--summary", "summary.txt"], ["--summary-text", "Three people died in Rome."]]
)
def test_pair_may_be_files_or_texts(
    article: list[str], summary: list[str], command: Callable[..., Done]
) -> None:
    done = command("check", *article, *summary)

    assert done.returncode == Exit.FINDING, done.stderr
    assert "the article says Two" in " ".join(done.stdout.split())


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--article", "artcle.txt", "--summary-text", "It rained."], "artcle.txt: cannot be read"),
        (["--article-text", ARTICLE, "--summary", "It rained."], "It rained.: cannot be read"),
        (["--article-text", "article.txt", "--summary-text", "It rained."],
         "--article-text article.txt: a file's name; give --article article.txt"),
        (["--article-text", "artcle.txt", "--summary-text", "It rained."], "a file's name"),
        (["--article-text", "out/article", "--summary-text", "It rained."], "a file's name"),
        (["--article-text", "plain", "--summary-text", "It rained."], "a file's name"),
        (["--article-text", ARTICLE, "--summary-text", "./summary.md"], "give --summary ./summ"),
        (["--article-text", ARTICLE], "give an article and its summary together"),
        (["--article", "article.txt", "--article-text", "a", "--summary-text", "b"], "not both"),
        (["--article-text", " ", "--summary-text", "It rained."], "the article is empty"),
        (["It rained for days."], "texts: --article-text, --summary-text"),
        (["https://example.org/a.html"], "check downloads nothing: save the page, and give the"),
        (["article.txt", "--summary-text", "It rained."], "together, each a file or a text"),
    ],
)  # fmt: skip
def test_no_path_is_taken_for_a_text_and_no_text_for_a_path(
    words: list[str], message: str, command: Callable[..., Done]
) -> None:
    done = command("check", *words)

    assert (done.returncode, done.stdout) == (Exit.MENDABLE, "")
    assert message in " ".join(done.stderr.split())


def test_json_has_the_page_the_sentences_and_the_flags() -> None:
    _, text = run(str(PAGES / "harvest.txt"), "--json")
    record = json.loads(text)
    page = record["page"]
    assert set(page) == {
        *("title", "byline", "timestamps", "disclaimer", "photo_credit", "ai_summary"),
        *("dateline", "body", "subheads", "source_tag", "furniture"),
    }
    article, summary = "\n\n".join(page["body"]), "\n".join(page["ai_summary"])
    # Keys may be added, none goes: programs read them.
    assert record.keys() >= {
        *("file", "page", "verdict", "check", "score", "probability", "note", "sentences", "flags"),
        *("reading", "likely_errors", "left_out"),
    }
    assert record["reading"].keys() >= {"sure", "doubt", "profile", "blocks"}
    assert all(0 <= block["margin"] <= MOST_MARGIN for block in record["reading"]["blocks"])
    [sentence] = record["sentences"]
    assert sentence.keys() >= {"start", "end", "text", "value", "band", "evidence"}
    flag_keys = {"start", "end", "kind", "message", "evidence", "text", "likely_error"}
    assert all(flag.keys() >= flag_keys for flag in record["flags"])
    assert summary[sentence["start"] : sentence["end"]] == sentence["text"]
    assert sentence["band"] == record["verdict"] == "flagged"
    for evidence in sentence["evidence"]:
        assert article[evidence["start"] : evidence["end"]] == evidence["text"]
    number = next(flag for flag in record["flags"] if flag["kind"] == "number")
    assert number["text"] == summary[number["start"] : number["end"]] == "34,000"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
def test_shared_page_with_a_right_summary_is_not_flagged() -> None:
    assert check(SHARED / "page02.txt").verdict != "flagged"


def test_kinds_of_flags_name_planted_errors_and_those_of_a_plug_in_are_hard() -> None:
    assert flag_kind("of a plug-in").hard
    planted = {error for kind in FLAG_KINDS.values() for error in kind.planted}
    assert planted <= set(KINDS)


# Verdicts of several checks on one summary.


def _verdict(check: str, *bands: str, value: float | None = 0.5) -> Verdict:
    """Return a verdict on two sentences, `One.` and `Two.`; with no bands, on all of it."""
    spans = (Span(0, 4), Span(5, 9))
    sentences = tuple(
        Sentence(span, "", value, cast(Band, band))
        for span, band in zip(spans, bands, strict=False)
    )
    worst = next((w for w in ("flagged", "unsure", "supported") if w in bands), "unsure")
    return Verdict(cast(VerdictWord, worst), 0.5, sentences, (), check=check, summary="One. Two.")


@pytest.mark.parametrize(
    ("first", "other", "joined", "verdict"),
    [
        (("supported", "unsure"), ("supported", "flagged"), ("supported", "flagged"), "flagged"),
        (("supported", "unsure"), ("flagged", "supported"), ("unsure", "supported"), "unsure"),
        (("supported", "unsure"), ("unsure", "supported"), ("supported", "supported"), "supported"),
        (("flagged", "unsure"), ("supported", "supported"), ("flagged", "supported"), "flagged"),
        (("unsure", "unsure"), ("unsure", "unsure"), ("unsure", "unsure"), "unsure"),
    ],
)
def test_verdicts_are_joined_sentence_by_sentence(
    first: tuple[str, str], other: tuple[str, str], joined: tuple[str, str], verdict: str
) -> None:
    both = join_verdicts(_verdict("lexical", *first), _verdict("network", *other))
    assert tuple(sentence.band for sentence in both.sentences) == joined
    assert both.verdict == verdict
    assert [one["check"] for one in both.record()["joined"]] == ["lexical", "network"]


@pytest.mark.parametrize(
    ("first", "other", "verdict"),
    [
        ("unsure", "flagged", "flagged"),
        ("supported", "flagged", "unsure"),
        ("unsure", "supported", "supported"),
        ("flagged", "supported", "flagged"),
    ],
)
def test_check_without_sentences_joins_as_a_whole(first: str, other: str, verdict: str) -> None:
    whole = replace(_verdict("network"), verdict=cast(VerdictWord, other))
    assert join_verdicts(_verdict("lexical", first, first), whole).verdict == verdict


def test_one_check_alone_is_joined_with_nothing() -> None:
    found = check("Growers picked 43,000 tons.", "Growers picked 34,000 tons.")
    assert found.joined == ()
    assert "joined" not in found.record()


def test_command_with_a_second_check_says_what_each_says(tmp_path: Path) -> None:
    pair = ("--article-text", "Growers picked 43,000 tons.")
    wrong = (*pair, "--summary-text", "Growers picked 34,000 tons.")
    code, said = run(*wrong, "--with", "dates")
    assert code == 1
    assert "lexical: flagged (" in said
    assert "dates: unsure (no score)" in said
    record = json.loads(run(*wrong, "--with", "dates", "--json")[1])
    assert [one["check"] for one in record["joined"]] == ["lexical", "dates"]


def test_network_beside_lexical_is_joined_by_option_and_by_config(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from neural import tiny

    folder = tiny.t5(tmp_path / "t5")
    article = ("--article-text", "Growers picked 43,000 tons.")
    pair = (*article, "--summary-text", "Farmers celebrated a bumper autumn.", "--json")
    option = ("--with", "minicheck", "--set", f"minicheck.model={folder}")
    by_option = json.loads(run(*pair, *option)[1])
    config = tmp_path / "checks.yaml"
    config.write_text(
        "data: {name: files, path: none.jsonl}\nmodel: given\nmetrics: []\n"
        f"checks: [lexical, {{name: minicheck, model: {folder}}}, numbers]\n"
    )
    by_config = json.loads(run(*pair, "--config", str(config))[1])
    assert by_option["joined"] == by_config["joined"]
    assert [one["check"] for one in by_config["joined"]] == ["lexical", "minicheck"]
    network = by_config["joined"][1]
    assert (network["score"] >= 0.5) == (network["verdict"] == "supported")
    assert by_config["verdict"] == ("supported" if network["score"] >= 0.5 else "flagged")


def test_network_that_is_not_installed_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "is_installed", lambda extra: extra != "hf")
    with pytest.raises(MissingExtra, match="check minicheck needs: pip install "):
        check("It rains.", "It rains.", beside=["minicheck"])


def test_check_says_nothing_of_a_sentence_that_it_has_nothing_to_say_of() -> None:
    article = "Growers picked 43,000 tons. Rain fell."
    said = shown(check(article, "Rain fell. Growers picked 43,000 tons.", check="numbers"))
    assert "No sentence of the article bears on this" not in said
    assert "unsure" not in said.partition("1 ")[2].partition("2 ")[0]
    assert "2 supported" in said


_ROW = '{"id": "1", "article": "It rained in Rome.", "summary": "It rained."}'


@pytest.mark.parametrize(
    ("name", "content", "are_rows"),
    [
        ("rows.jsonl", f"{_ROW}\n{_ROW}\n", True),
        ("rows.txt", f"{_ROW}\n{_ROW}\n", True),
        ("rows.json", f"[\n {_ROW},\n {_ROW}\n]\n", True),
        ("rows.csv", 'article,"summary"\nIt rained in Rome.,It rained.\n', True),
        ("page.txt", "Summary: an article, in short\n\nIt rained in Rome on Monday.\n", False),
        ("notes.txt", '{"title": "Rain", "lines": ["It rained in Rome on Monday."]}', False),
    ],
)
def test_rows_have_a_hint_to_score(
    name: str, content: str, are_rows: bool, command: Callable[..., Done], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)

    done = command("check", tmp_path / name)

    hint = f"for rows of summaries: evalharness score {tmp_path / name}"
    assert (hint in done.stderr) == are_rows


def test_scores_are_explained_a_given_summary_is_named_and_a_title_is_called_one(
    command: Callable[..., Done], tmp_path: Path
) -> None:
    article = "It rained in Rome on Monday. Three died."
    done = command("check", "--article-text", article, "--summary-text", "Four died in Rome.")

    assert done.stdout.startswith("summary given\n")
    assert done.stdout.count("Scores go from 0 to 100") == 1

    (tmp_path / "page.txt").write_text(_BAKERY)
    shown = command("check", tmp_path / "page.txt").stdout
    assert "      Title: Bakery in Tolm opens on Sunday\n" in shown
    assert "      Article, sentence 2: They sell bread" in shown


_BAKERY = """Bakery in Tolm opens on Sunday

AI-generated summary
• A bakery will open on Sunday.
• It sells bread.

TOLM – The owners said that visitors can come at nine in the morning to see the new ovens.

They sell bread and rolls, and the shop has 12 seats for guests who want coffee.

The town council paid for a new road to the shop last year, officials said.
"""
