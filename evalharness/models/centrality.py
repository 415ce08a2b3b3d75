"""How alike an article's sentences are, and which are most central: the algebra of both ranks.

Sentences come as lists of words; matrices have shape (sentences, sentences). Memory grows with the
square of the sentences, by 8 bytes, three times over.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
SparseColumn = tuple[list[int], list[float]]  # the sentences that have a word; its weight in each

# Words whose weights stand in one dense matrix: 16 MB for 2,000 sentences.
WORDS_AT_ONCE = 1024

# Ranks alike to this many digits count as a tie, which the earlier sentence wins: the last bits
# of a linear solver differ between machines.
TIE_DIGITS = 9


def shared_words(sentences: Sequence[Sequence[str]]) -> Matrix:
    """Return Mihalcea & Tarau's likeness of each two sentences, 0 for one and itself.

    That is the number of distinct words they share over the sum of the logarithms of their lengths.

    >>> shared_words([["a", "b"], ["b", "c"], ["d", "e"]]).round(2)
    array([[0.  , 0.72, 0.  ],
           [0.72, 0.  , 0.  ],
           [0.  , 0.  , 0.  ]])
    """
    columns = [(where, [1.0] * len(where)) for where in _postings(sentences).values()]
    shared = _products(columns, len(sentences))
    logarithms = np.log([max(1, len(sentence)) for sentence in sentences])
    scale = logarithms[:, np.newaxis] + logarithms
    # Two sentences of one word have a scale of 0; they are alike in nothing that counts.
    likeness: Matrix = np.divide(shared, scale, out=np.zeros_like(shared), where=scale > 0)
    np.fill_diagonal(likeness, 0)
    return likeness


def cosines(sentences: Sequence[Sequence[str]]) -> Matrix:
    """Return Erkan & Radev's idf-modified cosine of each two sentences, 1 for one and itself.

    >>> cosines([["a", "b"], ["b", "c"], ["d", "e"]]).round(2)
    array([[1.  , 0.12, 0.  ],
           [0.12, 1.  , 0.  ],
           [0.  , 0.  , 1.  ]])
    """
    counts = [Counter(sentence) for sentence in sentences]
    squares = np.zeros(len(sentences))
    columns: list[SparseColumn] = []
    for word, where in _postings(sentences).items():
        idf = math.log(len(sentences) / len(where))
        weights = [counts[position][word] * idf for position in where]
        squares[where] += np.square(weights)
        columns.append((where, weights))
    scale = np.sqrt(np.outer(squares, squares))
    products = _products(columns, len(sentences))
    likeness: Matrix = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(likeness, 1)
    return likeness


def most_central(likeness: Matrix, damping: float, n: int) -> list[int]:
    """Return the `n` sentences of most PageRank, best first; of a tie, the earlier one first.

    The fixed point is solved for, not iterated to: no tolerance to choose, and never too few steps.

    >>> most_central(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), 0.85, 2)
    [1, 0]
    """
    outgoing = likeness.sum(axis=1, keepdims=True)
    flow = np.divide(likeness, outgoing, out=np.zeros_like(likeness), where=outgoing > 0)
    size = len(likeness)
    ranks = np.linalg.solve(np.eye(size) - damping * flow.T, np.full(size, 1 - damping))
    order = np.argsort(-ranks.round(TIE_DIGITS), kind="stable")
    return [int(position) for position in order[:n]]


def _postings(sentences: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return the positions of the sentences that have each word."""
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for position, sentence in enumerate(sentences):
        for word in dict.fromkeys(sentence):
            postings[word].append(position)
    return postings


def _products(columns: Sequence[SparseColumn], n: int) -> Matrix:
    """Return the dot product of each two of `n` sentences, whose weights are given word by word.

    Right outside the diagonal, which alone the words of a single sentence would go into.
    """
    shared = [column for column in columns if len(column[0]) > 1]
    products = np.zeros((n, n))
    for start in range(0, len(shared), WORDS_AT_ONCE):
        block = shared[start : start + WORDS_AT_ONCE]
        dense = np.zeros((n, len(block)))
        for word, (where, weights) in enumerate(block):
            dense[where, word] = weights
        products += dense @ dense.T
    return products
