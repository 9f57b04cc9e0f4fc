"""The mean bill by month and part, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.bill_parts import ITEMS
from cairo.model.names import MONTHS, months
from cairo.results.report.assembled import Part
from cairo.results.report.drawing import BLUE, GREEN, INK, ORANGE, SOFT, drawing, panel, panels, svg
from cairo.results.report.numbers import cents, dollars
from cairo.results.report.page import Html
from cairo.results.report.tables import Column, Row, Table

COLOURS = (BLUE, "#e69f00", GREEN, "#cc79a7", "#56b4e9", ORANGE, "#f0e442", SOFT)
"""Okabe and Ito's palette; the page's style has them as `part-0` and so on."""


def mean_bill_parts(parts: Mapping[str, Float1D]) -> list[Part]:
    """The mean electric bill by month, drawn and in numbers; nothing without parts."""
    if not parts:
        return []
    labels = [ITEMS[name].label if name in ITEMS else name for name in parts]
    values = np.array(list(parts.values()))
    rows: list[Row] = [
        [month, *values[:, number].tolist(), float(values[:, number].sum())]
        for number, month in enumerate(months)
    ]
    rows.append(["Year", *values.sum(axis=1).tolist(), float(values.sum())])
    columns = (Column(label.capitalize(), cents, "$") for label in labels)
    return [
        panels(
            [panel(_stacked(values), "Mean electric bill by month")],
            "Mean electric bill of the customers by its parts; what lowers bills is below zero, "
            "and the line is the bill.",
            _marks(labels),
        ),
        Table(
            "mean_bill_parts",
            "Mean electric bill of the customers by its parts [$ a month].",
            (Column("Month"), *columns, Column("Bill", cents, "$")),
            rows,
            last_is_total=True,
        ),
    ]


def _marks(labels: Sequence[str]) -> list[tuple[str, str]]:
    parts = [(f"part-{number % len(COLOURS)}", name) for number, name in enumerate(labels)]
    return [*parts, ("line-ink", "bill")]


def _stacked(values: np.ndarray) -> Html:
    """Bars by month, parts (k, 12) one on the other, credits below zero."""
    with drawing("parts") as drawn:
        ax = drawn.subplots()
        ax.grid(True)
        above, below = np.zeros(MONTHS), np.zeros(MONTHS)
        for number, row in enumerate(values):
            start = np.where(row >= 0.0, above, below)
            ax.bar(range(MONTHS), row, 0.7, start, color=COLOURS[number % len(COLOURS)])
            above, below = above + np.maximum(row, 0.0), below + np.minimum(row, 0.0)
        ax.plot(range(MONTHS), values.sum(axis=0), color=INK, linewidth=1.2, marker="o", ms=3)
        ax.set_xticks(range(MONTHS), [name[0] for name in months])
        ax.yaxis.set_major_formatter(lambda y, _: dollars(y))
        ax.set_ylabel("mean bill [$ a month]")
        return svg(
            drawn,
            "parts",
            "Mean bill by month and part",
            "Mean monthly electric bill of the customers, January to December, split in what it "
            "is made of; the table below has the numbers.",
        )
