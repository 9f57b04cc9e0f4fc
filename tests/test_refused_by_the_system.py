"""What the system refuses is told in one line: folders, names, files, memory, killed starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cairo.model.backends import BACKENDS
from tests.cairo_process import TWO_PROCESSES, CairoProcess, cairo_run
from tests.test_surroundings import cairo_command, environment, said
from tests.whole_runs import IN_PROCESS, RUN, Demo, contents

HOMES = 6
NOBODY = 65534


def one_error(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 2, done.stderr
    (line,) = said(done)
    assert line.startswith("error: ")
    return line


# Folders

AS_NOBODY = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"


def in_namespace(script: str, *command: object) -> subprocess.CompletedProcess[bytes]:
    """A command after what a script does to the mounts it alone sees."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounts of its own need root and unshare")
    whole = ["unshare", "-m", "sh", "-c", f'{script}; exec "$@"', "sh", *map(str, command)]
    done = subprocess.run(whole, capture_output=True, env=environment(), cwd="/", check=False)
    if b"mount:" in done.stderr:
        pytest.skip(f"cannot mount here: {done.stderr.decode()}")
    return done


COMMANDS = {
    "run": lambda demo, shut: ["run", demo.scenario, RUN, "--output-dir", shut / "out"],
    "scenario": lambda demo, shut: ["run", shut / "scenario.yaml", RUN],
    "check": lambda demo, shut: ["check", shut / "scenario.yaml"],
    "report": lambda demo, shut: ["report", shut / "run"],
    "compare": lambda demo, shut: ["compare", shut / "run", shut / "run"],
    "pack": lambda demo, shut: ["pack", demo.loads, shut / "packed"],
    "demo": lambda demo, shut: ["demo", "--output-dir", shut / "demo"],
}


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that other users may look into, which those of tests are not."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("below", [True, False])
def test_a_folder_that_may_not_be_entered_is_one_line(
    demo: Demo, open_to_all: Path, command: str, below: bool
) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs root and setpriv")
    demo.settings(IN_PROCESS)
    (open_to_all / "demo").mkdir()
    demo = Demo(demo.folder, open_to_all / "demo" / "copy")
    shut = demo.folder / "shut"
    (shut / "in").mkdir(parents=True)
    for path in [*open_to_all.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o555)
    shut.chmod(0o000)
    arguments = COMMANDS[command](demo, shut / "in" if below else shut)
    program = [*AS_NOBODY.split(), sys.executable, "-m", "cairo", *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, env=environment(), cwd="/", check=False)
    shut.chmod(0o755)
    if b"No module named" in done.stderr or done.returncode in (126, 127):
        pytest.skip("another user cannot run this Python")
    assert str(shut) in one_error(done)


@pytest.mark.parametrize(
    "backend", ["pandas", pytest.param("dask_delayed", marks=pytest.mark.long), "dask_dataframe"]
)
def test_a_run_without_a_folder_for_temporary_files_says_so_or_needs_none(
    demo: Demo, backend: str
) -> None:
    if any(Path(sys.prefix).is_relative_to(folder) for folder in ("/tmp", "/var/tmp")):
        pytest.skip("this Python is itself in a folder for temporary files")
    demo.settings(TWO_PROCESSES | {"process_workers": 1})
    scenario = Path("/mnt") / demo.scenario.relative_to(demo.folder)
    script = f"mount --bind {demo.folder} /mnt && cd / "
    for folder in ("/var/tmp", "/tmp"):
        script += f"&& mount -t tmpfs -o ro none {folder} "
    command = [sys.executable, "-m", "cairo", "run", scenario, RUN, "--backend", backend]
    done = in_namespace(script + "&& mount -o remount,bind,ro /", *command, "--workers", 2)
    if backend == "dask_dataframe" and done.returncode:
        assert "workers need a folder for temporary files, name one with TMPDIR" in one_error(done)
    else:
        assert (done.returncode, said(done)) == (0, [])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("mount", "reason"),
    [
        ("mount -t tmpfs -o ro none /dev/shm", "Read-only file system"),
        (
            "mount -t tmpfs -o size=4k none /dev/shm && head -c 4096 /dev/zero > /dev/shm/full",
            "No space left on device",
        ),
    ],
)
def test_shared_memory_that_cannot_be_used_is_named(
    demo: Demo, backend: str, mount: str, reason: str
) -> None:
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    command = [sys.executable, "-m", "cairo", "run", demo.scenario, RUN, "--backend", backend]
    line = one_error(in_namespace(mount, *command))
    assert "shared memory (/dev/shm) cannot be used: " + reason in line


