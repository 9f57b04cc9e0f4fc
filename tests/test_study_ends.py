"""A study that is stopped or killed: whole runs or none, and the rest another time."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cairo
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_process import CairoProcess, cairo_run
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents, make_demo

RUNS = 8
SWEEP = ("--set", f"sample_seed={','.join(map(str, range(RUNS)))}")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    demo = Demo(make_demo(tmp_path / "made", 6), tmp_path / "demo")
    demo.every_run(IN_PROCESS)
    return demo


def whole(outputs: Path) -> list[Path]:
    return sorted(path.parent for path in outputs.glob("2*/run.json"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_study_that_is_ended_leaves_whole_runs_and_resumes(
    demo: Demo, tmp_path: Path, number: signal.Signals
) -> None:
    def some_are_there(run: CairoProcess) -> bool:
        return len(whole(run.outputs)) >= 2

    with cairo_run(demo.scenario, tmp_path / "first", *SWEEP) as run:
        run.wait_until(lambda: some_are_there(run))
        run.send(number, group=True)
        code, _ = run.end()
    assert code == (-number if number == signal.SIGKILL else 128 + number)
    done = whole(run.outputs)
    assert 2 <= len(done) < RUNS
    assert [path for path in run.outputs.glob("2*") if path not in done] == []
    names = [f"{RUN}_sample_seed={seed}" for seed in range(RUNS)]
    found = cairo.study(demo.scenario, [RUN], sets=[SWEEP[1]], resume=True, output_dir=run.outputs)
    assert list(found) == names and not found.failed
    assert len(found.resumed) == len(done)
    assert {found[name].path for name in found.resumed} == set(done)
    files = [set(contents(run.path)) for run in found.values()]
    assert all(one == files[0] for one in files)
    assert sorted(run.outputs.glob(".*")) == []


@settings(max_examples=4, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_the_order_of_names_changes_no_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("order")
    demo = Demo(make_demo(folder / "made", 4), folder / "demo")
    names = list(read_scenario(demo.scenario).runs)
    for name in names:
        demo.settings(IN_PROCESS, name)
    first = cairo.study(demo.scenario, names, output_dir=folder / "first")
    order = data.draw(st.permutations(names))
    other = cairo.study(demo.scenario, order, output_dir=folder / "other")
    assert list(other) == list(order)
    for name in names:
        assert contents(first[name].path) == contents(other[name].path)
