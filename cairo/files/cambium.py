"""Cambium's price files: what tells them from others, and which hours of the year they hold.

Cambium has the hours of one weather year, counted from its first, a Sunday, whatever year their
stamps are of: files name `Weather_year` and `Start_day` above their header. A file of a leap year
therefore has February 29 and lacks December 31 [1]_: its rows are the same 8760 hours as any other
year's.

References
----------
.. [1] NatLabRockies/resstock, issue 885, after section 4.2 of Cambium's documentation
   (https://www.nrel.gov/docs/fy22osti/81611.pdf).
"""

from __future__ import annotations

import calendar
import logging
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd

from cairo.files.reading import FilePath, without_query
from cairo.model.arrays import Int1D
from cairo.model.names import HOURS

logger = logging.getLogger(__name__)

NAME = "cambium"
METADATA_ROWS = 5
"""Above the header of a CSV."""
BUSBAR = "_cost_busbar"
"""How Cambium's columns of busbar costs end, which other price files do not have."""
SUNDAYS = (2017, 2023, 2034, 2045, 2051)
"""Years that begin on a Sunday, as every Cambium year does whatever its stamps say."""


def is_cambium(path: FilePath, columns: Sequence[str], rows_above: int, said: bool = False) -> bool:
    """Whether a file is Cambium's: what is in it tells, or its caller; a warning where they differ.

    Parameters
    ----------
    path : whose name alone makes no file Cambium's. columns : of the file.
    rows_above : rows above its header.
    said : the caller says that it is.
    """
    if rows_above == METADATA_ROWS or any(str(name).lower().endswith(BUSBAR) for name in columns):
        return True
    if said or NAME in PurePath(without_query(path)).name.lower():
        logger.warning(
            "price file %s has neither Cambium's %s rows above its header nor its busbar costs: %s",
            path,
            METADATA_ROWS,
            "its hours are counted from a Sunday, as it is read as Cambium's"
            if said
            else "in spite of its name its hours are those of its stamps",
        )
    return said


def cambium_year(year: int) -> int:
    """The year that begins on a Sunday nearest to the year of Cambium's stamps."""
    return min(SUNDAYS, key=lambda sunday: abs(sunday - year))


def places_of_leap_year(stamps: pd.DatetimeIndex, wrapped: bool) -> Int1D | None:
    """Places (8760,) in Cambium's year of rows that have February 29 and lack December 31.

    Parameters
    ----------
    stamps : of the rows. wrapped : whether another clock of the file tells their order, so that
        these may begin some hours before the year or end after its last hour.

    Returns
    -------
    The hours from the year's first, those beyond either end wrapped around; None for other rows.
    """
    if len(stamps) != HOURS:
        return None
    year = int(stamps.year.value_counts().idxmax())
    if not calendar.isleap(year) or not ((stamps.month == 2) & (stamps.day == 29)).any():
        return None
    since = stamps.to_numpy() - np.datetime64(f"{year}-01-01")
    hours = since // np.timedelta64(1, "h")
    places: Int1D = hours % HOURS if wrapped else hours
    whole = (since % np.timedelta64(1, "h") == np.timedelta64(0, "h")).all()
    expected = np.arange(HOURS)
    return places if whole and (np.sort(places) == expected).all() else None
