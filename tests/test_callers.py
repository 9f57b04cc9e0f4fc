"""A script as CAIRO's callers write it, and the functions they put in place of its own."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cairo
from cairo.model.components import is_of_component
from cairo.rates_tool import loads as load_funcs
from cairo.rates_tool import system_revenues
from cairo.rates_tool.loads import (
    _return_load,
    process_residential_hourly_demand,
    return_buildingstock,
)
from cairo.rates_tool.postprocessing import InternalCrossSubsidizationProcessor
from cairo.rates_tool.run_files import BAT_FILE
from cairo.rates_tool.system_revenues import (
    _return_revenue_requirement_target,
    aggregate_system_revenues,
)
from cairo.rates_tool.systemsimulator import MeetRevenueSufficiencySystemWide
from cairo.rates_tool.tariffs import (
    ElectricityRates_to_URDB,
    _return_export_compensation_rate,
    precalc_period_mapping,
)
from cairo.results.report import write_report
from cairo.runs.demo import FIXED
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_file import read_scenario
from cairo.utils.marginal_costs.marginal_cost_calculator import (
    _load_cambium_marginal_costs,
    add_distribution_costs,
)
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents, make_demo

YEAR = 2025
CAMBIUM = "marginal_costs/cambium.csv"
SETTINGS = IN_PROCESS | {
    "backend": "pandas",
    "process_workers": 1,
    "path_supply_energy_mc": CAMBIUM,
    "path_supply_capacity_mc": CAMBIUM,
    "path_dist_and_sub_tx_mc": None,
    "path_bulk_tx_mc": None,
    "distribution_cost_per_kw_year": 120.0,
    "solar_pv_export_import_ratio": 0.6,
    "utility_tax_rate": 0.05,
    "energy_surcharge_rate": 0.002,
    "low_income_strategy": "generic",
    "low_income_participation_target": 0.5,
}
GAS_TARIFFS = ("gas_heating", "no_gas")


def write_cambium(rates: Path) -> None:
    """Supply prices as one Cambium file: five rows about it, then $/MWh by hour."""
    folder = rates / "marginal_costs"
    energy = pd.read_parquet(folder / "supply_energy.parquet")
    capacity = pd.read_parquet(folder / "supply_capacity.parquet")
    table = energy.merge(capacity, on="timestamp").to_csv(index=False)
    (rates / CAMBIUM).write_text("about,this\n" * 5 + table)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    source = make_demo(tmp_path_factory.mktemp("made") / "demo", 8)
    demo = Demo(source, tmp_path_factory.mktemp("callers") / "demo")
    demo.settings(SETTINGS)
    write_cambium(demo.folder / "rates")
    return demo


@pytest.fixture(scope="module")
def ran(demo: Demo) -> cairo.Run:
    return cairo.run(demo.scenario, RUN)


def subclass_requirement(rates: Path) -> dict[str, float]:
    stored = yaml.safe_load((rates / "rev_requirement" / "demo.yaml").read_text())
    parts = stored["subclass_revenue_requirements"]
    by_alias = (parts["delivery"]["percustomer"], parts["supply"]["passthrough"])
    keys = {"hp": "hp_tou", "non-hp": "flat"}
    return {key: sum(part[alias] for part in by_alias) for alias, key in keys.items()}


def script(folder: Path) -> tuple[MeetRevenueSufficiencySystemWide, pd.Series]:
    """What a caller of CAIRO runs, with its names and signatures; (simulator, demand)."""
    rates = folder / "rates"
    utility = pd.read_parquet(folder / "resstock/metadata/utility_assignment.parquet")
    prototype_ids = utility["bldg_id"].tolist()
    metadata = return_buildingstock(
        load_scenario=folder / "resstock/metadata/metadata-sb.parquet",
        building_stock_sample=prototype_ids,
        customer_count=50_000,
    )
    prototype_ids = metadata["bldg_id"].tolist()
    read = {
        "target_year": YEAR,
        "building_stock_sample": prototype_ids,
        "load_filepath_key": folder / "resstock/load_curve_hourly/state=DM/upgrade=00",
        "force_tz": "EST",
    }
    raw_load_elec = _return_load(load_type="electricity", **read)
    raw_load_gas = _return_load(load_type="gas", **read)
    raw_load_elec["electricity_net"] = raw_load_elec["electricity_net"].clip(lower=0.0)

    simulator = MeetRevenueSufficiencySystemWide(
        run_type="precalc",
        year_run=YEAR,
        year_dollar_conversion=YEAR,
        process_workers=1,
        building_stock_sample=prototype_ids,
        run_name=RUN,
        output_dir=folder / "script",
    )
    tariffs_params, tariff_map_df = simulator._initialize_tariffs(
        rates / "tariff_maps/electric/hp_tou_vs_flat.csv",
        prototype_ids,
        {key: rates / f"tariffs/electric/{key}.json" for key in ("flat", "hp_tou")},
    )
    bulk = _load_cambium_marginal_costs(rates / CAMBIUM, YEAR)
    demand = process_residential_hourly_demand(
        bldg_load=raw_load_elec, sample_weights=metadata[["bldg_id", "weight"]]
    )
    distribution = add_distribution_costs(demand, YEAR, 120.0)
    requirement = subclass_requirement(rates)
    _, marginal_system_prices, _, costs_by_type = _return_revenue_requirement_target(
        building_load=raw_load_elec,
        sample_weight=metadata[["bldg_id", "weight"]],
        revenue_requirement_target=sum(requirement.values()),
        residual_cost=None,
        residual_cost_frac=None,
        bulk_marginal_costs=bulk,
        distribution_marginal_costs=distribution,
        low_income_strategy=None,
    )
    simulator.simulate(
        revenue_requirement=requirement,
        tariffs_params=tariffs_params,
        tariff_map=tariff_map_df,
        precalc_period_mapping=precalc_period_mapping(tariffs_params),
        customer_metadata=metadata,
        customer_electricity_load=raw_load_elec,
        customer_gas_load=raw_load_gas,
        gas_tariff_map=rates / "tariff_maps/gas/gas.csv",
        gas_tariff_str_loc={key: rates / f"tariffs/gas/{key}.json" for key in GAS_TARIFFS},
        load_cols="total_fuel_electricity",
        marginal_system_prices=marginal_system_prices,
        costs_by_type=costs_by_type,
        solar_pv_compensation="net_metering",
        sell_rate=_return_export_compensation_rate(
            year_run=YEAR,
            solar_pv_compensation="net_metering",
            solar_pv_export_import_ratio=0.6,
            tariff_dict=tariffs_params,
        ),
        low_income_strategy="generic",
        low_income_participation_target=0.5,
        utility_tax_rate=0.05,
        energy_surcharge_rate=0.002,
    )
    return simulator, demand


@pytest.fixture(scope="module")
def scripted(demo: Demo) -> tuple[MeetRevenueSufficiencySystemWide, pd.Series]:
    return script(demo.folder)


def test_a_callers_script_writes_the_files_of_the_same_scenario(
    scripted: tuple[MeetRevenueSufficiencySystemWide, pd.Series], ran: cairo.Run
) -> None:
    simulator, demand = scripted
    assert simulator.save_file_loc is not None
    found, expected = contents(simulator.save_file_loc), contents(ran.path)
    # A script's requirement is one number: it has the totals of what a scenario's run splits.
    whole, split = (
        pd.read_csv(io.BytesIO(each.pop(BAT_FILE)), dtype=str) for each in (found, expected)
    )
    pd.testing.assert_frame_equal(whole, split[list(whole)])
    added = set(split) - set(whole)
    assert added and all(map(is_of_component, added))
    assert found == expected
    assert demand.tolist() == pytest.approx(ran.system["system_load_kwh"].tolist(), rel=1e-14)


def test_what_the_simulator_keeps_is_what_it_wrote(
    scripted: tuple[MeetRevenueSufficiencySystemWide, pd.Series],
) -> None:
    simulator, _ = scripted
    assert simulator.save_file_loc is not None
    metadata = pd.read_csv(simulator.save_file_loc / "customer_metadata.csv")
    for name, bills in {
        "elec": simulator.customer_bills_monthly,
        "gas": simulator.gas_customer_bills_monthly,
    }.items():
        written = pd.read_csv(simulator.save_file_loc / f"bills/{name}_bills_year_run.csv")
        table = written.pivot(index="bldg_id", columns="month", values="bill_level")
        assert bills.index.tolist() == metadata["bldg_id"].tolist()
        assert table.loc[bills.index, bills.columns].to_numpy() == pytest.approx(
            bills.to_numpy(), rel=1e-14
        )
        _, revenue = aggregate_system_revenues(bills, metadata)
        year = written[written["month"] == "Annual"]
        assert revenue == pytest.approx((year["bill_level"] * year["weight"]).sum(), rel=1e-12)


def test_the_revenue_is_the_requirement_with_tax_and_surcharge(
    scripted: tuple[MeetRevenueSufficiencySystemWide, pd.Series], demo: Demo
) -> None:
    simulator, demand = scripted
    bills = simulator.customer_bills_monthly["Annual"]
    weight = 50_000 / len(bills)
    required = sum(subclass_requirement(demo.folder / "rates").values())
    # Net load is floored, so that grid consumption is the whole of the demand; assistance
    # moves bills between customers only.
    assert weight * bills.sum() == pytest.approx(required * 1.05 + demand.sum() * 0.002, rel=1e-9)


@pytest.mark.slow
def test_final_rates_turned_into_urdb_bill_the_same_in_a_later_run(tmp_path: Path) -> None:
    source = make_demo(tmp_path / "made" / "demo", 8)
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS | {"backend": "pandas", "process_workers": 1})
    first = cairo.run(demo.scenario, RUN)
    stored = json.loads((first.path / "tariff_final_config.json").read_text())
    for key, tariff in stored.items():
        path = demo.folder / f"rates/tariffs/electric/{key}.json"
        path.write_text(json.dumps(ElectricityRates_to_URDB(tariff, key)))
    demo.settings({"run_type": "default"})
    again = cairo.run(demo.scenario, RUN)
    assert again.bills["bill_level"].tolist() == first.bills["bill_level"].tolist()
    assert json.loads((again.path / "tariff_final_config.json").read_text()).keys() == stored.keys()


@pytest.fixture(scope="module")
def plain_bills(demo: Demo) -> Demo:
    """The demo's own tariffs billed as they are: nothing undoes what a replacement does."""
    other = Demo(demo.folder, demo.folder.parent / "plain")
    untaxed = {"utility_tax_rate": 0.0, "energy_surcharge_rate": 0.0, "low_income_strategy": None}
    other.settings(untaxed | {"run_type": "default", "solar_pv_compensation": None})
    return other


