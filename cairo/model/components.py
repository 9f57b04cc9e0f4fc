"""Delivery and supply: the two components that costs, shares and bills are split into.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cairo.model import kernels
from cairo.model.allocations import ALLOCATIONS, Allocation, Bases
from cairo.model.arrays import Float1D
from cairo.model.names import DISTRIBUTION_PRICE, TOTAL_MARGINAL_COSTS
from cairo.model.revenue_requirement import cost_name

DELIVERY, SUPPLY = "delivery", "supply"
COMPONENTS = (DELIVERY, SUPPLY)
DELIVERY_PRICES = (DISTRIBUTION_PRICE,)
"""Prices of distribution, sub-transmission and bulk transmission; the others are supply's."""


def of_component(column: str, component: str) -> str:
    """Name of a component's column beside the total's."""
    return f"{column}_{component}"


def is_of_component(column: str) -> bool:
    """Whether a column is a component's."""
    return column.endswith(tuple(f"_{component}" for component in COMPONENTS))


@dataclass(frozen=True)
class ComponentCosts:
    """What a component has to collect, and its marginal costs [$/year]."""

    requirement: float
    marginal: float

    @property
    def residual(self) -> float:
        """R[c] = RR[c] - M[c]."""
        return self.requirement - self.marginal


def split_marginal(by_type: Mapping[str, float]) -> dict[str, float]:
    """{component: marginal costs} of costs by type [$/year]; supply's are the rest of the total."""
    delivery = math.fsum(by_type.get(cost_name(price), 0.0) for price in DELIVERY_PRICES)
    return {DELIVERY: delivery, SUPPLY: by_type[TOTAL_MARGINAL_COSTS] - delivery}


@dataclass(frozen=True, eq=False)
class ComponentShares:
    """Residual shares of one component's costs, an allocation at a time.

    costs : of the component. bases : (n,) each, the burden that of the component alone.
    weight : (n,) customers.
    """

    costs: ComponentCosts
    bases: Bases
    weight: Float1D

    def share(self, allocation: Allocation) -> Float1D:
        """share[i,c,m] = R[c] x[i,m] / sum w x[m]  (n,) [$]; zeros when x adds to zero."""
        return kernels.residual_share(
            self.costs.residual, allocation.basis(self.bases), self.weight
        )

    def each(self) -> Iterator[tuple[Allocation, Float1D]]:
        """Every allocation with its shares."""
        for allocation in ALLOCATIONS:
            yield allocation, self.share(allocation)
