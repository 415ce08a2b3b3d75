"""What judges are asked, each question once: answers that a ledger has are not asked for again."""

import datetime
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

from evalharness.checks.judge.protocols import JudgeEngine, JudgeQuestion, Reply
from evalharness.endpoint import AnswerLedger
from evalharness.hf import weights
from evalharness.neural.weights import NetworkOptions
from evalharness.records import digest

# Answers wait so many seconds at the most before they are on the disk.
_SECONDS = 1.0


@dataclass(frozen=True)
class JudgeCheckpoint(NetworkOptions):
    """A checkpoint that judges, alone or in a panel.

    model: a local folder or a name on the hub; a chat model, or a plain language model.
    chat: use the chat template; None does if the tokenizer has one.
    template_options: passed on to the chat template (`enable_thinking: false`).
    max_input_tokens: the most tokens of the whole prompt; the article is cut, the question never.
    """

    least_values: ClassVar[Mapping[str, int]] = {"max_input_tokens": 1}

    _: KW_ONLY
    chat: bool | None = None
    template_options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    max_input_tokens: int | None = None
    dtype: weights.Dtype = "auto"

    def answers_identity(self, today: str) -> dict[str, Any]:
        """Return what makes its answers, beside what it is asked."""
        chat = {"chat": self.chat, "template": dict(self.template_options)}
        given = {"today": today, "most": self.max_input_tokens, "dtype": self.dtype}
        name = {"name": "answers", "attention": self.attention}
        return {**name, **self.identity(), **chat, **given}

    def load(self, today: str) -> JudgeEngine:
        """Return it at work. Raises: ModelError."""
        from evalharness.checks.judge.local import LocalJudge

        return LocalJudge(
            self.network("AutoModelForCausalLM"),
            self.checkpoint,
            chat=self.chat,
            template_options=self.template_options,
            today=datetime.date.fromisoformat(today),
            max_input_tokens=self.max_input_tokens,
        )


class PanelEngines:
    """The judges of a panel, each made when it is asked.

    Of the checkpoints one is in memory at a time: the next takes the place of the one before, and
    its weights, too, unless both have the same.
    """

    def __init__(self, makers: Sequence[tuple[bool, Callable[[], JudgeEngine]]]) -> None:
        """Take for each judge whether it is a checkpoint, and what makes it."""
        self._makers = makers
        self._made: dict[int, JudgeEngine] = {}

    def __getitem__(self, number: int) -> JudgeEngine:
        """Return a judge at work. Raises: what making it raises."""
        if number not in self._made:
            is_checkpoint, make = self._makers[number]
            if is_checkpoint:
                for other in [n for n in self._made if self._makers[n][0]]:
                    del self._made[other]
            self._made[number] = make()
        return self._made[number]


@dataclass(frozen=True)
class Judges:
    """The judges of a panel, or one. engines: makes them when there is something to ask.

    ledgers: where the answers of each are kept; None where they are not.
    """

    engines: Callable[[], PanelEngines]
    ledgers: Sequence[AnswerLedger] | None = None


class Replies:
    """What judges were asked, and what came of it, for some pairs."""

    def __init__(self, judges: Judges) -> None:
        """Start with no question."""
        self._judges = judges
        self._replies: dict[tuple[int, JudgeQuestion], Reply] = {}

    def ask(self, asked: Iterable[tuple[int, JudgeQuestion]]) -> None:
        """Ask each judge, by its number, its questions, each once. Raises: as engines do."""
        by_judge: dict[int, dict[JudgeQuestion, None]] = {}
        for judge, question in asked:
            by_judge.setdefault(judge, {})[question] = None
        for judge, questions in by_judge.items():
            replies = self._ask(judge, list(questions))
            self._replies |= {(judge, question): reply for question, reply in replies.items()}

    def _ask(self, judge: int, questions: Sequence[JudgeQuestion]) -> dict[JudgeQuestion, Reply]:
        ledgers = self._judges.ledgers
        keeping = Keeping(ledgers[judge] if ledgers else None)
        replies = keeping.known(questions)
        if missing := [question for question in questions if question not in replies]:
            try:
                came = self._judges.engines()[judge].ask(missing, keeping.keep)
            finally:
                keeping.flush()
            replies |= dict(zip(missing, came, strict=True))
        return replies

    def of(self, judge: int, question: JudgeQuestion) -> Reply:
        """Return what a judge replied to a question that it was asked."""
        return self._replies[judge, question]

    def count(self, asked: Iterable[tuple[int, JudgeQuestion]]) -> dict[str, float]:
        """Return how many requests some questions were, and their tokens, where counted.

        Of a panel also those of each judge but the first, which may have other prices.
        """
        counts = dict.fromkeys(("requests", "tokens_in", "tokens_out"), 0.0)
        for judge, question in asked:
            reply = self._replies[judge, question]
            counts["requests"] += 1
            for side, n in (("tokens_in", reply.n_in), ("tokens_out", reply.n_out)):
                counts[side] += n or 0
                if judge:
                    own = f"{side}_{judge + 1}"
                    counts[own] = counts.get(own, 0.0) + (n or 0)
        return counts


@dataclass
class Keeping:
    """Puts answers into a ledger as they come; what failed is asked again another day."""

    ledger: AnswerLedger | None
    _waiting: dict[str, Any] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def known(self, questions: Sequence[JudgeQuestion]) -> dict[JudgeQuestion, Reply]:
        """Return the replies to those questions that were answered before."""
        if self.ledger is None:
            return {}
        keys = {question: _key(question) for question in questions}
        there = [question for question, key in keys.items() if key in self.ledger]
        records = self.ledger.get([keys[question] for question in there])
        return {q: _reply_of(record) for q, record in zip(there, records, strict=True)}

    def keep(self, question: JudgeQuestion, reply: Reply) -> None:
        """Keep a reply, unless it failed."""
        if self.ledger is None or reply.failed:
            return
        if any(map(math.isnan, (reply.logs or {}).values())):  # an overflow: no number to keep
            return
        self._waiting[_key(question)] = _record_of(reply)
        if time.monotonic() - self._since > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self.ledger is not None and self._waiting:
            self.ledger.append(list(self._waiting.items()))
        self._waiting, self._since = {}, time.monotonic()


def _record_of(reply: Reply) -> dict[str, Any]:
    """Return a reply as it is stored; an answer that is impossible has None for its logarithm."""
    usual = Reply()._asdict()
    record = {name: value for name, value in reply._asdict().items() if value != usual[name]}
    if reply.logs is not None:
        record["logs"] = {a: None if log == -math.inf else log for a, log in reply.logs.items()}
    return record


def _reply_of(record: Mapping[str, Any]) -> Reply:
    reply = Reply(**record)
    if reply.logs is None:
        return reply
    logs = {a: -math.inf if log is None else log for a, log in record["logs"].items()}
    return reply._replace(logs=logs)


def _key(question: JudgeQuestion) -> str:
    return digest(*question.form, *question[1:])
