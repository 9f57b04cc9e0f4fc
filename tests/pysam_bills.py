"""Monthly bills of SAM (PySAM `Utilityrate5`) and of this package, from the same URDB tariff.

A tariff goes to each program by that program's own reading of its URDB JSON. Test modules that
import this one are skipped without PySAM 7 or later.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest

from cairo.model.calendar import hour_months, hour_stamps
from cairo.model.export_compensation import _return_export_compensation_rate
from cairo.model.tariff_changes import in_therms
from cairo.rates_tool.loads import process_building_demand_by_period
from cairo.rates_tool.lookups import ELECTRICITY, GAS, HOURS, KWH_TO_THERM, NET_LOAD, months
from cairo.rates_tool.system_revenues import run_system_revenues
from cairo.rates_tool.tariffs import URDBv7_to_ElectricityRates

utilityrate5 = pytest.importorskip("PySAM.Utilityrate5", reason="needs NREL-PySAM")
rate_tools = pytest.importorskip("PySAM.UtilityRateTools", reason="needs NREL-PySAM")
# Earlier ones are off by cents in net billing with tiers, and refuse less.
if int(version("NREL-PySAM").split(".")[0]) < 7:
    pytest.skip("needs NREL-PySAM 7 or later", allow_module_level=True)

MONDAY_YEAR = 2018
"""A year that begins on a Monday, as the only year SAM knows does."""
DOLLARS = 1e-6
"""Largest difference of a month's bill taken for rounding: a ten-thousandth of a cent."""
NET_METERING, NET_METERING_DOLLARS, NET_BILLING, NET_BILLING_DOLLARS, BUY_ALL = range(5)
"""`ur_metering_option`; net metering carries kWh, those with dollars carry $ to next month."""

HOUR = np.arange(HOURS)
MONTH = hour_months()
EVENING = [[0] * 16 + [1] * 5 + [0] * 3] * 12
ALWAYS = [[0] * 24] * 12
BY_MONTH = [[month] * 24 for month in range(12)]


def homes() -> np.ndarray:
    """Four homes (4, 8760): two of winter peaks, one small, one away in February and July."""
    rng = np.random.default_rng(20180101)
    season = 1 + 0.5 * np.cos(HOUR / HOURS * 2 * np.pi)
    load = rng.gamma(2.0, [[0.5], [0.9], [0.02], [0.5]], (4, HOURS)) * season
    load[3, np.isin(MONTH, (1, 6))] = 0.0
    return load


def sun(kw: float) -> np.ndarray:
    """Generation (4, 8760) of the four homes' PV, higher in summer [kWh an hour]."""
    height = np.clip(np.sin((HOUR % 24 - 6) / 12 * np.pi), 0, None)
    return np.tile(height * (1 - 0.4 * np.cos(HOUR / HOURS * 2 * np.pi)) * kw, (4, 1))


def monthly(hourly: np.ndarray) -> np.ndarray:
    """Sums by month (n, 12) of hourly values (n, 8760)."""
    return np.stack([hourly[:, month == MONTH].sum(axis=1) for month in range(12)], axis=1)


Tiers = list[tuple[float, float | None]]


def assert_same(ours: np.ndarray, sams: np.ndarray) -> None:
    """Two programs' bills [$] are one to `DOLLARS`."""
    __tracebackhide__ = True
    np.testing.assert_allclose(ours, sams, rtol=0, atol=DOLLARS)


def structure(*periods: Tiers, unit: str = "kWh", sell: float = 0.0) -> list[list[dict[str, Any]]]:
    """A URDB rate structure of (price, max) tiers."""
    return [
        [
            {"rate": price, "unit": unit}
            | ({} if most is None else {"max": most})
            | ({"sell": sell} if sell else {})
            for price, most in tiers
        ]
        for tiers in periods
    ]


