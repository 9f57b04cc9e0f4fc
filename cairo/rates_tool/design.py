"""A tariff that has been solved for, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cairo.files.urdb_export import ElectricityRates_to_URDB
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
