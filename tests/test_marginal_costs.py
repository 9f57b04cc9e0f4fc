"""Price files: units, calendar, refusals; and the distribution cost's spread over peak hours."""

import gzip
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import PriceError
from cairo.files.cambium import cambium_year
from cairo.files.price_files import read_prices
from cairo.model.calendar import hour_stamps
from cairo.rates_tool.lookups import (
    ANCILLARY_PRICE,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
)
from cairo.utils.marginal_costs.marginal_cost_calculator import (
    _load_cambium_marginal_costs,
    add_distribution_costs,
    load_delivery_prices,
    load_supply_prices,
    marginal_prices,
)

HOUR = np.arange(8760.0)


def parquet(folder, name, year=2025, **columns):
    path = folder / name
    frame = pd.DataFrame({"timestamp": hour_stamps(year), **columns})
    frame.to_parquet(path, index=False)
    return path


def cambium_csv(folder, year=2025, name="cambium.csv"):
    """A Cambium file whose energy price [$/MWh] is the hour's number and capacity twice that."""
    stamps = [f"{s.month}/{s.day}/{s.year} {s.hour}:00" for s in hour_stamps(year)]
    metadata = [
        "Project,Scenario",
        "Cambium24,MidCase",
        "Metric definitions,",
        "Time,Cost",
        ",$/MWh",
    ]
    rows = [f"{stamp},{h},{2 * h}" for h, stamp in enumerate(stamps)]
    path = folder / name
    path.write_text(
        "\n".join([*metadata, "timestamp,energy_cost_enduse,capacity_cost_enduse", *rows])
    )
    return path


def test_supply_prices_are_dollars_per_kwh_in_est_hours(tmp_path):
    prices = load_supply_prices(
        parquet(tmp_path, "e.parquet", energy_cost_enduse=HOUR),
        parquet(tmp_path, "c.parquet", capacity_cost_enduse=2 * HOUR),
        str(parquet(tmp_path, "a.parquet", ancillary_cost_enduse=3 * HOUR)),
        target_year=2025,
    )
    assert list(prices) == [ENERGY_PRICE, CAPACITY_PRICE, ANCILLARY_PRICE]
    np.testing.assert_allclose(prices.to_numpy(), np.outer(HOUR, [0.001, 0.002, 0.003]), rtol=1e-15)
    assert prices.index.equals(hour_stamps(2025, "EST"))


def test_delivery_prices_are_distribution_plus_bulk_in_dollars_per_kwh(tmp_path):
    dist = parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR)
    bulk = parquet(tmp_path, "b.parquet", bulk_tx_cost_enduse=HOUR / 2)
    both = load_delivery_prices(dist, bulk, target_year=2025)
    assert list(both) == [DISTRIBUTION_PRICE]
    np.testing.assert_allclose(both[DISTRIBUTION_PRICE], 1.5 * HOUR, rtol=1e-15)
    alone = load_delivery_prices(dist, target_year=2025)
    np.testing.assert_array_equal(alone[DISTRIBUTION_PRICE], HOUR)
    neither = load_delivery_prices(None, target_year=2025)
    assert (neither.shape, len(neither.index)) == ((8760, 0), 8760)


def test_all_prices_stand_in_one_frame_hour_by_hour(tmp_path):
    prices = marginal_prices(
        parquet(tmp_path, "e.parquet", energy_cost_enduse=HOUR),
        f"file://{parquet(tmp_path, 'c.parquet', capacity_cost_enduse=HOUR)}",
        parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR),
        target_year=2025,
    )
    assert list(prices) == [ENERGY_PRICE, CAPACITY_PRICE, DISTRIBUTION_PRICE]
    np.testing.assert_allclose(prices[ENERGY_PRICE] * 1000, prices[DISTRIBUTION_PRICE], rtol=1e-15)
    assert prices.notna().all(axis=None)


