"""Net metering credits carried from month to month, and what is left settled once a year.

In kWh: a period's surplus is energy of the next month's period of the same time of day. In dollars:
surplus earns its sell rate, which pays energy charges of its month and of later ones.

References
----------
.. [1] System Advisor Model, `cmod_utilityrate5`, metering options 0 and 1 (`ur_calc`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float1D, Float2D, Float3D, Int2D
from cairo.model.names import MONTHS


@dataclass(frozen=True)
class Rollover:
    """Terms of credits that are carried.

    dollars : whether credits are in $ (SAM's option 1), else in kWh (0).
    settled : month from 0 in which what is left is settled.
    year_end_price : [$/kWh] of kWh left then.
    applied : whether a settlement is credit of later bills, else it is paid out.
    next_period : (12, P) period from 0 to which a month's surplus goes in the next; -1 when none.
    """

    dollars: bool
    settled: int
    year_end_price: float
    applied: bool
    next_period: Int2D

    def begins_anew(self, month: int) -> bool:
        """Whether nothing is carried into a month."""
        return month == 0 or month == self.settled + 1


def carried_energy(net: Float3D, terms: Rollover) -> tuple[Float3D, Float1D]:
    """(energy that is charged (n, 12, P) [kWh], what is left at the settlement (n,) [kWh]).

    Parameters
    ----------
    net : (n, 12, P) imports less exports [kWh].
    terms : of what is carried.

    Notes
    -----
    As SAM has it: a surplus waits for the next month, also where another period of its own month
    has use; what is left is counted over all periods together. Carried in dollars, no kWh are.
    """
    if terms.dollars:
        return np.maximum(net, 0.0), np.zeros(len(net))
    charged = np.zeros_like(net)
    surplus = np.zeros_like(net[:, 0])
    left = np.zeros(len(net))
    for month in range(MONTHS):
        owed = net[:, month].copy()
        if not terms.begins_anew(month):
            for period, target in enumerate(terms.next_period[month - 1]):
                if target >= 0:
                    owed[:, target] -= surplus[:, period]
        charged[:, month] = np.maximum(owed, 0.0)
        surplus = np.maximum(-owed, 0.0)
        if month <= terms.settled:
            left = np.maximum(left - net[:, month].sum(axis=1), 0.0)
    return charged, left


def carried_dollars(charge: Float2D, earned: Float2D, terms: Rollover) -> tuple[Float2D, Float2D]:
    """(energy charges after credits (n, 12) [$], credits left after each month (n, 12) [$]).

    Parameters
    ----------
    charge : (n, 12) energy charges [$].
    earned : (n, 12) credits of the month [$].
    terms : of what is carried.
    """
    bills, left = np.zeros_like(charge), np.zeros_like(charge)
    carries = terms.dollars or terms.applied
    for month in range(MONTHS):
        owed = charge[:, month] - earned[:, month]
        if month > 0 and (terms.applied or not terms.begins_anew(month)):
            owed = owed - left[:, month - 1]
        bills[:, month] = np.maximum(owed, 0.0)
        if carries:
            left[:, month] = np.maximum(-owed, 0.0)
    return bills, left


@dataclass(frozen=True)
class Carried:
    """Energy charges and credits of customers (n,) whose credits are carried, by the rate level u.

    Before anything is carried a month's charge is charge_slope x u + charge_constant, and so for
    what its surplus earns.

    charge_slope, earned_slope : (n, 12) [$ per $/kWh]; charge_constant, earned_constant : [$].
    left_kwh : (n,) at the settlement.
    """

    charge_slope: Float2D
    charge_constant: Float2D
    earned_slope: Float2D
    earned_constant: Float2D
    left_kwh: Float1D
    terms: Rollover

    def settled(self, level: float) -> tuple[Float2D, Float2D]:
        """(energy charges (n, 12) [$], what is paid out after the month's bill (n, 12) [$])."""
        terms = self.terms
        charge = self.charge_slope * level + self.charge_constant
        earned = self.earned_slope * level + self.earned_constant
        year_end = self.left_kwh * terms.year_end_price
        if terms.applied:
            earned[:, terms.settled] += year_end
        bills, left = carried_dollars(charge, earned, terms)
        paid = np.zeros_like(bills)
        if not terms.applied:
            paid[:, terms.settled] = left[:, terms.settled] if terms.dollars else year_end
        return bills, paid
