"""One building's load file: the only place that opens one.

A file holds one building's year in ResStock layout: 8760 hourly rows, or 35,040 rows of 15
minutes, with naive local-standard stamps. The four 15-minute energies of an hour are added,
whether stamps mark the beginning (first 00:00) or the end (first 00:15) of their interval.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.errors import LoadError, listed
from cairo.files.load_checks import check_signs, check_size, check_stamps, checked_energies
from cairo.files.numbers import written_number
from cairo.files.reading import A_FOLDER, NO_FILE, absent, holds_bytes, is_url, size_of_file
from cairo.files.recorded_options import STORAGE, told
from cairo.model.arrays import Float1D, Int1D
from cairo.model.names import GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN, UNIT_SUFFIXES

try:
    from pyarrow._parquet import ParquetReader
except ImportError:  # pragma: no cover - every pyarrow so far has it
    ParquetReader = None


FIELDS = {"total": TOTAL_COLUMN, "pv": PV_COLUMN, "gas": GAS_COLUMN}
"""What the model reads of a load file, all in kWh, and the column each comes from."""
NAMES: dict[str, tuple[str, ...]] = {
    "timestamp": ("timestamp",),
    "bldg_id": ("bldg_id",),
    **{field: tuple(name + unit for unit in UNIT_SUFFIXES) for field, name in FIELDS.items()},
}
"""Columns that may be meant by a field, the first in the model's own spelling."""

KINDS_KEPT = 3
"""Kinds of stored stamps remembered besides the last one, as stocks mix few."""
READ_AHEAD = 2**18
"""Bytes fetched beyond those asked for of a remote file: a file of few columns comes whole in one
request more than its footer, of a public release's 20 MB only what is near the columns read.
Object stores' default of 50 MB fetches all of it."""


