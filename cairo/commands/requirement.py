"""`cairo requirement`: what subclasses of customers have to pay, of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import RUN_DIR_HELP, put


def requirement(
    run_dir: Annotated[Path, typer.Argument(help=RUN_DIR_HELP, readable=False)],
    by: Annotated[str, typer.Option(help="Metadata column that tells subclasses apart.")],
    delivery: Annotated[
        str,
        typer.Option(
            help="How delivery's residual is split: percustomer, volumetric, peak, epmc or "
            "passthrough, or several with commas between them."
        ),
    ],
    supply: Annotated[
        str | None, typer.Option(help="The same for supply; none of a run without supply.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="YAML file to write; the screen by default.", readable=False)
    ] = None,
) -> None:
    """Write the revenue requirement of each subclass of a run's customers, as YAML."""
    import yaml

    from cairo.files.durable import write_whole
    from cairo.results.finding import run_directory
    from cairo.scenario.finished_run import requirement_content

    given = {"delivery": delivery, "supply": supply}
    wanted = {
        component: [method.strip() for method in text.split(",")]
        for component, text in given.items()
        if text is not None
    }
    text = yaml.safe_dump(requirement_content(run_directory(run_dir), by, wanted), sort_keys=False)
    if output is None:
        put(text.rstrip())
        return
    put(write_whole(output, text))
