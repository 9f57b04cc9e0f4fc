"""A run's costs, shares and bills split into delivery and supply, beside their totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cairo.model.allocations import ALLOCATIONS, Bases
from cairo.model.arrays import Float1D
from cairo.model.components import (
    COMPONENTS,
    DELIVERY,
    SUPPLY,
    ComponentCosts,
    ComponentShares,
    of_component,
)
from cairo.model.kernels import bill_alignment, weighted_total
from cairo.model.names import ANNUAL, BURDEN
from cairo.model.tariff import Tariff
from cairo.rates_tool.run_spec import Costs

if TYPE_CHECKING:
    from cairo.rates_tool.backend import LoadBackend


@dataclass(frozen=True, eq=False)
class Split:
    """What a run knows of its two components.

    costs : {component: what it has to collect}.
    bases : `SPLIT_BASES` by bldg_id.
    bills : annual delivery bills [$] by bldg_id; None where nothing says what they are.
    tax_rate : fraction of a bill before tax that has been added to it.
    twins : {tariff key: its delivery twin with final rates}, where there are some.
    """

    costs: Mapping[str, ComponentCosts]
    bases: pd.DataFrame
    bills: pd.Series | None = None
    tax_rate: float = 0.0
    twins: Mapping[str, Tariff] | None = None

    def columns(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """Each component's bill, burden, shares and bill alignment [$], a row a home.

        Parameters
        ----------
        metrics : the totals by bldg_id, with `Annual`, the burden and `weight`.
        """
        bills = self._bills(metrics)
        found = {of_component(ANNUAL, component): bill for component, bill in bills.items()}
        shares = self._shares(metrics)
        burdens = {component: one.bases.burden for component, one in shares.items()}
        found |= {of_component(BURDEN, component): one for component, one in burdens.items()}
        aligned = {}
        for component, each in shares.items():
            for allocation, share in each.each():
                found[of_component(allocation.share, component)] = share
                if component in bills:
                    aligned[of_component(allocation.name, component)] = bill_alignment(
                        bills[component], burdens[component], share
                    )
        return pd.DataFrame(found | aligned, index=metrics.index)

    def _bills(self, metrics: pd.DataFrame) -> dict[str, Float1D]:
        """{component: annual bills}; supply's are the rest of the bill."""
        if self.bills is None:
            return {}
        delivery = self.bills.reindex(metrics.index).to_numpy(np.float64)
        return {DELIVERY: delivery, SUPPLY: metrics[ANNUAL].to_numpy(np.float64) - delivery}

    def _shares(self, metrics: pd.DataFrame) -> dict[str, ComponentShares]:
        kwh, peak_kwh, delivery = self.bases.reindex(metrics.index).to_numpy(np.float64).T
        weight = metrics["weight"].to_numpy(np.float64)
        burdens = {DELIVERY: delivery, SUPPLY: metrics[BURDEN].to_numpy(np.float64) - delivery}
        return {
            component: ComponentShares(
                self.costs[component], Bases(kwh, peak_kwh, burdens[component]), weight
            )
            for component in COMPONENTS
        }

    def beyond(self, metrics: pd.DataFrame, taxes: float) -> dict[str, float]:
        """{component: weighted dollars that its bills hold besides its requirement}.

        `taxes` are those of the whole bills.
        """
        if self.bills is None:
            return {}
        bill = metrics[of_component(ANNUAL, DELIVERY)].to_numpy(np.float64)
        collected = weighted_total(metrics["weight"].to_numpy(np.float64), bill)
        delivery = collected * self.tax_rate / (1.0 + self.tax_rate)
        return {DELIVERY: delivery, SUPPLY: taxes - delivery}

    def remarks(self, metrics: object, tariff_of: Mapping[int, str]) -> list[str]:
        """What is zero because nobody, or nobody of a tariff's homes, has what it goes by."""
        if isinstance(metrics, pd.DataFrame) and of_component(BURDEN, DELIVERY) in metrics:
            return list(self._zeros(metrics, tariff_of))
        return ["Bill alignment is a caller's own: it is not split into delivery and supply."]

    def _zeros(self, metrics: pd.DataFrame, tariff_of: Mapping[int, str]) -> Iterator[str]:
        weight = metrics["weight"].to_numpy(np.float64)
        keys = np.array([tariff_of[int(bldg_id)] for bldg_id in metrics.index])
        shares = self._shares(metrics)
        for allocation in ALLOCATIONS:
            for component, one in shares.items():
                weighted = weight * allocation.basis(one.bases)
                what = f"{allocation.basis_label}: their {component} share by {allocation.name} is"
                if not weighted.any():
                    yield (
                        f"No home has any {what} zero, and {one.costs.residual:,.0f} $ of "
                        f"{component} residual are nobody's."
                    )
                    continue
                for key in np.unique(keys):
                    if not weighted[keys == key].any():
                        yield f"No home on tariff {key} has any {what} zero."


def split_of(backend: LoadBackend, costs: Costs) -> Split | None:
    """The split of a run, whose delivery twins are billed here; None where it has none."""
    spec = backend.spec
    if costs.components is None:
        return None
    bases, rate = backend.split_bases(), spec.taxes.rate
    if spec.twins is None:
        bills = spec.delivery if isinstance(spec.delivery, pd.Series) else None
        return Split(costs.components, bases, bills, rate)
    by_tariff = spec.requirement.delivery
    alike = costs.components[DELIVERY].requirement
    electric = backend.twin_bills(by_tariff if isinstance(by_tariff, Mapping) else alike)
    bills = electric.monthly[ANNUAL] * (1.0 + rate)
    return Split(costs.components, bases, bills, rate, electric.tariffs)
