"""The rate level that meets a requirement, by arithmetic on a few months."""

import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import RequirementError
from cairo.model.precalc import rate_level, revenue
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.customer_bill_calculation import (
    CustomerUse,
    RateResponse,
    SolarStyle,
    monthly_bills,
    rate_response,
)
from tests.strategies import NO_LIMIT, tariff_dict


def responding(
    slope: Any,
    constant: Any,
    weight: list[float],
    monthly_min: float = 0.0,
    annual_min: float = 0.0,
) -> RateResponse:
    shape = (len(weight), 12)
    return RateResponse(
        np.broadcast_to(np.asarray(slope, float).reshape(-1, 1), shape).copy(),
        np.broadcast_to(np.asarray(constant, float).reshape(-1, 1), shape).copy(),
        np.array(weight),
        monthly_min,
        annual_min,
    )


def test_revenue_and_its_slope_without_minimums() -> None:
    one = responding([100.0, 50.0], [10.0, -5.0], [2.0, 3.0])
    # At 0.2: 2 x 12 x (20 + 10) + 3 x 12 x (10 - 5); slope 2 x 1200 + 3 x 600
    assert revenue(0.2, [one]) == pytest.approx((720.0 + 180.0, 4200.0))


def test_a_month_at_its_minimum_does_not_answer_to_the_rate() -> None:
    one = responding([100.0, 10.0], [0.0, 0.0], [1.0, 2.0], monthly_min=5.0)
    # At 0.1 the first pays 10 a month; the second's 1 becomes 5.
    assert revenue(0.1, [one]) == pytest.approx((120.0 + 2 * 60.0, 1200.0))


def test_a_charge_that_just_is_the_minimum_counts_as_the_minimum() -> None:
    one = responding([10.0], [0.0], [1.0], monthly_min=5.0)
    assert revenue(0.5, [one]) == (60.0, 0.0)


def test_a_year_at_its_minimum_does_not_answer_to_the_rate() -> None:
    one = responding([100.0, 10.0], [0.0, 0.0], [1.0, 2.0], annual_min=60.0)
    # At 0.1 the first pays 120 a year; the second's 12 becomes 60.
    assert revenue(0.1, [one]) == pytest.approx((120.0 + 2 * 60.0, 1200.0))
    at_minimum = responding([10.0], [0.0], [1.0], annual_min=60.0)
    assert revenue(0.5, [at_minimum]) == (60.0, 0.0)


def test_credits_stay_credits_without_a_minimum() -> None:
    assert revenue(0.1, [responding([-100.0], [0.0], [1.0])]) == pytest.approx((-120.0, -1200.0))


def test_tariffs_that_share_a_level_are_added_up() -> None:
    one = responding([100.0], [10.0], [1.0])
    other = responding([50.0], [0.0], [4.0])
    # 1200 u + 120 + 4 x 600 u = 1920 -> u = 0.5
    assert rate_level([one, other], 1920.0, "both") == pytest.approx(0.5, rel=1e-14)


def test_both_minimums_at_once() -> None:
    # Three homes: one above, one at the monthly minimum of 4 x 12, one raised to 100 a year.
    mixed = responding([1000.0, 0.0], [0.0, 0.0], [1.0, 2.0], monthly_min=4.0)
    yearly = responding([10.0], [0.0], [3.0], annual_min=100.0)
    # 12000 u + 2 x 48 + 3 x 100 = 1596 -> u = 0.1
    assert rate_level([mixed, yearly], 1596.0, "t") == pytest.approx(0.1, rel=1e-13)


def test_a_level_below_zero_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    one = responding([100.0], [10.0], [1.0])
    with caplog.at_level(logging.WARNING):
        # 1200 u + 120 = 60 -> u = -0.05
        assert rate_level([one], 60.0, "tariff hp") == pytest.approx(-0.05)
        assert "rate level of tariff hp is negative" in caplog.text
        assert "more than 60.00 $" in caplog.text
        caplog.clear()
        assert rate_level([one], 120.0, "tariff hp") == 0.0
    assert not caplog.text


