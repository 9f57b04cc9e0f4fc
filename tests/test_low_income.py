"""Low-income assistance on a hand-worked stock of three homes."""

import numpy as np
import pandas as pd
import pytest

from cairo.errors import CairoError, MetadataError, RequirementError, ScenarioError
from cairo.rates_tool.lookups import ANNUAL, months
from cairo.rates_tool.low_income_assistance import (
    apply_low_income_assistance,
    participants,
    upper_end,
)

IDS = [30, 10, 20]
METADATA = pd.DataFrame(
    {
        "bldg_id": IDS,
        "weight": [1.0, 2.0, 4.0],
        "in.federal_poverty_level": ["0-100%", "150-200%", "400%+"],
        "in.income": ["<10000", "30000-34999", "200000+"],
        "in.tenure": ["Owner", "Renter", "Owner"],
    }
)


def frame(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(dict.fromkeys(months, values), index=IDS)


BILLS = frame([100.0, 10.0, 200.0]).assign(**{ANNUAL: [1200.0, 120.0, 2400.0]})
KWH = frame([500.0, 50.0, 1000.0])


def helped(**program: float) -> pd.DataFrame:
    return apply_low_income_assistance(BILLS, METADATA, KWH, strategy="generic", program=program)


def test_owners_get_a_percentage_renters_a_credit_and_the_rest_pay() -> None:
    bills = helped(discount=0.3, renter_credit=15.0)
    # owner 30 off; renter's 10 $ bill is all the credit takes; cost 1x30 + 2x10 = 50 a month,
    # paid by 4 customers x 1000 kWh: 0.0125 $/kWh or 12.50 each
    assert bills["Jan"].tolist() == pytest.approx([70.0, 0.0, 212.5])
    assert bills[ANNUAL].tolist() == pytest.approx([840.0, 0.0, 2550.0])


def test_weighted_revenue_does_not_change() -> None:
    weight = METADATA["weight"].to_numpy()
    before, after = (float((b[ANNUAL].to_numpy() * weight).sum()) for b in (BILLS, helped()))
    assert after == pytest.approx(before, rel=1e-14)


def test_eligibility_follows_poverty_level_and_income() -> None:
    strict = helped(poverty_level_max=100.0, discount=0.5)
    # only the first home: 50 off, paid by 2 x 50 + 4 x 1000 = 4100 kWh
    assert strict.loc[30, "Jan"] == pytest.approx(50.0)
    assert strict.loc[10, "Jan"] == pytest.approx(10.0 + 50.0 * 50.0 / 4100.0)
    by_income = helped(poverty_level_max=0.0, income_max=35_000.0, discount=0.5)
    assert by_income.loc[10, "Jan"] < 10.0


@pytest.mark.parametrize(
    ("text", "value"),
    [("0-100%", 100.0), ("150-200%", 200.0), ("<10000", 10000.0), ("42000", 42000.0)],
)
def test_ranges_are_read_by_their_upper_end(text: str, value: float) -> None:
    assert upper_end(text) == value
    assert upper_end("400%+") == upper_end(">200000") == float("inf")
    assert np.isnan(upper_end("Not Available"))


def test_participation_stays_within_its_target_and_ignores_row_order() -> None:
    rng = np.random.default_rng(3)
    ids, weight = rng.permutation(1000), rng.uniform(1, 5, 1000)
    eligible = rng.random(1000) < 0.4
    chosen = participants(eligible, weight, ids, 0.3, seed=7)
    part = weight[chosen].sum() / weight[eligible].sum()
    assert 0.28 < part <= 0.3
    assert not (chosen & ~eligible).any()
    order = rng.permutation(1000)
    again = participants(eligible[order], weight[order], ids[order], 0.3, seed=7)
    assert set(ids[order][again]) == set(ids[chosen])
    other = participants(eligible, weight, ids, 0.3, seed=8)
    assert set(ids[other]) != set(ids[chosen])


def test_everybody_eligible_takes_part_at_a_target_of_one() -> None:
    eligible = np.array([True, False, True])
    chosen = participants(eligible, np.array([0.1, 1.0, 0.2]), np.arange(3), 1.0, 0)
    assert chosen.tolist() == eligible.tolist()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"strategy": "lifeline"}, ScenarioError, "lifeline is unknown, expected generic"),
        ({"program": {"discout": 0.1}}, ScenarioError, "key discout"),
        ({"program": {"discount": 2.0}}, ScenarioError, "key discount"),
        (
            {"metadata": METADATA.drop(columns="in.federal_poverty_level")},
            MetadataError,
            "no column in.federal_poverty_level",
        ),
        ({"grid_kwh": KWH * 0.0}, RequirementError, "cannot be recovered"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    change: dict[str, object], error: type[CairoError], message: str
) -> None:
    arguments = {
        "bills": BILLS,
        "metadata": METADATA,
        "grid_kwh": KWH,
        "strategy": "generic",
    } | change
    with pytest.raises(error, match=message) as caught:
        apply_low_income_assistance(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
