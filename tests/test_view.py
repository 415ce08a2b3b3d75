"""`evalharness view`: what it lists, what it serves, and what it refuses. All on loopback."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browser.chromium import DESKTOP, PHONE, Browser, chromium
from browser.hostile import LETTERS, PAYLOADS
from conftest import Done

from evalharness import run
from evalharness.errors import DataError, Exit, HarnessError
from evalharness.protocols import Progress
from evalharness.report.listing import RunList, history
from evalharness.report.page import report_page
from evalharness.report.view import ViewServer
from evalharness.runner.shards import run_shard
from evalharness.store.ledger import HOST
from evalharness.store.runs import Run, read_run_file
from evalharness.store.samples import WorkSigns, marks_of, read_signs, write_signs

ROWS = [
    {"id": "fire", "article": "Two people died in a fire. It began at noon. Ten were saved."},
    {"id": "rain", "article": "It rained on Monday. The river rose by 3 metres. Nobody left."},
]
SAID = {"fire": "Three people died in a fire.", "rain": "The river rose by 3 metres."}


def write_rows(folder: Path, said: Mapping[str, str] = SAID) -> None:
    rows = [{**row, "summary": said[row["id"]], "reference": row["article"]} for row in ROWS]
    (folder / "articles.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def config(name: str, folder: Path, **model: Any) -> dict[str, Any]:
    return {
        "name": name,
        "data": {"name": "files", "path": str(folder / "articles.jsonl")},
        "models": [{"name": "given"}, {"name": "lead", "sentences": 1, **model}],
        "checks": ["lexical"],
        "interval": {"resamples": 100},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two experiments with the same two systems; of one, another lead."""
    folder = tmp_path_factory.mktemp("made")
    write_rows(folder)
    run(config("monday", folder), results=folder / "results")
    run(config("tuesday", folder, label="lead", sentences=2), results=folder / "results")
    return folder / "results"


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """A copy of the results, to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "results"))


def began(folder: Path, when: str) -> None:
    """Write into a run's record that it began at another time."""
    path = folder / "run.json"
    record = json.loads(path.read_text())
    record["timing"]["started"] = when
    path.write_text(json.dumps(record))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder while the block runs, and give the address."""
    server = ViewServer(folder)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.address
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def address(made: Path) -> Iterator[str]:
    with serving(made) as found:
        yield found


def get(address: str, **headers: str) -> httpx2.Response:
    return httpx2.get(address, headers=headers, timeout=60)


class Markup(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL).split())


# What it shows.


def test_list_has_every_run_with_its_likely_errors_scores_and_articles(address: str) -> None:
    page = get(address)
    rows = re.findall(r"<tr class=.*?</tr>", page.text, re.DOTALL)

    assert page.status_code == 200
    assert "4 runs of 2 systems, all finished." in text_of(page.text)
    assert len(rows) == 4
    given = next(text_of(row) for row in rows if "monday/given" in row)
    assert given.startswith("given monday · over time 1 of 2")
    assert '<th scope="col" class="number" data-sort="number"><bdi>rouge1' in page.text


def test_page_of_a_run_is_the_report_s_with_a_way_back(made: Path, address: str) -> None:
    shown = get(f"{address}run/monday/lead").text
    root = "/" + address.split("/", 3)[3]
    own = report_page(made / "monday" / "lead")

    assert f'<a class="home" href="{root}">All runs</a>' in shown
    without = shown.replace(f'<a class="home" href="{root}">All runs</a>\n', "")
    assert own.splitlines() == without.replace('<link rel="icon" href="data:,">\n', "").splitlines()


def test_two_runs_are_compared_with_the_older_as_the_baseline(results: Path) -> None:
    began(results / "monday" / "lead", "2026-11-02T10:00:00.000Z")
    newer, older = "run=tuesday%2Flead", "run=monday%2Flead"
    with serving(results) as address:
        shown = get(f"{address}compare?{newer}&{older}").text

        assert 'id="changes"' in shown
        assert shown == get(f"{address}compare?{older}&{newer}").text


def test_experiment_s_page_has_all_its_systems(address: str) -> None:
    shown = text_of(get(f"{address}experiment/monday").text)

    assert "given" in shown
    assert "lead" in shown


def test_history_says_what_made_the_numbers_differ(made: Path, address: str) -> None:
    (rows,) = history(RunList(made).runs(), "lead")
    shown = text_of(get(f"{address}history?system=lead").text)

    assert [row.run.path for row in rows] == ["tuesday/lead", "monday/lead"]
    assert rows[0].changes == ("model: sentences:2",)
    assert rows[1].before is None
    assert "model: sentences:2" in shown
    assert shown.count("compare") == 1


def test_filter_of_the_address_hides_what_does_not_match(address: str) -> None:
    page = get(f"{address}?q=MONDAY+lead").text
    rows = re.findall(r"<tr class=.*?</tr>", page, re.DOTALL)

    assert [("hidden>" in row, "monday/lead" in row) for row in rows].count((False, True)) == 1
    assert sum("hidden>" in row for row in rows) == 3
    assert "1 of 4" in page


def test_empty_folder_says_which_command_makes_a_first_run(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        page = get(address).text

    assert "No run yet" in page
    assert f"evalharness demo --results {tmp_path}" in page


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("run/no/such", "no such run"),
        ("run/../../etc/passwd", "no such run"),
        ("run/%2e%2e/%2e%2e/etc/passwd", "no such run"),
        ("run/monday/lead/run.json", "no such run"),
        ("run//etc/passwd", "no such run"),
        ("run/monday%2Flead%00", "no such run"),
        ("experiment/..", "no finished run"),
        ("history?system=nobody", "no finished run"),
        ("compare", "two runs or more"),
        ("compare?run=monday/lead&run=monday/lead", "two runs or more"),
        ("compare?run=monday/lead&run=../../etc", "no such run"),
    ],
)
def test_what_is_not_in_the_list_is_not_there(where: str, said: str, address: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx2.URL(address).port or 0)) as raw:
        path = "/" + address.split("/", 3)[3] + where  # a client would tidy the path up
        raw.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b"")).decode()

    assert answer.startswith("HTTP/1.1 404")
    assert said in text_of(answer)
    assert "root:x:" not in answer


# What it refuses.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_other_hosts_and_origins_are_refused(
    headers: Mapping[str, str], status: int, address: str
) -> None:
    answer = get(address, **headers)

    assert answer.status_code == status
    assert status == 200 or "monday" not in answer.text


@pytest.mark.parametrize("change", ["", "x", "é", "%00", "?token={}"])
def test_address_without_its_token_is_refused(change: str, address: str) -> None:
    base, token = address.rstrip("/").rsplit("/", 1)
    answer = get(f"{base}/{change.format(token)}")

    assert answer.status_code == 403
    assert "monday" not in answer.text


def test_half_a_token_is_refused(address: str) -> None:
    assert get(f"{address[:-6]}/").status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(method: str, address: str) -> None:
    assert httpx2.request(method, address).status_code == 405


def test_head_is_answered_without_a_body(address: str) -> None:
    answer = httpx2.head(address)

    assert (answer.status_code, answer.content) == (200, b"")


def test_pages_load_nothing_and_stand_in_no_frame(address: str) -> None:
    page = get(address)
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', page.text)[0]

    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


def test_nothing_is_written(results: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        every = sorted(results.rglob("*"))
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in every}

    before = state()
    with serving(results) as address:
        for where in ("", "live", "run/monday/lead", "experiment/monday", "history?system=lead"):
            assert get(address + where).status_code == 200
        both = "compare?run=monday/lead&run=tuesday/lead"
        assert get(address + both).status_code == 200

    assert state() == before


def test_two_views_of_one_folder_have_addresses_of_their_own(made: Path) -> None:
    with serving(made) as first, serving(made) as second:
        assert first != second
        assert get(first).status_code == get(second).status_code == 200
        other = second.rstrip("/").rsplit("/", 1)[1]
        assert get(f"{first.rstrip('/').rsplit('/', 1)[0]}/{other}/").status_code == 403


# Runs that are not finished, or spoilt.


def state_of(folder: Path, path: str) -> tuple[str, str]:
    found = RunList(folder).find(path)
    return found.state, found.why


class Watching:
    """A progress that looks at the list while a run is at work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[tuple[str, str]] = []
        self.pages: list[str] = []

    def start(self, work: str, total: int | None) -> None:
        (found,) = [r for r in RunList(self.folder).runs() if r.path == "night/given"]
        self.seen.append((found.state, found.signs.work if found.signs else ""))
        with serving(self.folder) as address:
            self.pages += [get(address).text, get(f"{address}run/night/given").text]

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        pass

    def end(self) -> None:
        pass


