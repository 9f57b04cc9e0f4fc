"""Bill alignment of two homes worked by hand, its checks and files, and the bill files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cairo.errors import LoadError, MetadataError
from cairo.model.bat_statistics import (
    bill_statistics,
    coeff_var,
    quartile_coeff_of_disp,
    segment_columns,
    weighted_avg_by_group,
)
from cairo.model.calendar import hour_stamps
from cairo.model.determinants import determinants
from cairo.model.prices import Prices
from cairo.rates_tool.lookups import (
    ANNUAL,
    BURDEN,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    HOURS,
    NET_LOAD,
    RESIDUAL_COSTS,
    TOTAL_PRICE,
    months,
)
from cairo.rates_tool.postprocessing import (
    InternalCrossSubsidizationProcessor,
    _group_summary_bat_formatting,
    check_balance,
)
from cairo.rates_tool.run_files import RUN_FILES, RunResult, long_bills, write_files
from cairo.rates_tool.run_spec import Costs, Customers, Requirement, RunSpec, Service

STAMPS = hour_stamps(2025, "EST")
SHARE = "customer_level_residual_share_"
BATS = ["BAT_vol", "BAT_peak", "BAT_percustomer", "BAT_epmc"]


def year(*first: float) -> np.ndarray:
    """8760 values: those given, then zeros."""
    return np.concatenate([first, np.zeros(HOURS - len(first))])


# Home 70: 1x0.1 + 2x0.7 + 3x2.3 = 8.4 $; home 30: 4x0.1 - 1x2.3 = -1.9 $.
PRICES = pd.DataFrame(
    {
        ENERGY_PRICE: year(0.1, 0.2, 0.3),
        CAPACITY_PRICE: year(0.0, 0.0, 2.0),
        DISTRIBUTION_PRICE: year(0.0, 0.5, 0.0),
        TOTAL_PRICE: year(99.0, 99.0, 99.0),
    },
    index=STAMPS,
)
LOADS = pd.DataFrame(
    {NET_LOAD: np.concatenate([year(1.0, 2.0, 3.0), year(4.0, 0.0, -1.0)])},
    index=pd.MultiIndex.from_product([[70, 30], STAMPS], names=["bldg_id", "time"]),
)
# The metadata's order is not the loads'.
METADATA = pd.DataFrame({"bldg_id": [30, 70], "weight": [5.0, 10.0], "in.tenure": ["A", "B"]})
COSTS = {RESIDUAL_COSTS: 750.0}
BILLS = pd.DataFrame({ANNUAL: [100.0, 20.0]}, index=[70, 30])
# Customers 10 x home 70 and 5 x home 30: 75 kWh, 45 kWh in the peak hours 1 and 2, 74.5 $ burden.
SHARES = {
    "volumetric": {70: 750 * 6 / 75, 30: 750 * 3 / 75},
    "peak": {70: 750 * 5 / 45, 30: -750 * 1 / 45},
    "percustomer": {70: 50.0, 30: 50.0},
    "epmc": {70: 750 * 8.4 / 74.5, 30: -750 * 1.9 / 74.5},
}
BURDENS = {70: 8.4, 30: -1.9}


def metrics(folder: Path | None = None, run_type: str = "default") -> pd.DataFrame:
    return InternalCrossSubsidizationProcessor(
        run_type, folder
    )._return_cross_subsidization_metrics(METADATA, LOADS, PRICES, COSTS, BILLS, 2025)


def test_the_burden_is_load_times_the_sum_of_components_hour_by_hour() -> None:
    burden = InternalCrossSubsidizationProcessor()._determine_marginal_cost_allocation(
        LOADS, PRICES
    )
    assert burden.name == BURDEN
    assert burden.index.tolist() == [70, 30]
    assert burden.to_dict() == pytest.approx(BURDENS)


def test_hours_are_matched_by_their_time_not_their_place() -> None:
    turned = LOADS.iloc[::-1]
    burden, shares = (
        InternalCrossSubsidizationProcessor()._return_customer_level_economic_burden_and_residual_share(
            METADATA, turned, PRICES, COSTS
        )
    )
    assert burden.to_dict() == pytest.approx(BURDENS)
    assert shares[SHARE + "peak"].to_dict() == pytest.approx(SHARES["peak"])


def test_each_allocation_has_its_basis() -> None:
    shares = InternalCrossSubsidizationProcessor()._determine_residual_cost_allocation(
        METADATA, LOADS, PRICES, COSTS
    )
    assert list(shares) == [SHARE + name for name in SHARES]
    for name, expected in SHARES.items():
        assert shares[SHARE + name].to_dict() == pytest.approx(expected, rel=1e-13)


def test_bill_alignment_is_the_bill_less_burden_less_share() -> None:
    found = metrics()
    assert found.index.tolist() == [30, 70]
    assert found["weight"].tolist() == [5.0, 10.0]
    assert found["dollar_year"].tolist() == [2025, 2025]
    for bat, share in zip(BATS, SHARES.values(), strict=True):
        for home, bill in {70: 100.0, 30: 20.0}.items():
            assert found.loc[home, bat] == pytest.approx(bill - BURDENS[home] - share[home])


def test_the_columns_stand_in_the_order_callers_expect(tmp_path: Path) -> None:
    found = metrics(tmp_path)
    order = [ANNUAL, BURDEN, *(SHARE + name for name in SHARES), "weight", *BATS, "dollar_year"]
    assert list(found) == order
    stored = pd.read_csv(tmp_path / "cross_subsidization/cross_subsidization_BAT_values.csv")
    assert list(stored) == ["bldg_id", *order]
    pd.testing.assert_frame_equal(
        stored.set_index("bldg_id"), found, check_dtype=False, check_exact=True
    )
    by_tenure = pd.read_csv(
        tmp_path / "cross_subsidization/cross_subsidization_BAT_by_in.tenure.csv"
    )
    means = by_tenure[by_tenure["metric"] == "BAT_vol"].set_index("in.tenure")["mean"]
    # 20 + 1.9 - 30 and 100 - 8.4 - 60; all customers' mean is of the two homes.
    assert means.to_dict() == pytest.approx(
        {"A": -8.1, "B": 31.6, "all customers": (31.6 - 8.1) / 2}
    )


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metrics()
    assert not list(tmp_path.iterdir())


def test_no_peak_hours_share_nothing_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        share = InternalCrossSubsidizationProcessor()._allocate_residual_peak(
            METADATA, LOADS, PRICES[[ENERGY_PRICE]], COSTS
        )
        assert "no hour has capacity or distribution marginal cost" in caplog.text
        caplog.clear()
        InternalCrossSubsidizationProcessor()._allocate_residual_peak(
            METADATA, LOADS, PRICES, COSTS
        )
    assert share.tolist() == [0.0, 0.0]
    assert not caplog.text


@pytest.mark.parametrize("hours", [hour_stamps(2026, "EST"), STAMPS + pd.Timedelta(hours=1)])
def test_a_load_hour_without_a_price_is_named(hours: pd.DatetimeIndex) -> None:
    later = PRICES.set_axis(hours)
    with pytest.raises(LoadError, match=r"prices do not: 2025-01-01 00:00:00.* is the first"):
        InternalCrossSubsidizationProcessor()._determine_marginal_cost_allocation(LOADS, later)


def test_a_building_without_weight_is_named() -> None:
    with pytest.raises(MetadataError, match="no weight for buildings 30"):
        InternalCrossSubsidizationProcessor()._allocate_residual_volumetric(
            METADATA[METADATA["bldg_id"] != 30], LOADS, COSTS
        )


@pytest.mark.parametrize("lacks", ["bill", "load"])
def test_a_building_without_bill_or_burden_is_named(lacks: str) -> None:
    burden = pd.Series(BURDENS).drop(30 if lacks == "load" else [])
    bills = BILLS.drop(30 if lacks == "bill" else [])
    shares = pd.DataFrame({SHARE + "volumetric": SHARES["volumetric"]})
    with pytest.raises(MetadataError, match="share for buildings 30"):
        InternalCrossSubsidizationProcessor().finish_metrics(burden, shares, METADATA, bills, 2025)


def test_a_caller_may_leave_out_an_allocation() -> None:
    shares = pd.DataFrame({SHARE + "volumetric": SHARES["volumetric"]})
    found = InternalCrossSubsidizationProcessor("precalc").finish_metrics(
        pd.Series(BURDENS), shares, METADATA, BILLS, 2025
    )
    assert [name for name in found if name.startswith("BAT")] == ["BAT_vol"]


def balance(bat: float, caplog: pytest.LogCaptureFixture) -> str:
    """What is logged when weighted revenue is 2,000 $ and weighted alignment 2 x `bat`."""
    table = pd.DataFrame({ANNUAL: [1000.0, 500.0], "weight": [1.0, 2.0]})
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        check_balance(table.assign(BAT_vol=[0.0, bat]))
    return caplog.text


def test_alignment_that_does_not_add_to_zero_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    # A millionth of 2,000 $ is 0.002 $, of either sign.
    assert "weighted BAT_vol adds to 0.00 $, expected zero" in balance(0.00101, caplog)
    assert "weighted BAT_vol adds to -3.00 $" in balance(-1.5, caplog)
    assert not balance(0.00099, caplog)
    assert not balance(0.0, caplog)


def test_customers_who_pay_and_cost_nothing_are_in_balance(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        check_balance(pd.DataFrame({ANNUAL: [0.0], "weight": [1.0], "BAT_vol": [0.0]}))
    assert not caplog.text


@pytest.mark.parametrize(("run_type", "errors"), [("precalc", 4), ("default", 0)])
def test_only_calibrated_bills_have_to_align(
    caplog: pytest.LogCaptureFixture, run_type: str, errors: int
) -> None:
    with caplog.at_level(logging.ERROR):
        metrics(run_type=run_type)
    # The bills add to 1,100 $, marginal costs and residual to 824.50 $.
    assert caplog.text.count("adds to 275.50 $") == errors


WEIGHT = pd.Series({70: 10.0, 30: 5.0})
ELECTRIC = pd.DataFrame({name: [10.0 + i, 1.0] for i, name in enumerate(months)}, index=[70, 30])
ELECTRIC[ANNUAL] = [186.0, 12.0]


def test_long_bills_have_a_row_a_building_and_month() -> None:
    rows = long_bills(ELECTRIC, WEIGHT, 2024)
    assert list(rows) == ["bldg_id", "weight", "month", "bill_level", "dollar_year"]
    assert rows["bldg_id"].tolist() == [70] * 13 + [30] * 13
    assert rows["weight"].tolist() == [10.0] * 13 + [5.0] * 13
    assert rows["month"].astype(str).tolist() == [*months, "Annual"] * 2
    assert rows["bill_level"].tolist() == [*range(10, 22), 186.0, *[1.0] * 12, 12.0]
    assert set(rows["dollar_year"]) == {2024}


def a_result() -> RunResult:
    """Two homes' bills of 2023, gas half of electricity, in dollars of 2023 and 2024."""
    spec = RunSpec(
        "two",
        "default",
        2023,
        2024,
        Customers.of(METADATA),
        Service({}, {30: "a", 70: "a"}),
        Prices(PRICES),
        Requirement(1.0),
    )
    demand = pd.Series(np.arange(HOURS, dtype=float), index=STAMPS)
    costs = Costs(1.0, None, COSTS)
    bills = ELECTRIC[months].to_numpy()
    return RunResult(
        spec,
        costs,
        spec.prices,
        demand,
        ELECTRIC,
        ELECTRIC * 0.5,
        {},
        {"run_name": "two"},
        determinants(np.array([70, 30]), [], [], bills),
    )


