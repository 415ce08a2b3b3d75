"""What work takes, for tests that it does not grow with the square, or backtrack for minutes."""

import gc
import time
from collections.abc import Callable

_LOOP = 400_000  # rounds, which took this long on the machine that the bounds were set on:
_LOOP_SECONDS = 0.03


def seconds(work: Callable[[], object], enough: float = 0.0, tries: int = 3) -> float:
    """Return the processor seconds that work takes: the least of some tries.

    Tries end with the first that takes no longer than is enough. On a processor that is slower
    than the one on which bounds were set, as many times fewer seconds are counted. Objects that
    earlier tests left are not looked through meanwhile, which takes longer the more there are.
    """
    least = float("inf")
    gc.disable()
    try:
        for _ in range(tries):
            took = _spent(work)
            if took > enough:
                took /= max(1.0, _spent(_loop) / _LOOP_SECONDS)
            least = min(least, took)
            if least <= enough:
                break
    finally:
        gc.enable()
    return least


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _loop() -> int:
    found = {}
    for n in range(_LOOP):
        found[n & 1023] = n * 3
    return len(found)
