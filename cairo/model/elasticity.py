"""How strongly customers respond to price: a number, or one a season."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cairo.errors import ScenarioError
from cairo.model.names import SUMMER, WINTER

LOWEST = -5.0
"""A lower elasticity is a mistake: a price 10 % above the average would cut use by 40 %."""


@dataclass(frozen=True)
class Elasticity:
    """Elasticity of substitution by season; `always` where no season is told apart."""

    always: float | None = None
    by_season: Mapping[str, float] | None = None

    @classmethod
    def of(cls, given: float | Mapping[str, float]) -> Elasticity:
        """A number for all seasons, or {winter: e, summer: e}.

        Raises
        ------
        ScenarioError
            No season, one that is none, or a value above 0 or below `LOWEST`.
        """
        values = given if isinstance(given, Mapping) else {"": given}
        if not values:
            raise ScenarioError(f"elasticity names no season, expected {WINTER} or {SUMMER}")
        for season, value in values.items():
            what = f"elasticity {season}".strip()
            if season not in ("", WINTER, SUMMER):
                raise ScenarioError(f"{what}: expected the seasons {WINTER} and {SUMMER}")
            if not math.isfinite(value) or value > 0.0 or value < LOWEST:
                raise ScenarioError(f"{what} is {value:g}, expected {LOWEST:g} to 0")
        if isinstance(given, Mapping):
            return cls(None, dict(given))
        return cls(float(given))

    @property
    def responds(self) -> bool:
        """Whether anybody does."""
        values = [self.always] if self.by_season is None else list(self.by_season.values())
        return any(value for value in values)

    def of_season(self, season: str) -> float:
        """Elasticity of one season; 0 of one that is not named."""
        if self.by_season is None:
            return float(self.always or 0.0)
        return float(self.by_season.get(season, 0.0))


@dataclass(frozen=True)
class Response:
    """How customers respond.

    winter_months : from 1; the tariff's own seasons when None. calibrated : they respond to the
    rates that the run solves for, not to those the tariff file has.
    """

    elasticity: Elasticity
    winter_months: tuple[int, ...] | None = None
    calibrated: bool = False
