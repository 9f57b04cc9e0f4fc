"""Statistics of bill alignment and of bills over groups of customers.

Groups are the values of a metadata column. Statistics describe the modelled buildings, but for
the weighted average, which is per customer. A statistic that does not exist, such as the
spread of one building or a ratio to zero, is NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cairo.errors import MetadataError, listed
from cairo.model.allocations import share_columns
from cairo.model.arrays import Float1D, FloatND, Int1D
from cairo.model.components import COMPONENTS, of_component
from cairo.model.kernels import weighted_total
from cairo.shared import read_once

MOST_GROUPS = 50
"""Columns with more values than this, such as names, are not segments."""
NOT_SEGMENTS = frozenset({"bldg_id", "weight", "upgrade", "applicability"})
ALL = "all customers"


ROUNDING = 1e-12
"""A mean this much smaller than its terms is zero but for rounding."""


def coeff_var(values: npt.ArrayLike) -> float:
    """Coefficient of variation: sample standard deviation over mean; NaN when the mean is zero."""
    numbers = np.asarray(values, dtype=np.float64)
    return float(_coeff_var(numbers[:, None])[0])


def _coeff_var(values: FloatND) -> FloatND:
    """`coeff_var` of each column of (n, k)."""
    mean = values.mean(axis=0)
    none = np.abs(mean) <= ROUNDING * np.abs(values).mean(axis=0)
    return _spread(values) / np.where(none, np.nan, mean)


def _spread(values: FloatND) -> FloatND:
    """Sample standard deviation of each column of (n, k); NaN for a single row."""
    if len(values) < 2:
        return np.full(values.shape[1], np.nan)
    spread: FloatND = values.std(axis=0, ddof=1)
    return spread


def quartile_coeff_of_disp(values: npt.ArrayLike) -> float:
    """Quartile coefficient of dispersion: (Q3 - Q1) / (Q3 + Q1)."""
    first, third = np.percentile(np.asarray(values, dtype=np.float64), [25, 75])
    return float(_dispersion(first, third))


def _dispersion(first: FloatND, third: FloatND) -> FloatND:
    """(Q3 - Q1) / (Q3 + Q1), NaN when they add to zero."""
    none = np.abs(third + first) <= ROUNDING * (np.abs(third) + np.abs(first))
    return (third - first) / np.where(none, np.nan, third + first)


def weighted_avg_by_group(values: pd.Series) -> float:
    """Average over customers: sum w x / sum w; the weights are the series' index.

    For `groupby().agg`, of a frame whose index is the weight.
    """
    return _weighted_mean(values.to_numpy(np.float64), values.index.to_numpy(np.float64))


def _weighted_mean(values: np.ndarray, weight: np.ndarray) -> float:
    customers = weighted_total(weight, np.ones(len(weight)))
    return weighted_total(weight, values) / customers if customers else float("nan")


def paid_for_one_another(values: FloatND, weight: FloatND) -> float:
    """Dollars a year that customers pay for one another: half of sum w |x - mean|.

    values : (n,) bill alignment [$/customer-year]; weight : (n,) customers, not all zero. What
    all pay too much or too little alike, the mean, is nobody's cross-subsidy; what some pay above
    it others pay below it, so half of the deviations is what changes hands.
    """
    apart = np.abs(values - _weighted_mean(values, weight))
    return weighted_total(weight, apart) / 2.0


def segment_columns(metadata_df: pd.DataFrame) -> list[str]:
    """Metadata columns whose values are groups of customers."""
    return [
        name
        for name in metadata_df.columns
        if name not in NOT_SEGMENTS and metadata_df[name].nunique() <= MOST_GROUPS
    ]


def calculate_BAT_stats_by_group(
    metadata_df: pd.DataFrame, bat_df: pd.DataFrame, gcn: str
) -> pd.DataFrame:
    """Statistics of every bill alignment by the groups of a metadata column.

    Parameters
    ----------
    metadata_df : `bldg_id`, `weight` and the column `gcn`.
    bat_df : index bldg_id, with the `BAT_*` columns [$].
    gcn : name of the grouping column.

    Returns
    -------
    Columns `gcn`, `metric`, `buildings`, `customers`, `mean`, `median`, `weighted_average`,
    `std`, `coefficient_of_variation`, `quartile_coefficient_of_dispersion`; a row a group and
    bill alignment, groups in order of their names, all customers last.

    Raises
    ------
    MetadataError
        The metadata has no such column.
    """
    names = list(share_columns())
    names += [of_component(name, component) for component in COMPONENTS for name in names]
    columns = [name for name in names if name in bat_df]
    groups = _groups(metadata_df, bat_df.index, gcn)
    matrix = bat_df[columns].to_numpy(np.float64)
    return pd.DataFrame(
        [{gcn: group.name} | row for group in groups for row in _rows_of(group, matrix, columns)]
    )


@dataclass(frozen=True, eq=False)
class Group:
    """Customers of one value: their places among all (m,), weights (m,) and sum of weights."""

    name: str
    places: Int1D | slice
    weight: Float1D
    customers: float

    @classmethod
    def of(cls, name: str, places: Int1D | slice, weight: Float1D) -> Group:
        """The group at some places of all customers' weights (n,)."""
        mine = weight[places]
        return cls(name, places, mine, weighted_total(mine, np.ones(len(mine))))