@pytest.mark.parametrize("read", ["supply", "delivery"])
def test_prices_of_another_year_keep_their_weekdays(tmp_path, read):
    # 2018 began on a Monday, 2025 on a Wednesday: two days move to the end.
    if read == "supply":
        path = parquet(tmp_path, "e.parquet", 2018, energy_cost_enduse=1000 * HOUR)
        prices = load_supply_prices(
            path, parquet(tmp_path, "c.parquet", capacity_cost_enduse=HOUR), target_year=2025
        )[ENERGY_PRICE]
    else:
        path = parquet(tmp_path, "d.parquet", 2018, mc_total_per_kwh=HOUR)
        prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == [*range(48, 8760), *range(48)]
    assert prices.index.equals(hour_stamps(2025, "EST"))


@pytest.mark.parametrize("stamped", [2024, 2025, 2030, 2050])
def test_cambium_begins_on_a_sunday_whatever_its_stamps_say(tmp_path, stamped):
    prices = _load_cambium_marginal_costs(cambium_csv(tmp_path, stamped), 2025)
    # 2025 begins on a Wednesday, three days after a Sunday.
    expected = np.array([*range(72, 8760), *range(72)]) / 1000.0
    assert list(prices) == [ENERGY_PRICE, CAPACITY_PRICE]
    np.testing.assert_allclose(prices[ENERGY_PRICE], expected, rtol=1e-15)
    np.testing.assert_allclose(prices[CAPACITY_PRICE], 2 * expected, rtol=1e-15)
    assert prices.index.equals(hour_stamps(2025, "EST"))


def test_cambium_in_parquet_is_cambium_in_csv(tmp_path):
    csv = cambium_csv(tmp_path)
    columns = {"energy_cost_enduse": HOUR, "capacity_cost_enduse": 2 * HOUR}
    file = parquet(tmp_path, "c.parquet", 2025, **columns, energy_cost_busbar=HOUR)
    expected = _load_cambium_marginal_costs(csv, 2026)
    pd.testing.assert_frame_equal(_load_cambium_marginal_costs(file, 2026), expected)
    for path in (csv, file):
        pd.testing.assert_frame_equal(load_supply_prices(path, path, target_year=2026), expected)


@pytest.mark.parametrize("name", ["cambium_2025.parquet", "prices.parquet"])
def test_a_name_makes_no_file_cambiums_and_a_caller_does(tmp_path, caplog, name):
    columns = {"energy_cost_enduse": HOUR, "capacity_cost_enduse": 2 * HOUR}
    path = parquet(tmp_path, name, 2025, **columns)
    read = load_supply_prices(path, path, target_year=2025)
    assert (read[ENERGY_PRICE] * 1000).tolist() == pytest.approx(HOUR.tolist())
    said = f"{name} has neither Cambium's 5 rows above its header nor its busbar costs: "
    assert (f"{said}in spite of its name its hours are those" in caplog.text) == ("cam" in name)
    caplog.clear()
    read = _load_cambium_marginal_costs(path, 2025)
    # 2025 begins on a Wednesday, three days after a Sunday.
    assert (read[ENERGY_PRICE] * 1000).tolist() == pytest.approx(np.roll(HOUR, -72).tolist())
    assert f"{said}its hours are counted from a Sunday" in caplog.text


# Leap years of Cambium: February 29 in, December 31 missing


def leap(clock="h", year=2028, zone=0):
    return pd.date_range(f"{year}-01-01", periods=8760, freq=clock) + pd.Timedelta(hours=zone)


@pytest.mark.parametrize("year", [2024, 2028, 2050])
def test_a_leap_year_of_cambium_is_its_8760_hours_from_a_sunday(tmp_path, caplog, year):
    expected = _load_cambium_marginal_costs(cambium_csv(tmp_path, 2025), 2026)
    stamps = leap(year=year) if year % 4 == 0 else hour_stamps(year)
    lines = cambium_csv(tmp_path, 2025).read_text().splitlines()
    rows = [f"{s},{h},{2 * h}" for h, s in enumerate(stamps)]
    path = tmp_path / "leap.csv"
    path.write_text("\n".join([*lines[:6], *rows]))
    found = _load_cambium_marginal_costs(path, 2026)
    pd.testing.assert_frame_equal(found, expected)
    # The hour that is stamped February 29 is the first of the 60th day from a Sunday, as ever:
    # 2026 begins on a Thursday, so that four days come before it no more.
    assert found[ENERGY_PRICE].iloc[(59 - 4) * 24] * 1000 == pytest.approx(59 * 24)
    assert caplog.text == ""


