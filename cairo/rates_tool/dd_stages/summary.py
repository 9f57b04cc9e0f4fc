"""The one pass: each partition of hourly loads reduced to what the whole run needs of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.delayed import delayed

from cairo.errors import LoadError, listed
from cairo.files.load_file import NOTHING_READ, ReadCount
from cairo.model import kernels
from cairo.model.arrays import Bool1D, Float1D, Float2D, Int1D
from cairo.model.calendar import hour_stamps
from cairo.model.kernels import Nodes
from cairo.model.names import BURDEN, NET_LOAD
from cairo.model.periods import PeriodPlan, PeriodUse, period_plan
from cairo.model.tariff import Tariff
from cairo.rates_tool.dd_stages import aggregate, marginal, period, residual
from cairo.rates_tool.dd_stages.frame import (
    check_one_year,
    partition_arrays,
    read_count,
    years_of,
)

SPLIT_EVERY = 16
"""Partition summaries joined by one task of the reduction."""


@dataclass(frozen=True)
class UsePlan:
    """Which tariff each building is on, and what that tariff needs of its hours.

    tariff_of : (n,) place in `keys`, or -1 for a building without; in the order of the pass's
    bldg_ids.
    """

    keys: tuple[str, ...]
    plans: tuple[PeriodPlan, ...]
    tariff_of: Int1D


def use_plan(
    bldg_ids: Int1D, strategy: Mapping[int, str], tables: Mapping[str, Tariff], year: int
) -> UsePlan:
    """The plan of buildings on several tariffs; only tariffs in use are kept."""
    keys = tuple(sorted(set(strategy.values())))
    place = {key: i for i, key in enumerate(keys)}
    return UsePlan(
        keys,
        tuple(period_plan(tables[key], year) for key in keys),
        np.array([place.get(strategy.get(int(i), ""), -1) for i in bldg_ids], dtype=np.int64),
    )


@dataclass(frozen=True)
class PassPlan:
    """What to take of each building's hours in the pass; parts left None are not taken.

    bldg_ids : (n,) every building of the run, ascending.
    weight : (n,) customers, for the system hourly demand.
    price : (8760,) total marginal price [$/kWh], for the burden.
    peak : (8760,) hours with capacity or distribution cost, for the residual bases.
    electricity, gas : demand by period, tariff by tariff.
    solar : also exports and own use by period; load : also gross load by period.
    """

    bldg_ids: Int1D
    weight: Float1D | None = None
    price: Float1D | None = None
    peak: Bool1D | None = None
    electricity: UsePlan | None = None
    gas: UsePlan | None = None
    solar: bool = False
    load: bool = False

    @property
    def columns(self) -> list[str]:
        """Columns of the load frame the pass decodes."""
        net = any(part is not None for part in (self.weight, self.price, self.peak))
        columns = [NET_LOAD] if net or self.electricity is not None else []
        if self.solar or self.load:
            columns += ["load_data"]
        if self.solar:
            columns += ["pv_generation"]
        return columns + (["natural_gas"] if self.gas is not None else [])


@dataclass(frozen=True)
class PartialSummary:
    """What the pass took of some buildings; arrays (n,) by `bldg_ids`."""

    bldg_ids: Int1D
    demand: Nodes
    burden: Float1D | None
    kwh: Float1D | None
    peak_kwh: Float1D | None
    electricity: dict[str, PeriodUse]
    gas: dict[str, PeriodUse]
    read: ReadCount = NOTHING_READ
    years: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadSummary:
    """All that a run needs of the hourly loads; a few kB a building, no hourly figures of one.

    bldg_ids : (n,) ascending; weight : (n,) customers.
    hourly_demand : (8760,) system demand [kWh]; burden : (n,) [$] a customer;
    kwh, peak_kwh : (n,) net energy of the year and of the peak hours [kWh];
    electricity, gas : {tariff key: use by month and period}; read : files and bytes it took.
    plan : what was asked of the hours; year : calendar year of the hours, None where the load
    frame does not tell.
    """

    bldg_ids: Int1D
    weight: Float1D | None
    hourly_demand: Float1D | None
    burden: Float1D | None
    kwh: Float1D | None
    peak_kwh: Float1D | None
    electricity: dict[str, PeriodUse]
    gas: dict[str, PeriodUse]
    read: ReadCount = NOTHING_READ
    plan: PassPlan | None = None
    year: int | None = None

    def check_year(self, year: int) -> None:
        """Check that the hours are of the run's year, whose weekdays and prices they meet.

        Raises
        ------
        LoadError
            They are of another.
        """
        if self.year is not None and self.year != year:
            raise LoadError(
                f"the load frame is of the year {self.year}, the run of {year}: read the loads "
                f"with target_year={year}"
            )

    def check_answers(self, asked: PassPlan) -> None:
        """Check that this summary was taken for what is asked now.

        Raises
        ------
        LoadError
            It was taken for other homes, weights, prices, tariffs or years, or left out
            something: its numbers would be another run's.
        """
        taken = self.plan
        wanting = [
            what
            for what, name in _PARTS.items()
            if getattr(asked, name) is not None
            and (taken is None or not _same(getattr(taken, name), getattr(asked, name)))
        ]
        if asked.solar and (taken is None or not taken.solar):
            wanting.append("exports of solar homes")
        if wanting:
            raise LoadError(
                f"the LoadSummary was not taken for this run's {listed(wanting)}: "
                "take it again with the run's own plan"
            )

    @property
    def index(self) -> pd.Index:
        """Buildings as an index named bldg_id."""
        return pd.Index(self.bldg_ids, name="bldg_id")

    def hourly_demand_series(self, times: pd.DatetimeIndex) -> pd.Series:
        """System hourly demand as `process_residential_hourly_demand` gives it."""
        return pd.Series(self.hourly_demand, index=times.rename("time"), name=NET_LOAD)

    def burden_series(self) -> pd.Series:
        """Economic burden by building [$]."""
        return pd.Series(self.burden, index=self.index, name=BURDEN)

    def residual_shares(self, residual_costs: float) -> pd.DataFrame:
        """Residual shares [$] of all allocations, a row a building."""
        assert self.weight is not None and self.kwh is not None
        assert self.peak_kwh is not None and self.burden is not None
        return residual.finalize(
            residual_costs, self.weight, self.kwh, self.peak_kwh, self.burden, self.index
        )


_PARTS = {
    "homes": "bldg_ids",
    "weights": "weight",
    "marginal prices": "price",
    "peak hours": "peak",
    "electric tariffs": "electricity",
    "gas tariffs": "gas",
}
"""What a plan asks, in words, and the field that holds it."""


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of plans, arrays or dataclasses of arrays, are equal in every value."""
    if is_dataclass(one):
        names = [item.name for item in fields(one)]
        return type(one) is type(other) and all(
            _same(getattr(one, name), getattr(other, name)) for name in names
        )
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(np.array_equal(one, other)) if one is not None else other is None


