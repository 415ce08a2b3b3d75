"""`meta --metrics`: correlations as scipy has them, pairs with ties, Williams' test."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalharness.config.build import named_scorer
from evalharness.errors import ConfigError, DataError
from evalharness.meta.cards import (
    known_cards,
    known_questions,
    question_card,
    question_row,
    question_row_among,
)
from evalharness.meta.figures import ResampledFigure, Resampling
from evalharness.meta.labels import read_labels
from evalharness.meta.metrics import (
    WORD_COUNT,
    Grid,
    best_epsilon,
    evaluate_metrics,
    metric_figures,
    pairs_right,
    rank_scores,
    row_kendall,
    row_spearman,
)
from evalharness.records import Article, Summary
from evalharness.stats import agreement
from evalharness.stats.intervals import Values
from evalharness.stats.raters import t_two_sided, williams_test

SCIPY = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}


def scipy_coefficient(name: str, x: Values, y: Values | list[float]) -> float:
    stats = pytest.importorskip("scipy.stats")
    return float(getattr(stats, SCIPY[name])(x, y).statistic)


def random_grid(seed: int, missing: float = 0.1) -> Grid:
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=(12, 1)) + rng.normal(size=(1, 7))
    values = np.round(quality + rng.normal(size=(12, 7)), 1)
    grades = np.clip(np.round(quality + rng.normal(size=(12, 7)) + 3), 1, 5)
    values[rng.random(values.shape) < missing] = np.nan
    grades[rng.random(values.shape) < missing] = np.nan
    return Grid(values, grades, [f"a{n}" for n in range(12)], [f"s{n}" for n in range(7)])


def few(grid: Grid) -> dict[str, Any]:
    return metric_figures(grid, Resampling(0, 50))


# --- Correlations


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SCIPY)
def test_within_article_is_the_mean_of_scipy_over_articles(seed: int, name: str) -> None:
    grid = random_grid(seed)
    theirs = []
    for x, y, known in zip(grid.values, grid.grades, grid.known, strict=True):
        if len(set(x[known])) > 1 and len(set(y[known])) > 1:
            theirs.append(scipy_coefficient(name, x[known], y[known]))
    found = few(grid)["within"][name]
    assert found["value"] == pytest.approx(np.mean(theirs), abs=1e-9)
    assert found["articles_used"] == len(theirs)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SCIPY)
def test_over_systems_is_scipy_of_the_means(seed: int, name: str) -> None:
    grid = random_grid(seed)
    x, y = (
        np.nanmean(np.where(grid.known, each, np.nan), axis=0)
        for each in (grid.values, grid.grades)
    )
    found = few(grid)["system"][name]
    assert found["value"] == pytest.approx(scipy_coefficient(name, x, y), abs=1e-9)


def test_systems_whose_grades_have_one_sum_are_tied() -> None:
    third = 1 / 3
    grades = np.array([[third, 2 * third, 1.0], [2 * third, third, 5.0], [third, third, 2.0]])
    values = np.array([[1.0, 2.0, 3.0]] * 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        grid = Grid(values, grades[order], ["a", "b", "c"], ["x", "y", "z"])
        found = few(grid)["system"]["kendall"]["value"]
        assert found == pytest.approx(scipy_coefficient("kendall", values[0], [1, 1, 8 / 3]))


@pytest.mark.parametrize(
    ("of_rows", "of_one"),
    [(row_spearman, agreement.spearman), (row_kendall, agreement.kendall)],
)
def test_rows_at_once_are_as_one_by_one(
    of_rows: Callable[..., Values], of_one: Callable[..., Values]
) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 5, (2, 30, 8)).astype(float)
    weights = rng.poisson(1.0, (30, 8)).astype(float)
    each = [of_one(*row) for row in zip(x, y, weights, strict=True)]
    assert of_rows(x, y, weights) == pytest.approx(np.array(each), abs=1e-12, nan_ok=True)


def test_interval_over_both_is_no_narrower_than_over_articles() -> None:
    grid = random_grid(1, missing=0.0)
    figures = metric_figures(grid, Resampling(0, 2000))
    for level in ("within", "system"):
        for found in figures[level].values():
            widths = {over: found[over][1] - found[over][0] for over in ("articles", "both")}
            assert widths["both"] > 0.9 * widths["articles"] > 0
            assert found["both"][0] <= found["value"] <= found["both"][1]


def test_interval_covers_what_endless_articles_and_systems_would_give() -> None:
    # Over articles and systems, both drawn anew: the true correlation within an article is known.
    rng, hits, n = np.random.default_rng(0), 0, 60
    for _ in range(n):
        quality = rng.normal(size=(25, 20))
        values = quality + rng.normal(size=(25, 20))
        grid = Grid(values, quality, [f"a{k}" for k in range(25)], [f"s{k}" for k in range(20)])
        low, high = metric_figures(grid, Resampling(0, 200))["within"]["pearson"]["both"]
        hits += low <= np.sqrt(0.5) - 0.01 <= high  # less the bias of few systems
    assert hits >= 0.85 * n


# --- Pairs


@pytest.mark.parametrize("seed", range(20))
def test_epsilon_is_the_best_of_all_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    metric = np.round(rng.normal(size=40), 1)
    people = rng.integers(-1, 2, 40).astype(float)
    every = {eps: pairs_right(metric, people, eps).sum() for eps in {0.0, *np.abs(metric)}}
    best = best_epsilon(metric, people)
    assert every[best] == max(every.values())
    assert best == min(eps for eps, right in every.items() if right == max(every.values()))


def test_pairs_are_those_within_an_article() -> None:
    grid = random_grid(2)
    right = n = 0
    found = few(grid)["pairwise"]
    for x, y, known in zip(grid.values, grid.grades, grid.known, strict=True):
        places = np.flatnonzero(known)
        for k, i in enumerate(places):
            for j in places[k + 1 :]:
                metric = x[i] - x[j]
                said = 0 if abs(metric) <= found["epsilon"] else np.sign(metric)
                right += said == np.sign(y[i] - y[j])
                n += 1
    assert (found["pairs"], found["value"]) == (n, pytest.approx(right / n, abs=1e-12))


def test_pairs_of_systems_in_order() -> None:
    values = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    grades = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    found = few(Grid(values, grades, ["a", "b"], ["x", "y", "z"]))
    assert found["system_pairs"]["value"] == pytest.approx(2 / 3)


# --- Williams' test


def test_williams_test_of_a_published_example() -> None:
    # r.test(103, .4, .5, .1) of the R package psych (Revelle), after Steiger (1980): t -.89, p .37.
    t, p = williams_test(0.4, 0.5, 0.1, 103)
    assert (round(t, 2), round(p, 2)) == (-0.89, 0.37)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 10, 21, 100])
@pytest.mark.parametrize("t", [0.0, 0.3, -1.7, 4.2])
def test_p_is_that_of_scipy(freedom: int, t: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert t_two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), abs=1e-12)


def test_williams_test_finds_no_difference_where_there_is_none_in_95_of_100() -> None:
    rng, n = np.random.default_rng(0), 600
    small = 0
    for _ in range(n):
        people = rng.normal(size=20)
        one, other = people + rng.normal(size=20), people + rng.normal(size=20)
        r = [float(agreement.pearson(*pair)) for pair in
             ((people, one), (people, other), (one, other))]  # fmt: skip
        small += williams_test(r[0], r[1], r[2], 20)[1] < 0.05
    assert 0.03 < small / n < 0.08


@pytest.mark.parametrize("case", [(0.5, 0.4, 1.0, 10), (0.5, 0.4, 0.1, 3), (float("nan"), 0, 0, 9)])
def test_williams_test_of_too_little_is_not_a_number(case: tuple[float, float, float, int]) -> None:
    assert np.isnan(williams_test(*case)).all()


# --- Which score to trust


def resampled(*figures: tuple[str, float, list[float]]) -> dict[str, Any]:
    return {name: {"within": ResampledFigure(value, np.array(values))}
            for name, value, values in figures}  # fmt: skip


def test_scores_are_ranked_by_the_difference_to_the_best() -> None:
    (level,) = rank_scores(
        resampled(
            ("best", 0.5, [0.4, 0.5, 0.6]),
            ("alike", 0.45, [0.5, 0.45, 0.4]),  # above the best in some resamples
            ("lower", 0.4, [0.3, 0.4, 0.5]),  # near it, and below it in every one
        )
    )
    assert (level["level"], level["coefficient"], level["over"]) == (
        "within",
        "spearman",
        "articles",
    )
    assert (level["best"], level["alike"], level["lower"]) == ("best", ["alike"], ["lower"])
    assert level["scores"]["best"] == {"value": 0.5, "value_low": 0.405, "value_high": 0.595}
    assert rank_scores({}) == []


def test_card_says_which_score_to_trust_for_which_question(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = write(tmp_path / "labels.jsonl", rows())
    words = ("meta", path, "--metrics", "rouge1.recall,rouge1", "--resamples", 50)
    done = command(*words, "--card", tmp_path / "card.json")
    assert done.returncode == 0, done.stderr
    assert "Which score to trust for which question" in done.stdout
    card = json.loads((tmp_path / "card.json").read_text())
    asked = [(each["question"], each["dimension"], each["level"]) for each in card["questions"]]
    assert asked == [
        ("content", "relevance", "within"), ("content", "relevance", "system"),
        ("fluency", "fluency", "within"),  # all systems are as fluent: they have no order
    ]  # fmt: skip
    first = card["questions"][0]
    assert {first["best"], *first["alike"], *first["lower"]} == set(first["scores"])
    assert (first["n"], first["articles"], first["systems"]) == (24, 6, 4)
    command(*words, "--card", tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| content: relevance | news | in 6 articles | " in text
    assert text.count("\n| ") == 4
    done = command(*words, "--card", tmp_path / "no folder" / "card.md")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_one_file_holds_the_cards_of_checks_and_of_questions(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    made = [row | {"label": n % 2} for n, row in enumerate(rows())]
    path, card = write(tmp_path / "labels.jsonl", made), tmp_path / "card.json"
    words = ("meta", path, "--resamples", 20, "--card", card)
    for options in (("--checks", "lexical"), ("--metrics", "chrf"), ("--checks", "lexical")):
        done = command(*words, *options)
        assert done.returncode == 0, done.stderr
    assert set(known_questions(card)["questions"][0]["scores"]) == {"chrf", WORD_COUNT}
    assert known_cards(card)["lexical"]["measured_on"][0]["source"] == "news"
    assert known_questions() != known_questions(card)


@pytest.mark.parametrize(
    "content", ['{"questions": 3}', '{"questions": [{}]}', '{"questions": [], "meaning": ""}', "[]"]
)
def test_a_damaged_card_is_one_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="no trust cards"):
        known_questions(path)


def test_package_says_which_score_to_trust() -> None:
    card = known_questions()
    best = {(each["source"], each["dimension"], each["level"]): each["best"]
            for each in card["questions"]}  # fmt: skip
    assert best["realsumm", "litepyramid_recall", "within"] == "rouge.rouge1.recall"
    assert best["summeval", "coherence", "within"] == "redundancy"
    assert {each["articles"] for each in card["questions"]} == {44, 54}


def test_a_row_among_some_scores_says_how_the_best_of_them_does() -> None:
    (trust,) = rank_scores(
        resampled(("rouge.rouge1", 0.5, [0.42, 0.58]), ("chrf", 0.1, [0.06, 0.14]))
    )
    found = {"n": 9, "articles": 3, "systems": 3, "trust": [trust]}
    record = {"sources": {"news": {"relevance": found}}, "signatures": {}, "resampling": {}}
    (question,) = question_card(record)["questions"]
    assert question_row(question)[3:] == ["rouge1", "0.50 [0.42, 0.58]", "none"]
    assert question_row_among(question, {"chrf", "bleu"})[3:] == ["chrf 0.10 [0.06, 0.14]", "lower"]
    assert question_row_among(question, {"chrf", "rouge.rouge1"})[4] == "the best"


# --- The field study

QUALITY = Path(__file__).parents[2] / "shared" / "data" / "quality"
needs_grades = pytest.mark.skipif(not QUALITY.is_dir(), reason="needs people's grades")


def graded(name: str, folder: Path, *, one_reference: bool = False) -> Path:
    """Return a data set; with one reference a summary where that is what the study took."""
    path = QUALITY / f"{name}.jsonl.gz"
    if not one_reference:
        return path
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        made = [json.loads(line) for line in lines]
    return write(folder / f"{name}.jsonl", [row | {"references": None} for row in made])


# Within an article Spearman, over systems Kendall's tau-b, as the study has them; but .59 is .58
# there: two systems with the same sum of relevance are tied, and were not in the study's floats.
FIELD_STUDY = [
    ("realsumm", "litepyramid_recall", False, {
        "rouge.rouge1": (0.35, 0.40), "rouge.rouge2": (0.29, 0.42), "rouge.rougeL": (0.23, 0.21),
        "rouge.rouge1.recall": (0.46, 0.78), "rouge.rouge2.recall": (0.38, 0.84),
        "rouge.rougeL.recall": (0.38, 0.81), "chrf": (0.43, 0.78), WORD_COUNT: (0.31, 0.47)}),
    ("summeval", "relevance", True, {
        "rouge.rouge1": (0.25, 0.59), "chrf": (0.29, None), WORD_COUNT: (0.12, None)}),
    ("summeval", "coherence", True, {
        "rouge.rouge1": (0.14, None), "rouge.rougeL": (0.21, None)}),
]  # fmt: skip


@needs_grades
@pytest.mark.parametrize(("name", "dimension", "one", "table"), FIELD_STUDY)
def test_table_of_the_field_study(
    name: str, dimension: str, one: bool, table: dict[str, Any], tmp_path: Path
) -> None:
    path = graded(name, tmp_path, one_reference=one)
    metrics = [metric for metric in table if metric != WORD_COUNT]
    found = evaluate_metrics([path], metrics, [dimension], resamples=10).sources[name][dimension]
    for metric, (within, system) in table.items():
        figures = found["by_metric"][metric]
        assert figures["within"]["spearman"]["value"] == pytest.approx(within, abs=0.0061)
        if system is not None:
            assert figures["system"]["kendall"]["value"] == pytest.approx(system, abs=0.0051)


@needs_grades
@pytest.mark.parametrize("name", ["realsumm", "summeval"])
def test_real_grades_give_what_scipy_gives(name: str) -> None:
    ((source, label_rows),) = read_labels([QUALITY / f"{name}.jsonl.gz"]).rows.items()
    found = evaluate_metrics([QUALITY / f"{name}.jsonl.gz"], ["rouge1.recall"], resamples=10)
    dimension = next(iter(label_rows[0].dimensions))
    figures = found.sources[source][dimension]["by_metric"]["rouge.rouge1.recall"]
    rouge = named_scorer("rouge", "--metrics", with_references=True)
    pairs = [(Article(row.article_id, row.article, row.references),
              Summary(row.article_id, row.summary)) for row in label_rows]  # fmt: skip
    values = [score.parts["rouge1.recall"] for score in rouge.score(pairs)]
    by_article: dict[str, list[tuple[float, float]]] = {}
    by_system: dict[str, list[tuple[float, float]]] = {}
    for row, value in zip(label_rows, values, strict=True):
        by_article.setdefault(row.article_id, []).append((value, row.dimensions[dimension]))
        by_system.setdefault(row.system, []).append((value, row.dimensions[dimension]))
    means = np.array([np.mean(pairs, axis=0) for pairs in by_system.values()]).round(12)  # ties
    for coefficient in SCIPY:
        each = [scipy_coefficient(coefficient, *np.array(pairs).T) for pairs in by_article.values()
                if all(len(set(column)) > 1 for column in zip(*pairs, strict=True))]  # fmt: skip
        assert figures["within"][coefficient]["value"] == pytest.approx(np.mean(each), abs=1e-9)
        assert figures["system"][coefficient]["value"] == pytest.approx(
            scipy_coefficient(coefficient, *means.T), abs=1e-9
        )


# --- Files and the command

WORDS = tuple(
    f"{first}{second}"
    for first in ("ba", "du", "ke", "mo")
    for second in ("lan", "ner", "sim", "tor")
)


def rows(n_articles: int = 6) -> list[dict[str, Any]]:
    """Return rows of four systems: the more words of the reference, the better."""
    made = []
    for article in range(n_articles):
        reference = " ".join(WORDS[article:] + WORDS[:article])
        for system in range(4):
            kept = WORDS[article:][: 3 + 2 * system + article % 2]
            made.append(
                {
                    "article": f"{reference}. It rained {article} days.",
                    "article_id": f"a{article}",
                    "summary": " ".join(kept),
                    "system": f"s{system}",
                    "source": "news",
                    "reference": reference,
                    "scores": {"relevance": system + 1, "fluency": 5 - (system + article) % 3},
                }
            )
    return made


def write(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


def test_metric_that_people_agree_with_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.jsonl", rows())
    found = evaluate_metrics([path], ["rouge1.recall", "rouge1"], ["relevance"], resamples=50)
    figures = found.sources["news"]["relevance"]
    assert (figures["n"], figures["articles"], figures["systems"]) == (24, 6, 4)
    assert list(figures["by_metric"]) == ["rouge.rouge1.recall", "rouge.rouge1", WORD_COUNT]
    for each in figures["by_metric"].values():
        assert each["within"]["spearman"]["value"] > 0.9
        assert each["system"]["kendall"]["value"] == pytest.approx(1)
    assert len(figures["williams"]) == 3
    assert json.dumps(found.record(), allow_nan=False)


@pytest.mark.parametrize(
    ("fields", "references"),
    [
        ({"reference": "One."}, ("One.",)),
        ({"references": ["One.", "Two."]}, ("One.", "Two.")),
        ({"references": '["One.", "Two."]'}, ("One.", "Two.")),
        ({"references": "[One] of two."}, ("[One] of two.",)),
        ({"references": None, "reference": "One."}, ("One.",)),
        ({}, ()),
    ],
)
def test_references_are_read_as_files_have_them(
    tmp_path: Path, fields: dict[str, Any], references: tuple[str, ...]
) -> None:
    path = write(tmp_path / "x.jsonl", [{"article": "It rained.", "summary": "Rain."} | fields])
    (row,) = read_labels([path]).rows["x"]
    assert row.references == references


def test_rows_without_systems_have_figures_within_articles_alone(tmp_path: Path) -> None:
    made = [{key: value for key, value in row.items() if key != "system"} for row in rows()]
    found = evaluate_metrics([write(tmp_path / "l.jsonl", made)], ["rouge1"], resamples=50)
    figures = found.sources["news"]["relevance"]
    assert figures["williams"] == []
    assert set(figures["by_metric"]["rouge.rouge1"]) == {"n", "within", "pairwise"}


def test_dimension_that_no_row_has_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "l.jsonl", rows())
    with pytest.raises(DataError, match="did you mean relevance"):
        evaluate_metrics([path], ["rouge1"], ["relevanse"], resamples=50)


def test_command_says_which_metric_to_trust_for_which_question(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = write(tmp_path / "labels.jsonl", rows())
    done = command("meta", path, "--metrics", "rouge1.recall,chrf", "--human", "relevance",
                   "--resamples", 50)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "news, relevance: 24 summaries of 6 articles, 4 systems" in done.stdout
    assert "Highest within an article: " in done.stdout
    assert "fluency" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = command("meta", path, "--metrics", "rouge1", "--json", "--resamples", 50)
    assert set(json.loads(done.stdout)["sources"]["news"]) == {"relevance", "fluency"}


def test_metric_of_references_where_there_are_none_is_an_error(tmp_path: Path) -> None:
    made = [row | {"reference": None} for row in rows()]
    with pytest.raises(DataError, match="--metrics rouge: no row has 'references'"):
        evaluate_metrics([write(tmp_path / "l.jsonl", made)], ["rouge1"], resamples=50)
