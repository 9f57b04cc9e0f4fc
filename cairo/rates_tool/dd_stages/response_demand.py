"""System demand of customers who respond to price, from the one pass that knows no price yet.

In a period that gives, every home that has enough to give multiplies its hours by the same ratio
(P / Pflat)^e; what the cheapest period takes is spread over a home's hours there in proportion to
its load, that is by its own Q[p] / Q[r]. So the weighted hours of those that give, and the weighted
hours of the cheapest period times Q[p] / Q[r], say the demand after any response: the ratios, which
need all homes' use, come in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cairo.model import kernels
from cairo.model.arrays import Float1D, Float2D, Int1D
from cairo.model.names import HOURS, NET_LOAD
from cairo.model.response import LEAST_KWH, ResponsePlan, Shift
from cairo.rates_tool.dd_stages.measure import Answer, Block, Final, Measure


@dataclass(frozen=True, eq=False)
class GivenAndTaken(Measure):
    """Weighted hours by what a response does with them, (1 + K, 8760) [kWh].

    homes, weight : (n,) of one tariff, and customers they stand for.
    plan : of the tariff; K is the most periods a season has besides its cheapest.
    Row 0 has the hours of homes that use enough in the hour's period; row k the hours of the
    cheapest period, times the use of the k-th other period over that of the cheapest.
    """

    homes: Int1D
    weight: Float1D
    plan: ResponsePlan

    @property
    def what(self) -> str:
        """In words."""
        return "seasons and periods that customers respond in"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load."""
        return (NET_LOAD,)

    def _asked(self) -> list[object]:
        plan = self.plan
        return [self.homes, self.weight, plan.groups, plan.occurs, plan.cheapest]

    def chunk(self, block: Block) -> tuple[kernels.Nodes, ...]:
        """Partial sums of one partition's homes, row by row."""
        rows = block.rows(self.homes)
        ids = block.bldg_ids[rows]
        position = np.searchsorted(self.homes, ids)
        net, weight = block.hours(NET_LOAD, rows), self.weight[position]
        groups = self.plan.groups
        use = groups.spread(kernels.group_sums(net, groups.order, groups.starts))
        enough = use >= LEAST_KWH
        group = group_of_hour(self.plan)
        flat = enough.reshape(len(use), groups.rows * groups.periods)
        found = [kernels.weighted_nodes(net * flat[:, group], weight, position)]
        cheapest = use[:, np.arange(len(self.plan.cheapest)), self.plan.cheapest]
        takes = enough[:, np.arange(len(self.plan.cheapest)), self.plan.cheapest]
        for others in slots(self.plan):
            share = np.zeros_like(use)
            for season, other in enumerate(others):
                if other >= 0:
                    gives = enough[:, season, other] & takes[:, season]
                    ratio = use[:, season, other] / np.where(gives, cheapest[:, season], 1.0)
                    share[:, season, self.plan.cheapest[season]] = np.where(gives, ratio, 0.0)
            hours = net * share.reshape(flat.shape)[:, group]
            found.append(kernels.weighted_nodes(hours, weight, position))
        return tuple(found)

    def combine(self, answers: Sequence[Answer]) -> tuple[kernels.Nodes, ...]:
        """Partial sums of several partitions, joined in the order the homes fix."""
        parts = [answer for answer in answers if isinstance(answer, tuple)]
        return tuple(kernels.merge_nodes(nodes) for nodes in zip(*parts, strict=True))

    def final(self, answer: Answer) -> Final:
        """Weighted hours (1 + K, 8760)."""
        assert isinstance(answer, tuple)
        return np.stack([kernels.nodes_total(nodes) for nodes in answer])


def slots(plan: ResponsePlan) -> list[list[int]]:
    """The k-th period besides the cheapest of each season, -1 where it has none."""
    others = [
        [p for p in np.flatnonzero(there) if p != cheapest]
        for there, cheapest in zip(plan.occurs, plan.cheapest, strict=True)
    ]
    most = max(map(len, others))
    return [[int(one[k]) if k < len(one) else -1 for one in others] for k in range(most)]


def group_of_hour(plan: ResponsePlan) -> Int1D:
    """(8760,) place of each hour's season and period in (S, P), flattened."""
    groups = plan.groups
    ends = np.append(groups.starts[1:], HOURS)
    place = groups.month * groups.periods + groups.period
    in_order = np.repeat(place, ends - groups.starts)
    if groups.order is None:
        return in_order
    found = np.empty(HOURS, dtype=np.int64)
    found[groups.order] = in_order
    return found


def demand_after(before: Float1D, hours: Float2D, shift: Shift, weight: Float1D) -> Float1D:
    """Demand of a tariff's homes after the response (8760,) [kWh].

    Parameters
    ----------
    before : (8760,) their weighted net load [kWh].
    hours : answer of `GivenAndTaken`.
    shift : what they do; no home's other periods may take more than its cheapest has.
    weight : (n,) customers.
    """
    plan = shift.plan
    group = group_of_hour(plan)
    less_one = shift.ratio - 1.0
    season = np.arange(len(plan.cheapest))
    less_one[season, plan.cheapest] = 0.0
    after: Float1D = before + less_one.reshape(-1)[group] * hours[0]
    for k, others in enumerate(slots(plan)):
        taken = np.zeros_like(less_one)
        for one, other in enumerate(others):
            if other >= 0:
                taken[one, plan.cheapest[one]] = less_one[one, other]
        after = after - taken.reshape(-1)[group] * hours[1 + k]
    evenly = np.zeros_like(less_one)
    for one, cheapest in enumerate(plan.cheapest):
        evenly[one, cheapest] = kernels.weighted_total(weight, shift.added[:, one, cheapest])
    return after + evenly.reshape(-1)[group]
