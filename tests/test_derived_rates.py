"""Rates derived from costs: by arithmetic, and what comes of them in whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import cairo
from cairo.errors import TariffError
from cairo.model.derived_rates import (
    ClassTotals,
    best_windows,
    fair_rates,
    flat_rates,
    seasonal_rates,
)
from tests.whole_runs import IN_PROCESS, Demo, contents

BASE = "demo_flat_precalc"
HOMES = 12


def totals(**changes: float) -> ClassTotals:
    """Ten customers with bills of 1,800 $: 12 x 5 x 10 fixed, 10,000 kWh at 0.12 $."""
    known: dict[str, float] = {
        "customers": 10.0, "bills": 1800.0, "winter_kwh": 6000.0, "summer_kwh": 4000.0,
        "winter_rates": 720.0, "summer_rates": 480.0, "others": 0.0,
    }  # fmt: skip
    return ClassTotals(**(known | changes))


def test_a_flat_rate_gives_back_what_is_paid_too_much() -> None:
    # r0 = (1800 - 600) / 10000; 200 $ too much is 0.02 $ of each kWh.
    assert flat_rates(totals(), 5.0, 200.0) == pytest.approx((0.12, 0.10))


def test_a_seasonal_rate_gives_it_back_in_winter() -> None:
    assert seasonal_rates(totals(), 5.0, 240.0) == pytest.approx((0.12, 0.08))


def test_a_rate_below_zero_says_which_fixed_charges_would_do() -> None:
    # (1800 - 1300) / (12 x 10) = 4.1667 $/month leaves nothing for the rate.
    with pytest.raises(TariffError, match=r"-0.010000 \$/kWh.* from 0 to 4.1667 \$/month"):
        flat_rates(totals(), 5.0, 1300.0)
    # r0 - 1000/6000 is 0 at r0 = 0.16667: F = (1800 - 1666.67) / 120.
    with pytest.raises(TariffError, match=r"from 0 to 1\.1111"):
        seasonal_rates(totals(), 5.0, 1000.0)
    with pytest.raises(TariffError, match="no fixed charge would do"):
        flat_rates(totals(), 5.0, 1900.0)


def test_a_fixed_charge_and_a_level_meet_both_equations() -> None:
    everybody = totals(customers=30.0, bills=4800.0, winter_rates=1500.0, summer_rates=1500.0)
    mine = totals()
    found = fair_rates(everybody, mine, 5.0, 4800.0, 1700.0)
    charge, level = found.values["fixed_charge"], found.values["level"]
    assert charge == pytest.approx((4800 * 1200 - 1700 * 3000) / (12 * (30 * 1200 - 10 * 3000)))
    assert level == pytest.approx((4800 - 12 * charge * 30) / 3000)
    assert 12 * charge * 10 + level * 1200 == pytest.approx(1700)


@pytest.mark.parametrize(
    "knobs",
    [
        ("winter_rate", "summer_rate"),
        ("fixed_charge", "winter_rate"),
        ("level", "winter_rate"),
    ],
)
def test_other_knobs_meet_both_equations(knobs: tuple[str, str]) -> None:
    everybody = totals(customers=30.0, bills=4800.0, winter_kwh=9000.0, summer_kwh=21000.0,
                       winter_rates=1000.0, summer_rates=2000.0, others=30.0)  # fmt: skip
    mine = totals(others=10.0)
    found = fair_rates(everybody, mine, 5.0, 4800.0, 1600.0, knobs).values
    for one, target in ((everybody, 4800.0), (mine, 1600.0)):
        winter = (
            found["winter_rate"] * one.winter_kwh if "winter_rate" in knobs else one.winter_rates
        )
        summer = one.summer_rates * found["level"]
        if "summer_rate" in knobs:
            summer = found["summer_rate"] * one.summer_kwh
        paid = 12 * found["fixed_charge"] * one.customers + winter + summer + one.others
        assert paid == pytest.approx(target)


def test_a_class_like_everybody_else_has_no_solution() -> None:
    everybody = totals(customers=20.0, winter_rates=1440.0, summer_rates=960.0)
    with pytest.raises(TariffError, match="no fixed_charge and level make the class pay"):
        fair_rates(everybody, totals(), 5.0, 3600.0, 1500.0)


def test_values_below_zero_say_which_fixed_charges_would_do() -> None:
    everybody = totals(customers=30.0, winter_kwh=9000.0, summer_kwh=21000.0)
    with pytest.raises(TariffError, match="below zero") as said:
        fair_rates(everybody, totals(), 5.0, 4800.0, 300.0, ("winter_rate", "summer_rate"))
    # At F: w 9000 + s 21000 = 4800 - 360 F and w 6000 + s 4000 = 300 - 120 F.
    # s = (4800 - 1.5 x 300 - (360 - 180) F) / 15000, w = (300 - 120 F - 4000 s) / 6000.
    assert "no fixed charge would do" in str(said.value)


def test_the_window_is_where_prices_are_high() -> None:
    hour = np.tile(np.arange(24), 10)
    load = np.where(hour == 3, 2.0, 1.0)
    dear = np.isin(hour, [22, 23, 0, 1])
    price = np.where(dear, 0.5, 0.1)
    found = best_windows(load, price, hour, {"all": np.ones(240, dtype=bool)}, range(1, 13))
    # It passes midnight and explains everything.
    assert (found.hours, found.starts) == (4, {"all": 22})
    assert found.costs["all"] == pytest.approx((0.5, 0.1)) and found.explained == pytest.approx(1.0)


def test_the_window_leaves_least_of_the_variance_of_price() -> None:
    rng = np.random.default_rng(5)
    hour = np.tile(np.arange(24), 30)
    load, price = rng.uniform(0.2, 3.0, 720), rng.uniform(0.02, 0.6, 720) + 0.02 * hour
    season = np.arange(720) < 300
    seasons = {"winter": season, "summer": ~season}
    found = best_windows(load, price, hour, seasons, [5])

    def left(name: str, start: int) -> float:
        rows = seasons[name]
        on = (hour - start) % 24 < 5
        return float(sum(
            (load[rows & part] * (price[rows & part] - np.average(price[rows & part],
             weights=load[rows & part])) ** 2).sum()
            for part in (on, ~on)
        ))  # fmt: skip

    for name in seasons:
        assert found.starts[name] == min(range(24), key=lambda start: left(name, start))
    whole = sum(
        (load[rows] * (price[rows] - np.average(price[rows], weights=load[rows])) ** 2).sum()
        for rows in seasons.values()
    )
    remaining = sum(left(name, found.starts[name]) for name in seasons)
    assert found.explained == pytest.approx(1.0 - remaining / whole)


# Whole runs


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.every_run(IN_PROCESS)
    return demo


def add(demo: Demo, name: str, **changes: Any) -> None:
    stored = yaml.safe_load(demo.scenario.read_text())
    stored["runs"][name] = stored["runs"][BASE] | changes
    demo.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))


SPLIT = {
    "path_tariff_maps_electric": None,
    "subclass_config": {"group_col": "has_hp", "selectors": {"hp": ["true"], "others": ["false"]}},
}


def class_of(run: cairo.Run) -> tuple[pd.Series, pd.Series]:
    """(weight, whether a heat pump) by home."""
    frame = run.metadata.set_index("bldg_id")
    has = frame["postprocess_group.has_hp"].astype(str).str.lower() == "true"
    return frame["weight"], has


def costs(run: cairo.Run) -> pd.Series:
    bat = run.bat.set_index("bldg_id")
    burden, share = (
        f"customer_level_{one}" for one in ("economic_burden", "residual_share_percustomer")
    )
    return bat[burden] + bat[share]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("style", ["net_metering", "net_billing", None])
@pytest.mark.parametrize("kind", ["flat", "seasonal"])
def test_a_class_pays_what_it_costs_under_rates_of_its_own(
    demo: Demo, kind: str, style: str | None
) -> None:
    demo.settings({"solar_pv_compensation": style, "solar_pv_export_import_ratio": 0.7}, BASE)
    add(demo, "own", run_type="default", **SPLIT, path_tariffs_electric={
        "hp": {"derive": kind, "from": f"run:{BASE}"}, "others": f"run:{BASE}"})  # fmt: skip
    found = cairo.study(demo.scenario, ["own", BASE])
    assert not found.failed, found.failed
    run = found["own"]
    weight, has = class_of(run)
    bills = run.bat.set_index("bldg_id")["Annual"]
    paid, cost = (weight * bills)[has].sum(), (weight * costs(found[BASE]))[has].sum()
    assert paid == pytest.approx(cost, rel=1e-9)
    # The rates are filed beside the results, and bill the same when they are named as a file.
    filed = run.path / "derived_tariffs" / "hp.json"
    assert json.loads(filed.read_text())["items"][0]["description"].startswith(f"{kind} rates from")
    assert run.info["derived"]["hp"]["overpaid"] == pytest.approx(
        (weight * found[BASE].bat.set_index("bldg_id")["BAT_percustomer"])[has].sum(), rel=1e-9
    )
    taken = {"hp": str(filed), "others": f"{found[BASE].path}/tariff_final_config.json#flat"}
    add(demo, "filed", run_type="default", **SPLIT, path_tariffs_electric=taken)
    again = cairo.open_run(demo.run("filed"))
    assert again.bills.equals(run.bills)


@pytest.mark.parametrize("knobs", [["fixed_charge", "level"], ["winter_rate", "summer_rate"]])
def test_under_a_fair_tariff_the_class_pays_its_cost_and_everybody_the_requirement(
    demo: Demo, knobs: list[str]
) -> None:
    add(demo, "fair", run_type="default", path_tariff_maps_electric=None,
        subclass_config=SPLIT["subclass_config"],
        path_tariffs_electric={"all": {"derive": "fair", "from": f"run:{BASE}",
                                       "subclass": "hp", "knobs": knobs}})  # fmt: skip
    found = cairo.study(demo.scenario, [BASE, "fair"])
    assert not found.failed, found.failed
    run = found["fair"]
    weight, has = class_of(run)
    paid = weight * run.bat.set_index("bldg_id")["Annual"]
    assert paid.sum() == pytest.approx(found[BASE].summary["revenue_requirement"], rel=1e-9)
    assert paid[has].sum() == pytest.approx((weight * costs(found[BASE]))[has].sum(), rel=1e-9)


@pytest.mark.slow
def test_time_of_use_rates_follow_from_load_and_prices(demo: Demo) -> None:
    add(demo, "tou", **SPLIT, path_tariffs_electric={
        "hp": {"derive": "tou", "from": f"run:{BASE}", "hours": 4},
        "others": f"run:{BASE}"})  # fmt: skip
    found = cairo.study(demo.scenario, [BASE, "tou"])
    assert not found.failed, found.failed
    run = found["tou"]
    figures = run.info["derived"]["hp"]
    rates = [row[4] for row in run.tariffs["hp"]["ur_ec_tou_mat"]]
    assert len(rates) == 4
    for pair, name in ((rates[:2], "winter"), (rates[2:], "summer")):
        # Calibrated by one factor: the ratio of each season is that of its costs, to 4 places.
        assert pair[1] / pair[0] == pytest.approx(figures["ratios"][name], rel=1e-3)
    assert run.summary["revenue"] == pytest.approx(run.summary["revenue_requirement"], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("response", [pytest.param("given", marks=pytest.mark.long), "calibrated"])
def test_time_of_use_rates_are_at_cost_after_customers_have_responded(
    demo: Demo, response: str
) -> None:
    add(demo, "tou", **SPLIT, elasticity=-0.3, elasticity_response=response,
        path_tariffs_electric={"hp": {"derive": "tou", "from": f"run:{BASE}", "hours": 4},
                               "others": f"run:{BASE}"})  # fmt: skip
    found = cairo.study(demo.scenario, [BASE, "tou"])
    assert not found.failed, found.failed
    run = found["tou"]
    figures = run.info["derived"]["hp"]
    filed = [row[4] for row in tariff_json(run)["energyratestructure"]]
    # Homes that respond, hour by hour: each hour times what its period has after over before.
    hours, moved = run.system, run.files.table("demand_response.csv")
    month = pd.DatetimeIndex(hours["time"]).month.to_numpy()
    hour = np.arange(8760) % 24
    price = hours["Total Marginal Costs ($/kWh)"].to_numpy()
    weight, has = class_of(run)
    expected, prices = {}, {}
    for name, months in (("winter", [1, 2, 3, 10, 11, 12]), ("summer", [4, 5, 6, 7, 8, 9])):
        start = int(figures["windows"][name][:2])
        window = (hour - start) % 24 < 4
        sides = []
        for on in (True, False):
            mine = np.isin(month, months) & (window == on)
            dollars = kwh = 0.0
            for home in has.index[has]:
                load = net_load_of(demo, home)
                rows = moved[(moved["bldg_id"] == home) & (moved["season"] == name)]
                one = rows[rows["period"] % 2 == (0 if on else 1)].iloc[0]
                assert load[mine].sum() == pytest.approx(one["kwh_before"], rel=1e-12)
                after = load * one["kwh_after"] / one["kwh_before"]
                dollars += weight[home] * (after * price)[mine].sum()
                kwh += weight[home] * after[mine].sum()
                prices[name, on] = one["price"]
            sides.append(dollars / kwh)
        expected[name] = sides
        assert figures["costs"][name] == pytest.approx(sides, rel=1e-10)
        assert figures["costs"][name] != figures["costs_before_response"][name]
        rates = [row[4] for row in run.tariffs["hp"]["ur_ec_tou_mat"]]
        pair = rates[:2] if name == "winter" else rates[2:]
        assert pair[1] / pair[0] == pytest.approx(sides[0] / sides[1], rel=1e-3)
        # What they respond to: costs before, or the rates that they pay.
        to = figures["costs_before_response"][name] if response == "given" else pair[::-1]
        assert [prices[name, True], prices[name, False]] == pytest.approx(to, abs=2e-6)
    flat = [rate for name in ("winter", "summer") for rate in expected[name][::-1]]
    assert filed == pytest.approx(flat, rel=1e-10)
    assert run.summary["revenue"] == pytest.approx(run.summary["revenue_requirement"], rel=1e-9)
    if response == "calibrated":
        check_backends(demo, found[BASE].path)


def check_backends(demo: Demo, base: Path) -> None:
    demo.settings({"path_tariffs_electric": {
        "hp": {"derive": "tou", "from": f"{base}/tariff_final_config.json#flat",
               "hours": 4},
        "others": f"{base}/tariff_final_config.json#flat"}}, "tou")  # fmt: skip
    runs = [demo.run("tou", backend=one) for one in ("pandas", "dask_dataframe")]
    assert cairo.compare_runs(*runs, rtol=1e-12, atol=1e-9).equal


def tariff_json(run: cairo.Run) -> dict[str, Any]:
    stored = json.loads(next((run.path / "derived_tariffs").iterdir()).read_text())
    item: dict[str, Any] = stored["items"][0]
    item["energyratestructure"] = [[0, 0, 0, 0, tiers[0]["rate"]] for tiers in
                                   item["energyratestructure"]]  # fmt: skip
    return item


def net_load_of(demo: Demo, home: int) -> np.ndarray:
    """Net load of the run's year, whose first day is a Wednesday and the file's a Monday."""
    stored = pd.read_parquet(demo.loads / f"{home}-0.parquet")
    use = stored["out.electricity.total.energy_consumption"].to_numpy()
    sun = np.abs(stored["out.electricity.pv.energy_consumption"].to_numpy())
    return np.roll(np.maximum(use - sun, 0.0), -48)


@pytest.mark.slow
def test_backends_and_a_run_alone_derive_the_same(demo: Demo) -> None:
    add(demo, "own", run_type="default", **SPLIT, path_tariffs_electric={
        "hp": {"derive": "seasonal", "from": f"run:{BASE}"}, "others": f"run:{BASE}"})  # fmt: skip
    found = cairo.study(demo.scenario, [BASE, "own"], output_dir=demo.folder / "outputs")
    alone = demo.run("own")
    assert contents(alone) == contents(found["own"].path)
    by_pandas = cairo.open_run(demo.run("own", backend="pandas"))
    bills = [run.bills["bill_level"].to_numpy() for run in (found["own"], by_pandas)]
    np.testing.assert_allclose(*bills, rtol=1e-12)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"derive": "flat", "from": f"run:{BASE}", "month": 3}, "month"),
    "kind": ({"derive": "fairer", "from": f"run:{BASE}"}, "derive"),
    "nobody": ({"derive": "flat", "from": "run:nobody"}, "refers to run nobody"),
    "subclass": ({"derive": "fair", "from": f"run:{BASE}"}, "subclass goes with"),
    "file": ({"derive": "flat", "from": "tariffs/electric/flat.json"}, "of a finished run"),
    "default": ({"derive": "tou", "from": f"run:{BASE}"}, "run_type precalc"),
    "months": ({"derive": "seasonal", "from": f"run:{BASE}", "winter_months": [13]}, "months"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_derived_is_one_line(demo: Demo, kind: str) -> None:
    how, said = WRONG[kind]
    add(demo, "own", run_type="default", **SPLIT,
        path_tariffs_electric={"hp": how, "others": f"run:{BASE}"})  # fmt: skip
    try:
        found = cairo.study(demo.scenario, ["own", BASE])
    except cairo.CairoError as error:
        text = str(error)
    else:
        text = str(found.failed["own"])
    assert said in text and "\n" not in text
