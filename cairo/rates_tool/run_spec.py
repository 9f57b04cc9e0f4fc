"""`RunSpec`: what a run is, typed; made of a scenario's inputs or of `simulate`'s arguments."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from cairo.errors import MetadataError, TariffError, listed, listed_buildings
from cairo.files.metadata import building_ids, scaled_weights
from cairo.files.tariff_files import read_tariffs
from cairo.files.tariff_maps import TariffMap, tariff_of
from cairo.model.arrays import Float1D, Float2D
from cairo.model.bills import SolarStyle
from cairo.model.components import ComponentCosts
from cairo.model.elasticity import Response
from cairo.model.names import TOTAL_SYSTEM_COSTS, RunType
from cairo.model.prices import Prices
from cairo.model.response import ResponsePlan
from cairo.model.tariff import AnyTariff, Tariff, parse_tariff
from cairo.model.tariff_fields import Unmodelled
from cairo.model.tariff_rows import TariffDict
from cairo.rates_tool import tariffs as tariff_funcs
from cairo.rates_tool.relative_rates import relative_rates
from cairo.rates_tool.response_run import response_plans
from cairo.shared import read_once

if TYPE_CHECKING:
    from cairo.files.reading import FilePath

SellRates: TypeAlias = Mapping[str, AnyTariff | None] | None
"""{tariff key: tariff whose sell rates credit exports}; CAIRO passes tariff-shaped dicts."""
GivenTariff: TypeAlias = "FilePath | AnyTariff"
"""A tariff, its PySAM-style dict, or its file."""


@dataclass(frozen=True, eq=False)
class Customers:
    """Modelled homes in the order of every result.

    frame : `bldg_id` and `weight` [customers] first, then segment columns; a row a home.
    """

    frame: pd.DataFrame

    @classmethod
    def of(cls, metadata: pd.DataFrame, sample: Sequence[int] | None = None) -> Customers:
        """Customers of a metadata frame, all or a sample of them.

        Raises
        ------
        MetadataError
            A column is missing, a home of the sample is, or one is there twice.
        """
        missing = {"bldg_id", "weight"} - set(metadata.columns)
        if missing:
            raise MetadataError(f"customer metadata has no column {listed(sorted(missing))}")
        metadata = metadata.assign(bldg_id=building_ids(metadata["bldg_id"], "customer metadata"))
        if sample is not None:
            rows = metadata.set_index("bldg_id", drop=False)
            unknown = [i for i in sample if i not in rows.index]
            if unknown:
                raise MetadataError(f"no metadata for buildings {listed_buildings(unknown)}")
            metadata = rows.loc[list(sample)].reset_index(drop=True)
        twice = metadata["bldg_id"][metadata["bldg_id"].duplicated()]
        if len(twice):
            raise MetadataError(
                f"customer metadata has buildings twice: {listed_buildings(twice.tolist())}"
            )
        metadata = metadata.assign(weight=scaled_weights(metadata, None, "customer metadata"))
        rest = [name for name in metadata.columns if name not in ("bldg_id", "weight")]
        return cls(metadata[["bldg_id", "weight", *rest]].reset_index(drop=True))

    @functools.cached_property
    def ids(self) -> list[int]:
        """bldg_ids (n,)."""
        ids: list[int] = self.frame["bldg_id"].tolist()
        return ids

    @property
    def weight(self) -> Float1D:
        """Customers (n,) each home stands for."""
        weight: Float1D = self.frame["weight"].to_numpy(np.float64)
        return weight

    @property
    def weight_by_id(self) -> pd.Series:
        """The weights by bldg_id."""
        return self.frame.set_index("bldg_id")["weight"]


@dataclass(frozen=True, eq=False)
class Service:
    """What a fuel is billed by: {tariff key: tariff}, and {bldg_id: tariff key} of every home."""

    tariffs: Mapping[str, Tariff]
    tariff_of: Mapping[int, str]

    @property
    def frame(self) -> pd.DataFrame:
        """The tariff map, columns `bldg_id, tariff_key`."""
        on = self.tariff_of
        return pd.DataFrame({"bldg_id": list(on), "tariff_key": list(on.values())})

    def dicts(self) -> dict[str, TariffDict]:
        """{tariff key: PySAM-style dict}, as CAIRO's functions take it."""
        return {key: tariff.to_dict() for key, tariff in self.tariffs.items()}


