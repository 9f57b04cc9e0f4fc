"""What Dask remembers of clusters that are closed, let go: it would keep each of them for good."""

from __future__ import annotations

import ctypes
import gc
import linecache
import sys
from collections.abc import Container

from cairo.stopping import is_command

REMEMBER = {
    "distributed.core": ("_expects_comm",),
    "distributed.utils": ("has_keyword", "iscoroutinefunction"),
    "distributed.dashboard.scheduler": ("template_variables",),
}
"""Functions that keep what they were asked of methods of a scheduler or worker, or of itself."""


def let_go(sources: Container[str]) -> None:
    """Have these functions ask anew; what they answer stays the same. Then free what that was.

    sources : names of files whose lines Python had in `linecache` before the cluster was there.
    """
    _ask_anew()
    _forget_lines(sources)
    give_back()


def give_back() -> None:
    """Give memory that lies free back to the system, but for a command, which ends soon.

    What is in use stays as it is, so that a caller's process loses nothing.
    """
    if is_command():
        return
    # A closed cluster refers to itself in many ways. Python would look for that once in ten runs,
    # and what is made meanwhile would lie between the remains, so that no memory becomes free.
    gc.collect()
    # Each thread that reads files has its share of pyarrow's pool, and ends with the run.
    pool = getattr(sys.modules.get("pyarrow"), "default_memory_pool", None)
    if pool is not None:
        pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        # Each thread of a run has had memory of its own, which the C library keeps for later ones.
        trim(0)


def _ask_anew() -> None:
    for module, names in REMEMBER.items():
        for name in names:
            function = getattr(sys.modules.get(module), name, None)
            clear = getattr(function, "cache_clear", None)
            if clear is not None:
                clear()
                continue
            # toolz keeps what it remembers in the function's closure.
            for cell in getattr(function, "__closure__", None) or ():
                if isinstance(cell.cell_contents, dict):
                    cell.cell_contents.clear()


def _forget_lines(sources: Container[str]) -> None:
    """Lines of source files that Dask's profile has quoted; whoever wants them reads them again."""
    for name, entry in list(linecache.cache.items()):
        # What has no time of change is no file, such as a notebook's cell.
        if name not in sources and len(entry) > 1 and entry[1] is not None:
            linecache.cache.pop(name, None)
