"""Small input files, local or behind an fsspec URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cairo.errors import CairoError

FilePath = str | os.PathLike[str]


def read_bytes(
    path: FilePath,
    storage_options: Mapping[str, Any] | None,
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
        if "://" not in name:
            return Path(name).expanduser().read_bytes()
        import fsspec

        with fsspec.open(name, "rb", **dict(storage_options or {})) as file:
            content: bytes = file.read()
            return content
    except FileNotFoundError:
        raise error(f"{what} {name} does not exist") from None
    except Exception as cause:  # remote file systems raise errors of many classes
        reason = getattr(cause, "strerror", None) or one_line(cause)
        raise error(f"{what} {name} cannot be read: {reason}") from cause


def one_line(cause: BaseException) -> str:
    """The text of an error of another package, on one line of bearable length."""
    return " ".join(str(cause).split())[:200] or type(cause).__name__
