"""The gate: its verdicts, its rules, its limits, and that it does not cry wolf."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalharness
from evalharness import gate
from evalharness.comparison import margins as comparison_margins
from evalharness.comparison.new_errors import KnownFlags
from evalharness.errors import ConfigError
from evalharness.records import Summary
from evalharness.stats import blockwise, multiplicity, paired
from evalharness.stats.intervals import Values

MakeRun = Callable[..., Path]
ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(8)
BASE: Values = RNG.beta(5, 5, 80)
NOISE: Values = RNG.normal(0, 0.03, 80)
# As many as it takes to rule out, for a margin of 0.01, that all is lost on articles not seen.
MANY: Values = RNG.beta(5, 5, 400)
MANY_NOISE: Values = RNG.normal(0, 0.067, 400)


def _moved(by: float) -> list[float]:
    """Return the baseline's scores, moved by so much in the mean, with noise."""
    moved: list[float] = (BASE + NOISE - NOISE.mean() + by).tolist()
    return moved


def _verdicts(found: Any) -> dict[str, str]:
    return {each.name: each.verdict for each in found.outcomes}


# verdicts


@pytest.mark.parametrize(
    ("moved", "margin", "verdict", "code"),
    [
        (0.0, 0.01, "pass", 0),
        (0.1, 0.0, "pass", 0),
        (-0.002, 0.02, "pass", 0),
        (-0.05, 0.01, "regression", 1),
        (-0.02, 0.01, "regression", 1),
        (0.0, 0.001, "inconclusive", 3),
        (-0.004, 0.004, "inconclusive", 3),
        # A loss beyond chance that is shown to lie within the margin is what the margin is for.
        (-0.02, 0.05, "pass", 0),
    ],
)
def test_verdict_follows_loss_and_margin(
    moved: float, margin: float, verdict: str, code: int, make_run: MakeRun
) -> None:
    candidate = MANY + MANY_NOISE - MANY_NOISE.mean() + moved
    found = gate(
        make_run("a", {"m": MANY.tolist()}),
        make_run("b", {"m": candidate.tolist()}),
        {"metrics": {"m": margin}},
    )
    assert (found.verdict, found.exit_code) == (verdict, code)
    outcome = found.outcomes[0]
    assert outcome.difference == pytest.approx(moved, abs=1e-9)
    assert outcome.low is not None
    assert outcome.high is not None
    assert outcome.low <= moved <= outcome.high


def test_figures_are_shown_times_100_as_in_all_tables(make_run: MakeRun) -> None:
    from evalharness.report.gate import gate_junit, gate_markdown, gate_notes

    found = gate(
        make_run("a", {"m": BASE.tolist()}),
        make_run("b", {"m": _moved(-0.05)}),
        {
            "metrics": {"m": {"margin": 0.01, "floor": 0.2}},
            "limits": {"answered": {"at_least": 0.9}},
        },
    )
    first, floor, limit = found.outcomes
    mean, moved = (float(np.mean(values)) for values in (BASE, _moved(-0.05)))
    assert first.message == (
        f"mean {moved * 100:.2f}, 5.00 below the baseline's: "
        "a significant loss, not shown to be within the margin of 1.00"
    )
    assert floor.message == f"mean {moved * 100:.2f}; at least 20.00 is required"
    assert limit.message == "100% (baseline 100%)"
    assert found.record()["outcomes"][0]["candidate"] == pytest.approx(moved)
    row = f"| {mean * 100:.2f} | {moved * 100:.2f} | -5.00 | 1.00 |"
    assert row in gate_markdown(found)
    said = next(gate_notes(found))
    assert "times 100" in said
    assert f"{len(BASE)} articles. If nothing got worse" in said
    assert "(1 one-sided paired randomization test, Holm" in said
    worst = first.worst[0]
    assert f"{worst.id} {worst.baseline * 100:.2f} -&gt; " in gate_junit(found)


