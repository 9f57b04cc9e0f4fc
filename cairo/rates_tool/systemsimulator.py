"""A run from loads, tariffs and prices to its directory: bills, rates, bill alignment.

The `pandas` and `dask_delayed` backends call the stages through their modules, so that what a
caller has put in a function's place is what runs. The `dask_dataframe` backend works on a
`LoadSummary` and never holds hourly loads here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cairo.errors import (
    LoadError,
    MetadataError,
    ScenarioError,
    TariffError,
    listed,
    listed_buildings,
)
from cairo.files.metadata import scaled_weights
from cairo.files.run_directory import RunDirectory, write_csv, write_json
from cairo.files.tariff_maps import tariff_of
from cairo.model import low_income_assistance
from cairo.model.bills import CustomerUse, SolarStyle, customer_use
from cairo.model.kernels import weighted_total
from cairo.model.names import (
    ANNUAL,
    BACKENDS,
    ELECTRICITY,
    GAS,
    RESIDUAL_COSTS,
    RUN_TYPES,
    Backend,
    RunType,
    gas_tariff_year,
    months,
)
from cairo.model.tariff import in_therms, parse_tariff
from cairo.rates_tool import delayed_stages, hourly_frames, postprocessing, system_revenues, tariffs
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool.config import OUTPUT_INTERNAL_POSTPROCESSING
from cairo.rates_tool.dd_stages.summary import LoadSummary
from cairo.rates_tool.replaced import warn_of_passed_over
from cairo.rates_tool.simulate_checks import check_passed
from cairo.rates_tool.system_revenues import _return_revenue_requirement_target
from cairo.rates_tool.tariffs import _return_export_compensation_rate
from cairo.workers.worker_processes import process_pool

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
    tariff_map: Any,
    building_stock_sample: Sequence[int] | None,
    tariff_paths: Mapping[str, str | os.PathLike[str]],
) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """({tariff_key: PySAM-style tariff}, tariff map frame of the sample's buildings)."""
    frame = tariffs.__load_tariff_maps__(tariff_map)
    if building_stock_sample is not None:
        frame = frame[frame["bldg_id"].isin(list(building_stock_sample))]
    keys = list(dict.fromkeys(frame["tariff_key"]))
    return tariffs.get_default_tariff_structures(keys, tariff_paths), frame


@contextmanager
def process_scheduler(backend: Backend, process_workers: int | None) -> Iterator[None]:
    """Run `dask.delayed` stages on processes, `process_workers` of them at most one a core.

    With one worker, and for the `dask_dataframe` backend, no process is started.
    """
    import dask

    if backend == "dask_dataframe":
        yield
        return
    workers = min(process_workers or 1, os.cpu_count() or 1)
    if workers == 1:
        with dask.config.set(scheduler="synchronous"):
            yield
        return
    with process_pool(workers) as pool, dask.config.set(scheduler="processes", pool=pool):
        yield


@dataclass
class _Bills:
    """Electric bills on the way through a run."""

    monthly: pd.DataFrame
    grid_kwh: pd.DataFrame
    tariffs: dict[str, dict[str, Any]]


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
    run_directory : an open `RunDirectory` to write into; one is made when absent.

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
        run_directory: RunDirectory | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ScenarioError(f"backend {backend} is unknown, expected one of {listed(BACKENDS)}")
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
        self._run_directory = run_directory
        self.save_file_loc: Path | None = None
        self.customer_bills_monthly: pd.DataFrame
        self.gas_customer_bills_monthly: pd.DataFrame
        self.tariffs_final: dict[str, dict[str, Any]]
        self.customer_bat: pd.DataFrame

    _initialize_tariffs = staticmethod(_initialize_tariffs)

    def simulate(
        self,
        revenue_requirement: float | Mapping[str, float],
        tariffs_params: Mapping[str, Mapping[str, Any]],
        tariff_map: Any,
        precalc_period_mapping: pd.DataFrame | None,
        customer_metadata: pd.DataFrame,
        customer_electricity_load: Any,
        customer_gas_load: Any | None = None,
        gas_tariff_map: Any | None = None,
        gas_tariff_str_loc: Mapping[str, Any] | None = None,
        load_cols: str = ELECTRICITY,
        marginal_system_prices: pd.DataFrame | None = None,
        costs_by_type: pd.Series | Mapping[str, float] | None = None,
        solar_pv_compensation: SolarStyle | None = None,
        sell_rate: Mapping[str, Any] | None = None,
        low_income_strategy: str | None = None,
        low_income_participation_target: float | None = None,
        low_income_bill_assistance_program: Mapping[str, Any] | None = None,
        utility_tax_rate: float = 0.0,
        energy_surcharge_rate: float = 0.0,
    ) -> None:
        """Bills, calibrated rates and bill alignment, written to a run directory.

        Parameters
        ----------
        revenue_requirement : [$/year] in all, or {tariff_key: $}; only `precalc` uses it.
        tariffs_params : {tariff_key: PySAM-style tariff}.
        tariff_map : `bldg_id, tariff_key` frame or CSV path.
        precalc_period_mapping : `period, tier, rel_value, tariff`; from the tariffs' own
            rates when None.
        customer_metadata : `bldg_id`, `weight` and segment columns, a row a building.
        customer_electricity_load : load frame from `_return_load`; for `dask_dataframe` also a
            Dask load frame or a `LoadSummary`.
        customer_gas_load : gas load frame [therms]; None bills no gas.
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
        gas_replaced = self.backend == "dask_dataframe" and (
            getattr(self._calculate_gas_bills, "__func__", None) is not _ORIGINAL_GAS_BILLS
        )
        warn_of_passed_over(self.backend, ["_calculate_gas_bills"] if gas_replaced else [])
        metadata = self._metadata(customer_metadata)
        ids = metadata["bldg_id"].tolist()
        strategy, params = tariffs._load_base_tariffs(tariffs_params, tariff_map, ids)
        check_passed(
            revenue_requirement if self.run_type == "precalc" else None,
            marginal_system_prices,
            costs_by_type,
            {"electric load frame": customer_electricity_load, "gas load frame": customer_gas_load},
            self.year_run,
        )
        if self.run_type == "precalc" and precalc_period_mapping is None:
            precalc_period_mapping = tariffs.precalc_period_mapping(params)
        with ExitStack() as stack:
            stack.enter_context(process_scheduler(self.backend, self.process_workers))
            loads = self._loads(
                metadata,
                customer_electricity_load,
                customer_gas_load,
                marginal_system_prices,
                params,
                strategy,
                gas_tariff_map,
                gas_tariff_str_loc,
                solar_pv_compensation,
            )
            electric = self._electric_bills(
                loads,
                metadata,
                params,
                tariff_map,
                strategy,
                revenue_requirement,
                precalc_period_mapping,
                sell_rate,
                solar_pv_compensation,
            )
            bills = electric.monthly
            taxes = 0.0
            if utility_tax_rate or energy_surcharge_rate:
                bills = with_taxes(
                    bills, electric.grid_kwh, utility_tax_rate, energy_surcharge_rate
                )
                added = bills[ANNUAL] - electric.monthly[ANNUAL]
                taxes = weighted_total(metadata["weight"].to_numpy(), added.to_numpy())
            if low_income_strategy:
                bills = low_income_assistance.apply_low_income_assistance(
                    bills,
                    metadata,
                    electric.grid_kwh,
                    strategy=low_income_strategy,
                    participation_target=low_income_participation_target,
                    program=low_income_bill_assistance_program,
                )
            self.customer_bills_monthly = bills
            self.gas_customer_bills_monthly = self._gas_bills(
                loads, customer_gas_load, metadata, gas_tariff_map, gas_tariff_str_loc
            )
            self.tariffs_final = electric.tariffs
            run = self._run_directory or stack.enter_context(
                RunDirectory(self.output_dir, self.run_name)
            )
            self._write(run.path, metadata, loads, marginal_system_prices, costs_by_type, taxes)
        self.save_file_loc = run.final_path

    # Stages

    def _metadata(self, customer_metadata: pd.DataFrame) -> pd.DataFrame:
        """Metadata rows of the sample, in its order, `bldg_id` and `weight` first."""
        metadata = customer_metadata
        missing = {"bldg_id", "weight"} - set(metadata.columns)
        if missing:
            raise MetadataError(f"customer metadata has no column {listed(sorted(missing))}")
        ids = self.building_stock_sample
        if ids is not None:
            rows = metadata.set_index("bldg_id", drop=False)
            unknown = [i for i in ids if i not in rows.index]
            if unknown:
                raise MetadataError(f"no metadata for buildings {listed_buildings(unknown)}")
            metadata = rows.loc[list(ids)].reset_index(drop=True)
        twice = metadata["bldg_id"][metadata["bldg_id"].duplicated()]
        if len(twice):
            raise MetadataError(
                f"customer metadata has buildings twice: {listed_buildings(twice.tolist())}"
            )
        metadata = metadata.assign(weight=scaled_weights(metadata, None, "customer metadata"))
        rest = [name for name in metadata.columns if name not in ("bldg_id", "weight")]
        return metadata[["bldg_id", "weight", *rest]].reset_index(drop=True)

    def _loads(
        self,
        metadata: pd.DataFrame,
        electricity: Any,
        gas: Any,
        prices: pd.DataFrame,
        params: Mapping[str, Mapping[str, Any]],
        strategy: Mapping[int, str],
        gas_tariff_map: Any,
        gas_tariff_str_loc: Mapping[str, Any] | None,
        style: SolarStyle | None,
    ) -> Any:
        """The loads as the backend works on them: hourly frame, or `LoadSummary`."""
        if self.backend != "dask_dataframe":
            if isinstance(electricity, LoadSummary):
                raise ScenarioError("a LoadSummary needs the backend dask_dataframe")
            if not isinstance(electricity, pd.DataFrame):
                raise LoadError(
                    f"backend {self.backend} was given loads as {type(electricity).__name__}: "
                    "expected a pandas load frame, such as _return_load gives"
                )
            return hourly_frames.of_sample(electricity, metadata["bldg_id"].tolist())
        from cairo.rates_tool.dd_stages.load_pass import run_plan, summarize_for_run

        gas_strategy: dict[int, str] = {}
        gas_tariffs: dict[str, Any] = {}
        summarized = isinstance(electricity, LoadSummary) and bool(electricity.gas)
        if (gas is not None or summarized) and gas_tariff_map is not None:
            gas_strategy, gas_tariffs = gas_tariff_strategy(
                metadata["bldg_id"].tolist(), gas_tariff_map, gas_tariff_str_loc
            )
        if isinstance(electricity, LoadSummary):
            asked = run_plan(
                metadata,
                prices,
                params,
                strategy,
                self.year_run,
                gas_tariffs=gas_tariffs if electricity.gas else None,
                gas_strategy=gas_strategy,
                solar=style is not None,
            )
            answering = electricity.summary.of_run(asked)
            answering.check_year(self.year_run)
            return answering
        summary = summarize_for_run(
            electricity,
            gas,
            metadata,
            prices,
            params,
            strategy,
            gas_tariffs,
            gas_strategy,
            self.year_run,
            solar=style is not None,
            process_workers=self.process_workers,
        )
        summary.check_year(self.year_run)
        return summary

    def _electric_bills(
        self,
        loads: Any,
        metadata: pd.DataFrame,
        params: Mapping[str, Mapping[str, Any]],
        tariff_map: Any,
        strategy: Mapping[int, str],
        requirement: float | Mapping[str, float],
        mapping: pd.DataFrame | None,
        sell_rate: Mapping[str, Any] | None,
        style: SolarStyle | None,
    ) -> _Bills:
        ids = metadata["bldg_id"].tolist()
        final = {key: dict(tariff) for key, tariff in params.items()}
        if isinstance(loads, LoadSummary):
            uses = summary_uses(loads.electricity, params)
            if self.run_type == "precalc":
                assert mapping is not None
                weight = metadata.set_index("bldg_id")["weight"]
                final = system_revenues.calibrated_tariffs(
                    uses, params, mapping, requirement, weight, sell_rate, style
                )
            bills = system_revenues.bills_of_uses(uses, final, ids, sell_rate, style)
            return _Bills(bills, monthly_energy(uses, ids), final)
        aggregated, solar = load_funcs.process_building_demand_by_period(
            self.year_run, ELECTRICITY, ids, params, tariff_map, loads, style
        )
        if self.run_type == "precalc":
            assert mapping is not None
            final = system_revenues._precalc_customer_rates(
                aggregated,
                solar,
                mapping,
                requirement,
                metadata,
                params,
                strategy,
                sell_rate,
                style,
            )
        bills = system_revenues.run_system_revenues(
            aggregated_load=aggregated,
            aggregated_solar=solar,
            solar_compensation_df=sell_rate,
            solar_compensation_style=style,
            process_agg_load=True,
            prototype_ids=ids,
            tariff_config=final,
            tariff_strategy=strategy,
        )
        energy = aggregated[aggregated["charge_type"] == "energy_charge"]
        grid = energy.set_index("month", append=True).groupby(level=[0, 1])["grid_cons"].sum()
        table = grid.unstack(fill_value=0.0).reindex(
            index=ids, columns=range(1, 13), fill_value=0.0
        )
        return _Bills(bills, table.set_axis(months, axis=1), final)

    def _gas_bills(
        self,
        loads: Any,
        gas_load: Any,
        metadata: pd.DataFrame,
        gas_tariff_map: Any,
        gas_tariff_str_loc: Mapping[str, Any] | None,
    ) -> pd.DataFrame:
        ids = metadata["bldg_id"].tolist()
        if isinstance(loads, LoadSummary):
            if not loads.gas:
                return no_bills(ids)
            gas_params = gas_tariff_strategy(ids, gas_tariff_map, gas_tariff_str_loc)[1]
            uses = summary_uses(loads.gas, gas_params)
            return system_revenues.bills_of_uses(uses, gas_params, ids)
        if gas_load is None or gas_tariff_map is None:
            return no_bills(ids)
        return self._calculate_gas_bills(
            ids, gas_load, self.year_run, metadata, gas_tariff_map, gas_tariff_str_loc
        )

    def _calculate_gas_bills(
        self,
        prototype_ids: Sequence[int],
        raw_load: pd.DataFrame,
        target_year: int,
        customer_metadata: pd.DataFrame,
        gas_tariff_map: Any,
        gas_tariff_str_loc: Mapping[str, Any] | None = None,
        gas_tariff_year: int = gas_tariff_year,
    ) -> pd.DataFrame:
        """Gas bills (index bldg_id, `Jan`..`Dec`, `Annual`) [$].

        `raw_load` has `load_data` in therms. Gas tariffs are published per kWh of gas; their
        rates and tier limits are converted to therms here, once.
        """
        ids = list(prototype_ids)
        strategy, params = gas_tariff_strategy(ids, gas_tariff_map, gas_tariff_str_loc)
        used, _ = load_funcs.process_building_demand_by_period(
            target_year, GAS, ids, params, strategy, raw_load
        )
        return system_revenues.run_system_revenues(
            aggregated_load=used,
            prototype_ids=ids,
            tariff_config=params,
            tariff_strategy=strategy,
        )

    # Results

    def _write(
        self,
        folder: Path,
        metadata: pd.DataFrame,
        loads: Any,
        prices: pd.DataFrame,
        costs_by_type: pd.Series | Mapping[str, float],
        taxes: float,
    ) -> None:
        postprocessing.InternalCustomerBillProcessor(
            run_type=self.run_type, save_folder=folder
        ).write_bills(
            self.customer_bills_monthly,
            self.gas_customer_bills_monthly,
            metadata,
            self.year_run,
            self.year_dollar_conversion,
        )
        processor = postprocessing.InternalCrossSubsidizationProcessor(
            run_type=self.run_type, save_folder=folder, beyond_requirement=taxes
        )
        if isinstance(loads, LoadSummary):
            order = metadata["bldg_id"]
            shares = loads.residual_shares(float(costs_by_type[RESIDUAL_COSTS]))
            self.customer_bat = processor.finish_metrics(
                loads.burden_series().reindex(order),
                shares.reindex(order),
                metadata,
                self.customer_bills_monthly,
                self.year_run,
            )
        elif self.backend == "dask_delayed":
            burden, shares = delayed_stages.burden_and_residual_shares(
                metadata, loads, prices, costs_by_type
            )
            self.customer_bat = processor.finish_metrics(
                burden, shares, metadata, self.customer_bills_monthly, self.year_run
            )
        else:
            self.customer_bat = processor._return_cross_subsidization_metrics(
                metadata, loads, prices, costs_by_type, self.customer_bills_monthly, self.year_run
            )
        write_csv(metadata, folder / "customer_metadata.csv")
        write_json(dict(sorted(self.tariffs_final.items())), folder / "tariff_final_config.json")


_ORIGINAL_GAS_BILLS = MeetRevenueSufficiencySystemWide._calculate_gas_bills


def with_taxes(
    bills: pd.DataFrame, grid_kwh: pd.DataFrame, tax_rate: float, surcharge_rate: float
) -> pd.DataFrame:
    """Bills with utility tax and energy surcharge: bill x (1 + tax) + kWh x surcharge [$]."""
    taxed = bills[months] * (1.0 + tax_rate) + grid_kwh.reindex(bills.index) * surcharge_rate
    return system_revenues.bill_frame(bills.index, taxed[months].to_numpy())


def gas_tariff_strategy(
    bldg_ids: Sequence[int], gas_tariff_map: Any, gas_tariff_str_loc: Mapping[str, Any] | None
) -> tuple[dict[int, str], dict[str, dict[str, Any]]]:
    """({bldg_id: gas tariff key}, {key: tariff per therm}).

    `gas_tariff_str_loc` is {key: path}, or {key: PySAM-style tariff} as published, per kWh.
    """
    strategy = tariff_of(gas_tariff_map, bldg_ids, "gas tariff map")
    keys = sorted(set(strategy.values()))
    given = dict(gas_tariff_str_loc or {})
    absent = [key for key in keys if key not in given]
    if absent:
        raise TariffError(f"no gas tariff file for {listed(absent)}")
    paths = {key: given[key] for key in keys if not isinstance(given[key], Mapping)}
    read = tariffs.get_default_tariff_structures(list(paths), paths)
    read |= {key: given[key] for key in keys if isinstance(given[key], Mapping)}
    return strategy, {key: in_therms(read[key]) for key in keys}


def summary_uses(
    uses: Mapping[str, Any], params: Mapping[str, Mapping[str, Any]]
) -> dict[str, CustomerUse]:
    """Each tariff's customers' use of a `LoadSummary`, split over tiers."""
    return {key: customer_use(use, parse_tariff(key, params[key])) for key, use in uses.items()}


def monthly_energy(uses: Mapping[str, CustomerUse], bldg_ids: Sequence[int]) -> pd.DataFrame:
    """Billed energy by building and month, (n, 12) [kWh]."""
    parts = [
        pd.DataFrame(use.energy.sum(axis=(2, 3)), index=use.bldg_ids, columns=months)
        for use in uses.values()
    ]
    return pd.concat(parts).loc[list(bldg_ids)]


def no_bills(bldg_ids: Sequence[int]) -> pd.DataFrame:
    """Bills of zero."""
    return system_revenues.bill_frame(bldg_ids, np.zeros((len(bldg_ids), len(months))))
