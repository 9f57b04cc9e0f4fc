"""Fields of tariffs added, removed, renamed and changed: what SAM bills is billed, or told.

The claim of every test here: after a change the bill is SAM's, to a cent a month, or the tariff is
refused, or a warning names the field. Where SAM does not know the field, one that holds money, a
share or a switch is refused, or the bill is that of the charge it stands for.
"""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairo.errors import CairoError
from cairo.rates_tool.lookups import HOURS, NET_LOAD
from tests.pysam_bills import (
    ALWAYS,
    EVENING,
    MONDAY_YEAR,
    NET_BILLING,
    billed,
    homes,
    hourly_frame,
    our_bills,
    sam_bill,
    sam_bills,
    sam_tariff,
    structure,
    sun,
    urdb,
    utilityrate5,
)
from tests.tariff_field_lists import BILLED, URDB
from tests.test_pysam_yardstick import PER_MONTH, TARIFFS, real_tariffs

CENT = 0.01
HOME = homes()[:2]
SAMS_TIERS = {"tier_rule": "month"}
LABELS: dict[str, Any] = {
    "label": "539f6a06ec4f024411ec8bdd",
    "utility": "A Utility",
    "sector": "Residential",
    "startdate": 1388534400,
    "is_default": True,
    "usenetmetering": True,
    "phasewiring": "Single Phase",
    "peakkwcapacitymax": 10.0,
    "energycomments": "Riders of 0.3 cents are in the rates.",
    "demandwindow": 60,
    "fixedchargeeaaddl": 3.0,
    "dgrules": "Net Metering",
}
FIELDS_OF_URDB = (
    *LABELS, "energyratestructure", "energyweekdayschedule", "energyweekendschedule", "mincharge",
    "minchargeunits", "fixedchargefirstmeter", "fixedchargeunits", "fixedmonthlycharge",
    "minmonthlycharge", "annualmincharge", "fueladjustmentsmonthly", "demandratestructure",
    "demandweekdayschedule", "demandweekendschedule", "demandrateunit", "demandunits",
    "demandratchetpercentage", "demandreactivepowercharge", "demandattrs", "demandcomments",
    "flatdemandstructure", "flatdemandmonths", "flatdemandunit", "coincidentratestructure",
    "coincidentrateschedule", "coincidentrateunit", "lookbackpercent", "lookbackrange",
    "lookbackmonths", "energyattrs", "fixedattrs", "voltagecategory", "peakkwusagehistory",
    "tier_rule", "net_metering_rollover", "ur_metering_option", "ur_nm_yearend_sell_rate",
    "ur_enable_billing_demand", "TOU_demand_single_peak", "ur_en_ts_buy_rate", "ur_ts_sell_rate",
)  # fmt: skip
"""Versions 3 to 8, and inputs of SAM."""
REMARKS = ("energyattrs", "demandattrs", "fixedattrs")
"""Free text, unless there is a number in it."""


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= CENT)


def sams(item: dict[str, Any], **options: object) -> np.ndarray | None:
    """SAM's bills of an item by its own conversion; None when one of them fails on it."""
    try:
        return sam_bills(item, HOME, **options)
    except Exception:
        return None


def assert_told(
    before: dict[str, Any], after: dict[str, Any], changed: set[str], log: pytest.LogCaptureFixture
) -> None:
    """The claim, of a change of some fields; names of fields are looked for in what is said."""
    __tracebackhide__ = True
    log.clear()
    with log.at_level(logging.WARNING):
        try:
            ours = our_bills(after, HOME, **SAMS_TIERS)
        except CairoError as error:
            assert "\n" not in str(error) and str(error).startswith("tariff t")
            return
    if any(name in log.text for name in changed):
        return
    was, now = sams(before), sams(after)
    if was is not None and now is not None and not same(was, now):
        # A charge below zero is paid by us, and by SAM under net billing alone: docs/pysam.md.
        other = sams(after, ur_metering_option=NET_BILLING)
        followed = same(ours, now) or (other is not None and same(ours, other))
        assert followed, f"SAM's bills change with {changed}, ours do not follow"
    elif now is not None and not same(ours, our_bills(before, HOME, **SAMS_TIERS)):
        # Ours may change where SAM does not know the field: never where nobody bills it.
        assert changed & BILLED.keys(), f"bills change with {changed}, which SAM does not bill"
    else:
        silent = {
            name
            for name in changed & set(after)
            if name not in BILLED.keys() | URDB.keys()
            and not name.endswith("comments")
            and not (name in REMARKS and not any(map(str.isdigit, str(after[name]))))
            and holds(after[name])
        }
        assert not silent, f"{silent} is passed over"


