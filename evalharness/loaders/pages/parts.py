"""From the lines of a news page to its parts."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import NamedTuple

from evalharness.errors import DataError
from evalharness.loaders.pages.evidence import Statement, line_links, line_signs
from evalharness.loaders.pages.lines import MOST_READ, Line, dateline, source
from evalharness.loaders.pages.reading import ROLES, Role, Zone, read_lines
from evalharness.loaders.pages.sites import Guide, Profile, choose

# Lines of these roles are kept as they stand on the page, without a part of their own.
_FURNITURE: tuple[Role, ...] = (
    *("furniture", "caption", "deck", "label", "ai_label", "again", "credit"),
)
# Lines that tell the story, too, and so support what a summary says of it.
_EVIDENCE: tuple[Role, ...] = ("title", "byline", "time", "caption", "credit", "subhead", "source")
# A reading whose margin is smaller is a guess. Measured on pages with known parts that the prices
# were not fitted on (35 modelled ones, each publisher left out; 60 invented, each layout left out;
# 20 in layouts of their own, as first read): of 90 right summaries 8 are called uncertain, of 7
# wrong ones 3 are caught. With 1.5 it is 9 and 4, with 2.0 it is 11 and 4.
SURE = 1.0
MOST_SHAKEN = 150  # lines of a page that is read again without each
NO_DOUBT = 1e6  # of a line that is too far from any box


class Block(NamedTuple):
    """One line of a page with its role, and why.

    margin: how sure it is that the line is, or is not, part of the summary. signs: what it shows.
    source: what else decided: the name of a site's profile, or `you`. around: elements of HTML.
    zone: the part of the page, in its order.
    """

    text: str
    role: Role
    margin: float
    signs: tuple[str, ...]
    source: str = ""
    around: tuple[str, ...] = ()
    zone: Zone = "body"


@dataclass(frozen=True)
class Page:
    """The parts of a news page, as they stand on it, with single plain spaces.

    byline, timestamps: a line each. disclaimer: what says that a machine wrote the summary and may
    have erred; None if nothing does. summary: the bullets or paragraphs of the box, without bullet
    signs. dateline: the place, and what else stands before the dash. body: the paragraphs, the
    first with its dateline, the last without `source`. source: the article's source as it is
    named at the end, with its dash. furniture: every other line; of an HTML page, first what
    belongs to this article (comment box, buttons) and then what frames every page of the site.
    blocks: every line, in the order of the page, with its role. profile: the name of the site's
    profile that it was read with. names: what HTML says of its site, name or address. without:
    reads the page again without one of its lines.
    """

    title: str = ""
    byline: tuple[str, ...] = ()
    timestamps: tuple[str, ...] = ()
    disclaimer: str | None = None
    photo_credit: str | None = None
    summary: tuple[str, ...] = ()
    dateline: str | None = None
    body: tuple[str, ...] = ()
    subheads: tuple[str, ...] = ()
    source_tag: str | None = None
    furniture: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = field(default=(), compare=False, repr=False)
    profile: str = field(default="", compare=False)
    names: tuple[str, ...] = field(default=(), compare=False, repr=False)
    without: Callable[[int], "Page"] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def doubt(self) -> str:
        """Why the reading of the summary, or that there is none, is a guess; empty if it is not."""
        if not self.blocks:
            return ""
        closest = min(self.blocks, key=lambda block: block.margin)
        if closest.margin < SURE:
            side = "belong to the article" if closest.role == "summary" else "belong to the summary"
            return f"{_quoted(closest)} may as well {side}"
        checks = (_without_end, _other_look, _inside_article, _too_long, _alone)
        doubt = next((doubt for check in checks if (doubt := check(self.blocks))), "")
        return doubt or self._shaken()

    def _shaken(self) -> str:
        """Return the doubt about a reading that takes more for the summary where a line is gone."""
        if self.without is None or len(self.blocks) > MOST_SHAKEN:
            return ""
        for i, block in enumerate(self.blocks):
            if block.role in ("title", "again") or block.source:
                continue
            if block.role == "summary" and "h_box" in block.signs and len(self.summary) == 1:
                continue  # without all that its box says, nothing shows where the box ends
            rest = self.without(i)
            moved = [said for said in rest.summary if said not in self.summary]
            if moved and not replace(rest, without=None).doubt:
                said = textwrap.shorten(moved[0], 60, placeholder="…")
                return f"without {_quoted(block)}, “{said}” would belong to the summary"
        return ""

    @property
    def as_read(self) -> tuple[str, ...]:
        """Every line after its role and a tab, as a report shows the page."""
        return tuple(f"{block.role}\t{block.text}" for block in self.blocks)

    @property
    def lack(self) -> str:
        """Why there is no summary; empty where there is one."""
        if self.summary:
            return ""
        if self.disclaimer:
            return "the page has no summary: its notice of one stands there without a text"
        if named := next((block for block in self.blocks if _heads_section(block)), None):
            return (
                f"the page has no summary: {_quoted(named)} was read as a heading of the article, "
                "as nothing sets off what follows it"
            )
        return "the page has no summary: nothing on it looks like the notice or heading of one"

    @property
    def evidence(self) -> str:
        """What a summary may rest on: the paragraphs, then the other lines about the same story."""
        lines = [block.text for block in self.blocks if block.role in _EVIDENCE]
        return "\n\n".join([*self.body, *dict.fromkeys(lines)])


# What shows where a summary ends, or that its line is of one: its bullets, its element, the
# heading of the article below it, how an article begins, or that the article says the same again.
_ENDS: frozenset[str] = frozenset(
    {"bullet", "h_box", "ends_headed", "opener", "claim", "caps_lead"}
)
# What a line of the summary looks like instead.
_LOOKS: dict[str, str] = {"caps_lead": "a caption", "near_twin": "the title", "twin": "the title"}


def _heads_section(block: Block) -> bool:
    """Return whether a line has the name of a summary and was read as part of the article."""
    return block.role == "subhead" and not {"label", "ai_label"}.isdisjoint(block.signs)


def _without_end(blocks: Sequence[Block]) -> str:
    """Return the doubt about a summary that only its place parts from the article below it."""
    story = [block for block in blocks if block.role not in ("furniture", "caption", "credit")]
    for above, below in pairwise(story):
        if above.role != "summary" or below.role not in ("body", "subhead") or above.source:
            continue
        if not {"echo", *_ENDS}.isdisjoint(above.signs) or "prose" not in above.signs:
            continue
        if _ENDS.isdisjoint(below.signs):
            return f"nothing but its place parts {_quoted(above)} from the article"
    return ""


def _other_look(blocks: Sequence[Block]) -> str:
    """Return the doubt about a line of the summary that looks like another part of the page."""
    for above, block, below in zip(blocks, blocks[1:], blocks[2:], strict=False):
        if block.role != "summary" or block.source or "h_box" in block.signs:
            continue
        looks = [look for sign, look in _LOOKS.items() if sign in block.signs]
        short = "fragment" in block.signs and len(block.text.split()) < FEWEST_WORDS
        alone = above.role != "summary" and below.role in ("body", "furniture")
        if short and alone and _ENDS.isdisjoint(block.signs + below.signs):
            looks.append("a heading")
        if looks:
            return f"{_quoted(block)} looks like {looks[0]}"
    return ""


FEWEST_WORDS = 5  # of a line that has no stop, and is no heading of the paragraph below it


def _alone(blocks: Sequence[Block]) -> str:
    """Return the doubt about a summary of one bullet that nothing opens."""
    boxed = {"h_box", "twin", "near_twin"}
    summary = [block for block in blocks if block.role == "summary"]
    opens = any(
        block.role in ("label", "ai_label", "notice", "remark") or not boxed.isdisjoint(block.signs)
        for block in blocks
    )
    if opens or len(summary) != 1 or summary[0].source or "bullet" not in summary[0].signs:
        return ""
    return f"nothing on the page says that {_quoted(summary[0])} is its summary"


def _too_long(blocks: Sequence[Block]) -> str:
    """Return the doubt about a summary in paragraphs that is longer than the article."""
    ends = {"bullet", "h_box", "fragment"}
    summary = [block for block in blocks if block.role == "summary"]
    if any(block.source or not ends.isdisjoint(block.signs) for block in summary):
        return ""
    article = sum(len(block.text) for block in blocks if block.role == "body")
    if sum(len(block.text) for block in summary) > article:
        return "what looks like the summary is longer than the article"
    return ""


def _inside_article(blocks: Sequence[Block]) -> str:
    """Return the doubt about a summary that only a heading amid the article opens."""
    opener: Role = "body"
    last = max((i for i, block in enumerate(blocks) if block.role == "body"), default=0)
    for i, block in enumerate(blocks):
        if block.role in ("label", "ai_label", "notice", "again", "body", "subhead"):
            opener = block.role
        amid = opener == "subhead" or (opener == "label" and i < last)
        if block.role != "summary" or block.zone != "body" or block.source:
            continue
        if amid and "h_box" not in block.signs:
            return f"{_quoted(block)} stands amid the article"
    return ""


def _quoted(block: Block) -> str:
    return f"“{textwrap.shorten(block.text, 60, placeholder='…')}”"


# The names of a page's parts, in the order in which `check --json` has them.
PARTS = tuple(each.name for each in fields(Page) if each.compare)


NO_GUIDE = Guide()
SAID = 1e7  # the price of a role that a person says: more than any bound of the reading
YOU = "you"


def assemble(
    lines: Sequence[Line],
    statement: Statement | None = None,
    guide: Guide = NO_GUIDE,
    names: Sequence[str] = (),
) -> Page:
    """Return the parts of the page that has these lines.

    names: of its site. Raises: DataError where the guide names a line that is not there.
    """
    for number in guide.roles:
        if not 1 <= number <= len(lines):
            raise DataError(f"there is no line {number}: the page has {len(lines)}")
    head = lines[:MOST_READ]
    profile = choose(guide.profiles, [*names, *(each.raw.strip("–—- ") for each in head)])
    blocks = _read(head, statement or Statement(), guide, profile)
    blocks += _unread(lines[MOST_READ:], guide, ended=blocks[-1].zone == "end" if blocks else False)
    page = _page(lines, [block.role for block in blocks], blocks)
    without = partial(_without, lines, statement, replace(guide, roles={}), tuple(names))
    known = replace(page, profile=profile.name if profile else "", names=tuple(names))
    return replace(known, without=None if guide.roles else without)


def _without(
    lines: Sequence[Line],
    statement: Statement | None,
    guide: Guide,
    names: tuple[str, ...],
    i: int,
) -> Page:
    return assemble([*lines[:i], *lines[i + 1 :]], statement, guide, names)


def _read(
    lines: Sequence[Line], statement: Statement, guide: Guide, profile: Profile | None
) -> list[Block]:
    """Return lines with the roles that they have together."""
    signs = line_signs(lines, statement)
    known = [(profile.role_of(each), profile.name) if profile else (None, "") for each in lines]
    for number, role in guide.roles.items():
        if number <= len(lines):
            known[number - 1] = (role, YOU)
    prices: list[dict[str, float]] = [{role: SAID} if role else {} for role, _ in known]
    reading = read_lines(signs, line_links(lines, signs), prices)
    return [
        Block(
            each.raw,
            state.role,
            margin,
            tuple(sorted(has)),
            source if said else "",
            each.around,
            state.zone,
        )
        for each, state, margin, has, (said, source) in zip(
            lines, reading.states, reading.margins, signs, known, strict=True
        )
    ]


def _unread(lines: Sequence[Line], guide: Guide, *, ended: bool) -> list[Block]:
    """Return the lines after those that are read: sentences go on with the article."""
    known: dict[Line, Block] = {}  # many are the same

    def block(each: Line) -> Block:
        role: Role = "body" if not ended and each.ends_sentence else "furniture"
        return Block(each.raw, role, NO_DOUBT, (), "", each.around)

    blocks = [known.get(each) or known.setdefault(each, block(each)) for each in lines]
    for number, role in guide.roles.items():
        if number > MOST_READ:
            i = number - MOST_READ - 1
            blocks[i] = blocks[i]._replace(role=role, source=YOU)
    return blocks


def _bare(said: str) -> str:
    return said.casefold().strip(" .")


def _without_source(body: list[str]) -> tuple[list[str], str]:
    """Return the paragraphs without the source named at the end, which one line may follow."""
    for i in range(len(body) - 1, max(len(body) - 3, -1), -1):
        if parted := source(body[i]):
            return [*body[:i], parted[0], *body[i + 1 :]], parted[1]
    return body, ""


def _page(lines: Sequence[Line], roles: Sequence[Role], blocks: Sequence[Block]) -> Page:
    of_role: dict[Role, list[Line]] = {role: [] for role in ROLES}
    for each, role in zip(lines, roles, strict=True):
        of_role[role].append(each)

    def texts(role: Role) -> list[str]:
        return [each.raw for each in of_role[role]]

    body, tag = _without_source(texts("body"))
    credits = texts("credit")
    said = [b.text for b in blocks if b.role in ("notice", "remark")]
    notices = list(dict.fromkeys(said)) or texts("ai_label")[:1]
    title = " ".join(texts("title"))
    kept = {_bare(said) for said in (title, *notices, *credits[:1])}
    of_site = {*_FURNITURE, *(("source",) if tag else ())}
    skipped = [
        each
        for each, role in zip(lines, roles, strict=True)
        if role in of_site and _bare(each.raw) not in kept
    ]
    skipped.sort(key=lambda each: each.hint == "frame")
    return Page(
        title=title,
        byline=tuple(texts("byline")),
        timestamps=tuple(texts("time")),
        disclaimer=" ".join(notices) or None,
        photo_credit=credits[0] if credits else None,
        summary=tuple(each.text for each in of_role["summary"]),
        dateline=dateline(body[0]) or None if body else None,
        body=tuple(body),
        subheads=tuple(texts("subhead")),
        source_tag=tag or " ".join(texts("source")) or None,
        furniture=tuple(each.raw for each in skipped),
        blocks=tuple(blocks),
    )
