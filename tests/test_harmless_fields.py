"""Fields of tariffs that are left out of bills: each with the reason why, and SAM leaves it out.

A field that the package passes over without a reason in `tariff_field_lists` fails, and so does one
that has a reason and is not. What SAM reads of a URDB tariff is what PySAM's
`URDBv8_to_ElectricityRates` does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cairo.errors import TariffError
from cairo.files import urdb_fields
from cairo.files.urdb import URDBv7_to_ElectricityRates
from cairo.files.urdb_fields import HARMLESS
from cairo.model.tariff import parse_tariff
from cairo.model.tariff_fields import HARMLESS_INPUTS
from tests.pysam_bills import (
    ALWAYS,
    EVENING,
    HOURS,
    MONDAY_YEAR,
    NET_BILLING,
    assert_same,
    billed,
    homes,
    hourly_frame,
    our_bills,
    sam_bill,
    sam_tariff,
    structure,
    sun,
    urdb,
)
from tests.tariff_field_lists import BILLED, ONE_CUSTOMERS, SAM, URDB
from tests.test_tariff_fuzz import BASES


def test_every_field_that_is_passed_over_has_its_reason_and_no_other_is() -> None:
    assert set(URDB) == HARMLESS
    assert set(BILLED) == urdb_fields.BILLED
    assert set(SAM) | set(ONE_CUSTOMERS) == HARMLESS_INPUTS
    assert all(reason for _, reason in (URDB | SAM | ONE_CUSTOMERS).values())


CHARGED = urdb(
    structure([(0.1, 200.0), (0.2, None)], [(0.3, 200.0), (0.4, None)], sell=0.05),
    EVENING,
    ALWAYS,
    mincharge=20.0,
    minchargeunits="$/month",
    demandratestructure=structure([(2.0, None)], [(6.0, None)], unit="kW"),
    demandweekdayschedule=EVENING,
    demandweekendschedule=ALWAYS,
    flatdemandstructure=structure([(5.0, None)], unit="kW"),
    flatdemandmonths=[0] * 12,
)
"""A tariff with a charge of every kind, so that a field that changed one would be seen."""


def one_home() -> pd.DataFrame:
    use = homes()[:1]
    return hourly_frame(MONDAY_YEAR, load_data=use, pv_generation=0 * use, electricity_net=use)


RATCHETS = {
    "lookbackrange": {"lookbackpercent": 0.8},
    "lookbackmonths": {"lookbackpercent": 0.8},
    "ur_enable_billing_demand": {name: BILLED[name] for name in BILLED if "billing_demand" in name},
}
"""Fields that say nothing alone, and what they stand beside."""
FLAT = {name: value for name, value in CHARGED.items() if not name.startswith("demand")}


@pytest.mark.parametrize("field", BILLED)
def test_a_field_that_is_billed_changes_the_tariff_or_is_refused(field: str) -> None:
    beside = RATCHETS.get(field, {})
    base = FLAT | {"flatdemandunit": "kW"} if beside else CHARGED
    if field == "ur_enable_billing_demand":
        beside = beside | {"ur_dc_billing_demand_periods": [[1, 1]]}
    try:
        changed = URDBv7_to_ElectricityRates(base | beside | {field: BILLED[field]}, "t")
        table = parse_tariff("t", changed)
    except TariffError as error:
        assert not beside and field in str(error)
        return
    assert changed != URDBv7_to_ElectricityRates(base, "t")
    assert not beside or table.demand.billing is not None


@pytest.mark.parametrize("field", URDB)
def test_sam_reads_nothing_of_a_field_that_is_passed_over(field: str) -> None:
    value, _ = URDB[field]
    assert sam_tariff(CHARGED | {field: value}) == sam_tariff(CHARGED)
    ours = URDBv7_to_ElectricityRates(CHARGED, "t")
    with_it = URDBv7_to_ElectricityRates(CHARGED | {field: value}, "t")
    assert {name: with_it[name] for name in ours} == ours
    assert set(with_it) - set(ours) <= {field}


def test_bills_with_all_of_these_fields_are_those_without_any() -> None:
    everything = CHARGED | {field: value for field, (value, _) in URDB.items()}
    use, made = homes()[:2], sun(0.9)[:2]
    style = {"style": "net_billing", "tier_rule": "month"}
    assert_same(our_bills(everything, use, made, **style), our_bills(CHARGED, use, made, **style))
    sams = [
        sam_bill(sam_tariff(item), use[0], made[0], ur_metering_option=NET_BILLING)
        for item in (everything, CHARGED)
    ]
    assert_same(*sams)


@pytest.mark.parametrize("pv", [False, True])
@pytest.mark.parametrize("name", SAM)
def test_sam_bills_the_first_year_alike_with_an_input_that_is_passed_over(
    name: str, pv: bool
) -> None:
    value, _ = SAM[name]
    use, made = homes()[0], sun(0.9)[0] if pv else np.zeros(HOURS)
    rates = sam_tariff(CHARGED)
    for option in (0, NET_BILLING):
        was = sam_bill(rates, use, made, ur_metering_option=option)
        assert_same(sam_bill(rates, use, made, ur_metering_option=option, **{name: value}), was)


@pytest.mark.parametrize("name", [*SAM, *ONE_CUSTOMERS])
def test_our_bills_are_alike_with_an_input_that_is_passed_over(name: str) -> None:
    value, _ = (SAM | ONE_CUSTOMERS)[name]
    tariff = URDBv7_to_ElectricityRates(CHARGED, "t")
    assert_same(*(billed(tariff | more, one_home()) for more in ({name: value}, {})))


def test_hours_without_a_grid_are_no_part_of_a_tariff() -> None:
    rates, use, made = sam_tariff(CHARGED), homes()[0], sun(0.9)[0]
    out = [1.0] * HOURS
    assert (
        np.abs(sam_bill(rates, use, made, grid_outage=out) - sam_bill(rates, use, made)).max() > 1
    )
    tariff = URDBv7_to_ElectricityRates(CHARGED, "t")
    with pytest.raises(TariffError, match="tariff t: grid_outage is "):
        parse_tariff("t", tariff | {"grid_outage": out})
    assert parse_tariff("t", tariff | {"grid_outage": [0.0] * HOURS}).monthly_fixed == 7.5


# Fields that SAM cannot bill without

NEEDED = {
    "energyratestructure",
    "energyweekdayschedule",
    "energyweekendschedule",
    "minchargeunits",
    "demandweekdayschedule",
    "demandweekendschedule",
    "flatdemandstructure",
}


def fails(rates: dict[str, Any] | None) -> bool:
    try:
        sam_bill(rates or {}, homes()[0])
    except Exception:
        return True
    return False


def converted(item: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return sam_tariff(item)
    except Exception:
        return None


@pytest.mark.parametrize("field", sorted(set(CHARGED)))
def test_a_tariff_that_sam_cannot_bill_without_a_field_is_refused(field: str) -> None:
    rest = {name: value for name, value in CHARGED.items() if name != field}
    assert fails(converted(rest)) == (field in NEEDED)
    if field in NEEDED:
        with pytest.raises(TariffError, match=f"tariff t: {field} is ") as caught:
            URDBv7_to_ElectricityRates(rest, "t")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", sorted(NEEDED))
def test_a_needed_field_is_missed_in_every_tariff_that_has_it(field: str) -> None:
    having = [base for base in BASES if field in base]
    assert having
    for base in having:
        rest = {name: value for name, value in base.items() if name != field}
        with pytest.raises(TariffError, match=f"tariff t: {field} is "):
            URDBv7_to_ElectricityRates(rest, "t")


FREE_WHEN_ABSENT = {"ur_dc_flat_mat"}
"""SAM wants a row of 0 $/kW for what is not charged; here it may be left out: docs/pysam.md."""


def test_a_dict_that_sam_cannot_bill_without_an_input_is_refused() -> None:
    rates = sam_tariff(CHARGED)
    frame = one_home()
    found = set()
    for name in rates:
        rest = {key: value for key, value in rates.items() if key != name}
        if not fails(rest):
            continue
        found.add(name)
        if name in FREE_WHEN_ABSENT:
            zero = [[month, 1, 1e38, 0.0] for month in range(12)]
            assert_same(billed(rest, frame), billed(rest | {name: zero}, frame))
        else:
            with pytest.raises(TariffError, match=r"^tariff t: "):
                billed(rest, frame)
    tables = ("ur_ec_tou_mat", "ur_dc_tou_mat", "ur_dc_flat_mat")
    schedules = (f"ur_{kind}_sched_week{day}" for kind in ("ec", "dc") for day in ("day", "end"))
    assert found == {*tables, *schedules}


def test_demand_that_is_charged_without_any_price_is_refused() -> None:
    both = ("ur_dc_tou_mat", "ur_dc_flat_mat")
    rest = {key: value for key, value in sam_tariff(CHARGED).items() if key not in both}
    for more in ({}, dict.fromkeys(("ur_dc_sched_weekday", "ur_dc_sched_weekend"))):
        with pytest.raises(TariffError, match="no ur_dc_tou_mat"):
            parse_tariff("t", rest | more)
