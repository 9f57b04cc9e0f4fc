"""Bills of customers on one tariff, from their use by month and period: every bill formula.

Arrays have a row a customer; months, tariff periods and tiers follow: (n, 12, P, T). A bill is
energy charge + fuel adjustment + demand charge + fixed charge - solar credit, at least the monthly
minimum; what the year's bills lack of the annual minimum is charged in December. Each of these is
a `BillPart`, which says what was billed at which price. Where net metering credits are carried from
month to month they pay energy charges alone (`model.rollover`).
`tests/test_pysam_yardstick.py` holds them against SAM; `docs/pysam.md` names the conventions that
differ from its own.

References
----------
.. [1] Utility Rate Database (OpenEI), rate structure fields.
.. [2] System Advisor Model, Electricity Rates (PySAM `Utilityrate5`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cairo.model.arrays import Float1D, Float2D, Float3D, Float4D, FloatND, Int1D
from cairo.model.bill_parts import (
    ANNUAL_MINIMUM,
    CARRIED,
    CREDIT,
    DEMAND,
    ENERGY,
    FIXED,
    FUEL,
    MINIMUM,
    NOTHING,
    PEAK,
    BillPart,
    Cells,
    added,
    of_month,
)
from cairo.model.demand_charges import billed_demand
from cairo.model.names import DAYS_OF_MONTH
from cairo.model.periods import PeriodUse
from cairo.model.rollover import Carried, carried_energy
from cairo.model.tariff import BUY_ALL, Tariff
from cairo.model.tariff_rows import NO_LIMIT
from cairo.model.tiers import fill_tiers

SolarStyle = Literal["net_metering", "net_billing"]


@dataclass(frozen=True)
class CustomerUse:
    """Everything a tariff bills of its customers.

    bldg_ids : (n,).
    energy : (n, 12, P, T) billed energy by tier [kWh, or therms for gas].
    peak_kw : (n, 12) month's highest hour [kW]; demand_kw : (n, 12, D) by demand period.
    exports : (n, 12, P) energy sent to the grid [kWh]; all generation with two meters.
    """

    bldg_ids: Int1D
    energy: Float4D
    peak_kw: Float2D | None = None
    demand_kw: Float3D | None = None
    exports: Float3D | None = None


def customer_use(use: PeriodUse, table: Tariff) -> CustomerUse:
    """Use by month and period, with its energy split over the tariff's tiers."""
    energy = fill_tiers(use.billed, table, use.peak_kw)
    return CustomerUse(use.bldg_ids, energy, use.peak_kw, use.demand_kw, use.exports)


def energy_charges(energy: Float4D, rate: Float2D) -> Float2D:
    """Energy charge (n, 12) [$]: sum over periods and tiers of energy x rate (P, T) [$/kWh]."""
    customers, year = energy.shape[:2]
    charges: Float2D = (energy * rate).reshape(customers, year, -1).sum(axis=2)
    return charges


def adjustment_charges(energy: Float4D, adjustment: Float1D) -> Float2D:
    """Fuel adjustment (n, 12) [$]: the month's energy x its adjustment (12,) [$/kWh]."""
    customers, year = energy.shape[:2]
    charges: Float2D = energy.reshape(customers, year, -1).sum(axis=2) * adjustment
    return charges


def demand_charges(use: CustomerUse, table: Tariff) -> Float2D:
    """Demand charge (n, 12) [$]: monthly peaks [kW], tier by tier, x price [$/kW]."""
    return _demand_dollars(use, demand_cells(use, table))


def _demand_dollars(use: CustomerUse, demand: Iterable[Cells]) -> Float2D:
    total = np.zeros(use.energy.shape[:2])
    for cells in demand:
        total = total + (cells.quantity * cells.rate).sum(axis=-1).sum(axis=2)
    return total


