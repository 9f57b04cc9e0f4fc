"""What a command writes outlasts a power cut, and has the rights and the place asked for."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import cairo
from cairo.errors import OutputError
from cairo.files import leftovers
from cairo.files.durable import write_whole
from cairo.files.leftovers import of_this_process, sweep
from cairo.files.pack import pack
from cairo.files.run_directory import PARTIAL, RunDirectory
from cairo.results.explore import write_explorer
from cairo.results.report import write_report
from cairo.runs.first_scenario import write_first_scenario
from cairo.workers.own_cluster import SCRATCH
from tests.cairo_process import ROOT
from tests.disks import disk
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

HOMES = 6
NOBODY = 65534


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_run_its_report_and_a_pack_outlast_a_power_cut(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS)
    with disk(tmp_path) as made:
        place = demo.run(output_dir=made.place / "new" / "outputs")
        with made.after_a_power_cut() as after:
            assert everything(after / "new") == everything(made.place / "new")
        page = write_report(place, output=made.place / "page.html")
        with made.after_a_power_cut() as after:
            assert (after / "page.html").read_bytes() == page.read_bytes()
        packed = pack(demo.loads, made.place / "more" / "packed", block_buildings=2)
        with made.after_a_power_cut() as after:
            assert everything(after / "more") == everything(packed.parent)


def other_outputs(demo: Demo, folder: Path) -> None:
    """What commands write besides runs of their own, reports' pages and packs."""
    run = demo.run()
    page = write_report(run, output=folder / "page.html")
    write_explorer([run], output=folder / "explore.html")
    cairo.study(demo.scenario, [RUN], backend="pandas", workers=1, output_dir=folder / "study")
    write_first_scenario(folder / "new" / "mine", demo.folder)
    (folder / "empty").mkdir()
    write_first_scenario(folder / "empty")
    names = {path.name for path in folder.rglob("*")}
    assert {page.with_suffix(".xlsx").name, "page_tables", "study.csv", "scenarios.yaml"} <= names


def test_what_other_commands_write_outlasts_a_power_cut(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS)
    with disk(tmp_path) as made:
        other_outputs(demo, made.place)
        with made.after_a_power_cut() as after:
            assert everything(after) == everything(made.place)


# What is no file


def test_an_output_that_is_a_device_stays_one(tmp_path: Path) -> None:
    null = Path("/dev/null")
    before = null.stat()
    assert write_whole(null, "page") == null
    assert (null.stat().st_ino, null.stat().st_mode) == (before.st_ino, before.st_mode)


def test_an_output_that_is_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "a page" * 20_000)
    reader.join(10)
    assert read == ["a page" * 20_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("there", [True, False])
def test_an_output_that_is_a_link_stays_one(tmp_path: Path, there: bool) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "page.html", tmp_path / "page.html"
    if there:
        target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("to_file", [True, False])
def test_an_output_that_is_standard_output_goes_there(
    tmp_path: Path, name: str, to_file: bool
) -> None:
    program = (
        "from pathlib import Path; from cairo.files.durable import write_whole; "
        f"print('before', flush=True); write_whole(Path({name!r}), 'page\\n'); print('after')"
    )
    log = tmp_path / "log"
    with log.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=file if to_file else subprocess.PIPE,
            check=True,
        )
    assert (log.read_bytes() if to_file else done.stdout) == b"before\npage\nafter\n"


def test_an_output_that_is_a_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^cannot write .*: Is a directory$"):
        write_whole(tmp_path, "page")


