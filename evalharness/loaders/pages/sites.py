"""What is known of a site's pages, a data file a site: it wins over the reading where it matches.

A file says how its pages are known, what some of their lines are (by their words), and what the
text in some elements is (by class, id or tag). To add a site, put a file into the folder `sites`,
or pass it to `check` with `--profile`; `check --role … --save-profile` writes one.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evalharness.errors import ConfigError
from evalharness.files.untrusted import read_whole
from evalharness.loaders.pages import labels
from evalharness.loaders.pages.lines import Line
from evalharness.loaders.pages.reading import Role

FOLDER = Path(__file__).parent / "sites"
MOST_STARS = 2  # in a phrase: each multiplies the time that a hostile line takes
LONGEST = 1000  # characters of a line that is compared with phrases
# What stands on page after page in the same words; other lines are known by their element alone.
RECURRING: tuple[Role, ...] = (
    *("furniture", "notice", "remark", "label", "ai_label", "source", "byline", "credit"),
)


class Profile(BaseModel):
    """What is known of one site.

    name: as the output has it. matches: its address, its name, or lines that stand on its pages;
    without any, the profile is for every page. lines: by role, whole lines; `*` stands for
    anything. elements: by role, elements of HTML: `.class`, `#id` or `tag`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    matches: tuple[str, ...] = ()
    lines: dict[Role, tuple[str, ...]] = {}
    elements: dict[Role, tuple[str, ...]] = {}

    def is_of(self, names: Iterable[str]) -> bool:
        """Return whether a page with these addresses, names and lines is of the site."""
        wanted = {match.casefold() for match in self.matches}
        said = {name.casefold() for name in names}
        hosts = (name for name in said if "." in name and " " not in name)
        return (
            not wanted
            or not wanted.isdisjoint(said)
            or any(host.endswith(f".{match}") for host in hosts for match in wanted)
        )

    def role_of(self, line: Line) -> Role | None:
        """Return what a line is by its words, or by the elements around it; None if unknown."""
        if len(line.raw) <= LONGEST:
            for role, phrases in self.lines.items():
                if any(_pattern(phrase).fullmatch(line.raw) for phrase in phrases):
                    return role
        if _is_label(line.text):  # the notice in a box is no part of what it says
            return None
        around = set(line.around)
        return next((r for r, names in self.elements.items() if not around.isdisjoint(names)), None)


def _is_label(said: str) -> bool:
    return bool(labels.notice_kind(said)) or labels.is_box_heading(said) or labels.is_caution(said)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in phrase.split("*")), re.IGNORECASE)


@cache
def shipped() -> tuple[Profile, ...]:
    """Return the profiles in the folder, by name."""
    return tuple(load_profile(file) for file in sorted(FOLDER.glob("*.toml")))


def load_profile(file: Path) -> Profile:
    """Read a profile. Raises: ConfigError, which says what is wrong and where."""
    try:
        profile = Profile.model_validate(tomllib.loads(read_whole(file).decode()))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise ConfigError(f"{file}: {where}: {first['msg']}") from error
    for phrase in (phrase for phrases in profile.lines.values() for phrase in phrases):
        if phrase.count("*") > MOST_STARS:
            raise ConfigError(f"{file}: lines: {phrase!r} has more than {MOST_STARS} stars")
    return profile


def choose(profiles: Sequence[Profile], names: Iterable[str]) -> Profile | None:
    """Return the profile of a page: the first of those given that is of it, or one that ships."""
    known = list(names)
    return next((each for each in (*profiles, *shipped()) if each.is_of(known)), None)


@dataclass(frozen=True)
class Guide:
    """What a person says of a page: profiles of sites, and the roles of some lines by number."""

    profiles: tuple[Profile, ...] = ()
    roles: Mapping[int, Role] = field(default_factory=dict[int, Role])


@dataclass(frozen=True)
class Said:
    """A line of a page with its role, and whether a person said so."""

    text: str
    role: Role
    around: tuple[str, ...]
    corrected: bool


def learn(profile: Profile, lines: Sequence[Said]) -> tuple[Profile, list[Said]]:
    """Return a profile that also knows what a person corrected, and what it cannot know.

    What stands on page after page is known by its words; what is another text each time by its
    element, where no line of another role stands in that.
    """
    phrases, elements = dict(profile.lines), dict(profile.elements)
    unknown: list[Said] = []
    for line in (line for line in lines if line.corrected):
        element = _own_element(line, lines)
        if line.role in RECURRING:
            phrases[line.role] = _with(phrases.get(line.role, ()), line.text.replace("*", ""))
        elif element:
            elements[line.role] = _with(elements.get(line.role, ()), element)
        else:
            unknown.append(line)
    return profile.model_copy(update={"lines": phrases, "elements": elements}), unknown


def _with(known: tuple[str, ...], one: str) -> tuple[str, ...]:
    return known if one in known else (*known, one)


def _own_element(line: Said, lines: Sequence[Said]) -> str:
    """Return the nearest class or id around a line in which nothing but its role stands."""
    named = [name for name in line.around if name[0] in ".#"]
    others = [each for each in lines if each.role != line.role and not _is_label(each.text)]
    return next((name for name in named if all(name not in each.around for each in others)), "")


def profile_text(profile: Profile) -> str:
    """Return a profile as the file that it is read from."""
    lines = [f"name = {_quoted(profile.name)}", f"matches = {_listed(profile.matches)}"]
    for part in ("lines", "elements"):
        known: dict[Role, tuple[str, ...]] = getattr(profile, part)
        if known:
            lines += ["", f"[{part}]", *(f"{role} = {_listed(v)}" for role, v in known.items())]
    return "\n".join(lines) + "\n"


def _listed(phrases: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, phrases))}]"


def _quoted(phrase: str) -> str:
    """Return a string of TOML: JSON's, which also names the one control character it leaves."""
    return json.dumps(phrase, ensure_ascii=False).replace("\x7f", "\\u007f")
