"""A language model as the judge: is the summary true to its article?"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal

from evalharness.checks.judge import protocols
from evalharness.checks.judge.protocols import (
    PROTOCOLS,
    Aggregate,
    Answers,
    ClaimUnit,
    JudgeEngine,
    Judgement,
    JudgeQuestion,
    ProtocolName,
    QuestionForm,
    Reply,
)
from evalharness.config.registry import check_extra
from evalharness.endpoint import Server
from evalharness.hf import weights
from evalharness.hf.prompts import check_template
from evalharness.neural.reading import PairScoring
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import NO_ANSWER, Score, SentenceScore, Span
from evalharness.text import SENTENCES_VERSION
from evalharness.text.defects import unscorable

OUT_OF_FORM = "an answer is out of form"
# New tokens of an answer in words: enough for one, or for some quotes.
_SHORT, _LONG = 16, 512


@dataclass(frozen=True)
class Judge(NetworkOptions):
    """How true to its article a language model says a summary is.

    The probability of Yes against No as the first token; or the expected rating, 1 to 5, mapped to
    0 to 1; or the share of words outside of what it quotes as unsupported. Nothing is drawn. An
    answer that is none of those asked for makes the score None, and is counted in the parts.

    model: a local folder or a name on the hub; a chat model, or a plain language model.
    endpoint: a server with OpenAI's chat completions, in place of `model`: url, model, and the name
        of the environment variable with the `key`.
    protocol: what is asked and about what: minicheck (each sentence, yes or no), summedits (the
        summary, yes or no), geval (the summary, 1 to 5), spans (the summary, quotes of what is
        unsupported). The prompts are ours; the protocols are the papers'.
    prompt: your own in place of the protocol's, with {article} and {summary} in it; braces that are
        text are doubled. Of a protocol by sentences, {summary} is the sentence.
    system: system message; empty for none.
    answers: yes-no, 1-5 or spans; None is the protocol's.
    claims: sentences, each for itself, or the summary; None is the protocol's.
    aggregate: how sentences become the score: the least, or the mean; None is the protocol's.
    by: read the answer from the probabilities of its first token, or from its text; quotes are
        always text.
    yes: the answer that means support, in the prompt's language.
    no: the answer that means none.
    least_mass: answers that together are less likely than this are out of form.
    cascade: take sentences that stand in the article as they are for supported, and do not ask.
    chat: use the chat template; None does if the tokenizer has one.
    template_options: passed on to the chat template (`enable_thinking: false`).
    today: the date that a chat template is told when it asks for today's, so that runs repeat.
    max_input_tokens: the most tokens of the whole prompt; the article is cut, the question never.
    max_characters: the most characters of the article for an endpoint: its tokens are not ours to
        count.
    max_new_tokens: the most tokens of an answer in words; None is 16, or 512 for quotes.
    top_logprobs: how many of the likeliest first tokens an endpoint is asked for.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.5, "supported": 0.5}
    version: ClassVar[int] = 2
    least_values: ClassVar[Mapping[str, int]] = dict.fromkeys(
        ("max_input_tokens", "max_characters", "max_new_tokens", "top_logprobs"), 1
    )
    together: ClassVar[int] = 64

    model: Checkpoint = ""
    _: KW_ONLY
    endpoint: Server | None = field(default=None, compare=False)
    protocol: ProtocolName = "minicheck"
    prompt: str | None = None
    system: str = ""
    answers: Answers | None = None
    claims: ClaimUnit | None = None
    aggregate: Aggregate | None = None
    by: Literal["probability", "text"] = "probability"
    yes: str = "Yes"
    no: str = "No"
    least_mass: float = 0.1
    cascade: bool = False
    chat: bool | None = None
    template_options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    today: str = "2024-07-26"
    max_input_tokens: int | None = None
    max_characters: int | None = None
    max_new_tokens: int | None = None
    top_logprobs: int = 20
    dtype: weights.Dtype = "auto"

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        if (self.endpoint is None) == (not self.model):
            raise ValueError("model: name a checkpoint here, or a server under `endpoint`")
        if self.endpoint is None:
            check_extra("a judge without an endpoint", "hf")
        if self.prompt is not None:
            check_template("prompt", self.prompt, ["article", "summary"])
        if not 0 <= self.least_mass <= 1:
            raise ValueError(f"least_mass: {self.least_mass} is out of range (0 to 1)")
        if [self.yes.split(), self.no.split()] != [[self.yes], [self.no]]:
            raise ValueError("yes: should be one word, and so should no")
        if self.yes.casefold() == self.no.casefold():
            raise ValueError("yes: should be another word than no")
        if self.asks_for == "spans" and self.claims == "sentences":
            raise ValueError("claims: quotes are asked of the whole summary")
        self._refuse_options_of_the_other_kind()
        try:
            datetime.date.fromisoformat(self.today)
        except ValueError:
            raise ValueError(f"today: {self.today!r} is no date (2024-07-26)") from None

    def _refuse_options_of_the_other_kind(self) -> None:
        if self.endpoint is None and self.max_characters is not None:
            raise ValueError("max_characters: is for an endpoint; here it is max_input_tokens")
        if self.endpoint is not None and self.max_input_tokens is not None:
            raise ValueError("max_input_tokens: is for a checkpoint; here it is max_characters")
        if self.endpoint is not None and (self.chat is not None or self.template_options):
            raise ValueError("chat: an endpoint has its own template; see `extra` of the endpoint")

    def identity(self) -> Mapping[str, str]:
        """Return what names the judge, and the whole prompt."""
        judge = super().identity() if self.endpoint is None else self.endpoint.identity()
        return {**judge, "prompt": self.user, "sentences": str(SENTENCES_VERSION)}

    @property
    def user(self) -> str:
        """The prompt, with its fields."""
        return PROTOCOLS[self.protocol].prompt if self.prompt is None else self.prompt

    @property
    def asks_for(self) -> Answers:
        """What an answer should be."""
        return self.answers or PROTOCOLS[self.protocol].answers

    @property
    def by_probability(self) -> bool:
        """Whether the first token's probabilities are the answer."""
        return self.by == "probability" and self.asks_for != "spans"

    @property
    def words(self) -> tuple[str, ...]:
        """The answers that may be given, in one token."""
        return (self.yes, self.no) if self.asks_for == "yes-no" else protocols.RATINGS

    @property
    def cap(self) -> int:
        """The most new tokens of an answer."""
        if self.by_probability:
            return 1
        return self.max_new_tokens or (_LONG if self.asks_for == "spans" else _SHORT)

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Ask about each pair. Raises: ModelError, EndpointError where nothing can be asked."""
        scores: list[Score] = []
        for start in range(0, len(pairs), self.together):  # whose prompts are in memory at a time
            some = pairs[start : start + self.together]
            asked = [
                self._questions_of_pair(article.text, summary.text) for article, summary in some
            ]
            questions = [question for one in asked for question in one.questions]
            replies = iter(self._engine.ask(questions) if questions else ())
            scores += [self._score(one, [next(replies) for _ in one.questions]) for one in asked]
        return scores

    @cached_property
    def _engine(self) -> JudgeEngine:
        words = self.words if self.by_probability else ()
        form = QuestionForm(self.user, self.system, words, self.cap)
        if self.endpoint is not None:
            from evalharness.checks.judge.remote import Remote

            return Remote(self.endpoint, form, self.max_characters, self.top_logprobs)
        from evalharness.checks.judge.local import LocalJudge

        return LocalJudge(
            self.network("AutoModelForCausalLM"),
            form,
            self.checkpoint,
            chat=self.chat,
            template_options=self.template_options,
            today=datetime.date.fromisoformat(self.today),
            max_input_tokens=self.max_input_tokens,
        )

    def _questions_of_pair(self, article: str, summary: str) -> "_Asked":
        note = unscorable(article, summary)
        if note:
            return _Asked(article, summary, note)
        claims = self.claims or PROTOCOLS[self.protocol].claims
        spans = tuple(self.split(summary)) if claims == "sentences" else (Span(0, len(summary)),)
        if not spans:
            return _Asked(article, summary, "the summary has no sentences")
        copies = self.find_copies(article, summary, spans) if self.cascade else {}
        return _Asked(article, summary, "", spans, copies)

    def _score(self, asked: "_Asked", replies: Sequence[Reply]) -> Score:
        if asked.note:
            return Score(None, note=asked.note)
        failed = next((reply for reply in replies if reply.failed), None)
        if failed is not None:
            note = f"{NO_ANSWER if failed.passing else ''}{failed.failed}"
            return Score(None, note=note, passing=failed.passing)
        reading = PairScoring(asked.article, copied=len(asked.copies) if self.cascade else None)
        reading.lost = max((len(asked.article) - reply.read for reply in replies), default=0)
        if self.asks_for == "spans" and replies:
            return self._score_of_quotes(asked.summary, replies[0], reading)
        return self._score_of_claims(asked, replies, reading)

    def _score_of_claims(
        self, asked: "_Asked", replies: Sequence[Reply], reading: PairScoring
    ) -> Score:
        judged = iter([self._judgement(reply) for reply in replies])
        sentences: list[SentenceScore] = []
        n_out, in_form = 0, 1.0
        for span in asked.spans:
            if span in asked.copies:
                sentences.append(SentenceScore(span, 1.0, (asked.copies[span],)))
                continue
            judgement = next(judged)
            in_form = min(in_form, judgement.in_form)
            if judgement.value is None:
                n_out += 1
            else:
                sentences.append(SentenceScore(span, judgement.value))
        parts = {"out_of_form": float(n_out), "in_form": in_form}
        if n_out:
            return Score(None, parts, tuple(sentences), note=OUT_OF_FORM)
        value = self._aggregate([sentence.value for sentence in sentences])
        if self.asks_for == "1-5":
            parts["rating"] = 1 + 4 * value
        return reading.score(value, sentences, parts)

    def _judgement(self, reply: Reply) -> Judgement:
        if self.asks_for == "yes-no":
            return protocols.yes_or_no(reply, self.yes, self.no, self.least_mass)
        return protocols.rating(reply, self.least_mass)

    def _score_of_quotes(self, summary: str, reply: Reply, reading: PairScoring) -> Score:
        """Return the share of words outside of what is quoted; quotes that are none are counted."""
        quotes = protocols.quoted_lines(reply.text) if reply.finished else None
        wrong, n_refused = protocols.places(quotes or [], summary)
        parts = {"out_of_form": 0.0, "refused": float(n_refused)}
        if quotes is None or (quotes and not wrong):
            why = "no quotation is in the summary"
            if quotes is None:
                why = protocols.why_not_quotes(reply.text)
                why = why if reply.finished else "it was cut at max_new_tokens"
            return Score(None, parts | {"out_of_form": 1.0}, note=f"{OUT_OF_FORM}: {why}")
        sentences = protocols.sentence_shares(summary, self.split(summary), wrong)
        if not sentences:
            return Score(None, parts, note="the summary has no words")
        if n_refused:
            reading.notes.append("some quotes are not in the summary")
        value = self._aggregate([sentence.value for sentence in sentences])
        score = reading.score(value, sentences, parts)
        return replace(score, flags=protocols.flags_of(wrong))

    def _aggregate(self, values: Sequence[float]) -> float:
        how = self.aggregate or PROTOCOLS[self.protocol].aggregate
        return min(values) if how == "min" else sum(values) / len(values)


@dataclass(frozen=True)
class _Asked:
    """One pair: what of the summary is asked about, and what of it the article has as it is.

    note: why there is nothing to score, else empty.
    """

    article: str
    summary: str
    note: str
    spans: tuple[Span, ...] = ()
    copies: Mapping[Span, Span] = field(default_factory=dict[Span, Span])

    @property
    def questions(self) -> list[JudgeQuestion]:
        """What the judge is asked."""
        asked = [span for span in self.spans if span not in self.copies]
        return [JudgeQuestion(self.article, span.of(self.summary)) for span in asked]