def test_run_at_work_is_shown_with_what_it_is_at(results: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)
    watching: Progress = (watcher := Watching(results))
    run(config("night", tmp_path), results=results, progress=watching)

    assert {state for state, _ in watcher.seen} == {"at work"}
    assert all(work for _, work in watcher.seen)
    assert "2 at work" in watcher.pages[0]
    assert all(
        f"{work}: 0" in page
        for (_, work), page in zip(watcher.seen, watcher.pages[::2], strict=True)
    )
    assert "At work since" in watcher.pages[1]
    assert SAID["fire"] in watcher.pages[-1]  # what was written so far
    assert state_of(results, "night/given") == ("finished", "")


KILLED = """
import os, signal, sys
from evalharness import run
class Kill:
    def start(self, work, total): pass
    def advance(self, *told): os.kill(os.getpid(), signal.SIGKILL)
    def end(self): pass
run(sys.argv[1], results=sys.argv[2], progress=Kill())
"""


def test_killed_run_is_shown_as_stopped(results: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)
    path = tmp_path / "night.yaml"
    path.write_text(json.dumps(config("night", tmp_path)))
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(results)], timeout=120)
    with serving(results) as address:
        page, own = get(address).text, get(f"{address}run/night/lead").text

    assert done.returncode == -signal.SIGKILL
    assert state_of(results, "night/lead") == ("stopped", "killed, or its machine went down")
    assert "2 stopped before the end" in page
    assert "The same command goes on from there" in own


