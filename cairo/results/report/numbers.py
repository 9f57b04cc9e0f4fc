"""Weighted statistics of groups of customers, and how numbers are written on the page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed
from cairo.model.arrays import Float1D
from cairo.model.bat_statistics import MOST_GROUPS, NOT_SEGMENTS

EVEN = 0.005
"""Dollars a year: a customer this near to zero neither gains nor loses."""
MOST_VALUES = 12
"""Columns of numbers with more values than this are shown by fifths of the customers."""
FIFTHS = (0.2, 0.4, 0.6, 0.8)
ALL = "All customers"
NONE = "(none)"
_SAME = 1e-9
"""Share of the total weight below which two cumulative weights are the same."""


def weighted_quantile(
    values: Float1D, weight: Float1D, q: Sequence[float], *, ordered: bool = False
) -> Float1D:
    """Quantiles of the customers behind weighted homes.

    The quantile q is the least value that at least the share q of the customers do not exceed;
    where a value is reached exactly at q, the mean of it and the next, so that equal weights
    give the ordinary median. NaN without customers. `ordered` says `values` already rise.
    """
    kept = weight > 0
    values, weight = values[kept], weight[kept]
    if not len(values):
        return np.full(len(q), np.nan)
    if not ordered:
        order = np.argsort(values, kind="stable")
        values, weight = values[order], weight[order]
    reached = np.cumsum(weight)
    total = reached[-1]
    goal = np.asarray(q) * total
    low = np.searchsorted(reached, goal - _SAME * total).clip(max=len(values) - 1)
    high = np.searchsorted(reached, goal + _SAME * total).clip(max=len(values) - 1)
    return np.asarray((values[low] + values[high]) / 2)


@dataclass(frozen=True)
class Segment:
    """A metadata column as groups of customers; `code` (n,) numbers each home's group."""

    column: str
    note: str
    groups: tuple[str, ...]
    code: np.ndarray


def segments(
    homes: pd.DataFrame, tariffs: Mapping[str, np.ndarray]
) -> tuple[list[Segment], list[str]]:
    """Each metadata column as groups, and the names of the columns with too many values.

    tariffs : {name: (n,) tariff key of each home}, groups of their own where there are several.
    """
    found, left_out = [], []
    columns = {str(name): homes[name] for name in homes if name not in NOT_SEGMENTS}
    for name, keys in tariffs.items():
        if len(set(keys)) > 1:
            columns = {name: pd.Series(keys, homes.index), **columns}
    for name, column in columns.items():
        distinct = int(column.nunique())
        numbers = pd.to_numeric(column, errors="coerce") if distinct > MOST_VALUES else None
        if numbers is not None and numbers.notna().equals(column.notna()):
            found.append(_fifths(str(name), numbers.to_numpy(np.float64), homes["weight"]))
        elif distinct <= MOST_GROUPS:
            text = column.astype(object).where(column.notna(), NONE).astype(str)
            groups = sorted(set(text), key=_natural)
            code = pd.Categorical(text, categories=groups).codes
            found.append(Segment(str(name), "", tuple(groups), np.asarray(code)))
        else:
            left_out.append(str(name))
    return found, left_out


def _fifths(name: str, values: Float1D, weight: pd.Series) -> Segment:
    known = np.isfinite(values)
    edges = weighted_quantile(values[known], weight.to_numpy(np.float64)[known], FIFTHS)
    code = np.where(known, np.searchsorted(np.unique(edges), values), len(edges) + 1)
    kept, code = np.unique(code, return_inverse=True)
    groups = []
    for number in range(len(kept)):
        inside = values[code == number]
        low, high = inside.min(), inside.max()
        groups.append(NONE if np.isnan(low) else f"{low:,.10g} to {high:,.10g}")
    return Segment(name, "fifths of the customers", tuple(groups), code)


def _natural(text: str) -> tuple[bool, float, int, str]:
    """Order of group names: by their first number (`<1940` before `1940-59`), then by text."""
    number = re.search(r"\d+(\.\d+)?", text.replace(",", ""))
    first = float(number.group()) if number else math.inf
    return text == NONE, first, 0 if text[:1] in "<-" else 1, text


@dataclass(frozen=True)
class GroupNumbers:
    """Bill alignment, or bill changes, of a group's customers [$/customer-year].

    over, under : shares of the customers above and below zero by more than `EVEN`;
    over_mean, under_mean : their means; mean, median : of all the group; total : [$/year].
    """

    group: str
    customers: float
    over: float
    over_mean: float
    under: float
    under_mean: float
    mean: float
    median: float
    total: float


