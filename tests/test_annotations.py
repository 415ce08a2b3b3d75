"""Answers of a study: read without loss, joined by the rule, and agreement as others compute it."""

import itertools
import json
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from evalharness.errors import DataError
from evalharness.meta.annotations import (
    AnnotationSet,
    flag_rows,
    item_id,
    label_rows,
    preference_rows,
    read_annotations,
    study_agreement,
)
from evalharness.meta.labels import read_labels
from evalharness.stats import raters
from evalharness.stats.intervals import Values

ARTICLE = "The mayor of Sabine said on Monday that 12 boats sank. Nobody was hurt."
SUMMARY = "The mayor said 13 boats sank."
Row = dict[str, Any]


def row(annotator: str, answer: Row, protocol: str = "flags", **more: Any) -> Row:
    pair = protocol == "pairs"
    return {
        "format": 1,
        "study": "s",
        "protocol": protocol,
        "item": "i1",
        "annotator": annotator,
        "complete": True,
        "seconds": 12.5,
        "article_id": "a1",
        "source": "news",
        "systems": ["bart", "lead"] if pair else ["bart"],
        "expected": "",
        "answer": answer,
        "article": ARTICLE,
        "references": ["Twelve boats sank."],
        "summaries": [SUMMARY, ARTICLE[:54]] if pair else [SUMMARY],
    } | more


def verdict(kind: str = "error", start: int = 15, end: int = 17) -> Row:
    return {"start": start, "end": end, "kind": "number", "message": "", "verdict": kind}


def flags(label: int | None, *verdicts: str) -> Row:
    return {"label": label, "verdicts": [verdict(each) for each in verdicts]}


def spans(*places: tuple[int, int, str, str]) -> Row:
    marks = [
        {"start": start, "end": end, "type": kind, "severity": severity, "evidence": []}
        for start, end, kind, severity in places
    ]
    return {"label": int(not marks), "spans": marks}


def ratings(**rated: int) -> Row:
    return {"ratings": rated}


def read(tmp_path: Path, *rows: Row | str) -> AnnotationSet:
    path = tmp_path / "labels-x.jsonl"
    lines = (each if isinstance(each, str) else json.dumps(each) for each in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_annotations([path])


# --- Every row is used or listed


def test_every_row_is_used_or_listed_with_its_reason(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", flags(0, "error")),
        row("ann", flags(1, "fine")),  # later, of the same item
        row("ben", flags(None, "unsure")),
        row("cem", flags(0, "error"), expected="wrong", item="i2"),
        row("dan", flags(0, "error"), complete=False),
        row("eve", {"label": 2, "verdicts": []}),
        row("fay", flags(0, "perhaps")),
        row("gus", {"label": 0, "verdicts": [verdict(end=99)]}),
        row("hal", ratings(relevance=6), "ratings"),
        row("ida", ratings(), "ratings"),
        row("jan", {"preferred": "c"}, "pairs"),
        row("kay", flags(0), protocol="essay"),
        row("leo", flags(0), systems=["a", "b"]),
        row("mia", flags(0), article=7),
        row("ned", spans((0, 3, "number", "huge")), "spans"),
        {"study": "s"},
        "no JSON",
        "[1]",
    )
    assert found.n == 18
    assert len(found.answers) + len(found.checks) + len(found.rejected) == found.n
    assert [each.annotator for each in found.answers] == ["ann", "ben"]
    assert found.answers[0].label is True
    reasons = {each.where.rpartition(":")[2]: each.reason for each in found.rejected}
    path = tmp_path / "labels-x.jsonl"
    assert reasons["1"] == f"answered again at {path}:2"
    assert reasons["5"] == "not answered to the end"
    assert "'label' should be 1" in reasons["6"]
    assert reasons["8"] == "the span 15-99 is not inside the summary (0-29)"
    assert reasons["9"] == "'relevance' should be rated 1 to 5, not 6"
    assert "no protocol 'essay'" in reasons["12"]
    assert reasons["16"] == "no field 'protocol'; the page of a study writes it"
    assert set(reasons) == {str(n) for n in (1, *range(5, 19))}


def test_file_without_a_usable_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of 1 rows can be used"):
        read(tmp_path, {"study": "s"})


# --- Several answers come to one


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 0, 1], 0), ([1, 1, 0], 1), ([0, 1], None), ([None, 1], 1), ([None], None)],
)
def test_label_is_what_more_than_half_say(
    tmp_path: Path, labels: list[int | None], expected: int | None
) -> None:
    rows = [row(f"a{n}", flags(label)) for n, label in enumerate(labels)]
    (joined,) = label_rows(read(tmp_path, *rows))
    assert joined["label"] == expected


