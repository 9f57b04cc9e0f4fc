"""Commands on finished runs: `cairo compare`, `cairo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import put, table, tell

DIFFERENT = 1


def compare(
    run_dir_a: Annotated[Path, typer.Argument(help="A run directory.")],
    run_dir_b: Annotated[Path, typer.Argument(help="Another.")],
    rtol: Annotated[float, typer.Option(help="Relative tolerance.")] = 1e-12,
    atol: Annotated[float, typer.Option(help="Absolute tolerance.")] = 1e-9,
) -> None:
    """Compare every file of two runs: the largest difference a column; exit 1 if they differ."""
    from cairo.results.compare import compare_runs

    found = compare_runs(run_dir_a, run_dir_b, rtol, atol)
    rows = [
        [
            one.file,
            one.column,
            f"{one.absolute:.3g}",
            f"{one.relative:.3g}",
            "equal" if one.equal else f"DIFFERS {one.what}".strip(),
        ]
        for one in found.differences
    ]
    table(["file", "column", "largest", "relative", ""], rows)
    verdict = "equal" if found.equal else "different"
    put(f"the runs are {verdict} at rtol {rtol:g}, atol {atol:g}")
    if not found.equal:
        raise typer.Exit(DIFFERENT)


def report(
    run_dirs: Annotated[
        list[Path],
        typer.Argument(help="Run directories, one or as many as are to be compared."),
    ],
    output: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    group: Annotated[str | None, typer.Option(help="Group to highlight, COLUMN=VALUE.")] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Run that the others are compared with, a directory or a name; else the first."
        ),
    ] = None,
    tables: Annotated[
        bool, typer.Option(help="Write every table as CSV and XLSX beside the page.")
    ] = True,
) -> None:
    """Write one HTML page with a run's results, or with several runs side by side."""
    from cairo.results.report import not_runs, write_report

    odd = not_runs(run_dirs)
    used = [one for one in run_dirs if one not in odd]
    for one in odd if used else []:
        tell(f"not used: {one} is no run directory (it has no run.json)")
    put(
        write_report(
            *(used or run_dirs), output=output, group=group, baseline=baseline, tables=tables
        )
    )
