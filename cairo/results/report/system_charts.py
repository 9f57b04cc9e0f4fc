"""The system's load: by day, by month and hour, and by rank."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cairo.model.arrays import Float1D
from cairo.model.names import HOURS_OF_DAY, MONTHS, months
from cairo.results.report.drawing import BLUE, ORANGE, drawing, panel, panels, svg
from cairo.results.report.page import Html


def system_load(hours: pd.DataFrame, marked: np.ndarray) -> Html:
    """The year's load by day, the mean load by month and hour, and the load duration curve.

    marked : (8760,) hours with a marginal capacity or delivery cost.
    """
    load = hours["system_load_kwh"].to_numpy(np.float64)
    load, unit = (load / 1e3, "MW") if load.max() >= 1e4 else (load, "kW")
    return panels(
        [
            panel(_days(load, hours["time"], marked, unit), "Daily range and mean of the load"),
            panel(_month_by_hour(load, hours["time"], marked, unit), f"Mean load [{unit}]"),
            panel(_duration(load, marked, unit), "Load by rank"),
        ],
        f"Weighted load of all homes, net of their generation. The {int(marked.sum())} hours with "
        "a marginal capacity or delivery cost are marked; by month and hour, the larger the mark "
        "the more of them.",
        [("line-under", "load"), ("dot-spot", "hours with a capacity or delivery cost")],
    )


def _days(load: Float1D, time: pd.Series, marked: np.ndarray, unit: str) -> Html:
    with drawing("system-days") as figure:
        ax = figure.subplots()
        days = load.reshape(-1, HOURS_OF_DAY)
        day = np.arange(len(days))
        ax.grid(True)
        low, high = days.min(1), days.max(1)
        ax.fill_between(day, low, high, color=BLUE, alpha=0.25, linewidth=0, step="mid")
        ax.plot(day, days.mean(1), color=BLUE, linewidth=1.1)
        place = np.flatnonzero(marked)
        ax.plot(place / HOURS_OF_DAY - 0.5, load[place], ".", color=ORANGE, markersize=5)
        firsts = np.flatnonzero(time.dt.day.to_numpy()[::HOURS_OF_DAY] == 1)
        ax.set_xticks(firsts, [name[0] for name in months[: len(firsts)]], ha="left")
        ax.set_xlim(-0.5, len(days) - 0.5)
        _from_zero(ax, load, unit)
        return svg(
            figure, "system-days", "System load by day",
            f"Range and mean of the system's load by day, with {int(marked.sum())} hours marked",
        )  # fmt: skip


def _duration(load: Float1D, marked: np.ndarray, unit: str) -> Html:
    with drawing("system-rank") as figure:
        ax = figure.subplots()
        order = np.argsort(-load, kind="stable")
        ax.grid(True)
        ax.plot(np.arange(len(load))[::12], load[order][::12], color=BLUE, linewidth=1.6)
        rank = np.flatnonzero(marked[order])
        ax.plot(rank, load[order][rank], ".", color=ORANGE, markersize=5)
        ax.set_xlim(-60, len(load))
        ax.set_xlabel("hours, highest load first")
        ax.set_xticks([0, 2000, 4000, 6000, 8000])
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        _from_zero(ax, load, unit)
        return svg(
            figure, "system-rank", "Load duration",
            "The year's hours by load, highest first, with the marginal cost hours marked",
        )  # fmt: skip


def _from_zero(ax: object, load: Float1D, unit: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(ax, Axes)
    ax.set_ylim(bottom=min(0.0, float(load.min())))
    ax.set_ylabel(f"load [{unit}]")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}")


def _month_by_hour(load: Float1D, time: pd.Series, marked: np.ndarray, unit: str) -> Html:
    cell = (time.dt.month.to_numpy() - 1) * HOURS_OF_DAY + time.dt.hour.to_numpy()
    shape = MONTHS, HOURS_OF_DAY
    cells = MONTHS * HOURS_OF_DAY
    hours = np.bincount(cell, minlength=cells).clip(1)
    mean = (np.bincount(cell, load, cells) / hours).reshape(shape)
    dear = np.bincount(cell[marked], minlength=cells).reshape(shape)
    from matplotlib import colormaps

    with drawing("system-hours") as figure:
        ax = figure.subplots()
        colors = colormaps["cividis"].resampled(64)
        mesh = ax.pcolormesh(mean, cmap=colors, linewidth=0.3, edgecolor="face")
        month, hour = np.nonzero(dear)
        size = 60.0 * dear[month, hour] / max(int(dear.max()), 1)
        ax.scatter(hour + 0.5, month + 0.5, np.maximum(size, 6.0), color=ORANGE,
                   edgecolor="white", linewidth=0.8)  # fmt: skip
        ax.set_yticks(np.arange(MONTHS)[::2] + 0.5, months[::2])
        ax.set_xticks(np.arange(0, HOURS_OF_DAY + 1, 6))
        ax.invert_yaxis()
        ax.tick_params(length=0)
        ax.set_xlabel("hour (local standard time)")
        bar = figure.colorbar(mesh, ax=ax, pad=0.02, format=lambda x, _: f"{x:,.10g}")
        bar.outline.set_visible(False)
        assert bar.solids is not None
        bar.solids.set(rasterized=False, edgecolor="face")  # an image of its own is not shown
        return svg(
            figure, "system-hours", f"Mean load by month and hour [{unit}]",
            "Mean load by month and hour of the day, with the marginal cost hours marked",
        )  # fmt: skip
