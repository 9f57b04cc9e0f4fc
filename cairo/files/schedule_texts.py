"""Months and hours as people write them: `Jun-Sep`, `weekdays 16-21`, `rest`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from cairo.model.arrays import Bool1D, Bool2D
from cairo.model.names import HOURS_OF_DAY, MONTHS, months
from cairo.model.schedule_words import spans

REST = ("rest", "other hours", "all other hours")
"""Texts that mean the hours, or months, that nothing else has."""
REST_OF_MONTHS = ("rest", "other months", "all other months")
ALL_HOURS = ("all hours", "always", "all day", "every hour")
ALL_YEAR = ("all year", "all months")
DAYS = {
    "weekdays": (True, False),
    "weekends": (False, True),
    "every day": (True, True),
    "all days": (True, True),
    "daily": (True, True),
}
"""Words for days, and whether weekdays and weekends are among them."""
_DAY = re.compile(rf"\b(weekday|weekend|{'|'.join(DAYS)})\b")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*(am|pm|h)?")
_NAMED = {"midnight": 0, "noon": 12}
_TO = re.compile(r"\s*(?:-|–|—|\bto\b|\buntil\b)\s*")
_AND = re.compile(r"\s*(?:,|;|\band\b)\s*")


class Unreadable(ValueError):
    """A text that is not of the form; says what was expected."""


def months_of(given: object) -> Bool1D:
    """The months (12,) of `Jun-Sep`, `Oct-May`, `Jan, Mar-Apr`, `6-9` or a list of such.

    Raises
    ------
    Unreadable
        It is not of that form.
    """
    chosen = np.zeros(MONTHS, dtype=bool)
    for part in _parts(given):
        if part in ALL_YEAR:
            chosen[:] = True
            continue
        ends = _TO.split(part)
        if len(ends) > 2:
            raise Unreadable(f"{part!r}: expected months such as Jun-Sep")
        first, last = _month(ends[0]), _month(ends[-1])
        chosen[np.arange(first, first + (last - first) % MONTHS + 1) % MONTHS] = True
    return chosen


def hours_of(given: object) -> Bool2D:
    """The hours (2, 24) of weekdays and of weekends that a text names.

    Such as `16-21` (from 16:00 until 21:00, five hours, every day), `weekdays 7-11, 17-21`,
    `weekdays 16-21, weekends 18-20`, `9 pm-7 am`, `all hours`. A range may run past midnight.

    Raises
    ------
    Unreadable
        It is not of that form.
    """
    chosen = np.zeros((2, HOURS_OF_DAY), dtype=bool)
    for text in given if isinstance(given, list) else [given]:
        pieces = _DAY.split(_plain(text))
        if pieces[0].strip(" ,;"):
            pieces = ["", "every day", *pieces]
        if len(pieces) < 2:
            raise Unreadable(f"{text!r}: expected hours such as 16-21 or weekdays 16-21")
        for day, hours in zip(pieces[1::2], pieces[2::2], strict=True):
            words = day if day in DAYS else f"{day}s"
            chosen[np.array(DAYS[words])] |= _ranges(hours, str(text))
    return chosen


def months_text(flags: Bool1D) -> str:
    """`Jun-Sep`; `all year` for every month."""
    if flags.all():
        return "all year"
    return ", ".join(
        months[first] if (past - first) % MONTHS == 1 else f"{months[first]}-{months[past - 1]}"
        for first, past in spans(flags)
    )


def hours_text(flags: Bool2D) -> str:
    """`weekdays 16-21`; the form that `hours_of` reads."""
    weekday, weekend = flags
    if flags.all():
        return ALL_HOURS[0]
    if (weekday == weekend).all():
        return _ranges_text(weekday)
    named = (("weekdays", weekday), ("weekends", weekend))
    return ", ".join(f"{name} {_ranges_text(hours)}" for name, hours in named if hours.any())


def _ranges_text(flags: Bool1D) -> str:
    return ", ".join(f"{first}-{past}" for first, past in spans(flags))


def _plain(text: object) -> str:
    if not isinstance(text, str):
        raise Unreadable(f"{text!r}: expected text such as 16-21 or weekdays 16-21")
    return " ".join(text.lower().split())


def _parts(given: object) -> list[str]:
    """Parts between commas of a text, or of each of a list."""
    values: Sequence[object] = given if isinstance(given, list) else [given]
    parts: list[str] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Unreadable(f"{value!r}: expected months such as Jun-Sep")
        parts += [one for one in _AND.split(" ".join(str(value).lower().split())) if one]
    if not parts:
        raise Unreadable(f"{given!r}: expected months such as Jun-Sep")
    return parts


def _month(text: str) -> int:
    """A month from 0, of its number from 1 or its name."""
    if len(text) <= 2 and text.isdecimal() and 1 <= int(text) <= MONTHS:
        return int(text) - 1
    names = [number for number, name in enumerate(_FULL) if name.startswith(text.rstrip("."))]
    if len(text) < 3 or len(names) != 1:
        raise Unreadable(f"{text!r} is no month: expected {', '.join(months)} or 1 to {MONTHS}")
    return names[0]


_FULL = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip


def _ranges(text: str, whole: str) -> Bool1D:
    """The hours (24,) of `16-21, 6-9`."""
    chosen = np.zeros(HOURS_OF_DAY, dtype=bool)
    parts = [part for part in _AND.split(text.strip(" ,;:")) if part]
    if not parts:
        raise Unreadable(f"{whole!r}: expected hours such as 16-21 after the days")
    for part in parts:
        if part in ALL_HOURS:
            chosen[:] = True
            continue
        ends = _TO.split(part)
        if len(ends) != 2:
            raise Unreadable(f"{whole!r}: {part!r} is no range of hours, expected such as 16-21")
        (first, marked), (past, marked_too) = (_clock(end, whole) for end in ends)
        if None not in (marked, marked_too) and marked != marked_too:
            raise Unreadable(f"{whole!r}: say am or pm at both ends of {part!r}")
        if past == 0:
            past = HOURS_OF_DAY
        if first >= HOURS_OF_DAY or past == first:
            raise Unreadable(f"{whole!r}: {part!r} is no range of hours; all day is 0-24")
        length = (past - first) % HOURS_OF_DAY or HOURS_OF_DAY
        chosen[np.arange(first, first + length) % HOURS_OF_DAY] = True
    return chosen


def _clock(text: str, whole: str) -> tuple[int, bool | None]:
    """(hour from 0 to 24, whether it says am or pm; None where that goes without saying)."""
    if text in _NAMED:
        return _NAMED[text], None
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Unreadable(f"{whole!r}: {text!r} is no hour, expected 0 to 24")
    hour, minutes, half = int(found[1]), found[2], found[3]
    if minutes not in (None, "00"):
        raise Unreadable(f"{whole!r}: {text} is within an hour, but tariffs change on the hour")
    marked = half in ("am", "pm")
    if marked:
        if not 1 <= hour <= 12:
            raise Unreadable(f"{whole!r}: {text!r} is no hour, expected 1 to 12 {half}")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > HOURS_OF_DAY:
        raise Unreadable(f"{whole!r}: {text!r} is no hour, expected 0 to 24")
    return hour, marked
