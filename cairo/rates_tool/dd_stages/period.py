"""Demand by month and tariff period, mapped building by building for each tariff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from cairo.model import kernels
from cairo.model.arrays import Float2D, FloatND, Int1D
from cairo.model.names import MONTHS
from cairo.model.periods import HourGroups, PeriodPlan, PeriodUse


def joined(parts: Sequence[PeriodUse]) -> PeriodUse:
    """Customers of several partitions together, ascending."""
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(PeriodUse)}
    together: dict[str, Any] = {
        name: None if values[0] is None else np.concatenate(values)
        for name, values in columns.items()
    }
    whole = PeriodUse(**together)
    order = np.argsort(whole.bldg_ids, kind="stable")
    return whole if bool((np.diff(order) == 1).all()) else whole.take(order)


def chunk(bldg_ids: Int1D, billed: Float2D, plan: PeriodPlan) -> PeriodUse:
    """Use of customers on one tariff, from the hours they are billed for (n, 8760)."""
    demand = plan.demand
    return PeriodUse(
        bldg_ids,
        _sums(billed, plan.energy),
        peak_kw=_peaks(billed, plan.months)[:, :, 0] if plan.monthly_peak else None,
        demand_kw=None if demand is None else _peaks(billed, demand),
    )


def solar(load: Float2D, pv: Float2D, plan: PeriodPlan) -> dict[str, FloatND]:
    """Exports, own use and generation (n, 12, P) [kWh]; rows without PV stay zero."""
    groups = plan.energy
    shape = (len(load), MONTHS, groups.periods)
    names = ("exports", "self_use", "generation")
    result = {name: np.zeros(shape) for name in names}
    has_pv = np.flatnonzero(pv.any(axis=1))
    if len(has_pv):
        own, made = load[has_pv], pv[has_pv]
        hourly = (
            kernels.net_exports(own, made),
            kernels.self_consumption(own, made),
            np.abs(made),
        )
        for name, values in zip(names, hourly, strict=True):
            result[name][has_pv] = _sums(values, groups)
    return result


def _sums(hourly: Float2D, groups: HourGroups) -> FloatND:
    return groups.spread(kernels.group_sums(hourly, groups.order, groups.starts))


def _peaks(hourly: Float2D, groups: HourGroups) -> FloatND:
    return groups.spread(kernels.group_peaks(hourly, groups.order, groups.starts))


def load_sums(load: Float2D, plan: PeriodPlan) -> FloatND:
    """Gross load (n, 12, P) [kWh]."""
    return _sums(load, plan.energy)
