"""Runs that build on others: rates and bills taken of them, in an order that fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cairo
from cairo.errors import InputErrors, ScenarioError
from cairo.scenario.references import check_references, order, references
from cairo.scenario.scenario_file import RunSettings, read_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

BASE = "demo_flat_precalc"
BILLED: dict[str, Any] = {
    "run_type": "default",
    "path_tariffs_electric": {"hp": f"run:{RUN}#hp", "non-hp": f"run:{RUN}#non-hp"},
    "compare_to": BASE,
}
"""What a run says that bills the rates that another has solved for."""


@pytest.fixture
def demo(source: Path, tmp_path: Path) -> Demo:
    demo = Demo(source, tmp_path / "demo")
    demo.every_run(IN_PROCESS | {"path_outputs": "../outputs"})
    add_run(demo, "billed", RUN, BILLED)
    return demo


def add_run(demo: Demo, name: str, like: str, changes: dict[str, Any]) -> None:
    """A run first in the file, like another but for some settings."""
    stored = yaml.safe_load(demo.scenario.read_text())
    stored["runs"] = {name: stored["runs"][like] | changes} | stored["runs"]
    demo.scenario.write_text(yaml.safe_dump(stored, sort_keys=False))


def settings_of(demo: Demo) -> dict[str, RunSettings]:
    scenario = read_scenario(demo.scenario)
    return {name: scenario.run(name) for name in scenario.runs}


def test_a_run_bills_the_rates_that_another_has_solved_for(demo: Demo) -> None:
    found = cairo.study(demo.scenario, ["billed", RUN, BASE])
    assert not found.failed
    solved, billed = found[RUN], found["billed"]
    assert billed.tariffs == solved.tariffs
    # The same homes, loads and rates: the same bills, to the bit.
    assert billed.bills.equals(solved.bills)
    recorded = billed.info["settings"]["path_tariffs_electric"]
    assert recorded["hp"] == f"{solved.path}/tariff_final_config.json#hp_tou"
    assert billed.info["settings"]["compare_to"] == str(found[BASE].path)


def test_changes_are_of_the_bills_of_electricity_and_gas_together(demo: Demo) -> None:
    found = cairo.study(demo.scenario, ["billed", RUN, BASE])
    after, before = found["billed"], found[BASE]
    changes = pd.read_csv(after.path / "bill_changes.csv").set_index("bldg_id").sort_index()

    def annual(run: cairo.Run) -> pd.Series:
        both = pd.concat([run.bills, run.gas_bills])
        return both[both["month"] == "Annual"].groupby("bldg_id")["bill_level"].sum()

    expected = annual(after) - annual(before)
    pd.testing.assert_series_equal(changes["change"], expected, check_names=False)
    percent = 100.0 * expected / annual(before)
    pd.testing.assert_series_equal(changes["change_percent"], percent, check_names=False)
    weight = after.bat.set_index("bldg_id")["weight"].sort_index()
    said = after.info["compared_to"]
    assert said["run"] == BASE
    assert said["mean_change"] == pytest.approx((weight * expected).sum() / weight.sum())
    assert said["share_paying_more"] == pytest.approx(weight[expected > 0].sum() / weight.sum())


@pytest.mark.slow
def test_a_run_alone_takes_the_newest_finished_run_that_it_refers_to(demo: Demo) -> None:
    with pytest.raises(ScenarioError, match=f"refers to run {RUN}, which has no finished"):
        demo.run("billed", output_dir=None)
    assert not (demo.folder / "outputs").exists()
    together = cairo.study(demo.scenario, ["billed", RUN, BASE])
    demo.run(RUN, output_dir=None)
    alone = demo.run("billed", output_dir=None)
    assert contents(alone) == contents(together["billed"].path)
    taken = json.loads((alone / "run.json").read_text())["settings"]["path_tariffs_electric"]
    newest = max((demo.folder / "outputs").glob(f"*_{RUN}"))
    assert taken["hp"].startswith(str(newest))


def test_the_order_is_that_asked_for_but_for_what_comes_first(demo: Demo) -> None:
    settings = settings_of(demo)
    names = list(settings)
    assert names[0] == "billed"
    assert order(settings, names) == [*names[1:4], "billed", names[4]]
    assert order(settings, [BASE, "billed"]) == [BASE, "billed"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown run": ({"path_tariffs_electric": {"hp": "run:nobody", "non-hp": f"run:{RUN}#hp"}},
                    "key path_tariffs_electric.hp refers to run nobody"),
    "unknown alias": ({"path_tariffs_electric": {"hp": f"run:{RUN}#pump"}}, "has tariffs hp"),
    "which tariff": ({"path_tariffs_electric": {"hp": f"run:{RUN}"}}, "say which with"),
    "unknown run to compare": ({"compare_to": "run:nobody"}, "key compare_to refers to run nobody"),
    "other homes": ({"utility": "another"}, "of utility demo, expected one of the run's own"),
    "itself": ({"compare_to": "billed"}, "circle: billed -> billed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_references_that_lead_nowhere_stop_a_study_before_it_begins(demo: Demo, kind: str) -> None:
    change, said = WRONG[kind]
    demo.settings(change, "billed")
    with pytest.raises(ScenarioError, match=said):
        cairo.study(demo.scenario)
    assert not (demo.folder / "outputs").exists()


def test_a_circle_is_named_whole(demo: Demo) -> None:
    demo.settings({"compare_to": "billed"}, BASE)
    with pytest.raises(ScenarioError, match=f"circle: billed -> {BASE} -> billed"):
        cairo.study(demo.scenario)


def test_a_run_that_fails_takes_down_those_that_build_on_it_alone(demo: Demo) -> None:
    demo.settings({"path_tariffs_electric": {"hp": "no.json", "non-hp": "no2.json"}}, RUN)
    found = cairo.study(demo.scenario, [BASE, "billed", RUN])
    assert list(found) == [BASE] and set(found.failed) == {RUN, "billed"}
    assert str(found.failed["billed"]) == (
        f"run billed was not run: it builds on {RUN}, which failed"
    )


@pytest.mark.slow
def test_homes_that_the_other_run_lacks_are_named(demo: Demo) -> None:
    demo.settings({"sample_size": 5}, BASE)
    found = cairo.study(demo.scenario, [BASE, "billed", RUN])
    assert "has no bills of buildings" in str(found.failed["billed"])


@pytest.mark.slow
def test_a_resumed_study_makes_what_is_left(demo: Demo) -> None:
    first = cairo.study(demo.scenario, [BASE, RUN])
    again = cairo.study(demo.scenario, [BASE, RUN, "billed"], resume=True)
    assert again.resumed == (BASE, RUN)
    assert [again[name].path for name in (BASE, RUN)] == [first[n].path for n in (BASE, RUN)]
    whole = cairo.study(demo.scenario, [BASE, RUN, "billed"], resume=True)
    assert whole.resumed == (BASE, RUN, "billed")
    demo.settings({"utility_tax_rate": 0.01}, BASE)
    changed = cairo.study(demo.scenario, [BASE, RUN, "billed"], resume=True)
    # What is measured against a run that is made anew is made anew.
    assert changed.resumed == (RUN,)


def test_a_study_leaves_its_table_beside_the_runs(demo: Demo) -> None:
    found = cairo.study(demo.scenario, [BASE, RUN])
    stored = pd.read_csv(demo.folder / "outputs" / "study.csv")
    assert stored["run"].tolist() == [BASE, RUN]
    assert stored["directory"].tolist() == [str(run.path) for run in found.values()]
    assert stored["revenue"].tolist() == [run.summary["revenue"] for run in found.values()]


def test_a_dry_run_says_what_would_run_on_which_pass_and_writes_nothing(
    demo: Demo, command: Command
) -> None:
    ended = command("run", demo.scenario, "billed", RUN, BASE, "--dry-run")
    rows = [line.split("\t") for line in ended.output.splitlines()]
    assert rows == [
        ["run", "pass", "builds on", "state"],
        [RUN, "1", "", "to run"],
        [BASE, "1", "", "to run"],
        ["billed", "1", f"{RUN}, {BASE}", "to run"],
    ]
    assert not (demo.folder / "outputs").exists()


def test_directories_are_printed_as_they_appear(demo: Demo, command: Command) -> None:
    ended = command("run", demo.scenario, "billed", RUN, BASE)
    names = [Path(line).name[16:] for line in ended.output.splitlines()]
    # Runs of one pass are finished side by side; those that build on them come after.
    assert sorted(names[:2]) == sorted([RUN, BASE]) and names[2:] == ["billed"]


@pytest.mark.slow
def test_a_finished_runs_tariff_is_named_by_file_and_key(demo: Demo) -> None:
    place = demo.run(RUN)
    taken = {alias: f"{place}/tariff_final_config.json#{key}"
             for alias, key in (("hp", "hp_tou"), ("non-hp", "flat"))}  # fmt: skip
    demo.settings({"path_tariffs_electric": taken, "compare_to": str(place)}, "billed")
    billed = cairo.open_run(demo.run("billed"))
    assert billed.tariffs == cairo.open_run(place).tariffs
    assert set(pd.read_csv(billed.path / "bill_changes.csv")["change"]) == {0.0}
    demo.settings({"path_tariffs_electric": taken | {"hp": f"{taken['hp']}_3"}}, "billed")
    with pytest.raises(InputErrors, match="hp_tou_3"):
        demo.run("billed")


def test_references_of_settings_are_all_found(demo: Demo) -> None:
    settings = settings_of(demo)
    assert [(one.key, one.run, one.alias) for one in references(settings["billed"])] == [
        ("path_tariffs_electric.hp", RUN, "hp"),
        ("path_tariffs_electric.non-hp", RUN, "non-hp"),
        ("compare_to", BASE, None),
    ]
    check_references(settings, list(settings))


def test_check_reads_runs_that_build_on_others_and_names_what_leads_nowhere(
    demo: Demo, command: Command
) -> None:
    assert command("check", demo.scenario, "billed").code == 0
    demo.settings({"compare_to": "run:nobody"}, "billed")
    ended = command("check", demo.scenario)
    (line,) = [line for line in ended.errors if "error:" in line]
    assert ended.code == 2 and "run billed key compare_to refers to run nobody" in line


def test_runs_are_listed_in_their_order_with_what_they_build_on(
    demo: Demo, command: Command
) -> None:
    rows = [line.split("\t") for line in command("runs", demo.scenario).output.splitlines()]
    assert rows[0][-1] == "builds on"
    of = {row[0]: row[-1] for row in rows[1:]}
    assert list(of).index("billed") > max(list(of).index(RUN), list(of).index(BASE))
    assert of["billed"] == f"{RUN}, {BASE}" and of[RUN] == ""
