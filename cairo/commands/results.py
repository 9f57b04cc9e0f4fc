"""Commands on finished runs: `cairo compare`, `cairo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import put, table

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
    run_dir: Annotated[Path, typer.Argument(help="A run directory.")],
    other: Annotated[Path | None, typer.Argument(help="Another, to compare with.")] = None,
    output: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    group: Annotated[str | None, typer.Option(help="Group to highlight, COLUMN=VALUE.")] = None,
) -> None:
    """Write one HTML page with a run's results, or with two runs side by side."""
    from cairo.results.report import write_report

    put(write_report(run_dir, other, output=output, group=group))
