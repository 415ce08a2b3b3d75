"""The lines of a news page that readers skip: menus, buttons, counts, offers, links to stories.

A line is furniture by what it is, whole: a phrase that sites use, in its usual variants, or a form
(a bare address, a tweet's signature, a count of comments). Sentences of an article begin with the
same words ("News of the vote spread", "Share prices fell"), so an open-ended phrase never matches a
line that ends as a sentence does.
"""

import re

_STORIES = (
    r"(stor(y|ies)|articles?|topics?|news|posts?|links|content|coverage|reading|videos?|tags?)"
)
_NETWORK = (
    r"(facebook|twitter|x|instagram|whatsapp|telegram|linkedin|reddit|pinterest|viber|tiktok"
    r"|threads"
    r"|youtube|bluesky|e-?mail|messenger|google( news)?|rss|print|copy( link)?|link)"
)

# What a site says of itself and offers to do, as whole lines without a full stop.
_PHRASES = (
    # menus
    r"home|(latest |world |local |top |breaking |business |sports? )?news|sports?|opinions?|weather"
    r"|business|world|nation(al)?|politics|lifestyle|entertainment|arts|culture|health|science"
    r"|tech(nology)?|video|videos|photos|podcasts?|editorials?|local|metro|regions?|about( us)?"
    r"|contact( us)?|careers|privacy( policy)?|terms( of (use|service))?|menu|search|more"
    r"|back to top|(toggle|open|close|show|hide) (the )?(main )?(navigation|menu|search)"
    r"|skip to (main )?content|(log|sign) (in|up|out)|register|my account|subscribe( now)?|donate"
    r"|breaking( news)?|live|exclusive|developing( story)?|staff (writer|reporter)"
    r"|(senior )?reporter"
    r"|correspondent|contributor|follow|next|previous|close|open|cancel|ok|submit|send|gift this"
    # this story
    r"|share( on| via| to)?( this)?( (story|article|post|page|it))?( (on|via|to))?"
    rf"( {_NETWORK})?|{_NETWORK}|tweet( this)?|pin it|save( this)?( (story|article|for later))?"
    r"|listen( to (this )?(story|article)| now)?|print( this)?( (story|article))?|text size"
    r"|(read )?\d+[- ]min(ute)?s?( read)?|bookmark|translate|report (an error|a typo)|play|pause"
    r"|summari[sz]e (this|the) (article|story|page|text)( with| using| by)?( an)?( ai)?"
    r"|(ask|try|use) ai\b.*|how does this make you feel\W*|what do you think\W*"
    r"|was this .*helpful\W*"
    r"|happy|sad|angry|amused|inspired|afraid|annoyed|don.?t care"
    r"|loading( more)?( comments)?\W*|please wait\W*|show (more|less)|load more.*|view all"
    # comments
    r"|(add|leave|post|write|view|read|show|see|hide) (a |your |all |the )?(comments?|repl(y"
    r"|ies))\W*"
    r"(\(\d+\))?|comments?( \(?\d+\)?)?|\d+ (comments?|repl(y|ies)|shares?|views?|likes?"
    r"|reactions?)"
    r"|sort by( .{3,12})?|(newest|oldest|best)( first)?|reply|like|join the (conversation"
    r"|discussion)"
    r"|(there are )?no comments( yet)?|be the first to comment|comentarios?|compartir|leer más"
    r"|kommentare|teilen|weiterlesen|mehr zum thema|commentaires|partager|lire aussi|à lire aussi"
    # offers
    r"|download (the |our )?.{1,40} apps?\W?|get (the |our ).{1,40} apps?\W?|install .{1,30} app\W?"
    r"|advertise(ment)?s?( ?[-–—] ?.{3,40})?|ads?|sponsored( (content|by .{2,40}))?|promoted|promo"
    r"|paid (content|post)|partner content|(story|article) continues (below|after).*"
    r"|scroll (down )?to continue.*|continue reading.*|keep reading\W*|read (the )?full (story"
    r"|article)"
    r"|(sign|signing) up (for|to|now|here).*|subscribe to .*|subscribe (here|today|and).*"
    r"|(join|follow|like|find) us\b.*|follow .{2,40} on .{1,30}|newsletters?"
    r"|your e-?mail( address)?"
    r"|enter your e-?mail.*|get (the|our|your) .{0,40}(newsletter|stories|headlines|inbox|alerts).*"
    r"|support (our|independent) .*|become a (member|subscriber).*|(accept|reject|allow)( all)?"
    r"( cookies)?|(manage|cookie) (preferences|settings|policy)|got it|i agree|agree|no,? thanks"
    # other stories
    rf"|(also|more|read|see|next|elsewhere) (on|in|from|about|at|by) .{{2,50}}"
    rf"|related( {_STORIES})?"
    r"|(you )?(may|might) (also )?(like|be interested in)\W*|recommended( for you| stories"
    r"| reading)?"
    rf"|(trending|popular|most (read|popular|viewed|shared|commented))( now| {_STORIES})?"
    rf"|(top|latest|more|other|featured|must.read|editor.?s.?) (picks?|{_STORIES})( .{{2,30}})?"
    r"|must.?read|don.?t miss|up next|in case you missed it|(suggested|related|popular) topics\b.*"
    r"|from (our partners|around the web|the web)|what.?s (new|next to read)|watch( now)?|gallery"
    r"|(tags?|topics?|filed under|categories|category|keywords|in this article) ?:.*"
    # the publisher
    r"|(©|\(c\)|copyright\b).*|all rights reserved|our standards\b.*|terms and conditions|newsroom"
    r"|(advertise|work) with us|editorial (policy|guidelines)|corrections( policy)?|e-?paper"
)
_PHRASE = re.compile(rf"\W*({_PHRASES})[\s:»›>→…!.]*", re.IGNORECASE)