class Segments:
    """Customers by the values of each metadata column.

    Parameters
    ----------
    metadata_df : `bldg_id`, `weight` and segment columns, a row a home.
    """

    def __init__(self, metadata_df: pd.DataFrame) -> None:
        self.frame = metadata_df
        self.ids = pd.Index(metadata_df["bldg_id"])
        self.weight: Float1D = metadata_df["weight"].to_numpy(np.float64)
        self._of: dict[str, list[Group]] = {}

    @functools.cached_property
    def columns(self) -> list[str]:
        """Columns whose values are groups."""
        return segment_columns(self.frame)

    def groups(self, column: str) -> list[Group]:
        """Groups in order of their names, all customers last.

        Raises
        ------
        MetadataError
            The metadata has no such column.
        """
        if column not in self.frame:
            raise MetadataError(
                f"metadata has no column {column} to group by; it has {listed(self.frame.columns)}"
            )
        if column not in self._of:
            values = self.frame[column].reset_index(drop=True)
            named = values.astype(object).where(values.notna(), "(none)").astype(str)
            places = named.groupby(named.to_numpy()).indices
            groups = [Group.of(str(name), place, self.weight) for name, place in places.items()]
            everybody = Group.of(ALL, slice(None), self.weight)
            self._of[column] = [*groups, everybody]
        return self._of[column]


def _segments(metadata_df: pd.DataFrame, bldg_ids: pd.Index) -> Segments:
    """The segments of homes in an order of their own."""
    found = read_once(Segments, metadata_df)
    if found.ids.equals(bldg_ids):
        return found
    rows = metadata_df.set_index("bldg_id").reindex(bldg_ids)
    return Segments(rows.rename_axis("bldg_id").reset_index())


def _groups(metadata_df: pd.DataFrame, bldg_ids: pd.Index, column: str) -> list[Group]:
    return _segments(metadata_df, bldg_ids).groups(column)


def _rows_of(group: Group, matrix: FloatND, metrics: Sequence[str]) -> list[dict[str, object]]:
    """One group's statistics, a row a column of `matrix` (n, k)."""
    values, weight = matrix[group.places], group.weight
    first, median, third = np.percentile(values, [25, 50, 75], axis=0)
    mean, spread = values.mean(axis=0), _spread(values)
    variation, dispersion = _coeff_var(values), _dispersion(first, third)
    customers = group.customers
    return [
        {
            "metric": metric,
            "buildings": len(values),
            "customers": customers,
            "mean": mean[column],
            "median": median[column],
            "weighted_average": weighted_total(weight, values[:, column]) / customers
            if customers
            else float("nan"),
            "std": spread[column],
            "coefficient_of_variation": variation[column],
            "quartile_coefficient_of_dispersion": dispersion[column],
        }
        for column, metric in enumerate(metrics)
    ]


def _group_summary_bat_formatting(frame: pd.DataFrame, group_column_name: str) -> pd.DataFrame:
    """A frame of `groupby().agg` with one row of column names, for CAIRO's callers.

    Parameters
    ----------
    frame : indexed by group, columns (metric, statistic).
    group_column_name : name of the index.

    Returns
    -------
    Columns `<metric>_<statistic>`, a metric alone where it has one that is only `first`.
    """
    names = [
        metric if statistic == "first" else f"{metric}_{statistic}"
        for metric, statistic in frame.columns
    ]
    flat = frame.set_axis(names, axis=1).rename_axis(group_column_name)
    return flat.loc[:, ~flat.columns.duplicated()]


def bill_statistics(metadata_df: pd.DataFrame, annual: pd.Series) -> pd.DataFrame:
    """The same statistics of annual bills [$] for every segment column, one below the other.

    Columns `segment`, `group`, then as `calculate_BAT_stats_by_group`.
    """
    segments = _segments(metadata_df, annual.index)
    if not segments.columns:
        segments = Segments(segments.frame.assign(**{ALL: ALL}))
    matrix, metrics = annual.to_numpy(np.float64)[:, None], [str(annual.name)]
    return pd.DataFrame(
        [
            {"segment": column, "group": group.name} | row
            for column in segments.columns
            for group in segments.groups(column)
            for row in _rows_of(group, matrix, metrics)
        ]
    )
