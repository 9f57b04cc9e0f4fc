"""Bills of hand-worked customers."""

import numpy as np
import pytest

from cairo.errors import RequirementError
from cairo.model.precalc import rate_level, revenue
from cairo.model.tariff import Tariff, parse_tariff
from cairo.rates_tool.customer_bill_calculation import (
    CustomerUse,
    demand_charges,
    energy_charges,
    fill_tiers,
    monthly_bills,
    rate_response,
    solar_credits,
)
from tests.strategies import NO_LIMIT, tariff_dict


def table(rows: list[list[float]], periods: int = 1, **more: object) -> Tariff:
    weekday = np.ones((12, 24), dtype=int)
    weekday[0, :periods] = np.arange(1, periods + 1)
    return parse_tariff("t", tariff_dict(rows, weekday, **more))


def months(*first: float, rest: float = 0.0) -> np.ndarray:
    return np.array([*first, *([rest] * (12 - len(first)))])[None, :]


FLAT = [[1, 1, NO_LIMIT, 0, 0.10, 0.02, 0.0]]
TIERED = [[1, 1, 100.0, 0, 0.10, 0.0, 0.0], [1, 2, NO_LIMIT, 0, 0.20, 0.0, 0.0]]


def test_usage_fills_tiers_in_order() -> None:
    usage = months(250.0, 100.0, 40.0)[..., None]
    tiers = fill_tiers(usage, table(TIERED))
    assert tiers[0, :3, 0].tolist() == [[100.0, 150.0], [100.0, 0.0], [40.0, 0.0]]


def test_each_period_has_tiers_of_its_own() -> None:
    rows = [*TIERED, [2, 1, 50.0, 0, 0.3, 0, 0], [2, 2, NO_LIMIT, 0, 0.4, 0, 0]]
    usage = np.zeros((1, 12, 2))
    usage[0, 0] = [120.0, 60.0]
    tiers = fill_tiers(usage, table(rows, 2))
    assert tiers[0, 0].tolist() == [[100.0, 20.0], [50.0, 10.0]]


def test_daily_tier_limits_count_the_days_of_the_month() -> None:
    rows = [[1, 1, 10.0, 2, 0.1, 0, 0], [1, 2, NO_LIMIT, 2, 0.2, 0, 0]]
    tiers = fill_tiers(months(400.0, 400.0)[..., None], table(rows))
    # January 31 x 10, February 28 x 10
    assert tiers[0, :2, 0].tolist() == [[310.0, 90.0], [280.0, 120.0]]


@pytest.mark.parametrize(("unit", "limit"), [(1, 100.0 * 4), (3, 100.0 * 4 * 31)])
def test_per_kw_tier_limits_follow_the_months_peak(unit: int, limit: float) -> None:
    rows = [[1, 1, 100.0, unit, 0.1, 0, 0], [1, 2, NO_LIMIT, unit, 0.2, 0, 0]]
    usage = months(20_000.0)[..., None]
    tiers = fill_tiers(usage, table(rows), months(4.0))
    assert tiers[0, 0, 0].tolist() == [limit, 20_000.0 - limit]


def test_use_above_a_last_tiers_limit_stays_in_it() -> None:
    rows = [[1, 1, 100.0, 0, 0.1, 0, 0], [1, 2, 200.0, 0, 0.2, 0, 0]]
    tiers = fill_tiers(months(500.0)[..., None], table(rows))
    assert tiers[0, 0, 0].tolist() == [100.0, 400.0]


def test_a_flat_bill_is_fixed_charge_plus_rate_and_adjustment() -> None:
    use = CustomerUse(np.array([1]), months(1000.0, rest=500.0)[..., None, None])
    bill = monthly_bills(use, table(FLAT, ur_monthly_fixed_charge=11.0))
    # 1000 x 0.12 + 11 and 500 x 0.12 + 11
    assert bill[0, :2] == pytest.approx([131.0, 71.0])


def test_a_low_month_pays_the_minimum_charge() -> None:
    use = CustomerUse(np.array([1]), months(1000.0, rest=10.0)[..., None, None])
    bill = monthly_bills(use, table(FLAT, ur_monthly_min_charge=25.0))
    assert bill[0, :2] == pytest.approx([120.0, 25.0])


def test_the_annual_minimums_shortfall_is_billed_in_december() -> None:
    use = CustomerUse(np.array([1]), months(rest=100.0)[..., None, None])
    bill = monthly_bills(use, table(FLAT, ur_annual_min_charge=200.0))
    # 12 x 12 $ = 144 $, so December pays 12 + 56
    assert bill[0, 0] == pytest.approx(12.0)
    assert bill[0, 11] == pytest.approx(68.0)
    assert bill.sum() == pytest.approx(200.0)


def test_a_year_of_credits_is_not_raised_to_a_minimum_there_is_not() -> None:
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)), exports=months(rest=100.0)[..., None])
    bill = monthly_bills(use, table(FLAT), np.ones((1, 1)), "net_metering")
    assert bill.sum() == pytest.approx(-12 * 100 * 0.12)


