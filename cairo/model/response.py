"""Customers who respond to price: what they move from dear periods to cheap ones.

In season s a home uses Q[p] kWh in period p, at the price P[p] of the tariff's first tier. The
flat price is what the tariff's homes pay on average, Pflat = sum w Q P / sum w Q. With an
elasticity e the home uses D[p] = Q[p] ((P[p] / Pflat)^e - 1) more in each period but the cheapest,
which takes the rest, so that the energy of the home and season is kept. Every hour of a period
is multiplied by f = 1 + D / Q. Below 1 kWh a ratio says nothing: such a period keeps what it has,
and what the cheapest takes then is spread evenly over its hours. Where the other periods would take
more than the cheapest has, they take what it has.

References
----------
.. [1] Faruqui, A., Sergici, S., Warner, C. (2017). Arcturus 2.0: a meta-analysis of time-varying
   rates for electricity. The Electricity Journal 30 (10), 64-72.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cairo.errors import ScenarioError, TariffError, listed
from cairo.model.arrays import Bool1D, Float1D, Float2D, Float3D, FloatND, Int1D
from cairo.model.calendar import hour_months, hour_of_day, hour_weekend
from cairo.model.elasticity import Elasticity
from cairo.model.kernels import generation, weighted_total
from cairo.model.names import MONTHS, SUMMER, WINTER
from cairo.model.periods import HourGroups, grouped_hours
from cairo.model.tariff import Tariff

JULY = 6
LEAST_KWH = 1.0
"""Below this a period's use says nothing about a ratio [kWh]."""


@dataclass(frozen=True, eq=False)
class ResponsePlan:
    """How customers on one tariff respond; S seasons, P energy periods.

    seasons : names. of_month : (12,) place in `seasons`. groups : hours of each season and period.
    elasticity : (S,). price : (P,) [$/kWh]. occurs : (S, P) whether the season has the period.
    cheapest : (S,) period. hours : (S, P) number of them; month_hours : (12, P).
    peaks : whether bills are of the highest hours, which sums do not tell after a response.
    """

    key: str
    seasons: tuple[str, ...]
    of_month: Int1D
    groups: HourGroups
    elasticity: Float1D
    price: Float1D
    occurs: np.ndarray
    cheapest: Int1D
    hours: Float2D
    month_hours: Float2D
    peaks: bool


def needs_peaks(table: Tariff) -> bool:
    """Whether a tariff bills highest hours, or fills tiers by them."""
    return table.demand is not None or table.needs_monthly_peak


def varies_within_a_day(table: Tariff) -> bool:
    """Whether some day of the schedules has two periods."""
    days = (*table.weekday, *table.weekend)
    return any(len(np.unique(day)) > 1 for day in days)


def seasons_of(
    table: Tariff, winter_months: Sequence[int] | None = None
) -> tuple[tuple[str, ...], Int1D]:
    """(names of a tariff's seasons, season of each month).

    Months with the same set of periods are a season: of two, the one with July is summer. Other
    numbers of them have numbers for names. `winter_months` (from 1) say it instead.
    """
    if winter_months is not None:
        winter = np.isin(np.arange(1, MONTHS + 1), list(winter_months))
        return (WINTER, SUMMER), np.where(winter, 0, 1).astype(np.int64)
    sets = [
        frozenset(table.weekday[month].tolist()) | frozenset(table.weekend[month].tolist())
        for month in range(MONTHS)
    ]
    kinds = list(dict.fromkeys(sets))
    of_month = np.array([kinds.index(one) for one in sets], dtype=np.int64)
    if len(kinds) == 2:
        if of_month[JULY] == 0:
            of_month = 1 - of_month
        return (WINTER, SUMMER), of_month
    return tuple(f"season {n + 1}" for n in range(len(kinds))), of_month


def told_winter(tables: Iterable[Tariff]) -> list[int] | None:
    """Winter months (from 1) that tariffs of two seasons agree on; None where they do not."""
    told = set()
    for table in tables:
        names, of_month = seasons_of(table)
        if names == (WINTER, SUMMER):
            told.add(tuple((np.flatnonzero(of_month == 0) + 1).tolist()))
    return list(told.pop()) if len(told) == 1 else None


