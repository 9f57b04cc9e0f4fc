"""The Dask stages against the pandas originals, and the same bits however the work is split.

A figure may differ by 1e-12 of the sum of magnitudes that went into it, since sums cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.errors import RequirementError
from cairo.model.tariff import parse_tariff
from cairo.rates_tool import delayed_stages, loads, system_revenues
from cairo.rates_tool.customer_bill_calculation import customer_use
from cairo.rates_tool.dd_stages import load_pass, summary
from cairo.rates_tool.dd_stages.frame import as_load_frame, read_load_frame
from cairo.rates_tool.dd_stages.marginal import total_price
from cairo.rates_tool.demand_frames import uses_from_frames
from cairo.rates_tool.lookups import BURDEN, ELECTRICITY, GAS, RESIDUAL_COSTS
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor
from cairo.rates_tool.tariffs import precalc_period_mapping
from tests.strategies import YEAR, Stock, price_frames, stocks, tariffs

RTOL = 1e-12


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Delayed originals and graphs run here; real workers have tests of their own."""
    with dask.config.set(scheduler="synchronous"):
        yield


def summarized(stock: Stock, size: int, **plan: Any) -> summary.LoadSummary:
    frame = as_load_frame(stock.electric_frame(), partition_buildings=size)
    ids, weight, _ = summary.sorted_weights(stock.bldg_ids, stock.weight)
    return summary.summarize(frame, summary.PassPlan(ids, weight, **plan))


def assert_within(found: np.ndarray, expected: np.ndarray, magnitude: np.ndarray) -> None:
    """Differences are at most 1e-12 of the magnitudes summed."""
    allowed = RTOL * np.asarray(magnitude) + 1e-300
    worst = np.max(np.abs(np.asarray(found) - np.asarray(expected)) - allowed)
    assert worst <= 0.0, f"differs by {worst} more than allowed"


@given(stocks(), st.integers(1, 12), st.integers(1, 12))
def test_system_hourly_demand_equals_the_pandas_original(
    stock: Stock, size: int, chunk: int
) -> None:
    original = loads.process_residential_hourly_demand(stock.electric_frame(), stock.metadata)
    magnitude = (np.abs(stock.net) * stock.weight[:, None]).sum(axis=0)
    found = summarized(stock, size).hourly_demand
    assert found is not None
    assert_within(found, original.to_numpy(), magnitude)
    delayed = delayed_stages.process_residential_hourly_demand(
        stock.electric_frame(), stock.metadata, chunk
    )
    assert_within(delayed.to_numpy(), original.to_numpy(), magnitude)


@given(stocks(), price_frames(), st.sampled_from([5e5, 0.0, -2e4]), st.integers(1, 12))
def test_burden_and_residual_shares_equal_the_pandas_original(
    stock: Stock, prices: pd.DataFrame, residual: float, size: int
) -> None:
    costs = pd.Series({RESIDUAL_COSTS: residual})
    frame, metadata = stock.electric_frame(), stock.metadata
    burden, shares = (
        InternalCrossSubsidizationProcessor()._return_customer_level_economic_burden_and_residual_share(
            metadata, frame, prices, costs
        )
    )
    plan = load_pass.run_plan(metadata, prices, {}, {}, YEAR)
    found = summary.summarize(as_load_frame(frame, partition_buildings=size), plan)
    ids = stock.bldg_ids
    magnitude = pd.Series((np.abs(stock.net) * np.abs(total_price(prices))).sum(axis=1), index=ids)
    assert_within(found.burden_series()[ids], burden[ids], magnitude)
    mine = found.residual_shares(residual)
    also_burden, also_shares = delayed_stages.burden_and_residual_shares(
        metadata, frame, prices, costs, size
    )
    assert_within(also_burden[ids], burden[ids], magnitude)
    for name in shares:
        basis = bases(stock, prices)[name]
        conditioned = condition(stock.weight, basis)
        allowed = np.abs(shares.loc[ids, name]) * conditioned + abs(residual) * 1e-6 * (
            conditioned > 1e3
        )
        assert_within(mine.loc[ids, name], shares.loc[ids, name], allowed)
        assert_within(also_shares.loc[ids, name], shares.loc[ids, name], allowed)


