"""The merge of two tariffs bills the sum of both, or says why no tariff does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings

from cairo.errors import TariffError
from cairo.files.short_tariff import urdb_of_short
from cairo.files.short_tariff_export import short_text
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.model.merged_tariff import merged
from cairo.model.names import months
from cairo.model.tariff import Tariff, parse_tariff
from tests.strategies import tariffs
from tests.tariff_meaning import assert_same_meaning, bills

LOAD = np.random.default_rng(7).gamma(2.0, 0.6, (4, 8760))


def read(text: str, key: str = "delivery") -> Tariff:
    return parse_tariff(key, URDBv7_to_ElectricityRates(urdb_of_short(yaml.safe_load(text)), key))


def assert_adds(delivery: Tariff, supply: Tariff) -> Tariff:
    both = merged(delivery, supply, "both")
    np.testing.assert_allclose(
        bills(both, LOAD), bills(delivery, LOAD) + bills(supply, LOAD), rtol=1e-12
    )
    return both


PERIODS = """
fixed_charge: 10
seasons: {summer: Jun-Sep, winter: rest}
periods: {peak: weekdays 16-21, off-peak: rest}
rates: {summer: {peak: 0.32, off-peak: 0.11}, winter: {peak: 0.18, off-peak: 0.1}}
"""
EVENING = """
fixed_charge: 2
periods: {evening: 18-23, rest of day: rest}
rates: {evening: 0.2, rest of day: 0.05}
"""
BY_MONTH = "seasons: monthly\nrates:\n" + "".join(
    f"  {name}: {number}\n" for number, name in enumerate(months, start=1)
)


def test_rates_add_hour_by_hour() -> None:
    both = assert_adds(read(PERIODS), read(EVENING))
    assert both.monthly_fixed == 12.0
    price = both.rate[both.weekday - 1, 0]
    assert price[6, 15] == pytest.approx(0.16)
    assert price[6, 17] == pytest.approx(0.37)
    assert price[6, 20] == pytest.approx(0.52)
    assert price[0, 22] == pytest.approx(0.30)
    assert both.n_periods == 8
    assert_same_meaning(both, read(short_text(both)))


def test_tiers_of_one_month_stay_when_nothing_cuts_them() -> None:
    both = assert_adds(read("tiers: [250, 800]\nrates: [0.1, 0.2, 0.3]"), read(BY_MONTH))
    assert both.n_tiers == 3
    other = read("tiers: [100, 250]\nrates: [0.01, 0.02, 0.04]", "supply")
    both = assert_adds(read("tiers: [250, 800]\nrates: [0.1, 0.2, 0.3]"), other)
    np.testing.assert_allclose(both.max_usage[0], [100, 250, 800, 1e38])
    np.testing.assert_allclose(both.rate[0], [0.11, 0.12, 0.24, 0.34])


def test_demand_charges_and_fuel_adjustments_add() -> None:
    one = PERIODS + "demand: {monthly: [3, 5], monthly_tiers: [2], rates: {peak: 4, off-peak: 0}, "
    one += "periods: {peak: 16-21, off-peak: rest}}\nfuel_adjustment: [" + "0.01, " * 11 + "0.02]"
    other = EVENING + "demand: {monthly: [1, 2], monthly_tiers: [3]}"
    other += "\nfuel_adjustment: [" + "0.001, " * 11 + "0]"
    assert_adds(read(one), read(other))


@settings(max_examples=25, deadline=None)
@given(tariffs(), tariffs())
def test_any_two_tariffs_add_or_are_refused(a: dict[str, Any], b: dict[str, Any]) -> None:
    for one in (a, b):
        one["ur_monthly_min_charge"] = one["ur_annual_min_charge"] = 0.0
    delivery, supply = parse_tariff("delivery", a), parse_tariff("supply", b)
    try:
        merged(delivery, supply, "both")
    except TariffError as error:
        tiered = (
            min(delivery.n_tiers, supply.n_tiers) > 1 or max(delivery.n_tiers, supply.n_tiers) > 1
        )
        assert tiered or "demand charges by period" in str(error)
        return
    assert_adds(delivery, supply)


def test_a_rule_of_its_own_is_refused_and_not_dropped() -> None:
    tiered = read("tiers: [500]\nrates: [0.1, 0.2]")
    shared = parse_tariff("delivery", tiered.to_dict() | {"tier_rule": "month"})
    with pytest.raises(TariffError, match="has a tier_rule or carried credits"):
        merged(shared, read(BY_MONTH), "both")
    with pytest.raises(TariffError, match="has a tier_rule or carried credits"):
        short_text(shared)


@pytest.mark.parametrize(
    ("delivery", "supply", "line"),
    [
        (
            "tiers: [500]\nrates: [0.1, 0.2]",
            EVENING,
            "period 1 of delivery has tiers, and the other tariff cuts it into 2 periods in Jan",
        ),
        ("minimum_charge: 5\nrates: 0.1", EVENING, "delivery has a minimum charge"),
        ("annual_minimum_charge: 5\nrates: 0.1", EVENING, "delivery has a minimum charge"),
        ("metering: net billing hourly\nrates: 0.1", EVENING, "meters exports otherwise"),
        (
            "tiers: [500]\nrates: [0.1, 0.2]",
            "tiers: [9]\ntier_unit: kWh a day\nrates: [0.1, 0.2]",
            "delivery has tiers in kWh, supply in kWh daily, expected one unit",
        ),
        (
            "rates: 1\ndemand: {periods: {a: 16-21, b: rest}, rates: {a: 4, b: 0}}",
            "rates: 1\ndemand: {periods: {a: 15-21, b: rest}, rates: {a: 4, b: 0}}",
            "demand charges by period, and the periods differ",
        ),
    ],
)
def test_what_no_tariff_bills_is_refused_in_one_line(delivery: str, supply: str, line: str) -> None:
    with pytest.raises(TariffError, match=line) as caught:
        merged(read(delivery), read(supply, "supply"), "both")
    assert "\n" not in str(caught.value)
