"""`cairo check`: every input error of runs, loads included, without running them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cairo.errors import CairoError, InputErrors
from cairo.model.progress import Progress
from cairo.model.tariff_fields import Unmodelled
from cairo.rates_tool.dd_stages.load_source import Checked, LoadSource
from cairo.rates_tool.dd_stages.sources import StoredLoads
from cairo.rates_tool.dd_stages.unsound import summed_up
from cairo.scenario.inputs import RunInputs, read_inputs
from cairo.scenario.references import before_others, check_references, order, references
from cairo.scenario.scenario_file import RunSettings, Scenario


def first_settings(
    scenario: Scenario, runs: Mapping[str, RunSettings]
) -> tuple[dict[str, RunSettings], list[CairoError]]:
    """({name: settings before others are run}, what is wrong with references of runs)."""
    known = dict(runs)
    unsound: set[str] = set()
    waiting = list(runs)
    while waiting:
        for one in references(known[waiting.pop()]):
            if one.run in known or one.run in unsound or one.run not in scenario.runs:
                continue
            try:
                known[one.run] = scenario.run(one.run)
            except CairoError:
                unsound.add(one.run)
            else:
                waiting.append(one.run)
    sound: list[str] = []
    wrong: list[CairoError] = []
    for name in runs:
        try:
            check_references(known, [name], unsound)
        except CairoError as error:
            wrong.append(error)
        else:
            if not any(one.run in unsound for one in references(known[name])):
                sound.append(name)
    try:
        order(known, list(known))
    except CairoError as error:
        wrong.append(error)
        sound = [name for name in sound if not references(known[name])]
    return {name: before_others(runs[name], known) for name in sound}, wrong


def check_run(settings: RunSettings, progress: Progress | None = None) -> list[CairoError]:
    """`check_runs` of one run."""
    return check_runs({settings.run_name: settings}, progress)


def check_runs(
    runs: Mapping[str, RunSettings],
    progress: Progress | None = None,
    left_out: Callable[[Unmodelled], object] = lambda one: None,
) -> list[CairoError]:
    """Every input error of runs; each load file is read once, when the rest is sound.

    Parameters
    ----------
    runs : {name: settings}.
    progress : told of runs and of homes read.
    left_out : told of fields of tariffs that bills leave out, where the settings allow it.

    Returns
    -------
    Each error once; of load files the first ten by home, and how many more there are.
    """
    found: dict[str, CairoError] = {}
    read: list[RunInputs] = []
    if progress:
        progress.stage(f"inputs of {len(runs)} runs")
    for name, settings in runs.items():
        try:
            read.append(read_inputs(settings))
        except InputErrors as several:
            found |= {str(error): error for error in several.errors}
        else:
            for one in read[-1].unmodelled:
                left_out(one)
        if progress:
            progress.note(f"{name} read")
    return [*found.values(), *summed_up(_loads_of(read, progress))]


def _loads_of(runs: Iterable[RunInputs], progress: Progress | None) -> list[Checked]:
    """What is unsound of the runs' loads; those of runs that bill gas come first, gas too."""
    runs = sorted(runs, key=lambda one: one.spec.gas is None)
    places = {one.settings.run_name: _places(one.loads) for one in runs}
    seen: set[str] = set()
    wrong: list[Checked] = []
    for inputs in runs:
        source, run = inputs.loads, inputs.settings.run_name
        if isinstance(source, StoredLoads):
            new = places[run] - seen
            if not new:
                continue
            seen |= new
            source = source.take([i for i in source.bldg_ids if source.place_of(i) in new])
            also = sum(not new.isdisjoint(mine) for name, mine in places.items() if name != run)
            run += f" and {also} more" if also else ""
        if progress:
            progress.stage(f"loads of {run}", len(source.bldg_ids or ()))
        for one in source.check(inputs.fields):
            if one.error is not None:
                wrong.append(one)
            if progress:
                progress.advance(len(one.bldg_ids))
    return wrong


def _places(source: LoadSource) -> set[str]:
    """Where each home's loads are stored."""
    if not isinstance(source, StoredLoads):
        return set()
    return {source.place_of(bldg_id) for bldg_id in source.bldg_ids}
