"""Where hourly loads come from: a folder, a packed stock, a caller's frame; a class each.

What a source reads is a partition of the load frame (see `dd_stages.frame`), its homes whole and
its year known; what is stored is moved to the target year and goes through the options' chain of
transforms. A further load format is a class, and its place in `SOURCES`.
"""

from __future__ import annotations

from cairo.errors import LoadError
from cairo.rates_tool.dd_stages.frame_loads import DaskLoads, PandasLoads
from cairo.rates_tool.dd_stages.load_source import LoadOptions, LoadSource
from cairo.rates_tool.dd_stages.stored_loads import (
    FolderLoads,
    PackedLoads,
    StoredLoads,
    listing_digest,
    model_columns,
)

__all__ = [
    "SOURCES",
    "FolderLoads",
    "LoadOptions",
    "LoadSource",
    "StoredLoads",
    "listing_digest",
    "load_source",
    "model_columns",
]

SOURCES: tuple[type[LoadSource], ...] = (PandasLoads, DaskLoads, PackedLoads, FolderLoads)
"""Kinds of loads; the first that knows what it is given takes it."""


def load_source(given: object, options: LoadOptions | None = None) -> LoadSource:
    """The loads a caller gives: a folder, URL, packed stock, {bldg_id: path}, or a frame.

    Raises
    ------
    LoadError
        It is none of these, or holds no loads.
    """
    if isinstance(given, LoadSource):
        return given
    for kind in SOURCES:
        source = kind.opened(given, options or LoadOptions())
        if source is not None:
            return source
    raise LoadError(
        f"loads were given as {type(given).__name__}: expected a folder, a packed stock, "
        "{bldg_id: file}, or a pandas or Dask load frame"
    )
