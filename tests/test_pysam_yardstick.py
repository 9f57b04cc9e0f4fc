"""Bills against an independent program, SAM's `Utilityrate5`: equal, wherever conventions agree.

The differences are in `docs/pysam.md`, and tests of `test_pysam_differences.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.model.calendar import hour_weekend
from cairo.model.tariff_changes import in_therms
from cairo.rates_tool.loads import _return_load
from cairo.rates_tool.lookups import GAS, GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.tariffs import get_default_tariff_structures
from tests.pysam_bills import (
    ALWAYS,
    BY_MONTH,
    EVENING,
    MONDAY_YEAR,
    MONTH,
    NET_BILLING,
    NET_BILLING_DOLLARS,
    NET_METERING,
    Tiers,
    assert_same,
    billed,
    homes,
    monthly,
    our_bills,
    our_gas_bills,
    sam_bill,
    sam_bills,
    sam_tariff,
    structure,
    sun,
    urdb,
)

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


@pytest.mark.parametrize("name", TARIFFS)
def test_a_months_bill_is_sams(name: str) -> None:
    assert_same(our_bills(TARIFFS[name], homes()), sam_bills(TARIFFS[name], homes()))


@st.composite
def drawn_tariffs(draw: st.DrawFn) -> dict[str, Any]:
    """Any rates, limits, units and schedules; with tiers, no month has two energy periods."""
    price, limit = st.integers(0, 900).map(lambda n: n / 1000), st.integers(1, 400)
    tiers, periods = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    unit = draw(st.sampled_from(["kWh", "kWh daily", "kWh/kW", "kWh/kW daily"]))
    scale = {"kWh": 2.0, "kWh daily": 0.05, "kWh/kW": 0.5, "kWh/kW daily": 0.02}[unit]

    def drawn(step: float) -> Tiers:
        limits = np.cumsum([draw(limit) for _ in range(tiers - 1)]) * step
        return [(draw(price), float(most)) for most in limits] + [(draw(price), None)]

    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (12, 24) if tiers == 1 else (12, 1)
    weekday, weekend = (
        np.broadcast_to(rng.integers(0, periods, shape), (12, 24)).tolist() for _ in range(2)
    )
    fields: dict[str, Any] = {"fixedchargefirstmeter": draw(price) * 50}
    minimum = draw(st.sampled_from(["$/month", "$/day", "$/year"]))
    fields |= {"mincharge": draw(price) * {"$/day": 5}.get(minimum, 200), "minchargeunits": minimum}
    if draw(st.booleans()):
        by_month = [drawn(0.01) for _ in range(periods)]
        fields["flatdemandstructure"] = structure(*by_month, unit="kW")
        fields["flatdemandmonths"] = rng.integers(0, periods, 12).tolist()
        most = [limit for _, limit in drawn(0.01)]
        by_time = [[(draw(price), kw) for kw in most] for _ in range(periods)]
        fields["demandratestructure"] = structure(*by_time, unit="kW")
        for day in ("weekday", "weekend"):
            fields[f"demand{day}schedule"] = rng.integers(0, periods, (12, 24)).tolist()
    energy = structure(*[drawn(scale) for _ in range(periods)], unit=unit)
    return urdb(energy, weekday, weekday if tiers > 1 else weekend, **fields)


@given(drawn_tariffs())
def test_a_months_bill_of_any_tariff_of_shared_conventions_is_sams(tariff: dict[str, Any]) -> None:
    assert_same(our_bills(tariff, homes()), sam_bills(tariff, homes()))


@pytest.mark.parametrize("name", TARIFFS)
def test_a_home_with_uncredited_pv_is_billed_its_hourly_imports_as_in_sam(name: str) -> None:
    # SAM too adds up hourly imports under net billing; sell rates of 0 credit nothing. It stops
    # at limits per kW in the months that the last home, away, exports and has no peak.
    load, pv = homes(), sun(1.5)
    if "per kW" in name:
        load, pv = load[:3], pv[:3]
    sams = sam_bills(TARIFFS[name], load, pv, ur_metering_option=NET_BILLING)
    assert_same(our_bills(TARIFFS[name], load, pv), sams)


OTHER_PRICE_EVERY_MONTH = [round(0.02 - 0.004 * month, 3) for month in range(12)]


def by_month_in_sam(tiers: Tiers, fuel: list[float]) -> dict[str, Any]:
    """SAM has no fuel adjustment: a period of its own for each month's rates."""
    periods = [[(price + added, most) for price, most in tiers] for added in fuel]
    return urdb(structure(*periods, sell=0.05), BY_MONTH)


