"""Residual allocations: bases mapped building by building, totals reduced over all of them."""

from __future__ import annotations

import logging

import pandas as pd

from cairo.model import kernels
from cairo.model.allocations import ALLOCATIONS, Bases
from cairo.model.arrays import Bool1D, Float1D, Float2D

logger = logging.getLogger(__name__)


def chunk(net: Float2D, peak: Bool1D) -> tuple[Float1D, Float1D]:
    """Annual kWh and kWh in peak hours, (n,) each, of one partition's buildings."""
    return kernels.annual_energy(net), kernels.peak_energy(net, peak)


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
