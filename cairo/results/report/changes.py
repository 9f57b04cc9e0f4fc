"""What designs change for customers: who pays more and who less, by how much and by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from cairo.model.arrays import Float1D
from cairo.results.report import charts
from cairo.results.report.alignment import MOST_PANELS, titled
from cairo.results.report.assembled import Grouped, Section
from cairo.results.report.data import FUELS
from cairo.results.report.designs import Design, Designs
from cairo.results.report.numbers import (
    EVEN,
    cents,
    count,
    dollars,
    group_numbers,
    mean_of,
    numbers_of_all,
    percent,
    ratio,
    share_where,
    short_dollars,
)
from cairo.results.report.page import Html, cards, esc, paragraph
from cairo.results.report.segments import Highlight, Segment
from cairo.results.report.tables import Body, Column, Row, Table

MUCH = 0.1
"""Change of a bill that the headline counts, as a share of it."""
THRESHOLDS = (0.05, 0.1, 0.2)
_ROUNDING = 1e-9
SHARE = "share"


def of_bill(change: Float1D, bill: Float1D) -> Float1D:
    """Changes as shares of the bills they change, (n,); NaN where there was no bill above zero."""
    return np.where(bill > EVEN, change / np.where(bill > EVEN, bill, 1.0), np.nan)


def more_than(part: Float1D, limit: float) -> np.ndarray:
    """Homes whose change exceeds a share of the bill, upward or, for a limit below 0, downward."""
    with np.errstate(invalid="ignore"):
        found = part > limit + _ROUNDING if limit > 0.0 else part < limit - _ROUNDING
    return np.asarray(found)


def headline(designs: Designs) -> Html:
    """The first numbers of two designs."""
    other = designs.others[0]
    change, weight = designs.change(other, "elec"), designs.weight
    all_of_them = numbers_of_all(change, weight)
    part = of_bill(change, designs.base.annual("elec"))
    facts = [
        (
            f"Customers who pay more under {other.letter}",
            percent(all_of_them.over),
            f"by {dollars(all_of_them.over_mean)} a year on average; "
            f"{percent(share_where(more_than(part, MUCH), weight))} of bills rise more than 10%",
        ),
        (
            f"Customers who pay less under {other.letter}",
            percent(all_of_them.under),
            f"by {dollars(-all_of_them.under_mean)} a year on average; "
            f"{percent(share_where(more_than(part, -MUCH), weight))} of bills fall more than 10%",
        ),
        (
            "Median change",
            dollars(all_of_them.median),
            f"of the annual electric bill, {other.letter} minus {designs.base.letter}",
        ),
    ]
    even = _at_equal_revenue(designs, other)
    if not math.isnan(even):
        facts.append(
            (
                f"Pay more if {other.letter} collected what {designs.base.letter} does",
                percent(even),
                f"every bill of {other.letter} scaled so that all pay together what they pay "
                f"under {designs.base.letter}",
            )
        )
    return cards(facts)


def _at_equal_revenue(designs: Designs, other: Design) -> float:
    """Share of customers who pay more when both designs collect the same; NaN if they do."""
    before, after = designs.base.annual("elec"), other.annual("elec")
    collected = [math.fsum(designs.weight * bills) for bills in (before, after)]
    if math.isclose(*collected, rel_tol=1e-6) or not collected[1] > 0.0:
        return math.nan
    return share_where(after * (collected[0] / collected[1]) - before > EVEN, designs.weight)


def totals(designs: Designs) -> Table:
    """Requirement, revenue and mean bills, a row a design and one of each difference."""
    fuels = [fuel for fuel in FUELS if all(fuel in one.run.bills for one in designs.every)]
    numbers = {one.letter: _totals(one, fuels) for one in designs.every}
    rows: list[Row] = [[one.title, *numbers[one.letter]] for one in designs.every]
    base = designs.base.letter
    for one in designs.others:
        differ = [b - a for a, b in zip(numbers[base], numbers[one.letter], strict=True)]
        rows.append([f"{one.letter} minus {base}", *differ])
    return Table(
        "designs",
        "The designs." if len(designs.every) > 2 else "The two runs.",
        (
            Column("Design"),
            Column("Revenue requirement", dollars, "$"),
            Column("Revenue recovered", dollars, "$"),
            Column("Residual costs", dollars, "$"),
            Column("System peak [kW]", count),
            *(Column(f"Mean bill, {FUELS[fuel].lower()}", cents, "$") for fuel in fuels),
        ),
        rows,
    )


def _totals(one: Design, fuels: Sequence[str]) -> list[float]:
    run = one.run
    peak = float(run.hours["system_load_kwh"].max())
    means = [mean_of(run.bills[fuel].annual, run.weight) for fuel in fuels]
    return [run.requirement, run.revenue, run.residual, peak, *means]


CHANGE_COLUMNS = (
    Column("Customers", count),
    Column("Pay more", percent, SHARE),
    Column("More by on average", dollars, "$"),
    Column("Pay less", percent, SHARE),
    Column("Less by on average", dollars, "$"),
    Column("Average change", cents, "$", bar=True),
    Column("Of the average bill", percent, SHARE),
    Column("Bill rises more than 10%", percent, SHARE),
    Column("Bill falls more than 10%", percent, SHARE),
    Column("Median change", dollars, "$"),
    Column("Total", short_dollars, "$"),
)


def _change_rows(
    bill: Float1D, change: Float1D, weight: Float1D, groups: Sequence[str], code: np.ndarray
) -> list[Row]:
    """A row a group, then all customers: the group and `CHANGE_COLUMNS`."""
    part = of_bill(change, bill)
    there = [*(code == number for number in range(len(groups))), np.ones(len(code), dtype=bool)]
    rows: list[Row] = []
    for row, mine in zip(group_numbers(change, weight, groups, code), there, strict=True):
        own = weight[mine]
        rows.append(
            [
                row.group, row.customers, row.over, row.over_mean, row.under, row.under_mean,
                row.mean, ratio(row.mean, mean_of(bill[mine], own)),
                share_where(more_than(part[mine], MUCH), own),
                share_where(more_than(part[mine], -MUCH), own),
                row.median, row.total,
            ]
        )  # fmt: skip
    return rows


def everybody(designs: Designs) -> Table:
    """Winners and losers of each design and fuel."""
    base = designs.base
    one_fuel = len(designs.fuels) == 1
    nobody = np.zeros(len(designs.homes), dtype=np.int64)
    columns = [Column("Design"), *([] if one_fuel else [Column("Bill")]), *CHANGE_COLUMNS[1:]]
    rows: list[Row] = []
    for one in designs.others:
        scaled = _at_equal_revenue(designs, one)
        for fuel in designs.fuels:
            change = designs.change(one, fuel)
            (row,) = _change_rows(base.annual(fuel), change, designs.weight, (), nobody)
            more = [] if one_fuel else [FUELS[fuel]]
            rows.append([one.title, *more, *row[2:], scaled if fuel == "elec" else math.nan])
    caption = f"Change of annual bills against {base.title}."
    if any(isinstance(row[-1], float) and not math.isnan(row[-1]) for row in rows):
        columns.append(Column(f"Pay more at {base.letter}'s revenue", percent, SHARE))
        caption += f" At {base.letter}'s revenue all bills are scaled to collect the same."
    else:
        rows = [row[:-1] for row in rows]
    return Table("winners_and_losers", caption, tuple(columns), rows)


def histograms(designs: Designs, chosen: Highlight | None) -> Html:
    """Customers by the change of their bill, a panel a design and fuel."""
    base = designs.base.letter
    data = [
        charts.Customers(
            f"{one.letter} minus {base}, {FUELS[fuel].lower()}"
            if len(designs.others) > 1
            else FUELS[fuel],
            designs.change(one, fuel),
            designs.weight,
            None if chosen is None else chosen.chosen,
        )
        for one in designs.others
        for fuel in designs.fuels
    ]
    if len(data) > MOST_PANELS:
        return paragraph("Of so many designs no histograms are drawn; the tables have them all.")
    return charts.histograms(
        "change",
        data,
        None if chosen is None else chosen.label,
        "change of the annual bill [$]",
        f"Customers by the change of their annual bill against {base}; above zero they pay more "
        f"than under {base}. The outermost bars hold all customers beyond them."
        + ("" if len(designs.fuels) > 1 else " No gas bill changes."),
    )


def brackets() -> list[str]:
    """Changes of a bill in words, from the largest fall to the largest rise."""
    steps = [f"{percent(low, 0)} to {percent(high, 0)}" for low, high in pairwise(THRESHOLDS)]
    steps.append(f"more than {percent(THRESHOLDS[-1], 0)}")
    within = f"within {percent(THRESHOLDS[0], 0)}"
    return [*(f"{one} less" for one in reversed(steps)), within, *(f"{one} more" for one in steps)]


def percent_shares(designs: Designs, other: Design) -> list[float]:
    """Share of the customers in each bracket, then of those without a bill to compare with."""
    part = of_bill(designs.change(other, "elec"), designs.base.annual("elec"))
    known = np.isfinite(part)
    edges = [*(-limit for limit in reversed(THRESHOLDS)), *THRESHOLDS]
    above = np.zeros(len(part), dtype=np.int64)
    for limit in edges:
        # A change of exactly a limit is within it, upward and downward.
        slack = _ROUNDING if limit > 0.0 else -_ROUNDING
        above += np.where(known, part, 0.0) > limit + slack
    shares = [
        share_where(known & (above == number), designs.weight) for number in range(len(edges) + 1)
    ]
    return [*shares, share_where(~known, designs.weight)]


def in_percent(designs: Designs) -> tuple[Html, Table]:
    """Customers by the change of their bill in percent: bars, and a column a design."""
    names = brackets()
    none = f"no bill under {designs.base.letter} to compare with"
    every = {one.letter: percent_shares(designs, one) for one in designs.others}
    marks = "".join(
        f'<li><span class="mark share-{n}" aria-hidden="true"></span>{esc(name)}</li>'
        for n, name in enumerate(names)
    )
    bars = "".join(
        f'<p class="over-panel">{esc(one.title)}</p><div class="shares">'
        f"{_stacked(every[one.letter], names)}</div>"
        for one in designs.others
    )
    caption = "Customers by the change of their annual electric bill in percent of it"
    drawn = Html(
        f'<figure><ul class="legend">{marks}</ul>{bars}'
        "<figcaption>All customers of a design from left to right, by the change of their bill "
        "in percent.</figcaption></figure>"
    )
    rows: list[Row] = [
        [name, *(shares[number] for shares in every.values())]
        for number, name in enumerate([*names, none])
        if number < len(names) or any(shares[number] > 0.0 for shares in every.values())
    ]
    columns = (
        Column("Change of the bill"),
        *(Column(f"Customers of {letter}", percent, SHARE) for letter in every),
    )
    table = Table("change_in_percent", f"{caption} under {designs.base.letter}.", columns, rows)
    return drawn, table


def _stacked(shares: Sequence[float], names: Sequence[str]) -> str:
    pieces, left = [], 0.0
    for number, share in enumerate(shares[: len(names)]):
        wide = 100.0 * share
        pieces.append(
            f'<rect class="share-{number}" x="{left:.2f}" y="0" width="{wide:.2f}" height="10"/>'
        )
        left += wide
    told = ", ".join(f"{name}: {percent(s)}" for name, s in zip(names, shares, strict=False) if s)
    return (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{esc(told)}">{"".join(pieces)}</svg>'
    )


def by_segment(designs: Designs, found: Sequence[Segment]) -> Section:
    """Who gains and who loses, for every metadata column, design and fuel."""
    name, title = "segments", "Change by segment"
    base = designs.base
    if not found:
        text = f"Run {base.letter} keeps no metadata column to group customers by."
        return Section(name, title, "Segments", [paragraph(text)])
    several = len(designs.others) > 1
    parts = {
        f"{one.letter}-{fuel}": (f"{one.title}, " if several else "") + FUELS[fuel]
        for one in designs.others
        for fuel in designs.fuels
    }
    menu = "design and bill" if several else "bill"
    grouped = Grouped("by", "change_by_segment", menu, parts, (Column("Group"), *CHANGE_COLUMNS))
    against = (
        f"{designs.others[0].letter} minus {base.letter}"
        if not several
        else (f"against {base.letter}")
    )
    tables = [
        (s.name, titled(s), f"Change of annual bills, {against} [$ a customer] by {s.name}.", [
            Body(parts[f"{one.letter}-{fuel}"], f"{one.letter}-{fuel}",
                 _change_rows(base.annual(fuel), designs.change(one, fuel), designs.weight,
                              s.groups, s.code), last_is_total=True)
            for one in designs.others
            for fuel in designs.fuels
        ])
        for s in found
    ]  # fmt: skip
    files = [grouped.table("Change of annual bills by segment.", tables)]
    return Section(name, title, "Segments", [grouped.shown(tables)], files)
