"""What a PySAM-style tariff dict may hold: inputs that bills use, and those that change none.

Every other input that says something is refused: a price, a share or a switch that is passed
over would be a wrong bill.

References
----------
.. [1] System Advisor Model, PySAM `Utilityrate5.ElectricityRates`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cairo.errors import TariffError

JUNK = ("", "na", "n/a", "nan", "none", "null")
"""Texts that fill fields for which a utility has published nothing."""
NO = ("0", "0.0", "false", "no", "off")
"""Texts that say that something is not so."""

FUEL_ADJUSTMENT = "fueladjustmentsmonthly"
"""Twelve $/kWh added to the rates month by month. SAM has no such input: the name is URDB's."""
TIER_RULE = "tier_rule"
"""`period` or `month`: whose use fills tiers. A name of ours: SAM has the second rule alone."""
ROLLOVER = "net_metering_rollover"
"""Switch of ours: SAM's net metering always carries credits."""
CREDIT_MONTH = "ur_nm_credit_month"
ROLLOVER_TERMS = (CREDIT_MONTH, "ur_nm_yearend_sell_rate", "ur_nm_credit_rollover")
ENERGY_INPUTS = frozenset(
    {
        "ur_ec_tou_mat",
        "ur_ec_sched_weekday",
        "ur_ec_sched_weekend",
        "ur_monthly_fixed_charge",
        "ur_monthly_min_charge",
        "ur_annual_min_charge",
        "ur_metering_option",
        "en_electricity_rates",
        FUEL_ADJUSTMENT,
        TIER_RULE,
        ROLLOVER,
        # Counted where credits are carried, and named where they are not.
        *ROLLOVER_TERMS,
    }
)
DEMAND_INPUTS = frozenset(
    {
        "ur_dc_enable",
        "ur_dc_tou_mat",
        "ur_dc_flat_mat",
        "ur_dc_sched_weekday",
        "ur_dc_sched_weekend",
    }
)
BILLING_DEMAND = "ur_enable_billing_demand"
BILLING_DEMAND_INPUTS = (
    "ur_billing_demand_minimum",
    "ur_billing_demand_lookback_period",
    "ur_billing_demand_lookback_percentages",
    "ur_dc_billing_demand_periods",
)
HARMLESS_INPUTS = frozenset(
    {
        # Of dollars that net billing carries, which our bills do not have: docs/pysam.md.
        "ur_nb_apply_credit_current_month",
        "ur_nb_credit_expire",
        # Of one customer: ours have their own loads, peaks and years.
        "ur_yearzero_usage_peaks",
        "load",
        "gen",
        "system_use_lifetime_output",
        "degradation",
        # What SAM counts in the JSON it writes of a case's inputs.
        "number_inputs",
        # Of later years.
        "rate_escalation",
        "load_escalation",
        "inflation_rate",
        "analysis_period",
    }
)
AMOUNT = re.compile(r"\$?\s*[+-]?[\d.,]+(e[+-]?\d+)?\s*%?", re.IGNORECASE)
"""A text that is a number, dollars or a share."""
LABELS = frozenset(
    {
        "label",
        "name",
        "utility",
        "eiaid",
        "zipcode",
        "id",
        "version",
        "startdate",
        "enddate",
        "year",
    }
)
"""Texts that may be numbers and charge nothing."""
SWITCHED = {
    "ur_en_ts_buy_rate": ("ur_ts_buy_rate",),
    "ur_en_ts_sell_rate": ("ur_ts_sell_rate",),
    BILLING_DEMAND: BILLING_DEMAND_INPUTS,
}
"""Switches and what counts only where they are on: an explicit 0 makes it count for nothing."""
OF_DEMAND = frozenset({BILLING_DEMAND, *BILLING_DEMAND_INPUTS, "TOU_demand_single_peak"})
"""What counts only where demand is charged for."""


MOST_SHOWN = 60
"""Characters of a value that messages show."""
WAYS_OUT = (
    "which is not modelled; leave it out if the bill without it is wanted, or give "
    "allow_unmodelled: true in the scenario to have it named"
)


@dataclass(frozen=True)
class Unmodelled:
    """A field of a tariff that holds money, a share or a switch, and that no bill has."""

    tariff: str
    field: str
    value: str

    @classmethod
    def of(cls, tariff: str, field: str, value: object) -> Unmodelled:
        """The field with as much of its value as is shown."""
        return cls(tariff, field, str(value)[:MOST_SHOWN])

    def __str__(self) -> str:
        return f"tariff {self.tariff}: {self.field} is {self.value}"


def is_junk(value: object) -> bool:
    """Whether a field is null or a text that means so."""
    return value is None or (isinstance(value, str) and value.strip().lower() in JUNK)


def says_something(value: object) -> bool:
    """Whether a field holds a number other than 0, a true, or a text that is not of nothing."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, Mapping):
            rest += one.values()
        elif isinstance(one, np.ndarray):
            rest.append(one.tolist())
        elif isinstance(one, Sequence) and not isinstance(one, str | bytes):
            rest += one
        elif isinstance(one, str):
            if not is_junk(one) and one.strip().lower() not in NO:
                return True
        elif one is not None and one != 0:
            return True
    return False


def unknown_inputs(tariff: Mapping[str, object]) -> list[str]:
    """Inputs of a PySAM-style dict that say something and that our bills would pass over.

    Texts under names that are not SAM's are labels and stay, unless they are numbers or their name
    is an input's but for its case.
    """
    known = ENERGY_INPUTS | DEMAND_INPUTS | HARMLESS_INPUTS | {BILLING_DEMAND}
    if not says_something(tariff.get("ur_dc_enable")):
        known |= OF_DEMAND
    for switch, inputs in SWITCHED.items():
        if switch in tariff and (switch == BILLING_DEMAND or not says_something(tariff[switch])):
            known = known.union(inputs)
    return [
        name
        for name, value in tariff.items()
        if name not in known and says_something(value) and not _is_label(name, value)
    ]


def _is_label(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    lower = str(name).lower()
    inputs = ENERGY_INPUTS | DEMAND_INPUTS | HARMLESS_INPUTS
    if lower.startswith(("ur_", "tou_")) or lower in {one.lower() for one in inputs}:
        return False
    return lower in LABELS or AMOUNT.fullmatch(value.strip()) is None


def refuse_unknown_inputs(key: str, tariff: Mapping[str, object]) -> None:
    """Refuse a PySAM-style dict with an input that our bills would pass over.

    Raises
    ------
    TariffError
        Naming the tariff and the input.
    """
    if "en_electricity_rates" in tariff and not says_something(tariff["en_electricity_rates"]):
        raise TariffError(
            f"tariff {key}: en_electricity_rates is {tariff['en_electricity_rates']!r}: SAM bills "
            "nothing then; expected 1"
        )
    for name in unknown_inputs(tariff):
        raise TariffError(f"{Unmodelled.of(key, name, tariff[name])}, {WAYS_OUT}")
