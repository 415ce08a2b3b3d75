"""Words of English news for planting, by hand: verbs with their forms, opposites, names.

The invented names are written as a reader would meet them in news; one is planted only where the
article has none of its words.
"""

import re
from collections.abc import Mapping

from evalharness.text.words import word_set

# --- Verbs with their forms

# base, past, participle. What is done to somebody or something; regular ones below.
_IRREGULAR = """
win won won; lose lost lost; beat beat beaten; buy bought bought; sell sold sold; take took taken;
give gave given; make made made; find found found; leave left left; hold held held; begin began
begun; write wrote written; see saw seen; meet met met; pay paid paid; send sent sent; build built
built; fight fought fought; catch caught caught; break broke broken; choose chose chosen; strike
struck struck; steal stole stolen; shoot shot shot; bring brought brought; draw drew drawn; keep
kept kept; teach taught taught; lead led led; sue sued sued; ban banned banned; stop stopped
stopped; drop dropped dropped; rob robbed robbed; stab stabbed stabbed; admit admitted admitted;
plan planned planned; rise rose risen; fall fell fallen; grow grew grown; withdraw withdrew
withdrawn; overtake overtook overtaken; forgive forgave forgiven; bite bit bitten; drive drove
driven; tell told told; sign signed signed; agree agreed agreed; die died died
"""
_REGULAR = (
    "accuse acquire appoint approve arrest ask assault attack back blame block cancel carry "
    "charge clear close condemn confirm convict create criticise criticize defeat defend "
    "delay deliver deny describe destroy develop discover dismiss donate elect employ end endorse "
    "expel face fine fire follow fund help hire hit hunt impose inform injure interview introduce "
    "invite jail join kick kidnap kill launch marry miss murder name nominate open oppose order "
    "overrule praise promise propose provide publish punch push question reach receive reject "
    "release relegate remove replace represent rescue resign return reveal sack save score secure "
    "sentence serve show start succeed support suspect suspend thank threaten train urge visit "
    "vote want warn watch welcome worry"
)
_SAME_FORM = "beat cost cut hit hurt let put quit set shut"
# Who does it and to whom it is done cannot change places.
_DIRECTED = (
    "accuse acquire appoint arrest ask assault attack back beat bite blame buy charge "
    "condemn convict criticise criticize defeat dismiss donate elect employ endorse expel fine "
    "fire follow forgive fund help hire hunt inform injure interview invite jail join kick kidnap "
    "kill murder nominate oppose overrule overtake praise punch question reject replace represent "
    "rescue rob sack save sentence shoot sign stab succeed sue support suspend teach tell thank "
    "threaten train urge visit warn welcome"
)

# Those of which active and passive say the same, of persons and of things.
VOICED = word_set(
    "accuse acquire appoint approve arrest assault attack back beat bite blame block break build "
    "buy cancel catch charge choose clear close condemn confirm convict create criticise criticize "
    "defeat defend deliver describe destroy develop discover dismiss elect employ endorse expel "
    "fine follow fund hire hold impose injure interview introduce invite jail keep kidnap kill "
    "launch make nominate oppose open order overrule overtake praise propose publish punch "
    "question reject release remove replace rescue rob sack save score secure sell sentence shoot "
    "sign stab steal stop strike sue support suspend take threaten urge visit warn welcome win "
    "withdraw write"
)


def _past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ied"
    return f"{base}ed"


def _forms() -> dict[str, tuple[str, str]]:
    irregular = [entry.split() for entry in _IRREGULAR.replace("\n", " ").split(";")]
    forms = {base: (_past(base), _past(base)) for base in _REGULAR.split() if base.isalpha()}
    return forms | {base: (past, participle) for base, past, participle in irregular}


