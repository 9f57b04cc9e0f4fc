"""Workers for a run: a cluster of its own, one that others have started, or one of a class.

A LocalCluster listens on 127.0.0.1 alone. With `process_workers: 1` it lives in this process
and starts no other.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from cairo.errors import CairoError, ClusterError
from cairo.files.recorded_options import CLUSTER, told
from cairo.stopping import held
from cairo.workers.dask_logs import quiet
from cairo.workers.given_cluster import (
    CONNECT_SECONDS,
    check_versions,
    cluster_of_class,
    written_address,
)
from cairo.workers.let_go import let_go
from cairo.workers.limits import OwnChildren, TooLong, within
from cairo.workers.own_cluster import LOOPBACK, SERVED, closed, own_cluster, scratch_folder
from cairo.workers.patience import patience
from cairo.workers.sizing import Sizing, sizing
from cairo.workers.turns import own_turn
from cairo.workers.worker_processes import (
    START_METHOD,
    UNGUARDED,
    WORKER_ENVIRON,
    environ_kept,
    existing_folder,
    not_while_starting,
)

if TYPE_CHECKING:
    from distributed import Client

    from cairo.workers.settings import DaskSettings

__all__ = ["Sizing", "connected", "current_client", "dashboard_link", "sizing"]

NANNY_FAILED = "Nanny failed"
"""In what Dask says of a worker that has ended while it started."""


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
    stack, scratch = ExitStack(), ExitStack()
    sources = frozenset(linecache.cache)

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
        quiet(),
    ):
        try:
            try:
                with whole():
                    if own:
                        scratch.enter_context(scratch_folder())
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
                    closed(stack, children)
                    scratch.close()
                    let_go(sources)
                else:
                    stack.close()


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


def _client(
    settings: DaskSettings, size: Sizing, stack: ExitStack, note: Callable[[str], None]
) -> Client:
    from distributed import Client

    security = _security(settings)
    address = settings.scheduler_address
    if address is None and settings.scheduler_file:
        address = written_address(settings.scheduler_file)
    if address:
        _check_address(address)
        client = Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
        stack.callback(_close, client)
        check_versions(client)
        return client
    made = (
        own_cluster(settings, size, security)
        if settings.cluster is None
        else cluster_of_class(settings.cluster)
    )
    cluster = stack.enter_context(made)
    client = Client(cluster, set_as_default=False)
    stack.callback(_close, client)
    if settings.cluster is not None:
        if settings.cluster.n_workers is not None:
            # A batch system may keep them waiting for hours: no limit but the user's patience.
            note(f"waiting for {settings.cluster.n_workers} workers")
            cluster.scale(settings.cluster.n_workers)
            client.wait_for_workers(settings.cluster.n_workers)
        check_versions(client)
    return client


def _check_address(address: str) -> None:
    """Refuse an address that Dask would fail on half way, with a client it cannot close."""
    from distributed.comm.addressing import get_address_host_port

    if address.startswith(("tcp://", "tls://")):
        get_address_host_port(address, strict=True)


def _close(client: Client) -> None:
    # With the scheduler gone there is nothing left to close.
    with suppress(OSError, TimeoutError, RuntimeError):
        client.close(timeout=5)


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
