"""Weighted statistics of groups of customers, and how numbers are written on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cairo.model.arrays import Float1D
from cairo.model.kernels import weighted_total

EVEN = 0.005
"""Dollars a year: a customer this near to zero neither gains nor loses."""
ALL = "All customers"
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


def group_numbers(
    values: Float1D, weight: Float1D, groups: Sequence[str], code: np.ndarray
) -> list[GroupNumbers]:
    """A row a group, then one for all customers; `code` (n,) numbers each home's group."""
    order = np.argsort(values, kind="stable")
    values, weight, code = values[order], weight[order], code[order]
    rows = [
        _numbers(name, values[code == number], weight[code == number])
        for number, name in enumerate(groups)
    ]
    return [*rows, numbers_of_all(values, weight)]


def numbers_of_all(values: Float1D, weight: Float1D) -> GroupNumbers:
    """The row of all customers."""
    order = np.argsort(values, kind="stable")
    return _numbers(ALL, values[order], weight[order])


def _numbers(group: str, values: Float1D, weight: Float1D) -> GroupNumbers:
    """Of values that rise."""
    customers, total = _customers(weight), weighted_total(weight, values)

    def part(chosen: np.ndarray) -> tuple[float, float]:
        some = _customers(weight[chosen])
        return ratio(some, customers), ratio(weighted_total(weight[chosen], values[chosen]), some)

    over, over_mean = part(values > EVEN)
    under, under_mean = part(values < -EVEN)
    median = float(weighted_quantile(values, weight, (0.5,), ordered=True)[0])
    mean = ratio(total, customers)
    return GroupNumbers(group, customers, over, over_mean, under, under_mean, mean, median, total)


def ratio(part: float, whole: float) -> float:
    """NaN of nothing."""
    return part / whole if whole else math.nan


def mean_of(values: Float1D, weight: Float1D) -> float:
    """Mean over customers; NaN without any."""
    return ratio(weighted_total(weight, values), _customers(weight))


def share_where(chosen: np.ndarray, weight: Float1D) -> float:
    """Share of the customers that are chosen, (n,) bool."""
    return ratio(_customers(weight[chosen]), _customers(weight))


def _customers(weight: Float1D) -> float:
    return math.fsum(weight.tolist())


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


def rate(price: float) -> str:
    """`0.123456`, a price of a kWh."""
    return _signed(f"{price:.6f}")


def cents(value: float) -> str:
    """Dollars with cents."""
    return dollars(value, 2)
