"""What the short lines of a news page are: disclaimer, heading, byline, time stamp, credit.

Each function judges one line by itself; where the line stands is weighed in `reading`.
"""

import re
from typing import Literal

from evalharness.loaders.pages import languages
from evalharness.text.words import word_set

# A disclaimer says who wrote (a machine), what it is, and that it may be wrong, in whatever words.
_MACHINE = re.compile(
    r"\bA\.?I\.?(?!\w)|artificial intelligence|\bautomat|\bmachine|\balgorithm|language model"
    r"|\b(chat|news) ?bot|\brobot|\bL?GPT|\bcomputer|\bLLM|inteligencia artificial|\bI\.?A\.?(?!\w)"
    r"|inteligência artificial|intelligence artificielle|intelligenza artificiale|\bKI\b"
    r"|künstliche[rn]? intelligenz|kunstmatige intelligentie",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"summar|synops|\brecap\b|\bdigest\b|\boverview|key (points|takeaways|facts)|\bhighlights"
    r"|takeaways|bullet|main points|tl;?dr|\b(this|these|the above|the below) (text|content|lines"
    r"|points|section|box|paragraph|version)|resum|résum|zusammenfassung|riassunt|samenvatting"
    r"|sammanfattning|^(ai|automat|machine)\W?\w* ?\w*\W?(generat|creat|produc|writt)",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"generat|summari[sz]|creat|produc|writ|wrote|compil|assist|made (by|with)|prepared|drafted"
    r"|powered|generad|gerad|généré|erstellt|creat[oa]|gemaakt",
    re.IGNORECASE,
)
_CAUTION = re.compile(
    r"\b(may|can|might|could|sometimes|possibly)\b.{0,60}"
    r"(error|mistake|inaccura|incorrect|\bwrong|imprecis|omit|incomplete|mislead"
    r"|not be (fully )?accurate"
    r"|\bmiss\b|imperfect)|(error|mistake|inaccurac)\w* (are|is|may|can|might"
    r"|could)\b.{0,20}(possible|occur)"
    r"|(possible|potential) (error|mistake|inaccurac)|not (always|fully|necessarily) (be )?accurate"
    r"|(is|are|be) (imperfect|experimental)|(accuracy|correctness) (is|cannot be) (not )?guarantee"
    r"|not (been )?(reviewed|checked|edited|verified)|without (human )?(review|editing)"
    r"|\b(check|consult) the (article|story|report)\b"
    r"|\b(refer to|read|see|consult|check|visit|open|rely on|turn to) (the )?(article|story)?( in)?"
    r" ?(the )?(full|whole|original|complete|entire|actual)\b|\b(verify|double-check"
    r"|check)\b.{0,30}\b(facts?|details?|information|against|important)|use with (care|caution)"
    r"|(puede|pode|peut|kann|può|kan)\b.{0,40}(error|erro|erreur|fehler|inexact|impreci|fouten"
    r"|fel\b)",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"[“”«»]|, (the |an? )?(\w+ ){1,3}wrote\b|\b(said|says|saying|voted|told|asked|announced"
    r"|according to|reported|argued|claimed|warned|added)\b",
    re.IGNORECASE,
)
# What a disclaimer begins with, within its first words: the summary, or the machine.
_SUBJECT = re.compile(
    r"\W*(\w\S* ){0,4}?(this|these|made by|summar|synops|recap|highlights|takeaways|key|points"
    r"|bullet|content|text|overview|a\.?i\b|artificial|automat|machine|algorithm|language|\w*bot\b|gpt"
    r"|computer|llm|generated|created|produced|written|powered|note|disclaimer|est[ea]|diese|ce\b"
    r"|questo|deze|resum|résum|zusammenfassung|generad|généré|erstellt)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\W*(it|they|this|these|that|for|please|always|refer|read|see|check|verify|may|can|might|could"
    r"|results?|errors?|mistakes?|inaccurac|accuracy|a\.?i\b|content|not|note|consult|visit|click"
    r"|use"
    r"|double|some|possible|but|and|the (summary|text|content|points|highlights)|summar|important"
    r"|puede|pode|peut|kann|può|kan)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(summari[sz]e|generate|get|create|show|view|try|ask|make|click|tap)\b", re.IGNORECASE
)
HEAD_OF_NOTICE = 60  # characters in which it says what it is about
_SHORT_CAUTION = re.compile(
    r"\W*(may|can|might|could) (contain|have|include|be) \w+( \w+)?\W*$", re.IGNORECASE
)
LONGEST_DISCLAIMER = 300  # characters; a longer paragraph tells a story about machines

