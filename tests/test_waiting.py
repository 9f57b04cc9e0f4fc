"""A wait for workers that will never answer ends, in one line."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from dask.delayed import delayed

from cairo.errors import ClusterError
from cairo.workers import cluster
from cairo.workers.patience import VARIABLE
from cairo.workers.settings import DaskSettings

SECONDS = 6.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{SECONDS}")


@pytest.fixture
def stopped() -> Iterator[list[psutil.Process]]:
    """Processes that a test has stopped, which nobody must wait for afterwards."""
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        if process.is_running():
            process.kill()


def test_workers_that_are_all_stopped_for_good_end_the_wait(
    stopped: list[psutil.Process],
) -> None:
    settings = DaskSettings(processes=True, n_workers=1, dashboard_address=None)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    size = cluster.sizing(settings, 1, 4)
    start = time.monotonic()
    with (
        pytest.raises(ClusterError, match="worker") as raised,
        cluster.connected(settings, size) as client,
    ):
        client.wait_for_workers(1)
        parts = [delayed(time.sleep)(n, dask_key_name=f"sleep-{n}") for n in (100, 101)]
        for child in psutil.Process().children(recursive=True):
            if child.pid not in before and "resource_tracker" not in " ".join(child.cmdline()):
                stopped.append(child)
                child.send_signal(signal.SIGSTOP)
        cluster.gathered(client, parts, delayed(list)(parts))
    assert "\n" not in str(raised.value)
    assert time.monotonic() - start < 60.0