@dataclass(frozen=True, eq=False)
class GasService:
    """Gas tariffs as a caller gives them: the map, and {tariff key: file or tariff} per kWh.

    Files are read when a bill needs them: a caller may bill gas by a function of its own, which
    reads {tariff key: file}. files : of those that have been read, on this machine, and are billed
    as they are. unmodelled : fields that bills leave out.
    """

    tariff_map: TariffMap
    tariffs: Mapping[str, GivenTariff]
    files: Mapping[str, str] = field(default_factory=dict)
    unmodelled: Sequence[Unmodelled] = ()

    @property
    def for_callers(self) -> dict[str, GivenTariff]:
        """{tariff key: file}, the PySAM-style dict where it has no file of this machine."""
        return {**self.as_given(), **self.files}

    def as_given(self) -> dict[str, GivenTariff]:
        """{tariff key: file or PySAM-style dict}, as CAIRO's callers have them."""
        return {
            key: given.to_dict() if isinstance(given, Tariff) else given
            for key, given in self.tariffs.items()
        }

    def read(self, bldg_ids: Sequence[int]) -> Service:
        """The tariffs of some homes, parsed, per therm.

        Raises
        ------
        TariffError
            Homes without tariff, keys without file, or a file that cannot be billed.
        """
        return read_once(self._read, tuple(bldg_ids))

    def _read(self, bldg_ids: Sequence[int]) -> Service:
        on = tariff_of(self.tariff_map, bldg_ids, "gas tariff map")
        keys = sorted(set(on.values()))
        absent = [key for key in keys if key not in self.tariffs]
        if absent:
            raise TariffError(f"no gas tariff file for {listed(absent)}")
        parsed: dict[str, Tariff] = {}
        for key in keys:
            given = self.tariffs[key]
            if not isinstance(given, Mapping | Tariff):
                given = read_tariffs([key], {key: given})[key]
            parsed[key] = parse_tariff(key, given).in_therms()
        return Service(parsed, on)


@dataclass(frozen=True, eq=False)
class Solar:
    """How exports are credited.

    style : None credits nothing. sell : {tariff key: (P, T) export ratio (net metering) or sell
    price [$/kWh] (net billing)}.
    """

    style: SolarStyle | None = None
    sell: Mapping[str, Float2D] = field(default_factory=dict)

    @classmethod
    def of(cls, style: SolarStyle | None, sell_rate: SellRates, keys: Sequence[str]) -> Solar:
        """Solar compensation as CAIRO passes it, of the tariffs in use."""
        given = sell_rate or {}
        sell = {}
        for key in keys:
            tariff = given.get(key)
            if tariff is not None:
                sell[key] = parse_tariff(key, tariff).sell
        return cls(style, sell)

    def sell_rate(self, tariffs: Mapping[str, Tariff]) -> dict[str, Tariff | None] | None:
        """{tariff key: tariff with these sell rates, or None}, in the form that CAIRO has."""
        if not self.sell:
            return None
        return {
            key: tariff.with_sell_rates(self.sell[key]) if key in self.sell else None
            for key, tariff in tariffs.items()
        }


@dataclass(frozen=True)
class Taxes:
    """What is added to bills: rate, a fraction of the bill; surcharge [$/kWh]."""

    rate: float = 0.0
    surcharge: float = 0.0


@dataclass(frozen=True)
class Assistance:
    """Low-income bill assistance; see `model.low_income_assistance`."""

    strategy: str
    participation_target: float | None = None
    program: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Requirement:
    """What rates have to collect [$/year], from exactly one of three.

    target : in all, or {tariff key: $}; residual : the residual; fraction : the residual as a
    share of the system's whole cost. delivery_only : the target leaves out supply.
    delivery : the part of the target that is delivery's, where costs are split into delivery and
    supply; {tariff key: $} where the target is.
    """

    target: float | Mapping[str, float] | None = None
    residual: float | None = None
    fraction: float | None = None
    delivery_only: bool = False
    delivery: float | Mapping[str, float] | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is one; without it, it is what a default run's bills collect."""
        return any(one is not None for one in (self.target, self.residual, self.fraction))


@dataclass(frozen=True)
class DistributionCost:
    """A $/kW-yr cost to spread over the system's own highest net-load hours."""

    per_kw_year: float
    hours: int


@dataclass(frozen=True, eq=False)
class Billing:
    """What electric bills are made by, fields as those of a run.

    unmodelled : fields of the tariffs that the bills leave out.
    """

    service: Service
    relative: pd.DataFrame | None = None
    solar: Solar = field(default_factory=Solar)
    unmodelled: Sequence[Unmodelled] = ()


