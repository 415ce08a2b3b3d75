"""Words that mean something else in company: `look after`, `fell ill`, `the first lady`."""

import re

# Words that are never turned into their opposites: their use is too varied.
NEVER_TURNED = frozenset(["cut", "least", "most", "under", "with"])

# Words, what stands before them and what stands after them in such company; empty: nothing does.
_FIXED: tuple[tuple[str, str, str], ...] = (
    ("approve approves approved", r"", r" of\b"),
    (
        "after",
        r"(?:named|looked?|looking|day|week|year|soon|shortly|hours|take[ns]?) $",
        r" all\b",
    ),
    (
        "before",
        r"(?:appear\w*|as|than|day|years?|months?|week|hours?|ever|never) $",
        r" (?:long|a judge|magistrates|court)",
    ),
    (
        "more",
        r"(?:once|any|even|much|no|than|or|and|many|far) $",
        r"(?! (?:than \d|than half|people|men|women|children|\w{3,}[^s]s)\b)",
    ),
    (
        "first",
        r"(?:at|for the|from) $",
        r" (?:time|minister|lady|\w+ since|-)|[ ]?[.,;]|$",
    ),
    (
        "last",
        r"(?:at|the) $",
        r" (?:week|month|year|night|\w+day|season|summer|minute|\d|few)",
    ),
    (
        "open",
        r"\b(?:an?|the|french|us|australian|british|wide|in) $",
        r"",
    ),
    (
        "close",
        r"(?:very|so|a|as|came|come|is|are|was) $",
        r" (?:to|friend|ally|race)",
    ),
    (
        "left",
        r"(?:the|was|were|been|is|are|has|be|on|his|her|have|had) $|\($",
        r" (?:him|her|them|\w+ (?:dead|injured)|wing)|\)",
    ),
    (
        "lost",
        r"(?:was|were|be|is|are|been) $",
        r" (?:his|her|their) (?:life|lives|wife|\w+er)",
    ),
    (
        "over",
        r"(?:all|take[ns]?|took|taking|is|was|game|hand\w*|won|turn\w*|run|more|the) $",
        r"(?! \d)",
    ),
    (
        "without",
        r"",
        r" (?:\w+ing|any)\b",
    ),
    (
        "high",
        r"(?:an?|the|record|so|at) $",
        r" (?:school|street|court|-|profile)",
    ),
    (
        "low",
        r"(?:an?|a record|all-time|so|at) $",
        r"-",
    ),
    (
        "man",
        r"(?:spider|iron|isle of) $",
        r"",
    ),
    (
        "support increase",  # verbs only; else they are mostly nouns
        r"(?<!\bto )(?<!will )(?<!would )(?<!they )(?<!who )(?<!not )(?<!could )$",
        r"",
    ),
    (
        "early",
        r"(?:as|an) $",
        r" (?:\w+ hours|years)",
    ),
    (
        "late",
        r"(?:the|too|of|her|his|their) $",
        r"",
    ),
    (
        "best",
        r"(?:at|s|his|her|their) $",
        r"-| (?:known|friend)",
    ),
    (
        "better",
        r"(?:had|get|got) $",
        r"",
    ),
    (
        "above",
        r"",
        r"(?! \d)",
    ),
    (
        "failed fail",
        r"",
        r" to\b",
    ),
    (
        "begin begins began start starts started end ended stopped",
        r"\b(?:the|an|week|in|his|her|no|a|their|its|from|head|this|flying) $",
        r" (?:of|at|with|from|to|up|in|\w+ing)\b",
    ),
    (
        "never",
        r"",
        r" before",
    ),
    (
        "agree agrees agreed",
        r"",
        r" (?:that|with|on|upon)\b",
    ),
    (
        "safe",
        r"(?:the|a) $",
        r" (?:seat|house|haven)",
    ),
    (
        "public",
        r"(?:the|in|of) $",
        r" (?:\w+ england|house|health)",
    ),
    (
        "private",
        r"(?:in) $",
        r" (?:\w+ \w+ regiment|eye)",
    ),
    (
        "fall",
        r"\b(?:the|a|last|next|this) $",
        r" (?:out|in|off|for|asleep|ill|apart|short|victim)",
    ),
    (
        "fell",
        r"",
        r" (?:out|in|off|for|asleep|ill|apart|short|victim|through|down|over|from)",
    ),
    (
        "raised",
        r"(?:was|were|born and|been) $",
        r" (?:concern\w*|questions|awareness|the alarm|in|by|money|funds)",
    ),
    (
        "raise",
        r"(?:pay|a) $",
        r" (?:concern\w*|questions|awareness|the alarm|money|funds)",
    ),
    (
        "foreign",
        r"",
        r" (?:secretary|minister|office)",
    ),
    (
        "opposed",
        r"(?:as) $",
        r"",
    ),
)


def _compile_pattern(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.IGNORECASE) if pattern else None


_PATTERNS = {
    word: (_compile_pattern(before), _compile_pattern(after))
    for words, before, after in _FIXED
    for word in words.split()
}


def is_fixed(word: str, before: str, after: str) -> bool:
    """Tell whether a word between others is part of a phrase and has no opposite there."""
    if word in NEVER_TURNED:
        return True
    first, second = _PATTERNS.get(word, (None, None))
    return bool((first and first.search(before)) or (second and second.match(after)))