# Links to other stories with their headline on the line: `READ MORE: …`, `Related – …`.
_POINTER = re.compile(
    r"\W*(read( (more|also|next|on|this))?|also read|see( (also|more))?|more|related( (story"
    r"|link))?"
    r"|watch( (live|now|this|also))?|listen( to)?|in (photos|pictures|case you missed it)|icymi"
    r"|look"
    r"|(photos|video|gallery|podcast|explainer|fast facts|timeline|live(blog| updates)?|opinion)"
    r"|must.read|don.t miss|follow live|lee también|también lea|lire aussi|à lire aussi"
    r"|lesen sie auch"
    r"|mehr)\s*(:|\||»|>|[–—]\s)\s*(?P<headline>\S.*)",
    re.IGNORECASE,
)
# `Read more` and the like may also run on into a headline, which begins with a capital.
_RUNS_ON = re.compile(r"(Read|READ|See|SEE) (more|MORE|also|ALSO|next|NEXT)\b[^.!?]*")

# Sentences that only a site says.
_SENTENCES = re.compile(
    r"there are no comments yet|be the first to (comment|share)|add your comment"
    r"|all rights reserved|(this|our) (web)?site uses cookies|we use cookies|uses? of cookies"
    r"|by (clicking|continuing|signing up|subscribing|using this site)\b.{0,60}\b(agree|accept"
    r"|consent)"
    r"|(delivered|straight|sent) (right )?(to|into) your inbox|in your (e-?mail )?inbox"
    r"|(sign|signing) up (for|to) (our|the|a) .{0,40}newsletter|subscribe to (our|the) "
    r"|download our (free )?app|send this page to someone|this material may not be published"
    r"|may not be (re)?(published|produced|distributed)|(do you )?have a (news )?tip\b.*\b(e-?mail"
    r"|contact)"
    r"|you need to (enable|turn on) javascript|please enable javascript"
    r"|your browser does not support"
    r"|a post shared by|view (this|more) (post )?on (instagram|facebook|twitter|x)\b"
    r"|(get|receive) the (best|latest|top|day.s)\b.{0,60}\b(every|each|daily|morning|week"
    r"|newsletter)"
    r"|support (our|independent|quality) journalism|your (free )?trial|unlimited access"
    r"|already a (subscriber|member)|log in to (comment|continue|read)|comments are closed"
    r"|(this|the) (story|article|report|headline) (is|was|has been) (developing|(first|originally) "
    r"published|amended|corrected|clarified|edited|updated)\b"
    r"|^(disclaimer|correction|clarification|note to (readers|editors))\s*[:–—]"
    r"|\b(send|write|e-?mail|contact)\b.{0,60} \S+@\S+\.\w{2,8}\.?$"
    r"|this is a developing story|follow (us|our|@)|trust principles",
    re.IGNORECASE,
)
LONGEST_SENTENCE = 250  # characters; a paragraph that says such things tells a story about them