def test_failed_run_says_why(results: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)

    class Failing(Watching):
        def start(self, work: str, total: int | None) -> None:
            raise DataError("the disk caught fire\nand more")

    with pytest.raises(HarnessError):
        run(config("night", tmp_path), results=results, progress=Failing(results))

    assert state_of(results, "night/lead") == ("stopped", "the disk caught fire")


def test_interrupted_run_and_a_shard_that_is_done_say_so(results: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)

    class Interrupted(Watching):
        def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
            raise KeyboardInterrupt

        def start(self, work: str, total: int | None) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        run(config("night", tmp_path), results=results, progress=Interrupted(results))
    assert state_of(results, "night/lead") == ("stopped", "interrupted")

    run_shard(config("parts", tmp_path), "1/2", results=results)
    assert state_of(results, "parts/lead") == ("stopped", "shard 1/2 is done")


def test_process_of_another_machine_is_gone_when_it_is_silent_for_long() -> None:
    now = time.time()

    assert WorkSigns(host="elsewhere", seen=now - 5).is_at_work
    assert not WorkSigns(host="elsewhere", seen=now - 3600).is_at_work
    assert WorkSigns(host=HOST, pid=os.getpid(), seen=now - 3600).is_at_work
    assert not WorkSigns(host=HOST, pid=2**22 + 1).is_at_work


def test_sign_never_makes_a_mark_that_is_gone(tmp_path: Path) -> None:
    write_signs(tmp_path / "unfinished-1", WorkSigns())

    assert list(tmp_path.iterdir()) == []


def test_longer_sign_than_the_next_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = tmp_path / "unfinished-1"
    mark.write_text("")
    write_signs(mark, WorkSigns(work="w" * 500))
    write_signs(mark, WorkSigns(work="x"))
    found = read_signs(mark)

    assert found is not None
    assert found.work == "x"
    assert len(mark.read_text().splitlines()) == 2
    assert marks_of(tmp_path) == [mark]


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "A run into this folder began at 2026 and has not ended.\n",
        "x\n{",
        "x\n[1]\n",
        'x\n{"pid": "1"}\n',
        'x\n{"pid": 1e99, "host": "h", "seen": -1e400}\n',
        'x\n{"ledger": "../../../etc/passwd", "host": "a", "seen": 99999999999}\n',
        'x\n{"work": "<script>hit()</script>", "host": "a", "seen": 99999999999, "total": 0}\n',
        'x\n{"done": -5, "total": -1, "left": -3, "seconds": 0, "host": "a", "seen": 9e12}\n',
        'x\n{"began": 1e300, "host": "a", "seen": 99999999999}\n',
    ],
)
def test_hostile_mark_spoils_no_page(mark: str, results: Path) -> None:
    folder = results / "night" / "odd"
    folder.mkdir(parents=True)
    (folder / "unfinished-1").write_text(mark)
    with serving(results) as address:
        pages = [get(address), get(f"{address}run/night/odd"), get(f"{address}live")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not any("<script>hit" in page.text or "root:x:" in page.text for page in pages)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1, "cell": "x"}',
        "[" * 100_000,
        '{"format": 99, "cell": 1}',
    ],
)
def test_damaged_run_is_named_with_its_file(content: str, results: Path) -> None:
    (results / "monday" / "lead" / "run.json").write_text(content)
    with serving(results) as address:
        page, own = get(address), get(f"{address}run/monday/lead")

    assert "1 damaged" in page.text
    assert str(results.resolve() / "monday" / "lead" / "run.json") in text_of(own.text)


