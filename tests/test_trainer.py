"""`compute_metrics` in a real training loop: it logs the numbers that rouge_score gives."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import evalharness as eh
from evalharness.errors import DataError
from evalharness.store.runs import runs_in

TEXTS = [
    "The mayor opened the bridge on Monday.",
    "Snow fell on the hills and nobody was hurt.",
    "Two people died in Rome in 2018.",
    "The river rose after heavy rain.",
]
REFERENCES = ["The bridge was opened.", "It snowed on the hills.", "Two died.", "The river rose."]


class Words:
    """A tokenizer of single words: ids are their places in a list."""

    def __init__(self) -> None:
        self.words: list[str] = ["<pad>"]

    def ids(self, texts: list[str]) -> list[list[int]]:
        self.words += sorted({word for text in texts for word in text.split()} - {*self.words})
        return [[self.words.index(word) for word in text.split()] for text in texts]

    def batch_decode(self, rows: Any, skip_special_tokens: bool) -> list[str]:
        assert skip_special_tokens
        return [" ".join(self.words[n] for n in row if n) for row in rows]


def padded(rows: list[list[int]], fill: int) -> Any:
    width = max(map(len, rows))
    return np.array([row + [fill] * (width - len(row)) for row in rows])


def origin(summaries: list[str], references: list[str]) -> dict[str, float]:
    """Return the means that rouge_score gives; an empty summary counts as 0 there."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    found = [scorer.score(r, s) for s, r in zip(summaries, references, strict=True)]
    return {name: float(np.mean([each[name].fmeasure for each in found])) for name in found[0]}


SUMMARIES = ["The mayor opened the bridge.", "", "Two people died in Rome.", "Snow fell."]


@pytest.fixture
def words() -> Words:
    return Words()


def prediction(words: Words) -> Any:
    return SimpleNamespace(
        predictions=padded(words.ids(SUMMARIES), 0),
        label_ids=padded(words.ids(REFERENCES), -100),
        inputs=padded(words.ids(TEXTS), 0),
    )


def test_padding_and_empty_summaries_score_as_in_rouge_score(words: Words) -> None:
    given = prediction(words)
    assert eh.compute_metrics(words, metrics="rouge")(given) == pytest.approx(
        origin(SUMMARIES, REFERENCES), abs=1e-12
    )


def test_padding_of_predictions_may_be_minus_100(words: Words) -> None:
    given = prediction(words)
    given.predictions = padded(words.ids(SUMMARIES), -100)
    assert eh.compute_metrics(words)(given)["rouge1"] == pytest.approx(
        origin(SUMMARIES, REFERENCES)["rouge1"], abs=1e-12
    )


def test_scores_of_tokens_are_decoded_by_the_likeliest(words: Words) -> None:
    given = prediction(words)
    ids = given.predictions
    given.predictions = (np.eye(len(words.words))[ids], np.zeros((4, 2)))
    assert eh.compute_metrics(words)(given)["rouge1"] == pytest.approx(
        origin(SUMMARIES, REFERENCES)["rouge1"], abs=1e-12
    )


def test_batches_are_scored_together_at_the_end(words: Words) -> None:
    import torch

    whole = prediction(words)
    compute = eh.compute_metrics(words)
    for _ in range(2):  # two evaluations
        for at in range(4):
            batch = SimpleNamespace(
                predictions=torch.tensor(whole.predictions[at : at + 1]),
                label_ids=torch.tensor(whole.label_ids[at : at + 1]),
            )
            found = compute(batch, compute_result=at == 3)
            assert (found == {}) == (at < 3)
        assert found == eh.compute_metrics(words)(whole)


def test_checks_read_the_inputs_of_the_model(words: Words) -> None:
    given = prediction(words)
    compute = eh.compute_metrics(words, metrics=["rouge"], checks=["lexical"])
    assert 0 < compute(given)["lexical"] <= 1

    given.inputs = None
    with pytest.raises(DataError, match=r'include_for_metrics=\["inputs"\]'):
        compute(given)


@pytest.mark.parametrize("generate", [True, False])
@pytest.mark.usefixtures("one_thread")
def test_trainer_logs_what_rouge_score_gives(generate: bool, tmp_path: Any) -> None:
    pytest.importorskip("accelerate")
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments

    model, tokenizer = tiny_model()
    rows: Any = [
        {**tokenizer(text), "labels": tokenizer(REFERENCES[-1])["input_ids"]}
        for text in TEXTS  # all with one reference, which 20 steps are enough to learn
    ]
    compute = eh.compute_metrics(tokenizer, metrics=["rouge"])
    seen: list[Any] = []

    def keep(given: Any) -> dict[str, float]:
        seen.append(given)
        return compute(given)

    trainer = Seq2SeqTrainer(
        model=model,
        args=arguments(Seq2SeqTrainingArguments, tmp_path, generate),
        train_dataset=rows,
        eval_dataset=rows,
        data_collator=collator(tokenizer, model),
        compute_metrics=keep,
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "eval_rouge1" in entry]

    assert [entry["step"] for entry in logged] == [10, 20]
    for entry, given in zip(logged, seen, strict=True):
        expected = origin(*decoded(tokenizer, given))
        for name in ("rouge1", "rouge2", "rougeL"):
            assert entry[f"eval_{name}"] == pytest.approx(expected[name], abs=1e-9)
    assert logged[-1]["eval_rouge1"] > 0


