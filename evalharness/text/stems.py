"""English words without their endings: ROUGE's Porter stemmer, and a table of irregular verbs.

M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with the departures that
nltk's default stemmer documents, since rouge_score stems with nltk. The result is nltk's, word by
word. The departures:

* a table of irregular forms (`dying` is `die`);
* `-ies` and `-ied` give `-ie` in words of four letters (`ties`, `died`), and `-ied` else `-i`;
* `y` becomes `i` after a consonant, unless the word has but two letters (`enjoy` stays, `spy` is
  `spi`); the original asks for a vowel anywhere before it;
* a vowel and a consonant alone count as `*o`, the short syllable that gets its `e` back;
* step 2 knows `-bli` (for `-abli`), `-fulli` and `-logi`, and takes `-alli` before all others.

In the paper's terms a word is C?(VC){m}V? and m is its measure.

`VERB_OF` is apart from that, and no part of ROUGE: it has the verb of an irregular form.
"""

_IRREGULAR = {
    "skies": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "innings": "inning",
    "outings": "outing",
    "cannings": "canning",
} | {
    # These are stems already, whatever they end with.
    word: word
    for word in (
        "sky", "news", "inning", "outing", "canning", "howe", "proceed", "exceed", "succeed",
    )
}  # fmt: skip

# Everything but a, e, i, o, u is a consonant, digits too; y depends on the letter before it.
_SHAPES = bytes.maketrans(b"aeiouy0123456789bcdfghjklmnpqrstvwxz", b"vvvvvy" + b"c" * 30)

_Rules = dict[str, tuple[tuple[str, str], ...]]


def _by_ending(*rules: tuple[str, str]) -> _Rules:
    """Group rules `(suffix, replacement)` by the suffix's last two letters, the longest first."""
    endings = {suffix[-2:] for suffix, _ in rules}
    longest_first = sorted(rules, key=lambda rule: -len(rule[0]))
    return {
        ending: tuple(rule for rule in longest_first if rule[0].endswith(ending))
        for ending in endings
    }


