"""HHEM: its authors' file in transformers' own class, without their code."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neural import frozen, mutations, texts, tiny
from neural.cases import scored, values

from evalharness.checks.hhem import Hhem
from evalharness.errors import ModelError

pytestmark = pytest.mark.usefixtures("float64")

PROMPT = (
    "<pad> Determine if the hypothesis is true given the premise?\n\nPremise: {}\n\nHypothesis: {}"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tiny.hhem(tmp_path_factory.mktemp("models"))


def check(folders: tuple[Path, Path], **options: Any) -> Hhem:
    published, backbone = folders
    return Hhem(str(published), backbone=str(backbone), device="cpu", **options)


def by_hand(folders: tuple[Path, Path]) -> list[float]:
    """The published recipe with transformers alone, one pair at a time."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoTokenizer, T5ForTokenClassification

    published, backbone = folders
    model: Any = T5ForTokenClassification(AutoConfig.from_pretrained(backbone, num_labels=2))
    model.double().eval()
    tensors = load_file(published / "model.safetensors")
    model.load_state_dict(
        {name.removeprefix("t5."): tensor for name, tensor in tensors.items()}, strict=False
    )
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    found = []
    for article, summary in texts.pairs():
        inputs = tokenizer(PROMPT.format(article, summary), return_tensors="pt")
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            found.append(float(model(**inputs).logits[0, 0].softmax(-1)[1]))
    return found


@pytest.mark.slow
def test_equals_the_published_recipe(folders: tuple[Path, Path]) -> None:
    expected = by_hand(folders)
    assert np.std(expected) > 0.01
    found = values(scored(check(folders, max_tokens=100_000), texts.pairs()))
    assert np.abs(np.array(found) - expected).max() < frozen.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("mutation", [mutations.padding_read])
def test_recipe_bites(
    folders: tuple[Path, Path], mutation: mutations.Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_hand(folders)
    mutation(monkeypatch)
    found = values(scored(check(folders, batch_tokens=4096), texts.pairs()))
    assert np.abs(np.array(found) - expected).max() > frozen.MISTAKE


def test_long_article_loses_its_end_and_not_the_summary(folders: tuple[Path, Path]) -> None:
    article = texts.pairs()[27][0]
    short = check(folders, max_tokens=300)
    (score,) = scored(short, [(article, "The mayor closed the bridge.")])
    assert 0.05 < score.parts["read"] < 0.5
    assert "of the article was read" in score.note
    assert "summary cut" not in score.note
    (other,) = scored(short, [(article, "The bank paid ten percent.")])
    assert score.value != other.value


def test_foreign_weights_and_backbones_are_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    published, backbone = folders
    with pytest.raises(ModelError, match="no weights of HHEM: classifier"):
        scored(Hhem(str(backbone), backbone=str(backbone)), [("It rained.", "It rained.")])
    other = tiny.roberta_classifier(tmp_path / "roberta", ("0", "1"))
    with pytest.raises(ModelError, match="HHEM's backbone is a T5"):
        scored(Hhem(str(published), backbone=str(other)), [("It rained.", "It rained.")])


def test_signature_names_weights_and_backbone(folders: tuple[Path, Path]) -> None:
    assert {"sha256", "backbone_content"} <= check(folders).identity().keys()
