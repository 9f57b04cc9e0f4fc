"""Parts of bills: what each item adds to a month's bill, as quantities and prices.

`cairo.model.bills` makes them, and a bill is their sum. What is added to bills after a tariff's
own charges, such as taxes, are parts too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float2D, Float4D, FloatND

MONTH, KWH, KW, DOLLARS = "month", "kWh", "kW", "$"
UNITS = (MONTH, KWH, KW, DOLLARS)
NOTHING = 1e-10
"""A quantity or amount up to this is the rounding of sums [kWh, kW, $]."""


@dataclass(frozen=True)
class Item:
    """An item of a bill: the unit of its quantity, its name and what it is in words."""

    unit: str
    label: str
    about: str


FIXED, ENERGY, FUEL, DEMAND, CREDIT = (
    "fixed",
    "energy",
    "fuel_adjustment",
    "demand",
    "export_credit",
)
CARRIED = "carried_credit"
MINIMUM, ANNUAL_MINIMUM, PEAK = "minimum", "annual_minimum", "peak"
TAX, SURCHARGE, ASSISTANCE, RIDER, OTHER = (
    "tax",
    "surcharge",
    "assistance",
    "assistance_rider",
    "other",
)

ITEMS: dict[str, Item] = {
    FIXED: Item(MONTH, "fixed charge", "what every month costs"),
    ENERGY: Item(KWH, "energy", "energy billed, by period and tier"),
    FUEL: Item(KWH, "fuel adjustment", "fuel adjustment of the month's energy"),
    DEMAND: Item(
        KW, "demand", "demand billed, by demand period and tier; period 0 is the flat charge"
    ),
    CREDIT: Item(
        KWH, "export credit", "energy sent to the grid where it is credited, by period; negative"
    ),
    CARRIED: Item(
        DOLLARS,
        "carried credit",
        "net metering credits that pay energy of the month, and what is settled; negative",
    ),
    MINIMUM: Item(DOLLARS, "monthly minimum", "what the monthly minimum adds"),
    ANNUAL_MINIMUM: Item(DOLLARS, "annual minimum", "what the annual minimum adds, in December"),
    TAX: Item(DOLLARS, "tax", "utility tax on the bill before it"),
    SURCHARGE: Item(KWH, "surcharge", "energy surcharge"),
    ASSISTANCE: Item(DOLLARS, "assistance", "low-income assistance, negative"),
    RIDER: Item(KWH, "assistance rider", "what customers pay for the assistance of others"),
    OTHER: Item(DOLLARS, "other", "what a bill made elsewhere has besides"),
    PEAK: Item(KW, "highest hour", "the month's highest hour; costs nothing by itself"),
}
"""Every item, in the order of a bill."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Quantities of an item by period and tier, with their prices.

    quantity : (n, 12, P, T), or what broadcasts to it.
    rate : (12, P, T), or what broadcasts to it [$ per unit]; NaN where there is none.
    dollars : as quantity [$]; None where it is quantity x rate.
    period, tier : number of the first, 0 where the item has none.
    """

    quantity: Float4D
    rate: FloatND | float
    dollars: Float4D | None = None
    period: int = 0
    tier: int = 0


@dataclass(frozen=True, eq=False)
class BillPart:
    """An item of n customers' bills.

    monthly : what it adds to each bill, (n, 12) or (12,) or one number [$], credits negative.
    cells : what that is made of.
    """

    item: str
    monthly: FloatND | float
    cells: tuple[Cells, ...]


def added(parts: Iterable[BillPart]) -> Float2D:
    """Sum of parts (n, 12) [$], one after the other."""
    first, *rest = parts
    total = first.monthly
    for part in rest:
        total = total + part.monthly
    return np.asarray(total)


def of_month(values: Float2D) -> Float4D:
    """Values (n, 12) of an item without periods and tiers, as `Cells` take them."""
    cells: Float4D = values[:, :, None, None]
    return cells
