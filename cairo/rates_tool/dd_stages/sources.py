"""Where hourly loads come from: a folder, a packed stock, a caller's frame; a class each.

What a source reads is a partition of the load frame (see `dd_stages.frame`), its homes whole and
its year known; what is stored is moved to the target year and goes through the options' chain of
transforms. A further load format is a class here, and its place in `SOURCES`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd

from cairo.errors import CairoError, LoadError, listed_buildings
from cairo.files.load_file import (
    FIELDS,
    HourlyLoads,
    LoadFileReader,
    ReadCount,
    buildings_of,
    check_load_file,
    load_files,
    rolled,
)
from cairo.files.packed import PackedReader, is_packed, manifest, packed_buildings
from cairo.files.reading import folder_listing
from cairo.model import kernels
from cairo.model.arrays import Float1D, Int1D
from cairo.model.calendar import hour_stamps, offset_days
from cairo.model.names import ELECTRICITY, HOURS, KWH_TO_THERM, NET_LOAD
from cairo.model.transforms import ELECTRIC, Floor, Scale, Transform
from cairo.rates_tool import hourly_frames
from cairo.rates_tool.dd_stages.partition import (
    COLUMNS,
    LOAD_COLUMNS,
    YEARS,
    check_distinct,
    check_one_year,
    mark_read,
)
from cairo.workers.sizing import PARTITION_BUILDINGS

if TYPE_CHECKING:
    from distributed import Client

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
    timezone : of the stamps; None leaves them naive.
    storage_options : fsspec options of URLs.
    transforms : further changes to the hours, after the scale and before the floor.
    """

    target_year: int | None = None
    kwh_scale: float = 1.0
    floor_net: bool = False
    timezone: str | None = "EST"
    storage_options: Mapping[str, object] = field(default_factory=dict)
    transforms: tuple[Transform, ...] = ()

    @property
    def chain(self) -> tuple[Transform, ...]:
        """Every change to the hours, in order."""
        scale = (Scale(self.kwh_scale),) if self.kwh_scale != 1.0 else ()
        floor = (Floor(),) if self.floor_net else ()
        return (*scale, *self.transforms, *floor)


class LoadSource(ABC):
    """Hourly loads of some homes, behind one interface whatever they are kept in."""

    @classmethod
    @abstractmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """The source of what a caller gives as loads; None when that is of another kind."""

    @property
    @abstractmethod
    def bldg_ids(self) -> tuple[int, ...] | None:
        """Homes in the order they are read; None where only reading tells."""

    @property
    @abstractmethod
    def year(self) -> int | None:
        """Calendar year of the hours; None where only reading tells."""

    @abstractmethod
    def take(self, bldg_ids: Sequence[int]) -> LoadSource:
        """Some homes, in this order.

        Raises
        ------
        LoadError
            Listing every home that is not there, or is asked for twice.
        """

    @abstractmethod
    def partitions(self, size: int) -> Sequence[LoadSource]:
        """Parts of about `size` whole homes, ids ascending."""

    @abstractmethod
    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A partition of the load frame with these homes; all columns by default."""

    @abstractmethod
    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The load frame, `size` homes a partition; nothing stored is read until computed."""

    @abstractmethod
    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """CAIRO's frame, index (`bldg_id`, `time`), of a key of `load_types_map`."""

    @abstractmethod
    def as_gas(self) -> LoadSource:
        """The same with gas under the load frame's name for it."""

    @abstractmethod
    def check(self) -> Iterator[tuple[int, CairoError | None]]:
        """Read everything the model may need: (homes read, what is unsound of them) as it goes."""

    @abstractmethod
    def fingerprint(self) -> str:
        """What tells these loads from others."""


# Stored loads


