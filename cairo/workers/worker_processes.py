"""How worker processes start, and that Ctrl-C is not theirs to answer.

A cluster's are forked from a server that has imported what they need once. It is a fresh
process without threads, so that forking it is safe. Started early, it imports while this
process reads its inputs. Nothing heavy is imported here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker

from cairo.errors import ClusterError
from cairo.stopping import held

PRELOADED = [
    "cairo.rates_tool.dd_stages.load_pass",
    "distributed.nanny",
    "distributed.worker",
    "cairo.workers.worker_start",
]

KEPT_BYTES = 64 * 2**20
"""Freed memory a worker keeps for its next file. Dask's default gives everything above 64 kB
back to the system at once, and a page fault for each 4 kB is paid to have it again."""

SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""Python started with code on its command line imports from the current folder first, where anybody
may have left a `dask.py`. Workers get the path of this process when they start their work."""

WORKER_ENVIRON = {
    **SAFE_PATH,
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
    with held(), _environ(WORKER_ENVIRON), deaf_to_interrupts():
        forkserver.ensure_running()


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Block SIGINT for what is started here, and what that starts in turn.

    Ctrl-C reaches every process of a terminal; the one that runs the scenario ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started later, the tracker would unblock it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environ(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Processes for the `dask.delayed` stages of a whole run, ended with the block.

    Raises
    ------
    ClusterError
        A process was killed.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from dask.multiprocessing import get_context

    pool = ProcessPoolExecutor(workers, mp_context=get_context())
    try:
        with held(), _environ(SAFE_PATH), deaf_to_interrupts():
            # A process starts with each job while none is idle.
            for _ in range(workers):
                pool.submit(int)
        yield pool
    except BrokenProcessPool:
        raise ClusterError(
            f"one of {workers} worker processes was killed, which systems do when memory runs "
            "out: give fewer process_workers"
        ) from None
    finally:
        with held():
            pool.shutdown(cancel_futures=True)


@contextmanager
def process_scheduler(process_workers: int | None) -> Iterator[None]:
    """Run `dask.delayed` stages on processes, `process_workers` of them at most one a core.

    With one worker no process is started.
    """
    import dask

    workers = min(process_workers or 1, os.cpu_count() or 1)
    if workers == 1:
        with dask.config.set(scheduler="synchronous"):
            yield
        return
    with process_pool(workers) as pool, dask.config.set(scheduler="processes", pool=pool):
        yield
