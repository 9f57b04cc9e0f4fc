"""When a tariff's period applies, in words: `Jun–Sep: weekdays 15–20 h`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cairo.model.arrays import Int2D
from cairo.model.names import HOURS_OF_DAY, MONTHS, months

Spans = tuple[tuple[int, int], ...]


def when(weekday: Int2D, weekend: Int2D, period: int) -> list[str]:
    """The times of a period, a line a season.

    weekday, weekend : (12, 24) periods; months with the same hours are told together, and
    years and days run round (`Oct–May`, `21–07 h`). A line of `never` when no hour has it.
    """
    days = [
        (spans(weekday[month] == period), spans(weekend[month] == period))
        for month in range(MONTHS)
    ]
    seasons: dict[tuple[Spans, Spans], list[int]] = {}
    for month, pair in enumerate(days):
        if pair != ((), ()):
            seasons.setdefault(pair, []).append(month)
    lines = []
    for (work, rest), chosen in seasons.items():
        flags = np.isin(np.arange(MONTHS), chosen)
        names = ", ".join(_months(first, last) for first, last in spans(flags))
        lines.append(f"{names if len(chosen) < MONTHS else 'All year'}: {_hours(work, rest)}")
    return lines or ["never"]


def spans(flags: Sequence[bool] | np.ndarray) -> Spans:
    """Runs of true flags on a circle as (first, one past the last), the latter modulo length."""
    flags = np.asarray(flags, dtype=bool)
    n = len(flags)
    if flags.all():
        return ((0, n),)
    starts = np.flatnonzero(flags & ~np.roll(flags, 1))
    ends = np.flatnonzero(flags & ~np.roll(flags, -1)) + 1
    return tuple((int(s), int(ends[np.searchsorted(ends, s + 1) % len(ends)])) for s in starts)


def _months(first: int, past: int) -> str:
    last = (past - 1) % MONTHS
    return months[first] if first == last else f"{months[first]}–{months[last]}"


def _hours(weekday: Spans, weekend: Spans) -> str:
    if weekday == weekend:
        whole = weekday == ((0, HOURS_OF_DAY),)
        return "every hour" if whole else f"every day {_clock(weekday)}"
    parts = [("weekdays", weekday), ("weekends", weekend)]
    return "; ".join(f"{name} {_clock(hours)}" for name, hours in parts if hours)


def _clock(hours: Spans) -> str:
    if hours == ((0, HOURS_OF_DAY),):
        return "all day"
    return ", ".join(f"{first:02d}:00–{past:02d}:00" for first, past in hours)
