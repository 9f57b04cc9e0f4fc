"""Marginal prices of a run once its system demand is known."""

from __future__ import annotations

import pandas as pd

from cairo.model.names import DISTRIBUTION_PRICE
from cairo.scenario.inputs import RunInputs


def full_prices(inputs: RunInputs, demand: pd.Series) -> pd.DataFrame:
    """Price components, plus a distribution cost spread over the system's own peak hours."""
    prices = inputs.marginal_system_prices
    cost = inputs.distribution_cost
    if cost is None:
        return prices
    from cairo.utils.marginal_costs.marginal_cost_calculator import add_distribution_costs

    spread = add_distribution_costs(demand, inputs.settings.year_run, cost.per_kw_year, cost.hours)
    network = prices[DISTRIBUTION_PRICE].to_numpy() if DISTRIBUTION_PRICE in prices else 0.0
    return prices.assign(**{DISTRIBUTION_PRICE: network + spread.to_numpy()})