_BOX_NAME = (
    r"(summary|summari[sz]ation|synopsis|highlights|(the )?key (points|takeaways|facts|highlights)"
    r"|(the )?main points|(the )?takeaways|tl;? ?dr|in (brief|short|a nutshell)|at a glance"
    r"|the (gist|short version)|quick (read|take|summary|facts)|bullet points"
    r"|what (you need )?to know|story highlights|overview|recap"
    r"|the (story|article) in (brief|short)|\d+ (key )?(points|takeaways)|resumen|resumo|résumé"
    r"|zusammenfassung|kurz gefasst|en bref|puntos clave)"
)
_MACHINE_NAME = (
    r"((ai|a\.i\.|ki|ia|auto(mated|matic(ally)?)?|machine|gpt|\w*bot|artificial intelligence)\b)"
)
_BOX_HEADING = re.compile(
    rf"\W*(the |our |your |an? |this )?({_MACHINE_NAME}[ -]*)?((generated|assisted|powered|made"
    r"|written"
    r"|created|based|driven)[ -]*)?((article|story|news|quick|short|brief|instant|smart)[ -]*)?"
    rf"{_BOX_NAME}( (of|from) (this|the) (article|story))?"
    r"(\W{0,3}(\w+ )?((generated|made|written|created|powered|provided|summari[sz]ed|prepared"
    r"|produced)"
    r"\W*)?((by|with|from|using|via)\b.{2,30}|(an? )?(ai|a\.i\.|beta|experimental|auto|automatic"
    r"|machine)([ -](generated|assisted|written|made))?|generated))?\W*",
    re.IGNORECASE,
)
_LEADS = re.compile(  # a heading and its text on one line
    rf"(?P<heading>({_MACHINE_NAME}[ -]*)?((generated"
    rf"|assisted)[ -]*)?({_BOX_NAME})( \([^)]{{2,30}}\))?)"
    r"\s*(:|\s[–—-])\s+(?P<text>\S.{30,})",
    re.IGNORECASE,
)

_MONTHS = (
    r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    r"|nov(ember)?|dec(ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre"
    r"|noviembre|diciembre|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre"
    r"|novembre|décembre|januar|februar|märz|juni|juli|oktober|dezember|janeiro|fevereiro|março"
    r"|maio|junho|julho|setembro|outubro|novembro|dezembro)"
)
_MARKS_TIME = (
    r"(first|last|originally)?\s*(published|updated|posted|modified|edited|created|uploaded"
    r"|release[d]?"
    r"|publicado|actualizado|veröffentlicht|aktualisiert|publié|mis à jour|date|time|as of)"
)
_TIME_WORD = re.compile(
    rf"({_MARKS_TIME}|{_MONTHS}|(mon|tues?|wed(nes)?|thur?s?|fri|sat(ur)?|sun)(day)?|lunes|martes"
    r"|miércoles|jueves|viernes|sábado|domingo|montag|dienstag|mittwoch|donnerstag|freitag|samstag"
    r"|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|[ap]\.?m\.?|noon|midnight|uhr|ago|hace|vor|il y a|hours?|hrs?|minutes?|mins?|days?|weeks?"
    r"|months?|an?|yesterday|today|ayer|hoy|gestern|heute|on|at|the|of|de|del|le|à|um|and"
    r"|local time|eastern|central|pacific"
    r"|[a-z]{1,4}t|utc|gmt|st|nd|rd|th|read|\d+|t|z|h)(?![^\W\d_])",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\b(19|20|21)\d\d\b|{_MONTHS}\.? \d"
    rf"|\d\.? (de )?{_MONTHS}|\d{{1,2}}[:.h]\d\d|\bago\b|\bhace \d|\bvor \d|yesterday|today",
    re.IGNORECASE,
)
LONGEST_TIMESTAMP = 120

