"""Which of a price file's columns is the clock of the loads, local standard time.

Cambium and utilities publish hours on two clocks, such as Eastern or UTC beside local time. The
column that says it is local is used; without one `timestamp` is, unless another column disputes it.
"""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from cairo.errors import PriceError, listed
from cairo.files.reading import FilePath
from cairo.model.calendar import hour_stamps

TIMESTAMP = "timestamp"
"""Column of times of a price file."""
LOCAL = frozenset({"local", "lst"})
UNIVERSAL = frozenset({"utc", "gmt"})
_NAMES = {"timestamp", "datetime", "date", "time", "hour", "standard", "beginning", "start"}
_ZONES = {"est", "edt", "eastern", "et", "cst", "ct", "mst", "mt", "pst", "pt"}
CLOCK_WORDS = frozenset(_NAMES | _ZONES | LOCAL | UNIVERSAL)
"""Words that names of columns of times are made of."""
HOURS_APART = 14
"""Time zones are at most so far from UTC."""


def clock_column(path: FilePath, raw: pd.DataFrame) -> tuple[str, bool]:
    """Name of the column whose times are the loads', and whether another clock has one whole year.

    Raises
    ------
    PriceError
        Naming the file: no such column, or several that differ and none of them local.
    """
    clocks = {str(name): times for name in raw if (times := _times(raw, str(name))) is not None}
    local = [name for name in clocks if _words(name) & LOCAL]
    if local:
        _check_alike(path, {name: clocks[name] for name in local})
        others = [times for name, times in clocks.items() if name not in local]
        return local[0], any(times.dt.year.nunique() == 1 for times in others)
    if TIMESTAMP not in clocks:
        if TIMESTAMP in raw:
            return TIMESTAMP, False  # whose fault is told where it is read
        raise PriceError(
            f"price file {path} has no column {TIMESTAMP}; it has {listed(raw.columns)}"
        )
    own = clocks[TIMESTAMP]
    for name, times in clocks.items():
        if is_universal(name) and _same(own, times):
            raise PriceError(
                f"price file {path} has the UTC of {name} in {TIMESTAMP}, expected local time "
                "(a column timestamp_local)"
            )
    _check_alike(path, {n: times for n, times in clocks.items() if not is_universal(n)})
    return TIMESTAMP, False


def in_one_year(raw: pd.DataFrame, stamps: pd.DatetimeIndex) -> pd.DataFrame:
    """Rows in the order of their local hours `stamps`, those of another year wrapped around.

    A file of a whole year on another clock has some local hours of the year before or after; as
    the year is a pattern, they stand for the same hours of this one, and may be stamped so.
    """
    year = int(stamps.year.value_counts().idxmax())
    outside = stamps.year != year
    if not outside.any() or outside.sum() > HOURS_APART:
        back = np.flatnonzero(np.diff(stamps.to_numpy()) < np.timedelta64(0, "h")) + 1
        hours = raw.set_axis(stamps, axis=0)
        one = len(back) == 1 and min(back[0], len(stamps) - back[0]) <= HOURS_APART
        return hours.sort_index(kind="stable") if one else hours
    hours = hour_stamps(year).tz_localize(None)
    place = {(s.month, s.day, s.hour): s for s in (*hours[:HOURS_APART], *hours[-HOURS_APART:])}
    moved = [
        place.get((s.month, s.day, s.hour), s) if out else s
        for s, out in zip(stamps, outside, strict=True)
    ]
    return raw.set_axis(pd.DatetimeIndex(moved), axis=0).sort_index(kind="stable")


def is_universal(name: str) -> bool:
    """Whether a name says that its times are UTC."""
    return bool(_words(name) & UNIVERSAL)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", name.lower()))


def _times(raw: pd.DataFrame, name: str) -> pd.Series | None:
    """A column's times without their zone, None when it has none."""
    words = _words(name)
    if not words or not words <= CLOCK_WORDS or name not in raw or raw[name].ndim != 1:
        return None
    given = raw[name]
    if pd.api.types.is_numeric_dtype(given):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("error", FutureWarning)  # of several offsets, an error later on
            times = pd.Series(pd.to_datetime(given))
    except (ValueError, TypeError, OverflowError, FutureWarning):
        return None
    if not pd.api.types.is_datetime64_any_dtype(times) or times.nunique() <= len(times) / 2:
        return None  # days, or hours of a day, are no clock of a year
    return times.dt.tz_localize(None) if times.dt.tz is not None else times


def _same(one: pd.Series, other: pd.Series) -> bool:
    return bool((one.to_numpy() == other.to_numpy()).all())


def _check_alike(path: FilePath, clocks: dict[str, pd.Series]) -> None:
    (first, times), *others = clocks.items()
    for name, other in others:
        if not _same(times, other):
            raise PriceError(
                f"price file {path} has two clocks, {first} and {name}, which differ from row "
                f"{int((times.to_numpy() != other.to_numpy()).argmax()) + 1}: expected one, or a "
                "column timestamp_local with the loads' local standard time"
            )
