"""Encoder-decoder summarizers: BART, T5, Pegasus, LED, mBART and their kin."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import first_sign_of_marks, parts_of_text, positions, window
from evalharness.models.long import MERGE
from evalharness.models.options import CheckpointReader, Generating
from evalharness.models.prompt import NoPrompt, Prompt
from evalharness.protocols import Need
from evalharness.records import Article

if TYPE_CHECKING:
    import torch

    from evalharness.models.engine import GeneratedText

# A checkpoint may hold parameters for several tasks.
TASK = "summarization"

# Pegasus was trained with this for a line break.
_LINE_BREAK = re.compile(r" ?<n> ?")


@dataclass(frozen=True)
class Seq2Seq(Generating):
    """Generate with an encoder-decoder checkpoint as its model card does.

    prefix: text put before every article; None is the checkpoint's own (T5: `summarize: `).
    max_input_tokens: the most tokens of prefix and article; the rest of the article is cut off.
    source_language: language code of the articles, for multilingual checkpoints (`en_XX`).
    target_language: language code of the summaries, likewise.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 2

    prefix: str | None = None
    max_input_tokens: int | None = None
    source_language: str | None = None
    target_language: str | None = None

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        if self.long and self.long.merge != MERGE:
            raise ValueError("long: merge: is for a model that is prompted; this one is not")

    @cached_property
    def reader(self) -> "_Reader":
        """The checkpoint at work, loaded when it is first asked."""
        return _Reader(self, self.load("AutoModelForSeq2SeqLM"))


