"""Charts as inline SVG: same data, same bytes; colours that colour-blind readers tell apart."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cairo.model.arrays import Float1D
from cairo.model.names import months
from cairo.results.report.data import FuelBills
from cairo.results.report.numbers import dollars, weighted_quantile
from cairo.results.report.page import Html, esc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY, INK, SOFT, BLUE, ORANGE = "#b4bdc6", "#1b2733", "#566270", "#0072b2", "#d55e00"
"""The last two from Okabe and Ito's palette."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}
MOST_BARS, INNER = 45, (0.005, 0.995)
"""Bars of a histogram, and the quantiles of customers its width is chosen from."""


@contextmanager
def drawing(width: float, height: float, name: str) -> Iterator[Figure]:
    """A figure of that many inches in the report's style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # Names in other scripts: the browser has letters that the layout's font lacks.
        warnings.simplefilter("ignore", UserWarning)
        yield Figure(figsize=(width, height), layout="constrained")


def svg(figure: Figure, name: str, title: str, description: str) -> Html:
    """The figure as an `<svg>` element; `name` keeps its ids apart from other charts'."""
    import io

    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]+)"', head)
    body = re.sub(r'(<[^<>]* )id="([^"]+)"', rf'\1id="{name}-\2"', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    return Html(
        f'<svg viewBox="{box.group(1) if box else ""}" role="img" '
        f'aria-labelledby="{name}-name {name}-about">'
        f'<title id="{name}-name">{esc(title)}</title>'
        f'<desc id="{name}-about">{esc(description)}</desc>{body}'
    )


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


def histogram(
    ax: Axes, values: Float1D, weight: Float1D, chosen: np.ndarray | None, edges: Float1D
) -> None:
    """One panel: all customers, the chosen ones over them, zero and the medians."""
    ax.grid(True)
    ax.stairs(shares(values, weight, edges), edges, fill=True, color=GREY)
    middle = float(weighted_quantile(values, weight, (0.5,))[0])
    ax.axvline(0.0, color=INK, linewidth=1.1)
    ax.axvline(middle, color=SOFT, linewidth=1.4, linestyle=(0, (4, 2)))
    note = f"median: all {dollars(middle)}"
    if chosen is not None:
        part = shares(values[chosen], weight[chosen], edges)
        ax.stairs(part, edges, fill=True, color=ORANGE, alpha=0.25)
        ax.stairs(part, edges, color=ORANGE, linewidth=1.3)
        median = float(weighted_quantile(values[chosen], weight[chosen], (0.5,))[0])
        ax.axvline(median, color=ORANGE, linewidth=1.4, linestyle=(0, (1.5, 1.5)))
        note += f", group {dollars(median)}"
    ax.set_xlim(edges[0], edges[-1])
    ax.xaxis.set_major_formatter(lambda x, _: dollars(x))
    ax.text(1.0, 1.02, note, transform=ax.transAxes, ha="right", va="bottom", color=SOFT, size=8.5)


def histogram_legend(figure: Figure, everybody: str, group: str | None) -> None:
    """What the panels' colours and lines are, above them all."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    # Labels begin with a word of ours: matplotlib leaves out those that begin with `_`.
    handles: list[Any] = [Patch(color=GREY, label=everybody)]
    handles.append(Line2D([], [], color=SOFT, linestyle=(0, (4, 2)), label="median of all"))
    if group is not None:
        handles.insert(1, Patch(facecolor="#f4cdb0", edgecolor=ORANGE, label=group))
        handles.append(Line2D([], [], color=ORANGE, linestyle=(0, (1.5, 1.5)), label="of group"))
    handles.append(Line2D([], [], color=INK, label="zero"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=8.5)


def alignment_histograms(
    panels: Sequence[tuple[str, Float1D, Float1D]],
    chosen: Sequence[np.ndarray | None],
    group: str | None,
    *,
    columns: int = 2,
    name: str = "alignment",
    xlabel: str = "bill alignment [$ a customer and year]",
    title: str = "Bill alignment by residual allocation",
) -> Html:
    """Histograms on shared edges: (title, values (n,), weight (n,)) a panel.

    chosen : (n,) homes of the highlighted group in each panel, or None.
    """
    edges = bin_edges([values for _, values, _ in panels], [weight for *_, weight in panels])
    rows = -(-len(panels) // columns)
    with drawing(10, 0.5 + 2.45 * rows, name) as figure:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for ax, (label, values, weight), marked in zip(grid.flat, panels, chosen, strict=False):
            histogram(ax, values, weight, marked, edges)
            ax.set_title(label)
        for ax in grid.flat[len(panels) :]:
            ax.remove()
        for ax in grid[-1]:
            ax.set_xlabel(xlabel)
        for ax in grid[:, 0]:
            ax.set_ylabel("customers [%]")
        histogram_legend(figure, "all customers", group)
        about = f", those with {group} drawn over all" if group else ""
        return svg(
            figure,
            name,
            title,
            f"{len(panels)} histograms of customers ({', '.join(p[0] for p in panels)}){about}; "
            "the tables by segment have the numbers.",
        )


def bills_by_month(bills: dict[str, FuelBills], names: dict[str, str]) -> Html:
    """Median monthly bill and the band between its quartiles, a panel a fuel."""
    with drawing(10, 3.3, "bills") as figure:
        panels = figure.subplots(1, len(bills), sharey=True, squeeze=False)[0]
        for ax, (key, fuel) in zip(panels, bills.items(), strict=True):
            low, middle, high = fuel.quartiles.T
            ax.grid(True)
            ax.fill_between(range(12), low, high, color=BLUE, alpha=0.22, linewidth=0)
            ax.plot(range(12), middle, color=BLUE, linewidth=1.8, marker="o", markersize=3.2)
            ax.set_title(names[key])
            ax.set_xticks(range(12), [name[0] for name in months])
            ax.set_xlim(-0.3, 11.3)
            ax.yaxis.set_major_formatter(lambda y, _: dollars(y))
        panels[0].set_ylabel("bill [$ a month]")
        lowest = min(float(fuel.quartiles.min()) for fuel in bills.values())
        panels[0].set_ylim(bottom=min(0.0, 1.05 * lowest))
        return svg(
            figure,
            "bills",
            "Bills by month",
            "Median monthly bill of the customers, January to December, and the band from the "
            "first to the third quartile; the table below has the numbers.",
        )


def system_load(hours: pd.DataFrame, marked: np.ndarray) -> Html:
    """The year's load by day, the mean load by month and hour, and the load duration curve."""
    load = hours["system_load_kwh"].to_numpy(np.float64)
    big = load.max() >= 1e4
    load, unit = (load / 1e3, "MW") if big else (load, "kW")
    time = hours["time"]
    with drawing(10, 6.6, "system") as figure:
        top, (left, right) = _system_axes(figure)
        days = load.reshape(-1, 24)
        day = np.arange(len(days))
        top.grid(True)
        top.fill_between(
            day, days.min(1), days.max(1), color=BLUE, alpha=0.25, linewidth=0, step="mid"
        )
        top.plot(day, days.mean(1), color=BLUE, linewidth=1.1)
        place = np.flatnonzero(marked)
        top.plot(place / 24 - 0.5, load[place], ".", color=ORANGE, markersize=4.5)
        firsts = np.flatnonzero(time.dt.day.to_numpy()[::24] == 1)
        top.set_xticks(firsts, months[: len(firsts)], ha="left")
        top.set_xlim(-0.5, len(days) - 0.5)
        top.set_ylim(bottom=min(0.0, float(load.min())))
        top.set_ylabel(f"load [{unit}]")
        top.set_title("Daily range and mean; marginal cost hours marked")
        _month_by_hour(figure, left, load, time, marked, unit)
        order = np.argsort(-load, kind="stable")
        right.grid(True)
        right.plot(np.arange(len(load))[::5], load[order][::5], color=BLUE, linewidth=1.6)
        rank = np.flatnonzero(marked[order])
        right.plot(rank, load[order][rank], ".", color=ORANGE, markersize=4.5)
        right.set_xlim(-60, len(load))
        right.set_ylim(bottom=min(0.0, float(load.min())))
        right.set_xlabel("hours of the year, highest load first")
        right.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        right.set_ylabel(f"load [{unit}]")
        right.set_title("Load duration")
        for ax in (top, right):
            ax.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}")
        return svg(
            figure,
            "system",
            "System load and marginal cost hours",
            f"System load of {len(load)} hours; {int(marked.sum())} hours with a marginal "
            "capacity or delivery cost are marked, by day, by month and hour, and by rank.",
        )