def test_characters_that_more_than_half_marked_are_a_span(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", spans((15, 17, "number", "major")), "spans"),
        row("ben", spans((15, 23, "number", "minor")), "spans"),
        row("cem", spans(), "spans"),
    )
    (joined,) = label_rows(found)
    assert joined["label"] == 0
    assert joined["spans"] == [{"start": 15, "end": 17, "type": "number", "severity": "major"}]


def test_ratings_are_means_and_meta_reads_them(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", ratings(relevance=2, fluency=5), "ratings"),
        row("ben", ratings(relevance=3, fluency=5), "ratings"),
        row("ann", flags(0, "error")),
    )
    path = tmp_path / "joined.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in label_rows(found)))
    (labelled,) = read_labels([path], grades=["scores.relevance"]).rows["news"]
    assert labelled.references == ("Twelve boats sank.",)
    assert labelled.dimensions == {"relevance": 2.5, "fluency": 5.0}
    assert (labelled.score, labelled.label, labelled.system) == (2.5, False, "bart")


def test_preference_is_of_the_first_system_of_the_alphabet(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", {"preferred": "a", "reason": "true"}, "pairs"),
        row("ben", {"preferred": "a"}, "pairs", systems=["lead", "bart"], item="i2"),
        row("cem", {"preferred": "tie"}, "pairs", systems=["lead", "bart"]),
    )
    votes = [(each["outcome"], each["order"]) for each in preference_rows(found)]
    assert votes == [(1.0, 1), (0.0, -1), (0.5, -1)]
    assert {(each["system_a"], each["system_b"]) for each in preference_rows(found)} == {
        ("bart", "lead")
    }


def test_preferences_have_the_statistics_that_judges_have(tmp_path: Path) -> None:
    rows = []
    for n in range(20):
        shown = ["bart", "lead"] if n % 2 else ["lead", "bart"]
        for who in ("ann", "ben", "cem"):
            # bart wins 15 of 20 by two votes of three; five are ties of all.
            right = "ab"[shown.index("bart")] if who != "cem" else "ab"[shown.index("lead")]
            answer = {"preferred": right if n < 15 else "tie"}
            many = {"item": f"i{n}", "article_id": f"a{n}", "systems": shown}
            rows.append(row(who, answer, "pairs", **many))
    found = study_agreement(read(tmp_path, *rows)).preferences
    assert found["systems"]["bart"]["rate"] == pytest.approx((15 + 2.5) / 20)
    odds = np.log(17.5 / 2.5)
    gap = found["systems"]["bart"]["strength"] - found["systems"]["lead"]["strength"]
    assert gap == pytest.approx(odds, abs=1e-6)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["n"], pair["rate"]) == ("bart", 20, pytest.approx(0.875))
    assert pair["p"] < 0.001
    assert found["first_shown"]["share"] == pytest.approx(0.5, abs=0.05)
    assert json.dumps(found, allow_nan=False)


def test_judged_flag_is_named_by_article_kind_and_words(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", flags(0, "error")),
        row("ben", flags(0, "error")),
        row("cem", flags(1, "fine")),
        row("ann", flags(1, "unsure"), article_id="a2", item="i2"),
    )
    assert flag_rows(found) == [
        {"article_id": "a1", "kind": "number", "words": "13", "verdict": "error", "annotators": 3}
    ]


def test_attention_checks_are_counted_and_make_no_label(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("ann", flags(0), expected="wrong"),
        row("ann", {"preferred": "b"}, "pairs", expected="b", item="i2"),
        row("ann", ratings(relevance=4), "ratings", expected="wrong", item="i3"),
        row("ann", flags(1), item="i4"),
    )
    assert len(label_rows(found)) == 1
    (ann,) = study_agreement(found).annotators.values()
    assert (ann["attention_checks"], ann["attention_passed"]) == (3, 2)


def test_item_is_named_alike_in_either_order() -> None:
    assert item_id("x", ["a", "b"]) == item_id("x", ["b", "a"]) != item_id("x", ["a", "a"])


