"""What a utility rate design does to each customer: bills, rates and the bill alignment test.

import cairo
run = cairo.run("scenarios.yaml", "my_run")
run.bat, run.bills, run.plot.bat_histogram("in.tenure", "Renter")
"""

from __future__ import annotations

import sys

if sys.argv:
    from cairo import first_moments

    first_moments.without_traceback()

if sys.argv[:1] == ["-m"]:
    # Python looks for the module to run, and would import all others from the current folder first.
    from cairo import current_folder

    current_folder.last()

import importlib
from typing import TYPE_CHECKING, Any

from cairo.errors import CairoError

if TYPE_CHECKING:
    from cairo.results.compare import compare_runs
    from cairo.results.run import Run, open_run
    from cairo.runs.api import read_loads, run
    from cairo.runs.study import study

__version__ = "0.1.0"

_HOMES = {
    "run": "cairo.runs.api",
    "read_loads": "cairo.runs.api",
    "Run": "cairo.results.run",
    "open_run": "cairo.results.run",
    "compare_runs": "cairo.results.compare",
    "study": "cairo.runs.study",
}

__all__ = [
    "CairoError",
    "Run",
    "__version__",
    "compare_runs",
    "open_run",
    "read_loads",
    "run",
    "study",
]


def __getattr__(name: str) -> Any:
    # Heavy packages are loaded when first used, so that the command line starts at once.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cairo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
