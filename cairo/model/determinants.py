"""Billing determinants: one long table of every home's bill, part by part.

Its rows follow from the parts of `cairo.model.bill_parts`, for all homes at once: quantities and
dollars stand in arrays (homes, months, cells of a month), and what is not zero becomes a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float1D, Float2D, Float3D, FloatND, Int1D
from cairo.model.bill_parts import ITEMS, OTHER, BillPart, Cells, of_month
from cairo.model.names import MONTHS

NOTHING = 1e-10
"""A quantity or amount up to this is the rounding of sums, and no row [kWh, kW, $]."""
SAME_DOLLARS, SAME_SHARE = 1e-9, 1e-12
"""Parts add to a bill when they are within this of it [$, share of the bill]."""
CODES = {name: code for code, name in enumerate(ITEMS)}


@dataclass(frozen=True, eq=False)
class Determinants:
    """A row a home, month, item, period and tier; (rows,) each.

    bldg_id. month : from 1. item : place in `ITEMS`. period, tier : from 1, 0 where the item has
    none. quantity : in the item's unit. rate : [$ per unit], NaN where there is none. dollars :
    what it adds to the bill [$].
    """

    bldg_id: Int1D
    month: np.ndarray
    item: np.ndarray
    period: np.ndarray
    tier: np.ndarray
    quantity: Float1D
    rate: Float1D
    dollars: Float1D


@dataclass(frozen=True, eq=False)
class Billed:
    """Parts of the bills of homes (m,), by their places among all."""

    place: Int1D
    parts: Sequence[BillPart]


def determinants(
    bldg_ids: Int1D, tariffs: Sequence[Billed], of_all: Sequence[BillPart], bills: Float2D
) -> Determinants:
    """The table of homes (n,) whose bills (n, 12) [$] have these parts.

    Parameters
    ----------
    bldg_ids : homes, in the order of the rows; then follow months, then parts.
    tariffs : what tariffs charge, a home in at most one of them.
    of_all : parts that all homes have after them.
    bills : what a home's dollars of a month add to; what its parts lack of it is `other`.
    """
    width = max((_width(one.parts) for one in tariffs), default=0)
    table = _Table(len(bldg_ids), width + _width(of_all) + 1, len(tariffs))
    for number, one in enumerate(tariffs):
        table.put(one.place, number, 0, one.parts)
    everybody = np.arange(len(bldg_ids))
    table.put(everybody, None, width, of_all)
    lacking = bills - table.dollars.sum(axis=2)
    same = np.maximum(SAME_DOLLARS, SAME_SHARE * np.abs(bills))
    other = of_month(np.where(np.abs(lacking) > same, lacking, 0.0))
    rest = BillPart(OTHER, lacking, (Cells(other, np.nan, other),))
    table.put(everybody, None, width + _width(of_all), [rest])
    return table.rows(bldg_ids)


def _width(parts: Sequence[BillPart]) -> int:
    """Cells of a month."""
    return sum(int(np.prod(one.quantity.shape[2:])) for part in parts for one in part.cells)


class _Table:
    """Quantities and dollars (n, 12, width), and what each cell of a tariff's month is."""

    def __init__(self, homes: int, width: int, tariffs: int) -> None:
        self.quantity, self.dollars = (np.zeros((homes, MONTHS, width)) for _ in range(2))
        # The last is of homes whose tariff's parts are not known.
        shape = (tariffs + 1, MONTHS, width)
        self.tariff = np.full(homes, tariffs)
        self.item = np.zeros(shape, dtype=np.int8)
        self.period, self.tier = (np.zeros(shape, dtype=np.int16) for _ in range(2))
        self.rate = np.zeros(shape)

    def put(self, place: Int1D, tariff: int | None, start: int, parts: Sequence[BillPart]) -> None:
        """Parts of homes in places, from a cell on; of one tariff, or whatever it is."""
        whole = len(place) == len(self.tariff) and bool((np.diff(place) == 1).all())
        homes = slice(None) if whole else place
        labels = slice(None) if tariff is None else tariff
        if tariff is not None:
            self.tariff[homes] = tariff
        for part in parts:
            for cells in part.cells:
                periods, tiers = cells.quantity.shape[2:]
                end = start + periods * tiers
                rate = np.broadcast_to(cells.rate, (MONTHS, periods, tiers)).reshape(MONTHS, -1)
                quantity = _flat(cells.quantity, len(place))
                dollars = quantity * rate
                if cells.dollars is not None:
                    dollars = _flat(cells.dollars, len(place))
                self.quantity[homes, :, start:end] = quantity
                self.dollars[homes, :, start:end] = dollars
                self.item[labels, :, start:end] = CODES[part.item]
                self.period[labels, :, start:end] = np.repeat(np.arange(periods), tiers)
                self.period[labels, :, start:end] += cells.period
                self.tier[labels, :, start:end] = np.tile(np.arange(tiers), periods)
                self.tier[labels, :, start:end] += cells.tier
                self.rate[labels, :, start:end] = rate
                start = end

    def rows(self, bldg_ids: Int1D) -> Determinants:
        """Cells that are not zero."""
        _, months, width = self.quantity.shape
        kept = (np.abs(self.quantity) > NOTHING) | (np.abs(self.dollars) > NOTHING)
        cell = np.arange(months * width, dtype=np.int32)
        of_tariff = self.tariff.astype(np.int32) * np.int32(months * width)
        place = (of_tariff[:, None] + cell).reshape(kept.shape)[kept]
        month = np.arange(1, MONTHS + 1, dtype=np.int8)[:, None]
        return Determinants(
            np.repeat(bldg_ids, kept.sum(axis=(1, 2))),
            np.broadcast_to(month, self.item.shape).reshape(-1)[place],
            self.item.reshape(-1)[place],
            self.period.reshape(-1)[place],
            self.tier.reshape(-1)[place],
            self.quantity[kept],
            self.rate.reshape(-1)[place],
            self.dollars[kept],
        )


def _flat(values: FloatND, homes: int) -> Float3D:
    """Values (n or 1, 12 or 1, P, T) as (n, 12, P x T)."""
    flat: Float3D = np.broadcast_to(values, (homes, MONTHS, *values.shape[2:])).reshape(
        homes, MONTHS, -1
    )
    return flat
