"""`python -m benchmarks.sizing --stock DIR`: what a cluster is sized by, per building.

One process, one thread, the pass of a whole run (electricity, solar and gas; two tariffs), over
hourly files, over the packed stock and over 15-minute files as the public releases have them.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from benchmarks.__main__ import cache
from benchmarks.contenders import WHOLE_RUN
from benchmarks.stock import BenchmarkStock, benchmark_stock
from cairo.files.load_folder import load_files
from cairo.files.pack import pack
from cairo.rates_tool.dd_stages import load_pass, summary
from cairo.rates_tool.dd_stages.measure import ByHome, Measures
from cairo.rates_tool.dd_stages.partition import read_count
from cairo.rates_tool.dd_stages.sources import LoadOptions, StoredLoads, load_source
from cairo.rates_tool.lookups import GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.run_spec import Solar
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from cairo.workers.sizing import PARTITION_BUILDINGS

HOMES = 512
PUBLIC_HOMES, PUBLIC_COLUMNS = 32, 120
TIMES = 3
STOCKS = (
    ("one utility", 1_910, "hourly", 2),
    ("one state", 15_435, "hourly", 16),
    ("the whole US", 550_000, "public", 256),
)
"""Name, buildings, kind of files, worker threads."""
S3_MB = {"hourly": 0.30, "public": 1.5}
"""Fetched of an object, as tests/test_remote_data.py counts it."""


def run_measures(stock: BenchmarkStock) -> tuple[Measures, int]:
    """What is asked in the pass of the benchmark's whole run, and its year."""
    settings = read_scenario(stock.scenario, None).run(WHOLE_RUN)
    inputs = read_inputs(settings)
    spec = replace(inputs.spec, solar=Solar("net_metering"))
    gas = None if spec.gas is None else spec.gas.read(spec.customers.ids)
    plan = load_pass.plan_of(spec, spec.prices, gas)
    return plan.measures, settings.year_run


def public_files(folder: Path, ids: list[int]) -> None:
    """15-minute files of many columns for some buildings."""
    rng = np.random.default_rng(1)
    end = np.datetime64("2018-01-01T00:15", "us") + np.arange(4 * HOURS) * np.timedelta64(15, "m")
    for bldg_id in ids:
        names = [name + "..kwh" for name in (TOTAL_COLUMN, PV_COLUMN, GAS_COLUMN)]
        names += [f"out.end_use_{n:03d}..kwh" for n in range(PUBLIC_COLUMNS)]
        data = {name: np.round(rng.gamma(2.0, 0.1, 4 * HOURS), 4) for name in names}
        frame = pd.DataFrame({"bldg_id": bldg_id, "timestamp": end, **data})
        frame.to_parquet(folder / f"{bldg_id}-0.parquet", index=False)


def seconds_a_building(parts: list[StoredLoads], measures: Measures) -> tuple[float, float]:
    """(least seconds, MB of stored columns) a building, of reading and reducing partitions."""
    homes = sum(len(part.bldg_ids) for part in parts)
    best, read = np.inf, 0
    for _ in range(TIMES):
        read, start = 0, time.perf_counter()
        for part in parts:
            frame = part.read(measures.columns)
            read += read_count(frame).bytes
            summary.summarize_partition(frame, measures)
        best = min(best, time.perf_counter() - start)
    return best / homes, read / homes / 1e6


def parts_of(loads: object, homes: int, year: int) -> list[StoredLoads]:
    """The first homes of a stock, in the partitions of a run."""
    source = load_source(loads, LoadOptions(year))
    assert isinstance(source, StoredLoads)
    return list(source.take(sorted(source.bldg_ids)[:homes]).partitions(PARTITION_BUILDINGS))


def homes_bytes(part: summary.PartialSummary) -> int:
    """Pickled size of what a partial summary holds by home."""
    return sum(len(pickle.dumps(a)) for a in part.answers.values() if isinstance(a, ByHome))


