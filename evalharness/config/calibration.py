"""What a check's raw score means: the band that it lies in, and the chance of being consistent.

Where the bands part is the check's own to say, or learnt from labelled summaries: `evalharness
calibrate` writes such a file, and `load_calibration` reads it back. A threshold holds for texts
like those it was learnt on: there is an entry for each source, and one for all together.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from evalharness.config.registry import gives_verdict
from evalharness.errors import ConfigError
from evalharness.files.untrusted import read_whole
from evalharness.protocols import Banded

Band = Literal["supported", "unsure", "flagged"]
Method = Literal["platt", "isotonic"]

SCHEMA = 1
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Probability:
    """The chance that a summary is consistent, from its score; it never falls as the score rises.

    platt: a logistic curve, 1 / (1 + exp(-(slope * score + intercept))) (Platt 1999).
    isotonic: straight lines between `scores` and their `probabilities`, level beyond the ends.
    """

    __pydantic_config__: ClassVar = _STRICT

    method: Method
    slope: float = 0.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def of(self, score: float) -> float:
        """Return the probability, 0 to 1.

        >>> Probability("isotonic", scores=(0.0, 1.0), probabilities=(0.2, 0.6)).of(0.5)
        0.4
        >>> Probability("platt", slope=1.0).of(0.0)
        0.5
        """
        if self.method == "isotonic":
            return self._between_knots(score)
        logit = self.slope * score + self.intercept
        return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0

    def _between_knots(self, score: float) -> float:
        after = bisect_left(self.scores, score)
        if after == 0:
            return self.probabilities[0]
        if after == len(self.scores):
            return self.probabilities[-1]
        low, high = self.scores[after - 1], self.scores[after]
        share = (score - low) / (high - low)
        below, above = self.probabilities[after - 1], self.probabilities[after]
        return below + share * (above - below)


class _WithChance:
    """Has a probability, if one was learnt."""

    probability: Probability | None

    def chance(self, score: float | None) -> float | None:
        """Return the probability that a summary with this score is consistent."""
        if score is None or self.probability is None:
            return None
        return self.probability.of(score)


@dataclass(frozen=True)
class Thresholds(_WithChance):
    """Where the bands of a score part: `flagged` below the first, `supported` from the second.

    sentence: from which value on a sentence is supported, where that is not as for a summary.
    probability: what a score says of the chance that the summary is consistent, if that was learnt.
    """

    flagged: float = 0.2
    supported: float = 0.5
    sentence: float | None = None
    probability: Probability | None = None

    def __post_init__(self) -> None:
        """Refuse bands that overlap."""
        if not self.flagged <= self.supported:
            raise ValueError(f"flagged: {self.flagged} is above supported: {self.supported}")

    def band(self, score: float) -> Band:
        """Return the band of a score.

        >>> Thresholds(0.2, 0.5).band(0.3)
        'unsure'
        """
        if score < self.flagged:
            return "flagged"
        return "supported" if score >= self.supported else "unsure"

    def band_of_sentence(self, value: float) -> Band:
        """Return the band of a sentence by its value.

        >>> Thresholds(0.2, 0.5, sentence=0.6).band_of_sentence(0.5)
        'unsure'
        """
        if self.sentence is None or value < self.flagged:
            return self.band(value)
        return "supported" if value >= self.sentence else "unsure"


@dataclass(frozen=True)
class Calibrated(_WithChance):
    """What one source, or all of them together, says of a check's scores.

    n, positive, articles: rows with label and value, those labelled 1, and their articles.
    null_rate: share of rows that the check has no value for.
    auc: with the ends of its 95 % interval, over articles.
    threshold: of the best balanced accuracy on all rows; consistent from there upwards.
    balanced_accuracy: on articles held apart from those that gave the threshold.
    flag_below: the greatest score below which the wanted share is inconsistent; None if none is.
    flagged_precision: the share that is; flagged: share of the rows that lie there.
    support_from: the greatest score from which upwards the wanted share of the consistent lies.
    supported_recall: the share that does; supported: share of the rows that lie there.
    probability: fitted on all rows. brier: the mean squared error of those fitted with the article
        held apart; brier_of_rate: that of always saying the share of consistent ones.
    reason: why there is no threshold.
    """

    __pydantic_config__: ClassVar = _STRICT

    n: int
    positive: int
    articles: int
    null_rate: float | None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    threshold: float | None = None
    balanced_accuracy: float | None = None
    flag_below: float | None = None
    flagged_precision: float | None = None
    flagged: float | None = None
    support_from: float | None = None
    supported_recall: float | None = None
    supported: float | None = None
    probability: Probability | None = None
    brier: float | None = None
    brier_of_rate: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse bands that overlap."""
        _ = self.thresholds

    @property
    def thresholds(self) -> Thresholds | None:
        """Where the bands part; None where nothing could be learnt.

        Where no threshold reaches the precision nothing is flagged, whatever the range.
        """
        if self.support_from is None:
            return None
        flagged = -math.inf if self.flag_below is None else self.flag_below
        return Thresholds(flagged, self.support_from, probability=self.probability)

    def band(self, score: float | None) -> Band | None:
        """Return the band of a score; None without a score, or where nothing could be learnt."""
        thresholds = self.thresholds
        return None if score is None or thresholds is None else thresholds.band(score)