def urdb(
    energy: list[list[dict[str, Any]]],
    weekday: list[list[int]] = ALWAYS,
    weekend: list[list[int]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A URDB tariff with a fixed charge of 7.50 $ a month."""
    return {
        "energyratestructure": energy,
        "energyweekdayschedule": weekday,
        "energyweekendschedule": weekend or weekday,
        "fixedchargefirstmeter": 7.5,
        "fixedchargeunits": "$/month",
        **fields,
    }


def sam_tariff(urdb: dict[str, Any]) -> dict[str, Any]:
    """`ElectricityRates` inputs of a URDB item, by PySAM's own conversion."""
    # The conversion counts schedules up in place, rows that are one list as often as they occur.
    return rate_tools.URDBv8_to_ElectricityRates(json.loads(json.dumps(urdb)))


def sam_bill(
    rates: dict[str, Any], load: np.ndarray, pv: np.ndarray | None = None, **options: Any
) -> np.ndarray:
    """SAM's bills (12,) [$] of the first year of a home on a tariff.

    Parameters
    ----------
    rates : from `sam_tariff`.
    load : (8760,) gross use of the home from Monday, January 1 [kWh an hour].
    pv : (8760,) generation, not negative [kWh an hour].
    options : inputs of SAM that take the place of those set here.
    """
    model = utilityrate5.new()
    inputs = {
        "en_electricity_rates": 1,
        "analysis_period": 1,
        "inflation_rate": 0.0,
        "system_use_lifetime_output": 0,
        "degradation": [0.0],
        "rate_escalation": [0.0],
        "load_escalation": [0.0],
        "load": load.tolist(),
        "gen": [0.0] * HOURS if pv is None else pv.tolist(),
        "TOU_demand_single_peak": 0,
        "ur_sell_eq_buy": 0,
        "ur_en_ts_buy_rate": 0,
        "ur_en_ts_sell_rate": 0,
        "ur_nm_yearend_sell_rate": 0.0,
        "ur_nm_credit_month": 11,
        "ur_nm_credit_rollover": 0,
        "ur_monthly_fixed_charge": 0.0,
        "ur_monthly_min_charge": 0.0,
        "ur_annual_min_charge": 0.0,
    }
    for name, value in (inputs | rates | options).items():
        model.value(name, value)
    model.execute()

    return np.array(model.Outputs.year1_monthly_utility_bill_w_sys, dtype=np.float64)


def sam_bills(
    urdb: dict[str, Any], load: np.ndarray, pv: np.ndarray | None = None, **options: Any
) -> np.ndarray:
    """SAM's monthly bills (n, 12) [$] of homes (n, 8760) on one tariff."""
    rates = sam_tariff(urdb)
    made = np.zeros_like(load) if pv is None else pv
    homes = zip(load, made, strict=True)
    return np.array([sam_bill(rates, use, sun, **options) for use, sun in homes])


def our_bills(
    urdb: dict[str, Any],
    load: np.ndarray,
    pv: np.ndarray | None = None,
    style: str | None = None,
    *,
    ratio: float | None = None,
    year: int = MONDAY_YEAR,
    **options: Any,
) -> np.ndarray:
    """This package's monthly bills (n, 12) [$] of homes (n, 8760) on one tariff.

    `options` take the place of entries of the PySAM-style tariff, as they do in `sam_bill`.
    """
    made = np.zeros_like(load) if pv is None else pv
    frame = hourly_frame(year, load_data=load, pv_generation=made, **{NET_LOAD: load - made})
    tariff = URDBv7_to_ElectricityRates(urdb, "t") | options
    return billed(tariff, frame, style, ratio=ratio, year=year)


def our_gas_bills(urdb: dict[str, Any], kwh: np.ndarray) -> np.ndarray:
    """This package's gas bills (n, 12) [$]: therms of `kwh` (n, 8760) at prices per therm."""
    frame = hourly_frame(MONDAY_YEAR, load_data=kwh * KWH_TO_THERM)
    return billed(in_therms(URDBv7_to_ElectricityRates(urdb, "t")), frame, load_key=GAS)


def hourly_frame(year: int, **columns: np.ndarray) -> pd.DataFrame:
    """A load frame of homes 1 to n from columns (n, 8760)."""
    bldg_ids = range(1, len(columns["load_data"]) + 1)
    index = pd.MultiIndex.from_product(
        [bldg_ids, hour_stamps(year, "EST")], names=["bldg_id", "time"]
    )
    return pd.DataFrame({name: value.reshape(-1) for name, value in columns.items()}, index=index)


def billed(
    tariff: dict[str, Any],
    loads: pd.DataFrame,
    style: str | None = None,
    *,
    ratio: float | None = None,
    load_key: str = ELECTRICITY,
    year: int = MONDAY_YEAR,
) -> np.ndarray:
    """This package's monthly bills (n, 12) [$] of a load frame's homes on a PySAM-style tariff."""
    bldg_ids = loads.index.unique("bldg_id").tolist()
    tariffs, strategy = {"t": tariff}, dict.fromkeys(bldg_ids, "t")
    with dask.config.set(scheduler="synchronous"):
        use, solar = process_building_demand_by_period(
            year, load_key, bldg_ids, tariffs, strategy, loads, style
        )
        bills = run_system_revenues(
            use,
            solar,
            _return_export_compensation_rate(year, style, ratio, tariffs),
            style,
            prototype_ids=bldg_ids,
            tariff_config=tariffs,
            tariff_strategy=strategy,
        )
    return bills[months].to_numpy()
