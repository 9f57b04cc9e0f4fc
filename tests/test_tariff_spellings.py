"""Charges that are not modelled, as other inputs spell them: none is passed over."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from cairo.errors import TariffError
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.model.export_compensation import _return_export_compensation_rate
from cairo.model.tariff import parse_tariff
from tests.test_tariff_fields import ALWAYS, DEMAND, RATCHET, SAM_DEMAND, bill_of, sam, urdb

BY_TIME = {
    "demandratestructure": [[{"rate": 5.0}]],
    "demandweekdayschedule": ALWAYS,
    "demandweekendschedule": ALWAYS,
}


def tier(**parts: Any) -> dict[str, Any]:
    return {"energyratestructure": [[{"rate": 0.1} | parts]]}


URDB: dict[str, list[dict[str, Any]]] = {
    "prices by time step": [
        {"ur_ts_buy_rate": [0.5] * 8760},
        {"ur_en_ts_buy_rate": 1},
        {"ur_en_ts_sell_rate": "yes"},
        {"ur_sell_eq_buy": True},
        {"hourlyprices": np.full(8760, 0.1).tolist()},
    ],
    "billing demand": [
        DEMAND | {"ur_billing_demand_minimum": 3.0},
        DEMAND | {"lookbackPercent": 0.8, "lookbackRange": 11},
        DEMAND | {"demandratchetpercentage": "0.8"},
        DEMAND | {"demandratchetpercentage": [0.8] * 12},
        DEMAND | {"minimumdemand": 5},
        DEMAND | {"ur_enable_billing_demand": 1},
    ],
    "units of demand": [
        DEMAND | {"flatdemandunit": "KVA"},
        DEMAND | {"flatdemandunit": "horsepower"},
        DEMAND | {"demandunits": "hp daily"},
        DEMAND | {"flatdemandunit": "kW/day"},
        DEMAND | {"flatdemandunit": 3},
        DEMAND | {"flatdemandunits": "kVA"},
        DEMAND | {"demandrateunit": "kVA"},
        BY_TIME | {"demandrateunit": "kVA"},
        BY_TIME | {"demandunits": "W"},
        BY_TIME | {"flatdemandunit": "hp"},
        BY_TIME | {"demandratestructure": [[{"rate": 5.0, "unit": "hp"}]]},
    ],
    "old and other names": [
        {"customercharge": 7},
        {"fixedcharge": 7},
        {"minimumcharge": 9},
        {"monthlyminimumcharge": 5},
        {"fixedmonthlycharge": "7.5"},
        {"fixedmonthlycharge": True},
        {"minmonthlycharge": [5.0] * 12},
        {"fixedchargeunits": "$/meter"},
        {"mincharge": 5.0, "minchargeunits": "$/kW"},
    ],
    "fuel adjustments": [
        {"fueladjustments": 0.01},
        {"fueladjustmentmonthly": [0.01] * 12},
        {"fueladjustmentsmonthly": {"Jan": 0.01}},
        {"fueladjustmentsmonthly": ["0.01"] * 12},
    ],
    "reactive power": [
        {"demandreactivepowercharge": "0.4"},
        {"demandreactivepowercharge": [0.4]},
        {"reactivepowercharge": 0.4},
        {"kvarcharge": 0.1},
        {"powerfactorpenalty": {"below": 0.9}},
    ],
    "single peak": [
        BY_TIME | {"TOU_demand_single_peak": 1},
        BY_TIME | {"tou_demand_single_peak": True},
        BY_TIME | {"singlepeak": "on"},
    ],
    "coincident demand": [
        {"coincidentratestructure": [[{"rate": 3.0}]], "coincidentrateunit": "kW"},
        {"coincidentratestructure": [[{"rate": 0.0, "adj": 3.0}]]},
        {"coincidentpeakcharge": 3},
    ],
    "parts of a tier": [
        tier(surcharge="0.1"),
        tier(adjustment=0.1),
        tier(min=50),
        tier(Adj=0.1),
    ],
    "schedules": [
        {"energyweekday": [[0] * 24] * 12},
        {"energyholidayschedule": [[0] * 24] * 12},
        {"energyholidayschedule": [[1] * 24] * 12},
    ],
}
SAM: dict[str, list[dict[str, Any]]] = {
    "prices by time step": [
        {"ur_en_ts_buy_rate": True, "ur_ts_buy_rate": np.full(8760, 0.3)},
        {"ur_en_ts_sell_rate": "1", "ur_ts_sell_rate": [[0.2]]},
        {"ur_en_ts_buy_rate": False, "ur_ts_sell_rate": [0.5] * 8760},
        {"ur_en_ts_buy_rate": 1.0},
    ],
    "billing demand": [
        SAM_DEMAND | {"ur_billing_demand_lookback_period": 11},
        SAM_DEMAND | {"ur_dc_billing_demand_periods": [[1, 1]]},
        SAM_DEMAND | {"ur_billing_demand_lookback_percentages": [[80, 0]] * 12},
    ],
    "single peak": [
        SAM_DEMAND | {"TOU_demand_single_peak": True},
        SAM_DEMAND | {"TOU_demand_single_peak": "1"},
        SAM_DEMAND | {"tou_demand_single_peak": 1.0},
    ],
    "other names": [
        {"ur_monthly_fixed_charges": 9},
        {"UR_MONTHLY_FIXED_CHARGE": 9},
        {"fixed_charge": 9},
        {"ur_annual_min_charge": "9"},
        {"ur_monthly_fixed_charge": True},
        {"surcharge": "0.02"},
        {"surcharge": "$3"},
        {"discount": "5 %"},
        {"Tier_Rule": "month"},
        {"tier_rule": "Month"},
        {"Net_Metering_Rollover": "true"},
    ],
}


def each(kinds: dict[str, list[dict[str, Any]]]) -> list[Any]:
    return [
        pytest.param(case, id=f"{kind} {place}")
        for kind, cases in kinds.items()
        for place, case in enumerate(cases)
    ]


@pytest.mark.parametrize("fields", each(URDB))
def test_no_spelling_of_a_urdb_charge_is_passed_over(fields: dict[str, Any]) -> None:
    with pytest.raises(TariffError, match=r"^tariff t: ") as caught:
        URDBv7_to_ElectricityRates(urdb(**fields), "t")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("inputs", each(SAM))
def test_no_spelling_of_an_input_of_sam_is_passed_over(inputs: dict[str, Any]) -> None:
    with pytest.raises(TariffError, match=r"^tariff t: ") as caught:
        parse_tariff("t", sam(**inputs))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("on", [True, "1", "yes", 1.0])
def test_a_switch_is_on_in_every_spelling(on: object) -> None:
    table = parse_tariff("t", sam(**(SAM_DEMAND | RATCHET | {"ur_enable_billing_demand": on})))
    assert table.demand is not None and table.demand.billing is not None
    table = parse_tariff("t", sam(**(SAM_DEMAND | {"ur_dc_enable": on})))
    assert table.demand is not None


@pytest.mark.parametrize("unit", ["kW", "KW", " kw ", "kW  Daily"])
def test_the_units_that_are_billed_are_so_in_every_spelling(unit: str) -> None:
    found = URDBv7_to_ElectricityRates(urdb(**DEMAND, flatdemandunit=unit), "t")
    daily = "daily" in unit.lower()
    assert found["ur_dc_flat_mat"][0] == [0, 1, 1e38, 5.0 * (31 if daily else 1)]


def test_a_label_that_is_a_number_is_none() -> None:
    labels = {"zipcode": "05401", "eiaid": "4226", "name": "17", "note": "two parts"}
    assert parse_tariff("t", sam(**labels)).monthly_fixed == 0.0


def test_units_of_demand_that_is_not_charged_do_not_matter() -> None:
    assert bill_of(urdb(demandrateunit="kVA", flatdemandunit="hp")) == bill_of(urdb())


def test_net_billing_that_carries_dollars_is_named(caplog: pytest.LogCaptureFixture) -> None:
    tariff = URDBv7_to_ElectricityRates(urdb(dgrules="Net Billing Hourly"), "t")
    with caplog.at_level(logging.WARNING):
        _return_export_compensation_rate(2018, "net_billing", 0.5, {"t": tariff})
    assert "tariff t: dgrules Net Billing Hourly" in caplog.text
