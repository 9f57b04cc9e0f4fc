"""Processes for the `dask.delayed` stages, which end with the block whatever happens to one."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from cairo.errors import ClusterError
from cairo.stopping import held
from cairo.workers.let_go import give_back
from cairo.workers.patience import patience
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import (
    PROCESS_ENVIRON,
    UNGUARDED,
    UNGUARDED_CODE,
    check_shared_memory,
    deaf_to_interrupts,
    environ,
    existing_folder,
    may_start_processes,
)

CLOSE_SECONDS = 5.0
"""How long a pool may take to end by itself."""
DEAD_SECONDS = 5
"""How long it may take to see that one of its processes is gone."""
LOOK_SECONDS = 1.0


class Pool(ProcessPoolExecutor):
    """A pool that signals do not find half way through a job, and that ends in limited time."""

    def __init__(self, workers: int) -> None:
        # Its queues start the tracker of what processes share.
        with environ(PROCESS_ENVIRON), deaf_to_interrupts():
            super().__init__(
                workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=end_with_parent,
            )
        self._patience = patience()
        self.silence: str | None = None
        """What its processes did that has ended it, if that was nothing for too long."""
        # The executor forgets them when it ends.
        self._started = self._processes
        self._results = getattr(self, "_result_queue", None)
        self._one = threading.Lock()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="pool-watch", daemon=True)

    def start(self, workers: int) -> None:
        """Start the processes and wait until they have.

        Raises
        ------
        BrokenProcessPool
            One has ended while it started.
        """
        with held(), environ(PROCESS_ENVIRON), deaf_to_interrupts():
            # A process starts with each job while none is idle.
            first = [self.submit(int) for _ in range(workers)]
        self._watch.start()
        for one in first:
            one.result()

    def killed_while_starting(self) -> bool:
        """Whether what has ended was ended by a signal, and not by what it was to run."""
        return bool(self.exit_codes()) and not self.exit_codes() & {1, UNGUARDED_CODE}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a job over; a signal raised meanwhile would leave locks taken for good.

        Raises
        ------
        BrokenProcessPool
            A process has ended.
        OSError
            The system starts no process for it.
        """
        with held(), existing_folder():
            try:
                return super().submit(fn, *args, **kwargs)
            except OSError as error:
                # Python 3.11 closes what a broken pool shares while it starts the next process.
                if self.exit_codes():
                    raise BrokenProcessPool(str(error)) from error
                raise

    def end(self, *, at_once: bool) -> None:
        """End the processes, by force when asked to or when they take their time."""
        self._over.set()
        with held():
            if at_once:
                self._kill()
            ending = threading.Thread(target=self._shut_down, daemon=True)
            ending.start()
            ending.join(CLOSE_SECONDS)
            if ending.is_alive():
                self._kill()
                ending.join(CLOSE_SECONDS)

    def exit_codes(self) -> set[int]:
        """Those of the processes that have ended by themselves."""
        codes = {process.exitcode for process in self._all()}
        return {code for code in codes if code is not None}

    def _all(self) -> list[multiprocessing.process.BaseProcess]:
        return list((self._started or {}).values())

    def _shut_down(self) -> None:
        self.shutdown(cancel_futures=True)

    def _kill(self) -> None:
        """Kill all processes; nobody waits for the rest of what they were saying."""
        for process in self._all():
            with suppress(ValueError, OSError):
                process.kill()
        with self._one:
            # Closed by two threads at once, its number may be another file's by then.
            writer, self._results = getattr(self._results, "_writer", None), None
            if writer is not None:
                writer.close()

    def _look_after(self) -> None:
        """End a pool that waits for a process that is gone or stopped, or that does nothing."""
        gone = stopped = idle = 0
        used: list[float] = []
        while not self._over.wait(LOOK_SECONDS):
            states = [_state(process.pid) for process in self._all()]
            before, used = used, [_seconds_used(process.pid) for process in self._all()]
            gone = gone + 1 if psutil.STATUS_ZOMBIE in states else 0
            stopped = stopped + 1 if psutil.STATUS_STOPPED in states else 0
            idle = idle + 1 if used == before and self._pending_work_items else 0
            if stopped * LOOK_SECONDS > self._patience:
                self.silence = f"have been stopped for {self._patience:.0f} seconds"
            elif idle * LOOK_SECONDS > self._patience:
                self.silence = f"have done nothing for {self._patience:.0f} seconds"
            if self.silence or gone * LOOK_SECONDS > DEAD_SECONDS:
                self._kill()
                return


def end_with_parent() -> None:
    """In a pool's process: end when its parent is gone, for whose jobs it would wait for good."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _state(pid: int | None) -> str:
    try:
        return str(psutil.Process(pid).status())
    except psutil.Error:
        return str(psutil.STATUS_ZOMBIE)


def _seconds_used(pid: int | None) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def process_pool(workers: int) -> Iterator[Pool]:
    """Processes for the stages of a whole run, ended with the block.

    Raises
    ------
    ClusterError
        A process was killed or stopped, does nothing, or has come to a run while it started.
    """
    check_shared_memory()
    pool = Pool(workers)
    whole = False
    try:
        try:
            try:
                pool.start(workers)
            except BrokenProcessPool:
                pool.end(at_once=True)
                if not pool.killed_while_starting():
                    raise
                pool = Pool(workers)
                pool.start(workers)
        except OSError as error:
            raise ClusterError(f"worker processes cannot be started: {error}") from None
        yield pool
        whole = True
    except BrokenProcessPool:
        pool.end(at_once=True)
        if pool.silence:
            raise ClusterError(f"worker processes {pool.silence}") from None
        codes = pool.exit_codes()
        if UNGUARDED_CODE in codes:
            raise ClusterError(UNGUARDED) from None
        if 1 in codes:
            raise ClusterError(
                f"one of {workers} worker processes failed while it started: {UNGUARDED}"
            ) from None
        raise ClusterError(
            f"one of {workers} worker processes was killed, which systems do when memory runs "
            "out: give fewer process_workers"
        ) from None
    finally:
        pool.end(at_once=not whole)
        give_back()


@contextmanager
def process_scheduler(process_workers: int | None) -> Iterator[None]:
    """Run `dask.delayed` stages on processes, `process_workers` of them at most one a core.

    With one worker, or where a process may not have children, none is started.
    """
    import dask

    workers = min(process_workers or 1, os.cpu_count() or 1)
    with own_turn():
        if workers == 1 or not may_start_processes():
            with dask.config.set(scheduler="synchronous"):
                yield
            return
        with process_pool(workers) as pool, dask.config.set(scheduler="processes", pool=pool):
            yield
