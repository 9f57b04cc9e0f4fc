"""The reader of run directories: every table and record of one is opened here, and checked."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed, one_line
from cairo.files.csv_tables import header_of, read_table
from cairo.files.parquet_tables import PARQUET, parquet_columns, read_parquet
from cairo.files.reading import small_file
from cairo.files.spreadsheet import unmarked
from cairo.rates_tool.run_files import FLOAT, INT, RUN_FILES, RunFile


class RunReader:
    """Files of a run directory.

    Parameters
    ----------
    path : the directory, which `simulate` or a scenario's run has written.

    Raises
    ------
    CairoError
        The directory is missing or cannot be entered.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            there = self.path.is_dir()
        except OSError as error:
            raise CairoError(
                f"run directory {self.path} cannot be read: {error.strerror}"
            ) from None
        if not there:
            raise CairoError(f"run directory {self.path} does not exist")

    def names(self) -> list[str]:
        """Paths of every file in the directory, relative to it."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.path).as_posix() for path in files)

    def header(self, name: str) -> list[str]:
        """Column names of a table, as they are written.

        Raises
        ------
        CairoError
            The file is missing or unreadable, or has two columns of one name.
        """
        path = self.path / name
        try:
            if path.suffix == PARQUET:
                return parquet_columns(path)
            header = header_of(path)
        except (OSError, ValueError, csv.Error) as error:
            raise self.unreadable(name, error) from None
        if len(set(header)) < len(header):
            raise CairoError(f"{path} has two columns of one name: {listed(header)}")
        return header

    def table(
        self,
        name: str,
        needed: Iterable[str] | None = None,
        *,
        others: bool = True,
        text: bool = False,
    ) -> pd.DataFrame:
        """A table, floats as they were written to the bit.

        Parameters
        ----------
        name : path in the directory.
        needed : columns that must be there and whole: numbers finite, text not missing; other
            columns are checked for nothing. None needs none.
        others : whether other columns are read too; text : whether they are as text (CSV).

        Raises
        ------
        CairoError
            Naming the file: it is missing, unreadable or empty, lacks a column, or a needed
            column lacks a value.
        """
        path, header = self.path / name, [unmarked(column) for column in self.header(name)]
        wanted = list(needed or ())
        absent = [column for column in wanted if column not in header]
        if absent:
            raise CairoError(f"{path} has no column {listed(absent)}; it has {listed(header)}")
        kinds = {column: kind for column, kind in column_types(name).items() if column in wanted}
        types: dict[str, str] = {column: kind or "category" for column, kind in kinds.items()}
        try:
            if path.suffix == PARQUET:
                frame = read_parquet(path, None if others else wanted)
            else:
                frame = read_table(path, types, None if others else wanted, text=text)
        except (OSError, ValueError) as error:
            raise self.unreadable(name, error) from None
        if wanted and frame.empty:
            raise CairoError(f"{path} has no rows")
        for column in wanted:
            values = frame[column]
            bad = ~np.isfinite(values) if kinds.get(column) in (INT, FLOAT) else values.isna()
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise CairoError(f"{path}: row {row + 1} has no finite {column}")
        return frame

    def mapping(self, name: str, keys: Iterable[str] = ()) -> dict[str, Any]:
        """A JSON object.

        Raises
        ------
        CairoError
            Naming the file: it is missing, no JSON object, or lacks a key.
        """
        path = self.path / name
        try:
            stored = json.loads(small_file(path))
        except (OSError, ValueError, RecursionError) as error:
            raise self.unreadable(name, error) from None
        if not isinstance(stored, dict):
            raise CairoError(f"{path} has {type(stored).__name__}, expected a JSON object")
        for key in keys:
            if key not in stored:
                raise CairoError(f"{path} has no {key}: it is not a run's")
        return stored

    def unreadable(self, name: str, error: BaseException) -> CairoError:
        """The error of a file that cannot be read."""
        ours = isinstance(error, OSError) and error.filename is None and error.strerror
        return CairoError(f"{self.path / name} cannot be read: {ours or one_line(error)}")


def column_types(name: str) -> Mapping[str, str]:
    """{column: NumPy type, "" of text} of a file of the table of run files."""
    known: RunFile | None = next((one for one in RUN_FILES if one.is_named(name)), None)
    return {} if known is None else {column.name: column.kind for column in known.columns}
