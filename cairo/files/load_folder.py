"""Which load files a folder or URL holds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from cairo.errors import LoadError
from cairo.files.load_file import reading
from cairo.files.reading import is_url

FILE_NAME = re.compile(r"(?:bldg)?([0-9]+)-(?:up)?([0-9]+)\.parquet", re.IGNORECASE)
"""`<bldg_id>-<upgrade>` as releases of ResStock have it, and `bldg0000001-up00` as ComStock's and
BuildStock's tools do."""


def load_files(
    folder: str | os.PathLike[str], storage_options: Mapping[str, object] | None = None
) -> dict[int, str]:
    """Load files of a folder or fsspec URL, by building.

    Returns
    -------
    {bldg_id: path} of every `<bldg_id>-<upgrade>.parquet` or `bldg<bldg_id>-up<upgrade>.parquet`,
    ids ascending.

    Raises
    ------
    LoadError
        No such folder, no access, no load file in it, or two files for one building.
    """
    found: dict[int, str] = {}
    for path in _listing(str(folder), storage_options):
        match = _named(path)
        if match is None:
            continue
        bldg_id = int(match[1])
        if bldg_id in found:
            raise LoadError(
                f"load folder {folder} has two files for building {bldg_id}, "
                f"{Path(found[bldg_id]).name} and {Path(path).name}: expected one upgrade a folder"
            )
        found[bldg_id] = path
    if not found:
        raise LoadError(f"load folder {folder} holds no <bldg_id>-<upgrade>.parquet file")
    return dict(sorted(found.items()))


def upgrade_of(path: str) -> int | None:
    """The upgrade that a load file is named after; None for a file of another name."""
    match = _named(path)
    return None if match is None else int(match[2])


def _named(path: str) -> re.Match[str] | None:
    return FILE_NAME.fullmatch(path.rsplit("/", 1)[-1])


def _listing(folder: str, storage_options: Mapping[str, object] | None) -> list[str]:
    with reading(folder, "load folder", storage_options):
        if not is_url(folder):
            return [entry.path for entry in os.scandir(folder)]
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(folder, **dict(storage_options or {}))
        names = filesystem.ls(root, detail=False)
        return [filesystem.unstrip_protocol(name) for name in names]
