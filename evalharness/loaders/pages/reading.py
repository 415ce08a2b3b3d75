"""One reading of a page: which labelling of its lines, taken together, is the most likely.

A page tells its story in an order: what frames the site; title, byline and date, perhaps a box with
the summary; the article; what follows it. Each line shows signs of what it may be (`evidence`),
and each sign speaks for some roles and against others. A line's role also depends on what stands
around it: text below a notice may be the summary, text below a dateline is not. So no line is
decided by itself: of all the ways to label the page, the one with the highest sum of evidence is
taken (Viterbi's algorithm), in time proportional to the page. Every role may be absent.

What the labelling chooses between are states: a zone of the page, what has opened a box there, and
a role. The prices of going from one to the next are in `_transitions`, those of signs in `weights`.
The margin of a line is by how much the best page on which it is (or is not) part of the summary
loses to the best of all: a small one says that the reading is a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from evalharness.loaders.pages.weights import LINKS, NEVER, SIGNS, Price

Role = Literal[
    "title", "again", "byline", "time", "credit", "caption", "deck", "ai_label", "label", "notice",
    "remark", "summary", "body", "subhead", "source", "furniture",
]  # fmt: skip
Zone = Literal["top", "head", "body", "end"]
# What stands above in the same part of the page and may have opened a box: nothing, the title said
# again, the name of a box, or the notice of a machine.
Opening = Literal["closed", "again", "named", "machine"]
ZONES: tuple[Zone, ...] = get_args(Zone)
ROLES: tuple[Role, ...] = get_args(Role)
OPENINGS: tuple[Opening, ...] = get_args(Opening)
_ONLY_IN: dict[Role, tuple[Zone, ...]] = {
    "title": ("head",),
    "body": ("body",),
    "subhead": ("body",),
    "deck": ("top", "head"),
    "source": ("body", "end"),
}


class State(NamedTuple):
    """Where on a page a line stands, what has opened a box above it, and what it is."""

    zone: Zone
    opening: Opening
    role: Role


def _after(opening: Opening, role: Role, zone: Zone) -> Opening:
    """Return what is open below a line of a role."""
    if role in ("ai_label", "notice"):
        return "machine"
    opens: Opening = "closed"
    if role == "label":
        opens = "named"
    elif role == "again" and zone == "head":
        opens = "again"
    if OPENINGS.index(opens) > OPENINGS.index(opening):
        return opens
    return "closed" if role in ("title", "body", "subhead", "source") else opening


STATES = tuple(
    State(zone, opening, role)
    for zone, opening, role in product(ZONES, OPENINGS, ROLES)
    if zone in _ONLY_IN.get(role, ZONES)
    and (role == "notice" or any(_after(o, role, zone) == opening for o in OPENINGS))
    and (role, opening) not in (("notice", "named"), ("notice", "again"))
)
_SUMMARY = np.array([state.role == "summary" for state in STATES])


def _may_follow(one: State, two: State) -> bool:
    before, after = ZONES.index(one.zone), ZONES.index(two.zone)
    opening = _after(one.opening, two.role, two.zone)
    if one.role == "summary" and two.role == "notice":  # it closes the box that it stands in
        opening = "closed"
    if after < before or opening != two.opening:
        return False
    if two.role == "title":
        return one.zone == "top"
    if one.zone == "top" and two.zone == "head":  # which begins with the title
        return False
    return two.zone != "body" or one.zone == "body" or two.role in ("body", "subhead")


def _matches(state: State, pattern: str) -> bool:
    """Return whether a state is of a pattern: roles, `@` zones, `/` openings; `*` is any."""
    roles, _, openings = pattern.partition("/")
    roles, _, zones = roles.partition("@")
    return (
        (roles == "*" or state.role in roles.split("|"))
        and (not zones or state.zone in zones.split("|"))
        and (not openings or state.opening in openings.split("|"))
    )


def _vector(prices: dict[str, float]) -> NDArray[np.float64]:
    return np.array([sum(v for p, v in prices.items() if _matches(s, p)) for s in STATES])


def _matrix(prices: Sequence[Price]) -> NDArray[np.float64]:
    matrix = np.zeros((len(STATES), len(STATES)))
    for one, two, price in prices:
        rows = np.array([_matches(state, one) for state in STATES], dtype=float)
        columns = np.array([_matches(state, two) for state in STATES], dtype=float)
        matrix += price * np.outer(rows, columns)
    return matrix


@cache
def _signs() -> dict[str, NDArray[np.float64]]:
    return {sign: _vector(prices) for sign, prices in SIGNS.items()}


def speaks_for(sign: str, role: Role) -> float:
    """Return how strongly a sign speaks for a role, in the state that it suits best."""
    if sign not in SIGNS:
        return 0.0
    return max(float(_signs()[sign][k]) for k, state in enumerate(STATES) if state.role == role)


@cache
def _links() -> dict[str, NDArray[np.float64]]:
    """Return the prices of each link between two lines; of `always` also what may not follow."""
    links = {link: _matrix(prices) for link, prices in LINKS.items()}
    may = np.array([[_may_follow(one, two) for two in STATES] for one in STATES])
    links["always"] = np.where(may, links["always"], NEVER)
    return links


@cache
def _steps(links: frozenset[str]) -> NDArray[np.float64]:
    steps: NDArray[np.float64] = _links()["always"].copy()
    for link in links:
        steps += _links()[link]
    return steps


@dataclass(frozen=True)
class Reading:
    """The roles of a page's lines, and how sure each is.

    margins: by how much the best reading in which a line changes sides, into the summary or out of
    it, is worse; 0 where the two are level.
    """

    states: tuple[State, ...]
    margins: tuple[float, ...]

    @property
    def roles(self) -> list[Role]:
        """The roles alone."""
        return [state.role for state in self.states]


def read_lines(
    signs: Sequence[frozenset[str]],
    links: Sequence[frozenset[str]],
    extra: Sequence[dict[str, float]] = (),
) -> Reading:
    """Return the best reading of lines with these signs; `links[i]` joins line i to the one before.

    extra: further prices of each line, in the patterns of `weights.SIGNS`.
    """
    if not signs:
        return Reading((), ())
    evidence = np.array(
        [sum((_signs()[s] for s in each if s in SIGNS), np.zeros(len(STATES))) for each in signs]
    )
    for i, prices in enumerate(extra):
        if prices:
            evidence[i] += _vector(prices)
    forward, backward = _passes(evidence, links)
    through = forward + backward
    path = _best_path(forward, evidence, links)
    rows = range(len(path))
    is_summary = _SUMMARY[path]
    best = through[rows, path]
    within, without = through[:, _SUMMARY].max(axis=1), through[:, ~_SUMMARY].max(axis=1)
    margins = best - np.where(is_summary, without, within)
    return Reading(tuple(STATES[k] for k in path), tuple(float(m) for m in margins))


def _start() -> NDArray[np.float64]:
    """Return the prices of the first line's states: a page begins above its title, or with it."""
    prices: NDArray[np.float64] = _links()["always"][
        STATES.index(State("top", "closed", "furniture"))
    ]
    return prices


def _passes(
    evidence: NDArray[np.float64], links: Sequence[frozenset[str]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the best sums up to each line in each state, with its evidence, and from it on."""
    forward, backward = np.zeros_like(evidence), np.zeros_like(evidence)
    forward[0] = _start() + evidence[0]
    for i in range(1, len(evidence)):
        forward[i] = (forward[i - 1][:, None] + _steps(links[i])).max(axis=0) + evidence[i]
    backward[-1] = _vector(SIGNS["last"])
    for i in range(len(evidence) - 2, -1, -1):
        backward[i] = (_steps(links[i + 1]) + evidence[i + 1] + backward[i + 1]).max(axis=1)
    return forward, backward


def _best_path(
    forward: NDArray[np.float64], evidence: NDArray[np.float64], links: Sequence[frozenset[str]]
) -> list[int]:
    path = [int((forward[-1] + _vector(SIGNS["last"])).argmax())]
    for i in range(len(forward) - 1, 0, -1):
        path.append(int((forward[i - 1] + _steps(links[i])[:, path[-1]]).argmax()))
    return path[::-1]
