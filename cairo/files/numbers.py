"""Numbers as files write them: also as text, never as times or switches."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from cairo.model.number_texts import number_of_text
from cairo.model.tariff_rows import number


def written_number(value: object) -> float | None:
    """A number, also a decimal or one written as text (`number_of_text`); None for others."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        return number_of_text(value)
    if isinstance(value, Decimal):
        return float(value)
    return number(value)


def written_numbers(values: pd.Series) -> pd.Series:
    """A column's numbers as float64; NaN for whatever is none."""
    if pd.api.types.is_float_dtype(values) or pd.api.types.is_integer_dtype(values):
        return pd.to_numeric(values, errors="coerce").astype(np.float64)
    return values.map(written_number).astype(np.float64)


def is_no_number(values: pd.Series) -> bool:
    """Whether a column holds switches or times, which pandas would count as numbers."""
    types = pd.api.types
    return bool(
        types.is_bool_dtype(values)
        or types.is_datetime64_any_dtype(values)
        or types.is_timedelta64_dtype(values)
    )


def is_rounded(values: pd.Series) -> pd.Series:
    """Which of a column's ids are texts such as `1.12E+05`: who wrote them lost the last digits."""
    return values.map(lambda one: isinstance(one, str) and "e" in one.lower()).astype(bool)
