"""Which words English has, and which of them mean the same.

In a text without capitals, what is no English word is most likely a name. `english_words.txt.gz`
holds the stems of all words that WordNet 3.0 writes in lower case (names it writes with capitals),
also those inside its compounds; `english_synonyms.txt.gz` a line for each sense that is among the
first three of several single words, with their stems; `english_related.txt.gz` a line for each stem
with those of common words that are one step more general, or more special, or alike. WordNet's
licence is in `WORDNET_LICENSE.txt`. To make the files again: python -m
evalharness.text.english_words FOLDER, with WordNet's `data.noun`, `index.noun` and those of `verb`,
`adj` and `adv` in the folder.
"""

import gzip
import re
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from evalharness.text.stems import VERB_OF
from evalharness.text.words import FUNCTION_WORDS, MOST_KEPT, fold, stem_of, word_set

_FILE = "english_words.txt.gz"
_SYNONYMS_FILE = "english_synonyms.txt.gz"
_RELATED_FILE = "english_related.txt.gz"
_KINDS = ("noun", "verb", "adj", "adv")
# Further senses of a word are rare in news.
_MOST_SENSES = 3
_MOST_RELATED_SENSES = 2
# Marks of WordNet: what is more general, what is alike.
_STEPS = frozenset(["@", "&"])
# WordNet has nouns, verbs, adjectives and adverbs only; marks of tokenizers look like words, too.
_WITHOUT_SENSES = FUNCTION_WORDS | {
    *("wherein", "whereby", "versus", "vs", "etc", "hydro", "cos", "til"),
    *("unk", "lrb", "rrb", "lsb", "rsb"),
}

# Forms that no rule gives and WordNet's lists of words do not have; those of verbs are in VERB_OF,
# but for these.
_IRREGULAR = word_set(
    "foresaw foreseen misled oversaw overran partook partaken arose arisen awoke awoken "
    "besought clung crept dwelt forwent forgone forsook forsaken knelt leapt leant slung slunk "
    "sped strewn strove striven throve trod trodden wept wrung wrang bade bidden beheld bore "
    "borne bred clad flung forbade ground hewn hove lain laden lit mown outdid overcame "
    "overthrew rode shod shorn slew slain smote spat sprang stank stung stunk sunk swam swum "
    "swung swore tore torn woke wore wove wound burnt dreamt learnt smelt spelt spilt spoilt "
    "sawn sewn sown shown proven blew blown lied tied vied vying tying children geese mice lice "
    "oxen alumni cacti fungi nuclei radii stimuli syllabi loci foci bacilli"
)
_PREFIXES = (
    *("up", "with", "over", "out", "under", "re", "un", "non", "super", "micro", "mega", "bio"),
    *("grand", "school", "step", "inter", "multi", "anti", "cyber", "mis", "pre", "fore"),
)
# Words younger than WordNet, or too common for it.
_FURTHER = word_set(
    "anybody everybody whoever whomever whenever whilst amongst albeit beside besides onto app "
    "apps selfie selfies hashtag hashtags emoji meme memes podcast podcasts podcaster vlogger "
    "blogger bloggers livestream smartphone smartphones smartwatch chatbot chatbots ransomware "
    "malware phishing login logins inbox offline online website websites startup startups "
    "crowdfunding cryptocurrency bitcoin blockchain fracking biofuel biofuels eurozone jihadist "
    "jihadists islamist islamists coronavirus covid lockdown lockdowns furlough furloughed vape "
    "vaping rollercoaster roadworks helpline grandkids goalscorer midfielder midfielders "
    "wicketkeeper playoff playoffs wildcard semifinal semifinals quarterfinal quarterfinals "
    "shortlisted longlisted bestselling bestseller frontrunner takeaway makeover outage outages "
    "superfood gluten vegan vegans carer carers binge backlog whistleblower whistleblowers "
    "upcycled microplastics wellbeing webinar gameplay gamers esports drone drones nonprofit "
    "nonprofits lookalike standoff tweet tweets"
)
_KNOWN_FORMS = _WITHOUT_SENSES.union(_IRREGULAR, _FURTHER, VERB_OF)


def _unpack(file: str) -> str:
    return gzip.decompress((files("evalharness.text") / file).read_bytes()).decode()


