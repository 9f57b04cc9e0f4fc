"""`cairo demo`: a synthetic stock with tariffs, prices and scenarios, run from end to end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cairo.errors import OutputError
from cairo.files.run_directory import writing
from cairo.model.allocations import share_columns
from cairo.model.calendar import hour_months, hour_of_day, hour_stamps
from cairo.model.names import HOURS, HOURS_OF_DAY, MONTHS
from cairo.runs.synthetic import SyntheticStock, synthetic_stock, write_stock
from cairo.workers.stages import Progress

YEAR = 2025
CUSTOMERS = 50_000
UTILITY = "demo"
MARKER = "cairo_demo.json"
LOADS = "resstock/load_curve_hourly/state=DM/upgrade=00"
METADATA = "resstock/metadata/metadata-sb.parquet"
RUN = "demo_hp_tou_precalc"

FLAT_RATE, FIXED = 0.1385, 11.47
TOU_RATES = (0.101, 0.129, 0.098, 0.336)
"""[$/kWh] winter off-peak and peak, summer off-peak and peak."""


def write_demo(
    folder: str | os.PathLike[str],
    buildings: int = 200,
    seed: int = 2025,
    progress: Progress | None = None,
) -> Path:
    """Write the demo's inputs; the path of its scenario file.

    Parameters
    ----------
    folder : new, empty, or one a demo was written to before.
    buildings : homes.
    seed : of the stock; the same seed gives the same files.
    progress : told of each home written.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    """
    root = Path(folder)
    with writing(root):
        if root.exists() and (
            not root.is_dir() or (any(root.iterdir()) and not (root / MARKER).exists())
        ):
            raise OutputError(f"{root} holds something else than a demo: name another --output-dir")
        root.mkdir(parents=True, exist_ok=True)
        (root / MARKER).write_text(json.dumps({"buildings": buildings, "seed": seed}))
        stock = synthetic_stock(buildings, seed)
        loads = root / LOADS
        for old in loads.glob("*.parquet"):
            old.unlink()
        system = write_stock(stock, loads, root / METADATA, progress)
        return write_rates(root, stock, system)


def write_rates(root: Path, stock: SyntheticStock, system: np.ndarray) -> Path:
    """Write maps, tariffs, prices, requirements and scenarios; the scenario file's path.

    Parameters
    ----------
    root : folder the stock is in.
    stock : its homes.
    system : (8760,) net load of all of them [kWh].
    """
    rates = root / "rates"
    _write_maps(stock, root)
    _write_tariffs(rates / "tariffs")
    _write_prices(rates / "marginal_costs", system)
    annual_kwh = float(system.sum()) * CUSTOMERS / len(stock.metadata)
    _write_requirements(rates / "rev_requirement", annual_kwh, stock)
    scenario = rates / "scenarios" / "scenarios_demo.yaml"
    scenario.parent.mkdir(parents=True, exist_ok=True)
    scenario.write_text(yaml.safe_dump({"runs": _runs()}, sort_keys=False))
    return scenario


def _write_maps(stock: SyntheticStock, root: Path) -> None:
    metadata = stock.metadata
    ids = metadata["bldg_id"]
    kinds = ["flat", "hp_tou", "tiered"]
    maps = {
        "electric/flat": np.full(len(ids), "flat"),
        "electric/hp_tou_vs_flat": np.where(metadata["heat_pump"], "hp_tou", "flat"),
        "electric/mixed": np.array(kinds)[np.arange(len(ids)) % len(kinds)],
        "gas/gas": np.where(metadata["heat_pump"], "no_gas", "gas_heating"),
    }
    for name, keys in maps.items():
        path = root / "rates" / "tariff_maps" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"bldg_id": ids, "tariff_key": keys}).to_csv(path, index=False)
    assignment = pd.DataFrame(
        {"bldg_id": ids, "sb.electric_utility": UTILITY, "sb.gas_utility": UTILITY}
    )
    assignment.to_parquet(
        root / "resstock" / "metadata" / "utility_assignment.parquet", index=False
    )


def _urdb(
    name: str, structure: list[list[dict[str, object]]], schedule: list[list[int]], fixed: float
) -> dict[str, object]:
    return {
        "items": [
            {
                "label": name,
                "name": name,
                "utility": UTILITY,
                "sector": "Residential",
                "energyratestructure": structure,
                "energyweekdayschedule": schedule,
                "energyweekendschedule": schedule,
                "fixedchargefirstmeter": fixed,
                "fixedchargeunits": "$/month",
                "mincharge": 0.0,
                "minchargeunits": "$/month",
            }
        ]
    }


def _write_tariffs(folder: Path) -> None:
    always = [[0] * HOURS_OF_DAY for _ in range(MONTHS)]
    summer = range(5, 9)
    tou = [
        [
            (2 if month in summer else 0) + (1 if 16 <= hour < 21 else 0)
            for hour in range(HOURS_OF_DAY)
        ]
        for month in range(MONTHS)
    ]
    quarters = [[month // 3] * HOURS_OF_DAY for month in range(MONTHS)]
    tariffs = {
        "electric/flat": _urdb("flat", [[{"rate": FLAT_RATE, "unit": "kWh"}]], always, FIXED),
        "electric/hp_tou": _urdb(
            "hp_tou", [[{"rate": rate, "unit": "kWh"}] for rate in TOU_RATES], tou, 10.01
        ),
        "electric/tiered": _urdb(
            "tiered",
            [[{"rate": 0.0989, "max": 500.0, "unit": "kWh"}, {"rate": 0.1546, "unit": "kWh"}]],
            always,
            4.6,
        ),
        "gas/gas_heating": _urdb(
            "gas_heating",
            [[{"rate": rate, "unit": "kWh"}] for rate in (0.0637, 0.0659, 0.0638, 0.0586)],
            quarters,
            14.79,
        ),
        "gas/no_gas": _urdb("no_gas", [[{"rate": 0.0, "unit": "kWh"}]], always, 0.0),
    }
    for name, tariff in tariffs.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tariff))


def _write_prices(folder: Path, system: np.ndarray) -> None:
    """Energy by season and hour, capacity and network costs over the system's highest hours."""
    folder.mkdir(parents=True, exist_ok=True)
    month, hour = hour_months(), hour_of_day()
    winter = np.cos(2 * np.pi * (month - 0.5) / 12)
    energy = 44.0 + 14.0 * winter**2 + 9.0 * np.exp(-(((hour - 18.5) / 3.0) ** 2))
    shifted = np.roll(system, -48)
    columns = {
        "supply_energy": ("energy_cost_enduse", np.round(energy, 2)),
        "supply_capacity": ("capacity_cost_enduse", 1000.0 * _over_peak(shifted, 40, 55.0)),
        "dist_and_sub_tx": ("mc_total_per_kwh", _over_peak(shifted, 100, 80.24)),
        "bulk_tx": ("bulk_tx_cost_enduse", _over_peak(shifted, 40, 69.0)),
        "supply_energy_zero": ("energy_cost_enduse", np.zeros(HOURS)),
        "supply_capacity_zero": ("capacity_cost_enduse", np.zeros(HOURS)),
    }
    for name, (column, values) in columns.items():
        frame = pd.DataFrame({"timestamp": hour_stamps(YEAR), column: values})
        frame.to_parquet(folder / f"{name}.parquet", index=False)


