"""What a run does when its inputs, its disk or its workers fail under it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from dask import delayed
from distributed import Client

from cairo.errors import CairoError, ClusterError, LoadError, OutputError
from cairo.files import run_directory
from cairo.files.run_directory import RunDirectory
from cairo.workers import cluster
from cairo.workers.gathering import gathered
from cairo.workers.progress import SilentProgress
from cairo.workers.settings import DaskSettings
from tests.cairo_process import TWO_PROCESSES
from tests.whole_runs import IN_PROCESS, Demo, contents

FULL_DISKS = ["size=4k", "size=40k", "size=400k", "size=630k", "nr_inodes=2", "nr_inodes=9"]


HOMES = 24


def left(folder: Path) -> list[Path]:
    """Whatever an output folder holds."""
    return sorted(folder.rglob("*")) if folder.exists() else []


def error_of(demo: Demo, kind: type[CairoError], **options: Any) -> str:
    """The line a run fails with, leaving nothing behind."""
    with pytest.raises(kind) as caught:
        demo.run(**options)
    assert "\n" not in str(caught.value)
    assert left(demo.folder / "outputs") == []
    return str(caught.value)


class AfterInputs(SilentProgress):
    """Does something once, when the inputs have been read and checked."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action
        self.acted = False

    def stage(self, name: str, total: int | None = None) -> None:
        if name != "inputs" and not self.acted:
            self.acted = True
            self.action()


