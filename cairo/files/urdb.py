"""Utility Rate Database (URDB) JSON to PySAM-style tariff dicts.

Conventions are those of PySAM's `URDBv8_to_ElectricityRates`, with two differences: adjustments
keep a column of their own (rows of seven), and what cannot be billed is refused, not skipped.

References
----------
.. [1] OpenEI, Utility Rate Database API version 8, rate structure fields.
.. [2] PySAM, `UtilityRateTools.URDBv8_to_ElectricityRates`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from cairo.errors import TariffError
from cairo.model.names import MONTHS
from cairo.model.tariff import parse_tariff
from cairo.model.tariff_rows import (
    HOURS_OF_DAY,
    NO_LIMIT,
    UNITS,
    TariffDict,
    is_sound,
    number,
    schedule_array,
)

logger = logging.getLogger(__name__)

JUNK = ("", "na", "n/a", "nan", "none", "null")
"""Texts that fill fields for which a utility has published nothing."""
DAYS_PER_MONTH = 365 / 12
METERING = {
    "Net Metering": 0,
    "Net Billing Instantaneous": 2,
    "Net Billing Hourly": 3,
    "Buy All Sell All": 4,
}
"""`dgrules` and SAM's `ur_metering_option`."""
UNIT_CODES = {name.lower(): code for code, name in UNITS.items()}
NOT_BILLED = ("coincidentratestructure",)


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
    `ur_monthly_min_charge`. Without energy schedules a tariff of one period applies always.

    Raises
    ------
    TariffError
        Whatever `parse_tariff` refuses, unknown units of charges and rates, demand ratchets.
    """
    item = {name: v for name, v in _item(urdb, key).items() if not _junk(v)}
    name = key or str(item.get("label") or item.get("name") or "without label")
    rates: TariffDict = {"en_electricity_rates": 1}
    rates["ur_metering_option"] = _metering(name, item)
    rates["ur_monthly_fixed_charge"] = _fixed_charge(name, item)
    rates |= _minimum_charge(name, item)
    structure = _structure(name, item, "energyratestructure")
    rates["ur_ec_tou_mat"] = [
        [
            *_place(name, "energyratestructure", period, p, t),
            _unit(name, tier),
            _price(name, tier, "rate"),
            _price(name, tier, "adj"),
            _price(name, tier, "sell"),
        ]
        for p, period in enumerate(structure)
        for t, tier in enumerate(period)
    ]
    rates |= _schedules(name, item, "energy", "ec", len(structure))
    rates |= _demand(name, item)
    for field in NOT_BILLED:
        if field in item:
            logger.warning("tariff %s: %s is not billed", name, field)
    parse_tariff(name, rates)
    return rates


def _item(urdb: object, key: str | None) -> Mapping[str, object]:
    what = f"tariff {key}" if key else "tariff"
    items = urdb.get("items") if isinstance(urdb, Mapping) else urdb
    if isinstance(urdb, Mapping) and items is None:
        return urdb
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], Mapping):
        found = f"{len(items)} items" if isinstance(items, list) else type(items).__name__
        raise TariffError(f'{what}: found {found}, expected one URDB tariff in "items"')
    return items[0]


def _junk(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in JUNK)


def _metering(name: str, item: Mapping[str, object]) -> int:
    rule = item.get("dgrules", "Net Metering")
    if not isinstance(rule, str) or rule not in METERING:
        raise TariffError(f"tariff {name}: dgrules is {rule!r}, expected one of {list(METERING)}")
    return METERING[rule]


def _charge(name: str, item: Mapping[str, object], amount: str, units: str) -> tuple[float, str]:
    """(dollars, unit) of a charge; 0 $/month when absent."""
    dollars = number(item.get(amount, 0.0))
    if dollars is None or not is_sound(dollars):
        raise TariffError(f"tariff {name}: {amount} is {item[amount]!r}, expected dollars")
    unit = item.get(units, "$/month" if dollars == 0.0 else None)
    if unit not in ("$/day", "$/month", "$/year"):
        raise TariffError(f"tariff {name}: {units} is {unit!r}, expected $/day, $/month or $/year")
    return dollars, unit


def _fixed_charge(name: str, item: Mapping[str, object]) -> float:
    dollars, unit = _charge(name, item, "fixedchargefirstmeter", "fixedchargeunits")
    if unit == "$/year":
        return dollars / MONTHS
    return dollars * DAYS_PER_MONTH if unit == "$/day" else dollars


def _minimum_charge(name: str, item: Mapping[str, object]) -> dict[str, float]:
    dollars, unit = _charge(name, item, "mincharge", "minchargeunits")
    if unit == "$/year":
        return {"ur_annual_min_charge": dollars}
    return {"ur_monthly_min_charge": dollars * DAYS_PER_MONTH if unit == "$/day" else dollars}


def _structure(
    name: str, item: Mapping[str, object], field: str
) -> list[list[Mapping[str, object]]]:
    """Tiers by period, fields that are null or "NA" left out."""
    given = item.get(field)
    periods = given if isinstance(given, list) else []
    ok = bool(periods) and all(isinstance(period, list) for period in periods)
    if not ok or not all(isinstance(tier, Mapping) for period in periods for tier in period):
        raise TariffError(
            f"tariff {name}: {field} is {'missing' if given is None else repr(str(given)[:60])}, "
            "expected a list of tiers for each period"
        )
    return [
        [{k: v for k, v in tier.items() if not _junk(v)} for tier in period] for period in periods
    ]


def _place(
    name: str, field: str, tiers: Sequence[Mapping[str, object]], period: int, tier: int
) -> tuple[int, int, float]:
    """Period and tier from 1, and the tier's limit."""
    given: Any = tiers[tier].get("max")
    if given is None and tier + 1 < len(tiers):
        raise TariffError(
            f"tariff {name}: tier {tier + 1} of period {period} in {field} has no max, but another "
            "tier follows; expected a max (1e38 for none) in every tier but the last"
        )
    return period + 1, tier + 1, NO_LIMIT if given is None else given