# Rights


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> set[tuple[bool, str]]:
    return {(p.is_dir(), oct(stat.S_IMODE(p.stat().st_mode))) for p in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize(
    ("mask", "folder", "file"), [(0o077, "0o700", "0o600"), (0o002, "0o775", "0o664")]
)
def test_what_is_written_has_the_rights_that_umask_leaves(
    demo: Demo, tmp_path: Path, mask: int, folder: str, file: str
) -> None:
    demo.settings(IN_PROCESS)
    with umask(mask):
        place = demo.run(output_dir=tmp_path / "outputs")
        page = write_report(place, output=tmp_path / "page.html")
        packed = pack(demo.loads, tmp_path / "packed")
    assert modes(tmp_path / "outputs") == {(True, folder), (False, file)}
    assert modes(packed) == {(True, folder), (False, file)}
    assert modes(page) == {(False, file)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to another group")
def test_in_a_groups_folder_a_run_is_the_groups(tmp_path: Path) -> None:
    os.chown(tmp_path, -1, NOBODY)
    tmp_path.chmod(0o2775)
    with umask(0o002), RunDirectory(tmp_path, "mine") as run:
        (run.path / "in").mkdir()
        (run.path / "in" / "a.txt").write_text("a")
    for path, mode in ((run.final_path, 0o2775), (run.final_path / "in", 0o2775)):
        assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, mode)
    page = tmp_path / "page.html"
    with umask(0o002):
        write_whole(page, "page")
    assert (page.stat().st_gid, stat.S_IMODE(page.stat().st_mode)) == (NOBODY, 0o664)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to another group")
@pytest.mark.parametrize(("mask", "group"), [(0o002, True), (0o077, False)])
def test_what_other_commands_write_has_the_rights_of_any_new_file(
    demo: Demo, tmp_path: Path, mask: int, group: bool
) -> None:
    demo.settings(IN_PROCESS)
    folder = tmp_path / "folder"
    folder.mkdir()
    if group:
        os.chown(folder, -1, NOBODY)
        folder.chmod(0o2775)
    with umask(mask):
        other_outputs(demo, folder)
    sticky, owner = (stat.S_ISGID, NOBODY) if group else (0, 0)
    for path in folder.rglob("*"):
        found = path.stat()
        rights = (0o777 if path.is_dir() else 0o666) & ~mask | sticky * path.is_dir()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (rights, owner), path


def test_a_first_scenario_in_a_folder_that_is_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir(mode=0o700)
    (tmp_path / "near").symlink_to(tmp_path / "far")
    write_first_scenario(tmp_path / "near")
    assert (tmp_path / "near").is_symlink()
    assert stat.S_IMODE((tmp_path / "far").stat().st_mode) == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"far", "near"}
    assert (tmp_path / "far" / "scenarios" / "scenarios.yaml").is_file()


def test_a_report_written_again_keeps_the_rights_it_was_given(tmp_path: Path) -> None:
    page = write_whole(tmp_path / "page.html", "one")
    page.chmod(0o600)
    write_whole(page, "two")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


# What killed processes leave


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("mark", [PARTIAL, SCRATCH])
def test_only_what_an_ended_process_of_this_machine_left_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    own, machine = of_this_process(), leftovers._machine()
    names = {
        "own": f".x{mark}{own}0123abcd",
        "ended": f".x{mark}{machine}-{ended_process()}-0123abcd",
        "of another machine": f".x{mark}{'0' * 8}-{ended_process()}-0123abcd",
        "of no process": f".x{mark}0123abcd",
    }
    for name in names.values():
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "a.txt").write_text("a")
    sweep(tmp_path, mark)
    assert {path.name for path in tmp_path.iterdir()} == set(names.values()) - {names["ended"]}


def test_a_link_in_a_leftover_is_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.txt").write_text("a")
    left = tmp_path / "outputs" / f".x{PARTIAL}{leftovers._machine()}-{ended_process()}-0123abcd"
    left.mkdir(parents=True)
    (left / "link").symlink_to(kept)
    left.with_name(left.name.replace("0123", "4567")).symlink_to(kept)
    sweep(tmp_path / "outputs", PARTIAL)
    assert not left.exists()
    assert (kept / "a.txt").read_text() == "a"


KILLED = """
import os, signal, sys
from cairo.files.run_directory import RunDirectory
with RunDirectory(sys.argv[1], "mine") as run:
    (run.path / "a.txt").write_text("a")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_sweeps_what_a_killed_one_left(demo: Demo, expected: dict[str, bytes]) -> None:
    outputs = demo.folder / "outputs"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", KILLED, str(outputs)], env=environ, check=False)
    assert [path.name.startswith(".") for path in outputs.iterdir()] == [True]
    demo.settings(IN_PROCESS)
    place = demo.run()
    assert list(outputs.iterdir()) == [place]
    assert contents(place) == expected
    shutil.rmtree(place)
