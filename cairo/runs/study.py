"""A study: several runs of a scenario file, those that share loads in one pass over them.

A run in a study writes the bytes that it writes alone. What runs ask of the hours is one set of
measures, so a question that several ask is put once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.model.allocations import share_columns
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL, ON_WORKERS
from cairo.model.progress import Progress
from cairo.rates_tool.backend import RunLoads, Work
from cairo.rates_tool.dd_stages import load_pass
from cairo.rates_tool.dd_stages.sources import StoredLoads
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan, Summary
from cairo.results.run import Run
from cairo.runs.runner import Instead, completed, own_loads, settings_of
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.scenario_file import read_scenario
from cairo.workers import cluster
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Timings
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import not_while_starting


@dataclass
class Study(Mapping[str, Run]):
    """Finished runs by name, in the order asked for.

    failed : {name: what was wrong} of those that are not there.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    failed: dict[str, CairoError] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Run:
        return self.runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def table(self) -> pd.DataFrame:
        """A row a run: seconds, requirement, revenue and mean bill [$], what customers pay for
        one another by allocation [$/year], directory, or the error.
        """
        rows = [_row(name, one) for name, one in self.runs.items()]
        rows += [{"run": name, "error": str(error)} for name, error in self.failed.items()]
        return pd.DataFrame(rows)


def _row(name: str, one: Run) -> dict[str, object]:
    summary, bat = one.summary, one.bat
    weight = bat["weight"].to_numpy(np.float64)
    customers = weighted_total(weight, np.ones(len(weight)))
    row: dict[str, object] = {
        "run": name,
        "seconds": round(sum(one.info["timings_s"].values()), 2),
        "requirement": summary["revenue_requirement"],
        "revenue": summary["revenue"],
        "mean_bill": weighted_total(weight, bat[ANNUAL].to_numpy(np.float64)) / customers,
    }
    for column in share_columns():
        if column in bat:
            values = bat[column].to_numpy(np.float64)
            apart = np.abs(values - weighted_total(weight, values) / customers)
            row[f"paid_for_others_{column}"] = weighted_total(weight, apart) / 2.0
    return row | {"directory": str(one.path), "error": ""}


def study(
    scenario_path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
    *,
    config_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    batch: str | None = None,
    **instead: Unpack[Instead],
) -> Study:
    """Run several runs of a scenario file, each load file read once for those that share it.

    Parameters
    ----------
    scenario_path : scenario YAML.
    names : of runs, or patterns such as `hp_*`; all by default.
    config_dir : folder that relative paths of the file start from.
    progress : told of stages and homes done.
    batch : name that stands for `<batch>` in `path_outputs`.
    instead : `backend`, `output_dir`, `workers` in the place of every run's own.

    Returns
    -------
    The finished runs; one that fails takes down no other, and its error is in `failed`.

    Raises
    ------
    ScenarioError
        The file is none, or a name fits no run.
    """
    not_while_starting()
    scenario = read_scenario(scenario_path, config_dir)
    found = Study()
    inputs: dict[str, RunInputs] = {}
    order = scenario.chosen(names)
    for name in order:
        try:
            inputs[name] = read_inputs(settings_of(scenario, name, instead, batch))
        except CairoError as error:
            found.failed[name] = error
    done: dict[str, Path] = {}
    try:
        with PeakMemory() as memory:
            for group in _groups(inputs):
                _run_group({name: inputs[name] for name in group}, done, found, progress, memory)
    finally:
        if progress:
            progress.done()
    found.runs = {name: Run(done[name]) for name in order if name in done}
    return found


def _groups(inputs: Mapping[str, RunInputs]) -> list[list[str]]:
    """Runs that can share a pass; one that cannot is alone."""
    together: dict[object, list[str]] = {}
    for name, one in inputs.items():
        settings, source = one.settings, one.loads
        shares = (
            settings.backend in ON_WORKERS
            and isinstance(source, StoredLoads)
            # Prices, or the hours themselves, that the pass gives first.
            and one.spec.distribution_cost is None
            and one.spec.response is None
        )
        key: object = name
        if shares and isinstance(source, StoredLoads):
            options = source.options
            key = (
                tuple(sorted(source.place_of(bldg_id) for bldg_id in source.bldg_ids)),
                (options.target_year, options.chain, repr(options.storage_options)),
                (settings.dask.model_dump_json(), settings.process_workers),
            )
        together.setdefault(key, []).append(name)
    return list(together.values())


def _run_group(
    group: Mapping[str, RunInputs],
    done: dict[str, Path],
    found: Study,
    progress: Progress | None,
    memory: PeakMemory,
) -> None:
    """Run those of a group; what fails is noted."""
    if len(group) == 1:
        for name, one in group.items():
            try:
                with own_turn():
                    work = Work(one.settings.process_workers, one.settings.dask, Timings(progress))
                    work.timings.tell(name)
                    started = datetime.now(UTC)
                    done[name] = completed(one, own_loads(one), work, started, memory)
            except CairoError as error:
                found.failed[name] = error
        return
    shared = Timings(progress)
    try:
        with own_turn():
            plans = {name: _plan(one) for name, one in group.items()}
            taken = _pass(next(iter(group.values())), plans, shared)
            for name, one in group.items():
                work = Work(one.settings.process_workers, one.settings.dask, Timings(progress))
                work.timings.tell(name)
                loads = RunLoads(LoadSummary(plans[name], taken))
                try:
                    done[name] = completed(one, loads, work, datetime.now(UTC), memory)
                except CairoError as error:
                    found.failed[name] = error
    except CairoError as error:
        for name in group:
            if name not in done:
                found.failed[name] = error


def _plan(one: RunInputs) -> PassPlan:
    spec = one.spec
    gas = None if spec.gas is None else spec.gas.read(spec.customers.ids)
    return load_pass.plan_of(spec, spec.prices, gas)


def _pass(first: RunInputs, plans: Mapping[str, PassPlan], timings: Timings) -> Summary:
    """One pass that answers every run's questions."""
    settings, source = first.settings, first.loads
    asked, *more = (plan.measures for plan in plans.values())
    for measures in more:
        asked = asked | measures
    homes = len(asked.bldg_ids)
    size = cluster.sizing(settings.dask, settings.process_workers, homes)
    with cluster.connected(settings.dask, size, timings.note) as client:
        frame = source.load_frame(size.partition_buildings, client)
        with timings.stage(f"pass over the loads of {len(plans)} runs", homes):
            return load_pass.take(frame, asked, client, timings.advance)