_NO_HOURS = np.empty((0, 0))


def summarize_partition(partition: pd.DataFrame, plan: PassPlan) -> PartialSummary:
    """Every stage's chunk on one partition of the load frame."""
    ids, arrays = partition_arrays(partition)
    position = np.searchsorted(plan.bldg_ids, ids)
    known = (position < len(plan.bldg_ids)) & (
        plan.bldg_ids[np.minimum(position, len(plan.bldg_ids) - 1)] == ids
    )
    if not known.all():
        ids, position = ids[known], position[known]
        arrays = {name: values[known] for name, values in arrays.items()}
    net = arrays.get(NET_LOAD, _NO_HOURS)
    kwh = peak_kwh = None
    if plan.peak is not None:
        kwh, peak_kwh = residual.chunk(net, plan.peak)
    return PartialSummary(
        ids,
        {} if plan.weight is None else aggregate.chunk(net, plan.weight[position], position),
        None if plan.price is None else marginal.chunk(net, plan.price),
        kwh,
        peak_kwh,
        _uses(plan.electricity, ids, position, arrays, plan),
        _uses(plan.gas, ids, position, {NET_LOAD: arrays.get("natural_gas", _NO_HOURS)}, None),
        read_count(partition),
        years_of(partition),
    )


def _uses(
    uses: UsePlan | None,
    ids: Int1D,
    position: Int1D,
    arrays: Mapping[str, Float2D],
    plan: PassPlan | None,
) -> dict[str, PeriodUse]:
    """Use by period of each tariff's customers; solar and gross load when `plan` asks."""
    if uses is None:
        return {}
    result = {}
    tariffs = uses.tariff_of[position]
    for place in np.unique(tariffs[tariffs >= 0]):
        rows = np.flatnonzero(tariffs == place)
        mine = slice(None) if len(rows) == len(ids) else rows
        groups = uses.plans[place]
        billed = kernels.grid_consumption(arrays[NET_LOAD][mine])
        use = period.chunk(ids[mine], billed, groups)
        extra: dict[str, Any] = {}
        if plan is not None and plan.solar:
            extra |= period.solar(arrays["load_data"][mine], arrays["pv_generation"][mine], groups)
        if plan is not None and plan.load:
            extra["load"] = period.load_sums(arrays["load_data"][mine], groups)
        result[uses.keys[place]] = PeriodUse(**(vars(use) | extra))
    return result


