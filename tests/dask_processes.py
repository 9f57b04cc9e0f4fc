"""`dask scheduler` and `dask worker` as processes of their own, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).parents[1]
WORKER_OPTIONS = ("--nthreads", "1", "--no-dashboard", "--memory-limit", "0")
DASK = (sys.executable, "-m", "dask")
"""The `dask` command of the environment that runs the tests, whatever the PATH."""


@contextmanager
def started(
    command: Sequence[str], log: Path, python_path: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with this package importable, ended on leaving."""
    environ = os.environ | {"PYTHONPATH": str(python_path)}
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, env=environ, cwd=log.parent
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@contextmanager
def scheduler(
    folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """(process, scheduler file) of a scheduler on a free port that has written its file."""
    file = folder / "scheduler.json"
    command = [*DASK, "scheduler", "--host", host, "--port", "0"]
    command += ["--no-dashboard", "--dashboard-address", f"{host}:0"]
    command = [*prefix, *command, "--scheduler-file", str(file), *options]
    log = folder / "scheduler.log"
    with started(command, log) as process:
        end = time.monotonic() + 60
        while not file.exists() or not file.read_text().rstrip().endswith("}"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no scheduler: {log.read_text()[-800:]}")
            time.sleep(0.05)
        yield process, file


@contextmanager
def worker(
    file: Path,
    name: str,
    host: str = "127.0.0.1",
    prefix: Sequence[str] = (),
    options: Sequence[str] = (),
    python_path: Path = ROOT,
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the scheduler that wrote `file`."""
    command = [*DASK, "worker", "--scheduler-file", str(file), "--host", host, "--name", name]
    command = [*prefix, *command, "--no-nanny", *WORKER_OPTIONS, *options]
    command += ["--dashboard-address", f"{host}:0"]
    with started(command, file.parent / f"{name}.log", python_path) as process:
        yield process


def tasks_run(client: Client) -> dict[str, int]:
    """{name of a worker: tasks it has run}."""
    counts = client.run(lambda dask_worker: (dask_worker.name, dask_worker.state.executed_count))
    return dict(counts.values())
