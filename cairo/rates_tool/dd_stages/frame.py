"""The load frame: hourly loads as a Dask DataFrame partitioned by building.

Index `bldg_id` (int64, ascending, divisions known); every building whole in one partition,
its 8760 rows in the target year's order. Columns, made only when asked for:

============== ============================================================
`time`         hour stamps of the target year
`load_data`    gross electric load [kWh]
`pv_generation` PV generation as stored, of either sign [kWh]
`electricity_net` load net of PV [kWh]
`natural_gas`  gas [therms]
============== ============================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import dask.dataframe as dd
import pandas as pd

from cairo.rates_tool.dd_stages.partition import COLUMNS
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource, load_source

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["COLUMNS", "LoadOptions", "as_load_frame", "read_load_frame"]


def read_load_frame(
    loads: LoadSource | str | os.PathLike[str] | Mapping[int, str],
    bldg_ids: Iterable[int] | None = None,
    *,
    options: LoadOptions | None = None,
    partition_buildings: int | None = None,
    columns: Sequence[str] | None = None,
) -> dd.DataFrame:
    """Load frame of a ResStock load folder, a packed stock, or {bldg_id: path}.

    Nothing is read until computed, and then only the columns used.

    Parameters
    ----------
    loads : folder, fsspec URL, packed stock or mapping of building to file.
    bldg_ids : buildings to take; all by default.
    options : calendar, scaling and flooring.
    partition_buildings : buildings a partition.
    columns : of `COLUMNS`; all by default.

    Raises
    ------
    LoadError
        Listing every building that has no load file, or a building asked for twice.
    """
    source = load_source(loads, options)
    if bldg_ids is not None:
        source = source.take(list(bldg_ids))
    frame = source.load_frame(partition_buildings)
    return frame if columns is None else frame[list(columns)]


def as_load_frame(
    loads: pd.DataFrame | dd.DataFrame | str | os.PathLike[str] | Mapping[int, str],
    *,
    options: LoadOptions | None = None,
    partition_buildings: int | None = None,
    client: Client | None = None,
) -> dd.DataFrame:
    """Whatever a caller has as loads, as a load frame: pandas, Dask, a folder or files."""
    return load_source(loads, options).load_frame(partition_buildings, client)
