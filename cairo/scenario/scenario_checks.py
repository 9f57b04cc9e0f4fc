"""`cairo check`: every input error of a run, load files included, without running it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cairo.errors import CairoError, InputErrors
from cairo.files.load_file import check_load_file
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import RunSettings


def check_run(settings: RunSettings, progress: Any | None = None) -> list[CairoError]:
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
    found: list[CairoError] = []

    def one(item: tuple[int, str]) -> CairoError | None:
        try:
            check_load_file(item[1], item[0], settings.storage_options)
        except CairoError as error:
            return error
        return None

    if progress:
        progress.stage("load files", len(inputs.load_files))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for error in pool.map(one, inputs.load_files.items()):
            if error is not None:
                found.append(error)
            if progress:
                progress.advance(1)
    return found
