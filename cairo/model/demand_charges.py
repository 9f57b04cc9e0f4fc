"""Demand charges of a tariff, read from a PySAM-style dict, and the demand that they bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int2D
from cairo.model.names import HOURS_OF_DAY, MONTHS
from cairo.model.tariff_fields import BILLING_DEMAND, says_something
from cairo.model.tariff_rows import (
    NO_LIMIT,
    is_sound,
    limit_array,
    matrix_rows,
    number,
    row_cells,
    schedule_array,
)

PERCENT = 0.01


@dataclass(frozen=True)
class BillingDemand:
    """Billing demand: a minimum, and shares of the peaks of earlier months (a ratchet).

    minimum : [kW].
    lookback : months looked back, 0 to 12.
    share : (12,) of a month's peak that later months pay at least.
    whole : (12,) whether a month pays its own peak in full.
    periods : (D,) demand periods whose peaks count, and that pay the billing demand.
    occurs : (12, D) whether a month has the period.
    """

    minimum: float
    lookback: int
    share: Float1D
    whole: Bool1D
    periods: Bool1D
    occurs: Bool2D


@dataclass(frozen=True)
class DemandCharges:
    """Demand charges: D demand periods with Td tiers, Tf tiers of the flat charge.

    weekday, weekend : (12, 24) demand periods from 1.
    tou_price : (D, Td) [$/kW]; tou_max : (D, Td) [kW]; D is 0 when only the flat part charges.
    flat_price : (12, Tf) by month [$/kW]; flat_max : (12, Tf) [kW].
    billing : None when months are billed their own peaks.
    """

    weekday: Int2D
    weekend: Int2D
    tou_price: Float2D
    tou_max: Float2D
    flat_price: Float2D
    flat_max: Float2D
    billing: BillingDemand | None = None


def billed_demand(
    peak_kw: Float2D, demand_kw: Float3D, terms: BillingDemand
) -> tuple[Float2D, Float3D]:
    """Demand [kW] that is billed in place of the peaks.

    Parameters
    ----------
    peak_kw : (n, 12) highest hour of each month [kW]; the year before had the same.
    demand_kw : (n, 12, D) highest hour of each demand period [kW].
    terms : minimum and look-back.

    Returns
    -------
    ((n, 12) for the flat charge, (n, 12, D) for the periods' charges).

    Notes
    -----
    As SAM computes it: a look-back that begins in the year before takes one month more of it
    than the period says, and uses that year's highest hours whatever their period.
    """
    last = MONTHS - 1
    counted = np.where(terms.periods, demand_kw, 0.0).max(axis=2)
    billed = np.full(peak_kw.shape, terms.minimum)
    for month in range(MONTHS):
        first = month - terms.lookback
        looked = [
            terms.share[max(first, 0) : month + 1] * counted[:, max(first, 0) : month + 1],
            terms.share[max(last + first, 0) :] * peak_kw[:, max(last + first, 0) :],
        ]
        if terms.whole[month]:
            looked.append(counted[:, month : month + 1])
        highest = np.concatenate(looked, axis=1).max(axis=1)
        billed[:, month] = np.maximum(billed[:, month], highest)
    ratcheted = terms.periods & terms.occurs
    return billed, np.where(ratcheted, billed[:, :, None], demand_kw)


def demand_of(key: str, tariff: Mapping[str, object]) -> DemandCharges | None:
    """Demand charges of a PySAM-style dict; None when it charges nothing for demand.

    Raises
    ------
    TariffError
        Naming `key` and the input that cannot be billed.
    """
    enabled = tariff.get("ur_dc_enable")
    if enabled is not None and not says_something(enabled):
        return None
    tou_price, tou_max = _prices(key, tariff, "ur_dc_tou_mat", first=1)
    flat_price, flat_max = _prices(key, tariff, "ur_dc_flat_mat", first=0)
    if enabled is None and (tou_price.any() or flat_price.any()):
        raise TariffError(
            f"tariff {key}: has demand prices but no ur_dc_enable, expected 1 to bill them or 0"
        )
    if enabled is not None:
        _check_complete(key, tariff)
    if not tou_price.any() and not flat_price.any():
        return None
    ones = np.ones((MONTHS, HOURS_OF_DAY), dtype=np.int64)
    ratchet = says_something(tariff.get(BILLING_DEMAND))
    if not tou_price.any() and not ratchet:
        # Free demand periods (SAM writes one when there are none) need no peaks.
        empty = np.zeros((0, 1))
        return DemandCharges(ones, ones, empty, empty, flat_price, flat_max)
    priced = {int(row[0]) for row in matrix_rows(key, tariff, "ur_dc_tou_mat", widths=(4,))}
    weekday, weekend = (
        schedule_array(f"tariff {key}: {name}", tariff.get(name), priced)
        for name in ("ur_dc_sched_weekday", "ur_dc_sched_weekend")
    )
    billing = _billing(key, tariff, weekday, weekend, len(tou_price)) if ratchet else None
    return DemandCharges(weekday, weekend, tou_price, tou_max, flat_price, flat_max, billing)


def _check_complete(key: str, tariff: Mapping[str, object]) -> None:
    """Check that prices of demand have not been lost: SAM bills no tariff without them."""
    if tariff.get("ur_dc_tou_mat") is not None:
        return
    schedules = [tariff.get(f"ur_dc_sched_{day}") for day in ("weekday", "weekend")]
    if tariff.get("ur_dc_flat_mat") is None or any(one is not None for one in schedules):
        raise TariffError(
            f"tariff {key}: demand is charged (ur_dc_enable) but there is no ur_dc_tou_mat, "
            "expected its prices, or ur_dc_flat_mat alone without schedules"
        )


def _prices(
    key: str, tariff: Mapping[str, object], name: str, first: int
) -> tuple[Float2D, Float2D]:
    """(price [$/kW], limit [kW]) by period or month and tier; free when the matrix is absent."""
    least = MONTHS if first == 0 else 1
    if tariff.get(name) is None:
        return np.zeros((least, 1)), np.full((least, 1), NO_LIMIT)
    cells = row_cells(key, name, matrix_rows(key, tariff, name, widths=(4,)), first)
    limit = limit_array(key, name, cells, first, least)
    if first == 0 and len(limit) > MONTHS:
        raise TariffError(f"tariff {key}: {name} has month {len(limit) - 1}, expected 0 to 11")
    price = np.zeros_like(limit)
    for (period, tier), row in cells.items():
        price[period - first, tier - 1] = row[3]
    return price, limit


def _billing(
    key: str, tariff: Mapping[str, object], weekday: Int2D, weekend: Int2D, count: int
) -> BillingDemand:
    minimum = number(tariff.get("ur_billing_demand_minimum", 0.0))
    if minimum is None or not is_sound(minimum) or minimum < 0.0:
        raise TariffError(
            f"tariff {key}: ur_billing_demand_minimum is "
            f"{tariff['ur_billing_demand_minimum']!r}, expected kW"
        )
    lookback = number(tariff.get("ur_billing_demand_lookback_period"))
    if lookback is None or lookback not in range(MONTHS + 1):
        raise TariffError(
            f"tariff {key}: ur_billing_demand_lookback_period is "
            f"{tariff.get('ur_billing_demand_lookback_period')!r}, expected 0 to 12 months"
        )
    shares = _pairs(key, tariff, "ur_billing_demand_lookback_percentages")
    if len(shares) != MONTHS:
        raise TariffError(
            f"tariff {key}: ur_billing_demand_lookback_percentages has {len(shares)} rows, "
            f"expected {MONTHS}"
        )
    pairs = _pairs(key, tariff, "ur_dc_billing_demand_periods")
    counted = dict(zip(pairs[:, 0].tolist(), pairs[:, 1].tolist(), strict=True))
    if 1.0 not in counted.values():
        raise TariffError(
            f"tariff {key}: ur_dc_billing_demand_periods has no period with billing demand, "
            "expected one at least where ur_enable_billing_demand is on"
        )
    absent = set(range(1, count + 1)) - set(counted)
    if absent:
        raise TariffError(
            f"tariff {key}: ur_dc_billing_demand_periods lacks demand period {min(absent)}"
        )
    periods = np.array([counted[period] == 1.0 for period in range(1, count + 1)])
    occurs = np.array(
        [
            np.isin(np.arange(1, count + 1), both)
            for both in np.concatenate([weekday, weekend], axis=1)
        ]
    )
    return BillingDemand(
        minimum, int(lookback), shares[:, 0] * PERCENT, shares[:, 1] == 1.0, periods, occurs
    )


def _pairs(key: str, tariff: Mapping[str, object], name: str) -> Float2D:
    """Rows of two numbers from 0."""
    given = tariff.get(name)
    rows: list[object] = list(given) if isinstance(given, list | tuple | np.ndarray) else []
    pairs = [
        [number(value) for value in row] if isinstance(row, list | tuple | np.ndarray) else []
        for row in rows
    ]
    flat = [value for pair in pairs for value in pair]
    if (
        not pairs
        or any(len(pair) != 2 for pair in pairs)
        or any(value is None or not value >= 0.0 or not is_sound(value) for value in flat)
    ):
        raise TariffError(
            f"tariff {key}: {name} is {str(given)[:60]}, expected rows of two numbers from 0"
        )
    return np.array(pairs, dtype=np.float64)
