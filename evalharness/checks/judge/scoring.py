"""From a judge's replies to a score: one vote on one aspect, votes together, aspects together."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import NamedTuple, TypeVar

from evalharness.checks.judge import protocols
from evalharness.checks.judge.criteria import Aspect
from evalharness.checks.judge.protocols import Judgement, JudgeQuestion, Reply
from evalharness.neural.reading import PairScoring
from evalharness.records import NO_ANSWER, Flag, Preference, Score, SentenceScore, Span

OUT_OF_FORM = "an answer is out of form"
# Sums over the questions of a score, and not means over its votes or aspects.
_SUMMED = ("out_of_form", "refused")
_Found = TypeVar("_Found", Flag, Span)


class KeyFacts(NamedTuple):
    """What matters in an article, as a judge listed it: facts, and where the article says each.

    failed: the score of whatever needs them, where there are none. question: what listed them.
    """

    facts: tuple[str, ...] = ()
    places: tuple[Span | None, ...] = ()
    read: int = 0
    failed: Score | None = None
    question: JudgeQuestion | None = None


@dataclass(frozen=True)
class AskedAspect:
    """An aspect as it is asked of one pair, with the questions in the order of what they are of.

    spans: parts of the summary that are asked about. copies: those of them that the article has as
    they are, and where; they are not asked about.
    """

    aspect: Aspect
    article: str
    summary: str
    spans: tuple[Span, ...]
    questions: tuple[JudgeQuestion, ...] = ()
    copies: Mapping[Span, Span] | None = None
    facts: KeyFacts = field(default_factory=KeyFacts)


@dataclass(frozen=True)
class AnswerReader:
    """How answers are read.

    yes, no: the two words. least_mass: below it, probabilities are out of form. in_json: answers
    are objects. aggregate: over the aspect's own. split: a text's sentences.
    """

    yes: str
    no: str
    least_mass: float
    in_json: bool
    aggregate: str | None
    split: Callable[[str], Sequence[Span]]

    def score(self, asked: AskedAspect, replies: Sequence[Reply]) -> Score:
        """Return the score of one vote on one aspect."""
        if asked.facts.failed is not None:
            return asked.facts.failed
        if (failure := failure_of(replies)) is not None:
            return failure
        n_copied = None if asked.copies is None else len(asked.copies)
        reading = PairScoring(asked.article, copied=n_copied)
        reading.lost = max((len(asked.article) - reply.read for reply in replies), default=0)
        if asked.aspect.reading == "spans" and replies:
            return self._score_of_quotes(asked, replies[0], reading)
        if (of_list := _OF_LISTS.get(asked.aspect.reading)) is not None:
            return of_list(asked, replies[0], reading)
        return self._score_of_claims(asked, replies, reading)

    def judgement(self, aspect: Aspect, reply: Reply) -> Judgement:
        """Return what a reply says of a claim."""
        if aspect.pattern:
            return protocols.judgement_by_pattern(reply, aspect.pattern, self._values(aspect))
        if self.in_json:
            return protocols.judgement_in_json(reply, self._values(aspect))
        if aspect.reading == "yes-no":
            return protocols.yes_or_no(reply, self.yes, self.no, self.least_mass)
        return protocols.rating(reply, self.least_mass, aspect.scale)

    def _values(self, aspect: Aspect) -> Mapping[str, float]:
        """Return what each answer is worth, by the answer in small letters."""
        if aspect.reading == "yes-no":
            return {self.yes.casefold(): 1.0, self.no.casefold(): 0.0}
        low, high = aspect.scale
        return {str(n): (n - low) / (high - low) for n in range(low, high + 1)}

    def _score_of_claims(
        self, asked: AskedAspect, replies: Sequence[Reply], reading: PairScoring
    ) -> Score:
        judged = iter([self.judgement(asked.aspect, reply) for reply in replies])
        sentences: list[SentenceScore] = []
        reasons: list[str] = []
        n_out, in_form = 0, 1.0
        copies = asked.copies or {}
        for span in asked.spans:
            if span in copies:
                sentences.append(SentenceScore(span, 1.0, (copies[span],)))
                continue
            judgement = next(judged)
            in_form = min(in_form, judgement.in_form)
            reasons += [judgement.reason] if judgement.reason else []
            if judgement.value is None:
                n_out += 1
            else:
                sentences.append(SentenceScore(span, judgement.value))
        parts = {"out_of_form": float(n_out), "in_form": in_form}
        if n_out:
            return Score(None, parts, tuple(sentences), note=OUT_OF_FORM, reasons=tuple(reasons))
        value = self._aggregate(asked.aspect, sentences)
        if asked.aspect.reading == "rating":
            low, high = asked.aspect.scale
            parts["rating"] = low + (high - low) * value
        return replace(reading.score(value, sentences, parts), reasons=tuple(reasons))

    def _score_of_quotes(self, asked: AskedAspect, reply: Reply, reading: PairScoring) -> Score:
        """Return the share of words outside of what is quoted; quotes that are none are counted."""
        summary = asked.summary
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
        value = self._aggregate(asked.aspect, sentences)
        score = reading.score(value, sentences, parts)
        return replace(score, flags=protocols.flags_of(wrong))

    def _aggregate(self, aspect: Aspect, sentences: Sequence[SentenceScore]) -> float:
        how = self.aggregate or aspect.aggregate
        values = [sentence.value for sentence in sentences]
        return min(values) if how == "min" else _mean(values)


def failure_of(replies: Sequence[Reply]) -> Score | None:
    """Return the score where a question has no answer; None where all have one."""
    failed = next((reply for reply in replies if reply.failed), None)
    if failed is None:
        return None
    note = f"{NO_ANSWER if failed.passing else ''}{failed.failed}"
    return Score(None, note=note, passing=failed.passing)


def _out_of_form(reply: Reply, why: str) -> Score:
    why = why if reply.finished else "it was cut at max_new_tokens"
    return Score(None, {"out_of_form": 1.0}, note=f"{OUT_OF_FORM}: {why}")


_NO_OBJECT = "no JSON object as was asked for"


def _score_of_omissions(asked: AskedAspect, reply: Reply, reading: PairScoring) -> Score:
    """Return the rating, and where the article says what is left out."""
    found = protocols.object_of(reply.text) if reply.finished else None
    omitted = found.get("omitted") if found else None
    rated = found.get("answer") if found else None
    value = protocols.on_scale(rated, asked.aspect.scale) if type(rated) is int else None
    if value is None or not isinstance(omitted, list):
        return _out_of_form(reply, _NO_OBJECT)
    entries = [entry for entry in omitted if isinstance(entry, dict)]
    quotes, reasons = (
        [entry[name] for entry in entries if isinstance(entry.get(name), str)]
        for name in ("quote", "reason")
    )
    places = [protocols.place_of(quote, asked.article) for quote in quotes]
    left_out = tuple(dict.fromkeys(place for place in places if place is not None))
    refused = float(len(entries) - sum(place is not None for place in places))
    if refused:
        reading.notes.append("some quotes are not in the article")
    parts = {"out_of_form": 0.0, "refused": refused, "omitted": float(len(entries))}
    low, high = asked.aspect.scale
    score = reading.score(value, (), parts | {"rating": low + (high - low) * value})
    return replace(score, left_out=left_out, reasons=tuple(filter(str.strip, reasons)))


def key_facts(question: JudgeQuestion, reply: Reply) -> KeyFacts:
    """Return the facts that an answer lists, each with its place if the article has the quote."""
    facts = _read_facts(reply, question.article)
    return facts._replace(question=question)


def _read_facts(reply: Reply, article: str) -> KeyFacts:
    if (failure := failure_of([reply])) is not None:
        return KeyFacts(failed=failure)
    found = protocols.object_of(reply.text) if reply.finished else None
    listed = found.get("facts") if found else None
    entries = listed if isinstance(listed, list) else []
    stated = [
        (entry["fact"].strip(), entry.get("quote"))
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("fact"), str) and entry["fact"].strip()
    ]
    if not stated:
        why = f"the key facts of the article: {_NO_OBJECT}"
        return KeyFacts(failed=_out_of_form(reply, why))
    places = [protocols.place_of(q, article) if isinstance(q, str) else None for _, q in stated]
    return KeyFacts(tuple(fact for fact, _ in stated), tuple(places), reply.read)


def _score_of_facts(asked: AskedAspect, reply: Reply, reading: PairScoring) -> Score:
    """Return the share of the key facts that the summary states, and which it leaves out."""
    facts, places = asked.facts.facts, asked.facts.places
    reading.lost = len(asked.article) - asked.facts.read
    read = _published_matches if asked.aspect.is_published else _sentences_by_fact
    stated = read(reply, len(facts), len(asked.spans))
    if stated is None:
        return _out_of_form(reply, _NO_OBJECT)
    missing = [n for n in range(len(facts)) if not stated.get(n)]
    useful = {n for sentences in stated.values() for n in sentences if n >= 0}
    parts = {"facts": float(len(facts)), "conciseness": len(useful) / len(asked.spans)}
    left_out = dict.fromkeys(place for n in missing if (place := places[n]) is not None)
    score = reading.score(1 - len(missing) / len(facts), (), {"out_of_form": 0.0, **parts})
    reasons = tuple(f"left out: {facts[n]}" for n in missing)
    return replace(score, left_out=tuple(left_out), reasons=reasons)


_NO_ERROR = "no error"


def _score_of_categories(asked: AskedAspect, reply: Reply, reading: PairScoring) -> Score:
    """Return the share of sentences without an error; the others are flagged with its category."""
    listed = protocols.list_of(reply.text) if reply.finished else None
    entries = [entry for entry in listed or () if isinstance(entry, dict)]
    told = [str(entry.get("category", "")).strip().lower() for entry in entries]
    if len(told) != len(asked.spans) or not all(told):
        return _out_of_form(reply, f"no list of {len(asked.spans)} sentences with a category each")
    sentences = [
        SentenceScore(span, float(category == _NO_ERROR))
        for span, category in zip(asked.spans, told, strict=True)
    ]
    wrong = [(s.span, c) for s, c in zip(sentences, told, strict=True) if not s.value]
    flags = tuple(Flag(span, "judge", f"the judge: {category}") for span, category in wrong)
    reasons = [entry["reason"] for entry in entries if isinstance(entry.get("reason"), str)]
    value = _mean([sentence.value for sentence in sentences])
    score = reading.score(value, sentences, {"out_of_form": 0.0})
    return replace(score, flags=flags, reasons=tuple(filter(str.strip, reasons)))


def _published_matches(reply: Reply, n_facts: int, n_sentences: int) -> dict[int, set[int]] | None:
    """Return the sentences that state each fact, from a list that has an entry a fact, in order."""
    listed = protocols.list_of(reply.text) if reply.finished else None
    entries = [entry for entry in listed or () if isinstance(entry, dict)]
    if len(entries) != n_facts:
        return None
    stated: dict[int, set[int]] = {}
    for n, entry in enumerate(entries):
        lines = entry.get("line number")
        named = re.findall(r"\d+", str(lines if isinstance(lines, list) else ""))
        numbers = {int(line) - 1 for line in named if 1 <= int(line) <= n_sentences}
        is_stated = str(entry.get("response", "")).strip().lower() == "yes"
        stated[n] = (numbers or {-1}) if is_stated else set()
    return stated


def _sentences_by_fact(reply: Reply, n_facts: int, n_sentences: int) -> dict[int, set[int]] | None:
    """Return the sentences that state each fact, all counted from 0; None of what is no answer.

    A fact that an answer does not mention is not stated; numbers that there are not are left out.
    """
    found = protocols.object_of(reply.text) if reply.finished else None
    listed = found.get("facts") if found else None
    if not isinstance(listed, list):
        return None
    stated: dict[int, set[int]] = {}
    for entry in listed:
        fact = entry.get("fact") if isinstance(entry, dict) else None
        sentences = entry.get("sentences") if isinstance(entry, dict) else None
        if type(fact) is not int or not isinstance(sentences, list):
            return None
        if 1 <= fact <= n_facts:
            numbers = {n - 1 for n in sentences if type(n) is int and 1 <= n <= n_sentences}
            stated.setdefault(fact - 1, set()).update(numbers)
    return stated


_OF_LISTS: Mapping[str, Callable[[AskedAspect, Reply, PairScoring], Score]] = {
    "omissions": _score_of_omissions,
    "categories": _score_of_categories,
    "facts": _score_of_facts,
}


def agreement(values: Sequence[float]) -> float:
    """Return 1 less the mean difference of any two votes: 1 where all say the same.

    >>> agreement([1.0, 1.0, 0.5])
    0.6666666666666667
    """
    differences = [abs(one - other) for one, other in combinations(values, 2)]
    return 1 - sum(differences) / len(differences)


def together(votes: Sequence[Score]) -> Score:
    """Return the score of several votes on one aspect: their mean, and how far they agree.

    Votes that are out of form are counted and left out; where all are, so is the score. A flag, or
    a sentence left out, is the judges' if more than half of the votes have it.
    """
    if len(votes) == 1:
        return votes[0]
    if (passing := next((vote for vote in votes if vote.passing), None)) is not None:
        return passing
    good = [vote for vote in votes if vote.value is not None]
    reasons = tuple(reason for vote in votes for reason in vote.reasons)
    if not good:
        parts = {**votes[0].parts, **_summed_parts(votes)}
        return replace(votes[0], parts=parts, reasons=reasons)
    return Score(
        _mean([vote.value or 0.0 for vote in good]),
        _parts_of_votes(votes, good),
        _mean_sentences(good),
        _of_most([vote.flags for vote in good]),
        "; ".join(dict.fromkeys(vote.note for vote in votes if vote.note)),
        left_out=_of_most([vote.left_out for vote in good]),
        reasons=reasons,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _summed_parts(votes: Sequence[Score]) -> dict[str, float]:
    summed: Counter[str] = Counter()
    for vote in votes:
        summed.update({part: vote.parts[part] for part in _SUMMED if part in vote.parts})
    return dict(summed)


def _parts_of_votes(votes: Sequence[Score], good: Sequence[Score]) -> dict[str, float]:
    """Return the means of what all good votes have, the sums of what is counted, and each vote."""
    common = [part for part in good[0].parts if all(part in vote.parts for vote in good)]
    parts = {part: _mean([vote.parts[part] for vote in good]) for part in common}
    parts |= _summed_parts(votes)
    parts |= {f"vote_{n}": v.value for n, v in enumerate(votes, 1) if v.value is not None}
    if len(good) > 1:
        parts["agreement"] = agreement([vote.value or 0.0 for vote in good])
    return parts


def _mean_sentences(votes: Sequence[Score]) -> tuple[SentenceScore, ...]:
    by_span: dict[Span, list[SentenceScore]] = {}
    for vote in votes:
        for sentence in vote.sentences:
            by_span.setdefault(sentence.span, []).append(sentence)
    return tuple(
        SentenceScore(span, sum(s.value for s in own) / len(own), own[0].evidence)
        for span, own in by_span.items()
        if len(own) == len(votes)
    )


def _of_most(votes: Sequence[tuple[_Found, ...]]) -> tuple[_Found, ...]:
    counted = Counter(one for vote in votes for one in dict.fromkeys(vote))
    return tuple(one for one, n in counted.items() if 2 * n > len(votes))


def of_all(scores: Mapping[str, Score]) -> Score:
    """Return the score of several aspects, by name: their mean, each of them a part.

    Where one of them has no value the whole has none, and the others' parts are there.
    """
    if list(scores) == [""]:
        return scores[""]
    if (passing := next((score for score in scores.values() if score.passing), None)) is not None:
        return passing
    alone = len(scores) == 1
    values = [score.value for score in scores.values() if score.value is not None]
    notes = [note if alone else f"{name}: {note}" for name, s in scores.items() if (note := s.note)]
    return Score(
        _mean(values) if len(values) == len(scores) else None,
        _parts_of_aspects(scores),
        tuple(one for score in scores.values() for one in score.sentences) if alone else (),
        tuple(one for score in scores.values() for one in score.flags),
        "; ".join(dict.fromkeys(notes)),
        left_out=tuple(dict.fromkeys(one for s in scores.values() for one in s.left_out)),
        reasons=tuple(
            reason if alone else f"{name}: {reason}"
            for name, score in scores.items()
            for reason in score.reasons
        ),
    )


def _parts_of_aspects(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return each aspect's value and parts; of several, their parts under their names."""
    parts = {name: score.value for name, score in scores.items() if score.value is not None}
    for name, score in scores.items():
        for part, value in score.parts.items():
            if part in _SUMMED:
                parts[part] = parts.get(part, 0.0) + value
            elif part in ("in_form", "read"):
                parts[part] = min(parts.get(part, 1.0), value)
            else:
                parts[part if len(scores) == 1 else f"{name}.{part}"] = value
    return parts


def preference_of(reply: Reply, least: float, *, in_json: bool) -> Preference:
    """Return what a reply says of two summaries."""
    if reply.failed:
        note = f"{NO_ANSWER if reply.passing else ''}{reply.failed}"
        return Preference(None, note=note, passing=reply.passing)
    if in_json:
        values = {answer.casefold(): value for answer, value in protocols.BETTER.items()}
        judged = protocols.judgement_in_json(reply, values)
    else:
        judged = protocols.better_of_two(reply, least)
    note = OUT_OF_FORM if judged.value is None else ""
    chance = protocols.chance_of_first(reply)
    return Preference(judged.value, chance, note, judged.reason, reply.n_in, reply.n_out)
