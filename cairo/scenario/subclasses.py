"""Subclasses of customers: which home is in which, told by a metadata column."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cairo.errors import MetadataError, listed, listed_buildings
from cairo.files.metadata import group_column
from cairo.scenario.run_parts import SubclassConfig


def value_text(value: object) -> str:
    """A value of a metadata column or of a selector, as the two are compared.

    Without regard to case or to the blanks around it; a whole number is written without a point,
    as a column with gaps holds 1 as 1.0. A missing value is empty.
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        if float(value).is_integer():
            return str(int(value))
    return str(value).strip().casefold()


def selected_values(given: object) -> list[str]:
    """The values of one selector: a list, one value, or text with commas between values."""
    if isinstance(given, str):
        given = given.split(",")
    values = given if isinstance(given, list) else [given]
    return [text for text in map(value_text, values) if text]


def subclass_of(metadata: pd.DataFrame, config: SubclassConfig) -> list[str]:
    """Alias of each row of a metadata frame.

    Parameters
    ----------
    metadata : `bldg_id` and the column of the subclasses.
    config : which column, and each alias's values in it.

    Raises
    ------
    MetadataError
        No such column, a home in no subclass or in two, or a subclass without homes.
    """
    column = group_column(metadata.columns, config.group_col)
    if column is None:
        raise MetadataError(
            f"subclass_config group_col {config.group_col}: the metadata has no such column and no "
            f"postprocess_group.{config.group_col} (there are {listed(metadata.columns)})"
        )
    aliases: dict[str, list[str]] = {}
    for alias, given in config.selectors.items():
        for value in dict.fromkeys(selected_values(given)):
            aliases.setdefault(value, []).append(alias)
    values = [value_text(value) for value in metadata[column]]
    ids = metadata["bldg_id"].tolist()
    where = f"subclass_config {config.group_col}"
    for value, among in aliases.items():
        if len(among) > 1:
            raise MetadataError(
                f"{where}: value {value} is of subclasses {listed(among)}, expected one; "
                f"it is that of {_homes(ids, values, [value])}"
            )
    without = [value for value in dict.fromkeys(values) if value not in aliases]
    if without:
        named = listed([value or "(none)" for value in without])
        raise MetadataError(
            f"{where}: {_homes(ids, values, without)} in no subclass, their value is {named}; "
            f"selectors have {listed(aliases)}"
        )
    found = [aliases[value][0] for value in values]
    empty = [alias for alias in config.selectors if alias not in set(found)]
    if empty:
        raise MetadataError(
            f"{where}: subclass {listed(empty)} has no homes, their values are "
            f"{listed(dict.fromkeys(values))}"
        )
    return found


def _homes(ids: Iterable[int], values: Iterable[str], those: list[str]) -> str:
    mine = [bldg_id for bldg_id, value in zip(ids, values, strict=True) if value in those]
    return f"buildings {listed_buildings(mine)}" if mine else "no building"
