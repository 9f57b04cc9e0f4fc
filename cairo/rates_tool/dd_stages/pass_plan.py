"""What one run asks of its homes' hours, put together of measures."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cairo.model.arrays import Bool1D, Float1D, Int1D
from cairo.model.bills import SolarStyle, two_meters
from cairo.model.names import GROSS_LOAD, NET_LOAD
from cairo.model.periods import PeriodPlan, PeriodUse, period_plan
from cairo.model.response import ResponsePlan
from cairo.model.tariff import Tariff
from cairo.rates_tool.dd_stages.aggregate import Demand
from cairo.rates_tool.dd_stages.by_season import BySeason
from cairo.rates_tool.dd_stages.exports import Exports
from cairo.rates_tool.dd_stages.marginal import Burden
from cairo.rates_tool.dd_stages.measure import Measure, Measures
from cairo.rates_tool.dd_stages.period import ByPeriod
from cairo.rates_tool.dd_stages.residual import Energy
from cairo.rates_tool.dd_stages.response_demand import GivenAndTaken

if TYPE_CHECKING:
    from cairo.rates_tool.dd_stages.summary import Summary

GAS_THERMS = "natural_gas"


@dataclass(frozen=True, eq=False)
class TariffUse:
    """What one tariff needs of the hours of those on it; measures of `plan`'s schedules."""

    homes: Int1D
    plan: PeriodPlan
    column: str
    solar: bool

    @property
    def billed(self) -> ByPeriod:
        """Billed energy by month and energy period."""
        return ByPeriod(self.homes, self.column, self.plan.energy)

    @property
    def month_peaks(self) -> ByPeriod | None:
        """The month's highest hour."""
        if not self.plan.monthly_peak:
            return None
        return ByPeriod(self.homes, self.column, self.plan.months, highest=True)

    @property
    def demand_peaks(self) -> ByPeriod | None:
        """The highest hour of each demand period."""
        demand = self.plan.demand
        return None if demand is None else ByPeriod(self.homes, self.column, demand, highest=True)

    @property
    def exports(self) -> Exports | None:
        """Solar energy by month and energy period."""
        return Exports(self.homes, self.plan.energy) if self.solar else None

    def measures(self) -> Iterator[Measure]:
        """All of them."""
        every = (self.billed, self.month_peaks, self.demand_peaks, self.exports)
        yield from (one for one in every if one is not None)

    def use(self, summary: Summary) -> PeriodUse:
        """The customers' use by month and period, of a summary that has it."""
        peaks, demand, exports = self.month_peaks, self.demand_peaks, self.exports
        solar = None if exports is None else summary[exports]
        # With two meters all use is bought and all generation sold.
        sold, own = (2, None) if self.column == GROSS_LOAD else (0, 1)
        return PeriodUse(
            self.homes,
            summary[self.billed],
            peak_kw=None if peaks is None else summary[peaks][:, :, 0],
            demand_kw=None if demand is None else summary[demand],
            exports=None if solar is None else solar[:, sold],
            self_use=None if solar is None or own is None else solar[:, own],
            generation=None if solar is None else solar[:, 2],
        )


@dataclass(frozen=True, eq=False)
class UsePlan:
    """Which tariff each building is on, and what that tariff needs of its hours.

    tariff_of : (n,) place in `keys`, or -1 for a building without; in the order of the pass's
    bldg_ids.
    two_meters : keys of tariffs that buy all use and sell all generation.
    """

    keys: tuple[str, ...]
    plans: tuple[PeriodPlan, ...]
    tariff_of: Int1D
    two_meters: frozenset[str] = frozenset()

    def by_tariff(self, bldg_ids: Int1D, column: str, solar: bool) -> dict[str, TariffUse]:
        """{tariff key: what is asked}, of tariffs that have customers."""
        uses = {}
        for place, (key, plan) in enumerate(zip(self.keys, self.plans, strict=True)):
            homes = bldg_ids[self.tariff_of == place]
            if len(homes):
                bought = GROSS_LOAD if key in self.two_meters else column
                uses[key] = TariffUse(homes, plan, bought, solar)
        return uses


def use_plan(
    bldg_ids: Int1D,
    strategy: Mapping[int, str],
    tables: Mapping[str, Tariff],
    year: int,
    style: SolarStyle | None = None,
) -> UsePlan:
    """The plan of buildings on several tariffs; only tariffs in use are kept."""
    keys = tuple(sorted(set(strategy.values())))
    place = {key: i for i, key in enumerate(keys)}
    return UsePlan(
        keys,
        tuple(period_plan(tables[key], year) for key in keys),
        np.array([place.get(strategy.get(int(i), ""), -1) for i in bldg_ids], dtype=np.int64),
        frozenset(key for key in keys if two_meters(tables[key], style)),
    )


