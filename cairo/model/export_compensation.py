"""What an exported kWh is credited with under net metering and net billing."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

import numpy as np

from cairo.errors import ScenarioError, TariffError, listed
from cairo.model.names import MONTHS
from cairo.model.tariff import BILLING_DOLLARS, BUY_ALL, AnyTariff, Tariff, parse_tariff
from cairo.model.tariff_fields import ROLLOVER
from cairo.model.tariff_rows import TariffDict
from cairo.model.tariff_rules import DECEMBER, nets, waiting_inputs

logger = logging.getLogger(__name__)

FULL_RETAIL = 1.0
"""Export/import ratio of net metering when none is given."""


def _return_export_compensation_rate(
    year_run: int,
    solar_pv_compensation: str | None,
    solar_pv_export_import_ratio: float | None,
    tariff_dict: Mapping[str, AnyTariff],
) -> dict[str, TariffDict | None]:
    """What an exported kWh is credited with, by tariff.

    Parameters
    ----------
    year_run : accepted for CAIRO's callers; rates are those of the tariff.
    solar_pv_compensation : 'net_metering', 'net_billing' or None.
    solar_pv_export_import_ratio : export credit as a share of the retail rate; None is 1 for
        net metering, and none at all for net billing.
    tariff_dict : {tariff_key: PySAM-style dict}. It is not changed.

    Returns
    -------
    {tariff_key: tariff dict} whose seventh values are the ratio (net metering) or the sell price
    [$/kWh] (net billing): the tariff's own sell rates where it has any, else ratio x retail
    rate, else 0 with a warning. {tariff_key: None} without compensation.

    Raises
    ------
    ScenarioError
        An unknown style, or a ratio that is not a number from 0.
    TariffError
        Net metering of a tariff under which all use is bought and all generation sold, credits
        that cannot be carried.
    """
    credited = export_credits(solar_pv_compensation, solar_pv_export_import_ratio, tariff_dict)
    return {key: None if one is None else one.to_dict() for key, one in credited.items()}


def export_credits(
    style: str | None, ratio: float | None, given: Mapping[str, AnyTariff]
) -> dict[str, Tariff | None]:
    """`_return_export_compensation_rate`, parsed.

    style : `solar_pv_compensation`. ratio : `solar_pv_export_import_ratio`. given : the tariffs.
    """
    styles = (None, "net_metering", "net_billing")
    if style not in styles:
        raise ScenarioError(f"solar_pv_compensation is {style!r}, expected one of {styles}")
    if ratio is not None and not (math.isfinite(ratio) and ratio >= 0.0):
        raise ScenarioError(f"solar_pv_export_import_ratio is {ratio}, expected a number from 0")
    tariffs = {key: parse_tariff(key, tariff) for key, tariff in given.items()}
    _check_buy_all(style, tariffs)
    _name_carried_dollars(style, tariffs)
    for tariff in tariffs.values():
        _check_rollover(tariff, style, ratio)
    if style is None:
        return dict.fromkeys(tariffs)
    credited = _net_metering if style == "net_metering" else _net_billing
    return {key: credited(tariff, ratio) for key, tariff in tariffs.items()}


def _check_buy_all(style: str | None, tariffs: Mapping[str, Tariff]) -> None:
    """Buy all, sell all needs net billing: refused with net metering, named without either."""
    for key, tariff in tariffs.items():
        if tariff.metering_option != BUY_ALL:
            continue
        if style == "net_metering":
            raise TariffError(
                f"tariff {key}: dgrules Buy All Sell All (ur_metering_option {BUY_ALL}) nets "
                "nothing, but solar_pv_compensation is net_metering; expected net_billing, or "
                "other dgrules if its homes net their use"
            )
        if style is None:
            logger.warning(
                "tariff %s: dgrules Buy All Sell All counts only with solar_pv_compensation "
                "net_billing: homes with PV pay for what they take from the grid alone, and their "
                "exports are not credited",
                key,
            )


def _name_carried_dollars(style: str | None, tariffs: Mapping[str, Tariff]) -> None:
    """Net billing that carries dollars is billed as net billing that does not."""
    for key, tariff in tariffs.items():
        if style == "net_billing" and tariff.metering_option == BILLING_DOLLARS:
            logger.warning(
                "tariff %s: dgrules Net Billing Hourly (ur_metering_option %d) carries dollars "
                "from month to month, which is not modelled: exports are credited in their month",
                key,
                BILLING_DOLLARS,
            )


def _check_rollover(table: Tariff, style: str | None, ratio: float | None) -> None:
    """Refuse terms of carried credits that do not fit the run; name those that do not count."""
    key, terms = table.key, table.rollover
    if terms is None:
        unused = waiting_inputs(table.given)
        if unused and style == "net_metering" and nets(table.metering_option):
            logger.warning(
                "tariff %s: %s is %s, which counts only with %s: exports are credited in their "
                "month",
                key,
                unused[0],
                table.given[unused[0]],
                ROLLOVER,
            )
        return
    if style != "net_metering":
        raise TariffError(
            f"tariff {key}: {ROLLOVER} needs solar_pv_compensation net_metering, found {style}"
        )
    if not terms.dollars and ratio not in (None, FULL_RETAIL):
        raise TariffError(
            f"tariff {key}: solar_pv_export_import_ratio is {ratio:g}, but {ROLLOVER} carries kWh "
            "one for one; expected 1 or none, or a tariff that carries dollars "
            "(ur_metering_option 1)"
        )
    lost = sorted(
        {
            period
            for month in range(MONTHS)
            if month not in (DECEMBER, terms.settled)
            for period in np.union1d(table.weekday[month], table.weekend[month]).tolist()
            if terms.next_period[month, period - 1] < 0
        }
    )
    if lost and not terms.dollars:
        logger.warning(
            "tariff %s: a surplus of period %s is lost, as in SAM: it is not the period of a "
            "weekday at 0, 5, 11 or 17 o'clock, by which kWh are carried into the next month",
            key,
            listed(lost),
        )


def _determine_sell_rate(
    solar_pv_compensation: str | None,
    export_import_ratio: float | None,
    year_run: int,
    tariff_dict: Mapping[str, AnyTariff],
) -> dict[str, TariffDict | None]:
    """`_return_export_compensation_rate` with CAIRO's other order of arguments."""
    return _return_export_compensation_rate(
        year_run, solar_pv_compensation, export_import_ratio, tariff_dict
    )


def _net_metering(table: Tariff, ratio: float | None) -> Tariff:
    share = FULL_RETAIL if ratio is None else float(ratio)
    return table.with_sell_rates(np.full(table.rate.shape, share))


def _net_billing(table: Tariff, ratio: float | None) -> Tariff:
    if table.sell.any():
        return table.with_sell_rates(table.sell)
    if ratio is None:
        logger.warning(
            "tariff %s has no sell rate: net billing credits exports with 0 $", table.key
        )
    return table.with_sell_rates(table.rate * (0.0 if ratio is None else float(ratio)))