def test_relative_margin_is_a_share_of_the_baseline(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": _moved(-0.03)})
    found = gate(*runs, {"metrics": {"m": {"relative": 0.2}}})
    assert found.verdict == "pass"
    assert found.outcomes[0].margin == pytest.approx(0.2 * BASE.mean())
    assert gate(*runs, {"metrics": {"m": {"relative": 0.01}}}).verdict == "regression"


def test_relative_margin_of_scores_below_0_tolerates_a_loss(make_run: MakeRun) -> None:
    worse = [value - 1 for value in _moved(-0.03)]
    runs = make_run("a", {"ter": (BASE - 1).tolist()}), make_run("b", {"ter": worse})
    found = gate(*runs, {"metrics": {"ter": {"relative": 0.2}}})
    assert found.verdict == "pass"
    assert found.outcomes[0].margin == pytest.approx(0.2 * (1 - BASE.mean()))


def test_identical_runs_pass_by_the_rules_by_default(make_run: MakeRun) -> None:
    same = _summaries(80)
    found = gate(
        make_run("a", {"m": BASE.tolist()}, summaries=same),
        make_run("b", {"m": BASE.tolist()}, summaries=same),
    )
    assert _verdicts(found) == {"m": "pass", "answered": "pass"}


def test_run_against_itself_passes_however_few_its_articles(make_run: MakeRun) -> None:
    run = make_run("a", {"m": BASE[:24].tolist(), "none": [None] * 24})
    found = gate(run, run)
    assert _verdicts(found) == {"m": "pass", "none": "not-measured", "answered": "pass"}
    assert "the same summaries, word for word" in found.outcomes[0].message


def test_equal_scores_of_different_texts_need_as_many_articles_as_the_margin_asks(
    make_run: MakeRun,
) -> None:
    few = make_run("a", {"m": [1.0] * 40}), make_run("b", {"m": [1.0] * 40})
    found = gate(*few)
    assert found.verdict == "inconclusive"
    assert found.outcomes[0].needed == 299  # the rule of three: 0.99 ** 299 is below .05
    assert "about 299 articles like these would pass" in found.outcomes[0].message
    assert gate(make_run("c", {"m": [1.0] * 320}), make_run("d", {"m": [1.0] * 320})).exit_code == 0


def test_one_text_that_differs_is_not_the_same_run(make_run: MakeRun) -> None:
    ours = _summaries(40)
    theirs = _summaries(40, a7=Summary("a7", "Nine words of a summary."))
    run = make_run("a", {"m": [1.0] * 40}, summaries=ours)
    assert gate(run, make_run("b", {"m": [1.0] * 40}, summaries=ours)).verdict == "pass"
    assert gate(run, make_run("c", {"m": [1.0] * 40}, summaries=theirs)).verdict == "inconclusive"


def test_too_few_articles_never_pass_but_may_well_show_a_loss(make_run: MakeRun) -> None:
    few, worse = BASE[:12].tolist(), (BASE[:12] - 0.2).tolist()
    a, same, b = make_run("a", {"m": few}), make_run("s", {"m": few}), make_run("b", {"m": worse})
    assert gate(a, same, {"metrics": {"m": 0.9}}).verdict == "inconclusive"
    assert (
        "on 12 articles; to pass takes 30 or more (minimum_n)" in gate(a, same).outcomes[0].message
    )
    assert gate(a, b).verdict == "regression"


def test_check_without_any_value_is_listed_and_stops_nothing(make_run: MakeRun) -> None:
    scores = {"m": BASE.tolist(), "none": [None] * 80}
    worse = {"m": (BASE - 0.2).tolist(), "none": [None] * 80}
    base, better = make_run("a", scores), make_run("b", {**scores, "m": (BASE + 0.2).tolist()})
    found = gate(base, better)
    assert found.verdict == "pass"
    assert _verdicts(found) == {"m": "pass", "none": "not-measured", "answered": "pass"}
    assert found.tests == 1
    assert found.outcomes[0].p_worse == found.outcomes[0].p_worse_holm  # a family of one
    found = gate(base, make_run("c", worse))
    assert found.outcomes[0].p_worse == found.outcomes[0].p_worse_holm
    floor = gate(base, better, {"metrics": {"m": 0.01, "none": {"margin": 0.1, "floor": 0.9}}})
    assert _verdicts(floor) == {"m": "pass", "none": "not-measured", "answered": "pass"}


def test_value_that_the_candidate_alone_lacks_is_no_pass(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": [None] * 80})
    assert gate(*runs).verdict == "inconclusive"


def test_worst_articles_are_listed_from_the_greatest_fall(make_run: MakeRun) -> None:
    fallen = BASE.copy()
    fallen[[5, 9]] -= [0.2, 0.4]
    found = gate(make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": fallen.tolist()}))
    assert [each.id for each in found.outcomes[0].worst] == ["a9", "a5"]


def test_candidate_that_leaves_scores_out_does_not_pass(make_run: MakeRun) -> None:
    holes = [None if i % 4 == 0 else float(value) for i, value in enumerate(BASE)]
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": holes})
    found = gate(*runs, {"metrics": {"m": 0.01}})
    assert found.verdict == "inconclusive"
    assert "only 60 of 80 articles" in found.outcomes[0].message
    assert gate(*runs, {"metrics": {"m": 0.05}, "coverage": 0.7}).verdict == "pass"


def test_candidate_without_some_articles_could_not_run(make_run: MakeRun) -> None:
    ids = [f"a{i}" for i in range(80)]
    fewer = make_run("b", {"m": BASE[:70].tolist()}, ids=ids[:70])
    whole = make_run("a", {"m": BASE.tolist()})
    found = gate(whole, fewer)
    assert found.verdict == "could-not-run"
    assert "has 70 of the baseline's 80 articles, and 100% are needed; " in found.reason
    assert found.reason.endswith("or let fewer do: shared: 0.87 in the rules")
    found = gate(whole, fewer, {"shared": 0.8, "metrics": {"m": 0.05}})
    assert found.verdict == "pass"
    assert found.left_out == {"baseline": 10}


def test_metric_that_the_candidate_lacks_could_not_run(make_run: MakeRun) -> None:
    runs = (
        make_run("a", {"m": BASE.tolist(), "k": BASE.tolist()}),
        make_run("b", {"m": BASE.tolist()}),
    )
    found = gate(*runs, {"metrics": {"k": 0.01}})
    assert found.verdict == "could-not-run"
    assert "no metric 'k'" in found.reason
    assert gate(*runs, {"metrics": {}, "limits": {"k.flagged": {"rise": 0}}}).exit_code == 4


def test_runs_of_other_data_or_other_metrics_could_not_run(make_run: MakeRun) -> None:
    ours = make_run("a", {"m": BASE.tolist()})
    other = make_run("b", {"m": BASE.tolist()}, texts=["Other."] * 80)
    assert "has another article" in gate(ours, other).reason
    changed = make_run("c", {"m": BASE.tolist()}, signature="|version:2")
    assert "scores of two versions are not compared" in gate(ours, changed).reason
    stemmed = make_run("d", {"m": BASE.tolist()}, signature="|stemmer:yes|version:1")
    assert "not the same metric" in gate(ours, stemmed).reason
    assert gate(ours, changed).exit_code == gate(ours, other).exit_code == 4


def test_folders_of_runs_are_paired_by_name(make_run: MakeRun, tmp_path: Path) -> None:
    for name in ("x", "y"):
        make_run(name, {"m": BASE.tolist()}, folder=tmp_path / "old")
    make_run("x", {"m": BASE.tolist()}, folder=tmp_path / "new")
    missing = gate(tmp_path / "old", tmp_path / "new")
    assert missing.verdict == "could-not-run"
    assert "'y' is not among its runs" in missing.reason
    make_run("y", {"m": _moved(-0.1)}, folder=tmp_path / "new")
    found = gate(tmp_path / "old", tmp_path / "new")
    assert _verdicts(found) == {
        "m (x)": "pass", "m (y)": "regression", "answered (x)": "pass", "answered (y)": "pass",
    }  # fmt: skip


# floors, limits, slices


def test_floor_that_a_mean_has_but_for_the_noise_of_floats_holds(make_run: MakeRun) -> None:
    run = make_run("a", {"m": [0.7, 0.1]})  # whose mean is 0.39999999999999997
    found = gate(run, run, {"metrics": {"m": {"floor": 0.4}}})
    assert [outcome.verdict for outcome in found.outcomes if outcome.kind == "floor"] == ["pass"]


def test_floor_holds_for_the_candidates_mean(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": BASE.tolist()})
    rules: dict[str, Any] = {"metrics": {"m": {"floor": float(BASE.mean()) - 0.01}}}
    assert gate(*runs, rules).verdict == "pass"
    rules["metrics"]["m"]["floor"] += 0.02
    assert gate(*runs, rules).verdict == "regression"


def _summaries(n: int, **changed: Summary) -> list[Summary]:
    return [changed.get(f"a{i}", Summary(f"a{i}", "Five words of a summary.")) for i in range(n)]


def test_limits_hold_for_figures_as_they_are(make_run: MakeRun) -> None:
    n = 80
    same = BASE.tolist()
    flags = [{"start": 0, "end": 4, "kind": "number", "message": "", "evidence": []}]
    flagged = [{"value": v, "flags": flags} if i < 8 else v for i, v in enumerate(same)]
    new_wording = [{**flags[0], "kind": "unsupported"}]
    flagged[9] = {"value": same[9], "flags": new_wording}
    candidate = make_run(
        "b", {"m": flagged},
        summaries=_summaries(
            n, a1=Summary("a1", "", finish="error", note="no memory"), a2=Summary("a2", " " * 3),
            a3=Summary("a3", "Long " * 85), a4=Summary("a4", "Cut.", read=3, tokens_in=2),
        ),
        defects={"a2": ["empty"], "a5": ["looping"], "a6": ["refusal"]},
    )  # fmt: skip
    base = make_run("a", {"m": same}, summaries=_summaries(n))

    def verdict(name: str, **limit: float) -> tuple[str, Any]:
        found = gate(base, candidate, {"metrics": {}, "limits": {name: limit}})
        return found.verdict, found.outcomes[0].candidate

    assert verdict("answered", at_least=77 / 80) == ("pass", 77 / 80)
    assert verdict("answered", drop=0.03)[0] == "regression"
    assert verdict("m.flagged", rise=0.12) == ("pass", 9 / 80)
    assert verdict("m.likely_errors", rise=0.1) == ("pass", 0.1)
    assert verdict("m.likely_errors", at_most=0.09)[0] == "regression"
    assert verdict("truncated", at_most=0)[0] == "regression"
    assert verdict("looping", rise=1 / 80) == ("pass", 1 / 80)
    words = (5 * 76 + 85 + 1) / 79  # the one that failed has no length
    assert verdict("words", rise=2) == ("pass", pytest.approx(words))
    assert verdict("words", rise=0.5)[0] == "regression"
    assert verdict("m.scored", drop=0) == ("pass", 1.0)


def test_slices_are_judged_by_themselves(make_run: MakeRun) -> None:
    sources = ["cnn" if i < 40 else "xsum" for i in range(80)]
    worse = [b - 0.1 if i < 40 else b + 0.12 for i, b in enumerate(_moved(0))]
    ours = make_run("a", {"m": BASE.tolist()}, sources=sources)
    theirs = make_run("b", {"m": worse}, sources=sources)
    rules = {"metrics": {"m": 0.05}, "slices": [{"by": "source", "metrics": {"m": 0.05}}]}
    assert _verdicts(gate(ours, theirs, rules)) == {
        "m": "pass", "m (source=cnn)": "regression", "m (source=xsum)": "pass", "answered": "pass",
    }  # fmt: skip


def test_slice_of_articles_without_a_source_has_a_name(make_run: MakeRun) -> None:
    run = make_run("a", {"m": BASE.tolist()})
    rules = {"minimum_n": 1, "slices": [{"by": "source", "metrics": {"m": 0.5}}]}
    parts = [each.part for each in gate(run, run, rules).outcomes if each.part]
    assert parts == ["source=(none)"]


def test_length_buckets_hold_each_article_once(make_run: MakeRun) -> None:
    texts = ["word " * (i + 1) for i in range(80)]
    run = make_run("a", {"m": BASE.tolist()}, texts=texts)
    rules = {"minimum_n": 1, "slices": [{"by": "article_words", "bounds": [31, 61, 500],
             "metrics": {"m": 0.5}}]}  # fmt: skip
    parts = {each.part: each.n for each in gate(run, run, rules).outcomes if each.part}
    assert parts == {
        "article_words<31": 30, "31<=article_words<61": 30, "61<=article_words<500": 20,
    }  # fmt: skip


def test_terminal_says_which_bound_a_line_is_of(make_run: MakeRun) -> None:
    import io

    from evalharness.report.gate import show_gate

    runs = make_run("a", {"m": BASE.tolist()[:4]}), make_run("b", {"m": _moved(-0.05)[:4]})
    rules = {
        "minimum_n": 1,
        "metrics": {"m": {"margin": 0.02, "floor": 0.9}},
        "limits": {"answered": {"drop": 0.02}, "words": {"at_least": 100}},
    }
    out = io.StringIO()
    show_gate(gate(*runs, rules), out)
    text = " ".join(out.getvalue().split())

    assert " m, margin: mean " in text
    assert "; 4 articles show only that the loss is at most " in text
    assert " m, floor: mean " in text
    assert " answered: 100% (baseline 100%)" in text
    assert "; at least 100 is required" in text
    assert "a margin of 0.02 in the rules is 2.00 here" in text


# rules


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("levl: 0.05\n", "gate.yaml:1:1: levl: unknown key; did you mean level?"),
        ("level: 2\n", "gate.yaml:1:1: level: should be less than 0.5, not 2"),
        ("metrics: {m: -1}\n", "metrics.m"),
        ("metrics: {m: {margin: 0.1, relative: 0.1}}\n", "a margin or a relative margin, not both"),
        ("metrics: {m: {}}\n", "give a margin, a relative margin or a floor"),
        ("metrics: {m: .nan}\n", "metrics.m"),
        ("metrics: {k: 0.1}\n", "gate.yaml: no metric 'k'"),
        ("metrics: [m]\n", "metrics: should be a mapping"),
        (
            "metrics: {m: 2%}\n",
            "metrics.m: should be a number such as 0.02, or a mapping such as "
            "{relative: 0.02}, not '2%'",
        ),
        ("limits: {answerd: {drop: 0}}\n", "no figure 'answerd'; did you mean answered?"),
        ("limits: {answered: {}}\n", "give at_least, at_most, drop or rise"),
        ("slices: [{by: length}]\n", "slices.0.by"),
        ("slices: [{by: article_words, metrics: {m: 1}}]\n", "needs bounds"),
        ("slices: [{by: article_words, bounds: [5, 2], metrics: {m: 1}}]\n", "bounds must rise"),
        ("metrics: {m: 0.1\n", "gate.yaml:"),
        ("metrics: {m: 0.1, m: 0.2}\n", "twice"),
    ],
)
def test_wrong_rules_are_one_line_with_the_place(
    rules: str, said: str, make_run: MakeRun, tmp_path: Path
) -> None:
    (tmp_path / "gate.yaml").write_text(rules)
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": BASE.tolist()})
    with pytest.raises(ConfigError) as error:
        gate(*runs, tmp_path / "gate.yaml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a run that has ROUGE and a check, one summary of three in error."""
    monkeypatch.chdir(tmp_path)
    row = {"article": "The bridge opened in 1932 and closed on Monday.", "reference": "It closed."}
    texts = ["The bridge opened in 1932.", "The bridge closed on Monday.", "It opened in 1923."]
    rows = [{**row, "id": str(n), "summary": text} for n, text in enumerate(texts)]
    Path("a.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    (run,) = evalharness.score_files(["a.jsonl"])
    return run.folder


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"metrics": {"rougel": 0.01}}, "no metric 'rougel'; did you mean rouge.rougeL?"),
        (
            {"limits": {"likely_errors": {"rise": 0.1}}},
            "no figure 'likely_errors'; did you mean lexical.likely_errors?",
        ),
        (
            {"metrics": {"rouge.rouge1": 2}},
            "a margin of 2 lets everything pass, as scores go from 0 to 1; tables show them times "
            "100: for 2 points there, write 0.02",
        ),
    ],
)
def test_rules_that_cannot_be_meant_are_refused_with_what_is(
    rules: dict[str, Any], said: str, scored: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        gate(scored, scored, rules)
    assert said in str(error.value)


def test_limit_on_likely_errors_is_a_sentence(scored: Path) -> None:
    rules = {"metrics": {}, "limits": {"lexical.likely_errors": {"at_most": 0.1}}}

    (outcome,) = gate(scored, scored, rules).outcomes

    assert outcome.message == (
        "33.33% of the summaries have a likely error (baseline 33.33%); at most 10% is allowed "
        "(--no-new-errors names those that are new)"
    )


def test_rules_that_are_not_there_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("a", {"m": BASE.tolist()})
    with pytest.raises(ConfigError):
        gate(run, run, tmp_path / "none.yaml")


def test_rules_that_ask_for_nothing_do_not_pass(make_run: MakeRun) -> None:
    run = make_run("a", {"m": BASE.tolist()})
    assert gate(run, run, {"metrics": {}, "limits": {}}).verdict == "could-not-run"


def test_committed_baseline_passes_against_itself_by_the_committed_rules() -> None:
    run = ROOT / "results" / "baseline" / "lead1-bart"
    assert gate(run, run, ROOT / "configs" / "gate.yaml").verdict == "pass"


def test_committed_baseline_is_of_the_articles_and_metrics_of_the_quickstart(
    tmp_path: Path,
) -> None:
    from evalharness import run

    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    [lead] = run(
        tmp_path / "configs" / "quickstart.yaml", ["models=null", "model=lead", "generation={}"],
        results=tmp_path / "results",
    )  # fmt: skip
    found = gate(ROOT / "results" / "baseline" / "lead1-bart", lead, ROOT / "configs" / "gate.yaml")
    assert found.verdict == "regression"  # three sentences are longer than one
    assert {each.rule: each.verdict for each in found.outcomes}["words"] == "regression"


# it does not cry wolf, and it barks


def _simulated(
    metrics: int, articles: int, comparisons: int, margin: float, lost: bool, noise: str = "normal"
) -> float:
    """Return the share of comparisons that end in a regression (of the first metric, if it lost).

    lost: whether the first metric loses just what is said to be detectable; otherwise the two are
        exchangeable.
    """
    rng = np.random.default_rng(2026)
    margins = [comparison_margins.Margin(margin)] * metrics
    called = 0
    for seed in range(comparisons):
        baseline, candidate = _pair_of_systems(rng, articles, metrics, noise)
        if lost:
            probe = comparison_margins.paired_tests(baseline, candidate, margins, 0.05, 100, seed)
            candidate[:, 0] -= comparison_margins.detectable(probe[0], 0.05, metrics) or 0.0
        tested = comparison_margins.paired_tests(baseline, candidate, margins, 0.05, 10_000, seed)
        adjusted = multiplicity.holm([each.p_worse for each in tested])
        verdicts = [
            comparison_margins.test_outcome(each, p, 0.05, 30)
            for each, p in zip(tested, adjusted, strict=True)
        ]
        called += "regression" in (verdicts[:1] if lost else verdicts)
    return called / comparisons


def _pair_of_systems(
    rng: np.random.Generator, articles: int, metrics: int, noise: str
) -> tuple[Values, Values]:
    """Draw two systems of equal worth: what is hard in an article is hard for both."""
    hard = rng.beta(2, 5, size=(articles, 1)) + rng.normal(0, 0.05, size=(articles, metrics))
    shared = rng.normal(0, 0.1, size=(2, articles, 1))  # metrics go together
    if noise == "normal":
        own = rng.normal(0, 0.1, size=(2, articles, metrics))
    else:  # skewed, as a check's score is that is nearly always 1
        own = -rng.exponential(0.1, size=(2, articles, metrics))
    both = hard + shared + own
    return both[0], both[1]


def _bound(share: float, n: int) -> float:
    """Return how far above its true share a count of n may lie by chance (95 %, one-sided)."""
    return share + 1.645 * float(np.sqrt(share * (1 - share) / n))


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "skewed"])
@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("metrics", [1, 10])
def test_false_alarms_are_no_more_than_the_level(metrics: int, margin: float, noise: str) -> None:
    n = 2000
    assert _simulated(metrics, 60, n, margin, lost=False, noise=noise) <= _bound(0.05, n)


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("metrics", [1, 10])
def test_detectable_loss_is_caught_in_80_of_100(metrics: int, margin: float) -> None:
    assert _simulated(metrics, 60, 1000, margin, lost=True) >= 0.8


