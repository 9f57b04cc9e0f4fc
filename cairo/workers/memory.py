"""Peak memory of this process and its children."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

INTERVAL = 0.1


class PeakMemory:
    """Samples resident memory of the process tree, ten times a second, while open."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._peak = 0
        self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def peak_bytes(self) -> int:
        """Highest sum seen so far [bytes]."""
        self._look()
        return self._peak

    def _sample(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        total = 0
        here = psutil.Process()
        for process in [here, *_children(here)]:
            try:
                total += process.memory_info().rss
            except (psutil.Error, OSError):  # gone by now, or no file may be opened any more
                continue
        self._peak = max(self._peak, total)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = process.children(recursive=True)
        return children
    except (psutil.Error, OSError):
        return []
