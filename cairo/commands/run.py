"""`cairo run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cairo.commands.terminal import ConfigOption, ScenarioArgument, put, tell
from cairo.errors import InputErrors, ScenarioError


def run(
    scenario: ScenarioArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Runs, or patterns such as 'hp_*'.", metavar="RUN..."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run of the file.")] = False,
    backend: Annotated[
        str | None, typer.Option(help="pandas, dask_delayed or dask_dataframe.")
    ] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Folder of run directories.")] = None,
    config_dir: ConfigOption = None,
    workers: Annotated[int | None, typer.Option(help="Instead of process_workers.")] = None,
    performance_report: Annotated[
        bool,
        typer.Option("--performance-report", help="Save Dask's performance report of one run."),
    ] = False,
    batch: Annotated[
        str | None, typer.Option(help="Stands for <batch> in path_outputs.", metavar="NAME")
    ] = None,
) -> None:
    """Run runs of a scenario file and print their directories.

    Several runs on the same loads share one pass over them.
    """
    from cairo.workers.progress import watching

    if every == bool(names):
        raise ScenarioError("name runs, or give --all" if not every else "--all is every run")
    with watching() as progress:
        first = _prepare(scenario, names, backend, config_dir, workers)
        if names == [first]:
            from cairo.runs.runner import run_scenario

            place = run_scenario(
                scenario,
                first,
                config_dir=config_dir,
                progress=progress,
                performance_report=performance_report,
                batch=batch,
                backend=backend,
                output_dir=output_dir,
                workers=workers,
            )
            put(place)
            return
        if performance_report:
            raise ScenarioError("--performance-report is of one run: name one")
        from cairo.runs.study import study

        found = study(
            scenario,
            names or None,
            config_dir=config_dir,
            progress=progress,
            batch=batch,
            backend=backend,
            output_dir=output_dir,
            workers=workers,
        )
    for one in found.values():
        put(one.path)
    shown = found.table.drop(columns=["directory", "error"], errors="ignore")
    tell(shown.to_string(index=False, float_format="{:,.2f}".format))
    if found.failed:
        raise InputErrors(found.failed.values())


def _prepare(
    scenario: Path,
    names: list[str] | None,
    backend: str | None,
    config_dir: Path | None,
    workers: int | None,
) -> str:
    """The first run's name, after worker processes have begun to import when it will start some."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.model.names import ON_WORKERS
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    first, *_ = found.chosen(names)
    settings = found.run(first)
    dask = settings.dask
    elsewhere = dask.scheduler_address or dask.scheduler_file or dask.cluster
    alone = (workers or dask.n_workers or settings.process_workers) == 1
    if (backend or settings.backend) in ON_WORKERS and not elsewhere and not alone:
        from cairo.workers.worker_processes import prepare_workers

        prepare_workers()
    return first
