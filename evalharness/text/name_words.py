"""Words about names in English news, by hand; in lower case, folded as `text.fold` does.

Nothing here decides that a name is right. The tables say which words can be names where capitals
do not show it (lower-cased summaries, first words), and which names stand for the same country.
"""

from evalharness.text.words import word_set


def _countries(table: str) -> dict[str, str]:
    """Turn lines `country: other words` into `word: country`; `_` stands for a space."""
    found: dict[str, str] = {}
    for line in table.strip().splitlines():
        country, _, others = line.partition(":")
        for word in (country, *others.split()):
            found[word.replace("_", " ").strip()] = country.strip()
    return found


CALENDAR = word_set(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
    "saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "gmt bst utc cet est edt pst pdt am pm"
)
# Written with a capital before a name, and no name themselves.
PERSON_TITLES = word_set(
    "mr mrs ms miss dr prof professor sir dame lord lady rev reverend president vice prime "
    "minister chancellor secretary senator congressman congresswoman governor mayor judge "
    "justice king queen prince princess duke duchess pope cardinal archbishop bishop captain "
    "sergeant general colonel lieutenant major officer detective inspector constable "
    "superintendent chief director chairman chairwoman manager coach professor doctor former ex "
    "deputy sen rep gov gen sgt lt col capt det insp supt"
)
# Small words inside a name: Bank of England, Ludwig van Beethoven, Osama bin Laden.
CONNECTORS = word_set(
    "of the de la le du da das do dos del della di van von der den ter bin ibn al el y"
)
# Shortened in capitals, and no names.
ORDINARY_CAPITALS = word_set(
    "tv ceo cfo coo fc afc mp mps msp mep ok dj id pc hq vip dvd cd gp gps phd aka faq diy suv "
    "rev i ii iii iv vi vii viii ix lrb rrb lsb rsb"
)
# Endings of ordinary words: of an opening word of which nothing is known.
ORDINARY_ENDINGS = ("ed", "ing", "ly", "tion", "tions", "ment", "ments", "ness", "ers", "ists")

# What `of` belongs to: Bank of England, but Jane Doe | of | London.
HEADS_OF_NAMES = word_set(
    "academy army association bank battle bay board bridge bureau chamber church city college "
    "committee confederation council county court department diocese duke duchess earl "
    "federation game games gulf hall house isle isles institute kingdom king league lord "
    "ministry museum office order organisation organization palace parliament prince princess "
    "queen republic royal school secretary sea society state states tower trust union "
    "university"
)

