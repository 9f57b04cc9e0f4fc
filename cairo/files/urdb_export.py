"""PySAM-style tariff dicts to Utility Rate Database (URDB) JSON, so that final rates travel on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cairo.errors import TariffError
from cairo.files.urdb import METERING
from cairo.model.names import MONTHS
from cairo.model.tariff_rows import NO_LIMIT, UNITS, energy_rows, matrix_rows
from cairo.model.tariff_tables import tariff_table


def ElectricityRates_to_URDB(tariff: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
    """URDB JSON of a PySAM-style tariff dict: read again, it bills the same to the bit.

    Parameters
    ----------
    tariff : such as an entry of `tariff_final_config.json`. It is not changed.
    key : becomes the tariff's `label` and `name`.

    Raises
    ------
    TariffError
        The tariff cannot be billed, or has both a monthly and an annual minimum charge, which
        URDB has no room for.
    """
    name = key or "given"
    table = tariff_table(name, tariff)
    item: dict[str, Any] = {"label": key, "name": key} if key else {}
    item["sector"] = "Residential"
    item["energyratestructure"] = _tiers_by_period(
        energy_rows(name, tariff),
        table.n_periods,
        lambda r: {"rate": r[4], "adj": r[5], "sell": r[6], "unit": UNITS[int(r[3])]},
    )
    item["energyweekdayschedule"] = (table.weekday - 1).tolist()
    item["energyweekendschedule"] = (table.weekend - 1).tolist()
    item["fixedchargefirstmeter"] = table.monthly_fixed
    item["fixedchargeunits"] = "$/month"
    if table.monthly_min != 0.0 and table.annual_min != 0.0:
        raise TariffError(
            f"tariff {name}: has a monthly minimum of {table.monthly_min:g} $ and an annual one of "
            f"{table.annual_min:g} $; URDB has room for one of them"
        )
    annual = table.annual_min != 0.0
    item["mincharge"] = table.annual_min if annual else table.monthly_min
    item["minchargeunits"] = "$/year" if annual else "$/month"
    rules = {code: rule for rule, code in METERING.items()}
    # SAM's 1 is net metering too, with another rollover, which URDB does not tell apart.
    item["dgrules"] = rules.get(table.metering_option, "Net Metering")
    if table.demand is not None:
        item |= _demand_fields(name, tariff, len(table.demand.tou_price) > 0)
    return {"items": [item]}


Fields = Callable[[Sequence[float]], dict[str, Any]]


def _tiers_by_period(
    rows: Sequence[Sequence[float]], periods: int, fields: Fields
) -> list[list[dict[str, Any]]]:
    """Tiers of each period; a last tier without limit has no `max`."""
    structure: list[list[dict[str, Any]]] = [[] for _ in range(periods)]
    for row in sorted(rows, key=lambda r: (r[0], r[1])):
        structure[int(row[0]) - 1].append(fields(row) | {"max": row[2]})
    for tiers in structure:
        if not tiers:
            tiers.append({"rate": 0.0})
        if tiers[-1].get("max") == NO_LIMIT:
            del tiers[-1]["max"]
    return structure


def _demand_fields(name: str, tariff: Mapping[str, Any], tou: bool) -> dict[str, Any]:
    """URDB fields of the demand charges."""

    def fields(row: Sequence[float]) -> dict[str, Any]:
        return {"rate": row[3], "unit": "kW"}

    item: dict[str, Any] = {"demandrateunit": "kW"}
    if tou:
        rows = matrix_rows(name, tariff, "ur_dc_tou_mat", widths=(4,))
        item["demandratestructure"] = _tiers_by_period(rows, int(max(r[0] for r in rows)), fields)
        for day in ("weekday", "weekend"):
            sam = tariff[f"ur_dc_sched_{day}"]
            item[f"demand{day}schedule"] = [[int(p) - 1 for p in month] for month in sam]
    if tariff.get("ur_dc_flat_mat") is not None:
        rows = matrix_rows(name, tariff, "ur_dc_flat_mat", widths=(4,))
        item["flatdemandstructure"] = _tiers_by_period(
            [(r[0] + 1, *r[1:]) for r in rows], MONTHS, fields
        )
        item["flatdemandmonths"] = list(range(MONTHS))
    return item