@pytest.mark.parametrize("zone", [-3, 2, 0])
@pytest.mark.parametrize("same_year", [True, False])
def test_local_hours_of_a_leap_year_of_cambium_are_counted_too(tmp_path, zone, same_year):
    local = leap(zone=zone)
    if same_year:
        local = local.where(local >= leap()[0], local + pd.Timedelta(hours=8760))
    columns = {"timestamp": leap(), "timestamp_local": local, "energy_cost_enduse": HOUR}
    path = tmp_path / "leap.parquet"
    pd.DataFrame(columns | {"capacity_cost_enduse": HOUR, "energy_cost_busbar": HOUR}).to_parquet(
        path, index=False
    )
    prices = _load_cambium_marginal_costs(path, 2023)[ENERGY_PRICE] * 1000
    assert prices.tolist() == pytest.approx(np.roll(HOUR, zone).tolist())


def test_local_hours_may_be_stamped_in_the_same_year(tmp_path):
    stamps = hour_stamps(2025)
    columns = {"timestamp": stamps, "timestamp_local": np.roll(stamps.to_numpy(), 3)}
    path = tmp_path / "d.parquet"
    pd.DataFrame(columns | {"mc_total_per_kwh": HOUR}).to_parquet(path, index=False)
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == np.roll(HOUR, -3).tolist()


@pytest.mark.parametrize("year", [2012, 2028])
def test_any_other_leap_year_that_lacks_its_end_is_refused(tmp_path, year):
    path = tmp_path / "d.parquet"
    spoiled(timestamp=leap(year=year)).to_parquet(path)
    message = rf"d\.parquet ends at {year}-12-30 23:00.* leave out February 29, not the year's end"
    with pytest.raises(PriceError, match=message) as caught:
        load_delivery_prices(path, target_year=2025)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("clock", "minutes"), [("15min", 15), ("30min", 30), ("5min", 5)])
@pytest.mark.parametrize("year", [2025, 2028])
def test_prices_of_other_steps_than_hours_are_told_as_such(tmp_path, clock, minutes, year):
    stamps = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq=clock, inclusive="left")
    path = tmp_path / "d.parquet"
    pd.DataFrame({"timestamp": stamps, "mc_total_per_kwh": 1.0}).to_parquet(path)
    with pytest.raises(
        PriceError, match=rf"d\.parquet has a row every {minutes} minutes, expected"
    ):
        load_delivery_prices(path, target_year=2025)


@pytest.mark.parametrize("kind", [pa.decimal128(12, 4), pa.decimal256(60, 4)])
def test_prices_written_as_decimals_are_read(tmp_path, kind):
    prices = pa.array([Decimal(h) / 10000 for h in range(8760)], kind)
    path = tmp_path / "d.parquet"
    table = {"timestamp": pa.array(hour_stamps(2025)), "mc_total_per_kwh": prices}
    pq.write_table(pa.table(table), path)
    found = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert found.tolist() == (HOUR / 10000).tolist()


def test_cambiums_years_begin_on_a_sunday():
    for year in range(2010, 2060):
        assert pd.Timestamp(f"{cambium_year(year)}-01-01").day_name() == "Sunday"
    years = {2019: 2017, 2025: 2023, 2035: 2034, 2046: 2045, 2060: 2051}
    assert {year: cambium_year(year) for year in years} == years


def test_a_folder_called_cambium_makes_no_file_cambiums(tmp_path):
    folder = tmp_path / "cambium_and_others"
    folder.mkdir()
    capacity = parquet(tmp_path, "c.parquet", capacity_cost_enduse=HOUR)
    for make in (lambda f: parquet(f, "e.parquet", energy_cost_enduse=HOUR), plain_csv):
        there, elsewhere = (
            load_supply_prices(make(place), capacity, target_year=2025)
            for place in (folder, tmp_path)
        )
        pd.testing.assert_frame_equal(there, elsewhere)
        np.testing.assert_allclose(there[ENERGY_PRICE] * 1000, HOUR, rtol=1e-15)


