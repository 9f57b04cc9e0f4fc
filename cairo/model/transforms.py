"""Changes to hourly loads before anything is asked of them: one chain, the same for every backend.

A transform works in place on the load columns of some homes, in the target year's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cairo.model import kernels
from cairo.model.arrays import Float2D, Int1D
from cairo.model.names import GENERATION, GROSS_LOAD, NET_LOAD

ELECTRIC = (GROSS_LOAD, GENERATION, NET_LOAD)
"""Load columns that are electric energy [kWh]."""


class Transform(Protocol):
    """A change to the hours of some homes."""

    def apply(self, hours: Mapping[str, Float2D], bldg_ids: Int1D) -> None:
        """Change the load columns in place.

        Parameters
        ----------
        hours : {load column: (n, 8760) [kWh, gas in therms]}; those asked for are there.
        bldg_ids : (n,).
        """


@dataclass(frozen=True)
class Scale:
    """Electric energies times a factor, so that the stock meets a utility's sales."""

    factor: float

    def apply(self, hours: Mapping[str, Float2D], bldg_ids: Int1D) -> None:
        """Scale gross load, generation and net load."""
        for name in ELECTRIC:
            if name in hours:
                np.multiply(hours[name], self.factor, out=hours[name])


@dataclass(frozen=True)
class Floor:
    """Negative net load counts as zero, hour by hour."""

    def apply(self, hours: Mapping[str, Float2D], bldg_ids: Int1D) -> None:
        """Floor net load."""
        if NET_LOAD in hours:
            kernels.grid_consumption(hours[NET_LOAD], out=hours[NET_LOAD])
