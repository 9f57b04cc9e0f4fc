"""Customers who respond to price: by hand, hour by hour against sums, and in whole runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cairo
from cairo.errors import CairoError, InputErrors
from cairo.model import kernels
from cairo.model.backends import BACKENDS
from cairo.model.calendar import hour_months, hour_stamps
from cairo.model.elasticity import Elasticity, Response
from cairo.model.names import CAPACITY_PRICE, ENERGY_PRICE, HOURS, NET_LOAD
from cairo.model.prices import Prices
from cairo.model.response import (
    ResponsePlan,
    response_plan,
    seasons_of,
    shifted,
    shifted_gross,
)
from cairo.model.tariff import Tariff, parse_tariff
from cairo.rates_tool import response_frames, settle
from cairo.rates_tool.dd_stages import respond, summary
from cairo.rates_tool.dd_stages.frame import as_load_frame
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan
from cairo.rates_tool.loads import process_residential_hourly_demand_response_shift
from cairo.rates_tool.response_run import response_plans
from cairo.results.report import write_report
from cairo.runs.demo import METADATA
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.strategies import YEAR, Stock, stocks, tariff_dict
from tests.whole_runs import IN_PROCESS, RUN, Counting, Demo, contents

EVENING = np.array([[2 if 16 <= hour < 21 else 1 for hour in range(24)]] * 12)
BOTH_SEASONS = np.array(
    [
        [(3 if 5 <= month < 9 else 1) + (16 <= hour < 21) for hour in range(24)]
        for month in range(12)
    ]
)
THREE = np.array([[1 if hour < 7 else 3 if 16 <= hour < 21 else 2 for hour in range(24)]] * 12)


def tariff(schedule: np.ndarray, *prices: float, **more: Any) -> Tariff:
    rows = [[p + 1, 1, 1e38, 0, price, 0.0, 0.0] for p, price in enumerate(prices)]
    return parse_tariff("tou", tariff_dict(rows, schedule, schedule, **more))


def plan_of(table: Tariff, elasticity: Any, **more: Any) -> ResponsePlan:
    return response_plan(table, Elasticity.of(elasticity), YEAR, **more)


# By hand


def test_two_homes_and_two_periods_by_hand() -> None:
    plan = plan_of(tariff(EVENING, 0.1, 0.4), -0.5)
    # Weighted: 300 + 700 kWh off the peak and 100 + 100 on it, so the flat price is
    # (1000 x 0.1 + 200 x 0.4) / 1200 = 0.15 $/kWh.
    before = np.array([[[300.0, 100.0]], [[350.0, 50.0]]])
    shift = shifted(plan, before, np.array([1.0, 2.0]))
    assert shift.flat_price.tolist() == pytest.approx([0.15])
    ratio = (0.4 / 0.15) ** -0.5
    given = np.array([100.0 * (1.0 - ratio), 50.0 * (1.0 - ratio)])
    assert shift.after[:, 0, 1].tolist() == pytest.approx([100.0 * ratio, 50.0 * ratio])
    assert shift.after[:, 0, 0].tolist() == pytest.approx([300.0 + given[0], 350.0 + given[1]])
    assert shift.factor[:, 0, 1].tolist() == pytest.approx([ratio, ratio])
    assert shift.factor[:, 0, 0].tolist() == pytest.approx(
        [1.0 + given[0] / 300.0, 1.0 + given[1] / 350.0]
    )
    assert not shift.added.any() and shift.plain.all()


def test_below_a_kwh_nothing_is_given_and_what_is_taken_is_spread_evenly() -> None:
    plan = plan_of(tariff(EVENING, 0.1, 0.4), -0.5)
    before = np.array([[[300.0, 0.9]], [[0.5, 80.0]]])
    shift = shifted(plan, before, np.ones(2))
    flat = (300.5 * 0.1 + 80.9 * 0.4) / 381.4
    given = 80.0 * (1.0 - (0.4 / flat) ** -0.5)
    assert shift.after[0].tolist() == before[0].tolist()
    assert shift.after[1, 0].tolist() == pytest.approx([0.5 + given, 80.0 - given])
    # 19 of 24 hours are off the peak.
    assert shift.factor[1, 0, 0] == 1.0
    assert shift.added[1, 0, 0] == pytest.approx(given / (365 * 19))


def test_more_than_the_cheapest_period_has_is_not_taken_from_it() -> None:
    plan = plan_of(tariff(THREE, 0.10, 0.11, 0.50), -1.0)
    # The flat price is (2 + 11 + 25) / 170 = 0.2235 $/kWh: the middle would take 103 kWh more,
    # the evening gives 28, and the night has 20.
    before = np.array([[[20.0, 100.0, 50.0]]])
    shift = shifted(plan, before, np.ones(1))
    given = 50.0 * (1.0 - (38.0 / 170.0) / 0.5)
    assert shift.after[0, 0].tolist() == pytest.approx([0.0, 120.0 + given, 50.0 - given])
    assert not shift.plain.any()


def test_seasons_are_months_of_the_same_periods_or_those_that_are_named() -> None:
    names, months = seasons_of(tariff(BOTH_SEASONS, 0.1, 0.2, 0.3, 0.4))
    assert names == ("winter", "summer")
    assert np.flatnonzero(months == 1).tolist() == [5, 6, 7, 8]
    names, months = seasons_of(tariff(EVENING, 0.1, 0.4))
    assert names == ("season 1",) and not months.any()
    names, months = seasons_of(tariff(EVENING, 0.1, 0.4), winter_months=[11, 12, 1, 2])
    assert names == ("winter", "summer")
    assert np.flatnonzero(months == 0).tolist() == [0, 1, 10, 11]


def test_the_original_is_the_formula_hour_by_hour() -> None:
    hours = pd.DataFrame(
        {"bldg_id": 7, "energy_period": [1, 1, 2], NET_LOAD: [30.0, 10.0, 20.0]}, index=[5, 6, 9]
    )
    rates = pd.Series({1: 0.1, 2: 0.4})
    shifted_hours, tracker = process_residential_hourly_demand_response_shift(hours, rates, -0.5)
    # The flat price is (40 x 0.1 + 20 x 0.4) / 60 = 0.2 $/kWh, and 0.4 / 0.2 to the -0.5 is 0.7071.
    kept = 20.0 * 2.0**-0.5
    given = 20.0 - kept
    expected = [30.0 + 0.75 * given, 10.0 + 0.25 * given, kept]
    assert shifted_hours["shifted_net"].tolist() == pytest.approx(expected)
    assert shifted_hours.index.tolist() == [5, 6, 9]
    assert tracker.set_index("energy_period")["epsilon"][2] == pytest.approx(-0.5)


# Sums against hours


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


def prices() -> Prices:
    energy = 0.05 + 0.04 * np.sin(np.arange(HOURS) / 7.0)
    capacity = np.where(np.arange(HOURS) % 97 < 3, 0.8, 0.0)
    frame = pd.DataFrame({ENERGY_PRICE: energy, CAPACITY_PRICE: capacity})
    return Prices(frame.set_index(hour_stamps(YEAR, "EST")))


def before_of(stock: Stock, table: Tariff, plan: ResponsePlan, size: int) -> LoadSummary:
    """The pass over a stock whose homes are in turn on the tariff and on a flat one."""
    flat = parse_tariff("flat", tariff_dict([[1, 1, 1e38, 0, 0.2, 0.0, 0.0]]))
    asked = _plan(stock, table, flat, plan)
    return summary.summarize(as_load_frame(stock.electric_frame(), partition_buildings=size), asked)


def _plan(stock: Stock, table: Tariff, flat: Tariff, plan: ResponsePlan) -> PassPlan:
    ids, weight, _ = summary.sorted_weights(stock.bldg_ids, stock.weight)
    uses = summary.use_plan(ids, on_tariff(stock), {"tou": table, "flat": flat}, YEAR)
    own = prices()
    return PassPlan(ids, weight, own.total, own.peak, uses, solar=True, response={"tou": plan})


def on_tariff(stock: Stock) -> dict[int, str]:
    return {b: ("tou", "flat")[i % 3 == 2] for i, b in enumerate(sorted(stock.bldg_ids))}


TARIFFS = st.sampled_from(
    [
        (EVENING, (0.1, 0.4)),
        (BOTH_SEASONS, (0.1, 0.13, 0.1, 0.35)),
        (THREE, (0.1, 0.2, 0.5)),
        (THREE, (0.3, 0.1, 0.11)),
    ]
)


def test_a_loss_of_a_home_that_exports_after_its_response_is_no_export() -> None:
    # At noon 2 kWh are used and 5 generated; at night 0.002 are lost, and a response asks for less.
    gross, pv = np.array([[2.0, 0.0]]), np.array([[-5.0, 0.002]])
    before, after = np.array([[-3.0, 0.002]]), np.array([[-2.5, -0.001]])
    moved = shifted_gross(gross, pv, before, after)
    assert moved.tolist() == [[2.5, -0.001]]
    assert kernels.net_exports(moved, pv).tolist() == [[2.5, 0.001]]


@given(stocks(5), TARIFFS, st.sampled_from([-0.1, -0.4, -2.0]), st.integers(1, 6))
def test_sums_say_what_the_original_says_of_the_hours(
    stock: Stock, kind: Any, elasticity: float, size: int
) -> None:
    table = tariff(kind[0], *kind[1])
    plan = plan_of(table, elasticity)
    before = before_of(stock, table, plan, size)
    shifts = respond.shifts_of(before, {"tou": plan})
    frame = as_load_frame(stock.electric_frame(), partition_buildings=size)
    uses = before.plan.responding

    of_hours = None
    if respond.needs_hours(before, shifts):
        asked = respond.hours_plan(before.plan)
        of_hours = summary.summarize(respond.shifted_frame(frame, uses, shifts), asked)
    after = respond.responded(before, shifts, of_hours)
    weight = stock.metadata.set_index("bldg_id")["weight"]
    answered: list[int] = []
    loads, moved = response_frames.after_response(
        stock.electric_frame(), {"tou": plan}, on_tariff(stock), {"tou": table}, weight, YEAR,
        done=answered.append,
    )  # fmt: skip
    assert sum(answered) == len(moved["tou"][0])
    hourly = loads[NET_LOAD].to_numpy().reshape(len(stock.bldg_ids), HOURS)
    place = pd.Index(stock.bldg_ids).get_indexer(pd.Index(after.bldg_ids))
    hourly, original = hourly[place], stock.net[place]
    weights = stock.weight[place]
    size_of = np.abs(hourly) + np.abs(original)
    own = prices()
    assert after.hourly_demand is not None and after.burden is not None
    allowed = 1e-11 * (weights @ size_of) + 1e-9
    assert (np.abs(after.hourly_demand - weights @ hourly) <= allowed).all()
    scale = size_of.sum(axis=1) + 1e-9
    assert (np.abs(after.burden - hourly @ own.total) <= 1e-11 * scale).all()
    assert after.peak_kwh is not None
    peak = hourly[:, own.peak].sum(axis=1)
    assert (np.abs(after.peak_kwh - peak) <= 1e-11 * scale).all()
    homes, one = moved["tou"]
    assert np.abs(shifts["tou"].after - one.after).max() <= 1e-9 * (1.0 + np.abs(one.before).max())
    # The energy of each home and season is kept.
    year = hour_months()
    for season in range(len(plan.seasons)):
        mine = plan.of_month[year] == season
        kept = np.abs((hourly - original)[:, mine].sum(axis=1))
        assert (kept <= 1e-11 * scale).all()
    billed = after.electricity["tou"].billed.sum(axis=(1, 2))
    rows = np.searchsorted(after.bldg_ids, homes)
    expected = np.maximum(hourly[rows], 0.0).sum(axis=1)
    assert (np.abs(billed - expected) <= 1e-10 * scale[rows]).all()
    # Exports are net load below zero.
    exports = after.electricity["tou"].exports
    assert exports is not None
    out = np.maximum(-hourly[rows], 0.0).sum(axis=1)
    assert (np.abs(exports.sum(axis=(1, 2)) - out) <= 1e-10 * scale[rows]).all()
    # What a kWh of each period costs, where all have load.
    period = kind[0][year, np.arange(HOURS) % 24]
    load = [weights[rows] @ hourly[rows][:, period == p + 1] for p in range(len(kind[1]))]
    if min(one.sum() for one in load) > 1e-6 * (weights @ size_of).sum():
        dollars = [one @ own.total[period == p + 1] for p, one in enumerate(load)]
        cost = respond.costs_by_period(before, shifts, "tou")
        assert cost.tolist() == pytest.approx(
            [d / one.sum() for d, one in zip(dollars, load, strict=True)], rel=1e-5
        )


@given(stocks(5), st.integers(1, 6))
def test_the_hours_say_what_the_sums_do(stock: Stock, size: int) -> None:
    """A demand charge asks the hours again: everything but the peaks is the same."""
    plain = tariff(EVENING, 0.1, 0.3)
    charge = tariff(
        EVENING, 0.1, 0.3, ur_dc_enable=1, ur_dc_flat_mat=[[m, 1, 1e38, 5.0] for m in range(12)]
    )
    found = []
    for table in (plain, charge):
        plan = plan_of(table, -0.3)
        before = before_of(stock, table, plan, size)
        shifts = respond.shifts_of(before, {"tou": plan})
        frame = as_load_frame(stock.electric_frame(), partition_buildings=size)
        mine = respond.shifted_frame(frame, before.plan.responding, shifts)
        of_hours = None
        if respond.needs_hours(before, shifts):
            of_hours = summary.summarize(mine, respond.hours_plan(before.plan))
        found.append(respond.responded(before, shifts, of_hours))
        assert of_hours is not None or table is plain
    sums, hours = found
    magnitude = stock.weight @ np.abs(stock.net) + 1e-9
    assert sums.hourly_demand is not None and hours.hourly_demand is not None
    assert (np.abs(sums.hourly_demand - hours.hourly_demand) <= 1e-11 * magnitude).all()
    assert hours.burden == pytest.approx(sums.burden, rel=1e-10, abs=1e-7)
    assert hours.electricity["tou"].peak_kw is not None


@st.composite
def uses(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(use of homes by season and period of THREE (n, 1, 3) [kWh], their weights)."""
    n = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    use = rng.uniform(0.0, 1.0, (n, 1, 3)) * 10.0 ** rng.integers(-1, 5, (n, 1, 3))
    return use, rng.uniform(0.1, 500.0, n)


