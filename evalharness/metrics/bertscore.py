"""BERTScore against the references: how near in meaning are the words (Zhang et al., 2020)?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from evalharness.neural.bertscore import BertScoring
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score

if TYPE_CHECKING:
    from evalharness.neural.embedding import Match


class _Figures(NamedTuple):
    values: tuple[float, float, float]
    note: str


@dataclass(frozen=True)
class BertScore(BertScoring):
    """Precision, recall and F1 of the cosines of each token with its nearest in the reference.

    The numbers are bert-score's under transformers 4; its own package is silently wrong for
    RoBERTa under transformers 5. Of several references each figure is the best, as there.
    """

    model: Checkpoint = "roberta-large"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary; `value` is F1."""
        wanted = [
            [(reference, summary.text) for reference in article.references if reference.strip()]
            if summary.text.strip()
            else []
            for article, summary in pairs
        ]
        found = self.compared([pair for some in wanted for pair in some], self._figures)
        scores: list[Score] = []
        for (article, summary), some in zip(pairs, wanted, strict=True):
            if not summary.text.strip():
                scores.append(Score(None, note="the summary is empty"))
            elif not any(reference.strip() for reference in article.references):
                scores.append(Score(None, note="the article has no reference"))
            else:
                scores.append(_best([found[pair] for pair in some]))
        return scores

    def _figures(self, reference: str, summary: str, match: "Match") -> _Figures | None:
        """Return the figures of one reference, and whether a text was cut; None: no tokens."""
        if not match.comparable:
            return None
        cut = [
            name
            for name, text, read in (
                ("the reference", reference.rstrip(), match.reference.read),
                ("the summary", summary.rstrip(), match.hypothesis.read),
            )
            if read < len(text)
        ]
        return _Figures(self.figures(match), f"{' and '.join(cut)} cut" if cut else "")


def _best(found: Sequence[_Figures | None]) -> Score:
    known = [figures for figures in found if figures is not None]
    if not known:
        return Score(None, note="nothing to compare: no token that weighs something")
    names = ("precision", "recall", "f1")
    columns = zip(*(figures.values for figures in known), strict=True)
    parts = {name: max(column) for name, column in zip(names, columns, strict=True)}
    notes = dict.fromkeys(figures.note for figures in known if figures.note)
    return Score(parts["f1"], parts, note="; ".join(notes))
