"""Whether a finished run of a scenario file is this very run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cairo import __version__
from cairo.files.recorded_options import open_text
from cairo.results.finding import finished_runs, record_of
from cairo.scenario.inputs import RunInputs

NOT_OF_RESULTS = ("path_outputs", "process_workers", "dask")
"""Settings that change no figure of a run."""


def same_run(inputs: RunInputs, folder: str) -> Path | None:
    """The newest finished run of the same settings, inputs and version; None without one."""
    settings = inputs.settings
    mine = _plain(open_text(settings.recorded())), _plain(open_text(inputs.fingerprints))
    for place in finished_runs(folder, settings.run_name):
        record = record_of(place / "run.json")
        theirs = record.get("settings"), record.get("inputs")
        versions = record.get("versions")
        of_version = isinstance(versions, Mapping) and versions.get("cairo") == __version__
        if of_version and tuple(map(_compared, theirs)) == tuple(map(_compared, mine)):
            return place
    return None


def _compared(values: object) -> object:
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if key not in NOT_OF_RESULTS}


def _plain(values: object) -> object:
    """Values as they are when they have been written as JSON and read."""
    return json.loads(json.dumps(values, default=str))
