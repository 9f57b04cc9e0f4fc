"""How a run credits exported energy, in words and in dollars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.export_compensation import FULL_RETAIL
from cairo.model.tariff import Tariff
from cairo.results.report.numbers import percent

NET_METERING, NET_BILLING = "net_metering", "net_billing"


@dataclass(frozen=True)
class Exports:
    """The credit of an exported kWh.

    style : None credits nothing. by_tariff : {tariff key: by period, a share of the retail rate
    (net metering) or a price [$/kWh] (net billing)}. ratio : of all tariffs under net metering,
    where the record tells no more.
    """

    style: str | None = None
    by_tariff: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    ratio: float | None = None

    def _told(self, tariff: Tariff) -> Float1D | None:
        own = self.by_tariff.get(tariff.key, ())
        if len(own) == tariff.n_periods:
            return np.array(own, dtype=np.float64)
        if self.style == NET_METERING and self.ratio is not None:
            return np.full(tariff.n_periods, self.ratio)
        return None

    def credit(self, tariff: Tariff) -> Float1D:
        """By period (P,) [$/kWh]; NaN where the run's record does not tell.

        Under net metering it is that share of the first tier's rate, as bills have it.
        """
        if self.style is None:
            return np.zeros(tariff.n_periods)
        told = self._told(tariff)
        if told is None:
            return np.full(tariff.n_periods, np.nan)
        credit: Float1D = told * tariff.rate[:, 0] if self.style == NET_METERING else told
        return credit

    def words(self, tariff: Tariff) -> str:
        """What the credit is."""
        if self.style is None:
            return "exports are not credited"
        told = self._told(tariff)
        if told is None:
            return "exports are credited at a price that the run's record does not tell"
        if self.style != NET_METERING:
            return (
                "exports are credited at a price of their own"
                if told.any()
                else ("exports are credited at 0 $/kWh")
            )
        if np.ptp(told):
            return "exports are credited at a share of the retail rate that differs by period"
        share = "" if told[0] == FULL_RETAIL else f"{percent(float(told[0]), 0)} of "
        tier = " (first tier)" if tariff.n_tiers > 1 else ""
        return f"exports are credited at {share}the retail rate{tier}"


def exports_of(record: Mapping[str, object], settings: Mapping[str, object]) -> Exports:
    """The credit that a run's record tells of."""
    told = record.get("exports")
    if isinstance(told, Mapping):
        style, by_tariff = told.get("style"), told.get("by_tariff")
        by_tariff = by_tariff if isinstance(by_tariff, Mapping) else {}
        return Exports(
            style if isinstance(style, str) else None,
            {str(key): _numbers(values) for key, values in by_tariff.items()},
        )
    # Records from before they told: a scenario's settings without a ratio mean the retail rate.
    style = settings.get("solar_pv_compensation")
    ratio = settings.get("solar_pv_export_import_ratio")
    of_scenario = "path_resstock_loads" in settings
    known = ratio if isinstance(ratio, int | float) else (FULL_RETAIL if of_scenario else None)
    return Exports(style if isinstance(style, str) else None, ratio=known)


def _numbers(values: object) -> tuple[float, ...]:
    given = values if isinstance(values, list) else []
    return tuple(float(one) for one in given if isinstance(one, int | float))