class _Reader(CheckpointReader):
    """A checkpoint at work; settles once what is the same for all articles."""

    def __init__(self, options: Seq2Seq, loaded: weights.Loaded) -> None:
        from evalharness.models import engine, settings

        self.options = options
        self.model = loaded.model
        self.tokenizer = self._own_tokenizer(loaded.tokenizer)
        if options.long and not self.tokenizer.is_fast:
            raise ModelError(
                f"long: {options.model} has no fast tokenizer, which tells what it cut"
            )
        self.first_sign = first_sign_of_marks(self.tokenizer)
        task = dict((getattr(self.model.config, "task_specific_params", None) or {}).get(TASK, {}))
        prefix = task.pop("prefix", None) or getattr(self.model.config, "prefix", None) or ""
        self.prefix: str = prefix if options.prefix is None else options.prefix
        decoding = options.decoding_options() | self._target_language()
        resolved = settings.resolve(self.model, self.tokenizer, task, decoding, options.cache)
        _check_cap(resolved.cap, positions(self.model.config, "decoder"))
        self.window = window(self.model, self.tokenizer, options.max_input_tokens)
        self.engine = engine.Engine(
            loaded,
            resolved,
            options.batch_size,
            alone=_mixes_rows(self.model, resolved.config),
            extra_inputs=self._extra_inputs,
            before=self._restore_sparse_attention,
        )

    def prompt(self, article: Article) -> Prompt | NoPrompt:
        """Return the tokens of prefix and article, the article cut on the right to fit."""
        from evalharness.models.sampling import article_seed

        key = article_seed(self.options.seed, article.text)
        if self.tokenizer.is_fast and self.first_sign and self.first_sign.search(article.text):
            return self._prompt_of_parts(article.text, key)
        whole = self._tokens(article.text)
        if self.window is None or len(whole["input_ids"]) <= self.window:
            return Prompt(whole["input_ids"], len(article.text), key)
        cut = self._tokens(article.text, truncation=True, max_length=self.window)
        if not self.tokenizer.is_fast:
            return Prompt(cut["input_ids"], None, key)
        read = _end(cut, whole) - len(self.prefix)
        if read <= 0:
            return NoPrompt(f"the prefix leaves no room for the article in {self.window} tokens")
        return Prompt(cut["input_ids"], read, key)

    def _prompt_of_parts(self, text: str, key: bytes) -> Prompt | NoPrompt:
        """Return the prompt of an article that spells out special tokens, which are text in it.

        It is read in parts, of which none has the whole of such a token.
        """
        around = self._tokens("a")
        n_before, n_after = (mask.index(0) for mask in _both_ways(around["special_tokens_mask"]))
        whole = list(self._tokens_of_parts(self.prefix + text))
        kept = whole if self.window is None else whole[: self.window - n_before - n_after]
        read = len(text)
        if len(kept) < len(whole):
            read = min(kept[-1][2], whole[len(kept)][1]) - len(self.prefix) if kept else 0
        if read <= 0:
            return NoPrompt(f"the prefix leaves no room for the article in {self.window} tokens")
        ids = around["input_ids"]
        inner = [token for token, _, _ in kept]
        return Prompt([*ids[:n_before], *inner, *ids[len(ids) - n_after :]], read, key)

    def _tokens_of_parts(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Yield each token with where it begins and ends in the text."""
        start = 0
        for said in parts_of_text(text, self.first_sign):
            part = self.tokenizer(said, add_special_tokens=False, return_offsets_mapping=True)
            for token, (first, last) in zip(part["input_ids"], part["offset_mapping"], strict=True):
                yield token, start + first, start + last
            start += len(said)

    def _tokens(self, text: str, **options: Any) -> Any:
        fast = self.tokenizer.is_fast
        options |= {"return_offsets_mapping": fast, "return_special_tokens_mask": fast}
        return self.tokenizer(self.prefix + text, **options)

    def clean_text(self, written: "GeneratedText", prompt: Prompt) -> str:
        """Return what was written as people are to read it."""
        text = written.text
        if "pegasus" in self.model.config.model_type:
            text = _LINE_BREAK.sub("\n", text)
        return text.strip()

    def _own_tokenizer(self, tokenizer: Any) -> Any:
        """Return a tokenizer that may be changed, without a change to others' in memory."""
        tokenizer = copy.deepcopy(tokenizer)
        tokenizer.truncation_side = "right"
        code = self.options.source_language
        if code is not None:
            self._language_token(tokenizer, code, "source_language")
            tokenizer.src_lang = code
        return tokenizer

    def _target_language(self) -> dict[str, int]:
        """Return the token that stands for the target language, where the decoder expects it."""
        code = self.options.target_language
        if code is None:
            return {}
        token = self._language_token(self.tokenizer, code, "target_language")
        # The first mBART starts with the language; mBART-50, M2M-100 and NLLB write it first.
        starts = type(self.tokenizer).__name__.startswith("MBartTokenizer")
        return {"decoder_start_token_id" if starts else "forced_bos_token_id": token}

    def _language_token(self, tokenizer: Any, code: str, option: str) -> int:
        if not hasattr(tokenizer, "src_lang"):
            raise ModelError(f"{option}: {self.options.model} is not multilingual")
        token = tokenizer.convert_tokens_to_ids(code)
        if token is None or token == tokenizer.unk_token_id:
            raise ModelError(f"{option}: {self.options.model} has no language {code!r}")
        return int(token)

    def _extra_inputs(self, ids: "torch.Tensor") -> dict[str, "torch.Tensor"]:
        """Return what this kind of model needs beside ids and mask."""
        if self.model.config.model_type != "led":
            return {}
        everywhere = ids.new_zeros(ids.shape)
        everywhere[:, 0] = 1  # the paper's choice for summarization: the first token sees all
        return {"global_attention_mask": everywhere}

    def _restore_sparse_attention(self) -> None:
        """Undo what a short text did to BigBird: it would read all later ones in full too."""
        if self.model.config.model_type == "bigbird_pegasus":
            self.model.get_encoder().set_attention_type(self.model.config.attention_type)


def _both_ways(mask: list[int]) -> tuple[list[int], list[int]]:
    return mask, mask[::-1]


def _end(cut: Any, whole: Any) -> int:
    """Return the end of what was kept, in characters.

    That is where the last token kept ends, but no further than where the first one cut begins: a
    lone word mark of Metaspace points at the next letter, and a letter may be cut between bytes.
    """
    kept = _content(cut)
    return min(kept[-1][1], _content(whole)[len(kept)][0]) if kept else 0


def _content(encoded: Any) -> list[tuple[int, int]]:
    pairs = zip(encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True)
    return [offsets for offsets, special in pairs if not special]


def _check_cap(cap: int, positions: int | None) -> None:
    if positions is not None and cap > positions:
        raise ModelError(f"max_new_tokens: {cap}, but the decoder has {positions} positions")


def _mixes_rows(model: Any, config: Any) -> bool:
    """Return whether a row's padding would change its result, so that each must run alone.

    BigBird chooses its kind of attention by the padded length; the two penalties look at the
    tokens of the encoder's input, padding included.
    """
    return (
        model.config.model_type == "bigbird_pegasus"
        or (config.encoder_repetition_penalty or 1.0) != 1.0
        or (config.encoder_no_repeat_ngram_size or 0) > 0
    )