PRICES = st.tuples(*[st.floats(0.01, 2.0)] * 3)
ELASTICITIES = st.floats(-5.0, -0.01)


@given(uses(), PRICES, ELASTICITIES)
def test_energy_of_each_home_is_kept_and_none_is_below_zero(
    homes: tuple[np.ndarray, np.ndarray], prices: Any, elasticity: float
) -> None:
    before, weight = homes
    shift = shifted(plan_of(tariff(THREE, *prices), elasticity), before, weight)
    size = before.sum(axis=2) + np.abs(shift.after).sum(axis=2)
    assert (np.abs((shift.after - before).sum(axis=2)) <= 1e-12 * size).all()
    assert (shift.after >= -1e-12 * size[:, :, None]).all()
    # The sums are those of the hours that the factors make.
    hours = before * shift.factor + shift.added * shift.plan.hours
    assert (np.abs(hours - shift.after) <= 1e-12 * size[:, :, None]).all()


@given(uses(), PRICES, ELASTICITIES, ELASTICITIES)
def test_a_more_negative_elasticity_moves_more_out_of_the_dearest_period(
    homes: tuple[np.ndarray, np.ndarray], prices: Any, one: float, other: float
) -> None:
    before, weight = homes
    table, dearest = tariff(THREE, *prices), int(np.argmax(prices))
    weak, strong = (
        shifted(plan_of(table, e), before, weight).after[:, 0, dearest]
        for e in (max(one, other), min(one, other))
    )
    assert (strong <= weak).all()
    # Where there is something to give, and somewhere to put it at a lower price.
    flat = (weight @ before[:, 0]) @ np.array(prices) / (weight @ before[:, 0]).sum()
    if prices[dearest] > 1.001 * flat and abs(one - other) > 1e-3:
        gives = before[:, 0, dearest] >= 1.0
        assert (strong[gives] < weak[gives]).all() and (
            weak[gives] < before[gives, 0, dearest]
        ).all()