@dataclass(frozen=True)
class ReadCount:
    """Files opened, and stored bytes of the columns read from them."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: ReadCount) -> ReadCount:
        return ReadCount(self.files + other.files, self.bytes + other.bytes)


NOTHING_READ = ReadCount()


@dataclass(frozen=True)
class HourlyLoads:
    """One building's hours in its weather year's order [kWh]; fields as asked for."""

    values: dict[str, Float1D]
    source_year: int


@contextmanager
def reading(
    path: str, what: str = "load file", storage_options: Mapping[str, object] | None = None
) -> Iterator[None]:
    """Turn whatever a missing, unreadable or broken file raises into one `LoadError`."""
    try:
        yield
    except LoadError:
        raise
    except FileNotFoundError:
        raise LoadError(f"{what} {path} {absent(path)}") from None
    except PermissionError as error:
        said = told(error, storage_options, STORAGE, 300)
        raise LoadError(f"{what} {path} cannot be read: access denied ({said})") from None
    except Exception as error:  # object stores and parquet decoders raise their own many classes
        said = told(error, storage_options, STORAGE, 300)
        raise LoadError(f"{what} {path} cannot be read: {type(error).__name__}: {said}") from None


@dataclass(frozen=True)
class _Layout:
    """Where a schema has what is read of a file.

    columns : {field: its column}; twins : {field: others that hold it too}.
    """

    schema: pq.ParquetSchema
    columns: dict[str, int]
    twins: dict[str, list[int]]

    @functools.cached_property
    def places(self) -> list[int]:
        """All columns that are read."""
        return [*self.columns.values(), *(one for two in self.twins.values() for one in two)]

    @functools.cached_property
    def texts(self) -> list[int]:
        """Those of them that hold bytes."""
        return [place for place in self.places if holds_bytes(self.schema.column(place))]

    @functools.cached_property
    def stamp_kind(self) -> tuple[object, ...]:
        """How times are stored."""
        stored = self.schema.column(self.columns["timestamp"])
        return stored.physical_type, str(stored.logical_type), stored.max_definition_level


class LoadFileReader:
    """Reads load files that share a layout, remembering what it learned from the last one.

    Two things make files after the first cheaper: columns of a file with the same schema are where
    they were, and stamps whose stored bytes equal ones already checked are not decoded again.
    What is checked of a file does not depend on the files before it.

    Parameters
    ----------
    fields : names of `FIELDS` to read.
    storage_options : fsspec options for paths that are URLs.

    Attributes
    ----------
    count : what was read so far.
    """

    def __init__(
        self, fields: Iterable[str], storage_options: Mapping[str, object] | None = None
    ) -> None:
        self.fields = tuple(fields)
        self.storage_options = dict(storage_options or {})
        self.count = ReadCount()
        self._layout: _Layout | None = None
        self._checked_stamps: list[tuple[tuple[object, ...], pa.Buffer, tuple[int, int]]] = []

    def read(self, path: str, bldg_id: int) -> HourlyLoads:
        """Hours of one building.

        Raises
        ------
        LoadError
            Naming the file: missing, unreadable, without a column, rows other than a year of
            hours or quarter hours, stamps with gaps or repeats or out of order, missing or
            infinite energies, or another building inside.
        """
        with reading(path, storage_options=self.storage_options), self._opened(path) as source:
            parquet = _open(source, path)
            layout = self._layout_of(parquet, path)
            columns = layout.columns
            check_size(parquet.metadata, layout.places, layout.texts, path)
            _check_building(parquet, columns.get("bldg_id"), bldg_id, path)
            year, per_hour = self._stamps(parquet, source, layout, path)
            values = {
                field: _energies(parquet, columns[field], per_hour, path, FIELDS[field])
                for field in self.fields
            }
            check_signs(values, path)
            _check_twins(parquet, layout, path, per_hour, values)
            self.count += ReadCount(1, stored_bytes(parquet.metadata, columns.values()))
        return HourlyLoads(values, year)

    @contextmanager
    def _opened(self, path: str) -> Iterator[pa.NativeFile]:
        # Not a memory map: a file cut short while mapped would kill the process.
        if not is_url(path):
            try:
                size_of_file(path)
            except OSError as error:
                if error.strerror not in (NO_FILE, A_FOLDER):
                    raise
                raise LoadError(f"load file {path} cannot be read: {error.strerror}") from None
            with pa.OSFile(path) as source:
                yield source
        else:
            import fsspec

            filesystem, place = fsspec.core.url_to_fs(path, **self.storage_options)
            # Servers that cannot send part of a file need fsspec's own, larger blocks.
            block = None if path.startswith("http") else READ_AHEAD
            with filesystem.open(place, "rb", block_size=block) as file:
                yield pa.PythonFile(file, mode="r")

    def _layout_of(self, parquet: _ColumnReader, path: str) -> _Layout:
        schema = parquet.metadata.schema
        if self._layout is not None and schema.equals(self._layout.schema):
            return self._layout
        names = [schema.column(i).path for i in range(len(schema))]
        columns: dict[str, int] = {}
        twins: dict[str, list[int]] = {}
        for field in ("timestamp", *self.fields, "bldg_id"):
            wanted = NAMES[field]
            there = [(wanted.index(name), i) for i, name in enumerate(names) if name in wanted]
            places = [i for _, i in sorted(there)]
            if places:
                columns[field], *twins[field] = places
            elif field != "bldg_id":
                nested = any(name.startswith(f"{one}.list.") for one in wanted for name in names)
                problem = "lists in" if nested else "no"
                raise LoadError(f"load file {path} has {problem} column {wanted[0]}")
        self._layout = _Layout(schema, columns, twins)
        return self._layout

    def _stamps(
        self, parquet: _ColumnReader, source: pa.NativeFile, layout: _Layout, path: str
    ) -> tuple[int, int]:
        """(weather year, rows an hour) of a file, its stamps checked."""
        metadata, column = parquet.metadata, layout.columns["timestamp"]
        if metadata.num_row_groups != 1 or is_url(path):
            return check_stamps(_stamp_values(parquet, column, path), path)
        chunk = metadata.row_group(0).column(column)
        start = chunk.data_page_offset
        if chunk.has_dictionary_page:
            start = min(start, chunk.dictionary_page_offset)
        source.seek(start)
        stored = source.read_buffer(chunk.total_compressed_size)
        kind = (metadata.num_rows, chunk.compression, *layout.stamp_kind)
        for known_kind, known, checked in self._checked_stamps:
            if known_kind == kind and known.equals(stored):
                return checked
        checked = check_stamps(_stamp_values(parquet, column, path), path)
        self._checked_stamps = [(kind, stored, checked), *self._checked_stamps[:KINDS_KEPT]]
        return checked


class _ColumnReader(Protocol):
    """What is used of pyarrow's reader of columns by position."""

    metadata: pq.FileMetaData

    def read_column(self, place: int) -> pa.ChunkedArray:
        """A column of the whole file."""


def _open(source: pa.NativeFile, path: str) -> _ColumnReader:
    """A reader of columns by position, which `pyarrow.parquet.ParquetFile` holds inside.

    `ParquetFile` also lists all nested columns of every file, a third of the time that opening
    one takes; where pyarrow has the reader elsewhere, that is what is paid.
    """
    if ParquetReader is None:
        whole: _ColumnReader = pq.ParquetFile(source, pre_buffer=is_url(path)).reader
        return whole
    reader = ParquetReader()
    reader.open(source, pre_buffer=is_url(path))
    opened: _ColumnReader = reader
    return opened


