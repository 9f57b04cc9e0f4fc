"""Rules of billing that a tariff carries beside its prices: how tiers are filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float2D, Int2D
from cairo.model.names import months
from cairo.model.tariff_fields import TIER_RULE
from cairo.model.tariff_rows import NO_LIMIT

TierRule = Literal["period", "month"]
"""Whose use fills a period's tiers: its own of the month, or that of all the month's periods."""
SAME_LIMIT = 1e-7
"""Relative difference of limits that SAM takes for none."""


def tier_rule_of(key: str, tariff: Mapping[str, object]) -> TierRule:
    """How a PySAM-style tariff fills tiers: `period` unless it says otherwise.

    Raises
    ------
    TariffError
        It says something else.
    """
    given = tariff.get(TIER_RULE)
    for rule in get_args(TierRule):
        if given == rule:
            found: TierRule = rule
            return found
    if given is not None:
        raise TariffError(f"tariff {key}: {TIER_RULE} is {given!r}, expected period or month")
    return "period"


def check_shared_limits(
    key: str, limit: Float2D, unit: Int2D, weekday: Int2D, weekend: Int2D
) -> None:
    """Check that the use of a whole month can fill its tiers: its periods have the same limits.

    Parameters
    ----------
    limit, unit : (P, T) tier limits and their units.
    weekday, weekend : (12, 24) periods from 1.

    Raises
    ------
    TariffError
        Naming the month and two of its periods.
    """
    for month, name in enumerate(months):
        first, *others = np.union1d(weekday[month], weekend[month]) - 1
        for other in others:
            # What is above a last limit stays in the last tier: that limit ends nothing.
            ends = limit[first, :-1], limit[other, :-1]
            same = np.isclose(*ends, rtol=SAME_LIMIT, atol=0.0)
            same &= (unit[first, :-1] == unit[other, :-1]) | (ends[0] >= NO_LIMIT)
            if not same.all():
                raise TariffError(
                    f"tariff {key}: periods {first + 1} and {other + 1} of {name} have other tier "
                    f"limits, which {TIER_RULE} month cannot fill together: give {TIER_RULE} "
                    "period, or the same limits"
                )
