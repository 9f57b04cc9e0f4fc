"""Tariffs as tables: charges a month, energy rates by period and tier, demand charges."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.model.arrays import Float1D
from cairo.model.demand_charges import DemandCharges
from cairo.model.names import months
from cairo.model.tariff import Tariff
from cairo.results.report.numbers import count, dollars
from cairo.results.report.page import Html, heading, join, lines, paragraph, table
from cairo.results.report.schedule import when

NO_MAXIMUM = 1e37
"""Maxima above this mean none; PySAM writes 1e38."""
UNITS = {0: "kWh", 1: "kWh/kW", 2: "kWh a day", 3: "kWh/kW a day"}


def rate_tables(tariffs: Mapping[str, Tariff]) -> list[Html]:
    """A heading and tables for each tariff."""
    return [
        join([heading(key), _charges(tariff), _energy(tariff), *_demand(tariff.demand)])
        for key, tariff in tariffs.items()
    ]


def _charges(tariff: Tariff) -> Html:
    parts = [f"Fixed charge {dollars(tariff.monthly_fixed, 2)} a month"]
    if tariff.monthly_min:
        parts.append(f"minimum bill {dollars(tariff.monthly_min, 2)} a month")
    if tariff.annual_min:
        parts.append(f"minimum bill {dollars(tariff.annual_min, 2)} a year")
    if tariff.fuel_adjustment.any():
        by_month = (
            f"{month} {price:.6f}"
            for month, price in zip(months, tariff.fuel_adjustment.tolist(), strict=True)
        )
        parts.append(f"fuel adjustment [$/kWh] {', '.join(by_month)}")
    if tariff.demand is not None and tariff.demand.billing is not None:
        parts.append("demand charges on billing demand (a minimum or earlier months' peaks)")
    if tariff.tier_rule == "month" and tariff.n_tiers > 1:
        parts.append("tiers filled by the use of the whole month")
    if tariff.rollover is not None:
        unit = "dollars" if tariff.rollover.dollars else "kWh"
        parts.append(
            f"net metering credits carried in {unit}, settled in {months[tariff.rollover.settled]}"
        )
    return paragraph("; ".join(parts) + ".")


def _energy(tariff: Tariff) -> Html:
    rows = []
    for period in range(tariff.n_periods):
        hours = lines(when(tariff.weekday, tariff.weekend, period + 1))
        before = -1.0
        for tier in range(tariff.n_tiers):
            most = float(tariff.max_usage[period, tier])
            if before >= NO_MAXIMUM:
                break
            limit = "no limit" if most >= NO_MAXIMUM else count(most)
            unit = UNITS.get(int(tariff.unit[period, tier]), "")
            rows.append(
                [
                    str(period + 1),
                    hours if tier == 0 else "",
                    str(tier + 1),
                    limit if limit == "no limit" else f"{limit} {unit}",
                    f"{tariff.rate[period, tier]:.6f}",
                    f"{tariff.sell[period, tier]:.6f}",
                ]
            )
            before = most
    return table(
        ["Period", "When", "Tier", "Up to", "Rate [$/kWh]", "Export credit [$/kWh]"],
        rows,
        caption=f"Energy rates of {tariff.key}.",
        text=(0, 1),
    )


def _demand(demand: DemandCharges | None) -> list[Html]:
    if demand is None:
        return []
    rows: list[list[str]] = []
    for month, (prices, maxima) in enumerate(zip(demand.flat_price, demand.flat_max, strict=True)):
        rows += _demand_rows(months[month], "", prices, maxima)
    for period, (prices, maxima) in enumerate(zip(demand.tou_price, demand.tou_max, strict=True)):
        hours = lines(when(demand.weekday, demand.weekend, period + 1))
        rows += _demand_rows(f"period {period + 1}", hours, prices, maxima)
    head = ["Peak of", "When", "Tier", "Up to [kW]", "Price [$/kW]"]
    return [table(head, rows, caption="Demand charges.", text=(0, 1))] if rows else []


def _demand_rows(name: str, hours: str, prices: Float1D, maxima: Float1D) -> list[list[str]]:
    rows = []
    for tier, (price, most) in enumerate(zip(prices, maxima, strict=True)):
        if not price and tier:
            continue
        limit = "no limit" if most >= NO_MAXIMUM else count(float(most))
        rows.append([name, hours, str(tier + 1), limit, f"{price:.4f}"])
    return rows
