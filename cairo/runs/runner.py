"""A scenario's run from its file to its directory, with any backend."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from cairo.files.run_directory import RunDirectory
from cairo.model.names import DISTRIBUTION_PRICE
from cairo.rates_tool import system_revenues
from cairo.rates_tool.backend import LoadBackend, RunLoads, Work, backend_class
from cairo.rates_tool.record import Origin
from cairo.rates_tool.run_spec import Costs, RunSpec
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import RunSettings, read_scenario
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Progress, Timings
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import not_while_starting


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
    changes: dict[str, object] = {}
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
    not_while_starting()
    timings = Timings(progress)
    started = datetime.now(UTC)

    def waiting() -> None:
        timings.note("waiting for another run of this process to end")

    try:
        with own_turn(waiting), PeakMemory() as memory, ExitStack() as stack:
            with timings.stage("inputs"):
                inputs = read_inputs(settings)
            simulator = MeetRevenueSufficiencySystemWide(
                settings.run_type,
                settings.year_run,
                settings.dollar_year,
                settings.process_workers,
                inputs.spec.customers.ids,
                settings.run_name,
                settings.path_outputs,
                settings.backend,
            )
            kind = backend_class(settings.backend)
            kind.warn_of_passed_over(simulator)
            loads = RunLoads(inputs.loads, None if inputs.spec.gas is None else inputs.loads)
            work = Work(settings.process_workers, settings.dask, timings, performance_report)
            backend = stack.enter_context(kind(inputs.spec, loads, work, simulator))
            with timings.stage("revenue requirement"):
                costs = system_costs(inputs.spec, backend)
            directory = stack.enter_context(RunDirectory(settings.path_outputs, settings.run_name))
            recorded = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
            origin = Origin(recorded, inputs.fingerprints, started, memory)
            simulator.completed(backend, costs, origin, directory.path)
        return directory.final_path
    finally:
        if progress:
            progress.done()


def system_costs(spec: RunSpec, backend: LoadBackend) -> Costs:
    """What the system costs at its demand, and what rates must collect."""
    requirement = spec.requirement
    by_tariff = requirement.target if isinstance(requirement.target, Mapping) else None
    target = sum(by_tariff.values()) if by_tariff is not None else requirement.target
    prices = backend.prices.frame
    distribution = prices[[name for name in prices if name == DISTRIBUTION_PRICE]]
    total, _, _, by_type = system_revenues._return_revenue_requirement_target(
        backend.demand,
        None,
        target,
        requirement.residual,
        requirement.fraction,
        prices.drop(columns=distribution.columns),
        distribution,
        None if spec.assistance is None else spec.assistance.strategy,
        requirement.delivery_only,
    )
    return Costs(total, by_tariff, dict(by_type))
