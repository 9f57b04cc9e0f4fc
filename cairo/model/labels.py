"""Metadata columns and their values in words: one table, which a scenario's `labels` extends."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LABELS: dict[str, str] = {
    "postprocess_group.has_hp": "heat pump",
    "postprocess_group.heating_type": "heating",
    "postprocess_group.heating_type_v2": "heating in detail",
    "in.heating_fuel": "heating fuel",
    "in.income": "income [$/year]",
    "in.representative_income": "income [$/year]",
    "in.federal_poverty_level": "income of the federal poverty level",
    "in.has_pv": "solar",
    "in.tenure": "tenure",
    "in.occupants": "occupants",
    "in.vintage_acs": "built",
    "in.geometry_building_type_recs": "building",
    "in.sqft": "floor area [sq ft]",
    "=true": "yes",
    "=false": "no",
    "=yes": "yes",
    "=no": "no",
    "=none": "none",
    "=heat_pump": "heat pump",
    "=natgas": "natural gas",
    "=electrical_resistance": "electric resistance",
    "=delivered_fuels": "delivered fuels",
}
"""{column: its name}, {column=value: the value in it}, {=value: the value in any column}.

Values are found without regard to case.
"""


@dataclass(frozen=True)
class Labels:
    """The table with what a scenario adds to it.

    own : `labels` of the scenario; it goes before the table.
    """

    own: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """A column in words; one that nobody named by the last part of its name."""
        known = {**LABELS, **self.own}.get(name)
        return known or name.removeprefix("in.").rpartition(".")[2].replace("_", " ") or name

    def value(self, column: str, value: str) -> str:
        """A value of a column in words; one that nobody named as it is."""
        own, anywhere = f"{column}={value}".lower(), f"={value}".lower()
        return self._values.get(own) or self._values.get(anywhere) or value

    @functools.cached_property
    def _values(self) -> dict[str, str]:
        return {key.lower(): words for key, words in {**LABELS, **self.own}.items()}

    def columns(self, names: Iterable[str]) -> dict[str, str]:
        """{column: words}; columns that would have the same words keep their own names too."""
        words = {name: self.column(name) for name in names}
        several = [text for text in words.values() if list(words.values()).count(text) > 1]
        return {
            name: f"{text} ({name})" if text in several else text for name, text in words.items()
        }

    def unknown(self, columns: Iterable[str]) -> list[str]:
        """Keys of the scenario's `labels` that name none of the columns."""
        known = {*columns, ""}
        return [key for key in self.own if key not in known and key.partition("=")[0] not in known]