_AGENCY = (
    r"(Reuters|AFP|AP|EPA|DPA|dpa|ANSA|EFE|TASS|Xinhua|UPI|PA|Bloomberg|Kyodo|PTI|ANI|Bernama"
    r"|Agence France-Presse|(The )?Associated Press|Press Association|Getty Images|Shutterstock"
    r"|iStock)"
)
_CREDIT = re.compile(
    r"\W*(((file|stock|contributed|handout|courtesy|cover|lead|main|header|featured|top|aerial) )?"
    r"(photo(graph)?s?(?! ?:)|photo(graph)?|image|picture|pic|foto"
    r"|illustration|graphic|artwork|screenshot|screengrab|credit|bild|crédito|crédit"
    r"|fuente)( credits?)?(\W*[:/|©–—]|( are| is)? (by|from|courtesy|via)\b).{2,}"
    r"|courtesy( of| photo)?\b.{0,60}|(photo credits?|image credits?|credit).{2,60}"
    r"|.{0,40}\b(file|contributed|handout|courtesy|stock|pool|staff) (photo|image|picture)"
    r"|©.{2,60}\b(photo|images|getty).*|\((AP|AFP|EPA|Reuters)[ /]Photo.*\)"
    rf"|.{{2,50}}( / ?| ?/|, | via |\|){_AGENCY}( .{{0,20}})?)",
    re.IGNORECASE,
)
# J. ONDRASEK / Harbor Ledger; not `a limit of 30 km/h`
_CREDITED = r"[A-ZÀ-Þ][^\W\d_]*[.'’-]*\w*( [A-ZÀ-Þa-z][\w.'’-]*){0,3} ?/ ?[A-ZÀ-Þ][\w .&/'’-]{1,40}"
_SLASHED = re.compile(_CREDITED)
# A caption and, at its end, who took the picture.
_CAPTIONED = re.compile(
    r"(?P<caption>.{15,}?(?:[\w.!?”’)](?= *[|–—])|[.!?”’)](?= )|\w(?= [A-Z(])))[ |–—]+(?P<credit>"
    r"\(?(?i:photo(graph)?s?|images?|pictures?|credit)(?i: by|:| courtesy of) .{3,60}"
    rf"|[A-Z][A-Z.'’-]+( [A-Z][A-Z.'’-]+)* ?/ ?[A-Z][\w .&'’-]{{1,40}}|(?<=[.!?”’)] ){_CREDITED})"
)
_STRONG_BYLINE = re.compile(
    r"(((written|story|text|report|reported|posted|opinion|analysis|comment(ary)?|column"
    r"|essay|review|interview) )?by|words:|author:?|por|von|par|di|door|av|texto de)"
    r":? (?P<who>[^\W\d_].{1,100})",
    re.IGNORECASE,
)
_WHO_ENDS = re.compile(r",| [–—|/-] ")  # Ada Lind — Oro City
_PLACE = re.compile(r" (in|at) [^\W\d_][\w.'’-]*( [A-ZÀ-Þ][\w.'’-]*){0,2}")  # … in Oro City
_NOT_NAMED = re.compile(  # By our sports desk
    r"(our|the|an?|\w+) ((\w+ ){0,2}(desk|team|staff|reporters?|correspondents?|writers?|editors?"
    r"|bureau)|agenc(y|ies))",
    re.IGNORECASE,
)
# Court reporter Lior Amsel
_ROLE_FIRST = re.compile(
    r"(?:[A-Z][\w&'’-]* ){0,2}(?i:reporter|correspondent|editor|writer|critic|columnist|analyst),?"
    r":? (?P<who>[A-ZÀ-Þ].{3,60})"
)
_NAME_WORD = re.compile(
    r"[^\W\d_](?:[\w'’.-]*)$|(de|da|del|della|di|van|von|der|den|la|le|bin|al|el|of|the|and|y|und"
    r"|et|e|&)$"
)


