"""Allocations of the residual: one table, from which columns, statistics, report and plots follow.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float1D

BAT = "BAT_"
"""Beginning of the columns of bill alignment."""
SHARE = "customer_level_residual_share_"
"""Beginning of the columns of residual shares."""


@dataclass(frozen=True)
class Bases:
    """What an allocation may be in proportion to, (n,) each, in the order of the homes.

    kwh, peak_kwh : net energy of the year and of the peak hours [kWh]; burden : economic
    burden [$].
    """

    kwh: Float1D
    peak_kwh: Float1D
    burden: Float1D

    @property
    def one(self) -> Float1D:
        """The same for every customer."""
        return np.ones(len(self.kwh))


@dataclass(frozen=True)
class Allocation:
    """A way to share the residual among customers.

    name : column of bill alignment; share : column of the residual share [$].
    label, basis_label : its name and its basis in words.
    basis : what a share is in proportion to.
    """

    name: str
    share: str
    label: str
    basis_label: str
    basis: Callable[[Bases], Float1D]


ALLOCATIONS: list[Allocation] = [
    Allocation(
        "BAT_vol",
        SHARE + "volumetric",
        "Volumetric",
        "energy used in the year",
        lambda bases: bases.kwh,
    ),
    Allocation(
        "BAT_peak",
        SHARE + "peak",
        "Peak",
        "energy used in the hours with a capacity or distribution cost",
        lambda bases: bases.peak_kwh,
    ),
    Allocation(
        "BAT_percustomer",
        SHARE + "percustomer",
        "Per customer",
        "number of customers",
        lambda bases: bases.one,
    ),
    Allocation(
        "BAT_epmc",
        SHARE + "epmc",
        "EPMC",
        "marginal cost of service (equal percentage of marginal cost)",
        lambda bases: bases.burden,
    ),
]
"""Every allocation, in the order of their columns; a script may append its own before a run."""


def share_columns() -> dict[str, str]:
    """{column of bill alignment: column of the residual share it subtracts}."""
    return {one.name: one.share for one in ALLOCATIONS}


def label(name: str) -> str:
    """An allocation in words; a column of a run made elsewhere, which has none, as it is called."""
    return next((one.label for one in ALLOCATIONS if one.name == name), name.removeprefix(BAT))


def basis_label(name: str) -> str:
    """What an allocation is in proportion to, in words."""
    known = (one.basis_label for one in ALLOCATIONS if one.name == name)
    return next(known, "a basis of its own")
