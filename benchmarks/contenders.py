"""Every contender: the two stages over a stock, as its own users would write them.

Each reads the same files and returns the same four figures: system hourly demand, and by
building the economic burden, annual and peak-hour energy, from which the four residual bases
(volumetric, peak, per customer, equi-proportional) follow. `clock` starts after imports and,
for clusters, after their workers are up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stock import BenchmarkStock
from cairo.rates_tool.lookups import (
    CAPACITY_PRICE,
    ENERGY_PRICE,
    GAS_COLUMN,
    HOURS,
    PV_COLUMN,
    RESIDUAL_COSTS,
    TOTAL_COLUMN,
)

CORES = os.cpu_count() or 1
NEEDED = ["timestamp", TOTAL_COLUMN, PV_COLUMN]


@dataclass
class Figures:
    """What a contender found, buildings ascending, and the seconds it took."""

    seconds: float
    demand: np.ndarray | None = None
    burden: np.ndarray | None = None
    kwh: np.ndarray | None = None
    peak_kwh: np.ndarray | None = None


def prices() -> tuple[np.ndarray, np.ndarray]:
    """Total price (8760,) [$/kWh] and whether each hour is a peak hour, the same for all."""
    rng = np.random.default_rng(11)
    energy = rng.gamma(4.0, 0.01, HOURS)
    capacity = np.zeros(HOURS)
    capacity[rng.choice(HOURS, 100, replace=False)] = rng.uniform(0.1, 3.0, 100)
    return energy, capacity


def files_of(stock: BenchmarkStock) -> dict[int, str]:
    """{bldg_id: file}, ascending."""
    found = {int(path.name.split("-")[0]): str(path) for path in stock.loads.glob("*.parquet")}
    return dict(sorted(found.items()))


def weights_of(stock: BenchmarkStock) -> Any:
    """Weights by bldg_id, ascending."""
    import pandas as pd

    frame = pd.read_parquet(stock.metadata, columns=["bldg_id", "weight"])
    return frame.sort_values("bldg_id").set_index("bldg_id")["weight"]


def floor(stock: BenchmarkStock, columns: list[str] = NEEDED) -> Figures:
    """pyarrow decoding the needed columns of every file, a thread a core; nothing computed."""
    import pyarrow.parquet as pq

    paths = list(files_of(stock).values())

    def read(path: str) -> int:
        table = pq.ParquetFile(path, pre_buffer=False).read(columns, use_threads=False)
        return int(table.num_rows)

    start = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        rows = sum(pool.map(read, paths))
    assert rows == HOURS * len(paths)
    return Figures(time.perf_counter() - start)


def floor_gas(stock: BenchmarkStock) -> Figures:
    """The floor of a whole run: gas too."""
    return floor(stock, [*NEEDED, GAS_COLUMN])


def numpy_matrix(stock: BenchmarkStock) -> Figures:
    """The whole stock as one matrix, filled by threads, and products with it."""
    import pyarrow.parquet as pq

    paths = list(files_of(stock).values())
    weight = weights_of(stock).to_numpy()
    energy, capacity = prices()
    start = time.perf_counter()
    net = np.empty((len(paths), HOURS))

    def fill(item: tuple[int, str]) -> None:
        row, path = item
        table = pq.ParquetFile(path, pre_buffer=False).read(
            [TOTAL_COLUMN, PV_COLUMN], use_threads=False
        )
        np.add(table[0].to_numpy(), table[1].to_numpy(), out=net[row])

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(fill, enumerate(paths)))
    demand = weight @ net
    burden = net @ (energy + capacity)
    kwh, peak_kwh = net.sum(axis=1), net[:, capacity > 0].sum(axis=1)
    return Figures(time.perf_counter() - start, demand, burden, kwh, peak_kwh)


def polars_streaming(stock: BenchmarkStock) -> Figures:
    """Polars lazy scan on its streaming engine."""
    import polars as pl

    paths = list(files_of(stock).values())
    weight = weights_of(stock)
    energy, capacity = prices()
    start = time.perf_counter()
    weights = pl.LazyFrame({"bldg_id": weight.index.to_numpy(), "weight": weight.to_numpy()})
    stamps = pl.read_parquet(paths[0], columns=["timestamp"])["timestamp"]
    hours = pl.LazyFrame(
        {"timestamp": stamps, "price": energy + capacity, "peak": (capacity > 0).astype(float)}
    )
    net = pl.col(TOTAL_COLUMN) + pl.col(PV_COLUMN)
    loads = pl.scan_parquet(paths).select("bldg_id", "timestamp", net.alias("net"))
    by_hour = (
        loads.join(weights, on="bldg_id")
        .group_by("timestamp")
        .agg((pl.col("net") * pl.col("weight")).sum().alias("demand"))
    )
    by_home = (
        loads.join(hours, on="timestamp")
        .group_by("bldg_id")
        .agg(
            (pl.col("net") * pl.col("price")).sum().alias("burden"),
            pl.col("net").sum().alias("kwh"),
            (pl.col("net") * pl.col("peak")).sum().alias("peak_kwh"),
        )
    )
    hourly, homes = pl.collect_all([by_hour, by_home], engine="streaming")
    hourly, homes = hourly.sort("timestamp"), homes.sort("bldg_id")
    seconds = time.perf_counter() - start
    return Figures(
        seconds,
        hourly["demand"].to_numpy(),
        *(homes[name].to_numpy() for name in ("burden", "kwh", "peak_kwh")),
    )


def duckdb_sql(stock: BenchmarkStock) -> Figures:
    """DuckDB over the file list; one scan for both groupings."""
    import duckdb
    import pandas as pd

    paths = list(files_of(stock).values())
    energy, capacity = prices()
    weights = weights_of(stock).reset_index()
    start = time.perf_counter()
    hours = pd.read_parquet(paths[0], columns=["timestamp"]).assign(
        price=energy + capacity, peak=(capacity > 0).astype(float)
    )
    connection = duckdb.connect()
    connection.register("weights", weights)
    connection.register("hours", hours)
    found = connection.execute(
        f"""
        WITH loads AS (
            SELECT bldg_id, timestamp, "{TOTAL_COLUMN}" + "{PV_COLUMN}" AS net
            FROM read_parquet(?)
        )
        SELECT bldg_id, timestamp, sum(net * weight) AS demand, sum(net * price) AS burden,
               sum(net) AS kwh, sum(net * peak) AS peak_kwh
        FROM loads JOIN weights USING (bldg_id) JOIN hours USING (timestamp)
        GROUP BY GROUPING SETS ((bldg_id), (timestamp))
        """,
        [paths],
    ).df()
    hourly = found[found["bldg_id"].isna()].sort_values("timestamp")
    homes = found[found["timestamp"].isna()].sort_values("bldg_id")
    seconds = time.perf_counter() - start
    return Figures(
        seconds,
        hourly["demand"].to_numpy(),
        *(homes[name].to_numpy() for name in ("burden", "kwh", "peak_kwh")),
    )


def _price_frame(index: Any) -> Any:
    import pandas as pd

    energy, capacity = prices()
    return pd.DataFrame({ENERGY_PRICE: energy, CAPACITY_PRICE: capacity}, index=index)


def _with_frames(stock: BenchmarkStock, stages: Callable[[Any, Any, Any], Any]) -> Figures:
    """A backend on the pandas load frame, its loads read on processes, one a core."""
    from cairo.rates_tool import loads
    from cairo.workers.pools import process_scheduler

    weight = weights_of(stock)
    metadata = weight.reset_index()
    files = files_of(stock)
    start = time.perf_counter()
    with process_scheduler(CORES):
        frame = loads._return_load(None, "electricity", None, list(files), files)
        times = frame.index.get_level_values("time")[:HOURS]
        demand, burden, kwh, peak_kwh = stages(frame, metadata, _price_frame(times))
    return Figures(time.perf_counter() - start, demand, burden, kwh, peak_kwh)


def _bases(demand: Any, burden: Any, shares: Any, price: Any) -> Any:
    """The four figures; a share is basis / total of 1 $: undone, so that bases are compared."""
    from cairo.model.allocations import share_columns

    peak = (price[CAPACITY_PRICE] > 0).to_numpy()
    kwh = shares[share_columns()["BAT_vol"]].to_numpy() * float(demand.sum())
    peak_kwh = shares[share_columns()["BAT_peak"]].to_numpy() * float(demand[peak].sum())
    return demand.to_numpy(), burden.to_numpy(), kwh, peak_kwh


def pandas_originals(stock: BenchmarkStock) -> Figures:
    """The pandas originals: the `pandas` backend's two stages."""
    from cairo.rates_tool import loads
    from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor

    def stages(frame: Any, metadata: Any, price: Any) -> Any:
        demand = loads.process_residential_hourly_demand(frame, metadata)
        processor = InternalCrossSubsidizationProcessor()
        burden, shares = processor._return_customer_level_economic_burden_and_residual_share(
            metadata, frame, price, {RESIDUAL_COSTS: 1.0}
        )
        return _bases(demand, burden, shares, price)

    return _with_frames(stock, stages)


