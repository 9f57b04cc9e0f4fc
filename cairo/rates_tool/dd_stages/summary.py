"""The one pass: each partition of hourly loads reduced to what is asked of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.delayed import Delayed, delayed

from cairo.errors import LoadError, listed
from cairo.files.load_file import NOTHING_READ, ReadCount
from cairo.model.arrays import Float1D, FloatND, Int1D
from cairo.model.calendar import hour_stamps
from cairo.model.names import BURDEN, NET_LOAD, SPLIT_BASES
from cairo.model.periods import PeriodUse
from cairo.rates_tool.dd_stages import residual
from cairo.rates_tool.dd_stages.measure import Answer, Block, ByHome, Final, Measure, Measures
from cairo.rates_tool.dd_stages.partition import check_one_year, read_count, years_of
from cairo.rates_tool.dd_stages.pass_plan import PassPlan, UsePlan, use_plan

__all__ = [
    "LoadSummary",
    "PartialSummary",
    "PassPlan",
    "Summary",
    "UsePlan",
    "combine",
    "finalize",
    "summarize",
    "summarize_partition",
    "use_plan",
]

SPLIT_EVERY = 16
"""Partition summaries joined by one task of the reduction."""


# What the pass takes


@dataclass(frozen=True)
class PartialSummary:
    """What the pass took of some buildings: {measure's key: its answer}."""

    bldg_ids: Int1D
    answers: Mapping[str, Answer]
    read: ReadCount = NOTHING_READ
    years: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """Answers of the whole stock by measure; a few kB a building, no hourly figures of one.

    answers : {measure's key: answer}; read : files and bytes it took; year : calendar year of
    the hours, None where the load frame does not tell.
    """

    answers: Mapping[str, Final]
    read: ReadCount = NOTHING_READ
    year: int | None = None

    def __getitem__(self, measure: Measure) -> FloatND:
        """The answer to a measure, homes in the measure's order.

        Raises
        ------
        LoadError
            The pass was not asked this, or not of all these homes.
        """
        answer = self.answers.get(measure.key)
        if answer is None:
            raise LoadError(
                f"the summary of the loads was not taken for these {measure.what}: take it again "
                "with the run's own plan"
            )
        return answer.of(measure.homes) if isinstance(answer, ByHome) else answer

    def __or__(self, other: Summary) -> Summary:
        """The answers of two passes over the same stock."""
        years = {year for year in (self.year, other.year) if year is not None}
        if len(years) > 1:
            raise LoadError(f"loads are of two years: {listed(sorted(years))}")
        return Summary(
            {**self.answers, **other.answers}, self.read + other.read, next(iter(years), None)
        )

    def __contains__(self, measure: Measure) -> bool:
        answer = self.answers.get(measure.key)
        if not isinstance(answer, ByHome):
            return answer is not None
        return bool(np.isin(measure.homes, answer.bldg_ids).all())

    def of_run(self, plan: PassPlan) -> LoadSummary:
        """The answers to one run's questions.

        Raises
        ------
        LoadError
            It was taken for other homes, weights, prices or tariffs, or left out something: its
            numbers would be another run's.
        """
        wanting = dict.fromkeys(one.what for one in plan.measures.each if one not in self)
        if wanting:
            raise LoadError(
                f"the LoadSummary was not taken for this run's {listed(wanting)}: "
                "take it again with the run's own plan"
            )
        return LoadSummary(plan, self)


@dataclass(frozen=True, eq=False)
class AfterResponse:
    """What customers' response has changed.

    hourly_demand : (8760,) [kWh]. burden, peak_kwh : (n,) of every home of the run.
    electricity : {tariff key: use by month and period}. delivery_burden : as burden.
    """

    hourly_demand: Float1D
    burden: Float1D
    peak_kwh: Float1D
    electricity: dict[str, PeriodUse]
    delivery_burden: Float1D | None = None


@dataclass(frozen=True, eq=False)
class LoadSummary:
    """All that one run needs of the hourly loads: its own questions and their answers.

    after : what customers' response to price has changed of them.
    """

    plan: PassPlan
    summary: Summary
    after: AfterResponse | None = None

    def check_year(self, year: int) -> None:
        """Check that the hours are of the run's year, whose weekdays and prices they meet.

        Raises
        ------
        LoadError
            They are of another.
        """
        if self.summary.year is not None and self.summary.year != year:
            raise LoadError(
                f"the load frame is of the year {self.summary.year}, the run of {year}: read the "
                f"loads with target_year={year}"
            )

    @property
    def read(self) -> ReadCount:
        """Files and bytes the pass took."""
        return self.summary.read

    @property
    def bldg_ids(self) -> Int1D:
        """(n,) the run's homes, ascending."""
        return self.plan.bldg_ids

    @property
    def weight(self) -> Float1D | None:
        """(n,) customers."""
        return self.plan.weight

    def _answer(self, measure: Measure | None) -> FloatND | None:
        return None if measure is None else self.summary[measure]

    @property
    def hourly_demand(self) -> Float1D | None:
        """(8760,) system demand [kWh]."""
        return self.after.hourly_demand if self.after else self._answer(self.plan.demand)

    @property
    def burden(self) -> Float1D | None:
        """(n,) economic burden [$] a customer."""
        return self.after.burden if self.after else self._answer(self.plan.burden)

    @property
    def delivery_burden(self) -> Float1D | None:
        """(n,) economic burden of delivery [$] a customer."""
        if self.after:
            return self.after.delivery_burden
        return self._answer(self.plan.delivery_burden)

    @property
    def kwh(self) -> Float1D | None:
        """(n,) net energy of the year [kWh]."""
        return self._answer(self.plan.energy[0] if self.plan.energy else None)

    @property
    def peak_kwh(self) -> Float1D | None:
        """(n,) net energy of the peak hours [kWh]."""
        if self.after:
            return self.after.peak_kwh
        return self._answer(self.plan.energy[1] if self.plan.energy else None)

    @functools.cached_property
    def electricity(self) -> dict[str, PeriodUse]:
        """{tariff key: its customers' use by month and period}."""
        if self.after:
            return self.after.electricity
        return {key: use.use(self.summary) for key, use in self.plan.electric_uses.items()}

    @functools.cached_property
    def twins(self) -> dict[str, PeriodUse]:
        """{tariff key: its customers' use by month and period of the delivery twin}."""
        return {key: use.use(self.summary) for key, use in self.plan.twin_uses.items()}

    @functools.cached_property
    def gas(self) -> dict[str, PeriodUse]:
        """{gas tariff key: its customers' use by month and period}."""
        return {key: use.use(self.summary) for key, use in self.plan.gas_uses.items()}

    @property
    def index(self) -> pd.Index:
        """Buildings as an index named bldg_id."""
        return pd.Index(self.bldg_ids, name="bldg_id")

    def hourly_demand_series(self, times: pd.Index) -> pd.Series:
        """System hourly demand as `process_residential_hourly_demand` gives it."""
        return pd.Series(self.hourly_demand, index=times.rename("time"), name=NET_LOAD)

    def burden_series(self) -> pd.Series:
        """Economic burden by building [$]."""
        return pd.Series(self.burden, index=self.index, name=BURDEN)

    def split_bases(self) -> pd.DataFrame:
        """What a split of the costs goes by, columns `SPLIT_BASES`, a row a building."""
        columns = (self.kwh, self.peak_kwh, self.delivery_burden)
        return pd.DataFrame(dict(zip(SPLIT_BASES, columns, strict=True)), index=self.index)

    def residual_shares(self, residual_costs: float) -> pd.DataFrame:
        """Residual shares [$] of all allocations, a row a building."""
        assert self.weight is not None and self.kwh is not None
        assert self.peak_kwh is not None and self.burden is not None
        return residual.finalize(
            residual_costs, self.weight, self.kwh, self.peak_kwh, self.burden, self.index
        )


def summarize_partition(partition: pd.DataFrame, measures: Measures) -> PartialSummary:
    """Every measure's answer for one partition of the load frame."""
    block = Block.of_partition(partition)
    return PartialSummary(
        block.bldg_ids[block.rows(measures.bldg_ids)],
        {one.key: one.chunk(block) for one in measures.each},
        read_count(partition),
        years_of(partition),
    )


def combine(parts: Sequence[PartialSummary], measures: Measures) -> PartialSummary:
    """Partial summaries of several partitions as one; their order does not matter."""
    parts = sorted(parts, key=lambda part: int(part.bldg_ids[0]) if len(part.bldg_ids) else -1)
    return PartialSummary(
        np.concatenate([part.bldg_ids for part in parts]),
        {one.key: one.combine([part.answers[one.key] for part in parts]) for one in measures.each},
        sum((part.read for part in parts), NOTHING_READ),
        {year: bldg_id for part in reversed(parts) for year, bldg_id in part.years.items()},
    )


def finalize(total: PartialSummary, measures: Measures) -> Summary:
    """The whole stock's summary.

    Raises
    ------
    LoadError
        Listing buildings of the set that the load frame does not have, or has twice.
    """
    check_one_year(total.years)
    ids = np.sort(total.bldg_ids)
    if not np.array_equal(ids, measures.bldg_ids):
        missing = np.setdiff1d(measures.bldg_ids, ids).tolist()
        if missing:
            raise LoadError(
                f"the load frame lacks {len(missing)} buildings of the run: {listed(missing)}"
            )
        raise LoadError(
            "the load frame has buildings in two partitions: "
            f"{listed(np.unique(ids[1:][np.diff(ids) == 0]).tolist())}"
        )
    # Combined once more, as a stock of one partition has not been: homes ascend.
    answers = {one.key: one.final(one.combine([total.answers[one.key]])) for one in measures.each}
    return Summary(answers, total.read, next(iter(total.years), None))


# The pass as a graph


def partial_summaries(frame: dd.DataFrame, measures: Measures) -> tuple[list[Delayed], Delayed]:
    """(one delayed `PartialSummary` a partition, the measures): the pass before its reduction."""
    shared = delayed(measures, pure=False)
    mapped = frame[measures.columns].map_partitions(
        _summarize_boxed, shared, meta=pd.Series([], dtype=object), enforce_metadata=False
    )
    return list(mapped.to_delayed()), shared


def _summarize_boxed(partition: pd.DataFrame, measures: Measures) -> PartialSummary:
    return summarize_partition(partition, measures)


def tree(parts: Sequence[Delayed], measures: Delayed | Measures) -> Delayed:
    """Delayed partial summaries joined in a tree into one."""
    joined = delayed(combine, pure=False)
    while len(parts) > 1:
        parts = [
            joined(list(parts[i : i + SPLIT_EVERY]), measures)
            for i in range(0, len(parts), SPLIT_EVERY)
        ]
    return parts[0]


def load_columns(frame: dd.DataFrame, measures: Measures) -> dd.DataFrame:
    """Check that a caller's frame has the columns the measures need."""
    missing = [name for name in measures.columns if name not in frame.columns]
    if missing:
        raise LoadError(f"the load frame has no column {listed(missing)}")
    return frame


def summarize(
    frame: dd.DataFrame, plan: PassPlan, compute: Callable[[Delayed], Any] | None = None
) -> LoadSummary:
    """Read the load frame once and take everything the plan asks for.

    Parameters
    ----------
    frame : load frame.
    plan : what to take.
    compute : function from a delayed value to its result; Dask's active scheduler by default.
    """
    measures = plan.measures
    root = tree(*partial_summaries(load_columns(frame, measures), measures))
    total = compute(root) if compute is not None else root.compute()
    return finalize(total, measures).of_run(plan)


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
