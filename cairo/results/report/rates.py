"""Tariffs as tables: charges a month, energy rates by period and tier, demand charges."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.model.arrays import Float1D
from cairo.model.demand_charges import DemandCharges
from cairo.model.names import months
from cairo.model.schedule_words import when
from cairo.model.tariff import Tariff
from cairo.results.rate_words import NO_MAXIMUM, UNITS, charges
from cairo.results.report.numbers import count, dollars
from cairo.results.report.page import Html, heading, join, lines, paragraph, table

MOST_IN_FULL = 40
"""Tariffs with tables of their own: those of most customers. With all of hundreds the page would be
too large to open."""


def rate_tables(
    tariffs: Mapping[str, Tariff], customers_by_tariff: Mapping[str, float] | None = None
) -> list[Html]:
    """A heading and tables for each tariff; of very many, a row each for those of few customers."""
    customers = customers_by_tariff or {}
    by_customers = sorted(tariffs, key=lambda key: -customers.get(key, 0.0))
    in_full = set(by_customers[:MOST_IN_FULL])
    tables = [
        join(
            [
                heading(key),
                paragraph("; ".join(charges(tariff)) + "."),
                _energy(tariff),
                *_demand(tariff.demand),
            ]
        )
        for key, tariff in tariffs.items()
        if key in in_full
    ]
    rest = {key: tariff for key, tariff in tariffs.items() if key not in in_full}
    return [*tables, _in_short(rest, customers)] if rest else tables


def _in_short(tariffs: Mapping[str, Tariff], customers: Mapping[str, float]) -> Html:
    rows = [
        [
            key,
            count(customers.get(key, 0.0)),
            dollars(tariff.monthly_fixed, 2),
            f"{tariff.rate.min():.6f}",
            f"{tariff.rate.max():.6f}",
            "no" if tariff.demand is None else "yes",
        ]
        for key, tariff in tariffs.items()
    ]
    head = [
        "Tariff", "Customers", "Fixed charge a month", "Lowest rate [$/kWh]", "Highest",
        "Demand charges",
    ]  # fmt: skip
    caption = "Tariffs of fewer customers, in short; tariff_final_config.json has all their rates."
    return join([heading(f"{len(tariffs)} further tariffs"), table(head, rows, caption=caption)])


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
