"""Two run directories side by side: every file, and the largest difference of each column."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.files.parquet_tables import PARQUET
from cairo.rates_tool.run_files import keys_of
from cairo.results.finding import run_directory
from cairo.results.reader import RunReader

RTOL, ATOL = 1e-12, 1e-9
LEFT_OUT = {"run.json", "performance_report.html"}
"""Files that tell when and where a run was made, or are drawn from the others."""


JSON_KEY = "key"
"""Column of the path to a value of a JSON file."""


@dataclass(frozen=True)
class Difference:
    """Largest difference of one column, or what else sets two files apart.

    absolute, relative : of the numbers compared; zero when equal.
    equal : within the tolerances.
    what : where the largest difference is, or what differs when it is not a number.
    """

    file: str
    column: str
    absolute: float
    relative: float
    equal: bool
    what: str = ""


@dataclass(frozen=True)
class Comparison:
    """Every column of two runs."""

    differences: tuple[Difference, ...]
    rtol: float
    atol: float

    @property
    def equal(self) -> bool:
        """Whether all are within the tolerances."""
        return all(one.equal for one in self.differences)

    def frame(self) -> pd.DataFrame:
        """A row a column."""
        return pd.DataFrame([vars(one) for one in self.differences])


def compare_runs(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    rtol: float = RTOL,
    atol: float = ATOL,
) -> Comparison:
    """Compare every file of two run directories, each a path or `latest:RUN_NAME`.

    Numbers x and y are equal when |x - y| <= atol + rtol max(|x|, |y|); NaN equals NaN. Text
    and row order have to be the same.

    Raises
    ------
    CairoError
        A directory is missing, or a file in it cannot be read.
    """
    one, other = RunReader(run_directory(a)), RunReader(run_directory(b))
    mine, theirs = _files(one), _files(other)
    differences: list[Difference] = []
    for name in sorted({*mine, *theirs}):
        if name not in mine or name not in theirs:
            where = b if name in mine else a
            differences.append(_unlike(name, "", f"not in {where}"))
            continue
        differences += _compare_files(name, one, other, rtol, atol)
    return Comparison(tuple(differences), rtol, atol)


def _files(reader: RunReader) -> list[str]:
    kept = [
        name for name in reader.names() if name not in LEFT_OUT and not name.startswith("report")
    ]
    if not kept:
        raise CairoError(f"run directory {reader.path} is empty")
    return kept


def _compare_files(
    name: str, one: RunReader, other: RunReader, rtol: float, atol: float
) -> Iterator[Difference]:
    if name.endswith((".csv", PARQUET)):
        yield from _compare_frames(name, one.table(name), other.table(name), rtol, atol)
    elif name.endswith(".json"):
        x, y = dict(_leaves(one.mapping(name))), dict(_leaves(other.mapping(name)))
        if odd := [key for key in [*x, *y] if key not in x or key not in y]:
            yield _unlike(name, odd[0], f"key {odd[0]} is in one file only")
            return
        # The order of keys means nothing in JSON: the second file's follow the first's.
        frames = [
            pd.DataFrame({JSON_KEY: list(x), "value": [leaves[key] for key in x]}, dtype=object)
            for leaves in (x, y)
        ]
        yield from _compare_frames(name, frames[0], frames[1], rtol, atol)
    else:
        same = (one.path / name).read_bytes() == (other.path / name).read_bytes()
        yield Difference(name, "", 0.0, 0.0, same, "" if same else "bytes differ")


def _unlike(file: str, column: str, what: str) -> Difference:
    return Difference(file, column, np.inf, np.inf, False, what)


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """(path, number or text) of everything in a JSON value; what is empty is a leaf as well."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{key}[{number}]")
    else:
        yield key, str(value) if isinstance(value, dict | list) else value


def _compare_frames(
    name: str, one: pd.DataFrame, other: pd.DataFrame, rtol: float, atol: float
) -> Iterator[Difference]:
    if list(one) != list(other):
        odd = [c for c in [*one, *other] if c not in one or c not in other]
        what = f"columns differ: {', '.join(odd[:3])}" if odd else "columns in another order"
        yield _unlike(name, "", what)
        return
    if len(one) != len(other):
        yield _unlike(name, "", f"{len(one)} and {len(other)} rows")
        return
    keys = [JSON_KEY] if JSON_KEY in one else keys_of(name, list(one))
    if (row := _first_unlike(one[keys], other[keys])) is not None:
        ordered = [frame[keys].sort_values(keys, ignore_index=True) for frame in (one, other)]
        moved = _first_unlike(*ordered) is None
        what = "the same rows in another order" if moved else "rows of other things"
        found = f"{_label(one, keys, row)} and {_label(other, keys, row)}"
        yield _unlike(name, ", ".join(keys), f"{what}, from row {row + 1}: {found}")
        return
    for column in one:
        yield _compare_columns(name, str(column), one, other, keys, rtol, atol)


def _first_unlike(one: pd.DataFrame, other: pd.DataFrame) -> int | None:
    """First row in which any column differs, exactly; a missing value equals another."""
    unlike = np.zeros(len(one), dtype=bool)
    for column in one:
        x, y = one[column], other[column]
        if x.equals(y):
            continue
        unlike |= ((x != y) & ~(x.isna() & y.isna())).to_numpy(bool)
    rows = np.flatnonzero(unlike)
    return int(rows[0]) if len(rows) else None


def _label(frame: pd.DataFrame, keys: list[str], row: int) -> str:
    """What a row is about: `bldg_id 4421, month Jan`."""
    return ", ".join(f"{key} {frame[key].iloc[row]}" for key in keys) or f"row {row + 1}"


def _compare_columns(
    file: str,
    column: str,
    one: pd.DataFrame,
    other: pd.DataFrame,
    keys: list[str],
    rtol: float,
    atol: float,
) -> Difference:
    a, b = one[column], other[column]
    if a.equals(b):
        return Difference(file, column, 0.0, 0.0, True)
    x, y = (pd.to_numeric(values, errors="coerce").to_numpy(np.float64) for values in (a, b))
    # Where either is no number, the two have to be the same text.
    text = (np.isnan(x) | np.isnan(y)) & ~(a.isna() & b.isna()).to_numpy()
    words = [part.astype(object).where(part.notna(), "").astype(str) for part in (a[text], b[text])]
    unlike = np.flatnonzero((words[0] != words[1]).to_numpy(bool))
    if len(unlike):
        row = int(np.flatnonzero(text)[unlike[0]])
        return _unlike(
            file, column, f"{_label(one, keys, row)}: {a.iloc[row]!r} and {b.iloc[row]!r}"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(x == y, 0.0, np.abs(x - y))
        largest = np.fmax(np.abs(x), np.abs(y))
        # An infinity and a number are as far apart as can be, not 0/0.
        relative = np.where(np.isinf(gap), np.inf, np.where(gap > 0, gap / largest, 0.0))
        over = gap - (atol + rtol * np.where(np.isinf(largest), 0.0, largest))
    gap, over = np.nan_to_num(gap, nan=0.0, posinf=np.inf), np.nan_to_num(over, nan=-1.0)
    equal = not bool((over > 0.0).any())
    where = "" if equal else f"at {_label(one, keys, int(over.argmax()))}"
    return Difference(
        file, column, float(gap.max(initial=0.0)), float(relative.max(initial=0.0)), equal, where
    )