def _within(
    winter_months: Sequence[int], of_month: Int1D
) -> tuple[tuple[str, ...], Int1D, tuple[str, ...]]:
    """(names, season of each month, winter or summer of each) of a tariff's seasons in a year's.

    Use moves within a season of the tariff, which is cut where winter meets summer.
    """
    calendar = [WINTER if month in winter_months else SUMMER for month in range(1, MONTHS + 1)]
    pairs = list(zip(calendar, of_month.tolist(), strict=True))
    kinds = list(dict.fromkeys(pairs))
    named = [season for season, _ in kinds]
    names = tuple(
        season if named.count(season) == 1 else f"{season} {named[: n + 1].count(season)}"
        for n, season in enumerate(named)
    )
    return names, np.array([kinds.index(pair) for pair in pairs], dtype=np.int64), tuple(named)


def response_plan(
    table: Tariff,
    elasticity: Elasticity,
    year: int,
    winter_months: Sequence[int] | None = None,
    told: Sequence[int] | None = None,
) -> ResponsePlan:
    """The plan of one tariff in a calendar year.

    told : winter months (from 1) that other tariffs of the run tell, for one that does not.

    Raises
    ------
    ScenarioError
        An elasticity by season for a tariff that does not have these two.
    TariffError
        A price that is not above zero in a period of a season that responds.
    """
    if table.fuel_adjustment.any():
        raise TariffError(
            f"tariff {table.key} has fuel adjustments by month: a response to prices that differ "
            "within a season is not modelled"
        )
    names, of_month = seasons_of(table, winter_months)
    of_year = names
    by_season = elasticity.by_season
    if by_season is not None and names != (WINTER, SUMMER) and told is not None:
        names, of_month, of_year = _within(told, of_month)
    if by_season is not None:
        there = len(np.unique(of_month))
        if there != len(names) or not set(by_season) <= set(of_year):
            raise ScenarioError(
                f"elasticity names {listed(by_season)}; tariff {table.key} has {there} "
                f"season{'s' if there > 1 else ''} by its periods: give winter_months"
            )
    values = np.array([elasticity.of_season(season) for season in of_year])
    month, hour = hour_months(), hour_of_day()
    period = (
        np.where(hour_weekend(year), table.weekend[month, hour], table.weekday[month, hour]) - 1
    )
    groups = grouped_hours(of_month[month], period, len(names), table.n_periods)
    hours = np.zeros((len(names), table.n_periods))
    np.add.at(hours, (of_month[month], period), 1.0)
    month_hours = np.zeros((MONTHS, table.n_periods))
    np.add.at(month_hours, (month, period), 1.0)
    price, occurs = table.rate[:, 0], hours > 0.0
    for season, value in enumerate(values):
        wrong = np.flatnonzero(occurs[season] & ~(price > 0.0))
        if value and len(wrong):
            raise TariffError(
                f"tariff {table.key} has a price of {price[wrong[0]]:g} $/kWh in period "
                f"{wrong[0] + 1}, expected one above zero where customers respond to it"
            )
    cheapest = np.where(occurs, price, np.inf).argmin(axis=1).astype(np.int64)
    return ResponsePlan(
        table.key,
        names,
        of_month,
        groups,
        values,
        price,
        occurs,
        cheapest,
        hours,
        month_hours,
        needs_peaks(table),
    )


def one_price(prices: Float1D) -> float | None:
    """The price [$/kWh] that all are, so that their average is not off by rounding; else None."""
    return float(prices[0]) if (prices == prices[0]).all() else None


@dataclass(frozen=True, eq=False)
class Moved:
    """What homes (n,) of one tariff use before and after, (n, S, P) [kWh].

    flat_price : (S,) [$/kWh], NaN of a season without response.
    """

    plan: ResponsePlan
    before: Float3D
    after: Float3D
    flat_price: Float1D


@dataclass(frozen=True, eq=False)
class Shift(Moved):
    """How hours become those after the response, (n, S, P).

    factor : of every hour; added : to every hour [kWh]. ratio : (S, P), (P / Pflat)^e.
    plain : (n,) whether no period takes more than the cheapest has.
    """

    factor: Float3D
    added: Float3D
    ratio: Float2D
    plain: Bool1D

    def of_months(self, by_month: Float3D) -> Float3D:
        """Sums (n, 12, P) after the shift, of those before; hours below zero stay."""
        months = self.plan.of_month
        return by_month * self.factor[:, months] + self.added[:, months] * self.plan.month_hours

    def of_groups(self, sums: Float3D, of_one: Float2D) -> Float3D:
        """Sums (n, S, P) of weight x kWh after the shift; `of_one` (S, P) is the weights' sum."""
        return sums * self.factor + self.added * of_one


