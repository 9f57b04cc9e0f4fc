"""A finished run, for notebooks: its tables, facts and plots."""

from __future__ import annotations

import functools
import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cairo.errors import CairoError
from cairo.model.allocations import share_columns
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool.run_files import BAT_FILE, DETERMINANTS
from cairo.rates_tool.run_reader import RunReader
from cairo.results.finding import run_directory

if TYPE_CHECKING:
    from cairo.results.plots import Plots


class Run:
    """A run directory.

    Parameters
    ----------
    path : the directory.

    Raises
    ------
    CairoError
        It is not a run directory, or a file asked for cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not os.path.isfile(self.path / "run.json"):  # noqa: PTH113 - Path's may raise
            raise CairoError(f"{self.path} is not a run directory: it has no run.json")
        self.files = RunReader(self.path)

    @functools.cached_property
    def info(self) -> dict[str, Any]:
        """`run.json`: settings, summary, timings, versions, fingerprints of the inputs."""
        return self.files.mapping("run.json", ("run_name", "settings", "summary"))

    @property
    def summary(self) -> dict[str, Any]:
        """Customers, requirement, revenue [$], peak [kW], energy [kWh], costs by type [$]."""
        return dict(self.info["summary"])

    @functools.cached_property
    def bat(self) -> pd.DataFrame:
        """Bill, burden, residual shares and bill alignment [$], a row a building."""
        return self.files.table(BAT_FILE)

    @functools.cached_property
    def bills(self) -> pd.DataFrame:
        """Electric bills [$], a row a building and month, `Annual` last."""
        return self.files.table("bills/elec_bills_year_run.csv")

    @functools.cached_property
    def determinants(self) -> pd.DataFrame:
        """Parts of every electric bill, a row a home, month, item, period and tier."""
        return self.files.table(DETERMINANTS, ["bldg_id", "month", "item", "quantity", "dollars"])

    @functools.cached_property
    def gas_bills(self) -> pd.DataFrame:
        """Gas bills, as `bills`."""
        return self.files.table("bills/gas_bills_year_run.csv")

    @functools.cached_property
    def metadata(self) -> pd.DataFrame:
        """`bldg_id`, `weight` and segment columns, a row a building."""
        return self.files.table("customer_metadata.csv")

    @functools.cached_property
    def system(self) -> pd.DataFrame:
        """System load [kWh] and marginal prices [$/kWh] of each hour."""
        return self.files.table("system_hourly.csv")

    @functools.cached_property
    def tariffs(self) -> dict[str, TariffDict]:
        """{tariff key: PySAM-style tariff with its final rates}."""
        return self.files.mapping("tariff_final_config.json")

    def explain(self, bldg_id: int, month: int | None = None) -> pd.DataFrame:
        """How a home's electric bill came about.

        Parameters
        ----------
        bldg_id : home.
        month : 1 to 12; None is the year.

        Returns
        -------
        Dollars by item and month, `bill` last; of a month, a line an item with quantity, unit,
        rate [$ per unit] and dollars.

        Raises
        ------
        CairoError
            The run has no such home or the year no such month, or a file cannot be read.
        """
        from cairo.results.explain import explain

        found = explain(self, bldg_id)
        return found.by_month() if month is None else found.lines(month)

    @property
    def plot(self) -> Plots:
        """Plots of this run."""
        from cairo.results.plots import Plots

        return Plots(self)

    def _facts(self) -> dict[str, str]:
        facts = self.summary
        settings = self.info["settings"]
        return {
            "run": f"{self.info['run_name']} ({settings['run_type']}, {settings['backend']})",
            "customers": f"{facts['customers']:,.0f} in {facts['buildings']:,} homes",
            "revenue": f"{facts['revenue']:,.0f} $ of {facts['revenue_requirement']:,.0f} $",
            "peak": f"{facts['peak_kw'] / 1000:,.1f} MW at {facts['peak_time']}",
            "directory": str(self.path),
        }

    def __repr__(self) -> str:
        return "\n".join(f"{name:<10} {value}" for name, value in self._facts().items())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        names = [name for name in share_columns() if name in self.bat]
        return f"<table>{rows}</table>{self.bat[names].describe().to_html(float_format='%.0f')}"


def open_run(path: str | os.PathLike[str]) -> Run:
    """A finished run, of a scenario or of a script's `simulate`.

    Parameters
    ----------
    path : its run directory, or `latest:RUN_NAME`, the newest finished directory of that run in
        `outputs`; `latest:FOLDER/RUN_NAME` in another folder.

    Raises
    ------
    CairoError
        It is not a run directory, or there is none of that name.
    """
    return Run(run_directory(path))
