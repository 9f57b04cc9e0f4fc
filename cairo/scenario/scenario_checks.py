"""`cairo check`: every input error of a run, load files included, without running it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cairo.errors import CairoError, InputErrors
from cairo.files.load_file import FIELDS, check_load_file
from cairo.files.packed import PackedReader, manifest
from cairo.scenario.inputs import RunInputs, read_inputs
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
    if not inputs.load_files:
        return check_packed(settings.path_resstock_loads, inputs, progress)
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


def check_packed(folder: str, inputs: RunInputs, progress: Any | None) -> list[CairoError]:
    """Read the run's homes of a packed stock, each block as a run would."""
    ids = sorted(inputs.customer_metadata["bldg_id"].tolist())
    if progress:
        progress.stage("packed stock", len(ids))
    found: dict[str, CairoError] = {}
    stock = manifest(folder)
    by_block: dict[int, list[int]] = {}
    for bldg_id in ids:
        by_block.setdefault(stock.place[bldg_id][0], []).append(bldg_id)
    for block in by_block.values():
        try:
            for _ in PackedReader(folder, FIELDS).read(block):
                pass
        except CairoError as error:
            found[str(error)] = error
        if progress:
            progress.advance(len(block))
    return list(found.values())
