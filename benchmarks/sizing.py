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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from benchmarks.__main__ import _cache
from benchmarks.contenders import WHOLE_RUN
from benchmarks.stock import BenchmarkStock, benchmark_stock
from cairo.files.pack import pack
from cairo.rates_tool.dd_stages import load_pass, summary
from cairo.rates_tool.dd_stages.frame import (
    PARTITION_BUILDINGS,
    LoadOptions,
    PartitionSpec,
    load_files,
    read_count,
    read_partition,
)
from cairo.rates_tool.dd_stages.measure import ByHome, Measures
from cairo.rates_tool.lookups import GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.systemsimulator import gas_tariff_strategy
from cairo.rates_tool.tariffs import _load_base_tariffs
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario

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
    ids = inputs.customer_metadata["bldg_id"].tolist()
    strategy, params = _load_base_tariffs(inputs.tariffs_params, inputs.tariff_map, ids)
    gas_strategy, gas_tariffs = gas_tariff_strategy(ids, inputs.gas_tariff_map, inputs.gas_tariffs)
    plan = load_pass.run_plan(
        inputs.customer_metadata, inputs.marginal_system_prices, params, strategy,
        settings.year_run, gas_tariffs=gas_tariffs, gas_strategy=gas_strategy, solar=True,
    )  # fmt: skip
    return plan.measures, settings.year_run


def public_files(folder: Path, ids: list[int]) -> dict[int, str]:
    """15-minute files of many columns for some buildings."""
    rng = np.random.default_rng(1)
    end = np.datetime64("2018-01-01T00:15", "us") + np.arange(4 * HOURS) * np.timedelta64(15, "m")
    for bldg_id in ids:
        names = [name + "..kwh" for name in (TOTAL_COLUMN, PV_COLUMN, GAS_COLUMN)]
        names += [f"out.end_use_{n:03d}..kwh" for n in range(PUBLIC_COLUMNS)]
        data = {name: np.round(rng.gamma(2.0, 0.1, 4 * HOURS), 4) for name in names}
        frame = pd.DataFrame({"bldg_id": bldg_id, "timestamp": end, **data})
        frame.to_parquet(folder / f"{bldg_id}-0.parquet", index=False)
    return load_files(folder)


def seconds_a_building(
    specs: list[PartitionSpec], measures: Measures, options: LoadOptions
) -> tuple[float, float]:
    """(least seconds, MB of stored columns) a building, of reading and reducing partitions."""
    homes = sum(len(spec.bldg_ids) for spec in specs)
    best, read = np.inf, 0
    for _ in range(TIMES):
        read, start = 0, time.perf_counter()
        for spec in specs:
            frame = read_partition(spec, options, measures.columns)
            read += read_count(frame).bytes
            summary.summarize_partition(frame, measures)
        best = min(best, time.perf_counter() - start)
    return best / homes, read / homes / 1e6


def specs_of(files: dict[int, str], homes: int, packed: str | None = None) -> list[PartitionSpec]:
    ids = sorted(files)[:homes]
    parts = [ids[i : i + PARTITION_BUILDINGS] for i in range(0, len(ids), PARTITION_BUILDINGS)]
    return [PartitionSpec(tuple(p), tuple(files[i] for i in p), packed) for p in parts]


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
    parser.add_argument("--stock", type=Path, default=_cache(), help="where stocks are kept")
    stock = benchmark_stock(parser.parse_args().stock, STOCKS[0][1])
    measures, year = run_measures(stock)
    options = LoadOptions(year)
    files = load_files(stock.loads)
    specs = specs_of(files, HOMES)
    seconds, bytes_mb = {}, {}
    seconds["hourly"], bytes_mb["hourly"] = seconds_a_building(specs, measures, options)
    packed = str(pack(stock.loads, stock.root / "packed"))
    seconds["packed"], bytes_mb["packed"] = seconds_a_building(
        specs_of(files, HOMES, packed), measures, options
    )
    with tempfile.TemporaryDirectory() as folder:
        public = public_files(Path(folder), sorted(files)[:PUBLIC_HOMES])
        found = seconds_a_building(specs_of(public, PUBLIC_HOMES), measures, options)
        seconds["public"], bytes_mb["public"] = found
    parts = [summary.summarize_partition(read_partition(s, options, measures.columns), measures)
             for s in specs]  # fmt: skip
    sums_kb = sum(homes_bytes(p) for p in parts) / HOMES / 1e3

    def work() -> None:
        for spec in specs[:4]:
            summary.summarize_partition(read_partition(spec, options, measures.columns), measures)

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
