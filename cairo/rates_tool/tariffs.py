"""Tariffs of a run: files, maps of building to tariff, periods and relative rates.

Names are CAIRO's where its callers use them; those of URDB conversion and solar compensation
are passed on from the modules that hold them.
"""

from __future__ import annotations

import copy
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import dask
import numpy as np
import pandas as pd

from cairo.errors import TariffError, listed, listed_buildings, one_line
from cairo.files.reading import FilePath, read_bytes
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.export_compensation import _determine_sell_rate, _return_export_compensation_rate
from cairo.model.tariff_rows import LARGEST, energy_rows
from cairo.model.tariff_tables import TariffTable, tariff_table

__all__ = [
    "ElectricityRates_to_URDB",
    "URDBv7_to_ElectricityRates",
    "__load_tariff_maps__",
    "_charge_period_mapping",
    "_determine_sell_rate",
    "_load_base_tariffs",
    "_return_export_compensation_rate",
    "get_default_tariff_structures",
    "precalc_period_mapping",
]

TariffDict = dict[str, Any]
REL_VALUE_PLACES = 4
"""Decimal places of `rel_value`."""


# Files


def get_default_tariff_structures(
    keys: Iterable[str],
    paths: Mapping[str, FilePath],
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, TariffDict]:
    """Tariffs of some keys, read from their files.

    Parameters
    ----------
    keys : tariff keys, or a mapping whose keys count; repeated ones are read once.
    paths : {key: URDB JSON file}, local or fsspec URL; it may name more tariffs than `keys`. A
        file that already holds a PySAM-style dict is taken as it is.
    storage_options : fsspec options for URLs.

    Returns
    -------
    {key: PySAM-style dict} in the order of `keys`.

    Raises
    ------
    TariffError
        A key without path, a file that is missing or not JSON, or a tariff that cannot be billed.
    """
    return {key: _read_tariff(key, paths, storage_options) for key in dict.fromkeys(keys)}


