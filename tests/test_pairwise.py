"""Systems compared by a judge: asked once, in both orders, and told with intervals and biases."""

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from servers.chat import completion, first_token, serving

from evalharness import compare, gate, score_files, write_report
from evalharness.comparison.preferences import Preferences, preferences_of
from evalharness.comparison.shared import share
from evalharness.records import Preference, TwoSummaries
from evalharness.report.preferences import preference_notes, preferred_pairs, preferred_systems
from evalharness.runner.preferences import Asking, ComparedTexts, ask_judge
from evalharness.stats.preferences import TIE
from evalharness.store.runs import Run
from evalharness.store.store import Store

WORDS = ("river", "flood", "town", "bridge", "mayor", "water", "night", "rescue", "boats", "rain")


@dataclass(frozen=True)
class Oracle:
    """Prefers by what the summaries say of themselves, with biases that are planted in it.

    A summary says `quality=0.7`; position and length are log-odds; without noise the greater wins.
    """

    version: ClassVar[int] = 1
    position: float = 0.0
    length: float = 0.0
    noise: bool = True
    silent: tuple[str, ...] = field(default=(), compare=False)
    asked: list[TwoSummaries] = field(default_factory=list, compare=False)

    compares: ClassVar[bool] = True

    def prefer(self, shown: Sequence[TwoSummaries]) -> list[Preference]:
        self.asked.extend(shown)
        return [self._prefer(each) for each in shown]

    def _prefer(self, two: TwoSummaries) -> Preference:
        if two.article.id in self.silent:
            return Preference(None, note="no answer: the server is gone", passing=True)
        pull = quality_of(two.first) - quality_of(two.second) + self.position
        pull += self.length * math.log2(len(two.first.split()) / len(two.second.split()))
        drawn = random.Random(repr((two.article.id, two.first, two.second))).random()
        chance = 1 / (1 + math.exp(-pull)) if self.noise else float(pull > 0)
        return Preference(float(drawn < chance), chance, tokens_in=50, tokens_out=1)


def quality_of(summary: str) -> float:
    return float(summary.rpartition("quality=")[2].split()[0])


Systems = Callable[..., list[Run]]


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systems:
    """Return what writes and scores files of systems, whose qualities are given by name."""
    monkeypatch.chdir(tmp_path)

    def scored(n: int = 40, seed: int = 0, same: int = 0, **qualities: float) -> list[Run]:
        rng = random.Random(seed)
        rows: dict[str, list[dict[str, str]]] = {name: [] for name in qualities}
        for number in range(n):
            article = f"Article {number} of {seed}. {' '.join(rng.choices(WORDS, k=30))}."
            shared = f"The same of {number}. quality=0"
            for name, quality in qualities.items():
                words = " ".join(rng.choices(WORDS, k=rng.randint(4, 24)))
                own = f"{name} {number} {words} quality={quality}"
                text = shared if number < same else own
                rows[name].append({"id": str(number), "article": article, "summary": text})
        for name, of_system in rows.items():
            Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in of_system))
        files = [f"{name}.jsonl" for name in qualities]
        return score_files(files, metrics=[], checks=["lexical"], overwrite=True)

    return scored


def ask(runs: Sequence[Run], judge: Oracle, **how: Any) -> Asking:
    shared = share(runs)
    with ComparedTexts(shared.runs, shared.rows) as texts:
        return ask_judge("oracle", judge, texts, Store(Path("results/store")), **how)


def preferences(runs: Sequence[Run], **how: Any) -> Preferences:
    (found,) = preferences_of(share(runs), **how)
    return found


def test_each_pair_is_asked_in_both_orders_and_never_again(systems: Systems) -> None:
    runs = systems(a=1.0, b=0.0)
    judge = Oracle()
    done = ask(runs, judge)
    assert (done.pairs, done.asked, done.stored) == (40, 80, 0)
    assert (done.tokens_in, done.tokens_out) == (80 * 50, 80)
    shown = {(two.first, two.second) for two in judge.asked}
    assert len(shown) == 80
    assert {(second, first) for first, second in shown} == shown
    again = ask(runs, judge)
    assert (again.asked, again.stored) == (0, 80)
    assert len(judge.asked) == 80


