"""That a wait for a cluster ends, when nobody will do what is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future as ThreadFuture
from typing import TYPE_CHECKING

from cairo.errors import ClusterError
from cairo.workers.patience import patience

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK_SECONDS = 2.0

Workers = dict[str, dict[str, object]]


class Watch:
    """Looks at the workers of a cluster now and then.

    A worker lives as long as the scheduler hears of it. Time in which this process does not run,
    as when a laptop sleeps, does not count.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._patience = patience()
        self._heard: dict[str, object] = {}
        self._looked = self._alive = self._busy = time.monotonic()

    def progress(self) -> None:
        """Something has been done."""
        self._alive = self._busy = time.monotonic()

    def result(self, future: Future[object]) -> object:
        """What a finished future holds, or what it raises."""
        fetched: ThreadFuture[object] = ThreadFuture()

        def fetch() -> None:
            try:
                fetched.set_result(future.result())
            except BaseException as error:
                fetched.set_exception(error)

        thread = threading.Thread(target=fetch, name="cairo-result", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            self._busy = time.monotonic()
            self.look()
        return fetched.result()

    def look(self) -> None:
        """Look, unless that was done just now.

        Raises
        ------
        ClusterError
            No worker lives, or none has taken up what there is to do.
        """
        now = time.monotonic()
        since = now - self._looked
        if since < LOOK_SECONDS:
            return
        if since > 5 * LOOK_SECONDS:
            self.progress()
        self._looked = now
        workers = self._workers()
        self._looked = now = time.monotonic()
        if workers is not None:
            heard = {address: about["last_seen"] for address, about in workers.items()}
            if any(seen != self._heard.get(address) for address, seen in heard.items()):
                self._alive = now
            self._heard = heard
            if any(_has_work(about) for about in workers.values()):
                self._busy = now
        if now - self._alive > self._patience:
            raise ClusterError(
                f"the Dask cluster has had no worker that answers for {self._patience:.0f} seconds"
            )
        if now - self._busy > self._patience:
            raise ClusterError(
                f"no worker of the Dask cluster has taken up any work for {self._patience:.0f} "
                "seconds: workers short of memory take none"
            )

    def _workers(self) -> Workers | None:
        """What the scheduler knows of its workers; None when it does not answer."""
        client = self._client
        try:
            found: dict[str, Workers] = client.sync(
                getattr(client.scheduler, "identity"),  # noqa: B009 - a remote call of any name
                n_workers=-1,
                callback_timeout=5,
            )
        except (OSError, TimeoutError, RuntimeError):
            return None
        return found["workers"]


def _has_work(about: Mapping[str, object]) -> bool:
    metrics = about.get("metrics")
    counts = metrics.get("task_counts") if isinstance(metrics, dict) else None
    if not isinstance(counts, dict):
        return True
    return any(counts.get(state) for state in ("executing", "long-running", "flight", "fetch"))
