"""What long work tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a run tells whoever watches it."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins, of `total` buildings when it counts them."""

    def advance(self, n: int) -> None:
        """`n` more buildings of the stage are done."""

    def note(self, text: str) -> None:
        """Something to know, such as the dashboard's address."""

    def done(self) -> None:
        """The run is over."""
