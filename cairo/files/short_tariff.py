"""The short form of a tariff: a dozen lines of YAML that become URDB JSON.

Seasons by months, periods by hours and day types, rates, tiers; `docs/tariffs.md` explains one line
by line. A key that is unknown, a month in no season and an hour in no period are errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from cairo.errors import TariffError
from cairo.files.numbers import written_number
from cairo.files.reading import FilePath, without_query
from cairo.files.short_seasons import Seasons, seasons_of, unknown_key
from cairo.files.urdb import METERING
from cairo.files.yaml_files import read_yaml
from cairo.model.arrays import Int2D
from cairo.model.names import HOURS_OF_DAY, MONTHS, months
from cairo.model.tariff_fields import FUEL_ADJUSTMENT
from cairo.model.tariff_rows import UNITS, TariffDict, is_sound

SUFFIXES = (".yaml", ".yml")
KEYS = (
    "name",
    "utility",
    "description",
    "fixed_charge",
    "minimum_charge",
    "annual_minimum_charge",
    "seasons",
    "periods",
    "tiers",
    "tier_unit",
    "rates",
    "export_credit",
    "fuel_adjustment",
    "metering",
    "demand",
)
DEMAND_KEYS = ("seasons", "monthly", "monthly_tiers", "periods", "tiers", "rates")
TIER_UNITS = {
    "kwh": UNITS[0],
    "kwh a month": UNITS[0],
    "kwh a day": UNITS[2],
    "kwh daily": UNITS[2],
    "kwh/kw": UNITS[1],
    "kwh/kw a day": UNITS[3],
    "kwh/kw daily": UNITS[3],
}
"""Texts of `tier_unit` and URDB's names for them."""
_AMOUNT = re.compile(r"([-+]?[\d.,eE+-]+)\s*\$?\s*(?:/|a |per )\s*(day|month|year)")
_TEXTS = {"name": "name", "utility": "utility", "description": "description"}


def is_short_form(path: FilePath) -> bool:
    """Whether a tariff file is of the short form, which its name says."""
    return without_query(path).lower().endswith(SUFFIXES)


def read_short_tariff(
    path: str, what: str, storage_options: Mapping[str, object] | None = None
) -> TariffDict:
    """URDB JSON of a file of the short form.

    Parameters
    ----------
    path : YAML file or fsspec URL.
    what : the tariff, for messages.

    Raises
    ------
    TariffError
        It is missing, not YAML, or not of the form.
    """
    stored = read_yaml(path, f"{what}: file", storage_options, TariffError)
    return urdb_of_short(stored, f"{what} ({path})")


def urdb_of_short(given: Mapping[str, object], where: str = "tariff") -> TariffDict:
    """URDB JSON of a tariff's short form.

    Parameters
    ----------
    given : the mapping that the YAML file holds.
    where : beginning of error lines.

    Returns
    -------
    `{"items": [{...}]}`. Periods of one name and one rate in several seasons are one period.

    Raises
    ------
    TariffError
        A key is unknown, rates are missing, a value does not fit; one line.
    """
    _check_keys(where, given, KEYS)
    if "rates" not in given:
        raise TariffError(f"{where}: has no rates, expected such as rates: 0.15  ($/kWh)")
    item: TariffDict = {}
    for key, field in _TEXTS.items():
        if given.get(key) is not None:
            if isinstance(given[key], Mapping | list):
                raise TariffError(f"{where}: {key} is {str(given[key])[:40]!r}, expected text")
            item[field] = str(given[key])
    if "name" in item:
        item["label"] = item["name"]
    item["sector"] = "Residential"
    dollars, unit = _amount(where, "fixed_charge", given)
    item |= {"fixedchargefirstmeter": dollars, "fixedchargeunits": unit}
    item |= _minimum(where, given)
    item |= _energy(where, given)
    item |= _fuel_adjustment(where, given)
    item["dgrules"] = _choice(
        where, "metering", given.get("metering", "net metering"), {k.lower(): k for k in METERING}
    )
    if given.get("demand") is not None:
        item |= _demand(where, given["demand"], given.get("seasons"))
    return {"items": [item]}


def _check_keys(where: str, given: Mapping[str, object], known: Sequence[str]) -> None:
    for key in given:
        if key not in known:
            raise unknown_key(where, key, known)


