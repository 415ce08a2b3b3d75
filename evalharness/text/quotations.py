"""What stands between quotation marks, with character offsets."""

import re

from evalharness.records import Span

# What follows an apostrophe in tokenised text: the player 's, they 're.
_CLITIC = r"(?:s|re|ll|ve|d|m|t)\b"
# Double marks of every dress, and single ones that cannot be apostrophes.
_QUOTED = re.compile(
    r"“(?P<curly>[^“”\n]{2,600})”|\"(?P<straight>[^\"\n]{2,600})\"|«(?P<angled>[^«»\n]{2,600})»"
    r"|„(?P<low>[^„“”\n]{2,600})[“”]|``(?P<ticks>[^`\n]{2,600}?)(?:''|``|\")"
    r"|(?<!\w)‘(?P<single>[^‘’\n]{3,300}(?:’\w[^‘’\n]{1,300}){0,5})’(?!\w)"
    rf"|`(?P<tick>[^`'\n]{{2,300}}(?:'\w[^`'\n]{{1,300}}){{0,5}})'(?!\w)"
    rf"|(?<!\w)'(?!\s?{_CLITIC})(?P<plain>\s?(?=\w)[^'\n]{{3,300}}"
    rf"(?:(?:(?<=\w)'\w|\s'{_CLITIC})[^'\n]{{1,300}}){{0,5}})(?<=[\w.,!?\s])'(?!\w)"
)


def quotations(text: str) -> list[Span]:
    """Return the quoted words of a text in order, without their marks.

    Single marks count where they cannot be apostrophes: `'never again' she said`, not `the '90s`.

    >>> text = 'He said: “Why me?” The \\'worst of all\\' days, she said, was "grim".'
    >>> [quoted.of(text) for quoted in quotations(text)]
    ['Why me?', 'worst of all', 'grim']
    """
    found: list[Span] = []
    for match in _QUOTED.finditer(text):
        inside = match[match.lastgroup or 0]
        start = match.start(match.lastgroup or 0)
        leading = len(inside) - len(inside.lstrip())
        if inside.strip():
            found.append(Span(start + leading, start + leading + len(inside.strip())))
    return found
