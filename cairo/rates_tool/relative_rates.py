"""Relative energy rates of a tariff, from CAIRO's precalc mapping."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cairo.errors import RequirementError
from cairo.model.arrays import Float2D
from cairo.model.tariff import Tariff
from cairo.rates_tool.demand_frames import real_tiers


def relative_rates(mapping: pd.DataFrame, table: Tariff) -> Float2D:
    """(P, T) relative energy rates of a tariff from a precalc mapping.

    Raises
    ------
    RequirementError
        A period and tier of the tariff without `rel_value`, or with two.
    """
    rows = mapping[mapping["tariff"] == table.key]
    relative: Float2D = np.full_like(table.rate, np.nan)
    period = rows["period"].to_numpy().astype(np.int64) - 1
    tier = rows["tier"].to_numpy().astype(np.int64) - 1
    known = (period >= 0) & (period < relative.shape[0]) & (tier >= 0) & (tier < relative.shape[1])
    relative[period[known], tier[known]] = rows["rel_value"].to_numpy(np.float64)[known]
    missing = np.argwhere(np.isnan(relative) & real_tiers(table))
    if len(missing) or rows.duplicated(["period", "tier"]).any():
        what = ", ".join(f"period {p + 1} tier {t + 1}" for p, t in missing[:5]) or "one twice"
        raise RequirementError(
            f"precalc mapping of tariff {table.key} needs one rel_value for every period and "
            f"tier: {what} is wrong or missing"
        )
    return np.where(real_tiers(table), relative, 0.0)