def test_the_files_of_the_table_are_those_that_are_written(tmp_path: Path) -> None:
    write_files(tmp_path, a_result())
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == {one.name for one in RUN_FILES if one.made and one.always}
    hours = pd.read_csv(tmp_path / "system_hourly.csv")
    assert hours["system_load_kwh"].tolist() == list(range(HOURS))
    # The total is the components' sum, never a column that is passed.
    assert hours[TOTAL_PRICE].iloc[:3].tolist() == pytest.approx([0.1, 0.7, 2.3])


def test_bill_files_hold_either_years_dollars_of_each_fuel_and_both(tmp_path: Path) -> None:
    write_files(tmp_path, a_result())
    factor = {"run": 1.0, "target": 313.689 / 304.702}
    for kind, part in {"elec": 1.0, "gas": 0.5, "comb": 1.5}.items():
        for label, dollar_year in (("run", 2023), ("target", 2024)):
            rows = pd.read_csv(tmp_path / f"bills/{kind}_bills_year_{label}.csv")
            assert set(rows["dollar_year"]) == {dollar_year}
            annual = rows[rows["month"] == "Annual"]["bill_level"].tolist()
            expected = [186.0 * part * factor[label], 12.0 * part * factor[label]]
            assert annual == pytest.approx(expected, rel=1e-12)
        statistics = pd.read_csv(tmp_path / f"bills/{kind}_bill_statistics_by_segment.csv")
        everybody = statistics[statistics["group"] == "all customers"].iloc[0]
        assert everybody["mean"] == pytest.approx(99.0 * part)
        assert everybody["weighted_average"] == pytest.approx((1860.0 + 60.0) / 15.0 * part)


