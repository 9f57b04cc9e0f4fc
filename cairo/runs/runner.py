"""A scenario's run from its file to its directory, with any backend."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack

from cairo.files.run_directory import RunDirectory, filled_folder
from cairo.rates_tool.backend import RunLoads, Work, backend_class
from cairo.rates_tool.record import Origin
from cairo.rates_tool.settle import first_costs
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_file import RunSettings, Scenario, read_scenario
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Progress, Timings
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import not_while_starting


class Instead(TypedDict, total=False):
    """Settings of a run given in the place of its file's; None leaves the file's."""

    backend: str | None
    output_dir: str | os.PathLike[str] | None
    workers: int | None


KEYS = {"backend": "backend", "output_dir": "path_outputs", "workers": "process_workers"}


def run_scenario(
    scenario_path: str | os.PathLike[str],
    run_name: str,
    *,
    config_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    performance_report: bool = False,
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
    instead : `backend`, `output_dir`, `workers` in the place of the file's `backend`,
        `path_outputs`, `process_workers`.

    Returns
    -------
    The run directory.

    Raises
    ------
    CairoError
        Any input error, before anything is written; all of them at once where they can be
        known together (`InputErrors`).
    """
    settings = settings_of(read_scenario(scenario_path, config_dir), run_name, instead, batch)
    return run(settings, progress, performance_report=performance_report)


def settings_of(
    scenario: Scenario, run_name: str, instead: Instead, batch: str | None
) -> RunSettings:
    """A run's settings with those given in the place of its file's, its output folder filled in."""
    settings = scenario.run(run_name)
    changes: dict[str, object] = {
        KEYS[name]: str(value) if name == "output_dir" else value
        for name, value in instead.items()
        if value is not None
    }
    folder = changes.get("path_outputs", settings.path_outputs)
    changes["path_outputs"] = filled_folder(str(folder), batch)
    return settings.changed(**changes)


def run(
    settings: RunSettings,
    progress: Progress | None = None,
    *,
    performance_report: bool = False,
) -> Path:
    """Run typed settings; see `run_scenario`."""
    not_while_starting()
    timings = Timings(progress)
    started = datetime.now(UTC)

    def waiting() -> None:
        timings.note("waiting for another run of this process to end")

    try:
        with own_turn(waiting), PeakMemory() as memory:
            with timings.stage("inputs"):
                inputs = read_inputs(settings)
            work = Work(settings.process_workers, settings.dask, timings, performance_report)
            return completed(inputs, own_loads(inputs), work, started, memory)
    finally:
        if progress:
            progress.done()


def own_loads(inputs: RunInputs) -> RunLoads:
    """The loads that a run reads by itself."""
    return RunLoads(inputs.loads, None if inputs.spec.gas is None else inputs.loads)


def completed(
    inputs: RunInputs, loads: RunLoads, work: Work, started: datetime, memory: PeakMemory
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
    kind = backend_class(settings.backend)
    kind.warn_of_passed_over(simulator)
    with ExitStack() as stack:
        backend = stack.enter_context(kind(inputs.spec, loads, work, simulator))
        with work.timings.stage("revenue requirement"):
            costs, electric = first_costs(backend)
        directory = stack.enter_context(RunDirectory(settings.path_outputs, settings.run_name))
        recorded = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
        origin = Origin(recorded, inputs.fingerprints, started, memory)
        simulator.completed(backend, costs, origin, directory.path, electric)
    return directory.final_path
