"""Building loads: reading, demand by period, and system hourly demand, as pandas originals.

Names and signatures are CAIRO's. `_return_load` and `process_building_demand_by_period` work
building by building under `dask.delayed`; the Dask scheduler the caller has set runs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import dask
import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.files.load_frame import loads_of_frame
from cairo.files.metadata import return_buildingstock
from cairo.files.tariff_maps import TariffMap
from cairo.model import kernels
from cairo.model.arrays import FloatND
from cairo.model.bills import two_meters
from cairo.model.calendar import __timeshift__, hour_months, hour_of_day, hour_stamps, hour_weekend
from cairo.model.names import ELECTRICITY, GAS, GENERATION, GROSS_LOAD, MONTHS, NET_LOAD
from cairo.model.periods import PeriodUse, period_plan
from cairo.model.response import LEAST_KWH, one_price
from cairo.model.tariff import (
    Tariff,
    energy_charge_aggregation_method,
    energy_charge_map,
)
from cairo.model.transforms import ELECTRIC
from cairo.rates_tool import hourly_frames
from cairo.rates_tool import tariffs as tariff_funcs
from cairo.rates_tool.dd_stages.sources import LoadOptions, load_source, model_columns
from cairo.rates_tool.demand_frames import demand_frame, solar_frame

__all__ = [
    "__timeshift__",
    "_load_worker",
    "_return_energy_charge_aggregation_method",
    "_return_load",
    "aggregate_load_worker",
    "extract_energy_charge_map",
    "process_building_demand_by_period",
    "process_residential_hourly_demand",
    "process_residential_hourly_demand_response_shift",
    "return_buildingstock",
]

_return_energy_charge_aggregation_method = energy_charge_aggregation_method
extract_energy_charge_map = energy_charge_map

_KEY_OF_TYPE = {"electricity": ELECTRICITY, ELECTRICITY: ELECTRICITY, "gas": GAS, GAS: GAS}


def _load_key(load_type: str) -> str:
    try:
        return _KEY_OF_TYPE[load_type]
    except KeyError:
        raise LoadError(f"load type {load_type} is unknown, expected electricity or gas") from None


def _return_load(
    raw_load_passed: pd.DataFrame | None = None,
    load_type: str = "electricity",
    target_year: int | None = None,
    building_stock_sample: Iterable[int] | pd.DataFrame | None = None,
    load_filepath_key: str | os.PathLike[str] | Mapping[int, str | os.PathLike[str]] | None = None,
    force_tz: str | None = None,
    storage_options: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Hourly loads of buildings in one frame.

    Parameters
    ----------
    raw_load_passed : a frame this function gave before; its buildings asked for are returned.
    load_type : "electricity" or "gas", or a key of `lookups.load_types_map`.
    target_year : year whose calendar the hours take; None keeps the weather year's.
    building_stock_sample : bldg_ids, or a frame with them; all by default. The frame's
        buildings come in this order.
    load_filepath_key : load folder, packed stock, or {bldg_id: file}.
    force_tz : time zone of the stamps, such as "EST"; naive when None.
    storage_options : fsspec options for URLs.

    Returns
    -------
    Index (`bldg_id`, `time`), 8760 rows a building. Electricity: `load_data`,
    `pv_generation`, `electricity_net` [kWh]. Gas: `load_data` [therms].

    Raises
    ------
    LoadError
        Buildings without a load file, all listed; an unsound file, by name.
    """
    key = _load_key(load_type)
    sample = _sample_ids(building_stock_sample)
    if raw_load_passed is not None:
        return _passed_load(raw_load_passed, sample)
    if load_filepath_key is None:
        raise LoadError("give a load folder or files to read loads from")
    options = LoadOptions(target_year, timezone=force_tz, storage_options=storage_options or {})
    source = load_source(load_filepath_key, options)
    return (source if sample is None else source.take(sample)).hourly_frame(key)


def _sample_ids(sample: Iterable[int] | pd.DataFrame | None) -> list[int] | None:
    if sample is None:
        return None
    if isinstance(sample, pd.DataFrame):
        sample = sample.get("bldg_id", sample.index)
    return [int(bldg_id) for bldg_id in sample]


