"""Clusters that others have started, or whose class the settings name."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairo.errors import ClusterError
from cairo.files.reading import small_file
from cairo.workers.patience import patience

if TYPE_CHECKING:
    from distributed import Client

    from cairo.workers.settings import ClusterSettings

CONNECT_SECONDS = 10.0
"""How long a scheduler may take to answer, or to write its file."""


@contextmanager
def cluster_of_class(settings: ClusterSettings) -> Iterator[Any]:
    """A cluster of the class that the settings name, for the block.

    Raises
    ------
    ClusterError
        There is no such class.
    """
    module, _, name = settings.class_.rpartition(".")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ClusterError(
            f"dask.cluster.class {settings.class_} cannot be imported: {error}"
        ) from None
    if not _is_cluster(factory, name):
        raise ClusterError(
            f"dask.cluster.class {settings.class_} is no cluster, expected a class "
            "such as dask_jobqueue.SLURMCluster"
        )
    with factory(**settings.arguments) as cluster:
        yield cluster


def _is_cluster(factory: object, name: str) -> bool:
    """Whether calling it makes a cluster: not all packages derive theirs from Dask's."""
    from distributed.deploy.cluster import Cluster

    derived = isinstance(factory, type) and issubclass(factory, Cluster)
    return derived or (callable(factory) and name.endswith("Cluster"))


def written_address(path: str) -> str:
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


def check_versions(client: Client) -> None:
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
