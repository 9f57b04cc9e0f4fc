"""Use by month and period of a schedule, mapped home by home."""

from __future__ import annotations

from dataclasses import dataclass

from cairo.model import kernels
from cairo.model.arrays import FloatND, Int1D
from cairo.model.names import GROSS_LOAD, NET_LOAD
from cairo.model.periods import HourGroups
from cairo.rates_tool.dd_stages.measure import Block, RowMeasure


@dataclass(frozen=True, eq=False)
class ByPeriod(RowMeasure):
    """What is billed of each home by month and period, (n, 12, periods).

    column : net load, gross load or gas; what of it is below zero is not billed.
    groups : hours of each month and period.
    highest : the highest hour [kW] instead of the sum [kWh, therms].
    """

    homes: Int1D
    column: str
    groups: HourGroups
    highest: bool = False

    @property
    def what(self) -> str:
        """In words."""
        return "electric tariffs" if self.column in (NET_LOAD, GROSS_LOAD) else "gas tariffs"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load, gross load or gas."""
        return (self.column,)

    def rows(self, block: Block) -> FloatND:
        """Use of one partition's homes."""
        reduced = kernels.group_peaks if self.highest else kernels.group_sums
        billed = block.billed(self.column, self.homes)
        return self.groups.spread(reduced(billed, self.groups.order, self.groups.starts))
