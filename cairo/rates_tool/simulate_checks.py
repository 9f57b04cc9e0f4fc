"""What callers of `simulate` pass, checked before work starts: weights, prices, costs, loads."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cairo.errors import LoadError, RequirementError, listed, listed_buildings
from cairo.model.calendar import hour_stamps
from cairo.model.names import GENERATION, GROSS_LOAD, HOURS, NET_LOAD, RESIDUAL_COSTS
from cairo.model.revenue_requirement import check_amounts, check_prices

LOAD_COLUMNS = (GROSS_LOAD, GENERATION, NET_LOAD)


def check_passed(
    requirement: float | Mapping[str, float] | None,
    prices: pd.DataFrame,
    costs_by_type: pd.Series | Mapping[str, float],
    loads: Mapping[str, object],
    year: int,
) -> None:
    """Check what a caller passes besides metadata and tariffs.

    Parameters
    ----------
    requirement : [$/year] in all or by tariff; None when the run needs none.
    prices : hourly marginal prices [$/kWh].
    costs_by_type : with `Residual Costs ($)`.
    loads : {what it is: load frame}; the first tells the hours. Only pandas frames are looked
        at, as others are checked where they are read.
    year : of the run.

    Raises
    ------
    RequirementError
        An amount is missing or not a finite number.
    PriceError
        No price columns, values that are not finite, or hours other than the loads'.
    LoadError
        Energies that are missing or infinite, naming their buildings.
    """
    if requirement is not None:
        check_amounts(requirement)
    residual = costs_by_type.get(RESIDUAL_COSTS)
    if residual is None or not math.isfinite(residual):
        raise RequirementError(
            f"costs_by_type has {RESIDUAL_COSTS} {residual}, expected dollars "
            f"(there are {listed(dict(costs_by_type))})"
        )
    check_prices(prices, _hours_of(next(iter(loads.values())), year))
    for what, frame in loads.items():
        if isinstance(frame, pd.DataFrame):
            _check_energies(what, frame)


def _hours_of(loads: object, year: int) -> pd.DatetimeIndex:
    """Hours of a load frame; those of the year where it has none at hand."""
    index = getattr(loads, "index", None)
    if isinstance(index, pd.MultiIndex) and "time" in index.names:
        return index.get_level_values("time")[:HOURS]
    return hour_stamps(year, "EST")


def _check_energies(what: str, frame: pd.DataFrame) -> None:
    for name in LOAD_COLUMNS:
        values = frame[name].to_numpy(np.float64) if name in frame else np.zeros(0)
        with np.errstate(invalid="ignore"):  # the sum of both infinities
            if np.isfinite(values.sum()):
                continue
        wrong = frame.index.get_level_values(0)[~np.isfinite(values)].unique()
        raise LoadError(
            f"{what} has {name} that is missing or infinite for buildings {listed_buildings(wrong)}"
        )