COUNTRY_OF = _countries(
    """
    britain: british briton britons uk gb british-born united_kingdom great_britain
    england: english englishman englishwoman
    scotland: scottish scot scots scotsman scotswoman
    wales: welsh welshman welshwoman
    ireland: irish irishman irishwoman
    usa: u.s america american americans united_states united_states_of_america
    france: french frenchman frenchwoman
    germany: german germans
    spain: spanish spaniard spaniards
    portugal: portuguese
    italy: italian italians
    greece: greek greeks
    netherlands: dutch dutchman dutchwoman holland
    belgium: belgian belgians
    luxembourg: luxembourger
    switzerland: swiss
    austria: austrian austrians
    denmark: danish dane danes
    norway: norwegian norwegians
    sweden: swedish swede swedes
    finland: finnish finn finns
    iceland: icelandic icelander
    poland: polish pole poles
    czechia: czech czechs czech_republic
    slovakia: slovak slovaks slovakian
    hungary: hungarian hungarians
    romania: romanian romanians
    bulgaria: bulgarian bulgarians
    serbia: serbian serb serbs
    croatia: croatian croat croats
    slovenia: slovenian slovene
    bosnia: bosnian bosnians bosnia-herzegovina
    kosovo: kosovan kosovar
    albania: albanian albanians
    macedonia: macedonian
    montenegro: montenegrin
    cyprus: cypriot cypriots
    malta: maltese
    turkey: turkish turk turks
    russia: russian russians
    ukraine: ukrainian ukrainians
    belarus: belarusian belarusians
    moldova: moldovan
    estonia: estonian
    latvia: latvian
    lithuania: lithuanian
    georgia: georgian
    armenia: armenian
    azerbaijan: azerbaijani azeri
    kazakhstan: kazakh
    uzbekistan: uzbek
    israel: israeli israelis
    palestine: palestinian palestinians
    lebanon: lebanese
    syria: syrian syrians
    jordan: jordanian
    iraq: iraqi iraqis
    iran: iranian iranians
    saudi arabia: saudi saudis
    yemen: yemeni
    oman: omani
    qatar: qatari
    kuwait: kuwaiti
    bahrain: bahraini
    emirates: uae emirati united_arab_emirates
    egypt: egyptian egyptians
    libya: libyan libyans
    tunisia: tunisian
    algeria: algerian
    morocco: moroccan
    sudan: sudanese
    ethiopia: ethiopian
    eritrea: eritrean
    somalia: somali somalis somalian
    kenya: kenyan kenyans
    uganda: ugandan
    rwanda: rwandan
    burundi: burundian
    tanzania: tanzanian
    congo: congolese
    cameroon: cameroonian
    nigeria: nigerian nigerians
    ghana: ghanaian
    senegal: senegalese
    mali: malian
    gambia: gambian
    liberia: liberian
    zambia: zambian
    zimbabwe: zimbabwean
    mozambique: mozambican
    angola: angolan
    namibia: namibian
    botswana: botswanan
    malawi: malawian
    madagascar: malagasy
    india: indian indians
    pakistan: pakistani pakistanis
    bangladesh: bangladeshi
    sri lanka: lankan
    nepal: nepalese nepali
    afghanistan: afghan afghans
    myanmar: burma burmese
    thailand: thai
    vietnam: vietnamese
    cambodia: cambodian
    laos: laotian
    malaysia: malaysian
    singapore: singaporean
    indonesia: indonesian
    philippines: philippine filipino filipinos
    china: chinese
    taiwan: taiwanese
    japan: japanese
    korea: korean koreans
    mongolia: mongolian
    australia: australian australians aussie
    fiji: fijian
    samoa: samoan
    tonga: tongan
    canada: canadian canadians
    mexico: mexican mexicans
    guatemala: guatemalan
    honduras: honduran
    nicaragua: nicaraguan
    panama: panamanian
    cuba: cuban cubans
    jamaica: jamaican
    haiti: haitian
    bahamas: bahamian bahamians
    barbados: barbadian barbadians bajan
    trinidad: trinidadian
    colombia: colombian
    venezuela: venezuelan
    ecuador: ecuadorean
    peru: peruvian
    brazil: brazilian brazilians
    bolivia: bolivian
    paraguay: paraguayan
    uruguay: uruguayan
    argentina: argentine argentinian
    chile: chilean
    guyana: guyanese
    suriname: surinamese
    belize: belizean
    turkmenistan: turkmen
    tajikistan: tajik
    kyrgyzstan: kyrgyz
    niger: nigerien
    chad: chadian
    togo: togolese
    benin: beninese
    gabon: gabonese
    guinea: guinean
    mauritania: mauritanian
    mauritius: mauritian
    bhutan: bhutanese
    costa rica: costa_rican rican
    ivory coast: ivorian ivorians
    el salvador: salvadoran salvadorean
    europe: european europeans
    africa: african africans
    asia: asian asians
    """
)

