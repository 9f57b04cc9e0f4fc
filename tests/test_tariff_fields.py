"""No field of a tariff is passed over in silence: it is billed, changes no bill, or is refused."""

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

from cairo.errors import TariffError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_export import ElectricityRates_to_URDB
from cairo.model.bills import CustomerUse, monthly_bills
from cairo.model.export_compensation import _return_export_compensation_rate
from cairo.model.response import Elasticity, response_plan
from cairo.model.tariff import parse_tariff
from cairo.model.tariff_changes import in_therms
from cairo.rates_tool.system_revenues import calibrated_tariffs
from cairo.rates_tool.tariffs import get_default_tariff_structures, precalc_period_mapping
from cairo.results.report.exports import Exports
from cairo.results.report.rates import in_words
from tests.tariff_field_lists import BILLED, URDB

ALWAYS = [[0] * 24] * 12
ONES = [[1] * 24] * 12


def urdb(**fields: Any) -> dict[str, Any]:
    item = {
        "label": "t",
        "energyratestructure": [[{"rate": 0.1, "unit": "kWh"}]],
        "energyweekdayschedule": ALWAYS,
        "energyweekendschedule": ALWAYS,
        "fixedchargefirstmeter": 5.0,
        "fixedchargeunits": "$/month",
    }
    return {name: value for name, value in (item | fields).items() if value is not ...}


def sam(**inputs: Any) -> dict[str, Any]:
    energy = {"ur_ec_tou_mat": [[1, 1, 1e38, 0, 0.1, 0]]}
    return energy | {"ur_ec_sched_weekday": ONES, "ur_ec_sched_weekend": ONES} | inputs


def used(monthly_kwh: float = 100.0, homes: int = 1) -> CustomerUse:
    ids = np.arange(1, homes + 1)
    return CustomerUse(ids, np.full((homes, 12, 1, 1), monthly_kwh))


def bill_of(item: dict[str, Any]) -> list[float]:
    bills: list[float] = monthly_bills(
        used(), parse_tariff("t", URDBv7_to_ElectricityRates(item, "t"))
    )[0].tolist()
    return bills


DEMAND = {"flatdemandstructure": [[{"rate": 5.0}]], "flatdemandmonths": [0] * 12}
RATCHET = {
    "ur_enable_billing_demand": 1,
    "ur_billing_demand_minimum": 4.0,
    "ur_billing_demand_lookback_period": 11,
    "ur_billing_demand_lookback_percentages": [[80, 1]] * 12,
    "ur_dc_billing_demand_periods": [[1, 1]],
}
SAM_DEMAND = {
    "ur_dc_enable": 1,
    "ur_dc_tou_mat": [[1, 1, 1e38, 0.0]],
    "ur_dc_sched_weekday": ONES,
    "ur_dc_sched_weekend": ONES,
    "ur_dc_flat_mat": [[month, 1, 1e38, 5.0] for month in range(12)],
}

# What is refused


REFUSED: dict[str, tuple[str, Any]] = {
    "reactive power": ("demandreactivepowercharge", 0.4),
    "coincident demand": ("coincidentratestructure", [[{"rate": 1.0}]]),
    "ratchet by month": ("demandratchetpercentage", [0] * 5 + [0.8] * 7),
    "price in a remark": ("energyattrs", [{"Fuel cost": "$0.031/kWh"}]),
    "unknown number": ("systembenefitcharge", 0.004),
    "unknown numbers": ("monthlysurcharges", [0.0] * 11 + [1.0]),
    "unknown share": ("latepaymentpercent", "1.5"),
    "unknown switch": ("primarymetering", True),
    "camel case": ("fixedChargeFirstMeter", 10.0),
    "unknown object": ("riders", [{"name": "EV", "amount": 3}]),
}


@pytest.mark.parametrize("field, value", REFUSED.values(), ids=REFUSED)
def test_a_field_that_is_not_modelled_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(TariffError, match=f"^tariff t: {field} is ") as caught:
        URDBv7_to_ElectricityRates(urdb(**{field: value}), "t")
    assert "\n" not in str(caught.value)


NOTHING = [0, 0.0, False, "", "NA", "0", "false", None, [], [0.0] * 12, [[{"rate": 0}]], {}]


@pytest.mark.parametrize("value", NOTHING, ids=str)
def test_a_field_that_says_nothing_is_no_charge(value: object) -> None:
    for field, _ in REFUSED.values():
        assert bill_of(urdb(**{field: value})) == bill_of(urdb())


