"""Intervals, paired tests, agreement, preferences: arrays in, arrays out."""

import os
import sys

# By whichever a user says how many threads multiply matrices, for the kinds of numpy there are.
_THREADS = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_PATIENCE = "OPENBLAS_THREAD_TIMEOUT"
# Threads of OpenBLAS look for work 2**16 times before they sleep; by default 2**26 times, which is
# longer than all products of a gate take, on each processor.
_SHORT = "16"


def import_numpy(*, one_thread: bool = False) -> None:
    """Import numpy, if it is not there yet, so that its threads do not wait for work on the side.

    one_thread: whether it has one thread for products of matrices, as suits a process of ours with
    small ones; else its threads sleep sooner. What a user has set holds; nothing is left in the
    environment, for other libraries and child processes.
    """
    if "numpy" in sys.modules or any(name in os.environ for name in (*_THREADS, _PATIENCE)):
        return
    name, value = (_THREADS[0], "1") if one_thread else (_PATIENCE, _SHORT)
    os.environ[name] = value
    try:
        import numpy  # noqa: F401  it reads the variable now
    finally:
        del os.environ[name]
