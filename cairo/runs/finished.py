"""Finished runs of a scenario file: where they are, and whether one is this very run."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping
from pathlib import Path

from cairo import __version__
from cairo.files.recorded_options import open_text
from cairo.files.run_directory import BATCH, EXECUTION_TIME
from cairo.scenario.inputs import RunInputs

NOT_OF_RESULTS = ("path_outputs", "process_workers", "dask")
"""Settings that change no figure of a run."""


def finished_runs(folder: str, run_name: str) -> list[Path]:
    """Directories of finished runs of a name, newest first.

    Parameters
    ----------
    folder : as a scenario has it; `<execution_time>` and `<batch>` stand for any.
    """
    whole = Path(folder).absolute()
    pattern = glob.escape(str(whole.relative_to(whole.anchor)))
    for part in (EXECUTION_TIME, BATCH):
        pattern = pattern.replace(part, "*")
    found: list[tuple[str, Path]] = []
    for path in Path(whole.anchor).glob(f"{pattern}/*_{glob.escape(run_name)}*/run.json"):
        record = _record(path)
        if record.get("run_name") == run_name:
            found.append((str(record.get("started")), path.parent))
    return [place for _, place in sorted(found, reverse=True)]


def same_run(inputs: RunInputs, folder: str) -> Path | None:
    """The newest finished run of the same settings, inputs and version; None without one."""
    settings = inputs.settings
    mine = _plain(open_text(settings.recorded())), _plain(open_text(inputs.fingerprints))
    for place in finished_runs(folder, settings.run_name):
        record = _record(place / "run.json")
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


def _record(path: Path) -> dict[str, object]:
    """What a `run.json` holds; nothing where it cannot be read."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
