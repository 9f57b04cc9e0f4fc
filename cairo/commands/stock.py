"""Commands on stocks of homes: `cairo demo`, `cairo pack`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.completion import backend_names
from cairo.commands.terminal import BACKEND_NAMES, put


def demo(
    output_dir: Annotated[
        Path,
        typer.Option(
            help="Folder to write into: a new one, or one that a demo made.", readable=False
        ),
    ] = Path("cairo_demo"),
    buildings: Annotated[
        int, typer.Option(min=4, max=500_000, help="Homes to make, a load file each.")
    ] = 200,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Number that homes are drawn by; of one number, one stock."),
    ] = 2025,
    backend: Annotated[
        str,
        typer.Option(
            help=f"How the hours are worked on: {BACKEND_NAMES}.", autocompletion=backend_names
        ),
    ] = "dask_dataframe",
) -> None:
    """Write a synthetic stock of homes with tariffs and prices, run it, and say what came out."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.runs.demo import demo_summary, run_demo, write_demo
    from cairo.workers.progress import watching

    with watching() as progress:
        progress.stage("write the demo stock", buildings)
        scenario = write_demo(output_dir, buildings, seed, progress)
        place = run_demo(scenario, backend=backend, progress=progress)
    put(demo_summary(place, scenario))


def pack(
    loads_dir: Annotated[
        str, typer.Argument(help="Folder, or URL such as s3://..., with a load file a home.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            help="Folder to write, which path_resstock_loads may then name.", readable=False
        ),
    ],
    storage_options: Annotated[
        str | None,
        typer.Option(help="How to open a URL: fsspec options as JSON, such as '{\"anon\": true}'."),
    ] = None,
) -> None:
    """Rewrite a load folder once into few files, for the many runs that share it."""
    from cairo.workers.progress import watching

    options = _json_mapping(storage_options, "--storage-options")
    with watching() as progress:
        from cairo.workers.dask_settings import import_dask

        import_dask()
        from cairo.files.pack import pack as pack_loads

        place = pack_loads(loads_dir, out, progress, storage_options=options)
    put(place)


def _json_mapping(text: str | None, option: str) -> dict[str, object]:
    try:
        values = {} if text is None else json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        # Not what it holds: it may be a secret that misses a bracket.
        raise typer.BadParameter(f"{option} cannot be read, expected a JSON object")
    return values