@pytest.fixture(scope="module")
def plain(plain_bills: Demo) -> cairo.Run:
    return cairo.run(plain_bills.scenario, RUN)


def replaced(
    monkeypatch: pytest.MonkeyPatch, demo: Demo, where: Any, name: str, change: Callable[[Any], Any]
) -> cairo.Run:
    """A run in which a function's result is changed on the way."""
    original = getattr(where, name)
    monkeypatch.setattr(where, name, lambda *given, **named: change(original(*given, **named)))
    return cairo.run(demo.scenario, RUN)


PROCESSOR = InternalCrossSubsidizationProcessor
BAT_FOLDER = "cross_subsidization/cross_subsidization_BAT_"
BAT_VALUES = f"{BAT_FOLDER}values.csv"
REPLACED = {
    "process_residential_hourly_demand": (
        load_funcs,
        lambda demand: demand * 2.0,
        ("system_hourly.csv", "system_load_kwh", lambda column: column * 2.0),
    ),
    "run_system_revenues": (
        system_revenues,
        lambda bills: bills + 1.0,
        ("bills/elec_bills_year_run.csv", "bill_level", lambda column: column + 1.0),
    ),
    "_calculate_gas_bills": (
        MeetRevenueSufficiencySystemWide,
        lambda bills: bills + 1.0,
        ("bills/gas_bills_year_run.csv", "bill_level", lambda column: column + 1.0),
    ),
    "_determine_residual_cost_allocation": (
        PROCESSOR,
        lambda shares: shares * 2.0,
        (BAT_VALUES, "customer_level_residual_share_peak", lambda column: column * 2.0),
    ),
    "_return_customer_level_economic_burden_and_residual_share": (
        PROCESSOR,
        lambda burden_and_shares: (burden_and_shares[0] * 2.0, burden_and_shares[1]),
        (BAT_VALUES, "customer_level_economic_burden", lambda column: column * 2.0),
    ),
    "_return_cross_subsidization_metrics": (
        PROCESSOR,
        lambda metrics: metrics,
        (BAT_VALUES, "BAT_vol", lambda column: column),
    ),
    "calculate_BAT_stats_by_group": (
        PROCESSOR,
        lambda statistics: statistics.assign(customers=statistics["customers"] + 1.0),
        (f"{BAT_FOLDER}by_in.tenure.csv", "customers", lambda column: column + 1.0),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLACED)
def test_a_function_that_a_caller_has_replaced_is_what_runs(
    monkeypatch: pytest.MonkeyPatch, plain_bills: Demo, plain: cairo.Run, name: str
) -> None:
    where, change, (file, column, expected) = REPLACED[name]
    called: list[str] = []

    def noted(result: Any) -> Any:
        called.append(name)
        return change(result)

    run = replaced(monkeypatch, plain_bills, where, name, noted)
    assert called
    before, after = (pd.read_csv(one.path / file)[column] for one in (plain, run))
    assert after.tolist() == pytest.approx(expected(before).tolist(), rel=1e-12)


def test_replaced_demand_without_use_is_billed_the_fixed_charges(
    monkeypatch: pytest.MonkeyPatch, plain_bills: Demo
) -> None:
    run = replaced(
        monkeypatch,
        plain_bills,
        load_funcs,
        "process_building_demand_by_period",
        lambda demand: (demand[0].assign(grid_cons=0.0), demand[1]),
    )
    monthly = run.bills[run.bills["month"] != "Annual"]
    assert set(monthly["bill_level"]) == {FIXED, 10.01}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("lookups", "months gas_tariff_year load_types_map summary_buildings_cols_keep"),
        ("config", "MARGINALCOST_DIR TARIFFSSTOCKMAP OUTPUT_INTERNAL_POSTPROCESSING"),
        (
            "loads",
            "_load_worker _return_load return_buildingstock __timeshift__ "
            "process_building_demand_by_period aggregate_load_worker "
            "process_residential_hourly_demand _return_energy_charge_aggregation_method "
            "extract_energy_charge_map",
        ),
        (
            "tariffs",
            "URDBv7_to_ElectricityRates get_default_tariff_structures _load_base_tariffs "
            "_charge_period_mapping __load_tariff_maps__",
        ),
        (
            "system_revenues",
            "run_system_revenues return_monthly_bills_year1 _precalc_customer_rates "
            "run_aggregator_precalculation aggregate_system_revenues "
            "_return_revenue_requirement_target _determine_sell_rate "
            "_return_export_compensation_rate",
        ),
        ("postprocessing", "InternalCrossSubsidizationProcessor"),
        (
            "systemsimulator",
            "MeetRevenueSufficiencySystemWide _initialize_tariffs "
            "_return_revenue_requirement_target _return_export_compensation_rate",
        ),
    ],
)
def test_names_that_callers_import_are_where_they_look(module: str, names: str) -> None:
    there = vars(importlib.import_module(f"cairo.rates_tool.{module}"))
    assert [name for name in names.split() if name not in there] == []


