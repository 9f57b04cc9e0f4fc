"""Two run directories side by side: every file, and the largest difference of each column."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cairo.errors import CairoError
from cairo.files.csv_tables import read_table
from cairo.files.parquet_tables import PARQUET, read_parquet
from cairo.model.arrays import Int1D
from cairo.rates_tool.run_files import keys_of
from cairo.rates_tool.run_reader import RunReader, column_types
from cairo.results.difference import Difference, LargestGap, unlike
from cairo.results.finding import run_directory
from cairo.results.in_step import InStep, Part

RTOL, ATOL = 1e-12, 1e-9
LEFT_OUT = {"run.json", "performance_report.html"}
"""Files that tell when and where a run was made, or are drawn from the others."""


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
        A directory is missing, a file in it cannot be read, or what is allowed is no number from
        0 on.
    """
    for name, allowed in (("rtol", rtol), ("atol", atol)):
        if not allowed >= 0:
            raise CairoError(f"{name} is {allowed}, expected a number from 0 on")
    one, other = RunReader(run_directory(a)), RunReader(run_directory(b))
    mine, theirs = _files(one), _files(other)
    differences: list[Difference] = []
    for name in sorted({*mine, *theirs}):
        if name not in mine or name not in theirs:
            where = b if name in mine else a
            differences.append(unlike(name, "", f"not in {where}"))
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
) -> list[Difference]:
    paths = one.path / name, other.path / name
    if name.endswith((".csv", PARQUET)):
        return _compare_tables(name, one, other, rtol, atol)
    if name.endswith(".json"):
        return [_compare_json(name, one.mapping(name), other.mapping(name), rtol, atol)]
    same = filecmp.cmp(*paths, shallow=False)
    return [Difference(name, "", 0.0, 0.0, same, "" if same else "bytes differ")]


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


def _compare_json(name: str, one: object, other: object, rtol: float, atol: float) -> Difference:
    """The leaves of two JSON values, whose order of keys means nothing."""
    x, y = dict(_leaves(one)), dict(_leaves(other))
    if odd := [key for key in [*x, *y] if key not in x or key not in y]:
        return unlike(name, odd[0], f"key {odd[0]} is in one file only")
    keys = list(x)
    gap = LargestGap(name, "value", rtol, atol)
    a, b = (pd.Series([leaves[key] for key in keys], dtype=object) for leaves in (x, y))
    gap.add(a, b, lambda row: f"key {keys[row]}")
    return gap.difference()


def _compare_tables(
    name: str, one: RunReader, other: RunReader, rtol: float, atol: float
) -> list[Difference]:
    columns, theirs = one.header(name), other.header(name)
    for reader, header in ((one, columns), (other, theirs)):
        if not header:
            raise reader.unreadable(name, ValueError("it is empty"))
    if columns != theirs:
        odd = [c for c in [*columns, *theirs] if c not in columns or c not in theirs]
        what = f"columns differ: {', '.join(odd[:3])}" if odd else "columns in another order"
        return [unlike(name, "", what)]
    if filecmp.cmp(one.path / name, other.path / name, shallow=False):
        return [Difference(name, column, 0.0, 0.0, True) for column in columns]
    gaps = {column: LargestGap(name, column, rtol, atol) for column in columns}
    types = {c: kind for c, kind in column_types(name).items() if kind and c in columns}
    try:
        return _compared(name, one, other, gaps, types)
    except CairoError:
        # A column of numbers may hold something else: then all are compared as text.
        gaps = {column: LargestGap(name, column, rtol, atol) for column in columns}
        return _compared(name, one, other, gaps, {})


def _compared(
    name: str,
    one: RunReader,
    other: RunReader,
    gaps: Mapping[str, LargestGap],
    types: Mapping[str, str],
) -> list[Difference]:
    keys = keys_of(name, gaps)
    both = InStep(one.path / name, other.path / name, list(gaps), types)
    moved: tuple[int, str] | None = None
    for part in both:
        # After the first row of another thing, rows are only counted.
        moved = moved or _first_moved(part, keys)
        for column, gap in gaps.items() if moved is None else ():
            rows = part.unlike(column)
            if len(rows):
                a, b = part.values(column, rows)
                gap.add(a, b, _labels(part, keys, rows))
    if both.rows[0] != both.rows[1]:
        return [unlike(name, "", f"{both.rows[0]} and {both.rows[1]} rows")]
    if moved is not None:
        row, found = moved
        order = "the same rows in another order" if _reordered(name, one, other, keys) else ""
        what = order or "rows of other things"
        return [unlike(name, ", ".join(keys), f"{what}, from row {row + 1}: {found}")]
    return [gap.difference() for gap in gaps.values()]


def _first_moved(part: Part, keys: Sequence[str]) -> tuple[int, str] | None:
    """First row that is about another thing in the other table, and what both are about."""
    first: int | None = None
    for key in keys:
        rows = part.unlike(key)
        a, b = part.values(key, rows)
        # Numbers written otherwise are the same.
        x, y = (pd.to_numeric(values, errors="coerce").to_numpy() for values in (a, b))
        rows = rows[x != y]
        if len(rows):
            first = int(rows[0]) if first is None else min(first, int(rows[0]))
    if first is None:
        return None
    labels = (part.label(keys, first, other=other) for other in (False, True))
    return part.first + first, " and ".join(labels)


def _labels(part: Part, keys: Sequence[str], rows: Int1D) -> Callable[[int], str]:
    return lambda position: part.label(keys, int(rows[position]))


def _reordered(name: str, one: RunReader, other: RunReader, keys: list[str]) -> bool:
    """Whether both tables are about the same things."""
    ordered = [
        (
            read_parquet(reader.path / name, keys).astype(str)
            if name.endswith(PARQUET)
            else read_table(reader.path / name, None, keys, text=True)
        ).sort_values(keys, ignore_index=True)
        for reader in (one, other)
    ]
    return bool(ordered[0].equals(ordered[1]))
