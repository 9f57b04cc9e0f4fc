"""Groups of customers: metadata columns in words, incomes, and the group that is drawn apart."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cairo.errors import CairoError, listed
from cairo.model.arrays import Float1D
from cairo.model.bat_statistics import MOST_GROUPS, NOT_SEGMENTS
from cairo.model.income import incomes
from cairo.model.labels import Labels
from cairo.results.report.numbers import weighted_quantile

MOST_VALUES = 12
"""Columns of numbers with more values than this are shown by fifths of the customers."""
FIFTHS = (0.2, 0.4, 0.6, 0.8)
NONE = "(none)"
HEATING = (
    "postprocess_group.has_hp",
    "postprocess_group.heating_type",
    "in.heating_fuel",
)
"""Columns that tell how a home is heated, the first that a stock has."""
FIRST = (*HEATING[:2], "in.representative_income", "in.income")
"""Columns that come before all others."""


@dataclass(frozen=True)
class Segment:
    """A metadata column as groups of customers.

    column : its name in the metadata. name, groups : in words. code : (n,) group of each home.
    note : what is to be said of the groups.
    """

    column: str
    name: str
    note: str
    groups: tuple[str, ...]
    code: np.ndarray


def segments(
    homes: pd.DataFrame, tariffs: Mapping[str, np.ndarray], labels: Labels | None = None
) -> tuple[list[Segment], list[str]]:
    """Each metadata column as groups, and the names of the columns with too many values.

    tariffs : {name: (n,) tariff key of each home}, groups of their own where there are several.
    """
    labels = labels or Labels()
    own = [str(name) for name in homes if name not in NOT_SEGMENTS]
    columns = {name: homes[name] for name in sorted(own, key=_place)}
    first = [name for name in columns if name in FIRST]
    several = {
        name: pd.Series(keys, homes.index) for name, keys in tariffs.items() if len(set(keys)) > 1
    }
    columns = {name: columns[name] for name in first} | several | columns
    names = labels.columns(columns)
    found, left_out = [], []
    for column, values in columns.items():
        distinct = int(values.nunique())
        numbers = pd.to_numeric(values, errors="coerce") if distinct > MOST_VALUES else None
        if numbers is not None and numbers.notna().equals(values.notna()):
            weight = homes["weight"].to_numpy(np.float64)
            groups, code = fifths(numbers.to_numpy(np.float64), weight)
            note = "fifths of the customers"
        elif distinct <= MOST_GROUPS:
            groups, code = _values(column.split(" under ")[0], values, labels)
            note = ""
        else:
            left_out.append(names[column])
            continue
        found.append(Segment(column, names[column], note, groups, code))
    return found, left_out


def _place(column: str) -> int:
    return FIRST.index(column) if column in FIRST else len(FIRST)


def _values(column: str, values: pd.Series, labels: Labels) -> tuple[tuple[str, ...], np.ndarray]:
    text = values.astype(object).where(values.notna(), NONE).astype(str)
    words = {one: NONE if one == NONE else labels.value(column, one) for one in set(text)}
    # Two values that have the same words stay two groups.
    said = list(words.values())
    words = {one: f"{w} ({one})" if said.count(w) > 1 else w for one, w in words.items()}
    order = sorted(words, key=_natural)
    code = pd.Categorical(text, categories=order).codes
    return tuple(words[one] for one in order), np.asarray(code)


def fifths(values: Float1D, weight: Float1D) -> tuple[tuple[str, ...], np.ndarray]:
    """Groups of about a fifth of the customers by a number, and (n,) the group of each home."""
    known = np.isfinite(values)
    edges = weighted_quantile(values[known], weight[known], FIFTHS)
    code = np.where(known, np.searchsorted(np.unique(edges), values), len(edges) + 1)
    kept, code = np.unique(code, return_inverse=True)
    groups = []
    for number in range(len(kept)):
        inside = values[code == number]
        low, high = inside.min(), inside.max()
        groups.append(NONE if np.isnan(low) else _between(low, high))
    return tuple(groups), code


def _between(low: float, high: float) -> str:
    return f"{low:,.10g}" if low == high else f"{low:,.10g} to {high:,.10g}"


def _natural(text: str) -> tuple[bool, float, int, str]:
    """Order of group names: by their first number (`<1940` before `1940-59`), then by text."""
    number = re.search(r"\d+(\.\d+)?", text.replace(",", ""))
    first = float(number.group()) if number else math.inf
    return text == NONE, first, 0 if text[:1] in "<-" else 1, text


def income_groups(homes: pd.DataFrame) -> tuple[Segment, Float1D] | None:
    """Fifths of the customers by income, and (n,) incomes [$/year]; None without any."""
    found = incomes(homes)
    if found is None:
        return None
    column, values = found
    groups, code = fifths(values, homes["weight"].to_numpy(np.float64))
    words = tuple(
        "income unknown" if g == NONE else f"${g.replace(' to ', ' to $')}" for g in groups
    )
    return Segment(column, "income", "fifths of the customers", words, code), values


def heating_groups(homes: pd.DataFrame, labels: Labels) -> Segment | None:
    """How homes are heated; None where the metadata do not tell them apart."""
    for column in HEATING:
        if column in homes and 1 < homes[column].nunique() <= MOST_VALUES:
            groups, code = _values(column, homes[column], labels)
            name = labels.column(column)
            plain = {"yes": name, "no": f"no {name}"}
            return Segment(column, name, "", tuple(plain.get(g, g) for g in groups), code)
    return None


@dataclass(frozen=True)
class Highlight:
    """The homes a report draws apart; `label` says which in words, `chosen` is (n,) bool."""

    label: str
    chosen: np.ndarray


DEFAULT_GROUPS = (("postprocess_group.has_hp", "true"), ("in.has_pv", "yes"))
"""Highlighted when nothing else is asked for: the first that sets some homes apart."""


def highlight(
    homes: pd.DataFrame, group: str | None, labels: Labels | None = None
) -> Highlight | None:
    """The group `COLUMN=VALUE` to highlight; without one, heat pump homes or those with PV.

    Columns and values may be named as the metadata or as the page has them.

    Raises
    ------
    CairoError
        The text is not of that form, or no home is in such a group.
    """
    labels = labels or Labels()
    if group is None:
        for column, value in DEFAULT_GROUPS:
            if column in homes:
                chosen = (homes[column].astype(object).map(_plain) == value).to_numpy(bool)
                if chosen.any() and not chosen.all():
                    return _named(homes, column, chosen, labels)
        return None
    asked, equals, value = group.partition("=")
    names = labels.columns(str(name) for name in homes if name not in NOT_SEGMENTS)
    column = next(
        (n for n, words in names.items() if asked in (n, words) or n.split(".")[-1] == asked), ""
    )
    if not equals or not column:
        raise CairoError(
            f"group {group!r}: expected COLUMN=VALUE with one of the columns {listed(names, 50)}"
        )
    values = homes[column].astype(object)
    chosen = values.map(
        lambda one: _plain(value) in (_plain(one), _plain(labels.value(column, str(one))))
    ).to_numpy(bool)
    if not chosen.any():
        there = sorted({str(v) for v in homes[column].dropna()}, key=_natural)
        raise CairoError(f"group {group!r}: no home has it; {column} has {listed(there)}")
    return _named(homes, column, chosen, labels)


def _named(homes: pd.DataFrame, column: str, chosen: np.ndarray, labels: Labels) -> Highlight:
    value = labels.value(column, str(homes[column].to_numpy()[chosen][0]))
    return Highlight(f"{labels.column(column)}: {value}", chosen)


def _plain(value: object) -> str:
    return str(value).strip().lower()