def dask_delayed(stock: BenchmarkStock) -> Figures:
    """The `dask_delayed` backend's two stages."""
    from cairo.rates_tool import delayed_stages

    def stages(frame: Any, metadata: Any, price: Any) -> Any:
        demand = delayed_stages.process_residential_hourly_demand(frame, metadata)
        burden, shares = delayed_stages.burden_and_residual_shares(
            metadata, frame, price, {RESIDUAL_COSTS: 1.0}
        )
        return _bases(demand, burden, shares, price)

    return _with_frames(stock, stages)


def _dask(stock: BenchmarkStock, processes: bool, loads: Path | None = None) -> Figures:
    from cairo.rates_tool.dd_stages import load_pass
    from cairo.rates_tool.dd_stages.frame import LoadOptions, read_load_frame
    from cairo.rates_tool.dd_stages.summary import target_times
    from cairo.scenario.scenario_file import DaskSettings
    from cairo.workers import cluster

    metadata = weights_of(stock).reset_index()
    price = _price_frame(target_times(2018))
    settings = DaskSettings(processes=processes)
    size = cluster.sizing(settings, CORES, len(metadata))
    with cluster.connected(settings, size) as client:
        client.wait_for_workers(size.n_workers)
        client.run(_ready)
        start = time.perf_counter()
        frame = read_load_frame(
            loads or stock.loads,
            metadata["bldg_id"],
            options=LoadOptions(None),
            partition_buildings=size.partition_buildings,
        )
        plan = load_pass.run_plan(metadata, price, {}, {}, 2018)
        found = load_pass.execute(frame, plan, client)
        found.residual_shares(1.0)
        seconds = time.perf_counter() - start
    return Figures(seconds, found.hourly_demand, found.burden, found.kwh, found.peak_kwh)


