"""A cluster of this machine, started and ended by the run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from cairo.files.leftovers import of_this_process, remove_at_its_name, sweep
from cairo.stopping import always_removed_at_once, is_left_alone, removed_at_once
from cairo.workers.certificates import own_security
from cairo.workers.dashboard import show_when_asked
from cairo.workers.limits import OwnChildren, TooLong, within
from cairo.workers.settings import DaskSettings
from cairo.workers.sizing import Sizing
from cairo.workers.worker_processes import prepare_workers, temporary_folder

LOOPBACK = "127.0.0.1"
SCRATCH = "cairo-workers-"
"""In the name of the folder that workers write into, before whose it is."""
SERVED = {
    "distributed.scheduler.http.routes": [
        "distributed.http.scheduler.json", "distributed.http.health", "distributed.http.statics",
    ],
    "distributed.worker.http.routes": ["distributed.http.health"],
}  # fmt: skip
"""What a local cluster's web servers answer besides the dashboard's plots: no call stacks, logs and
errors, which tell of code and inputs, and nothing is passed on to other servers."""
CLOSE_SECONDS = 15.0
"""How long they may take to end, before they are made to."""


@contextmanager
def own_cluster(settings: DaskSettings, size: Sizing, security: Any) -> Iterator[Any]:
    """A LocalCluster for the block."""
    if size.processes:
        prepare_workers()
    dashboard = _free_dashboard(settings.dashboard_address)
    cluster = _local_cluster()(
        n_workers=size.n_workers,
        threads_per_worker=size.threads_per_worker,
        processes=size.processes,
        memory_limit=size.memory_limit,
        dashboard_address=dashboard,
        # Threads of this process are reached by no port.
        security=security or (own_security() if size.processes else None),
        silence_logs=50,
        # There is an HTTP server in any case, on all interfaces unless told; `show_when_asked`
        # gives it the dashboard.
        scheduler_kwargs={
            "dashboard": False,
            "dashboard_address": dashboard or f"{LOOPBACK}:0",
        },
        **({"host": LOOPBACK} if size.processes else {"worker_class": _thread_worker()}),
    )
    if dashboard:
        show_when_asked(cluster.scheduler)
    try:
        yield cluster
    finally:
        cluster.close(timeout=10)


def closed(stack: ExitStack, children: OwnChildren) -> None:
    """Close a cluster of this machine; workers that do not end are made to."""
    try:
        within(CLOSE_SECONDS, stack.close, children)
    except TooLong:
        return
    except (Exception, asyncio.CancelledError):
        # Workers that are stopped or gone do not answer that they end, of which Dask raises
        # anything. What the run has ended with is told already.
        children.kill()


@contextmanager
def scratch_folder() -> Iterator[None]:
    """A place of our own for what workers spill: Dask shares one and never removes it."""
    import dask

    place = dask.config.get("temporary-directory", None) or temporary_folder()
    Path(place).mkdir(parents=True, exist_ok=True)
    sweep(Path(place), SCRATCH)
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{of_this_process()}", dir=place))
    remove = partial(remove_at_its_name, folder)
    try:
        with removed_at_once(remove), dask.config.set({"temporary-directory": str(folder)}):
            yield
    finally:
        remove()
        if is_left_alone():
            # A worker that is started yet would make the folder again.
            always_removed_at_once(remove)
        _no_modules_of(folder)


def _no_modules_of(folder: Path) -> None:
    """Have Python look for no modules there any more.

    Of the servers in one process Dask takes back only the folder that is first: the others would
    stay where imports look, in a temporary folder in which anybody may make them again.
    """
    for name in [
        one for one in sys.path if isinstance(one, str) and Path(one).is_relative_to(folder)
    ]:
        with suppress(ValueError):
            sys.path.remove(name)
    for name in list(sys.path_importer_cache):
        if Path(name).is_relative_to(folder):
            sys.path_importer_cache.pop(name, None)


def _local_cluster() -> type:
    """Class of a cluster that the run alone closes: one that hangs must not hold Python's end."""
    from distributed import LocalCluster

    class OwnCluster(LocalCluster):
        @property
        def shutdown_on_close(self) -> bool:
            """Whether Dask closes it when Python ends."""
            return False

        @shutdown_on_close.setter
        def shutdown_on_close(self, value: bool) -> None:
            """Dask sets what it is given."""

    return OwnCluster


def _thread_worker() -> type:
    """Worker class of a cluster in this process, whose HTTP servers stay on this machine."""
    from distributed import Worker

    class ThreadWorker(Worker):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **(named | {"dashboard_address": f"{LOOPBACK}:0"}))

    return ThreadWorker


def _free_dashboard(address: str | None) -> str | None:
    """The address asked for, or any free port of its host when that one is taken."""
    if not address:
        return None
    import socket

    host, _, port = address.rpartition(":")
    host = host or LOOPBACK
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"{host}:0"
    return f"{host}:{port}"
