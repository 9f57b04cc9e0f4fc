"""Tiers of a month with several periods: by period, or by the month as SAM fills them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import CairoError, TariffError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.bills import CustomerUse, monthly_bills
from cairo.model.tariff import parse_tariff
from cairo.model.tiers import fill_tiers
from cairo.rates_tool.system_revenues import calibrated_tariffs
from cairo.rates_tool.tariffs import precalc_period_mapping
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from tests.pysam_bills import (
    ALWAYS,
    EVENING,
    NET_METERING,
    assert_same,
    billed,
    homes,
    our_bills,
    our_gas_bills,
    sam_bill,
    sam_bills,
    sam_tariff,
    structure,
    urdb,
)
from tests.whole_runs import IN_PROCESS, Demo, contents, make_demo

MONTHLY = {"tier_rule": "month"}
NIGHT = [(0.10, 150.0), (0.20, 400.0), (0.30, None)]
DAY = [(0.20, 150.0), (0.45, 400.0), (0.80, None)]
TWO_PERIODS = structure(NIGHT, DAY)


def sams(tariff: dict[str, Any], load: np.ndarray) -> np.ndarray:
    """SAM with a home's use alone, by its monthly reconciliation."""
    return sam_bills(tariff, load, ur_metering_option=NET_METERING)


# Against SAM


@pytest.mark.parametrize("unit", ["kWh", "kWh daily", "kWh/kW", "kWh/kW daily"])
def test_the_months_use_fills_tiers_as_in_sam(unit: str) -> None:
    scale = {"kWh": 1.0, "kWh daily": 1 / 30, "kWh/kW": 0.2, "kWh/kW daily": 0.2 / 30}[unit]
    tiers = [[(p, None if m is None else m * scale) for p, m in one] for one in (NIGHT, DAY)]
    tariff = urdb(structure(*tiers, unit=unit), EVENING, ALWAYS)
    assert_same(our_bills(tariff, homes(), **MONTHLY), sams(tariff, homes()))
    by_period = our_bills(tariff, homes())
    assert np.abs(by_period - sams(tariff, homes())).max() > 1.0


