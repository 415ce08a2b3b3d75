"""`evalharness view`: the runs of a results folder as pages, served to this machine alone.

Read-only. A run's page and that of a comparison are the report's own, made when they are asked for.
Every address begins with a token that only whoever started the command knows; a request that names
another host, comes from another page or lacks the token is refused, so that no web page that is
open in the same browser can read along.
"""

import hmac
import secrets
import socket
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from evalharness.display import STYLE_SHEET
from evalharness.errors import ConfigError, DataError, HarnessError
from evalharness.report.glossary import GLOSSARY
from evalharness.report.listing import (
    ListedRun,
    RunList,
    RunState,
    common_scores,
    history,
    list_stamp,
)
from evalharness.report.page import content_policy, join_assets, page_environment, report_page
from evalharness.report.table import NOTICE, amount_text, left_text, rate_text, time_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
_HOSTS = ("127.0.0.1", "localhost")
# Rows of the list; a filter finds what is not among them.
MOST_ROWS = 2_000
# Pages kept in memory, of some 3 MB at the most.
_MOST_PAGES = 12
_SCRIPTS, _STYLES = ("page.js", "view.js"), (STYLE_SHEET, "view.css")
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",  # each page says the rest in itself
}


class Views:
    """The pages of a results folder, each made when it is asked for; reports are kept a while.

    root: the address that all others begin with, which has the token in it.
    """

    def __init__(self, listing: RunList, root: str) -> None:
        """Take the runs, and the address of their list."""
        self.listing = listing
        self.root = root
        self._made: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._making = threading.Lock()

    def index(self, words: str = "") -> str:
        """Return the list of all runs; those that lack some of the words are hidden."""
        runs = self.listing.runs()
        wanted = {run.path for run in runs if run.matches(words)}
        shown = runs
        if len(runs) > MOST_ROWS:
            shown = [run for run in runs if run.path in wanted][:MOST_ROWS]
        systems = Counter(run.system for run in runs if run.state == "finished")
        return self._render(
            "list",
            title=self.listing.root.name or str(self.listing.root),
            runs=runs,
            shown=shown,
            wanted=wanted,
            words=words,
            scores=common_scores(shown),
            repeated={system for system, n in systems.items() if n > 1},
            **self._live(runs),
        )

    def live(self) -> str:
        """Return what of the list changes while runs are at work."""
        return self._render("live", title="Runs", **self._live(self.listing.runs()))

    def _live(self, runs: Sequence[ListedRun]) -> dict[str, Any]:
        at_work = [run for run in runs if run.state == "at work"]
        return {"at_work": at_work, "counts": counts(runs), "stamp": list_stamp(runs)}

    def run(self, path: str) -> str:
        """Return the page of a run: its report, or how far it is, or what is wrong with it."""
        run = self.listing.find(path)
        if run.state == "finished":
            return self._report([run])
        latest = self.listing.latest_summaries(run)
        return self._render("run", title=run.path, run=run, latest=latest)

    def experiment(self, path: str) -> str:
        """Return the report on all finished runs of an experiment."""
        runs = [run for run in self.listing.runs() if run.path.rpartition("/")[0] == path]
        finished = [run for run in reversed(runs) if run.state == "finished"]
        if not finished:
            raise DataError(f"{path[:200]}: no finished run of such an experiment")
        return self._report(finished)

    def compare(self, paths: Sequence[str]) -> str:
        """Return the report on some runs; the others are compared with the oldest.

        Runs that began in the same minute, as those of one command do, keep the order of `paths`.
        """
        runs = [self.listing.find(path) for path in dict.fromkeys(paths)]
        if len(runs) < 2:
            raise ConfigError("choose two runs or more to compare")
        if unfinished := [run.path for run in runs if run.state != "finished"]:
            raise DataError(
                f"{', '.join(unfinished)}: not finished, so there is nothing to compare"
            )
        return self._report(sorted(runs, key=lambda run: run.when))

    def history(self, system: str) -> str:
        """Return the runs of a system over time."""
        groups = history(self.listing.runs(), system)
        if not groups:
            raise DataError(f"{system[:200]}: no finished run of such a system")
        charts = [_charts([row.run for row in reversed(rows)]) for rows in groups]
        return self._render("history", title=system, groups=list(zip(groups, charts, strict=True)))

    def message(self, error: HarnessError) -> str:
        """Return a page that says what is wrong."""
        return self._render("message", title="evalharness", lines=str(error).split("\n"))

    def _report(self, runs: Sequence[ListedRun]) -> str:
        key = tuple((run.path, run.stamp) for run in runs)
        with self._making:  # one at a time: each takes the whole processor
            if key not in self._made:
                self._made[key] = report_page(*(run.folder for run in runs), home=self.root)
            self._made.move_to_end(key)
            while len(self._made) > _MOST_PAGES:
                self._made.popitem(last=False)
            return self._made[key]

    def _render(self, view: str, **shown: Any) -> str:
        script, style = _assets()
        template = page_environment().get_template("view.html.j2")
        return template.render(
            view=view,
            script=script,
            style=style,
            policy=content_policy(script, style, asks=True),
            root=self.root,
            folder=str(self.listing.root),
            notice=NOTICE,
            glossary=GLOSSARY,
            link=self._link,
            progress_words=progress_words,
            time_text=time_text,
            **shown,
        )

    def _link(self, *steps: str, **query: str | Sequence[str]) -> str:
        """Return an address below ours."""
        address = self.root + "/".join(quote(step, errors="replace") for step in steps)
        return f"{address}?{urlencode(query, doseq=True, errors='replace')}" if query else address


