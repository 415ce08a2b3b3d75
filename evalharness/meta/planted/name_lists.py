"""Names, by hand: what tells people, places and organisations apart, and names that we invented.

The invented ones stand for no person, town or body that we know of. They are written as a reader
would meet them in news; a name is planted only where the article has none of its words.
"""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FIRST_NAMES_MALE = _set(
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
FIRST_NAMES_FEMALE = _set(
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
NO_SURNAMES = _set(
    "park street road house hospital college school university station airport cup stadium square "
    "hall bridge city county club united rovers town island beach river church court centre"
)
TEAM_WORDS = _set(
    "rovers united fc athletic wanderers albion hotspur villa rangers celtic arsenal chelsea "
    "everton tottenham barcelona juventus warriors saints tigers patriots"
)
# In capitals, and no bodies.
NO_BODIES = _set(
    "gdp dna hiv aids ceo cctv dvd usb gps adhd rsv sars gmt bst covid lsd mdma iphone a-level"
)
# Last words of names of events, laws and works, on which nothing is planted.
EVENT_WORDS = _set(
    "awards award cup championship championships prize open games trophy series act bill national "
    "day week war tour prix olympics election show film"
)
ORGANISATION_WORDS = _set(
    "council university party bank police association league company ltd inc plc corp ministry "
    "department agency authority group union committee commission institute hospital college "
    "school church federation trust foundation office service society twitter facebook google "
    "apple microsoft amazon youtube instagram netflix uber samsung sony tesla organisation "
    "organization parliament senate congress assembly army navy airlines airways networks motors "
    "systems holdings bbc cnn nhs nato fbi cia uefa fifa un eu board academy bureau museum "
    "theatre festival forum alliance campaign watch"
)
PLACE_WORDS = _set(
    "street road park river island islands bridge bay county airport valley lake mountain "
    "mountains beach square harbour station hills avenue lane point forest city town village "
    "peninsula desert stadium sound reservoir"
)
PLACE_NAMES = _set(
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
TERRITORIES = _set(
    "california texas florida ohio michigan illinois pennsylvania virginia tennessee kentucky "
    "alabama mississippi louisiana missouri kansas oklahoma nebraska iowa wisconsin minnesota "
    "utah nevada arizona alaska hawaii oregon idaho maryland massachusetts washington georgia "
    "colorado montana indiana norfolk suffolk essex kent sussex surrey dorset devon cornwall "
    "somerset cumbria yorkshire lancashire"
)
SHORT_COUNTRIES = _set("uk u.k gb us u.s u.s.a america holland burma uae")

# Written with `the` before them.
WITH_THE = _set("uk u.k us u.s u.s.a uae netherlands philippines gambia united")
# Sharing a territory: one is no error where the other stands.
NESTED_COUNTRIES = frozenset(["britain", "england", "scotland", "wales", "ireland"])

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
