"""What a building's loads must be: a year's rows in order, sound energies, PV of one sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow.parquet as pq

from cairo.errors import LoadError
from cairo.files.reading import most_text_bytes
from cairo.model import kernels
from cairo.model.arrays import Float1D
from cairo.model.names import DAYS, GAS_COLUMN, HOURS, PV_COLUMN, TOTAL_COLUMN

USE = {"total": TOTAL_COLUMN, "gas": GAS_COLUMN}
"""Fields that are use, and their columns."""

QUARTERS = 4
MOST_LOSSES = 0.01
"""Share of a home's energy that may have the other sign, such as an inverter's use at night."""
MOST_ROWS = 2 * HOURS * QUARTERS
"""Of a file that is looked at more closely, to say what is wrong with it."""
MOST_COLUMN_BYTES = 2**26
"""A year of quarter hours takes 280 kB."""
MOST_TEXT_BYTES = 2**32
"""That text may take once read, were every row to name its longest."""
_QUARTER_HOUR = np.timedelta64(15, "m")
_HOUR = np.timedelta64(1, "h")


def check_size(
    metadata: pq.FileMetaData, columns: Iterable[int], texts: Iterable[int], path: str
) -> None:
    """What the footer says of columns must fit a year, before a small file fills the memory.

    texts : those of the columns that hold bytes.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if rows > MOST_ROWS:
        raise LoadError(
            f"load file {path} has {rows} rows, expected {HOURS} hours or "
            f"{HOURS * QUARTERS} quarter hours"
        )
    for column in columns:
        size = sum(group.column(column).total_uncompressed_size for group in groups)
        if size > MOST_COLUMN_BYTES:
            raise LoadError(
                f"load file {path} has a column of {size} bytes, expected at most "
                f"{MOST_COLUMN_BYTES}"
            )
    for column in texts:
        # It may stand there once and be repeated by every row.
        text = most_text_bytes(metadata, column)
        if text > MOST_TEXT_BYTES:
            raise LoadError(
                f"load file {path} has text in column {metadata.schema.column(column).path}, which "
                f"may take {text} bytes: expected times or numbers"
            )


def check_stamps(stamps: np.ndarray, path: str) -> tuple[int, int]:
    """(weather year, rows an hour) of one building's stamps.

    Raises
    ------
    LoadError
        Naming the file: not a year's rows, unsorted, repeated or missing stamps.
    """
    steps = np.diff(stamps)
    usual = np.sort(steps)[len(steps) // 2] if len(steps) else _HOUR
    if usual > np.timedelta64(0, "h") and usual not in (_HOUR, _QUARTER_HOUR):
        minutes = usual / np.timedelta64(1, "m")
        raise LoadError(
            f"load file {path} has a row every {minutes:g} minutes, expected hours or quarter hours"
        )
    quarters = usual == _QUARTER_HOUR
    step = _QUARTER_HOUR if quarters else _HOUR
    rows, kind = (HOURS * QUARTERS, "15-minute") if quarters else (HOURS, "hourly")
    if len(stamps) != rows:
        gaps = np.flatnonzero(steps > step)
        where = f" (first gap after {_stamp(stamps[gaps[0]])})" if len(gaps) else ""
        if len(stamps) == rows + rows // DAYS:
            where = ": of a leap year leave out February 29"
        raise LoadError(f"load file {path} has {len(stamps)} {kind} rows, expected {rows}{where}")
    # A leap year's February 29 is left out: the one jump a sound file may have.
    for place in np.flatnonzero(steps == step + np.timedelta64(1, "D")):
        if str((stamps[place] + step).astype("datetime64[D]")).endswith("-02-29"):
            steps[place] = step
    zero = np.timedelta64(0, "h")
    # Clocks that are set forward in spring and back in autumn skip an hour and repeat one.
    moved = bool((steps <= zero).any() and (steps == 2 * _HOUR).any())
    clock = ", and lacks another: expected standard time all year" if moved else ""
    for wrong, problem in (
        (steps < zero, "goes back from {} to {}: rows must be in time order"),
        (steps == zero, "repeats the hour {}" + clock),
        (steps != step, "has a gap from {} to {}"),
    ):
        places = np.flatnonzero(wrong)
        if len(places):
            here, after = stamps[places[0]], stamps[places[0] + 1]
            raise LoadError(f"load file {path} {problem.format(_stamp(here), _stamp(after))}")
    year_start = stamps[0].astype("datetime64[Y]")
    if stamps[0] - year_start.astype(stamps.dtype) not in (zero, step):
        raise LoadError(
            f"load file {path} begins at {_stamp(stamps[0])}, expected the first hour of a year"
        )
    # Every step is right, so a last stamp before the year's end is a leap year's cut short.
    begins = stamps[0] == year_start.astype(stamps.dtype)
    year_end = (year_start + np.timedelta64(1, "Y")).astype(stamps.dtype)
    last = year_end - (step if begins else zero)
    if stamps[-1] != last:
        raise LoadError(
            f"load file {path} ends at {_stamp(stamps[-1])}, expected {_stamp(last)}: of a leap "
            f"year leave out February 29, not the year's end"
        )
    return int(year_start.astype(int)) + 1970, QUARTERS if quarters else 1


def _stamp(value: np.datetime64) -> str:
    """No finer than it is, whatever unit it is stored in."""
    shorter = (value.astype(f"datetime64[{unit}]") for unit in ("m", "s", "us"))
    return str(next((one for one in shorter if one == value), value)).replace("T", " ")


def checked_energies(values: Float1D, per_hour: int, path: str, name: str) -> Float1D:
    """Energies by hour, none of them missing."""
    with np.errstate(invalid="ignore", over="ignore"):  # the sum of both infinities, or too large
        finite = np.isfinite(values.sum())
    if not finite:
        bad = int((~np.isfinite(values)).sum())
        what = f"{bad} rows that are missing or infinite" if bad else "a sum that is infinite"
        raise LoadError(f"load file {path} column {name} has {what}")
    if per_hour == 1:
        return values
    hourly: Float1D = values.reshape(HOURS, per_hour).sum(axis=1)
    return hourly


def check_signs(values: Mapping[str, Float1D], path: str) -> None:
    """Check that what is generation and what is use can be told apart.

    Raises
    ------
    LoadError
        Naming the file: more than `MOST_LOSSES` of the PV energy has the other sign, or of a
        total is below zero, as in a file that has use less generation there.
    """
    for field, energy in values.items():
        if field == "pv":
            share = kernels.loss_share(energy)
            if share > MOST_LOSSES:
                raise LoadError(
                    f"load file {path} column {PV_COLUMN} has energy of both signs ({share:.0%} "
                    "has the other sign), expected generation of one sign and at most "
                    f"{MOST_LOSSES:.0%} of losses"
                )
            continue
        share = kernels.negative_share(energy)
        if share > MOST_LOSSES:
            raise LoadError(
                f"load file {path} column {USE[field]} is negative for {share:.0%} of its "
                f"energy, expected use, with generation in {PV_COLUMN}"
            )
