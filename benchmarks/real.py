"""A whole run of a real chat model beside a plain loop over `generate`: the same texts.

The weights are those of `tests/real`: `PYTHONPATH=tests python -m real` puts SmolLM2-135M-Instruct
into `$EVALHARNESS_REAL`, or else `~/.cache/evalharness-real`.
"""

import json
import os
from pathlib import Path
from typing import Any

from . import table
from .table import REPOSITORY, Row

GROUP = "A real model"
ARTICLES = REPOSITORY / "configs" / "quickstart" / "articles.jsonl"
NUMBER, WORDS, NEW_TOKENS = 12, 85, 16

# Both tell the processor's seconds from the first to the last article, with loading.
OURS = f"""\
import json, sys, tempfile, time
import torch, transformers
import evalharness
from evalharness.models import causal
chat, data = sys.argv[1:]
model = {{"name": "causal", "model": chat, "max_new_tokens": {NEW_TOKENS}}}
config = {{"data": {{"name": "files", "path": data}}, "models": [model], "metrics": ["rouge"]}}
began = time.process_time()
with tempfile.TemporaryDirectory() as results:
    (run,) = evalharness.run(config, results=results)
    lines = (run.folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
seconds = time.process_time() - began
texts = [json.loads(line)["summary"]["text"] for line in lines]
print(json.dumps({{"seconds": seconds, "texts": texts}}))
"""
LOOP = f"""\
import json, sys, time
import torch, transformers
from evalharness.models.causal import INSTRUCTION
chat, data = sys.argv[1:]
began = time.process_time()
tokenizer = transformers.AutoTokenizer.from_pretrained(chat)
model = transformers.AutoModelForCausalLM.from_pretrained(chat).eval()
texts = []
for line in open(data, encoding="utf-8"):
    said = INSTRUCTION.replace("{{article}}", json.loads(line)["article"])
    prompt = tokenizer.apply_chat_template(
        [{{"role": "user", "content": said}}],
        add_generation_prompt=True, return_tensors="pt", return_dict=True,
    )
    with torch.inference_mode():
        (ids,) = model.generate(**prompt, do_sample=False, max_new_tokens={NEW_TOKENS})
    new = ids[prompt["input_ids"].shape[1] :]
    texts.append(tokenizer.decode(new, skip_special_tokens=True).strip())
seconds = time.process_time() - began
print(json.dumps({{"seconds": seconds, "texts": texts}}))
"""


def folder_of_weights() -> Path:
    """Return where the chat model is, if it is there."""
    named = os.environ.get("EVALHARNESS_REAL")
    cache = Path(named) if named else Path.home() / ".cache" / "evalharness-real"
    return cache / "smollm2-135m-instruct"


def rows(folder: Path, rounds: int) -> list[Row]:
    """Run both in turns over the beginnings of some articles."""
    what = (
        f"SmolLM2-135M-Instruct, {NUMBER} articles of {WORDS} words, {NEW_TOKENS} new tokens, "
        "greedy: load, write, score and store"
    )
    peer = "a loop over single articles, which only loads and writes"
    chat = folder_of_weights()
    if not chat.is_dir():
        return [Row(GROUP, what, peer, not_measured="PYTHONPATH=tests python -m real downloads it")]
    data = folder / "articles.jsonl"
    lines = ARTICLES.read_text(encoding="utf-8").splitlines()[:NUMBER]
    data.write_text("".join(_shortened(json.loads(line)) for line in lines), encoding="utf-8")
    ours = [table.OURS, "-c", OURS, str(chat), str(data)]
    loop = [table.OURS, "-c", LOOP, str(chat), str(data)]
    return table.beside(GROUP, what, {"evalharness": ours}, (peer, loop), rounds, _note)


def _shortened(row: dict[str, Any]) -> str:
    words = row["article"].split()[:WORDS]
    kept = {"id": row["id"], "article": " ".join(words), "references": row["references"]}
    return json.dumps(kept) + "\n"


def _note(mine: dict[str, Any], other: dict[str, Any]) -> str:
    differ = sum(a != b for a, b in zip(mine["texts"], other["texts"], strict=True))
    return f"{differ} texts differ" if differ else "same texts"
