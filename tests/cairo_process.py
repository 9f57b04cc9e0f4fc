"""`python -m cairo run` as a process of its own, and whatever it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


class CairoProcess:
    """A run that leads a process group, as one started from a terminal does."""

    def __init__(self, scenario: Path, folder: Path, *options: str) -> None:
        self.outputs, self.temporary = folder / "outputs", folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.mark = uuid.uuid4().hex
        environ = os.environ | {
            "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary), MARK: self.mark,
        }  # fmt: skip
        command = [sys.executable, "-m", "cairo", "run", str(scenario), RUN]
        self.process = subprocess.Popen(
            [*command, "--output-dir", str(self.outputs), *options],
            env=environ, cwd=folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
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

    def end(self) -> tuple[int, list[str]]:
        """(exit code, lines on standard error that are not progress)."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code, [line for line in self.lines if not line.startswith("[")]

    def left(self) -> list[str]:
        """Processes and files it has left: none are right after an error or a signal."""
        end = time.monotonic() + 5
        while (processes := self._marked()) and time.monotonic() < end:
            time.sleep(0.02)
        files = [*self.outputs.rglob("*"), *self.temporary.rglob("*")]
        return [*processes, *map(str, files)]

    def _marked(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get(MARK) == self.mark
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"process {process.pid} {process.cmdline()}")
            except psutil.Error:
                continue
        return found


@contextmanager
def cairo_run(scenario: Path, folder: Path, *options: str) -> Iterator[CairoProcess]:
    """A run, ended with all its processes whatever happens."""
    started = CairoProcess(scenario, folder, *options)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.send(signal.SIGKILL, group=True)
            started.process.wait(PATIENCE)
        for pipe in (started.process.stdout, started.process.stderr):
            assert pipe is not None
            started._reader.join(PATIENCE)
            pipe.close()
