"""Incomes of homes as numbers, from ranges as ResStock words them."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd

from cairo.model.arrays import Float1D
from cairo.model.low_income_assistance import INCOME

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def middle_income(text: object) -> float:
    """An income [$/year] for a range: its middle, half of `<10000`, the lower end of `200000+`.

    NaN for what names no number, or an income of nothing, of which a bill is no share.
    """
    words = str(text).replace(",", "").replace("$", "").strip()
    numbers = [float(one) for one in _NUMBER.findall(words)]
    if not numbers:
        return math.nan
    first, last = numbers[0], numbers[-1]
    income = first / 2 if words.startswith("<") else (first + last) / 2
    return income if income > 0.0 else math.nan


def incomes(homes: pd.DataFrame) -> Float1D | None:
    """(n,) [$/year], NaN where unknown; None when the metadata knows no income."""
    if INCOME not in homes:
        return None
    column = homes[INCOME]
    known = {text: middle_income(text) for text in column.dropna().unique()}
    income: Float1D = column.map(known).to_numpy(np.float64)
    return income if np.isfinite(income).any() else None
