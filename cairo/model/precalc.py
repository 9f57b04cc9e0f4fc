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


def revenue(level: float, responses: Sequence[RateResponse]) -> tuple[float, float]:
    """(weighted revenue [$], its slope [$ per $/kWh]) of all customers at a rate level.

    The slope is that of the charges above their minimum.
    """
    revenues: list[float] = []
    slopes: list[float] = []
    for response in responses:
        charge = response.slope * level + response.constant
        free = charge > response.monthly_min if response.monthly_min > 0.0 else True
        month = np.where(free, charge, response.monthly_min)
        slope = np.where(free, response.slope, 0.0).sum(axis=1)
        year = month.sum(axis=1)
        if response.annual_min > 0.0:
            slope = np.where(year > response.annual_min, slope, 0.0)
            year = np.maximum(year, response.annual_min)
        revenues += (response.weight * year).tolist()
        slopes += (response.weight * slope).tolist()
    return math.fsum(revenues), math.fsum(slopes)


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
    Newton steps go down and end at the root after as many steps as there are pieces at most.
    """
    slope = math.fsum((r.weight * r.slope.sum(axis=1)).sum() for r in responses)
    constant = math.fsum((r.weight * r.constant.sum(axis=1)).sum() for r in responses)
    if not slope > 0.0:
        raise RequirementError(
            f"revenue requirement {requirement:,.2f} $ of {what} cannot be met: "
            "its customers have no billed energy that an energy rate could charge"
        )
    level = (requirement - constant) / slope
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
