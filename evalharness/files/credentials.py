"""Keys and passwords: what looks like one, and texts without them.

Two signs, as detect-secrets, gitleaks and trufflehog have them: shapes that vendors give to their
keys (`sk-…`, `hf_…`, `AKIA…`, JSON Web Tokens), anywhere in a text; and names that say that a
credential follows (`api_key`, `password`), under which a plain word is enough, or (`token`, `key`)
what looks drawn at random. Commits, digests and names such as `sk-learn` have neither sign.
"""

import base64
import contextlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, unquote

# What stands in place of a key.
HIDDEN = "[key]"

# Whose key it is, and how it begins and goes on; bounded where vendors bound it from below.
_SHAPES: Mapping[str, str] = {
    "AWS": r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "Databricks": r"dapi[0-9a-f]{32}",
    "DigitalOcean": r"do[oprt]_v1_[0-9a-f]{40,}",
    "Docker": r"dckr_[op]at_[\w-]{20,}",
    "Fireworks": r"fw_[A-Za-z0-9]{22,}",
    "GitHub": r"(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{30,})",
    "GitLab": r"gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,}",
    "Google": r"(?:AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})",
    "Groq": r"gsk_[A-Za-z0-9]{30,}",
    "Hugging Face": r"(?:hf|api_org)_[A-Za-z0-9]{30,}",
    "npm": r"npm_[A-Za-z0-9]{36}",
    "NVIDIA": r"nvapi-[\w-]{40,}",
    "Perplexity": r"pplx-[A-Za-z0-9]{30,}",
    "PyPI": r"pypi-[\w-]{50,}",
    "Replicate": r"r8_[A-Za-z0-9]{30,}",
    "SendGrid": r"SG\.[\w-]{16,}\.[\w-]{16,}",
    "Slack": r"xox[abeoprs]-[A-Za-z0-9-]{20,}",
    "Stripe": r"[prs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "Together": r"tgp_v1_[\w-]{30,}",
    "Weights & Biases": r"wandb_v1_\w{30,}",
    "xAI": r"xai-[A-Za-z0-9]{40,}",
    "a web token": r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]*)?",
    "a private key": r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    "a header": r"(?:[Bb]earer|[Bb]asic) +(?=[^\s]{0,200}[0-9])[\w.~+/=-]{20,}",
    "OpenAI, Anthropic or their like": r"sk-[\w-]{16,}",  # and not a name: see `_is_random`
}
_SHAPE = re.compile(
    "(?<![A-Za-z0-9_])(?:"
    + "|".join(f"(?P<s{n}>{shape})" for n, shape in enumerate(_SHAPES.values()))
    + ")"
)
_OWNERS = list(_SHAPES)
# `https://me:password@host`; what stands before the `@` alone is a name.
_IN_ADDRESS = re.compile(r"(?<=://)[^/?#@\s:]{0,200}:[^/?#@\s]{1,200}(?=@)")
# What may be a text in base64 or hex; in an address, with signs per cent.
_BASE64 = (
    re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,4000}(?![A-Za-z0-9+/_-])"),
    re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{24,4000}(?![A-Za-z0-9_-])"),  # within a path
)
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){16,2000}(?![0-9A-Za-z])")
_PER_CENT = re.compile(r"[\w.~+/=%-]{16,4000}")
_ENCODED_TWICE = 2
# `?token=…` of an address, `api_key: …` in a sentence.
_ASSIGNED = re.compile(
    r"(?i)(?<![a-z0-9])(?:api[_-]?key|access[_-]?key|auth|key|passw(?:or)?d|secret|sig(?:nature)?"
    r"|token)[\"']? ?[:=] ?[\"']?([^\s\"'&,;{}<>]{16,400})"
)

# Words of a name under which any text is a credential; and those that need random text as well.
_ALWAYS = frozenset(
    {"apikey", "authorization", "passphrase", "passwd", "password", "pwd", "secret", "secrets"}
)
_OFTEN = frozenset({"auth", "bearer", "cookie", "credential", "credentials", "key", "token"})
_MAKE_SURE = frozenset(
    {"access", "api", "auth", "bearer", "client", "hf", "openai", "private", "session"}
)
# The name of a variable, and what people write where there is no key (`EMPTY` is vLLM's).
_STANDS_FOR_ONE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\$\{?\w+\}?|EMPTY|none|null|")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def find_credential(value: object, name: str = "") -> str:
    """Return what a value looks like: whose key, or a credential by its name; empty if like none.

    name: what it is called, as in `api_key`; empty where nothing says.

    >>> find_credential("sk-learn"), find_credential("hf_" + 17 * "aB")
    ('', 'a key of Hugging Face')
    >>> find_credential("c2stbGVhcm4gaXMgbm8ga2V5IG9mIGFueWJvZHk=")
    ''
    >>> find_credential("hunter2", "password"), find_credential("OPENAI_API_KEY", "key")
    ('a credential', '')
    """
    if isinstance(value, str) and (owner := next((o for o, _ in _shapes(value)), "")):
        return owner
    words = frozenset(word.lower() for word in _WORDS.findall(name))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    if _STANDS_FOR_ONE.fullmatch(text):
        return ""
    always = words & _ALWAYS or (words & {"key", "token"} and words & _MAKE_SURE)
    return "a credential" if always or (words & _OFTEN and _is_random(text)) else ""


