"""Drives the authors' bert-score as it was before transformers 5, in an environment of its own.

PATH is a virtual environment with bert-score 0.3.13, transformers 4.46.3 and tokenizers 0.20.3. It
is given the tiny checkpoints that are made here, and only its numbers come back.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from evalharness.metrics import bertscore
from neural import double, texts, tiny, tiny_scorers

REPOSITORY = "Tiiiger/bert_score"
KEPT_LAYERS = 3
ENCODERS = {"roberta": tiny_scorers.bertscore_roberta, "bert": tiny_scorers.bertscore_bert}

# Runs there, and so imports nothing of ours: reads a request from stdin, prints the numbers.
_THERE = """
import json, sys, types
for name in ("matplotlib", "matplotlib.pyplot", "mpl_toolkits", "mpl_toolkits.axes_grid1"):
    sys.modules[name] = types.ModuleType(name)  # for plots, which nobody asks for
sys.modules["mpl_toolkits.axes_grid1"].make_axes_locatable = None
import runpy, transformers
from bert_score import score
from bert_score.utils import get_idf_dict, get_tokenizer, model2layers
asked = json.load(sys.stdin)
arithmetic = runpy.run_path(asked["double"])["arithmetic"]()
arithmetic.__enter__()  # until the end
model = {"model_type": asked["model"], "num_layers": asked["layers"], "device": "cpu"}
def rows(candidates, references, **more):
    found = score(candidates, references, batch_size=asked["batch"], **model, **more)
    return [[float(value) for value in row] for row in zip(*found)]
articles, summaries = asked["articles"], asked["summaries"]
first, second = asked["first"], asked["second"]
idf = get_idf_dict(asked["documents"], get_tokenizer(asked["model"]), nthreads=0)
baseline = {"lang": "en", "rescale_with_baseline": True, "baseline_path": asked["baseline"]}
print("ANSWER" + json.dumps({
    "article": rows(summaries, articles),
    "reference": rows(summaries, first),
    "several": rows(summaries, [list(pair) for pair in zip(first, second)]),
    "idf": rows(summaries, first, idf=idf),
    "rescaled": rows(summaries, first, **baseline),
    "transformers": transformers.__version__,
    "layers": {name: model2layers.get(name) for name in asked["names"]},
}))
"""


def references() -> tuple[list[str], list[str]]:
    """Return two references for each pair: the summaries of the next two."""
    summaries = [summary for _, summary in texts.pairs()]
    return summaries[1:] + summaries[:1], summaries[2:] + summaries[:2]


def documents() -> list[str]:
    """Return the texts in which document frequencies are counted, each in one line."""
    return [" ".join(article.split()) for article, _ in texts.pairs()][:20]


def baseline(folder: Path) -> Path:
    """Write a baseline of bert-score's form."""
    rows = [f"{n},{0.1 + n / 20},{0.12 + n / 20},{0.11 + n / 20}" for n in range(6)]
    path = folder / "baseline.tsv"
    path.write_text("\n".join(["LAYER,P,R,F", *rows]) + "\n")
    return path


def fixtures(folder: Path, environment: Path) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return precision, recall and F1 for each encoder."""
    articles, summaries = zip(*texts.pairs(), strict=True)
    first, second = references()
    found: dict[str, tuple[dict[str, Any], str, str]] = {}
    for name, make in ENCODERS.items():
        model = make(folder / name)
        asked = {
            "model": str(model),
            "layers": KEPT_LAYERS,
            "batch": 8,
            "articles": articles,
            "summaries": summaries,
            "first": first,
            "second": second,
            "documents": documents(),
            "baseline": str(baseline(folder)),
            "names": list(bertscore.LAYERS),
            "double": double.__file__,
        }
        values = _ask(environment, asked)
        assert values.pop("layers") == bertscore.LAYERS
        found[f"bertscore_{name}"] = (values, tiny.weights_digest(model), texts.digest())
    return found


def _ask(environment: Path, asked: dict[str, Any]) -> dict[str, Any]:
    ran = subprocess.run(
        [environment / "bin" / "python", "-c", _THERE],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    return dict(json.loads(ran.stdout.partition("ANSWER")[2]))
