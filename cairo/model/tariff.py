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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from cairo.errors import TariffError
from cairo.model.arrays import Float1D, Float2D, Int2D
from cairo.model.demand_charges import DemandCharges, demand_of
from cairo.model.known_fields import KnownFields
from cairo.model.names import KWH_TO_THERM
from cairo.model.rollover import Rollover
from cairo.model.tariff_changes import in_therms, with_energy_rates, with_sell_rates
from cairo.model.tariff_fields import BILLING_DEMAND, refuse_unknown_inputs, says_something
from cairo.model.tariff_rows import (
    NO_LIMIT,
    PER_KW,
    UNITS,
    Rows,
    TariffDict,
    dollars_of,
    energy_rows,
    fuel_adjustment_of,
    limit_array,
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
CHANGED = KnownFields(
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "fuel_adjustment tier_rule demand rollover"
)
"""What a tariff may have beside the figures that `Tariff.changed` changes: it stays as it is."""


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
        return self._priced(with_energy_rates(self.given, rate))

    def with_sell_rates(self, sell: Float2D) -> Tariff:
        """The same tariff with other sell rates (P, T); see `with_sell_rates`."""
        return self._priced(with_sell_rates(self.given, sell))

    def with_rules(self, rules: Mapping[str, object]) -> Tariff:
        """The same tariff with other rules: how tiers are filled, which credits are carried.

        Raises
        ------
        TariffError
            It cannot be billed so.
        """
        given = dict(self.given) | dict(rules)
        tier_rule = tier_rule_of(self.key, given)
        if tier_rule == "month":
            check_shared_limits(self.key, self.max_usage, self.unit, self.weekday, self.weekend)
        rollover = rollover_of(self.key, given, self.metering_option, self.unit, self.weekday)
        return replace(self, tier_rule=tier_rule, rollover=rollover, given=given)

    def changed(
        self,
        fixed_charge: float | None = None,
        min_charge: float | None = None,
        rate_scale: float | None = None,
    ) -> Tariff:
        """The same tariff with some of its figures changed.

        Parameters
        ----------
        fixed_charge, min_charge : [$/month] in the place of its own.
        rate_scale : factor of every energy rate and its adjustment; sell rates stay.

        Raises
        ------
        TariffError
            They are no sound figures, or the tariff has a field that might have to change too.
        """
        CHANGED.refuse_others(self, "which tariff_changes does not know: change its file")
        table = self if rate_scale is None else self.with_energy_rates(self.rate * rate_scale)
        given = dict(table.given)
        if fixed_charge is not None:
            given["ur_monthly_fixed_charge"] = float(fixed_charge)
        if min_charge is not None:
            given["ur_monthly_min_charge"] = float(min_charge)
        return replace(
            table,
            monthly_fixed=dollars_of(self.key, given, "ur_monthly_fixed_charge"),
            monthly_min=dollars_of(self.key, given, "ur_monthly_min_charge"),
            given=given,
        )

    def in_therms(self) -> Tariff:
        """A gas tariff published per kWh as one per therm; see `in_therms`."""
        IN_THERMS.refuse_others(self, "which is not known to be per kWh of gas or not")
        given = in_therms(self.given)
        stays = np.isin(self.unit, PER_KW) | (self.max_usage >= NO_LIMIT)
        return replace(
            self._priced(given),
            max_usage=np.where(stays, self.max_usage, self.max_usage * KWH_TO_THERM),
            demand=demand_of(self.key, given),
            fuel_adjustment=fuel_adjustment_of(self.key, given),
        )

    def _priced(self, given: TariffDict) -> Tariff:
        """The same tariff with the prices of a dict that has its periods and tiers."""
        rate, sell = _prices(energy_rows(self.key, given), self.rate.shape)
        return replace(self, rate=rate, sell=sell, given=given)

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


AnyTariff: TypeAlias = Tariff | Mapping[str, object]
"""A tariff, or its PySAM-style dict: what CAIRO's functions take."""


def parse_tariff(key: str, tariff: object) -> Tariff:
    """A PySAM-style tariff dict, read once; a `Tariff` is returned as it is.

    Readers do this, and CAIRO's functions that are given dicts. What follows from a `Tariff` is
    made by its methods.

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
    unit = np.zeros_like(limit, dtype=np.int64)
    for (period, tier), (_, _, _, code, *_) in cells.items():
        if code not in UNITS:
            raise TariffError(
                f"tariff {key}: unit code {code:g} of period {period}, tier {tier} is not billed; "
                f"expected {', '.join(f'{c} ({name})' for c, name in UNITS.items())}"
            )
        unit[period - 1, tier - 1] = int(code)
    rate, sell = _prices(rows, limit.shape)
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
        dollars_of(key, tariff, "ur_monthly_fixed_charge"),
        dollars_of(key, tariff, "ur_monthly_min_charge"),
        dollars_of(key, tariff, "ur_annual_min_charge"),
        metering,
        demand_of(key, tariff),
        fuel_adjustment_of(key, tariff),
        tier_rule,
        rollover_of(key, tariff, metering, unit, weekday),
        tariff,
    )


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


def _prices(rows: Rows, shape: tuple[int, int]) -> tuple[Float2D, Float2D]:
    """(rate + adjustment, sell rate) (P, T) of energy rows; 0 for the tiers a period lacks."""
    rate, sell = np.zeros(shape), np.zeros(shape)
    for period, tier, _, _, price, adjustment, sold in rows:
        place = int(period) - 1, int(tier) - 1
        rate[place], sell[place] = price + adjustment, sold
    return rate, sell


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


def _metering(key: str, tariff: Mapping[str, object]) -> int:
    value = tariff.get("ur_metering_option")
    option = 0.0 if value is None else number(value)
    if option not in METERING_OPTIONS:
        raise TariffError(
            f"tariff {key}: ur_metering_option is {value!r}, expected one of {METERING_OPTIONS}"
        )
    return int(option)