def _number(where: str, value: object, unit: str) -> float:
    found = None if isinstance(value, str) and not value.strip() else written_number(value)
    if found is None or not is_sound(found):
        raise TariffError(f"{where} is {str(value)[:40]!r}, expected {unit}")
    return found


def _amount(where: str, key: str, given: Mapping[str, object]) -> tuple[float, str]:
    """(dollars, URDB's unit) of a charge: a number of dollars a month, or `0.35 $/day`."""
    value = given.get(key)
    if value is None:
        return 0.0, "$/month"
    said = _AMOUNT.fullmatch(value.replace("$", "").strip()) if isinstance(value, str) else None
    amount, unit = (value, "month") if said is None else (said[1], said[2])
    expected = "dollars a month, or a text such as 0.35 $/day"
    return _number(f"{where}: {key}", amount, expected), f"$/{unit}"


def _minimum(where: str, given: Mapping[str, object]) -> TariffDict:
    dollars, unit = _amount(where, "minimum_charge", given)
    fields: TariffDict = {"mincharge": dollars, "minchargeunits": unit}
    if given.get("annual_minimum_charge") is not None:
        place = f"{where}: annual_minimum_charge"
        annual = _number(place, given["annual_minimum_charge"], "dollars a year")
        if unit == "$/year":
            raise TariffError(f"{place} is there beside minimum_charge of a year, expected one")
        fields["annualmincharge"] = annual
    return fields


def _choice(where: str, key: str, value: object, known: Mapping[str, str]) -> str:
    text = " ".join(str(value).lower().split())
    if text not in known:
        raise TariffError(f"{where}: {key} is {value!r}, expected {' or '.join(known)}")
    return known[text]


def _fuel_adjustment(where: str, given: Mapping[str, object]) -> TariffDict:
    value = given.get("fuel_adjustment")
    if value is None:
        return {}
    expected = "$/kWh of each of the 12 months, as a list or {Jan: ..., Dec: ...}"
    if isinstance(value, Mapping):
        _check_keys(f"{where}: fuel_adjustment", value, months)
        value = [value.get(month) for month in months]
    if not isinstance(value, list) or len(value) != MONTHS:
        raise TariffError(f"{where}: fuel_adjustment is {str(value)[:40]!r}, expected {expected}")
    prices = [
        _number(f"{where}: fuel_adjustment of {month}", one, "$/kWh")
        for month, one in zip(months, value, strict=True)
    ]
    return {FUEL_ADJUSTMENT: prices}


# Rates by season and period

Tier = dict[str, object]


def _energy(where: str, given: Mapping[str, object]) -> TariffDict:
    seasons = seasons_of(where, given.get("seasons"), given.get("periods"))
    rates = seasons.values(given["rates"], "rates", _prices("$/kWh"))
    limits = seasons.values(given.get("tiers"), "tiers", _limits("kWh"))
    sells = seasons.values(given.get("export_credit"), "export_credit", _prices("$/kWh"))
    units = seasons.values(given.get("tier_unit", "kWh"), "tier_unit", _unit)
    tiers: dict[tuple[str, str], list[Tier]] = {}
    for cell, prices in rates.items():
        place = _place(where, cell)
        sold = sells[cell] or [0.0]
        sold = sold * len(prices) if len(sold) == 1 else sold
        if len(sold) != len(prices):
            raise TariffError(
                f"{place} has {len(prices)} rates but {len(sold)} export_credit, expected as many"
            )
        tiers[cell] = _tiers(place, prices, limits[cell])
        for tier, sell in zip(tiers[cell], sold, strict=True):
            tier |= {"unit": units[cell]} | ({"sell": sell} if sell else {})
    structure, weekday, weekend = _numbered(seasons, tiers)
    return {
        "energyratestructure": structure,
        "energyweekdayschedule": weekday,
        "energyweekendschedule": weekend,
    }


