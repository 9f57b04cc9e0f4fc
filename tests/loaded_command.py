"""Commands forked from a process that has imported all they need: what starts them takes no time.

The rest of it is as it is with `python -m cairo`: a process of its own, in a session of its own.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path

from tests.cairo_process import ROOT, CairoProcess, Process

NEEDED = (
    "cairo.cli", "cairo.__main__", "cairo.runs.runner", "cairo.runs.study", "cairo.runs.demo",
    "cairo.rates_tool.dd_stages.backend", "cairo.rates_tool.pandas_backend", "cairo.files.pack",
    "cairo.results.compare", "cairo.results.report", "cairo.scenario.scenario_checks",
    "distributed.nanny", "dask.dataframe", "rich.progress", "psutil",
)  # fmt: skip


class Loaded:
    """The process that commands are forked from."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.loaded_command"],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.codes: dict[int, int] = {}
        self._started: list[int] = []
        self._news = threading.Condition()
        self._one = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.server.stdout is not None
        for line in self.server.stdout:
            pid, *code = json.loads(line)
            with self._news:
                if code:
                    self.codes[pid] = code[0]
                else:
                    self._started.append(pid)
                self._news.notify_all()

    def start(self, words: list[str], environ: dict[str, str], folder: Path, errors: Path) -> int:
        """The number of a new command's process."""
        assert self.server.stdin is not None
        with self._one:
            print(
                json.dumps([words, environ, str(folder), str(errors)]),
                file=self.server.stdin, flush=True,
            )  # fmt: skip
            with self._news:
                self._news.wait_for(lambda: self._started)
                return self._started.pop()

    def wait(self, pid: int, timeout: float | None) -> int:
        """The exit code of a command."""
        with self._news:
            if not self._news.wait_for(lambda: pid in self.codes, timeout):
                raise TimeoutError
            return self.codes[pid]

    def end(self) -> None:
        """End it; the commands have ended before."""
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait(30)


class Forked:
    """One of them, as a process."""

    def __init__(self, loaded: Loaded, pid: int) -> None:
        self.loaded, self.pid = loaded, pid

    def poll(self) -> int | None:
        return self.loaded.codes.get(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        return self.loaded.wait(self.pid, timeout)


class LoadedCairoProcess(CairoProcess):
    """`CairoProcess`, forked."""

    loaded: Loaded

    def started(self, words: list[str], environ: dict[str, str], folder: Path) -> Process:
        pid = self.loaded.start(words, environ, folder, self.errors)
        return Forked(self.loaded, pid)


def serve() -> None:
    """Fork a command for each line that is read, and say when each ends."""
    for name in NEEDED:
        importlib.import_module(name)
    left = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.02)
        if ready:
            read = os.read(0, 1 << 20)
            if not read:
                return
            *lines, left = (left + read).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    become(*json.loads(line))
                print(json.dumps([pid]), flush=True)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            print(json.dumps([pid, os.waitstatus_to_exitcode(status)]), flush=True)


def become(words: list[str], environ: dict[str, str], folder: str, errors: str) -> None:
    """Be the command."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(os.open(errors, os.O_WRONLY), 2)
    os.closerange(3, 100)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    import faulthandler
    import tempfile
    from multiprocessing import util

    from cairo.stopping import Stopped, catch

    faulthandler.enable()
    tempfile.tempdir = None
    # As in a command, which imports it after it has begun to catch signals.
    atexit.unregister(util._exit_function)
    try:
        catch(own=True)
        atexit.register(util._exit_function)
        started = sys.modules["__main__"] = importlib.import_module("cairo.__main__")
        sys.argv = [str(started.__file__), *words]
        started.main()
    except Stopped as stop:
        # Before `main` has begun; a command does nothing in between.
        stop.leave()
    sys.exit()


if __name__ == "__main__":
    serve()
