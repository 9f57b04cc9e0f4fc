"""Where a run is started: odd streams, folders, settings of Dask, kinds of process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cairo.model.backends import BACKENDS
from cairo.workers.own_cluster import SCRATCH
from tests.cairo_process import ROOT, TWO_PROCESSES
from tests.whole_runs import IN_PROCESS, RUN, Demo

HOMES = 6


@pytest.fixture
def busy(demo: Demo) -> Demo:
    """A demo whose run starts two processes with every backend."""
    demo.settings(TWO_PROCESSES | {"process_workers": 2})
    return demo


def environment(**more: str) -> dict[str, str]:
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("DASK_", "PYTHON"))}
    return outside | {"PYTHONPATH": str(ROOT)} | more


def cairo_command(*arguments: object, shell: str = "", **options: Any) -> Any:
    """`cairo` in a process of its own; `shell` is what a shell adds, such as `>&-`."""
    command = [sys.executable, "-m", "cairo", *map(str, arguments)]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    options = {"env": environment(), "timeout": 120, "check": False} | options
    return subprocess.run(command, capture_output=True, **options)


def script(text: str, folder: Path, env: Mapping[str, str] | None = None) -> Any:
    path = folder / "script.py"
    path.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, str(path)],
        capture_output=True, text=True, timeout=120, check=False, env=env or environment(),
    )  # fmt: skip


def said(done: Any) -> list[str]:
    """Lines of the error stream that are not progress."""
    text = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    return [line for line in text.splitlines() if not line.startswith("[")]


def directories(demo: Demo) -> list[Path]:
    return sorted((demo.folder / "outputs").glob("*"))


# Streams


@pytest.mark.parametrize("encoding", ["ascii", "cp1252:strict", "latin-1", "utf-16"])
@pytest.mark.parametrize("command", ["run", "check", "runs"])
def test_output_that_its_encoding_cannot_spell_is_written_all_the_same(
    source: Path, tmp_path: Path, encoding: str, command: str
) -> None:
    demo = Demo(source, tmp_path / "Etüde_日本")
    demo.settings({"process_workers": 1})
    options = ["--output-dir", demo.folder / "outputs"] if command == "run" else []
    names = [RUN] if command == "run" else []
    done = cairo_command(
        command, demo.scenario, *names, *options, env=environment(PYTHONIOENCODING=encoding)
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout


CLOSED = {
    "output closed": (">&-", 0),
    "errors closed": ("2>&-", 0),
    "all closed": ("<&- >&- 2>&-", 0),
    "errors on a full disk": ("2>/dev/full", 0),
    "output on a full disk": (">/dev/full", 2),
}


@pytest.mark.parametrize("streams", CLOSED)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_with_streams_that_are_closed_or_full_is_done(
    busy: Demo, backend: str, streams: str
) -> None:
    shell, code = CLOSED[streams]
    outputs = busy.folder / "outputs"
    done = cairo_command(
        "run", busy.scenario, RUN, "--backend", backend, "--output-dir", outputs, shell=shell
    )
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr + done.stdout
    (place,) = directories(busy)
    assert (place / "run.json").exists()
    if "errors" in streams:
        assert done.stdout.decode() == f"{place}\n"


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">/dev/full", "2>/dev/full"])
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["run"], ["runs", "absent"]])
def test_help_and_errors_have_no_traceback_on_odd_streams(arguments: list[str], shell: str) -> None:
    done = cairo_command(*arguments, shell=shell)
    assert b"Traceback" not in done.stderr + done.stdout
    assert done.returncode in (0, 2)


# Folders


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_temporary_folder_too_long_for_sockets_is_used_and_left_empty(
    busy: Demo, tmp_path: Path, backend: str
) -> None:
    long = tmp_path / ("job_" * 50)
    long.mkdir()
    before = set(Path("/tmp").glob("pymp-*"))
    done = cairo_command(
        "run", busy.scenario, RUN, "--backend", backend, "--output-dir", busy.folder / "outputs",
        env=environment(TMPDIR=str(long)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert said(done) == []
    assert list(long.iterdir()) == []
    ours = [path for path in set(Path("/tmp").glob("pymp-*")) - before if not list(path.iterdir())]
    assert ours == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_in_a_deleted_folder_is_done(busy: Demo, tmp_path: Path, backend: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = Path(sys.executable).with_name("cairo")
    command = f"cd {gone} && rmdir {gone} && exec {program} run {busy.scenario} {RUN} "
    command += f"--backend {backend} --output-dir {busy.folder / 'outputs'}"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False
    )
    assert (done.returncode, said(done)) == (0, [])
    assert directories(busy)


@pytest.mark.parametrize("arguments", [["run", "s.yaml", "r"], ["check", "s.yaml"], ["runs", "s"]])
def test_a_relative_name_in_a_deleted_folder_is_one_line(
    tmp_path: Path, arguments: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = Path(sys.executable).with_name("cairo")
    command = f"cd {gone} && rmdir {gone} && exec {program} {' '.join(arguments)}"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 2
    (line,) = said(done)
    assert line.startswith("error: ")


# Settings of Dask


@pytest.mark.parametrize("backend", BACKENDS)
def test_settings_that_dask_refuses_are_one_line(busy: Demo, tmp_path: Path, backend: str) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "mine.yaml").write_text("a: [1\n")
    for more, named in (
        ({"DASK_DATAFRAME__QUERY_PLANNING": "False"}, "DASK_DATAFRAME__QUERY_PLANNING"),
        ({"DASK_CONFIG": str(folder)}, "mine.yaml"),
    ):
        done = cairo_command(
            "run", busy.scenario, RUN, "--backend", backend, env=environment(**more)
        )
        assert done.returncode == 2
        (line,) = said(done)
        assert line.startswith("error: Dask refuses its settings")
        assert named in line


@pytest.mark.parametrize("command", ["check", "pack", "demo"])
def test_every_command_tells_of_settings_that_dask_refuses(
    busy: Demo, tmp_path: Path, command: str
) -> None:
    given = {
        "check": [busy.scenario],
        "pack": [busy.loads, tmp_path / "packed"],
        "demo": ["--output-dir", tmp_path / "demo_of_mine"],
    }
    env = environment(DASK_DATAFRAME__QUERY_PLANNING="False")
    done = cairo_command(command, *given[command], env=env)
    assert done.returncode == 2
    (line,) = said(done)
    assert "DASK_DATAFRAME__QUERY_PLANNING" in line


# Kinds of process

GUARD = 'if __name__ == "__main__":'


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_script_without_main_guard_is_told_of_it_once(
    busy: Demo, tmp_path: Path, backend: str
) -> None:
    done = script(
        f"""
        import cairo
        try:
            cairo.run({str(busy.scenario)!r}, {RUN!r}, backend={backend!r})
        except cairo.CairoError as error:
            print("ERROR", error)
        """,
        tmp_path,
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("ERROR ")
    assert GUARD in line
    assert said(done) == []


KINDS = {
    "daemonic process": """
        from multiprocessing import get_context
        with get_context("spawn").Pool(1) as pool:
            print("DONE", pool.apply(go))
        """,
    "pool of processes": """
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            print("DONE", pool.submit(go).result())
        """,
    "thread": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(1) as pool:
            print("DONE", pool.submit(go).result())
        """,
    "threads at once": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(3) as pool:
            runs = [pool.submit(go) for _ in range(3)]
            assert len({run.result() for run in runs}) == 1
            print("DONE", runs[0].result())
        """,
    "event loop": """
        import asyncio
        async def main():
            return go()
        print("DONE", asyncio.run(main()))
        """,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "backend", ["pandas", pytest.param("dask_delayed", marks=pytest.mark.long), "dask_dataframe"]
)
def test_a_run_works_in_every_kind_of_process(
    busy: Demo, tmp_path: Path, backend: str, kind: str
) -> None:
    start = f"""