def demand_cells(use: CustomerUse, table: Tariff) -> tuple[Cells, ...]:
    """Demand that is billed [kW], by period and tier, with its prices [$/kW].

    The flat part (period 0) bills the month's peak, the time-of-use part each demand period's own;
    with terms of billing demand both bill that (`billed_demand`).
    """
    demand = table.demand
    if demand is None:
        return ()
    assert use.peak_kw is not None
    peak_kw, demand_kw = use.peak_kw, use.demand_kw
    if demand.billing is not None:
        assert demand_kw is not None
        peak_kw, demand_kw = billed_demand(peak_kw, demand_kw, demand.billing)
    cells = []
    if demand.flat_price.any():
        slices = _tiered(peak_kw, demand.flat_max)
        cells.append(Cells(slices[:, :, None], demand.flat_price[:, None], tier=1))
    if demand_kw is not None and demand.tou_price.size:
        slices = _tiered(demand_kw, demand.tou_max)
        cells.append(Cells(slices, demand.tou_price, period=1, tier=1))
    return tuple(cells)


def _tiered(quantity: FloatND, limit: Float2D) -> FloatND:
    """Quantity (..., k) split over tiers with limits (k, T): (..., k, T)."""
    upper = np.where(limit >= NO_LIMIT, np.inf, limit)
    upper[:, -1] = np.inf
    lower = np.concatenate([np.zeros_like(upper[:, :1]), upper[:, :-1]], axis=1)
    slices: FloatND = np.maximum(np.minimum(quantity[..., None], upper) - lower, 0.0)
    return slices


def credit_prices(
    table: Tariff, sell: Float2D | None, style: SolarStyle | None
) -> tuple[Float1D, bool]:
    """(price or ratio (P,) of an exported kWh, whether it multiplies the retail rate).

    Exports are credited at the first tier. Without a style or a sell rate nothing is credited.
    """
    if style is None or sell is None:
        return np.zeros(table.n_periods), False
    return sell[:, 0], style == "net_metering"


def solar_credits(
    use: CustomerUse,
    table: Tariff,
    sell: Float2D | None,
    style: SolarStyle | None,
) -> Float2D:
    """Credit (n, 12) [$] for exports: retail rate x ratio (net metering) or sell price.

    The month's fuel adjustment is part of the retail rate.
    """
    if use.exports is None:
        return np.zeros(use.energy.shape[:2])
    price, of_retail = credit_prices(table, sell, style)
    credit = price * table.rate[:, 0] if of_retail else price
    credited: Float2D = (use.exports * credit).sum(axis=2)
    if of_retail:
        credited = credited + (use.exports * price).sum(axis=2) * table.fuel_adjustment
    return credited


def with_minimum(charges: Float2D, table: Tariff) -> Float2D:
    """Monthly bills (n, 12) [$] after the minimum charges.

    Each month at least the monthly minimum; the year's shortfall of the annual minimum is
    added to December.
    """
    months = np.maximum(charges, table.monthly_min) if table.monthly_min > 0.0 else charges.copy()
    if table.annual_min > 0.0:
        months[:, -1] += np.maximum(table.annual_min - months.sum(axis=1), 0.0)
    return months


def two_meters(table: Tariff, style: str | None) -> bool:
    """Whether all use is bought and all generation sold."""
    return table.metering_option == BUY_ALL and style == "net_billing"


def carries(table: Tariff, style: str | None) -> bool:
    """Whether net metering credits are carried from month to month."""
    return table.rollover is not None and style == "net_metering"


def carried_use(use: CustomerUse, table: Tariff) -> tuple[CustomerUse, Float4D, Float1D]:
    """(use that is charged, surplus that is sold (n, 12, P, T) [kWh], kWh left at the settlement).

    Net use fills the tiers, and so does a surplus.
    """
    assert table.rollover is not None
    net = use.energy.sum(axis=3) - (0.0 if use.exports is None else use.exports)
    charged, left = carried_energy(net, table.rollover)
    sold = np.maximum(-net, 0.0) if table.rollover.dollars else np.zeros_like(net)
    return replace(use, energy=fill_tiers(charged, table)), fill_tiers(sold, table), left


