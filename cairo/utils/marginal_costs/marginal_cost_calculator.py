"""Hourly marginal prices of supply and delivery, in the loads' calendar.

All frames have the target year's 8760 EST hours as index and $/kWh in columns of
`cairo.rates_tool.lookups.PRICE_COLUMNS`. Paths may be fsspec URLs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cairo.errors import PriceError
from cairo.files.price_files import EST, TIME, read_prices
from cairo.files.reading import FilePath
from cairo.model.calendar import hour_stamps
from cairo.model.names import (
    ANCILLARY_PRICE,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    HOURS,
    PRICE_COLUMNS,
)

KWH_PER_MWH = 1000.0
SUPPLY_COLUMNS = {
    ENERGY_PRICE: "energy_cost_enduse",
    CAPACITY_PRICE: "capacity_cost_enduse",
    ANCILLARY_PRICE: "ancillary_cost_enduse",
}
"""Columns of Cambium and supply files [$/MWh]."""
DISTRIBUTION_COLUMN = "mc_total_per_kwh"
"""Sub-transmission and distribution [$/kWh]."""
BULK_COLUMN = "bulk_tx_cost_enduse"
"""Bulk transmission [$/kWh]."""
PEAK_HOURS = 100
"""Hours a distribution cost is spread over when no number is given."""

Options = Mapping[str, object] | None


def _load_cambium_marginal_costs(
    path: FilePath, target_year: int, storage_options: Options = None
) -> pd.DataFrame:
    """Energy and capacity prices of one Cambium file, CSV or parquet (CAIRO's name).

    An `ancillary_cost_enduse` column is taken too where there is one. Whoever calls this says that
    the file is Cambium's; a warning tells where nothing in it does (`cambium.is_cambium`).

    Raises
    ------
    PriceError
        See `price_files.read_prices`.
    """
    energy, capacity, ancillary = SUPPLY_COLUMNS.values()
    raw = read_prices(
        path, [energy, capacity], target_year, storage_options, [ancillary], cambium=True
    )
    names = {column: name for name, column in SUPPLY_COLUMNS.items()}
    return (raw / KWH_PER_MWH).rename(columns=names)


def load_supply_prices(
    energy_path: FilePath,
    capacity_path: FilePath,
    ancillary_path: FilePath | None = None,
    *,
    target_year: int,
    storage_options: Options = None,
) -> pd.DataFrame:
    """Energy, capacity and, with its path, ancillary prices [$/kWh] from files in $/MWh.

    The paths may be of one and the same Cambium file. CAIRO takes a path with `cambium` in it for
    one; here what is in the file tells, and a warning where its name says otherwise.

    Raises
    ------
    PriceError
        See `price_files.read_prices`.
    """
    paths = {
        ENERGY_PRICE: energy_path,
        CAPACITY_PRICE: capacity_path,
        ANCILLARY_PRICE: ancillary_path,
    }
    columns = {}
    for name, path in paths.items():
        if path is not None:
            column = SUPPLY_COLUMNS[name]
            prices = read_prices(path, [column], target_year, storage_options)
            columns[name] = prices[column] / KWH_PER_MWH
    return pd.DataFrame(columns)


def load_delivery_prices(
    dist_path: FilePath | None,
    bulk_path: FilePath | None = None,
    *,
    target_year: int,
    storage_options: Options = None,
) -> pd.DataFrame:
    """`Marginal Distribution Costs ($/kWh)`: distribution plus bulk transmission.

    A path that is None adds nothing; with neither the frame has no column.

    Raises
    ------
    PriceError
        See `price_files.read_prices`.
    """
    frame = pd.DataFrame(index=hour_stamps(target_year, EST).rename(TIME))
    for path, column in ((dist_path, DISTRIBUTION_COLUMN), (bulk_path, BULK_COLUMN)):
        if path is not None:
            prices = read_prices(path, [column], target_year, storage_options)[column]
            frame[DISTRIBUTION_PRICE] = frame.get(DISTRIBUTION_PRICE, 0.0) + prices
    return frame


def marginal_prices(
    energy_path: FilePath,
    capacity_path: FilePath,
    dist_path: FilePath | None = None,
    bulk_path: FilePath | None = None,
    ancillary_path: FilePath | None = None,
    *,
    target_year: int,
    storage_options: Options = None,
) -> pd.DataFrame:
    """Every component of the hourly marginal price that has a file, without their total.

    Returns
    -------
    (8760, k) [$/kWh], columns in the order of `PRICE_COLUMNS`.

    Raises
    ------
    PriceError
        See `price_files.read_prices`.
    """
    supply = load_supply_prices(
        energy_path,
        capacity_path,
        ancillary_path,
        target_year=target_year,
        storage_options=storage_options,
    )
    delivery = load_delivery_prices(
        dist_path, bulk_path, target_year=target_year, storage_options=storage_options
    )
    both = pd.concat([supply, delivery], axis=1)
    return both[[name for name in PRICE_COLUMNS if name in both]]


def add_distribution_costs(
    load: pd.Series | npt.NDArray[np.float64],
    target_year: int,
    cost_per_kw_year: float,
    hours: int = PEAK_HOURS,
) -> pd.Series:
    """A yearly cost of capacity spread over the system's highest net-load hours.

    Parameters
    ----------
    load : (8760,) system hourly net load [kWh], in the target year's hours.
    target_year : calendar year of `load`.
    cost_per_kw_year : [$/kW-yr].
    hours : number n of highest hours; of equal hours the earlier counts first.

    Returns
    -------
    `Marginal Distribution Costs ($/kWh)`, (8760,): cost x load_h / sum of load over the n hours,
    0 in the other hours. The prices add to the cost, so that a constant kW pays just that.

    Raises
    ------
    PriceError
        Not 8760 finite hours, a number of hours outside 1 to 8760, a cost that is not finite, or
        highest hours without positive net load.
    """
    demand = np.asarray(load, dtype=np.float64)
    if demand.shape != (HOURS,):
        raise PriceError(f"system net load has shape {demand.shape}, expected {HOURS} hours")
    if not np.isfinite(demand).all():
        raise PriceError("system net load has hours that are not finite numbers")
    if not 1 <= hours <= HOURS or hours != int(hours):
        raise PriceError(f"distribution cost hours are {hours}, expected 1 to {HOURS}")
    if not math.isfinite(cost_per_kw_year):
        raise PriceError(f"distribution cost is {cost_per_kw_year} $/kW-yr, expected a number")
    highest = np.argsort(-demand, kind="stable")[: int(hours)]
    # An hour of net export among the highest carries no cost.
    counted = np.maximum(demand[highest], 0.0)
    total = math.fsum(counted)
    if total <= 0.0:
        raise PriceError(
            f"system net load is nowhere positive, so {cost_per_kw_year:g} $/kW-yr of distribution "
            "cost has no hours to be spread over"
        )
    prices = np.zeros(HOURS)
    prices[highest] = cost_per_kw_year * counted / total
    index = hour_stamps(target_year, EST).rename(TIME)
    return pd.Series(prices, index=index, name=DISTRIBUTION_PRICE)
