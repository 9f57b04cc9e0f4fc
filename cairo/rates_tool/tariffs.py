"""Tariffs of a run: files, maps of building to tariff, periods and relative rates.

Names are CAIRO's where its callers use them; those of URDB conversion and solar compensation
are passed on from the modules that hold them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import dask
import numpy as np
import pandas as pd
from dask.delayed import Delayed

from cairo.errors import TariffError, listed
from cairo.files.reading import FilePath
from cairo.files.tariff_files import read_tariffs, tariff_of_either_form
from cairo.files.tariff_maps import TariffMap, load_tariff_map, tariff_of
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.export_compensation import _determine_sell_rate, _return_export_compensation_rate
from cairo.model.tariff import AnyTariff, Tariff, parse_tariff
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
    read = read_tariffs(keys, paths, storage_options, unmodelled)
    return {key: tariff.to_dict() for key, tariff in read.items()}


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
    strategy, used = _used(tariff_base, tariff_map, prototype_ids)
    return strategy, {
        key: given
        if isinstance(given, dict) and "ur_ec_tou_mat" in given
        else base_tariff(key, given).to_dict()
        for key, given in used.items()
    }


def base_tariffs(
    tariff_base: Mapping[str, object], tariff_map: TariffMap, bldg_ids: Sequence[int]
) -> tuple[dict[int, str], dict[str, Tariff]]:
    """`_load_base_tariffs` with parsed tariffs, which may be given so too."""
    strategy, used = _used(tariff_base, tariff_map, bldg_ids)
    return strategy, {key: base_tariff(key, given) for key, given in used.items()}


def _used(
    tariff_base: Mapping[str, object], tariff_map: TariffMap, bldg_ids: Sequence[int]
) -> tuple[dict[int, str], dict[str, object]]:
    """(each building's tariff key, the tariffs as they are given of those keys)."""
    strategy = tariff_of(tariff_map, bldg_ids)
    used = list(dict.fromkeys(strategy.values()))
    unknown = [key for key in used if key not in tariff_base]
    if unknown:
        raise TariffError(
            f"tariff map names tariffs {listed(unknown)}, but there are {listed(tariff_base)}"
        )
    return strategy, {key: tariff_base[key] for key in used}


def base_tariff(key: str, given: object) -> Tariff:
    """A tariff of a file, of a URDB or PySAM-style dict, or one that is parsed already."""
    if isinstance(given, Tariff):
        return given
    if isinstance(given, str | os.PathLike):
        return read_tariffs([key], {key: given})[key]
    return tariff_of_either_form(key, given)


def delayed_tables(keys: Iterable[str], tariffs: Mapping[str, AnyTariff]) -> dict[str, Delayed]:
    """Tariffs as arguments of many delayed jobs: parsed once, each one value of the graph."""
    return {
        key: dask.delayed(parse_tariff(key, tariffs[key]), pure=False, traverse=False)
        for key in sorted(set(keys))
    }


# Periods and relative rates


def _charge_period_mapping(tariff: AnyTariff) -> pd.DataFrame:
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


def precalc_period_mapping(tariffs: Mapping[str, AnyTariff]) -> pd.DataFrame:
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


def _relative(key: str, tariff: AnyTariff) -> pd.DataFrame:
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
