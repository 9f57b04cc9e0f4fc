"""Utility Rate Database (URDB) JSON to PySAM-style tariff dicts.

Conventions are those of PySAM's `URDBv8_to_ElectricityRates`, with two differences: adjustments
keep a column of their own (rows of seven), and what cannot be billed is refused, not skipped.

References
----------
.. [1] OpenEI, Utility Rate Database API version 8, rate structure fields.
.. [2] PySAM, `UtilityRateTools.URDBv8_to_ElectricityRates`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from cairo.errors import TariffError, listed
from cairo.files.urdb_demand import demand_inputs
from cairo.files.urdb_fields import (
    BEYOND_URDB,
    BILLED,
    DEMAND_STRUCTURE,
    ENERGY_STRUCTURE,
    FLAT_MONTHS,
    FLAT_STRUCTURE,
    refuse_unknown_fields,
)
from cairo.files.urdb_lookback import ratchet_inputs
from cairo.files.urdb_structures import (
    name_last_limits,
    place_of,
    price_of,
    schedules_of,
    structure_of,
)
from cairo.model.names import DAYS, MONTHS
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import FUEL_ADJUSTMENT, is_junk, says_something
from cairo.model.tariff_rows import UNITS, TariffDict, is_sound, number

DAYS_PER_MONTH = DAYS / MONTHS
METERING = {
    "Net Metering": 0,
    "Net Billing Instantaneous": 2,
    "Net Billing Hourly": 3,
    "Buy All Sell All": 4,
}
"""`dgrules` and SAM's `ur_metering_option`."""
RULES = {code: rule for rule, code in METERING.items()}
"""The same the other way; SAM's 1, net metering too, has no rule of its own."""
SAMS_STRUCTURE = "ur_ec_tou_mat"
UNIT_CODES = {name.lower(): code for code, name in UNITS.items()}


def URDBv7_to_ElectricityRates(urdb: object, key: str | None = None) -> TariffDict:
    """A PySAM-style tariff dict of a URDB v7 or v8 tariff (CAIRO's name).

    Parameters
    ----------
    urdb : `{"items": [{...}]}` with one item, or the item; fields that are null or "NA" are
        taken as absent. It is not changed.
    key : name for error messages; the tariff's own label when None.

    Returns
    -------
    `ur_ec_tou_mat` rows are lists of seven: period, tier (from 1), max usage (1e38 when none),
    unit code, rate, adjustment, sell rate. $/day charges become 365/12 of it a month, $/year
    fixed charges a twelfth; a $/year minimum is `ur_annual_min_charge`, any other
    `ur_monthly_min_charge`. The older names `fixedmonthlycharge`, `minmonthlycharge` and
    `annualmincharge` are read too. Without energy schedules a tariff of one period applies always.

    Raises
    ------
    TariffError
        Whatever `parse_tariff` refuses, unknown units of charges and rates, fields that hold
        something and are neither billed nor known to change no bill (`urdb_fields`).
    """
    return dict(tariff_of_urdb(urdb, key).given)


def tariff_of_urdb(urdb: object, key: str | None = None) -> Tariff:
    """`URDBv7_to_ElectricityRates`, parsed."""
    item = {name: v for name, v in _item(urdb, key).items() if not is_junk(v)}
    name = key or str(item.get("label") or item.get("name") or "without label")
    if ENERGY_STRUCTURE not in item:
        raise TariffError(f"tariff {name}: {_no_tariff(item)}")
    tariff = tariff_of_item(name, item)
    flat = [FLAT_STRUCTURE] if FLAT_MONTHS in item else []
    timed = [DEMAND_STRUCTURE] if DEMAND_STRUCTURE in item else []
    name_last_limits(name, item, [ENERGY_STRUCTURE, *flat, *timed])
    return tariff


def tariff_of_item(name: str, item: Mapping[str, object]) -> Tariff:
    """The tariff of a URDB item without junk, whose odd limits nobody is told of."""
    refuse_unknown_fields(name, item)
    rates: TariffDict = {"en_electricity_rates": 1}
    rates["ur_metering_option"] = _metering(name, item)
    rates["ur_monthly_fixed_charge"] = _fixed_charge(name, item)
    rates |= _minimum_charges(name, item)
    structure = structure_of(name, item, ENERGY_STRUCTURE)
    rates["ur_ec_tou_mat"] = [
        [
            *place_of(name, ENERGY_STRUCTURE, period, p, t),
            _unit(name, tier),
            price_of(name, tier, "rate"),
            price_of(name, tier, "adj"),
            price_of(name, tier, "sell"),
        ]
        for p, period in enumerate(structure)
        for t, tier in enumerate(period)
    ]
    rates |= schedules_of(name, item, "energy", "ec", len(structure))
    if says_something(item.get(FUEL_ADJUSTMENT)):
        rates[FUEL_ADJUSTMENT] = item[FUEL_ADJUSTMENT]
    rates |= {field: item[field] for field in BEYOND_URDB if field in item}
    demand = demand_inputs(name, item)
    rates |= demand | ratchet_inputs(name, item, demand)
    return parse_tariff(name, rates)