def _system_axes(figure: Figure) -> tuple[Axes, tuple[Axes, Axes]]:
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.35), width_ratios=(1.35, 1))
    return figure.add_subplot(grid[0, :]), (
        figure.add_subplot(grid[1, 0]),
        figure.add_subplot(grid[1, 1]),
    )


def _month_by_hour(
    figure: Figure, ax: Axes, load: Float1D, time: pd.Series, marked: np.ndarray, unit: str
) -> None:
    cell = (time.dt.month.to_numpy() - 1) * 24 + time.dt.hour.to_numpy()
    hours = np.bincount(cell, minlength=288).clip(1)
    mean = (np.bincount(cell, load, 288) / hours).reshape(12, 24)
    dear = np.bincount(cell[marked], minlength=288).reshape(12, 24)
    from matplotlib import colormaps

    colors = colormaps["cividis"].resampled(64)
    mesh = ax.pcolormesh(mean, cmap=colors, linewidth=0.3, edgecolor="face")
    dark = mean < (mean.min() + mean.max()) / 2
    for month, hour in zip(*np.nonzero(dear), strict=True):
        ax.text(
            hour + 0.5,
            month + 0.5,
            str(dear[month, hour]),
            ha="center",
            va="center",
            size=7.5,
            color="white" if dark[month, hour] else "black",
        )
    ax.set_yticks(np.arange(12) + 0.5, months)
    ax.set_xticks(np.arange(0, 25, 3))
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.set_xlabel("hour of the day (local standard time)")
    ax.set_title(f"Mean load [{unit}]; numbers count marginal cost hours")
    bar = figure.colorbar(mesh, ax=ax, pad=0.02, format=lambda x, _: f"{x:,.10g}")
    bar.outline.set_visible(False)
    assert bar.solids is not None
    bar.solids.set(rasterized=False, edgecolor="face")  # an image of its own could not be shown
