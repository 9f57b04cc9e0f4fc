"""Statistics of bill alignment and of bills over groups of customers.

Groups are the values of a metadata column. Statistics describe the modelled buildings, but for
the weighted average, which is per customer. A statistic that does not exist, such as the
spread of one building or a ratio to zero, is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cairo.errors import MetadataError, listed
from cairo.rates_tool.dd_stages.kernels import weighted_total
from cairo.rates_tool.lookups import RESIDUAL_SHARES

MOST_GROUPS = 50
"""Columns with more values than this, such as names, are not segments."""
NOT_SEGMENTS = frozenset({"bldg_id", "weight", "upgrade", "applicability"})
ALL = "all customers"


ROUNDING = 1e-12
"""A mean this much smaller than its terms is zero but for rounding."""


def coeff_var(values: pd.Series) -> float:
    """Coefficient of variation: sample standard deviation over mean; NaN when the mean is zero."""
    mean = float(values.mean())
    if abs(mean) <= ROUNDING * float(values.abs().mean()):
        return float("nan")
    return float(values.std()) / mean


def quartile_coeff_of_disp(values: pd.Series) -> float:
    """Quartile coefficient of dispersion: (Q3 - Q1) / (Q3 + Q1)."""
    first, third = (float(values.quantile(q)) for q in (0.25, 0.75))
    if abs(third + first) <= ROUNDING * (abs(third) + abs(first)):
        return float("nan")
    return (third - first) / (third + first)


def weighted_avg_by_group(frame: pd.DataFrame, value: str, weight: str, group: str) -> pd.Series:
    """Average of a column over the customers of each group: sum w x / sum w."""
    return pd.Series(
        {
            name: _weighted_mean(rows[value].to_numpy(), rows[weight].to_numpy())
            for name, rows in frame.groupby(group, observed=True)
        },
        name=value,
        dtype=np.float64,
    ).rename_axis(group)


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
    columns = [name for name in RESIDUAL_SHARES if name in bat_df]
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
    parts = [
        _group_summary_bat_formatting(str(name), values.iloc[place], weight[place], gcn)
        for name, place in named.reset_index(drop=True).groupby(named.to_numpy()).indices.items()
    ]
    parts.append(_group_summary_bat_formatting(ALL, values, weight, gcn))
    return pd.concat(parts, ignore_index=True)


def _group_summary_bat_formatting(
    name: str, values: pd.DataFrame, weight: np.ndarray, gcn: str
) -> pd.DataFrame:
    """One group's statistics, a row a column of `values`."""
    metrics: Sequence[str] = list(values.columns)
    return pd.DataFrame(
        {
            gcn: name,
            "metric": metrics,
            "buildings": len(values),
            "customers": weighted_total(weight, np.ones(len(weight))),
            "mean": [float(values[m].mean()) for m in metrics],
            "median": [float(values[m].median()) for m in metrics],
            "weighted_average": [_weighted_mean(values[m].to_numpy(), weight) for m in metrics],
            "std": [float(values[m].std()) for m in metrics],
            "coefficient_of_variation": [coeff_var(values[m]) for m in metrics],
            "quartile_coefficient_of_dispersion": [
                quartile_coeff_of_disp(values[m]) for m in metrics
            ],
        }
    )


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
