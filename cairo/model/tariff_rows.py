"""Rows and schedules of PySAM-style tariff dicts, checked cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float1D, Float2D, Int2D
from cairo.model.names import HOURS_OF_DAY, MONTHS
from cairo.model.tariff_fields import FUEL_ADJUSTMENT

NO_LIMIT = 1e38
"""Max usage that means none, as SAM writes it."""
NO_LIMIT_FROM = 9.9e37
"""From here on a limit is none: 1e38 kept in single precision reads back slightly lower."""
LARGEST = 1e30
"""A larger number of dollars is a mistake, and sums of such could overflow."""
UNITS = {0: "kWh", 1: "kWh/kW", 2: "kWh daily", 3: "kWh/kW daily"}
"""Unit codes of `ur_ec_tou_mat` and URDB's names for them."""
UNIT_WORDS = {0: "kWh", 1: "kWh/kW", 2: "kWh a day", 3: "kWh/kW a day"}
"""The same as people write them."""
PER_KW = (1, 3)
"""Unit codes whose tier limits are per kW of the month's peak."""
PER_DAY = (2, 3)
"""Unit codes whose tier limits are per day of the month."""
MOST_PERIODS = 2 * MONTHS * HOURS_OF_DAY
"""As many periods as the weekday and weekend schedules have entries."""

TariffDict: TypeAlias = dict[str, Any]
"""A tariff as CAIRO keeps it and PySAM names it: what callers pass and read."""
Rows: TypeAlias = list[tuple[float, ...]]
Cells: TypeAlias = dict[tuple[int, int], tuple[float, ...]]
"""Rows by (period or month, tier)."""


def energy_rows(key: str, tariff: Mapping[str, object]) -> list[tuple[float, ...]]:
    """Rows of `ur_ec_tou_mat` as seven floats each: limits from `NO_LIMIT_FROM` are `NO_LIMIT`."""
    rows = matrix_rows(key, tariff, "ur_ec_tou_mat", widths=(6, 7))
    return [(*r[:5], 0.0, r[5]) if len(r) == 6 else r for r in rows]


def matrix_rows(key: str, tariff: Mapping[str, object], name: str, widths: tuple[int, ...]) -> Rows:
    """Rows of a matrix, whose third value is a limit, as floats of one of the `widths`.

    Raises
    ------
    TariffError
        No rows, rows of other width, values that are not finite numbers, negative limits.
    """
    given = tariff.get(name)
    if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str) or len(given) == 0:
        raise TariffError(f"tariff {key}: {name} is missing or empty, expected rows of numbers")
    rows: Rows = []
    for place, row in enumerate(given, start=1):
        if not isinstance(row, Sequence | np.ndarray) or len(row) not in widths:
            raise TariffError(
                f"tariff {key}: row {place} of {name} is {str(row)[:80]!r}, "
                f"expected {' or '.join(map(str, widths))} numbers"
            )
        numbers = [number(value) for value in row]
        bad = [
            value
            for i, (value, x) in enumerate(zip(row, numbers, strict=True))
            if x is None or not (is_sound(x) or (i == 2 and x > 0))
        ]
        if bad:
            raise TariffError(
                f"tariff {key}: row {place} of {name} has {bad[0]!r}, expected finite numbers"
            )
        first, tier, most, *rest = (float(x) for x in numbers if x is not None)
        if most < 0.0:
            raise TariffError(f"tariff {key}: row {place} of {name} has a negative max {most:g}")
        rows.append((first, tier, NO_LIMIT if most >= NO_LIMIT_FROM else most, *rest))
    return rows


def row_cells(key: str, name: str, rows: Rows, first: int) -> Cells:
    """Rows by (period or month, tier), checked to be whole, unrepeated and without tier gaps."""
    cells: Cells = {}
    for row in rows:
        place = int(row[0]), int(row[1])
        if place != row[:2] or not first <= place[0] <= MOST_PERIODS or place[1] < 1:
            raise TariffError(
                f"tariff {key}: {name} has a row of period {row[0]:g}, tier {row[1]:g}; "
                f"expected whole numbers from {first} (to {MOST_PERIODS}) and 1"
            )
        if place in cells:
            raise TariffError(
                f"tariff {key}: {name} has period {place[0]}, tier {place[1]} more than once"
            )
        cells[place] = row
    for period, tier in cells:
        if tier > 1 and (period, tier - 1) not in cells:
            raise TariffError(
                f"tariff {key}: {name} has period {period}, tier {tier} but no tier {tier - 1}"
            )
    return cells