def shifted(plan: ResponsePlan, before: Float3D, weight: Float1D) -> Shift:
    """The response of a tariff's homes to its prices.

    Parameters
    ----------
    plan : of the tariff.
    before : (n, S, P) use in each season and period [kWh].
    weight : (n,) customers.

    Notes
    -----
    Flat prices are correctly rounded sums over the homes, so free of their order.
    """
    ratio = np.ones_like(plan.hours)
    flat = np.full(len(plan.seasons), np.nan)
    for season, elasticity in enumerate(plan.elasticity):
        use = before[:, season]
        total = weighted_total(weight[:, None], use)
        paid = weighted_total(weight[:, None], use * plan.price)
        # Exports that outweigh use, in all or by their price, say no price.
        if not (elasticity and total > 0.0 and paid > 0.0):
            continue
        there = plan.occurs[season]
        one = one_price(plan.price[there])
        flat[season] = paid / total if one is None else one
        ratio[season, there] = (plan.price[there] / flat[season]) ** elasticity
    small = before < LEAST_KWH
    moved = np.where(small, 0.0, before * (ratio - 1.0))
    every = np.arange(len(plan.seasons))
    moved[:, every, plan.cheapest] = 0.0
    taken = moved.sum(axis=2)
    cheapest = before[:, every, plan.cheapest]
    has = np.where(cheapest < LEAST_KWH, 0.0, cheapest)
    over = taken > has
    if over.any():
        # What the others take beyond what is given and what the cheapest has is not there.
        takes = np.where(moved > 0.0, moved, 0.0)
        wanted = takes.sum(axis=2)
        less = np.where(over, (wanted - (taken - has)) / np.where(over, wanted, 1.0), 1.0)
        moved = np.where(moved > 0.0, moved * less[:, :, None], moved)
        taken = moved.sum(axis=2)
    moved[:, every, plan.cheapest] = -taken
    safe = np.where(small, 1.0, before)
    factor = np.where(small, 1.0, 1.0 + moved / safe)
    hours = np.where(plan.occurs, plan.hours, 1.0)
    added = np.where(small, moved / hours, 0.0)
    return Shift(plan, before, before + moved, flat, factor, added, ratio, ~over.any(axis=1))


def shifted_gross(gross: FloatND, pv: FloatND, before: FloatND, after: FloatND) -> FloatND:
    """Gross load [kWh] whose exports are those of the net load after a response.

    Exports are net load below zero: where it is so they move with it. Net load that has been
    floored has none such, and its exports stay. `pv` has either sign, and losses in hours without
    generation, which are in the net load and not in the gross.
    """
    moved: FloatND = np.where(before < 0.0, gross + (after - before), gross)
    return np.where(after < 0.0, generation(pv) + after, moved)


def period_costs(plan: ResponsePlan, use: Float3D, cost: Float3D, weight: Float1D) -> Float1D:
    """What a kWh of each period costs (P,) [$/kWh]: B / A, B = sum w L P over a period's load L.

    Parameters
    ----------
    plan : of the tariff.
    use, cost : (n, S, P) [kWh], and times the marginal price of its hours [$].
    weight : (n,) customers.

    Raises
    ------
    TariffError
        A period has no load.
    """
    weights = weight[:, None]
    found = np.zeros(use.shape[2])
    for period in range(len(found)):
        load = weighted_total(weights, use[:, :, period])
        if not load > 0.0:
            raise TariffError(
                f"tariff {plan.key}: its homes have no load in period {period + 1} after their "
                "response, so that no ratio of its rate follows"
            )
        found[period] = weighted_total(weights, cost[:, :, period]) / load
    return found


def achieved_elasticity(shift: Moved) -> Float3D:
    """log(Q' / Q) / log(P / Pflat) of each home, season and period; NaN where it says nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log(shift.after / shift.before)
        price = np.log(shift.plan.price / shift.flat_price[:, None])
        found: Float3D = np.where(np.abs(price) > 0.0, change / price, np.nan)
    return np.where(np.isfinite(found), found, np.nan)