def _passed_load(loads: pd.DataFrame, sample: list[int] | None) -> pd.DataFrame:
    if sample is None:
        return loads
    there = loads.index.get_level_values("bldg_id")
    present = pd.unique(there)
    missing = sorted(set(sample) - set(present.tolist()))
    if missing:
        raise LoadError(f"the load frame passed lacks buildings {listed_buildings(missing)}")
    if present.tolist() == sample:
        return loads
    return hourly_frames.stacked(
        [loads.iloc[rows] for rows in hourly_frames.rows_of(loads, sample)]
    )


def _load_worker(
    bldg_id: int,
    df: pd.DataFrame,
    load_col_key: str,
    target_year: int | None,
    force_tz: str | None = None,
) -> pd.DataFrame:
    """One building's load frame from the raw frame of its parquet file.

    Parameters
    ----------
    bldg_id : the building.
    df : ResStock columns with `timestamp` a column or the index; 8760 rows.
    load_col_key : "total_fuel_electricity" or "total_fuel_gas".
    target_year, force_tz : as in `_return_load`.

    Raises
    ------
    LoadError
        A missing column, gaps, missing values, or another building's rows.
    """
    key = _load_key(load_col_key)
    columns = ELECTRIC if key == ELECTRICITY else ("natural_gas",)
    fields = ("total", "pv") if key == ELECTRICITY else ("gas",)
    loads = loads_of_frame(df, bldg_id, fields)
    hourly = model_columns(loads, columns, target_year)
    times = hour_stamps(target_year or loads.source_year, force_tz)
    return hourly_frames.indexed(pd.DataFrame({"time": times, **hourly}), bldg_id)


def process_residential_hourly_demand(
    bldg_load: pd.DataFrame, sample_weights: pd.DataFrame | pd.Series
) -> pd.Series:
    """System hourly demand: sum over buildings of weight x net load.

    Parameters
    ----------
    bldg_load : index (`bldg_id`, `time`), with `electricity_net` [kWh].
    sample_weights : `bldg_id` and `weight` [customers], as columns or as a series by bldg_id.

    Returns
    -------
    (8760,) series by time named `electricity_net` [kWh].

    Raises
    ------
    LoadError
        Buildings of the load frame have no weight, all listed.
    """
    weights = weight_frame(sample_weights)
    loads = bldg_load[[NET_LOAD]].reset_index()
    unweighted = set(loads["bldg_id"].unique()) - set(weights["bldg_id"])
    if unweighted:
        raise LoadError(f"no weight for buildings {listed_buildings(sorted(unweighted))}")
    merged = loads.merge(weights, on="bldg_id", how="left")
    merged[NET_LOAD] = merged[NET_LOAD] * merged["weight"]
    return merged.groupby("time", sort=True)[NET_LOAD].sum()