def combine(parts: Sequence[PartialSummary]) -> PartialSummary:
    """Partial summaries of several partitions as one; their order does not matter."""
    parts = sorted(parts, key=lambda part: int(part.bldg_ids[0]) if len(part.bldg_ids) else -1)

    def together(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    return PartialSummary(
        together("bldg_ids"),
        aggregate.combine(part.demand for part in parts),
        together("burden"),
        together("kwh"),
        together("peak_kwh"),
        _join_uses([part.electricity for part in parts]),
        _join_uses([part.gas for part in parts]),
        sum((part.read for part in parts), NOTHING_READ),
        {year: bldg_id for part in reversed(parts) for year, bldg_id in part.years.items()},
    )


def _join_uses(parts: Sequence[dict[str, PeriodUse]]) -> dict[str, PeriodUse]:
    keys = sorted({key for part in parts for key in part})
    return {key: period.joined([part[key] for part in parts if key in part]) for key in keys}


def finalize(total: PartialSummary, plan: PassPlan) -> LoadSummary:
    """The whole stock's summary.

    Raises
    ------
    LoadError
        Listing buildings of the plan that the load frame does not have, or has twice.
    """
    check_one_year(total.years)
    order = np.argsort(total.bldg_ids, kind="stable")
    ids = total.bldg_ids[order]
    if not np.array_equal(ids, plan.bldg_ids):
        missing = np.setdiff1d(plan.bldg_ids, ids).tolist()
        if missing:
            raise LoadError(
                f"the load frame lacks {len(missing)} buildings of the run: {listed(missing)}"
            )
        raise LoadError(
            "the load frame has buildings in two partitions: "
            f"{listed(np.unique(ids[1:][np.diff(ids) == 0]).tolist())}"
        )

    def ordered(values: Float1D | None) -> Float1D | None:
        return None if values is None else values[order]

    return LoadSummary(
        ids,
        plan.weight,
        aggregate.finalize(total.demand) if plan.weight is not None else None,
        ordered(total.burden),
        ordered(total.kwh),
        ordered(total.peak_kwh),
        total.electricity,
        total.gas,
        total.read,
        plan,
        next(iter(total.years), None),
    )


def partial_summaries(frame: dd.DataFrame, plan: PassPlan) -> list[Any]:
    """One delayed `PartialSummary` a partition: the pass as a graph, before its reduction."""
    shared = delayed(plan, pure=False)
    mapped = frame[plan.columns].map_partitions(
        _summarize_boxed, shared, meta=pd.Series([], dtype=object), enforce_metadata=False
    )
    parts: list[Any] = mapped.to_delayed()
    return parts


def _summarize_boxed(partition: pd.DataFrame, plan: PassPlan) -> PartialSummary:
    return summarize_partition(partition, plan)


def tree(parts: Sequence[Any]) -> Any:
    """Delayed partial summaries joined in a tree into one."""
    joined = delayed(combine, pure=False)
    while len(parts) > 1:
        parts = [
            joined(list(parts[i : i + SPLIT_EVERY])) for i in range(0, len(parts), SPLIT_EVERY)
        ]
    return parts[0]


def load_columns(frame: dd.DataFrame, plan: PassPlan) -> dd.DataFrame:
    """Check that a caller's frame has the columns the plan needs."""
    missing = [name for name in plan.columns if name not in frame.columns]
    if missing:
        raise LoadError(f"the load frame has no column {listed(missing)}")
    return frame


def summarize(frame: dd.DataFrame, plan: PassPlan, compute: Any | None = None) -> LoadSummary:
    """Read the load frame once and take everything the plan asks for.

    Parameters
    ----------
    frame : load frame.
    plan : what to take.
    compute : function from a delayed value to its result; Dask's active scheduler by default.
    """
    root = tree(partial_summaries(load_columns(frame, plan), plan))
    total = compute(root) if compute is not None else root.compute()
    return finalize(total, plan)


def target_times(year: int, timezone: str | None = "EST") -> pd.DatetimeIndex:
    """The 8760 stamps of a target year."""
    return hour_stamps(year, timezone)


def sorted_weights(
    bldg_ids: Iterable[int], weight: Iterable[float]
) -> tuple[Int1D, Float1D, Int1D]:
    """(ids ascending, their weights, order that sorts the input)."""
    ids = np.asarray(list(bldg_ids), dtype=np.int64)
    order = np.argsort(ids, kind="stable")
    return ids[order], np.asarray(list(weight), dtype=np.float64)[order], order
