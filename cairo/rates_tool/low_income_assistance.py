"""Low-income bill assistance, under the name CAIRO's callers import."""

from cairo.model.low_income_assistance import (
    INCOME,
    POVERTY,
    RENTER,
    TENURE,
    AssistanceProgram,
    apply_low_income_assistance,
    assistance_program,
    eligible_homes,
    monthly_relief,
    participants,
    upper_end,
)

__all__ = [
    "INCOME",
    "POVERTY",
    "RENTER",
    "TENURE",
    "AssistanceProgram",
    "apply_low_income_assistance",
    "assistance_program",
    "eligible_homes",
    "monthly_relief",
    "participants",
    "upper_end",
]
