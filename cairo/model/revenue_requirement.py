"""The system's costs by type, and the revenue a run has to collect."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cairo.errors import PriceError, RequirementError, listed
from cairo.model import kernels
from cairo.model.arrays import Float1D
from cairo.model.names import (
    ANCILLARY_PRICE,
    CAPACITY_PRICE,
    ENERGY_PRICE,
    PRICE_COLUMNS,
    RESIDUAL_COSTS,
    TOTAL_MARGINAL_COSTS,
    TOTAL_PRICE,
    TOTAL_SYSTEM_COSTS,
)

SUPPLY_PRICES = (ENERGY_PRICE, CAPACITY_PRICE, ANCILLARY_PRICE)
"""What a delivery-only requirement leaves out."""


def cost_name(price: str) -> str:
    """Column of a cost [$] of the column of its price [$/kWh]."""
    return price.replace("($/kWh)", "($)")


def return_revenue_requirement_target(
    hourly_demand: pd.Series | npt.NDArray[np.float64],
    prices_frame: pd.DataFrame,
    revenue_requirement_target: float | Mapping[str, float] | None = None,
    residual_cost: float | None = None,
    residual_cost_frac: float | None = None,
    delivery_only: bool = False,
) -> tuple[float, pd.DataFrame, pd.DataFrame, pd.Series]:
    """Revenue requirement, marginal prices, marginal costs by hour and costs by type.

    Parameters
    ----------
    hourly_demand : system demand of each hour [kWh]; a series indexed by times has to have
        those of the prices.
    prices_frame : hourly components of the marginal price [$/kWh], columns among
        `PRICE_COLUMNS`; a total among them is left out.
    revenue_requirement_target : [$/year], or {tariff_key: $/year} whose sum counts.
    residual_cost : [$/year]; may be negative, as may the residual of a target.
    residual_cost_frac : share of the total system cost that is residual, from 0 to below 1:
        R = f (M + R), so R = f / (1 - f) M.
    delivery_only : the target leaves out supply, so energy, capacity and ancillary marginal
        costs are added to it.

    Returns
    -------
    requirement : [$/year], equal to the total system costs.
    marginal_system_prices : the components and `Total Marginal Costs ($/kWh)`, their sum.
    marginal_system_costs : price x demand of each hour, columns named `... ($)`.
    costs_by_type : each `Marginal ... Costs ($)`, `Total Marginal Costs ($)`,
        `Residual Costs ($)`, `Total System Costs ($)`.

    Raises
    ------
    RequirementError
        Not exactly one of target, residual cost and fraction, or one out of range.
    PriceError
        No price columns, values that are not finite, or hours other than the demand's.
    """
    given = {
        "revenue_requirement_target": revenue_requirement_target,
        "residual_cost": residual_cost,
        "residual_cost_frac": residual_cost_frac,
    }
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise RequirementError(
            f"found {' and '.join(named) or 'none'} of {listed(given)}, expected exactly one"
        )
    prices = _components(prices_frame)
    demand = _demand(hourly_demand, prices)
    hourly = kernels.marginal_costs(prices.to_numpy(np.float64), demand)
    columns = [cost_name(name) for name in PRICE_COLUMNS if name in prices]
    by_component = {name: math.fsum(hourly[:, column]) for column, name in enumerate(columns)}
    marginal = math.fsum(by_component.values())
    if revenue_requirement_target is not None:
        target = math.fsum(check_amounts(revenue_requirement_target))
        supply = [by_component.get(cost_name(name), 0.0) for name in SUPPLY_PRICES]
        requirement = math.fsum([target, *supply]) if delivery_only else target
        residual = requirement - marginal
    else:
        residual = _residual(residual_cost, residual_cost_frac, marginal)
        requirement = marginal + residual
    costs = by_component | {
        TOTAL_MARGINAL_COSTS: marginal,
        RESIDUAL_COSTS: residual,
        TOTAL_SYSTEM_COSTS: requirement,
    }
    hourly_costs = pd.DataFrame(hourly, index=prices.index, columns=columns)
    return (
        requirement,
        prices.assign(**{TOTAL_PRICE: prices.sum(axis=1)}),
        hourly_costs.assign(**{TOTAL_MARGINAL_COSTS: hourly_costs.sum(axis=1)}),
        pd.Series(costs, dtype=np.float64),
    )


def _components(frame: pd.DataFrame) -> pd.DataFrame:
    """The price components in their own order, checked."""
    prices = frame[[name for name in PRICE_COLUMNS if name in frame]]
    if prices.shape[1] == 0:
        raise PriceError(
            f"marginal prices have columns {listed(frame.columns)}, "
            f"expected some of {listed(PRICE_COLUMNS)}"
        )
    for name in prices:
        wrong = np.flatnonzero(~np.isfinite(prices[name].to_numpy(np.float64, na_value=np.nan)))
        if wrong.size:
            raise PriceError(
                f"{name} has {wrong.size} hours that are not finite numbers, "
                f"first at {prices.index[wrong[0]]}"
            )
    return prices


def _demand(hourly: pd.Series | npt.NDArray[np.float64], prices: pd.DataFrame) -> Float1D:
    demand = np.asarray(hourly, dtype=np.float64)
    if demand.shape != (len(prices),):
        raise PriceError(
            f"marginal prices have {len(prices)} hours, the loads {len(demand.reshape(-1))}"
        )
    if not np.isfinite(demand).all():
        raise PriceError("system hourly demand has hours that are not finite numbers")
    index = hourly.index if isinstance(hourly, pd.Series) else None
    if isinstance(index, pd.DatetimeIndex):
        check_price_hours(prices, index)
    return demand


def check_prices(prices: pd.DataFrame, times: pd.DatetimeIndex) -> None:
    """Check that prices are finite and of the loads' hours.

    Raises
    ------
    PriceError
        No price columns, values that are not finite, another number of hours, or other hours.
    """
    check_price_hours(prices, times)
    _components(prices)


def check_price_hours(prices: pd.DataFrame, times: pd.DatetimeIndex) -> None:
    """Check that prices are of the loads' hours; an index without times is taken in order.

    Raises
    ------
    PriceError
        Another number of hours, or other hours.
    """
    index = prices.index
    if len(index) != len(times):
        raise PriceError(f"marginal prices have {len(index)} hours, the loads {len(times)}")
    if not isinstance(index, pd.DatetimeIndex):
        return
    same_kind = (index.tz is None) == (times.tz is None)
    if not (same_kind and bool((index == times).all())):
        raise PriceError(
            f"marginal prices begin {index[0]}, the loads {times[0]}: "
            "expected the same hours in the same time zone"
        )


def check_amounts(given: float | Mapping[str, float]) -> list[float]:
    """The dollars of a requirement, in all or by tariff, each a finite number.

    Raises
    ------
    RequirementError
        One is not.
    """
    amounts = given if isinstance(given, Mapping) else {"revenue_requirement_target": given}
    for key, amount in amounts.items():
        _check_number(f"revenue requirement of {key}", amount)
    return list(amounts.values())


def _residual(cost: float | None, fraction: float | None, marginal: float) -> float:
    if cost is not None:
        _check_number("residual_cost", cost)
        return float(cost)
    assert fraction is not None
    _check_number("residual_cost_frac", fraction)
    if not 0.0 <= fraction < 1.0:
        raise RequirementError(
            f"residual_cost_frac is {fraction:g}, expected a share of total cost from 0 to below 1"
        )
    return fraction / (1.0 - fraction) * marginal


def _check_number(what: str, value: float) -> None:
    ok = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not ok or not math.isfinite(value):
        raise RequirementError(f"{what} is {value!r}, expected a finite number")
