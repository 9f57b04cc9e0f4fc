"""What each subclass of customers has to pay: its marginal costs, and its share of the residual.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
"""

from __future__ import annotations

import numpy as np

from cairo.model.allocations import ALLOCATIONS, SHARE
from cairo.model.arrays import Float1D, Int1D
from cairo.model.kernels import weighted_total

PASSTHROUGH = "passthrough"
"""The method by which a subclass pays what its bills are."""


def methods() -> list[str]:
    """Ways to set subclasses' requirements: an allocation each, and `passthrough`."""
    return [*(one.share.removeprefix(SHARE) for one in ALLOCATIONS), PASSTHROUGH]


def share_column(method: str) -> str:
    """Column of the residual shares that a method goes by."""
    return f"{SHARE}{method}"


def cost_of_service(burden: Float1D, share: Float1D) -> Float1D:
    """What a customer costs (n,) [$]: EB[i,c] + share[i,c,m]."""
    return burden + share


def by_subclass(weight: Float1D, dollars: Float1D, subclass: Int1D, count: int) -> Float1D:
    """RR[k,c] = sum over i in k of w[i] dollars[i,c] [$/year].

    Parameters
    ----------
    weight : (n,) customers.
    dollars : (n,) a customer's cost of service, or its bill (`passthrough`) [$].
    subclass : (n,) place of each home's subclass, from 0.
    count : subclasses.

    Returns
    -------
    (count,); correctly rounded sums, so they do not depend on the homes' order.
    """
    places = (np.flatnonzero(subclass == one) for one in range(count))
    return np.array([weighted_total(weight[place], dollars[place]) for place in places])
