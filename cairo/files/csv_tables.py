"""Tables of a run directory, read back to the bit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cairo.files.spreadsheet import unmarked, without_marks

_MAJOR, _MINOR = map(int, pd.__version__.split(".")[:2])
# Exact parsing is the default from pandas 3.1 on, where asking for it is deprecated.
_EXACT: dict[str, Any] = {} if (_MAJOR, _MINOR) >= (3, 1) else {"float_precision": "round_trip"}


MISSING = ("", "nan", "NaN")
"""What is written for no value; a home whose fuel is `None` has that for its fuel."""


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
    """
    known = dict(types or {})
    table: pd.DataFrame = pd.read_csv(
        path,
        low_memory=False,
        dtype=defaultdict(lambda: "str", known) if text else known,
        usecols=None if columns is None else lambda name: unmarked(name) in columns,
        keep_default_na=False,
        na_values=list(MISSING),
        **_EXACT,
    )
    return without_marks(table)
