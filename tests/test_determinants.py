"""Billing determinants: the parts of every bill, worked by hand, of any tariff, of whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cairo
from cairo.errors import CairoError
from cairo.model import determinants as model
from cairo.model.bill_parts import ITEMS, UNITS
from cairo.model.bills import (
    Billed,
    CustomerUse,
    adjustment_charges,
    billed,
    demand_charges,
    energy_charges,
    fill_tiers,
    solar_credits,
    with_minimum,
)
from cairo.model.determinants import Determinants, Placed, determinants
from cairo.model.names import months
from cairo.model.tariff import Tariff, parse_tariff
from cairo.model.taxes import tax_parts
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool import system_revenues
from cairo.results.compare import compare_runs
from tests.strategies import NO_LIMIT, tariff_dict, tariffs
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

HOMES = 7
MIXED = "demo_mixed_default"
PRICES = [
    [1, 1, 100.0, 0, 0.10, 0.0, 0.0],
    [1, 2, NO_LIMIT, 0, 0.20, 0.0, 0.0],
    [2, 1, NO_LIMIT, 0, 0.30, 0.0, 0.0],
]
TWO_PERIODS = np.repeat([1, 2], 12) * np.ones((12, 1), dtype=int)
DEMAND = {
    "ur_dc_enable": 1,
    "ur_dc_sched_weekday": TWO_PERIODS.tolist(),
    "ur_dc_sched_weekend": TWO_PERIODS.tolist(),
    "ur_dc_tou_mat": [[1, 1, 3.0, 2.0], [1, 2, NO_LIMIT, 4.0], [2, 1, NO_LIMIT, 10.0]],
    "ur_dc_flat_mat": [[m, 1, NO_LIMIT, 1.0] for m in range(12)],
}
RATCHET = {
    "ur_enable_billing_demand": 1,
    "ur_billing_demand_minimum": 2.0,
    "ur_billing_demand_lookback_period": 11,
    "ur_billing_demand_lookback_percentages": [[80, 1]] * 12,
    "ur_dc_billing_demand_periods": [[1, 1], [2, 0]],
}


def rows_of(found: Determinants) -> pd.DataFrame:
    columns = {name: getattr(found, name) for name in Determinants.__annotations__}
    return pd.DataFrame(columns).assign(item=np.array(list(ITEMS))[found.item])


def table_of(bills: Billed, of_all: Any = (), total: np.ndarray | None = None) -> pd.DataFrame:
    place = np.arange(len(bills.bldg_ids))
    total = bills.monthly if total is None else total
    return rows_of(determinants(bills.bldg_ids, [Placed(place, bills.parts)], of_all, total))


def test_every_part_of_a_hand_worked_bill_is_a_row() -> None:
    table = parse_tariff(
        "t",
        tariff_dict(
            PRICES,
            TWO_PERIODS,
            ur_monthly_fixed_charge=5.0,
            ur_monthly_min_charge=8.0,
            ur_annual_min_charge=200.0,
            fueladjustmentsmonthly=[0.01] + [0.0] * 11,
            **DEMAND,
        ),
    )
    energy, demand = np.zeros((1, 12, 2, 2)), np.zeros((1, 12, 2))
    peak, exports = np.zeros((1, 12)), np.zeros((1, 12, 2))
    energy[0, 0] = [[100.0, 50.0], [10.0, 0.0]]
    demand[0, 0], peak[0, 0], exports[0, 0, 0] = [5.0, 6.0], 6.0, 20.0
    use = CustomerUse(np.array([7]), energy, peak, demand, exports)
    bills = billed(use, table, np.full((2, 2), 0.5), "net_metering")
    taxes = tax_parts(bills.monthly, np.array([[160.0] + [0.0] * 11]), 0.1, 0.002)
    total = bills.monthly * 1.1
    total[0, 0] += 160 * 0.002 + 0.25
    rows = table_of(bills, taxes, total)
    january = rows[rows["month"] == 1].drop(columns=["bldg_id", "month"])
    expected = [
        ("energy", 1, 1, 100.0, 0.10, 10.0),
        ("energy", 1, 2, 50.0, 0.20, 10.0),
        ("energy", 2, 1, 10.0, 0.30, 3.0),
        ("fuel_adjustment", 0, 0, 160.0, 0.01, 1.6),
        ("demand", 0, 1, 6.0, 1.0, 6.0),
        ("demand", 1, 1, 3.0, 2.0, 6.0),
        ("demand", 1, 2, 2.0, 4.0, 8.0),
        ("demand", 2, 1, 6.0, 10.0, 60.0),
        ("fixed", 0, 0, 1.0, 5.0, 5.0),
        # Half the retail rate of the period and its fuel adjustment.
        ("export_credit", 1, 0, 20.0, -0.055, -1.1),
        ("peak", 0, 0, 6.0, np.nan, 0.0),
        ("tax", 0, 0, 108.5, 0.1, 10.85),
        ("surcharge", 0, 0, 160.0, 0.002, 0.32),
        # What nothing above explains.
        ("other", 0, 0, 0.25, np.nan, 0.25),
    ]
    assert [tuple(row[:3]) for row in january.to_numpy().tolist()] == [row[:3] for row in expected]
    numbers = january[["quantity", "rate", "dollars"]].to_numpy()
    assert numbers == pytest.approx(np.array([row[3:] for row in expected]), nan_ok=True)
    # Of the year's 108.50 + 11 x 8 $ the annual minimum lacks 3.50 $.
    rest = rows[rows["month"] > 1].query("item != 'tax'")
    assert rest["item"].tolist() == ["fixed", "minimum"] * 11 + ["annual_minimum"]
    assert rest["quantity"].tolist() == [1.0, 8.0] * 11 + [200.0]
    assert rest["dollars"].tolist() == pytest.approx([5.0, 3.0] * 11 + [3.5])


def some_use(table: Tariff, homes: int, seed: int) -> CustomerUse:
    """Months of much, little and no use, with peaks and exports."""
    rng = np.random.default_rng(seed)
    usage = rng.gamma(1.0, 200.0, (homes, 12, table.n_periods))
    usage *= rng.random(usage.shape) < 0.8
    peak = rng.gamma(2.0, 3.0, (homes, 12))
    demand = None if table.demand is None else rng.gamma(2.0, 2.0, (homes, 12, 2))
    exports = rng.gamma(1.0, 50.0, usage.shape) * (rng.random(usage.shape) < 0.3)
    ids = rng.permutation(1000)[:homes]
    return CustomerUse(ids, fill_tiers(usage, table, peak), peak, demand, exports)


STYLES = st.sampled_from([None, "net_metering", "net_billing"])


@given(tariffs(), st.integers(1, 9), st.integers(0, 2**32 - 1), STYLES, st.booleans())
def test_parts_add_to_the_bill_and_energy_to_what_was_used(
    given_tariff: dict[str, Any], homes: int, seed: int, style: Any, ratchet: bool
) -> None:
    fuel = np.random.default_rng(seed).normal(0.0, 0.01, 12).tolist()
    more = RATCHET if ratchet and given_tariff["ur_dc_enable"] else {}
    if more and any(row[3] in (1, 3) for row in given_tariff["ur_ec_tou_mat"]):
        more = {}
    table = parse_tariff("t", given_tariff | more | {"fueladjustmentsmonthly": fuel})
    use = some_use(table, homes, seed)
    sell = np.full(table.rate.shape, 0.4)
    bills = billed(use, table, sell, style)
    rows = table_of(bills)
    sums = np.zeros((homes, 12))
    order = pd.Index(use.bldg_ids).get_indexer(rows["bldg_id"])
    np.add.at(sums, (order, rows["month"] - 1), rows["dollars"])
    assert np.abs(sums - bills.monthly).max() < 1e-9
    assert "other" not in set(rows["item"])
    priced = rows[rows["rate"].notna()]
    product = priced["quantity"] * priced["rate"]
    assert np.abs(product - priced["dollars"]).max() < 1e-9
    for item, used in {"energy": use.energy, "peak": use.peak_kw}.items():
        total = rows.loc[rows["item"] == item, "quantity"].sum()
        assert total == pytest.approx(np.sum(used), rel=1e-12)
    # The sum of the parts has the bits of the charges added one after the other.
    assert use.exports is not None
    charges = (
        energy_charges(use.energy, table.rate)
        + adjustment_charges(use.energy, table.fuel_adjustment)
        + demand_charges(use, table)
        + table.monthly_fixed
        - solar_credits(use, table, sell, style)
    )
    assert np.array_equal(bills.monthly, with_minimum(charges, table))


def test_rows_do_not_depend_on_how_many_homes_are_worked_on_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flat = parse_tariff("flat", tariff_dict(PRICES[:2]))
    tou = parse_tariff("tou", tariff_dict(PRICES, TWO_PERIODS, **DEMAND))
    bills = [billed(some_use(one, 40, seed), one) for seed, one in enumerate((flat, tou))]
    place = np.random.default_rng(5).permutation(80)
    total = np.zeros((80, 12))
    tariffs = []
    for number, one in enumerate(bills):
        mine = place[number::2]
        total[mine] = one.monthly
        tariffs.append(Placed(mine, one.parts))
    ids = np.arange(80)

    def made() -> pd.DataFrame:
        return rows_of(determinants(ids, tariffs, (), total))

    together = made()
    assert set(together["item"]) == {"energy", "demand", "peak"} | {"fixed"}
    for cells in (1, 5000):
        monkeypatch.setattr(model, "AT_ONCE", cells)
        pd.testing.assert_frame_equal(made(), together, check_exact=True)


def test_a_home_whose_parts_are_not_known_has_its_bill_as_other() -> None:
    total = np.arange(24.0).reshape(2, 12)
    rows = rows_of(determinants(np.array([3, 1]), [], (), total))
    assert set(rows["item"]) == {"other"} and rows["rate"].isna().all()
    # January of the first is 0 $, and no row.
    assert rows["bldg_id"].tolist() == [3] * 11 + [1] * 12
    assert rows["dollars"].tolist() == list(range(1, 24))


# Whole runs


def with_every_charge(demo: Demo) -> None:
    """Tariffs with ratcheted demand, tiers per kW, minimums and fuel adjustments."""
    folder = demo.folder / "rates/tariffs/electric"
    charges = {
        "ur_monthly_fixed_charge": 9.0,
        "ur_monthly_min_charge": 110.0,
        "ur_annual_min_charge": 2000.0,
        "fueladjustmentsmonthly": [0.001 * m for m in range(12)],
    }
    per_kw = [[1, 1, 60.0, 1, 0.1, 0.0, 0.0], [1, 2, NO_LIMIT, 1, 0.15, 0.0, 0.0]]
    for name, tariff in {
        "flat": tariff_dict(PRICES, TWO_PERIODS, **charges, **DEMAND, **RATCHET),
        "tiered": tariff_dict(per_kw, **charges),
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(tariff))


def check_sums(run: cairo.Run) -> None:
    rows = run.determinants
    monthly = rows.groupby(["bldg_id", "month"])["dollars"].sum()
    bills = run.bills[run.bills["month"] != "Annual"]
    number = bills["month"].astype(str).map(months.index) + 1
    billed_by = pd.MultiIndex.from_arrays([bills["bldg_id"], number])
    assert len(monthly) == len(bills)
    assert np.abs(monthly.loc[billed_by].to_numpy() - bills["bill_level"].to_numpy()).max() < 1e-9


@pytest.mark.slow
def test_backends_write_the_same_determinants_which_add_to_the_bills(demo: Demo) -> None:
    with_every_charge(demo)
    demo.settings(
        IN_PROCESS
        | {
            "process_workers": 1,
            "solar_pv_compensation": "net_billing",
            "solar_pv_export_import_ratio": 0.4,
            "utility_tax_rate": 0.07,
            "energy_surcharge_rate": 0.001,
            "low_income_strategy": "generic",
        },
        MIXED,
    )
    places = [
        demo.run(MIXED, backend=backend) for backend in ("pandas", "dask_delayed", "dask_dataframe")
    ]
    for place in places:
        check_sums(cairo.open_run(place))
        found = compare_runs(places[0], place, rtol=1e-12, atol=1e-9)
        assert [one for one in found.differences if not one.equal] == []
    assert {one.file for one in found.differences} >= {"billing_determinants.parquet"}
    seen = set(cairo.open_run(places[0]).determinants["item"])
    assert seen == set(ITEMS) - {"other", "carried_credit"}


def test_after_a_response_the_parts_add_to_the_bills(demo: Demo) -> None:
    demo.settings(IN_PROCESS | {"elasticity": -0.2, "backend": "dask_dataframe"})
    run = cairo.open_run(demo.run())
    check_sums(run)
    assert "other" not in set(run.determinants["item"])
    after = run.files.table("demand_response.csv")
    rows = run.determinants[run.determinants["item"] == "energy"]
    mine = rows[rows["bldg_id"].isin(after["bldg_id"])]
    assert mine["quantity"].sum() == pytest.approx(after["kwh_after"].sum(), rel=1e-9)


def test_the_columns_of_the_file_have_the_types_that_are_promised(
    demo: Demo, expected: dict[str, bytes]
) -> None:
    demo.settings(IN_PROCESS)
    place = demo.run()
    assert contents(place) == expected
    schema = pq.read_schema(place / "billing_determinants.parquet")
    types = {field.name: str(field.type).split("<")[0] for field in schema}
    assert types == {
        "bldg_id": "int64",
        "month": "int8",
        "item": "dictionary",
        "period": "int16",
        "tier": "int16",
        "quantity": "double",
        "unit": "dictionary",
        "rate": "double",
        "dollars": "double",
    }
    rows = cairo.open_run(place).determinants
    assert set(rows["unit"].cat.categories) == set(UNITS)
    assert {ITEMS[item].unit == unit for item, unit in zip(rows["item"], rows["unit"], strict=True)}
    fixed = rows[rows["item"] == "fixed"]
    assert len(fixed) == 12 * HOMES and (fixed["quantity"] == 1.0).all()


def test_bills_of_a_function_in_the_place_of_cairos_have_the_rest_as_other(
    monkeypatch: pytest.MonkeyPatch, demo: Demo
) -> None:
    original = system_revenues.run_system_revenues
    monkeypatch.setattr(
        system_revenues,
        "run_system_revenues",
        lambda *given, **named: original(*given, **named) + 2.0,
    )
    demo.settings(IN_PROCESS | {"backend": "pandas", "process_workers": 1, "run_type": "default"})
    run = cairo.open_run(demo.run(RUN))
    rows = run.determinants
    other = rows[rows["item"] == "other"]
    assert other["dollars"].tolist() == pytest.approx([2.0] * 12 * len(other["bldg_id"].unique()))
    check_sums(run)


def test_demand_that_only_a_callers_own_bills_understand_has_no_parts(
    monkeypatch: pytest.MonkeyPatch, demo: Demo
) -> None:
    original = load_funcs.process_building_demand_by_period

    def other_periods(*given: Any, **named: Any) -> Any:
        load, solar = original(*given, **named)
        return load.assign(period=load["period"] + 40), solar

    def own_bills(*_: Any, prototype_ids: Any, **__: Any) -> pd.DataFrame:
        return system_revenues.bill_frame(prototype_ids, np.full((len(prototype_ids), 12), 50.0))

    monkeypatch.setattr(load_funcs, "process_building_demand_by_period", other_periods)
    no_gas = {"path_tariff_maps_gas": None, "path_tariffs_gas": None}
    default = {"backend": "pandas", "process_workers": 1, "run_type": "default"}
    demo.settings(IN_PROCESS | default | no_gas)
    with pytest.raises(CairoError, match="energy_charge row of month 1, period 41"):
        demo.run(RUN)
    monkeypatch.setattr(system_revenues, "run_system_revenues", own_bills)
    rows = cairo.open_run(demo.run(RUN)).determinants
    assert set(rows["item"]) == {"other"} and set(rows["dollars"]) == {50.0}


def test_compare_tells_the_row_in_which_determinants_differ(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS)
    one, other = (demo.run(output_dir=tmp_path / name) for name in "ab")
    path = other / "billing_determinants.parquet"
    table = pq.read_table(path)
    dollars = table["dollars"].to_numpy().copy()
    dollars[5] += 0.01
    place = table.column_names.index("dollars")
    pq.write_table(table.set_column(place, "dollars", [dollars]), path)
    (found,) = (one for one in compare_runs(one, other).differences if not one.equal)
    assert (found.file, found.column) == ("billing_determinants.parquet", "dollars")
    assert found.what.startswith("at bldg_id ") and "item " in found.what