@given(uses(), st.floats(0.01, 2.0), ELASTICITIES)
def test_a_flat_price_changes_nothing(
    homes: tuple[np.ndarray, np.ndarray], price: float, elasticity: float
) -> None:
    before, weight = homes
    shift = shifted(plan_of(tariff(THREE, price, price, price), elasticity), before, weight)
    assert np.array_equal(shift.after, before)
    assert (shift.factor == 1.0).all() and not shift.added.any()


@given(uses(), PRICES)
def test_a_season_without_elasticity_changes_no_byte(
    homes: tuple[np.ndarray, np.ndarray], prices: Any
) -> None:
    before, weight = homes
    plan = plan_of(tariff(THREE, *prices), {"winter": 0.0}, winter_months=[1, 2, 12])
    both = np.repeat(before, 2, axis=1)
    shift = shifted(plan, both, weight)
    assert shift.after.tobytes() == both.tobytes()
    assert (shift.factor == 1.0).all() and not shift.added.any()


@given(uses(), PRICES, ELASTICITIES, st.data())
def test_a_home_split_in_two_halves_changes_nobody(
    homes: tuple[np.ndarray, np.ndarray], prices: Any, elasticity: float, data: st.DataObject
) -> None:
    before, weight = homes
    plan = plan_of(tariff(THREE, *prices), elasticity)
    place = data.draw(st.integers(0, len(weight) - 1))
    rows = np.append(np.arange(len(weight)), place)
    halves = weight[rows] * np.where(rows == place, 0.5, 1.0)
    whole, split = shifted(plan, before, weight), shifted(plan, before[rows], halves)
    assert np.array_equal(split.after, whole.after[rows])
    assert np.array_equal(split.factor, whole.factor[rows])


