"""The two stages by chunks of buildings under `dask.delayed` (backend `dask_delayed`).

Each chunk runs the pandas originals; what an allocation needs from all customers is totalled
once, from every chunk, and no chunk divides by a total of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dask
import numpy as np
import pandas as pd

from cairo.model.names import BURDEN, HOURS, NET_LOAD, RESIDUAL_COSTS
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool import postprocessing
from cairo.rates_tool.dd_stages import marginal, residual
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor

CHUNK_BUILDINGS = 128


def load_chunks(
    loads: pd.DataFrame, chunk_buildings: int = CHUNK_BUILDINGS
) -> Iterator[pd.DataFrame]:
    """Consecutive chunks of whole buildings of a load frame, without copying."""
    rows = chunk_buildings * HOURS
    for start in range(0, len(loads), rows):
        yield loads.iloc[start : start + rows]


def process_residential_hourly_demand(
    bldg_load: pd.DataFrame,
    sample_weights: pd.DataFrame | pd.Series,
    chunk_buildings: int = CHUNK_BUILDINGS,
) -> pd.Series:
    """`loads.process_residential_hourly_demand`, by chunks of buildings."""
    chunk = dask.delayed(load_funcs.process_residential_hourly_demand)
    net = bldg_load[[NET_LOAD]]
    parts = dask.compute(
        *[chunk(part, sample_weights) for part in load_chunks(net, chunk_buildings)]
    )
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def chunk_statistics(
    loads: pd.DataFrame, prices: pd.DataFrame, burden_of: Callable[..., pd.Series]
) -> pd.DataFrame:
    """Burden [$], annual and peak-hour energy [kWh] of a chunk's buildings.

    `burden_of` is the processor's method as the caller has it: worker processes import the
    original, whatever stands in its place elsewhere.
    """
    burden = burden_of(InternalCrossSubsidizationProcessor(), loads, prices)
    net = loads[NET_LOAD]
    by_building = net.groupby(level="bldg_id", sort=False)
    peak = np.tile(marginal.peak_hours(prices), len(loads) // HOURS)
    in_peak = net.where(peak, 0.0).groupby(level="bldg_id", sort=False).sum()
    return pd.DataFrame({BURDEN: burden, "kwh": by_building.sum(), "peak_kwh": in_peak})


def split_bases(
    loads: pd.DataFrame, prices: pd.DataFrame, chunk_buildings: int = CHUNK_BUILDINGS
) -> pd.DataFrame:
    """`postprocessing.split_bases`, by chunks of buildings."""
    chunk: Any = dask.delayed(postprocessing.split_bases)
    net = loads[[NET_LOAD]]
    parts = [chunk(part, prices) for part in load_chunks(net, chunk_buildings)]
    return pd.concat(dask.compute(*parts))


def burden_and_residual_shares(
    building_metadata: pd.DataFrame,
    raw_hourly_load: pd.DataFrame,
    marginal_system_prices: pd.DataFrame,
    costs_by_type: Mapping[str, float] | pd.Series,
    chunk_buildings: int = CHUNK_BUILDINGS,
) -> tuple[pd.Series, pd.DataFrame]:
    """Economic burden and residual shares by building [$], by chunks of buildings.

    Arguments and results as
    `InternalCrossSubsidizationProcessor._return_customer_level_economic_burden_and_residual_share`.
    """
    chunk: Any = dask.delayed(chunk_statistics)
    net = raw_hourly_load[[NET_LOAD]]
    burden_of = InternalCrossSubsidizationProcessor._determine_marginal_cost_allocation
    parts = dask.compute(
        *[
            chunk(part, marginal_system_prices, burden_of)
            for part in load_chunks(net, chunk_buildings)
        ]
    )
    statistics = pd.concat(parts)
    weight = building_metadata.set_index("bldg_id")["weight"].reindex(statistics.index)
    shares = residual.finalize(
        float(costs_by_type[RESIDUAL_COSTS]),
        weight.to_numpy(np.float64),
        statistics["kwh"].to_numpy(),
        statistics["peak_kwh"].to_numpy(),
        statistics[BURDEN].to_numpy(),
        statistics.index,
    )
    return statistics[BURDEN], shares