# A government is called by where it sits: Seoul will build four reactors.
CAPITAL_OF = _countries(
    """
    britain: london downing_street whitehall westminster
    usa: washington white_house
    ireland: dublin
    france: paris elysee
    germany: berlin
    spain: madrid
    portugal: lisbon
    italy: rome
    greece: athens
    netherlands: hague amsterdam
    belgium: brussels
    switzerland: bern berne
    austria: vienna
    denmark: copenhagen
    norway: oslo
    sweden: stockholm
    finland: helsinki
    iceland: reykjavik
    poland: warsaw
    czechia: prague
    slovakia: bratislava
    hungary: budapest
    romania: bucharest
    bulgaria: sofia
    serbia: belgrade
    croatia: zagreb
    turkey: ankara
    russia: moscow kremlin
    ukraine: kiev kyiv
    belarus: minsk
    israel: jerusalem
    lebanon: beirut
    syria: damascus
    jordan: amman
    iraq: baghdad
    iran: tehran teheran
    saudi arabia: riyadh
    qatar: doha
    egypt: cairo
    libya: tripoli
    tunisia: tunis
    algeria: algiers
    morocco: rabat
    sudan: khartoum
    ethiopia: addis_ababa
    kenya: nairobi
    nigeria: abuja
    africa: pretoria
    india: delhi new_delhi
    pakistan: islamabad
    bangladesh: dhaka
    afghanistan: kabul
    thailand: bangkok
    vietnam: hanoi
    indonesia: jakarta
    philippines: manila
    china: beijing
    taiwan: taipei
    japan: tokyo
    korea: seoul pyongyang
    australia: canberra
    zealand: wellington
    canada: ottawa
    mexico: mexico_city
    cuba: havana
    colombia: bogota
    venezuela: caracas
    peru: lima
    brazil: brasilia
    argentina: buenos_aires
    chile: santiago
    europe: brussels
    """
)