def test_a_column_of_more_than_fifty_values_is_no_segment() -> None:
    many = pd.DataFrame({"fifty": [*range(50), 0], "more": range(51)})
    assert segment_columns(many) == ["fifty"]


def test_a_dispersion_around_zero_but_for_rounding_does_not_exist() -> None:
    # The quartiles are the second and the fourth; 0.1 + 0.2 is not quite 0.3.
    assert np.isnan(quartile_coeff_of_disp([-1.0, -(0.1 + 0.2), 0.0, 0.3, 1.0]))
    assert quartile_coeff_of_disp([0.0, 1.0, 2.0, 3.0, 4.0]) == 0.5


def test_a_category_without_customers_has_no_average() -> None:
    groups = pd.Categorical(["x", "x"], categories=["x", "y"])
    frame = pd.DataFrame({"g": groups, "v": [1.0, 3.0], "w": [1.0, 3.0]})
    grouped = frame.set_index("w").groupby("g", observed=True)["v"]
    assert grouped.agg(weighted_avg_by_group).to_dict() == {"x": 2.5}


def test_callers_formats_are_a_row_a_group_without_double_columns() -> None:
    frame = pd.DataFrame({"g": ["x", "x", "y"], "v": [1.0, 3.0, 5.0], "dollar_year": 2025})
    named = ["std", coeff_var, quartile_coeff_of_disp]
    spread = frame.groupby("g").agg({"v": named, "dollar_year": ["first"]})
    found = _group_summary_bat_formatting(spread, "g")
    assert list(found) == ["v_std", "v_coeff_var", "v_quartile_coeff_of_disp", "dollar_year"]
    assert found.index.name == "g" and found.loc["x", "v_coeff_var"] == pytest.approx(2**0.5 / 2)
    twice = pd.concat([spread, spread], axis=1)
    assert list(_group_summary_bat_formatting(twice, "g")) == list(found)


def test_statistics_of_several_segments_are_numbered_through() -> None:
    annual = pd.Series([100.0, 20.0], index=[70, 30], name=ANNUAL)
    found = bill_statistics(METADATA.assign(other=["C", "C"]), annual)
    assert found["segment"].tolist() == ["in.tenure"] * 3 + ["other"] * 2
    assert found["group"].tolist() == ["A", "B", "all customers", "C", "all customers"]
    assert found["mean"].tolist() == [20.0, 100.0, 60.0, 60.0, 60.0]
    assert found.index.tolist() == [0, 1, 2, 3, 4]
