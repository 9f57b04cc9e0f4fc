"""Workers for a run: the only place that starts or finds a Dask cluster.

A LocalCluster listens on 127.0.0.1 alone. With `process_workers: 1` it lives in this process
and starts no other.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairo.errors import CairoError, ClusterError, one_line
from cairo.files.leftovers import of_this_process, sweep
from cairo.files.reading import small_file
from cairo.files.recorded_options import CLUSTER, told
from cairo.stopping import held, is_command, removed_at_once
from cairo.workers.certificates import own_security
from cairo.workers.let_go import let_go
from cairo.workers.limits import OwnChildren, TooLong, within
from cairo.workers.patience import patience
from cairo.workers.sizing import Sizing, sizing
from cairo.workers.turns import own_turn
from cairo.workers.waiting import Watch
from cairo.workers.worker_processes import (
    START_METHOD,
    UNGUARDED,
    WORKER_ENVIRON,
    environ_kept,
    existing_folder,
    not_while_starting,
    prepare_workers,
    temporary_folder,
)

if TYPE_CHECKING:
    from dask.delayed import Delayed
    from distributed import Client

    from cairo.workers.settings import DaskSettings

__all__ = [
    "LOOPBACK",
    "Sizing",
    "connected",
    "current_client",
    "dashboard_link",
    "gathered",
    "sizing",
]

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 10.0
"""How long a scheduler may take to answer, or to write its file."""
LOGGERS = ("distributed", "distributed.client", "tornado.application")
"""Those that Dask gives a level of their own."""
SERVERS = tuple(f"distributed.{kind}" for kind in ("nanny", "scheduler", "worker"))
"""Loggers that each server adds a handler to and never takes it back."""
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
NANNY_FAILED = "Nanny failed"
"""In what Dask says of a worker that has ended while it started."""
CLOSE_SECONDS = 15.0
"""How long they may take to end, before they are made to."""


@contextmanager
def connected(
    settings: DaskSettings,
    size: Sizing,
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[Client]:
    """A client of the cluster the settings ask for: an existing one, a class, or local workers.

    Parameters
    ----------
    settings : `dask` section of the scenario.
    size : from `sizing`.
    note : told the dashboard's address.

    Raises
    ------
    ClusterError
        It cannot be started or reached.
    """
    not_while_starting()
    import dask
    import distributed  # noqa: F401 - its defaults have to be in place before some are changed

    # A local cluster takes a second to start or end and cannot be closed when cut short.
    own = not (settings.cluster or settings.scheduler_address or settings.scheduler_file)
    whole = held if own else nullcontext
    children = OwnChildren()
    stack = ExitStack()

    def start() -> Client:
        try:
            return _client(settings, size, stack, note)
        except Exception as error:  # Dask's own, of many classes: their text tells what failed
            if not own or NANNY_FAILED not in str(_first_cause(error)):
                raise
            # A worker was killed while it started: all are started once more.
            stack.close()
            return _client(settings, size, stack, note)

    with (
        own_turn() if own else nullcontext(),
        dask.config.set(_config(size.processes) | (SERVED if own else {})),
        environ_kept(_left_behind()),
        existing_folder(),
        _quiet(),
    ):
        try:
            try:
                with whole():
                    client = within(patience(), start, children) if own else start()
            except CairoError:
                raise
            except TooLong:
                raise ClusterError(
                    f"worker processes have not started within {patience():.0f} seconds"
                ) from None
            except Exception as error:  # clusters of other packages raise anything
                raise _not_started(settings, error) from None
            link = dashboard_link(client, settings)
            if link:
                note(f"dashboard {link}{_open_to(link) if own else ''}")
            yield client
        finally:
            with whole():
                if own:
                    _closed(stack, children)
                    let_go()
                else:
                    stack.close()


def _closed(stack: ExitStack, children: OwnChildren) -> None:
    """Close a cluster of this machine; workers that do not end are made to."""
    try:
        within(CLOSE_SECONDS, stack.close, children)
    except TooLong:
        return
    except (OSError, TimeoutError):
        # A worker that is stopped or gone does not answer that it ends.
        children.kill()


def _not_started(settings: DaskSettings, error: Exception) -> ClusterError:
    """What clusters of other packages raise, which may be anything, as one line."""
    where = settings.scheduler_address or settings.scheduler_file
    own = where is None and settings.cluster is None
    if where is None:
        where = settings.cluster.class_ if settings.cluster else "local cluster"
    cause = _first_cause(error)
    # Dask quotes an address without what comes before its host.
    user = (settings.scheduler_address or "").rpartition("://")[2].rpartition("@")[0]
    given = {"user": user} | (settings.cluster.arguments if settings.cluster else {})
    problem = f"cannot start or reach Dask at {where}: {told(cause, given, CLUSTER, 300)}"
    if own and NANNY_FAILED in problem and "cairo.cli" not in sys.modules:
        problem += f"; {UNGUARDED}"
    return ClusterError(problem)


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _left_behind() -> set[str]:
    """Variables that Dask sets in this process too when it starts workers."""
    import dask

    theirs = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    return {*WORKER_ENVIRON, *theirs, "PYTHONHASHSEED", "__DASK_PARENT_PID"}


def current_client() -> Client | None:
    """The caller's own running client, when there is one."""
    from distributed import Client

    try:
        running: Client = Client.current(allow_global=True)
    except ValueError:
        return None
    return running


