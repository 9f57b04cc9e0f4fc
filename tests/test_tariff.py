"""Tariff dicts as arrays: every cell, every refusal, and the rewritings."""

import copy
import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import TariffError
from cairo.model.tariff import (
    NO_LIMIT,
    energy_charge_aggregation_method,
    energy_charge_map,
    parse_tariff,
)
from cairo.model.tariff_changes import in_therms, with_energy_rates
from tests.strategies import tariffs

SUMMER = range(5, 9)


def schedule(first=1, second=None, hours=range(17, 21)):
    """12 x 24 of `first`, with `second` in the evening."""
    return [
        [second if second is not None and h in hours else first for h in range(24)]
        for _ in range(12)
    ]


def tariff(**changes):
    """Two periods; the first has two tiers, the second one."""
    return {
        "ur_ec_tou_mat": [
            [1, 1, 500.0, 0, 0.10, 0.01, 0.05],
            [1, 2, 1e38, 0, 0.20, 0.02, 0.06],
            [2, 1, 300.0, 0, 0.30, 0.03, 0.07],
        ],
        "ur_ec_sched_weekday": schedule(1, 2),
        "ur_ec_sched_weekend": schedule(1),
        "ur_monthly_fixed_charge": 11.5,
        "ur_monthly_min_charge": 12.0,
        "ur_metering_option": 2,
        "ur_dc_enable": 0,
    } | changes


def rates(*rows):
    return {"ur_ec_tou_mat": [list(row) for row in rows]}


def test_the_table_holds_every_number_of_the_dict():
    table = parse_tariff("tou", tariff())
    assert (table.n_periods, table.n_tiers, table.needs_monthly_peak) == (2, 2, False)
    np.testing.assert_allclose(table.rate, [[0.11, 0.22], [0.33, 0.0]], rtol=1e-15)
    np.testing.assert_array_equal(table.sell, [[0.05, 0.06], [0.07, 0.0]])
    np.testing.assert_array_equal(table.unit, np.zeros((2, 2)))
    assert table.weekday.tolist() == schedule(1, 2)
    assert table.weekend.tolist() == schedule(1)
    assert (table.monthly_fixed, table.monthly_min, table.annual_min) == (11.5, 12.0, 0.0)
    assert (table.key, table.metering_option, table.demand) == ("tou", 2, None)


def test_usage_never_reaches_a_tier_its_period_lacks():
    # Period 2 has one tier with a limit of 300 kWh: what is above stays in that tier.
    limits = parse_tariff("tou", tariff()).max_usage
    np.testing.assert_array_equal(limits, [[500.0, NO_LIMIT], [NO_LIMIT, NO_LIMIT]])


def test_rows_may_come_in_any_order():
    given = tariff()
    mixed = tariff(ur_ec_tou_mat=given["ur_ec_tou_mat"][::-1])
    np.testing.assert_array_equal(parse_tariff("a", mixed).rate, parse_tariff("a", given).rate)


def test_rows_of_six_are_pysams_own_without_adjustment():
    table = parse_tariff("a", tariff() | rates((1, 1, 1e38, 0, 0.1, 0.04)) | flat_hours())
    assert (table.rate[0, 0], table.sell[0, 0]) == (0.1, 0.04)


def flat_hours():
    return {"ur_ec_sched_weekday": schedule(1), "ur_ec_sched_weekend": schedule(1)}


@pytest.mark.parametrize("none", [1e38, math.inf, float(np.float32(1e38))])
def test_every_way_to_write_no_limit_is_one(none):
    assert (
        parse_tariff("a", tariff() | rates((1, 1, none, 0, 0.1, 0, 0)) | flat_hours()).max_usage[
            0, 0
        ]
        == NO_LIMIT
    )


@pytest.mark.parametrize("code", [1, 3])
def test_limits_per_kw_need_the_monthly_peak(code):
    rows = rates((1, 1, 200, code, 0.1, 0, 0), (1, 2, 1e38, code, 0.2, 0, 0))
    assert parse_tariff("a", tariff() | rows | flat_hours()).needs_monthly_peak


