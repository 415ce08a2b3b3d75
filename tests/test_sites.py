"""Profiles of sites: what they say wins where they match, and what a person corrected is saved."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from evalharness.cli import app
from evalharness.config import cells
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError, DataError
from evalharness.loaders.pages.loader import parse_page
from evalharness.loaders.pages.reading import ROLES
from evalharness.loaders.pages.sites import (
    FOLDER,
    Guide,
    Profile,
    load_profile,
    profile_text,
    shipped,
)
from evalharness.records import Article

BODY = (
    "Rain flooded the market in Sabine on Sunday, the town said.",
    "About 40 stalls were lost, and nobody was hurt.",
    "The market will open again in May, the mayor said.",
)
PAGE = f"""Rain floods the market

By Ada Lind

Tides: high at 3, low at 9.

{BODY[0]}

Stalls afloat near the church wall.

{BODY[1]}

{BODY[2]}

Ledger of the Harbor
"""
LEDGER = Profile(
    name="the ledger",
    matches=("Ledger of the Harbor", "ledger.example"),
    lines={"furniture": ("Tides: *.",), "caption": ("Stalls afloat*",)},
    elements={"summary": (".bot",), "furniture": ("#tides",)},
)
HTML = (
    "<html><head>{}</head><body><h1>Rain floods the market</h1><div class='x bot'>"
    "<h4>AI summary</h4><div>Forty stalls are lost</div><small>Made by AI, may contain errors."
    "</small></div>"
    + "".join(f"<p>{line}</p>" for line in BODY)
    + "<div id=tides><div>The tide was high on Sunday, and it was low on Monday.</div></div></body>"
    "</html>"
)
CANONICAL = "<link rel=canonical href='https://www.news.ledger.example/rain'>"


def test_lines_of_a_profile_have_the_roles_that_it_says() -> None:
    assert len(parse_page(PAGE.encode()).body) == 5
    page = parse_page(PAGE.encode(), guide=Guide((LEDGER,)))
    assert (page.body, page.profile) == (BODY, "the ledger")
    said = {block.text: (block.role, block.source) for block in page.blocks}
    assert said["Tides: high at 3, low at 9."] == ("furniture", "the ledger")
    assert said[BODY[0]] == ("body", "")


def test_elements_of_a_profile_are_known_by_class_or_id_and_the_notice_stays() -> None:
    page = parse_page(HTML.format(CANONICAL).encode(), guide=Guide((LEDGER,)))
    assert (page.summary, page.body) == (("Forty stalls are lost",), BODY)
    assert page.disclaimer == "Made by AI, may contain errors."
    assert page.names == ("news.ledger.example",)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (CANONICAL, "the ledger"),
        ("<meta property=og:url content=http://ledger.example/a>", "the ledger"),
        ("<meta property=og:site_name content='Ledger of the harbor'>", "the ledger"),
        ("<link rel=canonical href='https://notledger.example/rain'>", ""),
        ("", ""),
    ],
)
def test_profile_is_used_on_the_pages_of_its_site_alone(head: str, name: str) -> None:
    assert parse_page(HTML.format(head).encode(), guide=Guide((LEDGER,))).profile == name


def test_profile_without_matches_is_for_every_page() -> None:
    every = LEDGER.model_copy(update={"matches": ()})
    assert parse_page(HTML.format("").encode(), guide=Guide((every,))).profile == "the ledger"


RAPPLER = """Rain floods the market

Rappler.com

This is AI generated summarization, which may have errors. For context, always refer to the full \
article.

MANILA, Philippines - Rain fell on Monday, the town said.

