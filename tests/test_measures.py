"""Measures: several runs' questions are one set, and a summary answers no question unasked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest

from cairo.errors import LoadError
from cairo.model.calendar import hour_stamps
from cairo.model.names import CAPACITY_PRICE, ENERGY_PRICE
from cairo.rates_tool.dd_stages import load_pass, summary
from cairo.rates_tool.dd_stages.aggregate import Demand
from cairo.rates_tool.dd_stages.frame import as_load_frame
from cairo.rates_tool.dd_stages.marginal import Burden
from cairo.rates_tool.dd_stages.measure import Measures
from cairo.rates_tool.dd_stages.residual import Energy
from tests.strategies import YEAR, Stock, tariff_dict
from tests.test_pack import a_stock

RATES = [[1, 1, 1e38, 0, 0.1, 0.0, 0.0], [2, 1, 1e38, 0, 0.3, 0.0, 0.0]]
EVENING = np.array([[2 if 16 <= hour < 21 else 1 for hour in range(24)]] * 12)
NIGHT = np.array([[2 if hour < 6 else 1 for hour in range(24)]] * 12)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def stock() -> Stock:
    return a_stock(9)


def prices(level: float) -> pd.DataFrame:
    energy = np.linspace(0.0, level, 8760)
    return pd.DataFrame(
        {ENERGY_PRICE: energy, CAPACITY_PRICE: np.where(energy > 0.9 * level, 1.0, 0.0)},
        index=hour_stamps(YEAR, "EST"),
    )


def plan_of(
    stock: Stock, homes: slice, level: float, schedule: Any, solar: bool = False
) -> summary.PassPlan:
    """A run over some homes, every second on a flat tariff and the others on the schedule."""
    metadata = stock.metadata.iloc[homes]
    params = {
        "flat": tariff_dict([RATES[0]]),
        "tou": tariff_dict(RATES, schedule),
    }
    on = {int(b): ("flat", "tou")[i % 2] for i, b in enumerate(metadata["bldg_id"])}
    return load_pass.run_plan(metadata, prices(level), params, on, YEAR, solar=solar)


def figures(found: summary.LoadSummary) -> list[bytes]:
    arrays: list[Any] = [found.hourly_demand, found.burden, found.kwh, found.peak_kwh]
    for use in found.electricity.values():
        arrays += list(vars(use).values())
    return [array.tobytes() for array in arrays if array is not None]


def test_runs_asked_together_have_the_bits_of_each_alone(stock: Stock) -> None:
    plans = [
        plan_of(stock, slice(None), 1.0, EVENING, solar=True),
        plan_of(stock, slice(2, 7), 2.0, NIGHT),
        plan_of(stock, slice(0, 5), 1.0, EVENING),
    ]
    frame = as_load_frame(stock.electric_frame(), partition_buildings=2)
    asked = plans[0].measures | plans[1].measures | plans[2].measures
    parts, shared = summary.partial_summaries(frame, asked)
    together = summary.finalize(summary.tree(parts, shared).compute(), asked)
    for plan in plans:
        alone = summary.summarize(frame, plan)
        assert figures(together.of_run(plan)) == figures(alone)


def test_the_same_question_is_put_once(stock: Stock) -> None:
    one = plan_of(stock, slice(None), 1.0, EVENING)
    priced = plan_of(stock, slice(None), 3.0, EVENING)
    both = one.measures | priced.measures
    # The other price is one burden more; its peak hours are the same.
    assert len(both.each) == len(one.measures.each) + 1
    assert (both | both).each == both.each
    # Tariffs of other rates on one schedule ask the same of the hours.
    flat, tou = one.electric_uses["flat"].billed, one.electric_uses["tou"].billed
    assert flat.key != tou.key and flat.key == priced.electric_uses["flat"].billed.key


def test_a_key_is_what_is_asked_and_not_of_whom(stock: Stock) -> None:
    ids, weight, _ = summary.sorted_weights(stock.bldg_ids, stock.weight)
    price = np.linspace(0.0, 1.0, 8760)
    assert Burden(ids, price).key == Burden(ids[:3], price.copy()).key
    assert Burden(ids, price).key != Burden(ids, price * 2.0).key
    assert Energy(ids).key != Energy(ids, price > 0.5).key
    # A weighted sum is of its homes: other homes or weights make it another.
    assert Demand(ids, weight).key != Demand(ids[1:], weight[1:]).key
    assert Demand(ids, weight).key != Demand(ids, weight * 2.0).key
    union = Measures.of(ids, [Burden(ids[:3], price), Burden(ids[2:5], price)])
    assert union.each[0].homes.tolist() == ids[:5].tolist()


def test_a_summary_has_no_answer_to_what_it_was_not_asked(stock: Stock) -> None:
    plan = plan_of(stock, slice(0, 4), 1.0, EVENING)
    found = summary.summarize(as_load_frame(stock.electric_frame()), plan).summary
    burden = plan.burden
    assert burden is not None
    assert found[Burden(burden.homes[1:3], burden.price)].tolist() == found[burden][1:3].tolist()
    with pytest.raises(LoadError, match="marginal prices: take it again"):
        found[Burden(burden.homes, burden.price * 2.0)]
    everyone = np.sort(np.asarray(stock.bldg_ids))
    with pytest.raises(LoadError, match=f"took nothing of .*{everyone[-1]}"):
        found[Burden(everyone, burden.price)]
    with pytest.raises(LoadError, match="this run's marginal prices"):
        found.of_run(plan_of(stock, slice(0, 4), 2.0, EVENING))
