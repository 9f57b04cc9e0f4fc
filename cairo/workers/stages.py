"""Stages of long work, and the seconds each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cairo.model.progress import Progress

__all__ = ["Progress", "Timings"]


@dataclass
class Timings:
    """Seconds by stage, told to a progress display as they begin."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Time a stage."""
        if self.progress:
            self.progress.stage(name, total)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def tell(self, name: str, total: int | None = None) -> None:
        """Say what is worked on, as part of a stage."""
        if self.progress:
            self.progress.stage(name, total)

    def advance(self, n: int) -> None:
        """Count buildings of the current stage."""
        if self.progress:
            self.progress.advance(n)

    def note(self, text: str) -> None:
        """Pass a note on."""
        if self.progress:
            self.progress.note(text)
