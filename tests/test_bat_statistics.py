"""Statistics by group, against arithmetic."""

import numpy as np
import pandas as pd
import pytest

from cairo.errors import MetadataError
from cairo.model.bat_statistics import (
    bill_statistics,
    calculate_BAT_stats_by_group,
    coeff_var,
    quartile_coeff_of_disp,
    segment_columns,
    weighted_avg_by_group,
)

METADATA = pd.DataFrame(
    {"bldg_id": [1, 2, 3, 4], "weight": [1.0, 3.0, 2.0, 2.0], "in.tenure": ["A", "A", "B", None]}
)
BAT = pd.DataFrame({"BAT_vol": [10.0, 30.0, -5.0, 7.0]}, index=[1, 2, 3, 4])


def row(group: str) -> pd.Series:
    found = calculate_BAT_stats_by_group(METADATA, BAT, "in.tenure")
    return found[found["in.tenure"] == group].iloc[0]


def test_a_groups_statistics() -> None:
    a = row("A")
    # 10 and 30: deviation sqrt(((-10)^2 + 10^2) / 1); quartiles 15 and 25
    assert (a["buildings"], a["customers"]) == (2, 4.0)
    assert (a["mean"], a["median"]) == (20.0, 20.0)
    assert a["weighted_average"] == pytest.approx((10 * 1 + 30 * 3) / 4)
    assert a["std"] == pytest.approx(200**0.5)
    assert a["coefficient_of_variation"] == pytest.approx(200**0.5 / 20)
    assert a["quartile_coefficient_of_dispersion"] == pytest.approx((25 - 15) / (25 + 15))


def test_homes_without_a_value_and_all_homes_have_rows_of_their_own() -> None:
    assert row("(none)")["mean"] == 7.0
    assert row("all customers")["customers"] == 8.0
    assert row("all customers")["weighted_average"] == pytest.approx((10 + 90 - 10 + 14) / 8)


def test_one_home_has_no_spread() -> None:
    b = row("B")
    assert b["mean"] == -5.0
    assert np.isnan(b["std"]) and np.isnan(b["coefficient_of_variation"])


def test_a_ratio_to_a_mean_that_is_zero_but_for_rounding_does_not_exist() -> None:
    assert np.isnan(coeff_var([0.1, 0.2, -0.3]))
    assert np.isnan(quartile_coeff_of_disp([-1.0, 1.0]))
    assert coeff_var([1.0, 3.0]) == pytest.approx(2**0.5 / 2)


def test_weighted_averages_follow_customers() -> None:
    frame = pd.DataFrame({"g": ["x", "x", "y"], "v": [1.0, 2.0, 5.0], "w": [3.0, 1.0, 2.0]})
    found = frame.set_index("w").groupby("g")["v"].agg(weighted_avg_by_group)
    assert found.to_dict() == {"x": 1.25, "y": 5.0}


def test_names_and_weights_are_not_segments() -> None:
    metadata = METADATA.assign(address=[f"street {i}" for i in range(4)])
    many = pd.concat([metadata.assign(address=f"{i}") for i in range(60)])
    assert segment_columns(many) == ["in.tenure"]


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(MetadataError, match=r"no column in\.age"):
        calculate_BAT_stats_by_group(METADATA, BAT, "in.age")


def test_bills_have_statistics_even_without_segments() -> None:
    annual = pd.Series([100.0, 200.0, 300.0, 400.0], index=[1, 2, 3, 4], name="Annual")
    bare = bill_statistics(METADATA[["bldg_id", "weight"]], annual)
    assert bare["mean"].tolist()[-1] == 250.0
    segmented = bill_statistics(METADATA, annual)
    assert set(segmented["segment"]) == {"in.tenure"}
