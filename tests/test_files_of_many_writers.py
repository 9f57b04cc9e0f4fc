"""Files as spreadsheets and other programs write them: read right, or refused in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cairo.errors import CairoError, LoadError, MetadataError, PriceError, TariffError
from cairo.files.load_file import LoadFileReader
from cairo.files.metadata import return_buildingstock
from cairo.files.price_files import read_prices
from cairo.files.tariff_maps import load_tariff_map
from cairo.model import kernels
from cairo.model.calendar import hour_stamps
from cairo.model.names import HOURS, PV_COLUMN, TOTAL_COLUMN
from tests.strategies import write_load_file

STAMPS = hour_stamps(2018)
LEAP = pd.date_range("2016-01-01", periods=8784, freq="h")


def one_line(error: type[CairoError], message: str, read: Callable[[], object]) -> None:
    with pytest.raises(error, match=message) as caught:
        read()
    assert "\n" not in str(caught.value)


# Tariff maps

MAPS = {
    "mark, fractions, blanks": (b"\xef\xbb\xbfbldg_id,tariff_key\r\n112208.0,flat \r\n2, tou\r\n"),
    "empty columns": b"bldg_id,tariff_key,,\r\n112208,flat,,\r\n2,tou,,\r\n",
    "blanks in the header": b"bldg_id , tariff_key \n112208,flat\n2,tou\n",
    "row numbers": b",bldg_id,tariff_key\n0,112208,flat\n1,2,tou\n",
    "quoted": b'"bldg_id","tariff_key"\n"112208","flat"\n"2","tou"\n',
}


@pytest.mark.parametrize("kind", MAPS)
def test_a_tariff_map_as_spreadsheets_save_it_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "map.csv"
    path.write_bytes(MAPS[kind])
    assert load_tariff_map(path).to_numpy().tolist() == [[112208, "flat"], [2, "tou"]]


BAD_MAPS = {
    b"bldg_id,tariff_key\n1.12208E+05,flat\n": r"has bldg_id '1.12208E\+05', expected",
    b'bldg_id,tariff_key\n"112,208",flat\n': "has bldg_id '112,208', expected whole numbers",
    b"bldg_id;tariff_key\n112208;flat\n": "is not CSV: its cells are separated by ';'",
    b"sep=;\r\nbldg_id;tariff_key\r\n1;flat\r\n": "is not CSV: its cells are separated by ';'",
    b"bldg_id\ttariff_key\n112208\tflat\n": r"is not CSV: its cells are separated by '\\t'",
    "bldg_id,tariff_key\r\n1,flat\r\n".encode("utf-16"): "is not CSV: it is UTF-16 text",
    b"bldg_id,tariff_key\r\n112208,flat\r\n2,tou\r\n,\r\n": "is not CSV: row 3 has no values",
    b"bldg_id,tariff_key\n1,flat,old\n2,tou\n": "rows of more cells than its header",
    b"bldg_id,tariff_key,tariff_key\n1,flat,tou\n": "has two columns tariff_key, which differ",
    b"bldg_id,tariff_key\n1,fl\xe4t\n": "is not CSV: byte 23 is not utf-8 text",
}


@pytest.mark.parametrize("content", BAD_MAPS)
def test_a_tariff_map_that_could_mean_two_things_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.csv"
    path.write_bytes(content)
    one_line(TariffError, BAD_MAPS[content], lambda: load_tariff_map(path))


@pytest.mark.parametrize("ids", [[True, False], pd.to_datetime(["2020-01-01", "2020-01-02"])])
def test_a_frame_whose_buildings_are_no_numbers_is_no_map(ids: object) -> None:
    frame = pd.DataFrame({"bldg_id": ids, "tariff_key": ["flat", "tou"]})
    one_line(TariffError, "has bldg_id of type", lambda: load_tariff_map(frame))


# Prices: hour h has the price h / 1000, so that a value of another hour shows


def price_csv(
    separator: str = ",",
    stamp: Callable[[pd.Timestamp], str] = str,
    price: Callable[[float], str] = str,
    end: str = "\n",
) -> bytes:
    rows = (f"{stamp(t)}{separator}{price(h / 1000)}" for h, t in enumerate(STAMPS))
    return end.join([f"timestamp{separator}x", *rows, ""]).encode()


def with_comma(price: float) -> str:
    return str(price).replace(".", ",")


PRICES = {
    "semicolons and commas": price_csv(";", price=with_comma),
    "the same, marked": b"\xef\xbb\xbf" + price_csv(";", price=with_comma, end="\r\n"),
    "semicolons and points": price_csv(";"),
    "tabs": price_csv("\t"),
    "Unicode text": price_csv("\t").decode().encode("utf-16"),
    "empty rows": price_csv() + b",\r\n,\r\n",
    "blanks": price_csv(price=lambda price: f" {price}  ").replace(b",x", b", x "),
    "American days": price_csv(stamp=lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:00"),
    "European days": price_csv(stamp=lambda t: f"{t.day}/{t.month}/{t.year} {t.hour}:00"),
    "German days": price_csv(";", lambda t: f"{t:%d.%m.%Y %H:%M}", with_comma),
}


@pytest.mark.parametrize("kind", PRICES)
def test_prices_as_spreadsheets_save_them_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(PRICES[kind])
    assert read_prices(path, ["x"], 2018)["x"].tolist() == [h / 1000 for h in range(HOURS)]


def wall_clock(stamp: pd.Timestamp) -> pd.Timestamp:
    return stamp.tz_localize("Etc/GMT+5").tz_convert("US/Eastern")


BAD_PRICES = {
    "commas and points": (
        price_csv(";", price=lambda p: with_comma(p) if p < 1 else str(p)),
        "numbers with commas and others with points",
    ),
    "hour 24": (
        price_csv(stamp=lambda t: f"{t:%Y-%m-%d} {t.hour + 1:02}:00"),
        "has a timestamp that is no time: '2018-01-01 24:00'",
    ),
    "ends of hours": (
        price_csv(stamp=lambda t: str(t + pd.Timedelta("1h"))),
        "has 2018-01-01 01:00:00 in row 1, expected 2018-01-01 00:00:00: hour beginnings",
    ),
    "daylight saving": (
        price_csv(stamp=lambda t: str(wall_clock(t).tz_localize(None))),
        "has hours more than once: 2018-11-04 01:00:00",
    ),
    "daylight saving with offsets": (
        price_csv(stamp=lambda t: str(wall_clock(t))),
        "has timestamp of several offsets from UTC, expected local standard time",
    ),
}


@pytest.mark.parametrize("kind", BAD_PRICES)
def test_prices_of_another_clock_or_of_two_kinds_of_numbers_are_refused(
    tmp_path: Path, kind: str
) -> None:
    content, message = BAD_PRICES[kind]
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    one_line(PriceError, message, lambda: read_prices(path, ["x"], 2018))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (slice(0, 8760), "ends at 2016-12-30 23:00, .* leave out February 29, not the year's end"),
        (
            slice(24, 8784),
            "has 8736 hourly rows besides February 29, from 2016-01-02 00:00 to 2016-12-31 23:00, "
            "expected 8760",
        ),
    ],
)
def test_prices_of_a_leap_year_that_is_cut_are_refused(
    tmp_path: Path, rows: slice, message: str
) -> None:
    path = tmp_path / "prices.parquet"
    pd.DataFrame({"timestamp": LEAP[rows], "x": 0.5}).to_parquet(path)
    one_line(PriceError, message, lambda: read_prices(path, ["x"], 2018))


# Parquet columns of other types

LISTS = pa.array([["a"], ["b"]])
RECORDS = pa.array([{"a": 1}, {"a": 2}])


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        (pa.array([[1.0], [2.0]]), r"has weight '\[1\.\]' for building 1"),
        (RECORDS, r"has weight \"\{'a': 1\}\" for building 1"),
        (pa.array([b"\xff\x00", b"2"]), "has weight .* for building 1"),
        (pa.array(["242,13", "2"]), "has weight '242,13' for building 1, expected a number"),
        (pa.nulls(2), "has no weight for buildings 1, 2"),
        (pa.array([1.0, None]), "has no weight for buildings 2"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(
    tmp_path: Path, weight: pa.Array, found: str
) -> None:
    path = tmp_path / "metadata.parquet"
    pq.write_table(pa.table({"bldg_id": [1, 2], "weight": weight}), path)
    one_line(MetadataError, found, lambda: return_buildingstock(path))


@pytest.mark.parametrize("largest", [1e300, 2.0**53 + 2])
def test_a_building_no_program_can_tell_from_others_is_refused(
    tmp_path: Path, largest: float
) -> None:
    path = tmp_path / "metadata.parquet"
    pd.DataFrame({"bldg_id": [largest, 2.0], "weight": 1.0}).to_parquet(path)
    one_line(MetadataError, "has bldg_id", lambda: return_buildingstock(path))


@pytest.mark.parametrize("column", [LISTS, RECORDS, pa.array([b"\xff\xfe", b"b"])])
def test_a_column_no_home_can_be_grouped_by_is_refused(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "metadata.parquet"
    pq.write_table(pa.table({"bldg_id": [1, 2], "weight": [1.0, 2.0], "in.tenure": column}), path)
    message = "column in.tenure holds lists or bytes, expected a text or number a home"
    one_line(MetadataError, message, lambda: return_buildingstock(path))


def test_text_kept_as_bytes_is_text_and_empty_columns_are_empty(tmp_path: Path) -> None:
    path = tmp_path / "metadata.parquet"
    columns = {"in.tenure": pa.array([b"Owner", b"Renter"]), "in.income": pa.nulls(2)}
    pq.write_table(pa.table({"bldg_id": [1, 2], "weight": [1.0, 2.0]} | columns), path)
    homes = return_buildingstock(path)
    assert homes["in.tenure"].tolist() == ["Owner", "Renter"]
    assert homes["in.income"].isna().all()


@pytest.mark.parametrize("name", ["weight", "in.tenure"])
def test_two_columns_of_one_name_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "metadata.parquet"
    values = [pa.array([1, 2]), pa.array([1.0, 2.0]), pa.array(["a", "b"]), pa.array(["c", "d"])]
    pq.write_table(pa.Table.from_arrays(values, ["bldg_id", "weight", name, name]), path)
    message = f"cannot be read: it has two columns {name}"
    one_line(MetadataError, message, lambda: return_buildingstock(path))


@pytest.mark.parametrize("written", ["1.12E+05", "1e5"])
def test_an_id_whose_last_digits_are_lost_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "metadata.parquet"
    pd.DataFrame({"bldg_id": [written, "2"], "weight": 1.0}).to_parquet(path)
    message = f"has bldg_id '{re.escape(written)}', expected whole numbers"
    one_line(MetadataError, message, lambda: return_buildingstock(path))


def test_an_index_beside_a_column_of_its_name_must_hold_the_same(tmp_path: Path) -> None:
    path = tmp_path / "metadata.parquet"
    homes = pd.DataFrame({"bldg_id": [7, 9], "weight": [1.0, 2.0]})
    homes.set_index("bldg_id", drop=False).to_parquet(path)
    assert return_buildingstock(path).to_dict("list") == homes.to_dict("list")
    homes.set_index(pd.Index([9, 7], name="bldg_id")).to_parquet(path)
    message = "it has a column and an index bldg_id, which differ"
    one_line(MetadataError, message, lambda: return_buildingstock(path))


# Load files


def load_error(path: Path, message: str) -> None:
    one_line(LoadError, message, lambda: LoadFileReader(["total", "pv"]).read(str(path), 7))


def write(path: Path, stamps: pd.DatetimeIndex, **columns: np.ndarray) -> Path:
    ones = np.ones(len(stamps))
    total, pv = columns.get("total", ones), columns.get("pv", 0.0 * ones)
    write_load_file(path, 7, total, pv, ones, stamps.to_numpy())
    return path


@pytest.mark.parametrize(("minutes", "kind"), [(60, "8784 hourly"), (15, "35136 15-minute")])
def test_a_whole_leap_year_is_told_what_to_leave_out(
    tmp_path: Path, minutes: int, kind: str
) -> None:
    stamps = pd.date_range("2016-01-01", "2017-01-01", freq=f"{minutes}min", inclusive="left")
    path = write(tmp_path / "7-0.parquet", stamps)
    load_error(path, f"has {kind} rows, expected .*: of a leap year leave out February 29")


@pytest.mark.parametrize("minutes", [60, 15])
def test_a_leap_years_file_that_is_cut_at_its_start_is_refused(
    tmp_path: Path, minutes: int
) -> None:
    stamps = pd.date_range("2016-01-02", "2017-01-01", freq=f"{minutes}min", inclusive="left")
    load_error(write(tmp_path / "7-0.parquet", stamps), "begins at 2016-01-02 00:00, expected")


def test_a_clock_with_daylight_saving_is_told_as_one(tmp_path: Path) -> None:
    stamps = pd.DatetimeIndex([wall_clock(stamp).tz_localize(None) for stamp in STAMPS])
    message = (
        "repeats the hour 2018-11-04 01:00, and lacks another: expected standard time all year"
    )
    load_error(write(tmp_path / "7-0.parquet", stamps), message)


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (STAMPS + pd.Timedelta("30min"), "begins at 2018-01-01 00:30, expected the first hour"),
        (STAMPS + pd.Timedelta("1us"), "begins at 2018-01-01 00:00:00.000001, expected"),
        (STAMPS + pd.Timedelta("5h"), "begins at 2018-01-01 05:00, expected the first hour"),
        (
            pd.date_range("2018", periods=17520, freq="30min"),
            "has a row every 30 minutes,",
        ),
        (
            pd.date_range("2018", periods=52560, freq="10min"),
            "has a row every 10 minutes,",
        ),
        (pd.date_range("2018", periods=8760, freq="15min"), "has 8760 15-minute rows, expected"),
        (pd.date_range("1994-06", periods=8760, freq="D"), "has a row every 1440 minutes"),
    ],
)
def test_stamps_of_other_clocks_are_refused(
    tmp_path: Path, stamps: pd.DatetimeIndex, message: str
) -> None:
    load_error(write(tmp_path / "7-0.parquet", stamps), message)


def test_hour_ends_of_a_leap_year_are_the_same_hours(tmp_path: Path) -> None:
    values = np.arange(float(HOURS))
    kept = LEAP[~((LEAP.month == 2) & (LEAP.day == 29))] + pd.Timedelta("1h")
    path = write(tmp_path / "7-0.parquet", kept, total=values)
    assert LoadFileReader(["total"]).read(str(path), 7).values["total"].tolist() == values.tolist()


SUN = np.where(np.abs(np.arange(HOURS) % 24 - 12) < 4, 2.0, 0.0)


@pytest.mark.parametrize(
    ("total", "pv", "share"),
    [
        (1.0 - SUN, SUN, "29%"),  # of each day 7 kWh of 24: 7 hours of -1, 17 hours of 1
        (-np.ones(HOURS), np.zeros(HOURS), "100%"),
        (-np.ones(HOURS), -SUN, "100%"),
    ],
)
def test_use_less_generation_in_the_place_of_use_is_refused(
    tmp_path: Path, total: np.ndarray, pv: np.ndarray, share: str
) -> None:
    path = write(tmp_path / "7-0.parquet", STAMPS, total=total, pv=pv)
    load_error(path, f"column {TOTAL_COLUMN} is negative for {share} of its energy, expected use")


def test_a_little_energy_below_zero_is_no_matter() -> None:
    total = np.r_[np.full(99, 1.0), -1.0]
    assert kernels.negative_share(total) == 0.01
    assert kernels.negative_share(np.zeros(3)) == 0.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([[1.0]] * HOURS), "has lists in column"),
        (pa.array([b"1"] * HOURS), "is binary, expected numbers"),
        (pa.nulls(HOURS), "is null, expected numbers"),
        (pa.array([True] * HOURS), "is bool, expected numbers"),
        (pa.array([None] * HOURS, pa.float64()), "has 8760 rows that are missing or infinite"),
    ],
)
def test_energies_that_are_no_numbers_are_refused(
    tmp_path: Path, values: pa.Array, message: str
) -> None:
    path = write(tmp_path / "7-0.parquet", STAMPS)
    table = pq.read_table(path).drop_columns([PV_COLUMN]).append_column(PV_COLUMN, values)
    pq.write_table(table, path)
    load_error(path, message)


@pytest.mark.parametrize("kind", ["text", "dates", "zone"])
def test_stamps_that_are_no_times_without_zone_are_refused(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "7-0.parquet", STAMPS)
    column, message = {
        "text": (pa.array(STAMPS.astype(str)), "timestamp column of (large_)?string, not of times"),
        "dates": (pa.array(STAMPS.date), r"timestamp column of date32\[day\], not of times"),
        "zone": (
            pa.array(STAMPS.to_numpy(), pa.timestamp("us", tz="UTC")),
            "stamps in time zone UTC, expected local standard time without a zone",
        ),
    }[kind]
    table = pq.read_table(path).drop_columns(["timestamp"]).append_column("timestamp", column)
    pq.write_table(table, path)
    load_error(path, message)
