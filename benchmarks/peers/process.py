"""Runs a command and tells as JSON the processor's seconds that it took, children included.

    python benchmarks/peers/process.py PACKAGE [--may-fail] [--times N] COMMAND …

PACKAGE is the one whose version is told, `-` for none. A gate may fail, and has its time none the
less. What takes milliseconds is run N times, after one time that is not measured: then its modules
are compiled, as they are where a package was installed; told is the mean.
"""

import json
import resource
import subprocess
import sys
from importlib.metadata import version


def main() -> None:
    """Run it, and end as it ends."""
    package, *command = sys.argv[1:]
    may_fail = command[0] == "--may-fail"
    command = command[may_fail:]
    times = 0
    if command[0] == "--times":
        times, command = int(command[1]), command[2:]
        _run(command, may_fail)
    before = _seconds()
    for _ in range(max(1, times)):
        _run(command, may_fail)
    seconds = (_seconds() - before) / max(1, times)
    named = "" if package == "-" else version(package)
    print(json.dumps({"seconds": seconds, "version": named}))


def _run(command: list[str], may_fail: bool) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and not may_fail:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
