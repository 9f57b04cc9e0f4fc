"""A caller's checkout on this package: the data its tests lack, and one of its scenarios.

For pytest this is a plugin (`-p downstream`): tests of the rate-design-platform that read load
files and an example of prices from its bucket get made-up ones of the same form, so that they run.

`python tests/downstream.py CHECKOUT` runs a precalc and a default run of the checkout's own
scenario files twice on a made-up stock: by its `run_scenario` with its patches, and by
`backend: dask_dataframe`. Bills and bill alignment are the same to 1e-9; gas bills where one of the
run's gas tariffs has tiers, as docs/differences.md says.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import cairo
from cairo.runs.demo import write_demo
from cairo.runs.synthetic import home_loads, synthetic_stock, synthetic_weather, write_stock

RTOL = 1e-9
HOMES = 24
SEED = 2018
SCENARIOS = "rate_design/hp_rates/*/config/scenarios/*.yaml"
UTILITY = "sb.electric_utility"
ELECTRIC, GAS = "path_tariff_maps_electric", "path_tariff_maps_gas"
PRICES = {
    "path_supply_energy_mc": "supply_energy",
    "path_supply_capacity_mc": "supply_capacity",
    "path_dist_and_sub_tx_mc": "dist_and_sub_tx",
    "path_bulk_tx_mc": "bulk_tx",
}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Give the checkout's tests the files that they name and would skip without."""
    made = tempfile.TemporaryDirectory()
    session.config.add_cleanup(made.cleanup)
    folder = Path(made.name)
    for module in {item.module for item in session.items}:
        if hasattr(module, "LOAD_DIR"):
            _write_homes(folder, [*module.SAMPLE_IDS, *module.SOLAR_IDS], module.SOLAR_IDS)
            module.LOAD_DIR = folder
        if hasattr(module, "EXAMPLE_CSV"):
            module.EXAMPLE_CSV = folder / "example_marginal_costs.csv"
            _write_cambium(module.EXAMPLE_CSV)


def _write_homes(folder: Path, bldg_ids: Sequence[int], solar: Sequence[int]) -> None:
    """Homes that heat with gas, some with PV, as ResStock stores them."""
    weather = synthetic_weather(SEED)
    stamps = pd.date_range("2018-01-01", periods=8760, freq="h")
    for bldg_id in bldg_ids:
        loads = home_loads(bldg_id, False, 5.0 if bldg_id in solar else 0.0, 1.0, weather, SEED)
        frame = pd.DataFrame({"bldg_id": bldg_id, "timestamp": stamps} | loads)
        frame.to_parquet(folder / f"{bldg_id}-0.parquet", index=False)


def _write_cambium(path: Path) -> None:
    """A Cambium file: five rows about it, then $/MWh by hour."""
    columns = {
        "timestamp": pd.date_range("2034-01-01", periods=8760, freq="h"),
        "energy_cost_enduse": np.round(40.0 + 15.0 * np.sin(np.arange(8760) / 24.0), 2),
        "capacity_cost_enduse": np.where(np.arange(8760) % 100 == 0, 90.0, 0.0),
    }
    path.write_text("about,this\n" * 5 + pd.DataFrame(columns).to_csv(index=False))