def test_false_alarms_and_catches_in_a_small_simulation() -> None:
    assert _simulated(5, 60, 60, 0.0, lost=False) <= 0.15
    assert _simulated(5, 60, 60, 0.0, lost=True) >= 0.7


def test_rules_that_join_runs_are_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match=r"rules: join: the gate joins no runs: .*compare --join"):
        gate("no", "run", {"join": ["seed"]})


def test_loss_that_is_detectable_is_that_of_the_test_in_use() -> None:
    """A wide margin asked for 100 catches in 100: the bound of another test was counted."""
    rng, caught, trials = np.random.default_rng(11), 0, 120
    margins = [comparison_margins.Margin(0.1)]
    baseline = rng.normal(0.6, 0.1, size=(trials, 2, 30, 1))
    noise = rng.normal(0.0, 0.1, size=(trials, 2, 30, 1))
    probes = [
        comparison_margins.paired_tests(b[0], b[0] + e[0], margins, 0.05, 1000, n)[0]
        for n, (b, e) in enumerate(zip(baseline, noise, strict=True))
    ]
    loss = np.mean([comparison_margins.detectable(each, 0.05, 1) for each in probes])
    for n, (b, e) in enumerate(zip(baseline, noise, strict=True)):
        [each] = comparison_margins.paired_tests(b[1], b[1] + e[1] - loss, margins, 0.05, 1000, n)
        caught += comparison_margins.test_outcome(each, each.p_worse, 0.05, 30) == "regression"
    assert 0.75 <= caught / trials <= 0.96


