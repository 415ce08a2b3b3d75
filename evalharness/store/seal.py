"""What names the bytes of files, kept beside what they hold, so that a change can be seen later.

`run.json` has under `timing.sealed` the SHA-256 of every file of its folder, and of itself without
that one line; `sweep.json` has its own under `seal`, and a page on its last line. A digest is no
signature: whoever changes a file on purpose can make another. `evalharness verify` therefore
computes numbers again, too.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN_FILE = "run.json"
SEALED = "sealed"
_PAGE_SEAL = "<!-- sha256 "


def file_digest(content: Path | str) -> str:
    """Return the SHA-256 of a file, or of the file that would hold a text."""
    if isinstance(content, str):
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_of(record: Mapping[str, Any]) -> str:
    """Return the one text of a `run.json`."""
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def seal(record: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """Return what a `run.json` holds, with the digests of the other files and its own."""
    timing = {**record.get("timing", {}), SEALED: dict(digests)}
    whole = {**record, "timing": timing}
    timing[SEALED] = {**digests, RUN_FILE: file_digest(text_of(whole))}
    return whole


def digests_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests that a `run.json` tells, by file; none where it is of an older version."""
    timing = record.get("timing")
    told = timing.get(SEALED) if isinstance(timing, dict) else None
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def seal_again(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a `run.json` holds with its own digest made again."""
    others = {name: found for name, found in digests_of(record).items() if name != RUN_FILE}
    return seal(record, others)


def sealed_alone(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file holds that stands for itself (`sweep.json`), with its own digest."""
    bare = {key: value for key, value in record.items() if key != SEALED}
    return {**bare, SEALED: file_digest(text_alone(bare))}


def text_alone(record: Mapping[str, Any]) -> str:
    """Return the one text of such a file."""
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def sealed_page(page: str) -> str:
    """Return a page with a last line that tells the digest of all above it."""
    return f"{page}{_PAGE_SEAL}{file_digest(page)} -->\n"


def page_is_whole(path: Path) -> bool:
    """Tell whether a page has the digest that its last line tells."""
    content = path.read_bytes()
    above, _, _ = content.rpartition(_PAGE_SEAL.encode())
    return content == above + f"{_PAGE_SEAL}{hashlib.sha256(above).hexdigest()} -->\n".encode()
