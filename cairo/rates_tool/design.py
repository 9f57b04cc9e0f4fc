"""A tariff that has been solved for, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.arrays import Float1D
from cairo.model.tariff_changes import with_energy_rates
from cairo.model.tariff_rows import TariffDict


@dataclass(frozen=True, eq=False)
class Design:
    """A derived tariff.

    tariff : PySAM-style. note : how it was made, in a sentence. figures : what it was solved from.
    """

    tariff: TariffDict
    note: str
    figures: Mapping[str, object]

    def urdb(self, key: str) -> TariffDict:
        """As URDB JSON, with the note as its description."""
        made = ElectricityRates_to_URDB(self.tariff, key)
        made["items"][0]["description"] = self.note
        return made

    def record(self) -> dict[str, object]:
        """What `run.json` holds of it."""
        return {"note": self.note, **self.figures}


def with_costs(designs: Mapping[str, Design], costs: Mapping[str, Float1D]) -> dict[str, Design]:
    """Designs whose rates are costs by period, with those of the loads after a response.

    Parameters
    ----------
    designs : {alias: design}; one without other costs stays.
    costs : {alias: (P,) [$/kWh]}: of each season the other hours, then the window.
    """
    return {
        alias: _at_cost(one, costs[alias]) if alias in costs else one
        for alias, one in designs.items()
    }


def _at_cost(one: Design, costs: Float1D) -> Design:
    before = one.figures["costs"]
    assert isinstance(before, Mapping)
    by_season = dict(zip(before, costs.reshape(-1, 2)[:, ::-1].tolist(), strict=True))
    figures = dict(one.figures) | {
        "costs": by_season,
        "ratios": {name: on / off for name, (on, off) in by_season.items()},
        "costs_before_response": before,
        "ratios_before_response": one.figures["ratios"],
    }
    note = f"{one.note}; costs are of the load after customers have responded"
    return Design(with_energy_rates(one.tariff, costs[:, None]), note, figures)
