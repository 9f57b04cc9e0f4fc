"""Loads, summaries and replaced functions that are not this run's: said, never passed over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import cairo
from cairo.errors import CairoError, LoadError, PriceError
from cairo.files.pack import pack
from cairo.rates_tool.dd_stages import load_pass
from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame
from cairo.rates_tool.dd_stages.summary import LoadSummary, summarize
from cairo.rates_tool.loads import _return_load
from cairo.rates_tool.lookups import RESIDUAL_COSTS
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_checks import check_run
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import IN_PROCESS, RUN, Demo

YEAR = 2025
HOMES = 6


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS | {"floor_negative_net_load": False})
    return demo


@pytest.fixture(scope="module", autouse=True)
def client() -> Iterator[None]:
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as one, Client(one):
        yield


def inputs_of(demo: Demo) -> RunInputs:
    return read_inputs(read_scenario(demo.scenario).run(RUN))


def simulated(
    demo: Demo, electricity: Any, backend: Any = "dask_dataframe", **changes: Any
) -> MeetRevenueSufficiencySystemWide:
    """A run of a caller's own script, without gas; `changes` are arguments of `simulate`."""
    inputs = inputs_of(demo)
    metadata = changes.pop("customer_metadata", inputs.customer_metadata)
    workers = changes.pop("workers", 1)
    simulator = MeetRevenueSufficiencySystemWide(
        "precalc",
        YEAR,
        YEAR,
        workers,
        metadata["bldg_id"].tolist(),
        "mine",
        demo.folder / "out",
        backend,
    )
    arguments: dict[str, Any] = {
        "revenue_requirement": 1e7,
        "tariffs_params": inputs.tariffs_params,
        "tariff_map": inputs.tariff_map,
        "precalc_period_mapping": None,
        "customer_metadata": metadata,
        "customer_electricity_load": electricity,
        "marginal_system_prices": inputs.marginal_system_prices,
        "costs_by_type": pd.Series({RESIDUAL_COSTS: 1e6}),
    }
    simulator.simulate(**arguments | changes)
    return simulator


def summary_of(demo: Demo) -> LoadSummary:
    """What a run's own pass leaves, of tariffs, prices and weights as the run has them."""
    inputs = inputs_of(demo)
    strategy = dict(inputs.tariff_map.itertuples(index=False, name=None))
    plan = load_pass.run_plan(
        inputs.customer_metadata,
        inputs.marginal_system_prices,
        inputs.tariffs_params,
        strategy,
        YEAR,
    )
    return summarize(read_load_frame(demo.loads, options=LoadOptions(YEAR)), plan)


# The year


def test_loads_of_the_weather_year_are_refused_by_a_run_of_another(demo: Demo) -> None:
    with pytest.raises(LoadError, match="of the year 2018, the run of 2025"):
        simulated(demo, cairo.read_loads(demo.loads))
    ids = inputs_of(demo).customer_metadata["bldg_id"].tolist()
    weather_year = _return_load(None, "electricity", None, ids, demo.loads, "EST")
    with pytest.raises(PriceError, match="2018"):
        simulated(demo, weather_year, "pandas")


def test_a_folder_is_moved_to_the_year_of_the_run(demo: Demo) -> None:
    moved = cairo.read_loads(demo.loads, target_year=YEAR)
    expected = simulated(demo, moved).customer_bat
    pd.testing.assert_frame_equal(
        simulated(demo, demo.loads).customer_bat, expected, check_exact=True
    )


def of_2012(demo: Demo) -> int:
    """Give the last home the stamps of 2012; its bldg_id."""
    path = sorted(demo.loads.iterdir())[-1]
    days = pd.date_range("2012-01-01", "2012-12-31 23:00", freq="h")
    stamps = days[~((days.month == 2) & (days.day == 29))]
    demo.parquet(path, lambda f: f.assign(timestamp=stamps.astype("datetime64[us]")))
    return int(path.name.split("-")[0])