Already have Rappler+?
Sign in to listen to groundbreaking journalism.
"""


def test_shipped_profiles_are_read_and_known_by_something() -> None:
    assert [profile.name for profile in shipped()] == ["rappler.com"]
    assert {file.suffix for file in FOLDER.iterdir()} == {".toml"}
    assert all(profile.matches for profile in shipped())
    page = parse_page(RAPPLER.encode())
    assert (page.profile, page.summary, page.byline) == ("rappler.com", (), ("Rappler.com",))
    assert page.body == ("MANILA, Philippines - Rain fell on Monday, the town said.",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not TOML"),
        ("matches = []", "name: Field required"),
        ("name = 'a'\n[lines]\nheader = ['b']", "lines.header: Input should be 'title'"),
        ("name = 'a'\n[lines]\nbody = 'b'", "lines.body: Input should be a valid tuple"),
        ("name = 'a'\nclasses = {}", "classes: Extra inputs are not permitted"),
        ("name = 'a'\n[lines]\nbody = ['*a*b*']", "has more than 2 stars"),
    ],
)
def test_profile_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_profile(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert said in str(raised.value)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_profile(tmp_path / "none.toml")


PHRASES = st.lists(st.text(min_size=1, max_size=9).filter(lambda said: "*" not in said), max_size=3)


@given(PHRASES, st.dictionaries(st.sampled_from(ROLES), PHRASES.map(tuple)))
def test_profile_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, matches: list[str], lines: dict[str, tuple[str, ...]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.toml"
    profile = Profile.model_validate({"name": "a", "matches": matches, "lines": lines})
    file.write_bytes(profile_text(profile).encode(errors="surrogatepass"))
    assert load_profile(file) == profile


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_explain_shows_each_line_with_its_number_its_role_and_why(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text(PAGE)
    code, said, _ = run(str(file), "--explain")
    lines = said.splitlines()
    assert code == 3
    assert "     1 title     Rain floods the market" in lines
    at = lines.index(f"     4 body      {BODY[0]}")
    assert "prose" in lines[at + 1]
    record = json.loads(run(str(file), "--json")[1])
    shown = [block["text"] for block in record["reading"]["blocks"]]
    assert shown == PAGE.removesuffix("\n").split("\n\n")
    assert record["reading"]["profile"] is None


def test_corrected_line_wins_and_the_reason_names_who_said_so(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text(PAGE)
    _, said, _ = run(str(file), "--role", "5=caption", "--role", "3=furniture", "--explain")
    assert (
        "     5 caption   Stalls afloat near the church wall.\n                 you say so" in said
    )
    code, _, error = run(str(file), "--role", "50=caption")
    assert (code, error) == (2, f"evalharness: {file}: there is no line 50: the page has 8\n")
    with pytest.raises(DataError, match="there is no line 0"):
        parse_page(PAGE.encode(), guide=Guide(roles={0: "body"}))
    for wrong in ("5=story", "five=body", "5"):
        assert run(str(file), "--role", wrong)[0] == 2
    assert run(str(file), str(file), "--role", "5=body")[0] == 2


def test_any_line_can_be_given_any_role() -> None:
    for number in range(1, 9):
        for role in ROLES:
            page = parse_page(PAGE.encode(), guide=Guide(roles={number: role}))
            assert page.blocks[number - 1].role == role


def test_saved_profile_reads_the_next_page_of_the_site_right(tmp_path: Path) -> None:
    first, second, saved = tmp_path / "a.html", tmp_path / "b.html", tmp_path / "site.toml"
    page = (
        CANONICAL + "<body><h1>{0}</h1><div class=lede>{1}</div><p class=t>The tide is low.</p>"
        "<p class=c>{0}: a picture of the town.</p><p class=p>" + "</p><p class=p>".join(BODY)
    )
    first.write_text(page.format("Rain floods the market", "Forty stalls are lost"))
    second.write_text(page.format("Snow on the market", "Ten stalls are open"))
    roles = ("2=summary", "3=furniture", "4=caption")
    given = [word for role in roles for word in ("--role", role)]
    code, _, error = run(str(first), *given, "--save-profile", str(saved))
    assert (code, error) == (0, "")
    assert saved.read_text() == (
        'name = "news.ledger.example"\nmatches = ["news.ledger.example"]\n\n[lines]\n'
        'furniture = ["The tide is low."]\n\n[elements]\nsummary = [".lede"]\ncaption = [".c"]\n'
    )
    record = json.loads(run(str(second), "--profile", str(saved), "--json")[1])
    assert record["page"]["ai_summary"] == ["Ten stalls are open"]
    assert record["page"]["body"] == list(BODY)
    assert record["reading"]["profile"] == "news.ledger.example"
    assert (
        "Read with the site profile news.ledger.example"
        in run(str(second), "--profile", str(saved))[1]
    )
    _, _, error = run(str(first), "--role", "5=deck", "--save-profile", str(saved))
    assert "not saved" in error
    assert "is the deck of this page alone, and no element is only for it" in error
    assert 'summary = [".lede"]' in saved.read_text()


def test_profile_of_another_site_is_said_not_to_match(tmp_path: Path) -> None:
    file, other = tmp_path / "page.txt", tmp_path / "site.toml"
    file.write_text(PAGE)
    other.write_text(profile_text(LEDGER.model_copy(update={"matches": ("elsewhere.example",)})))
    _, _, error = run(str(file), "--profile", str(other))
    assert error == f"evalharness: {file}: nothing on it is what the ledger matches\n"


def test_run_reads_its_pages_with_the_profiles_that_its_config_names(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "rain.txt").write_text(PAGE)
    (tmp_path / "ledger.toml").write_text(profile_text(LEDGER))
    config = tmp_path / "run.yaml"
    config.write_text(
        "data: {name: pages, path: pages, profile: ledger.toml}\n"
        "models: [lead]\nmetrics: []\nchecks: [numbers]\n"
    )
    [cell] = cells.prepare(read_run_config(config))
    (article,) = cell.loader.load()
    assert isinstance(article, Article)
    assert article.text == "\n\n".join(BODY)
    assert article.extra["profile"] == "the ledger"
    (tmp_path / "ledger.toml").write_text("name = ")
    with pytest.raises(ConfigError, match=r"ledger\.toml: not TOML"):
        cells.prepare(read_run_config(config))
    (tmp_path / "ledger.toml").unlink()
    with pytest.raises(ConfigError, match=r"no file or folder 'ledger\.toml'"):
        cells.prepare(read_run_config(config))
