"""One process at a time: a file that is locked while its owner lives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairo.errors import OutputError
from cairo.stopping import removed_at_once

try:
    import fcntl
except ImportError:  # pragma: no cover - a system without such locks
    fcntl = None  # type: ignore[assignment] # None says that there are none


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when its owner ends, however that happens.

    Raises
    ------
    OutputError
        Another process holds it; `what` is said to be written.
    """
    if fcntl is None:  # pragma: no cover
        yield
        return
    descriptor = _locked(path, what)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        with removed_at_once(lambda: path.unlink(missing_ok=True)):
            yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path, what: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one who held it may have removed the name: then the lock is of no use.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode(errors="replace") or "that has just started"
            os.close(descriptor)
            raise OutputError(
                f"{what} is being written by process {owner}: wait for it, or name another folder"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