@pytest.mark.parametrize("size", [1, 100])
def test_homes_of_two_weather_years_need_a_target_year_in_every_reader(
    demo: Demo, size: int
) -> None:
    odd = of_2012(demo)
    with pytest.raises(LoadError, match=f"several weather years.*building {odd} of 2012"):
        _return_load(None, "electricity", None, None, demo.loads, "EST")
    frame = read_load_frame(demo.loads, partition_buildings=size)
    with pytest.raises(LoadError, match=f"several weather years.*building {odd} of 2012"):
        simulated(demo, frame)
    assert simulated(demo, demo.loads).save_file_loc is not None


# What a summary was taken for


def other_prices(inputs: RunInputs) -> dict[str, Any]:
    return {"marginal_system_prices": inputs.marginal_system_prices * 10.0}


def other_weights(inputs: RunInputs) -> dict[str, Any]:
    metadata = inputs.customer_metadata
    return {"customer_metadata": metadata.assign(weight=metadata["weight"] * 2.0)}


def other_map(inputs: RunInputs) -> dict[str, Any]:
    keys = inputs.tariff_map["tariff_key"]
    return {"tariff_map": inputs.tariff_map.assign(tariff_key=np.roll(keys.to_numpy(), 1))}


def fewer_homes(inputs: RunInputs) -> dict[str, Any]:
    return {"customer_metadata": inputs.customer_metadata.iloc[1:]}


def net_metering(inputs: RunInputs) -> dict[str, Any]:
    return {"solar_pv_compensation": "net_metering", "sell_rate": inputs.tariffs_params}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_prices, "marginal prices"),
        (other_weights, "weights"),
        (other_map, "electric tariffs"),
        (fewer_homes, "homes"),
        (net_metering, "exports of solar homes"),
    ],
)
def test_a_summary_answers_only_what_it_was_taken_for(demo: Demo, change: Any, named: str) -> None:
    summary = summary_of(demo)
    simulated(demo, summary)
    with pytest.raises(LoadError, match=f"not taken for this run's .*{named}"):
        simulated(demo, summary, **change(inputs_of(demo)))


# Homes beyond the sample


@pytest.mark.slow
def test_every_backend_takes_the_sample_of_loads_that_cover_more(demo: Demo) -> None:
    inputs = inputs_of(demo)
    metadata = inputs.customer_metadata.iloc[[2, 0]]
    loads = _return_load(None, "electricity", YEAR, None, demo.loads, "EST")
    backends = ("pandas", "dask_delayed", "dask_dataframe")
    pandas, delayed, frame = (
        simulated(demo, loads, backend, customer_metadata=metadata).customer_bat
        for backend in backends
    )
    assert pandas.index.tolist() == metadata["bldg_id"].tolist()
    for other in (delayed, frame):
        pd.testing.assert_frame_equal(pandas, other, rtol=1e-11)


def test_a_backend_that_needs_a_load_frame_says_so(demo: Demo) -> None:
    frame = cairo.read_loads(demo.loads, target_year=YEAR)
    with pytest.raises(LoadError, match="stay on the workers: expected a pandas load frame"):
        simulated(demo, frame, "pandas")


@pytest.mark.slow
def test_every_backend_reads_a_folder(demo: Demo) -> None:
    pandas, delayed, frame = (
        simulated(demo, demo.loads, backend).customer_bat
        for backend in ("pandas", "dask_delayed", "dask_dataframe")
    )
    for other in (delayed, frame):
        pd.testing.assert_frame_equal(pandas, other, rtol=1e-11)


# Taxes