@cache
def _stems() -> dict[str, None]:
    """Return the stems of all words, as keys.

    A dictionary of strings, and so are those below: the search for reference cycles passes them
    over, and goes through a set, or through each of 40,000 lists.
    """
    return dict.fromkeys(_unpack(_FILE).split())


@cache
def _senses() -> dict[str, str]:
    """Return the stems of all senses of each stem that has synonyms, in a row."""
    found = dict[str, str]()
    for line in _unpack(_SYNONYMS_FILE).splitlines():
        for stem in line.split():
            found[stem] = f"{found[stem]} {line}" if stem in found else line
    return found


@lru_cache(maxsize=MOST_KEPT)
def synonyms(stem: str) -> list[str]:
    """Return the stems of the words that may mean the same as one of a stem, in no sense apart.

    >>> synonyms("movi")
    ['film', 'flick', 'pic']
    """
    senses = _senses().get(stem)
    return sorted({*senses.split()} - {stem}) if senses else []


@cache
def _relatives() -> dict[str, str]:
    """Return the relatives of each stem that has some, in a row."""
    found = dict[str, str]()
    for line in _unpack(_RELATED_FILE).splitlines():
        stem, _, others = line.partition(" ")
        found[stem] = f"{found[stem]} {others}" if stem in found else others
        for other in others.split():
            found[other] = f"{found[other]} {stem}" if other in found else stem
    return found


def relatives(stem: str) -> list[str]:
    """Return the stems of words that may stand for one of a stem, where much else is the same.

    >>> "worker" in relatives("employe"), "wealthi" in relatives("rich")
    (True, True)
    """
    return _relatives().get(stem, "").split()


_GRADE = re.compile(r"(?P<base>\w{3,}?)(?P<i>i?)(?P<grade>est|er)")


def same_grade(word: str) -> list[str]:
    """Return the stems of words of the same grade that may mean the same as a folded one.

    >>> [grade for grade in ("bigger", "biggest") if grade in same_grade("largest")]
    ['biggest']
    """
    return _same_grade(word) if word.endswith(("er", "est")) else []


@lru_cache(maxsize=10_000)
def _same_grade(word: str) -> list[str]:
    match = _GRADE.fullmatch(word)
    if match is None:
        return []
    base = match["base"]
    forms = [f"{base}y"] if match["i"] else [base, f"{base}e", base[:-1]]
    others = {other for form in forms for other in synonyms(stem_of(form))}
    return sorted({stem_of(form) for other in others for form in _in_grade(other, match["grade"])})


def _in_grade(stem: str, grade: str) -> Iterator[str]:
    yield f"{stem}{grade}"
    yield f"{stem}{stem[-1]}{grade}"  # big-g-est


@lru_cache(maxsize=MOST_KEPT)
def is_english_word(word: str) -> bool:
    """Tell whether a folded word, in any of its forms, is one of English and no name.

    >>> [is_english_word(word) for word in ("mayor", "said", "biggest", "women", "torquay")]
    [True, True, True, True, False]
    """
    known = _stems()
    return word in _KNOWN_FORMS or any(stem_of(form) in known for form in _forms(word))


def _forms(word: str) -> Iterator[str]:
    yield word
    if word.endswith("men"):
        yield f"{word[:-3]}man"
    if word.endswith("ves"):  # kni-ves, wol-ves
        yield from (f"{word[:-3]}fe", f"{word[:-3]}f")
    if word.endswith("ses"):  # cri-ses
        yield f"{word[:-2]}is"
    if word.endswith(("er", "est")):
        base = word.removesuffix("er").removesuffix("est")
        yield base
        yield f"{base}e"
        yield base[:-1]  # big-g-er
        yield f"{base[:-1]}y"  # easi-er
    if word.endswith(("ers", "ors", "or", "ability")):  # gam-ers, protest-ors, customiz-ability
        base = re.sub(r"(?:[eo]rs|or|ability)$", "", word)
        yield from (base, f"{base}e")
    if word.endswith(("lled", "lling", "ller", "llers")):  # fue-lled
        yield word.replace("ll", "l")
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            yield word[len(prefix) :]


