"""The pass of a whole run: loads in whatever form, tariffs and prices to one `LoadSummary`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.model.bills import SolarStyle
from cairo.model.prices import Prices, peak_hours, total_price
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.dd_stages import summary
from cairo.rates_tool.dd_stages.measure import Measures
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan, Summary, UsePlan, use_plan
from cairo.rates_tool.run_spec import RunSpec, Service
from cairo.workers.gathering import gathered

if TYPE_CHECKING:
    from distributed import Client

Tariffs = Mapping[str, Mapping[str, object]]


def demand_plan(metadata: pd.DataFrame) -> PassPlan:
    """A pass for the system hourly demand alone."""
    ids, weight, _ = summary.sorted_weights(metadata["bldg_id"], metadata["weight"])
    return PassPlan(ids, weight)


def plan_of(spec: RunSpec, prices: Prices, gas: Service | None) -> PassPlan:
    """Everything a run asks of the hourly loads; gas tariffs per therm."""
    plan = demand_plan(spec.customers.frame)

    def uses(service: Service, style: SolarStyle | None = None) -> UsePlan:
        return use_plan(plan.bldg_ids, service.tariff_of, service.tariffs, spec.year, style)

    return replace(
        plan,
        price=prices.total,
        peak=prices.peak,
        electricity=uses(spec.electricity, spec.solar.style),
        gas=None if gas is None else uses(gas),
        solar=spec.solar.style is not None,
        response=spec.response_plans(spec.first_prices()),
        delivery_price=prices.delivery if spec.is_split else None,
        twins=None if spec.twins is None else uses(spec.twins.service, spec.solar.style),
    )


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
    """`plan_of` a script's own frames and dicts.

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
        price=total_price(prices),
        peak=peak_hours(prices),
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
    client: Client | None = None,
    advance: Callable[[int], None] = lambda buildings: None,
) -> LoadSummary:
    """Run the pass on a cluster, telling `advance` the buildings of each finished partition.

    Without a client Dask's active scheduler computes it.
    """
    if client is None:
        return summary.summarize(frame, plan)
    return take(frame, plan.measures, client, advance).of_run(plan)


def take(
    frame: dd.DataFrame,
    measures: Measures,
    client: Client,
    advance: Callable[[int], None] = lambda buildings: None,
) -> Summary:
    """`execute` with the questions of one run or of several."""
    parts, shared = summary.partial_summaries(summary.load_columns(frame, measures), measures)
    root = summary.tree(parts, shared)
    edges = np.searchsorted(measures.bldg_ids, list(frame.divisions))
    edges[-1] = len(measures.bldg_ids)
    sizes = np.diff(edges)
    total = gathered(client, parts, root, lambda place: advance(int(sizes[place])))
    return summary.finalize(total, measures)
