"""Prompts of decoders: templates with fields, chat templates, and as much text as fits."""

import bisect
import datetime
import itertools
import json
import re
import string
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Literal

from evalharness.errors import ModelError

_CLOCK = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1""")

# Marks between which models think before they answer; and those of gpt-oss, before each part.
THOUGHTS: Mapping[str, str] = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<unused94>": "<unused95>",
}
_THOUGHT_MARKS = frozenset({*THOUGHTS, *THOUGHTS.values()})
_PARTS = ("<|channel|>", "<|message|>")
_BEFORE_LAST_PART = re.compile(
    r"\A.*<\|channel\|>final[^<]*<\|message\|>|(?:assistant)?<\|channel\|>.*\Z", re.DOTALL
)
# What else a tokenizer or a template has that reads like such a mark.
_THOUGHT_MARK = re.compile(
    r"(<\|?|\[|◁)([\w:]*(?:think|thought|reason)\w*)(\|?>|\]|▷)", re.IGNORECASE
)

# A longer beginning of a text may make a prompt of fewer tokens, but not of so many fewer.
_SLACK = 8
# How often a cut is guessed from the numbers of tokens; then the range is halved.
_GUESSES = 6
# What is left whole where a tokenizer does not say where its tokens end.
_PIECE = re.compile(r"[!-~]{1,16}|\S")


def check_template(
    option: str, template: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> None:
    """Check that a template has each of the needed fields once, and no unknown ones.

    Raises: ValueError that begins with the option's name.
    """
    try:
        names = [name for _, name in parts(template) if name is not None]
    except ValueError as error:
        raise ValueError(f"{option}: {error}; a brace that is text is doubled") from None
    known = [f"{{{name}}}" for name in (*needed, *optional)]
    for name in names:
        if f"{{{name}}}" not in known:
            raise ValueError(f"{option}: no field {{{name}}}; there are {' and '.join(known)}")
    for name in needed:
        if names.count(name) != 1:
            raise ValueError(f"{option}: must have {{{name}}} in it once")


def parts(template: str) -> list[tuple[str, str | None]]:
    """Return fixed texts, each with the name of the field that follows it."""
    found: list[tuple[str, str | None]] = []
    for fixed, name, form, conversion in string.Formatter().parse(template):
        if form or conversion:
            raise ValueError(f"{{{name}}} takes no format")
        found.append((fixed, name))
    return found


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its fields filled in; braces in the values are just text.

    >>> fill_template("{title}: {article} {{x}}", {"title": "{article}", "article": "Rain."})
    '{article}: Rain. {x}'
    """
    return "".join(
        fixed + (values[name] if name is not None else "") for fixed, name in parts(template)
    )


def at_date(template: str, today: datetime.date) -> str:
    """Return a chat template that is told this date when it asks for today's.

    Some (Llama 3) write today's date into the prompt, which would give other summaries every day.
    """
    forms = {form for _, form in _CLOCK.findall(template)}
    if not forms:
        return template
    days = json.dumps({form: today.strftime(form) for form in sorted(forms)})
    clock = f"{{% macro strftime_now(form) %}}{{{{ {days}[form] }}}}{{% endmacro %}}\n"
    return clock + template  # a line break after a block is dropped


def render_chat(
    tokenizer: Any,
    template: str,
    user: str,
    system: str,
    options: Mapping[str, str | int | float | bool | None],
    name: str,
) -> str:
    """Return the whole prompt that a chat template makes of what is said; begin mark and all.

    name: of the checkpoint. Raises: ModelError with what the template says against it.
    """
    messages = [{"role": "user", "content": user}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    try:
        text = tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, add_generation_prompt=True, **options
        )
    except Exception as error:  # a template is a program that may raise anything
        raise ModelError(f"{name}: its chat template says: {error}") from error
    return str(text)


