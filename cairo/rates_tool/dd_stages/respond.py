"""Customers' response on a summary of the loads; on the hours again only where sums do not say.

Bills, burden, shares and system demand after the response follow from sums by season and period.
Peaks of shifted hours, a home whose cheapest period cannot take the rest, and hours below zero
beside energy that is spread evenly need the hours of those who respond once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.model.arrays import Bool1D, Float1D, Float2D, Float3D, Int1D
from cairo.model.kernels import weighted_total
from cairo.model.names import GENERATION, GROSS_LOAD, NET_LOAD
from cairo.model.periods import PeriodUse
from cairo.model.response import ResponsePlan, Shift, period_costs, shifted, shifted_gross
from cairo.rates_tool.dd_stages.partition import partition_arrays
from cairo.rates_tool.dd_stages.pass_plan import PassPlan, ResponseUse
from cairo.rates_tool.dd_stages.response_demand import demand_after, group_of_hour
from cairo.rates_tool.dd_stages.summary import AfterResponse, LoadSummary


def shifts_of(before: LoadSummary, plans: Mapping[str, ResponsePlan]) -> dict[str, Shift]:
    """{tariff key: what its homes do} at the plans' prices."""
    return {
        key: shifted(plans[key], before.summary[one.use], one.weight)
        for key, one in before.plan.responding.items()
    }


def needs_hours(before: LoadSummary, shifts: Mapping[str, Shift]) -> bool:
    """Whether what the response does cannot be told from sums."""
    for key, shift in shifts.items():
        asked = before.plan.responding[key]
        if not asked.from_sums or not shift.plain.all():
            return True
        if not np.array_equal(asked.plan.cheapest, shift.plan.cheapest):
            return True
        below = _below_zero(before.electricity[key], shift)
        if (below[:, None, None] & (shift.added != 0.0)).any():
            return True
    return False


def _below_zero(use: PeriodUse, shift: Shift) -> Bool1D:
    """Homes (n,) whose net load has hours below zero, which are not billed."""
    billed = use.billed.sum(axis=(1, 2))
    below: Bool1D = billed > shift.before.sum(axis=(1, 2)) * (1.0 + 1e-12) + 1e-9
    return below


def responded(
    before: LoadSummary,
    shifts: Mapping[str, Shift],
    of_hours: LoadSummary | None = None,
) -> LoadSummary:
    """The loads after the response.

    Parameters
    ----------
    before : of the loads as they are.
    shifts : {tariff key: what its homes do}.
    of_hours : answers to `hours_plan` of the hours after the response, where sums do not say.
    """
    plan, summary = before.plan, before.summary
    assert before.burden is not None and before.peak_kwh is not None
    burden, peak_kwh = before.burden.copy(), before.peak_kwh.copy()
    delivery = None if before.delivery_burden is None else before.delivery_burden.copy()
    uses = dict(before.electricity)
    demand = np.zeros_like(plan.price) if plan.others is None else summary[plan.others]
    if of_hours is not None:
        place = np.searchsorted(plan.bldg_ids, of_hours.bldg_ids)
        burden[place], peak_kwh[place] = of_hours.burden, of_hours.peak_kwh
        if delivery is not None:
            delivery[place] = of_hours.delivery_burden
        assert of_hours.hourly_demand is not None
        demand = demand + of_hours.hourly_demand
        uses |= of_hours.electricity
        return replace(before, after=AfterResponse(demand, burden, peak_kwh, uses, delivery))
    for key, shift in shifts.items():
        one = plan.responding[key]
        place = np.searchsorted(plan.bldg_ids, one.homes)
        burden[place] = _summed(shift, summary[one.burden], one.price)
        peak_kwh[place] = _summed(shift, summary[one.peak_use], one.peak.astype(np.float64))
        if delivery is not None and one.delivery_burden is not None:
            assert one.delivery_price is not None
            delivery[place] = _summed(shift, summary[one.delivery_burden], one.delivery_price)
        uses[key] = _use(shift, uses[key])
        demand = demand + demand_after(summary[one.demand], summary[one.moved], shift, one.weight)
    return replace(before, after=AfterResponse(demand, burden, peak_kwh, uses, delivery))