def test_labels_dates_remarks_and_eligibility_change_no_bill() -> None:
    said = {
        "label": "539f6a06ec4f024411ec8bdd",
        "startdate": 1388534400,
        "is_default": True,
        "approved": True,
        "utility": "A Utility",
        "eiaid": 4226,
        "uri": "https://apps.openei.org/USURDB/rate/view/539f6a06ec4f024411ec8bdd",
        "voltagecategory": "Secondary",
        "phasewiring": "Single Phase",
        "peakkwcapacitymax": 10.0,
        "usenetmetering": True,
        "fixedchargeeaaddl": 3.0,
        "supersedes": "539f6a06ec4f024411ec8bdc",
        "basicinformationcomments": "Riders of 0.3 cents are in the rates.",
        "energycomments": "Tier 1 to 500 kWh",
        "energyattrs": [{"Rider": "see the tariff sheet"}],
        "demandunits": "kW",
        "demandwindow": 15,
    }
    assert bill_of(urdb(**said)) == bill_of(urdb())


def test_a_charge_beside_the_tariff_is_refused() -> None:
    beside = {"items": [urdb()], "fixedmonthlycharge": 3.0}
    with pytest.raises(TariffError, match='fixedmonthlycharge is beside "items"'):
        URDBv7_to_ElectricityRates(beside, "t")


def test_an_unknown_part_of_a_tier_is_refused() -> None:
    tier = {"rate": 0.1, "surcharge": 0.02}
    with pytest.raises(TariffError, match=r"surcharge is 0\.02 in a tier of energyratestructure"):
        URDBv7_to_ElectricityRates(urdb(energyratestructure=[[tier]]), "t")


def test_a_demand_window_other_than_an_hour_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        URDBv7_to_ElectricityRates(urdb(**DEMAND, demandwindow=60), "t")
        assert caplog.text == ""
        URDBv7_to_ElectricityRates(urdb(**DEMAND, demandwindow=15), "t")
    assert "demand is billed by the hour, demandwindow says 15 minutes" in caplog.text


values = st.recursive(
    st.floats(0.001, 1e6) | st.integers(1, 99) | st.just(True) | st.sampled_from(["on", "0.3"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=4,
).filter(lambda value: value not in ({}, []))
names = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=30)


@given(names | st.sampled_from(["ur_charge", "energyrate", "fixedcharge", "rates"]), values)
def test_no_field_that_says_something_is_passed_over(field: str, value: object) -> None:
    if field in BILLED.keys() | URDB.keys() or field.endswith("comments"):
        return
    if json.dumps(value).count("{}") or json.dumps(value).count("[]"):
        return
    with pytest.raises(TariffError, match=field):
        URDBv7_to_ElectricityRates(urdb(**{field: value}), "t")


# Units of demand


@pytest.mark.parametrize("unit", ["kVA", "hp", "kVA daily", "MW"])
@pytest.mark.parametrize("field", ["flatdemandunit", "demandunits"])
def test_demand_in_another_unit_than_kw_is_refused(field: str, unit: str) -> None:
    with pytest.raises(TariffError, match=f"{field} is '{unit}', only kW and kW daily"):
        URDBv7_to_ElectricityRates(urdb(**DEMAND, **{field: unit}), "t")


def test_two_units_of_one_charge_are_refused() -> None:
    units = {"flatdemandunit": "kW", "demandunits": "kW daily"}
    with pytest.raises(TariffError, match="flatdemandunit is 'kW' but demandunits is 'kW daily'"):
        URDBv7_to_ElectricityRates(urdb(**DEMAND, **units), "t")


def test_a_unit_without_a_price_does_not_matter() -> None:
    free = {"flatdemandstructure": [[{"rate": 0.0}]], "flatdemandmonths": [0] * 12}
    assert bill_of(urdb(**free, flatdemandunit="kVA")) == bill_of(urdb())


# Old names


def test_old_names_of_charges_are_the_charges() -> None:
    old = urdb(
        fixedchargefirstmeter=..., fixedchargeunits=..., fixedmonthlycharge=7.0, minmonthlycharge=30
    )
    assert bill_of(old) == [30.0] * 12  # 7 + 0.1 x 100 is 17
    assert bill_of(urdb(minmonthlycharge=16.0)) == [16.0] * 12
    annual = bill_of(urdb(annualmincharge=200.0))
    assert annual == pytest.approx([15.0] * 11 + [15.0 + 200.0 - 12 * 15.0])
    both = URDBv7_to_ElectricityRates(urdb(minmonthlycharge=16.0, annualmincharge=200.0), "t")
    assert (both["ur_monthly_min_charge"], both["ur_annual_min_charge"]) == (16.0, 200.0)


def test_a_charge_under_both_its_names_is_charged_once() -> None:
    assert bill_of(urdb(fixedmonthlycharge=5.0)) == bill_of(urdb())
    assert bill_of(urdb(fixedmonthlycharge=0.0)) == bill_of(urdb())
    twice = "has fixedchargefirstmeter 5 [$] and fixedmonthlycharge 6 [$] for one charge"
    with pytest.raises(TariffError, match=twice):
        URDBv7_to_ElectricityRates(urdb(fixedmonthlycharge=6.0), "t")


@pytest.mark.parametrize("field", ["fixedmonthlycharge", "minmonthlycharge", "annualmincharge"])
def test_an_old_charge_that_is_no_number_is_refused(field: str) -> None:
    with pytest.raises(TariffError, match=f"{field} is 'ten', expected dollars"):
        URDBv7_to_ElectricityRates(urdb(**{field: "ten"}), "t")


# Fuel adjustments

FUEL = [0.01 * month for month in range(12)]


def test_a_months_fuel_adjustment_is_added_to_its_rates() -> None:
    bills = bill_of(urdb(fueladjustmentsmonthly=FUEL))
    assert bills == pytest.approx([5.0 + (0.1 + added) * 100.0 for added in FUEL])


@pytest.mark.parametrize(
    "fuel", [[0.01] * 11, [0.01] * 11 + ["x"], 0.01, [float("nan")] * 12], ids=str
)
def test_fuel_adjustments_that_are_not_of_twelve_months_are_refused(fuel: object) -> None:
    with pytest.raises(TariffError, match=r"fueladjustmentsmonthly is .* of the 12 months"):
        URDBv7_to_ElectricityRates(urdb(fueladjustmentsmonthly=fuel), "t")


def test_calibration_leaves_the_fuel_adjustment_and_meets_the_requirement() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(fueladjustmentsmonthly=FUEL), "t")
    mapping = precalc_period_mapping({"t": tariff})
    weight = pd.Series([10.0], index=[1])
    final = calibrated_tariffs({"t": used()}, {"t": tariff}, mapping, 5000.0, weight)["t"]
    # 10 customers: 5000 = 10 x (12 x 5 + 1200 rate + 100 x sum of adjustments).
    rate = (500.0 - 60.0 - 100.0 * sum(FUEL)) / 1200.0
    assert final["ur_ec_tou_mat"][0][4] == pytest.approx(rate)
    assert final["fueladjustmentsmonthly"] == FUEL
    assert monthly_bills(used(), parse_tariff("t", final)).sum() == pytest.approx(500.0)