def test_agreement_has_every_question_of_every_protocol(tmp_path: Path) -> None:
    rows = []
    for n in range(6):
        name = f"i{n}"
        for who in ("ann", "ben", "cem"):
            same = who != "cem" or n % 2 == 0
            many = {"item": name, "article_id": name}
            rows += [
                row(who, flags(int(same), "fine" if same else "error"), **many),
                row(who, ratings(relevance=1 + n % 5 if same else 3), "ratings", **many, study="r"),
                row(who, {"preferred": "ab"[n % 2] if same else "tie"}, "pairs", **many, study="p"),
                row(who, spans((0, 3 + same, "date", "minor")), "spans", **many, study="m"),
            ]
    found = study_agreement(read(tmp_path, *rows)).questions
    assert set(found) == {"label", "flags", "relevance", "preference", "spans"}
    assert found["label"]["percent"] == pytest.approx((12 + 18) / 36)
    assert found["relevance"]["alpha_ordinal"] < 1
    assert found["relevance"]["percent_low"] <= found["relevance"]["percent"]
    assert found["relevance"]["percent_wide_low"] <= found["relevance"]["percent_low"]
    assert found["spans"]["pairs"] == 18
    assert 0.8 < found["spans"]["f1"] < 1
    assert json.dumps(found, allow_nan=False)


# --- Figures as independent implementations have them


def random_answers(seed: int, missing: float = 0.2) -> Values:
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, 60)[:, np.newaxis]
    answers = np.clip(truth + rng.integers(-1, 2, (60, 4)), 1, 5).astype(float)
    answers[rng.random(answers.shape) < missing] = np.nan
    return np.asarray(answers, dtype=np.float64)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_package_krippendorff(seed: int, level: raters.Level) -> None:
    package = pytest.importorskip("krippendorff")
    answers = random_answers(seed)
    theirs = package.alpha(reliability_data=answers.T, level_of_measurement=level)
    assert raters.krippendorff_alpha(answers, level) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighting", ["", "linear", "quadratic"])
def test_cohen_kappa_is_that_of_scikit_learn(seed: int, weighting: raters.Weighting) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    one, other = random_answers(seed, 0.0)[:, :2].T
    theirs = metrics.cohen_kappa_score(one, other, weights=weighting or None)
    assert raters.cohen_kappa(one, other, weighting) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_fleiss_kappa_is_that_of_statsmodels(seed: int) -> None:
    package = pytest.importorskip("statsmodels.stats.inter_rater")
    answers = random_answers(seed, 0.0)
    table, _ = package.aggregate_raters(answers.astype(int))
    assert raters.fleiss_kappa(answers) == pytest.approx(package.fleiss_kappa(table), abs=1e-9)


# Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: four observers, twelve
# units. He gives .743 nominal, .815 ordinal, .849 interval.
KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 * * *",
    "1 2 3 3 2 2 4 1 2 5 * 3",
    "* 3 3 3 2 3 4 2 2 5 1 *",
    "1 2 3 3 2 4 4 1 2 5 1 *",
)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_that_of_the_paper(level: raters.Level, published: float) -> None:
    answers = np.array(
        [[np.nan if each == "*" else float(each) for each in line.split()] for line in KRIPPENDORFF]
    ).T
    assert raters.krippendorff_alpha(answers, level) == pytest.approx(published, abs=5e-4)


def from_counts(table: list[list[int]]) -> Values:
    rows = [[float(k) for k, n in enumerate(counts) for _ in range(n)] for counts in table]
    return np.array(rows)


def test_fleiss_kappa_of_a_published_table() -> None:
    # The example of the Wikipedia article on Fleiss' kappa: 10 subjects, 14 raters; .210.
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert raters.fleiss_kappa(from_counts(table)) == pytest.approx(0.210, abs=5e-4)


def test_cohen_kappa_of_a_published_table() -> None:
    # The example of the Wikipedia article on Cohen's kappa: two readers of 50 proposals; .4.
    counts = {(1.0, 1.0): 20, (1.0, 0.0): 5, (0.0, 1.0): 10, (0.0, 0.0): 15}
    one, other = np.array([pair for pair, n in counts.items() for _ in range(n)]).T
    assert raters.cohen_kappa(one, other) == pytest.approx(0.4, abs=1e-12)


