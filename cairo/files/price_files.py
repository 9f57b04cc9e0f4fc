"""One file of hourly prices, checked: 8760 finite values in order, in the target year's hours.

A file that is Cambium's (`cambium`) has hours of a year that begins on a Sunday, in any order of
its own; every other file's hours are those of its stamps.
"""

from __future__ import annotations

import gzip
import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cairo.errors import CairoError, PriceError, listed, one_line
from cairo.files.cambium import (
    METADATA_ROWS,
    cambium_year,
    is_cambium,
    places_of_leap_year,
)
from cairo.files.csv_tables import EXACT
from cairo.files.csv_text import read_text_table, with_decimal_points
from cairo.files.index_columns import with_index_columns
from cairo.files.numbers import written_numbers
from cairo.files.price_clock import TIMESTAMP, clock_column, in_one_year, is_universal
from cairo.files.reading import FilePath, check_table_size, read_bytes, without_query
from cairo.model.calendar import __timeshift__, hour_stamps
from cairo.model.names import HOURS

EST = "EST"
EST_OFFSET = pd.Timedelta(hours=-5)
TIME = "time"
"""Index of the frames, as of load frames."""
MOST_TEXT_BYTES = 2**28
"""Of a zipped file's text: a year of hours takes a few megabytes."""
MINUTE = "%Y-%m-%d %H:%M"
_HOUR = np.timedelta64(1, "h")


