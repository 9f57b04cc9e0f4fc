"""The 8760-hour calendar against the standard library's."""

import datetime

import numpy as np
import pandas as pd
import pytest

from cairo.errors import CairoError, LoadError
from cairo.model.calendar import (
    __timeshift__,
    hour_months,
    hour_of_day,
    hour_stamps,
    hour_weekend,
    offset_days,
)

YEARS = [2012, 2018, 2023, 2024, 2025, 2028]


def real_hours(year):
    """Every hour of the year but February 29's, by the standard library."""
    hour = datetime.datetime(year, 1, 1)
    hours = []
    while hour.year == year:
        if (hour.month, hour.day) != (2, 29):
            hours.append(hour)
        hour += datetime.timedelta(hours=1)
    return hours


@pytest.mark.parametrize("year", YEARS)
def test_the_calendar_is_the_real_one_without_february_29(year):
    hours = real_hours(year)
    assert len(hours) == 8760
    assert list(hour_stamps(year).to_pydatetime()) == hours
    assert hour_months().tolist() == [h.month - 1 for h in hours]
    assert hour_weekend(year).tolist() == [h.weekday() >= 5 for h in hours]
    assert hour_of_day().tolist() == [h.hour for h in hours]


@pytest.mark.parametrize("source", YEARS)
@pytest.mark.parametrize("target", YEARS)
def test_after_the_shift_the_first_day_has_the_target_years_weekday(source, target):
    first = datetime.date(source, 1, 1) + datetime.timedelta(days=offset_days(source, target))
    assert first.weekday() == datetime.date(target, 1, 1).weekday()
    assert 0 <= offset_days(source, target) < 7


def test_weekdays_of_2018_fall_on_the_same_weekdays_of_2025():
    # 2018 began on a Monday, 2025 on a Wednesday: two days move to the end.
    weekday = np.array([h.weekday() for h in real_hours(2018)])
    frame = pd.DataFrame({"weekday": weekday, "hour": np.arange(8760)}, index=hour_stamps(2018))
    shifted = __timeshift__(frame, 2025)
    # All but the days that were moved to the end.
    inside = slice(0, 8760 - 48)
    assert (shifted["weekday"].to_numpy() == shifted.index.day_of_week)[inside].all()
    assert shifted["hour"].tolist() == [*range(48, 8760), *range(48)]
    assert shifted.index.equals(hour_stamps(2025))


def test_each_building_is_rolled_alone():
    index = pd.MultiIndex.from_product(
        [[7, 3], hour_stamps(2018, "EST")], names=["bldg_id", "time"]
    )
    frame = pd.DataFrame({"load_data": np.arange(2 * 8760.0)}, index=index)
    shifted = __timeshift__(frame, 2025)
    assert shifted.index.names == ["bldg_id", "time"]
    assert shifted.loc[7, "load_data"].tolist() == [*range(48, 8760), *range(48)]
    assert shifted.loc[3, "load_data"].tolist() == [
        8760 + h for h in [*range(48, 8760), *range(48)]
    ]
    assert str(shifted.index.levels[1].tz) == "EST"
    assert frame["load_data"].tolist() == list(range(2 * 8760)), "the input is not changed"


def test_a_leap_day_is_left_out_before_the_shift():
    hours = pd.date_range("2024-01-01", periods=8784, freq="h")
    shifted = __timeshift__(pd.Series(hours.month * 100 + hours.day, index=hours), 2024)
    assert len(shifted) == 8760
    assert 229 not in shifted.to_numpy()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_unit_zone_and_name_stay(unit):
    index = hour_stamps(2018, "EST").as_unit(unit).rename("timestamp")
    shifted = __timeshift__(pd.Series(np.zeros(8760), index=index), 2025)
    assert (shifted.index.unit, str(shifted.index.tz), shifted.index.name) == (
        unit,
        "EST",
        "timestamp",
    )


@pytest.mark.parametrize("rows", [0, 24, 8759])
def test_other_than_8760_hours_are_refused(rows):
    with pytest.raises(LoadError, match=f"{rows} rows, expected 8760"):
        __timeshift__(pd.Series(np.zeros(rows), index=hour_stamps(2018)[:rows]), 2025)


def test_buildings_of_unequal_length_are_refused():
    hours = hour_stamps(2018)
    index = pd.MultiIndex.from_arrays(
        [[1] * 8759 + [2] * 8761, hours[:-1].append(hours[-1:]).append(hours)],
        names=["bldg_id", "time"],
    )
    with pytest.raises(LoadError, match="consecutive"):
        __timeshift__(pd.Series(np.zeros(2 * 8760), index=index), 2025)


def test_a_frame_without_times_is_refused():
    with pytest.raises(LoadError, match="int64"):
        __timeshift__(pd.Series(np.zeros(8760)), 2025)


@pytest.mark.parametrize("zone", ["America/New_York", "Mars/Olympus"])
def test_zones_with_daylight_saving_or_unknown_are_refused(zone):
    with pytest.raises(LoadError, match=f"time zone {zone}.*such as EST"):
        hour_stamps(2025, zone)


def test_a_year_times_cannot_hold_is_refused():
    with pytest.raises(CairoError, match="year 99999"):
        hour_stamps(99999)


def test_shared_arrays_cannot_be_written():
    for array in (hour_months(), hour_weekend(2025), hour_of_day()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
