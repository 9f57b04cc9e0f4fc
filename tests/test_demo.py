"""The demo's stock and its runs are what the demo says they are."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cairo.errors import OutputError
from cairo.model.allocations import share_columns
from cairo.rates_tool.lookups import (
    DISTRIBUTION_PRICE,
    GAS_COLUMN,
    HOURS,
    PV_COLUMN,
    TOTAL_COLUMN,
)
from cairo.results.run import Run
from cairo.runs.demo import LOADS, METADATA, RUN, demo_summary, write_demo
from cairo.runs.runner import run_scenario

HOMES = 21


@pytest.fixture(scope="module")
def scenario(tmp_path_factory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "stock", HOMES, seed=3)


@pytest.fixture(scope="module")
def root(scenario) -> Path:
    return scenario.parents[2]


@pytest.fixture(scope="module")
def runs(scenario) -> dict[str, Run]:
    names = yaml.safe_load(scenario.read_text())["runs"]
    return {name: Run(run_scenario(scenario, name, backend="pandas", workers=1)) for name in names}


def homes(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / METADATA).set_index("bldg_id")


def loads(root: Path) -> dict[int, pd.DataFrame]:
    return {
        int(path.name.split("-")[0]): pd.read_parquet(path)
        for path in (root / LOADS).glob("*.parquet")
    }


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and "outputs" not in path.parts
    }


def test_the_same_seed_writes_the_same_files_and_another_does_not(root, tmp_path):
    write_demo(tmp_path / "same", HOMES, seed=3)
    write_demo(tmp_path / "other", HOMES, seed=4)
    assert digests(tmp_path / "same") == digests(root)
    assert digests(tmp_path / "other").keys() != digests(root).keys()


def test_there_is_a_sound_load_file_for_each_home_of_the_metadata(root):
    metadata, files = homes(root), loads(root)
    assert sorted(files) == sorted(metadata.index)
    assert list(metadata.index) != sorted(metadata.index)
    for bldg_id, load in files.items():
        assert (load["bldg_id"] == bldg_id).all()
        stamps = pd.DatetimeIndex(load["timestamp"])
        assert len(stamps) == HOURS and (np.diff(stamps) == np.timedelta64(1, "h")).all()
        assert stamps[0] == pd.Timestamp("2018-01-01")
        assert np.isfinite(load.drop(columns="timestamp")).all(axis=None)


def test_generation_is_negative_and_only_on_roofs_that_have_it(root):
    metadata = homes(root)
    assert (metadata["in.has_pv"] == "Yes").sum() == HOMES / 7
    for bldg_id, load in loads(root).items():
        pv = load[PV_COLUMN]
        assert (pv <= 0).all()
        if metadata.loc[bldg_id, "in.has_pv"] == "Yes":
            # 5 kW make 800 to 1,600 kWh a kW and year between Scotland and Spain.
            assert 800 * 5 < -pv.sum() < 1600 * 5
            assert (pv[load["timestamp"].dt.hour.isin([0, 1, 2, 23])] == 0).all()
        else:
            assert (pv == 0).all()


def test_heat_pump_homes_heat_with_electricity_and_the_others_with_gas(root):
    metadata = homes(root)
    assert metadata["postprocess_group.has_hp"].sum() == HOMES / 3
    for bldg_id, load in loads(root).items():
        heating = load["out.electricity.heating.energy_consumption"].to_numpy()
        gas = load[GAS_COLUMN].to_numpy()
        winter, summer = load["timestamp"].dt.month.isin([1]), load["timestamp"].dt.month.isin([7])
        if metadata.loc[bldg_id, "postprocess_group.has_hp"]:
            assert gas.max() == 0 and heating[winter].sum() > 5 * heating[summer].sum() > 0
        else:
            assert heating.max() == 0 and gas[winter].sum() > 2 * gas[summer].sum()


def test_end_uses_are_parts_of_the_total(root):
    ends = [f"out.electricity.{use}.energy_consumption" for use in ("heating", "cooling")]
    for load in loads(root).values():
        # Each column is rounded to 1e-6 kWh.
        assert (load[ends].sum(axis=1) <= load[TOTAL_COLUMN] + 3e-6).all()
        assert 2_000 < load[TOTAL_COLUMN].sum() < 40_000


def test_subclass_requirements_add_to_the_totals(root):
    stored = yaml.safe_load((root / "rates/rev_requirement/demo.yaml").read_text())
    split = stored["subclass_revenue_requirements"]
    delivery = sum(split["delivery"]["percustomer"].values())
    supply = sum(split["supply"]["passthrough"].values())
    assert delivery == pytest.approx(stored["total_delivery_revenue_requirement"], abs=0.005)
    assert delivery + supply == pytest.approx(
        stored["total_delivery_and_supply_revenue_requirement"], abs=0.005
    )


@pytest.mark.slow
def test_distribution_costs_stand_in_the_hundred_highest_hours_of_the_run_year(root, runs):
    system = runs["demo_flat_precalc"].system
    price = pd.read_parquet(root / "rates/marginal_costs/dist_and_sub_tx.parquet")
    spread = price["mc_total_per_kwh"].to_numpy()
    highest = np.argsort(system["system_load_kwh"].to_numpy())[-100:]
    assert set(np.flatnonzero(spread)) == set(highest)
    # One more kW in all of these hours costs the 80.24 $ of a kW-year.
    assert spread.sum() == pytest.approx(80.24, rel=1e-12)
    assert (system[DISTRIBUTION_PRICE].to_numpy() >= spread).all()


def test_calibrated_runs_collect_their_requirement_and_align_to_zero(runs):
    assert [
        name for name, run in runs.items() if run.info["settings"]["run_type"] == "default"
    ] == ["demo_mixed_default"]
    for name, run in runs.items():
        facts = run.summary
        assert facts["customers"] == pytest.approx(50_000, rel=1e-12)
        if name == "demo_mixed_default":
            continue
        assert facts["revenue"] == pytest.approx(facts["revenue_requirement"], rel=1e-9)
        for allocation in share_columns():
            total = (run.bat[allocation] * run.bat["weight"]).sum()
            assert abs(total) < 1e-6 * facts["revenue"]


def test_supply_and_delivery_cost_a_quarter_of_a_dollar_a_kwh(runs):
    facts = runs["demo_flat_precalc"].summary
    assert facts["revenue_requirement"] / facts["annual_kwh"] == pytest.approx(0.25, rel=1e-6)


def test_subclasses_each_collect_their_own_requirement(root, runs):
    run = runs[RUN]
    stored = yaml.safe_load((root / "rates/rev_requirement/demo.yaml").read_text())
    split = stored["subclass_revenue_requirements"]
    keys = pd.read_csv(root / "rates/tariff_maps/electric/hp_tou_vs_flat.csv")
    bat = run.bat.merge(keys, on="bldg_id")
    for alias, key in {"hp": "hp_tou", "non-hp": "flat"}.items():
        rows = bat[bat["tariff_key"] == key]
        required = split["delivery"]["percustomer"][alias] + split["supply"]["passthrough"][alias]
        assert (rows["Annual"] * rows["weight"]).sum() == pytest.approx(required, rel=1e-9)


def test_the_summary_tells_the_figures_of_the_run_it_names(scenario, runs):
    run = runs[RUN]
    text = demo_summary(run.path, scenario)
    heat_pump = run.bat["bldg_id"].isin(
        run.metadata.loc[run.metadata["postprocess_group.has_hp"], "bldg_id"]
    )
    # All homes weigh the same, so a plain mean is the weighted one.
    for name in share_columns():
        means = [run.bat.loc[rows, name].mean() for rows in (heat_pump, ~heat_pump)]
        line = next(line for line in text.splitlines() if line.strip().startswith(name))
        assert line.split()[1:] == [f"{mean:,.0f}" for mean in means]
    assert f"{run.summary['revenue']:,.0f} $" in text
    assert text.splitlines()[-1].endswith(str(run.path))


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        write_demo(tmp_path, 4)
    with pytest.raises(OutputError, match="holds something else"):
        write_demo(tmp_path / "mine.txt", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_smaller_stock_leaves_no_files_of_the_larger_and_keeps_runs(tmp_path):
    root = tmp_path / "demo"
    write_demo(root, 8, seed=1)
    kept = root / "outputs" / "a_run" / "run.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    write_demo(root, 5, seed=2)
    assert len(list((root / LOADS).glob("*"))) == 5
    assert sorted(loads(root)) == sorted(homes(root).index)
    assert kept.exists()


def test_tariffs_are_json_of_the_public_format(root):
    files = sorted((root / "rates/tariffs").rglob("*.json"))
    assert [path.stem for path in files] == ["flat", "hp_tou", "tiered", "gas_heating", "no_gas"]
    for path in files:
        (item,) = json.loads(path.read_text())["items"]
        periods = {period for row in item["energyweekdayschedule"] for period in row}
        assert periods == set(range(len(item["energyratestructure"])))
