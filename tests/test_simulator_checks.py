"""What a simulator made by a script refuses, and how gas and taxes get into its bills."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cairo.errors import (
    CairoError,
    MetadataError,
    PriceError,
    RequirementError,
    ScenarioError,
    TariffError,
)
from cairo.files.tariff_maps import tariff_of
from cairo.model.calendar import hour_stamps
from cairo.model.revenue_requirement import return_revenue_requirement_target
from cairo.model.tariff import parse_tariff
from cairo.rates_tool.dd_stages.summary import LoadSummary
from cairo.rates_tool.lookups import (
    ANNUAL,
    CAPACITY_PRICE,
    DISTRIBUTION_PRICE,
    ENERGY_PRICE,
    RESIDUAL_COSTS,
    months,
)
from cairo.rates_tool.system_revenues import (
    aggregate_system_revenues,
    relative_rates,
    run_system_revenues,
)
from cairo.rates_tool.systemsimulator import (
    MeetRevenueSufficiencySystemWide,
    gas_tariff_strategy,
    with_taxes,
)
from tests.strategies import NO_LIMIT, tariff_dict

FLAT = tariff_dict([[1, 1, NO_LIMIT, 0, 0.1, 0.0, 0.0]])
TIERED = tariff_dict([[1, 1, 100.0, 0, 0.1, 0.0, 0.0], [1, 2, NO_LIMIT, 0, 0.2, 0.0, 0.0]])
MAP = pd.DataFrame({"bldg_id": [1, 2], "tariff_key": ["a", "b"]})


def simulator(ids: list[int] | None = None, **settings: Any) -> MeetRevenueSufficiencySystemWide:
    chosen: dict[str, Any] = {"run_type": "default", "backend": "pandas"} | settings
    return MeetRevenueSufficiencySystemWide(
        chosen["run_type"], 2025, 2025, 1, ids, "mine", backend=chosen["backend"]
    )


def simulated(metadata: pd.DataFrame, ids: list[int] | None = None, **more: Any) -> None:
    given: dict[str, Any] = {
        "marginal_system_prices": pd.DataFrame(),
        "costs_by_type": {},
        "customer_electricity_load": pd.DataFrame(),
    }
    simulator(ids).simulate(1.0, {"a": FLAT, "b": FLAT}, MAP, None, metadata, **(given | more))


TWO = pd.DataFrame({"bldg_id": [1, 2], "weight": [1.0, 1.0]})
REFUSED: list[tuple[type[CairoError], str, Callable[[], object]]] = [
    (ScenarioError, "backend spark is unknown", lambda: simulator(backend="spark")),
    (ScenarioError, "run_type exact is unknown", lambda: simulator(run_type="exact")),
    (ScenarioError, "needs marginal_system_prices", lambda: simulated(TWO, costs_by_type=None)),
    (MetadataError, "no column bldg_id, weight", lambda: simulated(pd.DataFrame())),
    (MetadataError, "no metadata for buildings 3", lambda: simulated(TWO, [1, 3])),
    (MetadataError, "buildings twice: 2", lambda: simulated(TWO.iloc[[0, 1, 1]])),
    (MetadataError, "buildings twice: 1", lambda: simulated(TWO, [1, 2, 1])),
    (TariffError, "no tariff for buildings 3", lambda: gas_tariff_strategy([1, 3], MAP, {})),
    (TariffError, "gas tariff file for b", lambda: gas_tariff_strategy([1, 2], MAP, {"a": FLAT})),
    (TariffError, "no tariff for buildings 3", lambda: tariff_of(MAP, [1, 3])),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "call"), REFUSED)
def test_what_does_not_fit_is_named(
    error: type[CairoError], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_gas_tariffs_are_read_or_given_and_made_per_therm(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps(FLAT))
    both = {"a": TIERED, "b": tmp_path / "b.json", "unused": tmp_path / "none.json"}
    strategy, tariffs = gas_tariff_strategy([2, 1], MAP, both)
    assert strategy == {2: "b", 1: "a"}
    therm = 0.0341214116
    assert tariffs["b"]["ur_ec_tou_mat"][0][4] == pytest.approx(0.1 / therm)
    assert tariffs["a"]["ur_ec_tou_mat"][0][2] == pytest.approx(100.0 * therm)


def test_a_summary_of_loads_is_for_the_backend_that_made_it() -> None:
    summary = LoadSummary.__new__(LoadSummary)
    given = {
        "marginal_system_prices": pd.DataFrame({ENERGY_PRICE: 0.1}, index=hour_stamps(2025, "EST")),
        "costs_by_type": {RESIDUAL_COSTS: 0.0},
    }
    with pytest.raises(ScenarioError, match="LoadSummary needs the backend dask_dataframe"):
        simulated(TWO, customer_electricity_load=summary, **given)


def mapping(*rows: tuple[int, int, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["period", "tier", "rel_value"])
    return frame.assign(tariff="a")


def test_relative_rates_are_those_of_the_tariff_alone() -> None:
    other = mapping((1, 1, 9.0), (7, 3, 9.0)).assign(tariff="b")
    more = pd.concat([other, mapping((1.0, 2.0, 1.5), (1.0, 1.0, 1.0), (4, 1, 8.0))])
    assert relative_rates(more, parse_tariff("a", TIERED)).tolist() == [[1.0, 1.5]]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([(1, 1, 1.0)], "period 1 tier 2"),
        ([(1, 1, 1.0), (1, 2, np.nan)], "period 1 tier 2"),
        ([(0, 1, 1.0), (1, 0, 1.0)], "period 1 tier 1, period 1 tier 2"),
        ([(1, 1, 1.0), (1, 2, 2.0), (1, 2, 3.0)], "one twice"),
    ],
)
def test_a_mapping_needs_each_period_and_tier_once(
    rows: list[tuple[int, int, float]], what: str
) -> None:
    with pytest.raises(RequirementError, match=f"tariff a .*: {what} is wrong or missing"):
        relative_rates(mapping(*rows), parse_tariff("a", TIERED))


def test_tax_is_on_the_bill_and_the_surcharge_on_energy() -> None:
    bills = pd.DataFrame({name: [100.0, -10.0] for name in months}, index=[2, 1])
    kwh = pd.DataFrame({name: [0.0, 500.0] for name in months}, index=[1, 2])
    taxed = with_taxes(bills, kwh, 0.05, 0.01)
    # 100 x 1.05 + 500 x 0.01 and -10 x 1.05
    assert taxed.loc[2, "Jun"] == pytest.approx(110.0)
    assert taxed.loc[1, "Jun"] == pytest.approx(-10.5)
    assert taxed[ANNUAL].tolist() == pytest.approx([1320.0, -126.0])


def test_bills_from_rows_in_any_order_and_of_a_building_without_rows() -> None:
    rows = pd.DataFrame(
        {
            "month": [2, 1, 1],
            "period": [1.0, 1.0, 1.0],
            "tier": [1.0, 2.0, 1.0],
            "grid_cons": [50.0, 20.0, 100.0],
            "load_data": [50.0, 20.0, 100.0],
            "charge_type": "energy_charge",
            "tariff": "a",
        },
        index=[2, 2, 2],
    )
    tariff = TIERED | {"ur_monthly_fixed_charge": 7.0}
    bills = run_system_revenues(
        rows, prototype_ids=[1, 2], tariff_config={"a": tariff}, tariff_strategy={1: "a", 2: "a"}
    )
    assert bills.index.tolist() == [1, 2] and bills.index.name is None
    # 100 x 0.1 + 20 x 0.2 + 7, and 50 x 0.1 + 7
    assert bills.loc[2, ["Jan", "Feb", "Mar"]].tolist() == pytest.approx([21.0, 12.0, 7.0])
    assert bills[ANNUAL].tolist() == pytest.approx([84.0, 103.0])
    weights = pd.DataFrame({"bldg_id": [2, 1], "weight": [10.0, 3.0]})
    weighted, revenue = aggregate_system_revenues(bills, weights)
    assert weighted["weight"].tolist() == [3.0, 10.0]
    assert revenue == pytest.approx(3 * 84.0 + 10 * 103.0)


STAMPS = hour_stamps(2025, "EST")


def test_a_delivery_target_is_topped_up_with_the_supply_prices_there_are() -> None:
    prices = pd.DataFrame({CAPACITY_PRICE: 0.5, DISTRIBUTION_PRICE: 0.25}, index=STAMPS)
    requirement, *_ = return_revenue_requirement_target(
        pd.Series(1.0, index=STAMPS), prices, 100.0, delivery_only=True
    )
    assert requirement == 100.0 + 8760 * 0.5


def test_one_hour_that_differs_is_other_hours() -> None:
    demand = pd.Series(1.0, index=STAMPS)
    moved = [*STAMPS[:-1], STAMPS[-1] + pd.Timedelta(hours=1)]
    prices = pd.DataFrame({ENERGY_PRICE: 0.5}, index=pd.DatetimeIndex(moved))
    with pytest.raises(PriceError, match="expected the same hours"):
        return_revenue_requirement_target(demand, prices, 100.0)