def holds(value: object) -> bool:
    """Whether a value is money, a share or a switch that is on, or has one in it."""
    if isinstance(value, dict):
        return any(map(holds, value.values()))
    if isinstance(value, list):
        return any(map(holds, value))
    if isinstance(value, str):
        return value.strip().lower() not in ("", "na", "n/a", "none", "null", "0", "0.0", "nan",
                                             "false", "no", "off")  # fmt: skip
    return value is not None and value != 0


BASES = [LABELS | one for one in TARIFFS.values()]
BASES.append(
    LABELS
    | urdb(
        structure([(0.1, None)], [(0.3, None)]),
        EVENING,
        ALWAYS,
        flatdemandstructure=structure([(5.0, None)], unit="kW"),
        flatdemandmonths=[0] * 12,
        fixedchargefirstmeter=0.4,
        fixedchargeunits="$/day",
    )
)
bases = st.sampled_from(range(len(BASES))).map(lambda place: copy.deepcopy(BASES[place]))
amounts = st.sampled_from([0.5, 3, 7.25, 40.0, 0.8, 11, 1])
values = st.one_of(
    amounts,
    st.just(True),
    st.sampled_from(["on", "0.3", "kVA", "$/day", "NA", ""]),
    amounts.map(lambda amount: [amount] * 12),
    amounts.map(lambda amount: [[{"rate": amount}]]),
    amounts.map(lambda amount: [{"charge": amount}]),
    st.just([[0] * 24] * 12),
)
spellings = st.one_of(
    st.sampled_from(FIELDS_OF_URDB),
    st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=3, max_size=20),
)
UNITS = ["$/day", "$/month", "$/year"]
meant = st.one_of(
    st.tuples(st.sampled_from(["fixedchargeunits", "minchargeunits"]), st.sampled_from(UNITS)),
    st.tuples(st.sampled_from(["fixedchargefirstmeter", "mincharge"]), amounts),
    st.tuples(st.just("flatdemandmonths"), st.lists(st.integers(0, 1), min_size=12, max_size=12)),
    st.tuples(st.just("lookbackpercent"), amounts),
    st.tuples(
        st.sampled_from(
            ["energyweekdayschedule", "energyweekendschedule", "demandweekdayschedule"]
        ),
        st.sampled_from([ALWAYS, EVENING]),
    ),
)
"""Fields and values that tariffs have."""
fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def respelled(draw: st.DrawFn, name: str) -> str:
    """Another spelling of a field's name."""
    how = draw(st.sampled_from(["upper", "title", "plural", "underscore", "cut", "other"]))
    changed = {
        "upper": name.upper(),
        "title": name.title(),
        "plural": f"{name}s",
        "underscore": f"{name[:5]}_{name[5:]}",
        "cut": name[:-1],
    }.get(how)
    return draw(spellings) if changed is None else changed


@fuzzed
@given(bases, meant | st.tuples(spellings, values))
def test_an_added_or_changed_field_is_billed_or_told(
    caplog: pytest.LogCaptureFixture, base: dict[str, Any], drawn: tuple[str, object]
) -> None:
    name, value = drawn
    assert_told(base, base | {name: value}, {name}, caplog)


@fuzzed
@given(st.data(), bases)
def test_a_removed_field_is_billed_or_told(
    caplog: pytest.LogCaptureFixture, data: st.DataObject, base: dict[str, Any]
) -> None:
    name = data.draw(st.sampled_from(sorted(base)))
    after = {field: value for field, value in base.items() if field != name}
    assert_told(base, after, {name}, caplog)


