"""Where SAM's conventions are others than ours: each side gives its own arithmetic.

`docs/pysam.md` says which convention is whose, and why. The arithmetic here is numpy's on the
hourly loads; neither program's code has a part in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cairo.errors import TariffError
from tests.pysam_bills import (
    EVENING,
    HOUR,
    MONTH,
    NET_BILLING,
    NET_BILLING_DOLLARS,
    NET_METERING,
    NET_METERING_DOLLARS,
    Tiers,
    assert_same,
    homes,
    monthly,
    our_bills,
    sam_bills,
    structure,
    sun,
    urdb,
)

FIXED = 7.5
PRICE = 0.14
IN_EVENING = np.isin(HOUR % 24, range(16, 21))
FLAT = urdb(structure([(PRICE, None)]))
NIGHT_TIERS: Tiers = [(0.10, 150.0), (0.20, 400.0), (0.30, None)]
EVENING_TIERS: Tiers = [(0.20, 150.0), (0.45, 400.0), (0.80, None)]
TWO_BY_THREE = urdb(structure(NIGHT_TIERS, EVENING_TIERS), EVENING)
PRICES = np.array([[price for price, _ in tiers] for tiers in (NIGHT_TIERS, EVENING_TIERS)])


def by_tier(use: np.ndarray, *limits: float) -> np.ndarray:
    """Use (...) split over the tiers that end at `limits`, the last without end (..., T)."""
    upper, lower = np.array([*limits, np.inf]), np.array([0.0, *limits])
    return np.clip(np.minimum(use[..., None], upper) - lower, 0.0, None)


def by_period(hourly: np.ndarray) -> np.ndarray:
    """Monthly sums (n, 12, 2) outside and in the evening."""
    return np.stack([monthly(hourly * ~IN_EVENING), monthly(hourly * IN_EVENING)], axis=2)


def imports(kw: float) -> np.ndarray:
    return np.maximum(homes() - sun(kw), 0.0)


def exports(kw: float) -> np.ndarray:
    return np.maximum(sun(kw) - homes(), 0.0)


def assert_apart(ours: np.ndarray, sams: np.ndarray) -> None:
    """The convention matters: some month's bills differ by more than a dollar."""
    assert np.abs(ours - sams).max() > 1.0


# Tiers


def test_our_periods_fill_tiers_of_their_own_sams_share_the_months_in_proportion() -> None:
    use = by_period(homes())
    ours = FIXED + (by_tier(use, 150.0, 400.0) * PRICES).sum(axis=(2, 3))
    total = use.sum(axis=2, keepdims=True)
    share = np.divide(use, total, out=np.zeros_like(use), where=total > 0.0)
    tiers = by_tier(total[..., 0], 150.0, 400.0)
    sams = FIXED + (share[..., None] * tiers[:, :, None] * PRICES).sum(axis=(2, 3))
    assert_same(our_bills(TWO_BY_THREE, homes()), ours)
    assert_same(sam_bills(TWO_BY_THREE, homes(), ur_metering_option=NET_METERING), sams)
    assert_apart(ours, sams)


def test_under_net_billing_sams_periods_fill_the_months_tiers_hour_by_hour() -> None:
    load = homes()
    energy = np.zeros((len(load), 12))
    for month in range(12):
        hours = month == MONTH
        before = np.cumsum(load[:, hours], axis=1) - load[:, hours]
        filled = by_tier(before + load[:, hours], 150.0, 400.0) - by_tier(before, 150.0, 400.0)
        energy[:, month] = (filled * PRICES[IN_EVENING[hours].astype(int)]).sum(axis=(1, 2))
    sams = sam_bills(TWO_BY_THREE, load, ur_metering_option=NET_BILLING)
    assert_same(sams, FIXED + energy)
    assert_apart(our_bills(TWO_BY_THREE, load), sams)


def test_sam_refuses_the_tier_limits_by_period_that_we_bill() -> None:
    tariff = urdb(structure([(0.1, 100.0), (0.2, None)], [(0.3, 300.0), (0.4, None)]), EVENING)
    with pytest.raises(Exception, match=r"same Max\. Usage across Periods"):
        sam_bills(tariff, homes())
    use = by_period(homes())
    night = (by_tier(use[..., 0], 100.0) * [0.1, 0.2]).sum(axis=2)
    evening = (by_tier(use[..., 1], 300.0) * [0.3, 0.4]).sum(axis=2)
    assert_same(our_bills(tariff, homes()), FIXED + night + evening)


