"""Runs of one process take turns: Dask's settings and a pool of workers are the whole process's."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_turn = threading.RLock()


@contextmanager
def own_turn(waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Wait until no other thread of this process has a run; `waiting` is called first."""
    lock = _turn
    if not lock.acquire(blocking=False):
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _renew() -> None:
    # Of the threads that may have had it, only the one that forked is in the new process.
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