def stored_bytes(
    metadata: pq.FileMetaData, columns: Iterable[int], groups: Iterable[int] = ()
) -> int:
    """Bytes that columns take in a parquet file, or in some of its row groups."""
    chosen = list(columns)
    total = 0
    for group in groups or range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        total += sum(row_group.column(column).total_compressed_size for column in chosen)
    return total


def _column(parquet: _ColumnReader, column: int) -> pa.ChunkedArray:
    return parquet.read_column(column)


def _stamp_values(parquet: _ColumnReader, column: int, path: str) -> np.ndarray:
    values = _column(parquet, column)
    if not pa.types.is_timestamp(values.type):
        raise LoadError(f"load file {path} has a timestamp column of {values.type}, not of times")
    if values.type.tz is not None:
        raise LoadError(
            f"load file {path} has stamps in time zone {values.type.tz}, "
            "expected local standard time without a zone"
        )
    if values.null_count:
        raise LoadError(f"load file {path} has {values.null_count} rows without a timestamp")
    stamps: np.ndarray = values.to_numpy()
    return stamps


def _check_building(parquet: _ColumnReader, column: int | None, bldg_id: int, path: str) -> None:
    """The file's own bldg_id column, when it has one, must hold this building alone."""
    if column is None:
        return
    metadata = parquet.metadata
    groups = [metadata.row_group(i).column(column) for i in range(metadata.num_row_groups)]
    statistics = [group.statistics for group in groups]
    if all(s is not None and s.has_min_max and s.null_count == 0 for s in statistics):
        given = {value for s in statistics for value in (s.min, s.max)}
    else:
        given = set(_column(parquet, column).unique().to_pylist())
    inside = {_building(value, path) for value in given}
    if len(inside) > 1:
        raise LoadError(
            f"load file {path} holds several buildings ({listed(sorted(inside))}), "
            "expected one building a file"
        )
    if inside and inside != {bldg_id}:
        raise LoadError(f"load file {path} holds building {inside.pop()}, its name says {bldg_id}")


def _building(value: object, path: str) -> int:
    """A bldg_id, of whatever type the file has it in."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = written_number(value)
    if number is None or number % 1 != 0:
        raise LoadError(f"load file {path} has bldg_id {value!r}, expected a whole number")
    return int(number)


def _check_twins(
    parquet: _ColumnReader,
    layout: _Layout,
    path: str,
    per_hour: int,
    values: Mapping[str, Float1D],
) -> None:
    """Columns that a field could be read from as well must hold the same."""
    for field, places in layout.twins.items():
        for place in places:
            used, other = (layout.schema.column(i).path for i in (layout.columns[field], place))
            if field in values:
                energies = _energies(parquet, place, per_hour, path, other)
                same = np.array_equal(values[field], energies)
            else:
                same = _column(parquet, place).equals(_column(parquet, layout.columns[field]))
            if not same:
                raise LoadError(
                    f"load file {path} has columns {used} and {other}, which differ: "
                    "expected one of them"
                )


def _energies(parquet: _ColumnReader, column: int, per_hour: int, path: str, name: str) -> Float1D:
    stored = _column(parquet, column)
    if not (pa.types.is_floating(stored.type) or pa.types.is_integer(stored.type)):
        if not pa.types.is_decimal(stored.type):
            text = pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type)
            kind = "text" if text else stored.type
            raise LoadError(f"load file {path} column {name} is {kind}, expected numbers")
        # By way of text: Arrow's own cast is not always to the nearest number.
        stored = stored.cast(pa.string()).cast(pa.float64())
    return checked_energies(stored.to_numpy().astype(np.float64, copy=False), per_hour, path, name)


def check_load_file(
    path: str,
    bldg_id: int,
    storage_options: Mapping[str, object] | None = None,
    fields: Iterable[str] = tuple(FIELDS),
) -> None:
    """Read the columns of some fields of one file; raise `LoadError` if any is unsound."""
    LoadFileReader(fields, storage_options).read(path, bldg_id)


def rolled(values: Float1D, hours: int, out: Float1D) -> None:
    """Write `values` into `out` with the first `hours` moved to the end."""
    cut = len(values) - hours
    out[:cut] = values[hours:]
    out[cut:] = values[:hours]


def buildings_of(index: Int1D) -> Int1D:
    """bldg_ids of consecutive whole buildings from a row-wise index of (n x 8760)."""
    return index[::HOURS]
