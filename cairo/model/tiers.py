"""Energy of a month split over a tariff's tiers."""

from __future__ import annotations

import numpy as np

from cairo.model.arrays import Float3D, Float4D, FloatND
from cairo.model.names import DAYS_OF_MONTH, MONTHS
from cairo.model.tariff import Tariff
from cairo.model.tariff_rows import NO_LIMIT, PER_DAY, PER_KW


def tier_limits(table: Tariff, peak_kw: FloatND | None) -> Float4D:
    """Upper limit of each tier in each month, (1 or n, 12, P, T) [kWh].

    A `kWh daily` limit counts the days of the month, a `kWh/kW` limit the month's peak [kW].
    """
    limits = np.broadcast_to(table.max_usage, (1, MONTHS, *table.max_usage.shape)).copy()
    days = np.array(DAYS_OF_MONTH, dtype=np.float64)[None, :, None, None]
    limits = np.where(np.isin(table.unit, PER_DAY), limits * days, limits)
    if table.needs_monthly_peak:
        assert peak_kw is not None
        limits = np.where(np.isin(table.unit, PER_KW), limits * peak_kw[:, :, None, None], limits)
    # A last tier has no limit, whatever the month's days or the customer's peak.
    return np.where(table.max_usage >= NO_LIMIT, np.inf, limits)


def fill_tiers(usage: Float3D, table: Tariff, peak_kw: FloatND | None = None) -> Float4D:
    """Split a month's use of each period over the tiers, lowest first.

    Parameters
    ----------
    usage : (n, 12, P) [kWh].
    table : tariff.
    peak_kw : (n, 12) month's peak, needed for `kWh/kW` limits.

    Returns
    -------
    (n, 12, P, T) [kWh], adding to `usage`; what is above the last limit stays in the last tier.

    Notes
    -----
    URDB lists tiers by period [1]_. By the rule `period` each period's are filled with its own use
    in the month. By the rule `month`, which is SAM's [2]_, the use of all periods fills them, and
    each period has its share of the month's use in every tier. The two are the same unless a month
    with tiers has several periods.

    References
    ----------
    .. [1] Utility Rate Database (OpenEI), rate structure fields.
    .. [2] System Advisor Model, `cmod_utilityrate5`, monthly reconciliation.
    """
    if table.n_tiers == 1:
        return usage[..., None].copy()
    upper = tier_limits(table, peak_kw)
    upper[..., -1] = np.inf
    if table.tier_rule == "period":
        return _split(usage, upper)
    # A month's periods have the same limits: any of them says the month's.
    months = np.arange(MONTHS)
    total = usage.sum(axis=2)
    of_month = _split(total, upper[:, months, table.weekday[:, 0] - 1])
    share = np.divide(usage, total[..., None], out=np.zeros(usage.shape), where=usage > 0.0)
    by_tier: Float4D = share[..., None] * of_month[:, :, None]
    return by_tier


def _split(usage: FloatND, upper: FloatND) -> FloatND:
    """Use (...) over tiers that end at `upper` (..., T)."""
    lower = np.concatenate([np.zeros_like(upper[..., :1]), upper[..., :-1]], axis=-1)
    parts: FloatND = np.maximum(np.minimum(usage[..., None], upper) - lower, 0.0)
    return parts