def test_samples_that_are_damaged_are_said_and_the_rest_is_served(results: Path) -> None:
    (results / "monday" / "lead" / "samples.jsonl").write_text("{\n")
    with serving(results) as address:
        broken, other = get(f"{address}run/monday/lead"), get(f"{address}run/monday/given")

    assert broken.status_code == 404
    assert "samples.jsonl" in broken.text
    assert other.status_code == 200


@pytest.mark.parametrize("name", ["run.json", "samples.jsonl", "samples.parquet", "config.yaml"])
def test_link_out_of_the_folder_is_not_followed(name: str, results: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    shutil.copy(results / "monday" / "lead" / name, secret)
    (results / "monday" / "lead" / name).unlink()
    (results / "monday" / "lead" / name).symlink_to(secret)
    with serving(results) as address:
        own = get(f"{address}run/monday/lead")

    assert "links to what is not in" in own.text
    assert name in text_of(own.text)


def test_linked_folders_are_not_entered(results: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(results / "monday", outside)
    (results / "linked").symlink_to(outside)
    (results / "circle").symlink_to(results)

    assert len(RunList(results).runs()) == 4


def test_list_follows_what_comes_and_goes(results: Path) -> None:
    with serving(results) as address:
        before = get(address).text
        shutil.copytree(results / "monday", results / "wednesday")
        grown = get(address).text
        shutil.rmtree(results)
        gone = get(address)
        results.mkdir()
        empty = get(address).text

    assert "4 runs" in before
    assert "6 runs" in grown
    assert (gone.status_code, "the folder is gone" in gone.text) == (404, True)
    assert "No run yet" in empty


def test_run_that_is_written_again_is_shown_as_it_is_now(results: Path, tmp_path: Path) -> None:
    write_rows(tmp_path, {**SAID, "fire": "Nine people died in a fire."})
    with serving(results) as address:
        before = get(f"{address}run/monday/given").text
        run(config("monday", tmp_path), results=results)
        after = get(f"{address}run/monday/given").text

    assert before != after


def test_texts_and_names_of_others_are_only_text(results: Path, tmp_path: Path) -> None:
    path = results / "monday" / "lead" / "run.json"
    record = json.loads(path.read_text())
    for n, payload in enumerate(PAYLOADS):
        if payload in LETTERS:
            continue
        folder = results / "evil" / str(n)
        folder.mkdir(parents=True)
        hostile = {**record, "cell": payload, "experiment": payload}
        hostile["timing"] = {**record["timing"], "started": payload}
        (folder / "run.json").write_text(json.dumps(hostile))
    with serving(results) as address:
        page = get(address).text

    seen = Markup(page)
    assert seen.tags.isdisjoint({"img", "iframe", "object", "embed", "base", "math", "xmp"})
    assert page.count("<script") == 1
    assert not {name for name, _ in seen.attributes if name.startswith("on") or name == "style"}
    links = {value for name, value in seen.attributes if name in ("href", "src", "action")}
    assert all(re.match(r"/[\w-]{24}/|#[\w-]+$|data:,$", link or "") for link in links)


def test_thousand_runs_are_listed_and_only_what_changed_is_read_again(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (made / "monday" / "lead" / "run.json").read_text()
    for n in range(1_000):
        folder = tmp_path / f"e{n // 10}" / f"s{n % 10}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(text)
    listing = RunList(tmp_path)
    began = time.thread_time()  # processor time, which a busy machine does not take
    assert len(listing.runs()) == 1_000
    assert time.thread_time() - began < 3  # .4 s where it was measured

    read: list[Path] = []

    def noted(path: Path) -> Run:
        read.append(path)
        return read_run_file(path)

    monkeypatch.setattr("evalharness.report.listing.read_run_file", noted)
    (tmp_path / "e3" / "s3" / "run.json").write_text(f"{text} ")
    listing.runs()

    assert read == [tmp_path / "e3" / "s3" / "run.json"]


# The command.


def start(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "evalharness", "view", *map(str, arguments), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize(
    ("number", "code", "last"),
    [(signal.SIGINT, 0, "Stopped."), (signal.SIGTERM, Exit.TERMINATED, "")],
)
def test_command_says_its_address_and_stops_on_a_signal(
    number: int, code: int, last: str, made: Path
) -> None:
    process = start(made)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.findall(r"http://127\.0\.0\.1:\d+/[\w-]{24}/", line)[0]
        answered = get(address).status_code
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert "Ctrl-C stops" in line
    assert answered == 200
    assert process.returncode == code
    assert out.strip() == last
    assert "Traceback" not in err


def test_port_that_is_taken_is_said(made: Path, command: Callable[..., Done]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("view", made, "--no-browser", "--port", port)

    assert done.returncode == Exit.MENDABLE
    assert f"--port {port}" in done.stderr
    assert "--port 0" in done.stderr


def test_folder_that_is_not_there_is_said(tmp_path: Path, command: Callable[..., Done]) -> None:
    done = command("view", tmp_path / "none", "--no-browser")

    assert done.returncode == Exit.MENDABLE
    assert "there is no such folder" in done.stderr
    assert "evalharness demo" in done.stderr


# In a browser.


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


SHOWN = (
    "return [...document.querySelectorAll('#rows > tr:not([hidden])')].map((r) => r.dataset.words)"
)


def shown(browser: Browser) -> list[str]:
    """Return the paths of the rows that are seen, in their order."""
    return [str(words).partition(" ")[0] for words in browser.run(SHOWN)]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("where", ["", "history?system=lead", "run/no", "run/night/odd"])
def test_pages_are_whole_and_accessible(
    where: str, colors: str, size: tuple[int, int], browser: Browser, results: Path
) -> None:
    folder = results / "night" / "odd"
    folder.mkdir(parents=True)
    (folder / "unfinished-1").write_text(WorkSigns(work="odd", total=9, done=4).text())
    browser.color_scheme(colors)
    with serving(results) as address:
        browser.visit(f"{address}{where}", size)
        width = browser.run("return document.documentElement.scrollWidth - innerWidth")
        text = browser.text("main")
        problems = browser.accessibility()
        errors = browser.errors()
        asked = browser.requests()

    assert problems == []
    assert width <= 0
    assert not re.search(r"NaN|undefined|None\b", text)
    assert [e for e in errors if "404" not in e] == []  # which says of itself that it is one
    assert all(each.startswith((address, "data:")) for each in asked)


def test_baseline_is_the_run_that_was_ticked_first_in_the_same_minute(
    browser: Browser, results: Path
) -> None:
    for system in ("lead", "given"):
        began(results / "monday" / system, "2026-11-02T10:00:00.000Z")
    began(results / "tuesday" / "given", "2026-11-02T09:00:00.000Z")
    with serving(results) as address:
        for first, second in (("lead", "given"), ("given", "lead")):
            browser.visit(address)
            for name in (first, second):
                browser.one(f'input[value="monday/{name}"]').click()
            assert browser.text("#baseline") == f"Baseline: {first} (ticked first)."
            browser.one(".chosen button").click()
            browser.wait("document.querySelector('#changes')")
            assert browser.text("#changes-title") == f"Changes from {first} to {second}"
        browser.visit(address)
        for path in ("monday/lead", "tuesday/given"):
            browser.one(f'input[value="{path}"]').click()
        assert browser.text("#baseline") == "Baseline: given (began first)."


def test_link_to_all_runs_stays_in_one_line_on_a_phone(browser: Browser, address: str) -> None:
    browser.visit(f"{address}run/monday/lead", PHONE)
    high = "return document.querySelector(arguments[0]).getBoundingClientRect().height"
    assert browser.run(high, "a.home") < 40
    assert browser.run(high, "header.top") < 110


def test_list_is_filtered_sorted_and_compared(browser: Browser, address: str) -> None:
    browser.visit(address)
    first = shown(browser)
    browser.one("#filter input").send_keys("tuesday")
    filtered = shown(browser)
    kept = browser.run("return location.search")
    browser.driver.refresh()
    again = shown(browser)
    browser.run("document.querySelector('#filter input').value = ''")
    browser.run("document.querySelector('#filter input').dispatchEvent(new Event('input'))")
    browser.run("document.querySelectorAll('th[data-sort] button')[1].click()")
    by_errors = shown(browser)
    disabled = browser.run("return document.querySelector('.chosen button').disabled")
    for name in ("monday/lead", "tuesday/lead"):
        browser.one(f'input[value="{name}"]').click()
    browser.one(".chosen button").click()
    browser.wait("document.querySelector('#changes')")

    assert sorted(first) == ["monday/given", "monday/lead", "tuesday/given", "tuesday/lead"]
    assert filtered == again == [path for path in first if path.startswith("tuesday")]
    assert kept == "?q=tuesday"
    assert {path.partition("/")[2] for path in by_errors[:2]} == {"given"}
    assert disabled is True
    assert "run=monday%2Flead" in browser.run("return location.search")
    browser.one("a.home").click()
    browser.wait("document.querySelector('#rows')")


def test_list_and_run_follow_what_happens(browser: Browser, results: Path) -> None:
    folder = results / "monday" / "lead"
    mark = folder / "unfinished-1"
    mark.write_text(WorkSigns(work="lead", total=9, done=4).text())
    with serving(results) as address, browser.hurried():
        browser.visit(address)
        browser.one('input[value="tuesday/lead"]').click()
        browser.wait("document.querySelector('#live').textContent.includes('4 of 9')")
        write_signs(mark, WorkSigns(work="lead", total=9, done=7, failed=2))
        browser.wait("document.querySelector('#live').textContent.includes('7 of 9')")
        browser.wait("document.querySelector('#live').textContent.includes('2 failed')")
        mark.unlink()
        browser.wait("document.querySelector('input[value=\"monday/lead\"]')")
        chosen = browser.run(
            "return [...document.querySelectorAll('#rows :checked')].map((e) => e.value)"
        )
        mark.write_text(WorkSigns(work="lead", total=9, done=4).text())
        browser.visit(f"{address}run/monday/lead")
        browser.wait("document.querySelector('.headline').textContent.includes('At work')")
        write_signs(mark, WorkSigns(pid=2**22 + 1, work="lead", total=9, done=8))
        browser.wait("document.querySelector('.headline').textContent.includes('Stopped')")
        mark.unlink()
        browser.wait("globalThis.evalharnessReady")  # its report is there

    assert chosen == ["tuesday/lead"]


def test_first_run_shows_in_a_list_that_was_empty(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    with serving(tmp_path) as address, browser.hurried():
        browser.visit(address)
        before = browser.text("main")
        shutil.copytree(made / "monday", tmp_path / "monday")
        browser.wait("document.querySelector('#rows')")

    assert "No run yet" in before


def test_hostile_names_and_texts_do_nothing(browser: Browser, results: Path) -> None:
    path = results / "monday" / "lead" / "run.json"
    record = json.loads(path.read_text())
    for n, payload in enumerate(each for each in PAYLOADS if each.isprintable()):
        folder = results / "evil" / str(n)
        folder.mkdir(parents=True)
        hostile = {**record, "cell": payload, "experiment": payload}
        (folder / "run.json").write_text(json.dumps(hostile))
        (folder / "unfinished-1").write_text(WorkSigns(work=payload, ended=payload).text())
        if n % 2:
            (folder / "unfinished-1").unlink()
    with serving(results) as address:
        browser.visit(address)
        browser.run("globalThis.hit = () => { globalThis.broken = true; }")
        browser.run("document.querySelectorAll('th[data-sort] button')[0].click()")
        browser.one("#filter input").send_keys("<script>")
        filtered = len(shown(browser))
        broken = browser.run("return Boolean(globalThis.broken)")
        errors = browser.errors()

    assert filtered > 3
    assert not broken
    assert errors == []
