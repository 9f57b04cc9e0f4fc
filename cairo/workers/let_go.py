"""What Dask remembers of clusters that are closed, let go: it would keep each of them for good."""

from __future__ import annotations

import ctypes
import gc
import sys

from cairo.stopping import is_command

REMEMBER = {
    "distributed.core": ("_expects_comm",),
    "distributed.utils": ("has_keyword", "iscoroutinefunction"),
    "distributed.dashboard.scheduler": ("template_variables",),
}
"""Functions that keep what they were asked of methods of a scheduler or worker, or of itself."""


def let_go() -> None:
    """Have these functions ask anew; what they answer stays the same. Then free what that was."""
    _ask_anew()
    if is_command():
        return  # it ends soon
    # A closed cluster refers to itself in many ways. Python would look for that once in ten runs,
    # and what is made meanwhile would lie between the remains, so that no memory becomes free.
    gc.collect()
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