BAD = {
    "no rows": ({"ur_ec_tou_mat": []}, "ur_ec_tou_mat is missing or empty"),
    "absent rows": ({"ur_ec_tou_mat": None}, "ur_ec_tou_mat is missing or empty"),
    "text for rows": ({"ur_ec_tou_mat": "0.1"}, "ur_ec_tou_mat is missing or empty"),
    "short row": (rates((1, 1, 1e38, 0)), "row 1 of ur_ec_tou_mat.*expected 6 or 7 numbers"),
    "row that is none": ({"ur_ec_tou_mat": [3]}, "row 1 of ur_ec_tou_mat is '3'"),
    "text": (rates((1, 1, 1e38, 0, "x", 0, 0)), "row 1 of ur_ec_tou_mat has 'x'"),
    "NaN": (rates((1, 1, 1e38, 0, math.nan, 0, 0)), "has nan, expected finite"),
    "infinite": (rates((1, 1, 1e38, 0, math.inf, 0, 0)), "has inf, expected finite"),
    "negative limit": (rates((1, 1, -5, 0, 0.1, 0, 0)), "negative max -5"),
    "huge int": (rates((1, 1, 1e38, 0, 10**400, 0, 0)), "expected finite"),
    "period 0": (rates((0, 1, 1e38, 0, 0.1, 0, 0)), "row of period 0, tier 1"),
    "half a tier": (rates((1, 1.5, 1e38, 0, 0.1, 0, 0)), "tier 1.5"),
    "period of a million": (rates((10**6, 1, 1e38, 0, 0.1, 0, 0)), "row of period 1e\\+06"),
    "twice": (rates((1, 1, 9, 0, 0.1, 0, 0), (1, 1, 9, 0, 0.1, 0, 0)), "tier 1 more than once"),
    "gap": (rates((1, 1, 9, 0, 0.1, 0, 0), (1, 3, 1e38, 0, 0.1, 0, 0)), "tier 3 but no tier 2"),
    "unit": (rates((1, 1, 1e38, 4, 0.1, 0, 0)), "unit code 4 of period 1, tier 1 is not billed"),
    "falling": (
        rates((1, 1, 900, 0, 0.1, 0, 0), (1, 2, 500, 0, 0.1, 0, 0)),
        "period 1 in ur_ec_tou_mat fall from 900 to 500",
    ),
    "mixed limits": (
        rates((1, 1, 9, 0, 0.1, 0, 0), (1, 2, 20, 2, 0.1, 0, 0), (1, 3, 1e38, 2, 0.1, 0, 0)),
        "limits in different units \\(kWh, kWh daily\\)",
    ),
    "11 months": ({"ur_ec_sched_weekday": schedule()[:11]}, "weekday is not 12 x 24.*11 rows"),
    "23 hours": (
        {"ur_ec_sched_weekend": [row[:23] for row in schedule()]},
        "ur_ec_sched_weekend is not 12 x 24 \\(found 12 rows of \\[23\\]",
    ),
    "no schedule": ({"ur_ec_sched_weekday": None}, "ur_ec_sched_weekday is not 12 x 24.*none"),
    "unknown period": (
        {"ur_ec_sched_weekday": schedule(1, 3)},
        "names period 3 in month 1, hour 17, which has no rates.*\\[1, 2\\]",
    ),
    "period from 0": ({"ur_ec_sched_weekday": schedule(0)}, "names period 0"),
    "text period": ({"ur_ec_sched_weekday": schedule("1")}, "names period '1'"),
    "fixed charge": ({"ur_monthly_fixed_charge": "ten"}, "ur_monthly_fixed_charge is 'ten'"),
    "minimum": ({"ur_annual_min_charge": math.nan}, "ur_annual_min_charge is nan"),
    "metering": ({"ur_metering_option": 7}, "ur_metering_option is 7"),
    "demand rows": (
        {"ur_dc_enable": 1, "ur_dc_tou_mat": [[1, 1, 1e38]]},
        "row 1 of ur_dc_tou_mat.*expected 4 numbers",
    ),
    "demand months": (
        {"ur_dc_enable": 1, "ur_dc_flat_mat": [[12, 1, 1e38, 5.0]]},
        "ur_dc_flat_mat has month 12",
    ),
    "demand schedule": (
        {"ur_dc_enable": 1, "ur_dc_tou_mat": [[1, 1, 1e38, 5.0]]},
        "ur_dc_sched_weekday is not 12 x 24",
    ),
}


