"""`python -m benchmarks.study --buildings 1910 --runs 16`: a study beside its runs one by one.

Half of the runs solve for rates (two designs, with delivery prices and with supply prices, at
several fixed charges), the other half bill what each of those ends with.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.__main__ import Peak, cache, machine
from benchmarks.stock import BenchmarkStock, benchmark_stock, describe
from cairo.runs.demo import RUN

DESIGNS = ("demo_flat_precalc", RUN)
ZERO = {
    "run_includes_supply": False,
    "path_supply_energy_mc": "marginal_costs/supply_energy_zero.parquet",
    "path_supply_capacity_mc": "marginal_costs/supply_capacity_zero.parquet",
}


def study_scenario(stock: BenchmarkStock, count: int) -> Path:
    """A scenario file of `count` runs beside the stock's own."""
    known = yaml.safe_load(stock.scenario.read_text())["runs"]
    runs: dict[str, dict[str, Any]] = {}
    for number in range(count // 2):
        design, prices = DESIGNS[number % 2], number // 2 % 2
        solved = known[design] | ({} if prices else ZERO)
        charge = 5.0 + number // 4
        aliases = list(solved["path_tariffs_electric"])
        changes = {alias: {"fixed_charge": charge} for alias in aliases}
        runs[f"precalc_{number:02d}"] = solved | {"tariff_changes": changes}
        taken = {alias: f"run:precalc_{number:02d}#{alias}" for alias in aliases}
        runs[f"default_{number:02d}"] = solved | {
            "run_type": "default",
            "path_tariffs_electric": taken,
        }
    place = stock.scenario.with_name(f"study_{count}.yaml")
    place.write_text(yaml.safe_dump({"runs": runs}, sort_keys=False))
    return place


def measured(scenario: Path, names: list[str], outputs: Path) -> dict[str, Any]:
    """Seconds and peak memory of `cairo run` in a fresh process."""
    command = [
        sys.executable, "-m", "cairo", "run", str(scenario), *names,
        "--output-dir", str(outputs), "--workers", str(os.cpu_count()),
    ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    out, err = process.communicate()
    seconds = time.perf_counter() - start
    memory = peak.stop()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{err}")
    return {"seconds": seconds, "peak_bytes": memory, "directories": out.split()}


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("--buildings", type=int, default=1910)
    parser.add_argument("--runs", type=int, nargs="+", default=[16])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--stock", type=Path, default=cache(), help="where stocks are kept")
    parser.add_argument("--json", type=Path, default=Path("study.json"))
    asked = parser.parse_args(argv)
    stock = benchmark_stock(asked.stock, asked.buildings)
    runs: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for repeat in range(asked.repeats + 1):
            scenario = study_scenario(stock, max(asked.runs))
            contenders = {"1": (scenario, ["precalc_01"])}
            contenders |= {str(n): (study_scenario(stock, n), ["--all"]) for n in asked.runs}
            for name, (file, names) in contenders.items():
                found = measured(file, names, Path(scratch) / f"{repeat}_{name}")
                # Repeat 0 brings files into the page cache; it is not counted.
                if repeat:
                    runs.setdefault(name, []).append(found)
                print(
                    f"{repeat}/{asked.repeats} {name:>3} runs {found['seconds']:8.3f} s", flush=True
                )
    one = statistics.median(run["seconds"] for run in runs["1"])
    table = []
    for name, measures in runs.items():
        seconds = statistics.median(run["seconds"] for run in measures)
        peak = statistics.median(run["peak_bytes"] for run in measures)
        more = (seconds - one) / max(int(name) - 1, 1) / asked.buildings * 1e6
        table.append(
            {
                "runs": int(name),
                "seconds": seconds,
                "ratio": seconds / one,
                "more": more,
                "peak": peak,
            }
        )
    result = {"machine": machine(), "stock": describe(stock), "runs": runs, "table": table}
    asked.json.write_text(json.dumps(result, indent=1))
    print("\n| runs | seconds | of one run | a further run [us a home] | peak memory |")
    print("|---|---|---|---|---|")
    for row in table:
        print(
            f"| {row['runs']} | {row['seconds']:.2f} | {row['ratio']:.2f} | "
            f"{row['more']:.0f} | {row['peak'] / 1e9:.2f} GB |"
        )
    return result


if __name__ == "__main__":
    main()
