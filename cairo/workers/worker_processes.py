"""How worker processes start, and that Ctrl-C is not theirs to answer.

A cluster's are forked from a server that has imported what they need once. It is a fresh
process without threads, so that forking it is safe. Started early, it imports while this
process reads its inputs. Nothing heavy is imported here.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import forkserver, process, resource_tracker, util
from pathlib import Path

from cairo.errors import ClusterError, one_line
from cairo.stopping import always_removed_at_once, held, is_command
from cairo.workers.silent_servers import silent_servers

PRELOADED = [
    "cairo.rates_tool.dd_stages.load_pass",
    "cairo.rates_tool.dd_stages.respond",
    "cairo.rates_tool.dd_stages.sources",
    "distributed.nanny",
    "distributed.worker",
    "cairo.workers.worker_start",
]

KEPT_BYTES = 64 * 2**20
"""Freed memory a worker keeps for its next file. Dask's default gives everything above 64 kB
back to the system at once, and a page fault for each 4 kB is paid to have it again."""

STARTED_BY_US = "CAIRO_WORKER_PROCESS"

PROCESS_ENVIRON = {"PYTHONSAFEPATH": "1", STARTED_BY_US: "1"}
"""Python started with code on its command line imports from the current folder first, where anybody
may have left a `dask.py`. Workers get the path of this process when they start their work."""

WORKER_ENVIRON = {
    **PROCESS_ENVIRON,
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(KEPT_BYTES),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""Read by libraries when they are loaded, so it has to be in the server's environment."""

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


LONGEST_FOLDER = 60
"""Bytes of a folder's name that leave room for a socket's below it, of 104 or 108 in all."""
SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")

UNGUARDED = (
    'a script must call cairo under `if __name__ == "__main__":`, as worker processes '
    "import it too, or set process_workers to 1"
)
UNGUARDED_CODE = 97
"""Exit code of a worker process whose start has come to a run."""


def prepare_workers() -> None:
    """Start the server that workers are forked from, without waiting for its imports.

    Raises
    ------
    ClusterError
        It cannot be started.
    """
    import psutil  # noqa: F401 - the children that are started here are ended with it

    if START_METHOD != "forkserver":
        return
    multiprocessing.get_context(START_METHOD).set_forkserver_preload(PRELOADED)
    check_shared_memory()
    try:
        with held(), environ(WORKER_ENVIRON), deaf_to_interrupts(), existing_folder():
            short_socket_names()
            forkserver.ensure_running()
    except OSError as error:
        raise ClusterError(
            "worker processes cannot be started with the temporary folder "
            f"{_temporary_folder()}: {error.strerror or error}"
        ) from None


def check_shared_memory() -> None:
    """Check that worker processes can have locks in common.

    Raises
    ------
    ClusterError
        The system's shared memory is full or may not be written.
    """
    try:
        with environ(PROCESS_ENVIRON), deaf_to_interrupts():
            multiprocessing.get_context("spawn").Lock()
    except OSError as error:
        raise ClusterError(
            "worker processes cannot be started, as shared memory (/dev/shm) cannot be used: "
            f"{error.strerror or error}; process_workers: 1 starts none"
        ) from None


def not_while_starting() -> None:
    """Stop a run that the start of a worker process has come to, in a script without main guard.

    One that this package has started says nothing: it is its parent that tells, once.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        if STARTED_BY_US in os.environ:
            raise SystemExit(UNGUARDED_CODE)
        raise ClusterError(UNGUARDED)


def may_start_processes() -> bool:
    """Whether this process may have children: one of a `multiprocessing.Pool` may not."""
    return not multiprocessing.current_process().daemon


def short_socket_names() -> None:
    """Give multiprocessing's sockets a folder with a short name, when that of `TMPDIR` is long."""
    settings = getattr(multiprocessing.current_process(), "_config", {})
    if len(os.fsencode(_temporary_folder())) > LONGEST_FOLDER:
        for folder in SHORT_FOLDERS:
            with suppress(OSError):
                made = tempfile.mkdtemp(prefix="pymp-", dir=folder)
                settings["tempdir"] = made
                util.Finalize(None, shutil.rmtree, (made, True), exitpriority=-100)
                break
    place = util.get_temp_dir()
    always_removed_at_once(lambda: shutil.rmtree(place, ignore_errors=True))


def _temporary_folder() -> str:
    settings = getattr(multiprocessing.current_process(), "_config", {})
    return str(settings.get("tempdir") or temporary_folder())


def temporary_folder() -> str:
    """The system's folder for temporary files.

    Raises
    ------
    ClusterError
        None can be written into.
    """
    try:
        return tempfile.gettempdir()
    except OSError as error:
        raise ClusterError(
            f"workers need a folder for temporary files, name one with TMPDIR: {one_line(error)}"
        ) from None


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Block Ctrl-C and hang-ups for what is started here, and what that starts in turn.

    They reach every process of a terminal; the one that runs the scenario ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    numbers = {signal.SIGINT, signal.SIGHUP}
    if is_command():
        silent_servers()
    # What it says of processes that were ended at once is no news.
    quiet = f"{os.environ.get('PYTHONWARNINGS', '')},ignore:resource_tracker".strip(",")
    with environ({"PYTHONWARNINGS": quiet}):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            # Started later, the tracker would unblock interrupts.
            resource_tracker.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def environ(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables within the block."""
    with environ_kept(variables):
        os.environ.update(variables)
        yield


@contextmanager
def environ_kept(names: Iterable[str]) -> Iterator[None]:
    """Give variables the values they had before the block, whatever is done to them within."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def existing_folder() -> Iterator[None]:
    """Be in a folder, and run a script, that are there, as the start of a process asks for.

    A folder may be deleted by now. A script may have been read from standard input.
    """
    with ExitStack() as stack:
        stack.enter_context(_main_that_is_there())
        try:
            Path.cwd()
        except OSError:
            deleted = os.open(".", os.O_RDONLY)
            stack.callback(os.close, deleted)
            stack.callback(os.fchdir, deleted)
            os.chdir("/")
            # What stands for the current folder in a worker's path must be text.
            known = vars(process)
            stack.callback(known.update, ORIGINAL_DIR=known["ORIGINAL_DIR"])
            known["ORIGINAL_DIR"] = known["ORIGINAL_DIR"] or os.devnull
        yield


@contextmanager
def _main_that_is_there() -> Iterator[None]:
    """Hide the name of a main script that is no file: workers would look for it and fail."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if path is None or getattr(main, "__spec__", None) is not None or Path(path).exists():
        yield
        return
    del main.__file__  # type: ignore[union-attr]
    try:
        yield
    finally:
        main.__file__ = path  # type: ignore[union-attr]