def test_calibration_of_net_metering_counts_the_adjustment_of_exports() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(fueladjustmentsmonthly=FUEL), "t")
    use = CustomerUse(np.array([1]), np.full((1, 12, 1, 1), 100.0), exports=np.full((1, 12, 1), 40))
    sell = _return_export_compensation_rate(2018, "net_metering", None, {"t": tariff})
    mapping = precalc_period_mapping({"t": tariff})
    final = calibrated_tariffs(
        {"t": use}, {"t": tariff}, mapping, 300.0, pd.Series([1.0], index=[1]), sell, "net_metering"
    )["t"]
    bills = monthly_bills(use, parse_tariff("t", final), np.ones((1, 1)), "net_metering")
    assert bills.sum() == pytest.approx(300.0)
    rate = (300.0 - 60.0 - 60.0 * sum(FUEL)) / 720.0
    assert final["ur_ec_tou_mat"][0][4] == pytest.approx(rate)


def test_a_response_to_prices_that_differ_within_a_season_is_refused() -> None:
    table = parse_tariff("t", URDBv7_to_ElectricityRates(urdb(fueladjustmentsmonthly=FUEL), "t"))
    with pytest.raises(TariffError, match="tariff t has fuel adjustments by month"):
        response_plan(table, Elasticity(-0.1), 2018)


def test_a_report_says_what_else_a_bill_is_made_of() -> None:
    tariff = sam(**SAM_DEMAND, **RATCHET, fueladjustmentsmonthly=FUEL)
    page = in_words(parse_tariff("t", tariff), Exports())
    assert "fuel adjustment [$/kWh]" in page and "Dec 0.110000" in page
    assert "demand billed is at least 4 kW, or shares of the peaks of 11 months before" in page


def test_a_gas_tariffs_fuel_adjustment_is_per_therm_too() -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(fueladjustmentsmonthly=FUEL), "t")
    per_therm = parse_tariff("t", in_therms(tariff)).fuel_adjustment
    np.testing.assert_allclose(per_therm, np.array(FUEL) / 0.0341214116)


# PySAM-style tariffs

