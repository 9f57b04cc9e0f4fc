"""Bills of all customers and the calibration of rates to a revenue requirement.

`run_system_revenues` and `_precalc_customer_rates` are CAIRO's, building by building under
`dask.delayed`. `bills_of_uses` and `calibrated_tariffs` do the same on whole tariffs at once,
for the `dask_dataframe` backend; both rest on the formulas of `customer_bill_calculation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dask
import numpy as np
import pandas as pd

from cairo.errors import RequirementError, listed
from cairo.files.tariff_maps import TariffMap, tariff_of
from cairo.model.arrays import Float1D, Float2D
from cairo.model.bills import (
    Billed,
    CustomerUse,
    RateResponse,
    SolarStyle,
    billed,
    monthly_bills,
    rate_response,
)
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL, DISTRIBUTION_PRICE, PRICE_COLUMNS, months
from cairo.model.precalc import rate_level
from cairo.model.revenue_requirement import return_revenue_requirement_target
from cairo.model.tariff import AnyTariff, Tariff, parse_tariff
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool.demand_frames import uses_from_frames
from cairo.rates_tool.relative_rates import relative_rates
from cairo.rates_tool.run_spec import SellRates, Solar
from cairo.rates_tool.tariffs import (
    _determine_sell_rate,
    _return_export_compensation_rate,
    delayed_tables,
)

__all__ = [
    "_determine_sell_rate",
    "_precalc_customer_rates",
    "_return_export_compensation_rate",
    "_return_revenue_requirement_target",
    "aggregate_system_revenues",
    "bills_of",
    "bills_of_uses",
    "calibrated",
    "calibrated_tariffs",
    "relative_rates",
    "return_monthly_bills_year1",
    "run_aggregator_precalculation",
    "run_system_revenues",
]

RevenueRequirement = float | Mapping[str, float]


def bill_frame(bldg_ids: Iterable[int], bills: Float2D) -> pd.DataFrame:
    """Bills (n, 12) as CAIRO's frame: index bldg_id (no name), `Jan`..`Dec`, `Annual` [$]."""
    frame = pd.DataFrame(bills, index=pd.Index(list(bldg_ids)), columns=months)
    frame[ANNUAL] = bills.sum(axis=1)
    return frame


def no_bills(bldg_ids: Sequence[int]) -> pd.DataFrame:
    """Bills of zero."""
    return bill_frame(bldg_ids, np.zeros((len(bldg_ids), len(months))))


def run_system_revenues(
    aggregated_load: pd.DataFrame,
    aggregated_solar: pd.DataFrame | None = None,
    solar_compensation_df: SellRates = None,
    solar_compensation_style: SolarStyle | None = None,
    process_agg_load: bool = True,
    prototype_ids: Iterable[int] = (),
    tariff_config: Mapping[str, AnyTariff] | None = None,
    tariff_strategy: TariffMap = None,
) -> pd.DataFrame:
    """Bills of all customers, building by building under `dask.delayed`.

    Parameters
    ----------
    aggregated_load, aggregated_solar : from `process_building_demand_by_period`, rows in any
        order; a building without rows is billed its fixed charge.
    solar_compensation_df : {tariff_key: tariff-shaped dict with export ratios or sell prices}.
    solar_compensation_style : "net_metering", "net_billing" or None, which credits nothing.
    process_agg_load : False when the frames hold one row a building, month, period and tier
        already; rows are added up either way, so this changes nothing.
    prototype_ids : buildings, in the order of the result; all with rows by default.
    tariff_config : {tariff_key: PySAM-style tariff}, parsed here where it is not yet.
    tariff_strategy : {bldg_id: tariff_key}, or a tariff map.

    Returns
    -------
    Index bldg_id (no name), `Jan`..`Dec` and `Annual` [$].

    Raises
    ------
    RequirementError, TariffError
        A building without tariff, a row of a period its tariff lacks.
    """
    ids = [int(i) for i in prototype_ids] or pd.unique(aggregated_load.index).tolist()
    strategy = tariff_of(tariff_strategy, ids)
    tables = delayed_tables((strategy[bldg_id] for bldg_id in ids), tariff_config or {})
    sells = Solar.of(solar_compensation_style, solar_compensation_df, list(tables)).sell
    loads, solar = _by_building(aggregated_load), _by_building(aggregated_solar)
    worker = dask.delayed(return_monthly_bills_year1)
    jobs = [
        worker(
            bldg_id,
            loads.get(bldg_id, aggregated_load.iloc[:0]),
            solar.get(bldg_id),
            tables[strategy[bldg_id]],
            sells.get(strategy[bldg_id]),
            solar_compensation_style,
        )
        for bldg_id in ids
    ]
    bills = dask.compute(*jobs)
    return bill_frame(ids, np.concatenate(bills))


