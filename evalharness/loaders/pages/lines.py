"""The lines of a page, and what each shows by itself.

That is where the article begins and ends: the dateline before its first words, the source after
its last; and which lines readers skip: menus, buttons, counts, offers,
links to stories. A line is such furniture by what it is, whole: a phrase that sites use, in its
usual variants, or a form (a bare address, a tweet's signature, a count of comments). Sentences of
an article begin with the same words ("News of the vote spread", "Share prices fell"), so an
open-ended phrase never matches a line that ends as a sentence does.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from evalharness.loaders.pages import labels, languages
from evalharness.loaders.pages.labels import is_ended

_STORIES = (
    r"(stor(y|ies)|articles?|topics?|news|posts?|links|content|coverage|reading|videos?|tags?)"
)
_NETWORK = (
    r"(facebook|twitter|x|instagram|whatsapp|telegram|linkedin|reddit|pinterest|viber|tiktok"
    r"|threads|youtube|bluesky|e-?mail|messenger|google( news)?|rss|print|copy( link)?|link)"
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
    r"|(was|is) this .*(helpful|useful)\W*"
    r"|happy|sad|angry|amused|inspired|afraid|annoyed|don.?t care"
    r"|loading( more)?( comments)?\W*|please wait\W*|show (more|less)|load more.*|view all"
    # comments
    r"|(add|leave|post|write|view|read|show|see|hide) (a |your |all |the )?(comments?|repl(y"
    r"|ies))\W*(\(\d+\))?|comments?( \(?\d+\)?)?|\d+ (comments?|repl(y|ies)|shares?|views?|likes?"
    r"|reactions?)|sort by( .{3,12})?|(newest|oldest|best)( first)?|reply|like"
    r"|join the (conversation|discussion)|(there are )?no comments( yet)?|be the first to comment"
    r"|comentarios?|compartir|leer más"
    r"|kommentare|teilen|weiterlesen|mehr zum thema|commentaires|partager|lire aussi|à lire aussi"
    # offers
    r"|download (the |our )?.{1,40} apps?\W?|get (the |our ).{1,40} apps?\W?|install .{1,30} app\W?"
    r"|advertise(ment)?s?( ?[-–—] ?.{3,40})?|ads?|sponsored( (content|by .{2,40}))?|promoted|promo"
    r"|paid (content|post)|partner content|(story|article) continues (below|after).*"
    r"|scroll (down )?to continue.*|continue reading.*|keep reading\W*|read (the )?full (story"
    r"|article)|(sign|signing) up (for|to|now|here).*|subscribe to .*|subscribe (here|today|and).*"
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
    r"|link))?|watch( (live|now|this|also))?|listen( to)?|in (photos|pictures|case you missed it)"
    r"|icymi|look|(photos|video|gallery|podcast|explainer|fast facts|timeline|live(blog| updates)?"
    r"|opinion)|must.read|don.t miss|follow live|lee también|también lea|lire aussi|à lire aussi"
    r"|lesen sie auch|mehr)\s*(:|\||»|>|[–—]\s)\s*(?P<headline>\S.*)",
    re.IGNORECASE,
)
# `Read more` and the like may also run on into a headline, which begins with a capital.
_RUNS_ON = re.compile(r"(Read|READ|See|SEE) (more|MORE|also|ALSO|next|NEXT)\b[^.!?]*")

# Sentences that only a site says.
_SENTENCES = re.compile(
    r"there are no comments yet|be the first to (comment|share)|add your comment"
    r"|all rights reserved|(this|our) (web)?site uses cookies|we use cookies|uses? of cookies"
    r"|by (clicking|continuing|signing up|subscribing|using this site)\b.{0,60}\b(agree|accept"
    r"|consent)|(delivered|straight|sent) (right )?(to|into) your inbox|in your (e-?mail )?inbox"
    r"|(sign|signing) up (for|to) (our|the|a) .{0,40}newsletter|subscribe to (our|the) "
    r"|download our (free )?app|send this page to someone|this material may not be published"
    r"|may not be (re)?(published|produced|distributed)|(do you )?have a (news )?tip\b.*\b(e-?mail"
    r"|contact)|you need to (enable|turn on) javascript|please enable javascript"
    r"|your browser does not support"
    r"|a post shared by|view (this|more) (post )?on (instagram|facebook|twitter|x)\b"
    r"|(get|receive) the (best|latest|top|day.s)\b.{0,60}\b(every|each|daily|morning|week"
    r"|newsletter)|support (our|independent|quality) journalism|your (free )?trial|unlimited access"
    r"|already a (subscriber|member)|log in to (comment|continue|read)|comments are closed"
    r"|(this|the) (story|article|report|headline) (is|was|has been) ((first|originally) "
    r"published|amended|corrected|clarified|edited|updated)\b"
    r"|^(disclaimer|correction|clarification|note to (readers|editors))\s*[:–—]"
    r"|\b(send|write|e-?mail|contact)\b.{0,60} \S+@\S+\.\w{2,8}\.?$"
    r"|follow (us|our|@)|trust principles",
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
    rf"| {_STORIES})?|recommended( for you| stories| reading)?|(you )?(may|might) (also )?like\W*"
    rf"|up next|must.?read|(top|latest|more|other|featured|must.read|editor.?s) (picks?"
    rf"|{_STORIES})( .{{2,30}})?"
    r"|(more|also|elsewhere) (on|in|from|about) .{2,50}|mehr zum thema|don.?t miss",
    re.IGNORECASE,
)
# What stands in a box beside the summary: an opinion asked for, more on how it was made. The last
# two are subheads elsewhere ("How does it work?"), so these are looked for in a box alone.
_CONTROL = re.compile(
    r"\W*((was|is|did you find) (this|it|(the|our) (summary|answer))\b.{0,40}"
    r"\b(helpful|useful|accurate|clear|right)\b.{0,15}"
    r"|did (we|this|it|ai)\b.{0,20}\b(right|help( you)?)"
    r"|(rate|copy|share|hide|show|close|expand|collapse|listen to|play|save|print|regenerate) "
    r"((this|the|our|full) )?((ai|article) )?(summary|overview|recap|points|answer|text)"
    r"|(give|send|leave|share|provide)( us)?( your)? (feedback|opinion)( on .{3,30})?"
    r"|thanks? (you )?for your (feedback|opinion|vote)|tell us what you think\b.{0,30}"
    r"|(report|flag) (a|an|any) (problem|issue|error|mistake)s?( .{3,30})?|thumbs (up|down)"
    r"|(yes|no)( (yes|no))?|((learn|read|find out|see) )?more( (about|on) .{3,50})?"
    r"|how ((this|it) works|(does|do|is|was|were|are) (this|it|these|we|our)\b.{0,30}))"
    r"[\s.!?:…»›→]*",
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
    if languages.is_whole("furniture", line) or opens_comments(line) or opens_list(line):
        return True
    parts = _SIDE_BY_SIDE.split(line) if len(line) <= LONGEST_SENTENCE else [line]
    if len(parts) > 1 and all(part and is_furniture(part) for part in parts):
        return True
    return _is_phrase(line) or points_elsewhere(line)


def is_control(line: str) -> bool:
    """Return whether a line of a summary box is for readers to press or to answer.

    >>> is_control("Was this summary useful? Yes No"), is_control("More than 40 homes burnt")
    (True, False)
    """
    words = len(line.split())
    return words <= MOST_PHRASE_WORDS and _CONTROL.fullmatch(line) is not None


_SIDE_BY_SIDE = re.compile(r"\s+[|•·]\s+|\s+/\s+")  # Share · Leave a comment


def ends_in_signature(line: str) -> bool:
    """Return whether a line is, or ends in, the signature of an embedded post."""
    return len(line) <= LONGEST_SENTENCE * 2 and _SIGNATURE.fullmatch(line) is not None


def is_bare_signature(line: str) -> bool:
    """Return whether a line is the signature of a post, and the post itself stands before it."""
    found = _SIGNATURE.fullmatch(line) if len(line) <= LONGEST_SENTENCE else None
    return found is not None and not found["said"]


def opens_comments(line: str) -> bool:
    """Return whether readers' comments follow."""
    if _COMMENTS.fullmatch(line.strip(" :.!")):
        return True
    return languages.is_whole("comments", line.strip(" ()0123456789"))


