"""Derived rates as tariffs: PySAM-style dicts of one, two or four periods, or of a tariff's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cairo.model.derived_rates import FIXED, LEVEL, SUMMER_RATE, WINTER_RATE, Windows
from cairo.model.known_fields import KnownFields
from cairo.model.names import HOURS_OF_DAY, MONTHS, SUMMER, WINTER
from cairo.model.tariff import AnyTariff, parse_tariff
from cairo.model.tariff_changes import with_energy_rates
from cairo.model.tariff_rows import NO_LIMIT, TariffDict, energy_rows

KNOWN = KnownFields(
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "fuel_adjustment tier_rule demand rollover"
)
"""What a tariff may have that rates are derived of: charges that are linear in its rates."""
NOT_DERIVED = "which rates cannot be derived of: derive from a tariff without it"
WINTER_MONTHS = (1, 2, 3, 10, 11, 12)
"""October to March, where nothing else is said."""


def seasons_of(winter_months: Sequence[int]) -> dict[str, list[int]]:
    """{season: its months from 1}."""
    winter = sorted(winter_months)
    return {WINTER: winter, SUMMER: [m for m in range(1, MONTHS + 1) if m not in winter]}


def energy_tariff(
    rates: Sequence[float], schedule: Sequence[Sequence[int]], fixed: float, metering: int
) -> TariffDict:
    """A tariff of a fixed charge and a rate a period.

    Parameters
    ----------
    rates : (P,) [$/kWh]. schedule : (12, 24) periods from 1, of all days. fixed : [$/month].
    metering : SAM's `ur_metering_option`.
    """
    days = [list(map(int, month)) for month in schedule]
    return {
        "ur_ec_tou_mat": [
            [period, 1, NO_LIMIT, 0, float(rate), 0.0, 0.0] for period, rate in enumerate(rates, 1)
        ],
        "ur_ec_sched_weekday": days,
        "ur_ec_sched_weekend": [list(month) for month in days],
        "ur_monthly_fixed_charge": float(fixed),
        "ur_monthly_min_charge": 0.0,
        "ur_annual_min_charge": 0.0,
        "ur_metering_option": metering,
    }


def flat_tariff(rate: float, fixed: float, metering: int) -> TariffDict:
    """One rate [$/kWh] at all times."""
    return energy_tariff([rate], [[1] * HOURS_OF_DAY] * MONTHS, fixed, metering)


def seasonal_tariff(
    summer: float, winter: float, winter_months: Sequence[int], fixed: float, metering: int
) -> TariffDict:
    """A rate [$/kWh] for summer months, period 1, and one for winter months, period 2."""
    schedule = [
        [2 if month in winter_months else 1] * HOURS_OF_DAY for month in range(1, MONTHS + 1)
    ]
    return energy_tariff([summer, winter], schedule, fixed, metering)


def windowed_tariff(
    windows: Windows, winter_months: Sequence[int], fixed: float, metering: int
) -> TariffDict:
    """Winter's other hours and window, then summer's, at rates that are their costs [$/kWh]."""
    rates: list[float] = []
    schedule = [[0] * HOURS_OF_DAY for _ in range(MONTHS)]
    for name, of_season in seasons_of(winter_months).items():
        on, off = windows.costs[name]
        first = len(rates) + 1
        for month in of_season:
            for hour in range(HOURS_OF_DAY):
                inside = (hour - windows.starts[name]) % HOURS_OF_DAY < windows.hours
                schedule[month - 1][hour] = first + inside
        rates += [off, on]
    return energy_tariff(rates, schedule, fixed, metering)


def fair_tariff(
    key: str,
    given: AnyTariff,
    values: Mapping[str, float],
    winter_months: Sequence[int],
) -> TariffDict:
    """A tariff with solved knobs; see `derived_rates.fair_rates`.

    Parameters
    ----------
    key, given : the tariff it comes from, which is not changed.
    values : {knob: value}; seasons without a rate of their own keep those of the tariff, times the
        level. Minimum charges are left out, since bills have to be linear in the knobs.
    """
    table = parse_tariff(key, given)
    KNOWN.refuse_others(table, NOT_DERIVED)
    tariff = with_energy_rates(table.given, table.rate * values[LEVEL])
    rows = [list(row) for row in energy_rows(key, tariff)]
    days = {name: np.array(getattr(table, name)).tolist() for name in ("weekday", "weekend")}
    for knob, of_season in ((WINTER_RATE, WINTER), (SUMMER_RATE, SUMMER)):
        if knob not in values:
            continue
        period = max(int(row[0]) for row in rows) + 1
        rows.append([period, 1, NO_LIMIT, 0, float(values[knob]), 0.0, 0.0])
        for schedule in days.values():
            for month in seasons_of(winter_months)[of_season]:
                schedule[month - 1] = [period] * HOURS_OF_DAY
    used = sorted({period for schedule in days.values() for month in schedule for period in month})
    number = {period: place for place, period in enumerate(used, 1)}
    tariff["ur_ec_tou_mat"] = [
        [number[int(row[0])], *row[1:]] for row in rows if int(row[0]) in number
    ]
    for name, schedule in days.items():
        tariff[f"ur_ec_sched_{name}"] = [[number[p] for p in month] for month in schedule]
    tariff["ur_monthly_fixed_charge"] = float(values[FIXED])
    tariff["ur_monthly_min_charge"] = tariff["ur_annual_min_charge"] = 0.0
    return tariff