@st.composite
def renamed(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    base = draw(bases)
    old = draw(st.sampled_from(sorted(base)))
    new = respelled(draw, old)
    after = {new if field == old else field: value for field, value in base.items()}
    return base, after, {old, new}


@fuzzed
@given(renamed())
def test_a_renamed_field_is_billed_or_told(
    caplog: pytest.LogCaptureFixture,
    drawn: tuple[dict[str, Any], dict[str, Any], set[str]],
) -> None:
    assert_told(*drawn, caplog)


STRUCTURES = ("energyratestructure", "demandratestructure", "flatdemandstructure")


@st.composite
def with_another_tier(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    """A part of one tier added, removed, renamed or changed."""
    base = draw(bases)
    after = copy.deepcopy(base)
    field = draw(st.sampled_from([one for one in STRUCTURES if one in base]))
    tier = draw(st.sampled_from(draw(st.sampled_from(after[field]))))
    part = draw(st.sampled_from(["rate", "adj", "sell", "max", "unit", "surcharge", "Rate"]))
    if draw(st.booleans()) and part in tier:
        value = tier.pop(part)
        if draw(st.booleans()):
            tier[respelled(draw, part)] = value
    else:
        tier[part] = draw(st.sampled_from([0.02, 0.5, 300.0, "kWh daily", "hp", None]))
    return base, after, {field}


@fuzzed
@given(with_another_tier())
def test_another_part_of_a_tier_is_billed_or_told(
    caplog: pytest.LogCaptureFixture,
    drawn: tuple[dict[str, Any], dict[str, Any], set[str]],
) -> None:
    assert_told(*drawn, caplog)


# Inputs of SAM


def sam_inputs() -> list[str]:
    """Every input of a tariff that PySAM has."""
    model = utilityrate5.new()
    names = [name for name in dir(model.ElectricityRates) if not name.startswith("__")]
    return sorted(set(names) - {"assign", "export", "replace"})


WAYS = {
    "net_metering": {"ur_metering_option": 0, "net_metering_rollover": True, "tier_rule": "month"},
    "net_billing": {"ur_metering_option": 2},
}
OF_THE_RUN = {"net_metering": set(), "net_billing": {"ur_metering_option"}}
"""What a run's solar compensation says, whatever the tariff has."""
BY_STEP = {"ur_ts_buy_rate": [0.5] * HOURS, "ur_ts_sell_rate": [0.2] * HOURS}
OFF = {"ur_nm_credit_rollover": 0, "ur_nb_credit_expire": 0, "ur_nb_apply_credit_current_month": 0}
OTHERS = [0, 1, 2, 3, 4, 0.06, 20.0, True, [[80.0, 1]] * 12, [[1, 1]], [[1, 1, 1e38, 0, 0.3, 0.1]]]


@pytest.mark.parametrize("style", WAYS)
@pytest.mark.parametrize("name", sam_inputs())
def test_each_input_of_sam_is_billed_or_told(
    name: str, style: str, caplog: pytest.LogCaptureFixture
) -> None:
    if name in OF_THE_RUN[style]:
        return
    # Sold at the first tier's price in every tier, as here.
    energy = structure([(0.1, None)], sell=0.04) + structure([(0.3, None)], sell=0.09)
    item = urdb(energy, EVENING, mincharge=20.0, minchargeunits="$/month", **PER_MONTH)
    rates = sam_tariff(item) | OFF
    ways = {key: value for key, value in WAYS[style].items() if key.startswith("ur_")}
    if style == "net_billing":
        # Credits against a monthly minimum are another convention: docs/pysam.md.
        rates["ur_monthly_min_charge"] = 0.0
    home, pv = HOME[:1], sun(0.9)[:1]

    def sam(**more: object) -> np.ndarray | None:
        try:
            return sam_bill(rates | ways | BY_STEP | more, home[0], pv[0])
        except Exception:
            return None

    def ours(**more: object) -> np.ndarray:
        tariff = {**rates, **WAYS[style], "ur_en_ts_buy_rate": 0, "ur_en_ts_sell_rate": 0, **more}
        frame = hourly_frame(MONDAY_YEAR, load_data=home, pv_generation=pv, **{NET_LOAD: home - pv})
        return billed(tariff, frame, style)

    was = sam()
    assert was is not None and same(ours(), was)
    for value in BY_STEP.values() if name in BY_STEP else OTHERS:
        caplog.clear()
        now = sam(**{name: value})
        if now is None or same(was, now):
            continue
        with caplog.at_level(logging.WARNING):
            try:
                found = ours(**{name: value})
            except CairoError as error:
                assert "\n" not in str(error)
                continue
        assert same(found, now) or name in caplog.text, f"{name} {value} is passed over"


# Real tariffs


def test_each_field_of_each_real_tariff_removed_and_renamed(
    real_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for file in real_tariffs(real_data, "electric").values():
        base = json.loads(file.read_text())["items"][0]
        for name in base:
            rest = {field: value for field, value in base.items() if field != name}
            assert_told(base, rest, {name}, caplog)
            assert_told(base, rest | {name.upper(): base[name]}, {name, name.upper()}, caplog)
