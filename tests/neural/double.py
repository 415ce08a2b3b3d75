"""Networks in float64, the authors' and ours: so that no digit hangs on a processor's kernels.

In float32, kernels of different processors give scores that differ by up to 6e-6 on the tiny
checkpoints; in float64 by some 1e-12. The weights stay as `tiny` draws them, in float32, and
are widened as they are loaded. What asks for float32 by name (T5's norms, rotary positions, the
`.float()` before a softmax) gets float64 too.

Imports nothing of ours: `official_bertscore` runs it in an environment of its own.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch  # noqa: TID253  imported when the first of these tests runs
import transformers  # noqa: TID253
from torch.overrides import TorchFunctionMode  # noqa: TID253

# Read bytes as numbers of a kind: these stay what they are.
_OF_BYTES = frozenset({torch.Tensor.view, torch.frombuffer})


class _Widened(TorchFunctionMode):
    """Puts float64 wherever a call into torch asks for float32."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Few calls name a kind, and there are hundreds of thousands in a test.
        if func not in _OF_BYTES:
            if func is torch.Tensor.float:
                func = torch.Tensor.double
            for value in args:
                if value is _NARROW:
                    args = tuple(map(_wide, args))
                    break
            if kwargs:
                kwargs = {name: _wide(value) for name, value in kwargs.items()}
        return func(*args, **kwargs) if kwargs else func(*args)


_NARROW = torch.float32


def _wide(value: Any) -> Any:
    return torch.float64 if value is _NARROW else value


def _doubled(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return `from_pretrained` that widens the weights; with a report it returns a pair."""

    @functools.wraps(load)
    def from_pretrained(cls: Any, *given: Any, **options: Any) -> Any:
        loaded = load(cls, *given, **options)
        if isinstance(loaded, tuple):
            return (loaded[0].double(), *loaded[1:])
        return loaded.double()

    return from_pretrained


def _as_it_is(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return `torch.load` that takes a file's numbers by the kind that they are written in."""

    @functools.wraps(load)
    def read(*given: Any, **options: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return load(*given, **options)

    return read


@contextlib.contextmanager
def arithmetic() -> Iterator[None]:
    """Load and run all networks in float64."""
    base: Any = transformers.PreTrainedModel
    original = base.__dict__["from_pretrained"]
    base.from_pretrained = classmethod(_doubled(original.__func__))
    read = torch.load
    torch.load = _as_it_is(read)
    try:
        with _Widened():
            yield
    finally:
        base.from_pretrained, torch.load = original, read
