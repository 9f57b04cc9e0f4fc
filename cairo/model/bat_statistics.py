"""Statistics of bill alignment and of bills over groups of customers.

Groups are the values of a metadata column. Statistics describe the modelled buildings, but for
the weighted average, which is per customer. A statistic that does not exist, such as the
spread of one building or a ratio to zero, is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cairo.errors import MetadataError, listed
from cairo.model.allocations import share_columns
from cairo.model.arrays import FloatND
from cairo.model.kernels import weighted_total

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
    columns = [name for name in share_columns() if name in bat_df]
    return _statistics_by_group(metadata_df, bat_df[columns], gcn)


def _statistics_by_group(metadata_df: pd.DataFrame, values: pd.DataFrame, gcn: str) -> pd.DataFrame:
    if gcn not in metadata_df:
        raise MetadataError(
            f"metadata has no column {gcn} to group by; it has {listed(metadata_df.columns)}"
        )
    rows = metadata_df.set_index("bldg_id")
    groups = rows[gcn].reindex(values.index)
    weight = rows["weight"].reindex(values.index).to_numpy(np.float64)
    named = groups.astype(object).where(groups.notna(), "(none)").astype(str)
    matrix = values.to_numpy(np.float64)
    statistics: list[dict[str, object]] = []
    for name, place in named.reset_index(drop=True).groupby(named.to_numpy()).indices.items():
        statistics += _rows_of_group(str(name), matrix[place], weight[place], list(values), gcn)
    statistics += _rows_of_group(ALL, matrix, weight, list(values), gcn)
    return pd.DataFrame(statistics)


def _rows_of_group(
    name: str, values: FloatND, weight: FloatND, metrics: Sequence[str], gcn: str
) -> list[dict[str, object]]:
    """One group's statistics, a row a column of `values` (n, k)."""
    first, median, third = np.percentile(values, [25, 50, 75], axis=0)
    mean, spread = values.mean(axis=0), _spread(values)
    variation, dispersion = _coeff_var(values), _dispersion(first, third)
    customers = weighted_total(weight, np.ones(len(weight)))
    return [
        {
            gcn: name,
            "metric": metric,
            "buildings": len(values),
            "customers": customers,
            "mean": mean[column],
            "median": median[column],
            "weighted_average": _weighted_mean(values[:, column], weight),
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
    parts = []
    metadata_df = metadata_df.assign(**{ALL: ALL})
    for name in [column for column in segment_columns(metadata_df) if column != ALL] or [ALL]:
        statistics = _statistics_by_group(metadata_df, annual.to_frame(str(annual.name)), name)
        parts.append(statistics.rename(columns={name: "group"}).assign(segment=name))
    whole = pd.concat(parts, ignore_index=True)
    return whole[["segment", *[name for name in whole if name != "segment"]]]
