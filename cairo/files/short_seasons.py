"""Seasons and periods of a tariff's short form: every hour of the year in exactly one period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

import numpy as np

from cairo.errors import TariffError, listed
from cairo.files.schedule_texts import (
    ALL_YEAR,
    REST,
    REST_OF_MONTHS,
    Unreadable,
    hours_of,
    months_of,
)
from cairo.model.arrays import Bool1D, Bool2D
from cairo.model.names import HOURS_OF_DAY, MONTHS, months

MONTHLY = "monthly"
"""In the place of seasons: each month is one, named as `Jan`."""
ALL = ""
"""Name of the only season, or the only period, where none is given."""
DAY_TYPES = ("weekdays", "weekends")
T = TypeVar("T")


@dataclass(frozen=True)
class Seasons:
    """Seasons and the periods of each.

    where : beginning of error lines. months : {season: (12,)}.
    hours : {season: {period: (2, 24) hours of weekdays and weekends}}.
    """

    where: str
    months: Mapping[str, Bool1D]
    hours: Mapping[str, Mapping[str, Bool2D]]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """(season, period) of every period of every season."""
        return [(season, period) for season, all_of in self.hours.items() for period in all_of]

    def values(
        self, given: object, key: str, read: Callable[[object, str], T]
    ) -> dict[tuple[str, str], T]:
        """A value for each season and period.

        Parameters
        ----------
        given : one value for all, or mappings by season, by period or by both in either order.
        key : of the file, for messages.
        read : makes a value of what the file has, told its place for messages.

        Raises
        ------
        TariffError
            A season or period is unknown, or has no value, or one that no hour has use for.
        """
        used: set[tuple[str, ...]] = set()
        found = {cell: self._value(given, (key,), cell, read, used) for cell in self.cells}
        for path in _leaves(given, (key,)):
            if path not in used:
                raise TariffError(
                    f"{self.where}: {_dotted(path)} is for no hour: no season has that period"
                )
        return found

    def _value(
        self,
        given: object,
        path: tuple[str, ...],
        cell: tuple[str, str],
        read: Callable[[object, str], T],
        used: set[tuple[str, ...]],
    ) -> T:
        if not isinstance(given, Mapping):
            used.add(path)
            return read(given, f"{self.where}: {_dotted(path)}")
        inner = {str(name): one for name, one in given.items()}
        mine = self._chosen(given, path, cell)
        if mine not in inner:
            season, period = cell
            wanted = f"period {period} of season {season}" if season and period else mine
            raise TariffError(f"{self.where}: {_dotted(path)} has nothing for {wanted}")
        return self._value(inner[mine], (*path, mine), cell, read, used)

    def _chosen(
        self, given: Mapping[object, object], path: tuple[str, ...], cell: tuple[str, str]
    ) -> str:
        """The season or the period of a cell, whichever a mapping is by.

        Raises
        ------
        TariffError
            It has names of neither, of both, or none.
        """
        # What the path has chosen already cannot be chosen again.
        by = [
            (known, mine)
            for known, mine in zip(self._names, cell, strict=True)
            if known != [ALL] and not any(name in path[1:] for name in known)
        ]
        every = [name for known, _ in by for name in known]
        if not given:
            raise TariffError(f"{self.where}: {_dotted(path)} is empty")
        for name in given:
            if str(name) not in every:
                raise TariffError(
                    f"{self.where}: {_dotted(path)} names season or period {_odd_key(name, every)}"
                )
        first, *others = map(str, given)
        known, mine = next(one for one in by if first in one[0])
        for name in others:
            if name not in known:
                raise TariffError(
                    f"{self.where}: {_dotted(path)} has {first} beside {name}, expected seasons or "
                    "periods, not both side by side"
                )
        return mine

    @property
    def _names(self) -> tuple[list[str], list[str]]:
        return [*self.hours], [*dict.fromkeys(period for _, period in self.cells)]


def _odd_key(key: object, known: Sequence[str]) -> str:
    if isinstance(key, bool):
        return f"{key}: YAML takes on, off, yes and no for switches; put the name in quotes"
    near = get_close_matches(str(key), known, 1)
    there = f"there are {listed(known)}" if known else "there is none"
    return f"{key}, did you mean {near[0]}?" if near else f"{key}; {there}"


def unknown_key(where: str, key: object, known: Sequence[str]) -> TariffError:
    """The error of a key that is none of the form's."""
    near = get_close_matches(str(key), known, 1)
    hint = f", did you mean {near[0]}?" if near else f" (there are {', '.join(known)})"
    return TariffError(f"{where}: key {key} is unknown{hint}")


