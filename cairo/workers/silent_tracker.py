"""The process in which Python keeps track of what processes share says nothing.

Killed, it is started again, knows nothing of what the one before was told, and prints a traceback
for each thing that is let go. A command's error stream is the command's.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from multiprocessing import util
from typing import Any

NAME = "resource_tracker"
SILENTLY = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2); "


@cache
def silent_tracker() -> None:
    """Have it started, from now on, with an error stream that leads nowhere."""
    start = util.spawnv_passfds

    def silent(path: bytes, arguments: Sequence[Any], descriptors: Sequence[int]) -> int:
        *before, code = arguments
        if NAME in str(code):
            code = SILENTLY + code
        return start(path, [*before, code], descriptors)

    setattr(util, "spawnv_passfds", silent)  # noqa: B010 - of another module, and typed closer
    warnings.filterwarnings("ignore", message=NAME)