def places_to_cut(tokenizer: Any, text: str) -> list[int]:
    """Return where a text may be cut: the end of each token, ascending.

    Several tokens may end alike: in scripts that a vocabulary lacks, a character is some of them.
    """
    if not tokenizer.is_fast:
        return [match.end() for match in _PIECE.finditer(text)]
    options = {"add_special_tokens": False, "split_special_tokens": True}
    encoded = tokenizer(text, return_offsets_mapping=True, **options)
    return sorted(end for _, end in encoded["offset_mapping"] if end > 0)


def longest_fit(
    ids: Callable[[str], list[int]], text: str, ends: Sequence[int], limit: int, whole: list[int]
) -> tuple[int, list[int]]:
    """Return the greatest cut whose prompt fits, and that prompt; (0, []) if none does.

    ids: the prompt for a beginning of the text. ends: where it may end, ascending, one a token.
    whole: the prompt for all of it. The length of a prompt is nearly that of its parts, so the
    first tries are where they would just fit; where they lead astray, the range is halved. As a
    longer text may also have fewer tokens, those a little too long are tried, too.
    """
    cut, tokens = 0, []
    low, high, guess = 0, len(ends) + 1, len(ends) - (len(whole) - limit)
    for n_tries in itertools.count():
        if high - low == 1:
            break
        at = guess if n_tries < _GUESSES else (low + high) // 2
        end = ends[min(max(at, low + 1), high - 1) - 1]
        found = ids(text[:end])
        over, at = len(found) - limit, bisect.bisect_right(ends, end)
        if over <= 0:
            cut, tokens, low, guess = end, found, at, at - over + 1
        else:
            high, guess = bisect.bisect_left(ends, end) + 1, at - over
    for end in dict.fromkeys(ends[high - 1 :]):
        found = ids(text[:end])
        if len(found) <= limit:
            cut, tokens = end, found
        elif len(found) > limit + _SLACK:
            break
    return cut, tokens


def why_nothing_fits(ids: Callable[[str], list[int]], limit: int, asked: str) -> str:
    """Say why no part of a text fits into its prompt. asked: what stands around it."""
    if len(ids("")) > limit:
        return f"the {asked} alone does not fit in {limit} tokens"
    return f"beside the {asked}, nothing of the article fits in {limit} tokens"


class PromptTokenizer:
    """Makes tokens of prompts; a special token that an article spells out is text in them."""

    def __init__(self, tokenizer: Any, *, begins: bool) -> None:
        """Take a tokenizer. begins: it is to add its begin mark, as no chat template does."""
        self.tokenizer = tokenizer
        self.begins = begins
        self._first_sign = first_sign_of_marks(tokenizer)
        bare, whole = self._encode("a", False), self._encode("a", begins)
        self._n_after = whole[::-1].index(bare[-1]) if bare and bare[-1] in whole else 0

    def ids(
        self, render: Callable[[Mapping[str, str]], str], values: Mapping[str, str]
    ) -> list[int]:
        """Return the tokens of a prompt. render: makes its text of the values."""
        text = render(values)
        sign = self._first_sign
        if sign is None or not any(sign.search(value) for value in values.values()):
            return self._encode(text, self.begins)
        gap = next(char for char in map(chr, range(0xE000, 0xF900)) if char not in text)
        parted = {name: sign.sub(rf"\g<0>{gap}", value) for name, value in values.items()}
        first, *others = render(parted).split(gap)  # no part holds a whole mark of the values'
        tokens = self._encode(first, self.begins)
        end = len(tokens) - self._n_after
        return tokens[:end] + [t for o in others for t in self._encode(o, False)] + tokens[end:]

    def _encode(self, text: str, begins: bool) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=begins)["input_ids"])


def first_sign_of_marks(tokenizer: Any) -> re.Pattern[str] | None:
    """Return what matches the first sign of a token with a meaning of its own: ends, roles."""
    known = tokenizer.added_tokens_decoder.values()
    marks = {t.content for t in known if t.special or t.content in _THOUGHT_MARKS}
    rest: dict[str, list[str]] = {}
    for mark in sorted(mark for mark in marks if len(mark) > 1):
        rest.setdefault(mark[0], []).append(re.escape(mark[1:]))
    one = (f"{re.escape(sign)}(?={'|'.join(ends)})" for sign, ends in rest.items())
    return re.compile("|".join(one)) if rest else None