def test_energy_that_is_all_exported_cannot_meet_a_requirement() -> None:
    with pytest.raises(RequirementError, match="no billed energy"):
        rate_level([responding([-100.0], [10.0], [1.0])], 60.0, "t")


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.05, 3.0))
def test_minimums_of_any_size_leave_the_requirement_met(n: int, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    responses = [
        RateResponse(
            rng.gamma(1.0, 300.0, (n, 12)),
            rng.normal(5.0, 10.0, (n, 12)),
            rng.uniform(0.1, 500.0, n),
            float(rng.choice([0.0, 30.0])),
            float(rng.choice([0.0, 900.0])),
        )
        for _ in range(2)
    ]

    def collected(at: float) -> float:
        total = 0.0
        for one in responses:
            months = np.maximum(one.slope * at + one.constant, one.monthly_min or -np.inf)
            years = np.maximum(months.sum(axis=1), one.annual_min or -np.inf)
            total += float(one.weight @ years)
        return total

    floor = collected(-1e9) if all(r.monthly_min or r.annual_min for r in responses) else -np.inf
    requirement = collected(level)
    if requirement <= floor * (1.0 + 1e-9):
        return
    found = rate_level(responses, requirement, "t")
    assert collected(found) == pytest.approx(requirement, rel=1e-12)


def test_minimums_of_less_than_a_dollar_count() -> None:
    assert revenue(0.0, [responding([1.0], [0.0], [1.0], monthly_min=0.5)]) == (6.0, 0.0)
    assert revenue(0.0, [responding([1.0], [0.0], [1.0], annual_min=0.5)]) == (0.5, 0.0)
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)))
    rows = [[1, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]]
    monthly = parse_tariff("a", tariff_dict(rows, ur_monthly_min_charge=0.5))
    yearly = parse_tariff("a", tariff_dict(rows, ur_annual_min_charge=0.5))
    assert monthly_bills(use, monthly)[0].tolist() == [0.5] * 12
    assert monthly_bills(use, yearly)[0].tolist() == [0.0] * 11 + [0.5]


TWO_PERIODS = [[1, 1, NO_LIMIT, 0, 0.1, 0.02, 0.0], [2, 1, NO_LIMIT, 0, 0.4, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("style", "credit", "slope", "constant"),
    [
        # Exports of 10 and 20 kWh: half of 0.12 and a quarter of 0.4 $/kWh; relative 1 and 3.
        ("net_metering", 10 * 0.12 * 0.5 + 20 * 0.4 * 0.25, 100 + 50 * 3 - 10 * 0.5 - 60 * 0.25, 7),
        # 0.5 and 0.25 $/kWh, whatever the rates.
        ("net_billing", 10 * 0.5 + 20 * 0.25, 100 + 50 * 3, 7 - 10.0),
        (None, 0.0, 100 + 50 * 3, 7),
    ],
)
def test_exports_of_every_period_are_credited(
    style: SolarStyle | None, credit: float, slope: float, constant: float
) -> None:
    weekday = np.ones((12, 24), dtype=int)
    weekday[:, 12:] = 2
    table = parse_tariff("a", tariff_dict(TWO_PERIODS, weekday, ur_monthly_fixed_charge=7.0))
    use = CustomerUse(
        np.array([1]),
        np.broadcast_to(np.array([100.0, 50.0])[:, None], (1, 12, 2, 1)),
        exports=np.broadcast_to(np.array([10.0, 20.0]), (1, 12, 2)),
    )
    sell = np.array([[0.5], [0.25]])
    bills = monthly_bills(use, table, sell, style)
    assert bills[0].tolist() == pytest.approx([100 * 0.12 + 50 * 0.4 + 7 - credit] * 12)
    answer = rate_response(use, table, np.array([[1.0], [3.0]]), np.ones(1), sell, style)
    assert answer.slope[0].tolist() == pytest.approx([slope] * 12)
    assert answer.constant[0].tolist() == pytest.approx([constant] * 12)


def test_a_stock_that_uses_next_to_nothing_has_a_rate_too() -> None:
    # 0.12 kWh u = 0.06 $
    assert rate_level([responding([0.01], [0.0], [1.0])], 0.06, "t") == pytest.approx(0.5)


@pytest.mark.parametrize("weight", [1.0, 2.0**-12])
def test_one_home_below_its_minimum_lowers_everybodys_rate(weight: float) -> None:
    above = responding([100.0], [0.0], [weight])
    below = responding([10.0], [0.0], [weight], annual_min=16.0)
    # Linear: 1200 u + 120 u = 165 at u = 0.125, but the second pays 16 and not 15 a year.
    level = rate_level([above, below], 165.0 * weight, "t")
    assert level == pytest.approx((165.0 - 16.0) / 1200.0, rel=1e-14)


@pytest.mark.parametrize(
    ("constant", "requirement", "level"),
    [
        # Each home pays 100 u - 100 = 10 $ a month, or 100 u + 10 = 5 $.
        (-100.0, 240.0, 1.1),
        (10.0, 120.0, -0.05),
    ],
)
def test_the_search_begins_where_revenue_answers_to_the_rate(
    constant: float, requirement: float, level: float
) -> None:
    # Only a little lower, both homes are at their minimum and nothing answers.
    homes = responding([100.0, 100.0], [constant, constant], [1.0, 1.0], monthly_min=1.0)
    assert rate_level([homes], requirement, "t") == pytest.approx(level, rel=1e-13)