def group_numbers(values: Float1D, weight: Float1D, segment: Segment) -> list[GroupNumbers]:
    """A row a group, then one for all customers."""
    order = np.argsort(values, kind="stable")
    values, weight, code = values[order], weight[order], segment.code[order]
    rows = [
        _numbers(name, values[code == number], weight[code == number])
        for number, name in enumerate(segment.groups)
    ]
    return [*rows, _numbers(ALL, values, weight)]


def _numbers(group: str, values: Float1D, weight: Float1D) -> GroupNumbers:
    customers, total = math.fsum(weight), math.fsum(weight * values)

    def part(chosen: np.ndarray) -> tuple[float, float]:
        count = math.fsum(weight[chosen])
        mean = math.fsum((weight * values)[chosen]) / count if count else math.nan
        return (count / customers if customers else math.nan), mean

    over, over_mean = part(values > EVEN)
    under, under_mean = part(values < -EVEN)
    median = float(weighted_quantile(values, weight, (0.5,), ordered=True)[0])
    mean = total / customers if customers else math.nan
    return GroupNumbers(group, customers, over, over_mean, under, under_mean, mean, median, total)


@dataclass(frozen=True)
class Highlight:
    """The homes a report draws apart: those of `column` with `value`; `chosen` (n,) bool."""

    column: str
    value: str
    chosen: np.ndarray

    @property
    def label(self) -> str:
        """`column = value`."""
        return f"{self.column} = {self.value}"


DEFAULT_GROUPS = (("postprocess_group.has_hp", "true"), ("in.has_pv", "yes"))
"""Highlighted when nothing else is asked for: the first that sets some homes apart."""


def highlight(homes: pd.DataFrame, group: str | None) -> Highlight | None:
    """The group `COLUMN=VALUE` to highlight; without one, heat pump homes or those with PV.

    Raises
    ------
    CairoError
        The text is not of that form, or no home is in such a group.
    """
    if group is None:
        for column, value in DEFAULT_GROUPS:
            if column in homes:
                chosen = (homes[column].astype(object).map(_plain) == value).to_numpy(bool)
                if chosen.any() and not chosen.all():
                    return Highlight(column, str(homes[column].to_numpy()[chosen][0]), chosen)
        return None
    asked, equals, value = group.partition("=")
    names = [name for name in homes if name not in NOT_SEGMENTS]
    column = next((n for n in names if n == asked or n.split(".")[-1] == asked), "")
    if not equals or not column:
        raise CairoError(
            f"group {group!r}: expected COLUMN=VALUE with one of the columns {listed(names, 50)}"
        )
    chosen = (homes[column].astype(object).map(_plain) == _plain(value)).to_numpy(bool)
    if not chosen.any():
        values = sorted({str(v) for v in homes[column].dropna()}, key=_natural)
        raise CairoError(f"group {group!r}: no home has it; {column} has {listed(values)}")
    return Highlight(column, str(homes[column].to_numpy()[chosen][0]), chosen)


def _plain(value: object) -> str:
    return str(value).strip().lower()


def count(value: float) -> str:
    """`419,348`; an en dash for what does not exist."""
    return "–" if math.isnan(value) else _signed(f"{value:,.0f}")


def dollars(value: float, places: int = 0) -> str:
    """`−$1,234`, or with cents."""
    if math.isnan(value):
        return "–"
    text = f"{abs(value):,.{places}f}"
    below = value < 0 and float(text.replace(",", "")) != 0
    return f"{'−' if below else ''}${text}"


def short_dollars(value: float) -> str:
    """`$914.8 million`."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return (
                f"{'−' if value < 0 else ''}${abs(value) / size:,.{1 if size < 1e9 else 2}f} {name}"
            )
    return dollars(value)


def percent(share: float, places: int = 1) -> str:
    """`60.4%`."""
    return "–" if math.isnan(share) else f"{_signed(f'{100 * share:,.{places}f}')}%"


def power(kilowatts: float) -> str:
    """`1,796.7 MW`, or kW for small stocks."""
    return f"{kilowatts / 1e3:,.1f} MW" if kilowatts >= 1e4 else f"{kilowatts:,.1f} kW"


def energy(kilowatt_hours: float) -> str:
    """`5,188.9 GWh`, or MWh for small stocks."""
    big = abs(kilowatt_hours) >= 1e8
    return f"{kilowatt_hours / (1e6 if big else 1e3):,.1f} {'GWh' if big else 'MWh'}"


def _signed(text: str) -> str:
    """A true minus sign, and none before zero."""
    if text.startswith("-"):
        return text[1:] if not text.strip("-0.,") else "−" + text[1:]
    return text
