"""The packed stock: a whole stock's loads in a few parquet files, blocks of buildings in each.

`pack.json` is written last, so a folder that has it is complete. Each row group holds whole
buildings, 8760 rows each in the weather year's order; values are the load files' own, to
the bit. Any parquet reader can open the files; this one reads only the row groups it needs.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.errors import LoadError
from cairo.files.load_checks import check_signs, checked_energies
from cairo.files.load_file import FIELDS, ReadCount, reading, stored_bytes
from cairo.files.reading import is_url, small_file
from cairo.model.arrays import Float1D
from cairo.model.names import HOURS

MANIFEST = "_cairo_pack.json"
FORMAT = 2
OLD_FORMAT = 1
"""Of a stock without checksums, which is read as it is."""
_TAIL = 8
"""Bytes that end a parquet file: how long the footer before them is, and four letters."""


@dataclass(frozen=True)
class PackedBlock:
    """Where a block of buildings is: file, row group, its buildings in order.

    footer : digest of the file's footer; None in a stock without checksums.
    """

    file: str
    row_group: int
    bldg_ids: tuple[int, ...]
    footer: str | None = None


@dataclass(frozen=True)
class PackedStock:
    """The manifest of a packed stock.

    fingerprint : what tells the loads it was made of from others.
    """

    folder: str
    source_year: int
    blocks: tuple[PackedBlock, ...]
    fingerprint: str | None = None

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
        stored = _opened(small_file(path), path)
        if stored.get("format") not in (FORMAT, OLD_FORMAT):
            raise LoadError(
                f"packed stock {folder} has format {stored.get('format')}, expected {FORMAT}: "
                "pack it again"
            )
        blocks = tuple(
            PackedBlock(str(part["file"]), group, tuple(map(int, ids)), part.get("footer"))
            for part in stored["files"]
            for group, ids in enumerate(part["row_groups"])
        )
        source = stored.get("source") or {}
        fingerprint = source.get("fingerprint")
        return PackedStock(str(folder), int(stored["source_year"]), blocks, fingerprint)


def sealed(manifest: Mapping[str, object]) -> str:
    """A manifest as it is stored, with a digest of itself."""
    return json.dumps(dict(manifest) | {"digest": _digest_of(manifest)})


def _opened(content: bytes, path: Path) -> dict[str, Any]:
    """A stored manifest, if it is as it was written."""
    try:
        stored = json.loads(content)
    except ValueError:
        stored = None
    if isinstance(stored, dict):
        digest = stored.pop("digest", None)
        if stored.get("format") != FORMAT or digest == _digest_of(stored):
            return stored
    raise LoadError(f"packed stock's manifest {path} is damaged: pack the stock again")


def _digest_of(manifest: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def footer_digest(source: pa.NativeFile) -> str:
    """A digest of a parquet file's footer, which says where its pages are and how to read them."""
    size = source.size()
    source.seek(max(size - _TAIL, 0))
    length = int.from_bytes(source.read(4), "little")
    source.seek(max(size - _TAIL - length, 0))
    return hashlib.blake2b(source.read(length + _TAIL), digest_size=16).hexdigest()


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
            check_signs(hours, f"{self.stock.folder} of building {bldg_id}")
            yield hours, self.stock.source_year

    def check(self, number: int) -> None:
        """Read a block whole, with what no run reads of it."""
        self._block(self.stock.blocks[number], whole=True)

    def _block(self, block: PackedBlock, *, whole: bool = False) -> dict[str, np.ndarray]:
        path = str(Path(self.stock.folder) / block.file)
        columns = [FIELDS[name] for name in self.fields]
        rows = len(block.bldg_ids) * HOURS
        with reading(path, "packed load file"), pa.OSFile(path) as source:
            if block.footer is not None and footer_digest(source) != block.footer:
                raise LoadError(f"packed load file {path} is damaged: pack the stock again")
            parquet = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
            if parquet.metadata.row_group(block.row_group).num_rows != rows:
                raise _unlike(block, path)
            table = parquet.read_row_group(
                block.row_group, None if whole else columns, use_threads=False
            )
            if table.num_rows != rows:
                raise _unlike(block, path)
            if whole:
                ids = table.column("bldg_id").to_numpy()
                if not np.array_equal(ids, np.repeat(np.asarray(block.bldg_ids), HOURS)):
                    raise _unlike(block, path)
            names = parquet.schema_arrow.names
            wanted = [names.index(name) for name in columns]
            stored = stored_bytes(parquet.metadata, wanted, [block.row_group])
            self.count += ReadCount(1, stored)
            return {
                name: checked_energies(
                    table.column(FIELDS[name]).to_numpy(), 1, path, FIELDS[name]
                ).reshape(-1, HOURS)
                for name in self.fields
            }


def _unlike(block: PackedBlock, path: str) -> LoadError:
    return LoadError(
        f"packed load file {path} row group {block.row_group} does not hold the "
        f"{len(block.bldg_ids)} buildings it should: pack the stock again"
    )