_UNSPACED_NAME = re.compile(  # 佐々木 遥, 青浜新聞
    r"[\u3005\u4e00-\u9fff]{1,4}[ ・][\u3005\u3040-\u30ff\u4e00-\u9fff]{1,5}"
    r"(, ?[\u4e00-\u9fff]{2,8})?"
)
_LITTLE = word_set(
    "de da del della di van von der den la le bin ibn al el of the and y und et e & dos das"
)
# Capitalised in headlines and labels, and in no name.
_COMMON = word_set(
    "what how why when where who is are was were the a an in on at to for from with after "
    "before not no new more this that these those all your our up out as it its he she they "
    "we you"
)
_ENDED = re.compile(r"[.!?…:;。！？।۔؟॥።][\"'”’»)\]]*$")
_STOPPED = re.compile(r"[.!?…。！？।۔؟॥።][\"'”’»)\]]*$")
_BULLET = re.compile(
    r"\s*(?:[•▪●◦‣·・■▸►➤✓⁃*]\s*(?=[^\s*])|[–—-]\s+(?=\S)|\(?\d{1,2}[.)]\s+(?=\D))"
)


def is_disclaimer(line: str) -> bool:
    """Return whether a line says that a machine wrote the summary, or that it may be wrong.

    >>> is_disclaimer("This summary was created automatically and can contain mistakes.")
    True
    >>> is_disclaimer("Summarize this article with AI")
    False
    """
    if not 15 <= len(line) <= LONGEST_DISCLAIMER or _TOLD.search(line) or line.endswith("?"):
        return False
    if not _SUBJECT.match(line):
        return False
    machine, summary = _MACHINE.search(line), _SUMMARY.search(line)
    if _CAUTION.search(line):
        return bool(
            machine
            or (summary and re.match(r"\W*(this|these|the )?\s*\w*\s*summar", line, re.IGNORECASE))
        )
    if _ASKS.match(line) or is_box_heading(line):
        return False
    return bool(machine and summary and _WROTE.search(line))


# Words for a summary: a notice with one of them is about the box and not about the article.
_OF_SUMMARY = re.compile(
    r"summar|synops|\brecap\b|\bdigest\b|\boverview|key (points|takeaways|facts)|\bhighlights\b"
    r"|takeaways|bullet|main points|tl;?dr|\bgist\b|text (above|below)|\bthe (above|below)\b"
    r"|\bthis (text|section|box)\b|\b(points|lines) (above|below)\b",
    re.IGNORECASE,
)
# Brief generated by an LLM from …
_MADE = re.compile(
    r"\W*((this|the) )?\w+( \w+)? ((was|is|were|are|has been) )?"
    r"(generated|written|created|produced) (by|with|using) (the help of )?(an? )?"
    r"(AI|A\.I\.|LLM|artificial intelligence|large language model|language model|ChatGPT)\b",
    re.IGNORECASE,
)
# AI-assisted. Reviewed by an editor.
_ASSISTED = re.compile(
    r"\W*(AI|A\.I\.)[ -](assisted|generated|written|made|produced|created)(\.|,|;| and| but)"
    r".{0,80}\b(review|edit|check|human|verif)",
    re.IGNORECASE,
)
LONGEST_REMARK = 150  # characters
Notice = Literal["", "notice", "remark"]


def notice_kind(line: str) -> Notice:
    """Return whether a line says that a machine wrote the summary; `remark` where it may be more.

    >>> notice_kind("AI-generated summary. May contain errors.")
    'notice'
    >>> notice_kind("This article was created by AI and may contain errors.")
    'remark'
    """
    if line.endswith(":"):
        return ""
    if (
        _MADE.match(line)
        and len(line) <= LONGEST_REMARK
        and not _TOLD.search(line)
        and not _OF_SUMMARY.search(line)
    ):
        return "remark"
    if _ASSISTED.match(line) and len(line) <= LONGEST_REMARK and not _TOLD.search(line):
        return "remark"
    if is_disclaimer(line):
        of_summary = _OF_SUMMARY.search(line) or languages.says("summary", line)
        return "notice" if of_summary and not languages.begins("article", line) else "remark"
    if not 8 <= len(line) <= LONGEST_DISCLAIMER or _TOLD.search(line) or line.endswith("?"):
        return ""
    if languages.says("machine", line):
        for name in languages.tables():
            if kind := _kind_in(line, name):
                return kind
    return ""


