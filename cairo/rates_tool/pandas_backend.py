"""Backends on pandas frames: the originals (`pandas`), and chunks of homes (`dask_delayed`).

Stages are called through their modules, so that what a caller has put in a function's place is
what runs. Such a function is given CAIRO's dicts; ours are given the tariffs as the run has parsed
them. Of a tariff one more dict is parsed, with its calibrated rates: CAIRO's stage returns dicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from cairo.errors import CairoError
from cairo.model.arrays import Float1D
from cairo.model.backends import Backend
from cairo.model.bills import CustomerUse
from cairo.model.names import ELECTRICITY, GAS, MONTHS, months
from cairo.model.tariff import Tariff, parse_tariff
from cairo.rates_tool import (
    delayed_stages,
    hourly_frames,
    postprocessing,
    replaced,
    response_frames,
    system_revenues,
)
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool.backend import ElectricBills, LoadBackend
from cairo.rates_tool.dd_stages.partition import read_count
from cairo.rates_tool.dd_stages.sources import LoadSource
from cairo.rates_tool.demand_frames import uses_from_frames
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor
from cairo.rates_tool.response_run import Responded
from cairo.rates_tool.run_spec import Billing, SellRates
from cairo.workers.homes_done import homes_done
from cairo.workers.pools import process_scheduler


class PandasBackend(LoadBackend):
    """CAIRO's stages as pandas originals; building by building where they are so."""

    name: ClassVar[Backend] = "pandas"
    _before: tuple[pd.DataFrame, pd.Series] | None = None

    @classmethod
    def passed_over(cls, simulator: object) -> list[str]:
        """None: whatever has been replaced is what runs."""
        return []

    def __enter__(self) -> Self:
        """Start the processes and read the loads."""
        with ExitStack() as stack:
            stack.enter_context(process_scheduler(self.work.process_workers))
            timings = self.work.timings
            source = self.loads.electricity
            assert isinstance(source, LoadSource)
            homes = len(self.spec.customers.ids)
            with homes_done(timings, "electric loads", homes, "_home_frame"):
                frame = source.hourly_frame(ELECTRICITY)
                self.read += read_count(frame)
                self.electricity = hourly_frames.of_sample(frame, self.spec.customers.ids)
            self.gas: pd.DataFrame | None = None
            if self.loads.gas is not None and self.spec.gas is not None:
                with homes_done(timings, "gas loads", homes, "_home_frame"):
                    self.gas = self.loads.gas.hourly_frame(GAS)
                    self.read += read_count(self.gas)
            with self._chunks_done("system hourly demand", "process_residential_hourly_demand"):
                # Taken here, where its time belongs.
                self.demand = self.system_demand()
            self._kept = stack.pop_all()
        return self

    def _chunks_done(
        self, stage: str, job: str, *, part: bool = False
    ) -> AbstractContextManager[None]:
        """Count the homes of a stage over all hours, as far as it works in chunks of them."""
        homes = len(self.spec.customers.ids)
        each = delayed_stages.CHUNK_BUILDINGS
        return homes_done(self.work.timings, stage, homes, job, part=part, a_job=each)

    def system_demand(self) -> pd.Series:
        """System hourly demand, (8760,) by time [kWh]."""
        weights = self.spec.customers.frame[["bldg_id", "weight"]]
        return load_funcs.process_residential_hourly_demand(self.electricity, weights)

    def respond(self, tariffs: Mapping[str, Tariff]) -> None:
        """Let customers respond to the prices of these tariffs, hour by hour."""
        if self._before is None:
            self._before = self.electricity, self.demand
        frame, demand = self._before
        plans, tariff_of = self.spec.response_plans(tariffs), self.spec.electricity.tariff_of
        timings = self.work.timings
        with timings.stage("response", sum(key in plans for key in tariff_of.values())):
            self.electricity, moved = response_frames.after_response(
                frame, plans, tariff_of, tariffs,
                self.spec.customers.weight_by_id, self.spec.year, timings.advance,
            )  # fmt: skip
            self.demand = self.system_demand()
        change = response_frames.marginal_change(
            frame, self.electricity, moved, self.spec.customers.weight_by_id, self.prices.total
        )
        assert self.spec.response is not None
        weights = {key: self._weights(homes) for key, (homes, _) in moved.items()}
        self.responded = Responded(
            {key: one for key, (_, one) in moved.items()},
            {key: homes for key, (homes, _) in moved.items()},
            weights,
            change,
            demand,
            self.spec.response,
            {
                key: response_frames.costs_by_period(
                    self.electricity, homes, one,
                    load_funcs._tariff_hours(tariffs[key], self.spec.year)["period"].to_numpy(),
                    self.prices.total, self.spec.customers.weight_by_id,
                )
                for key, (homes, one) in moved.items()
                if key in self.spec.at_cost
            },
        )  # fmt: skip

    def _weights(self, homes: Sequence[int]) -> Float1D:
        weight: Float1D = self.spec.customers.weight_by_id[list(homes)].to_numpy(np.float64)
        return weight

    def electric_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """Electric bills, in a precalc run at rates that meet the requirement."""
        return self._billed(self.spec.billing, requirement)

    def twin_bills(self, requirement: float | Mapping[str, float]) -> ElectricBills:
        """Bills of the tariffs' delivery twins."""
        assert self.spec.twins is not None
        return self._billed(self.spec.twins, requirement)

    def _billed(self, by: Billing, requirement: float | Mapping[str, float]) -> ElectricBills:
        spec, solar = self.spec, by.solar
        ids, tariffs = spec.customers.ids, by.service.tariffs
        on = dict(by.service.tariff_of)
        credited = solar.sell_rate(tariffs)

        def sell_rate(stage: replaced.Place) -> SellRates:
            return None if credited is None else replaced.as_taken(stage, credited)

        timings = self.work.timings
        with homes_done(timings, "demand by period", len(ids), "aggregate_load_worker", part=True):
            aggregated, exports = load_funcs.process_building_demand_by_period(
                spec.year, ELECTRICITY, ids,
                replaced.as_taken(replaced.DEMAND_BY_PERIOD, tariffs),
                by.service.frame, self.electricity, solar.style,
            )  # fmt: skip
        if by.relative is not None:
            with homes_done(timings, "rates", len(ids), "run_aggregator_precalculation", part=True):
                final = system_revenues._precalc_customer_rates(
                    aggregated, exports, by.relative, requirement, spec.customers.frame,
                    replaced.as_taken(replaced.RATES, tariffs), on, sell_rate(replaced.RATES),
                    solar.style,
                )  # fmt: skip
            tariffs = {key: parse_tariff(key, tariff) for key, tariff in final.items()}
        with homes_done(
            timings, "electric bills", len(ids), "return_monthly_bills_year1", part=True
        ):
            bills = system_revenues.run_system_revenues(
                aggregated_load=aggregated,
                aggregated_solar=exports,
                solar_compensation_df=sell_rate(replaced.REVENUES),
                solar_compensation_style=solar.style,
                process_agg_load=True,
                prototype_ids=ids,
                tariff_config=replaced.as_taken(replaced.REVENUES, tariffs),
                tariff_strategy=on,
            )
        energy = aggregated[aggregated["charge_type"] == "energy_charge"]
        grid = energy.set_index("month", append=True).groupby(level=[0, 1])["grid_cons"].sum()
        table = grid.unstack(fill_value=0.0).reindex(
            index=ids, columns=range(1, MONTHS + 1), fill_value=0.0
        )
        uses = _uses(aggregated, exports, ids, on, tariffs)
        billed = system_revenues.billed_of(uses, tariffs, solar)
        return ElectricBills(bills, table.set_axis(months, axis=1), tariffs, billed)

    def gas_bills(self) -> pd.DataFrame:
        """Gas bills, of the simulator's own stage; zeros without gas."""
        spec = self.spec
        if self.gas is None or spec.gas is None:
            return system_revenues.no_bills(spec.customers.ids)
        homes = len(spec.customers.ids)
        with homes_done(self.work.timings, "gas bills", homes, "aggregate_load_worker", part=True):
            return self.simulator._calculate_gas_bills(
                spec.customers.ids,
                self.gas,
                spec.year,
                spec.customers.frame,
                spec.gas.tariff_map,
                spec.gas.for_callers
                if self.simulator.gas_stage_is_replaced()
                else spec.gas.tariffs,
            )

    def burden_and_shares(self, costs: Mapping[str, float]) -> tuple[pd.Series, pd.DataFrame]:
        """(economic burden, residual shares) by building [$]."""
        processor = InternalCrossSubsidizationProcessor()
        return processor._return_customer_level_economic_burden_and_residual_share(
            self.spec.customers.frame,
            self.electricity,
            self.prices.with_total,
            pd.Series(dict(costs)),
        )

    def split_bases(self) -> pd.DataFrame:
        """What a split of the costs goes by."""
        return postprocessing.split_bases(self.electricity, self.prices.with_total)

    def bill_alignment(
        self,
        processor: InternalCrossSubsidizationProcessor,
        bills: pd.DataFrame,
        costs: Mapping[str, float],
    ) -> pd.DataFrame:
        """Bill alignment by building, of the processor's own method."""
        # What a caller puts in its place sets the index to the column `bldg_id`.
        with_ids = bills.assign(bldg_id=bills.index)
        with self._chunks_done("bill alignment", "", part=True):
            return processor._return_cross_subsidization_metrics(
                self.spec.customers.frame,
                self.electricity,
                self.prices.with_total,
                pd.Series(dict(costs)),
                with_ids,
                self.spec.year,
            )


