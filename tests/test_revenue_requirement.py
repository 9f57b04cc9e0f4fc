"""Costs by type and the requirement, by arithmetic on a few hours."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import PriceError, RequirementError
from cairo.model.calendar import hour_stamps
from cairo.model.revenue_requirement import return_revenue_requirement_target
from cairo.rates_tool.lookups import (
    ANCILLARY_PRICE,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    TOTAL_PRICE,
)

HOURS = hour_stamps(2025, "EST")


def year(*first):
    """8760 values: those given, then zeros."""
    return np.concatenate([first, np.zeros(8760 - len(first))])


# Demand 10, 20 and 30 kWh in three hours: energy 1 + 4 + 9 = 14 $, capacity 30 x 2 = 60 $,
# distribution 20 x 0.5 = 10 $, together 84 $.
DEMAND = pd.Series(year(10.0, 20.0, 30.0), index=HOURS)
PRICES = pd.DataFrame(
    {
        ENERGY_PRICE: year(0.1, 0.2, 0.3),
        CAPACITY_PRICE: year(0.0, 0.0, 2.0),
        DISTRIBUTION_PRICE: year(0.0, 0.5, 0.0),
    },
    index=HOURS,
)


def test_costs_by_type_are_price_times_demand():
    requirement, prices, costs, by_type = return_revenue_requirement_target(DEMAND, PRICES, 100.0)
    assert requirement == 100.0
    assert by_type.to_dict() == pytest.approx(
        {
            "Marginal Energy Costs ($)": 14.0,
            "Marginal Capacity Costs ($)": 60.0,
            "Marginal Distribution Costs ($)": 10.0,
            "Total Marginal Costs ($)": 84.0,
            "Residual Costs ($)": 16.0,
            "Total System Costs ($)": 100.0,
        },
        rel=1e-14,
    )
    assert prices[TOTAL_PRICE].iloc[:4].tolist() == pytest.approx([0.1, 0.7, 2.3, 0.0])
    assert costs["Total Marginal Costs ($)"].iloc[:4].tolist() == pytest.approx([1, 14, 69, 0])
    assert list(costs.columns) == [
        "Marginal Energy Costs ($)",
        "Marginal Capacity Costs ($)",
        "Marginal Distribution Costs ($)",
        "Total Marginal Costs ($)",
    ]
    assert costs.index.equals(HOURS)


def test_a_total_among_the_prices_is_not_a_component():
    with_total = PRICES.assign(**{TOTAL_PRICE: 99.0})
    by_type = return_revenue_requirement_target(DEMAND, with_total, 100.0)[3]
    assert by_type["Total Marginal Costs ($)"] == pytest.approx(84.0)


def test_a_target_by_tariff_counts_with_its_sum():
    target = {"a": 60.0, "b": 40.0}
    requirement, *_, by_type = return_revenue_requirement_target(DEMAND, PRICES, target)
    assert requirement == 100.0
    assert by_type["Residual Costs ($)"] == pytest.approx(16.0)


def test_the_residual_may_be_negative():
    assert return_revenue_requirement_target(DEMAND, PRICES, 80.0)[3][
        "Residual Costs ($)"
    ] == pytest.approx(-4.0)


def test_a_delivery_only_target_is_topped_up_with_supply():
    prices = PRICES.assign(**{ANCILLARY_PRICE: year(0.0, 0.0, 0.1)})
    requirement, *_, by_type = return_revenue_requirement_target(
        DEMAND, prices, 100.0, delivery_only=True
    )
    # Energy 14, capacity 60, ancillary 3.
    assert requirement == pytest.approx(177.0)
    # Of 100 $ for delivery, 10 $ are marginal.
    assert by_type["Residual Costs ($)"] == pytest.approx(90.0)


def test_a_residual_cost_is_added_to_marginal_costs():
    requirement, *_, by_type = return_revenue_requirement_target(DEMAND, PRICES, None, 6.0)
    assert requirement == pytest.approx(90.0)
    assert by_type["Residual Costs ($)"] == 6.0


@given(st.floats(0.0, 0.99))
def test_a_residual_fraction_is_of_the_total_system_cost(fraction):
    requirement, *_, by_type = return_revenue_requirement_target(
        DEMAND, PRICES, residual_cost_frac=fraction
    )
    assert by_type["Residual Costs ($)"] == pytest.approx(fraction * requirement, rel=1e-12)
    assert requirement == pytest.approx(84.0 + by_type["Residual Costs ($)"], rel=1e-12)


def test_costs_add_up_and_inputs_stay():
    rng = np.random.default_rng(3)
    demand = rng.gamma(2.0, 1e5, 8760)
    prices = pd.DataFrame(rng.random((8760, 3)), index=HOURS, columns=PRICES.columns)
    before = prices.copy()
    *_, costs, by_type = return_revenue_requirement_target(demand, prices, 1e9)
    expected = math.fsum((prices.to_numpy() * demand[:, None]).ravel())
    assert by_type["Total Marginal Costs ($)"] == pytest.approx(expected, rel=1e-14)
    assert costs["Total Marginal Costs ($)"].sum() == pytest.approx(expected, rel=1e-12)
    assert by_type["Total Marginal Costs ($)"] + by_type["Residual Costs ($)"] == pytest.approx(1e9)
    pd.testing.assert_frame_equal(prices, before)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "found none of"),
        ((1.0, 2.0), "found revenue_requirement_target and residual_cost of"),
        ((1.0, 2.0, 0.5), "expected exactly one"),
        ((None, None, 1.0), "residual_cost_frac is 1,"),
        ((None, None, -0.1), "residual_cost_frac is -0.1"),
        ((None, None, math.nan), "residual_cost_frac is nan"),
        ((None, math.inf), "residual_cost is inf"),
        ((math.nan,), "is nan"),
        (("a lot",), "is 'a lot'"),
        (({"hp": math.nan},), "revenue requirement of hp is nan"),
    ],
)
def test_a_requirement_that_is_not_exactly_one_number_is_refused(arguments, message):
    with pytest.raises(RequirementError, match=message) as caught:
        return_revenue_requirement_target(DEMAND, PRICES, *arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "demand, prices, message",
    [
        (DEMAND, PRICES[:24], "prices have 24 hours, the loads 8760"),
        (DEMAND, PRICES.rename(columns=str.upper), "expected some of Marginal Energy"),
        (DEMAND, PRICES.replace(2.0, np.nan), "Marginal Capacity Costs .* has 1 hours"),
        (DEMAND.replace(30.0, np.inf), PRICES, "demand has hours that are not finite"),
        (DEMAND.tz_localize(None), PRICES, "expected the same hours in the same time zone"),
        (DEMAND, PRICES.tz_convert(None), "expected the same hours in the same time zone"),
        (
            DEMAND.set_axis(hour_stamps(2024, "EST")),
            PRICES,
            "prices begin 2025-01-01 .* loads 2024-01-01",
        ),
    ],
)
def test_prices_of_other_hours_than_the_loads_are_refused(demand, prices, message):
    with pytest.raises(PriceError, match=message) as caught:
        return_revenue_requirement_target(demand, prices, 100.0)
    assert "\n" not in str(caught.value)
