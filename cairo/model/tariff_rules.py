"""Rules of billing beside a tariff's prices: how tiers are filled, which credits are carried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float2D, Int2D
from cairo.model.names import MONTHS, months
from cairo.model.rollover import Rollover
from cairo.model.tariff_fields import (
    CREDIT_MONTH,
    NO,
    ROLLOVER,
    ROLLOVER_TERMS,
    TIER_RULE,
    says_something,
)
from cairo.model.tariff_rows import NO_LIMIT, PER_KW, is_sound, number

TierRule = Literal["period", "month"]
"""Whose use fills a period's tiers: its own of the month, or that of all the month's periods."""
IN_KWH, IN_DOLLARS = 0, 1
"""SAM's `ur_metering_option` of net metering, by what is carried from month to month."""
DECEMBER = 11
CARRIED_HOURS = (0, 5, 11, 17)
"""Hours of a weekday by whose periods SAM carries a surplus into the next month."""
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


def rollover_of(
    key: str, tariff: Mapping[str, object], option: int, unit: Int2D, weekday: Int2D
) -> Rollover | None:
    """How net metering credits are carried from month to month; None when they are not.

    Parameters
    ----------
    tariff : PySAM-style; `net_metering_rollover` switches it on, the terms have SAM's names.
    option : `ur_metering_option`, which says whether kWh or dollars are carried.
    unit : (P, T) units of tier limits. weekday : (12, 24) periods from 1.

    Raises
    ------
    TariffError
        It is no net metering tariff, or has terms or tiers that are not modelled.
    """
    if not switched(key, tariff, ROLLOVER):
        return None
    if not nets(option):
        raise TariffError(
            f"tariff {key}: {ROLLOVER} needs net metering, found ur_metering_option {option}; "
            "expected 0 (kWh are carried) or 1 (dollars)"
        )
    if np.isin(unit, PER_KW).any():
        raise TariffError(
            f"tariff {key}: tier limits per kW are not modelled with {ROLLOVER}; expected limits "
            "in kWh"
        )
    settled = number(tariff.get(CREDIT_MONTH, DECEMBER))
    if settled is None or settled not in range(MONTHS):
        raise TariffError(
            f"tariff {key}: {CREDIT_MONTH} is {tariff[CREDIT_MONTH]!r}, expected 0 (January) to 11"
        )
    price = number(tariff.get("ur_nm_yearend_sell_rate", 0.0))
    if price is None or not is_sound(price) or price < 0.0:
        raise TariffError(
            f"tariff {key}: ur_nm_yearend_sell_rate is {tariff['ur_nm_yearend_sell_rate']!r}, "
            "expected $/kWh"
        )
    applied = switched(key, tariff, "ur_nm_credit_rollover")
    return Rollover(
        option == IN_DOLLARS, int(settled), price, applied, _next_periods(weekday, len(unit))
    )


def waiting_inputs(tariff: Mapping[str, object]) -> list[str]:
    """Terms of carried credits that say something where none are carried.

    They count as soon as a run gives the tariff that rule. SAM's own default of the month does not
    say anything.
    """
    if says_something(tariff.get(ROLLOVER)):
        return []
    said = {name: tariff.get(name) for name in ROLLOVER_TERMS}
    if number(said[CREDIT_MONTH]) == DECEMBER:
        del said[CREDIT_MONTH]
    return [name for name, value in said.items() if says_something(value)]


def nets(option: int) -> bool:
    """Whether a `ur_metering_option` is net metering: SAM's two differ in what is carried alone."""
    return option in (IN_KWH, IN_DOLLARS)


def _next_periods(weekday: Int2D, periods: int) -> Int2D:
    """(12, P) period from 0 to which a month's surplus of a period goes in the next; -1 when none.

    The next month's period at the first of `CARRIED_HOURS` that the period has, as SAM has it.
    """
    target = np.full((MONTHS, periods), -1, dtype=np.int64)
    for month in range(MONTHS):
        for hour in reversed(CARRIED_HOURS):
            target[month, weekday[month, hour] - 1] = weekday[(month + 1) % MONTHS, hour] - 1
    return target


def switched(key: str, tariff: Mapping[str, object], name: str) -> bool:
    """Whether a switch of a tariff is on.

    Raises
    ------
    TariffError
        It is neither on nor off.
    """
    given = tariff.get(name)
    if given is None or (isinstance(given, str) and given.strip().lower() in NO):
        return False
    if isinstance(given, bool | np.bool_):
        return bool(given)
    value = number(given)
    if value not in (0.0, 1.0):
        raise TariffError(f"tariff {key}: {name} is {given!r}, expected true or false")
    return value == 1.0
