"""Words that the checks know, by hand, for English news.

In this order: words that make names, words that say little by themselves, who does what to whom,
and words that contradict each other.
"""

from collections.abc import Sequence

from evalharness.text import country, stem_of
from evalharness.text.name_words import FIRST_NAMES, PLACES, SURNAMES
from evalharness.text.stems import stem
from evalharness.text.words import word_set


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem_of, words.split()))


def _plain_stems(words: str) -> frozenset[str]:
    """Return Porter stems, irregular forms as they are: `said` stays `said`."""
    return frozenset(stem(word) for word in words.split())


# Of the names of places, bodies and events. News writes them with a capital more often than not, so
# one that an article does not have says that a summary names something else; lower-cased summaries
# do not show it otherwise.
NAMING_STEMS = _plain_stems(
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

# Verbs of saying, verbs that take their sense from their object (`take part`), verbs of beginning,
# change and motion, and the vaguest nouns. A paraphrase puts one in place of another; alone, a
# novel one is no reason to doubt a sentence. Other nouns name what a sentence is about.
GENERAL_STEMS = _plain_stems(
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
    "refuse fail manage return change grow grew increase reduce investigate beat beaten "
    "man woman men women boy girl person people thing way part"
)


def sort_of_name(words: Sequence[str]) -> str:
    """Return what the folded words of a name say that it names; empty if they do not tell.

    >>> sort_of_name(["jane", "doe"]), sort_of_name(["league", "cup"]), sort_of_name(["kop"])
    ('person', 'body or event', '')
    """
    if country(" ".join(words)):
        return "country"
    if not NAMING_STEMS.isdisjoint(map(stem_of, words)):
        return "body or event"
    if len(words) == 1 and (words[0] in PLACES or words[0].endswith("shire")):
        return "place"
    return "person" if words[0] in FIRST_NAMES or words[-1] in SURNAMES else ""


# A summary may leave these out between the words that it copies: nothing is lost.
OMISSIBLE = word_set(
    "a an the this that these those his her its their our your my own s also just very then is are "
    "was were be been has have had percent per cent million billion"
)
# What a number may be written with or without: `5 per cent`, `5%`; `£5m`, `£5 million`.
NUMBER_FORMS = word_set("percent per cent million billion trillion m bn")
# Short words and older ones; both texts are compared in the right-hand form.
_SHORT_FOR = """
    tv: television; nov: november; dec: december; jan: january; feb: february; aug: august;
    sep: september; sept: september; oct: october; till: until; whilst: while; amongst: among;
    amidst: amid; utd: united; prof: professor; dr: doctor; flu: influenza; photo: photograph;
    photos: photographs; lab: laboratory; labs: laboratories; ads: advertisements;
    km: kilometres; kilometers: kilometres; kg: kilograms; mph: miles; phone: telephone
"""
SHORT_FOR = {
    short.strip(): stem_of(long.strip())
    for short, long in (row.split(":") for row in _SHORT_FOR.replace("\n", " ").split(";"))
}
# Several words for one; of a summary, where the article has the one.
_PHRASES = """
    passed away: died; passes away: dies; in spite of: despite; prior to: before; due to: because;
    a number of: several; carried out: performed; carry out: perform; took place: happened;
    take place: happen; looking into: investigating; look into: investigate; set up: established;
    at once: immediately; in order to: to; each year: annual; every year: annual; as well as: and;
    prime minister: pm; chief executive: ceo; man city: manchester; man utd: manchester;
    wishes to: wants; wish to: want; tried to: attempted; permitted to: allowed; rise in: increase;
    gross domestic product: gdp; miles per hour: mph; los angeles: la; new york city: nyc
"""
PHRASES = {
    tuple(map(stem_of, phrase.split())): stem_of(word.strip())
    for phrase, word in (row.split(":") for row in _PHRASES.replace("\n", " ").split(";"))
}
# The other way round, the first word of the phrase.
PHRASE_OF = {word: phrase[0] for phrase, word in PHRASES.items()}

# What follows a complete phrase may be one of these; it is no noun that the phrase belongs to.
AFTERTHOUGHTS = word_set(
    "yesterday today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday "
    "january february march april may june july august september october november december last "
    "next earlier later nearby ahead amid alongside aboard throughout back despite following"
)

# Verbs of saying, and words that begin a clause: who sums up puts them between two statements.
SAYING = _stems(
    "say tell add insist warn call describe tweet write claim argue explain admit joke declare "
    "according state ask reply comment recall note believe reveal report find show suggest "
    "announce confirm think"
)
CLAUSE_WORDS = word_set(
    "he she it they we i you so who which that and but or when while because as if though although "
    "after before since until where"
)

# What says when or for how long by itself, without a number: foreign where the article has none of
# the stems. Of a decade and its kin, a date of the article may tell, too.
TIME_CLAIMS = {
    tuple(words.split()): _stems(known)
    for words, known in {
        "for the first time": "first debut maiden never history historic inaugural new open launch",
        "the end of the season": "season campaign",
        "next season": "season campaign",
        "last season": "season campaign",
        "a decade": "decade",
        "a century": "century",
        "than a year": "year annual month",
        "than a month": "month week day",
        "than a week": "week day",
    }.items()
}
DURATIONS = word_set("decade century year month week")
BEFORE_DURATION = word_set("for more less over under nearly almost about around than within just")

# What opens a reason, or another circumstance: of which place, time or manner. Of how many
# words of content, at least, the article must have none before a reader can be sure.
CIRCUMSTANCES = {(word,): 3 for word in ["in", "on", "by", "where"]} | {
    tuple(words.split()): 2
    for words in (
        "because",
        "after",
        "since",
        "following",
        "due to",
        "owing to",
        "thanks to",
        "caused by",
        "as a result of",
    )
}

# --- How a summary speaks of the article: words that say nothing of what it says

TEXTS = word_set(
    "article report story passage text author authors writer document piece post news newspaper "
    "summary source page paper review study column"
)
# `The article discusses`; words that may go before and after these.
_FRAMING = word_set(
    "discusses discussed describes described reports reported says said states stated mentions "
    "mentioned explains explained highlights highlighted notes noted outlines outlined covers "
    "covered details presents presented provides focuses tells summarizes summarises explores "
    "examines reveals shows gives talks deals argues adds suggests claims emphasizes emphasises "
    "concludes lists includes is"
)
_AFTER_FRAMING = word_set(
    "that how about on the of with information details an overview a summary as follows some more"
)
_OPENERS = (
    *("in summary", "in conclusion", "in short", "in brief", "in addition", "in general"),
    *("in other words", "in fact", "in the article", "in this article", "in the end", "in total"),
    *("overall", "additionally", "furthermore", "moreover", "meanwhile", "however", "finally"),
    *("also", "notably", "importantly", "to summarize", "to summarise", "to sum up", "firstly"),
    *("secondly", "thirdly", "lastly", "for example", "for instance", "as a result"),
    *("key points", "the key points are", "the main points are", "here is a summary"),
)
OPENERS = frozenset(tuple(opener.split()) for opener in _OPENERS)
# `This happened when …`: the sentence goes on with what the one before it began.
LINKING = frozenset(
    ("this", verb, link)
    for verb in ("happened", "came", "is", "was", "occurred")
    for link in ("when", "after", "because", "as", "before", "while")
)
LONGEST_OPENER = max(map(len, OPENERS))

# Any other word begins no frame.
OPEN_FRAMES = TEXTS.union(
    ["according", "as", "in", "the", "this", "a", "an"], (opener[0] for opener in OPENERS)
)
# And behind `the` and its kin, any other.
BEHIND_THE = TEXTS.union(
    (opener[1] for opener in OPENERS if len(opener) > 1), (link[1] for link in LINKING)
)


def frame_length(words: Sequence[str], after_mark: Sequence[bool]) -> int:
    """Return how many words at the head of a sentence only say that the article says it.

    words: folded; after_mark: which of them have a comma or the like before them.

    >>> frame_length("according to the report men left".split(), [False] * 6)
    4
    >>> frame_length("the article discusses how bees sleep".split(), [False] * 6)
    4
    """
    if tuple(words[:3]) in LINKING:
        return 3
    framing = _framing_words(words) or _opening_length(words, after_mark)
    framing = framing or _statement_length(words)
    return framing + frame_length(words[framing:], after_mark[framing:]) if framing else 0


def _framing_words(words: Sequence[str]) -> int:
    """Return how many words are `according to the report`, `as the article explains`, …"""
    if tuple(words[:2]) == ("according", "to"):
        at = _text_at(words, 2)
        return at if at > 2 else 0
    if words[:1] == ["as"]:
        at = _text_at(words, 1)
        return at + 1 if at > 1 and words[at : at + 1] and words[at] in _FRAMING else 0
    if words[:1] == ["in"]:
        at = _text_at(words, 1)
        learns = words[at + 1 : at + 2] in (["learn"], ["read"], ["see"], ["hear"])
        if at > 1 and words[at : at + 1] == ["we"] and learns:
            return at + 2 + (words[at + 2 : at + 3] in (["that"], ["how"]))
    return 4 if words[:4] == ["the", "news", "is", "that"] else 0


def _opening_length(words: Sequence[str], after_mark: Sequence[bool]) -> int:
    for length in range(min(LONGEST_OPENER, len(words) - 1), 0, -1):
        if tuple(words[:length]) in OPENERS and after_mark[length]:
            return length
    return 0


def _statement_length(words: Sequence[str]) -> int:
    """Return how many words are `the article also says that` or the like."""
    at = _text_at(words, 0)
    also = words[at : at + 1] in (["also"], ["further"], ["then"])
    verb = at + also
    if not at or words[verb : verb + 1] == [] or words[verb] not in _FRAMING:
        return 0
    end = verb + 1
    if words[verb] == "is":
        return end + 1 if words[end : end + 1] == ["about"] else 0
    while end < len(words) and words[end] in _AFTER_FRAMING:
        end += 1
    return end


def _text_at(words: Sequence[str], start: int) -> int:
    """Return where a text that is named ends, `the report`; the start where none is."""
    article = start + (words[start : start + 1] in (["the"], ["this"], ["a"], ["an"]))
    return article + 1 if article < len(words) and words[article] in TEXTS else start


# Who does something to whom; verbs are stems.
PRONOUNS = word_set("he she they it his her their him them who")
# One of these between a verb and a word: the word is no party to it.
APART = word_set(
    "in at on from for of with as after before during since until near about into through that "
    "when while because and but or who which than if"
)
# Different words for the same result, and for the same seen from the other side.
WINNING = _stems("beat defeat win victory thrash overcome stun triumph hammer rout")
LOSING = _stems("lose loss")
OF_RESULTS = word_set("of over against to by")
LOST_TO = word_set("to by against at")
BE = word_set("is are was were be been being get got gets")
PASSIVE = BE | {"has", "have", "had", "will"}
# Who does these and to whom may change places; or they are done to nobody.
MUTUAL_ONLY = _stems(
    "meet marry divorce play face draw fight talk agree share compete differ debate speak"
)
MUTUAL = MUTUAL_ONLY | _stems(
    "join say tell be have include follow become call name know base compare mean make take see "
    "come go get give year old new live near set"
)

# Who is hurt is not killed, where the article has nobody who is.
OF_HARM = _stems("injure wound hurt")
OF_DEATH = _stems("kill die dead death fatal fatally perish murder")

# Words of time are opposites only of the same thing: `last year`, `next year`.
OF_TIME = _stems("after before last next first prior previous previously former earlier later")
# Who does these with one of those does not go up or down: `fell behind`, `rose to power`.
OF_MOTION = _stems("fall rise drop climb")
WITH_MOTION = word_set("behind ill asleep apart through short foul victim pregnant out")
# With and without speak against each other of the very same thing only.
OF_HAVING = frozenset(["with", "without"])
# Who leaves something so goes nowhere.
LEAVING = _stems("leave left")
KEPT = word_set("unchanged untouched unaltered intact alone unscathed")

# Opposites. A line is two sides with a bar between: each word of one side contradicts each of the
# other, in the same place of a sentence. Inflections need not stand here, since both texts are
# stemmed.
_OPPOSITES = """
    increase rise grow climb gain jump soar surge | decrease fall drop decline shrink plunge slump
    increase rise grow climb gain jump soar surge | slide slip dip sink tumble plummet
    increase rise rocket swell escalate | decrease fall plummet dwindle dip tumble
    increase raise hike boost expand strengthen | decrease reduce cut lower weaken diminish lessen
    up | down
    upward | downward
    growth gain | decline loss contraction
    higher | lower
    highest | lowest
    high | low
    raise lift | lower
    more | less fewer
    most | least fewest
    many | few
    win victory triumph winner | lose loss loser
    victory triumph | defeat
    beat | lose
    success successful successfully | failure fail unsuccessful unsuccessfully
    succeed | fail
    support back favour favor endorse champion | oppose reject resist
    supporter proponent advocate | opponent critic
    support backing | opposition
    favour favor | against
    approve pass authorise authorize | reject veto refuse deny block
    approval | rejection disapproval
    accept welcome embrace | reject refuse decline
    acceptance | rejection
    agree | disagree refuse
    agreement | disagreement
    allow permit let enable | ban forbid prohibit bar block
    legal lawful legally | illegal unlawful illegally
    legalise legalize | criminalise criminalize outlaw ban
    confirm admit acknowledge | deny dispute
    admit confess plead | deny
    guilty | innocent
    convict | acquit clear
    conviction | acquittal
    arrest detain jail imprison | release free
    praise applaud hail commend | criticise criticize condemn slam blame denounce
    praise | criticism condemnation
    love adore like | hate dislike loathe detest
    loved | hated
    open reopen | close shut
    start begin launch commence | end finish stop halt cease conclude
    start beginning outset | end finish conclusion
    continue resume | stop halt suspend end cease discontinue
    resume | suspend
    before | after
    pass | fail
    sooner | later
    earlier previous prior former previously | later subsequent subsequently next
    early | late
    first | last
    last | next
    past | future
    alive living survive live | dead die deceased
    survive survivor | die dead perish victim
    birth born | death die
    save rescue | kill
    kill | injure wound hurt
    arrive enter join | leave depart exit quit
    arrival | departure
    enter | exit leave
    join | leave quit
    stay | leave quit depart
    appoint hire recruit | sack fire dismiss
    promote promotion | demote relegate demotion relegation
    buy purchase acquire | sell
    buyer | seller
    import | export
    lend | borrow
    give | take receive
    send | receive
    push | pull
    remember | forget
    find discover | lose
    include involve | exclude omit
    inclusion | exclusion
    inside indoors indoor | outside outdoors outdoor
    above | below
    internal | external
    domestic | foreign
    north northern | south southern
    east eastern | west western
    left | right
    top | bottom
    front | back rear
    good great excellent | bad poor terrible
    better | worse
    best | worst
    improve improvement | worsen deteriorate deterioration decline
    improve | worsen damage harm
    positive positively | negative negatively
    strong strongly strength | weak weakly weakness
    strengthen | weaken
    rich wealthy | poor
    wealth | poverty
    safe safely safety | dangerous dangerously danger unsafe
    hot warm | cold cool
    hottest warmest | coldest coolest
    heat | cold
    wet | dry
    big large huge major | small tiny minor little
    bigger larger | smaller
    biggest largest | smallest
    long | short
    longer | shorter
    longest | shortest
    old older elderly | young younger
    oldest | youngest
    new | old
    fast quick rapid quickly rapidly | slow slowly
    faster | slower
    fastest | slowest
    accelerate | slow
    easy easily | hard difficult
    easier | harder
    simple | complex complicated
    cheap cheaper cheapest | expensive costly dearer
    heavy heavier | light lighter
    full | empty
    deep | shallow
    wide broad | narrow
    widen | narrow
    thick | thin
    tall | short
    tighten stricter | loosen relax ease
    strict harsh | lenient
    public publicly | private privately
    permanent permanently | temporary temporarily
    present presence | absent absence
    possible | impossible
    likely | unlikely
    able | unable
    true | false untrue
    correct right | incorrect wrong
    known | unknown
    certain | uncertain
    clear | unclear
    fair | unfair
    happy pleased delighted glad | unhappy sad upset angry disappointed
    popular | unpopular
    important | unimportant
    necessary | unnecessary
    available | unavailable
    lucky | unlucky
    fit | unfit
    stable | unstable
    employed employment | unemployed unemployment
    experienced | inexperienced
    usual | unusual
    common | rare
    expected | unexpected
    complete completed | incomplete partial
    always | never
    often frequently | rarely seldom
    everyone everybody | nobody noone
    all every | none
    everything | nothing
    everywhere | nowhere
    with | without
    male man men | female woman women
    boy | girl
    father | mother
    son | daughter
    husband | wife
    brother | sister
    married marry | divorced divorce
    progress breakthrough | setback
    safer | riskier
    earliest | latest
    regular regularly widely | rare rarely
    king | queen
    actor | actress
    day daytime | night nighttime
    morning | evening night
    war | peace
    ally friend | enemy
    friendly | hostile
    attack offensive | defence defense
    attacker | defender
    attack | defend protect
    advance | retreat
    invade invasion | withdraw withdrawal
    deploy | withdraw
    destroy demolish | build create rebuild restore
    create | destroy abolish
    introduce impose | abolish scrap lift
    impose | lift
    add | remove subtract
    addition | removal
    install | remove
    connect | disconnect
    attach | detach
    lock | unlock
    load | unload
    cover | uncover
    optimistic optimism | pessimistic pessimism
    confident confidence | doubtful doubt
    hope | fear
    proud pride | ashamed shame
    trust | distrust mistrust
    encourage | discourage
    qualify | disqualify
    obey | disobey defy
    respect | disrespect
    advantage | disadvantage
    benefit | harm damage
    profit | loss
    profitable | unprofitable
    surplus | deficit
    majority | minority
    maximum | minimum
    income revenue | expenditure spending
    demand | supply
    credit | debit
    asset | liability
    teacher | student pupil
    employer | employee
    home | away
    winner | loser runner
    ahead | behind
    lead | trail
    innocent | guilty
    voluntary voluntarily | compulsory mandatory forced
    optional | compulsory mandatory required
    deliberate deliberately intentional | accidental accidentally unintentional
    urban | rural
    modern | ancient
    natural | artificial
    healthy | unhealthy sick ill
    sick ill | well
    awake | asleep
    conscious | unconscious
    sober | drunk
    visible | invisible
    similar same | different
    equal | unequal
    unite united | divide divided
    unity | division
    merge | split
    victim | attacker perpetrator
    oversea abroad | home
    extend lengthen | shorten cut
    delay postpone | hasten
    gain | lose
    hire | fire
    keep retain | lose abandon
    uphold | overturn quash
    uphold | reject
    upheld | overturned quashed
    sink | float
    above | beneath
    backward | forward
    outgoing | incoming
    absence | presence
    complain | praise
    liberal | conservative
    cheer | boo
    exonerate | implicate
    legitimate | illegitimate
    loyal | disloyal
    win | draw
    nearer closer | farther further
    clean | dirty
    quiet calm | noisy loud
    reveal disclose | conceal hide
    secret secretly | public publicly
    recover | relapse
    upgrade | downgrade
    outperform | underperform
    overestimate | underestimate
    superior | inferior
    senior | junior
    plus | minus
    cancel | confirm schedule
    prosecution prosecutor | defence defense
    plaintiff | defendant
    reluctant reluctantly | eager willing willingly
    willing | unwilling
"""

# Of one person the one, of another beside the other: both may stand in an article.
OF_PEOPLE = _stems(
    "man woman men women boy girl father mother son daughter husband wife brother sister male "
    "female king queen actor actress"
)
# A thing may be both, for one reader or another.
OF_TWO_SIDES = _stems("new old")


def _antonyms(table: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in table.strip().splitlines():
        left, right = ({stem_of(word) for word in side.split()} for side in line.split("|"))
        for word in left:
            found.setdefault(word, set()).update(right)
        for word in right:
            found.setdefault(word, set()).update(left)
    return {word: frozenset(others - {word}) for word, others in found.items()}


def _alike(table: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in table.strip().splitlines():
        for side in line.split("|"):
            words = {stem_of(word) for word in side.split()}
            for word in words:
                found.setdefault(word, set()).update(words)
    return {word: frozenset(others) for word, others in found.items()}


ANTONYMS = _antonyms(_OPPOSITES)
"""The stems that contradict a stem."""
ALIKE = _alike(_OPPOSITES)
"""The stems that say about the same as a stem, itself among them."""
