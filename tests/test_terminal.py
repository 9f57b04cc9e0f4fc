"""What a person sees on a terminal of 80 columns, and what the shell completes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from cairo.commands.results import by_file
from cairo.commands.terminal import folded, laid_out
from cairo.scenario.scenario_file import read_scenario
from tests.cairo_command import Command
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 4
LONG = "rhode_island_energy_hp_seasonal_tou_flex_default_other_stock"


class Terminal:
    """The command in a process of its own on a terminal of 80 columns."""

    def __init__(self, *arguments: object) -> None:
        mine, its = pty.openpty()
        self._mine = mine
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cairo", *map(str, arguments)],
            stdin=its, stdout=its, stderr=its, start_new_session=True,
            env=os.environ | {"COLUMNS": "80", "LINES": "40", "TERM": "xterm"},
        )  # fmt: skip
        os.close(its)
        self.text = ""

    def until(self, words: str | None = None) -> str:
        """What it has said until some words, or its end."""
        while words is None or words not in self.text:
            try:
                said = os.read(self._mine, 4096)
            except OSError:  # the terminal has hung up
                break
            if not said:
                break
            self.text += said.decode(errors="replace")
        return self.text

    def code(self) -> int:
        self.until()
        os.close(self._mine)
        return self.process.wait(timeout=60)


def on_terminal(*arguments: object) -> list[str]:
    terminal = Terminal(*arguments)
    terminal.code()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.text).splitlines()


# Names are whole


def test_names_of_runs_are_whole_in_80_columns(demo: Demo) -> None:
    demo.scenario.write_text(demo.scenario.read_text().replace("demo_mixed_default", LONG))
    lines = on_terminal("runs", demo.scenario)
    assert max(map(len, lines)) <= 80
    assert "demo_flat_precalc_delivery" in lines[2]
    # A name that takes two lines is there as its two halves, one below the other.
    width = lines[1].index("  ")
    names = "".join(line[:width].strip() for line in lines)
    assert all(name in names for name in (RUN, LONG))
    assert "…" not in "".join(lines)


@pytest.fixture(scope="module")
def places(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Directories of two runs that differ."""
    demo = Demo(source, tmp_path_factory.mktemp("runs") / "demo")
    names = ("demo_flat_precalc", "demo_mixed_default")
    for name in names:
        demo.settings(IN_PROCESS, name)
    return [demo.run(name) for name in names]


def test_a_comparison_names_every_file_and_column_whole(places: list[Path]) -> None:
    lines = on_terminal("compare", *places)
    named = {line for line in lines if line and not line.startswith(" ")}
    files = {p.relative_to(places[0]).as_posix() for p in places[0].rglob("*") if p.is_file()}
    assert files - {"run.json"} <= named
    columns = {line.split()[0] for line in lines if line.startswith("  ")}
    assert "quartile_coefficient_of_dispersion" in columns
    only = on_terminal("compare", "--only-differences", *places)
    assert sum(" DIFFERS" in line for line in only) == sum(" DIFFERS" in line for line in lines) > 0
    assert not any(line.endswith("  equal") for line in only)


def test_only_differences_of_equal_runs_is_the_verdict(
    places: list[Path], command: Command
) -> None:
    latest = f"latest:{places[0].parent}/demo_flat_precalc"
    ended = command("compare", places[0], latest, "--only-differences")
    assert (ended.code, ended.output) == (0, "the runs are equal at rtol 1e-12, atol 1e-09\n")
    ended = command("compare", latest, "latest:nowhere/x")
    assert (ended.code, len(ended.errors)) == (2, 1)


