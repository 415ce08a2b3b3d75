"""Hostile text in every field of a run, through the command line into the page, in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import hostile
from browser.chromium import DESKTOP, PHONE, Browser, chromium
from browser.runs import evalharness, write_rows

# As early as can be: what a payload would call, and what a policy of ours would have to stop.
SENTINEL = """globalThis.hits = 0; globalThis.hit = () => { hits += 1; };
globalThis.alert = globalThis.confirm = globalThis.prompt = hit;
globalThis.stopped = [];
addEventListener("securitypolicyviolation", (event) => stopped.push(event.violatedDirective));"""

# What only markup of a payload could have put into the page.
FOREIGN = """return {
  hits, stopped,
  elements: [...document.querySelectorAll(
    "img, iframe, object, embed, video, marquee, dialog, math, base, link, plaintext, xmp, "
    + "template, a[href*=':']"
  )].map((e) => e.outerHTML.slice(0, 200)),
  scripts: document.scripts.length, styles: document.querySelectorAll("style").length,
  policies: document.querySelectorAll("meta[http-equiv]").length,
  handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames())
    .filter((name) => name.startsWith("on")),
  styled: [...document.querySelectorAll("[style]")].filter((e) => !e.matches("#explorer *")).length,
  sections: [...document.querySelectorAll("main > section")].map((e) => e.id),
  prototype: Object.keys(Object.prototype),
}"""
LAYOUT = """const top = document.querySelector("header").getBoundingClientRect();
const root = document.documentElement;
return {wide: root.scrollWidth > root.clientWidth, header: [top.left, top.width, top.height]}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        source = "Page.addScriptToEvaluateOnNewDocument"
        found.driver.execute_cdp_cmd(source, {"source": SENTINEL})
        yield found


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems and three checks whose names, settings and file are hostile too."""
    folder = tmp_path_factory.mktemp("hostile")
    name = "<img src=x onerror=hit()>\u202e.jsonl"
    write_rows(folder / name, hostile.rows())
    config = {
        "data": {"name": "files", "path": name},
        "models": [
            {"name": "given", "label": "<script>hit()</script>"},
            {"name": "given", "label": '" onfocus=hit() autofocus x="', "field": "title"},
        ],
        "metrics": [
            {"name": "rouge", "types": ["rouge1"], "label": "</style><script>hit()</script>"}
        ],
        "checks": [
            {"name": "numbers", "label": "<svg onload=hit()>"},
            {"name": "quotes", "label": "{{7*7}}"},
        ],
    }
    (folder / "page.yaml").write_text(json.dumps(config), encoding="utf-8")
    evalharness("run", folder / "page.yaml", "--results", folder / "results", "--no-report")
    for n, cell in enumerate(sorted((folder / "results").glob("*/*/samples.jsonl"))):
        cell.write_text(crooked(cell.read_text("utf-8")), encoding="utf-8")
        record = cell.with_name("run.json")
        told = json.loads(record.read_text("utf-8"))
        # The harness's own are tame; one that cannot be printed is refused.
        told["cell"] = f"{n} </script><script>hit()</script><img src=x onerror=hit()>"
        record.write_text(json.dumps(told), encoding="utf-8")
    (experiment,) = (path for path in (folder / "results").iterdir() if path.name != "store")
    evalharness("report", experiment, "-o", folder / "page.html")
    return folder / "page.html"


@pytest.fixture(scope="module")
def rows(page: Path) -> list[dict[str, Any]]:
    """The samples of the page's first system, in the page's order."""
    (first,) = page.parent.glob("results/*/script-hit-script/samples.jsonl")
    return lines_of(first.read_text("utf-8"))


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def crooked(samples: str) -> str:
    """Add what no check of ours writes: kinds and messages of markup, spans that lead nowhere."""
    lines = lines_of(samples)
    for n, line in enumerate(lines):
        payload = hostile.PAYLOADS[n % len(hostile.PAYLOADS)]
        far = len(line["summary"]["text"]) + 10
        spans = [(0, 9), (4, 60), (5, 5), (3, far), (far, far + 5), (20, 10), (0, 0)]
        line["scores"]["<svg onload=hit()>"].setdefault("flags", []).extend(
            {"start": a, "end": b, "kind": payload[:99], "message": payload,
             "evidence": [{"start": a, "end": b}, {"start": 10**7, "end": 10**8}]}
            for a, b in spans
        )  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_there_are_enough() -> None:
    assert len(set(hostile.PAYLOADS)) >= 60


def test_nothing_of_it_is_ever_more_than_text(
    browser: Browser, page: Path, rows: list[dict[str, Any]]
) -> None:
    browser.open(page)
    clean, layout = browser.run(FOREIGN), browser.run(LAYOUT)
    assert not layout["wide"]
    assert layout["header"][2] < 60
    assert clean["hits"] == 0
    assert clean["stopped"] == []
    assert clean["elements"] == []
    assert clean["handlers"] == []
    assert clean["styled"] == 0
    assert clean["sections"][0] == "overview"
    assert "articles" in clean["sections"]
    assert clean["policies"] == 1
    assert clean["prototype"] == []

    for n, row in enumerate(rows):
        browser.article(n)
        browser.run("document.querySelector('.flag[tabindex]')?.focus()")
        assert browser.run(FOREIGN) == clean, row["id"]
        assert browser.run(LAYOUT) == layout, row["id"]
    assert browser.errors() == []
    assert {url.partition("#")[0] for url in browser.requests()} == {page.resolve().as_uri()}


def test_every_letter_of_it_is_there(
    browser: Browser, page: Path, rows: list[dict[str, Any]]
) -> None:
    browser.open(page)
    for n in range(len(hostile.SCRIPTS + hostile.EVENTS)):
        browser.article(n)
        wanted = rows[n]["summary"]["text"].replace("\x00", "\u2400")
        assert browser.text("[data-system='0'] .summary-text") == wanted


def test_searching_for_it_and_sorting_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    clean = browser.run(FOREIGN)
    for payload in (
        "<img src=x onerror=hit()>",
        "__proto__",
        "\u202e",
        "(",
        "\\",
        "[",
        "%",
        "&article=x",
    ):
        browser.choose("q", payload)
        assert browser.run(FOREIGN) == clean
    browser.choose("q", "")
    found = browser.run(
        """const flag = document.getElementById("explorer-flag");
        return [...flag.options].map((option) => {
          flag.selectedIndex = option.index;
          flag.dispatchEvent(new Event("input", {bubbles: true}));
          return document.getElementById("explorer-count").textContent;
        })"""
    )
    assert len(found) > 60
    assert found[2].startswith("None")  # all summaries are flagged; each kind is there
    assert not [text for n, text in enumerate(found) if n != 2 and text.startswith("None")]
    for address in (
        "#article=<img src=x onerror=hit()>",
        "#%",
        "#n=-1",
        "#n=1e9",
        "#n=__proto__",
        "#diff=9,9&n=1",
        "#diff=__proto__,r7&n=2",
        "#sort=constructor",
        "#by=__proto__",
        "#q=%00%ff",
    ):
        browser.open(page, address)
        assert browser.run(FOREIGN) == clean, address
        assert browser.errors() == [], address


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_list_keeps_its_place(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    browser.open(page, "", size)
    layout = browser.run(LAYOUT)
    assert not layout["wide"]
    for top in range(0, 7_000, 500):
        browser.run("document.getElementById('explorer-list').scrollTop = arguments[0]", top)
        browser.run("document.body.offsetHeight")
        assert browser.run(LAYOUT) == layout
    browser.open(page, "#n=90&diff=0,r0", size)
    browser.wait("document.querySelector('#explorer-opened[data-at]')")
    assert browser.run(LAYOUT) == layout


@pytest.mark.parametrize(
    "name", ["a long line", "many words", "many lines", "long summary", "long title"]
)
def test_a_megabyte_is_shown_soon(
    browser: Browser, page: Path, rows: list[dict[str, Any]], name: str
) -> None:
    browser.open(page)
    place = next(n for n, row in enumerate(rows) if row["id"] == name)
    browser.article(place)  # the chunk is unpacked
    browser.run("location.hash = 'q='")
    browser.wait("!document.getElementById('explorer-browse').hidden")
    took = browser.driver.execute_async_script(
        """const [place, done] = arguments;
        const begin = performance.now();
        addEventListener("hashchange", () => requestAnimationFrame(() => setTimeout(() =>
          done(performance.now() - begin))), {once: true});
        location.hash = `n=${place}`;""",
        place,
    )
    print(name, took)
    assert took < 5_000  # generous: the machine may be busy
    assert not browser.run(LAYOUT)["wide"]
