"""`python -m benchmarks --buildings 1910`: measure, check, print a table, write JSON."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.chart import stage_table
from benchmarks.contenders import FIGURES, STAGES, WHOLE, WHOLE_RUN, floor_gas
from benchmarks.stock import BenchmarkStock, benchmark_stock, describe

CHECK_RTOL = 1e-9
NEEDS = {"polars": "polars", "duckdb": "duckdb"}
SAMPLE_SECONDS = 0.05


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--buildings", type=int, default=1910)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="contenders to measure; the floor always is")
    parser.add_argument("--stock", type=Path, default=cache(), help="where stocks are kept")
    parser.add_argument("--json", type=Path, default=Path("benchmark.json"))
    asked = parser.parse_args(argv)
    stock = benchmark_stock(asked.stock, asked.buildings)
    names = [name for name in [*STAGES, *WHOLE] if _wanted(name, asked.only)]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        for repeat in range(asked.repeats + 1):
            # Repeat 0 makes the packed stock and compiles what is new; it is not counted.
            for name in names:
                _warm(name, stock)
                found = _measure(name, stock, Path(scratch))
                if repeat:
                    runs[name].append(found)
                print(f"{repeat}/{asked.repeats} {name:26s} {found['seconds']:8.3f} s", flush=True)
        checks = _check(Path(scratch), names)
    result = {
        "machine": machine(),
        "stock": describe(stock),
        "repeats": asked.repeats,
        "runs": runs,
        "checks": checks,
        "table": table(runs),
    }
    asked.json.write_text(json.dumps(result, indent=1))
    print(markdown(result["table"]))
    if any(name in WHOLE for name in names):
        print(stage_table(result))
    return result


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cairo-benchmarks"


def _wanted(name: str, only: list[str] | None) -> bool:
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        print(f"{name} is not installed: left out (pip install '.[bench]')")
        return False
    return not only or name in only or name.startswith("floor")


def _warm(name: str, stock: BenchmarkStock) -> None:
    """Bring what a contender will read into the page cache, whatever ran before it."""
    if name == "dask_dataframe_packed":
        for path in (stock.root / "packed").glob("*"):
            path.read_bytes()
    else:
        floor_gas(stock)


def _measure(name: str, stock: BenchmarkStock, scratch: Path) -> dict[str, Any]:
    """One contender in a fresh process: its own clock, wall time, peak memory of its tree."""
    if name in WHOLE:
        command = [
            sys.executable, "-m", "cairo", "run", str(stock.scenario), WHOLE_RUN,
            "--backend", WHOLE[name], "--output-dir", str(scratch / "runs"),
            "--workers", str(os.cpu_count()),
        ]  # fmt: skip
    else:
        command = [
            sys.executable, "-m", "benchmarks.one", name, str(stock.root), str(stock.buildings),
            str(scratch / name),
        ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    out, err = process.communicate()
    wall = time.perf_counter() - start
    memory = peak.stop()
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{err}")
    measured: dict[str, Any] = {"seconds": wall, "wall": wall, "peak_bytes": memory}
    if name in WHOLE:
        record = json.loads((Path(out.splitlines()[-1]) / "run.json").read_text())
        inside = record["timings_s"]
        measured["stages"] = inside | {"imports, writing and the rest": wall - sum(inside.values())}
    else:
        measured["seconds"] = json.loads(out.splitlines()[-1])["seconds"]
    return measured


class Peak:
    """Highest proportional set size of a process and its children, pages shared counted once."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._stop = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._stop.set()
        self._thread.join()
        return self._peak

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            total = 0
            try:
                here = psutil.Process(self._pid)
                tree = [here, *here.children(recursive=True)]
            except psutil.Error:
                return
            for process in tree:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self._peak = max(self._peak, total)


def _check(scratch: Path, names: list[str]) -> dict[str, float]:
    """Largest relative difference of each contender's figures from the whole-matrix ones."""
    saved = {name: np.load(scratch / f"{name}.npz") for name in names if name in STAGES}
    saved = {name: found for name, found in saved.items() if "burden" in found}
    if not saved:
        return {}
    reference = saved.get("numpy_matrix", next(iter(saved.values())))
    worst = {}
    for name, found in saved.items():
        worst[name] = max(
            float(np.max(np.abs(found[k] - reference[k]) / np.abs(reference[k]).max()))
            for k in FIGURES
        )
        print(f"check {name:26s} differs by {worst[name]:.1e}")
        if worst[name] > CHECK_RTOL:
            raise SystemExit(f"{name} gives other numbers than the rest")
    return worst


def table(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Median and spread of each contender, and its ratio to the floor."""
    medians = {k: statistics.median(one["seconds"] for one in v) for k, v in runs.items()}
    rows = []
    for name, found in runs.items():
        seconds = [one["seconds"] for one in found]
        floor = medians["floor_gas" if name in WHOLE else "floor"]
        rows.append(
            {
                "contender": name,
                "median_s": medians[name],
                "min_s": min(seconds),
                "max_s": max(seconds),
                "to_floor": medians[name] / floor,
                "peak_mb": max(one["peak_bytes"] for one in found) / 1e6,
            }
        )
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table for people and for the documentation."""
    lines = [
        "| contender | median s | min to max | x floor | peak MB |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['contender']} | {r['median_s']:.2f} | {r['min_s']:.2f} to {r['max_s']:.2f} "
        f"| {r['to_floor']:.2f} | {r['peak_mb']:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    packages = ("dask", "distributed", "pandas", "pyarrow", "numpy", "polars", "duckdb")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "versions": {p: version(p) for p in packages if importlib.util.find_spec(p)},
    }


if __name__ == "__main__":
    main()