def read_prices(
    path: FilePath,
    columns: Sequence[str],
    target_year: int,
    storage_options: Mapping[str, object] | None = None,
    optional: Sequence[str] = (),
    *,
    cambium: bool = False,
) -> pd.DataFrame:
    """Hourly columns of a price file as the file has them, in the target year's EST hours.

    Parameters
    ----------
    path : parquet or CSV, local or fsspec URL. Cambium's stamps are set to a year that begins on
        a Sunday before they are shifted. Of two clocks the loads' is used (`price_clock`).
    columns : wanted; `optional` ones are left out where the file lacks them.
    target_year : weekdays are aligned with it when the file is of another year.
    cambium : the file is Cambium's even if nothing in it tells.

    Returns
    -------
    (8760, k) indexed `time`, float64.

    Raises
    ------
    PriceError
        Naming the file: missing, unreadable, without a column, or not 8760 consecutive hours of
        one year in EST, each with a finite value in each column.
    """
    raw, above = _read(path, storage_options)
    wanted = [*columns, *(name for name in optional if name in raw)]
    missing = [name for name in wanted if name not in raw]
    if missing:
        raise PriceError(
            f"price file {path} has no column {listed(missing)}; it has {listed(raw.columns)}"
        )
    _check_twins(path, raw, wanted)
    cambium = is_cambium(path, list(raw.columns), above, cambium)
    clock, wrapped = clock_column(path, raw)
    stamps = _stamps(path, raw, clock)
    places = places_of_leap_year(stamps, wrapped) if cambium else None
    if places is not None:
        prices = raw[wanted].set_axis(stamps).iloc[np.argsort(places)]
    else:
        if wrapped:
            raw = in_one_year(raw, stamps)
            stamps = pd.DatetimeIndex(raw.index)
        _check_step(path, stamps)
        usual = ~((stamps.month == 2) & (stamps.day == 29))
        _check_hours(path, stamps[usual])
        prices = raw.loc[usual, wanted].set_axis(stamps[usual])
    for name in wanted:
        prices[name] = _values(path, name, prices[name])
    if cambium:
        prices = prices.set_axis(hour_stamps(cambium_year(int(stamps.year[HOURS // 2]))))
    try:
        shifted = __timeshift__(prices, target_year)
    except PriceError:
        raise
    except CairoError as error:
        raise PriceError(f"price file {path}: {error}") from error
    return shifted.set_axis(hour_stamps(target_year, EST).rename(TIME))


def _read(path: FilePath, storage_options: Mapping[str, object] | None) -> tuple[pd.DataFrame, int]:
    """A file's table, and the rows above its header."""
    content = read_bytes(path, storage_options, PriceError, "price file")
    name = without_query(path).lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            text = _unzipped(content) if name.endswith(".gz") else content
            above = _rows_above_header(text)
            return _table(text, above), above
        check_table_size(content)
        frame = pd.read_parquet(io.BytesIO(content))
        index = frame.index
        # Times are often the index, whatever it is called.
        times = index.nlevels == 1 and not isinstance(index, pd.RangeIndex)
        if TIMESTAMP not in frame and times and not is_universal(str(index.name)):
            frame = frame.rename_axis(TIMESTAMP)
        return with_index_columns(frame), 0
    except Exception as error:  # pandas and pyarrow raise errors of many classes
        raise PriceError(f"price file {path} cannot be read: {one_line(error)}") from error


def _table(text: bytes, above: int) -> pd.DataFrame:
    """A CSV file's table, whatever separates its cells and numbers' fractions."""
    cells, separator = read_text_table(text, above)
    if separator == ";":
        numbers = [n for n in cells if cells[n].str.fullmatch(r"[-+\d.,eE]*").all()]
        cells = cells.assign(**{n: with_decimal_points(cells[n]) for n in numbers})
    return pd.read_csv(io.StringIO(cells.to_csv(index=False)), low_memory=False, **EXACT)


def _unzipped(content: bytes) -> bytes:
    with gzip.open(io.BytesIO(content)) as file:
        text = file.read(MOST_TEXT_BYTES + 1)
    if len(text) > MOST_TEXT_BYTES:
        raise ValueError(f"it unzips to more than {MOST_TEXT_BYTES} bytes")
    return text


def _check_twins(path: FilePath, raw: pd.DataFrame, wanted: Sequence[str]) -> None:
    """Columns of one name, the second of which a CSV is read with as `name.1`, hold the same."""
    for name in wanted:
        again = f"{name}.1"
        if again in raw and not (raw[name].to_numpy() == raw[again].to_numpy()).all():
            raise PriceError(
                f"price file {path} has two columns {name}, which differ: expected one of them"
            )


def _rows_above_header(text: bytes) -> int:
    """Five when the sixth line of a CSV has a column of times and the first has none."""
    lines = text.split(b"\n", METADATA_ROWS + 1)[: METADATA_ROWS + 1]
    has = [TIMESTAMP.encode() in line.lower() for line in lines]
    return METADATA_ROWS if len(has) > METADATA_ROWS and has[-1] > has[0] else 0


def _stamps(path: FilePath, raw: pd.DataFrame, clock: str) -> pd.DatetimeIndex:
    given = raw[clock]
    if pd.api.types.is_numeric_dtype(given):
        raise PriceError(f"price file {path} has numbers in {clock}, expected times")
    stamps = _times(path, given, clock)
    if stamps.hasnans:
        raise PriceError(f"price file {path} has rows without {clock}")
    if stamps.tz is None:
        return stamps
    local = stamps.tz_localize(None)
    if ((local - stamps.tz_convert("UTC").tz_localize(None)) != EST_OFFSET).any():
        raise PriceError(
            f"price file {path} has times in zone {stamps.tz}, expected EST or no zone"
        )
    return local


def _times(path: FilePath, given: pd.Series, clock: str) -> pd.DatetimeIndex:
    with warnings.catch_warnings():
        # Stamps without a common format are read one by one, and refused if they are no times.
        warnings.simplefilter("ignore", UserWarning)
        # Of several offsets from UTC pandas 2 warns, which later is an error.
        warnings.simplefilter("error", FutureWarning)
        several = False
        # A year has days above 12, which tells 13/1 from 1/13.
        for day_first in (False, True):
            try:
                return pd.DatetimeIndex(pd.to_datetime(given, dayfirst=day_first))
            except (ValueError, TypeError, FutureWarning) as error:
                several = "timezones" in str(error).replace(" ", "") or several
        if several:
            raise PriceError(
                f"price file {path} has {clock} of several offsets from UTC, expected local "
                "standard time"
            )
        wrong = given[pd.to_datetime(given.map(str), errors="coerce", utc=True).isna()]
        shown = str(wrong.iloc[0] if len(wrong) else given.iloc[0])[:40]
        raise PriceError(f"price file {path} has a {clock} that is no time: {shown!r}")


def _check_step(path: FilePath, stamps: pd.DatetimeIndex) -> None:
    """Check that rows are hours, and that a leap year does not lack its end."""
    steps = np.sort(np.diff(stamps.to_numpy()))
    usual = steps[len(steps) // 2] if len(steps) else _HOUR
    if usual > np.timedelta64(0, "h") and usual != _HOUR:
        raise PriceError(
            f"price file {path} has a row every {usual / np.timedelta64(1, 'm'):g} minutes, "
            "expected hours, such as the mean of each"
        )
    if len(stamps) == HOURS and (steps == _HOUR).all():
        last = stamps[-1]
        if (last.month, last.day) == (12, 30) and last.is_leap_year:
            raise PriceError(
                f"price file {path} ends at {last.strftime(MINUTE)}, expected December 31: of a "
                "leap year leave out February 29, not the year's end"
            )


def _check_hours(path: FilePath, stamps: pd.DatetimeIndex) -> None:
    repeated = stamps[stamps.duplicated()]
    if len(repeated):
        raise PriceError(
            f"price file {path} has hours more than once: {listed(repeated.unique(), 3)}"
        )
    if len(stamps) != HOURS:
        raise PriceError(
            f"price file {path} has {len(stamps)} hourly rows besides February 29, from "
            f"{stamps[:1].strftime(MINUTE)[0] if len(stamps) else 'none'} to "
            f"{stamps[-1:].strftime(MINUTE)[0] if len(stamps) else 'none'}, expected {HOURS}"
        )
    if not stamps.is_monotonic_increasing:
        first = int(np.flatnonzero(np.diff(stamps.to_numpy()) < np.timedelta64(0, "h"))[0])
        raise PriceError(
            f"price file {path} is not in time order: {stamps[first + 1]} follows {stamps[first]}"
        )
    expected = hour_stamps(int(stamps.year[0]))
    wrong = np.flatnonzero(stamps.to_numpy() != expected.to_numpy())
    if wrong.size:
        raise PriceError(
            f"price file {path} has {stamps[wrong[0]]} in row {wrong[0] + 1}, expected "
            f"{expected[wrong[0]]}: hour beginnings of one calendar year"
        )


def _values(path: FilePath, name: str, given: pd.Series) -> pd.Series:
    values = written_numbers(given)
    wrong = np.flatnonzero(~np.isfinite(values.to_numpy()))
    if wrong.size:
        raise PriceError(
            f"price file {path} has {wrong.size} rows of {name} that are not finite numbers, "
            f"first at {given.index[wrong[0]]} ({str(given.iloc[wrong[0]])[:40]!r})"
        )
    return values