REFUSED_INPUTS: dict[str, dict[str, Any]] = {
    "buy rates by time step": {"ur_en_ts_buy_rate": 1, "ur_ts_buy_rate": [0.5] * 8760},
    "buy rates without a switch": {"ur_ts_buy_rate": [0.5] * 8760},
    "sell rates by time step": {"ur_en_ts_sell_rate": 1.0},
    "sell rates without a switch": {"ur_ts_sell_rate": np.full(8760, 0.5)},
    "sell as buy": {"ur_sell_eq_buy": 1},
    "single peak": SAM_DEMAND | {"TOU_demand_single_peak": 1},
    "billing demand without a switch": SAM_DEMAND | {"ur_billing_demand_minimum": 3.0},
    "a charge of URDB": {"fixedmonthlycharge": 9.0},
    "an unknown input": {"ur_facility_charge": 3},
    "an unknown text": {"ur_rider": "0.3 cents"},
    "an unknown number": {"surcharge": 0.02},
    "switched off": {"en_electricity_rates": 0},
}


@pytest.mark.parametrize("inputs", REFUSED_INPUTS.values(), ids=REFUSED_INPUTS)
def test_an_input_of_sam_that_is_not_modelled_is_refused(inputs: dict[str, Any]) -> None:
    names = "|".join(set(inputs) - set(SAM_DEMAND))
    with pytest.raises(TariffError, match=f"^tariff t: ({names}) is ") as caught:
        parse_tariff("t", sam(**inputs))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_what_sam_itself_leaves_unused_is_no_charge() -> None:
    off = {
        "ur_en_ts_buy_rate": 0,
        "ur_ts_buy_rate": [0.5] * 8760,
        "ur_dc_enable": 0,
        "TOU_demand_single_peak": 1,
        "ur_enable_billing_demand": 0,
        "ur_billing_demand_minimum": 3.0,
        "rate_escalation": [2.5],
        "load": [1.0] * 8760,
        "number_inputs": 44,
        "name": "a label",
    }
    plain, given_more = parse_tariff("t", sam()), parse_tariff("t", sam(**off))
    use = used()
    assert (monthly_bills(use, plain) == monthly_bills(use, given_more)).all()


@pytest.mark.parametrize("model", ["PVWattsResidential", "PVWattsCommercial"])
def test_sams_own_default_tariffs_are_read(model: str) -> None:
    utilityrate5 = pytest.importorskip("PySAM.Utilityrate5")
    defaults = utilityrate5.default(model)
    rates = defaults.ElectricityRates.export()
    assert parse_tariff("t", rates).monthly_fixed in (10.0, 30.0)


def test_demand_prices_without_their_switch_are_refused() -> None:
    inputs = {name: value for name, value in SAM_DEMAND.items() if name != "ur_dc_enable"}
    with pytest.raises(TariffError, match="tariff t: has demand prices but no ur_dc_enable"):
        parse_tariff("t", sam(**inputs))
    assert parse_tariff("t", sam(**inputs, ur_dc_enable=0)).demand is None
    free = inputs | {"ur_dc_flat_mat": [[month, 1, 1e38, 0.0] for month in range(12)]}
    assert parse_tariff("t", sam(**free)).demand is None


BAD_TERMS = {
    "minimum": {"ur_billing_demand_minimum": -1.0},
    "look-back": {"ur_billing_demand_lookback_period": 13},
    "no look-back": {"ur_billing_demand_lookback_period": None},
    "percentages": {"ur_billing_demand_lookback_percentages": [[80, 1]] * 11},
    "percentages of text": {"ur_billing_demand_lookback_percentages": [["a", 1]] * 12},
    "periods": {"ur_dc_billing_demand_periods": [[2, 1]]},
    "no period on": {"ur_dc_billing_demand_periods": [[1, 0]]},
}


@pytest.mark.parametrize("terms", BAD_TERMS.values(), ids=BAD_TERMS)
def test_terms_of_billing_demand_that_are_not_sound_are_refused(terms: dict[str, Any]) -> None:
    (name,) = terms
    with pytest.raises(TariffError, match=f"tariff t: {name}"):
        parse_tariff("t", sam(**(SAM_DEMAND | RATCHET | terms)))


@pytest.mark.parametrize("charged", [0, 1])
def test_tier_limits_per_kw_of_billing_demand_are_refused(charged: int) -> None:
    rows = [[1, 1, 50, 1, 0.1, 0], [1, 2, 1e38, 1, 0.2, 0]]
    terms = SAM_DEMAND | RATCHET | {"ur_dc_enable": charged}
    with pytest.raises(TariffError, match="per kW of a billing demand are not modelled"):
        parse_tariff("t", sam(**terms) | {"ur_ec_tou_mat": rows})


def test_billing_demand_has_no_room_in_urdb() -> None:
    with pytest.raises(TariffError, match=r"billing demand .* URDB has no room"):
        ElectricityRates_to_URDB(sam(**SAM_DEMAND, **RATCHET), "t")


# Real files


def test_every_real_tariff_is_still_read(real_data: Path) -> None:
    files = {
        str(path): path
        for path in real_data.rglob("*.json")
        if "energyratestructure" in path.read_text()
    }
    assert len(files) >= 10
    assert set(get_default_tariff_structures(files, files)) == set(files)