def test_other_runs_of_the_same_texts_ask_nothing(systems: Systems, tmp_path: Path) -> None:
    runs = systems(a=1.0, b=0.0)
    ask(runs, Oracle())
    for name in ("a", "b"):
        Path(f"{name}.jsonl").rename(f"other-{name}.jsonl")
    others = score_files(["other-b.jsonl", "other-a.jsonl"], metrics=[], checks=["lexical"])
    again = ask(others, Oracle())
    assert (again.asked, again.stored) == (0, 80)
    ours, theirs = preferences(runs), preferences(others)
    assert ours.pairs[0].wins == theirs.pairs[0].losses > 0


def test_another_judge_has_a_ledger_of_its_own(systems: Systems) -> None:
    runs = systems(a=1.0, b=0.0)
    ask(runs, Oracle())
    assert ask(runs, Oracle(position=2.0)).asked == 80
    assert len(preferences_of(share(runs))) == 2


def test_summaries_of_the_same_words_are_ties_that_nobody_is_asked_about(systems: Systems) -> None:
    runs = systems(same=10, a=1.0, b=0.0)
    done = ask(runs, Oracle())
    assert (done.pairs, done.asked) == (30, 60)
    found = preferences(runs)
    assert found.pairs[0].same == 10
    assert found.pairs[0].n == 40
    assert found.pairs[0].ties >= 10
    assert found.answers == 60


def test_systems_that_write_the_same_are_equal(systems: Systems) -> None:
    runs = systems(same=40, a=1.0, b=0.0)
    assert ask(runs, Oracle()).asked == 0
    found = preferences(runs)
    assert [s.rate for s in found.standings] == [0.5, 0.5]
    assert [s.strength for s in found.standings] == pytest.approx([0.0, 0.0])
    assert [s.letters for s in found.standings] == ["a", "a"]
    assert found.disagree.share is None
    assert (found.position, found.length) == (None, None)


def test_a_tie_is_where_the_orders_disagree(systems: Systems) -> None:
    runs = systems(a=1.0, b=0.0)
    ask(runs, Oracle(position=5.0, noise=False))  # whoever stands first
    found = preferences(runs)
    assert (found.pairs[0].ties, found.pairs[0].disagree) == (40, 40)
    assert found.disagree.share == 1.0
    assert found.first_shown.share == 1.0
    assert found.pairs[0].p == 1.0


@pytest.mark.parametrize("position", [0.0, 1.0])
@pytest.mark.parametrize("length", [0.0, 1.2])
def test_planted_biases_are_printed_at_their_size(
    systems: Systems, position: float, length: float
) -> None:
    runs = systems(n=150, a=0.4, b=0.0, c=-0.3)
    ask(runs, Oracle(position=position, length=length))
    found = preferences(runs, resamples=500)
    assert found.position is not None
    assert found.length is not None
    assert found.position.estimate == pytest.approx(position, abs=0.3)
    assert found.length.estimate == pytest.approx(length, abs=0.3)
    notes = "\n".join(preference_notes(found))
    assert f"multiplies the odds by {math.exp(found.position.estimate):.2f}" in notes
    assert f"multiplies the odds by {math.exp(found.length.estimate):.2f}" in notes
    if position:
        assert (found.first_shown.low or 0) > 0.6
    if length:
        assert (found.longer.low or 0) > 0.6


def test_a_better_system_is_shown_to_be_better(systems: Systems) -> None:
    runs = systems(n=60, good=1.5, middle=0.0, bad=-1.5)
    ask(runs, Oracle())
    found = preferences(runs)
    order = sorted(found.standings, key=lambda s: -(s.rate or 0))
    assert [s.system for s in order] == ["good", "middle", "bad"]
    assert all(pair.different for pair in found.pairs)
    assert len({s.letters for s in found.standings}) == 3
    strengths = [s.strength or 0 for s in order]
    assert strengths == sorted(strengths, reverse=True)
    assert all((s.strength_low or 0) < (s.strength or 0) < (s.strength_high or 0) for s in order)
    assert sum(strengths) == pytest.approx(0)


