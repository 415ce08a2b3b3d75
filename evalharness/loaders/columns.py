"""Which column of a file holds what: by the names that data sets and tools use, else by shape.

The names are those of CNN/DailyMail, XSum, SAMSum, DialogSum, BillSum, arXiv, GovReport, Newsroom,
MLSUM, WikiLingua, XL-Sum and SummEval, of generation logs written with Hugging Face libraries, and
of lm-eval's tables. They are compared without case, blanks, dashes and underscores: `ArticleText`
is `article_text`. What no name tells is told by the texts of the first rows: the article is by far
the longest text, and what remains beside it and the references are summaries.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.loaders.rows import ColumnOptions, Row, list_fields

# Rows that are looked at: enough for shapes, and read before the rest.
ROWS_LOOKED_AT = 100

FileRole = Literal["system", "articles", "references"]

# Without case and punctuation, in the order in which they are tried.
ARTICLES = (
    "article", "document", "text", "dialogue", "articletext", "documenttext", "sourcetext",
    "sourcedocument", "fulltext", "originaltext", "maintext", "body", "content", "story", "report",
    "passage", "transcript", "conversation", "inputtext", "input", "src", "source", "doc",
    "bodytext", "articlebody", "newsarticle", "newstext", "storytext",
)  # fmt: skip
REFERENCES = (
    "references", "reference", "highlights", "target", "referencesummary", "referencesummaries",
    "humansummaries", "humansummary", "goldsummary", "goldsummaries", "gold", "groundtruth",
    "expectedsummary", "expectedoutput", "expected", "targets", "targettext", "targetsummary",
    "tgt", "refs", "ref", "refsummary", "referencetext", "abstract", "abstracttext", "labels",
    "label", "human", "humanwritten", "ideal",
)  # fmt: skip
# What only a system's summary is called: beside one of these, `summary` is what a person wrote.
GENERATED = (
    "generatedsummary", "generated", "predictedsummary", "prediction", "predictions", "predicted",
    "preds", "pred", "modelsummary", "systemsummary", "machinesummary", "machinesummaries",
    "modeloutput", "systemoutput", "outputsummary", "output", "outputs", "hypothesis", "hypotheses",
    "hypo", "hyp", "candidate", "decoded", "generatedtext", "generation", "completion", "response",
    "summarytext", "filteredresps", "aisummary", "llmsummary", "predsummary", "llmoutput",
    "modelanswer", "modelresponse", "llmresponse", "candidatesummary", "sys", "generatedsummaries",
)  # fmt: skip
SUMMARIES = ("summary", "summaries")
IDS = (
    "id", "articleid", "docid", "documentid", "exampleid", "sampleid", "dialogueid", "gemid",
    "guid", "uuid", "uid", "bbcid", "fname", "key",
)  # fmt: skip
SYSTEMS = (
    "system", "systemid", "systemname", "modelid", "modelname", "model", "summarizer", "generator",
)  # fmt: skip
TITLES = ("title", "headline", "articletitle")
SOURCES = ("source",)
# Texts of a row that are no summaries, though they look like some.
OTHER_TEXTS = frozenset(
    (*TITLES, *SOURCES, "url", "date", "topic", "section", "sectionname", "category", "author",
     "authors", "prompt", "instruction", "instructions", "language", "lang", "split", "notes",
     "note", "comment", "comments", "keywords", "tags", "error", "id", "publisher", "intro")
)  # fmt: skip

# Whatever has a use by its name.
_EVERY = frozenset(
    (*ARTICLES, *REFERENCES, *GENERATED, *SUMMARIES, *IDS, *SYSTEMS, *TITLES, *SOURCES)
)

_BEFORE = re.compile(
    r"(?:summary|summaries|generated|prediction|predicted|pred|output|hypothesis|hyp|decoded)"
    r"[ _.:-]+(.+)",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"(.+?)[ _.:-]+"
    r"(?:summary|summaries|generated|prediction|predictions|pred|output|hypothesis|hyp|decoded)",
    re.IGNORECASE,
)
_NUMBERED_REFERENCE = re.compile(
    r"(?:references?|refs?|targets?|highlights)[ _.-]?\d+", re.IGNORECASE
)

# Words of a text at the middle of the rows: what has fewer is a label, a date or a name.
FEWEST_SUMMARY_WORDS = 4
FEWEST_ARTICLE_WORDS = 30
# How many times as long as any other text an article is that only its length tells.
TIMES_AS_LONG = 2


def plain_name(name: str) -> str:
    """Return a column's name as it is compared.

    Of a column within another, `pred.text`, what it is told by: the name that only a system's
    summaries have, or only references, else its own.

    >>> plain_name("Article_Text"), plain_name("generated summary")
    ('articletext', 'generatedsummary')
    >>> plain_name("pred.text"), plain_name("doc.text"), plain_name("gold.summary")
    ('pred', 'text', 'goldsummary')
    """
    whole, *parts = (re.sub(r"[^0-9a-z]", "", each.lower()) for each in (name, *name.split(".")))
    if len(parts) == 1 or whole in _EVERY:
        return whole
    telling = [part for part in parts if part in GENERATED]
    telling += [part for part in parts if part in REFERENCES]
    return next(iter(telling), parts[-1] if parts[-1] in _EVERY else whole)


@dataclass(frozen=True)
class ColumnMap:
    """What the columns of a file hold.

    summaries: the column of each system's summaries, by the system's name; by an empty name where
    there is one. unread: columns of texts that nothing is taken from.
    """

    id: str = ""
    article: str = ""
    references: tuple[str, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict[str, str])
    system: str = ""
    title: str = ""
    source: str = ""
    unread: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return in a line what is read from which column.

        >>> ColumnMap(article="document", summaries={"": "generated"}).describe()
        'article ← document, summary ← generated'
        """
        uses = [("id", self.id), ("article", self.article)]
        uses += [("summary", column) for name, column in self.summaries.items() if not name]
        uses += [("reference", ", ".join(self.references)), ("system", self.system)]
        line = ", ".join(f"{use} ← {column}" for use, column in uses if column)
        named = [column for name, column in self.summaries.items() if name]
        if named:
            line += f", a system each ← {', '.join(named)}"
        if self.unread:
            line += f"; not read: {', '.join(self.unread)}"
        return line or "nothing"