@pytest.mark.slow
def test_a_callers_run_is_opened_reported_and_compared_like_any(
    scripted: tuple[MeetRevenueSufficiencySystemWide, pd.Series], ran: cairo.Run, tmp_path: Path
) -> None:
    simulator, demand = scripted
    assert simulator.save_file_loc is not None
    run = cairo.open_run(simulator.save_file_loc)
    assert run.info["run_name"] == RUN and run.info["settings"]["backend"] == "pandas"
    assert run.summary["revenue"] == pytest.approx(ran.summary["revenue"], rel=1e-14)
    assert run.summary["revenue_requirement"] == ran.summary["revenue_requirement"]
    assert run.summary["peak_kw"] == float(demand.max())
    assert run.bat["BAT_vol"].tolist() == simulator.customer_bat["BAT_vol"].tolist()
    assert set(run.info["versions"]) >= {"cairo", "dask", "pandas"}
    found = cairo.compare_runs(simulator.save_file_loc, ran.path, rtol=0.0, atol=0.0)
    apart = [(one.file, one.what) for one in found.differences if not one.equal]
    # A script's requirement is one number: it is not split into delivery and supply.
    assert [file for file, _ in apart] == [BAT_FILE]
    assert apart[0][1].startswith("columns differ: customer_level_economic_burden_delivery, ")
    page = write_report(simulator.save_file_loc, output=tmp_path / "report.html")
    assert RUN in page.read_text("utf-8")


