"""Hourly loads of one building from the pandas frame of its load file."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed
from cairo.files.load_checks import check_signs, check_stamps, checked_energies
from cairo.files.load_file import FIELDS, NAMES, HourlyLoads
from cairo.model.arrays import Float1D


def loads_of_frame(frame: pd.DataFrame, bldg_id: int, fields: Iterable[str]) -> HourlyLoads:
    """`LoadFileReader.read` for the pandas frame of one load file.

    Parameters
    ----------
    frame : ResStock columns; `timestamp` and `bldg_id` columns or index levels.
    bldg_id : the building, which a `bldg_id` in the frame must be.
    fields : names of `FIELDS`.
    """
    what = f"frame of building {bldg_id}"
    levels = [name for name in frame.index.names if name in ("timestamp", "bldg_id")]
    frame = frame.reset_index(level=levels) if levels else frame
    found = {field: _name_in(frame, field, what) for field in ("timestamp", *fields)}
    if "bldg_id" in frame and set(frame["bldg_id"]) != {bldg_id}:
        raise LoadError(f"load file {what} holds buildings {listed(set(frame['bldg_id']))}")
    year, per_hour = check_stamps(frame[found["timestamp"]].to_numpy(), what)
    values = {
        field: checked_energies(
            _energies(frame[found[field]], what, FIELDS[field]), per_hour, what, FIELDS[field]
        )
        for field in fields
    }
    check_signs(values, what)
    return HourlyLoads(values, year)


def _energies(given: pd.Series, what: str, name: str) -> Float1D:
    """A column's numbers; text, times and switches are none, as in a file."""
    if isinstance(given.dtype, pd.CategoricalDtype):
        given = given.astype(given.cat.categories.dtype)
    types = pd.api.types
    real = types.is_float_dtype(given) or types.is_integer_dtype(given)
    objects = given.dtype == object and given.map(_is_real).all()
    if not real and not objects:
        raise LoadError(f"load file {what} column {name} is {given.dtype}, expected numbers")
    values: Float1D = given.to_numpy(np.float64, na_value=np.nan)
    return values


def _is_real(one: object) -> bool:
    """Whether an object of a column is a number, or missing."""
    real = isinstance(one, float | int | Decimal | np.floating | np.integer)
    return (real and not isinstance(one, bool)) or one is None


def _name_in(frame: pd.DataFrame, field: str, what: str) -> str:
    """The frame's column of a field; several must hold the same."""
    there = [name for name in frame.columns if name in NAMES[field]]
    if not there:
        raise LoadError(f"load file {what} has no column {NAMES[field][0]}")
    columns = [frame.iloc[:, i] for i, name in enumerate(frame.columns) if name in there]
    if not all(np.array_equal(columns[0].to_numpy(), other.to_numpy()) for other in columns):
        raise LoadError(
            f"load file {what} has columns {listed(there)}, which differ: expected one of them"
        )
    if len(set(there)) < len(there):
        raise LoadError(f"load file {what} has column {there[0]} more than once")
    name: str = there[0]
    return name