def opens_list(line: str) -> bool:
    """Return whether links to other stories follow.

    >>> opens_list("Related stories"), opens_list("Also on Monday, a wall fell.")
    (True, False)
    """
    if _STOP.search(line):
        return False
    return bool(_LIST.fullmatch(line.strip(" :»>"))) or languages.is_whole("lists", line)


def _is_phrase(line: str) -> bool:
    words = line.split()
    if len(words) > MOST_PHRASE_WORDS or not _PHRASE.fullmatch(line):
        return False
    return len(words) <= 3 or not line.endswith(".") or line.endswith("..")


def points_elsewhere(line: str) -> bool:
    """Return whether a line leads to another story, whose headline is on it."""
    if len(line) > LONGEST_SENTENCE:
        return False
    rest = languages.rest_of("pointer", line)
    if rest != line and line[: len(line) - len(rest)].rstrip().endswith(":"):
        return not _STOP.search(line) or line.endswith("?")
    found = _POINTER.fullmatch(line)
    if found:
        return not _STOP.search(line) or line.isupper() or line.endswith("?")
    return _RUNS_ON.fullmatch(line) is not None


_ARROW = re.compile(
    r".*[»›→>]$|(read|view|see|watch|open) (the |our |this )?(full|whole|complete|original|entire) "
    r"(story|article|report|text|interview|meeting|video)\b.{0,40}",
    re.IGNORECASE,
)


