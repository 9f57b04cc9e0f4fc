"""Dollars of one year in those of another, by the US consumer price index."""

from __future__ import annotations

import pandas as pd

from cairo.errors import ScenarioError

CPI_U = {
    2010: 218.056,
    2011: 224.939,
    2012: 229.594,
    2013: 232.957,
    2014: 236.736,
    2015: 237.017,
    2016: 240.007,
    2017: 245.120,
    2018: 251.107,
    2019: 255.657,
    2020: 258.811,
    2021: 270.970,
    2022: 292.655,
    2023: 304.702,
    2024: 313.689,
}
"""Annual averages, all items, US city average, not seasonally adjusted, 1982-84 = 100
(Bureau of Labor Statistics, series CUUR0000SA0)."""


def dollar_factor(from_year: int, to_year: int) -> float:
    """Dollars of `to_year` that buy what one of `from_year` does.

    Raises
    ------
    ScenarioError
        The years differ and one of them has no price index here.
    """
    if from_year == to_year:
        return 1.0
    for year in (from_year, to_year):
        if year not in CPI_U:
            raise ScenarioError(
                f"no consumer price index for {year} (there are {min(CPI_U)} to {max(CPI_U)}): "
                "give year_dollar_conversion the same year as year_run"
            )
    return CPI_U[to_year] / CPI_U[from_year]


def convert_dollars(bills: pd.DataFrame, from_year: int, to_year: int) -> pd.DataFrame:
    """Bills [$ of `from_year`] in dollars of `to_year`."""
    factor = dollar_factor(from_year, to_year)
    return bills if factor == 1.0 else bills * factor
