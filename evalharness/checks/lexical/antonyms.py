"""Words that say the opposite of each other, by hand, for English news.

A line is two sides with a bar between: each word of one side contradicts each of the other, in
the same place of a sentence. Inflections need not stand here, since both texts are stemmed.
"""

from evalharness.text import stem_of

_TABLE = """
    increase rise grow climb gain jump soar | decrease fall drop decline shrink plunge slump slide
    increase rise surge rocket swell escalate | decrease fall plummet dwindle dip tumble
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
    beat defeat | lose
    success successful successfully | failure fail unsuccessful unsuccessfully
    succeed | fail
    support back favour favor endorse champion | oppose reject condemn resist
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
    earlier previous prior former previously | later subsequent subsequently next
    early | late
    first | last
    last | next
    past | future
    alive living survive live | dead die deceased
    survive survivor | die perish victim
    birth born | death die
    save rescue | kill
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
    above over | below under
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
    under | over
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


def _opposites(table: str) -> dict[str, frozenset[str]]:
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


ANTONYMS = _opposites(_TABLE)
"""The stems that contradict a stem."""
ALIKE = _alike(_TABLE)
"""The stems that say about the same as a stem, itself among them."""
