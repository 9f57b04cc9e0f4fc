"""Tables of a run directory, read back to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

_MAJOR, _MINOR = map(int, pd.__version__.split(".")[:2])
# Exact parsing is the default from pandas 3.1 on, where asking for it is deprecated.
_EXACT: dict[str, Any] = {} if (_MAJOR, _MINOR) >= (3, 1) else {"float_precision": "round_trip"}


def read_table(path: Path) -> pd.DataFrame:
    """A CSV table whose floats have the bits they were written from."""
    table: pd.DataFrame = pd.read_csv(path, low_memory=False, **_EXACT)
    return table
