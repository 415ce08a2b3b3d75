"""Words that tell who does something to whom, by hand, for English news; verbs are stems."""

from evalharness.text import stem_of


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem_of, words.split()))


PRONOUNS = _set("he she they it his her their him them who")
# One of these between a verb and a word: the word is no party to it.
APART = _set(
    "in at on from for of with as after before during since until near about into through that "
    "when while because and but or who which than if"
)
# Different words for the same result, and for the same seen from the other side.
WINNING = _stems("beat defeat win victory thrash overcome edge stun triumph hammer rout")
LOSING = _stems("lose loss")
OF_RESULTS = _set("of over against to by")
LOST_TO = _set("to by against at")
BE = _set("is are was were be been being get got gets")
# Who does these and to whom may change places; or they are done to nobody.
MUTUAL = _stems(
    "meet marry divorce play face draw join fight talk agree share compete differ debate speak say "
    "tell be have include follow become call name know base compare mean make take see come go get "
    "give year old new live near set"
)
