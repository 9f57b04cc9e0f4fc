"""The processes that this one has started, and how they end with it.

Nothing heavy is imported here: signals are caught almost from the start.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

TRACKER_SECONDS = 2.0
"""How long the tracker may take to remove what processes have shared."""
AGAIN_SECONDS = 0.005


def _tracker() -> Any:
    """Python's tracker of what processes share, where there is one."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    return getattr(module, "_resource_tracker", None)


def tracker() -> int | None:
    """Its number."""
    pid: int | None = getattr(_tracker(), "_pid", None)
    return pid


def fork_server() -> int | None:
    """Number of the server that workers are forked from."""
    module = sys.modules.get("multiprocessing.forkserver")
    pid: int | None = getattr(getattr(module, "_forkserver", None), "_forkserver_pid", None)
    return pid


def end_children() -> None:
    """Kill all children and theirs, but for the tracker that removes what they shared."""
    import psutil

    wake_tracker()
    kept = tracker()
    here = psutil.Process()
    for child in here.children():
        if child.pid != kept:
            # A stopped parent has no further children.
            with suppress(psutil.Error):
                child.suspend()
    killed = [child for child in here.children(recursive=True) if child.pid != kept]
    for child in killed:
        with suppress(psutil.Error):
            child.kill()
    psutil.wait_procs(killed, timeout=2)


def end_fork_server() -> None:
    """Kill it: still importing it would go on for seconds, and stopped for good."""
    pid = fork_server()
    if pid is not None:
        with suppress(OSError):
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def end_tracker() -> None:
    """Have the tracker end and wait for it, as the last of all children.

    Python leaves it to itself; one that is stopped just then would stay for good.
    """
    found, pid = _tracker(), tracker()
    if pid is None:
        return
    with suppress(OSError, TypeError):
        os.close(found._fd)
    found._fd = found._pid = None
    end = time.monotonic() + TRACKER_SECONDS
    while not _reaped(pid) and time.monotonic() < end:
        _wake(pid)
        time.sleep(AGAIN_SECONDS)


def wake_tracker() -> None:
    """Have the tracker go on, if it was stopped."""
    pid = tracker()
    if pid is not None:
        _wake(pid)


def _wake(pid: int) -> None:
    if hasattr(signal, "SIGCONT"):
        with suppress(OSError):
            os.kill(pid, signal.SIGCONT)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, getattr(os, "WNOHANG", 0))[0] == pid
    except OSError:
        return True