def test_exports_that_outweigh_use_by_price_say_no_price() -> None:
    plan = plan_of(tariff(EVENING, 0.4, 0.1), -0.5)
    # 10 x 0.1 - 5 x 0.4 is below zero.
    before = np.array([[[-5.0, 10.0]]])
    shift = shifted(plan, before, np.ones(1))
    assert np.array_equal(shift.after, before) and np.isnan(shift.flat_price).all()


# Whole runs


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS | {"process_workers": 1})
    return demo


SETTINGS: dict[str, dict[str, Any]] = {
    "number": {"elasticity": -0.2},
    "by season": {"elasticity": {"winter": -0.3, "summer": -0.1}},
    "calibrated": {"elasticity": -0.4, "elasticity_response": "calibrated"},
    "as they are": {"elasticity": -0.2, "run_type": "default"},
    "below zero": {"elasticity": -0.2, "floor_negative_net_load": False},
    "one requirement": {
        "elasticity": -0.2,
        "run_includes_subclasses": False,
        "winter_months": [10, 11, 12, 1, 2, 3],
    },
}


OVER_HOURS = {"electric loads", "system hourly demand", "response", "demand by period",
              "electric bills", "bill alignment"}  # fmt: skip
"""Stages that work on homes, and count them."""
SHORT = {"inputs", "revenue requirement", "bills, rates and bill alignment", "files"}


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTINGS)
def test_backends_agree_on_a_response(demo: Demo, case: str) -> None:
    demo.settings(SETTINGS[case])
    counted = {backend: Counting() for backend in BACKENDS}
    places = {backend: demo.run(backend=backend, progress=counted[backend]) for backend in BACKENDS}
    for backend in ("dask_delayed", "dask_dataframe"):
        found = cairo.compare_runs(places["pandas"], places[backend], rtol=1e-12, atol=1e-9)
        assert [one for one in found.differences if not one.equal] == []
    for backend in ("pandas", "dask_delayed"):
        stages = counted[backend].stages
        homes = {name: total for name, (total, _) in stages.items() if total}
        assert stages.keys() - homes.keys() <= SHORT
        assert homes.keys() >= OVER_HOURS
        assert all(told == done for told, done in stages.values())
    run = cairo.open_run(places["dask_dataframe"])
    told = run.info["demand_response"]
    assert told["peak_kw_before"] == run.system["system_load_before_response_kwh"].max()
    assert told["peak_kw_after"] == run.system["system_load_kwh"].max()
    assert "demand_response.csv" in run.files.names()


