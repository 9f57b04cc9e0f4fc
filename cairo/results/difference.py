"""The largest difference of a column, found part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


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


def unlike(file: str, column: str, what: str) -> Difference:
    """A difference that no number measures."""
    return Difference(file, column, np.inf, np.inf, False, what)


@dataclass
class LargestGap:
    """What sets a column of two tables apart, of the parts seen so far.

    Numbers x and y are equal when |x - y| <= atol + rtol max(|x|, |y|); NaN equals NaN. Where
    either is no number, the two have to be the same text.
    """

    file: str
    column: str
    rtol: float
    atol: float
    absolute: float = 0.0
    relative: float = 0.0
    over: float = 0.0
    where: str = ""
    text: str = ""

    def add(self, a: pd.Series, b: pd.Series, label: Callable[[int], str]) -> None:
        """Take the next values of both tables; `label` says what one's position is about."""
        if self.text or not len(a):
            return
        x, y = (pd.to_numeric(values, errors="coerce").to_numpy(np.float64) for values in (a, b))
        text = (np.isnan(x) | np.isnan(y)) & ~(a.isna() & b.isna()).to_numpy()
        words = [
            part.astype(object).where(part.notna(), "").astype(str) for part in (a[text], b[text])
        ]
        odd = np.flatnonzero((words[0] != words[1]).to_numpy(bool))
        if len(odd):
            row = int(np.flatnonzero(text)[odd[0]])
            self.text = f"{label(row)}: {_said(a.iloc[row])} and {_said(b.iloc[row])}"
            return
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.where(x == y, 0.0, np.abs(x - y))
            largest = np.fmax(np.abs(x), np.abs(y))
            # An infinity and a number are as far apart as can be, not 0/0.
            relative = np.where(np.isinf(gap), np.inf, np.where(gap > 0, gap / largest, 0.0))
            over = gap - (self.atol + self.rtol * np.where(np.isinf(largest), 0.0, largest))
        gap, over = np.nan_to_num(gap, nan=0.0, posinf=np.inf), np.nan_to_num(over, nan=-1.0)
        self.absolute = max(self.absolute, float(gap.max()))
        self.relative = max(self.relative, float(relative.max()))
        worst = int(over.argmax())
        if over[worst] > self.over:
            self.over, self.where = float(over[worst]), f"at {label(worst)}"

    def difference(self) -> Difference:
        """Of all that was taken."""
        if self.text:
            return unlike(self.file, self.column, self.text)
        return Difference(
            self.file, self.column, self.absolute, self.relative, not self.where, self.where
        )


def _said(value: Any) -> str:
    if pd.isna(value):
        return "no value"
    return repr(value.item() if isinstance(value, np.generic) else value)