@dataclass(frozen=True)
class StoredLoads(LoadSource):
    """Loads in files, in their weather year's order [kWh]."""

    options: LoadOptions

    @property
    @abstractmethod
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the order they are read."""

    @abstractmethod
    def buildings(self, fields: Sequence[str]) -> _Reading:
        """What is stored of each home in turn; `fields` are names of `load_file.FIELDS`."""

    @abstractmethod
    def part(self, bldg_ids: Sequence[int]) -> Self:
        """Some of the homes, which are known to be there."""

    @abstractmethod
    def partitions(self, size: int) -> Sequence[Self]:
        """Parts of about `size` whole homes, ids ascending."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the files are, in words."""

    def take(self, bldg_ids: Sequence[int]) -> Self:
        """Some homes, in this order."""
        ids = [int(bldg_id) for bldg_id in bldg_ids]
        check_distinct(np.sort(np.asarray(ids, dtype=np.int64)))
        there = set(self.bldg_ids)
        missing = sorted(bldg_id for bldg_id in ids if bldg_id not in there)
        if missing:
            raise LoadError(
                f"no load file in {self.place} for {len(missing)} buildings: "
                f"{listed_buildings(missing)}"
            )
        if not ids:
            raise LoadError("no buildings to read loads of")
        return self.part(ids)

    @property
    def year(self) -> int | None:
        """The target year; None where the files' own is kept, which reading tells."""
        return self.options.target_year

    def as_gas(self) -> LoadSource:
        """These loads: gas has its name already."""
        return self

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A partition of the load frame: only the fields its columns need are decoded."""
        columns = list(COLUMNS if columns is None else columns)
        wanted = [name for name in LOAD_COLUMNS if name in columns]
        fields = sorted({item for name in wanted for item in _FIELDS_OF[name]} or {"total"})
        ids = np.asarray(self.bldg_ids, np.int64)
        hourly = {name: np.empty((len(ids), HOURS)) for name in wanted}
        years: dict[int, int] = {}
        chain = self.options.chain
        reading = self.buildings(fields)
        for row, loads in enumerate(reading):
            home = slice(row, row + 1)
            target = self.options.target_year or loads.source_year
            years.setdefault(target, int(ids[row]))
            _fill({name: hourly[name][row] for name in wanted}, loads, target)
            for transform in chain:
                transform.apply({name: hourly[name][home] for name in wanted}, ids[home])
        check_one_year(years)
        data: dict[str, Any] = {name: values.reshape(-1) for name, values in hourly.items()}
        if "time" in columns:
            stamps = hour_stamps(min(years), self.options.timezone)
            data["time"] = stamps.take(np.tile(np.arange(HOURS), len(ids)))
        index = pd.Index(np.repeat(ids, HOURS), name="bldg_id")
        frame = pd.DataFrame(data, index=index, columns=columns, copy=False)
        mark_read(frame, reading.count)
        frame.attrs[YEARS] = years
        return frame

    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The load frame; each task reads its own homes' files."""
        parts = self.partitions(size or PARTITION_BUILDINGS)
        divisions = (*(part.bldg_ids[0] for part in parts), parts[-1].bldg_ids[-1])
        # There is no text in a load frame: Dask need not look for it in every partition.
        with dask.config.set({"dataframe.convert-string": False}):
            frame: dd.DataFrame = dd.from_map(
                read_partition,
                parts,
                meta=self._meta(),
                divisions=divisions,
                enforce_metadata=False,
                label="read-loads",
            )
        return frame

    def _meta(self) -> pd.DataFrame:
        stamps = hour_stamps(self.options.target_year or 2018, self.options.timezone)[:0]
        data: dict[str, Any] = {"time": stamps}
        data |= {name: np.empty(0) for name in LOAD_COLUMNS}
        return pd.DataFrame(data, index=pd.Index(np.empty(0, np.int64), name="bldg_id"))

    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """CAIRO's frame, home by home under `dask.delayed`."""
        columns = ("time", *(ELECTRIC if fuel == ELECTRICITY else ("natural_gas",)))
        worker = dask.delayed(_home_frame)
        jobs = [worker(self.part([bldg_id]), columns) for bldg_id in self.bldg_ids]
        return hourly_frames.stacked(list(dask.compute(*jobs)))


