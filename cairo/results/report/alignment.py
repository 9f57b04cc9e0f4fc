"""Bill alignment: its distribution, what customers pay for one another, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cairo.model.allocations import basis_label, label
from cairo.model.arrays import Float1D
from cairo.model.bat_statistics import paid_for_one_another
from cairo.results.report import charts
from cairo.results.report.assembled import Grouped, Part, Section
from cairo.results.report.designs import Design, Designs
from cairo.results.report.numbers import (
    ALL,
    cents,
    count,
    dollars,
    group_numbers,
    mean_of,
    percent,
    ratio,
    short_dollars,
)
from cairo.results.report.page import paragraph
from cairo.results.report.segments import Highlight, Segment
from cairo.results.report.tables import Body, Column, Row, Table

MOST_PANELS = 24
"""Histograms of a page; of more designs the tables say enough."""
MOST_BARRED = 6
"""Designs whose numbers have bars beside them, a column each."""
EXPLAINED = (
    "Bill alignment is a customer's bill minus the marginal cost of serving the customer minus a "
    "share of the residual costs. Above zero the customer pays more than the costs allocated to "
    "the customer; below zero, less. Weighted over all customers it adds up to the difference "
    "between revenue and total costs, which is zero when rates are calibrated."
)
OF_GROUPS = (
    "Customers are over or under when their bill alignment differs from zero by more than half a "
    "cent a year. Average alignment is the cross-subsidy per customer: what customers of the "
    "group pay on average to others (above zero) or receive (below zero)."
)


def names_of(columns: Sequence[str]) -> dict[str, str]:
    """{column: allocation in words}, no two alike."""
    words = {name: label(name) for name in columns}
    said = list(words.values())
    return {name: f"{w} ({name})" if said.count(w) > 1 else w for name, w in words.items()}


def inline(words: str) -> str:
    """An allocation within a sentence; an abbreviation stays one."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def alignment(designs: Designs, chosen: Highlight | None) -> Section:
    """What it is, its distribution by allocation, and what customers pay for one another."""
    names = names_of(designs.allocations)
    mark = None if chosen is None else chosen.chosen
    alone = not designs.others
    data = [
        charts.Customers(
            words if alone else f"{one.letter}: {words}",
            one.of(one.run.bat[name]), designs.weight, mark,
        )
        for name, words in names.items()
        for one in designs.every
    ]  # fmt: skip
    bases = "; ".join(f"{inline(words)}, by {basis_label(name)}" for name, words in names.items())
    if len(data) > MOST_PANELS:
        drawn = paragraph(f"Allocations of the residual: {bases}.")
    else:
        drawn = charts.histograms(
            "alignment",
            data,
            None if chosen is None else chosen.label,
            "bill alignment [$ a year]",
            f"Customers by bill alignment, a panel an allocation of the residual: {bases}. The "
            "outermost bars hold all customers beyond them.",
            None if alone else len(designs.every),
        )
    parts: list[Part] = [paragraph(EXPLAINED), drawn, _paid(designs, names)]
    return Section("alignment", "Bill alignment", "Bill alignment", parts)


def _paid(designs: Designs, names: Mapping[str, str]) -> Table:
    """What customers pay for one another, a row an allocation and design."""
    alone = not designs.others
    rows: list[Row] = []
    for name, words in names.items():
        first = 0.0
        for one in designs.every:
            run = one.run
            paid = paid_for_one_another(run.bat[name], run.weight)
            first = paid if one is designs.base else first
            row = [paid, paid / run.customers, ratio(paid, run.revenue)]
            more = [] if alone else [one.title]
            change = [] if alone else [paid - first]
            rows.append([words, *more, *row, *change])
    return Table(
        "paid_for_one_another",
        "Dollars that customers pay for one another in the year: half of what bill alignments "
        "differ from their mean, added over all customers.",
        (
            Column("Residual allocation"),
            *([] if alone else [Column("Design")]),
            Column("In the year", short_dollars, "$"),
            Column("A customer", cents, "$"),
            Column("Of the revenue", percent, "share"),
            *([] if alone else [Column(f"Minus {designs.base.letter}", short_dollars, "$")]),
        ),
        rows,
    )


SEGMENT_COLUMNS = (
    Column("Group"),
    Column("Customers", count),
    Column("Over", percent, "share"),
    Column("Over by on average", dollars, "$"),
    Column("Under", percent, "share"),
    Column("Under by on average", dollars, "$"),
    Column("Average alignment", cents, "$", bar=True),
    Column("Median", dollars, "$"),
    Column("Total", short_dollars, "$"),
)


