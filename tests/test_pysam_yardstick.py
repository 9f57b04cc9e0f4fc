"""Bills against an independent program, SAM's `Utilityrate5`: equal, or the difference known.

`docs/pysam.md` explains every difference that the tests of the second half pin down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cairo.rates_tool.calendar import hour_weekend
from cairo.rates_tool.lookups import HOURS
from tests.pysam_bills import (
    ALWAYS,
    BY_MONTH,
    EVENING,
    MONDAY_YEAR,
    Tiers,
    homes,
    our_bills,
    our_gas_bills,
    sam_bills,
    structure,
    sun,
    urdb,
)

DOLLARS = 1e-6
"""Largest difference of a month's bill taken for rounding: a ten-thousandth of a cent."""
NET_METERING_KWH, NET_METERING_DOLLARS, NET_BILLING, NET_BILLING_CREDITS, BUY_ALL = range(5)
"""`ur_metering_option`."""

FLAT = structure([(0.14, None)])
TIERS: Tiers = [(0.10, 200.0), (0.20, 500.0), (0.30, None)]
PER_MONTH = {
    "flatdemandstructure": structure(
        [(5.0, 2.0), (9.0, None)], [(8.0, 3.0), (1.0, None)], unit="kW"
    ),
    "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
}
BY_TIME = {
    "demandratestructure": structure(
        [(5.0, 2.0), (7.0, 3.0), (11.0, None)], [(8.0, 2.0), (3.0, 3.0), (2.0, None)], unit="kW"
    ),
    "demandweekdayschedule": EVENING,
    "demandweekendschedule": ALWAYS,
}
TARIFFS: dict[str, dict[str, Any]] = {
    "flat": urdb(FLAT),
    "adjustment": urdb([[{"rate": 0.14, "adj": -0.03, "unit": "kWh"}]]),
    "fixed charge a day": urdb(FLAT, fixedchargeunits="$/day"),
    "fixed charge a year": urdb(FLAT, fixedchargeunits="$/year"),
    "time of use": urdb(structure([(0.1, None)], [(0.3, None)]), EVENING),
    "time of use, weekends apart": urdb(structure([(0.1, None)], [(0.3, None)]), EVENING, ALWAYS),
    "tiers": urdb(structure(TIERS)),
    "tiers falling in price": urdb(structure([(0.3, 250.0), (0.1, None)])),
    "tiers a day": urdb(structure([(0.1, 5.0), (0.2, 12.0), (0.3, None)], unit="kWh daily")),
    "tiers per kW": urdb(structure([(0.1, 50.0), (0.2, 120.0), (0.3, None)], unit="kWh/kW")),
    "tiers per kW a day": urdb(
        structure([(0.1, 2.0), (0.2, 4.0), (0.3, None)], unit="kWh/kW daily")
    ),
    "two tiers by month": urdb(
        structure(*[[(0.1 + m / 100, 200.0 + 10 * m), (0.2, None)] for m in range(12)]), BY_MONTH
    ),
    "three tiers by month": urdb(
        structure(*[[(0.1, 250.0), (0.2 + m / 100, 600.0), (0.4, None)] for m in range(12)]),
        BY_MONTH,
    ),
    "24 periods": urdb(
        structure(*[[(0.1 + p / 100, None)] for p in range(24)]),
        [[2 * m] * 16 + [2 * m + 1] * 5 + [2 * m] * 3 for m in range(12)],
        [[2 * m] * 24 for m in range(12)],
    ),
    "minimum a month": urdb(FLAT, mincharge=60.0, minchargeunits="$/month"),
    "minimum a day": urdb(FLAT, mincharge=3.0, minchargeunits="$/day"),
    "minimum a year": urdb(FLAT, mincharge=1200.0, minchargeunits="$/year"),
    "demand by month": urdb(FLAT, **PER_MONTH),
    "demand by time": urdb(FLAT, **BY_TIME),
    "demand by month and time": urdb(structure(TIERS), **PER_MONTH, **BY_TIME),
}


def assert_same(ours: np.ndarray, sams: np.ndarray) -> None:
    __tracebackhide__ = True
    np.testing.assert_allclose(ours, sams, rtol=0, atol=DOLLARS)


