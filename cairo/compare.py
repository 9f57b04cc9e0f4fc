"""Two run directories side by side: every file, and the largest difference of each column."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cairo.errors import CairoError

RTOL, ATOL = 1e-12, 1e-9
LEFT_OUT = {"run.json", "performance_report.html"}
"""Files that tell when and where a run was made, or are drawn from the others."""


@dataclass(frozen=True)
class Difference:
    """Largest difference of one column, or what else sets two files apart.

    absolute, relative : of the numbers compared; zero when equal.
    equal : within the tolerances.
    what : for what is not a number: the first place that differs.
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
    """Compare every file of two run directories.

    Numbers x and y are equal when |x - y| <= atol + rtol max(|x|, |y|); NaN equals NaN. Text
    and row order have to be the same.

    Raises
    ------
    CairoError
        A directory is missing, or a file in it cannot be read.
    """
    one, other = _files(a), _files(b)
    differences: list[Difference] = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            where = b if name in one else a
            differences.append(Difference(name, "", np.inf, np.inf, False, f"not in {where}"))
            continue
        differences += _compare_files(name, one[name], other[name], rtol, atol)
    return Comparison(tuple(differences), rtol, atol)


def _files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    root = Path(folder)
    if not root.is_dir():
        raise CairoError(f"run directory {root} does not exist")
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    kept = {
        name: path
        for name, path in found.items()
        if name not in LEFT_OUT and not name.startswith("report")
    }
    if not kept:
        raise CairoError(f"run directory {root} is empty")
    return kept


def _compare_files(
    name: str, one: Path, other: Path, rtol: float, atol: float
) -> Iterator[Difference]:
    if name.endswith(".csv"):
        yield from _compare_frames(name, _csv(one), _csv(other), rtol, atol)
    elif name.endswith(".json"):
        x, y = dict(_leaves(_json(one))), dict(_leaves(_json(other)))
        if x.keys() != y.keys():
            odd = sorted(x.keys() ^ y.keys())[0]
            yield Difference(name, odd, np.inf, np.inf, False, "in one file only")
            return
        keys = pd.DataFrame({"key": list(x)}, dtype=object)
        frames = [
            keys.assign(value=pd.Series(list(leaves.values()), dtype=object)) for leaves in (x, y)
        ]
        yield from _compare_frames(name, frames[0], frames[1], rtol, atol)
    else:
        same = one.read_bytes() == other.read_bytes()
        yield Difference(name, "", 0.0, 0.0, same, "" if same else "bytes differ")


def _csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, low_memory=False)
    except (OSError, ValueError) as error:
        raise CairoError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CairoError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{key}[{number}]")
    else:
        yield key, value


def _compare_frames(
    name: str, one: pd.DataFrame, other: pd.DataFrame, rtol: float, atol: float
) -> Iterator[Difference]:
    if list(one) != list(other):
        odd = [c for c in [*one, *other] if c not in one or c not in other]
        what = f"columns differ: {', '.join(odd[:3])}" if odd else "columns in another order"
        yield Difference(name, "", np.inf, np.inf, False, what)
        return
    if len(one) != len(other):
        what = f"{len(one)} and {len(other)} rows"
        yield Difference(name, "", np.inf, np.inf, False, what)
        return
    for column in one:
        yield _compare_columns(name, str(column), one[column], other[column], rtol, atol)


def _compare_columns(
    file: str, column: str, one: pd.Series, other: pd.Series, rtol: float, atol: float
) -> Difference:
    x, y = (pd.to_numeric(c, errors="coerce").to_numpy(np.float64) for c in (one, other))
    text = (np.isnan(x) | np.isnan(y)) & ~(one.isna() & other.isna()).to_numpy()
    words = [column.astype(object).where(column.notna(), "").astype(str) for column in (one, other)]
    unlike = text & (words[0] != words[1]).to_numpy()
    if unlike.any():
        row = int(np.flatnonzero(unlike)[0])
        what = f"row {row + 1}: {one.iloc[row]!r} and {other.iloc[row]!r}"
        same = sorted(words[0]) == sorted(words[1])
        what += " (the same rows in another order)" if same else ""
        return Difference(file, column, np.inf, np.inf, False, what)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(x == y, 0.0, np.abs(x - y))
        largest = np.fmax(np.abs(x), np.abs(y))
        relative = np.where(gap > 0, gap / largest, 0.0)
    gap, relative = np.nan_to_num(gap, nan=0.0, posinf=np.inf), np.nan_to_num(relative, nan=0.0)
    equal = bool((gap <= atol + rtol * np.nan_to_num(largest)).all())
    return Difference(
        file, column, float(gap.max(initial=0.0)), float(relative.max(initial=0.0)), equal
    )
