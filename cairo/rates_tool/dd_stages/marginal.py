"""Marginal cost burden: mapped home by home, nothing to reduce."""

from __future__ import annotations

from dataclasses import dataclass

from cairo.model import kernels
from cairo.model.arrays import Float1D, Int1D
from cairo.model.names import NET_LOAD
from cairo.model.prices import peak_hours, total_price
from cairo.rates_tool.dd_stages.measure import Block, RowMeasure

__all__ = ["Burden", "peak_hours", "total_price"]


@dataclass(frozen=True, eq=False)
class Burden(RowMeasure):
    """Economic burden (n,) [$] of each home under a price (8760,) [$/kWh]."""

    homes: Int1D
    price: Float1D

    @property
    def what(self) -> str:
        """In words."""
        return "marginal prices"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load."""
        return (NET_LOAD,)

    def rows(self, block: Block) -> Float1D:
        """Burden of one partition's homes."""
        return kernels.economic_burden(block.hours(NET_LOAD, block.rows(self.homes)), self.price)
