"""People's votes beside a judge's preferences: the same statistics, and how well both agree."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalharness import compare
from evalharness.comparison.comparison import Comparison
from evalharness.comparison.preferences import preference_sentence, read_votes
from evalharness.errors import DataError
from evalharness.meta.annotations import Annotation, AnnotationSet, system_preferences
from evalharness.records import Summary, Vote
from evalharness.report.page import write_report
from evalharness.report.preferences import agreement_notes, beside_people
from evalharness.runner.preferences import digests_of_sample
from evalharness.store.runs import read_run
from evalharness.store.store import Store, preference_key

MakeRun = Callable[..., Path]
SYSTEMS = ("bart", "lead", "t5")
N = 12
# By article: what each of the three pairs' first system has of the judge, of each person.
RNG = np.random.default_rng(5)
JUDGED = RNG.choice([0.0, 0.5, 1.0], size=(N, 3), p=[0.3, 0.1, 0.6])
VOTED = RNG.choice([0.0, 0.5, 1.0], size=(3, N, 3), p=[0.3, 0.2, 0.5])
PAIRS = ((0, 1), (0, 2), (1, 2))
PEOPLE = ("ann", "ben", "cem")


@pytest.fixture
def runs(make_run: MakeRun, tmp_path: Path) -> list[Path]:
    """Three systems on twelve articles, of which a judge was asked, in both orders."""
    folder = tmp_path / "results" / "test"
    scores = {"lexical": [0.5 + n / 40 for n in range(N)]}
    folders = [
        make_run(
            name, scores, folder=folder,
            summaries=[Summary(f"a{n}", " ".join([name, "says", *["more"] * k])) for n in range(N)],
        )
        for k, name in enumerate(SYSTEMS)
    ]  # fmt: skip
    store = Store(tmp_path / "results" / "store")
    signature = {"name": "judge", "protocol": "pairwise", "model": "a-judge", "version": 1}
    ledger = store.ledger("preferences", signature)
    samples = [list(read_run(path).samples()) for path in folders]
    for n in range(N):
        article, _ = digests_of_sample(samples[0][n])
        texts = [digests_of_sample(of[n])[1].text for of in samples]
        for m, (i, j) in enumerate(PAIRS):
            first = float(JUDGED[n, m])
            ledger.append([
                (preference_key(article, texts[i], texts[j]), {"first": first}),
                (preference_key(article, texts[j], texts[i]), {"first": 1 - first}),
            ])  # fmt: skip
    return folders


def votes(people: int = 3) -> list[Vote]:
    """The votes; every other one names the systems the other way round, as was shown."""
    found = []
    for who in range(people):
        for n in range(N):
            for m, (i, j) in enumerate(PAIRS):
                outcome, order = float(VOTED[who, n, m]), 1 if (n + m + who) % 2 else -1
                names = (SYSTEMS[i], SYSTEMS[j])
                if n % 2:
                    names, outcome, order = names[::-1], 1 - outcome, -order
                found.append(Vote(f"a{n}", "", *names, outcome, order, PEOPLE[who]))
    return found


def majority(people: int = 3) -> Any:
    return (1 + np.sign((2 * VOTED[:people] - 1).sum(axis=0))) / 2


def test_people_have_the_statistics_of_the_study(runs: list[Path]) -> None:
    found = compare(*runs, votes=votes())
    people, judge = found.preferences
    assert (people.judge, people.people, judge.judge) == ("people", PEOPLE, "a-judge")
    assert people.answers == 3 * N * 3
    theirs = system_preferences(AnnotationSet(tuple(map(annotation, votes())), (), (), 0))
    for name, figures in theirs["systems"].items():
        standing = people.standing(name)
        assert standing.rate == pytest.approx(figures["rate"], abs=1e-12)
        assert standing.strength == pytest.approx(figures["strength"], abs=1e-9)
    by_pair = {(pair.one, pair.other): pair for pair in people.pairs}
    for each in theirs["pairs"]:
        assert by_pair[each["first"], each["second"]].rate == pytest.approx(each["rate"])
    shown = [v.outcome if v.order > 0 else 1 - v.outcome for v in votes()]
    assert people.first_shown.share == pytest.approx(np.mean(shown))
    alike = (VOTED[0] == VOTED).all(axis=0)
    assert people.disagree.share == pytest.approx(1 - alike.mean())


def annotation(vote: Vote) -> Annotation:
    names = (vote.system_a, vote.system_b)
    preferred = {1.0: "a", 0.0: "b", 0.5: "tie"}[vote.outcome]
    return Annotation(
        "", "s", "pairs", vote.article_id, vote.annotator, vote.article_id, "", "",
        names if vote.order > 0 else names[::-1], ("x", "y"),
        {"preferred": preferred if vote.order > 0 else {"a": "b", "b": "a"}.get(preferred, "tie")},
        1.0,
    )  # fmt: skip


def test_agreement_is_that_of_scikit_learn(runs: list[Path]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    (agreement,) = compare(*runs, votes=votes()).agreement
    ours, theirs = JUDGED.ravel(), majority().ravel()
    assert agreement.n == len(ours)
    assert agreement.same.share == pytest.approx((ours == theirs).mean())
    decided = (ours != 0.5) & (theirs != 0.5)
    assert agreement.decided.n == decided.sum()
    assert agreement.decided.share == pytest.approx((ours == theirs)[decided].mean())
    kappa = metrics.cohen_kappa_score((2 * ours).astype(int), (2 * theirs).astype(int))
    assert agreement.kappa == pytest.approx(kappa, abs=1e-9)
    assert agreement.kappa_low is not None
    assert agreement.kappa_high is not None
    assert agreement.kappa_low < kappa < agreement.kappa_high
    assert agreement.same.low is not None
    assert agreement.same.low < (agreement.same.share or 0)


def test_judge_who_says_what_people_say_agrees_wholly(runs: list[Path]) -> None:
    own = [
        Vote(f"a{n}", "", SYSTEMS[i], SYSTEMS[j], float(JUDGED[n, m]), 1, "ann")
        for n in range(N)
        for m, (i, j) in enumerate(PAIRS)
    ]
    found = compare(*runs, votes=own)
    (agreement,) = found.agreement
    assert (agreement.same.share, agreement.kappa, agreement.decided.share) == (1, 1, 1)
    people, judge = found.preferences
    for name in SYSTEMS:
        assert people.standing(name).rate == judge.standing(name).rate
    assert preference_sentence(people).count("judged by one person, ties as half") == 1
    assert "Cohen's κ 1.00" in next(agreement_notes(found))


def test_side_by_side_needs_both(runs: list[Path], tmp_path: Path) -> None:
    found = compare(*runs, votes=votes())
    head, *rows = beside_people(found)
    assert list(head) == ["wins of", "people", "interval", "a-judge", "interval"]
    assert {row[0] for row in rows} == set(SYSTEMS)
    assert beside_people(compare(*runs)) == []
    (tmp_path / "results" / "store" / "preferences").rename(tmp_path / "away")
    alone = compare(*runs, votes=votes())
    assert [each.judge for each in alone.preferences] == ["people"]
    assert (beside_people(alone), alone.agreement) == ([], ())


def test_votes_of_others_are_counted_and_none_is_an_error(runs: list[Path]) -> None:
    other = Vote("a0", "", "bart", "pegasus", 1.0, 1, "ann")
    nowhere = Vote("b7", "", "bart", "lead", 1.0, 1, "ann")
    people = compare(*runs, votes=[*votes(1), other, nowhere]).preferences[0]
    assert people.signature == "ann; 2 votes are of other systems or articles"
    with pytest.raises(DataError, match=r"none of 2 votes .* they name bart, lead, pegasus"):
        compare(*runs, votes=[other, nowhere])


def write(path: Path, found: list[Vote]) -> Path:
    path.write_text("".join(f"{json.dumps(asdict(vote))}\n" for vote in found))
    assert read_votes([path]) == found
    return path


def test_command_and_page_show_people_beside_the_judge(
    runs: list[Path], tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = write(tmp_path / "labels.pairs.jsonl", votes())
    done = command("compare", *runs, "--votes", path)
    assert done.returncode == 0, done.stderr
    for words in ("wins of", "108 votes of 3 people", "a-judge says what people say of",
                  "People disagree on", "judged by 3 people by majority"):  # fmt: skip
        assert words in " ".join(done.stdout.split()), words
    *lines, last = done.stdout.splitlines()
    assert last.startswith("To see where each goes wrong: evalharness report ")  # to be copied
    assert all(len(line) <= 80 for line in lines)
    record = json.loads(command("compare", *runs, "--votes", path, "--json").stdout)
    assert record["agreement"][0]["judge"] == "a-judge"
    assert (
        "| wins of |" in command("compare", *runs, "--votes", path, "--format", "markdown").stdout
    )
    page = tmp_path / "page.html"
    assert command("report", *runs, "--votes", path, "-o", page).returncode == 0
    text = page.read_text()
    assert "Wins by people and by judges" in text
    assert "a-judge says what people say of" in text
    write_report(*runs, to=page)
    assert "Wins by people and by judges" not in page.read_text()


def test_comparison_without_votes_is_what_it_was(runs: list[Path]) -> None:
    found = compare(*runs)
    assert isinstance(found, Comparison)
    assert [each.people for each in found.preferences] == [()]
    assert found.agreement == ()