def read_partition(part: StoredLoads, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One partition of the load frame; the name and the columns are what Dask projects."""
    return part.read(columns)


def _home_frame(home: StoredLoads, columns: Sequence[str]) -> pd.DataFrame:
    return hourly_frames.indexed(home.read(columns), home.bldg_ids[0])


class _Reading:
    """Homes' stored hours in turn; `count` is what was read of them so far."""

    def __init__(self, reader: LoadFileReader | PackedReader, homes: Iterator[HourlyLoads]) -> None:
        self._reader = reader
        self._homes = homes

    def __iter__(self) -> Iterator[HourlyLoads]:
        return self._homes

    @property
    def count(self) -> ReadCount:
        return self._reader.count


@dataclass(frozen=True)
class FolderLoads(StoredLoads):
    """A file a home.

    files : {bldg_id: path or fsspec URL}; folder : where they are, empty for files named alone.
    """

    files: Mapping[int, str]
    folder: str = ""

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of a folder, an fsspec URL or {bldg_id: path}."""
        if isinstance(given, Mapping):
            return cls(options, {int(bldg_id): str(path) for bldg_id, path in given.items()})
        if isinstance(given, str | os.PathLike):
            folder = os.fspath(given)
            return cls(options, load_files(folder, options.storage_options), folder)
        return None

    @property
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the order they are read."""
        return tuple(self.files)

    @property
    def place(self) -> str:
        """The folder."""
        return self.folder or "the files given"

    def part(self, bldg_ids: Sequence[int]) -> Self:
        """Some of the homes."""
        return replace(self, files={bldg_id: self.files[bldg_id] for bldg_id in bldg_ids})

    def partitions(self, size: int) -> list[Self]:
        """Parts of `size` homes."""
        ids = sorted(self.files)
        return [self.part(ids[i : i + size]) for i in range(0, len(ids), size)]

    def buildings(self, fields: Sequence[str]) -> _Reading:
        """Hours of each home's file."""
        reader = LoadFileReader(fields, self.options.storage_options)
        return _Reading(reader, (reader.read(path, i) for i, path in self.files.items()))

    def check(self) -> Iterator[tuple[int, CairoError | None]]:
        """Read every file, on threads."""

        def one(item: tuple[int, str]) -> CairoError | None:
            try:
                check_load_file(item[1], item[0], self.options.storage_options)
            except CairoError as error:
                return error
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from ((1, error) for error in pool.map(one, self.files.items()))

    def fingerprint(self) -> str:
        """A hash of the folder's file names and sizes; of the names of files given alone."""
        listing = folder_listing(self.folder, self.options.storage_options) if self.folder else None
        return listing_digest(listing or [(path, 0) for path in sorted(self.files.values())])


@dataclass(frozen=True)
class PackedLoads(StoredLoads):
    """Homes of a packed stock."""

    folder: str
    homes: tuple[int, ...]

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of the folder of a packed stock."""
        if not isinstance(given, str | os.PathLike) or not is_packed(os.fspath(given)):
            return None
        folder = os.fspath(given)
        return cls(options, folder, tuple(packed_buildings(folder)))

    @property
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the order they are read."""
        return self.homes

    @property
    def place(self) -> str:
        """The folder."""
        return self.folder

    def part(self, bldg_ids: Sequence[int]) -> Self:
        """Some of the homes."""
        return replace(self, homes=tuple(bldg_ids))

    def partitions(self, size: int) -> list[Self]:
        """Parts of about `size` homes: whole blocks of the stock, so that none is read twice."""
        ids = np.sort(np.asarray(self.homes, np.int64))
        place = manifest(self.folder).place
        block = np.array([place[bldg_id][0] for bldg_id in ids.tolist()])
        largest = int(np.bincount(block).max(initial=0))
        if not 0 < largest <= size:
            parts = [ids[i : i + size] for i in range(0, len(ids), size)]
        else:
            cuts = np.flatnonzero(np.diff(block // round(size / largest))) + 1
            parts = list(np.split(ids, cuts))
        return [self.part(part.tolist()) for part in parts]

    def buildings(self, fields: Sequence[str]) -> _Reading:
        """Hours of each home, block by block."""
        reader = PackedReader(self.folder, fields)
        return _Reading(reader, (HourlyLoads(*one) for one in reader.read(self.homes)))

    def check(self) -> Iterator[tuple[int, CairoError | None]]:
        """Read every block that holds some of the homes."""
        by_block: dict[int, list[int]] = {}
        place = manifest(self.folder).place
        for bldg_id in sorted(self.homes):
            by_block.setdefault(place[bldg_id][0], []).append(bldg_id)
        for homes in by_block.values():
            error = None
            try:
                for _ in PackedReader(self.folder, tuple(FIELDS)).read(homes):
                    pass
            except CairoError as found:
                error = found
            yield len(homes), error

    def fingerprint(self) -> str:
        """A hash of the folder's file names and sizes."""
        return listing_digest(folder_listing(self.folder, None) or [])


def listing_digest(listing: Iterable[tuple[str, int]]) -> str:
    """A hash of file names and sizes."""
    lines = "".join(f"{name}\0{size}\n" for name, size in listing)
    return f"listing {hashlib.sha256(lines.encode()).hexdigest()}"


_scratch = threading.local()


def _fill(rows: Mapping[str, Float1D], loads: HourlyLoads, target_year: int) -> None:
    """Write one home's load columns into `rows`, in the target year's order."""
    shift = 24 * offset_days(loads.source_year, target_year)
    # One buffer a thread: a fresh array for each building costs more than the arithmetic.
    if not hasattr(_scratch, "hours"):
        _scratch.hours = np.empty(HOURS)
    buffer: Float1D = _scratch.hours
    values = loads.values
    for name, row in rows.items():
        if name == "natural_gas":
            energy = np.multiply(values["gas"], KWH_TO_THERM, out=buffer)
        elif name == "load_data":
            energy = values["total"]
        elif name == "pv_generation":
            energy = values["pv"]
        else:
            energy = kernels.net_load(values["total"], values["pv"], out=buffer)
        rolled(energy, shift, row)


def model_columns(
    loads: HourlyLoads, columns: Sequence[str], target_year: int | None
) -> dict[str, Float1D]:
    """Load columns of one building's stored hours, in the target year's order."""
    hourly = {name: np.empty(HOURS) for name in columns}
    _fill(hourly, loads, target_year or loads.source_year)
    return hourly


# A caller's frames


@dataclass(frozen=True, eq=False)
class PandasLoads(LoadSource):
    """A pandas load frame with index (`bldg_id`, `time`), as `_return_load` gives.

    Its hours are the caller's own and are not transformed.
    """

    frame: pd.DataFrame

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of a pandas frame."""
        return cls(given) if isinstance(given, pd.DataFrame) else None

    @property
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the frame's order."""
        return tuple(self._homes().tolist())

    @property
    def year(self) -> int:
        """Calendar year of the first hour."""
        return int(self.frame.index.get_level_values("time")[0].year)

    def _homes(self) -> Int1D:
        """bldg_ids (n,) of a frame that holds whole homes."""
        index = self.frame.index
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
        check_distinct(np.sort(buildings))
        return buildings

    def take(self, bldg_ids: Sequence[int]) -> Self:
        """Some homes, in this order."""
        rows = hourly_frames.rows_of(self.frame, bldg_ids)
        return replace(self, frame=hourly_frames.stacked([self.frame.iloc[one] for one in rows]))

    def partitions(self, size: int) -> list[Self]:
        """Parts of `size` homes."""
        ids = sorted(self.bldg_ids)
        return [self.take(ids[i : i + size]) for i in range(0, len(ids), size)]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The frame's rows as a partition."""
        names = [name for name in LOAD_COLUMNS if name in self.frame]
        data = self.frame[list(columns or names)]
        return data.set_axis(pd.Index(np.repeat(self._homes(), HOURS), name="bldg_id"), axis=0)

    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The frame in partitions.

        They are views of its rows when its homes ascend; otherwise each gathers its own homes'
        rows. With `client` they are handed to that cluster's workers; on an in-process cluster
        nothing is copied.
        """
        homes = self._homes()
        place = np.argsort(homes, kind="stable")
        names = [name for name in LOAD_COLUMNS if name in self.frame.columns]
        arrays = {name: self.frame[name].to_numpy().reshape(len(homes), HOURS) for name in names}
        size = size or PARTITION_BUILDINGS
        in_order = bool((np.diff(place) == 1).all())
        parts: list[pd.DataFrame] = []
        for start in range(0, len(place), size):
            rows = slice(start, start + size) if in_order else place[start : start + size]
            data = {name: values[rows].reshape(-1) for name, values in arrays.items()}
            index = pd.Index(np.repeat(homes[rows], HOURS), name="bldg_id")
            parts.append(pd.DataFrame(data, index=index, copy=False))
        divisions = (*(int(part.index[0]) for part in parts), int(parts[-1].index[-1]))
        from dask.delayed import delayed

        held = (
            client.scatter(parts, hash=False) if client else [delayed(p, pure=False) for p in parts]
        )
        frame: dd.DataFrame = dd.from_delayed(
            held, meta=parts[0].iloc[:0], divisions=divisions, verify_meta=False
        )
        return frame

    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """The caller's frame itself."""
        return self.frame

    def as_gas(self) -> LoadSource:
        """The same with therms in `natural_gas`, where they are `load_data`."""
        return PandasLoads(_therms(self.frame))

    def check(self) -> Iterator[tuple[int, CairoError | None]]:
        """Whether homes are whole."""
        try:
            yield len(self._homes()), None
        except LoadError as error:
            yield 0, error

    def fingerprint(self) -> str:
        """A hash of the homes and of the energies of each."""
        homes = self._homes()
        known = hashlib.sha256(np.ascontiguousarray(homes).data)
        for name in self.frame:
            hours = self.frame[name].to_numpy(np.float64).reshape(len(homes), HOURS)
            known.update(str(name).encode())
            known.update(np.ascontiguousarray(kernels.annual_energy(hours)).data)
        return known.hexdigest()


@dataclass(frozen=True, eq=False)
class DaskLoads(LoadSource):
    """A Dask load frame, partitioned by `bldg_id` with known divisions.

    Its hours are the caller's own and are not transformed.
    """

    frame: dd.DataFrame

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | None:
        """Loads of a Dask frame."""
        if not isinstance(given, dd.DataFrame):
            return None
        if not given.known_divisions:
            raise LoadError(
                "the Dask load frame has unknown divisions: set_index('bldg_id', sorted=True) first"
            )
        return cls(given)

    @property
    def bldg_ids(self) -> None:
        """Known once it is read."""
        return None

    @property
    def year(self) -> None:
        """Known once it is read."""
        return None

    def take(self, bldg_ids: Sequence[int]) -> Self:
        """Some homes; those that are not there are found missing when it is read."""
        ids = np.asarray(bldg_ids, np.int64)
        mine = self.frame.map_partitions(
            _of_homes, ids, meta=self.frame._meta, enforce_metadata=False
        )
        return replace(self, frame=mine)

    def partitions(self, size: int) -> list[Self]:
        """The frame's own partitions."""
        return [replace(self, frame=one) for one in self.frame.partitions]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Everything, computed."""
        frame = self.frame if columns is None else self.frame[list(columns)]
        computed: pd.DataFrame = frame.compute()
        return computed

    def load_frame(self, size: int | None = None, client: Client | None = None) -> dd.DataFrame:
        """The frame itself."""
        return self.frame

    def hourly_frame(self, fuel: str) -> pd.DataFrame:
        """Refused: its hours stay on the workers.

        Raises
        ------
        LoadError
            Always.
        """
        raise LoadError(
            "loads were given as a Dask frame, whose hours stay on the workers: expected a pandas "
            "load frame, such as _return_load gives, or the backend dask_dataframe"
        )

    def as_gas(self) -> LoadSource:
        """The same with therms in `natural_gas`, where they are `load_data`."""
        return DaskLoads(_therms(self.frame))

    def check(self) -> Iterator[tuple[int, CairoError | None]]:
        """Nothing before it is read."""
        yield from ()

    def fingerprint(self) -> str:
        """Of the graph that makes the frame."""
        return f"dask {self.frame._name}"


def _of_homes(partition: pd.DataFrame, bldg_ids: Int1D) -> pd.DataFrame:
    return partition[partition.index.isin(bldg_ids)]


def _therms(gas: Any) -> Any:
    """A gas load frame, pandas or Dask, whose therms are in `natural_gas`."""
    if "natural_gas" in gas.columns:
        return gas
    return gas[["load_data"]].rename(columns={"load_data": "natural_gas"})


SOURCES: tuple[type[LoadSource], ...] = (PandasLoads, DaskLoads, PackedLoads, FolderLoads)
"""Kinds of loads; the first that knows what it is given takes it."""


def load_source(given: object, options: LoadOptions | None = None) -> LoadSource:
    """The loads a caller gives: a folder, URL, packed stock, {bldg_id: path}, or a frame.

    Raises
    ------
    LoadError
        It is none of these, or holds no loads.
    """
    if isinstance(given, LoadSource):
        return given
    for kind in SOURCES:
        source = kind.opened(given, options or LoadOptions())
        if source is not None:
            return source
    raise LoadError(
        f"loads were given as {type(given).__name__}: expected a folder, a packed stock, "
        "{bldg_id: file}, or a pandas or Dask load frame"
    )