@dataclass(frozen=True)
class Calibration:
    """Thresholds and probabilities of one check: the content of a calibration file.

    signature: of the check that made the scores; another one's scores may mean something else.
    labels: the field that held each source's label.
    targets: `precision` of flagging as inconsistent, `recall` of the consistent as supported.
    """

    __pydantic_config__: ClassVar = _STRICT

    schema: int
    check: str
    signature: str
    method: Method
    targets: Mapping[str, float]
    labels: Mapping[str, str]
    pooled: Calibrated
    sources: Mapping[str, Calibrated] = field(default_factory=dict[str, Calibrated])

    def of(self, source: str = "") -> Calibrated:
        """Return what a source says; without a name, what all say together.

        Raises: ConfigError for a source that the file does not have.
        """
        if not source:
            return self.pooled
        if source not in self.sources:
            known = ", ".join(sorted(self.sources)) or "none"
            raise ConfigError(f"the calibration of {self.check} has no source {source!r}: {known}")
        return self.sources[source]

    def entry(self, source: str) -> Calibrated:
        """Return what a source says, or all together where it is not known or told too little."""
        own = self.sources.get(source)
        return self.pooled if own is None or own.support_from is None else own

    def with_band(self, score: Mapping[str, Any], source: str) -> dict[str, Any]:
        """Return a stored score with the probability of being consistent, a part, and the band.

        The value counts, or the part that the calibration is of (`lexical.support`). A score that
        does not apply gets neither.
        """
        part = self.check.partition(".")[2]
        value = score.get("parts", {}).get(part) if part else score["value"]
        entry = self.entry(source)
        chance, band = entry.chance(value), entry.band(value)
        banded = {**score}
        if chance is not None:
            banded["parts"] = {**score.get("parts", {}), "probability": chance}
        return banded if band is None else {**banded, "band": band}

    def json(self) -> str:
        """Return the text of the file; the same bytes for the same labels."""
        return _ADAPTER.dump_json(self, indent=1).decode() + "\n"

    def write(self, path: str | Path) -> None:
        """Write the file. Raises: ConfigError where that is not possible."""
        try:
            Path(path).write_text(self.json(), encoding="utf-8", newline="\n")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


_ADAPTER = TypeAdapter(Calibration)


def _content(path: str | Path) -> bytes:
    try:
        return read_whole(Path(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error


def load_calibration(path: str | Path) -> Calibration:
    """Read what `evalharness calibrate` wrote.

    Raises: ConfigError for a file that is not there, or is no calibration.
    """
    try:
        calibration = _ADAPTER.validate_json(_content(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path}: not a calibration that `evalharness calibrate` wrote: "
            f"{key + ': ' if key else ''}{first['msg']}"
        ) from None
    if calibration.schema != SCHEMA:
        raise ConfigError(f"{path}: schema {calibration.schema}; this version reads {SCHEMA}")
    return calibration


def load_thresholds(path: str | Path) -> Thresholds:
    """Read `{"thresholds": {"flagged": x, "supported": y}}`, or what `calibrate` wrote.

    Raises: ConfigError
    """
    try:
        tree = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    if not isinstance(tree, dict) or "thresholds" not in tree:
        learnt = load_calibration(path).pooled
        if learnt.thresholds is None:
            raise ConfigError(f"{path}: no thresholds: {learnt.reason}")
        return learnt.thresholds
    try:
        limits: dict[str, Any] = {name: float(v) for name, v in tree["thresholds"].items()}
        if "probability" in limits:
            raise TypeError("unexpected 'probability'")
        return Thresholds(**limits)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path}: thresholds: {error}; known are flagged, supported, sentence"
        ) from error


def own_thresholds(check: Any) -> Thresholds | None:
    """Return where a check, or its class, says that its bands part; else the usual ones.

    None for a check that gives no verdict.
    """
    if not gives_verdict(check):
        return None
    if not isinstance(check, Banded):
        return Thresholds()
    limits: dict[str, Any] = {**check.thresholds}
    return Thresholds(**limits)