DEMAND = {
    "ur_dc_enable": 1,
    "ur_dc_sched_weekday": [[1] * 12 + [2] * 12] * 12,
    "ur_dc_sched_weekend": [[1] * 24] * 12,
    "ur_dc_tou_mat": [[1, 1, 3.0, 2.0], [1, 2, NO_LIMIT, 4.0], [2, 1, NO_LIMIT, 10.0]],
    "ur_dc_flat_mat": [[m, 1, NO_LIMIT, 1.0 + m] for m in range(12)],
}


def test_demand_charges_bill_each_periods_peak_and_the_months() -> None:
    demand = np.zeros((1, 12, 2))
    demand[0, 0] = [5.0, 6.0]
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)), months(6.0, 2.0), demand)
    charge = demand_charges(use, table(FLAT, **DEMAND))
    # January: 3x2 + 2x4 + 6x10 + flat 6x1; February: flat 2x2
    assert charge[0, :2].tolist() == [80.0, 4.0]


def test_net_metering_credits_the_retail_rate_times_the_ratio() -> None:
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)), exports=months(100.0)[..., None])
    credit = solar_credits(use, table(FLAT), np.array([[0.5]]), "net_metering")
    assert credit[0, 0] == pytest.approx(100 * 0.12 * 0.5)


def test_net_billing_credits_the_sell_price() -> None:
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)), exports=months(100.0)[..., None])
    credit = solar_credits(use, table(FLAT), np.array([[0.03]]), "net_billing")
    assert credit[0, 0] == pytest.approx(3.0)


def test_without_a_style_nothing_is_credited() -> None:
    use = CustomerUse(np.array([1]), np.zeros((1, 12, 1, 1)), exports=months(100.0)[..., None])
    assert not solar_credits(use, table(FLAT), np.array([[1.0]]), None).any()
    assert not solar_credits(use, table(FLAT), None, "net_metering").any()


def response(kwh: np.ndarray, weight: list[float], **more: object) -> object:
    tariff = table(FLAT, **more)
    use = CustomerUse(np.arange(len(kwh)), kwh[..., None, None])
    return rate_response(use, tariff, np.ones((1, 1)), np.array(weight))


def test_without_minimums_the_level_is_one_division() -> None:
    one = response(np.full((1, 12), 100.0), [2.0], ur_monthly_fixed_charge=10.0)
    # 2 x (1200 u + 120) = 1200 -> u = 0.4
    assert rate_level([one], 1200.0, "t") == pytest.approx(0.4, rel=1e-14)


def test_with_minimums_the_level_still_meets_the_requirement() -> None:
    kwh = np.array([np.full(12, 1000.0), np.full(12, 10.0)])
    both = response(kwh, [1.0, 1.0], ur_monthly_min_charge=30.0)
    # the small customer pays 12 x 30; the large one 12000 u = 1560 - 360
    assert rate_level([both], 1560.0, "t") == pytest.approx(0.1, rel=1e-13)


def test_annual_minimums_too_are_solved_exactly() -> None:
    kwh = np.array([np.full(12, 1000.0), np.full(12, 10.0)])
    both = response(kwh, [1.0, 2.0], ur_annual_min_charge=300.0)
    # 12000 u + 2 x 300 = 3000 -> u = 0.2, and 120 x 0.2 = 24 $ is below 300 $
    assert rate_level([both], 3000.0, "t") == pytest.approx(0.2, rel=1e-13)
    assert revenue(0.2, [both])[0] == pytest.approx(3000.0)


def test_exports_credited_at_retail_lower_the_revenue_of_a_rate() -> None:
    use = CustomerUse(
        np.array([1]),
        np.full((1, 12, 1, 1), 100.0),
        exports=np.full((1, 12, 1), 25.0),
    )
    one = rate_response(
        use, table(FLAT), np.ones((1, 1)), np.ones(1), np.ones((1, 1)), "net_metering"
    )
    # 12 x (100 - 25) u = 90
    assert rate_level([one], 90.0, "t") == pytest.approx(0.1)


def test_no_billed_energy_cannot_meet_a_requirement() -> None:
    with pytest.raises(RequirementError, match=r"1,000\.00 \$ of t .* no billed energy"):
        rate_level([response(np.zeros((1, 12)), [1.0])], 1000.0, "t")


def test_minimum_charges_above_the_requirement_cannot_meet_it() -> None:
    one = response(np.full((1, 12), 100.0), [1.0], ur_monthly_min_charge=50.0)
    with pytest.raises(RequirementError, match=r"alone collect 600\.00 \$"):
        rate_level([one], 500.0, "t")


def test_energy_charge_sums_periods_and_tiers() -> None:
    energy = np.zeros((1, 12, 2, 2))
    energy[0, 0] = [[1.0, 2.0], [3.0, 4.0]]
    rate = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert energy_charges(energy, rate)[0, 0] == pytest.approx(0.1 + 0.4 + 0.9 + 1.6)
