"""Charts of customers: histograms, bills by month, groups two ways. Same data, same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.names import MONTHS, months
from cairo.results.report.data import FuelBills
from cairo.results.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SOFT,
    drawing,
    panel,
    panels,
    svg,
)
from cairo.results.report.numbers import dollars, mean_of, weighted_quantile
from cairo.results.report.page import Html
from cairo.results.report.segments import Segment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS, INNER = 45, (0.005, 0.995)
"""Bars of a histogram, and the quantiles of customers its width is chosen from."""
MARKS = (
    (BLUE, "o", "under"),
    (ORANGE, "s", "over"),
    (GREEN, "^", "green"),
    (PURPLE, "D", "purple"),
)
"""Colour, marker and its mark in the legend, of the groups of a second column."""


def bin_edges(values: Sequence[Float1D], weight: Sequence[Float1D]) -> Float1D:
    """Edges of round width, zero among them, around nearly all customers of all the values."""
    ends = [weighted_quantile(v, w, INNER) for v, w in zip(values, weight, strict=True)]
    low, high = min(0.0, *(e[0] for e in ends)), max(0.0, *(e[1] for e in ends))
    rough = max(high - low, 1.0) / MOST_BARS
    size = 10.0 ** np.floor(np.log10(rough))
    step = size * next(n for n in (1, 2, 2.5, 5, 10) if n * size >= rough * (1 - 1e-9))
    first, last = np.floor(low / step + 1e-9) - 1, np.ceil(high / step - 1e-9) + 1
    return np.asarray(step * np.arange(first, last + 1))


def shares(values: Float1D, weight: Float1D, edges: Float1D) -> Float1D:
    """Percent of the customers in each bar; the outermost bars hold all that lie beyond."""
    inside = np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf))
    counts = np.histogram(inside, edges, weights=weight)[0]
    return np.asarray(100.0 * counts / max(counts.sum(), np.finfo(float).tiny))


@dataclass(frozen=True)
class Customers:
    """What a panel counts: values (n,) of homes that stand for weight (n,) customers.

    chosen : (n,) homes of the group drawn apart, or None.
    """

    title: str
    values: Float1D
    weight: Float1D
    chosen: np.ndarray | None = None

    @property
    def medians(self) -> list[float]:
        """Of all, and of the group."""
        everybody = np.ones(len(self.values), dtype=bool)
        parts = [everybody] if self.chosen is None else [everybody, self.chosen]
        return [
            float(weighted_quantile(self.values[part], self.weight[part], (0.5,))[0])
            for part in parts
        ]


def histograms(
    name: str,
    data: Sequence[Customers],
    group: str | None,
    xlabel: str,
    caption: str,
    row: int | None = None,
) -> Html:
    """Histograms on shared axes, a panel each.

    group : what the chosen homes are. row : panels that belong beside each other.
    """
    edges = bin_edges([one.values for one in data], [one.weight for one in data])
    counted = [_counted(one, edges) for one in data]
    top = max(float(heights.max()) for bars in counted for heights in bars)
    charts = [
        _histogram(f"{name}-{number}", one, bars, edges, top, xlabel)
        for number, (one, bars) in enumerate(zip(data, counted, strict=True))
    ]
    return panels(charts, caption, _marks(group), row)


def histograms_apart(
    name: str, data: Sequence[Customers], group: str | None, xlabel: str, caption: str
) -> Html:
    """Histograms on axes of their own, of things that are not to be compared."""
    charts = []
    for number, one in enumerate(data):
        edges = bin_edges([one.values], [one.weight])
        bars = _counted(one, edges)
        top = max(float(heights.max()) for heights in bars)
        charts.append(_histogram(f"{name}-{number}", one, bars, edges, top, xlabel))
    return panels(charts, caption, _marks(group))


def _marks(group: str | None) -> list[tuple[str, str]]:
    marks = [("bar", "all customers, in % of all"), ("dash-soft", "median of all")]
    if group is not None:
        marks[1:1] = [("box-over", f"{group}, in % of these customers")]
        marks.append(("dash-over", "median of these"))
    return [*marks, ("line-ink", "zero")]


def _counted(one: Customers, edges: Float1D) -> list[Float1D]:
    """Shares of all customers, and of the group's."""
    every = [shares(one.values, one.weight, edges)]
    if one.chosen is not None:
        every.append(shares(one.values[one.chosen], one.weight[one.chosen], edges))
    return every


