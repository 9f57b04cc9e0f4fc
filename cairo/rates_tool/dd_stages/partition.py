"""A partition of the load frame: its columns, what is noted on it, and its hours as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.files.load_file import ReadCount, buildings_of
from cairo.model.arrays import Float2D, Int1D
from cairo.model.names import GENERATION, GROSS_LOAD, HOURS, NET_LOAD

COLUMNS = ("time", GROSS_LOAD, GENERATION, NET_LOAD, "natural_gas")
LOAD_COLUMNS = COLUMNS[1:]
READ = "cairo_read"
"""Key of a frame's `attrs`: (files, bytes) read to make it."""
YEARS = "cairo_years"
"""Key of a frame's `attrs`: {calendar year of its hours: a building of that year}."""


def check_distinct(ids: np.ndarray) -> None:
    """Raise `LoadError` naming buildings that sorted `ids` hold more than once."""
    repeated = np.unique(ids[1:][np.diff(ids) == 0])
    if len(repeated):
        raise LoadError(
            f"buildings asked for more than once: {listed_buildings(repeated.tolist())}"
        )


def check_one_year(years: Mapping[int, int]) -> None:
    """Check that hours which are added up are of one calendar year.

    Parameters
    ----------
    years : {calendar year: a building of it}.

    Raises
    ------
    LoadError
        There are several; a building of each is named.
    """
    if len(years) > 1:
        found = ", ".join(f"building {bldg_id} of {year}" for year, bldg_id in years.items())
        raise LoadError(
            f"loads are of several weather years ({found}): give a target year, to which all "
            "are moved"
        )


def mark_read(frame: pd.DataFrame, read: ReadCount) -> None:
    """Note on a frame what was read to make it."""
    frame.attrs[READ] = (read.files, read.bytes)


def read_count(frame: pd.DataFrame) -> ReadCount:
    """What was read to make a frame; nothing when a caller made it."""
    return ReadCount(*frame.attrs.get(READ, (0, 0)))


def years_of(frame: pd.DataFrame) -> dict[int, int]:
    """{calendar year of a frame's hours: a building of it}; none when a caller made it."""
    return dict(frame.attrs.get(YEARS, {}))


def partition_arrays(partition: pd.DataFrame) -> tuple[Int1D, dict[str, Float2D]]:
    """(bldg_ids (n,), {column: (n, 8760)}) of one partition, without copying.

    Raises
    ------
    LoadError
        The partition holds part of a building: its rows are not 8760 for each.
    """
    index = partition.index.to_numpy()
    ids = buildings_of(index)
    if len(index) % HOURS or not np.array_equal(index[HOURS - 1 :: HOURS], ids):
        counts = partition.index.value_counts()
        wrong = counts[counts != HOURS].index.tolist() or ids.tolist()
        raise LoadError(
            f"buildings {listed_buildings(wrong)} do not have 8760 consecutive rows in one "
            "partition of the load frame: partition it by bldg_id with whole buildings"
        )
    arrays = {
        name: partition[name].to_numpy().reshape(len(ids), HOURS)
        for name in partition.columns
        if name != "time"
    }
    return ids, arrays