def test_span_f1_is_that_of_scikit_learn_over_characters() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    one, other = rng.random((2, 40, 25)) < 0.3
    counts = np.stack([(one & other).sum(1), one.sum(1), other.sum(1)], axis=1).astype(float)
    theirs = metrics.f1_score(one.ravel(), other.ravel())
    assert raters.span_f1(counts) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    "statistic",
    [
        raters.percent_agreement, raters.fleiss_kappa, raters.mean_cohen_kappa,
        raters.krippendorff_alpha,
    ],
)  # fmt: skip
def test_figure_of_nothing_is_not_a_number(statistic: raters.AgreementStatistic) -> None:
    assert np.isnan(statistic(np.full((3, 2), np.nan)))
    assert np.isnan(statistic(np.array([[1.0, np.nan], [np.nan, 1.0]])))


def test_perfect_agreement_is_one() -> None:
    answers = np.repeat(np.arange(5.0)[:, np.newaxis], 3, axis=1)
    for statistic in (raters.fleiss_kappa, raters.mean_cohen_kappa, raters.krippendorff_alpha):
        assert statistic(answers) == pytest.approx(1)


# --- Intervals: simulated annotators whose bias and noise are known

CATEGORIES = np.arange(1.0, 6.0)
QUALITY: Values = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
# Bias and noise of three annotators, in points of the scale.
PEOPLE = ((0.4, 0.7), (0.0, 0.5), (-0.3, 1.0))


def answer_shares(bias: float, noise: float) -> Values:
    """Return the chance of each answer at each true quality: rounded, cut to the scale."""
    normal = NormalDist()
    edges = (CATEGORIES[:-1] + 0.5)[np.newaxis] - CATEGORIES[:, np.newaxis] - bias
    below = np.vectorize(normal.cdf)(edges / noise)
    padded = np.pad(below, ((0, 0), (1, 1)), constant_values=(0, 1))
    return np.asarray(np.diff(padded, axis=1), dtype=np.float64)


def true_figures(shares: list[Values]) -> dict[str, float]:
    """Return what each figure is for endlessly many articles, from the shares alone."""
    pairs = list(itertools.combinations(range(len(shares)), 2))
    joint = [(shares[i].T * QUALITY) @ shares[j] for i, j in pairs]
    both = np.mean([(each + each.T) / 2 for each in joint], axis=0)
    of_each = [QUALITY @ each for each in shares]
    mixed = np.mean(of_each, axis=0)
    distance = np.abs(np.subtract.outer(CATEGORIES, CATEGORIES))
    middles = np.cumsum(mixed) - mixed / 2
    ordinal = np.subtract.outer(middles, middles) ** 2

    def kappa(cost: Values) -> float:
        by_chance = [np.outer(each.sum(axis=1), each.sum(axis=0)) for each in joint]
        pairs_of = zip(joint, by_chance, strict=True)
        return float(np.mean([1 - (cost * a).sum() / (cost * b).sum() for a, b in pairs_of]))

    def alpha(cost: Values) -> float:
        return float(1 - (cost * both).sum() / (cost * np.outer(mixed, mixed)).sum())

    chance = float((mixed**2).sum())
    percent = float(np.trace(both))
    unlike = (distance > 0).astype(np.float64)
    means = [float(each @ CATEGORIES) for each in of_each]
    return {
        "percent": percent,
        "cohen_kappa": kappa(unlike),
        "weighted_kappa": kappa(distance**2),
        "fleiss_kappa": (percent - chance) / (1 - chance),
        "alpha_nominal": alpha(unlike),
        "alpha_ordinal": alpha(ordinal),
        "alpha_interval": alpha(distance**2),
    } | {
        f"bias {n}": mean - float(np.mean(means[:n] + means[n + 1 :]))
        for n, mean in enumerate(means)
    }


def interval_figures() -> dict[str, raters.AgreementStatistic]:
    return {
        "percent": raters.percent_agreement,
        "cohen_kappa": raters.mean_cohen_kappa,
        "weighted_kappa": lambda answers: raters.mean_cohen_kappa(answers, "quadratic"),
        "fleiss_kappa": raters.fleiss_kappa,
        "alpha_nominal": raters.krippendorff_alpha,
        "alpha_ordinal": lambda answers: raters.krippendorff_alpha(answers, "ordinal"),
        "alpha_interval": lambda answers: raters.krippendorff_alpha(answers, "interval"),
    } | {f"bias {n}": partial(_bias_of, n) for n in range(len(PEOPLE))}


