"""A tariff's charges in words, for reports and the terminal."""

from __future__ import annotations

import numpy as np

from cairo.files.urdb import RULES
from cairo.model.arrays import Float1D
from cairo.model.demand_charges import DemandCharges
from cairo.model.known_fields import KnownFields
from cairo.model.names import MONTHS, months
from cairo.model.rollover import Rollover
from cairo.model.schedule_words import spans, when
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import UNIT_WORDS, reached_tiers
from cairo.model.tariff_rules import nets

KNOWN = KnownFields(
    # Metering is told where the tariff is shown alone: in a run, its solar compensation decides.
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "demand fuel_adjustment tier_rule rollover",
    # The shares of a ratchet and where carried kWh go have no words.
    demand="weekday weekend tou_price tou_max flat_price flat_max billing",
    rollover="dollars settled year_end_price applied next_period",
    **{"demand.billing": "minimum lookback share whole periods occurs"},
)
"""What there are words for."""
NO_WORDS = "which there are no words for yet"


def tariff_words(tariff: Tariff) -> list[str]:
    """A tariff as lines of plain text: charges, then energy and demand by period.

    Raises
    ------
    TariffError
        As `charges`.
    """
    lines = ["; ".join(charges(tariff))]
    for period, (rates, times) in energy_words(tariff, exports=False).items():
        lines.append(f"energy, period {period} ({'; '.join(times)}): {rates}")
    if tariff.demand is not None:
        lines += [f"demand, {line}" for line in monthly_demand_words(tariff.demand)]
        for period, (rates, times) in demand_words(tariff.demand).items():
            lines.append(f"demand, period {period} ({'; '.join(times)}): {rates}")
    return [line.replace("\N{EN DASH}", "-") for line in lines]


def charges(tariff: Tariff) -> list[str]:
    """What a tariff charges besides energy, a sentence's part each.

    Raises
    ------
    TariffError
        It has a field that there are no words for.
    """
    KNOWN.refuse_others(tariff, NO_WORDS)
    parts = [f"Fixed charge ${tariff.monthly_fixed:,.2f} a month"]
    if tariff.monthly_min:
        parts.append(f"minimum bill ${tariff.monthly_min:,.2f} a month")
    if tariff.annual_min:
        parts.append(f"minimum bill ${tariff.annual_min:,.2f} a year")
    if tariff.fuel_adjustment.any():
        by_month = (
            f"{month} {price:.6f}"
            for month, price in zip(months, tariff.fuel_adjustment.tolist(), strict=True)
        )
        parts.append(f"fuel adjustment [$/kWh] {', '.join(by_month)}")
    if tariff.demand is not None and tariff.demand.billing is not None:
        terms = tariff.demand.billing
        parts.append(
            f"demand billed is at least {terms.minimum:g} kW, or shares of the peaks of "
            f"{terms.lookback} months before"
        )
    if tariff.tier_rule == "month" and tariff.n_tiers > 1:
        parts.append("tiers filled by the use of the whole month")
    return parts if tariff.rollover is None else [*parts, _carried(tariff.rollover)]


def _carried(terms: Rollover) -> str:
    unit = "dollars" if terms.dollars else "kWh"
    left = "a credit of later bills" if terms.applied else "paid out"
    price = "" if terms.dollars else f" at {terms.year_end_price:g} $/kWh"
    return (
        f"net metering credits carried in {unit}, what is left in {months[terms.settled]} "
        f"is {left}{price}"
    )


def metering_words(tariff: Tariff) -> str:
    """`Net Billing Hourly` as URDB has it; empty of net metering."""
    return "" if nets(tariff.metering_option) else RULES[tariff.metering_option]


def energy_words(tariff: Tariff, *, exports: bool = True) -> dict[int, tuple[str, list[str]]]:
    """{period from 1: (its rates, when it applies, a line a season)} of periods that occur.

    exports : whether with what exports are credited.
    """
    used = np.union1d(tariff.weekday, tariff.weekend).tolist()
    words = {}
    for period in used:
        unit = UNIT_WORDS.get(int(tariff.unit[period - 1, 0]), "")
        per = f" {unit}" if " a day" in unit else f" {unit} a month"
        rates = tier_words(tariff.rate[period - 1], tariff.max_usage[period - 1], "$/kWh", per)
        sell = tariff.sell[period - 1, 0]
        sold = f", exports {sell:.6g} $/kWh" if sell and exports else ""
        words[period] = f"{rates}{sold}", when(tariff.weekday, tariff.weekend, period)
    return words


def monthly_demand_words(demand: DemandCharges) -> list[str]:
    """`Jun–Sep: 7.5 $/kW of the month's highest hour`, a line for months that charge alike."""
    alike: dict[str, list[int]] = {}
    for month in range(MONTHS):
        if demand.flat_price[month].any():
            text = tier_words(demand.flat_price[month], demand.flat_max[month], "$/kW", " kW")
            alike.setdefault(text, []).append(month)
    lines = []
    for text, chosen in alike.items():
        runs = spans(np.isin(np.arange(MONTHS), chosen))
        names = (
            months[first] if (past - first) % MONTHS == 1 else f"{months[first]}–{months[past - 1]}"
            for first, past in runs
        )
        season = "All year" if len(chosen) == MONTHS else ", ".join(names)
        lines.append(f"{season}: {text} of the month's highest hour")
    return lines


def demand_words(demand: DemandCharges) -> dict[int, tuple[str, list[str]]]:
    """The same as `energy_words` of demand charges by period."""
    if not len(demand.tou_price):
        return {}
    return {
        period: (
            tier_words(demand.tou_price[period - 1], demand.tou_max[period - 1], "$/kW", " kW"),
            when(demand.weekday, demand.weekend, period),
        )
        for period in np.union1d(demand.weekday, demand.weekend).tolist()
    }


def tier_words(prices: Float1D, most: Float1D, unit: str, of: str) -> str:
    """`0.1 $/kWh up to 300 kWh, then 0.12 $/kWh`, of the tiers that some usage reaches."""
    last = reached_tiers(most) - 1
    words = [
        f"{price:.6g} {unit} up to {limit:,g}{of}"
        for price, limit in zip(prices[:last], most[:last], strict=True)
    ]
    return ", then ".join([*words, f"{prices[last]:.6g} {unit}"])
