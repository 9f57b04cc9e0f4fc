"""Low-income assistance at the edges of its settings."""

from __future__ import annotations

import pandas as pd
import pytest

from cairo.errors import RequirementError, ScenarioError
from cairo.rates_tool.lookups import ANNUAL, months
from cairo.rates_tool.low_income_assistance import (
    apply_low_income_assistance,
    assistance_program,
    eligible_homes,
    monthly_relief,
)

HOMES = pd.DataFrame(
    {
        "bldg_id": [1, 2, 3],
        "weight": [1.0, 1.0, 2.0],
        "in.federal_poverty_level": ["150-200%", "200-201%", "400%+"],
        "in.income": ["90000", "40000", "40001"],
        "in.tenure": ["Owner", "Renter", "Owner"],
    }
)


def test_what_a_program_is_without_settings() -> None:
    program = assistance_program(None)
    assert program.model_dump() == {
        "poverty_level_max": 200.0,
        "income_max": None,
        "discount": 0.25,
        "renter_credit": 15.0,
        "seed": 0,
    }
    with pytest.raises(ValueError, match="frozen"):
        program.discount = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("value", [0, 1])
def test_the_ends_of_what_settings_may_be(value: int) -> None:
    names = ("poverty_level_max", "income_max", "discount", "renter_credit", "seed")
    assert assistance_program(dict.fromkeys(names, value)).discount == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("poverty_level_max", -1),
        ("income_max", -1),
        ("discount", -0.01),
        ("discount", 1.01),
        ("renter_credit", -0.01),
        ("seed", -1),
    ],
)
def test_what_is_beyond_them_is_refused(name: str, value: float) -> None:
    with pytest.raises(ScenarioError, match=f"key {name} is {value}"):
        assistance_program({name: value})


@pytest.mark.parametrize(
    ("settings", "eligible"),
    [
        ({}, [True, False, False]),
        ({"poverty_level_max": 199.9}, [False, False, False]),
        ({"poverty_level_max": 0.0, "income_max": 40_000.0}, [False, True, False]),
        ({"income_max": 40_000.0}, [True, True, False]),
    ],
)
def test_homes_at_a_limit_are_eligible(settings: dict[str, float], eligible: list[bool]) -> None:
    assert eligible_homes(HOMES, assistance_program(settings)).tolist() == eligible


def test_relief_takes_no_bill_below_zero_and_nothing_off_a_credit() -> None:
    bills = pd.DataFrame([[100.0, -8.0], [20.0, 10.0], [40.0, 0.0]]).to_numpy()
    relief = monthly_relief(bills, HOMES, assistance_program(None))
    assert relief.tolist() == [[25.0, 0.0], [15.0, 10.0], [10.0, 0.0]]
    owners = monthly_relief(bills, HOMES.drop(columns="in.tenure"), assistance_program(None))
    assert owners[1].tolist() == [5.0, 2.5]


def test_where_nobody_is_eligible_nobody_pays() -> None:
    bills = pd.DataFrame({name: [100.0, 10.0, 20.0] for name in months}, index=[1, 2, 3])
    bills[ANNUAL] = bills.sum(axis=1)
    kwh = bills[months] * 5.0
    same = apply_low_income_assistance(
        bills, HOMES, kwh, strategy="generic", program={"poverty_level_max": 0}
    )
    pd.testing.assert_frame_equal(same, bills)


@pytest.mark.parametrize("bill", [0.01, 100.0])
def test_any_relief_needs_somebody_to_pay_it(bill: float) -> None:
    bills = pd.DataFrame({name: [bill] * 3 for name in months}, index=[1, 2, 3])
    kwh = pd.DataFrame({name: [500.0, 0.0, 0.0] for name in months}, index=[1, 2, 3])
    # Only the first home takes part, and only it uses energy: a quarter of its year.
    with pytest.raises(RequirementError, match=f"assistance of {12 * 0.25 * bill:.2f} .* cannot"):
        apply_low_income_assistance(bills, HOMES, kwh, strategy="generic")


def test_a_small_relief_is_paid_too() -> None:
    bills = pd.DataFrame({name: [0.01] * 3 for name in months}, index=[1, 2, 3])
    kwh = pd.DataFrame({name: [500.0, 100.0, 50.0] for name in months}, index=[1, 2, 3])
    after = apply_low_income_assistance(bills, HOMES, kwh, strategy="generic")
    # 0.0025 $ a month over 100 + 2 x 50 kWh
    assert after["Jan"].tolist() == pytest.approx([0.0075, 0.01125, 0.010625])
