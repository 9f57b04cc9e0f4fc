"""Processes that Python has for others say nothing: a command's error stream is the command's.

The tracker of what processes share, killed, is started again, knows nothing of what the one before
was told, and prints a traceback for each thing that is let go. The server that workers are forked
from, killed, leaves those that are being forked without what they need, and each prints one too.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from multiprocessing import util
from typing import Any

TRACKER = "resource_tracker"
NAMES = (TRACKER, "forkserver")
SILENTLY = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2); "


@cache
def silent_servers() -> None:
    """Have them started, from now on, with an error stream that leads nowhere."""
    start = util.spawnv_passfds

    def silent(path: bytes, arguments: Sequence[Any], descriptors: Sequence[int]) -> int:
        *before, code = arguments
        if any(name in str(code) for name in NAMES):
            code = SILENTLY + code
        return start(path, [*before, code], descriptors)

    setattr(util, "spawnv_passfds", silent)  # noqa: B010 - of another module, and typed closer
    warnings.filterwarnings("ignore", message=TRACKER)