def _uses(
    aggregated: pd.DataFrame,
    exports: pd.DataFrame | None,
    ids: Sequence[int],
    on: Mapping[int, str],
    tariffs: Mapping[str, Tariff],
) -> Mapping[str, CustomerUse]:
    """What was billed; nothing where a caller bills what our own function could not."""
    try:
        return uses_from_frames(aggregated, exports, ids, on, tariffs)
    except (CairoError, KeyError):
        if not replaced.among([(system_revenues, "run_system_revenues")]):
            raise
        return {}


class DelayedBackend(PandasBackend):
    """The originals on chunks of homes under `dask.delayed`, totals taken over all of them."""

    name: ClassVar[Backend] = "dask_delayed"

    @classmethod
    def passed_over(cls, simulator: object) -> list[str]:
        """Replaced methods of the bill alignment test, but for the burden's."""
        return replaced.among(replaced.ALIGNMENT)

    def system_demand(self) -> pd.Series:
        """System hourly demand, (8760,) by time [kWh]."""
        weights = self.spec.customers.frame[["bldg_id", "weight"]]
        return delayed_stages.process_residential_hourly_demand(self.electricity, weights)

    def burden_and_shares(self, costs: Mapping[str, float]) -> tuple[pd.Series, pd.DataFrame]:
        """(economic burden, residual shares) by building [$]."""
        with self._chunks_done("bill alignment", "chunk_statistics", part=True):
            return delayed_stages.burden_and_residual_shares(
                self.spec.customers.frame,
                self.electricity,
                self.prices.with_total,
                pd.Series(dict(costs)),
            )

    def split_bases(self) -> pd.DataFrame:
        """What a split of the costs goes by, by chunks of homes."""
        with self._chunks_done("split bases", "split_bases", part=True):
            return delayed_stages.split_bases(self.electricity, self.prices.with_total)

    bill_alignment = LoadBackend.bill_alignment
