"""Backends: how the stages over hourly loads are run, a class each behind the same four methods.

A backend reads the loads when it is entered, and is asked afterwards. Nothing outside the classes
asks which of them it has.
"""

from __future__ import annotations

import functools
import importlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

import pandas as pd

from cairo.errors import ScenarioError, listed
from cairo.files.load_file import NOTHING_READ, ReadCount
from cairo.model.backends import REGISTRY, Backend
from cairo.model.bills import Billed
from cairo.model.names import RESIDUAL_COSTS
from cairo.model.prices import Prices
from cairo.model.tariff import Tariff
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource, load_source
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor
from cairo.rates_tool.response_run import Responded
from cairo.rates_tool.run_spec import RunSpec
from cairo.utils.marginal_costs.marginal_cost_calculator import add_distribution_costs
from cairo.workers.settings import DaskSettings
from cairo.workers.stages import Timings

if TYPE_CHECKING:
    from cairo.rates_tool.dd_stages.summary import LoadSummary
    from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunLoads:
    """Hourly loads of a run.

    electricity : where they come from, or a `LoadSummary` taken before.
    gas : of a source of its own; the electric source's when it is the same, None without gas.
    """

    electricity: LoadSource | LoadSummary
    gas: LoadSource | None = None


@dataclass(eq=False)
class Work:
    """How a run is worked on.

    process_workers : processes, or workers of the cluster.
    dask : where the cluster is; None takes the caller's own client, when there is one.
    timings : seconds by stage, told to whoever watches.
    performance_report : record Dask's.
    hold : called with the run directory once it is there, before workers are ended.
    """

    process_workers: int | None = None
    dask: DaskSettings | None = None
    timings: Timings = field(default_factory=lambda: Timings(None))
    performance_report: bool = False
    hold: Callable[[Path], None] | None = None


@dataclass(frozen=True, eq=False)
class ElectricBills:
    """Bills (index bldg_id, `Jan`..`Dec`, `Annual`) [$], billed energy by month [kWh], the
    tariffs with their final rates, and the bills' parts by tariff.

    billed : without a home whose bill a caller has made in a way of its own.
    """

    monthly: pd.DataFrame
    grid_kwh: pd.DataFrame
    tariffs: Mapping[str, Tariff]
    billed: Sequence[Billed]


class LoadBackend(ABC):
    """What a run asks of the hourly loads, answered.

    Parameters
    ----------
    spec : the run.
    loads : its hourly loads.
    work : how it is worked on.
    simulator : CAIRO's object, whose stages a caller may have replaced.
    """

    name: ClassVar[Backend]
    shares_pass: ClassVar[bool] = False
    """Several runs of a study can ask their questions in one reading of the hours."""

    def __init__(
        self,
        spec: RunSpec,
        loads: RunLoads,
        work: Work,
        simulator: MeetRevenueSufficiencySystemWide,
    ) -> None:
        self.spec = spec
        self.work = work
        self.simulator = simulator
        self.loads = loads
        self.read: ReadCount = NOTHING_READ
        self.workers: Mapping[str, object] = {}
        self.responded: Responded | None = None
        self._kept = ExitStack()

    @property
    def performance_report(self) -> str | None:
        """Dask's report of the work so far, as HTML, where one was wanted."""
        return None

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | LoadSummary:
        """Loads as a caller gives them.

        Raises
        ------
        LoadError, ScenarioError
            They are nothing this backend works on.
        """
        # Imported here: it needs dask.dataframe, which this backend may not.
        from cairo.rates_tool.dd_stages.summary import LoadSummary

        if isinstance(given, LoadSummary):
            raise ScenarioError("a LoadSummary needs the backend dask_dataframe")
        return load_source(given, options)

    @classmethod
    @abstractmethod
    def passed_over(cls, simulator: MeetRevenueSufficiencySystemWide) -> list[str]:
        """Functions of CAIRO's that a caller has replaced and this backend does not call."""

    @classmethod
    def warn_of_passed_over(cls, simulator: MeetRevenueSufficiencySystemWide) -> None:
        """Say in one warning which replaced functions are not called."""
        names = cls.passed_over(simulator)
        if names:
            logging.getLogger("cairo.rates_tool.replaced").warning(
                "backend %s does these stages itself and passes over what is in their place: %s; "
                "backend pandas runs it",
                cls.name,
                listed(names),
            )

    # What every backend does

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what was kept: processes, workers."""
        self._kept.__exit__(kind, error, trace)

    @abstractmethod
    def system_demand(self) -> pd.Series:
        """System hourly demand, (8760,) by time [kWh]."""

    @abstractmethod
    def respond(self, tariffs: Mapping[str, Tariff]) -> None:
        """Let customers respond to the prices of these tariffs, from the loads as they are.

        Whatever is asked afterwards is of the loads after the response; `responded` has what
        they did.
        """

    @abstractmethod
    def electric_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """Electric bills, in a precalc run at rates that meet the requirement [$/year]."""

    @abstractmethod
    def twin_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """`electric_bills` of the tariffs' delivery twins."""

    @abstractmethod
    def split_bases(self) -> pd.DataFrame:
        """What a split into delivery and supply goes by: index bldg_id, columns `SPLIT_BASES`."""

    @abstractmethod
    def gas_bills(self) -> pd.DataFrame:
        """Gas bills, index bldg_id, `Jan`..`Dec`, `Annual` [$]; zeros without gas."""

    @abstractmethod
    def burden_and_shares(self, costs: Mapping[str, float]) -> tuple[pd.Series, pd.DataFrame]:
        """(economic burden, residual shares) by building [$]."""

    # What follows from it

    @functools.cached_property
    def demand(self) -> pd.Series:
        """System hourly demand, taken once."""
        return self.system_demand()

    @functools.cached_property
    def prices(self) -> Prices:
        """All price components: those of the run, and a cost spread over the demand's peaks."""
        cost = self.spec.distribution_cost
        if cost is None:
            return self.spec.prices
        # Prices are those of the loads before any response.
        spread = add_distribution_costs(self.demand, self.spec.year, cost.per_kw_year, cost.hours)
        return self.spec.prices.plus_distribution(spread.to_numpy())

    def bill_alignment(
        self,
        processor: InternalCrossSubsidizationProcessor,
        bills: pd.DataFrame,
        costs: Mapping[str, float],
    ) -> pd.DataFrame:
        """Bill alignment by building, which the processor writes."""
        burden, shares = self.burden_and_shares(costs)
        frame = self.spec.customers.frame
        return processor.finish_metrics(burden, shares, frame, bills, self.spec.year)


def residual_of(costs: Mapping[str, float]) -> float:
    """Residual costs [$/year]."""
    return float(costs[RESIDUAL_COSTS])


def backend_class(name: str) -> type[LoadBackend]:
    """The class of a backend.

    Raises
    ------
    ScenarioError
        There is none of this name.
    """
    for known, registered in REGISTRY.items():
        if known == name:
            module, _, kind = registered.place.partition(":")
            found: type[LoadBackend] = getattr(importlib.import_module(module), kind)
            return found
    raise ScenarioError(f"backend {name} is unknown, expected one of {listed(REGISTRY)}")