def leads_away(line: str) -> bool:
    """Return whether a line ends in an arrow, as links do: `View all offers »`."""
    return (
        len(line) <= LONGEST_SENTENCE and _ARROW.fullmatch(line) is not None and line[0] not in "«»"
    )


def _is_quoted(line: str) -> bool:
    return any(mark in line for mark in '“”«»"')


# What HTML says of a line: its tag, or the class of an element around it.
Hint = Literal["", "title", "heading", "byline", "time", "caption", "box", "furniture", "frame"]


class Line(NamedTuple):
    """One line of a page, with single plain spaces.

    raw: the line as it stands; text: without its bullet.
    gap: a blank line stands before it; always so in HTML.
    html: from HTML, where headings are marked and a short plain line is none.
    around: the elements of HTML around it, the nearest first: `.class`, `#id` or `tag`.
    """

    raw: str
    text: str
    hint: Hint = ""
    bullet: bool = False
    gap: bool = True
    html: bool = False
    around: tuple[str, ...] = ()

    @property
    def ends_sentence(self) -> bool:
        """Whether it ends as a sentence does."""
        return labels.is_ended(self.raw)


def line(said: str, hint: Hint = "", *, gap: bool = True, html: bool = False) -> Line:
    """Return a line of text that has single plain spaces."""
    return Line(said, labels.without_bullet(said), hint, labels.has_bullet(said), gap, html)


# Zero-width space, joiners of words, byte order mark, soft hyphen. Joiners of letters stay.
_UNSEEN = {0x200B: None, 0x2060: None, 0xFEFF: None, 0xAD: None}


def without_unseen(text: str) -> str:
    """Return text without marks that no one sees."""
    return text.translate(_UNSEEN)


def fold_spaces(text: str) -> str:
    """Return text with single plain spaces, and without marks that no one sees.

    >>> fold_spaces("  a\\u00a0b\\u200b \\t c")
    'a b c'
    """
    return " ".join(without_unseen(text).split())


