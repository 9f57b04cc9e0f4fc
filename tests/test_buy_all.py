"""Buy all, sell all: a meter of all use and one of all generation, held against SAM's option 4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cairo
from cairo.errors import CairoError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.model.bills import CustomerUse, monthly_bills
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.loads import _return_load
from cairo.rates_tool.lookups import PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.system_revenues import calibrated_tariffs
from cairo.rates_tool.tariffs import precalc_period_mapping
from tests.pysam_bills import (
    ALWAYS,
    BY_MONTH,
    EVENING,
    assert_same,
    billed,
    homes,
    monthly,
    our_bills,
    sam_bill,
    sam_bills,
    sam_tariff,
    structure,
    sun,
    urdb,
)
from tests.test_determinants import check_sums
from tests.test_pysam_yardstick import (
    BY_TIME,
    MONDAY_YEAR,
    PER_MONTH,
    read_column,
    real_homes,
    real_tariffs,
)
from tests.whole_runs import IN_PROCESS, Demo, make_demo

RULE = {"dgrules": "Buy All Sell All"}
SOLD_APART = structure([(0.1, None)], sell=0.04) + structure([(0.3, None)], sell=0.09)
TARIFFS: dict[str, dict[str, Any]] = {
    "flat": urdb(structure([(0.14, None)], sell=0.05), **RULE),
    "by time": urdb(SOLD_APART, EVENING, ALWAYS, **RULE),
    "tiers by month": urdb(
        structure(*[[(0.1, 250.0), (0.2 + m / 100, None)] for m in range(12)], sell=0.06),
        BY_MONTH,
        **RULE,
    ),
    "nothing paid": urdb(structure([(0.14, None)]), **RULE),
    "demand of gross use": urdb(SOLD_APART, EVENING, **PER_MONTH, **BY_TIME, **RULE),
    "minimum a month": urdb(SOLD_APART, mincharge=60.0, minchargeunits="$/month", **RULE),
    "minimum a year": urdb(SOLD_APART, mincharge=900.0, minchargeunits="$/year", **RULE),
}


@pytest.mark.parametrize("name", TARIFFS)
def test_all_use_is_bought_and_all_generation_sold_as_in_sam(name: str) -> None:
    ours = our_bills(TARIFFS[name], homes(), sun(2.0), "net_billing")
    assert_same(ours, sam_bills(TARIFFS[name], homes(), sun(2.0)))


@st.composite
def sold(draw: st.DrawFn) -> tuple[dict[str, Any], float]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    periods = draw(st.integers(1, 4))
    energy = structure(*[[(round(rng.uniform(0, 0.9), 3), None)] for _ in range(periods)])
    for tier in [tier for period in energy for tier in period]:
        tier["sell"] = round(rng.uniform(0, 0.5), 3)
    least = {"mincharge": draw(st.integers(0, 60)) * 1.0}
    least["minchargeunits"] = draw(st.sampled_from(["$/month", "$/year"]))
    schedules = rng.integers(0, periods, (2, 12, 24)).tolist()
    demand = PER_MONTH if draw(st.booleans()) else {}
    return urdb(energy, *schedules, **least, **demand, **RULE), draw(st.integers(1, 40)) / 10


@given(sold())
def test_any_tariff_of_two_meters_is_billed_as_in_sam(drawn: tuple[dict[str, Any], float]) -> None:
    tariff, kw = drawn
    if not any(tier["sell"] for period in tariff["energyratestructure"] for tier in period):
        return
    ours = our_bills(tariff, homes(), sun(kw), "net_billing")
    assert_same(ours, sam_bills(tariff, homes(), sun(kw)))


def test_without_sell_rates_the_ratio_of_the_retail_rate_is_paid() -> None:
    ours = our_bills(TARIFFS["nothing paid"], homes(), sun(2.0), "net_billing", ratio=0.5)
    assert_same(ours, 7.5 + 0.14 * monthly(homes()) - 0.07 * monthly(sun(2.0)))


def test_the_real_homes_with_pv_are_billed_as_in_sam(real_data: Path) -> None:
    folder = real_homes(real_data)
    loads = _return_load(load_filepath_key=folder, target_year=MONDAY_YEAR, force_tz="EST")
    made = {i: -read_column(folder, i, PV_COLUMN) for i in loads.index.unique("bldg_id")}
    solar = [i for i, one in made.items() if one.any()]
    use = {i: read_column(folder, i, TOTAL_COLUMN) for i in solar}
    for file in real_tariffs(real_data, "electric").values():
        item = json.loads(file.read_text())["items"][0] | RULE
        rates = sam_tariff(item)
        rates["ur_ec_tou_mat"] = [[*row[:5], 0.06] for row in rates["ur_ec_tou_mat"]]
        sams = [sam_bill(rates, use[i], made[i]) for i in solar]
        tariff = URDBv7_to_ElectricityRates(item, "t")
        tariff["ur_ec_tou_mat"] = rates["ur_ec_tou_mat"]
        assert_same(billed(tariff, loads.loc[solar], "net_billing"), np.array(sams))


def test_calibration_credits_what_is_sold_after_minimum_charges() -> None:
    tariff = URDBv7_to_ElectricityRates(TARIFFS["minimum a month"], "t")
    energy = np.array([[100.0], [900.0]])[:, None, :] * np.ones((1, 12, 1))
    use = CustomerUse(
        np.array([1, 2]), np.stack([energy, 0 * energy], axis=2), exports=np.full((2, 12, 2), 50.0)
    )
    sell = np.array([[0.04], [0.09]])
    weight, mapping = pd.Series([3.0, 1.0], index=[1, 2]), precalc_period_mapping({"t": tariff})
    final = calibrated_tariffs(
        {"t": use}, {"t": tariff}, mapping, 3000.0, weight, {"t": tariff}, "net_billing"
    )["t"]
    bills = monthly_bills(use, parse_tariff("t", final), sell, "net_billing")
    # The small home pays its minimum of 60 $ less 50 x (0.04 + 0.09) $ sold.
    assert bills[0] == pytest.approx([53.5] * 12)
    assert 3 * bills[0].sum() + bills[1].sum() == pytest.approx(3000.0)


@pytest.fixture(scope="module")
def sold_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo whose homes have PV and whose time-of-use tariff buys and sells all."""
    folder = tmp_path_factory.mktemp("sold")
    demo = Demo(make_demo(folder / "made", 4), folder / "demo")
    for path in demo.loads.glob("*.parquet"):
        demo.parquet(path, lambda frame: frame.assign(**{PV_COLUMN: -sun(1.5)[0]}))
    for path in (demo.folder / "rates" / "tariffs" / "electric").glob("*tou*.json"):
        stored = json.loads(path.read_text())
        stored["items"][0] |= RULE | {"flatdemandstructure": [[{"rate": 1.0}]]}
        stored["items"][0] |= {"flatdemandmonths": [0] * 12}
        path.write_text(json.dumps(stored))
    demo.settings({"solar_pv_compensation": "net_billing", "solar_pv_export_import_ratio": 0.5})
    demo.settings(IN_PROCESS)
    return demo


@pytest.mark.slow
def test_the_three_backends_buy_and_sell_all(sold_demo: Demo) -> None:
    runs = [sold_demo.run(backend=one) for one in ("pandas", "dask_delayed", "dask_dataframe")]
    place = "bills/elec_bills_year_run.csv"
    found = [pd.read_csv(one / place, index_col="bldg_id").select_dtypes("number") for one in runs]
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, check_exact=False, rtol=1e-12)
    for one in runs:
        check_sums(cairo.open_run(one))


def test_a_response_to_price_is_refused(sold_demo: Demo, tmp_path: Path) -> None:
    demo = Demo(sold_demo.folder, tmp_path / "demo")
    demo.settings({"elasticity": -0.1})
    with pytest.raises(CairoError, match="a response to price is not modelled where all use is bo"):
        demo.run()