# Names of places, people and bodies that are no ordinary words: what a summary in lower case may
# have made up. Frequent ones only; a name that is missing here is overlooked, not wronged.
PLACES = word_set(
    "london manchester birmingham liverpool leeds sheffield bristol newcastle sunderland "
    "nottingham leicester coventry bradford hull stoke wolverhampton derby plymouth southampton "
    "portsmouth brighton oxford cambridge norwich ipswich exeter gloucester gloucestershire "
    "cheltenham swindon bournemouth poole blackpool preston blackburn bolton wigan oldham "
    "rochdale stockport salford huddersfield middlesbrough hartlepool darlington durham "
    "carlisle lancaster york yorkshire lancashire cheshire shropshire staffordshire derbyshire "
    "nottinghamshire lincolnshire norfolk suffolk essex kent sussex surrey hampshire dorset "
    "devon cornwall somerset wiltshire berkshire buckinghamshire oxfordshire bedfordshire "
    "hertfordshire northamptonshire warwickshire worcestershire herefordshire cambridgeshire "
    "leicestershire cumbria northumberland merseyside tyneside teesside glasgow edinburgh "
    "aberdeen aberdeenshire dundee inverness perthshire fife stirling falkirk kilmarnock "
    "motherwell lanarkshire ayrshire cardiff swansea newport wrexham bangor aberystwyth "
    "pembrokeshire carmarthenshire ceredigion gwynedd powys anglesey conwy flintshire "
    "denbighshire monmouthshire belfast londonderry antrim armagh tyrone fermanagh lisburn "
    "newry dublin cork galway limerick jersey guernsey gibraltar heathrow gatwick wembley "
    "westminster downing twickenham wimbledon paris lyon marseille calais nice berlin munich "
    "hamburg frankfurt cologne vienna zurich geneva brussels amsterdam rotterdam hague madrid "
    "barcelona seville valencia lisbon porto rome milan turin naples venice athens copenhagen "
    "stockholm oslo helsinki reykjavik warsaw prague budapest bucharest sofia belgrade zagreb "
    "kiev kyiv minsk moscow istanbul ankara jerusalem gaza beirut damascus aleppo homs baghdad "
    "mosul basra tehran riyadh jeddah dubai doha cairo tripoli tunis khartoum addis ababa "
    "nairobi mombasa kampala kigali lagos abuja accra dakar johannesburg pretoria durban cape "
    "harare lusaka kabul kandahar helmand islamabad karachi lahore peshawar delhi mumbai "
    "kolkata chennai bangalore hyderabad dhaka colombo kathmandu bangkok hanoi jakarta bali "
    "manila beijing shanghai tibet tokyo osaka fukushima seoul pyongyang sydney melbourne "
    "brisbane perth adelaide canberra queensland auckland wellington christchurch toronto "
    "montreal vancouver ottawa quebec ontario havana bogota caracas lima quito santiago rio "
    "janeiro paulo buenos aires washington york manhattan brooklyn boston philadelphia chicago "
    "detroit dallas houston austin antonio miami orlando atlanta denver phoenix seattle "
    "portland vegas angeles francisco diego hollywood california texas florida ohio michigan "
    "illinois pennsylvania virginia carolina tennessee kentucky alabama mississippi louisiana "
    "orleans arkansas missouri kansas oklahoma nebraska iowa wisconsin minnesota dakota montana "
    "wyoming colorado utah nevada arizona alaska hawaii oregon idaho maryland delaware "
    "connecticut massachusetts vermont maine baltimore ferguson cleveland pittsburgh milwaukee "
    "guantanamo kashmir crimea donetsk chechnya siberia catalonia bavaria sicily corsica darfur "
    "mediterranean atlantic pacific caribbean antarctica arctic himalayas everest alps thames"
)
FIRST_NAMES = word_set(
    "james john robert michael william david richard joseph thomas charles christopher daniel "
    "matthew anthony andrew joshua kenneth kevin brian george timothy ronald edward jason "
    "jeffrey ryan jacob gary nicholas eric jonathan stephen steven larry justin scott brandon "
    "benjamin samuel gregory alexander patrick dennis jerry tyler aaron jose adam nathan henry "
    "douglas zachary peter kyle noah ethan jeremy walter christian keith roger terry austin "
    "sean gerald harold dylan arthur lawrence jesse bryan bruce gabriel logan albert willie "
    "juan wayne ralph vincent philip phillip louis russell bobby johnny bradley craig stuart "
    "alan allan alistair alex ben dan dave gareth gavin geoff graham greg harry hugh ian jamie "
    "jeremy jim joe jon josh ken lee leon liam luke malcolm martin matt mike neil nigel oliver "
    "owen paul pete phil ray ricky rob robbie roy simon steve ted tim toby tom tommy tony "
    "trevor vladimir mohammed muhammad mohamed ahmed ali hassan ibrahim abdullah omar carlos "
    "luis jorge miguel pedro diego sergio fernando antonio giovanni marco pierre jean francois "
    "hans klaus jurgen sven lars mary patricia jennifer linda elizabeth barbara susan jessica "
    "sarah karen lisa nancy betty margaret sandra ashley kimberly emily donna michelle carol "
    "amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen amy angela shirley "
    "anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn "
    "janet catherine maria heather diane ruth julie olivia joyce kelly lauren christina joan "
    "evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann anne sara "
    "madison kathryn janice jean alice sophia julia theresa nicola claire louise kate katie "
    "lucy jane zoe charlotte fiona gemma leanne tracey angelina beyonce rihanna kim kanye"
)
# What a given name may be short for.
NICKNAMES = {
    short: frozenset(full.split())
    for short, full in {
        "abby": "abigail",
        "al": "alan albert alexander",
        "andy": "andrew",
        "beth": "elizabeth",
        "bill": "william",
        "billy": "william",
        "bob": "robert",
        "bobby": "robert",
        "cathy": "catherine",
        "charlie": "charles charlotte",
        "dan": "daniel",
        "danny": "daniel",
        "dave": "david",
        "dick": "richard",
        "ed": "edward edwin edmund",
        "eddie": "edward edwin",
        "fred": "frederick alfred",
        "gerry": "gerald gerard",
        "harry": "henry harold",
        "jack": "john",
        "jeff": "jeffrey geoffrey",
        "jerry": "gerald jeremy jerome",
        "jim": "james",
        "jimmy": "james",
        "joe": "joseph",
        "johnny": "john jonathan",
        "jon": "jonathan",
        "josh": "joshua",
        "kate": "catherine katherine kathryn",
        "kathy": "catherine katherine kathleen",
        "katie": "catherine katherine kathryn",
        "ken": "kenneth",
        "larry": "lawrence laurence",
        "liz": "elizabeth",
        "maggie": "margaret",
        "mick": "michael",
        "mike": "michael",
        "nick": "nicholas nicola",
        "nicky": "nicholas nicola",
        "peggy": "margaret",
        "ray": "raymond",
        "rob": "robert",
        "ron": "ronald",
        "ronnie": "ronald veronica",
        "sam": "samuel samantha",
        "steve": "stephen steven",
        "sue": "susan suzanne",
        "ted": "edward theodore",
        "terry": "terence teresa theresa",
        "tim": "timothy",
        "tom": "thomas",
        "tommy": "thomas",
        "tony": "anthony antony antonio",
        "will": "william",
    }.items()
}
SURNAMES = word_set(
    "smith johnson williams jones davis miller wilson taylor anderson thomas jackson harris "
    "thompson robinson walker wright mitchell roberts evans edwards collins murphy cameron "
    "blair thatcher corbyn sturgeon salmond farage miliband clegg osborne johnson obama trump "
    "clinton bush biden putin merkel hollande macron sarkozy erdogan netanyahu assad gaddafi "
    "mubarak modi abe jinping romney mccain sanders cruz rubio kerry pence pelosi snowden "
    "assange mandela mugabe zuma murray federer nadal djokovic hamilton vettel rosberg button "
    "mourinho wenger ferguson guardiola klopp rooney gerrard lampard beckham ronaldo messi "
    "neymar suarez kane vardy mcilroy bolt froome wiggins farah ennis"
)
_BODIES = word_set(
    "bbc itv cnn nbc abc cbs fox reuters nhs un eu nato isis fbi cia nsa mi5 mi6 nasa fifa uefa "
    "ukip snp dup sdlp ira psni hmrc opec imf who unicef rspca rspb nspcc tuc gchq ofsted ofcom "
    "google apple facebook twitter microsoft amazon samsung nokia sony toyota nissan volkswagen "
    "bmw boeing airbus ryanair tesco sainsbury asda morrisons barclays hsbc lloyds vodafone "
    "arsenal chelsea tottenham everton celtic rangers hibernian uefa oscars grammy bafta "
    "conservatives tory tories labour republican republicans democrat democrats taliban "
    "al-qaeda hezbollah hamas isil christmas easter ramadan muslim muslims islam islamic "
    "christian catholic jewish jews nazi olympic olympics paralympic brexit"
)
KNOWN_NAMES = (
    PLACES | FIRST_NAMES | SURNAMES | _BODIES | {word for word in COUNTRY_OF if " " not in word}
) - word_set(
    "us nice who turkey jordan polish pole poles button cape fox lee ray hull cork derby poole "
    "reading rugby dover halifax venus ed mo max stan will mark rob bolt pence"
)

# Words that open sentences with a capital and are seldom names; beside FUNCTION_WORDS.
ORDINARY_OPENERS = word_set(
    "police officers officials authorities people residents scientists researchers experts "
    "doctors students teachers parents families children women men girls boys workers staff "
    "fans players members leaders lawyers prosecutors detectives firefighters campaigners "
    "protesters activists critics supporters voters politicians mps ministers councillors "
    "soldiers troops rebels militants migrants refugees investors shares profits sales prices "
    "figures plans work talks concerns new more two three four five six seven eight nine ten "
    "last next first second third former hundreds thousands dozens millions nearly almost "
    "around according following speaking asked given based born located known used using "
    "despite today yesterday tomorrow recently currently previously originally finally "
    "additionally furthermore moreover overall although similarly unfortunately interestingly "
    "eventually elsewhere later earlier early late part parts place images photos video footage "
    "pictures please thank thanks yes no hello sorry okay well oh"
)