def _share_of_passes(draw: Callable[[int], Values], margin: float, trials: int) -> float:
    """Return how often differences that are drawn, of a baseline of 1, are let pass."""
    passed = 0
    for seed in range(trials):
        differences = draw(seed)[:, np.newaxis]
        baseline = np.ones_like(differences)
        [tested] = comparison_margins.paired_tests(
            baseline, baseline + differences, [comparison_margins.Margin(margin)], 0.05, 1000, seed
        )
        passed += comparison_margins.test_outcome(tested, 1.0, 0.05, 30) == "pass"
    return passed / trials


@pytest.mark.parametrize("articles", [30, 50, 100])
def test_rare_total_losses_do_not_pass(articles: int) -> None:
    # 2 % of the articles fall from 1 to 0; sign flips passed 54, 32 and 12 of 100.
    def draw(seed: int) -> Values:
        fallen: Values = -(np.random.default_rng(seed).random(articles) < 0.02).astype(float)
        return fallen

    assert _share_of_passes(draw, 0.01, 100) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.05])
@pytest.mark.parametrize("articles", [100, 400])
def test_binary_losses_of_the_margin_pass_at_the_level(rate: float, articles: int) -> None:
    def draw(seed: int) -> Values:
        fallen: Values = -(np.random.default_rng(seed).random(articles) < rate).astype(float)
        return fallen

    assert _share_of_passes(draw, rate, 1000) <= _bound(0.05, 1000)