@cache
def _assets() -> tuple[Any, Any]:
    return join_assets(_SCRIPTS), join_assets(_STYLES)


# What the list says of runs that are not finished, by what the filter finds them with.
_UNFINISHED: Mapping[RunState, str] = {
    "at work": "at work",
    "stopped": "stopped before the end",
    "damaged": "damaged",
}


def counts(runs: Sequence[ListedRun]) -> tuple[str, list[tuple[str, RunState]]]:
    """Return how many runs there are, as words, and for each state what its runs are, as words."""
    systems = {run.system for run in runs}
    said = f"{amount_text(len(runs), 'run')} of {amount_text(len(systems), 'system')}"
    states = Counter(run.state for run in runs)
    parts = [
        (f"{states[state]} {words}", state) for state, words in _UNFINISHED.items() if states[state]
    ]
    return said, parts


def progress_words(run: ListedRun) -> str:
    """Return how far a run is: how many articles, how fast, how long yet, what failed."""
    signs = run.signs
    if signs is None:
        return ""
    if not signs.work:
        return "waits its turn" if run.state == "at work" else ""
    of = f" of {signs.total:,}" if signs.total else ""
    said = [f"{signs.work}: {signs.done:,}{of} articles"]
    if signs.seconds > 0 and signs.done and run.state == "at work":
        said.append(rate_text(signs.done, signs.tokens, signs.seconds))
        left = signs.left
        if left is None and signs.total:
            left = (signs.total - signs.done) * signs.seconds / signs.done
        said += [] if left is None else [left_text(left)]
    said += [f"{signs.failed:,} failed"] if signs.failed else []
    return ", ".join(said)


def _charts(runs: Sequence[ListedRun]) -> list[dict[str, Any]]:
    """Return for each score of runs, the oldest first, where its line and intervals lie."""
    charts = []
    for name in common_scores(runs):
        known = [run.figures[name] for run in runs if name in run.figures]
        low, high = min(f.mean for f in known), max(f.mean for f in known)
        values = [run.figures[name].mean if name in run.figures else None for run in runs]
        ends = f"{known[0].text} to {known[-1].text}" if len(known) > 1 else known[0].text
        charts.append({"name": name, "ends": ends, "points": _points(values, low, high)})
    return charts


def _points(values: Sequence[float | None], low: float, high: float) -> list[tuple[float, float]]:
    """Return values as points of a picture 100 wide and 30 high, the first on the left."""
    step = 96 / max(1, len(values) - 1)
    heights = [
        None if value is None else (value - low) / (high - low) if high > low else 0.5
        for value in values
    ]
    return [(2 + n * step, 26 - 22 * y) for n, y in enumerate(heights) if y is not None]


# The server.


class _Guard:
    """Refuses what is not asked by whoever has the address: another host, page, token or method."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http" and (refused := self._refusal(scope)):
            from starlette.responses import PlainTextResponse

            status, why = refused
            answer = PlainTextResponse(f"{why}\n", status, _HEADERS)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: "Scope") -> tuple[int, str] | None:
        """Return status and reason where a request is refused."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or hosts[0].partition(":")[0] not in _HOSTS:
            return 403, "refused: this is for addresses of this machine alone"
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return 403, "refused: another page may not ask"
        token = scope["path"].removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(token.encode(), self._token):
            return 403, "refused: the address lacks its token; evalharness view printed it whole"
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "refused: nothing can be changed here"
        return None


def view_app(pages: Views, token: str) -> "ASGIApp":
    """Return what answers requests, as ASGI has it."""
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    def page(make: "Callable[[Request], str]") -> "Callable[[Request], Response]":
        def answer(request: "Request") -> "Response":
            try:
                return _html(make(request))
            except HarnessError as error:
                return _html(pages.message(error), 404)

        return answer

    routes = [
        Route("/", page(lambda request: pages.index(request.query_params.get("q", "")))),
        Route("/live", page(lambda request: pages.live())),
        Route("/compare", page(lambda request: pages.compare(request.query_params.getlist("run")))),
        Route("/history", page(lambda r: pages.history(r.query_params.get("system", "")))),
        Route("/run/{path:path}", page(lambda r: pages.run(r.path_params["path"]))),
        Route("/experiment/{path:path}", page(lambda r: pages.experiment(r.path_params["path"]))),
    ]
    return _Guard(Starlette(routes=[Mount(f"/{token}", routes=routes)]), token)


def _html(text: str, status: int = 200) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(text.encode(errors="replace"), status, _HEADERS)


class ViewServer:
    """A server on loopback that answers with the pages of a results folder.

    address: where a browser finds it, token included.
    """

    def __init__(self, results: Path, port: int = 0) -> None:
        """Take a folder, and a port that is free; 0 takes any. Raises: DataError, ConfigError."""
        import uvicorn

        token = secrets.token_urlsafe(18)
        listing = RunList(results)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((LOOPBACK, port))
        except OSError as error:
            self._socket.close()
            why = error.strerror or error
            raise ConfigError(f"--port {port}: {why}; --port 0 takes one that is free") from error
        root = f"/{token}/"
        self.address = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}{root}"
        config = uvicorn.Config(
            view_app(Views(listing, root), token), lifespan="off", ws="none", server_header=False,
            log_level="error", access_log=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def serve(self) -> None:
        """Answer until the process is interrupted, or told to stop."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Have whoever serves come to an end."""
        self._server.should_exit = True
