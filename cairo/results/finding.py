"""Finished runs by name: `latest:RUN_NAME` is the newest one's directory."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from cairo.errors import CairoError, listed
from cairo.files.reading import small_file
from cairo.files.run_names import BATCH, EXECUTION_TIME, LATEST

OUTPUTS = "outputs"
"""Folder that is looked in where none is named: the default of `path_outputs`."""


def run_directory(
    text: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None
) -> Path:
    """The run directory that a text names.

    Parameters
    ----------
    text : a path, taken as it is; `latest:RUN_NAME`, the newest finished directory of that run in
        `output_dir`; or `latest:FOLDER/RUN_NAME`, the newest in that folder.
    output_dir : folder of run directories; `outputs` in the current folder by default.

    Raises
    ------
    CairoError
        The folder has no finished directory of the run.
    """
    name = os.fspath(text)
    if not name.startswith(LATEST):
        return Path(name)
    folder, slash, run_name = name.removeprefix(LATEST).rpartition("/")
    place = str(Path(folder or "/").expanduser()) if slash else os.fspath(output_dir or OUTPUTS)
    if not run_name:
        raise CairoError(f"{name}: expected {LATEST}RUN_NAME or {LATEST}FOLDER/RUN_NAME")
    found = finished_runs(place, run_name)
    if found:
        return found[0]
    others = sorted({str(record["run_name"]) for _, record in _finished(place)})
    if not others:
        raise CairoError(
            f"{name}: {place} has no finished run; {LATEST}FOLDER/RUN_NAME names another folder"
        )
    near = get_close_matches(run_name, others, 1)
    hint = f", did you mean {near[0]}?" if near else f" (there are {listed(others)})"
    raise CairoError(f"{name}: {place} has no finished run {run_name}{hint}")


def finished_runs(folder: str | os.PathLike[str], run_name: str) -> list[Path]:
    """Directories of finished runs of a name, newest first.

    Parameters
    ----------
    folder : as a scenario has it; `<execution_time>` and `<batch>` stand for any.
    """
    found = [
        (str(record.get("started", "")), *_version(path, run_name), path)
        for path, record in _finished(os.fspath(folder), f"*_{glob.escape(run_name)}*")
        if record["run_name"] == run_name
    ]
    return [path for *_, path in sorted(found, reverse=True)]


def record_of(path: Path) -> dict[str, object]:
    """What a `run.json` holds; nothing where it cannot be read."""
    try:
        stored = json.loads(small_file(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _finished(folder: str, names: str = "*") -> list[tuple[Path, Mapping[str, object]]]:
    """(directory, record) of finished runs in a folder, relative as the folder is."""
    pattern = glob.escape(folder)
    for part in (EXECUTION_TIME, BATCH):
        pattern = pattern.replace(part, "*")
    places = (Path(place) for place in glob.glob(f"{pattern}/{names}/run.json"))  # noqa: PTH207
    records = [(place.parent, record_of(place)) for place in places]
    return [(path, record) for path, record in records if isinstance(record.get("run_name"), str)]


def _version(path: Path, run_name: str) -> tuple[str, int]:
    """(time stamp, 1, or 2 and so on where the name was taken) of a directory's name."""
    parts = re.fullmatch(rf"(\d{{8}}_\d{{6}})_{re.escape(run_name)}(?:_(\d+))?", path.name)
    return ("", 0) if parts is None else (parts[1], int(parts[2] or 1))
