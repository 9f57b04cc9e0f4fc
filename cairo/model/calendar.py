"""The 8760-hour calendar: stamps of a year, and weekday alignment of one year with another.

A model year always has 8760 hours: February 29 is left out, while weekdays are those of the
real calendar. All functions are pure; arrays are cached, shared and read-only.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import TypeVar

import numpy as np
import pandas as pd

from cairo.errors import CairoError, LoadError
from cairo.model.arrays import Bool1D, Int1D
from cairo.model.names import DAYS, DAYS_OF_MONTH, HOURS, HOURS_OF_DAY, MONTHS

SATURDAY = 5
"""Monday is 0."""

Frame = TypeVar("Frame", pd.DataFrame, pd.Series)


def offset_days(source_year: int, target_year: int) -> int:
    """Days to leave at the source year's start so that its weekdays fall as the target year's.

    (weekday(January 1, target) - weekday(January 1, source)) mod 7: 0 to 6.
    """
    target = datetime.date(target_year, 1, 1).weekday()
    return (target - datetime.date(source_year, 1, 1).weekday()) % 7


@lru_cache(maxsize=64)
def hour_stamps(year: int, tz: str | datetime.tzinfo | None = None) -> pd.DatetimeIndex:
    """Hour beginnings of a year, (8760,), in microseconds, without February 29.

    Parameters
    ----------
    year : calendar year.
    tz : zone to localize to, such as "EST"; None leaves the stamps naive.

    Raises
    ------
    LoadError
        The zone is unknown or has daylight saving time, in which some of the hours do not exist.
    """
    days = np.concatenate([_first_of_month(year, m) + np.arange(n) for m, n in _month_days()])
    hours = days.astype("datetime64[us]")[:, None] + np.arange(HOURS_OF_DAY) * np.timedelta64(
        1, "h"
    )
    stamps = pd.DatetimeIndex(hours.reshape(-1))
    if tz is None:
        return stamps
    try:
        localized = stamps.tz_localize(tz)
    except Exception as error:  # zone libraries raise errors of many classes
        raise LoadError(_zone_message(tz)) from error
    if len({stamp.utcoffset() for stamp in localized[[0, HOURS // 2]]}) > 1:
        raise LoadError(_zone_message(tz))
    return localized


@lru_cache(maxsize=1)
def hour_months() -> Int1D:
    """Month of each hour, (8760,), 0 to 11; the same for every year."""
    return _read_only(np.repeat(np.arange(MONTHS), np.array(DAYS_OF_MONTH) * HOURS_OF_DAY))


@lru_cache(maxsize=64)
def hour_weekend(year: int) -> Bool1D:
    """Whether each hour of a calendar year is on a Saturday or Sunday, (8760,)."""
    days = np.concatenate([_first_of_month(year, m) + np.arange(n) for m, n in _month_days()])
    # 1970-01-01 was a Thursday, 3 counted from Monday.
    weekday = (days.astype(np.int64) + 3) % 7
    return _read_only(np.repeat(weekday >= SATURDAY, HOURS_OF_DAY))


@lru_cache(maxsize=1)
def hour_of_day() -> Int1D:
    """Hour of the day of each hour, (8760,), 0 to 23."""
    return _read_only(np.tile(np.arange(HOURS_OF_DAY), DAYS))


def __timeshift__(df: Frame, target_year: int) -> Frame:
    """An hourly year moved to the target year with its weekdays in line (CAIRO's name).

    Parameters
    ----------
    df : frame or series whose index is a year of hours, or (`bldg_id`, `time`) with 8760 hours
        a building. A February 29 is left out. It is not changed.
    target_year : calendar year of the result.

    Returns
    -------
    The values rolled by -24 x `offset_days` hours (the first days go to the end), with the
    target year's stamps in the zone, time unit and index names of `df`.

    Raises
    ------
    LoadError
        The index is not one of times, or a building has other than 8760 hours.
    """
    index = df.index
    many = isinstance(index, pd.MultiIndex)
    level = 0
    if many:
        level = index.names.index("time") if "time" in index.names else index.nlevels - 1
    times = index.get_level_values(level)
    if not isinstance(times, pd.DatetimeIndex):
        raise LoadError(f"hourly frame is indexed by {times.dtype}, expected times to shift")
    leap = np.asarray((times.month == 2) & (times.day == 29))
    if leap.any():
        return __timeshift__(df[~leap], target_year)
    if len(df) == 0 or len(df) % HOURS or (len(df) != HOURS and not many):
        raise LoadError(f"hourly frame has {len(df)} rows, expected {HOURS} a year and building")
    if isinstance(index, pd.MultiIndex):
        owners = index.droplevel(level)
        if (owners[::HOURS].repeat(HOURS) != owners).any():
            raise LoadError(f"hourly frame has buildings with other than {HOURS} consecutive rows")
    source_year = int(times.year[0])
    order = np.roll(
        np.arange(len(df)).reshape(-1, HOURS),
        -HOURS_OF_DAY * offset_days(source_year, target_year),
        1,
    )
    shifted = df.iloc[order.reshape(-1)]
    stamps = hour_stamps(target_year, times.tz).as_unit(times.unit)
    if not many:
        shifted.index = stamps.rename(index.name)
        return shifted
    arrays = [index.get_level_values(i) for i in range(index.nlevels)]
    arrays[level] = stamps.take(np.tile(np.arange(HOURS), len(df) // HOURS))
    shifted.index = pd.MultiIndex.from_arrays(arrays, names=index.names)
    return shifted


def _month_days() -> list[tuple[int, int]]:
    return list(enumerate(DAYS_OF_MONTH, start=1))


def _first_of_month(year: int, month: int) -> np.datetime64:
    if not 1678 <= year <= 2261:
        raise CairoError(f"year {year} is outside 1678 to 2261, the years that times can hold")
    return np.datetime64(f"{year:04d}-{month:02d}-01", "D")


def _zone_message(tz: object) -> str:
    return (
        f"time zone {tz} is unknown or has daylight saving time; "
        "hours are in local standard time: give a zone without it, such as EST"
    )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
