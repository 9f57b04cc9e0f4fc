"""PySAM-style tariff dicts with other figures: rates, sell rates, gas per therm."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

from cairo.model.arrays import Float2D
from cairo.model.names import KWH_TO_THERM
from cairo.model.tariff_fields import FUEL_ADJUSTMENT
from cairo.model.tariff_rows import (
    NO_LIMIT,
    PER_KW,
    TariffDict,
    dollars_of,
    energy_rows,
    fuel_adjustment_of,
    matrix_rows,
)


def with_energy_rates(tariff: Mapping[str, object], rate: Float2D) -> TariffDict:
    """A copy of a PySAM-style tariff with other energy rates.

    Parameters
    ----------
    tariff : is not changed.
    rate : (P, T) [$/kWh]; it takes the place of rate + adjustment, so adjustments become 0.

    Returns
    -------
    Plain Python numbers throughout the new `ur_ec_tou_mat`; limits, units and sell rates stay.
    """
    return _rewritten(
        tariff, lambda r: [*r[:4], float(rate[int(r[0]) - 1, int(r[1]) - 1]), 0.0, r[6]]
    )


def with_sell_rates(tariff: Mapping[str, object], sell: Float2D) -> TariffDict:
    """A copy of a PySAM-style tariff with `sell` (P, T) in the seventh column of its rows."""
    return _rewritten(tariff, lambda r: [*r[:6], float(sell[int(r[0]) - 1, int(r[1]) - 1])])


def in_therms(tariff: Mapping[str, object]) -> TariffDict:
    """A gas tariff published per kWh of gas, as one per therm for loads in therms.

    Rates [$/kWh] are divided by `KWH_TO_THERM`, tier limits [kWh] multiplied by it; a limit per
    kW of peak is a number of hours and stays, and so do fixed and minimum charges. Demand
    charges and fuel adjustments are scaled alike. The input is not changed.
    """

    def limit(most: float) -> float:
        return most if most >= NO_LIMIT else most * KWH_TO_THERM

    def row(r: tuple[float, ...]) -> list[float]:
        most = r[2] if r[3] in PER_KW else limit(r[2])
        return [r[0], r[1], most, r[3], *(price / KWH_TO_THERM for price in r[4:])]

    converted = _rewritten(tariff, row)
    for name in ("ur_dc_tou_mat", "ur_dc_flat_mat"):
        if tariff.get(name) is not None:
            converted[name] = [
                [int(r[0]), int(r[1]), limit(r[2]), r[3] / KWH_TO_THERM]
                for r in matrix_rows("of gas", tariff, name, widths=(4,))
            ]
    fuel = fuel_adjustment_of("of gas", tariff)
    if fuel.any():
        converted[FUEL_ADJUSTMENT] = (fuel / KWH_TO_THERM).tolist()
    least = dollars_of("of gas", tariff, "ur_billing_demand_minimum")
    if least:
        converted["ur_billing_demand_minimum"] = least * KWH_TO_THERM
    return converted


def _rewritten(
    tariff: Mapping[str, object], row: Callable[[tuple[float, ...]], Sequence[float]]
) -> TariffDict:
    new = copy.deepcopy(dict(tariff))
    new["ur_ec_tou_mat"] = [
        [int(r[0]), int(r[1]), float(r[2]), int(r[3]), *map(float, r[4:])]
        for r in map(row, energy_rows("given", tariff))
    ]
    return new