def _shapes(text: str, times: int = _ENCODED_TWICE) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield what looks like a credential whatever it is called, and where it stands.

    times: how often it may be encoded, one encoding within the other.
    """
    if times:
        for inner, span in _decodings(text):
            if first := next(_shapes(inner, times - 1), None):
                yield first[0], span
    for match in _SHAPE.finditer(text):
        owner = _OWNERS[int((match.lastgroup or "s0")[1:])]
        if not match[0].startswith("sk-") or _is_random(match[0]):
            article = "" if owner.startswith("a ") else "a key of "
            yield article + owner, match.span()
    yield from (("a password", match.span()) for match in _IN_ADDRESS.finditer(text))
    for match in _ASSIGNED.finditer(text):
        if _is_random(match[1]) and not _STANDS_FOR_ONE.fullmatch(match[1]):
            yield "a credential", match.span(1)


def _decodings(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield what stands in a text in base64, in hex, or as an address has it, and where."""
    for match in itertools.chain.from_iterable(form.finditer(text) for form in _BASE64):
        whole = match[0].replace("-", "+").replace("_", "/")
        with contextlib.suppress(ValueError):
            content = base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + "==")
            yield _readable(content), match.span()
    for match in _HEX.finditer(text):
        yield _readable(bytes.fromhex(match[0])), match.span()
    for match in _PER_CENT.finditer(text) if "%" in text else ():
        if (inner := unquote(match[0])) != match[0]:
            yield inner, match.span()


def _readable(content: bytes) -> str:
    """Return bytes as the text that they are; empty where they are none."""
    text = content.decode("ascii", "replace")
    return text if all(c.isprintable() or c.isspace() for c in text) else ""


def _is_random(text: str) -> bool:
    """Tell whether a text without blanks looks drawn at random and not made of words."""
    if len(text) < 16 or any(map(str.isspace, text)):
        return False
    runs = re.findall("[A-Za-z0-9]+", text)
    mixed = [run for run in runs if len(run) >= 8 and not run.isalpha() and not run.isdigit()]
    counts = Counter(text).values()
    bits_a_character = -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
    return bool(mixed) and bits_a_character >= 3  # English has about as many, and no digits


def without_credentials(text: str) -> str:
    """Return a text with `[key]` in place of what looks like a credential.

    >>> without_credentials("http://me:pass@host refused ghp_" + 18 * "a1")
    'http://[key]@host refused [key]'
    """
    kept, at = "", 0
    for start, end in sorted({span for _, span in _shapes(text)}):
        if start >= at:
            kept += text[at:start] + HIDDEN
        at = max(at, end)
    return kept + text[at:]


# Less of a key than this share, and fewer characters, is no use to anybody, or is no key's alone:
# `sk-ant-api03-` begins all of one vendor's.
_TELLING_SHARE = 0.5
_LEAST_TELLING = 12


def make_hider(credential: str) -> Callable[[str], str]:
    """Return what takes a credential out of texts: as it is, encoded, or but for its end.

    >>> make_hider("sk-0123456789abcdef")("no key sk-0123456789ab****, c2stMDEyMzQ1Njc4OWFiY2RlZg")
    'no key [key]****, [key]'
    """
    forms = {form for form in _encodings(credential) if len(form) >= _LEAST_TELLING}
    in_order = sorted(forms, key=len, reverse=True)  # an encoding may hold the plain text

    def hide(text: str) -> str:
        text = text.replace(credential, HIDDEN) if credential else text
        for form in in_order:
            text = _hide_begun(text, form)
        return text

    return hide


def _hide_begun(text: str, form: str) -> str:
    """Return a text without a form of a credential, also cut short or in other case."""
    least = max(_LEAST_TELLING, math.ceil(len(form) * _TELLING_SHARE))
    begin = re.compile(re.escape(form[:least]), re.IGNORECASE)
    at = 0
    while match := begin.search(text, at):
        alike = zip(text[match.end() :].lower(), form[least:].lower(), strict=False)
        end = match.end() + sum(
            1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], alike)
        )
        text, at = text[: match.start()] + HIDDEN + text[end:], match.start() + len(HIDDEN)
    return text


def _encodings(credential: str) -> Iterator[str]:
    """Yield a credential and its encodings; of base64 what no neighbour changes, at each offset."""
    content = credential.encode()
    yield credential
    for safe in ("/", ""):
        yield quote(credential, safe=safe)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset, first in ((0, 0), (1, 2), (2, 3)):
            whole = (offset + len(content)) * 8 // 6
            encoded = encode(bytes(offset) + content).decode()
            yield encoded[first:whole]
            yield encoded[first:].rstrip("=")
    yield content.hex()
