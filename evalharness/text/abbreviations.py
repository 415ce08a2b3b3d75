"""Words that decide where a sentence ends: abbreviations, and words that open sentences.

Written for English news by hand; entries are in lower case, without their last point.
"""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Before a name: never the end of a sentence.
TITLE_ABBREVIATIONS = _set(
    "mr mrs ms messrs mme mlle dr drs prof rev revd fr hon st ste sts gen lt col maj capt cpt "
    "cmdr cdr adm sgt cpl pvt insp supt det sen sens rep reps gov govs pres amb atty sec dep "
    "asst mt ft vs v viz cf approx ca eg ie e.g i.e est incl pls tel ext"
)
# Before a number: the end of a sentence only if something else follows.
BEFORE_NUMBERS = _set("no nos p pp vol vols fig figs ch chap sect para paras ver")
BEFORE_NUMBERS_CAPITALISED = _set("art op jan feb mar apr jun jul aug sep sept oct nov dec")
# These end a sentence only before a word that often opens one: companies, suffixes, times, units.
# So do all that have a point inside (U.S., a.m., Ph.D.).
EITHER_WAY = _set(
    "inc corp co cos ltd plc llc bros intl assn dept univ jr sr esq phd md etc al ave blvd rd "
    "hwy pm yr yrs hr hrs min mins lb lbs oz sq mph kph km cm mm kg avg"
)
# States of the USA as news wires shorten them, and weekdays; words in lower case are not meant.
PLACE_ABBREVIATIONS = _set(
    "ala ariz ark calif colo conn del fla ga ill ind kan ky la mass md mich minn miss mo mont "
    "neb nev okla ore pa penn tenn tex vt va wash wis wyo ont que mon tue tues wed thu thur "
    "thurs fri sat sun"
)
# Names that bring their own mark, and what may follow one in the name of a company.
EXCLAIMING = frozenset(["yahoo", "jeopardy", "wham", "panic", "joomla"])
COMPANY_FORMS = frozenset(["inc", "corp", "co", "ltd", "plc"])
DOMAINS = frozenset(["Com", "Net", "Org", "Co", "Tv"])
# Words that open sentences far more often than they follow an abbreviation inside one.
OPENERS = _set(
    "the a an he she it they we i you this that these those there here his her its their our my "
    "but and so yet or however meanwhile although though while when if as after before since "
    "because until in on at for from with by to of what who why how where which not no some many "
    "most all both several another other others according police officials now then also last "
    "next earlier later today yesterday once even still only just one two three"
)
# A line that ends with one of these goes on in the next.
DANGLING = _set(
    "a an the of to in on at by for from with and or but nor as than that which who whose is are "
    "was were be been has have had will would its his her their our my your into onto over under "
    "between against about after before during mr mrs ms dr"
)