@dataclass(frozen=True, eq=False)
class ResponseUse:
    """What the response of one tariff's homes needs of the hours.

    homes, weight : (n,) and customers they stand for. price, peak, delivery_price : (8760,) as of
    the run.
    from_sums : whether sums may say everything, so that the hours need not be asked again.
    """

    homes: Int1D
    weight: Float1D
    plan: ResponsePlan
    price: Float1D
    peak: Bool1D
    from_sums: bool
    delivery_price: Float1D | None = None

    @functools.cached_property
    def use(self) -> BySeason:
        """Energy by season and period."""
        return BySeason(self.homes, self.plan.groups)

    @functools.cached_property
    def burden(self) -> BySeason:
        """The same at marginal prices."""
        return BySeason(self.homes, self.plan.groups, self.price)

    @functools.cached_property
    def delivery_burden(self) -> BySeason | None:
        """The same at delivery's prices."""
        if self.delivery_price is None:
            return None
        return BySeason(self.homes, self.plan.groups, self.delivery_price)

    @functools.cached_property
    def peak_use(self) -> BySeason:
        """The same in the peak hours."""
        return BySeason(self.homes, self.plan.groups, self.peak.astype(np.float64))

    @functools.cached_property
    def demand(self) -> Demand:
        """Their system demand."""
        return Demand(self.homes, self.weight)

    @functools.cached_property
    def moved(self) -> GivenAndTaken:
        """What of it a response moves."""
        return GivenAndTaken(self.homes, self.weight, self.plan)

    def measures(self) -> Iterator[Measure]:
        """All of them."""
        yield from (self.use, self.burden)
        if self.from_sums:
            yield from (self.peak_use, self.demand, self.moved)
            if self.delivery_burden is not None:
                yield self.delivery_burden


@dataclass(frozen=True, eq=False)
class PassPlan:
    """What one run asks of its homes' hours; parts left None are not asked.

    bldg_ids : (n,) every building of the run, ascending.
    weight : (n,) customers, for the system hourly demand.
    price : (8760,) total marginal price [$/kWh], for the burden.
    peak : (8760,) hours with capacity or distribution cost, for the residual bases.
    electricity, gas : demand by period, tariff by tariff.
    delivery_price : (8760,) delivery's part of the price; twins : demand by period of the
    tariffs' delivery twins.
    solar : also exports and own use by period.
    response : {tariff key: how its customers respond}.
    """

    bldg_ids: Int1D
    weight: Float1D | None = None
    price: Float1D | None = None
    peak: Bool1D | None = None
    electricity: UsePlan | None = None
    gas: UsePlan | None = None
    solar: bool = False
    response: Mapping[str, ResponsePlan] = field(default_factory=dict)
    delivery_price: Float1D | None = None
    twins: UsePlan | None = None

    @functools.cached_property
    def demand(self) -> Demand | None:
        """The question for the system hourly demand."""
        return None if self.weight is None else Demand(self.bldg_ids, self.weight)

    @functools.cached_property
    def burden(self) -> Burden | None:
        """The question for the economic burden."""
        return None if self.price is None else Burden(self.bldg_ids, self.price)

    @functools.cached_property
    def delivery_burden(self) -> Burden | None:
        """The question for the burden of delivery."""
        if self.delivery_price is None:
            return None
        return Burden(self.bldg_ids, self.delivery_price)

    @functools.cached_property
    def energy(self) -> tuple[Energy, Energy] | None:
        """The questions for the energy of the year and of the peak hours."""
        if self.peak is None:
            return None
        return Energy(self.bldg_ids), Energy(self.bldg_ids, self.peak)

    @functools.cached_property
    def electric_uses(self) -> dict[str, TariffUse]:
        """{tariff key: the questions of its electric bills}."""
        if self.electricity is None:
            return {}
        return self.electricity.by_tariff(self.bldg_ids, NET_LOAD, self.solar)

    @functools.cached_property
    def twin_uses(self) -> dict[str, TariffUse]:
        """{tariff key: the questions of its delivery twin's bills}."""
        if self.twins is None:
            return {}
        return self.twins.by_tariff(self.bldg_ids, NET_LOAD, self.solar)

    @functools.cached_property
    def gas_uses(self) -> dict[str, TariffUse]:
        """{tariff key: the questions of its gas bills}."""
        if self.gas is None:
            return {}
        return self.gas.by_tariff(self.bldg_ids, GAS_THERMS, solar=False)

    @functools.cached_property
    def responding(self) -> dict[str, ResponseUse]:
        """{tariff key: the questions of its customers' response}."""
        if not self.response:
            return {}
        assert self.weight is not None and self.price is not None and self.peak is not None
        found = {}
        from_sums = not any(plan.peaks for plan in self.response.values())
        for key, plan in self.response.items():
            homes = self.electric_uses[key].homes
            weight = self.weight[np.searchsorted(self.bldg_ids, homes)]
            found[key] = ResponseUse(
                homes, weight, plan, self.price, self.peak, from_sums, self.delivery_price
            )
        return found

    @functools.cached_property
    def others(self) -> Demand | None:
        """The question for the demand of those who do not respond; None when all do."""
        if not self.response:
            return None
        assert self.weight is not None
        responding = np.concatenate([use.homes for use in self.responding.values()])
        rest = ~np.isin(self.bldg_ids, responding)
        return Demand(self.bldg_ids[rest], self.weight[rest]) if rest.any() else None

    @functools.cached_property
    def measures(self) -> Measures:
        """All questions as one set."""
        asked: list[Measure | None] = [self.demand, self.burden, *(self.energy or ()), self.others]
        asked.append(self.delivery_burden)
        for responding in self.responding.values():
            asked += responding.measures()
        for uses in (self.electric_uses, self.twin_uses, self.gas_uses):
            for use in uses.values():
                asked += use.measures()
        return Measures.of(self.bldg_ids, [one for one in asked if one is not None])