@st.composite
def tiered_by_time(draw: st.DrawFn) -> dict[str, Any]:
    """Any number of periods in a month, with limits of their own for each half of the year."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    periods, tiers = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    unit = draw(st.sampled_from(["kWh", "kWh daily", "kWh/kW", "kWh/kW daily"]))
    scale = {"kWh": 2.0, "kWh daily": 0.05, "kWh/kW": 0.5, "kWh/kW daily": 0.02}[unit]

    def half() -> list[list[tuple[float, float | None]]]:
        ends = [*(np.cumsum(rng.integers(1, 300, tiers - 1)) * scale).tolist(), None]
        return [[(round(rng.uniform(0, 0.9), 3), end) for end in ends] for _ in range(periods)]

    winter = rng.integers(0, periods, (2, 6, 24))
    summer = rng.integers(0, periods, (2, 6, 24)) + periods
    weekday, weekend = np.concatenate([winter, summer], axis=1).tolist()
    return urdb(structure(*half(), *half(), unit=unit), weekday, weekend)


@given(tiered_by_time())
def test_the_months_rule_is_sams_for_any_tariff(tariff: dict[str, Any]) -> None:
    assert_same(our_bills(tariff, homes(), **MONTHLY), sams(tariff, homes()))


def test_gas_by_the_month_too() -> None:
    gas = homes() * 12.0
    tariff = urdb(structure([(0.04, 900.0), (0.02, None)], [(0.06, 900.0), (0.05, None)]), EVENING)
    assert_same(our_gas_bills(tariff | MONTHLY, gas), sams(tariff, gas))


def test_the_real_homes_with_tiers_by_time_are_billed_as_in_sam(real_data: Path) -> None:
    from cairo.rates_tool.loads import _return_load
    from cairo.rates_tool.lookups import TOTAL_COLUMN
    from tests.test_pysam_yardstick import MONDAY_YEAR, read_column, real_homes

    folder = real_homes(real_data)
    loads = _return_load(load_filepath_key=folder, target_year=MONDAY_YEAR, force_tz="EST")
    loads = loads.assign(pv_generation=0.0, electricity_net=loads["load_data"])
    use = [read_column(folder, i, TOTAL_COLUMN) for i in loads.index.unique("bldg_id")]
    for weekend in (ALWAYS, EVENING):
        item = urdb(structure(NIGHT, DAY), EVENING, weekend)
        rates = sam_tariff(item)
        expected = np.array([sam_bill(rates, one, ur_metering_option=NET_METERING) for one in use])
        assert_same(billed(URDBv7_to_ElectricityRates(item, "t") | MONTHLY, loads), expected)


# By hand


def test_each_period_pays_its_share_of_every_tier() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(structure(NIGHT, DAY), EVENING), "t")
    table = parse_tariff("t", tariff | MONTHLY)
    usage = np.zeros((1, 12, 2))
    usage[0, 0] = [300.0, 200.0]
    # 500 kWh: 150 in the first tier, 250 in the second, 100 above; 3/5 of each are the night's.
    tiers = fill_tiers(usage, table)[0, 0]
    np.testing.assert_allclose(tiers, [[90.0, 150.0, 60.0], [60.0, 100.0, 40.0]])
    assert (fill_tiers(usage, table)[0, 1:] == 0.0).all()


def test_one_period_a_month_is_the_same_by_both_rules_to_the_bit() -> None:
    by_month = [[m] * 24 for m in range(12)]
    tariff = urdb(structure(*[[(0.1, 90.0 + m), (0.3, None)] for m in range(12)]), by_month)
    assert (our_bills(tariff, homes()) == our_bills(tariff, homes(), **MONTHLY)).all()


def test_calibration_meets_the_requirement_by_the_months_rule() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(TWO_PERIODS, EVENING), "t") | MONTHLY
    table = parse_tariff("t", tariff)
    usage = np.zeros((2, 12, 2))
    usage[:] = [[300.0, 200.0]], [[20.0, 30.0]]
    use = CustomerUse(np.array([1, 2]), fill_tiers(usage, table))
    weight = pd.Series([10.0, 30.0], index=[1, 2])
    mapping = precalc_period_mapping({"t": tariff})
    final = calibrated_tariffs({"t": use}, {"t": tariff}, mapping, 90_000.0, weight)["t"]
    assert final["tier_rule"] == "month"
    bills = monthly_bills(use, parse_tariff("t", final)).sum(axis=1)
    assert 10 * bills[0] + 30 * bills[1] == pytest.approx(90_000.0, rel=1e-12)


# What is refused

APART = {
    "limits": structure([(0.1, 100.0), (0.2, None)], [(0.3, 300.0), (0.4, None)]),
    "numbers of tiers": structure([(0.1, 100.0), (0.2, None)], [(0.3, None)]),
    "units": structure([(0.1, 100.0), (0.2, None)])
    + structure([(0.3, 100.0), (0.4, None)], unit="kWh daily"),
}


@pytest.mark.parametrize("energy", APART.values(), ids=APART)
def test_limits_that_differ_within_a_month_are_refused(energy: list[Any]) -> None:
    tariff = urdb(energy, EVENING)
    our_bills(tariff, homes())
    with pytest.raises(TariffError, match=r"tariff t: periods 1 and 2 of Jan have other tier limi"):
        our_bills(tariff, homes(), **MONTHLY)
    # Apart by season they do not meet.
    seasonal = urdb(energy, [[0] * 24] * 6 + [[1] * 24] * 6)
    our_bills(seasonal, homes(), **MONTHLY)


def test_another_rule_is_refused() -> None:
    with pytest.raises(TariffError, match="tariff t: tier_rule is 'year', expected period or mont"):
        our_bills(urdb(TWO_PERIODS, EVENING), homes(), tier_rule="year")


# Files and runs


def test_the_rule_goes_to_urdb_and_back() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(TWO_PERIODS, EVENING, **MONTHLY), "t")
    back = URDBv7_to_ElectricityRates(ElectricityRates_to_URDB(tariff, "t"), "t")
    assert parse_tariff("t", back).tier_rule == "month"
    plain = ElectricityRates_to_URDB(tariff | {"tier_rule": "period"}, "t")
    assert "tier_rule" not in plain["items"][0]


@pytest.fixture(scope="module")
def tiered_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("tiers")
    demo = Demo(make_demo(folder / "made", 4), folder / "demo")
    for path in (demo.folder / "rates" / "tariffs" / "electric").glob("*.json"):
        stored = json.loads(path.read_text())
        for period in stored["items"][0]["energyratestructure"]:
            rate = period[0]["rate"]
            period[:] = [
                {"rate": rate, "max": 250.0, "unit": "kWh"},
                {"rate": 2 * rate, "unit": "kWh"},
            ]
        path.write_text(json.dumps(stored))
    return demo


@pytest.mark.slow
def test_the_three_backends_bill_by_the_months_rule(tiered_demo: Demo) -> None:
    """After a response to price too: its shifted use fills the month's tiers."""
    tiered_demo.settings({"tier_rule": "month", "elasticity": -0.2, **IN_PROCESS})
    place = "bills/elec_bills_year_run.csv"
    runs = [tiered_demo.run(backend=one) for one in ("pandas", "dask_delayed", "dask_dataframe")]
    found = [pd.read_csv(one / place, index_col="bldg_id").select_dtypes("number") for one in runs]
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, check_exact=False, rtol=1e-12)
    tiered_demo.settings({"tier_rule": "period"})
    by_period = contents(tiered_demo.run(backend="dask_dataframe"))
    assert by_period[place] != (runs[2] / place).read_bytes()


def test_delivery_twins_and_gas_are_billed_by_the_runs_rules(tiered_demo: Demo) -> None:
    changes = {
        "tier_rule": "month",
        "delivery_tariffs": {"all": str(tiered_demo.folder / "rates/tariffs/electric/flat.json")},
    }
    settings = read_scenario(tiered_demo.scenario).run("demo_flat_precalc").changed(**changes)
    spec = read_inputs(settings).spec
    assert spec.twins is not None and spec.gas is not None
    gas = spec.gas.read(spec.customers.ids).tariffs
    for tariffs in (spec.electricity.tariffs, spec.twins.service.tariffs, gas):
        assert {one.tier_rule for one in tariffs.values()} == {"month"}
    # A function in the place of our own gas bills must not read the files, which lack the rule.
    assert not spec.gas.files


def test_a_run_whose_tariff_cannot_be_filled_so_is_told(tiered_demo: Demo, tmp_path: Path) -> None:
    demo = Demo(tiered_demo.folder, tmp_path / "demo")
    for path in (demo.folder / "rates" / "tariffs" / "electric").glob("*tou*.json"):
        stored = json.loads(path.read_text())
        stored["items"][0]["energyratestructure"][0][0]["max"] = 99.0
        path.write_text(json.dumps(stored))
    demo.settings({"tier_rule": "month"})
    with pytest.raises(CairoError, match="which tier_rule month cannot fill together"):
        demo.run()