import cairo
def go():
    return len(cairo.run({str(busy.scenario)!r}, {RUN!r}, backend={backend!r}).bills)
{GUARD}
"""
    body = textwrap.indent(textwrap.dedent(KINDS[kind]), "    ")
    done = script(start + body, tmp_path)
    assert done.stdout.startswith("DONE "), done.stderr
    assert said(done) == []


@pytest.mark.parametrize("deleted", [True, False])
@pytest.mark.parametrize(
    "backend",
    [
        "dask_dataframe",
        pytest.param("pandas", marks=pytest.mark.long),
        pytest.param("dask_delayed", marks=pytest.mark.long),
    ],
)
def test_a_program_that_is_no_file_runs_with_workers(
    busy: Demo, tmp_path: Path, backend: str, deleted: bool
) -> None:
    run = f"cairo.run({str(busy.scenario)!r}, {RUN!r}, backend={backend!r})"
    text = f"import cairo\nprint(len({run}.bills))"
    here = tmp_path / "here"
    here.mkdir()
    away = f"rmdir {here} && " if deleted else ""
    for command, given in ((["-c", text], None), (["-"], text)):
        whole = ["sh", "-c", f'cd {here} && {away}exec "$@"', "sh", sys.executable, *command]
        if deleted and sys.version_info[:2] == (3, 13):
            alone = subprocess.run(
                [*whole[:5], "-c", "import numpy"], capture_output=True, check=False
            )
            here.mkdir()
            if b"SystemError" in alone.stderr:
                pytest.skip("this Python imports no NumPy in a deleted folder")
        done = subprocess.run(
            whole, input=given, capture_output=True, text=True, env=environment(), check=False
        )
        assert (done.stdout, said(done)) == (f"{13 * HOMES}\n", [])
        here.mkdir(exist_ok=True)


DASKS_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.worker",
    "tornado.application",
    "asyncio",
)


@pytest.mark.parametrize("command", [True, False], ids=["command", "caller"])
def test_what_dask_logs_after_a_command_is_not_shown_and_after_a_run_of_a_caller_it_is(
    demo: Demo, tmp_path: Path, command: bool
) -> None:
    start = f"""
        import atexit, logging, sys
        import cairo

        def late():
            print("late")
            for name in {DASKS_LOGGERS}:
                logging.getLogger(name).error("of %s", name)

        if __name__ == "__main__":
            atexit.register(late)
            if {command}:
                from cairo.__main__ import main
                sys.argv = ["cairo", "run", {str(demo.scenario)!r}, {RUN!r}]
                main()
            else:
                cairo.run({str(demo.scenario)!r}, {RUN!r}, backend="dask_dataframe")
        """
    demo.settings({"backend": "dask_dataframe"} | IN_PROCESS)
    done = script(start, tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "late")
    told = [name for name in DASKS_LOGGERS if f"of {name}\n" in done.stderr]
    assert told == ([] if command else list(DASKS_LOGGERS))


RUNS_OF_A_CALLER = {
    "one": "go()\n",
    "one that fails": """
        try:
            cairo.run(SCENARIO, RUN, backend=BACKEND, workers=-1)
        except cairo.CairoError:
            pass
        """,
    "several in threads": """
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: go(), range(2)))
        """,
}


@pytest.mark.parametrize(
    ("backend", "runs"),
    [
        *((backend, "one") for backend in BACKENDS),
        ("dask_dataframe", "one that fails"),
        ("pandas", "several in threads"),
        ("dask_dataframe", "several in threads"),
    ],
)
def test_nothing_of_the_caller_is_changed_by_a_run(
    busy: Demo, tmp_path: Path, backend: str, runs: str
) -> None:
    start = f"""
