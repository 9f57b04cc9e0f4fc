"""`cairo check`: every input error of a run, load files included, without running it."""

from __future__ import annotations

from cairo.errors import CairoError, InputErrors
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import RunSettings
from cairo.workers.stages import Progress


def check_run(settings: RunSettings, progress: Progress | None = None) -> list[CairoError]:
    """Every input error of a run; the load files are read when the rest is sound.

    Parameters
    ----------
    settings : of the run.
    progress : told of load files read; see `workers.stages.Progress`.
    """
    try:
        inputs = read_inputs(settings)
    except InputErrors as errors:
        return list(errors.errors)
    homes = inputs.loads.bldg_ids or ()
    if progress:
        progress.stage("loads", len(homes))
    found: dict[str, CairoError] = {}
    for read, error in inputs.loads.check():
        if error is not None:
            found.setdefault(str(error), error)
        if progress:
            progress.advance(read)
    return list(found.values())
