"""Thresholds, bands and probabilities learnt from labels, and the file that holds them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from evalharness import meta
from evalharness.config.calibration import Calibrated, Probability, load_calibration
from evalharness.errors import ConfigError, DataError
from evalharness.meta.thresholds import bands, isotonic, platt
from evalharness.protocols import Need, Pair
from evalharness.records import Score

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Stated:
    """The number that a summary is, as its score."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [Score(float(summary.text)) for _, summary in pairs]


def drawn(seed: int, n: int = 200, digits: int = 9) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.4
    return (0.3 * labels + rng.normal(size=n)).round(digits), labels


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Two sources, and one of a single class."""
    lines = []
    for source, seed in (("news", 0), ("talks", 1)):
        for n, (score, label) in enumerate(zip(*drawn(seed), strict=True)):
            lines.append(
                {"summary": str(score), "label": int(label), "article": f"{source} {n // 2}"}
            )
            lines[-1]["source"] = source
    lines += [{"summary": "1", "label": 1, "article": "x", "source": "alike"}] * 3
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("digits", [9, 0])
@pytest.mark.parametrize("seed", range(5))
def test_isotonic_probabilities_are_those_of_scikit_learn(seed: int, digits: int) -> None:
    module = pytest.importorskip("sklearn.isotonic")
    scores, flags = drawn(seed, digits=digits)

    ours = isotonic(scores, flags)

    theirs = module.IsotonicRegression(out_of_bounds="clip").fit(scores, flags)
    asked = np.linspace(-4, 4, 333)
    assert [ours.of(each) for each in asked] == pytest.approx(theirs.predict(asked), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_platt_probabilities_have_the_greatest_likelihood(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    scores, flags = drawn(seed)
    n_positive, n_negative = flags.sum(), (~flags).sum()
    targets = np.where(flags, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))

    def loss(line: Any) -> Any:
        logits = line[0] * scores + line[1]
        return (np.logaddexp(0, logits) - targets * logits).sum()

    ours = platt(scores, flags)

    assert loss([ours.slope, ours.intercept]) <= optimize.minimize(loss, [0.0, 0.0]).fun + 1e-9


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_platt_holds_where_scores_part_the_labels_or_one_lies_far_out(scale: float) -> None:
    scores = scale * np.array([0.0, 1.0, 2.0, 3.0])
    with_one_far_out = np.append(scores, 1e6 * scale)

    found = platt(scores, scores > scale)
    far_out = platt(with_one_far_out, with_one_far_out > scale)

    assert found.of(0.0) < 0.5 < found.of(3 * scale) <= 1
    assert far_out.of(0.0) < far_out.of(1e6 * scale) <= 1


def test_a_score_that_is_upside_down_or_constant_has_a_level_probability() -> None:
    flags = np.array([True, True, False, False, False, True])

    for scores in (-flags.astype(float), np.ones(6)):
        found = platt(scores, flags)
        assert found.slope == 0
        assert found.of(-1.0) == found.of(1.0) == pytest.approx(0.5)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_probabilities_never_fall_as_scores_rise(method: Any) -> None:
    fit = {"platt": platt, "isotonic": isotonic}[method]

    found = fit(*drawn(2))

    chances = [found.of(each) for each in np.linspace(-1e3, 1e3, 999)]
    assert chances == sorted(chances)
    assert 0 <= chances[0] <= chances[-1] <= 1


@pytest.mark.parametrize("seed", range(4))
def test_bands_reach_their_targets_and_no_wider_band_does(seed: int) -> None:
    scores, flags = drawn(seed, digits=1)

    found = bands(scores, flags, precision=0.7, recall=0.9)

    upper = scores >= found["support_from"]
    assert found["supported_recall"] == upper[flags].mean() >= 0.9
    higher = scores[scores >= found["support_from"]].min()
    assert (scores[flags] > higher).mean() < 0.9
    below = scores < found["flag_below"]
    assert found["flagged_precision"] == (~flags[below]).mean() >= 0.7
    assert found["flag_below"] <= found["support_from"]


def test_nothing_is_flagged_where_the_precision_cannot_be_reached() -> None:
    scores = np.array([0.1] * 5 + [0.9] * 5)
    flags = np.array([True, False, True, False, True] * 2)

    found = bands(scores, flags, precision=0.9, recall=0.9)

    assert "flag_below" not in found
    assert found["support_from"] == 0.1


@pytest.mark.parametrize(
    ("score", "band"),
    [(0.1, "flagged"), (0.3, "unsure"), (0.69, "unsure"), (0.7, "supported"), (None, None)],
)
def test_bands_are_half_open(score: float | None, band: str | None) -> None:
    entry = Calibrated(9, 4, 9, 0.0, flag_below=0.3, support_from=0.7)

    assert entry.band(score) == band


def test_nothing_learnt_has_no_band_and_no_chance() -> None:
    entry = Calibrated(3, 3, 3, 0.0, reason="one class")

    assert entry.band(0.5) is None
    assert entry.chance(0.5) is None


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_calibration_is_read_back_as_it_was_and_written_alike_each_time(
    labels: Path, tmp_path: Path, method: Any
) -> None:
    made = [
        meta.calibrate([labels], {"stated": Stated()}, method=method, resamples=50)
        for _ in range(2)
    ]

    made[0].write(tmp_path / "c.json")

    assert load_calibration(tmp_path / "c.json") == made[0]
    assert (tmp_path / "c.json").read_text() == made[1].json()
    assert made[0].signature == "stated|version:1"


def test_each_source_and_all_together_have_an_entry(labels: Path) -> None:
    found = meta.calibrate([labels], {"stated": Stated()}, resamples=50)

    assert list(found.sources) == ["news", "talks", "alike"]
    assert found.of().n == 403
    news, measured = found.of("news"), meta.evaluate([labels], {"stated": Stated()}, resamples=50)
    figures = measured.checks["stated"]["sources"]["news"]
    for name in ("n", "positive", "articles", "auc", "auc_low", "threshold", "balanced_accuracy"):
        assert getattr(news, name) == figures[name], name
    assert news.brier is not None
    assert news.brier_of_rate is not None
    assert news.brier < news.brier_of_rate
    assert "label 1" in found.of("alike").reason
    with pytest.raises(ConfigError, match="no source 'olds': alike, news, talks"):
        found.of("olds")


def test_labels_of_one_class_cannot_calibrate(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"summary": "1", "label": 1, "article": "x"}\n')

    with pytest.raises(DataError, match="have the label 1"):
        meta.calibrate([path], {"stated": Stated()})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("{", "not a calibration"),
        ('{"schema": 1}', "check: Field required"),
        ("[]", "not a calibration"),
    ],
)
def test_a_file_that_is_no_calibration_is_told(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "c.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ConfigError, match=message):
        load_calibration(path)


def test_a_calibration_of_another_schema_is_refused(labels: Path, tmp_path: Path) -> None:
    made = json.loads(meta.calibrate([labels], {"stated": Stated()}, resamples=20).json())
    path = tmp_path / "c.json"
    path.write_text(json.dumps(made | {"schema": 2}))

    with pytest.raises(ConfigError, match="schema 2; this version reads 1"):
        load_calibration(path)


def test_probability_between_knots_lies_on_a_line() -> None:
    found = Probability("isotonic", scores=(0.0, 1.0, 2.0), probabilities=(0.0, 0.5, 1.0))

    assert [found.of(each) for each in (-1, 0, 0.5, 1, 1.5, 9)] == [0, 0, 0.25, 0.5, 0.75, 1]


def test_the_command_writes_the_file_and_prints_a_table(labels: Path, tmp_path: Path) -> None:
    output = tmp_path / "c.json"
    command = [
        sys.executable, "-m", "evalharness", "calibrate", str(labels), "--check", "extractiveness",
        "-o", str(output), "--method", "isotonic", "--resamples", "20",
    ]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert load_calibration(output).check == "extractiveness"
    assert load_calibration(output).method == "isotonic"
    assert "pooled" in done.stdout
    assert f"Calibration: {output}" in done.stdout
