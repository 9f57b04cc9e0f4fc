"""Net metering credits carried from month to month, held against SAM's options 0 and 1."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cairo
from cairo.errors import CairoError, RequirementError, TariffError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.bills import CustomerUse, monthly_bills
from cairo.model.export_compensation import _return_export_compensation_rate
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.loads import _return_load
from cairo.rates_tool.lookups import PV_COLUMN, TOTAL_COLUMN
from cairo.rates_tool.system_revenues import calibrated_tariffs
from cairo.rates_tool.tariffs import precalc_period_mapping
from tests.pysam_bills import (
    EVENING,
    NET_METERING,
    NET_METERING_DOLLARS,
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
from tests.test_pysam_yardstick import MONDAY_YEAR, read_column, real_homes, real_tariffs
from tests.whole_runs import IN_PROCESS, Demo, make_demo

CARRIED = {"net_metering_rollover": True, "tier_rule": "month"}
FLAT = urdb(structure([(0.14, None)], sell=0.14))
TIMED = urdb(structure([(0.1, None)], sell=0.03) + structure([(0.3, None)], sell=0.2), EVENING)
TERMS: dict[str, dict[str, Any]] = {
    "kWh": {"ur_metering_option": NET_METERING},
    "kWh paid in December": {"ur_metering_option": NET_METERING, "ur_nm_yearend_sell_rate": 0.04},
    "kWh paid in April": {
        "ur_metering_option": NET_METERING,
        "ur_nm_yearend_sell_rate": 0.04,
        "ur_nm_credit_month": 3,
    },
    "kWh settled as later credit": {
        "ur_metering_option": NET_METERING,
        "ur_nm_yearend_sell_rate": 0.04,
        "ur_nm_credit_month": 6,
        "ur_nm_credit_rollover": 1,
    },
    "dollars": {"ur_metering_option": NET_METERING_DOLLARS},
    "dollars paid in June": {"ur_metering_option": NET_METERING_DOLLARS, "ur_nm_credit_month": 5},
}


def ours(tariff: dict[str, Any], kw: float, **terms: Any) -> np.ndarray:
    return our_bills(tariff, homes(), sun(kw), "net_metering", **CARRIED, **terms)


# Against SAM


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("tariff", [FLAT, TIMED], ids=["flat", "by time"])
def test_a_months_bill_with_carried_credits_is_sams(
    tariff: dict[str, Any], terms: dict[str, Any]
) -> None:
    found = ours(tariff, 2.0, **terms)
    assert_same(found, sam_bills(tariff, homes(), sun(2.0), **terms))
    at_once = our_bills(tariff, homes(), sun(2.0), "net_metering")
    assert np.abs(found - at_once).max() > 1.0


@st.composite
def carried_tariffs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Any periods and tiers in a month, minimum charges and terms of what is carried; PV [kW]."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    periods, tiers = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    ends = [*np.cumsum(rng.integers(20, 300, tiers - 1)).astype(float).tolist(), None]
    energy = structure(
        *[[(round(rng.uniform(0, 0.9), 3), end) for end in ends] for _ in range(periods)]
    )
    for tier in [tier for period in energy for tier in period]:
        tier["sell"] = round(rng.uniform(0.01, 0.5), 3)
    schedules = rng.integers(0, periods, (2, 12, 24)).tolist()
    least = {"mincharge": draw(st.integers(0, 60)) * 1.0}
    least["minchargeunits"] = draw(st.sampled_from(["$/month", "$/year"]))
    terms = {
        "ur_metering_option": draw(st.sampled_from([NET_METERING, NET_METERING_DOLLARS])),
        "ur_nm_credit_month": draw(st.integers(0, 11)),
        "ur_nm_yearend_sell_rate": draw(st.integers(0, 20)) / 100,
    }
    if terms["ur_metering_option"] == NET_METERING:
        terms["ur_nm_credit_rollover"] = draw(st.integers(0, 1))
    return urdb(energy, *schedules, **least), terms, draw(st.integers(1, 40)) / 10


@given(carried_tariffs())
def test_carried_credits_of_any_tariff_are_sams(
    drawn: tuple[dict[str, Any], dict[str, Any], float],
) -> None:
    tariff, terms, kw = drawn
    assert_same(ours(tariff, kw, **terms), sam_bills(tariff, homes(), sun(kw), **terms))


def test_demand_and_fixed_charges_are_not_paid_with_credits() -> None:
    demand = {"flatdemandstructure": [[{"rate": 5.0}]], "flatdemandmonths": [0] * 12}
    tariff = FLAT | demand
    found = ours(tariff, 4.0, ur_metering_option=NET_METERING)
    assert_same(found, sam_bills(tariff, homes(), sun(4.0), ur_metering_option=NET_METERING))
    assert found.min() >= 7.5


def test_a_surplus_in_dollars_earns_the_retail_rate_where_a_tariff_has_no_sell_rate() -> None:
    for ratio in (None, 0.6):
        paid = 0.14 * (1.0 if ratio is None else ratio)
        sams = sam_bills(
            urdb(structure([(0.14, None)], sell=paid)), homes(), sun(2.0), ur_metering_option=1
        )
        tariff, options = urdb(structure([(0.14, None)])), CARRIED | {"ur_metering_option": 1}
        assert_same(
            our_bills(tariff, homes(), sun(2.0), "net_metering", ratio=ratio, **options), sams
        )


def test_sam_pays_dollars_out_that_it_also_credits_later_and_we_credit_them_once() -> None:
    terms = {"ur_metering_option": NET_METERING_DOLLARS, "ur_nm_credit_month": 5}
    both = sam_bills(FLAT, homes(), sun(2.0), **terms, ur_nm_credit_rollover=1)
    paid = sam_bills(FLAT, homes(), sun(2.0), **terms)
    kept = sam_bills(FLAT, homes(), sun(2.0), **(terms | {"ur_nm_credit_month": 11}))
    # Its June is paid out as without the switch, its other months have the credit nevertheless.
    assert_same(both[:, 5], paid[:, 5])
    assert_same(both[:, 6:11], kept[:, 6:11])
    found = ours(FLAT, 2.0, **terms, ur_nm_credit_rollover=1)
    assert_same(found[:, :11], kept[:, :11])


def test_the_real_homes_with_pv_are_billed_as_in_sam(real_data: Path) -> None:
    folder = real_homes(real_data)
    loads = _return_load(load_filepath_key=folder, target_year=MONDAY_YEAR, force_tz="EST")
    made = {i: -read_column(folder, i, PV_COLUMN) for i in loads.index.unique("bldg_id")}
    solar = [i for i, one in made.items() if one.any()]
    assert solar
    use = {i: read_column(folder, i, TOTAL_COLUMN) for i in solar}
    files = real_tariffs(real_data, "electric")
    for file in files.values():
        item = json.loads(file.read_text())["items"][0]
        rates = sam_tariff(item)
        # Dollars need a sell rate in SAM; half the retail rate here, tier by tier.
        half = rates | {"ur_ec_tou_mat": [[*r[:5], 0.5 * r[4]] for r in rates["ur_ec_tou_mat"]]}
        for terms in list(TERMS.values())[2:5]:
            sams = [sam_bill(half | terms, use[i], made[i]) for i in solar]
            tariff = URDBv7_to_ElectricityRates(item, "t") | CARRIED | terms
            tariff["ur_ec_tou_mat"] = half["ur_ec_tou_mat"]
            assert_same(billed(tariff, loads.loc[solar], "net_metering"), np.array(sams))


# By hand


def by_hand(imports: list[float], exports: list[float], **terms: Any) -> list[float]:
    """Bills of one home at 0.10 $/kWh and 5 $ a month, zeros in the months not given."""
    tariff = URDBv7_to_ElectricityRates(urdb(structure([(0.1, None)])), "t")
    table = parse_tariff("t", tariff | CARRIED | terms | {"ur_monthly_fixed_charge": 5.0})
    use, out = np.zeros((1, 12, 1, 1)), np.zeros((1, 12, 1))
    use[0, : len(imports), 0, 0], out[0, : len(exports), 0] = imports, exports
    bills: list[float] = monthly_bills(
        CustomerUse(np.array([1]), use, exports=out), table, np.ones((1, 1)), "net_metering"
    )[0].tolist()
    return bills


def test_kwh_wait_for_the_next_month_and_what_is_left_is_paid_after_its_month() -> None:
    imports, exports = [100.0, 300.0, 50.0], [250.0, 100.0, 90.0]
    # January leaves 150; February owes 200 and takes them; March leaves 40, paid in December.
    bills = by_hand(imports, exports, ur_nm_yearend_sell_rate=0.02)
    assert bills == pytest.approx([5.0, 5.0 + 0.1 * 50.0, *[5.0] * 9, 5.0 - 0.02 * 40.0])
    settled = by_hand(imports, exports, ur_nm_yearend_sell_rate=0.02, ur_nm_credit_month=0)
    # Settled in January, its 150 are paid at once and February owes all of its 200.
    assert settled[:3] == pytest.approx([5.0 - 0.02 * 150.0, 25.0, 5.0])


def test_dollars_left_are_paid_out_in_full() -> None:
    bills = by_hand([100.0, 300.0, 50.0], [250.0, 100.0, 90.0], ur_metering_option=1)
    assert bills == pytest.approx([5.0, 10.0, *[5.0] * 9, 5.0 - 0.1 * 40.0])
    assert sum(bills) == pytest.approx(12 * 5.0 + 0.1 * (450.0 - 440.0))


def test_a_home_without_pv_is_billed_as_without_the_key() -> None:
    plain = our_bills(TIMED, homes())
    assert_same(our_bills(TIMED, homes(), None, "net_metering", **CARRIED), plain)


# Calibration


@st.composite
def calibrations(draw: st.DrawFn) -> tuple[dict[str, Any], CustomerUse, float]:
    tariff, terms, _ = draw(carried_tariffs())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = parse_tariff("t", URDBv7_to_ElectricityRates(tariff, "t") | CARRIED | terms)
    shape = (draw(st.integers(1, 6)), 12, table.n_periods)
    used = rng.gamma(1.0, 200.0, shape)
    exports = rng.gamma(1.0, 150.0, shape) * (rng.random((shape[0], 1, 1)) < 0.5)
    energy = np.zeros((*shape, table.n_tiers))
    energy[..., 0] = used
    use = CustomerUse(np.arange(shape[0]), energy, exports=exports)
    return dict(table.given), use, draw(st.floats(50.0, 4000.0)) * shape[0]


@given(calibrations())
def test_calibration_with_carried_credits_meets_the_requirement(
    drawn: tuple[dict[str, Any], CustomerUse, float],
) -> None:
    tariff, use, requirement = drawn
    weight = pd.Series(np.arange(1.0, len(use.bldg_ids) + 1), index=use.bldg_ids)
    mapping = precalc_period_mapping({"t": tariff})
    sell = _return_export_compensation_rate(2018, "net_metering", None, {"t": tariff})
    ratio = np.ones(parse_tariff("t", tariff).rate.shape)
    try:
        final = calibrated_tariffs(
            {"t": use}, {"t": tariff}, mapping, requirement, weight, sell, "net_metering"
        )["t"]
    except RequirementError as error:
        # Charges at rates of zero collect more, or credits eat up what higher rates bring.
        assert "cannot be met" in str(error) and "\n" not in str(error)
        return
    bills = monthly_bills(use, parse_tariff("t", final), ratio, "net_metering").sum(axis=1)
    assert float(weight @ bills) == pytest.approx(requirement, rel=1e-9)


def test_without_credits_to_carry_calibration_is_the_linear_one() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(structure([(0.1, None)])), "t")
    use = CustomerUse(np.array([1]), np.full((1, 12, 1, 1), 100.0), exports=np.zeros((1, 12, 1)))
    mapping, weight = precalc_period_mapping({"t": tariff}), pd.Series([2.0], index=[1])
    final = calibrated_tariffs(
        {"t": use}, {"t": tariff | CARRIED}, mapping, 600.0, weight, None, "net_metering"
    )["t"]
    assert final["ur_ec_tou_mat"][0][4] == pytest.approx((300.0 - 12 * 7.5) / 1200.0)
    assert final["net_metering_rollover"] is True


def test_a_requirement_below_the_other_charges_cannot_be_met() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(structure([(0.1, None)])), "t") | CARRIED
    use = CustomerUse(np.array([1]), np.full((1, 12, 1, 1), 100.0), exports=np.zeros((1, 12, 1)))
    with pytest.raises(
        RequirementError, match=r"of tariff t cannot be met: .* 90\.00 \$ at energy"
    ):
        calibrated_tariffs(
            {"t": use}, {"t": tariff}, precalc_period_mapping({"t": tariff}), 50.0,
            pd.Series([1.0], index=[1]), None, "net_metering",
        )  # fmt: skip


# What is refused or named

BAD: dict[str, dict[str, Any]] = {
    "net_metering_rollover needs net metering, found ur_metering_option 2": {
        "ur_metering_option": 2
    },
    "net_metering_rollover is 'maybe', expected true or false": {"net_metering_rollover": "maybe"},
    "ur_nm_credit_month is 12, expected 0": {"ur_nm_credit_month": 12},
    "ur_nm_yearend_sell_rate is 'high', expected": {"ur_nm_yearend_sell_rate": "high"},
    "ur_nm_credit_rollover is 2, expected true or false": {"ur_nm_credit_rollover": 2},
}


@pytest.mark.parametrize("said", BAD)
def test_terms_that_are_not_sound_are_refused(said: str) -> None:
    with pytest.raises(TariffError, match=f"^tariff t: {said}"):
        our_bills(FLAT, homes(), sun(1.0), "net_metering", **(CARRIED | BAD[said]))


def test_tier_limits_per_kw_are_refused() -> None:
    tariff = urdb(structure([(0.1, 50.0), (0.2, None)], unit="kWh/kW"))
    with pytest.raises(
        TariffError, match="tier limits per kW are not modelled with net_metering_r"
    ):
        our_bills(tariff, homes(), sun(1.0), "net_metering", **CARRIED)


@pytest.mark.parametrize("style", [None, "net_billing"])
def test_another_compensation_is_refused(style: str | None) -> None:
    with pytest.raises(
        TariffError, match=f"needs solar_pv_compensation net_metering, found {style}"
    ):
        our_bills(FLAT, homes(), sun(1.0), style, **CARRIED)


def test_kwh_are_carried_one_for_one() -> None:
    with pytest.raises(TariffError, match=r"ratio is 0\.5, but net_metering_rollover carries kWh"):
        our_bills(FLAT, homes(), sun(1.0), "net_metering", ratio=0.5, **CARRIED)


def test_terms_that_count_for_nothing_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        our_bills(FLAT, homes(), sun(1.0), "net_metering", ur_nm_credit_month=11)
        assert caplog.text == ""
        our_bills(FLAT, homes(), sun(1.0), "net_metering", ur_nm_yearend_sell_rate=0.04)
    assert (
        "ur_nm_yearend_sell_rate is 0.04, which counts only with net_metering_roll" in caplog.text
    )


def test_a_surplus_that_sam_loses_is_named(caplog: pytest.LogCaptureFixture) -> None:
    night = [[1] * 3 + [0] * 21] * 12
    noon = [[0] * 12 + [1] * 3 + [0] * 9] * 12
    energy = structure([(0.1, None)], [(0.3, None)])
    with caplog.at_level(logging.WARNING):
        ours(urdb(energy, night), 1.0)
        assert caplog.text == ""
        found = ours(urdb(energy, noon), 1.0)
    assert "tariff t: a surplus of period 2 is lost, as in SAM" in caplog.text
    assert_same(found, sam_bills(urdb(energy, noon), homes(), sun(1.0)))


# Files and runs


def test_the_terms_go_to_urdb_and_back() -> None:
    terms = {"ur_metering_option": 1, "ur_nm_credit_month": 3, "ur_nm_yearend_sell_rate": 0.05}
    tariff = URDBv7_to_ElectricityRates(FLAT, "t") | CARRIED | terms
    back = URDBv7_to_ElectricityRates(ElectricityRates_to_URDB(tariff, "t"), "t")
    assert {name: back[name] for name in CARRIED | terms} == CARRIED | terms


def test_an_option_that_contradicts_dgrules_is_refused() -> None:
    item = FLAT | {"dgrules": "Net Billing Hourly", "ur_metering_option": 1}
    with pytest.raises(TariffError, match=r"ur_metering_option is 1, but dgrules .* is 3"):
        URDBv7_to_ElectricityRates(item, "t")


@pytest.fixture(scope="module")
def solar_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo whose homes all have PV."""
    folder = tmp_path_factory.mktemp("carried")
    demo = Demo(make_demo(folder / "made", 4), folder / "demo")
    for path in demo.loads.glob("*.parquet"):
        demo.parquet(path, lambda frame: frame.assign(**{PV_COLUMN: -sun(1.5)[0]}))
    return demo