@dataclass(frozen=True, eq=False)
class RunSpec:
    """A run, but for its hourly loads.

    name : of the run. run_type : "precalc" solves for rates, "default" bills the tariffs as they
    are. year : of loads and bills; dollar_year : of the `target` bills' dollars.
    customers, electricity, gas : who is billed, and by what; no gas is billed when None.
    response : how customers respond to price; None when they do not.
    prices : components of the marginal price; distribution_cost : another one, spread once the
    system's demand is known.
    requirement : what rates have to collect.
    relative : `period, tier, rel_value, tariff` of a precalc run; the tariffs' own when None.
    delivery : where the delivery part of bills comes from: twins of the tariffs, or the annual
    bills [$] of another run by bldg_id. kwh_scale : factor on every home's electric hours.
    at_cost : keys of tariffs whose rates are in proportion to what a kWh of each period costs.
    """

    name: str
    run_type: RunType
    year: int
    dollar_year: int
    customers: Customers
    electricity: Service
    prices: Prices
    requirement: Requirement
    gas: GasService | None = None
    relative: pd.DataFrame | None = None
    solar: Solar = field(default_factory=Solar)
    taxes: Taxes = field(default_factory=Taxes)
    assistance: Assistance | None = None
    distribution_cost: DistributionCost | None = None
    response: Response | None = None
    delivery: Billing | pd.Series | None = None
    kwh_scale: float = 1.0
    at_cost: frozenset[str] = frozenset()

    @property
    def is_split(self) -> bool:
        """Whether costs and shares are split into delivery and supply."""
        return self.requirement.delivery is not None

    @property
    def twins(self) -> Billing | None:
        """Delivery twins of the tariffs, under the same keys, where there are some."""
        return self.delivery if isinstance(self.delivery, Billing) else None

    @property
    def billing(self) -> Billing:
        """What electric bills are made by."""
        return Billing(self.electricity, self.relative, self.solar)

    def response_plans(self, tariffs: Mapping[str, Tariff]) -> dict[str, ResponsePlan]:
        """{tariff key: how its customers respond to its prices}; empty when nobody does."""
        if self.response is None:
            return {}
        return response_plans(self.response, tariffs, self.year, self.solar.style)

    def with_costs(self, costs: Mapping[str, Float1D]) -> RunSpec:
        """The run with other costs (P,) [$/kWh] in the rates of tariffs that are at cost."""
        if not costs:
            return self
        rates = {key: cost[:, None] for key, cost in costs.items()}
        tariffs = {
            key: tariff.with_energy_rates(rates[key]) if key in rates else tariff
            for key, tariff in self.electricity.tariffs.items()
        }
        relative = self.relative
        if relative is not None:
            others = relative[~relative["tariff"].isin(list(rates))]
            own = tariff_funcs.precalc_period_mapping({key: tariffs[key] for key in rates})
            relative = pd.concat([others, own], ignore_index=True)
        service, sell = replace(self.electricity, tariffs=tariffs), dict(self.solar.sell)
        if self.solar.style == "net_billing":
            # Sell prices are a share of the rates.
            for key in rates:
                sell[key] = sell[key] * (rates[key] / self.electricity.tariffs[key].rate)
        solar = replace(self.solar, sell=sell)
        return replace(self, electricity=service, relative=relative, solar=solar)

    def first_prices(self) -> Mapping[str, Tariff]:
        """The tariffs that customers respond to first: as given, or with the rates' own shape."""
        tariffs = self.electricity.tariffs
        if self.response is None or not self.response.calibrated or self.relative is None:
            return tariffs
        return {
            key: tariff.with_energy_rates(relative_rates(self.relative, tariff))
            for key, tariff in tariffs.items()
        }


@dataclass(frozen=True, eq=False)
class Costs:
    """What the system costs and rates must collect.

    requirement : [$/year] of all rates; by_tariff : {tariff key: $}, where each has its own.
    by_type : {cost: $/year}, with `Residual Costs ($)`.
    from_bills : whether the requirement is what the bills collect, as nobody has given one.
    components : {"delivery", "supply": its part}; None where costs are not split.
    """

    requirement: float
    by_tariff: Mapping[str, float] | None
    by_type: Mapping[str, float]
    from_bills: bool = False
    components: Mapping[str, ComponentCosts] | None = None

    @classmethod
    def given(
        cls, requirement: float | Mapping[str, float] | None, by_type: Mapping[str, float]
    ) -> Costs:
        """Costs that a caller has computed; a requirement of None is the system's whole cost."""
        if isinstance(requirement, Mapping):
            return cls(math.fsum(requirement.values()), requirement, by_type)
        total = by_type.get(TOTAL_SYSTEM_COSTS, math.nan) if requirement is None else requirement
        return cls(float(total), None, by_type)
