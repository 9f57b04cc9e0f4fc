"""Conversion of dollars between years by the consumer price index."""

import pandas as pd
import pytest

from cairo.errors import ScenarioError
from cairo.model.dollar_years import CPI_U, convert_dollars, dollar_factor

# CUUR0000SA0, annual averages.
CPI_2010, CPI_2023, CPI_2024 = 218.056, 304.702, 313.689
BILLS = pd.DataFrame({"Jan": [100.0, 0.0], "Annual": [1200.0, -5.0]}, index=[7, 3])


def test_a_dollar_of_a_dearer_year_buys_less() -> None:
    assert dollar_factor(2010, 2024) == pytest.approx(CPI_2024 / CPI_2010, rel=1e-15)
    assert dollar_factor(2024, 2023) == pytest.approx(CPI_2023 / CPI_2024, rel=1e-15)


def test_there_and_back_is_the_same_dollar() -> None:
    for year in CPI_U:
        assert dollar_factor(2018, year) * dollar_factor(year, 2018) == pytest.approx(1.0)


def test_the_index_has_every_year_and_only_rises() -> None:
    assert list(CPI_U) == list(range(2010, 2025))
    assert sorted(CPI_U.values()) == list(CPI_U.values())


def test_bills_are_multiplied_and_keep_their_rows() -> None:
    converted = convert_dollars(BILLS, 2023, 2024)
    assert converted.index.tolist() == [7, 3]
    assert converted.loc[7, "Jan"] == pytest.approx(100.0 * 313.689 / 304.702, rel=1e-15)
    assert converted.loc[3, "Annual"] == pytest.approx(-5.0 * 313.689 / 304.702, rel=1e-15)
    assert BILLS.loc[7, "Jan"] == 100.0


def test_a_year_beyond_the_index_needs_none_when_nothing_is_converted() -> None:
    assert dollar_factor(2045, 2045) == 1.0
    assert convert_dollars(BILLS, 2045, 2045) is BILLS


@pytest.mark.parametrize(("years", "named"), [((2009, 2024), 2009), ((2024, 2045), 2045)])
def test_a_year_without_index_is_named(years: tuple[int, int], named: int) -> None:
    with pytest.raises(ScenarioError, match=rf"for {named} \(there are 2010 to 2024\)"):
        dollar_factor(*years)


def test_each_years_rise_is_the_published_one() -> None:
    # Bureau of Labor Statistics, change of the annual average from the year before [%].
    published = {
        2011: 3.2, 2012: 2.1, 2013: 1.5, 2014: 1.6, 2015: 0.1, 2016: 1.3, 2017: 2.1,
        2018: 2.4, 2019: 1.8, 2020: 1.2, 2021: 4.7, 2022: 8.0, 2023: 4.1, 2024: 2.9,
    }  # fmt: skip
    rises = {year: round(100 * (dollar_factor(year - 1, year) - 1), 1) for year in published}
    assert rises == published
