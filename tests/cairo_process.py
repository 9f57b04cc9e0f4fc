"""`python -m cairo` as a process of its own, and whatever it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil

from tests.whole_runs import RUN

ROOT = Path(__file__).parents[1]
MARK = "CAIRO_TEST_PROCESS"
PATIENCE = 60.0
"""Seconds after which a process hangs."""

TWO_PROCESSES = {
    "dask": {
        "processes": True,
        "n_workers": 2,
        "threads_per_worker": 1,
        "partition_buildings": 1,
        "dashboard_address": None,
    }
}
"""Settings of a run with two worker processes and many small tasks."""


class Process(Protocol):
    """What is asked of a process."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class CairoProcess:
    """A command that leads a process group, as one started from a terminal does."""

    def __init__(
        self, folder: Path, *arguments: object, environ: Mapping[str, str] | None = None
    ) -> None:
        self.outputs, self.temporary = folder / "outputs", folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.mark = uuid.uuid4().hex
        inherited = os.environ | {
            "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary), MARK: self.mark,
        }  # fmt: skip
        self.lines: list[str] = []
        self.errors = folder / "errors"
        os.mkfifo(self.errors)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        words = [str(argument) for argument in arguments]
        self.process = self.started(words, inherited | dict(environ or {}), folder)

    def started(self, words: list[str], environ: dict[str, str], folder: Path) -> Process:
        """The process, whose error stream is written into `errors`."""
        with self.errors.open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "cairo", *words],
                env=environ, cwd=folder, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip

    def _read(self) -> None:
        with self.errors.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait for something that happens while the process runs."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"ended too soon: {self.lines}"
            assert time.monotonic() < end, f"hangs: {self.lines}"
            time.sleep(0.002)

    def said(self, text: str) -> bool:
        """Whether a line of its progress has a text."""
        return any(text in line for line in list(self.lines))

    def children(self) -> list[psutil.Process]:
        """Its living children."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def send(self, number: signal.Signals, group: bool) -> None:
        """Signal the process alone or, as a terminal does, all that it has started too."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def end(self, seconds: float = PATIENCE) -> tuple[int, list[str]]:
        """(exit code, lines on standard error that are not progress).

        Raises
        ------
        TimeoutError
            It has not ended within `seconds`.
        """
        try:
            code = self.process.wait(seconds)
        except (subprocess.TimeoutExpired, TimeoutError):
            raise TimeoutError(f"hangs: {self.lines}") from None
        # What it has left alive keeps the stream open.
        self._reader.join(5)
        return code, [line for line in list(self.lines) if not line.startswith("[")]

    def processes_left(self, seconds: float = 5) -> list[str]:
        """Processes it has left, which may take some time to end."""
        end = time.monotonic() + seconds
        while (processes := self._marked()) and time.monotonic() < end:
            time.sleep(0.02)
        return processes

    def left(self) -> list[str]:
        """Processes and files it has left: none are right after an error or a signal."""
        processes = self.processes_left()
        files = [*self.outputs.rglob("*"), *self.temporary.rglob("*")]
        return [*processes, *map(str, files)]

    def kill(self) -> None:
        """End it and whatever it has left."""
        if self.process.poll() is None:
            self.send(signal.SIGKILL, group=True)
            self.process.wait(PATIENCE)
        for process in self._found():
            with suppress(psutil.Error):
                process.kill()
        self._reader.join(PATIENCE)

    def _marked(self) -> list[str]:
        found = []
        for process in self._found():
            with suppress(psutil.Error):
                found.append(f"process {process.pid} {process.status()} {process.cmdline()}")
        return found

    def _found(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                mine = process.environ().get(MARK) == self.mark or process.pid == self.process.pid
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@contextmanager
def ended(started: CairoProcess) -> Iterator[CairoProcess]:
    """A command, ended with all its processes whatever happens."""
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def cairo_run(scenario: Path, folder: Path, *options: str) -> Iterator[CairoProcess]:
    """A run, ended with all its processes whatever happens."""
    outputs = ["--output-dir", folder / "outputs"]
    with ended(CairoProcess(folder, "run", scenario, RUN, *outputs, *options)) as run:
        yield run