import copy, logging, os, signal, sys, tempfile, threading, warnings
from concurrent.futures import ThreadPoolExecutor
import cairo, dask, distributed
SCENARIO, RUN, BACKEND = {str(busy.scenario)!r}, {RUN!r}, {backend!r}
def go():
    cairo.run(SCENARIO, RUN, backend=BACKEND)
def state():
    loggers = logging.root.manager.loggerDict.values()
    return {{
        "environ": dict(os.environ),
        "dask": copy.deepcopy(dask.config.config),
        "levels": {{
            one.name: (one.level, len(one.handlers), one.disabled)
            for one in loggers if isinstance(one, logging.Logger)
            and one.name.split(".")[0] in ("distributed", "dask", "tornado", "asyncio")
        }},
        "root": (logging.root.level, len(logging.root.handlers)),
        "signals": [signal.getsignal(n) for n in (1, 2, 15)],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "wakeup": signal.set_wakeup_fd(-1),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "folder": os.getcwd(),
        "temporary": tempfile.tempdir,
        "warnings": list(warnings.filters),
        "umask": (os.umask(0o22), os.umask(0o27)),
    }}
def differences(before, after):
    after["levels"] = {{k: v for k, v in after["levels"].items() if k in before["levels"]}}
    for key in before:
        if before[key] != after[key]:
            if isinstance(before[key], dict):
                for name in before[key].keys() | after[key].keys():
                    was, now = before[key].get(name), after[key].get(name)
                    if was != now:
                        print(key, name, was, now)
            else:
                print(key, before[key], after[key])
{GUARD}
    # What packages do when they are first imported is theirs.
    import pandas, pyarrow, cairo.runs.runner, cairo.rates_tool.dd_stages.backend
    import distributed.deploy.local, cairo.rates_tool.pandas_backend
    tempfile.gettempdir()
    os.umask(0o27)
    before = state()
