"""Tariffs in words and as tables: charges, energy rates by period and tier, demand charges."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.demand_charges import DemandCharges
from cairo.model.names import months
from cairo.model.schedule_words import when
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import NO_LIMIT, UNIT_WORDS, reached_tiers
from cairo.results.rate_words import charges
from cairo.results.report.assembled import Part, Section
from cairo.results.report.derived import derived_rates
from cairo.results.report.designs import Designs
from cairo.results.report.exports import Exports
from cairo.results.report.numbers import cents, count, rate
from cairo.results.report.page import paragraph
from cairo.results.report.tables import Column, Row, Table

MOST_IN_FULL = 40
"""Tariffs of a design with rates in full: those of most customers. With all of hundreds the page
would be too large to open."""
MOST_WORDS = 8
"""Energy rates of a tariff that words list; of more the table alone does."""


def rates(designs: Designs) -> Section:
    """The final rates of every design."""
    alone = not designs.others
    title = [] if alone else [Column("Design")]
    words: list[Row] = []
    energy: list[Row] = []
    demand: list[Row] = []
    further: list[Row] = []
    for one in designs.every:
        run, own = one.run, [] if alone else [one.title]
        customers_of = run.customers_by_tariff
        by_customers = sorted(run.tariffs, key=lambda key: -customers_of.get(key, 0.0))
        in_full = set(by_customers[:MOST_IN_FULL])
        for key, tariff in run.tariffs.items():
            customers = customers_of.get(key, 0.0)
            name = run.labels.value("tariff", key)
            if key not in in_full:
                further.append([name, *own, customers, *_in_short(tariff)])
                continue
            words.append([name, *own, customers, in_words(tariff, run.exports)])
            energy += [[name, *own, *row] for row in _energy(tariff, run.exports)]
            demand += [[name, *own, *row] for row in _demand(tariff.demand)]
    energy_columns = (
        Column("Period"),
        Column("When"),
        Column("Tier"),
        Column("Up to"),
        Column("Rate [$/kWh]", rate),
        Column("Export credit [$/kWh]", rate),
    )
    demand_columns = (
        Column("Peak of"),
        Column("When"),
        Column("Tier"),
        Column("Up to [kW]"),
        Column("Price [$/kW]", lambda price: f"{price:.4f}"),
    )
    parts: list[Part] = [
        Table("rates_in_words", "Rates in words.",
              (Column("Tariff"), *title, Column("Customers", count), Column("Rates")), words),
        Table("energy_rates", "Energy rates.", (Column("Tariff"), *title, *energy_columns), energy),
        paragraph("An export credit is of a kWh given to the grid in the period.", "small"),
    ]  # fmt: skip
    parts += derived_rates(designs)
    if demand:
        columns = (Column("Tariff"), *title, *demand_columns)
        parts.append(Table("demand_charges", "Demand charges.", columns, demand))
    if further:
        of_few = (
            Column("Customers", count), Column("Fixed charge a month", cents),
            Column("Lowest rate [$/kWh]", rate), Column("Highest rate [$/kWh]", rate),
            Column("Demand charges"),
        )  # fmt: skip
        parts.append(
            Table(
                "further_tariffs",
                "Tariffs of fewer customers, in short; tariff_final_config.json has their rates.",
                (Column("Tariff"), *title, *of_few),
                further,
            )
        )
    return Section("rates", "Final rates", "Rates", parts)


def _in_short(tariff: Tariff) -> Row:
    """Fixed charge, lowest and highest rate, and whether demand is charged."""
    demand = "no" if tariff.demand is None else "yes"
    return [tariff.monthly_fixed, float(tariff.rate.min()), float(tariff.rate.max()), demand]


def in_words(tariff: Tariff, exports: Exports) -> str:
    """A tariff as lines: charges, then what a kWh costs when, then what exports bring."""
    credit = exports.words(tariff)
    return "\n".join(
        ["; ".join(charges(tariff)) + ".", *_prices(tariff), f"{credit[0].upper()}{credit[1:]}."]
    )


def _prices(tariff: Tariff) -> Iterator[str]:
    """What a kWh costs, a line a period and tier that are used."""
    used = np.union1d(tariff.weekday, tariff.weekend).tolist()
    tiers = {period: _tiers(tariff, period - 1) for period in used}
    if sum(map(len, tiers.values())) > MOST_WORDS:
        every = [price for rows in tiers.values() for _, price in rows]
        yield (
            f"{len(used)} periods, from {min(every):.4f} to {max(every):.4f} $/kWh: see the "
            "energy rates."
        )
        return
    for period, rows in tiers.items():
        told = ", ".join(f"{price:.4f} $/kWh{limit}" for limit, price in rows)
        if len(used) == 1:
            yield f"{told}."
        else:
            yield f"{'; '.join(when(tariff.weekday, tariff.weekend, period))}: {told}."


def _tiers(tariff: Tariff, period: int) -> list[tuple[str, float]]:
    """(which kWh of the period, price [$/kWh]) of each tier that is there."""
    found: list[tuple[str, float]] = []
    for tier in range(reached_tiers(tariff.max_usage[period])):
        most = float(tariff.max_usage[period, tier])
        limit = " above" if found else ""
        if most < NO_LIMIT:
            limit = f" up to {count(most)} {UNIT_WORDS.get(int(tariff.unit[period, tier]), '')}"
        found.append((limit, float(tariff.rate[period, tier])))
    return found


def _energy(tariff: Tariff, exports: Exports) -> Iterator[Row]:
    credit = exports.credit(tariff)
    for period in range(tariff.n_periods):
        hours = "\n".join(when(tariff.weekday, tariff.weekend, period + 1))
        for tier in range(reached_tiers(tariff.max_usage[period])):
            most = float(tariff.max_usage[period, tier])
            unit = UNIT_WORDS.get(int(tariff.unit[period, tier]), "")
            yield [
                str(period + 1),
                hours if tier == 0 else "",
                str(tier + 1),
                "no limit" if most >= NO_LIMIT else f"{count(most)} {unit}",
                float(tariff.rate[period, tier]),
                float(credit[period]) if tier == 0 else math.nan,
            ]


def _demand(demand: DemandCharges | None) -> list[Row]:
    if demand is None:
        return []
    rows: list[Row] = []
    for month, (prices, maxima) in enumerate(zip(demand.flat_price, demand.flat_max, strict=True)):
        rows += _demand_rows(months[month], "", prices, maxima)
    for period, (prices, maxima) in enumerate(zip(demand.tou_price, demand.tou_max, strict=True)):
        hours = "\n".join(when(demand.weekday, demand.weekend, period + 1))
        rows += _demand_rows(f"period {period + 1}", hours, prices, maxima)
    return rows


def _demand_rows(name: str, hours: str, prices: Float1D, maxima: Float1D) -> list[Row]:
    rows: list[Row] = []
    for tier, (price, most) in enumerate(zip(prices, maxima, strict=True)):
        if not price and tier:
            continue
        limit = "no limit" if most >= NO_LIMIT else count(float(most))
        rows.append([name, hours, str(tier + 1), limit, float(price)])
    return rows
