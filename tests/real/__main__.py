"""Download and convert the real weights; print where each is."""

import sys

from real import Unavailable, get

try:
    for name, path in get(say=True)._asdict().items():
        print(f"{name}: {path}")
except Unavailable as error:
    sys.exit(f"no real weights: {error}")
