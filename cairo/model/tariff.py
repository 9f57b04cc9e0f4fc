"""`Tariff`: a tariff parsed and checked once, used as arrays, written out as PySAM's dict.

The dict's names are those of SAM's `Utilityrate5` (electricity rates). `ur_ec_tou_mat` rows are
period, tier (both from 1), max usage, unit code, rate, adjustment, sell rate; rows of six, as
PySAM itself has them, carry no adjustment. `ur_dc_tou_mat` rows are period, tier (from 1), max
[kW], $/kW; `ur_dc_flat_mat` rows month (from 0), tier (from 1), max [kW], $/kW. One name is
URDB's, since SAM has no such input: `fueladjustmentsmonthly`, twelve $/kWh. Two are ours:
`tier_rule` and `net_metering_rollover` (`tariff_rules`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float1D, Float2D, Int2D
from cairo.model.demand_charges import DemandCharges, demand_of
from cairo.model.known_fields import KnownFields
from cairo.model.names import KWH_TO_THERM, MONTHS
from cairo.model.rollover import Rollover
from cairo.model.tariff_fields import (
    BILLING_DEMAND,
    FUEL_ADJUSTMENT,
    refuse_unknown_inputs,
    says_something,
)
from cairo.model.tariff_rows import (
    NO_LIMIT,
    PER_KW,
    UNITS,
    TariffDict,
    energy_rows,
    is_sound,
    limit_array,
    matrix_rows,
    number,
    row_cells,
    schedule_array,
)
from cairo.model.tariff_rules import TierRule, check_shared_limits, rollover_of, tier_rule_of

if TYPE_CHECKING:
    import pandas as pd

AggregationMethod = Literal["flat", "time-of-use", "tiered", "combined"]

BILLING_DOLLARS, BUY_ALL = 3, 4
METERING_OPTIONS = (0, 1, 2, BILLING_DOLLARS, BUY_ALL)
"""SAM's `ur_metering_option`: 0 and 1 net metering, 2 and 3 net billing, 4 buy all sell all."""

IN_THERMS = KnownFields(
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "demand fuel_adjustment tier_rule rollover",
    demand="weekday weekend tou_price tou_max flat_price flat_max billing",
    **{"demand.billing": "minimum lookback share whole periods occurs"},
)
"""What is per kWh of gas, and converted, and what is not."""


@dataclass(frozen=True, eq=False)
class Tariff:
    """A tariff, parsed and checked: P energy periods, T tiers (the most of any period).

    key : the tariff's name.
    rate : (P, T) rate + adjustment [$/kWh]; 0 for the tiers a period lacks, which no usage
        reaches since the limit of the tier before them is `NO_LIMIT`.
    sell : (P, T) sell rate, the seventh column.
    max_usage : (P, T) tier limits as given, in the unit of `unit`; `NO_LIMIT` is none.
    unit : (P, T) codes of `UNITS`.
    weekday, weekend : (12, 24) energy periods from 1.
    monthly_fixed, monthly_min, annual_min : [$].
    demand : None when the tariff charges nothing for demand.
    fuel_adjustment : (12,) added to every rate of the month [$/kWh]; calibration leaves it.
    tier_rule : whose use fills the tiers of a period, see `tiers.fill_tiers`.
    rollover : how net metering credits are carried; None when they are not.
    given : the PySAM-style dict the arrays were read from; never changed, see `to_dict`.
    """

    key: str
    rate: Float2D
    sell: Float2D
    max_usage: Float2D
    unit: Int2D
    weekday: Int2D
    weekend: Int2D
    monthly_fixed: float
    monthly_min: float
    annual_min: float
    metering_option: int
    demand: DemandCharges | None
    fuel_adjustment: Float1D
    tier_rule: TierRule
    rollover: Rollover | None
    given: Mapping[str, object] = field(repr=False)

    def to_dict(self) -> TariffDict:
        """The tariff as CAIRO keeps it: a PySAM-style dict of plain values, the caller's own."""
        return copy.deepcopy(dict(self.given))

    def with_energy_rates(self, rate: Float2D) -> Tariff:
        """The same tariff with other energy rates (P, T) [$/kWh]; see `with_energy_rates`."""
        return parse_tariff(self.key, with_energy_rates(self.given, rate))

    def in_therms(self) -> Tariff:
        """A gas tariff published per kWh as one per therm; see `in_therms`."""
        IN_THERMS.refuse_others(self, "which is not known to be per kWh of gas or not")
        return parse_tariff(self.key, in_therms(self.given))

    @property
    def n_periods(self) -> int:
        """Energy periods P."""
        return len(self.rate)

    @property
    def n_tiers(self) -> int:
        """Tiers T of the period that has most."""
        return int(self.rate.shape[1])

    @property
    def needs_monthly_peak(self) -> bool:
        """Whether a tier limit is per kW of the month's peak."""
        return bool(np.isin(self.unit, PER_KW).any())


