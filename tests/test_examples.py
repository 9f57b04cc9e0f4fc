"""The example scripts run, and print what the runs' files say."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tests.whole_runs import IN_PROCESS, Demo

EXAMPLES = Path(__file__).parents[1] / "examples"
HOMES = 12


def test_two_rate_designs(demo: Demo) -> None:
    for run in ("demo_flat_precalc", "demo_hp_tou_precalc"):
        demo.settings(IN_PROCESS, run)
    script = EXAMPLES / "two_rate_designs.py"
    done = subprocess.run(
        [sys.executable, script, demo.folder],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
    )
    assert done.returncode == 0, done.stderr
    flat, tou = (Path(name) for name in done.stdout.split()[-2:])
    bills = [
        pd.read_csv(run / "bills" / "elec_bills_year_run.csv").query("month == 'Annual'")
        for run in (flat, tou)
    ]
    both = bills[0].merge(bills[1], on="bldg_id").merge(
        pd.read_csv(flat / "customer_metadata.csv"), on="bldg_id"
    )  # fmt: skip
    change = both["bill_level_y"] - both["bill_level_x"]
    mine = both["postprocess_group.has_hp"].astype(str) == "True"
    printed = next(line for line in done.stdout.splitlines() if line.startswith("True"))
    expected = np.average(change[mine], weights=both["weight"][mine])
    assert float(printed.split()[1]) == round(expected, 2)