def parts_of_text(
    text: str, first_sign: re.Pattern[str] | None, meant: Container[int] = ()
) -> list[str]:
    """Return a text in parts of which none has the whole of a special token that it spells out.

    first_sign: as `first_sign_of_marks` has it. meant: where such tokens stand that are meant.
    """
    signs = first_sign.finditer(text) if first_sign else ()
    ends = [sign.end() for sign in signs if sign.start() not in meant]
    return [text[start:end] for start, end in itertools.pairwise([0, *ends, len(text)])]


def thought_marks(tokenizer: Any) -> dict[str, str]:
    """Return the marks between which a model may think: the known, and those it declares."""
    tokens = [token.content for token in tokenizer.added_tokens_decoder.values()]
    declared = "\n".join([*tokens, str(tokenizer.chat_template or "")])
    pairs = {f"{a}{name}{z}": f"{a}/{name}{z}" for a, name, z in _THOUGHT_MARK.findall(declared)}
    return {**THOUGHTS, **{start: end for start, end in pairs.items() if end in declared}}


def decode_with_thoughts(tokenizer: Any, ids: Sequence[int], marks: Mapping[str, str]) -> str:
    """Return the text of tokens without special ones, but with those that bound thoughts."""
    known = tokenizer.added_tokens_decoder
    special = {token for token in set(ids) if token in known and known[token].special}
    bounds = {*marks, *marks.values(), *_PARTS} if marks else {*marks}
    bounding = {token for token in special if known[token].content in bounds}
    if not bounding:
        return str(tokenizer.decode(ids, skip_special_tokens=True))
    return str(tokenizer.decode([token for token in ids if token not in special - bounding]))


def without_thought(
    written: str, marks: Mapping[str, str] = THOUGHTS, *, opened: bool | None = None
) -> str:
    """Return an answer without what a model thought before it.

    opened: whether the prompt ends in a mark that begins a thought; where nobody knows, a mark that
    ends what none began tells.

    >>> without_thought("<think>No.</think> Yes."), without_thought("<think>No, or")
    (' Yes.', '')
    >>> without_thought("<|channel|>analysis<|message|>No.assistant<|channel|>final<|message|>Yes.")
    'Yes.'
    """
    ends = "|".join(map(re.escape, marks.values()))
    if opened:
        written = re.sub(rf"\A.*?(?:{ends}|\Z)", "", written, count=1, flags=re.DOTALL)
    blocks = (rf"{re.escape(a)}.*?(?:{re.escape(z)}|\Z)" for a, z in marks.items())
    written = re.sub("|".join(blocks), "", written, flags=re.DOTALL)
    if opened is None:
        written = re.sub(rf"\A.*?(?:{ends})", "", written, count=1, flags=re.DOTALL)
    return _BEFORE_LAST_PART.sub("", written)


def window(model: Any, tokenizer: Any, wanted: int | None) -> int | None:
    """Return the most tokens that the model can be given, or None where nobody says.

    Positions of the model are a hard limit. The tokenizer's own length and T5's `n_positions` are
    what the model was trained with: kept to, unless `wanted` asks for more.
    Raises: ModelError where `wanted` is above the hard limit.
    """
    hard = positions(model.config, "encoder")
    if wanted is not None:
        if hard is not None and wanted > hard:
            raise ModelError(f"max_input_tokens: {wanted}, but the model reads at most {hard}")
        return wanted
    soft = getattr(model.config, "n_positions", None)
    known = [n for n in (hard, soft, tokenizer.model_max_length) if n is not None and n < 1e9]
    return int(min(known)) if known else None


def positions(config: Any, side: Literal["encoder", "decoder"]) -> int | None:
    """Return how many positions a model has on a side, or None (T5: relative positions)."""
    part = getattr(config, side, None)
    config = part if hasattr(part, "to_dict") else config.get_text_config()
    for name in (f"max_{side}_position_embeddings", "max_position_embeddings"):
        n = getattr(config, name, None)
        if isinstance(n, int) and n > 0:
            return n
    return None