def plain_csv(folder):
    path = folder / "e.csv"
    frame = pd.DataFrame({"timestamp": hour_stamps(2025), "energy_cost_enduse": HOUR})
    frame.to_csv(path, index=False)
    return path


def test_a_cambium_file_under_any_name_is_cambiums(tmp_path):
    named = _load_cambium_marginal_costs(cambium_csv(tmp_path), 2026)
    other = cambium_csv(tmp_path, name="supply.csv")
    pd.testing.assert_frame_equal(_load_cambium_marginal_costs(other, 2026), named)
    zipped = tmp_path / "supply.csv.gz"
    zipped.write_bytes(gzip.compress(other.read_bytes()))
    pd.testing.assert_frame_equal(_load_cambium_marginal_costs(zipped, 2026), named)
    columns = {"energy_cost_enduse": HOUR, "capacity_cost_enduse": 2 * HOUR}
    whole = parquet(tmp_path, "supply.parquet", **columns, energy_cost_busbar=HOUR)
    pd.testing.assert_frame_equal(_load_cambium_marginal_costs(whole, 2026), named)


@pytest.mark.parametrize("factor", [1, 2])
def test_a_price_column_that_is_there_twice_must_be_the_same(tmp_path, factor):
    name, path = "mc_total_per_kwh", tmp_path / "d.csv"
    rows = [f"{s},{h},{factor * h}" for h, s in enumerate(hour_stamps(2025))]
    path.write_text("\n".join([f"timestamp,{name},{name}", *rows]))
    if factor == 1:
        assert load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE].sum() == HOUR.sum()
    else:
        with pytest.raises(PriceError, match=rf"d\.csv has two columns {name}, which differ"):
            load_delivery_prices(path, target_year=2025)


@pytest.mark.parametrize("kind", ["times", "switches", "lists"])
def test_prices_that_are_no_numbers_are_refused(tmp_path, kind):
    values = {"times": hour_stamps(2025), "switches": HOUR > 9, "lists": [[h] for h in HOUR]}
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=values[kind])
    with pytest.raises(
        PriceError, match=r"d\.parquet has 8760 rows of mc_total_per_kwh that are not"
    ):
        load_delivery_prices(path, target_year=2025)


def test_prices_written_as_text_are_read(tmp_path):
    text = [f"{h:,.1f}" for h in HOUR]
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=text)
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == HOUR.tolist()


# Clocks


def two_clocks(folder, zone, **names):
    """Prices [$/kWh] that are the local hour's number, from the first to the last UTC hour."""
    utc = pd.DatetimeIndex(hour_stamps(2025))
    local = utc + pd.Timedelta(hours=zone)
    clocks = {"utc": utc, "local": local}
    columns = {name: clocks[clock] for name, clock in names.items()}
    price = (HOUR + zone) % 8760
    path = folder / "two.parquet"
    pd.DataFrame(columns | {"mc_total_per_kwh": price}).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("zone", [-5, -8, 0, 3])
@pytest.mark.parametrize("other", ["timestamp", "timestamp_utc", "datetime_est"])
def test_of_two_clocks_the_local_one_is_the_loads(tmp_path, zone, other):
    path = two_clocks(tmp_path, zone, **{other: "utc"}, timestamp_local="local")
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == HOUR.tolist()


def test_a_column_of_utc_beside_the_stamps_is_not_the_loads(tmp_path):
    utc = hour_stamps(2025) + pd.Timedelta(hours=5)
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR, timestamp_utc=utc)
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == HOUR.tolist()


def test_stamps_that_are_utc_by_another_column_are_refused(tmp_path):
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR, utc=hour_stamps(2025))
    with pytest.raises(PriceError, match=r"d\.parquet has the UTC of utc in timestamp"):
        load_delivery_prices(path, target_year=2025)