@pytest.mark.parametrize("changes, message", BAD.values(), ids=BAD)
def test_what_cannot_be_billed_is_refused_by_name_in_one_line(changes, message):
    with pytest.raises(TariffError, match=f"tariff bad.*{message}") as caught:
        parse_tariff("bad", tariff() | flat_hours() | changes)
    assert "\n" not in str(caught.value)


def test_a_tariff_that_is_no_mapping_is_refused():
    with pytest.raises(TariffError, match="tariff a: found list"):
        parse_tariff("a", [])


def test_demand_charges_have_a_price_a_period_and_a_price_a_month():
    flat = [[m, 1, 10.0, 2.0 + m] for m in range(12)] + [[6, 2, 1e38, 50.0]]
    tou = [[1, 1, 1e38, 0.0], [2, 1, 5.0, 7.0], [2, 2, 1e38, 9.0]]
    demand = parse_tariff(
        "d",
        tariff(
            ur_dc_enable=1,
            ur_dc_flat_mat=flat,
            ur_dc_tou_mat=tou,
            ur_dc_sched_weekday=schedule(1, 2),
            ur_dc_sched_weekend=schedule(1),
        ),
    ).demand
    assert demand.tou_price.tolist() == [[0.0, 0.0], [7.0, 9.0]]
    assert demand.tou_max.tolist() == [[1e38, 1e38], [5.0, 1e38]]
    assert demand.flat_price[:, 0].tolist() == [2.0 + m for m in range(12)]
    assert demand.flat_price[6, 1] == 50.0
    # July's tier 1 ends at 10 kW; the other months have one tier, so no limit.
    assert demand.flat_max[6, 0] == 10.0
    assert demand.flat_max[5, 0] == NO_LIMIT
    assert demand.weekday.tolist() == schedule(1, 2)


def test_demand_charges_that_are_free_or_disabled_are_none():
    free = {"ur_dc_flat_mat": [[m, 1, 1e38, 0.0] for m in range(12)]}
    assert parse_tariff("d", tariff(ur_dc_enable=1, **free)).demand is None
    costly = {"ur_dc_flat_mat": [[m, 1, 1e38, 3.0] for m in range(12)]}
    assert parse_tariff("d", tariff(ur_dc_enable=0, **costly)).demand is None
    only_flat = parse_tariff("d", tariff(ur_dc_enable=1, **costly)).demand
    assert only_flat.tou_price.shape == (0, 1)


def test_new_rates_take_the_place_of_rate_and_adjustment():
    given = tariff()
    before = copy.deepcopy(given)
    new = with_energy_rates(given, np.array([[1.0, 2.0], [3.0, 99.0]]))
    assert new["ur_ec_tou_mat"] == [
        [1, 1, 500.0, 0, 1.0, 0.0, 0.05],
        [1, 2, 1e38, 0, 2.0, 0.0, 0.06],
        [2, 1, 300.0, 0, 3.0, 0.0, 0.07],
    ]
    assert given == before
    assert {type(x) for row in new["ur_ec_tou_mat"] for x in row} == {int, float}
    assert {k: v for k, v in new.items() if k != "ur_ec_tou_mat"} == {
        k: v for k, v in given.items() if k != "ur_ec_tou_mat"
    }


@given(tariffs(), st.integers(0, 2**32 - 1))
def test_a_changed_tariff_is_what_its_dict_says(given, seed):
    table = parse_tariff("t", given)
    prices = np.random.default_rng(seed).uniform(-1.0, 1.0, table.rate.shape)
    for changed in (
        table.with_energy_rates(prices),
        table.with_sell_rates(prices),
        table.with_rules({"tier_rule": "period", "net_metering_rollover": False}),
        table.changed(fixed_charge=7.0, min_charge=3.0, rate_scale=1.1),
        table.in_therms(),
    ):
        assert_equal(changed, parse_tariff("t", changed.to_dict()))


def test_a_change_keeps_the_rows_that_a_period_lacks_and_converts_units_and_charges():
    limits = ((1, 1, 200, 1, 0.1, 0.01), (1, 2, 1e38, 0, 0.2, 0), (3, 1, 50, 0, 0.3, 0))
    given = (
        tariff(
            ur_dc_enable=1,
            ur_dc_flat_mat=[[m, 1, 9.0, 2.0] for m in range(12)],
            fueladjustmentsmonthly=[0.01] * 12,
        )
        | rates(*((*row, 0.05) for row in limits))
        | flat_hours()
    )
    table = parse_tariff("t", given)
    for changed in (table.in_therms(), table.with_sell_rates(np.ones((3, 2)))):
        assert_equal(changed, parse_tariff("t", changed.to_dict()))
    assert table.with_sell_rates(np.ones((3, 2))).sell.tolist() == [[1, 1], [0, 0], [1, 0]]


