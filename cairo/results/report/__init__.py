"""`cairo report`: one self-contained HTML page of a run, or of rate designs side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cairo.errors import CairoError
from cairo.results.report.data import RunData, read_run

__all__ = ["not_runs", "write_report"]


def write_report(
    *run_dirs: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    group: str | None = None,
    baseline: str | os.PathLike[str] | None = None,
    tables: bool = True,
) -> Path:
    """Write the page of a run, or of several side by side, and its tables.

    Parameters
    ----------
    run_dirs : run directories; several are compared on the homes that all of them have.
    output : HTML file. In the first run's directory by default: `report.html`, of two runs
        `report_vs_<other>.html`, of N `report_of_<N>_runs.html`.
    group : `COLUMN=VALUE`, the customers to highlight; by default homes with heat pumps, else
        with PV, when the metadata tells them apart.
    baseline : which of the runs the others are compared with, a directory or a run's name; the
        first by default.
    tables : whether every table is written beside the page too, as CSV in `<page>_tables/` and
        as a sheet of `<page>.xlsx`. Of a page that goes to a stream or device none are.

    Returns
    -------
    The page. Every file appears whole or not at all.

    Raises
    ------
    CairoError
        No run, or one named twice; a file of a run is missing or broken, runs have no home in
        common, no home is in the group, no run is the baseline, or a file cannot be written.
    """
    from cairo.files.durable import is_written_into, write_whole
    from cairo.results.report.comparison import comparison_page
    from cairo.results.report.designs import designs_of
    from cairo.results.report.export import write_tables
    from cairo.results.report.single import single_page

    runs = _ordered([Path(one) for one in run_dirs], baseline)
    designs = designs_of(runs)
    report = (comparison_page if designs.others else single_page)(designs, group)
    path = Path(output) if output is not None else runs[0].path / _name(runs)
    write_whole(path, report.page)
    if tables and not is_written_into(path):
        write_tables(path, report.tables)
    return path


def not_runs(paths: Sequence[Path]) -> list[Path]:
    """Those that are there and are no run directories, such as `study.csv` beside runs."""
    return [one for one in paths if one.exists() and not (one / "run.json").is_file()]


def _ordered(paths: Sequence[Path], baseline: str | os.PathLike[str] | None) -> list[RunData]:
    """The runs, the baseline first."""
    if not paths:
        raise CairoError("no run directory to report on")
    seen: dict[Path, Path] = {}
    for path in paths:
        if (whole := path.resolve()) in seen:
            raise CairoError(f"run directory {path} is named twice (as {seen[whole]})")
        seen[whole] = path
    runs = [read_run(path) for path in paths]
    if baseline is None:
        return runs
    where = Path(baseline).resolve()
    found = [one for one in runs if one.path.resolve() == where] or [
        one for one in runs if one.name == os.fspath(baseline)
    ]
    if len(found) != 1:
        names = ", ".join(f"{one.path} ({one.name})" for one in runs)
        what = "is none of the runs" if not found else f"is the name of {len(found)} runs"
        raise CairoError(f"baseline {os.fspath(baseline)} {what}: expected one of {names}")
    return [*found, *(one for one in runs if one is not found[0])]


def _name(runs: Sequence[RunData]) -> str:
    if len(runs) == 1:
        return "report.html"
    if len(runs) == 2:
        return f"report_vs_{runs[1].path.resolve().name}.html"
    return f"report_of_{len(runs)}_runs.html"
