"""The bill formulas, under the name CAIRO's callers import."""

from cairo.model.bills import (
    CustomerUse,
    RateResponse,
    SolarStyle,
    credit_prices,
    customer_use,
    demand_charges,
    energy_charges,
    monthly_bills,
    rate_response,
    solar_credits,
    with_minimum,
)
from cairo.model.tiers import fill_tiers, tier_limits

__all__ = [
    "CustomerUse",
    "RateResponse",
    "SolarStyle",
    "credit_prices",
    "customer_use",
    "demand_charges",
    "energy_charges",
    "fill_tiers",
    "monthly_bills",
    "rate_response",
    "solar_credits",
    "tier_limits",
    "with_minimum",
]
