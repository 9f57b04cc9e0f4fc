"""Forms of scenario and requirement files that other programs write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import cairo
from cairo.errors import CairoError, InputErrors, ScenarioError
from cairo.files.numbers import written_number
from cairo.files.run_names import filled_folder
from cairo.model.names import GAS_COLUMN
from cairo.results.report import write_report
from cairo.runs.runner import run_scenario
from cairo.scenario.inputs import read_inputs
from cairo.scenario.scenario_checks import check_runs
from cairo.scenario.scenario_file import read_scenario
from tests.whole_runs import IN_PROCESS, RUN, Counting, Demo, files_read

REQUIREMENT = "rates/rev_requirement/demo.yaml"
MIXED = "demo_mixed_default"
HOMES = 6


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.settings(IN_PROCESS)
    demo.settings(IN_PROCESS, MIXED)
    return demo


def settings_of(demo: Demo, run: str = RUN) -> dict[str, Any]:
    stored: dict[str, Any] = yaml.safe_load(demo.scenario.read_text())["runs"][run]
    return stored


def test_runs_may_be_named_by_numbers(demo: Demo) -> None:
    own = settings_of(demo)
    path = demo.scenario.with_name("numbered.yaml")
    path.write_text(yaml.safe_dump({"runs": {1: own, 12: own | {"run_name": "twelve"}}}))
    found = read_scenario(path)
    assert list(found.runs) == ["1", "12"]
    assert found.run("1").run_name == "1" and found.run("12").run_name == "twelve"


def test_keys_of_other_tools_are_kept_and_used_for_nothing(demo: Demo) -> None:
    theirs = {"upgrade": "00", "fair_default": {"kind": "x"}, "quartet_of": {"a": 1}}
    demo.settings(theirs | {"path_tou_supply_energy_mc": "s3://bucket/x.parquet"})
    settings = read_scenario(demo.scenario).run(RUN)
    assert settings.not_used == theirs | {"path_tou_supply_energy_mc": "s3://bucket/x.parquet"}
    place = demo.run()
    recorded = json.loads((place / "run.json").read_text())["settings"]["not_used"]
    assert recorded["upgrade"] == "00"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"elastcity": {"winter": -0.1}}, "elastcity is unknown, did you mean elasticity"),
        ({"path_tariffs_elektric": {"all": "x.json"}}, "did you mean path_tariffs_electric"),
        ({"quite_unknown": 3}, "quite_unknown is unknown"),
    ],
)
def test_a_near_miss_stays_an_error(demo: Demo, settings: dict[str, Any], message: str) -> None:
    demo.settings(settings)
    with pytest.raises(CairoError, match=message):
        read_scenario(demo.scenario).run(RUN)


def test_subclasses_may_be_told_in_a_run(demo: Demo) -> None:
    selectors = {"electric": "heat_pump,electrical_resistance", "other": "natgas,other"}
    demo.settings({"subclass_config": {"group_col": "heating_type_v2", "selectors": selectors}})
    found = read_scenario(demo.scenario).run(RUN).subclass_config
    assert found is not None and found.selectors == selectors


@pytest.mark.parametrize("deep", ["scenarios", "scenarios/fair_default", "scenarios/a/b"])
def test_paths_start_above_the_nearest_scenarios_folder(tmp_path: Path, deep: str) -> None:
    folder = tmp_path / "config" / deep
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text("runs: {a: {run_type: default}}")
    assert read_scenario(folder / "x.yaml").config_dir == str(tmp_path / "config")
    own = tmp_path / "elsewhere"
    own.mkdir()
    (own / "x.yaml").write_text("runs: {a: {run_type: default}}")
    assert read_scenario(own / "x.yaml").config_dir == str(own)


def test_an_output_folder_has_places_for_time_and_batch(demo: Demo) -> None:
    assert filled_folder("/o/<batch>/<execution_time>", "b1", "20250101_000000") == (
        "/o/b1/20250101_000000"
    )
    demo.settings({"path_outputs": str(demo.folder / "out/<batch>/<execution_time>")})
    with pytest.raises(ScenarioError, match="say which with --batch"):
        run_scenario(demo.scenario, RUN)
    place = run_scenario(demo.scenario, RUN, batch="ny_1")
    assert place.parent.parent == demo.folder / "out/ny_1"
    assert place.name.startswith(place.parent.name[:8])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1e12", 1e12), ("1,234.5", 1234.5), (" 7 ", 7.0), ("12,34", None), (True, None), ("x", None),
     (3, 3.0), ("-2.5E+3", -2500.0), (None, None)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(value: object, expected: float | None) -> None:
    assert written_number(value) == expected


def test_a_requirement_file_may_have_one_number_for_all(demo: Demo) -> None:
    demo.yaml(REQUIREMENT, lambda _: {"revenue_requirement": "1,000.5", "source": "none"})
    demo.settings({"run_includes_subclasses": False})
    assert read_inputs(read_scenario(demo.scenario).run(RUN)).revenue_requirement == 1000.5


def test_subclasses_that_do_not_add_to_the_total_are_named_with_both_sums(demo: Demo) -> None:
    def less(stored: dict[str, Any]) -> dict[str, Any]:
        split = stored["subclass_revenue_requirements"]["delivery"]["percustomer"]
        split["hp"] = round(split["hp"] * 0.5, 2)
        return stored

    total = yaml.safe_load((demo.folder / REQUIREMENT).read_text())
    demo.yaml(REQUIREMENT, less)
    with pytest.raises((CairoError, InputErrors), match=r"delivery.percustomer add to .* \$, but"):
        read_inputs(read_scenario(demo.scenario).run(RUN))
    assert total["total_delivery_revenue_requirement"] > 0


@pytest.mark.parametrize(
    "key", ["revenue_requirement", "total_delivery_and_supply_revenue_requirement"]
)
def test_subclasses_add_to_the_one_total_that_a_file_has(demo: Demo, key: str) -> None:
    split = {
        "delivery": {"percustomer": {"hp": "400", "non-hp": 200.0}},
        "supply": {"passthrough": {"hp": 150.0, "non-hp": "84"}},
    }
    # 600 of delivery and 234 of supply are 834.
    demo.yaml(REQUIREMENT, lambda _: {key: "834", "subclass_revenue_requirements": split})
    found = read_inputs(read_scenario(demo.scenario).run(RUN)).revenue_requirement
    assert found == {"hp_tou": 550.0, "flat": 284.0}
    demo.yaml(REQUIREMENT, lambda stored: stored | {key: 698})
    message = rf"delivery.percustomer and supply.passthrough add to 834.00 \$, but {key} is 698.00"
    with pytest.raises(InputErrors, match=message):
        read_inputs(read_scenario(demo.scenario).run(RUN))


@pytest.mark.slow
def test_a_default_run_without_a_requirement_has_what_its_bills_collect(
    demo: Demo, tmp_path: Path
) -> None:
    demo.settings({"utility_revenue_requirement": None, "run_includes_subclasses": False}, MIXED)
    places = [demo.run(MIXED, backend=kind) for kind in ("pandas", "dask_dataframe")]
    assert cairo.compare_runs(*places).equal
    run = cairo.open_run(places[1])
    revenue = run.summary["revenue"]
    costs = run.summary["costs_by_type"]
    assert run.summary["revenue_requirement_from"] == "bills"
    assert costs["Residual Costs ($)"] == pytest.approx(
        revenue - costs["Total Marginal Costs ($)"], rel=1e-12
    )
    page = write_report(run.path, output=tmp_path / "r.html").read_text("utf-8")
    assert "No revenue requirement was given" in page
    with pytest.raises(CairoError, match="expected exactly one of utility_revenue_requirement"):
        demo.settings({"run_type": "precalc"}, MIXED)
        read_scenario(demo.scenario).run(MIXED)


def test_a_placeholder_for_a_requirement_is_remarked_on(
    demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    demo.yaml(REQUIREMENT, lambda _: {"revenue_requirement": "1e12"})
    demo.settings({"run_includes_subclasses": False}, MIXED)
    told = cairo.open_run(demo.run(MIXED)).summary["remarks"]
    assert len(told) == 1 and "more than 10 times" in told[0]
    assert f"{MIXED}: {told[0]}" in caplog.messages


def checked(demo: Demo, *names: str) -> list[str]:
    scenario = read_scenario(demo.scenario)
    return [str(error) for error in check_runs({name: scenario.run(name) for name in names})]


def test_a_check_of_several_runs_reads_each_file_once(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = files_read(monkeypatch)
    scenario = read_scenario(demo.scenario)
    names, counting = list(scenario.runs), Counting()
    assert len(names) > 2
    assert check_runs({name: scenario.run(name) for name in names}, counting) == []
    assert sorted(opened) == sorted(str(path) for path in demo.loads.iterdir())
    # Whose loads they are is said, and of how many other runs.
    homes = len(opened)
    assert counting.stages[f"loads of {names[0]} and {len(names) - 1} more"] == (homes, homes)


def test_a_file_without_gas_is_fine_where_gas_is_not_billed(demo: Demo) -> None:
    for path in sorted(demo.loads.iterdir()):
        demo.parquet(path, lambda frame: frame.drop(columns=[GAS_COLUMN]))
    demo.settings({"path_tariff_maps_gas": None, "path_tariffs_gas": None}, MIXED)
    assert checked(demo, MIXED) == []
    told = checked(demo, MIXED, RUN)
    # The same is wrong with every file: one line that counts them and names some.
    assert len(told) == 1
    assert "has no column out.natural_gas" in told[0] and "and 5 more like it" in told[0]


def test_the_backend_of_a_scenario_that_names_none_is_the_fast_one(demo: Demo) -> None:
    values = settings_of(demo)
    del values["backend"]
    path = demo.scenario.with_name("plain.yaml")
    path.write_text(yaml.safe_dump({"runs": {RUN: values}}))
    assert read_scenario(path).run(RUN).backend == "dask_dataframe"


def test_of_several_merged_settings_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "common: &common {year_run: 2025, utility: common, state: RI}\n"
        "classes: &classes {utility: classes, state: VT}\n"
        "runs:\n"
        "  both: {<<: [*classes, *common], state: NY}\n"
        "  other: {<<: [*common, *classes]}\n"
    )
    runs = read_scenario(path).runs
    # YAML's merge: earlier mappings of the list win, and keys of the run itself over all.
    assert runs["both"] == {"year_run": 2025, "utility": "classes", "state": "NY"}
    assert runs["other"] == {"year_run": 2025, "utility": "common", "state": "RI"}
    path.write_text("runs: {x: {<<: [1]}}\n")
    with pytest.raises(ScenarioError, match=r"no mapping of keys \(line 1\)"):
        read_scenario(path)