@pytest.mark.parametrize("names", [("timestamp", "timestamp_est"), ("local_time", "time_local")])
def test_two_clocks_that_differ_are_refused_by_name(tmp_path, names):
    path = two_clocks(tmp_path, -1, **dict(zip(names, ("utc", "local"), strict=True)))
    with pytest.raises(PriceError, match=f"two clocks, {names[0]} and {names[1]}, .* row 1") as e:
        load_delivery_prices(path, target_year=2025)
    assert "\n" not in str(e.value)


def test_two_clocks_that_agree_are_one(tmp_path):
    path = two_clocks(tmp_path, 0, timestamp="utc", datetime_est="local", hour="utc")
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == HOUR.tolist()


def test_days_and_hours_of_the_day_are_no_clocks(tmp_path):
    stamps = hour_stamps(2025)
    words = {"date": stamps.strftime("%Y-%m-%d"), "hour": stamps.strftime("%H:%M")}
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR, local_date=words["date"], **words)
    prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
    assert prices.tolist() == HOUR.tolist()


def test_a_cambium_file_of_another_zone_has_its_local_hours(tmp_path):
    csv = cambium_csv(tmp_path)
    lines = csv.read_text().splitlines()
    local = hour_stamps(2025) - pd.Timedelta(hours=1)
    rows = [
        f"{row.split(',')[0]},{stamp},{row.split(',', 1)[1]}"
        for row, stamp in zip(lines[6:], local, strict=True)
    ]
    header = lines[5].replace("timestamp,", "timestamp,timestamp_local,")
    central = tmp_path / "central.csv"
    central.write_text("\n".join([*lines[:5], header, *rows]))
    prices = _load_cambium_marginal_costs(central, 2023)[ENERGY_PRICE] * 1000.0
    # 2023 begins on a Sunday as Cambium does; local midnight is one o'clock Eastern.
    np.testing.assert_allclose(prices, np.roll(HOUR, -1), rtol=1e-12)


def test_a_local_clock_with_a_summer_hour_is_refused(tmp_path):
    stamps = pd.date_range("2025-01-01", periods=8760, freq="h", tz="America/New_York")
    local = stamps.tz_localize(None)
    path = parquet(tmp_path, "d.parquet", mc_total_per_kwh=HOUR, timestamp_local=local)
    with pytest.raises(PriceError, match=r"d\.parquet has hours more than once: 2025-11-02"):
        load_delivery_prices(path, target_year=2025)


def test_a_leap_day_is_left_out(tmp_path):
    hours = pd.date_range("2024-01-01", periods=8784, freq="h")
    frame = pd.DataFrame({"timestamp": hours, "mc_total_per_kwh": hours.month * 100 + hours.day})
    path = tmp_path / "d.parquet"
    frame.to_parquet(path)
    prices = load_delivery_prices(path, target_year=2024)[DISTRIBUTION_PRICE]
    assert len(prices) == 8760
    assert 229.0 not in prices.to_numpy()


def test_stamps_may_carry_est_or_be_the_index(tmp_path):
    path = tmp_path / "d.parquet"
    for zone in ("EST", "Etc/GMT+5"):
        index = hour_stamps(2025, zone).rename("timestamp")
        pd.DataFrame({"mc_total_per_kwh": HOUR}, index=index).to_parquet(path)
        prices = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
        np.testing.assert_array_equal(prices, HOUR)


def test_a_clock_may_be_an_index_or_a_level_of_one(tmp_path):
    path = two_clocks(tmp_path, -1, timestamp="utc", timestamp_local="local")
    prices = pd.read_parquet(path)
    for levels in (["timestamp_local"], ["timestamp"], ["timestamp", "timestamp_local"]):
        prices.set_index(levels).to_parquet(path)
        found = load_delivery_prices(path, target_year=2025)[DISTRIBUTION_PRICE]
        assert found.tolist() == HOUR.tolist()


@pytest.mark.parametrize("index", ["timestamp", "timestamp_utc"])
def test_an_index_that_disputes_the_clock_is_refused(tmp_path, index):
    path = tmp_path / "d.parquet"
    prices = pd.DataFrame({"mc_total_per_kwh": HOUR}, index=hour_stamps(2025).rename(index))
    if index == "timestamp":
        prices["timestamp"] = hour_stamps(2025) + pd.Timedelta(hours=5)
    prices.to_parquet(path)
    with pytest.raises(PriceError, match=r"index timestamp, which differ|no column timestamp;"):
        load_delivery_prices(path, target_year=2025)