def _by_building(frame: pd.DataFrame | None) -> dict[int, pd.DataFrame]:
    if frame is None or not len(frame):
        return {}
    return {int(i): rows for i, rows in frame.groupby(level=0, sort=False)}


def return_monthly_bills_year1(
    bldg_id: int,
    building_load: pd.DataFrame,
    building_solar: pd.DataFrame | None,
    table: Tariff,
    sell: Float2D | None = None,
    solar_compensation_style: SolarStyle | None = None,
) -> Float2D:
    """One building's bills (1, 12) [$]; frames as `run_system_revenues`, `sell` (P, T)."""
    use = _one_use(bldg_id, building_load, building_solar, table)
    return monthly_bills(use, table, sell, solar_compensation_style)


def _one_use(
    bldg_id: int,
    building_load: pd.DataFrame,
    building_solar: pd.DataFrame | None,
    table: Tariff,
) -> CustomerUse:
    on, tables = {bldg_id: table.key}, {table.key: table}
    return uses_from_frames(building_load, building_solar, [bldg_id], on, tables)[table.key]


def bills_of(
    uses: Mapping[str, CustomerUse],
    tariffs: Mapping[str, Tariff],
    bldg_ids: Sequence[int],
    solar: Solar,
) -> pd.DataFrame:
    """`run_system_revenues` on whole tariffs at once.

    Parameters
    ----------
    uses : {tariff_key: its customers' use}.
    tariffs : with the rates to bill.
    bldg_ids : buildings in the order of the result, every one in `uses`.
    solar : how exports are credited.
    """
    return bills_in_order(billed_of(uses, tariffs, solar), bldg_ids)


def billed_of(
    uses: Mapping[str, CustomerUse], tariffs: Mapping[str, Tariff], solar: Solar
) -> list[Billed]:
    """Bills of each tariff's customers with their parts; arguments as `bills_of`."""
    return [
        billed(use, tariffs[key], solar.sell.get(key), solar.style) for key, use in uses.items()
    ]


def bills_in_order(bills: Sequence[Billed], bldg_ids: Sequence[int]) -> pd.DataFrame:
    """Bills of several tariffs as one frame, in the order of `bldg_ids`."""
    place = pd.Index(np.concatenate([one.bldg_ids for one in bills])).get_indexer(
        pd.Index(list(bldg_ids))
    )
    return bill_frame(bldg_ids, np.concatenate([one.monthly for one in bills])[place])


def bills_of_uses(
    uses: Mapping[str, CustomerUse],
    tariffs: Mapping[str, AnyTariff],
    bldg_ids: Sequence[int],
    sell_rate: SellRates = None,
    style: SolarStyle | None = None,
) -> pd.DataFrame:
    """`bills_of` with tariffs and sell rates as `run_system_revenues` takes them."""
    parsed = {key: parse_tariff(key, tariffs[key]) for key in uses}
    return bills_of(uses, parsed, bldg_ids, Solar.of(style, sell_rate, list(uses)))