def by_segment(designs: Designs, found: Sequence[Segment], left_out: Sequence[str]) -> Section:
    """Who pays over and who under, for every metadata column and allocation."""
    name, title = "segments", "Bill alignment by segment"
    if not found:
        text = "The run keeps no metadata column to group customers by."
        return Section(name, title, "Segments", [paragraph(text)])
    run, names = designs.base.run, names_of(designs.allocations)
    grouped = Grouped("by", "alignment_by_segment", "allocation", names, SEGMENT_COLUMNS)
    tables = [
        (s.name, titled(s), f"Bill alignment [$ a customer and year] by {s.name}.", [
            Body(words, key, [
                [row.group, row.customers, row.over, row.over_mean, row.under, row.under_mean,
                 row.mean, row.median, row.total]
                for row in group_numbers(run.bat[key], run.weight, s.groups, s.code)
            ], last_is_total=True)
            for key, words in names.items()
        ])
        for s in found
    ]  # fmt: skip
    parts: list[Part] = [
        paragraph(OF_GROUPS),
        grouped.shown(tables),
        between_groups(designs, found),
    ]
    if left_out:
        text = f"Columns with too many values to be groups: {', '.join(left_out)}."
        parts.append(paragraph(text, "small"))
    files = [grouped.table("Bill alignment by segment.", tables)]
    return Section(name, title, "Segments", parts, files)


def by_segment_of_all(designs: Designs, found: Sequence[Segment]) -> Section:
    """Average bill alignment of every group, a column a design."""
    names, few = names_of(designs.allocations), len(designs.every) <= MOST_BARRED
    columns = (
        Column("Group"),
        Column("Customers", count),
        *(Column(one.letter, cents, "$", bar=few) for one in designs.every),
    )
    grouped = Grouped("alignment-by", "alignment_by_segment", "allocation", names, columns)
    tables = [
        (s.name, titled(s), f"Average bill alignment [$ a customer and year] by {s.name}.", [
            Body(words, key, _averages(designs, key, s), last_is_total=True)
            for key, words in names.items()
        ])
        for s in found
    ]  # fmt: skip
    text = paragraph(
        "What customers of the group pay on average to others (above zero) or receive (below "
        f"zero) under each design: {'; '.join(one.title for one in designs.every)}."
    )
    between = between_groups(designs, found)
    shown: list[Part] = [text, grouped.shown(tables)]
    files = [grouped.table("Average bill alignment by segment.", tables)]
    # A row a design and column of the metadata: of many designs it is for the files alone.
    (shown if len(designs.every) == 2 else files).append(between)
    title = "Bill alignment by segment"
    return Section("alignment-segments", title, "Alignment by segment", shown, files)


def titled(segment: Segment) -> str:
    """A segment as a heading, with what is to be said of its groups."""
    first = segment.name[:1].upper() + segment.name[1:]
    return first + (f" ({segment.note})" if segment.note else "")


def _averages(designs: Designs, key: str, segment: Segment) -> list[Row]:
    """A row a group, then all customers."""
    weight = designs.weight
    every = [one.of(one.run.bat[key]) for one in designs.every]
    places = [segment.code == number for number in range(len(segment.groups))]
    places.append(np.ones(len(weight), dtype=bool))
    return [
        [
            name,
            float(weight[mine].sum()),
            *(mean_of(values[mine], weight[mine]) for values in every),
        ]
        for name, mine in zip((*segment.groups, ALL), places, strict=True)
    ]


def between_groups(designs: Designs, found: Sequence[Segment]) -> Table:
    """What groups pay for one another, a row a segment and design, a column an allocation."""
    alone = not designs.others
    names = names_of(designs.allocations)
    rows: list[Row] = [
        [
            segment.name,
            *([] if alone else [one.title]),
            *(_between(one, designs.weight, name, segment) for name in names),
        ]
        for segment in found
        for one in designs.every
    ]
    return Table(
        "paid_between_groups",
        "Dollars that groups of customers pay for one another in the year: the same sum of the "
        "groups' averages, so what customers of one group pay for each other is left out.",
        (
            Column("Group by"),
            *([] if alone else [Column("Design")]),
            *(Column(words, short_dollars, "$") for words in names.values()),
        ),
        rows,
    )


def _between(one: Design, weight: Float1D, name: str, segment: Segment) -> float:
    values = one.of(one.run.bat[name])
    there = [segment.code == number for number in range(len(segment.groups))]
    there = [group for group in there if weight[group].sum() > 0.0]
    means = np.array([mean_of(values[group], weight[group]) for group in there])
    sizes = np.array([weight[group].sum() for group in there])
    return paid_for_one_another(means, sizes)
