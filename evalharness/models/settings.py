"""What a checkpoint says of decoding and of its limits, under what the config says.

Imported late, as is all that imports transformers.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from transformers import CompileConfig, GenerationConfig

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import positions
from evalharness.models import sampling

# A checkpoint that states no length at all would stop after 20 tokens.
DEFAULT_CAP = 128


@dataclass(frozen=True)
class DecodingSettings:
    """How to decode: what the checkpoint says, under its task's, under the config's options.

    config: for `generate`, complete; greedy where `draw` does the sampling.
    draw: settings of the distribution to draw from, or None.
    cap: the most new tokens, the end mark among them.
    stop: strings that end a text, as the checkpoint has them.
    """

    config: GenerationConfig
    draw: Mapping[str, Any] | None
    cap: int
    stop: tuple[str, ...] = ()

    @property
    def beams(self) -> int:
        """Return the number of beams."""
        return int(self.config.num_beams or 1)

    @property
    def samples_beams(self) -> bool:
        """Return whether beams are drawn, for which there is only the global random stream."""
        return bool(self.config.do_sample)


def resolve(
    model: Any,
    tokenizer: Any,
    task: Mapping[str, Any],
    options: Mapping[str, Any],
    cache: Literal["static", "compiled"] | None = None,
) -> DecodingSettings:
    """Return how to decode: the options, over the task's parameters, over the checkpoint's own.

    Raises: ModelError where they contradict each other.
    """
    config = copy.deepcopy(model.generation_config)
    for name, value in [*task.items(), *options.items()]:
        setattr(config, name, value)
    _settle_tokens(config, tokenizer)
    cap = _settle_length(config, task, options, model.config)
    own = config.stop_strings or ()
    stop = (own,) if isinstance(own, str) else tuple(filter(None, own))
    _settle_outputs(config)
    _settle_cache(config, cache)
    draw = None
    if config.do_sample and (config.num_beams or 1) == 1:
        draw = {n: v for n in sampling.SETTINGS if (v := getattr(config, n, None)) is not None}
    if draw is not None or not config.do_sample:
        for name in sampling.SETTINGS:
            setattr(config, name, None)
        config.do_sample = False
    try:
        with weights.quiet():  # advice on settings that a checkpoint has and that now do nothing
            config.validate()
    except ValueError as error:
        raise ModelError(f"decoding: {error}") from error
    return DecodingSettings(config, draw, cap, stop)


def _settle_tokens(config: GenerationConfig, tokenizer: Any) -> None:
    if config.eos_token_id is None:
        config.eos_token_id = tokenizer.eos_token_id
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id
    if config.pad_token_id is None and end_tokens(config):
        config.pad_token_id = end_tokens(config)[0]


def end_tokens(config: GenerationConfig) -> list[int]:
    """Return the tokens that end a summary."""
    eos = config.eos_token_id
    return [] if eos is None else [eos] if isinstance(eos, int) else list(eos)


def _settle_length(
    config: GenerationConfig, task: Mapping[str, Any], options: Mapping[str, Any], shape: Any
) -> int:
    """Leave one upper limit and one lower limit; return the most new tokens.

    `max_length` of an encoder-decoder counts the decoder's start token. That of a decoder counts
    the prompt, so it says nothing about summaries and is not used.
    """
    encoder_decoder = bool(shape.is_encoder_decoder)
    if "max_new_tokens" in options or not encoder_decoder:
        config.max_length = None
    elif "max_length" in task:
        config.max_new_tokens = None
    if config.max_new_tokens is not None:
        config.max_length = None
    elif config.max_length is None:
        positions_left = positions(shape, "decoder") if encoder_decoder else None
        config.max_new_tokens = min(DEFAULT_CAP, positions_left or DEFAULT_CAP)
    if "min_new_tokens" in options or not encoder_decoder:
        config.min_length = None
    cap = int(config.max_new_tokens or config.max_length - 1)
    least = options.get("min_new_tokens", 0)
    if least > cap:
        raise ModelError(
            f"min_new_tokens: {least} is above the checkpoint's own most new tokens, {cap}: "
            "set max_new_tokens too"
        )
    if config.min_length is not None:
        config.min_length = min(config.min_length, cap + 1)
    return cap


def _settle_outputs(config: GenerationConfig) -> None:
    """Ask for one sequence of tokens and nothing else, and for no end by the clock."""
    config.num_return_sequences = 1
    config.return_dict_in_generate = False
    config.output_scores = config.output_logits = None
    config.output_attentions = config.output_hidden_states = None
    config.max_time = None
    config.stop_strings = None


def _settle_cache(config: GenerationConfig, cache: Literal["static", "compiled"] | None) -> None:
    """Choose how keys and values are kept; by itself, transformers compiles on a GPU only."""
    config.cache_implementation = None if cache is None else "static"
    config.disable_compile = cache != "compiled"
    config.compile_config = None
    if cache == "compiled":
        config.compile_config = CompileConfig()
        config.compile_config._compile_all_devices = True
