"""English words that carry no content of their own, by hand; in lower case."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FUNCTION_WORDS = _set(
    "a an the this that these those such same other another each every either neither both all "
    "any some no none few many much more most several enough own i me my mine myself we us our "
    "ours ourselves you your yours yourself he him his himself she her hers herself it its "
    "itself they them their theirs themselves one ones who whom whose which what someone anyone "
    "everyone nobody something anything everything nothing be am is are was were been being "
    "have has had having do does did doing done will would shall should can could may might "
    "must ought need i'm i've i'll i'd you're you've we're we've they're they've he's she's "
    "it's that's there's don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't "
    "couldn't cannot of in on at by for from to with without within into onto upon over under "
    "above below between among against across through during before after since until till "
    "towards toward about around near off out up down along behind beyond besides despite "
    "except per via as than like and or but nor so yet if because although though while whereas "
    "unless whether when where why how then there here now also too very just only even still "
    "again already ever never not quite rather almost perhaps however therefore thus meanwhile "
    "instead otherwise s t d ll m re ve o"
)
