"""A scenario's run from its file to its directory, with any backend."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from cairo.files.load_file import NOTHING_READ, ReadCount
from cairo.files.run_directory import RunDirectory, write_csv, write_json
from cairo.model.names import DISTRIBUTION_PRICE, ELECTRICITY, GAS
from cairo.rates_tool import delayed_stages, system_revenues, tariffs
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool.dd_stages.partition import read_count
from cairo.rates_tool.systemsimulator import (
    MeetRevenueSufficiencySystemWide,
    process_scheduler,
)
from cairo.runs.prices import full_prices
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_file import RunSettings, read_scenario
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Progress, Timings

PACKAGES = ("cairo", "dask", "distributed", "pandas", "pyarrow", "numpy", "pydantic")


def run_scenario(
    scenario_path: str | os.PathLike[str],
    run_name: str,
    *,
    backend: str | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    config_dir: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    performance_report: bool = False,
) -> Path:
    """Run one run of a scenario file.

    Parameters
    ----------
    scenario_path : scenario YAML.
    run_name : name of the run in it.
    backend, output_dir, workers : instead of the file's `backend`, `path_outputs`,
        `process_workers`.
    config_dir : folder that relative paths of the file start from.
    progress : told of stages, buildings done and the dashboard's address.
    performance_report : save Dask's performance report in the run directory
        (`dask_dataframe` only).

    Returns
    -------
    The run directory.

    Raises
    ------
    CairoError
        Any input error, before anything is written; all of them at once where they can be
        known together (`InputErrors`).
    """
    settings = read_scenario(scenario_path, config_dir).run(run_name)
    changes: dict[str, Any] = {}
    if backend is not None:
        changes["backend"] = backend
    if output_dir is not None:
        changes["path_outputs"] = str(output_dir)
    if workers is not None:
        changes["process_workers"] = workers
    return run(settings.changed(**changes), progress, performance_report=performance_report)


def run(
    settings: RunSettings, progress: Progress | None = None, *, performance_report: bool = False
) -> Path:
    """Run typed settings; see `run_scenario`."""
    started = datetime.now(UTC)
    timings = Timings(progress)
    memory = PeakMemory()
    try:
        with memory, ExitStack() as stack:
            with timings.stage("inputs"):
                inputs = read_inputs(settings)
            prepared = _prepare(inputs, timings, performance_report)
            with timings.stage("revenue requirement"):
                costs = _costs(inputs, prepared)
            directory = stack.enter_context(RunDirectory(settings.path_outputs, settings.run_name))
            with timings.stage("bills, rates and bill alignment"):
                simulator = _simulate(inputs, prepared, costs, directory)
            _write_system(directory.path, prepared, costs)
            write_csv(inputs.tariff_map, directory.path / "tariff_map.csv")
            if prepared.report is not None:
                prepared.report(directory.path / "performance_report.html")
            write_json(
                _record(inputs, prepared, costs, simulator, timings, started, memory.peak_bytes()),
                directory.path / "run.json",
            )
        return directory.final_path
    finally:
        if progress:
            progress.done()


@dataclass
class _Prepared:
    """Loads as the backend works on them, the system's demand and all price components."""

    electricity: Any
    gas: Any
    demand: pd.Series
    prices: pd.DataFrame
    report: Callable[[Path], None] | None = None
    workers: Mapping[str, Any] = field(default_factory=dict)
    read: ReadCount = NOTHING_READ


@dataclass(frozen=True)
class _Costs:
    requirement: float
    prices: pd.DataFrame
    hourly: pd.DataFrame
    by_type: pd.Series


def _prepare(inputs: RunInputs, timings: Timings, performance_report: bool) -> _Prepared:
    if inputs.settings.backend == "dask_dataframe":
        from cairo.runs.dask_run import prepare

        return _Prepared(**prepare(inputs, timings, performance_report))
    return _prepare_pandas(inputs, timings)


def _prepare_pandas(inputs: RunInputs, timings: Timings) -> _Prepared:
    settings = inputs.settings
    metadata = inputs.customer_metadata
    with process_scheduler(settings.backend, settings.process_workers):
        with timings.stage("electric loads"):
            electricity = inputs.loads.hourly_frame(ELECTRICITY)
            read = read_count(electricity)
        gas = None
        if inputs.gas_tariff_map is not None:
            with timings.stage("gas loads"):
                gas = inputs.loads.hourly_frame(GAS)
                read += read_count(gas)
        with timings.stage("system hourly demand"):
            stages: Any = delayed_stages if settings.backend == "dask_delayed" else load_funcs
            demand = stages.process_residential_hourly_demand(
                electricity, metadata[["bldg_id", "weight"]]
            )
    return _Prepared(electricity, gas, demand, full_prices(inputs, demand), read=read)


