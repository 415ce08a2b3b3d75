"""Continuous batching: a row that ends makes room for the next prompt at once.

That is `generate_batch` of transformers 5, with its paged cache; greedy only. Imported late.
"""

import contextlib
import io
import logging
from collections.abc import Sequence
from typing import Any

from transformers import ContinuousBatchingConfig  # noqa: TID253  imported when the work starts

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.models.settings import DecodingSettings

_LOG = "ContinuousBatchingLogger"
# On a CPU nobody tells how much memory the cache may take: pages for so many prompts at once.
_PAGE = 64
_AT_ONCE = 32


def check_generation_mode(
    loaded: weights.Loaded, settings: DecodingSettings, stop: Sequence[str]
) -> None:
    """Raise ModelError where `generate_batch` would decode otherwise than `generate`."""
    what = ""
    if settings.beams > 1:
        what = f"num_beams: {settings.beams}"
    elif settings.draw is not None or settings.samples_beams:
        what = "do_sample: true, whose draws must not depend on the batch"
    elif stop:
        what = "stop"
    elif settings.config.cache_implementation is not None:
        what = "cache"
    else:
        processors = loaded.model._get_logits_processor(settings.config, input_ids_seq_length=1)
        what = ", ".join(type(processor).__name__ for processor in processors)
    if what:
        raise ModelError(f"batching: continuous is for plain greedy decoding, without {what}")


def new_tokens(
    loaded: weights.Loaded, settings: DecodingSettings, prompts: Sequence[list[int]]
) -> list[list[int]]:
    """Return the new tokens of each prompt, in order. Raises: RuntimeError where some are lost."""
    longest = max(map(len, prompts)) + settings.cap
    options: dict[str, Any] = {}
    if loaded.device.type == "cpu":
        pages = -(-longest // _PAGE) * min(len(prompts), _AT_ONCE) + 1
        options = {"page_size": _PAGE, "num_blocks": pages, "max_batch_tokens": max(512, longest)}
    with _silent():
        found = loaded.model.generate_batch(
            list(prompts),
            generation_config=settings.config,
            continuous_batching_config=ContinuousBatchingConfig(**options),
        )
    errors = [output.error for output in found.values() if output.error]
    if errors or len(found) != len(prompts):
        raise RuntimeError(errors[0] if errors else "generate_batch lost some prompts")
    return [list(output.generated_tokens) for output in found.values()]


@contextlib.contextmanager
def _silent() -> Any:
    """Keep what it logs and prints from the output; what goes wrong is in what it returns."""
    log = logging.getLogger(_LOG)
    was, log.disabled = log.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.disabled = was
