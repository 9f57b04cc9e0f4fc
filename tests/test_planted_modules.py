"""Files of the current folder that are called as modules are neither run nor imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole_runs import RUN, Demo

HOMES = 6
PLANTED = ("random", "dask", "cairo", "numpy", "cloudpickle")


@pytest.mark.parametrize(
    "backend", ["pandas", pytest.param("dask_delayed", marks=pytest.mark.long), "dask_dataframe"]
)
def test_worker_processes_import_nothing_from_the_current_folder(
    demo: Demo, tmp_path: Path, backend: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    marker = tmp_path / "ran"
    for name in PLANTED:
        text = f"open({str(marker)!r}, 'a').write(__name__)\nraise ImportError('planted')\n"
        (here / f"{name}.py").write_text(text)
    demo.settings({"dask": {"processes": True, "n_workers": 2, "dashboard_address": None}})
    demo.settings({"process_workers": 2})
    program = Path(sys.executable).with_name("cairo")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    command = [program, "run", demo.scenario, RUN, "--backend", backend, "--workers", "2"]
    done = subprocess.run(
        [*map(str, command), "--output-dir", str(tmp_path / "out")],
        cwd=here, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()
