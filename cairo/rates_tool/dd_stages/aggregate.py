"""System hourly demand: weighted hours mapped, and reduced over all homes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cairo.model import kernels
from cairo.model.arrays import Float1D, Int1D
from cairo.model.kernels import Nodes
from cairo.model.names import NET_LOAD
from cairo.rates_tool.dd_stages.measure import Answer, Block, Final, Measure


@dataclass(frozen=True, eq=False)
class Demand(Measure):
    """Sum over homes of weight x net load, hour by hour (8760,) [kWh].

    homes : (n,) ascending; weight : (n,) customers each stands for.
    """

    homes: Int1D
    weight: Float1D

    @property
    def what(self) -> str:
        """In words."""
        return "homes and weights"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load."""
        return (NET_LOAD,)

    def _asked(self) -> list[object]:
        # A sum over other homes is another sum.
        return [self.homes, self.weight]

    def chunk(self, block: Block) -> Nodes:
        """Partial sums of one partition's homes, at their positions among all."""
        rows = block.rows(self.homes)
        position = np.searchsorted(self.homes, block.bldg_ids[rows])
        return kernels.weighted_nodes(block.hours(NET_LOAD, rows), self.weight[position], position)

    def combine(self, answers: Sequence[Answer]) -> Nodes:
        """Partial sums of several partitions, joined in the order the homes fix."""
        return kernels.merge_nodes(part for part in answers if isinstance(part, dict))

    def final(self, answer: Answer) -> Final:
        """System hourly demand (8760,) [kWh]."""
        assert isinstance(answer, dict)
        return kernels.nodes_total(answer)
