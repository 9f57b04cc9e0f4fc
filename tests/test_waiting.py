"""A wait for workers that will never answer ends, in one line and with nothing left behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest
from dask.delayed import delayed

from cairo.errors import ClusterError
from cairo.workers import cluster
from cairo.workers.gathering import gathered
from cairo.workers.patience import VARIABLE, patience
from cairo.workers.pools import Pool, process_pool
from cairo.workers.settings import DaskSettings
from tests.cairo_process import TWO_PROCESSES, CairoProcess, ended
from tests.signal_shots import targets
from tests.whole_runs import RUN, Demo, make_demo

SECONDS = 4.0


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
        gathered(client, parts, delayed(list)(parts))
    assert "\n" not in str(raised.value)
    assert time.monotonic() - start < 60.0


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with two worker processes."""
    folder = tmp_path_factory.mktemp("source")
    demo = Demo(make_demo(folder / "made", 12), folder / "demo")
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    return demo.scenario


LOST = {
    "fork server stopped while workers start": ("fork server", signal.SIGSTOP, "workers"),
    "workers stopped while they start": ("all workers", signal.SIGSTOP, "workers"),
    "a worker stopped in the pass": ("worker", signal.SIGSTOP, "pass over the loads"),
    "all workers stopped in the pass": ("all workers", signal.SIGSTOP, "pass over the loads"),
    "all killed while they start": ("fork server and workers", signal.SIGKILL, "workers"),
    "all killed in the pass": ("fork server and workers", signal.SIGKILL, "pass over the loads"),
}


def ends(scenario: Path, folder: Path, backend: str, lose: Callable[[CairoProcess], None]) -> str:
    """The one line, if any, of a run that ends by itself after some of its processes are lost."""
    arguments = ["run", scenario, RUN, "--backend", backend, "--output-dir", folder / "outputs"]
    environ = {VARIABLE: f"{SECONDS}"}
    with ended(CairoProcess(folder, *arguments, environ=environ)) as run:
        lose(run)
        code, lines = run.end(90)
        assert code == (2 if lines else 0), lines
        assert len(lines) <= 1
        left = run.left()
        if code == 0:
            (place,) = run.outputs.iterdir()
            left = [one for one in left if not one.startswith(str(place))]
        assert left == []
    return "".join(lines)


LONG = (
    "workers stopped while they start",
    "a worker stopped in the pass",
    "all killed while they start",
)


@pytest.mark.parametrize(
    "what",
    [pytest.param(one, marks=[pytest.mark.long] if one in LONG else []) for one in LOST],
)
def test_a_run_whose_workers_are_lost_ends(scenario: Path, tmp_path: Path, what: str) -> None:
    kind, number, stage = LOST[what]

    def lose(run: CairoProcess) -> None:
        run.wait_until(lambda: run.said(stage) and targets(run, kind))
        for process in targets(run, kind):
            process.send_signal(number)

    line = ends(scenario, tmp_path, "dask_dataframe", lose)
    assert not line or line.startswith("error: ")


@pytest.mark.parametrize(
    "backend", ["pandas", pytest.param("dask_delayed", marks=pytest.mark.long)]
)
def test_a_pool_that_is_stopped_ends_the_run(scenario: Path, tmp_path: Path, backend: str) -> None:
    def lose(run: CairoProcess) -> None:
        # Lost while they start they would be started again.
        run.wait_until(lambda: run.said("demand by period") and targets(run, "pool process"))
        for process in targets(run, "pool process"):
            process.send_signal(signal.SIGSTOP)

    line = ends(scenario, tmp_path, backend, lose)
    assert line == f"error: worker processes have been stopped for {SECONDS:.0f} seconds"


def test_a_pool_that_does_nothing_ends_the_run() -> None:
    with pytest.raises(ClusterError) as raised, process_pool(2) as pool:
        pool.submit(time.sleep, 600).result()
    assert str(raised.value) == f"worker processes have done nothing for {SECONDS:.0f} seconds"


def test_a_process_that_ends_while_the_next_one_starts_has_broken_the_pool() -> None:
    class Unlucky(Pool):
        def _spawn_process(self) -> None:
            queue = self._call_queue
            for process in list(self._processes.values()):
                process.kill()
                end = time.monotonic() + 3
                # Pythons that do this under the lock which is held here do it afterwards.
                while not queue._reader.closed and time.monotonic() < end:
                    time.sleep(0.01)
            super()._spawn_process()

    pool = Unlucky(2)
    try:
        with pytest.raises(BrokenProcessPool):
            pool.start(2)
        assert pool.killed_while_starting()
    finally:
        pool.end(at_once=True)


@pytest.mark.parametrize("given", ["soon", "0", "nan", "inf", "-5"])
def test_a_patience_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(ClusterError, match=f"{VARIABLE} is {given}, expected seconds"):
        patience()
