"""The page of a study: what people are to judge, drawn from runs, in one file that works offline.

It has no names of systems in sight, no scores, and asks the network for nothing. Answers are kept
in the browser and written to a file of JSON Lines, which `annotate --read` joins.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from evalharness.display import STYLE_SHEET
from evalharness.errors import ConfigError, DataError
from evalharness.meta.annotations import (
    ANSWERS_FORMAT,
    STUDY_PROTOCOLS,
    AnnotationSet,
    item_id,
    label_rows,
    preference_rows,
)
from evalharness.meta.exchange import ExchangeTool, write_exchange
from evalharness.meta.study_form import StudyForm
from evalharness.records import FLAG_KINDS, Flag, digest, flag_kind, score_of
from evalharness.report.articles import Articles, Texts, article_scores, articles_of
from evalharness.report.gathered import Gathered
from evalharness.report.page import content_policy, join_assets, page_environment
from evalharness.report.payload import CHUNK_BYTES, article_record, json_bytes, pack_json
from evalharness.report.table import NOTICE
from evalharness.stats.agreement import mean_ranks
from evalharness.stats.intervals import Values, Z
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run
from evalharness.store.store import output_path
from evalharness.store.table import LIKELY_ERRORS

Sampling = Literal["random", "stratified", "disagreement", "useful"]
SAMPLINGS: tuple[str, ...] = get_args(Sampling)
# The dimensions of SummEval (Fabbri et al. 2021), each with its question.
DIMENSIONS: Mapping[str, str] = {
    "consistency": "Is everything that the summary says supported by the article?",
    "relevance": "Does it say what matters most in the article, and nothing that does not?",
    "coherence": "Do its sentences follow from each other, as a whole?",
    "fluency": "Is each sentence well formed and easy to read?",
    "coverage": "How much of what matters in the article does it say?",
    "conciseness": "Does it say it without repeating itself or needless words?",
}
USUAL_DIMENSIONS = ("consistency", "relevance", "coherence", "fluency")
_INSTRUCTIONS: Mapping[str, Sequence[str]] = {
    "flags": (
        "Read the article, then the summary. A program has marked words of the summary that may be "
        "wrong. For each of them, say whether the article contradicts it or does not support it "
        "(an error), or whether nothing is wrong there.",
        "Then say whether the summary as a whole is true to the article, also where nothing is "
        "marked.",
    ),
    "spans": (
        "Read the article, then the summary. Mark every stretch of the summary that the article "
        "contradicts or does not support: the fewest words that are wrong. Say of what kind the "
        "error is and how much it matters, and show the sentence of the article that proves it.",
        "Major: a reader would believe something that is false and matters. Minor: anything less.",
        "If nothing is wrong, tick the box that says so.",
    ),
    "ratings": (
        "Read the article, then the summary, and rate the summary on each question from 1 (very "
        "poor) to 5 (very good). Rate each question by itself.",
    ),
    "pairs": (
        "Read the article, then both summaries. Which one would you rather give to somebody who "
        "has no time for the article? It must be true to the article, and say what matters.",
        "If neither is better, say so. A reason in a few words helps those who read your answers.",
    ),
}
EXAMPLE_ARTICLE = (
    "The mayor of Sabine said on Monday that 12 boats sank in the storm. Nobody was hurt, she "
    "said. Repairs to the pier will take until June."
)


@dataclass(frozen=True)
class StudyExample:
    """An example on top of the page: what is shown of `EXAMPLE_ARTICLE`, and a good answer.

    marked: words of the first summary that are marked; empty where none are.
    """

    summaries: tuple[str, ...]
    answer: str
    marked: str = ""


_EXAMPLES: Mapping[str, Sequence[StudyExample]] = {
    "flags": (
        StudyExample(("The mayor said 13 boats sank.",),
                     "An error: the article says 12. The summary as a whole is not true.", "13"),
        StudyExample(("A dozen boats sank in Sabine.",),
                     "Nothing wrong: a dozen is twelve. The summary as a whole is true.", "dozen"),
    ),
    "spans": (
        StudyExample(("Twelve boats sank; repairs will take until July.",),
                     "July: date, major, with the article's last sentence, which says June.",
                     "July"),
        StudyExample(("A storm sank a dozen boats in Sabine.",),
                     "Nothing is wrong: other words for what the article says are no error."),
    ),
    "ratings": (
        StudyExample(("Twelve boats sank in a storm in Sabine. Nobody was hurt.",),
                     "High on every question: true, what matters most, and easy to read."),
        StudyExample(("The mayor of Sabine spoke. On Monday the mayor of Sabine spoke.",),
                     "High on what is asked about truth, low on what is asked about what matters: "
                     "it is all true, leaves the boats out, and says one thing twice."),
    ),
    "pairs": (
        StudyExample(("Twelve boats sank in a storm; nobody was hurt.",
                      "Thirteen boats sank in a storm; nobody was hurt."),
                     "The first is better: the second has a wrong number."),
        StudyExample(("Twelve boats sank in a storm.", "In a storm, 12 boats sank."),
                     "Neither is better: both say the same."),
    ),
}  # fmt: skip
_SCRIPTS = (
    *(f"explorer/{name}.js" for name in ("dom", "blocks", "marks")),
    *(f"study/{name}.js" for name in ("texts", "store", "forms", "study")),
    "page.js",
)
_STYLES = (STYLE_SHEET, "study.css")


@dataclass(frozen=True)
class StudyPlan:
    """What is asked about how many items, drawn how, of whom.

    annotators: their names; none for whoever opens the page. overlap: how many of them answer each
    item. attention: attention checks mixed in: a summary of another article. all_flags: whether
    flags of new wording, which name no likely error, are asked about, too. done: answers there
    are already; their items are not drawn again. dimensions: what is rated, each with its question.
    """

    protocol: str = "flags"
    n: int = 50
    sampling: str = "random"
    seed: int = 0
    annotators: tuple[str, ...] = ()
    overlap: int = 0
    attention: int = 0
    dimensions: Mapping[str, str] = field(
        default_factory=lambda: {name: DIMENSIONS[name] for name in USUAL_DIMENSIONS}
    )
    instructions: str = ""
    title: str = "Which summaries are good?"
    all_flags: bool = False
    done: AnnotationSet | None = None

    def __post_init__(self) -> None:
        for what, value, known in (
            ("protocol", self.protocol, STUDY_PROTOCOLS),
            ("sample", self.sampling, SAMPLINGS),
        ):
            if value not in known:
                raise ConfigError(f"--{what} {value}: one of {', '.join(known)}")
        if len(set(self.annotators)) < len(self.annotators):
            raise ConfigError("--annotators: a name comes twice")
        if self.overlap > len(self.annotators):
            named = len(self.annotators)
            raise ConfigError(f"--overlap {self.overlap}: only {named} annotators are named")
        if self.protocol == "ratings" and not self.dimensions:
            raise ConfigError("--dimensions: name at least one")


Candidate = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class StudyItem:
    """One thing to judge: an article by its number, and the systems whose summaries are shown.

    strange: article and system of a summary that is shown in place of one of these, in an
    attention check. expected: its right answer.
    """

    article: int
    systems: tuple[int, ...]
    name: str
    strange: tuple[int, int] | None = None
    expected: str = ""


@dataclass(frozen=True)
class Study:
    """A page that was written: where, how many items of how many, and the rule in words."""

    path: Path
    items: int
    of: int
    rule: str
    checks: int = 0


def write_study(
    gathered: Gathered, plan: StudyPlan, to: str | Path, tool: ExchangeTool | None = None
) -> Study:
    """Write the page of a study of finished runs; with a tool, a folder for that instead.

    Raises: DataError where there is nothing to ask; StoreError where it cannot be written.
    """
    articles = articles_of(gathered)
    candidates = _candidates(gathered, articles, plan)
    if not candidates:
        raise DataError(_nothing(gathered, plan))
    path = output_path(to)
    with Texts(gathered, articles) as texts:
        order = _order_of(candidates, gathered, articles, plan)
        items = list(itertools.islice(_items(order, texts, plan), plan.n))
        if not items:
            raise DataError(f"all {len(candidates)} items have answers already")
        checks = _attention_checks(items, texts, plan)
        mixed = _mix(items, checks, plan.seed)
        _write(gathered, texts, mixed, plan, path, tool)
    return Study(path, len(items), len(candidates), _rule(plan), len(checks))


def _write(
    gathered: Gathered,
    texts: Texts,
    items: Sequence[StudyItem],
    plan: StudyPlan,
    path: Path,
    tool: ExchangeTool | None,
) -> None:
    if tool is None:
        RunFolder(path.parent).write(path.name, _render(gathered, texts, items, plan))
    else:
        write_exchange(tool, _rows(gathered, texts, items, plan), form_of(plan), path)


def _rule(plan: StudyPlan) -> str:
    return _RULES[plan.sampling].format(seed=plan.seed)


def _nothing(gathered: Gathered, plan: StudyPlan) -> str:
    if plan.protocol == "pairs":
        return "pairs: no article has summaries of two systems; give two runs or more"
    if plan.protocol == "flags":
        return "flags: no summary has a flag to judge; --all-flags asks about new wording, too"
    return f"{', '.join(gathered.names)}: no summary to judge"


# --- Which items


def _candidates(gathered: Gathered, articles: Articles, plan: StudyPlan) -> list[Candidate]:
    """Return all items that there could be: summaries, or pairs of them, that are not empty."""
    usable = np.zeros(articles.rows.shape, dtype=bool)
    for system in range(len(gathered.runs)):
        usable[:, system] = _usable(gathered, articles, system, plan)
    size = 2 if plan.protocol == "pairs" else 1
    return [
        (article, systems)
        for article in range(articles.n)
        for systems in itertools.combinations(np.flatnonzero(usable[article]).tolist(), size)
    ]


def _usable(gathered: Gathered, articles: Articles, system: int, plan: StudyPlan) -> Values:
    run, rows = gathered.runs[system], articles.rows[:, system]
    table = run.table(["words", "finish"]).to_pydict()
    good = np.array(
        [
            bool(words) and finish != "error"
            for words, finish in zip(table["words"], table["finish"], strict=True)
        ]
    )
    if plan.protocol == "flags":
        good &= _flag_totals(run, ".flags" if plan.all_flags else LIKELY_ERRORS) > 0
    usable: Values = (rows >= 0) & good[np.maximum(rows, 0)]
    return usable


def _flag_totals(run: Run, ending: str) -> Values:
    """Return how many flags each summary of a run has, over all checks."""
    columns = [f"{metric}{ending}" for metric in run.figures]
    there = [column for column in columns if column in run.columns]
    totals: Values = np.nan_to_num(run.values(there)).sum(axis=1) if there else np.zeros(run.n)
    return totals


_RULES: Mapping[str, str] = {
    "random": "at random (seed {seed})",
    "stratified": "as many of each source, at random within it (seed {seed})",
    "disagreement": "those first on which checks, or systems, disagree most (ties: seed {seed})",
    "useful": "systems with the fewest answers first, of each the least certain by the scores "
    "(ties: seed {seed})",
}


def _order_of(
    candidates: Sequence[Candidate], gathered: Gathered, articles: Articles, plan: StudyPlan
) -> list[Candidate]:
    shuffled = [
        candidates[n] for n in np.random.default_rng(plan.seed).permutation(len(candidates))
    ]
    if plan.sampling == "random":
        return shuffled
    if plan.sampling == "stratified":
        sources = _sources(gathered, articles)
        return _in_turn(shuffled, [sources[article] for article, _ in shuffled])
    ranks = _ranks(gathered, articles)
    certain = np.array([_certainty(each, ranks, plan.sampling) for each in shuffled])
    ordered = [shuffled[n] for n in np.argsort(certain, kind="stable")]
    if plan.sampling == "disagreement":
        return ordered
    asked = _answers_of_systems(plan.done)
    names = ["+".join(sorted(gathered.names[s] for s in systems)) for _, systems in ordered]
    return _in_turn(ordered, names, asked)


def _sources(gathered: Gathered, articles: Articles) -> list[str]:
    found = [""] * articles.n
    for system, run in enumerate(gathered.runs):
        column = run.table(["source"]).column(0).to_pylist()
        for article, row in enumerate(articles.rows[:, system].tolist()):
            if row >= 0:
                found[article] = str(column[row])
    return found


def _in_turn(
    ordered: Sequence[Candidate], groups: Sequence[str], begun: Mapping[str, int] | None = None
) -> list[Candidate]:
    """Return candidates so that groups take turns; those of which fewer are done go first."""
    n_of = Counter(begun or {})
    place = []
    for at, group in enumerate(groups):
        place.append((n_of[group], at))
        n_of[group] += 1
    return [ordered[at] for _, at in sorted(place)]


def _answers_of_systems(done: AnnotationSet | None) -> Counter[str]:
    items = {(each.item, each.systems) for each in (done.answers if done else ())}
    return Counter("+".join(sorted(systems)) for _, systems in items)


def _ranks(gathered: Gathered, articles: Articles) -> Values:
    """Return the rank of each score from 0 to 1, shape (articles, columns, systems)."""
    columns = [column for column in gathered.columns if column.judged]
    if not columns:
        raise DataError("the runs have no score by which to choose items; --sample random")
    scores = article_scores(gathered, articles, columns)
    ranks = np.full_like(scores, np.nan)
    for n in range(len(columns)):
        known = ~np.isnan(scores[:, n])
        if known.any():
            ranks[:, n][known] = mean_ranks(scores[:, n][known]) / known.sum()
    return ranks


def _certainty(candidate: Candidate, ranks: Values, sampling: str) -> float:
    """Return what is least for the item to ask first."""
    article, systems = candidate
    shown = ranks[article][:, list(systems)]
    leads = shown[:, 0] - shown[:, 1] if len(systems) == 2 else shown[:, 0]
    leads = leads[~np.isnan(leads)]
    if not len(leads):
        return math.inf
    if sampling == "useful":
        return float(abs(leads.mean() - (0.0 if len(systems) == 2 else 0.5)))
    if len(leads) > 1:
        return -float(leads.std())
    return -float(abs(leads[0]) if len(systems) == 2 else np.ptp(_known(ranks[article])))


def _known(values: Values) -> Values:
    known: Values = values[~np.isnan(values)]
    return known


def _items(order: Sequence[Candidate], texts: Texts, plan: StudyPlan) -> Iterator[StudyItem]:
    """Yield items in an order: two summaries of one text are no question, nor what is answered."""
    answered = {each.item for each in (plan.done.answers if plan.done else ())}
    sides = np.random.default_rng([plan.seed, 1])
    for article, systems in order:
        samples = texts[article]
        said = [_text_of(samples[system]) for system in systems]
        name = item_id(_article_of(samples), said)
        if name in answered or len(set(said)) < len(said):
            continue
        answered.add(name)  # two systems that wrote the same are asked about once
        turned = len(systems) == 2 and sides.random() < 0.5
        yield StudyItem(article, systems[::-1] if turned else systems, name)


def _text_of(sample: Mapping[str, Any] | None) -> str:
    return str(sample["summary"]["text"]) if sample else ""


def _article_of(samples: Sequence[Mapping[str, Any] | None]) -> str:
    return next(str(sample["article"]) for sample in samples if sample)


def _attention_checks(items: Sequence[StudyItem], texts: Texts, plan: StudyPlan) -> list[StudyItem]:
    """Return items in which a summary is one of another article: what nobody overlooks."""
    rng = np.random.default_rng([plan.seed, 2])
    checks: list[StudyItem] = []
    others = sorted({item.article for item in items})
    for number in rng.permutation(len(items))[: plan.attention].tolist():
        item = items[number]
        strange = [article for article in others if article != item.article]
        if not strange:
            raise DataError("--attention: an attention check needs items of two articles")
        other = int(rng.choice(strange))
        system = next(s for s, sample in enumerate(texts[other]) if _text_of(sample).strip())
        # In a pair, the one that is shown second gives way, or the first: by chance.
        expected = "ab"[int(rng.integers(2))] if len(item.systems) == 2 else "wrong"
        name = digest(item.name, other, system)[:16]
        checks.append(replace(item, name=name, strange=(other, system), expected=expected))
    return checks


def _mix(items: list[StudyItem], checks: Sequence[StudyItem], seed: int) -> list[StudyItem]:
    rng = np.random.default_rng([seed, 3])
    mixed = list(items)
    for check in checks:
        mixed.insert(int(rng.integers(1, len(mixed) + 1)), check)
    return mixed


def assigned(plan: StudyPlan, items: Sequence[StudyItem]) -> dict[str, list[int]]:
    """Return which items each annotator answers: every group of annotators equally often.

    Attention checks are for all.
    """
    if not plan.annotators:
        return {}
    overlap = plan.overlap or len(plan.annotators)
    groups = list(itertools.combinations(plan.annotators, overlap))
    order = np.random.default_rng([plan.seed, 4]).permutation(len(groups)).tolist()
    found: dict[str, list[int]] = {name: [] for name in plan.annotators}
    turn = itertools.cycle(order)
    for number, item in enumerate(items):
        for name in plan.annotators if item.expected else groups[next(turn)]:
            found[name].append(number)
    return found


# --- The page


def _render(gathered: Gathered, texts: Texts, items: Sequence[StudyItem], plan: StudyPlan) -> str:
    import markupsafe

    chunks, shown = _payload(texts, items, plan)
    record = _record(gathered, items, shown, plan)
    script, style = join_assets(_SCRIPTS), join_assets(_STYLES)
    return (
        page_environment()
        .get_template("study.html.j2")
        .render(
            title=plan.title,
            instructions=_instructions(plan),
            examples=() if plan.instructions else _EXAMPLES[plan.protocol],
            example_article=EXAMPLE_ARTICLE,
            annotators=plan.annotators,
            n=len(items),
            notice=NOTICE,
            script=script,
            style=style,
            policy=content_policy(script, style),
            index=markupsafe.Markup(pack_json(record)),  # noqa: S704  base64
            chunks=[markupsafe.Markup(pack_json(chunk)) for chunk in chunks],  # noqa: S704  base64
        )
    )


def _instructions(plan: StudyPlan) -> list[str]:
    if plan.instructions:
        return [part.strip() for part in plan.instructions.split("\n\n") if part.strip()]
    return list(_INSTRUCTIONS[plan.protocol])


def _payload(
    texts: Texts, items: Sequence[StudyItem], plan: StudyPlan
) -> tuple[list[list[dict[str, Any]]], dict[int, tuple[int, int]]]:
    """Return the articles in chunks, and where each article stands: chunk and place in it."""
    chunks: list[list[dict[str, Any]]] = [[]]
    places: dict[int, tuple[int, int]] = {}
    wanted: dict[int, set[int]] = {}
    for article, systems in _shown(items):
        wanted.setdefault(article, set()).update(systems)
    size = 0
    for article, of_article in wanted.items():
        record = _article_record(texts, article, of_article, plan)
        places[article] = (len(chunks) - 1, len(chunks[-1]))
        chunks[-1].append(record)
        size += len(json_bytes(record))
        if size >= CHUNK_BYTES:
            chunks.append([])
            size = 0
    return [chunk for chunk in chunks if chunk], places


def _shown(items: Sequence[StudyItem]) -> Iterator[Candidate]:
    for item in items:
        yield item.article, item.systems
        if item.strange:
            yield item.strange[0], (item.strange[1],)


def _article_record(
    texts: Texts, article: int, systems: set[int], plan: StudyPlan
) -> dict[str, Any]:
    """Return what the page has of an article: without scores, which would tell.

    References are there for the file of answers, and are not shown.
    """
    samples = texts[article]
    whole = article_record(samples)
    source = next(str(sample.get("source", "")) for sample in samples if sample)
    return {
        **{key: whole[key] for key in ("id", "title", "text", "references", "sentences")},
        "source": source,
        "summaries": {
            system: _summary_record(whole["summaries"][system], plan) for system in sorted(systems)
        },
    }


def _summary_record(summary: Mapping[str, Any], plan: StudyPlan) -> dict[str, Any]:
    record = {"text": summary["text"]}
    if plan.protocol == "flags":
        flags = [
            flag
            for score in summary["scores"].values()
            for flag in score.get("flags", ())
            if flag[0] < flag[1] and (plan.all_flags or flag_kind(flag[2]).hard)
        ]
        record["flags"] = _distinct(sorted(flags, key=lambda flag: (flag[0], flag[1], flag[2])))
    return record


def _distinct(flags: Sequence[list[Any]]) -> list[list[Any]]:
    """Return flags without those that another check has raised at the same words, of one kind."""
    return list({(start, end, kind): [start, end, kind, *rest] for start, end, kind, *rest in
                 reversed(flags)}.values())[::-1]  # fmt: skip


def _record(
    gathered: Gathered,
    items: Sequence[StudyItem],
    places: Mapping[int, tuple[int, int]],
    plan: StudyPlan,
) -> dict[str, Any]:
    return {
        "format": ANSWERS_FORMAT,
        "study": _study_name(items, plan),
        "protocol": plan.protocol,
        "systems": list(gathered.names),
        "dimensions": [[name, question] for name, question in plan.dimensions.items()],
        "kinds": _kinds(),
        "looks": {name: kind.look for name, kind in FLAG_KINDS.items()},
        "annotators": assigned(plan, items),
        "items": [_item_record(item, places) for item in items],
    }


def _study_name(items: Sequence[StudyItem], plan: StudyPlan) -> str:
    return digest([item.name for item in items], plan.protocol, [*plan.dimensions])[:16]


def _kinds() -> list[list[str]]:
    """Return the kinds of errors that can be marked, each with what it means."""
    hard = {name: kind for name, kind in FLAG_KINDS.items() if kind.hard and name != "judge"}
    return [[name, kind.meaning] for name, kind in hard.items()]


def _item_record(item: StudyItem, places: Mapping[int, tuple[int, int]]) -> dict[str, Any]:
    strange = None if item.strange is None else [*places[item.strange[0]], item.strange[1]]
    record: dict[str, Any] = {
        "name": item.name,
        "at": places[item.article],
        "systems": list(item.systems),
    }
    if strange:
        record |= {"strange": strange, "replaced": _replaced(item), "expected": item.expected}
    return record


def _replaced(item: StudyItem) -> int:
    """Return the place in the pair that the strange one takes: it is the one not to choose."""
    return 1 if item.expected == "a" else 0


# --- For other tools


def form_of(plan: StudyPlan) -> StudyForm:
    """Return what a study asks, in words."""
    return StudyForm(
        plan.protocol,
        plan.title,
        [*_instructions(plan), *([] if plan.instructions else _examples_in_words(plan.protocol))],
        plan.dimensions if plan.protocol == "ratings" else {},
        [name for name, _ in _kinds()],
        plan.overlap,
    )


def _examples_in_words(protocol: str) -> Iterator[str]:
    yield f"Examples, of this article: {EXAMPLE_ARTICLE}"
    for example in _EXAMPLES[protocol]:
        marked = f" (marked: “{example.marked}”)" if example.marked else ""
        yield f"“{'” and “'.join(example.summaries)}”{marked}: {example.answer}"


def form_of_answers(rows: Sequence[Mapping[str, Any]]) -> StudyForm:
    """Return what was asked of rows that people answered.

    Raises: DataError where they are of several protocols.
    """
    protocols = sorted({row["protocol"] for row in rows})
    if len(protocols) > 1:
        raise DataError(f"answers of {' and '.join(protocols)}: give those of one protocol")
    answers = [row["answer"] for row in rows]
    rated = [name for answer in answers for name in answer.get("ratings", ())]
    named = {mark["type"] for answer in answers for mark in answer.get("spans", ())}
    named |= {flag["kind"] for answer in answers for flag in answer.get("verdicts", ())}
    known = [name for name, _ in _kinds()]
    return StudyForm(
        protocols[0],
        instructions=_INSTRUCTIONS[protocols[0]],
        dimensions={name: DIMENSIONS.get(name, "") for name in rated},
        kinds=[*known, *sorted(named - set(known))],
    )


def _rows(
    gathered: Gathered, texts: Texts, items: Sequence[StudyItem], plan: StudyPlan
) -> list[dict[str, Any]]:
    """Return the items as the page would write them, without answers, with flags to ask about."""
    study = _study_name(items, plan)
    return [_row(gathered, texts, item, plan, study) for item in items]


def _row(
    gathered: Gathered, texts: Texts, item: StudyItem, plan: StudyPlan, study: str
) -> dict[str, Any]:
    samples = texts[item.article]
    shown = [samples[system] for system in item.systems]
    if item.strange is not None:
        other, system = item.strange
        shown[_replaced(item)] = texts[other][system]
    first = next(sample for sample in samples if sample)
    row = {
        "format": ANSWERS_FORMAT,
        "study": study,
        "protocol": plan.protocol,
        "item": item.name,
        "article_id": str(first["id"]),
        "source": str(first.get("source", "")),
        "systems": [gathered.names[system] for system in item.systems],
        "expected": item.expected,
        "article": _article_of(samples),
        "references": [str(each) for each in first.get("references", ())],
        "summaries": [_text_of(sample) for sample in shown],
    }
    if plan.protocol != "flags":
        return row
    flags = _flags_of(shown[0], plan)
    if item.strange is not None:  # they point into the article of that summary
        flags = [{**flag, "evidence": []} for flag in flags]
    return row | {"flags": flags}


def _flags_of(sample: Mapping[str, Any] | None, plan: StudyPlan) -> list[dict[str, Any]]:
    """Return the flags of a summary that are asked about, a row each; two of a kind there once."""
    scores = sample["scores"].values() if sample else ()
    flags = [flag for record in scores for flag in score_of(record).flags]
    asked = [
        flag
        for flag in flags
        if flag.span.start < flag.span.end and (plan.all_flags or flag_kind(flag.kind).hard)
    ]
    rows = {(flag.span, flag.kind): _flag_row(flag) for flag in reversed(asked)}
    return sorted(rows.values(), key=lambda row: (row["start"], row["end"], row["kind"]))


def _flag_row(flag: Flag) -> dict[str, Any]:
    evidence = [{"start": span.start, "end": span.end} for span in flag.evidence]
    place = {"start": flag.span.start, "end": flag.span.end}
    return place | {"kind": flag.kind, "message": flag.message, "evidence": evidence}


# --- How many more


def needed_answers(done: AnnotationSet | None, protocol: str, margin: float) -> tuple[int, int]:
    """Return how many items are needed for a margin of error, and how many are done.

    margin: half the width of the 95 % interval: of the share of summaries without an error or of
    preferences (0.05 is 5 points), or of a mean rating. Before there are answers the least
    favourable share is taken, and a standard deviation of one point of a rating.
    """
    spread, n_done = _spread(done, protocol)
    return math.ceil((Z * spread / margin) ** 2), n_done


def margin_reached(done: AnnotationSet | None, protocol: str, n: int) -> float:
    """Return the margin of error that so many items in all give, as `needed_answers` counts."""
    spread, _ = _spread(done, protocol)
    return float(Z * spread / math.sqrt(n))


def _spread(done: AnnotationSet | None, protocol: str) -> tuple[float, int]:
    """Return the standard deviation of answers, and how many items are done."""
    numbers = _numbers(done, protocol) if done else []
    if protocol == "ratings":
        spread = max((float(np.std(each, ddof=1)) for each in numbers if len(each) > 1), default=1)
    else:
        known = [number for each in numbers for number in each]
        spread = float(np.std(known)) if len(known) >= 10 else 0.5
    return spread, max(map(len, numbers), default=0)


def _numbers(done: AnnotationSet, protocol: str) -> list[list[float]]:
    if protocol == "pairs":
        outcomes: dict[tuple[str, ...], list[float]] = {}
        for row in preference_rows(done):
            key = (row["article_id"], row["system_a"], row["system_b"])
            outcomes.setdefault(key, []).append(row["outcome"])
        return [[float(np.mean(votes)) for votes in outcomes.values()]]
    rows = label_rows(done)
    if protocol == "ratings":
        names = {name for row in rows for name in row.get("scores", {})}
        return [[row["scores"][name] for row in rows if name in row.get("scores", {})]
                for name in sorted(names)]  # fmt: skip
    return [[float(row["label"]) for row in rows if row["label"] is not None]]