def test_sam_refuses_other_numbers_of_tiers_by_period_that_we_bill() -> None:
    tariff = urdb(structure([(0.1, 100.0), (0.2, None)], [(0.3, None)]), EVENING)
    with pytest.raises(Exception, match="must have the same number of tiers"):
        sam_bills(tariff, homes())
    use = by_period(homes())
    night = (by_tier(use[..., 0], 100.0) * [0.1, 0.2]).sum(axis=2)
    assert_same(our_bills(tariff, homes()), FIXED + night + 0.3 * use[..., 1])


def test_above_a_last_tiers_limit_sam_bills_nothing_and_we_bill_the_last_tier() -> None:
    tariff = urdb(structure([(0.1, 100.0), (0.2, 300.0)]))
    first, second, above = np.moveaxis(by_tier(monthly(homes()), 100.0, 300.0), 2, 0)
    assert_same(sam_bills(tariff, homes()), FIXED + 0.1 * first + 0.2 * second)
    assert_same(our_bills(tariff, homes()), FIXED + 0.1 * first + 0.2 * (second + above))
    # Under net billing each hour above takes `limit - use before` of the last tier, below zero.
    sams = sam_bills(tariff, homes(), ur_metering_option=NET_BILLING)
    assert (sams[:2] < 0.0).all()


def test_sam_stops_at_limits_per_kw_in_a_month_of_exports_alone() -> None:
    tariff = urdb(structure([(0.1, 50.0), (0.2, None)], unit="kWh/kW"))
    away, pv = homes()[3:], sun(1.5)[3:]
    with pytest.raises(Exception, match="exceeds maximum usage specified for all tiers"):
        sam_bills(tariff, away, pv, ur_metering_option=NET_BILLING)
    assert our_bills(tariff, away, pv)[0, [1, 6]].tolist() == [FIXED, FIXED]


# Exports


@pytest.mark.parametrize("option", [NET_METERING, NET_METERING_DOLLARS])
def test_a_surplus_lowers_our_months_bill_and_sams_next_ones(option: int) -> None:
    tariff = urdb(structure([(PRICE, None)], sell=PRICE))
    net = monthly(homes() - sun(2.0)) * PRICE
    carried, sams = np.zeros(len(net)), np.zeros_like(net)
    for month in range(12):
        owed = net[:, month] - carried
        carried, sams[:, month] = np.maximum(-owed, 0.0), FIXED + np.maximum(owed, 0.0)
    if option == NET_METERING_DOLLARS:
        sams[:, 11] -= carried  # dollars left are paid out, kWh at the year-end rate, here none
    options = {"ur_metering_option": option, "ur_nm_yearend_sell_rate": 0.0}
    assert_same(sam_bills(tariff, homes(), sun(2.0), **options), sams)
    ours = our_bills(tariff, homes(), sun(2.0), "net_metering")
    assert_same(ours, FIXED + net)
    assert_apart(ours, sams)
    # A home that has used its surplus up by December pays the same for the year.
    spent = carried == 0.0
    assert spent.any() and (sams[spent].min(axis=1) == FIXED).any()
    assert_same(ours[spent].sum(axis=1), sams[spent].sum(axis=1))


def test_sams_credits_of_net_billing_in_dollars_wait_for_the_next_months_bill() -> None:
    tariff = urdb(structure([(PRICE, None)], sell=0.05))
    charge, credit = monthly(imports(0.9)) * PRICE, monthly(exports(0.9)) * 0.05
    load, pv = homes()[:2], sun(0.9)[:2]
    # January's waits for February; what December earns is paid out with its bill.
    sams = FIXED + charge
    sams[:, 1:] -= credit[:, :-1]
    sams[:, 11] -= credit[:, 11]
    assert_same(sam_bills(tariff, load, pv, ur_metering_option=NET_BILLING_DOLLARS), sams[:2])
    ours = our_bills(tariff, load, pv, "net_billing")
    assert_same(ours, (FIXED + charge - credit)[:2])
    assert_same(ours.sum(axis=1), sams[:2].sum(axis=1))
    assert_apart(ours, sams[:2])


def test_sam_fills_tiers_with_net_use_under_net_metering_and_we_with_imports() -> None:
    tariff = urdb(structure([(0.10, 200.0), (0.30, None)]))
    load, pv = homes()[:2], sun(0.6)[:2]
    net = by_tier(monthly(load - pv), 200.0)
    assert_same(sam_bills(tariff, load, pv), FIXED + (net * [0.1, 0.3]).sum(axis=2))
    used = (by_tier(monthly(imports(0.6)[:2]), 200.0) * [0.1, 0.3]).sum(axis=2)
    ours = our_bills(tariff, load, pv, "net_metering")
    assert_same(ours, FIXED + used - 0.1 * monthly(exports(0.6)[:2]))
    assert_apart(ours, FIXED + (net * [0.1, 0.3]).sum(axis=2))


