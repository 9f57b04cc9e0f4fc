"""What the process of a session keeps of its runs: nothing that grows."""

from __future__ import annotations

import json
import linecache
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from benchmarks.memory import FORMS, main
from cairo.workers.let_go import give_back, let_go

HOMES = 6
THREADS, BUFFERS, BUFFER = 4, 256, 65_536
OF_ALL_RUNS = 20.0
"""What 100 runs may add [MB]."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is given back on Linux")


def _fill() -> None:
    held = [np.asarray(memoryview(pa.allocate_buffer(BUFFER))) for _ in range(BUFFERS)]
    for one in held:
        one[:] = 1


@linux
@pytest.mark.skipif(
    pa.default_memory_pool().backend_name != "mimalloc", reason="other pools keep less of threads"
)
def test_what_ended_threads_had_of_pyarrows_pool_is_given_back() -> None:
    give_back()
    before = psutil.Process().memory_info().rss
    threads = [threading.Thread(target=_fill) for _ in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    give_back()
    assert psutil.Process().memory_info().rss - before < THREADS * BUFFERS * BUFFER / 4


def test_of_sources_that_were_quoted_only_the_runs_own_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lines that a caller, or a notebook's cell, has in `linecache` stay."""
    cached = (8, 1.0, ["x = 1\n"], "file")
    cell = (8, None, ["x = 1\n"], "<cell>")
    there = {"caller.py": cached, "quoted.py": cached, "<cell>": cell, "lazy": (lambda: "",)}
    monkeypatch.setattr(linecache, "cache", dict(there))
    let_go({"caller.py"})
    assert linecache.cache == {k: v for k, v in there.items() if k != "quoted.py"}


@linux
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_many_runs_of_a_session_add_little(tmp_path: Path, form: str) -> None:
    runs = 8 if form == "dask_delayed" else 20
    written = tmp_path / "memory.json"
    main(["--buildings", str(HOMES), "--runs", str(runs), "--forms", form,
          "--stock", str(tmp_path), "--json", str(written)])  # fmt: skip
    first, *_, last = json.loads(written.read_text())["table"]
    assert (first["run"], last["run"]) == (1, runs)
    assert last["resident"] - first["resident"] < OF_ALL_RUNS
