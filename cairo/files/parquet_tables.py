"""Tables of a run directory that are parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.files.reading import MOST_TABLE_BYTES, check_table_size, size_of_file
from cairo.files.run_directory import writing

PARQUET = ".parquet"
MOST_ROWS = MOST_TABLE_BYTES // 8
"""Of a table with a row a home, month, period and tier."""


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write an Arrow table; the same values give the same bytes.

    The first column can be searched by its least and greatest value.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    # Measured numbers hardly repeat: a dictionary of them would be tried and given up.
    repeated = [one.name for one in table.schema if not pa.types.is_floating(one.type)]
    with writing(path), path.open("wb") as file:
        pq.write_table(table, file, use_dictionary=repeated, write_statistics=repeated[:1])


def parquet_columns(path: Path) -> list[str]:
    """Column names.

    Raises
    ------
    OSError, ValueError
        The file is missing or no parquet file.
    """
    size_of_file(path)
    names: list[str] = pq.read_schema(path).names
    return names


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table, or some of its columns; dictionaries become categories.

    Raises
    ------
    OSError, ValueError
        The file is missing or no sound parquet file.
    """
    check_table_size(path, MOST_ROWS)
    frame: pd.DataFrame = pq.read_table(
        path, columns=None if columns is None else list(columns)
    ).to_pandas()
    return frame


def read_rows(path: Path, column: str, value: int) -> pd.DataFrame:
    """Rows of a table that have a value in a column; errors as `read_parquet`."""
    check_table_size(path, MOST_ROWS)
    frame: pd.DataFrame = pq.read_table(path, filters=[(column, "==", value)]).to_pandas()
    return frame
