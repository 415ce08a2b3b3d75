"""Words of English news for planting, by hand: verbs with their forms, opposites, hedges."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(words.split())


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