def test_who_wins_everything_has_no_finite_strength_and_is_said_to(systems: Systems) -> None:
    runs = systems(n=12, a=9.0, b=0.0, c=0.0)
    ask(runs, Oracle())
    found = preferences(runs)
    assert [s.strength for s in found.standings] == [None, None, None]
    assert found.no_strengths.startswith("no strengths: a never lost to b, c")
    assert found.no_strengths in list(preference_notes(found))


def test_systems_of_different_results_that_were_never_compared_are_named(systems: Systems) -> None:
    runs = systems(n=12, a=0.0, b=0.0, c=0.0, d=0.0)
    ask(runs[:2], Oracle())
    ask(runs[2:], Oracle())
    found = preferences(runs)
    assert found.no_strengths == (
        "no strengths: a, b and c, d were never compared, nor through others"
    )
    assert [pair.n for pair in found.pairs] == [12, 0, 0, 0, 0, 12]


def test_what_has_no_answer_today_is_asked_again(systems: Systems) -> None:
    runs = systems(a=1.0, b=0.0)
    gone = Oracle(silent=("3", "4"))
    done = ask(runs, gone)
    assert (done.asked, done.unanswered) == (80, 4)
    assert "4 of 80 questions have no answer for now" in done.lacking
    shared = share(runs)
    with ComparedTexts(shared.runs, shared.rows) as texts:
        again = ask_judge("oracle", gone, texts, Store(Path("results/store")))
    assert (again.asked, again.stored) == (4, 76)


def test_a_budget_is_kept_and_the_same_pairs_are_chosen_again(systems: Systems) -> None:
    runs = systems(n=50, a=1.0, b=0.9, c=-3.0)
    first, second = Oracle(), Oracle()
    assert ask(runs, first, most_pairs=60, seed=7).pairs == 60
    assert len(first.asked) == 120
    assert ask(runs, second, most_pairs=60, seed=7).stored == 120
    found = preferences(runs)
    by_pair = {(pair.one, pair.other): pair.n for pair in found.pairs}
    assert sum(by_pair.values()) == 60
    assert by_pair["a", "b"] > max(by_pair["a", "c"], by_pair["b", "c"])
    assert ask(runs, Oracle(), most_pairs=10_000).pairs == 150


def test_a_run_that_was_killed_chooses_the_same(systems: Systems) -> None:
    runs = systems(n=50, a=1.0, b=0.9, c=-3.0)
    whole = Oracle()
    ask(runs, whole, most_pairs=90, seed=7)
    Path("results/store/preferences").rename("whole")

    @dataclass(frozen=True)
    class Dying(Oracle):
        def prefer(self, shown: Sequence[TwoSummaries]) -> list[Preference]:
            if len(self.asked) > 100:
                raise KeyboardInterrupt
            return super().prefer(shown)

    dying = Dying()
    with pytest.raises(KeyboardInterrupt):
        ask(runs, dying, most_pairs=90, seed=7)
    rest = Oracle()
    ask(runs, rest, most_pairs=90, seed=7)
    assert [*dying.asked, *rest.asked] == whole.asked


def test_a_judge_of_no_skill_finds_no_difference_as_a_rule(systems: Systems) -> None:
    runs = systems(n=30, a=0.0, b=0.0)
    for seed in range(60):

        class Fresh(Oracle):
            def _prefer(self, two: TwoSummaries, seed: int = seed) -> Preference:
                drawn = random.Random(repr((seed, two.article.id, two.first))).random()
                return Preference(float(drawn < 0.5))

        ask(runs, Fresh(position=seed * 1e-9))  # another judge, with a ledger of its own
    found = preferences_of(share(runs), resamples=500)
    p_values = [each.pairs[0].p for each in found]
    assert len(p_values) == 60
    assert sum(p <= 0.05 for p in p_values) <= 9
    assert 0.3 < float(np.mean(p_values)) < 0.8