def _histogram(
    name: str, one: Customers, bars: Sequence[Float1D], edges: Float1D, top: float, xlabel: str
) -> Html:
    """One panel: all customers, the chosen ones over them, zero and the medians."""
    middles = one.medians
    with drawing(name) as figure:
        ax = figure.subplots()
        ax.grid(True)
        ax.stairs(bars[0], edges, fill=True, color=GREY)
        ax.axvline(0.0, color=INK, linewidth=1.1)
        ax.axvline(middles[0], color=SOFT, linewidth=1.6, linestyle=(0, (4, 2)))
        if len(bars) > 1:
            ax.stairs(bars[1], edges, fill=True, color=ORANGE, alpha=0.25)
            ax.stairs(bars[1], edges, color=ORANGE, linewidth=1.4)
            ax.axvline(middles[1], color=ORANGE, linewidth=1.6, linestyle=(0, (1.5, 1.5)))
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(0.0, 1.06 * top)
        in_dollars(ax)
        ax.set_xlabel(xlabel)
        ax.set_ylabel("customers [%]")
        chart = svg(
            figure,
            name,
            f"{one.title}: {xlabel}",
            "Histogram of customers" + (", a group drawn over all" if len(bars) > 1 else ""),
        )
    note = f"median {dollars(middles[0])}"
    note += f", of the group {dollars(middles[1])}" if len(middles) > 1 else ""
    return panel(chart, one.title, note)


def in_dollars(ax: Axes) -> None:
    """Dollars below the chart, few enough to stand apart."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda x, _: dollars(x))


def bills_by_month(bills: Mapping[str, FuelBills], names: Mapping[str, str]) -> Html:
    """Median monthly bill and the band between its quartiles, a panel a fuel."""
    lowest = min(0.0, 1.05 * min(float(fuel.quartiles.min()) for fuel in bills.values()))
    highest = 1.05 * max(float(fuel.quartiles.max()) for fuel in bills.values())
    charts = []
    for key, fuel in bills.items():
        low, middle, high = fuel.quartiles.T
        with drawing(f"bills-{key}") as figure:
            ax = figure.subplots()
            ax.grid(True)
            ax.fill_between(range(MONTHS), low, high, color=BLUE, alpha=0.22, linewidth=0)
            ax.plot(range(MONTHS), middle, color=BLUE, linewidth=1.8, marker="o", markersize=3.5)
            ax.set_xticks(range(MONTHS), [name[0] for name in months])
            ax.set_xlim(-0.3, 11.3)
            ax.set_ylim(lowest, max(highest, lowest + 1.0))
            ax.yaxis.set_major_formatter(lambda y, _: dollars(y))
            ax.set_ylabel("bill [$ a month]")
            chart = svg(
                figure,
                f"bills-{key}",
                f"Bills by month: {names[key]}",
                "Median monthly bill of the customers, January to December, and the band from "
                "the first to the third quartile; the table below has the numbers.",
            )
        charts.append(panel(chart, names[key]))
    return panels(
        charts,
        "Bills of the customers by month.",
        [("line-under", "median bill"), ("box-under", "the middle half of the customers")],
    )


@dataclass(frozen=True)
class Means:
    """What a panel of groups two ways shows: the mean of values (n,) [$ or %]."""

    title: str
    values: Float1D
    weight: Float1D


def two_ways(
    name: str, data: Sequence[Means], rows: Segment, marks: Segment, xlabel: str, caption: str
) -> Html:
    """Means of groups, rows by one column and marks by another, a panel each."""
    size = np.bincount(marks.code, data[0].weight, len(marks.groups))
    shown = sorted(np.argsort(-size, kind="stable")[: len(MARKS)].tolist())
    charts = []
    for number, one in enumerate(data):
        with drawing(f"{name}-{number}", 84 + 30 * len(rows.groups)) as figure:
            ax = figure.subplots()
            ax.grid(True, axis="x")
            ax.axvline(0.0, color=INK, linewidth=1.1)
            for place, group in enumerate(shown):
                color, marker, _ = MARKS[place]
                means = [
                    mean_of(one.values[both], one.weight[both])
                    for row in range(len(rows.groups))
                    for both in [(rows.code == row) & (marks.code == group)]
                ]
                up = np.arange(len(means)) + (place - (len(shown) - 1) / 2) * 0.17
                ax.plot(means, up, marker, color=color, markersize=6.5)
            ax.set_yticks(range(len(rows.groups)), rows.groups)
            ax.set_ylim(len(rows.groups) - 0.5, -0.5)
            ax.tick_params(axis="y", length=0)
            if "$" in xlabel:
                in_dollars(ax)
            # The labels of the rows leave little room, which is not the axes' middle.
            figure.supxlabel(xlabel, size=12.2)
            chart = svg(
                figure,
                f"{name}-{number}",
                f"{one.title}: {xlabel}",
                f"Means of customers by {rows.name} and {marks.name}",
            )
        charts.append(panel(chart, one.title))
    left = "" if len(shown) == len(marks.groups) else " The groups with most customers are drawn."
    legend = [(f"dot-{MARKS[place][2]}", marks.groups[g]) for place, g in enumerate(shown)]
    return panels(charts, caption + left, legend)