def test_the_residual_is_kept_and_each_class_pays_its_own_change(demo: Demo) -> None:
    before = cairo.open_run(demo.run())
    demo.settings({"elasticity": -0.3})
    after = cairo.open_run(demo.run())
    residual = "Residual Costs ($)"
    costs = [one.summary["costs_by_type"] for one in (before, after)]
    assert costs[1][residual] == pytest.approx(costs[0][residual], rel=1e-12)
    change = after.info["demand_response"]["marginal_cost_change"]
    saved = costs[1]["Total Marginal Costs ($)"] - costs[0]["Total Marginal Costs ($)"]
    assert saved < 0.0 and sum(change.values()) == pytest.approx(saved, rel=1e-9)
    asked = [one.summary["revenue_requirement_by_tariff"] for one in (before, after)]
    assert asked[1]["flat"] == asked[0]["flat"]
    assert asked[1]["hp_tou"] == pytest.approx(asked[0]["hp_tou"] + change["hp_tou"], rel=1e-12)
    assert after.summary["revenue"] == pytest.approx(after.summary["revenue_requirement"], rel=1e-9)
    weighted = (after.bat["weight"] * after.bat["BAT_peak"]).sum()
    assert abs(weighted) < 1e-6 * after.summary["revenue"]


def test_of_a_response_that_does_not_settle_it_is_said(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "MOST_ROUNDS", 1)
    demo.settings({"elasticity": -0.4, "elasticity_response": "calibrated"})
    with pytest.raises(CairoError, match="do not settle: after 1 rounds a rate still") as said:
        demo.run()
    assert "\n" not in str(said.value)
    assert not list((demo.folder / "outputs").glob("*"))