def _false_regressions(clusters: paired.Clusters | None, trials: int) -> float:
    """Return how often 20 groups of 10 articles, each with a shift of its own, are called worse."""
    called = 0
    for seed in range(trials):
        rng = np.random.default_rng([15, seed])
        baseline = rng.normal(0.3, 0.05, (200, 1))
        shifts = np.repeat(rng.normal(0, 0.1, (20, 1)), 10, axis=0)
        candidate = baseline + shifts + rng.normal(0, 0.05, (200, 1))
        [tested] = comparison_margins.paired_tests(
            baseline, candidate, [comparison_margins.Margin(0.01)], 0.05, 1000, seed, clusters
        )
        said = comparison_margins.test_outcome(tested, tested.p_worse, 0.05, 30)
        called += said == "regression"
    return called / trials


def test_articles_of_one_cluster_are_drawn_together() -> None:
    clusters = np.repeat(np.arange(20), 10).astype(np.intp)
    assert _false_regressions(None, 100) >= 0.15
    assert _false_regressions(clusters, 100) <= 0.1


@pytest.mark.slow
def test_false_regressions_of_clusters_are_no_more_than_the_level() -> None:
    clusters = np.repeat(np.arange(20), 10).astype(np.intp)
    assert _false_regressions(clusters, 2000) <= _bound(0.05, 2000)


