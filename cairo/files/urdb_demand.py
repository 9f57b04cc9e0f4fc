"""Demand charges of a URDB tariff as PySAM-style matrices.

A price per `kW daily` is charged for each day of the month, so it is billed as that price times
the month's days, per kW of the month's peak.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cairo.errors import TariffError
from cairo.files.urdb_fields import DEMAND_STRUCTURE, FLAT_MONTHS, FLAT_STRUCTURE
from cairo.files.urdb_structures import place_of, price_of, schedules_of, structure_of
from cairo.model.names import DAYS_OF_MONTH, MONTHS
from cairo.model.tariff_rows import NO_LIMIT, TariffDict, number

PER_MONTH = "kw"
PER_DAY = "kw daily"
UNIT_FIELDS = {FLAT_STRUCTURE: "flatdemandunit", DEMAND_STRUCTURE: "demandrateunit"}
UNITS = tuple(UNIT_FIELDS.values())
UNIT_OF_BOTH = "demandunits"

Rows = list[list[float]]


def demand_inputs(name: str, item: Mapping[str, object]) -> TariffDict:
    """`ur_dc_*` inputs of a URDB item.

    Raises
    ------
    TariffError
        Structures and schedules that are not sound, units other than kW and kW daily.
    """
    if DEMAND_STRUCTURE not in item and FLAT_MONTHS not in item:
        if FLAT_STRUCTURE in item and any(r[3] for r in _rows(name, item, FLAT_STRUCTURE)):
            raise TariffError(
                f"tariff {name}: flatdemandstructure has prices but flatdemandmonths is missing, "
                "expected the period of each of the 12 months"
            )
        return {"ur_dc_enable": 0}
    rates: TariffDict = {"ur_dc_enable": 1}
    if FLAT_MONTHS in item:
        rates["ur_dc_flat_mat"] = _flat_rows(name, item)
    else:
        rates["ur_dc_flat_mat"] = [[month, 1, NO_LIMIT, 0.0] for month in range(MONTHS)]
    if DEMAND_STRUCTURE not in item:
        rates["ur_dc_tou_mat"] = [[1, 1, NO_LIMIT, 0.0]]
        return rates | schedules_of(name, {}, "demand", "dc", 1)
    rows = _rows(name, item, DEMAND_STRUCTURE)
    periods = len(structure_of(name, item, DEMAND_STRUCTURE))
    schedules = schedules_of(name, item, "demand", "dc", periods)
    if _daily(name, item, DEMAND_STRUCTURE, rows):
        rows, schedules = _by_days(rows, schedules, periods)
    rates["ur_dc_tou_mat"] = rows
    return rates | schedules


def _rows(name: str, item: Mapping[str, object], field: str) -> Rows:
    return [
        [
            *place_of(name, field, period, p, t),
            price_of(name, tier, "rate") + price_of(name, tier, "adj"),
        ]
        for p, period in enumerate(structure_of(name, item, field))
        for t, tier in enumerate(period)
    ]


def _daily(name: str, item: Mapping[str, object], field: str, rows: Rows) -> bool:
    """Whether prices are per kW daily; refuses any other unit than kW where there are prices."""
    tiers = [tier for period in structure_of(name, item, field) for tier in period]
    given = {f"unit {tier['unit']!r} in {field}": tier["unit"] for tier in tiers if "unit" in tier}
    for unit_field in (UNIT_FIELDS[field], UNIT_OF_BOTH):
        if unit_field in item:
            given[f"{unit_field} is {item[unit_field]!r}"] = item[unit_field]
    if not any(row[3] for row in rows):
        return False
    if not given:
        # The other kind's unit says nothing of this one, unless nothing else does.
        given = {f"{other} is {item[other]!r}": item[other] for other in UNITS if other in item}
    units = {what: " ".join(str(unit).lower().split()) for what, unit in given.items()}
    for what, unit in units.items():
        if unit not in (PER_MONTH, PER_DAY):
            raise TariffError(f"tariff {name}: {what}, only kW and kW daily are billed")
    if len(set(units.values())) > 1:
        raise TariffError(f"tariff {name}: {' but '.join(units)}, expected one unit of demand")
    return PER_DAY in units.values()


def _flat_rows(name: str, item: Mapping[str, object]) -> Rows:
    by_month = item[FLAT_MONTHS]
    rows = _rows(name, item, FLAT_STRUCTURE)
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
    daily = _daily(name, item, FLAT_STRUCTURE, rows)
    return [
        [month, *row[1:3], row[3] * days if daily else row[3]]
        for month, (period, days) in enumerate(zip(by_month, DAYS_OF_MONTH, strict=True))
        for row in rows
        if row[0] == int(period) + 1
    ]


def _by_days(
    rows: Rows, schedules: dict[str, list[list[int]]], periods: int
) -> tuple[Rows, dict[str, list[list[int]]]]:
    """Prices a day as prices a month: a period for each length of month that has it."""
    lengths = sorted(set(DAYS_OF_MONTH))
    shift = np.array([lengths.index(days) * periods for days in DAYS_OF_MONTH])[:, None]
    by_length = [
        [row[0] + n * periods, *row[1:3], row[3] * days]
        for n, days in enumerate(lengths)
        for row in rows
    ]
    return by_length, {day: (np.array(s) + shift).tolist() for day, s in schedules.items()}
