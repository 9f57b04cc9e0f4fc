"""Changes to a tariff as a file has it: another fixed or minimum charge, all rates scaled."""

from __future__ import annotations

from collections.abc import Mapping

from cairo.model.known_fields import KnownFields
from cairo.model.tariff import parse_tariff, with_energy_rates
from cairo.model.tariff_rows import TariffDict

KNOWN = KnownFields(
    "rate sell max_usage unit weekday weekend monthly_fixed monthly_min annual_min metering_option "
    "fuel_adjustment tier_rule demand rollover"
)
"""What a tariff may have beside what is changed: it stays as it is."""


def changed_tariff(
    key: str,
    tariff: Mapping[str, object],
    fixed_charge: float | None = None,
    min_charge: float | None = None,
    rate_scale: float | None = None,
) -> TariffDict:
    """A PySAM-style tariff with some of its figures changed; the one given is not.

    Parameters
    ----------
    key : the tariff's name. tariff : as parsed by `model.tariff.parse_tariff`.
    fixed_charge, min_charge : [$/month] in the place of its own.
    rate_scale : factor of every energy rate and its adjustment; sell rates stay.

    Raises
    ------
    TariffError
        The tariff is unsound, or has a field that a change might have to change too.
    """
    table = parse_tariff(key, tariff)
    KNOWN.refuse_others(table, "which tariff_changes does not know: change its file")
    changed = dict(tariff)
    if rate_scale is not None:
        changed = with_energy_rates(changed, table.rate * rate_scale)
    if fixed_charge is not None:
        changed["ur_monthly_fixed_charge"] = float(fixed_charge)
    if min_charge is not None:
        changed["ur_monthly_min_charge"] = float(min_charge)
    return changed