@pytest.mark.parametrize("field", ["source", "day"])
def test_rules_name_the_field_of_the_clusters(field: str, make_run: MakeRun) -> None:
    groups = [f"g{i // 10}" for i in range(80)]
    shifts = np.repeat(np.random.default_rng(1).normal(-0.03, 0.06, 8), 10)
    given: dict[str, Any] = (
        {"sources": groups} if field == "source" else {"extra": [{"day": g} for g in groups]}
    )
    runs = (
        make_run("a", {"m": BASE.tolist()}, **given),
        make_run("b", {"m": (BASE + shifts).tolist()}, **given),
    )
    alone = gate(*runs, {"metrics": {"m": 0.01}})
    together = gate(*runs, {"metrics": {"m": 0.01}, "cluster": field})
    assert alone.verdict == "regression"
    assert together.verdict == "inconclusive"
    ours, theirs = alone.outcomes[0], together.outcomes[0]
    assert ours.difference == theirs.difference
    assert ours.high is not None
    assert theirs.high is not None
    assert theirs.high > ours.high
    assert theirs.p_worse == pytest.approx(_exact_flips(shifts[::10]), abs=0.02)


def _exact_flips(sums: Values) -> float:
    """Return the p-value of so low a sum over all flips of the signs."""
    signs = 1 - 2.0 * np.indices((2,) * len(sums)).reshape(len(sums), -1)
    return float(np.mean(sums @ signs <= sums.sum() + 1e-12))


