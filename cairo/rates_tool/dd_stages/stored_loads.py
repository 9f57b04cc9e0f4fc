"""Loads in files: a file a home, or a packed stock. Each home goes through the same steps."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.tokenize import tokenize

from cairo.errors import CairoError, LoadError, listed_buildings
from cairo.files.load_file import (
    HourlyLoads,
    LoadFileReader,
    ReadCount,
    check_load_file,
    rolled,
)
from cairo.files.load_folder import load_files
from cairo.files.packed import PackedReader, is_packed, manifest, packed_buildings
from cairo.files.reading import folder_listing, is_url
from cairo.model import kernels
from cairo.model.arrays import Float1D
from cairo.model.calendar import hour_stamps, offset_days
from cairo.model.names import (
    ELECTRICITY,
    GENERATION,
    GROSS_LOAD,
    HOURS,
    HOURS_OF_DAY,
    KWH_TO_THERM,
    NET_LOAD,
)
from cairo.model.transforms import ELECTRIC
from cairo.rates_tool import hourly_frames
from cairo.rates_tool.dd_stages.load_source import Checked, LoadOptions, LoadSource
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
    GROSS_LOAD: ("total",),
    GENERATION: ("pv",),
    NET_LOAD: ("total", "pv"),
    "natural_gas": ("gas",),
}


@dataclass(frozen=True)
class StoredLoads(LoadSource):
    """Loads in files, in their weather year's order [kWh]."""

    options: LoadOptions

    @property
    @abstractmethod
    def bldg_ids(self) -> tuple[int, ...]:
        """Homes in the order they are read."""

    @abstractmethod
    def buildings(self, fields: Sequence[str]) -> Reading:
        """What is stored of each home in turn; `fields` are names of `load_file.FIELDS`."""

    @abstractmethod
    def part(self, bldg_ids: Sequence[int]) -> Self:
        """Some of the homes, which are known to be there."""

    @abstractmethod
    def partitions(self, size: int) -> Sequence[Self]:
        """Parts of about `size` whole homes, ids ascending."""

    @abstractmethod
    def place_of(self, bldg_id: int) -> str:
        """What tells a home's stored hours from all others."""

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

    @functools.cached_property
    def token(self) -> str:
        """What tells these loads from others, for Dask."""
        places = "\0".join(f"{bldg_id} {self.place_of(bldg_id)}" for bldg_id in self.bldg_ids)
        return tokenize(type(self).__qualname__, self.options.token, places)

    def __dask_tokenize__(self) -> str:
        # Dask asks several times, and would look at all numbers and paths one by one.
        return self.token

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
        index = pd.Index(np.repeat(ids, HOURS), name="bldg_id", copy=False)
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
        # Dask would look into each field of a job's arguments for parts of a graph.
        jobs = [
            dask.delayed(functools.partial(_home_frame, self.part([bldg_id]), columns))()
            for bldg_id in self.bldg_ids
        ]
        return hourly_frames.stacked(list(dask.compute(*jobs)))


def read_partition(part: StoredLoads, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One partition of the load frame; the name and the columns are what Dask projects."""
    return part.read(columns)


def _home_frame(home: StoredLoads, columns: Sequence[str]) -> pd.DataFrame:
    return hourly_frames.indexed(home.read(columns), home.bldg_ids[0])


class Counting(Protocol):
    """A reader that counts what it has read so far."""

    count: ReadCount


class Reading:
    """Homes' stored hours in turn; `count` is what was read of them so far.

    reader : counts as `homes` go by.
    """

    def __init__(self, reader: Counting, homes: Iterator[HourlyLoads]) -> None:
        self._reader = reader
        self._homes = homes

    def __iter__(self) -> Iterator[HourlyLoads]:
        return self._homes

    @property
    def count(self) -> ReadCount:
        """What was read."""
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

    @property
    def read_again(self) -> bool:
        """A folder on a disk is, files behind a URL or named alone are not."""
        return bool(self.folder) and not is_url(self.folder)

    def partitions(self, size: int) -> list[Self]:
        """Parts of `size` homes."""
        ids = sorted(self.files)
        return [self.part(ids[i : i + size]) for i in range(0, len(ids), size)]

    def buildings(self, fields: Sequence[str]) -> Reading:
        """Hours of each home's file."""
        reader = LoadFileReader(fields, self.options.storage_options)
        return Reading(reader, (reader.read(path, i) for i, path in self.files.items()))

    def place_of(self, bldg_id: int) -> str:
        """The home's file."""
        return self.files[bldg_id]

    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        """Read every file, on threads."""

        def one(item: tuple[int, str]) -> Checked:
            bldg_id, path = item
            try:
                check_load_file(path, bldg_id, self.options.storage_options, fields)
            except CairoError as error:
                return Checked((bldg_id,), path, error)
            return Checked((bldg_id,), path)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from pool.map(one, self.files.items())

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

    @property
    def read_again(self) -> bool:
        """It is on a disk."""
        return True

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

    def buildings(self, fields: Sequence[str]) -> Reading:
        """Hours of each home, block by block."""
        reader = PackedReader(self.folder, fields)
        return Reading(reader, (HourlyLoads(*one) for one in reader.read(self.homes)))

    def place_of(self, bldg_id: int) -> str:
        """The stock and the home."""
        return f"{self.folder}#{bldg_id}"

    def check(self, fields: Sequence[str]) -> Iterator[Checked]:
        """Read every block that holds some of the homes."""
        by_block: dict[int, list[int]] = {}
        place = manifest(self.folder).place
        for bldg_id in sorted(self.homes):
            by_block.setdefault(place[bldg_id][0], []).append(bldg_id)
        for block, homes in by_block.items():
            error = None
            try:
                PackedReader(self.folder, tuple(fields)).check(block)
            except CairoError as found:
                error = found
            yield Checked(tuple(homes), self.folder, error)

    def fingerprint(self) -> str:
        """A hash of the folder's file names and sizes."""
        return listing_digest(folder_listing(self.folder, None) or [])


def listing_digest(listing: Iterable[tuple[str, int]]) -> str:
    """A hash of file names and sizes."""
    lines = "".join(f"{name}\0{size}\n" for name, size in listing)
    return f"listing {hashlib.sha256(lines.encode('utf-8', 'surrogateescape')).hexdigest()}"


_scratch = threading.local()


def _fill(rows: Mapping[str, Float1D], loads: HourlyLoads, target_year: int) -> None:
    """Write one home's load columns into `rows`, in the target year's order."""
    shift = HOURS_OF_DAY * offset_days(loads.source_year, target_year)
    # One buffer a thread: a fresh array for each building costs more than the arithmetic.
    if not hasattr(_scratch, "hours"):
        _scratch.hours = np.empty(HOURS)
    buffer: Float1D = _scratch.hours
    values = loads.values
    for name, row in rows.items():
        if name == "natural_gas":
            energy = np.multiply(values["gas"], KWH_TO_THERM, out=buffer)
        elif name == GROSS_LOAD:
            energy = values["total"]
        elif name == GENERATION:
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
