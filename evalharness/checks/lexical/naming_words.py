"""English words that make up the names of places, bodies and events, by hand.

News writes them with a capital more often than not, so one that an article does not have says that
a summary names something else; lower-cased summaries do not show it otherwise.
"""

from evalharness.text.stems import stem


def _stems(words: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words.split())


NAMING_STEMS = _stems(
    "city county town borough district state republic kingdom island isle coast river lake "
    "valley park street road north south east west northern southern eastern western central "
    "midlands highlands league premier premiership championship division cup trophy title "
    "united rovers athletic albion wanderers rangers celtic formula grand prix olympic "
    "olympics paralympic games open masters derby super series tour association federation "
    "confederation union party congress senate parliament assembly council commission "
    "committee commons lords ministry agency authority university college academy institute "
    "school hospital church cathedral abbey castle museum theatre gallery airport station "
    "bank court tribunal police army navy force prince princess queen king duke duchess sir "
    "dame lord lady bishop archbishop pope president chancellor minister senator governor "
    "mayor monday tuesday wednesday thursday friday saturday sunday january february march "
    "april june july august september october november december christmas easter "
    "conservative labour liberal democrat republican tory unionist nationalist world european "
    "american international national royal"
)