def test_our_ratio_of_net_metering_has_no_counterpart_in_sam() -> None:
    load, pv = homes()[:2], sun(0.6)[:2]
    full = sam_bills(FLAT, load, pv, ur_metering_option=NET_METERING)
    ours = our_bills(FLAT, load, pv, "net_metering", ratio=0.4)
    assert_same(ours, full + 0.6 * PRICE * monthly(exports(0.6)[:2]))
    assert_apart(ours, full)


def test_sam_credits_exports_tier_by_tier_and_we_at_the_first() -> None:
    energy = structure([(0.1, 60.0), (0.2, None)])
    energy[0][0]["sell"], energy[0][1]["sell"] = 0.08, 0.02
    charge = (by_tier(monthly(imports(2.0)), 60.0) * [0.1, 0.2]).sum(axis=2)
    sold = monthly(exports(2.0))
    sams = sam_bills(urdb(energy), homes(), sun(2.0), ur_metering_option=NET_BILLING)
    assert_same(sams, FIXED + charge - (by_tier(sold, 60.0) * [0.08, 0.02]).sum(axis=2))
    ours = our_bills(urdb(energy), homes(), sun(2.0), "net_billing")
    assert_same(ours, FIXED + charge - 0.08 * sold)
    assert_apart(ours, sams)


def test_buy_all_sell_all_needs_net_billing(caplog: pytest.LogCaptureFixture) -> None:
    tariff = urdb(structure([(PRICE, None)], sell=0.05), dgrules="Buy All Sell All")
    with pytest.raises(TariffError, match=r"tariff t: dgrules Buy All Sell All .* net_metering"):
        our_bills(tariff, homes(), sun(2.0), "net_metering")
    # Without a compensation it is named, and homes without PV pay what they pay in SAM.
    assert_same(our_bills(tariff, homes()), sam_bills(tariff, homes()))
    assert "dgrules Buy All Sell All counts only with" in caplog.text


def test_a_negative_price_pays_our_customer_and_sams_only_under_net_billing() -> None:
    tariff = urdb(structure([(-0.01, None)]))
    paid = FIXED - 0.01 * monthly(homes())
    assert_same(our_bills(tariff, homes()), paid)
    assert_same(sam_bills(tariff, homes(), ur_metering_option=NET_BILLING), paid)
    assert_same(sam_bills(tariff, homes(), ur_metering_option=NET_METERING), 0 * paid + FIXED)


# Minimum charges


def test_a_credit_counts_against_our_monthly_minimum_and_not_against_sams() -> None:
    terms = {"mincharge": 20.0, "minchargeunits": "$/month"}
    tariff = urdb(structure([(PRICE, None)], sell=0.05), **terms)
    charge = FIXED + PRICE * monthly(imports(4.0)) - 0.05 * monthly(exports(4.0))
    sams = sam_bills(tariff, homes(), sun(4.0), ur_metering_option=NET_BILLING)
    assert_same(sams, charge + np.maximum(20.0 - np.maximum(charge, 0.0), 0.0))
    ours = our_bills(tariff, homes(), sun(4.0), "net_billing")
    assert_same(ours, np.maximum(charge, 20.0))
    assert_same(ours[charge >= 0.0], sams[charge >= 0.0])
    assert_apart(ours, sams)


def test_months_in_credit_count_against_our_annual_minimum_and_not_against_sams() -> None:
    terms = {"mincharge": 900.0, "minchargeunits": "$/year"}
    tariff = urdb(structure([(PRICE, None)], sell=0.05), **terms)
    charge = FIXED + PRICE * monthly(imports(4.0)) - 0.05 * monthly(exports(4.0))
    positive = np.maximum(charge, 0.0).sum(axis=1)
    sams, ours = charge.copy(), charge.copy()
    sams[:, 11] += np.maximum(900.0 - positive, 0.0)
    ours[:, 11] += np.maximum(900.0 - charge.sum(axis=1), 0.0)
    assert_same(
        sam_bills(tariff, homes(), sun(4.0), ur_metering_option=NET_BILLING),
        sams,
    )
    assert_same(our_bills(tariff, homes(), sun(4.0), "net_billing"), ours)
    assert_apart(ours, sams)


