"""What a model is asked and what comes of it, whatever kind it is. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from evalharness.records import Article, Finish

# Of a text that is empty since all tokens went to thoughts.
CUT_IN_THOUGHT = "max_new_tokens ended it while it was thinking: raise them, or have it think less"


@dataclass(frozen=True)
class NoPrompt:
    """Why a prompt came to nothing."""

    reason: str


@dataclass(frozen=True)
class Prompt:
    """What the model reads for one article.

    read: characters of the article, from its start, that `ids` hold; None where unknown.
    key: of the article's own random numbers.
    """

    ids: list[int]
    read: int | None
    key: bytes = b""


@dataclass(frozen=True)
class Said:
    """The text that a model wrote for one prompt, ready to be read; and the tokens, if known.

    note: what is to be said of it where it is empty.
    """

    text: str
    finish: Finish
    tokens: int | None = None
    tokens_in: int | None = None
    note: str = ""


def said_record(answer: Said | NoPrompt, read: int | None) -> dict[str, Any]:
    """Return an answer as it is stored; with how many characters of the article it is about."""
    if isinstance(answer, NoPrompt):
        return {"error": answer.reason}
    known = vars(answer) | {"note": answer.note or None, "read": read}
    return {name: value for name, value in known.items() if value is not None}


def said_of(record: Mapping[str, Any]) -> Said | NoPrompt:
    """Return the answer that `said_record` stored."""
    if "error" in record:
        return NoPrompt(record["error"])
    return Said(**{name: value for name, value in record.items() if name != "read"})


class Readable(Protocol):
    """A prompt of any kind, which knows how much of the text it holds."""

    @property
    def read(self) -> int | None:
        """Return characters of the text, from its start; None where unknown."""
        ...


P = TypeVar("P", bound=Readable)


class Reader(Protocol[P]):
    """A model that makes prompts of texts, cut on the right to fit, and answers them."""

    def prompt(self, article: Article) -> P | NoPrompt:
        """Return the prompt that asks for a summary of an article, or of a part of one."""
        ...

    def merge_prompt(self, summaries: Article) -> P | NoPrompt:
        """Return the prompt that makes one summary of the summaries of parts."""
        ...

    def write(self, prompts: Sequence[P]) -> list[Said | NoPrompt]:
        """Return what became of each prompt, in order. Raises: HarnessError."""
        ...

    def write_some(self, prompts: Sequence[P]) -> list[Said | NoPrompt | None]:
        """Return what became of the prompts that come first, None for the others."""
        ...
