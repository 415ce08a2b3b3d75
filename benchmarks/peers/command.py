"""Runs a command of evalharness into a folder that is new, and tells as JSON what it took.

    python benchmarks/peers/command.py run CONFIG --results RESULTS

RESULTS stands for the folder. Told are the clock's seconds and the processor's, those of the driver
alone, and the bytes written. Importing counts: a command does it each time.
"""

import contextlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path


def processor(who: int) -> float:
    """Return the processor's seconds of this process, or of those that it waited for."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _code_of_command() -> object:
    from evalharness.__main__ import main as command

    try:
        return command()
    except SystemExit as end:
        return end.code


def main() -> None:
    """Run it, and end as it ends."""
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["evalharness", *(word.replace("RESULTS", folder) for word in sys.argv[1:])]
        began = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            code = _code_of_command()
        wall = time.perf_counter() - began
        files = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    if code:
        raise SystemExit(code)
    driver = processor(resource.RUSAGE_SELF)
    seconds = driver + processor(resource.RUSAGE_CHILDREN)
    told = {"seconds": seconds, "wall": wall, "driver": driver, "written": sum(files)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