"""
    body = textwrap.dedent(RUNS_OF_A_CALLER[runs]) + "differences(before, state())\n"
    done = script(start + textwrap.indent(body, "    "), tmp_path)
    assert (done.returncode, done.stdout, said(done)) == (0, "", [])


KEPT = ("Client", "LocalCluster", "Nanny", "Scheduler", "Worker")


@pytest.mark.parametrize("processes", [False, True])
def test_nothing_of_the_clusters_of_a_session_is_kept(
    busy: Demo, tmp_path: Path, processes: bool
) -> None:
    busy.settings({"dask": TWO_PROCESSES["dask"] | {
        "processes": processes, "dashboard_address": "127.0.0.1:0",
    }})  # fmt: skip
    done = script(
        f"""
        import gc
        import linecache
        import sys
        import cairo
        {GUARD}
            lines, places = set(linecache.cache), list(sys.path)
            for _ in range(3):
                cairo.run({str(busy.scenario)!r}, {RUN!r}, backend="dask_dataframe")
            gc.collect()
            kept = [type(one).__mro__ for one in gc.get_objects() if isinstance(one, object)]
            names = {{kind.__name__ for kinds in kept for kind in kinds}}
            print(sorted(names & set({KEPT!r})))
            quoted = [n for n in set(linecache.cache) - lines if linecache.cache[n][1:2] != (None,)]
            folders = [name for name in sys.path_importer_cache if {SCRATCH!r} in name]
            print([n for n in quoted if "distributed" in n], folders, sys.path == places)
        """,
        tmp_path,
    )
    assert (done.stdout, said(done)) == ("[]\n[] [] True\n", [])


PLANTED = ("random", "dask", "numpy", "cloudpickle", "typing", "re", "dataclasses", "threading")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_module_run_by_name_imports_nothing_from_the_current_folder(
    busy: Demo, tmp_path: Path, backend: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    marker = tmp_path / "ran"
    for name in PLANTED:
        text = f"open({str(marker)!r}, 'a').write(__name__ + ' ')\nraise ImportError('planted')\n"
        (here / f"{name}.py").write_text(text)
    done = cairo_command(
        "run", busy.scenario, RUN, "--backend", backend, "--output-dir", tmp_path / "out", cwd=here
    )
    assert not marker.exists(), marker.read_text()
    assert done.returncode == 0, done.stderr


def test_a_checkout_that_is_not_installed_runs_by_name(busy: Demo, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "cairo", checkout / "cairo")
    where = "import cairo; print(cairo.__file__)"
    env = {k: v for k, v in environment().items() if k != "PYTHONPATH"}
    done = cairo_command(
        "run", busy.scenario, RUN, "--output-dir", tmp_path / "out", cwd=checkout, env=env
    )
    assert done.returncode == 0, done.stderr
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=checkout, env=env, capture_output=True, text=True
    )
    assert found.stdout.startswith(str(checkout))