@pytest.mark.parametrize("tiers", [[(0.14, None)], TIERS])
def test_a_fuel_adjustment_is_part_of_the_months_rate(tiers: Tiers) -> None:
    fuel = OTHER_PRICE_EVERY_MONTH
    tariff = urdb(structure(tiers, sell=0.05), fueladjustmentsmonthly=fuel)
    sams = by_month_in_sam(tiers, fuel)
    assert_same(our_bills(tariff, homes()), sam_bills(sams, homes()))
    way = {"ur_metering_option": NET_BILLING}
    ours = our_bills(tariff, homes(), sun(2.0), "net_billing")
    assert_same(ours, sam_bills(sams, homes(), sun(2.0), **way))


def test_net_metering_credits_the_fuel_adjustment_too() -> None:
    fuel = OTHER_PRICE_EVERY_MONTH
    tariff = urdb(FLAT, fueladjustmentsmonthly=fuel)
    sams = by_month_in_sam([(0.14, None)], fuel)
    load, pv = homes()[:2], sun(0.6)[:2]
    way = {"ur_metering_option": NET_METERING}
    assert_same(our_bills(tariff, load, pv, "net_metering"), sam_bills(sams, load, pv, **way))


@st.composite
def billing_demands(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tariff with demand charges, and SAM's inputs of billing demand."""
    charges = draw(st.sampled_from([PER_MONTH, BY_TIME, PER_MONTH | BY_TIME]))
    percent, on = st.integers(0, 100), st.integers(0, 1)
    counts = [[1, 1]] if charges is PER_MONTH else draw(st.sampled_from([(0, 1), (1, 0), (1, 1)]))
    if charges is not PER_MONTH:
        counts = [[period, counted] for period, counted in enumerate(counts, start=1)]
    return urdb(FLAT, **charges), {
        "ur_enable_billing_demand": 1,
        "ur_billing_demand_minimum": draw(st.sampled_from([0.0, 1.5, 4.0])),
        "ur_billing_demand_lookback_period": draw(st.integers(0, 12)),
        "ur_billing_demand_lookback_percentages": [[draw(percent), draw(on)] for _ in range(12)],
        "ur_dc_billing_demand_periods": counts,
    }


@given(billing_demands())
def test_billing_demand_its_minimum_and_its_look_back_are_sams(
    drawn: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    tariff, terms = drawn
    rates = sam_tariff(tariff)
    sams = []
    for load in homes():
        # The year before was the same year.
        before = [float(load[month == MONTH].max()) for month in range(12)]
        sams.append(sam_bill(rates, load, **terms, ur_yearzero_usage_peaks=before))
    assert_same(our_bills(tariff, homes(), **terms), np.array(sams))


def test_a_ratchet_bills_four_fifths_of_the_years_highest_month() -> None:
    # One home: 10 kW in January, 1 kW in every other month; 5 $/kW.
    load = np.where(MONTH == 0, 10.0, 1.0)[None, :]
    demand = {"flatdemandstructure": [[{"rate": 5.0}]], "flatdemandmonths": [0] * 12}
    ratchet = {
        "ur_enable_billing_demand": 1,
        "ur_billing_demand_minimum": 0.0,
        "ur_billing_demand_lookback_period": 11,
        "ur_billing_demand_lookback_percentages": [[80, 1]] * 12,
        "ur_dc_billing_demand_periods": [[1, 1]],
    }
    bills = our_bills(urdb(FLAT, **demand), load, **ratchet)
    energy = 7.5 + 0.14 * monthly(load)
    np.testing.assert_allclose(bills - energy, [[50.0] + [40.0] * 11], atol=1e-9)


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


def test_net_billing_with_carried_dollars_is_the_same_while_no_month_has_any_over() -> None:
    energy = structure([(0.1, None)], sell=0.04) + structure([(0.3, None)], sell=0.09)
    tariff = urdb(energy, EVENING)
    load, pv = homes()[:2], sun(1.5)[:2]
    way = {"ur_metering_option": NET_BILLING_DOLLARS, "ur_nb_apply_credit_current_month": 1}
    sams = sam_bills(tariff, load, pv, **way)
    assert_same(our_bills(tariff, load, pv, "net_billing"), sams)


def test_demand_charges_follow_the_peak_of_net_use_as_in_sam() -> None:
    tariff = urdb(structure([(0.1, None)], sell=0.04), **PER_MONTH, **BY_TIME)
    sams = sam_bills(tariff, homes(), sun(3.0), ur_metering_option=NET_BILLING)
    assert_same(our_bills(tariff, homes(), sun(3.0), "net_billing"), sams)


@pytest.mark.parametrize("name", ["flat", "time of use, weekends apart", "24 periods"])
def test_net_metering_is_sams_while_no_period_of_a_month_has_a_surplus(name: str) -> None:
    load, pv = homes()[:2], sun(0.6)[:2]
    sams = sam_bills(TARIFFS[name], load, pv, ur_metering_option=NET_METERING)
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


# Real homes and tariffs


def real_homes(real_data: Path) -> Path:
    """Folder of the Vermont homes' load files."""
    return real_data / "resstock_vt" / "load_curve_hourly" / "state=VT" / "upgrade=00"


def read_column(folder: Path, bldg_id: int, column: str) -> np.ndarray:
    """A column of a load file, read without this package. 2018 begins on a Monday: no shift."""
    table = pq.read_table(folder / f"{bldg_id}-0.parquet", columns=["timestamp", column])
    hours = pd.Series(table[column].to_numpy(), index=table["timestamp"].to_pandas())
    assert hours.index[0] == pd.Timestamp(MONDAY_YEAR, 1, 1)
    return hours.to_numpy(np.float64)


def real_tariffs(real_data: Path, fuel: str) -> dict[str, Path]:
    files = sorted((real_data / "rates" / "tariffs" / fuel).glob("*.json"))
    assert files, f"no {fuel} tariffs in the folder of real data"
    return {file.stem: file for file in files}


def test_the_real_homes_electric_bills_on_every_real_tariff_are_sams(real_data: Path) -> None:
    folder = real_homes(real_data)
    loads = _return_load(load_filepath_key=folder, target_year=MONDAY_YEAR, force_tz="EST")
    files = real_tariffs(real_data, "electric")
    tariffs = get_default_tariff_structures(files, files)
    homes_there = loads.index.unique("bldg_id").tolist()
    use = {i: read_column(folder, i, TOTAL_COLUMN) for i in homes_there}
    pv = {i: -read_column(folder, i, PV_COLUMN) for i in homes_there}
    for key, file in files.items():
        rates = sam_tariff(json.loads(file.read_text())["items"][0])
        way = {"ur_metering_option": NET_BILLING}
        sams = [sam_bill(rates, use[i], pv[i], **way) for i in homes_there]
        assert_same(billed(tariffs[key], loads), np.array(sams))
        # Half the retail rate for exports, ours at the first tier's rate whatever the tier.
        first = {row[0]: row[4] for row in rates["ur_ec_tou_mat"] if row[1] == 1}
        half = [[*row[:5], 0.5 * first[row[0]]] for row in rates["ur_ec_tou_mat"]]
        solar = [i for i in homes_there if pv[i].any()]
        sams = [sam_bill(rates | {"ur_ec_tou_mat": half}, use[i], pv[i], **way) for i in solar]
        assert_same(billed(tariffs[key], loads.loc[solar], "net_billing", ratio=0.5), sams)


def test_the_real_homes_gas_bills_on_every_real_tariff_are_sams(real_data: Path) -> None:
    folder = real_homes(real_data)
    loads = _return_load(load_type="gas", load_filepath_key=folder, target_year=MONDAY_YEAR)
    files = real_tariffs(real_data, "gas")
    tariffs = get_default_tariff_structures(files, files)
    bldg_ids = loads.index.unique("bldg_id").tolist()
    kwh = [read_column(folder, bldg_id, GAS_COLUMN) for bldg_id in bldg_ids]
    for key, file in files.items():
        item = json.loads(file.read_text())["items"][0]
        ours = billed(in_therms(tariffs[key]), loads, load_key=GAS)
        assert_same(ours, sam_bills(item, np.array(kwh)))