def _bias_of(annotator: int, answers: Values) -> float:
    # Without an annotator there is no bias of this one: for the interval over articles alone.
    every = answers.shape[1] == len(PEOPLE)
    return raters.annotator_bias(answers, annotator) if every else float("nan")


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_bias_and_agreement_of_simulated_annotators_lie_within_their_intervals() -> None:
    studies, articles = 1000, 50
    shares = [answer_shares(*person) for person in PEOPLE]
    truth, rng = true_figures(shares), np.random.default_rng(0)
    hits = dict.fromkeys(truth, 0)
    names = [str(n) for n in range(articles)]
    for _ in range(studies):
        quality = rng.choice(len(CATEGORIES), articles, p=QUALITY)
        answers = np.stack(
            [
                [CATEGORIES[rng.choice(len(CATEGORIES), p=each[at])] for at in quality]
                for each in shares
            ],
            axis=1,
        )
        for name, statistic in interval_figures().items():
            found = raters.with_intervals(statistic, answers, names, (-np.inf, np.inf))
            hits[name] += found.low <= truth[name] <= found.high
    covered = {name: n / studies for name, n in hits.items()}
    print(covered)
    assert all(0.93 <= share <= 0.97 for share in covered.values()), covered


# --- Gamma


def draw_spans(
    rng: np.random.Generator, n: int, length: int = 100, longest: int = 30
) -> list[raters.MarkedSpan]:
    starts = rng.integers(0, length, n)
    sizes, names = rng.integers(1, longest, n), rng.choice(list("xy"), n)
    return [(int(s), int(s + k), str(c)) for s, k, c in zip(starts, sizes, names, strict=True)]


def least_disorder(one: list[raters.MarkedSpan], other: list[raters.MarkedSpan]) -> float:
    """Return the disorder of the best of all alignments, each tried."""
    if not one:
        return float(len(other))
    (start, end, name), *rest = one
    least = 1 + least_disorder(rest, other)
    for n, (from_, to, called) in enumerate(other):
        apart = (abs(start - from_) + abs(end - to)) / (end - start + to - from_)
        cost = apart**2 + (called != name)
        least = min(least, cost + least_disorder(rest, other[:n] + other[n + 1 :]))
    return least


@pytest.mark.parametrize("seed", range(60))
def test_alignment_of_spans_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (draw_spans(rng, int(rng.integers(0, 6))) for _ in "ab")
    expected = pytest.approx(least_disorder(one, other), abs=1e-9)
    assert raters.span_disorder(one, other) == expected
    assert raters.span_disorder(other, one) == expected


# Three spans of each of two annotators of a text of 70 characters. By hand, after section 4 of
# Mathet, Widlocher & Metivier (2015), The Unified and Holistic Method Gamma: 2-8 and 3-8 of one
# name cost ((1 + 0) / (6 + 5))^2, 20-31 and 22-31 of two ((2 + 0) / (11 + 9))^2 + 1, the last two 1
# each. pygamma-agreement 0.5.9 has the same disorder, 1.0060881 a span of each, and gamma .2514 of
# 200 drawn shuffles.
GAMMA_ONE: list[raters.MarkedSpan] = [(2, 8, "x"), (20, 31, "y"), (40, 44, "x")]
GAMMA_OTHER: list[raters.MarkedSpan] = [(3, 8, "x"), (22, 31, "x"), (60, 66, "y")]


