"""A study: several runs of a scenario file, those that share loads in one pass over them.

A run in a study writes the bytes that it writes alone. What runs ask of the hours is one set of
measures, so a question that several ask is put once. Runs that build on others come after them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Unpack

import pandas as pd

from cairo.errors import CairoError
from cairo.model.progress import Progress
from cairo.rates_tool.backend import RunLoads, Work
from cairo.rates_tool.dd_stages import load_pass
from cairo.rates_tool.dd_stages.sources import StoredLoads
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan, Summary
from cairo.rates_tool.dd_stages.unsound import all_unsound_told
from cairo.rates_tool.design import Design
from cairo.results.run import Run
from cairo.runs.asked import Instead
from cairo.runs.derived import inputs_with_designs
from cairo.runs.runner import completed, own_loads
from cairo.runs.study_plan import Planned, StudyPlan, built_on_failed, study_plan
from cairo.runs.study_table import study_table, write_study_table
from cairo.scenario.inputs import RunInputs
from cairo.scenario.overrides import overridden
from cairo.scenario.scenario_file import Scenario, read_scenario
from cairo.shared import sharing
from cairo.stopping import one_of_several
from cairo.workers import cluster
from cairo.workers.memory import PeakMemory
from cairo.workers.stages import Timings
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import not_while_starting


@dataclass
class Study(Mapping[str, Run]):
    """Finished runs by name, in the order asked for.

    failed : {name: what was wrong} of those that are not there.
    resumed : names of those that were there before.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    failed: dict[str, CairoError] = field(default_factory=dict)
    resumed: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Run:
        return self.runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def table(self) -> pd.DataFrame:
        """A row a run; see `study_table`."""
        return study_table([*self.runs, *self.failed], self.runs, self.failed)


def study(
    scenario_path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
    *,
    sets: Sequence[str] = (),
    resume: bool = False,
    config_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    batch: str | None = None,
    finished: Callable[[Path], object] = lambda place: None,
    **instead: Unpack[Instead],
) -> Study:
    """Run several runs of a scenario file, each load file read once for those that share it.

    Parameters
    ----------
    scenario_path : scenario YAML.
    names : of runs, or patterns such as `hp_*`; all by default.
    sets : `KEY=VALUE[,VALUE...]`, settings in the place of the file's; several values make
        several runs of each.
    resume : leave out runs that are finished with the same settings, inputs and version.
    config_dir : folder that relative paths of the file start from.
    progress : told of stages and homes done.
    batch : name that stands for `<batch>` in `path_outputs`.
    finished : told of each run directory as it appears.
    instead : `backend`, `output_dir`, `workers`, `allow_unmodelled` in the place of every run's
        own.

    Returns
    -------
    The finished runs; one that fails takes down those that build on it, and its error is in
    `failed`. `study.csv` beside the run directories has the table.

    Raises
    ------
    ScenarioError
        The file is none, a name fits no run, references lead nowhere or in a circle.
    """
    not_while_starting()
    scenario, asked = read_asked(scenario_path, names, sets, config_dir)
    try:
        with own_turn(), PeakMemory() as memory, one_of_several(), sharing():
            timings = Timings(progress)
            with timings.stage(f"inputs of {len(asked)} runs"):
                plan = study_plan(scenario, asked, instead, batch, resume=resume)
            resumed = tuple(name for name in asked if name in plan.finished)
            for name in resumed:
                finished(plan.finished[name])
            _Making(plan, progress, memory, finished).make()
    finally:
        if progress:
            progress.done()
    runs = {name: Run(plan.finished[name]) for name in asked if name in plan.finished}
    failed = {name: plan.failed[name] for name in asked if name in plan.failed}
    found = Study(runs, failed, resumed)
    write_study_table(found.table, {run.path.parent for run in runs.values()})
    return found


def read_asked(
    scenario_path: str | os.PathLike[str],
    names: Sequence[str] | None,
    sets: Sequence[str] = (),
    config_dir: str | os.PathLike[str] | None = None,
) -> tuple[Scenario, list[str]]:
    """A scenario file with settings changed, and the names of the runs asked for."""
    scenario = read_scenario(scenario_path, config_dir)
    return overridden(scenario, scenario.chosen(names), sets)


