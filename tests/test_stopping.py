"""A run that is stopped: one line, the signal's exit code, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cairo.runs.demo import LOADS
from cairo.stopping import held
from tests.cairo_process import ROOT, TWO_PROCESSES, CairoProcess, cairo_run, ended
from tests.dask_processes import scheduler, worker
from tests.signal_shots import targets
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


def check_stopped(run: CairoProcess, way: str, *, or_done: bool = False) -> None:
    """Send a signal and see the run end as it should, or done when it came too late to matter."""
    number, group, line = WAYS[way]
    run.send(number, group)
    ended = run.end()
    if or_done and list(run.outputs.glob("2*/run.json")):
        assert ended == (0, [])
        return
    assert ended == (128 + number, [line])
    assert run.left() == []


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_stopped_at_any_moment_leaves_nothing(
    scenario: Path, tmp_path: Path, moment: str, way: str
) -> None:
    with cairo_run(scenario, tmp_path) as run:
        run.wait_until(lambda: MOMENTS[moment](run))
        check_stopped(run, way, or_done=moment == "writing")


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


@pytest.mark.parametrize("times", [1, 2])
def test_a_pack_that_is_stopped_leaves_nothing_half_written(
    tmp_path: Path, scenario: Path, times: int
) -> None:
    packed, loads = tmp_path / "packed", scenario.parents[2] / LOADS
    with ended(CairoProcess(tmp_path, "pack", loads, packed)) as run:
        run.wait_until(lambda: list(packed.glob("*.writing")))
        for _ in range(times):
            run.send(signal.SIGINT, group=False)
            time.sleep(0.01)
        code, lines = run.end()
    left = {path.name for path in packed.iterdir()}
    if code == 0:
        assert (lines, left) == ([], {"_cairo_pack.json", "part-00000.parquet"})
        return
    assert code == 130
    assert lines in (["interrupted"], ["interrupted: what was asked for is complete"])
    assert not {name for name in left if name.endswith((".writing", ".lock"))}


HELD_UP = """
import ctypes, os, signal, sys, threading, time
from cairo import stopping

stopping.CLEANING_SECONDS = float(sys.argv[1])
stopping.catch(own=True)
lock = ctypes.create_string_buffer(256)
system = ctypes.CDLL(None)
threading.Timer(0.5, print, ["ready"], {"flush": True}).start()
system.pthread_mutex_lock(lock)
system.pthread_mutex_lock(lock)  # for good, and no signal cuts it short
"""


@pytest.mark.parametrize(
    ("limit", "signals"),
    [("0.5", [signal.SIGTERM]), ("600", [signal.SIGTERM, signal.SIGTERM])],
    ids=["once", "twice"],
)
def test_what_the_system_holds_up_for_good_is_ended_by_a_signal(
    limit: str, signals: list[signal.Signals]
) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HELD_UP, limit],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in signals:
            process.send_signal(number)
            time.sleep(0.1)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (143, "terminated\n")


GIVEN_UP = """
import sys, threading, time
from pathlib import Path
from cairo.stopping import always_removed_at_once, catch, end_soon
from cairo.workers import limits

left = Path(sys.argv[1])
limits.KILLED_SECONDS = limits.AGAIN_SECONDS

def on_and_on():
    while True:
        left.touch()
        time.sleep(0.2)

catch(own=True)
always_removed_at_once(lambda: left.unlink(missing_ok=True))
try:
    limits.within(0.1, on_and_on, limits.OwnChildren())
except limits.TooLong:
    # Python waits for it at its end.
    threading.Thread(target=time.sleep, args=[60]).start()
    sys.exit(2)
finally:
    end_soon()
"""


def test_a_thread_that_is_given_up_does_nothing_more(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", GIVEN_UP, str(tmp_path / "left")]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=15)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (2, "", [])


EARLY = """
import os, signal, sys
sys.argv = [sys.argv[1]]
import cairo
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize("name", ["/usr/bin/cairo", "-m", "script.py"])
def test_only_the_command_lets_its_first_moments_be_ended_without_a_traceback(name: str) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", EARLY, name]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=20)
    assert done.returncode == -signal.SIGINT
    assert ("KeyboardInterrupt" in done.stderr) == (name == "script.py")


def test_a_study_stopped_half_way_keeps_what_is_whole(scenario: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    arguments = ["run", scenario, "--all", "--output-dir", outputs]
    with ended(CairoProcess(tmp_path, *arguments)) as run:
        run.wait_until(lambda: list(outputs.glob("[!.]*")))
        run.send(signal.SIGINT, group=True)
        assert run.end() == (130, ["interrupted"])
        places = list(outputs.iterdir())
        assert {(place / "run.json").is_file() for place in places} == {True}
        assert len(places) < len(yaml.safe_load(scenario.read_text())["runs"])
        assert run.processes_left() == []


@pytest.mark.parametrize("backend", ["pandas", "dask_dataframe"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_whose_resource_tracker_is_gone_or_stopped_is_done(
    scenario: Path, tmp_path: Path, backend: str, number: signal.Signals
) -> None:
    with cairo_run(scenario, tmp_path, "--backend", backend) as run:
        run.wait_until(lambda: targets(run, "resource tracker"))
        for tracker in targets(run, "resource tracker"):
            tracker.send_signal(number)
        assert run.end() == (0, [])
        assert run.processes_left() == []
        assert list(run.temporary.iterdir()) == []
