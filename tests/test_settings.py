"""What decides how a checkpoint decodes: the options, over its task's parameters, over its own."""

from types import SimpleNamespace
from typing import Any

import pytest

from evalharness.errors import ModelError


def resolved(
    own: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    encoder_decoder: bool = True,
    **options: Any,
) -> Any:
    """Return the settings of a checkpoint with 1,024 positions that says this of decoding."""
    from transformers import BartConfig, GenerationConfig, GPT2Config

    from evalharness.models.settings import resolve

    shape: Any = BartConfig() if encoder_decoder else GPT2Config()
    untyped: Any = GenerationConfig
    config = untyped(**({"eos_token_id": 2} | (own or {})))
    model = SimpleNamespace(generation_config=config, config=shape)
    tokenizer = SimpleNamespace(eos_token_id=7, pad_token_id=None)
    return resolve(model, tokenizer, task or {}, options)


def lengths(settings: Any) -> tuple[int | None, int | None, int | None, int]:
    config = settings.config
    return config.max_length, config.max_new_tokens, config.min_length, settings.cap


def test_length_of_the_checkpoint_is_kept_with_its_own_meaning() -> None:
    own = {"max_length": 142, "min_length": 56}
    assert lengths(resolved(own)) == (142, None, 56, 141)
    assert lengths(resolved({"max_new_tokens": 90})) == (None, 90, None, 90)
    assert lengths(resolved()) == (None, 128, None, 128)


def test_length_of_the_task_beats_any_of_the_checkpoint() -> None:
    task = {"max_length": 20}
    assert lengths(resolved({"max_length": 142}, task)) == (20, None, None, 19)
    assert lengths(resolved({"max_new_tokens": 90}, task)) == (20, None, None, 19)


def test_length_of_the_options_beats_all() -> None:
    own = {"max_length": 142, "min_length": 56}
    assert lengths(resolved(own, {"max_length": 20}, max_new_tokens=80)) == (None, 80, 56, 80)
    assert lengths(resolved(own, min_new_tokens=5)) == (142, None, None, 141)
    assert resolved(own, min_new_tokens=5).config.min_new_tokens == 5


def test_least_length_is_no_more_than_the_cap_allows() -> None:
    assert lengths(resolved({"min_length": 56}, max_new_tokens=16)) == (None, 16, 17, 16)


def test_length_of_a_decoder_that_counts_its_prompt_is_not_used() -> None:
    own = {"max_length": 4096, "min_length": 50}
    assert lengths(resolved(own, encoder_decoder=False)) == (None, 128, None, 128)
    chat = {"max_length": 4096, "max_new_tokens": 300}
    assert lengths(resolved(chat, encoder_decoder=False)) == (None, 300, None, 300)


def test_clock_and_extra_outputs_of_a_checkpoint_are_dropped() -> None:
    own = {"max_time": 0.1, "return_dict_in_generate": True, "output_scores": True}
    config = resolved(own | {"num_beams": 4, "num_return_sequences": 4}).config
    assert config.max_time is None
    assert not config.return_dict_in_generate
    assert not config.output_scores
    assert (config.num_beams, config.num_return_sequences) == (4, 1)


def test_marks_that_the_checkpoint_lacks_come_from_the_tokenizer() -> None:
    from evalharness.models.settings import end_tokens

    assert end_tokens(resolved().config) == [2]
    assert resolved().config.pad_token_id == 2
    assert end_tokens(resolved({"eos_token_id": None}).config) == [7]
    assert end_tokens(resolved({"eos_token_id": [5, 6]}).config) == [5, 6]
    assert resolved({"eos_token_id": [5, 6]}).config.pad_token_id == 5


def test_sampling_of_single_beams_is_ours_and_of_several_is_transformers() -> None:
    single = resolved(do_sample=True, temperature=0.5)
    assert single.draw == {"temperature": 0.5}
    assert not single.config.do_sample
    assert single.config.temperature is None
    several = resolved(do_sample=True, temperature=0.5, num_beams=2)
    assert several.draw is None
    assert several.samples_beams
    assert several.config.temperature == 0.5
    greedy = resolved({"do_sample": True, "temperature": 0.5}, do_sample=False)
    assert (greedy.draw, greedy.config.temperature) == (None, None)


def test_settings_that_transformers_refuses_are_a_model_error() -> None:
    with pytest.raises(ModelError, match="decoding: `early_stopping` must be"):
        resolved(task={"early_stopping": "sometimes"})