def seasons_of(where: str, seasons: object, periods: object) -> Seasons:
    """Seasons and periods as the file has them; None of either is one for all.

    Raises
    ------
    TariffError
        A month is in no season or in two, an hour of a season in no period or in two; a text that
        is not of the form.
    """
    by_months = _months(where, seasons)
    names = [*by_months]
    whole: object = {ALL: "all hours"} if periods is None else periods
    by_season: dict[str, object] = dict.fromkeys(names, whole)
    if isinstance(whole, Mapping) and whole and all(isinstance(v, Mapping) for v in whole.values()):
        for name in whole:
            if str(name) not in names:
                raise TariffError(f"{where}: periods name season {_odd_key(name, names)}")
        by_season = {str(name): inner for name, inner in whole.items()}
        missing = [name for name in names if name not in by_season]
        if missing:
            raise TariffError(f"{where}: periods have nothing for season {missing[0]}")
    hours = {name: _hours(where, name, by_season[name]) for name in names}
    both = [p for all_of in hours.values() for p in all_of if p != ALL and p in names]
    if both:
        raise TariffError(f"{where}: {both[0]} is the name of a season and of a period")
    return Seasons(where, by_months, hours)


def _months(where: str, seasons: object) -> dict[str, Bool1D]:
    if seasons is None or seasons in ALL_YEAR:
        return {ALL: np.ones(MONTHS, dtype=bool)}
    if seasons == MONTHLY:
        return {name: np.arange(MONTHS) == number for number, name in enumerate(months)}
    if not isinstance(seasons, Mapping) or not seasons:
        raise TariffError(
            f"{where}: seasons is {str(seasons)[:40]!r}, expected such as "
            "{summer: Jun-Sep, winter: Oct-May}, or monthly"
        )
    found: dict[str, Bool1D] = {}
    taken: dict[int, str] = {}
    rest = None
    for key, text in seasons.items():
        name = _name(where, "season", key)
        if isinstance(text, str) and text.strip().lower() in REST_OF_MONTHS:
            rest = _only(where, "season", rest, name)
            found[name] = np.zeros(MONTHS, dtype=bool)
            continue
        try:
            found[name] = months_of(text)
        except Unreadable as problem:
            raise TariffError(f"{where}: season {name} is {problem}") from None
        for month in np.flatnonzero(found[name]).tolist():
            if month in taken:
                raise TariffError(
                    f"{where}: {months[month]} is in season {taken[month]} and in season {name}"
                )
            taken[month] = name
    left = np.array([month not in taken for month in range(MONTHS)])
    if rest is not None:
        found[rest] = left
        if not left.any():
            raise TariffError(f"{where}: season {rest} has no month, others have them all")
    elif left.any():
        absent = ", ".join(months[month] for month in np.flatnonzero(left))
        raise TariffError(f"{where}: no season has {absent}")
    return found


def _hours(where: str, season: str, periods: object) -> dict[str, Bool2D]:
    of = f" of season {season}" if season else ""
    if not isinstance(periods, Mapping) or not periods:
        raise TariffError(
            f"{where}: periods{of} are {str(periods)[:40]!r}, expected such as "
            "{peak: weekdays 16-21, off-peak: rest}"
        )
    found: dict[str, Bool2D] = {}
    rest = None
    taken = np.full((2, HOURS_OF_DAY), -1)
    for number, (key, text) in enumerate(periods.items()):
        name = _name(where, "period", key) if key != ALL else ALL
        if isinstance(text, str) and text.strip().lower() in REST:
            rest = _only(where, "period", rest, name)
            found[name] = np.zeros((2, HOURS_OF_DAY), dtype=bool)
            continue
        try:
            found[name] = hours_of(text)
        except Unreadable as problem:
            raise TariffError(f"{where}: period {name}{of} is {problem}") from None
        twice = np.argwhere(found[name] & (taken >= 0))
        if len(twice):
            day, hour = twice[0].tolist()
            other = [*found][int(taken[day, hour])]
            raise TariffError(
                f"{where}: {_hour(day, hour)}{of} is in period {other} and in period {name}"
            )
        taken[found[name]] = number
    left = np.argwhere(taken < 0)
    if rest is not None:
        found[rest] = taken < 0
    elif len(left):
        day, hour = left[0].tolist()
        more = f" (nor {len(left) - 1} more hours)" if len(left) > 1 else ""
        raise TariffError(
            f"{where}: no period{of} has {_hour(day, hour)}{more}; `rest` takes what is left"
        )
    empty = [name for name, flags in found.items() if not flags.any()]
    if empty:
        raise TariffError(f"{where}: period {empty[0]}{of} has no hour, others have them all")
    return found


def _hour(day: int, hour: int) -> str:
    return f"{hour:02d}:00-{hour + 1:02d}:00 on {DAY_TYPES[day]}"


def _name(where: str, what: str, key: object) -> str:
    if isinstance(key, bool) or key is None or not str(key).strip():
        raise TariffError(f"{where}: a {what} is called {_odd_key(key, [])}")
    return str(key)


def _only(where: str, what: str, rest: str | None, name: str) -> str:
    if rest is not None:
        raise TariffError(f"{where}: {what}s {rest} and {name} both take the rest, expected one")
    return name


def _leaves(given: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(given, Mapping):
        yield path
        return
    for name, inner in given.items():
        yield from _leaves(inner, (*path, str(name)))


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)
