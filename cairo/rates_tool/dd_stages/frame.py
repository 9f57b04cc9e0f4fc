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
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.errors import LoadError, listed_buildings
from cairo.files.load_file import (
    HourlyLoads,
    LoadFileReader,
    ReadCount,
    buildings_of,
    check_load_file,
    load_files,
    loads_of_frame,
    rolled,
)
from cairo.files.packed import PackedReader, is_packed, manifest, packed_buildings
from cairo.model import kernels
from cairo.model.arrays import Float1D, Float2D, Int1D
from cairo.model.calendar import hour_stamps, offset_days
from cairo.model.names import HOURS, KWH_TO_THERM, NET_LOAD
from cairo.workers.sizing import PARTITION_BUILDINGS

__all__ = [
    "COLUMNS",
    "as_load_frame",
    "check_load_file",
    "frame_from_pandas",
    "load_files",
    "loads_of_frame",
    "model_columns",
    "read_load_frame",
    "stock_buildings",
    "stock_files",
]

COLUMNS = ("time", "load_data", "pv_generation", NET_LOAD, "natural_gas")
LOAD_COLUMNS = COLUMNS[1:]
READ = "cairo_read"
"""Key of a frame's `attrs`: (files, bytes) read to make it."""
YEARS = "cairo_years"
"""Key of a frame's `attrs`: {calendar year of its hours: a building of that year}."""

_FIELDS_OF = {
    "load_data": ("total",),
    "pv_generation": ("pv",),
    NET_LOAD: ("total", "pv"),
    "natural_gas": ("gas",),
}


@dataclass(frozen=True)
class LoadOptions:
    """How stored energies become the model's loads.

    target_year : year whose calendar the hours take; None keeps the weather year's.
    kwh_scale : factor on electric columns, so that the stock meets a utility's sales.
    floor_net : negative net load counts as zero, hour by hour.
    """

    target_year: int | None = None
    kwh_scale: float = 1.0
    floor_net: bool = False
    timezone: str | None = "EST"
    storage_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartitionSpec:
    """Buildings of one partition, and the file each is read from (or the packed stock)."""

    bldg_ids: tuple[int, ...]
    paths: tuple[str, ...]
    packed: str | None = None


def stock_buildings(
    loads: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None
) -> list[int]:
    """bldg_ids a load folder or packed stock holds, ascending."""
    if is_packed(str(loads)):
        return packed_buildings(str(loads))
    return list(load_files(loads, storage_options))


