"""Building metadata: which homes, how many customers each stands for, and their segments."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cairo.errors import CairoError, MetadataError, listed, listed_buildings, one_line
from cairo.files.index_columns import with_index_columns
from cairo.files.numbers import is_no_number, is_rounded, written_numbers
from cairo.files.reading import check_table_size, read_bytes
from cairo.files.run_names import NAME
from cairo.model.names import summary_buildings_cols_keep

MOST_ID = 2**53
"""Of buildings: larger ones are not told apart by every program that reads them."""
MOST_WEIGHT = 1e12
"""Customers a building may stand for; as few, it may stand for as small a part of one."""


GROUPS = "postprocess_group."
"""Beginning of columns that people have added to a stock's metadata."""


def group_column(columns: Iterable[str], name: str) -> str | None:
    """The column that a name means: the one called so, else `postprocess_group.<name>`."""
    there = set(columns)
    return next((one for one in (name, f"{GROUPS}{name}") if one in there), None)


def read_frame(
    path: str | os.PathLike[str],
    what: str,
    columns: Iterable[str] = (),
    storage_options: Mapping[str, object] | None = None,
    error: type[CairoError] = MetadataError,
) -> pd.DataFrame:
    """A small parquet file as a frame, its index levels among the columns.

    Parameters
    ----------
    path : file or fsspec URL.
    what : its part in the run, for messages.
    columns : that it must have.
    storage_options : fsspec options.
    error : class to raise, when it is missing, unreadable or lacks a column.
    """
    content = read_bytes(path, storage_options, error, what)
    try:
        check_table_size(content)
        frame = with_index_columns(pd.read_parquet(io.BytesIO(content)))
    except Exception as cause:  # pyarrow has errors of many classes for unsound parquet
        raise error(f"{what} {path} cannot be read: {one_line(cause)}") from None
    missing = [name for name in columns if name not in frame]
    if missing:
        raise error(
            f"{what} {path} has no column {listed(missing)}; it has {listed(frame.columns)}"
        )
    return frame


def return_buildingstock(
    load_scenario: str | os.PathLike[str],
    building_stock_sample: Iterable[int] | None = None,
    customer_count: float | None = None,
    columns: Sequence[str] | None = None,
    storage_options: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Metadata of a building stock.

    Parameters
    ----------
    load_scenario : metadata parquet, with `bldg_id` and `weight`.
    building_stock_sample : bldg_ids to keep, in the file's order; all by default.
    customer_count : what the weights are scaled to add to; None leaves them.
    columns : metadata columns to keep besides `lookups.summary_buildings_cols_keep`; one that is
        called `postprocess_group.<name>` may be named without that.
    storage_options : fsspec options for a URL.

    Returns
    -------
    `bldg_id`, `weight` [customers], then the columns the file has, a row a building.

    Raises
    ------
    MetadataError
        Buildings repeated, unknown or without a weight, all listed; a negative weight, or
        weights that add to zero; a column asked for that there is not.
    """
    what = "metadata file"
    frame = read_frame(load_scenario, what, ("bldg_id", "weight"), storage_options)
    name = f"{what} {load_scenario}"
    frame = frame.assign(bldg_id=building_ids(frame["bldg_id"], name))
    twice = frame["bldg_id"][frame["bldg_id"].duplicated()].unique().tolist()
    if twice:
        raise MetadataError(f"{name} has buildings more than once: {listed_buildings(twice)}")
    if building_stock_sample is not None:
        sample = {int(bldg_id) for bldg_id in building_stock_sample}
        unknown = sorted(sample - set(frame["bldg_id"]))
        if unknown:
            raise MetadataError(f"{name} lacks buildings {listed_buildings(unknown)}")
        frame = frame[frame["bldg_id"].isin(sample)]
    found = {column: group_column(frame.columns, column) for column in columns or []}
    missing = [column for column, there in found.items() if there is None]
    if missing:
        raise MetadataError(f"{name} has no column {listed(missing)}")
    asked = [there for there in found.values() if there is not None]
    odd = [column for column in asked if not NAME.fullmatch(column) or not column.isprintable()]
    if odd:
        # Statistics by segment are in a file named after the column.
        raise MetadataError(f"{name} column {odd[0]!r} cannot be in a file's name: rename it")
    usual = [column for column in summary_buildings_cols_keep if column in frame]
    kept = list(dict.fromkeys(["bldg_id", "weight", *usual, *asked]))
    frame = frame[kept].reset_index(drop=True)
    frame = frame.assign(**{c: plain_cells(frame[c], name) for c in kept[2:]})
    return frame.assign(weight=scaled_weights(frame, customer_count, name))


def plain_cells(values: pd.Series, name: str) -> pd.Series:
    """A column to group homes by; text kept as bytes is text.

    Raises
    ------
    MetadataError
        Naming the file: a cell is a list, a record or bytes that are no text.
    """
    if values.dtype != object:
        return values

    def one(cell: object) -> object:
        if isinstance(cell, bytes):
            return cell.decode("utf-8")
        hash(cell)
        return cell

    try:
        return values.map(one)
    except (TypeError, UnicodeDecodeError):
        raise MetadataError(
            f"{name} column {values.name} holds lists or bytes, expected a text or number a home"
        ) from None


def building_ids(values: pd.Series, name: str) -> pd.Series:
    """bldg_ids as integers, or a `MetadataError` naming the file and the first that is not."""
    numbers = pd.to_numeric(values, errors="coerce")
    if is_no_number(values):
        raise MetadataError(f"{name} has bldg_id of type {values.dtype}, expected whole numbers")
    odd = numbers.isna() | (numbers % 1 != 0) | (numbers.abs() > MOST_ID) | is_rounded(values)
    wrong = values[odd].tolist()
    if wrong:
        raise MetadataError(f"{name} has bldg_id {wrong[0]!r}, expected whole numbers")
    return numbers.astype(np.int64)


def scaled_weights(frame: pd.DataFrame, customer_count: float | None, name: str) -> pd.Series:
    """Weights, scaled to add to the customer count."""
    weight = written_numbers(frame["weight"])
    unweighted = frame["bldg_id"][~np.isfinite(weight)].tolist()
    given = frame["weight"][frame["bldg_id"].isin(unweighted)].dropna()
    if len(given) and not pd.api.types.is_float_dtype(given):
        raise MetadataError(
            f"{name} has weight {str(given.iloc[0])[:40]!r} for building {unweighted[0]}, "
            "expected a number"
        )
    if unweighted:
        raise MetadataError(f"{name} has no weight for buildings {listed_buildings(unweighted)}")
    odd = frame["bldg_id"][(weight > MOST_WEIGHT) | ((weight > 0) & (weight < 1 / MOST_WEIGHT))]
    if len(odd):
        raise MetadataError(
            f"{name} has weights above {MOST_WEIGHT:g} or below {1 / MOST_WEIGHT:g} customers for "
            f"buildings {listed_buildings(odd.tolist())}"
        )
    negative = frame["bldg_id"][weight < 0].tolist()
    if negative:
        raise MetadataError(
            f"{name} has negative weights for buildings {listed_buildings(negative)}"
        )
    with np.errstate(over="ignore"):
        total = float(weight.sum())
    if not 0.0 < total < np.inf:
        raise MetadataError(f"{name} has weights that add to {total}, expected more than zero")
    return weight if customer_count is None else weight * (customer_count / total)
