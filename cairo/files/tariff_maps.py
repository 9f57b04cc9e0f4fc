"""Tariff maps: which tariff each building is on, from a CSV file, a frame or a mapping."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

from cairo.errors import TariffError, listed, listed_buildings, one_line
from cairo.files.csv_text import read_text_table
from cairo.files.numbers import is_no_number, is_rounded
from cairo.files.reading import FilePath, read_bytes, stem_of, without_query
from cairo.files.spreadsheet import without_marks

TariffMap: TypeAlias = "FilePath | pd.DataFrame | Mapping[int, str]"


def tariff_key(path: str) -> str:
    """Key of a tariff in a file: the file's stem, or KEY of `tariff_final_config.json#KEY`."""
    file, key = tariff_place(path)
    if key is not None:
        return key
    return stem_of(file).removeprefix("derived:")


def keys_of_aliases(paths: Mapping[str, str]) -> dict[str, str]:
    """{alias: tariff key} of {alias: file}: the file's own, or the alias of files that share one.

    Two subclasses may so start from one file and end at rates of their own.
    """
    keys = {alias: tariff_key(path) for alias, path in paths.items()}
    times = Counter(keys.values())
    return {alias: alias if times[key] > 1 else key for alias, key in keys.items()}


def tariff_place(path: str) -> tuple[str, str | None]:
    """(file, key in it) of a tariff; no key where the file holds one tariff."""
    file, found, key = path.rpartition("#")
    return (file, key) if found and without_query(file).endswith(".json") else (path, None)


def tariff_of(
    tariff_map: TariffMap,
    bldg_ids: Iterable[int],
    what: str = "tariff map",
    storage_options: Mapping[str, object] | None = None,
) -> dict[int, str]:
    """{bldg_id: tariff key} of some buildings, in their order; the map may cover more.

    Parameters
    ----------
    tariff_map : CSV path or frame `bldg_id, tariff_key`, or {bldg_id: tariff key}.
    bldg_ids : buildings.
    what : the map, in error messages.
    storage_options : fsspec options of a URL.

    Raises
    ------
    TariffError
        Buildings without tariff, all listed; or as `load_tariff_map`.
    """
    if isinstance(tariff_map, Mapping):
        on = {int(bldg_id): str(key) for bldg_id, key in tariff_map.items()}
    else:
        on = keys_by_home(load_tariff_map(tariff_map, storage_options))
    ids = [int(bldg_id) for bldg_id in bldg_ids]
    without = [bldg_id for bldg_id in ids if bldg_id not in on]
    if without:
        raise TariffError(f"{what} has no tariff for buildings {listed_buildings(without)}")
    return {bldg_id: on[bldg_id] for bldg_id in ids}


def keys_by_home(frame: pd.DataFrame) -> dict[int, str]:
    """{bldg_id: tariff key} of a frame `bldg_id, tariff_key`, in its order."""
    return dict(zip(frame["bldg_id"].tolist(), frame["tariff_key"].tolist(), strict=True))


def load_tariff_map(
    path_or_frame: FilePath | pd.DataFrame,
    storage_options: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """A tariff map: frame `bldg_id` (int64), `tariff_key` (text), in the order given.

    Parameters
    ----------
    path_or_frame : CSV file, local or fsspec URL, or a frame; other columns are left out.
    storage_options : fsspec options for URLs.

    Raises
    ------
    TariffError
        Naming the file: it is missing or unreadable, a column is missing, a building is not a
        whole number, has no tariff or is there more than once.
    """
    if isinstance(path_or_frame, pd.DataFrame):
        what, frame = "tariff map", path_or_frame
        if "bldg_id" not in frame and frame.index.name == "bldg_id":
            frame = frame.reset_index()
    else:
        what = f"tariff map {os.fspath(path_or_frame)}"
        content = read_bytes(path_or_frame, storage_options, TariffError, "tariff map")
        try:
            # A run's own map may be that of the next.
            frame = without_marks(read_text_table(content, plain=True)[0])
        except ValueError as error:
            raise TariffError(f"{what} is not CSV: {one_line(error)}") from error
    missing = [name for name in ("bldg_id", "tariff_key") if name not in frame]
    if missing:
        raise TariffError(
            f"{what} has no column {listed(missing)}; it has {listed(frame.columns)}, "
            "expected bldg_id, tariff_key"
        )
    for name in ("bldg_id", "tariff_key"):
        again = f"{name}.1"
        if again in frame and not frame[name].equals(frame[again].rename(name)):
            raise TariffError(f"{what} has two columns {name}, which differ: expected one of them")
    if frame.empty:
        raise TariffError(f"{what} has no rows, expected one a building")
    ids = _building_ids(what, frame["bldg_id"])
    keys = ["" if pd.isna(key) else str(key).strip() for key in frame["tariff_key"]]
    without = [i for i, key in zip(ids.tolist(), keys, strict=True) if not key]
    if without:
        raise TariffError(f"{what} has no tariff_key for buildings {listed_buildings(without)}")
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        raise TariffError(f"{what} has buildings more than once: {listed_buildings(repeated)}")
    return pd.DataFrame({"bldg_id": ids.to_numpy(), "tariff_key": keys})


def _building_ids(what: str, given: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(given.mask(is_rounded(given)), errors="coerce").reset_index(drop=True)
    if is_no_number(given):
        raise TariffError(f"{what} has bldg_id of type {given.dtype}, expected whole numbers")
    values = numbers.to_numpy(np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values) | (values != np.floor(values)) | (np.abs(values) >= 2.0**53)
    if wrong.any():
        raise TariffError(
            f"{what} has bldg_id {listed([repr(v) for v in given[wrong]])}, expected whole numbers"
        )
    return numbers.astype(np.int64)