def _rows(folder: Path, file: str) -> Iterator[list[str]]:
    """Yield the fields of WordNet's lines, without the licence at the top."""
    for line in (folder / file).read_text(encoding="latin-1").splitlines():
        if not line.startswith("  "):
            yield line.split()


def _lemmas(fields: list[str]) -> list[str]:
    """Return the words of a sense that begin with a small letter, compounds with `_`."""
    found = (lemma.partition("(")[0] for lemma in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
    return [lemma for lemma in found if lemma[:1].islower()]


def _lower_case_words(folder: Path) -> Iterator[str]:
    """Yield the words of WordNet's lemmas that begin with a small letter, as they are compared."""
    for kind in _KINDS:
        for fields in _rows(folder, f"data.{kind}"):
            for lemma in fields[4 : 4 + 2 * int(fields[3], 16) : 2]:
                parts = re.split(r"[-_]", lemma.partition("(")[0])
                yield from (fold(part) for part in parts if part.isalpha() and part[0].islower())


def _synonym_lines(folder: Path) -> Iterator[str]:
    """Yield the stems of the single words that have a sense among their first ones."""
    for kind in _KINDS:
        first: set[tuple[str, str]] = set()
        for fields in _rows(folder, f"index.{kind}"):
            offsets = fields[-int(fields[2]) :][:_MOST_SENSES]
            first.update((fields[0], offset) for offset in offsets)
        for fields in _rows(folder, f"data.{kind}"):
            known = {
                stem_of(fold(lemma))
                for lemma in _lemmas(fields)
                if lemma.isalpha() and (lemma.lower(), fields[0]) in first
            }
            if len(known) > 1:
                yield " ".join(sorted(known))


def _related_lines(folder: Path) -> Iterator[str]:
    """Yield stems, each with those after it in the alphabet that are one step from one of it."""
    senses: dict[tuple[str, str], set[str]] = {}
    steps: list[tuple[tuple[str, str], tuple[str, str]]] = []
    for kind in _KINDS:
        common = _common_senses(folder, kind)
        for fields in _rows(folder, f"data.{kind}"):
            sense = fields[2].replace("s", "a"), fields[0]
            lemmas = [lemma for lemma in _lemmas(fields) if lemma.isalpha()]
            known = [lemma for lemma in lemmas if (lemma.lower(), fields[0]) in common]
            senses[sense] = {stem_of(fold(lemma)) for lemma in known}
            steps += ((sense, other) for other in _steps(fields))
    found: dict[str, set[str]] = {}
    for one, other in steps:
        for first in senses[one]:
            for second in senses.get(other, set[str]()) - {first}:
                found.setdefault(min(first, second), set()).add(max(first, second))
    for stem, others in found.items():
        yield " ".join([stem, *sorted(others)])


def _common_senses(folder: Path, kind: str) -> set[tuple[str, str]]:
    """Return the first senses of the words that WordNet's own texts have."""
    found: set[tuple[str, str]] = set()
    for fields in _rows(folder, f"index.{kind}"):
        n_senses = int(fields[2])
        if int(fields[-n_senses - 1]):
            offsets = fields[-n_senses:][:_MOST_RELATED_SENSES]
            found.update((fields[0], offset) for offset in offsets)
    return found


def _steps(fields: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the senses that a whole sense points to as more general, or alike."""
    start = 5 + 2 * int(fields[3], 16)
    for at in range(start, start + 4 * int(fields[start - 1]), 4):
        mark, offset, kind, words = fields[at : at + 4]
        if mark in _STEPS and words == "0000":
            yield kind.replace("s", "a"), offset


def _write(file: str, lines: Iterator[str]) -> None:
    found = sorted(set(lines))
    packed = gzip.compress("\n".join(found).encode(), mtime=0)
    (Path(__file__).parent / file).write_bytes(packed)
    sys.stdout.write(f"{file}: {len(found)} lines, {len(packed)} bytes\n")


def main(folder: str) -> None:
    """Write the lists from WordNet's files in a folder."""
    _write(_FILE, (stem_of(word) for word in _lower_case_words(Path(folder))))
    _write(_SYNONYMS_FILE, _synonym_lines(Path(folder)))
    _write(_RELATED_FILE, _related_lines(Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1])
