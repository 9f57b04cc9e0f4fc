"""`cairo pack`: a stock rewritten once into few files, for the many runs that share it.

Every part is written beside its place, read back and compared to the bit, and renamed once it is
on the disk; the manifest is written last. One process at a time packs into a folder. A pack that
was interrupted goes on from the parts that are there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.errors import LoadError, OutputError, without_secrets
from cairo.files.durable import flush_file, flush_folder, make_folder, replace, write_flushed
from cairo.files.load_file import FIELDS, LoadFileReader, reading
from cairo.files.load_folder import load_files
from cairo.files.lock import alone
from cairo.files.packed import FORMAT, MANIFEST, footer_digest, is_packed, read_manifest, sealed
from cairo.files.reading import is_url, small_file
from cairo.model.calendar import hour_stamps
from cairo.model.names import HOURS
from cairo.model.progress import Progress
from cairo.stopping import finished, held, removed_at_once

BLOCK_BUILDINGS = 64
"""Buildings of a row group: what one partition reads at a time, 4.5 MB a column."""
FILE_BLOCKS = 8
"""Row groups of a file."""
UNFINISHED = "_cairo_pack.unfinished.json"
LOCK = "_cairo_pack.lock"


@dataclass(frozen=True)
class _Source:
    """What is packed.

    files : {bldg_id: path}. place : their folder. fingerprint : what tells them from others.
    """

    files: Mapping[int, str]
    place: str
    fingerprint: str
    storage_options: Mapping[str, object] | None


@dataclass(frozen=True)
class _Part:
    """What is known of a file that is written: its weather year and the digest of its footer."""

    source_year: int
    footer: str


_Job = tuple[str, list[list[int]]]
"""A file's name and the buildings of each of its row groups."""


def pack(
    loads_dir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    progress: Progress | None = None,
    *,
    bldg_ids: Iterable[int] | None = None,
    block_buildings: int = BLOCK_BUILDINGS,
    storage_options: Mapping[str, object] | None = None,
) -> Path:
    """Rewrite a load folder as a packed stock.

    Parameters
    ----------
    loads_dir : load folder or fsspec URL.
    out : folder to write, new or left by a pack of the same loads that was interrupted.
    progress : told of buildings done; see `workers.stages.Progress`.
    bldg_ids : buildings to take; all by default.
    block_buildings : buildings of a row group.
    storage_options : fsspec options of `loads_dir`.

    Returns
    -------
    The packed stock's folder.

    Raises
    ------
    LoadError
        An unsound load file, files of several weather years.
    OutputError
        `out` holds something else, is being packed into by another process, or cannot be written.
    """
    folder = Path(out)
    files = load_files(loads_dir, storage_options)
    if bldg_ids is not None:
        files = {int(i): files[int(i)] for i in sorted(bldg_ids)}
    fingerprint = _fingerprint(files, block_buildings)
    source = _Source(files, without_secrets(str(loads_dir)), fingerprint, storage_options)
    try:
        # Listed first: another's pack that has ended by then is found complete, not strange.
        there = _names(folder)
        if _complete(folder, source):
            return folder
        if LOCK not in there:
            _check_free(folder, there)
        make_folder(folder)
        with (
            alone(folder / LOCK, f"packed stock {folder}"),
            removed_at_once(partial(_tidy, folder)),
        ):
            try:
                if not _complete(folder, source):
                    _check_free(folder, _names(folder))
                    _write(folder, source, _jobs(list(files), block_buildings), progress)
            finally:
                _tidy(folder)
        flush_folder(folder)
    except OSError as error:
        raise OutputError(f"cannot write packed stock {folder}: {error.strerror}") from None
    return folder


def _jobs(ids: Sequence[int], block_buildings: int) -> list[_Job]:
    per_file = block_buildings * FILE_BLOCKS
    parts = [ids[i : i + per_file] for i in range(0, len(ids), per_file)]
    return [
        (
            f"part-{number:05d}.parquet",
            [list(part[i : i + block_buildings]) for i in range(0, len(part), block_buildings)],
        )
        for number, part in enumerate(parts)
    ]