def weight_frame(sample_weights: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """`bldg_id` and `weight` columns of weights passed as a frame or a series."""
    if isinstance(sample_weights, pd.Series):
        sample_weights = sample_weights.rename("weight").rename_axis("bldg_id").reset_index()
    elif "bldg_id" not in sample_weights:
        sample_weights = sample_weights.rename_axis("bldg_id").reset_index()
    return sample_weights[["bldg_id", "weight"]]


def process_residential_hourly_demand_response_shift(
    hourly_load_df: pd.DataFrame,
    period_rate: pd.Series,
    demand_elasticity: float,
    equivalent_flat_tariff: float | None = None,
    receiver_period: int | None = None,
    min_period_abs_kwh: float = LEAST_KWH,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Loads of one season after customers have responded to the prices of its periods.

    Parameters
    ----------
    hourly_load_df : `bldg_id`, `energy_period`, `electricity_net` [kWh], a row an hour.
    period_rate : {energy_period: price} [$/kWh].
    demand_elasticity : of substitution, at most 0.
    equivalent_flat_tariff : price that leaves use as it is [$/kWh]; what all pay on average when
        None.
    receiver_period : takes what the others give; the cheapest when None.
    min_period_abs_kwh : below this a period keeps its use [kWh].

    Returns
    -------
    (the frame with `Q_orig` [kWh of the period], `load_shift` [kWh], `hourly_shift` and
    `shifted_net` [kWh]; `bldg_id, energy_period, Q_orig, Q_new, rate, epsilon`, the achieved
    elasticity, NaN where it says nothing).

    Notes
    -----
    Hour by hour, as it is defined; `model.response` does the same on sums.
    """
    hours = hourly_load_df.copy()
    hours["rate"] = hours["energy_period"].map(period_rate)
    if equivalent_flat_tariff is None:
        paid = (hours["electricity_net"] * hours["rate"]).sum()
        one = one_price(hours["rate"].to_numpy(np.float64))
        equivalent_flat_tariff = paid / hours["electricity_net"].sum() if one is None else one
    if receiver_period is None:
        receiver_period = period_rate[hours["energy_period"].unique()].idxmin()
    grouped = hours.groupby(["bldg_id", "energy_period"])["electricity_net"]
    use = grouped.agg(["sum", "size"]).rename(columns={"sum": "Q_orig", "size": "hours"})
    use = use.reset_index()
    use["rate"] = use["energy_period"].map(period_rate)
    wanted = use["Q_orig"] * ((use["rate"] / equivalent_flat_tariff) ** demand_elasticity - 1.0)
    small = use["Q_orig"] < min_period_abs_kwh
    receives = use["energy_period"] == receiver_period
    use["load_shift"] = wanted.where(~small & ~receives, 0.0)
    by_home = use.groupby("bldg_id")["load_shift"]
    kept = use["Q_orig"].where(receives & ~small, 0.0).groupby(use["bldg_id"]).transform("sum")
    beyond = (by_home.transform("sum") - kept).clip(lower=0.0)
    takes = use["load_shift"].clip(lower=0.0)
    all_taken = takes.groupby(use["bldg_id"]).transform("sum")
    use["load_shift"] -= takes * (beyond / all_taken.where(all_taken > 0.0, 1.0))
    given = use.groupby("bldg_id")["load_shift"].transform("sum")
    use["load_shift"] = use["load_shift"].where(~receives, -given)
    kept_columns = ["bldg_id", "energy_period", "Q_orig", "load_shift", "hours"]
    shifted = hours.merge(use[kept_columns], on=["bldg_id", "energy_period"], how="left")
    by_use = shifted["electricity_net"] / shifted["Q_orig"]
    share = by_use.where(shifted["Q_orig"] >= min_period_abs_kwh, 1.0 / shifted["hours"])
    shifted["hourly_shift"] = shifted["load_shift"] * share
    shifted["shifted_net"] = shifted["electricity_net"] + shifted["hourly_shift"]
    use["Q_new"] = use["Q_orig"] + use["load_shift"]
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log(use["Q_new"] / use["Q_orig"])
        use["epsilon"] = change / np.log(use["rate"] / equivalent_flat_tariff)
    use["epsilon"] = use["epsilon"].where(np.isfinite(use["epsilon"]))
    tracker = use[["bldg_id", "energy_period", "Q_orig", "Q_new", "rate", "epsilon"]]
    return shifted.set_axis(hourly_load_df.index, axis=0), tracker


def process_building_demand_by_period(
    target_year: int,
    load_col_key: str,
    prototype_ids: Iterable[int],
    tariff_base: Mapping[str, object],
    tariff_map: TariffMap,
    prepassed_load: pd.DataFrame,
    solar_pv_compensation: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each building's demand by month, tariff period and tier.

    Parameters
    ----------
    target_year : year whose weekdays the schedules follow.
    load_col_key : "total_fuel_electricity" or "total_fuel_gas".
    prototype_ids : buildings, in the order wanted.
    tariff_base : {tariff_key: PySAM-style tariff}, parsed here where it is not yet.
    tariff_map : building to tariff: frame, CSV path or mapping.
    prepassed_load : hourly load frame; never changed.
    solar_pv_compensation : style, by which a tariff of buy all, sell all buys all use and sells
        all generation; solar rows are given whatever it is.

    Returns
    -------
    agg_load : index bldg_id; `month, period, tier, grid_cons, load_data, charge_type, tariff`.
    agg_solar : index bldg_id; `month, period, tier, net_exports, self_cons, pv_generation,
        charge_type, tariff`; only rows with generation.

    Raises
    ------
    TariffError, LoadError
        A building without tariff or load.
    """
    ids = [int(bldg_id) for bldg_id in prototype_ids]
    strategy, tariffs = tariff_funcs.base_tariffs(tariff_base, tariff_map, ids)
    key = _load_key(load_col_key)
    worker = dask.delayed(aggregate_load_worker)
    tables = tariff_funcs.delayed_tables(strategy.values(), tariffs)
    jobs = [
        worker(
            bldg_id,
            prepassed_load.iloc[rows],
            tables[strategy[bldg_id]],
            key,
            target_year,
            solar_pv_compensation,
        )
        for bldg_id, rows in zip(ids, hourly_frames.rows_of(prepassed_load, ids), strict=True)
    ]
    loads, solar = zip(*dask.compute(*jobs), strict=True)
    generating = [frame for frame in solar if len(frame)]
    return pd.concat(loads), pd.concat(generating) if generating else solar[0]


def aggregate_load_worker(
    bldg_id: int,
    building_load: pd.DataFrame,
    table: Tariff,
    load_col_key: str,
    target_year: int,
    solar_pv_compensation: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`process_building_demand_by_period` of one building."""
    plan = period_plan(table, target_year)
    gas = load_col_key == GAS
    hours = _tariff_hours(table, target_year)
    load = building_load[GROSS_LOAD].to_numpy(np.float64)
    # All use is bought where a second meter sells all generation.
    sells_all = not gas and two_meters(table, solar_pv_compensation)
    bought = GROSS_LOAD if sells_all else NET_LOAD
    billed = load if gas else kernels.grid_consumption(building_load[bought].to_numpy(np.float64))
    hours = hours.assign(billed=billed, load=load)
    use = {
        "billed": _by_period(hours, "billed", table.n_periods),
        "load": _by_period(hours, "load", table.n_periods),
    }
    if plan.monthly_peak:
        use["peak_kw"] = hours.groupby("month")["billed"].max().to_numpy()[None, :]
    if plan.demand is not None:
        use["demand_kw"] = _demand_peaks(hours, table)
    pv = None if gas else building_load[GENERATION].to_numpy(np.float64)
    has_pv = pv is not None and bool(pv.any())
    if has_pv:
        assert pv is not None
        hours = hours.assign(
            exports=kernels.net_exports(load, pv),
            self_use=kernels.self_consumption(load, pv),
            generation=kernels.generation(pv),
        )
        if sells_all:
            hours = hours.assign(exports=hours["generation"], self_use=0.0)
    for name in ("exports", "self_use", "generation"):
        use[name] = (
            _by_period(hours, name, table.n_periods)
            if has_pv
            else np.zeros((1, MONTHS, table.n_periods))
        )
    summed = PeriodUse(np.array([bldg_id], dtype=np.int64), **use)
    return demand_frame(summed, plan, table, gas), solar_frame(summed, plan, table)


def _tariff_hours(table: Tariff, target_year: int) -> pd.DataFrame:
    """Month, hour, day type and energy period of each hour of the year."""
    hours = pd.DataFrame(
        {
            "month": hour_months() + 1,
            "hour": hour_of_day(),
            "day_type": np.where(hour_weekend(target_year), "weekend", "weekday"),
        }
    )
    mapping = tariff_funcs.period_mapping(table)
    return hours.merge(mapping, on=["month", "hour", "day_type"], how="left")


def _by_period(hours: pd.DataFrame, column: str, periods: int) -> FloatND:
    """Monthly sums of one building's hours by energy period, (1, 12, P)."""
    sums = hours.groupby(["month", "period"])[column].sum().unstack(fill_value=0.0)
    sums = sums.reindex(index=range(1, MONTHS + 1), columns=range(1, periods + 1), fill_value=0.0)
    by_period: FloatND = sums.to_numpy()[None, :, :]
    return by_period


def _demand_peaks(hours: pd.DataFrame, table: Tariff) -> FloatND:
    """Monthly peaks of one building by demand period, (1, 12, D) [kW]."""
    assert table.demand is not None
    month, hour = hours["month"].to_numpy() - 1, hours["hour"].to_numpy()
    weekend = (hours["day_type"] == "weekend").to_numpy()
    period = np.where(weekend, table.demand.weekend[month, hour], table.demand.weekday[month, hour])
    peaks = hours.assign(demand=period).groupby(["month", "demand"])["billed"].max().unstack()
    wanted = range(1, len(table.demand.tou_price) + 1)
    peaks = peaks.reindex(index=range(1, MONTHS + 1), columns=wanted)
    by_period: FloatND = peaks.fillna(0.0).to_numpy()[None, :, :]
    return by_period