def _demand(where: str, given: object, of_energy: object) -> TariffDict:
    """URDB fields of `demand`: monthly [$/kW] of the month's highest hour, rates by period."""
    if not isinstance(given, Mapping):
        raise TariffError(
            f"{where}: demand is {str(given)[:40]!r}, expected such as {{monthly: 4.50}}"
        )
    where = f"{where}: demand"
    _check_keys(where, given, DEMAND_KEYS)
    if "monthly" not in given and "rates" not in given:
        raise TariffError(f"{where} has neither monthly nor rates, expected $/kW in one of them")
    calendar = given.get("seasons", of_energy)
    fields: TariffDict = {"demandrateunit": "kW", "flatdemandunit": "kW"}
    if "monthly" in given:
        seasons = seasons_of(where, calendar, None)
        prices = seasons.values(given["monthly"], "monthly", _prices("$/kW"))
        limits = seasons.values(given.get("monthly_tiers"), "monthly_tiers", _limits("kW"))
        fields["flatdemandstructure"] = [
            _tiers(_place(where, cell), prices[cell], limits[cell]) for cell in seasons.cells
        ]
        numbers = np.zeros(MONTHS, dtype=np.int64)
        for number, chosen in enumerate(seasons.months.values()):
            numbers[chosen] = number
        fields["flatdemandmonths"] = numbers.tolist()
    elif "monthly_tiers" in given:
        raise TariffError(f"{where} has monthly_tiers but no monthly")
    if "rates" in given:
        seasons = seasons_of(where, calendar, given.get("periods"))
        prices = seasons.values(given["rates"], "rates", _prices("$/kW"))
        limits = seasons.values(given.get("tiers"), "tiers", _limits("kW"))
        tiers = {c: _tiers(_place(where, c), prices[c], limits[c]) for c in seasons.cells}
        structure, weekday, weekend = _numbered(seasons, tiers)
        fields |= {
            "demandratestructure": structure,
            "demandweekdayschedule": weekday,
            "demandweekendschedule": weekend,
        }
    elif "periods" in given or "tiers" in given:
        raise TariffError(f"{where} has periods or tiers but no rates")
    return fields


def _place(where: str, cell: tuple[str, str]) -> str:
    words = [
        f"{what} {name}" for what, name in zip(("season", "period"), cell, strict=True) if name
    ]
    return f"{where}: {', '.join(words)}" if words else where


class _prices:
    """Reads one price, or a list with one for each tier."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, value: object, place: str) -> list[float]:
        """[$ a unit] from the first tier."""
        if value is None and place.endswith("export_credit"):
            return []
        values = value if isinstance(value, list) else [value]
        if not values:
            raise TariffError(f"{place} is empty, expected {self.unit}")
        return [
            _number(place, one, f"{self.unit}, or a list of them, one a tier") for one in values
        ]


class _limits:
    """Reads the limits of all tiers but the last, which has none."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, value: object, place: str) -> list[float]:
        """[kWh or kW] from the first tier."""
        if value is None or value == "none":
            return []
        values = value if isinstance(value, list) else [value]
        found = [_number(place, one, f"upper limits in {self.unit}") for one in values]
        if found != sorted(found) or any(limit < 0.0 for limit in found):
            raise TariffError(f"{place} is {values}, expected limits from low to high")
        return found


def _unit(value: object, place: str) -> str:
    where, _, key = place.rpartition(": ")
    return _choice(where, key, value, TIER_UNITS)


def _tiers(place: str, prices: Sequence[float], limits: Sequence[float]) -> list[Tier]:
    """URDB's tiers; the last has no limit."""
    if len(prices) != len(limits) + 1:
        raise TariffError(
            f"{place}: {len(prices)} rate{'s' if len(prices) > 1 else ''} and {len(limits)} limits "
            f"in tiers, expected one rate more than limits (the last tier has none)"
        )
    tiers: list[Tier] = [{"rate": price} for price in prices]
    for tier, limit in zip(tiers, limits, strict=False):
        tier["max"] = limit
    return tiers


def _numbered(
    seasons: Seasons, tiers: Mapping[tuple[str, str], list[Tier]]
) -> tuple[list[list[Tier]], list[list[int]], list[list[int]]]:
    """(structure, weekday schedule, weekend schedule) with periods from 0.

    A period that has the same tiers in several seasons is one.
    """
    structure: list[list[Tier]] = []
    known: dict[tuple[str, str], int] = {}
    schedules: list[Int2D] = [np.zeros((MONTHS, HOURS_OF_DAY), dtype=np.int64) for _ in range(2)]
    for season, period in seasons.cells:
        mine = tiers[season, period]
        key = (period, repr(mine))
        if key not in known:
            known[key] = len(structure)
            structure.append(mine)
        for schedule, hours in zip(schedules, seasons.hours[season][period], strict=True):
            schedule[np.ix_(seasons.months[season], hours)] = known[key]
    return structure, schedules[0].tolist(), schedules[1].tolist()
