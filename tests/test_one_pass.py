"""A run reads its loads once, and nothing of the stock's size comes to the client."""

import ctypes
import json
import os
import pickle
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dask
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cairo.files.load_file import FIELDS
from cairo.rates_tool.dd_stages import load_pass, summary
from cairo.rates_tool.dd_stages.frame import as_load_frame
from cairo.runs.demo import LOADS, write_demo
from cairo.runs.runner import run_scenario
from tests.strategies import NO_LIMIT, YEAR, tariff_dict
from tests.test_pack import a_stock
from tests.whole_runs import contents


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "d", 12)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["demo_hp_tou_precalc", "demo_mixed_default"])
def test_each_load_file_is_opened_once_a_run(demo: Path, tmp_path: Path, run: str) -> None:
    loads = demo.parents[2] / LOADS
    opened = _opens_during(
        loads,
        [sys.executable, "-m", "cairo", "run", str(demo), run, "--output-dir", str(tmp_path)],
    )
    names = {path.name for path in loads.glob("*.parquet")}
    assert set(opened) == names
    assert set(opened.values()) == {1}, opened.most_common(3)


@pytest.mark.parametrize("backend", ["pandas", "dask_dataframe"])
def test_the_record_counts_files_and_the_stored_bytes_of_the_columns_read(
    demo: Path, tmp_path: Path, backend: str
) -> None:
    place = run_scenario(demo, "demo_flat_precalc", backend=backend, workers=1, output_dir=tmp_path)
    counted = json.loads((place / "run.json").read_text())["loads_read"]
    columns = {"timestamp", "bldg_id", *FIELDS.values()}
    stored = files = 0
    for path in (demo.parents[2] / LOADS).glob("*.parquet"):
        group = pq.read_metadata(path).row_group(0)
        chunks = [group.column(i) for i in range(group.num_columns)]
        stored += sum(c.total_compressed_size for c in chunks if c.path_in_schema in columns)
        files += 1
    if backend == "dask_dataframe":
        assert counted == {"files": files, "bytes": stored}
    else:  # CAIRO's stages read electricity and gas apart
        assert counted["files"] == 2 * files
        assert counted["bytes"] > stored


@pytest.mark.slow
def test_a_performance_report_is_saved_beside_the_results(demo: Path, tmp_path: Path) -> None:
    runs = [
        run_scenario(
            demo,
            "demo_flat_precalc",
            workers=1,
            output_dir=tmp_path / str(wanted),
            performance_report=wanted,
        )
        for wanted in (False, True)
    ]
    assert contents(runs[1]).keys() - contents(runs[0]).keys() == {"performance_report.html"}
    report = (runs[1] / "performance_report.html").read_text(encoding="utf-8")
    assert "Dask Performance Report" in report and "summarize" in report


def _opens_during(folder: Path, command: list[str]) -> Counter[str]:
    """How often each file of a folder was opened, in any process, while a command ran."""
    libc = ctypes.CDLL(None, use_errno=True)
    in_open, in_nonblock = 0x20, 0x800
    watch = libc.inotify_init1(in_nonblock)
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), in_open) < 0:
        pytest.skip("this system has no inotify to count opens with")
    try:
        subprocess.run(command, check=True, capture_output=True)
        opened: Counter[str] = Counter()
        while True:
            try:
                buffer = os.read(watch, 1 << 20)
            except BlockingIOError:
                return opened
            place = 0
            while place < len(buffer):
                length = struct.unpack_from("iIII", buffer, place)[3]
                name = buffer[place + 16 : place + 16 + length].rstrip(b"\0").decode()
                if name:
                    opened[name] += 1
                place += 16 + length
    finally:
        os.close(watch)


def test_what_comes_back_of_a_pass_does_not_grow_with_hours() -> None:
    stock = a_stock(40)
    tariff = tariff_dict([[1, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]])
    prices = pd.DataFrame(index=range(8760))
    plan = load_pass.run_plan(
        stock.metadata, prices, {"t": tariff}, dict.fromkeys(stock.bldg_ids, "t"), YEAR, solar=True
    )
    with dask.config.set(scheduler="synchronous"):
        found = summary.summarize(as_load_frame(stock.electric_frame()), plan)
    per_building = (len(pickle.dumps(found)) - 2 * 8 * 8760) / 40
    # Hours would be 70,080 bytes a building and column.
    assert per_building < 5000