PAST_AND_PARTICIPLE = {base: f for base, f in _forms().items() if base not in _SAME_FORM.split()}
BASE_OF_PAST = {past: base for base, (past, _) in PAST_AND_PARTICIPLE.items()}
PAST_OF_BASE = {base: past for base, (past, _) in PAST_AND_PARTICIPLE.items()}
PARTICIPLES = frozenset(participle for _, participle in PAST_AND_PARTICIPLE.values()) | {
    *("been", "become", "come", "done", "gone", "got", "had", "said", "told", "set", "put", "cut"),
    *("hit", "hurt", "shut", "beaten", "known", "shown", "thought", "spent", "lost", "led"),
}
DIRECTED_PAST = frozenset([_forms()[base][0] for base in _DIRECTED.split() if base in _forms()])
DIRECTED_PARTICIPLES = frozenset(
    [_forms()[base][1] for base in _DIRECTED.split() if base in _forms()]
)


# --- Opposites, and where a word has none

# One can stand where the other does; each way.
_OPPOSITES = """
rose fell; risen fallen; rise fall; rises falls; rising falling; increase decrease; increased
decreased; increases decreases; increasing decreasing; grew shrank; growing shrinking; gained
lost; raised lowered; raise lower; raising lowering; won lost; win lose; wins loses; winning
losing; victory defeat; supported opposed; support oppose; supports opposes; supporting opposing;
approved rejected; approve reject; approves rejects; accepted rejected; accept reject; backed
opposed; praised criticised; praises criticises; praising criticising; welcomed condemned; before
after; more fewer; higher lower; highest lowest; high low; largest smallest; larger smaller;
biggest smallest; bigger smaller; longest shortest; longer shorter; best worst; better worse;
older younger; oldest youngest; early late; earlier later; strong weak; stronger weaker; strongest
weakest; successful unsuccessful; successfully unsuccessfully; legal illegal; legally illegally;
guilty innocent; convicted acquitted; jailed freed; arrested released; opened closed; open close;
opening closing; reopened closed; opens closes; started ended; start end; starts ends; began
ended; begin end; begins ends; began stopped; accepted refused; admitted denied; admits denies;
admitting denying; admit deny; confirmed denied; confirms denies; joined left; joining leaving;
joins leaves; arrived left; improved worsened; improve worsen; improving
worsening; improvement deterioration; strengthened weakened; strengthen weaken; succeeded failed;
succeed fail; hired sacked; appointed dismissed; bought sold; buy sell; buying selling; lent
borrowed; cheaper dearer; safe dangerous; safer riskier; agreed refused; agree refuse; agrees
refuses; profit loss; profits losses; north south; northern southern; north-east south-west; east
west; eastern western; man woman; men women; boy girl; boys girls; son daughter; sons daughters;
father mother; brother sister; brothers sisters; husband wife; male female; married divorced;
alive dead; survived died; first last; public private; rich poor; hot cold; heavier lighter; fast
slow; faster slower; quickly slowly; majority minority; minimum maximum; least most; most least;
inside outside; with without; temporary permanent; temporarily permanently; likely unlikely;
possible impossible; popular unpopular; happy unhappy; widely rarely; always never; often rarely;
above below; over under; advantage disadvantage; progress setback; extended shortened; extend
shorten; expand shrink; expanded shrank; domestic foreign; increasing declining; boost cut;
boosted cut; promoted relegated; promotion relegation; enters leaves; entered left; positive
negative; optimistic pessimistic; encouraged discouraged; lifted imposed; lift impose; voluntary
compulsory; upheld overturned; uphold overturn
"""


def _opposites() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one, other in map(str.split, _OPPOSITES.replace("\n", " ").split(";")):
        found[one] = (*found.get(one, ()), other)
        found[other] = (*found.get(other, ()), one)
    return {word: tuple(dict.fromkeys(others)) for word, others in found.items()}