def _kind_in(line: str, language: str) -> Notice:
    """Return what a line says of a summary by a machine in one language."""

    def says(key: str) -> bool:
        return languages.says(key, line, language)

    head = line[:HEAD_OF_NOTICE]
    if not says("machine") or is_box_heading(line):
        return ""
    if not any(languages.says(key, head, language) for key in ("machine", "summary")):
        return ""
    if says("summary") and (says("caution") or says("wrote")):
        return "notice"
    if not says("wrote"):
        return ""
    short = len(line) <= LONGEST_REMARK and not languages.begins("article", line)
    reviewed = short and says("reviewed") and languages.says("content", head, language)
    return "remark" if says("caution") or reviewed else ""


def is_caution(line: str) -> bool:
    """Return whether a line can go on from a disclaimer: it may be wrong, read the article."""
    if len(line) <= HEAD_OF_NOTICE * 2 and languages.says("caution", line[:30]):
        return not _TOLD.search(line)
    if _SHORT_CAUTION.match(line):
        return True
    if len(line) > LONGEST_DISCLAIMER or _TOLD.search(line) or len(line.split()) < 3:
        return False
    return _GOES_ON.match(line) is not None and _CAUTION.search(line) is not None


def is_box_heading(line: str) -> bool:
    """Return whether a line is the heading of a summary.

    >>> is_box_heading("Key points (AI-generated)"), is_box_heading("Summary of the talks")
    (True, False)
    """
    if len(line) > LONGEST_DISCLAIMER:
        return False
    said = _READING_TIME.sub("", _ISO_DATE.sub("", line))
    if len(said.split()) > 9 or not said:
        return False
    if _BOX_HEADING.fullmatch(said) or _BRIEF.fullmatch(said):
        return True
    return languages.is_whole(
        "label", re.sub(r"\s?\([^()]{2,30}\)$", "", said)
    ) or _tells_of_machine(said)


def _tells_of_machine(said: str) -> bool:
    """Return whether a few words say, in one language, that a machine wrote a summary."""
    if len(said.split()) > LONGEST_HEADING or _STOPPED.search(said):
        return False
    if not languages.says("machine", said):
        return False
    return any(
        all(languages.says(key, said, name) for key in ("summary", "wrote", "machine"))
        and not languages.says("caution", said, name)
        for name in languages.tables()
    )


LONGEST_HEADING = 6  # words of a heading that is no phrase in the lists
_ISO_DATE = re.compile(r"^(date )?\d{4}-\d\d-\d\d\s+")
_READING_TIME = re.compile(
    r"\W{0,8}\b\d{1,3} ?(s|sec|seconds?|m|min|minutes?) read$", re.IGNORECASE
)
# AI digest, 30-second gist, Acme Brief
_BRIEF = re.compile(
    rf"(?i:{_MACHINE_NAME}[ -]*((generated|assisted|made|written)[ -]*)?"
    r"(digest|brief(ing)?|abstract|outline))"
    r"|\d+[- ](second|sec|minute|min)s? (gist|summary|brief|version|read)"
    r"|([A-Z]\w+ ){1,2}Brief|[Ss]ummari[sz]ed (by|with) (AI|A\.I\.|ChatGPT|\w*GPT)"
)


_SECTION = re.compile(
    r"\W*(the )?(overview|recap|highlights|what (you need )?to know)\W*", re.IGNORECASE
)
_STORY = re.compile(
    r"\W*(the )?((full|whole|complete|original) )?(article|story|report|text|news)( in full)?\W*",
    re.IGNORECASE,
)


def may_head_section(heading: str) -> bool:
    """Return whether the heading of a summary is as often that of an article's first section."""
    return _SECTION.fullmatch(heading) is not None


def names_article(line: str) -> bool:
    """Return whether a line is the heading of the whole article.

    >>> names_article("Full story"), names_article("The story of a bridge")
    (True, False)
    """
    return _STORY.fullmatch(line) is not None


def names_machine(heading: str) -> bool:
    """Return whether a heading says that a machine wrote what follows."""
    return (
        _MACHINE.search(heading) is not None
        or languages.says("machine", heading)
        or re.search(r"bot\b", heading, re.IGNORECASE) is not None
    )


