"""The rate level at which weighted bills meet a revenue requirement."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np

from cairo.errors import RequirementError
from cairo.model.bills import RateResponse

logger = logging.getLogger(__name__)

MAX_STEPS = 200
MOST_DOUBLINGS = 40
HALVING = 4
"""Every so many secants the bracket is halved."""


def revenue(level: float, responses: Sequence[RateResponse]) -> tuple[float, float]:
    """(weighted revenue [$], its slope [$ per $/kWh]) of all customers at a rate level.

    The slope is that of the charges above their minimum, as if no credits were carried.
    """
    revenues: list[float] = []
    slopes: list[float] = []
    for response in responses:
        paid = 0.0 if response.sold is None else response.sold.sum(axis=1)
        if response.carried is None:
            charge = response.slope * level + response.constant
        else:
            energy, out = response.carried.settled(level)
            charge, paid = energy + response.constant, out.sum(axis=1)
        free = charge > response.monthly_min if response.monthly_min > 0.0 else True
        month = np.where(free, charge, response.monthly_min)
        slope = np.where(free, response.slope, 0.0).sum(axis=1)
        year = month.sum(axis=1)
        if response.annual_min > 0.0:
            slope = np.where(year > response.annual_min, slope, 0.0)
            year = np.maximum(year, response.annual_min)
        revenues += (response.weight * (year - paid)).tolist()
        slopes += (response.weight * slope).tolist()
    return math.fsum(revenues), math.fsum(slopes)


def _bracketed(
    first: float, responses: Sequence[RateResponse], requirement: float, what: str
) -> float:
    """`rate_level` between two levels that collect too little and too much.

    Secants through the ends (the Illinois rule), halved where they do not gain, end at the root
    in a straight piece.
    """

    def excess(level: float) -> float:
        return revenue(level, responses)[0] - requirement

    low, high = 0.0, first if 0.0 < first < math.inf else 1.0
    under = excess(low)
    if under > 0.0:
        raise RequirementError(
            f"revenue requirement {requirement:,.2f} $ of {what} cannot be met: its other charges, "
            f"less credits, collect {under + requirement:,.2f} $ at energy rates of zero"
        )
    over = excess(high)
    for _ in range(MOST_DOUBLINGS):
        if over >= 0.0:
            break
        low, under, high = high, over, 2.0 * high
        over = excess(high)
    else:
        raise RequirementError(
            f"revenue requirement {requirement:,.2f} $ of {what} cannot be met: the credits of its "
            f"homes grow with the rates; at {high:g} times their shape bills collect "
            f"{over + requirement:,.2f} $"
        )
    best, side = min((abs(under), low), (abs(over), high)), 0
    for step in range(MAX_STEPS):
        guess = (low * over - high * under) / (over - under) if over > under else low
        if step % HALVING == HALVING - 1 or not low < guess < high:
            guess = low + (high - low) / 2.0
        if not low < guess < high:
            break
        missed = excess(guess)
        best = min(best, (abs(missed), guess))
        if missed == 0.0:
            break
        # An end that stays twice is given half its weight.
        if missed < 0.0:
            low, under, over, side = guess, missed, over / 2.0 if side < 0 else over, -1
        else:
            high, over, under, side = guess, missed, under / 2.0 if side > 0 else under, 1
    return best[1]


def rate_level(responses: Sequence[RateResponse], requirement: float, what: str) -> float:
    """The level u at which weighted bills equal the requirement, to rounding.

    Parameters
    ----------
    responses : of every tariff that shares the level.
    requirement : [$].
    what : the tariff, for error messages.

    Raises
    ------
    RequirementError
        No customer has billed energy, or minimum and fixed charges alone collect more.

    Notes
    -----
    Without minimum charges revenue is linear in u and one division would do. With them it is
    convex and piecewise linear: from the linear answer, where revenue is too high if anything,
    Newton steps go down and end at the root after as many steps as there are pieces at most. Where
    credits are carried it is piecewise linear, but not convex: the root is bracketed then.
    """
    slope = math.fsum((r.weight * r.slope.sum(axis=1)).sum() for r in responses)
    constant = math.fsum((r.weight * r.constant.sum(axis=1)).sum() for r in responses)
    constant -= math.fsum(
        (r.weight * r.sold.sum(axis=1)).sum() for r in responses if r.sold is not None
    )
    carries = any(r.carried is not None for r in responses)
    if not slope > 0.0:
        reason = "its customers have no billed energy that an energy rate could charge"
        if carries:
            reason = "its homes have credits for all the energy that an energy rate could charge"
        raise RequirementError(
            f"revenue requirement {requirement:,.2f} $ of {what} cannot be met: {reason}"
        )
    level = (requirement - constant) / slope
    if carries:
        return _bracketed(level, responses, requirement, what)
    best, miss = level, math.inf
    for _ in range(MAX_STEPS):
        collected, rise = revenue(level, responses)
        excess = collected - requirement
        if abs(excess) < miss:
            best, miss = level, abs(excess)
        else:
            break
        if excess == 0.0:
            break
        if rise <= 0.0:
            raise RequirementError(
                f"revenue requirement {requirement:,.2f} $ of {what} cannot be met: its minimum "
                f"and fixed charges alone collect {collected:,.2f} $"
            )
        level -= excess / rise
    if best < 0.0:
        logger.warning(
            "the rate level of %s is negative: its other charges collect more than %s $",
            what,
            f"{requirement:,.2f}",
        )
    return best
