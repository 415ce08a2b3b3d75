"""`show`: one article with evidence and flags in the terminal, and the worst articles."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.cli.show import show_article
from evalharness.records import Summary
from evalharness.report.gathered import gather

MakeRun = Callable[..., Path]
Command = Callable[..., Any]

ARTICLE = "The mayor opened the bridge on Monday. It cost 30 million. Nobody was hurt."
SUMMARY = "The bridge cost 40 million."
FLAGGED: dict[str, Any] = {
    "value": 0.1,
    "parts": {"min": 0.1},
    "sentences": [{"start": 0, "end": 27, "value": 0.1, "evidence": [{"start": 39, "end": 58}]}],
    "flags": [
        {"start": 16, "end": 18, "kind": "number", "message": "the article has 30",
         "evidence": [{"start": 39, "end": 58}]}
    ],
}  # fmt: skip
FINE: dict[str, Any] = {"value": 0.9}


@pytest.fixture
def run(make_run: MakeRun) -> Path:
    return make_run(
        "sys",
        {"rouge": [0.5, 0.6, None], "lexical": [FLAGGED, FINE, {"value": None, "note": "nothing"}]},
        ids=["news-1", "news-2", "sport-1"],
        texts=[ARTICLE] * 3,
        summaries=[
            Summary("news-1", SUMMARY, read=45, tokens=6),
            Summary("news-2", "Fine."),
            Summary("sport-1", "", finish="error", note="the model was away"),
        ],
        sources=["bbc", "bbc", ""],
    )


def test_an_article_stands_with_evidence_flags_and_what_was_not_read(
    run: Path, command: Command
) -> None:
    done = command("show", run, "news-1")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "news-1"
    assert "  Source: bbc" in lines
    assert "    1 The mayor opened the bridge on Monday." in lines
    assert "  > 2 It cost 30 million." in lines
    assert lines[lines.index("  > 2 It cost 30 million.") + 1] == "    ––– sys read no further –––"
    assert "Reference" in lines
    assert any(
        line.startswith("Summary by sys; 5 words, ended by stop, 6 tokens") for line in lines
    )
    assert "  rouge 50.0   lexical 10.0" in lines
    assert "    The bridge cost [[40]] million." in lines
    assert "      likely error, number: “40”: the article has 30" in lines
    assert "      Article, sentence 2: It cost 30 million." in lines
    assert "always refer to the full article" in lines[-1]


@pytest.mark.parametrize("start", ["sport", "sport-1", "s"])
def test_the_beginning_of_one_id_is_enough(run: Path, command: Command, start: str) -> None:
    done = command("show", run, start)
    assert done.stdout.startswith("sport-1\n")
    assert "Note: the model was away" in done.stdout
    assert "rouge – (" in done.stdout


def test_an_exact_id_wins_over_longer_ones(make_run: MakeRun, command: Command) -> None:
    run = make_run("sys", {"rouge": [0.1, 0.2]}, ids=["a", "ab"])
    assert command("show", run, "a").stdout.startswith("a\n")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("news", "2 ids begin with 'news': news-1, news-2"),
        ("sprot-1", "did you mean sport-1?"),
        ("NEWS-2", "did you mean news-2?"),
        ("zzzzzzz", "no article 'zzzzzzz'; without an ID, some are listed"),
    ],
)
def test_another_id_ends_with_what_it_may_have_been(
    run: Path, command: Command, wanted: str, message: str
) -> None:
    done = command("show", run, wanted)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_an_id_the_worst_stand_first(run: Path, command: Command) -> None:
    listed = json.loads(command("show", run, "--json").stdout)
    assert [each["id"] for each in listed] == ["sport-1", "news-1", "news-2"]
    assert (listed[1]["score"], listed[1]["flags"]) == (0.1, {"number": 1})

    text = command("show", run, "-n", 2).stdout
    assert "  sport-1  no summary" in text
    assert "  news-1  10.0; 1 number  “The bridge cost 40 million.”" in text
    assert "news-2" not in text


def test_one_score_has_one_figure_in_all_lines_of_an_article(run: Path, command: Command) -> None:
    text = command("show", run, "news-1").stdout
    assert "  rouge 50.0   lexical 10.0\n" in text
    assert "lexical: flagged  (10.0)" in text
    assert "1 flagged 10.0\n" in text


def test_a_folder_of_runs_shows_all_systems_of_an_article(
    make_run: MakeRun, tmp_path: Path, command: Command
) -> None:
    make_run("a", {"lexical": [FLAGGED]}, ids=["x"], texts=[ARTICLE],
             summaries=[Summary("x", SUMMARY)], folder=tmp_path / "all")  # fmt: skip
    make_run("b", {"lexical": [FINE]}, ids=["x"], texts=[ARTICLE], folder=tmp_path / "all")
    make_run("c", {"lexical": [FINE]}, ids=["y"], folder=tmp_path / "all")
    done = command("show", tmp_path / "all", "x")

    assert "Summary by a" in done.stdout
    assert "Summary by b" in done.stdout
    assert "Without this article: c" in done.stdout
    assert "  > 2 It cost 30 million.  [a]" in done.stdout
    found = json.loads(command("show", tmp_path / "all", "x", "--json").stdout)
    assert [each["system"] for each in found["summaries"]] == ["a", "b"]
    assert found["sentences"][1]["evidence_for"] == ["a"]
    assert found["summaries"][0]["scores"]["lexical"]["flags"][0]["text"] == "40"
    assert found["missing"] == ["c"]


def test_one_id_of_two_articles_is_refused(
    make_run: MakeRun, tmp_path: Path, command: Command
) -> None:
    for name in "ab":
        make_run(name, {"m": [0.1]}, ids=["x"], texts=[f"It is {name}."], folder=tmp_path / "all")
    done = command("show", tmp_path / "all", "x")
    assert done.returncode == 2
    assert "has another article in some of these runs" in done.stderr


def test_nothing_in_a_text_steers_the_terminal(make_run: MakeRun, command: Command) -> None:
    evil = "Calm.\x1b[2J\x1b]0;owned\x07 \u202eright\u2066 [bold red]x[/] \x9b31m\x00 end."
    run = make_run(
        "sys[31m", {"lexical": [{"value": 0.1, "note": evil}]}, ids=["id\x1b[5m"],
        texts=[evil], references=[[evil]], sources=[evil], summaries=[Summary("x", evil)],
        defects={"id\x1b[5m": [evil]},
    )  # fmt: skip
    for arguments in ([], ["id"]):
        shown = command("show", run, *arguments).stdout
        steering = [c for c in shown if not c.isprintable() and c != "\n"]
        assert steering == []
    assert "[bold red]x[/]" in shown


def test_other_scripts_keep_their_joiners(make_run: MakeRun, command: Command) -> None:
    text = "می\u200cخواهم 👩\u200d🔬 কর্ম। 東京で会議。"
    run = make_run("s", {"m": [0.1]}, texts=[text], summaries=[Summary("a0", text)])
    assert "می\u200cخواهم 👩\u200d🔬" in command("show", run, "a0").stdout


def test_a_long_article_is_cut_to_its_evidence(make_run: MakeRun, command: Command) -> None:
    article = " ".join(f"Sentence number {n} stands here." for n in range(1, 101))
    at = article.index("Sentence number 50 ")
    sentence = {"start": 0, "end": 5, "value": 0.5, "evidence": [{"start": at, "end": at + 20}]}
    score = {"value": 0.5, "sentences": [sentence]}
    run = make_run("s", {"lexical": [score]}, texts=[article], summaries=[Summary("a", "It is.")])
    shown = command("show", run, "a0").stdout
    whole = command("show", run, "a0", "--full").stdout

    assert "  > 50 Sentence number 50 stands here." in shown
    assert "    49 Sentence" in shown
    assert "… 45 sentences (--full shows all) …" in shown
    assert "number 70" not in shown
    assert "number 70" in whole


def test_only_the_line_that_is_asked_for_is_decoded(run: Path, command: Command) -> None:
    lines = (run / "samples.jsonl").read_text().splitlines()
    (run / "samples.jsonl").write_text("\n".join([lines[0], "no JSON", lines[2]]) + "\n")

    assert command("show", run, "sport-1").returncode == 0
    torn = command("show", run, "news-2")
    assert torn.returncode == 2
    assert "samples.jsonl:2: not a sample" in torn.stderr


def test_what_is_no_run_is_one_line(tmp_path: Path, command: Command) -> None:
    done = command("show", tmp_path / "none", "x")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "color", "colours"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({}, False, False)],
)
def test_colours_are_for_terminals_that_want_them(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    color: bool,
    colours: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = Terminal()
    show_article(gather([run]), "news-1", out, color=color, full=False, as_json=False)

    assert ("\x1b[" in out.getvalue()) is colours
    assert ("[[40]]" in out.getvalue()) is not colours
    plain = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert max(map(len, plain.splitlines()[:-1])) <= 60
