"""A scenario's run from its file to its directory, with any backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from cairo.errors import ScenarioError, listed
from cairo.files.run_directory import RunDirectory, check_writable
from cairo.model.backends import ON_WORKERS
from cairo.model.names import ANNUAL
from cairo.rates_tool.backend import RunLoads, Work, backend_class
from cairo.rates_tool.baseline import Baseline
from cairo.rates_tool.dd_stages.unsound import all_unsound_told
from cairo.rates_tool.design import Design
from cairo.rates_tool.record import Origin
from cairo.rates_tool.settle import first_costs
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.results.run import Run
from cairo.runs.asked import Instead, settings_alone
from cairo.runs.derived import inputs_with_designs
from cairo.scenario.inputs import RunInputs
from cairo.scenario.scenario_file import RunSettings, read_scenario
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Progress, Timings
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import not_while_starting


def run_scenario(
    scenario_path: str | os.PathLike[str],
    run_name: str,
    *,
    config_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    performance_report: bool = False,
    hold: Callable[[Path], None] | None = None,
    batch: str | None = None,
    **instead: Unpack[Instead],
) -> Path:
    """Run one run of a scenario file.

    Parameters
    ----------
    scenario_path : scenario YAML.
    run_name : name of the run in it.
    config_dir : folder that relative paths of the file start from.
    progress : told of stages, buildings done and the dashboard's address.
    batch : name that stands for `<batch>` in `path_outputs`.
    performance_report : save Dask's performance report in the run directory
        (`dask_dataframe` only).
    hold : called with the run directory once it is there, while the workers and their dashboard
        are too (`dask_dataframe` only).
    instead : `backend`, `output_dir`, `workers`, `allow_unmodelled` in the place of the file's
        `backend`, `path_outputs`, `process_workers`, `allow_unmodelled`.

    Returns
    -------
    The run directory.

    Raises
    ------
    CairoError
        Any input error, before anything is written; all of them at once where they can be
        known together (`InputErrors`).
    """
    scenario = read_scenario(scenario_path, config_dir)
    settings = settings_alone(scenario, run_name, instead, batch)
    return run(settings, progress, performance_report=performance_report, hold=hold)


def run(
    settings: RunSettings,
    progress: Progress | None = None,
    *,
    performance_report: bool = False,
    hold: Callable[[Path], None] | None = None,
) -> Path:
    """Run typed settings; see `run_scenario`."""
    not_while_starting()
    _check_workers(settings, performance_report=performance_report, hold=hold is not None)
    timings = Timings(progress)
    started = datetime.now(UTC)

    def waiting() -> None:
        timings.note("waiting for another run of this process to end")

    try:
        with own_turn(waiting), PeakMemory() as memory:
            work = Work(settings.process_workers, settings.dask, timings, performance_report, hold)
            check_writable(settings.path_outputs, settings.run_name)
            with timings.stage("inputs"):
                inputs, designs = inputs_with_designs(settings, work, progress)
            return completed(inputs, own_loads(inputs), work, started, memory, designs)
    finally:
        if progress:
            progress.done()


def _check_workers(settings: RunSettings, *, performance_report: bool, hold: bool) -> None:
    """Refuse what only runs on Dask's workers have."""
    for wanted, what in ((performance_report, "a performance report"), (hold, "a dashboard")):
        if wanted and settings.backend not in ON_WORKERS:
            raise ScenarioError(
                f"run {settings.run_name} has backend {settings.backend}, which has no workers and "
                f"so no {what.removeprefix('a ')}: only {listed(ON_WORKERS)} has {what}"
            )
    if hold and not settings.dask.dashboard_address:
        raise ScenarioError(
            f"run {settings.run_name} has dask.dashboard_address null: no dashboard to keep"
        )


def own_loads(inputs: RunInputs) -> RunLoads:
    """The loads that a run reads by itself."""
    return RunLoads(inputs.loads, None if inputs.spec.gas is None else inputs.loads)


def completed(
    inputs: RunInputs,
    loads: RunLoads,
    work: Work,
    started: datetime,
    memory: PeakMemory,
    designs: Mapping[str, Design] | None = None,
) -> Path:
    """A run of inputs that have been read, from its loads to its directory."""
    settings = inputs.settings
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
    baseline = baseline_of(settings)
    if baseline is not None:
        baseline.check_homes(inputs.spec.customers.ids)
    kind = backend_class(settings.backend)
    kind.warn_of_passed_over(simulator)
    with ExitStack() as stack:
        progress = work.timings.progress
        stack.enter_context(all_unsound_told(inputs.loads, inputs.fields, progress))
        backend = stack.enter_context(kind(inputs.spec, loads, work, simulator))
        with work.timings.stage("revenue requirement"):
            costs, electric = first_costs(backend)
        origin = Origin(
            settings.recorded(),
            inputs.fingerprints,
            started,
            memory,
            baseline,
            designs or {},
            inputs.unmodelled,
        )
        with RunDirectory(settings.path_outputs, settings.run_name) as directory:
            simulator.completed(backend, costs, origin, directory.path, electric)
        if work.hold is not None:
            work.hold(directory.final_path)
    return directory.final_path


def baseline_of(settings: RunSettings) -> Baseline | None:
    """The bills that a run's are measured against; None without `compare_to`.

    Raises
    ------
    CairoError
        It is no directory of a finished run.
    """
    if settings.compare_to is None:
        return None
    other = Run(settings.compare_to)
    annual = {
        fuel: bills[bills["month"] == ANNUAL].set_index("bldg_id")["bill_level"]
        for fuel, bills in (("electricity", other.bills), ("gas", other.gas_bills))
    }
    year = int(other.bills["dollar_year"].iloc[0])
    return Baseline(other.info["run_name"], str(other.path), year, **annual)
