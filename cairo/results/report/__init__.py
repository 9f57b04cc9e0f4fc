"""`cairo report`: one self-contained HTML page of a run, or of two rate designs side by side."""

from __future__ import annotations

import os
from pathlib import Path

from cairo.results.report.data import read_run

__all__ = ["write_report"]


def write_report(
    run_dir: str | os.PathLike[str],
    other: str | os.PathLike[str] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    group: str | None = None,
) -> Path:
    """Write the page of a run, or of two.

    Parameters
    ----------
    run_dir : run directory.
    other : another, of the same homes, to compare with.
    output : HTML file; `report.html` in the run directory by default, `report_vs_<other>.html`
        for two runs.
    group : `COLUMN=VALUE`, the customers to highlight; by default homes with heat pumps, else
        with PV, when the metadata tells them apart.

    Returns
    -------
    The file written. It appears whole or not at all.

    Raises
    ------
    CairoError
        A file of a run is missing or broken, the two runs have other homes, no home is in the
        group, or the page cannot be written.
    """
    from cairo.files.durable import write_whole
    from cairo.results.report.pair import pair_page
    from cairo.results.report.single import single_page

    first = read_run(run_dir)
    if other is None:
        name, page = "report.html", single_page(first, group)
    else:
        second = read_run(other)
        name, page = f"report_vs_{second.path.resolve().name}.html", pair_page(first, second, group)
    return write_whole(Path(output) if output is not None else first.path / name, page)