def recognize_columns(
    rows: Sequence[Row],
    columns: ColumnOptions,
    summaries: Sequence[str] = (),
    role: FileRole = "system",
) -> ColumnMap:
    """Return what the columns of some rows hold.

    columns: those that are named by the user; one that no row has is left to other files.
    summaries: columns of summaries, each of a system. role: what the file is for. In one of
    articles or of references, `summary` is what people wrote.

    Raises: DataError for a column of summaries that is not there.
    """
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    for name in summaries:
        if name not in names:
            raise DataError(f"no column {name!r}; {columns_of_row(rows)}{nearest(name, names)}")
    return _Recognition(rows, names, columns, tuple(summaries), role).column_map()


def columns_of_row(rows: Sequence[Row]) -> str:
    """Return which columns there are, as a message has it."""
    return f"the row has: {list_fields(rows[0] if rows else {})}"


def nearest_column(use: str, names: Sequence[str]) -> str:
    """Return a clause with the column that is nearly called as those of a use; "" for none."""
    known = {"article": ARTICLES, "reference": REFERENCES, "summary": (*GENERATED, *SUMMARIES)}
    for name in names:
        if difflib.get_close_matches(plain_name(name), known.get(use, ()), n=1, cutoff=0.75):
            return f"; did you mean {name}?"
    return ""


def column_of_place(name: str, names: Sequence[str]) -> str:
    """Return the column of lists that `column.0` is a place of; nothing where there is none."""
    column, _, place = name.rpartition(".")
    return column if place.isdecimal() and column in names else ""