def bases(stock: Stock, prices: pd.DataFrame) -> dict[str, np.ndarray]:
    peak = (prices.filter(regex="Capacity|Distribution").sum(axis=1) > 0).to_numpy()
    start = "customer_level_residual_share_"
    return {
        start + "volumetric": stock.net,
        start + "peak": stock.net * peak,
        start + "percustomer": np.ones((len(stock.weight), 1)),
        start + "epmc": stock.net * total_price(prices),
    }


def condition(weight: np.ndarray, terms: np.ndarray) -> float:
    """How much the terms of a total cancel: sum of magnitudes over magnitude of the sum."""
    total = abs(float((weight[:, None] * terms).sum()))
    return float((weight[:, None] * np.abs(terms)).sum()) / total if total else 1.0


@given(stocks(6), tariffs(), tariffs(), st.integers(1, 6))
def test_demand_by_period_bills_and_rates_equal_the_pandas_originals(
    stock: Stock, one: dict[str, Any], other: dict[str, Any], size: int
) -> None:
    params = {"one": one, "other": other}
    strategy = {b: ("one", "other")[i % 2] for i, b in enumerate(stock.bldg_ids)}
    tables = {key: parse_tariff(key, tariff) for key, tariff in params.items()}
    frame = stock.electric_frame()
    load, solar = loads.process_building_demand_by_period(
        YEAR, ELECTRICITY, stock.bldg_ids, params, strategy, frame, "net_metering"
    )
    plan = load_pass.run_plan(
        stock.metadata, pd.DataFrame(index=range(8760)), params, strategy, YEAR, solar=True
    )
    found = summary.summarize(as_load_frame(frame, partition_buildings=size), plan)
    original = uses_from_frames(load, solar, stock.bldg_ids, strategy, tables)
    uses = {key: customer_use(use, tables[key]) for key, use in found.electricity.items()}
    for key, use in uses.items():
        order = pd.Index(original[key].bldg_ids).get_indexer(use.bldg_ids)
        gross = np.abs(use.energy).sum(axis=(2, 3), keepdims=True) + 1e-12
        assert_within(use.energy, original[key].energy[order], gross)
        exports = original[key].exports
        if exports is not None:
            assert use.exports is not None
            assert_within(use.exports, exports[order], use.exports + 1e-12)
        if original[key].demand_kw is not None:
            assert use.demand_kw is not None and use.peak_kw is not None
            assert np.array_equal(use.demand_kw, original[key].demand_kw[order])
            assert np.array_equal(use.peak_kw, original[key].peak_kw[order])
    sell = {key: tariff | {"ur_ec_tou_mat": ratio_rows(tariff)} for key, tariff in params.items()}
    for style in (None, "net_metering", "net_billing"):
        arguments = (load, solar, sell, style, True, stock.bldg_ids, params, strategy)
        bills = system_revenues.run_system_revenues(*arguments)
        mine = system_revenues.bills_of_uses(uses, params, stock.bldg_ids, sell, style)
        # A month's parts are at most its energy at the highest rate, and peaks and exports alike.
        magnitude = np.abs(bills).to_numpy() + (load.groupby(level=0)["grid_cons"].sum()).max() + 1
        assert_within(mine.to_numpy(), bills.to_numpy(), magnitude)
    assert_rates_meet_requirement(stock, params, strategy, load, solar, uses)


def ratio_rows(tariff: dict[str, Any]) -> list[list[float]]:
    return [[*row[:6], 0.4] for row in tariff["ur_ec_tou_mat"]]