@pytest.mark.parametrize("kind", ["text", "int32"])
def test_ids_of_the_metadata_may_be_text_or_small_numbers(demo: Demo, kind: str) -> None:
    inputs = read_inputs(read_scenario(demo.scenario).run(RUN))
    ids = inputs.customer_metadata["bldg_id"]
    written = ids.astype(str) if kind == "text" else ids.astype("int32")
    simulator = MeetRevenueSufficiencySystemWide(
        "default", YEAR, YEAR, 1, ids.tolist(), "mine", demo.folder / "ids"
    )
    simulator.simulate(
        None,
        inputs.tariffs_params,
        inputs.tariff_map,
        None,
        inputs.customer_metadata.assign(bldg_id=written),
        demo.loads,
        marginal_system_prices=inputs.marginal_system_prices,
        costs_by_type=pd.Series({"Residual Costs ($)": 1e6}),
    )
    assert simulator.customer_bat.index.tolist() == ids.tolist()


@pytest.mark.slow
def test_what_stands_in_the_place_of_stages_gets_what_callers_rely_on(
    monkeypatch: pytest.MonkeyPatch, plain_bills: Demo
) -> None:
    seen: dict[str, Any] = {}
    metrics = PROCESSOR._return_cross_subsidization_metrics
    gas = MeetRevenueSufficiencySystemWide._calculate_gas_bills
    revenues = system_revenues.run_system_revenues

    def own_metrics(self: Any, *arguments: Any) -> None:
        seen["folder"] = (self.save_folder / "cross_subsidization").is_dir()
        bills = arguments[4].set_index("bldg_id")
        metrics(self, *arguments[:4], bills, arguments[5])

    def own_gas(self: Any, *arguments: Any, **named: Any) -> Any:
        seen["gas"] = arguments[5]
        return gas(self, *arguments, **named)

    def own_revenues(
        aggregated_load: Any, aggregated_solar: Any, solar_compensation_df: Any, **named: Any
    ) -> Any:
        seen["calls"] = seen.get("calls", 0) + 1
        return revenues(aggregated_load, aggregated_solar, solar_compensation_df, **named)

    monkeypatch.setattr(PROCESSOR, "_return_cross_subsidization_metrics", own_metrics)
    monkeypatch.setattr(MeetRevenueSufficiencySystemWide, "_calculate_gas_bills", own_gas)
    monkeypatch.setattr(system_revenues, "run_system_revenues", own_revenues)
    run = cairo.run(plain_bills.scenario, RUN)
    assert seen["folder"] and seen["calls"] == 2
    assert all(Path(path).is_file() for path in seen["gas"].values())
    assert len(run.bat) == len(run.metadata)
    # The same replacements loaded, the other backend runs, and says that it passes them over.
    assert cairo.run(plain_bills.scenario, RUN, backend="dask_dataframe", workers=1).path.is_dir()