def _read_tariff(
    key: str, paths: Mapping[str, FilePath], storage_options: Mapping[str, Any] | None
) -> TariffDict:
    if key not in paths:
        near = get_close_matches(str(key), [str(k) for k in paths], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TariffError(f"tariff {key} has no file; there are files of {listed(paths)}{hint}")
    path = os.fspath(paths[key])
    content = read_bytes(path, storage_options, TariffError, f"tariff {key}: file")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TariffError(f"tariff {key}: {path} is not JSON: {one_line(error)}") from error
    return _pysam_style(given, f"{key} ({path})")


def _pysam_style(given: Any, name: str) -> TariffDict:
    """A tariff in either form as a PySAM-style dict; the input is not changed."""
    if isinstance(given, Mapping) and "ur_ec_tou_mat" in given:
        tariff_table(name, given)
        return copy.deepcopy(dict(given))
    return URDBv7_to_ElectricityRates(given, name)


# Maps of building to tariff


def __load_tariff_maps__(
    path_or_frame: FilePath | pd.DataFrame,
    storage_options: Mapping[str, Any] | None = None,
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
            frame = pd.read_csv(
                io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
        except ValueError as error:
            raise TariffError(f"{what} is not CSV: {one_line(error)}") from error
    missing = [name for name in ("bldg_id", "tariff_key") if name not in frame]
    if missing:
        raise TariffError(
            f"{what} has no column {listed(missing)}; it has {listed(frame.columns)}, "
            "expected bldg_id, tariff_key"
        )
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
    numbers = pd.to_numeric(given, errors="coerce").reset_index(drop=True)
    values = numbers.to_numpy(np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values) | (values != np.floor(values)) | (np.abs(values) >= 2.0**53)
    if wrong.any():
        raise TariffError(
            f"{what} has bldg_id {listed([repr(v) for v in given[wrong]])}, expected whole numbers"
        )
    return numbers.astype(np.int64)


def _load_base_tariffs(
    tariff_base: Mapping[str, Any],
    tariff_map: FilePath | pd.DataFrame | Mapping[int, str],
    prototype_ids: Sequence[int],
) -> tuple[dict[int, str], dict[str, TariffDict]]:
    """Each building's tariff key, and the tariffs those buildings are on.

    Parameters
    ----------
    tariff_base : {tariff_key: PySAM-style dict, URDB dict or path of a URDB file}.
    tariff_map : CSV path or frame `bldg_id, tariff_key`, or {bldg_id: tariff_key}; it may cover
        more buildings.
    prototype_ids : buildings, in the order wanted.

    Returns
    -------
    ({bldg_id: tariff_key}, {tariff_key: PySAM-style dict}); PySAM-style dicts are those given.

    Raises
    ------
    TariffError
        Buildings without tariff, tariff keys without tariff.
    """
    if isinstance(tariff_map, Mapping):
        of_building = {int(i): str(key) for i, key in tariff_map.items()}
    else:
        frame = __load_tariff_maps__(tariff_map)
        of_building = dict(zip(frame["bldg_id"].tolist(), frame["tariff_key"], strict=True))
    ids = [int(bldg_id) for bldg_id in prototype_ids]
    without = [bldg_id for bldg_id in ids if bldg_id not in of_building]
    if without:
        raise TariffError(f"tariff map has no tariff for buildings {listed_buildings(without)}")
    strategy = {bldg_id: of_building[bldg_id] for bldg_id in ids}
    used = dict.fromkeys(strategy.values())
    unknown = [key for key in used if key not in tariff_base]
    if unknown:
        raise TariffError(
            f"tariff map names tariffs {listed(unknown)}, but there are {listed(tariff_base)}"
        )
    tariffs: dict[str, TariffDict] = {}
    for key in used:
        given = tariff_base[key]
        if isinstance(given, str | os.PathLike):
            tariffs[key] = _read_tariff(key, {key: given}, None)
        elif isinstance(given, dict) and "ur_ec_tou_mat" in given:
            tariffs[key] = given
        else:
            tariffs[key] = _pysam_style(given, key)
    return strategy, tariffs


def delayed_tables(keys: Iterable[str], tariffs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Tariffs as arguments of many delayed jobs: parsed once, each one value of the graph."""
    return {
        key: dask.delayed(tariff_table(key, tariffs[key]), pure=False, traverse=False)
        for key in sorted(set(keys))
    }


# Periods and relative rates


def _charge_period_mapping(tariff: Mapping[str, Any]) -> pd.DataFrame:
    """Energy period of each month (1 to 12), hour (0 to 23) and day type.

    Columns `month`, `hour`, `day_type` ('weekday' or 'weekend'), `period` (from 1); 576 rows.
    """
    return period_mapping(tariff_table("given", tariff))


def period_mapping(table: TariffTable) -> pd.DataFrame:
    """`_charge_period_mapping` of a parsed tariff."""
    month, hour = np.indices(table.weekday.shape)
    days = {"weekday": table.weekday, "weekend": table.weekend}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "month": month.ravel() + 1,
                    "hour": hour.ravel(),
                    "day_type": day_type,
                    "period": periods.ravel(),
                }
            )
            for day_type, periods in days.items()
        ],
        ignore_index=True,
    )


def precalc_period_mapping(tariffs: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Relative energy rates that keep each tariff's own shape.

    Parameters
    ----------
    tariffs : {tariff_key: PySAM-style dict}.

    Returns
    -------
    Frame `period`, `tier` (from 1), `rel_value`, `tariff`. rel_value is (rate + adjustment) over
    the tariff's lowest positive one, rounded to 4 places, so a free period stays free. A tariff
    all of whose rates are zero has no shape to keep: every rel_value is 1.

    Raises
    ------
    TariffError
        A tariff has negative rates and no positive one.
    """
    frames = [_relative(key, tariff) for key, tariff in tariffs.items()]
    columns = ["period", "tier", "rel_value", "tariff"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _relative(key: str, tariff: Mapping[str, Any]) -> pd.DataFrame:
    table = tariff_table(key, tariff)
    places = {(int(row[0]), int(row[1])) for row in energy_rows(key, tariff)}
    # A period that the structure leaves empty still has a first tier, which is free.
    places |= {(period, 1) for period in range(1, table.n_periods + 1)}
    period, tier = np.array(sorted(places)).T
    rate = table.rate[period - 1, tier - 1]
    if not rate.any():
        relative = np.ones_like(rate)
    elif (rate > 0.0).any():
        lowest = rate[rate > 0.0].min()
        if np.abs(rate).max() > LARGEST * lowest:
            raise TariffError(
                f"tariff {key} has energy rates {listed(rate.tolist())} $/kWh, "
                f"expected them within {LARGEST:g} times the lowest"
            )
        relative = np.round(rate / lowest, REL_VALUE_PLACES)
    else:
        raise TariffError(
            f"tariff {key} has negative energy rates and no positive one ({listed(rate)} $/kWh), "
            "expected a positive rate to relate the others to"
        )
    return pd.DataFrame({"period": period, "tier": tier, "rel_value": relative, "tariff": key})