# --- How an article begins and ends

_DASH = r"(?:–|—|―|--+| - |−|(?<=\)):|(?<=\w): (?=[A-Z]))"
_CITY = r"[^\W\d_a-zß-öø-ÿ][^\W\d_a-zß-öø-ÿ.'’\-]*(?:[ \-/][^\W\d_a-zß-öø-ÿ.'’\-&]+){0,4}"
_AREA = r"(?:,? [(\w][\w.'’ ]{1,30}\)?){0,3}"
# SAN CERILLO, Verlandia – Public schools …     LONDON, Oct 17 (Reuters) - The …
_CAPITALS = re.compile(rf"(?P<line>{_CITY}{_AREA}) ?(?:{_DASH}|\|) ?(?=[^\W_]|[\"“«‘'¿¡(])")
_NAME = r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2}"
# Oro City, Verlandia — The …     Oro City (AP) — The …
_MIXED = re.compile(
    rf"(?P<line>{_NAME}(?:, {_NAME}(?:, \w+ \d{{1,2}})?|(?:, {_NAME})? \([A-Z][\w ./]+\))) ?(?:–|—"
    rf"|--) ?(?=[A-Z\"“])"
)
# DUNMORE, 10 October. A museum …
_DATED = re.compile(
    rf"(?P<line>{_CITY}(?:, {_NAME})?, "
    r"(?:\d{1,2} [A-Z][a-z]{2,8}|[A-Z][a-z]{2,8}\.? \d{1,2}))\. (?=[A-Z\"“])"
)
_AGENCY_ONLY = re.compile(r"(?P<line>\([A-Z][\w ]{1,20}\)) ?(?:–|—|--| - ) ?(?=\S)")
_NO_PLACE = re.compile(
    r"(UPDATED?|BREAKING|WATCH|LIVE|LOOK|READ|EXCLUSIVE|OPINION|ANALYSIS|EXPLAINER|FILE|FILE PHOTO"
    r"|PHOTOS?"
    r"|VIDEO|JUST IN|NEWS|CORRECTION|NOTE|EDITOR.S NOTE|DISCLAIMER|SUMMARY|TL;?DR|AI|FAST FACTS"
    r"|FIRST|Q|A)\b"
)
LONGEST_DATELINE = 70  # characters

_TAG_NAME = r"[^–—.!?\"“”()]{2,60}?(?:\.[a-z]{2,8}){0,2}"
# … no budget yet. – Harbor Ledger      … no budget yet. (AP)
_SOURCE = re.compile(
    r"(?:(?<=[.!?…”\"’'»)])|(?<=\w) (?=[–—] (?:\w[\w .]*/)?\w+\.[a-z]{2,8}\.?$)) ?"
    rf"(?P<tag>(?:–|—|―|--| -) ?{_TAG_NAME}|\((?:[A-Z]{{2,6}}"
    rf"|[A-Z][\w./ &-]{{1,40}})\))"
    r"[.]?$"
)
_SOURCE_LINE = re.compile(
    rf"(?:–|—|―|--|-) ?{_TAG_NAME}|\((?:[A-Z]{{2,6}}|[A-Z][\w./ &-]{{1,40}})\)"
    r"|(?:–|—|--)? ?with (?:an? )?(?:additional )?(?:reports?|files|inputs?|reporting"
    r"|contributions?) (?:from|by) .{2,60}|source: .{2,50}"
    r"|(?:Reuters|AFP|AP|EPA|dpa|DPA|ANSA|EFE|Xinhua|UPI|PA)",
    re.IGNORECASE,
)
LONGEST_TAG_LINE = 90  # characters


