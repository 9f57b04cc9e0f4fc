"""How worker processes start: forked from a server that has imported what they need once.

The server is a fresh process without threads, so that forking it is safe. Started early, it
imports while this process reads its inputs. Nothing heavy is imported here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver

PRELOADED = ["cairo.rates_tool.dd_stages.load_pass", "distributed.nanny", "distributed.worker"]

KEPT_BYTES = 64 * 2**20
"""Freed memory a worker keeps for its next file. Dask's default gives everything above 64 kB
back to the system at once, and a page fault for each 4 kB is paid to have it again."""

WORKER_ENVIRON = {
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(KEPT_BYTES),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""Read by libraries when they are loaded, so it has to be in the server's environment."""

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def prepare_workers() -> None:
    """Start the server that workers are forked from, without waiting for its imports."""
    if START_METHOD != "forkserver":
        return
    multiprocessing.get_context(START_METHOD).set_forkserver_preload(PRELOADED)
    with _environ():
        forkserver.ensure_running()


@contextmanager
def _environ() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in WORKER_ENVIRON}
    os.environ.update(WORKER_ENVIRON)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