_STEP_2 = _by_ending(
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
    ("bli", "ble"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"),
    ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"),
    ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("fulli", "ful"), ("logi", "log"),
)  # fmt: skip
_STEP_3 = _by_ending(
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"),
    ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = _by_ending(
    *((suffix, "") for suffix in (
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
        "ou", "ism", "ate", "iti", "ous", "ive", "ize",
    ))
)  # fmt: skip


def stem(word: str) -> str:
    """Return the stem of a lower-case word of letters a-z and digits.

    >>> [stem(word) for word in ("ministers", "relational", "dying", "happy", "controlling")]
    ['minist', 'relat', 'die', 'happi', 'control']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    # A step that cannot change how a word ends is not asked.
    if word[-1] == "s":
        word = _step_1a(word)
    if word[-1] in "dg":
        word = _step_1b(word)
    if word[-1] == "y":
        word = _step_1c(word)
    if word[-2:] in _STEP_2:
        word = _step_2(word)
    if word[-2:] in _STEP_3:
        word = _step_3(word)
    if word[-2:] in _STEP_4:
        word = _step_4(word)
    return _step_5(word) if word[-1] in "el" else word


def _shape(word: str) -> bytes:
    """Return `v` for each vowel and `c` for each consonant; as bytes, which is made twice as fast.

    >>> _shape("happy"), _shape("yes")
    (b'cvccv', b'cvc')
    """
    shape = word.encode().translate(_SHAPES)
    if b"y" not in shape:
        return shape
    while b"yy" in shape:  # each tells what the next one is
        at = shape.index(b"yy")
        shape = shape[:at] + (b"v" if shape[at - 1 : at] == b"c" else b"c") + shape[at + 1 :]
    return shape.replace(b"cy", b"cv").replace(b"y", b"c")


def _measure(stem: str) -> int:
    return _shape(stem).count(b"vc")


def _ends_short_syllable(stem: str) -> bool:
    """Tell whether it ends consonant-vowel-consonant, the last not w, x or y: the paper's *o."""
    shape = _shape(stem)
    return shape == b"vc" or (shape.endswith(b"cvc") and stem[-1] not in "wxy")


def _step_1a(word: str) -> str:
    """Take off the plural: caresses, ponies, cats."""
    if not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    return word[:-2] if word.endswith("sses") else word[:-1]


def _step_1b(word: str) -> str:
    """Take off -eed, -ed and -ing: agreed, plastered, motoring."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix):
            stem = word.removesuffix(suffix)
            return _restore_ending(stem) if b"v" in _shape(stem) else word
    return word


def _restore_ending(stem: str) -> str:
    """Restore what -ed or -ing had changed: conflat(e), hop(p), fil(e)."""
    if stem.endswith(("at", "bl", "iz")):
        return stem + "e"
    shape = _shape(stem)
    if stem[-1:] == stem[-2:-1] and shape.endswith(b"c"):
        return stem if stem[-1] in "lsz" else stem[:-1]
    return stem + "e" if shape.count(b"vc") == 1 and _ends_short_syllable(stem) else stem


def _step_1c(word: str) -> str:
    """Turn a last y into i: happy, spy; not enjoy, by."""
    if len(word) > 2 and word.endswith("y") and _shape(word)[-2:-1] == b"c":
        return word[:-1] + "i"
    return word


def _step_2(word: str) -> str:
    """Shorten double suffixes: -ational, -ousness, -biliti."""
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        word = word[:-2]  # conditionalli: there may be another suffix before it
    for suffix, replacement in _STEP_2.get(word[-2:], ()):
        if word.endswith(suffix):
            # The l of -logi belongs to the stem, so that geology fares like archaeology.
            before = word[:-3] if suffix == "logi" else word.removesuffix(suffix)
            return word.removesuffix(suffix) + replacement if _measure(before) > 0 else word
    return word


def _step_3(word: str) -> str:
    """Shorten or take off -icate, -ful, -ness and their like."""
    for suffix, replacement in _STEP_3.get(word[-2:], ()):
        if word.endswith(suffix):
            stem = word.removesuffix(suffix)
            return stem + replacement if _measure(stem) > 0 else word
    return word


def _step_4(word: str) -> str:
    """Take off a last suffix from a long stem: -ance, -ement, -sion, -tion."""
    for suffix, _ in _STEP_4.get(word[-2:], ()):
        if word.endswith(suffix):
            stem = word.removesuffix(suffix)
            removable = suffix != "ion" or stem.endswith(("s", "t"))
            return stem if removable and _measure(stem) > 1 else word
    return word


def _step_5(word: str) -> str:
    """Take off a last e, and one of two last l: probate, cease, controll."""
    if word.endswith("e"):
        stem = word[:-1]
        measure = _measure(stem)
        if measure > 1 or (measure == 1 and not _ends_short_syllable(stem)):
            word = stem
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


# Irregular verbs and their forms, by hand: what no stemmer takes back to its verb.
_IRREGULAR_VERBS = """
    be: am is are was were been being
    have: has had having
    do: does did done doing
    go: went gone goes
    say: said
    beat: beaten
    become: became
    begin: began begun
    break: broke broken
    bring: brought
    build: built
    buy: bought
    catch: caught
    choose: chose chosen
    come: came
    deal: dealt
    draw: drew drawn
    drink: drank drunk
    drive: drove driven
    eat: ate eaten
    fall: fell fallen
    feel: felt
    fight: fought
    find: found
    flee: fled
    fly: flew flown
    forget: forgot forgotten
    forbid: forbade forbidden
    forgive: forgave forgiven
    freeze: froze frozen
    get: got gotten
    give: gave given
    grow: grew grown
    hang: hung
    hear: heard
    hide: hid hidden
    hold: held
    keep: kept
    know: knew known
    lead: led
    leave: left
    lend: lent
    lose: lost
    make: made
    mean: meant
    meet: met
    overcome: overcame
    overtake: overtook overtaken
    pay: paid
    ride: rode ridden
    ring: rang rung
    rise: rose risen
    run: ran
    see: saw seen
    seek: sought
    sell: sold
    send: sent
    shake: shook shaken
    shoot: shot
    show: shown
    shrink: shrank shrunk
    sing: sang sung
    sink: sank sunk
    sit: sat
    sleep: slept
    speak: spoke spoken
    spend: spent
    stand: stood
    steal: stole stolen
    strike: struck stricken
    swear: swore sworn
    swim: swam swum
    take: took taken
    teach: taught
    tear: tore torn
    tell: told
    think: thought
    throw: threw thrown
    understand: understood
    undergo: underwent undergone
    wake: woke woken
    wear: wore worn
    win: won winning
    withdraw: withdrew withdrawn
    write: wrote written
    die: died dying dies
    hurt: hurting
"""


def _verbs_by_form(table: str) -> dict[str, str]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {form: verb.strip() for verb, _, forms in lines for form in forms.split()}


VERB_OF = _verbs_by_form(_IRREGULAR_VERBS)
