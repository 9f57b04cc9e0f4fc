"""PySAM-style tariff dicts to Utility Rate Database (URDB) JSON, so that final rates travel on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cairo.errors import TariffError, listed
from cairo.files.urdb import RULES, tariff_of_item
from cairo.model.demand_charges import DemandCharges
from cairo.model.known_fields import differing
from cairo.model.names import MONTHS
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import FUEL_ADJUSTMENT, ROLLOVER, ROLLOVER_TERMS, TIER_RULE
from cairo.model.tariff_rows import NO_LIMIT, UNITS, TariffDict, energy_rows, matrix_rows
from cairo.model.tariff_rules import IN_DOLLARS, IN_KWH, waiting_inputs


def ElectricityRates_to_URDB(tariff: Mapping[str, object], key: str | None = None) -> TariffDict:
    """URDB JSON of a PySAM-style tariff dict: read again, it bills the same to the bit.

    Parameters
    ----------
    tariff : such as an entry of `tariff_final_config.json`. It is not changed.
    key : becomes the tariff's `label` and `name`.

    Raises
    ------
    TariffError
        The tariff cannot be billed, has billing demand, which URDB has no room for, or has a field
        that does not come back: what is written is read again and compared.

    Notes
    -----
    `tier_rule`, the terms of carried credits and `ur_metering_option` 1 are fields that URDB lacks
    and other programs pass over. Of a monthly and an annual minimum charge the annual one has the
    name that URDB's version 3 gave it, `annualmincharge`: later versions have room for one of them.
    """
    name = key or "given"
    table = parse_tariff(name, tariff)
    item: TariffDict = {"label": key, "name": key} if key else {}
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
    if table.demand is not None and table.demand.billing is not None:
        raise TariffError(
            f"tariff {name}: has billing demand (ur_enable_billing_demand), which URDB has no room "
            "for; expected demand charges on each month's own peaks"
        )
    if table.fuel_adjustment.any():
        item[FUEL_ADJUSTMENT] = table.fuel_adjustment.tolist()
    if table.tier_rule != "period":
        item[TIER_RULE] = table.tier_rule
    if table.rollover is not None or waiting_inputs(tariff):
        item |= {name: tariff[name] for name in (ROLLOVER, *ROLLOVER_TERMS) if name in tariff}
    annual = table.annual_min != 0.0
    if annual and table.monthly_min != 0.0:
        item["annualmincharge"] = table.annual_min
        annual = False
    item["mincharge"] = table.annual_min if annual else table.monthly_min
    item["minchargeunits"] = "$/year" if annual else "$/month"
    item["dgrules"] = RULES.get(table.metering_option, RULES[IN_KWH])
    if table.metering_option == IN_DOLLARS:
        # Net metering too, with another rollover: URDB does not tell them apart.
        item["ur_metering_option"] = IN_DOLLARS
    if table.demand is not None:
        item |= _demand_fields(name, tariff, table.demand)
    _check_whole(table, item)
    return {"items": [item]}


def _check_whole(tariff: Tariff, item: Mapping[str, object]) -> None:
    """Refuse a tariff that would not be the same when its URDB item is read.

    Raises
    ------
    TariffError
        Naming the fields.
    """
    lost = differing(tariff, tariff_of_item(tariff.key, item))
    if lost:
        raise TariffError(
            f"tariff {tariff.key}: {listed(lost)} would not be the same in URDB JSON, which has no "
            "room for that; keep its PySAM-style JSON"
        )


Fields = Callable[[Sequence[float]], TariffDict]


def _tiers_by_period(
    rows: Sequence[Sequence[float]], periods: int, fields: Fields
) -> list[list[TariffDict]]:
    """Tiers of each period; a last tier without limit has no `max`."""
    structure: list[list[TariffDict]] = [[] for _ in range(periods)]
    for row in sorted(rows, key=lambda r: (r[0], r[1])):
        structure[int(row[0]) - 1].append(fields(row) | {"max": row[2]})
    for tiers in structure:
        if not tiers:
            tiers.append({"rate": 0.0})
        if tiers[-1].get("max") == NO_LIMIT:
            del tiers[-1]["max"]
    return structure


def _demand_fields(name: str, tariff: Mapping[str, object], demand: DemandCharges) -> TariffDict:
    """URDB fields of the demand charges."""

    def fields(row: Sequence[float]) -> TariffDict:
        return {"rate": row[3], "unit": "kW"}

    item: TariffDict = {"demandrateunit": "kW"}
    if len(demand.tou_price):
        rows = matrix_rows(name, tariff, "ur_dc_tou_mat", widths=(4,))
        item["demandratestructure"] = _tiers_by_period(rows, int(max(r[0] for r in rows)), fields)
        for day in ("weekday", "weekend"):
            periods = getattr(demand, day)
            item[f"demand{day}schedule"] = (periods - 1).tolist()
    if tariff.get("ur_dc_flat_mat") is not None:
        rows = matrix_rows(name, tariff, "ur_dc_flat_mat", widths=(4,))
        item["flatdemandstructure"] = _tiers_by_period(
            [(r[0] + 1, *r[1:]) for r in rows], MONTHS, fields
        )
        item["flatdemandmonths"] = list(range(MONTHS))
    return item
