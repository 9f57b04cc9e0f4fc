"""Names of runs and of the folders their directories are put into.

Nothing heavy is imported here: a scenario is read before the libraries a run needs are loaded.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from cairo.errors import ScenarioError

NAME = re.compile(r"[^/\\\0]+")
URL = re.compile(r"[A-Za-z][\w+.-]+:/")
"""Beginning of a URL, also where a path has lost a slash."""
STAMP = "%Y%m%d_%H%M%S"
LATEST = "latest:"
"""Beginning of a text that names the newest finished directory of a run."""
EXECUTION_TIME, BATCH = "<execution_time>", "<batch>"
"""Parts of an output folder's name that a run fills."""


def check_run_name(name: str) -> str:
    """The name, if it is a plain file name.

    Raises
    ------
    ScenarioError
        It is empty, begins with a dot, or has a separator or unprintable characters.
    """
    if not NAME.fullmatch(name) or name.startswith(".") or not name.isprintable():
        raise ScenarioError(
            f"run name {name!r} cannot be a folder's name: expected letters, digits, _ and -"
        )
    return name


def local_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, if it is one of this machine.

    Raises
    ------
    ScenarioError
        It is a URL.
    """
    if URL.match(os.fspath(path)):
        raise ScenarioError(f"path_outputs {path}: expected a folder of this machine")
    return Path(path)


def filled_folder(path: str, batch: str | None, stamp: str | None = None) -> str:
    """An output folder with the run's time stamp and batch in their places.

    Raises
    ------
    ScenarioError
        It names a batch, and the run has none.
    """
    if BATCH in path and batch is None:
        raise ScenarioError(f"path_outputs {path} has {BATCH}: say which with --batch NAME")
    now = stamp or datetime.now().strftime(STAMP)
    return path.replace(EXECUTION_TIME, now).replace(BATCH, check_run_name(batch or "batch"))
