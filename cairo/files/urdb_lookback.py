"""Demand ratchets of a URDB tariff as SAM's inputs of billing demand.

`lookbackpercent` is the share of earlier months' peaks that a month pays at least, and those months
are the `lookbackrange` before it or, of any year, those marked in `lookbackmonths`. A month owes
its own peak in full: URDB gives the share of the months looked back to alone.

References
----------
.. [1] OpenEI, Utility Rate Database API version 8, fields of demand.
.. [2] REopt, `parse_urdb_lookback_charges` and its ratchet constraints: the same reading.
.. [3] PySAM, `URDBv8_to_ElectricityRates`: another one, see `docs/pysam.md`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from cairo.errors import TariffError
from cairo.files.urdb_fields import LOOKBACK_FIELDS
from cairo.model.names import MONTHS
from cairo.model.tariff_fields import BILLING_DEMAND, says_something
from cairo.model.tariff_rows import TariffDict, number

logger = logging.getLogger(__name__)

PERCENT_FIELD, RANGE_FIELD, MONTHS_FIELD = LOOKBACK_FIELDS
ALL_BEFORE = MONTHS - 1
"""Months looked back to for every month of a year but the one billed."""
GIVE_SAMS = "give ur_billing_demand_* inputs of SAM in the tariff's file"


def ratchet_inputs(name: str, item: Mapping[str, object], demand: TariffDict) -> TariffDict:
    """Inputs of billing demand of a URDB item; empty when it has no ratchet.

    Parameters
    ----------
    name : of the tariff. item : the URDB item.
    demand : its `ur_dc_*` inputs.

    Raises
    ------
    TariffError
        Fields that contradict each other or leave open which peaks count.
    """
    said = {field: item.get(field) for field in LOOKBACK_FIELDS}
    if says_something(item.get(BILLING_DEMAND)) or not any(map(says_something, said.values())):
        return {}
    share = number(said[PERCENT_FIELD])
    if not says_something(said[PERCENT_FIELD]):
        if not says_something(said[RANGE_FIELD]):
            return {}
        share = None
    if share is None or not 0.0 < share <= 1.0:
        raise TariffError(
            f"tariff {name}: {PERCENT_FIELD} is {said[PERCENT_FIELD]!r}, expected a share above 0, "
            f"at most 1, of the peaks looked back to"
        )
    looked, back = _months(name, said)
    if not _charges(demand):
        return {}
    periods = sorted({int(row[0]) for row in demand["ur_dc_tou_mat"]})
    if len(periods) > 1:
        raise TariffError(
            f"tariff {name}: {PERCENT_FIELD} with {len(periods)} demand periods does not say whose "
            f"peaks count; {GIVE_SAMS}"
        )
    if share < 1.0:
        logger.warning(
            "tariff %s: %s %g: a month is billed its own peak in full or that share of the peaks "
            "looked back to; SAM's own conversion bills that share of its own peak too: %s if so",
            name,
            PERCENT_FIELD,
            share,
            GIVE_SAMS,
        )
    return {
        BILLING_DEMAND: 1,
        "ur_billing_demand_minimum": 0.0,
        "ur_billing_demand_lookback_period": back,
        "ur_billing_demand_lookback_percentages": [
            [100.0 * share if counts else 0.0, 1] for counts in looked
        ],
        "ur_dc_billing_demand_periods": [[period, 1] for period in periods],
    }


def _months(name: str, said: Mapping[str, object]) -> tuple[list[bool], int]:
    """(whether a month's peak counts later, months looked back)."""
    back = number(said[RANGE_FIELD]) if says_something(said[RANGE_FIELD]) else 0.0
    if back is None or back not in range(MONTHS + 1):
        raise TariffError(
            f"tariff {name}: {RANGE_FIELD} is {said[RANGE_FIELD]!r}, expected 0 to 12 months"
        )
    given = said[MONTHS_FIELD]
    marked = says_something(given)
    if marked == bool(back):
        found = "both" if marked else "neither"
        raise TariffError(
            f"tariff {name}: {PERCENT_FIELD} has {found} of {RANGE_FIELD} and {MONTHS_FIELD}, "
            "expected one: the months before, or the months of the year, whose peaks count"
        )
    if not marked:
        return [True] * MONTHS, int(back)
    rows = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if len(rows) != MONTHS or not all(one in (0, 1) for one in rows):
        raise TariffError(
            f"tariff {name}: {MONTHS_FIELD} is {str(given)[:60]}, expected true or false for each "
            "of the 12 months"
        )
    return [bool(one) for one in rows], ALL_BEFORE


def _charges(demand: TariffDict) -> bool:
    """Whether there is a price of demand."""
    rows = [*demand.get("ur_dc_tou_mat", ()), *demand.get("ur_dc_flat_mat", ())]
    return any(row[3] for row in rows)
