"""Billing determinants: one long table of every home's bill, part by part.

Its rows follow from the parts of `cairo.model.bill_parts`, for many homes at once: quantities and
dollars stand in arrays (homes, months, cells of a month), and what is not zero becomes a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cairo.model.arrays import Float1D, Float2D, Float3D, FloatND, Int1D
from cairo.model.bill_parts import ITEMS, NOTHING, OTHER, BillPart, Cells
from cairo.model.names import MONTHS

SAME_DOLLARS, SAME_SHARE = 1e-9, 1e-12
"""Parts add to a bill when they are within this of it [$, share of the bill]."""
CODES = {name: code for code, name in enumerate(ITEMS)}
AT_ONCE = 200_000
"""Cells that are worked on together, so that they stay in a processor's cache."""


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

    @classmethod
    def joined(cls, blocks: Sequence[Determinants]) -> Determinants:
        """Blocks of rows, one after the other."""
        return cls(
            *(np.concatenate([getattr(one, field.name) for one in blocks]) for field in fields(cls))
        )


@dataclass(frozen=True, eq=False)
class Placed:
    """Parts of the bills of homes (m,), by their places among all."""

    place: Int1D
    parts: Sequence[BillPart]

    @property
    def width(self) -> int:
        """Cells of a month."""
        return sum(
            int(np.prod(one.quantity.shape[2:])) for part in self.parts for one in part.cells
        )


def determinants(
    bldg_ids: Int1D, tariffs: Sequence[Placed], of_all: Sequence[BillPart], bills: Float2D
) -> Determinants:
    """The table of homes (n,) whose bills (n, 12) [$] have these parts.

    Parameters
    ----------
    bldg_ids : homes, in the order of the rows; then follow months, then parts.
    tariffs : what tariffs charge, a home in at most one of them.
    of_all : parts that all homes have after them.
    bills : what a home's dollars of a month add to; what its parts lack of it is `other`.
    """
    n = len(bldg_ids)
    common = Placed(np.arange(n), of_all)
    width = max((one.width for one in tariffs), default=0)
    labels = _Labels(len(tariffs) + 1, width + common.width + 1)
    # The last is of homes whose tariff's parts are not known.
    tariff = np.full(n, len(tariffs), dtype=np.int32)
    for number, one in enumerate(tariffs):
        labels.put(number, 0, one.parts)
        tariff[one.place] = number
    labels.put(slice(None), width, of_all)
    step = max(AT_ONCE // (MONTHS * labels.width), 1)
    blocks = []
    for first in range(0, n, step):
        homes = slice(first, min(first + step, n))
        block = _Block(homes, labels.width)
        for one in tariffs:
            block.put(one, 0)
        block.put(common, width)
        block.put_other(bills[homes])
        blocks.append(block.rows(bldg_ids[homes], tariff[homes], labels))
    return Determinants.joined(blocks)


class _Labels:
    """What the cells of a month are, (tariffs, 12, width)."""

    def __init__(self, tariffs: int, width: int) -> None:
        self.width = width
        shape = (tariffs, MONTHS, width)
        months = np.arange(1, MONTHS + 1, dtype=np.int8)
        self.month = np.broadcast_to(months[:, None], shape).copy()
        self.item = np.full(shape, CODES[OTHER], dtype=np.int8)
        self.period, self.tier = (np.zeros(shape, dtype=np.int16) for _ in range(2))
        self.rate = np.full(shape, np.nan)

    def put(self, tariff: int | slice, start: int, parts: Sequence[BillPart]) -> None:
        """Those of parts, from a cell on."""
        for part in parts:
            for cells in part.cells:
                periods, tiers = cells.quantity.shape[2:]
                place = tariff, slice(None), slice(start, start + periods * tiers)
                self.item[place] = CODES[part.item]
                self.period[place] = np.repeat(np.arange(periods) + cells.period, tiers)
                self.tier[place] = np.tile(np.arange(tiers) + cells.tier, periods)
                self.rate[place] = _rates(cells)
                start += periods * tiers


class _Block:
    """Quantities and dollars of some homes, (homes, 12, width)."""

    def __init__(self, homes: slice, width: int) -> None:
        self.homes = homes
        shape = (homes.stop - homes.start, MONTHS, width)
        self.quantity, self.dollars = (np.zeros(shape) for _ in range(2))

    def put(self, given: Placed, start: int) -> None:
        """Parts of those homes that are among these, from a cell on."""
        first, last = self.homes.start, self.homes.stop
        found = np.flatnonzero((given.place >= first) & (given.place < last))
        places = given.place[found] - first
        mine: Int1D | slice = found
        place: Int1D | slice = places
        if _follow(found, last - first) and _follow(places, last - first):
            # The same homes in the same order: nothing has to be gathered.
            mine, place = slice(int(found[0]), int(found[-1]) + 1), slice(None)
        for part in given.parts:
            for cells in part.cells:
                quantity = _flat(cells.quantity, mine)
                end = start + quantity.shape[2]
                self.quantity[place, :, start:end] = quantity
                self.dollars[place, :, start:end] = (
                    quantity * _rates(cells)
                    if cells.dollars is None
                    else _flat(cells.dollars, mine)
                )
                start = end

    def put_other(self, bills: Float2D) -> None:
        """What the parts lack of bills, in the last cell."""
        lacking = bills.copy()
        for cell in range(self.dollars.shape[2]):
            lacking -= self.dollars[:, :, cell]
        same = np.maximum(SAME_DOLLARS, SAME_SHARE * np.abs(bills))
        other = np.where(np.abs(lacking) > same, lacking, 0.0)
        self.quantity[:, :, -1] = self.dollars[:, :, -1] = other

    def rows(self, bldg_ids: Int1D, tariff: np.ndarray, labels: _Labels) -> Determinants:
        """Cells with a quantity; where there is none there are no dollars either."""
        kept = np.abs(self.quantity) > NOTHING
        month_cells = np.arange(MONTHS * labels.width, dtype=np.int32)
        label = tariff[:, None] * np.int32(len(month_cells)) + month_cells
        kept = kept.reshape(label.shape)
        place, label = np.flatnonzero(kept), label[kept]
        return Determinants(
            np.repeat(bldg_ids, np.count_nonzero(kept, axis=1)),
            labels.month.take(label),
            labels.item.take(label),
            labels.period.take(label),
            labels.tier.take(label),
            self.quantity.take(place),
            labels.rate.take(label),
            self.dollars.take(place),
        )


def _follow(numbers: Int1D, count: int) -> bool:
    """Whether these are so many numbers one after the other."""
    return len(numbers) == count and bool((np.diff(numbers) == 1).all())


def _rates(cells: Cells) -> Float2D:
    """Prices by month and cell, (12, P x T)."""
    shape = (MONTHS, *cells.quantity.shape[2:])
    rates: Float2D = np.broadcast_to(cells.rate, shape).reshape(MONTHS, -1)
    return rates


def _flat(values: FloatND, homes: Int1D | slice) -> Float3D:
    """Values (n or 1, 12 or 1, P, T) of some homes, (those or 1, 12 or 1, P x T)."""
    some = values if len(values) == 1 else values[homes]
    flat: Float3D = some.reshape(*some.shape[:2], values.shape[2] * values.shape[3])
    return flat
