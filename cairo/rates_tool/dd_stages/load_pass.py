"""The pass of a whole run: loads in whatever form, tariffs and prices to one `LoadSummary`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.model.tariff import parse_tariff
from cairo.rates_tool.dd_stages import marginal, summary
from cairo.rates_tool.dd_stages.frame import LoadOptions, as_load_frame
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan, UsePlan, use_plan
from cairo.workers import cluster
from cairo.workers.settings import DaskSettings

Tariffs = Mapping[str, Mapping[str, Any]]


def demand_plan(metadata: pd.DataFrame) -> PassPlan:
    """A pass for the system hourly demand alone."""
    ids, weight, _ = summary.sorted_weights(metadata["bldg_id"], metadata["weight"])
    return PassPlan(ids, weight)


def run_plan(
    metadata: pd.DataFrame,
    prices: pd.DataFrame,
    params: Tariffs,
    strategy: Mapping[int, str],
    year: int,
    *,
    gas_tariffs: Tariffs | None = None,
    gas_strategy: Mapping[int, str] | None = None,
    solar: bool = False,
) -> PassPlan:
    """Everything a run needs of the hourly loads.

    Parameters
    ----------
    metadata : `bldg_id` and `weight`.
    prices : 8760 rows of price components [$/kWh].
    params, strategy : {tariff_key: tariff}, {bldg_id: tariff_key}.
    gas_tariffs, gas_strategy : the same for gas, per therm; None without gas.
    solar : whether exports are credited.
    """
    plan = demand_plan(metadata)
    return replace(
        plan,
        price=marginal.total_price(prices),
        peak=marginal.peak_hours(prices),
        electricity=_uses(plan, params, strategy, year),
        gas=_uses(plan, gas_tariffs, gas_strategy, year) if gas_tariffs and gas_strategy else None,
        solar=solar,
    )


def _uses(plan: PassPlan, params: Tariffs, strategy: Mapping[int, str], year: int) -> UsePlan:
    tables = {key: parse_tariff(key, tariff) for key, tariff in params.items()}
    return use_plan(plan.bldg_ids, strategy, tables, year)


def execute(
    frame: dd.DataFrame,
    plan: PassPlan,
    client: Any | None = None,
    advance: Callable[[int], None] = lambda buildings: None,
) -> LoadSummary:
    """Run the pass on a cluster, telling `advance` the buildings of each finished partition.

    Without a client Dask's active scheduler computes it.
    """
    if client is None:
        return summary.summarize(frame, plan)
    measures = plan.measures
    parts, shared = summary.partial_summaries(summary.load_columns(frame, measures), measures)
    root = summary.tree(parts, shared)
    edges = np.searchsorted(measures.bldg_ids, list(frame.divisions))
    edges[-1] = len(measures.bldg_ids)
    sizes = np.diff(edges)
    total = cluster.gathered(client, parts, root, lambda place: advance(int(sizes[place])))
    return summary.finalize(total, measures).of_run(plan)


@contextmanager
def a_client(process_workers: int | None, buildings: int) -> Iterator[Any]:
    """The caller's running `distributed.Client`, else a LocalCluster's for this pass."""
    try:
        from distributed import Client

        running = Client.current(allow_global=True)
    except ValueError:
        running = None
    if running is not None:
        yield running
        return
    settings = DaskSettings()
    size = cluster.sizing(settings, process_workers, buildings)
    with cluster.connected(settings, size) as client:
        yield client


def summarize_for_run(
    electricity: Any,
    gas: Any,
    metadata: pd.DataFrame,
    prices: pd.DataFrame,
    params: Tariffs,
    strategy: Mapping[int, str],
    gas_tariffs: Tariffs,
    gas_strategy: Mapping[int, str],
    year: int,
    *,
    solar: bool,
    process_workers: int | None,
) -> LoadSummary:
    """`LoadSummary` of loads a caller passes as pandas or Dask frames.

    `gas` may be a frame of its own with `load_data` in therms; a Dask electric frame may also
    carry it as `natural_gas`. Arguments as `run_plan`.
    """
    plan = run_plan(
        metadata,
        prices,
        params,
        strategy,
        year,
        gas_tariffs=gas_tariffs,
        gas_strategy=gas_strategy,
        solar=solar,
    )
    with a_client(process_workers, len(plan.bldg_ids)) as client:
        options = LoadOptions(year)
        frame = as_load_frame(electricity, options=options, client=client)
        if plan.gas is None or gas is None or gas is electricity:
            return execute(frame, plan, client)
        gas_frame = as_load_frame(_therms(gas), options=options, client=client)
        gas_plan = PassPlan(plan.bldg_ids, gas=plan.gas)
        electric = execute(frame, replace(plan, gas=None), client)
        both = electric.summary | execute(gas_frame, gas_plan, client).summary
        return both.of_run(plan)


def _therms(gas: Any) -> Any:
    """A gas load frame whose therms are in `natural_gas`."""
    if isinstance(gas, str | os.PathLike | Mapping) or "natural_gas" in gas.columns:
        return gas
    return gas[["load_data"]].rename(columns={"load_data": "natural_gas"})
