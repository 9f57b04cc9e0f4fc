"""Tables of a run directory, read back to the bit."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from cairo.files.reading import MOST_TABLE_BYTES, size_of_file
from cairo.files.spreadsheet import unmarked, without_marks

_MAJOR, _MINOR = map(int, pd.__version__.split(".")[:2])
EXACT: dict[str, Any] = {} if (_MAJOR, _MINOR) >= (3, 1) else {"float_precision": "round_trip"}
"""Has pandas read a CSV's numbers to the bit, which from 3.1 on is the default and deprecated."""

MOST_LINE = 2**22
MISSING = ("", "nan", "NaN")
"""What is written for no value; a home whose fuel is `None` has that for its fuel."""


def check_size(path: Path) -> None:
    """Check that a table is a file of a table's size."""
    size = size_of_file(path)
    if size > MOST_TABLE_BYTES:
        raise ValueError(f"it has {size} bytes, expected at most {MOST_TABLE_BYTES}")


def header_of(path: Path) -> list[str]:
    """Column names as they are written.

    Raises
    ------
    OSError, ValueError, csv.Error
        As `read_table`.
    """
    check_size(path)
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(_lines(file)), [])


def _lines(file: TextIO) -> Iterator[str]:
    """Lines of bearable length: a file may be one that does not end."""
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            raise ValueError(f"its header has a line of more than {MOST_LINE} characters")
        yield line


def read_table(
    path: Path,
    types: Mapping[str, str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    text: bool = False,
) -> pd.DataFrame:
    """A CSV table whose floats and texts are those it was written from.

    Parameters
    ----------
    path : file.
    types : {column: type}; those of the others are found from their values.
    columns : to read; all by default.
    text : whether the others are text whatever their values.

    Raises
    ------
    OSError, ValueError
        It is missing, no file, larger than any table of a run, or no table.
    """
    check_size(path)
    known = dict(types or {})
    table: pd.DataFrame = pd.read_csv(
        path,
        low_memory=False,
        dtype=defaultdict(lambda: "str", known) if text else known,
        usecols=None if columns is None else lambda name: unmarked(name) in columns,
        keep_default_na=False,
        na_values=list(MISSING),
        **EXACT,
    )
    return without_marks(table)
