"""A run from loads, tariffs and prices to its directory: bills, rates, bill alignment.

`simulate` takes CAIRO's arguments and makes a `RunSpec` of them; a scenario file gives one too.
Both go through `completed`, whatever the backend.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from cairo.errors import ScenarioError
from cairo.files.run_directory import RunDirectory, writing
from cairo.files.tariff_maps import TariffMap, load_tariff_map
from cairo.model import low_income_assistance
from cairo.model.backends import BACKENDS, Backend
from cairo.model.bills import SolarStyle
from cairo.model.kernels import weighted_total
from cairo.model.names import (
    ANNUAL,
    ELECTRICITY,
    GAS,
    RUN_TYPES,
    RunType,
    gas_tariff_year,
    months,
)
from cairo.model.prices import Prices
from cairo.model.tariff import AnyTariff, Tariff
from cairo.model.tariff_rows import TariffDict
from cairo.model.taxes import bills_with_taxes, tax_parts
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool import postprocessing, replaced, system_revenues, tariffs
from cairo.rates_tool.backend import ElectricBills, LoadBackend, RunLoads, Work, backend_class
from cairo.rates_tool.config import OUTPUT_INTERNAL_POSTPROCESSING
from cairo.rates_tool.dd_stages.sources import LoadOptions, LoadSource
from cairo.rates_tool.design import with_costs
from cairo.rates_tool.determinants import determinants_of
from cairo.rates_tool.record import LoadWork, Origin, run_record
from cairo.rates_tool.run_files import RunResult, write_designs, write_files
from cairo.rates_tool.run_spec import (
    Assistance,
    Costs,
    Customers,
    GasService,
    GivenTariff,
    Requirement,
    RunSpec,
    SellRates,
    Service,
    Solar,
    Taxes,
)
from cairo.rates_tool.settle import settled
from cairo.rates_tool.simulate_checks import check_passed
from cairo.rates_tool.split import split_of
from cairo.rates_tool.system_revenues import _return_revenue_requirement_target
from cairo.rates_tool.tariffs import _return_export_compensation_rate
from cairo.workers.memory import PeakMemory
from cairo.workers.pools import process_scheduler

if TYPE_CHECKING:
    import dask.dataframe as dd

    from cairo.files.reading import FilePath
    from cairo.rates_tool.dd_stages.summary import LoadSummary

    GivenLoads: TypeAlias = (
        pd.DataFrame | dd.DataFrame | LoadSummary | FilePath | Mapping[int, FilePath]
    )

__all__ = [
    "BACKENDS",
    "Backend",
    "MeetRevenueSufficiencySystemWide",
    "_initialize_tariffs",
    "_return_export_compensation_rate",
    "_return_revenue_requirement_target",
    "gas_tariff_strategy",
    "process_scheduler",
]


def _initialize_tariffs(
    tariff_map: TariffMap,
    building_stock_sample: Sequence[int] | None,
    tariff_paths: Mapping[str, str | os.PathLike[str]],
) -> tuple[dict[str, TariffDict], pd.DataFrame]:
    """({tariff_key: PySAM-style tariff}, tariff map frame of the sample's buildings)."""
    frame = load_tariff_map(tariff_map)
    if building_stock_sample is not None:
        frame = frame[frame["bldg_id"].isin(list(building_stock_sample))]
    keys = list(dict.fromkeys(frame["tariff_key"]))
    return tariffs.get_default_tariff_structures(keys, tariff_paths), frame


class MeetRevenueSufficiencySystemWide:
    """One run of a rate design over a stock of buildings.

    Parameters
    ----------
    run_type : "precalc" solves for the rate level that meets the revenue requirement;
        "default" bills the tariffs as they are.
    year_run : calendar year of the loads and bills.
    year_dollar_conversion : year in whose dollars the `target` bill files are.
    process_workers : processes of the building-by-building stages, or workers of the cluster.
    building_stock_sample : bldg_ids, in the order of every result.
    run_name : name of the run directory after its time stamp.
    output_dir : folder of run directories; `config.OUTPUT_INTERNAL_POSTPROCESSING` by default.
    backend : "pandas", "dask_delayed" or "dask_dataframe".

    Attributes
    ----------
    save_file_loc : the run directory, after `simulate`.
    customer_bills_monthly, gas_customer_bills_monthly : index bldg_id, `Jan`..`Dec`, `Annual` [$].
    tariffs_final : {tariff_key: PySAM-style tariff with its final rates}.
    customer_bat : burden, shares and bill alignment by building.
    """

    def __init__(
        self,
        run_type: RunType,
        year_run: int,
        year_dollar_conversion: int,
        process_workers: int | None,
        building_stock_sample: Sequence[int] | None,
        run_name: str,
        output_dir: str | os.PathLike[str] | None = None,
        backend: Backend = "pandas",
    ) -> None:
        self._backend_class = backend_class(backend)
        if run_type not in RUN_TYPES:
            raise ScenarioError(f"run_type {run_type} is unknown, expected precalc or default")
        self.run_type = run_type
        self.year_run = year_run
        self.year_dollar_conversion = year_dollar_conversion
        self.process_workers = process_workers
        self.building_stock_sample = building_stock_sample
        self.run_name = run_name
        self.output_dir = Path(output_dir or OUTPUT_INTERNAL_POSTPROCESSING)
        self.backend: Backend = backend
        self.save_file_loc: Path | None = None
        self.customer_bills_monthly: pd.DataFrame
        self.gas_customer_bills_monthly: pd.DataFrame
        self.tariffs_final: dict[str, TariffDict]
        self.customer_bat: pd.DataFrame

    _initialize_tariffs = staticmethod(_initialize_tariffs)

    def simulate(
        self,
        revenue_requirement: float | Mapping[str, float] | None,
        tariffs_params: Mapping[str, AnyTariff],
        tariff_map: TariffMap,
        precalc_period_mapping: pd.DataFrame | None,
        customer_metadata: pd.DataFrame,
        customer_electricity_load: GivenLoads,
        customer_gas_load: GivenLoads | None = None,
        gas_tariff_map: TariffMap | None = None,
        gas_tariff_str_loc: Mapping[str, GivenTariff] | None = None,
        load_cols: str = ELECTRICITY,
        marginal_system_prices: pd.DataFrame | None = None,
        costs_by_type: pd.Series | Mapping[str, float] | None = None,
        solar_pv_compensation: SolarStyle | None = None,
        sell_rate: SellRates = None,
        low_income_strategy: str | None = None,
        low_income_participation_target: float | None = None,
        low_income_bill_assistance_program: Mapping[str, object] | None = None,
        utility_tax_rate: float = 0.0,
        energy_surcharge_rate: float = 0.0,
    ) -> None:
        """Bills, calibrated rates and bill alignment, written to a run directory.

        Parameters
        ----------
        revenue_requirement : [$/year] in all, or {tariff_key: $}; a `default` run, which does not
            use it, may have None.
        tariffs_params : {tariff_key: PySAM-style tariff}.
        tariff_map : `bldg_id, tariff_key` frame or CSV path.
        precalc_period_mapping : `period, tier, rel_value, tariff`; from the tariffs' own
            rates when None.
        customer_metadata : `bldg_id`, `weight` and segment columns, a row a building.
        customer_electricity_load : load frame from `_return_load`, a load folder or packed
            stock; for `dask_dataframe` also a Dask load frame or a `LoadSummary`.
        customer_gas_load : the same for gas, frames in therms; None bills no gas.
        gas_tariff_map, gas_tariff_str_loc : map, and {tariff_key: path} of gas tariffs.
        marginal_system_prices : 8760 rows of price components [$/kWh].
        costs_by_type : with `Residual Costs ($)`.
        solar_pv_compensation, sell_rate : see `system_revenues.run_system_revenues`.
        low_income_strategy : None or "generic".
        utility_tax_rate : fraction added to bills; energy_surcharge_rate : [$/kWh].

        Raises
        ------
        CairoError
            A building without weight, load or tariff; a requirement that cannot be met.
        """
        if load_cols != ELECTRICITY:
            raise ScenarioError(f"load_cols is {load_cols!r}, expected {ELECTRICITY!r}")
        if marginal_system_prices is None or costs_by_type is None:
            raise ScenarioError("simulate needs marginal_system_prices and costs_by_type")
        kind = self._backend_class
        customers = Customers.of(customer_metadata, self.building_stock_sample)
        on, parsed = tariffs.base_tariffs(tariffs_params, tariff_map, customers.ids)
        electricity = Service(parsed, on)
        check_passed(
            revenue_requirement,
            marginal_system_prices,
            costs_by_type,
            {"electric load frame": customer_electricity_load, "gas load frame": customer_gas_load},
            self.year_run,
        )
        gas = None
        if gas_tariff_map is not None:
            gas = GasService(gas_tariff_map, gas_tariff_str_loc or {})
        spec = RunSpec(
            self.run_name,
            self.run_type,
            self.year_run,
            self.year_dollar_conversion,
            customers,
            electricity,
            Prices(marginal_system_prices),
            Requirement(revenue_requirement),
            gas,
            self._relative(precalc_period_mapping, electricity.tariffs),
            Solar.of(solar_pv_compensation, sell_rate, list(electricity.tariffs)),
            Taxes(utility_tax_rate, energy_surcharge_rate),
            None
            if not low_income_strategy
            else Assistance(
                low_income_strategy,
                low_income_participation_target,
                low_income_bill_assistance_program,
            ),
        )
        loads = self._given_loads(customer_electricity_load, customer_gas_load)
        kind.warn_of_passed_over(self)
        with PeakMemory() as memory, ExitStack() as stack:
            backend = stack.enter_context(kind(spec, loads, Work(self.process_workers), self))
            run = stack.enter_context(RunDirectory(self.output_dir, self.run_name))
            costs = Costs.given(revenue_requirement, dict(costs_by_type))
            origin = Origin(self._settings(spec), memory=memory)
            self.completed(backend, costs, origin, run.path)
        self.save_file_loc = run.final_path

    def _relative(
        self, mapping: pd.DataFrame | None, parsed: Mapping[str, Tariff]
    ) -> pd.DataFrame | None:
        """Relative rates of a precalc run; None in a run that bills tariffs as they are."""
        if self.run_type != "precalc":
            return None
        return tariffs.precalc_period_mapping(parsed) if mapping is None else mapping

    def _given_loads(self, electricity: GivenLoads, gas: GivenLoads | None) -> RunLoads:
        options = LoadOptions(self.year_run)
        opened = self._backend_class.opened(electricity, options)
        if gas is None:
            return RunLoads(opened)
        if gas is electricity and isinstance(opened, LoadSource):
            return RunLoads(opened, opened)
        of_gas = self._backend_class.opened(gas, options)
        return RunLoads(opened, of_gas if isinstance(of_gas, LoadSource) else None)

    def _settings(self, spec: RunSpec) -> dict[str, object]:
        """What a script has set, under the names of a scenario file's keys."""
        assistance = spec.assistance
        return {
            "run_name": self.run_name,
            "run_type": self.run_type,
            "backend": self.backend,
            "year_run": self.year_run,
            "year_dollar_conversion": self.year_dollar_conversion,
            "process_workers": self.process_workers,
            "solar_pv_compensation": spec.solar.style,
            "utility_tax_rate": spec.taxes.rate,
            "energy_surcharge_rate": spec.taxes.surcharge,
            "low_income_strategy": None if assistance is None else assistance.strategy,
        }

    def gas_stage_is_replaced(self) -> bool:
        """Whether a caller has put another function in the place of `_calculate_gas_bills`."""
        return getattr(self._calculate_gas_bills, "__func__", None) is not _ORIGINAL_GAS_BILLS

    def completed(
        self,
        backend: LoadBackend,
        before: Costs,
        origin: Origin,
        folder: Path,
        electric: ElectricBills | None = None,
    ) -> RunResult:
        """Bills, rates and bill alignment of loads that have been read, written to a folder.

        Parameters
        ----------
        backend : entered, so that its loads are read.
        before : what the system costs and rates must collect, before any response to price.
        origin : where the run comes from.
        folder : to write into.
        electric : bills where they are known already.
        """
        spec = backend.spec
        with backend.work.timings.stage("bills, rates and bill alignment"):
            costs, electric = settled(backend, before, electric)
            bills = taxed(electric.monthly, electric.grid_kwh, spec.taxes)
            added = bills[ANNUAL].to_numpy() - electric.monthly[ANNUAL].to_numpy()
            taxes = weighted_total(spec.customers.weight, added)
            beyond = tax_parts(
                electric.monthly[months].to_numpy(),
                electric.grid_kwh.reindex(bills.index)[months].to_numpy(),
                spec.taxes.rate,
                spec.taxes.surcharge,
            )
            if spec.assistance is not None:
                assistance = low_income_assistance.assistance_terms(
                    bills,
                    spec.customers.frame,
                    electric.grid_kwh,
                    strategy=spec.assistance.strategy,
                    participation_target=spec.assistance.participation_target,
                    program=spec.assistance.program,
                )
                bills = assistance.applied(bills)
                beyond += assistance.parts()
            self.customer_bills_monthly = bills
            self.gas_customer_bills_monthly = backend.gas_bills()
            self.tariffs_final = {key: one.to_dict() for key, one in electric.tariffs.items()}
            # It is there when a caller's own function writes into it.
            with writing(folder):
                (folder / "cross_subsidization").mkdir(exist_ok=True)
            split = split_of(backend, costs)
            processor = postprocessing.InternalCrossSubsidizationProcessor(
                run_type=spec.run_type, save_folder=folder, beyond_requirement=taxes, split=split
            )
            self.customer_bat = backend.bill_alignment(processor, bills, costs.by_type)
        record = run_record(
            spec,
            costs,
            backend.demand,
            bills,
            origin,
            LoadWork(backend.read, backend.workers),
            backend.work.timings,
            [] if split is None else split.remarks(self.customer_bat, spec.electricity.tariff_of),
        )
        responded = backend.responded
        if responded is not None:
            record["demand_response"] = responded.record(backend.demand)
        designs = origin.designs
        if responded is not None:
            designs = with_costs(designs, responded.period_costs)
        if designs:
            record["derived"] = {alias: one.record() for alias, one in designs.items()}
        changes = None
        if origin.baseline is not None:
            changes = origin.baseline.changes(
                bills, self.gas_customer_bills_monthly, spec.customers.weight_by_id, spec.year
            )
            record["compared_to"] = origin.baseline.record(changes)
        result = RunResult(
            spec,
            costs,
            backend.prices,
            backend.demand,
            bills,
            self.gas_customer_bills_monthly,
            electric.tariffs,
            record,
            determinants_of(electric, beyond, bills),
            backend.performance_report,
            responded,
            changes,
            None if split is None else split.twins,
        )
        write_files(folder, result)
        write_designs(folder, designs)
        return result

    def _calculate_gas_bills(
        self,
        prototype_ids: Sequence[int],
        raw_load: pd.DataFrame,
        target_year: int,
        customer_metadata: pd.DataFrame,
        gas_tariff_map: TariffMap,
        gas_tariff_str_loc: Mapping[str, GivenTariff] | None = None,
        gas_tariff_year: int = gas_tariff_year,
    ) -> pd.DataFrame:
        """Gas bills (index bldg_id, `Jan`..`Dec`, `Annual`) [$].

        `raw_load` has `load_data` in therms. Gas tariffs are published per kWh of gas; their
        rates and tier limits are converted to therms here, once.
        """
        ids = list(prototype_ids)
        gas = GasService(gas_tariff_map, gas_tariff_str_loc or {}).read(ids)
        strategy = dict(gas.tariff_of)
        used, solar = load_funcs.process_building_demand_by_period(
            target_year,
            GAS,
            ids,
            replaced.as_taken(replaced.DEMAND_BY_PERIOD, gas.tariffs),
            strategy,
            raw_load,
        )
        return system_revenues.run_system_revenues(
            aggregated_load=used,
            aggregated_solar=solar,
            solar_compensation_df=None,
            prototype_ids=ids,
            tariff_config=replaced.as_taken(replaced.REVENUES, gas.tariffs),
            tariff_strategy=strategy,
        )


_ORIGINAL_GAS_BILLS = MeetRevenueSufficiencySystemWide._calculate_gas_bills


def taxed(bills: pd.DataFrame, grid_kwh: pd.DataFrame, taxes: Taxes) -> pd.DataFrame:
    """Bills with what is added to them; the same when that is nothing."""
    if not taxes.rate and not taxes.surcharge:
        return bills
    return with_taxes(bills, grid_kwh, taxes.rate, taxes.surcharge)


def with_taxes(
    bills: pd.DataFrame, grid_kwh: pd.DataFrame, tax_rate: float, surcharge_rate: float
) -> pd.DataFrame:
    """Bills with utility tax and energy surcharge: bill x (1 + tax) + kWh x surcharge [$]."""
    kwh = grid_kwh.reindex(bills.index)[months].to_numpy()
    with_both = bills_with_taxes(bills[months].to_numpy(), kwh, tax_rate, surcharge_rate)
    return system_revenues.bill_frame(bills.index, with_both)


def gas_tariff_strategy(
    bldg_ids: Sequence[int],
    gas_tariff_map: TariffMap,
    gas_tariff_str_loc: Mapping[str, GivenTariff] | None,
) -> tuple[dict[int, str], dict[str, TariffDict]]:
    """({bldg_id: gas tariff key}, {key: tariff per therm}).

    `gas_tariff_str_loc` is {key: path}, or {key: PySAM-style tariff} as published, per kWh.
    """
    service = GasService(gas_tariff_map, gas_tariff_str_loc or {}).read(bldg_ids)
    return dict(service.tariff_of), service.dicts()