def test_disorder_of_a_worked_example() -> None:
    disorder = raters.span_disorder(GAMMA_ONE, GAMMA_OTHER)
    assert disorder == pytest.approx(1 / 121 + 1 / 100 + 3, abs=1e-12)
    assert disorder / 3 == pytest.approx(1.0060881, abs=1e-6)
    gamma = 1 - disorder / raters.expected_disorder(GAMMA_ONE, GAMMA_OTHER, 66)
    assert gamma == pytest.approx(0.2514, abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_gamma_is_that_of_pygamma_agreement(seed: int) -> None:
    package = pytest.importorskip("pygamma_agreement")
    segment = pytest.importorskip("pyannote.core").Segment
    rng = np.random.default_rng(seed)
    one = sorted(set(draw_spans(rng, 12, 400, 18)))
    near = [(s, e + int(rng.integers(0, 4)), c) for s, e, c in one if rng.random() < 0.7]
    other = sorted({*near, *draw_spans(rng, 2, 400, 18)})
    continuum = package.Continuum()
    for who, spans_of in (("a", one), ("b", other)):
        for start, end, name in spans_of:
            continuum.add(who, segment(start, end), name)
    how = package.CombinedCategoricalDissimilarity(alpha=1, beta=1, delta_empty=1)
    np.random.seed(seed)
    found = continuum.compute_gamma(how, n_samples=100, sampler=package.ShuffleContinuumSampler())
    units = (len(one) + len(other)) / 2
    disorder = raters.span_disorder(one, other)
    assert disorder / units == pytest.approx(found.observed_disorder, abs=1e-5)
    by_chance = raters.expected_disorder(one, other, max(end for _, end, _ in [*one, *other]))
    # The package draws whose spans it moves, and we move those of the one against the other's.
    assert 1 - disorder / by_chance == pytest.approx(found.gamma, abs=0.05)


def test_gamma_of_a_study_and_bias_of_spans(tmp_path: Path) -> None:
    rows = []
    for n in range(8):
        place = (15, 17, "number", "major")
        wide = (4, 17, "number", "major") if n % 2 else place
        more = {"item": f"i{n}", "article_id": f"a{n}"}
        rows += [
            row("ann", spans(place), "spans", **more),
            row("ben", spans(wide), "spans", **more),
        ]
    figures = study_agreement(read(tmp_path, *rows)).questions["spans"]
    # Half of the pairs are the same; 4-17 and 15-17 lie (11 / 15)^2 apart.
    apart = 4 * (11 / 15) ** 2
    texts = 8 * len(SUMMARY)
    units = [(n * len(SUMMARY) + 15, n * len(SUMMARY) + 17, "number") for n in range(8)]
    wider = [(start - 11 * (n % 2), end, name) for n, (start, end, name) in enumerate(units)]
    chance = raters.expected_disorder(units, wider, texts)
    assert figures["gamma"] == pytest.approx(1 - apart / chance)
    assert figures["gamma_low"] < figures["gamma"] < figures["gamma_high"] <= 1
    marked = 100 * (0.5 * 13 + 0.5 * 2) / len(SUMMARY)
    assert figures["mean"]["ben"] == pytest.approx(marked)
    assert figures["bias"]["ben"]["bias"] == pytest.approx(marked - 200 / len(SUMMARY))
    assert figures["bias"]["ann"]["bias"] == pytest.approx(200 / len(SUMMARY) - marked)


def test_gamma_of_marks_at_random_is_about_zero(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    long = "word " * 60
    rows = []
    for n in range(60):
        for who in ("ann", "ben", "cem"):
            start = int(rng.integers(0, 280))
            marks = spans((start, start + int(rng.integers(5, 15)), "number", "minor"))
            rows.append(
                row(who, marks, "spans", item=f"i{n}", article_id=f"a{n}", summaries=[long])
            )
    figures = study_agreement(read(tmp_path, *rows)).questions["spans"]
    assert figures["gamma_low"] < 0 < figures["gamma_high"]
    assert abs(figures["gamma"]) < 0.05


def test_gamma_of_no_marks_is_not_there(tmp_path: Path) -> None:
    rows = [row(who, spans(), "spans") for who in ("ann", "ben")]
    assert "gamma" not in study_agreement(read(tmp_path, *rows)).questions["spans"]


# --- Worked examples of the papers


def test_cohen_kappa_of_his_paper() -> None:
    # Cohen (1968), Weighted kappa, table 1: two judges put 200 cases into three diagnoses; .492.
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    assert kappa_of(table) == pytest.approx(0.492, abs=5e-4)


# Fleiss (1971), Measuring nominal scale agreement among many raters, table 1: how many of six
# psychiatrists gave each of thirty patients each of five diagnoses; kappa .430.
FLEISS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)


def test_fleiss_kappa_of_his_paper() -> None:
    table = [[int(count) for count in patient] for patient in FLEISS.split()]
    # The shares of the diagnoses that he prints below his table.
    shares = np.sum(table, axis=0) / 180
    assert shares.round(3).tolist() == [0.144, 0.144, 0.167, 0.306, 0.239]
    assert raters.fleiss_kappa(from_counts(table)) == pytest.approx(0.430, abs=5e-4)


def kappa_of(table: list[list[int]], weighting: raters.Weighting = "") -> float:
    pairs = [
        (float(i), float(j))
        for i, counts in enumerate(table)
        for j, n in enumerate(counts)
        for _ in range(n)
    ]
    one, other = np.array(pairs).T
    return raters.cohen_kappa(one, other, weighting)
