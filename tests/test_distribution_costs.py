"""A cost by kW spread over the highest hours, at the edges of loads and hours."""

import numpy as np
import pytest

from cairo.errors import PriceError
from cairo.utils.marginal_costs.marginal_cost_calculator import add_distribution_costs


def test_one_hour_that_is_no_number_is_refused() -> None:
    load = np.ones(8760)
    load[17] = np.nan
    with pytest.raises(PriceError, match="hours that are not finite numbers"):
        add_distribution_costs(load, 2025, 80.0)


def test_a_cost_may_be_spread_over_every_hour() -> None:
    prices = add_distribution_costs(np.full(8760, 2.0), 2025, 87.6, 8760)
    assert prices.to_numpy() == pytest.approx(0.01)


def test_a_system_of_next_to_no_load_bears_the_cost_too() -> None:
    load = np.zeros(8760)
    load[[3, 4]] = [0.03, 0.01]
    prices = add_distribution_costs(load, 2025, 80.0, 2)
    # 80 x 0.03 / 0.04 and 80 x 0.01 / 0.04
    assert prices.iloc[3:5].tolist() == pytest.approx([60.0, 20.0])
    assert prices.sum() == pytest.approx(80.0)
