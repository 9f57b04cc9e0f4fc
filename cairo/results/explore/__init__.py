"""`cairo explore`: one HTML page on which a run's rates are turned, for all of its homes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cairo.errors import CairoError

__all__ = ["write_explorer"]

MOST_RUNS = 3
"""Runs on a page: as many as designs are held side by side."""


def write_explorer(
    run_dirs: Sequence[str | os.PathLike[str]],
    *,
    output: str | os.PathLike[str] | None = None,
    group: str | None = None,
) -> Path:
    """Write the page of a run, or of some runs on the same homes.

    Parameters
    ----------
    run_dirs : run directories, one to three; bills are compared with the first's.
    output : HTML file; `explore.html` in the first run directory by default.
    group : `COLUMN=VALUE`, the customers that the page begins with; homes with heat pumps, else
        with PV, by default.

    Returns
    -------
    The file written. It appears whole or not at all.

    Raises
    ------
    CairoError
        A file of a run is missing or broken, bills do not come out again from what homes were
        billed for, runs have other homes, or the page cannot be written.
    """
    from cairo.files.durable import write_whole
    from cairo.results.explore.data import read_explore_run
    from cairo.results.explore.page import page
    from cairo.results.explore.payload import payload
    from cairo.results.report.segments import highlight

    if not 1 <= len(run_dirs) <= MOST_RUNS:
        raise CairoError(f"{len(run_dirs)} run directories, expected 1 to {MOST_RUNS} on a page")
    runs = [read_explore_run(one) for one in run_dirs]
    first = runs[0].run
    facts, numbers = payload(runs, highlight(first.homes, group, first.labels))
    place = Path(output) if output is not None else first.path / "explore.html"
    return write_whole(place, page(runs, facts, numbers))
