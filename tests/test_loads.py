"""Load frames as callers read, pass on and weigh them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cairo.errors import LoadError
from cairo.model.calendar import hour_stamps
from cairo.rates_tool.loads import (
    _load_worker,
    _return_load,
    process_residential_hourly_demand,
)
from cairo.rates_tool.lookups import HOURS, NET_LOAD
from tests.strategies import YEAR, Stock

IDS = [500, 7, 123]
HOUR = np.arange(HOURS, dtype=float)
STOCK = Stock(
    IDS,
    np.array([1.0, 2.0, 4.0]),
    np.stack([HOUR, np.ones(HOURS), HOUR % 24]),
    np.stack([np.zeros(HOURS), np.full(HOURS, -0.25), np.full(HOURS, 2.0)]),
    np.stack([np.full(HOURS, 10.0), np.zeros(HOURS), HOUR]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return STOCK.write(tmp_path_factory.mktemp("loads"))


def read(folder: Path, *arguments: Any) -> pd.DataFrame:
    return _return_load(None, "electricity", YEAR, *arguments, folder, "EST")


@pytest.mark.parametrize("sample", [[123, 500], pd.DataFrame({"bldg_id": [123, 500]})])
def test_buildings_come_in_the_order_asked_for(folder: Path, sample: Any) -> None:
    frame = read(folder, sample)
    assert frame.index.names == ["bldg_id", "time"]
    ids = frame.index.get_level_values("bldg_id")
    assert ids.tolist() == [123] * HOURS + [500] * HOURS
    times = frame.index.get_level_values("time")
    assert times[:HOURS].tolist() == hour_stamps(YEAR, "EST").tolist()


def test_a_frame_indexed_by_building_is_a_sample_too(folder: Path) -> None:
    sample = pd.DataFrame({"weight": [1.0]}, index=pd.Index([7], name="bldg_id"))
    assert read(folder, sample).index.get_level_values("bldg_id").unique().tolist() == [7]


def test_without_a_sample_all_buildings_come_ascending(folder: Path) -> None:
    frame = read(folder, None)
    assert frame.index.get_level_values("bldg_id").unique().tolist() == [7, 123, 500]


def test_hours_shift_by_whole_days_to_the_target_years_weekdays(folder: Path) -> None:
    # 1 January: Monday in 2018, Wednesday in 2025, so the year begins with the third day.
    load = read(folder, [500])["load_data"].to_numpy()
    assert load[:3].tolist() == [48.0, 49.0, 50.0]
    assert load[-1] == 47.0


def test_gas_is_therms_once(folder: Path) -> None:
    gas = _return_load(None, "total_fuel_gas", 2018, [500], folder)
    assert list(gas) == ["load_data"]
    assert gas["load_data"].unique().tolist() == pytest.approx([0.341214116], rel=1e-15)
    again = _return_load(gas, "gas", 2018, [500])
    assert again is gas


def test_a_passed_frame_is_cut_and_ordered_not_read_again(folder: Path) -> None:
    frame = read(folder, IDS)
    assert _return_load(frame, "electricity", YEAR) is frame
    assert _return_load(frame, "electricity", YEAR, IDS) is frame
    other = _return_load(frame, "electricity", YEAR, [123, 500])
    pd.testing.assert_frame_equal(other, read(folder, [123, 500]))


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.loc[[7]]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, "heat", YEAR), "load type heat is unknown, expected electricity or gas"),
        ((None, "electricity", YEAR), "give a load folder or files to read loads from"),
        ((lambda f: f, "electricity", YEAR, [8, 7, 9]), "passed lacks buildings 8, 9"),
        ((lambda f: f, "electricity", YEAR, []), "no buildings to read loads of"),
        ((lambda f: f.iloc[:-1], "electricity", YEAR, [7]), "building 123 .* 8760 consecutive"),
        ((twice, "electricity", YEAR, [500]), "building 7 .* 8760 consecutive rows"),
    ],
)
def test_what_cannot_be_read_or_passed_on_is_said(
    folder: Path, arguments: tuple[Any, ...], message: str
) -> None:
    passed, *rest = arguments
    frame = None if passed is None else passed(read(folder, IDS))
    with pytest.raises(LoadError, match=message):
        _return_load(frame, *rest)


def raw(folder: Path, bldg_id: int) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{bldg_id}-0.parquet")


@pytest.mark.parametrize("indexed", [False, True])
def test_a_files_frame_becomes_the_same_loads(folder: Path, indexed: bool) -> None:
    frame = raw(folder, 123)
    frame = frame.set_index("timestamp") if indexed else frame
    found = _load_worker(123, frame, "total_fuel_electricity", YEAR, "EST")
    # Generation of 2 kWh, stored positive: net load is the hour of the day less 2.
    assert found[NET_LOAD].iloc[:3].tolist() == [-2.0, -1.0, 0.0]
    pd.testing.assert_frame_equal(found, read(folder, [123]), check_index_type=False)
    gas = _load_worker(123, frame, "total_fuel_gas", None)
    assert gas["load_data"].iloc[:3].tolist() == pytest.approx([0.0, 0.0341214116, 0.0682428232])
    assert gas.index[0] == (123, pd.Timestamp("2018-01-01"))


def test_a_frame_of_another_building_is_refused(folder: Path) -> None:
    with pytest.raises(LoadError, match="of building 7 holds buildings 123"):
        _load_worker(7, raw(folder, 123), "total_fuel_gas", YEAR)


@pytest.mark.parametrize(
    "weights",
    [
        STOCK.metadata,
        STOCK.metadata.set_index("bldg_id"),
        STOCK.metadata.set_index("bldg_id")["weight"],
        STOCK.metadata.iloc[::-1],
    ],
)
def test_system_demand_weighs_each_buildings_net_load(folder: Path, weights: Any) -> None:
    demand = process_residential_hourly_demand(
        _return_load(None, "electricity", 2018, IDS, folder), weights
    )
    assert demand.name == NET_LOAD
    assert demand.index.tolist() == hour_stamps(2018).tolist()
    # 1 x hour + 2 x (1 - 0.25) + 4 x (hour of day - 2)
    expected = HOUR + 1.5 + 4.0 * (HOUR % 24 - 2.0)
    assert demand.to_numpy() == pytest.approx(expected, rel=1e-15)


def test_buildings_without_weight_are_all_named(folder: Path) -> None:
    with pytest.raises(LoadError, match="no weight for buildings 7, 500"):
        process_residential_hourly_demand(read(folder, IDS), STOCK.metadata.iloc[2:])
