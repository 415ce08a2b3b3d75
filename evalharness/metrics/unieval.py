"""UniEval's relevance: a T5 is asked whether the summary is relevant to its reference."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from evalharness.errors import ModelError
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score

if TYPE_CHECKING:
    import torch

    from evalharness.neural.network import Inputs, Network


Dimension = Literal["consistency", "coherence", "fluency", "relevance"]

# As the authors trained with; `other` is the article, or for relevance the reference.
QUESTIONS: Mapping[Dimension, str] = {
    "consistency": "question: Is this claim consistent with the document? </s> claim: {text}"
    " </s> document: {other}",
    "coherence": "question: Is this a coherent summary to the document? </s> summary: {text}"
    " </s> document: {other}",
    "fluency": "question: Is this a fluent paragraph? </s> paragraph: {text}",
    "relevance": "question: Is this summary relevant to the reference? </s> summary: {text}"
    " </s> reference: {other}",
}
# Questions about each sentence for itself.
BY_SENTENCE: tuple[Dimension, ...] = ("consistency", "fluency")
_END = re.compile("</s>")
_TOGETHER = 1024  # questions that are tokens at a time


class UniEvalQuestion(NamedTuple):
    """A question about a text: the summary or a sentence of it, and what it is held against."""

    dimension: Dimension
    text: str
    other: str = ""

    @property
    def prompt(self) -> str:
        """Return what the model reads."""
        start, _, rest = QUESTIONS[self.dimension].partition("{text}")
        middle, wanted, _ = rest.partition("{other}")
        return start + self.text + middle + (self.other if wanted else "")

    @property
    def marks(self) -> list[int]:
        """Return where the question's own end marks stand in the prompt."""
        start, _, rest = QUESTIONS[self.dimension].partition("{text}")
        behind = len(start) + len(self.text)
        own = [sign.start() for sign in _END.finditer(start)]
        return own + [behind + sign.start() for sign in _END.finditer(rest)]


class YesAnswer(NamedTuple):
    """The probability of yes; characters of `other` that were cut; whether the text was."""

    value: float
    lost: int
    cut: bool


@dataclass(frozen=True)
class UniEvaluating(NetworkOptions):
    """Which model answers, and how much of a question it reads.

    max_tokens: the most tokens of a question, as many as the authors use.
    """

    least_values: ClassVar[Mapping[str, int]] = {"max_tokens": 1}

    _: KW_ONLY
    max_tokens: int = 1024

    @cached_property
    def loaded_network(self) -> "Network":
        """The model, loaded when it is first asked."""
        return self.network("AutoModelForSeq2SeqLM")

    @cached_property
    def _yes_and_no(self) -> list[int]:
        yes, no = (
            int(self.loaded_network.tokenizer(word)["input_ids"][0]) for word in ("Yes", "No")
        )
        if yes == no:
            raise ModelError(f"{self.checkpoint}: its tokenizer does not tell Yes from No")
        return [yes, no]

    def answers(self, questions: Sequence[UniEvalQuestion]) -> dict[UniEvalQuestion, YesAnswer]:
        """Return the answer to each question; each is asked once."""
        once = list(dict.fromkeys(questions))
        found: dict[UniEvalQuestion, YesAnswer] = {}
        for start in range(0, len(once), _TOGETHER):
            some = once[start : start + _TOGETHER]
            prompts = [question.prompt for question in some]
            items = self.loaded_network.encode(
                prompts, max_tokens=self.max_tokens, meant=[question.marks for question in some]
            )
            rows = self.loaded_network.run(items, self._first_step, "yes or no")
            for question, prompt, item, row in zip(some, prompts, items, rows, strict=True):
                whole = len(prompt.rstrip())
                kept = whole if item.kept is None else item.kept[0]
                held = len(prompt) - len(question.other)
                lost = min(max(0, whole - kept), len(question.other))
                found[question] = YesAnswer(float(row[0]), lost, kept < min(held, whole))
        return found

    def _first_step(self, inputs: "Inputs") -> "torch.Tensor":
        """Return the probabilities of yes and no, of the two, as the first word of an answer."""
        model = self.loaded_network.model
        ids = inputs["input_ids"]
        start = ids.new_full((ids.shape[0], 1), model.config.decoder_start_token_id)
        logits: torch.Tensor = model(**inputs, decoder_input_ids=start).logits
        return logits[:, 0, self._yes_and_no].float().softmax(-1)


@dataclass(frozen=True)
class UniEval(UniEvaluating):
    """The probability of yes to UniEval's question about the reference (Zhong et al., 2022).

    references: of several, the best or the mean; the authors have one.
    """

    model: Checkpoint = "MingZhong/unieval-sum"
    references: Literal["max", "mean"] = "max"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its references."""
        asked = [
            [UniEvalQuestion("relevance", summary.text, r) for r in article.references if r.strip()]
            if summary.text.strip()
            else []
            for article, summary in pairs
        ]
        answers = self.answers([question for some in asked for question in some])
        return [
            self._score([answers[question] for question in some])
            if some
            else Score(None, note=_why_unscored(summary.text))
            for (_, summary), some in zip(pairs, asked, strict=True)
        ]

    def _score(self, answers: Sequence[YesAnswer]) -> Score:
        combine = max if self.references == "max" else fmean
        value = combine([answer.value for answer in answers])
        cut = any(answer.cut or answer.lost for answer in answers)
        return Score(value, {"relevance": value}, note="a text was cut" if cut else "")


def _why_unscored(summary: str) -> str:
    return "the article has no reference" if summary.strip() else "the summary is empty"