def spoiled(**changes):
    frame = pd.DataFrame({"timestamp": hour_stamps(2025), "mc_total_per_kwh": HOUR})
    return frame.assign(**changes)


def swapped(values, i, j):
    values = list(values)
    values[i], values[j] = values[j], values[i]
    return values


STAMPS = list(hour_stamps(2025))
BAD = {
    "short": (spoiled()[:-1], "8759 hourly rows besides February 29, from 2025-01-01 00:00 to"),
    "empty": (spoiled()[:0], "0 hourly rows"),
    "two years": (
        pd.concat([spoiled(), spoiled(timestamp=hour_stamps(2026))]),
        "17520 hourly rows",
    ),
    "twice": (spoiled(timestamp=[STAMPS[0], *STAMPS[:-1]]), "hours more than once: 2025-01-01"),
    "unsorted": (
        spoiled(timestamp=swapped(STAMPS, 5, 6)),
        "not in time order: 2025-01-01 05:00:00 follows 2025-01-01 06:00:00",
    ),
    "gap": (
        spoiled(timestamp=[*STAMPS[:99], *STAMPS[100:], pd.Timestamp("2026-01-01")]),
        "row 100, expected 2025-01-05 03:00:00",
    ),
    "hour endings": (
        spoiled(timestamp=hour_stamps(2025) + pd.Timedelta(hours=1)),
        "2025-01-01 01:00:00 in row 1",
    ),
    "NaN": (
        spoiled(mc_total_per_kwh=np.where(HOUR == 7, np.nan, HOUR)),
        "1 rows of mc_total_per_kwh .* first at 2025-01-01 07:00:00",
    ),
    "infinite": (spoiled(mc_total_per_kwh=np.inf), "8760 rows of mc_total_per_kwh"),
    "text": (spoiled(mc_total_per_kwh="x"), "not finite numbers.*'x'"),
    "no column": (
        spoiled().rename(columns={"mc_total_per_kwh": "x"}),
        "no column mc_total_per_kwh",
    ),
    "no times": (
        spoiled().drop(columns="timestamp"),
        "no column timestamp; it has mc_total_per_kwh",
    ),
    "text times": (spoiled(timestamp="noon"), "timestamp that is no time"),
    "bytes as times": (spoiled(timestamp=b"\xff"), "timestamp that is no time"),
    "missing times": (spoiled(timestamp=[pd.NaT, *STAMPS[1:]]), "rows without timestamp"),
    "UTC": (spoiled(timestamp=hour_stamps(2025, "UTC")), "times in zone UTC, expected EST"),
}


@pytest.mark.parametrize("frame, message", BAD.values(), ids=BAD)
def test_a_price_file_that_does_not_fit_is_named_in_one_line(tmp_path, frame, message):
    path = tmp_path / "bad.parquet"
    frame.to_parquet(path, index=False)
    with pytest.raises(PriceError, match=f"price file .*bad.parquet.*{message}") as caught:
        load_delivery_prices(path, target_year=2025)
    assert "\n" not in str(caught.value)


def test_eastern_time_with_its_summer_hour_is_refused(tmp_path):
    stamps = pd.date_range("2025-01-01", periods=8760, freq="h", tz="America/New_York")
    path = tmp_path / "bad.parquet"
    spoiled(timestamp=stamps).to_parquet(path)
    with pytest.raises(PriceError, match="times in zone America/New_York"):
        load_delivery_prices(path, target_year=2025)


@pytest.mark.parametrize("content", [None, b"", b"not parquet"])
@pytest.mark.parametrize("name", ["x.parquet", "x.csv", "cambium.csv"])
def test_a_price_file_that_cannot_be_read_is_named(tmp_path, content, name):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PriceError, match=f"price file .*{name}") as caught:
        load_delivery_prices(path, target_year=2025)
    assert "\n" not in str(caught.value)


# Distribution costs