def test_a_precalc_with_taxes_balances_but_for_the_taxes(
    demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    changes = {"utility_tax_rate": 0.05, "energy_surcharge_rate": 0.01}
    inputs = inputs_of(demo)
    frame = read_load_frame(demo.loads, options=LoadOptions(YEAR, floor_net=True))
    price = inputs.marginal_system_prices
    net = frame["electricity_net"].compute().to_numpy().reshape(-1, 8760)
    ids = np.sort(inputs.customer_metadata["bldg_id"].to_numpy())
    weight = inputs.customer_metadata.set_index("bldg_id")["weight"].loc[ids].to_numpy()
    marginal = float(weight @ (net @ price.sum(axis=1).to_numpy()))
    costs = pd.Series({RESIDUAL_COSTS: 1e7 - marginal})
    with caplog.at_level(logging.WARNING):
        taxed = simulated(demo, frame, costs_by_type=costs, **changes).customer_bat
    assert "weighted BAT" not in caplog.text
    # The requirement is met before taxes: 5 % of it, and a cent a kWh, come on top.
    beyond = 0.05 * 1e7 + 0.01 * float(weight @ net.sum(axis=1))
    total = float((taxed["weight"] * taxed["BAT_vol"]).sum())
    assert total == pytest.approx(beyond, rel=1e-9)
    with caplog.at_level(logging.ERROR):
        simulated(demo, frame, costs_by_type=costs + 1e5, **changes)
    assert "weighted BAT_vol adds to" in caplog.text and "of taxes" in caplog.text


# Replaced functions


@pytest.mark.parametrize(
    ("backend", "warnings"), [("pandas", 0), ("dask_delayed", 1), ("dask_dataframe", 1)]
)
def test_a_replaced_allocation_runs_or_is_said_to_be_passed_over(
    demo: Demo,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    warnings: int,
) -> None:
    name = "_determine_residual_cost_allocation"
    original = getattr(InternalCrossSubsidizationProcessor, name)
    called: list[str] = []

    def mine(self: InternalCrossSubsidizationProcessor, *arguments: Any) -> pd.DataFrame:
        called.append(name)
        return original(self, *arguments)

    monkeypatch.setattr(InternalCrossSubsidizationProcessor, name, mine)
    loads = _return_load(None, "electricity", YEAR, None, demo.loads, "EST")
    with caplog.at_level(logging.WARNING, logger="cairo.rates_tool.replaced"):
        simulated(demo, loads, backend)
    told = [r for r in caplog.records if r.name == "cairo.rates_tool.replaced"]
    assert len(told) == warnings and bool(called) is (warnings == 0)
    assert all(name in record.getMessage() for record in told)


@pytest.mark.parametrize("name", ["_allocate_residual_peak", "_allocate_residual_epmc"])
def test_a_replaced_single_allocation_is_named_by_dask_delayed(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    original = getattr(InternalCrossSubsidizationProcessor, name)
    monkeypatch.setattr(
        InternalCrossSubsidizationProcessor, name, lambda *arguments: original(*arguments)
    )
    loads = _return_load(None, "electricity", YEAR, None, demo.loads, "EST")
    with caplog.at_level(logging.WARNING, logger="cairo.rates_tool.replaced"):
        simulated(demo, loads, "dask_delayed")
    assert name in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_replaced_burden_runs_in_the_processes_of_dask_delayed(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    original = InternalCrossSubsidizationProcessor._determine_marginal_cost_allocation
    loads = _return_load(None, "electricity", YEAR, None, demo.loads, "EST")
    before = simulated(demo, loads, "dask_delayed").customer_bat
    monkeypatch.setattr(
        InternalCrossSubsidizationProcessor,
        "_determine_marginal_cost_allocation",
        lambda *arguments: original(*arguments) * 2.0,
    )
    after = simulated(demo, loads, "dask_delayed", workers=workers).customer_bat
    burden = "customer_level_economic_burden"
    pd.testing.assert_series_equal(after[burden], before[burden] * 2.0, rtol=1e-15)
    assert "passes over" not in caplog.text


# Packed stocks


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut in half", "missing"])
def test_check_finds_what_a_run_would_of_a_packed_stock(demo: Demo, harm: str) -> None:
    packed = pack(demo.loads, demo.folder / "packed", block_buildings=2)
    demo.settings({"path_resstock_loads": str(packed)})
    settings = read_scenario(demo.scenario).run(RUN)
    assert check_run(settings) == []
    part = next(packed.glob("part-*.parquet"))
    if harm == "missing":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    found = check_run(settings)
    assert found and all(part.name in str(error) for error in found)
    with pytest.raises(CairoError, match=part.name):
        demo.run()