# Equal


@pytest.mark.parametrize("name", TARIFFS)
def test_a_months_bill_is_sams(name: str) -> None:
    assert_same(our_bills(TARIFFS[name], homes()), sam_bills(TARIFFS[name], homes()))


@pytest.mark.parametrize("name", TARIFFS)
def test_a_home_with_uncredited_pv_is_billed_its_hourly_imports_as_in_sam(name: str) -> None:
    # SAM too adds up hourly imports under net billing; sell rates of 0 credit nothing. It stops
    # at limits per kW in the months that the last home, away, exports and has no peak.
    load, pv = homes(), sun(1.5)
    if "per kW" in name:
        load, pv = load[:3], pv[:3]
    sams = sam_bills(TARIFFS[name], load, pv, ur_metering_option=NET_BILLING)
    assert_same(our_bills(TARIFFS[name], load, pv), sams)


@pytest.mark.parametrize("kw", [0.5, 6.0])
@pytest.mark.parametrize("tiers", [[(0.14, None)], TIERS])
def test_net_billing_credits_hourly_exports_at_the_sell_rate_as_in_sam(
    tiers: Tiers, kw: float
) -> None:
    tariff = urdb(structure(tiers, sell=0.05))
    sams = sam_bills(tariff, homes(), sun(kw), ur_metering_option=NET_BILLING)
    assert_same(our_bills(tariff, homes(), sun(kw), "net_billing"), sams)


def test_net_billing_credits_each_period_its_own_sell_rate_as_in_sam() -> None:
    energy = structure([(0.1, None)], sell=0.04) + structure([(0.3, None)], sell=0.09)
    tariff = urdb(energy, EVENING, ALWAYS)
    sams = sam_bills(tariff, homes(), sun(3.0), ur_metering_option=NET_BILLING)
    assert_same(our_bills(tariff, homes(), sun(3.0), "net_billing"), sams)


def test_demand_charges_follow_the_peak_of_net_use_as_in_sam() -> None:
    tariff = urdb(structure([(0.1, None)], sell=0.04), **PER_MONTH, **BY_TIME)
    sams = sam_bills(tariff, homes(), sun(3.0), ur_metering_option=NET_BILLING)
    assert_same(our_bills(tariff, homes(), sun(3.0), "net_billing"), sams)


@pytest.mark.parametrize("name", ["flat", "time of use, weekends apart", "24 periods"])
def test_net_metering_is_sams_while_no_period_of_a_month_has_a_surplus(name: str) -> None:
    load, pv = homes()[:2], sun(0.6)[:2]
    sams = sam_bills(TARIFFS[name], load, pv, ur_metering_option=NET_METERING_KWH)
    assert_same(our_bills(TARIFFS[name], load, pv, "net_metering"), sams)
    assert (pv > load).any(), "a home must export in some hours"


def test_the_year_of_sam_begins_on_a_monday() -> None:
    tariff = urdb(structure([(0.1, None)], [(1.0, None)]), ALWAYS, [[1] * 24] * 12)
    for day in range(14):
        load = np.zeros((1, HOURS))
        load[0, 24 * day + 12] = 1.0
        price = 1.0 if day % 7 in (5, 6) else 0.1
        assert hour_weekend(MONDAY_YEAR)[24 * day] == (day % 7 in (5, 6))
        assert sam_bills(tariff, load)[0, 0] == pytest.approx(7.5 + price)
        assert our_bills(tariff, load)[0, 0] == pytest.approx(7.5 + price)
    # January 14 is a Sunday in 2018 and a Tuesday in 2025: our weekends are the calendar's.
    assert our_bills(tariff, load, year=2025)[0, 0] == pytest.approx(7.6)


def test_gas_by_the_therm_costs_what_sam_bills_by_the_kwh() -> None:
    gas = homes() * 12.0
    for tariff in (TARIFFS["flat"], urdb(structure([(0.04, 1500.0), (0.02, None)]))):
        assert_same(our_gas_bills(tariff, gas), sam_bills(tariff, gas))