def parse_tariff(key: str, tariff: object) -> Tariff:
    """A PySAM-style tariff dict, read once; a `Tariff` is returned as it is.

    Raises
    ------
    TariffError
        Naming `key`: rows missing, malformed, repeated or with gaps; values that are not finite
        numbers; unit codes that are not billed; tiers whose maxima fall; a schedule that is not
        12 x 24 or names a period without rates; inputs that change bills and are not modelled.
    """
    if isinstance(tariff, Tariff):
        return tariff
    if not isinstance(tariff, Mapping):
        raise TariffError(f"tariff {key}: found {type(tariff).__name__}, expected a mapping")
    refuse_unknown_inputs(key, tariff)
    rows = energy_rows(key, tariff)
    cells = row_cells(key, "ur_ec_tou_mat", rows, first=1)
    limit = limit_array(key, "ur_ec_tou_mat", cells, first=1)
    rate, sell = np.zeros_like(limit), np.zeros_like(limit)
    unit = np.zeros_like(limit, dtype=np.int64)
    for (period, tier), (_, _, _, code, price, adjustment, sold) in cells.items():
        place = period - 1, tier - 1
        if code not in UNITS:
            raise TariffError(
                f"tariff {key}: unit code {code:g} of period {period}, tier {tier} is not billed; "
                f"expected {', '.join(f'{c} ({name})' for c, name in UNITS.items())}"
            )
        rate[place], sell[place] = price + adjustment, sold
        unit[place] = int(code)
    _check_limit_units(key, limit, unit)
    periods = {period for period, _ in cells}
    if says_something(tariff.get(BILLING_DEMAND)) and np.isin(unit, PER_KW).any():
        raise TariffError(
            f"tariff {key}: tier limits per kW of a billing demand are not modelled, expected "
            "ur_enable_billing_demand 0 or limits in kWh"
        )
    weekday = _schedule(key, tariff, "ur_ec_sched_weekday", periods)
    weekend = _schedule(key, tariff, "ur_ec_sched_weekend", periods)
    metering = _metering(key, tariff)
    tier_rule = tier_rule_of(key, tariff)
    if tier_rule == "month":
        check_shared_limits(key, limit, unit, weekday, weekend)
    return Tariff(
        key,
        rate,
        sell,
        limit,
        unit,
        weekday,
        weekend,
        _amount(key, tariff, "ur_monthly_fixed_charge"),
        _amount(key, tariff, "ur_monthly_min_charge"),
        _amount(key, tariff, "ur_annual_min_charge"),
        metering,
        demand_of(key, tariff),
        _fuel_adjustment(key, tariff),
        tier_rule,
        rollover_of(key, tariff, metering, unit, weekday),
        tariff,
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
    fuel = _fuel_adjustment("of gas", tariff)
    if fuel.any():
        converted[FUEL_ADJUSTMENT] = (fuel / KWH_TO_THERM).tolist()
    least = _amount("of gas", tariff, "ur_billing_demand_minimum")
    if least:
        converted["ur_billing_demand_minimum"] = least * KWH_TO_THERM
    return converted


def energy_charge_aggregation_method(tariff: Mapping[str, object]) -> AggregationMethod:
    """How usage is summed: 'flat', 'time-of-use', 'tiered' or 'combined' (tiers by period).

    Periods that no hour of the schedules belongs to do not count.
    """
    table = parse_tariff("given", tariff)
    used = np.union1d(table.weekday, table.weekend)
    tiered = bool((table.max_usage[used - 1, :-1] < NO_LIMIT).any())
    if len(used) > 1:
        return "combined" if tiered else "time-of-use"
    return "tiered" if tiered else "flat"


def energy_charge_map(tariff: Mapping[str, object]) -> pd.DataFrame:
    """Energy charges, a row a period and tier in that order.

    Columns `period`, `tier` (from 1), `max_usage`, `unit` (code), `rate`, `adjustment`, `sell`.
    """
    import pandas as pd

    columns = ["period", "tier", "max_usage", "unit", "rate", "adjustment", "sell"]
    frame = pd.DataFrame(sorted(energy_rows("given", tariff)), columns=columns, dtype=float)
    return frame.astype({"period": "int64", "tier": "int64", "unit": "int64"})


def _rewritten(
    tariff: Mapping[str, object], row: Callable[[tuple[float, ...]], Sequence[float]]
) -> TariffDict:
    new = copy.deepcopy(dict(tariff))
    new["ur_ec_tou_mat"] = [
        [int(r[0]), int(r[1]), float(r[2]), int(r[3]), *map(float, r[4:])]
        for r in map(row, energy_rows("given", tariff))
    ]
    return new


def _check_limit_units(key: str, limit: Float2D, unit: Int2D) -> None:
    """Limits of a period in different units cannot be filled one after the other."""
    for period, (most, code) in enumerate(zip(limit, unit, strict=True), start=1):
        # The last tier's unit decides nothing: what is above its limit stays in it.
        codes = np.unique(code[:-1][most[:-1] < NO_LIMIT])
        if len(codes) > 1:
            raise TariffError(
                f"tariff {key}: tiers of period {period} have limits in different units "
                f"({', '.join(UNITS[int(c)] for c in codes)}), expected one"
            )


def _schedule(key: str, tariff: Mapping[str, object], name: str, periods: Iterable[int]) -> Int2D:
    return schedule_array(f"tariff {key}: {name}", tariff.get(name), set(periods))


def _amount(key: str, tariff: Mapping[str, object], name: str) -> float:
    value = tariff.get(name)
    amount = 0.0 if value is None else number(value)
    if amount is None or not is_sound(amount):
        raise TariffError(f"tariff {key}: {name} is {value!r}, expected dollars")
    return amount


def _fuel_adjustment(key: str, tariff: Mapping[str, object]) -> Float1D:
    given = tariff.get(FUEL_ADJUSTMENT)
    if given is None:
        return np.zeros(MONTHS)
    prices = [number(one) for one in given] if isinstance(given, Sequence | np.ndarray) else []
    if len(prices) != MONTHS or not all(p is not None and is_sound(p) for p in prices):
        raise TariffError(
            f"tariff {key}: {FUEL_ADJUSTMENT} is {str(given)[:60]}, expected $/kWh of the 12 months"
        )
    return np.array(prices, dtype=np.float64)


def _metering(key: str, tariff: Mapping[str, object]) -> int:
    value = tariff.get("ur_metering_option")
    option = 0.0 if value is None else number(value)
    if option not in METERING_OPTIONS:
        raise TariffError(
            f"tariff {key}: ur_metering_option is {value!r}, expected one of {METERING_OPTIONS}"
        )
    return int(option)
