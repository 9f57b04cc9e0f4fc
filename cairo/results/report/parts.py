"""The mean bill by month and part, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.bill_parts import ITEMS
from cairo.model.names import MONTHS, months
from cairo.results.report.charts import INK, drawing, svg
from cairo.results.report.numbers import dollars
from cairo.results.report.page import Html, figure, table

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#566270")
"""Okabe and Ito's palette."""


def part_tables(parts: Mapping[str, Float1D]) -> list[Html]:
    """The mean electric bill by month, drawn and in numbers."""
    if not parts:
        return []
    labels = [ITEMS[name].label if name in ITEMS else name for name in parts]
    values = np.array(list(parts.values()))
    rows = [
        [month, *(dollars(value, 2) for value in [*values[:, m], values[:, m].sum()])]
        for m, month in enumerate(months)
    ]
    year = [*values.sum(axis=1), values.sum()]
    rows.append(["Year", *(dollars(value, 2) for value in year)])
    head = ["Month", *(label.capitalize() for label in labels), "Bill"]
    caption = "Mean electric bill of the customers by its parts [$ a month]."
    return [
        figure(
            _stacked(labels, values),
            "Mean electric bill of the customers by its parts; what lowers bills is below zero, "
            "and the line is the bill.",
        ),
        table(head, rows, caption=caption, last_is_total=True),
    ]


def _stacked(labels: list[str], values: np.ndarray) -> Html:
    """Bars by month, parts (k, 12) one on the other, credits below zero."""
    with drawing(10, 3.3, "parts") as drawn:
        ax = drawn.subplots()
        ax.grid(True)
        above, below = np.zeros(MONTHS), np.zeros(MONTHS)
        for number, (name, row) in enumerate(zip(labels, values, strict=True)):
            start = np.where(row >= 0.0, above, below)
            ax.bar(range(MONTHS), row, 0.7, start, color=COLOURS[number % len(COLOURS)], label=name)
            above, below = above + np.maximum(row, 0.0), below + np.minimum(row, 0.0)
        ax.plot(range(MONTHS), values.sum(axis=0), color=INK, linewidth=1.2, marker="o", ms=3)
        ax.set_xticks(range(MONTHS), [name[0] for name in months])
        ax.yaxis.set_major_formatter(lambda y, _: dollars(y))
        ax.set_ylabel("mean bill [$ a month]")
        drawn.legend(loc="outside right upper")
        return svg(
            drawn,
            "parts",
            "Mean bill by month and part",
            "Mean monthly electric bill of the customers, January to December, split in what it "
            "is made of; the table below has the numbers.",
        )
