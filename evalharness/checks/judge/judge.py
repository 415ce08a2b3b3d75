"""A language model as the judge: is the summary true to its article?"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalharness.checks.judge import criteria, scoring
from evalharness.checks.judge.criteria import Aspect, Criterion
from evalharness.checks.judge.examples import Examples
from evalharness.checks.judge.presets import aspect_of_preset, presets, published
from evalharness.checks.judge.protocols import (
    BETTER,
    PROTOCOLS,
    Aggregate,
    Answers,
    ClaimUnit,
    JudgeEngine,
    JudgeQuestion,
    ProtocolName,
    QuestionForm,
    Scale,
)
from evalharness.checks.judge.replies import JudgeCheckpoint, Judges, PanelEngines, Replies
from evalharness.checks.judge.scoring import AnswerReader, AskedAspect, KeyFacts
from evalharness.config.registry import check_extra
from evalharness.endpoint import Account, Client, Server
from evalharness.hf import weights
from evalharness.hf.prompts import check_template
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair, RequestEstimate
from evalharness.records import (
    Article,
    Preference,
    Score,
    Span,
    Summary,
    TwoSummaries,
    canonical,
)
from evalharness.text import SENTENCES_VERSION
from evalharness.text.defects import unscorable

# New tokens of an answer in words: enough for one, or for some quotes or facts.
_SHORT, _LONG, _LISTS = 16, 512, 2048
# Options that are about a summary by itself.
_OF_ONE_SUMMARY = (
    "preset","answers", "scale", "claims", "aggregate", "samples", "temperature", "panel",
                   "examples", "cascade")  # fmt: skip
# Pairs whose prompts are in memory at a time where checkpoints take turns: so they do so seldom.
_TOGETHER_FOR_TURNS = 1024
# Examples before a question, where nothing is said.
_SHOTS = 4
# What stands for a summary that is not written yet, where requests are estimated; a fact's length.
_USUAL_SUMMARY = (
    "The mayor of the town said on Monday that the bridge would be closed to cars. " * 4
)
_USUAL_FACT = 80


@dataclass(frozen=True)
class Judge(NetworkOptions):
    """What a language model says of a summary: how true to its article, or by other criteria.

    The probability of Yes against No as the first token; or the expected rating, mapped to 0 to 1;
    or the share of words outside of what it quotes as unsupported. Nothing is drawn unless samples
    are asked for. An answer that is none of those asked for makes the score None, and is counted in
    the parts, with the requests and their tokens.

    model: a local folder or a name on the hub; a chat model, or a plain language model.
    endpoint: a server with OpenAI's chat completions, in place of `model`: url, model, and the name
        of the environment variable with the `key`.
    preset: a paper's own prompt, letter by letter, and its form of answer, in place of a protocol:
        geval-coherence, -consistency, -fluency, -relevance, finesure-faithfulness,
        finesure-keyfacts, prometheus, selene-mini, minicheck-7b, summedits.
    criteria: what is asked in place of a protocol, each for itself; several make a mean, and a part
        each. consistency, coherence, fluency, relevance, conciseness: rated 1 to 5. coverage: the
        share of the article's key facts that the summary states; they are listed once an article.
        omissions: rated, with quotes of what is left out. Or your own: name, text, scale. A verdict
        is made of consistency and omissions alone.
    protocol: what is asked and about what: minicheck (each sentence, yes or no), summedits (the
        summary, yes or no), geval (the summary, 1 to 5), spans (the summary, quotes of what is
        unsupported), pairwise (which of two summaries is better; such a judge stands under
        `judges`). The prompts are ours; the protocols are the papers'.
    prompt: your own in place of the protocol's, with {article} and {summary} in it and, if wanted,
        {reference} and {examples}; braces that are text are doubled. Of a protocol by sentences,
        {summary} is the sentence; of pairwise {summary} and {other} are the first and second.
    system: system message; empty for none.
    answers: yes-no, 1-5 or spans; None is the protocol's.
    scale: lowest and highest rating of your own prompt; None is 1 to 5.
    claims: sentences, each for itself, or the summary; None is the protocol's.
    aggregate: how sentences become the score: the least, or the mean; None is the protocol's.
    by: read the answer from the probabilities of its first token, from its text, or from a JSON
        object with a reason, which is kept; quotes are always text, lists always JSON.
    yes: the answer that means support, in the prompt's language.
    no: the answer that means none.
    least_mass: answers that together are less likely than this are out of form.
    samples: so many answers are drawn, and their mean taken; None is one, the likeliest.
    temperature: of the draws; None is 1 where there are several samples, else 0.
    panel: more judges that are asked the same, each a server (url, model) or a checkpoint (model
        alone); the score is the judges' mean. One checkpoint is in memory at a time.
    examples: a file of JSON lines (article, summary, label 1 or 0, or a rating under the name of
        the criterion) of which some are shown before the question; never one of the same article.
    shots: how many examples are shown; None is 4.
    seed: of the draw of examples; None is 0.
    cascade: take sentences that stand in the article as they are for supported, and do not ask.
    chat: use the chat template; None does if the tokenizer has one.
    template_options: passed on to the chat template (`enable_thinking: false`).
    today: the date that a chat template is told when it asks for today's, so that runs repeat.
    max_input_tokens: the most tokens of the whole prompt; the article is cut, the question never.
    max_characters: the most characters of the article for an endpoint: its tokens are not ours to
        count.
    max_new_tokens: the most tokens of an answer in words; None is 16, 512 for quotes and reasons,
        2048 for lists.
    top_logprobs: how many of the likeliest first tokens an endpoint is asked for.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.5, "supported": 0.5}
    version: ClassVar[int] = 2
    least_values: ClassVar[Mapping[str, int]] = dict.fromkeys(
        (
            *("max_input_tokens", "max_characters", "max_new_tokens", "top_logprobs"),
            *("samples", "shots"),
        ),
        1,
    )
    together: ClassVar[int] = 64

    model: Checkpoint = ""
    _: KW_ONLY
    endpoint: Server | None = field(default=None, compare=False)
    preset: str | None = None
    criteria: tuple[str | Criterion, ...] | None = None
    protocol: ProtocolName = "minicheck"
    prompt: str | None = None
    system: str = ""
    answers: Answers | None = None
    scale: Scale | None = None
    claims: ClaimUnit | None = None
    aggregate: Aggregate | None = None
    by: Literal["probability", "text", "json"] = "probability"
    yes: str = "Yes"
    no: str = "No"
    least_mass: float = 0.1
    samples: int | None = None
    temperature: float | None = None
    panel: tuple[Server | JudgeCheckpoint, ...] | None = field(default=None, compare=False)
    examples: Path | None = None
    shots: int | None = None
    seed: int | None = None
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
        if len(self._servers) < len(self._members):
            check_extra("a judge without an endpoint", "hf")
        if self.compares:
            self._check_comparing()
        elif self.prompt is not None:
            criteria.check_prompt("prompt", self.prompt)
        self._check_answers()
        self._refuse_options_of_the_other_kind()
        self._check_criteria()
        self._check_draws()
        if self.examples is not None:
            object.__setattr__(self, "_examples", self._read_examples(self.examples))
        if any(aspect.needs_reference for aspect in self.aspects):
            object.__setattr__(self, "needs", frozenset({"article", "references"}))

    def _check_comparing(self) -> None:
        """Check what is said of two summaries. Raises: ValueError."""
        for name in _OF_ONE_SUMMARY:
            if getattr(self, name) not in (None, False):
                raise ValueError(f"{name}: is not for `protocol: pairwise`")
        if self.prompt is not None:
            check_template("prompt", self.prompt, ["article", "summary", "other"])
        if self.criteria is not None and (len(self.criteria) != 1 or self.prompt):
            raise ValueError("criteria: of two summaries one is asked about, and without a prompt")

    def _check_answers(self) -> None:
        if not 0 <= self.least_mass <= 1:
            raise ValueError(f"least_mass: {self.least_mass} is out of range (0 to 1)")
        if self.answers == "A-B":
            raise ValueError("answers: A-B is of `protocol: pairwise` alone")
        if [self.yes.split(), self.no.split()] != [[self.yes], [self.no]]:
            raise ValueError("yes: should be one word, and so should no")
        if self.yes.casefold() == self.no.casefold():
            raise ValueError("yes: should be another word than no")
        if self.asks_for == "spans" and self.claims == "sentences":
            raise ValueError("claims: quotes are asked of the whole summary")
        try:
            datetime.date.fromisoformat(self.today)
        except ValueError:
            raise ValueError(f"today: {self.today!r} is no date (2024-07-26)") from None

    def _refuse_options_of_the_other_kind(self) -> None:
        if not self._servers and self.max_characters is not None:
            raise ValueError("max_characters: is for an endpoint; here it is max_input_tokens")
        if self.endpoint is not None and self.max_input_tokens is not None:
            raise ValueError("max_input_tokens: is for a checkpoint; here it is max_characters")
        if self.endpoint is not None and (self.chat is not None or self.template_options):
            raise ValueError("chat: an endpoint has its own template; see `extra` of the endpoint")

    def _check_criteria(self) -> None:
        if self.scale is not None:
            criteria.check_scale("scale", self.scale)
            if self.prompt is None or self.asks_for != "1-5":
                raise ValueError("scale: is for a prompt of your own with `answers: 1-5`")
        if self.criteria == ():
            raise ValueError("criteria: name one at the least")
        if self.criteria and (self.prompt, self.answers, self.claims) != (None, None, None):
            raise ValueError("criteria: say what is asked; leave out prompt, answers and claims")
        if self.preset is not None and (self.criteria, self.prompt, self.answers, self.claims) != (
            *(None, None, None, None),
        ):
            raise ValueError("preset: leave out criteria, prompt, answers and claims")
        if self.preset is not None and self.by == "json":
            raise ValueError("by: a preset says itself how to answer; leave out json")
        self._check_aspects()

    def _check_aspects(self) -> None:
        names = [aspect.name for aspect in self.aspects]
        if len(set(names)) < len(names):
            raise ValueError(f"criteria: {max(names, key=names.count)!r} stands twice")
        for aspect in self.aspects:
            is_digit = aspect.scale[1] <= 9 or aspect.pattern != ""
            if self.by == "probability" and aspect.reading == "rating" and not is_digit:
                raise ValueError("by: ratings above 9 are no single token; set by: text or json")

    def _check_draws(self) -> None:
        listing = [a for a in self.aspects if a.reading not in ("yes-no", "rating") or a.pattern]
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature: {self.temperature} is out of range (0 to 2)")
        if (self.samples or 1) > 1 and self.temperature == 0:
            raise ValueError("samples: at temperature 0 all are the same")
        if self.temperature_of_answers and self.by == "probability" and not listing:
            raise ValueError("samples: probabilities are not drawn; set by: text or json")
        if self.examples is None and (self.shots, self.seed) != (None, None):
            raise ValueError("shots: name the file that they are drawn from under `examples`")
        if self.examples is not None and listing:
            raise ValueError("examples: are for answers yes-no or a rating")

    def _read_examples(self, path: Path) -> Examples:
        return Examples.read(path, self.aspects, (self.yes, self.no), self.seed or 0)

    def identity(self) -> Mapping[str, str]:
        """Return what names the judge, and the whole prompt."""
        judge = super().identity() if self.endpoint is None else self.endpoint.identity()
        panel = [_identity_in_panel(member) for member in self._members[1:]]
        more = {"panel": canonical(panel)} if panel else {}
        prompts = {aspect.name: self._form(aspect).user for aspect in self.aspects}
        if any(aspect.reading == "facts" for aspect in self.aspects):
            prompts["facts"] = criteria.FACTS_PROMPT
        if self.preset is not None:
            prompts["system"] = self._system
        more |= {"prompt": prompts[""] if list(prompts) == [""] else canonical(prompts)}
        return {**judge, **more, "sentences": str(SENTENCES_VERSION)}

    @property
    def user(self) -> str:
        """The prompt, with its fields."""
        return self._form(self.aspects[0]).user

    @property
    def asks_for(self) -> Answers:
        """What an answer should be."""
        return self.answers or PROTOCOLS[self.protocol].answers

    @cached_property
    def aspects(self) -> tuple[Aspect, ...]:
        """What is asked of a summary. Raises: ValueError for a criterion that is none."""
        if self.preset is not None:
            return (aspect_of_preset(self.preset),)
        if self.compares:
            criterion = self.criteria[0] if self.criteria else None
            return (criteria.pairwise_aspect(criterion, self.prompt),)
        if self.criteria is not None:
            return tuple(criteria.aspect_of(criterion) for criterion in self.criteria)
        protocol = PROTOCOLS[self.protocol]
        asked = protocol._replace(answers=self.asks_for, claims=self.claims or protocol.claims)
        return (criteria.aspect_of_protocol(asked, self.prompt, self.scale),)

    @property
    def temperature_of_answers(self) -> float:
        """At which temperature answers are drawn; 0 takes the likeliest."""
        if self.temperature is not None:
            return self.temperature
        return 1.0 if (self.samples or 1) > 1 else 0.0

    def _words(self, aspect: Aspect) -> tuple[str, ...]:
        if aspect.reading == "yes-no":
            return (self.yes, self.no)
        if aspect.reading == "better":
            return tuple(BETTER)
        low, high = aspect.scale
        return tuple(str(n) for n in range(low, high + 1))

    def _form(self, aspect: Aspect) -> QuestionForm:
        """Return how an aspect is put; of key facts, how they are matched with a summary."""
        if aspect.reading == "facts":
            schema = "" if aspect.is_published else criteria.MATCH_SCHEMA
            return self._text_form(aspect.prompt, _LISTS, schema)
        if aspect.reading == "categories":
            return self._text_form(aspect.prompt, _LISTS)
        if aspect.reading == "omissions":
            return self._text_form(aspect.prompt, _LISTS, criteria.OMISSIONS_SCHEMA)
        user = self._with_examples(aspect.prompt)
        if aspect.reading == "spans":
            return self._text_form(user, _LONG)
        if aspect.pattern:
            return self._text_form(user, _LONG)
        if self.by == "text":
            return self._text_form(user, _SHORT)
        if self.by == "probability":
            return QuestionForm(user, self._system, self._words(aspect), 1)
        answers = [int(word) if word.isdecimal() else word for word in self._words(aspect)]
        asked = user.removesuffix(aspect.ending).rstrip()
        user = f"{asked}\n\n{criteria.json_ending(answers)}"
        return self._text_form(user, _LONG, criteria.answer_schema(answers))

    def _text_form(self, user: str, most_tokens: int, schema: str = "") -> QuestionForm:
        most_tokens = self.max_new_tokens or most_tokens
        drawn = self.temperature_of_answers
        return QuestionForm(user, self._system, (), most_tokens, schema, drawn)

    @property
    def _system(self) -> str:
        if self.preset is None or self.system:
            return self.system
        return published(presets()[self.preset], "system")

    def _with_examples(self, prompt: str) -> str:
        if self.examples is None or "{examples}" in prompt:
            return prompt
        return "{examples}" + prompt

    @property
    def compares(self) -> bool:
        """Whether it is asked which of two summaries is better."""
        return self.protocol == "pairwise"

    def prefer(self, shown: Sequence[TwoSummaries]) -> list[Preference]:
        """Return which of each two summaries is better, as they are shown.

        Raises: ModelError, EndpointError where nothing can be asked.
        """
        form = self._form(self.aspects[0])
        questions = [JudgeQuestion(form, t.article.text, t.first, other=t.second) for t in shown]
        replies = Replies(self._judges)
        replies.ask((0, question) for question in questions)
        in_json = self.by == "json"
        return [
            scoring.preference_of(replies.of(0, question), self.least_mass, in_json=in_json)
            for question in questions
        ]

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Ask about each pair. Raises: ModelError, EndpointError where nothing can be asked."""
        scores: list[Score] = []
        checkpoints = len(self._members) - len(self._servers)
        n = self.together if checkpoints < 2 else _TOGETHER_FOR_TURNS
        for start in range(0, len(pairs), n):  # whose prompts are in memory at a time
            scores += self._score_some(pairs[start : start + n])
        return scores

    def _score_some(self, pairs: Sequence[Pair]) -> list[Score]:
        notes = [self._why_not(article, summary) for article, summary in pairs]
        replies = Replies(self._judges)
        some = [pair for pair, note in zip(pairs, notes, strict=True) if not note]
        facts = self._list_facts([article for article, _ in some], replies)
        asked = [
            [self._asked(aspect, article, summary, facts) for aspect in self.aspects]
            for article, summary in some
        ]
        replies.ask(vote for own in asked for one in own for vote in self._votes(one))
        scores = iter([self._score(of_pair, replies) for of_pair in asked])
        return [Score(None, note=note) if note else next(scores) for note in notes]

    def _why_not(self, article: Article, summary: Summary) -> str:
        """Say why there is nothing to ask of a pair; empty where there is."""
        if note := unscorable(article.text, summary.text):
            return note
        if "references" in self.needs and not any(map(str.strip, article.references)):
            return "the article has no reference, and the prompt asks for one"
        listed = ("facts", "categories")
        by_sentences = any(a.claims == "sentences" or a.reading in listed for a in self.aspects)
        if by_sentences and not self.split(summary.text):
            return "the summary has no sentences"
        return ""

    def _list_facts(
        self, articles: Sequence[Article], replies: "Replies"
    ) -> Mapping[str, KeyFacts]:
        """Return the key facts of each article, by its text, where they are asked for."""
        if not any(aspect.reading == "facts" for aspect in self.aspects):
            return {}
        form = self._text_form(criteria.FACTS_PROMPT, _LISTS, criteria.FACTS_SCHEMA)
        form = form._replace(temperature=0.0)
        questions = {a.text: JudgeQuestion(form, a.text) for a in articles}
        replies.ask((0, question) for question in questions.values())
        return {
            text: scoring.key_facts(question, replies.of(0, question))
            for text, question in questions.items()
        }

    def _asked(
        self, aspect: Aspect, article: Article, summary: Summary, facts: Mapping[str, KeyFacts]
    ) -> AskedAspect:
        """Return an aspect with its questions about one pair."""
        form, words = self._form(aspect), summary.text
        whole = AskedAspect(aspect, article.text, words, (Span(0, len(words)),))
        if aspect.reading == "facts":
            return self._asked_of_facts(whole, form, facts[article.text])
        if aspect.reading == "categories":
            spans = tuple(self.split(words))
            lines = "\n".join(" ".join(span.of(words).split()) for span in spans)
            put = self._question(form, aspect, article, lines)
            return replace(whole, spans=spans, questions=(put,))
        spans = tuple(self.split(words)) if aspect.claims == "sentences" else whole.spans
        copies = self.find_copies(article.text, words, spans) if self.cascade else None
        questions = tuple(
            self._question(form, aspect, article, span.of(words))
            for span in spans
            if span not in (copies or {})
        )
        return replace(whole, spans=spans, questions=questions, copies=copies)

    def _asked_of_facts(
        self, asked: AskedAspect, form: QuestionForm, facts: KeyFacts
    ) -> AskedAspect:
        """Return the question which sentences of a summary state which of the facts."""
        spans = tuple(self.split(asked.summary))
        said = [" ".join(span.of(asked.summary).split()) for span in spans]
        numbered = [f"[{n}] {sentence}" for n, sentence in enumerate(said, 1)]
        is_published = asked.aspect.is_published  # FineSurE's facts bear no numbers
        stated = [" ".join(fact.split()) for fact in facts.facts]
        listed = stated if is_published else [f"{n}. {fact}" for n, fact in enumerate(stated, 1)]
        put = JudgeQuestion(form, asked.article, "\n".join(numbered), facts="\n".join(listed))
        return replace(asked, spans=spans, questions=() if facts.failed else (put,), facts=facts)

    def _question(
        self, form: QuestionForm, aspect: Aspect, article: Article, claim: str
    ) -> JudgeQuestion:
        reference = article.references[0] if aspect.needs_reference else ""
        examples = ""
        if self.examples is not None:
            examples = self._examples_before(aspect, article)
        return JudgeQuestion(form, article.text, claim, reference, examples=examples)

    def _examples_before(self, aspect: Aspect, article: Article) -> str:
        drawn: Examples = self.__dict__["_examples"]
        return drawn.text(aspect, article, self.shots or _SHOTS, in_json=self.by == "json")

    def _votes(self, asked: AskedAspect) -> Iterable[tuple[int, JudgeQuestion]]:
        """Yield each question with the number of a judge, as often as it is asked."""
        for votes in self._questions_by_vote(asked):
            yield from votes

    def _questions_by_vote(self, asked: AskedAspect) -> list[list[tuple[int, JudgeQuestion]]]:
        return [
            [(judge, question._replace(sample=sample)) for question in asked.questions]
            for judge in range(1 + len(self.panel or ()))
            for sample in range(self.samples or 1)
        ]

    def _score(self, asked: Sequence[AskedAspect], replies: "Replies") -> Score:
        scores = {}
        for one in asked:
            votes = [[replies.of(*vote) for vote in v] for v in self._questions_by_vote(one)]
            scores[one.aspect.name] = scoring.together([self._reader.score(one, v) for v in votes])
        score = scoring.of_all(scores)
        used = {vote for one in asked for vote in self._votes(one)}
        used |= {(0, put) for one in asked if (put := one.facts.question) is not None}
        return replace(score, parts={**score.parts, **replies.count(used)})

    @property
    def _reader(self) -> AnswerReader:
        in_json = self.by == "json"
        return AnswerReader(self.yes, self.no, self.least_mass, in_json, self.aggregate, self.split)

    def charge_to(self, account: Account) -> None:
        """Ask for a run's account, and keep the answers there. Raises: ConfigError."""
        for server in self._servers:
            account.check_server(server)
        object.__setattr__(self, "_account", account)
        for made in ("_judges", "_engines"):
            self.__dict__.pop(made, None)

    def estimate(self, article: Article, summary: Summary | None) -> RequestEstimate:
        """Return what the score of a summary will take; one that is not written yet is usual."""
        asked = [self._estimate(aspect, article, summary) for aspect in self.aspects]
        n = sum(each[0] for each in asked) * (self.samples or 1)
        characters = sum(each[1] for each in asked) * (self.samples or 1)
        n_out = max(self._form(aspect).most_tokens for aspect in self.aspects)
        whole = RequestEstimate()
        for member in self._members:
            stand_in = Server("http://localhost", member.model)
            server = member if isinstance(member, Server) else stand_in
            whole += server.estimate_requests(n, characters, n_out)
        return whole

    def _estimate(
        self, aspect: Aspect, article: Article, summary: Summary | None
    ) -> tuple[int, int]:
        """Return how many requests an aspect is, and of how many characters in all."""
        words = _USUAL_SUMMARY if summary is None else summary.text
        form = self._form(aspect)
        fixed = len(form.user) + len(self.system)
        if aspect.reading == "facts":  # what lists them, too, though that is done once an article
            listing = len(criteria.FACTS_PROMPT) + len(article.text)
            return 2, listing + fixed + len(words) + criteria.MOST_FACTS * _USUAL_FACT
        n = len(self.split(words)) if aspect.claims == "sentences" else 1
        fixed += len(article.text[: self.max_characters])
        if self.examples is not None:
            fixed += len(self._examples_before(aspect, article))
        return n, n * fixed + len(words) * (2 if self.compares else 1)

    @cached_property
    def _judges(self) -> Judges:
        account: Account | None = self.__dict__.get("_account")
        opening = account.answers if account is not None else None
        ledgers = opening and [opening(identity) for identity in self._identities()]
        return Judges(lambda: self._engines, ledgers)

    @property
    def _members(self) -> tuple[Server | JudgeCheckpoint, ...]:
        """The judges: a checkpoint or a server, and those of the panel."""
        return (self.endpoint or self._own_checkpoint, *(self.panel or ()))

    @property
    def _servers(self) -> tuple[Server, ...]:
        return tuple(member for member in self._members if isinstance(member, Server))

    @property
    def _own_checkpoint(self) -> JudgeCheckpoint:
        own = {f.name: getattr(self, f.name) for f in fields(JudgeCheckpoint)}
        return JudgeCheckpoint(**own)

    def _identities(self) -> list[dict[str, Any]]:
        """Return for each judge what makes its answers, beside what it is asked."""
        given = {"most": self.max_characters, "top_logprobs": self.top_logprobs}
        return [
            {"name": "answers", **member.identity(), **given}
            if isinstance(member, Server)
            else member.answers_identity(self.today)
            for member in self._members
        ]

    @cached_property
    def _engines(self) -> PanelEngines:
        """The judges at work: checkpoints, or servers."""
        is_local = [not isinstance(member, Server) for member in self._members]
        makers = [partial(self._engine, member) for member in self._members]
        return PanelEngines([*zip(is_local, makers, strict=True)])

    def _engine(self, member: Server | JudgeCheckpoint) -> JudgeEngine:
        if isinstance(member, JudgeCheckpoint):
            return member.load(self.today)
        from evalharness.checks.judge.remote import RemoteJudge

        client = Client(member, account=self.__dict__.get("_account"))
        return RemoteJudge(client, self.max_characters, self.top_logprobs)


def _identity_in_panel(member: Server | JudgeCheckpoint) -> dict[str, Any]:
    """Return what names one of a panel; of a checkpoint also how it is asked and computed."""
    if isinstance(member, Server):
        return member.identity()
    usual = {f.name: f.default for f in fields(JudgeCheckpoint)} | {"template_options": {}}
    names = ("chat", "template_options", "max_input_tokens", "dtype", "attention")
    options = {name: getattr(member, name) for name in names}
    changed = {name: value for name, value in options.items() if value != usual[name]}
    return {**member.identity(), **changed}
