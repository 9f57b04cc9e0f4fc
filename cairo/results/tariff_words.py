"""A tariff in words, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from cairo.model.demand_charges import DemandCharges
from cairo.model.names import months
from cairo.model.schedule_words import when
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import UNITS
from cairo.results.rate_words import tier_words

NEVER = "never"


def tariff_words(tariff: Tariff) -> list[str]:
    """Charges of a tariff: fixed and minimum, then energy and demand by period."""
    parts = [f"fixed charge {tariff.monthly_fixed:,.2f} $ a month"]
    if tariff.monthly_min:
        parts.append(f"at least {tariff.monthly_min:,.2f} $ a month")
    if tariff.annual_min:
        parts.append(f"at least {tariff.annual_min:,.2f} $ a year")
    lines = [", ".join(parts)]
    for period in range(tariff.n_periods):
        hours = _hours(when(tariff.weekday, tariff.weekend, period + 1))
        if hours == NEVER:
            continue
        unit = f" {UNITS[int(tariff.unit[period, 0])]}"
        prices = tier_words(tariff.rate[period], tariff.max_usage[period], "$/kWh", unit)
        lines.append(f"energy, period {period + 1} ({hours}): {prices}")
    if tariff.fuel_adjustment.any():
        of_month = zip(months, tariff.fuel_adjustment.tolist(), strict=True)
        prices = ", ".join(f"{month} {price:g}" for month, price in of_month)
        lines.append(f"fuel adjustment [$/kWh]: {prices}")
    return [*lines, *([] if tariff.demand is None else _demand(tariff.demand))]


def _demand(demand: DemandCharges) -> list[str]:
    lines = []
    of_month = [
        tier_words(price, most, "$/kW", " kW")
        for price, most in zip(demand.flat_price, demand.flat_max, strict=True)
    ]
    if demand.flat_price.any():
        for words in dict.fromkeys(of_month):
            which = [month for month, one in zip(months, of_month, strict=True) if one == words]
            when_ = "every month" if len(which) == len(months) else ", ".join(which)
            lines.append(f"demand, highest hour of the month ({when_}): {words}")
    for period, (price, most) in enumerate(zip(demand.tou_price, demand.tou_max, strict=True)):
        hours = _hours(when(demand.weekday, demand.weekend, period + 1))
        if hours != NEVER:
            prices = tier_words(price, most, "$/kW", " kW")
            lines.append(f"demand, period {period + 1} ({hours}): {prices}")
    if demand.billing is not None:
        lines.append(
            f"demand billed is at least {demand.billing.minimum:g} kW, or shares of the peaks of "
            f"{demand.billing.lookback} months before"
        )
    return lines


def _hours(lines: Iterable[str]) -> str:
    return "; ".join(lines).replace("\N{EN DASH}", "-")
