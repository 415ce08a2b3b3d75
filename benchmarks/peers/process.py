"""Runs a command and tells as JSON the processor's seconds that it took, children included.

    python benchmarks/peers/process.py PACKAGE COMMAND …

PACKAGE is the one whose version is told, `-` for none.
"""

import json
import resource
import subprocess
import sys
from importlib.metadata import version


def main() -> None:
    """Run it, and end as it ends."""
    package, *command = sys.argv[1:]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    named = "" if package == "-" else version(package)
    print(json.dumps({"seconds": used.ru_utime + used.ru_stime, "version": named}))


if __name__ == "__main__":
    main()
