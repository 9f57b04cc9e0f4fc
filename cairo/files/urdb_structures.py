"""Rate structures and schedules of URDB, cell by cell, as rows of PySAM-style matrices."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cairo.errors import TariffError
from cairo.files.urdb_fields import refuse_unknown_tier_fields
from cairo.model.names import HOURS_OF_DAY, MONTHS
from cairo.model.tariff_fields import is_junk
from cairo.model.tariff_rows import NO_LIMIT, is_sound, number, schedule_array

logger = logging.getLogger(__name__)

BEYOND_A_HOME = 1e6
"""No home has a month of so many kWh, nor a peak of so many kW."""
Tiers = Sequence[Mapping[str, object]]


def structure_of(
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
    kept: list[list[Mapping[str, object]]] = [
        [{k: v for k, v in tier.items() if not is_junk(v)} for tier in period] for period in periods
    ]
    for period in kept:
        for tier in period:
            refuse_unknown_tier_fields(name, field, tier)
    return kept


def place_of(name: str, field: str, tiers: Tiers, period: int, tier: int) -> tuple[int, int, float]:
    """Period and tier from 1, and the tier's limit."""
    given: Any = tiers[tier].get("max")
    if given is None and tier + 1 < len(tiers):
        raise TariffError(
            f"tariff {name}: tier {tier + 1} of period {period} in {field} has no max, but another "
            "tier follows; expected a max (1e38 for none) in every tier but the last"
        )
    return period + 1, tier + 1, NO_LIMIT if given is None else given


def name_last_limits(name: str, item: Mapping[str, object], fields: Iterable[str]) -> None:
    """Warn of last tiers with a limit, which ends nothing, in structures that have been read."""
    for field in fields:
        periods = item[field]
        assert isinstance(periods, list)
        for place, tiers in enumerate(periods, start=1):
            limit = number(tiers[-1].get("max")) if tiers else None
            if limit is not None and limit < BEYOND_A_HOME:
                logger.warning(
                    "tariff %s: the last tier of period %d in %s ends at %g: what is above it is "
                    "billed at its rate",
                    name,
                    place,
                    field,
                    limit,
                )


def price_of(name: str, tier: Mapping[str, object], field: str) -> float:
    """A price of a tier; 0 when absent, unless it is the rate."""
    value = number(tier.get(field, None if field == "rate" else 0.0))
    if value is None or not is_sound(value):
        raise TariffError(f"tariff {name}: {field} is {tier.get(field)!r} in tier {dict(tier)}")
    return value


def schedules_of(
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
