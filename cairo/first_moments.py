"""Ctrl-C before the command catches it ends it without a traceback: there is nothing to clean up.

Python itself has taken some milliseconds by now, in which it answers in its own way. Only what
Python has loaded by itself is imported here.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # compiled into Python, unlike signal
import sys

NAMES = ("cairo", "cairo.exe", "-m")
"""What Python calls the command while it is being imported."""


def without_traceback() -> None:
    """Let Ctrl-C end this process at once, if it is the command's."""
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2]
    if name in NAMES and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
