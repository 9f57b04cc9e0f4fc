"""Utility tax and energy surcharge: bill x (1 + tax) + kWh x surcharge."""

from __future__ import annotations

from cairo.model.arrays import Float2D
from cairo.model.bill_parts import SURCHARGE, TAX, BillPart, Cells, of_month


def bills_with_taxes(
    bills: Float2D, grid_kwh: Float2D, tax_rate: float, surcharge_rate: float
) -> Float2D:
    """Bills (n, 12) [$] with what is added to them.

    Parameters
    ----------
    bills : (n, 12) before taxes [$].
    grid_kwh : (n, 12) billed energy [kWh].
    tax_rate : fraction of the bill; surcharge_rate : [$/kWh].
    """
    taxed: Float2D = bills * (1.0 + tax_rate) + grid_kwh * surcharge_rate
    return taxed


def tax_parts(
    bills: Float2D, grid_kwh: Float2D, tax_rate: float, surcharge_rate: float
) -> list[BillPart]:
    """What they add, arguments as `bills_with_taxes`."""
    given = (TAX, bills, tax_rate), (SURCHARGE, grid_kwh, surcharge_rate)
    return [
        BillPart(item, quantity * rate, (Cells(of_month(quantity), rate),))
        for item, quantity, rate in given
        if rate
    ]
