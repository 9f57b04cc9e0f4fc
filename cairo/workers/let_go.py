"""What Dask remembers of clusters that are closed, let go: it would keep each of them for good."""

from __future__ import annotations

import sys

REMEMBER = {
    "distributed.core": ("_expects_comm",),
    "distributed.utils": ("has_keyword", "iscoroutinefunction"),
    "distributed.dashboard.scheduler": ("template_variables",),
}
"""Functions that keep what they were asked of methods of a scheduler or worker, or of itself."""


def let_go() -> None:
    """Have these functions ask anew; what they answer stays the same."""
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