def test_cluster_that_no_article_has_could_not_run(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE.tolist()}), make_run("b", {"m": BASE.tolist()})
    found = gate(*runs, {"cluster": "day"})
    assert found.verdict == "could-not-run"
    assert "no article has a field 'day'" in found.reason


def test_a_real_loss_larger_than_the_margin_hardly_ever_passes() -> None:
    # The other error: passing what lost just the margin, at the level for one metric.
    rng = np.random.default_rng(0)
    passed: Sequence[bool] = []
    for seed in range(200):
        baseline, candidate = _pair_of_systems(rng, 60, 1, "normal")
        tested = comparison_margins.paired_tests(
            baseline, candidate - 0.05, [comparison_margins.Margin(0.05)], 0.05, 1000, seed
        )
        passed = [*passed, comparison_margins.test_outcome(tested[0], 1.0, 0.05, 30) == "pass"]
    assert np.mean(passed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_record_is_json_all_through(make_run: MakeRun) -> None:
    found = gate(make_run("a", {"m": [None] * 40}), make_run("b", {"m": [None] * 40}))
    assert found.verdict == "inconclusive"
    assert json.loads(json.dumps(found.record(), allow_nan=False))["exit_code"] == 3


# new errors


def _flagged(*flags: tuple[str, int, int]) -> dict[str, Any]:
    found = [
        {"start": start, "end": end, "kind": kind, "message": "", "evidence": []}
        for kind, start, end in flags
    ]
    return {"value": 0.5, "flags": found}


def _runs_with_flags(make_run: MakeRun) -> tuple[Path, Path]:
    """Two runs of two articles: the candidate has one error of the baseline, and one more."""
    old, new = ("number", 0, 7), ("date", 11, 13)
    soft = ("unsupported", 0, 3)
    text = [Summary(key, f"Summary of {key}, here.") for key in ("a0", "a1")]
    before = make_run("a", {"m": [_flagged(old), _flagged()]}, summaries=text)
    after = make_run("b", {"m": [_flagged(old, new, soft), _flagged(soft)]}, summaries=text)
    return before, after


ONLY_LIMITS: dict[str, Any] = {"metrics": {}}


def test_new_error_that_nobody_judged_is_a_regression(make_run: MakeRun) -> None:
    runs = _runs_with_flags(make_run)
    assert gate(*runs, ONLY_LIMITS).verdict == "pass"
    found = gate(*runs, ONLY_LIMITS, known_flags=KnownFlags())
    assert found.verdict == "regression"
    assert found.outcomes[-1].message == (
        "1 of 2 likely errors are new (not in the baseline's summaries, and nobody has judged "
        "them): a0: 'a0' (date)"
    )
    assert gate(runs[0], runs[0], ONLY_LIMITS, known_flags=KnownFlags()).verdict == "pass"


def test_error_that_people_judged_is_not_new(make_run: MakeRun) -> None:
    runs = _runs_with_flags(make_run)
    known = KnownFlags(frozenset({("a0", "date", "a0")}))
    found = gate(*runs, ONLY_LIMITS, known_flags=known)
    assert found.verdict == "pass"
    assert found.outcomes[-1].message == ("none of 2 likely errors is new (1 judged by people)")
    elsewhere = KnownFlags(frozenset({("a1", "date", "a0"), ("a0", "number", "a0")}))
    assert gate(*runs, ONLY_LIMITS, known_flags=elsewhere).verdict == "regression"


def test_without_a_check_no_error_can_be_new(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": [0.1]}), make_run("b", {"m": [0.1]})
    found = gate(*runs, ONLY_LIMITS, known_flags=KnownFlags())
    assert (found.verdict, found.exit_code) == ("could-not-run", 4)
    assert "no check was run" in found.reason


def test_command_reads_known_flags(
    make_run: MakeRun, command: Callable[..., Any], tmp_path: Path
) -> None:
    runs = _runs_with_flags(make_run)
    (tmp_path / "rules.yaml").write_text("metrics: {}\n")
    given = ("gate", *runs, "--rules", tmp_path / "rules.yaml")
    assert command(*given).returncode == 0
    assert command(*given, "--no-new-errors").returncode == 1
    known = tmp_path / "labels.flags.jsonl"
    known.write_text('{"article_id": "a0", "kind": "date", "words": "a0", "verdict": "fine"}\n')
    done = command(*given, "--known-flags", known)
    assert (done.returncode, "1 judged by people" in done.stdout) == (0, True)
    known.write_text('\n{"article_id": "a0"}\n')
    done = command(*given, "--known-flags", known)
    assert done.returncode not in (0, 1)
    assert "labels.flags.jsonl:2: a judged flag has article_id, kind and words" in done.stderr


# more articles than are at hand at once


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few articles be too many to be at hand at once."""
    monkeypatch.setattr(blockwise, "AT_ONCE", 50)
    monkeypatch.setattr(blockwise, "BLOCK_ARTICLES", 64)


def _figures(found: Any) -> list[dict[str, Any]]:
    """Return what is no draw: an outcome without its bounds and p-values."""
    drawn = ("low", "high", "p_worse", "p_worse_holm", "p_tolerable", "message", "detectable")
    return [{k: v for k, v in o.record().items() if k not in drawn} for o in found.outcomes]


def _scores(seed: int, by: float) -> list[float | None]:
    rng = np.random.default_rng(seed)
    scores: list[float | None] = (MANY + rng.normal(by, 0.05, len(MANY))).tolist()
    scores[3] = scores[70 + seed] = None
    return scores


@pytest.mark.parametrize("order", ["same", "other", "fewer"])
def test_gate_of_blocks_says_what_it_says_of_all_at_once(
    order: str, make_run: MakeRun, request: pytest.FixtureRequest
) -> None:
    """Whatever the order of the candidate's articles, and where some are missing."""
    ids = [f"a{i}" for i in range(len(MANY))]
    kept = {"same": ids, "other": ids[::-1], "fewer": ids[:300]}[order]
    sources = [f"s{i % 3}" for i in range(len(MANY))]
    rows = [ids.index(each) for each in kept]
    worse, same = _scores(1, -0.03), _scores(2, 0.0)
    baseline = make_run("base", {"m": _scores(0, 0.0), "other": same}, sources=sources)
    candidate = make_run(
        "new", {"m": [worse[i] for i in rows], "other": [same[i] for i in rows]},
        ids=kept, sources=[sources[i] for i in rows],
    )  # fmt: skip
    rules = {
        "shared": 0.5,
        "metrics": {"m": {"relative": 0.01, "floor": 0.4}, "other": 0.01},
        "slices": [{"by": "source", "metrics": {"m": 0.2}, "limits": {"words": {"at_least": 1}}}],
    }
    at_once = gate(baseline, candidate, rules)
    request.getfixturevalue("small_blocks")
    in_blocks = gate(baseline, candidate, rules)
    assert in_blocks.verdict == at_once.verdict == "regression"
    for ours, theirs in zip(_figures(in_blocks), _figures(at_once), strict=True):
        assert ours == {k: pytest.approx(v) if _is_number(v) else v for k, v in theirs.items()}
    for block, whole in zip(in_blocks.outcomes, at_once.outcomes, strict=True):
        assert block.p_worse == pytest.approx(whole.p_worse, abs=0.03)
        assert block.low == pytest.approx(whole.low, abs=0.002)


@pytest.mark.parametrize("order", ["same", "other"])
@pytest.mark.parametrize("field", ["source", "day"])
def test_gate_of_blocks_draws_the_same_clusters(
    order: str, field: str, make_run: MakeRun, request: pytest.FixtureRequest
) -> None:
    """Also where some articles have no such field, and are clusters of their own."""
    ids = [f"a{i}" for i in range(len(MANY))]
    rows = list(range(len(MANY)))[:: {"same": 1, "other": -1}[order]]
    days = [f"d{i % 40}" if i % 9 else "" for i in range(len(MANY))]
    extra = [{"day": day} if day else {} for day in days]
    worse = _scores(1, -0.03)
    baseline = make_run("base", {"m": _scores(0, 0.0)}, sources=days, extra=extra)
    candidate = make_run(
        "new", {"m": [worse[i] for i in rows]}, ids=[ids[i] for i in rows],
        sources=[days[i] for i in rows], extra=[extra[i] for i in rows],
    )  # fmt: skip
    rules = {"metrics": {"m": {"relative": 0.01}}, "cluster": field}
    at_once = gate(baseline, candidate, rules)
    request.getfixturevalue("small_blocks")
    in_blocks = gate(baseline, candidate, rules)
    assert at_once.outcomes[0].kind == "margin"
    for ours, theirs in zip(in_blocks.outcomes, at_once.outcomes, strict=True):
        wanted = {k: pytest.approx(v) if _is_number(v) else v for k, v in theirs.record().items()}
        assert ours.record() == wanted


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def test_gate_of_blocks_passes_runs_with_the_same_summaries(
    small_blocks: None, make_run: MakeRun
) -> None:
    same = [Summary(f"a{i}", f"Summary {i}.") for i in range(len(MANY))]
    runs = [make_run(name, {"m": MANY.tolist()}, summaries=same) for name in ("base", "new")]
    [first, *_] = gate(*runs).outcomes
    assert first.verdict == "pass"
    assert "word for word" in first.message