def _unit(name: str, tier: Mapping[str, object]) -> int:
    unit = tier.get("unit", UNITS[0])
    code = UNIT_CODES.get(unit.strip().lower()) if isinstance(unit, str) else None
    if code is None:
        raise TariffError(
            f"tariff {name}: unit {unit!r} in energyratestructure is not billed, "
            f"expected one of {list(UNITS.values())}"
        )
    return code


def _price(name: str, tier: Mapping[str, object], field: str) -> float:
    value = number(tier.get(field, None if field == "rate" else 0.0))
    if value is None or not is_sound(value):
        raise TariffError(f"tariff {name}: {field} is {tier.get(field)!r} in tier {dict(tier)}")
    return value


def _schedules(
    name: str, item: Mapping[str, object], urdb: str, sam: str, periods: int
) -> dict[str, list[list[int]]]:
    """Weekday and weekend schedules, from 1."""
    fields = {day: f"{urdb}{day}schedule" for day in ("weekday", "weekend")}
    if periods == 1 and not any(field in item for field in fields.values()):
        return {f"ur_{sam}_sched_{day}": [[1] * HOURS_OF_DAY] * MONTHS for day in fields}
    known = set(range(periods))
    return {
        f"ur_{sam}_sched_{day}": (
            schedule_array(f"tariff {name}: {field}", item.get(field), known, first=0) + 1
        ).tolist()
        for day, field in fields.items()
    }


def _demand(name: str, item: Mapping[str, object]) -> TariffDict:
    if "demandratestructure" not in item and "flatdemandmonths" not in item:
        if "flatdemandstructure" in item and any(r[3] for r in _demand_rows(name, item, "flat")):
            raise TariffError(
                f"tariff {name}: flatdemandstructure has prices but flatdemandmonths is missing, "
                "expected the period of each of the 12 months"
            )
        return {"ur_dc_enable": 0}
    _check_demand_terms(name, item)
    rates: TariffDict = {"ur_dc_enable": 1}
    if "flatdemandmonths" in item:
        rates["ur_dc_flat_mat"] = _flat_rows(name, item)
    else:
        rates["ur_dc_flat_mat"] = [[month, 1, NO_LIMIT, 0.0] for month in range(MONTHS)]
    if "demandratestructure" in item:
        rates["ur_dc_tou_mat"] = _demand_rows(name, item, "")
        periods = len(_structure(name, item, "demandratestructure"))
        return rates | _schedules(name, item, "demand", "dc", periods)
    rates["ur_dc_tou_mat"] = [[1, 1, NO_LIMIT, 0.0]]
    return rates | _schedules(name, {}, "demand", "dc", 1)


def _check_demand_terms(name: str, item: Mapping[str, object]) -> None:
    for field in ("lookbackpercent", "lookbackrange"):
        if number(item.get(field, 0)) != 0.0:
            raise TariffError(
                f"tariff {name}: {field} is {item[field]!r}; demand ratchets are not billed"
            )
    unit = item.get("demandrateunit", "kW")
    if str(unit).strip().lower() != "kw":
        raise TariffError(f"tariff {name}: demandrateunit is {unit!r}, only kW is billed")


def _demand_rows(name: str, item: Mapping[str, object], kind: str) -> list[list[float]]:
    field = "flatdemandstructure" if kind else "demandratestructure"
    rows = []
    for p, period in enumerate(_structure(name, item, field)):
        for t, tier in enumerate(period):
            if str(tier.get("unit", "kW")).strip().lower() != "kw":
                raise TariffError(
                    f"tariff {name}: unit {tier['unit']!r} in {field}, only kW is billed"
                )
            price = _price(name, tier, "rate") + _price(name, tier, "adj")
            rows.append([*_place(name, field, period, p, t), price])
    return rows


def _flat_rows(name: str, item: Mapping[str, object]) -> list[list[float]]:
    by_month = item["flatdemandmonths"]
    rows = _demand_rows(name, item, "flat")
    known = {row[0] - 1 for row in rows}
    if (
        not isinstance(by_month, list)
        or len(by_month) != MONTHS
        or not known.issuperset(
            number(period) if number(period) is not None else -1 for period in by_month
        )
    ):
        raise TariffError(
            f"tariff {name}: flatdemandmonths is {str(by_month)[:60]}, expected 12 periods "
            f"of flatdemandstructure, which has {sorted(known)}"
        )
    return [
        [month, *row[1:]]
        for month, period in enumerate(by_month)
        for row in rows
        if row[0] == int(period) + 1
    ]
