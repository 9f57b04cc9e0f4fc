"""Hourly marginal prices: components, their total, and the hours that count as peak."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.model import kernels
from cairo.model.arrays import Bool1D, Float1D
from cairo.model.components import DELIVERY_PRICES
from cairo.model.names import CAPACITY_PRICE, DISTRIBUTION_PRICE, HOURS, PRICE_COLUMNS, TOTAL_PRICE


@dataclass(frozen=True, eq=False)
class Prices:
    """Marginal prices of a year.

    frame : (8760,) rows of price components [$/kWh], stamps with their zone as index.
    """

    frame: pd.DataFrame

    @functools.cached_property
    def total(self) -> Float1D:
        """Sum of the components (8760,) [$/kWh]."""
        return total_price(self.frame)

    @functools.cached_property
    def delivery(self) -> Float1D:
        """Sum of delivery's components (8760,) [$/kWh]; zeros where there are none."""
        return total_price(self.frame[[name for name in DELIVERY_PRICES if name in self.frame]])

    @functools.cached_property
    def peak(self) -> Bool1D:
        """Hours with capacity or distribution cost (8760,)."""
        return peak_hours(self.frame)

    @functools.cached_property
    def components(self) -> pd.DataFrame:
        """The price components in their own order; a total among the columns is left out."""
        return self.frame[[name for name in PRICE_COLUMNS if name in self.frame]]

    @functools.cached_property
    def with_total(self) -> pd.DataFrame:
        """The components and `Total Marginal Costs ($/kWh)`, as CAIRO's functions take them."""
        return self.components.assign(**{TOTAL_PRICE: self.components.sum(axis=1)})

    def plus_distribution(self, added: Float1D) -> Prices:
        """These prices with a further distribution cost (8760,) [$/kWh]."""
        known = self.frame.get(DISTRIBUTION_PRICE)
        network = 0.0 if known is None else known.to_numpy()
        return Prices(self.frame.assign(**{DISTRIBUTION_PRICE: network + added}))


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
