"""What tells names from other words in texts that are not English.

German writes every noun with a capital. There a capital tells nothing, and a word is taken for a
name on evidence alone: a title or a first name before it, a known place, capitals throughout, a
verb of saying right behind it. Elsewhere a capital tells as it does in English, but names have
endings (`Москве` of `Москва`) and small words that cling to them (`l'Espagne`).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from evalharness.text.languages import small_words
from evalharness.text.name_words import FIRST_NAMES, PLACES, SURNAMES
from evalharness.text.words import fold


def _fold_all(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


# All nouns have capitals in these.
CAPITAL_NOUNS: Final = frozenset(["de"])
# In these a name has as many endings as there are cases.
INFLECTED: Final = frozenset(["ru", "pl", "el", "tr", ""])
_CLINGS = re.compile(
    r"^(?:[ldcsnjmt]|qu|un|dell|all|nell|sull|dall|quell|degl|jusqu|lorsqu|puisqu)['’ʼ](?=\w{2})"
)
_SUFFIX = re.compile(r"['’ʼ]\w{1,6}$")
# German: what two forms of one name differ in, `Obernau` and `Obernauer`, `Merkel` and `Merkels`.
_GERMAN_ENDINGS = frozenset(["s", "es", "e", "en", "n", "er", "ern", "ers", "in", "erin", "ns"])
LEAST_INFLECTED, LEAST_BEGINNING = 4, 3
MOST_ENDING = 3
# A name of so many letters may change the last of them: Ewa, Ewy.
SHORT_LENGTHS: Final = range(3, 5)

# --- German ---
_TITLES = _fold_all(
    "Herr Herrn Frau Dr Prof Professor Professorin König Königin Prinz Prinzessin Papst Kardinal "
    "Bischof Bischöfin Pfarrer Pfarrerin Kanzler Kanzlerin Präsident Präsidentin Senator Senatorin "
    "Direktor Direktorin Trainer Trainerin Kapitän Sprecher Sprecherin Richter Richterin General "
    "Landrat Landrätin Stadtrat Stadträtin Intendant Intendantin Forscher Forscherin Biologe "
    "Biologin Autor Autorin Regisseur Regisseurin Anwalt Anwältin Chef Chefin Leiter Leiterin"
)
_TITLE_ENDINGS = tuple(
    _fold_all(
        "minister ministerin meister meisterin präsident präsidentin kanzler kanzlerin leiter "
        "leiterin sprecher sprecherin chef chefin trainer trainerin direktor direktorin führer "
        "führerin professor professorin anwalt anwältin forscher forscherin"
    )
)
_ALWAYS_TITLES = _fold_all("Herr Herrn Frau Dr Prof")
_GIVEN_NAMES = FIRST_NAMES | _fold_all(
    "Andreas Anja Anke Annette Antje Armin Axel Bastian Beate Bernd Bernhard Birgit Björn Britta "
    "Carina Carla Carsten Christa Christoph Claudia Clemens Cornelia Dagmar Detlef Dieter Dirk "
    "Dominik Doris Eckhard Elena Elke Erich Erika Ernst Eva Fabian Felix Florian Frank Franz "
    "Franziska Friedrich Fritz Gabriele Georg Gerd Gerhard Gisela Gregor Gudrun Günter Günther "
    "Gustav Hanna Hannes Harald Hartmut Hedwig Heike Heiko Heiner Heinrich Heinz Helga Helmut "
    "Hendrik Henning Herbert Hermann Holger Horst Hubert Ines Inge Ingo Ingrid Irene Iris Isabell "
    "Jan Jana Jens Joachim Jochen Johann Johanna Johannes Jonas Jörg Josef Judith Jürgen Jutta Kai "
    "Karin Karl Karla Karsten Kathrin Katja Katharina Kerstin Kirsten Konrad Konstantin Kristina "
    "Kurt Lars Lea Lena Leonie Lothar Lukas Lutz Manfred Manuel Manuela Marc Marcel Marcus Margit "
    "Marianne Mario Marion Markus Marlene Martina Matthias Max Maximilian Meike Michaela Mirko "
    "Monika Moritz Nadine Nadja Nico Nicole Niklas Nils Nina Norbert Olaf Oskar Otto Pascal Peter "
    "Petra Philipp Rainer Ralf Regina Reinhard Renate Robert Roland Rolf Rosemarie Rudolf Rüdiger "
    "Sabine Sandra Sascha Sebastian Silke Silvia Simone Sonja Stefan Stefanie Steffen Susanne "
    "Svenja Sven Tanja Theo Thilo Thorsten Til Tilman Tobias Torsten Udo Ulf Ulrich Ulrike Ursula "
    "Ute Uwe Valentin Vera Verena Veronika Viktor Volker Walter Werner Wilhelm Wolfgang Yvonne"
)
_PLACES = (PLACES | SURNAMES) - _fold_all("essen bath bad reading kent hall art mark rose")
_PLACES |= _fold_all(
    "Deutschland Österreich Schweiz Frankreich Italien Spanien Portugal Polen Tschechien Ungarn "
    "Rumänien Bulgarien Griechenland Türkei Russland Ukraine Belarus Dänemark Schweden Norwegen "
    "Finnland Niederlande Belgien Luxemburg Großbritannien England Schottland Irland Kroatien "
    "Serbien Slowenien Slowakei Litauen Lettland Estland Europa Amerika Afrika Asien Australien "
    "China Japan Indien Brasilien Mexiko Kanada Argentinien Ägypten Marokko Israel Iran Irak "
    "Syrien Libanon Saudi-Arabien Afghanistan Pakistan Südafrika Nigeria Kenia Bayern Sachsen "
    "Thüringen Hessen Brandenburg Niedersachsen Saarland Berlin Hamburg München Köln Frankfurt "
    "Stuttgart Düsseldorf Leipzig Dortmund Bremen Dresden Hannover Nürnberg Duisburg Bochum "
    "Wuppertal Bielefeld Bonn Münster Mannheim Karlsruhe Augsburg Wiesbaden Kiel Aachen "
    "Magdeburg Freiburg Lübeck Erfurt Mainz Rostock Kassel Potsdam Wien Graz Linz Salzburg "
    "Innsbruck Zürich Genf Basel Bern Brüssel Warschau Prag Budapest Moskau Kiew Rom Mailand"
)
_PLACE_ENDINGS = tuple(
    _fold_all("burg dorf heim hausen bach furt ingen brück kirchen stadt münde walde rode leben")
)
_PLACE_PREPOSITIONS = _fold_all("in aus nach bei von zwischen")
# What stands before a noun, and seldom before a name.
_DETERMINERS = _fold_all(
    "der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner "
    "keines mein meine sein seine seinen seinem seiner seines ihr ihre ihren ihrem ihrer ihres "
    "unser unsere unseren dieser diese dieses diesen diesem jeder jede jedes jeden jedem im am "
    "zum zur vom beim ans ins alle allen aller viele vielen mehrere mehreren einige einigen "
    "wenige zwei drei vier fünf sechs sieben acht neun zehn"
)
_NOUN_ENDINGS = tuple(
    _fold_all(
        "ung ungen heit heiten keit keiten schaft schaften tion tionen ment mente nis nisse "
        "tum chen lein ismus ität itäten ik ur ling linge sal ei eien leute kräfte zahl platz"
    )
)
_SAYS = _fold_all(
    "sagte sagt erklärte erklärt betonte betont kritisierte kritisiert forderte fordert warnte "
    "warnt lobte lobt kündigte teilte versprach verspricht bestätigte bestätigt meinte meint wies "
    "räumte verwies äußerte beklagte bedauerte dankte gewann siegte erzielte"
)
_WITH_ARTICLE = _fold_all("Schweiz Türkei Ukraine Slowakei Niederlande Iran Irak Libanon")
_CONJUNCTIONS = _fold_all("und dass weil auch aber doch wie")
MOST_IN_CAPITALS = 7
_NO_NAMES = _fold_all("PKW LKW AG GmbH TV DVD IT UFO WM EM PC CD WC SMS OP ICE")


def without_small_words(words: Sequence[str], language: str) -> tuple[int, int]:
    """Return from where to where the words of a name are more than small words of a language."""
    small = small_words(language)
    first, end = 0, len(words)
    while first < end and words[first] in small:
        first += 1
    while end > first and words[end - 1] in small:
        end -= 1
    return first, end


def bare(word: str, language: str) -> str:
    """Return a folded word without what clings to it: `l'espagne` is Espagne.

    >>> bare("l'espagne", "fr"), bare("ankara'da", "tr")
    ('espagne', 'ankara')
    """
    word = _CLINGS.sub("", word)
    return _SUFFIX.sub("", word) if language == "tr" else word


def is_form_of(word: str, other: str, language: str) -> bool:
    """Tell whether two folded words may be forms of one name.

    >>> is_form_of("москве", "москва", "ru"), is_form_of("obernauer", "obernau", "de")
    (True, True)
    >>> is_form_of("иваненко", "иванова", "ru"), is_form_of("döring", "döhring", "de")
    (False, False)
    """
    if word == other:
        return True
    short, long = sorted((word, other), key=len)
    if language in CAPITAL_NOUNS:
        is_longer = long.startswith(short) and len(short) >= LEAST_BEGINNING
        return is_longer and long[len(short) :] in _GERMAN_ENDINGS
    pairs = enumerate(zip(short, long, strict=False))
    n_same = next((at for at, (one, two) in pairs if one != two), len(short))
    if language in INFLECTED:
        is_enough = n_same >= LEAST_BEGINNING and 2 * n_same >= len(long)
        return is_enough and len(long) - n_same <= MOST_ENDING
    if language == "fr" and n_same > LEAST_INFLECTED:  # Français of France
        return len(long) - n_same <= MOST_ENDING + 1
    return n_same == len(short) >= LEAST_INFLECTED and len(long) - n_same < MOST_ENDING


def is_short_form_of(word: str, other: str) -> bool:
    """Tell whether two short folded names with endings may be one, `ewy` and `ewa`, `jana`, `jan`.

    >>> is_short_form_of("ewy", "ewa"), is_short_form_of("jana", "jan")
    (True, True)
    >>> is_short_form_of("ola", "ewa")
    False
    """
    short = min(len(word), len(other))
    stem = max(2, short - 1)
    return abs(len(word) - len(other)) <= 1 and word[:stem] == other[:stem]


def is_title(word: str) -> bool:
    """Tell whether a folded German word says what somebody is, as `Bürgermeisterin` does."""
    return word in _TITLES or word.endswith(_TITLE_ENDINGS)


def first_names_in(names: Iterable[Sequence[str]]) -> frozenset[str]:
    """Return the folded words that stand between a title and another word in German names.

    >>> sorted(first_names_in([["richterin", "almut", "seiler"], ["ende", "juni"]]))
    ['almut']
    """
    triples = ((words[at : at + 3]) for words in names for at in range(len(words) - 2))
    return frozenset(first for title, first, _ in triples if is_title(title))


def is_german_name(
    written: Sequence[str], at: int, first_names: Collection[str] = frozenset()
) -> bool:
    """Tell whether a word of a German sentence is surely a name, of which there is evidence.

    first_names: those of the article, beside the ones that are known.

    >>> words = "Laut Bürgermeister Mätzke gibt es in Pfaffenburg Streit um den Deich".split()
    >>> [word for at, word in enumerate(words) if is_german_name(words, at)]
    ['Mätzke', 'Pfaffenburg']
    """
    word, folded = written[at], [*map(fold, written[max(0, at - 3) : at])]
    before, second, third = [*folded[::-1], "", "", ""][:3]
    after = written[at + 1] if at + 1 < len(written) else ""
    if word.isupper() and word.isalpha():
        return 1 < len(word) < MOST_IN_CAPITALS and fold(word) not in _NO_NAMES
    own = fold(word)
    if own in _PLACES:
        return before not in _DETERMINERS or own in _WITH_ARTICLE
    if before in _DETERMINERS or own.endswith(_NOUN_ENDINGS) or is_title(own):
        return False
    if before in _ALWAYS_TITLES or before in _GIVEN_NAMES or before in first_names:
        return True
    if own in _GIVEN_NAMES:
        return after[:1].isupper()
    if is_title(before):
        return _DETERMINERS.isdisjoint((second, third)) and own[-2:] not in ("en", "er")
    if own.endswith(_PLACE_ENDINGS) and before in _PLACE_PREPOSITIONS:
        return True
    is_subject = not before or before in _CONJUNCTIONS
    return is_subject and fold(after) in _SAYS


def may_be_crossed(word: str, language: str) -> bool:
    """Tell whether a word and a name behind it make one name; in German it must be a first name."""
    return language not in CAPITAL_NOUNS or word in _GIVEN_NAMES or is_title(word)
