"""An allocation is one entry of a table: everything that shows allocations follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cairo
from cairo.model import allocations
from cairo.model.allocations import Allocation
from cairo.rates_tool.lookups import RESIDUAL_COSTS
from cairo.results.report import write_report
from tests.whole_runs import IN_PROCESS, Demo, make_demo

MIXED = Allocation(
    "BAT_offpeak",
    "customer_level_residual_share_offpeak",
    "Off-peak use",
    "energy used outside the hours with a capacity or distribution cost",
    lambda bases: bases.kwh - bases.peak_kwh,
)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    demo = Demo(make_demo(tmp_path / "made", 6), tmp_path / "demo")
    demo.settings(IN_PROCESS | {"process_workers": 1})
    return demo


@pytest.fixture
def added() -> Iterator[None]:
    allocations.ALLOCATIONS.append(MIXED)
    yield
    allocations.ALLOCATIONS.remove(MIXED)


def run(demo: Demo, backend: str) -> cairo.Run:
    return cairo.Run(demo.run(backend=backend))


@pytest.mark.slow
@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("backend", ["pandas", "dask_delayed", "dask_dataframe"])
def test_an_added_allocation_is_in_files_statistics_report_and_plots(
    demo: Demo, backend: str
) -> None:
    made = run(demo, backend)
    bat = made.bat
    residual = made.summary["costs_by_type"][RESIDUAL_COSTS]
    weighted = float((bat["weight"] * bat[MIXED.share]).sum())
    assert weighted == pytest.approx(residual, rel=1e-12)
    # What volumetric and peak shares are in proportion to gives the basis of their difference.
    kwh, peak = (bat[f"customer_level_residual_share_{name}"] for name in ("volumetric", "peak"))
    hours = made.system
    price = hours[["Marginal Capacity Costs ($/kWh)", "Marginal Distribution Costs ($/kWh)"]]
    in_peak = (price.sum(axis=1) > 0).to_numpy()
    load = hours["system_load_kwh"]
    basis = kwh * load.sum() - peak * load[in_peak].sum()
    expected = residual * basis / (bat["weight"] * basis).sum()
    np.testing.assert_allclose(bat[MIXED.share], expected, rtol=1e-9)
    parts = ["Annual", "customer_level_economic_burden", MIXED.share]
    bill, burden, share = (bat[name] for name in parts)
    np.testing.assert_allclose(bat["BAT_offpeak"], bill - burden - share, atol=1e-9)
    statistics = next((made.path / "cross_subsidization").glob("*_by_*.csv"))
    assert "BAT_offpeak" in set(pd.read_csv(statistics)["metric"])
    page = write_report(made.path).read_text(encoding="utf-8")
    assert "Off-peak use" in page and MIXED.basis_label in page
    axis = made.plot.bat_histogram(allocation="BAT_offpeak").get_xlabel()
    assert "off-peak use (BAT_offpeak)" in axis


@pytest.mark.slow
def test_an_allocation_that_is_not_in_the_table_is_reported_by_its_column(demo: Demo) -> None:
    allocations.ALLOCATIONS.append(MIXED)
    try:
        made = run(demo, "dask_dataframe")
    finally:
        allocations.ALLOCATIONS.remove(MIXED)
    page = write_report(made.path).read_text(encoding="utf-8")
    assert "Off-peak use" not in page
    assert "offpeak, by a basis of its own" in page
