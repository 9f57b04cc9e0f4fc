"""What rates must collect and the bills that collect it; with customers' response, in rounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from cairo.errors import RequirementError
from cairo.model.components import DELIVERY, SUPPLY, ComponentCosts, split_marginal
from cairo.model.kernels import weighted_total
from cairo.model.names import ANNUAL, DISTRIBUTION_PRICE, RESIDUAL_COSTS
from cairo.model.tariff import Tariff
from cairo.rates_tool import system_revenues
from cairo.rates_tool.backend import ElectricBills, LoadBackend
from cairo.rates_tool.response_run import MOST_ROUNDS, RATE_CHANGE
from cairo.rates_tool.run_spec import Costs, Requirement


def system_costs(backend: LoadBackend, requirement: Requirement, demand: pd.Series) -> Costs:
    """What the system costs at a demand (8760,) [kWh], and what rates must collect."""
    spec = backend.spec
    by_tariff = requirement.target if isinstance(requirement.target, Mapping) else None
    target = sum(by_tariff.values()) if by_tariff is not None else requirement.target
    prices = backend.prices.frame
    distribution = prices[[name for name in prices if name == DISTRIBUTION_PRICE]]
    total, _, _, by_type = system_revenues._return_revenue_requirement_target(
        demand,
        None,
        target,
        requirement.residual,
        requirement.fraction,
        prices.drop(columns=distribution.columns),
        distribution,
        None if spec.assistance is None else spec.assistance.strategy,
        requirement.delivery_only,
    )
    costs = dict(by_type)
    return Costs(total, by_tariff, costs, components=_components(requirement, total, costs))


def _components(
    requirement: Requirement, total: float, by_type: Mapping[str, float]
) -> dict[str, ComponentCosts] | None:
    """{component: its part of the costs}, where the requirement says what delivery's is."""
    given = requirement.delivery
    if given is None:
        return None
    delivery = math.fsum(given.values()) if isinstance(given, Mapping) else given
    marginal = split_marginal(by_type)
    return {
        DELIVERY: ComponentCosts(delivery, marginal[DELIVERY]),
        SUPPLY: ComponentCosts(total - delivery, marginal[SUPPLY]),
    }


def first_costs(backend: LoadBackend) -> tuple[Costs, ElectricBills | None]:
    """(costs before any response, bills where the requirement is what they collect)."""
    requirement = backend.spec.requirement
    if requirement.is_given:
        return system_costs(backend, requirement, backend.demand), None
    electric = backend.electric_bills(0.0)
    annual = electric.monthly[ANNUAL].to_numpy(np.float64)
    collected = weighted_total(backend.spec.customers.weight, annual)
    costs = system_costs(backend, Requirement(collected), backend.demand)
    return replace(costs, from_bills=True), electric


def settled(
    backend: LoadBackend, before: Costs, electric: ElectricBills | None = None
) -> tuple[Costs, ElectricBills]:
    """(costs, electric bills) of a run, after customers have responded where they do.

    The residual is that of the loads before the response; marginal costs are those after it. A
    class of its own requirement that responds pays its own change, the others what they did.
    Tariffs whose rates follow from costs by period take them from the loads after the response.

    Raises
    ------
    RequirementError
        A requirement that cannot be met, or rates and response that do not settle.
    """
    spec = backend.spec
    if spec.response is None:
        if electric is None:
            electric = backend.electric_bills(before.by_tariff or before.requirement)
        return before, electric
    tariffs = spec.first_prices()
    change = np.inf
    for _ in range(MOST_ROUNDS):
        backend.respond(tariffs)
        assert backend.responded is not None
        backend.spec = spec.with_costs(backend.responded.period_costs)
        costs = _after(backend, before)
        electric = backend.electric_bills(costs.by_tariff or costs.requirement)
        change = _largest_change(tariffs, electric.tariffs)
        if not spec.response.calibrated or change < RATE_CHANGE:
            return costs, electric
        tariffs = electric.tariffs
    raise RequirementError(
        f"rates and response do not settle: after {MOST_ROUNDS} rounds a rate still changes by "
        f"{change:.2g} $/kWh; give a less negative elasticity, or elasticity_response: given"
    )


def _after(backend: LoadBackend, before: Costs) -> Costs:
    """Costs after the response."""
    assert backend.responded is not None
    residual = Requirement(residual=before.by_type[RESIDUAL_COSTS])
    costs = replace(system_costs(backend, residual, backend.demand), from_bills=before.from_bills)
    if before.components is not None:
        marginal = split_marginal(costs.by_type)
        costs = replace(
            costs,
            components={
                component: ComponentCosts(one.residual + marginal[component], marginal[component])
                for component, one in before.components.items()
            },
        )
    if before.by_tariff is None:
        return costs
    change = backend.responded.marginal_change
    by_tariff = {key: value + change.get(key, 0.0) for key, value in before.by_tariff.items()}
    return replace(costs, by_tariff=by_tariff)


def _largest_change(before: Mapping[str, Tariff], after: Mapping[str, Tariff]) -> float:
    """Of any energy rate of any tariff [$/kWh]."""
    return max(float(np.abs(after[key].rate - one.rate).max()) for key, one in before.items())
