"""Plots of a finished run, on matplotlib axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed
from cairo.model.allocations import label, share_columns
from cairo.model.names import TOTAL_PRICE, months

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cairo.results.run import Run

OTHERS, CHOSEN, LINE = "#9aa5b1", "#d55e00", "#0072b2"
"""Colours that colour-blind readers tell apart."""


class Plots:
    """Plots of one run; each draws on `ax`, or on axes of its own, and returns them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def bat_histogram(
        self,
        by: str | None = None,
        group: object = None,
        allocation: str = "BAT_vol",
        bins: int = 40,
        ax: Axes | None = None,
    ) -> Axes:
        """Customers by bill alignment [$/year], one group of a metadata column highlighted.

        Parameters
        ----------
        by, group : metadata column and the value to highlight; none by default.
        allocation : column of bill alignment, a name of `cairo.model.allocations`.
        bins : of the histogram.
        ax : where to draw.

        Raises
        ------
        CairoError
            An allocation, column or group that the run does not have.
        """
        bat = self._run.bat
        if allocation not in bat or allocation not in share_columns():
            raise CairoError(f"{allocation} is no allocation: there are {listed(share_columns())}")
        ax = ax or _axes()
        edges = np.histogram_bin_edges(bat[allocation], bins).tolist()
        ax.hist(bat[allocation], edges, weights=bat["weight"], color=OTHERS, label="all customers")
        if by is not None:
            chosen = self._chosen(by, group)
            rows = bat[bat["bldg_id"].isin(chosen)]
            ax.hist(
                rows[allocation],
                edges,
                weights=rows["weight"],
                color=CHOSEN,
                alpha=0.85,
                label=f"{by} = {group}",
            )
        ax.axvline(0.0, color="black", linewidth=1)
        name = f"{label(allocation).lower()} ({allocation})"
        ax.set_xlabel(f"bill alignment, {name} [$ a customer and year]")
        ax.set_ylabel("customers")
        ax.legend(frameon=False)
        return ax

    def _chosen(self, by: str, group: object) -> pd.Series:
        metadata = self._run.metadata
        if by not in metadata:
            raise CairoError(f"the run has no metadata column {by}: {listed(metadata.columns)}")
        chosen = metadata.loc[metadata[by].astype(str) == str(group), "bldg_id"]
        if not len(chosen):
            raise CairoError(f"no home has {by} = {group}: {listed(metadata[by].unique())}")
        return chosen

    def system_load(self, ax: Axes | None = None) -> Axes:
        """System load of the year [MW], the hours with the highest marginal prices marked."""
        system = self._run.system
        times = pd.to_datetime(system["time"])
        load = system["system_load_kwh"] / 1000.0
        ax = ax or _axes()
        ax.plot(times, load, color=LINE, linewidth=0.4)
        dear = system[TOTAL_PRICE].rank(ascending=False) <= 100
        ax.plot(times[dear], load[dear], ".", color=CHOSEN, markersize=4, label="100 dearest hours")
        ax.set_ylabel("system load [MW]")
        ax.legend(frameon=False)
        return ax

    def bills_by_month(self, ax: Axes | None = None) -> Axes:
        """Median monthly electric bill [$] and the band between its quartiles."""
        monthly = self._run.bills[self._run.bills["month"] != "Annual"]
        quartiles = monthly.groupby("month")["bill_level"].quantile([0.25, 0.5, 0.75]).unstack()
        quartiles = quartiles.loc[months]
        ax = ax or _axes()
        ax.fill_between(months, quartiles[0.25], quartiles[0.75], color=OTHERS, alpha=0.5)
        ax.plot(months, quartiles[0.5], color=LINE)
        ax.set_ylabel("electric bill [$ a month], median and quartiles")
        ax.set_ylim(bottom=0.0)
        return ax


def _axes() -> Axes:
    from matplotlib.figure import Figure

    try:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(8, 4.5), layout="constrained")[1]
    except ImportError:
        return Figure(figsize=(8, 4.5), layout="constrained").add_subplot()
