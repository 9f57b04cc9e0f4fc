"""Sums by season and period, which say how customers respond to price; mapped home by home."""

from __future__ import annotations

from dataclasses import dataclass

from cairo.model import kernels
from cairo.model.arrays import Float1D, Float3D, Int1D
from cairo.model.names import NET_LOAD
from cairo.model.periods import HourGroups
from cairo.rates_tool.dd_stages.measure import Block, RowMeasure


@dataclass(frozen=True, eq=False)
class BySeason(RowMeasure):
    """Net load of each home by season and period, (n, S, P) [kWh], or times a weight an hour.

    groups : hours of each season and period. hourly : (8760,) a price [$/kWh] or a mask; None
    counts every kWh once.
    """

    homes: Int1D
    groups: HourGroups
    hourly: Float1D | None = None

    @property
    def what(self) -> str:
        """In words."""
        return "seasons and periods that customers respond in"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load."""
        return (NET_LOAD,)

    def rows(self, block: Block) -> Float3D:
        """Sums of one partition's homes."""
        net = block.hours(NET_LOAD, block.rows(self.homes))
        if self.hourly is not None:
            net = net * self.hourly
        return self.groups.spread(kernels.group_sums(net, self.groups.order, self.groups.starts))
