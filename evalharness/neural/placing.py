"""Which sentence a token stands in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evalharness.records import Span


def numbers_of(ends: npt.NDArray[np.int64], spans: Sequence[Span]) -> npt.NDArray[np.int64]:
    """Return which span each token is counted to, by where it ends: the first not before that.

    What stands between two spans thus counts to the later one, and what is behind all to the last.

    >>> numbers_of(np.array([2, 5, 6, 9]), [Span(0, 5), Span(6, 8)]).tolist()
    [0, 0, 1, 1]
    """
    found = np.searchsorted([span.end for span in spans], ends)
    return np.minimum(found, len(spans) - 1)
