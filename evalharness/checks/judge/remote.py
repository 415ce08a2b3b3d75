"""A judge on a server: prompts out, first tokens or answers back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evalharness.checks.judge.protocols import JudgeQuestion, QuestionForm, Reply
from evalharness.endpoint import Answer, Chat, Client, Server, Unanswered
from evalharness.errors import EndpointError
from evalharness.hf.prompts import fill_template

# Marks of a space that some servers leave in a token's text.
_SPACES = str.maketrans({"▁": " ", "Ġ": " "})


class Remote:
    """A server at work."""

    def __init__(
        self, server: Server, form: QuestionForm, max_characters: int | None, top_logprobs: int
    ) -> None:
        self.client = Client(server)
        self.form = form
        self.max_characters = max_characters
        self.top_logprobs = top_logprobs

    def ask(self, questions: Sequence[JudgeQuestion]) -> list[Reply]:
        """Return what came of each question, in order; equal ones are asked once."""
        chats = {question: self._chat(question) for question in questions}
        answers = self.client.ask(list(chats.values()))
        replies = {q: self._reply(q, a) for q, a in zip(chats, answers, strict=True)}
        return [replies[question] for question in questions]

    def _chat(self, question: JudgeQuestion) -> Chat:
        article = question.article[: self.max_characters]
        user = fill_template(self.form.user, {"article": article, "summary": question.claim})
        fields: dict[str, Any] = {"max_tokens": self.form.most_tokens, "temperature": 0}
        if self.form.answers:
            fields |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return Chat(user, self.form.system, fields)

    def _reply(self, question: JudgeQuestion, answer: Answer | Unanswered) -> Reply:
        if isinstance(answer, Unanswered):
            return Reply(failed=answer.reason, passing=True)
        read = len(question.article[: self.max_characters])
        if not self.form.answers:
            return Reply(text=answer.text, finished=answer.finish != "length", read=read)
        if not answer.tokens:
            raise EndpointError(
                f"{self.client.server.url} gives no probabilities of tokens; set by: text"
            )
        return Reply(answer_logs(answer.tokens[0], self.form.answers), read=read)


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