def _ready() -> None:
    import cairo.rates_tool.dd_stages.load_pass  # noqa: F401 - a worker that is up has imported


def dask_dataframe_processes(stock: BenchmarkStock) -> Figures:
    """The `dask_dataframe` backend's two stages, a worker process a core."""
    return _dask(stock, True)


def dask_dataframe_threads(stock: BenchmarkStock) -> Figures:
    """The `dask_dataframe` backend's two stages, a thread a core."""
    return _dask(stock, False)


def dask_dataframe_packed(stock: BenchmarkStock) -> Figures:
    """The `dask_dataframe` backend's two stages on the packed stock."""
    from cairo.files.pack import pack

    return _dask(stock, True, pack(stock.loads, stock.root / "packed"))


STAGES: dict[str, Callable[[BenchmarkStock], Figures]] = {
    "floor": floor,
    "floor_gas": floor_gas,
    "dask_dataframe_processes": dask_dataframe_processes,
    "dask_dataframe_threads": dask_dataframe_threads,
    "dask_dataframe_packed": dask_dataframe_packed,
    "numpy_matrix": numpy_matrix,
    "duckdb": duckdb_sql,
    "polars": polars_streaming,
    "dask_delayed": dask_delayed,
    "pandas": pandas_originals,
}
WHOLE = {"whole_dask_dataframe": "dask_dataframe", "whole_pandas": "pandas"}
"""Whole scenarios through `cairo run`, start-up included, and their backend."""
WHOLE_RUN = "demo_hp_tou_precalc"
FIGURES = ("demand", "burden", "kwh", "peak_kwh")
