"""Public ResStock releases' layout, read directly: quarter hours, unit-suffixed columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cairo
from cairo.rates_tool.lookups import GAS_COLUMN, HOURS, KWH_TO_THERM, PV_COLUMN, TOTAL_COLUMN
from tests.s3_server import s3_server
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(make_demo(tmp_path / "source", 5), tmp_path / "demo")


PARTS = 1024
"""Energies here are whole 1024ths of a kWh, so that any order of adding them is exact."""
PUBLIC = "timeseries_individual_buildings/by_state/upgrade=0/state=RI"


def quarters(parts: np.ndarray) -> np.ndarray:
    """(35040,) whole parts whose fours add to `parts` (8760,), no two of an hour alike."""
    spread = np.array([-3, -1, 1, 3]) * 5
    rest = parts - 4 * (parts // 4)
    four = (parts // 4)[:, None] + spread + (np.arange(4) < rest[:, None])
    return four.reshape(-1)


def public_stock(demo: Demo, folder: Path, unit: str) -> None:
    """Round the demo's hourly loads to whole parts, and write the public releases' layout of them.

    A public file has 35,040 rows whose stamps end their quarter hours: 00:15 of the year's first
    day to 00:00 of the next year's.
    """
    folder.mkdir(parents=True)
    end = np.datetime64("2018-01-01T00:15", "us") + np.arange(4 * HOURS) * np.timedelta64(15, "m")
    for path in demo.loads.iterdir():
        hourly = pd.read_parquet(path)
        columns: dict[str, Any] = {"bldg_id": hourly["bldg_id"].iloc[0], "timestamp": end}
        for name in (TOTAL_COLUMN, PV_COLUMN, GAS_COLUMN):
            parts = np.rint(hourly[name].to_numpy() * PARTS).astype(np.int64)
            hourly[name] = parts / PARTS
            columns[name + unit] = quarters(parts) / PARTS
        columns[f"out.electricity.net.energy_consumption{unit}"] = np.nan
        columns[f"out.electricity.plug_loads.energy_consumption{unit}"] = 1.0
        hourly.to_parquet(path, index=False)
        pd.DataFrame(columns).to_parquet(folder / path.name, index=False)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["..kwh", ".kwh"])
def test_a_public_release_gives_the_run_of_its_hourly_sums(demo: Demo, unit: str) -> None:
    public_stock(demo, demo.folder / PUBLIC, unit)
    demo.settings(IN_PROCESS)
    hourly = contents(demo.run())
    demo.settings({"path_resstock_loads": f"../{PUBLIC}"})
    assert contents(demo.run()) == hourly


@pytest.mark.slow
def test_a_public_release_on_s3_is_read_directly(demo: Demo, tmp_path: Path) -> None:
    root = demo.folder / "public"
    public_stock(demo, root / "2024" / PUBLIC, "..kwh")
    with s3_server(tmp_path) as server:
        server.upload(root, "public", ACL="public-read")
        url = f"s3://public/2024/{PUBLIC}/"
        hours = cairo.read_loads(
            url, columns=["load_data"], storage_options=server.anonymous()
        ).compute()
    sums = {
        int(path.name.split("-")[0]): pd.read_parquet(path)[TOTAL_COLUMN].to_numpy()
        for path in demo.loads.iterdir()
    }
    assert sorted(sums) == sorted(set(hours.index))
    for bldg_id, expected in sums.items():
        assert np.array_equal(hours.loc[bldg_id, "load_data"].to_numpy(), expected)


def test_the_hour_of_a_quarter_is_the_one_it_lies_in(tmp_path: Path) -> None:
    """One kWh between 17:15 and 17:30 of June 1 is stamped 17:30 and is in hour 17."""
    end = np.datetime64("2018-01-01T00:15", "us") + np.arange(4 * HOURS) * np.timedelta64(15, "m")
    used = np.where(end == np.datetime64("2018-06-01T17:30"), 1.0, 0.0)
    last = np.where(end == np.datetime64("2018-06-01T18:00"), 2.0, 0.0)
    names = [name + "..kwh" for name in (TOTAL_COLUMN, PV_COLUMN, GAS_COLUMN)]
    columns = {"timestamp": end} | dict(zip(names, (used, used * 0, last), strict=True))
    path = tmp_path / "5-0.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    loads = cairo.read_loads(tmp_path, columns=["time", "load_data", "natural_gas"]).compute()
    stamp = pd.Timestamp("2018-06-01 17:00", tz="EST")
    row = loads.set_index("time").loc[stamp]
    assert row["load_data"] == loads["load_data"].sum() == 1.0
    # 18:00 ends the last quarter of hour 17.
    assert row["natural_gas"] == loads["natural_gas"].sum() == 2 * KWH_TO_THERM
