"""Tariffs of a run: files, maps of building to tariff, periods and relative rates.

Names are CAIRO's where its callers use them; those of URDB conversion and solar compensation
are passed on from the modules that hold them.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import dask
import numpy as np
import pandas as pd
from dask.delayed import Delayed

from cairo.errors import TariffError, listed, one_line
from cairo.files.reading import FilePath, read_bytes
from cairo.files.short_tariff import is_short_form, read_short_tariff
from cairo.files.tariff_maps import TariffMap, load_tariff_map, tariff_of, tariff_place
from cairo.files.unmodelled import without_unmodelled
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.export_compensation import _determine_sell_rate, _return_export_compensation_rate
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.tariff_fields import Unmodelled
from cairo.model.tariff_rows import LARGEST, TariffDict, energy_rows

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

__load_tariff_maps__ = load_tariff_map
REL_VALUE_PLACES = 4
"""Decimal places of `rel_value`."""


# Files


def get_default_tariff_structures(
    keys: Iterable[str],
    paths: Mapping[str, FilePath],
    storage_options: Mapping[str, object] | None = None,
    unmodelled: list[Unmodelled] | None = None,
) -> dict[str, TariffDict]:
    """Tariffs of some keys, read from their files.

    Parameters
    ----------
    keys : tariff keys, or a mapping whose keys count; repeated ones are read once.
    paths : {key: URDB JSON file, or YAML of the short form}, local or fsspec URL; it may name more
        tariffs than `keys`. A file that already holds a PySAM-style dict is taken as it is.
    storage_options : fsspec options for URLs.
    unmodelled : takes the fields that are not modelled, which are left out then; None refuses them.

    Returns
    -------
    {key: PySAM-style dict} in the order of `keys`.

    Raises
    ------
    TariffError
        A key without path, a file that is missing or not JSON, or a tariff that cannot be billed.
    """
    return {
        key: _read_tariff(key, paths, storage_options, unmodelled) for key in dict.fromkeys(keys)
    }


def _read_tariff(
    key: str,
    paths: Mapping[str, FilePath],
    storage_options: Mapping[str, object] | None,
    unmodelled: list[Unmodelled] | None = None,
) -> TariffDict:
    if key not in paths:
        near = get_close_matches(str(key), [str(k) for k in paths], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TariffError(f"tariff {key} has no file; there are files of {listed(paths)}{hint}")
    path, inner = tariff_place(os.fspath(paths[key]))
    given = _stored(key, path, storage_options)
    if inner is not None:
        if not isinstance(given, Mapping) or inner not in given:
            there = listed(given) if isinstance(given, Mapping) else "none"
            raise TariffError(f"tariff {key}: {path} has no tariff {inner} (there are {there})")
        given = given[inner]
    if unmodelled is not None:
        given, left_out = without_unmodelled(key, given)
        unmodelled += left_out
    return _pysam_style(given, f"{key} ({path})")


def _stored(key: str, path: str, storage_options: Mapping[str, object] | None) -> object:
    """What a tariff file holds, one of the short form as URDB JSON."""
    if is_short_form(path):
        return read_short_tariff(path, f"tariff {key}", storage_options)
    content = read_bytes(path, storage_options, TariffError, f"tariff {key}: file")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        # JSON's readers take the last of a key that is there twice, without a word.
        found: dict[str, object] = {}
        for name, value in pairs:
            if name in found and found[name] != value:
                raise TariffError(
                    f"tariff {key}: {path} has {name} twice in one place, and they differ: "
                    "expected one of them"
                )
            found[name] = value
        return found

    try:
        return json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise TariffError(f"tariff {key}: {path} is not JSON: {one_line(error)}") from error


def tariffs_of_file(path: FilePath) -> dict[str, Tariff]:
    """Every tariff of a file, by name: of URDB JSON, a PySAM-style dict, the short form, or the
    `tariff_final_config.json` of a run.

    Parameters
    ----------
    path : file; `FILE#NAME` is one tariff of it.

    Raises
    ------
    TariffError
        It is missing, of none of these forms, or has no tariff of that name.
    """
    name, wanted = tariff_place(os.fspath(path))
    key = Path(name).stem
    stored = _stored(key, name, None)
    given: dict[str, object] = {key: stored}
    if isinstance(stored, Mapping) and stored:
        each = stored.values()
        if all(isinstance(one, Mapping) and "ur_ec_tou_mat" in one for one in each):
            given = {str(one): tariff for one, tariff in stored.items()}
    if wanted is not None:
        if wanted not in given:
            raise TariffError(f"{name} has no tariff {wanted} (there are {listed(given)})")
        given = {wanted: given[wanted]}
    return {k: parse_tariff(k, _pysam_style(one, f"{k} ({name})")) for k, one in given.items()}


def _pysam_style(given: object, name: str) -> TariffDict:
    """A tariff in either form as a PySAM-style dict; the input is not changed."""
    if isinstance(given, Mapping) and "ur_ec_tou_mat" in given:
        parse_tariff(name, given)
        return copy.deepcopy(dict(given))
    return URDBv7_to_ElectricityRates(given, name)


# Tariffs of a run


def _load_base_tariffs(
    tariff_base: Mapping[str, object],
    tariff_map: TariffMap,
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
    strategy = tariff_of(tariff_map, prototype_ids)
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


def delayed_tables(
    keys: Iterable[str], tariffs: Mapping[str, Tariff | Mapping[str, object]]
) -> dict[str, Delayed]:
    """Tariffs as arguments of many delayed jobs: parsed once, each one value of the graph."""
    return {
        key: dask.delayed(parse_tariff(key, tariffs[key]), pure=False, traverse=False)
        for key in sorted(set(keys))
    }


# Periods and relative rates


def _charge_period_mapping(tariff: Mapping[str, object]) -> pd.DataFrame:
    """Energy period of each month (1 to 12), hour (0 to 23) and day type.

    Columns `month`, `hour`, `day_type` ('weekday' or 'weekend'), `period` (from 1); 576 rows.
    """
    return period_mapping(parse_tariff("given", tariff))


def period_mapping(table: Tariff) -> pd.DataFrame:
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


def precalc_period_mapping(tariffs: Mapping[str, Tariff | Mapping[str, object]]) -> pd.DataFrame:
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


def _relative(key: str, tariff: Tariff | Mapping[str, object]) -> pd.DataFrame:
    table = parse_tariff(key, tariff)
    places = {(int(row[0]), int(row[1])) for row in energy_rows(key, table.given)}
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