def test_customers_who_respond_to_what_they_will_pay_do(demo: Demo) -> None:
    demo.settings({"elasticity": -0.4, "elasticity_response": "calibrated"})
    run = cairo.open_run(demo.run())
    table = run.files.table("demand_response.csv")
    rate = {row[0]: row[4] for row in run.tariffs["hp_tou"]["ur_ec_tou_mat"]}
    assert table["price"].tolist() == pytest.approx(table["period"].map(rate).tolist(), abs=1e-6)


def test_a_requirement_of_a_run_that_has_responded_is_not_responded_to_again(demo: Demo) -> None:
    demo.settings({"elasticity": -0.2})
    place = demo.run()
    demo.settings(
        {
            "requirement_from": {
                "run": str(place), "delivery": "percustomer", "supply": "percustomer"
            },
            "residual_allocation_supply": None,
        }
    )  # fmt: skip
    with pytest.raises(CairoError, match=r"has elasticity -0\.2: its costs are after a response"):
        demo.run()


def test_no_elasticity_changes_no_byte(demo: Demo) -> None:
    expected = contents(demo.run())
    assert "demand_response.csv" not in expected
    demo.settings({"elasticity": {"winter": 0.0, "summer": 0.0}})
    assert contents(demo.run()) == expected


@pytest.mark.slow
def test_a_response_has_the_same_bits_however_the_work_is_split(demo: Demo) -> None:
    demo.settings({"elasticity": -0.25})
    expected = contents(demo.run())
    for size, workers in ((1, 1), (4, 2)):
        dask = IN_PROCESS["dask"] | {"partition_buildings": size, "n_workers": workers}
        demo.settings({"dask": dask})
        assert contents(demo.run()) == expected
    # In another order of homes, what is sorted by home or by hour.
    demo.parquet(METADATA, lambda frame: frame.sample(frac=1.0, random_state=1))
    shuffled = contents(demo.run())
    for name in ("demand_response.csv", "system_hourly.csv", "tariff_final_config.json"):
        assert shuffled[name] == expected[name]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"elasticity": 0.1}, "elasticity.* is 0.1, expected -5 to 0"),
        ({"elasticity": -7.0}, "elasticity.* is -7, expected -5 to 0"),
        ({"elasticity": {}}, "elasticity names no season, expected winter or summer"),
        ({"elasticity": {"spring": -0.1}}, "expected the seasons winter and summer"),
        ({"elasticity": -0.1, "winter_months": [0, 1]}, "different months from 1 to 12"),
        (
            {"elasticity": {"winter": -0.1, "summer": -0.1}, "winter_months": [6, 7],
             "path_tariffs_electric": {"hp": "tariffs/electric/july.json",
                                       "non-hp": "tariffs/electric/flat.json"},
             "path_tariff_maps_electric": None,
             "subclass_config": {"group_col": "has_hp",
                                 "selectors": {"hp": ["true"], "non-hp": ["false"]}}},
            "elasticity summer is -0.1, but no tariff of the run that varies within a day has two",
        ),
        (
            {"elasticity": -0.1, "path_tariff_maps_electric": "tariff_maps/electric/flat.csv",
             "run_includes_subclasses": False},
            "no tariff of the run has periods that vary within a day",
        ),
    ],
)  # fmt: skip
def test_what_nobody_can_respond_to_is_said_before_work(
    demo: Demo, settings: dict[str, Any], message: str
) -> None:
    demo.settings(settings)
    july = json.loads((demo.folder / "rates/tariffs/electric/hp_tou.json").read_text())
    for day in ("energyweekdayschedule", "energyweekendschedule"):
        july["items"][0][day] = [
            [int(month == 6 and hour > 15) for hour in range(24)] for month in range(12)
        ]
    (demo.folder / "rates/tariffs/electric/july.json").write_text(json.dumps(july))
    with pytest.raises((CairoError, InputErrors), match=message):
        read_inputs(read_scenario(demo.scenario).run(RUN))


