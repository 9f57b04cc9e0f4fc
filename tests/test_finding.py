"""`latest:RUN_NAME` is the newest finished directory of that run, and of no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cairo
from cairo.errors import CairoError
from cairo.results.finding import run_directory
from cairo.runs.asked import with_latest
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 4


def finished(folder: Path, name: str, run: str, **more: str) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    record = {"run_name": run, "settings": {}, "summary": {}} | more
    (place / "run.json").write_text(json.dumps(record))
    return place


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("outputs")
    finished(folder, "20250102_000000_flat", "flat")
    finished(folder, "20250102_000000_flat_2", "flat")
    finished(folder, "20250103_000000_my_flat", "my_flat")
    finished(folder, "20250104_000000_flat_2", "flat_2")
    (folder / "20250105_000000_flat").mkdir()  # nothing has finished here
    (folder / ".20250106_000000_flat.partial-1").mkdir()
    return folder


def test_the_newest_finished_directory_is_found(outputs: Path) -> None:
    # A second run in one second comes after the first, and `flat_2` may be a name of its own.
    assert run_directory("latest:flat") == outputs / "20250102_000000_flat_2"
    assert run_directory("latest:flat_2") == outputs / "20250104_000000_flat_2"
    finished(outputs, "20250102_000000_flat_10", "flat")
    assert run_directory("latest:flat") == outputs / "20250102_000000_flat_10"


def test_newest_is_by_the_start_that_the_record_has(outputs: Path) -> None:
    first = finished(outputs, "20250110_000000_a", "a", started="2025-01-10T05:00:00+00:00")
    # Begun in the same second, or with a clock that was put back since.
    finished(outputs, "20250111_000000_a", "a", started="2025-01-10T04:00:00+00:00")
    assert run_directory("latest:a") == first


def test_parts_of_a_folder_that_runs_fill_stand_for_any(tmp_path: Path) -> None:
    finished(tmp_path / "20250101" / "b1", "20250101_000000_a", "a")
    last = finished(tmp_path / "20250102" / "b1", "20250102_000000_a", "a")
    assert run_directory("latest:a", tmp_path / "<execution_time>" / "<batch>") == last


def test_a_path_stays_as_it_is(outputs: Path) -> None:
    assert run_directory("outputs/x") == Path("outputs/x")
    assert run_directory(outputs) == outputs


def test_another_folder_may_be_named_or_given(outputs: Path, tmp_path: Path) -> None:
    other = tmp_path / "study" / "batch"
    place = finished(other, "20240102_000000_flat", "flat")
    assert run_directory(f"latest:{other}/flat") == place
    assert run_directory("latest:study/batch/flat") == Path("study/batch/20240102_000000_flat")
    assert run_directory("latest:flat", other) == place


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("latest:flt", "outputs has no finished run flt, did you mean flat?"),
        ("latest:zzz", r"no finished run zzz \(there are flat, flat_2, my_flat\)"),
        (
            "latest:nowhere/flat",
            "nowhere has no finished run; latest:FOLDER/RUN_NAME names another",
        ),
        ("latest:", "expected latest:RUN_NAME"),
    ],
)
def test_what_is_not_found_is_one_line(outputs: Path, text: str, line: str) -> None:
    with pytest.raises(CairoError, match=line):
        run_directory(text)


def test_a_notebook_opens_the_latest_run(outputs: Path) -> None:
    run = cairo.open_run("latest:my_flat")
    assert run.path == outputs / "20250103_000000_my_flat"


@pytest.mark.slow
def test_a_scenario_takes_the_latest_tariff_and_bills(
    demo: Demo, command: Command, tmp_path: Path
) -> None:
    out = demo.folder / "outputs"
    demo.settings(IN_PROCESS)
    first = demo.run()
    latest = "latest:../outputs/" + RUN
    taken = {
        "path_tariff_maps_electric": "tariff_maps/electric/flat.csv",
        "path_tariffs_electric": {"all": f"{latest}#flat"},
        "compare_to": latest,
    }
    demo.settings(IN_PROCESS | taken, "demo_mixed_default")
    assert command("check", demo.scenario, "demo_mixed_default").code == 0
    second = cairo.open_run(demo.run("demo_mixed_default"))
    assert second.tariffs == {"flat": cairo.open_run(first).tariffs["flat"]}
    assert second.info["settings"]["compare_to"] == str(first)
    # A class's requirement is taken of a run by the same text.
    derived = {"run": latest, "delivery": "percustomer", "supply": "passthrough"}
    of_classes = {"run_includes_subclasses": True, "requirement_from": derived}
    demo.settings(of_classes | {"utility_revenue_requirement": None})
    derives = with_latest(read_scenario(demo.scenario).run(RUN)).requirement_from
    assert derives is not None and derives.run == str(first)
    # Without a folder it is the run's own output folder.
    demo.settings({"compare_to": f"latest:{RUN}", "path_outputs": str(out)}, "demo_mixed_default")
    assert demo.run("demo_mixed_default", output_dir=None).parent == out
    demo.settings({"compare_to": "latest:demo"}, "demo_mixed_default")
    ended = command("check", demo.scenario, "demo_mixed_default")
    assert ended.code == 2 and "has no finished run demo" in ended.errors[0]
