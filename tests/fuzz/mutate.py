"""Input that is nearly right: bytes, texts and JSON trees, changed at random."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

# Whole values that parsers trip over.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**64, 10**40, 0.0, -0.0, 0.5, 1e308, -1e-320,
    float("nan"), float("inf"), float("-inf"), "", " ", "0", "-1", "1e999", "nan", "\0", "\ud800",
    "\u202e", "\x1b[31m", "../../x", "/", "a" * 300, "é" * 80, "1" * 400,
    "=1+1", "${HOME}", "{{7*7}}",
    [], {}, [None], [[]], {"": None}, ["a", 1], {"a": {"b": []}},
)  # fmt: skip
_PIECES = r"""
    { } [ ] : , " ' \ \\ \u0000 \ud800 \" null true NaN Infinity -Infinity 1e999 -0 0x10 1_000 &a *a
    << | > --- ... # % @ ` ? - !!python/object:os.system !!binary <p> </p> <div <!-- --> <script>
    ]]> &amp; &#x0; &#55296; <?xml <!DOCTYPE PAR1 PK 1/2 5th U.S. Mr. '' `` £5m $ “ ” ‘ ’ … — May
    10:30 25:61 2024-02-30 a.m. per cent -rrb- not never said 1,000,000 ۱۲ １２ ٣ ½ ſ İ ß 😀
"""
_BLANK = ("\t", "\r", "\n", "\r\n", "\0", "\x1b[2J", "\ufeff", "\u2028", "\u202e", "\u0301", "\xa0")
# What formats are made of.
TOKENS = (
    *(token.encode("utf-8", "surrogatepass") for token in (*_PIECES.split(), *_BLANK, "\ud83d")),
    *(b"PK\x03\x04", b"\x1f\x8b", b"\xff\xfe"),
)


class Mutator:
    """Makes cases from seeds; the same for the same random numbers."""

    def __init__(self, seeds: Sequence[bytes], rng: random.Random) -> None:
        self.seeds, self.rng = list(seeds), rng

    def raw(self, most: int = 20_000) -> bytes:
        """Return a seed with a few changes."""
        rng = self.rng
        case = bytearray(rng.choice(self.seeds)[:most])
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5, 8))):
            case = bytearray(rng.choice(_CHANGES)(self, case)[: 2 * most])
        return bytes(case)

    def text(self, most: int = 600) -> str:
        """Return a text, with lone surrogates and all."""
        case = self.raw(most).decode("utf-8", "surrogateescape")[:most]
        return case.replace("\udcff", "\ud800")

    def tree(self) -> bytes:
        """Return a JSON document, or lines of them, with values changed, moved or left out."""
        rng = self.rng
        whole = rng.choice(self.seeds)
        lines = whole.splitlines() if b"}\n{" in whole else [whole]
        trees = [json.loads(line) for line in lines if line.strip()]
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(trees))
            trees[at] = self._changed(trees[at])
        return b"\n".join(json.dumps(tree).encode() for tree in trees) + b"\n"

    def _changed(self, tree: Any) -> Any:
        """Return a tree with the value at one random path changed."""
        rng = self.rng
        if not isinstance(tree, dict | list) or not tree or rng.random() < 0.15:
            return rng.choice(ODD) if rng.random() < 0.8 else [tree]
        if isinstance(tree, list):
            at = rng.randrange(len(tree))
            return [self._changed(each) if n == at else each for n, each in enumerate(tree)]
        name = rng.choice(list(tree))
        action = rng.random()
        if action < 0.15:
            return {key: value for key, value in tree.items() if key != name}
        if action < 0.2:
            return {rng.choice(("", "x", name * 2)) if k == name else k: v for k, v in tree.items()}
        return {key: self._changed(v) if key == name else v for key, v in tree.items()}

    def _span(self, case: bytearray, longest: int = 40) -> tuple[int, int]:
        start = self.rng.randrange(len(case) + 1)
        return start, min(len(case), start + self.rng.randint(1, longest))

    def flip(self, case: bytearray) -> bytearray:
        if case:
            case[self.rng.randrange(len(case))] ^= 1 << self.rng.randrange(8)
        return case

    def noise(self, case: bytearray) -> bytearray:
        start, end = self._span(case, 8)
        case[start:end] = self.rng.randbytes(end - start)
        return case

    def insert(self, case: bytearray) -> bytearray:
        start, _ = self._span(case)
        case[start:start] = self.rng.choice(TOKENS)
        return case

    def replace(self, case: bytearray) -> bytearray:
        start, end = self._span(case, 8)
        case[start:end] = self.rng.choice(TOKENS)
        return case

    def remove(self, case: bytearray) -> bytearray:
        start, end = self._span(case)
        del case[start:end]
        return case

    def repeat(self, case: bytearray) -> bytearray:
        start, end = self._span(case, 12)
        case[start:start] = case[start:end] * self.rng.choice((1, 2, 10, 100))
        return case

    def cut(self, case: bytearray) -> bytearray:
        return case[: self.rng.randrange(len(case) + 1)]

    def splice(self, case: bytearray) -> bytearray:
        other = self.rng.choice(self.seeds)
        start, _ = self._span(case)
        begin = self.rng.randrange(len(other) + 1)
        return case[:start] + bytearray(other[begin : begin + 4000])

    def swap(self, case: bytearray) -> bytearray:
        lines = case.split(b"\n")
        self.rng.shuffle(lines)
        return bytearray(b"\n".join(lines))

    def nest(self, case: bytearray) -> bytearray:
        start, _ = self._span(case)
        case[start:start] = self.rng.choice((b"[", b'{"a":', b"<div>", b"(", b"- ")) * 300
        return case


_CHANGES: tuple[Callable[[Mutator, bytearray], bytearray], ...] = (
    *(
        Mutator.flip,
        Mutator.noise,
        Mutator.insert,
        Mutator.insert,
        Mutator.replace,
        Mutator.replace,
    ),
    *(Mutator.remove, Mutator.repeat, Mutator.cut, Mutator.splice, Mutator.swap, Mutator.nest),
)
