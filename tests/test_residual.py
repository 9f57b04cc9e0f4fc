"""The stages behind bill alignment: total price, peak hours and residual shares."""

import logging

import numpy as np
import pandas as pd
import pytest

from cairo.model.calendar import hour_stamps
from cairo.rates_tool.dd_stages import marginal, residual
from cairo.rates_tool.dd_stages.measure import Block
from cairo.rates_tool.lookups import (
    ANCILLARY_PRICE,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    HOURS,
    NET_LOAD,
    TOTAL_PRICE,
)


def year(*first: float) -> np.ndarray:
    """8760 values: those given, then zeros."""
    return np.concatenate([first, np.zeros(HOURS - len(first))])


PRICES = pd.DataFrame(
    {
        ENERGY_PRICE: year(0.1, 0.2, -0.3),
        CAPACITY_PRICE: year(0.0, 0.0, 2.0),
        ANCILLARY_PRICE: year(0.01, 0.0, 0.0, 0.01),
        DISTRIBUTION_PRICE: year(0.0, 0.5, 0.0),
    },
    index=hour_stamps(2025, "EST"),
)
NET = np.stack([year(1.0, 2.0, 3.0), year(4.0, 0.0, -1.0)])


def test_the_total_price_is_the_sum_of_components_and_of_no_total() -> None:
    total = marginal.total_price(PRICES.assign(**{TOTAL_PRICE: 99.0}))
    assert total[:5] == pytest.approx([0.11, 0.7, 1.7, 0.01, 0.0])
    assert not total[5:].any()
    few = marginal.total_price(PRICES[[ENERGY_PRICE]])
    assert few[:3].tolist() == [0.1, 0.2, -0.3]


@pytest.mark.parametrize(
    ("columns", "hours"),
    [
        ([ENERGY_PRICE, CAPACITY_PRICE, DISTRIBUTION_PRICE], [1, 2]),
        ([ENERGY_PRICE, CAPACITY_PRICE], [2]),
        ([ANCILLARY_PRICE, DISTRIBUTION_PRICE], [1]),
        ([ENERGY_PRICE, ANCILLARY_PRICE], []),
    ],
)
def test_peak_hours_are_those_of_the_capacity_and_network_prices_there_are(
    columns: list[str], hours: list[int]
) -> None:
    assert np.flatnonzero(marginal.peak_hours(PRICES[columns])).tolist() == hours


def test_bases_of_a_partition_are_a_row_a_building() -> None:
    # 1x0.11 + 2x0.7 + 3x1.7 and 4x0.11 - 1x1.7
    homes = np.array([30, 70])
    block = Block(np.array([30, 50, 70]), {NET_LOAD: NET[[0, 0, 1]]})
    burden = marginal.Burden(homes, marginal.total_price(PRICES)).chunk(block)
    assert burden.bldg_ids.tolist() == [30, 70]
    assert burden.values == pytest.approx([6.61, -1.26])
    energy = residual.Energy(homes).chunk(block)
    peak = residual.Energy(homes, marginal.peak_hours(PRICES)).chunk(block)
    assert energy.values.tolist() == [6.0, 3.0]
    assert peak.values.tolist() == [5.0, -1.0]


SHARE = "customer_level_residual_share_"


def shares(amount: float, peak_kwh: list[float]) -> pd.DataFrame:
    return residual.finalize(
        amount,
        np.array([10.0, 5.0]),
        np.array([6.0, 3.0]),
        np.array(peak_kwh),
        np.array([8.0, -2.0]),
        pd.Index([70, 30], name="bldg_id"),
    )


@pytest.mark.parametrize("amount", [750.0, -75.0])
def test_shares_follow_energy_peak_energy_heads_and_burden(amount: float) -> None:
    found = shares(amount, [5.0, -1.0])
    # Totals over 10 and 5 customers: 75 kWh, 45 peak kWh, 15 customers, 70 $ of burden.
    expected = {
        SHARE + "volumetric": [6 / 75, 3 / 75],
        SHARE + "peak": [5 / 45, -1 / 45],
        SHARE + "percustomer": [1 / 15, 1 / 15],
        SHARE + "epmc": [8 / 70, -2 / 70],
    }
    assert list(found) == list(expected)
    assert found.index.tolist() == [70, 30]
    for name, fractions in expected.items():
        assert found[name].tolist() == pytest.approx([amount * f for f in fractions], rel=1e-14)
        assert found[name] @ [10.0, 5.0] == pytest.approx(amount, rel=1e-14)


@pytest.mark.parametrize(("peak_kwh", "warned"), [([0.0, 0.0], True), ([0.0, 2.0], False)])
def test_no_use_in_peak_hours_is_warned_of(
    caplog: pytest.LogCaptureFixture, peak_kwh: list[float], warned: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        found = shares(750.0, peak_kwh)
    assert ("peak residual shares are zero" in caplog.text) == warned
    assert found[SHARE + "peak"].any() == (not warned)