def costs_by_period(before: LoadSummary, shifts: Mapping[str, Shift], key: str) -> Float1D:
    """What a kWh of each period (P,) of a tariff costs after the response [$/kWh]."""
    one, shift = before.plan.responding[key], shifts[key]
    cost = _grouped(shift, before.summary[one.burden], one.price)
    return period_costs(shift.plan, shift.after, cost, one.weight)


def _summed(shift: Shift, sums: np.ndarray, hourly: Float1D) -> Float1D:
    """Sum over the year (n,) of what is taken hour by hour with a weight (8760,)."""
    total: Float1D = _grouped(shift, sums, hourly).sum(axis=(1, 2))
    return total


def _grouped(shift: Shift, sums: np.ndarray, hourly: Float1D) -> Float3D:
    """The same by season and period (n, S, P)."""
    groups = shift.plan.groups
    of_one = groups.spread(
        np.add.reduceat(hourly if groups.order is None else hourly[groups.order], groups.starts)[
            None, :
        ]
    )[0]
    return shift.of_groups(sums, of_one)


def _use(shift: Shift, use: PeriodUse) -> PeriodUse:
    """Use after the shift; exports that are net load below zero move with it."""
    exports = use.exports
    if exports is not None:
        below = _below_zero(use, shift)[:, None, None]
        exports = np.where(below, exports * shift.factor[:, shift.plan.of_month], exports)
    return replace(use, billed=shift.of_months(use.billed), exports=exports)


def hours_plan(plan: PassPlan) -> PassPlan:
    """What is asked of the hours once more: everything of those who respond."""
    homes = np.sort(np.concatenate([one.homes for one in plan.responding.values()]))
    mine = np.isin(plan.bldg_ids, homes)
    assert plan.weight is not None and plan.electricity is not None
    electricity = replace(plan.electricity, tariff_of=plan.electricity.tariff_of[mine])
    return replace(
        plan,
        bldg_ids=plan.bldg_ids[mine],
        weight=plan.weight[mine],
        electricity=electricity,
        gas=None,
        response={},
    )


def shifted_frame(
    frame: dd.DataFrame, uses: Mapping[str, ResponseUse], shifts: Mapping[str, Shift]
) -> dd.DataFrame:
    """The load frame after the response; nothing is read until computed."""
    changes = [
        (one.homes, group_of_hour(shifts[key].plan), shifts[key].factor, shifts[key].added)
        for key, one in uses.items()
    ]
    from dask.delayed import delayed

    # One value of the graph for all partitions.
    mapped: dd.DataFrame = frame.map_partitions(
        _shift_partition, delayed(changes, pure=False), meta=frame._meta, enforce_metadata=False
    )
    return mapped


Change = tuple[Int1D, Int1D, np.ndarray, np.ndarray]


def _shift_partition(partition: pd.DataFrame, changes: list[Change]) -> pd.DataFrame:
    """A partition after the response of those of its homes that respond."""
    columns = [name for name in (NET_LOAD, GROSS_LOAD, GENERATION) if name in partition]
    ids, arrays = partition_arrays(partition[columns])
    net: Float2D = arrays[NET_LOAD].copy()
    for homes, group, factor, added in changes:
        place = np.minimum(np.searchsorted(homes, ids), len(homes) - 1)
        for row in np.flatnonzero(homes[place] == ids):
            home = place[row]
            net[row] = net[row] * factor[home].ravel()[group] + added[home].ravel()[group]
    hours = {NET_LOAD: net}
    if GROSS_LOAD in arrays:
        hours[GROSS_LOAD] = shifted_gross(
            arrays[GROSS_LOAD], arrays[GENERATION], arrays[NET_LOAD], net
        )
    shifted_one = partition.assign(**{name: one.reshape(-1) for name, one in hours.items()})
    shifted_one.attrs = partition.attrs
    return shifted_one


def marginal_change(before: LoadSummary, after: LoadSummary) -> dict[str, float]:
    """{tariff key: change of its homes' marginal cost [$/year]}."""
    assert before.burden is not None and after.burden is not None
    found = {}
    for key, one in before.plan.responding.items():
        place = np.searchsorted(before.plan.bldg_ids, one.homes)
        found[key] = weighted_total(one.weight, after.burden[place] - before.burden[place])
    return found
