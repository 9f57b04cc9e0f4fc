"""Residual allocations: bases mapped home by home, totals reduced over all of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pandas as pd

from cairo.model import kernels
from cairo.model.allocations import ALLOCATIONS, Bases
from cairo.model.arrays import Bool1D, Float1D, Int1D
from cairo.model.names import NET_LOAD
from cairo.rates_tool.dd_stages.measure import Block, RowMeasure

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Energy(RowMeasure):
    """Net energy (n,) [kWh] of each home in the hours of a mask (8760,); None is all hours."""

    homes: Int1D
    mask: Bool1D | None = None

    @property
    def what(self) -> str:
        """In words."""
        return "energy of the year" if self.mask is None else "peak hours"

    @property
    def columns(self) -> tuple[str, ...]:
        """Net load."""
        return (NET_LOAD,)

    def rows(self, block: Block) -> Float1D:
        """Energy of one partition's homes."""
        net = block.hours(NET_LOAD, block.rows(self.homes))
        if self.mask is None:
            return kernels.annual_energy(net)
        return kernels.peak_energy(net, self.mask)


def finalize(
    residual: float,
    weight: Float1D,
    kwh: Float1D,
    peak_kwh: Float1D,
    burden: Float1D,
    bldg_ids: pd.Index,
) -> pd.DataFrame:
    """Every residual share [$], a row a building; each basis is totalled over all of them.

    Parameters are (n,) in the order of `bldg_ids`, but for `residual` [$].
    """
    if not peak_kwh.any():
        logger.warning(
            "no use in an hour with capacity or distribution marginal cost: "
            "the peak residual shares are zero"
        )
    bases = Bases(kwh, peak_kwh, burden)
    shares = {
        one.share: kernels.residual_share(residual, one.basis(bases), weight) for one in ALLOCATIONS
    }
    return pd.DataFrame(shares, index=bldg_ids)