def _return_revenue_requirement_target(
    building_load: pd.DataFrame | pd.Series,
    sample_weight: pd.DataFrame | pd.Series | None,
    revenue_requirement_target: RevenueRequirement | None,
    residual_cost: float | None,
    residual_cost_frac: float | None,
    bulk_marginal_costs: pd.DataFrame,
    distribution_marginal_costs: pd.DataFrame | pd.Series,
    low_income_strategy: str | None = None,
    delivery_only_rev_req_passed: bool = False,
) -> tuple[float, pd.DataFrame, pd.DataFrame, pd.Series]:
    """Revenue requirement, marginal prices, marginal costs by hour and costs by type.

    Parameters
    ----------
    building_load : hourly load frame, or the system hourly demand itself as a series.
    sample_weight : `bldg_id` and `weight`; not used with a series.
    revenue_requirement_target, residual_cost, residual_cost_frac : exactly one of them [$, $, -].
    bulk_marginal_costs : hourly energy, capacity (and ancillary) price columns [$/kWh].
    distribution_marginal_costs : hourly `Marginal Distribution Costs ($/kWh)`.
    low_income_strategy : accepted for CAIRO's callers; assistance is revenue neutral.
    delivery_only_rev_req_passed : top the target up with energy and capacity marginal costs.

    Returns
    -------
    (requirement [$], price components and their total (8760 rows), the same in $, costs by type).
    """
    if isinstance(building_load, pd.Series):
        demand = building_load
    else:
        demand = load_funcs.process_residential_hourly_demand(building_load, sample_weight)
    distribution = distribution_marginal_costs
    if isinstance(distribution, pd.Series):
        distribution = distribution.to_frame(DISTRIBUTION_PRICE)
    both = pd.concat([bulk_marginal_costs, distribution], axis=1)
    prices = both[[name for name in PRICE_COLUMNS if name in both]]
    return return_revenue_requirement_target(
        demand,
        prices,
        revenue_requirement_target,
        residual_cost,
        residual_cost_frac,
        delivery_only_rev_req_passed,
    )


# Calibration


def _shared(requirement: RevenueRequirement, keys: Sequence[str]) -> list[tuple[list[str], float]]:
    """Tariffs that share a rate level, and what they together must collect."""
    if not isinstance(requirement, Mapping):
        return [(list(keys), float(requirement))]
    unknown = sorted(set(requirement) - set(keys))
    unmet = sorted(set(keys) - set(requirement))
    if unknown or unmet:
        raise RequirementError(
            f"revenue requirement by tariff names {listed(sorted(requirement))}; customers are on "
            f"{listed(sorted(keys))}: give each of these and no other"
        )
    return [([key], float(requirement[key])) for key in keys]


def _solved(
    responses: Mapping[str, Sequence[RateResponse]],
    relative: Mapping[str, Float2D],
    requirement: RevenueRequirement,
    tariffs: Mapping[str, Tariff],
) -> dict[str, Tariff]:
    final = dict(tariffs)
    for keys, dollars in _shared(requirement, sorted(responses)):
        name = f"tariff {keys[0]}" if len(keys) == 1 else f"tariffs {listed(keys)}"
        level = rate_level([r for key in keys for r in responses[key]], dollars, name)
        for key in keys:
            final[key] = tariffs[key].with_energy_rates(level * relative[key])
    return final


def calibrated(
    uses: Mapping[str, CustomerUse],
    tariffs: Mapping[str, Tariff],
    mapping: pd.DataFrame,
    requirement: RevenueRequirement,
    weight: pd.Series,
    solar: Solar,
) -> dict[str, Tariff]:
    """Tariffs whose energy rates meet the requirement, structure kept.

    Parameters
    ----------
    uses : {tariff_key: its customers' use}.
    tariffs : with their structure.
    mapping : frame `period, tier, rel_value, tariff`.
    requirement : [$] in all, or {tariff_key: $}.
    weight : customers by bldg_id.
    solar : how exports are credited.

    Raises
    ------
    RequirementError
        A requirement that cannot be met, or names other tariffs than the customers are on.
    """
    responses: dict[str, list[RateResponse]] = {}
    relative: dict[str, Float2D] = {}
    for key, use in uses.items():
        table, sell = tariffs[key], solar.sell.get(key)
        relative[key] = relative_rates(mapping, table)
        own: Float1D = weight.reindex(use.bldg_ids).to_numpy(np.float64)
        responses[key] = [rate_response(use, table, relative[key], own, sell, solar.style)]
    return _solved(responses, relative, requirement, tariffs)


