"""The hours of a year by month and tariff period, and what customers use in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float2D, Float3D, Int1D
from cairo.model.calendar import hour_months, hour_of_day, hour_weekend
from cairo.model.names import HOURS_OF_DAY, MONTHS
from cairo.model.tariff import Tariff


@dataclass(frozen=True)
class HourGroups:
    """The year's hours sorted into the groups of month x period that occur.

    order : (8760,) hours in group order, None when already so.
    starts : (g,) first place of each group in that order.
    month, period : (g,) month from 0 and period from 0 of each group.
    periods : number of periods of the schedule; rows : of months, or of what stands for them.
    """

    order: Int1D | None
    starts: Int1D
    month: Int1D
    period: Int1D
    periods: int
    rows: int = MONTHS

    def spread(self, groups: Float2D) -> Float3D:
        """(n, g) group values as (n, rows, periods), zero where a period has no hour."""
        full = np.zeros((len(groups), self.rows, self.periods))
        full[:, self.month, self.period] = groups
        return full


def hour_groups(weekday: np.ndarray, weekend: np.ndarray, periods: int, year: int) -> HourGroups:
    """Groups of a URDB schedule (12, 24) of periods from 1, in a calendar year."""
    month, hour = hour_months(), hour_of_day()
    period = np.where(hour_weekend(year), weekend[month, hour], weekday[month, hour]) - 1
    return grouped_hours(month, period, MONTHS, periods)


def grouped_hours(row: Int1D, period: Int1D, rows: int, periods: int) -> HourGroups:
    """Groups of hours (8760,) that have a row (a month, a season) and a period, both from 0."""
    group = row * periods + period
    order = np.argsort(group, kind="stable")
    occurring, starts = np.unique(group[order], return_index=True)
    already = bool((np.diff(group) >= 0).all())
    return HourGroups(
        None if already else order,
        starts.astype(np.int64),
        (occurring // periods).astype(np.int64),
        (occurring % periods).astype(np.int64),
        periods,
        rows,
    )


@dataclass(frozen=True)
class PeriodPlan:
    """What one tariff's bills need of the hourly loads.

    energy : groups of the energy schedule.
    demand : groups of the demand schedule, None without time-of-use demand charges.
    monthly_peak : whether the month's highest hour is needed.
    """

    energy: HourGroups
    demand: HourGroups | None
    monthly_peak: bool
    months: HourGroups


def period_plan(table: Tariff, year: int) -> PeriodPlan:
    """The plan of a tariff in a calendar year."""
    all_hours = np.ones((MONTHS, HOURS_OF_DAY), dtype=np.int64)
    demand = table.demand
    return PeriodPlan(
        energy=hour_groups(table.weekday, table.weekend, table.n_periods, year),
        demand=hour_groups(demand.weekday, demand.weekend, len(demand.tou_price), year)
        if demand is not None and len(demand.tou_price)
        else None,
        monthly_peak=demand is not None or table.needs_monthly_peak,
        months=hour_groups(all_hours, all_hours, 1, year),
    )


@dataclass(frozen=True)
class PeriodUse:
    """What customers on one tariff used, by month and period.

    bldg_ids : (n,) ascending.
    billed : (n, 12, P) grid consumption [kWh], or gas [therms].
    load : (n, 12, P) gross load [kWh] when asked for.
    peak_kw : (n, 12) month's highest hour [kW]; demand_kw : (n, 12, D) by demand period.
    exports, self_use, generation : (n, 12, P) solar energies [kWh]; zeros without PV.
    """

    bldg_ids: Int1D
    billed: Float3D
    load: Float3D | None = None
    peak_kw: Float2D | None = None
    demand_kw: Float3D | None = None
    exports: Float3D | None = None
    self_use: Float3D | None = None
    generation: Float3D | None = None
