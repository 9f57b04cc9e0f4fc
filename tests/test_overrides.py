"""`--set`: settings in the place of the file's, and several values as several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import cairo
from cairo.errors import CairoError, ScenarioError
from cairo.scenario.overrides import overridden
from cairo.scenario.scenario_file import Scenario, read_scenario
from tests.whole_runs import IN_PROCESS, RUN, Demo, make_demo

BASE = "demo_flat_precalc"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    source = make_demo(tmp_path_factory.mktemp("made") / "demo", 9)
    demo = Demo(source, tmp_path_factory.mktemp("overrides") / "demo")
    demo.every_run(IN_PROCESS)
    stored = yaml.safe_load(demo.scenario.read_text())
    stored["runs"]["billed"] = stored["runs"][BASE] | {
        "run_type": "default",
        "path_tariffs_electric": {"all": f"run:{BASE}#all"},
        "compare_to": BASE,
    }
    demo.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))
    return demo


@pytest.fixture
def scenario(demo: Demo) -> Scenario:
    return read_scenario(demo.scenario)


def changed(scenario: Scenario, names: list[str], *sets: str) -> dict[str, dict[str, Any]]:
    found, made = overridden(scenario, names, sets)
    return {name: found.runs[name] for name in made}


def test_one_value_changes_the_run_under_its_own_name(scenario: Scenario) -> None:
    runs = changed(scenario, [BASE], "year_run=2024", "utility_tax_rate=0.05")
    assert list(runs) == [BASE]
    assert (runs[BASE]["year_run"], runs[BASE]["utility_tax_rate"]) == (2024, 0.05)
    assert runs[BASE] | {"year_run": scenario.runs[BASE]["year_run"]} == (
        scenario.runs[BASE] | {"utility_tax_rate": 0.05}
    )


def test_several_values_make_a_run_of_each_combination(scenario: Scenario) -> None:
    runs = changed(scenario, [BASE], "tariffs.all.fixed_charge=5,10.5", "sample_seed=1,2")
    assert list(runs) == [
        f"{BASE}_fixed_charge=5_sample_seed=1",
        f"{BASE}_fixed_charge=5_sample_seed=2",
        f"{BASE}_fixed_charge=10.5_sample_seed=1",
        f"{BASE}_fixed_charge=10.5_sample_seed=2",
    ]
    last = runs[f"{BASE}_fixed_charge=10.5_sample_seed=2"]
    assert last["tariff_changes"] == {"all": {"fixed_charge": 10.5}}
    assert last["sample_seed"] == 2


def test_runs_of_one_value_refer_to_each_other(scenario: Scenario) -> None:
    runs = changed(scenario, [BASE, "billed"], "tariffs.all.fixed_charge=5,10")
    of_ten = runs["billed_fixed_charge=10"]
    assert of_ten["path_tariffs_electric"] == {"all": f"run:{BASE}_fixed_charge=10#all"}
    assert of_ten["compare_to"] == f"{BASE}_fixed_charge=10"
    alone = changed(scenario, ["billed"], "sample_seed=1,2")["billed_sample_seed=2"]
    assert alone["compare_to"] == BASE


def test_values_are_yaml_and_paths_are_named_by_their_stem(scenario: Scenario) -> None:
    runs = changed(scenario, [BASE], "path_supply_energy_mc=a/low.parquet,b/high.parquet",
                   "elasticity={winter: -0.1, summer: -0.2}")  # fmt: skip
    assert [name.removeprefix(f"{BASE}_") for name in runs] == [
        "path_supply_energy_mc=low", "path_supply_energy_mc=high",
    ]  # fmt: skip
    assert {str(run["elasticity"]) for run in runs.values()} == {"{'winter': -0.1, 'summer': -0.2}"}


WRONG = {
    "years_run=2024": "years_run is no key of a run, did you mean year_run",
    "year_run": "expected KEY=VALUE",
    "year_run=[": "cannot be read as YAML",
    "tariffs.all.fixed_charges=3": "did you mean fixed_charge",
    "tariffs.al.fixed_charge=3": f"run {BASE} has no tariff al, did you mean all",
    "tariffs.all=3": "expected tariffs.ALIAS.CHANGE",
    "sample_seed=1,1": "twice",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_set_is_one_line(scenario: Scenario, text: str) -> None:
    with pytest.raises(ScenarioError, match=WRONG[text]):
        overridden(scenario, [BASE], [text])


def test_a_key_that_runs_disagree_on_is_not_set(scenario: Scenario) -> None:
    with pytest.raises(ScenarioError, match=f"runs {BASE} and {RUN} have different values"):
        overridden(scenario, [BASE, RUN], ["path_tariff_maps_electric=x.csv"])
    with pytest.raises(ScenarioError, match="is given twice"):
        overridden(scenario, [BASE], ["year_run=2024", "year_run=2023"])


def test_a_value_that_does_not_fit_is_told_of_its_run(scenario: Scenario) -> None:
    found, (name, *_) = overridden(scenario, [BASE], ["tariffs.all.min_charge=-3"])
    with pytest.raises(CairoError, match="min_charge"):
        found.run(name)


def test_a_sweep_of_fixed_charges_is_one_study(demo: Demo, tmp_path: Path) -> None:
    found = cairo.study(
        demo.scenario, [BASE], sets=["tariffs.all.fixed_charge=4,14"], output_dir=tmp_path
    )
    four, fourteen = (run.tariffs["flat"] for run in found.values())
    assert four["ur_monthly_fixed_charge"] == 4.0 and fourteen["ur_monthly_fixed_charge"] == 14.0
    # Ten dollars a month more of every customer is what the energy rate collects less.
    revenues = [run.summary["revenue"] for run in found.values()]
    assert revenues[0] == pytest.approx(revenues[1], rel=1e-9)
    (summary,) = {run.summary["customers"] for run in found.values()}
    rates = [tariff["ur_ec_tou_mat"][0][4] for tariff in (four, fourteen)]
    billed = sum(
        (run.bills.query("month == 'Annual'")["bill_level"] * run.bat["weight"].to_numpy()).sum()
        * sign
        for run, sign in zip(found.values(), (1, -1), strict=True)
    )
    assert rates[0] > rates[1] and billed == pytest.approx(0.0, abs=1e-4 * summary)


def test_rates_are_scaled_in_a_run_that_bills_them_as_they_are(demo: Demo, tmp_path: Path) -> None:
    name = "demo_mixed_default"
    found = cairo.study(
        demo.scenario, [name], sets=["tariffs.tiered.rate_scale=1,2"], output_dir=tmp_path
    )
    once, twice = (run.tariffs["tiered"]["ur_ec_tou_mat"] for run in found.values())
    assert [row[4] for row in twice] == [2 * row[4] for row in once]
