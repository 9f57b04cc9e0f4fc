"""`cairo explore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import put


def explore(
    run_dirs: Annotated[
        list[Path], typer.Argument(help="Run directories, one to three, on the same homes.")
    ],
    output: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    group: Annotated[str | None, typer.Option(help="Group to begin with, COLUMN=VALUE.")] = None,
) -> None:
    """Write one HTML page on which rates are turned and every customer's bill follows."""
    from cairo.results.explore import write_explorer

    put(write_explorer(run_dirs, output=output, group=group))
