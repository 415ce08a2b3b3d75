"""`evalharness annotate`: which items a study has, who answers them, and what `--read` prints."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_annotations import flags, ratings, row, spans

from evalharness.errors import ConfigError, DataError
from evalharness.meta.annotations import STUDY_PROTOCOLS, item_id, read_annotations
from evalharness.records import Summary
from evalharness.report import study
from evalharness.report.gathered import Gathered, gather
from evalharness.report.study import (
    StudyItem,
    StudyPlan,
    assigned,
    margin_reached,
    needed_answers,
    write_study,
)

MakeRun = Callable[..., Path]
N = 12


def flagged(n: int) -> dict[str, Any]:
    flag = {"start": 0, "end": 7, "kind": "number", "message": "no", "evidence": []}
    return {"value": n / N, "flags": [flag] if n % 3 == 0 else []}


@pytest.fixture
def gathered(make_run: MakeRun) -> Gathered:
    """Two systems of twelve articles: every third summary of the first is flagged."""
    sources = ["sport"] * 9 + ["news"] * 3
    ours = [flagged(n) for n in range(N)]
    theirs = [{"value": 0.5 if n < 6 else 0.1} for n in range(N)]
    first = make_run("bart", {"lexical": ours}, sources=sources)
    second = make_run("lead", {"lexical": theirs}, sources=sources)
    return gather([first, second])


def items(page: Path) -> list[dict[str, Any]]:
    return list(study_of(page)["items"])


def study_of(page: Path) -> dict[str, Any]:
    import base64
    import gzip

    packed = re.search(r'id="index">([^<]+)<', page.read_text("utf-8"))
    assert packed
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return found


def plan(**how: Any) -> StudyPlan:
    return StudyPlan(protocol="ratings", **how)


# --- Which items


def test_same_seed_is_the_same_page_and_another_seed_another(
    gathered: Gathered, tmp_path: Path
) -> None:
    pages = []
    for n, seed in enumerate((3, 3, 4)):
        write_study(gathered, plan(n=6, seed=seed), tmp_path / f"{n}.html")
        pages.append((tmp_path / f"{n}.html").read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_flags_are_asked_of_flagged_summaries_alone(gathered: Gathered, tmp_path: Path) -> None:
    found = write_study(gathered, StudyPlan(protocol="flags"), tmp_path / "s.html")
    assert (found.items, found.of) == (4, 4)
    assert {tuple(item["systems"]) for item in items(tmp_path / "s.html")} == {(0,)}


def test_stratified_has_as_many_of_each_source(gathered: Gathered, tmp_path: Path) -> None:
    write_study(gathered, plan(n=8, sampling="stratified"), tmp_path / "s.html")
    found = study_of(tmp_path / "s.html")
    assert len(found["items"]) == 8
    sources = gathered.runs[0].table(["id", "source"]).to_pydict()
    of = dict(zip(sources["id"], sources["source"], strict=True))
    names = {
        item_id(f"Article {key} says this and no more.", [f"Summary of {key} by {system}."]): key
        for key in of
        for system in gathered.names
    }
    assert Counter(of[names[item["name"]]] for item in found["items"]) == {"sport": 4, "news": 4}


def test_disagreement_of_systems_comes_first(gathered: Gathered, tmp_path: Path) -> None:
    pairs = StudyPlan(protocol="pairs", n=3, sampling="disagreement")
    write_study(gathered, pairs, tmp_path / "s.html")
    names = [item["name"] for item in items(tmp_path / "s.html")]
    last = [f"a{n}" for n in (11, 10, 9)]
    wanted = [
        item_id(
            f"Article {key} says this and no more.",
            [f"Summary of {key} by {system}." for system in gathered.names],
        )
        for key in last
    ]
    assert names == wanted


def test_useful_asks_first_of_the_system_with_fewer_answers(
    gathered: Gathered, tmp_path: Path
) -> None:
    done = tmp_path / "labels-ann.jsonl"
    lines = [
        row("ann", ratings(relevance=3), "ratings", systems=["lead"], item=f"i{n}")
        for n in range(3)
    ]
    done.write_text("".join(json.dumps(each) + "\n" for each in lines))
    how = plan(n=3, sampling="useful", done=read_annotations([done]))
    write_study(gathered, how, tmp_path / "s.html")
    assert [item["systems"] for item in items(tmp_path / "s.html")] == [[0]] * 3


def test_answered_items_are_not_asked_again(gathered: Gathered, tmp_path: Path) -> None:
    write_study(gathered, plan(n=20), tmp_path / "s.html")
    asked = [item["name"] for item in items(tmp_path / "s.html")]
    done = tmp_path / "labels-ann.jsonl"
    lines = [row("ann", ratings(relevance=3), "ratings", item=name) for name in asked]
    done.write_text("".join(json.dumps(each) + "\n" for each in lines))
    known = read_annotations([done])
    write_study(gathered, plan(n=20, done=known), tmp_path / "t.html")
    left = {item["name"] for item in items(tmp_path / "t.html")}
    assert len(left) == 4
    assert not left & set(asked)


def test_two_summaries_of_the_same_words_are_no_pair(make_run: MakeRun, tmp_path: Path) -> None:
    same = [Summary(f"a{n}", "The same." if n else "This.") for n in range(3)]
    other = [Summary(f"a{n}", "The same." if n else "That.") for n in range(3)]
    scores = {"m": [0.1, 0.2, 0.3]}
    runs = make_run("a", scores, summaries=same), make_run("b", scores, summaries=other)
    found = write_study(gather(runs), StudyPlan(protocol="pairs"), tmp_path / "s.html")
    assert (found.items, found.of) == (1, 3)


def test_pairs_are_shown_in_both_orders(gathered: Gathered, tmp_path: Path) -> None:
    write_study(gathered, StudyPlan(protocol="pairs", n=12), tmp_path / "s.html")
    orders = Counter(tuple(item["systems"]) for item in items(tmp_path / "s.html"))
    assert min(orders[0, 1], orders[1, 0]) >= 2


def test_attention_check_shows_a_summary_of_another_article(
    gathered: Gathered, tmp_path: Path
) -> None:
    for protocol in ("ratings", "pairs"):
        how = StudyPlan(protocol=protocol, n=6, attention=2)
        assert write_study(gathered, how, tmp_path / "s.html").checks == 2
        found = items(tmp_path / "s.html")
        checks = [item for item in found if "strange" in item]
        assert (len(found), len(checks)) == (8, 2)
        for check in checks:
            assert check["strange"][:2] != check["at"]
            wrong = {"a": 1, "b": 0}.get(check["expected"], 0)
            assert check["replaced"] == wrong
    assert "strange" not in found[0]  # nobody meets one first


# --- Who answers what


@pytest.mark.parametrize(("people", "overlap"), [(3, 1), (3, 2), (4, 2), (2, 2), (5, 3)])
def test_every_item_has_its_annotators_and_all_have_as_much_to_do(
    people: int, overlap: int
) -> None:
    names = tuple("abcdefg"[:people])
    how = plan(annotators=names, overlap=overlap)
    every = [StudyItem(n, (0,), str(n)) for n in range(60)]
    found = assigned(how, every)
    per_item = Counter(number for numbers in found.values() for number in numbers)
    assert set(per_item.values()) == {overlap}
    work = [len(numbers) for numbers in found.values()]
    assert max(work) - min(work) <= max(2, people)


def test_attention_checks_are_for_all(gathered: Gathered, tmp_path: Path) -> None:
    how = plan(n=6, attention=1, annotators=("ann", "ben"), overlap=1)
    write_study(gathered, how, tmp_path / "s.html")
    found = study_of(tmp_path / "s.html")
    (check,) = [n for n, item in enumerate(found["items"]) if "strange" in item]
    assert all(check in numbers for numbers in found["annotators"].values())
    assert sorted(len(numbers) for numbers in found["annotators"].values()) == [4, 4]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"annotators": ("ann", "ann")}, "a name comes twice"),
        ({"annotators": ("ann",), "overlap": 2}, "only 1 annotators are named"),
        ({"sampling": "best"}, "--sample best: one of random"),
        ({"dimensions": {}}, "name at least one"),
    ],
)
def test_plan_that_is_none_is_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan(**how)


def test_one_run_has_no_pairs(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("a", {"m": [0.1, 0.2]})
    with pytest.raises(DataError, match="give two runs or more"):
        write_study(gather([run]), StudyPlan(protocol="pairs"), tmp_path / "s.html")
    with pytest.raises(DataError, match="no summary has a flag"):
        write_study(gather([run]), StudyPlan(), tmp_path / "s.html")


# --- How many more


def test_needed_answers_are_those_of_the_margin(tmp_path: Path) -> None:
    assert needed_answers(None, "flags", 0.05) == (385, 0)  # 1.96² · .25 / .05²
    done = tmp_path / "labels.jsonl"
    lines = [
        row("ann", flags(int(n < 18)), item=f"i{n}", article_id=f"a{n}", article=f"Article {n}.")
        for n in range(20)
    ]
    done.write_text("".join(json.dumps(each) + "\n" for each in lines))
    needed, there = needed_answers(read_annotations([done]), "flags", 0.05)
    assert (needed, there) == (139, 20)  # 1.96² · .09 / .05²
    assert margin_reached(None, "flags", 385) == pytest.approx(0.05, abs=1e-4)
    assert margin_reached(None, "flags", 24) == pytest.approx(0.2, abs=1e-3)
    assert margin_reached(read_annotations([done]), "flags", 139) == pytest.approx(0.05, abs=1e-3)


# --- The command


def test_read_prints_every_table_in_80_columns(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = []
    for n in range(6):
        many = {"item": f"i{n}", "article_id": f"a{n}", "article": f"Article {n} is one."}
        for who in ("ann", "ben", "cem"):
            odd = who == "cem" and n % 2
            lines += [
                row(who, flags(int(not odd), "error" if odd else "fine"), **many),
                row(who, ratings(relevance=1 + (n + bool(odd)) % 5), "ratings", **many),
                row(who, {"preferred": "a" if odd or n % 2 else "b"}, "pairs", **many),
                row(who, spans((0, 3, "date", "minor")), "spans", **many),
            ]
    path = tmp_path / "labels-x.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*lines, {"study": "s"}]))
    out = "people.jsonl"
    done = command("annotate", "--read", path, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "labels-x.jsonl:73: no field 'protocol'" in done.stderr
    assert "73 rows read: 72 answers, 0 attention checks, 1 not used." in done.stdout
    for said in ("α ordinal", "weighted κ", "F1", "above the others by", "shown first", "bart"):
        assert said in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    names = sorted(each.name for each in tmp_path.glob("people*"))
    assert names == ["people.flags.jsonl", "people.jsonl", "people.pairs.jsonl"]
    assert "NaN" not in command("annotate", "--read", path, "-o", out, "--json").stdout


def test_page_is_made_from_a_file_of_summaries(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = [
        {"id": f"a{n}", "article": f"It rained on {n} days in May. It was wet.",
         "summary": f"It rained on {n + 40} days."}
        for n in range(3)
    ]  # fmt: skip
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(each) + "\n" for each in made))
    done = command("annotate", "mine.jsonl", "--dimension", "harm=Could it do harm?",
                   "--protocol", "ratings", "--margin", 0.5)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Study: study.html: 3 of 3 items, at random (seed 0)" in done.stdout
    # There are three, and 1.96 / √3 is 1.13.
    said = " ".join(done.stdout.split())
    assert "These runs have only 3 items: all of them answered give about ±1.1 points" in said
    assert "±0.5 would need about 16" in said
    assert study_of(tmp_path / "study.html")["dimensions"] == [["harm", "Could it do harm?"]]


def test_labels_that_are_no_json_lines_are_refused(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "labels-x.jsonl"
    path.write_text(json.dumps(row("ann", flags(1))) + "\n")
    done = command("annotate", "--read", path, "-o", tmp_path / "labels.csv")
    assert done.returncode != 0
    assert "name the file something.jsonl" in done.stderr


@pytest.mark.parametrize("option", [("annotate", "--read"), ("gate", "a", "b", "--known-flags")])
def test_device_in_place_of_a_file_is_refused(
    option: tuple[str, ...], command: Callable[..., Any], tmp_path: Path
) -> None:
    done = command(*option, "/dev/zero")
    assert done.returncode not in (0, 1)
    assert "/dev/zero" in done.stderr


@pytest.mark.parametrize("protocol", STUDY_PROTOCOLS)
def test_examples_stand_on_top_unless_there_are_own_instructions(
    protocol: str, gathered: Gathered, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"protocol": protocol, "n": 2, "all_flags": True}
    page = write_study(gathered, StudyPlan(**how), tmp_path / "a.html").path.read_text()
    assert page.count('class="answer"') == 2
    assert "that 12 boats sank" in page
    own = StudyPlan(**how, instructions="Be <quick>.\n\nBe fair.")
    page = write_study(gathered, own, tmp_path / "b.html").path.read_text()
    assert "<p>Be &lt;quick&gt;.</p>\n<p>Be fair.</p>" in page
    assert 'class="answer"' not in page
    rows = [json.loads(line) for line in _potato_items(gathered, StudyPlan(**how), tmp_path)]
    assert len(rows) == 2
    config = (tmp_path / "potato" / "config.yaml").read_text()
    assert "boats sank in the storm" in " ".join(config.split())


def _potato_items(gathered: Gathered, plan: StudyPlan, tmp_path: Path) -> list[str]:
    write_study(gathered, plan, tmp_path / "potato", "potato")
    return (tmp_path / "potato" / "items.jsonl").read_text().splitlines()


def test_marked_words_of_an_example_are_in_it() -> None:
    for examples in study._EXAMPLES.values():
        assert len(examples) == 2
        for example in examples:
            assert example.marked in example.summaries[0]
