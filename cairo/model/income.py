"""Household income of homes, as metadata word it, and energy bills as a share of it.

References
----------
.. [1] Drehobl, A., Ross, L., Ayala, R. (2020). How high are household energy burdens? American
   Council for an Energy-Efficient Economy. A burden above 6 % is high.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cairo.model.arrays import Float1D
from cairo.model.number_texts import number_of_text, numbers_within

INCOME_COLUMNS = ("in.representative_income", "in.income")
"""Metadata columns of income [$/year], the first that a stock has."""
HIGH_BURDEN = 0.06
"""Share of income above which energy bills are a high burden [1]_."""


def income_of(text: object) -> float:
    """Income [$/year] that a text stands for.

    `65000` is itself, a bracket such as `40000-44999` its middle, `<10000` half of it, and the
    open end `200000+` its lower end. NaN for what names no number.
    """
    words = str(text).strip()
    whole = number_of_text(words)
    if whole is not None:
        return whole
    numbers = numbers_within(words)
    if not numbers or len(numbers) > 2:
        return float("nan")
    if words.startswith("<"):
        return numbers[0] / 2.0
    return sum(numbers) / len(numbers)


def incomes(homes: pd.DataFrame) -> tuple[str, Float1D] | None:
    """The income column and (n,) incomes [$/year], NaN where unknown; None without any."""
    for column in INCOME_COLUMNS:
        if column in homes:
            texts = homes[column].astype(object).where(homes[column].notna(), "")
            known = {text: income_of(text) for text in set(texts)}
            values: Float1D = texts.map(known).to_numpy(np.float64)
            if np.isfinite(values).any():
                return column, values
    return None
