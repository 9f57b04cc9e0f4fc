"""The formulas of the pass over hourly loads and of the bill alignment test, in NumPy alone.

Arrays of loads are `(n, 8760)`: one row a building, hours in calendar order, kWh per hour
(kW on average). A row's result depends on that row alone, never on which buildings stand
beside it, and sums over buildings are taken in an order that the buildings' positions fix;
both make results the same to the bit however the stock is partitioned.

References
----------
.. [1] Simeone, C.E., Gagnon, P., Cappers, P., Satchwell, A. (2023). The bill alignment test:
   identifying trade-offs with residential rate design options. Utilities Policy 82, 101539.
   https://doi.org/10.1016/j.jup.2023.101539
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from cairo.model.arrays import Bool1D, Float1D, Float2D, FloatND, Int1D

Nodes: TypeAlias = dict[tuple[int, int], Float1D]
"""Partial sums of a fixed binary tree over buildings, keyed by (level, index): the node covers
the buildings at positions index x 2**level up to, not including, (index + 1) x 2**level."""


# Net load, grid consumption and solar, hour by hour


def net_load(load: FloatND, pv: FloatND, out: FloatND | None = None) -> FloatND:
    """Load net of a building's own PV [kWh], for one building's hours.

    Parameters
    ----------
    load : gross consumption [kWh].
    pv : generation [kWh], of either sign: ResStock releases store it negative or positive. The
        sign that carries its energy is generation, hours of the other sign are use (an inverter
        at night).
    out : where to write the result.
    """
    if pv.sum() < 0.0:
        return np.add(load, pv, out=out)
    return np.subtract(load, pv, out=out)


def generation(pv: FloatND) -> FloatND:
    """Generation [kWh], from 0, of rows (..., 8760) stored with either sign; no losses in it."""
    negative = pv.sum(axis=-1, keepdims=True) < 0.0
    return np.where((pv < 0.0) == negative, np.abs(pv), 0.0)


def loss_share(pv: Float1D) -> float:
    """Share of a row's energy that has the other sign than its generation, 0 to 0.5."""
    if pv.min() >= 0.0 or pv.max() <= 0.0:
        return 0.0
    with np.errstate(over="ignore"):
        energy = float(np.abs(pv).sum())
    if not math.isfinite(energy):
        return 0.5
    return (energy - abs(float(pv.sum()))) / (2.0 * energy) if energy > 0.0 else 0.0


def negative_share(energy: Float1D) -> float:
    """Share of a row's energy that is below zero, 0 to 1."""
    if energy.min() >= 0.0:
        return 0.0
    with np.errstate(over="ignore"):
        total = float(np.abs(energy).sum())
    return -float(np.minimum(energy, 0.0).sum()) / total if math.isfinite(total) else 0.5


def grid_consumption(net: FloatND, out: FloatND | None = None) -> FloatND:
    """Energy taken from the grid [kWh]: the net load where it is positive."""
    return np.maximum(net, 0.0, out=out)


def net_exports(load: FloatND, pv: FloatND) -> FloatND:
    """Generation beyond the building's own use in the hour [kWh]; `pv` of either sign."""
    return np.maximum(generation(pv) - load, 0.0)


def self_consumption(load: FloatND, pv: FloatND) -> FloatND:
    """Generation used in the building in the hour [kWh]; `pv` of either sign."""
    return np.minimum(generation(pv), load)


# A building's own sums


def economic_burden(load: Float2D, price: Float1D) -> Float1D:
    """Annual marginal cost of serving each customer [$].

    Parameters
    ----------
    load : (n, 8760) net load [kWh].
    price : (8760,) total marginal price [$/kWh].

    Notes
    -----
    Product then pairwise sum, not a matrix product: BLAS picks its summation order by shape,
    and a row's bits would depend on its neighbours. Simeone et al. (2023) [1]_.
    """
    burden: Float1D = (load * price).sum(axis=1)
    return burden


def annual_energy(load: Float2D) -> Float1D:
    """Energy of the year [kWh] of each row of `load` (n, 8760)."""
    energy: Float1D = load.sum(axis=1)
    return energy


def peak_hours(capacity_price: Float1D, distribution_price: Float1D) -> Bool1D:
    """Hours in which capacity and distribution marginal costs together are above zero."""
    return capacity_price + distribution_price > 0.0


