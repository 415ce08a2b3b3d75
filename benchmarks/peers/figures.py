"""Times BLEU, bootstrap intervals, or a scoring of a file of pairs, by one of those who offer it.

    python benchmarks/peers/figures.py bleu-sacrebleu PAIRS

Tells the processor's seconds as JSON; importing and reading are not counted.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

ARTICLES, RESAMPLES = 11_490, 1_000
TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
Triples = list[tuple[str, str, str]]
"""Reference, summary and article."""


def bleu(triples: Triples) -> Callable[[], float]:
    """BLEU of each summary and of all, as our metric gives it."""
    from evalharness.metrics.bleu import Bleu
    from evalharness.records import Article, Summary

    metric = Bleu(empty="zero")
    pairs = [(Article("", "", (one,)), Summary("", other)) for one, other, _ in triples]

    def score() -> float:
        counts = [score.counts for score in metric.score(pairs) if score.counts]
        return metric.corpus([sum(column) for column in zip(*counts, strict=True)])

    return score


def sacrebleu(triples: Triples) -> Callable[[], float]:
    """BLEU of each summary and of all, as one asks sacrebleu for it."""
    from sacrebleu.metrics.bleu import BLEU

    def score() -> float:
        single = BLEU(effective_order=True)
        for one, other, _ in triples:
            single.sentence_score(other, [one])
        references = [[one for one, _, _ in triples]]
        return float(BLEU().corpus_score([other for _, other, _ in triples], references).score)

    return score


def intervals(_: Triples) -> Callable[[], float]:
    """Means and intervals of four ROUGE types with precision and recall."""
    import numpy as np

    from evalharness.stats import intervals as stats_intervals

    values = np.random.default_rng(0).beta(2, 5, size=(ARTICLES, 3 * len(TYPES)))
    return lambda: float(stats_intervals.interval(values, 0, RESAMPLES)[0].sum())


def aggregator(_: Triples) -> Callable[[], float]:
    """Do the same with rouge_score's BootstrapAggregator."""
    import numpy as np
    from rouge_score.scoring import BootstrapAggregator, Score

    values = np.random.default_rng(0).beta(2, 5, size=(ARTICLES, 3 * len(TYPES)))

    def aggregate() -> float:
        whole = BootstrapAggregator(n_samples=RESAMPLES)
        for row in values:
            whole.add_scores({t: Score(*row[3 * n : 3 * n + 3]) for n, t in enumerate(TYPES)})
        return float(sum(figure.low.fmeasure for figure in whole.aggregate().values()))

    return aggregate


def everything(triples: Triples) -> Callable[[], float]:
    """Score with ROUGE and the check `lexical`, each article once."""
    from evalharness.checks.lexical.lexical import Lexical
    from evalharness.metrics.rouge import Rouge
    from evalharness.records import Article, Summary

    pairs = [
        (Article(str(n), text, (one,)), Summary(str(n), other))
        for n, (one, other, text) in enumerate(triples)
    ]
    return lambda: float(len(Rouge().score(pairs)) + len(Lexical().score(pairs)))


def lexical(triples: Triples) -> Callable[[], float]:
    """Score with the check `lexical`, of this tree or of an old one."""
    from evalharness.records import Article, Summary

    try:
        module = import_module("evalharness.checks.lexical.lexical")
    except ModuleNotFoundError:  # before lexical was a package
        module = import_module("evalharness.checks.lexical")
    check = module.Lexical()
    articles = {text: Article(text[:40], text) for _, _, text in triples}
    pairs = [(articles[text], Summary(text[:40], other)) for _, other, text in triples]
    return lambda: float(len(check.score(pairs)))


def rouge_score(triples: Triples) -> Callable[[], float]:
    """Score with rouge_score alone, four types and stems."""
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(list(TYPES), use_stemmer=True)
    return lambda: float(len([scorer.score(one, other) for one, other, _ in triples]))


WORK = {
    "bleu": (bleu, ""),
    "bleu-sacrebleu": (sacrebleu, "sacrebleu"),
    "intervals": (intervals, ""),
    "intervals-rouge-score": (aggregator, "rouge-score"),
    "rouge-and-lexical": (everything, ""),
    "lexical": (lexical, ""),
    "rouge-score": (rouge_score, "rouge-score"),
}


def main() -> None:
    """Do one of them, and print seconds, version and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("pairs", type=Path)
    asked = parser.parse_args()
    make, package = WORK[asked.work]
    triples: Triples = [
        (one, other, text)
        for one, other, text in map(json.loads, asked.pairs.read_text("utf-8").splitlines())
    ]
    work = make(triples)
    began = time.process_time()
    figure = work()
    seconds = time.process_time() - began
    named = version(package) if package else ""
    print(json.dumps({"seconds": seconds, "version": named, "figure": figure}))


if __name__ == "__main__":
    main()
