"""Any signal to any process of a run, at any moment: it ends in time and leaves nothing half done.

`CAIRO_SIGNAL_SHOTS` is the number of shots for each backend; a few by default.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from cairo.model.names import BACKENDS
from tests.cairo_process import TWO_PROCESSES, CairoProcess, cairo_run
from tests.whole_runs import Demo, make_demo

SHOTS = int(os.environ.get("CAIRO_SIGNAL_SHOTS", "4"))
SEED = int(os.environ.get("CAIRO_SIGNAL_SEED", "1"))
MOST_SECONDS = 30.0
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def ready(run: CairoProcess) -> bool:
    """Whether the command catches signals: before that Python itself answers them."""
    status = Path(f"/proc/{run.process.pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if "SigCgt" in line).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def shoot(run: CairoProcess, dice: random.Random) -> str:
    """One signal to the run or to one of its processes."""
    run.wait_until(lambda: ready(run))
    time.sleep(dice.uniform(0.0, 4.0))
    number = dice.choice(NUMBERS)
    try:
        processes = [psutil.Process(run.process.pid), *run.children()]
        victim = dice.choice(processes)
        victim.send_signal(number)
    except psutil.Error:
        return "ended before"
    return f"{number.name} to {'the run' if victim.pid == run.process.pid else 'a child'}"


@pytest.mark.timeout(60 + 60 * SHOTS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_signal_to_any_process_ends_in_time_and_leaves_nothing(
    tmp_path: Path, backend: str
) -> None:
    demo = Demo(make_demo(tmp_path / "made", 12), tmp_path / "demo")
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    dice = random.Random(f"{SEED} {backend}")
    bad: list[object] = []
    counts: Counter[str] = Counter()
    for shot in range(SHOTS):
        with cairo_run(demo.scenario, tmp_path / f"{shot}", "--backend", backend) as run:
            what = shoot(run, dice)
            start = time.monotonic()
            code, lines = run.end()
            seconds = time.monotonic() - start
            left = run.left()
        counts[f"{what}: {code}"] += 1
        places = [path for path in run.outputs.glob("*") if not path.name.startswith(".")]
        if what == "SIGKILL to the run":
            left = [one for one in left if one.startswith("process")]
        else:
            whole = [str(place) for place in places if (place / "run.json").exists()]
            left = [one for one in left if not any(one.startswith(place) for place in whole)]
        if seconds > MOST_SECONDS or len(lines) > 1 or left:
            bad.append((shot, what, code, round(seconds, 1), lines[:5], left[:5]))
    print(dict(counts))
    assert bad == []