@pytest.mark.slow
@pytest.mark.parametrize("option", [0, 1])
def test_the_three_backends_carry_credits(solar_demo: Demo, option: int) -> None:
    for path in (solar_demo.folder / "rates" / "tariffs" / "electric").glob("*.json"):
        stored = json.loads(path.read_text())
        stored["items"][0] |= {"ur_metering_option": option, "ur_nm_yearend_sell_rate": 0.03}
        path.write_text(json.dumps(stored))
    settings = {"solar_pv_compensation": "net_metering", "net_metering_rollover": True}
    settings |= {"elasticity": -0.1 * option}
    solar_demo.settings(settings | IN_PROCESS)
    runs = [solar_demo.run(backend=one) for one in ("pandas", "dask_delayed", "dask_dataframe")]
    place = "bills/elec_bills_year_run.csv"
    found = [pd.read_csv(one / place, index_col="bldg_id").select_dtypes("number") for one in runs]
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, check_exact=False, rtol=1e-12)
    for one in runs:
        check_sums(cairo.open_run(one))
    assert "carried_credit" in set(cairo.open_run(runs[0]).determinants["item"])
    rates = json.loads((runs[0] / "tariff_final_config.json").read_text())
    assert all(one["net_metering_rollover"] is True for one in rates.values())


def test_the_key_needs_net_metering(solar_demo: Demo, tmp_path: Path) -> None:
    demo = Demo(solar_demo.folder, tmp_path / "demo")
    demo.settings({"solar_pv_compensation": "net_billing", "net_metering_rollover": True})
    with pytest.raises(CairoError, match="net_metering_rollover needs solar_pv_compensation net_m"):
        demo.run()


def test_the_month_of_net_use_is_what_tiers_are_filled_with() -> None:
    tariff = urdb(structure([(0.10, 200.0), (0.30, None)]))
    net = monthly(homes()[:2] - sun(0.6)[:2])
    assert (net > 0.0).all()
    tiers = np.stack([np.minimum(net, 200.0), np.maximum(net - 200.0, 0.0)], axis=2)
    found = our_bills(tariff, homes()[:2], sun(0.6)[:2], "net_metering", **CARRIED)
    assert_same(found, 7.5 + (tiers * [0.1, 0.3]).sum(axis=2))
