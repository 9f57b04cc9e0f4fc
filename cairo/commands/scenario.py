"""Commands on a scenario file that run nothing: `cairo init`, `cairo runs`, `cairo check`."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairo.commands.completion import run_names
from cairo.commands.terminal import (
    ConfigOption,
    ScenarioArgument,
    UnmodelledOption,
    on_terminal,
    put,
    table,
    tell,
)
from cairo.errors import CairoError, InputErrors

if TYPE_CHECKING:
    from cairo.scenario.references import Reference


def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder to make; nothing is overwritten.", readable=False)
    ],
    demo: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a demo: the scenario uses its homes, prices and requirement, and runs "
            "as it is."
        ),
    ] = None,
) -> None:
    """Write a commented scenario, an example tariff and a tariff map, to begin a study with."""
    from cairo.runs.first_scenario import MAP, TO_FILL, write_first_scenario

    scenario = write_first_scenario(folder, demo)
    put(scenario)
    if demo is None:
        tell(f"put your files in the place of each {TO_FILL}, and your homes into {folder / MAP};")
        tell("cairo check says what is left")
    else:
        tell(f"cairo run {scenario} example_precalc")


def runs(scenario: ScenarioArgument, config_dir: ConfigOption = None) -> None:
    """List the runs of a scenario file; where some build on others, as a tree in their order."""
    from cairo.scenario.references import order, references, tariff_name
    from cairo.scenario.scenario_file import read_scenario

    found = read_scenario(scenario, config_dir)
    known, errors = {}, []
    for name in found.runs:
        try:
            known[name] = found.run(name)
        except CairoError as error:
            errors.append(error)
    try:
        names = order(known, list(known))
    except CairoError as error:
        errors.append(error)
        names = list(known)
    sources = {name: _sources(references(known[name]), known) for name in names}
    tree = any(sources.values()) and on_terminal()
    depth: dict[str, int] = {}
    rows = []
    for name in names:
        settings = known[name]
        depth[name] = max((depth.get(one, 0) + 1 for one in sources[name]), default=0)
        shown = f"{'   ' * (depth[name] - 1)}└─ {name}" if tree and depth[name] else name
        scope = "delivery and supply" if settings.run_includes_supply else "delivery"
        tariffs = ", ".join(tariff_name(path) for path in settings.path_tariffs_electric.values())
        row = [shown, settings.run_type, settings.backend, scope, tariffs]
        rows.append([*row, ", ".join(sources[name])] if any(sources.values()) else row)
    head = ["run", "type", "backend", "requirement", "tariffs"]
    table([*head, "builds on"] if any(sources.values()) else head, rows)
    if errors:
        raise InputErrors(errors)


def _sources(taken: Iterable[Reference], known: Container[str]) -> list[str]:
    """Runs of the file that another builds on."""
    return list(dict.fromkeys(one.run for one in taken if one.run in known))


def check(
    scenario: ScenarioArgument,
    name: Annotated[
        str | None,
        typer.Argument(
            help="The run to check; every run of the file by default.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None,
    config_dir: ConfigOption = None,
    allow_unmodelled: UnmodelledOption = False,
) -> None:
    """Find every input error of a scenario's runs, load files included; write nothing."""
    from cairo.workers.dask_settings import import_dask

    import_dask()
    from cairo.runs.asked import with_latest
    from cairo.scenario.scenario_checks import check_runs, first_settings
    from cairo.scenario.scenario_file import read_scenario
    from cairo.workers.progress import watching

    found = read_scenario(scenario, config_dir)
    errors: dict[str, CairoError] = {}
    runs = {}
    for run_name in [name] if name else list(found.runs):
        try:
            settings = with_latest(found.run(run_name))
            if allow_unmodelled:
                settings = settings.changed(allow_unmodelled=True)
            runs[run_name] = settings
        except InputErrors as several:
            errors |= {str(error): error for error in several.errors}
        except CairoError as error:
            errors[str(error)] = error
    first, wrong = first_settings(found, runs)
    errors |= {str(error): error for error in wrong}
    with watching() as progress:
        left_out: dict[str, None] = {}
        found_wrong = check_runs(first, progress, lambda one: left_out.setdefault(str(one)))
        errors |= {str(error): error for error in found_wrong}
    unused = sorted({key for settings in runs.values() for key in settings.not_used})
    if unused:
        tell(f"not used: {', '.join(unused)}")
    for line in left_out:
        put(f"not modelled: {line}")
    if errors:
        raise InputErrors(errors.values())
    put(f"{scenario}: no errors found")
