"""What a study will do: which runs, in which order, on which pass over which loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cairo.errors import CairoError, ScenarioError, listed
from cairo.files.run_directory import check_writable
from cairo.rates_tool.backend import backend_class
from cairo.rates_tool.dd_stages.sources import StoredLoads
from cairo.runs.asked import Instead, finished_source, output_folder, settings_of
from cairo.runs.finished import same_run
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.references import (
    before_others,
    check_references,
    order,
    references,
    with_directories,
)
from cairo.scenario.scenario_file import RunSettings, Scenario


@dataclass(frozen=True, eq=False)
class Planned:
    """A run that a study will make.

    settings : as the file has them, with references. after : runs of the study it builds on.
    inputs : read and checked; of tariffs that another run will end with, as they begin.
    """

    name: str
    settings: RunSettings
    after: tuple[str, ...]
    inputs: RunInputs


@dataclass(eq=False)
class StudyPlan:
    """What a study will do.

    order : names of all runs asked for, each after those it builds on.
    runs : those to make. finished : {name: directory} of runs that are there, of this study or
    referred to. failed : {name: what is wrong} of those that cannot be made.
    groups : names by pass over the loads, a run without a shared pass alone.
    """

    order: list[str]
    settings: Mapping[str, RunSettings]
    runs: dict[str, Planned] = field(default_factory=dict)
    finished: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, CairoError] = field(default_factory=dict)

    @property
    def groups(self) -> list[list[str]]:
        """Names of runs to make, by pass."""
        together: dict[object, list[str]] = {}
        for name, one in self.runs.items():
            together.setdefault(_pass_key(one), []).append(name)
        return list(together.values())

    def final_settings(self, name: str) -> RunSettings:
        """A run's settings once those that it builds on are finished."""
        return with_directories(self.settings[name], self.settings, self.finished)


def study_plan(
    scenario: Scenario,
    asked: Sequence[str],
    instead: Instead,
    batch: str | None = None,
    *,
    resume: bool = False,
) -> StudyPlan:
    """Read and check what a study needs.

    Parameters
    ----------
    scenario : the file. asked : names of runs. instead : settings in the place of the file's.
    batch : stands for `<batch>` in output folders.
    resume : leave out runs that are finished with the same settings, inputs and version.

    Raises
    ------
    ScenarioError
        References that lead nowhere or in a circle. What is wrong with a single run is noted in
        `failed`, and takes down those that build on it.
    """
    settings: dict[str, RunSettings] = {}
    failed: dict[str, CairoError] = {}
    waiting = list(asked)
    while waiting:
        name = waiting.pop(0)
        if name in settings or name in failed:
            continue
        try:
            settings[name] = settings_of(scenario, name, instead, batch)
        except CairoError as error:
            failed[name] = error
            continue
        waiting += [one.run for one in references(settings[name]) if one.run in scenario.runs]
    sound = [name for name in asked if name in settings]
    check_references(settings, sound, failed)
    plan = StudyPlan(
        [*(name for name in asked if name in failed), *order(settings, sound)], settings
    )
    plan.failed = {name: error for name, error in failed.items() if name in asked}
    _find_others(plan, scenario, asked, instead)
    for name in plan.order:
        if name in settings:
            _add(plan, name, output_folder(scenario, name, instead) if resume else None)
    return plan


def _find_others(
    plan: StudyPlan, scenario: Scenario, asked: Sequence[str], instead: Instead
) -> None:
    """Finished directories of runs that are referred to and not asked for."""
    for name in plan.order:
        for one in references(plan.settings[name]) if name in plan.settings else ():
            if one.run in asked or one.run in plan.finished or one.run not in plan.settings:
                continue
            plan.finished[one.run] = finished_source(scenario, plan.settings, name, one, instead)


def _add(plan: StudyPlan, name: str, folder: str | None) -> None:
    """Read a run's inputs; it is to be made, or finished, or has failed."""
    needed = list(dict.fromkeys(one.run for one in references(plan.settings[name])))
    broken = [other for other in needed if other in plan.failed or other not in plan.settings]
    if broken:
        plan.failed[name] = built_on_failed(name, broken)
        return
    try:
        check_writable(plan.settings[name].path_outputs, plan.settings[name].run_name)
        if all(other in plan.finished for other in needed):
            inputs = read_inputs(plan.final_settings(name))
            there = same_run(inputs, folder) if folder is not None else None
            if there is not None:
                plan.finished[name] = there
                return
        else:
            inputs = read_inputs(before_others(plan.settings[name], plan.settings))
    except CairoError as error:
        plan.failed[name] = error
        return
    after = tuple(other for other in needed if other in plan.runs)
    plan.runs[name] = Planned(name, plan.settings[name], after, inputs)


def built_on_failed(name: str, broken: Sequence[str]) -> CairoError:
    """The error of a run whose sources have failed."""
    return ScenarioError(f"run {name} was not run: it builds on {listed(broken)}, which failed")


def _pass_key(one: Planned) -> object:
    """Equal for runs that can share a pass; a run that cannot has its name."""
    settings, source = one.inputs.settings, one.inputs.loads
    spec = one.inputs.spec
    shares = (
        backend_class(settings.backend).shares_pass
        and isinstance(source, StoredLoads)
        # Prices, or the hours themselves, that the pass gives first.
        and spec.distribution_cost is None
        and spec.response is None
        # A schedule that is known only then.
        and all(how.known_before for how in settings.derived_tariffs.values())
    )
    if not shares or not isinstance(source, StoredLoads):
        return one.name
    options = source.options
    return (
        tuple(sorted(source.place_of(bldg_id) for bldg_id in source.bldg_ids)),
        (options.target_year, options.chain, repr(options.storage_options)),
        (settings.dask.model_dump_json(), settings.process_workers),
    )
