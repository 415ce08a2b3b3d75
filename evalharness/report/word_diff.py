"""What one text has that another has not, word by word."""

import difflib
import re
from collections.abc import Iterator
from typing import Literal

Change = Literal["same", "removed", "added"]
_WORDS = re.compile(r"\S+")
# Longer texts are cut: what differs further on is not for a comment.
MOST_DIFF_WORDS = 400


def word_diff(before: str, after: str) -> Iterator[tuple[Change, str]]:
    """Yield runs of words that are the same, removed or added.

    >>> list(word_diff("the 12 boats sank", "the 14 boats sank"))
    [('same', 'the'), ('removed', '12'), ('added', '14'), ('same', 'boats sank')]
    """
    old, new = (_WORDS.findall(text)[:MOST_DIFF_WORDS] for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            yield "same", " ".join(old[i:i_end])
            continue
        if i < i_end:
            yield "removed", " ".join(old[i:i_end])
        if j < j_end:
            yield "added", " ".join(new[j:j_end])