def _write(folder: Path, source: _Source, jobs: Sequence[_Job], progress: Progress | None) -> None:
    """Write every part that is not there yet, then the manifest."""
    if progress:
        progress.stage("pack", len(source.files))
    parts = _write_parts(folder, jobs, source, _resumed(folder, source), progress)
    years = {part.source_year for part in parts.values()}
    if len(years) > 1:
        raise LoadError(
            f"load files of {source.place} are of several weather years {sorted(years)}: "
            "pack each year's on its own"
        )
    manifest = {
        "format": FORMAT,
        "source_year": years.pop(),
        "source": {"folder": source.place, "fingerprint": source.fingerprint},
        "bldg_ids": list(source.files),
        "files": [
            {"file": name, "row_groups": groups, "footer": parts[name].footer}
            for name, groups in jobs
        ],
    }
    with held():
        _write_text(folder / MANIFEST, sealed(manifest))
        finished()
        _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove what is half written, and what a pack that goes on would need, if none has to."""
    for left in folder.glob("*.writing"):
        left.unlink(missing_ok=True)
    if (folder / MANIFEST).exists():
        (folder / UNFINISHED).unlink(missing_ok=True)


def _fingerprint(files: Mapping[int, str], block_buildings: int) -> str:
    """Names, sizes and times of the source files, so that a pack resumes only its own."""
    digest = hashlib.sha256(str(block_buildings).encode())
    for bldg_id, path in files.items():
        digest.update(f"{bldg_id}\0{path}".encode("utf-8", "surrogateescape"))
        if not is_url(path):
            with reading(path):
                status = Path(path).stat()
            digest.update(f"{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _complete(folder: Path, source: _Source) -> bool:
    """Whether the folder holds these loads already; a packed stock of others is refused."""
    if is_packed(str(folder)):
        try:
            stored = read_manifest(str(folder))
        except LoadError as error:
            raise OutputError(
                f"{folder} already holds a packed stock, which cannot be read ({error}): "
                "remove it or name another folder"
            ) from None
        if stored.fingerprint == source.fingerprint:
            return True
        raise OutputError(
            f"{folder} already holds a packed stock of other loads: remove it or name another"
        )
    return False


def _names(folder: Path) -> set[str]:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, expected a folder to pack into")
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def _check_free(folder: Path, there: set[str]) -> None:
    """Refuse a folder that holds anything but what an interrupted pack leaves."""
    if UNFINISHED not in there and there - {LOCK, f"{UNFINISHED}.writing"}:
        raise OutputError(f"{folder} is not empty: name a new folder to pack into")


def _resumed(folder: Path, source: _Source) -> dict[str, _Part]:
    """Parts that an interrupted pack of the same loads has written."""
    try:
        stored = json.loads(small_file(folder / UNFINISHED))
        if stored["source"] != source.fingerprint:
            return {}
        parts = {name: _Part(**part) for name, part in stored["parts"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        # None yet, or cut short by a power failure: parts are written anew.
        return {}
    return {name: part for name, part in parts.items() if (folder / name).is_file()}


def _write_parts(
    folder: Path,
    jobs: Sequence[_Job],
    source: _Source,
    done: Mapping[str, _Part],
    progress: Progress | None,
) -> dict[str, _Part]:
    def one(job: _Job) -> tuple[str, _Part, int]:
        name, groups = job
        part = done.get(name) or _write_part(folder / name, groups, source)
        return name, part, sum(map(len, groups))

    def note() -> None:
        said = {name: asdict(part) for name, part in parts.items()}
        told = {"source": source.fingerprint, "parts": said}
        _write_text(folder / UNFINISHED, json.dumps(told))

    parts = dict(done)
    note()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for name, part, buildings in pool.map(one, jobs):
                parts[name] = part
                note()
                if progress:
                    progress.advance(buildings)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return parts


def _write_part(path: Path, groups: Sequence[Sequence[int]], source: _Source) -> _Part:
    """Write one file, verify it, put it in its place."""
    reader = LoadFileReader(FIELDS, source.storage_options)
    files = source.files
    writing = path.with_suffix(".writing")
    years: set[int] = set()
    digests: list[bytes] = []
    with pq.ParquetWriter(
        writing,
        _SCHEMA,
        compression="lz4",
        use_dictionary=["bldg_id"],
        write_statistics=False,
        write_page_checksum=True,
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
    ) as writer:
        for group in groups:
            loads = [reader.read(files[bldg_id], bldg_id) for bldg_id in group]
            years |= {load.source_year for load in loads}
            if len(years) > 1:
                raise LoadError(
                    f"load file {files[group[-1]]} is of another weather year than the files "
                    f"before it ({sorted(years)}): pack each year's on its own"
                )
            stamps = hour_stamps(loads[0].source_year).to_numpy()
            values = {
                name: np.concatenate([load.values[name] for load in loads]) for name in FIELDS
            }
            digests += [_digest(values[name]) for name in FIELDS]
            table = pa.table(
                {
                    "bldg_id": np.repeat(np.asarray(group, dtype=np.int64), HOURS),
                    "timestamp": np.tile(stamps, len(group)),
                    **{FIELDS[name]: values[name] for name in FIELDS},
                },
                schema=_SCHEMA,
            )
            writer.write_table(table, row_group_size=len(table))
    _verify(writing, groups, digests)
    with pa.OSFile(str(writing)) as stored:
        footer = footer_digest(stored)
    flush_file(writing)
    replace(writing, path)
    return _Part(years.pop(), footer)


_SCHEMA = pa.schema(
    [
        ("bldg_id", pa.int64()),
        ("timestamp", pa.timestamp("us")),
        *((name, pa.float64()) for name in FIELDS.values()),
    ]
)


def _digest(values: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).digest()


def _verify(path: Path, groups: Sequence[Sequence[int]], digests: Sequence[bytes]) -> None:
    """Read a part back: the same buildings and the same bits as went in."""
    stored = pq.ParquetFile(path, page_checksum_verification=True)
    read: list[bytes] = []
    for number, group in enumerate(groups):
        table = stored.read_row_group(number, use_threads=False)
        ids = table.column("bldg_id").to_numpy()
        if not np.array_equal(ids, np.repeat(np.asarray(group), HOURS)):
            raise OutputError(f"packed load file {path} was not stored as written: pack again")
        read += [_digest(table.column(FIELDS[name]).to_numpy()) for name in FIELDS]
    if read != list(digests):
        raise OutputError(f"packed load file {path} was not stored as written: pack again")


def _write_text(path: Path, text: str) -> None:
    writing = path.with_name(path.name + ".writing")
    write_flushed(writing, text)
    replace(writing, path)
