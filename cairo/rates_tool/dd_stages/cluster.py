"""Workers for a run: the only place that starts or finds a Dask cluster.

A LocalCluster listens on 127.0.0.1 alone. With `process_workers: 1` it lives in this process
and starts no other.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from cairo.errors import CairoError, ClusterError
from cairo.rates_tool.dd_stages.worker_processes import START_METHOD, WORKER_ENVIRON, prepare_workers
from cairo.rates_tool.lookups import HOURS

if TYPE_CHECKING:
    from distributed import Client

    from cairo.rates_tool.scenario import DaskSettings

LOOPBACK = "127.0.0.1"
BUILDINGS_WORTH_PROCESSES = 400
"""Below this many buildings reading them takes less time than starting worker processes."""

COLUMNS_IN_FLIGHT = 12
"""Copies of one (n, 8760) column a task may hold at once: frame columns, gathered rows,
intermediate products; measured at 8 to 10 for electricity, solar and gas together."""
SHARE_OF_MEMORY = 0.4
"""Part of a worker's memory limit its partitions may fill; Dask spills beyond 0.6."""


@dataclass(frozen=True)
class Sizing:
    """Workers and partitions of a run."""

    n_workers: int
    threads_per_worker: int
    processes: bool
    memory_limit: str | int | float
    partition_buildings: int


def sizing(settings: DaskSettings, process_workers: int | None, buildings: int) -> Sizing:
    """Workers and partition size for a number of buildings; every choice can be overridden.

    `n_workers` of the settings wins over `process_workers`, which wins over the CPU count.
    Worker processes pay from a few hundred buildings on. Partitions are small enough that
    every worker gets several and that a worker's tasks stay below its memory limit.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    asked = settings.n_workers or min(process_workers or cores, cores)
    processes = settings.processes
    if processes == "auto":
        processes = asked > 1 and (
            buildings >= BUILDINGS_WORTH_PROCESSES or settings.n_workers is not None
        )
    threads = settings.threads_per_worker or (1 if processes else asked)
    workers = asked if processes else settings.n_workers or 1
    memory = memory_bytes(settings.memory_limit, workers)
    partition = settings.partition_buildings
    if partition == "auto":
        partition = partition_size(buildings, workers * threads, memory // threads)
    return Sizing(workers, threads, bool(processes), settings.memory_limit, int(partition))


def memory_bytes(limit: str | int | float, workers: int) -> int:
    """Bytes of one worker's limit; "auto" is its share of the machine's memory."""
    from dask.utils import parse_bytes

    machine = psutil.virtual_memory().total
    if limit == "auto":
        return machine // max(workers, 1)
    if isinstance(limit, float) and limit <= 1:
        return int(limit * machine)
    return int(parse_bytes(limit)) or machine // max(workers, 1)


def partition_size(buildings: int, slots: int, memory: int) -> int:
    """Buildings of a partition: at most 64, at least 8 partitions a slot, within memory."""
    from cairo.rates_tool.dd_stages.frame import PARTITION_BUILDINGS

    column = HOURS * 8
    fitting = int(memory * SHARE_OF_MEMORY) // (COLUMNS_IN_FLIGHT * column)
    even = -(-buildings // (8 * slots))
    return max(1, min(PARTITION_BUILDINGS, even, fitting))


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
    import dask
    import distributed  # noqa: F401 - its defaults have to be in place before some are changed

    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_config()))
        try:
            client = _client(settings, size, stack)
        except CairoError:
            raise
        except Exception as error:
            # Clusters of other packages raise what they like when they cannot start.
            where = settings.scheduler_address or settings.scheduler_file or "local cluster"
            text = " ".join(str(error).split()) or type(error).__name__
            raise ClusterError(f"cannot start or reach Dask at {where}: {text}") from None
        link = dashboard_link(client, settings)
        if link:
            note(f"dashboard {link}")
        yield client


def dashboard_link(client: Client, settings: DaskSettings) -> str | None:
    """Where to watch the workers; an in-process scheduler has no host of its own to tell."""
    if client.scheduler is not None and client.scheduler.address.startswith("inproc://"):
        port = client.scheduler_info(n_workers=0)["services"].get("dashboard")
        host = (settings.dashboard_address or "").rpartition(":")[0] or LOOPBACK
        return f"http://{host}:{port}/status" if port else None
    link: str | None = client.dashboard_link
    return link


def _config() -> dict[str, Any]:
    return {
        # Workers that are told to close may log that they are cut off; errors reach us as such.
        "logging": {"distributed": "critical", "tornado.application": "critical"},
        "distributed.scheduler.allowed-failures": 5,
        "distributed.worker.multiprocessing-method": START_METHOD,
        "distributed.admin.large-graph-warning-threshold": "100MB",
        "distributed.worker.daemon": True,
        "distributed.worker.memory.monitor-interval": "200ms",
        **{f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in WORKER_ENVIRON.items()},
    }


def _client(settings: DaskSettings, size: Sizing, stack: ExitStack) -> Client:
    from distributed import Client

    security = _security(settings)
    if settings.scheduler_address or settings.scheduler_file:
        client = Client(
            address=settings.scheduler_address,
            scheduler_file=settings.scheduler_file,
            security=security,
            timeout="20s",
            set_as_default=False,
        )
        stack.callback(_close, client)
        _same_versions(client)
        return client
    cluster = stack.enter_context(_cluster(settings, size, security))
    client = Client(cluster, set_as_default=False)
    stack.callback(_close, client)
    return client


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
        with factory(**settings.cluster.arguments) as cluster:
            yield cluster
        return
    from distributed import LocalCluster

    if size.processes:
        prepare_workers()
    place = {"host": LOOPBACK} if size.processes else {}
    cluster = LocalCluster(
        n_workers=size.n_workers,
        threads_per_worker=size.threads_per_worker,
        processes=size.processes,
        memory_limit=size.memory_limit,
        dashboard_address=_free_dashboard(settings.dashboard_address),
        security=security,
        silence_logs=50,
        **place,
    )
    try:
        yield cluster
    finally:
        cluster.close(timeout=10)


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
    """Check that an existing cluster's workers have this package in this version."""
    import cairo

    def installed() -> str:
        import cairo

        return cairo.__version__

    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.wait_for_workers(1, timeout=60)
    for worker, version in client.run(installed, on_error="return").items():
        if version != cairo.__version__:
            found = version if isinstance(version, str) else f"no cairo ({version})"
            raise ClusterError(
                f"worker {worker} has cairo {found}, this process {cairo.__version__}: "
                "install the same version on every worker"
            )


def gathered(
    client: Client,
    parts: Sequence[Any],
    root: Any,
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
        finished = as_completed(part_futures, loop=client.loop)
        part_futures.clear()
        for future in finished:
            if future.status == "error":
                break
            done(place[future.key])
        return root_future.result()
    except KilledWorker as error:
        raise ClusterError(
            f"workers died repeatedly on one partition ({' '.join(str(error).split())[:200]}): "
            "give them more memory_limit or fewer partition_buildings"
        ) from None
    except (FutureCancelledError, asyncio.CancelledError, OSError, TimeoutError) as error:
        raise ClusterError(f"lost the Dask scheduler during the pass: {error}") from None