def test_a_table_folds_what_does_not_fit_and_cuts_nothing() -> None:
    rows = [["run", "type", "tariffs"], ["a_long_name_of_a_run", "precalc", "one, two, three"]]
    for width in (40, 30, 20):
        lines = laid_out(rows, width)
        assert max(map(len, lines)) <= max(width, 28)
        said = "".join(sorted("".join(lines).replace("-", "").replace(" ", "")))
        assert said == "".join(sorted("".join(map("".join, rows)).replace(" ", "")))
    assert laid_out(rows, 80)[2] == "a_long_name_of_a_run  precalc  one, two, three"
    assert folded("a_long_name", 7) == ["a_long_", "name"]
    assert folded("delivery and supply", 12) == ["delivery and", "supply"]
    assert folded("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_a_column_too_long_for_its_place_takes_a_line() -> None:
    column = "customer_level_residual_share_percustomer_of_everybody"
    rows = [[column, "0", "0", "equal"], ["x", "1", "1", "DIFFERS at a 3"]]
    text = by_file([["f.csv", *row] for row in rows])
    assert text.splitlines()[1:3] == ["f.csv", f"  {column}"]
    assert text.splitlines()[-1].strip() == "at a 3"


# Completion


def completed(tmp_path: Path, words: list[object]) -> list[str]:
    """What bash completes, by the script that the command gives it."""
    program = tmp_path / "bin" / "cairo"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cairo "$@"\n')
    program.chmod(0o755)
    typed = " ".join(map(str, words))
    script = (
        'eval "$(cairo --show-completion bash)"; '
        f"COMP_WORDS=({typed}{' ' if words[-1] else ''}{'' if words[-1] else chr(34) * 2}); "
        f"COMP_CWORD={len(words) - 1}; "
        '_cairo_completion cairo; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "SHELL": "/bin/bash"}
    done = subprocess.run(
        ["bash", "-c", script], env=os.environ | path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_bash_completes_commands_runs_and_backends(demo: Demo, tmp_path: Path) -> None:
    assert completed(tmp_path, ["cairo", "ru"]) == ["runs", "run"]
    assert completed(tmp_path, ["cairo", "tariff", ""]) == ["show", "convert", "merge"]
    run = ["cairo", "run", demo.scenario]
    assert completed(tmp_path, [*run, "demo_h"]) == [RUN]
    assert completed(tmp_path, [*run, RUN, "--backend", "dask_de"]) == ["dask_delayed"]
    assert completed(tmp_path, ["cairo", "run", "no.yaml", "d"]) == []


# A first scenario


def test_a_first_scenario_runs_on_the_demos_stock(
    demo: Demo, command: Command, tmp_path: Path
) -> None:
    ended = command("init", tmp_path / "new" / "study", "--demo", demo.folder)
    scenario = Path(ended.output.strip())
    assert ended.code == 0 and read_scenario(scenario).chosen(None)
    assert command("check", scenario).code == 0
    options = ("--backend", "pandas", "--workers", 1)
    place = Path(command("run", scenario, "example_precalc", *options).output.strip())
    assert place.parent == tmp_path / "new" / "study" / "outputs"
    shown = command("tariff", "show", f"latest:{place.parent}/example_precalc").output
    assert shown.startswith("example_tou\nFixed charge $10.00 a month.")


def test_a_first_scenario_overwrites_nothing(command: Command, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    assert command("init", study).code == 0
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    assert len(before) == 3
    ended = command("init", study)
    assert ended.code == 2 and "has something in it" in ended.errors[0]
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
    (tmp_path / "file").write_text("")
    assert command("init", tmp_path / "file").code == 2
    ended = command("init", tmp_path / "other", "--demo", study)
    assert ended.code == 2 and "is no demo's folder" in ended.errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "study"]


def test_a_first_scenario_without_a_demo_names_what_is_to_fill_in(
    command: Command, tmp_path: Path
) -> None:
    ended = command("init", tmp_path / "study")
    assert "in the place of each FILL_IN" in ended.errors[0]
    checked = command("check", ended.output.strip())
    assert checked.code == 2
    assert all("FILL_IN" in line for line in checked.errors)


# The demo, and Dask's pages


def test_the_demo_counts_the_homes_it_writes(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cairo.runs.demo import write_demo
    from cairo.workers.progress import SilentProgress

    class Counting(SilentProgress):
        count = 0

        def advance(self, n: int) -> None:
            self.count += n

    counting = Counting()
    write_demo(tmp_path / "demo", 5, progress=counting)
    assert counting.count == 5


@pytest.mark.parametrize("option", ["--performance-report", "--keep-dashboard"])
def test_what_only_workers_have_is_refused_of_other_backends(
    demo: Demo, command: Command, tmp_path: Path, option: str
) -> None:
    arguments = ("--backend", "pandas", "--output-dir", tmp_path / "out", option)
    ended = command("run", demo.scenario, RUN, *arguments)
    assert ended.code == 2
    (line,) = ended.errors
    assert "has backend pandas, which has no workers" in line
    assert not (tmp_path / "out").exists()
    assert option in command("run", demo.scenario, "--all", option).errors[0]


def test_a_dashboard_is_kept_until_ctrl_c_which_ends_well(demo: Demo, tmp_path: Path) -> None:
    dask = {"processes": False, "n_workers": 1, "dashboard_address": ":0"}
    # A run whose workers are needed again, since customers respond, has its report too.
    demo.settings({"dask": dask, "elasticity": -0.1})
    options = ("--keep-dashboard", "--performance-report", "--output-dir", tmp_path / "out")
    terminal = Terminal("run", demo.scenario, RUN, *options)
    said = terminal.until("until Ctrl-C")
    link = re.search(r"http://127[^\s\x1b]+", said)
    assert link is not None
    (place,) = (tmp_path / "out").iterdir()
    assert str(place) in said
    with urllib.request.urlopen(link[0]) as page:
        assert page.status == 200
    time.sleep(0.2)
    assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.code() == 0
    assert place.is_dir()
    page_text = (place / "performance_report.html").read_text()
    # The scripts are in it; nothing has to be fetched to show it.
    assert not re.findall(r"<(?:script|link|img)[^>]*\b(?:src|href)=.?https?://", page_text)
    assert len(page_text) > 1_000_000


def test_without_a_dashboard_there_is_none_to_keep(demo: Demo, command: Command) -> None:
    demo.settings(IN_PROCESS)
    ended = command("run", demo.scenario, RUN, "--keep-dashboard")
    assert ended.code == 2 and "no dashboard to keep" in ended.errors[0]
