"""Marginal cost burden: mapped building by building, nothing to reduce."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cairo.model import kernels
from cairo.model.arrays import Bool1D, Float1D, Float2D
from cairo.model.names import CAPACITY_PRICE, DISTRIBUTION_PRICE, HOURS, PRICE_COLUMNS


def chunk(net: Float2D, price: Float1D) -> Float1D:
    """Economic burden (n,) [$] of one partition's buildings."""
    return kernels.economic_burden(net, price)


def total_price(prices: pd.DataFrame) -> Float1D:
    """Sum (8760,) [$/kWh] of the price components; a `Total` column is never one of them."""
    components = [prices[name].to_numpy(np.float64) for name in PRICE_COLUMNS if name in prices]
    total = np.zeros(HOURS)
    for component in components:
        total = total + component
    return total


def peak_hours(prices: pd.DataFrame) -> Bool1D:
    """Hours (8760,) with capacity or distribution marginal cost."""
    none = pd.Series(0.0, index=prices.index)
    return kernels.peak_hours(
        prices.get(CAPACITY_PRICE, none).to_numpy(np.float64),
        prices.get(DISTRIBUTION_PRICE, none).to_numpy(np.float64),
    )
