"""Commands on finished runs: `cairo compare`, `cairo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import RUN_DIR_HELP, on_terminal, put, table, tell
from cairo.stopping import finished

DIFFERENT = 1
NAME_CHARACTERS = 40
"""Of a column's name beside its numbers."""


def compare(
    run_dir_a: Annotated[Path, typer.Argument(help=RUN_DIR_HELP, readable=False)],
    run_dir_b: Annotated[Path, typer.Argument(help="Another, to compare it with.", readable=False)],
    rtol: Annotated[
        float, typer.Option(help="Difference that is allowed, as a part of the larger number.")
    ] = 1e-12,
    atol: Annotated[
        float, typer.Option(help="Difference that is allowed besides, in the column's own unit.")
    ] = 1e-9,
    only_differences: Annotated[
        bool, typer.Option("--only-differences", help="Leave out columns that are equal.")
    ] = False,
) -> None:
    """Compare every file of two runs: the largest difference a column; exit 1 if they differ."""
    from cairo.results.compare import compare_runs

    found = compare_runs(run_dir_a, run_dir_b, rtol, atol)
    shown = [one for one in found.differences if not (only_differences and one.equal)]
    rows = [
        [
            one.file,
            one.column,
            f"{one.absolute:.3g}",
            f"{one.relative:.3g}",
            "equal" if one.equal else f"DIFFERS {one.what}".strip(),
        ]
        for one in shown
    ]
    if rows and on_terminal():
        put(by_file(rows))
    elif rows:
        table(["file", "column", "largest", "relative", ""], rows)
    verdict = "equal" if found.equal else "different"
    put(f"the runs are {verdict} at rtol {rtol:g}, atol {atol:g}")
    if not found.equal:
        raise typer.Exit(DIFFERENT)


def by_file(rows: list[list[str]]) -> str:
    """Rows of file, column, largest and relative difference and verdict, each file named once.

    No name is cut, however narrow the terminal: what does not fit takes a line of its own.
    """
    lines = []
    width = min(max((len(row[1]) for row in rows), default=0), NAME_CHARACTERS)
    file = None
    for name, column, largest, relative, verdict in rows:
        if name != file:
            lines.append(name)
            file = name
        if len(column) > width:
            lines.append(f"  {column}")
            column = ""
        word, _, where = verdict.partition(" ")
        lines.append(f"  {column:<{width}}  {largest:>9}  {relative:>9}  {word}".rstrip())
        if where:
            lines.append(f"      {where}")
    return "\n".join([f"  {'column':<{width}}  {'largest':>9}  {'relative':>9}", *lines])


def report(
    run_dirs: Annotated[
        list[Path],
        typer.Argument(
            help="Run directories, one or as many as are to be compared; latest:RUN_NAME is the "
            "newest of a run.",
            readable=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="HTML file to write; report.html in the run directory by default.", readable=False
        ),
    ] = None,
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
    from cairo.results.finding import run_directory
    from cairo.results.report import not_runs, write_report

    places = [run_directory(one) for one in run_dirs]
    odd = not_runs(places)
    used = [one for one in places if one not in odd]
    for one in odd if used else []:
        tell(f"not used: {one} is no run directory (it has no run.json)")
    page = write_report(
        *(used or places), output=output, group=group, baseline=baseline, tables=tables
    )
    finished()
    put(page)
