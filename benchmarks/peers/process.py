"""Runs a command and tells as JSON the processor's seconds that it took, children included.

    python benchmarks/peers/process.py PACKAGE [--may-fail] COMMAND …

PACKAGE is the one whose version is told, `-` for none. A gate may fail, and has its time none the
less.
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
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and not may_fail:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    named = "" if package == "-" else version(package)
    print(json.dumps({"seconds": used.ru_utime + used.ru_stime, "version": named}))


if __name__ == "__main__":
    main()