def test_our_annual_minimum_counts_the_monthly_one_and_sams_adds_to_it() -> None:
    # URDB has room for one of them; PySAM-style tariffs may have both.
    both = {"ur_monthly_min_charge": 60.0, "ur_annual_min_charge": 1000.0}
    charge = FIXED + PRICE * monthly(homes())
    months = np.maximum(charge, 60.0)
    sams, ours = months.copy(), months.copy()
    sams[:, 11] += np.maximum(1000.0 - charge.sum(axis=1), 0.0)
    ours[:, 11] += np.maximum(1000.0 - months.sum(axis=1), 0.0)
    assert_same(sam_bills(FLAT, homes(), **both), sams)
    assert_same(our_bills(FLAT, homes(), **both), ours)
    assert_apart(ours, sams)


# Demand


def demand_tariff(night: Tiers, evening: Tiers) -> dict[str, Any]:
    return urdb(
        structure([(PRICE, None)]),
        demandratestructure=structure(night, evening, unit="kW"),
        demandweekdayschedule=EVENING,
        demandweekendschedule=EVENING,
    )


def peaks(load: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Highest hour (n, 12) [kW] of each month among some hours (8760,)."""
    return np.stack([load[:, hours & (month == MONTH)].max(axis=1) for month in range(12)], axis=1)


def test_every_demand_periods_peak_is_billed_unless_sam_is_told_the_months_alone() -> None:
    tariff, load = demand_tariff([(5.0, None)], [(8.0, None)]), homes()
    night, evening = peaks(load, ~IN_EVENING), peaks(load, IN_EVENING)
    energy = FIXED + PRICE * monthly(load)
    ours = our_bills(tariff, load)
    assert_same(ours, energy + 5.0 * night + 8.0 * evening)
    assert_same(sam_bills(tariff, load), ours)
    alone = np.where(evening > night, 8.0 * evening, 5.0 * night)
    assert_same(sam_bills(tariff, load, TOU_demand_single_peak=1), energy + alone)


def test_a_price_per_kw_daily_is_billed_for_each_day_of_the_month_that_sam_refuses() -> None:
    tariff = demand_tariff([(0.5, 2.0), (0.9, None)], [(0.8, 1.0), (0.3, None)]) | {
        "flatdemandstructure": structure([(0.2, 3.0), (0.1, None)], unit="kW daily"),
        "flatdemandmonths": [0] * 12,
    }
    for tiers in tariff["demandratestructure"]:
        for tier in tiers:
            tier["unit"] = "kW Daily"
    with pytest.raises(RuntimeError, match="unrecognized unit in rate structure"):
        sam_bills(tariff, homes())
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    whole = (by_tier(peaks(homes(), HOUR >= 0), 3.0) * [0.2, 0.1]).sum(axis=2)
    night = (by_tier(peaks(homes(), ~IN_EVENING), 2.0) * [0.5, 0.9]).sum(axis=2)
    evening = (by_tier(peaks(homes(), IN_EVENING), 1.0) * [0.8, 0.3]).sum(axis=2)
    energy = FIXED + PRICE * monthly(homes())
    assert_same(our_bills(tariff, homes()), energy + days * (whole + night + evening))


def test_sam_refuses_the_demand_tiers_by_period_that_we_bill() -> None:
    tariff = demand_tariff([(5.0, 2.0), (9.0, None)], [(8.0, 1.0), (3.0, None)])
    with pytest.raises(Exception, match=r"Demand tier 1 Max\. Usage for jan period 2"):
        sam_bills(tariff, homes())
    night = (by_tier(peaks(homes(), ~IN_EVENING), 2.0) * [5.0, 9.0]).sum(axis=2)
    evening = (by_tier(peaks(homes(), IN_EVENING), 1.0) * [8.0, 3.0]).sum(axis=2)
    assert_same(our_bills(tariff, homes()), FIXED + PRICE * monthly(homes()) + night + evening)


def test_above_a_last_demand_tiers_limit_sam_bills_nothing_and_we_bill_the_last_tier() -> None:
    limited: Tiers = [(5.0, 1.0), (9.0, 2.0)]
    tariff = demand_tariff(limited, limited) | {
        "flatdemandstructure": structure(limited, unit="kW"),
        "flatdemandmonths": [0] * 12,
    }
    every = HOUR >= 0
    tiers = sum(by_tier(peaks(homes(), h), 1.0, 2.0) for h in (every, IN_EVENING, ~IN_EVENING))
    energy = FIXED + PRICE * monthly(homes())
    assert_same(sam_bills(tariff, homes()), energy + (tiers * [5.0, 9.0, 0.0]).sum(axis=2))
    assert_same(our_bills(tariff, homes()), energy + (tiers * [5.0, 9.0, 9.0]).sum(axis=2))
