"""A disk or a server that stops answering holds no command for good: signals end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cairo.runs.demo import LOADS, METADATA
from tests.cairo_process import ROOT, TWO_PROCESSES, CairoProcess, ended
from tests.hung_disk import hung_disk
from tests.whole_runs import RUN, Demo, make_demo

SCENARIO = "rates/scenarios/scenarios_demo.yaml"
LOAD = "-0.parquet"
SHOWN = {SCENARIO, LOADS, "done"}
GAP, AFTER = 1.2, 4.0
"""Seconds between the two signals, and those that the end may take after the second."""
ONCE = 16.0 + 4.0


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stock and a run of it, to be shown by a disk that hangs."""
    folder = tmp_path_factory.mktemp("source")
    demo = Demo(make_demo(folder / "made", 8), folder / "demo")
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    demo.run(backend="pandas", output_dir=demo.folder / "outputs").rename(demo.folder / "done")
    return demo.folder


WAYS = {
    "check, prices and homes": (["check", SCENARIO], "opened", METADATA.split("/")[-1], False),
    "check, a load file": (["check", SCENARIO, RUN], "opened", LOAD, True),
    "run, the scenario": (["run", SCENARIO, RUN], "opened", ".yaml", True),
    "run, a load file": (["run", SCENARIO, RUN, "--backend", "pandas"], "opened", LOAD, True),
    "run, a load file of a worker": (["run", SCENARIO, RUN], "opened", LOAD, False),
    "run, where it writes": (["run", SCENARIO, RUN], "looked up", "outputs", True),
    "pack, a load file": (["pack", LOADS, "packed"], "opened", LOAD, False),
    "pack, the folder's names": (["pack", LOADS, "packed"], "looked up", "upgrade=00", True),
    "report, a table": (["report", "done"], "opened", "elec_bills", True),
    "report, what the run was": (["report", "done"], "opened", "run.json", True),
    "compare": (["compare", "done", "done"], "opened", "customer_metadata", True),
    "explore": (["explore", "done"], "opened", "customer_metadata", True),
    "explain": (["explain", "done", "1"], "opened", "customer_metadata", True),
    "requirement": (
        ["requirement", "done", "--by", "in.tenure", "--delivery", "peak"],
        "opened",
        "run.json",
        True,
    ),
    "runs": (["runs", SCENARIO], "opened", ".yaml", True),
}
"""Arguments, which in place of the source take the disk; where it goes silent; `long`."""


def _arguments(words: list[str], place: Path, folder: Path) -> list[str]:
    found = [str(place / word) if word in SHOWN else word for word in words]
    if words[0] == "pack":
        found[-1] = str(folder / "packed")
    return found


@pytest.mark.parametrize(
    ("way", "times"),
    [
        *(pytest.param(one, 2, marks=[pytest.mark.long] * WAYS[one][3]) for one in WAYS),
        pytest.param("check, prices and homes", 1, marks=pytest.mark.long),
    ],
)
def test_signals_end_what_a_hung_disk_holds(
    shown: Path, tmp_path: Path, way: str, times: int
) -> None:
    words, last, where, _ = WAYS[way]
    place, folder = tmp_path / "disk", tmp_path / "command"
    folder.mkdir()
    with (
        hung_disk(shown, place, last, where) as silent,
        ended(CairoProcess(folder, *_arguments(words, place, folder))) as command,
    ):
        command.wait_until(silent.is_set)
        time.sleep(0.5)
        for number in range(times):
            time.sleep(GAP * (number > 0))
            if command.process.poll() is None:
                command.send(signal.SIGTERM, group=False)
        code, lines = command.end(AFTER if times > 1 else ONCE)
        assert (code, lines) == (143, ["terminated"])
        assert command.left() == []


REMOVES = """
import os, signal, sys, time
from cairo import stopping

stopping.REMOVAL_SECONDS = 0.5
stopping.catch(own=True)
with stopping.removed_at_once(lambda: os.stat(sys.argv[1])):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
"""


def test_what_is_to_be_removed_from_a_hung_disk_does_not_hold_the_end(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with hung_disk(source, tmp_path / "disk", "mounted"):
        command = [sys.executable, "-c", REMOVES, str(tmp_path / "disk" / "half_written")]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (143, "terminated\n")