def test_rates_that_are_no_numbers_are_refused():
    table = parse_tariff("tou", tariff())
    with pytest.raises(TariffError, match="tariff tou: row 1 of ur_ec_tou_mat has nan"):
        table.with_energy_rates(np.full(table.rate.shape, np.nan))
    with pytest.raises(TariffError, match="tariff tou: ur_monthly_fixed_charge is inf"):
        table.changed(fixed_charge=math.inf)


def assert_equal(a, b):
    """Tariffs, or parts of them, are equal to the bit."""
    assert type(a) is type(b)
    if dataclasses.is_dataclass(a):
        for one in dataclasses.fields(a):
            assert_equal(getattr(a, one.name), getattr(b, one.name))
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    else:
        assert a == b


def test_a_gas_bill_is_the_same_in_therms_as_in_kwh():
    given = tariff(ur_dc_enable=1, ur_dc_flat_mat=[[m, 1, 1e38, 2.0] for m in range(12)])
    before = copy.deepcopy(given)
    per_kwh, per_therm = parse_tariff("g", given), parse_tariff("g", in_therms(given))
    therms_per_kwh = 0.0341214116

    def charge(table, use):
        first = min(use, table.max_usage[0, 0])
        return first * table.rate[0, 0] + (use - first) * table.rate[0, 1]

    for kwh in (100.0, 499.0, 2_000.0):
        assert charge(per_therm, kwh * therms_per_kwh) == pytest.approx(
            charge(per_kwh, kwh), rel=1e-14
        )
    assert per_therm.max_usage[0, 1] == NO_LIMIT
    assert per_therm.monthly_fixed == per_kwh.monthly_fixed
    assert per_therm.sell[0, 0] * therms_per_kwh == pytest.approx(0.05, rel=1e-14)
    assert per_therm.demand.flat_price[0, 0] * therms_per_kwh == pytest.approx(2.0, rel=1e-14)
    assert given == before


def test_hours_of_use_limits_are_the_same_in_any_unit_of_energy():
    rows = rates((1, 1, 200, 1, 0.1, 0, 0), (1, 2, 1e38, 1, 0.2, 0, 0))
    assert parse_tariff("g", in_therms(tariff() | rows | flat_hours())).max_usage[0, 0] == 200


@pytest.mark.parametrize(
    "rows, hours, method",
    [
        ([(1, 1, 1e38)], (1, None), "flat"),
        ([(1, 1, 400)], (1, None), "flat"),
        ([(1, 1, 400), (1, 2, 1e38)], (1, None), "tiered"),
        ([(1, 1, 1e38), (2, 1, 1e38)], (1, 2), "time-of-use"),
        ([(1, 1, 1e38), (2, 1, 400), (2, 2, 1e38)], (1, 2), "combined"),
        ([(1, 1, 1e38), (2, 1, 400), (2, 2, 1e38)], (1, None), "flat"),
    ],
)
def test_the_aggregation_method_is_that_of_the_periods_in_use(rows, hours, method):
    given = tariff(
        ur_ec_tou_mat=[[*row, 0, 0.1, 0, 0] for row in rows],
        ur_ec_sched_weekday=schedule(*hours),
        ur_ec_sched_weekend=schedule(1),
    )
    assert energy_charge_aggregation_method(given) == method


def test_the_energy_charge_map_has_a_row_a_period_and_tier():
    given = tariff()
    frame = energy_charge_map(tariff(ur_ec_tou_mat=given["ur_ec_tou_mat"][::-1]))
    assert list(frame.columns) == [
        "period",
        "tier",
        "max_usage",
        "unit",
        "rate",
        "adjustment",
        "sell",
    ]
    assert frame.to_numpy().tolist() == given["ur_ec_tou_mat"]
    assert [str(frame[c].dtype) for c in ("period", "tier", "unit")] == ["int64"] * 3
