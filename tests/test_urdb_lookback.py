"""Demand ratchets in URDB's own fields: a month's own peak, or a share of those looked back to."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import TariffError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from tests.pysam_bills import (
    EVENING,
    MONTH,
    assert_same,
    homes,
    monthly,
    our_bills,
    sam_bill,
    sam_tariff,
    structure,
    urdb,
)

FLAT = structure([(0.14, None)])
BY_MONTH = {"flatdemandstructure": [[{"rate": 5.0}]], "flatdemandmonths": [0] * 12}
BY_TIME = {
    "demandratestructure": [[{"rate": 5.0}], [{"rate": 9.0}]],
    "demandweekdayschedule": EVENING,
    "demandweekendschedule": EVENING,
}
SUMMER = [False] * 5 + [True] * 4 + [False] * 3


def ratchet(**fields: Any) -> dict[str, Any]:
    return urdb(FLAT, **(BY_MONTH | fields))


def peaks(load: np.ndarray) -> np.ndarray:
    """Highest hour (n, 12) of each month [kW]."""
    return np.stack([load[:, month == MONTH].max(axis=1) for month in range(12)], axis=1)


def billed_kw(tariff: dict[str, Any], load: np.ndarray) -> np.ndarray:
    """Demand [kW] that a bill of 5 $/kW has."""
    billed: np.ndarray = (our_bills(tariff, load) - 7.5 - 0.14 * monthly(load)) / 5.0
    return billed


def sams(tariff: dict[str, Any], load: np.ndarray, **options: Any) -> np.ndarray:
    """SAM's bills by its own conversion of the same URDB fields, the year before being the same."""
    rates = sam_tariff(tariff)
    return np.array(
        [
            sam_bill(rates, one, ur_yearzero_usage_peaks=kw.tolist(), **options)
            for one, kw in zip(load, peaks(load), strict=True)
        ]
    )


# By hand


def test_a_month_pays_its_own_peak_or_a_share_of_the_months_before() -> None:
    kw = np.array([10.0, 2, 3, 9, 1, 1, 6, 1, 1, 1, 1, 4])
    load = kw[MONTH][None, :]
    tariff = ratchet(lookbackpercent=0.8, lookbackrange=2)
    expected = [10.0, 8, 8, 9, 7.2, 7.2, 6, 4.8, 4.8, 1, 1, 4]
    np.testing.assert_allclose(billed_kw(tariff, load)[0], expected)


def test_marked_months_of_the_year_are_looked_back_to_from_all_of_it() -> None:
    kw = np.array([10.0, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 12])
    tariff = ratchet(lookbackpercent=0.75, lookbackmonths=SUMMER)
    # Of June to September August is highest: 6 kW at least in every month.
    expected = np.maximum(kw, 0.75 * 8.0)
    np.testing.assert_allclose(billed_kw(tariff, kw[MONTH][None, :])[0], expected)


@given(st.floats(0.05, 1.0), st.lists(st.booleans(), min_size=12, max_size=12).filter(any))
def test_marked_months_by_arithmetic(share: float, marked: list[bool]) -> None:
    tariff = ratchet(lookbackpercent=share, lookbackmonths=[int(one) for one in marked])
    own = peaks(homes())
    highest = np.where(marked, own, 0.0).max(axis=1, keepdims=True)
    assert_same(billed_kw(tariff, homes()), np.maximum(own, share * highest))


# Against SAM


@pytest.mark.slow
@given(st.integers(1, 12))
def test_a_whole_share_is_billed_as_by_sams_own_conversion(months: int) -> None:
    tariff = ratchet(lookbackpercent=1.0, lookbackrange=months)
    assert_same(our_bills(tariff, homes()), sams(tariff, homes()))


@given(st.integers(1, 12), st.integers(1, 99))
def test_a_share_is_billed_as_in_sam_when_it_counts_a_months_own_peak(
    months: int, percent: int
) -> None:
    tariff = ratchet(lookbackpercent=percent / 100, lookbackrange=months)
    own_too = {"ur_billing_demand_lookback_percentages": [[percent, 1]] * 12}
    assert_same(our_bills(tariff, homes()), sams(tariff, homes(), **own_too))


def test_sams_own_conversion_bills_the_share_of_a_months_own_peak_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tariff = ratchet(lookbackpercent=0.5, lookbackrange=11)
    own = peaks(homes())
    half = 7.5 + 0.14 * monthly(homes()) + 5.0 * 0.5 * own.max(axis=1, keepdims=True)
    assert_same(sams(tariff, homes()), half)
    with caplog.at_level(logging.WARNING):
        found = our_bills(tariff, homes())
    assert "tariff t: lookbackpercent 0.5: a month is billed its own peak in full" in caplog.text
    assert_same(found, half + 5.0 * np.maximum(own - 0.5 * own.max(axis=1, keepdims=True), 0.0))
    # The way out that is named: SAM's inputs in the same file.
    inputs = {name: value for name, value in sam_tariff(tariff).items() if "billing_demand" in name}
    assert inputs["ur_billing_demand_lookback_percentages"] == [[50.0, 0]] * 12
    assert_same(our_bills(tariff | inputs, homes()), half)


# What changes no bill, and what is refused


@pytest.mark.parametrize(
    "fields",
    [
        {"lookbackpercent": 0.0, "lookbackrange": 0, "lookbackmonths": [0] * 12},
        {"lookbackmonths": SUMMER},
        {"lookbackpercent": "NA", "lookbackrange": None},
        {"ur_enable_billing_demand": 0, "ur_billing_demand_minimum": 9.0},
    ],
)
def test_a_look_back_without_a_share_is_none(fields: dict[str, Any]) -> None:
    assert (our_bills(ratchet(**fields), homes()) == our_bills(ratchet(), homes())).all()


def test_a_look_back_without_demand_charges_bills_nothing() -> None:
    tariff = urdb(FLAT, lookbackpercent=0.8, lookbackrange=11)
    assert (our_bills(tariff, homes()) == our_bills(urdb(FLAT), homes())).all()


REFUSED: dict[str, dict[str, Any]] = {
    "lookbackpercent is 80, expected a share above 0, at most 1": {
        "lookbackpercent": 80,
        "lookbackrange": 11,
    },
    "lookbackpercent is None, expected a share": {"lookbackrange": 11},
    "lookbackpercent is 'high', expected a share": {"lookbackpercent": "high"},
    "lookbackpercent has neither of lookbackrange and lookbackmonths": {"lookbackpercent": 0.8},
    "lookbackpercent has both of lookbackrange and lookbackmonths": {
        "lookbackpercent": 0.8,
        "lookbackrange": 3,
        "lookbackmonths": SUMMER,
    },
    "lookbackrange is 13, expected 0 to 12": {"lookbackpercent": 0.8, "lookbackrange": 13},
    "lookbackrange is 1.5, expected 0 to 12": {"lookbackpercent": 0.8, "lookbackrange": 1.5},
    r"lookbackmonths is \[True\], expected true or false for each": {
        "lookbackpercent": 0.8,
        "lookbackmonths": [True],
    },
    "lookbackpercent with 2 demand periods does not say whose peaks": {
        "lookbackpercent": 0.8,
        "lookbackrange": 11,
        **BY_TIME,
    },
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_look_back_that_leaves_open_what_counts_is_refused(said: str) -> None:
    with pytest.raises(TariffError, match=f"^tariff t: {said}") as caught:
        URDBv7_to_ElectricityRates(ratchet(**REFUSED[said]), "t")
    assert "\n" not in str(caught.value)
