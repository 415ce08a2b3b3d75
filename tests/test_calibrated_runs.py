"""Calibrations that a config names: probability and band of each score, in every file of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.checks.lexical.numbers import Numbers
from evalharness.config.calibration import Calibrated, Calibration, Probability
from evalharness.config.schema import schema
from evalharness.config.signature import signature_parts, signature_text
from evalharness.errors import ConfigError

ROWS = [
    {"id": "a", "source": "north", "summary": "The storm closed 14 schools."},
    {"id": "b", "source": "north", "summary": "The storm closed 15 schools."},
    {"id": "c", "source": "south", "summary": "The storm closed 14 schools."},
    {"id": "d", "source": "south", "summary": "The storm closed schools."},
]
ARTICLE = "The storm closed 14 schools in Springfield."
CURVE = Probability("platt", slope=2.0, intercept=-1.0)


def _entry(support_from: float | None = 0.5, flag_below: float | None = 0.2) -> Calibrated:
    return Calibrated(
        9, 5, 9, 0.0, support_from=support_from, flag_below=flag_below, probability=CURVE
    )


def _calibration(path: Path, check: str = "numbers", signature: str = "") -> Path:
    signature = signature or signature_text(signature_parts("numbers", Numbers()))
    sources = {"south": _entry(support_from=2.0), "few": Calibrated(1, 1, 1, 0.0, reason="too few")}
    whole = Calibration(1, check, signature, "platt", {}, {}, _entry(), sources)
    path.write_text(whole.json())
    return path


def _run(tmp_path: Path, check: dict[str, Any], results: str = "r") -> evalharness.Run:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row | {"article": ARTICLE}) + "\n" for row in ROWS))
    config = {
        "name": "t",
        "data": {"name": "files", "path": str(data)},
        "model": "given",
        "metrics": [],
        "checks": [check],
    }
    (run,) = evalharness.run(config, results=tmp_path / results)
    return run


def test_scores_of_a_run_have_probability_and_band_of_their_source(tmp_path: Path) -> None:
    file = _calibration(tmp_path / "numbers.json")
    run = _run(tmp_path, {"name": "numbers", "calibration": str(file)})
    scores = [sample["scores"]["numbers"] for sample in run.samples()]
    assert [score["value"] for score in scores] == [1.0, 0.0, 1.0, None]
    assert [score.get("band") for score in scores] == ["supported", "flagged", "unsure", None]
    assert [score.get("parts", {}).get("probability") for score in scores] == [
        CURVE.of(1.0),
        CURVE.of(0.0),
        CURVE.of(1.0),
        None,
    ]
    told = run.record["metrics"]["numbers"]
    assert told["bands"] == {"flagged": 1, "unsure": 1, "supported": 1}
    assert told["bands_by_source"]["south"] == {"flagged": 0, "unsure": 1, "supported": 0}
    assert told["parts"]["probability"]["n"] == 3
    assert "|calibration:numbers.json:" in run.record["signatures"]["metrics"]["numbers"]


def test_table_of_a_run_has_the_bands(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    file = _calibration(tmp_path / "numbers.json")
    run = _run(tmp_path, {"name": "numbers", "calibration": str(file)})
    table = pq.read_table(run.folder / "samples.parquet").to_pydict()
    assert table["numbers.band"] == ["supported", "flagged", "unsure", None]
    assert table["numbers.probability"][3] is None


def test_calibration_computes_no_score_again_and_the_written_config_names_it(
    tmp_path: Path,
) -> None:
    _run(tmp_path, {"name": "numbers"})
    file = _calibration(tmp_path / "numbers.json")
    run = _run(tmp_path, {"name": "numbers", "calibration": str(file)})
    assert run.record["timing"]["scores"]["numbers"] == {"computed": 0, "stored": 4}
    samples = (run.folder / "samples.jsonl").read_bytes()
    (again,) = evalharness.run(run.folder / "config.yaml", results=tmp_path / "other")
    assert (again.folder / "samples.jsonl").read_bytes() == samples


def test_calibration_of_a_part_judges_that_part(tmp_path: Path) -> None:
    plain = _run(tmp_path, {"name": "lexical"})
    own = plain.record["signatures"]["metrics"]["lexical"]
    file = _calibration(tmp_path / "s.json", "lexical.support", f"{own}|part:support")
    run = _run(tmp_path, {"name": "lexical", "calibration": str(file)})
    parts = [sample["scores"]["lexical"]["parts"] for sample in run.samples()]
    assert [each["probability"] for each in parts] == [CURVE.of(each["support"]) for each in parts]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "checks.0.calibration: no file or folder"),
        ("{}", "checks.0.calibration: .*not a calibration that `evalharness calibrate` wrote"),
        ("other", r"is of scores by numbers\|version:0, not numbers\|.*; run calibrate again"),
    ],
)
def test_calibration_that_cannot_be_used_ends_the_run_before_any_work(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "numbers.json"
    if content == "other":
        _calibration(file, signature="numbers|version:0")
    elif content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=message):
        _run(tmp_path, {"name": "numbers", "calibration": str(file)})
    assert not (tmp_path / "r").exists()


def test_loaders_and_models_take_no_calibration(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("{}\n")
    config = {"data": {"name": "files", "path": str(data)}, "model": {"name": "lead"}}
    config["model"] |= {"calibration": "x.json"}
    with pytest.raises(ConfigError, match="unknown key"):
        evalharness.run(config, results=tmp_path / "r")


def test_schema_offers_the_calibration_to_every_metric_and_check_alone() -> None:
    found = schema()["$defs"]
    for kind, offered in {"metrics": True, "checks": True, "models": False}.items():
        shapes = found[kind]["anyOf"][1:]
        assert all(("calibration" in shape["properties"]) is offered for shape in shapes)
