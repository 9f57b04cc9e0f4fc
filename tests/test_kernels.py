"""Formulas of the pass, against arithmetic on small arrays."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairo.model import kernels


def test_net_load_subtracts_generation_of_either_sign() -> None:
    load = np.array([3.0, 1.0, 2.0])
    assert kernels.net_load(load, np.array([0.0, -4.0, -0.5])).tolist() == [3.0, -3.0, 1.5]
    assert kernels.net_load(load, np.array([0.0, 4.0, 0.5])).tolist() == [3.0, -3.0, 1.5]
    assert kernels.net_load(load, np.zeros(3)).tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_sign_that_carries_the_energy_is_generation_and_the_other_is_use(sign: float) -> None:
    # An inverter's small draw: 2 + 0.1 and 1 - 3, whichever sign generation has.
    load, pv = np.array([2.0, 1.0]), sign * np.array([-0.1, 3.0])
    assert kernels.net_load(load, pv).tolist() == [2.1, -2.0]
    assert kernels.generation(pv).tolist() == [0.0, 3.0]
    assert kernels.net_exports(load, pv).tolist() == [0.0, 2.0]
    assert kernels.self_consumption(load, pv).tolist() == [0.0, 1.0]
    assert kernels.loss_share(pv) == pytest.approx(0.1 / 3.1)


def test_losses_are_never_exported() -> None:
    # A house without use, 5 kWh made at noon, 0.02 kWh lost at night: 5 out, 0.02 in.
    load, pv = np.zeros(2), np.array([[-5.0, 0.02], [5.0, -0.02]])
    assert kernels.net_exports(load, pv).tolist() == [[5.0, 0.0], [5.0, 0.0]]
    for row in pv:
        assert kernels.grid_consumption(kernels.net_load(load, row)).tolist() == [0.0, 0.02]


def test_energies_beyond_all_numbers_have_no_sign() -> None:
    assert kernels.loss_share(np.array([1e308, 1e308, -1e308])) == 0.5


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50), st.sampled_from([1.0, -1.0]))
def test_of_one_sign_generation_is_its_size_to_the_bit(hours: list[float], sign: float) -> None:
    pv = sign * np.array(hours)
    assert kernels.generation(pv).tobytes() == np.abs(pv).tobytes()
    assert kernels.loss_share(pv) == 0.0
    load = np.full(len(pv), 3.0)
    assert kernels.net_load(load, pv).tobytes() == (load - np.abs(pv)).tobytes()


def test_exports_are_generation_beyond_the_hours_use() -> None:
    load, pv = np.array([1.0, 1.0, 2.0]), np.array([-3.0, -0.5, 0.0])
    assert kernels.net_exports(load, pv).tolist() == [2.0, 0.0, 0.0]
    assert kernels.self_consumption(load, pv).tolist() == [1.0, 0.5, 0.0]
    assert kernels.net_exports(load, -pv).tolist() == [2.0, 0.0, 0.0]


def test_grid_consumption_never_goes_below_zero() -> None:
    assert kernels.grid_consumption(np.array([-2.0, 0.0, 1.5])).tolist() == [0.0, 0.0, 1.5]


def test_burden_is_the_sum_of_load_times_price() -> None:
    load = np.array([[1.0, 2.0, 3.0], [4.0, 0.0, -1.0]])
    # 1x0.5 + 2x0.25 + 3x2 and 4x0.5 - 1x2
    assert kernels.economic_burden(load, np.array([0.5, 0.25, 2.0])).tolist() == [7.0, 0.0]


def test_peak_hours_have_capacity_or_distribution_cost() -> None:
    capacity = np.array([0.0, 1.0, 0.0, 0.0])
    distribution = np.array([0.0, 0.0, 2.0, 0.0])
    peak = kernels.peak_hours(capacity, distribution)
    assert peak.tolist() == [False, True, True, False]
    load = np.array([[10.0, 1.0, 2.0, 20.0]])
    assert kernels.peak_energy(load, peak).tolist() == [3.0]
    assert kernels.peak_energy(load, np.zeros(4, dtype=bool)).tolist() == [0.0]


def test_group_sums_and_peaks_follow_the_order_given() -> None:
    hourly = np.array([[1.0, 10.0, 2.0, 20.0, 3.0]])
    order, starts = np.array([0, 2, 4, 1, 3]), np.array([0, 3])
    assert kernels.group_sums(hourly, order, starts).tolist() == [[6.0, 30.0]]
    assert kernels.group_peaks(hourly, order, starts).tolist() == [[3.0, 20.0]]
    assert kernels.group_sums(hourly, None, starts).tolist() == [[13.0, 23.0]]


@given(st.integers(1, 40), st.lists(st.integers(1, 39), max_size=6), st.integers(0, 99))
def test_the_weighted_sum_has_the_same_bits_however_buildings_are_split(
    n: int, cuts: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    load, weight = rng.normal(size=(n, 5)), 10.0 ** rng.uniform(-5, 5, n)
    place = np.arange(n)
    edges = sorted({0, n, *(cut for cut in cuts if cut < n)})
    pieces = [slice(a, b) for a, b in itertools.pairwise(edges)]
    parts = [kernels.weighted_nodes(load[p], weight[p], place[p]) for p in pieces]
    rng.shuffle(parts)
    whole = kernels.nodes_total(kernels.weighted_nodes(load, weight, place))
    split = kernels.nodes_total(kernels.merge_nodes(parts))
    assert whole.tobytes() == split.tobytes()
    exact = [
        float(sum(Fraction(w) * Fraction(x) for w, x in zip(weight, column, strict=True)))
        for column in load.T
    ]
    scale = np.abs(weight[:, None] * load).sum(axis=0)
    assert np.all(np.abs(whole - exact) <= 1e-15 * scale * math.log2(n + 2) * 2)


def test_no_buildings_have_no_total() -> None:
    with pytest.raises(ValueError, match="no buildings"):
        kernels.nodes_total({})


@given(st.integers(1, 30), st.integers(0, 999))
def test_a_buildings_own_sums_do_not_depend_on_its_neighbours(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    load, price = rng.normal(size=(n, 8760)), rng.normal(size=8760)
    peak = rng.random(8760) < 0.01
    order = np.argsort(rng.integers(0, 36, 8760), kind="stable")
    starts = np.arange(0, 8760, 365)
    for function in (
        lambda x: kernels.economic_burden(x, price),
        kernels.annual_energy,
        lambda x: kernels.peak_energy(x, peak),
        lambda x: kernels.group_sums(x, order, starts),
        lambda x: kernels.group_sums(x, None, starts),
    ):
        together = function(load)
        for row in (0, n - 1):
            assert function(load[row : row + 1])[0].tobytes() == together[row].tobytes()


def test_residual_shares_follow_the_basis_and_add_to_the_residual() -> None:
    weight, basis = np.array([1.0, 3.0]), np.array([10.0, 30.0])
    # total basis 1x10 + 3x30 = 100, so 500 $ x 10/100 and x 30/100
    share = kernels.residual_share(500.0, basis, weight)
    assert share.tolist() == [50.0, 150.0]
    assert kernels.weighted_total(weight, share) == 500.0
    assert kernels.residual_share(-100.0, basis, weight).tolist() == [-10.0, -30.0]


def test_a_basis_that_adds_to_zero_shares_nothing() -> None:
    assert kernels.residual_share(500.0, np.zeros(2), np.ones(2)).tolist() == [0.0, 0.0]


def test_bill_alignment_is_bill_less_burden_less_share() -> None:
    aligned = kernels.bill_alignment(np.array([1000.0]), np.array([600.0]), np.array([150.0]))
    assert aligned.tolist() == [250.0]


def test_weighted_total_is_exactly_rounded_in_any_order() -> None:
    value = np.array([1e16, 1.0, -1e16, 1.0])
    assert kernels.weighted_total(np.ones(4), value) == 2.0
    assert kernels.weighted_total(np.ones(4), value[[1, 0, 3, 2]]) == 2.0


def test_marginal_costs_are_price_times_system_demand() -> None:
    prices = np.array([[0.1, 1.0], [0.2, 0.0]])
    costs = kernels.marginal_costs(prices, np.array([10.0, 100.0]))
    assert costs.tolist() == [[1.0, 10.0], [20.0, 0.0]]
