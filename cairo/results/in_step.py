"""Two tables, CSV or parquet, read side by side in parts, so that neither has to fit in memory.

Columns known to be numbers are read as such; all others are text, whatever their values look like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from cairo.errors import CairoError, one_line
from cairo.files.csv_tables import MISSING
from cairo.files.parquet_tables import PARQUET
from cairo.model.arrays import Int1D

PART_BYTES = 2**23
"""Of a file that are read at a time."""
PART_ROWS = 2**16
"""Of a parquet table."""
TEXT = pa.dictionary(pa.int32(), pa.string())


class Part:
    """The next rows of both tables, as many of each.

    first : row number of the first, from 0.
    """

    def __init__(self, first: int, one: pa.RecordBatch, other: pa.RecordBatch) -> None:
        self.first, self.one, self.other = first, one, other

    def __len__(self) -> int:
        return int(self.one.num_rows)

    def unlike(self, column: str) -> Int1D:
        """Positions of the rows whose values are not the same, missing ones being the same."""
        a, b = self.one.column(column), self.other.column(column)
        x, y = _codes(a, b) if pa.types.is_dictionary(a.type) else (_numbers(a), _numbers(b))
        if x.dtype.kind == "f" or y.dtype.kind == "f":
            return np.flatnonzero((x != y) & ~(np.isnan(x) & np.isnan(y)))
        return np.flatnonzero(x != y)

    def values(self, column: str, rows: Int1D) -> tuple[pd.Series, pd.Series]:
        """Both tables' values at some positions, numbers or text."""
        a, b = (_taken(part.column(column), rows) for part in (self.one, self.other))
        return a, b

    def label(self, keys: Sequence[str], row: int, *, other: bool = False) -> str:
        """What a row is about: `bldg_id 4421, month Jan`."""
        batch = self.other if other else self.one
        named = ", ".join(f"{key} {batch.column(key)[row].as_py()}" for key in keys)
        return named or f"row {self.first + row + 1}"


def _numbers(values: pa.Array) -> np.ndarray:
    numbers: np.ndarray = values.to_numpy(zero_copy_only=False)
    return numbers


def _codes(a: pa.DictionaryArray, b: pa.DictionaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of both arrays' texts in one list of them; -1 for a missing one."""
    place = pc.index_in(b.dictionary, value_set=a.dictionary)
    # Texts that the first has not get numbers beyond all of its own.
    own = place.to_numpy(zero_copy_only=False)
    beyond = len(a.dictionary) + np.arange(len(own))
    place = np.where(np.isnan(own), beyond, own).astype(np.int64) if len(own) else beyond
    x, y = (_numbers(array.indices.fill_null(-1)).astype(np.int64) for array in (a, b))
    return x, np.where(y < 0, -1, np.append(place, -1)[y])


def _taken(values: pa.Array, rows: Int1D) -> pd.Series:
    found = values if len(rows) == len(values) else values.take(pa.array(rows))
    if pa.types.is_dictionary(found.type):
        return pd.Series(found.cast(pa.string()).to_pylist(), dtype=object)
    return pd.Series(_numbers(found))


class InStep:
    """Two tables that have the same columns, part by part.

    Parameters
    ----------
    one, other : CSV or parquet files.
    columns : of both; types : {column: NumPy type} of those known to be numbers.

    Attributes
    ----------
    rows : of both tables, once all parts have been seen.
    """

    def __init__(
        self, one: Path, other: Path, columns: Sequence[str], types: Mapping[str, str]
    ) -> None:
        self.rows = (0, 0)
        self._batches = [_batches(path, columns, types) for path in (one, other)]

    def __iter__(self) -> Iterator[Part]:
        """Parts, while both tables have rows.

        Raises
        ------
        CairoError
            A file cannot be read, or a column known to be numbers holds something else.
        """
        a, b = self._batches
        x, y = next(a, None), next(b, None)
        first = 0
        while x is not None and y is not None:
            both = min(x.num_rows, y.num_rows)
            if both:
                yield Part(first, x.slice(0, both), y.slice(0, both))
            first += both
            x = x.slice(both) if x.num_rows > both else next(a, None)
            y = y.slice(both) if y.num_rows > both else next(b, None)
        self.rows = (first + _rows_left(x, a), first + _rows_left(y, b))


def _rows_left(batch: pa.RecordBatch | None, others: Iterator[pa.RecordBatch]) -> int:
    return int(0 if batch is None else batch.num_rows) + sum(int(one.num_rows) for one in others)


def _batches(
    path: Path, columns: Sequence[str], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    try:
        if path.suffix == PARQUET:
            with pq.ParquetFile(path) as stored:
                for batch in stored.iter_batches(PART_ROWS):
                    yield _with_text(batch)
        else:
            yield from _csv_batches(path, columns, types)
    except (OSError, ValueError) as error:
        raise CairoError(f"{path} cannot be read: {one_line(error)}") from None


def _csv_batches(
    path: Path, columns: Sequence[str], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    kinds = {name: pa.type_for_alias(types[name]) if name in types else TEXT for name in columns}
    with path.open("rb") as file:
        yield from pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(block_size=PART_BYTES),
            # Cells with line ends are only looked for where text may be anything.
            pyarrow.csv.ParseOptions(newlines_in_values=len(types) < len(columns)),
            pyarrow.csv.ConvertOptions(
                column_types=kinds, null_values=list(MISSING), strings_can_be_null=True
            ),
        )


def _with_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Columns of numbers as they are, all others as text in a list of its own."""

    def one(values: pa.Array) -> pa.Array:
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            return values
        if pa.types.is_dictionary(values.type):
            texts = values.dictionary.cast(pa.string())
            return pa.DictionaryArray.from_arrays(values.indices.cast(pa.int32()), texts)
        return values.cast(pa.string()).dictionary_encode()

    return pa.RecordBatch.from_arrays([one(values) for values in batch.columns], batch.schema.names)