@pytest.mark.parametrize("price", [0.0, -0.1])
def test_a_price_that_nobody_can_relate_to_is_named(price: float) -> None:
    with pytest.raises(CairoError, match="period 2, expected one above zero"):
        plan_of(tariff(EVENING, 0.1, price), -0.2)


def test_a_season_that_a_tariff_does_not_tell_apart_is_named() -> None:
    with pytest.raises(CairoError, match="give winter_months"):
        plan_of(tariff(EVENING, 0.1, 0.4), {"winter": -0.1, "summer": -0.2})


def test_a_tariff_of_other_seasons_has_the_elasticities_of_those_that_another_tells() -> None:
    # Periods of its own in every month: use stays in its month, at the elasticity of the season
    # that the month is in by the tariff of two. June to September are summer there.
    monthly = np.array([[2 * m + 1 + (16 <= hour < 21) for hour in range(24)] for m in range(12)])
    tables = {
        "two": tariff(BOTH_SEASONS, 0.1, 0.2, 0.3, 0.4),
        "monthly": tariff(monthly, *[0.1, 0.3] * 12),
        "round": tariff(EVENING, 0.1, 0.4),
    }
    asked = Response(Elasticity.of({"winter": -0.1, "summer": -0.2}))
    plans = response_plans(asked, tables, YEAR)
    plan = plans["monthly"]
    assert plan.of_month.tolist() == list(range(12))
    assert plan.elasticity.tolist() == [-0.1] * 5 + [-0.2] * 4 + [-0.1] * 3
    assert plan.seasons[5:9] == ("summer 1", "summer 2", "summer 3", "summer 4")
    assert plan.occurs.sum(axis=1).tolist() == [2] * 12
    # Periods of all months are in both seasons, which are as the other tariff's.
    assert plans["round"].seasons == plans["two"].seasons == ("winter", "summer")
    assert plans["round"].of_month.tolist() == plans["two"].of_month.tolist()
    assert plans["round"].elasticity.tolist() == [-0.1, -0.2]
    # Two that tell other months tell nothing.
    early = np.roll(BOTH_SEASONS, -1, axis=0)
    with pytest.raises(CairoError, match="has 12 seasons by its periods: give winter"):
        response_plans(asked, tables | {"early": tariff(early, 0.1, 0.2, 0.3, 0.4)}, YEAR)


@pytest.mark.slow
def test_the_report_says_what_moved(demo: Demo, tmp_path: Path) -> None:
    demo.settings({"elasticity": -0.3})
    place = demo.run()
    page = write_report(place, output=tmp_path / "report.html").read_text("utf-8")
    assert "Response to price" in page and "Marginal costs saved" in page
    run = cairo.open_run(place)
    table = run.files.table("demand_response.csv")
    homes = run.metadata.set_index("bldg_id")["weight"]
    customers = homes[table["bldg_id"].unique()].sum()
    assert f"{customers:,.0f}" in page
    # Of each home and season as much is taken as is given.
    kept = table.groupby(["bldg_id", "season"])[["kwh_before", "kwh_after"]].sum()
    assert kept["kwh_after"].tolist() == pytest.approx(kept["kwh_before"].tolist(), rel=1e-12)