class _Making:
    """The runs of a plan being made, each when those it builds on are there.

    What a run does after a pass that it shares (bills, statistics, files) is done in threads,
    while the next pass is taken; a run that reads its own loads has the process to itself.
    """

    def __init__(
        self,
        plan: StudyPlan,
        progress: Progress | None,
        memory: PeakMemory,
        finished: Callable[[Path], object],
    ) -> None:
        self.plan, self.progress, self.memory, self.finished = plan, progress, memory, finished
        self.group_of = {name: group for group in plan.groups for name in group}
        self.taken: dict[str, Summary | CairoError] = {}
        self.working: dict[Future[Path], str] = {}

    def make(self) -> None:
        """Make all of them; what fails is noted."""
        waiting = dict(self.plan.runs)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                while waiting or self.working:
                    ready = self._ready(waiting)
                    for one in ready:
                        self._start(one, pool)
                    if not ready:
                        done, _ = wait(self.working, return_when=FIRST_COMPLETED)
                        for future in done:
                            self._note(self.working.pop(future), future.result)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _ready(self, waiting: dict[str, Planned]) -> list[Planned]:
        """Runs that can begin, taken out of those waiting; what cannot be made is noted."""
        plan = self.plan
        ready: list[Planned] = []
        for name, one in list(waiting.items()):
            broken = [other for other in one.after if other in plan.failed]
            if broken:
                plan.failed[name] = built_on_failed(name, broken)
            elif all(other in plan.finished for other in one.after):
                ready.append(one)
            else:
                continue
            del waiting[name]
        return ready

    def _start(self, one: Planned, pool: ThreadPoolExecutor) -> None:
        """Make a run that reads its own loads now; one that shares a pass in a thread."""
        group = self.group_of[one.name]
        if len(group) == 1:
            self._note(one.name, partial(self._made, one, None))
            return
        if group[0] not in self.taken:
            sharing_it = [self.plan.runs[name].inputs for name in group]
            plans = [pass_plan(inputs) for inputs in sharing_it]
            fields = max((inputs.fields for inputs in sharing_it), key=len)
            taken: Summary | CairoError
            try:
                with all_unsound_told(one.inputs.loads, fields, self.progress):
                    taken = shared_pass(one.inputs, plans, Timings(self.progress))
            except CairoError as error:
                taken = error
            self.taken[group[0]] = taken
        found = self.taken[group[0]]
        if isinstance(found, CairoError):
            self.plan.failed[one.name] = found
            return
        loads = RunLoads(LoadSummary(pass_plan(one.inputs), found))
        self.working[pool.submit(self._made, one, loads)] = one.name

    def _made(self, one: Planned, loads: RunLoads | None) -> Path:
        # Of several at once no stages are shown.
        timings = Timings(self.progress if loads is None else None)
        timings.tell(one.name)
        started = datetime.now(UTC)
        settings = one.inputs.settings
        work = Work(settings.process_workers, settings.dask, timings)
        inputs, designs = one.inputs, dict[str, Design]()
        if one.after or settings.derived_tariffs:
            inputs, designs = inputs_with_designs(
                self.plan.final_settings(one.name), work, self.progress
            )
        return completed(inputs, loads or own_loads(inputs), work, started, self.memory, designs)

    def _note(self, name: str, made: Callable[[], Path]) -> None:
        try:
            self.plan.finished[name] = made()
        except CairoError as error:
            self.plan.failed[name] = error
        else:
            self.finished(self.plan.finished[name])
        if self.progress:
            plan = self.plan
            ended = sum(one in plan.finished or one in plan.failed for one in plan.runs)
            state = "failed" if name in plan.failed else "done"
            self.progress.note(f"{name} {state}: {ended} of {len(plan.runs)} runs")


def pass_plan(one: RunInputs) -> PassPlan:
    """What a run asks of the hours."""
    spec = one.spec
    gas = None if spec.gas is None else spec.gas.read(spec.customers.ids)
    return load_pass.plan_of(spec, spec.prices, gas)


def shared_pass(first: RunInputs, plans: Sequence[PassPlan], timings: Timings) -> Summary:
    """One pass that answers every run's questions."""
    settings, source = first.settings, first.loads
    assert isinstance(source, StoredLoads)
    asked, *more = (plan.measures for plan in plans)
    for measures in more:
        asked = asked | measures
    homes = len(asked.bldg_ids)
    size = cluster.sizing(settings.dask, settings.process_workers, homes)
    with cluster.connected(settings.dask, size, timings.note) as client:
        frame = source.load_frame(size.partition_buildings, client)
        with timings.stage(f"pass over the loads of {len(plans)} runs", homes):
            return load_pass.take(frame, asked, client, timings.advance)
