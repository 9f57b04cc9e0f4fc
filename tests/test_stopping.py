"""A run that is stopped: one line, the signal's exit code, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cairo.stopping import held
from tests.cairo_process import ROOT, TWO_PROCESSES, CairoProcess, cairo_run
from tests.dask_processes import scheduler, worker
from tests.whole_runs import Demo, make_demo

MOMENTS = {
    "imports": lambda run: run.children(),
    "inputs": lambda run: run.said("inputs"),
    "start of workers": lambda run: run.said("workers"),
    "pass": lambda run: run.said("pass over the loads"),
    "bills": lambda run: run.said("bills, rates"),
    "writing": lambda run: list(run.outputs.glob(".*partial*/*")),
}
WAYS = {
    "Ctrl-C": (signal.SIGINT, True, "interrupted"),
    "SIGINT": (signal.SIGINT, False, "interrupted"),
    "SIGTERM": (signal.SIGTERM, False, "terminated"),
    "SIGHUP": (signal.SIGHUP, False, "terminated"),
    "SIGTERM to all": (signal.SIGTERM, True, "terminated"),
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with two worker processes."""
    folder = tmp_path_factory.mktemp("source")
    demo = Demo(make_demo(folder / "made", 24), folder / "demo")
    demo.settings(TWO_PROCESSES)
    return demo.scenario


def check_stopped(run: CairoProcess, way: str) -> None:
    """Send a signal and see the run end as it should."""
    number, group, line = WAYS[way]
    run.send(number, group)
    assert run.end() == (128 + number, [line])
    assert run.left() == []


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_stopped_at_any_moment_leaves_nothing(
    scenario: Path, tmp_path: Path, moment: str, way: str
) -> None:
    with cairo_run(scenario, tmp_path) as run:
        run.wait_until(lambda: MOMENTS[moment](run))
        check_stopped(run, way)


@pytest.mark.parametrize("way", ["SIGINT", "SIGHUP", "SIGTERM to all"])
def test_a_pass_stopped_by_any_signal_leaves_nothing(
    scenario: Path, tmp_path: Path, way: str
) -> None:
    with cairo_run(scenario, tmp_path) as run:
        run.wait_until(lambda: MOMENTS["pass"](run))
        check_stopped(run, way)


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("backend", ["pandas", "dask_delayed"])
def test_a_pool_of_processes_is_stopped_with_its_run(
    scenario: Path, tmp_path: Path, backend: str, way: str
) -> None:
    with cairo_run(scenario, tmp_path, "--backend", backend) as run:
        run.wait_until(lambda: len(run.children()) >= 2)
        check_stopped(run, way)


def test_impatience_does_not_cut_the_cleaning_short(scenario: Path, tmp_path: Path) -> None:
    with cairo_run(scenario, tmp_path) as run:
        run.wait_until(lambda: MOMENTS["pass"](run))
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            run.send(number, group=True)
        code, lines = run.end()
        # Several that arrive at once have no order.
        assert (code, lines) in [(130, ["interrupted"]), (143, ["terminated"])]
        assert run.left() == []


def test_a_finished_run_leaves_its_directory_alone(scenario: Path, tmp_path: Path) -> None:
    with cairo_run(scenario, tmp_path) as run:
        assert run.end() == (0, [])
        (place,) = run.outputs.iterdir()
        assert all(name.startswith(f"{place}/") or name == str(place) for name in run.left())


def test_a_scheduler_killed_on_the_way_is_one_line(scenario: Path, tmp_path: Path) -> None:
    demo = Demo(scenario.parents[2], tmp_path / "demo")
    with scheduler(tmp_path) as (process, file), worker(file, "one"):
        demo.settings({"dask": {"partition_buildings": 1, "scheduler_file": str(file)}})
        with cairo_run(demo.scenario, tmp_path / "run") as run:
            run.wait_until(lambda: run.said("pass over the loads"))
            process.kill()
            code, lines = run.end()
            assert (code, len(lines)) == (2, 1), lines
            assert lines[0].startswith("error: lost the Dask scheduler during the pass: ")
            assert run.left() == []


def test_a_held_signal_is_raised_when_the_block_has_ended() -> None:
    ended = False
    with pytest.raises(KeyboardInterrupt), held():
        signal.raise_signal(signal.SIGINT)
        ended = True
    assert ended
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_held_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


IN_A_DESTRUCTOR = """
import os, signal, time
from cairo.stopping import Stopped, catch

class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

catch()
try:
    thing = Thing()
    del thing
    time.sleep(30)
except Stopped as stop:
    stop.leave()
"""


def test_a_signal_that_python_drops_in_a_destructor_is_not_lost() -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", IN_A_DESTRUCTOR]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=20)
    assert (done.returncode, done.stderr) == (143, "terminated\n")