def peak_energy(load: Float2D, peak: Bool1D) -> Float1D:
    """Energy in the peak hours [kWh] of each row of `load` (n, 8760); zeros when none is peak."""
    energy: Float1D = np.take(load, np.flatnonzero(peak), axis=1).sum(axis=1)
    return energy


def group_sums(hourly: Float2D, order: Int1D | None, starts: Int1D) -> Float2D:
    """Sum of each row over groups of hours.

    Parameters
    ----------
    hourly : (n, 8760).
    order : (8760,) hours sorted by group, or None when they are already.
    starts : (g,) where each group starts in that order; no group is empty.

    Returns
    -------
    (n, g), in the unit of `hourly`.
    """
    return np.add.reduceat(_ordered(hourly, order), starts, axis=1)


def group_peaks(hourly: Float2D, order: Int1D | None, starts: Int1D) -> Float2D:
    """Highest hour of each row in each group of hours; arguments as `group_sums`."""
    return np.maximum.reduceat(_ordered(hourly, order), starts, axis=1)


def _ordered(hourly: Float2D, order: Int1D | None) -> Float2D:
    return hourly if order is None else np.take(hourly, order, axis=1)


# Sums over buildings


def weighted_nodes(load: Float2D, weight: Float1D, position: Int1D) -> Nodes:
    """Partial sums of weight x load over some buildings, hour by hour.

    Parameters
    ----------
    load : (n, 8760) [kWh].
    weight : (n,) customers each building stands for.
    position : (n,) each building's place in the whole stock, increasing.

    Returns
    -------
    The nodes of the stock's tree that these buildings complete; merge all partitions' with
    `merge_nodes` and read the total with `nodes_total`.
    """
    nodes: Nodes = {}
    for row, w, place in zip(load, weight, position, strict=True):
        _insert(nodes, 0, int(place), row * w)
    return nodes


def merge_nodes(parts: Iterable[Nodes]) -> Nodes:
    """Join partial sums; the result does not depend on the order or the grouping of parts."""
    merged: Nodes = {}
    for part in parts:
        for (level, index), value in part.items():
            _insert(merged, level, index, value)
    return merged


def nodes_total(nodes: Nodes) -> Float1D:
    """Sum over all buildings, (8760,), widest nodes first."""
    if not nodes:
        raise ValueError("no buildings to sum over")
    total: Float1D | None = None
    for key in sorted(nodes, reverse=True):
        total = nodes[key] if total is None else total + nodes[key]
    assert total is not None
    return total


def _insert(nodes: Nodes, level: int, index: int, value: Float1D) -> None:
    while (sibling := nodes.pop((level, index ^ 1), None)) is not None:
        value = value + sibling
        level, index = level + 1, index >> 1
    nodes[level, index] = value


def weighted_total(weight: FloatND, value: FloatND) -> float:
    """Sum of weight x value over buildings, correctly rounded, so free of their order."""
    return math.fsum((np.asarray(weight) * np.asarray(value)).ravel().tolist())


# Cross-subsidization


def marginal_costs(price: FloatND, hourly_demand: Float1D) -> FloatND:
    """Marginal cost of the system in each hour [$]: price [$/kWh] x demand [kWh]."""
    return (price.T * hourly_demand).T


def residual_share(residual: float, basis: Float1D, weight: Float1D) -> Float1D:
    """Each customer's share of the residual, in proportion to a basis [$].

    Parameters
    ----------
    residual : revenue requirement less marginal costs of the whole system [$].
    basis : (n,) what the share is proportional to: annual kWh (volumetric), kWh in peak
        hours (peak), one (per customer) or economic burden (equi-proportional, EPMC).
    weight : (n,) customers.

    Notes
    -----
    sum(weight x share) is the residual for every basis. Zeros when the basis adds to zero.
    Simeone et al. (2023) [1]_.
    """
    total = weighted_total(weight, basis)
    return residual * basis / total if total != 0.0 else np.zeros_like(basis)


def bill_alignment(bill: Float1D, burden: Float1D, share: Float1D) -> Float1D:
    """Bill alignment [$]: annual bill less economic burden less residual share.

    Above zero the customer pays more than its allocated cost. Simeone et al. (2023) [1]_.
    """
    return bill - (burden + share)