def chosen_runs(checkout: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """(scenario file, name, settings): a precalc by subclass and a default run with supply.

    Those whose tariffs, maps and requirement are in the checkout.
    """
    wanted = {("precalc", True), ("default", False)}
    for path in sorted(checkout.glob(SCENARIOS)):
        runs = yaml.safe_load(path.read_text()).get("runs", {})
        for name, values in runs.items():
            kind = (values["run_type"], values["run_includes_subclasses"])
            named = [values[key] for key in (ELECTRIC, GAS, "utility_revenue_requirement")]
            named += values["path_tariffs_electric"].values()
            there = all((path.parent.parent / one).is_file() for one in named)
            plain = values["run_includes_supply"] and values.get("elasticity", 0.0) == 0.0
            if there and plain and kind in wanted:
                wanted.remove(kind)
                yield path, name, values
    assert not wanted, f"{checkout} has no run of {wanted} whose files are all there"


def local(values: dict[str, Any], config: Path, folder: Path, prices: Path) -> dict[str, Any]:
    """A run's settings with a made-up stock of homes on its maps, and made-up prices."""
    on, gas = (pd.read_csv(config / values[key]) for key in (ELECTRIC, GAS))
    on = on[on["bldg_id"].isin(gas["bldg_id"])]
    # Homes of every tariff.
    ids = [i for _, some in on.groupby("tariff_key") for i in some["bldg_id"][: HOMES // 2]]
    stock = synthetic_stock(len(ids), SEED)
    stock = replace(stock, metadata=stock.metadata.assign(bldg_id=ids))
    hours, metadata = folder / "loads", folder / "metadata.parquet"
    write_stock(stock, hours, metadata)
    assigned, customers = folder / "assignment.parquet", folder / "customers.parquet"
    pd.DataFrame({"bldg_id": ids, UTILITY: values["utility"]}).to_parquet(assigned)
    pd.DataFrame({"utility_code": [values["utility"]], "residential_customers": [1e6]}).to_parquet(
        customers
    )
    changed = {key: str(prices / f"{name}.parquet") for key, name in PRICES.items()}
    return values | changed | {
        "path_resstock_loads": str(hours),
        "path_resstock_metadata": str(metadata),
        "path_utility_assignment": str(assigned),
        "path_electric_utility_stats": str(customers),
        "process_workers": 1,
    }  # fmt: skip


def main(checkout: Path) -> None:
    sys.path.insert(0, str(checkout))
    runner = importlib.import_module("rate_design.hp_rates.run_scenario")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prices = write_demo(folder / "demo", HOMES).parent.parent / "marginal_costs"
        for path, name, values in chosen_runs(checkout):
            config = path.parent.parent
            mine = folder / str(name)
            mine.mkdir()
            values = local(values, config, mine, prices)
            settings = runner._build_settings_from_yaml_run(
                values, name, config.parent.name, mine / "theirs", None
            )
            theirs = cairo.open_run(runner.run(settings, num_workers=1))
            # Its runner passes no compensation, and its functions credit none without.
            scenario = mine / "scenario.yaml"
            scenario.write_text(
                yaml.safe_dump({"runs": {name: values | {"solar_pv_compensation": None}}})
            )
            ours = cairo.run(
                scenario,
                str(name),
                backend="dask_dataframe",
                workers=1,
                config_dir=config,
                output_dir=mine / "ours",
            )
            fuels = ("elec", "gas", "comb") if gas_has_tiers(values, config, ours) else ("elec",)
            compare(f"{path.relative_to(checkout)} {name}", theirs, ours, fuels)


def gas_has_tiers(values: dict[str, Any], config: Path, run: cairo.Run) -> bool:
    """Whether one of the gas tariffs of a run's homes has tiers."""
    on = pd.read_csv(config / values[GAS])
    keys = on["tariff_key"][on["bldg_id"].isin(run.metadata["bldg_id"])].unique()
    files = [config / values["path_tariffs_gas"] / f"{key}.json" for key in keys]
    items = [json.loads(file.read_text())["items"][0] for file in files]
    return any(len(tiers) > 1 for item in items for tiers in item["energyratestructure"])


def compare(what: str, theirs: cairo.Run, ours: cairo.Run, fuels: Sequence[str]) -> None:
    """Bills by home and month, and bill alignment by home, the same to `RTOL`."""
    for fuel in fuels:
        file = f"bills/{fuel}_bills_year_run.csv"
        one, other = (
            run.files.table(file).set_index(["bldg_id", "month"])["bill_level"].sort_index()
            for run in (theirs, ours)
        )
        assert one.index.equals(other.index), f"{what} {file} has other homes"
        worst = float((one - other).abs().max() / other.abs().max())
        assert worst <= RTOL, f"{what} {file} differs by {worst:.2g}"
    # Theirs leave an allocation out.
    columns = [one for one in theirs.bat if one.startswith("BAT_") and one in ours.bat]
    indexed = [run.bat.set_index("bldg_id")[columns].sort_index() for run in (theirs, ours)]
    apart = float((indexed[0] - indexed[1]).abs().max().max())
    assert apart <= RTOL * float(ours.bat["Annual"].abs().max()), f"{what} BAT differs by {apart}"
    print(f"{what}: {len(ours.metadata)} homes, {', '.join(fuels)} bills the same to {RTOL:g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