def _costs(inputs: RunInputs, prepared: _Prepared) -> _Costs:
    settings = inputs.settings
    requirement: Any = inputs.revenue_requirement
    target = sum(requirement.values()) if isinstance(requirement, Mapping) else requirement
    prices = prepared.prices
    distribution = prices[[name for name in prices if name == DISTRIBUTION_PRICE]]
    return _Costs(
        *system_revenues._return_revenue_requirement_target(
            prepared.demand,
            None,
            target,
            settings.residual_cost,
            settings.residual_cost_frac,
            prices.drop(columns=distribution.columns),
            distribution,
            settings.low_income_strategy,
            inputs.delivery_only_rev_req_passed,
        )
    )


def _simulate(
    inputs: RunInputs, prepared: _Prepared, costs: _Costs, directory: RunDirectory
) -> MeetRevenueSufficiencySystemWide:
    settings = inputs.settings
    simulator = MeetRevenueSufficiencySystemWide(
        settings.run_type,
        settings.year_run,
        settings.dollar_year,
        settings.process_workers,
        inputs.customer_metadata["bldg_id"].tolist(),
        settings.run_name,
        settings.path_outputs,
        settings.backend,
        directory,
    )
    requirement = inputs.revenue_requirement
    sell_rate = tariffs._return_export_compensation_rate(
        settings.year_run,
        settings.solar_pv_compensation,
        settings.solar_pv_export_import_ratio,
        inputs.tariffs_params,
    )
    simulator.simulate(
        requirement if isinstance(requirement, Mapping) else costs.requirement,
        inputs.tariffs_params,
        inputs.tariff_map,
        None,
        inputs.customer_metadata,
        prepared.electricity,
        prepared.gas,
        inputs.gas_tariff_map,
        inputs.gas_tariffs,
        marginal_system_prices=costs.prices,
        costs_by_type=costs.by_type,
        solar_pv_compensation=settings.solar_pv_compensation,
        sell_rate=sell_rate,
        low_income_strategy=settings.low_income_strategy,
        low_income_participation_target=settings.low_income_participation_target,
        low_income_bill_assistance_program=settings.low_income_bill_assistance_program,
        utility_tax_rate=settings.utility_tax_rate,
        energy_surcharge_rate=settings.energy_surcharge_rate,
    )
    return simulator


def _write_system(folder: Path, prepared: _Prepared, costs: _Costs) -> None:
    """System hourly demand and prices, and costs by type: what a reader traces numbers to."""
    hourly = pd.concat([prepared.demand.rename("system_load_kwh"), costs.prices], axis=1)
    write_csv(hourly.rename_axis("time").reset_index(), folder / "system_hourly.csv")
    write_csv(
        costs.by_type.rename("dollars").rename_axis("cost").reset_index(),
        folder / "costs_by_type.csv",
    )


def _record(
    inputs: RunInputs,
    prepared: _Prepared,
    costs: _Costs,
    simulator: MeetRevenueSufficiencySystemWide,
    timings: Timings,
    started: datetime,
    peak_bytes: int,
) -> dict[str, Any]:
    """`run.json`: everything needed to say how the run was made, and to make it again."""
    _, revenue = system_revenues.aggregate_system_revenues(
        simulator.customer_bills_monthly, inputs.customer_metadata
    )
    return {
        "run_name": inputs.settings.run_name,
        "started": started.isoformat(timespec="seconds"),
        "settings": inputs.settings.model_dump(mode="json", by_alias=True, exclude_none=True),
        "summary": {
            "customers": float(inputs.customer_metadata["weight"].sum()),
            "buildings": len(inputs.customer_metadata),
            "revenue_requirement": costs.requirement,
            "revenue_requirement_by_tariff": inputs.revenue_requirement
            if isinstance(inputs.revenue_requirement, Mapping)
            else None,
            "revenue": revenue,
            "peak_kw": float(prepared.demand.max()),
            "peak_time": str(prepared.demand.idxmax()),
            "annual_kwh": float(prepared.demand.sum()),
            "costs_by_type": {str(k): float(v) for k, v in costs.by_type.items()},
        },
        "timings_s": {name: round(value, 4) for name, value in timings.seconds.items()},
        "peak_memory_bytes": peak_bytes,
        "loads_read": asdict(prepared.read),
        "workers": dict(prepared.workers),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count()},
        "inputs": inputs.fingerprints,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