class MidPass(SilentProgress):
    """Does something once, when the first buildings of the pass are done."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action
        self.done_when_acted = 0

    def advance(self, n: int) -> None:
        if not self.done_when_acted:
            self.done_when_acted = n
            self.action()


def _cut(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: _cut(path, 0.0),
    "cut to half": lambda path: _cut(path, 0.5),
    "without its last bytes": lambda path: _cut(path, 0.999),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "garbage between marks": lambda path: path.write_bytes(b"PAR1" + b"\xff" * 4000 + b"PAR1"),
    "deleted": lambda path: path.unlink(),
    "a folder": _folder,
    "a dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere.parquet")),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("backend", ["dask_dataframe", "pandas", "dask_delayed"])
def test_a_load_file_damaged_after_the_check_is_named(
    demo: Demo, damage: str, backend: str
) -> None:
    demo.settings(IN_PROCESS | {"process_workers": 1})
    victim = sorted(demo.loads.glob("*.parquet"))[7]
    progress = AfterInputs(lambda: DAMAGES[damage](victim))
    text = error_of(demo, LoadError, backend=backend, progress=progress)
    assert progress.acted
    assert f"load file {victim} " in text


def test_a_load_file_damaged_after_the_check_is_named_by_a_worker_process(demo: Demo) -> None:
    demo.settings(TWO_PROCESSES)
    victim = sorted(demo.loads.glob("*.parquet"))[7]
    text = error_of(demo, LoadError, progress=AfterInputs(lambda: _cut(victim, 0.5)))
    assert f"load file {victim} " in text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of the given options."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system needs root")
    place = tmp_path / "outputs"
    place.mkdir()
    mounted = []

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"tmpfs cannot be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for one in mounted:
        subprocess.run(["umount", str(one)], check=True)


@pytest.mark.parametrize("backend", ["dask_dataframe", "pandas"])
@pytest.mark.parametrize("options", FULL_DISKS)
def test_a_disk_that_fills_up_leaves_nothing_half_written(
    demo: Demo, small_disk: Callable[[str], Path], options: str, backend: str
) -> None:
    demo.settings(IN_PROCESS | {"process_workers": 1})
    outputs = small_disk(options)
    text = error_of(demo, OutputError, output_dir=outputs, backend=backend)
    assert str(outputs) in text
    assert "No space left" in text
    assert left(outputs) == []


def test_a_read_only_disk_is_named(demo: Demo, small_disk: Callable[[str], Path]) -> None:
    demo.settings(IN_PROCESS)
    outputs = small_disk("ro")
    text = error_of(demo, OutputError, output_dir=outputs)
    assert text == f"cannot write {outputs}: {outputs} may not be written into"


def test_an_output_folder_that_is_a_file_is_named(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS)
    place = tmp_path / "outputs"
    place.write_text("mine")
    text = error_of(demo, OutputError, output_dir=place)
    assert text == f"cannot write {place}: {place} is no folder"
    assert place.read_text() == "mine"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_without_permission_is_named(demo: Demo, tmp_path: Path) -> None:
    demo.settings(IN_PROCESS)
    place = tmp_path / "outputs"
    place.mkdir(mode=0o555)
    assert "Permission denied" in error_of(demo, OutputError, output_dir=place)
    assert left(place) == []


def test_two_runs_of_one_name_in_the_same_second_are_two_directories(
    demo: Demo, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.settings(IN_PROCESS)
    monkeypatch.setattr(run_directory, "STAMP", "a_moment_that_lasts")
    first, second = demo.run(), demo.run()
    assert first.name == "a_moment_that_lasts_demo_hp_tou_precalc"
    assert second.name == f"{first.name}_2"
    assert contents(first) == contents(second) == expected


def _write_at_once(outputs: str, start: Any, end: Any) -> None:
    """In a process of its own: a run directory that ends when all others do."""
    start.wait()
    with RunDirectory(outputs, "same", "20260101_000000") as run:
        (run.path / "pid").write_text(str(os.getpid()))
        end.wait()


def test_many_processes_that_end_at_once_get_a_directory_each(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, end = context.Barrier(8), context.Barrier(8)
    arguments = (str(tmp_path), start, end)
    processes = [context.Process(target=_write_at_once, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    stamp = "20260101_000000_same"
    assert {path.name for path in tmp_path.iterdir()} == {
        stamp, *(f"{stamp}_{number}" for number in range(2, 9))
    }  # fmt: skip
    written = {(path / "pid").read_text() for path in tmp_path.iterdir()}
    assert written == {str(process.pid) for process in processes}


class Watched(MidPass):
    """Gives its action the client of the run, which is the only one made since."""

    def __init__(self, action: Callable[[Client], object]) -> None:
        before = set(Client._instances)
        super().__init__(lambda: action(*(set(Client._instances) - before)))


@pytest.mark.parametrize("victims", [1, 2])
def test_workers_killed_on_the_way_change_no_bit(
    demo: Demo, expected: dict[str, bytes], victims: int
) -> None:
    demo.settings(TWO_PROCESSES)
    killed: list[int] = []

    def kill(client: Client) -> None:
        for pid in list(client.run(os.getpid).values())[:victims]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    progress = Watched(kill)
    assert contents(demo.run(progress=progress)) == expected
    assert progress.done_when_acted == 1
    assert len(killed) == victims
    assert not any(psutil.pid_exists(pid) for pid in killed)


def _fill_memory_once(flag: str, size: int) -> None:
    """Take more memory than the worker may have, the first time."""
    if Path(flag).exists():
        return
    Path(flag).write_text(str(os.getpid()))
    filled = bytearray(size)
    filled[::4096] = b"x" * len(range(0, size, 4096))
    time.sleep(60)


def test_a_worker_above_its_memory_limit_changes_no_bit(
    demo: Demo, expected: dict[str, bytes], tmp_path: Path
) -> None:
    demo.settings({"dask": TWO_PROCESSES["dask"] | {"memory_limit": "800MB"}})
    flag = tmp_path / "flag"

    def fill(client: Client) -> None:
        # What it has computed is lost with the worker, and the task is run again by another.
        client.submit(_fill_memory_once, str(flag), 900_000_000, pure=False).result(timeout=50)

    progress = Watched(fill)
    assert contents(demo.run(progress=progress)) == expected
    assert progress.done_when_acted == 1
    assert not psutil.pid_exists(int(flag.read_text()))


def _die() -> None:
    """End this process as the system does when memory has run out."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_partition_that_kills_every_worker_is_one_line() -> None:
    settings = DaskSettings(**TWO_PROCESSES["dask"])
    deadly = delayed(_die)(dask_key_name="deadly")
    with (
        cluster.connected(settings, cluster.sizing(settings, None, 10)) as client,
        pytest.raises(ClusterError) as caught,
    ):
        gathered(client, [deadly], delayed(list)([deadly]))
    assert str(caught.value) == (
        "6 workers died one after another on one partition: "
        "give them more memory_limit or fewer partition_buildings"
    )


@pytest.mark.parametrize("backend", ["pandas", "dask_delayed"])
def test_a_killed_process_of_the_other_backends_is_one_line(demo: Demo, backend: str) -> None:
    here = psutil.Process()
    others = set(here.children())

    def kill() -> None:
        while not (started := set(here.children()) - others):
            time.sleep(0.01)
        # The last, as the first may keep track of resources and not be a worker.
        max(started, key=lambda process: process.create_time()).kill()

    killer = threading.Thread(target=kill)
    progress = AfterInputs(killer.start)
    text = error_of(demo, ClusterError, backend=backend, progress=progress)
    killer.join()
    assert text.startswith("one of 2 worker processes was killed")