_FORMS = (
    re.compile(r"(https?://|www\.)\S+|\S+@\S+\.\w{2,6}|@\w{2,30}|(#\w+[\s,]*)+"),
    re.compile(r"\W*pic\.twitter\.com/\S+\W*"),
    re.compile(r"[\d.,]+ ?[km]?( (shares?|views?|likes?|comments?))?", re.IGNORECASE),
    re.compile(r"[^\w\"'“”‘’]+"),  # arrows, dots, rules
    re.compile(r"\(?(reporting|writing|additional reporting|editing) by .*", re.IGNORECASE),
    re.compile(r"(\w[\w &]{1,20} ?[>›»] ?){1,5}\w[\w &]{1,20}"),  # Home > News > Local
    re.compile(r"(\w[\w &]{1,20} / ?){2,5}\w[\w &]{1,20}"),
)
_CAPTION = re.compile(r"FILE( PHOTO)?\s*[:–—-]\s|.*\((AP|AFP|EPA|Reuters)[ /]Photo\b.*\)$")
# — Harbor Watch (@harborwatch) October 2, 2031
_SIGNATURE = re.compile(r"(?P<said>.*?)\s*(—|–|--|-) .{1,60}\(@\w{1,30}\).{0,40}", re.DOTALL)
_COMMENTS = re.compile(
    r"(add|leave|post|write|view|read|show|see) (a |your |all |the )?(comments?|repl(y|ies))\W*"
    r"(\(\d+\))?|comments?( \(?\d+\)?)?|\d+ comments?|sort by.*|join the (conversation|discussion)"
    r"|(there are )?no comments.*|be the first to comment.*|comentarios|kommentare|commentaires",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"related( {_STORIES})?|(trending|popular|most (read|popular|viewed|shared))( now"
    rf"| {_STORIES})?"
    r"|recommended( for you| stories| reading)?|(you )?(may|might) (also )?like\W*|up next"
    r"|must.?read"
    rf"|(top|latest|more|other|featured|must.read|editor.?s) (picks?|{_STORIES})( .{{2,30}})?"
    r"|(more|also|elsewhere) (on|in|from|about) .{2,50}|mehr zum thema|don.?t miss",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?…。！？।۔][\"'”’»)\]]*$")
MOST_PHRASE_WORDS = 12  # of a phrase; what is longer is a headline or a sentence


def is_furniture(line: str) -> bool:
    """Return whether a line belongs to the page and not to the article.

    >>> is_furniture("Share this story"), is_furniture("Share prices fell 2% on Monday.")
    (True, False)
    """
    if any(form.fullmatch(line) for form in _FORMS) or _CAPTION.match(line):
        return True
    if ends_in_signature(line) or "pic.twitter.com/" in line:
        return True
    if len(line) <= LONGEST_SENTENCE and _SENTENCES.search(line) and not _is_quoted(line):
        return True
    return _is_phrase(line) or points_elsewhere(line)


def ends_in_signature(line: str) -> bool:
    """Return whether a line is, or ends in, the signature of an embedded post."""
    return len(line) <= LONGEST_SENTENCE * 2 and _SIGNATURE.fullmatch(line) is not None


def is_bare_signature(line: str) -> bool:
    """Return whether a line is the signature of a post, and the post itself stands before it."""
    found = _SIGNATURE.fullmatch(line) if len(line) <= LONGEST_SENTENCE else None
    return found is not None and not found["said"]


def opens_comments(line: str) -> bool:
    """Return whether readers' comments follow."""
    return _COMMENTS.fullmatch(line.strip(" :.!")) is not None


def opens_list(line: str) -> bool:
    """Return whether links to other stories follow.

    >>> opens_list("Related stories"), opens_list("Also on Monday, a wall fell.")
    (True, False)
    """
    return _STOP.search(line) is None and _LIST.fullmatch(line.strip(" :»>")) is not None


def _is_phrase(line: str) -> bool:
    words = line.split()
    if len(words) > MOST_PHRASE_WORDS or not _PHRASE.fullmatch(line):
        return False
    return len(words) <= 3 or not line.endswith(".") or line.endswith("..")


def points_elsewhere(line: str) -> bool:
    """Return whether a line leads to another story, whose headline is on it."""
    if len(line) > LONGEST_SENTENCE:
        return False
    found = _POINTER.fullmatch(line)
    if found:
        return not _STOP.search(line) or line.isupper() or line.endswith("?")
    return _RUNS_ON.fullmatch(line) is not None


def _is_quoted(line: str) -> bool:
    return any(mark in line for mark in '“”«»"')
