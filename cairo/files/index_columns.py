"""Index levels of a parquet file that pandas has written, as the columns that others see."""

from __future__ import annotations

import pandas as pd


def with_index_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose named index levels are columns.

    Raises
    ------
    ValueError
        A level and a column of one name differ.
    """
    levels = [name for name in frame.index.names if name is not None]
    twice = [name for name in levels if name in frame]
    for name in twice:
        if not pd.Index(frame[name]).equals(pd.Index(frame.index.get_level_values(name))):
            raise ValueError(f"it has a column and an index {name}, which differ")
    if twice:
        frame = frame.reset_index(level=twice, drop=True)
    return frame.reset_index() if len(twice) < len(levels) else frame
