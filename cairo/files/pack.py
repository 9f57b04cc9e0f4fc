"""`cairo pack`: a stock rewritten once into few files, for the many runs that share it.

Every part is written beside its place, read back and compared to the bit, and renamed; the
manifest is written last. A pack that was interrupted goes on from the parts that are there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cairo.errors import LoadError, OutputError, without_secrets
from cairo.files.load_file import FIELDS, LoadFileReader, load_files
from cairo.files.packed import FORMAT, MANIFEST, is_packed
from cairo.files.reading import is_url
from cairo.model.calendar import hour_stamps
from cairo.model.names import HOURS
from cairo.model.progress import Progress

BLOCK_BUILDINGS = 64
"""Buildings of a row group: what one partition reads at a time, 4.5 MB a column."""
FILE_BLOCKS = 8
"""Row groups of a file."""
UNFINISHED = "_cairo_pack.unfinished.json"


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
        `out` holds something else, or cannot be written.
    """
    folder = Path(out)
    files = load_files(loads_dir, storage_options)
    if bldg_ids is not None:
        files = {int(i): files[int(i)] for i in sorted(bldg_ids)}
    source = _fingerprint(files, block_buildings)
    with _writing(folder):
        done = _resumed(folder, source)
        if done is None:
            return folder
        ids = list(files)
        per_file = block_buildings * FILE_BLOCKS
        parts = [ids[i : i + per_file] for i in range(0, len(ids), per_file)]
        if progress:
            progress.stage("pack", len(ids))
        jobs = [
            (
                f"part-{number:05d}.parquet",
                [part[i : i + block_buildings] for i in range(0, len(part), block_buildings)],
            )
            for number, part in enumerate(parts)
        ]
        years = _write_parts(folder, jobs, files, done, source, storage_options, progress)
        if len(years) > 1:
            raise LoadError(
                f"load files of {loads_dir} are of several weather years {sorted(years)}: "
                "pack each year's on its own"
            )
        manifest = {
            "format": FORMAT,
            "source_year": years.pop(),
            "source": {"folder": without_secrets(str(loads_dir)), "fingerprint": source},
            "bldg_ids": ids,
            "files": [{"file": name, "row_groups": groups} for name, groups in jobs],
        }
        _write_text(folder / MANIFEST, json.dumps(manifest))
        (folder / UNFINISHED).unlink(missing_ok=True)
    return folder


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write packed stock {folder}: {error.strerror}") from None
    finally:
        if folder.is_dir():
            for left in folder.glob("*.writing"):
                left.unlink(missing_ok=True)


def _fingerprint(files: Mapping[int, str], block_buildings: int) -> str:
    """Names, sizes and times of the source files, so that a pack resumes only its own."""
    digest = hashlib.sha256(str(block_buildings).encode())
    for bldg_id, path in files.items():
        digest.update(f"{bldg_id}\0{path}".encode())
        if not is_url(path):
            status = Path(path).stat()
            digest.update(f"{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _resumed(folder: Path, source: str) -> dict[str, int] | None:
    """{part: weather year} already written; None when the pack is complete."""
    if is_packed(str(folder)):
        stored = json.loads((folder / MANIFEST).read_text())
        if stored.get("source", {}).get("fingerprint") == source:
            return None
        raise OutputError(
            f"{folder} already holds a packed stock of other loads: remove it or name another"
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, expected a folder to pack into")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / UNFINISHED
    if not unfinished.exists():
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty: name a new folder to pack into")
        _write_text(unfinished, json.dumps({"source": source, "parts": {}}))
        return {}
    stored = json.loads(unfinished.read_text())
    parts = stored["parts"] if stored.get("source") == source else {}
    return {name: int(year) for name, year in parts.items() if (folder / name).is_file()}


def _write_parts(
    folder: Path,
    jobs: Sequence[tuple[str, list[list[int]]]],
    files: Mapping[int, str],
    done: dict[str, int],
    source: str,
    storage_options: Mapping[str, object] | None,
    progress: Progress | None,
) -> set[int]:
    def one(job: tuple[str, list[list[int]]]) -> tuple[str, int, int]:
        name, groups = job
        buildings = sum(map(len, groups))
        if name in done:
            return name, done[name], buildings
        return name, _write_part(folder / name, groups, files, storage_options), buildings

    parts = dict(done)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for name, year, buildings in pool.map(one, jobs):
                parts[name] = year
                _write_text(folder / UNFINISHED, json.dumps({"source": source, "parts": parts}))
                if progress:
                    progress.advance(buildings)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return set(parts.values())


def _write_part(
    path: Path,
    groups: Sequence[Sequence[int]],
    files: Mapping[int, str],
    storage_options: Mapping[str, object] | None,
) -> int:
    """Write one file, verify it, put it in its place; the weather year of its buildings."""
    reader = LoadFileReader(FIELDS, storage_options)
    writing = path.with_suffix(".writing")
    years: set[int] = set()
    digests: list[bytes] = []
    with pq.ParquetWriter(
        writing,
        _SCHEMA,
        compression="lz4",
        use_dictionary=["bldg_id"],
        write_statistics=False,
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
    with writing.open("rb") as file:
        os.fsync(file.fileno())
    writing.replace(path)
    return years.pop()


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
    stored = pq.ParquetFile(path)
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
    writing.write_text(text, encoding="utf-8")
    writing.replace(path)