def _over_peak(system: np.ndarray, hours: int, per_kw_year: float) -> np.ndarray:
    """A cost [$/kW-yr] over the highest hours in proportion to load [$/kWh]."""
    price = np.zeros(HOURS)
    peak = np.argsort(system, kind="stable")[-hours:]
    price[peak] = per_kw_year * system[peak] / system[peak].sum()
    return price


def _write_requirements(folder: Path, annual_kwh: float, stock: SyntheticStock) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    delivery, both = round(0.13 * annual_kwh, 2), round(0.25 * annual_kwh, 2)
    part = float(stock.metadata["heat_pump"].mean())
    split = {
        "delivery": {"percustomer": _split(delivery, part)},
        "supply": {"passthrough": _split(round(both - delivery, 2), min(1.5 * part, 0.9))},
    }
    stored = {
        "utility": UTILITY,
        "test_year_customer_count": CUSTOMERS,
        "total_delivery_revenue_requirement": delivery,
        "total_delivery_and_supply_revenue_requirement": both,
        "subclass_revenue_requirements": split,
    }
    (folder / "demo.yaml").write_text(yaml.safe_dump(stored, sort_keys=False))


def _split(total: float, part: float) -> dict[str, float]:
    first = round(total * part, 2)
    return {"hp": first, "non-hp": round(total - first, 2)}