def heading_and_text(line: str) -> tuple[str, str] | None:
    """Return the two parts of `TL;DR: The mayor …`; None for other lines."""
    found = _LEADS.fullmatch(line)
    if found is None or is_disclaimer(line) or is_caution(found["text"]):
        return None
    return line[: found.start("text")].strip(), found["text"]


def is_timestamp(line: str) -> bool:
    """Return whether a line is a time and nothing else.

    >>> is_timestamp("Published Oct 17, 2031 9:42 PM PHT"), is_timestamp("May 5 was a cold day")
    (True, False)
    """
    if len(line) > LONGEST_TIMESTAMP or not any(c.isdigit() for c in line):
        return False
    if _CLOCK.search(line) and not any(c.isalpha() for c in _TIME_WORD.sub("", line)):
        return True
    if not _DAY.search(line) and not any(languages.says(key, line) for key in ("months", "ago")):
        return False
    if any(c.isalpha() for c in _without_time(line)):  # asked once before it is asked by language
        return False
    return any(_is_time_in(line, name) for name in languages.tables())


MOST_AGO = 6  # words of `3 hours ago`
_DAY = re.compile(r"\d{4}|\d{1,2}[:.h]\d\d|\d{1,2}月\d{1,2}日")


def _without_time(line: str) -> str:
    """Return what words of time in any language leave of a line."""
    for key in ("months", "time"):
        words = languages.pattern(key)
        line = words.sub("", line) if words else line
    return line


def _is_time_in(line: str, language: str) -> bool:
    """Return whether a line is a time in the words of one language."""
    months, words = languages.pattern("months", language), languages.pattern("time", language)
    since = len(line.split()) <= MOST_AGO and languages.says("ago", line, language)
    if words is None or not (since or _DAY.search(line) or (months and months.search(line))):
        return False
    bare = words.sub("", months.sub("", line) if months else line)
    return not any(c.isalpha() for c in bare)


def is_dated(line: str) -> bool:
    """Return whether a time stamp says what happened then: published, updated, posted."""
    return is_timestamp(line) and re.match(rf"\W*{_MARKS_TIME}", line, re.IGNORECASE) is not None


def is_credit(line: str) -> bool:
    """Return whether a line says who took the picture.

    >>> is_credit("Photo by S. Ivarsdottir"), is_credit("K. HALVERS / MNS")
    (True, True)
    >>> is_credit("")
    False
    """
    if not line or len(line) > 100 or len(line.split()) > 12 or is_timestamp(line):
        return False
    if _SLASHED.fullmatch(line) and not _STOPPED.search(line):
        return True
    bare = line.strip("()（）")
    rest = languages.rest_of("credit", bare)
    if line[0] in "(（" and line[-1] in ")）" and rest and rest != bare:  # (Foto Lind)
        return True
    if rest and rest != bare and (bare[len(bare) - len(rest) - 1 :][:1] in " :" and ":" in bare):
        return True
    if rest[:1] in tuple("・＝／：") and rest != bare and not _STOPPED.search(bare):
        return True
    if rest and rest != bare and " " in bare[: -len(rest)].strip() and not _STOPPED.search(bare):
        return True
    return _CREDIT.fullmatch(line) is not None and len(line.split()) > 1


def is_owned_picture(line: str) -> bool:
    """Return whether a line with a sign of copyright is of a picture, and not of the site.

    >>> is_owned_picture("© Foto: Kai Winter/dpa"), is_owned_picture("© 2031 Harbor Ledger Photos")
    (True, False)
    """
    return line[:1] == "©" and is_credit(line) and not any(c.isdigit() for c in line)


def caption_and_credit(line: str) -> tuple[str, str] | None:
    """Return a caption and the credit at its end; None for other lines."""
    if len(line) > 400:
        return None
    found = _CAPTIONED.fullmatch(line)
    if found is None or len(found["caption"].split()) < 4:
        return _credit_in(line)
    return found["caption"], found["credit"]


def _credit_in(line: str) -> tuple[str, str] | None:
    """Return a caption and its credit, which a word of any language or brackets begin."""
    words = languages.pattern("credit")
    starts = [match.start() for match in words.finditer(line)] if words else []
    if line.endswith((")", "）")):
        starts.append(max(line.rfind("("), line.rfind("（")))
    for start in starts:
        caption, credit = line[:start].rstrip(" (（|–—/"), line[start:].strip("()（） ")
        if word_count(caption) >= 4 and is_credit(credit) and word_count(credit) <= MOST_CREDIT:
            return caption, line[len(caption) :].strip(" |–—")
    return None


