"""What a person sees while a run works: one display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from io import StringIO
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_SECONDS = 1.0
"""Plain lines come at most this often within a stage."""


class SilentProgress:
    """Says nothing."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Say nothing of a stage."""

    def advance(self, n: int) -> None:
        """Say nothing of `n` more buildings."""

    def note(self, text: str) -> None:
        """Say nothing of a note."""

    def done(self) -> None:
        """Say nothing of the end."""


class PlainProgress(SilentProgress):
    """Lines with the seconds since the start, for logs and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr or StringIO()
        self._start = time.monotonic()
        self._name, self._total, self._count = "", 0, 0
        self._stage_start = self._last_line = self._start

    def stage(self, name: str, total: int | None = None) -> None:
        """A line for the stage that begins."""
        self._name, self._total, self._count = name, total or 0, 0
        self._stage_start = time.monotonic()
        self._say(name + (f": {total} buildings" if total else ""))

    def advance(self, n: int) -> None:
        """A line of buildings done, rate and time left, once a second and at the end."""
        self._count += n
        now = time.monotonic()
        if now - self._last_line < LINE_SECONDS and self._count != self._total:
            return
        rate = self._count / max(now - self._stage_start, 1e-9)
        if not self._total:
            self._say(f"{self._name}: {self._count} buildings, {rate:,.0f}/s")
            return
        left = max(self._total - self._count, 0) / rate if rate else 0.0
        done = f"{self._name}: {self._count} of {self._total} buildings"
        self._say(f"{done}, {rate:,.0f}/s, {left:.0f} s left")

    def note(self, text: str) -> None:
        """A line of its own."""
        self._say(text)

    def _say(self, text: str) -> None:
        self._last_line = time.monotonic()
        line = f"[{self._last_line - self._start:7.2f} s] {text}"
        # Nobody's run fails because nobody reads about it.
        try:
            coding = getattr(self._stream, "encoding", None) or "utf-8"
            line = line.encode(coding, "backslashreplace").decode(coding)
            print(line, file=self._stream, flush=True)
        except (OSError, ValueError):
            # What is left in the buffer would fail again when processes are started.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class TerminalProgress(SilentProgress):
    """One live display of all stages: buildings done, rate, time taken and left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._display = Progress(
            SpinnerColumn(finished_text="[green]\N{CHECK MARK}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=Console(stderr=True),
        )
        self._display.start()
        self._task: TaskID | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        """End the stage before, begin this one."""
        self._finish()
        self._task = self._display.add_task(name, total=total, rate="")

    def advance(self, n: int) -> None:
        """Move the bar."""
        if self._task is None:
            return
        self._display.advance(self._task, n)
        speed = self._display.tasks[-1].speed
        if speed:
            self._display.update(self._task, rate=f"{speed:,.0f} buildings/s")

    def note(self, text: str) -> None:
        """Print above the display; a web address is a link."""
        from rich.text import Text

        line = Text(text)
        for address in re.finditer(r"https?://\S+", text):
            line.stylize(f"underline link {address[0]}", *address.span())
        self._display.console.print(line, soft_wrap=True)

    def done(self) -> None:
        """End the display; on the way out of an error, its stage is left unfinished."""
        if sys.exc_info()[0] is None:
            self._finish()
        self._display.stop()

    def _finish(self) -> None:
        if self._task is not None:
            task = self._display.tasks[-1]
            total = task.total if task.total is not None else 1
            self._display.update(self._task, total=total, completed=total)
            self._task = None


class watching:
    """The display that fits where output goes, ended whatever happens."""

    def __enter__(self) -> SilentProgress:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self.progress = TerminalProgress() if terminal else PlainProgress()
        return self.progress

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.done()
