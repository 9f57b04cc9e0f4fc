"""The packed stock: a whole stock's loads in a few parquet files, blocks of buildings in each.

`pack.json` is written last, so a folder that has it is complete. Each row group holds whole
buildings, 8760 rows each in the weather year's order; values are the load files' own, to
the bit. Any parquet reader can open the files; this one reads only the row groups it needs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.errors import LoadError
from cairo.files.load_file import (
    FIELDS,
    ReadCount,
    check_generation,
    checked_energies,
    reading,
    stored_bytes,
)
from cairo.files.reading import is_url
from cairo.model.arrays import Float1D
from cairo.model.names import HOURS

MANIFEST = "_cairo_pack.json"
FORMAT = 1


@dataclass(frozen=True)
class PackedBlock:
    """Where a block of buildings is: file, row group, its buildings in order."""

    file: str
    row_group: int
    bldg_ids: tuple[int, ...]


@dataclass(frozen=True)
class PackedStock:
    """The manifest of a packed stock."""

    folder: str
    source_year: int
    blocks: tuple[PackedBlock, ...]

    @functools.cached_property
    def place(self) -> dict[int, tuple[int, int]]:
        """{bldg_id: (block, row)}."""
        return {
            bldg_id: (number, row)
            for number, block in enumerate(self.blocks)
            for row, bldg_id in enumerate(block.bldg_ids)
        }


def is_packed(folder: str) -> bool:
    """Whether a local folder is a complete packed stock."""
    try:
        return not is_url(folder) and (Path(folder) / MANIFEST).is_file()
    except OSError:  # no such name can be, or nobody may look
        return False


def read_manifest(folder: str) -> PackedStock:
    """The manifest of a packed stock.

    Raises
    ------
    LoadError
        It is missing, broken or of another format.
    """
    path = Path(folder) / MANIFEST
    with reading(str(path), "packed stock's manifest"):
        stored = json.loads(path.read_text())
        if stored.get("format") != FORMAT:
            raise LoadError(
                f"packed stock {folder} has format {stored.get('format')}, expected {FORMAT}: "
                "pack it again"
            )
        blocks = tuple(
            PackedBlock(str(part["file"]), group, tuple(map(int, ids)))
            for part in stored["files"]
            for group, ids in enumerate(part["row_groups"])
        )
        return PackedStock(str(folder), int(stored["source_year"]), blocks)


@functools.lru_cache(maxsize=4)
def _manifest_of(folder: str, modified: int) -> PackedStock:  # noqa: ARG001 - part of the key
    return read_manifest(folder)


def manifest(folder: str) -> PackedStock:
    """`read_manifest`, remembered while the file does not change."""
    with reading(str(folder), "packed stock"):
        modified = (Path(folder) / MANIFEST).stat().st_mtime_ns
    return _manifest_of(folder, modified)


def packed_buildings(folder: str) -> list[int]:
    """bldg_ids of a packed stock, ascending."""
    return sorted(manifest(folder).place)


class PackedReader:
    """Reads buildings of a packed stock, block by block.

    Parameters
    ----------
    folder : the packed stock.
    fields : names of `load_file.FIELDS` to read.

    Attributes
    ----------
    count : what was read so far.
    """

    def __init__(self, folder: str, fields: Iterable[str]) -> None:
        self.stock = manifest(folder)
        self.fields = tuple(fields)
        self.count = ReadCount()

    def read(self, bldg_ids: Sequence[int]) -> Iterator[tuple[dict[str, Float1D], int]]:
        """({field: (8760,) kWh}, weather year) of each building, in the order asked for."""
        current, held = -1, dict[str, np.ndarray]()
        for bldg_id in bldg_ids:
            number, row = self.stock.place[bldg_id]
            if number != current:
                current, held = number, self._block(self.stock.blocks[number])
            hours = {name: values[row] for name, values in held.items()}
            check_generation(hours, f"{self.stock.folder} of building {bldg_id}")
            yield hours, self.stock.source_year

    def _block(self, block: PackedBlock) -> dict[str, np.ndarray]:
        path = str(Path(self.stock.folder) / block.file)
        with reading(path, "packed load file"), pa.OSFile(path) as source:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            table = parquet.read_row_group(
                block.row_group, [FIELDS[name] for name in self.fields], use_threads=False
            )
            if table.num_rows != len(block.bldg_ids) * HOURS:
                raise LoadError(
                    f"packed load file {path} row group {block.row_group} has "
                    f"{table.num_rows} rows, expected {len(block.bldg_ids) * HOURS}: pack it again"
                )
            names = parquet.schema_arrow.names
            wanted = [names.index(FIELDS[name]) for name in self.fields]
            stored = stored_bytes(parquet.metadata, wanted, [block.row_group])
            self.count += ReadCount(1, stored)
            return {
                name: checked_energies(
                    table.column(FIELDS[name]).to_numpy(), 1, path, FIELDS[name]
                ).reshape(-1, HOURS)
                for name in self.fields
            }