def dateline(paragraph: str) -> str:
    """Return where, and perhaps when, a paragraph says that it was written; empty if it does not.

    >>> dateline("ORO CITY, Verlandia – The court …"), dateline("NATO – what next?")
    ('ORO CITY, Verlandia', 'NATO')
    >>> dateline("LONDON, Oct 17 (Reuters) - Talks …"), dateline("The mayor – at last – left.")
    ('LONDON, Oct 17 (Reuters)', '')
    """
    head = paragraph[: LONGEST_DATELINE + 5]
    if _NO_PLACE.match(head):
        return ""
    for form in (_CAPITALS, _MIXED, _AGENCY_ONLY, _DATED):
        found = form.match(head)
        if found and len(found["line"]) > 1:
            return found["line"].strip()
    return ""


def opens_article(paragraph: str) -> bool:
    """Return whether a paragraph begins with a dateline and is long enough to be the first."""
    if len(paragraph.split()) < 5 or not dateline(paragraph):
        return False
    return is_ended(paragraph) or source(paragraph) is not None or len(paragraph.split()) >= 18


def source(paragraph: str) -> tuple[str, str] | None:
    """Return a paragraph without the source named at its end, and that name with its dash.

    >>> source("It has no budget yet. – Harbor Ledger")
    ('It has no budget yet.', '– Harbor Ledger')
    """
    tail = paragraph[-LONGEST_TAG_LINE:]
    found = _SOURCE.search(tail)
    if found is None or len(found["tag"].split()) > 10 or _is_aside(found["tag"]):
        return None
    text = paragraph[: len(paragraph) - len(tail) + found.start()].rstrip()
    return text, paragraph[len(paragraph) - len(tail) + found.start("tag") :].strip()


def is_source_line(line: str) -> bool:
    """Return whether a line by itself says where the article is from: `– Harbor Ledger`."""
    return len(line) <= LONGEST_TAG_LINE and _SOURCE_LINE.fullmatch(line) is not None


def _is_aside(tag: str) -> bool:
    """Return whether words after a dash go on with the sentence: they begin small."""
    words = tag.strip("–—―- ()").split()
    return bool(words) and words[0][0].islower() and words[0] not in ("with", "from", "via", "by")


# Lines that are read together. A news page has some hundred; the rest of a longer one goes by its
# shape alone, so that a megabyte of short lines takes two seconds.
MOST_READ = 2000

# --- Lines that hold two

_SEPARATOR = re.compile(
    r"\s+[|•·]\s+|\s+[–—-]\s+(?=\w{3,9}\.? \d|\d)|,?\s+(?=(?:\w{1,9}\.? )?\d{1,2}[./: ])"
)


def split_lines(lines: Sequence[Line]) -> list[Line]:
    """Return lines, each that holds two as its parts; those that nobody reads as they are."""
    parts = [part for each in lines[:MOST_READ] for part in split_line(each)]
    return [*parts, *lines[MOST_READ:]]


def split_line(whole: Line) -> Iterator[Line]:
    """Yield the parts of a line that holds two: heading, text; caption, credit; name, time."""
    said, hint = whole.raw, whole.hint
    if hint in ("title", "frame", "furniture"):
        yield whole
        return
    pair = labels.heading_and_text(whole.text)
    kinds: tuple[Hint, Hint] = (hint, hint)
    if pair is None and (pair := labels.caption_and_credit(said)):
        kinds = ("caption", "caption")
    if pair is None and (pair := _name_and_time(said)):
        kinds = (hint, hint)
    if pair is None:
        yield whole
        return
    for part, kind, gap in zip(pair, kinds, (whole.gap, False), strict=True):
        yield line(part, kind, gap=gap, html=whole.html)._replace(around=whole.around)


def _name_and_time(said: str) -> tuple[str, str] | None:
    if len(said) > labels.LONGEST_TIMESTAMP:
        return None
    for mark in _SEPARATOR.finditer(said):
        name, time = said[: mark.start()], said[mark.end() :]
        if labels.is_timestamp(time) and (labels.is_byline(name) or labels.is_name(name)):
            return name, time
    return None