def dashboard_link(client: Client, settings: DaskSettings) -> str | None:
    """Where to watch the workers; an in-process scheduler has no host of its own to tell."""
    address = getattr(client.scheduler, "address", None) or ""
    if address.startswith("inproc://"):
        port = client.scheduler_info(n_workers=0)["services"].get("dashboard")
        host = (settings.dashboard_address or "").rpartition(":")[0] or LOOPBACK
        return f"http://{host}:{port}/status" if port else None
    link: str | None = client.dashboard_link
    return link


def _open_to(link: str) -> str:
    """Who may look at a dashboard: it asks nobody who they are."""
    here = link.startswith((f"http://{LOOPBACK}:", "http://localhost:"))
    return f" (open to {'users of this machine' if here else 'all who reach this machine'})"


def _config(processes: bool) -> dict[str, object]:
    # Threads of this process are silent when it has been suspended, and nobody restarts them.
    ttl = {"distributed.scheduler.worker-ttl": f"{patience():.0f}s"} if processes else {}
    return {
        **ttl,
        # Workers that are told to close may log that they are cut off; errors reach us as such.
        "logging": {"distributed": "critical", "tornado.application": "critical"},
        "distributed.scheduler.allowed-failures": 5,
        "distributed.worker.multiprocessing-method": START_METHOD,
        "distributed.admin.large-graph-warning-threshold": "100MB",
        "distributed.worker.daemon": True,
        "distributed.worker.memory.monitor-interval": "200ms",
        **{f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in WORKER_ENVIRON.items()},
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask logs from the terminal: what matters of it reaches us as errors.

    In a command that is for good, as some of it comes when Python ends.
    """
    names = (*LOGGERS, "asyncio") if is_command() else LOGGERS
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    handlers = {name: list(logging.getLogger(name).handlers) for name in SERVERS}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    if is_command():
        # Between looking for a free port and taking it another may have taken it.
        warnings.filterwarnings("ignore", message="Port .* is already in use")
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            if not is_command():
                logger.setLevel(level)
        for name, before in handlers.items():
            logging.getLogger(name).handlers = before


def _client(
    settings: DaskSettings, size: Sizing, stack: ExitStack, note: Callable[[str], None]
) -> Client:
    from distributed import Client

    security = _security(settings)
    address = settings.scheduler_address
    if address is None and settings.scheduler_file:
        address = _written_address(settings.scheduler_file)
    if address:
        _check_address(address)
        client = Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
        stack.callback(_close, client)
        _same_versions(client)
        return client
    cluster = stack.enter_context(_cluster(settings, size, security))
    client = Client(cluster, set_as_default=False)
    stack.callback(_close, client)
    if settings.cluster is not None:
        if settings.cluster.n_workers is not None:
            # A batch system may keep them waiting for hours: no limit but the user's patience.
            note(f"waiting for {settings.cluster.n_workers} workers")
            cluster.scale(settings.cluster.n_workers)
            client.wait_for_workers(settings.cluster.n_workers)
        _same_versions(client)
    return client


def _check_address(address: str) -> None:
    """Refuse an address that Dask would fail on half way, with a client it cannot close."""
    from distributed.comm.addressing import get_address_host_port

    if address.startswith(("tcp://", "tls://")):
        get_address_host_port(address, strict=True)


def _written_address(path: str) -> str:
    """The address in a scheduler file, which a scheduler that is starting may be yet to write."""
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return str(json.loads(small_file(Path(path)))["address"])
        except FileNotFoundError:
            problem = "does not exist"
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        except (ValueError, KeyError, TypeError):
            problem = "holds no scheduler's address"
        if time.monotonic() > end:
            raise ClusterError(
                f"dask.scheduler_file {path} {problem}, expected what "
                "`dask scheduler --scheduler-file` writes"
            )
        time.sleep(0.1)


def _close(client: Client) -> None:
    # With the scheduler gone there is nothing left to close.
    with suppress(OSError, TimeoutError, RuntimeError):
        client.close(timeout=5)


@contextmanager
def _cluster(settings: DaskSettings, size: Sizing, security: Any) -> Iterator[Any]:
    if settings.cluster is not None:
        module, _, name = settings.cluster.class_.rpartition(".")
        try:
            factory = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ClusterError(
                f"dask.cluster.class {settings.cluster.class_} cannot be imported: {error}"
            ) from None
        if not _is_cluster(factory, name):
            raise ClusterError(
                f"dask.cluster.class {settings.cluster.class_} is no cluster, expected a class "
                "such as dask_jobqueue.SLURMCluster"
            )
        with factory(**settings.cluster.arguments) as cluster:
            yield cluster
        return
    if size.processes:
        prepare_workers()
    dashboard = _free_dashboard(settings.dashboard_address)
    with _scratch_folder():
        cluster = _local_cluster()(
            n_workers=size.n_workers,
            threads_per_worker=size.threads_per_worker,
            processes=size.processes,
            memory_limit=size.memory_limit,
            dashboard_address=dashboard,
            # Threads of this process are reached by no port.
            security=security or (own_security() if size.processes else None),
            silence_logs=50,
            # Without a dashboard there still is an HTTP server, on all interfaces unless told.
            scheduler_kwargs={} if dashboard else {"dashboard_address": f"{LOOPBACK}:0"},
            **({"host": LOOPBACK} if size.processes else {"worker_class": _thread_worker()}),
        )
        try:
            yield cluster
        finally:
            cluster.close(timeout=10)


def _is_cluster(factory: object, name: str) -> bool:
    """Whether calling it makes a cluster: not all packages derive theirs from Dask's."""
    from distributed.deploy.cluster import Cluster

    derived = isinstance(factory, type) and issubclass(factory, Cluster)
    return derived or (callable(factory) and name.endswith("Cluster"))


@contextmanager
def _scratch_folder() -> Iterator[None]:
    """A place of our own for what workers spill: Dask shares one and never removes it."""
    import dask

    place = dask.config.get("temporary-directory", None) or temporary_folder()
    Path(place).mkdir(parents=True, exist_ok=True)
    sweep(Path(place), SCRATCH)
    with (
        tempfile.TemporaryDirectory(
            prefix=f"{SCRATCH}{of_this_process()}", dir=place, ignore_cleanup_errors=True
        ) as folder,
        removed_at_once(lambda: shutil.rmtree(folder, ignore_errors=True)),
        dask.config.set({"temporary-directory": folder}),
    ):
        yield


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


def _security(settings: DaskSettings) -> Any:
    tls = settings.security
    if tls is None:
        return None
    from distributed import Security

    return Security(
        tls_ca_file=tls.ca_file,
        tls_client_cert=tls.cert,
        tls_client_key=tls.key,
        tls_worker_cert=tls.cert,
        tls_worker_key=tls.key,
        tls_scheduler_cert=tls.cert,
        tls_scheduler_key=tls.key,
        require_encryption=tls.require_encryption,
    )


def _same_versions(client: Client) -> None:
    """Check that a cluster has workers, and that they have this package in this version."""
    import cairo

    def installed() -> str:
        import cairo

        return cairo.__version__

    if not client.scheduler_info(n_workers=-1)["workers"]:
        address = getattr(client.scheduler, "address", "an unknown address")
        try:
            client.wait_for_workers(1, timeout=patience())
        except TimeoutError:
            raise ClusterError(
                f"the Dask scheduler at {address} has had no worker for "
                f"{patience():.0f} seconds: start workers, or give dask.cluster n_workers"
            ) from None
    for worker, version in client.run(installed, on_error="return").items():
        if version != cairo.__version__:
            found = version if isinstance(version, str) else f"no cairo ({version})"
            raise ClusterError(
                f"worker {worker} has cairo {found}, this process {cairo.__version__}: "
                "install the same version on every worker"
            )


def gathered(
    client: Client,
    parts: Sequence[Delayed],
    root: Delayed,
    done: Callable[[int], None] = lambda place: None,
) -> Any:
    """Compute `root`, telling `done` the place of each of the parts under it as it finishes.

    Raises
    ------
    ClusterError
        The scheduler or too many workers were lost.
    CairoError
        What a task itself raised, such as `LoadError`.
    """
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    try:
        *part_futures, root_future = client.compute([*parts, root])
        place = {future.key: i for i, future in enumerate(part_futures)}
        finished = as_completed([*part_futures, root_future], loop=client.loop)
        part_futures.clear()
        watch = Watch(client)
        while True:
            while not finished.has_ready():
                watch.look()
                with finished.thread_condition:
                    finished.thread_condition.wait(timeout=0.1)
            future = next(finished)
            if future.status != "finished" or future.key == root_future.key:
                break
            watch.progress()
            done(place[future.key])
        return watch.result(root_future)
    except KilledWorker as error:
        raise ClusterError(
            f"{error.allowed_failures + 1} workers died one after another on one partition: "
            "give them more memory_limit or fewer partition_buildings"
        ) from None
    except (FutureCancelledError, asyncio.CancelledError):
        raise ClusterError(
            "lost the Dask scheduler during the pass: it has ended or cannot be reached any more"
        ) from None
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"lost the Dask scheduler during the pass: {one_line(error, 300)}"
        ) from None