def test_tables_fit_80_columns(systems: Systems, capsys: pytest.CaptureFixture[str]) -> None:
    from evalharness.cli.compare import show_comparison

    runs = systems(n=30, quite_a_long_name=1.0, b=0.0, c=0.1)
    ask(runs, Oracle(position=0.5))
    import sys

    show_comparison(compare(*runs), sys.stdout)
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines() if "|" not in line) <= 80
    assert "Position bias: the orders disagree in" in out
    assert "Length bias: the longer summary is preferred in" in out
    found = preferences(runs)
    assert len(preferred_systems(found)) == 4
    assert len(preferred_pairs(found)) == 4


def test_compare_tells_it_as_plain_values(systems: Systems) -> None:
    runs = systems(n=30, a=1.0, b=0.0)
    assert compare(*runs).preferences == ()
    ask(runs, Oracle())
    record = json.loads(json.dumps(compare(*runs).to_dict()))
    (told,) = record["preferences"]
    assert told["pairs"][0]["one"] == "a"
    assert told["position"].keys() == {"estimate", "low", "high"}


def test_the_gate_asks_for_wins(systems: Systems) -> None:
    base, good, bad = systems(n=120, base=0.0, good=2.0, bad=-2.0)
    rules = {"metrics": {"wins": {"margin": 0.05}}}
    lacking = gate(base, good, rules)
    assert lacking.verdict == "could-not-run"
    assert "evalharness compare BASELINE CANDIDATE --judge FILE asks one" in lacking.reason
    ask([base, good, bad], Oracle())
    assert gate(base, good, rules).verdict == "pass"
    assert gate(base, bad, rules).verdict == "regression"
    assert gate(base, base, rules).verdict == "pass"
    floor = {"metrics": {"wins": {"floor": 0.45}}}
    assert gate(base, good, floor).verdict == "pass"
    (outcome,) = [o for o in gate(base, bad, floor).outcomes if o.rule == "wins"]
    assert outcome.verdict == "regression"
    assert outcome.message.endswith("; at least 45.00 is required")
    named = {"metrics": {"wins.Oracle": 0.05}}
    assert "wins.oracle" in gate(base, good, named).reason


def test_the_page_has_a_section_with_tables_and_a_matrix(systems: Systems, tmp_path: Path) -> None:
    runs = systems(n=30, a=1.0, b=0.0, c=-1.0)
    before = write_report(*runs, to=tmp_path / "before.html").read_text()
    assert 'id="preferences"' not in before
    ask(runs, Oracle())
    page = write_report(*runs, to=tmp_path / "page.html").read_text()
    assert 'href="#preferences"' in page
    assert "Of 3 systems, a was preferred most" in page
    assert "wins against" in page
    assert page == write_report(*runs, to=tmp_path / "again.html").read_text()


@pytest.mark.parametrize("n", [2, 3])
def test_the_page_has_plots_of_wins(systems: Systems, tmp_path: Path, n: int) -> None:
    pytest.importorskip("vl_convert")
    runs = systems(n=30, a=1.0, b=0.0, c=-1.0)[:n]
    ask(runs, Oracle())
    page = write_report(*runs, to=tmp_path / "page.html").read_text()
    assert 'id="plot-wins"' in page
    assert ('id="plot-win-pairs"' in page) == (n == 3)


def test_verify_checks_ledgers_of_preferences(systems: Systems) -> None:
    from evalharness import verify

    runs = systems(n=10, a=1.0, b=0.0)
    ask(runs, Oracle())
    (ledger,) = Path("results/store/preferences").glob("*.jsonl")
    assert verify("results").good
    ledger.write_text(ledger.read_text().replace('"first":1.0', '"first":0.0', 1))
    assert not verify("results").good


def test_runs_in_another_order_of_articles_are_compared_by_article(systems: Systems) -> None:
    systems(n=20, a=1.0, b=0.0)
    lines = Path("b.jsonl").read_text().splitlines()
    Path("b.jsonl").write_text("\n".join(reversed(lines)) + "\n")
    runs = score_files(["a.jsonl", "b.jsonl"], metrics=[], checks=["lexical"], overwrite=True)
    judge = Oracle()
    ask(runs, judge)
    for two in judge.asked:
        numbers = {text.split()[1] for text in (two.first, two.second)}
        assert numbers == {two.article.id}
    assert TIE == 0.5


