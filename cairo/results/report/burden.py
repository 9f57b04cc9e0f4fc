"""Income: what bills take of it, and what groups by income and heating pay or pay for others."""

from __future__ import annotations

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.income import HIGH_BURDEN
from cairo.results.report import charts
from cairo.results.report.alignment import MOST_PANELS, names_of
from cairo.results.report.assembled import Part, Section
from cairo.results.report.data import FUELS
from cairo.results.report.designs import Designs
from cairo.results.report.numbers import (
    ALL,
    cents,
    count,
    dollars,
    mean_of,
    percent,
    ratio,
    share_where,
)
from cairo.results.report.page import paragraph
from cairo.results.report.segments import Segment, heating_groups, income_groups
from cairo.results.report.tables import Column, Row, Table


def income(designs: Designs) -> Section | None:
    """The section; None where the metadata have no income."""
    found = income_groups(designs.homes)
    if found is None:
        return None
    groups, values = found
    parts: list[Part] = [_burden(designs, groups, values)]
    heating = heating_groups(designs.homes, designs.labels)
    if heating is not None:
        drawn, table = _two_ways(designs, groups, heating)
        parts += [*drawn, table]
    return Section("income", "Income and heating", "Income", parts)


def _burden(designs: Designs, groups: Segment, values: Float1D) -> Table:
    """Bills as a share of income, a row a design and group."""
    fuel = "comb" if all("comb" in one.run.bills for one in designs.every) else "elec"
    known = np.isfinite(values)
    alone = not designs.others
    rows: list[Row] = []
    places = [groups.code == number for number in range(len(groups.groups))]
    for name, mine in zip((*groups.groups, ALL), (*places, known), strict=True):
        both = mine & known
        weight, earned = designs.weight[both], values[both]
        for one in designs.every:
            bill = one.annual(fuel)
            high = bill[both] > HIGH_BURDEN * earned
            rows.append(
                [
                    name,
                    *([] if alone else [one.title]),
                    float(designs.weight[mine].sum()),
                    mean_of(earned, weight),
                    mean_of(bill[mine], designs.weight[mine]),
                    ratio(mean_of(bill[both], weight), mean_of(earned, weight)),
                    share_where(high, weight),
                ]
            )
    what = FUELS[fuel].lower()
    return Table(
        "burden",
        f"Bills ({what}) as a share of income, by fifths of the customers by income. A bracket of "
        f"incomes counts as its middle, its open end as where it begins; above "
        f"{percent(HIGH_BURDEN, 0)} a burden is called high.",
        (
            Column("Income"),
            *([] if alone else [Column("Design")]),
            Column("Customers", count),
            Column("Mean income", dollars, "$"),
            Column("Mean bill", dollars, "$"),
            Column("Share of income", percent, "share", bar=True),
            Column(f"Pay more than {percent(HIGH_BURDEN, 0)}", percent, "share"),
        ),
        rows,
    )


def _two_ways(designs: Designs, rows: Segment, marks: Segment) -> tuple[list[Part], Table]:
    """Groups by income and heating: bill alignment of one run, change of bills of several."""
    if designs.others:
        data = [
            charts.Means(f"{one.letter} minus {designs.base.letter}",
                         designs.change(one, "elec"), designs.weight)
            for one in designs.others
        ]  # fmt: skip
        what, unit = "Average change of the annual electric bill", "average change [$ a year]"
    else:
        run = designs.base.run
        data = [
            charts.Means(words, run.bat[name], run.weight)
            for name, words in names_of(designs.allocations).items()
        ]
        what, unit = "Average bill alignment", "average alignment [$ a year]"
    caption = f"{what} of customers by income and {marks.name}"
    drawn: Part = (
        charts.two_ways(
            "two-ways", data, rows, marks, unit, f"{caption}; the table has the numbers."
        )
        if len(data) <= MOST_PANELS
        else paragraph("Of so many designs no groups are drawn; the table has them all.")
    )
    cells: list[Row] = []
    for row, income_name in enumerate(rows.groups):
        for mark, heating in enumerate(marks.groups):
            both = (rows.code == row) & (marks.code == mark)
            weight = designs.weight[both]
            if weight.sum() > 0.0:
                means = [mean_of(one.values[both], weight) for one in data]
                bill = mean_of(designs.base.annual("elec")[both], weight)
                cells.append([income_name, heating, float(weight.sum()), bill, *means])
    bill_of = f" under {designs.base.letter}" if designs.others else ""
    table = Table(
        "income_by_heating",
        f"{caption} [$ a customer and year].",
        (
            Column("Income"),
            Column(marks.name.capitalize()),
            Column("Customers", count),
            Column(f"Mean electric bill{bill_of}", cents, "$"),
            *(Column(one.title, cents, "$", bar=True) for one in data),
        ),
        cells,
    )
    return [drawn], table
