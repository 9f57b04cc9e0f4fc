"""What the commands print and how they end, in this process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cairo
from cairo.cli import app
from cairo.errors import InputErrors, OutputError
from cairo.runs import runner
from cairo.stopping import Stopped
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents, make_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    source = make_demo(tmp_path_factory.mktemp("made") / "demo", 4)
    demo = Demo(source, tmp_path_factory.mktemp("cli") / "demo")
    for name in ("demo_flat_precalc", RUN, "demo_mixed_default"):
        demo.settings(IN_PROCESS | {"backend": "pandas", "process_workers": 1}, name)
    return demo


def test_the_version_is_the_packages(command: Command) -> None:
    assert command("--version").output == f"cairo {cairo.__version__}\n"


def test_help_names_every_command(command: Command) -> None:
    said = command("--help").output
    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    names += [str(group.name) for group in app.registered_groups]
    assert sorted(names) == [
        "check", "compare", "demo", "design", "explain", "explore", "init", "pack", "report",
        "requirement", "run", "runs", "tariff",
    ]  # fmt: skip
    assert all(name in said for name in names)


def test_runs_are_listed_with_type_backend_requirement_and_tariffs(
    demo: Demo, command: Command
) -> None:
    rows = [line.split("\t") for line in command("runs", demo.scenario).output.splitlines()]
    assert rows == [
        ["run", "type", "backend", "requirement", "tariffs"],
        ["demo_flat_precalc_delivery", "precalc", "dask_dataframe", "delivery", "flat"],
        ["demo_flat_precalc", "precalc", "pandas", "delivery and supply", "flat"],
        [RUN, "precalc", "pandas", "delivery and supply", "hp_tou, flat"],
        ["demo_mixed_default", "default", "pandas", "delivery and supply", "flat, hp_tou, tiered"],
    ]


def test_runs_that_are_wrong_do_not_hide_the_others(demo: Demo, command: Command) -> None:
    broken = Demo(demo.folder, demo.folder.parent / "broken")
    broken.settings({"year_run": "soon"})
    ended = command("runs", broken.scenario)
    assert ended.code == 2
    assert [line.split("\t")[0] for line in ended.output.splitlines()][1:] == [
        "demo_flat_precalc_delivery",
        "demo_flat_precalc",
        "demo_mixed_default",
    ]
    (line,) = ended.errors
    assert f"run {RUN} key year_run is 'soon'" in line


def test_a_run_prints_its_directory_and_options_go_before_the_file(
    demo: Demo, command: Command, tmp_path: Path
) -> None:
    arguments = ("--output-dir", tmp_path, "--backend", "dask_delayed", "--workers", 1)
    ended = command("run", demo.scenario, "demo_flat_precalc", *arguments)
    place = Path(ended.output.strip())
    assert (ended.code, place.parent) == (0, tmp_path)
    settings = json.loads((place / "run.json").read_text())["settings"]
    assert (settings["backend"], settings["process_workers"]) == ("dask_delayed", 1)


def test_check_without_a_name_looks_at_every_run(demo: Demo, command: Command) -> None:
    assert command("check", demo.scenario).output == f"{demo.scenario}: no errors found\n"
    broken = Demo(demo.folder, demo.folder.parent / "twice")
    (broken.folder / "rates/tariffs/electric/flat.json").unlink()
    ended = command("check", broken.scenario)
    assert ended.code == 2
    # Four runs use the tariff; what they say of it is the same line.
    assert len(ended.errors) == 1 and "flat.json does not exist" in ended.errors[0]


@pytest.mark.slow
def test_compare_ends_with_one_when_runs_differ(
    demo: Demo, command: Command, tmp_path: Path
) -> None:
    run = [
        command("run", demo.scenario, name, "--output-dir", tmp_path).output.strip()
        for name in ("demo_flat_precalc", "demo_flat_precalc", "demo_mixed_default")
    ]
    same = command("compare", run[0], run[1])
    assert same.code == 0
    lines = same.output.splitlines()
    assert lines[-1] == "the runs are equal at rtol 1e-12, atol 1e-09"
    assert {line.split("\t")[-1] for line in lines[1:-1]} == {"equal"}
    other = command("compare", run[0], run[2], "--rtol", "1e-6")
    assert other.code == 1
    assert other.output.splitlines()[-1] == "the runs are different at rtol 1e-06, atol 1e-09"
    assert "DIFFERS" in other.output


@pytest.mark.slow
def test_a_packed_stock_gives_the_same_results(
    demo: Demo, command: Command, tmp_path: Path
) -> None:
    packed = command("pack", demo.loads, tmp_path / "packed").output.strip()
    assert packed == str(tmp_path / "packed")
    plain, of_packed = Demo(demo.folder, tmp_path / "a"), Demo(demo.folder, tmp_path / "b")
    of_packed.settings({"path_resstock_loads": packed})
    assert contents(plain.run()) == contents(of_packed.run())


@pytest.mark.parametrize("text", ["[1]", "{", "1"])
def test_storage_options_have_to_be_a_json_object(
    demo: Demo, command: Command, tmp_path: Path, text: str
) -> None:
    ended = command("pack", demo.loads, tmp_path / "p", "--storage-options", text)
    assert ended.code == 2
    assert "expected a JSON object" in " ".join(ended.errors)
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
def test_a_report_prints_the_file_it_wrote(demo: Demo, command: Command, tmp_path: Path) -> None:
    place = command("run", demo.scenario, RUN, "--output-dir", tmp_path).output.strip()
    page = tmp_path / "page.html"
    assert command("report", place, "--output", page).output == f"{page}\n"
    assert page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Stopped(signal.SIGINT), 130, ["interrupted"]),
        (Stopped(signal.SIGTERM), 143, ["terminated"]),
        (OutputError("one"), 2, ["error: one"]),
        (InputErrors([OutputError("one"), OutputError("two")]), 2, ["error: one", "error: two"]),
    ],
)
def test_what_ends_a_run_ends_the_command_with_a_line_for_each(
    monkeypatch: pytest.MonkeyPatch,
    demo: Demo,
    command: Command,
    error: BaseException,
    code: int,
    said: list[str],
) -> None:
    def ending(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(runner, "run_scenario", ending)
    ended = command("run", demo.scenario, RUN)
    assert (ended.code, ended.output) == (code, "")
    assert ended.errors == said


def piped(demo: Demo, command: str) -> subprocess.CompletedProcess[bytes]:
    line = f"{sys.executable} -m cairo runs {demo.scenario} {command}"
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, check=False)


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_error(demo: Demo) -> None:
    ended = piped(demo, "| true")
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_that_cannot_be_written_is_one_line(demo: Demo) -> None:
    ended = piped(demo, "> /dev/full")
    assert ended.returncode == 2
    assert ended.stderr == b"error: cannot write standard output: No space left on device\n"