def _runs() -> dict[str, dict[str, object]]:
    common = {
        "run_type": "precalc",
        "backend": "dask_dataframe",
        "utility": UTILITY,
        "year_run": YEAR,
        "year_dollar_conversion": YEAR,
        "process_workers": 2,
        "path_resstock_metadata": "../resstock/metadata/metadata-sb.parquet",
        "path_resstock_loads": "../resstock/load_curve_hourly/state=DM/upgrade=00/",
        "path_utility_assignment": "../resstock/metadata/utility_assignment.parquet",
        "path_tariff_maps_gas": "tariff_maps/gas/gas.csv",
        "path_tariffs_gas": "tariffs/gas",
        "path_supply_energy_mc": "marginal_costs/supply_energy.parquet",
        "path_supply_capacity_mc": "marginal_costs/supply_capacity.parquet",
        "path_dist_and_sub_tx_mc": "marginal_costs/dist_and_sub_tx.parquet",
        "path_bulk_tx_mc": "marginal_costs/bulk_tx.parquet",
        "utility_revenue_requirement": "rev_requirement/demo.yaml",
        "run_includes_supply": True,
        "solar_pv_compensation": "net_metering",
        "path_outputs": "../outputs",
    }
    flat = {
        "path_tariff_maps_electric": "tariff_maps/electric/flat.csv",
        "path_tariffs_electric": {"all": "tariffs/electric/flat.json"},
    }
    by_heating = {
        "path_tariff_maps_electric": "tariff_maps/electric/hp_tou_vs_flat.csv",
        "path_tariffs_electric": {
            "hp": "tariffs/electric/hp_tou.json",
            "non-hp": "tariffs/electric/flat.json",
        },
        "run_includes_subclasses": True,
        "residual_allocation_delivery": "percustomer",
        "residual_allocation_supply": "passthrough",
    }
    mixed = {
        "run_type": "default",
        "path_tariff_maps_electric": "tariff_maps/electric/mixed.csv",
        "path_tariffs_electric": {
            name: f"tariffs/electric/{name}.json" for name in ("flat", "hp_tou", "tiered")
        },
    }
    delivery = {
        "run_includes_supply": False,
        "path_supply_energy_mc": "marginal_costs/supply_energy_zero.parquet",
        "path_supply_capacity_mc": "marginal_costs/supply_capacity_zero.parquet",
    }
    return {
        "demo_flat_precalc_delivery": common | flat | delivery,
        "demo_flat_precalc": common | flat,
        RUN: common | by_heating,
        "demo_mixed_default": common | mixed,
    }


def run_demo(
    scenario: Path, *, backend: str | None = None, progress: Progress | None = None
) -> Path:
    """Run the demo's heat-pump time-of-use design; its run directory."""
    from cairo.runs.runner import run_scenario

    return run_scenario(scenario, RUN, backend=backend, progress=progress)


def demo_summary(place: Path, scenario: Path) -> str:
    """Peak, revenue against requirement and bill alignment by group, as text."""
    from cairo.results.run import Run

    run = Run(place)
    facts = run.summary
    bat = run.bat.merge(run.metadata[["bldg_id", "postprocess_group.has_hp"]], on="bldg_id")
    heat_pump = bat["postprocess_group.has_hp"].astype(str).str.lower().eq("true")
    lines = [
        f"homes        {facts['buildings']} standing for {facts['customers']:,.0f} customers",
        f"peak         {facts['peak_kw'] / 1000:,.1f} MW at {facts['peak_time']}",
        f"revenue      {facts['revenue']:,.0f} $ of {facts['revenue_requirement']:,.0f} $ required",
        "bill alignment, $ a customer and year (above zero: pays more than its cost)",
        f"  {'allocation':<14}{'heat pump':>12}{'other':>12}",
    ]
    for name in share_columns():
        means = [
            float(np.average(bat.loc[rows, name], weights=bat.loc[rows, "weight"]))
            for rows in (heat_pump, ~heat_pump)
        ]
        lines.append(f"  {name:<14}{means[0]:>12,.0f}{means[1]:>12,.0f}")
    lines += [f"scenario     {scenario}", f"results      {place}"]
    return "\n".join(lines)
