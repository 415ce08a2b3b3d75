"""A judge on a server: prompts out, first tokens or answers back."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evalharness.checks.judge.protocols import JudgeQuestion, KeepReply, Reply
from evalharness.endpoint import Answer, Chat, Client, Unanswered
from evalharness.errors import EndpointError
from evalharness.hf.prompts import fill_template

# Marks of a space that some servers leave in a token's text.
_SPACES = str.maketrans({"▁": " ", "Ġ": " "})
# How a server says that it does not take a field of a request.
_REFUSALS = ("HTTP 400", "HTTP 422", "HTTP 501")


class RemoteJudge:
    """A server at work."""

    def __init__(self, client: Client, max_characters: int | None, top_logprobs: int) -> None:
        self.client = client
        self.max_characters = max_characters
        self.top_logprobs = top_logprobs
        self._takes_schema: bool | None = None  # not known before it was tried

    def ask(self, questions: Sequence[JudgeQuestion], keep: KeepReply | None = None) -> list[Reply]:
        """Return what came of each question, in order; equal ones are asked once."""
        distinct = list(dict.fromkeys(questions))
        first = next((question for question in distinct if question.form.schema), None)
        replies: dict[JudgeQuestion, Reply] = {}
        keep = keep or _keep_nothing
        if first is not None and self._takes_schema is None:
            replies[first] = self._try_schema(first)
            keep(first, replies[first])
        rest = [question for question in distinct if question not in replies]

        def keep_answer(n: int, answer: Answer) -> None:
            keep(rest[n], self._reply(rest[n], answer))

        answers = self.client.ask([self._chat(question) for question in rest], keep_answer)
        replies |= {q: self._reply(q, a) for q, a in zip(rest, answers, strict=True)}
        return [replies[question] for question in questions]

    def _try_schema(self, question: JudgeQuestion) -> Reply:
        """Ask with a schema, and without one where the server refuses it; note which it was."""
        (answer,) = self.client.ask([self._chat(question)])
        refused = isinstance(answer, Unanswered) and answer.reason.startswith(_REFUSALS)
        if refused:
            self._takes_schema = False
            (answer,) = self.client.ask([self._chat(question)])
            if isinstance(answer, Unanswered):  # it was not the schema
                self._takes_schema = None
        elif isinstance(answer, Answer):
            self._takes_schema = True
        return self._reply(question, answer)

    def _chat(self, question: JudgeQuestion) -> Chat:
        form = question.form
        user = fill_template(form.user, question.values(self._shown(question)))
        fields: dict[str, Any] = {"max_tokens": form.most_tokens, "temperature": 0}
        if form.temperature:
            fields |= {"temperature": form.temperature, "seed": question.sample}
        if form.answers:
            fields |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        if form.schema and self._takes_schema is not False:
            schema = {"name": "answer", "strict": True, "schema": json.loads(form.schema)}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        return Chat(user, form.system, fields)

    def _shown(self, question: JudgeQuestion) -> str:
        return question.article[: self.max_characters]

    def _reply(self, question: JudgeQuestion, answer: Answer | Unanswered) -> Reply:
        if isinstance(answer, Unanswered):
            return Reply(failed=answer.reason, passing=True)
        words = question.form.answers
        counts: dict[str, Any] = {"n_in": answer.n_in, "n_out": answer.n_out}
        counts["read"] = len(self._shown(question))
        if not words:
            return Reply(text=answer.text, finished=answer.finish != "length", **counts)
        if not answer.tokens:
            raise EndpointError(
                f"{self.client.server.url} gives no probabilities of tokens; set by: text"
            )
        return Reply(answer_logs(answer.tokens[0], words), **counts)


def _keep_nothing(question: JudgeQuestion, reply: Reply) -> None:
    """Let a reply go."""


def answer_logs(first: Mapping[str, float], words: Sequence[str]) -> dict[str, float]:
    """Return the log-probability of each answer, from the first token's likeliest alternatives.

    >>> found = answer_logs({"Yes": -0.5, " yes": -2.0, "No": -3.0, "The": -9.0}, ["Yes", "No"])
    >>> {word: round(log, 4) for word, log in found.items()}
    {'Yes': -0.2986, 'No': -3.0}
    """
    found = dict.fromkeys(words, 0.0)
    folded = {word.casefold(): word for word in words}
    for token, log in first.items():
        word = folded.get(token.translate(_SPACES).strip().casefold())
        if word is not None:
            found[word] += math.exp(min(0.0, log))
    return {word: math.log(mass) if mass else -math.inf for word, mass in found.items()}
