"""What notebooks show of a result: data frames."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalharness.errors import MissingExtra


def data_frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows as a pandas frame. Raises: MissingExtra without pandas."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra("to_pandas()", "pandas") from error
    return pd.DataFrame(rows)