# Names and files


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["x" * 300, "/".join(["x" * 200] * 21)])
def test_a_name_that_is_too_long_is_one_line(demo: Demo, command: str, name: str) -> None:
    demo.settings(IN_PROCESS)
    line = one_error(cairo_command(*COMMANDS[command](demo, demo.folder / name)))
    assert "File name too long" in line or "does not exist" in line
    assert len(line) < 1500


def test_an_output_folder_is_looked_at_before_the_loads_are_read(demo: Demo) -> None:
    demo.settings(IN_PROCESS)
    for path in demo.loads.glob("*.parquet"):
        path.write_bytes(b"never read")
    (demo.folder / "file").write_text("")
    for folder in (demo.folder / "file", demo.folder / "file" / "in", demo.folder / ("y" * 300)):
        done = cairo_command("run", demo.scenario, RUN, "--output-dir", folder / "z")
        assert f"cannot write {folder}" in one_error(done)


def test_a_folder_whose_name_is_no_text_is_one_line(demo: Demo) -> None:
    place = demo.folder.with_name(os.fsdecode(b"d\xe9mo"))
    demo.folder.rename(place)
    scenario = place / demo.scenario.relative_to(demo.folder)
    for arguments in (["run", scenario, RUN], ["check", scenario]):
        assert "has a name that is not UTF-8: rename it" in one_error(cairo_command(*arguments))


@pytest.mark.parametrize("files", [10, 20, 63])
def test_too_few_open_files_are_told(files: int) -> None:
    command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", sys.executable, "-m", "cairo"]
    done = subprocess.run(
        [*command, "runs", "absent.yaml"], capture_output=True, env=environment(), check=False
    )
    assert one_error(done) == (
        f"error: at most {files} files may be open at once, expected 64 or more (ulimit -n)"
    )


def test_a_low_limit_of_open_files_is_raised_where_it_may_be(demo: Demo) -> None:
    demo.settings(TWO_PROCESSES)
    command = ["sh", "-c", 'ulimit -Sn 30; exec "$@"', "sh", sys.executable, "-m", "cairo"]
    outputs = ["--output-dir", str(demo.folder / "outputs")]
    done = subprocess.run(
        [*command, "run", str(demo.scenario), RUN, *outputs],
        capture_output=True, env=environment(), check=False,
    )  # fmt: skip
    assert (done.returncode, said(done)) == (0, [])


# Workers that are killed while they start


def kill_the_first_worker(run: CairoProcess) -> None:
    """Kill the first worker process that is seen, as it starts."""
    here = psutil.Process(run.process.pid)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for child in here.children(recursive=True):
            try:
                command = " ".join(child.cmdline())
                forked = "forkserver" in command and child.ppid() != here.pid
                if forked or "spawn_main" in command:
                    child.kill()
                    return
            except psutil.Error:
                continue
    raise AssertionError("no worker was seen")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_that_is_killed_while_it_starts_is_started_again(
    demo: Demo, tmp_path: Path, expected: dict[str, bytes], backend: str
) -> None:
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    with cairo_run(demo.scenario, tmp_path / "run", "--backend", backend) as run:
        kill_the_first_worker(run)
        assert run.end() == (0, [])
        (place,) = run.outputs.glob("*")
        assert set(contents(place)) == set(expected)
        if backend == "dask_dataframe":
            assert contents(place) == expected
