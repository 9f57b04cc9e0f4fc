"""`python -m benchmarks.memory --buildings 12 --runs 100`: what a session's process keeps of runs.

Each form runs in a fresh process, again and again. Looked at after some of the runs: resident
memory, the same once more after what lies free is given back, memory in use and held by the C
library, and what pyarrow's pool holds. All are of the one process; workers end with their run.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.__main__ import cache, machine
from benchmarks.stock import benchmark_stock
from cairo.runs.demo import RUN

QUIET = {"dashboard_address": "127.0.0.1:0"}
FORMS: dict[str, dict[str, Any]] = {
    "pandas": {"backend": "pandas", "process_workers": 1},
    "dask_delayed": {"backend": "dask_delayed", "process_workers": 2},
    "processes": {"backend": "dask_dataframe", "dask": QUIET | {"processes": True}},
    "threads": {"backend": "dask_dataframe", "dask": QUIET | {"processes": False}},
}
"""Settings of a run in each form."""
MARKS = (1, 2, 3, 4, 5, 10, 20, 40, 60, 80)
"""Runs after which memory is looked at, besides the last."""
MALLINFO = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd",
    "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip


class _Mallinfo2(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in MALLINFO]


def look() -> dict[str, float]:
    """Memory of this process [MB]; what the C library tells is left out where it is not glibc."""
    import pyarrow as pa

    found = {"resident": psutil.Process().memory_info().rss, "arrow": pa.total_allocated_bytes()}
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
        found["trimmed"] = psutil.Process().memory_info().rss
    if hasattr(library, "mallinfo2"):
        library.mallinfo2.restype = _Mallinfo2
        told = library.mallinfo2()
        found["in_use"] = told.uordblks + told.hblkhd
        found["held"] = told.arena + told.hblkhd
    return {name: value / 1e6 for name, value in found.items()}


def session(run: Callable[[], object], runs: int) -> Iterator[dict[str, float]]:
    """Memory [MB] after some of the runs of a session."""
    for number in range(1, runs + 1):
        run()
        if number in MARKS or number == runs:
            yield {"run": number, **look()}


def one(form: str, scenario: Path, runs: int) -> None:
    """Runs of one form in this process; a line of JSON for each look."""
    from cairo.runs.runner import run
    from cairo.scenario.scenario_file import DaskSettings, read_scenario

    with tempfile.TemporaryDirectory() as outputs:
        changes = FORMS[form] | {"path_outputs": outputs}
        if "dask" in changes:
            changes["dask"] = DaskSettings(**changes["dask"])
        settings = read_scenario(scenario, None).run(RUN).changed(**changes)
        for row in session(lambda: run(settings), runs):
            print(json.dumps(row), flush=True)


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--buildings", type=int, default=12)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--forms", nargs="+", choices=[*FORMS], default=[*FORMS])
    parser.add_argument("--stock", type=Path, default=cache(), help="where stocks are kept")
    parser.add_argument("--json", type=Path, default=Path("memory.json"))
    parser.add_argument("--scenario", type=Path, help="of another stock, such as a packed one")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.here:
        one(asked.forms[0], asked.scenario, asked.runs)
        return {}
    scenario = asked.scenario or benchmark_stock(asked.stock, asked.buildings).scenario
    table: list[dict[str, Any]] = []
    for form in asked.forms:
        command = [
            sys.executable, "-m", "benchmarks.memory", "--here", "--scenario", str(scenario),
            "--forms", form, "--runs", str(asked.runs),
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                row = {"form": form, **json.loads(line)}
                table.append(row)
                print(" ".join(f"{name} {_text(value)}" for name, value in row.items()), flush=True)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
    result = {"machine": machine(), "scenario": scenario.name, "table": table}
    asked.json.write_text(json.dumps(result, indent=1))
    return result


def _text(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