def assert_rates_meet_requirement(
    stock: Stock,
    params: dict[str, Any],
    strategy: dict[int, str],
    load: pd.DataFrame,
    solar: pd.DataFrame,
    uses: dict[str, Any],
) -> None:
    weight = stock.metadata.set_index("bldg_id")["weight"]
    mapping = precalc_period_mapping(params)
    revenue = system_revenues.aggregate_system_revenues(
        system_revenues.bills_of_uses(uses, params, stock.bldg_ids), stock.metadata
    )[1]
    requirement = revenue * 1.5 + 1.0
    try:
        rates = system_revenues.calibrated_tariffs(uses, params, mapping, requirement, weight)
    except RequirementError:
        assert not sum(use.energy.sum() for use in uses.values())
        return
    bills = system_revenues.bills_of_uses(uses, rates, stock.bldg_ids)
    met = system_revenues.aggregate_system_revenues(bills, stock.metadata)[1]
    assert met == pytest.approx(requirement, rel=1e-9)
    original = system_revenues._precalc_customer_rates(
        load, solar, mapping, requirement, stock.metadata, params, strategy
    )
    for key in uses:
        ours = [row[4] for row in rates[key]["ur_ec_tou_mat"]]
        assert ours == pytest.approx([row[4] for row in original[key]["ur_ec_tou_mat"]], rel=1e-11)


@given(stocks(5), tariffs(), st.integers(1, 5))
def test_gas_by_period_equals_the_pandas_original(
    stock: Stock, tariff: dict[str, Any], size: int
) -> None:
    tariff = {name: value for name, value in tariff.items() if "_dc_" not in name}
    tariff["ur_dc_enable"] = 0
    table = parse_tariff("gas", tariff)
    strategy = dict.fromkeys(stock.bldg_ids, "gas")
    used, solar = loads.process_building_demand_by_period(
        YEAR, GAS, stock.bldg_ids, {"gas": tariff}, strategy, stock.gas_frame()
    )
    assert "grid_cons" not in used and not len(solar)
    ids, _, _ = summary.sorted_weights(stock.bldg_ids, stock.weight)
    plan = summary.PassPlan(ids, gas=summary.use_plan(ids, strategy, {"gas": table}, YEAR))
    frame = as_load_frame(
        stock.gas_frame().rename(columns={"load_data": "natural_gas"}), partition_buildings=size
    )
    found = customer_use(summary.summarize(frame, plan).gas["gas"], table)
    original = uses_from_frames(used, None, found.bldg_ids, strategy, {"gas": table})["gas"]
    gross = found.energy.sum(axis=(2, 3), keepdims=True) + 1e-12
    assert_within(found.energy, original.energy, gross)


def figures(result: summary.LoadSummary) -> bytes:
    """Every number of a summary as bytes."""
    arrays = [result.hourly_demand, result.burden, result.kwh, result.peak_kwh]
    for uses in (result.electricity, result.gas):
        for key in sorted(uses):
            arrays += list(vars(uses[key]).values())
    return b"".join(array.tobytes() for array in arrays if array is not None)


@given(stocks(), price_frames(), tariffs(), st.data())
def test_bits_do_not_depend_on_partitions_or_on_the_kind_of_input(
    tmp_path_factory: pytest.TempPathFactory,
    stock: Stock,
    prices: pd.DataFrame,
    tariff: dict[str, Any],
    data: st.DataObject,
) -> None:
    folder = stock.write(tmp_path_factory.mktemp("loads"), YEAR)
    plan = load_pass.run_plan(
        stock.metadata,
        prices,
        {"t": tariff},
        dict.fromkeys(stock.bldg_ids, "t"),
        YEAR,
        solar=True,
    )
    size = data.draw(st.integers(1, len(stock.bldg_ids)))
    from_files = summary.summarize(read_load_frame(folder, partition_buildings=size), plan)
    whole = summary.summarize(read_load_frame(folder, partition_buildings=1000), plan)
    from_pandas = summary.summarize(
        as_load_frame(stock.electric_frame(), partition_buildings=size), plan
    )
    assert figures(from_files) == figures(whole) == figures(from_pandas)
    assert from_files.burden_series().name == BURDEN
