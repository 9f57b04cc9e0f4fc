"""Customers who respond to price in a run: who does, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cairo.errors import ScenarioError, TariffError
from cairo.model.arrays import Float1D
from cairo.model.bills import SolarStyle, two_meters
from cairo.model.elasticity import Response
from cairo.model.kernels import weighted_total
from cairo.model.response import (
    Moved,
    ResponsePlan,
    achieved_elasticity,
    response_plan,
    told_winter,
    varies_within_a_day,
)
from cairo.model.tariff import Tariff

MOST_ROUNDS = 50
RATE_CHANGE = 1e-6
"""Rates and responses agree when no rate changes by more [$/kWh]."""


@dataclass(frozen=True, eq=False)
class Responded:
    """What customers have done.

    shifts : {tariff key: what its homes do}; homes : {tariff key: (n,) their bldg_ids}, and
    weights : (n,) customers.
    marginal_change : {tariff key: change of its homes' marginal cost [$/year]}.
    period_costs : {tariff key: (P,) what a kWh of each period costs after the response [$/kWh]},
    of tariffs whose rates are in proportion to it.
    demand_before : (8760,) system demand by time [kWh].
    """

    shifts: Mapping[str, Moved]
    homes: Mapping[str, Sequence[int]]
    weights: Mapping[str, Float1D]
    marginal_change: Mapping[str, float]
    demand_before: pd.Series
    asked: Response
    period_costs: Mapping[str, Float1D] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """A row a home, season and period: kWh before and after, price, achieved elasticity."""
        frames = [_table(key, shift, self.homes[key]) for key, shift in sorted(self.shifts.items())]
        return pd.concat(frames, ignore_index=True)

    def record(self, demand_after: pd.Series) -> dict[str, object]:
        """What `run.json` holds of it, weighted by customers."""
        return {
            "elasticity": self.asked.elasticity.always
            if self.asked.elasticity.by_season is None
            else dict(self.asked.elasticity.by_season),
            "homes": {key: len(homes) for key, homes in self.homes.items()},
            "peak_kw_before": float(self.demand_before.max()),
            "peak_kw_after": float(demand_after.max()),
            "marginal_cost_change": dict(self.marginal_change),
            "seasons": {
                key: _seasons(shift, self.weights[key]) for key, shift in self.shifts.items()
            },
        }


def _seasons(shift: Moved, weight: Float1D) -> dict[str, object]:
    """Of each season: kWh by period before and after, and the elasticity of all homes together."""
    found: dict[str, object] = {}
    for s, name in enumerate(shift.plan.seasons):
        periods = np.flatnonzero(shift.plan.occurs[s])
        before, after = (
            [weighted_total(weight, use[:, s, p]) for p in periods]
            for use in (shift.before, shift.after)
        )
        found[name] = {
            "elasticity": float(shift.plan.elasticity[s]),
            "flat_price": float(shift.flat_price[s]),
            "period": (periods + 1).tolist(),
            "price": shift.plan.price[periods].tolist(),
            "kwh_before": before,
            "kwh_after": after,
        }
    return found


def _table(key: str, shift: Moved, homes: Sequence[int]) -> pd.DataFrame:
    plan = shift.plan
    season, period = np.nonzero(plan.occurs)
    n, places = len(homes), len(season)
    return pd.DataFrame(
        {
            "bldg_id": np.repeat(np.asarray(homes), places),
            "tariff_key": key,
            "season": np.tile(np.array(plan.seasons, dtype=object)[season], n),
            "period": np.tile(period + 1, n),
            "kwh_before": shift.before[:, season, period].reshape(-1),
            "kwh_after": shift.after[:, season, period].reshape(-1),
            "price": np.tile(plan.price[period], n),
            "flat_price": np.tile(shift.flat_price[season], n),
            "achieved_elasticity": achieved_elasticity(shift)[:, season, period].reshape(-1),
        }
    )


def response_plans(
    response: Response, tariffs: Mapping[str, Tariff], year: int, style: SolarStyle | None = None
) -> dict[str, ResponsePlan]:
    """{tariff key: how its customers respond}, of tariffs whose price varies within a day.

    Raises
    ------
    ScenarioError, TariffError
        There is none, or one's seasons or prices do not fit; or nobody responds in a season that
        has an elasticity.
    """
    plans = plans_of_some(response, tariffs, year, style)
    if not plans:
        raise ScenarioError(
            "elasticity is set, but no tariff of the run has periods that vary within a day: "
            "nobody responds"
        )
    for season, value in (response.elasticity.by_season or {}).items():
        if value and not any(_has_periods(plan, season) for plan in plans.values()):
            raise ScenarioError(
                f"elasticity {season} is {value:g}, but no tariff of the run that varies within a "
                f"day has two periods in {season}: nobody responds then"
            )
    return plans


def _has_periods(plan: ResponsePlan, season: str) -> bool:
    # A season that is cut in the year's winter and summer has a number behind its name.
    parts = [n for n, name in enumerate(plan.seasons) if name.split()[0] == season]
    return bool((plan.occurs[parts].sum(axis=1) > 1).any())


def plans_of_some(
    response: Response, tariffs: Mapping[str, Tariff], year: int, style: SolarStyle | None = None
) -> dict[str, ResponsePlan]:
    """`response_plans` of some of a run's tariffs, among which nobody may respond."""
    for key, table in tariffs.items():
        if two_meters(table, style):
            raise TariffError(
                f"tariff {key}: a response to price is not modelled where all use is bought and "
                "all generation sold (dgrules Buy All Sell All)"
            )
    responding = {key: table for key, table in tariffs.items() if varies_within_a_day(table)}
    winter = response.winter_months
    told = told_winter(responding.values())
    return {
        key: response_plan(table, response.elasticity, year, winter, told)
        for key, table in responding.items()
    }
