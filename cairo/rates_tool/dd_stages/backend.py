"""The `dask_dataframe` backend: one pass over the load frame on a cluster, then its summary.

Hourly figures of single buildings stay on the workers; what comes back is a `LoadSummary`.
"""

from __future__ import annotations

import functools
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import dask.dataframe as dd
import pandas as pd

from cairo.model.backends import Backend
from cairo.model.bills import CustomerUse, customer_use
from cairo.model.names import months
from cairo.model.periods import PeriodUse
from cairo.model.tariff import Tariff
from cairo.rates_tool import replaced, system_revenues
from cairo.rates_tool.backend import ElectricBills, LoadBackend, residual_of
from cairo.rates_tool.dd_stages import load_pass, respond
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource
from cairo.rates_tool.dd_stages.summary import LoadSummary, PassPlan
from cairo.rates_tool.response_run import Responded
from cairo.rates_tool.run_spec import Billing, Service, Solar
from cairo.workers import cluster
from cairo.workers.settings import DaskSettings

if TYPE_CHECKING:
    from distributed import Client

    from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide

LINK = re.compile(r"<link[^>]*https?://[^>]*>")
"""What a page has to fetch, such as an icon."""


class DataFrameBackend(LoadBackend):
    """The pass of `dd_stages`, and bills of whole tariffs at once."""

    name: ClassVar[Backend] = "dask_dataframe"
    shares_pass: ClassVar[bool] = True
    _before: LoadSummary | None = None
    _report: str | None = None
    _recorder = ExitStack()
    """Ends the performance report; of a run without workers there is nothing to end."""
    _again: tuple[LoadSource, int | None, Client | None]

    @classmethod
    def opened(cls, given: object, options: LoadOptions) -> LoadSource | LoadSummary:
        """Loads as a caller gives them, or a summary taken before."""
        return given if isinstance(given, LoadSummary) else super().opened(given, options)

    @classmethod
    def passed_over(cls, simulator: MeetRevenueSufficiencySystemWide) -> list[str]:
        """Every replaced stage."""
        own = ["_calculate_gas_bills"] if simulator.gas_stage_is_replaced() else []
        return [*replaced.among((*replaced.STAGES, replaced.BURDEN, *replaced.ALIGNMENT)), *own]

    @functools.cached_property
    def gas_service(self) -> Service | None:
        """Gas tariffs, when the loads have gas and somebody bills it."""
        given = self.loads.electricity
        has_gas = bool(given.gas) if isinstance(given, LoadSummary) else self.loads.gas is not None
        if self.spec.gas is None or not has_gas:
            return None
        return self.spec.gas.read(self.spec.customers.ids)

    def _plan(self) -> PassPlan:
        """Everything the run asks of the hours."""
        return load_pass.plan_of(self.spec, self.prices, self.gas_service)

    def __enter__(self) -> Self:
        """Pass over the loads; workers are there for as long as it takes."""
        given = self.loads.electricity
        if isinstance(given, LoadSummary):
            self.summary = given.summary.of_run(self._plan())
            self.demand = self._series(self.summary)
        else:
            self._pass_over(given)
        self.summary.check_year(self.spec.year)
        return self

    def _pass_over(self, source: LoadSource) -> None:
        spec, timings = self.spec, self.work.timings
        homes = len(spec.customers.ids)
        with ExitStack() as stack:
            client, size = self._connected(stack)
            frame = source.load_frame(size, client)
            if spec.distribution_cost is not None:
                with timings.stage("system hourly demand", homes):
                    plan = load_pass.demand_plan(spec.customers.frame)
                    first = load_pass.execute(frame, plan, client, timings.advance)
                    self.read += first.read
                    self.demand = self._series(first)
            with timings.stage("pass over the loads", homes):
                plan = self._plan()
                taken = self._taken(frame, plan, client)
                self.summary = taken
                self.read += taken.read
            self.demand = self._series(taken)
            if spec.response is not None or self.work.hold is not None:
                # A response may need the hours again.
                self._again = source, size, client
                self._kept = stack.pop_all()

    def respond(self, tariffs: Mapping[str, Tariff]) -> None:
        """Let customers respond to the prices of these tariffs."""
        before = self.summary if self._before is None else self._before
        self._before = before
        plans = self.spec.response_plans(tariffs)
        shifts = respond.shifts_of(before, plans)

        of_hours = None
        if respond.needs_hours(before, shifts):
            plan = respond.hours_plan(before.plan)
            source, size, client = self._again
            homes = plan.bldg_ids.tolist()
            with self.work.timings.stage("hours after the response", len(homes)):
                frame = source.take(homes).load_frame(size, client)[plan.measures.columns]
                mine = respond.shifted_frame(frame, before.plan.responding, shifts)
                of_hours = load_pass.execute(mine, plan, client, self.work.timings.advance)
        with self.work.timings.stage("response"):
            self.summary = respond.responded(before, shifts, of_hours)
        self.demand = self._series(self.summary)
        uses = before.plan.responding
        assert self.spec.response is not None
        self.responded = Responded(
            shifts,
            {key: one.homes.tolist() for key, one in uses.items()},
            {key: one.weight for key, one in uses.items()},
            respond.marginal_change(before, self.summary),
            self._series(before),
            self.spec.response,
            {
                key: respond.costs_by_period(before, shifts, key)
                for key in shifts
                if key in self.spec.at_cost
            },
        )

    def _taken(self, frame: dd.DataFrame, plan: PassPlan, client: Client) -> LoadSummary:
        """The pass, or one a fuel where gas comes from a frame of its own."""
        gas, advance = self.loads.gas, self.work.timings.advance
        if plan.gas is None or gas is None or gas is self.loads.electricity:
            return load_pass.execute(frame, plan, client, advance)
        own = gas.as_gas().load_frame(client=client)
        electric = load_pass.execute(frame, replace(plan, gas=None), client, advance)
        of_gas = PassPlan(plan.bldg_ids, gas=plan.gas)
        both = electric.summary | load_pass.execute(own, of_gas, client).summary
        return both.of_run(plan)

    def _series(self, taken: LoadSummary) -> pd.Series:
        return taken.hourly_demand_series(self.spec.prices.frame.index)

    def _connected(self, stack: ExitStack) -> tuple[Client, int | None]:
        """(a client, buildings of a partition): the caller's own, or of the run's settings."""
        work, homes = self.work, len(self.spec.customers.ids)
        if work.dask is None and (running := cluster.current_client()) is not None:
            return running, None
        settings = work.dask or DaskSettings()
        size = cluster.sizing(settings, work.process_workers, homes)
        stack.enter_context(self._timed_workers(settings, size))
        client = self._client
        self._recorder = stack.enter_context(ExitStack())
        self._recorder.enter_context(self._recorded(client))
        self.workers = asdict(size)
        return client, size.partition_buildings if work.dask is not None else None

    @contextmanager
    def _timed_workers(self, settings: DaskSettings, size: cluster.Sizing) -> Iterator[None]:
        """A cluster, the seconds of its start and its end those of the stage `workers`."""
        timings = self.work.timings
        with timings.stage("workers"):
            connected = cluster.connected(settings, size, timings.note)
            self._client = connected.__enter__()
        try:
            yield
        finally:
            with timings.stage("workers"):
                connected.__exit__(*sys.exc_info())

    @contextmanager
    def _recorded(self, client: Client) -> Iterator[None]:
        """Record Dask's performance report, when it is wanted."""
        if not self.work.performance_report:
            yield
            return
        from distributed import performance_report

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.html"
            # With its scripts inside, it can be read without a network.
            with client.as_current(), performance_report(filename=str(path), mode="inline"):
                yield
            self._report = LINK.sub("", path.read_text(encoding="utf-8"))

    @property
    def performance_report(self) -> str | None:
        """Dask's report, which ends when it is first asked for."""
        self._recorder.close()
        return self._report

    def system_demand(self) -> pd.Series:
        """System hourly demand, (8760,) by time [kWh]."""
        return self._series(self.summary)

    def electric_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """Electric bills, in a precalc run at rates that meet the requirement."""
        return self._billed(self.spec.billing, self.summary.electricity, requirement)

    def twin_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """Bills of the tariffs' delivery twins."""
        assert self.spec.twins is not None
        return self._billed(self.spec.twins, self.summary.twins, requirement)

    def _billed(
        self,
        by: Billing,
        use: Mapping[str, PeriodUse],
        requirement: float | Mapping[str, float],
    ) -> ElectricBills:
        customers, final = self.spec.customers, by.service.tariffs
        uses = tiered(use, final)
        if by.relative is not None:
            final = system_revenues.calibrated(
                uses, final, by.relative, requirement, customers.weight_by_id, by.solar
            )
        billed = system_revenues.billed_of(uses, final, by.solar)
        bills = system_revenues.bills_in_order(billed, customers.ids)
        return ElectricBills(bills, monthly_energy(uses, customers.ids), final, billed)

    def split_bases(self) -> pd.DataFrame:
        """What a split of the costs goes by."""
        return self.summary.split_bases().reindex(self.spec.customers.frame["bldg_id"])

    def gas_bills(self) -> pd.DataFrame:
        """Gas bills; zeros without gas."""
        ids = self.spec.customers.ids
        if self.gas_service is None or not self.summary.gas:
            return system_revenues.no_bills(ids)
        tariffs = self.gas_service.tariffs
        uses = tiered(self.summary.gas, tariffs)
        return system_revenues.bills_of(uses, tariffs, ids, Solar())

    def burden_and_shares(self, costs: Mapping[str, float]) -> tuple[pd.Series, pd.DataFrame]:
        """(economic burden, residual shares) by building [$]."""
        order = self.spec.customers.frame["bldg_id"]
        shares = self.summary.residual_shares(residual_of(costs))
        return self.summary.burden_series().reindex(order), shares.reindex(order)


def tiered(uses: Mapping[str, PeriodUse], tariffs: Mapping[str, Tariff]) -> dict[str, CustomerUse]:
    """Each tariff's customers' use, split over tiers."""
    return {key: customer_use(use, tariffs[key]) for key, use in uses.items()}


def monthly_energy(uses: Mapping[str, CustomerUse], bldg_ids: list[int]) -> pd.DataFrame:
    """Billed energy by building and month, (n, 12) [kWh]."""
    parts = [
        pd.DataFrame(use.energy.sum(axis=(2, 3)), index=use.bldg_ids, columns=months)
        for use in uses.values()
    ]
    return pd.concat(parts).loc[bldg_ids]
