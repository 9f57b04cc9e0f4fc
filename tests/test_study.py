"""A study: several runs in one pass, each with the bytes that it has alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import cairo
from cairo.errors import ScenarioError
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents, files_read


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.every_run(IN_PROCESS)
    return demo


def more_runs(demo: Demo, **runs: dict[str, Any]) -> None:
    """Runs like the usual one, but for some settings."""
    stored = yaml.safe_load(demo.scenario.read_text())
    for name, changes in runs.items():
        stored["runs"][name] = stored["runs"][RUN] | changes
    demo.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))


def names_of(demo: Demo) -> list[str]:
    return list(read_scenario(demo.scenario).runs)


VARIANTS: dict[str, dict[str, Any]] = {
    "other_prices": {"path_supply_energy_mc": "marginal_costs/supply_energy_zero.parquet"},
    "sampled": {"sample_size": 5},
    "not_floored": {"floor_negative_net_load": False},
    "responding": {"elasticity": -0.2},
    "own_cost": {"path_dist_and_sub_tx_mc": None, "distribution_cost_per_kw_year": 90.0},
    "originals": {"backend": "pandas", "process_workers": 1},
}


def test_each_run_has_the_bytes_that_it_has_alone(demo: Demo) -> None:
    more_runs(demo, **VARIANTS)
    alone = {name: contents(demo.run(name)) for name in names_of(demo)}
    together = cairo.study(demo.scenario, output_dir=demo.folder / "study")
    assert not together.failed and list(together) == names_of(demo)
    for name, run in together.items():
        assert contents(run.path) == alone[name], name
    backwards = cairo.study(
        demo.scenario, names_of(demo)[::-1], output_dir=demo.folder / "backwards"
    )
    for name, run in backwards.items():
        assert contents(run.path) == alone[name], name


def test_each_load_file_is_read_once_for_runs_that_share_it(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = files_read(monkeypatch)
    more_runs(demo, other_prices=VARIANTS["other_prices"])
    found = cairo.study(demo.scenario, output_dir=demo.folder / "study")
    assert len(found) > 3
    assert sorted(opened) == sorted(str(path) for path in demo.loads.iterdir())


def test_what_fails_takes_down_no_other_run(demo: Demo) -> None:
    more_runs(
        demo,
        wrong={"path_tariffs_electric": {"all": "nowhere.json"}},
        impossible={"utility_revenue_requirement": None, "run_includes_subclasses": False,
                    "residual_cost": -1e12},
    )  # fmt: skip
    found = cairo.study(demo.scenario, ["wrong", RUN, "impossible"])
    assert "wrong" in found.failed and RUN in found
    table = found.table.set_index("run")
    assert table.loc[RUN, "revenue"] == found[RUN].summary["revenue"]
    assert "nowhere" in table.loc["wrong", "error"]


def test_the_table_says_what_customers_pay_for_one_another(demo: Demo) -> None:
    found = cairo.study(demo.scenario, [RUN])
    bat = found[RUN].bat
    over = (bat["weight"] * bat["BAT_vol"].clip(lower=0.0)).sum()
    # Weighted bill alignment of a precalc run adds to zero: what some pay too much others save.
    row = found.table.iloc[0]
    assert row["paid_for_others_BAT_vol"] == pytest.approx(over, rel=1e-6)
    mean = (bat["weight"] * bat["Annual"]).sum() / bat["weight"].sum()
    assert row["mean_bill"] == pytest.approx(mean, rel=1e-12)


def test_runs_are_chosen_by_name_and_pattern(demo: Demo) -> None:
    scenario = read_scenario(demo.scenario)
    everything = list(scenario.runs)
    assert scenario.chosen(None) == everything
    assert scenario.chosen(["*_precalc", RUN]) == [
        name for name in everything if name.endswith("_precalc")
    ]
    with pytest.raises(ScenarioError, match="has no run nobody"):
        scenario.chosen(["nobody"])


def test_the_command_runs_several_and_says_which_failed(demo: Demo, command: Command) -> None:
    more_runs(demo, wrong={"path_tariffs_electric": {"all": "nowhere.json"}})
    done = command("run", demo.scenario, "demo_*")
    assert done.code == 0
    places = done.output.split()
    assert len(places) == len(names_of(demo)) - 1 and all(Path(place).is_dir() for place in places)
    assert any("mean_bill" in line for line in done.errors)
    failed = command("run", demo.scenario, "--all")
    assert failed.code == 2 and len(failed.output.split()) == len(places)
    assert sum("error:" in line and "nowhere" in line for line in failed.errors) == 1
    assert command("run", demo.scenario).code == 2
