"""`cairo run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairo.commands.completion import backend_names, run_names
from cairo.commands.terminal import (
    BACKEND_NAMES,
    ConfigOption,
    ScenarioArgument,
    UnmodelledOption,
    put,
    table,
    tell,
)
from cairo.errors import InputErrors, ScenarioError
from cairo.stopping import wait_for_signal

if TYPE_CHECKING:
    from cairo.runs.asked import Instead


def run(
    scenario: ScenarioArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs of the file, or patterns such as 'hp_*'.",
            metavar="RUN...",
            autocompletion=run_names,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run every run of the file.")] = False,
    backend: Annotated[
        str | None,
        typer.Option(
            help=f"How the hours are worked on, instead of the run's backend: {BACKEND_NAMES}.",
            autocompletion=backend_names,
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder to put run directories into, instead of path_outputs.", readable=False
        ),
    ] = None,
    config_dir: ConfigOption = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Worker processes, at most the CPUs, instead of process_workers."),
    ] = None,
    performance_report: Annotated[
        bool,
        typer.Option(
            "--performance-report",
            help="Save Dask's performance report as performance_report.html in the directory of "
            "the one run (dask_dataframe only).",
        ),
    ] = False,
    keep_dashboard: Annotated[
        bool,
        typer.Option(
            "--keep-dashboard",
            help="Leave Dask's dashboard open after the one run, until Ctrl-C (dask_dataframe "
            "only).",
        ),
    ] = False,
    allow_unmodelled: UnmodelledOption = False,
    batch: Annotated[
        str | None,
        typer.Option(help="Name that stands for <batch> in path_outputs.", metavar="NAME"),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting instead of the file's; several values make a run of each. Also "
            "tariffs.ALIAS.fixed_charge, .min_charge, .rate_scale.",
            metavar="KEY=VALUE[,VALUE...]",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Leave out runs finished with the same settings, inputs and version."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, on which pass; write nothing.")
    ] = False,
) -> None:
    """Run runs of a scenario file and print their directories.

    Several runs on the same loads share one pass over them; a run that takes rates of another
    (`run:NAME`) comes after it. `study.csv` beside the directories has a row a run.
    """
    from cairo.workers.progress import watching

    if every == bool(names):
        raise ScenarioError("name runs, or give --all" if not every else "--all is every run")
    where: Instead = {
        "backend": backend,
        "output_dir": output_dir,
        "workers": workers,
        "allow_unmodelled": allow_unmodelled or None,
    }
    if dry_run:
        _show_plan(scenario, names or None, sets or (), config_dir, batch, resume, where)
        return
    with watching() as progress:
        first = _prepare(scenario, names, config_dir, where)
        if names == [first] and not sets and not resume:
            from cairo.runs.runner import run_scenario

            def hold(place: Path) -> None:
                progress.done()
                put(place)
                tell("the dashboard stays open until Ctrl-C")
                wait_for_signal()

            place = run_scenario(
                scenario,
                first,
                config_dir=config_dir,
                progress=progress,
                performance_report=performance_report,
                hold=hold if keep_dashboard else None,
                batch=batch,
                **where,
            )
            if not keep_dashboard:
                put(place)
            return
        for given, option in (
            (performance_report, "--performance-report"),
            (keep_dashboard, "--keep-dashboard"),
        ):
            if given:
                raise ScenarioError(f"{option} is of one run: name one")
        from cairo.runs.study import study

        found = study(
            scenario,
            names or None,
            sets=sets or (),
            resume=resume,
            config_dir=config_dir,
            progress=progress,
            batch=batch,
            finished=put,
            **where,
        )
    if found.runs:
        shown = found.table.drop(columns=["directory", "error"], errors="ignore")
        tell(shown.to_string(index=False, float_format="{:,.2f}".format))
    if found.failed:
        # Runs that share a pass share what ends it.
        raise InputErrors({str(error): error for error in found.failed.values()}.values())


def _show_plan(
    scenario: Path,
    names: list[str] | None,
    sets: Sequence[str],
    config_dir: Path | None,
    batch: str | None,
    resume: bool,
    where: Instead,
) -> None:
    """A row a run, in the order in which they would be made."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.runs.study import read_asked
    from cairo.runs.study_plan import study_plan

    read, asked = read_asked(scenario, names, sets, config_dir)
    plan = study_plan(read, asked, where, batch, resume=resume)
    passes = {name: str(n) for n, group in enumerate(plan.groups, 1) for name in group}
    rows = []
    for name in plan.order:
        after = plan.runs[name].after if name in plan.runs else ()
        state = "to run" if name in plan.runs else "fails"
        state = str(plan.finished.get(name, state))
        rows.append([name, passes.get(name, ""), ", ".join(after), state])
    table(["run", "pass", "builds on", "state"], rows)
    if plan.failed:
        raise InputErrors(plan.failed.values())


def _prepare(
    scenario: Path, names: list[str] | None, config_dir: Path | None, where: Instead
) -> str:
    """The first run's name, after worker processes have begun to import when it will start some."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.model.backends import ON_WORKERS
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    first, *_ = found.chosen(names)
    settings = found.run(first)
    dask = settings.dask
    elsewhere = dask.scheduler_address or dask.scheduler_file or dask.cluster
    alone = (where.get("workers") or dask.n_workers or settings.process_workers) == 1
    if (where.get("backend") or settings.backend) in ON_WORKERS and not elsewhere and not alone:
        from cairo.workers.worker_processes import prepare_workers

        prepare_workers()
    return first