OPPOSITE_WORDS = _opposites()
# Words that are never turned into their opposites: their use is too varied.
NEVER_TURNED = frozenset(["cut", "least", "most", "under", "with"])
# What stands before words, and after them, in phrases in which they have no opposite.
_FIXED_BEFORE = {
    "after": r"(?:named|looked?|looking|day|week|year|soon|shortly|hours|take[ns]?) $",
    "before": r"(?:appear\w*|as|than|day|years?|months?|week|hours?|ever|never) $",
    "more": r"(?:once|any|even|much|no|than|or|and|many|far) $",
    "first": r"(?:at|for the|from) $",
    "last": r"(?:at|the) $",
    "open": r"\b(?:an?|the|french|us|australian|british|wide|in) $",
    "close": r"(?:very|so|a|as|came|come|is|are|was) $",
    "left": r"(?:the|was|were|been|is|are|has|be|on|his|her|have|had) $|\($",
    "lost": r"(?:was|were|be|is|are|been) $",
    "over": r"(?:all|take[ns]?|took|taking|is|was|game|hand\w*|won|turn\w*|run|more|the) $",
    "high": r"(?:an?|the|record|so|at) $",
    "low": r"(?:an?|a record|all-time|so|at) $",
    "man": r"(?:spider|iron|isle of) $",
    # Verbs only; else they are mostly nouns.
    "support increase": r"(?<!\bto )(?<!will )(?<!would )(?<!they )(?<!who )(?<!not )(?<!could )$",
    "early": r"(?:as|an) $",
    "late": r"(?:the|too|of|her|his|their) $",
    "best": r"(?:at|s|his|her|their) $",
    "better": r"(?:had|get|got) $",
    "begin begins began start starts started end ended stopped": (
        r"\b(?:the|an|week|in|his|her|no|a|their|its|from|head|this|flying) $"
    ),
    "safe": r"(?:the|a) $",
    "public": r"(?:the|in|of) $",
    "private": r"(?:in) $",
    "fall": r"\b(?:the|a|last|next|this) $",
    "raised": r"(?:was|were|born and|been) $",
    "raise": r"(?:pay|a) $",
    "opposed": r"(?:as) $",
}
_FIXED_AFTER = {
    "approve approves approved": r" of\b",
    "after": r" all\b",
    "before": r" (?:long|a judge|magistrates|court)",
    "more": r"(?! (?:than \d|than half|people|men|women|children|\w{3,}[^s]s)\b)",
    "first": r" (?:time|minister|lady|\w+ since|-)|[ ]?[.,;]|$",
    "last": r" (?:week|month|year|night|\w+day|season|summer|minute|\d|few)",
    "close": r" (?:to|friend|ally|race)",
    "left": r" (?:him|her|them|\w+ (?:dead|injured)|wing)|\)",
    "lost": r" (?:his|her|their) (?:life|lives|wife|\w+er)",
    "over": r"(?! \d)",
    "without": r" (?:\w+ing|any)\b",
    "high": r" (?:school|street|court|-|profile)",
    "low": r"-",
    "early": r" (?:\w+ hours|years)",
    "best": r"-| (?:known|friend)",
    "above": r"(?! \d)",
    "failed fail": r" to\b",
    "begin begins began start starts started end ended stopped": (
        r" (?:of|at|with|from|to|up|in|\w+ing)\b"
    ),
    "never": r" before",
    "agree agrees agreed": r" (?:that|with|on|upon)\b",
    "safe": r" (?:seat|house|haven)",
    "public": r" (?:\w+ england|house|health)",
    "private": r" (?:\w+ \w+ regiment|eye)",
    "fall": r" (?:out|in|off|for|asleep|ill|apart|short|victim)",
    "fell": r" (?:out|in|off|for|asleep|ill|apart|short|victim|through|down|over|from)",
    "raised": r" (?:concern\w*|questions|awareness|the alarm|in|by|money|funds)",
    "raise": r" (?:concern\w*|questions|awareness|the alarm|money|funds)",
    "foreign": r" (?:secretary|minister|office)",
}