def read_load_frame(
    loads: str | os.PathLike[str] | Mapping[int, str],
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
    options = options or LoadOptions()
    asked = None if bldg_ids is None else [int(bldg_id) for bldg_id in bldg_ids]
    files, packed = stock_files(loads, asked, options.storage_options)
    ids = np.sort(np.fromiter(files, dtype=np.int64))
    size = partition_buildings or PARTITION_BUILDINGS
    parts = _parts(ids, size, packed)
    specs = [
        PartitionSpec(tuple(part), () if packed else tuple(files[i] for i in part), packed)
        for part in parts
    ]
    divisions = (*(part[0] for part in parts), parts[-1][-1])
    # There is no text in a load frame: Dask need not look for it in every partition.
    with dask.config.set({"dataframe.convert-string": False}):
        frame: dd.DataFrame = dd.from_map(
            read_partition,
            specs,
            options=options,
            meta=_meta(options),
            divisions=divisions,
            enforce_metadata=False,
            label="read-loads",
        )
    return frame if columns is None else frame[list(columns)]


def _parts(ids: Int1D, size: int, packed: str | None) -> list[list[int]]:
    """Buildings of each partition; whole blocks of a packed stock, so that none is read twice."""
    block = np.zeros(0, dtype=np.int64)
    if packed is not None:
        place = manifest(packed).place
        block = np.array([place[bldg_id][0] for bldg_id in ids.tolist()])
    largest = int(np.bincount(block).max(initial=0))
    if not 0 < largest <= size:
        return [ids[i : i + size].tolist() for i in range(0, len(ids), size)]
    cuts = np.flatnonzero(np.diff(block // round(size / largest))) + 1
    return [part.tolist() for part in np.split(ids, cuts)]


def stock_files(
    loads: str | os.PathLike[str] | Mapping[int, str | os.PathLike[str]],
    bldg_ids: Sequence[int] | None,
    storage_options: Mapping[str, Any] | None = None,
) -> tuple[dict[int, str], str | None]:
    """({bldg_id: file} in the order asked for, the packed stock's folder or None).

    Raises
    ------
    LoadError
        Listing every building that has no load file, or is asked for twice; or there is none.
    """
    packed = None
    if isinstance(loads, Mapping):
        files = {int(bldg_id): str(path) for bldg_id, path in loads.items()}
    elif is_packed(str(loads)):
        packed = str(loads)
        files = dict.fromkeys(packed_buildings(packed), packed)
    else:
        files = load_files(loads, storage_options)
    if bldg_ids is None:
        bldg_ids = list(files)
    check_distinct(np.sort(np.asarray(bldg_ids, dtype=np.int64)))
    missing = sorted(bldg_id for bldg_id in bldg_ids if bldg_id not in files)
    if missing:
        where = "the files given" if isinstance(loads, Mapping) else loads
        raise LoadError(
            f"no load file in {where} for {len(missing)} buildings: {listed_buildings(missing)}"
        )
    if not bldg_ids:
        raise LoadError("no buildings to read loads of")
    return {bldg_id: files[bldg_id] for bldg_id in bldg_ids}, packed


def check_distinct(ids: np.ndarray) -> None:
    """Raise `LoadError` naming buildings that sorted `ids` hold more than once."""
    repeated = np.unique(ids[1:][np.diff(ids) == 0])
    if len(repeated):
        raise LoadError(
            f"buildings asked for more than once: {listed_buildings(repeated.tolist())}"
        )


def _meta(options: LoadOptions) -> pd.DataFrame:
    stamps = hour_stamps(options.target_year or 2018, options.timezone)[:0]
    data: dict[str, Any] = {"time": stamps}
    data |= {name: np.empty(0) for name in LOAD_COLUMNS}
    return pd.DataFrame(data, index=pd.Index(np.empty(0, np.int64), name="bldg_id"))


def read_partition(
    spec: PartitionSpec, options: LoadOptions, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """One partition of the load frame: only the fields its columns need are decoded."""
    columns = list(COLUMNS if columns is None else columns)
    wanted = [name for name in LOAD_COLUMNS if name in columns]
    fields = sorted({item for name in wanted for item in _FIELDS_OF[name]} or {"total"})
    hourly = {name: np.empty((len(spec.bldg_ids), HOURS)) for name in wanted}
    years: dict[int, int] = {}
    reader = (
        PackedReader(spec.packed, fields)
        if spec.packed is not None
        else LoadFileReader(fields, options.storage_options)
    )
    for row, (values, year) in enumerate(_buildings(reader, spec)):
        years.setdefault(options.target_year or year, spec.bldg_ids[row])
        _fill({name: hourly[name][row] for name in wanted}, values, year, options)
    check_one_year(years)
    data: dict[str, Any] = {name: values.reshape(-1) for name, values in hourly.items()}
    if "time" in columns:
        stamps = hour_stamps(min(years), options.timezone)
        data["time"] = stamps.take(np.tile(np.arange(HOURS), len(spec.bldg_ids)))
    index = pd.Index(np.repeat(np.asarray(spec.bldg_ids, np.int64), HOURS), name="bldg_id")
    frame = pd.DataFrame(data, index=index, columns=columns, copy=False)
    mark_read(frame, reader.count)
    frame.attrs[YEARS] = years
    return frame


def check_one_year(years: Mapping[int, int]) -> None:
    """Check that hours which are added up are of one calendar year.

    Parameters
    ----------
    years : {calendar year: a building of it}.

    Raises
    ------
    LoadError
        There are several; a building of each is named.
    """
    if len(years) > 1:
        found = ", ".join(f"building {bldg_id} of {year}" for year, bldg_id in years.items())
        raise LoadError(
            f"loads are of several weather years ({found}): give a target year, to which all "
            "are moved"
        )


def mark_read(frame: pd.DataFrame, read: ReadCount) -> None:
    """Note on a frame what was read to make it."""
    frame.attrs[READ] = (read.files, read.bytes)


def read_count(frame: pd.DataFrame) -> ReadCount:
    """What was read to make a frame; nothing when a caller made it."""
    return ReadCount(*frame.attrs.get(READ, (0, 0)))


def years_of(frame: pd.DataFrame) -> dict[int, int]:
    """{calendar year of a frame's hours: a building of it}; none when a caller made it."""
    return dict(frame.attrs.get(YEARS, {}))


def _buildings(
    reader: LoadFileReader | PackedReader, spec: PartitionSpec
) -> Iterator[tuple[dict[str, Float1D], int]]:
    """(fields, weather year) of each building."""
    if isinstance(reader, PackedReader):
        yield from reader.read(spec.bldg_ids)
        return
    for bldg_id, path in zip(spec.bldg_ids, spec.paths, strict=True):
        loads = reader.read(path, bldg_id)
        yield loads.values, loads.source_year


def model_columns(
    loads: HourlyLoads, columns: Sequence[str], options: LoadOptions
) -> dict[str, Float1D]:
    """Load columns of one building, in the target year's order."""
    hourly = {name: np.empty(HOURS) for name in columns}
    _fill(hourly, loads.values, loads.source_year, options)
    return hourly


_scratch = threading.local()


def _fill(
    rows: Mapping[str, Float1D],
    values: Mapping[str, Float1D],
    year: int,
    options: LoadOptions,
) -> None:
    """Write one building's load columns into `rows`, in the target year's order."""
    shift = 24 * offset_days(year, options.target_year or year)
    # One buffer a thread: a fresh array for each building costs more than the arithmetic.
    if not hasattr(_scratch, "hours"):
        _scratch.hours = np.empty(HOURS)
    buffer: Float1D = _scratch.hours
    for name, row in rows.items():
        if name == "natural_gas":
            energy = np.multiply(values["gas"], KWH_TO_THERM, out=buffer)
        else:
            if name == "load_data":
                energy = values["total"]
            elif name == "pv_generation":
                energy = values["pv"]
            else:
                energy = kernels.net_load(values["total"], values["pv"], out=buffer)
            if options.kwh_scale != 1.0:
                energy = np.multiply(energy, options.kwh_scale, out=buffer)
            if name == NET_LOAD and options.floor_net:
                energy = kernels.grid_consumption(energy, out=buffer)
        rolled(energy, shift, row)


def partition_arrays(partition: pd.DataFrame) -> tuple[Int1D, dict[str, Float2D]]:
    """(bldg_ids (n,), {column: (n, 8760)}) of one partition, without copying.

    Raises
    ------
    LoadError
        The partition holds part of a building: its rows are not 8760 for each.
    """
    index = partition.index.to_numpy()
    ids = buildings_of(index)
    if len(index) % HOURS or not np.array_equal(index[HOURS - 1 :: HOURS], ids):
        counts = partition.index.value_counts()
        wrong = counts[counts != HOURS].index.tolist() or ids.tolist()
        raise LoadError(
            f"buildings {listed_buildings(wrong)} do not have 8760 consecutive rows in one "
            "partition of the load frame: partition it by bldg_id with whole buildings"
        )
    arrays = {
        name: partition[name].to_numpy().reshape(len(ids), HOURS)
        for name in partition.columns
        if name != "time"
    }
    return ids, arrays


def frame_from_pandas(
    loads: pd.DataFrame, *, partition_buildings: int | None = None, client: Any | None = None
) -> dd.DataFrame:
    """Load frame of a pandas load frame with index (`bldg_id`, `time`), as `_return_load` gives.

    Partitions are views of the frame's rows when its buildings are in ascending order;
    otherwise each partition gathers its own buildings' rows. With `client` the partitions are
    handed to that cluster's workers; on an in-process cluster nothing is copied.

    Raises
    ------
    LoadError
        A building without its 8760 consecutive rows, or twice in the frame.
    """
    index = loads.index
    if not isinstance(index, pd.MultiIndex) or list(index.names) != ["bldg_id", "time"]:
        raise LoadError("a load frame needs the index levels bldg_id and time, in this order")
    ids = index.get_level_values("bldg_id").to_numpy().astype(np.int64, copy=False)
    if not len(ids):
        raise LoadError("the load frame has no rows")
    buildings = buildings_of(ids)
    if len(ids) % HOURS or not np.array_equal(np.repeat(buildings, HOURS), ids):
        counts = pd.Series(ids).value_counts()
        wrong = counts[counts != HOURS].index.tolist() or buildings.tolist()
        raise LoadError(
            f"buildings {listed_buildings(wrong)} of the load frame do not have "
            "8760 consecutive rows"
        )
    place = np.argsort(buildings, kind="stable")
    check_distinct(buildings[place])
    names = [name for name in LOAD_COLUMNS if name in loads.columns]
    arrays = {name: loads[name].to_numpy().reshape(len(buildings), HOURS) for name in names}
    size = partition_buildings or PARTITION_BUILDINGS
    in_order = bool((np.diff(place) == 1).all())
    parts: list[pd.DataFrame] = []
    for start in range(0, len(place), size):
        rows = slice(start, start + size) if in_order else place[start : start + size]
        data = {name: values[rows].reshape(-1) for name, values in arrays.items()}
        part_index = pd.Index(np.repeat(buildings[rows], HOURS), name="bldg_id")
        parts.append(pd.DataFrame(data, index=part_index, copy=False))
    divisions = (*(int(part.index[0]) for part in parts), int(parts[-1].index[-1]))
    from dask.delayed import delayed

    held = client.scatter(parts, hash=False) if client else [delayed(p, pure=False) for p in parts]
    frame: dd.DataFrame = dd.from_delayed(
        held, meta=parts[0].iloc[:0], divisions=divisions, verify_meta=False
    )
    return frame


def as_load_frame(
    loads: pd.DataFrame | dd.DataFrame | str | os.PathLike[str] | Mapping[int, str],
    *,
    options: LoadOptions | None = None,
    partition_buildings: int | None = None,
    client: Any | None = None,
) -> dd.DataFrame:
    """Whatever a caller has as loads, as a load frame: pandas, Dask, a folder or files."""
    if isinstance(loads, dd.DataFrame):
        if not loads.known_divisions:
            raise LoadError(
                "the Dask load frame has unknown divisions: set_index('bldg_id', sorted=True) first"
            )
        return loads
    if isinstance(loads, pd.DataFrame):
        return frame_from_pandas(loads, partition_buildings=partition_buildings, client=client)
    return read_load_frame(loads, options=options, partition_buildings=partition_buildings)
