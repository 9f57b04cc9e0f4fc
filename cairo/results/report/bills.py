"""Bills of one run: their distribution over the year's total, and by month."""

from __future__ import annotations

from cairo.model.names import months
from cairo.results.report import charts
from cairo.results.report.assembled import Section
from cairo.results.report.data import FUELS
from cairo.results.report.designs import Designs
from cairo.results.report.numbers import cents, dollars, mean_of, weighted_quantile
from cairo.results.report.page import paragraph
from cairo.results.report.parts import mean_bill_parts
from cairo.results.report.segments import Highlight
from cairo.results.report.tables import Column, Row, Table

QUANTILES = {
    "Tenth": 0.1,
    "Quarter": 0.25,
    "Median": 0.5,
    "Three quarters": 0.75,
    "Nine tenths": 0.9,
}
CONVENTION = (
    "Quartiles count customers: the lower one is the least bill that at least a quarter of the "
    "customers do not exceed (where a bill is reached exactly there, the mean of it and the next)."
)


def bills(designs: Designs, chosen: Highlight | None) -> Section:
    """Annual bills by customer, quartiles of monthly bills, parts of the mean electric bill."""
    run = designs.base.run
    data = [
        charts.Customers(
            FUELS[key], fuel.annual, run.weight, None if chosen is None else chosen.chosen
        )
        for key, fuel in run.bills.items()
    ]
    rows: list[Row] = [
        [month, *(float(q) for fuel in run.bills.values() for q in fuel.quartiles[number])]
        for number, month in enumerate(months)
    ]
    columns = [
        Column(f"{FUELS[key]}, {words}", cents, "$")
        for key in run.bills
        for words in ("lower quartile", "median", "upper quartile")
    ]
    return Section(
        "bills",
        "Bills",
        "Bills",
        [
            charts.histograms_apart(
                "annual",
                data,
                None if chosen is None else chosen.label,
                "annual bill [$]",
                "Customers by annual bill. The outermost bars hold all customers beyond them.",
            ),
            annual_bills(designs),
            charts.bills_by_month(run.bills, FUELS),
            Table(
                "bills_by_month",
                "Bills of the customers [$ a month].",
                (Column("Month"), *columns),
                rows,
            ),
            paragraph(CONVENTION, "small"),
            *mean_bill_parts(run.parts),
        ],
    )


def annual_bills(designs: Designs) -> Table:
    """Mean and quantiles of annual bills, a row a fuel and design."""
    alone = not designs.others
    rows: list[Row] = []
    for key in designs.base.run.bills if alone else designs.fuels:
        for one in designs.every:
            if key in one.run.bills:
                values, weight = one.run.bills[key].annual, one.run.weight
                q = weighted_quantile(values, weight, tuple(QUANTILES.values()))
                more = [] if alone else [one.title]
                rows.append([FUELS[key], *more, mean_of(values, weight), *q.tolist()])
    return Table(
        "annual_bills",
        "Annual bills [$ a customer]: the mean, and the bills that a tenth to nine tenths of the "
        "customers do not exceed.",
        (
            Column("Bill"),
            *([] if alone else [Column("Design")]),
            Column("Mean", cents, "$"),
            *(Column(name, dollars, "$") for name in QUANTILES),
        ),
        rows,
    )
