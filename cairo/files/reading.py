"""Small input files, local or behind an fsspec URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cairo.errors import CairoError, one_line
from cairo.files.recorded_options import STORAGE, without_values

FilePath = str | os.PathLike[str]


def is_url(path: str) -> bool:
    """Whether a path is an fsspec URL and not a local path."""
    return "://" in path


def read_bytes(
    path: FilePath,
    storage_options: Mapping[str, object] | None,
    error: type[CairoError],
    what: str,
) -> bytes:
    """Contents of a small file.

    Parameters
    ----------
    path : local path or fsspec URL such as `s3://bucket/key`.
    storage_options : fsspec options; used for URLs only.
    error : class to raise; what : the file's part in the run, for the message.

    Raises
    ------
    CairoError
        Of class `error`, naming the file, when it is missing or cannot be read.
    """
    name = os.fspath(path)
    try:
        if not is_url(name):
            return Path(name).expanduser().read_bytes()
        import fsspec

        with fsspec.open(name, "rb", **dict(storage_options or {})) as file:
            content: bytes = file.read()
            return content
    except FileNotFoundError:
        raise error(f"{what} {name} does not exist") from None
    except Exception as cause:  # remote file systems raise errors of many classes
        reason = getattr(cause, "strerror", None) or one_line(cause)
        reason = without_values(reason, storage_options, STORAGE)
        raise error(f"{what} {name} cannot be read: {reason}") from None


def folder_listing(
    path: str, storage_options: Mapping[str, object] | None
) -> list[tuple[str, int]] | None:
    """(name, size) of what a folder or URL holds, by name; None for a file.

    Raises
    ------
    CairoError
        The URL cannot be listed.
    """
    if not is_url(path):
        if not Path(path).is_dir():
            return None
        with os.scandir(path) as entries:
            return sorted((entry.name, entry.stat().st_size) for entry in entries)
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(path, **dict(storage_options or {}))
        if not filesystem.isdir(root):
            return None
        found = filesystem.ls(root, detail=True)
    except Exception as cause:  # as in `read_bytes`
        reason = without_values(one_line(cause), storage_options, STORAGE)
        raise CairoError(f"{path} cannot be listed: {reason}") from None
    return sorted((one["name"].rsplit("/", 1)[-1], one["size"] or 0) for one in found)