def _item(urdb: object, key: str | None) -> Mapping[str, object]:
    what = f"tariff {key}" if key else "tariff"
    items = urdb.get("items") if isinstance(urdb, Mapping) else urdb
    if isinstance(urdb, Mapping) and items is None:
        return urdb
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], Mapping):
        found = f"{len(items)} items" if isinstance(items, list) else type(items).__name__
        raise TariffError(f'{what}: found {found}, expected one URDB tariff in "items"')
    if isinstance(urdb, Mapping):
        beside = [f for f in urdb if f in BILLED and says_something(urdb[f])]
        if beside:
            raise TariffError(
                f'{what}: {beside[0]} is beside "items", expected it in the tariff there'
            )
    return items[0]


def _no_tariff(item: Mapping[str, object]) -> str:
    """What is wrong with a mapping that has no energy rates."""
    inside = [
        name
        for name, value in item.items()
        if isinstance(value, Mapping) and {ENERGY_STRUCTURE, SAMS_STRUCTURE} & value.keys()
    ]
    if inside:
        return f"it is within {listed(inside)} of the file, expected FILE.json#{inside[0]}"
    there = f"there are {listed(item, 5)}" if item else "there is nothing"
    return (
        f"{ENERGY_STRUCTURE} is missing, expected a list of tiers for each period of a URDB tariff "
        f"or {SAMS_STRUCTURE} of SAM ({there})"
    )


def _metering(name: str, item: Mapping[str, object]) -> int:
    """`ur_metering_option` of the item's `dgrules`, which does not tell SAM's 0 and 1 apart."""
    rule = item.get("dgrules", "Net Metering")
    if not isinstance(rule, str) or rule not in METERING:
        raise TariffError(f"tariff {name}: dgrules is {rule!r}, expected one of {list(METERING)}")
    option = METERING[rule]
    given = number(item.get("ur_metering_option", option))
    if "dgrules" in item and given != option and not {given, option} <= {0, 1}:
        raise TariffError(
            f"tariff {name}: ur_metering_option is {item['ur_metering_option']!r}, but dgrules "
            f"{rule!r} is {option}: expected them to agree"
        )
    return option


def _charge(name: str, item: Mapping[str, object], amount: str, units: str) -> tuple[float, str]:
    """(dollars, unit) of a charge; 0 $/month when absent."""
    dollars = number(item.get(amount, 0.0))
    if dollars is None or not is_sound(dollars):
        raise TariffError(f"tariff {name}: {amount} is {item[amount]!r}, expected dollars")
    unit = item.get(units, "$/month" if dollars == 0.0 else None)
    if unit not in ("$/day", "$/month", "$/year"):
        raise TariffError(f"tariff {name}: {units} is {unit!r}, expected $/day, $/month or $/year")
    return dollars, unit


def _dollars(name: str, item: Mapping[str, object], field: str) -> float:
    """Dollars of a charge under its old name; 0 when absent."""
    dollars = number(item.get(field, 0.0))
    if dollars is None or not is_sound(dollars):
        raise TariffError(f"tariff {name}: {field} is {item[field]!r}, expected dollars")
    return dollars


def _either(name: str, charges: Mapping[str, float]) -> float:
    """The charge that has two names: the one given, or both when they agree."""
    given = {field: dollars for field, dollars in charges.items() if dollars != 0.0}
    first, *others = given.values() or (0.0,)
    if not all(math.isclose(first, other) for other in others):
        said = " and ".join(f"{field} {dollars:g} $" for field, dollars in given.items())
        raise TariffError(f"tariff {name}: has {said} for one charge, expected them equal")
    return first


def _monthly(dollars: float, unit: str) -> float:
    if unit == "$/year":
        return dollars / MONTHS
    return dollars * DAYS_PER_MONTH if unit == "$/day" else dollars


def _fixed_charge(name: str, item: Mapping[str, object]) -> float:
    dollars, unit = _charge(name, item, "fixedchargefirstmeter", "fixedchargeunits")
    old = _dollars(name, item, "fixedmonthlycharge")
    charges = {"fixedchargefirstmeter": _monthly(dollars, unit), "fixedmonthlycharge": old}
    return _either(name, charges)


def _minimum_charges(name: str, item: Mapping[str, object]) -> dict[str, float]:
    dollars, unit = _charge(name, item, "mincharge", "minchargeunits")
    annual = unit == "$/year"
    monthly = {} if annual else {"mincharge": _monthly(dollars, unit)}
    yearly = {"mincharge": dollars} if annual else {}
    month = _either(name, monthly | {"minmonthlycharge": _dollars(name, item, "minmonthlycharge")})
    year = _either(name, yearly | {"annualmincharge": _dollars(name, item, "annualmincharge")})
    charges = {"ur_monthly_min_charge": month} if month or not annual else {}
    return charges | ({"ur_annual_min_charge": year} if year or annual else {})


def _unit(name: str, tier: Mapping[str, object]) -> int:
    unit = tier.get("unit", UNITS[0])
    code = UNIT_CODES.get(unit.strip().lower()) if isinstance(unit, str) else None
    if code is None:
        raise TariffError(
            f"tariff {name}: unit {unit!r} in energyratestructure is not billed, "
            f"expected one of {list(UNITS.values())}"
        )
    return code