MOST_CREDIT = 9  # words of a credit at the end of a caption


_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")


def word_count(line: str) -> int:
    """Return the number of words; in scripts without spaces, two letters count as one."""
    unspaced = len(_UNSPACED.findall(line))
    return (
        len(line.split()) if not unspaced else unspaced // 2 + len(_UNSPACED.sub("", line).split())
    )


def is_byline(line: str) -> bool:
    """Return whether a line names its author as one: `By Ada Lind, Wire Desk`."""
    found = _STRONG_BYLINE.fullmatch(line)
    if found is None and (who := languages.rest_of("byline", line)) != line:
        return is_name(_WHO_ENDS.split(who)[0]) and len(line.split()) <= 8
    if found is None or _STOPPED.search(line) or len(line.split()) > 14:
        return False
    if _NOT_NAMED.fullmatch(found["who"]):
        return True
    return found["who"][0].isupper() and is_name(_PLACE.sub("", _WHO_ENDS.split(found["who"])[0]))


def is_byline_by_role(line: str) -> bool:
    """Return whether a line is an author by the role: also a headline may look so.

    >>> is_byline_by_role("Court reporter Lior Amsel"), is_byline_by_role("Staff reporter")
    (True, True)
    """
    found = _ROLE_FIRST.fullmatch(line)
    return _NOT_NAMED.fullmatch(line) is not None or (found is not None and is_name(found["who"]))


def is_desk(line: str) -> bool:
    """Return whether a line says that the editors wrote the article: `Redazione Sport`."""
    return len(line.split()) <= LONGEST_DESK and languages.begins("desk", line)


LONGEST_DESK = 3  # words
_SMALL_NAME = re.compile(r"[^\W\d_]+(?: [^\W\d_][\w.'’-]*){1,3}")


def is_small_name(line: str) -> bool:
    """Return whether a line may be a name in small letters.

    >>> is_small_name("ailla dela cruz"), is_small_name("what we know")
    (True, False)
    """
    if not line.islower() or not _SMALL_NAME.fullmatch(line):
        return False
    return not any(word in _COMMON and word not in _LITTLE for word in line.split())


def is_role_only(line: str) -> bool:
    """Return whether a line says what its author is, and not who: `Staff reporter`."""
    return _NOT_NAMED.fullmatch(line) is not None


def is_name(line: str) -> bool:
    """Return whether a line looks like one or several names, with role or paper after a comma.

    >>> is_name("Yusra Lindqvist"), is_name("Storm kills nine")
    (True, False)
    """
    if re.fullmatch(_AGENCY, line) or _UNSPACED_NAME.fullmatch(line):
        return True
    words = line.replace(",", " ").replace("|", " ").split()
    if not 2 <= len(words) <= 10 or _ENDED.search(line) or any(c.isdigit() for c in line):
        return False
    if any(word.lower() in _COMMON and word.lower() not in _LITTLE for word in words):
        return False
    named = [word for word in words if word not in _LITTLE]
    return (
        len(named) >= 2
        and words[0] not in _LITTLE - {"van", "von", "de", "da", "di", "al", "el"}
        and all(word[0].isupper() and _NAME_WORD.match(word) for word in named)
    )


def is_ended(line: str) -> bool:
    """Return whether a line ends as a sentence does."""
    return _STOPPED.search(line) is not None


def goes_on(line: str) -> bool:
    """Return whether a line ends in the middle of a thought: colon, comma, semicolon."""
    return line.endswith((":", ",", ";", "—", "–"))


def without_bullet(line: str) -> str:
    """Return a line without the bullet or number it begins with.

    >>> without_bullet("• One"), without_bullet("2) Two"), without_bullet("2.5 meters")
    ('One', 'Two', '2.5 meters')
    """
    return _BULLET.sub("", line, count=1) if _BULLET.match(line) else line


def has_bullet(line: str) -> bool:
    """Return whether a line begins with a bullet, a dash or a number."""
    return _BULLET.match(line) is not None