def calibrated_tariffs(
    uses: Mapping[str, CustomerUse],
    tariffs: Mapping[str, AnyTariff],
    mapping: pd.DataFrame,
    requirement: RevenueRequirement,
    weight: pd.Series,
    sell_rate: SellRates = None,
    style: SolarStyle | None = None,
) -> dict[str, TariffDict]:
    """`calibrated` with tariffs and sell rates as `_precalc_customer_rates` takes them."""
    parsed = {key: parse_tariff(key, tariff) for key, tariff in tariffs.items()}
    solar = Solar.of(style, sell_rate, list(uses))
    final = calibrated(uses, parsed, mapping, requirement, weight, solar)
    return {key: tariff.to_dict() for key, tariff in final.items()}


def run_aggregator_precalculation(
    bldg_id: int,
    building_load: pd.DataFrame,
    building_solar: pd.DataFrame | None,
    table: Tariff,
    relative: Float2D,
    weight: float,
    sell: Float2D | None = None,
    solar_compensation_style: SolarStyle | None = None,
) -> RateResponse:
    """One building's bills at unity rate, and what of them does not depend on the rate."""
    use = _one_use(bldg_id, building_load, building_solar, table)
    return rate_response(use, table, relative, np.array([weight]), sell, solar_compensation_style)


def _precalc_customer_rates(
    aggregated_load: pd.DataFrame,
    aggregated_solar: pd.DataFrame | None,
    precalc_period_mapping: pd.DataFrame,
    revenue_requirement: RevenueRequirement,
    customer_metadata: pd.DataFrame,
    tariff_config: Mapping[str, AnyTariff],
    tariff_strategy: TariffMap,
    solar_compensation_df: SellRates = None,
    solar_compensation_style: SolarStyle | None = None,
) -> dict[str, TariffDict]:
    """Calibrated tariffs, each building's unity-rate bill under `dask.delayed`.

    Arguments as `run_system_revenues` and `calibrated_tariffs`; `customer_metadata` has
    `bldg_id` and `weight`.
    """
    ids = [int(i) for i in customer_metadata["bldg_id"]]
    weights = dict(zip(ids, customer_metadata["weight"].to_numpy(np.float64), strict=True))
    strategy = tariff_of(tariff_strategy, ids)
    keys = sorted({strategy[bldg_id] for bldg_id in ids})
    parsed = {key: parse_tariff(key, tariff_config[key]) for key in keys}
    relative = {key: relative_rates(precalc_period_mapping, parsed[key]) for key in keys}
    tables = delayed_tables(keys, parsed)
    sells = Solar.of(solar_compensation_style, solar_compensation_df, keys).sell
    loads, solar = _by_building(aggregated_load), _by_building(aggregated_solar)
    worker = dask.delayed(run_aggregator_precalculation)
    jobs = [
        worker(
            bldg_id,
            loads.get(bldg_id, aggregated_load.iloc[:0]),
            solar.get(bldg_id),
            tables[strategy[bldg_id]],
            relative[strategy[bldg_id]],
            weights[bldg_id],
            sells.get(strategy[bldg_id]),
            solar_compensation_style,
        )
        for bldg_id in ids
    ]
    responses: dict[str, list[RateResponse]] = {key: [] for key in keys}
    for bldg_id, response in zip(ids, dask.compute(*jobs), strict=True):
        responses[strategy[bldg_id]].append(response)
    final = _solved(responses, relative, revenue_requirement, parsed)
    return {
        key: tariff.to_dict() if isinstance(tariff, Tariff) else dict(tariff)
        for key, tariff in (dict(tariff_config) | final).items()
    }


def aggregate_system_revenues(
    customer_bills: pd.DataFrame, customer_metadata: pd.DataFrame
) -> tuple[pd.DataFrame, float]:
    """(bills with `weight`, weighted annual revenue [$]).

    Parameters
    ----------
    customer_bills : from `run_system_revenues`.
    customer_metadata : `bldg_id` and `weight`.
    """
    weight = customer_metadata.set_index("bldg_id")["weight"].reindex(customer_bills.index)
    bills = customer_bills.assign(weight=weight.to_numpy())
    return bills, weighted_total(bills["weight"].to_numpy(), bills[ANNUAL].to_numpy())