def _by_word(patterns: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {
        word: re.compile(pattern, re.IGNORECASE)
        for words, pattern in patterns.items()
        for word in words.split()
    }


_BEFORE, _AFTER = _by_word(_FIXED_BEFORE), _by_word(_FIXED_AFTER)


def is_fixed(word: str, before: str, after: str) -> bool:
    """Tell whether a word between others is part of a phrase and has no opposite there."""
    if word in NEVER_TURNED:
        return True
    in_front, behind = _BEFORE.get(word), _AFTER.get(word)
    return bool((in_front and in_front.search(before)) or (behind and behind.match(after)))


# --- Words of quotations

# Words of quotations that can give way to others without breaking the sentence.
REWORDINGS = dict(
    pair.split(": ")
    for pair in """
absolutely: hardly; acceptable: unacceptable; all: few; always: seldom; amazing: appalling;
appalling: amazing; are: are not; bad: good; believe: doubt; big: small; brilliant: dreadful; can:
cannot; certain: doubtful; clear: unclear; committed: indifferent; completely: partly; concerned:
relieved; confident: doubtful; deeply: hardly; delighted: disappointed; disappointed: delighted;
easy: hard; every: no; everyone: nobody; everything: nothing; extremely: hardly; fair: unfair;
fantastic: dreadful; good: bad; great: poor; happy: angry; hard: easy; help: hurt;
honest: dishonest; hope: doubt; huge: tiny; important: trivial; is: is not; know: suspect; love:
dislike; lovely: rude; many: few; most: least; much: little; must: need not; need: refuse; never:
often; new: old; nobody: everybody; nothing: everything; people: critics; pleased: annoyed;
possible: impossible; proud: ashamed; really: hardly; right: wrong; sad: relieved; safe:
dangerous; serious: minor; should: should not; significant: negligible; terrible: wonderful;
think: doubt; true: false; unacceptable: acceptable; unfair: fair; very: hardly; was: was not;
welcome: regret; were: were not; will: will not; wonderful: terrible; would: would not; wrong:
right
""".replace("\n", " ")
    .strip()
    .split("; ")
)
# What a single quoted adjective can become, by whether `an` may stand before it.
JUDGEMENTS = ("disappointing", "remarkable", "shameful", "tremendous", "baffling", "historic")
JUDGEMENTS_AFTER_AN = ("encouraging", "appalling", "outrageous", "admirable", "unfortunate")
ADJECTIVE_ENDINGS = ("ful", "ous", "ible", "able", "ive", "ing", "less", "ical", "ent", "ant")


# --- What tells people, places and organisations apart

FIRST_NAMES_MALE = word_set(
    "brendan pep rafa roberto jurgen arsene "
    "james john robert michael david william richard thomas charles christopher daniel matthew "
    "anthony mark andrew steven paul joshua kenneth kevin brian george edward jason ryan gary "
    "nicholas jonathan stephen larry justin scott benjamin samuel gregory patrick jack dennis "
    "peter adam nathan henry zachary kyle walter ethan jeremy keith roger sean gerald carl dylan "
    "arthur lawrence joe billy bruce gabriel logan alan juan ralph louis philip bobby simon ian "
    "martin neil craig stuart graham gareth owen rhys dean lee darren wayne barry trevor nigel "
    "malcolm derek duncan angus hamish callum liam connor tom tim ben sam dan nick chris mike "
    "steve dave jim bob bill matt rob tony andy greg ed fred harry oliver charlie jake luke max "
    "alex leo oscar hugh donald barack vladimir mohammed muhammad ahmed ali hassan omar carlos "
    "luis jose jorge pedro diego marco antonio pierre jean francois hans boris gordon vince jens "
    "sven lars anil emeka henrik rafael phil pete ray ron ken don todd brad doug glenn frank eric "
    "karl kurt igor sergei ivan cristiano lionel"
)
FIRST_NAMES_FEMALE = word_set(
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty "
    "margaret sandra ashley kimberly emily donna michelle carol amanda melissa deborah stephanie "
    "rebecca laura sharon cynthia kathleen amy angela shirley anna brenda pamela emma nicole "
    "helen samantha katherine christine debra rachel carolyn janet catherine maria heather diane "
    "ruth julie olivia joyce kelly lauren christina joan evelyn judith megan andrea cheryl hannah "
    "jacqueline martha gloria teresa ann anne sara janice alice sophie sophia julia theresa "
    "nicola claire louise kate katie lucy jane zoe charlotte fiona gemma leanne tracey hillary "
    "angelina rihanna beyonce serena venus kirsty jo leah grace chloe ella isla rhona marit "
    "siobhan astrid yusra beatriz debbie marina ana elena irina natalia fatima aisha malala kim "
    "lynn wendy tina victoria alexandra caroline eleanor frances harriet imogen"
)
# Second words that make no person of a first name: Victoria Park, James Street.
NO_SURNAMES = word_set(
    "park street road house hospital college school university station airport cup stadium square "
    "hall bridge city county club united rovers town island beach river church court centre"
)
TEAM_WORDS = word_set(
    "rovers united fc athletic wanderers albion hotspur villa rangers celtic arsenal chelsea "
    "everton tottenham barcelona juventus warriors saints tigers patriots"
)
# In capitals, and no bodies.
NO_BODIES = word_set(
    "gdp dna hiv aids ceo cctv dvd usb gps adhd rsv sars gmt bst covid lsd mdma iphone a-level"
)
# Last words of names of events, laws and works, on which nothing is planted.
EVENT_WORDS = word_set(
    "awards award cup championship championships prize open games trophy series act bill national "
    "day week war tour prix olympics election show film"
)
ORGANISATION_WORDS = word_set(
    "council university party bank police association league company ltd inc plc corp ministry "
    "department agency authority group union committee commission institute hospital college "
    "school church federation trust foundation office service society twitter facebook google "
    "apple microsoft amazon youtube instagram netflix uber samsung sony tesla organisation "
    "organization parliament senate congress assembly army navy airlines airways networks motors "
    "systems holdings bbc cnn nhs nato fbi cia uefa fifa un eu board academy bureau museum "
    "theatre festival forum alliance campaign watch"
)
PLACE_WORDS = word_set(
    "street road park river island islands bridge bay county airport valley lake mountain "
    "mountains beach square harbour station hills avenue lane point forest city town village "
    "peninsula desert stadium sound reservoir"
)
PLACE_NAMES = word_set(
    "london manchester birmingham liverpool leeds sheffield bristol newcastle sunderland "
    "nottingham leicester coventry bradford plymouth southampton portsmouth brighton oxford "
    "cambridge norwich ipswich exeter york glasgow edinburgh aberdeen dundee inverness cardiff "
    "swansea newport wrexham belfast londonderry dublin cork galway paris lyon marseille berlin "
    "munich hamburg frankfurt vienna zurich geneva brussels amsterdam madrid barcelona lisbon "
    "rome milan turin naples venice athens copenhagen stockholm oslo helsinki warsaw prague "
    "budapest bucharest moscow istanbul ankara jerusalem gaza beirut damascus aleppo baghdad "
    "tehran dubai cairo tripoli nairobi kampala lagos abuja johannesburg durban kabul islamabad "
    "karachi lahore delhi mumbai dhaka kathmandu bangkok hanoi jakarta manila beijing shanghai "
    "tokyo osaka seoul pyongyang sydney melbourne brisbane perth auckland wellington toronto "
    "montreal vancouver ottawa havana bogota caracas lima santiago washington manhattan brooklyn "
    "boston philadelphia chicago detroit dallas houston miami orlando atlanta denver phoenix "
    "seattle portland california texas florida ohio michigan illinois pennsylvania virginia "
    "tennessee kentucky alabama mississippi louisiana missouri kansas oklahoma nebraska iowa "
    "wisconsin minnesota utah nevada arizona alaska hawaii oregon idaho maryland massachusetts "
    "norfolk suffolk essex kent sussex surrey dorset devon cornwall somerset cumbria durham"
)
# Territories that have towns in them: one kind of place does not stand for the other.
TERRITORIES = word_set(
    "california texas florida ohio michigan illinois pennsylvania virginia tennessee kentucky "
    "alabama mississippi louisiana missouri kansas oklahoma nebraska iowa wisconsin minnesota "
    "utah nevada arizona alaska hawaii oregon idaho maryland massachusetts washington georgia "
    "colorado montana indiana norfolk suffolk essex kent sussex surrey dorset devon cornwall "
    "somerset cumbria yorkshire lancashire"
)
SHORT_COUNTRIES = word_set("uk u.k gb us u.s u.s.a america holland burma uae")
# Written with `the` before them.
WITH_THE = word_set("uk u.k us u.s u.s.a uae netherlands philippines gambia united")
# Sharing a territory: one is no error where the other stands.
NESTED_COUNTRIES = frozenset(["britain", "england", "scotland", "wales", "ireland"])


# --- Names that can be planted: they stand for no person, town or body that we know of

INVENTED_FIRST_NAMES_MALE = ("Alvar", "Corwin", "Edric", "Joram", "Lorcan", "Osric", "Tobin")
INVENTED_FIRST_NAMES_FEMALE = ("Ailsa", "Brenna", "Elowen", "Ilse", "Maren", "Sunniva", "Thea")
INVENTED_SURNAMES = (
    *("Ashdene", "Brackwell", "Castellane", "Dunmoor", "Ellacott", "Fairclave", "Garrowby"),
    *("Hathersedge", "Kesterman", "Lindqvale", "Morrowick", "Penhalla", "Quillfeather"),
    *("Ravensholt", "Stannard-Oke", "Thornleigh", "Vesterlund", "Whitcastle", "Yarrowdale"),
)
INVENTED_PLACES = (
    *("Ambleforth", "Brinscombe", "Calverstoke", "Dunharrow", "Eastmarrow", "Fellbrook"),
    *("Greyhaven", "Hollinwick", "Kirkmallow", "Larkenfield", "Northwold Bay", "Port Halloran"),
    *("Saltmere", "Tarrowby", "Underholt", "Westering"),
)
INVENTED_TEAMS = (
    *("Ashcombe Rovers", "Dunharrow Albion", "Harlow Vale", "Kesterton Athletic", "Port Linden"),
    *("Stannerby Wanderers", "Wexmoor Town"),
)
INVENTED_ACRONYMS = ("NRTC", "OLPA", "GVBA", "KWRO", "TDFU")
INVENTED_ORGANISATIONS = (
    *("Aldermoor Trust", "Brightwater Holdings", "Carrowmere Institute", "Danforth & Pryce"),
    *("Fennimore Group", "Halcyon Freight", "Kestrelgate", "Meridian Housing Alliance"),
    *("Northlight Energy", "Orrin Foundation", "Pallister Bank", "Redmayne Associates"),
    *("Silverthorne Partners", "Tidewell Union", "Vantor Systems"),
)
# Real ones: a country that nobody has heard of would be no plausible error.
OTHER_COUNTRIES = (
    *("Uruguay", "Estonia", "Botswana", "Paraguay", "Malta", "Mongolia", "Slovenia", "Senegal"),
    *("Latvia", "Bolivia", "Nepal", "Iceland", "Zambia", "Cyprus", "Fiji"),
)
OTHER_NATIONALITIES = (
    *("Paraguayan", "Danish", "Malaysian", "Bulgarian", "Peruvian", "Norwegian", "Hungarian"),
    *("Kenyan", "Vietnamese", "Chilean", "Portuguese", "Latvian", "Mongolian"),
)
