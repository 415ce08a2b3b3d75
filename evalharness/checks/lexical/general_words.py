"""English words of content that say little by themselves, by hand.

Verbs of saying, verbs that take their sense from their object (`take part`), verbs of beginning,
change and motion, and the vaguest nouns. A paraphrase puts one in place of another; alone, a novel
one is no reason to doubt a sentence. Other nouns name what a sentence is about.
"""

from evalharness.text.stems import stem


def _stems(words: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words.split())


GENERAL_STEMS = _stems(
    "say said tell told report reported announce warn call claim state describe mention discuss "
    "explain note add ask urge reveal confirm suggest express highlight include involve accuse "
    "insist admit deny argue believe think hope expect fear vow pledge promise praise criticise "
    "criticize according following regarding despite due amid "
    "make made take took taken give given get got come came go gone went put set keep kept see "
    "seen saw find found use show let begin began start started become became remain continue "
    "try want need help look seem appear hold held bring brought turn leave left provide allow "
    "lead led face launch create cause suffer order run pay paid strike struck approve reach fall "
    "fell fallen rise rose break broke connect earn hit move play work live stay stop open close "
    "send sent receive offer build built carry carried draw drew raise reject decide plan agree "
    "refuse fail manage return change grow grew increase reduce investigate "
    "man woman men women boy girl person people thing way part"
)
