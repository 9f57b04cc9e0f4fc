"""System hourly demand: what is mapped, what is reduced."""

from __future__ import annotations

from collections.abc import Iterable

from cairo.model import kernels
from cairo.model.arrays import Float1D, Float2D, Int1D
from cairo.model.kernels import Nodes


def chunk(net: Float2D, weight: Float1D, position: Int1D) -> Nodes:
    """Partial sums of weight x net load of one partition's buildings."""
    return kernels.weighted_nodes(net, weight, position)


def combine(parts: Iterable[Nodes]) -> Nodes:
    """Partial sums of several partitions, joined in the order the buildings fix."""
    return kernels.merge_nodes(parts)


def finalize(nodes: Nodes) -> Float1D:
    """System hourly demand (8760,) [kWh]."""
    return kernels.nodes_total(nodes)
