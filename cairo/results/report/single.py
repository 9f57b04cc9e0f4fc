"""The page of one run."""

from __future__ import annotations

import math

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.bat_statistics import paid_for_one_another
from cairo.model.names import (
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    HOURS,
    RESIDUAL_COSTS,
    TOTAL_MARGINAL_COSTS,
    TOTAL_SYSTEM_COSTS,
)
from cairo.results.report.alignment import alignment, by_segment, inline, names_of
from cairo.results.report.assembled import Report, Section, assembled
from cairo.results.report.bills import bills
from cairo.results.report.burden import income
from cairo.results.report.checks import remarks_of
from cairo.results.report.data import RunData
from cairo.results.report.designs import Designs
from cairo.results.report.made import made
from cairo.results.report.numbers import (
    ALL,
    cents,
    count,
    dollars,
    energy,
    mean_of,
    percent,
    power,
    ratio,
    short_dollars,
)
from cairo.results.report.page import Html, cards, remarks
from cairo.results.report.rates import rates
from cairo.results.report.response import response
from cairo.results.report.segments import highlight, segments
from cairo.results.report.system_charts import system_load
from cairo.results.report.tables import Column, Row, Table


def single_page(designs: Designs, group: str | None = None) -> Report:
    """The whole page."""
    run = designs.base.run
    chosen = highlight(designs.homes, group, run.labels)
    found, left_out = segments(designs.homes, {"tariff": run.tariff_of}, run.labels)
    known = remarks("Before reading on", remarks_of(run))
    sections = [
        Section("summary", "In short", "In short", [known, headline(run)]),
        Section("revenue", "Revenue and requirement", "Revenue", [revenue(run)]),
        alignment(designs, chosen),
        by_segment(designs, found, left_out),
        income(designs),
        system(run),
        None if run.response is None else response(run, chosen),
        bills(designs, chosen),
        rates(designs),
        made(designs),
    ]
    there = [one for one in sections if one is not None]
    return assembled("Rate design report", run.name, facts(run), there, several=False)


def facts(run: RunData) -> str:
    """What the run is of, in a line."""
    parts = [f"{count(len(run.homes))} modelled homes for {count(run.customers)} customers"]
    if run.dollar_year:
        parts.append(f"{run.dollar_year} dollars")
    if run.record.get("started"):
        parts.append(f"run of {str(run.record['started'])[:10]}")
    return ", ".join(parts)


def headline(run: RunData) -> Html:
    """The numbers asked for first."""
    load = run.hours["system_load_kwh"].to_numpy()
    peak = int(np.argmax(load))
    when = run.hours["time"].iloc[peak]
    marginal = run.costs.get(TOTAL_MARGINAL_COSTS, math.nan)
    paid = {
        words: paid_for_one_another(run.bat[name], run.weight)
        for name, words in names_of(list(run.bat)).items()
    }
    least, most = min(paid, key=paid.__getitem__), max(paid, key=paid.__getitem__)
    return cards(
        [
            (
                "Revenue recovered",
                short_dollars(run.revenue),
                f"of {short_dollars(run.requirement)} required "
                f"({percent(ratio(run.revenue, run.requirement), 2)})",
            ),
            (
                "Marginal costs",
                short_dollars(marginal),
                f"{percent(ratio(marginal, run.requirement))} of the requirement",
            ),
            (
                "Residual",
                short_dollars(run.residual),
                f"{percent(ratio(run.residual, run.requirement))} of the requirement",
            ),
            (
                "Customers pay for one another",
                short_dollars(paid[most]),
                f"with the residual allocated {inline(most)}; {short_dollars(paid[least])} with "
                f"{inline(least)}, the least",
            ),
            (
                "System peak",
                power(float(load[peak])),
                f"hour beginning {when:%d %B, %H:%M}, local standard time",
            ),
            ("Energy", energy(float(load.sum())), "net of generation at home, in the year"),
            (
                "Mean electric bill",
                dollars(mean_of(run.bills["elec"].annual, run.weight)),
                "a customer and year",
            ),
        ]
    )


def revenue(run: RunData) -> Table:
    """Weighted bills beside the requirement, by tariff where it is set so."""
    elec, weight = run.bills["elec"].annual, run.weight
    rows: list[Row] = []
    if len(run.tariffs) > 1:
        for key in run.tariffs:
            mine = run.tariff_of == key
            if mine.any():
                name = run.labels.value("tariff", key)
                required = run.requirement_by_tariff.get(key, math.nan)
                rows.append(_revenue_row(name, weight[mine], elec[mine], required))
    rows.append(_revenue_row(ALL, weight, elec, run.requirement))
    return Table(
        "revenue",
        "Electric bills of all customers in the year.",
        (
            Column("Tariff"),
            Column("Customers", count),
            Column("Weighted bills", dollars, "$"),
            Column("Requirement", dollars, "$"),
            Column("Difference", cents, "$"),
            Column("Mean bill", dollars, "$"),
        ),
        rows,
        last_is_total=True,
    )


def _revenue_row(name: str, weight: Float1D, bills: Float1D, requirement: float) -> Row:
    collected, customers = math.fsum(weight * bills), math.fsum(weight)
    return [
        name,
        customers,
        collected,
        requirement,
        collected - requirement,
        ratio(collected, customers),
    ]


def system(run: RunData) -> Section:
    """The year's load, the hours that cost, and the costs by type."""
    marked = np.zeros(HOURS, dtype=bool)
    for name in (CAPACITY_PRICE, DISTRIBUTION_PRICE):
        if name in run.hours:
            marked |= run.hours[name].to_numpy() > 0
    sums = (TOTAL_MARGINAL_COSTS, RESIDUAL_COSTS, TOTAL_SYSTEM_COSTS)
    costs = {name: value for name, value in run.costs.items() if name not in sums}
    costs |= {name: run.costs[name] for name in sums if name in run.costs}
    rows: list[Row] = [
        [name.removesuffix(" ($)"), value, ratio(value, run.requirement)]
        for name, value in costs.items()
    ]
    columns = (
        Column("Cost"),
        Column("In the year", dollars, "$"),
        Column("Of the requirement", percent, "share"),
    )
    table = Table("costs", "Costs by type.", columns, rows, last_is_total=True)
    title = "System load and marginal cost hours"
    return Section("system", title, "System load", [system_load(run.hours, marked), table])
