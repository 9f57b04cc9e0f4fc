"""The fields of a Utility Rate Database (URDB) tariff: those billed, and those that change no bill.

Every other field that says something is refused: a charge that is passed over would be a wrong
bill.

References
----------
.. [1] OpenEI, Utility Rate Database API, versions 3 to 8, rate structure fields.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cairo.errors import TariffError
from cairo.model.names import HOURS_OF_DAY, MONTHS
from cairo.model.tariff_fields import (
    BILLING_DEMAND,
    BILLING_DEMAND_INPUTS,
    FUEL_ADJUSTMENT,
    MOST_SHOWN,
    ROLLOVER,
    ROLLOVER_TERMS,
    TIER_RULE,
    WAYS_OUT,
    Unmodelled,
    is_junk,
    says_something,
)
from cairo.model.tariff_rows import number

logger = logging.getLogger(__name__)

ENERGY_STRUCTURE = "energyratestructure"
DEMAND_STRUCTURE = "demandratestructure"
FLAT_STRUCTURE = "flatdemandstructure"
FLAT_MONTHS = "flatdemandmonths"

LOOKBACK_FIELDS = ("lookbackpercent", "lookbackrange", "lookbackmonths")
BEYOND_URDB = (
    TIER_RULE,
    ROLLOVER,
    "ur_metering_option",
    *ROLLOVER_TERMS,
    BILLING_DEMAND,
    *BILLING_DEMAND_INPUTS,
)
"""Inputs that URDB has no fields for: a URDB file may have them under these names."""
BILLED = frozenset(
    {
        "dgrules",
        ENERGY_STRUCTURE,
        "energyweekdayschedule",
        "energyweekendschedule",
        FUEL_ADJUSTMENT,
        *LOOKBACK_FIELDS,
        *BEYOND_URDB,
        "fixedchargefirstmeter",
        "fixedchargeunits",
        "fixedmonthlycharge",
        "mincharge",
        "minchargeunits",
        "minmonthlycharge",
        "annualmincharge",
        DEMAND_STRUCTURE,
        "demandweekdayschedule",
        "demandweekendschedule",
        "demandrateunit",
        FLAT_STRUCTURE,
        FLAT_MONTHS,
        "flatdemandunit",
        "demandunits",
    }
)
HARMLESS = frozenset(
    {
        # What the tariff is called, by whom and since when.
        "label",
        "name",
        "uri",
        "utility",
        "utilityname",
        "eiaid",
        "country",
        "zipcode",
        "state",
        "approved",
        "is_default",
        "startdate",
        "enddate",
        "latest_update",
        "source",
        "sourceparent",
        "supersedes",
        "supercedes",
        "revisions",
        "readonly",
        "description",
        "rate_type",
        # Whom it is for: the tariff map says who is on it.
        "sector",
        "servicetype",
        "residentialtype",
        "voltagecategory",
        "voltageminimum",
        "voltagemaximum",
        "phasewiring",
        "peakkwcapacitymin",
        "peakkwcapacitymax",
        "peakkwcapacityhistory",
        "peakkwhusagemin",
        "peakkwhusagemax",
        "peakkwhusagehistory",
        # The run's solar compensation decides: docs/differences.md.
        "usenetmetering",
        # A home has one meter.
        "fixedchargeeaaddl",
        # Units and schedules alone charge nothing.
        "coincidentrateunit",
        "coincidentrateschedule",
        # Asked about where demand is charged for.
        "demandwindow",
    }
)
COMMENTS = "comments"
"""Fields that end so are free text."""
ATTRIBUTES = ("energyattrs", "demandattrs", "fixedattrs")
"""Remarks of a utility as name and value: refused when there is a number among them."""
TIER_FIELDS = frozenset({"max", "unit", "rate", "adj", "sell"})
HOUR_IN_MINUTES = 60.0


def unknown_fields(item: Mapping[str, object]) -> list[str]:
    """Fields of a URDB tariff that say something and that our bills would pass over."""
    return [
        field
        for field, value in item.items()
        if field not in BILLED
        and field not in HARMLESS
        and not str(field).endswith(COMMENTS)
        and (field not in ATTRIBUTES or any(digit in str(value) for digit in "123456789"))
        and (says_something(value) or _is_schedule(value))
    ]


def _is_schedule(value: object) -> bool:
    """Whether a field is 12 x 24 of something: periods that count from 0."""
    rows = value if isinstance(value, list) else []
    return [len(row) if isinstance(row, list) else 0 for row in rows] == [HOURS_OF_DAY] * MONTHS


def unknown_tier_fields(tier: Mapping[str, object]) -> list[str]:
    """The same of one tier of a rate structure."""
    return [
        part
        for part, value in tier.items()
        if part not in TIER_FIELDS and not str(part).endswith(COMMENTS) and says_something(value)
    ]


def refuse_unknown_fields(name: str, item: Mapping[str, object]) -> None:
    """Refuse a URDB tariff with a field that our bills would pass over.

    Raises
    ------
    TariffError
        Naming the tariff and the field.
    """
    for field in unknown_fields(item):
        raise TariffError(f"{Unmodelled.of(name, field, item[field])}, {WAYS_OUT}")
    _name_demand_window(name, item)


def _name_demand_window(name: str, item: Mapping[str, object]) -> None:
    window = item.get("demandwindow")
    charged = any(says_something(item.get(field)) for field in (DEMAND_STRUCTURE, FLAT_STRUCTURE))
    if charged and not is_junk(window) and number(window) not in (0.0, HOUR_IN_MINUTES):
        logger.warning(
            "tariff %s: demand is billed by the hour, demandwindow says %s minutes", name, window
        )


def refuse_unknown_tier_fields(name: str, field: str, tier: Mapping[str, object]) -> None:
    """The same of one tier of a rate structure."""
    for part in unknown_tier_fields(tier):
        raise TariffError(
            f"tariff {name}: {part} is {str(tier[part])[:MOST_SHOWN]} in a tier of {field}, which "
            f"is not modelled; expected {', '.join(sorted(TIER_FIELDS))}, or allow_unmodelled: "
            "true in the scenario"
        )
