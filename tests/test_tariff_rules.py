"""Rules of tariffs and their maps at the edges: what is refused, by which name, and the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cairo.errors import TariffError
from cairo.model.demand_charges import DemandCharges
from cairo.model.tariff import parse_tariff
from cairo.model.tariff_changes import in_therms
from cairo.rates_tool.tariffs import (
    URDBv7_to_ElectricityRates,
    __load_tariff_maps__,
    _charge_period_mapping,
    precalc_period_mapping,
)
from tests.strategies import NO_LIMIT, tariff_dict

ALWAYS = [[0] * 24] * 12
TWO_PERIODS = [[{"rate": 0.1}], [{"rate": 0.2}]]


def urdb(**changes: Any) -> dict[str, Any]:
    """One flat period without schedules."""
    return {"energyratestructure": [[{"rate": 0.1}]]} | changes


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (urdb(energyratestructure=[[{"rate": 0.1}], 5]), "expected a list of tiers for each"),
        (urdb(energyratestructure=[[{"rate": 0.1}, 5]]), "expected a list of tiers for each"),
        (urdb(energyratestructure=[]), "expected a list of tiers for each"),
        (urdb(energyratestructure=TWO_PERIODS), "energyweekdayschedule is not 12 x 24"),
        (urdb(energyweekdayschedule=ALWAYS), "energyweekendschedule is not 12 x 24"),
        (
            urdb(energyweekdayschedule=[[1] * 24] * 12, energyweekendschedule=ALWAYS),
            "energyweekdayschedule names period 1 in month 1",
        ),
        (
            urdb(flatdemandstructure=[[{"rate": 0.0}], [{"rate": 3.0}]]),
            "flatdemandstructure has prices but flatdemandmonths is missing",
        ),
        (
            urdb(
                flatdemandstructure=[[{"rate": 1.0}], [{"rate": 3.0}]],
                flatdemandmonths=[0] * 11 + ["x"],
            ),
            r"expected 12 periods of flatdemandstructure, which has \[0, 1\]",
        ),
    ],
)
def test_a_structure_and_its_schedules_have_to_fit(item: dict[str, Any], message: str) -> None:
    with pytest.raises(TariffError, match=message):
        URDBv7_to_ElectricityRates(item)


def test_flat_demand_prices_of_zero_need_no_months() -> None:
    rates = URDBv7_to_ElectricityRates(urdb(flatdemandstructure=[[{"rate": 0.0}]]))
    assert rates["ur_dc_enable"] == 0


@pytest.mark.parametrize(
    ("key", "labels", "name"),
    [
        ("mine", {"label": "l", "name": "n"}, "mine"),
        ("", {"label": "l", "name": "n"}, "l"),
        ("", {"name": "n"}, "n"),
        ("", {}, "without label"),
    ],
)
def test_a_tariff_is_named_by_its_key_label_or_name(
    key: str, labels: dict[str, str], name: str
) -> None:
    with pytest.raises(TariffError, match=f"^tariff {name}: "):
        URDBv7_to_ElectricityRates({"energyratestructure": []} | labels, key)


def test_a_map_may_have_its_buildings_as_column_and_index() -> None:
    frame = pd.DataFrame({"bldg_id": [7, 3], "tariff_key": ["a", "b"]})
    both = frame.set_index("bldg_id", drop=False)
    pd.testing.assert_frame_equal(__load_tariff_maps__(both), frame)


def test_ids_beyond_what_a_float_tells_apart_are_refused() -> None:
    largest = pd.DataFrame({"bldg_id": [2**53 - 1], "tariff_key": ["a"]})
    assert __load_tariff_maps__(largest)["bldg_id"].tolist() == [9007199254740991]
    with pytest.raises(TariffError, match="9007199254740992"):
        __load_tariff_maps__(largest.assign(bldg_id=2**53))


def test_rows_of_period_frames_are_numbered_through() -> None:
    tariff = tariff_dict([[1, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]])
    assert _charge_period_mapping(tariff).index.tolist() == list(range(2 * 12 * 24))
    assert precalc_period_mapping({"a": tariff, "b": tariff}).index.tolist() == [0, 1]


def test_a_first_period_left_empty_has_a_relative_rate() -> None:
    schedule = np.full((12, 24), 2)
    mapping = precalc_period_mapping(
        {"a": tariff_dict([[2, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]], schedule)}
    )
    assert mapping["period"].tolist() == [1, 2]
    assert mapping["rel_value"].tolist() == [0.0, 1.0]


def test_one_tier_per_kw_needs_the_months_peak() -> None:
    rows = [[1, 1, 100.0, 1, 0.1, 0.0, 0.0], [1, 2, NO_LIMIT, 0, 0.2, 0.0, 0.0]]
    assert parse_tariff("a", tariff_dict(rows)).needs_monthly_peak
    assert not parse_tariff("a", tariff_dict([[1, 1, NO_LIMIT, 2, 0.1, 0, 0]])).needs_monthly_peak


def test_a_daily_gas_limit_stays_daily_in_therms() -> None:
    rows = [[1, 1, 100.0, 2, 0.5, 0.1, 0.2], [1, 2, NO_LIMIT, 2, 0.6, 0.0, 0.0]]
    converted = in_therms(tariff_dict(rows))["ur_ec_tou_mat"]
    therm = 0.0341214116
    assert converted[0] == pytest.approx(
        [1, 1, 100.0 * therm, 2, 0.5 / therm, 0.1 / therm, 0.2 / therm]
    )
    assert converted[1][:4] == [1, 2, NO_LIMIT, 2]


def test_limits_in_two_units_are_refused_by_their_period() -> None:
    rows = [[1, 1, NO_LIMIT, 0, 0.1, 0, 0]]
    rows += [[2, 1, 10.0, 0, 0.1, 0, 0], [2, 2, 20.0, 2, 0.2, 0, 0], [2, 3, NO_LIMIT, 0, 0.3, 0, 0]]
    with pytest.raises(TariffError, match=r"tiers of period 2 .* \(kWh, kWh daily\)"):
        parse_tariff("a", tariff_dict(rows))


def demand(tou: list[list[float]] | None, flat: list[float] | None) -> DemandCharges | None:
    schedule = [[1] * 12 + [2] * 12] * 12
    charges: dict[str, Any] = {"ur_dc_enable": 1}
    if tou is not None:
        days = {f"ur_dc_sched_{day}": schedule for day in ("weekday", "weekend")}
        charges |= days | {"ur_dc_tou_mat": tou}
    if flat is not None:
        charges["ur_dc_flat_mat"] = [[m, 1, NO_LIMIT, price] for m, price in enumerate(flat)]
    return parse_tariff("a", tariff_dict([[1, 1, NO_LIMIT, 0, 0.1, 0, 0]], **charges)).demand


def test_a_free_demand_period_beside_a_priced_one_stays() -> None:
    found = demand([[1, 1, NO_LIMIT, 0.0], [2, 1, NO_LIMIT, 5.0]], None)
    assert found is not None
    assert found.tou_price.tolist() == [[0.0], [5.0]]
    assert found.weekday[0].tolist() == [1] * 12 + [2] * 12
    assert not found.flat_price.any()


def test_months_without_a_flat_charge_stay_beside_months_with_one() -> None:
    found = demand(None, [0.0] * 11 + [2.0])
    assert found is not None
    assert found.flat_price[:, 0].tolist() == [0.0] * 11 + [2.0]
    assert found.tou_price.size == 0
    assert (found.weekday == 1).all() and (found.weekend == 1).all()
    assert demand([[1, 1, NO_LIMIT, 0.0], [2, 1, NO_LIMIT, 0.0]], [0.0] * 12) is None