def test_a_distribution_cost_is_spread_over_the_highest_hours_in_proportion_to_load():
    load = np.ones(8760)
    load[[10, 500, 4000]] = [4.0, 6.0, 10.0]
    prices = add_distribution_costs(load, 2025, 80.0, 3)
    assert prices.name == DISTRIBUTION_PRICE
    assert prices.index.equals(hour_stamps(2025, "EST"))
    assert prices.iloc[[10, 500, 4000]].tolist() == pytest.approx([16.0, 24.0, 40.0], rel=1e-15)
    assert prices.sum() == pytest.approx(80.0, rel=1e-15)


def test_of_equal_hours_the_earlier_counts():
    load = np.ones(8760)
    load[100] = 2.0
    prices = add_distribution_costs(load, 2025, 60.0, 3)
    assert np.flatnonzero(prices).tolist() == [0, 1, 100]
    assert prices.iloc[[0, 1, 100]].tolist() == pytest.approx([15.0, 15.0, 30.0], rel=1e-15)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8760), st.floats(0.0, 500.0))
def test_a_constant_kw_pays_just_the_cost(seed, hours, cost):
    load = np.random.default_rng(seed).normal(2.0, 2.0, 8760)
    prices = add_distribution_costs(pd.Series(load), 2025, cost, hours)
    assert prices.sum() == pytest.approx(cost, rel=1e-12)
    assert (prices >= 0.0).all()
    # No hour without cost is higher than one that bears some.
    if cost > 0.0 and (prices > 0.0).any() and hours < 8760:
        assert load[prices == 0.0].max(initial=-np.inf) <= load[prices > 0.0].min()


def test_a_hundred_hours_are_the_default():
    load = np.random.default_rng(0).random(8760)
    assert (add_distribution_costs(load, 2025, 1.0) > 0.0).sum() == 100


@pytest.mark.parametrize(
    "load, cost, hours, message",
    [
        (np.ones(8759), 1.0, 100, "shape \\(8759,\\), expected 8760 hours"),
        (np.full(8760, np.nan), 1.0, 100, "not finite"),
        (-np.ones(8760), 1.0, 100, "nowhere positive"),
        (np.ones(8760), 1.0, 0, "hours are 0, expected 1 to 8760"),
        (np.ones(8760), 1.0, 8761, "hours are 8761"),
        (np.ones(8760), float("inf"), 100, "distribution cost is inf"),
    ],
)
def test_a_distribution_cost_without_hours_to_bear_it_is_refused(load, cost, hours, message):
    with pytest.raises(PriceError, match=message):
        add_distribution_costs(load, 2025, cost, hours)


# Real files


def test_the_real_delivery_costs_add_to_what_they_were_made_from(real_data):
    folder = real_data / "rates" / "marginal_costs"
    prices = load_delivery_prices(
        folder / "dist_and_sub_tx.parquet", folder / "bulk_tx.parquet", target_year=2025
    )
    # 80.24 $/kW-yr of distribution and 69 $/kW-yr of bulk transmission.
    assert prices[DISTRIBUTION_PRICE].sum() == pytest.approx(149.24, rel=1e-9)


def test_the_real_supply_prices_are_those_of_the_real_cambium_file(real_data):
    folder = real_data / "rates" / "marginal_costs"
    split = load_supply_prices(
        folder / "supply_energy.parquet", folder / "supply_capacity.parquet", target_year=2025
    )
    whole = _load_cambium_marginal_costs(folder / "cambium_rie_p133_2025.csv", 2025)
    # The split files have Cambium's hours as stamped, the whole one is moved to Sundays.
    rolled = np.roll(split.to_numpy(), -72, axis=0)
    np.testing.assert_allclose(whole.to_numpy(), rolled, rtol=1e-12)


def test_prices_of_a_csv_are_the_numbers_that_it_says_to_the_bit(tmp_path):
    drawn = np.random.default_rng(5).normal(0.1, 1.0, 8760)
    path = tmp_path / "p.csv"
    pd.DataFrame({"timestamp": hour_stamps(2025), "x": drawn}).to_csv(path, index=False)
    assert (read_prices(path, ["x"], 2025)["x"].to_numpy() == drawn).all()
