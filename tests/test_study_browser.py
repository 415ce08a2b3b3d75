"""The page of a study in a real browser: each protocol by mouse and by keyboard, kept and saved.

Skipped where there is no /usr/bin/chromium; with CI=true it must be there.
"""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import hostile
from browser.chromium import DESKTOP, PHONE, Browser, chromium
from browser.runs import ROOT, evalharness, many_rows, quickstart_rows, run_and_report, write_rows

ENTER, TAB, RIGHT, DOWN, SHIFT, DELETE, ESCAPE, SPACE = (
    "\ue007", "\ue004", "\ue014", "\ue015", "\ue008", "\ue017", "\ue00c", " ",
)  # fmt: skip
PROTOCOLS = ("flags", "spans", "ratings", "pairs")
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
N = 3


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The quickstart's own summaries, which the default check flags, and a model's."""
    folder = tmp_path_factory.mktemp("runs")
    rows = write_rows(folder / "articles.jsonl", quickstart_rows())
    evalharness("score", rows, "--results", folder, "--no-report")
    return folder / "score" / "articles", ROOT / "results" / "baseline" / "lead1-bart"


@pytest.fixture(scope="module")
def studies(runs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("studies")
    for protocol in PROTOCOLS:
        given = runs if protocol == "pairs" else runs[:1]
        page = folder / f"{protocol}.html"
        evalharness("annotate", *given, "-o", page, "--protocol", protocol, "-n", N)
    return {protocol: folder / f"{protocol}.html" for protocol in PROTOCOLS}


def begin(browser: Browser, page: Path, annotator: str, size: tuple[int, int] = DESKTOP) -> None:
    browser.open(page, size=size)
    name = browser.one("#study-annotator")
    name.clear()
    name.send_keys(annotator, ENTER)
    browser.wait("document.body.dataset.place")


def go_on(browser: Browser, place: int, *keys: str) -> None:
    if keys:
        browser.press(*keys)
    else:
        browser.one("#study-next").click()
    browser.wait(f"document.body.dataset.place === '{place}'")


def is_complete(browser: Browser, n: int) -> bool:
    return browser.text("#study-progress").startswith(f"{n} of ")


def saved(browser: Browser, folder: Path, button: str = "#study-save") -> Path:
    """Press the button that saves, and return the file that came."""
    folder.mkdir(parents=True, exist_ok=True)
    there = set(folder.glob("*.jsonl"))
    behavior = {"behavior": "allow", "downloadPath": str(folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    browser.run("scrollTo({top: 0, behavior: 'instant'})")  # away from under the bar on top
    browser.one(button).click()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        # The browser holds the name with an empty file until it moves the whole one there.
        new = [path for path in set(folder.glob("*.jsonl")) - there if path.stat().st_size]
        if new:
            return new.pop()
        time.sleep(0.02)
    raise AssertionError("no file was saved")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answer_by_mouse(browser: Browser, protocol: str) -> None:
    def choose(fieldset: str, value: str) -> None:
        browser.one(f"{fieldset} input[value='{value}']").click()

    if protocol == "flags":
        for n in range(len(browser.all("fieldset[data-name^=flag]"))):
            choose(f"[data-name='flag-{n}']", "error")
        choose("[data-name=label]", "no")
    elif protocol == "ratings":
        for n, each in enumerate(browser.all("fieldset[data-name^=rate]")):
            each.find_elements("css selector", "input")[n % 5].click()
    elif protocol == "pairs":
        choose("[data-name=preferred]", "tie")
    else:
        drag_over_words(browser, 1, 3)
        browser.one("#study-marks .evidence").click()
        browser.all("#study-article .sentence")[1].click()


def drag_over_words(browser: Browser, first: int, last: int) -> None:
    from selenium.webdriver import ActionChains

    words = [each for each in browser.all("#study-summary .token") if each.text.strip()]
    browser.run("arguments[0].scrollIntoView({block: 'center'})", words[first])
    ends = [words[n].rect["width"] / 2 for n in (first, last)]
    chain = ActionChains(browser.driver, duration=50)
    chain.move_to_element_with_offset(words[first], int(-ends[0]) + 1, 0).click_and_hold()
    chain.move_to_element_with_offset(words[last], int(ends[1]) - 1, 0).release().perform()
    browser.wait("document.querySelector('#study-marks fieldset')")


def answer_by_keyboard(browser: Browser, protocol: str) -> None:
    if protocol == "flags":
        browser.press(*("a" * len(browser.all("fieldset[data-name^=flag]"))), "n")
    elif protocol == "ratings":
        browser.press("1", "2", "3", "4")
    elif protocol == "pairs":
        browser.press("t")
    else:
        from selenium.webdriver import ActionChains

        browser.press("m", RIGHT)
        ActionChains(browser.driver, duration=0).key_down(SHIFT).send_keys(RIGHT, RIGHT).key_up(
            SHIFT
        ).send_keys(ENTER).perform()
        browser.press("e", DOWN, ENTER, ESCAPE)


WAYS = {"mouse": answer_by_mouse, "keyboard": answer_by_keyboard}


@SIZES
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocol_is_done_from_first_to_last_item(
    browser: Browser,
    studies: dict[str, Path],
    tmp_path: Path,
    protocol: str,
    way: str,
    size: tuple[int, int],
) -> None:
    begin(browser, studies[protocol], f"{way}-{size[0]}", size)
    for n in range(N):
        assert is_complete(browser, n)
        WAYS[way](browser, protocol)
        assert is_complete(browser, n + 1), browser.text("#study-form")
        if n + 1 < N:
            go_on(browser, n + 1, *(["j"] if way == "keyboard" else []))
    path = saved(browser, tmp_path)
    rows = rows_of(path)
    assert [row["complete"] for row in rows] == [True] * N
    assert all(row["seconds"] > 0 and row["article"] and row["summaries"] for row in rows)
    assert browser.errors() == []
    # The same whichever way it was answered.
    first = rows[0]["answer"]
    if protocol == "spans":
        (span,) = first["spans"]
        text = rows[0]["summaries"][0]
        words = text[span["start"] : span["end"]]
        assert len(words.split()) in (2, 3)
        (sentence,) = span["evidence"]
        assert 0 < sentence["start"] < sentence["end"] <= len(rows[0]["article"])
    elif protocol == "ratings":
        assert list(first["ratings"].values()) == [1, 2, 3, 4]
    elif protocol == "pairs":
        assert first == {"preferred": "tie", "reason": ""}
    else:
        assert first["label"] == 0
        assert {flag["verdict"] for flag in first["verdicts"]} == {"error"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reload_in_the_middle_loses_nothing(
    browser: Browser, studies: dict[str, Path], tmp_path: Path, protocol: str
) -> None:
    begin(browser, studies[protocol], "reloads")
    answer_by_mouse(browser, protocol)
    go_on(browser, 1)
    answer_by_mouse(browser, protocol)
    before = rows_of(saved(browser, tmp_path))
    browser.open(studies[protocol])
    assert browser.one("#study-annotator").get_attribute("value") == "reloads"
    browser.one("#study-begin").click()
    browser.wait("document.body.dataset.place === '1'")
    assert is_complete(browser, 2)
    after = rows_of(saved(browser, tmp_path / "again"))
    assert [row["answer"] for row in after] == [row["answer"] for row in before]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_saved_file_brings_the_answers_back_in_another_browser(
    browser: Browser, studies: dict[str, Path], tmp_path: Path, protocol: str
) -> None:
    begin(browser, studies[protocol], "moves")
    answer_by_mouse(browser, protocol)
    path = saved(browser, tmp_path)
    browser.run("localStorage.clear()")
    browser.run("addEventListener('pagehide', () => localStorage.clear())")
    browser.open(studies[protocol])
    assert browser.one("#study-annotator").get_attribute("value") == ""
    browser.one("#study-load").send_keys(str(path))
    browser.wait("document.body.dataset.place")
    assert is_complete(browser, 1)
    again = rows_of(saved(browser, tmp_path / "again"))
    assert [row["answer"] for row in again] == [row["answer"] for row in rows_of(path)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@SIZES
def test_axe_finds_no_serious_problem(
    browser: Browser, studies: dict[str, Path], scheme: str, size: tuple[int, int]
) -> None:
    browser.color_scheme(scheme)
    for protocol, page in studies.items():
        browser.open(page, size=size)
        assert browser.accessibility() == []
        begin(browser, page, "axe", size)
        if protocol == "spans" and not browser.all("#study-marks fieldset"):
            answer_by_keyboard(browser, protocol)
        browser.one("#study-help").click()
        assert browser.accessibility() == []
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not browser.run(f"return {wide}"), protocol
    browser.color_scheme("light")


def test_systems_are_nowhere_in_sight_and_nothing_is_asked_of_the_network(
    browser: Browser, studies: dict[str, Path]
) -> None:
    page = studies["pairs"]
    begin(browser, page, "blind")
    shown = str(browser.run("return document.body.innerText"))
    assert "bart" not in shown
    assert "bart" not in page.read_text("utf-8").partition("<script")[0]
    assert {url.partition("#")[0] for url in browser.requests()} == {page.resolve().as_uri()}


def test_mark_is_removed_and_the_text_stays_what_it_was(
    browser: Browser, studies: dict[str, Path]
) -> None:
    begin(browser, studies["spans"], "removes")
    text = browser.text("#study-summary")
    answer_by_keyboard(browser, "spans")
    assert browser.text("#study-summary") == text
    browser.press("m", DELETE)
    assert browser.all("#study-marks fieldset") == []
    assert is_complete(browser, 0)
    browser.press("c")
    assert is_complete(browser, 1)


def test_hostile_texts_run_nothing(browser: Browser, tmp_path: Path) -> None:
    rows = list(hostile.rows())[: len(hostile.PAYLOADS)]
    write_rows(tmp_path / "articles.jsonl", rows)
    evalharness(
        "score",
        tmp_path / "articles.jsonl",
        "--results",
        tmp_path,
        "--no-report",
        "--allow-rejected",
        0.1,
    )
    run = tmp_path / "score" / "articles"
    (tmp_path / "how.txt").write_text("\n\n".join(hostile.SCRIPTS[:6]))
    page = tmp_path / "study.html"
    options = ("--protocol", "flags", "-n", 200, "--title", hostile.SCRIPTS[1])
    people = ("--annotators", "<img src=x onerror=hit()>,ann", "--all-flags")
    evalharness(
        "annotate", run, "-o", page, *options, *people, "--instructions", tmp_path / "how.txt"
    )
    browser.open(page)
    browser.run("globalThis.hits = 0; globalThis.hit = () => { globalThis.hits += 1; }")
    browser.run("return globalThis.evalharnessReady.begin(arguments[0])", "ann")
    n = int(browser.run("return globalThis.evalharnessReady.own.length"))
    assert n > 60
    for at in range(n):
        browser.run("return globalThis.evalharnessReady.show(arguments[0])", at)
        browser.wait(f"document.body.dataset.place === '{at}'")
    browser.run("return globalThis.evalharnessReady.lines()")
    assert browser.run("return globalThis.hits") == 0
    assert browser.run("return document.querySelectorAll('img, iframe, object, embed').length") == 0


def test_thousand_items_of_four_systems_load_at_once(browser: Browser, tmp_path: Path) -> None:
    write_rows(tmp_path / "articles.jsonl", many_rows(300))
    lead = [{"name": "lead", "label": f"lead-{n}", "sentences": n} for n in (1, 2, 3)]
    config: dict[str, Any] = {
        "data": {"name": "files", "path": "articles.jsonl"},
        "models": [{"name": "given", "label": "writers"}, *lead],
        "metrics": [],
        "checks": ["numbers"],
    }
    experiment = run_and_report(tmp_path, config).parent
    page = tmp_path / "study.html"
    evalharness("annotate", experiment, "-o", page, "--protocol", "ratings", "-n", 1000)
    browser.open(page)
    took = float(browser.run("return performance.now()"))
    begin(browser, page, "quick")
    assert browser.text("#study-place") == "Item 1 of 1000"
    print(f"{took:.0f} ms")
    assert took < 10_000  # one second on an idle machine
    shutil.rmtree(tmp_path / "results")


def test_whole_study_of_three_annotators_from_page_to_gate(
    browser: Browser,
    runs: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = runs[0]
    page = tmp_path / "study.html"
    people = ("ann", "ben", "cem")
    evalharness("annotate", run, "-o", page, "-n", 20, "--annotators", ",".join(people))
    n = 0
    for who in people:
        browser.open(page)
        browser.run(
            """const who = document.getElementById("study-annotator");
            who.value = arguments[0]; who.form.requestSubmit();""",
            who,
        )
        browser.wait("document.body.dataset.place === '0'")
        n = int(browser.run("return globalThis.evalharnessReady.own.length"))
        assert not browser.one("#study-done").is_displayed()
        for at in range(n):
            flags = len(browser.all("fieldset[data-name^=flag]"))
            # The last annotator takes half of the flags for false alarms.
            doubts = who == "cem" and at % 2 == 0
            browser.press(*("r" if doubts else "a") * flags, "y" if at % 3 == 0 else "n")
            if at + 1 < n:
                go_on(browser, at + 1, "j")
        assert browser.one("#study-done").is_displayed()
        assert is_complete(browser, n)
        saved(browser, tmp_path, "#study-finish")
    files = sorted(tmp_path.glob("labels-*.jsonl"))
    assert [file.name for file in files] == [f"labels-{who}.jsonl" for who in people]

    said = evalharness("annotate", "--read", *files, "-o", tmp_path / "labels.jsonl")
    assert f"{3 * n} rows read: {3 * n} answers, 0 attention checks, 0 not used." in said
    labels = rows_of(tmp_path / "labels.jsonl")
    assert [each["label"] for each in labels] == [int(at % 3 == 0) for at in range(n)]
    record = json.loads(
        evalharness("annotate", "--read", *files, "-o", tmp_path / "labels.jsonl", "--json")
    )
    assert record["questions"]["label"]["percent"] == 1
    assert 0 < record["questions"]["flags"]["percent"] < 1
    assert set(record["annotators"]) == set(people)

    evalharness("meta", "labels.jsonl", "--checks", "lexical")
    evalharness("calibrate", "labels.jsonl", "--check", "lexical", "-o", "lexical.json")
    assert (tmp_path / "lexical.json").is_file()

    # Errors that the baseline's own summaries do not have, all of which people have judged.
    known = tmp_path / "labels.flags.jsonl"
    (tmp_path / "rules.yaml").write_text("metrics: {}\nlimits: {answered: {at_least: 0.5}}\n")
    others = tmp_path / "lead"
    lead = write_rows(
        tmp_path / "lead.jsonl",
        [{**row, "summary": row["article"].split(". ")[0] + "."} for row in quickstart_rows()],
    )
    evalharness("score", lead, "--results", others, "--no-report")
    gate_of = ("gate", others / "score" / "lead", run, "--rules", tmp_path / "rules.yaml")
    with pytest.raises(AssertionError, match=f"{len(rows_of(known))} of .* are new"):
        evalharness(*gate_of, "--no-new-errors")
    passed = evalharness(*gate_of, "--known-flags", known)
    assert f"none of {len(rows_of(known))} likely errors is new" in passed


def test_annotator_may_be_called_what_every_object_has(
    browser: Browser, studies: dict[str, Path]
) -> None:
    for name in ("constructor", "__proto__", "toString"):
        begin(browser, studies["pairs"], name)
        answer_by_keyboard(browser, "pairs")
        assert is_complete(browser, 1)
        assert browser.errors() == []


def test_annotator_without_items_is_told(
    browser: Browser, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    page = tmp_path / "study.html"
    evalharness("annotate", runs[0], "-o", page, "-n", 1, "--annotators", "a,b", "--overlap", 1)
    browser.open(page)
    idle = browser.run(
        "const { annotators } = globalThis.evalharnessReady;"
        "return Object.keys(annotators).find((name) => !annotators[name].length)"
    )
    browser.run("return globalThis.evalharnessReady.begin(arguments[0])", idle)
    assert browser.text("#study-trouble").startswith("There is nothing to answer for you")
    assert browser.errors() == []
