"""What a tariff means, whatever its periods are numbered: to compare forms and sums of tariffs."""

from __future__ import annotations

import numpy as np

from cairo.model.bills import customer_use, monthly_bills
from cairo.model.kernels import group_peaks, group_sums
from cairo.model.periods import PeriodUse, period_plan
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import NO_LIMIT

YEAR = 2025


def assert_same_meaning(one: Tariff, other: Tariff) -> None:
    """Every hour has the same tiers, and a month's hours share tiers with the same hours."""
    for name in ("monthly_fixed", "monthly_min", "annual_min"):
        assert getattr(one, name) == getattr(other, name), name
    assert max(one.metering_option, 1) == max(other.metering_option, 1)
    np.testing.assert_array_equal(one.fuel_adjustment, other.fuel_adjustment)
    assert_same_schedule(
        (one.weekday, one.weekend, [one.rate, one.sell], one.max_usage, one.unit),
        (other.weekday, other.weekend, [other.rate, other.sell], other.max_usage, other.unit),
    )
    assert (one.demand is None) == (other.demand is None)
    if one.demand is None or other.demand is None:
        return
    a, b = one.demand, other.demand
    months = np.tile(np.arange(1, 13)[:, None], (1, 24))
    assert_same_schedule(
        (months, months, [a.flat_price], a.flat_max, None),
        (months, months, [b.flat_price], b.flat_max, None),
    )
    assert len(a.tou_price) == 0 or len(b.tou_price) > 0
    if len(a.tou_price):
        assert_same_schedule(
            (a.weekday, a.weekend, [a.tou_price], a.tou_max, None),
            (b.weekday, b.weekend, [b.tou_price], b.tou_max, None),
        )


def assert_same_schedule(one, other) -> None:
    for month in range(12):
        mine, theirs = (
            np.concatenate([weekday[month], weekend[month]]) - 1
            for weekday, weekend, *_ in (one, other)
        )
        pairs = set(zip(mine.tolist(), theirs.tolist(), strict=True))
        # As many pairs as periods of either: they are the same hours, under other numbers.
        assert len(pairs) == len(set(mine.tolist())) == len(set(theirs.tolist()))
        for p, q in pairs:
            assert tiers(*one[2:], p) == tiers(*other[2:], q)


def tiers(tables, limit, unit, period: int):
    """Limits, prices and unit of the tiers that some usage can reach."""
    ends = np.flatnonzero(limit[period, :-1] >= NO_LIMIT)
    n = int(ends[0]) + 1 if len(ends) else limit.shape[1]
    code = None if unit is None or n == 1 else int(unit[period, 0])
    return limit[period, : n - 1].tolist(), [t[period, :n].tolist() for t in tables], code


def bills(tariff: Tariff, load: np.ndarray) -> np.ndarray:
    """Monthly bills (n, 12) [$] of hourly loads (n, 8760) [kWh]."""
    plan = period_plan(tariff, YEAR)
    billed = plan.energy.spread(group_sums(load, plan.energy.order, plan.energy.starts))
    peak = plan.months.spread(group_peaks(load, plan.months.order, plan.months.starts))[:, :, 0]
    timed = None
    if plan.demand is not None:
        timed = plan.demand.spread(group_peaks(load, plan.demand.order, plan.demand.starts))
    ids = np.arange(len(load))
    return monthly_bills(customer_use(PeriodUse(ids, billed, None, peak, timed), tariff), tariff)