class _Recognition:
    """Names first, then shapes; a column that has a use is taken for no other."""

    def __init__(
        self,
        rows: Sequence[Row],
        names: Sequence[str],
        columns: ColumnOptions,
        summaries: tuple[str, ...],
        role: FileRole,
    ) -> None:
        self.rows, self.names, self.columns, self.role = rows, names, columns, role
        self.wide = {name: name for name in summaries}
        named = [each for use in ("id", "article", "title", "source", "system", "summary")
                 if (each := getattr(columns, use))]  # fmt: skip
        reference = columns.reference
        self.named_references = (reference,) if isinstance(reference, str) else reference or ()
        self.taken = {*named, *self.named_references, *summaries, *columns.extra} & {*names}

    def column_map(self) -> ColumnMap:
        """Return what each column is taken for."""
        id_, system = self._named("id", IDS), self._named("system", SYSTEMS)
        references = self._references()
        generated = {} if self.role != "system" else self._generated()
        if not references and (generated or self.role != "system"):
            references = self._take(SUMMARIES)[:1]
        article = self._article()
        title, source = self._named("title", TITLES), self._named("source", SOURCES)
        if self.role == "system" and not generated:
            generated = self._summaries_by_rest(article, references)
            if "" not in generated and generated and not references:
                references = self._take(SUMMARIES)[:1]
        unread = tuple(self._texts_left(article)) if self.role == "system" else ()
        return ColumnMap(id_, article, references, generated, system, title, source, unread)

    def _take(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the columns with one of some names, in the order of these, and take them."""
        # The first of some with one name, and those within others behind those that are not.
        behind = [name for name in self.names if "." in name]
        ranked = [*(name for name in self.names if name not in behind), *behind]
        by_name = {plain_name(name): name for name in reversed(ranked)}
        free = [by_name[name] for name in known if name in by_name]
        free = [name for name in free if name not in self.taken]
        self.taken |= {*free[:1]}
        return tuple(free)

    def _named(self, use: str, known: Sequence[str]) -> str:
        """Return the column of a use: the user's, else the first of the names that are known."""
        told = getattr(self.columns, use)
        if told:
            return told if told in self.names else ""
        return next(iter(self._take(known)), "")

    def _references(self) -> tuple[str, ...]:
        if self.named_references:
            return tuple(name for name in self.named_references if name in self.names)
        numbered = tuple(name for name in self.names if _NUMBERED_REFERENCE.fullmatch(name))
        if numbered:
            self.taken |= {*numbered}
            return numbered
        known = REFERENCES
        texts = [name for name in self.names if self._words(name) or self._has_lists(name)]
        fitting = [name for name in known if any(plain_name(each) == name for each in texts)]
        return self._take(fitting)[:1]

    def _generated(self) -> dict[str, str]:
        """Return the columns that are summaries of systems by their names alone."""
        if self.wide:
            return self.wide
        told = self.columns.summary
        if told:
            column = told if told in self.names else column_of_place(told, self.names)
            self.taken |= {column}
            return {"": told} if column else {}
        if one := self._take(GENERATED):
            return self._spread(one[0])
        return self._named_for_systems()

    def _spread(self, column: str) -> dict[str, str]:
        """Return a column by itself; one of lists, as SummEval has them, by the places of these."""
        lengths = {len(v) for row in self.rows if isinstance(v := row.get(column), list | tuple)}
        if len(lengths) != 1 or (n := lengths.pop()) < 2:
            return {"": column}
        return {f"{column}.{place}": f"{column}.{place}" for place in range(n)}

    def _named_for_systems(self) -> dict[str, str]:
        """Return columns such as `summary_bart` or `bart_summary`, by the system in the name."""
        systems: dict[str, str] = {}
        for name in self.names:
            plain = plain_name(name)
            if name in self.taken or plain in {*REFERENCES, *SUMMARIES, *ARTICLES, *OTHER_TEXTS}:
                continue
            match = _BEFORE.fullmatch(name) or _BEHIND.fullmatch(name)
            if match and self._words(name) >= FEWEST_SUMMARY_WORDS:
                systems[match[1]] = name
        if len(systems) < 2:
            return {}
        self.taken |= {*systems.values()}
        return systems

    def _article(self) -> str:
        if told := self.columns.article:
            return told if told in self.names else ""
        for name in ARTICLES:
            for column in self._free():
                if plain_name(column) == name and self._is_article(column):
                    self.taken.add(column)
                    return column
        return self._longest()

    def _is_article(self, column: str) -> bool:
        """Tell whether a column with an article's name is one: a `source` may be a newspaper."""
        if plain_name(column) not in SOURCES:
            return any(isinstance(row.get(column), str) for row in self.rows)
        return self._words(column) >= FEWEST_ARTICLE_WORDS

    def _longest(self) -> str:
        """Return the column whose texts are by far the longest; none where there is no such."""
        others = {*REFERENCES, *GENERATED, *SUMMARIES, *OTHER_TEXTS}
        free = [name for name in self._free() if plain_name(name) not in others]
        lengths = {name: self._words(name) for name in free}
        ranked = sorted(lengths, key=lambda name: -lengths[name])
        if not ranked or lengths[ranked[0]] < FEWEST_ARTICLE_WORDS:
            return ""
        texts = [self._words(name) for name in self.names if name != ranked[0]]
        if lengths[ranked[0]] < TIMES_AS_LONG * max(texts, default=0):
            return ""
        self.taken.add(ranked[0])
        return ranked[0]

    def _summaries_by_rest(self, article: str, references: tuple[str, ...]) -> dict[str, str]:
        """Return `summary`, or what is left of texts beside an article and references."""
        left = self._texts_left(article)
        own = [name for name in self.names if plain_name(name) in SUMMARIES and name in left]
        others = [name for name in left if name not in own]
        if own and (references or len(others) < 2):
            self.taken.add(own[0])
            return self._spread(own[0])
        blank = [n for n in self.names if plain_name(n) in SUMMARIES and n not in self.taken]
        if not own and blank:  # of summaries that are all short, or missing
            self.taken.add(blank[0])
            return {"": blank[0]}
        if not (article or references) or not others:
            return {}
        self.taken |= {*others}
        return {"": others[0]} if len(others) == 1 else {name: name for name in others}

    def _texts_left(self, article: str) -> list[str]:
        """Return the columns without a use that hold texts, shorter than the article's."""
        longest = self._words(article) if article else 0
        return [
            name
            for name in self._free()
            if plain_name(name) not in OTHER_TEXTS
            and self._words(name) >= FEWEST_SUMMARY_WORDS
            and not (longest and self._words(name) > longest)
        ]

    def _free(self) -> Iterator[str]:
        return (name for name in self.names if name not in self.taken)

    def _has_lists(self, name: str) -> bool:
        return any(isinstance(row.get(name), list | tuple) for row in self.rows)

    def _words(self, name: str) -> float:
        """Return how many words the texts of a column have at the middle of the rows."""
        values = [row.get(name) for row in self.rows]
        counts = [len(value.split()) for value in values if isinstance(value, str) and value]
        return median(counts) if counts and 2 * len(counts) >= len(values) else 0