# The judge itself, behind a server and as a checkpoint.

CHECKPOINT = Path(__file__).parents[1] / "configs" / "quickstart" / "lead1-llama"


def better_by(position: float = 0.0, length: float = 0.0) -> Callable[[Any], Any]:
    """Return how a server answers that reads the qualities in the prompt, with planted biases."""

    def reply(body: Any) -> Any:
        said = body["messages"][-1]["content"]
        one, other = said.partition("Summary A:\n")[2].split("\n\nSummary B:\n")
        other = other.partition("\n\n")[0]
        pull = quality_of(one) - quality_of(other) + position
        pull += length * math.log2(len(one.split()) / len(other.split()))
        drawn = random.Random(said).random()
        first = drawn < 1 / (1 + math.exp(-pull))
        return first_token(**({"A": -0.1, "B": -3.0} if first else {"A": -3.0, "B": -0.1}))

    return reply


def judge_file(url: str, **more: Any) -> str:
    options = {"endpoint": {"url": url, "model": "stub-9b", "tries": 8}, **more}
    Path("judge.yaml").write_text(json.dumps(options))
    return "judge.yaml"


def test_compare_asks_a_server_once_and_prints_what_it_prefers(
    systems: Systems, command: Callable[..., Any]
) -> None:
    systems(n=40, a=1.5, b=0.0)
    with serving(better_by(position=0.7)) as server:
        done = command("compare", "a.jsonl", "b.jsonl", "--judge", judge_file(server.url))
        assert done.returncode == 0, done.stderr
        assert sum(server.answered.values()) == 80
        again = command("compare", "b.jsonl", "a.jsonl", "--judge", judge_file(server.url))
        assert sum(server.answered.values()) == 80
        assert set(server.answered.values()) == {1}
        other = judge_file(server.url, criteria=["relevance"])
        assert command("compare", "a.jsonl", "b.jsonl", "--judge", other).returncode == 0
        assert sum(server.answered.values()) == 160
    assert "a was preferred to b in" in done.stdout
    assert "stub-9b was asked 80 questions" in done.stdout
    assert "Position bias" in done.stdout
    assert "Length bias" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "|" not in line]  # but for signatures
    assert max(map(len, lines)) <= 80
    page = Path(next(Path("results").rglob("a-vs-b.html"))).read_text()
    assert 'id="preferences"' in page
    assert again.returncode == 0


