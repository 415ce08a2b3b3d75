"""The parquet twin of `samples.jsonl`: what compares runs, without reading their texts."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.files.temporary import Spool
from evalharness.stats import intervals
from evalharness.store import aggregates
from evalharness.store.aggregates import LIKELY_ERRORS as LIKELY_ERRORS
from evalharness.store.aggregates import ScoreColumns
from evalharness.store.aggregates import encodable as encodable
from evalharness.store.aggregates import row_of as row_of
from evalharness.store.aggregates import row_of_scores as row_of_scores

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_FILE = "samples.parquet"
# Of a large run (`store.columns`): the articles, which all runs of an experiment share, and what
# each summary is, with what scorers say of it.
ARTICLES = "articles.parquet"
RECORDS = "records.parquet"
# Columns that runs of older versions lack, each with the version that added it.
ADDED_COLUMNS = {"line": "0.1.0"}


def table_schema(columns: Mapping[str, ScoreColumns]) -> "pa.Schema":
    """Return the columns of the table, with their types."""
    import pyarrow as pa

    numbers = [f"{name}.{part}" for name, metric in columns.items() for part in metric.parts]
    return pa.schema(
        [
            ("id", pa.string()),
            ("source", pa.string()),
            ("finish", pa.string()),
            ("read", pa.int64()),
            ("tokens", pa.int64()),
            ("tokens_in", pa.int64()),
            ("words", pa.int64()),
            ("article", pa.string()),
            ("references", pa.string()),
            ("article_words", pa.int64()),
            ("truncated", pa.bool_()),
            ("defects", pa.list_(pa.string())),
            ("line", pa.uint32()),
            *((name, pa.float64()) for name in numbers),
            *((f"{name}.band", pa.string()) for name, metric in columns.items() if metric.bands),
            *(
                (f"{name}{ending}", pa.int64())
                for name, metric in columns.items()
                if metric.flags
                for ending in (".flags", LIKELY_ERRORS)
            ),
            *(
                (f"{name}.counts", pa.list_(pa.float64()))
                for name, metric in columns.items()
                if metric.counts
            ),
        ]
    )


class TableRows:
    """What the table says of samples beside the numbers of their scores, taken in as they come.

    Of more than a block of samples, all but the last block are in a file.
    """

    def __init__(self, spool: Spool) -> None:
        """Start with no sample."""
        self._spool = spool
        self._spooled: list[tuple[int, int]] = []  # where a block is, and its size
        self._last: dict[str, list[Any]] = {}

    def add(self, sample: Mapping[str, Any], line: bytes) -> None:
        """Take in the next sample; line: as it stands in `samples.jsonl`."""
        row = row_of(sample, line) | row_of_scores(sample["scores"])
        self.extend({name: [value] for name, value in row.items()})

    def extend(self, rows: Mapping[str, Sequence[Any]]) -> None:
        """Take in the rows of further samples, by column."""
        at, n = 0, len(next(iter(rows.values()), ()))
        while at < n:
            end = at + aggregates.BLOCK_ROWS - self._in_last_block
            for name, values in rows.items():
                self._last.setdefault(name, []).extend(values[at:end])
            at = end
            if self._in_last_block == aggregates.BLOCK_ROWS:
                block = pickle.dumps(self._last)
                self._spooled.append((self._spool.write_bytes(block), len(block)))
                self._last = {}

    @property
    def _in_last_block(self) -> int:
        return len(next(iter(self._last.values()), ()))

    def blocks(self) -> Iterator[dict[str, list[Any]]]:
        """Yield the rows of `BLOCK_ROWS` samples after the other, by column."""
        for at, size in self._spooled:
            yield pickle.loads(self._spool.read_bytes(at, size))  # noqa: S301  of this process
        if self._last:
            yield dict(self._last)


def write_table(rows: TableRows, table: Path, columns: Mapping[str, ScoreColumns]) -> None:
    """Write the parquet twin of a `samples.jsonl`: ids, outcome, and a column a metric and part.

    What names the content of article and references tells later whether two runs had the same;
    `line` is the CRC-32 of the line in `samples.jsonl`. A metric that flags, or that has counts for
    a whole corpus, has a column for these, too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = table_schema(columns)
    numbers = {name: metric.blocks() for name, metric in columns.items()}
    writer = pq.ParquetWriter(table, schema, compression="zstd")
    try:
        with writer:
            for block in rows.blocks():
                for name, metric in columns.items():
                    block |= _numbers(name, metric.parts, next(numbers[name]))
                arrays = [arrow_array(block[field.name], field.type) for field in schema]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    except OSError:
        writer.is_open = False  # else its end would write once more, and fail in many lines
        raise


def _numbers(name: str, parts: Sequence[str], block: intervals.Values) -> dict[str, Any]:
    """Return the values of a metric's parts, shape (samples, parts), by column."""
    return {f"{name}.{part}": values for part, values in zip(parts, block.T, strict=True)}


def arrow_array(values: Sequence[Any] | intervals.Values, kind: "pa.DataType") -> "pa.Array":
    """Return values as an Arrow array, None, and NaN among numbers in an array, as a null.

    `pa.array` does the same, but imports pandas where that is installed: half a second, 47 MB.
    """
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        missing = np.isnan(values)
        buffers = [_bits(~missing), pa.py_buffer(np.where(missing, 0.0, values))]
        return pa.Array.from_buffers(kind, len(values), buffers)
    n, valid = len(values), _bits([value is not None for value in values])
    if pa.types.is_list(kind):
        flat = arrow_array([each for value in values for each in value or ()], kind.value_type)
        buffers = [valid, _ends([len(value or ()) for value in values])]
        return pa.Array.from_buffers(kind, n, buffers, children=[flat])
    if pa.types.is_string(kind):
        texts = [(value or "").encode() for value in values]
        buffers = [valid, _ends([len(text) for text in texts]), pa.py_buffer(b"".join(texts))]
    elif pa.types.is_boolean(kind):
        buffers = [valid, _bits(values)]
    else:
        numbers = np.array([0 if value is None else value for value in values], np.dtype(str(kind)))
        buffers = [valid, pa.py_buffer(numbers)]
    return pa.Array.from_buffers(kind, n, buffers)


def _bits(values: "Sequence[bool] | np.ndarray[Any, Any]") -> "pa.Buffer":
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(values, bool), bitorder="little"))


def _ends(lengths: Sequence[int]) -> "pa.Buffer":
    """Return where each of some texts or lists ends, after the start of the first."""
    import pyarrow as pa

    return pa.py_buffer(np.cumsum([0, *lengths], dtype=np.int32))


def is_sample(sample: Any) -> bool:
    """Tell whether what was read is a sample, as far as its readers rely on that."""
    try:
        texts = (sample["id"], sample["article"], sample["summary"]["text"])
        return all(isinstance(text, str) for text in texts) and isinstance(sample["scores"], dict)
    except (KeyError, TypeError):
        return False
