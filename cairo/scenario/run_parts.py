"""What stands within a run's settings: subclasses, changed and derived tariffs, another run."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from cairo.errors import listed
from cairo.model.names import MONTHS
from cairo.model.plain_settings import PlainSettings
from cairo.model.subclass_requirements import PASSTHROUGH, methods
from cairo.workers.settings import STRICT, PathText

DERIVED_PREFIX = "derived:"
"""Before the alias of a tariff that is derived, in the place of its file."""
RUN_PREFIX = "run:"
"""Before the name of a run of the same file, in the place of a path."""
MONTHS_FROM_1 = set(range(1, MONTHS + 1))
EVERYBODY = "all"
"""Alias of the one tariff of a run whose homes are all on it."""


def is_reference(text: str) -> bool:
    """Whether a setting names a run of the file, which may not be finished, or a tariff of it."""
    return text.startswith(RUN_PREFIX)


def checked_months(value: list[int] | None) -> list[int] | None:
    """Months that are all different and some of a year's, not all."""
    if value is not None and (len(set(value)) < len(value) or not set(value) <= MONTHS_FROM_1):
        raise ValueError(f"{value}: expected different months from 1 to 12")
    return value


class SubclassConfig(PlainSettings):
    """Which metadata column tells the subclasses apart, and each one's values.

    It says which homes are in which subclass where a run has no tariff map.
    """

    model_config = STRICT
    group_col: str = Field(
        min_length=1, description="Metadata column, which `postprocess_group.` may stand before."
    )
    selectors: dict[str, str | bool | int | float | list[str | bool | int | float]] = Field(
        default_factory=dict,
        description="{alias of the subclass: its values in the column}: one, a list, or text with "
        'commas between them. Case does not matter, and `"true"` fits a switch.',
    )


class TariffChange(PlainSettings):
    """What is changed of a tariff that a file has."""

    model_config = STRICT
    fixed_charge: float | None = Field(None, description="Fixed charge [$/month] instead.")
    min_charge: float | None = Field(None, ge=0, description="Minimum charge [$/month] instead.")
    rate_scale: float | None = Field(
        None, ge=0, description="All energy rates are multiplied by it."
    )


class RequirementFrom(PlainSettings):
    """A finished run that subclasses' requirements are taken of, and how."""

    model_config = STRICT
    run: PathText = Field(
        description="Its name in the file, or its directory; of the same homes and weights."
    )
    delivery: str = Field(description="Method for delivery.")
    supply: str | None = Field(
        None, description="Method for supply; needed in a run that includes supply."
    )

    @field_validator("delivery", "supply")
    @classmethod
    def _method(cls, value: str | None) -> str | None:
        if value is not None and value not in methods():
            raise ValueError(f"expected {listed(methods())}")
        return value


Knob = Literal["fixed_charge", "level", "winter_rate", "summer_rate"]


class DerivedTariff(PlainSettings):
    """A tariff whose rates follow from the costs that a finished run has found."""

    model_config = STRICT | ConfigDict(populate_by_name=True)
    derive: Literal["flat", "seasonal", "fair", "tou"] = Field(
        description="One rate, or a lower winter rate, under which the class pays what it costs; "
        "one tariff for everybody under which `subclass` does; or periods from load and prices."
    )
    from_: PathText = Field(
        alias="from",
        description="The tariff it starts from: `run:NAME`, `run:NAME#ALIAS`, or "
        "`FOLDER/tariff_final_config.json#KEY`; that run's bills and costs are used.",
    )
    allocation: str = Field(
        "percustomer", description="Of the residual, by which the class pays too much."
    )
    winter_months: list[int] | None = Field(
        None, description="Months of winter from 1; the run's, or October to March."
    )
    hours: int | None = Field(
        None, ge=1, le=12, description="Hours of the `tou` window; 1 to 12 are tried."
    )
    knobs: tuple[Knob, Knob] = Field(
        ("fixed_charge", "level"),
        description="What `fair` solves for; the rest stays as in `from`.",
    )
    subclass: str | None = Field(
        None, description="Alias of `subclass_config` whose costs `fair` meets."
    )

    @field_validator("winter_months")
    @classmethod
    def _months(cls, value: list[int] | None) -> list[int] | None:
        return checked_months(value)

    @field_validator("allocation")
    @classmethod
    def _allocation(cls, value: str) -> str:
        known = [method for method in methods() if method != PASSTHROUGH]
        if value not in known:
            raise ValueError(f"expected {listed(known)}")
        return value

    @property
    def known_before(self) -> bool:
        """Whether its schedule is known before its source is finished."""
        taken = self.from_.startswith((RUN_PREFIX, DERIVED_PREFIX))
        return self.derive != "tou" and not (self.derive == "fair" and taken)
