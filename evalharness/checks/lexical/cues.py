"""Which words of a text are denied, and which are only said to be possible."""

import re

from evalharness.checks.lexical.passages import Passages
from evalharness.text import Token


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Adverbs and determiners that deny what follows them.
DENIALS = _set("not never no nobody none neither nor nothing without cannot hardly n't nowhere")
# Verbs that deny what follows them, as stems.
DENYING = _set("deni denial refus refut rule fail reject declin disput")
# Those that a summary uses for what an article says with `not`.
PLAIN_DENYING = _set("deni refus fail")
# Other words that say that something is not so; where one stands near, nothing is sure.
HINTS = DENYING | _set(
    "unabl lack avoid prevent stop miss absent absenc unlik imposs rare seldom few unclear stead "
    "instead unless only least halt withdraw cancel ban block scrap drop quit lose loss end "
    "abandon wait yet doubt fals untru unknown unsuccess unawar"
)
# How many words of content a cue reaches over.
SCOPE = 3
_ADVERB = re.compile(r".{2,}ly|yet|also|immediately|even|ever|been|being|any|all|only")

POSSIBLE = _set(
    "may might could alleg allegedli possibl possibli perhap suspect rumour rumor purport "
    "potenti mayb"
)
# These hedge what follows them and `to`.
FUTURE = _set("expect plan intend due hope aim forecast predict want consid")
# A claim with one of these before it is not put as a fact.
GUARDED = (
    POSSIBLE
    | FUTURE
    | _set(
        "would should will can if whether accus charg claim believ think fear unlik appear seem "
        "report suggest warn seek question trial plead threat threaten risk call urg set about "
        "chanc speculat link prepar investig probe"
    )
)
PROMISES = frozenset(["will", "would"])
# A promise is surer than these.
LESS_THAN_PROMISED = _set("may might could consid want hope potenti possibl")
HEDGE_SCOPE = 3
_BEFORE_MONTH = _set("in on of since by until last next early late mid")


class Cues:
    """The negations and hedges of a text, found once; words and cues as places in its tokens.

    denied: each denied word with what denies it. heads: the first denied word of each cue.
    hedged: each word that is only possible or planned, with what says so. hedged_heads: the first
    hedged word of each hedge.
    """

    def __init__(self, passages: Passages) -> None:
        self._text = passages.text
        self._tokens = passages.tokens
        self.denied: dict[int, int] = {}
        self.hedged: dict[int, int] = {}
        self.heads: set[int] = set()
        self.hedged_heads: set[int] = set()
        for number in sorted({token.sentence for token in self._tokens if _is_cue(token)}):
            first, end = passages.first[number], passages.first[number + 1]
            self._read_negations(first, end)
            self._read_hedges(first, end)

    def _read_negations(self, first: int, end: int) -> None:
        """Note which words of a sentence are denied, by which word."""
        cue, left = -1, 0
        for at in range(first, end):
            token = self._tokens[at]
            if token.after_mark or token.word in ("but", "because", "who", "which"):
                cue, left = -1, 0
            if is_denial(token) and not self._is_only(at, end):
                cue, left = at, SCOPE
            elif left and token.content and not _ADVERB.fullmatch(token.word):
                self.denied[at] = cue
                if left == SCOPE:
                    self.heads.add(at)
                left -= 1

    def _is_only(self, at: int, end: int) -> bool:
        """Tell whether a cue denies nothing: `not only`, `no longer`, `rule` without `out`."""
        following = self._tokens[at + 1].word if at + 1 < end else ""
        if self._tokens[at].stem == "rule":
            near = [token.word for token in self._tokens[at + 1 : min(at + 4, end)]]
            return "out" not in near
        if self._tokens[at].word == "no":
            return following in ("doubt", "matter", "sooner") or following.isdecimal()
        enough = "enough" in [token.word for token in self._tokens[at + 1 : min(at + 4, end)]]
        return enough or following in ("only", "just", "least", "surprisingly", "necessarily")

    def _read_hedges(self, first: int, end: int) -> None:
        """Note which words of a sentence are hedged, by which word."""
        cue, left = -1, 0
        for at in range(first, end):
            token = self._tokens[at]
            if token.after_mark:
                cue, left = -1, 0
            if self._is_hedge(at, first, end):
                cue, left = at, HEDGE_SCOPE
            elif left and token.content:
                self.hedged[at] = cue
                if left == HEDGE_SCOPE:
                    self.hedged_heads.add(at)
                left -= 1

    def _is_hedge(self, at: int, first: int, end: int) -> bool:
        """Tell whether a word says that what follows is no fact (yet)."""
        token = self._tokens[at]
        if token.word == "considering":
            return True
        if token.stem in FUTURE:
            return "to" in [each.word for each in self._tokens[at + 1 : min(at + 3, end)]]
        if token.word != "may":
            return token.stem in POSSIBLE
        is_name = at > first and self._text[token.start].isupper()
        before = self._tokens[at - 1].word if at > first else ""
        after = self._tokens[at + 1].word if at + 1 < end else ""
        is_month = before in _BEFORE_MONTH or before[-1:].isdecimal() or after[:1].isdecimal()
        return token.end - token.start == len("may") and not is_name and not is_month


_STEMS_OF_CUES = DENYING | POSSIBLE | FUTURE


def _is_cue(token: Token) -> bool:
    """Tell whether a word may deny or hedge; most sentences have none, and need no reading."""
    return token.stem in _STEMS_OF_CUES or is_denial(token)


def is_denial(token: Token) -> bool:
    """Tell whether a word denies what follows it."""
    word = token.word
    return word in DENIALS or word.endswith("n't") or token.stem in DENYING