def limit_array(key: str, name: str, cells: Cells, first: int, least: int = 1) -> Float2D:
    """Tier limits (P, T), at least `least` periods; rising within each period.

    A period with fewer tiers than another has no limit on its last tier: usage above a last
    limit stays in the last tier, and never reaches the tiers a period lacks.

    Raises
    ------
    TariffError
        A limit is below that of the tier before it.
    """
    count = max(max(period for period, _ in cells) - first + 1, least)
    limit = np.full((count, max(tier for _, tier in cells)), NO_LIMIT)
    for (period, tier), row in cells.items():
        limit[period - first, tier - 1] = row[2]
        below = cells.get((period, tier - 1))
        if below is not None and row[2] < below[2]:
            raise TariffError(
                f"tariff {key}: tier maxima of period {period} in {name} fall from "
                f"{below[2]:g} to {row[2]:g}, expected each above the one before"
            )
    for period, tier in cells:
        if (period, tier + 1) not in cells and tier < limit.shape[1]:
            limit[period - first, tier - 1] = NO_LIMIT
    return limit


def reached_tiers(limit: Float1D) -> int:
    """Tiers of a period (T,) that some usage can reach: those up to the first without a limit."""
    ends = (tier for tier, most in enumerate(limit[:-1].tolist(), start=1) if most >= NO_LIMIT)
    return next(ends, len(limit))


def schedule_array(what: str, given: object, periods: set[int], first: int = 1) -> Int2D:
    """A 12 x 24 schedule whose entries are all among `periods`, counted from `first`.

    Raises
    ------
    TariffError
        Beginning with `what`.
    """
    rows = list(given) if isinstance(given, Sequence | np.ndarray) else []
    lengths = [len(r) if isinstance(r, Sequence | np.ndarray) else 0 for r in rows]
    if lengths != [HOURS_OF_DAY] * MONTHS:
        found = "none" if given is None else f"{len(lengths)} rows of {sorted(set(lengths))} values"
        raise TariffError(f"{what} is not 12 x 24 (found {found})")
    values = [value for row in rows for value in row]
    if all(type(value) is int for value in values) and periods.issuperset(values):
        return np.array(values, dtype=np.int64).reshape(MONTHS, HOURS_OF_DAY)
    for month, row in enumerate(rows, start=1):
        for hour, value in enumerate(row):
            x = number(value)
            if x is None or x not in periods:
                raise TariffError(
                    f"{what} names period {value!r} in month {month}, hour {hour}, which has no "
                    f"rates; periods with rates count from {first}: {sorted(periods)}"
                )
    return np.array([[int(value) for value in row] for row in rows], dtype=np.int64)


def dollars_of(key: str, tariff: Mapping[str, object], name: str) -> float:
    """A charge of a PySAM-style dict; 0 when absent.

    Raises
    ------
    TariffError
        It is no number of dollars.
    """
    value = tariff.get(name)
    amount = 0.0 if value is None else number(value)
    if amount is None or not is_sound(amount):
        raise TariffError(f"tariff {key}: {name} is {value!r}, expected dollars")
    return amount


def fuel_adjustment_of(key: str, tariff: Mapping[str, object]) -> Float1D:
    """(12,) fuel adjustments of a PySAM-style dict [$/kWh]; zeros when absent.

    Raises
    ------
    TariffError
        They are not twelve prices.
    """
    given = tariff.get(FUEL_ADJUSTMENT)
    if given is None:
        return np.zeros(MONTHS)
    prices = [number(one) for one in given] if isinstance(given, Sequence | np.ndarray) else []
    if len(prices) != MONTHS or not all(p is not None and is_sound(p) for p in prices):
        raise TariffError(
            f"tariff {key}: {FUEL_ADJUSTMENT} is {str(given)[:60]}, expected $/kWh of the 12 months"
        )
    return np.array(prices, dtype=np.float64)


def is_sound(x: float) -> bool:
    """Whether a number is finite and not beyond `LARGEST`."""
    return abs(x) <= LARGEST


def number(value: object) -> float | None:
    """A real number as a float, None for anything else (text and booleans too)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return None
    try:
        return float(value)
    except (OverflowError, TypeError):
        return None
