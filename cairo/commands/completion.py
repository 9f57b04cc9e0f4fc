"""What the shell completes: runs of the scenario file that was typed, backends, run directories."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import typer

from cairo.errors import CairoError
from cairo.model.backends import BACKENDS


def run_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Runs of the scenario file; none while it cannot be read."""
    from cairo.files.yaml_files import read_yaml

    given = ctx.params.get("scenario")
    if given is None:
        return []
    with suppress(CairoError, AttributeError):
        runs = read_yaml(str(Path(given).expanduser()), "scenario file").get("runs")
        return [str(name) for name in runs or {} if str(name).startswith(incomplete)]
    return []


def backend_names(incomplete: str) -> list[str]:
    """Backends."""
    return [name for name in BACKENDS if name.startswith(incomplete)]
