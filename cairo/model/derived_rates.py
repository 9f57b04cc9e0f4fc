"""Rates that follow from costs: what a class of customers, or everybody, should be charged.

A class k of customers on a tariff pays X more than it costs by an allocation of the residual: the
weighted sum of its bill alignment. Its bills less that, T, are what it costs. With the fixed charge
F [$/month], N customers, E billed kWh, and V what energy rates collect, a rate is solved so that
the class pays T, and, where everybody is on it, everybody pays the requirement RR.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Bool1D, Float1D, Float2D, Int1D
from cairo.model.names import HOURS_OF_DAY, MONTHS

FIXED, LEVEL, WINTER_RATE, SUMMER_RATE = "fixed_charge", "level", "winter_rate", "summer_rate"
KNOBS = (FIXED, LEVEL, WINTER_RATE, SUMMER_RATE)
"""What `fair` may solve for: the fixed charge [$/month], a factor of all energy rates, and one rate
[$/kWh] for all hours of winter or of summer months."""
NO_SOLUTION = 1e-12
"""A determinant this small beside its terms is zero but for rounding."""


@dataclass(frozen=True)
class ClassTotals:
    """What a class of customers has been billed in a year, weighted.

    customers : N. bills : [$]. winter_kwh, summer_kwh : E, billed energy less what exports are
    credited of it. winter_rates, summer_rates : V, what energy rates collect of that [$].
    others : what bills have besides the fixed charge, energy rates and minimums [$].
    """

    customers: float
    bills: float
    winter_kwh: float
    summer_kwh: float
    winter_rates: float
    summer_rates: float
    others: float

    @property
    def kwh(self) -> float:
        """E of the year."""
        return self.winter_kwh + self.summer_kwh


def flat_rates(mine: ClassTotals, fixed: float, overpaid: float) -> tuple[float, float]:
    """(r0, rate) [$/kWh] of one rate under which a class pays what it costs.

    r0 = (bills - 12 F N) / E collects what it pays today; the rate is r0 - X / E.

    Parameters
    ----------
    mine : the class. fixed : F [$/month]. overpaid : X [$/year].

    Raises
    ------
    TariffError
        The rate is below zero, or no energy is billed.
    """
    level = _today(mine, fixed)
    rate = level - overpaid / mine.kwh
    _check_rate("the rate", rate, mine, fixed, overpaid)
    return level, rate


def seasonal_rates(mine: ClassTotals, fixed: float, overpaid: float) -> tuple[float, float]:
    """(summer, winter) rates [$/kWh]: r0 in summer, r0 - X / E_winter in winter.

    Arguments and errors as `flat_rates`.
    """
    level = _today(mine, fixed)
    if mine.winter_kwh <= 0.0:
        raise TariffError("no energy is billed in winter months: expected other winter_months")
    winter = level - overpaid / mine.winter_kwh
    # The most that the fixed charge may be for a winter rate of zero.
    per_dollar = MONTHS * mine.customers / mine.kwh
    _check_rate("the winter rate", winter, mine, fixed, overpaid, fixed + winter / per_dollar)
    return level, winter


def _today(mine: ClassTotals, fixed: float) -> float:
    if mine.kwh <= 0.0:
        raise TariffError("the class is billed no energy, so that no rate can be solved for")
    return (mine.bills - MONTHS * fixed * mine.customers) / mine.kwh


def _check_rate(
    what: str,
    rate: float,
    mine: ClassTotals,
    fixed: float,
    overpaid: float,
    most: float | None = None,
) -> None:
    if rate >= 0.0:
        return
    if most is None:
        most = (mine.bills - overpaid) / (MONTHS * mine.customers)
    advice = (
        f"a fixed charge from 0 to {most:.4f} $/month would do"
        if most >= 0.0
        else "no fixed charge would do"
    )
    raise TariffError(f"{what} would be {rate:.6f} $/kWh, below zero (fixed charge {fixed:.4f} "
                      f"$/month): {advice}")  # fmt: skip


@dataclass(frozen=True)
class Fair:
    """One tariff for everybody under which a class pays what it costs.

    values : {knob: value}, those solved for and those that stay. least, most : fixed charges
    [$/month] between which no solved value is below zero as the class's cost varies with them;
    NaN where the fixed charge is itself solved for.
    """

    values: Mapping[str, float]
    least: float
    most: float


def fair_rates(
    everybody: ClassTotals,
    mine: ClassTotals,
    fixed: float,
    requirement: float,
    cost: float,
    knobs: Sequence[str] = (FIXED, LEVEL),
) -> Fair:
    """Two knobs that make everybody pay the requirement RR and a class what it costs, T.

    12 F N + level V + r_winter E_winter + r_summer E_summer + others is linear in the knobs; a
    season that has a rate of its own is left out of V. What is no knob stays.
    With the fixed charge and the level:
    F = (RR V_k - T V_A) / (12 (N_A V_k - N_k V_A)), level = (RR - 12 F N_A) / V_A.

    Parameters
    ----------
    everybody, mine : totals of all customers (A) and of the class (k).
    fixed : F [$/month] as it is. requirement, cost : RR and T [$/year]. knobs : two of `KNOBS`.

    Raises
    ------
    TariffError
        The two equations have no solution, or a value would be below zero.
    """
    if len(set(knobs)) != 2 or not set(knobs) <= set(KNOBS):
        raise TariffError(f"knobs are {list(knobs)}, expected two of {', '.join(KNOBS)}")
    sides = (everybody, mine)

    def solved(charge: float) -> Float1D:
        columns = np.array([[_column(one, knob, knobs) for knob in knobs] for one in sides])
        target = np.array([requirement, cost]) - [_stays(one, charge, knobs) for one in sides]
        determinant = columns[0, 0] * columns[1, 1] - columns[0, 1] * columns[1, 0]
        size = abs(columns[0, 0] * columns[1, 1]) + abs(columns[0, 1] * columns[1, 0])
        if abs(determinant) <= NO_SOLUTION * size:
            raise TariffError(
                f"no {knobs[0]} and {knobs[1]} make the class pay {cost:,.2f} $ and everybody "
                f"{requirement:,.2f} $: the class is like everybody else in both; choose others"
            )
        answer: Float1D = np.linalg.solve(columns, target)
        return answer

    found = solved(fixed)
    least, most = _interval(solved) if FIXED not in knobs else (math.nan, math.nan)
    for knob, value in zip(knobs, found, strict=True):
        if value < 0.0:
            raise TariffError(
                f"{knob} would be {value:.6f}, below zero{_advice(knobs, least, most)}"
            )
    values = {FIXED: fixed, LEVEL: 1.0} | dict(zip(knobs, found.tolist(), strict=True))
    return Fair(values, least, most)


def _column(one: ClassTotals, knob: str, knobs: Sequence[str]) -> float:
    """What a knob of one collects."""
    if knob == FIXED:
        return MONTHS * one.customers
    if knob == LEVEL:
        return _rates_left(one, knobs)
    return one.winter_kwh if knob == WINTER_RATE else one.summer_kwh


def _stays(one: ClassTotals, fixed: float, knobs: Sequence[str]) -> float:
    """What is collected whatever the knobs are."""
    whole = one.others
    if FIXED not in knobs:
        whole += MONTHS * fixed * one.customers
    if LEVEL not in knobs:
        whole += _rates_left(one, knobs)
    return whole


def _rates_left(one: ClassTotals, knobs: Sequence[str]) -> float:
    """V of the seasons that have no rate of their own."""
    winter = 0.0 if WINTER_RATE in knobs else one.winter_rates
    return winter + (0.0 if SUMMER_RATE in knobs else one.summer_rates)


def _interval(solved: Callable[[float], Float1D]) -> tuple[float, float]:
    """Fixed charges [$/month], not below zero, with which both values are not below zero."""
    at_zero, at_one = solved(0.0), solved(1.0)
    slope = at_one - at_zero
    least, most = 0.0, math.inf
    for start, step in zip(at_zero, slope, strict=True):
        if step > 0.0:
            least = max(least, -start / step)
        elif step < 0.0:
            most = min(most, -start / step)
        elif start < 0.0:
            most = -math.inf
    return least, most


def _advice(knobs: Sequence[str], least: float, most: float) -> str:
    if FIXED in knobs:
        return "; choose other knobs"
    if least > most:
        return "; no fixed charge would do"
    to = "any above" if math.isinf(most) else f"{most:.4f} $/month"
    return f"; a fixed charge from {least:.4f} $/month to {to} would do"


# Time of use


@dataclass(frozen=True)
class Windows:
    """The dear hours of each season, the same number in all.

    hours : n. starts : {season: first hour s, from 0}; the window may pass midnight.
    costs : {season: (on, off)} load-weighted mean price of the window and of the other hours
    [$/kWh], which the rates are in proportion to. explained : share of the load-weighted variance
    of price within seasons that the windows explain.
    """

    hours: int
    starts: Mapping[str, int]
    costs: Mapping[str, tuple[float, float]]
    explained: float

    @property
    def ratios(self) -> dict[str, float]:
        """{season: price of the window over that of the other hours}."""
        return {name: on / off for name, (on, off) in self.costs.items()}


def best_windows(
    load: Float1D,
    price: Float1D,
    hour_of_day: Int1D,
    seasons: Mapping[str, Bool1D],
    hours: Sequence[int],
) -> Windows:
    """Windows that leave least of the load-weighted variance of price.

    With A = sum L and B = sum L P over the hours of a period, the variance left is least where
    B_on^2 / A_on + B_off^2 / A_off is highest, season by season; the number of hours is the one
    whose sum over the seasons is highest. Of equal ones the shorter, then the earlier start counts.

    Parameters
    ----------
    load : (8760,) of the class [kWh]. price : (8760,) total marginal price [$/kWh].
    hour_of_day : (8760,) from 0. seasons : {name: its hours (8760,)}. hours : n to choose among.

    Raises
    ------
    TariffError
        A period has no load.
    """
    sums: dict[str, Float2D] = {
        name: np.array(
            [_by_hour(hour_of_day[mine], one[mine]) for one in (load, load * price)],
            dtype=np.float64,
        )
        for name, mine in seasons.items()
    }
    best: tuple[float, int, dict[str, int]] | None = None
    for n in hours:
        total, starts = 0.0, {}
        for name, by_hour in sums.items():
            scores = [_score(by_hour, start, n) for start in range(HOURS_OF_DAY)]
            starts[name] = int(np.argmax(scores))
            total += max(scores)
        if best is None or total > best[0]:
            best = total, n, starts
    assert best is not None
    total, n, starts = best
    costs = {}
    for name, by_hour in sums.items():
        on, off = _periods(by_hour, starts[name], n)
        costs[name] = float(on[1] / on[0]), float(off[1] / off[0])
    least = sum(float(one[1].sum() ** 2 / one[0].sum()) for one in sums.values())
    whole = sum(float((load * price**2)[mine].sum()) for mine in seasons.values())
    explained = (total - least) / (whole - least) if whole > least else 0.0
    return Windows(n, starts, costs, explained)


def _by_hour(hour_of_day: Int1D, values: Float1D) -> Float1D:
    """Sums by hour of the day (24,)."""
    sums: Float1D = np.zeros(HOURS_OF_DAY)
    np.add.at(sums, hour_of_day, values)
    return sums


def _periods(by_hour: Float2D, start: int, hours: int) -> tuple[Float1D, Float1D]:
    """((A, B) of the window, of the other hours)."""
    window = (np.arange(HOURS_OF_DAY) - start) % HOURS_OF_DAY < hours
    return by_hour[:, window].sum(axis=1), by_hour[:, ~window].sum(axis=1)


def _score(by_hour: Float2D, start: int, hours: int) -> float:
    on, off = _periods(by_hour, start, hours)
    if on[0] <= 0.0 or off[0] <= 0.0:
        raise TariffError("the class has no load in some hours: no time-of-use rate follows")
    return float(on[1] ** 2 / on[0] + off[1] ** 2 / off[0])
