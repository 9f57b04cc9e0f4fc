"""Whole runs give the same figures with every backend, whatever the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cairo import Run
from cairo.results.compare import compare_runs
from tests.whole_runs import IN_PROCESS, RUN, Demo

MIXED = "demo_mixed_default"
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "two passes for a distribution cost": (
        RUN,
        {"path_dist_and_sub_tx_mc": None, "distribution_cost_per_kw_year": 90.0},
    ),
    "net load below zero": (
        RUN,
        {"floor_negative_net_load": False, "solar_pv_compensation": "net_billing",
         "solar_pv_export_import_ratio": 0.5},
    ),
    "a residual, no gas": (
        RUN,
        {"utility_revenue_requirement": None, "run_includes_subclasses": False,
         "residual_cost_frac": 0.3, "path_tariff_maps_gas": None, "path_tariffs_gas": None},
    ),
    "taxes and assistance, other dollars": (
        RUN,
        {"utility_tax_rate": 0.07, "energy_surcharge_rate": 0.001, "year_run": 2024,
         "year_dollar_conversion": 2020, "low_income_strategy": "generic"},
    ),
    "tariffs as they are, no solar": (MIXED, {"solar_pv_compensation": None}),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_backends_agree(source: Path, tmp_path: Path, case: str) -> None:
    run, settings = SETTINGS[case]
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS | settings | {"process_workers": 1}, run)
    demo.yaml(
        "rates/rev_requirement/demo.yaml",
        lambda stored: stored | {"resstock_kwh_scale_factor": 1.1},
    )
    places = {
        backend: demo.run(run, backend=backend)
        for backend in ("pandas", "dask_delayed", "dask_dataframe")
    }
    for backend in ("dask_delayed", "dask_dataframe"):
        found = compare_runs(places["pandas"], places[backend], rtol=1e-9, atol=1e-7)
        assert [one for one in found.differences if not one.equal] == []
    assert Run(places["pandas"]).bills["bill_level"].abs().sum() > 0.0
