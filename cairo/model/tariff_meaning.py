"""What a tariff bills, whatever its periods are numbered: to compare a tariff with another form."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from cairo.model.arrays import Float1D, Int2D
from cairo.model.demand_charges import DemandCharges
from cairo.model.known_fields import NOT_BILLED, differing
from cairo.model.names import MONTHS
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import reached_tiers
from cairo.model.tariff_rules import nets

SCHEDULED = ("rate", "sell", "max_usage", "unit", "weekday", "weekend")
OF_DEMAND = ("weekday", "weekend", "tou_price", "tou_max", "flat_price", "flat_max")
Tiers = tuple[tuple[float, ...], ...]
"""(limits, prices, ...) of the tiers that some usage can reach."""


def differing_meaning(one: Tariff, other: Tariff) -> list[str]:
    """Names of the fields in which two tariffs bill otherwise, to the bit.

    Periods may have other numbers, as may those of demand charges, and what no usage reaches does
    not count. `rate` and `demand` stand for all that is by period.
    """
    compared = {*SCHEDULED, "demand", *(f"demand.{name}" for name in OF_DEMAND)}
    if nets(one.metering_option) and nets(other.metering_option):
        compared.add("metering_option")
    found = differing(one, other, NOT_BILLED | compared)
    found += ["rate"] if _energy(one) != _energy(other) else []
    return found + (["demand"] if _demand(one.demand) != _demand(other.demand) else [])


def _energy(tariff: Tariff) -> Hashable:
    def spec(period: int) -> Hashable:
        limit = tariff.max_usage[period]
        tiers = _tiers(limit, tariff.rate[period], tariff.sell[period])
        return tiers, int(tariff.unit[period, 0]) if reached_tiers(limit) > 1 else 0

    return _by_month(tariff.weekday, tariff.weekend, spec)


def _demand(demand: DemandCharges | None) -> Hashable:
    """None where nothing is charged."""
    if demand is None:
        return None
    flat = tuple(map(_tiers, demand.flat_max, demand.flat_price)) if demand.flat_price.any() else ()
    used = np.union1d(demand.weekday, demand.weekend) - 1
    if not len(demand.tou_price) or not demand.tou_price[used].any():
        return (flat, ()) if flat else None

    def spec(period: int) -> Hashable:
        return _tiers(demand.tou_max[period], demand.tou_price[period])

    return flat, _by_month(demand.weekday, demand.weekend, spec)


def _tiers(limit: Float1D, *prices: Float1D) -> Tiers:
    n = reached_tiers(limit)
    return tuple(limit[: n - 1].tolist()), *(tuple(one[:n].tolist()) for one in prices)


def _by_month(weekday: Int2D, weekend: Int2D, spec: Callable[[int], Hashable]) -> Hashable:
    """Of each month which of its hours share a period, and the periods in the hours' order."""
    months = []
    for month in range(MONTHS):
        hours = [*weekday[month].tolist(), *weekend[month].tolist()]
        number = {period: place for place, period in enumerate(dict.fromkeys(hours))}
        months.append(
            (tuple(number[period] for period in hours), tuple(spec(p - 1) for p in number))
        )
    return tuple(months)
