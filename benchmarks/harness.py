"""A whole run of a tiny model beside lm-evaluation-harness: the same articles, prompt and ROUGE."""

import json
from collections.abc import Sequence
from pathlib import Path

from . import table
from .table import REPOSITORY, Row

QUICKSTART = REPOSITORY / "configs" / "quickstart"
CHECKPOINT = QUICKSTART / "lead1-llama"
PROMPT = "{article}\n\nSummarize this article."
NEW_TOKENS = 400
GROUP = "A whole run"

TASK = """\
task: tiny_summaries
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{article}}}}\\n\\nSummarize this article."
doc_to_target: "{{{{reference}}}}"
process_results: !function scored.scores
generation_kwargs: {{until: [], max_gen_toks: {tokens}, do_sample: false}}
metric_list:
  - {{metric: rouge1, aggregation: mean, higher_is_better: true}}
  - {{metric: rouge2, aggregation: mean, higher_is_better: true}}
  - {{metric: rougeL, aggregation: mean, higher_is_better: true}}
  - {{metric: rougeLsum, aggregation: mean, higher_is_better: true}}
"""
SCORES = """\
from rouge_score import rouge_scorer

scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)


def scores(doc, results):
    found = scorer.score(doc["reference"], results[0])
    return {name: figure.fmeasure for name, figure in found.items()}
"""


def rows(peers: str, folder: Path, rounds: int) -> list[Row]:
    """Run both commands in turns, each into a folder that is new."""
    articles = (QUICKSTART / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    data = folder / "tiny.jsonl"
    texts = [json.loads(line) for line in articles]
    kept = [
        {"id": row["id"], "article": row["article"], "reference": row["references"][0]}
        for row in texts
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    task = folder / "tasks"
    task.mkdir()
    (task / "tiny.yaml").write_text(TASK.format(data=data, tokens=NEW_TOKENS), encoding="utf-8")
    (task / "scored.py").write_text(SCORES, encoding="utf-8")
    sheet = folder / "tiny.json"
    sheet.write_text(json.dumps(_sheet(data)), encoding="utf-8")
    theirs = [
        *(
            peers,
            "-m",
            "lm_eval",
            "--model",
            "hf",
            "--tasks",
            "tiny_summaries",
            "--batch_size",
            "1",
        ),
        *("--model_args", f"pretrained={CHECKPOINT},dtype=float32", "--device", "cpu"),
        *("--include_path", str(task), "--apply_chat_template"),
    ]
    what = f"lead1-llama, {len(texts)} articles, {NEW_TOKENS} new tokens, ROUGE: from start to end"
    ours = {"evalharness": _fresh(sheet)}
    return table.beside(GROUP, what, ours, ("lm-eval", _timed(peers, theirs)), rounds)


def _sheet(data: Path) -> dict[str, object]:
    return {
        "name": "tiny",
        "data": {"name": "files", "path": str(data)},
        "model": {"name": "causal", "model": str(CHECKPOINT), "user": PROMPT},
        "generation": {"max_new_tokens": NEW_TOKENS, "num_beams": 1, "batch_size": 1},
        "metrics": ["rouge"],
    }


def _fresh(sheet: Path) -> list[str]:
    code = (
        "import json, sys, tempfile; from evalharness import run\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    run(json.load(open(sys.argv[1])), results=folder)"
    )
    return _timed(table.OURS, [table.OURS, "-c", code, str(sheet)], "-")


def _timed(python: str, command: Sequence[str], package: str = "lm-eval") -> list[str]:
    return [python, str(Path(__file__).parent / "peers" / "process.py"), package, *command]