def carried_credits(
    use: CustomerUse, table: Tariff, relative: Float2D, sell: Float2D | None
) -> Carried:
    """Charges and credits of customers whose credits are carried, when rate = level x relative.

    In dollars a surplus earns the tariff's own sell rates, where it has any, else the ratio `sell`
    (P, T) of the retail rate.
    """
    terms, fuel = table.rollover, table.fuel_adjustment
    assert terms is not None
    charged, sold, left = carried_use(use, table)
    charge = energy_charges(charged.energy, relative), adjustment_charges(charged.energy, fuel)
    earned = np.zeros_like(charge[0]), np.zeros_like(charge[0])
    if table.sell.any():
        earned = earned[0], energy_charges(sold, table.sell)
    elif sell is not None:
        earned = energy_charges(sold, sell * relative), adjustment_charges(sold * sell, fuel)
    return Carried(*charge, *earned, left, terms)


def charge_parts(use: CustomerUse, table: Tariff) -> list[BillPart]:
    """What a tariff charges, before its minimum charges and credits; arguments as `billed`."""
    return [
        BillPart(
            ENERGY,
            energy_charges(use.energy, table.rate),
            (Cells(use.energy, table.rate, period=1, tier=1),),
        ),
        _fuel_part(use, table),
        *standing_parts(use, table),
    ]


def standing_parts(use: CustomerUse, table: Tariff) -> list[BillPart]:
    """Charges that no rate of energy changes: bills and calibration both take them from here."""
    demand = demand_cells(use, table)
    return [
        BillPart(DEMAND, _demand_dollars(use, demand), demand),
        BillPart(FIXED, table.monthly_fixed, (Cells(np.ones((1, 1, 1, 1)), table.monthly_fixed),)),
    ]


def _carried_parts(
    use: CustomerUse, table: Tariff, sell: Float2D | None
) -> tuple[list[BillPart], list[BillPart]]:
    """(charges and the credits that pay them, what is settled after minimum charges)."""
    credits = carried_credits(use, table, table.rate, sell)
    energy, paid = credits.settled(1.0)
    charged, _, _ = carried_use(use, table)
    applied = energy - (credits.charge_slope + credits.charge_constant)
    return [*charge_parts(charged, table), _carried_part(applied)], [_carried_part(-paid)]


def _carried_part(dollars: Float2D) -> BillPart:
    cells = Cells(of_month(np.abs(dollars)), np.nan, of_month(dollars))
    return BillPart(CARRIED, dollars, (cells,))


def _fuel_part(use: CustomerUse, table: Tariff) -> BillPart:
    price = table.fuel_adjustment
    if not price.any():
        return BillPart(FUEL, 0.0, ())
    energy = use.energy.sum(axis=(2, 3), keepdims=True)
    charges = adjustment_charges(use.energy, price)
    return BillPart(FUEL, charges, (Cells(energy, price[:, None, None]),))


def _credit_part(
    use: CustomerUse, table: Tariff, sell: Float2D | None, style: SolarStyle | None
) -> BillPart:
    if use.exports is None or style is None:
        return BillPart(CREDIT, 0.0, ())
    price, of_retail = credit_prices(table, sell, style)
    rate = np.broadcast_to(price, (len(DAYS_OF_MONTH), len(price)))
    if of_retail:
        rate = price * (table.rate[:, 0] + table.fuel_adjustment[:, None])
    cells = Cells(use.exports[..., None], 0.0 - rate[..., None], period=1)
    return BillPart(CREDIT, -solar_credits(use, table, sell, style), (cells,))


def minimum_parts(charges: Float2D, table: Tariff) -> list[BillPart]:
    """What the minimum charges add to charges (n, 12) [$], see `with_minimum`."""
    if table.monthly_min <= 0.0 and table.annual_min <= 0.0:
        return []
    monthly = with_minimum(charges, replace(table, annual_min=0.0))
    parts = []
    for item, least, more in (
        (MINIMUM, table.monthly_min, monthly - charges),
        (ANNUAL_MINIMUM, table.annual_min, with_minimum(charges, table) - monthly),
    ):
        if least > 0.0:
            quantity = np.where(more > NOTHING, least, 0.0)
            parts.append(BillPart(item, more, (Cells(of_month(quantity), np.nan, of_month(more)),)))
    return parts


