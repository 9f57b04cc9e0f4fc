"""Load files: what is read of them, and what is refused."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cairo.errors import LoadError
from cairo.files.load_file import LoadFileReader, check_load_file
from cairo.files.load_folder import load_files, upgrade_of
from cairo.files.load_frame import loads_of_frame
from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import HOURS, PV_COLUMN, TOTAL_COLUMN
from tests.strategies import write_load_file

STAMPS = hour_stamps(2018).to_numpy()


@pytest.fixture
def total() -> np.ndarray:
    return np.arange(HOURS, dtype=float) / 7.0


def write(path: Path, total: np.ndarray, stamps: np.ndarray = STAMPS, **kw: object) -> Path:
    write_load_file(path, 7, total, -total / 2, total * 3, stamps, **kw)  # type: ignore[arg-type]
    return path


def test_a_file_gives_its_energies_to_the_bit(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    loads = LoadFileReader(["total", "pv", "gas"]).read(str(path), 7)
    assert loads.source_year == 2018
    assert loads.values["total"].tobytes() == total.tobytes()
    assert loads.values["pv"].tobytes() == (-total / 2).tobytes()
    assert loads.values["gas"].tobytes() == (total * 3).tobytes()


@pytest.mark.parametrize("suffix", ["", "..kwh", "....kwh"])
def test_columns_with_a_unit_suffix_are_the_same_columns(
    tmp_path: Path, total: np.ndarray, suffix: str
) -> None:
    path = write(tmp_path / "7-0.parquet", total, suffix=suffix)
    assert np.array_equal(LoadFileReader(["total"]).read(str(path), 7).values["total"], total)


@pytest.mark.parametrize("first", ["2018-01-01T00:00", "2018-01-01T00:15"])
def test_four_quarter_hours_are_added_to_their_hour(tmp_path: Path, first: str) -> None:
    quarters = np.arange(HOURS * 4, dtype=float)
    stamps = np.datetime64(first, "us") + np.arange(HOURS * 4) * np.timedelta64(15, "m")
    path = write(tmp_path / "7-0.parquet", quarters, stamps)
    loads = LoadFileReader(["total"]).read(str(path), 7)
    # hour h holds quarters 4h to 4h + 3, adding to 16h + 6
    assert np.array_equal(loads.values["total"], 16.0 * np.arange(HOURS) + 6)
    assert loads.source_year == 2018


@pytest.mark.parametrize("minutes", [60, 15])
@pytest.mark.parametrize("year", [2012, 2016, 2020])
@pytest.mark.parametrize("ends", [False, True])
def test_a_leap_years_file_that_is_cut_at_its_end_is_refused(
    tmp_path: Path, minutes: int, year: int, ends: bool
) -> None:
    rows, step = HOURS * 60 // minutes, pd.Timedelta(minutes=minutes)
    begin = pd.date_range(f"{year}-01-01", periods=rows + rows // 365, freq=step)
    stamps = begin + step if ends else begin
    path = write(tmp_path / "7-0.parquet", np.ones(rows), stamps[:rows].to_numpy())
    message = rf"7-0\.parquet ends at {year}-12-3.*February 29"
    with pytest.raises(LoadError, match=message) as caught:
        LoadFileReader(["total"]).read(str(path), 7)
    assert "\n" not in str(caught.value)
    # With February 29 left out in its place the same rows are a year.
    kept = stamps[~((begin.month == 2) & (begin.day == 29))]
    path = write(tmp_path / "7-0.parquet", np.ones(rows), kept.to_numpy())
    assert LoadFileReader(["total"]).read(str(path), 7).source_year == year


def with_twin(path: Path, name: str, values: pa.Array) -> Path:
    table = pq.read_table(path)
    pq.write_table(table.append_column(name, values), path)
    return path


@pytest.mark.parametrize("name", [TOTAL_COLUMN, f"{TOTAL_COLUMN}..kwh"])
def test_two_columns_that_could_be_meant_and_differ_are_refused(
    tmp_path: Path, total: np.ndarray, name: str
) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    other = with_twin(write(tmp_path / "8-0.parquet", total), name, pa.array(total * 3.6))
    reader = LoadFileReader(["total"])
    assert np.array_equal(reader.read(str(path), 7).values["total"], total)
    message = rf"8-0\.parquet has columns {TOTAL_COLUMN} and {name}, which differ"
    with pytest.raises(LoadError, match=message) as caught:
        reader.read(str(other), 7)
    assert "\n" not in str(caught.value)
    if name != TOTAL_COLUMN:
        with pytest.raises(LoadError, match=r"frame of building 7 has columns .* which differ"):
            loads_of_frame(pd.read_parquet(other), 7, ["total"])


def test_two_columns_that_hold_the_same_are_one(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    with_twin(path, f"{TOTAL_COLUMN}..kwh", pa.array(total))
    assert np.array_equal(LoadFileReader(["total"]).read(str(path), 7).values["total"], total)
    frame = pd.read_parquet(path)
    assert np.array_equal(loads_of_frame(frame, 7, ["total"]).values["total"], total)


def night_losses(share: float) -> np.ndarray:
    """Generation of 4,000 kWh at noon, and losses at night of a share of all the energy."""
    hours = np.arange(HOURS) % 24
    made = np.where(hours == 12, 4000.0 / 365, 0.0)
    lost = np.where(hours == 0, 4000.0 / 365 * share / (1.0 - share), 0.0)
    return made - lost


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_small_loss_of_an_inverter_is_read(tmp_path: Path, sign: float) -> None:
    path, total = tmp_path / "7-0.parquet", np.ones(HOURS)
    write_load_file(path, 7, total, sign * night_losses(0.009), total, STAMPS)
    assert LoadFileReader(["pv"]).read(str(path), 7).values["pv"].sum() * sign > 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pv_of_both_signs_is_refused_by_name(tmp_path: Path, sign: float) -> None:
    path, total = tmp_path / "7-0.parquet", np.ones(HOURS)
    write_load_file(path, 7, total, sign * night_losses(0.03), total, STAMPS)
    message = r"7-0\.parquet column .*pv.* of both signs \(3% has the other sign\)"
    with pytest.raises(LoadError, match=message) as caught:
        check_load_file(str(path), 7)
    assert "\n" not in str(caught.value)
    # Where generation is not asked for its signs do not matter.
    assert LoadFileReader(["total"]).read(str(path), 7).values["total"].sum() == HOURS
    with pytest.raises(LoadError, match=r"frame of building 7 column .*pv"):
        loads_of_frame(pd.read_parquet(path), 7, ["total", "pv"])


def test_a_building_may_be_named_by_the_file_alone(tmp_path: Path, total: np.ndarray) -> None:
    path = tmp_path / "7-0.parquet"
    write_load_file(path, None, total, total, total, STAMPS)
    assert np.array_equal(LoadFileReader(["pv"]).read(str(path), 7).values["pv"], total)


def test_files_of_different_layouts_are_read_in_one_go(tmp_path: Path, total: np.ndarray) -> None:
    plain = write(tmp_path / "7-0.parquet", total)
    table = pq.read_table(plain)
    other = tmp_path / "8-0.parquet"
    pq.write_table(table.select(table.column_names[::-1]).drop(["bldg_id"]), other)
    reader = LoadFileReader(["total", "pv"])
    first, second = reader.read(str(plain), 7), reader.read(str(other), 8)
    assert np.array_equal(first.values["total"], second.values["total"])
    assert np.array_equal(first.values["pv"], second.values["pv"])


def test_stamps_like_the_last_files_are_still_checked_when_they_differ(
    tmp_path: Path, total: np.ndarray
) -> None:
    good = write(tmp_path / "7-0.parquet", total)
    swapped = STAMPS.copy()
    swapped[[10, 11]] = swapped[[11, 10]]
    bad = write(tmp_path / "7-1.parquet", total, swapped)
    reader = LoadFileReader(["total"])
    reader.read(str(good), 7)
    with pytest.raises(LoadError, match="goes back from 2018-01-01 11:00"):
        reader.read(str(bad), 7)


def test_a_leap_years_last_of_february_may_be_left_out(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total, hour_stamps(2012).to_numpy())
    assert LoadFileReader(["total"]).read(str(path), 7).source_year == 2012


def _gap(stamps: np.ndarray) -> np.ndarray:
    return np.delete(stamps, 1659)


BAD_STAMPS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "short": (_gap, r"has 8759 hourly rows, expected 8760 \(first gap after 2018-03-11 02:00\)"),
    "repeat": (
        lambda s: np.where(np.arange(HOURS) == 5, s[4], s),
        "repeats the hour 2018-01-01 04:00",
    ),
    "gap": (
        lambda s: np.where(np.arange(HOURS) >= 5, s + np.timedelta64(1, "h"), s),
        "has a gap from 2018-01-01 04:00 to 2018-01-01 06:00",
    ),
    "unsorted": (lambda s: s[::-1], "goes back from"),
    "midyear": (lambda s: s + np.timedelta64(24, "h"), "begins at 2018-01-02 00:00"),
}


@pytest.mark.parametrize("case", BAD_STAMPS)
def test_unsound_stamps_are_refused(tmp_path: Path, total: np.ndarray, case: str) -> None:
    change, message = BAD_STAMPS[case]
    stamps = change(STAMPS)
    path = write(tmp_path / "7-0.parquet", total[: len(stamps)], stamps)
    with pytest.raises(LoadError, match=message) as caught:
        LoadFileReader(["total"]).read(str(path), 7)
    assert "7-0.parquet" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_or_infinite_energy_is_refused(
    tmp_path: Path, total: np.ndarray, value: float
) -> None:
    total[[3, 99]] = value
    path = write(tmp_path / "7-0.parquet", total)
    with pytest.raises(LoadError, match="has 2 rows that are missing or infinite"):
        LoadFileReader(["total"]).read(str(path), 7)


def _rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> Path:
    pq.write_table(change(pq.read_table(path)), path)
    return path


def test_two_buildings_in_a_file_are_refused(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    ids = np.where(np.arange(HOURS) < 100, 7, 8)
    _rewritten(path, lambda t: t.set_column(0, "bldg_id", pa.array(ids)))
    with pytest.raises(LoadError, match=r"several buildings \(7, 8\)"):
        LoadFileReader(["total"]).read(str(path), 7)


def test_another_building_in_a_file_is_refused(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    with pytest.raises(LoadError, match="holds building 7, its name says 9"):
        LoadFileReader(["total"]).read(str(path), 9)


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (pa.array([7.5] * HOURS), "7.5"),
        (pa.array(["bldg0000007"] * HOURS), "'bldg0000007'"),
        (pa.nulls(HOURS), "None"),
        (pa.array([float("nan")] * HOURS), "nan"),
        (pa.array([True] * HOURS), "True"),
    ],
)
def test_a_building_of_no_whole_number_is_told(
    tmp_path: Path, total: np.ndarray, ids: pa.Array, found: str
) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    _rewritten(path, lambda t: t.set_column(0, "bldg_id", ids))
    with pytest.raises(LoadError, match=f"7-0.parquet has bldg_id {found}, expected a whole"):
        LoadFileReader(["total"]).read(str(path), 7)


@pytest.mark.parametrize("of_a_type", [pa.string(), pa.binary(), pa.float64(), pa.decimal128(20)])
def test_a_buildings_number_may_have_any_type(
    tmp_path: Path, total: np.ndarray, of_a_type: pa.DataType
) -> None:
    text = pa.types.is_binary(of_a_type) or pa.types.is_string(of_a_type)
    ids = pa.array([b"0007" if text else 7] * HOURS).cast(of_a_type)
    path = write(tmp_path / "7-0.parquet", total)
    _rewritten(path, lambda t: t.set_column(0, "bldg_id", ids))
    found = LoadFileReader(["total"]).read(str(path), 7).values["total"]
    assert found.tolist() == total.tolist()


def test_a_missing_column_is_named(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    _rewritten(path, lambda t: t.drop([PV_COLUMN]))
    with pytest.raises(LoadError, match=f"no column {PV_COLUMN}"):
        LoadFileReader(["total", "pv"]).read(str(path), 7)


def test_text_where_energies_belong_is_refused(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    words = pa.array(["a"] * HOURS)
    _rewritten(path, lambda t: t.drop([TOTAL_COLUMN]).append_column(TOTAL_COLUMN, words))
    with pytest.raises(LoadError, match="is text, expected numbers"):
        LoadFileReader(["total"]).read(str(path), 7)


KINDS = [
    pa.decimal128(20, 2), pa.decimal128(38, 30), pa.decimal256(60, 40), pa.float16(), pa.int8(),
    pa.uint64(), pa.float32(),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("per_hour", [1, 4])
def test_energies_of_any_numeric_type_are_read(
    tmp_path: Path, kind: pa.DataType, per_hour: int
) -> None:
    rows = HOURS * per_hour
    step = np.timedelta64(60 // per_hour, "m")
    stamps = np.datetime64("2018-01-01", "us") + np.arange(rows) * step
    values = np.arange(rows) % 100
    path = write(tmp_path / "7-0.parquet", values.astype(float), stamps)
    cells = [Decimal(one) for one in values.tolist()] if pa.types.is_decimal(kind) else values
    column = pa.array(cells).cast(kind)
    _rewritten(path, lambda t: t.drop([TOTAL_COLUMN]).append_column(TOTAL_COLUMN, column))
    found = LoadFileReader(["total"]).read(str(path), 7).values["total"]
    assert found.tolist() == values.reshape(HOURS, per_hour).sum(axis=1).tolist()


@pytest.mark.parametrize(("digits", "scale"), [(38, 30), (18, 6), (38, 2)])
def test_a_decimal_energy_is_the_nearest_number(tmp_path: Path, digits: int, scale: int) -> None:
    rng = np.random.default_rng(1)
    whole = [int(one) * 10**scale // 10**12 + 1 for one in rng.integers(1, 2**44, HOURS)]
    values = [Decimal(one).scaleb(-scale) for one in whole]
    path = write(tmp_path / "7-0.parquet", np.ones(HOURS))
    column = pa.array(values, pa.decimal128(digits, scale))
    _rewritten(path, lambda t: t.drop([TOTAL_COLUMN]).append_column(TOTAL_COLUMN, column))
    found = LoadFileReader(["total"]).read(str(path), 7).values["total"]
    assert found.tolist() == [float(one) for one in values]
    frame = pd.read_parquet(path)
    assert loads_of_frame(frame, 7, ["total"]).values["total"].tolist() == found.tolist()


def test_a_missing_decimal_energy_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "7-0.parquet", np.ones(HOURS))
    column = pa.array([None, *[Decimal(1)] * (HOURS - 1)], pa.decimal128(9, 2))
    _rewritten(path, lambda t: t.drop([TOTAL_COLUMN]).append_column(TOTAL_COLUMN, column))
    with pytest.raises(LoadError, match="has 1 rows that are missing or infinite"):
        LoadFileReader(["total"]).read(str(path), 7)


NO_ENERGIES = {
    "text": np.full(HOURS, "1_0"),
    "switches": np.ones(HOURS, dtype=bool),
    "objects": np.full(HOURS, True, dtype=object),
    "times": STAMPS,
    "complex": np.ones(HOURS) * 1j,
    "durations": np.full(HOURS, np.timedelta64(1, "h")),
}


@pytest.mark.parametrize("kind", NO_ENERGIES)
def test_what_is_no_number_in_a_frame_is_refused_as_in_a_file(kind: str) -> None:
    frame = pd.DataFrame({"timestamp": STAMPS, TOTAL_COLUMN: NO_ENERGIES[kind]})
    with pytest.raises(LoadError, match=f"building 7 column {TOTAL_COLUMN} is .*expected numbers"):
        loads_of_frame(frame, 7, ["total"])


@pytest.mark.parametrize("kind", ["Float64", "Int32", "category", "object", "float32"])
def test_numbers_in_a_frame_may_be_of_any_type(kind: str) -> None:
    values = pd.Series(np.arange(HOURS) % 7).astype(kind)
    frame = pd.DataFrame({"timestamp": STAMPS, TOTAL_COLUMN: values})
    found = loads_of_frame(frame, 7, ["total"]).values["total"]
    assert found.tolist() == (np.arange(HOURS) % 7).tolist()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda p: p.unlink(), "does not exist"),
        (_truncate, "cannot be read"),
        (lambda p: p.write_bytes(b"garbage" * 1000), "cannot be read"),
        (lambda p: p.write_bytes(b""), "cannot be read"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path, total: np.ndarray, harm: Callable[[Path], None], message: str
) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    harm(path)
    with pytest.raises(LoadError, match=message) as caught:
        check_load_file(str(path), 7)
    assert "7-0.parquet" in str(caught.value)


def test_a_folder_lists_its_buildings(tmp_path: Path) -> None:
    for name in ("20-0.parquet", "3-0.parquet", "notes.txt", "x-0.parquet"):
        (tmp_path / name).touch()
    assert list(load_files(tmp_path)) == [3, 20]


def test_names_of_buildstocks_tools_are_load_files(tmp_path: Path) -> None:
    names = ("bldg0000020-up00.parquet", "0000003-00.parquet", "BLDG7-UP02.parquet")
    for name in (*names, "bldg-up00.parquet", "bldg9-up00.csv", "xbldg8-up00.parquet"):
        (tmp_path / name).touch()
    found = load_files(tmp_path)
    assert {bldg_id: Path(path).name for bldg_id, path in found.items()} == {
        3: "0000003-00.parquet",
        7: "BLDG7-UP02.parquet",
        20: "bldg0000020-up00.parquet",
    }
    assert [upgrade_of(path) for path in (*found.values(), "part-00000.parquet")] == [0, 2, 0, None]
    (tmp_path / "20-0.parquet").touch()
    with pytest.raises(LoadError, match="two files for building 20"):
        load_files(tmp_path)


@pytest.mark.parametrize("digits", ["٣-0", "３-0", "bldg²-up00"])
def test_digits_of_other_scripts_name_no_building(tmp_path: Path, digits: str) -> None:
    (tmp_path / f"{digits}.parquet").touch()
    with pytest.raises(LoadError, match="holds no <bldg_id>"):
        load_files(tmp_path)


def test_two_upgrades_in_a_folder_are_refused(tmp_path: Path) -> None:
    for name in ("3-0.parquet", "3-1.parquet"):
        (tmp_path / name).touch()
    with pytest.raises(LoadError, match="two files for building 3"):
        load_files(tmp_path)


def test_an_empty_or_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="holds no <bldg_id>"):
        load_files(tmp_path)
    with pytest.raises(LoadError, match=r"load folder .*nowhere does not exist"):
        load_files(tmp_path / "nowhere")


def test_a_frame_of_a_file_gives_what_the_file_gives(tmp_path: Path, total: np.ndarray) -> None:
    path = write(tmp_path / "7-0.parquet", total)
    frame = pd.read_parquet(path).set_index(["bldg_id", "timestamp"])
    loads = loads_of_frame(frame, 7, ["total", "pv"])
    assert np.array_equal(loads.values["total"], total)
    assert loads.source_year == 2018