# How all of it is used, as one script; `...` stands for the trainer's own options.
SCRIPT = """\
import evalharness as eh
scores = eh.score(summaries, references=refs, articles=texts, metrics=["rouge"], checks=["lexical"])
scores["rouge1"], scores.mean(), scores.interval("rouge1"), scores.to_pandas(), scores.flags(), \
scores.signature
eh.score({"bart": a, "pegasus": b}, references=refs).compare()
eh.score_files(["a.jsonl", "b.jsonl"])
trainer = Seq2SeqTrainer(..., compute_metrics=eh.compute_metrics(tokenizer, metrics=["rouge"]))
"""


@pytest.mark.usefixtures("one_thread")
def test_script_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed: no Trainer without it")
    pytest.importorskip("pandas", reason="pandas is not installed: to_pandas needs it")
    import transformers

    monkeypatch.chdir(tmp_path)
    model, tokenizer = tiny_model()
    rows: Any = [{**tokenizer(text), "labels": tokenizer(text)["input_ids"]} for text in TEXTS]

    def make_trainer(others: Any, **options: Any) -> Any:
        assert others is ...
        return transformers.Seq2SeqTrainer(
            model=model,
            args=arguments(transformers.Seq2SeqTrainingArguments, tmp_path, generate=True),
            train_dataset=rows,
            eval_dataset=rows,
            data_collator=collator(tokenizer, model),
            **options,
        )

    for name, texts in (("a", SUMMARIES), ("b", TEXTS)):
        lines = [
            json.dumps({"id": str(n), "article": article, "reference": reference, "summary": text})
            for n, (article, reference, text) in enumerate(
                zip(TEXTS, REFERENCES, texts, strict=True)
            )
        ]
        Path(f"{name}.jsonl").write_text("\n".join(lines))
    Path("script.py").write_text(SCRIPT)
    given = {
        "summaries": SUMMARIES, "refs": REFERENCES, "texts": TEXTS, "a": SUMMARIES, "b": TEXTS,
        "tokenizer": tokenizer, "Seq2SeqTrainer": make_trainer,
    }  # fmt: skip
    held = runpy.run_path("script.py", init_globals=given)

    assert held["scores"]["rouge1"].shape == (4,)
    assert [run.name for run in runs_in("results/score")] == ["a", "b"]
    held["trainer"].train()
    logged = [entry for entry in held["trainer"].state.log_history if "eval_rouge1" in entry]
    assert [entry["step"] for entry in logged] == [10, 20]


def decoded(tokenizer: Any, given: Any) -> tuple[list[str], list[str]]:
    """Decode as the examples of transformers do: padding in place of -100, then the text."""
    ids = given.predictions[0] if isinstance(given.predictions, tuple) else given.predictions
    ids = ids.argmax(-1) if ids.ndim == 3 else ids
    both = []
    for each in (ids, given.label_ids):
        filled = np.where(each == -100, tokenizer.pad_token_id, each)
        texts = tokenizer.batch_decode(filled, skip_special_tokens=True)
        both.append([text.strip() for text in texts])
    return both[0], both[1]


def tiny_model() -> tuple[Any, Any]:
    """Return a random BART of whole words, and its tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        PreTrainedTokenizerFast,
        set_seed,
    )

    words = ["<s>", "<pad>", "</s>", "<unk>"]
    words += sorted({word for text in [*TEXTS, *REFERENCES] for word in text.split()})
    ids = {word: n for n, word in enumerate(words)}
    built: Any = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    built.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    named: dict[str, Any] = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>"}
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=built, unk_token="<unk>", **named)
    shape: dict[str, Any] = {"d_model": 32, "max_position_embeddings": 32}
    for side in ("encoder", "decoder"):
        shape |= {f"{side}_layers": 1, f"{side}_ffn_dim": 64, f"{side}_attention_heads": 2}
    set_seed(3)
    model = BartForConditionalGeneration(BartConfig(vocab_size=len(words), **shape))
    return model, tokenizer


def collator(tokenizer: Any, model: Any) -> Any:
    from transformers import DataCollatorForSeq2Seq

    return DataCollatorForSeq2Seq(tokenizer, model=model)


def arguments(make: Any, folder: Any, generate: bool) -> Any:
    return make(
        output_dir=str(folder / "out"),
        max_steps=20,
        eval_strategy="steps",
        eval_steps=10,
        learning_rate=0.02,
        lr_scheduler_type="constant",
        per_device_train_batch_size=2,
        per_device_eval_batch_size=2,
        predict_with_generate=generate,
        generation_max_length=16,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        seed=3,
    )