def test_a_config_lists_judges_that_are_asked_when_its_runs_are_there(
    systems: Systems, command: Callable[..., Any]
) -> None:
    text = "The {0} rose at {1}. A {0} fell in {1}. No {0} was seen near {1}. Then {1} slept."
    articles = [{"id": str(n), "article": text.format(w, n)} for n, w in enumerate(WORDS)]
    Path("articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in articles))
    with serving(lambda body: first_token(A=-0.1, B=-3.0)) as server:
        judge = {"name": "judge", "endpoint": {"url": server.url, "model": "stub-9b"}, "pairs": 10}
        config = {
            "name": "pairwise",
            "data": {"name": "files", "path": "articles.jsonl"},
            "models": [{"name": "lead", "sentences": 1}, {"name": "random", "sentences": 1}],
            "metrics": [],
            "judges": [judge],
        }
        Path("config.yaml").write_text(json.dumps(config))
        done = command("run", "config.yaml")
        assert done.returncode == 0, done.stderr
        n = sum(server.answered.values())
        assert 0 < n <= 20
        assert command("run", "config.yaml").returncode == 0
        assert sum(server.answered.values()) == n
    assert 'id="preferences"' in Path("results/pairwise/report.html").read_text()
    told = command("compare", "results/pairwise", "--json")
    assert json.loads(told.stdout)["preferences"][0]["judge"] == "stub-9b"


def test_plan_estimates_what_a_judge_is_asked(systems: Systems) -> None:
    from evalharness.runner.plan import plan

    rows = [{"id": str(n), "article": f"It rained on day {n}. " * 20} for n in range(10)]
    Path("articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    server = {"url": "http://127.0.0.1:9/v1", "model": "stub", "price_in": 1.0, "price_out": 2.0}
    judge = {"name": "judge", "endpoint": server}
    config: dict[str, Any] = {
        "data": {"name": "files", "path": "articles.jsonl"},
        "models": ["lead", "random", "textrank"],
        "metrics": [],
    }
    whole = plan(config | {"judges": [judge]}).asked["judge"]
    assert whole.requests == 10 * 3 * 2
    assert whole.usd is not None
    few = plan(config | {"judges": [judge | {"pairs": 5}]}).asked["judge"]
    assert few.requests == 10
    assert few.tokens_in == pytest.approx(whole.tokens_in / 6, abs=2)


@pytest.mark.parametrize(
    ("place", "judge", "why"),
    [
        ("checks", {"protocol": "pairwise"}, "name it under `judges`"),
        ("judges", {"protocol": "minicheck"}, "compares no summaries; protocol: pairwise does"),
        ("judges", {"claims": "sentences"}, "claims: is not for `protocol: pairwise`"),
        ("judges", {"criteria": ["coverage"]}, "pairwise takes one of consistency"),
        ("judges", {"prompt": "{article} {summary}"}, "must have {other} in it once"),
        ("judges", {"pairs": 0}, "pairs"),
        ("judges", {"nonsense": 1}, "nonsense"),
    ],
)
def test_what_a_judge_cannot_do_is_said_before_any_work(
    systems: Systems, command: Callable[..., Any], place: str, judge: dict[str, Any], why: str
) -> None:
    Path("articles.jsonl").write_text(json.dumps({"article": "It rained."}) + "\n")
    server = {"name": "judge", "endpoint": {"url": "http://127.0.0.1:9/v1", "model": "m"}}
    config = {"data": {"name": "files", "path": "articles.jsonl"}, "model": "lead", "metrics": []}
    Path("config.yaml").write_text(json.dumps({**config, place: [server | judge]}))
    done = command("run", "config.yaml")
    assert done.returncode == 2
    assert why in done.stderr
    assert "config.yaml" in done.stderr
    assert not Path("results").exists()


def test_faults_of_a_server_lose_no_answer_and_ask_none_twice(
    systems: Systems, command: Callable[..., Any]
) -> None:
    systems(n=50, a=0.5, b=0.0)
    chance = random.Random(0)

    def faults(said: str, n: int) -> str:
        return "503" if n == 1 and chance.random() < 0.2 else ""

    with serving(better_by(), faults) as server:
        done = command("compare", "a.jsonl", "b.jsonl", "--judge", judge_file(server.url))
        assert done.returncode == 0, done.stderr
        assert set(server.answered.values()) == {1}
        assert len(server.answered) == 100
        assert sum(server.tries.values()) > 105
    ledger = next(Path("results/store/preferences").glob("*.jsonl")).read_text().splitlines()
    records = [json.loads(line)["record"] for line in ledger[1:]]
    assert sum(record["tokens_in"] for record in records) == 100 * 7


def test_answers_that_name_neither_summary_are_counted(
    systems: Systems, command: Callable[..., Any]
) -> None:
    systems(n=10, a=0.5, b=0.0)
    with serving(lambda body: first_token(The=-0.01, A=-9.0)) as server:
        done = command("compare", "a.jsonl", "b.jsonl", "--judge", judge_file(server.url))
    assert "20 of 20 answers name neither summary: no preference" in done.stdout
    assert "stub-9b gave no pair of summaries an answer in both orders." in done.stdout


@pytest.mark.parametrize(
    ("by", "text"), [("text", "B"), ("json", '{"reason": "It is shorter.", "answer": "B"}')]
)
def test_answers_may_be_words_or_json_with_a_reason(systems: Systems, by: str, text: str) -> None:
    runs = systems(n=5, a=0.5, b=0.0)
    with serving(lambda body: completion(text)) as server:
        options = {"endpoint": {"url": server.url, "model": "stub"}, "by": by}
        found = compare(*runs, judge=options).preferences[0]
    assert (found.pairs[0].ties, found.first_shown.share) == (5, 0.0)
    ledger = next(Path("results/store/preferences").glob("*.jsonl")).read_text()
    assert ("It is shorter." in ledger) == (by == "json")


def test_summaries_in_memory_are_compared_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalharness import score

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    articles = [f"It rained on day {n}." for n in range(4)]
    texts = {name: [f"{name} {n} quality=1" for n in range(4)] for name in ("a", "b")}
    with serving(lambda body: first_token(A=-0.1, B=-3.0)) as server:
        scored = score(texts, articles=articles)
        judge = {"endpoint": {"url": server.url, "model": "stub"}}
        (found,) = scored.compare(judge=judge).preferences
        assert sum(server.answered.values()) == 8
    assert found.pairs[0].ties == 4
    assert [each.name for each in tmp_path.iterdir() if each.name == "store"] == []


def test_the_prompt_has_the_article_first_and_both_summaries_in_their_order(
    systems: Systems,
) -> None:
    runs = systems(n=2, a=0.5, b=0.0)
    with serving(better_by()) as server:
        compare(*runs, judge={"endpoint": {"url": server.url, "model": "stub"}})
        said = [body["messages"][-1]["content"] for body in server.bodies]
    for prompt in said:
        places = [prompt.index(part) for part in ("Article:", "Summary A:", "Summary B:")]
        assert places == sorted(places)
    assert len(set(said)) == 4


def test_a_checkpoint_is_a_judge(systems: Systems) -> None:
    pytest.importorskip("transformers")
    runs = systems(n=6, a=0.5, b=0.0)
    options = {"model": str(CHECKPOINT), "least_mass": 0.0}
    (found,) = compare(*runs, judge=options).preferences
    assert found.judge == "lead1-llama"
    assert found.answers == 12
    assert found.out_of_form == 0
    assert compare(*runs).preferences == (found,)


def test_show_says_which_summary_is_preferred(
    systems: Systems, command: Callable[..., Any]
) -> None:
    runs = systems(n=3, same=1, a=9.0, b=0.0)
    ask(runs, Oracle(noise=False))
    folders = [run.folder for run in runs]
    assert "oracle prefers  a over b" in command("show", *folders, "2").stdout
    tie = command("show", *folders, "0").stdout
    assert "a tie (both summaries have the same words)" in " ".join(tie.split())
    shown = json.loads(command("show", *folders, "2", "--json").stdout)
    assert shown["preferences"][0]["preferred"] == "a"


def test_texts_are_read_for_preferences_only_where_a_judge_saw_two_of_the_runs(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = systems(n=6, a=1.0, b=0.0, c=0.5, d=0.2)
    ask(runs[:2], Oracle())
    (asked,) = compare(*runs[:2], metrics="lexical").preferences
    assert asked.answers == 12
    for some in (runs[2:], runs[1:3]):
        with monkeypatch.context() as patched:
            patched.setattr(Run, "sample_reader", _read_nothing)
            assert compare(*some, metrics="lexical").preferences == ()
    ask(runs[1:3], Oracle())
    assert len(compare(*runs[1:3], metrics="lexical").preferences) == 1
    assert len(compare(*runs[:3], metrics="lexical").preferences[0].pairs) == 3


def _read_nothing(run: Run) -> Any:
    raise AssertionError(f"the texts of {run.name} are read")


def test_ledgers_of_which_nobody_noted_the_systems_are_looked_into(systems: Systems) -> None:
    runs = systems(n=6, a=1.0, b=0.0, c=0.5)
    ask(runs[:2], Oracle())
    (note,) = Path("results/store/preferences").glob("*.systems.json")
    for damage in ("", "[1]", "{}", None):
        note.write_text(damage) if damage is not None else note.unlink()
        assert len(preferences_of(share(runs[:2]))) == 1
        ask(runs[1:], Oracle())
        assert len(preferences_of(share(runs[:2]))) == 1  # and not only those of the second asking