@dataclass(frozen=True, eq=False)
class Billed:
    """Bills of customers on one tariff, with their parts.

    bldg_ids : (n,). monthly : (n, 12) [$]. parts : what adds to it, and the peaks that some parts
    are of.
    """

    bldg_ids: Int1D
    monthly: Float2D
    parts: Sequence[BillPart]


def billed(
    use: CustomerUse,
    table: Tariff,
    sell: Float2D | None = None,
    style: SolarStyle | None = None,
) -> Billed:
    """Bills of customers on one tariff, the sum of their parts.

    Parameters
    ----------
    use : what they used.
    table : tariff, with its final rates.
    sell : (P, T) export ratio (net metering) or sell price [$/kWh] (net billing).
    style : solar compensation; None credits nothing.
    """
    later: list[BillPart] = []
    if carries(table, style):
        parts, later = _carried_parts(use, table, sell)
    else:
        parts, credit = charge_parts(use, table), _credit_part(use, table, sell, style)
        # With two meters what is sold has an account of its own.
        (later if two_meters(table, style) else parts).append(credit)
    charges = added(parts)
    monthly = with_minimum(charges, table)
    if later:
        monthly = monthly + added(later)
    parts += [*minimum_parts(charges, table), *later]
    if use.peak_kw is not None:
        free = np.zeros((1, 1, 1, 1))
        parts.append(BillPart(PEAK, 0.0, (Cells(of_month(use.peak_kw), np.nan, free),)))
    return Billed(use.bldg_ids, monthly, parts)


def monthly_bills(
    use: CustomerUse,
    table: Tariff,
    sell: Float2D | None = None,
    style: SolarStyle | None = None,
) -> Float2D:
    """Bills (n, 12) [$] of customers on one tariff, arguments as `billed`."""
    return billed(use, table, sell, style).monthly


@dataclass(frozen=True)
class RateResponse:
    """Bills of one tariff's customers as a function of its rate level u.

    Before minimum charges a month's bill is slope x u + constant; where credits are carried it is
    their energy charges + constant.

    slope : (n, 12) [$ per $/kWh]; constant : (n, 12) [$]; weight : (n,) customers;
    monthly_min, annual_min : [$]. carried : None when credits are not. sold : (n, 12) [$] of
    generation, credited after minimum charges; None without.
    """

    slope: Float2D
    constant: Float2D
    weight: Float1D
    monthly_min: float
    annual_min: float
    carried: Carried | None = None
    sold: Float2D | None = None


def rate_response(
    use: CustomerUse,
    table: Tariff,
    relative: Float2D,
    weight: Float1D,
    sell: Float2D | None = None,
    style: SolarStyle | None = None,
) -> RateResponse:
    """How bills answer to the rate level when rate (P, T) = level x relative.

    The slope is the bill at a rate level of one ("unity rate") less what does not depend on it.
    """
    if carries(table, style):
        carried = carried_credits(use, table, relative, sell)
        slope = carried.charge_slope - carried.earned_slope
        constant = added(standing_parts(use, table))
        return RateResponse(slope, constant, weight, table.monthly_min, table.annual_min, carried)
    slope = energy_charges(use.energy, relative)
    constant = added(standing_parts(use, table))
    constant = constant + adjustment_charges(use.energy, table.fuel_adjustment)
    if two_meters(table, style):
        sold = solar_credits(use, table, sell, style)
        return RateResponse(slope, constant, weight, table.monthly_min, table.annual_min, sold=sold)
    if use.exports is not None:
        price, of_retail = credit_prices(table, sell, style)
        if of_retail:
            slope = slope - (use.exports * (price * relative[:, 0])).sum(axis=2)
            constant = constant - (use.exports * price).sum(axis=2) * table.fuel_adjustment
        else:
            constant = constant - (use.exports * price).sum(axis=2)
    return RateResponse(slope, constant, weight, table.monthly_min, table.annual_min)
