"""Irregular English verb forms, by hand: what no stemmer takes back to its verb."""

_TABLE = """
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


def _forms(table: str) -> dict[str, str]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {form: verb.strip() for verb, _, forms in lines for form in forms.split()}


VERB_OF = _forms(_TABLE)
