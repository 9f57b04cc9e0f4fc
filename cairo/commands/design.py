"""`cairo design`: rates derived from what a finished run has found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import put, table, tell


def design(
    kind: Annotated[str, typer.Argument(help="flat, seasonal, fair or tou.", metavar="KIND")],
    run_dir: Annotated[str, typer.Argument(help="A run directory, or latest:RUN_NAME.")],
    homes: Annotated[
        str | None,
        typer.Option("--for", help="The class, by a metadata column.", metavar="COLUMN=VALUE"),
    ] = None,
    tariff: Annotated[
        str | None,
        typer.Option(
            help="Key of the tariff to start from; without --for its homes are the class."
        ),
    ] = None,
    allocation: Annotated[
        str, typer.Option(help="Of the residual: percustomer, volumetric, peak or epmc.")
    ] = "percustomer",
    winter_months: Annotated[
        str | None, typer.Option(help="Months of winter; October to March.", metavar="10,11,...")
    ] = None,
    hours: Annotated[
        int | None, typer.Option(help="Hours of the tou window; 1 to 12 are tried.")
    ] = None,
    knobs: Annotated[
        str,
        typer.Option(
            help="Two that fair solves for: fixed_charge, level, winter_rate, summer_rate."
        ),
    ] = "fixed_charge,level",
    output: Annotated[
        Path | None, typer.Option(help="URDB JSON file to write; KIND.json.", readable=False)
    ] = None,
) -> None:
    """Derive a tariff from a finished run: print what it follows from, write it as URDB JSON."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.files.durable import write_whole
    from cairo.files.run_directory import json_text
    from cairo.results.finding import run_directory
    from cairo.runs.design import Asked, design_of

    asked = Asked(kind, homes, tariff, allocation, winter_months, hours, tuple(knobs.split(",")))
    made = design_of(run_directory(run_dir), asked)
    table(["figure", "value"], [[name, _shown(value)] for name, value in made.record().items()])
    place = output or Path(f"{kind}.json")
    tell(made.note)
    put(write_whole(place, json_text(made.urdb(place.stem))))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return str(value)
