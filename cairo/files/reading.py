"""Small input files, local or behind an fsspec URL."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from cairo.errors import CairoError
from cairo.files.recorded_options import STORAGE, told

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

FilePath = str | os.PathLike[str]
MOST_BYTES = 2**30
"""Of a small input: metadata of millions of homes take less."""
MOST_ROWS = 20_000_000
MOST_TABLE_BYTES = 2**33
"""Of a table in memory."""
NO_FILE = "it is a pipe or a device, expected a file"
A_FOLDER = "it is a folder, expected a file"


def is_url(path: str) -> bool:
    """Whether a path is an fsspec URL and not a local path."""
    return "://" in path


def stem_of(path: str) -> str:
    """A file's name without its suffix; of a URL without its query, which may be a signature."""
    return PurePath(without_query(path)).stem


def without_query(path: FilePath) -> str:
    """A path whose end tells what kind of file it is: a URL's query may be a signature."""
    name = os.fspath(path)
    return name.partition("?")[0] if is_url(name) else name


def read_bytes(
    path: FilePath,
    storage_options: Mapping[str, object] | None,
    error: type[CairoError],
    what: str,
    most: int = MOST_BYTES,
) -> bytes:
    """Contents of a small file.

    Parameters
    ----------
    path : local path or fsspec URL such as `s3://bucket/key`.
    storage_options : fsspec options; used for URLs only.
    error : class to raise; what : the file's part in the run, for the message.
    most : bytes it may have, which is looked at before they are read.

    Raises
    ------
    CairoError
        Of class `error`, naming the file, when it is missing, too large, cannot be read or is no
        file, such as a pipe, which may never end.
    """
    name = os.fspath(path)
    try:
        if not is_url(name):
            place = Path(name).expanduser()
            size = size_of_file(place)
            content = place.read_bytes() if size <= most else b""
        else:
            import fsspec

            with fsspec.open(name, "rb", **dict(storage_options or {})) as file:
                # The size of what is compressed on the way is not known before.
                content = file.read(most + 1)
                size = len(content)
    except FileNotFoundError:
        raise error(f"{what} {name} {absent(name)}") from None
    except Exception as cause:  # remote file systems raise errors of many classes
        system = getattr(cause, "strerror", None)
        shown = RuntimeError(system) if isinstance(system, str) else cause
        reason = told(shown, storage_options, STORAGE)
        raise error(f"{what} {name} cannot be read: {reason}") from None
    if size > most:
        raise error(f"{what} {name} has {size} bytes or more, expected at most {most}")
    return content


def small_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Contents of a local file of at most `most` bytes, which is looked at before they are read.

    Raises
    ------
    OSError
        As `size_of_file`, or it is larger.
    """
    size = size_of_file(path)
    if size > most:
        raise OSError(errno.EFBIG, f"it has {size} bytes, expected at most {most}")
    return path.read_bytes()


def absent(path: str) -> str:
    """What is said of a file that is not there; a link to it may be."""
    try:
        return f"is a link to nothing ({Path(path).readlink()})"
    except (OSError, ValueError):
        return "does not exist"


def size_of_file(path: Path | str) -> int:
    """Bytes of a local file.

    Raises
    ------
    OSError
        It is missing, a folder, or a pipe or device, which may never end or never begin.
    """
    status = os.stat(path)  # noqa: PTH116 - a path of a load file is text, and there are many
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, A_FOLDER if stat.S_ISDIR(status.st_mode) else NO_FILE)
    return status.st_size


def check_table_size(source: bytes | Path, most_rows: int = MOST_ROWS) -> None:
    """Check what a parquet file says of itself: a small one may hold more than memory does.

    Raises
    ------
    OSError, ValueError
        It is no file, has more rows or values than any table of a run, long texts that it repeats,
        or two columns of one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(source, Path):
        size_of_file(source)
    given = pa.BufferReader(source) if isinstance(source, bytes) else source
    with pq.ParquetFile(given) as file:
        metadata = file.metadata
        names = metadata.schema.to_arrow_schema().names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"it has two columns {twice[0]}")
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
        size = max(rows * metadata.num_columns * 8, sum(group.total_byte_size for group in groups))
        if rows > most_rows or size > MOST_TABLE_BYTES:
            raise ValueError(
                f"it has {rows} rows of {metadata.num_columns} columns, {size} bytes; expected at "
                f"most {most_rows} rows and {MOST_TABLE_BYTES} bytes"
            )
        if (
            sum(most_text_bytes(metadata, n) for n in range(len(metadata.schema)))
            > MOST_TABLE_BYTES
        ):
            _check_texts(given, metadata, set(names))


def holds_bytes(column: pq.ColumnSchema) -> bool:
    """Whether a column's values are bytes, of text or of decimals."""
    return column.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


def most_text_bytes(metadata: pq.FileMetaData, column: int) -> int:
    """Bytes that a column of text may take in memory: a text is stored once and named by each row.

    0 of other columns. No text is longer than all that is stored of its column; those of one
    length, such as decimals, are as long as the schema says.
    """
    stored_as = metadata.schema.column(column)
    if not holds_bytes(stored_as):
        return 0
    groups = [metadata.row_group(n).column(column) for n in range(metadata.num_row_groups)]
    if stored_as.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return int(stored_as.length) * sum(int(one.num_values) for one in groups)
    return sum(
        one.total_uncompressed_size * (one.num_values if one.has_dictionary_page else 1)
        for one in groups
    )


def _check_texts(
    source: pa.BufferReader | Path, metadata: pq.FileMetaData, names: set[str]
) -> None:
    """Check what texts take in memory, from each of them once and how often it stands there."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    for place in range(len(metadata.schema)):
        name = metadata.schema.column(place).path
        most = most_text_bytes(metadata, place)
        if most * len(metadata.schema) > MOST_TABLE_BYTES and name in names:
            if isinstance(source, pa.BufferReader):
                source.seek(0)
            stored = pq.read_table(source, columns=[name], read_dictionary=[name])[name]
            parts = [part for part in stored.chunks if pa.types.is_dictionary(part.type)]
            lengths = [pc.binary_length(part.dictionary).take(part.indices) for part in parts]
            most = sum(pc.sum(one.cast(pa.int64())).as_py() or 0 for one in lengths)
        total += most
        if total > MOST_TABLE_BYTES:
            raise ValueError(
                f"its texts take {total} bytes or more, expected at most {MOST_TABLE_BYTES}"
            )


def folder_listing(
    path: str, storage_options: Mapping[str, object] | None
) -> list[tuple[str, int]] | None:
    """(name, size) of what a folder or URL holds, by name; None for a file.

    Raises
    ------
    CairoError
        It cannot be listed.
    """
    if not is_url(path):
        try:
            if not Path(path).is_dir():
                return None
            with os.scandir(path) as entries:
                return sorted((entry.name, _size_of(entry)) for entry in entries)
        except OSError as cause:
            raise CairoError(f"{path} cannot be listed: {cause.strerror}") from None
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(path, **dict(storage_options or {}))
        if not filesystem.isdir(root):
            return None
        found = filesystem.ls(root, detail=True)
    except Exception as cause:  # as in `read_bytes`
        reason = told(cause, storage_options, STORAGE)
        raise CairoError(f"{path} cannot be listed: {reason}") from None
    return sorted((one["name"].rsplit("/", 1)[-1], one["size"] or 0) for one in found)


def _size_of(entry: os.DirEntry[str]) -> int:
    """Bytes of a folder's entry; of a link that leads nowhere its own."""
    try:
        return entry.stat().st_size
    except OSError:
        return entry.stat(follow_symlinks=False).st_size