def worker_memory(work: Callable[[], Any]) -> tuple[float, float]:
    """(MB of a worker process at rest, MB more while it does `work`)."""
    from distributed import Client, LocalCluster

    def resident() -> float:
        return float(psutil.Process().memory_info().rss) / 1e6

    def most(task: Callable[[], Any]) -> float:
        import threading

        peak, stop = [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.002):
                peak[0] = max(peak[0], resident())

        thread = threading.Thread(target=watch)
        thread.start()
        task()
        stop.set()
        thread.join()
        return peak[0]

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.submit(__import__, "cairo.rates_tool.dd_stages.load_pass", pure=False).result()
        base = client.submit(resident, pure=False).result()
        return base, client.submit(most, work, pure=False).result() - base


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("--stock", type=Path, default=cache(), help="where stocks are kept")
    stock = benchmark_stock(parser.parse_args().stock, STOCKS[0][1])
    measures, year = run_measures(stock)
    hourly = parts_of(stock.loads, HOMES, year)
    seconds, bytes_mb = {}, {}
    seconds["hourly"], bytes_mb["hourly"] = seconds_a_building(hourly, measures)
    packed = parts_of(pack(stock.loads, stock.root / "packed"), HOMES, year)
    seconds["packed"], bytes_mb["packed"] = seconds_a_building(packed, measures)
    with tempfile.TemporaryDirectory() as folder:
        public_files(Path(folder), sorted(load_files(stock.loads))[:PUBLIC_HOMES])
        found = seconds_a_building(parts_of(folder, PUBLIC_HOMES, year), measures)
        seconds["public"], bytes_mb["public"] = found
    taken = [summary.summarize_partition(p.read(measures.columns), measures) for p in hourly]
    sums_kb = sum(map(homes_bytes, taken)) / HOMES / 1e3

    def work() -> None:
        for part in hourly[:4]:
            summary.summarize_partition(part.read(measures.columns), measures)

    base, thread = worker_memory(work)
    here = float(psutil.Process().memory_info().rss) / 1e6
    rows = [
        ("read, decode and reduce, hourly file", "t", f"{1e3 * seconds['hourly']:.2f} ms"),
        ("the same, packed stock", "t", f"{1e3 * seconds['packed']:.2f} ms"),
        (f"the same, public 15-minute file of {PUBLIC_COLUMNS} columns", "t",
         f"{1e3 * seconds['public']:.2f} ms"),
        ("bytes of the columns read, hourly file", "b", f"{bytes_mb['hourly']:.2f} MB"),
        ("the same, packed stock", "b", f"{bytes_mb['packed']:.2f} MB"),
        ("the same, public file", "b", f"{bytes_mb['public']:.2f} MB"),
        ("a worker process at rest", "", f"{base:.0f} MB"),
        (f"more for a thread at {PARTITION_BUILDINGS} buildings", "", f"{thread:.0f} MB"),
        ("a building's sums, in the process that runs the scenario", "", f"{sums_kb:.1f} kB"),
    ]  # fmt: skip
    print("| a building, one core | | measured |\n| --- | --- | --- |")
    for name, symbol, value in rows:
        print(f"| {name} | {symbol and f'*{symbol}*'} | {value} |")
    print("\n| stock | N | files | core-seconds, N x t | threads | pass, s | workers, each "
          "| fetched from S3 | sums here |\n|" + " --- |" * 9)  # fmt: skip
    for name, n, kind, threads in STOCKS:
        core = n * seconds[kind]
        print(
            f"| {name} | {n:,} | {kind} | {core:,.1f} | {threads} | {core / threads:,.1f} "
            f"| {base + thread:.0f} MB | {n * S3_MB[kind] / 1e3:,.1f} GB "
            f"| {n * sums_kb / 1e3:,.0f} MB |"
        )
    print(f"\nThis process: {here:.0f} MB")


if __name__ == "__main__":
    main()
