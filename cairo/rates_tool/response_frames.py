"""Customers' response on CAIRO's hourly frame, season by season, as the original has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from cairo.model import kernels
from cairo.model.arrays import Float1D, Float2D
from cairo.model.calendar import hour_months
from cairo.model.kernels import weighted_total
from cairo.model.names import GENERATION, GROSS_LOAD, HOURS, NET_LOAD
from cairo.model.response import Moved, ResponsePlan, one_price, period_costs, shifted_gross
from cairo.model.tariff import Tariff
from cairo.rates_tool import hourly_frames
from cairo.rates_tool import loads as load_funcs

MovedHomes = dict[str, tuple[list[int], Moved]]
"""{tariff key: its homes, and what they do}."""

HOMES_AT_ONCE = 64
"""Homes whose response is worked out together, and then counted."""


def after_response(
    loads: pd.DataFrame,
    plans: Mapping[str, ResponsePlan],
    tariff_of: Mapping[int, str],
    tariffs: Mapping[str, Tariff],
    weight: pd.Series,
    year: int,
    done: Callable[[int], None],
) -> tuple[pd.DataFrame, MovedHomes]:
    """(the load frame after the response, what each tariff's homes do).

    Gross load changes where net load below zero does, so that exports are those of the shifted
    hours.

    Parameters
    ----------
    loads : index (`bldg_id`, `time`), with `electricity_net` and `load_data` [kWh]; it is not
        changed.
    plans : {tariff key: how its customers respond}.
    tariff_of : {bldg_id: tariff key}; tariffs : with the prices that they respond to.
    weight : customers by bldg_id.
    year : calendar year of the hours.
    done : told of homes that have responded.
    """
    before = loads[NET_LOAD].to_numpy(np.float64)
    net = before.copy()
    moved: MovedHomes = {}
    for key, plan in plans.items():
        homes = sorted(bldg_id for bldg_id, on in tariff_of.items() if on == key)
        rows = [np.arange(one.start, one.stop) for one in hourly_frames.rows_of(loads, homes)]
        places = np.stack(rows)
        period = load_funcs._tariff_hours(tariffs[key], year)["period"].to_numpy()
        moved[key] = homes, _responded(net, places, homes, plan, period, weight, done)
    of_homes = [
        one.reshape(-1, HOURS)
        for one in (*loads[[GROSS_LOAD, GENERATION]].to_numpy(np.float64).T, before, net)
    ]
    gross = shifted_gross(*of_homes).reshape(-1)
    return loads.assign(**{NET_LOAD: net, GROSS_LOAD: gross}), moved


def _responded(
    net: Float1D,
    places: np.ndarray,
    homes: Sequence[int],
    plan: ResponsePlan,
    period: np.ndarray,
    weight: pd.Series,
    done: Callable[[int], None],
) -> Moved:
    """What one tariff's homes do; their rows of `net` are changed."""
    shape = (len(homes), len(plan.seasons), len(plan.price))
    before, after = np.zeros(shape), np.zeros(shape)
    flat = np.full(len(plan.seasons), np.nan)
    price = pd.Series(plan.price, index=range(1, len(plan.price) + 1))
    season_of_hour = plan.of_month[hour_months()]
    hours_of = [np.flatnonzero(season_of_hour == season) for season in range(len(plan.seasons))]

    def hours(mine: slice, season: int) -> pd.DataFrame:
        """Some homes' hours of a season, a row an hour."""
        some, of_season = homes[mine], hours_of[season]
        return pd.DataFrame(
            {
                "bldg_id": np.repeat(np.asarray(some), len(of_season)),
                "energy_period": np.tile(period[of_season], len(some)),
                NET_LOAD: net[places[mine][:, of_season]].reshape(-1),
            }
        )

    def by_period(table: pd.DataFrame, mine: slice) -> pd.DataFrame:
        return table.reindex(index=list(homes[mine]), columns=price.index, fill_value=0.0)

    for season, elasticity in enumerate(plan.elasticity):
        every = slice(None)
        grouped = hours(every, season).groupby(["bldg_id", "energy_period"])[NET_LOAD]
        use = by_period(grouped.sum().unstack(fill_value=0.0), every)
        before[:, season] = after[:, season] = use.to_numpy()
        weighted = use.mul(weight.reindex(use.index), axis=0)
        total = float(weighted.to_numpy().sum())
        paid = float(weighted.mul(price, axis=1).to_numpy().sum())
        if elasticity and total > 0.0 and paid > 0.0:
            one = one_price(plan.price[plan.occurs[season]])
            flat[season] = paid / total if one is None else one
    for start in range(0, len(homes), HOMES_AT_ONCE):
        mine = slice(start, min(start + HOMES_AT_ONCE, len(homes)))
        for season in np.flatnonzero(np.isfinite(flat)).tolist():
            shifted, tracker = load_funcs.process_residential_hourly_demand_response_shift(
                hours(mine, season), price, float(plan.elasticity[season]), flat[season]
            )
            hourly = shifted["shifted_net"].to_numpy().reshape(mine.stop - start, -1)
            net[places[mine][:, hours_of[season]]] = hourly
            new = tracker.pivot(index="bldg_id", columns="energy_period", values="Q_new")
            after[mine, season] = by_period(new, mine).to_numpy()
        done(mine.stop - start)
    return Moved(plan, before, after, flat)


def costs_by_period(
    after: pd.DataFrame,
    homes: Sequence[int],
    moved: Moved,
    period: np.ndarray,
    price: Float1D,
    weight: pd.Series,
) -> Float1D:
    """What a kWh of each period (P,) costs after the response [$/kWh].

    period : (8760,) of the tariff, from 1; price : (8760,) total marginal price [$/kWh].
    """
    season = moved.plan.of_month[hour_months()]
    cost = np.zeros_like(moved.after)
    for row, one in enumerate(hourly_frames.rows_of(after, homes)):
        dollars = after[NET_LOAD].to_numpy()[one] * price
        np.add.at(cost[row], (season, period - 1), dollars)
    weights = weight[list(homes)].to_numpy(np.float64)
    return period_costs(moved.plan, moved.after, cost, weights)


def marginal_change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    moved: MovedHomes,
    weight: pd.Series,
    price: Float1D,
) -> dict[str, float]:
    """{tariff key: change of its homes' marginal cost [$/year]}."""
    found = {}
    for key, (homes, _) in moved.items():
        rows = hourly_frames.rows_of(before, homes)
        change: Float2D = np.stack(
            [after[NET_LOAD].to_numpy()[one] - before[NET_LOAD].to_numpy()[one] for one in rows]
        )
        assert change.shape[1] == HOURS
        burden = kernels.economic_burden(change, price)
        found[key] = weighted_total(weight[list(homes)].to_numpy(np.float64), burden)
    return found
